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

from detector.arrays import Bools, Ints
from detector.state import State


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
