"""Array kernels over rows that are sorted by group and time.

A *group* is one contact of one case; ``group`` holds its number for every row, in ascending order. All kernels work over all groups at once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
#: mean radius of the earth, m
EARTH_M = 6_371_008.8
#: lock-step rounds before :func:`openers` turns to pointer doubling
_LOCKSTEP_ROUNDS = 48


def bounds(group: Ints, groups: int) -> Ints:
    """Return where every group begins among the rows, and the number of rows: group g is ``bounds[g]`` up to ``bounds[g + 1]``."""
    return np.searchsorted(group, np.arange(groups + 1)).astype(np.int64)


def _under(group: Ints, groups: int, mask: Bools | None) -> tuple[Ints | None, Ints]:
    """Return the indices of the rows under the mask (None: all), and where among these every group begins."""
    edges = bounds(group, groups)
    if mask is None:
        return None, edges
    at = np.flatnonzero(mask)
    return at, np.searchsorted(at, edges).astype(np.int64)


def count(group: Ints, groups: int, mask: Bools | None = None) -> Ints:
    """Count rows (under the mask) of every group."""
    return np.diff(_under(group, groups, mask)[1])


def total(group: Ints, groups: int, values: Ints, mask: Bools | None = None) -> Ints:
    """Sum integer values of every group, exactly."""
    at, edges = _under(group, groups, mask)
    some = edges[1:] > edges[:-1]
    out = np.zeros(groups, np.int64)
    if some.any():
        out[some] = np.add.reduceat(values if at is None else values[at], edges[:-1][some])
    return out


def first_value(group: Ints, groups: int, values: Ints, mask: Bools | None, default: int) -> Ints:
    """Return the value of the first row (under the mask) of every group."""
    at, edges = _under(group, groups, mask)
    some = edges[1:] > edges[:-1]
    first = edges[:-1][some]
    out = np.full(groups, default, np.int64)
    out[some] = values[first if at is None else at[first]]
    return out


def last_value(group: Ints, groups: int, values: Ints, mask: Bools | None, default: int) -> Ints:
    """Return the value of the last row (under the mask) of every group."""
    at, edges = _under(group, groups, mask)
    some = edges[1:] > edges[:-1]
    last = edges[1:][some] - 1
    out = np.full(groups, default, np.int64)
    out[some] = values[last if at is None else at[last]]
    return out


def largest(group: Ints, groups: int, values: Ints, default: int = 0) -> Ints:
    """Return the largest value of every group, ``default`` where it has no row."""
    out = np.full(groups, default, np.int64)
    if len(group):
        at = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        out[group[at]] = np.maximum.reduceat(values, at)
    return out


def peak(group: Ints, groups: int, values: Ints) -> tuple[Ints, Ints]:
    """Return the largest value of every group and the index of its first row with it; 0 and -1 where it has no row."""
    best = largest(group, groups, values)
    at = np.full(groups, -1, np.int64)
    hit = np.flatnonzero(values == best[group])
    at[group[hit[::-1]]] = hit[::-1]  # written backwards: the first row stays
    return best, at


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
    fresh = np.r_[True, ~same | (step != 0)]  # most neighbours are alike: what is left to sort is little
    at, g, v = at[fresh], g[fresh], v[fresh]
    order = np.lexsort((v, g))  # stable: of equal ones the first row stays first
    g, v = g[order], v[order]
    new = np.r_[True, (g[1:] != g[:-1]) | (v[1:] != v[:-1])]
    out[at[order[new]]] = True
    return out


def distinct(group: Ints, groups: int, values: Ints, mask: Bools) -> Ints:
    """Count different values (under the mask) of every group."""
    return count(group, groups, first_of(group, values, mask))


def tally(keys: Ints) -> tuple[Ints, Ints]:
    """Return the different keys in order, and how often each stands there; quick if they are in order already, as times nearly always are."""
    if len(keys) and bool(np.any(keys[1:] < keys[:-1])):
        keys = np.sort(keys)
    head = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
    return keys[head], np.diff(np.r_[head, len(keys)])


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
    at = np.flatnonzero(mark)
    stop = np.r_[at[1:], n]
    for _ in range(_LOCKSTEP_ROUNDS):
        more = clock[stop - 1] - clock[at] > window  # else the stretch ends within the window: no further opener
        at, stop = at[more], stop[more]
        if not len(at):
            return mark
        at = np.searchsorted(clock, clock[at] + window, side="right")
        mark[at] = True
    mark[_chained(clock, at, stop, window)] = True
    return mark


def _chained(clock: Ints, at: Ints, stop: Ints, window: int) -> Ints:
    """Return the openers of some stretches ``[at, stop)`` of the clock that each begin with one, by pointer doubling."""
    rows = positions_of(at, stop - at)
    n = len(rows)
    end = np.repeat(np.cumsum(stop - at), stop - at)
    away = np.searchsorted(clock, clock[rows] + window, side="right") - rows
    to = np.arange(n) + away
    jump = np.r_[np.where(to < end, to, n), n]
    full = np.zeros(n + 1, np.bool_)
    full[np.cumsum(stop - at) - (stop - at)] = True
    known = 0
    while (now := int(full.sum())) != known:
        full[jump[np.flatnonzero(full)]] = True
        full[n] = False
        jump = jump[jump]
        known = now
    return rows[full[:n]]


def occasion_count(group: Ints, groups: int, ts: Ints, mask: Bools, window: int) -> Ints:
    """Count the occasions of the acts under the mask, for every group."""
    at = np.flatnonzero(mask)
    return count(group[at], groups, openers(group[at], ts[at], window))


def opener_rows(group: Ints, ts: Ints, mask: Bools, window: int) -> Bools:
    """Mark, among all rows, the openers of the occasions of the acts under the mask."""
    out = np.zeros(len(group), np.bool_)
    at = np.flatnonzero(mask)
    out[at[np.flatnonzero(openers(group[at], ts[at], window))]] = True
    return out


def first_from(group: Ints, ts: Ints, window: int) -> Ints:
    """Return for every row the index of the first row of its group at ``ts + window`` or later; where there is none, the end of the group."""
    clock = _capped(group, ts, window) if len(ts) else ts
    return np.searchsorted(clock, clock + window, side="left").astype(np.int64)


def densest(group: Ints, groups: int, ts: Ints, window: int) -> tuple[Ints, Ints]:
    """Return the largest number of rows in any half-open window ``[t, t + window)`` and the index of its first row (-1)."""
    n = len(ts)
    if not n:
        return np.zeros(groups, np.int64), np.full(groups, -1, np.int64)
    return peak(group, groups, first_from(group, ts, window) - np.arange(n))


def search_within(values: Ints, start: Ints, stop: Ints, wanted: Ints) -> Ints:
    """Return, for many slices ``[start, stop)`` of ascending values at once, the first index whose value is at least ``wanted``."""
    low, high = start.copy(), stop.copy()
    while True:
        at = np.flatnonzero(low < high)
        if not len(at):
            return low
        middle = (low[at] + high[at]) // 2
        less = values[middle] < wanted[at]
        low[at] = np.where(less, middle + 1, low[at])
        high[at] = np.where(less, high[at], middle)


def marked(start: Ints, stop: Ints, n: int) -> Bools:
    """Mark, among n rows, those of disjoint slices ``[start, stop)``."""
    some = start < stop
    edge = np.zeros(n + 1, np.int8)
    edge[start[some]] += 1
    edge[stop[some]] -= 1
    return np.asarray(np.cumsum(edge[:n], dtype=np.int8), np.bool_)


def sorted_within(group: Ints, values: Ints) -> Ints:
    """Return the values sorted within each group; ``group`` ascends."""
    if not len(values):
        return values
    least = int(values.min())
    width = int(values.max()) - least + 1
    # one plain sort of (group, value) as a single number: as many groups at a time as fit into 62 bits
    out = np.empty(len(values), np.int64)
    most = max(1, 2**62 // width)
    number = group - group[0]
    cuts = np.searchsorted(number, np.arange(0, int(number[-1]) + most, most))
    for begin, end in zip(cuts, np.r_[cuts[1:], len(values)], strict=True):
        base = (number[begin:end] % most) * width
        out[begin:end] = np.sort(base + (values[begin:end] - least)) - base + least
    return out


def twice_median(group: Ints, groups: int, values: Ints) -> Ints:
    """Return twice the median of the values of every group, a whole number: the sum of the two in the middle; 0 where there is none."""
    number = count(group, groups)
    some = number > 0
    ordered, start = sorted_within(group, values), (np.cumsum(number) - number)[some]
    out = np.zeros(groups, np.int64)
    out[some] = ordered[start + (number[some] - 1) // 2] + ordered[start + number[some] // 2]
    return out


def permille(part: Ints, whole: Ints) -> Ints:
    """Return part / whole in permille, rounded half up; 0 where whole is 0."""
    return np.where(whole > 0, (2000 * part + whole) // np.maximum(2 * whole, 1), 0)


def span(group: Ints, groups: int, ts: Ints, mask: Bools) -> Ints:
    """Return last minus first (µs) of the rows under the mask, 0 where there is none."""
    return last_value(group, groups, ts, mask, 0) - first_value(group, groups, ts, mask, 0)


def haversine_m(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Ints:
    """Return the great-circle distance in whole metres (earth radius 6,371,008.8 m), rounded before any comparison."""
    p1, p2 = np.radians(lat1), np.radians(lat2)
    dp, dl = p2 - p1, np.radians(lon2) - np.radians(lon1)
    h = np.sin(dp / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin(dl / 2) ** 2
    return np.asarray(np.rint(2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(h, 1.0)))), np.int64)


def positions_of(start: Ints, length: Ints) -> Ints:
    """Return the indices of slices, one slice after the other: ``start[i] ... start[i] + length[i] - 1``."""
    return np.repeat(start - np.cumsum(length) + length, length) + np.arange(int(length.sum()), dtype=np.int64)


def bounded(sizes: Ints, most: int) -> list[tuple[int, int]]:
    """Cut neighbours into stretches ``(from, to)`` whose sizes add up to at most ``most``; a larger single one stands alone."""
    total = np.cumsum(sizes)
    out, begin, before = [], 0, 0
    while begin < len(sizes):
        end = max(begin + 1, int(np.searchsorted(total, before + most, "right")))
        out.append((begin, end))
        begin, before = end, int(total[end - 1])
    return out


def spots(lat: NDArray[np.float64], lon: NDArray[np.float64], apart_m: int, most: int) -> list[int]:
    """Return the points, at most so many, that in order lie further than ``apart_m`` (whole metres) from every one returned before."""
    found: list[int] = []
    left = np.arange(len(lat))
    while len(left) and len(found) < most:
        first = int(left[0])
        found.append(first)
        left = left[haversine_m(lat[left], lon[left], lat[first], lon[first]) > apart_m]
    return found


def on_sphere(lat: Any, lon: Any) -> NDArray[np.float64]:
    """Return points on the unit sphere, shape (3, n): boxes around them know neither a date line nor a pole."""
    p, m = np.radians(lat), np.radians(lon)
    out = np.empty((3, len(p)))
    flat = np.cos(p)
    np.multiply(flat, np.cos(m), out=out[0])
    np.multiply(flat, np.sin(m), out=out[1])
    np.sin(p, out=out[2])
    return out
