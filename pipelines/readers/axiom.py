"""Magnet AXIOM exports: a table for each artifact, as CSV or as a sheet of a workbook.

The zone of the times and the order of day and month stand in the name of the column: ``Call Date/Time - UTC+00:00
(dd/MM/yyyy)``. The app stands in the title of the sheet, in the name of the source file, or in the name of the CSV.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pipelines.masking import hidden
from pipelines.readers._lab import (
    DRAFTS,
    INWARD,
    NOBODY,
    OUTWARD,
    SELECTED,
    People,
    Person,
    Rows,
    Stamp,
    attachment_kind,
    call_words,
    cell_text,
    cell_us,
    channel_of,
    coordinates,
    delivery,
    duration_of,
    first_rows,
    is_group_id,
    is_self,
    marked_time,
    masked_cells,
    offset_of,
    word,
    words,
)
from pipelines.readers._sheets import Row, heading, is_workbook, masked_row, open_text, text_rows, workbook_sheets
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Unreadable, Waiting

_HEADER_ROWS = 10
CELL_LIMIT = 32_767
#: a column of times: name, zone, order, and what follows
_TIME = re.compile(
    r"(?P<name>.{1,120}?)\s+-\s+(?P<zone>UTC\s?[+-]\d\d?:?\d\d)\s*\((?P<order>[dMy.,/\- ]{5,20})\)(?P<more>.{0,40})",
    re.DOTALL,
)
_TIME_SHOWN = re.compile(r".{1,120}? - utc ?[+-]\d\d?:?\d\d ?\(.{5,40}", re.DOTALL)
#: names of columns (case folded): field. Those in Portuguese are known from one converter.
_COLUMNS = {
    name: name_of
    for name_of, names in {
        "direction": "direction|message direction|call direction|direção",
        "call_status": "call status|estado da chamada",
        "status": "message status|status|estado",
        "type": "type|message type|call type|tipo",
        "duration": "call duration|duration|call duration (seconds)|duration (seconds)|duração",
        "caller": "caller|from|from phone number",
        "sender": "sender|sender name|remetente",
        "sender_id": "sender id|sender phone number|sender username|sender user id",
        "recipient": "recipient|recipient(s)|recipients|recipient name|recipient name(s)|receiver|receiver name|to|destinatário",
        "recipient_id": "recipient id|recipient id(s)|recipient phone number|recipient phone number(s)|recipient user id",
        "partner": "partner|partners|partner phone number|phone number|contact number",
        "partner_name": "partner name",
        "local": "local user|user",
        "text": "message|message body|body|text|content|mensagem",
        "thread": "_threadid|thread id",
        "chat": "_chatid|chat id",
        "attachment": "attachment|attachments|attachment name|attachment name(s)|attachment type",
        "source": "source|origem",
        "service": "service|application|application name|service type",
        "display": "display name|name|full name|contact name|nome",
        "phones": "phone number(s)|phone numbers",
        "emails": "email(s)|email address(es)|e-mail address(es)",
        "latitude": "latitude",
        "longitude": "longitude",
    }.items()
    for name in names.split("|")
}
#: words of time columns, the best first
_CALL_TIMES = ("call date", "start date", "timestamp", "created date", "date/time")
_MESSAGE_TIMES = (
    "message sent date", "sent/received date", "message date", "sent date", "received date", "original transmit date",
    "created date", "timestamp", "date/time", "data/hora",
)  # fmt: skip
#: parts of the name of a source file that name the app
_FILES = {
    "com.whatsapp": "whatsapp", "msgstore.db": "whatsapp", "chatstorage.sqlite": "whatsapp", "org.telegram": "telegram",
    "com.viber": "viber", "org.thoughtcrime.securesms": "signal", "com.facebook.orca": "messenger",
    "com.instagram": "instagram", "com.snapchat": "snapchat", "musically": "tiktok", "com.vkontakte": "vk",
    "com.skype": "skype", "com.discord": "discord", "jp.naver.line": "line", "com.tinder": "tinder", "com.badoo": "badoo",
    "com.life360": "life360", "mmssms.db": "sms", "bugle_db": "sms", "sms.db": "imessage", "calllog.db": "phone",
    "contacts2.db": "phone", "callhistory.storedata": "phone", "logs.db": "phone",
}  # fmt: skip
_IN_BRACKETS = re.compile(r"(.*?)\s*<([^<>]{1,200})>\s*", re.DOTALL)
_TITLE_NOT = re.compile(
    r"attachment|media|group|member|profile|participant|reaction|cache|notification|carved", re.IGNORECASE
)
_SHOWN = frozenset(_COLUMNS.values()) - words("text attachment thread source") | {"time", "thread"}
_FIT_NOT = re.compile(
    r"search|direction|media|picture|photo|exif|shared|route|google maps|waze|tile|place", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Time:
    """A column of times: where it stands, the order of its dates, its offset (None: doubtful)."""

    name: str
    place: int
    order: str | None
    offset: int | None


@dataclass(slots=True)
class _Table:
    """A table that is read: its kind and where its columns stand."""

    title: str
    kind: str
    header: int
    place: dict[str, int]
    times: tuple[_Time, ...]

    def text(self, name: str, cells: Sequence[Any]) -> str:
        """Return a cell as text; "" where the table has no such column."""
        at = self.place.get(name)
        return cell_text(cells[at]).strip() if at is not None and at < len(cells) else ""


def _time_column(text: str, place: int) -> _Time | None:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    letters = re.sub(r"[^dMy]", "", found.group("order"))
    order = {"d": "dmy", "M": "mdy", "y": "ymd"}.get(letters[:1])
    offset = offset_of(found.group("zone").removeprefix("UTC").strip())
    if "dst" in found.group("more").casefold() or "[" in found.group("more"):
        offset = None  # moved by a rule of summer time that the name does not tell
    return _Time(heading(found.group("name")), place, order, offset)


def _header(row: Row, title: str) -> _Table | None:
    """Return the table whose header a row is; None if it is none that is read."""
    place: dict[str, int] = {}
    times = []
    for k, cell in enumerate(row.cells):
        if not isinstance(cell, str) or len(cell) > 200:
            continue
        if (found := _time_column(cell, k)) is not None:
            times.append(found)
        elif (name := heading(cell)) in _COLUMNS:
            place.setdefault(_COLUMNS[name], k)
    have = set(place)
    kind = ""
    if (times and have & {"partner", "caller", "recipient"} and have & {"call_status", "duration"}) or (
        times
        and "call" in title.casefold()
        and have & {"partner", "caller", "recipient", "sender"}
        and "text" not in have
    ):
        kind = "calls"
    elif times and have & {"sender", "sender_id", "recipient", "partner"} and have & {"text", "status", "direction"}:
        kind = "messages"
    elif "phones" in have and "display" in have:
        kind = "contacts"
    elif times and {"latitude", "longitude"} <= have:
        kind = "locations"
    if not kind or (kind == "messages" and _TITLE_NOT.search(title) and "text" not in have):
        return None
    return _Table(title, kind, row.number, place, tuple(times))


def _tables(source: SourceFile) -> Iterator[tuple[str, Iterable[Row]]]:
    """Yield title and rows of every table; the title of a CSV is its name."""
    with source.open() as stream:
        is_book = stream.read(4) == b"PK\x03\x04"
    if is_book:
        for sheet in workbook_sheets(source):
            yield sheet.name, sheet.rows
        return
    encoding, delimiter = open_text(source)
    stem = re.split(r"[\\/]", source.name)[-1].rpartition(".")[0]
    with source.open() as stream:
        yield stem, text_rows(stream, encoding or "utf-8", delimiter or ",")


@lru_cache(8192)
def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of every person of a cell: ``Name <id>``, an id, or a name; several are parted by ``;`` or lines."""
    found = []
    for piece in re.split(r"[;\n]+|,(?=\s*\+?\d{6,})", text):
        plain = piece.strip()
        if not plain:
            continue
        if matched := _IN_BRACKETS.fullmatch(plain):
            found.append((matched.group(2).strip(), matched.group(1).strip()))
        elif re.fullmatch(r"\+?[\d\s\-().*#]{2,30}|\S+@\S+", plain):
            found.append((plain, ""))
        else:
            found.append(("", plain))
    return tuple(found)


@lru_cache(8192)
def _joined(names: str, numbers: str) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of people whose names and ids stand in two cells."""
    people = _parts(names)
    ids = [x.strip() for x in re.split(r"[;\n]+|,\s*", numbers) if x.strip()]
    if ids and len(ids) == max(1, len(people)):
        return tuple((i, people[k][1] if k < len(people) else "") for k, i in enumerate(ids))
    return people or tuple((i, "") for i in ids)


class _Axiom:
    """The reader."""

    description = Description(
        id="axiom",
        version=1,
        title="Magnet AXIOM export (CSV, XLSX)",
        channels=(
            "phone", "sms", "mms", "whatsapp", "telegram", "signal", "viber", "messenger", "facebook", "instagram", "vk",
            "snapchat", "tiktok", "x", "discord", "line", "skype", "google_chat", "imessage", "facetime", "tinder", "badoo",
            "other",
        ),
        counts="rows below the header of the tables of calls, messages, contacts and places, empty rows left out",
        knowledge=(
            "converters of such exports in public: a workbook importer with the list of columns for six apps, a parser for calls, "
            "messages and contacts, HodgePodge, and preset documentation of a timeline tool; no export of AXIOM itself was seen"
        ),
        evidence="public code",
        cannot_tell=(
            "what the examiner left out, or the program could not decode",
            "the app of a table whose title, source and service do not name it",
            "for apps without a direction who wrote, unless the owner is declared",
            "whether a place is where the phone was: places are left out",
        ),
        options=(
            Option("timezone", "zone of the times", "the zone in the name of the column moves with summer time"),
            Option("date_order", "order of day and month in dates: dmy or mdy"),
        ),
        versions="columns of 2020 to 2026",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Claim a table whose columns of times name zone and order, with columns of calls, messages or contacts."""
        if head.source is None:
            return None
        if is_workbook(head):
            for title, rows in first_rows(head.source):
                if (table := _of_rows(title, rows)) and _typical(table):
                    return Claim(
                        93, f"workbook with a table of {table.kind} of AXIOM: zone and order stand in a column's name"
                    )
            return None
        line = head.data[:16_384].split(b"\n", 1)[0].replace(b"\0", b"")  # UTF-16 too
        if b"UTC" not in line or b"yy" not in line or head.data[:2] == b"PK":
            return None
        for title, lines in _tables(head.source):
            table = _of_rows(title, lines)
            if table and _typical(table):
                return Claim(92, f"table of {table.kind} of AXIOM: zone and order of dates stand in a column's name")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the tables; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            The zone of a table moves with summer time, and none is given.
        """
        reading = _Reading(context, out)
        for title, rows in _tables(source):
            reading.table(title, rows)
        reading.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a row with its columns named and the text of messages and names of files hidden."""

        def names(row: Row) -> list[str] | None:
            return [str(c) for c in row.cells] if _header(row, "") or _header(row, "call") else None

        def shown(name: str) -> bool:
            return _TIME_SHOWN.fullmatch(name) is not None or _COLUMNS.get(name) in _SHOWN

        with source.open() as stream:
            is_book = stream.read(4) == b"PK\x03\x04"
        if is_book:
            return masked_cells(source, raw, names, shown)
        encoding, delimiter = open_text(source)
        with source.open() as stream:
            for row in text_rows(stream, encoding or "utf-8", delimiter or ","):
                if found := names(row):
                    try:
                        cells = next(csv.reader(raw.splitlines(keepends=True), delimiter=delimiter or ","), [])
                    except csv.Error:
                        break
                    return masked_row(cells, found, shown)
                if row.number > _HEADER_ROWS:
                    break
        return hidden(len(raw))


def _of_rows(title: str, rows: Iterable[Row]) -> _Table | None:
    for row in rows:
        if row.number > _HEADER_ROWS:
            return None
        if found := _header(row, title):
            return found
    return None


def _typical(table: _Table) -> bool:
    """Return whether a table bears the mark of AXIOM: a time with zone and order in its name."""
    return bool(table.times) and table.kind != "locations"


@lru_cache(4096)
def _app_of(title: str, service: str, source: str, kind: str) -> str:
    """Return the channel of a table or row: by title, service, then by the file that the record comes from."""
    own = "phone" if kind in ("calls", "contacts") else "sms"
    plain = re.sub(
        r"\b(android|ios|iphone|messages?|direct|chats?|calls?|logs?|contacts?|carved|local|history)\b",
        " ",
        title,
        flags=re.I,
    )
    low = title.casefold()
    if "imessage" in low:
        return "imessage"
    if "sms" in low or "mms" in low:
        return "mms" if "mms" in low and "sms" not in low else "sms"
    found = channel_of(plain, "")
    if found and found != "other":
        return found
    if service and (named := channel_of(service, "")) and named != "other":
        return named
    path = source.casefold()
    by_file = next((channel for part, channel in _FILES.items() if part in path), "")
    if by_file:
        return own if by_file in ("phone", "sms") else by_file
    # "Android Call Logs", "Android Messages": the phone's own
    return own if not re.sub(r"[\W_]+", "", plain) else "other"


class _Reading:
    """Turns rows of the tables into rows."""

    def __init__(self, context: Context, out: Sink) -> None:
        self._rows = Rows(out, context)
        self._people = People(context)
        self._owners = context.owner_names
        self._zone_given = bool(context.options.get("timezone"))
        self._order = context.options.get("date_order")
        self._titles: set[str] = set()
        self._unread = 0
        self._own: dict[str, set[str]] = {}

    def table(self, title: str, rows: Iterable[Row]) -> None:
        """Read a table, if it is one that is known."""
        table: _Table | None = None
        for row in rows:
            if table is None:
                if row.number > _HEADER_ROWS:
                    break
                table = _header(row, title)
                continue
            if row.fault:
                self._rows.begin()
                self._rows.reject(row.record, row.fault)
                continue
            if not any(c is not None and c != "" for c in row.cells):
                continue
            if isinstance(row.cells[0], str) and len(row.cells) > 2 and _header_again(row, table):
                continue
            self._rows.begin()
            getattr(self, f"_{table.kind}")(table, row.record, row.cells)
        if table is None:
            self._unread += 1
        else:
            self._titles.add(table.kind)

    def _when(self, table: _Table, record: str, cells: Sequence[Any], wanted: tuple[str, ...]) -> Stamp | None:
        best: tuple[int, _Time] | None = None
        for column in table.times:
            if column.place >= len(cells) or cells[column.place] in ("", None):
                continue
            rank = next((k for k, part in enumerate(wanted) if part in column.name), len(wanted))
            if best is None or rank < best[0]:
                best = (rank, column)
        if best is None:
            return self._rows.fit(record, "no time")
        column = best[1]
        value = cells[column.place]
        if isinstance(value, datetime):
            us = cell_us(value)
            stamp: Stamp | str = Stamp(us, "ms" if us % 1_000_000 else "s", "case")
        else:
            stamp = marked_time(cell_text(value).strip(), self._order or column.order)
        if isinstance(stamp, Stamp) and stamp.basis == "case":
            if column.offset is not None:
                stamp = stamp._replace(basis="stated" if column.offset else "utc", offset_s=column.offset or None)
            elif not self._zone_given:
                raise Waiting(
                    "the zone in the name of a column moves with summer time, and the name does not say which zone it is",
                    'timezone = "Area/City"  # the zone that the export was set to',
                )
        return self._rows.fit(record, stamp)

    # -- people

    def _named(self, table: _Table, cells: Sequence[Any], name: str, number: str) -> list[tuple[str, str]]:
        """Return (id, name) of the people of a column and the column of their ids."""
        return list(_joined(table.text(name, cells), table.text(number, cells)))

    def _is_owner(self, channel: str, one: tuple[str, str], cell: str) -> bool:
        if is_self(cell) or is_self(one[1]) or is_self(one[0]):
            if one[0] and not is_self(one[0]):
                who = self._people.person(channel, one[0])
                if who.identifier is not None:
                    self._own.setdefault(channel, set()).add(who.identifier)
            return True
        who = self._people.person(channel, one[0], one[1])
        return (who.identifier is not None and who.identifier in self._owners) or (
            not one[0] and one[1] in self._owners
        )

    def _person(self, channel: str, app: str, one: tuple[str, str]) -> Person:
        return self._people.person(channel, one[0], one[1], app)

    def _app(self, table: _Table, cells: Sequence[Any]) -> str:
        return _app_of(table.title, table.text("service", cells), table.text("source", cells)[:500], table.kind)

    # -- kinds of tables

    def _calls(self, table: _Table, record: str, cells: Sequence[Any]) -> None:
        when = self._when(table, record, cells, _CALL_TIMES)
        if when is None:
            return
        channel, app = self._app(table, cells), table.title
        at = table.place.get("duration")
        value = cells[at] if at is not None and at < len(cells) else ""
        said = tuple(word(table.text(x, cells)) for x in ("direction", "type", "call_status", "status"))
        call = call_words(said, duration_of(value))
        partner = self._named(table, cells, "partner", "")
        if partner and not partner[0][0] and not table.text("partner_name", cells) and partner[0][1]:
            partner = [(partner[0][1], "")] if " " not in partner[0][1] else partner
        callers = self._named(table, cells, "caller" if "caller" in table.place else "sender", "sender_id")
        called = self._named(table, cells, "recipient", "recipient_id")
        caller_cell = table.text("caller", cells) or table.text("sender", cells)
        if call.direction == "unknown":
            if any(self._is_owner(channel, p, caller_cell) for p in callers):
                call = call_words(("outgoing", *said), duration_of(value))
            elif any(self._is_owner(channel, p, table.text("recipient", cells)) for p in called):
                call = call_words(("incoming", *said), duration_of(value))
        sides = partner or (callers if call.direction == "in" else called if call.direction == "out" else [])
        sides = [p for p in sides if not self._is_owner(channel, p, "")]
        group = len(sides) > 1
        who = self._person(channel, app, sides[0]) if len(sides) == 1 else NOBODY
        sender = self._person(channel, app, callers[0]) if callers and call.direction == "unknown" else NOBODY
        self._rows.event(
            record, when, channel=channel, kind="call", direction=call.direction, identifier=who.identifier,
            identifier_raw=who.raw, identifier_kind=who.kind, sender=sender.identifier,
            owner_line=self._line(table, cells, channel), thread_id=who.identifier,
            thread_kind="group" if group else "direct", participants_n=len(sides) + 1 if group else None,
            answered=call.answered, duration_s=call.seconds, tags=call.tags,
        )  # fmt: skip

    def _line(self, table: _Table, cells: Sequence[Any], channel: str) -> str | None:
        found = _parts(table.text("local", cells))
        if not found or not found[0][0]:
            return None
        who = self._people.person(channel, found[0][0])
        if who.identifier is not None:
            self._own.setdefault(channel, set()).add(who.identifier)
        return who.identifier

    def _messages(self, table: _Table, record: str, cells: Sequence[Any]) -> None:
        words_said = [word(table.text(x, cells)) for x in ("direction", "status", "type")]
        if any(w in DRAFTS for w in words_said):
            self._rows.skip("drafts and messages that wait in the outbox, left out")
            return
        if words_said[2] == "system":
            self._rows.skip("lines that the app wrote itself, left out")
            return
        when = self._when(table, record, cells, _MESSAGE_TIMES)
        if when is None:
            return
        channel, app = self._app(table, cells), table.title
        senders = self._named(table, cells, "sender", "sender_id")
        receivers = self._named(table, cells, "recipient", "recipient_id")
        partner = self._named(table, cells, "partner", "")
        direction = next((_DIRECTIONS[w] for w in words_said if w in _DIRECTIONS), "unknown")
        from_owner = any(self._is_owner(channel, p, table.text("sender", cells)) for p in senders[:1])
        to_owner = any(self._is_owner(channel, p, table.text("recipient", cells)) for p in receivers)
        if direction == "unknown" and from_owner != to_owner:
            direction = "out" if from_owner else "in"
        receivers = [p for p in receivers if not self._is_owner(channel, p, "")]
        chat = table.text("chat", cells) or table.text("thread", cells)
        group = is_group_id(chat) or any(is_group_id(p[0]) for p in (*senders, *receivers)) or len(receivers) > 1
        sender = self._person(channel, app, senders[0]) if senders and not is_group_id(senders[0][0]) else NOBODY
        if direction == "in":
            who = sender if senders else self._person(channel, app, partner[0]) if len(partner) == 1 else NOBODY
        elif direction == "out" and not group:
            to = receivers or partner
            who = self._person(channel, app, to[0]) if len(to) == 1 else NOBODY
        else:
            who = NOBODY
        known = channel in ("sms", "phone") and not group
        thread = f"{channel}:{chat[:200]}" if chat else None
        body = cell_text(cells[table.place["text"]]) if table.place.get("text", len(cells)) < len(cells) else ""
        full = len(body) >= CELL_LIMIT
        if full:
            self._rows.remarks["texts that fill their cell: they may be longer than the cell can hold"] += 1
        attachment = table.text("attachment", cells)
        self._rows.event(
            record, when, channel=channel, kind="message", direction=direction,
            status=delivery(table.text("status", cells), direction), identifier=who.identifier, identifier_raw=who.raw,
            identifier_kind=who.kind, sender=sender.identifier if direction == "unknown" else None,
            owner_line=self._line(table, cells, channel), thread_id=who.identifier if known else thread or who.identifier,
            thread_kind="group" if group else "direct" if known else "unknown", size=None if full else len(body),
            attachment=attachment_kind(attachment) if attachment else "none" if "attachment" in table.place else None,
        )  # fmt: skip

    def _contacts(self, table: _Table, record: str, cells: Sequence[Any]) -> None:
        channel = self._app(table, cells)
        label = " ".join(table.text("display", cells).split())[:200]
        people: dict[str, Person] = {}
        for name in ("phones", "emails"):
            for text in re.split(r"[\n;,]+", table.text(name, cells)):
                plain = text.rpartition(": ")[2].strip()
                who = self._people.person(channel, plain, "", table.title)
                if who.identifier is not None:
                    people.setdefault(who.identifier, who)
        if not people and not label:
            self._rows.skip("entries without a name, number or address, left out")
            return
        for who in people.values() or (NOBODY,):
            self._rows.listed(record, channel, "address_book", who, label)

    def _locations(self, table: _Table, record: str, cells: Sequence[Any]) -> None:
        found = coordinates(table.text("latitude", cells), table.text("longitude", cells))
        self._rows.skip(
            "places of artifacts that are not shown to be fixes of this device, left out"
            if found
            else "rows without a place, left out"
        )

    def end(self) -> None:
        """Say what the file as a whole is like."""
        if not self._titles:
            raise Unreadable("none of the tables is one of calls, messages or contacts that is known")
        notes = [f"tables: {', '.join(sorted(self._titles))}", SELECTED]
        if self._unread:
            notes.append(f"tables of other artifacts, not read: {self._unread}")
        for channel, ids in sorted(self._own.items()):
            self._rows.owners |= ids
            if len(ids) > 1:
                notes.append(f"several accounts of {channel} are called the local user's: {len(ids)}")
        self._rows.end(notes)


def _header_again(row: Row, table: _Table) -> bool:
    place = next(iter(table.times)).place if table.times else next(iter(table.place.values()))
    text = row.cells[place] if place < len(row.cells) else ""
    return (
        isinstance(text, str)
        and len(text) < 200
        and ("UTC" in text or not table.times)
        and _header(row, table.title) is not None
    )


_DIRECTIONS = {**dict.fromkeys(INWARD, "in"), **dict.fromkeys(OUTWARD, "out")}
READER = _Axiom()
