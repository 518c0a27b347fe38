"""What the tests of the readers of Apple's data share: databases built from a script, and everything checked that always holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from detector import schema
from pipelines.locate import open_record
from pipelines.readers.base import Context, Reader, Unreadable, Waiting
from tests.collect import Collected, collect, source_of

#: stands in every field that holds content, and may be nowhere in the output
SECRET = "Құпия-сөз-7431"
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"
#: 2024-06-01T12:00:00Z, in seconds since 1970 and since 2001
UNIX = 1_717_243_200
COCOA = UNIX - 978_307_200


def database(path: Path, script: str, rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> bytes:
    """Build a database and return its bytes."""
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.executescript(script)
    for table, entries in (rows or {}).items():
        for entry in entries:
            names = ", ".join(f'"{n}"' for n in entry)
            db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(entry))})', list(entry.values()))
    db.commit()
    db.close()
    return path.read_bytes()


def _validated(table: str, id_name: str, rows: list[dict[str, Any]]) -> None:
    stored = schema.stored_schema(table)
    filled = [
        {"case_id": "t", id_name: f"0#{r['n']}" + (f".{r['sub']}" if r["sub"] > 1 else ""), "source_id": "0" * 12, **r}
        for r in rows
    ]
    made = pa.table({f.name: pa.array([r[f.name] for r in filled], f.type) for f in stored}, schema=stored)
    schema.validate(table, made, stored=True)


def checked(out: Collected, reader: Reader) -> Collected:
    """Check conservation, the schema, the channels, and that no content is anywhere."""
    assert out.conserved()
    _validated("events", "event_id", out.event_rows)
    _validated("listed", "entry_id", out.listed_rows)
    assert not out.position_rows
    channels = set(reader.description.channels)
    assert {r["channel"] for r in (*out.event_rows, *out.listed_rows)} <= channels
    assert {c["channel"] for c in out.covers} <= channels
    said = repr((out.event_rows, out.notes, out.rejects, out.covers, out.owners))
    assert SECRET not in said
    assert len({(r["n"], r["sub"]) for r in (*out.event_rows, *out.listed_rows)}) == out.kept
    return out


def read(
    reader: Reader, data: bytes | Path, name: str = "", ctx: Context | None = None, locate: bool = True
) -> Collected:
    """Read, check, and open every record again, which hides content."""
    out = checked(collect(reader, data, name, ctx), reader)
    if locate:
        source = source_of(data, name)
        for n, record in sorted({(r["n"], r["record"]) for r in (*out.event_rows, *out.listed_rows)})[:400]:
            found = open_record(source, record, reader.description.id, n)
            assert found.data
            assert SECRET not in found.masked, record
    return out


def columns(out: Collected, *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of the events."""
    return [tuple(r[name] for name in names) for r in out.event_rows]


def damaged(reader: Reader, data: bytes, name: str = "", ctx: Context | None = None, step: int = 1) -> set[str]:
    """Cut a database at every so many bytes and flip bytes: nothing but the two refusals may be raised; return their words."""
    said = set()
    whole = collect(reader, data, name, ctx)
    keys = {(r["n"], r["record"]) for r in (*whole.event_rows, *whole.listed_rows)}
    for cut in range(0, len(data), step):
        try:
            out = checked(collect(reader, data[:cut], name, ctx), reader)
        except (Unreadable, Waiting) as error:
            said.add(error.reason)
            continue
        assert {(r["n"], r["record"]) for r in (*out.event_rows, *out.listed_rows)} <= keys
    for at in range(16, len(data), step):
        hurt = bytearray(data)
        hurt[at] ^= 0xFF
        try:
            checked(collect(reader, bytes(hurt), name, ctx), reader)
        except (Unreadable, Waiting) as error:
            said.add(error.reason)
    assert SECRET not in repr(said)
    return said


def refused(reader: Reader, data: bytes, match: str) -> None:
    """The file is claimed by its reader and refused in one clear sentence."""
    with pytest.raises(Unreadable, match=match):
        collect(reader, data)
