"""Small cases and an invented line format for the tests of the shell around the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines import store
from pipelines.readers import base
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable, Waiting
from pipelines.store import custody
from pipelines.store.sink import Part, StoreSink

T0 = 1_750_000_000_000_000
CASE = """\
[case]
id = "c1"
timezone = "Asia/Almaty"
basis = "consent"
[owner]
name = "Aigerim"
identifiers = ["+77010000001"]
"""


def make_case(folder: Path, text: str = CASE) -> Path:
    """Make a case folder with a case.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder


def export(*lines: str) -> bytes:
    """Make a file of the invented format: ``in|out|sys|bad|seen <minutes> <identifier>``."""
    return ("INVENTED LOG\n" + "".join(line + "\n" for line in lines)).encode()


def messages(count: int, identifier: str = "+77010000002", start: int = 0) -> bytes:
    """Make a file of the invented format with some incoming messages."""
    return export(*(f"in {start + i} {identifier}" for i in range(count)))


class InventedReader:
    """Reads the invented format, and does whatever a line tells it to do wrong."""

    description = Description("invented", 1, "invented", ("sms",), "lines", "tests", "documentation", ())

    def recognise(self, head: Head) -> Claim | None:
        return Claim(50, "first line") if head.data.startswith(b"INVENTED LOG\n") else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        rows: list[tuple[int, str, int, str]] = []
        places: list[tuple[int, int]] = []
        with source.open() as stream:
            for n, raw in enumerate(stream):
                if not n:
                    continue
                word, _, rest = raw.decode().rstrip("\n").partition(" ")
                if word == "wait" and "owner" not in context.options:
                    raise Waiting("it does not say whose it is", 'owner = "name"')
                if word == "broken":
                    raise Unreadable("the line is broken", f"line:{n}")
                if word == "crash":
                    raise KeyError("SECRET TEXT")
                if word == "lose":
                    out.read(1)
                    continue
                out.read(1)
                if word in ("sys", "wait"):
                    out.out_of_scope()
                elif word == "bad":
                    out.reject(n, f"line:{n}", "no time")
                elif word == "seen":
                    places.append((n, T0 + int(rest) * 60_000_000))
                else:
                    minute, _, who = rest.partition(" ")
                    rows.append((n, word, T0 + int(minute) * 60_000_000, context.phone(who)[0] or ""))
        if rows:
            out.events(
                len(rows),
                {"n": [r[0] for r in rows], "record": [f"line:{r[0]}" for r in rows], "local_time": [r[2] for r in rows],
                 "kind": "message", "direction": [r[1] for r in rows], "channel": "sms",
                 "identifier": [r[3] for r in rows], "identifier_kind": "phone", "size": 5, "answered": None},
            )  # fmt: skip
        if places:
            out.positions(
                len(places),
                {"n": [p[0] for p in places], "record": [f"line:{p[0]}" for p in places],
                 "local_time": [p[1] for p in places], "kind": "fix", "subject": "owner", "lat": 43.2, "lon": 76.9},
            )  # fmt: skip


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the invented reader the only one."""
    import pipelines.ingest
    import pipelines.readers

    known: dict[str, base.Reader] = {"invented": InventedReader()}
    monkeypatch.setattr(pipelines.readers, "all_readers", lambda: known)
    monkeypatch.setattr(pipelines.ingest, "all_readers", lambda: known)


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out waiting for the disk: what a killed process has written is there all the same."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def columns(n: list[int], **more: Any) -> dict[str, Any]:
    """Make the needed event columns."""
    made: dict[str, Any] = {
        "n": n, "record": [f"line:{i}" for i in n], "local_time": [T0 + i * 60_000_000 for i in n], "kind": "message",
        "direction": "in", "channel": "sms",
    }  # fmt: skip
    return {**made, **more}


def source_row(source_id: str) -> store.SourceRow:
    """Make a row of sources without counts."""
    return store.SourceRow(
        {"source_id": source_id, "name": f"{source_id}.txt", "container": None, "bytes": 1, "sha256": source_id * 5 + "abcd",
         "format": "invented", "reader": "tests", "reader_version": 1, "options": "{}", "owner_identifiers": "[]",
         "notes": ""},
        f"/nowhere/{source_id}.txt",
    )  # fmt: skip


def fill(generation: store.Generation, source_id: str, records: int, rejected: int = 0, positions: int = 0) -> Part:
    """Add a source with some rows to a generation."""
    sink = StoreSink(generation.folder, source_id, "c1", "invented", ("sms",))
    sink.read(records + rejected + positions)
    if records:
        sink.events(records, columns(list(range(1, records + 1))))
    for n in range(records + 1, records + rejected + 1):
        sink.reject(n, f"line:{n}", "no time")
    if positions:
        first = records + rejected + 1
        numbers = list(range(first, first + positions))
        records_of = [f"line:{i}" for i in numbers]
        sink.positions(
            positions, {"n": numbers, "record": records_of, "local_time": T0, "kind": "fix", "subject": "owner"}
        )
    part = sink.finish()
    generation.add(source_row(source_id), part)
    return part


def record_in(case: Path) -> Any:
    """Return what commit needs to log the manifest."""

    def record(sha256: str) -> None:
        custody.append(case, "ingest", results=[custody.Hashed(store.MANIFEST_NAME, sha256)])

    return record


def add_sources(case: Path, *sources: tuple[str, int, int, int]) -> None:
    """Commit sources (id, records, rejected, positions) in one generation."""
    with store.Generation(case, "c1") as generation:
        for source_id, records, rejected, positions in sources:
            fill(generation, source_id, records, rejected, positions)
        generation.commit(record_in(case))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return all files under a folder with their bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@contextmanager
def no_clock(monkeypatch: pytest.MonkeyPatch, at: str = "2026-01-01T00:00:00Z") -> Iterator[None]:
    """Stop the clock of the custody log."""
    with monkeypatch.context() as patch:
        patch.setattr(custody, "_now", lambda: at)
        yield
