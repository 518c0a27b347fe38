"""AirGuard's raw data export (3.1.0): a zip of ``devices.csv``, ``beacons.csv``, ``locations.csv`` and ``notifications.csv``.

``beacons.csv`` holds the sightings and ``notifications.csv`` the warnings; the places and the devices are looked up in the files
beside them, and are no rows of their own.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from pipelines.readers._airguard import AirGuard, Device, Place, device_words, flag, place_of
from pipelines.readers._locations import integer
from pipelines.readers._sheets import Row, TextRows, first_row, heading, masked_row, open_text
from pipelines.readers._tracks import TIMEZONE
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

_Into = TypeVar("_Into")
#: file -> headings by which it is known
_FILES: dict[str, frozenset[str]] = {
    "beacons": frozenset(["beaconid", "receivedat", "deviceaddress", "locationid"]),
    "notifications": frozenset(["notificationid", "deviceaddress", "falsealarm", "createdat"]),
    "devices": frozenset(["deviceid", "address", "devicetype", "firstdiscovery", "lastseen"]),
    "locations": frozenset(["locationid", "longitude", "latitude", "firstdiscovery", "lastseen"]),
}
_SHOWN = frozenset(
    """beaconid receivedat rssi deviceaddress locationid connectionstate notificationid falsealarm dismissed clicked createdat
    sensitivity deviceid address ignore firstdiscovery lastseen notificationsent lastnotificationsent devicetype subdevicetype
    risklevel safetracker matchedusing15minalgo longitude latitude altitude accuracy""".split()
)
_LOOKED_UP = "entries of the {}: they are looked up for the sightings, and are no rows of their own"
_MISSING = "{}.csv of the same export does not lie beside the file{}"
_NO_PLACES = ": the sightings are kept without their places"
_NO_DEVICES = ": what kind of device it was, and what the owner said of it, is not known"
_NO_WARNINGS = ": false alarms are not known"


def _kind(cells: Sequence[object]) -> str:
    """Return which file of the export has these headings, empty if none."""
    names = [heading(cell) for cell in cells]
    if len(set(names)) != len(names):
        return ""
    return next((name for name, known in _FILES.items() if known <= set(names)), "")


def _rows(source: SourceFile) -> Iterator[Row]:
    codec, _ = open_text(source, None, ",")
    with source.open() as stream:
        yield from TextRows(stream, codec or "utf-8", ",", lines=200)


def _places(row: Mapping[str, str], found: dict[int, Place]) -> None:
    key, place = (
        integer(row.get("locationid", "")),
        place_of(row.get("latitude"), row.get("longitude"), row.get("accuracy")),
    )
    if key is not None and place is not None:
        found[key] = place


def _devices(row: Mapping[str, str], found: dict[str, Device]) -> None:
    of = row.get
    if address := of("address", ""):
        found[address] = Device(
            device_words(
                of("devicetype"), of("subdevicetype"), of("ignore"), of("safetracker"), of("matchedusing15minalgo"),
                of("alternativeidentifier"),
            )
        )  # fmt: skip


def _false_alarms(row: Mapping[str, str], found: set[str]) -> None:
    if flag(row.get("falsealarm")):
        found.add(row.get("deviceaddress", ""))


class _Export:
    """The other files of the same export."""

    def __init__(self, source: SourceFile, out: Sink) -> None:
        self._source = source
        self._out = out

    def look_up(self, name: str, into: _Into, take: Callable[[Mapping[str, str], _Into], None], lost: str) -> _Into:
        """Fill a table from the file of a name that lies in the same folder, or note that it is not there."""
        folder = posixpath.dirname(self._source.name.replace("\\", "/"))
        beside = self._source.beside.find(f"*/{name}.csv") if self._source.beside is not None else ()
        own = [f for f in beside if posixpath.dirname(f.name.replace("\\", "/")) == folder] or list(beside)
        fitting = [f for f in own if _kind(next(_rows(f), Row("", 0, ())).cells) == name]
        if len(fitting) != 1:
            several = ", or more than one does" if fitting else ""
            self._out.note(_MISSING.format(name, several + lost))
            return into
        names: list[str] = []
        for row in _rows(fitting[0]):
            cells = [str(cell).strip() for cell in row.cells]
            if not names:
                names = [heading(cell) for cell in cells]
            elif not row.fault:
                take(dict(zip(names, cells, strict=False)), into)
        self._out.companion(name, fitting[0])
        return into


class AirGuardCsv:
    """The reader."""

    description = Description(
        id="airguard-csv",
        version=1,
        title="AirGuard, raw data export (CSV files of a zip)",
        channels=("bluetooth",),
        counts="CSV rows after the headings; blank lines count",
        knowledge="description of the columns after seemoo-lab/AirGuard 3.1.0 and its issue 206; the app's database, of which "
        "they are a copy, was read in its code and in a real sample; no real export was seen",
        evidence="documentation",
        cannot_tell=(
            "who put a tag where, and whose it is",
            "where the tag was: only where the phone was that received it",
            "whether two addresses are one tag",
            "in which zone the phone was: the times name none",
            "what lies outside the range of time that was chosen for the export, or was deleted before",
            "whether no sighting means that there was no tag",
        ),
        options=(TIMEZONE,),
        versions="3.1.0 (by description)",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know each of the four files by its headings."""
        kind = _kind(first_row(head, (",",)))
        return Claim(94, f"headings of {kind}.csv of AirGuard's raw data export") if kind else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`."""
        names: list[str] = []
        kind, n, width = "", 0, 0
        guard: AirGuard | None = None
        places: dict[int, Place] = {}
        for row in _rows(source):
            cells = [str(cell).strip() for cell in row.cells]
            if not kind:
                names, kind, width = [heading(cell) for cell in cells], _kind(cells), len(cells)
                if not kind:
                    break
                guard = self._guard(kind, source, out, places)
                continue
            n += 1
            if row.fault:
                out.reject(n, row.record, row.fault)
            elif guard is None or not any(cells):
                out.out_of_scope()
            elif len(cells) != width:
                out.reject(
                    n, row.record, f"the row has {'more' if len(cells) > width else 'fewer'} cells than the headings"
                )
            else:
                self._row(kind, n, row.record, dict(zip(names, cells, strict=True)), guard, places)
        if not kind:
            raise Unreadable("the headings are none of AirGuard's raw data export")
        out.read(n)
        if guard is not None:
            guard.finish(classes="tracker_sighting" if kind == "beacons" else "tracker_alert")
        else:
            out.note(_LOOKED_UP.format(kind))

    @staticmethod
    def _guard(kind: str, source: SourceFile, out: Sink, places: dict[int, Place]) -> AirGuard | None:
        if kind not in ("beacons", "notifications"):
            return None
        export = _Export(source, out)
        devices = export.look_up("devices", dict[str, Device](), _devices, _NO_DEVICES)
        if kind == "notifications":
            return AirGuard(out, devices)
        export.look_up("locations", places, _places, _NO_PLACES)
        return AirGuard(out, devices, export.look_up("notifications", set[str](), _false_alarms, _NO_WARNINGS))

    @staticmethod
    def _row(
        kind: str, n: int, record: str, row: Mapping[str, str], guard: AirGuard, places: Mapping[int, Place]
    ) -> None:
        if kind == "notifications":
            guard.warning(n, record, row["deviceaddress"], row["createdat"], row["falsealarm"], row.get("sensitivity"))
            return
        at = row["locationid"]
        key = integer(at)
        gone = Place(why="the list of places does not hold it")
        place = None if at in ("", "null") else places.get(key, gone) if key is not None else gone
        guard.sighting(n, record, row["deviceaddress"], row["receivedat"], place, row.get("connectionstate"))

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a row with its columns named, names and comments hidden."""
        names = [str(cell) for cell in next(_rows(source), Row("", 0, ())).cells]
        raw = io.BytesIO(plain.encode("utf-8", "replace"))
        row = next(iter(TextRows(raw, "utf-8", ",")), None)
        return masked_row(row.cells if row is not None else (), names, lambda name: name in _SHOWN)


READER = AirGuardCsv()
