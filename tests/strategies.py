"""Hypothesis strategies made from the field metadata of :mod:`detector.schema`: tables that fit, and single mutations that do not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from detector.schema import TABLES, Column, columns, stored_schema

#: what a text may hold: every character but lone halves of surrogate pairs, which Arrow cannot hold either
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_INT_RANGE = {pa.int32(): (-(2**31), 2**31 - 1), pa.int64(): (-(2**63), 2**63 - 1)}


def fields(table: str, stored: bool) -> list[Column]:
    """Return the columns that a table has on disk (``stored``) or in memory."""
    return [c for c in columns(table) if not (stored and c.resolved)]


def bounds(column: Column) -> tuple[int, int]:
    """Return the least and the largest whole number of a column of whole numbers."""
    low, high = _INT_RANGE[column.type]
    return (low if column.lo is None else int(column.lo), high if column.hi is None else int(column.hi))


def values(column: Column) -> st.SearchStrategy[Any]:
    """Return the values that a column may hold, by type, nullability, allowed values and bounds."""
    made: st.SearchStrategy[Any]
    if column.allowed:
        made = st.sampled_from(column.allowed)
    elif pa.types.is_string(column.type):
        made = TEXT
    elif pa.types.is_boolean(column.type):
        made = st.booleans()
    elif pa.types.is_floating(column.type):
        made = st.floats(column.lo, column.hi, allow_nan=False, allow_infinity=False)
    else:
        low, high = bounds(column)
        made = st.integers(low, high)
    return st.one_of(st.none(), made) if column.nullable else made


@st.composite
def tables(draw: st.DrawFn, name: str, *, stored: bool = False, min_rows: int = 0, max_rows: int = 4) -> pa.Table:
    """Draw a table that fits the schema; with ``stored`` as it lies on disk."""
    rows = draw(st.integers(min_rows, max_rows))
    arrays = [pa.array([draw(values(c)) for _ in range(rows)], c.type) for c in fields(name, stored)]
    whole = pa.Table.from_arrays(arrays, schema=stored_schema(name) if stored else TABLES[name])
    # the same rows in several chunks must be judged alike
    cut = draw(st.integers(0, rows))
    return pa.concat_tables([whole.slice(0, cut), whole.slice(cut)]) if 0 < cut < rows else whole


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change that makes a table not fit: the kind, the column, the row (None for a whole column), the changed table."""

    kind: str
    column: str
    row: int | None
    table: pa.Table


def faults(column: Column) -> list[str]:
    """Return the kinds of wrong values that a column can be given."""
    kinds = []
    if not column.nullable:
        kinds.append("null")
    if column.allowed:
        kinds.append("not allowed")
    if pa.types.is_floating(column.type):
        kinds += ["nan", "inf"]
    if column.lo is not None:
        kinds.append("below")
    if column.hi is not None:
        kinds.append("above")
    return kinds


@st.composite
def wrong_value(draw: st.DrawFn, column: Column, kind: str) -> Any:
    """Draw a value that breaks the rule ``kind`` of a column and can still be held by its type."""
    if kind == "null":
        return None
    if kind == "not allowed":
        return draw(
            st.one_of(
                TEXT, st.sampled_from(column.allowed).map(str.upper), st.sampled_from(column.allowed).map(lambda v: v + " "),
                st.just("|".join(column.allowed)),
            ).filter(lambda v: v not in column.allowed)
        )  # fmt: skip
    if kind in ("nan", "inf"):
        return math.nan if kind == "nan" else draw(st.sampled_from([math.inf, -math.inf]))
    if pa.types.is_floating(column.type):
        assert column.lo is not None or column.hi is not None
        if kind == "below":
            assert column.lo is not None
            return draw(st.floats(max_value=column.lo, exclude_max=True, allow_nan=False, allow_infinity=False))
        assert column.hi is not None
        return draw(st.floats(min_value=column.hi, exclude_min=True, allow_nan=False, allow_infinity=False))
    low, high = _INT_RANGE[column.type]
    least, most = bounds(column)
    if kind == "below":
        return draw(st.one_of(st.just(least - 1), st.integers(low, least - 1)))
    return draw(st.one_of(st.just(most + 1), st.integers(most + 1, high)))


def replaced(table: pa.Table, name: str, array: pa.Array) -> pa.Table:
    """Return the table with another array in place of a column, whatever its type."""
    at = table.schema.get_field_index(name)
    return table.set_column(at, pa.field(name, array.type), array)


@st.composite
def wrong_cells(draw: st.DrawFn, name: str, *, stored: bool = False) -> Mutation:
    """Draw a table in which one value of one row does not fit."""
    table = draw(tables(name, stored=stored, min_rows=1))
    column = draw(st.sampled_from([c for c in fields(name, stored) if faults(c)]))
    kind = draw(st.sampled_from(faults(column)))
    row = draw(st.integers(0, table.num_rows - 1))
    cells = table[column.name].to_pylist()
    cells[row] = draw(wrong_value(column, kind))
    return Mutation(kind, column.name, row, replaced(table, column.name, pa.array(cells, column.type)))


_OTHER_TYPE = {
    pa.string(): pa.large_string(), pa.int64(): pa.int32(), pa.int32(): pa.int64(), pa.float64(): pa.float32(), pa.bool_(): pa.int64(),
}  # fmt: skip


@st.composite
def wrong_shapes(draw: st.DrawFn, name: str, *, stored: bool = False) -> Mutation:
    """Draw a table with a column too few, too many, doubled, of another type, or with its columns in another order."""
    table = draw(tables(name, stored=stored))
    names = table.column_names
    kind = draw(st.sampled_from(["missing", "extra", "doubled", "renamed", "type", "order"]))
    column = draw(st.sampled_from(names))
    at = names.index(column)
    if kind == "missing":
        return Mutation(kind, column, None, table.drop_columns([column]))
    if kind == "extra":
        made = table.add_column(draw(st.integers(0, len(names))), "unknown_column", table[column])
        return Mutation(kind, "unknown_column", None, made)
    if kind == "doubled":
        return Mutation(kind, column, None, table.append_column(column, table[column]))
    if kind == "renamed":
        return Mutation(kind, column, None, table.rename_columns([n + "_" * (n == column) for n in names]))
    if kind == "order":
        order = draw(st.permutations(names).filter(lambda p: list(p) != names))
        return Mutation(kind, "", None, table.select(list(order)))
    was = table.schema.types[at]
    return Mutation(kind, column, None, replaced(table, column, pa.nulls(table.num_rows, _OTHER_TYPE[was])))
