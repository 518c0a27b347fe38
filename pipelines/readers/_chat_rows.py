"""What the readers of chat apps' databases share: rows gathered to columns, their counts, and what is said of the file.

A row of such a table is a few numbers of its own (number, locator, time, length, talk time) and a *shape*: everything else,
which is the same for thousands of rows (one chat, one direction, one kind). Shapes are made once and looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from detector.schema import EVENTS
from pipelines.masking import Allowed
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
    Sink,
    implausible_time,
)

#: rows that are held before they go to the sink
CHUNK_ROWS = 8192
#: entries of a memo; beyond it is emptied: a hostile database has a new shape for every row
MEMO = 200_000


class Party(NamedTuple):
    """Somebody as the database names him: identifier, how it stands there, kind of the identifier."""

    identifier: str | None = None
    raw: str | None = None
    kind: str = "none"


NOBODY = Party()


class Shape(NamedTuple):
    """What many rows have in common; the names are those of columns of ``events``."""

    kind: str = "message"
    direction: str = "unknown"
    status: str = "unknown"
    identifier: str | None = None
    identifier_raw: str | None = None
    identifier_kind: str = "none"
    sender: str | None = None
    actor: str = "unknown"
    thread_id: str | None = None
    thread_kind: str = "unknown"
    participants_n: int | None = None
    directed: str = "unknown"
    answered: bool | None = None
    attachment: str | None = None
    tags: str | None = None


class Thread(NamedTuple):
    """A conversation: its kind, the other side of a direct one, its id."""

    kind: str = "unknown"  # direct, group, channel, self, unknown
    peer: Party = NOBODY
    id: str | None = None


def shape_of(
    thread: Thread, outgoing: bool, sender: Party = NOBODY, *, kind: str = "message", status: str = "unknown",
    directed: str = "unknown", answered: bool | None = None, attachment: str | None = "none", tags: str | None = None,
) -> Shape:  # fmt: skip
    """Return the shape of a communication whose direction the database states.

    Parameters
    ----------
    thread : Thread
        Where it stands.
    outgoing : bool
        Did the owner make it?
    sender : Party
        Who made it, where it is a group and not the owner; in a direct thread that is the other side.
    kind, status, directed, answered, attachment, tags
        As in the table ``events``. ``directed`` holds for groups: what stands in a direct thread is directed.
    """
    direct = thread.kind == "direct"
    other = thread.peer if direct else NOBODY if outgoing else sender
    return Shape(
        kind, "out" if outgoing else "in", status, other.identifier, other.raw, other.kind, None,
        "owner" if outgoing else "contact", thread.id, thread.kind, 2 if direct else None,
        "yes" if direct else ("no" if outgoing else directed), answered, attachment, tags,
    )  # fmt: skip


#: columns that every row has for itself
_OWN = ("n", "record", "local_time", "size", "duration_s", "sub", "ts_precision", "stated_offset_s")
_TYPES = {name: EVENTS.field(name).type for name in Shape._fields}
_LISTED = (
    "n",
    "record",
    "sub",
    "list",
    "identifier",
    "identifier_raw",
    "identifier_kind",
    "label",
    "tags",
    "local_time",
)
_PLACES = ("n", "record", "sub", "local_time", "ts_precision", "subject", "identifier", "identifier_raw", "sender", "lat", "lon", "tags")  # fmt: skip


def _firsts(shapes: Sequence[Shape], codes: Sequence[int]) -> list[Shape]:
    """Return the shape behind every code."""
    found: dict[int, Shape] = {}
    for code, shape in zip(codes, shapes, strict=True):
        if code not in found:
            found[code] = shape
    return list(found.values())


class Gather:
    """Gathers rows for a sink, counts what is left out and why, and says it at the end.

    Parameters
    ----------
    out : Sink
        Where the rows go.
    channel : str
        Channel of all rows.
    precision : str
        Exactness of the times, where a row does not say another.
    """

    def __init__(self, out: Sink, channel: str, precision: str = "ms") -> None:
        self.out = out
        self.channel = channel
        self.precision = precision
        self.left_out: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.kinds: set[str] = set()
        self._events: list[tuple[Any, ...]] = []
        self._places: list[tuple[Any, ...]] = []
        self._listed: list[tuple[Any, ...]] = []

    def event(
        self, n: int, record: str, us: int | None, shape: Shape, size: int | None = None, duration: int | None = None,
        sub: int = 1, precision: str | None = None, offset_s: int | None = None,
    ) -> bool:  # fmt: skip
        """Add an event, or reject it if its time is none. Returns whether it was added.

        With ``offset_s`` the time is the reading of a clock that states so many seconds from UTC, else it is UTC.
        """
        if us is None or not PLAUSIBLE_FROM_US <= us < PLAUSIBLE_TO_US or us == APPLE_EPOCH_US:
            if sub == 1:
                self.out.reject(n, record, implausible_time(us) or "no time")
            else:
                self.counts["further rows of a record without a usable time"] += 1
            return False
        self._events.append((n, record, us, size, duration, sub, precision or self.precision, offset_s, shape))
        if len(self._events) >= CHUNK_ROWS:
            self._flush_events()
        return True

    def place(
        self, n: int, record: str, us: int, shape: Shape, lat: Any, lon: Any, tags: str | None = None,
        precision: str | None = None, sub: int = 2,
    ) -> None:  # fmt: skip
        """Add the position that a message shares; one that is none is counted and left out."""
        point = usable_point(lat, lon)
        if point is None:
            self.counts["shared locations without a usable point"] += 1
            return
        mine = shape.direction == "out"
        identifier, raw = (None, None) if mine else (shape.identifier, shape.identifier_raw)
        self._places.append(
            (n, record, sub, us, precision or self.precision, "owner" if mine else "contact", identifier, raw, identifier,
             *point, tags)
        )  # fmt: skip
        if len(self._places) >= CHUNK_ROWS:
            self._flush_places()

    def listed(
        self, n: int, record: str, name: str, party: Party, label: str | None = None, tags: str | None = None,
        us: int | None = None, sub: int = 1,
    ) -> None:  # fmt: skip
        """Add an entry of a list."""
        if us is not None and implausible_time(us) is not None:
            us = None
        self._listed.append((n, record, sub, name, *party, label or None, tags, us))
        if len(self._listed) >= CHUNK_ROWS:
            self._flush_listed()

    def skip(self, why: str) -> None:
        """Leave a record out of scope; ``why`` goes into a note with its count."""
        self.left_out[why] += 1

    def reject(self, n: int, record: str, reason: str) -> None:
        """Reject a record."""
        self.out.reject(n, record, reason)

    def _flush_events(self) -> None:
        rows, self._events = self._events, []
        if not rows:
            return
        *own, shapes = zip(*rows, strict=True)
        columns: dict[str, Any] = {name: list(c) for name, c in zip(_OWN, own, strict=True)}
        offsets = columns["stated_offset_s"]
        if any(offset is not None for offset in offsets):
            columns["zone_basis"] = ["utc" if offset is None else "stated" for offset in offsets]
        for name in ("sub", "ts_precision", "stated_offset_s"):
            values = columns[name]
            if values.count(values[0]) == len(values):
                columns[name] = values[0]
        # a column of what many rows share is written once for each shape and spread over the rows
        places: dict[int, int] = {}
        codes = [places.setdefault(id(shape), len(places)) for shape in shapes]
        different = _firsts(shapes, codes) if len(places) > 1 else [shapes[0]]
        self.kinds.update(shape.kind for shape in different)
        spread = pa.array(codes, pa.int32())
        for name, values in zip(Shape._fields, zip(*different, strict=True), strict=True):
            one = values.count(values[0]) == len(values)
            columns[name] = values[0] if one else pa.array(values, _TYPES[name]).take(spread)
        self.out.events(len(rows), {**columns, "channel": self.channel})

    def _flush_places(self) -> None:
        rows, self._places = self._places, []
        if rows:
            columns: dict[str, Any] = {n: list(c) for n, c in zip(_PLACES, zip(*rows, strict=True), strict=True)}
            self.out.positions(len(rows), {**columns, "kind": "share", "source_how": "share"})

    def _flush_listed(self) -> None:
        rows, self._listed = self._listed, []
        if not rows:
            return
        columns: dict[str, Any] = {n: list(c) for n, c in zip(_LISTED, zip(*rows, strict=True), strict=True)}
        timed = [t is not None for t in columns["local_time"]]
        columns["ts_precision"] = [self.precision if t else None for t in timed]
        columns["zone_basis"] = ["utc" if t else None for t in timed]
        self.out.listed(len(rows), {**columns, "channel": self.channel})

    def finish(
        self, classes: str, *, basis: str = "observed", complete: str = "unknown", scope: str = "all",
        scope_id: str | None = None,
    ) -> None:  # fmt: skip
        """Hand over what is left, cover what was found, and say what was left out."""
        self._flush_events()
        self._flush_places()
        self._flush_listed()
        self.out.out_of_scope(self.left_out.total())
        if self.kinds:
            more: dict[str, Any] = {} if scope_id is None else {"scope": scope, "scope_id": scope_id}
            self.out.coverage(self.channel, classes, basis=basis, complete=complete, **more)
        for why, count in sorted(self.left_out.items()):
            self.out.note(f"out of scope: {count} {why}")
        for what, count in sorted(self.counts.items()):
            self.out.note(f"{count} {what}")


class Memo(dict[Any, Any]):
    """A dict that is emptied when it grows too large."""

    def keep(self, key: Any, value: Any) -> Any:
        """Remember a value and return it."""
        if len(self) >= MEMO:
            self.clear()
        self[key] = value
        return value


def number(value: Any) -> int | None:
    """Return a value as a whole number if the database has one there; text and blobs are none."""
    if value.__class__ is int:
        found: int = value
        return found
    return int(value) if value.__class__ is float and value == value and abs(value) < 2**63 else None


def ms_us(value: Any) -> int | None:
    """Return milliseconds since 1970 as microseconds."""
    found = number(value)
    return None if found is None or abs(found) > 1 << 52 else found * 1000


def s_us(value: Any) -> int | None:
    """Return seconds since 1970 as microseconds."""
    found = number(value)
    return None if found is None or abs(found) > 1 << 42 else found * 1_000_000


def usable_point(lat: Any, lon: Any) -> tuple[float, float] | None:
    """Return a place on earth; None for what is none, and for 0, 0, which apps write where they have none."""
    if lat.__class__ not in (int, float) or lon.__class__ not in (int, float):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
        return None
    return float(lat), float(lon)


def size_of(value: Any) -> int | None:
    """Return the number of characters of a text, None where there is none."""
    return len(value) if value.__class__ is str else None


def mime_attachment(mime: Any) -> str:
    """Return the kind of attachment that a media type stands for."""
    if mime.__class__ is not str or not mime:
        return "other"
    family = mime.partition("/")[0].lower()
    if mime.lower() == "image/gif":
        return "animation"
    if family in ("image", "video", "audio"):
        return str(family)
    return "contact" if mime.lower() in ("text/x-vcard", "text/vcard") else "document"


def has_tables(tables: Mapping[str, Sequence[str]] | None, wanted: Mapping[str, Sequence[str]]) -> bool:
    """Return whether all wanted tables are there with their columns; a view in the place of one counts as it.

    A file in which somebody put a view in the place of a table is claimed and then refused by name.
    """
    if not tables or not all(name in tables for name in wanted):
        return False
    plain = 0
    for name, columns in wanted.items():
        known = {c.casefold() for c in tables[name]}
        if known:
            plain += 1
            if not all(c.casefold() in known for c in columns):
                return False
    return plain > 0 or len(wanted) > 1


def shows(words: str) -> Allowed:
    """Return what a masked record may show: the columns that are named, separated by blanks."""
    return Allowed(keys=frozenset(words.split()))
