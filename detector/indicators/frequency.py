"""How often, how long, how dense: acts and occasions since the statute's commencement."""

from __future__ import annotations

import numpy as np

from detector.arrays import DAY_US, count, distinct, first_value, largest, last_value
from detector.indicators import Indicator, Measured, fullest_window
from detector.state import State

_28D = 28 * DAY_US


def _acts(s: State) -> Measured:
    return Measured(s.count(s.sets.law), s.sets.law)


def _occasions(s: State) -> Measured:
    return Measured(s.count(s.law_openers), s.sets.law)


def _active_days(s: State) -> Measured:
    return Measured(count(s.course.group[s.law_day_at], s.course.n_groups), s.sets.law)


def _active_weeks(s: State) -> Measured:
    c = s.course
    return Measured(distinct(c.group, c.n_groups, c.week, s.sets.law), s.sets.law)


def _span(s: State) -> Measured:
    c, at = s.course, s.law_at
    first = first_value(c.group[at], c.n_groups, at, None, -1)
    last = last_value(c.group[at], c.n_groups, at, None, -1)
    some = first >= 0
    value = np.zeros(c.n_groups, np.int64)
    value[some] = (c.ts[last[some]] - c.ts[first[some]]) // 1_000_000
    return Measured(value, s.mark(np.r_[first[some], last[some]]))


def _longest_pause(s: State) -> Measured:
    c = s.course
    at = np.flatnonzero(s.sets.law)
    g, t = c.group[at], c.ts[at]
    same = g[1:] == g[:-1]
    pause = np.where(same, t[1:] - t[:-1], 0)
    best = largest(g[1:], c.n_groups, pause)
    rows = np.zeros(len(c.group), np.bool_)
    hit = np.flatnonzero(same & (pause == best[g[1:]]) & (pause > 0)) if len(at) > 1 else np.zeros(0, np.int64)
    first = hit[np.r_[True, g[1:][hit][1:] != g[1:][hit][:-1]]] if len(hit) else hit
    rows[at[first]] = True
    rows[at[first + 1]] = True
    return Measured(best // 1_000_000, rows)


def _occasions_28d(s: State) -> Measured:
    return fullest_window(s, s.law_openers, _28D, s.sets.law)


def _unwanted_28d(s: State) -> Measured:
    return fullest_window(s, s.unwanted_law_openers, _28D, s.sets.unwanted_law)


def _acts_24h(s: State) -> Measured:
    return fullest_window(s, s.sets.law, DAY_US, s.sets.law)


_P = "own choice: unit of counting after R v Kelly; window in the profile"
INDICATORS = (
    Indicator("acts", "Acts", "acts", "number of acts since the statute's commencement", "our reading of the rules, docs/rules.md", _acts),
    Indicator("occasions", "Occasions", "occasions", "largest number of acts that lie pairwise further apart than the window", _P,
              _occasions),
    Indicator("active_days", "Days with acts", "days", "different dates of the owner's clock with an act", "own choice", _active_days),
    Indicator("active_weeks", "Weeks with acts", "weeks", "different ISO weeks of the owner's clock with an act",
              "BJS 2006: at least weekly contact", _active_weeks),
    Indicator("span_s", "First to last act", "s", "time of the last act minus time of the first",
              "Purcell, Pathé & Mullen 2004", _span),
    Indicator("longest_pause_s", "Longest pause", "s", "largest difference between neighbouring acts", "own choice", _longest_pause),
    Indicator("occasions_max_28d", "Occasions in the fullest 28 days", "occasions",
              "largest number of openings of occasions in any [t, t + 28 days)", "Pathé & Mullen 1997: ten in four weeks",
              _occasions_28d),
    Indicator("unwanted_max_28d", "Unwanted occasions in the fullest 28 days", "occasions",
              "largest number of unwanted occasions that begin in any [t, t + 28 days); habitual presence taken out",
              "Pathé & Mullen 1997: ten in four weeks", _unwanted_28d),
    Indicator("acts_max_24h", "Acts in the fullest 24 hours", "acts", "largest number of acts in any [t, t + 24 hours)", "own choice",
              _acts_24h),
)  # fmt: skip
