"""How often, how long, how dense: acts and occasions since the statute's commencement."""

from __future__ import annotations

import numpy as np

from detector.arrays import DAY_US, Bools, densest, distinct, largest
from detector.indicators import Indicator, Measured
from detector.state import State

_28D = 28 * DAY_US


def _acts(s: State) -> Measured:
    return Measured(s.count(s.sets.law), s.sets.law)


def _occasions(s: State) -> Measured:
    return Measured(s.count(s.law_openers), s.sets.law)


def _active_days(s: State) -> Measured:
    return Measured(s.days(s.sets.law), s.sets.law)


def _active_weeks(s: State) -> Measured:
    c = s.course
    return Measured(distinct(c.group, c.n_groups, c.week, s.sets.law), s.sets.law)


def _ends(s: State, mask: Bools) -> Bools:
    """The first and the last row of every group under the mask."""
    c = s.course
    out = np.zeros(len(c.group), np.bool_)
    at = np.flatnonzero(mask)
    g = c.group[at]
    if len(at):
        out[at[np.r_[True, g[1:] != g[:-1]]]] = True
        out[at[np.r_[g[1:] != g[:-1], True]]] = True
    return out


def _span(s: State) -> Measured:
    return Measured(s.span(s.sets.law) // 1_000_000, _ends(s, s.sets.law))


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


def _densest(s: State, mask: Bools, window: int, shown: Bools) -> Measured:
    """The fullest window of rows under the mask, with the ``shown`` rows that lie in it."""
    c = s.course
    at = np.flatnonzero(mask)
    best, first = densest(c.group[at], c.n_groups, c.ts[at], window)
    begin = np.where(first >= 0, c.ts[at[np.maximum(first, 0)]] if len(at) else 0, np.iinfo(np.int64).max - window)
    b = begin[c.group]
    return Measured(best, shown & (c.ts >= b) & (c.ts < b + window))


def _occasions_28d(s: State) -> Measured:
    return _densest(s, s.law_openers, _28D, s.sets.law)


def _unwanted_28d(s: State) -> Measured:
    return _densest(s, s.unwanted_law_openers, _28D, s.sets.unwanted_law)


def _acts_24h(s: State) -> Measured:
    return _densest(s, s.sets.law, DAY_US, s.sets.law)


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
