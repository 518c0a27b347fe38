"""Stay points: where somebody stayed for a while, from a track of fixes.

A stay begins at an *anchor* and holds the fixes after it as long as they lie within a distance of the anchor; it counts if it lasts long enough. So far all tools
agree (Li et al. 2008). How they end a stay, and from where they try again if it was too short, they do not: a :class:`Definition` says it, and
:data:`TEXTBOOK`, :data:`LI_2008`, :data:`TRACKINTEL` and :data:`SCIKIT_MOBILITY` are theirs, so that anybody can redo the numbers of another tool.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detector.arrays import EARTH_M, Bools, Floats, Ints, first_from, haversine_m, on_sphere, positions_of

_US = 1_000_000
#: no stay is wider than this; up to here the cosine test below is sharp
_WIDEST_M = 1_000_000
#: cosines closer to the limit than this are left to the haversine: some thirty times what rounding can do to one
_UNSURE = 1e-14
#: fixes looked at in one go when a stay is followed, from and to
_SCAN, _SCAN_MOST = 128, 8192
#: what is looked at for all fixes at once, at most; while a look rules out one in this many; and what one search from a fix costs, in looks at one fix
_ROUNDS, _WORTH, _SEARCH = 32, 32, 1000
#: anchors that tell how many looks pay
_SAMPLE = 256
#: decimals of a degree that a centre keeps, 1 cm
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Definition:
    """What a stay is.

    Attributes
    ----------
    distance_m : int
        A fix is inside while it lies at most this far from the anchor, in whole metres.
    time_s : int
        A stay lasts at least this long.
    until : {"inside", "outside"}
        It ends with the last fix inside, or when the first fix outside is seen.
    retry : {"next", "outside"}
        After an anchor without a stay the next anchor is the fix after it, or the first fix outside.
    gap_s : int or None
        A longer pause between two neighbouring fixes breaks the track; None: none does.
    at_gap : {"closes", "open"}
        At a gap the stay ends with the last fix before it, or it is none, since nobody saw its end.
    at_end : {"closes", "open", "cuts"}
        The same at the end of the track; ``cuts`` takes the last fix of the track for one outside, wherever it lies.
    edge_inside : bool
        A fix at exactly ``distance_m`` is inside.
    time_reached : bool
        A stay of exactly ``time_s`` is one.
    centre : {"mean", "distinct", "median"}
        Mean of the fixes inside; mean of their distinct coordinates (a phone that repeats a fix counts once); or median of latitudes and of longitudes.
    """

    distance_m: int = 200
    time_s: int = 900
    until: Literal["inside", "outside"] = "inside"
    retry: Literal["next", "outside"] = "next"
    gap_s: int | None = None
    at_gap: Literal["closes", "open"] = "closes"
    at_end: Literal["closes", "open", "cuts"] = "closes"
    edge_inside: bool = True
    time_reached: bool = True
    centre: Literal["mean", "distinct", "median"] = "mean"

    def __post_init__(self) -> None:
        if not 0 <= self.distance_m <= _WIDEST_M:
            raise ValueError(f"distance_m is {self.distance_m}, not from 0 to {_WIDEST_M}")
        if not self.distance_m and not self.edge_inside:
            raise ValueError("with a distance_m of 0 the edge is all there is: edge_inside must be true")
        if self.time_s < 1:
            raise ValueError(f"time_s is {self.time_s}, not 1 or more")
        if self.gap_s is not None and self.gap_s < 0:
            raise ValueError(f"gap_s is {self.gap_s}, not 0 or more")


#: the loop that every textbook prints: all that is claimed was seen
TEXTBOOK = Definition()
#: Li et al. 2008, ACM GIS 34, algorithm 1: longer than the limit, up to the first fix outside; a stay that nobody saw end is none
LI_2008 = Definition(time_s=1800, until="outside", at_gap="open", at_end="open", time_reached=False)
#: trackintel 1.4, ``generate_staypoints``, method sliding, with its default numbers
TRACKINTEL = Definition(100, 300, until="outside", retry="outside", gap_s=900, at_gap="open", at_end="open", edge_inside=False,
                        centre="distinct")  # fmt: skip
#: scikit-mobility 1.3, ``detection.stay_locations``, with its default numbers
SCIKIT_MOBILITY = Definition(200, 1200, until="outside", retry="outside", at_gap="open", at_end="cuts", time_reached=False,
                             centre="median")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stays:
    """Stays in the order of their subjects and times.

    Attributes
    ----------
    subject : int64 array
        Whose stay it is.
    first, last : int64 arrays
        Rows of the anchor and of the last fix inside; all rows between them are inside.
    ts, ts_end : int64 arrays
        Begin and end, µs.
    lat, lon : float64 arrays
        Centre in degrees, to seven decimals.
    """

    subject: Ints
    first: Ints
    last: Ints
    ts: Ints
    ts_end: Ints
    lat: Floats
    lon: Floats

    def __len__(self) -> int:
        return len(self.first)


def stays(subject: Ints, ts: Ints, lat: Floats, lon: Floats, definition: Definition = TEXTBOOK) -> Stays:
    """Find the stays of one track or of many at once.

    Parameters
    ----------
    subject, ts : int64 arrays of shape (n,)
        Whose fix it is, and when (µs); sorted by subject, then time. Fixes of one moment are taken in their order.
    lat, lon : float64 arrays of shape (n,)
        WGS84 degrees.
    definition : Definition
        What a stay is.

    Returns
    -------
    Stays

    Raises
    ------
    ValueError
        If the arrays differ in length or are not sorted, or a coordinate is no number or no place on the earth.

    Notes
    -----
    Exactly what the loop over the fixes gives, distances as :func:`detector.arrays.haversine_m`. The loop asks the distance of every fix to its anchor; here a scalar product on
    the unit sphere decides all but the handful whose cosine lies within rounding of the limit. With ``retry="next"`` nearly every fix is tried as an anchor, so those that have a fix outside
    within the time are ruled out for all fixes at once, and only what remains is followed. With ``retry="outside"`` each anchor depends on the one before; the first few neighbours of all
    fixes are tried at once, since a track on the move steps from fix to fix.
    """
    _check(subject, ts, lat, lon)
    if not len(ts):
        none, nowhere = np.zeros(0, np.int64), np.zeros(0)
        return Stays(none, none, none, none, none, nowhere, nowhere)
    track = _Track(subject, ts, lat, lon, definition)
    found = track.from_next() if definition.retry == "next" else track.from_outside()
    first, stop, end = (np.array(v, np.int64) for v in found)
    centre_lat, centre_lon = _centres(track.sphere, lat, lon, first, stop, definition.centre)
    return Stays(subject[first], first, stop - 1, ts[first], ts[end], centre_lat, centre_lon)


def _check(subject: Ints, ts: Ints, lat: Floats, lon: Floats) -> None:
    if not len(subject) == len(ts) == len(lat) == len(lon):
        raise ValueError("subject, ts, lat and lon differ in length")
    step = subject[1:] - subject[:-1]
    if np.any((step < 0) | ((step == 0) & (ts[1:] < ts[:-1]))):
        raise ValueError("fixes must be sorted by subject and time")
    if not (np.all(np.abs(lat) <= 90) and np.all(np.abs(lon) <= 180)):  # no number fails both
        raise ValueError("every fix needs a latitude within 90 and a longitude within 180 degrees")


Found = tuple[list[int], list[int], list[int]]


class _Track:
    """Fixes with what the search for stays asks of them."""

    def __init__(self, subject: Ints, ts: Ints, lat: Floats, lon: Floats, definition: Definition) -> None:
        d = self.definition = definition
        self.ts, self.lat, self.lon = ts, lat, lon
        #: fixes beyond this many whole metres are outside
        self.most_m = d.distance_m if d.edge_inside else d.distance_m - 1
        #: a stay lasts at least this long, µs
        self.need = d.time_s * _US + (0 if d.time_reached else 1)
        limit = math.cos((self.most_m + 0.5) / EARTH_M)
        self.sure_in, self.sure_out = limit + _UNSURE, limit - _UNSURE
        self.sphere: Floats = on_sphere(lat, lon)
        whole = np.r_[subject[1:] != subject[:-1], True]
        parted = whole if d.gap_s is None else whole | np.r_[ts[1:] - ts[:-1] > d.gap_s * _US, False]
        last = np.flatnonzero(parted)
        #: for each stretch without a gap: one past its last fix, and how it ends
        self.stops: list[int] = (last + 1).tolist()
        self.ends = [d.at_end if w else d.at_gap for w in whole[last].tolist()]
        self.stretch: Ints = np.cumsum(parted) - parted
        self.reached = first_from(self.stretch, ts, self.need)

    def outside(self, i: int, rows: Ints) -> Bools:
        """Tell for each row, by the haversine, whether it lies outside the circle around fix i."""
        return haversine_m(self.lat[i], self.lon[i], self.lat[rows], self.lon[rows]) > self.most_m

    def outside_pairs(self, a: Ints, b: Ints) -> Bools:
        """Tell for each pair of rows whether they lie further apart than the distance."""
        s = self.sphere
        cosine = s[0, a] * s[0, b]
        cosine += s[1, a] * s[1, b]
        cosine += s[2, a] * s[2, b]
        out: Bools = cosine < self.sure_out
        unsure = np.flatnonzero((cosine <= self.sure_in) & ~out)
        if len(unsure):
            a, b = a[unsure], b[unsure]
            out[unsure] = haversine_m(self.lat[a], self.lon[a], self.lat[b], self.lon[b]) > self.most_m
        return out

    def leaves(self, i: int, begin: int, stop: int) -> int:
        """Return the first row from ``begin`` on that lies outside the circle around fix i, ``stop`` if none does."""
        here = self.sphere[:, i]
        size = _SCAN
        while begin < stop:
            end = min(begin + size, stop)
            cosine = here @ self.sphere[:, begin:end]
            near = cosine <= self.sure_in
            at = int(near.argmax())
            if near[at]:
                if cosine[at] < self.sure_out:
                    return begin + at
                rows = np.flatnonzero(near)
                out = cosine[rows] < self.sure_out
                out[~out] = self.outside(i, begin + rows[~out])
                if out.any():
                    return begin + int(rows[int(out.argmax())])
            begin, size = end, min(2 * size, _SCAN_MOST)
        return stop

    def judge(self, i: int, out: int, stretch: int) -> tuple[int, int] | None:
        """Return one past the last fix inside and the row whose time ends the stay, None if there is no stay.

        ``out`` is the first row outside, the end of the stretch if there is none.
        """
        stop, end = self.stops[stretch], self.ends[stretch]
        if end == "cuts" and out == stop:
            out = stop - 1
        elif out == stop and end != "closes":
            return None
        close = out if self.definition.until == "outside" and out < stop else out - 1
        return (out, close) if self.ts[close] - self.ts[i] >= self.need else None

    def from_next(self) -> Found:
        """Find the stays where every fix after one without a stay is an anchor."""
        may = self.possible()
        possible = np.flatnonzero(may)
        candidates: list[int] = possible.tolist()
        alive = may.view(np.uint8)  # falls as fixes are ruled out
        stretches = self.stretch
        found: Found = ([], [], [])
        at, size, closed = 0, len(candidates), -1
        while at < size:
            i = candidates[at]
            at += 1
            if not alive[i]:
                continue
            stretch = int(stretches[i])
            stop = self.stops[stretch]
            out = self.leaves(i, i + 1, stop)
            stay = self.judge(i, out, stretch)
            if stay is not None:
                for values, value in zip(found, (i, *stay), strict=True):
                    values.append(value)
                at = int(np.searchsorted(possible, stay[0]))
            elif out == stop:
                if self.ends[stretch] == "open" and stretch != closed:
                    closed = stretch
                    alive[i:stop][self.stay_inside(i, stop)] = 0
            else:
                # the time of those between is reached no sooner: one stray fix ends the stays of all of them that it is outside of
                rest = np.flatnonzero(alive[i + 1 : out]) + i + 1
                alive[rest[self.outside_pairs(rest, np.full(len(rest), out))]] = 0
        return found

    def stay_inside(self, begin: int, stop: int) -> Bools:
        """Mark rows of a slice from which no later one of it lies outside, as far as the box around the later ones tells.

        A track that ends in a long rest, whose end nobody saw, would else be followed to its end from each of its fixes.
        """
        rest = self.sphere[:, begin:stop]
        low, high = (f.accumulate(rest[:, ::-1], axis=1)[:, ::-1] for f in (np.minimum, np.maximum))
        furthest = np.maximum(rest - low, high - rest)
        return np.asarray((furthest**2).sum(axis=0) < 2 - 2 * self.sure_in, np.bool_)

    def possible(self) -> Bools:
        """Mark the anchors that can have a stay: the time is reached on the track, and where it is looked at up to then they are still inside.

        First at the end of the time, then in its middle, then in the middle of each part, while a look rules out enough of them.
        """
        stop = np.array(self.stops, np.int64)[self.stretch]
        at = np.flatnonzero(self.reached < stop)
        span = self.reached[at] - (self.definition.until == "outside") - at
        for look in range(_ROUNDS):
            part = 1 << look.bit_length()
            keep = ~self.outside_pairs(at, at + span * (2 * look + 1 - part if look else part) // part)
            at, span = at[keep], span[keep]
            if len(at) * _WORTH >= len(keep) * (_WORTH - 1):
                break
        may = np.zeros(len(self.ts), np.bool_)
        may[at] = True
        return may

    def from_outside(self) -> Found:
        """Find the stays where the first fix outside is the next anchor."""
        skip = self.rounds()
        known: list[int] = self.first_outside(skip).tolist()
        found: Found = ([], [], [])
        begin = 0
        for stretch, stop in enumerate(self.stops):
            i = begin
            while i < stop:
                out = known[i]
                if out < 0:
                    out = self.leaves(i, min(i + 1 + skip, stop), stop)
                stay = self.judge(i, out, stretch)
                if stay is not None:
                    for values, value in zip(found, (i, *stay), strict=True):
                        values.append(value)
                    out = stay[0]
                i = out
            begin = stop
        return found

    def rounds(self) -> int:
        """Return how many neighbours of all fixes it pays to look at, by what a few anchors spread over the track need."""
        n = len(self.ts)
        some = np.unique(np.linspace(0, n - 1, _SAMPLE).astype(np.int64))
        steps = np.array(
            [
                self.leaves(i, i + 1, self.stops[s]) - i
                for i, s in zip(some.tolist(), self.stretch[some].tolist(), strict=True)
            ]
        )
        # a chain of anchors that steps s fixes at a time comes by one fix in s
        search = [float(np.where(steps > k, 1 / steps, 0).mean()) * _SEARCH + k for k in range(_ROUNDS + 1)]
        return min(int(np.argmin(search)), n - 1)

    def first_outside(self, rounds: int) -> Ints:
        """Return for every fix the first row outside its circle, or past its stretch, if that is one of the next ``rounds``, else -1."""
        out = np.full(len(self.ts), -1, np.int64)
        x, y, z = self.sphere
        stretch = self.stretch
        for k in range(1, rounds + 1):
            cosine = x[k:] * x[:-k]
            cosine += y[k:] * y[:-k]
            cosine += z[k:] * z[:-k]
            hit = cosine <= self.sure_in
            hit |= stretch[k:] != stretch[:-k]
            hit &= out[:-k] < 0
            rows = np.flatnonzero(hit)
            gone = stretch[rows + k] != stretch[rows]
            gone[~gone] = self.outside_pairs(rows[~gone], rows[~gone] + k)
            out[rows[gone]] = rows[gone] + k
        return out


def _centres(sphere: Floats, lat: Floats, lon: Floats, first: Ints, stop: Ints, kind: str) -> tuple[Floats, Floats]:
    """Return the centre of each stay in degrees: over the date line and the poles a mean is one of points, not of coordinates."""
    if not len(first):
        return np.zeros(0), np.zeros(0)
    length = stop - first
    rows = positions_of(first, length)
    if kind == "median":
        centre = _median(lat[rows], length)
        across = lon[first] + _median(_turn(lon[rows] - np.repeat(lon[first], length)), length)
    else:
        stay = np.repeat(np.arange(len(first)), length)
        if kind == "distinct":
            keep = ~_repeats(stay, lat[rows], lon[rows])
            rows, stay = rows[keep], stay[keep]
        head = np.flatnonzero(np.r_[True, stay[1:] != stay[:-1]])
        x, y, z = (np.add.reduceat(axis[rows], head) for axis in sphere)
        centre, across = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    return np.round(centre, _DIGITS), np.round(_turn(across), _DIGITS)


def _turn(degrees: Floats) -> Floats:
    """Return longitudes within 180 degrees either way; those that are stay as they are."""
    return np.asarray(np.where(np.abs(degrees) <= 180, degrees, (degrees + 180) % 360 - 180))


def _median(values: Floats, length: Ints) -> Floats:
    """Return the median of each slice, slices one after the other: as rows of a matrix, those of like length together."""
    out = np.empty(len(length))
    start = np.cumsum(length) - length
    widths = 2 ** np.ceil(np.log2(length)).astype(np.int64)
    for width in np.unique(widths).tolist():
        at = np.flatnonzero(widths == width)
        rows = np.arange(width)
        used = rows < length[at, None]
        table = np.where(used, values[np.where(used, start[at, None] + rows, 0)], np.inf)
        table.sort(axis=1)
        line = np.arange(len(at))
        out[at] = (table[line, (length[at] - 1) // 2] + table[line, length[at] // 2]) / 2
    return out


def _repeats(stay: Ints, lat: Floats, lon: Floats) -> Bools:
    """Mark fixes whose coordinates stand in the same stay already."""
    out = np.zeros(len(stay), np.bool_)
    # + 0.0: the two zeros are one coordinate
    key = (lat + 0.0).view(np.uint64) * np.uint64(3) ^ (lon + 0.0).view(np.uint64)
    sorted_key = np.sort(key)
    twice = sorted_key[1:][sorted_key[1:] == sorted_key[:-1]]
    if not len(twice):
        return out
    at = np.flatnonzero(np.isin(key, twice))
    at = at[np.lexsort((at, lon[at], lat[at], stay[at]))]
    same = (stay[at[1:]] == stay[at[:-1]]) & (lat[at[1:]] == lat[at[:-1]]) & (lon[at[1:]] == lon[at[:-1]])
    out[at[1:][same]] = True
    return out
