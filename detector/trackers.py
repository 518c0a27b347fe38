"""Trackers: which travel with the owner, and which ids may be one tag (``docs/measures.md`` section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.arrays import Ints, haversine_m, spots
from detector.columns import coded, flags, floats, numbers, subs, valid
from detector.model import CaseTables

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Sightings:
    """Sightings of one tracker in order of time; row numbers point into the case's positions."""

    tracker_id: str
    rows: Ints
    ts: Ints
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def only(self, rows: Ints) -> Sightings:
        """Return those among these rows."""
        at = np.flatnonzero(np.isin(self.rows, rows))
        return Sightings(self.tracker_id, self.rows[at], self.ts[at], self.lat[at], self.lon[at], self.accuracy[at])

    def located(self, num: dict[str, Any]) -> Ints:
        """Return which of them say where the tracker was."""
        exact = ~(self.accuracy > int(num["tracker_accuracy_m"]))
        return np.flatnonzero(np.isfinite(self.lat) & np.isfinite(self.lon) & exact)


def sightings(case: CaseTables, as_of: int, *, attributed: bool) -> list[Sightings]:
    """Return the sightings of every tracker of a case, attributed ones or those that belong to nobody, by id.

    A tracker without an id is known by its only record.
    """
    p = case.positions
    if not len(p):
        return []
    subject, subjects = coded(p["subject"])
    mine = valid(p["contact_id"]) == attributed
    rows = np.flatnonzero(
        flags(subject, subjects, ("tracker",)) & mine & ~valid(p["duplicate_of"]) & (numbers(p["ts"]) < as_of)
    )
    if not len(rows):
        return []
    p = p.take(rows)
    code, names = coded(p["subject_id"])
    ids, sources = p["position_id"].to_pylist(), p["source_id"].to_pylist()
    name = np.array([names[c] if c >= 0 else ids[i] for i, c in enumerate(code.tolist())], object)
    texts, whose = np.unique(name.astype(str), return_inverse=True)
    rank = np.unique(np.array(sources, str), return_inverse=True)[1]
    ts = numbers(p["ts"])
    order = np.lexsort((subs(p["position_id"]), numbers(p["n"]), rank, ts, whose))
    lat, lon, accuracy = floats(p["lat"]), floats(p["lon"]), floats(p["accuracy_m"])
    head = np.searchsorted(whose[order], np.arange(len(texts) + 1))
    out = []
    for k, text in enumerate(texts.tolist()):
        at = order[head[k] : head[k + 1]]
        out.append(Sightings(text, rows[at], ts[at], lat[at], lon[at], accuracy[at]))
    return out


def places(s: Sightings, num: dict[str, Any]) -> Ints:
    """Return which sightings are at a new place: in order, further than ``tracker_apart_m`` from every place so far."""
    at = s.located(num)
    return at[spots(s.lat[at], s.lon[at], int(num["tracker_apart_m"]), len(at))]


def travels(s: Sightings, num: dict[str, Any]) -> bool:
    """Return whether a tracker travels with the owner: within the window enough sightings, at enough places, over a long enough time."""
    need, window = int(num["tracker_sightings"]), int(num["tracker_window_s"]) * _US
    span, apart, several = int(num["tracker_span_s"]) * _US, int(num["tracker_apart_m"]), int(num["tracker_places"])
    located = s.located(num)
    stop = np.searchsorted(s.ts, s.ts + window, "right")
    able = (stop - np.arange(len(s.ts)) >= need) & (s.ts[stop - 1] - s.ts >= span)
    for i in np.flatnonzero(able).tolist():
        low, high = np.searchsorted(located, [i, stop[i]])
        at = located[low:high]
        if len(spots(s.lat[at], s.lon[at], apart, several)) >= several:
            return True
    return False


def linked(found: list[Sightings], num: dict[str, Any]) -> dict[str, list[str]]:
    """Return for every id those that may be the same tag before and after it changed its id: an inference, never a join.

    Each id is linked to at most one before and one after it, the nearest in time first; of equally near ones the first in order of text.
    """
    seen = [s for s in found if len(s.ts)]
    out: dict[str, list[str]] = {s.tracker_id: [] for s in found}
    begin, end = np.array([s.ts[0] for s in seen], np.int64), np.array([s.ts[-1] for s in seen], np.int64)
    by_begin = np.argsort(begin, kind="stable")
    pairs = []
    for i, s in enumerate(seen):
        low, high = np.searchsorted(begin[by_begin], [end[i] + 1, end[i] + int(num["tracker_link_s"]) * _US + 1])
        for j in by_begin[low:high].tolist():
            t = seen[j]
            here = s.lat[-1], s.lon[-1], t.lat[0], t.lon[0]
            if np.isfinite(here).all() and haversine_m(*here) <= int(num["tracker_link_m"]):
                pairs.append((int(begin[j] - end[i]), s.tracker_id, t.tracker_id))
    before: set[str] = set()
    after: set[str] = set()
    for _, one, other in sorted(pairs):
        if one not in after and other not in before:
            after.add(one)
            before.add(other)
            out[one].append(other)
            out[other].append(one)
    return {name: sorted(links) for name, links in out.items()}
