"""Sink and store: counts that add up, bytes that do not depend on order, no state between two."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import STORED, empty, stored_schema, validate
from pipelines import store
from pipelines.errors import InternalError, UserError
from pipelines.store import custody, verify
from pipelines.store.results import write_results
from pipelines.store.sink import FLUSH_ROWS, StoreSink
from tests.shell_tools import (
    T0,
    add_sources,
    columns,
    files_of,
    fill,
    make_case,
    no_clock,
    quick_disk,  # noqa: F401  (a fixture)
    record_in,
    source_row,
)

pytestmark = pytest.mark.usefixtures("quick_disk")

A, B, C, D = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddddddddddd"
SOURCES = {A: (5, 2, 3), B: (0, 1, 4), C: (7, 0, 0), D: (0, 0, 0)}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return make_case(tmp_path / "case")


@pytest.fixture
def sink(tmp_path: Path) -> StoreSink:
    return StoreSink(tmp_path, A, "c1", "invented", ("sms",))


def rows_of(sink: StoreSink, table: str = "events") -> list[dict[str, Any]]:
    part = sink.finish()
    if table not in part.spools:
        return []
    return [r for t in part.spools[table].sorted_rows() for r in t.to_pylist()]


# -- the sink ---------------------------------------------------------------------------------------------------------


def test_columns_become_rows(sink: StoreSink) -> None:
    sink.read(4)
    sink.events(
        2,
        columns([1, 2], identifier=pa.array(["+77010000002", None]), size=np.array([5, 6], np.int32),
                answered=[True, None], record=pa.array(["line:1", "line:2"]).dictionary_encode(),
                direction=pa.chunked_array([["in"], ["out"]])),
    )  # fmt: skip
    sink.events(3, columns([3, 3, 3], sub=[1, 2, 3]))
    sink.out_of_scope()
    rows = rows_of(sink)
    assert [r["event_id"] for r in rows] == [f"{A}#1", f"{A}#2", f"{A}#3", f"{A}#3.2", f"{A}#3.3"]
    assert [r["identifier"] for r in rows[:2]] == ["+77010000002", None]
    assert [r["direction"] for r in rows[:2]] == ["in", "out"]
    assert {r["case_id"] for r in rows} == {"c1"} and {r["source_id"] for r in rows} == {A}
    assert {r["status"] for r in rows} == {"unknown"}
    assert [r["size"] for r in rows] == [5, 6, None, None, None]


def test_further_rows_of_a_record_across_tables(sink: StoreSink) -> None:
    sink.read(1)
    sink.events(1, columns([1]))
    sink.positions(
        1, {"n": [1], "sub": [2], "record": ["line:1"], "local_time": T0, "kind": "share", "subject": "owner"}
    )
    part = sink.finish()
    assert (part.kept, part.spools["positions"].rows) == (1, 1)
    assert next(part.spools["positions"].sorted_rows())["position_id"][0].as_py() == f"{A}#1.2"


def fault_of(sink: StoreSink, act: Callable[[StoreSink], object]) -> str:
    with pytest.raises(InternalError) as caught:
        act(sink)
    with pytest.raises(InternalError):
        sink.finish()  # a reader that caught it cannot hide it
    return str(caught.value)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda s: s.events(2, columns([1, 2], kind=["message"])), "column kind: 1 values for 2 rows"),
        (lambda s: s.events(2, columns([1, 2], size=[5, "SECRET"])), "column size, row 1, record line:2: is no int64"),
        (lambda s: s.events(1, columns([1], text=["SECRET"])), "table events: unknown column text"),
        (lambda s: s.events(1, {"n": [1]}), "column record is missing"),
        (lambda s: s.events(1, columns([0])), "column n, row 0, record line:0: the number is out of bounds"),
        (lambda s: s.events(1, columns([1], sub=[0])), "out of bounds"),
        (lambda s: s.events(2, columns([1, 1])), "record number 1 is put out twice"),
        (lambda s: [s.events(1, columns([7])), s.events(1, columns([7]))], "record number 7 is put out twice"),
        (lambda s: s.events(1, {**columns([1]), "n": [None]}), "must not be empty"),
        (lambda s: s.events(-1, columns([1])), "-1 rows"),
        (lambda s: s.read(-1), "negative number"),
        (lambda s: s.coverage("pigeon", "message"), "names a channel"),
        (lambda s: s.coverage("sms", "message", scope="thread"), "needs a scope_id"),
    ],
)
def test_broken_contract_is_named(sink: StoreSink, act: Callable[[StoreSink], object], words: str) -> None:
    text = fault_of(sink, act)
    assert words in text
    assert text.startswith("reader invented: ")
    assert "SECRET" not in text


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda s: s.events(2, columns([1, 2], kind=["message", "SECRET"])), "(source aaaaaaaaaaaa, record line:2): not one"),
        (lambda s: s.events(2, columns([1, 2], direction=["in", None])), "column direction, row 1"),
        (lambda s: s.events(2, columns([1, 2], duration_s=[1, -5])), "column duration_s, row 1"),
        (lambda s: s.reject(1, "line:1", None), "table rejects, column reason"),
        (lambda s: [s.reject(1, "line:1", "r"), s.reject(1, "line:1", "r")], "record number 1 is rejected"),
        (lambda s: [s.events(2, columns([1, 2])), s.reject(2, "line:2", "r")], "record number 2 is rejected, and"),
        (lambda s: s.events(1, columns([3])), "record number 3 of 2 records"),
        (lambda s: s.events(2, columns([1, 2], sub=[1, 2])), "number 2 has a further row but no first one"),
        (lambda s: s.events(1, columns([1])), "read 2 records, but kept 1, rejected 0 and put 0 out of scope"),
        (lambda s: s.events(3, columns([1, 2, 2], sub=[1, 2, 2])), "the number 2 and the sub-number 2"),
    ],
)  # fmt: skip
def test_broken_contract_is_found_at_the_end(sink: StoreSink, act: Callable[[StoreSink], object], words: str) -> None:
    sink.read(2)

    def run(s: StoreSink) -> None:
        act(s)
        if "of 2 records" in words or "further row" in words:
            s.out_of_scope()
        s.finish()

    text = fault_of(sink, run)
    assert words in text
    assert "SECRET" not in text


def test_records_far_apart_are_told_apart(sink: StoreSink) -> None:
    far = [1, 9, 3_000_000, 3_000_001, 3_000_007, 900]
    sink.events(6, columns(far))
    sink.read(3_000_007)
    sink.out_of_scope(3_000_001)
    assert sink._marks.has(np.array([1, 2, 9, 900, 3_000_000, 3_000_002, 10**8])).tolist() == [
        True, False, True, True, True, False, False,
    ]  # fmt: skip
    assert "number 3000001 is put out twice" in fault_of(sink, lambda s: s.events(2, columns([2, 3_000_001])))


def test_same_sub_number_in_both_tables(sink: StoreSink) -> None:
    sink.read(1)
    sink.events(2, columns([1, 1], sub=[1, 2]))
    sink.positions(1, {"n": 1, "sub": 2, "record": "line:1", "local_time": T0, "kind": "fix", "subject": "owner"})
    assert "two rows with the sub-number 2" in fault_of(sink, lambda s: s.finish())


def test_broken_characters_are_kept_as_such(sink: StoreSink) -> None:
    sink.read(2)
    sink.events(2, columns([1, 2], identifier_raw=["a\ud800", "\ud83d\ude00"], thread_id="\udfff"))
    part = sink.finish()
    rows = next(part.spools["events"].sorted_rows()).to_pylist()
    assert [r["identifier_raw"] for r in rows] == ["a\ufffd", "\U0001f600"]
    assert len(part.notes) == 1


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_put_out_by_turns_are_sorted(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.store.sink.FLUSH_ROWS", 10)
    sink = StoreSink(tmp_path, A, "c1", "invented", ("sms",))
    sink.read(200)
    order = [
        n for i in range(0, 200, 2 * size) for p in (1, 0) for n in range(i + 1 + p, min(i + 2 * size, 200) + 1, 2)
    ]
    for start in range(0, 200, size):
        part = order[start : start + size]
        if part:
            sink.events(len(part), columns(part))
    assert [r["n"] for r in rows_of(sink)] == list(range(1, 201))


@settings(max_examples=40, deadline=None)
@given(
    numbers=st.permutations(range(1, 40)),
    ends=st.lists(st.integers(0, 2), min_size=39, max_size=39),
    cut=st.integers(1, 12),
)
def test_any_order_of_records(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], ends: list[int], cut: int
) -> None:
    sink = StoreSink(tmp_path_factory.mktemp("s"), A, "c1", "invented", ("sms",))
    for start in range(0, len(numbers), cut):
        some = numbers[start : start + cut]
        sink.read(len(some))
        kept = [n for n in some if ends[n - 1] == 0]
        if kept:
            sink.events(len(kept), columns(kept))
            sink._flush("events")  # a batch of its own on disk
        for n in some:
            if ends[n - 1] == 1:
                sink.reject(n, f"line:{n}", "r")
            elif ends[n - 1] == 2:
                sink.out_of_scope()
    part = sink.finish()
    rows = [r for s in part.spools.values() if s.table == "events" for t in s.sorted_rows() for r in t["n"].to_pylist()]
    assert rows == [n for n in range(1, 40) if ends[n - 1] == 0]
    assert part.read == 39 == part.kept + part.rejected + part.out_of_scope


def covers(sink: StoreSink) -> list[tuple[Any, ...]]:
    rows = sink.finish().coverage
    return [
        (c["channel"], c["classes"], c["scope_id"], c["zone_basis"], c["stated_offset_s"], c["local_from"] - T0,
         c["local_to"] - T0)
        for c in rows
    ]  # fmt: skip


def test_observed_coverage_is_first_to_last_of_the_channel(sink: StoreSink) -> None:
    sink.read(4)
    sink.events(4, columns([1, 2, 3, 4], channel=["sms", "mms", "sms", "mms"], local_time=[T0, T0 + 5, T0 + 9, T0 + 1]))
    sink.coverage("sms", "message", complete="yes")
    sink.coverage("whatsapp", "message")  # nothing of it was kept: nothing was observed
    assert covers(sink) == [("sms", "message", None, "utc", None, 0, 9), ("mms", "message", None, "utc", None, 1, 5)]


def test_coverage_of_threads_and_given_times(sink: StoreSink) -> None:
    sink.read(3)
    sink.events(3, columns([1, 2, 3], thread_id=["x", "y", "x"], local_time=[T0 + 3, T0 + 4, T0 + 8]))
    sink.coverage("sms", "message", scope="thread", scope_id="x")
    sink.coverage("sms", "message", scope="thread", scope_id="nobody")
    sink.coverage("sms", "message", local_from=T0 - 7, basis="declared")
    assert covers(sink) == [("sms", "message", "x", "utc", None, 3, 8), ("sms", "message", None, "utc", None, -7, 8)]


def test_coverage_of_several_clocks(sink: StoreSink) -> None:
    hour = 3_600_000_000
    sink.read(4)
    sink.events(
        4,
        columns([1, 2, 3, 4], zone_basis=["stated", "stated", "utc", "case"], stated_offset_s=[18_000, 21_600, None, None],
                local_time=[T0 + 5 * hour, T0 + 7 * hour, T0 + hour, T0 + 2]),
    )  # fmt: skip
    assert covers(sink) == [
        ("sms", "message", None, "case", None, 2, 2),
        ("sms", "message", None, "utc", None, 0, hour),
    ]


def test_one_stated_offset_stays(sink: StoreSink) -> None:
    sink.read(1)
    sink.events(1, columns([1], zone_basis="stated", stated_offset_s=18_000))
    part = sink.finish()
    assert (part.coverage[0]["zone_basis"], part.coverage[0]["stated_offset_s"]) == ("stated", 18_000)
    assert part.first == "2025-06-15T15:07:40+05:00"


def test_coverage_of_positions_and_journals(tmp_path: Path) -> None:
    place = {"n": [1, 2], "record": "x", "local_time": [T0, T0 + 4], "subject": "owner"}
    one = StoreSink(tmp_path, A, "c1", "gpx", ("gpx",))
    one.read(2)
    one.positions(2, {**place, "kind": "fix", "local_end": [None, T0 + 6]})
    assert covers(one) == [("gpx", "fix", None, "utc", None, 0, 6)]
    journal = StoreSink(tmp_path, B, "c1", "journal", ("journal",))
    journal.read(3)
    journal.positions(2, {**place, "kind": "seen"})
    journal.events(1, columns([3], channel="phone", local_time=T0 + 9))
    journal.coverage("journal", "call seen", complete="no")
    assert covers(journal) == [("journal", "call seen", None, "utc", None, 0, 9)]


def test_notes_are_single_lines_and_few(sink: StoreSink) -> None:
    for i in range(60):
        sink.note(f"note\n {i}")
        sink.note("note 0")
    notes = sink.finish().notes
    assert len(notes) == 51
    assert notes[0] == "note 0" and notes[-1] == "and 10 further notes"


def test_memory_stays_flat(tmp_path: Path) -> None:
    sink = StoreSink(tmp_path, A, "c1", "invented", ("sms",))
    before = pa.total_allocated_bytes()
    highest = 0
    for start in range(1, 10 * FLUSH_ROWS, 8192):
        n = np.arange(start, start + 8192)
        sink.read(8192)
        sink.events(8192, {**columns([1]), "n": n, "record": "line:1", "local_time": T0 + n})
        highest = max(highest, pa.total_allocated_bytes() - before)
    one = highest
    part = sink.finish()
    for table in part.spools["events"].sorted_rows():
        one = max(one, pa.total_allocated_bytes() - before)
        del table
    # 80 batches were put out; what is held is a few batches of 65,536 rows of 300 bytes
    assert part.kept == 80 * 8192
    assert one < 120_000_000


# -- the store --------------------------------------------------------------------------------------------------------


def test_read_gives_what_was_written(case: Path) -> None:
    with pytest.raises(UserError, match="nothing was ingested"):
        store.read(case)
    assert store.read_sources(case).num_rows == 0
    add_sources(case, (A, 5, 2, 3), (B, 0, 0, 0))
    tables = store.read(case)
    for name in STORED:
        data = getattr(tables, name)
        assert data.schema.equals(stored_schema(name), check_metadata=True)
        validate(name, data, stored=True)
    assert [getattr(tables, t).num_rows for t in STORED] == [5, 3, 2, 1, 2, 0, 0]
    assert tables.sources.select(["read", "kept", "rejected", "out_of_scope"]).to_pylist()[0] == {
        "read": 10, "kept": 8, "rejected": 2, "out_of_scope": 0,
    }  # fmt: skip
    assert store.read_local(case) == {A: f"/nowhere/{A}.txt", B: f"/nowhere/{B}.txt"}
    assert store.leftovers(case) == []


def test_a_table_without_rows_has_no_file(case: Path) -> None:
    add_sources(case, (C, 7, 0, 0))
    assert sorted(n.partition("-")[0] for n in files_of(case / "store") if n.endswith(".parquet")) == [
        "coverage", "events", "sources",
    ]  # fmt: skip
    assert store.read(case).positions.equals(empty("positions", stored=True))


def test_order_of_ingest_does_not_matter(tmp_path: Path) -> None:
    wanted: dict[str, bytes] = {}
    for i, order in enumerate(list(itertools.permutations(SOURCES))[::4]):
        case = make_case(tmp_path / str(i))
        if i % 2:
            add_sources(case, *((s, *SOURCES[s]) for s in order))
        else:
            for source in order:
                add_sources(case, (source, *SOURCES[source]))
        files = files_of(case / "store")
        wanted = wanted or files
        assert files == wanted, order


def test_adding_and_taking_out_gives_the_store_before(case: Path) -> None:
    add_sources(case, (A, 5, 2, 3), (C, 7, 0, 0))
    before = files_of(case / "store")
    add_sources(case, (B, 3, 1, 4), (D, 2, 0, 1))
    with store.Generation(case, "c1") as generation:
        generation.remove(B)
        generation.remove(D)
        generation.commit(record_in(case))
    assert files_of(case / "store") == before
    with store.Generation(case, "c1") as generation:
        for source in (A, C):
            generation.remove(source)
        generation.commit(record_in(case))
    assert store.read(case).sources.num_rows == 0
    assert sorted(files_of(case / "store")) == ["local.json", "manifest.json"]
    assert verify.verify(case) == []


def test_unchanged_tables_are_not_written_again(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sources(case, (A, 5, 2, 3))
    written: list[str] = []
    real = store._TableWriter.__init__

    def noted(self: Any, folder: Path, table: str) -> None:
        written.append(table)
        real(self, folder, table)

    monkeypatch.setattr(store._TableWriter, "__init__", noted)
    add_sources(case, (B, 0, 0, 2))
    assert sorted(written) == ["coverage", "positions", "sources"]
    assert store.read(case).events.num_rows == 5


def test_row_groups_have_one_size(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROW_GROUP", 8)
    add_sources(case, (B, 30, 0, 0))
    add_sources(case, (A, 11, 0, 0))
    path = next((case / "store").glob("events-*"))
    meta = pq.ParquetFile(path).metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [8, 8, 8, 8, 8, 1]
    tables = store.read(case)
    assert tables.events["event_id"].to_pylist() == [f"{A}#{n}" for n in range(1, 12)] + [
        f"{B}#{n}" for n in range(1, 31)
    ]


def _texts(rows: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=rows, max_size=rows
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data(), cuts=st.lists(st.integers(0, 12), max_size=4), group=st.integers(1, 12))
def test_content_hash_knows_rows_and_nothing_else(data: st.DataObject, cuts: list[int], group: int) -> None:
    rows = 12
    made = {
        "source_id": data.draw(_texts(rows)), "record": data.draw(_texts(rows)),
        "n": data.draw(st.lists(st.none() | st.integers(-5, 5), min_size=rows, max_size=rows)),
        "reason": data.draw(_texts(rows)),
    }  # fmt: skip
    schema = pa.schema([pa.field(f.name, f.type) for f in stored_schema("rejects")])
    table = pa.table(made, schema=schema)
    wanted = store.content_hash("rejects", table)
    parts = store.ContentHash("rejects")
    for start, end in itertools.pairwise(sorted({0, rows, *cuts})):
        parts.update(table.slice(start, end - start))
    assert parts.hexdigest() == wanted
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=group, compression="snappy", use_dictionary=False)
    assert store.content_hash("rejects", pq.read_table(pa.BufferReader(sink.getvalue())).cast(schema)) == wanted
    column = data.draw(st.sampled_from(list(made)))
    row = data.draw(st.integers(0, rows - 1))
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
    other: Any = data.draw(st.integers(-5, 5) if column == "n" else text)
    if other != made[column][row]:
        changed = {**made, column: [*made[column][:row], other, *made[column][row + 1 :]]}
        assert store.content_hash("rejects", pa.table(changed, schema=schema)) != wanted


def test_content_hash_tells_neighbouring_texts_apart() -> None:
    def made(*reasons: str | None) -> str:
        rows = len(reasons)
        return store.content_hash("rejects", pa.table({"source_id": ["a"] * rows, "record": ["r"] * rows,
                                  "n": pa.array([1] * rows, pa.int64()), "reason": pa.array(reasons, pa.string())}))  # fmt: skip

    assert (
        len({made("ab", "c"), made("a", "bc"), made("abc", ""), made("abc", None), made("abc"), made(None, "abc")}) == 6
    )


def test_columns_have_the_documented_hash() -> None:
    import hashlib
    import struct

    table = pa.table(
        {"source_id": ["ab", "c"], "record": ["r", None], "n": pa.array([1, None], pa.int64()), "reason": ["", "x"]}
    )
    whole = hashlib.sha256()
    whole.update(b"qorgan.table/1 rejects source_id:string,record:string,n:int64,reason:string " + struct.pack("<Q", 2))
    for shape, values in (
        (struct.pack("<ii", 2, 1), b"abc"), (struct.pack("<ii", 1, -1), b"r"), (b"\1\0", struct.pack("<qq", 1, 0)),
        (struct.pack("<ii", 0, 1), b"x"),
    ):  # fmt: skip
        whole.update(hashlib.sha256(shape).digest() + hashlib.sha256(values).digest())
    assert store.content_hash("rejects", table) == whole.hexdigest()


def test_reading_is_quick(case: Path) -> None:
    add_sources(case, (A, 12_000, 0, 0))
    best = 9.0
    for _ in range(5):
        start = time.perf_counter()
        assert store.read(case).events.num_rows == 12_000
        best = min(best, time.perf_counter() - start)
    assert best < 0.1  # 9 ms on a quiet machine


def test_another_cases_store_is_not_added_to(case: Path) -> None:
    add_sources(case, (A, 1, 0, 0))
    with pytest.raises(UserError, match=r"belongs to case 'c1', but case\.toml says 'c2'"):
        store.Generation(case, "c2")


def test_what_was_lost_on_the_way_is_refused(case: Path) -> None:
    add_sources(case, (A, 1, 0, 0))
    before = files_of(case)
    with store.Generation(case, "c1") as generation:
        part = fill(generation, B, 5, 1)
        part.kept, part.out_of_scope = 4, 1
        generation.add(source_row(B), part)
        with pytest.raises(InternalError, match="do not add up"):
            generation.commit(record_in(case))
    assert files_of(case) == before


def test_conservation_is_checked_on_reading(case: Path) -> None:
    add_sources(case, (A, 3, 1, 0))
    tables = {t: getattr(store.read(case), t) for t in STORED}
    manifest = store.read_manifest(case)
    assert manifest is not None
    store.check_tables(tables, manifest)
    for table, words in (("rejects", "1 records rejected, but 0"), ("events", "3 records kept, but 0")):
        with pytest.raises(ValueError, match=words):
            store.check_tables({**tables, table: empty(table, stored=True)},
                               store.Manifest("c1", {k: v for k, v in manifest.tables.items() if k != table}))  # fmt: skip
    with pytest.raises(ValueError, match="not in the table sources"):
        store.check_tables({**tables, "sources": empty("sources", stored=True)}, store.Manifest("c1", {}))


def test_a_changed_store_is_not_built_upon(case: Path) -> None:
    add_sources(case, (A, 3, 1, 0))
    path = next((case / "store").glob("events-*"))
    good = path.read_bytes()
    path.write_bytes(good[:200] + b"\0" + good[201:])
    with pytest.raises(UserError, match="was changed since it was written"):
        store.Generation(case, "c1")
    with pytest.raises(UserError, match="was changed since it was written"):
        store.read(case)
    path.write_bytes(good)
    manifest = case / "store" / "manifest.json"
    text = manifest.read_bytes()
    manifest.write_bytes(text.replace(b'"c1"', b'"c2"'))
    with pytest.raises(UserError, match="not the one that the custody log records"):
        store.Generation(case, "c1")
    manifest.write_bytes(b"{}")
    with pytest.raises(UserError, match="was changed or is none"):
        store.read(case)
    manifest.unlink()
    with pytest.raises(UserError, match="is missing"):
        store.Generation(case, "c1")


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"format":"qorgan.store/1"}', b"[" * 100_000, b"\xff"])
def test_hostile_manifests(raw: bytes) -> None:
    with pytest.raises(UserError):
        store.Manifest.from_bytes(raw)


def test_manifest_names_no_file_elsewhere(case: Path) -> None:
    add_sources(case, (A, 3, 1, 0))
    raw = (case / "store" / "manifest.json").read_bytes()
    with pytest.raises(UserError, match="does not fit"):
        store.Manifest.from_bytes(raw.replace(b'"file": "events', b'"file": "../events'))
    with pytest.raises(UserError, match="version 99"):
        store.Manifest.from_bytes(raw.replace(b'"schema_version": 2', b'"schema_version": 99'))
    assert store.Manifest.from_bytes(raw.replace(b'"schema_version": 2', b'"schema_version": 1')).schema_version == 1


def test_reader_meets_a_writer(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sources(case, (A, 3, 0, 0))
    real = store._read_entry
    calls: list[int] = []

    def slow(*args: Any, **kwargs: Any) -> pa.Table:
        if not calls:  # between the manifest and the first file a writer commits and clears away
            calls.append(1)
            add_sources(case, (B, 4, 0, 0))
        return real(*args, **kwargs)

    monkeypatch.setattr(store, "_read_entry", slow)
    assert store.read(case).events.num_rows == 7


# -- crashes and full disks -------------------------------------------------------------------------------------------

WRITES_PER_STEP = 400
STEPS = ("fsync", "replace", "mkdir", "unlink", "rmdir", "ftruncate")


def state(case: Path) -> tuple[int, ...]:
    tables = store.read(case)
    return tuple(getattr(tables, t).num_rows for t in STORED)


def change(case: Path) -> None:
    with store.Generation(case, "c1") as generation:
        fill(generation, B, 6, 1, 2)
        generation.remove(C)
        generation.commit(record_in(case))


class Interrupt:
    """Calls an action right before the k-th call of a function that changes the disk."""

    def __init__(self, at: int, action: Callable[[], None]) -> None:
        self.at, self.action, self.calls = at, action, 0

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self.at:
                self.action()
            return real(*args, **kwargs)

        return wrapped

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in STEPS:
            patch.setattr(os, name, self.wrap(getattr(os, name)))
        # Parquet writes in hundreds of small pieces: some of them stand for all
        plain, step = store._HashedFile.write, self.wrap(store._HashedFile.write)
        pieces = itertools.count()
        patch.setattr(
            store._HashedFile, "write", lambda *args: (plain if next(pieces) % WRITES_PER_STEP else step)(*args)
        )


def killed_at(case: Path, at: int) -> bool:
    """Run the change in a child that is killed at a step; return whether it was killed."""
    child = os.fork()
    if not child:
        try:
            Interrupt(at, lambda: os.kill(os.getpid(), signal.SIGKILL)).install(pytest.MonkeyPatch())
            change(case)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_any_step(tmp_path: Path) -> None:
    """Old state or new state, never a mixture; and the next command ends in a state that verifies."""
    start = make_case(tmp_path / "start")
    add_sources(start, (A, 5, 2, 3), (C, 7, 0, 0))
    probe = shutil.copytree(start, tmp_path / "probe")
    old = state(probe)
    change(probe)
    new = state(probe)
    assert old != new
    seen = set()
    for at in range(1, 200):
        case = shutil.copytree(start, tmp_path / str(at))
        killed = killed_at(case, at)
        reached = state(case)
        assert reached in (old, new)
        seen.add(reached)
        if not killed:
            assert reached == new
            break
        logged = len(list(custody.entries(case))) > 1
        store.recover(case)
        assert state(case) == (new if logged and not custody.check(case) else old)
        assert verify.verify(case) == []
        if at % 4 == 0 and not logged:
            change(case)
            assert state(case) == new
            assert verify.verify(case) == []
    else:
        pytest.fail("the change never ended")
    assert at > 20
    assert seen == {old, new}


def test_full_disk_at_any_step(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    start = make_case(tmp_path / "start")
    add_sources(start, (A, 5, 2, 3), (C, 7, 0, 0))
    probe = shutil.copytree(start, tmp_path / "probe")
    change(probe)
    new = state(probe)
    seen = set()
    for at in range(1, 200):
        case = shutil.copytree(start, tmp_path / str(at))
        before, old = files_of(case), state(case)
        interrupt = Interrupt(at, full)
        failure = ""
        with pytest.MonkeyPatch().context() as patch:
            interrupt.install(patch)
            try:
                change(case)
            except UserError as error:
                failure = str(error)
        if interrupt.calls < at:
            break
        seen.add(bool(failure))
        logged = len(list(custody.entries(case))) == 2
        if failure:
            assert "No space left on device" in failure
            assert logged == ("is recorded" in failure)
            if not logged:
                assert state(case) == old
        else:  # only clearing up has failed
            assert logged
        store.recover(case)
        if logged:
            assert state(case) == new
        else:
            assert {n: b for n, b in files_of(case).items() if n != "custody.jsonl" or b} == before
        assert verify.verify(case) == []
    else:
        pytest.fail("the change never ended")
    assert seen == {True, False}  # what only clears up may fail


def test_full_disk_while_the_sink_writes(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sources(case, (A, 5, 2, 3))
    before = files_of(case)
    monkeypatch.setattr(
        "pyarrow.ipc.new_file", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
    )
    from pipelines.store.sink import StoreWriteError

    with store.Generation(case, "c1") as generation, pytest.raises(StoreWriteError, match="No space left"):
        fill(generation, B, 3)
    assert files_of(case) == before


def test_files_are_on_the_disk_before_anything_refers_to_them(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sources(case, (A, 5, 2, 3))
    log: list[str] = []

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        log.append("sync " + re.sub(r".*/case/?|-\d+|-[0-9a-f]{16}", "", str(path)))

    real = os.replace

    def replaced(source: Any, target: Any) -> None:
        log.append("name " + Path(target).name.partition("-")[0])
        real(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    add_sources(case, (B, 1, 1, 1))
    tables = ["events", "positions", "sources", "coverage", "rejects"]
    assert [line.partition("/.new/")[2] for line in log[:5]] == [f"{t}.parquet" for t in tables]
    assert log[5:] == [
        *(f"name {t}" for t in tables), "sync store", "sync ",  # complete and named
        "sync store/manifest.next.json", "sync store",  # prepared
        "sync custody.jsonl",  # recorded
        "name manifest.json", "sync store",  # in force
        "sync store/.new-local.json", "name local.json", "sync store",
    ]  # fmt: skip


def test_leftovers_are_cleared_and_strangers_are_not(case: Path) -> None:
    add_sources(case, (A, 5, 2, 3))
    folder = case / "store"
    (folder / ".new-99999").mkdir()
    (folder / ".new-99999" / "x.arrow").write_bytes(b"x")
    (folder / ("events-" + "0" * 16 + ".parquet")).write_bytes(b"x")
    (folder / "manifest.next.json").write_bytes(b"{}")
    (folder / "notes.txt").write_bytes(b"of a person")
    add_sources(case, (B, 1, 0, 0))
    assert store.leftovers(case) == ["notes.txt"]
    assert [p.file for p in verify.verify(case)] == ["store/notes.txt"]


# -- results ----------------------------------------------------------------------------------------------------------


def test_results_are_whole_or_not_at_all(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = write_results(case, {"findings.json": b"{}", "report.html": b"<p>"})
    assert [d.name for d in done] == ["results/findings.json", "results/report.html"]
    assert files_of(case / "results") == {"findings.json": b"{}", "report.html": b"<p>"}
    (case / "results" / ".new-old").write_bytes(b"left by a crash")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="No space left"):
            write_results(case, {"findings.json": b"[]"})
    assert files_of(case / "results") == {"findings.json": b"{}", "report.html": b"<p>"}
    for name in ("../x", "a/b", ".hidden", ""):
        with pytest.raises(ValueError, match="no plain file name"):
            write_results(case, {name: b""})


def test_same_clock_same_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with no_clock(monkeypatch):
        for name in ("a", "b"):
            add_sources(make_case(tmp_path / name), (A, 5, 2, 3))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
