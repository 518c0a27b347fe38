"""A small builder of resolved tables, for tests that need a case without exports.

Every method adds one row (or one declared thing) and returns the id of the row. Times are wall clock readings of the
case's zone, a fixed offset: ``"2025-10-06 18:30"``, ``"2025-10-06 18:30:15"``, ``"2025-10-06 evening"``, a date alone,
or a ``datetime``. The precision of a reading without ``precision=`` is that of the text: a date is ``day``, hours and
minutes are exact to the second (what a phone writes), as DESIGN.md section 9 reads ``case.toml``.

>>> case = CaseBuilder(as_of="2025-11-01")
>>> case.call("K1", "2025-10-06 18:30")
'a00000000000#1'
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from detector.model import CaseTables
from detector.schema import PART_OF_DAY_START_H, PRECISION_SPAN_US, TABLES, validate

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVER_FROM, _EVER_TO = -(2**62), 2**62


def micros(moment: datetime) -> int:
    """Return the µs since 1970-01-01T00:00 of a wall clock reading (its zone, if it has one, is not looked at)."""
    return (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _reading(at: str | datetime) -> tuple[int, str]:
    """Return a reading in µs of its own clock, and the precision that its text shows."""
    if isinstance(at, datetime):
        return micros(at), "s"
    day, _, rest = at.partition(" ")
    if rest in PART_OF_DAY_START_H:
        return micros(datetime.fromisoformat(day)) + PART_OF_DAY_START_H[rest] * HOUR, rest
    return micros(datetime.fromisoformat(at)), "s" if rest else "day"


class CaseBuilder:
    """Build the resolved tables of one case, row by row.

    Parameters
    ----------
    as_of : str, datetime or None
        Scoring moment, local time of the case; None: ten years after the last possible row.
    tz_offset_s : int
        Offset of the case's zone from UTC, in seconds.
    case_id : str
        Id of the case.
    """

    def __init__(
        self, as_of: str | datetime | None = "2026-06-01", tz_offset_s: int = 18_000, case_id: str = "case"
    ) -> None:
        self.case_id = case_id
        self.tz_offset_s = tz_offset_s
        self.as_of = self.utc(as_of) if as_of is not None else micros(datetime(2036, 1, 1))
        self._count: dict[str, int] = {}
        self._sub: dict[str, int] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self._contacts: dict[str, dict[str, Any]] = {}

    # -- time -----------------------------------------------------------------------------------------------------

    def utc(self, at: str | datetime) -> int:
        """Return the UTC µs of a local reading."""
        return _reading(at)[0] - self.tz_offset_s * SECOND

    def _times(
        self, at: str | datetime, precision: str | None, utc_offset: int | None, ts_min: int | None, ts_max: int | None
    ) -> dict[str, Any]:
        local, shown = _reading(at)
        exact = precision or shown
        ts = local - self.tz_offset_s * SECOND
        return {
            "local_time": local, "stated_offset_s": None, "ts_precision": exact, "zone_basis": "case", "ts": ts,
            "ts_min": ts if ts_min is None else ts_min,
            "ts_max": ts + PRECISION_SPAN_US[exact] - 1 if ts_max is None else ts_max,
            "utc_offset": self.tz_offset_s if utc_offset is None else utc_offset, "fold": 0,
        }  # fmt: skip

    # -- contacts, places, notices, trackers ----------------------------------------------------------------------

    def contact(
        self, contact_id: str, role: str = "unknown", declared: bool = True, identifiers: tuple[str, ...] = ()
    ) -> str:
        """Declare a contact, or say more of one that rows have named; returns its id.

        A contact that only rows name is undeclared, of unknown role, with one number made from its place in the case.
        """
        known = self._contacts.get(contact_id)
        number = len(self._contacts) + 1 if known is None else known["number"]
        self._contacts[contact_id] = {
            "number": number, "role": role, "declared": declared,
            "identifiers": identifiers or (f"+7701{number:07d}",),
        }  # fmt: skip
        return contact_id

    def _identifier(self, contact_id: str | None) -> str | None:
        if contact_id is None:
            return None
        if contact_id not in self._contacts:
            self.contact(contact_id, declared=False)
        return str(self._contacts[contact_id]["identifiers"][0])

    def place(
        self, place_id: str, kind: str = "home", lat: float = 43.2389, lon: float = 76.8897, radius: float = 150.0,
        shared_with: tuple[str, ...] = (), valid_from: str | None = None, valid_to: str | None = None,
    ) -> str:  # fmt: skip
        """Declare a place of the owner."""
        self._rows["places"].append({
            "place_id": place_id, "kind": kind, "lat": lat, "lon": lon, "radius_m": radius,
            "ts_from": _EVER_FROM if valid_from is None else self.utc(valid_from),
            "ts_to": _EVER_TO if valid_to is None else self.utc(valid_to),
            "shared_with": " ".join(shared_with), "basis": "declared",
        })  # fmt: skip
        return place_id

    def notice(
        self, contact_id: str, at: str | datetime, kind: str = "told_to_stop", precision: str | None = None, *,
        basis: str = "declared", record_id: str | None = None, refused: bool = False, ts_min: int | None = None,
        ts_max: int | None = None,
    ) -> None:  # fmt: skip
        """Add a notice."""
        self._identifier(contact_id)
        times = self._times(at, precision, None, ts_min, ts_max)
        self._rows["notices"].append({
            "contact_id": contact_id, "ts": times["ts"], "ts_min": times["ts_min"], "ts_max": times["ts_max"],
            "kind": kind, "basis": basis, "record_id": record_id, "refused": refused, "note": "",
        })  # fmt: skip

    def attribute(self, tracker_id: str, contact_id: str) -> None:
        """Say whose tracker it is; rows of the tracker added before and after belong to the contact then."""
        self._identifier(contact_id)
        self._rows["trackers"].append({"tracker_id": tracker_id, "contact_id": contact_id, "basis": "pairing record"})

    def coverage(
        self, start: str, end: str, *, channel: str = "phone", classes: str = "call", scope: str = "all",
        scope_id: str | None = None, source: str = "a", complete: str = "yes",
    ) -> None:  # fmt: skip
        """Say that a source covers a time."""
        ts_from, ts_to = self.utc(start), self.utc(end)
        shift = self.tz_offset_s * SECOND
        self._rows["coverage"].append({
            "source_id": self._source(source), "channel": channel, "classes": classes, "scope": scope,
            "scope_id": scope_id, "local_from": ts_from + shift, "local_to": ts_to + shift, "zone_basis": "case",
            "stated_offset_s": None, "basis": "declared", "complete": complete, "ts_from": ts_from, "ts_to": ts_to,
        })  # fmt: skip

    # -- rows -----------------------------------------------------------------------------------------------------

    @staticmethod
    def _source(name: str) -> str:
        """Return the source id of a short name: sources stand in the order of their names."""
        return f"{name:0<12}"

    def _keys(self, id_name: str, source: str, same_record: bool) -> dict[str, Any]:
        source_id = self._source(source)
        if same_record and source_id in self._count:
            self._sub[source_id] += 1
        else:
            self._count[source_id] = self._count.get(source_id, 0) + 1
            self._sub[source_id] = 1
        n, sub = self._count[source_id], self._sub[source_id]
        row_id = f"{source_id}#{n}" if sub == 1 else f"{source_id}#{n}.{sub}"
        return {"case_id": self.case_id, id_name: row_id, "source_id": source_id, "record": f"line:{n}", "n": n}

    def event(
        self, kind: str, contact_id: str | None, at: str | datetime, *, out: bool = False, channel: str = "phone",
        status: str = "unknown", thread_kind: str = "direct", thread_id: str | None = None, directed: str | None = None,
        answered: bool | None = None, duration: int | None = None, tags: str | None = None, how: str = "device",
        source: str = "a", same_record: bool = False, precision: str | None = None, identifier: str | None = None,
        duplicate_of: str | None = None, utc_offset: int | None = None, ts_min: int | None = None,
        ts_max: int | None = None, owner_line: str | None = None,
    ) -> str:  # fmt: skip
        """Add an event of any kind; returns its id.

        ``directed`` defaults to ``yes`` in direct threads and to ``no`` elsewhere. ``identifier`` defaults to the
        contact's first one; ``contact_id`` None is a caller who is nobody's.
        """
        whose = identifier or self._identifier(contact_id)
        self._identifier(contact_id)
        row = self._keys("event_id", source, same_record)
        row |= self._times(at, precision, utc_offset, ts_min, ts_max)
        row |= {
            "channel": channel, "kind": kind, "direction": "out" if out else "in", "status": status,
            "identifier": whose, "identifier_raw": whose, "identifier_kind": "none" if whose is None else "phone",
            "sender": None, "actor": "owner" if out else "contact", "via_identifier": None, "owner_line": owner_line,
            "thread_id": thread_id or whose, "thread_kind": thread_kind, "participants_n": None,
            "directed": directed or ("yes" if thread_kind == "direct" else "no"), "answered": answered,
            "duration_s": duration, "size": None, "attachment": None, "how": how, "written_at": None, "witness": None,
            "tags": tags, "contact_id": contact_id, "duplicate_of": duplicate_of,
        }  # fmt: skip
        self._rows["events"].append(row)
        return str(row["event_id"])

    def call(
        self, contact_id: str | None, at: str | datetime, *, answered: bool | None = False, duration: int | None = None,
        **more: Any,
    ) -> str:  # fmt: skip
        """Add a call; incoming and not answered unless said otherwise."""
        return self.event("call", contact_id, at, answered=answered, duration=duration, **more)

    def message(self, contact_id: str | None, at: str | datetime, **more: Any) -> str:
        """Add a message; incoming, direct, on SMS unless said otherwise."""
        return self.event("message", contact_id, at, **{"channel": "sms", **more})

    def email(self, contact_id: str | None, at: str | datetime, **more: Any) -> str:
        """Add an e-mail; incoming unless said otherwise."""
        return self.event("email", contact_id, at, **{"channel": "email", **more})

    def position(
        self, kind: str, contact_id: str | None, at: str | datetime, *, end: str | datetime | None = None,
        subject: str = "contact", subject_id: str | None = None, place: str | None = None, lat: float | None = None,
        lon: float | None = None, acc: float | None = None, how: str = "device", source: str = "p",
        same_record: bool = False, precision: str | None = None, duplicate_of: str | None = None,
        utc_offset: int | None = None, ts_min: int | None = None, ts_max: int | None = None,
        accuracy_kind: str = "unknown",
    ) -> str:  # fmt: skip
        """Add a position row of any kind; returns its id."""
        self._identifier(contact_id)
        row = self._keys("position_id", source, same_record)
        row |= self._times(at, precision, utc_offset, ts_min, ts_max)
        ends = row["ts"] if end is None else self.utc(end)
        row |= {
            "local_end": None if end is None else ends + self.tz_offset_s * SECOND, "end_offset_s": None, "kind": kind,
            "subject": subject, "subject_id": subject_id,
            "identifier": self._identifier(contact_id) if subject == "contact" else None, "identifier_raw": None,
            "sender": None, "lat": lat, "lon": lon, "accuracy_m": acc, "accuracy_kind": accuracy_kind, "place_id": place,
            "device_tag": None, "source_how": "unknown", "how": how, "written_at": None, "witness": None, "tags": None,
            "ts_end": ends, "contact_id": contact_id, "duplicate_of": duplicate_of,
        }  # fmt: skip
        self._rows["positions"].append(row)
        return str(row["position_id"])

    def _sighting(self, kind: str, contact_id: str, at: str | datetime, more: dict[str, Any]) -> str:
        return self.position(kind, contact_id, at, **{"how": "journal", "source": "j", **more})

    def seen(self, contact_id: str, at: str | datetime, **more: Any) -> str:
        """Add a journal row: the contact was seen."""
        return self._sighting("seen", contact_id, at, more)

    def waited(self, contact_id: str, at: str | datetime, **more: Any) -> str:
        """Add a journal row: the contact waited."""
        return self._sighting("waited", contact_id, at, more)

    def followed(self, contact_id: str, at: str | datetime, **more: Any) -> str:
        """Add a journal row: the contact followed the owner."""
        return self._sighting("followed", contact_id, at, more)

    def entered(self, contact_id: str, at: str | datetime, **more: Any) -> str:
        """Add a journal row: the contact entered a home or a car."""
        return self._sighting("entered", contact_id, at, more)

    def fix(self, contact_id: str, at: str | datetime, lat: float, lon: float, acc: float | None = 10.0,
            **more: Any) -> str:  # fmt: skip
        """Add one fix of the contact's device."""
        return self.position("fix", contact_id, at, lat=lat, lon=lon, acc=acc, **more)

    def owner(self, at: str | datetime, lat: float, lon: float, acc: float | None = 10.0, **more: Any) -> str:
        """Add one fix of the owner's own device."""
        return self.position("fix", None, at, subject="owner", lat=lat, lon=lon, acc=acc, **{"source": "o", **more})

    def visit(
        self, contact_id: str, at: str | datetime, end: str | datetime, lat: float = 43.2389, lon: float = 76.8897,
        **more: Any,
    ) -> str:  # fmt: skip
        """Add a visit of the contact, as an app inferred it; by default at the default place."""
        return self.position("visit", contact_id, at, end=end, lat=lat, lon=lon, **more)

    def tracker(
        self, tracker_id: str, at: str | datetime, lat: float | None = None, lon: float | None = None, *,
        kind: str = "tracker_sighting", source: str = "t", **more: Any,
    ) -> str:  # fmt: skip
        """Add a sighting of a tracker; it is nobody's until :meth:`attribute` says whose."""
        return self.position(
            kind, None, at, subject="tracker", subject_id=tracker_id, lat=lat, lon=lon, source=source, **more
        )

    # -- tables ---------------------------------------------------------------------------------------------------

    def _journal_coverage(self) -> list[dict[str, Any]]:
        """Say for every journal what its reader says: first to last row, and that it is not complete."""
        spans: dict[str, list[int]] = {}
        for row in (*self._rows["events"], *self._rows["positions"]):
            if row["how"] == "journal":
                spans.setdefault(row["source_id"], []).append(row["ts"])
        shift = self.tz_offset_s * SECOND
        return [
            {"source_id": source_id, "channel": "journal", "classes": "seen gift", "scope": "all", "scope_id": None,
             "local_from": min(times) + shift, "local_to": max(times) + shift, "zone_basis": "case",
             "stated_offset_s": None, "basis": "observed", "complete": "no", "ts_from": min(times), "ts_to": max(times)}
            for source_id, times in sorted(spans.items())
        ]  # fmt: skip

    def tables(self) -> CaseTables:
        """Return the resolved tables; they are checked against the schema."""
        owners = {row["tracker_id"]: row["contact_id"] for row in self._rows["trackers"]}
        positions = [
            row | {"contact_id": owners.get(row["subject_id"])} if row["subject"] == "tracker" else row
            for row in self._rows["positions"]
        ]
        contacts = [
            {"contact_id": name, "label": name, "role": c["role"], "declared": c["declared"],
             "identifiers": "\n".join(c["identifiers"])}
            for name, c in self._contacts.items()
        ]  # fmt: skip
        coverage = self._rows["coverage"] + self._journal_coverage()
        rows = self._rows | {"positions": positions, "contacts": contacts, "coverage": coverage}
        made = {
            name: pa.Table.from_pylist(rows[name], schema=TABLES[name])
            for name in ("events", "positions", "notices", "places", "contacts", "trackers", "coverage")
        }
        for name, table in made.items():
            validate(name, table)
        return CaseTables(case_id=self.case_id, **made)
