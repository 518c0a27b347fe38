"""The indicators: one module for each family, found by being here. An indicator is one measured number of every contact.

A module binds ``INDICATORS``, a tuple of :class:`Indicator`. Nothing else is edited to add one; a profile that names it uses it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from detector.arrays import Bools, Ints, densest, marked, permille, search_within
from detector.state import State
from detector.statistics import wilson_permille


@dataclass(frozen=True, slots=True)
class Measured:
    """Values of one indicator for all contacts, and the rows that they rest on.

    Attributes
    ----------
    value : int64 array, one for each group
    rows : bool array, one for each row of the course
        Rows whose records stand behind the value.
    known : bool array or None
        Groups whose value is known; None means all.
    parts : function or None
        Gives the breakdown of one group, as plain dictionaries; called for the groups that are shown.
    """

    value: Ints
    rows: Bools
    known: Bools | None = None
    parts: Callable[[int], list[dict[str, Any]]] | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: what it measures, in which unit, by which formula, after whom."""

    id: str
    title: str
    unit: str
    formula: str
    source: str
    compute: Callable[[State], Measured]


def fullest_window(s: State, counted: Bools, window: int, shown: Bools) -> Measured:
    """Measure the fullest window ``[t, t + window)`` (µs) of the rows counted, with the rows shown that lie in the first such window."""
    c = s.course
    at = np.flatnonzero(counted)
    best, first = densest(c.group[at], c.n_groups, c.ts[at], window)
    g = np.flatnonzero(first >= 0)
    begin, start, stop = c.ts[at[first[g]]], s.bounds[g], s.bounds[g + 1]
    inside = marked(
        search_within(c.ts, start, stop, begin), search_within(c.ts, start, stop, begin + window), len(c.group)
    )
    return Measured(best, shown & inside)


def interval(k: int, n: int) -> dict[str, int]:
    """Return Wilson's 95 % interval of k of n (n > 0) as a breakdown shows it, in permille."""
    low, high = wilson_permille(k, n)
    return {"low_permille": low, "high_permille": high}


def share(s: State, part: Bools, whole: Bools, known: Bools | None = None, *, with_interval: bool = False) -> Measured:
    """Measure which share of the rows of ``whole`` those of ``part`` are, in permille; unknown without any, and where not ``known``."""
    k, n = s.count(part), s.count(whole)

    def parts(g: int) -> list[dict[str, Any]]:
        return [{"acts": int(k[g]), "of": int(n[g]), **interval(int(k[g]), int(n[g]))}] if n[g] else []

    some = n > 0
    return Measured(permille(k, n), part, some if known is None else some & known, parts if with_interval else None)


@cache
def all_indicators() -> dict[str, Indicator]:
    """Return every registered indicator by id, in order of module and definition."""
    found: dict[str, Indicator] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        for indicator in importlib.import_module(f"{__name__}.{info.name}").INDICATORS:
            if indicator.id in found:
                raise RuntimeError(f"two indicators call themselves {indicator.id}")
            found[indicator.id] = indicator
    return found
