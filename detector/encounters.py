"""Encounters by tracks: where a contact and the owner were near each other in place and time (``docs/rules.md`` section 1).

The search is exact and never looks at all pairs. The owner's rows lie in time order, in blocks that know their box on the unit sphere; the contact's rows are asked
block against block first, then row against block, and only what is left is measured pair by pair, a bounded number at once. Rows that last (an app's visits)
would make every window long: they stand in levels of their own, by length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detector.arrays import EARTH_M, Bools, Floats, Ints, bounded, haversine_m, on_sphere, positions_of

#: rows of a block: small enough to be one stretch of way, large enough to be few
BLOCK = 32
#: pairs measured at once
_PAIRS = 1 << 20
#: rows longer than the window times this, and again, stand in the next level
_STEP = 8
EVER = 2**62
_US = 1_000_000


@dataclass(frozen=True)
class Points:
    """Rows of a track that can be located: a place on the sphere and an interval, in any order of time.

    Attributes
    ----------
    row : int64 array
        Row in the case's positions.
    ts, end : int64 array
        Begin and end, µs; equal for a moment.
    offset : int64 array
        What the local clock is ahead, µs.
    lat, lon : float array
        Degrees.
    accuracy : float array
        Metres, NaN where unknown.
    """

    row: Ints
    ts: Ints
    end: Ints
    offset: Ints
    lat: Floats
    lon: Floats
    accuracy: Floats

    def __len__(self) -> int:
        return len(self.ts)

    @cached_property
    def xyz(self) -> Floats:
        """The points on the unit sphere."""
        return on_sphere(self.lat, self.lon)

    def take(self, at: Ints) -> Points:
        """Return some of the rows."""
        return Points(
            self.row[at], self.ts[at], self.end[at], self.offset[at], self.lat[at], self.lon[at], self.accuracy[at]
        )

    def local(self) -> Points:
        """Return the same rows on their own local clocks."""
        return Points(
            self.row, self.ts + self.offset, self.end + self.offset, self.offset, self.lat, self.lon, self.accuracy
        )


@dataclass(frozen=True)
class Tracks:
    """The usable rows of the contacts of a case, by contact and time, and those of the owner."""

    contact: Ints  # code into contact_values
    contact_values: list[Any]
    place: Ints  # index of the owner's place at which the row is, -1
    theirs: Points
    hers: Points


@dataclass(frozen=True, slots=True)
class Near:
    """How near is near: distance in whole metres, time in µs."""

    metres: int
    time: int

    @classmethod
    def of(cls, num: dict[str, Any]) -> Near:
        """Read the numbers of the rules."""
        return cls(int(num["encounter_m"]), int(num["encounter_s"]) * _US)

    def chord(self, more: float) -> float:
        """Return the chord of the unit sphere of the distance and so many metres more (0 if nothing is left)."""
        return float(2 * np.sin(np.clip((self.metres + more) / (2 * EARTH_M), 0.0, np.pi / 2)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows that are asked for a neighbour: their interval may be moved, and the neighbour's begin is bounded by ``first`` and ``last``."""

    ts: Ints
    end: Ints
    first: Ints
    last: Ints
    xyz: Floats
    lat: Floats
    lon: Floats

    def take(self, at: Ints) -> Asked:
        """Return some of them."""
        return Asked(
            self.ts[at], self.end[at], self.first[at], self.last[at], self.xyz[:, at], self.lat[at], self.lon[at]
        )


def asked(p: Points, at: Ints, shift: Ints | int = 0, first: Ints | int = -EVER, last: Ints | int = EVER) -> Asked:
    """Return rows of a track as rows that are asked."""
    n = len(at)
    return Asked(p.ts[at] + shift, p.end[at] + shift, np.broadcast_to(np.asarray(first, np.int64), n),
                 np.broadcast_to(np.asarray(last, np.int64), n), p.xyz[:, at], p.lat[at], p.lon[at])  # fmt: skip


def _square(d: Floats) -> Floats:
    """Return the squared length of columns."""
    return np.asarray(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])


def _apart(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> Floats:
    """Return the squared distance between boxes."""
    return _square(np.maximum(np.maximum(other_low - high, low - other_high), 0.0))


class _Level:
    """Rows of the owner of about one length, in order of time, in blocks with their boxes."""

    def __init__(self, p: Points, at: Ints) -> None:
        ts = p.ts[at]
        self.at = at if bool((ts[1:] >= ts[:-1]).all()) else at[np.argsort(ts, kind="stable")]
        self.ts, self.end, self.xyz = p.ts[self.at], p.end[self.at], p.xyz[:, self.at]
        self.longest = int((self.end - self.ts).max())
        head = np.arange(0, len(at), BLOCK)
        self.low = np.minimum.reduceat(self.xyz, head, axis=1)
        self.high = np.maximum.reduceat(self.xyz, head, axis=1)

    def window(self, ts: Ints, end: Ints, first: Ints, last: Ints, time: int) -> tuple[Ints, Ints]:
        """Return the slices of rows that can lie within ``time`` of intervals and begin within their bounds."""
        low = np.searchsorted(self.ts, np.maximum(ts - time - self.longest, first), "left")
        high = np.searchsorted(self.ts, np.minimum(end + time, last), "right")
        return low.astype(np.int64), np.maximum(high, low).astype(np.int64)


def _blocks(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return the first block of slices of a level, and how many blocks they touch."""
    return low // BLOCK, np.where(high > low, (high - 1) // BLOCK - low // BLOCK + 1, 0)


class Index:
    """The owner's rows, ready to be searched."""

    def __init__(self, p: Points, near: Near) -> None:
        self.p, self.near = p, near
        length, bound, left = p.end - p.ts, max(near.time, _US), np.ones(len(p), np.bool_)
        self.levels: list[_Level] = []
        while left.any():
            fits = left & (length <= bound)
            if fits.any():
                self.levels.append(_Level(p, np.flatnonzero(fits)))
            left &= ~fits
            bound *= _STEP

    def _true(self, a: Asked, q: Ints, level: _Level, o: Ints) -> Bools:
        """Return which pairs are near: chord first, then time; the distance in whole metres that the rules compare only where the chord leaves it open."""
        square = _square(a.xyz[:, q] - level.xyz[:, o])
        out = np.zeros(len(q), np.bool_)
        at = np.flatnonzero(square <= self.near.chord(1.5) ** 2)
        q, o = q[at], o[at]
        close = np.maximum(level.ts[o] - a.end[q], a.ts[q] - level.end[o]) <= self.near.time
        at, q, o = at[close], q[close], o[close]
        out[at] = True
        edge = np.flatnonzero(square[at] > self.near.chord(-1.5) ** 2)
        q, own = q[edge], level.at[o[edge]]
        out[at[edge]] = haversine_m(a.lat[q], a.lon[q], self.p.lat[own], self.p.lon[own]) <= self.near.metres
        return out

    def _earliest(self, a: Asked, level: _Level) -> Ints:
        """Return for each asked row the first row of the level that is near, -1 if none is.

        The blocks of a row that its own point is in reach of are looked at one after the other, those of all rows at once.
        """
        out = np.full(len(a.ts), -1, np.int64)
        low, high = level.window(a.ts, a.end, a.first, a.last, self.near.time)
        first, number = _blocks(low, high)
        for i, j in bounded(np.maximum(number, BLOCK), _PAIRS):
            block = positions_of(first[i:j], number[i:j])
            q = np.repeat(np.arange(i, j), number[i:j])
            here = a.xyz[:, q]
            keep = _apart(here, here, level.low[:, block], level.high[:, block]) <= self.near.chord(1.5) ** 2
            q, block = q[keep], block[keep]
            head = np.searchsorted(q, np.arange(i, j))
            left = np.bincount(q - i, minlength=j - i)
            live, turn = np.flatnonzero(left), 0
            while len(live):
                b, row = block[head[live] + turn], live + i
                begin = np.maximum(b * BLOCK, low[row])
                length = np.minimum(b * BLOCK + BLOCK, high[row]) - begin
                pair, o = np.repeat(row, length), positions_of(begin, length)
                true = self._true(a, pair, level, o)
                pair, o = pair[true], o[true]
                fresh = np.r_[True, pair[1:] != pair[:-1]] if len(pair) else true[:0]
                out[pair[fresh]] = o[fresh]
                turn += 1
                live = live[(out[row] < 0) & (left[live] > turn)]
        return out

    def pairs(self, a: Asked) -> Iterator[tuple[Ints, Ints]]:
        """Yield every near pair (asked row, row of the owner's points), a bounded number at once."""
        for level in self.levels:
            low, high = level.window(a.ts, a.end, a.first, a.last, self.near.time)
            for i, j in bounded(high - low, _PAIRS):
                q, o = np.repeat(np.arange(i, j), (high - low)[i:j]), positions_of(low[i:j], (high - low)[i:j])
                true = self._true(a, q, level, o)
                yield q[true], level.at[o[true]]

    def any_near(self, a: Asked) -> Bools:
        """Return which asked rows have a neighbour at all."""
        found = np.zeros(len(a.ts), np.bool_)
        for level in self.levels:
            low, high = level.window(a.ts, a.end, a.first, a.last, self.near.time)
            open_ = np.flatnonzero(~found & (high > low))
            # who goes together is found at once: the neighbours in time
            after = np.searchsorted(level.ts, a.ts[open_])
            for at in (after, after - 1):
                hit = self._true(a, open_, level, np.clip(at, low[open_], high[open_] - 1))
                found[open_[hit]] = True
            rest = np.flatnonzero(~found & (high > low))
            found[rest[self._earliest(a.take(rest), level) >= 0]] = True
        return found

    def known_from(self, a: Asked) -> Ints:
        """Return for rows that have a neighbour the moment from which one is on file: the row's own, or the begin of its earliest neighbour."""
        out = np.full(len(a.ts), EVER, np.int64)
        for level in self.levels:
            low, high = level.window(a.ts, a.end, a.first, a.last, self.near.time)
            before = np.searchsorted(level.ts, a.ts, "right") - 1
            at = np.flatnonzero((before >= low) & (before < high))
            hit = at[self._true(a, at, level, before[at])]
            out[hit] = a.ts[hit]
        for level in self.levels:
            rest = np.flatnonzero(out > a.ts)
            earliest = self._earliest(a.take(rest), level)
            rest, earliest = rest[earliest >= 0], earliest[earliest >= 0]
            out[rest] = np.minimum(out[rest], np.maximum(level.ts[earliest], a.ts[rest]))
        return out


def near_blocks(
    p: Points, index: Index, begin: Ints, stop: Ints, shift: Ints, first: Ints, last: Ints
) -> tuple[Ints, Ints]:
    """Return which rows of which blocks of a track have a neighbour, as pairs (block, row), in order.

    Parameters
    ----------
    p : Points
        The track.
    index : Index
        The rows to be near to.
    begin, stop : int64 arrays
        The blocks: slices of the track, each of one or more neighbours in time.
    shift, first, last : int64 arrays
        For each block: what its rows are moved by, and the bounds of the neighbour's begin.
    """
    keep = np.zeros(len(begin), np.bool_)
    if not len(p) or not len(begin):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # one box for each slice, however often it is asked
    spans, whose = np.unique(np.stack([begin, stop], axis=1), axis=0, return_inverse=True)
    whose = whose.ravel()
    rows = positions_of(spans[:, 0], spans[:, 1] - spans[:, 0])
    head = np.r_[0, np.cumsum(spans[:, 1] - spans[:, 0])[:-1]]
    boxes = p.xyz[:, rows]
    low, high = np.minimum.reduceat(boxes, head, axis=1), np.maximum.reduceat(boxes, head, axis=1)
    earliest = np.minimum.reduceat(p.ts[rows], head)[whose] + shift
    latest = np.maximum.reduceat(p.end[rows], head)[whose] + shift
    for level in index.levels:
        lo, hi = level.window(earliest, latest, first, last, index.near.time)
        start, number = _blocks(lo, hi)
        number[keep] = 0
        for i, j in bounded(number, _PAIRS):
            block = positions_of(start[i:j], number[i:j])
            q = np.repeat(np.arange(i, j), number[i:j])
            mine = whose[q]
            apart = _apart(low[:, mine], high[:, mine], level.low[:, block], level.high[:, block])
            keep[q[apart <= index.near.chord(1.5) ** 2]] = True
    live = np.flatnonzero(keep)
    found: list[tuple[Ints, Ints]] = []
    for i, j in bounded((stop - begin)[live], _PAIRS):
        b = live[i:j]
        at = positions_of(begin[b], (stop - begin)[b])
        b = np.repeat(b, (stop - begin)[b])
        hit = index.any_near(asked(p, at, shift[b], first[b], last[b]))
        found.append((b[hit], at[hit]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def slices_of(at: Ints, *labels: Ints) -> tuple[Ints, Ints]:
    """Cut ascending rows into slices of neighbours with equal labels, at most :data:`BLOCK` long; return begins and stops."""
    if not len(at):
        return at, at
    new = np.r_[True, np.diff(at) != 1]
    for label in labels:
        new[1:] |= label[at[1:]] != label[at[:-1]]
    head = np.flatnonzero(new)
    since = np.arange(len(at)) - np.repeat(head, np.diff(np.r_[head, len(at)]))
    head = np.flatnonzero(since % BLOCK == 0)
    length = np.diff(np.r_[head, len(at)])
    return at[head], at[head] + length


def near_rows(t: Tracks, num: dict[str, Any]) -> Ints:
    """Return the usable rows of the contacts, in order, that are near the owner and at none of her places."""
    away = np.flatnonzero(t.place < 0)
    begin, stop = slices_of(away, t.contact)
    ever = np.full(len(begin), EVER, np.int64)
    _, rows = near_blocks(
        t.theirs, Index(t.hers, Near.of(num)), begin, stop, np.zeros(len(begin), np.int64), -ever, ever
    )
    return np.sort(rows)


def runs(rows: Ints, who: Ints, ts: Ints, end: Ints, pause: int) -> tuple[Ints, Ints]:
    """Split near rows into runs; return the index of each run's first one and its length, those of one moment left out.

    Parameters
    ----------
    rows : int64 array
        Numbers of the near rows among all usable ones: a number left out is a usable row that is not near, which ends a run.
    who : int64 array
        For each near row whose it is; another one ends a run.
    ts, end : int64 arrays
        Times of each near row, µs.
    pause : int
        A longer pause, from the end of the row before, ends a run; µs.
    """
    if not len(rows):
        return rows, rows
    new = np.r_[True, (who[1:] != who[:-1]) | (rows[1:] != rows[:-1] + 1) | (ts[1:] - end[:-1] > pause)]
    start = np.flatnonzero(new)
    length = np.diff(np.r_[start, len(rows)])
    lasts: Bools = np.maximum.reduceat(end, start) > ts[start]
    return start[lasts], length[lasts]


@dataclass(frozen=True, slots=True)
class Met:
    """Acts of manner met, the passing forms they had before all was on file included: index of the first row in ``rows``, number of rows, whether it moves, and the moments from which
    and until which it stands so."""

    rows: Ints  # numbers among the usable rows
    start: Ints
    length: Ints
    moves: Bools
    since: Ints
    until: Ints


def meetings(t: Tracks, num: dict[str, Any]) -> Met:
    """Find the encounters by tracks of all contacts of a case."""
    none = np.zeros(0, np.int64)
    if not len(t.theirs) or not len(t.hers):
        return Met(none, none, none, none.astype(np.bool_), none, none)
    rows = near_rows(t, num)
    p = t.theirs
    start, length = runs(rows, t.contact[rows], p.ts[rows], p.end[rows], int(num["visit_pause_s"]) * _US)
    if not len(start):
        return Met(none, none, none, none.astype(np.bool_), none, none)
    kept = positions_of(start, length)
    rows = rows[kept]
    start = np.r_[0, np.cumsum(length)[:-1]].astype(np.int64)
    known = Index(t.hers, Near.of(num)).known_from(asked(p, rows))
    first = np.repeat(rows[start], length)
    far = haversine_m(p.lat[first], p.lon[first], p.lat[rows], p.lon[rows]) > int(num["spot_m"])
    pause, spot_m = int(num["visit_pause_s"]) * _US, int(num["spot_m"])
    forms: list[tuple[int, int, bool, int, int]] = []
    for i, n in zip(start.tolist(), length.tolist(), strict=True):  # encounters are few
        run = _Run(p, rows[i : i + n], known[i : i + n], far[i : i + n], pause, spot_m)
        forms += [(i + first, *form) for first, *form in run.forms()]
    made = list(zip(*forms, strict=True))
    return Met(rows, np.array(made[0], np.int64), np.array(made[1], np.int64), np.array(made[2], np.bool_),
               np.array(made[3], np.int64), np.array(made[4], np.int64))  # fmt: skip


class _Run:
    """One run, and what it was while some of the rows that its rows are near to were not yet on file.

    Parameters
    ----------
    p : Points
        The contact's track.
    rows : int64 array
        The run's rows in it.
    known : int64 array
        The moment from which each has a neighbour on file.
    far : bool array
        Which lie on another spot than the first.
    pause, spot_m : int
        Numbers of the rules, µs and m.
    """

    def __init__(self, p: Points, rows: Ints, known: Ints, far: Bools, pause: int, spot_m: int) -> None:
        self.p, self.rows, self.known, self.far, self.pause, self.spot_m = p, rows, known, far, pause, spot_m
        self.filled = np.maximum.accumulate(known)  # the moment at which all rows up to this one are on file
        self.lasts = int(np.argmax(p.end[rows] > p.ts[rows[0]]))  # with this row it is not all one moment
        self.moves = int(np.argmax(far)) if far.any() else len(rows)

    def acts(self, t: int) -> dict[tuple[int, bool], int]:
        """Return the acts as of just after a moment, (first row, moves) to number of rows.

        Those of the first rows up to one that is not yet known, and what later rows that are known make of themselves.
        """
        k = int(np.searchsorted(self.filled, t, "right"))
        out = {(0, k > self.moves): k} if k > self.lasts else {}
        stop = int(np.searchsorted(self.p.ts[self.rows], t, "right"))
        at = k + np.flatnonzero(self.known[k:stop] <= t)
        p, r = self.p, self.rows[at]
        for i, n in zip(*(x.tolist() for x in runs(r, np.zeros_like(r), p.ts[r], p.end[r], self.pause)), strict=True):
            one = r[i : i + n]
            away = haversine_m(p.lat[one[0]], p.lon[one[0]], p.lat[one], p.lon[one])
            out[int(at[i]), bool((away > self.spot_m).any())] = n
        return out

    def forms(self) -> list[tuple[int, int, bool, int, int]]:
        """Return all forms of the run in time: (first row, rows, moves, since, until), the last one until :data:`EVER`.

        As long as the rows on file are the first ones, there are two moments at which something changes: the run lasts, the run moves. While a
        later row is known before an earlier one, it is looked at as of every moment at which a row becomes known.
        """
        n = len(self.rows)
        marks = [int(self.filled[k]) for k in (self.lasts, self.moves) if k < n]
        least = np.r_[np.minimum.accumulate(self.known[::-1])[::-1][1:], EVER]  # of the rows after this one
        early = np.flatnonzero(self.known > least)
        values = np.unique(self.known)
        depth = np.zeros(len(values) + 1, np.int64)
        np.add.at(depth, np.searchsorted(values, least[early], "left"), 1)
        np.add.at(depth, np.searchsorted(values, self.known[early], "right"), -1)
        moments = np.unique(np.r_[values[np.cumsum(depth)[:-1] > 0], np.array(marks, np.int64)])
        standing: dict[tuple[int, bool], tuple[int, int]] = {}
        out = []
        for t in moments.tolist():
            now = self.acts(t)
            for key in [k for k in standing if k not in now]:
                since, number = standing.pop(key)
                out.append((key[0], number, key[1], since, t))
            for key, number in now.items():
                standing[key] = standing[key][0] if key in standing else t, number
        # at the end all is known: one act stands, with all its rows
        return out + [(first, n, moves, since, EVER) for (first, moves), (since, _) in standing.items()]


def partners(t: Tracks, rows: Ints, num: dict[str, Any]) -> Ints:
    """Return for rows of contacts (in the case's positions) the owner's row that was nearest, -1 where none was near.

    Nearest in whole metres, then in time, then the earlier, then the one that stands first. So a report can show both tracks of an encounter.
    """
    order = np.argsort(t.theirs.row, kind="stable")
    at = np.searchsorted(t.theirs.row, rows, sorter=order)
    at = order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else np.zeros(0, np.int64)
    known = np.flatnonzero(t.theirs.row[at] == rows) if len(order) else np.zeros(0, np.int64)
    out = np.full(len(rows), -1, np.int64)
    if not len(known) or not len(t.hers):
        return out
    a, h = asked(t.theirs, at[known]), t.hers
    found = list(Index(h, Near.of(num)).pairs(a))
    q, o = np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
    metres = haversine_m(a.lat[q], a.lon[q], h.lat[o], h.lon[o])
    apart = np.maximum(np.maximum(h.ts[o] - a.end[q], a.ts[q] - h.end[o]), 0)
    best = np.lexsort((h.row[o], h.ts[o], apart, metres, q))
    q, o = q[best], o[best]
    head = np.flatnonzero(np.r_[True, q[1:] != q[:-1]]) if len(q) else q
    out[known[q[head]]] = h.row[o[head]]
    return out
