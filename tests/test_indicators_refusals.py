"""Section 4 of ``docs/measures.md``: refusals and what came after, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.build import CaseBuilder
from tests.measuring import shown

MON = datetime(2025, 10, 6, 12)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def a_case() -> CaseBuilder:
    case = CaseBuilder(as_of="2026-06-01")
    case.contact("K1")
    return case


# -- notices ----------------------------------------------------------------------------------------------------------


def test_each_notice_is_told() -> None:
    case = a_case()
    case.message("K1", MON - DAY)
    said = case.message("K1", MON, out=True)
    case.notice("K1", MON, "told_to_stop", basis="device", record_id=said)
    case.message("K1", MON + HOUR)
    case.message("K1", MON + HOUR + 10 * MINUTE)
    case.notice("K1", MON + 2 * DAY, "order_served")
    case.message("K1", MON + 3 * DAY, out=True)  # an initiative after both
    case.notice("K1", MON + 4 * DAY, "blocked", refused=True)
    case.notice("K1", "2026-07-01", "blocked")  # after the scoring moment
    case.notice("K2", MON, "blocked")
    found = shown(case, "notices")
    assert (found.value, found.records) == (2, [])
    assert found.parts == [
        {"at": "2025-10-06T07:00:00Z", "kind": "told_to_stop", "basis": "device", "record": said, "effective": True, "contested": False,
         "acts": 2, "occasions": 1, "s_to_first": 3599, "initiatives": 1},
        {"at": "2025-10-08T07:00:00Z", "kind": "order_served", "basis": "declared", "record": None, "effective": True, "contested": False,
         "acts": 0, "occasions": 0, "s_to_first": None, "initiatives": 1},
    ]  # fmt: skip
    nobody = shown(a_case(), "notices")
    assert (nobody.value, nobody.parts) == (0, [])


def test_an_overtaken_notice_is_counted() -> None:
    case = a_case()
    case.notice("K1", MON)
    for day in range(2, 7):
        case.message("K1", MON + day * DAY, out=True)
    case.notice("K1", MON + 10 * DAY)
    found = shown(case, "notices_overtaken")
    assert (found.value, found.records) == (1, [])
    parts = shown(case, "notices").parts
    assert parts is not None
    assert [p["effective"] for p in parts] == [False, True]
    assert shown(a_case(), "notices_overtaken").value == 0


@pytest.mark.parametrize(
    ("kind", "indicator"), [("order_served", "order_occasions"), ("police_warning", "warning_occasions")]
)
def test_occasions_after_an_order_or_a_warning(kind: str, indicator: str) -> None:
    case = a_case()
    case.place("gym", kind="gym", shared_with=("K1",))
    case.notice("K1", MON, "told_to_stop")
    case.message("K1", MON + DAY)
    case.notice("K1", MON + 2 * DAY, kind)
    case.notice("K1", MON + 20 * DAY, kind)
    rows = [
        case.message("K1", MON + 3 * DAY),
        case.message("K1", MON + 3 * DAY + MINUTE),
        case.waited("K1", MON + 4 * DAY),
    ]
    case.event("view", "K1", MON + 5 * DAY)  # no attempt
    for week in range(3):
        case.seen("K1", MON + 6 * DAY + week * 7 * DAY, place="gym")  # a habit of a shared place: no tracking act
    found = shown(case, indicator)
    assert (found.value, sorted(found.records)) == (2, sorted(rows))
    other = "warning_occasions" if indicator == "order_occasions" else "order_occasions"
    assert shown(case, other).value is None
    assert shown(case, indicator, contact="K1", law="2025-12-01").value == 0


def test_an_overtaken_order_still_counts() -> None:
    case = a_case()
    case.notice("K1", MON, "order_served")
    for day in range(2, 7):
        case.message("K1", MON + day * DAY, out=True)
    late = case.message("K1", MON + 30 * DAY)
    assert shown(case, "notices_overtaken").value == 1
    found = shown(case, "order_occasions")
    assert (found.value, found.records) == (1, [late])


def test_the_share_of_the_course_after_the_notice() -> None:
    case = a_case()
    case.message("K1", MON - DAY)
    case.notice("K1", MON)
    after = [case.message("K1", MON + DAY)]
    case.message("K1", MON + DAY + MINUTE)
    after += [case.message("K1", MON + 2 * DAY)]
    found = shown(case, "after_notice_share_permille")
    assert (found.value, found.records) == (667, after)
    none = a_case()
    none.message("K1", MON)
    assert shown(none, "after_notice_share_permille").value is None
    none.notice("K1", MON - DAY)
    assert shown(none, "after_notice_share_permille").value == 1000
    assert shown(none, "after_notice_share_permille", law="2025-12-01").value is None  # no occasion to divide by


# -- answers ----------------------------------------------------------------------------------------------------------


def test_shares_of_acts_answered() -> None:
    case = a_case()
    answered = [case.message("K1", MON)]
    case.message("K1", MON + HOUR, out=True)
    answered += [case.call("K1", MON + 2 * DAY, answered=True, duration=10)]
    case.message("K1", MON + 4 * DAY)
    case.event("gift", "K1", MON + 4 * DAY)  # no traffic
    case.notice("K1", MON + 5 * DAY)
    late = case.email("K1", MON + 7 * DAY)
    case.message("K1", MON + 8 * DAY, out=True)  # exactly a day later: an answer
    case.message("K1", MON + 10 * DAY)
    found = shown(case, "answered_permille")
    assert (found.value, found.records) == (600, [*answered, late])
    before, after = shown(case, "answered_before_permille"), shown(case, "answered_after_permille")
    assert (before.value, before.records) == (667, answered)
    assert (after.value, after.records) == (500, [late])
    alone = a_case()
    alone.message("K1", MON)
    assert shown(alone, "answered_permille").value == 0
    assert shown(alone, "answered_before_permille").value is None
    assert shown(a_case(), "answered_permille").value is None


def test_the_owners_own_part() -> None:
    case = a_case()
    case.message("K1", "2025-05-01 12:00")  # before the law: counted too
    own = [case.message("K1", "2025-05-01 12:10", out=True)]
    case.message("K1", "2025-05-01 12:20")
    own += [case.message("K1", "2025-05-01 12:30", out=True), case.message("K1", MON, out=True)]
    case.message("K1", MON + HOUR)
    case.call("K1", MON + DAY)
    own += [case.call("K1", MON + 2 * DAY, answered=True, duration=60)]
    found = shown(case, "own_permille")
    # two replies, one initiative, one conversation to four occasions and one initiative
    assert (found.value, found.records) == (800, own)
    talk = a_case()
    for minute in range(0, 40, 20):
        talk.message("K1", MON + minute * MINUTE)
        talk.message("K1", MON + (minute + 10) * MINUTE, out=True)
    assert shown(talk, "own_permille").value == 2000  # two replies within one occasion
    assert shown(a_case(), "own_permille").value is None


# -- what went on all the same ----------------------------------------------------------------------------------------


def test_the_longest_monologue() -> None:
    case = a_case()
    case.message("K1", "2025-09-01 12:00")  # before the law
    case.message("K1", MON)
    case.message("K1", MON + HOUR, out=True)
    first = [
        case.message("K1", MON + 2 * HOUR),
        case.call("K1", MON + 3 * HOUR),
        case.event("gift", "K1", MON + 4 * HOUR),
    ]
    case.event("view", "K1", MON + 5 * HOUR)  # no attempt
    case.call("K1", MON + 6 * HOUR, answered=True, duration=60)  # a conversation: a sign, and no part of either side
    for hour in (7, 8):
        case.message("K1", MON + hour * HOUR)
    found = shown(case, "longest_monologue")
    assert (found.value, found.records) == (3, first)
    case.call("K1", MON + 9 * HOUR, answered=True, duration=59)  # no conversation
    as_long = shown(case, "longest_monologue")
    assert (as_long.value, as_long.records) == (3, first)
    case.message("K1", MON + 10 * HOUR)
    assert shown(case, "longest_monologue").value == 4  # the open end
    quiet = a_case()
    quiet.message("K1", MON, out=True)
    assert (shown(quiet, "longest_monologue").value, shown(quiet, "longest_monologue").records) == (0, [])


def test_attempts_after_a_rejected_call() -> None:
    case = a_case()
    case.message("K1", MON - MINUTE)
    case.call("K1", MON, tags="rejected")
    case.message("K1", MON)  # at the very moment
    soon = [case.call("K1", MON + MINUTE, tags="rejected"), case.message("K1", MON + MINUTE, source="b")]
    soon += [case.message("K1", MON + MINUTE + HOUR)]
    case.message("K1", MON + MINUTE + HOUR + SECOND)
    case.event("view", "K1", MON + 2 * MINUTE)
    case.message("K2", MON + 2 * MINUTE)
    found = shown(case, "after_rejection")
    assert (found.value, sorted(found.records)) == (3, sorted(soon))
    assert shown(case, "after_rejection", contact="K2").value == 0
    assert shown(case, "after_rejection", law="2025-12-01").value == 0


def test_rejected_calls_at_one_moment_do_not_hide_an_earlier_one() -> None:
    case = a_case()
    case.call("K1", MON, tags="rejected")
    twice = [case.call("K1", MON + MINUTE, tags="rejected") for _ in range(2)]
    found = shown(case, "after_rejection")
    assert (found.value, found.records) == (2, twice)


def test_new_identifiers_after_a_block() -> None:
    case = a_case()
    case.message("K1", MON, identifier="+77010000001")
    case.notice("K1", MON + DAY, "told_to_stop")
    case.notice("K1", MON + 2 * DAY, "blocked")
    case.notice("K1", MON + 9 * DAY, "blocked")
    case.message("K1", MON + 3 * DAY, identifier="+77010000001")
    case.message("K1", MON + 3 * DAY, identifier="label:somebody", how="journal")
    new = [case.message("K1", MON + 4 * DAY, identifier="+77010000002")]
    case.message("K1", MON + 5 * DAY, identifier="+77010000002")
    new += [case.message("K1", MON + 16 * DAY, identifier="+77010000003")]
    case.message("K1", MON + 16 * DAY + 2 * SECOND, identifier="+77010000004")  # a second more than a fortnight
    case.message("K1", MON + 6 * DAY, identifier="+77010000005", out=True)  # the owner's call is no act
    found = shown(case, "block_evasion")
    assert (found.value, found.records) == (2, new)
    assert found.parts == [
        {"identifier": "+77010000002", "s_after": 2 * 86_400 - 1},
        {"identifier": "+77010000003", "s_after": 14 * 86_400 - 1},
    ]
    told = a_case()
    told.notice("K1", MON)
    assert shown(told, "block_evasion").value is None


def test_new_channels_after_the_notice() -> None:
    case = a_case()
    case.message("K1", "2025-05-01 12:00", channel="sms")  # used before the law
    case.notice("K1", MON)
    case.message("K1", MON + DAY, channel="sms")
    new = [case.message("K1", MON + 2 * DAY, channel="telegram")]
    case.event("gift", "K1", MON + 3 * DAY, channel="journal", how="journal")
    case.message("K1", MON + 4 * DAY, channel="telegram")
    new += [case.seen("K1", MON + 5 * DAY)]
    found = shown(case, "channels_after_notice")
    assert (found.value, found.records) == (2, new)
    alone = a_case()
    alone.message("K1", MON)
    assert shown(alone, "channels_after_notice").value is None
