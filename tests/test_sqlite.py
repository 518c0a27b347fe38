"""SQLite databases of strangers: the write-ahead log, damage, what a hostile file may try, the numbers of the rows."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.containers import Found, walk
from pipelines.locate import LocateError, open_record
from pipelines.readers import _sqlite
from pipelines.readers._sqlite import open_database, tables_of
from pipelines.readers.base import Head, SourceFile, Unreadable
from tests.collect import Collected, source_of


def build(path: Path, script: str, wal: bool = False) -> Path:
    db = sqlite3.connect(path)
    db.executescript(script)
    db.commit()
    db.close()
    return path


def with_log(folder: Path, first: str, second: str, *, commit: bool = True) -> tuple[bytes, bytes]:
    """Return a database and its write-ahead log as they lie there while an app has it open."""
    path = folder / "live.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.executescript(first)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.executescript(second)
    if not commit:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(1000 + k, "x" * 500) for k in range(200)])
    found = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    db.close()
    return found


def in_memory(data: bytes, wal: bytes | None = None) -> SourceFile:
    source = source_of(data, "x.db")
    if wal is None:
        return source
    return replace(source, wal=lambda: io.BytesIO(wal), wal_size=len(wal))


def rows(source: SourceFile, table: str = "t", columns: tuple[str, ...] = ("a", "b")) -> list[tuple[object, ...]]:
    with open_database(source) as db:
        return [r for block in db.scan(table, columns) for r in zip(*block.columns.values(), strict=True)]


TABLE = "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"


def test_file_and_member_give_the_same_rows(tmp_path: Path) -> None:
    path = build(tmp_path / "a.db", TABLE + "INSERT INTO t VALUES (1, 'x'), (5, 'y'), (3, NULL);")
    before = path.read_bytes()
    expected = [(1, "x"), (3, None), (5, "y")]
    assert rows(source_of(path)) == rows(in_memory(before)) == expected
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db"]


def test_rows_that_only_the_log_holds(tmp_path: Path) -> None:
    data, wal = with_log(tmp_path, TABLE + "INSERT INTO t VALUES (1, 'old');", "INSERT INTO t VALUES (2, 'new');")
    assert rows(in_memory(data)) == [(1, "old")]
    assert rows(in_memory(data, wal)) == [(1, "old"), (2, "new")]
    with open_database(in_memory(data, wal)) as db:
        out = Collected()
        list(db.scan("t", ["a"]))
        db.settle(out)
        assert db.log is not None and db.log.pages >= 1
    assert out.records == 2
    assert any("write-ahead log" in note for note in out.notes)


def test_a_database_whose_tables_are_all_in_the_log(tmp_path: Path) -> None:
    data, wal = with_log(tmp_path, "SELECT 1;", TABLE + "INSERT INTO t VALUES (7, 'only here');")
    assert rows(in_memory(data, wal)) == [(7, "only here")]


def test_what_was_never_committed_is_not_read(tmp_path: Path) -> None:
    data, wal = with_log(tmp_path, TABLE, "INSERT INTO t VALUES (1, 'x');", commit=False)
    assert rows(in_memory(data, wal)) == [(1, "x")]
    with open_database(in_memory(data, wal)) as db:
        assert db.log is not None
        assert db.log.uncommitted > 0


@pytest.mark.parametrize("place", [0, 10, 40, 60, 2000])
def test_a_log_that_is_damaged_ends_where_it_is_damaged(tmp_path: Path, place: int) -> None:
    data, wal = with_log(tmp_path, TABLE + "INSERT INTO t VALUES (1, 'old');", "INSERT INTO t VALUES (2, 'new');")
    hurt = bytearray(wal)
    hurt[place] ^= 0xFF
    assert rows(in_memory(data, bytes(hurt))) == [(1, "old")]


def test_cut_logs_never_fail_and_are_prefixes(tmp_path: Path) -> None:
    more = "".join(f"INSERT INTO t VALUES ({k}, 'r');" for k in range(2, 8))
    data, wal = with_log(tmp_path, TABLE + "INSERT INTO t VALUES (1, 'old');", more)
    full = rows(in_memory(data, wal))
    seen = set()
    for end in range(0, len(wal), 997):
        found = rows(in_memory(data, wal[:end]))
        assert found == full[: len(found)]
        seen.add(len(found))
    assert len(seen) > 3


def test_the_source_is_the_database_and_its_log(tmp_path: Path) -> None:
    data, wal = with_log(tmp_path, TABLE, "INSERT INTO t VALUES (2, 'new');")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "x.db").write_bytes(data)
    (folder / "x.db-wal").write_bytes(wal)
    (folder / "x.db-shm").write_bytes(b"\0" * 32768)
    items = list(walk([folder]))
    found = [i for i in items if isinstance(i, Found)]
    assert [f.name for f in found] == ["x.db"]
    assert found[0].sha256 == source_of(data + wal).sha256
    assert rows(found[0]) == [(2, "new")]
    assert {i.name for i in items if not isinstance(i, Found)} == {"x.db-wal", "x.db-shm"}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("CREATE VIEW t AS SELECT 1 AS a, 2 AS b;", "view"),
        ("CREATE VIRTUAL TABLE t USING fts4(a, b);", "virtual table"),
        ("CREATE TABLE other (a);", "the table t is missing"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY);", "no column b"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, script: str, words: str) -> None:
    path = build(tmp_path / "a.db", script)
    with open_database(source_of(path)) as db, pytest.raises(Unreadable, match=words):
        db.require("t", "a", "b")


def test_triggers_are_not_run_and_are_noted(tmp_path: Path) -> None:
    script = TABLE + "INSERT INTO t VALUES (1, 'x'); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;"
    with open_database(source_of(build(tmp_path / "a.db", script))) as db:
        out = Collected()
        assert sum(b.rows for b in db.scan("t", ["a"])) == 1
        db.settle(out)
    assert any("1 triggers" in n for n in out.notes)


def test_generated_columns_are_not_computed(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a INTEGER PRIMARY KEY, b AS (hex(zeroblob(a * 1000))));INSERT INTO t(a) VALUES (1);"
    assert rows(source_of(build(tmp_path / "a.db", script))) == [(1, None)]


def test_nothing_can_be_written_or_attached(tmp_path: Path) -> None:
    with open_database(source_of(build(tmp_path / "a.db", TABLE))) as db:
        for sql in (
            "DELETE FROM t",
            "ATTACH ':memory:' AS m",
            "PRAGMA journal_mode = DELETE",
            "SELECT load_extension('x')",
        ):
            with pytest.raises(sqlite3.Error):
                db._db.execute(sql)


def test_numbers_run_over_tables_by_name_then_rowid(tmp_path: Path) -> None:
    script = "CREATE TABLE b (x); CREATE TABLE a (x); INSERT INTO b VALUES (1),(2); INSERT INTO a VALUES (3);"
    with open_database(source_of(build(tmp_path / "a.db", script))) as db:
        found = [
            (n, r) for table in ("a", "b") for k in db.scan(table, ["x"]) for n, r in zip(k.n, k.records, strict=True)
        ]
        assert found == [(1, "sql:a/1"), (2, "sql:b/1"), (3, "sql:b/2")]
        with pytest.raises(ValueError, match="scanned after"):
            list(db.scan("a", ["x"]))


def test_blocks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(tmp_path / "a.db", TABLE + "".join(f"INSERT INTO t VALUES ({k * 3 - 30}, 'r{k}');" for k in range(25)))
    whole = rows(source_of(path))
    for size in (1, 2, 7, 25, 26):
        monkeypatch.setattr(_sqlite, "BLOCK_ROWS", size)
        assert rows(source_of(path)) == whole


def test_damage_keeps_what_lies_before_and_says_where(tmp_path: Path) -> None:
    path = build(
        tmp_path / "a.db",
        "PRAGMA page_size = 512;"
        + TABLE
        + "".join(f"INSERT INTO t VALUES ({k}, '{'z' * 100}');" for k in range(1, 200)),
    )
    data = bytearray(path.read_bytes())
    full = rows(in_memory(bytes(data)))
    ended = 0
    for page in range(2, len(data) // 512):
        hurt = bytearray(data)
        hurt[page * 512 : page * 512 + 512] = b"\xff" * 512
        with open_database(in_memory(bytes(hurt))) as db:
            out = Collected()
            found = [r for b in db.scan("t", ["a", "b"]) for r in zip(*b.columns.values(), strict=True)]
            db.settle(out)
        assert found == full[: len(found)] or set(found) <= set(full)
        assert out.records == len(found) + len(out.rejects)
        if len(found) < len(full):
            assert len(out.rejects) == 1 and "damaged" in out.rejects[0][2]
            ended += 1
    assert ended > 10


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d[:50], lambda d: b"", lambda d: d[:16] + b"\xff" * 84 + d[100:], lambda d: b"junk" * 100,
        lambda d: d[:16] + b"\0\x03" + d[18:], lambda d: d[:4096],
    ],
)  # fmt: skip
def test_what_is_broken_as_a_whole_is_one_sentence(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    data = spoil(build(tmp_path / "a.db", TABLE + "INSERT INTO t VALUES (1, 'x');").read_bytes())
    path = tmp_path / "b.db"
    path.write_bytes(data)
    for source in (in_memory(data), source_of(path)):
        try:
            with open_database(source) as db:
                list(db.scan("t", ["a", "b"]))
                db.settle(Collected())
        except Unreadable as error:
            assert "\n" not in error.reason


def test_recognition_sees_tables_in_the_log_and_views(tmp_path: Path) -> None:
    data, wal = with_log(tmp_path, "SELECT 1;", TABLE + "CREATE VIEW v AS SELECT 1;")
    source = in_memory(data, wal)
    found = tables_of(Head(data[:65536], "x", None, len(data), source))
    assert found == {"t": ("a", "b"), "v": ()}
    assert tables_of(Head(b"PK", "x", None, 2, source_of(b"PK"))) is None


def test_the_locator_opens_the_row_again(tmp_path: Path) -> None:
    script = TABLE + "INSERT INTO t VALUES (4711, 'hidden text');"
    source = source_of(build(tmp_path / "a.db", script))
    raw = open_record(source, "sql:t/4711", "nothing")
    assert raw.data == b'{"a": 4711, "b": "hidden text"}'
    assert "hidden text" not in raw.masked
    with pytest.raises(LocateError, match="no such record"):
        open_record(source, "sql:t/4712", "nothing")
