"""The result of one module of ALEAPP or iLEAPP as JSON: ``headers`` and ``data``, as their own tests keep it."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import msgspec

from pipelines.masking import hidden
from pipelines.readers._json_stream import ArrayEnd, Bad, Block, Broken, JsonStream, Value
from pipelines.readers._leapp import SHOWN, Examination, Table, beyond, column, shape_of
from pipelines.readers._sheets import masked_row
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable
from pipelines.readers.leapp_tsv import CANNOT_TELL, CHANNELS, KNOWLEDGE, ZONE


def _names(raw: bytes | None) -> list[str] | None:
    try:
        found = msgspec.json.decode(raw or b"", type=list[str | list[Any]])
    except (msgspec.DecodeError, ValueError, RecursionError):  # bytes that are no UTF-8 are a ValueError
        return None
    return [str(x[0]) if isinstance(x, list) and x else str(x) for x in found]


def _stream(stream: BinaryIO) -> JsonStream:
    return JsonStream(stream, arrays={"/data": list[Any]}, values=["/headers"])


def _headers(source: SourceFile) -> list[str] | None:
    with source.open() as stream:
        for item in JsonStream(stream, arrays={}, values=["/headers"]):
            if isinstance(item, Value):
                return _names(item.raw)
    return None


class _LeappJson:
    """The reader."""

    description = Description(
        id="leapp-json",
        version=1,
        title="ALEAPP / iLEAPP result of a module (JSON)",
        channels=CHANNELS,
        counts="elements of data",
        knowledge=KNOWLEDGE,
        evidence="real sample",
        cannot_tell=CANNOT_TELL,
        options=(ZONE,),
        versions="iLEAPP of July 2026",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a JSON object that names module, artifact and function of the tool, and whose headers are known."""
        data = head.data.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not data.startswith(b"{") or any(
            word not in data[:4096]
            for word in (b'"metadata"', b'"module_name"', b'"artifact_name"', b'"function_name"')
        ):
            return None
        at = data.find(b'"headers"')
        start, end = data.find(b"[", at), data.find(b"]", at)
        names = _names(data[start : end + 1]) if 0 <= at < start < end else None
        if names is None and head.source is not None:
            names = _headers(head.source)
        shape = shape_of(map(column, names or ()))
        return None if shape is None else Claim(95, f"result of a module of the tool, columns of: {shape.title}")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`."""
        names = [column(n) for n in _headers(source) or ()]
        shape = shape_of(names)
        if shape is None:
            raise Unreadable("the headers are missing, or are not those of a table that is known", "json:/headers")
        whole = Examination(context, out)
        table = Table(shape, names, whole, shape.make == "sighting" and _swapped(source, names.index("latitude")))
        notes: list[str] = []
        met = False
        with source.open() as stream:
            for item in _stream(stream):
                match item:
                    case Block():
                        for k, cells in enumerate(item.items, item.first):
                            table.row(f"json:/data/{k}", cells)
                    case Bad():
                        table.broken(f"json:{item.pointer}/{item.index}", item.reason)
                    case ArrayEnd():
                        met = True
                    case Broken():
                        notes.append(f"the file breaks off: {item.reason}")
        table.flush()
        if not met and not whole.rows.n:
            raise Unreadable("the rows are missing", "json:/data")
        whole.end(*notes)

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a row with its columns named, and only times, directions, numbers and names of people shown."""
        names = _headers(source) or []
        try:
            cells = json.loads(raw)
        except (ValueError, RecursionError):
            return hidden(len(raw))
        if not isinstance(cells, list) or len(cells) != len(names):
            return hidden(len(raw))
        return masked_row(["" if c is None else c for c in cells], names, lambda name: column(name) in SHOWN)


def _swapped(source: SourceFile, place: int) -> bool:
    with source.open() as stream:
        for item in _stream(stream):
            if isinstance(item, Block) and any(len(c) > place and beyond(c[place]) for c in item.items):
                return True
    return False


READER = _LeappJson()
