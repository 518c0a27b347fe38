"""Section 2 of ``docs/measures.md``: growing or fading, by hand."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from detector.statistics import rate_ratio_permille
from tests.build import CaseBuilder
from tests.measuring import shown

MON = datetime(2025, 10, 6, 12)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def test_the_rate_ratio() -> None:
    end = datetime(2025, 12, 29)
    case = CaseBuilder(as_of=end)
    case.message("K2", end - 56 * DAY)  # the case begins with another contact, just in time
    before = [case.message("K1", end - 56 * DAY), case.message("K1", end - 28 * DAY - 2 * HOUR)]
    recent = [case.message("K1", end - k * DAY) for k in (28, 20, 10, 5, 1)]
    case.message("K1", end - DAY + timedelta(minutes=30))  # opens nothing
    found = shown(case, "rate_ratio_permille")
    assert (found.value, found.records) == (2500, before + recent)
    low, high = rate_ratio_permille(5, 2)
    assert found.parts == [{"recent": 5, "before": 2, "low_permille": low, "high_permille": high}]


def test_a_rate_ratio_that_reaches_back_too_far_is_unknown() -> None:
    end = datetime(2025, 12, 29)
    late = CaseBuilder(as_of=end)
    for k in (55, 40, 10):
        late.message("K1", end - k * DAY)
    found = shown(late, "rate_ratio_permille")
    assert (found.value, found.records, found.parts) == (None, [], [])
    late.message("K2", end - 60 * DAY, out=True)  # a row of anybody
    assert shown(late, "rate_ratio_permille").value == 500
    assert shown(late, "rate_ratio_permille", law="2025-11-03").value == 500
    assert shown(late, "rate_ratio_permille", law="2025-11-03 00:00:01").value is None


def test_nothing_before_gives_no_ratio_and_half_an_interval() -> None:
    end = datetime(2025, 12, 29)
    case = CaseBuilder(as_of=end)
    case.message("K2", end - 60 * DAY)
    case.message("K1", end - 10 * DAY)
    found = shown(case, "rate_ratio_permille")
    assert found.value is None
    assert found.parts == [{"recent": 1, "before": 0, "low_permille": 25, "high_permille": None}]


def weekly(numbers: list[int], end_days: int = 0) -> CaseBuilder:
    """Build a case with so many occasions in each of consecutive ISO weeks, scored at the end of the last."""
    case = CaseBuilder(as_of=MON.replace(hour=0) + len(numbers) * WEEK + end_days * DAY)
    case.contact("K1")
    for week, number in enumerate(numbers):
        for k in range(number):
            case.message("K1", MON + week * WEEK + k * timedelta(hours=3))
    return case


def test_a_trend_by_hand() -> None:
    numbers = [1, 2, 0, 3, 3, 4, 5, 6]
    # of 28 pairs of weeks one is even (3 and 3), two fall (1 and 2 to 0), 25 rise
    found = shown(weekly(numbers), "trend_tau_permille")
    assert found.value == 821  # 23 of 28
    assert len(found.records) == sum(numbers)
    # one pair of equal weeks: 8 * 7 * 21 - 2 * 1 * 9 = 1158; z = 22 / sqrt(1158 / 18)
    p = math.erfc(22 / math.sqrt(1158 / 18) / math.sqrt(2))
    assert found.parts == [{"weeks": 8, "s": 23, "p_permille": math.floor(1000 * p + 0.5)}]


def test_a_falling_trend_rounds_away_from_nought() -> None:
    falling = shown(weekly([6, 5, 4, 3, 3, 0, 2, 1]), "trend_tau_permille")
    assert falling.value == -821


def test_a_week_that_is_not_over_does_not_count() -> None:
    assert shown(weekly([1] * 8), "trend_tau_permille").parts == [{"weeks": 8, "s": 0, "p_permille": 1000}]
    assert shown(weekly([1] * 9, end_days=-1), "trend_tau_permille").parts == [{"weeks": 8, "s": 0, "p_permille": 1000}]
    short = shown(weekly([1] * 8, end_days=-1), "trend_tau_permille")
    assert (short.value, short.records, short.parts) == (None, [], [])


def test_a_trend_looks_back_so_many_weeks_only() -> None:
    found = shown(weekly([9, 9, 1, 2, 3, 4, 5, 6, 7, 8]), "trend_tau_permille", trend_max_weeks=8)
    assert (found.value, len(found.records)) == (1000, 36)


def test_empty_weeks_after_the_last_act_count() -> None:
    case = weekly([2, 1, 0, 0, 0, 0, 0, 0])
    # two weeks with openers fall to six empty ones, and one to the other: 13 falls, no rise
    assert shown(case, "trend_tau_permille").value == -464


def active(days: list[int], end: int) -> CaseBuilder:
    """Build a case with acts on these days, scored at the beginning of day ``end``."""
    case = CaseBuilder(as_of=MON.replace(hour=0) + end * DAY)
    for d in days:
        case.message("K1", MON + d * DAY)
        case.message("K1", MON + d * DAY + timedelta(hours=2))
    return case


def test_a_change_point_by_hand() -> None:
    # once a week for ten weeks, then every day for four: the rate differs from day 70
    days = [*range(0, 70, 7), *range(70, 98)]
    found = shown(active(days, 98), "change_day")
    assert found.value == 70
    assert len(found.records) == len(days), "the first act of each active day"
    score = 38 * (10 / 38 * math.log(10 / 38 / (70 / 98)) + 28 / 38 * math.log(28 / 38 / (28 / 98)))
    alarm = math.ceil(1000 * 2 * 97 * math.exp(-round(score, 6)))
    assert found.parts == [
        {"date": "2025-12-15", "before_permille": 143, "after_permille": 1000, "alarm_permille": alarm}
    ]
    assert alarm == 1


def test_a_pursuit_that_stops_changes_too() -> None:
    found = shown(active(list(range(30)), 120), "change_day")
    assert found.value == 30
    assert found.parts is not None
    assert (found.parts[0]["before_permille"], found.parts[0]["after_permille"]) == (1000, 0)


@pytest.mark.parametrize(
    ("days", "end"),
    [
        (list(range(0, 100, 3)), 100),  # even
        (list(range(40)), 40),  # every day
        ([0, 1], 100),  # 2 ln(100 / 2) = 7.8 is less than ln(2 * 99 * 20) = 8.3
    ],
)
def test_no_change(days: list[int], end: int) -> None:
    found = shown(active(days, end), "change_day")
    assert (found.value, found.records, found.parts) == (None, [], [])


def test_three_days_and_then_silence_are_a_change() -> None:
    assert shown(active([0, 1, 2], 100), "change_day").value == 3  # 3 ln(100 / 3) = 10.5


def test_a_change_needs_days() -> None:
    days = list(range(10))
    assert shown(active(days, 28), "change_day").value is not None
    assert shown(active(days, 27), "change_day").value is None
    nobody = CaseBuilder(as_of="2026-06-01")
    nobody.contact("K1")
    assert shown(nobody, "change_day").value is None
    assert shown(nobody, "trend_tau_permille").value is None
