"""Databases of chat apps for the tests: built from a script, damaged, read twice, checked as the store would check them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from detector import schema
from pipelines.identifiers import phone_identifier
from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Context, Reader, Unreadable
from tests.collect import Collected, collect, head_of, source_of

#: stands in every field that holds content, and must come out nowhere
SECRET = "ТАЙНА-secret-Ωμέγα"


def database(folder: Path, script: str, name: str = "chat.db") -> Path:
    """Build a database from a script."""
    path = folder / name
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.executescript(script)
    db.commit()
    db.close()
    return path


def _table(name: str, id_name: str, rows: list[dict[str, Any]]) -> None:
    stored = schema.stored_schema(name)
    full = [{"case_id": "t", id_name: f"0#{r['n']}", "source_id": "0" * 12, **r} for r in rows]
    table = pa.table({f.name: pa.array([r[f.name] for r in full], f.type) for f in stored}, schema=stored)
    schema.validate(name, table, stored=True)


def checked(reader: Reader, data: bytes | Path, ctx: Context | None = None,
            beside: Mapping[str, bytes] | None = None) -> Collected:  # fmt: skip
    """Read a database and check what every reading must keep to."""
    out = collect(reader, data, "x.db", ctx, beside=beside)
    assert out.conserved(), (out.records, out.kept, len(out.rejects), out.scoped_out)
    _table("events", "event_id", out.event_rows)
    _table("positions", "position_id", out.position_rows)
    _table("listed", "entry_id", out.listed_rows)
    for r in (*out.event_rows, *out.listed_rows):
        if r["identifier_kind"] in (
            "phone",
            "raw",
            "short",
        ):  # numbers are read again, in the case's region, from how they stand there
            assert phone_identifier(r["identifier_raw"], "KZ") == (r["identifier"], r["identifier_kind"])
    ends = [r["n"] for r in (*out.event_rows, *out.position_rows, *out.listed_rows)]
    assert not set(ends) & {n for n, _, _ in out.rejects}
    for rows in (out.event_rows, out.position_rows, out.listed_rows):
        assert len({(r["n"], r["sub"]) for r in rows}) == len(rows)
    said = repr((out.event_rows, out.position_rows, out.notes, out.rejects, out.covers, out.owners))
    assert SECRET not in said
    assert SECRET not in repr([{k: v for k, v in r.items() if k != "label"} for r in out.listed_rows])
    return out


def opened(reader: Reader, path: Path, out: Collected) -> None:
    """Open every kept and rejected record again, and see that the masked form hides the content."""
    source = source_of(path)
    records = [(r["record"], r["n"]) for r in (*out.event_rows, *out.position_rows, *out.listed_rows)]
    for record, n in [*records, *((record, n) for n, record, _ in out.rejects)]:
        raw = open_record(source, record, reader.description.id, n)
        assert raw.data
        assert SECRET not in raw.masked


def known(path: Path | bytes, name: str = "x.db") -> str:
    """Return the format by which a file is known."""
    claims, verdict = recognise(head_of(path, name))
    return claims[0][0] if verdict == "known" else verdict


def cut_everywhere(reader: Reader, path: Path, full: Collected, step: int = 997) -> None:
    """Cut a database at many places: nothing fails, everything is counted, and what is kept was there before."""
    data = path.read_bytes()
    rows = {repr(sorted(r.items(), key=str)) for r in full.event_rows}
    for end in [*range(0, len(data), step), len(data) - 1]:
        try:
            out = collect(reader, data[:end], "x.db")
        except Unreadable as error:
            assert SECRET not in str(error)
            continue
        assert out.conserved()
        assert SECRET not in repr((out.notes, out.rejects))
        assert len(out.event_rows) <= len(rows)


def facts(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of rows."""
    return [tuple(r[n] for n in names) for r in rows]
