"""plaso timelines in the 17 columns of log2timeline (``psort -o l2tcsv``).

The format knows no quotes: plaso puts a blank in the place of every comma and drops line ends, so a line is divided at its
16 commas and at nothing else. What happened stands in a sentence made by plaso; the text of a message comes last in it.
"""

from __future__ import annotations

import re

from pipelines.masking import harmless, hidden
from pipelines.readers._clock import day_us
from pipelines.readers._lab import SELECTED, People, Rows, Stamp
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
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Unreadable, Waiting
from pipelines.readers.plaso_json import MAX_LINE, lines

HEADER = "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra"
NAMES = tuple(HEADER.split(","))
_CALLS, _SMS, _MESSAGES = b"Android Call History", b"Android SMS messages", b"Apple iMessage application"
_TAGS, _VIBER = b"AirGuard AirTag Tracker event data.", b"Android Viber Call History"
_READ = frozenset((_CALLS, _SMS, _MESSAGES, _TAGS, _VIBER))
_UNREAD = (b"Skype", b"Kik", b"Hangouts", b"Tango", b"Twitter", b"Messag", b"messag", b"Call")

_CALL_TEXT = re.compile(
    r"(INCOMING|OUTGOING|MISSED|UNKNOWN)(?: Number: (.*?))?(?: Name: .*)?(?: Duration: (\d{1,9}) seconds)"
)
_SMS_TEXT = re.compile(
    r"Type: (RECEIVED|SENT|UNKNOWN)(?: Address: (.*?))? Status: (?:READ|UNREAD|UNKNOWN)(?: Message: .*)?"
)
_IMESSAGE_TEXT = re.compile(
    r"(?:Row ID: \S+ )?(?:iMessage ID: (\S+) )?(?:Read Receipt: (?:True|False|UNKNOWN) )?Message Type: (Received|Sent|UNKNOWN)"
    r"(?: Service: (\w+))?( Attachment Location: .*?)?(?: Message Content: .*)?"
)
_VIBER_TEXT = re.compile(
    r"(?:Number: (.*?) )?Call type: (INCOMING|OUTGOING|UNKNOWN) Viber call type: [A-Z ]+?(?: Duration: (\d{1,9}) seconds)?"
)
_TAG_TEXT = re.compile(r"Device address: ([0-9A-Fa-f:]{11,23})(?:\s.*)?")
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)", re.ASCII)
_SHOWN = frozenset(("date", "time", "timezone", "MACB", "source", "sourcetype", "type", "version", "format"))
#: part of the description that is metadata, before any text of a message
_HEAD = re.compile(r"(?:(?:(?! Message(?: Content)?: | Attachment Location: ).)*)")


class _PlasoCsv:
    """The reader."""

    description = Description(
        id="plaso-l2tcsv",
        version=1,
        title="plaso timeline (l2tcsv)",
        channels=("phone", "sms", "imessage", "viber", "bluetooth"),
        counts="lines after the header that are not empty, each one event",
        knowledge=(
            "plaso: output module l2tcsv, message formats of android_calls, android_sms, imessage, android_airtag and "
            "android_viber_call, and what plaso 20260720 wrote of its own test databases"
        ),
        evidence="real sample",
        cannot_tell=(
            *CANNOT_TELL,
            "fractions of a second",
            "whether a call was rejected, blocked or went to voicemail, and which messages are drafts: the text names received, "
            "sent, incoming, outgoing and missed only, the rest is UNKNOWN",
            "the length of a message: line ends are dropped",
        ),
        options=(
            Option("timezone", "zone in which the timeline was written", "the third column is not UTC"),
        ),
        versions="plaso 20260720",
        call_start="ringing",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Claim text that begins with the 17 names of the columns."""
        data = head.data.removeprefix(b"\xef\xbb\xbf")
        first = data.split(b"\n", 1)[0].rstrip(b"\r")
        return Claim(97, "the 17 columns of log2timeline's CSV") if first == HEADER.encode() else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the lines; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            Events of communication were written in another zone than UTC, and no zone is given.
        """
        reading = _Reading(context, out)
        with source.open() as stream:
            for number, line in enumerate(lines(stream), 1):
                if number > 1:
                    reading.line(number, line)
        reading.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a line with its columns named and everything hidden that may be content."""
        cells = raw.strip("\r\n").split(",")
        if len(cells) != len(NAMES):
            return hidden(len(raw))
        shown = []
        wanted = cells[5].encode() in _READ
        for name, cell in zip(NAMES, cells, strict=True):
            if name in _SHOWN and len(cell) <= 80:
                value = cell
            elif name == "desc" and wanted:
                found = _HEAD.match(cell)
                kept = found.group()[:200] if found else ""
                value = kept + (f" {hidden(len(cell) - len(kept))}" if len(cell) > len(kept) else "")
            else:
                value = hidden(len(cell))
            shown.append(f"{name}: {value}")
        return harmless("\n".join(shown))


class _Reading:
    """Turns lines into rows."""

    def __init__(self, context: Context, out: Sink) -> None:
        self._rows = Rows(out, context)
        self._people = People(context)
        self._copies = Copies()
        self._zone_given = bool(context.options.get("timezone"))
        self._skipped = 0
        self._sighted = False

    def line(self, number: int, raw: bytes | None) -> None:
        """Give one line its end."""
        rows = self._rows
        if raw is not None and not raw.strip():
            return
        rows.begin()
        record = f"line:{number}"
        if raw is None:
            rows.reject(record, f"the line is longer than {MAX_LINE} bytes")
            return
        cells = raw.rstrip(b"\r").split(b",")
        if len(cells) != len(NAMES):
            rows.reject(record, "the line has not the 17 columns of the format")
            return
        kind = cells[5]
        if kind not in _READ:
            self._skipped += 1
            if any(part in kind for part in _UNREAD):
                rows.remarks[ELSEWHERE] += 1
            return
        self._copies.at((cells[0], cells[1]))
        self._event(record, kind, [c.decode("utf-8", "replace") for c in cells])

    def _event(self, record: str, kind: bytes, cells: list[str]) -> None:
        rows, desc, file = self._rows, cells[10], cells[12]
        if kind in (_CALLS, _VIBER) and not any(t in ("Start Time", "Call Started") for t in cells[6].split("; ")):
            rows.skip(OTHER_END)
            return
        found = _PATTERNS[kind].fullmatch(desc)
        if found is None:
            rows.reject(record, "the description is not worded as plaso words it")
            return
        if kind == _TAGS:
            if self._copies.again(("device", found.group(1))):
                rows.skip(SAME_DEVICE)
                return
        elif self._copies.other_reading((kind, desc), file):
            rows.skip(COPY)
            return
        when = self._when(record, cells)
        if when is None:
            return
        if kind == _TAGS:
            if cells[2] != "UTC":
                rows.reject(
                    record, "the app wrote its own clock without a zone, and the timeline was moved to another zone"
                )
                return
            self._sighted = True
            keep_sighting(rows, record, when._replace(basis="case"), found.group(1))
        elif kind == _SMS:
            keep_sms(rows, record, when, found.group(1), self._people.person("sms", found.group(2) or ""), None)
        elif kind == _MESSAGES:
            native, said, service, attached = found.groups()
            keep_imessage(
                rows, record, when, said, service or "", native or "", self._people, None, (attached or "").rstrip()
            )
        else:
            channel = "viber" if kind == _VIBER else "phone"
            native, said = (1, 2) if kind == _VIBER else (2, 1)
            who = self._people.person(channel, found.group(native) or "")
            seconds = found.group(3)
            keep_call(rows, record, when, channel, found.group(said), int(seconds) if seconds else None, who)

    def _when(self, record: str, cells: list[str]) -> Stamp | None:
        date, time = _DATE.fullmatch(cells[0]), _TIME.fullmatch(cells[1])
        if date is None or time is None:
            return self._rows.fit(record, "no time")
        month, day, year = map(int, date.groups())
        us = day_us(year, month, day) if year else None
        hour, minute, second = map(int, time.groups())
        if us is None or hour > 23 or minute > 59 or second > 59:
            return self._rows.fit(record, "no time" if year == 0 else "the calendar has no such time")
        us += (hour * 3600 + minute * 60 + second) * 1_000_000
        if cells[2] == "UTC":
            return self._rows.fit(record, Stamp(us, "s", "utc"))
        if not self._zone_given:
            raise Waiting(
                "the timeline was not written in UTC, and the name of a zone in its third column does not say which one it is",
                'timezone = "Area/City"  # the zone in which the timeline was written (psort --output-time-zone)',
            )
        return self._rows.fit(record, Stamp(us, "s", "case"))

    def end(self) -> None:
        """Say what the file as a whole is like."""
        if not self._rows.n:
            raise Unreadable("the timeline holds no event")
        if self._skipped:
            self._rows.out.out_of_scope(self._skipped)
        self._rows.end([SELECTED, *([PLACES] if self._sighted else [])])


_PATTERNS = {
    _CALLS: _CALL_TEXT, _SMS: _SMS_TEXT, _MESSAGES: _IMESSAGE_TEXT, _TAGS: _TAG_TEXT, _VIBER: _VIBER_TEXT,
}  # fmt: skip
READER = _PlasoCsv()
