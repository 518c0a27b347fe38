"""GeoJSON: a FeatureCollection of points with a time among their properties, and the batches of Overland.

``{"type": "FeatureCollection", "features": [{"geometry": {"type": "Point", "coordinates": [lon, lat, alt?]}, "properties": {…}}]}``,
as GPSLogger, Overland (``{"locations": […]}``), Dawarich and converters of tracks write it. The name of the time differs from
app to app; a line has times only where ``coordTimes`` gives one for every vertex.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._locations import (
    CoordinateError,
    Reading,
    accuracy,
    device_tag,
    find_part,
    in_range,
    number,
    outline,
    parts,
)
from pipelines.readers._tracks import (
    SUBJECT,
    TIMEZONE,
    Devices,
    Track,
    first_value,
    moment,
    plain,
    subject_of,
    told,
    why_not,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span

#: names of the time, the surest first: those of fixes before general ones, and one that can state an offset before a number
TIMES = (
    "timestamp", "tst", "time", "recorded_at", "recordedAt", "fixTime", "timestampMs", "time_long", "datetime", "dateTime",
    "when", "date", "created_at",
)  # fmt: skip
ACCURACIES = ("horizontal_accuracy", "horizontalAccuracy", "accuracy", "acc", "precision")
DEVICES = ("device_id", "deviceId", "unique_id", "tracker_id", "tid", "device", "topic")
_HOW = {"gps": "gps", "network": "unknown", "wifi": "wifi", "cell": "cell"}
_LINES = frozenset(["LineString", "MultiLineString"])
_AREAS = frozenset(["Polygon", "MultiPolygon"])

_EMPTY = "features without a place (events of the app)"
_DRAWN = "features that are areas or collections, not read"
_HALF = "vertices of kept lines that could not be used"
_VISITS = "visits that the app inferred"


class Feature(msgspec.Struct, gc=False):
    """An element of ``features`` or ``locations``; names and notes among the properties are never put out."""

    geometry: Any = None
    properties: Any = None


def _pair(value: object) -> tuple[float, float]:
    """Return latitude and longitude of ``[lon, lat, …]``.

    Raises
    ------
    CoordinateError
        It is none, or not on the globe.
    """
    if not isinstance(value, list) or len(value) < 2:
        raise CoordinateError("coordinates are missing or not readable")
    east, north = number(value[0]), number(value[1])
    if east is None or north is None:
        raise CoordinateError("coordinates are missing or not readable")
    return in_range(north, east)


def _time(value: object, what: str = "") -> Reading:
    """Read a time.

    Raises
    ------
    CoordinateError
        There is none that can be used.
    """
    found = moment(value)
    why = why_not(value, found)
    if why is not None or found is None:
        raise CoordinateError(f"{what}{why or 'no time'}")
    return plain(found)


def _stated(properties: dict[str, Any], point: object) -> object:
    """Return what a feature gives as its time: a property, or a fourth number of its coordinates."""
    value = first_value(properties, TIMES)
    if value is None and isinstance(point, list) and len(point) == 4:
        value = point[3]
    return value


def _vertices(geometry: dict[str, Any]) -> list[Any]:
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        raise CoordinateError("coordinates are missing or not readable")
    if geometry.get("type") != "MultiLineString":
        return coordinates
    return [vertex for line in coordinates if isinstance(line, list) for vertex in line]


def _vertex_times(properties: dict[str, Any], multi: bool) -> list[Any] | None:
    """Return the times of the vertices of a line, None without any."""
    more = properties.get("coordinateProperties")
    times = properties.get("coordTimes")
    if times is None and isinstance(more, dict):
        times = more.get("times")
    if not isinstance(times, list):
        return None
    if multi and any(isinstance(part, list) for part in times):
        return [time for part in times if isinstance(part, list) for time in part]
    return times


class _Features:
    """Gives every feature its end."""

    def __init__(self, out: Sink, context: Context) -> None:
        self._out = out
        self._devices = Devices(context)
        self.track = Track(
            out, "gpx", ("kind", "source_how", "accuracy_m", "device_tag"), how="device", **subject_of(context),
        )  # fmt: skip

    def take(self, n: int, record: str, feature: Feature) -> None:
        """Keep it, reject it, or count it out of scope."""
        geometry, properties = feature.geometry, feature.properties
        if geometry is None:
            self.track.counts[_EMPTY] += 1
            self._out.out_of_scope()
            return
        try:
            if not isinstance(geometry, dict) or not isinstance(properties, dict | None):
                raise CoordinateError("not shaped like a feature")
            kind = geometry.get("type")
            if not isinstance(kind, str):
                raise CoordinateError("not shaped like a feature")
            if kind in _AREAS or kind == "GeometryCollection":
                self.track.counts[_DRAWN] += 1
                self._out.out_of_scope()
                return
            properties = properties or {}
            rows = list(self._rows(kind, geometry, properties))
            device = self._device(properties)
        except CoordinateError as error:
            self._out.reject(n, record, str(error))
            return
        metres = accuracy(first_value(properties, ACCURACIES))
        provider = properties.get("provider")
        how = _HOW.get(provider.lower(), "unknown") if isinstance(provider, str) and len(provider) < 16 else "unknown"
        for sub, (time, end, lat, lon) in enumerate(rows, 1):
            kind = "fix" if end is None else "visit"
            self.track.keep(
                n, record, time, lat, lon, kind, how if end is None else "visit", metres, device, sub=sub, end=end
            )
            self.track.counts[_VISITS] += end is not None

    def _device(self, properties: dict[str, Any]) -> str | None:
        tag = None
        for key in DEVICES:
            value = properties.get(key)
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                self._devices.meet(key, value)
                tag = tag or device_tag(value)
        return tag

    def _rows(
        self, kind: str, geometry: dict[str, Any], properties: dict[str, Any]
    ) -> Iterator[tuple[Reading, Reading | None, float, float]]:
        """Yield time, end, latitude and longitude of every point of a feature.

        Raises
        ------
        CoordinateError
            Nothing of it can be used.
        """
        coordinates = geometry.get("coordinates")
        if kind == "Point":
            lat, lon = _pair(coordinates)
            if properties.get("action") == "visit" and "arrival_date" in properties:
                yield *self._visit(properties), lat, lon
            else:
                yield _time(_stated(properties, coordinates)), None, lat, lon
        elif kind == "MultiPoint":
            time = _time(first_value(properties, TIMES))
            for point in _vertices(geometry):
                yield time, None, *_pair(point)
        elif kind in _LINES:
            yield from self._line(geometry, properties)
        else:
            raise CoordinateError("the kind of geometry is not known")

    @staticmethod
    def _visit(properties: dict[str, Any]) -> tuple[Reading, Reading | None]:
        """Return begin and end of a visit of Overland; it is written at the arrival, and again at the departure."""
        if properties.get("arrival_date") is None:
            raise CoordinateError("a visit without its arrival")
        begin = _time(properties["arrival_date"])
        if properties.get("departure_date") is None:
            return begin, None
        end = _time(properties["departure_date"], "end: ")
        if (end.offset_s is None) != (begin.offset_s is None):
            raise CoordinateError("only one of begin and end names a zone")
        if end.instant_us < begin.instant_us:
            raise CoordinateError("end lies before the begin")
        if begin.utc:
            end = Reading(end.instant_us, 0, True, end.precision)
        elif end.utc:
            end = end.at_offset(0)
        return begin, end

    def _line(
        self, geometry: dict[str, Any], properties: dict[str, Any]
    ) -> Iterator[tuple[Reading, Reading | None, float, float]]:
        vertices = _vertices(geometry)
        times = _vertex_times(properties, geometry.get("type") == "MultiLineString")
        if times is None:
            times = [v[3] if isinstance(v, list) and len(v) == 4 else None for v in vertices]
            if all(time is None for time in times):
                raise CoordinateError("a line without times of its vertices")
        if len(times) != len(vertices):
            raise CoordinateError(
                "the line has another number of times than of vertices: which belong together is not known"
            )
        problem, good = "", 0
        for vertex, value in zip(vertices, times, strict=True):
            try:
                row = (_time(value), None, *_pair(vertex))
            except CoordinateError as error:
                problem = problem or str(error)
                continue
            good += 1
            yield row
        if not good:
            raise CoordinateError(problem or "a line without vertices")
        self.track.counts[_HALF] += len(vertices) - good


#: what one element of each array is
_ARRAYS = {"/features": Feature, "/locations": Feature}


class GeoJson:
    """Reader of GeoJSON.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="geojson",
        version=1,
        title="GeoJSON: points with a time (GPSLogger, Overland, Dawarich, converters)",
        channels=("gpx",),
        counts="elements of features[] or locations[]",
        knowledge="RFC 7946; aaronpk/Overland-iOS (README and GLManager); importers and test files of Freika/dawarich; "
        "coordTimes of converters from GPX",
        evidence="real sample",
        cannot_tell=(
            "whose device it was",
            "what the accuracy means: the apps pass on what the system says",
            "which of several times of a feature is that of the fix, where a converter wrote another under the usual name",
            "where the device was while no point was written",
        ),
        options=(SUBJECT, TIMEZONE),
    )
    allowed = Allowed(
        keys=frozenset(
            """type geometry properties coordinates timestamp time time_long tst datetime dateTime when date recorded_at
            recordedAt fixTime timestampMs created_at arrival_date departure_date action coordTimes times horizontal_accuracy
            horizontalAccuracy vertical_accuracy accuracy acc precision hdop altitude alt height speed vel velocity course cog
            bearing provider device_id deviceId unique_id tracker_id tid device battery_level battery batt motion""".split()
        )
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by features with geometry and properties."""
        keys = outline(head.data)
        for array in ("features", "locations"):
            if {f"/{array}/[]", f"/{array}/*/geometry", f"/{array}/*/properties"} <= keys:
                return Claim(90, f"{array}[] with geometry and properties")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the features; see :class:`pipelines.readers.base.Reader`."""
        features = _Features(out, context)
        for part in parts(source, out, _ARRAYS, block=self._block_bytes):
            for k, feature in enumerate(part.items):
                features.take(part.n + k, part.record(k), feature)
        features.track.finish(*told(context))

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a feature again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = GeoJson()
