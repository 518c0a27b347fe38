"""Google Timeline as a phone exports it since 2024: ``Timeline.json`` (Android) and ``location-history.json`` (iOS).

Android: ``{"semanticSegments": […], "rawSignals": […], "userLocationProfile": {…}}``; iOS: an array of segments,
numbers as strings. Segments overlap (a path runs under a visit, a visit lies in a visit): rows are what the file says,
and whoever counts presence must not add them up.

Two clocks stand in an Android segment: the offset in the text of a time is that of the phone when it exported,
``startTimeTimezoneUtcOffsetMinutes`` is that of the place. The moment is the same; the offset that a row states is the
second where the file has it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.readers._clock import MAX_OFFSET_S
from pipelines.readers._locations import (
    ACCOUNT_NOTE,
    CoordinateError,
    Ends,
    Reading,
    Record,
    Row,
    Unusable,
    accuracy,
    degree_pair,
    e7_pair,
    find_part,
    integer,
    outline,
    parts,
    technique,
    timed,
    until,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span

_SEMANTIC = frozenset({"HOME", "WORK", "INFERRED_HOME", "INFERRED_WORK", "SEARCHED_ADDRESS", "ALIASED_LOCATION"})
#: a path segment spans two hours; an offset of more than a week is no minute count of such a segment
MAX_PATH_MINUTES = 7 * 24 * 60


class TopCandidate(msgspec.Struct, gc=False):
    """``topCandidate`` of a visit."""

    semanticType: Any = None  # noqa: N815
    placeLocation: Any = None  # noqa: N815
    isTimelessVisit: Any = None  # noqa: N815


class Visit(msgspec.Struct, gc=False):
    """``visit``."""

    hierarchyLevel: Any = None  # noqa: N815
    topCandidate: TopCandidate | None = None  # noqa: N815
    isTimelessVisit: Any = None  # noqa: N815


class Activity(msgspec.Struct, gc=False):
    """``activity``."""

    start: Any = None
    end: Any = None


class PathPoint(msgspec.Struct, gc=False):
    """An element of ``timelinePath``."""

    point: Any = None
    time: Any = None
    durationMinutesOffsetFromStartTime: Any = None  # noqa: N815


class Segment(msgspec.Struct, gc=False):
    """An element of ``semanticSegments``, or of the array of iOS."""

    startTime: Any = None  # noqa: N815
    endTime: Any = None  # noqa: N815
    startTimeTimezoneUtcOffsetMinutes: Any = None  # noqa: N815
    endTimeTimezoneUtcOffsetMinutes: Any = None  # noqa: N815
    visit: Visit | None = None
    activity: Activity | None = None
    timelinePath: list[PathPoint] | None = None  # noqa: N815


class RawPoint(msgspec.Struct, gc=False):
    """``point`` of a raw position."""

    latE7: Any = None  # noqa: N815
    lngE7: Any = None  # noqa: N815


class RawPosition(msgspec.Struct, gc=False):
    """``position`` of a raw signal."""

    LatLng: Any = None
    latLng: Any = None  # noqa: N815
    point: RawPoint | None = None
    accuracyMeters: Any = None  # noqa: N815
    accuracyMm: Any = None  # noqa: N815
    source: Any = None
    timestamp: Any = None


class Signal(msgspec.Struct, gc=False):
    """``signal``, which wraps the position in some files."""

    position: RawPosition | None = None


class RawSignal(msgspec.Struct, gc=False):
    """An element of ``rawSignals``."""

    position: RawPosition | None = None
    signal: Signal | None = None


_ZONE = "times whose text has another offset than the field of the time zone (the field was taken)"
_UNREAD = {
    "/userLocationProfile/frequentPlaces": "the profile of frequent places was not read: it names no times",
}
_OVERLAP = "segments overlap (a path runs under a visit, a visit lies in a visit): rows are not to be added up"
_TIMELESS = "the app calls the visit timeless: when it was is not recorded"


def _place(value: object) -> tuple[float, float] | None:
    """Read a place: ``{"latLng": "…"}``, the text itself, or nothing."""
    if isinstance(value, dict):
        value = value.get("latLng")
    return degree_pair(value)


def _offset(value: object) -> int | None:
    """Return the offset (s) of a field of minutes, None if it is absent or no offset."""
    minutes = integer(value)
    return None if minutes is None or abs(minutes) * 60 > MAX_OFFSET_S else minutes * 60


def _zoned(time: Reading, offset: int | None, ends: Ends) -> Reading:
    """Put a time on the clock of the place, where the file states its offset."""
    if offset is None or time.offset_s is None or (time.offset_s == offset and not time.utc):
        return time
    ends.counts[_ZONE] += 1
    return time.at_offset(offset)


def _visit(segment: Segment, visit: Visit, into: Record, ends: Ends) -> None:
    top = visit.topCandidate or TopCandidate()
    try:
        pair = _place(top.placeLocation)
        if pair is None:
            return
        if any(str(flag).lower() == "true" for flag in (visit.isTimelessVisit, top.isTimelessVisit)):
            raise Unusable(_TIMELESS)
        start = _zoned(timed(segment.startTime), _offset(segment.startTimeTimezoneUtcOffsetMinutes), ends)
        end = until(start, segment.endTime, _offset(segment.endTimeTimezoneUtcOffsetMinutes))
        words = ["nested"] if (integer(visit.hierarchyLevel) or 0) > 0 else []
        if isinstance(top.semanticType, str) and (semantic := top.semanticType.upper().replace(" ", "_")) in _SEMANTIC:
            words.append(f"semantic={semantic}")
        into.rows.append(Row("visit", start, *pair, "visit", "app", end=end, tags=" ".join(words) or None))
    except (Unusable, CoordinateError) as error:
        into.problems.append(str(error))


def _activity(segment: Segment, activity: Activity, into: Record, ends: Ends) -> None:
    for place, time, minutes in (
        (activity.start, segment.startTime, segment.startTimeTimezoneUtcOffsetMinutes),
        (activity.end, segment.endTime, segment.endTimeTimezoneUtcOffsetMinutes),
    ):
        try:
            pair = _place(place)
            if pair is not None:
                into.rows.append(Row("path", _zoned(timed(time), _offset(minutes), ends), *pair, "path", "app"))
        except (Unusable, CoordinateError) as error:
            into.problems.append(str(error))


def _path(segment: Segment, points: list[PathPoint], into: Record, ends: Ends) -> None:
    offset = _offset(segment.startTimeTimezoneUtcOffsetMinutes)
    start: Reading | None = None
    for point in points:
        try:
            pair = _place(point.point)
            if pair is None:
                continue
            if point.time is not None:
                time = timed(point.time)
            else:
                minutes = integer(point.durationMinutesOffsetFromStartTime)
                if minutes is None or not 0 <= minutes <= MAX_PATH_MINUTES:
                    raise Unusable("no time" if point.durationMinutesOffsetFromStartTime is None else
                                   "minutes since the begin are not readable")  # fmt: skip
                start = start or timed(segment.startTime)
                time = start.plus(minutes)
            into.rows.append(Row("path", _zoned(time, offset, ends), *pair, "path", "app"))
        except (Unusable, CoordinateError) as error:
            into.problems.append(str(error))


def _segment(segment: Segment, ends: Ends) -> Record:
    found = Record()
    if segment.visit is not None:
        _visit(segment, segment.visit, found, ends)
    if segment.activity is not None:
        _activity(segment, segment.activity, found, ends)
    if segment.timelinePath is not None:
        _path(segment, segment.timelinePath, found, ends)
    return found


def _signal(signal: RawSignal) -> Record:
    found = Record()
    position = signal.position or (signal.signal.position if signal.signal else None)
    if position is None:
        return found
    try:
        pair = degree_pair(position.latLng if position.LatLng is None else position.LatLng)
        if pair is None and position.point is not None:
            pair = e7_pair(position.point.latE7, position.point.lngE7)
        if pair is None:
            return found
        metres = accuracy(position.accuracyMeters)
        if metres is None:
            metres = accuracy(position.accuracyMm, 1000.0)
        time = timed(position.timestamp)
        found.rows.append(Row("fix", time, *pair, technique(position.source), "device", accuracy_m=metres))
    except (Unusable, CoordinateError) as error:
        found.problems.append(str(error))
    return found


#: what one element of each array is
_ARRAYS = {"/semanticSegments": Segment, "/rawSignals": RawSignal, "": Segment}


class GoogleTimeline:
    """Reader of the Timeline that a phone exports, Android and iOS.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="google-timeline",
        version=1,
        title="Google Timeline, exported on the phone (Android Timeline.json, iOS location-history.json)",
        channels=("google",),
        counts="elements of semanticSegments[], then of rawSignals[], in file order; iOS: elements of the array",
        knowledge="CarlosBergillos/LocationHistoryFormat 3f98df1; fixtures of dedicatedcode/reitti, Freika/dawarich",
        evidence="real sample",
        cannot_tell=(
            "whether the device was where its owner was, and which device it was",
            "how exact a visit or a point of a path is: both are inferred and thinned",
            "what was deleted by hand or by the automatic deletion before the export",
            "the offset of the place of a path's points: their text has that of the phone when it exported",
        ),
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its arrays and what their elements hold."""
        keys = outline(head.data)
        if "/semanticSegments/[]" in keys:
            if keys & {"/semanticSegments/*/startTime", "/semanticSegments/*/endTime"}:
                return Claim(95, "semanticSegments[] with startTime")
            if not any(key.startswith("/semanticSegments/*") for key in keys):
                return Claim(60, "semanticSegments[], empty as far as its beginning shows")
        kinds = {"position", "wifiScan", "activityRecord", "signal"}
        if "/rawSignals/[]" in keys and any(f"/rawSignals/*/{kind}" in keys for kind in kinds):
            return Claim(90, "rawSignals[] with position, wifiScan or activityRecord")
        kinds = {"visit", "activity", "timelinePath", "timelineMemory"}
        if "/*/startTime" in keys and any(f"/*/{kind}" in keys for kind in kinds):
            return Claim(90, "array of segments with startTime and visit, activity or timelinePath")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file: one record a segment or signal, one row a visit, begin, end, point of a path or fix."""
        ends = Ends(out, subject="owner")
        for part in parts(source, out, _ARRAYS, values=_UNREAD, block=self._block_bytes):
            for k, item in enumerate(part.items):
                found = _signal(item) if part.pattern == "/rawSignals" else _segment(item, ends)
                ends.close(part.n + k, part.record(k), found)
        ends.finish("google", ACCOUNT_NOTE, _OVERLAP)

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, values=_UNREAD, block=self._block_bytes)


READER = GoogleTimeline()
