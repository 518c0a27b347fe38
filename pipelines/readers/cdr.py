"""Reader of operators' call detail records: CSV or XLSX, by a known layout, by headings, or by columns that the user declares.

No operator of Kazakhstan publishes its layout, columns change their order, and a list can have any: so nothing is read by
the place of a column unless a layout or ``[[source]]`` says so, and what is not unambiguous waits or is rejected.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import BinaryIO, ClassVar, cast

from pipelines.readers._lab import (
    Stamp,
    cell_us,
    coordinates,
    duration_of,
    first_rows,
    marked_time,
    masked_cells,
    order_shown,
)
from pipelines.readers._layouts import DIRECTION_STEMS, ROLES, STEMS, Layout, layouts
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sheets import (
    DELIMITERS,
    UNENDED,
    Row,
    Sheet,
    Tail,
    TextRows,
    delimiter_of,
    encoding_of,
    heading,
    is_workbook,
    lines_of,
    locked_workbook,
    masked_row,
    open_text,
    text_rows,
    workbook_sheets,
)
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    Waiting,
    implausible_time,
)

#: rows before the headings that a list may begin with (its title, the subscriber, the period) [P]
PREAMBLE = 40
#: most physical lines of one row: cells of such lists hold no long texts [P]
ROW_LINES = 20
#: a number that a spreadsheet has written in powers of ten: its digits are lost
_CUT_NUMBER = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d{1,2}", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_SHORT_YEAR = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d\d)(?=\D|\Z)(.*)", re.ASCII | re.DOTALL)
#: latitude and longitude in one cell: ``21.29669/72.8915``, or words before the numbers as in ``Lat-22.39711; Long-88.43938``
_PAIR = re.compile(r"\s*(-?\d{1,2}\.\d{1,20})\s*[/;, ]\s*(-?\d{1,3}\.\d{1,20})\s*", re.ASCII)
_WORDED_PAIR = re.compile(
    r"\blat\w*\s*[-:=]\s*(-?\d{1,2}\.\d{1,20})[;, ]+\s*long?\w*\s*[-:=]\s*(-?\d{1,3}\.\d{1,20})",
    re.ASCII | re.IGNORECASE,
)
_HIDDEN = frozenset({"скрыт", "скрытый номер", "anonymous", "private", "withheld", "hidden", "жасырын", "clir"})
_NOTHING = frozenset({"", "-", "–", "—"})
_ANTENNAS = ("antenna_id", "latitude", "longitude")
_SHOWN = frozenset({"start", "date", "time", "end", "duration", "duration_minutes", "direction", "type", "subject", "caller", "called",
                    "counterpart", "cell", "lat", "lon", "lat_lon"})  # fmt: skip
_EVENT = (
    "n", "record", "local_time", "ts_precision", "zone_basis", "stated_offset_s", "channel", "kind", "direction", "identifier",
    "identifier_raw", "identifier_kind", "actor", "owner_line", "answered", "duration_s",
)  # fmt: skip
_POSITION = (
    "n",
    "sub",
    "record",
    "local_time",
    "ts_precision",
    "zone_basis",
    "stated_offset_s",
    "lat",
    "lon",
    "subject_id",
)


class _Fault(Exception):
    """Why a row cannot be used, without content."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column of a list is what.

    Attributes
    ----------
    place : dict
        What it is → number of the column, from 0.
    names : tuple of str
        The headings as the file has them; empty for a list without.
    layout : Layout
        Whose words and order of dates hold.
    """

    place: Mapping[str, int]
    names: tuple[str, ...]
    layout: Layout

    def get(self, cells: Sequence[object], role: str) -> object:
        """Return a cell, "" where the list or the row has none."""
        at = self.place.get(role)
        value = cells[at] if at is not None and at < len(cells) else ""
        # a spreadsheet is told by an apostrophe that a number is a text; some lists have one at either end
        return value.strip().strip("'") if isinstance(value, str) and "'" in value else value

    @property
    def complete(self) -> bool:
        """Is there a time, somebody on the other side, and a sign that it is a list of calls or messages."""
        has = self.place.__contains__
        when = has("start") or has("date")
        who = has("counterpart") or (has("caller") and has("called"))
        return when and who and (has("duration") or has("duration_minutes") or has("type") or has("direction"))


def _declared(options: Mapping[str, str]) -> dict[str, str]:
    return {k.removeprefix("columns."): v for k, v in options.items() if k.startswith("columns.")}


def _layout_of(options: Mapping[str, str]) -> Layout | None:
    name = options.get("layout")
    if name is None:
        return None
    if name not in layouts():
        raise Unreadable(f"there is no layout of that name; known are {', '.join(layouts())}")
    return layouts()[name]


def map_columns(cells: Sequence[object], layout: Layout, declared: Mapping[str, str]) -> Mapped | None:
    """Return which column is what, None if a row is no row of headings of the layout.

    Raises
    ------
    Unreadable
        A declared column is not there, or two columns could be the same thing.
    """
    names = tuple(str(c) for c in cells)
    folded = [heading(c) for c in cells]
    place: dict[str, int] = {}
    for role, aliases in layout.columns.items():
        found = [k for k, name in enumerate(folded) if name in aliases]
        if len(found) > 1:
            best = min(found, key=lambda k: aliases.index(folded[k]))
            found = [best] if [folded[k] for k in found].count(folded[best]) == 1 else []
        if found:
            place[role] = found[0]
    if "start" in place:
        place.pop("date", None)
        place.pop("time", None)
    for role, wanted in declared.items():
        at = _column(wanted, folded)
        if at is None:
            return None
        for other in [r for r, k in place.items() if k == at]:
            del place[other]
        place[role] = at
    alone = [r for r in ("caller", "called") if r in place]
    if (
        len(alone) == 1 and "counterpart" not in place
    ):  # beside the subscriber, the only other number is the other side's
        place["counterpart"] = place.pop(alone[0])
    return Mapped(place, names, layout)


def _column(wanted: str, folded: Sequence[str]) -> int | None:
    if wanted.isdecimal():
        return int(wanted) - 1 if 1 <= int(wanted) <= len(folded) else None
    return folded.index(heading(wanted)) if heading(wanted) in folded else None


def _by_number(layout: Layout, declared: Mapping[str, str]) -> Mapped | None:
    """Return the columns of a list without headings."""
    place = {role: int(names[0]) - 1 for role, names in layout.columns.items() if names and names[0].isdecimal()}
    place |= {role: int(value) - 1 for role, value in declared.items() if value.isdecimal() and int(value) > 0}
    return Mapped(place, (), layout) if place else None


@lru_cache(4096)
def _word(text: str, table: tuple[tuple[str, tuple[str, ...]], ...]) -> str | None:
    return next((meaning for meaning, stems in table if any(s in text for s in stems)), None)


@dataclass(frozen=True, slots=True)
class _Said:
    kind: str | None  # call, message, missed, skip
    direction: str | None


@lru_cache(4096)
def _meaning(word: str, known: str | None) -> _Said:
    if known is not None:
        parts = known.split()
        kind = next((p for p in parts if p in ("call", "message", "skip")), None)
        if "missed" in parts:
            kind = "missed"
        return _Said(kind, next((p for p in parts if p in ("in", "out")), None))
    return _Said(_word(word, STEMS), _word(f"{word} ", DIRECTION_STEMS))


def _said(cells: Sequence[object], mapped: Mapped) -> _Said:
    known = mapped.layout.words
    kind, direction = heading(mapped.get(cells, "type")), heading(mapped.get(cells, "direction"))
    found = _both(kind, known.get(kind), direction, known.get(direction))
    if isinstance(found, str):
        raise _Fault(found)
    return found


@lru_cache(4096)
def _both(type_word: str, type_known: str | None, way_word: str, way_known: str | None) -> _Said | str:
    """Return what two words say, or why that is not known."""
    kind: str | None = None
    direction: str | None = None
    for role, word, known in (("type", type_word, type_known), ("direction", way_word, way_known)):
        if word in _NOTHING:
            continue
        found = _meaning(word, known)
        if found.kind is None and found.direction is None:
            if word in ("in", "out"):
                found = _Said(None, word)
            else:
                if kind == "skip":
                    continue
                return f"the word in the column of the {role} is not known"
        kind = "skip" if found.kind == "skip" else kind or found.kind
        if role == "direction" and found.direction is not None:
            direction = found.direction  # the column of the direction goes before what the type says
        direction = direction or found.direction
    return _Said(kind, direction)


def _time(value: object, order: str | None) -> Stamp:
    if isinstance(value, datetime):
        return Stamp(cell_us(value), "s", "case")
    text = " ".join(str(value).split())
    if compact := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second = compact.groups()
        text = f"{year}-{month}-{day} {hour}:{minute}:{second}"
    elif short := _SHORT_YEAR.fullmatch(text):
        text = f"{short.group(1)}/{short.group(2)}/20{short.group(3)}{short.group(4)}"
        order = order or ("dmy" if "." in str(value)[:6] else None)
    elif re.match(r"\d{1,2}\.\d{1,2}\.\d{4}", text):
        order = order or "dmy"  # dots between the numbers are written day first everywhere
    found = marked_time(text, order)
    if isinstance(found, str):
        raise _Fault(found)
    return found


def _when(cells: Sequence[object], mapped: Mapped, order: str | None) -> Stamp:
    start = mapped.get(cells, "start")
    if start == "" and "date" in mapped.place:
        day, clock = mapped.get(cells, "date"), mapped.get(cells, "time")
        if isinstance(day, datetime) and isinstance(clock, (datetime, float)):
            seconds = clock * 86_400 if isinstance(clock, float) else (cell_us(clock) % 86_400_000_000) / 1_000_000
            return Stamp(cell_us(day) // 86_400_000_000 * 86_400_000_000 + round(seconds) * 1_000_000, "s", "case")
        if isinstance(day, datetime) and str(clock).strip() == "":
            return _time(day, order)
        if isinstance(day, datetime):
            day = day.strftime("%Y-%m-%d")
        if isinstance(clock, datetime):
            clock = clock.strftime("%H:%M:%S")
        start = f"{day} {clock}".strip()
    return _time(start, order)


def _number(value: object) -> str:
    if isinstance(value, bool):
        raise _Fault("the number cannot be read")
    if isinstance(value, float):
        raise _Fault("a spreadsheet has cut the number: its digits are lost")
    text = unicodedata.normalize("NFKC", str(value)).strip().lstrip("'")
    if _CUT_NUMBER.fullmatch(text):
        raise _Fault("a spreadsheet has cut the number: its digits are lost")
    return text


class _Owner:
    """Whose list it is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        names = {context.phone(n)[0] for n in context.owner_names} | set(context.owner_names)
        if "owner" in context.options:
            names = {context.phone(context.options["owner"])[0], context.options["owner"]}
        self.numbers = {n for n in names if n is not None and n.startswith(("+", "raw:", "short:"))}

    def is_owner(self, identifier: str | None) -> bool:
        return identifier in self.numbers


class Cdr:
    """Call detail records of an operator."""

    description: ClassVar[Description] = Description(
        id="cdr",
        version=1,
        title="Operator's call detail records (CSV or XLSX, by layout, headings or declared columns)",
        channels=("phone", "sms", "mms"),
        counts="rows after the row of headings, sheet after sheet; of a list without headings every row",
        knowledge="bandicoot, a third-party parser of Kcell lists, onnet/zzapp, cider, Asterisk, and columns of Indian lists in public code; "
        "no operator of Kazakhstan publishes its layout",
        evidence="real sample",
        cannot_tell=(
            "what the operator does not list: bill detailing often has neither missed nor incoming calls",
            "where the phone was beyond the reach of an antenna, which can be 0.5 to 35 km",
            "parts of one long message, which some operators list singly; legs of a forwarded call",
            "calls and messages of apps",
        ),
        options=(
            Option("layout", "a known arrangement of the columns: " + ", ".join(layouts())),
            Option("columns", "which column is what, by heading or by number from 1: " + ", ".join(ROLES), "the headings do not say it"),
            Option("owner", "the owner's number, where both numbers of a call are listed"),
            Option("encoding", "such as windows-1251", "the text is no UTF-8"),
            Option("delimiter", "the character between the columns", "the first rows leave it open"),
            Option("date_order", "dmy or mdy", "no date of the list has a day above 12"),
            Option("timezone", "zone of the operator's clock; default: the case's"),
        ),
        versions="bandicoot's tables, a list of Nexign's school; no real list of an operator of Kazakhstan was seen",
        clock_s=60,
        call_start="unknown",
        duration_step_s=60,
    )  # fmt: skip

    # -- recognition

    def recognise(self, head: Head) -> Claim | None:
        """Know a list by its headings, or by the form of its rows where a layout without headings has one."""
        if head.source is None:
            return None
        if is_workbook(head):
            for _title, rows in first_rows(head.source, PREAMBLE):
                if any(self._headings(r.cells) for r in rows):
                    return Claim(60, "a sheet has the headings of a list of calls")
            return None
        if (locked := locked_workbook(head)) != "":
            return Claim(10, locked)
        codec = encoding_of(head.data)
        text = head.data.decode(codec or "windows-1251", "replace")
        if "\0" in text[:1024]:
            return None
        lines = [line for line in text.split("\n")[: PREAMBLE + 10] if line.strip()]
        if not lines:
            return None
        for layout in layouts().values():
            if layout.shape is not None and all(layout.shape.fullmatch(line.rstrip("\r")) for line in lines[:5]):
                return Claim(80, f"its rows have the form of the layout {layout.id}")
        delimiter = delimiter_of([line + "\n" for line in lines[:PREAMBLE]])
        for choice in dict.fromkeys([delimiter or ";", ";", ",", "\t", "|"]):
            for row in text_rows(io.BytesIO("\n".join(lines).encode()), "utf-8", choice):
                if [heading(c) for c in row.cells][:3] == list(_ANTENNAS):
                    return Claim(80, "a table of antennas with their places")
                if self._headings(row.cells):
                    return Claim(60, "a row has the headings of a list of calls")
        return None

    @staticmethod
    def _headings(cells: Sequence[object]) -> Layout | None:
        """Return the layout whose headings a row has: a named one before that of all."""
        if len(cells) < 3:
            return None
        best: tuple[int, str] | None = None
        for layout in layouts().values():
            if not layout.header or layout.by_name:
                continue
            mapped = map_columns(cells, layout, {})
            if mapped is not None and mapped.complete:
                rank = (len(mapped.place) * 10 + (layout.id != "any"), layout.id)
                if best is None or rank[0] > best[0]:
                    best = rank
        return layouts()[best[1]] if best is not None else None

    # -- masking

    def mask(self, source: SourceFile, plain: str) -> str:
        """Show the columns that are understood, hide every other."""
        if plain.startswith("["):
            return masked_cells(source, plain, self._names_of, self._shown)
        try:
            codec, delimiter = open_text(source)
            with source.open() as stream:
                for row in text_rows(stream, codec or "windows-1251", delimiter or ";"):
                    if row.number > PREAMBLE:
                        break
                    if self._headings(row.cells):
                        cells = next(
                            text_rows(io.BytesIO(plain.encode()), "utf-8", delimiter or ";"), Row("", 0, ())
                        ).cells
                        return masked_row(cells, [str(c) for c in row.cells], self._shown)
        except (Unreadable, OSError, ValueError):
            pass
        return masked_row([plain], [], lambda name: False)

    def _names_of(self, row: Row) -> Sequence[str] | None:
        return [str(c) for c in row.cells] if self._headings(row.cells) else None

    @staticmethod
    def _shown(name: str) -> bool:
        return any(
            name in aliases
            for layout in layouts().values()
            for role, aliases in layout.columns.items()
            if role in _SHOWN
        )

    # -- reading

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the list into ``out``.

        Raises
        ------
        Waiting
            The encoding, the delimiter, the columns, the order of day and month or the owner's number is open.
        Unreadable
            A declared column or layout is not there; the workbook is broken.
        """
        order = self._order(source, context)
        reading = _Reading(source, context, out, order)
        for sheet in _sheets(source, context):
            reading.sheet(sheet)
        reading.finish()

    @staticmethod
    def _order(source: SourceFile, context: Context) -> str | None:
        """Return the order of day and month: as declared, as the layout says, or as the dates of the list show."""
        if (told := context.options.get("date_order")) is not None:
            return told
        seen: Counter[str] = Counter()
        open_dates = 0
        for sheet in _sheets(source, context):
            found = _mapped_rows(sheet, context)
            if found is None:
                continue
            mapped, rows = found
            if mapped.layout.date_order is not None:
                return mapped.layout.date_order
            for row in rows:
                value = mapped.get(row.cells, "start") or mapped.get(row.cells, "date")
                if not isinstance(value, str) or not re.match(r"\s*\d{1,2}/\d{1,2}/\d", value):
                    continue
                shown = order_shown(value.strip()[:10])
                open_dates += shown is None
                if shown is not None:
                    seen[shown] += 1
        if len(seen) > 1:
            raise Unreadable(
                "some dates of the list have the day first and others the month: it was put together from two lists"
            )
        if seen:
            return next(iter(seen))
        if open_dates:
            raise Waiting(
                "no date of the list has a day above 12, so that day and month cannot be told apart",
                'date_order = "dmy"  # or "mdy"',
            )
        return None


def _sheets(source: SourceFile, context: Context) -> Iterator[Sheet]:
    with source.open() as stream:
        start = stream.read(8)
    if start.startswith(b"PK\x03\x04"):
        yield from workbook_sheets(source)
        return
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        known = locked_workbook(Head(start, source.name, source.container, source.size, source))
        raise Unreadable(
            known or "an old workbook (XLS) or an encrypted one: save it as XLSX or CSV without a password"
        )
    layout = _layout_of(context.options)
    delimiter = context.options.get("delimiter") or (layout.delimiter if layout else None)
    codec, found = open_text(source, context.options.get("encoding"), delimiter)
    if not codec:
        raise Waiting("the text is no UTF-8 and does not say its encoding", 'encoding = "windows-1251"')
    if delimiter is None:  # the row of headings decides: decimal commas and a preamble deceive every other way
        found = _by_headings(source, codec) or found
    if found is None:
        raise Waiting("it cannot be told which character stands between the columns", 'delimiter = ";"')
    with source.open() as stream:
        tail = Tail(stream)
        yield Sheet("", TextRows(cast(BinaryIO, tail), codec, found, lines=ROW_LINES), tail)


def _by_headings(source: SourceFile, codec: str) -> str | None:
    """Return the delimiter that makes headings of one of the first rows, or the form of a known layout of the first."""
    with source.open() as stream:
        head = stream.read(65_536)
    first = next(lines_of(io.BytesIO(head), codec), "").rstrip("\r\n")
    for layout in layouts().values():
        if layout.shape is not None and layout.shape.fullmatch(first):
            return layout.delimiter
    best: tuple[int, str] | None = None
    for choice in DELIMITERS:
        rows = text_rows(io.BytesIO(head), codec, choice)
        for row, _ in zip(rows, range(PREAMBLE), strict=False):
            found = Cdr._headings(row.cells)
            mapped = None if found is None else map_columns(row.cells, found, {})
            if mapped is not None and (best is None or len(mapped.place) > best[0]):
                best = len(mapped.place), choice
    return None if best is None else best[1]


def _mapped_rows(sheet: Sheet, context: Context) -> tuple[Mapped, Iterator[Row]] | None:
    """Return what the columns of a list are, and its rows; None if the sheet has no headings of a list.

    Raises
    ------
    Unreadable
        Declared columns are not there.
    """
    declared = _declared(context.options)
    if wrong := [role for role in declared if role not in ROLES]:
        raise Unreadable(f"{wrong[0]} is nothing that a column can be; known are {', '.join(ROLES)}")
    layout = _layout_of(context.options)
    mapped: Mapped | None = None
    held: list[Row] = []
    rows = iter(sheet.rows)
    for row in rows:
        held.append(row)
        if len(held) > PREAMBLE:
            break
        chosen = layout if layout is not None else Cdr._headings(row.cells) or layouts()["any"]
        if not chosen.header:
            break
        mapped = map_columns(row.cells, chosen, declared)
        # columns that are all declared by number say nothing of whether a row is one of headings: one of its names must be known
        named = any(not v.isdecimal() for v in declared.values()) or bool(mapped and set(mapped.place) - set(declared))
        if mapped is not None and mapped.complete and named:
            if isinstance(sheet.rows, TextRows):
                sheet.rows.width = len(row.cells)
            break
        mapped = None
    if mapped is None:
        bare = layout if layout is not None else _shaped(held)
        if bare is not None and not bare.header:
            mapped = _by_number(bare, declared)
        elif declared and all(v.isdecimal() for v in declared.values()):
            mapped = _by_number(Layout("", "", "", False, {}, {}), declared)
        if mapped is None:
            if declared or layout is not None:
                wanted = (
                    ", ".join(f"{k} = {v!r}" for k, v in sorted(declared.items()))
                    or f"layout = {layout.id if layout else ''}"
                )
                seen = next((r.cells for r in held if sum(1 for c in r.cells if str(c).strip()) > 2), ())
                there = ", ".join(repr(str(c).strip()[:40]) for c in seen if str(c).strip() and not _is_number(str(c)))
                raise Unreadable(
                    f"no row holds the columns {wanted}; the first row of several cells holds {there or 'no headings'}"
                )
            return None
        return mapped, chain(held, rows)
    return mapped, rows


def _is_number(text: str) -> bool:
    """Numbers are no headings: they may be somebody's."""
    return sum(c.isdigit() for c in text) > 4


def _shaped(held: Sequence[Row]) -> Layout | None:
    for layout in layouts().values():
        if layout.shape is not None and held and layout.delimiter is not None:
            line = layout.delimiter.join(str(c) for c in held[0].cells)
            if layout.shape.fullmatch(line):
                return layout
    return None


class _Reading:
    """One list on its way into the sink."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, order: str | None) -> None:
        self.source, self.context, self.out, self.order = source, context, out, order
        self.owner = _Owner(context)
        self.n = 0
        self.sheets = self.empty = 0
        self.classes: Counter[tuple[str, str]] = Counter()
        self.places: dict[str, tuple[float, float]] | None = None
        self.contradicting = 0
        self.missed = self.located = 0
        self.lines: set[str] = set()
        self.skipped: Counter[str] = Counter()
        self.layout: Layout | None = None
        self.events = RowBuffer(out.events, _EVENT, {"how": "operator", "thread_kind": "direct", "directed": "yes"})
        self.positions = RowBuffer(
            out.positions, _POSITION, {"how": "operator", "kind": "fix", "subject": "owner", "source_how": "cell"}
        )  # fmt: skip

    def sheet(self, sheet: Sheet) -> None:
        if self._antennas(sheet):
            return
        found = _mapped_rows(sheet, self.context)
        if found is None:
            self.empty += 1
            return
        self.sheets += 1
        mapped, rows = found
        self.layout = mapped.layout
        width = len(mapped.names)
        # a workbook leaves out what is empty at the end of a row; a text does not, and a delimiter within a cell shifts the others
        least = max(mapped.place.values()) + 1 if isinstance(sheet.rows, TextRows) else 0
        used = set(mapped.place.values())
        held = next(rows, None)
        while held is not None:
            row, held = held, next(rows, None)
            self.n += 1
            cells = row.cells
            cut = held is None and sheet.tail is not None and not sheet.tail.ended
            if row.fault:
                self.out.reject(self.n, row.record, row.fault)
            elif not any(str(c).strip() for c in cells):
                self._skip("blank rows")
            elif width and len(cells) > width and any(str(c).strip() for c in cells[width:]):
                self.out.reject(self.n, row.record, "the row has more cells than the headings")
            elif cut and (len(cells) < (width or least) or len(cells) - 1 in used):
                self.out.reject(self.n, row.record, UNENDED)
            elif len(cells) < least and not self._total(mapped, row):
                self.out.reject(self.n, row.record, "the row has fewer cells than the columns that are read")
            elif width and tuple(str(c) for c in cells) == mapped.names:
                self._skip("rows of headings that stand again")
            else:
                self._row(mapped, row)

    def _antennas(self, sheet: Sheet) -> bool:
        """Pass over a table of antennas, which the list beside it looks up."""
        if sheet.name or self.n:
            return False
        with self.source.open() as stream:
            first = stream.read(256)
        cells = [heading(c) for c in first.decode("utf-8", "replace").split("\n")[0].split(",")]
        if cells[:3] != list(_ANTENNAS):
            return False
        rows = sum(1 for _ in sheet.rows) - 1
        self.n += rows
        self.out.out_of_scope(rows)
        self.out.note("a table of antennas: it is looked up by the list beside it")
        return True

    def _skip(self, what: str) -> None:
        self.skipped[what] += 1
        self.out.out_of_scope()

    def _row(self, mapped: Mapped, row: Row) -> None:
        try:
            if self._total(mapped, row):
                self._skip("totals")
                return
            said = _said(row.cells, mapped)
            if said.kind == "skip":
                self._skip("data sessions, forwarding and services")
                return
            when = _when(row.cells, mapped, self.order)
            if (why := implausible_time(when.local_us)) is not None:
                raise _Fault(why)
            direction, identifier, raw, form, line = self._parties(mapped, row, said)
            seconds = self._duration(mapped, row, when)
            kind = said.kind or ("call" if seconds is not None else None)
            if kind is None:
                raise _Fault("neither a kind nor a duration: it cannot be told whether this is a call")
        except _Fault as fault:
            self.out.reject(self.n, row.record, str(fault))
            return
        answered: bool | None = None
        if kind == "missed":
            direction, answered = direction if direction != "unknown" else "in", False
        elif kind == "call":
            answered = True if seconds else (False if direction == "out" and seconds == 0 else None)
        message = kind == "message"
        word = heading(mapped.get(row.cells, "type"))
        channel = ("mms" if "mms" in word or "ммс" in word else "sms") if message else "phone"
        self.classes[channel, direction] += 1
        self.missed += kind == "missed"
        self.events.add(
            self.n, row.record, when.local_us, when.precision, when.basis, when.offset_s, channel,
            "message" if message else "call", direction, identifier, raw, form,
            {"in": "contact", "out": "owner"}.get(direction, "unknown"), line, answered, None if message else seconds,
        )  # fmt: skip
        self._position(mapped, row, when)

    def _total(self, mapped: Mapped, row: Row) -> bool:
        """Return whether a row sums up others: it has a word for it and no time."""
        if str(mapped.get(row.cells, "start") or mapped.get(row.cells, "date")).strip()[:1].isdecimal():
            return False
        text = " ".join(heading(c) for c in row.cells)
        return any(w in text for w in ("итого", "всего", "total", "барлығы", "жиыны"))

    def _identifier(self, value: object, layout: Layout) -> tuple[str | None, str | None, str]:
        text = _number(value)
        if not text or text.casefold() in _HIDDEN:
            return None, text or None, "withheld" if text else "unknown_caller"
        if layout.names:
            return f"raw:{unicodedata.normalize('NFC', text)}", text, "raw"
        identifier, form = self.context.phone(text)
        return identifier, text, form

    def _parties(self, mapped: Mapped, row: Row, said: _Said) -> tuple[str, str | None, str | None, str, str | None]:
        """Return direction, other side (normalised, raw, kind) and the owner's line."""
        get, layout = mapped.get, mapped.layout
        subject = str(get(row.cells, "subject")).strip()
        line = self._line(_number(get(row.cells, "subject"))) if subject and "counterpart" in mapped.place else None
        if "caller" in mapped.place and "called" in mapped.place:
            caller, called = (
                self._identifier(get(row.cells, "caller"), layout),
                self._identifier(get(row.cells, "called"), layout),
            )
            from_owner = self.owner.is_owner(caller[0]) or (line is not None and caller[0] == line)
            to_owner = self.owner.is_owner(called[0]) or (line is not None and called[0] == line)
            if from_owner == to_owner:
                if from_owner:
                    raise _Fault("both numbers are the owner's")
                if said.direction is None:
                    if not self.owner.numbers and line is None:
                        raise Waiting(
                            "the list names both numbers of a call, and it is not known which is the owner's",
                            'owner = "+7..."',
                        )
                    raise _Fault("neither number is the owner's")
                from_owner = said.direction == "out"
            elif said.direction is not None and said.direction != ("out" if from_owner else "in"):
                self.contradicting += 1
            own, other = (caller, called) if from_owner else (called, caller)
            return "out" if from_owner else "in", *other, own[0] or line
        if "counterpart" not in mapped.place:
            raise _Fault("the list does not name the other number")
        other = self._identifier(get(row.cells, "counterpart"), layout)
        return said.direction or "unknown", *other, line

    def _line(self, text: str) -> str | None:
        """Return the subscriber's number of a row: the owner's, or the one of the whole list where nobody says which is hers.

        Raises
        ------
        Waiting
            The list is of several subscribers, or of one that is none of the owner's numbers.
        """
        line = self.context.phone(text)[0]
        if line is None or self.owner.is_owner(line):
            return line
        if "owner" in self.context.options:
            raise _Fault("the line of the row is not the owner's")
        self.lines.add(line)
        if len(self.lines) > 1 or any(n.startswith("+") for n in self.owner.numbers):
            raise Waiting(
                "the list is of a number that is not among the owner's"
                if len(self.lines) == 1
                else "the list is of several numbers, and it is not known which is the owner's",
                'owner = "+7..."  # that of her numbers whose list it is',
            )
        return line

    def _duration(self, mapped: Mapped, row: Row, when: Stamp) -> int | None:
        value = mapped.get(row.cells, "duration")
        if value != "":
            seconds = duration_of(value)
            if seconds is None:
                raise _Fault("the duration cannot be read")
            return seconds
        minutes = mapped.get(row.cells, "duration_minutes")
        if minutes != "":
            text = str(minutes).strip().replace(",", ".")
            if ":" in text:
                seconds = duration_of(text)
            else:
                seconds = round(float(text) * 60) if re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", text, re.ASCII) else None
            if seconds is None:
                raise _Fault("the duration cannot be read")
            return seconds
        end = mapped.get(row.cells, "end")
        if end != "":
            span = _time(end, self.order).local_us - when.local_us
            if span < 0:
                raise _Fault("the end lies before the start")
            return span // 1_000_000
        return None

    def _position(self, mapped: Mapped, row: Row, when: Stamp) -> None:
        cell = str(mapped.get(row.cells, "cell")).strip()
        found = (
            coordinates(mapped.get(row.cells, "lat"), mapped.get(row.cells, "lon")) if "lat" in mapped.place else None
        )
        if "lat_lon" in mapped.place:
            text = str(mapped.get(row.cells, "lat_lon"))[:400]
            pair = _PAIR.fullmatch(text) or _WORDED_PAIR.search(text)
            found = coordinates(pair.group(1), pair.group(2)) if pair is not None else None
        if found is None and cell:
            found = self._antenna_places().get(cell)
        if found is not None:
            self.located += 1
            self.positions.add(
                self.n, 2, row.record, when.local_us, when.precision, when.basis, when.offset_s, *found, None
            )  # fmt: skip

    def _antenna_places(self) -> dict[str, tuple[float, float]]:
        if self.places is None:
            self.places = {}
            for table in self.source.beside.find("*antennas*.csv") if self.source.beside is not None else ():
                with table.open() as stream:
                    rows = text_rows(stream, "utf-8-sig", ",")
                    if [heading(c) for c in next(rows, Row("", 0, ())).cells][:3] != list(_ANTENNAS):
                        continue
                    self.out.companion("antennas", table)
                    for row in rows:
                        if len(row.cells) >= 3 and (place := coordinates(row.cells[1], row.cells[2])) is not None:
                            self.places[str(row.cells[0]).strip()] = place
        return self.places

    def finish(self) -> None:
        """Hand over what is left, and say what the list holds and lacks."""
        self.events.flush()
        self.positions.flush()
        out = self.out
        out.read(self.n)
        if not self.sheets and not self.n:
            raise Waiting(
                "no row has the headings of a list of calls that are known",
                'columns = { counterpart = "...", start = "...", duration = "...", direction = "..." }  # headings, or numbers from 1',
            )  # fmt: skip
        if self.empty:
            out.note(f"{self.empty} sheets have no headings of a list of calls and were passed over")
        for what, number in sorted(self.skipped.items()):
            out.note(f"{number} {what} are out of scope")
        if self.contradicting:
            out.note(
                f"in {self.contradicting} rows the word for the direction and the numbers contradict each other: the numbers hold"
            )
        for channel, kind in (("phone", "call"), ("sms", "message")):
            ways = [w for w in ("in", "out") if self.classes[channel, w]]
            if channel == "phone" and ways and len(ways) < 2:
                out.note(
                    f"the list holds only {'incoming' if ways == ['in'] else 'outgoing'} calls: the others are not covered by it"
                )
            if any(self.classes[channel, w] for w in ("in", "out", "unknown")):
                out.coverage(channel, kind, complete="no")
        if sum(self.classes["phone", w] for w in ("in", "out", "unknown")) and not self.missed:
            out.note("the list shows no call as missed: that does not mean that there was none")
        if (
            unknown := self.classes["phone", "unknown"]
            + self.classes["sms", "unknown"]
            + self.classes["mms", "unknown"]
        ):
            out.note(f"{unknown} rows do not say which way they went")
        if self.located:
            out.coverage("phone", "fix", complete="no")
        if self.layout is not None and self.layout.lacks:
            out.note(f"layout {self.layout.id}: {self.layout.lacks}")
        if self.layout is not None and not self.layout.verified and self.layout.id:
            out.note(
                "the columns were taken by their headings; no real list of this operator was seen: compare some rows with the list"
            )


def arrangements(source: SourceFile, context: Context) -> list[tuple[str, Mapped]]:
    """Return title and columns of every sheet of a source that is read as a list.

    Raises
    ------
    Waiting, Unreadable
        As of :meth:`Cdr.read`.
    """
    found = ((sheet.name, _mapped_rows(sheet, context)) for sheet in _sheets(source, context))
    return [(name, mapped[0]) for name, mapped in found if mapped is not None]


READER = Cdr()
