"""Proximity: visits to the owner's places, sightings, trackers."""

from __future__ import annotations

import numpy as np

from detector.arrays import Bools, Ints, distinct, total
from detector.course import MANNER
from detector.indicators import Indicator, Measured
from detector.state import State


def known(s: State, value: Ints) -> Bools:
    """Return for whom a number of presence is known: whose sources could have shown it, or did."""
    return np.asarray(s.course.presence_data | (value > 0), np.bool_)


def measured(s: State, value: Ints, rows: Bools) -> Measured:
    """Return a number of presence."""
    return Measured(value, rows, known(s, value))


def _presence_acts(s: State) -> Measured:
    mask = s.sets.law & s.course.presence
    return measured(s, s.count(mask), mask)


def _visited_places(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & c.presence & (c.place >= 0)
    return measured(s, distinct(c.group, c.n_groups, c.place, mask), mask)


def _tracked_places(s: State) -> Measured:
    c = s.course
    mask = s.sets.tracking_law & (c.place >= 0)
    return measured(s, distinct(c.group, c.n_groups, c.place, mask), mask)


def _dwell(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & c.presence
    return measured(s, total(c.group, c.n_groups, c.ts_end - c.ts, mask) // 1_000_000, mask & (c.ts_end > c.ts))


def _habitual(s: State) -> Measured:
    mask = s.sets.law & s.sets.habitual
    return measured(s, s.count(mask), mask)


def _tracking(s: State) -> Measured:
    return measured(s, s.occasions(s.sets.tracking_law), s.sets.tracking_law)


def _waited(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & np.isin(c.manner, [MANNER["waited"], MANNER["followed"], MANNER["entered"]])
    value = s.occasions(mask)  # only a person can say it
    return Measured(value, mask, (value > 0) | s.shown_by_a_source("waited"))


def _tracker_rows(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & (c.manner == MANNER["tracker"])
    sightings: Ints = total(c.group, c.n_groups, c.record_to - c.record_from, mask)
    return measured(s, sightings, mask)


_D7 = "our reading of the rules, docs/rules.md"
INDICATORS = (
    Indicator("presence_acts", "Acts of presence", "acts", "visit episodes, sightings and tracker episodes", _D7, _presence_acts),
    Indicator("visited_places", "Places of the owner", "places", "different places of the owner with an act of presence", _D7,
              _visited_places),
    Indicator("tracked_places", "Places of tracking", "places", "different places of the owner with a tracking act", _D7,
              _tracked_places),
    Indicator("dwell_s", "Time present", "s", "sum of last minus first position of the acts of presence", "S-DASH: loitering", _dwell),
    Indicator("habitual_acts", "Habitual presence", "acts",
              "presence at a place of the role, or shared, at an hour at which the contact was there in three different weeks", _D7, _habitual),
    Indicator("tracking_occasions", "Occasions of tracking", "occasions",
              "occasions of presence at home, at two or more places, of waiting, following, entering, of encounters on several spots, of an "
              "attributed tracker", _D7, _tracking),
    Indicator("waiting_occasions", "Occasions of waiting, following or entering", "occasions",
              "occasions of acts that a person wrote down as waited, followed or entered", _D7, _waited),
    Indicator("tracker_sightings", "Sightings of an attributed tracker", "sightings", "records of trackers that are attributed to the contact",
              "AirGuard", _tracker_rows),
)  # fmt: skip
