"""Section 8 of ``docs/measures.md``: what speaks against a pattern, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from detector.model import CaseTables
from tests.build import CaseBuilder
from tests.measuring import shown

MON = datetime(2025, 10, 6)
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def a_case() -> CaseBuilder:
    case = CaseBuilder(as_of="2026-06-01")
    case.contact("K1")
    return case


# -- the weekly template ----------------------------------------------------------------------------------------------


def test_a_weekly_rhythm() -> None:
    case = a_case()
    friday = MON + 4 * DAY
    # Friday 17 to 20 o'clock in three weeks, twice in the first of them; Sunday at 23 in three
    first = [case.message("K1", friday + timedelta(hours=17)), case.message("K1", friday + timedelta(hours=19))]
    first += [case.message("K1", friday + w * WEEK + timedelta(hours=18)) for w in (1, 2)]
    second = [case.message("K1", MON + 6 * DAY + w * WEEK + timedelta(hours=23)) for w in range(3)]
    # Tuesday in two weeks only
    for week, hour in ((0, 8), (0, 9.5), (1, 8)):
        case.message("K1", MON + DAY + week * WEEK + timedelta(hours=hour))
    case.message("K1", friday + 3 * WEEK)  # 0 o'clock of a Friday
    found = shown(case, "template_permille")
    assert (found.value, sorted(found.records)) == (636, sorted(first + second))  # 7 of 11
    assert found.parts == [
        {"weekday": "Fri", "from_h": 17, "openers": 4},
        {"weekday": "Sun", "from_h": 21, "openers": 3},
    ]


def test_slots_begin_at_any_hour_and_the_earliest_of_equal_ones_is_taken() -> None:
    case = a_case()
    for week in range(4):
        case.message("K1", MON + week * WEEK + timedelta(hours=7))
    assert shown(case, "template_permille").parts == [{"weekday": "Mon", "from_h": 5, "openers": 4}]


def test_what_is_taken_counts_for_no_other_slot() -> None:
    case = a_case()
    for week in range(3):
        for hour in (10, 12, 14):
            case.message("K1", MON + week * WEEK + timedelta(hours=hour))
    found = shown(case, "template_permille")
    # 10 and 12 together, then 14 alone: slots from 12 and 13 hold no 12 that is left
    assert found.parts == [
        {"weekday": "Mon", "from_h": 10, "openers": 6},
        {"weekday": "Mon", "from_h": 12, "openers": 3},
    ]
    assert found.value == 1000
    one = shown(case, "template_permille", template_slots=1)
    assert (one.value, len(one.records)) == (667, 6)


def test_weeks_count_what_is_left() -> None:
    case = a_case()
    for week in range(3):
        case.message("K1", MON + week * WEEK + timedelta(hours=10))
        case.message("K1", MON + week * WEEK + timedelta(hours=12))
    for week in range(2):
        case.message("K1", MON + week * WEEK + timedelta(hours=14))
    # the slot from 12 has three weeks at first, and two once 12 o'clock is taken
    assert shown(case, "template_permille").parts == [{"weekday": "Mon", "from_h": 10, "openers": 6}]


def test_a_template_needs_four() -> None:
    case = a_case()
    for week in range(3):
        case.message("K1", MON + week * WEEK + timedelta(hours=7))
        case.message("K1", MON + week * WEEK + timedelta(hours=7, minutes=20))  # opens nothing
    case.message("K1", MON + 2 * DAY, precision="day")  # tells no hour
    found = shown(case, "template_permille")
    assert (found.value, found.parts) == (None, [])
    case.message("K1", MON + 2 * DAY + 7 * HOUR)
    assert shown(case, "template_permille").value == 750


def test_no_rhythm_is_nought() -> None:
    case = a_case()
    for week in range(6):
        case.message("K1", MON + week * 8 * DAY + timedelta(hours=(7 * week) % 24))
    found = shown(case, "template_permille")
    assert (found.value, found.records, found.parts) == (0, [], [])


# -- business ---------------------------------------------------------------------------------------------------------


def test_office_hours() -> None:
    case = a_case()
    office = [case.message("K1", at) for at in ("2025-10-06 09:00", "2025-10-10 17:59:59")]
    for at in ("2025-10-06 08:59:59", "2025-10-06 18:00", "2025-10-04 12:00", "2025-10-07 afternoon"):
        case.message("K1", at)
    found = shown(case, "office_permille")
    assert (found.value, found.records) == (400, office)
    assert found.parts == [{"acts": 2, "of": 5, "low_permille": 117, "high_permille": 770}]
    assert shown(a_case(), "office_permille").value is None


def test_pools_of_numbers() -> None:
    case = a_case()
    at = iter(MON + k * DAY for k in range(40))

    def by(*numbers: str) -> list[str]:
        return [case.call("K1", next(at), identifier=n) for n in numbers]

    by("+77272000101", "+77272000199")
    pool = by("+77271000110", "+77271000155", "+77271000110", "+77271000199")
    by("+77272000123", "+7727200012", "+772720001234", "alpha:Bank", "short:7111")
    found = shown(case, "number_pool")
    assert (found.value, sorted(found.records)) == (3, sorted(pool))  # of equal ones the first in order of text
    wide = shown(case, "number_pool", pool_digits=9)
    assert wide.value == 6
    lone = a_case()
    lone.call("K1", MON, identifier="+77272000101")
    assert (shown(lone, "number_pool").value, shown(lone, "number_pool").records) == (0, [])
    assert shown(a_case(), "number_pool").value == 0


def test_one_way_codes() -> None:
    case = a_case()
    codes = [case.message("K1", MON, identifier="alpha:Kaspi"), case.message("K1", MON + HOUR, identifier="short:7111")]
    case.message("K1", MON + 2 * HOUR, identifier="+77010000001")
    found = shown(case, "code_acts")
    assert (found.value, found.records) == (2, codes)
    assert shown(a_case(), "code_acts").value == 0


def test_acts_in_groups() -> None:
    case = a_case()
    grouped = [case.event("mention", "K1", MON, thread_kind="group", directed="yes")]
    case.message("K1", MON + HOUR)
    case.message("K1", MON + 2 * HOUR, thread_kind="unknown", directed="yes")
    case.seen("K1", MON + 3 * HOUR)
    found = shown(case, "group_permille")
    assert (found.value, found.records) == (333, grouped)
    only_seen = a_case()
    only_seen.seen("K1", MON)
    assert shown(only_seen, "group_permille").value is None


# -- other explanations -----------------------------------------------------------------------------------------------


def evening(answer: timedelta | None, others: int = 1, number: int = 5) -> tuple[CaseBuilder, list[str]]:
    case = a_case()
    begin = MON + timedelta(hours=17)
    rows = [case.call("K1", begin + k * timedelta(minutes=80)) for k in range(number)]
    if answer is not None:
        case.call("K1", begin + answer, out=True)
    for k in range(others):
        case.message("K1", MON + (10 + k) * DAY)
    return case, rows


def test_an_evening_of_emergency() -> None:
    case, rows = evening(HOUR)
    found = shown(case, "emergency_permille")
    assert (found.value, found.records) == (833, rows)
    assert shown(evening(30 * HOUR)[0], "emergency_permille").value == 833  # a day after the end of the evening


@pytest.mark.parametrize(
    ("answer", "others", "number"),
    [(None, 1, 5), (30 * HOUR + timedelta(seconds=1), 1, 5), (-MINUTE, 1, 5), (HOUR, 2, 5), (HOUR, 0, 4)],
)
def test_no_emergency(answer: timedelta | None, others: int, number: int) -> None:
    found = shown(evening(answer, others, number)[0], "emergency_permille")
    assert (found.value, found.records) == (0, [])


def test_an_emergency_at_the_edge() -> None:
    # five of six is enough, four of five is four fifths: enough, but too few
    assert shown(evening(HOUR, 1, 4)[0], "emergency_permille", emergency_acts=4).value == 800
    assert shown(a_case(), "emergency_permille").value is None


def lined(rows: list[tuple[str, str, str | None]], as_of: str = "2026-06-01") -> CaseBuilder:
    """Build a case of messages: contact, time, line of the owner."""

    class Lined(CaseBuilder):
        def tables(self) -> CaseTables:
            made = super().tables()
            at = made.events.schema.get_field_index("owner_line")
            column = pa.array([line for _, _, line in rows], made.events.schema.field(at).type)
            events = made.events.set_column(at, made.events.schema.field(at), column)
            return CaseTables(
                made.case_id,
                events,
                made.positions,
                made.notices,
                made.places,
                made.contacts,
                made.trackers,
                made.coverage,
            )

    case = Lined(as_of=as_of)
    case.contact("K1")
    for contact, time, _ in rows:
        case.message(contact, time)
    return case


OLD = [("K2", "2025-09-20 12:00", "sim1"), ("K2", "2025-10-01 12:00", "sim2")]


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([*OLD, ("K1", "2025-10-01 13:00", None), ("K1", "2025-10-08 12:00", "sim2")], 1),
        ([*OLD, ("K1", "2025-10-08 12:00:01", "sim2")], 0),  # more than seven days after the line began
        ([*OLD, ("K1", "2025-09-21 12:00", "sim1"), ("K1", "2025-10-02 12:00", "sim2")], 0),  # it knew the old one
        ([*OLD, ("K1", "2025-10-02 12:00", None)], None),
        ([OLD[0], ("K1", "2025-09-21 12:00", "sim1")], None),  # one line only
        ([OLD[0], ("K2", "2025-09-20 12:00", "sim2"), ("K1", "2025-09-21 12:00", "sim2")], 0),  # both as old
        ([("K1", "2025-05-01 12:00", "sim1"), ("K1", "2025-10-01 12:00", "sim2")], 0),  # of all times
    ],
)
def test_a_new_line(rows: list[tuple[str, str, str | None]], value: int | None) -> None:
    found = shown(lined(rows), "new_line")
    assert found.value == value
    assert len(found.records) == (1 if value else 0)


def test_a_line_that_is_not_there_yet_is_no_line() -> None:
    rows = [("K1", "2025-10-01 12:00", "sim1"), ("K2", "2025-12-01 12:00", "sim2")]
    assert shown(lined(rows), "new_line").value == 0
    assert shown(lined(rows, as_of="2025-11-01"), "new_line").value is None


@pytest.mark.parametrize(
    ("role", "declared", "value"),
    [("service", True, 1), ("lawful_role", True, 1), ("employer", True, 1), ("co_parent", True, 1), ("former_partner", True, 0),
     ("unknown", True, 0), ("unknown", False, None)],
)  # fmt: skip
def test_roles(role: str, declared: bool, value: int | None) -> None:
    case = a_case()
    case.contact("K1", role, declared)
    case.message("K1", MON)
    found = shown(case, "role_reason")
    assert (found.value, found.records) == (value, [])


def test_the_owners_heavier_traffic() -> None:
    case = a_case()
    case.message("K1", "2025-05-01 12:00")
    own = [case.message("K1", "2025-05-01 13:00", out=True)]
    own += [case.message("K1", MON + k * HOUR, out=True) for k in range(3)]
    case.event("gift", "K1", MON + DAY)
    case.event("gift", "K1", MON + DAY, out=True)
    found = shown(case, "owner_heavier")
    assert (found.value, found.records) == (3, own)
    lighter = a_case()
    lighter.message("K1", MON)
    assert (shown(lighter, "owner_heavier").value, shown(lighter, "owner_heavier").records) == (0, [])
