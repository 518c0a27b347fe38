"""Google Semantic Location History: the monthly files of Takeout (``2021_MARCH.json``), until 2024.

``{"timelineObjects": [{"placeVisit": {…}} | {"activitySegment": {…}}]}``. A visit is an interval at the centre of a
place that Google inferred or a person confirmed; only the points of a raw path are fixes of a device; way points carry
no time and are never positions.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.readers._locations import (
    ACCOUNT_NOTE,
    CoordinateError,
    Ends,
    Record,
    Row,
    Unusable,
    accuracy,
    device_tag,
    e7_pair,
    find_part,
    outline,
    parts,
    timed,
    until,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span

#: visits may lie in visits; deeper ones than this are no export of Google's
MAX_DEPTH = 32
_SEMANTIC = {
    "TYPE_HOME": "HOME", "TYPE_WORK": "WORK", "TYPE_SEARCHED_ADDRESS": "SEARCHED_ADDRESS",
    "TYPE_ALIASED_LOCATION": "ALIASED_LOCATION",
}  # fmt: skip
#: sources of a path whose points a device did not record as they stand
_MADE_PATHS = ("INFERRED", "RESNAPPED_FOR_EDIT")


class SourceInfo(msgspec.Struct, gc=False):
    """``sourceInfo`` of a location."""

    deviceTag: Any = None  # noqa: N815


class Location(msgspec.Struct, gc=False):
    """``location``, ``startLocation``, ``endLocation``; name and address are never decoded."""

    latitudeE7: Any = None  # noqa: N815
    longitudeE7: Any = None  # noqa: N815
    semanticType: Any = None  # noqa: N815
    accuracyMetres: Any = None  # noqa: N815
    sourceInfo: SourceInfo | None = None  # noqa: N815


class Duration(msgspec.Struct, gc=False):
    """``duration``; the names with Ms are those of files before 2022."""

    startTimestamp: Any = None  # noqa: N815
    endTimestamp: Any = None  # noqa: N815
    startTimestampMs: Any = None  # noqa: N815
    endTimestampMs: Any = None  # noqa: N815

    @property
    def start(self) -> object:
        """Begin as the file has it."""
        return self.startTimestampMs if self.startTimestamp is None else self.startTimestamp

    @property
    def end(self) -> object:
        """End as the file has it."""
        return self.endTimestampMs if self.endTimestamp is None else self.endTimestamp


class Point(msgspec.Struct, gc=False):
    """A point of ``simplifiedRawPath``."""

    latE7: Any = None  # noqa: N815
    lngE7: Any = None  # noqa: N815
    accuracyMeters: Any = None  # noqa: N815
    timestamp: Any = None
    timestampMs: Any = None  # noqa: N815


class RawPath(msgspec.Struct, gc=False):
    """``simplifiedRawPath``."""

    points: list[Point] | None = None
    source: Any = None


class PlaceVisit(msgspec.Struct):
    """``placeVisit``, also as a child of one."""

    location: Location | None = None
    duration: Duration | None = None
    placeConfidence: Any = None  # noqa: N815
    editConfirmationStatus: Any = None  # noqa: N815
    otherCandidateLocations: list[msgspec.Raw] | None = None  # noqa: N815
    simplifiedRawPath: RawPath | None = None  # noqa: N815
    childVisits: list[PlaceVisit] | None = None  # noqa: N815


class ActivitySegment(msgspec.Struct, gc=False):
    """``activitySegment``."""

    startLocation: Location | None = None  # noqa: N815
    endLocation: Location | None = None  # noqa: N815
    duration: Duration | None = None
    simplifiedRawPath: RawPath | None = None  # noqa: N815
    parkingEvent: msgspec.Raw = msgspec.Raw()  # noqa: N815


class TimelineObject(msgspec.Struct):
    """An element of ``timelineObjects``."""

    placeVisit: PlaceVisit | None = None  # noqa: N815
    activitySegment: ActivitySegment | None = None  # noqa: N815


_CANDIDATES = "visits that name candidate places only, which are no positions"
_WAYPOINTS = "journeys without a place that has a time (way points have none)"
_PARKING = "parking events, not read: where a vehicle stands is not where a person is"


def _tags(visit: PlaceVisit, location: Location, depth: int) -> str | None:
    words = []
    if depth:
        words.append("nested")
    if visit.editConfirmationStatus == "CONFIRMED" or visit.placeConfidence == "USER_CONFIRMED":
        words.append("confirmed")
    semantic = _SEMANTIC.get(location.semanticType) if isinstance(location.semanticType, str) else None
    if semantic:
        words.append(f"semantic={semantic}")
    return " ".join(words) or None


def _device(location: Location) -> str | None:
    return device_tag(location.sourceInfo.deviceTag) if location.sourceInfo else None


def _visit(visit: PlaceVisit, depth: int, into: Record) -> None:
    location, duration = visit.location, visit.duration or Duration()
    pair = None
    try:
        if location is not None and (pair := e7_pair(location.latitudeE7, location.longitudeE7)) is not None:
            start = timed(duration.start)
            into.rows.append(
                Row(
                    "visit", start, *pair, "visit", "app", end=until(start, duration.end),
                    accuracy_m=accuracy(location.accuracyMetres), device_tag=_device(location),
                    tags=_tags(visit, location, depth),
                )
            )  # fmt: skip
    except (Unusable, CoordinateError) as error:
        into.problems.append(str(error))
    _path(visit.simplifiedRawPath, into)


def _path(path: RawPath | None, into: Record) -> None:
    if path is None:
        return
    kind, how = ("path", "app") if path.source in _MADE_PATHS else ("fix", "device")
    for point in path.points or ():
        try:
            pair = e7_pair(point.latE7, point.lngE7)
            if pair is None:
                continue
            time = timed(point.timestampMs if point.timestamp is None else point.timestamp)
            into.rows.append(Row(kind, time, *pair, "path", how, accuracy_m=accuracy(point.accuracyMeters)))
        except (Unusable, CoordinateError) as error:
            into.problems.append(str(error))


def _end_of_journey(location: Location | None, value: object, into: Record) -> None:
    try:
        pair = None if location is None else e7_pair(location.latitudeE7, location.longitudeE7)
        if location is None or pair is None:
            return
        into.rows.append(
            Row(
                "path", timed(value), *pair, "path", "app", accuracy_m=accuracy(location.accuracyMetres),
                device_tag=_device(location),
            )
        )  # fmt: skip
    except (Unusable, CoordinateError) as error:
        into.problems.append(str(error))


def _object(item: TimelineObject, ends: Ends) -> Record:
    found = Record()
    if item.placeVisit is not None:
        stack = [(item.placeVisit, 0)]
        candidates = 0
        while stack:
            visit, depth = stack.pop()
            if depth > MAX_DEPTH:
                found.rows.clear()
                found.problems.insert(0, "visits are nested too deeply")
                break
            candidates += len(visit.otherCandidateLocations or ())
            _visit(visit, depth, found)
            stack.extend((child, depth + 1) for child in reversed(visit.childVisits or ()))
        if candidates and not found.rows and not found.problems:
            ends.counts[_CANDIDATES] += 1
    segment = item.activitySegment
    if segment is not None:
        before = len(found.rows) + len(found.problems)
        duration = segment.duration or Duration()
        _end_of_journey(segment.startLocation, duration.start, found)
        _path(segment.simplifiedRawPath, found)
        _end_of_journey(segment.endLocation, duration.end, found)
        if len(found.rows) + len(found.problems) == before:
            ends.counts[_WAYPOINTS] += 1
        if bytes(segment.parkingEvent) not in (b"", b"null", b"{}"):
            ends.counts[_PARKING] += 1
    return found


#: what one element of each array is
_ARRAYS = {"/timelineObjects": TimelineObject}


class GoogleSemantic:
    """Reader of the monthly Semantic Location History.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="google-semantic",
        version=1,
        title="Google Semantic Location History (monthly files of Takeout)",
        channels=("google",),
        counts="elements of timelineObjects[]",
        knowledge="CarlosBergillos/LocationHistoryFormat 3f98df1; fixtures of Freika/dawarich",
        evidence="real sample",
        cannot_tell=(
            "whether the device of the account was where its owner was",
            "where between begin and end of a journey somebody was: way points carry no time",
            "how far from the place's centre the device was",
            "what was deleted or edited in the account before the export",
        ),
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by the key timelineObjects and what its elements hold."""
        keys = outline(head.data)
        if "/timelineObjects/[]" not in keys:
            return None
        if keys & {"/timelineObjects/*/placeVisit", "/timelineObjects/*/activitySegment"}:
            return Claim(95, "timelineObjects[] with placeVisit or activitySegment")
        if not any(key.startswith("/timelineObjects/*") for key in keys):
            return Claim(60, "timelineObjects[], empty as far as its beginning shows")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file: one record an element, one row a visit, begin, end or point of a raw path."""
        ends = Ends(out, subject="owner")
        for part in parts(source, out, _ARRAYS, block=self._block_bytes):
            for k, item in enumerate(part.items):
                ends.close(part.n + k, part.record(k), _object(item, ends))
        ends.finish("google", ACCOUNT_NOTE)

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = GoogleSemantic()
