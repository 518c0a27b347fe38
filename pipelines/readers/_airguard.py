"""What the readers of AirGuard share: its times, what it knows of a device, and where its phone was.

AirGuard writes down when its phone received a tag, and where the *phone* was: the tag was within the reach of Bluetooth of it.
Since version 2.0 (database version 10) a place is one of a list: a fix within 150 m of a known place becomes that place,
which moves to the more exact fix. So a position is never more exact than that.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipelines.readers._clock import iso_reading
from pipelines.readers._locations import CoordinateError, Reading, in_range, number
from pipelines.readers._sqlite import whole
from pipelines.readers._tracks import Track
from pipelines.readers.base import Sink, implausible_time

#: a fix within so many metres of a known place becomes that place (seemoo-lab/AirGuard, BackgroundBluetoothScanner): the least
#: error of a position. Older databases state no error and hold the fix itself, which may be the last one known: the same [P]
SNAP_M = 150.0
#: longest address of a device: a MAC has 17 characters, the id of a Samsung tag a few more [P]
ADDRESS_LIMIT = 100
#: address of devices whose address does not change over the days, by their type (as the app and its papers describe them)
_STEADY = frozenset(["TILE", "CHIPOLO", "PEBBLEBEE", "UNKNOWN", ""])
_WORD = re.compile(r"[A-Z][A-Z0-9_]{0,40}", re.ASCII)
_TRUE = frozenset(["1", "true"])

#: said of everything that AirGuard wrote
ABOUT = (
    "a sighting is where the owner's phone was when it received the tag, at least 150 m inexact: a place stands for every fix "
    "within 150 m of it",
    "the app writes at most one sighting of a device in 15 minutes at one place, so that their number is no measure of nearness",
    "the app's clean-up deletes devices that were not seen for some time (30 days unless set otherwise), first those without a "
    "warning: what is left leans to the suspicious, and a tag that is not in it may have been there",
    "many tags change their address: several devices of the list may be one tag",
)
CLASSES = "tracker_sighting tracker_alert"

_OF_TYPE_APPLE = "sightings of Apple devices that need not be tags (type=apple)"
_UNKNOWN_DEVICE = "sightings and warnings of devices that the list of devices no longer holds"
_NOWHERE = "sightings without a place"


class Device(NamedTuple):
    """What the app knows of a device, as words of the tags column."""

    words: tuple[str, ...]


class Place(NamedTuple):
    """Where the phone was; ``why`` says why that cannot be used."""

    lat: float = 0.0
    lon: float = 0.0
    accuracy_m: float = SNAP_M
    why: str = ""


def local_time(value: object) -> tuple[Reading | None, str]:
    """Read a ``LocalDateTime`` as Java prints it, without seconds if they are zero.

    Returns
    -------
    reading : Reading or None
        On the clock of the phone, whose zone the app does not write down.
    why : str
        Why there is none.
    """
    if value is None or value == "":
        return None, "no time"
    found = iso_reading(value) if isinstance(value, str) and "T" in value else None
    if found is None or found.offset_s is not None or found.precision in ("day", "h"):
        return None, "time is not readable"
    if why := implausible_time(found.local_us):
        return None, why
    # 10:00 is 10:00:00.000 printed short
    precision = "s" if found.precision == "min" else found.precision
    return Reading(found.local_us, None, False, precision), ""


def flag(value: object) -> bool:
    """Return a truth value as a database (0, 1) or a table of text (false, true) has it."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().casefold() in _TRUE)


def device_words(
    kind: object, sub_kind: object, ignored: object, safe: object, joined: object, alternative: object
) -> tuple[str, ...]:
    """Return the words that say what the app knows of a device.

    Parameters
    ----------
    kind, sub_kind : object
        ``deviceType`` and ``subDeviceType``.
    ignored, safe, joined : object
        ``ignore`` (set by the owner), ``safeTracker`` and ``matchedUsing15MinAlgo`` (both by the app).
    alternative : object
        ``alternativeIdentifier``, which stays the same while the address changes; only a hash of it is put out.
    """
    name = str(kind).strip().upper() if isinstance(kind, str) else ""
    words = []
    if _WORD.fullmatch(name):
        words.append(f"type={name.casefold()}")
    sub = str(sub_kind).strip().upper() if isinstance(sub_kind, str) else ""
    if sub not in ("", "UNKNOWN") and _WORD.fullmatch(sub):
        words.append(f"subtype={sub.casefold()}")
    if name not in _STEADY:
        words.append("address_changes")
    if flag(ignored):
        words.append("ignored")
    if flag(safe):
        words.append("safe_tracker")
    if flag(joined):
        words.append("joined_by_app")
    if isinstance(alternative, str) and alternative.strip():
        words.append(f"alternative={hashlib.sha256(alternative.strip().encode()).hexdigest()[:10]}")
    return tuple(words)


def place_of(lat: object, lon: object, metres: object = None) -> Place | None:
    """Return a place, None if it has no coordinates; what cannot be used is said in it."""
    if _blank(lat) and _blank(lon):
        return None
    north, east = number(lat), number(lon)
    try:
        if north is None or east is None:
            raise CoordinateError("coordinates are missing or not readable")
        in_range(north, east)
    except CoordinateError as error:
        return Place(why=str(error))
    stated = number(metres)
    return Place(north, east, max(SNAP_M, stated) if stated is not None and math.isfinite(stated) else SNAP_M)


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class AirGuard:
    """Gives sightings and warnings their end.

    Parameters
    ----------
    out : Sink
        Where they go.
    devices : mapping
        Address to what the app knows of the device.
    false_alarms : set
        Addresses of devices of which the owner said that a warning was a false alarm.
    """

    def __init__(
        self, out: Sink, devices: dict[str, Device], false_alarms: frozenset[str] | set[str] = frozenset()
    ) -> None:
        self._out = out
        self._devices = devices
        self._false = false_alarms
        self._known: dict[tuple[str, str], tuple[str, bool, bool]] = {}
        self.track = Track(
            out, "bluetooth", ("kind", "subject_id", "accuracy_m", "accuracy_kind", "tags"), subject="tracker",
            source_how="bluetooth", how="app",
        )  # fmt: skip

    def _tags(self, address: str, more: str) -> str:
        """Return the words of a row; ``more`` are those of the row itself."""
        known = self._known.get((address, more))
        if known is None:
            device = self._devices.get(address)
            words = ["airguard", *(device.words if device is not None else ()), *more.split()]
            if address in self._false and "false_alarm" not in words:
                words.append("false_alarm")
            known = " ".join(words), bool(self._devices) and device is None, "type=apple" in words
            if len(self._known) < 100_000:
                self._known[address, more] = known
        tags, unknown, apple = known
        self.track.counts[_UNKNOWN_DEVICE] += unknown
        self.track.counts[_OF_TYPE_APPLE] += apple
        return tags

    def _begin(self, n: int, record: str, address: object, when: object) -> tuple[str, Reading] | None:
        """Return address and time of a record, None if it was rejected."""
        if not isinstance(address, str) or not address.strip() or len(address) > ADDRESS_LIMIT:
            self._out.reject(n, record, "no address of a device")
            return None
        time, why = local_time(when)
        if time is None:
            self._out.reject(n, record, why)
            return None
        return address.strip(), time

    def sighting(
        self, n: int, record: str, address: object, when: object, place: Place | None, state: object = None
    ) -> None:
        """Keep a sighting, with or without a place, or reject it."""
        begun = self._begin(n, record, address, when)
        if begun is None:
            return
        known, time = begun
        state = state.strip().upper() if isinstance(state, str) else ""
        tags = self._tags(known, f"state={state.casefold()}" if state != "UNKNOWN" and _WORD.fullmatch(state) else "")
        if place is not None and place.why:
            self.track.counts[f"sightings whose place cannot be used, kept without it ({place.why})"] += 1
            place = None
        elif place is None:
            self.track.counts[_NOWHERE] += 1
        if place is None:
            self.track.keep(n, record, time, None, None, "tracker_sighting", known, None, "unknown", tags)
        else:
            self.track.keep(
                n, record, time, place.lat, place.lon, "tracker_sighting", known, place.accuracy_m, "radius", tags
            )

    def warning(
        self, n: int, record: str, address: object, when: object, false_alarm: object, sensitivity: object
    ) -> None:
        """Keep a warning that the app gave to the owner, or reject it."""
        begun = self._begin(n, record, address, when)
        if begun is None:
            return
        known, time = begun
        words = ["false_alarm"] if flag(false_alarm) else []
        level = whole(sensitivity)
        if level is not None and 0 <= level <= 2:
            words.append(f"sensitivity={('low', 'medium', 'high')[level]}")
        self.track.keep(
            n, record, time, None, None, "tracker_alert", known, None, "unknown", self._tags(known, " ".join(words))
        )

    def finish(self, *notes: str, classes: str = CLASSES) -> None:
        """Write what is left; a list of what an app happened to receive is never complete."""
        self.track.finish(*ABOUT, *notes, classes=classes, complete="no")


def exchanged(pairs: Iterable[tuple[Any, Any]]) -> bool | None:
    """Tell whether latitude and longitude of an old database stand in each other's column.

    Up to its database version 9 the app itself exchanged them: ``Beacon(…, longitude, latitude, …)`` was called with latitude and
    longitude in that order, from the first release (2021-08) until the list of places came (2022-11), and its own migration
    reads them back so.

    Parameters
    ----------
    pairs : iterable of (longitude, latitude)
        The columns of these names.

    Returns
    -------
    bool or None
        True unless a value shows otherwise; False if one can only be a longitude where it stands by its name, and none the
        contrary; None if the file shows both.
    """
    crossed = straight = False
    for east, north in pairs:
        first, second = number(east), number(north)
        if first is None or second is None:
            continue
        crossed = crossed or (abs(second) > 90.0 >= abs(first))
        straight = straight or (abs(first) > 90.0 >= abs(second))
        if crossed and straight:
            return None
    return not straight
