"""Near the owner, with the error of measurement and chance taken seriously: visits, encounters, following, trackers (``docs/measures.md`` section 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detector.arrays import Bools, Ints, largest, spots, total
from detector.conduct import encounters
from detector.course import MANNER
from detector.encounters import Tracks
from detector.indicators import Indicator, Measured
from detector.indicators.presence import known, measured
from detector.presence import place_of
from detector.shuffled import Days, level_permille, met_by_days, shared_by_days, shared_rows
from detector.state import State
from detector.trackers import sightings, travels


def _visit_rows(s: State) -> Bools:
    c = s.course
    return np.asarray(s.sets.law & (c.manner == MANNER["visit"]) & (c.place >= 0), np.bool_)


def _visits(s: State) -> Measured:
    mask = _visit_rows(s)
    value = s.count(mask)
    return Measured(value, mask, known(s, value), _visit_parts(s, mask))


def _visit_parts(s: State, mask: Bools) -> Callable[[int], list[dict[str, Any]]]:
    """For every place with a visit or a possible one, or of which no position is accurate enough to tell: there the numbers are null, not 0."""
    c = s.course
    maybe = c.possible

    def parts(g: int) -> list[dict[str, Any]]:
        lo, hi = np.searchsorted(c.group, [g, g + 1]).tolist()
        rows = lo + np.flatnonzero(mask[lo:hi])
        unsure = np.flatnonzero((maybe.group == g) & (maybe.ts_min >= s.valid_from))
        case = c.groups[g].case
        base = sum(len(x.places) for x in s.cases[:case])
        radius = dict(enumerate(s.cases[case].places["radius_m"].to_pylist(), base))
        blind = {p for p, r in radius.items() if r < c.least_error[g] < np.inf}
        out: list[dict[str, Any]] = []
        for place in {*c.place[rows].tolist(), *maybe.place[unsure].tolist(), *blind}:
            here = rows[c.place[rows] == place]
            told = len(here) > 0 or place not in blind
            out.append({
                "place": c.place_ids[place], "visits": len(here) if told else None,
                "days": len(np.unique(c.day[here])) if told else None,
                "dwell_s": int((c.ts_end[here] - c.ts[here]).sum()) // 1_000_000 if told else None,
                "likely_permille": int(c.chance[here].sum() + maybe.chance[unsure[maybe.place[unsure] == place]].sum()),
            })  # fmt: skip
        return sorted(out, key=lambda part: str(part["place"]))

    return parts


def _expected_visits(s: State) -> Measured:
    c = s.course
    mask = _visit_rows(s)
    maybe = c.possible
    value = total(c.group, c.n_groups, c.chance, mask)
    value += total(maybe.group, c.n_groups, maybe.chance, maybe.ts_min >= s.valid_from)
    return Measured(value, mask, known(s, s.count(mask)))


def _presence_days(s: State) -> Measured:
    mask = s.sets.law & s.course.presence
    return measured(s, s.days(mask), mask)


def _presence_max_week(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & c.presence & (c.place >= 0)
    at = np.flatnonzero(mask)
    rows = np.zeros(len(mask), np.bool_)
    if not len(at):
        return measured(s, np.zeros(c.n_groups, np.int64), rows)
    first = int(c.week[at].min())
    width = int(c.week[at].max()) - first + 1
    key = c.group[at] * width + c.week[at] - first
    weeks, number = np.unique(key, return_counts=True)
    group = weeks // width
    best = largest(group, c.n_groups, number.astype(np.int64))
    fullest = np.flatnonzero(number == best[group])
    fullest = fullest[np.r_[True, group[fullest][1:] != group[fullest][:-1]]]
    rows[at[np.isin(key, weeks[fullest])]] = True
    return measured(s, best, rows)


def _dwell_longest(s: State) -> Measured:
    c = s.course
    at = np.flatnonzero(s.sets.law & c.presence)
    length = c.ts_end[at] - c.ts[at]
    best = largest(c.group[at], c.n_groups, length)
    rows = np.zeros(len(c.group), np.bool_)
    hit = at[(length == best[c.group[at]]) & (length > 0)]
    rows[hit[np.r_[True, c.group[hit][1:] != c.group[hit][:-1]]] if len(hit) else hit] = True
    return measured(s, best // 1_000_000, rows)


def _night_presence(s: State) -> Measured:
    c = s.course
    night = (c.hour >= s.num["night_from_h"]) | (c.hour < s.num["night_to_h"])
    mask = s.sets.law & c.presence & c.timed & night
    return measured(s, s.count(mask), mask)


def _encounters(s: State) -> Measured:
    mask = s.sets.law & encounters(s.course)
    return measured(s, s.count(mask), mask)


def _encounter_spots(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & encounters(c) & np.isfinite(c.lat) & np.isfinite(c.lon)
    at = np.flatnonzero(mask)
    value = np.zeros(c.n_groups, np.int64)
    head = np.flatnonzero(np.r_[True, c.group[at][1:] != c.group[at][:-1]]) if len(at) else at
    for rows in np.split(at, head[1:]) if len(at) else []:  # encounters are few
        value[c.group[rows[0]]] = len(spots(c.lat[rows], c.lon[rows], int(s.num["spot_m"]), len(rows)))
    return measured(s, value, mask)


def _following(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & ((c.manner == MANNER["followed"]) | c.moves)
    return measured(s, s.count(mask), mask)


def _role_place_acts(s: State) -> Measured:
    mask = s.sets.law & s.course.exempt
    return measured(s, s.count(mask), mask)


def _her_places(s: State, case: int, tracks: Tracks) -> Ints:
    """Return the place of the owner at which each of her own usable rows is."""
    p = tracks.hers
    return place_of(p.lat, p.lon, p.accuracy, p.ts, s.cases[case], int(s.num["visit_accuracy_m"]))[0]


def _encounter_chance(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & (c.manner == MANNER["met"])
    value, told = np.zeros(c.n_groups, np.int64), np.zeros(c.n_groups, np.bool_)
    for g in np.unique(c.group[mask]).tolist():
        tracks = c.tracks[c.groups[g].case]
        if tracks is None:
            continue
        code = tracks.contact_values.index(c.groups[g].contact_id)
        days = Days.of(tracks, code, np.full(len(tracks.hers), -1), s.num)
        if days is not None:
            value[g], _ = level_permille(met_by_days(days, s.num), days.days, c.groups[g].contact_id, s.num)
            told[g] = True
    return Measured(value, mask, told)


def _shared_place_chance(s: State) -> Measured:
    c = s.course
    value, told = np.zeros(c.n_groups, np.int64), np.zeros(c.n_groups, np.bool_)
    rows = np.zeros(len(c.group), np.bool_)
    visits = np.flatnonzero(_visit_rows(s))
    by_case = (
        {(g.case, g.contact_id): i for i, g in enumerate(c.groups)} if any(t is not None for t in c.tracks) else {}
    )
    for case, tracks in enumerate(c.tracks):
        if tracks is None or not (tracks.place >= 0).any():
            continue
        hers = _her_places(s, case, tracks)
        both = shared_rows(tracks, hers, s.num)
        for code in np.unique(tracks.contact[both]).tolist():
            contact_id = tracks.contact_values[code]
            days = Days.of(tracks, code, hers, s.num)
            if days is None or (case, contact_id) not in by_case:
                continue
            level, true = level_permille(shared_by_days(days, s.num), days.days, contact_id, s.num)
            if true:
                value[by_case[case, contact_id]], told[by_case[case, contact_id]] = level, True
        base = sum(len(x.events) + len(x.positions) for x in s.cases[:case]) + len(s.cases[case].events)
        shared = np.zeros(len(s.cases[case].positions), np.bool_)
        shared[tracks.theirs.row[both]] = True
        mine = visits[c.case[c.group[visits]] == case]
        if len(mine):
            length = c.record_to[mine] - c.record_from[mine]
            rows[mine] = np.logical_or.reduceat(shared[c.records_of(mine) - base], np.cumsum(length) - length)
    return Measured(value, rows, told)


def _tracker_co_travel(s: State) -> Measured:
    c = s.course
    value, rows = np.zeros(c.n_groups, np.int64), np.zeros(len(c.group), np.bool_)
    acts = np.flatnonzero(s.sets.law & (c.manner == MANNER["tracker"]))
    whose = c.case[c.group[acts]]
    for case in np.unique(whose).tolist():
        mine = acts[whose == case]
        base = sum(len(x.events) + len(x.positions) for x in s.cases[:case]) + len(s.cases[case].events)
        first, seen = c.records[c.record_from[mine]] - base, c.records_of(mine) - base
        for tag in sightings(s.cases[case], s.as_of[case], attributed=True):
            if travels(tag.only(seen), s.num):
                hit = mine[np.isin(first, tag.rows)]
                rows[hit] = True
                value[np.unique(c.group[hit])] += 1
    return measured(s, value, rows)


_M = "our reading, docs/measures.md"
INDICATORS = (
    Indicator("visits", "Visits", "visits", "visits at places of the owner whose chance reaches the bar; for each place with the days, the time and the "
              "sum of the chances, possible visits included", _M, _visits),
    Indicator("expected_visits_permille", "Expected visits", "visits in ‰",
              "sum of the chances of visits and of possible visits that miss only the bar", _M, _expected_visits),
    Indicator("presence_days", "Days with presence", "days", "different dates of the owner's clock with an act of presence", "own choice",
              _presence_days),
    Indicator("presence_max_week", "Presence in the fullest week", "acts", "most acts of presence at places of the owner in one ISO week",
              "own choice", _presence_max_week),
    Indicator("dwell_longest_s", "Longest presence", "s", "longest time from first to last position of one act of presence", "S-DASH: loitering",
              _dwell_longest),
    Indicator("night_presence", "Presence at night", "acts", "acts of presence, known to the hour, at night", "own choice", _night_presence),
    Indicator("encounters", "Encounters on the way", "encounters",
              "acts of manner seen or met (both tracks near each other) at no place of the owner", _M, _encounters),
    Indicator("encounter_spots", "Spots of encounters", "spots",
              "encounters with coordinates that lie further than spot_m from every spot before", _M, _encounter_spots),
    Indicator("following", "Following", "acts", "acts of manner followed, and encounters by tracks that move further than spot_m", _M,
              _following),
    Indicator("encounter_chance_permille", "Chance level of encounters", "‰",
              "share of draws of the contact's shuffled days, weekdays kept, with at least as many encounters on the way; rounded up",
              "permutation test with the true order counted in: Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39", _encounter_chance),
    Indicator("shared_place_chance_permille", "Chance level of being at her places while she is there", "‰",
              "the same for being at one of the owner's places while she is there", "permutation test, as encounter_chance_permille",
              _shared_place_chance),
    Indicator("role_place_acts", "Acts at places of the role", "acts", "presence at a place that goes with the role, or is shared", _M,
              _role_place_acts),
    Indicator("tracker_co_travel", "Trackers that travel with the owner", "trackers",
              "attributed trackers with enough sightings at enough places over a long enough time within the window", "AirGuard",
              _tracker_co_travel),
)  # fmt: skip
