"""Tables of positions as CSV: GPSLogger's, Traccar's, and any whose headings name a time, a latitude and a longitude.

Nothing is read by the place of a column unless ``[[source]] columns`` says so. A file is taken for one of these only if every
one of its headings is known: a table with other columns may speak of somebody else's places, and waits for ``format``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from pipelines.readers._lab import marked_time, order_shown
from pipelines.readers._locations import (
    CoordinateError,
    Reading,
    accuracy,
    device_tag,
    e7_pair,
    in_range,
    number,
)
from pipelines.readers._sheets import UNENDED, Row, Tail, TextRows, first_row, heading, masked_row, open_text
from pipelines.readers._tracks import (
    SUBJECT,
    TIMEZONE,
    Devices,
    Track,
    moment,
    plain,
    subject_of,
    told,
    why_not,
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
)

#: what a column is -> its headings, the surest first
_ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "time", "timestamp", "datetime", "date time", "date_time", "date/time", "recorded_at", "fixtime", "gpstime", "gps time",
        "tst", "when", "created_at", "timestamp_ms", "time_long", "unix", "epoch", "unixtime", "unix time", "unix timestamp",
        "время", "дата и время", "дата, время", "уақыты",
    ),
    "time_utc": (
        "time (utc)", "timestamp (utc)", "datetime (utc)", "date time (utc)", "utc", "utc time", "utc_time", "time_utc",
        "timestamp_utc", "datetime_utc", "utc_datetime",
    ),
    "date": ("date", "дата", "күні"),
    "lat": ("lat", "latitude", "latitude n/s", "gps_lat", "gps latitude", "широта", "ендік"),
    "lon": ("lon", "lng", "long", "longitude", "longitude e/w", "gps_lon", "gps_lng", "gps longitude", "долгота", "бойлық"),
    "lat_e7": ("latitudee7", "late7", "lat_e7", "latitude_e7"),
    "lon_e7": ("longitudee7", "lnge7", "lone7", "lon_e7", "longitude_e7"),
    "wkt": ("wkt", "the_geom", "geom", "geometry", "point", "location"),
    "accuracy": (
        "accuracy", "acc", "horizontal_accuracy", "horizontalaccuracy", "accuracy_m", "accuracy (m)", "precision", "точность",
    ),
    "device": ("deviceid", "device_id", "device id", "device", "tracker_id", "tid", "unique_id", "imei"),
    "valid": ("valid",),
    "provider": ("provider",),
}  # fmt: skip
#: headings that such tables have besides, and of which nothing is read
_BESIDE = frozenset(
    """index|id|no|n|#|tag|elevation|altitude|alt|ele|height|z|altitude_m|speed|velocity|vel|speed_mps|speed_kmh|bearing|heading
    |course|cog|direction|azimuth|satellites|sats|satellite|source|activity|motion|battery|batt|bat|battery_level
    |batterylevel|battery_charging|bs|hdop|vdop|pdop|geoidheight|ageofdgpsdata|dgpsid|vertical_accuracy|verticalaccuracy|vac
    |speed_accuracy|course_accuracy|annotation|time_offset|distance|starttimestamp_ms|profile_name|protocol|servertime
    |devicetime|address|attributes|network|geofenceids|type|segment|track|temperature|temp|pressure|signal|rssi|odometer
    |высота|скорость|курс""".replace("\n    |", "|").split("|")
)
_ROLES = ("time", "date", "lat", "lon", "wkt", "accuracy", "device")
_OPTIONAL = frozenset(["accuracy", "device", "valid", "provider"])
_SHOWN_ROLES = frozenset(_ALIASES) - {"wkt"}
#: latitude or longitude with the letter of its half of the globe before or behind it
_LETTERED = re.compile(r"(?:([NSEW])\s?)?([+-]?\d{1,3}(?:\.\d{1,18})?)\s?°?\s?([NSEW])?", re.ASCII | re.IGNORECASE)
_WKT = re.compile(
    r"(?:SRID=4326;)?POINT(?: ?Z)? ?\(\s*([+-]?\d{1,3}(?:\.\d{1,18})?)\s+([+-]?\d{1,3}(?:\.\d{1,18})?)(?:\s+[^\s)]{1,30})?\s*\)",
    re.ASCII | re.IGNORECASE,
)
_COMMA = re.compile(r"([+-]?\d{1,3}),(\d{1,18})", re.ASCII)
_CELL_LIMIT = 400
_EMPTY = frozenset(["", "null", "none", "nan", "n/a", "-"])
_HOW = {"gps": "gps", "wifi": "wifi", "cell": "cell"}
_TRUE = frozenset(["true", "1", "yes", ""])


class _Columns(NamedTuple):
    """Which column of a table is what."""

    place: dict[str, int]
    width: int
    unknown: int

    @property
    def complete(self) -> bool:
        """Whether there is a time and a place."""
        p = self.place
        where = {"lat", "lon"} <= p.keys() or {"lat_e7", "lon_e7"} <= p.keys() or "wkt" in p
        return where and bool({"time", "time_utc", "date"} & p.keys())


def _columns(cells: Sequence[object], declared: Mapping[str, str] | None = None) -> _Columns | None:
    """Return which column is what; None if a declared one is not there, or the same heading stands twice.

    Parameters
    ----------
    cells : sequence
        The headings.
    declared : mapping, optional
        What ``[[source]] columns`` says: role to heading, or to number from 1.
    """
    names = [heading(cell) for cell in cells]
    place: dict[str, int] = {}
    for role, aliases in _ALIASES.items():
        found = [k for alias in aliases for k, name in enumerate(names) if name == alias]
        if found:
            if names.count(names[found[0]]) > 1:
                return None
            place[role] = found[0]
    for role, wanted in (declared or {}).items():
        if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
            at = int(wanted) - 1
        elif heading(wanted) in names:
            at = names.index(heading(wanted))
        else:
            return None
        for other in [r for r, k in place.items() if k == at or (r == "time_utc" and role == "time")]:
            del place[other]
        place[role] = at
    known = {name for aliases in _ALIASES.values() for name in aliases} | _BESIDE
    unknown = sum(name not in known and name != "" and k not in place.values() for k, name in enumerate(names))
    if "date" in place and "time" not in place and "time_utc" not in place and "date" not in (declared or {}):
        place["time"] = place.pop("date")
    if "time_utc" in place and "time" in place and "date" in place:
        del place["time_utc"]
    return _Columns(place, len(names), unknown)


def _degrees(text: str, letters: str, comma: bool) -> float:
    """Return degrees of a cell; ``letters`` are those of the halves of the globe, the positive one first.

    Raises
    ------
    CoordinateError
        The cell is no number of degrees.
    """
    if comma and (found := _COMMA.fullmatch(text)) is not None:
        text = f"{found[1]}.{found[2]}"
    elif comma and text[-1:].upper() in letters and (found := _COMMA.fullmatch(text[:-1].strip())) is not None:
        text = f"{found[1]}.{found[2]}{text[-1]}"
    value = number(text)
    if value is not None:
        return value
    match = _LETTERED.fullmatch(text)
    if match is None:
        raise CoordinateError("coordinates are missing or not readable")
    before, digits, behind = match.groups()
    letter = (before or behind or "").upper()
    if (before and behind) or not letter or letter not in letters or digits[0] in "+-":
        raise CoordinateError("coordinates are not readable")
    return -float(digits) if letter == letters[1] else float(digits)


class _Table:
    """The rows of one file."""

    def __init__(self, context: Context, out: Sink, columns: _Columns, order: str | None, comma: bool) -> None:
        self._out = out
        self._devices = Devices(context)
        self._columns = columns
        self._used = max(columns.place.values())
        self._order = order
        self._comma = comma
        self.track = Track(
            out, "gpx", ("accuracy_m", "device_tag", "source_how"), kind="fix", how="device", **subject_of(context),
        )  # fmt: skip

    def _cell(self, cells: Sequence[str], role: str) -> str:
        at = self._columns.place.get(role)
        text = cells[at] if at is not None and at < len(cells) else ""
        if len(text) > 4:
            if len(text) > _CELL_LIMIT:
                raise CoordinateError("a cell is longer than any value of its column")
            return text
        return "" if text.casefold() in _EMPTY else text

    def take(self, n: int, row: Row, cut: bool) -> None:
        """Give a row its end; ``cut`` says that the file may break off inside it."""
        if row.fault:
            self._out.reject(n, row.record, row.fault)
            return
        cells = [str(cell).strip() for cell in row.cells]
        if not any(cells):
            self._out.out_of_scope()
            return
        try:
            if len(cells) > self._columns.width and any(cells[self._columns.width :]):
                raise CoordinateError("the row has more cells than the headings")
            used = self._used
            if cut and (len(cells) < self._columns.width or used == len(cells) - 1):
                raise CoordinateError(UNENDED)
            if len(cells) <= used and not self._optional(len(cells)):
                raise CoordinateError("the row has fewer cells than the headings")
            if "valid" in self._columns.place and self._cell(cells, "valid").casefold() not in _TRUE:
                raise CoordinateError("the row says of itself that the position is not valid")
            time = self._time(cells)
            lat, lon = self._point(cells)
            device = self._cell(cells, "device")
            how = _HOW.get(self._cell(cells, "provider").casefold(), "unknown")
            metres = accuracy(self._decimal(self._cell(cells, "accuracy")))
        except CoordinateError as error:
            self._out.reject(n, row.record, str(error))
            return
        if device:
            self._devices.meet("device", device)
        self.track.keep(n, row.record, time, lat, lon, metres, device_tag(device) if device else None, how)

    def _optional(self, width: int) -> bool:
        """Return whether the columns behind some width are only such as may be absent."""
        return all(k < width or role in _OPTIONAL for role, k in self._columns.place.items())

    def _decimal(self, text: str) -> str:
        return text.replace(",", ".") if self._comma and text.count(",") == 1 else text

    def _time(self, cells: Sequence[str]) -> Reading:
        role = "time" if "time" in self._columns.place else "time_utc"
        text = self._cell(cells, role)
        if "date" in self._columns.place:
            day = self._cell(cells, "date")
            if not day or not text:
                raise CoordinateError("no time")
            text = f"{day} {text}"
        if not text:
            raise CoordinateError("no time")
        found = moment(self._decimal(text) if text[:10].isdecimal() else text)
        if found is None:
            made = marked_time(text, self._order)
            if isinstance(made, str):
                raise CoordinateError(made)
            found = Reading(made.local_us, made.offset_s if made.basis == "stated" else None if made.basis == "case" else 0,
                            made.basis == "utc", made.precision)  # fmt: skip
        if why := why_not(text, found):
            raise CoordinateError(why)
        found = plain(found)
        if role == "time_utc" and "time" not in self._columns.place:
            if found.offset_s:
                raise CoordinateError("the time names another zone than UTC in a column of UTC")
            return Reading(found.local_us, 0, True, found.precision)
        return found

    def _point(self, cells: Sequence[str]) -> tuple[float, float]:
        place = self._columns.place
        if "lat" in place and "lon" in place:
            lat, lon = self._cell(cells, "lat"), self._cell(cells, "lon")
            if not lat or not lon:
                raise CoordinateError("no coordinates")
            return in_range(_degrees(lat, "NS", self._comma), _degrees(lon, "EW", self._comma))
        if "lat_e7" in place and "lon_e7" in place:
            pair = e7_pair(self._cell(cells, "lat_e7") or None, self._cell(cells, "lon_e7") or None)
            if pair is None:
                raise CoordinateError("no coordinates")
            return pair
        found = _WKT.fullmatch(self._cell(cells, "wkt"))
        if found is None:
            raise CoordinateError("no point in the column of points")
        return in_range(float(found[2]), float(found[1]))


class LocationCsv:
    """The reader."""

    description = Description(
        id="location-csv",
        version=1,
        title="Table of positions (CSV of GPSLogger, Traccar and others)",
        channels=("gpx",),
        counts="CSV rows after the headings; blank lines count",
        knowledge="columns of GPSLogger and Traccar; importers and test files of Freika/dawarich",
        evidence="real sample",
        cannot_tell=(
            "whose device it was",
            "in which zone a time without one was written: that of the source or the case is taken",
            "what the accuracy means",
            "whether a last row without a line end is whole: it is rejected where its last value matters",
            "degrees with minutes and seconds, and coordinates of other systems than WGS 84",
        ),
        options=(
            SUBJECT,
            TIMEZONE,
            Option("date_order", "order of day and month in dates such as 03/04/2025", "the whole file leaves it open"),
            Option("encoding", "encoding of the text", "it is no UTF-8 and does not say"),
            Option("delimiter", "what stands between the columns", "it cannot be told from the rows"),
            Option("columns", f"which column is what ({', '.join(_ROLES)}): a heading, or a number from 1"),
        ),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its headings, if all of them are such as tables of positions have."""
        found = _columns(first_row(head))
        if found is None or not found.complete or found.unknown:
            return None
        if "wkt" in found.place and "lat" not in found.place and "lat_e7" not in found.place:
            return Claim(55, "headings of a time and of a point") if b"POINT" in head.data.upper() else None
        return Claim(58, "headings of a time, a latitude and a longitude, and none that is not known")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            Encoding, delimiter, columns or the order of dates cannot be told.
        Unreadable
            The file has no rows.
        """
        codec, delimiter = self._text(source, context)
        columns = self._head(source, context, codec, delimiter)
        order = self._order(source, context, codec, delimiter, columns)
        table = _Table(context, out, columns, order, delimiter != ",")
        n = 0
        with source.open() as stream:
            tail = Tail(stream)
            rows = self._rows(tail, codec, delimiter)
            next(rows, None)
            held = next(rows, None)
            while held is not None:
                row, held = held, next(rows, None)
                n += 1
                table.take(n, row, held is None and not tail.ended)
        out.read(n)
        table.track.finish(*told(context))

    @staticmethod
    def _rows(stream: Tail | BinaryIO, codec: str, delimiter: str) -> Iterator[Row]:
        """Yield the rows from that of the headings on."""
        begun = False
        for row in TextRows(stream, codec, delimiter, lines=20):  # type: ignore[arg-type]
            begun = begun or any(str(cell).strip() for cell in row.cells) or bool(row.fault)
            if begun:
                yield row

    @staticmethod
    def _text(source: SourceFile, context: Context) -> tuple[str, str]:
        declared = context.options.get("delimiter")
        delimiter = {"tab": "\t", "\\t": "\t"}.get(declared, declared) if declared else None
        codec, found = open_text(source, context.options.get("encoding"), delimiter)
        if not codec:
            raise Waiting("the text is no UTF-8 and does not say its encoding", 'encoding = "windows-1251"')
        if found is None:
            raise Waiting("it cannot be told which character stands between the columns", 'delimiter = ";"')
        return codec, found

    def _head(self, source: SourceFile, context: Context, codec: str, delimiter: str) -> _Columns:
        declared = {k.removeprefix("columns."): v for k, v in context.options.items() if k.startswith("columns.")}
        if wrong := set(declared) - set(_ALIASES):
            raise Unreadable(f"columns names what such a table has not ({len(wrong)}); known are {', '.join(_ROLES)}")
        with source.open() as stream:
            first = next(self._rows(stream, codec, delimiter), None)
        if first is None:
            raise Unreadable("the file has no rows")
        found = _columns(first.cells, declared)
        if found is None or not found.complete:
            raise Waiting(
                "its headings do not say which columns hold the time, the latitude and the longitude",
                'columns = { time = "…", lat = "…", lon = "…" }',
            )
        return found

    def _order(self, source: SourceFile, context: Context, codec: str, delimiter: str, columns: _Columns) -> str | None:
        """Return the order of day and month, where dates are written in one that must be known.

        Raises
        ------
        Waiting
            No date of the file shows it, and nobody has said.
        """
        declared = context.options.get("date_order")
        if declared in ("dmy", "mdy"):
            return declared
        at = columns.place.get("date", columns.place.get("time", columns.place.get("time_utc", 0)))
        clock = columns.place.get("time", at)
        shown: set[str] = set()
        asked = False
        with source.open() as stream:
            rows = self._rows(stream, codec, delimiter)
            next(rows, None)
            for row in rows:
                if len(row.cells) <= max(at, clock):
                    continue
                text = str(row.cells[at]).strip()
                if text[:4].isdecimal() or not text or len(text) > 60:
                    continue
                found = order_shown(text)
                if found is not None:
                    shown.add(found)
                else:
                    full = text if at == clock else f"{text} {str(row.cells[clock]).strip()}"
                    made = marked_time(full, None)
                    asked = asked or (isinstance(made, str) and "date_order" in made)
                if len(shown) > 1:
                    break
        if len(shown) == 1:
            return next(iter(shown))
        if asked or shown:
            reason = "dates of the file are written in both orders of day and month" if shown else (
                "no date of the file shows whether the day or the month stands first"
            )  # fmt: skip
            raise Waiting(reason, 'date_order = "dmy"')
        return None

    def mask(self, source: SourceFile, plain_text: str) -> str:
        """Return a row with its columns named, and only times, coordinates and numbers shown."""
        codec, delimiter = open_text(source)
        delimiter = delimiter or ","
        with source.open() as stream:
            first = next(self._rows(stream, codec or "utf-8", delimiter), None)
        names = [str(cell) for cell in first.cells] if first is not None else []
        found = _columns(names)
        raw = io.BytesIO(plain_text.encode("utf-8", "replace"))
        row = next(iter(TextRows(raw, "utf-8", delimiter)), None)
        shown = {heading(names[k]) for role, k in found.place.items() if role in _SHOWN_ROLES} if found else set[str]()
        return masked_row(row.cells if row is not None else (), names, lambda name: name in shown)


READER = LocationCsv()
