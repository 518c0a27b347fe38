"""Does the record that was opened say what was read from it? It is read once more, alone, by its own reader.

A locator leads to a place. In a damaged file two ways of cutting the text into records may come to different places,
and the hash of the file agrees with both. So the record is put into a file of its own, read, and compared with the row
by what does not depend on the rest of the source: time, kind, coordinates, of XML records the number as it is written.
What a whole chat decides (the order of day and month, the clock of twelve hours) is not compared: of a text without a
header line only the minute is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.identifiers import phone_identifier
from pipelines.locate import LocateError, RawRecord, open_record
from pipelines.readers import all_readers
from pipelines.readers.base import EVENT_DEFAULTS, POSITION_DEFAULTS, Context, Discard, SourceFile, Unreadable, Waiting

__all__ = ["NOT_COMPARED", "disagreement"]

NOT_COMPARED = "the record could not be read alone, so it was not compared with what was read from the file"

_COLUMNS = {"event": ("local_time", "kind"), "position": ("local_time", "kind", "lat", "lon")}
_OF_XML_EVENTS = ("direction", "duration_s", "identifier_raw")
_WORDS = {
    "local_time": "time", "kind": "kind", "lat": "latitude", "lon": "longitude", "direction": "direction",
    "duration_s": "duration", "identifier_raw": "number",
}  # fmt: skip
_STEP = re.compile(r"/([^/\[]+)")
_PREFIX = re.compile(rb"[<\s]/?([A-Za-z_][\w.-]{0,100}):[A-Za-z_]")
_HOUR_US = 3_600_000_000
#: largest source that is read again for one record [P]
REPLAY_BYTES = 512 * 10**6
#: an account that no chat holds: a reader of chats must know an owner, and here it does not matter who
_NOBODY = "telegram:user1"
#: what a chat says of itself in whose messages some records mean more
_GROUP = b'"type":"private_group",'


class _Rows(Discard):
    """A sink that keeps the few rows of one record."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.out = self.records = 0

    def _take(self, kind: str, rows: int, columns: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        full = {name: _list(value, rows) for name, value in {**defaults, **columns}.items()}
        self.rows += [(kind, dict(zip(full, values, strict=True))) for values in zip(*full.values(), strict=True)]

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Keep event rows."""
        self._take("event", rows, columns, EVENT_DEFAULTS)

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Keep position rows."""
        self._take("position", rows, columns, POSITION_DEFAULTS)

    def out_of_scope(self, records: int = 1) -> None:
        """Such a record gives no row; whether it is one may rest on who the owner is."""
        self.out += records

    def read(self, records: int) -> None:
        """Count the records: it must be one."""
        self.records += records


def _list(value: Any, rows: int) -> list[Any]:
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return list(value.to_pylist())
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value] * rows


def _of_xml(record: str, data: bytes) -> bytes:
    """Return an XML file whose only record is this one."""
    path = [name.encode() for name in _STEP.findall(record)][:-1]
    spaces = b"".join(b' xmlns:%b="urn:x"' % name for name in sorted(set(_PREFIX.findall(data))) if name != b"xml")
    begin = b"".join(b"<%b%b>" % (name, b"" if k else spaces) for k, name in enumerate(path))
    return begin + data + b"".join(b"</%b>" % name for name in reversed(path))


def _of_json(pointer: str, data: bytes, beside: bytes = b"") -> bytes:
    """Return a JSON file whose only record is this one; ``beside`` are members that stand beside its array."""
    for step in reversed(pointer.split("/")[1:]):
        if step.isdecimal():
            data = b"[" + data + b"]"
        else:
            key = msgspec.json.encode(step.replace("~1", "/").replace("~0", "~"))
            data, beside = b"{" + beside + key + b":" + data + b"}", b""
    return data


def _alone(source: SourceFile, fmt: str, raw: RawRecord) -> Iterator[tuple[bytes, bool]]:
    """Yield files that hold the record alone, and whether its whole time can be read from each."""
    if raw.record.startswith("xml:"):
        yield _of_xml(raw.record, raw.data), True
    elif raw.record.startswith("json:"):
        pointer = raw.record.removeprefix("json:")
        yield _of_json(pointer, raw.data), True
        yield _of_json(pointer, raw.data, _GROUP), True
    else:
        try:
            header = open_record(source, "line:1", fmt)
        except LocateError:
            header = None
        if header is not None and header.record != raw.record:
            yield header.data + b"\n" + raw.data + b"\n", True
        yield raw.data + b"\n", False


def _options(fmt: str, row: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what only the whole file, or the case, may have told the reader."""
    keys = {option.key for option in all_readers()[fmt].description.options}
    owner = {"owner": row.get("owner_line") or _NOBODY} if "owner" in keys else {}
    if "date_order" not in keys:
        yield owner
        return
    names = [row.get(key) or "" for key in ("sender", "identifier")]
    for name in dict.fromkeys(n.partition(":name:")[2] or n.partition(":")[2] for n in names):
        for order in ("dmy", "mdy", "ymd"):
            yield {"date_order": order, **({"owner": name} if name else owner)}


def _same(row: Mapping[str, Any], again: Mapping[str, Any], column: str, *, whole: bool) -> bool:
    if column == "local_time" and not whole:
        return bool(row[column] % _HOUR_US == again[column] % _HOUR_US)
    return bool(row[column] == again[column])


class _Met(Exception):
    """The row that is looked for was met."""


class _Again(_Rows):
    """A sink that keeps one row of a whole source, and ends the reading when it has it."""

    def __init__(self, n: int, kind: str, sub: int) -> None:
        super().__init__()
        self._wanted = (n, kind, sub)

    def _take(self, kind: str, rows: int, columns: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        n, wanted, sub = self._wanted
        if kind != wanted:
            return
        numbers, subs = _list(columns["n"], rows), _list(columns.get("sub", 1), rows)
        for place in range(rows):
            if numbers[place] == n and subs[place] == sub:
                full = {name: _list(value, rows)[place] for name, value in {**defaults, **columns}.items()}
                self.rows.append((kind, full))
                raise _Met


def _read_again(source: SourceFile, fmt: str, kind: str, row: Mapping[str, Any], context: Context) -> str | None:
    """Read the whole source once more, as it was read, and compare the row of the same number."""
    if source.size > REPLAY_BYTES:
        return NOT_COMPARED
    out = _Again(int(row["n"]), kind, int(str(row[f"{kind}_id"]).partition(".")[2] or 1))
    try:
        all_readers()[fmt].read(source, context, out)
    except _Met:
        pass
    except Exception:  # as at ingest, a fault of a reader must not end the command: nothing was compared
        return NOT_COMPARED
    if not out.rows:
        return NOT_COMPARED
    again = out.rows[0][1]
    columns = [*_COLUMNS[kind], "record"]
    differing = [_WORDS.get(c, c) for c in columns if row[c] != again[c]]
    if differing:
        return f"the record that was opened is not the one that was read: {' and '.join(differing)} differ"
    return None


def disagreement(
    source: SourceFile, fmt: str, kind: str, row: Mapping[str, Any], raw: RawRecord, context: Context | None = None
) -> str | None:
    """Say whether an opened record is another one than was read.

    Parameters
    ----------
    source : SourceFile
        The source of the record.
    fmt : str
        Id of the format.
    kind : {"event", "position"}
        The table of the row.
    row : mapping
        The row, as the store holds it.
    raw : RawRecord
        What was opened.
    context : Context, optional
        What the reader was told: a record that says nothing alone is then compared by reading its whole source again (up to
        :data:`REPLAY_BYTES`).

    Returns
    -------
    str or None
        One sentence without content; :data:`NOT_COMPARED` if the record cannot be read alone (it is longer than what is
        opened of it, or says nothing without its file); None if it agrees.
    """
    reader = all_readers().get(fmt)
    if reader is None:
        return NOT_COMPARED
    if not raw.complete:
        return "the record that was opened is not whole, so it is not the one that was read"
    row_id = str(row[f"{kind}_id"])
    sub = int(row_id.partition(".")[2] or 1)
    columns = list(_COLUMNS[kind])
    if raw.record.startswith("xml:") and kind == "event":
        columns += [c for c in _OF_XML_EVENTS if c != "identifier_raw" or row["thread_kind"] == "direct"]
    best: list[str] | None = None
    empty = False
    by_place = raw.record.startswith(
        ("sql:", "cell:", "mail:", "bytes:")
    )  # a row of these says nothing without its file
    for data, whole in () if by_place else _alone(source, fmt, raw):
        for options in _options(fmt, row):
            out = _Rows()
            alone = SourceFile(source.source_id, source.name, None, len(data), lambda data=data: io.BytesIO(data))  # type: ignore[misc]
            told = Context(lambda text: phone_identifier(text, None), frozenset(options.values()), options=options)
            try:
                reader.read(alone, told, out)
            except (Waiting, Unreadable):
                continue
            except Exception:  # as at ingest, a fault of a reader must not end the command: nothing was compared
                continue
            # that somebody joined a group or was added to it is a record only if it was the owner, whom the file names
            if out.records != 1:  # the line taken for a header was a record itself, or several were opened
                empty = True
                continue
            empty |= not out.rows and not (out.out and row["kind"] == "other")
            for table, again in out.rows:
                if table != kind or again["sub"] != sub:
                    continue
                compared = columns if whole else ["local_time"]
                differing = [_WORDS[c] for c in compared if not _same(row, again, c, whole=whole)]
                if not differing:
                    return None
                best = differing if best is None or len(differing) < len(best) else best
    if best is not None:
        return f"the record that was opened is not the one that was read: {' and '.join(best)} differ"
    # a line of a chat may be a record only beside the others; its place is plain without any reader
    if empty and not raw.left_out and raw.record.startswith(("xml:", "json:")):
        return "the record that was opened is not the one that was read: it gives no such row"
    return NOT_COMPARED if context is None else _read_again(source, fmt, kind, row, context)
