"""What the tests of the readers of HTML and text chats share: conservation, cut files, block sizes, locators."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from detector import schema
from pipelines.locate import open_record
from pipelines.readers import _html
from pipelines.readers.base import Context, Reader, Unreadable, Waiting
from tests.collect import Collected, collect, source_of

MARKER = "QORGANMARKER"


def check(out: Collected) -> Collected:
    """Conservation, no content, and rows that fit the schema of the store."""
    assert out.conserved()
    assert MARKER not in repr({k: v for k, v in out.__dict__.items() if k != "companions"})
    assert [r["n"] for r in out.event_rows] == sorted(r["n"] for r in out.event_rows)
    for table, rows, key in (("events", out.event_rows, "event_id"), ("positions", out.position_rows, "position_id"),
                             ("listed", out.listed_rows, "entry_id")):  # fmt: skip
        stored = schema.stored_schema(table)
        full = [{"case_id": "t", key: f"0#{r['n']}.{r['sub']}", "source_id": "0" * 12, **r} for r in rows]
        schema.validate(
            table,
            pa.table({f.name: pa.array([r[f.name] for r in full], f.type) for f in stored}, schema=stored),
            stored=True,
        )
    return out


def read(reader: Reader, data: bytes, ctx: Context, name: str = "", **how: Any) -> Collected:
    """Read and check."""
    return check(collect(reader, data, name, ctx, **how))


def cut_everywhere(
    reader: Reader,
    data: bytes,
    ctx: Context,
    name: str = "",
    step: int = 1,
    same: tuple[str, ...] = ("n", "local_time"),
) -> None:
    """Cut a file off at every byte: nothing breaks, everything is accounted for, what is kept is a prefix."""
    whole = read(reader, data, ctx, name).event_rows
    for end in range(0, len(data), step):
        try:
            out = check(collect(reader, data[:end], name, ctx))
        except (Unreadable, Waiting):
            continue
        kept = [[r[k] for k in same] for r in out.event_rows]
        assert kept == [[r[k] for k in same] for r in whole[: len(kept)]]
        assert len(out.rejects) <= 1


def any_blocks(reader: Reader, data: bytes, ctx: Context, monkeypatch: pytest.MonkeyPatch, name: str = "") -> None:
    """The size of the blocks in which a page is read does not matter."""
    whole = read(reader, data, ctx, name)
    for size in (1, 3, 64, 1000):
        monkeypatch.setattr(_html, "BLOCK_BYTES", size)
        part = read(reader, data, ctx, name)
        assert (part.event_rows, part.rejects, part.notes) == (whole.event_rows, whole.rejects, whole.notes)


def opens_again(reader: Reader, data: bytes, out: Collected, begin: bytes, name: str = "", shown: str = "") -> None:
    """Every locator opens the record's own bytes, and its mask hides the content."""
    source = source_of(data, name)
    for row in out.event_rows:
        opened = open_record(source, row["record"], reader.description.id, row["n"])
        assert opened.complete
        assert opened.data.startswith(begin)
        assert MARKER not in opened.masked
        assert "‹" in opened.masked
        assert shown in opened.masked
