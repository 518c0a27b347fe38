"""Growing or fading: the last four weeks against the four before, the trend of the weeks, the day from which the rate differs. ``docs/measures.md`` section 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.arrays import DAY_US, Ints, count, first_value, last_value, peak, tally, total
from detector.course import MONDAY, NEVER
from detector.indicators import Indicator, Measured
from detector.moments import date_text
from detector.state import State
from detector.statistics import (
    change_alarm_permille,
    change_bar,
    change_scores,
    kendall_variance_18,
    rate_ratio_permille,
    trend_p_permille,
)

_US = 1_000_000


def _last_day(s: State) -> Ints:
    """Return per group the day in which its scoring moment lies, by the owner's clock at the offset of the last act of L (UTC without one)."""
    c, at = s.course, s.law_at
    offset = last_value(c.group[at], c.n_groups, c.local[at] - c.ts[at], None, 0)
    return np.asarray(np.floor_divide(s.ends + offset, DAY_US), np.int64)


# -- the last four weeks against the four before ----------------------------------------------------------------------------------


def _case_first(s: State) -> Ints:
    """Return per group the first row of its case, of any contact; NEVER in a case without rows."""
    c = s.course
    first = np.full(len(s.cases), NEVER, np.int64)
    np.minimum.at(first, c.case, first_value(c.group, c.n_groups, c.ts, None, NEVER))
    return first[c.case]


def _rate_ratio(s: State) -> Measured:
    c, at = s.course, s.law_opener_at
    length = int(s.num["rate_s"]) * _US
    since = s.ends - 2 * length
    told = (since >= s.valid_from) & (since >= _case_first(s))
    g = c.group[at]
    into = c.ts[at] - since[g]
    late = (into >= length) & told[g]
    early = (into >= 0) & (into < length) & told[g]
    recent, before = count(g, c.n_groups, late), count(g, c.n_groups, early)

    def parts(group: int) -> list[dict[str, Any]]:
        if not told[group]:
            return []
        a, b = int(recent[group]), int(before[group])
        low, high = rate_ratio_permille(a, b)
        return [{"recent": a, "before": b, "low_permille": low, "high_permille": high}]

    known = before > 0
    value = np.where(known, (2000 * recent + before) // np.maximum(2 * before, 1), 0)
    return Measured(value, s.mark(at[late | early]), known, parts)


# -- the trend of the weeks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Weeks:
    """Weekly numbers of openers, of the weeks that have any: group, place of the week in its series (from 0), number; and the length of each series."""

    group: Ints
    place: Ints
    number: Ints
    length: Ints

    def of(self, g: int) -> list[int]:
        """Return the whole series of one group, with its empty weeks."""
        out = [0] * int(self.length[g])
        mine = slice(*np.searchsorted(self.group, [g, g + 1]).tolist())
        for at, n in zip(self.place[mine].tolist(), self.number[mine].tolist(), strict=True):
            out[at] = n
        return out


def _weeks(s: State) -> tuple[_Weeks, Ints]:
    """Return the weekly numbers, and the openers that they count."""
    c, at = s.course, s.law_opener_at
    last = np.floor_divide(_last_day(s) - MONDAY, 7) - 1
    most = int(s.num["trend_max_weeks"])
    begin = np.maximum(first_value(c.group[at], c.n_groups, c.week[at], None, NEVER), last - most + 1)
    length = np.where(begin <= last, last - np.minimum(begin, last) + 1, 0)
    g = c.group[at]
    place = c.week[at] - begin[g]
    inside = (place >= 0) & (place < length[g])
    inside = np.flatnonzero(inside)
    keys, number = tally(g[inside] * most + place[inside])
    return _Weeks(keys // most, keys % most, number, length), at[inside]


def _kendall_s(w: _Weeks, groups: int) -> Ints:
    """Return Kendall's S of every series.

    An empty week before one with openers counts 1, one after it -1. Pairs of two weeks with openers are few: they are compared at every distance in the list of these.
    """
    if not len(w.group):
        return np.zeros(groups, np.int64)
    head = np.flatnonzero(np.r_[True, w.group[1:] != w.group[:-1]])
    size = np.diff(np.r_[head, len(w.group)])
    rank = np.arange(len(w.group)) - np.repeat(head, size)
    empty_before = w.place - rank
    empty_after = (w.length[w.group] - w.place - 1) - (np.repeat(size, size) - rank - 1)
    score = empty_before - empty_after
    for step in range(1, int(size.max())):
        at = np.flatnonzero(rank >= step)
        score[at] += np.sign(w.number[at] - w.number[at - step])
    return total(w.group, groups, score)


def _trend(s: State) -> Measured:
    groups = s.course.n_groups
    w, counted = _weeks(s)
    score = _kendall_s(w, groups)
    known = w.length >= int(s.num["trend_min_weeks"])
    pairs = np.maximum(w.length * (w.length - 1) // 2, 1)
    tau = np.sign(score) * ((2000 * np.abs(score) + pairs) // (2 * pairs))

    def parts(g: int) -> list[dict[str, Any]]:
        if not known[g]:
            return []
        series = w.of(g)
        ties = np.unique(series, return_counts=True)[1].tolist()
        p = trend_p_permille(int(score[g]), kendall_variance_18(len(series), ties))
        return [{"weeks": len(series), "s": int(score[g]), "p_permille": p}]

    return Measured(np.where(known, tau, 0), s.mark(counted[known[s.course.group[counted]]]), known, parts)


# -- the day from which the rate differs ------------------------------------------------------------------------------------------


def _change(s: State) -> Measured:
    c, at = s.course, s.law_day_at
    first = first_value(c.group[s.law_at], c.n_groups, c.day[s.law_at], None, NEVER)
    last = _last_day(s)
    days = np.where(first <= last, last - np.minimum(first, last), 0)
    long = days >= int(s.num["change_min_days"])
    g = c.group[at]
    place = c.day[at] - first[g]
    use = long[g] & (place >= 0) & (place < days[g])
    at, g, place = at[use], g[use], place[use]
    active = count(g, c.n_groups)
    # between two active days the score is convex in d: its largest value lies on an active day, on the day after one, or on the last day
    stop = np.cumsum(active)
    rank = np.arange(len(g)) - (stop - active)[g]
    ends = np.flatnonzero(active)
    lone = np.flatnonzero(np.r_[(g[1:] != g[:-1]) | (place[1:] != place[:-1] + 1), True]) if len(g) else g
    at_end = stop[ends]
    split_g = np.insert(g, np.r_[lone + 1, at_end], np.r_[g[lone], ends])
    d = np.insert(place, np.r_[lone + 1, at_end], np.r_[place[lone] + 1, days[ends] - 1])
    last_inside = (place[at_end - 1] == days[ends] - 1).astype(np.int64)
    k = np.insert(rank, np.r_[lone + 1, at_end], np.r_[rank[lone] + 1, active[ends] - last_inside])
    some = np.flatnonzero((d >= 1) & (d < days[split_g]))
    split_g, d, k = split_g[some], d[some], k[some]
    score, best = peak(split_g, c.n_groups, change_scores(k, active[split_g], d, days[split_g]))
    known = long & (best >= 0) & (score >= change_bar(days, s.num["change_alarm"]))
    value, before = np.zeros(c.n_groups, np.int64), np.zeros(c.n_groups, np.int64)
    value[known], before[known] = d[best[known]], k[best[known]]

    def parts(group: int) -> list[dict[str, Any]]:
        if not known[group]:
            return []
        split, whole = int(value[group]), int(days[group])
        return [{
            "date": date_text(int(first[group]) + split),
            "before_permille": _rounded(int(before[group]), split),
            "after_permille": _rounded(int(active[group] - before[group]), whole - split),
            "alarm_permille": change_alarm_permille(whole, int(score[group])),
        }]  # fmt: skip

    return Measured(value, s.mark(at[known[g]]), known, parts)


def _rounded(k: int, n: int) -> int:
    return (2000 * k + n) // (2 * n)


INDICATORS = (
    Indicator("rate_ratio_permille", "Last four weeks against the four before", "‰",
              "occasions that open in the last 28 days to those of the 28 days before, rounded half up; with the exact conditional interval; unknown if there were "
              "none before, or if the two periods reach back before the law or the case",
              "SAM: escalating; window our own choice", _rate_ratio),
    Indicator("trend_tau_permille", "Trend of the weeks", "‰",
              "Kendall's tau-a of the weekly numbers of openings of occasions, over whole ISO weeks; unknown below eight weeks",
              "SAM: escalating; Mann 1945", _trend),
    Indicator("change_day", "Day from which the rate differs", "days",
              "days from the first act to the split that divides the days with and without acts best, if active days that lie anywhere alike would show "
              "such a split in at most one case of twenty; unknown without one, or below 28 days",
              "own choice; bound after Hoeffding 1963", _change),
)  # fmt: skip
