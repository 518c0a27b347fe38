"""GPX 1.0 and 1.1: tracks, waypoints and routes of a GPS receiver or an app.

Track points and waypoints with a time are fixes. Route points are planned and never a position; a point without time
says nothing about when. Whose receiver it was is nowhere in the file: only the case says (``subject``).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

from lxml import etree

from pipelines.identifiers import clean
from pipelines.readers._clock import iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers._xml_text import XmlText, prolog, rooted
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    implausible_time,
)  # fmt: skip

_POINTS = frozenset(["trkpt", "wpt", "rtept"])
_HOLDERS = frozenset(["trk", "trkseg", "rte"])
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_BEGUN = re.compile(rb"<(?:[^\s<>/:\"'=]{1,100}:)?(trkpt|wpt|rtept)(?=[\s/>]|\Z)")
_TEXT_LIMIT = 80  # longer than any time

NOBODY = "the file names nobody: read as the owner's track; set subject in [[source]] if it is not"


def _degrees(text: str | None, limit: float) -> float | None:
    if text is None or _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if -limit <= value <= limit else None


@dataclass(slots=True)
class _Holder:
    """An open element that can hold points, and how many of each name it held so far."""

    locator: str
    counts: dict[str, int] = field(default_factory=dict)

    def next(self, name: str) -> str:
        self.counts[name] = self.counts.get(name, 0) + 1
        return f"{self.locator}/{name}[{self.counts[name]}]"


class _Track:
    """Target of the parser: follows the elements, keeps no tree and no text but that of ``time``."""

    def __init__(self, out: Sink, subject: str) -> None:
        self._out = out
        who = None if subject == "owner" else subject
        self._rows = RowBuffer(
            out.positions,
            ("n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "lat", "lon", "tags"),
            {
                "kind": "fix", "subject": "contact" if who else "owner", "identifier": who, "identifier_raw": who,
                "source_how": "gps", "how": "device",
            },
        )  # fmt: skip
        self._open: list[_Holder] = []
        self._unknown = 0  # depth inside an element that GPX points do not lie in
        self._depth = 0  # depth inside a point
        self._point = ""
        self._attributes: dict[str, str] = {}
        self._time: list[str] | None = None
        self._time_length = 0
        self._collecting = False
        self.record = ""
        self.begun = False
        self.n = 0
        self.kept = self.waypoints = self.routed = self.zoneless = self.stray = 0
        self.utc: tuple[int, int] | None = None
        self.local: tuple[int, int] | None = None

    # -- called by the parser

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if self._point:
            self._depth += 1
            if self._depth == 1 and name == "time" and self._time is None:
                self._time, self._time_length, self._collecting = [], 0, True
        elif self._unknown:
            self._unknown += 1
            self.stray += name in _POINTS
        elif not self._open:
            self.begun = True
            self._open.append(_Holder(f"xml:/{name}"))
        elif name in _POINTS:
            self.n += 1
            self.record = self._open[-1].next(name)
            self._point, self._depth = name, 0
            self._attributes = {key: attributes[key] for key in ("lat", "lon") if key in attributes}
            self._time = None
        elif name in _HOLDERS:
            self._open.append(_Holder(self._open[-1].next(name)))
        else:
            self._unknown = 1

    def data(self, text: str) -> None:
        if self._collecting and self._depth == 1 and self._time is not None:
            self._time_length += len(text)
            if self._time_length <= _TEXT_LIMIT:
                self._time.append(text)

    def end(self, tag: str) -> None:
        if self._point:
            if self._depth:
                self._collecting = self._collecting and self._depth > 1
                self._depth -= 1
            else:
                self._finish()
                self._point = ""
        elif self._unknown:
            self._unknown -= 1
        else:
            self._open.pop()

    def close(self) -> None:
        self._rows.flush()

    # -- what becomes of a point

    def _finish(self) -> None:
        if self._point == "rtept":
            self.routed += 1
            self._out.out_of_scope()
            return
        text = "".join(self._time) if self._time is not None and self._time_length <= _TEXT_LIMIT else ""
        if not text.strip():
            too_long = self._time_length > _TEXT_LIMIT and self._time is not None
            self._out.reject(self.n, self.record, "time cannot be read" if too_long else "no time")
            return
        reading = iso_reading(text)
        if reading is None:
            self._out.reject(self.n, self.record, "time cannot be read")
            return
        utc = reading.utc_us
        why = implausible_time(reading.local_us if utc is None else utc)
        if why is not None:
            self._out.reject(self.n, self.record, why)
            return
        lat, lon = _degrees(self._attributes.get("lat"), 90.0), _degrees(self._attributes.get("lon"), 180.0)
        if lat is None or lon is None:
            self._out.reject(self.n, self.record, "latitude or longitude is missing or out of range")
            return
        if utc is None:
            self.zoneless += 1
            local, offset, basis = reading.local_us, None, "case"
            self.local = _widen(self.local, local)
        else:
            # +00:00 is how programs spell Z: it says nothing about where the receiver was
            stated = bool(reading.offset_s)
            local = reading.local_us if stated else utc
            offset, basis = (reading.offset_s, "stated") if stated else (None, "utc")
            self.utc = _widen(self.utc, utc)
        waypoint = self._point == "wpt"
        self.waypoints += waypoint
        self.kept += 1
        self._rows.add(
            self.n, self.record, local, offset, reading.precision, basis, lat, lon, "waypoint" if waypoint else None
        )

    def broken(self, line: int, starts: int, following: str) -> None:
        """Account for a file that stops being XML.

        The point begun, or the next one if there is one, is rejected; how many lie behind it is noted.

        Parameters
        ----------
        line : int
            Where the parser stopped, from 1.
        starts : int
            Number of points whose start the text holds.
        following : str
            Name of the first point that the parser did not meet, empty if there is none.
        """
        self._rows.flush()
        if self._point:
            self._out.reject(self.n, self.record, "the file ends or breaks inside this record")
        elif following and self._open:
            holder = self._open[-1]
            record = holder.locator if self._unknown else holder.next(following)
            self.n += 1
            self._out.reject(self.n, record, "the file ends or breaks before this record")
        left = max(0, starts - self.n - self.stray)
        behind = f"; points behind it that were not read: about {left}" if left else ""
        self._out.note(f"the file is cut off or broken at line {line}{behind}")


def _widen(span: tuple[int, int] | None, us: int) -> tuple[int, int]:
    return (us, us) if span is None else (min(span[0], us), max(span[1], us))


def _starts(source: SourceFile, seen: int) -> tuple[int, str]:
    """Count the points that begin in the file, the last one perhaps cut off (asked of broken files only).

    Returns
    -------
    total : int
        Number of starts in the text.
    name : str
        Name of the first one after ``seen`` others, empty if there is none.
    """
    total, name, held, last = 0, "", b"", False
    with source.open() as stream:
        for block in chain(XmlText(stream).blocks(), [None]):
            last = block is None
            text = held + (block or b"")
            cut = text.rfind(b"<")
            cut = cut if cut >= 0 and len(text) - cut < 512 and not last else len(text)
            found = _BEGUN.findall(text, 0, cut)
            if total <= seen < total + len(found):
                name = found[seen - total].decode()
            total += len(found)
            held = text[cut:]
    return total, name


class _Gpx:
    """The reader."""

    description = Description(
        id="gpx",
        version=1,
        title="GPX track",
        channels=("gpx",),
        counts="trkpt, wpt and rtept elements in document order, outside elements that GPX does not place them in",
        knowledge="GPX 1.0 and 1.1 schemas of topografix.com; test files of tkrajina/gpxpy",
        evidence="real sample",
        cannot_tell=(
            "whose receiver it was",
            "the error of a fix in metres (hdop is a factor of the satellites' geometry)",
            "whether a waypoint was set by hand on a map",
            "where the receiver was while no point was written",
        ),
        options=(
            Option("subject", "whose track it is: owner or the id of a contact"),
            Option("timezone", "zone of times that are written without one"),
        ),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim files whose root element is ``gpx``, whatever their name."""
        try:
            text = b"".join(XmlText(io.BytesIO(head.data)).blocks())
        except Unreadable:
            text = head.data
        found = prolog(text)
        if found.declares:
            # refused by read(), but it must be this reader that says so
            return Claim(60, "GPX with declarations in its DOCTYPE") if b"<gpx" in text else None
        return Claim(95, "root element gpx") if found.root == "gpx" else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the points; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            No GPX root element, a DOCTYPE with declarations of its own, or an unknown encoding.
        """
        subject = clean(context.options.get("subject", "")) or "owner"
        track = _Track(out, subject)
        # No huge_tree: without a tree the limits on text do not apply, and those on depth, names, attributes and
        # amplification are wanted.
        parser = etree.XMLParser(
            target=cast(Any, track),
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
        )
        line = 0
        with source.open() as stream:
            text = XmlText(stream)
            blocks = rooted(text, "gpx")
            try:
                for block in blocks:
                    parser.feed(block)
                parser.close()
            except etree.XMLSyntaxError as error:
                line = error.lineno or 1
        if not track.begun:
            raise Unreadable("the file is no XML that can be read: it breaks before its first element")
        if line:
            track.broken(line, *_starts(source, track.n + track.stray))
        out.read(track.n)
        _notes(track, text.repaired, "subject" in context.options, out)


def _notes(track: _Track, repaired: int, told: bool, out: Sink) -> None:
    if not told:
        out.note(NOBODY)
    if track.zoneless:
        out.note(
            "times without a zone letter, read in the zone of the source or the case though the standard asks for "
            f"UTC: {track.zoneless}"
        )
    if track.waypoints:
        out.note(f"waypoints among the fixes, which may have been set by hand: {track.waypoints}")
    if track.routed:
        out.note(f"route points, which are planned and no positions: {track.routed}")
    if track.stray:
        out.note(f"points inside elements that GPX does not place them in, not read: {track.stray}")
    if repaired:
        out.note(f"characters and references that XML does not allow, passed over: {repaired}")
    for span, basis in ((track.utc, "utc"), (track.local, "case")):
        if span is not None:
            out.coverage("gpx", "position", local_from=span[0], local_to=span[1], zone_basis=basis)


READER = _Gpx()
