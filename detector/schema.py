"""Every table of qorgan, defined once: columns, units, meaning, allowed values.

The Arrow schemas below are the only definition. The documentation page (``docs/schema.md``), the validator
(:func:`validate`) and the hypothesis strategies of the tests are generated from the field metadata written here:

``meaning``
    one sentence;
``unit``
    the unit of a number, absent for text;
``allowed``
    the closed list of values of a text column, separated by ``|``;
``resolved``
    ``yes`` for a column that is not on disk but made by resolve from store and ``case.toml``;
``min`` / ``max``
    bounds of a number, inclusive.

Times are int64 microseconds. ``local_time`` is a wall clock reading (see ``zone_basis``); ``ts`` is UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: version 2 added the tables ``listed`` and ``unread``; a store of version 1 is read as one in which they are empty
SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)

CHANNELS = (
    "phone", "sms", "mms", "whatsapp", "telegram", "email", "google", "gpx", "swarm", "journal", "post", "internet",
    "in_person", "bluetooth", "signal", "viber", "messenger", "facebook", "instagram", "vk", "snapchat", "tiktok", "x",
    "discord", "line", "skype", "google_chat", "imessage", "facetime", "rcs", "tinder", "badoo", "life360", "other",
)  # fmt: skip
EVENT_KINDS = (
    "call", "message", "email", "request", "mention", "view", "account_access", "delivery", "gift", "payment",
    "third_party", "block", "unblock", "other",
)  # fmt: skip
POSITION_KINDS = (
    "fix", "path", "visit", "check_in", "share", "seen", "waited", "followed", "entered", "tracker_alert",
    "tracker_found", "tracker_sighting",
)  # fmt: skip
#: what a list in an export says of its entries: names in an address book are labels, never joins; a list without dates
#: can be a candidate for a notice and never is one by itself
LISTS = (
    "address_book",
    "blocked",
    "restricted",
    "muted",
    "reported",
    "friend",
    "follower",
    "following",
    "request_in",
    "request_out",
    "refused",
    "removed",
    "member",
    "other",
)
PRECISIONS = ("us", "ms", "s", "min", "h", "night", "morning", "afternoon", "evening", "day")
#: span of a reading of each precision, in microseconds; ``evening`` and the like are quarters of a day [P]
PRECISION_SPAN_US = {
    "us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000,
    "night": 6 * 3_600_000_000, "morning": 6 * 3_600_000_000, "afternoon": 6 * 3_600_000_000,
    "evening": 6 * 3_600_000_000, "day": 24 * 3_600_000_000,
}  # fmt: skip
#: hour of the day at which each part of a day begins [P]
PART_OF_DAY_START_H = {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}
ZONE_BASES = ("utc", "stated", "source", "case")
NOTICE_KINDS = ("told_to_stop", "blocked", "order_served", "police_warning")
NOTICE_BASES = ("declared", "device", "journal")
ROLES = (
    "unknown", "stranger", "acquaintance", "friend", "partner", "former_partner", "family", "relative", "co_parent",
    "neighbour", "colleague", "former_colleague", "employer", "former_employer", "service", "lawful_role",
)  # fmt: skip
PLACE_KINDS = ("home", "work", "school", "gym", "family_home", "other")


class TableError(ValueError):
    """A table does not fit its schema: names table, column, row and source record."""


def _f(
    name: str, kind: pa.DataType, meaning: str, *, null: bool = False, unit: str = "", allowed: tuple[str, ...] = (),
    resolved: bool = False, lo: float | None = None, hi: float | None = None,
) -> pa.Field:  # fmt: skip
    meta = {"meaning": meaning}
    if unit:
        meta["unit"] = unit
    if allowed:
        meta["allowed"] = "|".join(allowed)
    if resolved:
        meta["resolved"] = "yes"
    if lo is not None:
        meta["min"] = repr(lo)
    if hi is not None:
        meta["max"] = repr(hi)
    return pa.field(name, kind, nullable=null, metadata=meta)


S, I64, I32, F64, B = pa.string(), pa.int64(), pa.int32(), pa.float64(), pa.bool_()
#: 0001-01-01 to 9999-12-31: what a calendar can say; readers reject what a phone cannot mean
T_MIN, T_MAX = -62_135_596_800_000_000, 253_402_300_799_999_999


def _keys(id_name: str) -> list[pa.Field]:
    return [
        _f("case_id", S, "id of the case, from case.toml"),
        _f(id_name, S, "<source_id>#<n>, with .2, .3 for further rows of one record"),
        _f("source_id", S, "first 12 hex digits of the SHA-256 of the source"),
        _f("record", S, "locator of the record in its source: line:12, xml:/smses/sms[4], json:/messages/17 ..."),
        _f("n", I64, "number of the record in its source, from 1", lo=1),
    ]


def _times() -> list[pa.Field]:
    return [
        _f("local_time", I64, "wall clock reading as the file has it (UTC itself where zone_basis is utc)",
           unit="µs since 1970-01-01T00:00 of that clock", lo=T_MIN, hi=T_MAX),
        _f("stated_offset_s", I32, "offset from UTC that the file states with the time", null=True, unit="s",
           lo=-64_800, hi=64_800),
        _f("ts_precision", S, "how exact the reading is", allowed=PRECISIONS),
        _f("zone_basis", S, "utc: local_time is UTC; stated: with stated_offset_s; source / case: the zone comes from "
           "[[source]] timezone or [case] timezone", allowed=ZONE_BASES),
    ]  # fmt: skip


def _resolved_times() -> list[pa.Field]:
    return [
        _f("ts", I64, "the moment", unit="µs UTC", resolved=True),
        _f("ts_min", I64, "earliest moment that the reading allows", unit="µs UTC", resolved=True),
        _f("ts_max", I64, "latest moment that the reading allows", unit="µs UTC", resolved=True),
        _f("utc_offset", I32, "offset in force where the phone was", unit="s", resolved=True),
        _f("fold", I32, "0, or 1 for the second reading of a doubled hour", resolved=True, lo=0, hi=1),
        _f("contact_id", S, "id of the contact, null if nobody is known", null=True, resolved=True),
        _f("duplicate_of", S, "id of the kept row of which this is a further witness", null=True, resolved=True),
    ]


def _statement() -> list[pa.Field]:
    return [
        _f("how", S, "what wrote the record", allowed=("device", "operator", "lab", "app", "journal")),
        _f("written_at", I64, "when the record was written down, where that differs from when it happened",
           null=True, unit="µs of the same clock as local_time", lo=T_MIN, hi=T_MAX),
        _f("witness", S, "yes if somebody else is said to have seen it (never who)", null=True, allowed=("yes", "no")),
        _f("tags", S, "words of the reader, separated by blanks (never content): hangup, mention=<identifier> ...",
           null=True),
    ]  # fmt: skip


EVENTS = pa.schema(
    [
        *_keys("event_id"),
        *_times(),
        _f("channel", S, "the way that was used", allowed=CHANNELS),
        _f("kind", S, "what it was, in the words of the laws' commentators", allowed=EVENT_KINDS),
        _f("direction", S, "seen from the owner; unknown where only names are given (resolve settles it by sender)",
           allowed=("in", "out", "unknown")),
        _f("status", S, "state of delivery", allowed=("sent", "delivered", "failed", "pending", "unknown")),
        _f("identifier", S, "normalised identifier of the other side (of the peer of a direct thread); null if "
           "withheld or not named", null=True),
        _f("identifier_raw", S, "the same as the file writes it", null=True),
        _f("identifier_kind", S, "what the identifier is",
           allowed=("phone", "short", "alpha", "mail", "app_id", "name", "label", "withheld", "unknown_caller",
                    "payphone", "none", "raw")),
        _f("sender", S, "normalised identifier of who wrote it, where the file names senders instead of directions",
           null=True),
        _f("actor", S, "who acted", allowed=("owner", "contact", "third", "unknown")),
        _f("via_identifier", S, "number or account that carried it, if it is not the other side's own", null=True),
        _f("owner_line", S, "the owner's number, SIM or account that was used", null=True),
        _f("thread_id", S, "id of the thread: a native id, an identifier, or 10 hex of a hash (never a title)",
           null=True),
        _f("thread_kind", S, "kind of the thread", allowed=("direct", "group", "channel", "self", "unknown")),
        _f("participants_n", I32, "people in the thread, the owner included", null=True, unit="persons", lo=0),
        _f("directed", S, "is it directed at the owner (in a group: mention, reply, adding)",
           allowed=("yes", "no", "unknown")),
        _f("answered", B, "was the call answered; null if it cannot be told", null=True),
        _f("duration_s", I64, "talk time", null=True, unit="s", lo=0),
        _f("size", I64, "length of the text", null=True, unit="characters", lo=0),
        _f("attachment", S, "kind of attachment", null=True,
           allowed=("none", "image", "video", "audio", "voice", "sticker", "animation", "document", "contact",
                    "location", "poll", "call", "deleted", "view_once", "omitted", "other")),
        *_statement(),
        *_resolved_times(),
    ],
    metadata={"table": "events", "row": "one communication"},
)  # fmt: skip

POSITIONS = pa.schema(
    [
        *_keys("position_id"),
        *_times(),
        _f("local_end", I64, "end of a visit or sighting, same clock as local_time", null=True, unit="µs",
           lo=T_MIN, hi=T_MAX),
        _f("end_offset_s", I32, "offset stated with the end, if it differs from stated_offset_s", null=True, unit="s",
           lo=-64_800, hi=64_800),
        _f("kind", S, "what the row is: a fix of a device, a visit inferred by an app, a sighting by a person ...",
           allowed=POSITION_KINDS),
        _f("subject", S, "whose position", allowed=("owner", "contact", "tracker")),
        _f("subject_id", S, "id of the tracker, or of the device of the subject", null=True),
        _f("identifier", S, "normalised identifier of the contact (or label, in a journal)", null=True),
        _f("identifier_raw", S, "the same as the file writes it", null=True),
        _f("sender", S, "who sent the position, where the file names senders (see events.sender)", null=True),
        _f("lat", F64, "latitude, WGS 84", null=True, unit="degrees", lo=-90.0, hi=90.0),
        _f("lon", F64, "longitude, WGS 84", null=True, unit="degrees", lo=-180.0, hi=180.0),
        _f("accuracy_m", F64, "stated error; null when unknown, never 0", null=True, unit="m", lo=1e-9),
        _f("accuracy_kind", S, "what the error means", allowed=("r68", "r95", "radius", "unknown")),
        _f("place_id", S, "id of the owner's place, where a person wrote it", null=True),
        _f("device_tag", S, "device that recorded it, as the file names it", null=True),
        _f("source_how", S, "technique", allowed=("gps", "wifi", "cell", "check_in", "visit", "path", "share",
                                                  "bluetooth", "person", "unknown")),
        *_statement(),
        _f("ts_end", I64, "end of the row's interval; equals ts for a moment", unit="µs UTC", resolved=True),
        *_resolved_times(),
    ],
    metadata={"table": "positions", "row": "one fix, visit or sighting"},
)  # fmt: skip

LISTED = pa.schema(
    [
        *_keys("entry_id"),
        *(f.with_nullable(True) for f in _times()),
        _f("channel", S, "the app or way that the list belongs to", allowed=CHANNELS),
        _f("list", S, "which list: an address book, a block list ...", allowed=LISTS),
        _f("identifier", S, "normalised identifier of the entry", null=True),
        _f("identifier_raw", S, "the same as the file writes it", null=True),
        _f("identifier_kind", S, "what the identifier is",
           allowed=("phone", "short", "alpha", "mail", "app_id", "name", "label", "withheld", "unknown_caller",
                    "payphone", "none", "raw")),
        _f("label", S, "the name that the list gives to the entry: shown, never used to join", null=True),
        _f("tags", S, "words of the reader, separated by blanks (never content)", null=True),
    ],
    metadata={"table": "listed", "row": "one entry of a list: an address book, blocked accounts, requests without a date"},
)  # fmt: skip

UNREAD = pa.schema(
    [
        _f("source_id", S, "first 12 hex digits of sha256"),
        _f("name", S, "file name, or name of the member of an archive"),
        _f("container", S, "file name of the archive, null for a file", null=True),
        _f("bytes", I64, "size", unit="bytes", lo=0),
        _f("sha256", S, "hash of the bytes"),
        _f("reason", S, "why nothing of it was read"),
    ],
    metadata={"table": "unread", "row": "one file that was handed over and of which nothing was read"},
)

SOURCES = pa.schema(
    [
        _f("source_id", S, "first 12 hex digits of sha256"),
        _f("name", S, "file name, or name of the member of an archive"),
        _f("container", S, "file name of the archive, null for a file", null=True),
        _f("bytes", I64, "size", unit="bytes", lo=0),
        _f("sha256", S, "hash of the bytes of the source"),
        _f("format", S, "id of the format"),
        _f("reader", S, "module of the reader"),
        _f("reader_version", I32, "version of the reader's frozen description", lo=1),
        _f("options", S, "options of case.toml that were used, as JSON"),
        _f("owner_identifiers", S, "identifiers that the file itself shows to be the owner's, as JSON list"),
        _f("notes", S, "what the reader noticed about the file, one note a line (never content)"),
        _f("read", I64, "records read", unit="records", lo=0),
        _f("kept", I64, "records kept", unit="records", lo=0),
        _f("rejected", I64, "records rejected", unit="records", lo=0),
        _f("out_of_scope", I64, "records out of scope", unit="records", lo=0),
    ],
    metadata={"table": "sources", "row": "one source"},
)

COVERAGE = pa.schema(
    [
        _f("source_id", S, "the source"),
        _f("channel", S, "the channel", allowed=CHANNELS),
        _f("classes", S, "kinds of rows that the source can hold for that channel, separated by blanks"),
        _f("scope", S, "what it covers", allowed=("all", "thread", "identifier")),
        _f("scope_id", S, "the thread or identifier, where the scope is one", null=True),
        _f("local_from", I64, "begin of the interval, clock as in zone_basis", unit="µs", lo=T_MIN, hi=T_MAX),
        _f("local_to", I64, "end of the interval", unit="µs", lo=T_MIN, hi=T_MAX),
        _f("zone_basis", S, "clock of the two", allowed=ZONE_BASES),
        _f("stated_offset_s", I32, "offset, where zone_basis is stated", null=True, unit="s"),
        _f("basis", S, "observed: first to last record; declared: the file says so; cap: a log that keeps its last "
           "entries", allowed=("declared", "observed", "cap")),
        _f("complete", S, "does the source hold everything of that time", allowed=("yes", "no", "unknown")),
        _f("ts_from", I64, "begin", unit="µs UTC", resolved=True),
        _f("ts_to", I64, "end", unit="µs UTC", resolved=True),
    ],
    metadata={"table": "coverage", "row": "what a source covers"},
)  # fmt: skip

REJECTS = pa.schema(
    [
        _f("source_id", S, "the source"),
        _f("record", S, "locator of the record"),
        _f("n", I64, "number of the record in its source", lo=1),
        _f("reason", S, "why it could not be used (never content)"),
    ],
    metadata={"table": "rejects", "row": "one record that could not be used"},
)

WITNESSES = pa.schema(
    [
        _f("event_id", S, "the kept row"),
        _f("source_id", S, "source of the further record"),
        _f("witness_id", S, "event or position id of the further record"),
        _f("record", S, "its locator"),
        _f("difference_us", I64, "its time minus the kept time", unit="µs"),
    ],
    metadata={"table": "witnesses", "row": "a further record of a kept event"},
)

PLACES = pa.schema(
    [
        _f("place_id", S, "id"),
        _f("kind", S, "kind", allowed=PLACE_KINDS),
        _f("lat", F64, "latitude", unit="degrees", lo=-90.0, hi=90.0),
        _f("lon", F64, "longitude", unit="degrees", lo=-180.0, hi=180.0),
        _f("radius_m", F64, "radius", unit="m", lo=1.0),
        _f("ts_from", I64, "begin of validity", unit="µs UTC"),
        _f("ts_to", I64, "end of validity", unit="µs UTC"),
        _f("shared_with", S, "contact ids that share the place, separated by blanks"),
        _f("basis", S, "how it is known", allowed=("declared",)),
    ],
    metadata={"table": "places", "row": "one place of the owner's life"},
)

CONTACTS = pa.schema(
    [
        _f("contact_id", S, "id"),
        _f("label", S, "label"),
        _f("role", S, "declared role", allowed=ROLES),
        _f("declared", B, "is it declared in case.toml"),
        _f("identifiers", S, "identifiers, separated by line feeds"),
    ],
    metadata={"table": "contacts", "row": "one contact"},
)

NOTICES = pa.schema(
    [
        _f("contact_id", S, "to whom"),
        _f("ts", I64, "the moment", unit="µs UTC"),
        _f("ts_min", I64, "earliest moment", unit="µs UTC"),
        _f("ts_max", I64, "latest moment", unit="µs UTC"),
        _f("kind", S, "kind", allowed=NOTICE_KINDS),
        _f("basis", S, "how it is known", allowed=NOTICE_BASES),
        _f("record_id", S, "event id behind it, null if declared", null=True),
        _f("refused", B, "refused by [[notice_refused]]"),
        _f("note", S, "the declared basis or the reason of the refusal"),
    ],
    metadata={"table": "notices", "row": "a dated moment from which contact is known to be unwanted"},
)

TRACKERS = pa.schema(
    [
        _f("tracker_id", S, "id"),
        _f("contact_id", S, "to whom it is attributed"),
        _f("basis", S, "why"),
    ],
    metadata={"table": "trackers", "row": "an attributed tracker"},
)

TABLES: dict[str, pa.Schema] = {
    "events": EVENTS,
    "positions": POSITIONS,
    "places": PLACES,
    "contacts": CONTACTS,
    "notices": NOTICES,
    "trackers": TRACKERS,
    "sources": SOURCES,
    "coverage": COVERAGE,
    "witnesses": WITNESSES,
    "rejects": REJECTS,
    "listed": LISTED,
    "unread": UNREAD,
}
#: tables that ingest writes; the others are made by resolve
STORED = ("events", "positions", "sources", "coverage", "rejects", "listed", "unread")


@dataclass(frozen=True, slots=True)
class Column:
    """One column with its metadata as plain values."""

    table: str
    name: str
    type: pa.DataType
    nullable: bool
    meaning: str
    unit: str
    allowed: tuple[str, ...]
    resolved: bool
    lo: float | None
    hi: float | None


def columns(table: str) -> Iterator[Column]:
    """Yield the columns of a table with their metadata."""
    for field in TABLES[table]:
        meta = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        yield Column(
            table, field.name, field.type, field.nullable, meta.get("meaning", ""), meta.get("unit", ""),
            tuple(meta["allowed"].split("|")) if "allowed" in meta else (), meta.get("resolved") == "yes",
            _bound(meta["min"]) if "min" in meta else None, _bound(meta["max"]) if "max" in meta else None,
        )  # fmt: skip


def _bound(text: str) -> float:
    """Return a bound as it was written: a whole number stays one, because a float cannot hold every microsecond."""
    return int(text) if text.lstrip("-").isdigit() else float(text)


def stored_schema(table: str) -> pa.Schema:
    """Return the schema of a table as it lies on disk: without the resolved columns."""
    schema = TABLES[table]
    fields = [f for f in schema if (f.metadata or {}).get(b"resolved") != b"yes"]
    return pa.schema(fields, metadata=schema.metadata)


def empty(table: str, *, stored: bool = False) -> pa.Table:
    """Return an empty table of the schema."""
    return (stored_schema(table) if stored else TABLES[table]).empty_table()


def _row_name(table: pa.Table, row: int) -> str:
    known = table.column_names
    parts = []
    if "source_id" in known:
        parts.append(f"source {table['source_id'][row].as_py()}")
    if "record" in known:
        parts.append(f"record {table['record'][row].as_py()}")
    return f" ({', '.join(parts)})" if parts else ""


def validate(name: str, data: pa.Table, *, stored: bool = False) -> None:
    """Refuse a table that does not fit its schema.

    Parameters
    ----------
    name : str
        Name of the table, a key of :data:`TABLES`.
    data : pyarrow.Table
        The table.
    stored : bool
        Judge it as it lies on disk, that is without the resolved columns.

    Raises
    ------
    TableError
        Names table, column, row (from 0) and the source record.
    """
    schema = stored_schema(name) if stored else TABLES[name]
    have, want = data.column_names, schema.names
    if have != want:
        missing = [c for c in want if c not in have]
        extra = [c for c in have if c not in want]
        detail = f"missing {missing}" if missing else f"unknown {extra}" if extra else "columns are in another order"
        raise TableError(f"table {name}: {detail}")
    for col in columns(name):
        if col.name not in want:
            continue
        values = data[col.name]
        if values.type != col.type:
            raise TableError(f"table {name}, column {col.name}: is {values.type}, must be {col.type}")
        bad: pa.ChunkedArray | None = None
        why = ""
        if not col.nullable and values.null_count:
            bad, why = pc.is_null(values), "must not be empty"
        elif col.allowed:
            ok = pc.is_in(values, value_set=pa.array(col.allowed, pa.string()))
            bad = pc.and_(pc.invert(ok), pc.is_valid(values))
            why = f"not one of {', '.join(col.allowed)}"
        elif col.lo is not None or col.hi is not None:
            bad, why = _out_of_bounds(values, col)
        if bad is not None and pc.any(bad).as_py():
            row = pc.index(bad, True).as_py()
            shown = "" if col.allowed == () and why == "must not be empty" else f" {values[row].as_py()!r}"
            raise TableError(f"table {name}, column {col.name}, row {row}{_row_name(data, row)}:{shown} {why}")


def _out_of_bounds(values: pa.ChunkedArray, col: Column) -> tuple[pa.ChunkedArray | None, str]:
    bad: Any = None
    for bound, test, word in ((col.lo, pc.less, "below"), (col.hi, pc.greater, "above")):
        if bound is None:
            continue
        limit = pa.scalar(bound if pa.types.is_floating(col.type) else int(bound), col.type)
        hit = pc.fill_null(test(values, limit), False)
        if pc.any(hit).as_py():
            return hit, f"is {word} {bound:g}"
        bad = hit
    if pa.types.is_floating(col.type):
        return pc.fill_null(pc.invert(pc.is_finite(values)), False), "is not a finite number"
    return bad, ""
