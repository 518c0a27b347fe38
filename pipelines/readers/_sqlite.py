"""SQLite databases of strangers: opened read-only, with their write-ahead log, never written to and never trusted.

A database in an archive, and one with a write-ahead log, is put together in memory (the pages that the log has committed
lie over those of the file); one without is read where it lies. Only tables are read: a view, a virtual table or a trigger
in a database that somebody hands over can run anything, so a table that a reader needs and that is none of the plain kind is
refused, and the connection allows nothing but reading.

Rows are numbered as the case freezes them: by the name of the table, then by rowid, over the tables that the reader
counts (:meth:`Database.scan`).
"""

from __future__ import annotations

import contextlib
import operator
import re
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.readers.base import Head, Sink, SourceFile, Unreadable

MAGIC = b"SQLite format 3\0"
#: largest database that is put together in memory [P]
MAX_IN_MEMORY = 4 * 10**9
#: rows of one block
BLOCK_ROWS = 8192
#: seconds without a row after which a query is given up: a hostile database can make SQLite think for ever [P]
MAX_SILENCE_S = 60.0
_STEPS = 20_000
_PLAIN = re.compile(r"\s*create\s+(?:temp\s+|temporary\s+)?table\b", re.IGNORECASE)
_READS = {
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, getattr(sqlite3, "SQLITE_RECURSIVE", 33),
}  # fmt: skip
#: functions that our own queries may use
_FUNCTIONS = {"length", "typeof", "count", "max", "min", "coalesce", "substr", "abs", "group_concat"}


@dataclass(frozen=True, slots=True)
class Log:
    """What the write-ahead log held: pages that were committed, and frames that were not."""

    pages: int
    uncommitted: int


@dataclass(slots=True)
class Block:
    """Rows of one table, column by column, in the order of rowid."""

    table: str
    first_n: int
    rowids: list[int]
    columns: dict[str, list[Any]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.rowids)

    @property
    def n(self) -> range:
        """Numbers of the records."""
        return range(self.first_n, self.first_n + len(self.rowids))

    @property
    def records(self) -> list[str]:
        """Locators of the records."""
        return [f"sql:{self.table}/{r}" for r in self.rowids]


@dataclass(slots=True)
class _State:
    counted: int = 0
    last_table: str = ""
    damaged: list[tuple[int, str]] = field(default_factory=list)
    since: float = 0.0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


class Database:
    """A database as a context manager; see :func:`open_database`."""

    def __init__(self, connection: sqlite3.Connection, log: Log | None, encoding: str) -> None:
        self._db = connection
        self._state = _State()
        self._encoding = encoding
        #: what the write-ahead log held, None without one
        self.log = log
        #: pages that the file should have and has not, or only in part
        self.missing = 0
        #: plain tables with the names of their columns, as the database writes them
        self.tables: dict[str, tuple[str, ...]] = {}
        #: names that are views, virtual tables or shadow tables: never read
        self.refused: frozenset[str] = frozenset()
        self.triggers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _prepare(self) -> None:
        db = self._db
        db.text_factory = _text
        with contextlib.suppress(AttributeError, sqlite3.Error):
            db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            db.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, 250_000)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        try:
            try:
                refused = self._read_schema()
            except sqlite3.DatabaseError as error:
                if "unsafe use of" not in str(error):
                    raise
                # Generated columns of an app that use a function which this SQLite does not count as harmless (Signal's
                # use json_extract). They are only made known here: what a generated column computes is never asked for.
                db.execute("PRAGMA trusted_schema = ON")
                refused = self._read_schema()
        except (sqlite3.Error, UnicodeError) as error:
            raise Unreadable(f"the database cannot be opened: {_reason(error)}") from None
        self.refused = frozenset(refused)
        db.set_authorizer(self._allow)
        db.set_progress_handler(self._too_long, _STEPS)

    def _read_schema(self) -> set[str]:
        """Learn the plain tables and count the triggers; return the names of what is none."""
        self.tables, self.triggers, refused = {}, 0, set()
        for name, kind, sql in self._db.execute("SELECT name, type, sql FROM sqlite_master"):
            if not isinstance(name, str):
                continue
            if kind == "trigger":
                self.triggers += 1
            elif kind == "view" or (kind == "table" and not (isinstance(sql, str) and _PLAIN.match(sql))):
                if not name.startswith("sqlite_"):
                    refused.add(name)
            elif kind == "table" and not name.startswith("sqlite_"):
                info = self._db.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
                self.tables[name] = tuple(c[1] for c in info if c[6] == 0)  # generated columns compute: not read
        return refused

    def _allow(self, action: int, first: str | None, second: str | None, place: str | None, inner: str | None) -> int:
        if inner is not None or action not in _READS:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and first in self.refused:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def _too_long(self) -> int:
        return int(time.monotonic() - self._state.since > MAX_SILENCE_S)

    def require(self, table: str, *columns: str) -> None:
        """Refuse a database in which a table that the format needs is missing, no plain table, or lacks a column.

        Raises
        ------
        Unreadable
            Names the table and the column.
        """
        if table in self.refused:
            raise Unreadable(f"{table} is a view or a virtual table, which no app makes of it: it is not read")
        if table not in self.tables:
            raise Unreadable(f"the table {table} is missing")
        missing = [c for c in columns if not self.has(table, c)]
        if missing:
            raise Unreadable(f"the table {table} has no column {', '.join(missing)}")

    def has(self, table: str, *columns: str) -> bool:
        """Return whether a plain table is there, with all of these columns (case ignored)."""
        known = {c.casefold() for c in self.tables.get(table, ())}
        return table in self.tables and all(c.casefold() in known for c in columns)

    def _select(self, table: str, columns: Sequence[str], rowid: str | None) -> str:
        known = {c.casefold(): c for c in self.tables[table]}
        wanted = [_quoted(known[c.casefold()]) if c.casefold() in known else "NULL" for c in columns]
        head = [rowid] if rowid is not None else []
        return f"SELECT {', '.join([*head, *wanted]) or 'NULL'} FROM {_quoted(table)} NOT INDEXED"

    def _rowid(self, table: str) -> str:
        """Return a name under which the rowid can be asked for; a column may hide one of them."""
        taken = {c.casefold() for c in self.tables[table]}
        for name in ("rowid", "_rowid_", "oid"):
            if name not in taken:
                try:
                    self._db.execute(f"SELECT {name} FROM {_quoted(table)} LIMIT 0")
                except (sqlite3.Error, UnicodeError):
                    break
                return name
        raise Unreadable(f"the table {table} has no row ids")

    def scan(self, table: str, columns: Sequence[str]) -> Iterator[Block]:
        """Yield the rows of a table that the format counts, in the order of rowid.

        Parameters
        ----------
        table : str
            Name of the table; one that is not there has no rows. Tables must be scanned in the order of their names.
        columns : sequence of str
            Wanted columns; one that this version of the app does not have is all None.

        Yields
        ------
        Block
            Up to :data:`BLOCK_ROWS` rows. Where the database is damaged the rows end, and :meth:`settle` says so.
        """
        if table < self._state.last_table:
            raise ValueError(f"table {table} is scanned after {self._state.last_table}")
        self._state.last_table = table
        if table in self.refused:
            self.require(table)
        if table not in self.tables:
            return
        name = self._rowid(table)
        last: int | None = None
        while True:
            # resumed by rowid: no cursor is held open, and damage is known to lie behind the last row
            where = f" WHERE {name} > ?" if last is not None else ""
            sql = f"{self._select(table, columns, name)}{where} ORDER BY {name} LIMIT {BLOCK_ROWS}"
            rows, fault = self._fetch(sql, () if last is None else (last,))
            before = last
            for good in self._runs(table, rows, last):
                ids, *values = zip(*good, strict=True)
                block = Block(
                    table, self._state.counted + 1, list(ids),
                    dict(zip(columns, map(list, values), strict=True)),
                )  # fmt: skip
                self._state.counted += len(good)
                last = block.rowids[-1]
                yield block
            if fault is not None:
                self._state.counted += 1
                after = f"{table}/{last + 1 if last is not None else 1}"
                reason = f"the database is damaged here ({_reason(fault)}); the rows of the table from here on are lost"
                self._state.damaged.append((self._state.counted, f"sql:{after}|{reason}"))
                return
            if len(rows) < BLOCK_ROWS or last == before:  # rows whose ids do not grow would come again for ever
                return

    def _fetch(self, sql: str, values: tuple[Any, ...]) -> tuple[list[tuple[Any, ...]], Exception | None]:
        """Return rows, and what went wrong behind the last of them."""
        self._state.since = time.monotonic()
        try:
            self._db.text_factory = str  # twice as fast; fails at the first byte that is no UTF-8
            return self._db.execute(sql, values).fetchall(), None
        except (sqlite3.Error, UnicodeError, MemoryError, OverflowError):
            pass
        finally:
            self._db.text_factory = _text
        self._state.since = time.monotonic()
        rows: list[tuple[Any, ...]] = []
        try:
            for row in self._db.execute(sql, values):
                rows.append(row)
        except (sqlite3.Error, UnicodeError, MemoryError, OverflowError) as error:
            return rows, error
        return rows, None

    def _runs(
        self, table: str, rows: list[tuple[Any, ...]], last: int | None
    ) -> Iterator[list[tuple[Any, ...]]]:  # fmt: skip
        """Yield runs of rows whose ids grow; the others are what SQLite makes of a page that is partly lost: counted as damage."""
        ids = [row[0] for row in rows]
        if all(map(operator.lt, ids, ids[1:])) and (last is None or not ids or ids[0] > last):
            if rows:
                yield rows
            return
        run: list[tuple[Any, ...]] = []
        for row in rows:
            if last is None or row[0] > last:
                last = row[0]
                run.append(row)
                continue
            if run:
                yield run
                run = []
            self._state.counted += 1
            reason = "the database is damaged here: the row has lost its place and its values"
            self._state.damaged.append((self._state.counted, f"sql:{table}/{row[0]}|{reason}"))
        if run:
            yield run

    def settle(self, out: Sink) -> None:
        """Count the records that were scanned, reject where the database is damaged, say what the log held."""
        out.read(self._state.counted)
        for n, text in self._state.damaged:
            record, _, reason = text.partition("|")
            out.reject(n, record, reason)
        if self.missing:
            out.note(f"the database is cut off: pages that are missing: {self.missing}; rows that lay on them are lost")
        if self.log is not None:
            out.note(
                f"read together with its write-ahead log: {self.log.pages} pages of it hold what was written last"
                + (
                    f", {self.log.uncommitted} frames were never committed and are not read"
                    if self.log.uncommitted
                    else ""
                )
            )
        if self.triggers or self.refused:
            out.note(
                f"the database holds {self.triggers} triggers and {len(self.refused)} views or virtual tables: none was run"
            )

    def lookup(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield (rowid, values ...) of a table that is looked up and not counted; nothing if it is not there.

        A damaged table ends early: what is looked up is then unknown, not wrong.
        """
        if table not in self.tables or table in self.refused:
            return
        self._state.since = time.monotonic()
        name = self._rowid(table)
        with contextlib.suppress(sqlite3.Error, UnicodeError, MemoryError, OverflowError):
            for row in self._db.execute(f"{self._select(table, columns, name)} ORDER BY {name}"):
                self._state.since = time.monotonic()
                yield row

    def rows_of(self, table: str) -> int | None:
        """Return how many rows a table has, None if it cannot be counted."""
        if table not in self.tables:
            return None
        self._state.since = time.monotonic()
        try:
            return int(self._db.execute(f"SELECT count(*) FROM {_quoted(table)} NOT INDEXED").fetchone()[0])
        except sqlite3.Error:
            return None

    def highest_ever(self, table: str) -> int | None:
        """Return the highest row id that a table with AUTOINCREMENT ever gave; None if the database does not say."""
        self._state.since = time.monotonic()
        try:
            found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        except sqlite3.Error:
            return None
        return found[0] if found and type(found[0]) is int else None

    def row(self, table: str, rowid: int) -> dict[str, Any] | None:
        """Return one row as the database has it, None if it is not there."""
        if table not in self.tables or table in self.refused:
            return None
        names = self.tables[table]
        self._state.since = time.monotonic()
        key = self._rowid(table)
        fault: Exception | None = None
        try:
            found = self._db.execute(f"{self._select(table, names, None)} WHERE {key} = ?", (rowid,)).fetchone()
            if found is not None:
                return dict(zip(names, found, strict=True))
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            fault = error
        # in a damaged table the way down to a row may be lost, and the way along its leaves, by which it was read, may not
        try:
            for row in self._db.execute(f"{self._select(table, names, key)} ORDER BY {key}"):
                self._state.since = time.monotonic()
                if row[0] == rowid:
                    return dict(zip(names, row[1:], strict=True))
        except (sqlite3.Error, UnicodeError) as error:
            fault = error
        if fault is not None:
            raise Unreadable(f"the database is damaged here ({_reason(fault)})")
        return None


def _reason(error: BaseException) -> str:
    """Return why SQLite gave up, from a closed list: its messages can hold names that the database chose."""
    text = str(error)
    for part in (
        "malformed",
        "file is not a database",
        "interrupted",
        "locked",
        "disk I/O error",
        "too big",
        "unsupported",
    ):
        if part in text:
            return "it takes too long" if part == "interrupted" else part
    return type(error).__name__


def _frames(log: bytes, page_size: int) -> tuple[dict[int, int], int, int]:
    """Return page → place of its last committed frame, the size of the database in pages, frames not committed.

    The format is that of https://www.sqlite.org/fileformat2.html#walformat: a frame counts if its salts are those of the
    header and the running checksum agrees, and only up to the last frame that ends a transaction.
    """
    if len(log) < 32:
        return {}, 0, 0
    magic, _version, size, _sequence, salt1, salt2, sum1, sum2 = struct.unpack(">8L", log[:32])
    if magic not in (0x377F0682, 0x377F0683) or size not in (page_size, 1 if page_size == 65536 else page_size):
        return {}, 0, 0
    order = ">" if magic == 0x377F0683 else "<"

    def checksum(data: bytes, first: int, second: int) -> tuple[int, int]:
        words = struct.unpack(f"{order}{len(data) // 4}L", data)
        for k in range(0, len(words), 2):
            first = (first + words[k] + second) & 0xFFFFFFFF
            second = (second + words[k + 1] + first) & 0xFFFFFFFF
        return first, second

    if checksum(log[:24], 0, 0) != (sum1, sum2):
        return {}, 0, 0
    committed: dict[int, int] = {}
    pending: dict[int, int] = {}
    pages = 0
    waiting = 0
    at, one, two = 32, sum1, sum2
    while at + 24 + page_size <= len(log):
        number, commit, s1, s2, c1, c2 = struct.unpack(">6L", log[at : at + 24])
        if (s1, s2) != (salt1, salt2):
            break
        one, two = checksum(log[at : at + 8], one, two)
        one, two = checksum(log[at + 24 : at + 24 + page_size], one, two)
        if (one, two) != (c1, c2):
            break
        pending[number] = at + 24
        waiting += 1
        if commit:
            committed.update(pending)
            pending, waiting, pages = {}, 0, commit
        at += 24 + page_size
    return committed, pages, waiting


def _page_size(head: bytes | bytearray) -> int:
    (size,) = struct.unpack(">H", head[16:18])
    return 65536 if size == 1 else int(size)


def _pages(head: bytes | bytearray, size: int) -> tuple[int, int]:
    """Return how many pages a database of so many bytes should have, and how many are there in whole.

    SQLite takes zeros for the part of a page that is missing, by which rows would become others.

    Raises
    ------
    Unreadable
        Its header names no size of a page, or no page is there in whole.
    """
    page = _page_size(head) if len(head) >= 100 else 0
    if page < 512 or page & (page - 1):
        raise Unreadable("the database is damaged: its page size is none")
    # the number of pages counts only if the two change counters agree; else it is that of the file
    said = struct.unpack(">L", head[28:32])[0] if head[24:28] == head[92:96] else 0
    if size < page:
        raise Unreadable("the database is malformed: it is cut off within its first page")
    return said or -(-size // page), size // page


def _cut(source: SourceFile) -> bool:
    """Return whether a file is shorter than it should be."""
    with source.open() as stream:
        head = stream.read(100)
    if not head.startswith(MAGIC):
        raise Unreadable("this is no SQLite database, or an encrypted one")
    pages, there = _pages(head, source.size)
    return there < pages


def _whole(source: SourceFile) -> tuple[bytearray, Log | None, int]:
    """Return the database in memory, with what its write-ahead log committed in place, and how many pages are missing."""
    if source.size + source.wal_size > MAX_IN_MEMORY:
        raise Unreadable(
            f"a database of more than {MAX_IN_MEMORY // 10**9} GB in an archive, or with a write-ahead log, is not read: "
            "unpack it, or let SQLite write the log into the database first (on a copy)"
        )
    with source.open() as stream:
        data = bytearray(stream.read())
    if len(data) < 100 or not data.startswith(MAGIC):
        raise Unreadable("this is no SQLite database")
    size = _page_size(data)
    if size < 512 or size & (size - 1):
        raise Unreadable("the database is damaged: its page size is none")
    pages, there = _pages(data, len(data))
    if there < pages:  # only whole pages; SQLite then knows which are missing, and says so where a row lies on one
        data = data[: there * size]
        data[28:32] = struct.pack(">L", there)
    missing = max(pages - there, 0)
    log: Log | None = None
    if source.wal is not None:
        with source.wal() as stream:
            raw = stream.read()
        written, total, waiting = _frames(raw, size)
        if total and total * size > MAX_IN_MEMORY:
            raise Unreadable("the write-ahead log asks for a database that is larger than memory may be")
        if total:
            missing = sum(number not in written for number in range(there + 1, total + 1))
            data = data[: min(there, total) * size].ljust(total * size, b"\0")
            for number, at in written.items():
                if 0 < number <= total:
                    data[(number - 1) * size : number * size] = raw[at : at + size]
        log = Log(len(written), waiting)
    # a database in the mode of write-ahead logs cannot be opened from memory; the log is in it now
    data[18] = data[19] = 1
    return data, log, missing


def open_database(source: SourceFile) -> Database:
    """Open a source as a SQLite database, its write-ahead log included.

    Parameters
    ----------
    source : SourceFile
        A file or a member of an archive.

    Returns
    -------
    Database
        Use it as a context manager.

    Raises
    ------
    Unreadable
        It is none, is damaged as a whole, or is encrypted.
    """
    log: Log | None = None
    missing = 0
    try:
        if source.path is not None and source.wal is None and not _cut(source):
            uri = Path(source.path).absolute().as_uri() + "?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        else:
            data, log, missing = _whole(source)
            connection = sqlite3.connect(":memory:", isolation_level=None)
            connection.deserialize(bytes(data))
            del data
    except sqlite3.Error as error:
        raise Unreadable(f"the database cannot be opened: {_reason(error)}") from None
    found = Database(connection, log, "utf-8")
    found.missing = missing
    try:
        found._prepare()
    except BaseException:
        connection.close()
        raise
    return found


@lru_cache(maxsize=16)
def _shape(key: str, source: SourceFile) -> tuple[dict[str, tuple[str, ...]], frozenset[str]] | None:
    try:
        with open_database(source) as db:
            return db.tables, db.refused
    except Unreadable:
        return None


def tables_of(head: Head) -> dict[str, tuple[str, ...]] | None:
    """Return the tables of a database with their columns, for recognition; None if it is no SQLite database.

    A view that bears the name of a table is listed with no columns: the reader claims the file and refuses it by name.
    """
    if head.source is None or not head.data.startswith(MAGIC):
        return None
    found = _shape(head.source.source_id, head.source)
    if found is None:
        return {}
    tables, refused = found
    return tables | {name: () for name in refused if name not in tables}


def whole(value: Any) -> int | None:
    """Return a value as a whole number, None if it is none: a column of SQLite can hold anything."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value == value and abs(value) < 2**63 else None
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,19}\s*", value, re.ASCII):
        return int(value)
    return None


def text(value: Any) -> str | None:
    """Return a value as text, None if it is empty; bytes are taken as UTF-8."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    made = str(value)
    return made if made else None
