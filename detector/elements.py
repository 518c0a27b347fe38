"""Elements of a statute: met, not met, unknown, not measurable, for all contacts at once. Points that can be added on paper."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from detector.arrays import Bools, Ints
from detector.indicators import Measured, all_indicators
from detector.state import State
from detector.statute import Element, Line, Profile

NOT_MET, UNKNOWN, MET, NOT_MEASURABLE = 0, 1, 2, 3
STATUS_NAMES = ("not_met", "unknown", "met", "not_measurable")


@dataclass(frozen=True, slots=True)
class Elements:
    """Statuses and points of every contact.

    Attributes
    ----------
    status : dict of element id to int64 array (groups,)
        Index in :data:`STATUS_NAMES`.
    all_required : bool array (groups,)
        Every required element and every alternative group is met.
    points : dict of indicator id to int64 array (groups,)
        Points of every indicator that has levels, for and against.
    """

    status: dict[str, Ints]
    all_required: Bools
    points: dict[str, Ints]


def measure(state: State, names: Collection[str] | None = None) -> dict[str, Measured]:
    """Compute registered indicators (all, or those named) for all contacts."""
    return {n: i.compute(state) for n, i in all_indicators().items() if names is None or n in names}


def points_of(line: Line, measured: Measured) -> Ints:
    """Return the points of one line for every contact: those of the highest level reached, 0 where the value is unknown."""
    if not line.levels:
        return np.zeros(len(measured.value), np.int64)
    at = np.searchsorted(np.array([v for v, _ in line.levels]), measured.value, side="right")
    points = np.array([0, *(p for _, p in line.levels)], np.int64)[at]
    return np.asarray(np.where(measured.known, points, 0) if measured.known is not None else points, np.int64)


def holds(line: Line, measured: Measured) -> Ints:
    """Return MET, NOT_MET or UNKNOWN of one threshold for every contact."""
    v, n = measured.value, line.number
    test = {">=": v >= n, ">": v > n, "<=": v <= n, "<": v < n}[line.comparison]
    status = np.where(test, MET, NOT_MET)
    return np.asarray(np.where(measured.known, status, UNKNOWN) if measured.known is not None else status, np.int64)


def status_of(element: Element, measured: dict[str, Measured], groups: int) -> Ints:
    """Return the status of one element for every contact: met if all its thresholds hold, not met if one fails, else unknown."""
    if element.need == "not_measurable":
        return np.full(groups, NOT_MEASURABLE, np.int64)
    tests = [holds(line, measured[line.indicator]) for line in element.lines if line.comparison]
    return np.asarray(np.minimum.reduce(tests), np.int64)


def all_required(profile: Profile, status: dict[str, Ints], groups: int) -> Bools:
    """Return where every required element, and one member of every alternative group, is met."""
    required = np.ones(groups, np.bool_)
    alternatives: dict[str, Bools] = {}
    for element in profile.elements:
        if element.need == "required":
            required &= status[element.id] == MET
        elif element.decides:
            met = alternatives.get(element.need, np.zeros(groups, np.bool_))
            alternatives[element.need] = met | (status[element.id] == MET)
    for met in alternatives.values():
        required &= met
    return required


def decided(profile: Profile, measured: dict[str, Measured], groups: int) -> Bools:
    """Return where every required element and group is met, from the indicators of :attr:`Profile.deciding` alone."""
    return all_required(profile, {e.id: status_of(e, measured, groups) for e in profile.elements if e.decides}, groups)


def evaluate(profile: Profile, measured: dict[str, Measured], groups: int) -> Elements:
    """Evaluate the elements of a profile.

    Indicators with a threshold must be measured; points are given for those of the others that are.
    """
    status = {e.id: status_of(e, measured, groups) for e in profile.elements}
    lines = [line for e in profile.elements for line in e.lines if line.levels] + list(profile.against)
    points = {x.indicator: points_of(x, measured[x.indicator]) for x in lines if x.indicator in measured}
    return Elements(status, all_required(profile, status, groups), points)
