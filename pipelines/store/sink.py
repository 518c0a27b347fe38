"""Where readers put what they find: columns in, checked Arrow batches on disk out, memory flat.

The sink trusts no reader. Every batch is typed and validated as it comes, every record may end only once, and a source
is only accepted if read = kept + rejected + out of scope. A reader that breaks this is named; nothing of its source is
kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detector.schema import CHANNELS, TableError, stored_schema, validate
from pipelines.errors import InternalError
from pipelines.readers.base import EVENT_DEFAULTS, LISTED_DEFAULTS, POSITION_DEFAULTS, SourceFile

#: rows that are held before they go to disk
FLUSH_ROWS = 65_536
#: notes that one source may leave [P]
MAX_NOTES = 50
#: a record number and the number of its row in one key: 2**32 records of 2**24 rows
_SUB_BITS = 24
_N_MAX = 1 << 32

_ID = {"events": "event_id", "positions": "position_id", "listed": "entry_id"}
_NEEDED = {
    "events": ("n", "record", "local_time", "kind", "direction"),
    "positions": ("n", "record", "local_time", "kind", "subject"),
    "listed": ("n", "record", "list", "channel"),
}
_DEFAULTS = {"events": EVENT_DEFAULTS, "positions": POSITION_DEFAULTS, "listed": LISTED_DEFAULTS}
_WHY = re.compile(r"must not be empty|not one of [a-z0-9_, ]+|is (?:below|above) [-+.e0-9]+|is not a finite number")
_BROKEN_TEXT = "some texts held broken characters (halves of a pair); they are kept as U+FFFD"


class StoreWriteError(Exception):
    """Writing failed (a full disk): not the reader's fault, and nothing was changed."""


@dataclass(slots=True)
class Part:
    """What one source adds to the store.

    Rows lie in Arrow files under the store's temporary folder; :func:`sorted_rows` yields them by (n, sub).
    """

    source_id: str
    read: int = 0
    kept: int = 0
    rejected: int = 0
    out_of_scope: int = 0
    spools: dict[str, Spool] = field(default_factory=dict)
    coverage: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    companions: dict[str, str] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None


class Spool:
    """Rows of one table and one source on their way to the store: an Arrow file that is read once."""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self.table = table
        fields = list(stored_schema(table))
        self.schema = pa.schema([pa.field(f.name, f.type) for f in fields] + [pa.field("_key", pa.int64())])
        self.rows = 0
        self._writer: Any = None
        self._ranges: list[tuple[int, int]] = []  # least and greatest key of every batch on disk

    def write(self, table: pa.Table) -> None:
        """Write rows whose ``_key`` is strictly ascending, as one batch."""
        keys = table["_key"]
        self._ranges.append((keys[0].as_py(), keys[table.num_rows - 1].as_py()))
        try:
            if self._writer is None:
                options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
                self._writer = pa.ipc.new_file(str(self.path), self.schema, options=options)
            self._writer.write_batch(table.combine_chunks().to_batches()[0])
        except OSError as error:
            raise StoreWriteError(str(error.strerror or "writing failed")) from error
        self.rows += table.num_rows

    def close(self) -> None:
        """Finish the file; rows can be read from now on."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                raise StoreWriteError(str(error.strerror or "writing failed")) from error
            self._writer = None

    def batches(self, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows batch by batch in the order of writing."""
        if not self.rows:
            return
        options = pa.ipc.IpcReadOptions(use_threads=False)
        if names is not None:
            options.included_fields = [self.schema.get_field_index(n) for n in names]
        with pa.OSFile(str(self.path), "rb") as file, pa.ipc.open_file(file, options=options) as reader:
            for i in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(i)])

    def sorted_rows(self) -> Iterator[pa.Table]:
        """Yield the rows sorted by key, batch after batch, without the key.

        Batches that overlap are held until no later batch can reach into them: readers that put several kinds of
        records out by turns overlap by a block or two, so little is held.

        Raises
        ------
        InternalError
            Two rows have the same key.
        """
        if not self.rows:
            return
        order = sorted(range(len(self._ranges)), key=lambda i: self._ranges[i])
        options = pa.ipc.IpcReadOptions(use_threads=False)
        with pa.OSFile(str(self.path), "rb") as file, pa.ipc.open_file(file, options=options) as reader:
            held: pa.Table | None = None
            for place, i in enumerate(order):
                table = pa.Table.from_batches([reader.get_batch(i)])
                if held is not None:
                    table = _ascending(pa.concat_tables([held, table]), self.table)
                    held = None
                if place + 1 < len(order):
                    limit = self._ranges[order[place + 1]][0]
                    keys = table["_key"].to_numpy()
                    done = int(np.searchsorted(keys, limit, side="left"))
                    held = table.slice(done) if done < table.num_rows else None
                    table = table.slice(0, done)
                if table.num_rows:
                    yield table.drop_columns(["_key"])


def _ascending(table: pa.Table, name: str) -> pa.Table:
    """Return the table sorted by its key; refuse equal keys."""
    keys = table["_key"].to_numpy()
    if len(keys) > 1 and not bool((np.diff(keys) > 0).all()):
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        same = np.flatnonzero(np.diff(ordered) == 0)
        if len(same):
            n, sub = divmod(int(ordered[same[0]]), 1 << _SUB_BITS)
            raise InternalError(f"table {name}: two rows have the number {n} and the sub-number {sub}")
        table = table.take(pa.array(order)).combine_chunks()
    return table


class _Marks:
    """One bit for every record that has met its end: a record ends once."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << 13, np.uint8)
        self.highest = 0

    def add(self, n: npt.NDArray[np.int64]) -> int | None:
        """Mark records; return the first that was marked before (or twice now), or None."""
        if not len(n):
            return None
        low, top = int(n.min()) & ~7, int(n.max())
        if top >> 3 >= len(self._bits):
            grown = np.zeros(max(2 * len(self._bits), (top >> 3) + 1), np.uint8)
            grown[: len(self._bits)] = self._bits
            self._bits = grown
        if top - low > 64 * len(n) + FLUSH_ROWS:  # far apart: one by one, not a window from the first to the last
            values, counts = np.unique(n, return_counts=True)
            again = values[(counts > 1) | self.has(values)]
            if len(again):
                return int(again[0])
            np.bitwise_or.at(self._bits, n >> 3, (1 << (n & 7)).astype(np.uint8))
        else:
            window = np.zeros(top - low + 1, np.bool_)
            window[n - low] = True
            packed = np.packbits(window, bitorder="little")
            there = self._bits[low >> 3 : (low >> 3) + len(packed)]
            if int(window.sum()) != len(n) or bool((there & packed).any()):
                values, counts = np.unique(n, return_counts=True)
                return int(values[(counts > 1) | self.has(values)][0])
            there |= packed
        self.highest = max(self.highest, top)
        return None

    def has(self, n: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which records are marked."""
        byte = n >> 3
        known = byte < len(self._bits)
        bits = self._bits[np.where(known, byte, 0)] >> (n & 7).astype(np.uint8)
        found: npt.NDArray[np.bool_] = known & ((bits & 1) == 1)
        return found


class StoreSink:
    """The sink of one source (see :class:`pipelines.readers.base.Sink` for what a reader may do with it).

    Parameters
    ----------
    folder : path
        Temporary folder under the store.
    source_id, case_id : str
        Keys of every row.
    reader : str
        Id of the format, for errors.
    channels : sequence of str
        The channels of the reader's description: the first stands for positions that no coverage row claims.
    """

    def __init__(self, folder: Path, source_id: str, case_id: str, reader: str, channels: Sequence[str] = ()) -> None:
        self._source_id = source_id
        self._case_id = case_id
        self._reader = reader
        self._channels = tuple(channels)
        self._schemas = {t: stored_schema(t) for t in ("events", "positions", "listed", "rejects")}
        self._spools = {t: Spool(folder / f"{source_id}-{t}.arrow", t) for t in self._schemas}
        self._buffers: dict[str, list[pa.RecordBatch]] = {t: [] for t in _ID}
        self._buffered = dict.fromkeys(_ID, 0)
        self._rejects: list[tuple[int, str, str]] = []
        self._constants: dict[tuple[pa.DataType, Any], pa.Array] = {}
        self._marks = _Marks()
        self._kept = 0
        self._rejected = 0
        self._out_of_scope = 0
        self._read = 0
        self._notes: list[str] = []
        self._more_notes = 0
        self._owners: list[str] = []
        self._companions: dict[str, str] = {}
        self._coverage: list[dict[str, Any]] = []
        #: (table, channel, kind, zone basis, offset) -> first and last reading
        self._spans: dict[tuple[str, str, str, str, int | None], tuple[int, int]] = {}
        self.last_record = ""
        #: what went wrong first: a reader cannot hide it by catching it
        self.fault: InternalError | StoreWriteError | None = None

    # -- what readers call --------------------------------------------------------------------------------------------

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add event rows (see the contract)."""
        self._add("events", rows, columns)

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add position rows (see the contract)."""
        self._add("positions", rows, columns)

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add entries of a list (see the contract)."""
        self._add("listed", rows, columns)

    def companion(self, role: str, source: SourceFile) -> None:
        """Say that another file was looked at."""
        self._companions[source.sha256] = role

    def reject(self, n: int, record: str, reason: str) -> None:
        """Say why record n could not be used."""
        self._rejects.append((n, record, reason))
        if len(self._rejects) >= FLUSH_ROWS:
            self._flush_rejects()

    def out_of_scope(self, records: int = 1) -> None:
        """Count records that are no communication."""
        self._out_of_scope += self._counted(records)

    def read(self, records: int) -> None:
        """Count records that the reader met."""
        self._read += self._counted(records)

    def note(self, text: str) -> None:
        """Note something about the file."""
        line = " ".join(text.split())
        if line in self._notes:
            return
        if len(self._notes) < MAX_NOTES:
            self._notes.append(line)
        else:
            self._more_notes += 1

    def owner(self, identifiers: Sequence[str]) -> None:
        """Say which identifiers are the owner's."""
        self._owners += [i for i in dict.fromkeys(identifiers) if i not in self._owners]

    def coverage(
        self, channel: str, classes: str, *, scope: str = "all", scope_id: str | None = None,
        local_from: int | None = None, local_to: int | None = None, zone_basis: str | None = None,
        stated_offset_s: int | None = None, basis: str = "observed", complete: str = "unknown",
    ) -> None:  # fmt: skip
        """Say what the file covers; a time that is not given is that of the first or last kept record."""
        if channel not in CHANNELS:
            self._fail(f"coverage names a channel that is none of {', '.join(CHANNELS)}")
        if (scope == "all") != (scope_id is None):
            self._fail("coverage of one thread or identifier needs a scope_id, coverage of all has none")
        self._coverage.append(
            {"channel": channel, "classes": classes, "scope": scope, "scope_id": scope_id, "local_from": local_from,
             "local_to": local_to, "zone_basis": zone_basis, "stated_offset_s": stated_offset_s, "basis": basis,
             "complete": complete}
        )  # fmt: skip

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _fail(self, sentence: str) -> None:
        error = InternalError(f"reader {self._reader}: {sentence}")
        self.fault = self.fault or error
        raise error

    def _counted(self, records: int) -> int:
        if records < 0:
            self._fail("counts a negative number of records")
        return int(records)

    def _where(self, table: str, column: str, row: int | None, columns: Mapping[str, Any]) -> str:
        text = f"table {table}, column {column}"
        if row is None:
            return text
        text += f", row {row}"
        records = columns.get("record")
        if isinstance(records, (list, tuple, np.ndarray, pa.Array, pa.ChunkedArray)) and row < len(records):
            found = records[row]
            text += f", record {found.as_py() if isinstance(found, pa.Scalar) else found}"
        return text

    def _constant(self, value: Any, kind: pa.DataType, rows: int) -> pa.Array:
        key = (kind, value)
        known = self._constants.get(key)
        if known is None or len(known) < rows:
            if len(self._constants) > 4096:
                self._constants.clear()
            known = pa.repeat(pa.scalar(value, kind), max(rows, 1024))
            self._constants[key] = known
        return known.slice(0, rows)

    def _array(
        self, table: str, name: str, value: Any, kind: pa.DataType, rows: int, columns: Mapping[str, Any]
    ) -> pa.Array:
        many = isinstance(value, (pa.Array, pa.ChunkedArray, np.ndarray)) or (
            isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        )
        if many and len(value) != rows:
            self._fail(f"table {table}, column {name}: {len(value)} values for {rows} rows")
        try:
            if not many:
                return self._constant(value, kind, rows)
            if isinstance(value, pa.ChunkedArray):
                value = value.combine_chunks()
            if isinstance(value, pa.Array):
                return value if value.type == kind else value.cast(kind)
            return pa.array(value, kind)
        except UnicodeEncodeError:
            self.note(_BROKEN_TEXT)
            if not many:
                return self._constant(_whole(value), kind, rows)
            return pa.array([_whole(v) for v in value], kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            row = None if not many else _first_bad(value, kind)
            self._fail(f"{self._where(table, name, row, columns)}: is no {kind}")
            raise  # not reached: _fail raises

    def _add(self, table: str, rows: int, columns: Mapping[str, Any]) -> None:
        if self.fault is not None:
            raise self.fault
        defaults, needed, schema = _DEFAULTS[table], _NEEDED[table], self._schemas[table]
        for name in columns:
            if name not in defaults and name not in needed:
                self._fail(f"table {table}: unknown column {name}")
        for name in needed:
            if name not in columns:
                self._fail(f"table {table}: column {name} is missing")
        if rows <= 0:
            if rows < 0:
                self._fail(f"table {table}: {rows} rows")
            return
        made: dict[str, pa.Array] = {}
        for spec in schema:
            if spec.name in ("case_id", "source_id", _ID[table]):
                continue
            value = columns[spec.name] if spec.name in columns else defaults[spec.name]
            made[spec.name] = self._array(table, spec.name, value, spec.type, rows, columns)
        n_column = made["n"]
        sub_column = self._array(table, "sub", columns.get("sub", 1), pa.int32(), rows, columns)
        if n_column.null_count or sub_column.null_count:
            self._fail(f"table {table}, columns n and sub: must not be empty")
        n = n_column.to_numpy(zero_copy_only=False)
        sub = sub_column.to_numpy(zero_copy_only=False).astype(np.int64)
        wrong = np.flatnonzero((n < 1) | (n >= _N_MAX) | (sub < 1) | (sub >= 1 << _SUB_BITS))
        if len(wrong):
            self._fail(f"{self._where(table, 'n', int(wrong[0]), columns)}: the number is out of bounds")
        again = self._marks.add(n[sub == 1])
        if again is not None:
            self._fail(f"table {table}: record number {again} is put out twice")
        self._kept += int((sub == 1).sum())
        made["case_id"] = self._constant(self._case_id, pa.string(), rows)
        made["source_id"] = self._constant(self._source_id, pa.string(), rows)
        head = self._constant(self._source_id + "#", pa.string(), rows)
        ids = pc.binary_join_element_wise(head, n_column.cast(pa.string()), "")
        if not bool((sub == 1).all()):
            longer = pc.binary_join_element_wise(ids, sub_column.cast(pa.string()), ".")
            ids = pc.if_else(pa.array(sub > 1), longer, ids)
        made[_ID[table]] = ids
        key = pa.array((n.astype(np.int64) << _SUB_BITS) | sub)
        spool = self._spools[table]
        self._buffers[table].append(
            pa.RecordBatch.from_arrays([made[f.name] for f in schema] + [key], schema=spool.schema)
        )
        self._buffered[table] += rows
        self.last_record = str(made["record"][rows - 1].as_py())
        if self._buffered[table] >= FLUSH_ROWS:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if not self._buffered[table]:
            return
        data = pa.Table.from_batches(self._buffers[table], schema=self._spools[table].schema).combine_chunks()
        self._buffers[table], self._buffered[table] = [], 0
        try:
            data = _ascending(data, table)
        except InternalError as error:
            self._fail(str(error))
        self._validate(table, data.drop_columns(["_key"]))
        if table != "listed":  # a list covers no time
            self._observe(table, data)
        for start in range(0, data.num_rows, FLUSH_ROWS):
            self._write(table, data.slice(start, FLUSH_ROWS))

    def _validate(self, table: str, data: pa.Table) -> None:
        try:
            validate(table, data, stored=True)
        except TableError as error:
            # the message may show the value, and a value in the wrong column may be content: it is left out
            text = str(error)
            place = text.partition("):")[0] + (")" if "):" in text else "")
            why = _WHY.search(text.rpartition("):")[2])
            self._fail(f"{place}: {why[0] if why else 'does not fit the schema'}")

    def _write(self, table: str, data: pa.Table) -> None:
        try:
            self._spools[table].write(data)
        except StoreWriteError as error:
            self.fault = self.fault or error
            raise

    def _flush_rejects(self) -> None:
        if not self._rejects:
            return
        if self.fault is not None:
            raise self.fault
        rows, self._rejects = sorted(self._rejects, key=lambda r: r[0]), []
        count = len(rows)
        columns = {name: [r[i] for r in rows] for i, name in enumerate(("n", "record", "reason"))}
        made = {f.name: f for f in self._schemas["rejects"]}
        arrays = {k: self._array("rejects", k, v, made[k].type, count, columns) for k, v in columns.items()}
        n = arrays["n"].to_numpy(zero_copy_only=False)
        if arrays["n"].null_count or bool(((n < 1) | (n >= _N_MAX)).any()):
            self._fail("table rejects, column n: the number is out of bounds")
        again = self._marks.add(n)
        if again is not None:
            self._fail(f"record number {again} is rejected, and rejected or put out before")
        self._rejected += count
        arrays["source_id"] = self._constant(self._source_id, pa.string(), count)
        names = [f.name for f in self._schemas["rejects"]]
        data = pa.Table.from_arrays(
            [arrays[c] for c in names] + [pa.array((n << _SUB_BITS) | 1)], schema=self._spools["rejects"].schema
        )
        self._validate("rejects", data.drop_columns(["_key"]))
        self._write("rejects", data)

    # -- what was seen ------------------------------------------------------------------------------------------------

    def _observe(self, table: str, data: pa.Table) -> None:
        if table == "events":
            keys, last = ["channel", "kind", "zone_basis", "stated_offset_s"], data["local_time"]
        else:
            keys = ["kind", "zone_basis", "stated_offset_s"]
            last = pc.max_element_wise(data["local_time"], data["local_end"], skip_nulls=True)
        view = data.select([*keys, "local_time"]).append_column("last", last)
        seen = view.group_by(keys, use_threads=False).aggregate([("local_time", "min"), ("last", "max")])
        for row in seen.to_pylist():
            key = (table, row.get("channel", ""), row["kind"], row["zone_basis"], row["stated_offset_s"])
            first, end = row["local_time_min"], row["last_max"]
            known = self._spans.get(key)
            self._spans[key] = (first, end) if known is None else (min(first, known[0]), max(end, known[1]))

    def _clocks(
        self, spans: Mapping[tuple[str, int | None], tuple[int, int]]
    ) -> list[tuple[str, int | None, int, int]]:
        """Bring spans of readings to as few clocks as possible: (zone basis, offset, first, last)."""
        offsets = {o for b, o in spans if b == "stated"}
        whole = not offsets or (len(offsets) == 1 and not any(b == "utc" for b, _ in spans))
        found: dict[tuple[str, int | None], tuple[int, int]] = {}
        for (basis, offset), (first, last) in spans.items():
            if basis == "stated" and not whole and offset is not None:
                key: tuple[str, int | None] = ("utc", None)
                first, last = first - offset * 1_000_000, last - offset * 1_000_000
            else:
                key = (basis, offset if basis == "stated" else None)
            known = found.get(key)
            found[key] = (first, last) if known is None else (min(first, known[0]), max(last, known[1]))
        return sorted((b, o, f, t) for (b, o), (f, t) in found.items())

    def _merged(
        self, keys: Sequence[tuple[str, str, str, str, int | None]]
    ) -> dict[tuple[str, int | None], tuple[int, int]]:
        out: dict[tuple[str, int | None], tuple[int, int]] = {}
        for key in keys:
            first, last = self._spans[key]
            known = out.get(key[3:])
            out[key[3:]] = (first, last) if known is None else (min(first, known[0]), max(last, known[1]))
        return out

    def _span_of(self, channel: str, classes: str) -> dict[tuple[str, int | None], tuple[int, int]]:
        """Return what was observed of a channel.

        Positions have no channel of their own: they belong to it where its classes name their kind (or `position`). A source whose only
        coverage is of a channel that no event has (a journal: its calls are of channel phone) covers all its rows.
        """
        keys = [k for k in self._spans if k[0] == "events" and k[1] == channel]
        kinds = set(classes.split())
        keys += [k for k in self._spans if k[0] == "positions" and kinds & {k[2], "position"}]
        if not any(k[0] == "events" for k in keys) and {c["channel"] for c in self._coverage} == {channel}:
            keys = list(self._spans)
        return self._merged(keys)

    def _scoped(
        self, scope: str, wanted: set[str]
    ) -> dict[tuple[str, str], dict[tuple[str, int | None], tuple[int, int]]]:
        """Return what was observed of single threads or identifiers: (channel, id) -> clock -> first and last."""
        column = "thread_id" if scope == "thread" else "identifier"
        keys = ["channel", column, "zone_basis", "stated_offset_s"]
        ids = pa.array(sorted(wanted), pa.string())
        out: dict[tuple[str, str], dict[tuple[str, int | None], tuple[int, int]]] = {}
        for data in self._spools["events"].batches([*keys, "local_time"]):
            data = data.filter(pc.is_in(data[column], value_set=ids))
            seen = data.group_by(keys, use_threads=False).aggregate([("local_time", "min"), ("local_time", "max")])
            for row in seen.to_pylist():
                spans = out.setdefault((row["channel"], row[column]), {})
                clock = (row["zone_basis"], row["stated_offset_s"])
                first, last = row["local_time_min"], row["local_time_max"]
                known = spans.get(clock)
                spans[clock] = (first, last) if known is None else (min(first, known[0]), max(last, known[1]))
        return out

    def _coverage_rows(self) -> list[dict[str, Any]]:
        said = list(self._coverage)
        named = {c["channel"] for c in said}
        plain: dict[str, Any] = {
            "scope": "all", "scope_id": None, "local_from": None, "local_to": None, "zone_basis": None,
            "stated_offset_s": None, "basis": "observed", "complete": "unknown",
        }  # fmt: skip
        # what a reader keeps without saying what it covers is at least observed
        own = {k[1] for k in self._spans if k[0] == "events"}
        for channel in sorted(own - named) if len(named) != 1 or named <= own else ():
            kinds = sorted({k[2] for k in self._spans if k[0] == "events" and k[1] == channel})
            said.append({**plain, "channel": channel, "classes": " ".join(kinds)})
        if not said and self._spans and self._channels:
            kinds = sorted({k[2] for k in self._spans})
            said.append({**plain, "channel": self._channels[0], "classes": " ".join(kinds)})
        scoped = {
            scope: self._scoped(scope, {c["scope_id"] for c in said if c["scope"] == scope})
            for scope in ("thread", "identifier")
            if any(c["scope"] == scope and (c["local_from"] is None or c["local_to"] is None) for c in said)
        }
        rows: list[dict[str, Any]] = []
        for cover in said:
            if cover["local_from"] is not None and cover["local_to"] is not None:
                rows.append({**cover, **self._usual_clock(cover)})
                continue
            if cover["scope"] == "all":
                spans = self._span_of(cover["channel"], cover["classes"])
            else:
                spans = scoped[cover["scope"]].get((cover["channel"], cover["scope_id"]), {})
            for basis, offset, first, last in self._clocks(spans):
                if cover["zone_basis"] not in (None, basis):
                    continue
                begin = cover["local_from"] if cover["local_from"] is not None else first
                end = cover["local_to"] if cover["local_to"] is not None else last
                rows.append(
                    {**cover, "zone_basis": basis, "stated_offset_s": offset, "local_from": begin, "local_to": end}
                )
        return rows

    def _usual_clock(self, cover: Mapping[str, Any]) -> dict[str, Any]:
        """Return the clock of times that a reader gave without naming one: that of the channel's rows."""
        if cover["zone_basis"] is not None:
            return {}
        clocks = self._clocks(self._span_of(cover["channel"], cover["classes"]))
        basis, offset = (clocks[0][0], clocks[0][1]) if clocks else ("utc", None)
        return {"zone_basis": basis, "stated_offset_s": offset}

    def discard(self) -> None:
        """Throw away what was written: nothing of the source is stored."""
        for spool in self._spools.values():
            with contextlib.suppress(StoreWriteError):
                spool.close()
            spool.path.unlink(missing_ok=True)

    # -- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> Part:
        """Close the files, check the counts, return what the source adds to the store.

        Raises
        ------
        InternalError
            The reader lost or doubled a record.
        StoreWriteError
            The disk is full.
        """
        if self.fault is not None:
            raise self.fault
        for table in _ID:
            self._flush(table)
        self._flush_rejects()
        for spool in self._spools.values():
            spool.close()
        if self._read != self._kept + self._rejected + self._out_of_scope:
            self._fail(
                f"read {self._read} records, but kept {self._kept}, rejected {self._rejected} and put "
                f"{self._out_of_scope} out of scope: the sum must be the same"
            )
        if self._marks.highest > self._read:
            self._fail(f"record number {self._marks.highest} of {self._read} records")
        self._check_subs()
        if self._more_notes:
            self._notes.append(f"and {self._more_notes} further notes")
        part = Part(
            self._source_id, self._read, self._kept, self._rejected, self._out_of_scope,
            {t: s for t, s in self._spools.items() if s.rows}, self._coverage_rows(), self._notes, self._owners,
            self._companions,
        )  # fmt: skip
        part.first, part.last = self._first_last()
        return part

    def _check_subs(self) -> None:
        """Further rows of a record need a first one, and a number that no other row of the record has."""
        several = sum(bool(self._spools[t].rows) for t in _ID) > 1
        further: list[npt.NDArray[np.int64]] = []
        for table in _ID:
            for data in self._spools[table].batches(["_key"]):
                keys = data["_key"].to_numpy()
                keys = keys[(keys & ((1 << _SUB_BITS) - 1)) > 1]
                lost = np.flatnonzero(~self._marks.has(keys >> _SUB_BITS))
                if len(lost):
                    n = int(keys[lost[0]]) >> _SUB_BITS
                    self._fail(f"table {table}: record number {n} has a further row but no first one")
                if several and len(keys):
                    further.append(keys)
        if further:
            keys = np.sort(np.concatenate(further))
            same = np.flatnonzero(np.diff(keys) == 0)
            if len(same):
                n, sub = divmod(int(keys[same[0]]), 1 << _SUB_BITS)
                self._fail(f"record number {n} has two rows with the sub-number {sub}")

    def _first_last(self) -> tuple[str | None, str | None]:
        clocks = self._clocks(self._merged(list(self._spans)))
        if not clocks:
            return None, None
        # readings of different clocks lie at most a day apart from what they seem; good enough to show
        first = min(clocks, key=lambda c: (c[2], c[0]))
        last = max(clocks, key=lambda c: (c[3], c[0]))
        return _reading(first[2], first[0], first[1]), _reading(last[3], last[0], last[1])


def _reading(us: int, basis: str, offset: int | None) -> str:
    text = str(np.datetime64(us // 1_000_000, "s"))
    if basis == "utc":
        return text + "Z"
    if basis == "stated" and offset is not None:
        sign, rest = ("-", -offset) if offset < 0 else ("+", offset)
        return f"{text}{sign}{rest // 3600:02d}:{rest // 60 % 60:02d}"
    return text


def _whole(value: Any) -> Any:
    """Join halves of surrogate pairs and replace single halves."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _first_bad(value: Any, kind: pa.DataType) -> int | None:
    """Find the value that does not fit, one by one: only for the error."""
    for row, one in enumerate(value):
        try:
            if isinstance(one, pa.Scalar):
                one.cast(kind)
            else:
                pa.scalar(one.item() if isinstance(one, np.generic) else one, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return row
    return None
