"""XLSX workbooks, streamed row by row: no formula is computed, no macro read, no entity expanded, no link followed.

The format is ECMA-376: ``xl/workbook.xml`` names the sheets, ``xl/_rels/workbook.xml.rels`` says where they lie,
``xl/sharedStrings.xml`` holds the texts, ``xl/styles.xml`` says which numbers are dates (days since 1899-12-30, or
1904-01-01).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from lxml import etree

from pipelines.readers._sheets import Row, Sheet
from pipelines.readers.base import SourceFile, Unreadable

#: bytes of the parts that are read [P]: a workbook has at most a million rows a sheet
MAX_PART = 2 * 10**9
MAX_RATIO = 400
RATIO_FROM = 10 * 10**6
MAX_TEXTS = 5 * 10**6
#: a workbook in an archive is held in memory, because its directory stands at its end [P]
MAX_IN_MEMORY = 512 * 10**6
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    etree.XMLSyntaxError,
    ValueError,
    KeyError,
    RuntimeError,
    OverflowError,
)
_REF = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)
_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self._names = {i.filename.lstrip("/"): i for i in archive.infolist()}
        self.texts: list[str] = []
        self.dates: set[int] = set()
        self.zero = datetime(1899, 12, 30)

    def part(self, name: str) -> BinaryIO | None:
        info = self._names.get(name)
        if info is None:
            return None
        if info.flag_bits & 1:
            raise Unreadable("the workbook is encrypted")
        if info.file_size > MAX_PART or (
            info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size)
        ):
            raise Unreadable("the workbook inflates beyond measure; it is not read")
        return cast(BinaryIO, self._zip.open(info))

    def elements(self, name: str, *tags: str) -> Iterator[etree._Element]:
        """Yield elements of a part when they end; what was yielded is let go of."""
        stream = self.part(name)
        if stream is None:
            return
        with stream:
            parser = etree.iterparse(
                stream, events=("end",), tag=[f"{{*}}{t}" for t in tags], resolve_entities=False, no_network=True,
                load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True,
            )  # fmt: skip
            for _, element in parser:
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def load(self) -> list[tuple[str, str]]:
        links: dict[str, str] = {}
        for e in self.elements("xl/_rels/workbook.xml.rels", "Relationship"):
            target = str(e.get("Target") or "")
            links[str(e.get("Id"))] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        sheets: list[tuple[str, str]] = []
        for e in self.elements("xl/workbook.xml", "workbookPr", "sheet"):
            if _local(e.tag) == "workbookPr":
                if e.get("date1904") in ("1", "true"):
                    self.zero = datetime(1904, 1, 1)
                continue
            link = next((str(v) for k, v in e.attrib.items() if _local(k) == "id" and k != "id"), "")
            if link in links:
                sheets.append((str(e.get("name") or ""), links[link]))
        if not sheets:
            raise Unreadable("the workbook has no sheets")
        custom: dict[int, str] = {}
        for e in self.elements("xl/styles.xml", "numFmt", "cellXfs"):
            if _local(e.tag) == "numFmt":
                custom[int(e.get("numFmtId") or 0)] = str(e.get("formatCode") or "")
                continue
            for place, xf in enumerate(e):
                fmt = int(xf.get("numFmtId") or 0)
                shape = _NOT_FORMAT.sub("", custom.get(fmt, ""))
                if fmt in _DATE_IDS or re.search("[ymdhs]", shape, re.IGNORECASE):
                    self.dates.add(place)
        for e in self.elements("xl/sharedStrings.xml", "si"):
            if len(self.texts) >= MAX_TEXTS:
                raise Unreadable("the workbook holds more texts than are read")
            self.texts.append(_text_of(e))
        return sheets

    def value(self, cell: etree._Element) -> object:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return _text_of(cell)
        raw = next((c.text or "" for c in cell if _local(c.tag) == "v"), "")
        if not raw:
            return ""
        if kind == "s":
            return self.texts[int(raw)] if raw.isdecimal() and int(raw) < len(self.texts) else ""
        if kind in ("str", "e", "d"):
            return _unescape(raw)
        if kind == "b":
            return raw.strip() == "1"
        number = float(raw)
        if int(cell.get("s") or 0) in self.dates:
            try:
                return self.zero + timedelta(microseconds=round(number * 86_400_000) * 1000)
            except OverflowError:
                return number
        return int(number) if number.is_integer() and abs(number) < 2**53 else number

    def rows(self, sheet: str, part: str) -> Iterator[Row]:
        number = 0
        for e in self.elements(part, "row"):
            said = e.get("r")
            number = int(said) if said and said.isdecimal() else number + 1
            cells: list[object] = []
            for cell in e:
                if _local(cell.tag) != "c":
                    continue
                found = _REF.fullmatch(str(cell.get("r") or ""))
                place = _column(found.group(1)) if found else len(cells)
                if place > 16_383:
                    raise Unreadable("a cell lies beyond the last column of a sheet")
                cells += [""] * (place - len(cells))
                value = self.value(cell)
                if place < len(cells):
                    cells[place] = value
                else:
                    cells.append(value)
            yield Row(f"cell:{sheet}!{number}", number, tuple(cells))


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m.group(1), 16)), text)


def _text_of(element: etree._Element) -> str:
    parts = []
    for t in element.iter():
        above = t.getparent()
        if _local(t.tag) == "t" and (above is None or _local(above.tag) != "rPh"):  # rPh: a reading aid, no text
            parts.append(t.text or "")
    return _unescape("".join(parts))


def sheets(source: SourceFile) -> Iterator[Sheet]:
    """Yield the sheets of a workbook (see :func:`pipelines.readers._sheets.workbook_sheets`)."""
    with source.open() as stream:
        file: BinaryIO = stream
        if not stream.seekable():
            if source.size > MAX_IN_MEMORY:
                raise Unreadable("a workbook in an archive that is larger than memory may be; unpack it")
            file = io.BytesIO(stream.read())
        try:
            with zipfile.ZipFile(file) as archive:
                book = _Book(archive)
                for name, part in book.load():
                    yield Sheet(name, _guarded(book.rows(name, part)))
        except _BROKEN:
            raise Unreadable("the workbook is broken") from None


def _guarded(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except _BROKEN:
        raise Unreadable("the workbook is broken") from None
