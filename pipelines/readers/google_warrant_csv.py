"""Location history as Google hands it to an authority: ``Timestamp (UTC),Latitude,Longitude,Country Codes,Display Radius (Meters),…``.

Whose account it is stands in the letter, not in the file: it may be that of the other side, so that ``subject`` must be given.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from pipelines.readers._locations import (
    ACCOUNT_NOTE,
    CoordinateError,
    Reading,
    accuracy,
    device_tag,
    in_range,
    number,
    technique,
)
from pipelines.readers._sheets import Row, TextRows, encoding_of, heading, masked_row, open_text
from pipelines.readers._tracks import Track, moment, subject_of, why_not
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Unreadable, Waiting

_TIME, _LAT, _LON = "timestamp (utc)", "latitude", "longitude"
_RADIUS, _SOURCE, _DEVICE, _PLATFORM = "display radius (meters)", "source", "device tag", "platform"
_SHOWN = frozenset([_TIME, _LAT, _LON, _RADIUS, _SOURCE, _DEVICE, _PLATFORM])
#: lines before the headings that a return may begin with [P]
_PREAMBLE = 5
_PLATFORMS = {"android": "android", "ios": "ios", "web": "web"}


def _header(cells: Sequence[object]) -> dict[str, int] | None:
    """Return which column is where, None if a row is not that of the headings."""
    names = [heading(cell) for cell in cells]
    if not {_TIME, _LAT, _LON, _RADIUS} <= set(names) or len(set(names)) != len(names):
        return None
    return {name: k for k, name in enumerate(names)}


def _time(value: str) -> Reading:
    """Read a time of the column that is UTC by its name.

    Raises
    ------
    CoordinateError
        There is none that can be used.
    """
    found = moment(value)
    if found is not None and found.offset_s:
        raise CoordinateError("the time names another zone than UTC in a column of UTC")
    if found is not None and found.precision == "day":
        raise CoordinateError("a date without a time of the day")
    why = why_not(value, found)
    if why is not None or found is None:
        raise CoordinateError(why or "no time")
    return Reading(found.local_us, 0, True, found.precision)


class GoogleWarrantCsv:
    """The reader."""

    description = Description(
        id="google-warrant-csv",
        version=1,
        title="Google location history handed to an authority (CSV with a display radius)",
        channels=("google",),
        counts="CSV rows after the headings; blank lines count",
        knowledge="public code that reads or writes the same columns; no file and no description by Google was seen",
        evidence="public code",
        cannot_tell=(
            "whose account it is",
            "whether the device of the account was where its owner was",
            "what the display radius means: it is kept as a radius of unknown confidence",
            "what the return left out",
        ),
        options=(
            Option("subject", "whose account it is: owner or the id of a contact", "always: the file does not say"),
        ),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its headings, in one of the first rows."""
        codec = encoding_of(head.data)
        if not codec:
            return None
        for k, row in enumerate(TextRows(io.BytesIO(head.data[:16_384]), codec, ",", lines=3)):
            if _header(row.cells) is not None:
                return Claim(95, "headings Timestamp (UTC), Latitude, Longitude, Display Radius (Meters)")
            if k >= _PREAMBLE:
                break
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`."""
        codec, _ = open_text(source, context.options.get("encoding"), ",")
        columns = ("source_how", "accuracy_m", "accuracy_kind", "device_tag", "tags")
        track = Track(out, "google", columns, kind="fix", how="operator", **subject_of(context))
        n, place, waits = 0, None, "subject" not in context.options
        with source.open() as stream:
            for row in TextRows(stream, codec or "utf-8", ",", lines=20):
                if place is None:
                    place = _header(row.cells)
                    if place is None and row.number > _PREAMBLE:
                        break
                    continue
                if waits:
                    raise Waiting(
                        "the file does not say whose account it is: it may be that of another person",
                        'subject = "owner"          # or the id of the contact whose account it is',
                    )
                n += 1
                self._row(n, row, place, track, out)
        if place is None:
            raise Unreadable("the headings are missing")
        out.read(n)
        track.finish(ACCOUNT_NOTE)

    @staticmethod
    def _row(n: int, row: Row, place: dict[str, int], track: Track, out: Sink) -> None:
        if row.fault:
            out.reject(n, row.record, row.fault)
            return
        cells = [str(cell).strip() for cell in row.cells]
        if not any(cells):
            out.out_of_scope()
            return
        try:
            if len(cells) != len(place):
                raise CoordinateError(
                    f"the row has {'more' if len(cells) > len(place) else 'fewer'} cells than the headings"
                )
            time = _time(cells[place[_TIME]])
            lat, lon = number(cells[place[_LAT]]), number(cells[place[_LON]])
            if lat is None or lon is None:
                raise CoordinateError("coordinates are missing or not readable")
            in_range(lat, lon)
        except CoordinateError as error:
            out.reject(n, row.record, str(error))
            return

        def of(name: str) -> str:
            return cells[place[name]] if name in place else ""

        metres = accuracy(of(_RADIUS))
        track.keep(
            n, row.record, time, lat, lon, technique(of(_SOURCE)), metres, "radius" if metres is not None else "unknown",
            device_tag(of(_DEVICE)), _PLATFORMS.get(of(_PLATFORM).casefold()),
        )  # fmt: skip

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a row with its columns named."""
        return masked_row(next(self._cells(plain), ()), self._names(source), lambda name: name in _SHOWN)

    @staticmethod
    def _cells(text: str) -> Iterator[Sequence[object]]:
        for row in TextRows(io.BytesIO(text.encode("utf-8", "replace")), "utf-8", ","):
            yield row.cells

    @staticmethod
    def _names(source: SourceFile) -> list[str]:
        codec, _ = open_text(source, None, ",")
        with source.open() as stream:
            for row in TextRows(stream, codec or "utf-8", ",", lines=20):
                if _header(row.cells) is not None:
                    return [str(cell) for cell in row.cells]
                if row.number > _PREAMBLE:
                    break
        return []


READER = GoogleWarrantCsv()
