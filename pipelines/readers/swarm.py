"""Swarm (Foursquare) check-ins: ``checkins1.json`` of the data download, or an answer of ``users/self/checkins``.

Download: ``{"count": …, "items": [{"id", "createdAt": "2019-05-04 16:20:00.000000", "timeZoneOffset": minutes,
"venue", "lat", "lng", "hacc", "shout"}]}``; interface: ``response.checkins.items[]`` with ``createdAt`` in seconds
since 1970 and the coordinates of the venue. The text of ``createdAt`` names no zone: importers of both forms read it
as UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.readers._clock import MAX_OFFSET_S
from pipelines.readers._locations import (
    CoordinateError,
    Ends,
    Reading,
    Record,
    Row,
    Unusable,
    accuracy,
    epoch,
    find_part,
    in_range,
    integer,
    iso,
    number,
    outline,
    parts,
    why_no_time,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span


class VenueLocation(msgspec.Struct, gc=False):
    """``venue.location``."""

    lat: Any = None
    lng: Any = None


class Venue(msgspec.Struct, gc=False):
    """``venue``; its name is never decoded."""

    location: VenueLocation | None = None


class User(msgspec.Struct, gc=False):
    """``user``, where an answer of the interface names one."""

    relationship: Any = None


class CheckIn(msgspec.Struct, gc=False):
    """An element of ``items``; shout and people are never decoded, only whether somebody was named."""

    createdAt: Any = None  # noqa: N815
    timeZoneOffset: Any = None  # noqa: N815
    venue: Venue | None = None
    lat: Any = None
    lng: Any = None
    hacc: Any = None
    user: User | None = None
    with_: msgspec.Raw = msgspec.field(name="with", default=msgspec.Raw())


_BACKDATED = "check-ins are picked by a person: place and time may be chosen afterwards"
_INFERRED = "times written as text without a zone, read as UTC"
_WITH = "check-ins that name further people, who were not read"
_PIN = "check-ins with the coordinates of the venue (tag venue), not of the phone"
_OTHERS = "check-ins of other people, not read"
_ZONE = "check-ins that state no offset from UTC"


def _time(item: CheckIn, ends: Ends) -> Reading:
    value = item.createdAt
    found = iso(value) if isinstance(value, str) else None
    if found is None:
        found = epoch(value)
    elif found.offset_s is None:
        ends.counts[_INFERRED] += 1
        # the download pads every second with six noughts: they are no measured fraction
        padded = found.precision in ("ms", "us") and found.local_us % 1_000_000 == 0
        found = Reading(found.local_us, 0, True, "s" if padded else found.precision)
    why = why_no_time(value, found)
    if why is not None or found is None:
        raise Unusable(why or "no time")
    minutes = integer(item.timeZoneOffset)
    if minutes is None or abs(minutes) * 60 > MAX_OFFSET_S:
        ends.counts[_ZONE] += 1
        return found
    return found.at_offset(minutes * 60)


def _pair(lat: object, lng: object) -> tuple[float, float] | None:
    if lat is None and lng is None:
        return None
    if lat is None or lng is None:
        raise CoordinateError("one of the two coordinates is missing")
    north, east = number(lat), number(lng)
    if north is None or east is None:
        raise CoordinateError("coordinates are not readable")
    return in_range(north, east)


def _check_in(item: CheckIn, ends: Ends) -> Record:
    found = Record()
    if item.user is not None and item.user.relationship not in (None, "self"):
        ends.counts[_OTHERS] += 1
        return found
    if bytes(item.with_) not in (b"", b"null", b"[]"):
        ends.counts[_WITH] += 1
    try:
        pair, metres, tags = _pair(item.lat, item.lng), accuracy(item.hacc), None
        if pair is None and item.venue is not None and item.venue.location is not None:
            # the circle of the phone's fix says nothing about the point of the venue
            pair, metres, tags = _pair(item.venue.location.lat, item.venue.location.lng), None, "venue"
        if pair is None:
            raise CoordinateError("no coordinates")
        time = _time(item, ends)
        found.rows.append(Row("check_in", time, *pair, "check_in", "app", accuracy_m=metres, tags=tags))
        if tags:
            ends.counts[_PIN] += 1
    except (Unusable, CoordinateError) as error:
        found.problems.append(str(error))
    return found


#: what one element of each array is
_ARRAYS = {"/items": CheckIn, "/response/checkins/items": CheckIn}


class Swarm:
    """Reader of Swarm check-ins.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="swarm",
        version=1,
        title="Swarm (Foursquare) check-ins",
        channels=("swarm",),
        counts="elements of items[]",
        knowledge="test fixtures of public importers of the download and of the interface; karlicoss/HPI",
        evidence="public code",
        cannot_tell=(
            "whether the person was at the place: a check-in is picked by hand and may be backdated",
            "how long somebody stayed",
            "what was deleted before the export",
        ),
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by items whose elements have createdAt and timeZoneOffset (photos and tips have not)."""
        keys = outline(head.data)
        for array in ("/items", "/response/checkins/items"):
            if {f"{array}/*/createdAt", f"{array}/*/timeZoneOffset"} <= keys:
                return Claim(90, f"{array[1:]}[] with createdAt and timeZoneOffset")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file: one record and one row a check-in."""
        ends = Ends(out, subject="owner")
        for part in parts(source, out, _ARRAYS, block=self._block_bytes):
            for k, item in enumerate(part.items):
                ends.close(part.n + k, part.record(k), _check_in(item, ends))
        ends.finish("swarm", _BACKDATED)

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = Swarm()
