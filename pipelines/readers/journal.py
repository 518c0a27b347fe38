"""The incident journal: what the owner or a helper writes down, as CSV or a sheet of a workbook in qorgan's own columns.

A journal is the statement of a person. Its rows keep how exact the person was ("evening" stays an evening) and when it
was written down; the note and the witness's name are read past.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from detector.schema import CHANNELS, PART_OF_DAY_START_H, PRECISION_SPAN_US
from pipelines.identifiers import clean
from pipelines.masking import harmless, hidden
from pipelines.readers._clock import Reading, iso_reading
from pipelines.readers._lab import first_rows
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sheets import Row, is_workbook, workbook_sheets
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    implausible_time,
)

COLUMNS = (
    "when", "until", "contact", "via", "kind", "place", "lat", "lon", "accuracy_m", "channel", "witness", "written",
    "note",
)  # fmt: skip
REQUIRED = frozenset(["when", "contact", "kind"])
SIGHTINGS = frozenset(["seen", "waited", "followed", "entered"])
TRACKERS = frozenset(["tracker_alert", "tracker_found"])
#: word of the journal: kind of the event, direction, actor, tags, channel where none is given
EVENTS: dict[str, tuple[str, str, str, str | None, str]] = {
    "call": ("call", "in", "contact", None, "phone"),
    "message": ("message", "in", "contact", None, "journal"),
    "email": ("email", "in", "contact", None, "email"),
    "gift": ("gift", "in", "contact", None, "post"),
    "delivery": ("delivery", "in", "contact", None, "post"),
    "payment": ("payment", "in", "contact", None, "other"),
    "view": ("view", "in", "contact", None, "internet"),
    "account_access": ("account_access", "in", "contact", None, "internet"),
    "third_party": ("third_party", "in", "contact", None, "journal"),
    "other": ("other", "in", "contact", None, "journal"),
    "blocked": ("block", "out", "owner", None, "journal"),
    "told_to_stop": ("other", "out", "owner", "told_to_stop", "journal"),
}
KINDS = frozenset(EVENTS) | SIGHTINGS | TRACKERS

#: longest line, and longest row, in characters [P]
ROW_LIMIT = 1 << 20
#: longest name of a contact, number or tracker, in characters [P]
NAME_LIMIT = 200

PLACE_ID = re.compile(r"[\w.-]{1,40}")
_DATE_WORD = re.compile(r"(\d{4}-\d\d-\d\d)[ ,]+(\w{2,12})")
_PARTS = {
    "night": ("night", "ночь", "ночью", "түн", "түнде", "түні"),
    "morning": ("morning", "утро", "утром", "таң", "таңда", "таңертең"),
    "afternoon": ("afternoon", "день", "днём", "днем", "күндіз"),
    "evening": ("evening", "вечер", "вечером", "кеш", "кешке", "кешкі", "кешкісін"),
}
_PART_OF_WORD = {word: part for part, words in _PARTS.items() for word in words}
_CLOCK = re.compile(r"(\d\d?:\d\d(?::\d\d)?)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:[.,]\d{1,15})?", re.ASCII)
#: a number that a spreadsheet has written in powers of ten
_CUT = re.compile(r"\d(?:[.,]\d{1,17})?[eE]\+?\d{1,3}", re.ASCII)
_THOUSANDS = re.compile(r"\d{1,3},\d{3}", re.ASCII)
_NO = frozenset(["no", "n", "0", "false", "нет", "жоқ"])
_NONE = frozenset(["", "-", "–", "—"])
#: precisions that tell the minute: the length of a call can be told from them
_EXACT = frozenset(["us", "ms", "s", "min"])


def moment(text: str) -> Reading | None:
    """Read a time of the journal.

    Parameters
    ----------
    text : str
        ISO date, date and hour, date and time (with or without seconds, decimals, offset), or a date and a part of the
        day in English, Russian or Kazakh.

    Returns
    -------
    Reading or None
        A part of the day starts at its hour in ``PART_OF_DAY_START_H``; None if the text is anything else.
    """
    text = clean(text)
    reading = iso_reading(text)
    if reading is not None or len(text) > 40:
        return reading
    found = _DATE_WORD.fullmatch(text)
    part = _PART_OF_WORD.get(found.group(2).casefold()) if found else None
    day = iso_reading(found.group(1)) if found else None
    if part is None or day is None:
        return None
    return Reading(day.local_us + PART_OF_DAY_START_H[part] * 3_600_000_000, part)


def kind_word(text: str) -> str:
    """Return the kind as a word of :data:`KINDS` if it is one (case, blanks and hyphens do not matter)."""
    return re.sub(r"[\s-]+", "_", clean(text[:60]).casefold())


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: which delimiter, and which column of the journal stands where (None: an unknown column)."""

    delimiter: str
    columns: tuple[str | None, ...]

    @property
    def unknown(self) -> int:
        """Number of columns that are no column of the journal."""
        return self.columns.count(None)


def header_of(line: str) -> Header | None:
    """Read the header line, or return None if it is not that of a journal.

    Raises
    ------
    Unreadable
        A column of the journal stands twice.
    """
    for delimiter in ",;\t":
        try:
            cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if (found := _header(cells, delimiter, "line:1")) is not None:
            return found
    return None


def _header(cells: Sequence[str], delimiter: str, record: str) -> Header | None:
    names = [clean(cell).casefold() for cell in cells]
    if not set(names) >= REQUIRED:
        return None
    columns = tuple(name if name in COLUMNS else None for name in names)
    for name in COLUMNS:
        if columns.count(name) > 1:
            raise Unreadable(f"the column {name} stands twice in the header", record)
    return Header(delimiter, columns)


def header_of_row(row: Row) -> Header | None:
    """Read the row of a sheet as a header, or return None if it is not that of a journal.

    Raises
    ------
    Unreadable
        A column of the journal stands twice.
    """
    return _header([str(cell)[:NAME_LIMIT] for cell in row.cells], "", row.record)


def cell_text(cell: object) -> str:
    """Return a cell of a workbook as a person would have written it in CSV.

    A date that is midnight is the day and no more: what a sheet shows of it cannot be told from its number.
    """
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        clock = cell.strftime("%H:%M" if cell.second == cell.microsecond == 0 else "%H:%M:%S")
        if cell.year < 1900:
            return clock
        day = f"{cell:%Y-%m-%d}"
        return day if clock == "00:00" else f"{day} {clock}"
    if isinstance(cell, float):
        return repr(cell) if abs(cell) >= 2**53 else f"{cell:.12f}".rstrip("0").rstrip(".")
    return str(cell)


class _RowTooLong(Exception):
    pass


class Lines:
    """Physical lines (they end in LF) for the CSV parser, numbered, with bounds on line and row.

    Parameters
    ----------
    stream : binary stream
        UTF-8 with or without byte order mark, or UTF-16 with one.

    Attributes
    ----------
    number : int
        Number of the last line given, from 1.
    damaged : bool
        Since :meth:`begin_row`, a line held bytes that are no text of the encoding.
    """

    def __init__(self, stream: BinaryIO) -> None:
        head = stream.read(2)
        wide = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        rest = io.BufferedReader(_Again(head, stream))
        self._bad = re.compile("\ufffd" if wide else "[\ud800-\udfff]")
        self._text = io.TextIOWrapper(
            rest,
            encoding="utf-16" if wide else "utf-8-sig",
            errors="replace" if wide else "surrogateescape",
            newline="\n",
        )
        self.number = 0
        self.damaged = False
        self._chars = 0

    def begin_row(self) -> None:
        """Forget what belonged to the row before."""
        self.damaged = False
        self._chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(ROW_LIMIT)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= ROW_LIMIT and not line.endswith("\n"):
            while (more := self._text.readline(ROW_LIMIT)) and not more.endswith("\n"):
                pass
            raise _RowTooLong
        self._chars += len(line)
        if self._chars > ROW_LIMIT:
            raise _RowTooLong
        self.damaged = self.damaged or self._bad.search(line) is not None
        return line


class _Again(io.RawIOBase):
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target)  # type: ignore[arg-type]
        data = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(view) :]
        view[: len(data)] = data
        return len(data)


def rows(lines: Lines, header: Header) -> Iterator[tuple[str, list[str] | None, str]]:
    """Yield the CSV rows after the header, blank lines left out.

    Yields
    ------
    record : str
        ``line:7`` or ``lines:7-9``.
    cells : list of str or None
        The fields, None if the row is no CSV.
    reason : str
        Why it is none, else empty.
    """
    parser = csv.reader(lines, delimiter=header.delimiter, strict=True)
    while True:
        lines.begin_row()
        first = lines.number + 1
        cells: list[str] | None = None
        reason = ""
        try:
            cells = next(parser)
        except StopIteration:
            return
        except _RowTooLong:
            reason = f"the row is longer than {ROW_LIMIT} characters"
        except csv.Error:
            reason = "the quotes or line breaks of the row are not those of CSV (RFC 4180)"
        if cells == []:
            continue
        if lines.damaged:
            cells, reason = None, "the row is not UTF-8 text: save the file as CSV UTF-8"
        last = lines.number
        yield f"line:{first}" if last <= first else f"lines:{first}-{last}", cells, reason


class _Refused(Exception):
    """A row that cannot be used; the argument is the reason, without content."""


@dataclass(slots=True)
class _Span:
    """First and last reading on one clock."""

    first: int
    last: int


class _Journal:
    """The reader."""

    description = Description(
        id="journal",
        version=1,
        title="Incident journal (CSV or XLSX)",
        channels=("journal",),
        counts="rows after the header, sheet after sheet; blank lines left out",
        knowledge="qorgan's own format (docs: The incident journal)",
        evidence="documentation",
        cannot_tell=(
            "whether it happened: a journal is the statement of a person",
            "anything that was not written down",
            "which night is meant by a date and 'night' (read as the hours after midnight of that date)",
            "whether midnight in a date cell of a workbook is an hour or only a date (read as the date)",
        ),
        options=(Option("timezone", "zone of the times that are written without an offset"),),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim text whose first line, or a workbook of which a sheet's first row, has ``when``, ``contact`` and ``kind``."""
        if is_workbook(head):
            return self._recognise_workbook(head)
        if head.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = head.data[: len(head.data) & ~1].decode("utf-16", "replace")
        else:
            text = head.data.decode("utf-8-sig", "replace")
        try:
            found = header_of(re.split("[\r\n]", text, maxsplit=1)[0][:4096])
        except Unreadable:
            return Claim(90, "CSV header of the incident journal, with a column twice")
        return Claim(90, "CSV header with when, contact, kind") if found else None

    @staticmethod
    def _recognise_workbook(head: Head) -> Claim | None:
        if head.source is None:
            return None
        try:
            found = any(header_of_row(rows[0]) is not None for _, rows in first_rows(head.source) if rows)
        except Unreadable:
            return Claim(90, "a sheet with the header of the incident journal, with a column twice")
        return Claim(90, "a sheet with the columns when, contact, kind") if found else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            No header of a journal, a column twice in it, lines that end in CR alone, or a broken workbook.
        """
        if _packed(source):
            _read_workbook(source, context, out)
            return
        with source.open() as stream:
            lines = Lines(stream)
            try:
                line = next(lines, "")
            except _RowTooLong:
                line = ""
            if "\r" in line.rstrip("\r\n"):
                raise Unreadable(
                    "the lines of the file end in CR alone: save it again as CSV with usual line ends", "line:1"
                )
            header = header_of(line)
            if header is None:
                raise Unreadable("the first line is not the header of an incident journal", "line:1")
            reading = _Rows(header, context, out)
            for record, cells, reason in rows(lines, header):
                reading.row(record, cells, reason)
            reading.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a row with its note, its witness and everything that is no value of the journal hidden.

        Parameters
        ----------
        source : SourceFile
            The journal, for its header line.
        raw : str
            The row, one or several lines.

        Returns
        -------
        str
            One line for each field that is not empty.
        """
        header: Header | None
        cells: list[str]
        if _packed(source):
            header, cells = _row_again(source, raw)
        else:
            with source.open() as stream:
                try:
                    header = header_of(next(Lines(stream), ""))
                    text = io.StringIO(raw, newline="")
                    cells = next(csv.reader(text, delimiter=header.delimiter, strict=True), []) if header else []
                except (csv.Error, _RowTooLong, Unreadable):
                    header, cells = None, []
        if header is None or not cells or len(cells) > len(header.columns):
            return hidden(len(raw))
        row = {name: clean(cell) for name, cell in zip(header.columns, cells, strict=False) if name}
        # what is no row (a part of a note after a lost quote) has words where a row has names
        whole = moment(row.get("when", "")) is not None and kind_word(row.get("kind", "")) in KINDS
        shown = []
        for place, cell in enumerate(cells):
            name, value = header.columns[place], clean(cell)
            if value:
                seen = name is not None and _is_metadata(name, value) and (whole or name not in ("contact", "via"))
                shown.append(f"{name or '‹another column›'}: {value if seen else hidden(len(value))}")
        return harmless("\n".join(shown))


def _packed(source: SourceFile) -> bool:
    with source.open() as stream:
        return stream.read(4) == b"PK\x03\x04"


def _read_workbook(source: SourceFile, context: Context, out: Sink) -> None:
    """Read the sheets that have the header of a journal, and say how many have not."""
    reading: _Rows | None = None
    others = 0
    for sheet in workbook_sheets(source):
        rows_of = (row for row in sheet.rows if row.cells or row.fault)
        first = next(rows_of, None)
        header = None if first is None else header_of_row(first)
        if header is None:
            others += first is not None
            continue
        if reading is None:
            reading = _Rows(header, context, out)
        else:
            reading.begin(header)
        for row in rows_of:
            reading.row(row.record, None if row.fault else [cell_text(cell) for cell in row.cells], row.fault)
    if reading is None:
        raise Unreadable("no sheet of the workbook begins with the header of an incident journal")
    reading.end()
    if others:
        out.note(f"sheets without the header of a journal, not read: {others}")


def _row_again(source: SourceFile, raw: str) -> tuple[Header | None, list[str]]:
    """Return the header above a row of a workbook that is given as JSON, and the row as text."""
    try:
        wanted = json.loads(raw)
        for sheet in workbook_sheets(source):
            header: Header | None = None
            for row in sheet.rows:
                if header is None:
                    header = header_of_row(row) if row.cells else None
                    if header is None and row.cells:
                        break
                elif json.loads(json.dumps(list(row.cells), default=str)) == wanted:
                    return header, [cell_text(cell) for cell in row.cells]
    except (ValueError, RecursionError, Unreadable):
        pass
    return None, []


def _is_metadata(column: str, text: str) -> bool:
    """Return whether a field holds a value of the journal and not words about what happened."""
    if len(text) > NAME_LIMIT or "\n" in text:
        return False
    match column:
        case "when" | "written":
            return moment(text) is not None
        case "until":
            return moment(text) is not None or _CLOCK.fullmatch(text) is not None
        case "kind":
            return kind_word(text) in KINDS
        case "channel":
            return kind_word(text) in CHANNELS
        case "place":
            return PLACE_ID.fullmatch(text) is not None
        case "lat" | "lon" | "accuracy_m":
            return _NUMBER.fullmatch(text) is not None
        case _:
            return column in ("contact", "via")


class _Rows:
    """Turns CSV rows into rows of the tables."""

    def __init__(self, header: Header, context: Context, out: Sink) -> None:
        self._unknown = 0
        self.begin(header)
        self._context = context
        self._out = out
        self._n = 0
        times = ("n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "written_at", "witness")
        self._events = RowBuffer(
            out.events,
            (
                *times, "kind", "direction", "actor", "tags", "directed", "channel", "identifier", "identifier_raw",
                "identifier_kind", "thread_id", "via_identifier", "duration_s", "answered",
            ),
            {"thread_kind": "direct", "how": "journal"},
        )  # fmt: skip
        self._positions = RowBuffer(
            out.positions,
            (
                *times, "kind", "subject", "subject_id", "identifier", "identifier_raw", "local_end", "end_offset_s",
                "lat", "lon", "accuracy_m", "accuracy_kind", "place_id", "source_how",
            ),
            {"how": "journal"},
        )  # fmt: skip
        self._kinds: set[str] = set()
        self._spans: dict[str, _Span] = {}
        self._remarks: Counter[str] = Counter()

    def begin(self, header: Header) -> None:
        """Take the header of the rows that come."""
        self._header = header
        self._unknown += header.unknown

    def row(self, record: str, cells: list[str] | None, reason: str) -> None:
        """Give one CSV row its end."""
        self._n += 1
        if cells is None:
            self._out.reject(self._n, record, reason)
            return
        columns = self._header.columns
        if any(cell.strip() for cell in cells[len(columns) :]):
            self._out.reject(self._n, record, "the row has more fields than the header")
            return
        row = {
            name: clean(cell) for name, cell in zip(columns, cells, strict=False) if name is not None and name != "note"
        }
        if not any(row.values()) and not any(cell.strip() for cell in cells):
            self._remarks["empty rows"] += 1
            self._out.out_of_scope()
            return
        try:
            self._keep(record, row)
        except _Refused as refused:
            self._out.reject(self._n, record, str(refused))

    def _keep(self, record: str, row: dict[str, str]) -> None:
        when = _time(row, "when")
        if when is None:
            raise _Refused("no time")
        word = kind_word(row.get("kind", ""))
        if word not in KINDS:
            raise _Refused("unknown kind" if word else "no kind")
        until = self._until(when, row.get("until", ""))
        written = self._written(when, _time(row, "written"))
        point = _coordinates(row)
        contact, via = _name(row, "contact"), _name(row, "via")
        identifier = f"label:{contact}" if contact else None
        seen = row.get("witness", "")
        witness = None if seen in _NONE else "no" if seen.casefold() in _NO else "yes"
        basis = "utc" if when.zulu else "case" if when.offset_s is None else "stated"
        offset = when.offset_s if basis == "stated" else None
        shared = (self._n, record, when.local_us, offset, when.precision, basis, written, witness)
        channel = self._channel(row.get("channel", ""), word)
        if word in EVENTS:
            kind, direction, actor, tags, default = EVENTS[word]
            duration = self._duration(word, when, until)
            if point is not None or row.get("place"):
                self._remarks["places and coordinates of rows that are no sighting, read past"] += 1
            self._events.add(
                *shared, kind, direction, actor, tags, "yes" if direction == "in" else "no", channel or default,
                identifier, contact or None, "label" if contact else "none", identifier,
                self._context.phone(via)[0] if via else None, duration,
                True if kind == "call" and duration else None,  # a call with a begin and an end was a talk
            )  # fmt: skip
        else:
            kind = word
            tracker = word in TRACKERS
            if via and not tracker:
                self._remarks["via of sightings, read past"] += 1
            lat, lon, accuracy = point or (None, None, None)
            end_offset = until.offset_s if until and until.offset_s != when.offset_s and basis == "stated" else None
            self._positions.add(
                *shared, kind, "tracker" if tracker else "contact", (via or None) if tracker else None, identifier,
                contact or None, until.local_us if until else None, end_offset, lat, lon, accuracy,
                "radius" if accuracy is not None else "unknown", self._place(row.get("place", "")),
                "bluetooth" if tracker else "person",
            )  # fmt: skip
        self._kinds.add(kind)
        self._cover(when, until if kind == word and word not in EVENTS else None)

    def _until(self, when: Reading, text: str) -> Reading | None:
        """Read the end: on the clock of the beginning, and never before it."""
        if text in _NONE:
            return None
        clock = _CLOCK.fullmatch(text)
        if clock is not None:  # only a time of the day: of the day on which it began
            day = when.local_us - when.local_us % PRECISION_SPAN_US["day"]
            at = iso_reading(f"1970-01-01 {clock.group(1)}")
            until = at and Reading(day + at.local_us, at.precision, when.offset_s, when.zulu)
        else:
            until = moment(text)
        if until is None:
            raise _Refused("until cannot be read")
        if (until.offset_s is None) != (when.offset_s is None) or until.zulu != when.zulu:
            raise _Refused("when and until are not on the same clock")
        if why := implausible_time(_instant(until)):
            raise _Refused(f"until: {why}")
        ahead = _instant(when) - _instant(until)
        if ahead <= 0:
            return until
        if ahead >= PRECISION_SPAN_US[until.precision]:
            raise _Refused("until lies before when")
        # 2025-10-03 18:30 until 2025-10-03: the day is right, and no more is known
        return Reading(when.local_us, until.precision, when.offset_s, when.zulu)

    def _written(self, when: Reading, written: Reading | None) -> int | None:
        if written is None:
            return None
        if (written.offset_s is None) != (when.offset_s is None):
            raise _Refused("when and written are not on the same clock")
        if _instant(written) + PRECISION_SPAN_US[written.precision] <= _instant(when):
            self._remarks["rows written down before what they tell"] += 1
        return _instant(written) + (when.offset_s or 0) * 1_000_000

    def _duration(self, word: str, when: Reading, until: Reading | None) -> int | None:
        if until is None:
            return None
        if word != "call":
            self._remarks["until of rows that are neither calls nor sightings, read past"] += 1
            return None
        if when.precision not in _EXACT or until.precision not in _EXACT:
            self._remarks["calls whose times are too coarse for a length"] += 1
            return None
        # from 18:30 to 18:30 is less than a minute, not nothing
        return (_instant(until) - _instant(when)) // 1_000_000 or None

    def _channel(self, text: str, word: str) -> str | None:
        if text in _NONE:
            return None
        if word not in EVENTS:
            self._remarks["channels of sightings, read past"] += 1
            return None
        name = kind_word(text)
        if name not in CHANNELS:
            self._remarks["channels that qorgan does not know, replaced by that of the kind"] += 1
            return None
        return name

    def _place(self, text: str) -> str | None:
        if text in _NONE:
            return None
        if PLACE_ID.fullmatch(text) is None:
            self._remarks["places that are no place id, read past"] += 1
            return None
        return text

    def _cover(self, when: Reading, until: Reading | None) -> None:
        clock = "case" if when.offset_s is None else "utc"
        first, last = _instant(when), _instant(until or when)
        span = self._spans.setdefault(clock, _Span(first, last))
        span.first, span.last = min(span.first, first), max(span.last, last)

    def end(self) -> None:
        """Hand over the rest and say what the file as a whole is like."""
        self._events.flush()
        self._positions.flush()
        self._out.read(self._n)
        if self._unknown:
            self._out.note(f"columns that are none of the journal's, not read: {self._unknown}")
        for remark, count in sorted(self._remarks.items()):
            self._out.note(f"{remark}: {count}")
        for clock, span in sorted(self._spans.items()):
            self._out.coverage(
                "journal", " ".join(sorted(self._kinds)), scope="all", local_from=span.first, local_to=span.last,
                zone_basis=clock, basis="observed", complete="no",
            )  # fmt: skip


def _instant(reading: Reading) -> int:
    """UTC where the reading states its offset, else its wall clock: comparable among readings on the same clock."""
    utc = reading.utc_us
    return reading.local_us if utc is None else utc


def _time(row: dict[str, str], column: str) -> Reading | None:
    text = row.get(column, "")
    if text in _NONE:
        return None
    reading = moment(text)
    if reading is None:
        raise _Refused(f"{column} cannot be read as a date, a date and time, or a date and a part of the day")
    if why := implausible_time(_instant(reading)):
        raise _Refused(why if column == "when" else f"{column}: {why}")
    return reading


def _name(row: dict[str, str], column: str) -> str:
    text = row.get(column, "")
    if len(text) > NAME_LIMIT:
        raise _Refused(f"{column} is longer than {NAME_LIMIT} characters")
    if _CUT.fullmatch(text):
        raise _Refused(f"{column}: a spreadsheet has cut the number, its digits are lost")
    return "" if text in _NONE else text


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _coordinates(row: dict[str, str]) -> tuple[float, float, float | None] | None:
    """Return latitude and longitude in degrees and the error in metres, None where the row has no point."""
    texts = [row.get(column, "") for column in ("lat", "lon", "accuracy_m")]
    lat_text, lon_text, accuracy_text = ("" if text in _NONE else text for text in texts)
    if not lat_text and not lon_text:
        return None
    if not lat_text or not lon_text:
        raise _Refused("latitude without longitude, or longitude without latitude")
    lat, lon = _number(lat_text), _number(lon_text)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        raise _Refused("latitude or longitude is no number in range")
    if not accuracy_text:
        return lat, lon, None
    accuracy = _number(accuracy_text)
    if accuracy is None or accuracy < 0 or _THOUSANDS.fullmatch(accuracy_text):
        raise _Refused("accuracy_m is no number of metres")
    return lat, lon, accuracy or None


READER = _Journal()
