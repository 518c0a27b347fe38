"""Worked examples for every rule of DESIGN.md sections 7 and 8, with the numbers worked out by hand.

Each example builds one small case and states what the rules say of it. Every example is run against the slow twin
(:mod:`tests.twin`) and against the detector, which must also agree on everything that the example does not state.

Day 0 is Monday 2025-10-06; ``at(3, "18:30")`` is Thursday of that week, local time (UTC+5). The statute is in force
since 2025-09-16, which is day -20. The case is scored as of 2026-06-01 unless it says otherwise. ``K1`` is the contact
in question. ``r``, ``i``, ``c`` in the comments are replies, initiatives, conversations; ``t`` traffic, ``u`` outgoing
traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.agree import VALID_FROM, detect, differences, flat, flat_twin, seconds
from tests.build import CaseBuilder
from tests.twin import EARTH_RADIUS_M, score_case

MONDAY = datetime(2025, 10, 6)
HOME = (43.2389, 76.8897)

Make = Callable[[CaseBuilder], None]


@dataclass
class Example:
    """One worked example: how to build it, and what must come out for ``contact`` (None: no finding at all)."""

    name: str
    make: Make
    expected: dict[str, Any] | None
    contact: str = "K1"
    as_of: str = "2026-06-01"
    statuses: dict[str, str] = field(default_factory=dict)


EXAMPLES: list[Example] = []


def example(
    *, contact: str = "K1", as_of: str = "2026-06-01", statuses: dict[str, str] | None = None, **expected: Any
) -> Callable[[Make], Make]:
    """Register a worked example under the name of its function."""

    def register(make: Make) -> Make:
        EXAMPLES.append(Example(make.__name__, make, expected, contact, as_of, statuses or {}))
        return make

    return register


def no_finding(*, contact: str) -> Callable[[Make], Make]:
    """Register an example in which the contact gets no finding."""

    def register(make: Make) -> Make:
        EXAMPLES.append(Example(make.__name__, make, None, contact))
        return make

    return register


def at(day: int, clock: str = "12:00:00") -> datetime:
    """Return the local reading of a clock on a day counted from Monday 2025-10-06."""
    parts = [int(p) for p in clock.split(":")]
    hours, minutes, secs = (*parts, 0, 0)[:3]
    return MONDAY + timedelta(days=day, hours=hours, minutes=minutes, seconds=secs)


def moment(day: int, clock: str = "12:00:00") -> str:
    """Return the same moment as findings.json writes it."""
    return seconds(at(day, clock), 18_000)


def north(metres: float) -> float:
    """Return the degrees of latitude that go with a distance."""
    return math.degrees(metres / EARTH_RADIUS_M)


def fully_covered(case: CaseBuilder, classes: str = "call message") -> None:
    case.coverage("2025-09-16", "2026-06-01", classes=classes, source="p" if classes == "position" else "a")


def messages(case: CaseBuilder, *days: int, clock: str = "12:00:00", **more: Any) -> None:
    for day in days:
        case.message("K1", at(day, clock), **more)


def told(case: CaseBuilder, day: int = 0, clock: str = "12:00:00", **more: Any) -> None:
    case.notice("K1", at(day, clock), **more)


# == acts ===========================================================================================================


@example(verdict="none", acts=1, occasions=1, unanswered_occasions=1, missed_calls=1, attempt_occasions=1,
         presence_acts=None, tracking_occasions=None,
         statuses={"contact_attempts": "met", "tracking": "unknown"})  # fmt: skip
def one_missed_call_is_an_act(case: CaseBuilder) -> None:
    case.call("K1", at(0))


@example(verdict="none", acts=12, occasions=1, acts_max_24h=12, unanswered_occasions=1, span_s=550)
def a_burst_of_twelve_messages_is_one_occasion(case: CaseBuilder) -> None:
    # one message every 50 s: the twelfth 550 s after the first, all within the hour
    for k in range(12):
        case.message("K1", at(0) + timedelta(seconds=50 * k))


@example(verdict="isolated", acts=10, occasions=5, missed_calls=10, unanswered_occasions=5, active_days=1)
def one_ring_every_fifty_minutes(case: CaseBuilder) -> None:
    # rings at minute 0, 50, 100 ... 450: an occasion opens at 0, 100 (> 60), 200, 300, 400, and holds the next ring
    for k in range(10):
        case.call("K1", at(0) + timedelta(minutes=50 * k))


@example(verdict="none", acts=3, occasions=2, longest_pause_s=3600)
def an_act_exactly_one_hour_later_belongs_to_the_occasion(case: CaseBuilder) -> None:
    # 10:00:00 opens; 11:00:00 is not later than the window; 11:00:01 opens the second
    for clock in ("10:00:00", "11:00:00", "11:00:01"):
        case.message("K1", at(0, clock))


@example(verdict="none", acts=2, occasions=1, span_s=3600)
def two_acts_exactly_one_hour_apart_are_one_occasion(case: CaseBuilder) -> None:
    messages(case, 0, clock="10:00:00")
    messages(case, 0, clock="11:00:00")


@example(verdict="isolated", acts=2, identifiers=1, channels=1)
def labels_and_the_journal_itself_are_no_further_means(case: CaseBuilder) -> None:
    # a gift of which only the journal tells, under the label that the journal gives the person: neither counts
    case.call("K1", at(0))
    case.event("gift", "K1", at(1), channel="journal", how="journal", identifier="label:the tall one")


@example(verdict="isolated", acts=2, identifiers=1, channels=2)
def presence_is_a_way_in_person(case: CaseBuilder) -> None:
    case.call("K1", at(0))
    case.seen("K1", at(1))


@example(verdict="none", acts=4, occasions=2, channels=4, attempt_occasions=2)
def an_occasion_holds_acts_on_any_channel(case: CaseBuilder) -> None:
    case.call("K1", at(0, "10:00"))
    case.message("K1", at(0, "10:20"))
    case.email("K1", at(0, "10:59"))
    case.message("K1", at(0, "11:00:01"), channel="whatsapp")


@example(verdict="none", acts=0, outgoing=0, statuses={"contact_attempts": "not_met"})
def a_group_chat_is_no_act_and_no_reply(case: CaseBuilder) -> None:
    case.contact("K1")
    fully_covered(case)
    for k in range(20):
        case.message("K1", at(k), thread_kind="group", thread_id="g")
        case.message("K1", at(k, "12:05"), thread_kind="group", thread_id="g", out=True)


@example(verdict="none", acts=2, attempt_occasions=2, statuses={"contact_attempts": "met"})
def a_mention_of_the_owner_in_a_group_is_an_act(case: CaseBuilder) -> None:
    case.message("K1", at(0), thread_kind="group")
    case.event("mention", "K1", at(1), thread_kind="group", directed="yes", channel="telegram")
    case.message("K1", at(2), thread_kind="group", directed="yes")


@example(verdict="none", acts=0)
def what_may_be_directed_at_somebody_else_is_no_act(case: CaseBuilder) -> None:
    case.contact("K1")
    fully_covered(case)
    messages(case, 0, 1, 2, directed="unknown")


@example(verdict="none", acts=1, occasions=1, missed_calls=1)
def a_withheld_caller_belongs_to_nobody(case: CaseBuilder) -> None:
    case.call("K1", at(0))
    for k in range(30):
        case.call(None, at(k, "03:00"))


@no_finding(contact="K2")
def a_contact_with_block_rows_only_gets_no_finding(case: CaseBuilder) -> None:
    case.call("K1", at(0))
    case.event("block", "K2", at(0), out=True)


@example(contact="K2", verdict="insufficient", acts=0)
def a_declared_contact_without_rows_gets_a_finding(case: CaseBuilder) -> None:
    case.contact("K2")
    case.call("K1", at(0))


@example(verdict="none", acts=1)
def a_duplicate_is_a_witness_and_no_act(case: CaseBuilder) -> None:
    kept = case.message("K1", at(0))
    for k in range(9):
        case.message("K1", at(k), source="b", duplicate_of=kept)


@example(verdict="none", acts=1, as_of="2025-10-07 12:00")
def what_happens_at_the_scoring_moment_does_not_exist_yet(case: CaseBuilder) -> None:
    messages(case, 0, 1, 2)
    told(case, 1)


@example(verdict="isolated", acts=3, attempt_occasions=0, statuses={"contact_attempts": "not_met"})
def profile_views_and_account_access_are_acts_but_no_attempt(case: CaseBuilder) -> None:
    case.event("view", "K1", at(0), channel="internet")
    case.event("view", "K1", at(1), channel="internet")
    case.event("account_access", "K1", at(2), channel="google")


@example(verdict="isolated", acts=4, attempt_occasions=4, channels=3)
def gifts_deliveries_payments_and_third_parties_are_attempts(case: CaseBuilder) -> None:
    # four occasions that nobody answers: three or more make it isolated
    case.event("gift", "K1", at(0), channel="post")
    case.event("delivery", "K1", at(1), channel="post")
    case.event("payment", "K1", at(2), channel="internet")
    case.event("third_party", "K1", at(3), channel="in_person")


@example(verdict="isolated", acts=6, missed_calls=2, rejected_calls=1, blocked_calls=1, conversations=0)
def calls_are_told_apart_by_their_words(case: CaseBuilder) -> None:
    # missed: the second by its word, the sixth by "not answered" alone; voicemail is none of the three
    case.call("K1", at(0), answered=False, tags="rejected")
    case.call("K1", at(1), answered=None, tags="missed")
    case.call("K1", at(2), answered=False, tags="filter blocked")
    case.call("K1", at(3), answered=False, tags="voicemail")
    case.call("K1", at(4), answered=None)
    case.call("K1", at(5), answered=False)


@example(verdict="none", acts=2, active_days=2, active_weeks=2, occasions=1)
def days_and_weeks_are_those_of_the_local_clock(case: CaseBuilder) -> None:
    # Sunday 23:30 and Monday 00:15 are one occasion, two days, two ISO weeks; in UTC both are Sunday
    case.message("K1", at(6, "23:30"))
    case.message("K1", at(7, "00:15"))


@example(verdict="none", acts=2, active_days=1)
def days_are_those_of_the_offset_in_force(case: CaseBuilder) -> None:
    # 23:30 at UTC+5 is 00:30 of the next day where the phone was at UTC+6, and 00:15 is 01:15 of that day
    case.message("K1", at(6, "23:30"), utc_offset=21_600)
    case.message("K1", at(7, "00:15"), utc_offset=21_600)


@example(verdict="none", occasions=2, occasions_max_28d=1, acts_max_24h=1, longest_pause_s=28 * 86400)
def the_28_day_window_is_half_open(case: CaseBuilder) -> None:
    messages(case, 0, 28)


@example(verdict="none", occasions=2, occasions_max_28d=2, acts_max_24h=2, longest_pause_s=86399)
def the_24_hour_window_is_half_open(case: CaseBuilder) -> None:
    # 12:00:00 to 11:59:59 of the next day
    case.message("K1", at(0))
    case.message("K1", at(1, "11:59:59"))


@example(verdict="none", occasions=2, acts_max_24h=1)
def acts_exactly_24_hours_apart_are_not_within_24_hours(case: CaseBuilder) -> None:
    messages(case, 0, 1)


@example(verdict="none", acts=3, identifiers=2)
def one_contact_may_have_several_numbers(case: CaseBuilder) -> None:
    # all three within the hour, so one occasion
    case.contact("K1", identifiers=("+77010000011", "+77010000012"))
    case.call("K1", at(0, "12:00"))
    case.call("K1", at(0, "12:10"), identifier="+77010000012")
    case.call("K1", at(0, "12:20"), identifier="+77010000012")


# == presence acts ==================================================================================================


@example(verdict="none", acts=0, presence_acts=0, statuses={"tracking": "not_met"})
def a_single_fix_at_home_is_no_act(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.fix("K1", at(0), *HOME)


@example(verdict="isolated", acts=1, presence_acts=1, visited_places=1, dwell_s=1200, tracking_occasions=1,
         attempt_occasions=None, statuses={"tracking": "met", "contact_attempts": "unknown"})  # fmt: skip
def two_fixes_at_home_are_a_visit(case: CaseBuilder) -> None:
    case.place("home")
    case.fix("K1", at(0, "10:00"), *HOME)
    case.fix("K1", at(0, "10:20"), *HOME)


@example(verdict="isolated", acts=1, dwell_s=3600)
def a_pause_of_thirty_minutes_does_not_end_a_visit(case: CaseBuilder) -> None:
    case.place("home")
    for clock in ("10:00", "10:30", "11:00"):
        case.fix("K1", at(0, clock), *HOME)


@example(verdict="none", acts=0)
def a_longer_pause_ends_a_visit(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for clock in ("10:00:00", "10:30:01", "11:00:02"):
        case.fix("K1", at(0, clock), *HOME)


@example(verdict="none", acts=0)
def two_fixes_of_one_moment_are_no_visit(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.fix("K1", at(0), *HOME)
    case.fix("K1", at(0), *HOME, source="q")


@example(verdict="none", acts=0)
def a_fix_elsewhere_ends_a_visit(case: CaseBuilder) -> None:
    # home 10:00, 1 km north 10:10, home 10:20: two single fixes at home
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.fix("K1", at(0, "10:00"), *HOME)
    case.fix("K1", at(0, "10:10"), HOME[0] + north(1000), HOME[1])
    case.fix("K1", at(0, "10:20"), *HOME)


@example(verdict="isolated", acts=2, presence_acts=2, visited_places=2, tracking_occasions=2)
def going_from_one_place_to_the_next_is_two_visits(case: CaseBuilder) -> None:
    # home 10:00-10:20, school 11:10-11:30, more than an hour after 10:00: two acts, two occasions, two places
    case.place("home")
    case.place("school", "school", HOME[0] + north(2000), HOME[1])
    for clock in ("10:00", "10:20"):
        case.fix("K1", at(0, clock), *HOME)
    for clock in ("11:10", "11:30"):
        case.fix("K1", at(0, clock), HOME[0] + north(2000), HOME[1])


@example(verdict="none", acts=0, visited_places=0)
def accuracy_widens_the_place_but_not_above_the_bar(case: CaseBuilder) -> None:
    # 300 m from the centre, radius 150, accuracy 150: 300 <= 300, so it is at the place; with sigma 99 m it was inside with a chance of 40 permille
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.visit("K1", at(0, "10:00"), at(0, "11:00"), HOME[0] + north(300), HOME[1], acc=150.0)


@example(verdict="none", acts=0)
def a_visit_just_outside_is_none(case: CaseBuilder) -> None:
    # 301 m > 150 + 150; and with unknown accuracy 151 m > 150
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.visit("K1", at(0, "10:00"), at(0, "11:00"), HOME[0] + north(301), HOME[1], acc=150.0)
    case.visit("K1", at(1, "10:00"), at(1, "11:00"), HOME[0] + north(151), HOME[1])


@example(verdict="isolated", acts=1)
def a_point_of_200_metres_error_may_be_at_a_place(case: CaseBuilder) -> None:
    # sigma 132 m: inside 200 m with a chance of 680 permille (inside 150 m it would be 473, and no visit)
    case.place("home", radius=200.0)
    case.visit("K1", at(0, "10:00"), at(0, "11:00"), *HOME, acc=200.0)


@example(verdict="none", acts=0)
def a_point_of_more_than_200_metres_error_is_at_no_place(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.visit("K1", at(0, "10:00"), at(0, "11:00"), *HOME, acc=201.0)


@example(verdict="isolated", acts=1, dwell_s=5400, visited_places=1)
def a_visit_row_is_one_act_from_begin_to_end(case: CaseBuilder) -> None:
    case.place("home")
    case.visit("K1", at(0, "18:00"), at(0, "19:30"))


@example(verdict="isolated", acts=1, tracking_occasions=0, visited_places=1)
def of_two_places_the_nearer_counts(case: CaseBuilder) -> None:
    # 60 m from the gym's centre, 140 m from home's: the act is at the gym, and one gym is no tracking
    case.place("home")
    case.place("gym", "gym", HOME[0] + north(200), HOME[1])
    case.seen("K1", at(0), lat=HOME[0] + north(140), lon=HOME[1])


@example(verdict="isolated", acts=2, visited_places=1, tracking_occasions=1)
def a_place_counts_only_while_it_is_valid(case: CaseBuilder) -> None:
    # day 0 is before she moved in: an encounter on the way; day 10 is at home
    case.place("home", valid_from="2025-10-10")
    case.seen("K1", at(0), lat=HOME[0], lon=HOME[1])
    case.seen("K1", at(10), lat=HOME[0], lon=HOME[1])


@example(verdict="none", acts=1, occasions=1, presence_acts=0, tracking_occasions=0)
def a_tracker_that_nobody_attributed_is_nobodys(case: CaseBuilder) -> None:
    case.call("K1", at(0))
    for day in range(5):
        case.tracker("tag1", at(day))


@example(verdict="emerging", acts=3, presence_acts=3, tracking_occasions=3, visited_places=0, first_repeated=moment(2))
def an_attributed_tracker_on_three_days(case: CaseBuilder) -> None:
    # three occasions on three days; unwanted without a notice because presence is never answered
    case.attribute("tag1", "K1")
    for day in range(3):
        case.tracker("tag1", at(day))


@example(verdict="isolated", acts=2, dwell_s=3600)
def tracker_rows_with_short_pauses_are_one_act(case: CaseBuilder) -> None:
    # 10:00, 10:30, 11:00 are one episode; 11:30:01 comes 30 min 1 s later and is the next
    case.attribute("tag1", "K1")
    for clock in ("10:00:00", "10:30:00", "11:00:00", "11:30:01"):
        case.tracker("tag1", at(0, clock))


@example(verdict="isolated", acts=4, visited_places=1, tracking_occasions=3)
def a_tracker_travels_with_the_owner_and_visits_no_place(case: CaseBuilder) -> None:
    # tag at home and at work where she is; he is seen at the gym once: one place of his, the three tag episodes count
    case.place("home")
    case.place("work", "work", HOME[0] + north(3000), HOME[1])
    case.place("gym", "gym", HOME[0] + north(6000), HOME[1])
    case.attribute("tag1", "K1")
    for clock in ("08:00", "10:00", "12:00"):
        case.tracker("tag1", at(0, clock), HOME[0] + (north(3000) if clock == "10:00" else 0.0), HOME[1])
    case.seen("K1", at(1), place="gym")


@example(verdict="isolated", acts=1, tracking_occasions=1, visited_places=1, statuses={"tracking": "met"})
def an_unknown_place_text_leaves_the_coordinates(case: CaseBuilder) -> None:
    # "the gate" is no declared place, so the coordinates decide: home
    case.place("home")
    case.seen("K1", at(0), place="the gate", lat=HOME[0], lon=HOME[1])


@example(verdict="none", acts=0, presence_acts=0, tracking_occasions=0, statuses={"tracking": "not_met"})
def a_visit_below_the_bar_is_no_act(case: CaseBuilder) -> None:
    # home 150 m; the three fixes are at home within their error of 100 m (95 % radius: sigma 41 m). 230 m from the
    # centre the chance is 19 permille, in the middle 999: (19 + 19 + 999) / 3 = 346, under 500
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for clock, metres in (("10:00", 230), ("10:10", 230), ("10:20", 0)):
        case.fix("K1", at(0, clock), HOME[0] + north(metres), HOME[1], acc=100.0, accuracy_kind="r95")


@example(verdict="isolated", acts=1, presence_acts=1, tracking_occasions=1, dwell_s=300)
def five_minutes_within_a_place_are_a_visit(case: CaseBuilder) -> None:
    case.place("home")
    case.fix("K1", at(0, "10:00"), *HOME)
    case.fix("K1", at(0, "10:05"), *HOME)


@example(verdict="none", acts=0, presence_acts=0)
def a_way_through_a_place_is_no_visit(case: CaseBuilder) -> None:
    # a second less than five minutes, however many positions; every day of a month
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for day in range(30):
        for clock in ("10:00", "10:02", "10:04:59"):
            case.fix("K1", at(day, clock), *HOME)


@example(verdict="isolated", acts=1, presence_acts=1, tracking_occasions=1, dwell_s=1200)
def two_of_three_fixes_in_the_middle_lift_a_visit_above_the_bar(case: CaseBuilder) -> None:
    # (19 + 999 + 999) / 3 = 672
    case.place("home")
    for clock, metres in (("10:00", 230), ("10:10", 0), ("10:20", 0)):
        case.fix("K1", at(0, clock), HOME[0] + north(metres), HOME[1], acc=100.0, accuracy_kind="r95")


@example(verdict="isolated", acts=1, presence_acts=1, visited_places=0, dwell_s=600, tracking_occasions=0,
         statuses={"tracking": "not_met"})  # fmt: skip
def an_encounter_by_tracks(case: CaseBuilder) -> None:
    # in the park, 9 km from home: 100 m and five minutes from her twice, ten minutes apart; one spot is no tracking
    case.place("home")
    case.fix("K1", at(0, "10:00"), HOME[0] + north(9000), HOME[1])
    case.owner(at(0, "10:05"), HOME[0] + north(9100), HOME[1])
    case.fix("K1", at(0, "10:10"), HOME[0] + north(9000), HOME[1])


@example(verdict="none", acts=0, presence_acts=0)
def who_passes_a_metre_or_a_second_too_far_away_is_not_met(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for clock in ("10:00", "10:10"):
        case.fix("K1", at(0, clock), HOME[0] + north(9000), HOME[1])
        case.owner(at(0, clock), HOME[0] + north(9101), HOME[1])
    for clock in ("12:00:00", "12:10:02"):
        case.fix("K1", at(0, clock), HOME[0] + north(9000), HOME[1])
    case.owner(at(0, "12:05:01"), HOME[0] + north(9000), HOME[1])


@example(verdict="isolated", acts=1, presence_acts=1, visited_places=0, tracking_occasions=1,
         statuses={"tracking": "met"})  # fmt: skip
def an_encounter_that_moves_is_tracking(case: CaseBuilder) -> None:
    # he walks 501 m beside her: two spots in one encounter
    case.place("home")
    for clock, metres in (("10:00", 9000), ("10:15", 9300), ("10:30", 9501)):
        case.fix("K1", at(0, clock), HOME[0] + north(metres), HOME[1])
        case.owner(at(0, clock), HOME[0] + north(metres), HOME[1])


@example(verdict="isolated", acts=1, tracking_occasions=0)
def an_encounter_over_500_metres_does_not_move(case: CaseBuilder) -> None:
    case.place("home")
    for clock, metres in (("10:00", 9000), ("10:15", 9300), ("10:30", 9500)):
        case.fix("K1", at(0, clock), HOME[0] + north(metres), HOME[1])
        case.owner(at(0, clock), HOME[0] + north(metres), HOME[1])


@example(verdict="isolated", acts=2, tracking_occasions=2, statuses={"tracking": "met"})
def encounters_on_two_spots_are_tracking(case: CaseBuilder) -> None:
    # by tracks in the park, and seen by her 600 m from there the day after
    case.place("home")
    for clock in ("10:00", "10:10"):
        case.fix("K1", at(0, clock), HOME[0] + north(9000), HOME[1])
        case.owner(at(0, clock), HOME[0] + north(9000), HOME[1])
    case.seen("K1", at(1), lat=HOME[0] + north(9600), lon=HOME[1])


@example(verdict="none", acts=0, presence_acts=0)
def a_single_near_fix_is_no_encounter(case: CaseBuilder) -> None:
    # near her at 10:00, at 10:10 on the other side of the park: the far fix ends the run before it is more than a moment
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for clock in ("10:00", "10:20"):
        case.fix("K1", at(0, clock), HOME[0] + north(9000), HOME[1])
        case.owner(at(0, clock), HOME[0] + north(9000), HOME[1])
    case.fix("K1", at(0, "10:10"), HOME[0] + north(9400), HOME[1])


@example(verdict="isolated", acts=1, dwell_s=3600)
def a_single_visit_row_on_the_way_is_an_encounter(case: CaseBuilder) -> None:
    # an app says that he was in the cafe for an hour: she was there, too. That is more than a moment
    case.place("home")
    case.visit("K1", at(0, "10:00"), at(0, "11:00"), HOME[0] + north(9000), HOME[1])
    case.owner(at(0, "11:05"), HOME[0] + north(9000), HOME[1])


@example(verdict="isolated", acts=1, visited_places=1, tracking_occasions=1)
def near_her_at_her_own_home_is_a_visit_and_no_encounter(case: CaseBuilder) -> None:
    case.place("home")
    for clock in ("10:00", "10:10"):
        case.fix("K1", at(0, clock), *HOME)
        case.owner(at(0, clock), *HOME)


@example(verdict="none", acts=0, presence_acts=0)
def an_error_above_a_hundred_metres_meets_nobody(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    for day, his, hers in ((0, 101.0, 10.0), (1, 10.0, 101.0)):
        for clock in ("10:00", "10:10"):
            case.fix("K1", at(day, clock), HOME[0] + north(9000), HOME[1], acc=his)
            case.owner(at(day, clock), HOME[0] + north(9000), HOME[1], acc=hers)


@example(verdict="none", acts=0, presence_acts=None, visited_places=None, tracking_occasions=None,
         statuses={"tracking": "unknown"})  # fmt: skip
def fixes_less_exact_than_every_place_cannot_say(case: CaseBuilder) -> None:
    # errors of 151 and 5000 m, places of 150 and 100 m: nothing shows that he was there, nothing that he was not
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.place("work", "work", HOME[0] + north(4000), HOME[1], radius=100.0)
    case.fix("K1", at(0, "10:00"), HOME[0] + north(9000), HOME[1], acc=151.0)
    case.fix("K1", at(1, "10:00"), HOME[0] + north(9000), HOME[1], acc=5000.0)


@example(verdict="none", acts=0, presence_acts=0, tracking_occasions=0, statuses={"tracking": "not_met"})
def one_fix_as_exact_as_a_place_is_wide_can_say(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.fix("K1", at(0, "10:00"), HOME[0] + north(9000), HOME[1], acc=150.0)
    case.fix("K1", at(1, "10:00"), HOME[0] + north(9000), HOME[1], acc=5000.0)


@example(verdict="none", acts=0, presence_acts=0, tracking_occasions=0, statuses={"tracking": "not_met"})
def a_journal_can_say_where_fixes_cannot(case: CaseBuilder) -> None:
    case.contact("K1")
    case.place("home")
    fully_covered(case, "position")
    case.fix("K1", at(0, "10:00"), HOME[0] + north(9000), HOME[1], acc=5000.0)
    case.seen("K2", at(0))


@example(verdict="isolated", acts=1, presence_acts=1, dwell_s=1800, as_of="2025-10-06 12:30")
def a_visit_counts_up_to_the_scoring_moment(case: CaseBuilder) -> None:
    case.place("home")
    case.visit("K1", at(0), at(0, "14:00"))


# == replies, initiatives, conversations, unanswered acts ============================================================


@example(verdict="reciprocal", replies=1, initiatives=0, unanswered_occasions=0, otherwise="none")
def an_answer_within_24_hours_is_a_reply(case: CaseBuilder) -> None:
    # exactly 24 h; r+i+c = 1 of 1 occasion
    case.message("K1", at(0))
    case.message("K1", at(1), out=True)


@example(verdict="reciprocal", replies=0, initiatives=1, unanswered_occasions=1, otherwise="none")
def an_answer_after_24_hours_is_an_initiative(case: CaseBuilder) -> None:
    # 24 h and 1 s: no fresh act, no earlier row of hers; 4*1 >= 1+1 and 10*1 >= 1+1
    case.message("K1", at(0))
    case.message("K1", at(1, "12:00:01"), out=True)


@example(verdict="reciprocal", replies=1, unanswered_occasions=0)
def an_answer_on_another_channel_is_a_reply(case: CaseBuilder) -> None:
    case.email("K1", at(0))
    case.call("K1", at(0, "13:30"), out=True, answered=False)


@example(verdict="reciprocal", replies=1, initiatives=1, outgoing=4)
def silence_of_three_hours_makes_an_initiative(case: CaseBuilder) -> None:
    # 10:01 reply; 10:02 neither (no silence); 13:02:00 exactly three hours later: initiative; 16:01:59 one second short
    case.message("K1", at(0, "10:00"))
    for clock in ("10:01:00", "10:02:00", "13:02:00", "16:01:59"):
        case.message("K1", at(0, clock), out=True)


@example(verdict="none", replies=0, initiatives=0, outgoing=0, unanswered_occasions=1)
def undelivered_outgoing_rows_count_for_none(case: CaseBuilder) -> None:
    case.message("K1", at(0, "10:00"))
    case.message("K1", at(0, "10:05"), out=True, status="failed")
    case.message("K1", at(0, "10:06"), out=True, status="pending")


@example(verdict="none", replies=0, outgoing=0, unanswered_occasions=1)
def outgoing_group_rows_belong_to_no_contact(case: CaseBuilder) -> None:
    case.message("K1", at(0, "10:00"))
    case.message("K1", at(0, "10:05"), out=True, thread_kind="group")
    case.message("K1", at(0, "10:06"), out=True, thread_kind="channel")


@example(verdict="none", replies=0, outgoing=0)
def blocking_is_no_outgoing_traffic(case: CaseBuilder) -> None:
    case.message("K1", at(0, "10:00"))
    case.event("block", "K1", at(0, "10:05"), out=True)


@example(verdict="none", acts=3, conversations=1, unanswered_occasions=1)
def a_conversation_is_an_answered_incoming_call_of_a_minute(case: CaseBuilder) -> None:
    # 60 s is one, 59 s is none; an unanswered ring of 90 s on the log is none; c alone, r+i = 0: not reciprocal
    case.call("K1", at(0), answered=True, duration=60)
    case.call("K1", at(1), answered=True, duration=59)
    case.call("K1", at(2), answered=False, duration=90)


@example(verdict="isolated", replies=0, initiatives=0, outgoing=1, presence_acts=1, unanswered_occasions=1)
def go_away_is_neither_reply_nor_initiative(case: CaseBuilder) -> None:
    # nothing but presence since her last row; and presence is never answered
    case.place("home")
    case.waited("K1", at(0, "10:00"), place="home")
    case.message("K1", at(0, "10:05"), out=True)


@example(verdict="reciprocal", replies=1, initiatives=0, outgoing=1, unanswered_occasions=1, otherwise="isolated")
def an_answer_to_a_message_beside_presence_is_a_reply(case: CaseBuilder) -> None:
    # the message is answered, the waiting is not; r = 1 of 1 occasion
    case.place("home")
    case.message("K1", at(0, "09:50"))
    case.waited("K1", at(0, "10:00"), place="home")
    case.message("K1", at(0, "10:05"), out=True)


@example(verdict="none", replies=0, initiatives=0, outgoing=0, unanswered_occasions=1)
def saying_the_notice_is_no_traffic(case: CaseBuilder) -> None:
    # exactly one hour before 12:00:00 and one hour after 12:00:00, both ends included
    case.message("K1", at(0, "10:00"))
    case.message("K1", at(0, "11:00"), out=True)
    case.message("K1", at(0, "13:00"), out=True)
    told(case)


@example(verdict="none", replies=1, initiatives=0, outgoing=2, unanswered_occasions=0)
def what_she_writes_further_from_the_notice_is_traffic(case: CaseBuilder) -> None:
    # 10:59:59 is a reply; 13:00:01 is neither: nothing new came in, and her last row is less than three hours old
    case.message("K1", at(0, "10:00"))
    case.message("K1", at(0, "10:59:59"), out=True)
    case.message("K1", at(0, "13:00:01"), out=True)
    told(case)


@example(verdict="reciprocal", replies=0, initiatives=1, unanswered_occasions=1)
def at_equal_times_the_file_order_decides(case: CaseBuilder) -> None:
    # one source: her row stands first, so it opens, and the act after it waits for an answer; r+i+c = 1, occ+i = 2
    case.message("K1", at(0), out=True)
    case.message("K1", at(0))


@example(verdict="reciprocal", replies=1, initiatives=0, unanswered_occasions=0)
def at_equal_times_the_file_order_decides_the_other_way(case: CaseBuilder) -> None:
    case.message("K1", at(0))
    case.message("K1", at(0), out=True)


@example(verdict="reciprocal", replies=1, initiatives=0, unanswered_occasions=0)
def at_equal_times_between_files_the_act_comes_first(case: CaseBuilder) -> None:
    case.message("K1", at(0), out=True, source="a")
    case.message("K1", at(0), source="b")


@example(verdict="reciprocal", replies=1, initiatives=0, acts=2, unanswered_occasions=1)
def at_equal_times_both_rules_together(case: CaseBuilder) -> None:
    # b's act, then a's own row (a reply to it), then a's act (unanswered)
    case.message("K1", at(0), out=True, source="a")
    case.message("K1", at(0), source="a")
    case.message("K1", at(0), source="b")


@example(verdict="isolated", acts=3, missed_calls=0, unanswered_occasions=0, conversations=0)
def an_answered_call_is_never_unanswered(case: CaseBuilder) -> None:
    # isolated only because the journal wrote it down
    for day in range(3):
        case.call("K1", at(day), answered=True, duration=5, how="journal")


# == notices ========================================================================================================


@example(verdict="systematic", acts=3, unwanted_occasions=3, unwanted_days=3, unwanted_span_s=8 * 86400,
         after_notice_acts=3, after_notice_occasions=3, first_met=moment(9), first_repeated=moment(9),
         statuses={"contact_attempts": "met", "tracking": "unknown", "systematic": "met", "against_will": "met",
                   "unlawful": "not_measurable", "no_violence": "not_measurable",
                   "substantial_harm": "not_measurable", "intent": "not_measurable"})  # fmt: skip
def told_to_stop_and_goes_on(case: CaseBuilder) -> None:
    # days 1, 5, 9 after the notice: three occasions, three days, eight days from first to last
    told(case, 0, "18:30")
    messages(case, 1, 5, 9)


@example(verdict="systematic", after_notice_acts=3, after_notice_occasions=3, blocked_calls=3, missed_calls=0)
def the_block_by_the_owners_phone_is_a_notice(case: CaseBuilder) -> None:
    record = case.event("block", "K1", at(0), out=True)
    told(case, 0, kind="blocked", basis="device", record_id=record)
    for day in (1, 5, 9):
        case.call("K1", at(day), tags="blocked")


@example(verdict="isolated", after_notice_acts=None, after_notice_occasions=None, blocked_calls=3, rejected_calls=1,
         unanswered_occasions=4, statuses={"against_will": "unknown"})  # fmt: skip
def a_blocked_or_rejected_call_is_no_notice(case: CaseBuilder) -> None:
    for day in (1, 5, 9):
        case.call("K1", at(day), tags="blocked")
    case.call("K1", at(11), tags="rejected")


@example(verdict="isolated", after_notice_acts=None, unwanted_occasions=3, statuses={"against_will": "unknown"})
def a_refused_notice_is_none(case: CaseBuilder) -> None:
    record = case.event("block", "K1", at(0), out=True)
    told(case, 0, kind="blocked", basis="device", record_id=record, refused=True)
    messages(case, 1, 5, 9)


@example(verdict="isolated", outgoing=1, replies=1, unanswered_occasions=3)
def a_refused_notice_does_not_hide_what_she_wrote(case: CaseBuilder) -> None:
    # her answer at 12:05 to the act of 11:55 is a reply, as the notice of 12:00 is refused; r = 1: 4*1 >= 4,
    # 10*1 >= 4 would be reciprocal, hence a second act before (5 occasions: 4*1 < 5)
    told(case, 0, refused=True)
    messages(case, -3)
    messages(case, 0, clock="11:55:00")
    case.message("K1", at(0, "12:05"), out=True)
    messages(case, 1, 5)
    case.call("K1", at(6), answered=True, duration=30)


@example(verdict="systematic", after_notice_acts=3, after_notice_occasions=3)
def unblocking_is_shown_and_does_not_cancel(case: CaseBuilder) -> None:
    record = case.event("block", "K1", at(0), out=True)
    told(case, 0, kind="blocked", basis="device", record_id=record)
    case.event("unblock", "K1", at(0, "12:10"), out=True)
    messages(case, 1, 5, 9)


@example(verdict="systematic", acts=3, before_law_acts=1, before_law_occasions=1, after_notice_acts=3,
         unwanted_occasions=3)  # fmt: skip
def a_notice_before_the_law_keeps_its_effect(case: CaseBuilder) -> None:
    # told on 2025-09-06; day -25 is 2025-09-11, before the law; days -15, -10, -5 are after it
    told(case, -30)
    messages(case, -25, -15, -10, -5)


@example(verdict="isolated", acts=2, after_notice_acts=1, after_notice_occasions=1)
def minute_precision_of_a_notice(case: CaseBuilder) -> None:
    # a notice "18:30" to the minute may have been at 18:30:59: 18:30:30 is not after it, 18:31:00 is
    told(case, 0, "18:30", precision="min")
    case.message("K1", at(0, "18:30:30"))
    case.message("K1", at(0, "18:31:00"))


@example(verdict="isolated", acts=3, after_notice_acts=1, after_notice_occasions=1, unwanted_occasions=2,
         unwanted_days=2, days_to_first_after_notice_s=0)  # fmt: skip
def day_precision_of_a_notice(case: CaseBuilder) -> None:
    # the whole of day 0 is not after it. Unwanted: 20:00, 23:59:59 (the run before) and 00:00:00: 20:00 opens one
    # occasion, 23:59:59 the next, which holds 00:00:00. From 23:59:59.999999 to 00:00:00 is 0 whole seconds
    case.notice("K1", "2025-10-06")
    case.message("K1", at(0, "20:00"))
    case.message("K1", at(0, "23:59:59"))
    case.message("K1", at(1, "00:00:00"))


@example(verdict="isolated", acts=2, after_notice_acts=1)
def day_precision_of_an_act(case: CaseBuilder) -> None:
    # a gift noted with a date alone may have come at 00:00 of that day: not after a notice of 10:00 that day
    told(case, 0, "10:00")
    case.event("gift", "K1", "2025-10-06", how="journal", channel="journal")
    case.event("gift", "K1", "2025-10-07", how="journal", channel="journal")


def _on_and_off(case: CaseBuilder, *days: int) -> None:
    """She writes at 12:00 after more than a day of silence (an initiative), the contact answers at 12:10."""
    for day in days:
        case.message("K1", at(day), out=True)
        case.message("K1", at(day, "12:10"))


@example(verdict="reciprocal", initiatives=5, replies=0, after_notice_acts=None, after_notice_occasions=None,
         otherwise="isolated", statuses={"against_will": "unknown"})  # fmt: skip
def a_notice_is_overtaken_by_initiatives_on_five_days(case: CaseBuilder) -> None:
    # i = 5 on 5 days, u = 5 of t = 10. Then no notice: 4*5 >= 5+5, 10*5 >= 5+5. Otherwise: his five answers stay
    # without one within 24 h (her next row comes 47:50 later): three unanswered occasions or more, isolated
    told(case)
    _on_and_off(case, 1, 3, 5, 7, 9)


@example(verdict="emerging", initiatives=4, after_notice_acts=4, after_notice_occasions=None, unwanted_occasions=4,
         statuses={"systematic": "met", "against_will": "unknown"})  # fmt: skip
def contested_c_initiatives_on_three_days_with_a_third_of_the_traffic(case: CaseBuilder) -> None:
    # four days do not overtake but contest (u = 4 of t = 8); span day 1 to 8 is exactly seven days
    told(case)
    _on_and_off(case, 1, 3, 5, 8)


@example(verdict="emerging", initiatives=3, after_notice_acts=6, after_notice_occasions=None)
def contested_c_three_days_and_exactly_a_third(case: CaseBuilder) -> None:
    # i on three days, u = 3 of t = 9: 3*3 >= 9. (b) asks five days
    told(case)
    _on_and_off(case, 1, 3, 5)
    messages(case, 8, 9, 10)


@example(verdict="systematic", initiatives=3, after_notice_acts=7, after_notice_occasions=7)
def contested_c_less_than_a_third(case: CaseBuilder) -> None:
    # u = 3 of t = 10: 9 < 10
    told(case)
    _on_and_off(case, 1, 3, 5)
    messages(case, 8, 9, 10, 11)


@example(verdict="systematic", initiatives=2, after_notice_acts=4, after_notice_occasions=4)
def initiatives_on_two_days_do_not_contest(case: CaseBuilder) -> None:
    # (b) 4*2 >= 3*4 is wrong, and two days only
    told(case)
    _on_and_off(case, 1, 3)
    messages(case, 5, 9)


@example(verdict="reciprocal", replies=20, initiatives=10, conversations=0, after_notice_acts=None, otherwise="none",
         statuses={"against_will": "unknown"})  # fmt: skip
def the_on_off_couple(case: CaseBuilder) -> None:
    # blocked on day 0, then twenty days: he writes at 12:00, she answers at 12:05 and writes of her own accord at 20:00
    # every other day: i = 10 on 10 days, u = 30 of t = 50: overtaken
    told(case, kind="blocked")
    for day in range(1, 21):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)
        if day % 2 == 0:
            case.message("K1", at(day, "20:00"), out=True)


@example(verdict="systematic", replies=4, initiatives=0, replies_after_notice=4, outgoing_after_notice=4,
         unwanted_occasions=12, after_notice_occasions=12, first_repeated=moment(3), first_met=moment(8))  # fmt: skip
def the_victim_who_answers_leave_me_alone(case: CaseBuilder) -> None:
    # twelve days of messages, every third answered: (a) 2*4 < 12, (b) 4*4 < 3*12, (c) no initiative.
    # Systematic once day 1 to day 8 makes seven days
    told(case, 0, "18:30")
    messages(case, *range(1, 13))
    messages(case, 2, 5, 8, 11, clock="12:05:00", out=True)


@example(verdict="emerging", replies=5, after_notice_acts=5, after_notice_occasions=None, first_met=moment(9),
         statuses={"systematic": "met", "against_will": "unknown"})  # fmt: skip
def contested_b_three_quarters_of_calls_and_messages_on_five_days(case: CaseBuilder) -> None:
    # r = 5 on 5 days: 4*5 >= 3*5. Just after the act of day 9 there were four replies on four days: systematic then
    told(case)
    messages(case, 1, 3, 5, 7, 9)
    messages(case, 1, 3, 5, 7, 9, clock="12:05:00", out=True)


@example(verdict="systematic", replies=5, after_notice_occasions=7, statuses={"against_will": "met"})
def contested_b_needs_three_quarters(case: CaseBuilder) -> None:
    # r = 5 of 7: 20 < 21. Replies never overtake
    told(case)
    messages(case, 1, 3, 5, 7, 9, 11, 13)
    messages(case, 1, 3, 5, 7, 9, clock="12:05:00", out=True)


@example(verdict="systematic", replies=5, after_notice_occasions=5)
def contested_b_does_not_count_mail(case: CaseBuilder) -> None:
    told(case)
    for day in (1, 3, 5, 7, 9):
        case.email("K1", at(day))
        case.email("K1", at(day, "12:05"), out=True)


@example(verdict="emerging", replies=10, after_notice_acts=20, after_notice_occasions=None, first_met=moment(9),
         statuses={"systematic": "met", "against_will": "unknown"})  # fmt: skip
def contested_a_half_of_the_occasions_over_eight_weeks(case: CaseBuilder) -> None:
    # acts on days 1, 5 ... 77, every second answered: 2*10 >= 20; ten days, day 5 to 77 is 72 days; (b) 40 < 60.
    # On day 9 (third act, eight days) there was one reply: systematic then
    told(case)
    messages(case, *range(1, 78, 4))
    messages(case, *range(5, 78, 8), clock="12:05:00", out=True)


@example(verdict="systematic", replies=10, after_notice_occasions=21)
def contested_a_needs_half_of_the_occasions(case: CaseBuilder) -> None:
    # one more act: 2*10 < 21
    told(case)
    messages(case, *range(1, 82, 4))
    messages(case, *range(5, 78, 8), clock="12:05:00", out=True)


@example(verdict="emerging", replies=10, after_notice_occasions=None, statuses={"against_will": "unknown"})
def contested_a_exactly_eight_weeks(case: CaseBuilder) -> None:
    # replies on days 1 ... 57, the first and the last exactly 56 days apart; 2*10 >= 20, (b) 40 < 60
    told(case)
    answered = (1, 7, 13, 19, 25, 31, 37, 43, 49, 57)
    messages(case, *answered)
    messages(case, *answered, clock="12:05:00", out=True)
    messages(case, *(day + 3 for day in answered))


@example(verdict="systematic", replies=9, after_notice_occasions=18)
def contested_a_needs_ten_days(case: CaseBuilder) -> None:
    # 2*9 >= 18, day 1 to day 57, but nine days only
    told(case)
    answered = (1, 8, 15, 22, 29, 36, 43, 50, 57)
    messages(case, *answered)
    messages(case, *answered, clock="12:05:00", out=True)
    messages(case, *(day + 3 for day in answered))


@example(verdict="systematic", replies=10, after_notice_occasions=20)
def contested_a_a_second_less_than_eight_weeks(case: CaseBuilder) -> None:
    told(case)
    answered = (1, 7, 13, 19, 25, 31, 37, 43, 49, 57)
    messages(case, *answered)
    messages(case, *answered[:-1], clock="12:05:00", out=True)
    messages(case, 57, clock="12:04:59", out=True)
    messages(case, *(day + 3 for day in answered))


@example(verdict="systematic", initiatives=5, after_notice_acts=11, after_notice_occasions=11, first_met=moment(25),
         first_repeated=moment(5, "12:10"))  # fmt: skip
def a_new_one_sided_run_brings_an_overtaken_notice_back(case: CaseBuilder) -> None:
    # u = 5, t = 10: overtaken after day 9. Six messages more: t = 16 and 3*5 < 16 with the one of day 25; (b) 20 < 33.
    # Day 5 (12:10): three initiatives, not overtaken yet, three unwanted occasions on three days: repeated
    told(case)
    _on_and_off(case, 1, 3, 5, 7, 9)
    messages(case, 20, 21, 22, 23, 24, 25)


@example(verdict="systematic", after_notice_acts=3, after_notice_occasions=3, unwanted_occasions=4, unwanted_days=4,
         initiatives_after_notice=0, first_met=moment(20))  # fmt: skip
def a_later_notice_starts_anew(case: CaseBuilder) -> None:
    # the first is overtaken (u = 5 of t = 13), so the second counts. The run before it: the act of day 9, 12:10, after
    # her last row. Day 20: three unwanted occasions, day 9 to 20, two of them after the notice
    told(case)
    _on_and_off(case, 1, 3, 5, 7, 9)
    told(case, 15)
    messages(case, 16, 20, 24)


@example(verdict="systematic", after_notice_acts=7, after_notice_occasions=3, first_met=moment(20))
def a_later_notice_counts_when_the_first_is_contested(case: CaseBuilder) -> None:
    # the first is contested (c: i = 4 on 4 days, u = 4 of t = 11), not overtaken: N stays the first, the row of
    # against_will counts from the second. First two acts after it: days 16 and 20
    told(case)
    _on_and_off(case, 1, 3, 5, 8)
    told(case, 15)
    messages(case, 16, 20, 24)


# == unwanted, repeated, systematic =================================================================================


@example(verdict="systematic", unwanted_occasions=5, unwanted_days=5, unwanted_span_s=9 * 86400, after_notice_acts=2,
         after_notice_occasions=2, before_law_acts=0)  # fmt: skip
def the_unanswered_run_before_the_notice_is_unwanted(case: CaseBuilder) -> None:
    messages(case, 0, 1, 2)
    told(case, 3)
    messages(case, 8, 9)


@example(verdict="isolated", unwanted_occasions=2, unwanted_days=2, after_notice_acts=2, first_repeated=moment(2))
def the_run_before_the_notice_begins_after_her_last_row(case: CaseBuilder) -> None:
    # she answered on day 2: only the acts after the notice count, and two are not three. Just after the act of day 2,
    # before her answer and the notice, three unanswered occasions stood on three days
    messages(case, 0, 1, 2)
    case.message("K1", at(2, "12:05"), out=True)
    told(case, 3)
    messages(case, 8, 9)


@example(verdict="isolated", unwanted_occasions=2, conversations=1, after_notice_acts=1)
def the_run_before_the_notice_begins_after_the_last_conversation(case: CaseBuilder) -> None:
    # unwanted: day 2 and day 8; the call of day 1 was a conversation
    messages(case, 0)
    case.call("K1", at(1), answered=True, duration=300)
    messages(case, 2)
    told(case, 3)
    messages(case, 8)


@example(verdict="emerging", unwanted_occasions=3, conversations=0, acts=4)
def an_answered_call_is_not_in_the_run_before_the_notice(case: CaseBuilder) -> None:
    # the call of day 1 lasted 30 s: it neither ends the run nor belongs to it. Unwanted: days 0, 2, 6 (six days)
    messages(case, 0)
    case.call("K1", at(1), answered=True, duration=30)
    messages(case, 2)
    told(case, 3)
    messages(case, 6)


@example(verdict="isolated", unwanted_occasions=2, unwanted_days=1, after_notice_acts=2, after_notice_occasions=1)
def unwanted_occasions_are_occasions_of_all_acts_that_hold_an_unwanted_one(case: CaseBuilder) -> None:
    # the conversation of 10:00 opens an occasion that holds 10:50; 11:30 opens the next. Over 10:50 and 11:30 alone
    # it would be one, and that is what the row of against_will counts
    case.call("K1", at(0, "10:00"), answered=True, duration=120)
    told(case, 0, "10:30")
    case.message("K1", at(0, "10:50"))
    case.message("K1", at(0, "11:30"))


@example(verdict="isolated", unwanted_occasions=3, unwanted_days=1, first_repeated=None)
def three_unwanted_occasions_on_one_day_are_not_repeated(case: CaseBuilder) -> None:
    told(case)
    for clock in ("08:00", "12:00", "16:00"):
        case.message("K1", at(1, clock))


@example(verdict="emerging", unwanted_occasions=3, unwanted_days=2, first_repeated=moment(2, "08:00"), first_met=None,
         statuses={"systematic": "not_met", "against_will": "met"})  # fmt: skip
def three_unwanted_occasions_on_two_days_are_repeated(case: CaseBuilder) -> None:
    told(case)
    case.message("K1", at(1, "08:00"))
    case.message("K1", at(1, "12:00"))
    case.message("K1", at(2, "08:00"))


@example(verdict="systematic", unwanted_span_s=7 * 86400, first_met=moment(8))
def systematic_needs_seven_days_exactly(case: CaseBuilder) -> None:
    told(case)
    messages(case, 1, 4, 8)


@example(verdict="emerging", unwanted_span_s=7 * 86400 - 1, unwanted_days=3, first_met=None)
def a_second_less_than_seven_days_is_not_systematic(case: CaseBuilder) -> None:
    told(case)
    messages(case, 1, 4)
    messages(case, 8, clock="11:59:59")


@example(verdict="emerging", unwanted_occasions=3, unwanted_days=2)
def systematic_needs_three_days(case: CaseBuilder) -> None:
    told(case)
    case.message("K1", at(1, "08:00"))
    case.message("K1", at(1, "12:00"))
    case.message("K1", at(9, "12:00"))


@example(verdict="isolated", unwanted_occasions=2, unwanted_days=3, after_notice_occasions=2,
         statuses={"systematic": "not_met", "against_will": "met"})  # fmt: skip
def systematic_needs_three_occasions(case: CaseBuilder) -> None:
    # 23:30 and 00:15 are one occasion on two days; with day 9 two occasions on three days over more than seven
    told(case)
    case.message("K1", at(1, "23:30"))
    case.message("K1", at(2, "00:15"))
    case.message("K1", at(9))


@example(verdict="emerging", after_notice_occasions=1, unwanted_occasions=4,
         statuses={"systematic": "met", "against_will": "not_met"})  # fmt: skip
def one_occasion_after_the_notice_is_not_against_the_will(case: CaseBuilder) -> None:
    messages(case, 0, 1, 2)
    told(case, 3)
    messages(case, 8)


# == tracking, exempt and habitual presence =========================================================================


@example(verdict="isolated", tracking_occasions=1, attempt_occasions=0,
         statuses={"tracking": "met", "contact_attempts": "not_met"})  # fmt: skip
def seen_once_at_home(case: CaseBuilder) -> None:
    # one occasion of tracking meets the element; a journal could hold events too and has none
    case.place("home")
    case.seen("K1", at(0), place="home")


@example(verdict="emerging", tracking_occasions=3, unwanted_occasions=3, first_repeated=moment(1))
def seen_at_home_three_times_on_two_days(case: CaseBuilder) -> None:
    case.place("home")
    case.seen("K1", at(0, "08:00"), place="home")
    case.seen("K1", at(0, "18:00"), place="home")
    case.seen("K1", at(1), place="home")


@example(verdict="isolated", acts=12, presence_acts=12, tracking_occasions=0, visited_places=1,
         statuses={"tracking": "not_met"})  # fmt: skip
def seen_often_at_one_gym_is_not_tracking(case: CaseBuilder) -> None:
    case.place("gym", "gym")
    for day in range(12):
        case.seen("K1", at(day), place="gym")


@example(verdict="isolated", tracking_occasions=2, visited_places=2, statuses={"tracking": "met"})
def seen_at_two_of_her_places_is_tracking(case: CaseBuilder) -> None:
    case.place("gym", "gym")
    case.place("school", "school", HOME[0] + north(3000), HOME[1])
    case.seen("K1", at(0), place="gym")
    case.seen("K1", at(1), place="school")


@example(verdict="emerging", tracking_occasions=3, otherwise=None, unwanted_occasions=3)
def waited_thrice(case: CaseBuilder) -> None:
    case.place("gym", "gym")
    case.waited("K1", at(0, "08:00"), place="gym")
    case.waited("K1", at(0, "18:00"), place="gym")
    case.waited("K1", at(1), place="gym")


@example(verdict="emerging", replies=5, tracking_occasions=3)
def waited_thrice_in_spite_of_two_way_traffic(case: CaseBuilder) -> None:
    # r = 5 of 8 occasions would be reciprocal; repeated waiting comes before
    for day in range(5):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)
    for day in (10, 12, 14):
        case.waited("K1", at(day), place="bus stop")


@example(verdict="isolated", tracking_occasions=3, unwanted_days=1)
def waited_thrice_on_one_day_is_isolated(case: CaseBuilder) -> None:
    for clock in ("08:00", "12:00", "18:00"):
        case.waited("K1", at(0, clock))


@example(verdict="isolated", tracking_occasions=1, statuses={"tracking": "met"})
def entered_once(case: CaseBuilder) -> None:
    case.entered("K1", at(0))


@example(verdict="isolated", tracking_occasions=2, visited_places=0, statuses={"tracking": "met"})
def met_on_the_way_at_two_spots(case: CaseBuilder) -> None:
    case.seen("K1", at(0), place="park")
    case.seen("K1", at(1), place="market")


@example(verdict="isolated", tracking_occasions=0, visited_places=0, statuses={"tracking": "not_met"})
def met_on_the_way_at_one_spot(case: CaseBuilder) -> None:
    for day in range(5):
        case.seen("K1", at(day), place="park")


@example(verdict="isolated", tracking_occasions=2)
def spots_further_than_500_metres_apart_are_two(case: CaseBuilder) -> None:
    case.seen("K1", at(0), lat=HOME[0], lon=HOME[1])
    case.seen("K1", at(1), lat=HOME[0] + north(501), lon=HOME[1])


@example(verdict="isolated", tracking_occasions=0)
def spots_500_metres_apart_are_one(case: CaseBuilder) -> None:
    case.seen("K1", at(0), lat=HOME[0], lon=HOME[1])
    case.seen("K1", at(1), lat=HOME[0] + north(500), lon=HOME[1])


@example(verdict="isolated", acts=28, habitual_acts=28, tracking_occasions=0, unwanted_occasions=0,
         unanswered_occasions=28, statuses={"tracking": "not_met"})  # fmt: skip
def the_neighbour(case: CaseBuilder) -> None:
    # home every evening for four weeks: every visit is part of the habit. Isolated only because presence is shown
    case.contact("K1", role="neighbour")
    case.place("home")
    for day in range(28):
        case.visit("K1", at(day, "18:00"), at(day, "21:00"))


@example(verdict="emerging", acts=15, habitual_acts=12, tracking_occasions=3, unwanted_occasions=3)
def the_neighbour_who_waits_at_the_door(case: CaseBuilder) -> None:
    # waiting always counts, wherever, and is no habit
    case.contact("K1", role="neighbour")
    case.place("home")
    for day in range(12, 24):
        case.visit("K1", at(day, "18:00"), at(day, "18:30"))
    for day in (24, 25, 26):
        case.waited("K1", at(day, "18:00"), place="home")


@example(verdict="isolated", acts=20, habitual_acts=20, tracking_occasions=0, statuses={"tracking": "not_met"})
def the_colleague_at_work(case: CaseBuilder) -> None:
    # Monday to Friday at nine, four weeks
    case.contact("K1", role="colleague")
    case.place("work", "work")
    for week in range(4):
        for day in range(5):
            case.seen("K1", at(7 * week + day, "09:00"), place="work")


@example(verdict="isolated", acts=2, habitual_acts=0, tracking_occasions=0, visited_places=2)
def a_place_of_the_role_does_not_count_towards_the_two(case: CaseBuilder) -> None:
    # work is the colleague's own place, so the gym is the only other one
    case.contact("K1", role="colleague")
    case.place("work", "work")
    case.place("gym", "gym", HOME[0] + north(3000), HOME[1])
    case.seen("K1", at(0, "09:00"), place="work")
    case.seen("K1", at(1, "09:00"), place="gym")


@example(verdict="isolated", acts=1, tracking_occasions=1)
def a_colleague_at_her_home_is_tracking(case: CaseBuilder) -> None:
    case.contact("K1", role="colleague")
    case.place("home")
    case.seen("K1", at(0), place="home")


@example(verdict="isolated", acts=2, tracking_occasions=0)
def a_shared_place_does_not_count_towards_the_two(case: CaseBuilder) -> None:
    case.place("gym", "gym", shared_with=("K2", "K1"))
    case.place("school", "school", HOME[0] + north(3000), HOME[1])
    case.seen("K1", at(0), place="gym")
    case.seen("K1", at(1), place="school")


@example(verdict="reciprocal", acts=15, habitual_acts=5, replies=10, tracking_occasions=0, otherwise="isolated")
def the_co_parent(case: CaseBuilder) -> None:
    # Friday 18:00 hand-over at home, five weeks; two messages a week, both answered. 4*10 >= 15, 10*10 >= 15
    case.contact("K1", role="co_parent")
    case.place("home")
    for week in range(5):
        for day in (1, 3):
            case.message("K1", at(7 * week + day))
            case.message("K1", at(7 * week + day, "12:05"), out=True)
        case.visit("K1", at(7 * week + 4, "18:00"), at(7 * week + 4, "18:15"))


@example(verdict="reciprocal", acts=34, conversations=30, initiatives=1, replies=9, habitual_acts=4,
         tracking_occasions=0, otherwise="isolated")  # fmt: skip
def the_daily_mother(case: CaseBuilder) -> None:
    # calls every evening and is talked to; Sundays she visits; the owner calls back every third morning. The first of
    # these calls opens (i = 1), the others come within 24 h of the evening call (r = 9). 4*40 >= 34+1, 10*10 >= 34+1
    case.contact("K1", role="family")
    case.place("home")
    for day in range(30):
        if day % 3 == 0:
            case.call("K1", at(day, "10:00"), out=True, answered=True, duration=120)
        case.call("K1", at(day, "19:00"), answered=True, duration=300)
        if day % 7 == 6:
            case.visit("K1", at(day, "15:00"), at(day, "17:00"))


@example(verdict="isolated", acts=3, habitual_acts=3)
def three_weeks_at_one_hour_make_a_habit(case: CaseBuilder) -> None:
    case.contact("K1", role="neighbour")
    case.place("home")
    for day in (0, 7, 14):
        case.visit("K1", at(day, "18:00"), at(day, "18:30"))


@example(verdict="isolated", acts=3, habitual_acts=0, unwanted_occasions=3)
def three_visits_in_two_weeks_make_no_habit(case: CaseBuilder) -> None:
    case.contact("K1", role="neighbour")
    case.place("home")
    for day in (0, 7, 8):
        case.visit("K1", at(day, "18:00"), at(day, "18:30"))


@example(verdict="isolated", acts=3, habitual_acts=1)
def a_habit_is_within_an_hour_of_the_clock(case: CaseBuilder) -> None:
    # 18:xx sees all three weeks (17, 18, 19); 17:xx does not see 19:xx, nor the other way
    case.contact("K1", role="neighbour")
    case.place("home")
    for day, clock in ((0, "17:00"), (7, "18:59"), (14, "19:59")):
        case.visit("K1", at(day, clock), at(day, clock) + timedelta(minutes=5))


@example(verdict="isolated", acts=3, habitual_acts=1)
def a_habit_goes_past_midnight(case: CaseBuilder) -> None:
    # 23:30 sees 22:10 and 00:10; those two are two hours of the clock apart
    case.contact("K1", role="neighbour")
    case.place("home")
    for day, clock in ((0, "23:30"), (7, "00:10"), (14, "22:10")):
        case.visit("K1", at(day, clock), at(day, clock) + timedelta(minutes=5))


def _habit_and_new_evenings(case: CaseBuilder) -> None:
    """Mondays 18:00 in weeks 0 to 4, and Tuesdays 22:00 in weeks 3 to 5."""
    case.contact("K1", role="neighbour")
    case.place("home")
    for week in range(5):
        case.visit("K1", at(7 * week, "18:00"), at(7 * week, "18:30"))
    for week in (3, 4, 5):
        case.visit("K1", at(7 * week + 1, "22:00"), at(7 * week + 1, "22:30"))


@example(verdict="isolated", acts=8, habitual_acts=5, after_notice_acts=5, unwanted_occasions=3, unwanted_days=3,
         tracking_occasions=0, after_notice_occasions=0,
         statuses={"tracking": "not_met", "systematic": "met", "against_will": "not_met"})  # fmt: skip
def habitual_presence_with_a_notice(case: CaseBuilder) -> None:
    # the notice (Sunday of week 2) closes the habit: Mondays stay habitual after it, the new Tuesdays are not and make
    # three unwanted occasions; but presence at a place of the role is no tracking, so nothing is against the will
    _habit_and_new_evenings(case)
    told(case, 20)


@example(verdict="isolated", acts=8, habitual_acts=8, unwanted_occasions=0)
def habitual_presence_without_a_notice(case: CaseBuilder) -> None:
    _habit_and_new_evenings(case)


# == the law's date =================================================================================================


@example(verdict="none", acts=0, before_law_acts=10, before_law_occasions=10, replies=0,
         statuses={"contact_attempts": "not_met", "systematic": "not_met"})  # fmt: skip
def acts_before_the_law_only(case: CaseBuilder) -> None:
    # 2025-08-27 to 2025-09-05
    fully_covered(case)
    messages(case, *range(-40, -30))


@example(verdict="none", acts=1, before_law_acts=1, before_law_occasions=1)
def the_law_begins_at_midnight_of_its_zone(case: CaseBuilder) -> None:
    case.message("K1", "2025-09-15 23:59:59")
    case.message("K1", "2025-09-16 00:00:00")


@example(verdict="none", acts=1, before_law_acts=1)
def an_act_that_may_be_older_than_the_law_is_before_it(case: CaseBuilder) -> None:
    # a reading whose earliest moment is the last of the day before
    begin = VALID_FROM
    case.message("K1", "2025-09-16 00:00:00", ts_min=begin - 1)
    case.message("K1", "2025-09-16 00:00:01", ts_min=begin)


@example(verdict="emerging", acts=1, before_law_acts=11, unanswered_occasions=1, first_repeated=None)
def acts_before_the_law_are_background_of_a_course(case: CaseBuilder) -> None:
    # eleven unanswered calls from 2025-08-21 to 2025-09-10, one on 2025-09-17: twelve occasions, more than two weeks
    for day in range(-46, -25, 2):
        case.call("K1", at(day))
    case.call("K1", at(-19))


@example(verdict="none", acts=1, before_law_acts=12)
def a_course_before_the_law_needs_one_act_after_it(case: CaseBuilder) -> None:
    # the one act since the law was talked over: no unanswered act lies in L
    for day in range(-46, -23, 2):
        case.call("K1", at(day))
    case.call("K1", at(-19), answered=True, duration=30)


@example(verdict="emerging", acts=1, before_law_acts=2, tracking_occasions=1)
def waited_twice_before_the_law_and_once_after(case: CaseBuilder) -> None:
    for day in (-30, -25, -10):
        case.waited("K1", at(day), place="bus stop")


@example(verdict="isolated", acts=2, before_law_acts=2, unwanted_occasions=2, after_notice_acts=2,
         first_met=None, statuses={"systematic": "not_met"})  # fmt: skip
def acts_before_the_law_never_make_an_element_met(case: CaseBuilder) -> None:
    # four profile views after the notice of day -35, two of them since the law: repeated over all, but two occasions in
    # L are not three, and a view is neither an attempt nor tracking
    told(case, -35)
    case.event("view", "K1", at(-30), channel="internet")
    case.event("view", "K1", at(-28), channel="internet")
    case.event("view", "K1", at(-10), channel="internet")
    case.event("view", "K1", at(-2), channel="internet")


# == the verdicts ===================================================================================================


@example(verdict="service", acts=60, identifiers=3, otherwise="emerging", first_met=None)
def the_bank(case: CaseBuilder) -> None:
    # sixty missed calls on sixty days from three numbers: without the role it would be a strong course
    numbers = ("+77010000021", "+77010000022", "+77010000023")
    case.contact("K1", role="service", identifiers=numbers)
    for day in range(60):
        case.call("K1", at(day, "10:00"), identifier=numbers[day % 3])


@example(verdict="service", acts=60, otherwise="systematic", after_notice_occasions=60, first_met=None)
def the_bank_that_was_told_to_stop(case: CaseBuilder) -> None:
    # the role wins over everything; "otherwise" says what would stand. It was never systematic at any moment
    case.contact("K1", role="service")
    told(case, -1)
    for day in range(60):
        case.call("K1", at(day, "10:00"))


@example(verdict="service", acts=20, otherwise="emerging")
def a_sender_with_a_service_code(case: CaseBuilder) -> None:
    case.contact("K1", declared=False, identifiers=("alpha:BankInfo", "short:7111"))
    messages(case, *range(20))


@example(verdict="emerging", acts=21)
def a_service_code_that_calls_is_no_service(case: CaseBuilder) -> None:
    # twenty unanswered days, then a call: all twenty-one are unanswered
    case.contact("K1", declared=False, identifiers=("short:7111",))
    messages(case, *range(20))
    case.call("K1", at(20))


@example(verdict="emerging", acts=20)
def a_declared_sender_with_a_service_code_is_no_service(case: CaseBuilder) -> None:
    case.contact("K1", role="stranger", identifiers=("alpha:Someone",))
    messages(case, *range(20))


@example(verdict="emerging", acts=20)
def a_code_beside_a_number_is_no_service(case: CaseBuilder) -> None:
    case.contact("K1", declared=False, identifiers=("alpha:Someone", "+77010000031"))
    messages(case, *range(20))


@example(verdict="insufficient", acts=0, as_of="2025-11-15")
def coverage_of_less_than_half_is_insufficient(case: CaseBuilder) -> None:
    # sixty days since the law, the first twenty-nine covered
    case.contact("K1")
    case.coverage("2025-09-16", "2025-10-15")


@example(verdict="none", acts=0, as_of="2025-11-15")
def coverage_of_exactly_half_is_enough(case: CaseBuilder) -> None:
    # thirty of sixty days; the second row covers nothing new
    case.contact("K1")
    case.coverage("2025-09-01", "2025-10-16")
    case.coverage("2025-09-20", "2025-10-01", channel="sms", classes="message")


@example(verdict="insufficient", acts=0, as_of="2025-11-15")
def coverage_of_another_thread_does_not_count(case: CaseBuilder) -> None:
    case.contact("K1", identifiers=("+77010000001",))
    case.coverage("2025-09-16", "2025-11-15", scope="thread", scope_id="somebody else")
    case.coverage("2025-09-16", "2025-11-15", scope="identifier", scope_id="+77010000099")


@example(verdict="none", acts=0, as_of="2025-11-15")
def coverage_of_the_contacts_identifier_counts(case: CaseBuilder) -> None:
    case.contact("K1", identifiers=("+77010000001",))
    case.coverage("2025-09-16", "2025-11-15", scope="identifier", scope_id="+77010000001")


@example(verdict="none", acts=0, before_law_acts=1, as_of="2025-11-15")
def coverage_of_the_contacts_thread_counts(case: CaseBuilder) -> None:
    case.message("K1", at(-40), thread_id="t1")
    case.coverage("2025-09-16", "2025-11-15", scope="thread", scope_id="t1")


@example(verdict="none", acts=0, before_law_acts=3, as_of="2025-09-16")
def before_the_law_nothing_is_insufficient(case: CaseBuilder) -> None:
    messages(case, -40, -39, -38)


@example(verdict="reciprocal", replies=1, conversations=2, initiatives=0, occasions=10, otherwise="isolated")
def reciprocal_at_a_quarter_and_a_tenth(case: CaseBuilder) -> None:
    # ten occasions: r = 1, c = 2. 4*3 >= 10 and 10*1 >= 10. Seven days without an answer, day 7 answered, two talks
    messages(case, *range(8))
    case.message("K1", at(7, "12:05"), out=True)
    case.call("K1", at(8), answered=True, duration=90)
    case.call("K1", at(9), answered=True, duration=90)


@example(verdict="isolated", replies=1, conversations=2, occasions=11, unanswered_occasions=8)
def less_than_a_tenth_is_not_reciprocal(case: CaseBuilder) -> None:
    # one occasion more: 4*3 >= 11, but 10*1 < 11; eight unanswered occasions are no strong course
    messages(case, *range(-1, 8))
    case.message("K1", at(7, "12:05"), out=True)
    case.call("K1", at(8), answered=True, duration=90)
    case.call("K1", at(9), answered=True, duration=90)


@example(verdict="isolated", replies=1, conversations=0, occasions=5, unanswered_occasions=4)
def less_than_a_quarter_is_not_reciprocal(case: CaseBuilder) -> None:
    # 4*1 < 5
    messages(case, 0, 1, 2, 3, 4)
    case.message("K1", at(4, "12:05"), out=True)


def _old_friendship(case: CaseBuilder) -> None:
    """Twenty answered messages from 2025-05-09 on."""
    for day in range(-150, -130):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)


@example(verdict="emerging", replies=21, acts=12, before_law_acts=20, unanswered_occasions=11)
def the_recent_period_must_be_two_way_too(case: CaseBuilder) -> None:
    # over all: 4*21 >= 32. Recent (90 days before the reply of day 22): twelve occasions, r = 1: 4*1 < 12. Eleven
    # unanswered messages over twenty days, a third of twelve: emerging by rule 6, as her reply ended the run of rule 4
    _old_friendship(case)
    messages(case, *range(0, 23, 2))
    case.message("K1", at(22, "12:05"), out=True)


@example(verdict="reciprocal", replies=21, acts=9, otherwise="isolated")
def a_recent_period_of_fewer_than_ten_occasions_is_not_asked(case: CaseBuilder) -> None:
    _old_friendship(case)
    messages(case, *range(6, 23, 2))
    case.message("K1", at(22, "12:05"), out=True)


def _recent_of_nine_and(case: CaseBuilder, clock: str) -> None:
    """The last reply is at 12:05:00 of day 22, so the recent period begins at 12:05:00 of day -68."""
    _old_friendship(case)
    messages(case, -68, clock=clock)
    messages(case, *range(6, 23, 2))
    case.message("K1", at(22, "12:05"), out=True)


@example(verdict="isolated", replies=21, acts=9, before_law_acts=21)
def the_recent_period_holds_what_is_exactly_ninety_days_old(case: CaseBuilder) -> None:
    # ten occasions, r = 1: 4*1 < 10. Nine unanswered occasions are no strong course
    _recent_of_nine_and(case, "12:05:00")


@example(verdict="reciprocal", replies=21, acts=9, before_law_acts=21, otherwise="isolated")
def the_recent_period_does_not_hold_what_is_a_second_older(case: CaseBuilder) -> None:
    _recent_of_nine_and(case, "12:04:59")


@example(verdict="emerging", replies=20, acts=30, unanswered_occasions=10)
def an_unanswered_run_after_two_way_traffic(case: CaseBuilder) -> None:
    # twenty answered days, then ten unanswered messages over eighteen days: 3*10 >= 30; rule 4 comes before reciprocal
    for day in range(20):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)
    messages(case, *range(20, 39, 2))


@example(verdict="reciprocal", replies=20, acts=29, unanswered_occasions=9, otherwise="isolated")
def an_unanswered_run_of_nine_is_not_strong(case: CaseBuilder) -> None:
    for day in range(20):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)
    messages(case, *range(22, 39, 2))


@example(verdict="reciprocal", replies=30, acts=40, unanswered_occasions=10, otherwise="isolated")
def a_run_that_is_less_than_a_third_is_not_strong(case: CaseBuilder) -> None:
    # 3*10 < 40, over all and over the recent period, which holds everything
    for day in range(30):
        case.message("K1", at(day))
        case.message("K1", at(day, "12:05"), out=True)
    messages(case, *range(30, 49, 2))


@example(verdict="isolated", occasions=10, unanswered_occasions=10, span_s=14 * 86400)
def ten_in_exactly_two_weeks_are_not_enough(case: CaseBuilder) -> None:
    messages(case, *range(9), 14)


@example(verdict="emerging", occasions=10, unanswered_occasions=10, span_s=14 * 86400 + 1,
         statuses={"against_will": "unknown", "systematic": "met"})  # fmt: skip
def ten_that_go_on_past_two_weeks(case: CaseBuilder) -> None:
    messages(case, *range(9))
    messages(case, 14, clock="12:00:01")


@example(verdict="isolated", occasions=9, span_s=20 * 86400)
def nine_past_two_weeks_are_not_enough(case: CaseBuilder) -> None:
    messages(case, *range(8), 20)


def _calls_every_65_minutes(case: CaseBuilder, *per_day: int) -> None:
    for day, calls in enumerate(per_day):
        for k in range(calls):
            case.call("K1", at(day, "06:00") + timedelta(minutes=65 * k))


@example(verdict="emerging", occasions=30, active_days=3, acts_max_24h=10)
def thirty_in_three_days(case: CaseBuilder) -> None:
    _calls_every_65_minutes(case, 10, 10, 10)


@example(verdict="isolated", occasions=29, active_days=3)
def twenty_nine_in_three_days_are_not_enough(case: CaseBuilder) -> None:
    _calls_every_65_minutes(case, 10, 10, 9)


@example(verdict="isolated", occasions=30, active_days=2)
def thirty_on_two_days_are_not_enough(case: CaseBuilder) -> None:
    _calls_every_65_minutes(case, 15, 15)


@example(verdict="isolated", occasions=40, unanswered_occasions=40, unwanted_occasions=40)
def one_sided_e_mail_builds_no_course(case: CaseBuilder) -> None:
    for day in range(40):
        case.email("K1", at(day))


@example(verdict="emerging", occasions=10, unanswered_occasions=10)
def requests_build_a_course(case: CaseBuilder) -> None:
    for day in range(0, 20, 2):
        case.event("request", "K1", at(day), channel="telegram")


@example(verdict="isolated", after_notice_acts=1, after_notice_occasions=1, unanswered_occasions=1)
def one_act_after_a_notice_is_isolated(case: CaseBuilder) -> None:
    told(case)
    messages(case, 1)


@example(verdict="isolated", after_notice_acts=1, unwanted_occasions=1)
def with_a_notice_nothing_is_reciprocal(case: CaseBuilder) -> None:
    # one answered message after it, one before: r = 2 of 2 occasions, but an effective notice stands
    messages(case, -5)
    case.message("K1", at(-5, "12:05"), out=True)
    told(case)
    messages(case, 1)
    case.message("K1", at(1, "12:05"), out=True)


@example(verdict="isolated", acts=1, unanswered_occasions=1)
def one_journal_row_is_isolated(case: CaseBuilder) -> None:
    case.event("gift", "K1", at(0), how="journal", channel="journal")


@example(verdict="none", acts=2, unanswered_occasions=2, unwanted_occasions=2)
def two_unanswered_occasions_are_none(case: CaseBuilder) -> None:
    messages(case, 0, 1)


@example(verdict="isolated", acts=3, unanswered_occasions=3)
def three_unanswered_occasions_are_isolated(case: CaseBuilder) -> None:
    messages(case, 0, 1, 2)


@example(verdict="systematic", acts=4, before_law_acts=0, first_repeated=moment(4), first_met=moment(9))
def gaps_in_coverage_lower_no_other_verdict(case: CaseBuilder) -> None:
    # one day of coverage out of 258. Repeated with the third act after the notice (day 4); seven days with day 9
    case.coverage("2025-09-16", "2025-09-17")
    told(case)
    messages(case, 2, 3, 4, 9)


# == first_met and first_repeated ===================================================================================


@example(verdict="isolated", first_repeated=moment(0, "12:45"), outgoing=0, unwanted_occasions=3)
def saying_the_notice_is_the_notice_for_earlier_moments_too(case: CaseBuilder) -> None:
    # her "stop" of 12:40 belongs to the notice of 13:00. Scored just after 12:45, when the notice is not there yet, it
    # answers nothing: day -1, 09:00 and 12:45 are three unanswered occasions on two days
    messages(case, -1)
    case.message("K1", at(0, "09:00"))
    case.message("K1", at(0, "12:40"), out=True)
    case.message("K1", at(0, "12:45"))
    told(case, 0, "13:00")


@example(verdict="isolated", first_repeated=moment(2), replies=1, unwanted_occasions=2)
def what_was_repeated_once_stays_dated(case: CaseBuilder) -> None:
    # with the act of day 2 three stood unanswered; her answer of 12:05 takes one away: repeated then, not now.
    # Not reciprocal: a fourth act (an answered call of 5 s on day 3) and a fifth make 4*1 < 5 (unanswered: days 0, 1)
    messages(case, 0, 1, 2)
    case.message("K1", at(2, "12:05"), out=True)
    case.call("K1", at(3), answered=True, duration=5)
    case.call("K1", at(4), answered=True, duration=5, how="journal")


@example(verdict="emerging", first_repeated=moment(4, "10:20"), unwanted_occasions=3, unwanted_days=3)
def a_visit_of_fixes_is_one_from_its_second_fix(case: CaseBuilder) -> None:
    # with the fix of 10:00 alone nothing happened on day 4: scoring as of 10:01 shows two acts
    case.place("home")
    for day in (0, 2, 4):
        case.fix("K1", at(day, "10:00"), *HOME)
        case.fix("K1", at(day, "10:20"), *HOME)


@example(verdict="systematic", first_met=moment(9, "10:20"), first_repeated=moment(9, "10:20"))
def a_last_visit_of_fixes_dates_the_verdict(case: CaseBuilder) -> None:
    case.place("home")
    told(case)
    for day in (1, 5, 9):
        case.fix("K1", at(day, "10:00"), *HOME)
        case.fix("K1", at(day, "10:20"), *HOME)


@example(verdict="isolated", first_repeated=moment(0, "12:45"), outgoing=0)
def saying_the_notice_is_the_notice_also_for_a_neighbour(case: CaseBuilder) -> None:
    # as above, for a contact with exempt presence later
    case.contact("K1", role="neighbour")
    case.place("home")
    saying_the_notice_is_the_notice_for_earlier_moments_too(case)
    case.visit("K1", at(5, "18:00"), at(5, "18:30"))


@example(verdict="systematic", acts=4, first_met=moment(12), first_repeated=moment(9))
def a_service_code_was_a_service_until_it_called(case: CaseBuilder) -> None:
    # as of day 9 there was no call: the verdict of that moment was "service"
    case.contact("K1", declared=False, identifiers=("short:7111",))
    told(case)
    messages(case, 1, 5, 9)
    case.call("K1", at(12))


@example(verdict="service", acts=1, as_of="2025-10-07")
def a_position_that_is_not_yet_there_makes_no_person(case: CaseBuilder) -> None:
    # seen on day 2, scored as of day 1: what happens later does not exist
    case.contact("K1", declared=False, identifiers=("short:7111",))
    messages(case, 0)
    case.seen("K1", at(2))


@pytest.mark.parametrize("worked", EXAMPLES, ids=lambda e: e.name)
def test_twin(worked: Example) -> None:
    case = CaseBuilder(as_of=worked.as_of)
    worked.make(case)
    findings = score_case(case.tables(), {}, VALID_FROM, case.as_of)
    if worked.expected is None:
        assert worked.contact not in findings
        return
    _compare(worked, flat_twin(findings[worked.contact]))


@pytest.mark.parametrize("worked", EXAMPLES, ids=lambda e: e.name)
def test_detector(worked: Example) -> None:
    case = CaseBuilder(as_of=worked.as_of)
    worked.make(case)
    findings = detect(case.tables(), case.as_of)
    if worked.expected is None:
        assert worked.contact not in findings
    else:
        _compare(worked, flat(findings[worked.contact]))
    assert differences(case.tables(), case.as_of) == []


def _compare(worked: Example, found: dict[str, Any]) -> None:
    assert worked.expected is not None
    shown = {name: found[name] for name in worked.expected}
    assert shown == worked.expected
    assert {name: found["elements"][name] for name in worked.statuses} == worked.statuses


def test_the_examples_have_names_of_their_own() -> None:
    assert len({e.name for e in EXAMPLES}) == len(EXAMPLES) >= 60
