"""From an id to the record in its source: which file, does its hash still agree, what stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from detector.findings import utc_text
from detector.schema import columns
from pipelines import store
from pipelines.containers import RAISED, Found, walk
from pipelines.errors import shown
from pipelines.ingest import context_of
from pipelines.locate import LocateError, open_record
from pipelines.readers.base import Context
from pipelines.reread import NOT_COMPARED, disagreement
from pipelines.resolve.source_options import label
from pipelines.scoring import load_case


class RowIndex:
    """The rows of a case by id, with what qorgan read from each."""

    def __init__(self, folder: Path) -> None:
        loaded = load_case(folder)
        resolved = loaded.resolved
        tables = resolved.tables
        self.sources = {r["source_id"]: r for r in resolved.sources.to_pylist()}
        self._tables = {"event": tables.events, "position": tables.positions, "entry": resolved.listed}
        self._case = loaded.case
        self._witnesses: dict[str, list[str]] = {}
        for kept, further in zip(*(resolved.witnesses[c].to_pylist() for c in ("event_id", "witness_id")), strict=True):
            self._witnesses.setdefault(kept, []).append(further)
        self._ids = {
            name: {v: i for i, v in enumerate(t[f"{name}_id"].to_pylist())} for name, t in self._tables.items()
        }

    def find(self, row_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return (kind, row) of an id; the id of a record finds all of its rows."""
        found = []
        key, further = row_id, 2
        while (at := next(((name, ids[key]) for name, ids in self._ids.items() if key in ids), None)) is not None:
            found.append((at[0], self._tables[at[0]].slice(at[1], 1).to_pylist()[0]))
            if "." in row_id:
                break
            key, further = f"{row_id}.{further}", further + 1
        return found

    def context(self, source: dict[str, Any]) -> Context:
        """Return what the reader of a source was told, as far as ``case.toml`` still says so."""
        return context_of(self._case, json.loads(source["options"] or "{}"))

    def witnesses(self, row_id: str) -> list[str]:
        """Return the ids of the further records of a kept row."""
        return self._witnesses.get(row_id, [])

    @property
    def last_n(self) -> int:
        """Return the largest number of a record."""
        return max((int(pc.max(t["n"]).as_py()) for t in self._tables.values() if len(t)), default=0)


_RESOLVED = tuple(dict.fromkeys(c.name for t in ("events", "positions") for c in columns(t) if c.resolved))


def _resolved(row: dict[str, Any]) -> str:
    contact = "nobody" if row["contact_id"] is None else f"contact {row['contact_id']}"
    side = f", {row['direction']}" if "direction" in row else f", position of the {row['subject']}"
    return f"{contact}{side}, {utc_text(row['ts'])} (offset {row['utc_offset'] // 60:+d} minutes)"


_AGREES = {True: "agrees", False: "DOES NOT AGREE"}
_FILE_ONLY = "the file agrees, THE RECORD DOES NOT"


class Originals:
    """The exports that a case was made from, found again by their hashes."""

    def __init__(self, folder: Path, exports: str | None) -> None:
        self._exports = exports
        self._places = store.read_local(folder)
        self._found: dict[str, Found | None] = {}
        self._walked: dict[tuple[str, bool], list[Found]] = {}

    def source(self, source_id: str) -> Found | None:
        """Return the original of a source, or None if it is not where it lay."""
        if source_id not in self._found:
            where = self._exports or self._places.get(source_id)
            found = None
            if where and Path(where).exists():
                for limits in (None, RAISED):  # one that was let in with raised limits is looked for with them
                    key = (where, limits is None)
                    if key not in self._walked:
                        self._walked[key] = [f for f in walk([where], limits=limits) if isinstance(f, Found)]
                    found = next((f for f in self._walked[key] if f.source_id == source_id), None)
                    if found is not None:
                        break
            self._found[source_id] = found
        return self._found[source_id]

    def show(self, rows: RowIndex, row_id: str, *, content: bool) -> tuple[list[str], bool]:
        """Return the lines that show one record, and whether the original was found unchanged."""
        out: list[str] = []
        ok = True
        for kind, row in rows.find(row_id):
            source = rows.sources[row["source_id"]]
            name = shown(label(source["name"], source["container"]))
            again = bool(out)  # a further row of the same record: the raw record is shown once
            out.append(f"{row[f'{kind}_id']} · {kind} · {source['format']} · {name} · {row['record']}")
            out.append(f"    as read: {_as_read(row)}")
            if kind != "entry":
                out.append(f"    resolved: {_resolved(row)}")
            if row.get("duplicate_of") is not None:
                out.append(f"    a further witness of {row['duplicate_of']}, which is counted in its place")
            further = rows.witnesses(row[f"{kind}_id"])
            if further:
                out.append(f"    also recorded by {', '.join(further)}")
            if again:
                continue
            original = self.source(row["source_id"])
            if original is None:
                out.append(
                    "    the export is not where it was ingested from, or has changed; say where it lies with --exports DIR"
                )
                ok = False
                continue
            agrees = original.sha256 == source["sha256"]
            try:
                raw = open_record(original, row["record"], source["format"], row["n"])
            except LocateError as error:
                out.append(f"    sha256 {source['sha256']}: {_AGREES[agrees]}")
                out.append(f"    {error}")
                ok = False
                continue
            # a hash says that the file is the same, not that the place in it is the one that was read
            other = None
            if kind != "entry":
                other = disagreement(original, source["format"], kind, row, raw, rows.context(source))
            same = other is None or other == NOT_COMPARED
            out.append(f"    sha256 {source['sha256']}: {_AGREES[agrees] if same or not agrees else _FILE_ONLY}")
            if other is not None:
                out.append(f"    {other}")
            ok &= agrees and same
            out += [f"    | {line}" for line in (raw.text if content else raw.masked).split("\n")]
        return out, ok


def _as_read(row: dict[str, Any]) -> str:
    left_out = {"case_id", "event_id", "position_id", "entry_id", "source_id", "record", "n", *_RESOLVED}
    return json.dumps({k: v for k, v in row.items() if k not in left_out and v is not None}, ensure_ascii=False)
