"""Reader of the call history of iOS and macOS: ``CallHistory.storedata`` (Core Data) and the older ``call_history.db``.

The same log serves the phone, FaceTime and every app that rings through CallKit (WhatsApp, Telegram, Signal ...): the
provider of the service says which. Who took part in a group call stands in a table whose name and columns carry numbers
that differ from version to version (``Z_2REMOTEPARTICIPANTHANDLES``); they are found by their pattern.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import Allowed
from pipelines.readers._cocoa import cocoa_us
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sqlite import Database, open_database, tables_of, text, whole
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Sink,
    SourceFile,
    implausible_time,
)
from pipelines.readers.sms_backup_xml import group_thread_id

_MODERN, _LEGACY = "ZCALLRECORD", "call"
_MODERN_NEEDS = ("ZDATE", "ZORIGINATED")
_LEGACY_NEEDS = ("address", "date", "duration", "flags")
_MODERN_COLUMNS = (
    "ZDATE", "ZDURATION", "ZORIGINATED", "ZANSWERED", "ZADDRESS", "ZCALLTYPE", "ZSERVICE_PROVIDER",
    "ZDISCONNECTED_CAUSE", "ZJUNKCONFIDENCE",
)  # fmt: skip

#: beginning of the bundle id of a provider, lower case: channel
PROVIDERS = {
    "com.apple.telephony": "phone",
    "com.apple.facetime": "facetime",
    "net.whatsapp.": "whatsapp",
    "ph.telegra.": "telegram",
    "org.whispersystems.signal": "signal",
    "com.viber": "viber",
    "com.facebook.messenger": "messenger",
    "com.facebook.facebook": "facebook",
    "com.burbn.instagram": "instagram",
    "com.toyopagroup.picaboo": "snapchat",
    "com.vk.": "vk",
    "com.hammerandchisel.discord": "discord",
    "com.skype.": "skype",
    "jp.naver.line": "line",
    "com.google.dynamite": "google_chat",
    "com.zhiliaoapp.musically": "tiktok",
}
#: apps that know their users by telephone number
_BY_NUMBER = frozenset({"phone", "facetime", "whatsapp", "viber"})
#: a time counted from 1970 that lies before this is no call of an iPhone, which came out in 2007: it is counted from 2001
UNIX_FROM = 1_167_609_600
#: entries that the log is known to keep, about [public test devices: 1,003]
CAP = 1000
LEGACY_CAP = 100
#: people in one call that are remembered; a database with more is hostile [P]
_MAX_PEOPLE = 1000

_JOIN_TABLE = re.compile(r"Z_\d+REMOTEPARTICIPANTHANDLES", re.IGNORECASE)
_JOIN_CALL = re.compile(r"Z_\d+REMOTEPARTICIPANTCALLS", re.IGNORECASE)
_JOIN_HANDLE = re.compile(r"Z_\d+REMOTEPARTICIPANTHANDLES", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9][0-9()./\- \u00a0]{1,30}", re.ASCII)
_INTERNATIONAL = re.compile(r"\+[0-9][0-9()./\- \u00a0]{5,30}", re.ASCII)
_JID = re.compile(r"(\d{6,16})(?:[.:]\d+)*@(?:s\.whatsapp\.net|c\.us)", re.ASCII)
#: what native ids are made of (numbers, UUIDs, account names): anything with a blank is the name of somebody
_NATIVE = re.compile(r"[\w.@:+\-/=]{1,120}")

#: columns that may be seen
_SHOWN = """
Z_PK Z_ENT Z_OPT ZDATE ZDURATION ZORIGINATED ZANSWERED ZADDRESS ZCALLTYPE ZSERVICE_PROVIDER ZREAD ZUNIQUE_ID
ZDISCONNECTED_CAUSE ZJUNKCONFIDENCE ZISO_COUNTRY_CODE ZHANDLE_TYPE ZNUMBER_AVAILABILITY ZFACE_TIME_DATA
ZVERIFICATIONSTATUS ZCALL_CATEGORY ROWID address date duration flags id read country_code network_code assisted
"""

_Who = tuple[str | None, str | None, str]


def provider_channel(provider: str | None, call_type: int | None) -> str:
    """Return the channel of a call by the bundle id of its provider, else by the type of the call."""
    if provider:
        low = provider.lower()
        return next((channel for start, channel in PROVIDERS.items() if low.startswith(start)), "internet")
    if call_type is None or call_type == 1:  # before providers were recorded the log was that of the phone alone
        return "phone"
    return "facetime" if call_type in (8, 16) else "internet"


def caller(
    raw: str | None, channel: str, provider: str | None, phone: Callable[[str | None], tuple[str | None, str]]
) -> _Who:
    """Return identifier, raw text and kind of the other side of a call.

    Parameters
    ----------
    raw : str or None
        Address as the log has it: a number, a mail address, an id of the app, a name; empty if the number was withheld.
    channel, provider : str
        Whose id it is.
    phone : callable
        Normalises numbers (see :class:`pipelines.readers.base.Context`).
    """
    if raw is None:
        return None, None, "none"
    if not clean(raw):
        return None, None, "withheld"
    given = clean(raw)
    if channel in ("phone", "facetime"):
        identifier, kind = phone(given)
        return identifier, given, kind
    if jid := _JID.fullmatch(given):
        identifier, kind = phone("+" + jid.group(1))
        return identifier, given, kind
    if _INTERNATIONAL.fullmatch(given) or (channel in _BY_NUMBER and _NUMBER.fullmatch(given)):
        identifier, kind = phone(given)
        if kind == "phone":
            return identifier, given, kind
    app = channel if channel != "internet" else (provider or "internet").lower()
    if "@" in given and not given.startswith("@") and channel == "internet":
        identifier, kind = phone(given)
        if kind == "mail":
            return identifier, given, kind
    if _NATIVE.fullmatch(given):
        return f"{app}:{given}", given, "app_id"
    return name_identifier(app, given), given, "name"


class _Reading:
    """One pass over a log."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self._db = db
        self._phone = context.phone
        self._out = out
        self._spans: dict[str, list[int]] = {}
        self._counts: Counter[str] = Counter()
        self._apps: Counter[str] = Counter()
        self._who: dict[tuple[str | None, str, str | None], _Who] = {}
        self._rows = RowBuffer(
            out.events,
            (
                "n", "record", "local_time", "ts_precision", "channel", "direction", "identifier", "identifier_raw",
                "identifier_kind", "actor", "thread_id", "thread_kind", "participants_n", "directed", "answered",
                "duration_s", "tags",
            ),
            {"kind": "call", "zone_basis": "utc"},
        )  # fmt: skip

    def _caller(self, raw: str | None, channel: str, provider: str | None) -> _Who:
        key = (raw, channel, provider)
        found = self._who.get(key)
        if found is None:
            found = caller(raw, channel, provider, self._phone)
            if len(self._who) < 100_000:
                self._who[key] = found
        return found

    def _people(self) -> dict[int, list[str]]:
        """Return who took part in each call, besides the owner, where the log says it."""
        values: dict[int, str] = {}
        for rowid, value in self._db.lookup("ZHANDLE", ["ZVALUE"]):
            if (given := text(value)) is not None:
                values[rowid] = given
        people: dict[int, list[str]] = {}
        for table, columns in sorted(self._db.tables.items()):
            if _JOIN_TABLE.fullmatch(table) is None:
                continue
            call = next((c for c in columns if _JOIN_CALL.fullmatch(c)), None)
            handle = next((c for c in columns if _JOIN_HANDLE.fullmatch(c)), None)
            if call is None or handle is None:
                continue
            for _, at, who in self._db.lookup(table, [call, handle]):
                value = values.get(who) if isinstance(who, int) else None
                if value is None or not isinstance(at, int):
                    continue
                there = people.setdefault(at, [])
                if value not in there and len(there) < _MAX_PEOPLE:
                    there.append(value)
        return people

    def modern(self) -> None:
        """Read ``ZCALLRECORD``."""
        self._db.require(_MODERN, *_MODERN_NEEDS)
        people = self._people()
        for block in self._db.scan(_MODERN, _MODERN_COLUMNS):
            columns = [block.columns[name] for name in _MODERN_COLUMNS]
            for n, rowid, record, values in zip(
                block.n, block.rowids, block.records, zip(*columns, strict=True), strict=True
            ):
                self._modern_row(n, record, values, people.get(rowid, ()))
        self._rows.flush()

    def _modern_row(self, n: int, record: str, values: tuple[Any, ...], people: Sequence[str]) -> None:
        date, length, originated, answered_flag, address, type_, provider_raw, cause, junk = values
        us, precision = cocoa_us(date)
        why = "no time" if date is None else "time is not readable" if us is None else implausible_time(us)
        if why is not None or us is None:
            self._out.reject(n, record, why or "no time")
            return
        call_type, provider = whole(type_), text(provider_raw)
        channel = provider_channel(provider, call_type)
        if channel == "internet":
            self._apps["calls by apps that have no channel of their own"] += 1
        out_flag = whole(originated)
        direction = {0: "in", 1: "out"}.get(-1 if out_flag is None else out_flag, "unknown")
        if direction == "unknown":
            self._counts["calls whose direction is not told"] += 1
        seconds = _seconds(length)
        answered, seconds = self._answered(direction, whole(answered_flag), seconds, channel)

        given = "" if address in ("", b"") else text(address)
        group = len(people) > 1
        if not given and len(people) == 1:
            given = people[0]
        identifier, raw, kind = self._caller(given, channel, provider)
        tags = []
        if call_type in (8, 16) or (provider and provider.lower().startswith("com.apple.facetime")):
            tags += ["video"] if call_type == 8 else ["audio"] if call_type == 16 else []
        if whole(cause):
            tags.append(f"cause={whole(cause)}")
        if (doubt := whole(junk)) is not None and doubt > 0:
            tags.append(f"junk={doubt}")
        if not group:
            if identifier is None and given is None:
                self._counts["calls that name nobody"] += 1
            thread: tuple[Any, ...] = (identifier, "direct", None, _directed(direction))
        else:
            members = [self._caller(p, channel, provider)[0] or "" for p in people]
            if direction == "out":  # outgoing rows of a group belong to no single contact
                identifier, raw, kind = None, None, "none"
            named = direction == "in" and identifier is not None
            thread = (
                group_thread_id(members), "group", len(people) + 1,
                "no" if direction == "out" else "yes" if named else "unknown",
            )  # fmt: skip
            self._counts["group calls"] += 1
        self._keep(
            n, record, us, precision, channel, direction, identifier, raw, kind, thread, answered, seconds, tags
        )  # fmt: skip

    def _answered(
        self, direction: str, flag: int | None, seconds: int | None, channel: str
    ) -> tuple[bool | None, int | None]:
        """Return whether a call was answered, and its talk time."""
        if direction == "out":
            return (None if seconds is None else seconds > 0), seconds
        if flag is None:
            return (True if seconds else None), seconds
        if flag:
            return True, seconds
        if seconds and channel != "phone":
            # apps do not all keep the flag: a talk that has a length is not called missed, and not called answered
            self._counts["calls of apps with a length that are marked as not answered, left open"] += 1
            return None, seconds
        if seconds:
            self._counts["calls that were not answered and have a length, which is left out"] += 1
        return False, None

    def legacy(self) -> None:
        """Read ``call`` of iOS up to 7."""
        self._db.require(_LEGACY, *_LEGACY_NEEDS)
        for block in self._db.scan(_LEGACY, _LEGACY_NEEDS):
            columns = [block.columns[name] for name in _LEGACY_NEEDS]
            for n, record, values in zip(block.n, block.records, zip(*columns, strict=True), strict=True):
                self._legacy_row(n, record, values)
        self._rows.flush()

    def _legacy_row(self, n: int, record: str, values: tuple[Any, ...]) -> None:
        address, date_raw, length, flags_raw = values
        date = whole(date_raw)
        if date is None:
            self._out.reject(n, record, "no time" if date_raw is None else "time is not readable")
            return
        if date >= UNIX_FROM:
            us, epoch = date * 1_000_000, "1970"
        else:
            us, epoch = cocoa_us(date)[0] or 0, "2001"
        if why := ("time is zero: no time was recorded" if date == 0 else implausible_time(us)):
            self._out.reject(n, record, why)
            return
        self._counts[f"times that were read as counted from {epoch}"] += 1
        flags, seconds = whole(flags_raw), _seconds(length)
        channel = "facetime" if flags is not None and flags & 16 else "phone"
        answered: bool | None
        if flags is None or (flags and not flags & 0b11101):
            direction, answered = "unknown", None
            self._counts["calls whose direction is not told"] += 1
        elif flags & 1:
            direction, answered = "out", None if seconds is None else seconds > 0
        else:
            direction, answered = "in", None if seconds is None else seconds > 0
        tags = []
        if flags is not None and flags & 8:
            direction, answered, seconds = "in", False, None
            tags.append("blocked")
        given = "" if address in ("", b"") else text(address)
        identifier, raw, kind = self._caller(given, channel, None)
        thread = (identifier, "direct", None, _directed(direction))
        if answered is False and direction == "in":
            seconds = None
        self._keep(n, record, us, "s", channel, direction, identifier, raw, kind, thread, answered, seconds, tags)

    def _keep(
        self, n: int, record: str, us: int, precision: str, channel: str, direction: str, identifier: str | None,
        raw: str | None, kind: str, thread: tuple[Any, ...], answered: bool | None, seconds: int | None, tags: list[str],
    ) -> None:  # fmt: skip
        actor = {"in": "contact", "out": "owner"}.get(direction, "unknown")
        self._rows.add(
            n, record, us, precision, channel, direction, identifier, raw, kind, actor, *thread, answered, seconds,
            " ".join(tags) or None,
        )  # fmt: skip
        span = self._spans.setdefault(channel, [us, us])
        span[0], span[1] = min(span[0], us), max(span[1], us)

    def conclude(self, legacy: bool) -> None:
        """Say what the log as a whole is like."""
        out = self._out
        self._db.settle(out)
        for channel, (first, last) in sorted(self._spans.items()):
            out.coverage(
                channel, "call", scope="all", local_from=first, local_to=last, zone_basis="utc", basis="cap",
                complete="unknown",
            )  # fmt: skip
        for what, count in sorted((self._counts + self._apps).items()):
            out.note(f"{what}: {count}")
        if legacy:
            out.note(f"this log keeps only its newest {LEGACY_CAP} calls: earlier ones are not in it")
            return
        out.note(
            f"this log keeps about its newest {CAP:,} calls, shares them with the other devices of the same Apple account, and "
            "is left out of backups that are not encrypted: not every call was taken on this device, and absence shows nothing"
        )
        if gone := self._gone():
            out.note(f"{gone} calls that the log once held are no longer in it (its limit, or deletion)")

    def _gone(self) -> int:
        """Return how many calls were removed: the highest key ever given, less the rows."""
        rows = self._db.rows_of(_MODERN)
        for _, name, highest in self._db.lookup("Z_PRIMARYKEY", ["Z_NAME", "Z_MAX"]):
            if name == "CallRecord" and isinstance(highest, int) and rows is not None:
                return max(0, highest - rows)
        return 0


def _directed(direction: str) -> str:
    return {"in": "yes", "out": "no"}.get(direction, "unknown")


def _seconds(value: Any) -> int | None:
    seconds = whole(value)
    return seconds if seconds is not None and 0 <= seconds < 10**8 else None


class IosCalls:
    """Reader of format ``ios-calls``."""

    description = Description(
        id="ios-calls",
        version=1,
        title="Call history of iOS and macOS (CallHistory.storedata, call_history.db)",
        channels=("phone", "facetime", "whatsapp", "telegram", "signal", "viber", "messenger", "instagram", "skype", "line",
                  "snapchat", "vk", "discord", "facebook", "google_chat", "tiktok", "internet"),
        counts="rows of ZCALLRECORD, or of call in the older form, in the order of their ids",
        knowledge="public parsers (iLEAPP, imessage-exporter), forensic write-ups of the group tables and of the old flags",
        evidence="public code",
        cannot_tell=(
            "which device of the same Apple account took or made a call",
            "missed or declined: the cause of the end (tag cause=) is not documented by Apple",
            "whether an outgoing call of 0 s rang",
            "who began an incoming group call that names no caller",
            "a call that was deleted, or fell out of the log, which keeps about a thousand (the older form a hundred)",
            "where somebody was: the location text is that of the number plan and is not read",
            "the owner's number or SIM",
            "the flags of the older form beyond outgoing, phone, blocked and FaceTime",
        ),
        versions="no file seen; iOS 12 to 18 and the older form as public code reads them, columns by name",
        clock_s=2,
        call_start="unknown",
    )  # fmt: skip
    allowed = Allowed(keys=frozenset(_SHOWN.split()))

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the table of the call history, by its columns."""
        tables = tables_of(head)
        if not tables:
            return None
        if (columns := tables.get(_MODERN)) is not None and (not columns or set(_MODERN_NEEDS) <= set(columns)):
            return Claim(95, "a database with the table ZCALLRECORD of Apple's call history")
        columns = tables.get(_LEGACY)
        if columns is not None and set(_LEGACY_NEEDS) <= set(columns) and "calls" not in tables:
            if "face_time_data" in columns or "_SqliteDatabaseProperties" in tables or "data" in tables:
                return Claim(92, "a database with the table call of the older iOS call history")
            return Claim(70, "a database with a table call that has the columns of the older iOS call history")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        with open_database(source) as db:
            reading = _Reading(db, context, out)
            modern = _MODERN in db.tables or _MODERN in db.refused
            if modern:
                reading.modern()
            else:
                reading.legacy()
            reading.conclude(not modern)


READER = IosCalls()
