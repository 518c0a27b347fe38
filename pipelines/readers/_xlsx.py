"""XLSX workbooks, streamed row by row: no formula is computed, no macro read, no entity expanded, no link followed.

The format is ECMA-376, transitional and strict: ``_rels/.rels`` says where the workbook lies, the workbook names the sheets,
its relations say where they, the shared texts and the styles lie. The styles say which numbers are dates: days since
1899-12-30, or 1904-01-01.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from lxml import etree

from pipelines.readers._clock import iso_reading
from pipelines.readers._sheets import OLE_MAGIC, Row, Sheet
from pipelines.readers.base import SourceFile, Unreadable

#: bytes of the parts that are read [P]: a workbook has at most a million rows a sheet
MAX_PART = 2 * 10**9
MAX_RATIO = 400
RATIO_FROM = 10 * 10**6
#: shared texts, and their characters [P]
MAX_TEXTS = 5 * 10**6
MAX_CHARACTERS = 500 * 10**6
#: parts of a workbook, and bytes between the end of one row (or shared text) and that of the next [P]
MAX_PARTS = 100_000
MAX_ROW = 16 << 20
#: a workbook in an archive is held in memory, because its directory stands at its end [P]
MAX_IN_MEMORY = 512 * 10**6
#: longest name of a sheet; Excel allows 31 characters
MAX_NAME = 200
_LAST_COLUMN = 16_383
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    etree.XMLSyntaxError,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)
_BOOK = "the workbook"
_COLUMN = re.compile(r"[A-Z]{1,3}", re.ASCII)
_DIGITS = "0123456789"
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?", re.ASCII)
#: built-in formats that are dates or times, and those of them that are times only
_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_TIME_IDS = frozenset({18, 19, 20, 21, 45, 46, 47})
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = frozenset([b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1", b"windows-1252"])
_DAY_NOUGHT = datetime(1899, 12, 30)
_PLAIN, _DATE, _TIME = 0, 1, 2


def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class _Part(io.RawIOBase):
    """A part as it is parsed: it declares no entities, and its records are of finite length."""

    def __init__(self, stream: BinaryIO, token: bytes) -> None:
        self._stream = stream
        self._tokens = (token, token.decode().encode("utf-16-le"), token.decode().encode("utf-16-be"))
        self._types = tuple("<!DOCTYPE".encode(c) for c in ("ascii", "utf-16-le", "utf-16-be"))
        self._tail = b""
        self._since = 0
        self._begun = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        if not self._begun:
            self._begin(data)
        text = self._tail + data
        if any(t in text for t in self._types):
            raise Unreadable(f"{_BOOK} declares entities of its own; it is not read")
        last = max(text.rfind(t) for t in self._tokens)
        self._since = self._since + len(data) if last < 0 else len(text) - last
        if self._since > MAX_ROW:
            raise Unreadable(f"{_BOOK} holds a row or a text beyond measure; it is not read")
        self._tail = text[-32:]
        return data

    def _begin(self, data: bytes) -> None:
        self._begun = True
        start = data.removeprefix(b"\xef\xbb\xbf")[:300]
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4] in (b"<\0?\0", b"\0<\0?"):
            return
        found = _DECLARED.match(start)
        if not start.startswith(b"<") or (found is not None and found.group(1).lower() not in _ENCODINGS):
            raise Unreadable(f"{_BOOK} is written in an encoding that no program uses for it; it is not read")

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        infos = archive.infolist()
        if len(infos) > MAX_PARTS:
            raise Unreadable(f"{_BOOK} has more parts than are read")
        self._names: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = _name(info.filename)
            if name in self._names and not info.is_dir():
                raise Unreadable(f"{_BOOK} holds a part twice; it is not read")
            self._names[name] = info
        self.texts: list[str] = []
        self.styles: list[int] = []
        self.zero = _DAY_NOUGHT

    def part(self, name: str) -> BinaryIO | None:
        info = self._names.get(_name(name))
        if info is None:
            return None
        if info.flag_bits & 1:
            raise Unreadable(f"{_BOOK} is encrypted")
        if info.file_size > MAX_PART or (
            info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size)
        ):
            raise Unreadable(f"{_BOOK} inflates beyond measure; it is not read")
        return cast(BinaryIO, self._zip.open(info))

    def elements(self, name: str, *tags: str, until: str = "") -> Iterator[etree._Element]:
        """Yield elements of a part when they end; what was yielded is let go of. ``until`` ends the reading."""
        stream = self.part(name)
        if stream is None:
            return
        wanted = [f"{{*}}{t}" for t in (*tags, until) if t]
        with _Part(stream, tags[0].encode()) as checked:
            parser = etree.iterparse(
                cast(BinaryIO, checked), events=("end",), tag=wanted, resolve_entities=False, no_network=True,
                load_dtd=False, remove_comments=True, remove_pis=True,
            )  # fmt: skip
            for _, element in parser:
                if until and _local(element.tag) == until:
                    break
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
            while checked.read(1 << 20):  # to the end: only there damage is found
                pass

    def _links(self, part: str) -> list[tuple[str, str, str]]:
        """Return id, type and target of the relations of a part."""
        folder, _, base = part.rpartition("/")
        found = []
        for e in self.elements(posixpath.join(folder, "_rels", f"{base}.rels"), "Relationship"):
            if e.get("TargetMode") == "External":
                continue
            target = str(e.get("Target") or "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = str(e.get("Type") or "").rpartition("/")[2]
            found.append((str(e.get("Id")), kind, posixpath.normpath(path)))
        return found

    def load(self) -> list[tuple[str, str]]:
        main = next((t for _, kind, t in self._links("") if kind == "officeDocument"), "xl/workbook.xml")
        if _name(main) not in self._names:
            main = "xl/workbook.xml"
        if main.endswith(".bin") or "xl/workbook.bin" in self._names:
            raise Unreadable("a binary workbook (.xlsb), which is not read: open it and save it as .xlsx or CSV")
        folder = main.rpartition("/")[0]
        links = self._links(main)
        targets = {ident: (kind, target) for ident, kind, target in links}
        where = {kind: target for _, kind, target in links}
        sheets: list[tuple[str, str]] = []
        for e in self.elements(main, "workbookPr", "sheet"):
            if _local(e.tag) == "workbookPr":
                if e.get("date1904") in ("1", "true"):
                    self.zero = datetime(1904, 1, 1)
                continue
            link = next((str(v) for k, v in e.attrib.items() if _local(k) == "id" and k != "id"), "")
            kind, target = targets.get(link, ("", ""))
            if kind == "worksheet":  # charts and dialogues have no rows
                if _name(target) not in self._names:
                    raise Unreadable(f"{_BOOK} lacks one of its sheets")
                sheets.append((str(e.get("name") or "")[:MAX_NAME], target))
        if not sheets:
            raise Unreadable(f"{_BOOK} has no sheets")
        if len({name for name, _ in sheets}) < len(sheets):
            raise Unreadable(f"{_BOOK} has two sheets of one name; it is not read")
        self._load_styles(where.get("styles", posixpath.join(folder, "styles.xml")))
        self._load_texts(where.get("sharedStrings", posixpath.join(folder, "sharedStrings.xml")))
        return sheets

    def _load_styles(self, part: str) -> None:
        custom: dict[int, str] = {}
        for e in self.elements(part, "numFmt", "cellXfs"):
            if _local(e.tag) == "numFmt":
                parent = e.getparent()
                if parent is not None and _local(parent.tag) == "numFmts":  # those of dxfs are not of cells
                    custom[int(e.get("numFmtId") or 0)] = str(e.get("formatCode") or "")
                continue
            self.styles = [_style(int(xf.get("numFmtId") or 0), custom) for xf in e]

    def _load_texts(self, part: str) -> None:
        size = 0
        for e in self.elements(part, "si"):
            text = _text_of(e)
            size += len(text)
            if len(self.texts) >= MAX_TEXTS or size > MAX_CHARACTERS:
                raise Unreadable(f"{_BOOK} holds more texts than are read")
            self.texts.append(text)

    def number(self, raw: str, style: int) -> object:
        """Return a number as it is, or as a date where its style says so."""
        text = raw.strip()
        if _NUMBER.fullmatch(text) is None:
            return raw
        if style == _PLAIN:
            if text.isdecimal() and len(text) <= 15:
                return int(text)
            number = float(text)
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        number = float(text)
        base = _DAY_NOUGHT if style == _TIME or number < 1 else self.zero
        if base is _DAY_NOUGHT and style == _DATE and 1 <= number < 60:
            number += 1  # Excel's 1900 has a 29th of February
        try:
            return base + timedelta(microseconds=round(number * 86_400_000) * 1000)
        except OverflowError:
            return number

    def value(self, cell: etree._Element, kind: str) -> object:
        """Return the value of a cell that is neither a plain number nor a shared text."""
        if kind == "inlineStr":
            return _text_of(cell)
        raw = next((c.text or "" for c in cell if _local(c.tag) == "v"), "")
        if kind == "d" and (reading := iso_reading(raw)) is not None:
            return datetime(1970, 1, 1) + timedelta(microseconds=reading.local_us)
        if kind == "b" and raw:
            return raw.strip() == "1"
        return _unescape(raw)

    def rows(self, sheet: str, part: str) -> Iterator[Row]:
        number = 0
        places: dict[str, int] = {}
        texts, styles, convert = self.texts, self.styles, self.number
        for e in self.elements(part, "row", until="sheetData"):
            said = e.get("r")
            here = int(said) if said and said.isdecimal() and len(said) < 9 else number + 1
            if here <= number:
                raise Unreadable("the rows of a sheet are not in order", f"cell:{sheet}!{number}")
            number = here
            cells: list[object] = []
            fault = ""
            for cell in e:
                ref = cell.get("r")
                place = len(cells)
                if ref is not None:
                    letters = ref.rstrip(_DIGITS)
                    known = places.get(letters)
                    if known is None:
                        known = places[letters] = _column(letters)
                    place = known
                elif _local(cell.tag) != "c":
                    continue
                if place > _LAST_COLUMN:
                    raise Unreadable("a cell lies beyond the last column of a sheet", f"cell:{sheet}!{number}")
                kind = cell.get("t")
                value: object
                if kind is None or kind == "n" or kind == "s":
                    raw: str | None = None
                    for child in cell:
                        if child.tag[-2:] == "}v" or child.tag == "v":
                            raw = child.text
                    if not raw:
                        value = ""
                    elif kind == "s":
                        try:
                            value = texts[int(raw)] if raw.isdecimal() else None
                        except IndexError:
                            value = None
                        if value is None:
                            fault, value = "a cell points to a text that is not in the workbook", ""
                    else:
                        style = cell.get("s")
                        value = convert(raw, styles[int(style)] if style and styles else _PLAIN)
                else:
                    value = self.value(cell, kind)
                if place == len(cells):
                    cells.append(value)
                elif place > len(cells):
                    cells.extend([""] * (place - len(cells)))
                    cells.append(value)
                else:
                    if cells[place] != "":
                        fault = "a cell stands twice in the row"
                    cells[place] = value
            yield Row(f"cell:{sheet}!{number}", number, tuple(cells), fault)


def _name(path: str) -> str:
    """Return the name of a part as it is compared."""
    return path.replace("\\", "/").lstrip("/").casefold()


def _style(fmt: int, custom: dict[int, str]) -> int:
    """Return what a number of a format is: a plain number, a date, or a time without a date."""
    if fmt not in custom:
        return _TIME if fmt in _TIME_IDS else _DATE if fmt in _DATE_IDS else _PLAIN
    shape = _NOT_FORMAT.sub("", custom[fmt].partition(";")[0]).casefold()
    if "general" in shape:
        return _PLAIN
    if re.search("[yd]", shape):
        return _DATE
    if re.search("[hs]", shape):
        return _TIME
    return _DATE if "m" in shape else _PLAIN


def _column(letters: str) -> int:
    if _COLUMN.fullmatch(letters) is None:
        raise ValueError("no reference of a cell")
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m.group(1), 16)), text) if "_x" in text else text


def _text_of(element: etree._Element) -> str:
    if len(element) == 1 and not len(element[0]) and _local(element[0].tag) == "t":
        return _unescape(element[0].text or "")
    parts = []
    for t in element.iter():
        above = t.getparent()
        if _local(t.tag) == "t" and (above is None or _local(above.tag) != "rPh"):  # rPh: a reading aid, no text
            parts.append(t.text or "")
    return _unescape("".join(parts))


def _opened(source: SourceFile, stream: BinaryIO) -> zipfile.ZipFile:
    if stream.seekable():
        return zipfile.ZipFile(stream)
    if source.size > MAX_IN_MEMORY:
        raise Unreadable("a workbook in an archive that is larger than memory may be; unpack it")
    return zipfile.ZipFile(io.BytesIO(stream.read()))


def parts(source: SourceFile) -> list[str]:
    """Return the names of the parts of a zip, in lower case; none if it is none."""
    try:
        with source.open() as stream, _opened(source, stream) as archive:
            return [_name(i.filename) for i in archive.infolist()[:MAX_PARTS]]
    except (*_BROKEN, Unreadable):
        return []


def sheets(source: SourceFile) -> Iterator[Sheet]:
    """Yield the sheets of a workbook (see :func:`pipelines.readers._sheets.workbook_sheets`)."""
    with source.open() as stream:
        if source.size >= len(OLE_MAGIC):
            with source.open() as again:
                if again.read(len(OLE_MAGIC)) == OLE_MAGIC:
                    raise Unreadable(
                        "an office file with a password, or a workbook of the old binary format (.xls): open it and save it "
                        "as .xlsx without a password, or as CSV"
                    )
        try:
            with _opened(source, stream) as archive:
                book = _Book(archive)
                for name, part in book.load():
                    yield Sheet(name, _guarded(book.rows(name, part)))
        except _BROKEN:
            raise Unreadable(f"{_BOOK} is broken") from None


def _guarded(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except _BROKEN:
        raise Unreadable(f"{_BOOK} is broken") from None
