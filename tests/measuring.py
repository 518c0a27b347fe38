"""Measure single indicators of a built case: value, the ids of the records behind it, and the breakdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.elements import measure
from detector.parameters import PARAMETERS
from detector.state import State
from tests.build import CaseBuilder

#: the first day of kz-115-1
LAW = "2025-09-16"


@dataclass(frozen=True)
class Shown:
    """One indicator of one contact: value (None: unknown), ids of the rows that it rests on, parts."""

    value: int | None
    records: list[str]
    parts: list[dict[str, Any]] | None


def state_of(case: CaseBuilder, law: str = LAW, **numbers: Any) -> State:
    """Return the derived state of a case, with some numbers of the rules replaced."""
    return State([case.tables()], {n: p.value for n, p in PARAMETERS.items()} | numbers, case.utc(law), [case.as_of])


def shown(case: CaseBuilder, indicator: str, contact: str = "K1", law: str = LAW, **numbers: Any) -> Shown:
    """Measure one indicator of one contact."""
    state = state_of(case, law, **numbers)
    return of(state, indicator, [g.contact_id for g in state.course.groups].index(contact))


def of(state: State, indicator: str, g: int) -> Shown:
    """Return one indicator of the group g of a state of one case."""
    m = measure(state, {indicator})[indicator]
    c = state.course
    tables = state.cases[0]
    names = tables.events["event_id"].to_pylist() + tables.positions["position_id"].to_pylist()
    rows = np.flatnonzero(m.rows & (c.group == g))
    records = [names[r] for row in rows for r in c.records[c.record_from[row] : c.record_to[row]]]
    known = m.known is None or bool(m.known[g])
    return Shown(int(m.value[g]) if known else None, records, None if m.parts is None else m.parts(g))
