"""Presence: from position rows of contacts and attributed trackers to acts of presence (``docs/rules.md`` section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.arrays import EARTH_M, Bools, Ints, haversine_m, positions_of
from detector.columns import coded, flags, floats, lookup, numbers, subs, valid
from detector.encounters import EVER, Points, Tracks, meetings
from detector.inside import chance_permille, mean_permille
from detector.model import CaseTables

#: manners as numbered in detector.course.MANNERS
VISIT, SEEN, WAITED, FOLLOWED, ENTERED, TRACKER, MET = 1, 2, 3, 4, 5, 6, 7
_SIGHTINGS = {"seen": SEEN, "waited": WAITED, "followed": FOLLOWED, "entered": ENTERED}
_FIXES = ("fix", "path", "share", "check_in")
#: from this many places on the points are sorted by latitude once, instead of being looked through for each place
_SORT_FROM = 24


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes of presence of one case; row numbers point into the case's positions table."""

    contact: Ints  # code into Found.contact_values
    ts: Ints
    ts_end: Ints
    manner: Ints
    place: Ints  # index in the case's places, -1
    spot: Ints  # number of a place text that is no declared place, -1
    first_row: Ints
    rows: Ints  # rows of all episodes, one after the other
    counts: Ints  # number of rows of each
    chance: Ints  # that the contact was inside the place, permille; -1 where somebody saw it, or at no place
    moves: Bools  # an encounter whose rows lie on several spots
    since: Ints  # the moment from which the rows on file make it an act
    until: Ints  # the moment from which further rows unmake it, EVER for the acts that stand


@dataclass(frozen=True, slots=True)
class Found:
    """What the positions of one case show.

    Attributes
    ----------
    contact_values : list
        Names of the codes of contacts.
    acts : Episodes
        Acts of presence, and what was one for a while (``until`` before :data:`EVER`), in no particular order.
    possible : Episodes
        Visits that miss only the bar.
    tracks : Tracks or None
        What encounters are found from; None if one side has no usable row.
    least_error : float array, by code of contact
        Least accuracy of all its own positions, sightings and trackers apart: 0 where one has none stated, infinite without any position.
    """

    contact_values: list[Any]
    acts: Episodes
    possible: Episodes
    tracks: Tracks | None
    least_error: NDArray[np.float64]


def _no_episodes() -> Episodes:
    none = np.zeros(0, np.int64)
    return Episodes(none, none, none, none, none, none, none, none, none, none, none.astype(np.bool_), none, none)


def _candidates(
    lat: NDArray[np.float64], lon: NDArray[np.float64], places: list[dict[str, Any]], slack_m: float
) -> list[Ints]:
    """Return for every place the rows within its box: latitude first, then longitude; a superset of those within its reach."""
    order = np.argsort(lat, kind="stable") if len(places) >= _SORT_FROM else None
    sorted_lat = lat if order is None else lat[order]
    out = []
    for p in places:
        reach = (p["radius_m"] + slack_m + 2) / EARTH_M  # distances are rounded to whole metres
        high, low = p["lat"] + np.degrees(reach), p["lat"] - np.degrees(reach)
        if order is None:
            at = np.flatnonzero((lat >= low) & (lat <= high))
        else:
            at = order[np.searchsorted(sorted_lat, low, "left") : np.searchsorted(sorted_lat, high, "right")]
        widest = np.cos(np.radians(p["lat"]))
        if np.sin(min(reach, np.pi / 2)) < widest:  # else the circle holds a pole, and every longitude
            wide = np.degrees(np.arcsin(np.sin(reach) / widest)) * (1 + 1e-9)
            apart = np.abs(lon[at] - p["lon"])
            at = at[np.minimum(apart, 360.0 - apart) <= wide]
        out.append(at)
    return out


def place_of(lat: NDArray[np.float64], lon: NDArray[np.float64], accuracy: NDArray[np.float64], ts: Ints,
             case: CaseTables, worst_m: int) -> tuple[Ints, Ints]:  # fmt: skip
    """Return the index of the place at which each point lies, -1 for none, and its distance in whole metres.

    A point is at a place that is valid then if its distance in whole metres is at most radius plus accuracy; of several the
    nearest, then the smaller id. Points whose accuracy is worse than ``worst_m`` are at no place.
    """
    best = np.full(len(lat), -1, np.int64)
    best_m = np.full(len(lat), np.iinfo(np.int64).max, np.int64)
    places = case.places.to_pylist()
    if not places or not len(lat):
        return best, best_m
    order = sorted(range(len(places)), key=lambda k: places[k]["place_id"])
    slack = np.where(np.isfinite(accuracy), accuracy, 0.0)
    usable = slack <= worst_m
    for i, at in zip(order, _candidates(lat, lon, [places[i] for i in order], float(worst_m)), strict=True):
        p = places[i]
        near = at[usable[at] & (ts[at] >= p["ts_from"]) & (ts[at] < p["ts_to"])]
        away = haversine_m(lat[near], lon[near], p["lat"], p["lon"])
        hit = (away <= p["radius_m"] + slack[near]) & (away < best_m[near])
        best[near[hit]] = i
        best_m[near[hit]] = away[hit]
    return best, best_m


class _Rows:
    """Columns of the positions table that presence needs."""

    def __init__(self, case: CaseTables, as_of: int) -> None:
        p = case.positions
        self.p = p
        self.contact, self.contact_values = coded(p["contact_id"])
        self.ts = numbers(p["ts"])
        self.alive = ~valid(p["duplicate_of"]) & (self.ts < as_of)
        subject, subjects = coded(p["subject"])
        known = self.alive & (self.contact >= 0)
        self.ours = known & flags(subject, subjects, ("contact",))
        self.trackers = known & flags(subject, subjects, ("tracker",))
        self.hers = self.alive & flags(subject, subjects, ("owner",))
        self.as_of = as_of

    def read(self) -> None:
        """Read the rest, where there is anybody to look for."""
        p = self.p
        self.end = np.minimum(numbers(p["ts_end"]), self.as_of)
        self.lat, self.lon, self.accuracy = floats(p["lat"]), floats(p["lon"]), floats(p["accuracy_m"])
        self.located = np.isfinite(self.lat) & np.isfinite(self.lon)
        kind, self.kinds = coded(p["kind"])
        self.manner = np.array([_SIGHTINGS.get(k, VISIT) for k in self.kinds] + [VISIT], np.int64)[kind]
        self.visits, self.fixes = flags(kind, self.kinds, ("visit",)), flags(kind, self.kinds, _FIXES)
        self.wide = flags(*coded(p["accuracy_kind"]), ("r95", "radius"))

    def by_time(self, at: Ints, *whose: Ints) -> Ints:
        """Sort rows by whose they are, then time, then their place in their source."""
        keys = [w[at] for w in (*whose, self.ts)]
        settled, sorted_ = np.zeros(max(len(at) - 1, 0), np.bool_), True
        for k in keys:
            step = k[1:] - k[:-1]
            sorted_ = sorted_ and not bool((~settled & (step < 0)).any())
            settled |= step > 0
        if sorted_ and settled.all():
            return at
        source, sources = coded(self.p["source_id"])
        file_order = (subs(self.p["position_id"]), numbers(self.p["n"]), lookup(source, sources, sorted(sources)))
        return at[np.lexsort((*(k[at] for k in file_order), *keys[::-1]))]


def episodes(case: CaseTables, as_of: int, num: dict[str, Any]) -> Found:
    """Find the acts of presence of one case."""
    r = _Rows(case, as_of)
    nobody = np.full(len(r.contact_values), np.inf)
    if not (r.ours | r.trackers).any():
        return Found(r.contact_values, _no_episodes(), _no_episodes(), None, nobody)
    r.read()
    p, contact, ts = r.p, r.contact, r.ts
    text, texts = coded(p["place_id"])
    declared = {name: i for i, name in enumerate(case.places["place_id"].to_pylist())}
    by_text = np.array([declared.get(v, -1) for v in texts] + [-1], np.int64)[text]
    worst = int(num["visit_accuracy_m"])
    place, away = np.full(len(ts), -1, np.int64), np.zeros(len(ts), np.int64)
    mine = np.flatnonzero(r.ours & r.located)
    place[mine], away[mine] = place_of(r.lat[mine], r.lon[mine], r.accuracy[mine], ts[mine], case, worst)
    spans = [(x["ts_from"], x["ts_to"]) for x in case.places.select(["ts_from", "ts_to"]).to_pylist()] + [(0, 0)]
    begin, over = (np.array([s[i] for s in spans], np.int64)[by_text] for i in (0, 1))
    sighting = r.ours & (r.manner != VISIT)
    there = sighting & (by_text >= 0) & (ts >= begin) & (ts < over)
    # a tracker seen with the owner is where she is: it visits nothing
    place = np.where(there, by_text, place)
    chance = np.full(len(ts), -1, np.int64)
    at = np.flatnonzero(r.ours & (r.visits | r.fixes) & (place >= 0))
    radius = np.array([*case.places["radius_m"].to_pylist(), 0.0])[place[at]]
    chance[at] = chance_permille(away[at], radius, r.accuracy[at], r.wide[at])
    acts, maybe = _Parts(), _Parts()
    alone = np.flatnonzero(sighting)
    acts.add(alone, np.ones(len(alone), np.int64), r.manner[alone], since=ts[alone])
    alone = np.flatnonzero(r.ours & r.visits & (place >= 0))
    one = np.ones(len(alone), np.int64)
    reached = _reaches(chance[alone], num)
    acts.add(alone[reached], one[reached], VISIT, chance=chance[alone[reached]], since=ts[alone[reached]])
    maybe.add(alone[~reached], one[~reached], VISIT, chance=chance[alone[~reached]], since=ts[alone[~reached]])
    # a point without coordinates, or with an error too large to say where it was, says nothing: it ends no visit
    tells = r.ours & r.fixes & r.located & ~(r.accuracy > worst)
    _visits(r, np.flatnonzero(tells), place, chance, num, acts, maybe)
    tracker = np.flatnonzero(r.trackers)
    if len(tracker):
        tag, _ = coded(p["subject_id"])
        tracker = r.by_time(tracker, contact, tag)
        start, length = _split(r, tracker, (contact, tag), int(num["visit_pause_s"]) * 1_000_000)
        acts.add(tracker, length, TRACKER, since=ts[tracker[start]])
    tracks = _tracks(r, place, case, num)
    if tracks is not None:
        met = meetings(tracks, num)
        rows = tracks.theirs.row[met.rows]
        acts.add(
            rows[positions_of(met.start, met.length)],
            met.length,
            MET,
            moves=met.moves,
            since=met.since,
            until=met.until,
        )
    error = np.where(np.isnan(r.accuracy), 0.0, r.accuracy)
    rows = np.flatnonzero(r.ours & ~sighting)
    np.minimum.at(nobody, contact[rows], error[rows])
    spot = np.where(place < 0, text, -1)
    return Found(r.contact_values, acts.episodes(r, place, spot), maybe.episodes(r, place, spot), tracks, nobody)


def _reaches(permille: Ints, num: dict[str, Any]) -> Bools:
    """Return whether chances reach the bar."""
    top, bottom = num["visit_bar"]
    return np.asarray(bottom * permille >= 1000 * top, np.bool_)


class _Parts:
    """Episodes as they are found, kind by kind."""

    def __init__(self) -> None:
        self.parts: list[dict[str, Any]] = []

    def add(self, rows: Ints, counts: Ints, manner: Ints | int, *, since: Ints, chance: Ints | int = -1,
            moves: Bools | bool = False, until: Ints | int = EVER) -> None:  # fmt: skip
        """Add episodes: all their rows, one after the other, and the number of each."""
        n = len(counts)
        if n:
            self.parts.append({
                "rows": rows, "counts": counts, "since": since, "manner": np.broadcast_to(manner, n),
                "chance": np.broadcast_to(chance, n), "moves": np.broadcast_to(moves, n), "until": np.broadcast_to(until, n),
            })  # fmt: skip

    def episodes(self, r: _Rows, place: Ints, spot: Ints) -> Episodes:
        """Return them all."""
        if not self.parts:
            return _no_episodes()
        col = {k: np.concatenate([p[k] for p in self.parts]) for k in self.parts[0]}
        rows, counts = col["rows"], col["counts"]
        at = np.cumsum(counts) - counts
        first = rows[at]
        at_place = np.where(np.isin(col["manner"], (TRACKER, MET)), -1, place[first])
        return Episodes(
            r.contact[first], r.ts[first], r.end[rows[at + counts - 1]], col["manner"].astype(np.int64), at_place,
            np.where(at_place < 0, spot[first], -1), first, rows, counts, col["chance"].astype(np.int64), col["moves"].astype(np.bool_),
            col["since"], col["until"].astype(np.int64),
        )  # fmt: skip


def _split(r: _Rows, at: Ints, whose: tuple[Ints, ...], pause: int) -> tuple[Ints, Ints]:
    """Split sorted rows into runs of the same owner of the row without a longer pause; return start and length of each."""
    new = np.ones(len(at), np.bool_)
    new[1:] = r.ts[at[1:]] - r.end[at[:-1]] > pause
    for w in whose:
        new[1:] |= w[at[1:]] != w[at[:-1]]
    start = np.flatnonzero(new)
    return start, np.diff(np.r_[start, len(at)])


def _visits(r: _Rows, at: Ints, place: Ints, chance: Ints, num: dict[str, Any], acts: _Parts, maybe: _Parts) -> None:
    """Add the visits that single fixes show: runs at one place of two rows or more that last long enough and whose mean chance reaches the bar.

    As of a moment a run holds the rows so far: it becomes a visit with the row that makes it one, and further rows may take it below the bar again.
    """
    if not len(at):
        return
    at = r.by_time(at, r.contact)
    start, length = _split(r, at, (r.contact, place), int(num["visit_pause_s"]) * 1_000_000)
    least = int(num["visit_min_s"]) * 1_000_000
    lasted = r.ts[at[start + length - 1]] - r.ts[at[start]]
    good = (place[at[start]] >= 0) & (length >= 2) & (lasted > 0) & (lasted >= least)
    start, length = start[good], length[good]
    if not len(start):
        return
    at = at[positions_of(start, length)]
    start = np.cumsum(length) - length
    run = np.repeat(np.arange(len(start)), length)
    so_far = np.arange(len(at)) - start[run] + 1
    sums = np.cumsum(chance[at])
    total = sums - (sums[start] - chance[at[start]])[run]
    t = r.ts[at]
    # as of a moment: the last of its rows
    whole = np.r_[(run[1:] != run[:-1]) | (t[1:] != t[:-1]), True]
    lasted = t - t[start[run]]
    stands = whole & (lasted > 0) & (lasted >= least) & _reaches(mean_permille(total, so_far), num)
    moment = np.flatnonzero(whole)
    r_, s_ = run[moment], stands[moment]
    head = np.r_[True, r_[1:] != r_[:-1]]
    turn_on = moment[s_ & (head | ~np.r_[False, s_[:-1]])]
    turn_off = moment[~s_ & ~head & np.r_[False, s_[:-1]]]
    last = start + length - 1
    ends = np.sort(np.r_[turn_off, last[stands[last]] + 1])  # the row after the last one with which it stands
    final = ends == start[run[turn_on]] + length[run[turn_on]]
    number = ends - start[run[turn_on]]
    rows = at[positions_of(start[run[turn_on]], number)]
    until = np.where(final, EVER, t[np.minimum(ends, len(t) - 1)])
    acts.add(rows, number, VISIT, chance=mean_permille(total[ends - 1], number), since=t[turn_on], until=until)
    low = np.flatnonzero(~stands[last])
    kept = at[positions_of(start[low], length[low])]
    maybe.add(kept, length[low], VISIT, chance=mean_permille(total[last[low]], length[low]), since=t[start[low]])


def _tracks(r: _Rows, place: Ints, case: CaseTables, num: dict[str, Any]) -> Tracks | None:
    """Return the usable rows of contacts and owner, None if one side has none."""
    if not r.hers.any():
        return None
    usable = (r.fixes | r.visits) & r.located & ~(r.accuracy > int(num["encounter_accuracy_m"]))
    theirs, hers = np.flatnonzero(usable & r.ours), np.flatnonzero(usable & r.hers)
    if not len(theirs) or not len(hers):
        return None
    theirs = r.by_time(theirs, r.contact)
    offset = numbers(case.positions["utc_offset"]) * 1_000_000

    def points(at: Ints) -> Points:
        return Points(at, r.ts[at], r.end[at], offset[at], r.lat[at], r.lon[at], r.accuracy[at])

    return Tracks(r.contact[theirs], r.contact_values, place[theirs], points(theirs), points(hers))
