"""KML 2.2 and 2.3: placemarks with a time, and tracks (``gx:Track``), of Google Earth, Google Maps and logging apps.

Coordinates stand as ``longitude,latitude[,altitude]``. A placemark's own ``TimeStamp`` or ``TimeSpan`` says when; a track pairs
its ``when`` and ``coord`` by their order. A ``.kmz`` is a zip of such a file. The vertices of a line have no time of their own.
"""

from __future__ import annotations

import io
import re
from array import array
from typing import Any, cast

from lxml import etree

from pipelines.masking import Allowed
from pipelines.readers._locations import CoordinateError, Reading, in_range, number
from pipelines.readers._tracks import SUBJECT, TIMEZONE, Track, moment, plain, subject_of, told, why_not
from pipelines.readers._xml_text import XmlText, prolog, rooted
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

#: characters of a point's coordinates or of a time that are held; no honest one is longer [P]
_TEXT_LIMIT = 200
#: points of one placemark that are kept apart [P]
MAX_POINTS = 10_000
_GEOMETRIES = frozenset(["MultiGeometry", "MultiTrack"])
_TIMES = frozenset(
    [("Placemark", "TimeStamp", "when"), ("Placemark", "TimeSpan", "begin"), ("Placemark", "TimeSpan", "end")]
)
_DRAWN = frozenset(["Polygon", "Model"])
_PIECE = re.compile(r"\s*([^\s,]+)\s*,\s*([^\s,]+)(?:\s*,\s*[^\s,]+)?\s*")
_BEGUN = re.compile(rb"<(?:[^\s<>/:\"'=]{1,100}:)?(?:Placemark|coord)(?=[\s/>]|\Z)")
_PRECISIONS = ("day", "h", "min", "s", "ms", "us")
#: how an offset that is not there, and UTC, are held in the arrays of a track
_NAIVE, _UTC = 1 << 20, 1 << 21

_LINES = (
    "placemarks with a line beside their points: the vertices of a line have no time of their own, and are not read"
)
_SEVERAL = "placemarks with several points under one time"
_DRAWINGS = "placemarks without a point (areas, models, addresses, links)"
_SPANS_OPEN = "spans without an end, read as a moment (tag open_end)"
_STRAY = "points of tracks outside placemarks, where KML does not place them, not read"
_SPARE = "times of tracks to which no point belongs"
_TOO_MANY = f"placemarks of which more than {MAX_POINTS} points were not read"

_MISMATCH = "the track has another number of times than of points: which belong together is not known"
_CUT = "the file ends or breaks inside this record"


def _moment(text: str | None) -> Reading | None:
    """Read a time of KML; a year or a month alone is none, and numbers since 1970 are not written there."""
    return moment(text) if text is not None and "-" in text else None


def _pair(text: str) -> tuple[float, float]:
    """Return latitude and longitude of ``lon,lat[,alt]``.

    Raises
    ------
    CoordinateError
        It is none, or not on the globe.
    """
    if not text.strip():
        raise CoordinateError("no coordinates")
    found = _PIECE.fullmatch(text) if len(text) <= _TEXT_LIMIT else None
    east, north = (number(found[1]), number(found[2])) if found else (None, None)
    if east is None or north is None:
        raise CoordinateError("coordinates are not readable")
    return in_range(north, east)


def _coord(text: str) -> tuple[float, float] | str:
    """Return latitude and longitude of ``lon lat [alt]``, or why there is none."""
    pieces = text.split() if len(text) <= _TEXT_LIMIT else []
    if not pieces:
        return "no coordinates" if len(text) <= _TEXT_LIMIT else "coordinates are not readable"
    if len(pieces) == 1:
        pieces = pieces[0].split(",")
    east, north = (number(pieces[0]), number(pieces[1])) if 2 <= len(pieces) <= 3 else (None, None)
    if east is None or north is None:
        return "coordinates are not readable"
    try:
        return in_range(north, east)
    except CoordinateError as error:
        return str(error)


class _Pairs:
    """Times and points of one track, as plain arrays until the end of the track tells whether they belong together."""

    def __init__(self) -> None:
        self.local = array("q")
        self.offset = array("i")
        self.precision = bytearray()
        self.why: dict[int, str] = {}  # of times that cannot be used
        self.lat, self.lon = array("d"), array("d")
        self.wrong: dict[int, str] = {}  # of points that cannot be used

    def when(self, text: str) -> None:
        """Take a time."""
        found = _moment(text)
        why = why_not(text, found)
        if why is not None or found is None:
            self.why[len(self.local)] = why or "no time"
            found = Reading(0, None, False, "s")
        found = plain(found)
        self.local.append(found.local_us)
        self.offset.append(_UTC if found.utc else _NAIVE if found.offset_s is None else found.offset_s)
        self.precision.append(_PRECISIONS.index(found.precision))

    def coord(self, text: str) -> None:
        """Take a point."""
        found = _coord(text)
        if isinstance(found, str):
            self.wrong[len(self.lat)] = found
            found = (0.0, 0.0)
        self.lat.append(found[0])
        self.lon.append(found[1])

    def time(self, k: int) -> Reading:
        """Return the time of a point."""
        offset = self.offset[k]
        utc = offset == _UTC
        return Reading(
            self.local[k], 0 if utc else None if offset == _NAIVE else offset, utc, _PRECISIONS[self.precision[k]]
        )


class _Placemark:
    """What of a placemark is needed at its end."""

    def __init__(self, record: str) -> None:
        self.record = record
        self.points: list[str] = []
        self.lines = self.drawn = self.tracks = self.left = 0
        self.when: str | None = None
        self.begin: str | None = None
        self.end: str | None = None


class _Kml:
    """Target of the parser: follows the elements and keeps no text but that of times and points."""

    def __init__(self, out: Sink, context: Context) -> None:
        self._out = out
        self.track = Track(
            out, "gpx", ("kind", "source_how", "tags"), how="device", **subject_of(context),
        )  # fmt: skip
        self._names: list[str] = []
        self._places: list[int] = []  # number of each open element among its siblings of the same name
        self._seen: list[dict[str, int] | None] = []  # children of each open element by name; None before the first
        self._mark: _Placemark | None = None
        self._pairs: _Pairs | None = None
        self._track_path = ""
        self._depth = self._inner = 0  # open elements at the begin of the placemark, of the track
        self._first = 0  # number of the first point of the track
        self._text: list[str] | None = None
        self._length = 0
        self.begun = False
        self.n = 0

    # -- called by the parser

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        names = self._names
        place = 1
        if names:
            counts = self._seen[-1]
            if counts is None:
                self._seen[-1] = {name: 1}
            else:
                place = counts[name] = counts.get(name, 0) + 1
            above = names[-1]
        else:
            self.begun = True
            above = ""
        names.append(name)
        self._places.append(place)
        self._seen.append(None)
        self._text = None
        mark = self._mark
        if mark is None:
            if name == "Placemark":
                self._mark, self._depth = _Placemark(self._path()), len(names)
            elif name == "coord" and above == "Track":
                self.track.counts[_STRAY] += 1
            return
        if self._pairs is not None:
            if above == "Track" and name in ("when", "coord"):
                self._collect()
        elif above == "Placemark" or above in _GEOMETRIES:
            self._geometry(mark, name)
        elif name == "coordinates":
            if above == "Point" and self._holds(-3):
                self._collect()
        elif tuple(self._names[-3:]) in _TIMES:
            self._collect()

    def _holds(self, at: int) -> bool:
        """Return whether an open element holds geometry of the placemark, and not that of a view or of other data."""
        name = self._names[at] if len(self._names) >= -at else ""
        return name == "Placemark" or name in _GEOMETRIES

    def _path(self) -> str:
        """Return the locator of the innermost open element."""
        steps = zip(self._names[1:], self._places[1:], strict=True)
        return f"xml:/{self._names[0]}" + "".join(f"/{name}[{place}]" for name, place in steps)

    def _geometry(self, mark: _Placemark, name: str) -> None:
        if name == "Track":
            mark.tracks += 1
            self._pairs, self._track_path, self._first = _Pairs(), self._path(), self.n
            self._inner = len(self._names)
        elif name in ("LineString", "LinearRing"):
            mark.lines += 1
        elif name in _DRAWN:
            mark.drawn += 1
        elif name == "Point":
            if len(mark.points) < MAX_POINTS:
                mark.points.append("")
            else:
                mark.left += 1

    def _collect(self) -> None:
        self._text, self._length = [], 0

    def data(self, text: str) -> None:
        if self._text is not None:
            self._length += len(text)
            if self._length <= 4 * _TEXT_LIMIT:
                self._text.append(text)

    def end(self, tag: str) -> None:
        depth = len(self._names)
        name = self._names.pop()
        self._places.pop()
        self._seen.pop()
        text = None
        if self._text is not None:
            text = "".join(self._text) if self._length <= 4 * _TEXT_LIMIT else "?" * (_TEXT_LIMIT + 1)
            self._text = None
        mark = self._mark
        if mark is None:
            return
        if self._pairs is not None:
            if depth == self._inner:
                self._track(self._pairs, False)
                self._pairs = None
            elif text is not None and name == "when":
                self._pairs.when(text)
            elif text is not None and name == "coord":
                self.n += 1
                self._pairs.coord(text)
        elif text is not None:
            if name == "coordinates":
                if mark.points and not mark.left:
                    mark.points[-1] = text
            elif name == "when":
                mark.when = text if mark.when is None else mark.when
            elif name == "begin":
                mark.begin = text if mark.begin is None else mark.begin
            elif name == "end":
                mark.end = text if mark.end is None else mark.end
        elif depth == self._depth:
            self._finish(mark)
            self._mark = None

    def close(self) -> None:
        self.track.flush()

    # -- what becomes of it

    def _track(self, pairs: _Pairs, broken: bool) -> None:
        """Give every point of a track its end."""
        times, points = len(pairs.local), len(pairs.lat)
        sure = min(times, points) if broken or times == points else 0
        if times > points and not broken:
            self.track.counts[_SPARE] += times - points
        for k in range(points):
            n, record = self._first + k + 1, f"{self._track_path}/coord[{k + 1}]"
            why = pairs.wrong.get(k) or (pairs.why.get(k) if k < sure else "")
            if k >= sure:
                self.track.reject(n, record, _CUT if broken else _MISMATCH if times else "no time")
            elif why:
                self.track.reject(n, record, why)
            else:
                self.track.keep(n, record, pairs.time(k), pairs.lat[k], pairs.lon[k], "fix", "gps", None)

    def _finish(self, mark: _Placemark) -> None:
        """Give a placemark its end; one that only holds tracks is no record of its own."""
        if mark.tracks and not mark.points and not mark.lines:
            return
        self.n += 1
        n, record = self.n, mark.record
        if not mark.points and not mark.lines:
            self.track.counts[_DRAWINGS] += 1
            self._out.out_of_scope()
            return
        try:
            time, end = self._time(mark)
            if not mark.points:
                raise CoordinateError("a line under one time: its vertices have no time of their own")
            rows, problem = [], ""
            for text in mark.points:
                try:
                    rows.append(_pair(text))
                except CoordinateError as error:
                    problem = problem or str(error)
            if not rows:
                raise CoordinateError(problem)
        except CoordinateError as error:
            self.track.reject(n, record, str(error))
            return
        tags = "open_end" if mark.begin is not None and end is None else None
        self.track.counts[_SPANS_OPEN] += tags is not None
        kind, how = ("visit", "visit") if end is not None else ("fix", "unknown")
        for sub, (lat, lon) in enumerate(rows, 1):
            self.track.keep(n, record, time, lat, lon, kind, how, tags, sub=sub, end=end)
        self.track.counts[_LINES] += bool(mark.lines)
        self.track.counts[_SEVERAL] += len(rows) > 1
        self.track.counts["points of kept placemarks that could not be used"] += len(mark.points) - len(rows)
        self.track.counts[_TOO_MANY] += bool(mark.left)

    @staticmethod
    def _time(mark: _Placemark) -> tuple[Reading, Reading | None]:
        """Return begin and end of a placemark.

        Raises
        ------
        CoordinateError
            It has no time that can be used.
        """
        span = mark.when is None or not mark.when.strip()
        value = mark.begin if span else mark.when
        if span and not (value or "").strip():
            raise CoordinateError("no begin: the span only says until when" if (mark.end or "").strip() else "no time")
        time = _moment(value)
        why = why_not(value, time)
        if why is not None or time is None:
            raise CoordinateError(why or "no time")
        time = plain(time)
        if not span or not (mark.end or "").strip():
            return time, None
        end = _moment(mark.end)
        why = why_not(mark.end, end)
        if why is not None or end is None:
            raise CoordinateError(f"end: {why}")
        end = plain(end)
        if (end.offset_s is None) != (time.offset_s is None):
            raise CoordinateError("only one of begin and end names a zone")
        if end.instant_us < time.instant_us:
            raise CoordinateError("end lies before the begin")
        if time.utc:
            end = Reading(end.instant_us, 0, True, end.precision)
        elif end.utc:
            end = end.at_offset(0)
        return time, end

    def broken(self, line: int, starts: int) -> None:
        """Account for a file that stops being XML: what was begun is rejected, what lies behind is counted."""
        if self._pairs is not None:
            half = self._text is not None and bool(self._names) and self._names[-1] == "coord"
            self._track(self._pairs, True)
            if half:
                self.n += 1
                self._out.reject(self.n, f"{self._track_path}/coord[{len(self._pairs.lat) + 1}]", _CUT)
        elif self._mark is not None:
            self.n += 1
            self._out.reject(self.n, self._mark.record, _CUT)
        self.track.flush()
        left = max(0, starts - self.n)
        behind = f"; placemarks and points of tracks in it that were not read: at most {left}" if left else ""
        self._out.note(f"the file is cut off or broken at line {line}{behind}")


def _starts(source: SourceFile) -> int:
    """Count the placemarks and points of tracks that begin in the file (asked of broken files only)."""
    total, held = 0, b""
    with source.open() as stream:
        for block in XmlText(stream).blocks():
            text = held + block
            cut = text.rfind(b"<")
            cut = cut if cut >= 0 and len(text) - cut < 512 else len(text)
            total += len(_BEGUN.findall(text, 0, cut))
            held = text[cut:]
    return total + len(_BEGUN.findall(held))


class Kml:
    """The reader."""

    description = Description(
        id="kml",
        version=1,
        title="KML: placemarks with a time, and tracks",
        channels=("gpx",),
        counts="placemarks, except those that only hold tracks, and the coord elements of tracks; in the order in which "
        "they end",
        knowledge="KML 2.2 and 2.3 (OGC), its extension gx (Google); importers and test files of Freika/dawarich; "
        "gpsbabel issue 482 (time behind the geometry)",
        evidence="real sample",
        cannot_tell=(
            "whose track it is",
            "the error of a point",
            "whether a placemark was recorded or set by hand on a map",
            "when each vertex of a line was passed: only begin and end of the whole may be given",
            "times that only stand in a description",
        ),
        options=(SUBJECT, TIMEZONE),
    )
    allowed = Allowed(
        keys=frozenset(["when", "begin", "end", "coordinates", "coord", "angles", "altitudeMode"]),
        values=re.compile(r"[\d.,:TZtz+\-\s]{0,200}|absolute|clampToGround|relativeToGround|clampToSeaFloor", re.ASCII),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim files whose root element is ``kml``, whatever their name."""
        try:
            text = b"".join(XmlText(io.BytesIO(head.data)).blocks())
        except Unreadable:
            text = head.data
        found = prolog(text)
        if found.declares:
            # refused by read(), but it must be this reader that says so
            return Claim(60, "KML with declarations in its DOCTYPE") if b"<kml" in text else None
        return Claim(95, "root element kml") if found.root == "kml" else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the placemarks and tracks; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            No KML root element, a DOCTYPE with declarations of its own, or an unknown encoding.
        """
        target = _Kml(out, context)
        # No huge_tree: the limits on depth, names, attributes and amplification are wanted.
        parser = etree.XMLParser(
            target=cast(Any, target), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
        )
        line = 0
        with source.open() as stream:
            text = XmlText(stream)
            try:
                for block in rooted(text, "kml"):
                    parser.feed(block)
                parser.close()
            except etree.XMLSyntaxError as error:
                line = error.lineno or 1
        if not target.begun:
            raise Unreadable("the file is no XML that can be read: it breaks before its first element")
        if line:
            target.broken(line, _starts(source))
        out.read(target.n)
        if text.repaired:
            out.note(f"characters and references that XML does not allow, passed over: {text.repaired}")
        target.track.finish(*told(context))


READER = Kml()
