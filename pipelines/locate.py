"""Opening the record behind an id: from a source and a locator to the raw bytes, and to a form without content.

A locator is what readers write into ``record`` (DESIGN.md section 5): ``line:12``, ``lines:12-15``, ``bytes:100-250``,
``json:/chats/list/3/messages/17``, ``xml:/smses/sms[4]``. Every source is streamed, so a file of any size costs one block
of memory, and the bytes shown are those of the file: no parser has put them in order, resolved or repaired anything.
"""

from __future__ import annotations

import codecs
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import msgspec

from pipelines.masking import FAMILIES, Allowed, harmless, hidden, mask_chat_lines, mask_json, mask_xml
from pipelines.readers import all_readers
from pipelines.readers._json_stream import Bad, Block, Broken, JsonStream, Value
from pipelines.readers._sheets import find_row
from pipelines.readers._sqlite import open_database
from pipelines.readers._xml_text import encoding_of
from pipelines.readers.base import Finder, SourceFile, Span, Unreadable

__all__ = ["RECORD_LIMIT", "LocateError", "RawRecord", "harmless", "open_record"]

BLOCK_BYTES = 1 << 20
#: of a longer record only so many bytes are shown, and how many were left out is said
RECORD_LIMIT = 1 << 20
#: of a longer XML attribute (a picture) only so many bytes are shown
VALUE_LIMIT = 1 << 16

_LINES = re.compile(r"line:([1-9]\d{0,17})|lines:([1-9]\d{0,17})-([1-9]\d{0,17})", re.ASCII)
_BYTES = re.compile(r"bytes:(\d{1,18})-(\d{1,18})", re.ASCII)
_XML = re.compile(r"xml:((?:/[^/\[\]\s]{1,200}(?:\[[1-9]\d{0,17}\])?){1,64})", re.ASCII)
_SQL = re.compile(r"sql:([^/]{1,200})/(-?\d{1,19})", re.ASCII)
_CELL = re.compile(r"cell:(.{0,200})!([1-9]\d{0,8})", re.DOTALL)
_STEP = re.compile(r"/([^/\[]+)(?:\[(\d+)\])?")
_INDEX = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_LINE_END = re.compile(r"\r(?=\n|\Z)")
_BLANKS = b" \t\r\n"
_CONTINUATION = bytes(range(0x80, 0xC0))


class LocateError(ValueError):
    """The record cannot be shown: one sentence that names the file and the record.

    Parameters
    ----------
    source : SourceFile
        Where it was looked for.
    record : str
        The locator.
    reason : str
        Why not, without content.
    """

    def __init__(self, source: SourceFile, record: str, reason: str) -> None:
        name = f"{source.container}!{source.name}" if source.container else source.name
        self.reason = reason
        super().__init__(f"{harmless(name, lines=False)}, record {harmless(record[:200], lines=False)}: {reason}")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it stands in its source.

    Attributes
    ----------
    source_id, name, record, fmt : str
        Where it comes from.
    data : bytes
        The bytes of the source, without those that were left out; UTF-8 where the source is UTF-16 or UTF-32, or its
        reader found the record in a text of another encoding.
    text : str
        The same as text that cannot act on a terminal, with a mark where something was left out.
    masked : str
        Metadata as it is, content as its length.
    start, end : int or None
        Place in the source in bytes, half-open; None where the source is not UTF-8 or the place is not known.
    left_out : int
        Bytes that are not shown because the record is too long.
    complete : bool
        False if the source ends or breaks inside the record.
    """

    source_id: str
    name: str
    record: str
    fmt: str
    data: bytes
    text: str
    masked: str
    start: int | None = None
    end: int | None = None
    left_out: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Cut:
    """Bytes left out at a place of the captured data."""

    place: int
    size: int
    characters: int


class _Capture:
    """Gathers the bytes of a record up to the limit."""

    def __init__(self, start: int | None) -> None:
        self.start = start
        self.taken = 0
        self.cuts: list[_Cut] = []
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes, room: int = RECORD_LIMIT) -> None:
        """Take bytes, of which at most ``room`` are kept."""
        self.taken += len(data)
        keep = max(0, min(room, RECORD_LIMIT - self._size))
        kept = data[:keep]
        if kept:
            self._parts.append(kept)
            self._size += len(kept)
        if left := data[keep:]:
            characters = len(left.translate(None, _CONTINUATION))
            if self.cuts and self.cuts[-1].place == self._size:
                last = self.cuts.pop()
                self.cuts.append(_Cut(last.place, last.size + len(left), last.characters + characters))
            else:
                self.cuts.append(_Cut(self._size, len(left), characters))

    @property
    def data(self) -> bytes:
        """What was kept."""
        return b"".join(self._parts)

    @property
    def left_out(self) -> int:
        """How many bytes were not."""
        return sum(cut.size for cut in self.cuts)


# -- streams


def _wide(head: bytes) -> str:
    """Return the codec of a text that is not one of bytes below 128 for ASCII, empty for all others."""
    for mark, codec in ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if head.startswith(mark):
            return codec
    if len(head) == 4 and 0 in head:
        zeros = "".join("0" if byte == 0 else "x" for byte in head)
        return {"x0x0": "utf-16-le", "0x0x": "utf-16-be", "x000": "utf-32-le", "000x": "utf-32-be"}.get(zeros, "")
    return ""


class _Text:
    """A source as blocks of bytes in which ASCII is ASCII: as it is, or turned into UTF-8 if it is UTF-16 or UTF-32."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._head = self._fill(4)
        self.wide = _wide(self._head)

    def _fill(self, size: int) -> bytes:
        parts, have = [], 0
        while have < size and (more := self._stream.read(size - have)):
            parts.append(more)
            have += len(more)
        return b"".join(parts)

    def blocks(self) -> Iterator[bytes]:
        """Yield the text."""
        decoder = codecs.getincrementaldecoder(self.wide)("replace") if self.wide else None
        data = self._head + self._stream.read(BLOCK_BYTES)
        while True:
            out = data if decoder is None else decoder.decode(data, not data).encode("utf-8", "replace")
            if out:
                yield out
            if not data:
                return
            data = self._stream.read(BLOCK_BYTES)


# -- line: and lines:


def _find_lines(text: _Text, first: int, last: int) -> tuple[_Capture | None, bool]:
    capture: _Capture | None = None
    line, offset = 1, 0
    if first == 1:
        capture = _Capture(None if text.wide else 0)
    for block in text.blocks():
        at = 0
        if capture is None:
            breaks = block.count(b"\n")
            if line + breaks < first:
                line += breaks
                offset += len(block)
                continue
            while line < first:
                at = block.index(b"\n", at) + 1
                line += 1
            capture = _Capture(None if text.wide else offset + at)
        while True:
            end = block.find(b"\n", at)
            if end < 0:
                capture.add(block[at:])
                break
            if line == last:
                capture.add(block[at:end])
                return capture, True
            capture.add(block[at : end + 1])
            at = end + 1
            line += 1
        offset += len(block)
    if capture is None or not capture.taken:
        return None, False
    return capture, line == last


# -- bytes:


def _find_bytes(stream: BinaryIO, start: int, end: int) -> tuple[_Capture, bool]:
    if stream.seekable():
        stream.seek(start)
    else:
        left = start
        while left and (data := stream.read(min(left, BLOCK_BYTES))):
            left -= len(data)
    capture = _Capture(start)
    left = end - start
    while left and (data := stream.read(min(left, BLOCK_BYTES))):
        capture.add(data)
        left -= len(data)
    return capture, not left


# -- json:


def _find_json(source: SourceFile, record: str, pointer: str) -> tuple[_Capture, bool]:
    parent, slash, last = pointer.rpartition("/")
    if slash and _INDEX.fullmatch(last):
        found = _find_element(source, parent, int(last))
        if found is not None:
            return found
    with source.open() as stream:
        for item in JsonStream(stream, arrays={}, values=[pointer]):
            if isinstance(item, Value):
                if item.raw is None:
                    raise LocateError(source, record, "the value is too long to be shown")
                capture = _Capture(None)
                capture.add(item.raw)
                return capture, True
            if isinstance(item, Broken):
                raise LocateError(source, record, "the file is no JSON up to there, or ends before it")
    raise LocateError(source, record, "there is no such record")


def _find_element(source: SourceFile, parent: str, index: int) -> tuple[_Capture, bool] | None:
    """Find an element as the readers count them, by the very stream that they use."""
    with source.open() as stream:
        for item in JsonStream(stream, arrays={parent: msgspec.Raw}):
            if isinstance(item, Block) and item.first <= index < item.first + len(item.items):
                capture = _Capture(None)
                capture.add(bytes(item.items[index - item.first]))
                return capture, True
            if isinstance(item, Bad) and item.index == index:
                break
        else:
            return None
    # not valid JSON or cut off: shown as it is, from the place that the stream tells
    with source.open() as stream:
        text = _Text(stream)
        plain = not text.wide
        capture, mark, at = _Capture(None), 0, 0
        for number, block in enumerate(text.blocks()):
            data = block
            if number == 0 and data.startswith(codecs.BOM_UTF8):
                data, mark = data[3:], 3
            begin, end = max(item.start - at, 0), min(item.end - at, len(data))
            piece = data[begin:end] if begin < end else b""
            if not capture.taken:
                trimmed = piece.lstrip(b" \t\r\n")
                begin += len(piece) - len(trimmed)
                piece = trimmed
                capture.start = at + begin + mark if plain and piece else None
            capture.add(piece)
            at += len(data)
            if at >= item.end:
                break
    return capture, False


# -- xml:

#: text and one tag whose attributes all lie in the block: the usual case, passed over at once
_USUAL = re.compile(rb"""[^<]*+<(/?)([^\s/><!?"'=]{1,200}+)((?:[^<>"'/]++|"[^"<]*+"|'[^'<]*+'|/(?!>))*+)(/?)>""")
_LT = re.compile(rb"[^<]*+")
_IN_TAG = re.compile(rb"[^\"'>]*+")
_IN_DOCTYPE = re.compile(rb"[^\"'<>\[\]]*+")
_TAG_NAME = re.compile(rb"<([^\s/><]{1,1000})")


class _End(Exception):
    """The text ends."""


class _Elements:
    """Follows the tags of an XML text without a parser, so that broken references and huge attributes do no harm."""

    def __init__(self, text: _Text | _Given) -> None:
        self._blocks = text.blocks()
        self._wide = bool(text.wide)
        self._buf = b""
        self._at = 0
        self._base = 0
        self._last = 0  # the byte passed last
        self.capture: _Capture | None = None

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._base += self._at
        self._buf = self._buf[self._at :] + block
        self._at = 0
        return bool(block)

    def _ensure(self, size: int) -> None:
        while len(self._buf) - self._at < size and self._more():
            pass

    def _take(self, end: int, room: int = RECORD_LIMIT) -> None:
        if end > self._at:
            self._last = self._buf[end - 1]
            if self.capture is not None:
                self.capture.add(self._buf[self._at : end], room)
        self._at = end

    def _run(self, pattern: re.Pattern[bytes]) -> int:
        """Pass over what the pattern matches, across blocks; return the byte that stops it."""
        while True:
            found = pattern.match(self._buf, self._at)
            self._take(found.end() if found else self._at)
            if self._at < len(self._buf):
                return self._buf[self._at]
            if not self._more():
                raise _End

    def _through(self, token: bytes, room: int = RECORD_LIMIT) -> None:
        """Pass over everything up to and with the token, keeping at most ``room`` bytes before it."""
        while True:
            place = self._buf.find(token, self._at)
            end = place if place >= 0 else max(self._at, len(self._buf) - len(token) + 1)
            taken = end - self._at
            self._take(end, room)
            room = max(0, room - taken)
            if place >= 0:
                self._take(self._at + len(token))
                return
            if not self._more():
                self._take(len(self._buf), room)
                raise _End

    def usual_tag(self) -> re.Match[bytes] | None:
        """Return the next tag if it is of the usual form and wholly in the block; :meth:`go` passes over it.

        Groups: 1 the slash of a closing tag, 2 the name, 4 the slash of a tag that closes itself.
        """
        return _USUAL.match(self._buf, self._at) if self.capture is None else None

    def go(self, tag: re.Match[bytes], *, over: bool) -> None:
        """Pass over the tag, or stop before it."""
        self._at = tag.end() if over else tag.start(2) - 1

    def next_tag(self) -> tuple[str, bytes]:
        """Go to the next tag and stop before it.

        Returns
        -------
        kind : str
            ``open`` or ``close``.
        name : bytes
            Local name of an opening tag.
        """
        while True:
            self._run(_LT)
            self._ensure(1100)
            if self._buf.startswith(b"<!--", self._at):
                self._take(self._at + 4)
                self._through(b"-->")
            elif self._buf.startswith(b"<![CDATA[", self._at):
                self._through(b"]]>")
            elif self._buf.startswith(b"<?", self._at):
                self._through(b"?>")
            elif self._buf.startswith(b"<!", self._at):
                self._doctype()
            elif self._buf.startswith(b"</", self._at):
                return "close", b""
            else:
                found = _TAG_NAME.match(self._buf, self._at)
                if found is not None:
                    return "open", found.group(1).rpartition(b":")[2]
                self._take(self._at + 1)  # a < that opens nothing

    def _doctype(self) -> None:
        self._take(self._at + 2)
        inside = False
        while True:
            byte = self._run(_IN_DOCTYPE)
            self._ensure(4)
            if self._buf.startswith(b"<!--", self._at):
                self._take(self._at + 4)
                self._through(b"-->")
                continue
            if self._buf.startswith(b"<?", self._at):
                self._through(b"?>")
                continue
            self._take(self._at + 1)
            if byte in b"\"'":
                self._through(bytes([byte]))
            elif byte == 0x5B:
                inside = True
            elif byte == 0x5D:
                inside = False
            elif byte == 0x3E and not inside:
                return

    def pass_open(self) -> bool:
        """Pass over the opening tag before which we stand; return whether it closes itself."""
        while True:
            byte = self._run(_IN_TAG)
            closes = self._last == 0x2F
            self._take(self._at + 1)
            if byte == 0x3E:
                return closes
            self._through(bytes([byte]), VALUE_LIMIT)

    def pass_close(self) -> None:
        """Pass over the closing tag before which we stand."""
        self._through(b">")

    def rest(self) -> bytes:
        """Return what is in the buffer and was not passed over."""
        return self._buf[self._at :]

    def begin_capture(self) -> _Capture:
        """Take everything from here on."""
        self.capture = _Capture(None if self._wide else self._base + self._at)
        return self.capture


def _find_xml(text: _Text, steps: list[tuple[bytes, int]]) -> tuple[_Capture | None, bool]:
    elements = _Elements(text)
    level = depth = count = 0  # open elements of the path, open elements, children met that carry the next name
    try:
        while True:
            usual = elements.usual_tag()
            if usual is not None:
                closing, name = bool(usual.group(1)), usual.group(2)
                name = name.rpartition(b":")[2] if b":" in name else name
            else:
                kind, name = elements.next_tag()
                closing = kind == "close"
            if closing:
                if usual is not None:
                    elements.go(usual, over=True)
                else:
                    elements.pass_close()
                depth -= 1
                if depth < level:
                    return None, False  # the parent is closed
                continue
            hit = False
            if depth == level and name == steps[level][0]:
                count += 1
                hit = count == steps[level][1]
            if hit and level == len(steps) - 1:
                if usual is not None:
                    elements.go(usual, over=False)
                return _take_element(elements)
            if usual is not None:
                elements.go(usual, over=True)
                closed = bool(usual.group(4))
            else:
                closed = elements.pass_open()
            if closed:
                if hit:
                    return None, False
                continue
            depth += 1
            if hit:
                level, count = level + 1, 0
    except _End:
        return None, False


def _take_element(elements: _Elements) -> tuple[_Capture, bool]:
    capture = elements.begin_capture()
    depth = 0
    try:
        while True:
            if not elements.pass_open():
                depth += 1
            while depth:
                kind, _ = elements.next_tag()
                if kind == "open":
                    break
                elements.pass_close()
                depth -= 1
            if not depth:
                return capture, True
    except _End:
        return capture, False


# -- as the reader found it


def _span_blocks(stream: BinaryIO, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a source between two offsets of its text."""
    at = 0
    if span.encoding or not stream.seekable():
        left = span.mark
        while left and (data := stream.read(left)):
            left -= len(data)
    else:
        stream.seek(span.mark + span.start)
        at = span.start
    decoder = codecs.getincrementaldecoder(span.encoding)("replace") if span.encoding else None
    while span.end is None or at < span.end:
        data = stream.read(BLOCK_BYTES)
        out = data if decoder is None else decoder.decode(data, not data).encode("utf-8", "replace")
        if piece := out[max(span.start - at, 0) : len(out) if span.end is None else max(span.end - at, 0)]:
            yield piece
        at += len(out)
        if not data:
            return


def _trimmed(blocks: Iterator[bytes], skipped: list[int]) -> Iterator[bytes]:
    """Yield blocks without the blanks around them; add to ``skipped`` how many stood before."""
    held, begun = b"", False
    for block in blocks:
        data = held + block
        if not begun:
            data = data.lstrip(_BLANKS)
            skipped.append(len(held) + len(block) - len(data))
            begun = bool(data)
        solid = data.rstrip(_BLANKS)
        if begun and len(data) - len(solid) > BLOCK_BYTES:  # a desert of blanks is no end of a record
            solid = data
        held = data[len(solid) :]
        if solid:
            yield solid


class _Given:
    """Blocks of bytes in place of a source."""

    wide = ""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def blocks(self) -> Iterator[bytes]:
        """Yield them."""
        return self._blocks


def _take_span(stream: BinaryIO, span: Span, *, xml: bool) -> tuple[_Capture, bool]:
    skipped: list[int] = []
    blocks = _trimmed(_span_blocks(stream, span), skipped)
    if xml and span.complete:  # well-formed: long attributes can be told and cut
        elements = _Elements(_Given(blocks))
        capture, _ = _take_element(elements)
        capture.add(elements.rest())
    else:
        capture = _Capture(0)
    for block in blocks:
        capture.add(block)
    capture.start = None if span.encoding else span.mark + span.start + sum(skipped)
    return capture, span.complete


def _find_again(source: SourceFile, record: str, fmt: str, n: int | None) -> tuple[_Capture, bool] | None:
    """Open a record as its reader cuts it; None if the reader leaves that to the locator."""
    finder = getattr(all_readers().get(fmt), "find", None)
    if finder is None:
        return None
    span = cast(Finder, all_readers()[fmt]).find(source, record, n)
    if span is None:
        raise LocateError(source, record, "there is no such record")
    with source.open() as stream:
        return _take_span(stream, span, xml=record.startswith("xml:"))


# -- sql: and cell:


def _as_json(value: object) -> _Capture:
    capture = _Capture(None)
    capture.add(json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace"))
    return capture


def _plain(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def _find_sql(source: SourceFile, record: str, table: str, rowid: int) -> _Capture:
    with open_database(source) as db:
        row = db.row(table, rowid)
    if row is None:
        raise LocateError(source, record, "there is no such record")
    return _as_json(row)


# -- the whole


def _encoding(source: SourceFile, text: _Text, locator: str) -> str:
    if text.wide or not locator.startswith("xml:"):
        return "utf-8"
    with source.open() as stream:
        try:
            return encoding_of(stream.read(1024))[0]
        except Unreadable:
            return "utf-8"


def _decoded(capture: _Capture, encoding: str) -> tuple[str, str, list[tuple[int, int]]]:
    """Return the text with marks for what was left out, the text without, and the places of the marks in it."""
    data, at = capture.data, 0
    marked: list[str] = []
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for cut in [*capture.cuts, None]:
        piece = data[at : cut.place if cut else len(data)].decode(encoding, "replace")
        marked.append(harmless(_LINE_END.sub("", piece)))
        plain.append(piece)
        length += len(piece)
        if cut is not None:
            marked.append(f"‹{cut.size} bytes not shown›")
            places.append((length, cut.characters))
            at = cut.place
    return "".join(marked), "".join(plain), places


def _masked(source: SourceFile, record: str, fmt: str, plain: str, places: list[tuple[int, int]]) -> str:
    reader = all_readers().get(fmt)
    own = getattr(reader, "mask", None)
    if own is not None:
        return cast("Callable[[SourceFile, str], str]", own)(source, plain)
    allowed = getattr(reader, "allowed", None) or FAMILIES.get(fmt) or Allowed()
    left_out = sum(count for _, count in places)
    if record.startswith(("json:", "sql:")):
        return hidden(len(plain) + left_out) if left_out else mask_json(plain, record.rpartition("/")[2], allowed)
    if record.startswith("xml:"):
        return mask_xml(plain, allowed, places)
    if fmt == "whatsapp-txt":
        return mask_chat_lines(plain) + (f"\n{hidden(left_out)} more" if left_out else "")
    return hidden(len(plain) + left_out)


def _find(source: SourceFile, record: str, fmt: str, n: int | None) -> tuple[_Capture, bool, str]:
    missing = LocateError(source, record, "there is no such record")
    capture: _Capture | None
    if (
        record.startswith(("json:/", "xml:/", "bytes:", "mail:"))
        and (again := _find_again(source, record, fmt, n)) is not None
    ):
        return *again, "utf-8"
    if found := _LINES.fullmatch(record):
        first = int(found.group(1) or found.group(2))
        last = int(found.group(1) or found.group(3))
        if last < first:
            raise LocateError(source, record, "the last line lies before the first")
        with source.open() as stream:
            text = _Text(stream)
            capture, complete = _find_lines(text, first, last)
    elif found := _BYTES.fullmatch(record):
        start, end = int(found.group(1)), int(found.group(2))
        if end <= start or start >= source.size:
            raise missing
        with source.open() as stream:
            capture, complete = _find_bytes(stream, start, end)
        return capture, complete, "utf-8"
    elif record.startswith("json:") and record[5:6] in ("", "/"):
        capture, complete = _find_json(source, record, record[5:])
        return capture, complete, "utf-8"
    elif found := _XML.fullmatch(record):
        steps = [(name.encode(), int(index or 1)) for name, index in _STEP.findall(found.group(1))]
        with source.open() as stream:
            text = _Text(stream)
            capture, complete = _find_xml(text, steps)
    elif found := _SQL.fullmatch(record):
        return _find_sql(source, record, found.group(1), int(found.group(2))), True, "utf-8"
    elif found := _CELL.fullmatch(record):
        row = find_row(source, found.group(1), int(found.group(2)))
        if row is None:
            raise missing
        return _as_json(list(row.cells)), True, "utf-8"
    else:
        raise LocateError(source, record, "this is no locator of a record")
    if capture is None:
        raise missing
    return capture, complete, _encoding(source, text, record)


def open_record(source: SourceFile, record: str, fmt: str, n: int | None = None) -> RawRecord:
    """Open the record behind a locator.

    Parameters
    ----------
    source : SourceFile
        The source, streamed from its first byte; its hash is not checked here.
    record : str
        The locator, as the tables hold it.
    fmt : str
        Id of the format: it decides what may be seen in ``masked``. Of a format without a list nothing is shown. If its
        reader finds records again (:class:`pipelines.readers.base.Finder`), what it finds is the record.
    n : int, optional
        Number of the record, which tells two of one locator apart in a damaged file.

    Returns
    -------
    RawRecord
        At most :data:`RECORD_LIMIT` bytes of it.

    Raises
    ------
    LocateError
        The record is not there, the locator is none, or the source cannot be read.

    Notes
    -----
    A reader of files that are packed as a whole offers ``plain(source)``, the source as the text in which its locators
    point; the place in the file is not known then.
    """
    plain_of = getattr(all_readers().get(fmt), "plain", None)
    try:
        packed, source = source, source if plain_of is None else cast(SourceFile, plain_of(source))
        capture, complete, encoding = _find(source, record, fmt, n)
        if packed is not source:
            capture.start = None
        marked, plain, places = _decoded(capture, encoding)
        masked = _masked(source, record, fmt, plain, places)
    except Unreadable as error:
        raise LocateError(source, record, error.reason) from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise LocateError(source, record, f"the source cannot be read ({type(error).__name__})") from None
    end = None if capture.start is None else capture.start + capture.taken
    return RawRecord(
        source.source_id,
        source.name,
        record,
        fmt,
        capture.data,
        marked,
        masked,
        capture.start,
        end,
        capture.left_out,
        complete,
    )
