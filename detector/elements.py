"""Elements of a statute: met, not met, unknown, not measurable, for all contacts at once. Points that can be added on paper."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from detector.arrays import Bools, Ints
from detector.indicators import Measured, all_indicators
from detector.state import State
from detector.statute import Line, Profile

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


def evaluate(profile: Profile, measured: dict[str, Measured], groups: int) -> Elements:
    """Evaluate the elements of a profile: an element is met if all its thresholds hold, not met if one fails, else unknown.

    Indicators with a threshold must be measured; points are given for those of the others that are.
    """
    status: dict[str, Ints] = {}
    points: dict[str, Ints] = {}
    required = np.ones(groups, np.bool_)
    alternatives: dict[str, Bools] = {}
    for element in profile.elements:
        for line in element.lines:
            if line.levels and line.indicator in measured:
                points[line.indicator] = points_of(line, measured[line.indicator])
        if element.need == "not_measurable":
            status[element.id] = np.full(groups, NOT_MEASURABLE, np.int64)
            continue
        tests = [holds(line, measured[line.indicator]) for line in element.lines if line.comparison]
        worst = np.minimum.reduce(tests) if tests else np.full(groups, UNKNOWN, np.int64)
        status[element.id] = np.asarray(worst, np.int64)
        if element.need == "required":
            required &= worst == MET
        elif element.need.startswith("alternative:"):
            name = element.need.partition(":")[2]
            alternatives[name] = alternatives.get(name, np.zeros(groups, np.bool_)) | (worst == MET)
    for line in profile.against:
        if line.indicator in measured:
            points[line.indicator] = points_of(line, measured[line.indicator])
    for met in alternatives.values():
        required &= met
    return Elements(status, required, points)
