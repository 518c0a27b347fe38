"""A sink that keeps everything as plain rows, for the tests of single readers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from pipelines.identifiers import phone_identifier
from pipelines.readers.base import (
    EVENT_DEFAULTS,
    LISTED_DEFAULTS,
    POSITION_DEFAULTS,
    Context,
    Head,
    Reader,
    SourceFile,
)


def _plain(value: Any, rows: int) -> list[Any]:
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        value = value.to_pylist()
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    elif isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return [value] * rows
    assert len(value) == rows, f"column of {len(value)} values for {rows} rows"
    return list(value)


class Collected:
    """What a reader put out."""

    def __init__(self) -> None:
        self.event_rows: list[dict[str, Any]] = []
        self.position_rows: list[dict[str, Any]] = []
        self.listed_rows: list[dict[str, Any]] = []
        self.companions: list[tuple[str, SourceFile]] = []
        self.rejects: list[tuple[int, str, str]] = []
        self.scoped_out = 0
        self.records = 0
        self.notes: list[str] = []
        self.owners: list[str] = []
        self.covers: list[dict[str, Any]] = []

    def _rows(self, rows: int, columns: Mapping[str, Any], defaults: dict[str, Any]) -> list[dict[str, Any]]:
        unknown = set(columns) - set(defaults) - {"n", "record", "local_time", "kind", "direction", "subject",
                                                  "list", "channel"}  # fmt: skip
        assert not unknown, f"unknown columns {unknown}"
        full = {k: _plain(v, rows) for k, v in {**defaults, **columns}.items()}
        return [dict(zip(full, values, strict=True)) for values in zip(*full.values(), strict=True)]

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.event_rows += self._rows(rows, columns, EVENT_DEFAULTS)

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.position_rows += self._rows(rows, columns, POSITION_DEFAULTS)

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.listed_rows += self._rows(rows, columns, LISTED_DEFAULTS)

    def companion(self, role: str, source: SourceFile) -> None:
        self.companions.append((role, source))

    def reject(self, n: int, record: str, reason: str) -> None:
        self.rejects.append((n, record, reason))

    def out_of_scope(self, records: int = 1) -> None:
        self.scoped_out += records

    def read(self, records: int) -> None:
        self.records += records

    def note(self, text: str) -> None:
        self.notes.append(text)

    def owner(self, identifiers: Sequence[str]) -> None:
        self.owners += identifiers

    def coverage(self, channel: str, classes: str, **more: Any) -> None:
        self.covers.append({"channel": channel, "classes": classes, **more})

    @property
    def kept(self) -> int:
        """Number of records (not rows) that were kept."""
        return len({r["n"] for r in (*self.event_rows, *self.position_rows, *self.listed_rows)})

    def conserved(self) -> bool:
        """Return whether read = kept + rejected + out of scope."""
        return self.records == self.kept + len(self.rejects) + self.scoped_out


class Folder:
    """Files that lie beside a source: what a reader may look things up in."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = {name: source_of(data, name) for name, data in files.items()}

    def find(self, pattern: str) -> list[SourceFile]:
        wanted = (pattern.casefold(), pattern.casefold().removeprefix("*/"))
        return [s for n, s in sorted(self.files.items()) if any(fnmatchcase(n.casefold(), w) for w in wanted)]


def source_of(data: bytes | Path, name: str = "", container: str | None = None) -> SourceFile:
    """Make a source from a file, or from bytes that can be opened but not seeked in."""
    if isinstance(data, Path):
        path = data

        def opener() -> BinaryIO:
            return path.open("rb")

        raw = path.read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        return SourceFile(digest[:12], name or path.name, container, len(raw), opener, str(path), sha256=digest)
    digest = hashlib.sha256(data).hexdigest()
    return SourceFile(digest[:12], name, container, len(data), lambda: io.BytesIO(data), None, sha256=digest)


def context(
    region: str | None = "KZ", owner: Sequence[str] = (), contacts: Sequence[str] = (), **options: str
) -> Context:
    """Make a reader's context."""
    return Context(lambda raw: phone_identifier(raw, region), frozenset(owner), frozenset(contacts), options)


def collect(reader: Reader, data: bytes | Path, name: str = "", ctx: Context | None = None,
            container: str | None = None, beside: Mapping[str, bytes] | None = None) -> Collected:  # fmt: skip
    """Run a reader over a file or bytes, with the files that lie beside it, and return what it put out."""
    out = Collected()
    source = source_of(data, name, container)
    reader.read(source if beside is None else replace(source, beside=Folder(beside)), ctx or context(), out)
    return out


def head_of(data: bytes | Path, name: str = "", container: str | None = None) -> Head:
    """Make what recognition may look at."""
    raw = data.read_bytes() if isinstance(data, Path) else data
    source = source_of(data, name, container)
    return Head(raw[:65536], source.name, container, len(raw), source)
