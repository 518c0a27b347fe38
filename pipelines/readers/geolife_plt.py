"""Geolife ``.plt``: six lines of heading, then ``latitude,longitude,0,altitude in feet,days since 1899-12-30,date,time`` in GMT."""

from __future__ import annotations

from pipelines.masking import harmless, hidden
from pipelines.readers._clock import iso_reading
from pipelines.readers._locations import CoordinateError, Reading, in_range, number
from pipelines.readers._sheets import encoding_of, first_bytes, lines_of
from pipelines.readers._tracks import SUBJECT, Track, subject_of, told
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable, implausible_time

_HEAD_LINES = 6
_COLUMNS = ("latitude", "longitude", "always 0", "altitude in feet", "days since 1899-12-30", "date", "time")
#: longest line of a fix [P]
_LINE_LIMIT = 400


def _fix(line: str) -> tuple[Reading, float, float]:
    """Return time, latitude and longitude of a line.

    Raises
    ------
    CoordinateError
        It cannot be used.
    """
    cells = line.split(",") if len(line) <= _LINE_LIMIT else []
    if len(cells) != len(_COLUMNS):
        raise CoordinateError("the line has not the seven values of a fix")
    clock = iso_reading(f"{cells[5].strip()} {cells[6].strip()}Z")
    if clock is None or clock.precision in ("day", "h", "min"):  # seconds are always written: a cut line has none
        raise CoordinateError("time is not readable" if cells[5].strip() else "no time")
    if why := implausible_time(clock.local_us):
        raise CoordinateError(why)
    lat, lon = number(cells[0].strip()), number(cells[1].strip())
    if lat is None or lon is None:
        raise CoordinateError("coordinates are missing or not readable")
    return Reading(clock.local_us, 0, True, clock.precision), *in_range(lat, lon)


class GeolifePlt:
    """The reader."""

    description = Description(
        id="geolife-plt",
        version=1,
        title="Geolife trajectory (.plt)",
        channels=("gpx",),
        counts="lines behind the six lines of the heading; blank lines are none",
        knowledge="user guide of the GeoLife GPS Trajectories (Microsoft Research); test files of mie-lab/trackintel",
        evidence="real sample",
        cannot_tell=("whose track it is", "the error of a fix", "where the receiver was while no line was written"),
        options=(SUBJECT,),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its first two lines."""
        lines = head.data[:200].removeprefix(b"\xef\xbb\xbf").splitlines()
        known = len(lines) > 1 and lines[0].strip() == b"Geolife trajectory" and lines[1].strip() == b"WGS 84"
        return Claim(95, "heading of a Geolife trajectory in WGS 84") if known else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the lines; see :class:`pipelines.readers.base.Reader`."""
        codec = encoding_of(first_bytes(source)) or "utf-8"
        track = Track(out, "gpx", (), kind="fix", source_how="gps", how="device", **subject_of(context))
        n = place = 0
        with source.open() as stream:
            for place, line in enumerate(lines_of(stream, codec), 1):
                if place == 1 and line.strip().lstrip("\ufeff") != "Geolife trajectory":
                    raise Unreadable("the file does not begin with the heading of a Geolife trajectory", "line:1")
                if place <= _HEAD_LINES or not line.strip():
                    continue
                n += 1
                try:
                    track.keep(n, f"line:{place}", *_fix(line.rstrip("\r\n")))
                except CoordinateError as error:
                    out.reject(n, f"line:{place}", str(error))
        if not place:
            raise Unreadable("the file is empty")
        out.read(n)
        track.finish(*told(context))

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a line, which holds nothing but numbers, if it is one."""
        try:
            _fix(plain.rstrip("\r\n"))
        except CoordinateError:
            return hidden(len(plain))
        cells = plain.rstrip("\r\n").split(",")
        return harmless("\n".join(f"{name}: {cell.strip()}" for name, cell in zip(_COLUMNS, cells, strict=True)))


READER = GeolifePlt()
