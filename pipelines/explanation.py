"""One finding as a worked sum in words: what ``qorgan explain`` prints and a notebook shows."""

from __future__ import annotations

from typing import Any

from detector.findings import counted
from detector.indicators import all_indicators
from pipelines.errors import UserError, shown
from pipelines.masking import harmless
from pipelines.report.words import BASES, CHANGES, NOTICES, STATUSES, marked, measured, needed, sourced, threshold
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


def named(indicator: str) -> str:
    """Return an indicator by its title, and the id that ``qorgan show`` takes."""
    return f"{all_indicators()[indicator].title} ({indicator})"


def usual(entry: dict[str, Any]) -> str:
    """Return one entry of ``typicality`` as a sentence."""
    unit = all_indicators()[entry["indicator"]].unit
    text = (
        f"{named(entry['indicator'])} = {measured(entry['value'], unit)}: {entry['as_extreme']} of {counted(entry['contacts'], 'contact')} of "
        f"{entry['reference']} reach {measured(entry['at_cut'], unit)} or more in about {counted(entry['period_days'], 'day')} "
        f"(at most {entry['upper95']:.10f}"
    ).rstrip("0").rstrip(".") + " of such contacts, exact 95 % bound)"
    return text + ("; not comparable: " + ", ".join(_CAVEATS[c] for c in entry["caveats"]) if entry["caveats"] else "")


def not_comparable(entries: list[dict[str, Any]]) -> str:
    """Return one sentence for all entries of ``typicality`` with a caveat: how many, and why; empty without any."""
    apart = [e for e in entries if not e["comparable"]]
    why = [(sum(c in e["caveats"] for e in apart), text) for c, text in _CAVEATS.items()]
    causes = "; ".join(f"{text} ({n})" for n, text in why if n)
    return f"{counted(len(apart), 'number')} not comparable: {causes}" if apart else ""


def _points(points: int) -> str:
    return f"{points:+d} {'point' if abs(points) == 1 else 'points'}"


def explanation(document: dict[str, Any], f: dict[str, Any], zone: str) -> str:
    """Return the worked sum of one finding as text."""
    several = len(f["identifiers"]) > 1
    label, identifiers = harmless(f["label"], lines=False), [harmless(i, lines=False) for i in f["identifiers"]]
    out = [
        f"{f['contact_id']} ({label}), role {f['role']}: {f['verdict']}",
        f["reason"],
        f"statute {document['statute']['id']}, as of {document['as_of']}; identifiers: {', '.join(identifiers) or 'none'}"
        + (
            f" (joined because case.toml declares them of {f['contact_id']}; take one out there to undo it)"
            if several
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
        f"before the statute's commencement ({document['statute']['valid_from']}): {counted(before['acts'], 'act')}, {counted(before['occasions'], 'occasion')} (background)"
    )
    for v in f["earlier_versions"]:
        met = ", ".join(e["id"] for e in v["elements"] if e["status"] == "met") or "no element"
        out.append(
            f"acts from {v['valid_from']} until {v['valid_to']} by the law of their day (version {v['version']}): {v['verdict']}, "
            f"{counted(v['points'], 'point')}; met: {met}"
        )
    for n in document["notices"]:
        if n["contact_id"] == f["contact_id"]:
            effect = "refused" if n["refused"] else "effective" if n["effective"] else "overtaken"
            effect = "dated after the scoring date" if n["later"] else effect
            out.append(
                f"notice {clock_text(n['at'], zone)} {NOTICES[n['kind']]} ({BASES[n['basis']]}): {effect}{', contested' if n['contested'] else ''}"
            )
    for u in document["unblocked"]:
        if u["contact_id"] == f["contact_id"]:
            out.append(
                f"the owner took a block back {clock_text(u['at'], zone)} ({u['record']}); that cancels no notice"
            )
    said = f["said_at_notice"]
    if said["events"]:
        out.append(
            f"{counted(said['events'], 'outgoing event')} within an hour of a notice {'is' if said['events'] == 1 else 'are'} the notice itself "
            f"and {'answers' if said['events'] == 1 else 'answer'} nothing: {_records(said['records'])}"
        )
    stated, acts = f["indicators"]["stated_acts"]["value"], f["indicators"]["acts"]["value"]
    if stated:
        out.append(f"{stated} of {counted(acts, 'act')} known from the journal alone: a person's statement")
    running = 0
    for e in f["elements"]:
        out.append(
            f"\n{e['title']} ({e['id']}, {needed(e['need'])}): {STATUSES[e['status']]} {marked(e['mark'], e['source'])}"
        )
        if "needs" in e:
            out.append(f"    what would fill it: {e['needs']}")
        above: list[str] = []
        for line in e.get("indicators", []):
            running += line["points"]
            ind = f["indicators"][line["id"]]
            test = f", threshold {threshold(line['threshold'], ind['unit'])}" if line["threshold"] else ""
            out.append(
                f"    {named(line['id'])} = {measured(line['value'], ind['unit'])}{test} [{sourced(line['origin'], line['source'])}]: "
                f"{_points(line['points'])}, sum {running}"
            )
            if ind["records"]:
                same = ind["records"] == above
                out.append(f"        records: {'the same as above' if same else _records(ind['records'])}")
            above = ind["records"] or above
        for word in ("unknown_because", "short"):
            if word in e:
                out.append(f"    {e[word]}")
    out.append("\nwhat speaks against")
    for a in f["against"]:
        running += a["points"]
        out.append(f"    {named(a['id'])} = {measured(a['value'], a['unit'])}: {_points(a['points'])}, sum {running}")
        if a["records"]:
            out.append(f"        records: {_records(a['records'])}")
    if not f["against"]:
        out.append("    nothing that was measured")
    out.append(f"\npoints: {running} of at most {f['points_max']}; points rank contacts and never change a verdict")
    if f["typicality"]:
        folded = not_comparable(f["typicality"])
        out += ["\n" + TYPICAL, *(f"    {usual(x)}" for x in f["typicality"] if x["comparable"])]
        out += [f"    {folded} (not written out here; findings.json has them)"] if folded else []
    if f["hypotheses"]:
        out.append(
            "\none person behind several identifiers? (offered with reasons; nothing is joined until an analyst accepts it)"
        )
        out += [f"    {line}" for line in sentences(f, zone)]
    r = f["robustness"]
    kinds = ", ".join(counted(n, *CHANGES[kind]) for kind, (n, _) in r["by_kind"].items())
    flips = len(r["flips"])
    out.append(
        f"\nhow firm the verdict is: {counted(r['tested'], 'change')} tried{f' ({kinds})' if kinds else ''}, one at a time: "
        + (
            f"{flips} {'changes' if flips == 1 else 'change'} the verdict, {r['weakest']} to {r['strongest']}"
            if r["flips"]
            else "none changes the verdict"
        )
    )
    out += [harmless(f"    {x['change']}: {x['verdict']} ({x['why']})", lines=False) for x in r["flips"]]
    out.append(
        "what metadata can never show: who used a number, intent, harm, absence of a lawful reason, consent that was not written down"
    )
    return "\n".join(out)
