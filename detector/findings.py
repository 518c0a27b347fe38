"""Findings of one case in the shape of DESIGN section 10, made from the arrays of :mod:`detector.score`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc

from detector import verdict as v
from detector.arrays import Bools, Ints, count, occasion_count
from detector.elements import MET, STATUS_NAMES, UNKNOWN
from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.moments import utc_text as utc_text
from detector.records import RecordIds
from detector.score import Judged, Scored, score
from detector.statute import Element, Profile

#: what stands for robustness where nothing was tried
NOT_TRIED: dict[str, Any] = {
    "stable": None,
    "tested": 0,
    "by_kind": {},
    "weakest": None,
    "strongest": None,
    "flips": [],
}


def span_text(seconds: int) -> str:
    """Return a length of time in words: days from two days on, else hours, minutes or seconds, rounded down."""
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} seconds"


def group_rows(scored: Scored, g: int) -> tuple[int, int]:
    """Return the slice of course rows of one group."""
    group = scored.state.course.group
    return int(np.searchsorted(group, g, "left")), int(np.searchsorted(group, g, "right"))


def record_rows(scored: Scored, case: int, rows: Ints) -> Ints:
    """Return the numbers (events, then positions, of the case) of the records behind course rows, in their order."""
    c = scored.state.course
    base = sum(len(x.events) + len(x.positions) for x in scored.state.cases[:case])
    return c.records_of(rows) - base


def case_findings(
    scored: Scored, case: int, robustness: dict[str, dict[str, Any]] | None = None,
    earlier: dict[str, list[dict[str, Any]]] | None = None, *, bare: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the findings of one case, sorted by contact id; ``bare`` leaves the records of indicators out.

    Contacts with neither act nor outgoing row are left out unless they are declared. ``earlier`` is what earlier versions of the statute say of a
    contact (:func:`version_findings`), by contact id.
    """
    s = scored.state
    c = s.course
    ids = RecordIds.of(s.cases[case])
    used = count(c.group, c.n_groups) > 0
    before = c.act & ~s.sets.law
    before_acts = count(c.group, c.n_groups, before)
    before_occasions = occasion_count(c.group, c.n_groups, c.ts, before, s.window)
    out = []
    for g, group in enumerate(c.groups):
        if group.case != case or not (used[g] or group.declared):
            continue
        lo, hi = group_rows(scored, g)
        folded: dict[bytes, list[str]] = {}  # many indicators of a contact rest on the same rows

        def records(rows: Bools, lo: int = lo, hi: int = hi, folded: dict[bytes, list[str]] = folded) -> list[str]:
            if bare:
                return []
            key = rows[lo:hi].tobytes()
            if key not in folded:
                folded[key] = ids.fold(record_rows(scored, case, np.flatnonzero(rows[lo:hi]) + lo))
            return folded[key]

        if (g, bare) not in scored.shown:
            scored.shown[g, bare] = _indicators(scored, g, records)
        indicators = scored.shown[g, bare]
        elements, points = _elements(scored, g, indicators)
        against = [
            {"id": line.indicator, "value": indicators[line.indicator]["value"],
             "unit": indicators[line.indicator]["unit"], "points": int(scored.elements.points[line.indicator][g]),
             "origin": line.origin, "records": indicators[line.indicator]["records"]}
            for line in scored.profile.against
            if indicators[line.indicator]["value"]
        ]  # fmt: skip
        other = int(scored.verdicts.otherwise[g])
        out.append({
            "contact_id": group.contact_id, "label": group.label, "role": group.role, "declared": group.declared,
            "identifiers": list(group.identifiers), "verdict": v.VERDICTS[int(scored.verdicts.verdict[g])],
            "reason": reason(scored, g, indicators),
            "otherwise": v.VERDICTS[other] if other >= 0 else None,
            "first_repeated": _moment(scored.first_repeated[g]), "first_met": _moment(scored.first_met[g]),
            "points": points + sum(a["points"] for a in against), "points_max": scored.profile.points_max,
            "before_law": {"acts": int(before_acts[g]), "occasions": int(before_occasions[g]), "records": records(before)},
            "said_at_notice": _said(scored, case, g, ids),
            "indicators": indicators, "elements": elements, "against": against, "hypotheses": [], "typicality": [],
            "robustness": (robustness or {}).get(group.contact_id, NOT_TRIED),
            "earlier_versions": (earlier or {}).get(group.contact_id, []),
        })  # fmt: skip
    return sorted(out, key=lambda f: str(f["contact_id"]))


def version_findings(judged: Judged, case: int) -> dict[str, dict[str, Any]]:
    """Return, by contact id, what one version of a statute says of the contacts with acts in its time."""
    profile, groups = judged.profile, judged.state.course.groups
    acts = judged.state.any(judged.state.sets.law)
    return {
        group.contact_id: {
            "version": profile.version, "valid_from": profile.valid_from.isoformat(),
            "valid_to": None if profile.valid_to is None else profile.valid_to.isoformat(),
            "verdict": v.VERDICTS[int(judged.verdicts.verdict[g])],
            "points": sum(int(x[g]) for x in judged.elements.points.values()),
            "elements": [{"id": e.id, "status": STATUS_NAMES[int(judged.elements.status[e.id][g])]} for e in profile.elements],
        }
        for g, group in enumerate(groups)
        if group.case == case and acts[g]
    }  # fmt: skip


def _said(scored: Scored, case: int, g: int, ids: RecordIds) -> dict[str, Any]:
    """Return the owner's outgoing rows within an hour of a notice: they are the notice itself and answer nothing, but they are shown."""
    c = scored.state.course
    base = sum(len(x.events) + len(x.positions) for x in scored.state.cases[:case])
    rows = c.said_record[c.said_group == g] - base
    return {"events": len(rows), "records": ids.fold(rows)}


def _moment(us: Any) -> str | None:
    return utc_text(int(us)) if us >= 0 else None


def _indicators(scored: Scored, g: int, records: Any) -> dict[str, Any]:
    out = {}
    for name, indicator in all_indicators().items():
        m = scored.measured[name]
        known = m.known is None or bool(m.known[g])
        entry: dict[str, Any] = {
            "value": int(m.value[g]) if known else None, "unit": indicator.unit,
            "records": records(m.rows) if known and m.value[g] else [],
        }  # fmt: skip
        if m.parts is not None:
            entry["parts"] = m.parts(g)
        out[name] = entry
    return out


def _elements(scored: Scored, g: int, indicators: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    out, points = [], 0
    for e in scored.profile.elements:
        status = STATUS_NAMES[int(scored.elements.status[e.id][g])]
        row: dict[str, Any] = {
            "id": e.id,
            "need": e.need,
            "title": e.title,
            "status": status,
            "mark": e.mark,
            "source": e.source,
        }
        if e.need == "not_measurable":
            row["needs"] = e.needs
        else:
            row["indicators"] = []
            for line in e.lines:
                given = int(scored.elements.points[line.indicator][g]) if line.levels else 0
                points += given
                row["indicators"].append({
                    "id": line.indicator, "value": indicators[line.indicator]["value"],
                    "threshold": line.threshold or None, "origin": line.origin, "source": line.source, "points": given,
                })  # fmt: skip
            if status == "unknown":
                row["unknown_because"] = _unknown(scored, g, e)
            elif status == "not_met":
                row["short"] = e.short + _blind_places(e, indicators)
        out.append(row)
    return out, points


#: why an indicator of another kind of statement is unknown, where the sources are not the reason
_NO_KIND = {
    "order_occasions": "no order was served as far as the case says",
    "warning_occasions": "no police warning is on file",
    "block_evasion": "no block is on file",
    "thin_course": "there is no unwanted occasion",
    "own_permille": "there is no act",
    "rate_ratio_permille": "the two periods are not both covered by the case and the law",
    "trend_tau_permille": "the course is too short for a trend",
    "initiatives_since_notice": "no dated refusal on file",
}
#: indicators of presence that a contact's positions could show, were they accurate enough
_BY_POSITION = frozenset(
    {"tracking_occasions", "tracked_places", "presence_acts", "presence_days", "visits", "encounters", "following"}
)
#: indicators that rest on a refusal and are unknown without one
_REFUSAL = frozenset({
    "after_notice_occasions", "after_notice_acts", "refused_occasions", "after_notice_share_permille", "channels_after_notice",
    "replies_after_notice", "initiatives_after_notice", "conversations_after_notice", "outgoing_after_notice",
})  # fmt: skip


def _blind_places(e: Element, indicators: dict[str, Any]) -> str:
    """Name the places of which no position of the contact is accurate enough to say whether it was there: that is no "never there"."""
    if not any(line.indicator == "tracking_occasions" for line in e.lines):
        return ""
    blind = [p["place"] for p in indicators["visits"].get("parts", []) if p["visits"] is None]
    return f"; no position is accurate enough to say whether the contact was at {', '.join(blind)}" if blind else ""


def _unknown(scored: Scored, g: int, element: Element) -> str:
    """Return why an element cannot be told."""
    s = scored.state
    known = {x.indicator: scored.measured[x.indicator].known for x in element.lines if x.comparison}
    names = [name for name, groups in known.items() if groups is not None and not groups[g]]
    if _REFUSAL.isdisjoint(names):
        special = {_NO_KIND[n] for n in names if n in _NO_KIND}
        if not _BY_POSITION.isdisjoint(names) and np.isfinite(s.course.least_error[g]):
            special.add(
                "every position of the contact is less accurate than every place of the owner is wide: they cannot say"
            )
        return "; ".join(sorted(special)) or "no source that could show it is in the case"
    notices = s.course.notices
    if not notices.most or not (notices.row[g] >= 0).any():
        group = s.course.groups[g]
        later = s.cases[group.case].notices
        dated = later.filter(pc.and_(pc.equal(later["contact_id"], group.contact_id), pc.invert(later["refused"])))
        return "the refusal on file is dated after the scoring date" if len(dated) else "no dated refusal on file"
    if s.sets.first[g] < 0:
        return "the refusal on file is overtaken by the owner's own later initiatives"
    return "the refusal on file is contested by two-way contact since"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _wanted(occasions: int, days: int, span_s: int) -> str:
    return f"{counted(occasions, 'unwanted occasion')} on {counted(days, 'day')}, first to last {span_text(span_s)}"


def reason(scored: Scored, g: int, ind: dict[str, Any]) -> str:
    """Return why the verdict is what it is, in one or two sentences with the numbers that the rule compared."""
    n = {k: x["value"] for k, x in ind.items()}
    r = {k: int(x[g]) for k, x in scored.verdicts.numbers.items()}
    code = int(scored.verdicts.reason[g])
    short = [e for e in scored.profile.elements if e.need not in ("informative", "not_measurable")]
    lacking = [
        f"{e.title.lower()} ({_unknown(scored, g, e) if scored.elements.status[e.id][g] == UNKNOWN else e.short})"
        for e in short
        if scored.elements.status[e.id][g] != MET and not _group_met(scored, g, e.need)
    ]
    missing = f" Short of the statute's measurable elements: {'; '.join(lacking)}." if lacking else ""
    before = _before(scored, g)
    back = f", {counted(before, 'act')} before the statute's commencement counted in as background" if before else ""
    match code:
        case v.SERVICE:
            if scored.state.course.groups[g].role == "service":
                return "The contact is declared a service."
            return "The sender uses only alphanumeric or short codes, without a call and without a position."
        case v.NO_ACT:
            return "No act of this contact is on file."
        case v.NO_ACT_IN_LAW:
            if scored.state.as_of[scored.state.course.groups[g].case] <= scored.state.valid_from:
                return f"The statute is not yet in force as of the scoring date: it begins on {scored.profile.valid_from.isoformat()}; {counted(before, 'act')} before it."
            return f"No act since the statute is in force; {counted(before, 'act')} before it."
        case v.NO_COVERAGE:
            return "No act since the statute is in force, but the sources leave more than half of that time open."
        case v.ALL_MET:
            return (
                "Every measurable required element is met: "
                f"{_wanted(n['unwanted_occasions'], n['unwanted_days'], n['unwanted_span_s'])}; {_unwanted(scored, g, n)}."
            )
        case v.WAITING:
            return (
                "Repeated waiting, following, entering or an attributed tracker: "
                f"{counted(r['waiting'], 'occasion')} on {counted(r['waiting_days'], 'day')}{back}.{missing}"
            )
        case v.RUN:
            return (
                f"A run of {counted(r['run'], 'unanswered occasion')} of calls, direct messages or requests since the owner's "
                f"last outgoing event or conversation{back}.{missing}"
            )
        case v.RECIPROCAL:
            return (
                f"Contact goes both ways: {counted(n['replies'], 'reply', 'replies')}, {counted(n['initiatives'], 'initiative')} "
                f"and {counted(n['conversations'], 'conversation')} of the owner beside {counted(r['occasions'], 'occasion')} "
                "in all the time on file."
            )
        case v.AFTER_NOTICE:
            return (
                "Repeated and continued after the refusal: "
                f"{_wanted(r['unwanted'], r['unwanted_days'], r['unwanted_span_s'])}; "
                f"{counted(r['after_notice'], 'act')} after it{back}.{missing}"
            )
        case v.TRACKING:
            return f"Repeated tracking: {counted(r['tracked'], 'occasion')} on {counted(r['tracked_days'], 'day')}{back}.{missing}"
        case v.COURSE:
            return (
                f"A one-sided course: {counted(r['course'], 'unanswered occasion')} of calls, direct messages or requests"
                f"{back}.{missing}"
            )
        case v.ISOLATED_NOTICE:
            return (
                f"{counted(n['after_notice_acts'], 'act')} after the refusal, below the strength of a repeated course."
            )
        case v.ISOLATED_PRESENCE:
            return (
                f"{counted(r['presence'], 'sighting or visit', 'sightings or visits')} and "
                f"{counted(r['journal'], 'other statement')} of the journal, below the strength of a repeated course."
            )
        case v.ISOLATED_UNANSWERED:
            return f"{counted(r['unanswered'], 'unanswered occasion')}{back}, below the strength of a course."
    return (
        f"{counted(n['acts'], 'act')} on {counted(n['occasions'], 'occasion')}, {n['unanswered_occasions']} of them unanswered; "
        "nothing that the rules count as a pattern."
    )


def _unwanted(scored: Scored, g: int, n: dict[str, Any]) -> str:
    """Say what shows that the contact was unwanted: what came after a refusal, or else that it was one-sided or the owner was watched."""
    if any(
        scored.elements.status[e.id][g] == MET and any(x.comparison and x.indicator in _REFUSAL for x in e.lines)
        for e in scored.profile.elements
        if e.decides
    ):
        return f"{counted(n['after_notice_occasions'], 'occasion')} of contact attempts or tracking after the refusal"
    one_sided = f"{counted(n['course_occasions'], 'unanswered occasion')} of calls, direct messages or requests"
    waited = f"{counted(n['waiting_occasions'] or 0, 'occasion')} of waiting, following or entering"
    return f"it was unwanted by other signs than a refusal: {one_sided}, first to last {span_text(n['course_span_s'])}; {waited}"


def _before(scored: Scored, g: int) -> int:
    s, rows = scored.state, slice(*group_rows(scored, g))
    return int((s.course.act[rows] & ~s.sets.law[rows]).sum())


def _group_met(scored: Scored, g: int, need: str) -> bool:
    return need.startswith("alternative:") and any(
        scored.elements.status[e.id][g] == MET for e in scored.profile.elements if e.need == need
    )


def score_case(case: CaseTables, profile: Profile, *, as_of: int, valid_from: int) -> list[dict[str, Any]]:
    """Score one case and return its findings in the shape of DESIGN section 10, sorted by contact id (see :func:`score`)."""
    return case_findings(score([case], profile, [as_of], valid_from=valid_from), 0)
