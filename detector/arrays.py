"""Array kernels over rows that are sorted by group and time.

A *group* is one contact of one case; ``group`` holds its number for every row, in ascending order. All kernels work over all groups at once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
#: lock-step rounds before :func:`openers` turns to pointer doubling
_LOCKSTEP_ROUNDS = 48


def count(group: Ints, groups: int, mask: Bools | None = None) -> Ints:
    """Count rows (under the mask) of every group."""
    return np.bincount(group if mask is None else group[mask], minlength=groups).astype(np.int64)


def total(group: Ints, groups: int, values: Ints, mask: Bools | None = None) -> Ints:
    """Sum integer values of every group, exactly."""
    if mask is not None:
        group, values = group[mask], values[mask]
    out = np.zeros(groups, np.int64)
    if len(group):
        at = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        out[group[at]] = np.add.reduceat(values, at)
    return out


def first_value(group: Ints, groups: int, values: Ints, mask: Bools | None, default: int) -> Ints:
    """Return the value of the first row (under the mask) of every group."""
    if mask is not None:
        group, values = group[mask], values[mask]
    out = np.full(groups, default, np.int64)
    if len(group):
        at = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        out[group[at]] = values[at]
    return out


def last_value(group: Ints, groups: int, values: Ints, mask: Bools | None, default: int) -> Ints:
    """Return the value of the last row (under the mask) of every group."""
    if mask is not None:
        group, values = group[mask], values[mask]
    out = np.full(groups, default, np.int64)
    if len(group):
        at = np.flatnonzero(np.r_[group[1:] != group[:-1], True])
        out[group[at]] = values[at]
    return out


def largest(group: Ints, groups: int, values: Ints, default: int = 0) -> Ints:
    """Return the largest value of every group, ``default`` where it has no row."""
    out = np.full(groups, default, np.int64)
    if len(group):
        at = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        out[group[at]] = np.maximum.reduceat(values, at)
    return out


def first_of(group: Ints, values: Ints, mask: Bools) -> Bools:
    """Mark, under the mask, the first row of each (group, value)."""
    out = np.zeros(len(group), np.bool_)
    at = np.flatnonzero(mask)
    if not len(at):
        return out
    g, v = group[at], values[at]
    same = g[1:] == g[:-1]
    step = v[1:] - v[:-1]
    if not np.any(same & (step < 0)):  # already in order, as days and weeks nearly always are
        out[at[np.r_[True, ~same | (step != 0)]]] = True
        return out
    order = np.lexsort((at, v, g))
    g, v = g[order], v[order]
    new = np.r_[True, (g[1:] != g[:-1]) | (v[1:] != v[:-1])]
    out[at[order[new]]] = True
    return out


def distinct(group: Ints, groups: int, values: Ints, mask: Bools) -> Ints:
    """Count different values (under the mask) of every group."""
    return count(group, groups, first_of(group, values, mask))


def running(group: Ints, values: Ints | Bools) -> Ints:
    """Return the running sum within each group, the row itself included."""
    sums = np.cumsum(values, dtype=np.int64)
    if not len(sums):
        return sums
    head = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    before = np.r_[0, sums[head[1:] - 1]] if len(head) > 1 else np.zeros(1, np.int64)
    lengths = np.diff(np.r_[head, len(sums)])
    return np.asarray(sums - np.repeat(before, lengths), np.int64)


def last_index(group: Ints, mask: Bools) -> Ints:
    """Return for every row the index of the last marked row at or before it in its group, -1 if there is none."""
    n = len(group)
    at = np.where(mask, np.arange(n), -1)
    at = np.maximum.accumulate(at) if n else at
    if n:
        head = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        start = np.repeat(head, np.diff(np.r_[head, n]))
        at = np.where(at >= start, at, -1)
    return at.astype(np.int64)


def next_index(group: Ints, mask: Bools) -> Ints:
    """Return for every row the index of the next marked row after it in its group, -1 if there is none."""
    n = len(group)
    if not n:
        return np.zeros(0, np.int64)
    at = np.where(mask, np.arange(n), n)
    at = np.minimum.accumulate(at[::-1])[::-1]
    at = np.r_[at[1:], n]
    head = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    stop = np.repeat(np.r_[head[1:], n], np.diff(np.r_[head, n]))
    return np.where(at < stop, at, -1).astype(np.int64)


def _capped(group: Ints, ts: Ints, cap: int) -> Ints:
    """Return one ascending clock over all groups: pauses, and the step to the next group, are cut to ``cap``.

    A difference within a group is kept exactly if it is below ``cap`` and stays at or above ``cap`` if it was; so every
    comparison of a difference with a number below ``cap`` comes out the same, and no group reaches into the next.
    """
    step = np.minimum(ts[1:] - ts[:-1], cap)
    step[group[1:] != group[:-1]] = cap
    clock = np.concatenate((np.zeros(1, np.int64), np.cumsum(step, dtype=np.int64)))
    if len(clock) > 1 and int(clock.min()) < 0:  # 292,000 years of contacts at once: wrong counts would be worse
        raise OverflowError("too many contacts at once for one clock; score fewer cases in one call")
    return clock


def openers(group: Ints, ts: Ints, window: int) -> Bools:
    """Mark the acts that open an occasion.

    Parameters
    ----------
    group, ts : int64 arrays of shape (n,)
        Acts, sorted by group and ts (µs).
    window : int
        Length of an occasion in µs: an act opens the next one if it is later than the opening act by more than that.

    Returns
    -------
    bool array of shape (n,)

    Notes
    -----
    The next opener after i is the first act with ``ts > ts[i] + window``: a chain through the array. Acts after a pause longer than the window
    open in any case, so all chains between such pauses are followed at once; what is still running after some rounds is finished by
    pointer doubling, so that ten thousand rings at fifty minutes cost a dozen passes.
    """
    n = len(ts)
    mark = np.zeros(n, np.bool_)
    if not n:
        return mark
    clock = _capped(group, ts, window + 1)
    mark[0] = True
    mark[1:] = clock[1:] - clock[:-1] > window
    jump = np.searchsorted(clock, clock + window, side="right")
    at = np.flatnonzero(mark)
    for _ in range(_LOCKSTEP_ROUNDS):
        at = jump[at]
        at = at[at < n]
        at = at[~mark[at]]
        if not len(at):
            return mark
        mark[at] = True
    jump = np.r_[jump, n]
    known = int(mark.sum())
    full = np.r_[mark, False]
    while True:
        full[jump[np.flatnonzero(full)]] = True
        full[n] = False
        now = int(full.sum())
        jump = jump[jump]
        if now == known:
            return np.asarray(full[:n], np.bool_)
        known = now


def occasion_count(group: Ints, groups: int, ts: Ints, mask: Bools, window: int) -> Ints:
    """Count the occasions of the acts under the mask, for every group."""
    g = group[mask]
    return count(g, groups, openers(g, ts[mask], window))


def opener_rows(group: Ints, ts: Ints, mask: Bools, window: int) -> Bools:
    """Mark, among all rows, the openers of the occasions of the acts under the mask."""
    out = np.zeros(len(group), np.bool_)
    out[np.flatnonzero(mask)[openers(group[mask], ts[mask], window)]] = True
    return out


def densest(group: Ints, groups: int, ts: Ints, window: int) -> tuple[Ints, Ints]:
    """Return the largest number of rows in any half-open window ``[t, t + window)`` and the index of its first row (-1)."""
    n = len(ts)
    if not n:
        return np.zeros(groups, np.int64), np.full(groups, -1, np.int64)
    clock = _capped(group, ts, window)
    inside = np.searchsorted(clock, clock + window, side="left") - np.arange(n)
    best = largest(group, groups, inside.astype(np.int64))
    at = np.full(groups, -1, np.int64)
    hit = np.flatnonzero(inside == best[group])
    at[group[hit[::-1]]] = hit[::-1]
    return best, at


def span(group: Ints, groups: int, ts: Ints, mask: Bools) -> Ints:
    """Return last minus first (µs) of the rows under the mask, 0 where there is none."""
    return last_value(group, groups, ts, mask, 0) - first_value(group, groups, ts, mask, 0)


def haversine_m(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Ints:
    """Return the great-circle distance in whole metres (earth radius 6,371,008.8 m), rounded before any comparison."""
    p1, p2 = np.radians(lat1), np.radians(lat2)
    dp, dl = p2 - p1, np.radians(lon2) - np.radians(lon1)
    h = np.sin(dp / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin(dl / 2) ** 2
    return np.asarray(np.rint(2 * 6_371_008.8 * np.arcsin(np.sqrt(np.minimum(h, 1.0)))), np.int64)
