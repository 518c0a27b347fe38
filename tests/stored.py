"""A small builder of a store in memory, for tests of resolve: rows as readers write them, and a ``case.toml`` beside them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from detector.schema import STORED, stored_schema, validate
from pipelines import case_file
from pipelines.case_model import CaseFile
from pipelines.readers.base import EVENT_DEFAULTS, POSITION_DEFAULTS
from pipelines.resolve import Resolved, resolve
from pipelines.store import StoreTables

OWNER = '[owner]\nname = "Aigerim"\nidentifiers = ["+77010000001", "telegram:user111"]\n'
CASE = f'[case]\nid = "c1"\ntimezone = "Asia/Almaty"\nbasis = "consent"\n{OWNER}'
K1 = '[[contact]]\nid = "K1"\nlabel = "man"\nidentifiers = ["+77010000002", "telegram:user222", "Daniyar"]\n'


def us(text: str) -> int:
    """Return µs since 1970 of a reading."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def sid(name: str) -> str:
    """Return a source id of a short name; ids stand in the order of names."""
    return f"{name.encode().hex():0<12}"[:12]


class Store:
    """Sources and their rows. Every method returns the id of what it added."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {t: [] for t in STORED}
        self._n: dict[str, int] = {}
        self._seen: set[str] = set()

    def source(
        self, name: str, file: str = "", *, container: str | None = None, format: str = "sms-backup-xml",  # noqa: A002
        owners: tuple[str, ...] = (), options: dict[str, str] | None = None,
    ) -> str:  # fmt: skip
        """Add a source."""
        self._seen.add(name)
        self._rows["sources"].append({
            "source_id": sid(name), "name": file or f"{name}.xml", "container": container, "bytes": 1, "sha256": sid(name) * 5 + "0000",
            "format": format, "reader": "tests", "reader_version": 1, "options": json.dumps(options or {}),
            "owner_identifiers": json.dumps(owners), "notes": "", "read": 0, "kept": 0, "rejected": 0, "out_of_scope": 0,
        })  # fmt: skip
        return sid(name)

    def _row(self, table: str, source: str, at: str | int, columns: dict[str, Any], same: bool, n: int | None) -> str:
        if source not in self._seen:
            self.source(source)
        if not same:
            self._n[source] = n or self._n.get(source, 0) + 1
        number, sub = self._n[source], columns["sub"]
        row_id = f"{sid(source)}#{number}" + (f".{sub}" if sub > 1 else "")
        columns.pop("sub")
        self._rows[table].append({
            "case_id": "old-id", f"{table[:-1]}_id": row_id, "source_id": sid(source), "record": f"line:{number}", "n": number,
            "local_time": us(at) if isinstance(at, str) else at, **columns,
        })  # fmt: skip
        return row_id

    def event(
        self,
        at: str | int,
        identifier: str | None = None,
        *,
        source: str = "a",
        same: bool = False,
        n: int | None = None,
        **more: Any,
    ) -> str:
        """Add an event; an incoming direct SMS unless said otherwise."""
        columns = {
            **EVENT_DEFAULTS, "channel": "sms", "kind": "message", "direction": "in", "identifier": identifier,
            "identifier_raw": identifier, "identifier_kind": "none" if identifier is None else "app_id", "directed": "yes",
            "thread_kind": "direct", "thread_id": identifier, **more,
        }  # fmt: skip
        return self._row("events", source, at, columns, same, n)

    def position(
        self, at: str | int, *, source: str = "p", same: bool = False, n: int | None = None, **more: Any
    ) -> str:
        """Add a position; a fix of the owner unless said otherwise."""
        columns = {**POSITION_DEFAULTS, "kind": "fix", "subject": "owner", **more}
        return self._row("positions", source, at, columns, same, n)

    def covers(self, source: str, start: str, end: str, *, zone_basis: str, channel: str = "sms", **more: Any) -> None:
        """Say what a source covers."""
        self._rows["coverage"].append({
            "source_id": sid(source), "channel": channel, "classes": "message", "scope": "all", "scope_id": None, "local_from": us(start),
            "local_to": us(end), "zone_basis": zone_basis, "stated_offset_s": None, "basis": "observed", "complete": "unknown", **more,
        })  # fmt: skip

    def tables(self) -> StoreTables:
        """Return the stored tables, checked against their schema, rows in the order in which they were added."""
        made = {t: pa.Table.from_pylist(self._rows[t], schema=stored_schema(t)) for t in STORED}
        for name, table in made.items():
            validate(name, table, stored=True)
        return StoreTables(**made)

    def resolve(self, case: str = CASE + K1) -> Resolved:
        """Resolve with the text of a ``case.toml``."""
        return resolve(self.tables(), parse(case))


def parse(text: str) -> CaseFile:
    """Read the text of a ``case.toml``."""
    return case_file.parse(text)


def column(resolved: Resolved, name: str, table: str = "events") -> dict[str, Any]:
    """Return one column of a resolved table by row id."""
    rows: pa.Table = getattr(resolved.tables, table)
    return dict(zip(rows[f"{table[:-1]}_id"].to_pylist(), rows[name].to_pylist(), strict=True))
