"""The tables: what the strategies of the metadata make fits, and every single thing that is wrong is refused by name."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.schema import (
    STORED,
    T_MAX,
    T_MIN,
    TABLES,
    Column,
    TableError,
    columns,
    empty,
    stored_schema,
    validate,
)
from tests import strategies as made

NAMES = sorted(TABLES)
#: every table in memory, and those of the store as they lie on disk
FORMS = [*((name, False) for name in NAMES), *((name, True) for name in STORED)]
LITE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.mark.parametrize(("name", "stored"), FORMS)
@LITE
@given(data=st.data())
def test_every_table_made_from_the_metadata_fits(name: str, stored: bool, data: st.DataObject) -> None:
    validate(name, data.draw(made.tables(name, stored=stored)), stored=stored)


@pytest.mark.parametrize(("name", "stored"), FORMS)
def test_an_empty_table_fits(name: str, stored: bool) -> None:
    validate(name, empty(name, stored=stored), stored=stored)


@pytest.mark.parametrize(("name", "stored"), FORMS)
@LITE
@given(data=st.data())
def test_one_wrong_value_is_refused_with_table_column_row_and_record(
    name: str, stored: bool, data: st.DataObject
) -> None:
    wrong = data.draw(made.wrong_cells(name, stored=stored))
    with pytest.raises(TableError) as caught:
        validate(name, wrong.table, stored=stored)
    place = f"table {name}, column {wrong.column}, row {wrong.row}"
    text = str(caught.value)
    assert text.startswith((place + " (", place + ":"))
    known = wrong.table.column_names
    if "source_id" in known and wrong.column != "source_id":
        assert f"source {wrong.table['source_id'][wrong.row].as_py()}" in text
    if "record" in known and wrong.column != "record":
        assert f"record {wrong.table['record'][wrong.row].as_py()}" in text
    word = {
        "null": "must not be empty", "not allowed": "not one of", "nan": "is not a finite number", "below": "is below",
        "above": "is above",
    }  # fmt: skip
    if wrong.kind in word:
        assert word[wrong.kind] in text
    else:  # an infinite number breaks a bound where there is one
        assert re.search(r"is (below|above|not a finite number)", text)


@pytest.mark.parametrize(("name", "stored"), FORMS)
@LITE
@given(data=st.data())
def test_a_wrong_shape_is_refused_with_table_and_column(name: str, stored: bool, data: st.DataObject) -> None:
    wrong = data.draw(made.wrong_shapes(name, stored=stored))
    with pytest.raises(TableError, match=f"^table {name}[:,]") as caught:
        validate(name, wrong.table, stored=stored)
    text = str(caught.value)
    if wrong.kind in ("missing", "renamed", "extra"):
        assert repr(wrong.column) in text
        assert ("unknown" if wrong.kind == "extra" else "missing") in text
    elif wrong.kind == "type":
        assert f"column {wrong.column}: is" in text and "must be" in text
    else:
        assert "order" in text


def test_every_rule_of_the_metadata_is_broken_once() -> None:
    """Not by chance: each kind of fault of each column of each table, in the second of two rows."""
    tried = 0
    for name, stored in FORMS:
        good = _two_rows(name, stored)
        validate(name, good, stored=stored)
        for column in made.fields(name, stored):
            for kind in made.faults(column):
                cells = good[column.name].to_pylist()
                cells[1] = _broken(column, kind)
                table = made.replaced(good, column.name, pa.array(cells, column.type))
                with pytest.raises(TableError, match=rf"^table {name}, column {column.name}, row 1\b"):
                    validate(name, table, stored=stored)
                tried += 1
    assert tried > 250


def _broken(column: Column, kind: str) -> object:
    if kind in ("below", "above"):
        step = 1e-10 if column.name == "accuracy_m" else 0.5 if pa.types.is_floating(column.type) else 1
        bound = column.lo if kind == "below" else column.hi
        assert bound is not None
        return bound - step if kind == "below" else bound + step
    return {"null": None, "not allowed": "no such value", "nan": float("nan"), "inf": float("inf")}[kind]


def _two_rows(name: str, stored: bool) -> pa.Table:
    cells = []
    for c in made.fields(name, stored):
        if c.allowed:
            value: object = c.allowed[0]
        elif pa.types.is_string(c.type):
            value = "x"
        elif pa.types.is_boolean(c.type):
            value = True
        else:
            value = c.lo if c.lo is not None else 1
        cells.append(pa.array([value, value], c.type))
    return pa.Table.from_arrays(cells, schema=stored_schema(name) if stored else TABLES[name])


def test_the_last_microsecond_of_the_calendar_is_the_bound() -> None:
    # 2**53 µs are reached in 2255: bounds that went through a float would be off by some microseconds
    local_time = next(c for c in columns("events") if c.name == "local_time")
    assert local_time.lo == -62_135_596_800_000_000
    assert local_time.hi == 253_402_300_799_999_999
    rows = _two_rows("events", True)
    for value, fits in ((T_MIN, True), (T_MAX, True), (T_MIN - 1, False), (T_MAX + 1, False)):
        table = made.replaced(rows, "local_time", pa.array([0, value], pa.int64()))
        if fits:
            validate("events", table, stored=True)
        else:
            with pytest.raises(TableError, match="table events, column local_time, row 1"):
                validate("events", table, stored=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_says_what_it_means(name: str) -> None:
    for c in columns(name):
        assert c.meaning, f"{name}.{c.name} has no meaning"
        assert len(set(c.allowed)) == len(c.allowed)
        assert "" not in c.allowed
        if c.lo is not None and c.hi is not None:
            assert c.lo < c.hi
        if c.allowed:
            assert pa.types.is_string(c.type)
    assert TABLES[name].metadata[b"table"].decode() == name
    assert TABLES[name].metadata[b"row"]


def test_a_number_that_is_no_count_or_code_has_a_unit() -> None:
    without = {
        f"{name}.{c.name}"
        for name in NAMES
        for c in columns(name)
        if not c.unit and (pa.types.is_integer(c.type) or pa.types.is_floating(c.type))
    }
    assert without == {
        "events.n",
        "positions.n",
        "rejects.n",
        "listed.n",
        "events.fold",
        "positions.fold",
        "sources.reader_version",
    }


def test_the_stored_schema_leaves_out_what_is_resolved() -> None:
    for name in STORED:
        assert stored_schema(name).names == [c.name for c in columns(name) if not c.resolved]
    assert "ts" not in stored_schema("events").names
    assert "ts" in TABLES["events"].names
