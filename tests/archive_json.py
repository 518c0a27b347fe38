"""Downloads of chat and social networks for the tests: written, cut, read in other blocks, checked as the store would check them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from detector import schema
from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Context, Reader, Unreadable, Waiting
from tests.collect import Collected, Folder, collect, head_of, source_of

#: stands in every field that holds content, and must come out nowhere
SECRET = "ТАЙНА-secret-Ωμέγα"

LAYOUTS: list[dict[str, Any]] = [
    {"indent": 2}, {"indent": None}, {"indent": None, "separators": (",", ":")}, {"indent": 4, "ensure_ascii": True},
]  # fmt: skip


def written(document: Any, **layout: Any) -> bytes:
    """Write a document as JSON; bytes stay as they are."""
    if isinstance(document, bytes):
        return document
    return json.dumps(document, **({"ensure_ascii": False, "indent": 1} | layout)).encode()


def garbled(text: str) -> str:
    """Return a text as Meta's downloads write it: each byte of UTF-8 as one character."""
    return text.encode("utf-8").decode("latin-1")


def _table(name: str, id_name: str, rows: list[dict[str, Any]]) -> None:
    stored = schema.stored_schema(name)
    full = [{"case_id": "t", id_name: f"0#{r['n']}", "source_id": "0" * 12, **r} for r in rows]
    table = pa.table({f.name: pa.array([r[f.name] for r in full], f.type) for f in stored}, schema=stored)
    schema.validate(name, table, stored=True)


def checked(
    reader: Reader, document: Any, ctx: Context | None = None, beside: Mapping[str, Any] | None = None,
    name: str = "x.json", container: str | None = None,
) -> Collected:  # fmt: skip
    """Read a document and check what every reading must keep to."""
    files = None if beside is None else {key: written(value) for key, value in beside.items()}
    out = collect(reader, written(document), name, ctx, container, files)
    assert out.conserved(), (out.records, out.kept, len(out.rejects), out.scoped_out)
    _table("events", "event_id", out.event_rows)
    _table("positions", "position_id", out.position_rows)
    _table("listed", "entry_id", out.listed_rows)
    ends = {r["n"] for r in (*out.event_rows, *out.position_rows, *out.listed_rows)}
    assert not ends & {n for n, _, _ in out.rejects}
    assert len({n for n, _, _ in out.rejects}) == len(out.rejects)
    for rows in (out.event_rows, out.position_rows, out.listed_rows):
        assert len({(r["n"], r["sub"]) for r in rows}) == len(rows)
    said = repr((out.event_rows, out.position_rows, out.listed_rows, out.notes, out.rejects, out.covers, out.owners))
    assert SECRET not in said and garbled(SECRET) not in said
    for cover in out.covers:
        assert cover["channel"] in schema.CHANNELS
        assert (cover.get("scope", "all") == "all") == (cover.get("scope_id") is None)
    return out


def opened(reader: Reader, document: Any, out: Collected, name: str = "x.json") -> None:
    """Open every kept and rejected record again, and see that the masked form hides the content."""
    source = source_of(written(document), name)
    numbered = {(r["n"], r["record"]) for r in (*out.event_rows, *out.listed_rows)} | {
        (n, r) for n, r, _ in out.rejects
    }
    for n, record in sorted(numbered):
        found = open_record(source, record, reader.description.id, n)
        assert found.data
        assert SECRET not in found.masked and garbled(SECRET) not in found.masked


def told(out: Collected) -> list[tuple[Any, ...]]:
    """Return what tells the rows of a reading from those of another."""
    return [
        (
            r["n"],
            r["sub"],
            r["record"],
            r.get("local_time"),
            r.get("kind"),
            r.get("size"),
            r["identifier"],
            r.get("sender"),
        )
        for r in (*out.event_rows, *out.listed_rows)
    ]


def cut_everywhere(
    reader: Reader, data: bytes, ctx: Context | None = None, beside: Mapping[str, bytes] | None = None,
    name: str = "x.json", step: int = 1, whole: Callable[[Collected], list[Any]] | None = None,
) -> None:  # fmt: skip
    """Cut a file after every byte: nothing crashes, every record is counted, and what is kept is there in the whole file."""
    keyed = whole or (
        lambda out: [(r["n"], r["record"], r.get("local_time")) for r in (*out.event_rows, *out.listed_rows)]
    )
    everything = set(keyed(collect(reader, data, name, ctx, beside=beside)))
    last = 0
    for size in range(0, len(data), step):
        try:
            out = collect(reader, data[:size], name, ctx, beside=beside)
        except (Unreadable, Waiting):
            continue
        assert out.conserved(), size
        found = set(keyed(out))
        assert found <= everything, (size, found - everything)
        assert len(found) >= last, size
        last = len(found)
    assert last == len(everything) or last >= len(everything) - 1


def only_it(reader: Reader, document: Any, name: str = "x.json", container: str | None = None) -> None:
    """See that the reader claims a file, and nobody else does."""
    data = written(document)
    claims, verdict = recognise(head_of(data, name, container))
    assert verdict == "known"
    assert [c for c, _ in claims] == [reader.description.id]


def blocks_do_not_matter(
    make: Callable[[int | None], Reader], document: Any, ctx: Context | None = None,
    beside: Mapping[str, Any] | None = None, name: str = "x.json",
) -> None:  # fmt: skip
    """Read in blocks of several sizes and see the same rows."""
    data = written(document)
    files = None if beside is None else {key: written(value) for key, value in beside.items()}

    def rows(block: int | None) -> Any:
        out = collect(make(block), data, name, ctx, beside=files)
        return out.event_rows, out.listed_rows, out.rejects, out.notes, out.covers, out.scoped_out

    for block in (16, 100, 1000):
        assert rows(block) == rows(None)


def located(data: bytes, path: str, beside: Mapping[str, bytes]) -> Any:
    """Make a source that lies on disk at a path, with other files in the folder that was named."""
    folder = Folder(beside)
    folder.files = {key: replace(value, path=key) for key, value in folder.files.items()}
    return replace(source_of(data, path.rpartition("/")[2]), path=path, beside=folder)


def hostile(reader: Reader, ctx: Context | None = None) -> None:
    """Read what is no file of the format: a sentence, or rows that are conserved."""
    for data in (
        b"", b" ", b"{", b"[", b"[]", b"{}", b"null", b'"x"', b"\xff\xfe{", b'{"messages": [' * 3000, b"[" * 100_000,
        b"\x00" * 100, b"PK\x03\x04", b'{"messages": 1, "participants": 2}', b'{"a": ' * 5000,
    ):  # fmt: skip
        reader.recognise(head_of(data, "x.json"))
        try:
            assert collect(reader, data, "x.json", ctx, beside={}).conserved()
        except (Unreadable, Waiting):
            continue
