"""Reader of the CSV files of iMazing: the call history, and messages (Messages, WhatsApp) with one row each.

The columns differ from version to version and are found by their names. The owner's own number or account is never in the
file: the column of the type says who wrote. Which of two people a conversation is with is known from those who write in it.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import hidden
from pipelines.readers._clock import Reading, day_us, iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sheets import Row, encoding_of, first_row, heading, masked_row, text_rows
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

_DELIMITERS = (",", ";", "\t")
_CALLS = frozenset({"call type", "date", "duration", "number", "service"})
_MESSAGES = frozenset({"chat session", "message date", "type", "sender id"})
#: columns that only the files of WhatsApp have
_WHATSAPP = frozenset({"forwarded", "attachment info", "sent date"})
_SHOWN = frozenset(
    {
        "call type", "date", "duration", "number", "contact", "service", "message id", "message date", "delivered date",
        "read date", "edited date", "deleted date", "sent date", "type", "sender id", "sender name", "status", "forwarded",
        "attachment type",
    }
)  # fmt: skip

#: word that a service begins with: channel
_CALL_SERVICES = {
    "phone": "phone", "iphone": "phone", "cellular": "phone", "facetime": "facetime", "whatsapp": "whatsapp",
    "signal": "signal", "telegram": "telegram", "viber": "viber", "skype": "skype", "messenger": "messenger",
    "instagram": "instagram", "line": "line", "snapchat": "snapchat", "vk": "vk", "discord": "discord",
}  # fmt: skip
_MESSAGE_SERVICES = {"imessage": "imessage", "sms": "sms", "mms": "mms", "rcs": "rcs", "whatsapp": "whatsapp"}
_BY_NUMBER = frozenset({"phone", "facetime", "whatsapp", "viber"})
_CALL_TYPES = {"outgoing": "out", "incoming": "in", "missed": "in", "declined": "in", "rejected": "in", "blocked": "in"}
_LOST = frozenset({"missed", "declined", "rejected", "blocked"})
_STATUS = {
    "delivered": "delivered", "read": "delivered", "played": "delivered", "sent": "sent", "not delivered": "failed",
    "failed": "failed", "not sent": "failed", "error": "failed", "pending": "pending", "sending": "pending",
}  # fmt: skip
_MEDIA = {
    "image": "image", "photo": "image", "picture": "image", "video": "video", "movie": "video", "audio": "audio",
    "voice": "voice", "sticker": "sticker", "gif": "animation", "contact": "contact", "vcard": "contact",
    "location": "location", "document": "document", "file": "document", "pdf": "document", "application": "document",
    "text": "document", "poll": "poll",
}  # fmt: skip
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d\d)", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}) +(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9][0-9()./\- \u00a0]{1,30}", re.ASCII)
_NATIVE = re.compile(r"[\w.@:+\-/=]{1,120}")
#: conversations of one file that are remembered [P]
_MAX_CHATS = 100_000
#: longest name or number [P]
_NAME = 300

_Who = tuple[str | None, str | None, str]
_NOBODY: _Who = (None, None, "none")


@dataclass(slots=True)
class _Chat:
    """Who writes in a conversation besides the owner."""

    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    who: _Who = _NOBODY


def slashed_reading(text: str, order: str) -> Reading | None:
    """Read ``15.01.2026 09:30:00`` or ``01/15/2026 09:30``, by the order of day and month (``dmy`` or ``mdy``)."""
    found = _SLASHED.fullmatch(text.strip())
    if found is None:
        return None
    first, second, year, hour, minute, seconds = found.groups()
    day, month = (first, second) if order == "dmy" else (second, first)
    us = day_us(int(year), int(month), int(day))
    if us is None or int(hour) > 23 or int(minute) > 59 or int(seconds or 0) > 59:
        return None
    us += (int(hour) * 3600 + int(minute) * 60 + int(seconds or 0)) * 1_000_000
    return Reading(us, "s" if seconds else "min")


def _date_order(source: SourceFile, codec: str, delimiter: str, column: int, context: Context) -> str:
    """Return ``iso``, ``dmy`` or ``mdy``.

    Raises
    ------
    Waiting
        Dates have the form 01/02/2026 throughout, and both orders are possible.
    """
    option = context.options.get("date_order")
    slashed = False
    with source.open() as stream:
        for k, row in enumerate(text_rows(stream, codec, delimiter)):
            if not k or len(row.cells) <= column:
                continue
            found = _SLASHED.fullmatch(str(row.cells[column]).strip()[:80])
            if found is None:
                if not slashed and iso_reading(str(row.cells[column])) is not None:
                    return "iso"
                continue
            slashed = True
            if int(found.group(1)) > 12:
                return "dmy"
            if int(found.group(2)) > 12:
                return "mdy"
    if not slashed:
        return "iso"
    if option in ("dmy", "mdy"):
        return option
    raise Waiting(
        "every date in this file can be read with the day or the month first", 'date_order = "dmy"   # or "mdy"'
    )


class _Table:
    """A file with its columns by name."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        with source.open() as stream:
            head = stream.read(65_536)
        self.codec = encoding_of(head) or "utf-8"
        self.delimiter = ""
        self.names: list[str] = []
        for delimiter in _DELIMITERS:
            with source.open() as stream:
                cells = next((r.cells for r in text_rows(stream, self.codec, delimiter)), ())
            names = [heading(c) for c in cells]
            if set(names) >= _CALLS or set(names) >= _MESSAGES:
                self.delimiter, self.names = delimiter, names
                break
        if not self.names:
            raise Unreadable("the first line is not a header of iMazing", "line:1")
        twice = [name for name, count in Counter(n for n in self.names if n).items() if count > 1]
        if twice:
            raise Unreadable("a column stands twice in the header", "line:1")
        self.calls = set(self.names) >= _CALLS
        self._at = {name: k for k, name in enumerate(self.names)}

    def column(self, name: str) -> int:
        """Return the place of a column, -1 if it is not there."""
        return self._at.get(name, -1)

    def rows(self) -> Iterator[Row]:
        """Yield the rows after the header."""
        with self.source.open() as stream:
            rows = text_rows(stream, self.codec, self.delimiter)
            next(rows, None)
            yield from rows


def _seconds(text: str) -> int | None:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return int(text) if re.fullmatch(r"\d{1,7}", text.strip(), re.ASCII) else None
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)


def _with_last(rows: Iterable[Row]) -> Iterator[tuple[Row, bool]]:
    """Yield rows, each with whether it is the last."""
    held: Row | None = None
    for row in rows:
        if held is not None:
            yield held, False
        held = row
    if held is not None:
        yield held, True


def _ends_in_line(source: SourceFile) -> bool:
    """Return whether the last line of a file has its end."""
    last = b""
    with source.open() as stream:
        while block := stream.read(1 << 20):
            last = block[-2:]
    return b"\n" in last


class _Reading:
    """One pass over a file."""

    def __init__(self, table: _Table, context: Context, out: Sink, order: str) -> None:
        self._table = table
        self._context = context
        self._out = out
        self._order = order
        self._counts: Counter[str] = Counter()
        self._spans: dict[tuple[str, str], list[int]] = {}
        self._n = 0
        self._chats: dict[str, _Chat] = {}
        self._senders: dict[tuple[str, str], _Who] = {}
        self._threads: dict[str, tuple[str, _Who]] = {}
        columns = [
            "n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "channel", "kind", "direction",
            "status", "identifier", "identifier_raw", "identifier_kind", "actor", "owner_line", "thread_id", "thread_kind",
            "directed", "answered", "duration_s", "size", "attachment", "tags",
        ]  # fmt: skip
        self._rows = RowBuffer(out.events, tuple(columns), {"how": "app"})

    def _time(self, text: str) -> tuple[Reading | None, str]:
        reading = iso_reading(text)
        if reading is None and self._order != "iso":
            reading = slashed_reading(text, self._order)
        if reading is None:
            return None, "time is not readable" if text.strip() else "no time"
        if reading.precision in ("day", "h"):
            return None, "the date has no time of the day"
        at = reading.utc_us if reading.offset_s is not None else reading.local_us
        return reading, implausible_time(at) or ""

    def _cells(self, row: Row) -> Sequence[str] | None:
        """Return the cells of a row, None if it has had its end."""
        self._n += 1
        if row.fault:
            self._out.reject(self._n, row.record, row.fault)
            return None
        cells = [str(c) for c in row.cells]
        if len(cells) != len(self._table.names):
            reason = "the row has fewer cells than the header" if len(cells) < len(self._table.names) else (
                "the row has more cells than the header"
            )  # fmt: skip
            if len(cells) > len(self._table.names) and not any(c.strip() for c in cells[len(self._table.names) :]):
                return cells
            self._out.reject(self._n, row.record, reason)
            return None
        return cells

    def _add(
        self, row: Row, at: Reading, channel: str, kind: str, direction: str, status: str, who: _Who, line: str | None,
        thread: tuple[str | None, str], directed: str, answered: bool | None, seconds: int | None, size: int | None,
        attachment: str | None, tags: str | None,
    ) -> None:  # fmt: skip
        basis = "utc" if at.zulu else "case" if at.offset_s is None else "stated"
        actor = {"in": "contact", "out": "owner"}.get(direction, "unknown")
        self._rows.add(
            self._n, row.record, at.local_us, at.offset_s if basis == "stated" else None, at.precision, basis, channel, kind,
            direction, status, *who, actor, line, *thread, directed, answered, seconds, size, attachment, tags,
        )  # fmt: skip
        us = at.local_us if at.offset_s is None else at.utc_us or 0
        span = self._spans.setdefault((channel, "case" if at.offset_s is None else "utc"), [us, us])
        span[0], span[1] = min(span[0], us), max(span[1], us)

    # -- calls

    def calls(self) -> None:
        """Read a call history."""
        at = {
            name: self._table.column(name) for name in ("call type", "date", "duration", "number", "contact", "service")
        }
        whole = _ends_in_line(self._table.source)
        for row, last in _with_last(self._table.rows()):
            if not row.cells and not row.fault:
                continue
            cells = self._cells(row)
            if cells is None:
                continue
            reading, why = self._time(cells[at["date"]])
            if reading is None or why:
                self._out.reject(self._n, row.record, why)
                continue
            word = clean(cells[at["call type"]]).casefold()
            direction = _CALL_TYPES.get(word, "unknown")
            if direction == "unknown":
                self._counts["calls of a type whose direction is not known"] += 1
            seconds = _seconds(cells[at["duration"]])
            answered: bool | None = None
            if word in _LOST:
                answered, seconds = False, None
            elif direction == "out":
                answered = None if seconds is None else seconds > 0
            elif seconds:
                answered = True
            service = clean(cells[at["service"]])
            channel = self._service(service)
            if last and not whole and channel in ("internet", "other"):
                self._out.reject(
                    self._n, row.record, "the file ends inside this row, or after a service that is not known"
                )
                continue
            contact = cells[at["contact"]] if at["contact"] >= 0 else ""
            who = self._caller(cells[at["number"]], contact, channel, service)
            line = self._line(service, who)
            tags = [word] if word in _LOST - {"missed"} else []
            tags += ["video"] if service.casefold().endswith("video") else []
            directed = {"in": "yes", "out": "no"}.get(direction, "unknown")
            self._add(
                row, reading, channel, "call", direction, "unknown", who, line, (who[0], "direct"), directed, answered,
                seconds, None, None, " ".join(tags) or None,
            )  # fmt: skip
        self._conclude("call")

    def _service(self, service: str) -> str:
        word = re.split(r"[\s:]", service.casefold(), maxsplit=1)[0]
        return _CALL_SERVICES.get(word, "internet" if word else "other")

    def _line(self, service: str, who: _Who) -> str | None:
        """Return the owner's line, where the service names a number that is not that of the other side."""
        number = service.partition(":")[2].strip()
        if not number:
            return None
        identifier, kind = self._context.phone(number)
        return identifier if kind == "phone" and identifier != who[0] else None

    def _caller(self, number: str, contact: str, channel: str, service: str) -> _Who:
        raw, name = clean(number)[:_NAME], clean(contact)[:_NAME]
        app = channel if channel != "internet" else re.split(r"[\s:]", service.casefold(), maxsplit=1)[0][:40]
        if not raw:
            if not name:
                self._counts["calls that name nobody"] += 1
                return _NOBODY
            identifier, kind = self._context.phone(name)
            if identifier is None:
                return None, name, kind
            return name_identifier(app, name), name, "name"
        if channel in ("phone", "facetime", "other"):
            identifier, kind = self._context.phone(raw)
            return identifier, raw, kind
        if raw.startswith("+") or (channel in _BY_NUMBER and _NUMBER.fullmatch(raw)):
            identifier, kind = self._context.phone(raw)
            if kind == "phone":
                return identifier, raw, kind
        if _NATIVE.fullmatch(raw):
            return f"{app}:{raw}", raw, "app_id"
        return name_identifier(app, raw), raw, "name"

    # -- messages

    def messages(self) -> None:
        """Read conversations."""
        names = ("chat session", "message date", "type", "sender id", "sender name", "service", "status", "text",
                 "attachment", "attachment type", "deleted date", "edited date", "reactions")  # fmt: skip
        at = {name: self._table.column(name) for name in names}
        whatsapp = at["service"] < 0 and bool(_WHATSAPP & set(self._table.names))
        app = "whatsapp" if whatsapp else "imessage"
        self._survey(at, app)
        sessions: set[str | None] = set()
        for row in self._table.rows():
            if not row.cells and not row.fault:
                continue
            cells = self._cells(row)
            if cells is None:
                continue
            word = clean(cells[at["type"]]).casefold()
            if word == "notification":
                self._counts["notifications of the app itself, out of scope"] += 1
                self._out.out_of_scope()
                continue
            reading, why = self._time(cells[at["message date"]])
            if reading is None or why:
                self._out.reject(self._n, row.record, why)
                continue
            direction = {"incoming": "in", "outgoing": "out"}.get(word)
            if direction is None:
                self._out.reject(self._n, row.record, "the type is neither Incoming nor Outgoing")
                continue

            def cell(name: str, cells: Sequence[str] = cells) -> str:
                return cells[at[name]] if at[name] >= 0 else ""

            channel = app if whatsapp else _MESSAGE_SERVICES.get(clean(cell("service")).casefold(), "other")
            session = clean(cells[at["chat session"]])[:_NAME]
            if session not in self._threads:
                if len(self._threads) >= _MAX_CHATS:
                    self._threads.clear()
                self._threads[session] = self._thread(session, app)
            thread_kind, peer = self._threads[session]
            who = self._sender(cell("sender id"), cell("sender name"), app) if direction == "in" else peer
            if direction == "in" and who[0] is None and thread_kind == "direct":
                who = peer
            thread = who[0] if thread_kind == "direct" else None
            if thread is None and session:
                thread = "chat:" + hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()[:10]
            if len(sessions) < 3:
                sessions.add(thread)
            directed = "no" if direction == "out" or thread_kind == "group" else (
                "yes" if thread_kind == "direct" else "unknown"
            )  # fmt: skip
            status = "delivered" if direction == "in" else _STATUS.get(clean(cell("status")).casefold(), "unknown")
            tags = []
            size: int | None = len(cell("text"))
            attachment = self._attachment(cell("attachment"), cell("attachment type"))
            if cell("deleted date").strip():
                tags.append("deleted")
            if cell("edited date").strip():
                tags.append("edited")
            if cell("reactions").strip():
                self._counts["messages with reactions, which bear no time and are no rows"] += 1
            self._add(
                row, reading, channel, "message", direction, status, who, None, (thread, thread_kind), directed, None, None,
                size, attachment, " ".join(tags) or None,
            )  # fmt: skip
        self._conclude("message", next(iter(sessions)) if len(sessions) == 1 else None)

    def _survey(self, at: dict[str, int], app: str) -> None:
        """Learn who writes in each conversation."""
        width = len(self._table.names)
        for row in self._table.rows():
            cells = [str(c) for c in row.cells]
            if row.fault or len(cells) < width or clean(cells[at["type"]]).casefold() != "incoming":
                continue
            session = clean(cells[at["chat session"]])[:_NAME]
            chat = self._chats.get(session)
            if chat is None:
                if len(self._chats) >= _MAX_CHATS:
                    continue
                chat = self._chats[session] = _Chat()
            name = cells[at["sender name"]] if at["sender name"] >= 0 else ""
            who = self._sender(cells[at["sender id"]], name, app)
            if who[0] is not None and len(chat.ids) < 3:
                chat.ids.add(who[0])
                chat.who = who
                chat.names.add(clean(name)[:_NAME])

    def _thread(self, session: str, app: str) -> tuple[str, _Who]:
        """Return the kind of a conversation, and its other side if it is one of two people."""
        chat = self._chats.get(session, _Chat())
        if len(chat.ids) > 1 or " & " in session:
            return "group", _NOBODY
        own = self._sender(session, "", app)
        addressed = own[2] in ("phone", "mail", "short", "raw")
        if chat.ids:
            if own[0] in chat.ids or session in chat.names or addressed or own[0] == f"alpha:{session}" in chat.ids:
                return "direct", chat.who
            # one person writes, under another name than that of the conversation: it may be a group with a title
            return "unknown", _NOBODY
        return ("direct", own) if addressed else ("unknown", _NOBODY)

    def _sender(self, number: str, name: str, app: str) -> _Who:
        found = self._senders.get((number, name))
        if found is not None:
            return found
        raw, named = clean(number)[:_NAME], clean(name)[:_NAME]
        if raw:
            identifier, kind = self._context.phone(raw.partition("@s.whatsapp.net")[0] if app == "whatsapp" else raw)
            found = identifier, raw, kind
        else:
            found = (name_identifier(app, named), named, "name") if named else _NOBODY
        if len(self._senders) < _MAX_CHATS:
            self._senders[number, name] = found
        return found

    def _attachment(self, name: str, kind: str) -> str:
        if not name.strip() and not kind.strip():
            return "none"
        word = re.split(r"[\s/]", clean(kind).casefold(), maxsplit=1)[0]
        return _MEDIA.get(word, "other")

    # -- the file as a whole

    def _conclude(self, kind: str, thread: str | None = None) -> None:
        out = self._out
        self._rows.flush()
        out.read(self._n)
        for (channel, basis), (first, last) in sorted(self._spans.items()):
            out.coverage(
                channel, kind, scope="thread" if thread is not None else "all", scope_id=thread, local_from=first,
                local_to=last, zone_basis=basis, basis="observed", complete="unknown",
            )  # fmt: skip
        for what, count in sorted(self._counts.items()):
            out.note(f"{what}: {count}")
        if kind == "call":
            out.note("a call log of an iPhone keeps about its newest thousand calls: absence shows nothing")
        out.note("a CSV file can be edited, and its times are those of the computer that exported")


class IMazingCsv:
    """Reader of format ``imazing-csv``."""

    description = Description(
        id="imazing-csv",
        version=1,
        title="iMazing export (CSV): call history, messages, WhatsApp",
        channels=("phone", "facetime", "imessage", "sms", "mms", "rcs", "whatsapp", "signal", "telegram", "viber", "skype",
                  "messenger", "instagram", "line", "snapchat", "vk", "discord", "internet", "other"),
        counts="CSV rows after the header, blank lines left out",
        knowledge="public parsers of its files and their test data (columns of 13 to 18); no file of a real telephone was seen",
        evidence="public code",
        cannot_tell=(
            "the owner's number or account: the file does not hold it (a number in the column Service may be either side's)",
            "the zone of the times: that of the computer that exported",
            "withheld callers: an empty number may also be one that iMazing does not know",
            "whether an incoming call of 0 s was answered",
            "whether a conversation in which one person writes under another name than its title is a group",
            "when somebody reacted to a message; calls that WhatsApp writes into the conversation",
            "headers in other languages than English (the file is then not recognised)",
        ),
        options=(
            Option("date_order", "dmy or mdy", "the dates have the form 01/02/2026 and leave the order open"),
            Option("timezone", "zone of the computer that exported"),
        ),
        versions="columns by name; layouts of 2023 to 2026",
        clock_s=2,
        call_start="unknown",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Claim a table by the names of its columns."""
        names = {heading(c) for c in first_row(head, _DELIMITERS)}
        if names >= _CALLS and "contact" in names:
            return Claim(92, "CSV header of iMazing's call history")
        if names >= _MESSAGES and "sender name" in names:
            return Claim(95, "CSV header of iMazing's messages")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        table = _Table(source)
        column = table.column("date" if table.calls else "message date")
        order = _date_order(source, table.codec, table.delimiter, column, context)
        reading = _Reading(table, context, out, order)
        if table.calls:
            reading.calls()
        else:
            reading.messages()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a row with the text, the conversation and everything else that is content hidden."""
        try:
            table = _Table(source)
        except Unreadable:
            return hidden(len(plain))
        rows = list(text_rows(io.BytesIO(plain.encode("utf-8", "replace")), "utf-8", table.delimiter))
        if len(rows) != 1 or rows[0].fault or len(rows[0].cells) != len(table.names):
            return hidden(len(plain))
        return masked_row(rows[0].cells, table.names, _SHOWN.__contains__)


READER = IMazingCsv()
