"""Presence: from position rows of contacts and attributed trackers to acts of presence (``docs/rules.md`` section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.arrays import Bools, Ints, haversine_m
from detector.columns import coded, flags, floats, lookup, numbers, subs, valid
from detector.model import CaseTables

#: manners as numbered in detector.course.MANNERS
VISIT, SEEN, WAITED, FOLLOWED, ENTERED, TRACKER, MET = 1, 2, 3, 4, 5, 6, 7
_SIGHTINGS = {"seen": SEEN, "waited": WAITED, "followed": FOLLOWED, "entered": ENTERED}


@dataclass(frozen=True, slots=True)
class Episodes:
    """Acts of presence of one case; row numbers point into the case's positions table."""

    contact: Ints  # code into contact_values
    contact_values: list[Any]
    ts: Ints
    ts_end: Ints
    manner: Ints
    place: Ints  # index in the case's places, -1
    spot: Ints  # number of a place text that is no declared place, -1
    first_row: Ints
    rows: Ints  # rows of all episodes, one after the other
    counts: Ints  # number of rows of each


def place_of(lat: NDArray[np.float64], lon: NDArray[np.float64], accuracy: NDArray[np.float64], ts: Ints,
             case: CaseTables, worst_m: int) -> Ints:  # fmt: skip
    """Return the index of the place at which each point lies, -1 for none.

    A point is at a place that is valid then if its distance in whole metres is at most radius plus accuracy; of several the
    nearest, then the smaller id. Points whose accuracy is worse than ``worst_m`` are at no place.
    """
    best = np.full(len(lat), -1, np.int64)
    best_m = np.full(len(lat), np.iinfo(np.int64).max, np.int64)
    places = case.places.to_pylist()
    usable = np.isfinite(lat) & np.isfinite(lon) & ~(accuracy > worst_m)
    slack = np.where(np.isfinite(accuracy), accuracy, 0.0)
    for i in sorted(range(len(places)), key=lambda k: places[k]["place_id"]):
        p = places[i]
        near = np.flatnonzero(usable & (ts >= p["ts_from"]) & (ts < p["ts_to"]))
        if not len(near):
            continue
        away = haversine_m(lat[near], lon[near], p["lat"], p["lon"])
        hit = (away <= p["radius_m"] + slack[near]) & (away < best_m[near])
        best[near[hit]] = i
        best_m[near[hit]] = away[hit]
    return best


def episodes(case: CaseTables, as_of: int, numbers_of: dict[str, Any]) -> Episodes:
    """Find the acts of presence of one case, in no particular order."""
    p = case.positions
    contact, contact_values = coded(p["contact_id"])
    ts = numbers(p["ts"])
    alive = ~valid(p["duplicate_of"])
    subject_codes, subjects = coded(p["subject"])
    kind_codes, kinds = coded(p["kind"])
    use = (contact >= 0) & alive & (ts < as_of)
    ours = use & flags(subject_codes, subjects, ("contact",))
    trackers = use & flags(subject_codes, subjects, ("tracker",))
    if not (ours | trackers).any():
        none = np.zeros(0, np.int64)
        return Episodes(none, contact_values, none, none, none, none, none, none, none, none)
    end = np.minimum(numbers(p["ts_end"]), as_of)
    text_codes, texts = coded(p["place_id"])
    declared = {name: i for i, name in enumerate(case.places["place_id"].to_pylist())}
    by_text = np.array([declared.get(v, -1) for v in texts] + [-1], np.int64)[text_codes]
    spot = text_codes
    lat, lon, accuracy = floats(p["lat"]), floats(p["lon"]), floats(p["accuracy_m"])
    found = place_of(lat, lon, accuracy, ts, case, int(numbers_of["visit_accuracy_m"]))
    sighting = flags(kind_codes, kinds, tuple(_SIGHTINGS))
    spans = [(r["ts_from"], r["ts_to"]) for r in case.places.select(["ts_from", "ts_to"]).to_pylist()] + [(0, 0)]
    begin, over = (np.array([s[i] for s in spans], np.int64)[by_text] for i in (0, 1))
    there = sighting & (by_text >= 0) & (ts >= begin) & (ts < over)
    place = np.where(there, by_text, found)
    spot = np.where(place < 0, spot, -1)
    # a tracker seen with the owner is where she is: it visits nothing
    place = np.where(trackers, -1, place)
    manner = np.array([_SIGHTINGS.get(k, VISIT) for k in kinds] + [VISIT], np.int64)[kind_codes]
    single = ours & ((manner != VISIT) | (flags(kind_codes, kinds, ("visit",)) & (place >= 0)))
    # a point without coordinates, or with an error too large to say where it was, says nothing: it ends no visit
    worst = int(numbers_of["visit_accuracy_m"])
    tells = np.isfinite(lat) & np.isfinite(lon) & ~(accuracy > worst)
    fixes = ours & tells & flags(kind_codes, kinds, ("fix", "path", "share", "check_in"))
    source_codes, sources = coded(p["source_id"])
    file_order = (subs(p["position_id"]), numbers(p["n"]), lookup(source_codes, sources, sorted(sources)))
    pause = int(numbers_of["visit_pause_s"]) * 1_000_000
    tracker_codes, _ = coded(p["subject_id"])
    runs = [
        _runs(np.flatnonzero(fixes), contact, place, ts, end, file_order, pause, at_place=True),
        _runs(np.flatnonzero(trackers), contact, tracker_codes, ts, end, file_order, pause, at_place=False),
    ]
    alone = np.flatnonzero(single)
    starts = [np.arange(len(alone)), *(r[1] for r in runs)]
    rows = np.r_[alone, runs[0][0], runs[1][0]].astype(np.int64)
    counts = np.r_[np.ones(len(alone), np.int64), runs[0][2], runs[1][2]].astype(np.int64)
    first_at = np.r_[0, np.cumsum(counts)][:-1].astype(np.int64)
    first = rows[first_at] if len(rows) else rows
    latest = end[rows[first_at + counts - 1]] if len(rows) else rows
    n_alone, n_visits = len(starts[0]), len(runs[0][2])
    kind = np.r_[manner[alone], np.full(n_visits, VISIT), np.full(len(runs[1][2]), TRACKER)].astype(np.int64)
    assert len(kind) == n_alone + n_visits + len(runs[1][2])
    return Episodes(contact[first], contact_values, ts[first], latest, kind, place[first], spot[first], first, rows,
                    counts)  # fmt: skip


def _runs(at: Ints, contact: Ints, where: Ints, ts: Ints, end: Ints, file_order: tuple[Ints, ...], pause: int, *,
          at_place: bool) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Split rows into runs; return rows, start of each run and its length.

    With ``at_place`` the rows of one contact are taken by time, a run holds neighbours at the same place, and runs of one row or of one
    moment are no visit; without, the rows of one tracker are taken by time, and every run counts.
    """
    none = np.zeros(0, np.int64)
    if not len(at):
        return none, none, none
    keys = (*(k[at] for k in file_order), ts[at]) + ((contact[at],) if at_place else (where[at], contact[at]))
    at = at[np.lexsort(keys)]
    c, w, t, e = contact[at], where[at], ts[at], end[at]
    new = np.r_[True, (c[1:] != c[:-1]) | (w[1:] != w[:-1]) | (t[1:] - e[:-1] > pause)]
    start = np.flatnonzero(new)
    length = np.diff(np.r_[start, len(at)])
    if not at_place:
        return at, start, length
    good: Bools = (w[start] >= 0) & (length >= 2) & (t[start + length - 1] > t[start])
    keep = np.repeat(good, length)
    kept = length[good]
    return at[keep], np.r_[0, np.cumsum(kept)][:-1].astype(np.int64), kept
