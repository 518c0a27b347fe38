"""Tables of text: CSV, TSV and the like, and workbooks (XLSX), row by row with the place of every row.

A text row is its physical lines: ``line:12``, or ``lines:12-14`` where a quoted value holds line ends. A row of a workbook
is ``cell:Sheet1!12``. Nothing is guessed that the file does not show: the encoding is that of a byte order mark, UTF-8, or
the declared one; the delimiter is the declared one, or the one of a short list that divides the first rows evenly.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from pipelines.masking import harmless, hidden
from pipelines.readers.base import Head, SourceFile

#: longest value of a cell [P]
MAX_CELL = 10_000_000
DELIMITERS = (",", ";", "\t", "|")
#: most physical lines of one row; from so many open quotes on, every line is taken for a row [P]
MAX_ROW_LINES = 100_000
MAX_FAULTS = 100
FAULT = f"the row cannot be divided into cells, or one is longer than {MAX_CELL} characters"
OPEN_QUOTE = "a quote is opened in the row and never closed"
_BLOCK = 1 << 18
#: bytes of an OLE container in which its directory is looked for [P]
OLE_LOOK = 16 << 20
OLE_STREAMS = (
    ("EncryptedPackage", "the workbook is encrypted with a password: open it in Excel and save it without one"),
    ("Workbook", "a workbook of the old binary format (.xls), which is not read: open it and save it as .xlsx or CSV"),
    ("Book", "a workbook of the old binary format (.xls), which is not read: open it and save it as .xlsx or CSV"),
)


class Row(NamedTuple):
    """One row: its locator, its number in the sheet (physical line or row of the workbook, from 1), its cells.

    A cell of a text table is a str; of a workbook also int, float, bool, or a :class:`datetime.datetime` without zone where the
    cell is formatted as a date. A time without a date, or a span of time, is the time after 1899-12-30T00:00. An empty cell is
    "". ``fault`` says why a row could not be divided into cells.
    """

    record: str
    number: int
    cells: tuple[object, ...]
    fault: str = ""


#: why the last row of a text may not be believed
UNENDED = "the file ends inside this row: without a line end its last value may be cut off"


class Tail:
    """A stream that remembers the last byte it gave: a text that ends without a line end may have been cut off."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._stream.read(size)
        if data:
            self._last = data.rstrip(b"\0")[-1:] or self._last
        return data

    @property
    def ended(self) -> bool:
        """Does what was read end with a line end."""
        return self._last in (b"\n", b"\r")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a text file is one sheet without a name, and with a ``tail``."""

    name: str
    rows: Iterable[Row]
    tail: Tail | None = None


def encoding_of(head: bytes, declared: str | None = None) -> str:
    """Return the encoding of a text by its byte order mark, its zero bytes or its validity as UTF-8; else the declared one.

    Returns
    -------
    str
        A codec; empty if the bytes are no UTF-8 and nothing is declared: then the file must wait for ``encoding``.
    """
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return codec
    if declared:
        return declared
    if wide := _wide(head[:4096]):
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    return "utf-8"


def _wide(head: bytes) -> str:
    """Return UTF-16 if every second byte is one of a Latin (00) or a Cyrillic (04) letter; text of bytes holds neither."""
    pairs = len(head) // 2
    if pairs < 2:
        return ""
    for high, low, codec in ((head[1::2], head[0::2], "utf-16-le"), (head[0::2], head[1::2], "utf-16-be")):
        if 10 * (high.count(0) + high.count(4)) >= 9 * pairs and low.count(0) + low.count(4) <= pairs // 10:
            return codec
    return ""


def _blocks_of(stream: BinaryIO, encoding: str, nought: str = "\0") -> Iterator[list[str]]:
    """Yield the physical lines of a text in blocks; ``nought`` stands in place of the character of number 0."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest: list[str] = []  # a line may fill many blocks: its pieces are put together once
    while True:
        block = stream.read(_BLOCK)
        lines = decoder.decode(block, not block).replace("\0", nought).split("\n")
        rest.append(lines.pop())
        if lines:
            last = rest.pop()
            lines[0] = "".join(rest) + lines[0]
            rest = [last]
            yield [line + "\n" for line in lines]
        if not block:
            if line := "".join(rest):
                yield [line]
            return


def lines_of(stream: BinaryIO, encoding: str) -> Iterator[str]:
    r"""Yield the physical lines of a text with their ends (``\n`` or ``\r\n``; a lone ``\r`` ends none); faulty bytes become U+FFFD."""
    for block in _blocks_of(stream, encoding):
        yield from block


def delimiter_of(lines: Sequence[str], choices: Sequence[str] = DELIMITERS) -> str | None:
    """Return the delimiter that divides the first lines of a table into the same number of cells, two at least.

    None if none does, or two do equally well.
    """
    best: list[tuple[float, int, str]] = []
    for choice in choices:
        try:
            widths = Counter(len(r) for r in csv.reader(lines, delimiter=choice) if r)
        except csv.Error:
            continue
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        if width > 1:
            best.append((times / sum(widths.values()), width, choice))
    best.sort(reverse=True)
    if not best or (len(best) > 1 and best[0][:2] == best[1][:2]):
        return None
    return best[0][2]


class _RowTooLong(Exception):
    pass


_longer: list[int] = []  # the limit before the first of those who need more of it; one entry for each of them


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let the parser, whose limit is one for the whole program, take cells of :data:`MAX_CELL`, as long as anybody needs it."""
    _longer.append(csv.field_size_limit(MAX_CELL) if not _longer else _longer[0])
    try:
        yield
    finally:
        before = _longer.pop()
        if not _longer:
            csv.field_size_limit(before)


class TextRows:
    """The rows of a text table; a blank line is a row without cells.

    A quote that is opened and never closed costs the line in which it stands and no other: reading goes on with the line
    after it.

    Parameters
    ----------
    stream : binary stream
        The text from its first byte.
    encoding, delimiter : str
        As :func:`encoding_of` and :func:`delimiter_of` return them.
    lines : int
        Most physical lines of one row.

    Attributes
    ----------
    width : int
        If it is set, a row of several lines with another number of cells is none: its first line is faulty.
    """

    def __init__(self, stream: BinaryIO, encoding: str, delimiter: str, *, lines: int = MAX_ROW_LINES) -> None:
        self.width = 0
        self._most = lines
        self._delimiter = delimiter
        self._blocks = _blocks_of(stream, encoding, "\ufffd")
        self._held: list[list[str]] = []  # lines that may have to be read again, in blocks
        self._first = 1  # number of the first line of the first of them
        self._done = 0  # number of the last line of the last row that was given
        self._ended = False

    def _feed(self, again: list[str]) -> Iterator[str]:
        """Yield lines that are read again, then those of the text."""
        self._ended = False
        self._held, self._first = [again], self._done + 1
        last, size = self._done + len(again), 0
        yield from again
        for block in self._blocks:
            while self._held and self._first + len(self._held[0]) - 1 <= self._done:
                self._first += len(self._held.pop(0))
                size = 0
            self._held.append(block)
            size += sum(map(len, block))
            if last - self._done > self._most or (last > self._done and size > 2 * MAX_CELL):
                raise _RowTooLong
            last += len(block)
            yield from block
        self._ended = True

    def _alone(self, lines: Iterable[str]) -> Iterator[Row]:
        """Yield every line as a row of its own."""
        for line in lines:
            self._done += 1
            fault, cells = "", list[str]()
            try:
                cells = next(csv.reader([line, ""], delimiter=self._delimiter), [])
            except csv.Error:
                fault = FAULT
            if cells and cells[-1].endswith("\n"):  # the open quote took the end of the line, too
                fault, cells = OPEN_QUOTE, []
            yield Row(f"line:{self._done}", self._done, tuple(cells), fault)

    def __iter__(self) -> Iterator[Row]:
        with _long_cells():
            yield from self._rows()

    def _rows(self) -> Iterator[Row]:
        again: list[str] = []
        make = Row._make
        for _ in range(MAX_FAULTS):
            base = self._done
            reader = csv.reader(self._feed(again), delimiter=self._delimiter)
            while True:
                fault = ""
                try:
                    for cells in reader:
                        first, last = self._done + 1, base + reader.line_num
                        if last == first and not self._ended:
                            self._done = last
                            yield make((f"line:{first}", first, tuple(cells), ""))
                            continue
                        # a row is given before the next line is asked for: at the end of the text its quote is open
                        if self._ended or last - first >= self._most or (self.width and len(cells) != self.width):
                            fault = OPEN_QUOTE
                            break
                        self._done = last
                        yield Row(f"lines:{first}-{last}", first, tuple(cells))
                except csv.Error:
                    fault = FAULT
                except _RowTooLong:
                    fault = OPEN_QUOTE
                if not fault:
                    return
                lines = base + reader.line_num - self._done
                self._done += 1
                yield Row(f"line:{self._done}", self._done, (), fault)
                if lines > 1 or fault == OPEN_QUOTE:
                    break
            held = [line for block in self._held for line in block]
            again = held[self._done + 1 - self._first :]
        yield from self._alone(again)  # so many quotes are no quotes
        for block in self._blocks:
            yield from self._alone(block)


def text_rows(stream: BinaryIO, encoding: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows of a text table (see :class:`TextRows`)."""
    return iter(TextRows(stream, encoding, delimiter))


def first_bytes(source: SourceFile, size: int = 65_536) -> bytes:
    """Return the first bytes of a source, also of a stream that gives a few at a time."""
    head = b""
    with source.open() as stream:
        while len(head) < size and (more := stream.read(size - len(head))):
            head += more
    return head


def open_text(source: SourceFile, encoding: str | None = None, delimiter: str | None = None) -> tuple[str, str | None]:
    """Return encoding and delimiter of a text table as :func:`encoding_of` and :func:`delimiter_of` see them."""
    head = first_bytes(source)
    codec = encoding_of(head, encoding)
    if not codec:
        return "", delimiter
    if delimiter is not None:
        return codec, delimiter
    lines = list(lines_of(io.BytesIO(head), codec))[:50]
    return codec, delimiter_of(lines[:-1] if len(head) == 65_536 and len(lines) > 1 else lines)


def first_row(head: Head, delimiters: Sequence[str] = DELIMITERS) -> tuple[str, ...]:
    """Return the cells of the first row of a text, for recognition: those of the delimiter that gives most; () if none."""
    codec = encoding_of(head.data)
    if not codec:
        return ()
    line = next(iter(lines_of(io.BytesIO(head.data[:16_384]), codec)), "")
    if "\0" in line:
        return ()
    try:
        made = [tuple(c.strip() for c in next(csv.reader([line], delimiter=d), [])) for d in delimiters]
    except csv.Error:
        return ()
    return max(made, key=len, default=())


def heading(text: object) -> str:
    """Return the name of a column as it is compared: no mark, blanks as one, case folded."""
    plain = str(text)
    return _folded(plain) if len(plain) <= 200 else _fold(plain)


def _fold(text: str) -> str:
    return re.sub(r"[\s\u00a0\u202f]+", " ", text.replace("\ufeff", "").replace("\u200e", "")).strip().casefold()


_folded = lru_cache(8192)(_fold)


#: what a file begins with that holds streams: the old binary workbooks (.xls), and any office file with a password
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def is_workbook(head: Head) -> bool:
    """Return whether a file is an XLSX workbook: a zip with the parts of one, whichever stands first."""
    if head.data[:4] != b"PK\x03\x04":
        return False
    if b"xl/" in head.data:
        return True
    if b"[Content_Types].xml" not in head.data or head.source is None or head.size <= len(head.data):
        return False
    from pipelines.readers._xlsx import parts

    return any(name.startswith("xl/") for name in parts(head.source))


def locked_workbook(head: Head) -> str:
    """Return why a workbook in an OLE container cannot be read, as a sentence; empty if the file is none.

    An office file with a password and a workbook of the old binary format both lie in such a container.
    """
    if not head.data.startswith(OLE_MAGIC):
        return ""
    data = head.data
    if head.source is not None and head.size > len(data):
        with head.source.open() as stream:
            data = stream.read(OLE_LOOK)
    for name, sentence in OLE_STREAMS:
        if name.encode("utf-16-le") in data:
            return sentence
    return ""


def workbook_sheets(source: SourceFile) -> Iterator[Sheet]:
    """Yield the sheets of a workbook in its order, each with its rows in order.

    Raises
    ------
    Unreadable
        It is damaged, encrypted, or inflates beyond measure.
    """
    from pipelines.readers._xlsx import sheets

    yield from sheets(source)


def find_row(source: SourceFile, sheet: str, number: int) -> Row | None:
    """Return a row of a workbook by sheet and number, None if it is not there."""
    for found in workbook_sheets(source):
        if found.name == sheet:
            return next((row for row in found.rows if row.number == number), None)
    return None


def masked_row(cells: Sequence[object], names: Sequence[str], shown: Callable[[str], bool]) -> str:
    """Return a row as ``name: value`` lines in which only the columns that ``shown`` admits bear their value."""
    out = []
    for k, cell in enumerate(cells):
        name = names[k] if k < len(names) else ""
        text = str(cell)
        value = text[:200] if name and shown(heading(name)) else hidden(len(text))
        out.append(f"{harmless(name, lines=False)[:80] or f'column {k + 1}'}: {harmless(value, lines=False)}")
    return "\n".join(out)
