"""Every number of the rules that is not a statute's own: value, origin, source. A profile may override each by name.

``origin`` is ``product_choice`` ([P] in DESIGN.md), ``research``, ``case_law``, ``gloss`` or ``statute``.
"""

from __future__ import annotations

from dataclasses import dataclass

ORIGINS = ("statute", "case_law", "gloss", "research", "product_choice")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of the rules; a share is a pair (numerator, denominator)."""

    value: int | tuple[int, int]
    origin: str
    source: str


def _p(value: int | tuple[int, int], why: str) -> Parameter:
    return Parameter(value, "product_choice", why)


_PURCELL = "Purcell, Pathé & Mullen 2004, J Forensic Psychiatry & Psychology 15(4):571-583"

PARAMETERS: dict[str, Parameter] = {
    "occasion_window_s": _p(3600, "acts within one hour of the first are one occasion"),
    "reply_window_s": _p(86_400, "an answer within a day"),
    "initiative_silence_s": _p(10_800, "three hours of silence on both sides"),
    "conversation_min_s": _p(60, "a talk of a minute"),
    "notice_margin_s": _p(3600, "a message within an hour of the notice is the notice"),
    "overtaken_days": _p(5, "days with an initiative of the owner"),
    "overtaken_share": _p((1, 3), "outgoing share of the traffic"),
    "contested_half_share": _p((1, 2), "of the occasions, rule (a)"),
    "contested_half_days": _p(10, "rule (a)"),
    "contested_half_span_s": _p(56 * 86_400, "eight weeks, rule (a)"),
    "contested_most_share": _p((3, 4), "of the occasions of calls and messages, rule (b)"),
    "contested_most_days": _p(5, "rule (b)"),
    "contested_initiative_days": _p(3, "rule (c)"),
    "contested_initiative_share": _p((1, 3), "rule (c)"),
    "repeated_occasions": _p(3, "unwanted occasions"),
    "repeated_days": _p(2, "on two days"),
    "course_occasions": Parameter(10, "research", "Pathé & Mullen 1997, Br J Psychiatry 170:12-17: ten intrusions"),
    "course_span_s": Parameter(14 * 86_400, "research", _PURCELL + ": past two weeks"),
    "course_burst_occasions": _p(30, "or thirty unanswered occasions"),
    "course_burst_days": _p(3, "on three days"),
    "course_unanswered_share": _p((1, 3), "of the occasions of calls, messages and requests"),
    "reciprocal_share": _p((1, 4), "replies, initiatives and conversations to occasions and initiatives"),
    "reciprocal_own_share": _p((1, 10), "replies and initiatives alone"),
    "recent_s": _p(90 * 86_400, "the recent period"),
    "recent_min_occasions": _p(10, "occasions that a recent period must hold to be judged"),
    "isolated_occasions": _p(3, "unanswered occasions"),
    "habit_weeks": _p(3, "different weeks that make a habit"),
    "visit_pause_s": _p(1800, "a longer pause ends a visit"),
    "visit_accuracy_m": _p(200, "a less accurate position shows no visit"),
    "spot_m": _p(500, "encounters further apart are on different spots"),
    "tracking_places": _p(2, "different places of the owner"),
    "coverage_open_share": _p((1, 2), "of the time in question"),
}
