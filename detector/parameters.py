"""Every number of the rules that is not a statute's own: value, origin, source. A profile may override each by name.

``origin`` is ``product_choice`` ([P] in DESIGN.md), ``research``, ``case_law``, ``gloss`` or ``statute``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

ORIGINS = ("statute", "case_law", "gloss", "research", "product_choice")
#: where a number enters, in the order of the computation; what is measured and changes no verdict comes last
STAGES = ("course", "answers", "notices", "sets", "verdict", "measure")


Value: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of the rules; a share is a pair (numerator, denominator).

    ``tries`` are the values that robustness puts in its place: one step down, one step up.
    """

    value: Value
    origin: str
    source: str
    stage: str = "measure"
    tries: tuple[Value, ...] = ()


def _p(value: Value, why: str, stage: str = "measure", step: int = 0, tries: tuple[Value, ...] = (),
       origin: str = "product_choice") -> Parameter:  # fmt: skip
    if step and isinstance(value, int):
        tries = (value - step, value + step)
    return Parameter(value, origin, why, stage, tries)


_PURCELL = "Purcell, Pathé & Mullen 2004, J Forensic Psychiatry & Psychology 15(4):571-583"
_AIRGUARD = "AirGuard, Heinrich, Bittner & Hollick 2022, arXiv 2202.11813"
_DAY = 86_400

PARAMETERS: dict[str, Parameter] = {
    "occasion_window_s": _p(
        3600, "acts within one hour of the first are one occasion", "answers", tries=(900, 21_600, 86_400)
    ),
    "reply_window_s": _p(_DAY, "an answer within a day", "answers", 21_600),
    "initiative_silence_s": _p(10_800, "three hours of silence on both sides", "answers", 3600),
    "conversation_min_s": _p(60, "a talk of a minute", "answers", 30),
    "notice_margin_s": _p(3600, "a message within an hour of the notice is the notice", "course", 1800),
    "overtaken_days": _p(5, "days with an initiative of the owner", "notices", 1),
    "overtaken_share": _p((1, 3), "outgoing share of the traffic", "notices", tries=((1, 4), (5, 12))),
    "contested_half_share": _p((1, 2), "of the occasions, rule (a)", "notices", tries=((5, 12), (7, 12))),
    "contested_half_days": _p(10, "rule (a)", "notices", 1),
    "contested_half_span_s": _p(56 * _DAY, "eight weeks, rule (a)", "notices", 7 * _DAY),
    "contested_most_share": _p(
        (3, 4), "of the occasions of calls and messages, rule (b)", "notices", tries=((2, 3), (5, 6))
    ),
    "contested_most_days": _p(5, "rule (b)", "notices", 1),
    "contested_initiative_days": _p(3, "rule (c)", "notices", 1),
    "contested_initiative_share": _p((1, 3), "rule (c)", "notices", tries=((1, 4), (5, 12))),
    "repeated_occasions": _p(3, "unwanted occasions", "verdict", 1),
    "repeated_days": _p(2, "on two days", "verdict", 1),
    "course_occasions": _p(
        10, "Pathé & Mullen 1997, Br J Psychiatry 170:12-17: ten intrusions", "verdict", 1, origin="research"
    ),
    "course_span_s": _p(14 * _DAY, _PURCELL + ": past two weeks", "verdict", 2 * _DAY, origin="research"),
    "course_burst_occasions": _p(30, "or thirty unanswered occasions", "verdict", 3),
    "course_burst_days": _p(3, "on three days", "verdict", 1),
    "course_unanswered_share": _p(
        (1, 3), "of the occasions of calls, messages and requests", "verdict", tries=((1, 4), (5, 12))
    ),
    "reciprocal_share": _p(
        (1, 4),
        "replies, initiatives and conversations to occasions and initiatives",
        "verdict",
        tries=((1, 5), (3, 10)),
    ),
    "reciprocal_own_share": _p((1, 10), "replies and initiatives alone", "verdict", tries=((1, 20), (3, 20))),
    "recent_s": _p(90 * _DAY, "the recent period", "sets", 14 * _DAY),
    "recent_min_occasions": _p(10, "occasions that a recent period must hold to be judged", "verdict", 1),
    "isolated_occasions": _p(3, "unanswered occasions", "verdict", 1),
    "habit_weeks": _p(3, "different weeks that make a habit", "sets", 1),
    "visit_pause_s": _p(1800, "a longer pause ends a visit", "course", 600),
    "visit_min_s": _p(300, "a shorter run of positions at a place is a way through it", "course", tries=(120, 600)),
    "visit_accuracy_m": _p(200, "a less accurate position shows no visit", "course", 50),
    "visit_bar": _p(
        (1, 2), "a visit counts if it is as likely as not that the subject was inside", "course", tries=((2, 5), (3, 5))
    ),
    "encounter_m": _p(100, "a contact this close to the owner is met", "course", 25),
    "encounter_s": _p(300, "and this close in time", "course", 60),
    "encounter_accuracy_m": _p(100, _AIRGUARD + ": accuracy that counts", "course", 25, origin="research"),
    "spot_m": _p(500, "encounters further apart are on different spots", "course", 100),
    "tracking_places": _p(2, "different places of the owner", "sets", 1),
    "coverage_open_share": _p((1, 2), "of the time in question", "verdict", tries=((5, 12), (7, 12))),
    # what is measured, and enters no rule
    "pause_s": Parameter(14 * _DAY, "product_choice", "a longer pause is a course broken off and resumed"),
    "burst_acts": _p(10, "acts of one occasion that make a burst"),
    "thin_occasions": _p(3, "a course of so few occasions may be thin"),
    "thin_gap_s": Parameter(
        60 * _DAY,
        "product_choice",
        "median gap of a thin course, after Lau v DPP 2000: two incidents four months apart",
    ),
    "hangup_s": _p(3, "a call taken and over at once"),
    "rate_s": Parameter(28 * _DAY, "product_choice", "the last four weeks against the four before"),
    "trend_min_weeks": _p(8, "weeks that a trend needs"),
    "trend_max_weeks": _p(104, "weeks that a trend looks back"),
    "change_min_days": _p(28, "days that a change point needs"),
    "change_alarm": _p((1, 20), "share of false alarms that a change point may have at most"),
    "night_from_h": _p(23, "the night: descriptive only"),
    "night_to_h": _p(6, "the end of the night"),
    "office_from_h": _p(9, "office hours, Monday to Friday"),
    "office_to_h": _p(18, "the end of office hours"),
    "evasion_s": _p(14 * _DAY, "a new identifier this soon after a block"),
    "rejection_s": _p(3600, "an attempt this soon after a rejected call"),
    "chance_draws": _p(999, "draws of shuffled days"),
    "chance_weeks": _p(3, "weeks that a chance level needs"),
    "chance_max_weeks": _p(52, "weeks that a chance level looks back"),
    "tracker_sightings": Parameter(3, "research", _AIRGUARD),
    "tracker_places": Parameter(3, "research", _AIRGUARD),
    "tracker_accuracy_m": _p(
        150, "a less accurate sighting makes no place; apps that look for tags place them to 150 m at best"
    ),
    "tracker_apart_m": _p(300, "sightings further apart are at different places: twice the accuracy"),
    "tracker_span_s": Parameter(3600, "research", _AIRGUARD + ": medium sensitivity"),
    "tracker_window_s": Parameter(14 * _DAY, "research", _AIRGUARD),
    "tracker_link_s": Parameter(
        1800,
        "product_choice",
        "a new tag id this soon after the last of another may be the same tag; tags change ids every 15 minutes or 24 hours (DULT)",
    ),
    "tracker_link_m": _p(200, "and this close to it, or both while the owner moves"),
    "code_senders": _p(5, "different services that send codes in one burst"),
    "code_window_s": _p(3600, "length of such a burst"),
    "template_slots": _p(3, "slots of a weekly template, each three hours of one weekday"),
    "pool_digits": _p(2, "last digits in which the numbers of a pool differ"),
    "emergency_window_s": _p(21_600, "one evening"),
    "emergency_share": _p((4, 5), "of all acts"),
    "emergency_acts": _p(5, "acts that an evening needs"),
    "recycled_s": _p(7 * _DAY, "first act this soon after the owner's line was new"),
    # hypotheses: one person behind several identifiers?
    "hypothesis_s": _p(14 * _DAY, "a new identifier this soon after a block or refusal"),
    "hypothesis_points": _p(5, "points from which a hypothesis is offered"),
    "hypothesis_soon_s": _p(3 * _DAY, "and this soon it has two points"),
    "hypothesis_hours_acts": _p(5, "timed acts that each side needs for its hours to be compared"),
    "hypothesis_hours_share": _p((3, 5), "of the hours alike: one point"),
    "hypothesis_hours_most": _p((4, 5), "of the hours alike: two points"),
    "hypothesis_most": _p(10, "hypotheses that are offered for one contact, the strongest"),
}
