"""What the readers of location exports share: times, coordinates, the shape of a file's head, and a buffer of rows.

Nothing here knows a format. Times are read as the file writes them and never repaired; coordinates are WGS 84 degrees.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import msgspec

from pipelines.readers._clock import MAX_OFFSET_S, iso_reading
from pipelines.readers._json_stream import BLOCK, ArrayEnd, Bad, Block, Broken, JsonStream, find_element
from pipelines.readers._rows import RowBuffer
from pipelines.readers.base import Sink, SourceFile, Span, Unreadable, implausible_time

#: an E7 value above this is an unsigned 32-bit copy of a negative number (known fault of exports of 2019)
E7_OVERFLOW_FROM = 1_800_000_000
E7_OVERFLOW = 4_294_967_296
#: an error below this is written by no phone and stands for "unknown", as 0 does (``detector.schema``)
LEAST_ACCURACY_M = 1e-9
#: said of every export of an account
ACCOUNT_NOTE = "these are positions of the account's devices: a device need not be where its owner was"

#: the form that nearly all exports write: the built-in reader of ISO texts takes a fifth of the time
_COMMON_ISO = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME, _SECOND, _MICROSECOND = timedelta(0), timedelta(seconds=1), timedelta(microseconds=1)
_MAX_OFFSET = timedelta(seconds=MAX_OFFSET_S)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{0,18})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
#: ``50.05°, 14.34°`` (Android), ``geo:27.72,-97.34`` (iOS). The sign of degree may have been damaged by an editor: it
#: carries nothing, so that whatever stands in its place is read past
_PAIR = re.compile(
    r" *(?:geo:)? *([+-]?\d{1,3}(?:\.\d{1,17})?)[^0-9A-Za-z.,;+-]{0,4}, *([+-]?\d{1,3}(?:\.\d{1,17})?)"
    r"[^0-9A-Za-z.,;+-]{0,4}(?:;.{0,64})?",
    re.ASCII,
)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A time as a file states it.

    Attributes
    ----------
    local_us : int
        Wall clock reading, µs since 1970-01-01T00:00 of that clock.
    offset_s : int or None
        Stated offset from UTC, s; 0 for ``Z``; None if the text names no zone.
    utc : bool
        True for ``Z`` and for epoch numbers: the clock is UTC itself, no zone of the phone is stated.
    precision : str
        A value of ``detector.schema.PRECISIONS``.
    """

    local_us: int
    offset_s: int | None
    utc: bool
    precision: str

    @property
    def instant_us(self) -> int:
        """UTC µs (the reading itself where no zone is stated)."""
        return self.local_us - (self.offset_s or 0) * 1_000_000

    @property
    def zone_basis(self) -> str:
        """Value of ``positions.zone_basis``."""
        return "utc" if self.utc else "case" if self.offset_s is None else "stated"

    @property
    def stated_offset_s(self) -> int | None:
        """Value of ``positions.stated_offset_s``."""
        return None if self.utc else self.offset_s

    def at_offset(self, offset_s: int) -> Reading:
        """Return the same moment on the clock of another offset (s)."""
        return Reading(self.instant_us + offset_s * 1_000_000, offset_s, False, self.precision)

    def plus(self, minutes: int) -> Reading:
        """Return the reading some minutes later, exact to the minute."""
        return Reading(self.local_us + minutes * 60_000_000, self.offset_s, self.utc, "min")


def integer(value: object) -> int | None:
    """Return a whole number that a file writes as number or as decimal digits; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -(10**18) < value < 10**18 else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) and abs(value) < 2**53 else None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def number(value: object) -> float | None:
    """Return a finite number that a file writes as number or as decimal text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = float(value)
    if not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def accuracy(value: object, scale: float = 1.0) -> float | None:
    """Return a stated error in metres, None when it is absent, unreadable, zero or negative (never 0)."""
    found = number(value)
    if found is None:
        return None
    metres = found / scale
    return metres if metres >= LEAST_ACCURACY_M else None


def epoch(value: object) -> Reading | None:
    """Read a number since 1970 by its size: up to 10 digits are seconds, 11 to 13 milliseconds.

    Returns
    -------
    Reading or None
        None if it is no whole number of at most 13 digits.
    """
    found = integer(value)
    if found is None or abs(found) >= 10**13:
        return None
    if abs(found) < 10**10:
        return Reading(found * 1_000_000, 0, True, "s")
    return Reading(found * 1000, 0, True, "ms")


def milliseconds(value: object) -> Reading | None:
    """Read milliseconds since 1970, a number or digits; None if it is neither."""
    found = integer(value)
    return None if found is None or abs(found) >= 10**15 else Reading(found * 1000, 0, True, "ms")


def iso(text: str) -> Reading | None:
    """Read an ISO date and time with its fraction and zone; None if it is none, or names no minute."""
    common = _COMMON_ISO.fullmatch(text)
    if common is not None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:  # the 30th of February
            return None
        offset = moment.utcoffset() or _NO_TIME
        if abs(offset) <= _MAX_OFFSET:
            digits = len(common[1] or "") - 1
            precision = "s" if digits < 1 else "ms" if digits <= 3 else "us"
            return Reading((moment - _EPOCH + offset) // _MICROSECOND, offset // _SECOND, common[2] == "Z", precision)
    found = iso_reading(text)
    if found is None or found.precision in ("day", "h"):
        return None
    return Reading(found.local_us, found.offset_s, found.zulu, found.precision)


def reading(value: object) -> Reading | None:
    """Read a time that stands as ISO text or as a number since 1970 (see :func:`iso`, :func:`epoch`)."""
    if isinstance(value, str):
        found = iso(value)
        if found is not None:
            return found
    return epoch(value)


def why_no_time(value: object, found: Reading | None) -> str | None:
    """Return why a value cannot be the time of a record, or None if it can."""
    if found is None:
        return "no time" if value is None or value == "" else "time is not readable"
    return implausible_time(found.instant_us)


class CoordinateError(ValueError):
    """Coordinates that cannot be used; the text holds no content."""


def in_range(lat: float, lon: float) -> tuple[float, float]:
    """Return the pair if it lies on the globe.

    Raises
    ------
    CoordinateError
        The latitude is not within ±90° or the longitude not within ±180°.
    """
    if not -90.0 <= lat <= 90.0:
        raise CoordinateError("latitude is out of range")
    if not -180.0 <= lon <= 180.0:
        raise CoordinateError("longitude is out of range")
    return lat, lon


def unwrap_e7(value: int) -> int:
    """Return degrees × 10⁷, an overflow of 32 bits undone (known fault of exports of 2019)."""
    return value - E7_OVERFLOW if value > E7_OVERFLOW_FROM else value


def e7_pair(lat: object, lon: object) -> tuple[float, float] | None:
    """Read two values of degrees × 10⁷, whole numbers or digits.

    Returns
    -------
    tuple of float or None
        Degrees; None if both are absent.

    Raises
    ------
    CoordinateError
        One is absent, unreadable or out of range.
    """
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        raise CoordinateError("one of the two coordinates is missing")
    north, east = integer(lat), integer(lon)
    if north is None or east is None:
        raise CoordinateError("coordinates are not readable")
    return in_range(unwrap_e7(north) / 1e7, unwrap_e7(east) / 1e7)


def degree_pair(text: object) -> tuple[float, float] | None:
    """Read ``50.05°, 14.34°`` or ``geo:50.05,14.34``; None if the value is absent or empty.

    Raises
    ------
    CoordinateError
        The text is no such pair, or out of range.
    """
    if text is None or text == "":
        return None
    if not isinstance(text, str) or len(text) > 200:
        raise CoordinateError("coordinates are not readable")
    match = _PAIR.fullmatch(text)
    if match is None:
        raise CoordinateError("coordinates are not readable")
    return in_range(float(match[1]), float(match[2]))


_TAG = re.compile(r"[-+A-Za-z0-9_.:]{1,64}", re.ASCII)


def device_tag(value: object) -> str | None:
    """Return the tag of a device as the file names it, if it is a number or a short word (never free text)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 2**64 else None
    return value if isinstance(value, str) and _TAG.fullmatch(value) else None


_HOW = {"GPS": "gps", "WIFI": "wifi", "CELL": "cell"}


def technique(value: object) -> str:
    """Return ``positions.source_how`` for the word of a Google export: GPS, WIFI, CELL in any case, else unknown."""
    return _HOW.get(value.upper(), "unknown") if isinstance(value, str) and len(value) < 16 else "unknown"


#: a string and whether a colon makes it a key, a bracket, another word; a lone quotation mark is a string cut off
_TOKEN = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*:)?|[{}\[\]]|[^\s"{}\[\],:]+|"', re.DOTALL)
_MAX_DEPTH = 12


def outline(head: bytes) -> frozenset[str]:
    """Return which keys stand where in the beginning of a JSON text.

    Parameters
    ----------
    head : bytes
        The first bytes, perhaps with a byte order mark (UTF-8 or UTF-16) and cut anywhere.

    Returns
    -------
    frozenset of str
        Paths such as ``/locations``, ``/locations/[]`` (it is an array), ``/locations/*/latitudeE7``. Keys inside
        strings are not keys. Empty if the text is no JSON object or array.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith((b"{", b"[")):
        return frozenset()
    found: set[str] = set()
    stack: list[str] = []  # path of each open container
    path = ""
    for match in _TOKEN.finditer(head):
        token = match[0]
        if token == b'"':
            break
        if match[2] is not None and stack:
            key = match[1].decode("utf-8", "replace")
            path = f"{stack[-1]}/{key}" if len(stack) <= _MAX_DEPTH and len(key) <= 64 else "…"
            found.add(path)
        elif token == b"{":
            stack.append(path)
        elif token == b"[":
            found.add(f"{path}/[]")
            stack.append(f"{path}/*" if len(stack) <= _MAX_DEPTH else "…")
            path = stack[-1]
        elif token in (b"}", b"]"):
            if not stack:
                break
            stack.pop()
            if stack:
                path = stack[-1]
            else:
                break
    return frozenset(found)


class Row(msgspec.Struct, frozen=True, gc=False):
    """One position of a record, before it is numbered."""

    kind: str
    time: Reading
    lat: float
    lon: float
    source_how: str
    how: str
    end: Reading | None = None
    accuracy_m: float | None = None
    device_tag: str | None = None
    tags: str | None = None


_COLUMNS = (
    "n", "sub", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "local_end", "end_offset_s",
    "kind", "lat", "lon", "accuracy_m", "device_tag", "source_how", "how", "tags",
)  # fmt: skip


class Unusable(Exception):
    """A part of a record cannot be used; the text says why and holds no content."""


def timed(value: object, what: str = "") -> Reading:
    """Read the time of a row.

    Raises
    ------
    Unusable
        No time, none that can be read, or none that a phone can mean.
    """
    found = reading(value)
    why = why_no_time(value, found)
    if why is not None or found is None:
        raise Unusable(f"{what}{why}")
    return found


def until(start: Reading, value: object, at_offset: int | None = None) -> Reading | None:
    """Read the end of a visit, on the clock of its start.

    Parameters
    ----------
    start : Reading
        The begin.
    value : object
        What the file has for the end; None if it names none.
    at_offset : int or None
        Offset (s) that the file names for the end besides.

    Returns
    -------
    Reading or None
        None if the file names no end. In UTC where the begin is; else with its own stated offset.

    Raises
    ------
    Unusable
        The end is not readable, lies before the begin, or only one of the two names a zone.
    """
    if value is None or value == "":
        return None
    end = timed(value, "end: ")
    if (end.offset_s is None) != (start.offset_s is None):
        raise Unusable("only one of begin and end names a zone")
    if end.instant_us < start.instant_us:
        raise Unusable("end lies before the begin")
    if start.utc:
        return Reading(end.instant_us, 0, True, end.precision)
    if at_offset is not None:
        return end.at_offset(at_offset)
    return end if end.offset_s is None or not end.utc else end.at_offset(0)


class Record:
    """The rows of one record and what of it could not be used."""

    __slots__ = ("problems", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.problems: list[str] = []


class Ends:
    """Gives every record one of its three ends and counts what a note must say.

    Parameters
    ----------
    out : Sink
        Where rows, rejects and notes go.
    **same : object
        Columns that are equal in every row.
    """

    def __init__(self, out: Sink, **same: object) -> None:
        self._out = out
        self._rows = RowBuffer(out.positions, _COLUMNS, same)
        self.counts: Counter[str] = Counter()
        self.kept = 0

    def close(self, n: int, record: str, found: Record) -> None:
        """Keep the record if it has a row, reject it if something in it was unusable, else count it out of scope."""
        if found.rows:
            for sub, row in enumerate(found.rows, 1):
                time, end = row.time, row.end
                self._rows.add(
                    n, sub, record, time.local_us, time.stated_offset_s, time.precision, time.zone_basis,
                    None if end is None else end.local_us,
                    None if end is None or end.stated_offset_s == time.stated_offset_s else end.stated_offset_s,
                    row.kind, row.lat, row.lon, row.accuracy_m, row.device_tag, row.source_how, row.how, row.tags,
                )  # fmt: skip
            self.kept += 1
            self.counts["parts of kept records that could not be used"] += len(found.problems)
        elif found.problems:
            self._out.reject(n, record, found.problems[0])
        else:
            self._out.out_of_scope()

    def finish(self, channel: str, *notes: str) -> None:
        """Hand on the last rows, write a note for each count, and say what the source covers."""
        self._rows.flush()
        finish(self._out, channel, self.kept, self.counts, *notes)


def finish(out: Sink, channel: str, kept: int, counts: Mapping[str, int], *notes: str) -> None:
    """Write the notes and, where a record was kept, what the source covers.

    Parameters
    ----------
    out : Sink
        Where it goes.
    channel : str
        Channel of the rows.
    kept : int
        Number of records kept.
    counts : mapping
        Text of a note to the number that goes with it.
    *notes : str
        Further notes.
    """
    for text in notes:
        out.note(text)
    for text, count in sorted(counts.items()):
        if count:
            out.note(f"{text}: {count}")
    if kept:
        out.coverage(channel, "position", scope="all", complete="unknown")


class Part(msgspec.Struct, frozen=True):
    """Consecutive elements of one array: ``items[k]`` is record ``n + k`` with the locator :meth:`record`."""

    pattern: str
    pointer: str
    index: int
    n: int
    items: list[Any]

    def record(self, k: int) -> str:
        """Return the locator of element k of the part."""
        return f"json:{self.pointer}/{self.index + k}"


def _stream(
    raw: BinaryIO, arrays: Mapping[str, Any], values: Mapping[str, str] | None, block: int | None
) -> JsonStream:
    return JsonStream(raw, arrays, list(values or ()), block=BLOCK if block is None else block)


def find_part(
    source: SourceFile, arrays: Mapping[str, Any], record: str, n: int | None, *, values: Mapping[str, str] | None = None,
    block: int | None = None,
) -> Span | None:  # fmt: skip
    """Find an element again that :func:`parts` gave or rejected; the arguments must be those of the reading.

    Parameters
    ----------
    source, arrays, values, block
        As for :func:`parts`.
    record : str
        The locator.
    n : int or None
        The number, if it is known.

    Returns
    -------
    Span or None
        None if there is no such element.
    """
    return find_element(source, lambda raw: _stream(raw, arrays, values, block), record, n)


def parts(
    source: SourceFile, out: Sink, arrays: Mapping[str, Any], *, values: Mapping[str, str] | None = None,
    block: int | None = None, may_be_empty: bool = False,
) -> Iterator[Part]:  # fmt: skip
    """Stream the elements of the arrays of a JSON source and number them in file order.

    Counts what was read, rejects what is no element of its type, and notes where the file breaks off.

    Parameters
    ----------
    source : SourceFile
        The source.
    out : Sink
        Where counts, rejects and notes go.
    arrays : mapping
        Pattern of an array (see :mod:`pipelines.readers._json_stream`) to the type of one element.
    values : mapping, optional
        Pattern of a value that holds no records to the note that its presence deserves.
    block : int, optional
        Size of the blocks in bytes; the rows do not depend on it.
    may_be_empty : bool
        A whole JSON text without any of the arrays is a file without records.

    Raises
    ------
    Unreadable
        None of the arrays is there.
    """
    done = arrays_met = 0
    noted: set[str] = set()
    broken = ""
    with source.open() as raw:
        stream = _stream(raw, arrays, values, block)
        for item in stream:
            if isinstance(item, Block):
                yield Part(item.pattern, item.pointer, item.first, done + item.first + 1, item.items)
            elif isinstance(item, Bad):
                out.reject(done + item.index + 1, f"json:{item.pointer}/{item.index}", item.reason)
            elif isinstance(item, ArrayEnd):
                out.read(item.count)
                done += item.count
                arrays_met += 1
            elif isinstance(item, Broken):
                broken = f"the file breaks off at byte {item.offset}: {item.reason}"
            elif values and item.pattern not in noted and item.raw not in (b"[]", b"{}", b"null"):
                noted.add(item.pattern)
                out.note(values[item.pattern])
        mended = stream.repaired
    if mended:
        out.note(f"records whose text was not valid Unicode and was mended: {mended}")
    if not arrays_met and (broken or not may_be_empty):
        raise Unreadable(broken or "the file holds none of the arrays of its format")
    if broken:
        out.note(f"{broken}; the whole records before it were read")
