"""Chance levels: would the same encounters come about if the contact's days were shuffled? (``docs/measures.md`` section 5)

Whole days change places within their weekday, so a week's habits stay. What a pair of days would show is counted once for each pair, by the same search as for
encounters; a draw then only adds such counts up. The order of a draw is a hash's, not a generator's: the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from detector.arrays import DAY_US, Bools, Ints, bounded, positions_of
from detector.course import MONDAY
from detector.encounters import Index, Near, Points, Tracks, near_blocks, runs, slices_of

#: pairs of a row and a day that are looked at together
_PAIRS = 1 << 21


@dataclass(frozen=True)
class Days:
    """One contact's usable rows and the owner's on their local clocks, and the days on which there are any.

    Attributes
    ----------
    theirs, hers : Points
        Rows on their local clocks, the owner's in order of time.
    place, her_place : int64 array
        The owner's place at which each row is, -1.
    day : int64 array
        Day of each row of the contact, counted from 1970-01-01.
    days : int64 array
        Days of the contact that take part, ascending: the slots between which they are shuffled.
    """

    theirs: Points
    hers: Points
    place: Ints
    her_place: Ints
    day: Ints
    days: Ints
    her_days: Ints

    @classmethod
    def of(cls, t: Tracks, code: int, her_place: Ints, num: dict[str, Any]) -> Days | None:
        """Return the days of a contact, None if either track has too few weeks."""
        mine = np.flatnonzero(t.contact == code)
        theirs, hers = t.theirs.take(mine).local(), t.hers.local()
        order = np.argsort(hers.ts, kind="stable")
        hers = hers.take(order)
        day, her_day = np.floor_divide(theirs.ts, DAY_US), np.floor_divide(hers.ts, DAY_US)
        if not len(day):
            return None
        week = np.floor_divide(day - MONDAY, 7)
        kept = np.flatnonzero(week > int(week.max()) - int(num["chance_max_weeks"]))
        weeks = len(np.unique(week[kept])), len(np.unique(np.floor_divide(her_day - MONDAY, 7)))
        if min(weeks) < int(num["chance_weeks"]):
            return None
        days = np.unique(day[kept])
        return cls(
            theirs.take(kept),
            hers,
            t.place[mine][kept],
            her_place[order],
            day[kept],
            days,
            np.intersect1d(days, her_day),
        )


def met_by_days(d: Days, num: dict[str, Any]) -> Ints:
    """Return the number of encounters on the way for every pair (day of the contact, slot of hers): shape (days, days)."""
    if not len(d.her_days):
        return np.zeros((len(d.days), len(d.days)), np.int64)
    begin, stop = slices_of(np.flatnonzero(d.place < 0), d.day)
    block_day = d.day[begin]
    block, hers = _same_weekday(block_day, d.her_days)
    shift = (d.her_days[hers] - block_day[block]) * DAY_US
    first = d.her_days[hers] * DAY_US
    index = Index(d.hers, Near.of(num))
    which, row = near_blocks(d.theirs, index, begin[block], stop[block], shift, first, first + DAY_US - 1)
    return _counted(d, row, d.her_days[hers[which]], np.zeros(len(row), np.int64), num)


def shared_by_days(d: Days, num: dict[str, Any]) -> Ints:
    """Return the number of runs at a place of the owner while she is there, for every pair (day of the contact, slot of hers)."""
    time = Near.of(num).time
    rows: list[Ints] = []
    slots: list[Ints] = []
    for place in np.intersect1d(d.place[d.place >= 0], d.her_place).tolist():
        at, there = np.flatnonzero(d.place == place), np.flatnonzero(d.her_place == place)
        ts, end = d.hers.ts[there], d.hers.end[there]
        her_day = np.floor_divide(ts, DAY_US)
        # the latest end so far of the same day: a day's step is larger than any length
        step = int(end.max() - ts.min()) + 1
        rank = np.cumsum(np.r_[0, np.diff(her_day) != 0])
        latest = np.maximum.accumulate(end + rank * step) - rank * step
        open_days = np.intersect1d(her_day, d.her_days)
        row, hers = _same_weekday(d.day[at], open_days)
        for i, j in bounded(np.ones(len(row), np.int64), _PAIRS):
            r, o = at[row[i:j]], open_days[hers[i:j]]
            shift = (o - d.day[r]) * DAY_US
            last = np.minimum(d.theirs.end[r] + shift + time, (o + 1) * DAY_US - 1)
            before = np.searchsorted(ts, last, "right") - 1
            hit = (her_day[before] == o) & (before >= 0) & (latest[before] >= d.theirs.ts[r] + shift - time)
            rows.append(r[hit])
            slots.append(o[hit])
    if not rows:
        return np.zeros((len(d.days), len(d.days)), np.int64)
    row = np.concatenate(rows)
    return _counted(d, row, np.concatenate(slots), d.place[row], num)


def shared_rows(t: Tracks, her_place: Ints, num: dict[str, Any]) -> Bools:
    """Mark the usable rows of contacts that are at a place of the owner while a row of hers is there."""
    time = Near.of(num).time
    out = np.zeros(len(t.theirs), np.bool_)
    for place in np.intersect1d(t.place[t.place >= 0], her_place).tolist():
        at, there = np.flatnonzero(t.place == place), np.flatnonzero(her_place == place)
        there = there[np.argsort(t.hers.ts[there], kind="stable")]
        latest = np.maximum.accumulate(t.hers.end[there])
        before = np.searchsorted(t.hers.ts[there], t.theirs.end[at] + time, "right") - 1
        out[at] = (before >= 0) & (latest[before] >= t.theirs.ts[at] - time)
    return out


def _same_weekday(days: Ints, hers: Ints) -> tuple[Ints, Ints]:
    """Return all pairs (index of ``days``, index of ``hers``) of one weekday, by index of the first."""
    order = np.argsort(hers % 7, kind="stable")
    sorted_ = (hers % 7)[order]
    low, high = np.searchsorted(sorted_, days % 7, "left"), np.searchsorted(sorted_, days % 7, "right")
    return np.repeat(np.arange(len(days)), high - low), order[positions_of(low, high - low)]


def _counted(d: Days, row: Ints, slot: Ints, place: Ints, num: dict[str, Any]) -> Ints:
    """Count the runs of near rows for every (day of the contact, slot)."""
    n = len(d.days)
    out = np.zeros(n * n, np.int64)
    if len(row):
        order = np.lexsort((row, slot, d.day[row]))
        row, slot, place = row[order], slot[order], place[order]
        pair = np.searchsorted(d.days, d.day[row]) * n + np.searchsorted(d.days, slot)
        who = pair * (int(place.max()) + 1) + place
        start, _ = runs(row, who, d.theirs.ts[row], d.theirs.end[row], int(num["visit_pause_s"]) * 1_000_000)
        out += np.bincount(pair[start], minlength=n * n)
    return out.reshape(n, n)


def level_permille(count: Ints, days: Ints, contact_id: str, num: dict[str, Any]) -> tuple[int, int]:
    """Return the chance level in permille, rounded up, and the number that the true order gives.

    Parameters
    ----------
    count : int64 array (n, n)
        What the i-th day of the contact shows in the place of the j-th.
    days : int64 array (n,)
        The days.
    contact_id : str
        Goes into the hash, so that two contacts are shuffled each in its own way.
    """
    draws = int(num["chance_draws"])
    true = int(np.trace(count))
    sums = np.zeros(draws, np.int64)
    for weekday in range(7):
        at = np.flatnonzero(days % 7 == weekday)
        part = count[np.ix_(at, at)]
        if not part.any():
            continue
        names = [f"|{contact_id}|{np.datetime64(int(days[i]), 'D')}".encode() for i in at]
        slot = np.arange(len(at))
        for draw in range(1, draws + 1):
            number = str(draw).encode()
            digests = [sha256(number + name).digest() for name in names]
            sums[draw - 1] += part[sorted(slot.tolist(), key=digests.__getitem__), slot].sum()
    as_many = 1 + int((sums >= true).sum())
    return -(-1000 * as_many // (1 + draws)), true
