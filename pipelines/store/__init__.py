"""The store of a case: five tables in a few Parquet files, and a manifest that says which files they are.

Readers believe nothing but ``manifest.json``. A file is named by the hash of its bytes, so a new generation never writes
over an old file; it is complete on the disk before the manifest is replaced, in one step. Between the two the custody
log records the hash of the new manifest: after a crash the next command that writes finishes what was recorded and
discards what was not. So there is the old state or the new one, and never a mixture.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detector.schema import READABLE_VERSIONS, SCHEMA_VERSION, STORED, TableError, empty, stored_schema, validate
from pipelines._version import __version__
from pipelines.errors import InternalError, UserError, shown
from pipelines.files import replace_file, sha256_of, sync_folder, write_synced
from pipelines.store import custody
from pipelines.store.sink import Part, StoreWriteError

FOLDER = "store"
MANIFEST = "manifest.json"
MANIFEST_NAME = f"{FOLDER}/{MANIFEST}"
NEXT = "manifest.next.json"
LOCAL = "local.json"
#: rows of one row group: the same for every store, so that the same rows give the same files
ROW_GROUP = 131_072
_FORMAT = "qorgan.store/1"
_FILE = re.compile(r"(" + "|".join(STORED) + r")-[0-9a-f]{16}\.parquet")
_HEX = re.compile(r"[0-9a-f]{64}")
#: rows of these tables belong to a record: they come from readers batch by batch
_STREAMED = ("events", "positions", "rejects", "listed")
_ID = {"events": "event_id", "positions": "position_id", "listed": "entry_id"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the store, as the manifest has it."""

    file: str
    rows: int
    content_sha256: str
    file_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the store consists of."""

    case_id: str
    tables: Mapping[str, Entry]
    qorgan: str = __version__
    schema_version: int = SCHEMA_VERSION

    def to_bytes(self) -> bytes:
        """Return the file's bytes; the same content gives the same bytes."""
        data = {
            "format": _FORMAT, "schema_version": self.schema_version, "qorgan": self.qorgan, "case_id": self.case_id,
            "tables": {
                t: {"file": e.file, "rows": e.rows, "content_sha256": e.content_sha256, "file_sha256": e.file_sha256}
                for t, e in sorted(self.tables.items())
            },
        }  # fmt: skip
        return (json.dumps(data, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Manifest:
        """Read a manifest; anything unusual is an error."""
        try:
            data = json.loads(raw)
            if data["format"] != _FORMAT:
                raise ValueError
            version = data["schema_version"]
            tables = {
                t: Entry(e["file"], e["rows"], e["content_sha256"], e["file_sha256"]) for t, e in data["tables"].items()
            }
            made = cls(data["case_id"], tables, data["qorgan"], version)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UserError(f"{MANIFEST_NAME} was changed or is none: qorgan verify says more") from None
        if version not in READABLE_VERSIONS:
            raise UserError(
                f"the store was written with version {version} of the tables, this qorgan has version {SCHEMA_VERSION}: "
                "ingest the exports into a new case"
            )
        for name, entry in tables.items():
            sound = (
                name in STORED and isinstance(entry.file, str) and isinstance(entry.file_sha256, str)
                and isinstance(entry.content_sha256, str) and _HEX.fullmatch(entry.file_sha256)
                and entry.file == f"{name}-{entry.file_sha256[:16]}.parquet" and type(entry.rows) is int
            )  # fmt: skip
            if not sound:
                raise UserError(f"{MANIFEST_NAME} was changed: table {shown(str(name))} does not fit")
        return made


@dataclass(frozen=True, slots=True)
class StoreTables:
    """The stored tables of a case, in stored schema, sorted by (source, record, row)."""

    events: pa.Table
    positions: pa.Table
    sources: pa.Table
    coverage: pa.Table
    rejects: pa.Table
    listed: pa.Table
    unread: pa.Table


@dataclass(slots=True)
class SourceRow:
    """One row of ``sources``, with where the file lay when it was ingested (kept outside the tables)."""

    values: dict[str, Any]
    origin: str = ""


# -- hashes that do not depend on how Parquet lays rows out ------------------------------------------------------------


class ContentHash:
    """SHA-256 over the canonical rows of a table, batch by batch.

    For every column two streams are hashed: *shape* (for text the length of each value in bytes as int32, -1 for null;
    for others one byte, 1 or 0 for null) and *values* (UTF-8 bytes one after another; numbers little-endian, 0 for
    null; booleans one byte). The hash of the table is that of its name, its column names and types, its number of rows and
    the digests of the streams. Row groups, batches, compression and encodings do not enter.
    """

    def __init__(self, table: str) -> None:
        self._name = table
        self._schema = stored_schema(table)
        self._streams = [(hashlib.sha256(), hashlib.sha256()) for _ in self._schema]
        self.rows = 0

    def update(self, data: pa.Table) -> None:
        """Add rows."""
        self.rows += data.num_rows
        for (shape, values), column in zip(self._streams, data.columns, strict=True):
            for chunk in column.chunks:
                if pa.types.is_string(chunk.type):
                    lengths = pc.fill_null(pc.binary_length(chunk), -1)
                    shape.update(_le(lengths, "<i4"))
                    if chunk.null_count:
                        chunk = chunk.drop_null()
                    if len(chunk):
                        # a string array is int32 offsets and one block of bytes
                        _, offsets, block = chunk.buffers()
                        ends = np.frombuffer(offsets, np.int32, len(chunk) + 1, chunk.offset * 4)
                        if block is not None:
                            values.update(memoryview(block)[int(ends[0]) : int(ends[-1])])
                    continue
                shape.update(_le(chunk.is_valid(), "u1"))
                if chunk.null_count:
                    chunk = pc.fill_null(chunk, pa.scalar(False if pa.types.is_boolean(chunk.type) else 0, chunk.type))
                kind = {"bool": "u1", "int32": "<i4", "int64": "<i8", "double": "<f8"}[str(chunk.type)]
                values.update(_le(chunk, kind))

    def hexdigest(self) -> str:
        """Return the hash of all rows so far."""
        whole = hashlib.sha256()
        columns = ",".join(f"{f.name}:{f.type}" for f in self._schema)
        whole.update(f"qorgan.table/1 {self._name} {columns} ".encode())
        whole.update(struct.pack("<Q", self.rows))
        for shape, values in self._streams:
            whole.update(shape.digest())
            whole.update(values.digest())
        return whole.hexdigest()


def _le(array: pa.Array, kind: str) -> bytes:
    made: bytes = array.to_numpy(zero_copy_only=False).astype(kind, copy=False).tobytes()
    return made


def content_hash(table: str, data: pa.Table) -> str:
    """Return the content hash of a whole table (see :class:`ContentHash`)."""
    made = ContentHash(table)
    made.update(data)
    return made.hexdigest()


# -- writing one file -------------------------------------------------------------------------------------------------


class _HashedFile(io.RawIOBase):
    """A file that hashes what is written to it: Parquet is written front to back."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb")
        self.digest = hashlib.sha256()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._file.write(view)
        self.digest.update(view)
        self._at += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        super().close()


class _TableWriter:
    """Writes one table front to back: validated, counted, hashed, in row groups of one size."""

    def __init__(self, folder: Path, table: str) -> None:
        self.table = table
        self._path = folder / f"{table}.parquet"
        self._schema = stored_schema(table)
        # the meanings of the columns are in the package: in every file they would cost more than a small case's rows
        self._plain = pa.schema([pa.field(f.name, f.type, f.nullable) for f in self._schema])
        self._content = ContentHash(table)
        self._held: list[pa.Table] = []
        self._rows_held = 0
        self._file: _HashedFile | None = None
        self._writer: Any = None
        #: source -> records that begin in this table
        self.records: Counter[str] = Counter()

    def write(self, data: pa.Table) -> None:
        """Add rows that follow those before."""
        if not data.num_rows:
            return
        data = pa.Table.from_arrays(data.columns, schema=self._schema)
        validate(self.table, data, stored=True)
        self._content.update(data)
        self.records.update(records(self.table, data))
        self._held.append(pa.Table.from_arrays(data.columns, schema=self._plain))
        self._rows_held += data.num_rows
        if self._rows_held >= ROW_GROUP:
            whole = pa.concat_tables(self._held)
            start = 0
            while whole.num_rows - start >= ROW_GROUP:
                self._group(whole.slice(start, ROW_GROUP))
                start += ROW_GROUP
            rest = whole.slice(start).combine_chunks()  # a copy: the slice would hold the whole
            self._held, self._rows_held = [rest], rest.num_rows

    def _group(self, data: pa.Table) -> None:
        if self._writer is None:
            self._file = _HashedFile(self._path)
            self._writer = pq.ParquetWriter(
                self._file, self._plain, compression="zstd", compression_level=3, store_schema=False,
                write_page_checksum=True,
            )  # fmt: skip
        self._writer.write_table(data.combine_chunks(), row_group_size=ROW_GROUP)

    def finish(self) -> tuple[Path, Entry] | None:
        """Close the file and bring it to the disk; None if the table has no rows."""
        if self._rows_held:
            self._group(pa.concat_tables(self._held))
        if self._writer is None or self._file is None:
            return None
        self._writer.close()
        self._file.sync()
        self._file.close()
        sha256 = self._file.digest.hexdigest()
        name = f"{self.table}-{sha256[:16]}.parquet"
        return self._path, Entry(name, self._content.rows, self._content.hexdigest(), sha256)

    def abort(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def records(table: str, data: pa.Table) -> Counter[str]:
    """Count for every source the records that have their first row here."""
    if table in _ID:
        data = data.filter(pc.invert(pc.match_substring(data[_ID[table]], ".")))
    elif table != "rejects":
        return Counter()
    counted = pc.value_counts(data["source_id"].combine_chunks())
    return Counter({str(c["values"]): int(c["counts"]) for c in counted.to_pylist()})


def kept_of(counts: Mapping[str, Counter[str]]) -> Counter[str]:
    """Add up, over the tables of rows that records are kept in, how many records of each source begin there."""
    return sum((counts.get(t, Counter()) for t in _ID), Counter())


def conserved(sources: pa.Table, kept: Mapping[str, int], rejected: Mapping[str, int]) -> None:
    """Refuse a store in which a source does not add up, or rows belong to no source."""
    known = set()
    for row in sources.select(["source_id", "read", "kept", "rejected", "out_of_scope"]).to_pylist():
        name = row["source_id"]
        known.add(name)
        if row["read"] != row["kept"] + row["rejected"] + row["out_of_scope"]:
            raise TableError(f"source {name}: read is not kept + rejected + out of scope")
        for word, counts in (("kept", kept), ("rejected", rejected)):
            if row[word] != counts.get(name, 0):
                raise TableError(f"source {name}: {row[word]} records {word}, but {counts.get(name, 0)} are there")
    for counts in (kept, rejected):
        for name in counts:
            if name not in known:
                raise TableError(f"rows of source {name}, which is not in the table sources")


# -- reading ----------------------------------------------------------------------------------------------------------


def read_manifest(case_dir: str | Path) -> Manifest | None:
    """Return the manifest, or None if nothing was ingested yet.

    Raises
    ------
    UserError
        The manifest is damaged, or of another version of the tables.
    """
    path = Path(case_dir) / FOLDER / MANIFEST
    try:
        return Manifest.from_bytes(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{MANIFEST_NAME} cannot be read: {error.strerror}") from None


def _damaged(name: str) -> UserError:
    return UserError(f"{FOLDER}/{name} was changed since it was written: qorgan verify says more")


def _read_entry(folder: Path, table: str, entry: Entry | None, check: bool = True) -> pa.Table:
    if entry is None:
        return empty(table, stored=True)
    with pa.memory_map(str(folder / entry.file)) as file:
        whole = file.read_buffer()
        if check and hashlib.sha256(whole).hexdigest() != entry.file_sha256:
            raise _damaged(entry.file)
        try:
            data = pq.ParquetFile(pa.BufferReader(whole), page_checksum_verification=True).read(use_threads=False)
        except (pa.ArrowException, OSError):
            raise _damaged(entry.file) from None
    return _as_stored(table, data, entry.file)


def _as_stored(table: str, data: pa.Table, name: str) -> pa.Table:
    schema = stored_schema(table)
    if data.schema.names != schema.names or data.schema.types != schema.types:
        raise TableError(f"{FOLDER}/{name} does not have the columns of table {table}")
    return pa.Table.from_arrays(data.columns, schema=schema)


def read(case_dir: str | Path) -> StoreTables:
    """Read the store of a case.

    Parameters
    ----------
    case_dir : path
        The case.

    Returns
    -------
    StoreTables
        Every table in stored schema; a table without rows is empty. File hashes, schema and conservation were checked.

    Raises
    ------
    UserError
        Nothing was ingested yet, or a file was changed.
    """
    folder = Path(case_dir) / FOLDER
    manifest = read_manifest(case_dir)
    if manifest is None:
        raise UserError(f"nothing was ingested into {shown(str(case_dir))} yet: qorgan ingest does that")
    while True:
        try:
            tables = {t: _read_entry(folder, t, manifest.tables.get(t)) for t in STORED}
            break
        except FileNotFoundError:
            # a command that ended in this very moment has replaced the files: then the manifest is another one, too
            again = read_manifest(case_dir)
            if again is None or again == manifest:
                raise UserError("a file of the store is missing: qorgan verify says more") from None
            manifest = again
    try:
        check_tables(tables, manifest)
    except TableError as error:
        raise UserError(f"the store cannot be used: {error}") from None
    return StoreTables(**tables)


def check_tables(tables: Mapping[str, pa.Table], manifest: Manifest) -> None:
    """Refuse tables that do not fit the schema, do not add up, or are not those of the manifest."""
    for name, data in tables.items():
        validate(name, data, stored=True)
        entry = manifest.tables.get(name)
        if entry is not None and entry.rows != data.num_rows:
            raise TableError(f"table {name}: {data.num_rows} rows, the manifest says {entry.rows}")
    kept = kept_of({t: records(t, tables[t]) for t in _ID})
    conserved(tables["sources"], kept, records("rejects", tables["rejects"]))


def read_sources(case_dir: str | Path) -> pa.Table:
    """Return the table ``sources`` alone (empty if nothing was ingested yet)."""
    manifest = read_manifest(case_dir)
    entry = None if manifest is None else manifest.tables.get("sources")
    return _read_entry(Path(case_dir) / FOLDER, "sources", entry)


def read_local(case_dir: str | Path) -> dict[str, str]:
    """Return source_id → path where the file, or the archive it is in, lay. Outside the hashes; may be out of date."""
    try:
        data = json.loads((Path(case_dir) / FOLDER / LOCAL).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {k: v for k, v in data.items() if isinstance(k, str) and isinstance(v, str)}


def leftovers(case_dir: str | Path) -> list[str]:
    """Return the names in ``store/`` that the manifest does not know."""
    folder = Path(case_dir) / FOLDER
    if not folder.is_dir():
        return []
    manifest = read_manifest(case_dir)
    known = {MANIFEST, LOCAL} | ({e.file for e in manifest.tables.values()} if manifest is not None else set())
    return sorted(p.name for p in folder.iterdir() if p.name not in known)


def recover(case_dir: str | Path) -> None:
    """Finish or undo what an interrupted command left. The caller holds the lock.

    A prepared manifest whose hash is the one that the last line of the custody log records is put in force: all its
    files are on the disk. Any other is discarded, with the files that nobody refers to.
    """
    folder = Path(case_dir) / FOLDER
    if not folder.is_dir():
        return
    prepared = folder / NEXT
    if prepared.exists():
        recorded = custody.last_results(case_dir).get(MANIFEST_NAME)
        raw = prepared.read_bytes()
        if recorded == hashlib.sha256(raw).hexdigest():
            for entry in Manifest.from_bytes(raw).tables.values():
                if not (folder / entry.file).exists():
                    raise UserError(f"{FOLDER}/{entry.file} is missing: qorgan verify says more")
            prepared.replace(folder / MANIFEST)
            sync_folder(folder)
        else:
            prepared.unlink()
    for name in leftovers(case_dir):
        path = folder / name
        if name.startswith(".new-") and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif name.startswith(".new-") or _FILE.fullmatch(name):
            path.unlink()


def require_intact(case_dir: str | Path) -> Manifest | None:
    """Refuse to build on a store that was changed from outside. The caller holds the lock and has called recover.

    Raises
    ------
    UserError
        The manifest is not the one that the custody log records, or a file does not have the hash of the manifest.
    """
    manifest = read_manifest(case_dir)
    folder = Path(case_dir) / FOLDER
    recorded = custody.recorded(case_dir).get(MANIFEST_NAME)
    if manifest is None:
        if recorded is not None:
            raise UserError(f"{MANIFEST_NAME} is missing: qorgan verify says more")
        return None
    if recorded != sha256_of(folder / MANIFEST):
        raise UserError(f"{MANIFEST_NAME} is not the one that the custody log records: qorgan verify says more")
    for entry in manifest.tables.values():
        try:
            if sha256_of(folder / entry.file) != entry.file_sha256:
                raise _damaged(entry.file)
        except FileNotFoundError:
            raise UserError(f"{FOLDER}/{entry.file} is missing: qorgan verify says more") from None
    return manifest


# -- a new generation -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Change:
    parts: dict[str, Part] = field(default_factory=dict)
    rows: dict[str, SourceRow] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    unread: dict[str, dict[str, Any]] = field(default_factory=dict)


class Generation:
    """A change of the store: sources added, sources taken out, then one commit.

    Use it as a context manager under the case's lock. Without :meth:`commit` nothing is changed.

    Parameters
    ----------
    case_dir : path
        The case.
    case_id : str
        Id of the case, which every row bears.

    Raises
    ------
    UserError
        The store was changed from outside, belongs to another case, or cannot be written.
    """

    def __init__(self, case_dir: str | Path, case_id: str) -> None:
        self._case_dir = Path(case_dir)
        self._folder = self._case_dir / FOLDER
        self._case_id = case_id
        self._change = _Change()
        self._dropped = 0
        self._was_unread: dict[str, dict[str, Any]] | None = None
        recover(case_dir)
        self._old = require_intact(case_dir)
        if self._old is not None and self._old.case_id != case_id and "sources" in self._old.tables:
            raise UserError(
                f"the store belongs to case {shown(self._old.case_id)!r}, but case.toml says {shown(case_id)!r}: "
                "ingest into a new case, or put the old id back"
            )
        self.folder = self._folder / f".new-{os.getpid()}"
        self._made_store = not self._folder.exists()
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"the store cannot be written: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        # what this fails to clear away is cleared away by the next command that writes
        with contextlib.suppress(OSError, UserError):
            recover(self._case_dir)
            if self._made_store and not any(self._folder.iterdir()):
                self._folder.rmdir()

    def sources(self) -> dict[str, str]:
        """Return source_id → SHA-256 of the sources that are in the store now."""
        entry = None if self._old is None else self._old.tables.get("sources")
        table = _read_entry(self._folder, "sources", entry)
        return dict(zip(table["source_id"].to_pylist(), table["sha256"].to_pylist(), strict=True))

    def add(self, row: SourceRow, part: Part) -> None:
        """Add a source with its row of ``sources`` (the counts are taken from the part)."""
        counts = {
            "read": part.read, "kept": part.kept, "rejected": part.rejected, "out_of_scope": part.out_of_scope,
        }  # fmt: skip
        self._change.rows[part.source_id] = SourceRow({**row.values, **counts}, row.origin)
        self._change.parts[part.source_id] = part

    def remove(self, source_id: str) -> None:
        """Take a source out, with all its rows."""
        self._change.removed.add(source_id)

    def unread(self, values: dict[str, Any]) -> None:
        """List a file of which nothing was read (a row of ``unread``); a source with its id takes it off the list."""
        if self._was_unread is None:
            entry = None if self._old is None else self._old.tables.get("unread")
            table = _read_entry(self._folder, "unread", entry)
            self._was_unread = {r["source_id"]: r for r in table.to_pylist()}
        if self._was_unread.get(values["source_id"]) != values:
            self._change.unread[values["source_id"]] = values

    @property
    def changed(self) -> bool:
        """Is there anything to commit."""
        return bool(self._change.parts or self._change.removed or self._change.unread)

    def commit(self, record: Callable[[str], None]) -> str:
        """Write the new generation and put it in force.

        Parameters
        ----------
        record : callable
            Is given the SHA-256 of the new manifest when all files are on the disk, and must log it durably (custody).
            If it raises, the old state stays.

        Returns
        -------
        str
            SHA-256 of the new manifest.

        Raises
        ------
        UserError
            The disk is full: the old state stays.
        InternalError
            The new tables do not fit their schema or do not add up: the old state stays.
        """
        try:
            return self._commit(record)
        except StoreWriteError as error:
            raise UserError(f"the store cannot be written: {error}; nothing was changed") from None
        except TableError as error:
            raise InternalError(str(error)) from None
        except OSError as error:
            reason = error.strerror or "writing failed"
            raise UserError(f"the store cannot be written: {reason}; nothing was changed") from None

    def _commit(self, record: Callable[[str], None]) -> str:
        tables: dict[str, Entry] = {}
        fresh: list[tuple[Path, Entry]] = []
        counts: dict[str, Counter[str]] = {}
        for table in STORED:
            entry, made, counted = self._write_table(table)
            counts[table] = counted
            if made is not None:
                fresh.append((made, entry))  # type: ignore[arg-type]
            if entry is not None:
                tables[table] = entry
        self._check_counts(counts)
        manifest = Manifest(self._case_id, tables)
        raw = manifest.to_bytes()
        for path, entry in fresh:
            path.replace(self._folder / entry.file)
        sync_folder(self._folder)
        sync_folder(self._case_dir)
        prepared = self._folder / NEXT
        try:
            write_synced(prepared, raw)
            sync_folder(self._folder)
            record(hashlib.sha256(raw).hexdigest())
        except Exception:
            prepared.unlink(missing_ok=True)
            raise
        # from here on the log says that the new state holds: whatever happens, recover() brings it about
        try:
            prepared.replace(self._folder / MANIFEST)
            sync_folder(self._folder)
        except OSError as error:
            reason = error.strerror or "writing failed"
            raise UserError(
                f"the change is recorded, but could not be put in force: {reason}; the next ingest or remove does that"
            ) from None
        with contextlib.suppress(OSError):  # only tells show where to look first; outside the hashes
            self._write_local()
        return hashlib.sha256(raw).hexdigest()

    def _write_local(self) -> None:
        known = read_local(self._case_dir)
        known.update((s, r.origin) for s, r in self._change.rows.items() if r.origin)
        for source in self._change.removed - set(self._change.rows):
            known.pop(source, None)
        text = json.dumps(known, sort_keys=True, indent=1, ensure_ascii=True) + "\n"
        replace_file(self._folder / LOCAL, text.encode("ascii"))

    def _write_table(self, table: str) -> tuple[Entry | None, Path | None, Counter[str]]:
        """Write one table of the new generation; keep the old file where nothing changes."""
        old = None if self._old is None else self._old.tables.get(table)
        gone = self._change.removed | set(self._change.parts)
        adds = any(self._adds(p, table) for p in self._change.parts.values())
        if table == "unread":
            adds = bool(self._change.unread) or (old is not None and bool(self._change.parts))
        if not adds and (old is None or not self._change.removed):
            return old, None, Counter()
        writer = _TableWriter(self.folder, table)
        try:
            rows = self._streamed(table, old, gone) if table in _STREAMED else self._small(table, old, gone)
            for data in rows:
                writer.write(data)
            made = writer.finish()
            if table in _STREAMED:
                added = sum(p.spools[table].rows for p in self._change.parts.values() if table in p.spools)
                expected = added + (0 if old is None else old.rows) - self._dropped
                if expected != (0 if made is None else made[1].rows):
                    raise InternalError(f"table {table}: rows were lost on the way to the store")
        except BaseException:
            writer.abort()
            raise
        if made is None:
            return None, None, Counter()
        return made[1], made[0], writer.records

    @staticmethod
    def _adds(part: Part, table: str) -> bool:
        if table == "coverage":
            return bool(part.coverage)
        if table == "unread":
            return False
        return table == "sources" or table in part.spools

    def _small(self, table: str, old: Entry | None, gone: set[str]) -> Iterator[pa.Table]:
        """Yield ``sources``, ``coverage`` or ``unread``, whole: they have a few rows for every source."""
        data = _read_entry(self._folder, table, old, check=False)
        if table == "unread":
            gone = gone | set(self._change.unread)
        data = data.filter(pc.invert(pc.is_in(data["source_id"], value_set=pa.array(sorted(gone), pa.string()))))
        rows: list[dict[str, Any]]
        if table == "sources":
            rows = [r.values for r in self._change.rows.values()]
            keys = ["source_id"]
        elif table == "unread":
            rows = [r for s, r in self._change.unread.items() if s not in self._change.parts]
            keys = ["source_id"]
        else:
            rows = [{"source_id": s, **c} for s, p in self._change.parts.items() for c in p.coverage]
            keys = [f.name for f in stored_schema("coverage")]
        fresh = pa.Table.from_pylist(rows, schema=stored_schema(table))
        whole = pa.concat_tables([data, fresh])
        order = pc.sort_indices(whole, sort_keys=[(k, "ascending") for k in keys])
        yield whole.take(order).combine_chunks()

    def _streamed(self, table: str, old: Entry | None, gone: set[str]) -> Iterator[pa.Table]:
        """Yield the old rows with the new ones in their places, source by source."""
        self._dropped = 0
        waiting = sorted((s for s, p in self._change.parts.items() if table in p.spools), reverse=True)
        for source, data in _runs(self._case_dir, table, old):
            while waiting and waiting[-1] < source:
                yield from self._change.parts[waiting.pop()].spools[table].sorted_rows()
            if source in gone:
                self._dropped += data.num_rows
            else:
                yield data
        while waiting:
            yield from self._change.parts[waiting.pop()].spools[table].sorted_rows()

    def _check_counts(self, counts: Mapping[str, Counter[str]]) -> None:
        """Refuse a generation in which what is written is not what the readers counted.

        A table that did not change is not read again: what its sources have there was counted when it was written.
        """
        for source, part in self._change.parts.items():
            kept = sum(counts[t][source] for t in _ID)
            if (part.read, part.kept, part.rejected) != (
                part.kept + part.rejected + part.out_of_scope, kept, counts["rejects"][source],
            ):  # fmt: skip
                raise InternalError(
                    f"source {source}: read {part.read}, kept {part.kept} ({kept} written), rejected {part.rejected} "
                    f"({counts['rejects'][source]} written), out of scope {part.out_of_scope} do not add up"
                )


def batches(folder: Path, table: str, entry: Entry, *, check: bool = False) -> Iterator[pa.Table]:
    """Yield the rows of a stored file batch by batch, in stored schema.

    Parameters
    ----------
    folder : path
        The case.
    table : str
        Name of the table.
    entry : Entry
        Its file.
    check : bool
        Validate every batch.

    Raises
    ------
    TableError
        The file does not have the columns of the table, or a row does not fit.
    """
    with pa.OSFile(str(folder / FOLDER / entry.file), "rb") as file:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        for batch in parquet.iter_batches(batch_size=ROW_GROUP, use_threads=False):
            data = _as_stored(table, pa.Table.from_batches([batch]), entry.file)
            if check:
                validate(table, data, stored=True)
            yield data


def _runs(folder: Path, table: str, entry: Entry | None) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of a stored file in order, cut at every change of source."""
    if entry is None:
        return
    for data in batches(folder, table, entry):
        codes = data["source_id"].combine_chunks().dictionary_encode()
        index = codes.indices.to_numpy()
        cuts = [0, *(np.flatnonzero(np.diff(index)) + 1).tolist(), len(index)]
        for start, end in itertools.pairwise(cuts):
            if end > start:
                yield codes.dictionary[int(index[start])].as_py(), data.slice(start, end - start)


def find_sources(table: pa.Table, wanted: str) -> list[dict[str, Any]]:
    """Return the sources that an id, the beginning of an id (4 characters or more) or a file name stands for."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for same in (
        lambda r: r["source_id"] == wanted,
        lambda r: len(wanted) >= 4 and r["source_id"].startswith(wanted),
        lambda r: wanted in (r["name"], f"{r['container']}!{r['name']}"),
        lambda r: r["name"].replace("\\", "/").rpartition("/")[2] == wanted,
    ):
        if found := [r for r in rows if same(r)]:
            return found
    return []
