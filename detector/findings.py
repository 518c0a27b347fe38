"""Findings of one case in the shape of DESIGN section 10, made from the arrays of :mod:`detector.score`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from detector import verdict as v
from detector.arrays import Bools, Ints, count, occasion_count
from detector.elements import STATUS_NAMES
from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.records import RecordIds
from detector.score import Scored, score
from detector.statute import Profile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(us: int) -> str:
    """Return a moment as ISO text in UTC, whole seconds."""
    return (_EPOCH + timedelta(seconds=us // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    start, end = c.record_from[rows], c.record_to[rows]
    length = end - start
    if not len(rows):
        return np.zeros(0, np.int64)
    at = np.repeat(start - np.r_[0, np.cumsum(length)[:-1]], length) + np.arange(int(length.sum()))
    return np.asarray(c.records[at] - base, np.int64)


def case_findings(
    scored: Scored, case: int, robustness: dict[str, dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the findings of one case, sorted by contact id.

    Contacts with neither act nor outgoing row are left out unless they are declared.
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

        def records(rows: Bools, lo: int = lo, hi: int = hi) -> list[str]:
            return ids.fold(record_rows(scored, case, np.flatnonzero(rows[lo:hi]) + lo))

        indicators = _indicators(scored, g, records)
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
            "indicators": indicators, "elements": elements, "against": against, "hypotheses": [], "typicality": [],
            "robustness": (robustness or {}).get(group.contact_id, {"stable": None, "tested": 0, "flips": []}),
        })  # fmt: skip
    return sorted(out, key=lambda f: str(f["contact_id"]))


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
            entry["parts"] = m.parts[g]
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
                row["unknown_because"] = _unknown(scored, g, e.id)
            elif status == "not_met":
                row["short"] = e.short
        out.append(row)
    return out, points


def _unknown(scored: Scored, g: int, element: str) -> str:
    s = scored.state
    if element == "against_will":
        notices = s.course.notices
        if not notices.most or not (notices.row[g] >= 0).any():
            return "no dated refusal on file"
        if s.sets.first[g] < 0:
            return "the refusal on file is overtaken by the owner's own later initiatives"
        return "the refusal on file is contested by two-way contact since"
    return "no source that could show it is in the case"


def reason(scored: Scored, g: int, ind: dict[str, Any]) -> str:
    """Return why the verdict is what it is, in one or two sentences with the numbers."""
    n = {k: x["value"] for k, x in ind.items()}
    code = int(scored.verdicts.reason[g])
    short = [e for e in scored.profile.elements if e.need not in ("informative", "not_measurable")]
    lacking = [
        f"{e.title.lower()} ({_unknown(scored, g, e.id) if scored.elements.status[e.id][g] == 1 else e.short})"
        for e in short
        if scored.elements.status[e.id][g] != 2 and not _group_met(scored, g, e.need)
    ]
    missing = f" Short of the statute's measurable elements: {'; '.join(lacking)}." if lacking else ""
    unwanted = f"{n['unwanted_occasions']} unwanted occasions on {n['unwanted_days']} days, first to last {span_text(n['unwanted_span_s'])}"
    match code:
        case v.SERVICE:
            return "The sender is declared a service, or uses only alphanumeric or short codes without calls."
        case v.NO_ACT:
            return "No act of this contact is on file."
        case v.NO_ACT_IN_LAW:
            return f"No act since the statute is in force; {_before(scored, g)} before it."
        case v.NO_COVERAGE:
            return "No act since the statute is in force, but the sources leave more than half of that time open."
        case v.ALL_MET:
            return f"Every measurable required element is met: {unwanted}; {n['after_notice_occasions']} occasions of contact attempts or tracking after the refusal."
        case v.WAITING:
            return f"Repeated waiting, following, entering or an attributed tracker ({n['tracking_occasions']} occasions of tracking).{missing}"
        case v.RUN:
            return f"A run of unanswered calls, messages or requests since the owner's last outgoing event or conversation ({n['unanswered_occasions']} unanswered occasions).{missing}"
        case v.RECIPROCAL:
            return f"Contact goes both ways: {n['replies']} replies, {n['initiatives']} initiatives and {n['conversations']} conversations of the owner beside {n['occasions']} occasions."
        case v.AFTER_NOTICE:
            return f"Repeated and continued after the refusal: {unwanted}; {n['after_notice_acts']} acts after it.{missing}"
        case v.TRACKING:
            return f"Repeated tracking: {n['tracking_occasions']} occasions.{missing}"
        case v.COURSE:
            return f"A one-sided course: {int(scored.verdicts.strong_occasions[g])} unanswered occasions of calls, messages or requests.{missing}"
        case v.ISOLATED_NOTICE:
            return f"{n['after_notice_acts']} acts after the refusal, below the strength of a repeated course."
        case v.ISOLATED_PRESENCE:
            return f"{n['presence_acts'] or 0} sightings or visits and what a journal states, below the strength of a repeated course."
        case v.ISOLATED_UNANSWERED:
            return f"{n['unanswered_occasions']} unanswered occasions, below the strength of a course."
    return f"{n['acts']} acts on {n['occasions']} occasions, {n['unanswered_occasions']} of them unanswered; nothing that the rules count as a pattern."


def _before(scored: Scored, g: int) -> str:
    s = scored.state
    number = int((s.course.act & ~s.sets.law & (s.course.group == g)).sum())
    return f"{number} acts"


def _group_met(scored: Scored, g: int, need: str) -> bool:
    return need.startswith("alternative:") and any(
        scored.elements.status[e.id][g] == 2 for e in scored.profile.elements if e.need == need
    )


def score_case(case: CaseTables, profile: Profile, *, as_of: int, valid_from: int) -> list[dict[str, Any]]:
    """Score one case and return its findings in the shape of DESIGN section 10, sorted by contact id (see :func:`score`)."""
    return case_findings(score([case], profile, [as_of], valid_from=valid_from), 0)
