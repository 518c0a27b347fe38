"""Section 1 of ``docs/measures.md``: how often, how dense, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.build import CaseBuilder
from tests.measuring import shown

MON = datetime(2025, 10, 6, 12)  # a Monday, at noon
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def acts(case: CaseBuilder, *times: timedelta, start: datetime = MON) -> list[str]:
    return [case.message("K1", start + t) for t in times]


def a_case() -> CaseBuilder:
    case = CaseBuilder(as_of="2026-06-01")
    case.contact("K1")
    return case


@pytest.mark.parametrize(("window", "length"), [("24h", DAY), ("7d", WEEK)])
def test_the_fullest_window_is_half_open(window: str, length: timedelta) -> None:
    case = a_case()
    early = acts(case, 0 * DAY, 2 * HOUR, length - timedelta(seconds=1))
    acts(case, 30 * DAY, 30 * DAY + 2 * HOUR, 30 * DAY + length)  # the last one lies a window later: out
    found = shown(case, f"occasions_max_{window}")
    assert (found.value, found.records) == (3, early)


def test_a_window_shows_its_acts_and_counts_its_occasions() -> None:
    case = a_case()
    every = acts(case, 0 * HOUR, timedelta(minutes=10), timedelta(minutes=20), 2 * HOUR)
    found = shown(case, "occasions_max_24h")
    assert (found.value, found.records) == (2, every)
    assert shown(a_case(), "occasions_max_24h").value == 0


def test_unwanted_occasions_of_a_week() -> None:
    case = a_case()
    answered = acts(case, 0 * HOUR)
    case.message("K1", MON + HOUR / 2, out=True)
    alone = acts(case, 2 * DAY, 3 * DAY, 9 * DAY - timedelta(seconds=1))
    acts(case, 20 * DAY)
    found = shown(case, "unwanted_max_7d")
    assert (found.value, found.records) == (3, alone)
    assert answered[0] not in found.records


def test_active_weeks() -> None:
    case = a_case()
    every = acts(case, 0 * DAY, 6 * DAY, 3 * WEEK)  # Monday and Sunday of one week, and the fourth week: 2 of 4
    found = shown(case, "active_weeks_permille")
    assert (found.value, found.records) == (500, every)
    assert shown(a_case(), "active_weeks_permille").value is None


def test_the_longest_run_of_days() -> None:
    case = a_case()
    acts(case, 0 * DAY, 1 * DAY)
    run = acts(case, 3 * DAY, 3 * DAY + HOUR, 4 * DAY, 5 * DAY)
    acts(case, 8 * DAY, 9 * DAY, 10 * DAY)  # as long, but later
    found = shown(case, "longest_day_run")
    assert (found.value, found.records) == (3, run)
    assert shown(a_case(), "longest_day_run").value == 0


def test_days_are_those_of_the_owners_clock() -> None:
    case = a_case()
    case.message("K1", "2025-10-06 23:30")
    case.message("K1", "2025-10-07 00:10")
    # an hour further east it is the day after already
    case.message("K1", "2025-10-07 23:30", utc_offset=21_600)
    assert shown(case, "longest_day_run").value == 3


def test_a_clock_set_back_does_not_tear_a_run() -> None:
    case = a_case()
    case.message("K1", "2025-10-06 12:00")
    case.message("K1", "2025-10-06 23:30", utc_offset=21_600)  # the 7th by this clock
    last = case.message("K1", "2025-10-06 23:40")  # the 6th again
    case.message("K1", "2025-10-08 12:00")
    found = shown(case, "longest_day_run")
    assert found.value == 3
    assert last in found.records
    assert len(found.records) == 4


def test_resumptions() -> None:
    case = a_case()
    a, _b, c = acts(case, 0 * DAY, 14 * DAY, 28 * DAY + timedelta(seconds=1))  # exactly 14 days is no pause
    d = acts(case, 60 * DAY)[0]
    found = shown(case, "resumptions")
    assert (found.value, found.records) == (2, [_b, c, d])
    assert a not in found.records
    assert shown(case, "resumptions", pause_s=14 * 86_400 - 1).value == 3


def test_silence() -> None:
    case = CaseBuilder(as_of="2025-10-07 12:00")
    last = [case.message("K1", MON), case.message("K1", MON + HOUR)][-1]
    case.message("K1", MON + 2 * HOUR, out=True)
    found = shown(case, "silence_s")
    assert (found.value, found.records) == (23 * 3600, [last])
    empty = shown(a_case(), "silence_s")
    assert (empty.value, empty.records) == (None, [])


def test_the_median_time_between_occasions() -> None:
    case = a_case()
    opening = acts(case, 0 * HOUR, 2 * HOUR)
    acts(case, 2 * HOUR + timedelta(minutes=30))  # opens nothing
    opening += acts(case, 12 * HOUR)
    odd = shown(case, "median_gap_s")
    assert (odd.value, sorted(odd.records)) == (6 * 3600, sorted(opening))  # of 2 h and 10 h
    opening += acts(case, 112 * HOUR)
    assert shown(case, "median_gap_s").value == 10 * 3600  # of 2 h, 10 h and 100 h
    one = a_case()
    acts(one, 0 * HOUR)
    assert shown(one, "median_gap_s").value is None


def test_a_median_rounds_down_once() -> None:
    case = a_case()
    acts(case, 0 * HOUR, timedelta(hours=2, microseconds=1_500_000), timedelta(hours=4, microseconds=3_400_000))
    # 7201.5 s and 7201.9 s: their mean is 7201.7
    assert shown(case, "median_gap_s").value == 7201


def test_occasions_past_two_weeks() -> None:
    case = a_case()
    acts(case, 0 * DAY, 14 * DAY)
    late = acts(case, 14 * DAY + 2 * HOUR, 20 * DAY)
    found = shown(case, "past_two_weeks_occasions")
    assert (found.value, found.records) == (2, late)


def test_with_a_notice_each_occasion_counts_from_its_first_unwanted_act() -> None:
    case = a_case()
    acts(case, 0 * DAY)
    case.call("K1", MON + 30 * DAY, answered=True, duration=120)
    case.notice("K1", MON + 30 * DAY + timedelta(minutes=10))
    # the first act after the notice lies in the occasion that the talk before it opened
    unwanted = acts(case, 30 * DAY + timedelta(minutes=20), 44 * DAY + timedelta(minutes=20), 45 * DAY)
    assert shown(case, "clinical_occasions").value == 0
    found = shown(case, "past_two_weeks_occasions")
    assert (found.value, found.records) == (1, unwanted[2:])


def test_the_clinical_course() -> None:
    case = a_case()
    every = acts(case, 0 * DAY, 5 * DAY, 28 * DAY)
    found = shown(case, "clinical_occasions")
    assert (found.value, found.records) == (3, every)
    short = a_case()
    acts(short, 0 * DAY, 5 * DAY, 28 * DAY - timedelta(seconds=1))
    assert shown(short, "clinical_occasions").value == 0


@pytest.mark.parametrize(
    ("days", "value"),
    [((0, 61), 1), ((0, 60), 0), ((0, 1, 121), 1), ((0, 1, 120), 0), ((0, 61, 122, 183), 0), ((0,), 0), ((), None)],
)
def test_thin_courses(days: tuple[int, ...], value: int | None) -> None:
    case = a_case()
    every = acts(case, *(d * DAY for d in days), start=datetime(2025, 10, 6, 12))
    found = shown(case, "thin_course")
    assert (found.value, found.records) == (value, every if value else [])


def test_hangups_and_short_calls() -> None:
    case = a_case()
    brief = case.call("K1", MON, answered=True, duration=3)
    case.call("K1", MON + HOUR, answered=True, duration=4)
    said = case.call("K1", MON + 2 * HOUR, answered=True, duration=20, tags="hangup")
    case.call("K1", MON + 3 * HOUR, answered=True)  # nobody knows how long
    zero = case.call("K1", MON + 4 * HOUR, answered=True, duration=0)
    missed = case.call("K1", MON + 5 * HOUR, answered=False, duration=0)
    unknown = case.call("K1", MON + 6 * HOUR, answered=None)
    case.call("K1", MON + 7 * HOUR, out=True, answered=True, duration=1)
    acts(case, 8 * HOUR)
    found = shown(case, "hangups")
    assert (found.value, found.records) == (3, [brief, said, zero])
    short = shown(case, "short_calls_permille")
    assert (short.value, short.records) == (714, [brief, said, zero, missed, unknown])  # 5 of 7
    silent = a_case()
    acts(silent, 0 * HOUR)
    assert shown(silent, "short_calls_permille").value is None


def test_bursts() -> None:
    case = a_case()
    acts(case, *(k * timedelta(minutes=1) for k in range(9)))
    first = acts(case, *(DAY + k * timedelta(minutes=6) for k in range(11)))  # the last after an hour to the second
    second = acts(case, *(2 * DAY + k * timedelta(minutes=1) for k in range(11)))
    found = shown(case, "largest_burst")
    assert (found.value, found.records) == (11, first)
    full = shown(case, "bursts")
    assert (full.value, full.records) == (2, first + second)
    assert shown(case, "bursts", burst_acts=9).value == 3
    assert shown(a_case(), "largest_burst").value == 0
