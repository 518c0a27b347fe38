"""What every reading of every file must keep to, used by the contract suite and by the fuzzer."""

from __future__ import annotations

import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from detector import schema
from pipelines.readers import all_readers
from pipelines.readers.base import Claim, Head, SourceFile, Unreadable, Waiting
from pipelines.store.sink import StoreSink
from tests.collect import Collected
from tests.reader_examples import Example

LOCATOR = re.compile(
    r"line:[1-9]\d*|lines:[1-9]\d*-[1-9]\d*|bytes:\d+-\d+|json:(/.*)?|xml:(/[^/\[\]]+(\[[1-9]\d*\])?)+|sql:[^/]+/-?\d+|cell:.*![1-9]\d*"
    r"|mail:[1-9]\d*",
    re.DOTALL,
)
#: longest sentence of a refusal, a reject or a note
SENTENCE = 1000
_TABLES = (
    ("events", "event_id", "event_rows"),
    ("positions", "position_id", "position_rows"),
    ("listed", "entry_id", "listed_rows"),
)


class BrokenContractError(AssertionError):
    """A reading did what no reading may do."""


def need(holds: object, what: str) -> None:
    """Fail with a sentence."""
    if not holds:
        raise BrokenContractError(what)


class Short(io.RawIOBase):
    """A stream that gives a few bytes at a time, as members of archives may; it cannot seek."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._step = step

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give the next bytes."""
        size = min(self._step, len(buffer), len(self._data) - self._at)
        buffer[:size] = self._data[self._at : self._at + size]
        self._at += size
        return size


def in_steps(source: SourceFile, data: bytes, step: int, *, filled: bool = False) -> SourceFile:
    """Return a source whose streams come in small pieces: each read gives only one, or is filled with several of them."""

    def opened() -> BinaryIO:
        raw = Short(data, step)
        return cast(BinaryIO, io.BufferedReader(raw, 16) if filled else raw)

    return replace(source, open=opened)


def head(source: SourceFile, data: bytes) -> Head:
    """Return what recognition sees."""
    return Head(data[:65_536], source.name, source.container, len(data), source)


def claims_of(source: SourceFile, data: bytes) -> dict[str, Claim]:
    """Return what every reader says of a file."""
    look = head(source, data)
    return {name: claim for name, reader in all_readers().items() if (claim := reader.recognise(look)) is not None}


class Both(Collected):
    """Collects, and hands everything to the real sink of the store as well."""

    def __init__(self, store: StoreSink) -> None:
        super().__init__()
        self._store = store

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Take rows."""
        self._store.events(rows, columns)
        super().events(rows, columns)

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Take rows."""
        self._store.positions(rows, columns)
        super().positions(rows, columns)

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Take entries."""
        self._store.listed(rows, columns)
        super().listed(rows, columns)

    def companion(self, role: str, source: SourceFile) -> None:
        """Take the word."""
        self._store.companion(role, source)
        super().companion(role, source)

    def reject(self, n: int, record: str, reason: str) -> None:
        """Take a reject."""
        self._store.reject(n, record, reason)
        super().reject(n, record, reason)

    def out_of_scope(self, records: int = 1) -> None:
        """Take the count."""
        self._store.out_of_scope(records)
        super().out_of_scope(records)

    def read(self, records: int) -> None:
        """Take the count."""
        self._store.read(records)
        super().read(records)

    def note(self, text: str) -> None:
        """Take a note."""
        self._store.note(text)
        super().note(text)

    def owner(self, identifiers: Sequence[str]) -> None:
        """Take identifiers."""
        self._store.owner(identifiers)
        super().owner(identifiers)

    def coverage(self, channel: str, classes: str, **more: Any) -> None:
        """Take a span."""
        self._store.coverage(channel, classes, **more)
        super().coverage(channel, classes, **more)


#: columns that hold names and numbers: in a file whose bytes were damaged a name may be anything
NAMES = frozenset(
    {
        "label",
        "identifier",
        "identifier_raw",
        "via_identifier",
        "sender",
        "thread_id",
        "owner_line",
        "subject_id",
        "record",
    }
)


def said(out: Collected, *, names: bool = True) -> str:
    """Return everything that a reading put out, as one text to search in, perhaps without names; labels are never searched."""
    hidden = {"label"} if names else NAMES
    rows = [
        {k: v for k, v in row.items() if k not in hidden}
        for row in (*out.event_rows, *out.position_rows, *out.listed_rows)
    ]
    if not names:  # the name of an app stands in the tags
        rows = [row | {"tags": re.sub(r"app=\S+", "", row.get("tags") or "")} for row in rows]
    covers = [{k: v for k, v in c.items() if names or k != "scope_id"} for c in out.covers]
    return repr(
        (rows, [r if names else (r[0], r[2]) for r in out.rejects], out.notes, covers, out.owners if names else ())
    )


def sentence(text: str, secret: str) -> None:
    """Check a sentence that a person will see."""
    need(text.strip() and "\n" not in text, "a reason is no sentence of one line")
    need(len(text) <= SENTENCE, f"a reason has {len(text)} characters")
    need(not secret or secret not in text, "a reason holds content")


def judge(out: Collected, example: Example, secret: str | None = None, *, damaged: bool = False) -> Collected:
    """Check what holds for every reading: counted, numbered, located, within the format's own words, without content."""
    word = example.secret if secret is None else secret
    need(
        out.conserved(),
        f"read {out.records}, kept {out.kept}, rejected {len(out.rejects)}, out of scope {out.scoped_out}",
    )
    rows = [*out.event_rows, *out.position_rows, *out.listed_rows]
    refused = [n for n, _, _ in out.rejects]
    need(len(set(refused)) == len(refused), "a record is rejected twice")
    need(not {r["n"] for r in rows} & set(refused), "a record is kept and rejected")
    ends = Counter((r["n"], r["sub"]) for r in rows)
    need(all(count == 1 for count in ends.values()), "two rows have the same number")
    need(all((r["n"], 1) in ends for r in rows), "a record has a second row and no first")
    need(all(1 <= r["n"] <= max(out.records, 1) for r in rows) and all(1 <= n <= out.records for n in refused),
         "a record has a number above the count of records")  # fmt: skip
    need(all(LOCATOR.fullmatch(r["record"]) for r in rows), "a locator is none")
    need(all(LOCATOR.fullmatch(record) for _, record, _ in out.rejects), "the locator of a reject is none")
    channels = set(all_readers()[example.reader].description.channels)
    if (
        example.reader != "journal"
    ):  # what a journal covers is the journal; its rows are of the channel that was written down
        need({r["channel"] for r in (*out.event_rows, *out.listed_rows)} <= channels, "a channel is none of the format")
    for cover in out.covers:
        need(cover["channel"] in channels, "the coverage has a channel that is none of the format")
        need((cover.get("scope", "all") == "all") == (cover.get("scope_id") is None), "the coverage has a wrong scope")
    need(not word or word not in said(out, names=not damaged), "content is put out")
    for text in (*out.notes, *{reason for _, _, reason in out.rejects}):
        sentence(text, word)
    return out


def typed(out: Collected) -> Collected:
    """Check the rows against the schema of the store."""
    for table, key, kept in _TABLES:
        stored = schema.stored_schema(table)
        rows = getattr(out, kept)
        values: dict[str, Any] = {f.name: [r.get(f.name) for r in rows] for f in stored}
        values |= {"case_id": ["t"] * len(rows), "source_id": ["0" * 12] * len(rows)}
        values[key] = [f"0#{r['n']}" + (f".{r['sub']}" if r["sub"] > 1 else "") for r in rows]
        made = pa.table({f.name: pa.array(values[f.name], f.type) for f in stored}, schema=stored)
        schema.validate(table, made, stored=True)
    return out


def read(
    example: Example, source: SourceFile, secret: str | None = None, *, stored: bool = False, damaged: bool = False
) -> Collected | str:
    """Read a source; return what came out, or the sentence by which it was refused.

    ``damaged`` says that bytes were changed, so that content may stand where a name stood.

    Raises
    ------
    BrokenContractError
        Something that no reading may do. Any other exception is the reader's.
    """
    reader = all_readers()[example.reader]
    word = example.secret if secret is None else secret
    try:
        if stored:
            with tempfile.TemporaryDirectory() as folder:
                sink = StoreSink(Path(folder), source.source_id, "t", example.reader, reader.description.channels)
                out: Collected = Both(sink)
                try:
                    reader.read(source, example.ctx, out)
                    part = sink.finish()
                    counts = (part.read, part.kept, part.rejected, part.out_of_scope)
                    need(
                        counts == (out.records, out.kept, len(out.rejects), out.scoped_out),
                        "the store counts otherwise",
                    )
                    for table, key, kept in _TABLES:
                        ids = (
                            [i for t in part.spools[table].sorted_rows() for i in t[key].to_pylist()]
                            if table in part.spools
                            else []
                        )
                        need(
                            len(ids) == len(set(ids)) == len(getattr(out, kept)),
                            "ids are not unique, or rows are missing",
                        )
                finally:
                    sink.discard()
        else:
            out = Collected()
            reader.read(source, example.ctx, out)
            typed(out)
    except Unreadable as error:
        sentence(error.reason, "" if damaged else word)
        need(not word or damaged or word not in error.record, "the locator of a refusal holds content")
        return error.reason
    except Waiting as error:
        sentence(error.reason, "" if damaged else word)
        need(
            error.lines.strip() and (not word or damaged or word not in error.lines),
            "the lines of a waiting file are none, or hold content",
        )
        return error.reason
    return judge(out, example, word, damaged=damaged)


def rows_of(out: Collected) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row with the name of its table."""
    for table, _, kept in _TABLES:
        for row in getattr(out, kept):
            yield table, row


def facts(out: Collected, *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of every row, in the order of the records."""
    found = [(table, *(row.get(name) for name in names)) for table, row in rows_of(out)]
    return sorted(found, key=repr)
