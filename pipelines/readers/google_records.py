"""Google location history, raw fixes: Takeout's Records.json (once Location History.json) and Timeline Edits.json.

``{"locations": [{"latitudeE7", "longitudeE7", "accuracy", "timestamp" | "timestampMs", "source", "deviceTag", …}]}``,
up to gigabytes: one record a fix, read in blocks and worked on array at a time. ``{"timelineEdits": [{"deviceId",
"rawSignal": {"signal": {"position": …}}}]}`` holds raw fixes beside edits of places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers._locations import (
    ACCOUNT_NOTE,
    E7_OVERFLOW,
    E7_OVERFLOW_FROM,
    LEAST_ACCURACY_M,
    CoordinateError,
    Part,
    Reading,
    accuracy,
    device_tag,
    e7_pair,
    find_part,
    finish,
    integer,
    milliseconds,
    outline,
    parts,
    reading,
    technique,
    why_no_time,
)
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
    Claim,
    Context,
    Description,
    Head,
    Sink,
    SourceFile,
    Span,
)

_I64 = npt.NDArray[np.int64]
_F64 = npt.NDArray[np.float64]
_BOOL = npt.NDArray[np.bool_]


class Fix(msgspec.Struct, gc=False):
    """An element of ``locations``. Everything may be anything: what cannot be used is judged row by row."""

    latitudeE7: Any = None  # noqa: N815
    longitudeE7: Any = None  # noqa: N815
    accuracy: Any = None
    timestamp: Any = None
    timestampMs: Any = None  # noqa: N815
    source: Any = None
    deviceTag: Any = None  # noqa: N815
    formFactor: Any = None  # noqa: N815


class EditPoint(msgspec.Struct, gc=False):
    """``point`` of an edit's position."""

    latE7: Any = None  # noqa: N815
    lngE7: Any = None  # noqa: N815


class EditPosition(msgspec.Struct, gc=False):
    """``position`` of an edit's raw signal."""

    point: EditPoint | None = None
    accuracyMm: Any = None  # noqa: N815
    source: Any = None
    timestamp: Any = None


class EditSignal(msgspec.Struct, gc=False):
    """``signal``."""

    position: EditPosition | None = None


class EditRaw(msgspec.Struct, gc=False):
    """``rawSignal``."""

    signal: EditSignal | None = None


class Edit(msgspec.Struct, gc=False):
    """An element of ``timelineEdits``."""

    deviceId: Any = None  # noqa: N815
    rawSignal: EditRaw | None = None  # noqa: N815

    def fix(self) -> Fix:
        """Return the raw fix of the edit, without coordinates if it holds none."""
        position = self.rawSignal.signal.position if self.rawSignal and self.rawSignal.signal else None
        if position is None:
            return Fix()
        point = position.point or EditPoint()
        metres = accuracy(position.accuracyMm, 1000.0)
        return Fix(point.latE7, point.lngE7, metres, position.timestamp, None, position.source, self.deviceId)


_WRAPPED = "records whose coordinates had overflowed 32 bits, a known fault of the export, and were unwrapped"
_NAIVE = "times that name no zone"
_PRECISION = np.array(["s", "ms", "us"], dtype=object)
#: the form that every export since 2022 writes; anything else is read one by one
_UTC_TEXT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_MS_TEXT = r"^\d{12,13}$"


class _Times:
    """Times of a block: plain arrays for what is UTC, readings one by one for the rest."""

    def __init__(self, items: list[Fix]) -> None:
        count = len(items)
        self.local: _I64 = np.zeros(count, np.int64)
        self.instant: _I64 = np.zeros(count, np.int64)
        self.digits: npt.NDArray[np.int8] = np.zeros(count, np.int8)  # 0 s, 1 ms, 2 us
        self.known: _BOOL = np.zeros(count, np.bool_)
        self.single: dict[int, Reading] = {}
        self._texts([x.timestamp if type(x.timestamp) is str else None for x in items])
        if not self.known.all():
            self._milliseconds(items)
        for k in np.flatnonzero(~self.known).tolist():
            found = _reading(items[k])
            if found is not None:
                self.single[k] = found
                self.known[k] = True
                self.local[k], self.instant[k] = found.local_us, found.instant_us

    def _texts(self, values: list[str | None]) -> None:
        texts = pa.array(values, pa.string())
        plain = pc.fill_null(pc.match_substring_regex(texts, _UTC_TEXT), False)
        try:
            moments = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:  # the 30th of February
            return
        known = plain.to_numpy(zero_copy_only=False)
        us = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        length = pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False)
        self.known |= known
        self.local = np.where(known, us, self.local)
        self.instant = self.local.copy()
        self.digits = np.where(known, np.select([length <= 20, length <= 24], [0, 1], 2), self.digits).astype(np.int8)

    def _milliseconds(self, items: list[Fix]) -> None:
        values = [x.timestampMs if x.timestamp is None and type(x.timestampMs) is str else None for x in items]
        texts = pa.array(values, pa.string())
        plain = pc.fill_null(pc.match_substring_regex(texts, _MS_TEXT), False)
        ms = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(pa.int64()).fill_null(0)
        known = plain.to_numpy(zero_copy_only=False) & ~self.known
        us = ms.to_numpy(zero_copy_only=False) * 1000
        self.known |= known
        self.local = np.where(known, us, self.local)
        self.instant = np.where(known, us, self.instant)
        self.digits = np.where(known, 1, self.digits).astype(np.int8)


def _reading(fix: Fix) -> Reading | None:
    """Read the time of one record: ``timestamp``, and ``timestampMs`` where the first is absent."""
    return milliseconds(fix.timestampMs) if fix.timestamp is None else reading(fix.timestamp)


class _Coordinates:
    """Coordinates of a block in degrees; ``reasons`` says why those of an element cannot be used."""

    def __init__(self, items: list[Fix]) -> None:
        north, east = [x.latitudeE7 for x in items], [x.longitudeE7 for x in items]
        self.reasons: dict[int, str] = {}
        self.absent: _BOOL
        self.wrapped = 0
        if set(map(type, north)) <= {int} and set(map(type, east)) <= {int}:
            try:
                self._plain(np.array(north, np.int64), np.array(east, np.int64))
                return
            except OverflowError:
                pass
        self._one_by_one(north, east)

    def _plain(self, north: _I64, east: _I64) -> None:
        high_n, high_e = north > E7_OVERFLOW_FROM, east > E7_OVERFLOW_FROM
        self.wrapped = int(np.count_nonzero(high_n | high_e))
        self.lat: _F64 = np.where(high_n, north - E7_OVERFLOW, north) / 1e7
        self.lon: _F64 = np.where(high_e, east - E7_OVERFLOW, east) / 1e7
        self.absent = np.zeros(len(north), np.bool_)
        for k in np.flatnonzero((np.abs(self.lat) > 90.0) | (np.abs(self.lon) > 180.0)).tolist():
            self.reasons[k] = f"{'latitude' if abs(self.lat[k]) > 90.0 else 'longitude'} is out of range"

    def _one_by_one(self, north: list[Any], east: list[Any]) -> None:
        self.lat, self.lon = np.zeros(len(north)), np.zeros(len(north))
        self.absent = np.zeros(len(north), np.bool_)
        for k, (a, b) in enumerate(zip(north, east, strict=True)):
            try:
                pair = e7_pair(a, b)
            except CoordinateError as error:
                self.reasons[k] = str(error)
                continue
            if pair is None:
                self.absent[k] = True
            else:
                self.lat[k], self.lon[k] = pair
                self.wrapped += any((integer(v) or 0) > E7_OVERFLOW_FROM for v in (a, b))


def _accuracies(values: list[Any]) -> Any:
    """Return the stated errors of a block, m; null where absent, unreadable, zero or negative."""
    if set(map(type, values)) <= {int, float, type(None)}:
        try:
            metres = np.array(values, np.float64)
        except OverflowError:
            pass
        else:
            return pa.array(metres, mask=~((metres >= LEAST_ACCURACY_M) & np.isfinite(metres)))
    return [accuracy(value) for value in values]


def _words(values: list[Any], word: Callable[[object], str | None]) -> list[str | None]:
    """Return the word of every value; few values differ, so that each is worked out once."""
    if set(map(type, values)) <= {int, str, type(None)}:
        known = {value: word(value) for value in set(values)}
        return [known[value] for value in values]
    return [word(value) for value in values]


class _Block:
    """Turns a block of elements into rows and rejects."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self.kept = 0
        self.counts: Counter[str] = Counter()

    def take(self, part: Part, items: list[Fix]) -> None:
        """Keep, reject or count out of scope every element of the block."""
        where, times = _Coordinates(items), _Times(items)
        instant = times.instant
        plausible = times.known & (instant >= PLAUSIBLE_FROM_US) & (instant < PLAUSIBLE_TO_US)
        plausible &= instant != APPLE_EPOCH_US
        reasons = dict(where.reasons)
        for k in np.flatnonzero(~plausible & ~where.absent).tolist():
            if k not in reasons:
                fix = items[k]
                value = fix.timestampMs if fix.timestamp is None else fix.timestamp
                found = Reading(int(instant[k]), 0, True, "us") if times.known[k] else None
                reasons[k] = why_no_time(value, found) or "time is not readable"
        for k in sorted(reasons):
            self._out.reject(part.n + k, part.record(k), reasons[k])
        good = ~where.absent
        good[list(reasons)] = False
        if where.absent.any():
            self._out.out_of_scope(int(np.count_nonzero(where.absent)))
        self.counts[_WRAPPED] += where.wrapped
        picked = np.flatnonzero(good)
        if len(picked):
            self._rows(part, items, picked, where, times)

    def _rows(self, part: Part, items: list[Fix], picked: _I64, where: _Coordinates, times: _Times) -> None:
        whole = len(picked) == len(items)
        index = picked.tolist()
        chosen = items if whole else [items[k] for k in index]
        prefix, first = f"json:{part.pointer}/", part.index
        offsets: list[int | None] | None = None
        precision: Any = _PRECISION[times.digits[picked]].tolist()
        basis: Any = "utc"
        if times.single:
            place = {k: i for i, k in enumerate(index)}
            offsets, basis = [None] * len(index), ["utc"] * len(index)
            for k, found in times.single.items():
                i = place.get(k)
                if i is not None:
                    offsets[i], precision[i], basis[i] = found.stated_offset_s, found.precision, found.zone_basis
                    self.counts[_NAIVE] += found.offset_s is None
        columns = {
            "n": picked + part.n,
            "record": [f"{prefix}{first + k}" for k in index],
            "local_time": times.local[picked],
            "stated_offset_s": offsets,
            "ts_precision": precision,
            "zone_basis": basis,
            "kind": "fix",
            "subject": "owner",
            "lat": where.lat[picked],
            "lon": where.lon[picked],
            "accuracy_m": _accuracies([x.accuracy for x in chosen]),
            "device_tag": _words([x.deviceTag for x in chosen], device_tag),
            "source_how": _words([x.source for x in chosen], technique),
            "tags": ["tablet" if x.formFactor == "TABLET" else None for x in chosen],
        }
        self._out.positions(len(index), columns)
        self.kept += len(index)


#: what one element of each array is
_ARRAYS = {"/locations": Fix, "/timelineEdits": Edit}


class GoogleRecords:
    """Reader of Records.json, of the old Location History.json, and of Timeline Edits.json.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="google-records",
        version=1,
        title="Google location history, raw fixes (Takeout Records.json, Location History.json, Timeline Edits.json)",
        channels=("google",),
        counts="elements of locations[] and of timelineEdits[], in file order",
        knowledge="CarlosBergillos/LocationHistoryFormat 3f98df1; fixtures of Freika/dawarich, dedicatedcode/reitti; "
        "overflow: Scarygami/location-history-json-converter#22",
        evidence="real sample",
        cannot_tell=(
            "whether the device of the account was where its owner was (a tablet may lie at home)",
            "what the accuracy means: Google documents no confidence level",
            "what was deleted by hand or by the automatic deletion before the export",
        ),
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its array and by keys of an element that no other format has."""
        keys = outline(head.data)
        if {"/locations/*/latitudeE7", "/locations/*/timestampMs"} & keys or (
            {"/locations/*/timestamp", "/locations/*/deviceTag"} <= keys
        ):
            return Claim(95, "locations[] with latitudeE7 or timestampMs")
        kinds = ("deviceId", "rawSignal", "placeAggregates")
        if any(f"/timelineEdits/*/{kind}" in keys for kind in kinds):
            return Claim(95, "timelineEdits[] with rawSignal or placeAggregates")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file: one record and one row a fix."""
        block = _Block(out)
        for part in parts(source, out, _ARRAYS, block=self._block_bytes):
            edits = part.pattern == "/timelineEdits"
            block.take(part, [x.fix() for x in part.items] if edits else part.items)
        finish(out, "google", block.kept, block.counts, ACCOUNT_NOTE)

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = GoogleRecords()
