"""One finding as a worked sum in words: what ``qorgan explain`` prints and a notebook shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.errors import UserError, shown
from pipelines.masking import harmless
from pipelines.scoring import local_text


def find(document: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Return the finding of a contact, by id, then by label, then by identifier.

    Raises
    ------
    UserError
        Nobody, or more than one, is called that.
    """
    findings: list[dict[str, Any]] = document["findings"]
    for match in (
        [f for f in findings if f["contact_id"] == wanted],
        [f for f in findings if f["label"] == wanted],
        [f for f in findings if wanted in f["identifiers"]],
    ):
        if len(match) == 1:
            return match[0]
        if match:
            raise UserError(
                f"{shown(wanted)!r} names {len(match)} contacts; give one of the ids {', '.join(f['contact_id'] for f in match)}"
            )
    raise UserError(
        f"no contact {shown(wanted)!r} in this case; the known ones are {', '.join(f['contact_id'] for f in findings) or 'none'}"
    )


def _clock(text: str | None, zone: str) -> str:
    """Return a moment of the document by the clock of the case's zone."""
    return "never" if text is None else local_text(int(datetime.fromisoformat(text).timestamp()) * 1_000_000, zone)


def _records(ids: list[str]) -> str:
    shown = ", ".join(ids[:6])
    return f"{shown} and {len(ids) - 6} more" if len(ids) > 6 else shown


def explanation(document: dict[str, Any], f: dict[str, Any], zone: str) -> str:
    """Return the worked sum of one finding as text."""
    label, identifiers = harmless(f["label"], lines=False), [harmless(i, lines=False) for i in f["identifiers"]]
    out = [
        f"{f['contact_id']} ({label}), role {f['role']}: {f['verdict']}",
        f["reason"],
        f"statute {document['statute']['id']}, as of {document['as_of']}; identifiers: {', '.join(identifiers) or 'none'}"
        + (
            f" (joined because case.toml declares them of {f['contact_id']}; take one out there to undo it)"
            if len(identifiers) > 1
            else ""
        ),
    ]
    if f["otherwise"]:
        out.append(f"without the rule {f['verdict']} the verdict would be {f['otherwise']}")
    out.append(
        f"repetition first shown {_clock(f['first_repeated'], zone)} (as the records then stood); "
        f"every required element first met {_clock(f['first_met'], zone)}"
    )
    before = f["before_law"]
    out.append(
        f"before the statute's commencement ({document['statute']['valid_from']}): {before['acts']} acts, {before['occasions']} occasions (background)"
    )
    for n in document["notices"]:
        if n["contact_id"] == f["contact_id"]:
            effect = "refused" if n["refused"] else "effective" if n["effective"] else "overtaken"
            effect = "dated after the scoring date" if n["later"] else effect
            out.append(
                f"notice {_clock(n['at'], zone)} {n['kind']} ({n['basis']}): {effect}{', contested' if n['contested'] else ''}"
            )
    for u in document["unblocked"]:
        if u["contact_id"] == f["contact_id"]:
            out.append(f"the owner took a block back {_clock(u['at'], zone)} ({u['record']}); that cancels no notice")
    said = f["said_at_notice"]
    if said["events"]:
        out.append(
            f"{said['events']} outgoing events within an hour of a notice are the notice itself and answer nothing: {_records(said['records'])}"
        )
    stated, acts = f["indicators"]["stated_acts"]["value"], f["indicators"]["acts"]["value"]
    if stated:
        out.append(f"{stated} of {acts} acts are known from the journal alone: they are a person's statement")
    running = 0
    for e in f["elements"]:
        out.append(f"\n{e['id']} ({e['need']}): {e['status']} · {e['title']} [{e['mark']}: {e['source']}]")
        if "needs" in e:
            out.append(f"    metadata cannot show it; what would fill it: {e['needs']}")
        for line in e.get("indicators", []):
            running += line["points"]
            ind = f["indicators"][line["id"]]
            value = "unknown" if line["value"] is None else f"{line['value']} {ind['unit']}"
            test = f", threshold {line['threshold']}" if line["threshold"] else ""
            out.append(
                f"    {line['id']} = {value}{test} [{line['origin']}: {line['source']}]: {line['points']:+d} points, sum {running}"
            )
            if ind["records"]:
                out.append(f"        records: {_records(ind['records'])}")
        for word in ("unknown_because", "short"):
            if word in e:
                out.append(f"    {e[word]}")
    out.append("\nspeaks against")
    for a in f["against"]:
        running += a["points"]
        out.append(f"    {a['id']} = {a['value']} {a['unit']}: {a['points']:+d} points, sum {running}")
        out.append(f"        records: {_records(a['records'])}")
    if not f["against"]:
        out.append("    nothing that was measured")
    out.append(f"\npoints: {running} of at most {f['points_max']}; points rank contacts and never change a verdict")
    r = f["robustness"]
    flips = "; ".join(f"{x['change']} gives {x['verdict']}" for x in r["flips"])
    out.append(
        f"robustness: {r['tested']} changes tried, "
        + (f"the verdict changes with: {flips}" if flips else "none changes the verdict")
    )
    out.append(
        "what metadata can never show: who used a number, intent, harm, absence of a lawful reason, consent that was not written down"
    )
    return "\n".join(out)
