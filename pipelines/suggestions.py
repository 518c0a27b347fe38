"""Hypotheses in words: one person behind several identifiers? What ``explain``, ``contacts`` and the report say of them, without and with."""

from __future__ import annotations

from typing import Any

from detector.findings import counted, span_text
from detector.indicators import all_indicators
from pipelines.masking import harmless
from pipelines.report.words import STATUSES, measured
from pipelines.scoring import clock_text

#: how a refusal is called
_REFUSALS = {
    "told_to_stop": "the word to stop", "blocked": "the block", "order_served": "the order", "police_warning": "the police warning",
    "rejected_call": "the rejected call", "blocked_call": "the blocked call",
}  # fmt: skip


def offered(finding: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the hypotheses of a finding that are offered, the strongest first."""
    return [h for h in finding["hypotheses"] if "reasons" in h]


def decided(finding: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what people decided about identifiers of a contact."""
    return [h for h in finding["hypotheses"] if "decision" in h]


def names(hypothesis: dict[str, Any]) -> str:
    """Return the identifiers of a hypothesis or a decision as they may be printed."""
    return ", ".join(harmless(i, lines=False) for i in hypothesis["identifiers"])


def reasons(hypothesis: dict[str, Any], zone: str) -> list[tuple[int, str, list[str]]]:
    """Return points, words and records of every reason for and against a hypothesis.

    Parameters
    ----------
    hypothesis : dict
        An entry of :func:`offered`.
    zone : str
        The case's zone, for the clock.
    """
    refusal = hypothesis["refusal"]
    kind, at = _REFUSALS[refusal["kind"]], clock_text(refusal["at"], zone)
    out = []
    for r in (*hypothesis["reasons"], *hypothesis["against"]):
        n = r["value"]
        words = {
            "timing": f"first act {span_text(n)} after {kind} of {at}",
            "take_over": f"the contact's acts on that channel ended {span_text(n)} before, and did not come back",
            "same_channel": f"{counted(n, 'channel')} in common",
            "same_hours": f"hours of the day alike: {n} ‰",
            "same_places": f"{counted(n, 'place')} at which both were",
            "one_way": f"the owner answered neither of them: {counted(n, 'act')}",
            "number_kinship": f"{counted(n, 'number')} like one of the contact's but for the last digits",
            "overlap": f"{counted(n, 'act')} of the contact on that channel after the other began",
            "owner_answered": f"the owner wrote, called or took a call: {counted(n, 'event')}",
            "other_country": f"{counted(n, 'country code')} that the contact's numbers do not have",
        }[r["id"]]
        out.append((r["points"], words, r["records"]))
    return out


def change(finding: dict[str, Any], hypothesis: dict[str, Any]) -> str:
    """Return the verdict without and with a hypothesis."""
    return f"{finding['verdict']} → {hypothesis['with']['verdict']}"


def _side_by_side(finding: dict[str, Any], joined: dict[str, Any], zone: str) -> list[str]:
    """Return the finding without and with, and the numbers that differ."""
    before, first = (clock_text(f["first_met"], zone) for f in (finding, joined))
    out = [
        f"without: {finding['verdict']}, {finding['points']} points, every required element first met {before}",
        f"with:    {joined['verdict']}, {joined['points']} points, every required element first met {first}: {joined['reason']}",
    ]
    was = {e["id"]: e["status"] for e in finding["elements"]}
    titles = {e["id"]: e["title"] for e in finding["elements"]}
    moved = [
        f"{titles[e['id']]}: {STATUSES[was[e['id']]]} → {STATUSES[e['status']]}"
        for e in joined["elements"]
        if e["status"] != was[e["id"]]
    ]
    for name, n in joined["indicators"].items():
        left, right = (measured(n[k], n["unit"]) for k in ("without", "with"))
        moved.append(f"{all_indicators()[name].title}: {left} → {right}")
    return [*out, f"what differs: {'; '.join(moved) or 'nothing that is shown here'}"]


def sentences(finding: dict[str, Any], zone: str) -> list[str]:
    """Return what is to be said of the hypotheses of a finding, one line each; lines that belong to one before begin with four blanks.

    Parameters
    ----------
    finding : dict
        A finding of the document.
    zone : str
        The case's zone, for the clock.
    """
    who = finding["contact_id"]
    out: list[str] = []
    for h in finding["hypotheses"]:
        if "reasons" in h:
            out.append(f"{h['contact_id']} ({names(h)}) may be {who}: {counted(h['points'], 'point')}")
            for points, words, ids in reasons(h, zone):
                more = f" ({', '.join(ids[:3])}{f' and {len(ids) - 3} more' if len(ids) > 3 else ''})" if ids else ""
                out.append(f"    {points:+d} {words}{more}")
            out += [f"    {line}" for line in _side_by_side(finding, h["with"], zone)]
        elif "together" in h:
            left = f"; {h['left_out']} weaker ones are left out" if h["left_out"] else ""
            out.append(f"if all of {', '.join(h['together'])} are {who}{left}")
            out += [f"    {line}" for line in _side_by_side(finding, h["with"], zone)]
        elif "decision" in h:
            undo = (
                f"counted as {who}'s; take its [[same_person]] out of case.toml to undo it"
                if h["decision"] == "accepted"
                else f"not {who}'s, and not suggested again"
            )
            out.append(f"{names(h)} was {h['decision']} ({harmless(h['note'], lines=False)}): {undo}")
        else:
            out.append(
                f"{who} may be {h['contact_id']}: {counted(h['points'], 'point')}; the finding of {h['contact_id']} shows both"
            )
    return out
