"""How persistent: the fullest day and week, weeks and days in a row, pauses, thin courses, bursts, calls that say nothing. ``docs/measures.md`` section 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detector.arrays import (
    DAY_US,
    Bools,
    Ints,
    first_value,
    last_value,
    peak,
    permille,
    positions_of,
    twice_median,
)
from detector.course import KIND
from detector.indicators import Indicator, Measured, fullest_window, share
from detector.state import State

_US = 1_000_000
#: four weeks, Pathé & Mullen 1997
_CLINICAL_US = 28 * DAY_US


def _occasions_max(window: int) -> Callable[[State], Measured]:
    return lambda s: fullest_window(s, s.law_openers, window, s.sets.law)


def _unwanted_7d(s: State) -> Measured:
    return fullest_window(s, s.unwanted_law_openers, 7 * DAY_US, s.sets.unwanted_law)


def _active_weeks(s: State) -> Measured:
    c = s.course
    g, week = c.group[s.law_day_at], c.week[s.law_day_at]
    if not len(g):
        return Measured(np.zeros(c.n_groups, np.int64), s.sets.law, np.zeros(c.n_groups, np.bool_))
    new = np.r_[True, (g[1:] != g[:-1]) | (week[1:] != week[:-1])]
    number = np.bincount(g[new], minlength=c.n_groups)
    first = first_value(g, c.n_groups, week, None, 0)
    whole = np.where(number > 0, last_value(g, c.n_groups, week, None, 0) - first + 1, 0)
    return Measured(permille(number, whole), s.sets.law, number > 0)


def _day_run(s: State) -> Measured:
    c = s.course
    g, day = c.group[s.law_day_at], c.day[s.law_day_at]
    begin = np.flatnonzero(np.r_[True, (g[1:] != g[:-1]) | (day[1:] != day[:-1] + 1)]) if len(g) else s.law_day_at
    length = np.diff(np.r_[begin, len(g)])
    best, at = peak(g[begin], c.n_groups, length)
    from_day = np.where(at >= 0, day[begin[at]], 0) if len(g) else best
    rows = s.law_at
    into = c.day[rows] - from_day[c.group[rows]]
    return Measured(best, s.mark(rows[(into >= 0) & (into < best[c.group[rows]])]))


def _resumptions(s: State) -> Measured:
    c, at = s.course, s.law_at
    g, ts = c.group[at], c.ts[at]
    after = 1 + np.flatnonzero((g[1:] == g[:-1]) & (ts[1:] - ts[:-1] > int(s.num["pause_s"]) * _US))
    rows = s.mark(at[after])
    rows[at[after - 1]] = True
    return Measured(np.bincount(g[after], minlength=c.n_groups).astype(np.int64), rows)


def _silence(s: State) -> Measured:
    c, at = s.course, s.law_at
    last = last_value(c.group[at], c.n_groups, at, None, -1)
    known = last >= 0
    value = np.where(known, s.ends - c.ts[last], 0) // _US if len(at) else last * 0
    return Measured(value, s.mark(last[known]), known)


def _differences(s: State, at: Ints) -> tuple[Ints, Ints]:
    """Return group and length (µs) of the steps between neighbours of these rows."""
    g, ts = s.course.group[at], s.course.ts[at]
    same = g[1:] == g[:-1]
    return g[1:][same], (ts[1:] - ts[:-1])[same]


def _median_gap(s: State) -> Measured:
    groups = s.course.n_groups
    g, gap = _differences(s, s.law_opener_at)
    known = np.bincount(g, minlength=groups) > 0
    return Measured(twice_median(g, groups, gap) // (2 * _US), s.law_openers, known)


def _past_two_weeks(s: State) -> Measured:
    c, at = s.course, s.unwanted_opener_at
    first = first_value(c.group, c.n_groups, c.ts, s.sets.unwanted_law, 0)
    late = at[c.ts[at] - first[c.group[at]] > int(s.num["course_span_s"]) * _US]
    return Measured(np.bincount(c.group[late], minlength=c.n_groups).astype(np.int64), s.mark(late))


def _clinical(s: State) -> Measured:
    wanted = s.sets.unwanted_law
    return Measured(np.where(s.span(wanted) >= _CLINICAL_US, s.count(s.unwanted_law_openers), 0), wanted)


def _thin(s: State) -> Measured:
    c, at = s.course, s.unwanted_opener_at
    number = np.bincount(c.group[at], minlength=c.n_groups)
    few = (number >= 2) & (number <= int(s.num["thin_occasions"]))
    g, gap = _differences(s, at[few[c.group[at]]])
    thin = few & (twice_median(g, c.n_groups, gap) > 2 * int(s.num["thin_gap_s"]) * _US)
    rows = s.sets.unwanted_law & thin[c.group] if thin.any() else s.mark(at[:0])
    return Measured(thin.astype(np.int64), rows, number > 0)


def _calls(s: State) -> tuple[Bools, Bools]:
    """Return the call acts of L, and those of them that were over at once."""
    c = s.course
    calls = s.sets.law & (c.kind == KIND["call"])
    brief = c.answered & (c.duration_s >= 0) & (c.duration_s <= int(s.num["hangup_s"]))
    return calls, calls & (brief | c.hangup)


def _hangups(s: State) -> Measured:
    _, hangups = _calls(s)
    return Measured(s.count(hangups), hangups)


def _short_calls(s: State) -> Measured:
    calls, hangups = _calls(s)
    return share(s, (calls & ~s.course.answered) | hangups, calls)


def _occasion_sizes(s: State) -> tuple[Ints, Ints]:
    """Return where among the acts of L each of their occasions begins, and how many acts it holds."""
    begin = np.flatnonzero(s.law_openers[s.law_at])
    return begin, np.diff(np.r_[begin, len(s.law_at)])


def _largest_burst(s: State) -> Measured:
    begin, size = _occasion_sizes(s)
    best, at = peak(s.course.group[s.law_opener_at], s.course.n_groups, size)
    at = at[at >= 0]
    return Measured(best, s.mark(s.law_at[positions_of(begin[at], size[at])]))


def _bursts(s: State) -> Measured:
    begin, size = _occasion_sizes(s)
    full = np.flatnonzero(size >= int(s.num["burst_acts"]))
    number = np.bincount(s.course.group[s.law_opener_at[full]], minlength=s.course.n_groups)
    return Measured(number.astype(np.int64), s.mark(s.law_at[positions_of(begin[full], size[full])]))


_BJS = "BJS 2006 (NCJ 224527): at least weekly contact"
_PATHE = "Pathé & Mullen 1997: ten intrusions over four weeks"
_CASES = "decided cases; cut our own choice"
INDICATORS = (
    Indicator("occasions_max_24h", "Occasions in the fullest 24 hours", "occasions",
              "largest number of openings of occasions in any [t, t + 24 hours)", "own choice", _occasions_max(DAY_US)),
    Indicator("occasions_max_7d", "Occasions in the fullest 7 days", "occasions",
              "largest number of openings of occasions in any [t, t + 7 days)", "own choice", _occasions_max(7 * DAY_US)),
    Indicator("unwanted_max_7d", "Unwanted occasions in the fullest 7 days", "occasions",
              "largest number of unwanted occasions that begin in any [t, t + 7 days); habitual presence taken out", "own choice", _unwanted_7d),
    Indicator("active_weeks_permille", "Share of weeks with acts", "‰",
              "ISO weeks with an act to all weeks from the first to the last of them, rounded half up", _BJS, _active_weeks),
    Indicator("longest_day_run", "Longest run of days", "days", "largest number of consecutive days of the owner's clock that each hold an act",
              "own choice", _day_run),
    Indicator("resumptions", "Resumptions after a pause", "times", "neighbouring acts further apart than the pause of the profile (14 days)",
              "SRP: recurrence; length of the pause our own choice", _resumptions),
    Indicator("silence_s", "Time since the last act", "s", "scoring moment minus the last act; unknown without an act", "own choice", _silence),
    Indicator("median_gap_s", "Median time between occasions", "s",
              "median of the times between neighbouring openings of occasions; unknown below two", "own choice", _median_gap),
    Indicator("past_two_weeks_occasions", "Unwanted occasions past two weeks", "occasions",
              "unwanted occasions that begin more than 14 days after the first unwanted act", "Purcell, Pathé & Mullen 2004", _past_two_weeks),
    Indicator("clinical_occasions", "Unwanted occasions of a course of four weeks", "occasions",
              "unwanted occasions if the first and the last unwanted act lie at least 28 days apart, else 0", _PATHE, _clinical),
    Indicator("thin_course", "Thin course", "yes or no",
              "1 if the unwanted occasions are two or three and the median of the times between them is above 60 days; unknown without one",
              "Lau v DPP 2000; numbers our own choice", _thin),
    Indicator("hangups", "Calls over at once", "calls", "incoming calls taken that lasted at most 3 seconds, or that a reader saw hung up at once",
              _CASES, _hangups),
    Indicator("short_calls_permille", "Share of calls not taken or over at once", "‰",
              "incoming calls that were not answered, or were over at once, to all incoming calls, rounded half up", _CASES, _short_calls),
    Indicator("largest_burst", "Acts in the fullest occasion", "acts", "largest number of acts in one occasion", "own choice", _largest_burst),
    Indicator("bursts", "Bursts", "occasions", "occasions of at least ten acts", "own choice", _bursts),
)  # fmt: skip
