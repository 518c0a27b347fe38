"""Reader of the text export of MSAB XRY: one file for each category (calls, SMS, contacts).

The layout is known from the parsers of Autopsy only: five lines of header, then records parted by blank lines, each with a
title (``Calls #<tab>1``), lines ``Key:<tab>value``, and the words ``From``, ``To`` or ``Participant`` alone on a line, which say whose
number follows. No real file was seen.

Two passes: the first settles whether the day or the month comes first, for no single time can say it.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import harmless, hidden
from pipelines.readers._clock import MAX_OFFSET_S, day_us
from pipelines.readers._rows import RowBuffer
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    Waiting,
    implausible_time,
)

_FIRST_LINE = "xry export"
_TYPE_LINE = 2  # lines behind the first
_HEADER_LINES = 5
_SEARCHED = 200  # lines in which the header must begin
_PIECE = 1 << 16  # characters of a line that are looked at
_VALUE = 256
_MAX_PEOPLE = 64

_TITLE = re.compile(r"([^\t:#]{1,60}?)\s?#\s*(\d{1,9})\s*")
#: a line that begins a value, as the tool writes it: a text may hold "Time: later", but hardly a tab behind the colon
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9 ()/#.-]{0,39}?)\s*:(?:\t\s*|\s{2,}|\s*\Z)(.*)", re.DOTALL)
_TIME = re.compile(
    r"(?:(\d{4})([-/.])(\d\d?)\2(\d\d?)|(\d\d?)([-/.])(\d\d?)\6(\d{4}))[ T,]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d{1,7})?)?"
    r"(?:\s*([AaPp])\.?[Mm]\.?)?(?:\s*\(?(?:UTC|GMT)\s*(?:([+-])(\d\d?)(?::?(\d\d))?)?\)?)?"
    r"(?:\s*\((device|network)\))?",
    re.ASCII | re.IGNORECASE,
)
_DURATION = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d\d)|(\d{1,6})(?:\s*(?:s|sec|seconds))?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_SCOPES = frozenset(["from", "to", "participant"])
_KEYS = frozenset(
    [
        "deleted", "direction", "message", "name (matched)", "text", "time", "service center", "from", "to", "storage",
        "number", "type", "tel", "folder", "name", "index", "status", "call type", "duration", "mobile", "home",
        "related application", "address home", "email home", "email", "email work", "work", "other", "picture",
        "account name", "segments", "segment number", "reference number", "subject", "attachment",
    ]
)  # fmt: skip
_TEXTS = frozenset(["text", "message", "subject"])
#: keys that stand once in a record: a second one may be a line of somebody's text
_ONCE = frozenset(
    ["time", "direction", "call type", "folder", "segment number", "reference number", "segments", "duration"]
)
#: a value of these that the end of the file cuts makes another record of it
_CRITICAL = frozenset(
    ["time", "direction", "call type", "type", "folder", "tel", "number", "from", "to", "status", "reference number",
     "segment number", "mobile", "home", "email home", "email", "work", "email work"]
)  # fmt: skip
_NUMBERS = ("tel", "number", "mobile", "home", "work", "email", "email home", "email work")

_CALLS: dict[str, tuple[str, bool | None, str]] = {
    "missed": ("in", False, "missed"),
    "rejected": ("in", False, "rejected"),
    "blocked": ("in", False, "blocked"),
    "voicemail": ("in", False, "voicemail"),
    "received": ("in", None, ""),
    "answered": ("in", True, ""),
    "incoming": ("in", None, ""),
    "dialed": ("out", None, ""),
    "dialled": ("out", None, ""),
    "last dialed": ("out", None, "last-dialed"),
    "outgoing": ("out", None, ""),
}
_WAYS = {"incoming": "in", "outgoing": "out", "deliver": "in", "submit": "out"}
_FOLDERS = {"inbox": "in", "sent": "out", "sent items": "out"}
_UNSENT = frozenset(["drafts", "draft", "outbox"])
_STATES = {"read": ("in", "delivered"), "unread": ("in", "delivered"), "sent": ("out", "sent"),
           "unsent": ("out", "pending"), "sending failed": ("out", "failed")}  # fmt: skip

_EVENT = (
    "n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "channel", "kind", "direction", "status",
    "identifier", "identifier_raw", "identifier_kind", "actor", "thread_id", "thread_kind", "participants_n", "directed",
    "answered", "duration_s", "size", "attachment", "tags",
)  # fmt: skip
_LISTED = ("n", "record", "sub", "identifier", "identifier_raw", "identifier_kind", "label", "tags")
_ENDS_INSIDE = "the file ends inside this record"


@dataclass(slots=True)
class _Entity:
    """A record: where it stands, and its values by key and by the word (From, To) above them."""

    n: int
    first: int  # line
    last: int
    number: int
    values: dict[str, list[str]] = field(default_factory=dict)
    people: list[tuple[str, str, str]] = field(default_factory=list)  # scope, key, value
    size: int | None = None  # of the text
    twice: bool = False
    cut: str = ""  # key whose value the end of the file may have cut
    ended: bool = True  # by a blank line
    stray: int = 0  # lines that belong to no key

    @property
    def record(self) -> str:
        return f"lines:{self.first}-{self.last}" if self.last > self.first else f"line:{self.first}"

    def get(self, key: str) -> str:
        return self.values[key][0] if key in self.values else ""


def _encoding(head: bytes) -> tuple[str, int]:
    """Return the encoding of a file and the length of its mark: UTF-16 as the tool writes it, else UTF-8."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark) and not head.startswith(codecs.BOM_UTF32_LE):
            return name, len(mark)
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le", 0
    return ("utf-16-be" if zeros == [True, False, True, False] else "utf-8"), 0


def _lines(source: SourceFile) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines with their numbers, without their ends, and whether they were ended; very long ones are shortened."""
    with source.open() as stream:
        data = stream.read(_PIECE)
        name, mark = _encoding(data)
        decoder = codecs.getincrementaldecoder(name)("replace")
        data, number, held, done = data[mark:], 1, "", False
        while not done:
            done = not data
            parts = (held + decoder.decode(data, done)).split("\n")
            held = parts.pop()
            for part in parts:
                yield number, part.removesuffix("\r")[:_PIECE], True
                number += 1
            if len(held) > 4 * _PIECE:
                held = held[: 2 * _PIECE]
            data = b"" if done else stream.read(_PIECE)
        if held:
            yield number, held.removesuffix("\r")[:_PIECE], False


@dataclass(slots=True)
class _Header:
    report: str
    line: int  # the last one of the header


def _header(lines: Iterator[tuple[int, str, bool]]) -> _Header | None:
    """Read the header; the iterator then stands behind it."""
    for number, line, _ in lines:
        if number > _SEARCHED:
            return None
        if clean(line).lower() != _FIRST_LINE:
            continue
        report = ""
        last = number
        for k in range(1, _HEADER_LINES):
            following = next(lines, None)
            if following is None:
                break
            last = following[0]
            if k == _TYPE_LINE:
                report = clean(following[1])[:80]
        return _Header(report, last) if report else None
    return None


def _entities(source: SourceFile) -> Iterator[_Header | _Entity]:
    """Yield the header, then the records."""
    lines = _lines(source)
    header = _header(lines)
    if header is None:
        raise Unreadable("the file has no header of an XRY export")
    yield header
    entity: _Entity | None = None
    category, scope, key, blank, empty, n = "", "", "", True, 0, 0
    for number, line, ended in lines:
        if not line.strip():
            blank = True
            empty += 1
            continue
        found = _TITLE.fullmatch(line) if blank else None
        if found is not None and (not category or found[1].strip().lower() == category):
            if entity is not None:
                yield entity
            n += 1
            category = found[1].strip().lower()
            entity = _Entity(n, number, number, int(found[2]))
            scope = key = ""
        elif entity is not None:
            entity.last = number
            if key in _TEXTS and entity.size is not None:
                entity.size += empty
            scope, key = _take(entity, line, scope, key)
        else:
            n += 1
            entity = _Entity(n, number, number, 0, stray=1)
        blank, empty = False, 0
        if entity is not None and not ended:
            entity.cut = key or "title"
            if key in entity.values and key not in _CRITICAL:  # half a number of seconds is another one
                entity.values[key].pop()
                entity.values = {k: v for k, v in entity.values.items() if v}
    if entity is not None:
        entity.ended = blank
        yield entity


def _take(entity: _Entity, line: str, scope: str, key: str) -> tuple[str, str]:
    """Take a line of a record; return the scope and key that hold for the next one."""
    word = line.strip().lower()
    if word in _SCOPES and (key not in _TEXTS or line.strip() == line.strip().title()):
        return word, ""
    found = _PAIR.fullmatch(line)
    name = " ".join(found[1].lower().split()) if found is not None else ""
    if found is None or (name not in _KEYS and key in _TEXTS):
        if key in _TEXTS:
            entity.size = (entity.size or 0) + len(line) + 1
        else:
            entity.stray += 1
        return scope, key
    value = found[2].strip()
    if name in _TEXTS:
        if name != "subject":
            entity.size = (entity.size or 0) + len(found[2].rstrip("\r"))
        return scope, name
    entity.twice |= name in _ONCE and name in entity.values
    if len(entity.values.get(name, ())) < _MAX_PEOPLE:
        entity.values.setdefault(name, []).append(value[:_VALUE])
    if value and len(entity.people) < _MAX_PEOPLE:
        if name in _NUMBERS:
            entity.people.append((scope, name, value[:_VALUE]))
        elif name in ("from", "to"):
            entity.people.append((name, name, value[:_VALUE]))
    return scope, name


class _Dates:
    """What the times of a file say about the order of day and month."""

    def __init__(self) -> None:
        self.first_above = self.second_above = self.open = 0
        self.halves = False  # AM and PM are written
        self.orders: Counter[str] = Counter()

    def look(self, text: str) -> None:
        found = _TIME.fullmatch(text)
        if found is None:
            return
        self.halves |= found[12] is not None
        if found[1] is not None or found[6] == ".":
            return
        self.first_above += int(found[5]) > 12
        self.second_above += int(found[7]) > 12
        self.open += int(found[5]) <= 12 and int(found[7]) <= 12 and found[5].lstrip("0") != found[7].lstrip("0")


def _date_order(source: SourceFile, context: Context) -> tuple[str, bool]:
    """Return ``dmy`` or ``mdy``, and whether the file writes halves of the day.

    Raises
    ------
    Waiting
        The whole file leaves it open.
    """
    dates = _Dates()
    for item in _entities(source):
        if isinstance(item, _Entity):
            for text in item.values.get("time", ()):
                dates.look(text)
    option = context.options.get("date_order", "").lower()
    if option in ("dmy", "mdy"):
        return option, dates.halves
    if dates.first_above and dates.second_above:
        raise Unreadable("its dates have the day now before and now behind the month")
    if dates.first_above:
        return "dmy", dates.halves
    if dates.second_above:
        return "mdy", dates.halves
    if dates.open:
        raise Waiting("nothing in it says whether the day or the month comes first", 'date_order = "mdy"  # or "dmy"')
    return "mdy", dates.halves


class _Reading:
    """The second pass."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self.source, self.context, self.out = source, context, out
        self.order, self.halves = "mdy", False
        self.events = RowBuffer(out.events, _EVENT, {"how": "lab"})
        self.listed = RowBuffer(out.listed, _LISTED, {"list": "address_book", "channel": "phone"})
        self.counts: Counter[str] = Counter()
        self.channel = ""
        self.held: _Entity | None = None  # the first part of a long SMS
        self.parts: set[int] = set()
        self.size: int | None = None

    def run(self) -> None:
        items = _entities(self.source)
        header = next(items)
        assert isinstance(header, _Header)
        report = header.report.lower()
        read = _REPORTS.get(report)
        self.channel = "mms" if report == "messages/mms" else "sms"
        if read in (_Reading._call, _Reading._message):
            self.order, self.halves = _date_order(self.source, self.context)
        n = number = 0
        last: _Entity | None = None
        for item in items:
            if not isinstance(item, _Entity):
                continue
            n, last = item.n, item
            self.counts["order"] += item.number != 0 and item.number <= number
            number = item.number
            self.counts["stray"] += item.stray
            if read is None:
                self.out.out_of_scope()
                self.counts["other report"] += 1
            elif item.number == 0:
                self.out.reject(item.n, item.record, "it has no title")
            elif item.cut in _CRITICAL or item.cut == "title":
                self.out.reject(item.n, item.record, _ENDS_INSIDE)
            elif item.twice:
                self.out.reject(item.n, item.record, "a key stands twice: lines of a text may look like keys")
            else:
                read(self, item)
        self._finish()
        self.events.flush()
        self.listed.flush()
        self.out.read(n)
        self._conclude(last)

    def _conclude(self, last: _Entity | None) -> None:
        out, counts = self.out, self.counts
        if last is not None and not last.ended:
            out.note("the file does not end with a blank line: its last record may be incomplete")
        if counts["order"]:
            out.note(
                f"records whose number does not follow on that before: {counts['order']} (a text may hold what looks like a record)"
            )
        if counts["stray"]:
            out.note(f"lines that belong to no key: {counts['stray']}")
        if counts["other report"]:
            out.note(f"records of a category that is no communication: {counts['other report']}")
        if counts["parts"]:
            out.note(f"further parts of long messages, joined with the first: {counts['parts']}")
        if counts["parts missing"]:
            out.note(f"long messages of which parts are missing: {counts['parts missing']}")
        if counts["unknown"]:
            out.note(f"records of which nothing says in which direction they went: {counts['unknown']}")
        if counts["drafts"]:
            out.note(f"drafts, messages never sent and status reports: {counts['drafts']}")
        if counts["call"]:
            out.coverage("phone", "call")
        if counts["message"]:
            out.coverage(self.channel, "message")

    # -- parts of a record

    def _time(self, text: str) -> tuple[int, int | None, str, str, str] | str:
        """Return local time, offset, precision, basis and clock of a time, or why there is none."""
        if not text:
            return "no time"
        found = _TIME.fullmatch(text)
        if found is None:
            return "time cannot be read"
        (year1, _, month1, day1, a, mark, b, year2, hour, minute, second, half, sign, off_h, off_m, clock) = (
            found.groups()
        )
        if year1:
            year, month, day = int(year1), int(month1), int(day1)
        else:
            first_is_day = mark == "." or self.order == "dmy"
            day, month = (int(a), int(b)) if first_is_day else (int(b), int(a))
            year = int(year2)
        midnight = day_us(year, month, day) if 1 <= month <= 12 else None
        hours, minutes, seconds = int(hour), int(minute), int(second or 0)
        if half:
            if not 1 <= hours <= 12:
                return "time cannot be read"
            hours = hours % 12 + (12 if half in "Pp" else 0)
        elif self.halves and hours <= 12:
            return "time cannot be read: it lacks AM or PM"
        if midnight is None or hours > 23 or minutes > 59 or seconds > 59:
            return "time cannot be read"
        local = midnight + (hours * 3600 + minutes * 60 + seconds) * 1_000_000
        precision = "s" if second is not None else "min"
        stated = re.search(r"UTC|GMT", text, re.IGNORECASE) is not None
        offset = int(off_h or 0) * 3600 + int(off_m or 0) * 60
        if offset > MAX_OFFSET_S or int(off_m or 0) > 59:
            return "time cannot be read"
        offset = -offset if sign == "-" else offset
        why = implausible_time(local - offset * 1_000_000)
        if why is not None:
            return why
        where = clock.lower() if clock else ""
        if not stated:
            return local, None, precision, "case", where
        return (local, offset, precision, "stated", where) if offset else (local, None, precision, "utc", where)

    def _other(self, entity: _Entity, way: str) -> tuple[list[tuple[str | None, str | None, str]], bool]:
        """Return the people on the other side, and whether the record names them as such."""
        side = {"in": "from", "out": "to"}.get(way, "")
        scoped = [v for scope, _, v in entity.people if scope == side] if side else []
        chosen = scoped or [v for scope, _, v in entity.people if scope in ("", "participant")]
        found: dict[str | None, tuple[str | None, str | None, str]] = {}
        for value in chosen:
            identifier, kind = self.context.phone(value)
            if identifier is not None or kind != "none":
                found.setdefault(identifier, (identifier, value, kind))
        if not found and (name := entity.get("name (matched)") or entity.get("name")):
            nobody = self.context.phone(name)
            if nobody[0] is None:
                return [(None, name, nobody[1])], True
            return [(name_identifier("phone", name), name, "name")], True
        return list(found.values()), bool(found)

    @staticmethod
    def _scopes(entity: _Entity) -> str:
        """Return the direction that follows if only one side is named."""
        scopes = {scope for scope, _, _ in entity.people if scope in ("from", "to")}
        return {"from": "in", "to": "out"}[scopes.pop()] if len(scopes) == 1 else ""

    @staticmethod
    def _tags(entity: _Entity, clock: str) -> list[str]:
        tags = ["deleted"] if entity.get("deleted").lower() in ("yes", "true", "deleted") else []
        if entity.get("status").lower() == "deleted":
            tags.append("deleted")
        if clock:
            tags.append(f"clock={clock}")
        return list(dict.fromkeys(tags))

    # -- what becomes of a record

    def _call(self, entity: _Entity) -> None:
        time = self._time(entity.get("time"))
        if isinstance(time, str):
            self.out.reject(entity.n, entity.record, time)
            return
        kinds = [_CALLS[w] for key in ("call type", "type") if (w := entity.get(key).lower()) in _CALLS]
        way = _WAYS.get(entity.get("direction").lower()) or (kinds[0][0] if kinds else "") or self._scopes(entity)
        seconds = self._seconds(entity.get("duration"))
        answered = next((answer for _, answer, _ in kinds if answer is not None), None)
        if answered is None and seconds is not None and way:
            answered = True if seconds else (False if way == "out" else None)
        tags = self._tags(entity, time[4]) + [word for _, _, word in kinds if word]
        self._write(entity, time, "phone", "call", way, "unknown", answered, seconds, None, None, tags)
        self.counts["call"] += 1

    @staticmethod
    def _seconds(text: str) -> int | None:
        found = _DURATION.fullmatch(text)
        if found is None:
            return None
        hours, minutes, seconds, plain = found.groups()
        return int(plain) if plain is not None else int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)

    def _message(self, entity: _Entity) -> None:
        if self._part(entity):
            return
        self._finish()
        folder, kind = entity.get("folder").lower(), entity.get("type").lower()
        if folder in _UNSENT or kind == "status report":
            self.counts["drafts"] += 1
            self.out.out_of_scope()
            return
        time = self._time(entity.get("time"))
        if isinstance(time, str):
            self.out.reject(entity.n, entity.record, time)
            return
        self.held, self.size = entity, entity.size
        self.parts = {p for p in [self._whole(entity, "segment number")] if p is not None}

    @staticmethod
    def _whole(entity: _Entity, key: str) -> int | None:
        text = entity.get(key)
        return int(text) if _WHOLE.fullmatch(text) else None

    def _part(self, entity: _Entity) -> bool:
        """Join a further part of the long message that is held; return whether it was one."""
        held = self.held
        reference, part = self._whole(entity, "reference number"), self._whole(entity, "segment number")
        if held is None or reference is None or part is None or part in self.parts or not self.parts:
            return False
        if reference != self._whole(held, "reference number") or entity.people != held.people:
            return False
        if any(entity.get(key).lower() != held.get(key).lower() for key in ("segments", "direction", "folder", "type")):
            return False
        self.parts.add(part)
        if entity.size is not None:
            self.size = (self.size or 0) + entity.size
        self.counts["parts"] += 1
        self.out.out_of_scope()
        return True

    def _finish(self) -> None:
        """Write the message that is held."""
        entity, self.held = self.held, None
        if entity is None:
            return
        time = self._time(entity.get("time"))
        assert not isinstance(time, str)
        state = _STATES.get(entity.get("status").lower(), ("", "unknown"))
        way = (
            _WAYS.get(entity.get("direction").lower())
            or _WAYS.get(entity.get("type").lower())
            or _FOLDERS.get(entity.get("folder").lower())
            or self._scopes(entity)
            or state[0]
        )
        tags = self._tags(entity, time[4])
        wanted = self._whole(entity, "segments")
        if wanted is not None and wanted > 1:
            tags.append(f"parts={len(self.parts)}/{wanted}")
            self.counts["parts missing"] += len(self.parts) < wanted
        status = state[1] if not state[0] or state[0] == way else "unknown"
        size = None if entity.cut in _TEXTS else self.size
        self._write(
            entity,
            time,
            self.channel,
            "message",
            way,
            status,
            None,
            None,
            size,
            "none" if self.channel == "sms" else None,
            tags,
        )
        self.counts["message"] += 1

    def _write(
        self, entity: _Entity, time: tuple[int, int | None, str, str, str], channel: str, kind: str, way: str, status: str,
        answered: bool | None, seconds: int | None, size: int | None, attachment: str | None, tags: list[str],
    ) -> None:  # fmt: skip
        people, _ = self._other(entity, way)
        single = people[0] if len(people) == 1 or (people and way == "in") else (None, None, "none")
        group = len(people) > 1
        if not way:
            self.counts["unknown"] += 1
        self.events.add(
            entity.n, entity.record, *time[:4], channel, kind, way or "unknown", status, *single,
            {"in": "contact", "out": "owner"}.get(way, "unknown"), None if group else single[0],
            "group" if group else "direct", len(people) + 1 if group else None,
            {"in": "unknown" if group else "yes", "out": "no"}.get(way, "unknown"), answered, seconds, size, attachment,
            " ".join(tags) or None,
        )  # fmt: skip

    def _contact(self, entity: _Entity) -> None:
        label = clean(entity.get("name"))[:_VALUE] or None
        found: dict[str, tuple[str, str, str]] = {}
        for _, _, value in entity.people:
            identifier, kind = self.context.phone(value)
            if identifier is not None and kind != "alpha":
                found.setdefault(identifier, (identifier, value, kind))
        if not found:
            self.out.out_of_scope()
            return
        tags = " ".join(self._tags(entity, "")) or None
        for sub, row in enumerate(found.values(), 1):
            self.listed.add(entity.n, entity.record, sub, *row, label, tags)


_REPORTS = {
    "calls": _Reading._call,
    "messages/sms": _Reading._message,
    "messages/mms": _Reading._message,
    "contacts/contacts": _Reading._contact,
}
_MASKED = _KEYS - _TEXTS - {"attachment", "picture", "address home", "other", "storage"}


class XryTxt:
    """The reader."""

    description = Description(
        id="xry-txt",
        version=1,
        title="MSAB XRY text export",
        channels=("phone", "sms", "mms"),
        counts="records in order: a title line with #, and the lines up to the next title behind a blank line",
        knowledge="the XRY parsers of Autopsy (sleuthkit/autopsy)",
        evidence="public code",
        cannot_tell=(
            "no real file was seen: keys and words are those that Autopsy's parsers know, in English",
            "the zone of times that are written without UTC or GMT (Autopsy takes UTC for them)",
            "a line of a text that is written exactly as a key of the tool, with a tab behind its colon, or as a title behind a blank line",
            "whether a received call of no duration was answered",
            "what is not decoded or was left out of the export",
        ),
        options=(
            Option("date_order", "dmy or mdy", "no date of the file has a day above 12"),
            Option("timezone", "zone of times that are written without one"),
        ),
        versions="unknown",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the format by the first lines: XRY Export, and a category two lines below."""
        name, mark = _encoding(head.data)
        text = head.data[mark:].decode(name, "replace")[:16_384]
        found = _header((k, line.removesuffix("\r"), True) for k, line in enumerate(text.split("\n"), 1))
        if found is None:
            return None
        known = found.report.lower() in _REPORTS
        return Claim(
            95, f"header of an XRY export, category {found.report.lower() if known else 'of no communication'}"
        )

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the records into ``out``.

        Raises
        ------
        Unreadable
            There is no header of an XRY export, or its dates contradict each other.
        Waiting
            The order of day and month is open.
        """
        _Reading(source, context, out).run()

    def mask(self, source: SourceFile, text: str) -> str:
        """Return a record with content hidden."""
        shown: list[str] = []
        for k, line in enumerate(text.split("\n")):
            line = line.removesuffix("\r")
            found = _PAIR.fullmatch(line)
            name = " ".join(found[1].lower().split()) if found else ""
            if k == 0 and _TITLE.fullmatch(line):
                shown.append(harmless(line))
            elif found is not None and name in _KEYS:
                value = found[2].strip()
                seen = name in _MASKED and len(value) <= _VALUE
                shown.append(f"{harmless(found[1])}: {harmless(value) if seen else hidden(len(value))}")
            elif line.strip().lower() in _SCOPES:
                shown.append(line.strip())
            else:
                shown.append(hidden(len(line)))
        return "\n".join(shown)


READER = XryTxt()
