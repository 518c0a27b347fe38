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
from dataclasses import dataclass
from typing import BinaryIO

from pipelines.masking import harmless, hidden
from pipelines.readers.base import Head, SourceFile

#: longest value of a cell [P]
MAX_CELL = 10_000_000
DELIMITERS = (",", ";", "\t", "|")
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its locator, its number in the sheet (physical line or row of the workbook, from 1), its cells.

    A cell of a text table is a str; of a workbook also int, float, bool, or a :class:`datetime.datetime` without zone where the
    cell is formatted as a date. An empty cell is "". ``fault`` says why a row could not be divided into cells.
    """

    record: str
    number: int
    cells: tuple[object, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a text file is one sheet without a name."""

    name: str
    rows: Iterable[Row]


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
    if len(head) >= 4 and head[1] == 0 and head[3] == 0 and head[0]:
        return "utf-16-le"
    if len(head) >= 4 and head[0] == 0 and head[2] == 0 and head[1]:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    return "utf-8"


def lines_of(stream: BinaryIO, encoding: str) -> Iterator[str]:
    r"""Yield the physical lines of a text with their ends (``\n`` or ``\r\n``; a lone ``\r`` ends none); faulty bytes become U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest: list[str] = []  # a line may fill many blocks: its pieces are put together once
    while True:
        block = stream.read(_BLOCK)
        pieces = decoder.decode(block, not block).split("\n")
        rest.append(pieces.pop())
        if pieces:
            last = rest.pop()
            pieces[0] = "".join(rest) + pieces[0]
            rest = [last]
            for piece in pieces:
                yield piece + "\n"
        if not block:
            if line := "".join(rest):
                yield line
            return


def delimiter_of(lines: Sequence[str], choices: Sequence[str] = DELIMITERS) -> str | None:
    """Return the delimiter that divides the first lines of a table into the same number of cells, two at least.

    None if none does, or two do equally well.
    """
    best: list[tuple[float, int, str]] = []
    for choice in choices:
        widths = Counter(len(r) for r in csv.reader(lines, delimiter=choice) if r)
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        if width > 1:
            best.append((times / sum(widths.values()), width, choice))
    best.sort(reverse=True)
    if not best or (len(best) > 1 and best[0][:2] == best[1][:2]):
        return None
    return best[0][2]


def text_rows(stream: BinaryIO, encoding: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows of a text table; a blank line is a row without cells."""
    taken: list[int] = [0]

    def counted() -> Iterator[str]:
        for line in lines_of(stream, encoding):
            taken[0] += 1
            yield line.replace("\0", "\ufffd")

    old = csv.field_size_limit(MAX_CELL)
    try:
        reader = csv.reader(counted(), delimiter=delimiter, strict=False)
        first = 1
        while True:
            fault = ""
            cells: tuple[object, ...] = ()
            try:
                cells = tuple(next(reader))
            except StopIteration:
                return
            except csv.Error:
                fault = f"the row cannot be divided into cells, or one is longer than {MAX_CELL} characters"
            last = taken[0]
            record = f"line:{first}" if last <= first else f"lines:{first}-{last}"
            yield Row(record, first, cells, fault)
            first = last + 1
    finally:
        csv.field_size_limit(old)


def open_text(source: SourceFile, encoding: str | None = None, delimiter: str | None = None) -> tuple[str, str | None]:
    """Return encoding and delimiter of a text table as :func:`encoding_of` and :func:`delimiter_of` see them."""
    with source.open() as stream:
        head = stream.read(65_536)
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
    return re.sub(r"[\s\u00a0\u202f]+", " ", str(text).replace("\ufeff", "").replace("\u200e", "")).strip().casefold()


def is_workbook(head: Head) -> bool:
    """Return whether a file is an XLSX workbook (a zip that begins with its table of contents)."""
    return head.data[:4] == b"PK\x03\x04" and (b"[Content_Types].xml" in head.data[:4096] or b"xl/" in head.data[:4096])


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
