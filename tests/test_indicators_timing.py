"""Section 3 of ``docs/measures.md``: hours and days of the owner's clock, by hand."""

from __future__ import annotations

from tests.build import CaseBuilder
from tests.measuring import shown


def a_case() -> CaseBuilder:
    case = CaseBuilder(as_of="2026-06-01")
    case.contact("K1")
    return case


def test_the_night() -> None:
    case = a_case()
    case.message("K1", "2025-10-06 22:59:59")
    night = [case.message("K1", at) for at in ("2025-10-06 23:00", "2025-10-07 05:59:59", "2025-10-08 02:00")]
    case.message("K1", "2025-10-08 06:00")
    case.message("K1", "2025-10-09")  # a date alone stands at midnight and tells no hour
    case.message("K1", "2025-10-10 night")
    case.message("K1", "2025-10-11 03:00", out=True)
    found = shown(case, "night_permille")
    assert (found.value, found.records) == (600, night)
    # Wilson for 3 of 5: 0.2307 ... 0.8824
    assert found.parts == [{"acts": 3, "of": 5, "low_permille": 230, "high_permille": 883}]
    occasions = shown(case, "night_occasions")
    assert (occasions.value, occasions.records) == (3, night)
    assert shown(case, "night_occasions", occasion_window_s=86_400).value == 2
    assert shown(case, "hours_used").value == 5  # 22, 23, 5, 2, 6


def test_hours_are_those_of_the_clock_then() -> None:
    case = a_case()
    case.message("K1", "2025-10-06 22:30")
    east = case.message("K1", "2025-10-06 22:40", utc_offset=21_600)  # 23:40 by her clock
    found = shown(case, "night_permille")
    assert (found.value, found.records) == (500, [east])
    assert shown(case, "hours_used").records == ["a00000000000#1", east]


def test_without_a_time_of_day_the_night_is_unknown() -> None:
    case = a_case()
    case.message("K1", "2025-10-09")
    found = shown(case, "night_permille")
    assert (found.value, found.records, found.parts) == (None, [], [])
    assert shown(case, "hours_used").value == 0
    assert shown(case, "night_occasions").value == 0


def test_the_weekend() -> None:
    case = a_case()
    case.message("K1", "2025-10-03 23:59:59")  # Friday
    weekend = [case.message("K1", "2025-10-04"), case.message("K1", "2025-10-05 23:59:59")]
    case.message("K1", "2025-10-06 00:00")
    found = shown(case, "weekend_permille")
    assert (found.value, found.records) == (500, weekend)
    assert found.parts is not None
    assert [(p["weekday"], p["acts"], p["permille"]) for p in found.parts] == [
        ("Mon", 1, 250), ("Tue", 0, 0), ("Wed", 0, 0), ("Thu", 0, 0), ("Fri", 1, 250), ("Sat", 1, 250), ("Sun", 1, 250),
    ]  # fmt: skip
    # Wilson for 0 of 4: 0 ... 3.84 / 7.84
    assert found.parts[1] == {"weekday": "Tue", "acts": 0, "permille": 0, "low_permille": 0, "high_permille": 490}
    empty = shown(a_case(), "weekend_permille")
    assert (empty.value, empty.parts) == (None, [])
