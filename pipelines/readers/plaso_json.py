"""plaso timelines as JSON lines (``psort -o json_line``), and the one JSON object of ``-o json``, which has an event a line too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from pipelines.masking import Allowed, hidden, mask_json
from pipelines.readers._lab import SELECTED, People, Rows, Stamp, duration_of, unix_stamp
from pipelines.readers._plaso import (
    CANNOT_TELL,
    COPY,
    ELSEWHERE,
    OTHER_END,
    PLACES,
    SAME_DEVICE,
    Copies,
    keep_call,
    keep_imessage,
    keep_sighting,
    keep_sms,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

#: longest line [P]
MAX_LINE = 16 << 20
_BLOCK = 1 << 18
_START = re.compile(rb'\s*(?:\{"event_0": )?\{"__container_type__": "event"')
_PREFIX = re.compile(rb'(?:\{|, )"event_\d{1,18}": ')
_TYPE = re.compile(rb'"data_type": "([^"\\]{1,80})"')
_READ = frozenset(
    (
        b"android:event:call", b"android:messaging:sms", b"imessage:event:chat", b"android:airtag:event",
        b"android:viber:call", b"skype:event:call", b"skype:event:chat", b"skype:event:sms",
    )
)  # fmt: skip
_UNREAD = (b"messaging", b":chat", b":message", b":call", b"skype:event:transferfile", b"tango", b"twitter:status")
#: how a time was stored decides how exact it is
_EXACT = {"PosixTime": "s", "JavaTime": "ms", "PosixTimeInMilliseconds": "ms", "TimeElementsInMilliseconds": "ms"}
_ACCOUNT = re.compile(r"<([^<>]{1,200})>\s*\Z")


class _Event(msgspec.Struct, gc=False):
    """The fields that are read of an event."""

    data_type: str = ""
    timestamp: int | float | str | None = None
    timestamp_desc: str = ""
    date_time: Any = None
    display_name: str | None = None
    offset: int | str | None = None
    call_type: int | str | None = None
    duration: int | float | str | None = None
    number: str | int | None = None
    address: str | int | None = None
    sms_type: int | str | None = None
    message_body: str | None = None
    imessage_id: str | int | None = None
    message_type: int | str | None = None
    service: str | None = None
    text: str | None = None
    attachment_location: str | None = None
    device_address: str | None = None
    phone_number: str | int | None = None
    src_call: str | None = None
    dst_call: str | None = None
    from_account: str | None = None
    to_account: str | None = None


_DECODER = msgspec.json.Decoder(_Event)


def lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines of a file without their ends; None for one that is longer than is read."""
    rest: list[bytes] = []
    size = 0
    while True:
        block = stream.read(_BLOCK)
        if not block:
            break
        pieces = block.split(b"\n")
        for piece in pieces[:-1]:
            yield None if size + len(piece) > MAX_LINE else b"".join((*rest, piece)) if rest else piece
            rest, size = [], 0
        if size <= MAX_LINE:
            rest.append(pieces[-1])
        size += len(pieces[-1])
    if size:
        yield None if size > MAX_LINE else b"".join(rest)


class _PlasoJson:
    """The reader."""

    description = Description(
        id="plaso-json",
        version=1,
        title="plaso timeline (json_line, json)",
        channels=("phone", "sms", "imessage", "viber", "skype", "bluetooth"),
        counts="lines that are not empty, each one event",
        knowledge=(
            "plaso: output modules json_line and json, plugins android_calls, android_sms, imessage, android_airtag, "
            "android_viber_call, skype, and what plaso 20260720 wrote of its own test databases"
        ),
        evidence="real sample",
        cannot_tell=CANNOT_TELL,
        versions="plaso 20260720; the words of older versions by their code",
        call_start="ringing",
    )
    allowed = Allowed(
        frozenset(
            [
                "data_type",
                "timestamp",
                "timestamp_desc",
                "offset",
                "call_type",
                "duration",
                "number",
                "name",
                "address",
                "sms_type",
                "sms_read",
                "imessage_id",
                "message_type",
                "service",
                "read_receipt",
                "client_version",
                "device_address",
                "rssi",
                "latitude",
                "longitude",
                "phone_number",
                "viber_call_type",
                "src_call",
                "dst_call",
                "user_start_call",
                "video_conference",
                "from_account",
                "to_account",
                "parser",
                "__container_type__",
                "__type__",
                "__class_name__",
                "time_elements_tuple",
                "sha256_hash",
            ]
        )
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim text whose first line is an event of plaso."""
        data = head.data.removeprefix(b"\xef\xbb\xbf")
        if _START.match(data):
            return Claim(97, "the first line is an event of plaso's JSON output")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the events; see :class:`pipelines.readers.base.Reader`."""
        reading = _Reading(context, out)
        with source.open() as stream:
            for number, line in enumerate(lines(stream), 1):
                reading.line(number, line)
        reading.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return an event with the text of messages, names of files and everything unknown hidden."""
        data = _PREFIX.sub(b"", raw.strip().encode("utf-8", "replace"), count=1)
        return mask_json(data.decode("utf-8", "replace"), "", self.allowed) if data else hidden(0)


class _Reading:
    """Turns events into rows."""

    def __init__(self, context: Context, out: Sink) -> None:
        self._rows = Rows(out, context)
        self._people = People(context)
        self._copies = Copies()
        self._skipped = 0
        self._sighted = False

    def line(self, number: int, line: bytes | None) -> None:
        """Give one line its end."""
        rows = self._rows
        if line is None:
            rows.begin()
            rows.reject(f"line:{number}", f"the line is longer than {MAX_LINE} bytes")
            return
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip() or line.strip() == b"}":  # "}" ends the one object of -o json
            return
        rows.begin()
        found = _TYPE.search(line)
        if found is not None and found.group(1) not in _READ and line.rstrip().endswith(b"}"):
            self._skipped += 1
            if any(part in found.group(1) for part in _UNREAD):
                rows.remarks[ELSEWHERE] += 1
            return
        record = f"line:{number}"
        try:
            event = _DECODER.decode(_PREFIX.sub(b"", line, count=1))
        except msgspec.ValidationError:
            rows.reject(record, "not shaped like an event of plaso")
            return
        except (ValueError, RecursionError):
            rows.reject(record, "the line is no whole JSON value")
            return
        if event.data_type.encode("utf-8", "replace") not in _READ:
            rows.skip()
            return
        self._copies.at(event.timestamp)
        getattr(self, _METHODS[event.data_type])(record, event)

    def _when(self, record: str, event: _Event) -> Stamp | None:
        stamp = unix_stamp(event.timestamp, 1_000_000)
        if isinstance(stamp, Stamp) and isinstance(event.date_time, dict):
            name = event.date_time.get("__class_name__")
            exact = _EXACT.get(name) if isinstance(name, str) else None
            if exact is not None:
                stamp = stamp._replace(precision=exact)
        return self._rows.fit(record, stamp)

    def _is_copy(self, event: _Event, *what: object) -> bool:
        """Return whether a further event tells of the same record of the same database, and count it if so."""
        file = event.display_name or ""
        key = (event.data_type, event.offset, *what)
        base = file.removesuffix("-wal")
        same = self._copies.again((*key, base)) if event.offset is not None else self._copies.other_reading(key, file)
        if same:
            self._rows.skip(COPY)
        return same

    def _phone_call(self, record: str, event: _Event) -> None:
        if event.timestamp_desc not in ("Start Time", "Call Started"):
            self._rows.skip(OTHER_END)
            return
        app = event.data_type == "android:viber:call"
        native = str((event.phone_number if app else event.number) or "")
        if self._is_copy(event, native, event.call_type, event.duration):
            return
        if (when := self._when(record, event)) is not None:
            channel = "viber" if app else "phone"
            keep_call(
                self._rows, record, when, channel, event.call_type, duration_of(event.duration),
                self._people.person(channel, native),
            )  # fmt: skip

    def _sms(self, record: str, event: _Event) -> None:
        native = str(event.address or "")
        if self._is_copy(event, native, event.message_body):
            return
        if (when := self._when(record, event)) is not None:
            who = self._people.person("sms", native)
            keep_sms(self._rows, record, when, event.sms_type, who, len(event.message_body or ""))

    def _imessage(self, record: str, event: _Event) -> None:
        native = str(event.imessage_id or "")
        if self._is_copy(event, native, event.text):
            return
        if (when := self._when(record, event)) is not None:
            keep_imessage(
                self._rows, record, when, event.message_type, event.service or "", native, self._people,
                len((event.text or "").replace("\ufffc", "")), event.attachment_location or "",
            )  # fmt: skip

    def _airtag(self, record: str, event: _Event) -> None:
        device = event.device_address or ""
        if self._copies.again(("device", device)):
            self._rows.skip(SAME_DEVICE)
            return
        when = self._when(record, event)
        if when is None:
            return
        if not device:
            self._rows.reject(record, "a sighting without a device")
            return
        self._sighted = True
        # AirGuard writes local times without a zone, which plaso takes for UTC
        keep_sighting(self._rows, record, _wall_clock(event) or when._replace(basis="case"), device)

    def _skype_call(self, record: str, event: _Event) -> None:
        if event.timestamp_desc != "Attempt Time":
            self._rows.skip(OTHER_END)
            return
        if self._is_copy(event):
            return
        if (when := self._when(record, event)) is None:
            return
        # user_start_call is no evidence: plaso compares a number with a text, so that it is always false
        sender = self._people.person("skype", _skype_id(event.src_call))
        other = _skype_id(event.dst_call)
        seconds = duration_of(event.duration)
        answered = True if event.call_type == "ACCEPTED" else None if seconds is None else seconds > 0
        self._rows.event(
            record, when, channel="skype", kind="call", direction="unknown", sender=sender.identifier,
            thread_kind="direct" if other else "unknown", answered=answered,
            duration_s=seconds if answered else None, thread_id=_pair_id(_skype_id(event.src_call), [other] if other else []),
        )  # fmt: skip

    def _skype_chat(self, record: str, event: _Event) -> None:
        account = _ACCOUNT.search(event.from_account or "")
        native = account.group(1) if account else ""
        if self._is_copy(event, native, event.to_account, event.text):
            return
        if (when := self._when(record, event)) is None:
            return
        sender = self._people.person("skype", native)
        others = [x for x in (event.to_account or "").split(", ") if x and x != "Unknown User"]
        direct = len(others) == 1
        self._rows.event(
            record, when, channel="skype", kind="message", direction="unknown", sender=sender.identifier,
            thread_kind="direct" if direct else "group" if others else "unknown",
            participants_n=len(others) + 1 if others else None, size=len(event.text or ""), attachment="none",
            thread_id=_pair_id(native, others),
        )  # fmt: skip

    def _skype_sms(self, record: str, event: _Event) -> None:
        native = str(event.number or "")
        if self._is_copy(event, native, event.text):
            return
        if (when := self._when(record, event)) is not None:
            who = self._people.person("sms", native)
            self._rows.event(
                record, when, channel="sms", kind="message", direction="out", identifier=who.identifier,
                identifier_raw=who.raw, identifier_kind=who.kind, thread_id=who.identifier, thread_kind="direct",
                size=len(event.text or ""), attachment="none", tags="skype",
            )  # fmt: skip

    def end(self) -> None:
        """Say what the file as a whole is like."""
        if not self._rows.n:
            raise Unreadable("the file holds no event")
        if self._skipped:
            self._rows.out.out_of_scope(self._skipped)
        notes = [SELECTED, *([PLACES] if self._sighted else [])]
        self._rows.end(notes)


_METHODS = {
    "android:event:call": "_phone_call", "android:viber:call": "_phone_call", "android:messaging:sms": "_sms",
    "imessage:event:chat": "_imessage", "android:airtag:event": "_airtag", "skype:event:call": "_skype_call",
    "skype:event:chat": "_skype_chat", "skype:event:sms": "_skype_sms",
}  # fmt: skip


def _skype_id(text: str | None) -> str:
    plain = (text or "").partition(" <")[0]
    return "" if plain.startswith("Unknown") else plain


def _pair_id(sender: str, others: list[str]) -> str | None:
    """Return the id of a thread of Skype: its accounts, in order; None if one is not known."""
    if not sender or not others:
        return None
    return "skype:" + ",".join(sorted({sender, *others}))[:200]


def _wall_clock(event: _Event) -> Stamp | None:
    """Return the time as the app wrote it, from its parts."""
    if not isinstance(event.date_time, dict):
        return None
    parts = event.date_time.get("time_elements_tuple")
    if not isinstance(parts, list) or not 6 <= len(parts) <= 7 or not all(type(p) is int for p in parts):
        return None
    name = str(event.date_time.get("__class_name__"))
    from pipelines.readers._clock import day_us

    day = day_us(*parts[:3]) if 0 < parts[0] < 10_000 else None
    if day is None or not (0 <= parts[3] < 24 and 0 <= parts[4] < 60 and 0 <= parts[5] < 60):
        return None
    us = day + (parts[3] * 3600 + parts[4] * 60 + parts[5]) * 1_000_000
    if len(parts) == 7:
        unit = 1000 if "Milliseconds" in name else 1 if "Microseconds" in name else 0
        if not unit or not 0 <= parts[6] < 1_000_000 // unit:
            return None
        return Stamp(us + parts[6] * unit, "ms" if unit == 1000 else "us", "case")
    return Stamp(us, "s", "case")


READER = _PlasoJson()
