"""One finding as a worked sum in words: what ``qorgan explain`` prints and a notebook shows."""

from __future__ import annotations

from typing import Any

from pipelines.errors import UserError, shown
from pipelines.masking import harmless
from pipelines.scoring import clock_text
from pipelines.suggestions import sentences


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


def _records(ids: list[str]) -> str:
    shown = ", ".join(ids[:6])
    return f"{shown} and {len(ids) - 6} more" if len(ids) > 6 else shown


#: what stands above the lines of :func:`usual`
TYPICAL = "how usual are these numbers among ordinary contacts elsewhere? (counts of other people: no probability of anything about this contact)"
_CAVEATS = {
    "period": "this course is longer than those contacts were observed",
    "ways": "it counts acts by ways that were not observed there",
    "notice": "nobody there was refused",
    "numbers": "the statute counts by other numbers",
}


def usual(entry: dict[str, Any]) -> str:
    """Return one entry of ``typicality`` as a sentence."""
    text = (
        f"{entry['indicator']} = {entry['value']}: {entry['as_extreme']} of {entry['contacts']} contacts of {entry['reference']} reach {entry['at_cut']} or more "
        f"in about {entry['period_days']} days (at most {entry['upper95']:.10f}"
    ).rstrip("0").rstrip(".") + " of such contacts, exact 95 % bound)"
    return text + ("; not comparable: " + ", ".join(_CAVEATS[c] for c in entry["caveats"]) if entry["caveats"] else "")


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
        f"repetition first shown {clock_text(f['first_repeated'], zone)} (as the records then stood); "
        f"every required element first met {clock_text(f['first_met'], zone)}"
    )
    before = f["before_law"]
    out.append(
        f"before the statute's commencement ({document['statute']['valid_from']}): {before['acts']} acts, {before['occasions']} occasions (background)"
    )
    for v in f["earlier_versions"]:
        met = ", ".join(e["id"] for e in v["elements"] if e["status"] == "met") or "no element"
        out.append(
            f"acts from {v['valid_from']} until {v['valid_to']} by the law of their day (version {v['version']}): {v['verdict']}, "
            f"{v['points']} points; met: {met}"
        )
    for n in document["notices"]:
        if n["contact_id"] == f["contact_id"]:
            effect = "refused" if n["refused"] else "effective" if n["effective"] else "overtaken"
            effect = "dated after the scoring date" if n["later"] else effect
            out.append(
                f"notice {clock_text(n['at'], zone)} {n['kind']} ({n['basis']}): {effect}{', contested' if n['contested'] else ''}"
            )
    for u in document["unblocked"]:
        if u["contact_id"] == f["contact_id"]:
            out.append(
                f"the owner took a block back {clock_text(u['at'], zone)} ({u['record']}); that cancels no notice"
            )
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
    if f["typicality"]:
        out += ["\n" + TYPICAL, *(f"    {usual(x)}" for x in f["typicality"])]
    if f["hypotheses"]:
        out.append(
            "\none person behind several identifiers? (offered with reasons; nothing is joined until an analyst accepts it)"
        )
        out += [f"    {line}" for line in sentences(f, zone)]
        out.append("")
    r = f["robustness"]
    kinds = ", ".join(f"{n} {kind}" for kind, (n, _) in r["by_kind"].items())
    out.append(
        f"robustness: {r['tested']} changes tried{f' ({kinds})' if kinds else ''}, one at a time: "
        + (
            f"{len(r['flips'])} change the verdict, {r['weakest']} to {r['strongest']}"
            if r["flips"]
            else "none changes the verdict"
        )
    )
    out += [harmless(f"    {x['change']}: {x['verdict']} ({x['why']})", lines=False) for x in r["flips"]]
    out.append(
        "what metadata can never show: who used a number, intent, harm, absence of a lawful reason, consent that was not written down"
    )
    return "\n".join(out)
