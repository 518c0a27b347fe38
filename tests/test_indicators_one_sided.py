"""The one-sided counts on small cases that a reader counts by hand (docs/measures.md section 4b)."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.elements import measure
from detector.indicators import Measured
from detector.parameters import PARAMETERS
from detector.records import RecordIds
from detector.state import State
from tests.build import CaseBuilder

NAMES = (
    "course_occasions",
    "course_days",
    "course_span_s",
    "course_max_28d",
    "refused_occasions",
    "initiatives_since_notice",
)


def measured(case: CaseBuilder, valid_from: str = "2025-09-16") -> tuple[State, dict[str, Measured]]:
    numbers: dict[str, Any] = {name: p.value for name, p in PARAMETERS.items()}
    state = State([case.tables()], numbers, case.utc(valid_from), [case.as_of])
    return state, measure(state, NAMES)


def value(case: CaseBuilder, name: str) -> int | None:
    m = measured(case)[1][name]
    return int(m.value[0]) if m.known is None or m.known[0] else None


def records(case: CaseBuilder, name: str) -> list[str]:
    state, found = measured(case)
    ids = RecordIds.of(state.cases[0])
    return ids.fold(
        np.concatenate(
            [state.course.records_of(np.array([r])) for r in np.flatnonzero(found[name].rows)]
            or [np.zeros(0, np.int64)]
        )
    )


def unanswered(days: list[str], **more: Any) -> CaseBuilder:
    case = CaseBuilder(as_of="2026-02-01")
    for day in days:
        case.message("K1", f"2025-{day}", **more)
    return case


def test_the_course_holds_unanswered_calls_direct_messages_and_requests() -> None:
    case = CaseBuilder(as_of="2026-02-01")
    case.message("K1", "2025-09-15 12:00")  # before the law
    one = case.call("K1", "2025-10-01 10:00")
    two = case.message("K1", "2025-10-01 11:00")  # within the hour of the first: the same occasion
    three = case.event("request", "K1", "2025-10-01 11:00:01")  # more than an hour after it
    case.call("K1", "2025-10-02 10:00", answered=True, duration=5)
    case.email("K1", "2025-10-03 10:00")
    case.event("gift", "K1", "2025-10-03 11:00")
    case.message("K1", "2025-10-03 12:00", thread_kind="group", directed="yes")
    case.seen("K1", "2025-10-03 13:00", place="home")
    answered = case.message("K1", "2025-10-05 10:00")
    case.message("K1", "2025-10-06 10:00", out=True)  # within a day of it
    four = case.message("K1", "2025-10-07 10:00")
    assert value(case, "course_occasions") == 3
    assert value(case, "course_days") == 2
    assert value(case, "course_span_s") == 6 * 86_400
    assert value(case, "course_max_28d") == 3
    assert answered not in (one, two, three, four)
    for name in ("course_occasions", "course_days", "course_span_s", "course_max_28d"):
        assert records(case, name) == [f"{one}-4", four]


def test_the_fullest_28_days_are_half_open() -> None:
    inside = unanswered(["10-01 12:00", "10-10 12:00", "10-29 11:59:59"])
    assert value(inside, "course_max_28d") == 3
    beyond = unanswered(["10-01 12:00", "10-10 12:00", "10-29 12:00", "10-30 12:00", "10-30 12:30"])
    assert value(beyond, "course_max_28d") == 3  # from 10-10 on: 10-10, 10-29, 10-30
    assert records(beyond, "course_max_28d") == ["a00000000000#2-5"]
    assert value(beyond, "course_occasions") == 4


def test_without_such_acts_there_is_nothing() -> None:
    case = CaseBuilder(as_of="2026-02-01")
    case.email("K1", "2025-10-03 10:00")
    assert [value(case, n) for n in NAMES] == [0, 0, 0, 0, None, None]
    assert all(records(case, n) == [] for n in NAMES)


def test_after_a_refusal_contested_or_not() -> None:
    case = CaseBuilder(as_of="2026-02-01")
    case.place("home")
    case.notice("K1", "2025-10-01 12:00")
    case.message("K1", "2025-10-01 11:00")  # before it
    for day in range(
        2, 8
    ):  # mail answered by text, on six days: the two-way contact contests the notice as soon as one call comes
        case.email("K1", f"2025-10-0{day} 10:00")
        case.message("K1", f"2025-10-0{day} 11:00", out=True)
    assert value(case, "refused_occasions") == 6
    case.call("K1", "2025-10-20 10:00")
    state, found = measured(case)
    assert state.sets.first.tolist() == [0] and state.sets.uncontested.tolist() == [-1]
    assert value(case, "refused_occasions") == 7
    case.seen("K1", "2025-10-21 10:00", place="home")  # tracking
    case.seen("K1", "2025-10-22 10:00", lat=43.3, lon=76.9)  # once on the way: presence, no tracking
    assert value(case, "refused_occasions") == 8
    assert found["refused_occasions"].known is not None


def test_an_overtaken_notice_counts_for_the_owners_own_initiatives_alone() -> None:
    case = CaseBuilder(as_of="2026-02-01")
    case.notice("K1", "2025-10-01 12:00")
    case.message("K1", "2025-10-01 06:00", out=True)  # an initiative before it
    mine = [case.message("K1", f"2025-10-0{day} 10:00", out=True) for day in range(2, 7)]
    assert value(case, "refused_occasions") is None  # five days of initiatives, all the traffic hers
    assert value(case, "initiatives_since_notice") == 5
    assert records(case, "initiatives_since_notice") == [f"{mine[0]}-6"]
    for hour in range(11, 22):  # eleven acts: the notice holds again, and her initiatives are what they were
        case.message("K1", f"2025-10-08 {hour}:30")
    assert value(case, "refused_occasions") == 6
    assert value(case, "initiatives_since_notice") == 5


def test_a_refused_notice_is_none() -> None:
    case = CaseBuilder(as_of="2026-02-01")
    case.notice("K1", "2025-10-01 12:00", refused=True)
    case.message("K1", "2025-10-05 12:00", out=True)
    assert value(case, "initiatives_since_notice") is None
    case.notice("K1", "2025-10-06 12:00")
    assert value(case, "initiatives_since_notice") == 0
