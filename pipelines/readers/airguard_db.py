"""AirGuard's database ``attd_db``: when and where the owner's phone received tags, and which warnings the app gave."""

from __future__ import annotations

from pipelines.masking import Allowed
from pipelines.readers._airguard import (
    AirGuard,
    Device,
    Place,
    device_words,
    exchanged,
    flag,
    place_of,
)
from pipelines.readers._locations import number
from pipelines.readers._sqlite import Database, open_database, tables_of, whole
from pipelines.readers._tracks import TIMEZONE
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_BEACON = ("receivedAt", "deviceAddress")
_DEVICE = (
    "address", "deviceType", "subDeviceType", "ignore", "safeTracker", "matchedUsing15MinAlgo", "alternativeIdentifier",
)  # fmt: skip

_CROSSED = (
    "the columns latitude and longitude are read in each other's place: versions of the app before the list of places wrote "
    "them so (its own migration reads them so, too)"
)
_SHOWN_CROSSED = "; values that can be no latitude show it"
_STRAIGHT = "the columns latitude and longitude are read by their names: values beyond 90 degrees show that this file has them right"
_BOTH = (
    "latitude and longitude stand in each other's columns in some rows and not in others: all sightings of the file are kept "
    "without a place"
)


def _devices(db: Database) -> dict[str, Device]:
    found: dict[str, Device] = {}
    for _, address, *values in db.lookup("device", _DEVICE):
        if isinstance(address, str):
            found[address.strip()] = Device(device_words(*values))
    return found


def _places(db: Database) -> dict[int, Place]:
    found: dict[int, Place] = {}
    for _, place_id, lat, lon, metres in db.lookup("location", ("locationId", "latitude", "longitude", "accuracy")):
        key, place = whole(place_id), place_of(lat, lon, metres)
        if key is not None and place is not None:
            found[key] = place
    return found


class AirGuardDb:
    """The reader."""

    description = Description(
        id="airguard-db",
        version=1,
        title="AirGuard, database of the app (attd_db)",
        channels=("bluetooth",),
        counts="rows of the tables beacon and notification, by table, then rowid",
        knowledge="seemoo-lab/AirGuard (database schemas 2 to 26, the code that writes them since the first release); the "
        "database of log2timeline/plaso's tests",
        evidence="real sample",
        cannot_tell=(
            "who put a tag where, and whose it is",
            "where the tag was: only where the phone was that received it",
            "whether two addresses are one tag",
            "in which zone the phone was: the times name none",
            "what was deleted by the clean-up or by hand",
            "whether no sighting means that there was no tag",
        ),
        options=(TIMEZONE,),
        versions="database versions 9 (real), 10 to 26 (by their schemas; app 2.0 to 3.0.1)",
    )
    allowed = Allowed(
        keys=frozenset(
            """beaconId receivedAt rssi deviceAddress longitude latitude locationId connectionState notificationId falseAlarm
            dismissed clicked createdAt sensitivity""".split()
        )
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by its tables of beacons and devices."""
        tables = tables_of(head)
        if not tables or not {"beacon", "device"} <= tables.keys():
            return None
        if not tables["beacon"]:
            return Claim(40, "a database with a beacon that is no table")
        columns = {name.casefold() for name in tables["beacon"]}
        if not {"beaconid", "receivedat", "deviceaddress"} <= columns:
            return None
        return Claim(96, "tables beacon and device of AirGuard")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read the tables; see :class:`pipelines.readers.base.Reader`."""
        with open_database(source) as db:
            db.require("beacon", *_BEACON)
            db.require("device", "address")
            listed = db.has("beacon", "locationId")
            if listed:
                db.require("location", "locationId", "latitude", "longitude")
            false_alarms = {
                address.strip()
                for _, address, wrong in db.lookup("notification", ("deviceAddress", "falseAlarm"))
                if isinstance(address, str) and flag(wrong)
            }
            guard = AirGuard(out, _devices(db), false_alarms)
            notes: list[str] = []
            if listed:
                self._listed(db, guard)
            else:
                notes += self._old(db, guard)
            for block in db.scan("notification", ("deviceAddress", "createdAt", "falseAlarm", "sensitivity")):
                c = block.columns
                for n, record, *values in zip(
                    block.n,
                    block.records,
                    c["deviceAddress"],
                    c["createdAt"],
                    c["falseAlarm"],
                    c["sensitivity"],
                    strict=True,
                ):
                    guard.warning(n, record, *values)
            db.settle(out)
            scans = db.rows_of("scan")
            if scans:
                notes.append(f"scans that the app made, with or without a result: {scans}")
            guard.finish(*notes)

    @staticmethod
    def _listed(db: Database, guard: AirGuard) -> None:
        """Read the sightings of a database that has a list of places."""
        places = _places(db)
        gone = Place(why="the list of places no longer holds it")
        for block in db.scan("beacon", (*_BEACON, "locationId", "connectionState")):
            c = block.columns
            for n, record, when, address, at, state in zip(
                block.n,
                block.records,
                c["receivedAt"],
                c["deviceAddress"],
                c["locationId"],
                c["connectionState"],
                strict=True,
            ):
                key = whole(at)
                place = None if at is None else places.get(key, gone) if key is not None else gone
                guard.sighting(n, record, address, when, place, state)

    @staticmethod
    def _old(db: Database, guard: AirGuard) -> list[str]:
        """Read the sightings of a database in which they hold their coordinates; return what must be noted of those."""
        columns = ("longitude", "latitude")
        crossed = exchanged((east, north) for _, east, north in db.lookup("beacon", columns))
        shown = any(abs(number(north) or 0.0) > 90.0 for _, north in db.lookup("beacon", ("latitude",)))
        positions = 0
        for block in db.scan("beacon", (*_BEACON, *columns)):
            c = block.columns
            for n, record, when, address, east, north in zip(
                block.n, block.records, c["receivedAt"], c["deviceAddress"], c["longitude"], c["latitude"], strict=True
            ):
                place = place_of(east, north) if crossed else place_of(north, east)
                positions += place is not None
                if place is not None and crossed is None:
                    place = Place(why="latitude and longitude cannot be told apart")
                guard.sighting(n, record, address, when, place)
        if not positions:
            return []
        return [
            _BOTH if crossed is None else _STRAIGHT if not crossed else _CROSSED + (_SHOWN_CROSSED if shown else "")
        ]


READER = AirGuardDb()
