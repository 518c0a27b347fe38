"""Wall clock readings to UTC, array at a time: the only conversion there is (engines and libraries disagree about doubled hours).

Zones come from the pinned ``tzdata`` package (:mod:`pipelines.zones`). A reading that a zone had twice takes the first unless the order of the
file proves the second; a reading that a zone never had is moved on by the length of the gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detector.schema import PRECISION_SPAN_US, PRECISIONS
from pipelines.zones import zone_or_offset

_US = 1_000_000
_DAY_US = 86_400 * _US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: the widest move of a clock, used to look at neighbouring transitions
_REACH_US = 2 * _DAY_US
#: what a calendar with offsets can say; moments beyond it have the offset of its ends
_FIRST_US = (datetime(1, 1, 3, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST_US = (datetime(9999, 12, 29, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

Ints = NDArray[np.int64]


def _offset_at(zone: tzinfo, utc_us: int) -> int:
    within = min(max(int(utc_us), _FIRST_US), _LAST_US)
    moment = (_EPOCH + timedelta(microseconds=within)).astimezone(zone)
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@lru_cache(maxsize=64)
def _transitions(zone_name: str, first_day: int, last_day: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (moments, offsets): from each moment (µs UTC) on the offset (s) holds; the first moment is before everything."""
    zone = zone_or_offset(zone_name)
    day = first_day
    moments, offsets = [-(2**62)], [_offset_at(zone, day * _DAY_US)]
    while day < last_day:
        after = _offset_at(zone, (day + 1) * _DAY_US)
        low = day * _DAY_US
        while offsets[-1] != after:  # find each change of this day, to the second
            a, b = low, (day + 1) * _DAY_US
            while b - a > _US:
                middle = (a + b) // 2 // _US * _US
                if _offset_at(zone, middle) == offsets[-1]:
                    a = middle
                else:
                    b = middle
            moments.append(b)
            offsets.append(_offset_at(zone, b))
            low = b
        day += 1
    return tuple(moments), tuple(offsets)


@dataclass(frozen=True, slots=True)
class Moments:
    """UTC of readings.

    Attributes
    ----------
    ts, ts_min, ts_max : int64 arrays
        The moment, and the earliest and latest that the reading allows (µs UTC). ``ts_max`` counts the whole span of the precision.
    offset_s : int64 array
        Offset in force.
    fold : int64 array
        1 for the second reading of a doubled hour.
    """

    ts: Ints
    ts_min: Ints
    ts_max: Ints
    offset_s: Ints
    fold: Ints


def spans(precision_codes: Ints) -> Ints:
    """Return the span (µs) of each precision, given as index in ``PRECISIONS``."""
    return np.array([PRECISION_SPAN_US[p] for p in PRECISIONS], np.int64)[precision_codes]


def to_utc(local_us: Ints, zone_name: str, span_us: Ints, *, order: Ints | None = None) -> Moments:
    """Convert wall clock readings of one zone.

    Parameters
    ----------
    local_us : int64 array
        Readings, µs since 1970-01-01T00:00 of that clock.
    zone_name : str
        IANA zone, or a fixed offset such as ``+06:00``.
    span_us : int64 array
        Span of each reading's precision.
    order : int64 array, optional
        The source of each row as a number; rows stand in file order within a source. Given, a doubled hour that a source runs through twice
        in file order is told apart.

    Returns
    -------
    Moments
    """
    n = len(local_us)
    if not n:
        none = np.zeros(0, np.int64)
        return Moments(none, none, none, none, none)
    first, last = int(local_us.min()) - _REACH_US, int(local_us.max()) + int(span_us.max()) + _REACH_US
    moments, offsets = (np.array(v, np.int64) for v in _transitions(zone_name, first // _DAY_US, last // _DAY_US + 1))
    ts, offset, early, late = _both(local_us, moments, offsets)
    twice = late > early
    fold = np.zeros(n, np.int64)
    proved = np.full(n, -1, np.int64)
    low, high = early, np.where(twice, late, early)
    if twice.any() and order is not None:
        proved = _proved(local_us, order, twice)
        fold = np.where(proved == 1, 1, 0)
        low = np.where(proved == 1, late, early)
        high = np.where(twice & (proved == -1), late, low)
        ts = np.where(fold == 1, late, ts)
        offset = np.where(fold == 1, (local_us - late) // _US, offset)
    end_local = local_us + span_us - 1
    wide = span_us > _US
    end = high + span_us - 1
    if wide.any():  # a reading of a whole day ends by the clock of its end
        _, _, end_early, end_late = _both(end_local, moments, offsets)
        # one that is proved to be of the first pass ends within it, where its end was there twice, too
        by_end = np.where((proved == 0) & (end_early >= high), end_early, end_late)
        end = np.where(wide, np.maximum(by_end, high), end)
    return Moments(ts, low, end, offset, fold)


def _both(local_us: Ints, moments: Ints, offsets: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the first reading, its offset, and the earliest and latest moment that shows this reading."""
    before = np.searchsorted(moments, local_us - _DAY_US, side="right") - 1
    guess = [local_us - offsets[np.minimum(before + k, len(offsets) - 1)] * _US for k in range(3)]
    found = np.full(len(local_us), np.iinfo(np.int64).max)
    last = np.full(len(local_us), np.iinfo(np.int64).min)
    for g in guess:
        in_force = offsets[np.searchsorted(moments, g, side="right") - 1]
        real = g + in_force * _US == local_us
        found = np.where(real, np.minimum(found, g), found)
        last = np.where(real, np.maximum(last, g), last)
    gap = found == np.iinfo(np.int64).max
    if gap.any():  # the clock jumped over it: count on with the offset before the jump
        skipped = local_us - offsets[before] * _US
        found, last = np.where(gap, skipped, found), np.where(gap, skipped, last)
    return (
        found,
        (local_us - found) // _US if not gap.any() else offsets[np.searchsorted(moments, found, side="right") - 1],
        found,
        last,
    )


def _proved(local_us: Ints, order: Ints, twice: NDArray[np.bool_]) -> Ints:
    """Tell the passes through a doubled hour apart by file order: 0 first, 1 second, -1 not proved.

    Within one source a run of neighbouring rows of the doubled hour that steps back exactly once, in a file that otherwise goes forward, has
    gone through the hour twice (mirrored for a file that goes backward). A file whose other rows show no direction proves nothing.
    """
    out = np.full(len(local_us), -1, np.int64)
    for source in np.unique(order[twice]).tolist():
        rows = np.flatnonzero(order == source)
        clock = local_us[rows]
        inside = twice[rows]
        if not len(rows):
            continue
        step = np.sign(np.diff(clock))
        outside = ~(inside[1:] & inside[:-1])
        forward = not np.any(step[outside] < 0)
        backward = not np.any(step[outside] > 0)
        edges = np.flatnonzero(np.diff(np.r_[0, inside.astype(np.int8), 0]))
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            inner = np.diff(clock[a:b])
            if forward and not backward and np.count_nonzero(inner < 0) == 1:
                turn = a + int(np.flatnonzero(inner < 0)[0]) + 1
                out[rows[a:turn]], out[rows[turn:b]] = 0, 1
            elif backward and not forward and np.count_nonzero(inner > 0) == 1:
                turn = a + int(np.flatnonzero(inner > 0)[0]) + 1
                out[rows[a:turn]], out[rows[turn:b]] = 1, 0
    return out


def offsets_at(ts_us: Ints, zone_name: str) -> Ints:
    """Return the offset (s) in force in a zone at moments (µs UTC)."""
    if not len(ts_us):
        return np.zeros(0, np.int64)
    first, last = int(ts_us.min()) // _DAY_US - 1, int(ts_us.max()) // _DAY_US + 2
    moments, offsets = (np.array(v, np.int64) for v in _transitions(zone_name, first, last))
    return np.asarray(offsets[np.searchsorted(moments, ts_us, side="right") - 1], np.int64)
