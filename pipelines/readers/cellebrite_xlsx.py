"""Cellebrite reports as workbook (XLSX), and the same tables as CSV: one sheet for each kind of record.

Cellebrite publishes no layout, and titles and columns are written in the language of the examiner's program. Sheets and
columns are known by name only; a sheet that is not known is not read, because the timeline repeats calls and messages.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

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
    marked_time,
    masked_cells,
    order_shown,
    word,
    words,
)
from pipelines.readers._sheets import Row, heading, is_workbook, masked_row, open_text, text_rows, workbook_sheets
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Unreadable, Waiting

#: longest text that a cell of a workbook holds
CELL_LIMIT = 32_767
_HEADER_ROWS = 10

#: titles of sheets (case folded, without a number in brackets): kind
_TITLES = {
    title: kind
    for kind, titles in {
        "calls": "call log|calls|журнал вызовов|журнал звонков|звонки|anrufliste|anrufprotokoll|registro de llamadas|llamadas|"
        "journal d'appels|journal des appels|appels|registro de chamadas|registo de chamadas|chamadas",
        "chats": "chats|chat|чаты|conversas|bate-papos|discussions|conversations",
        "messages": "instant messages|sms messages|mms messages|sms|mms|messages|sms-сообщения|mms-сообщения|сообщения|"
        "мгновенные сообщения|sms-nachrichten|mms-nachrichten|sofortnachrichten|mensajes sms|mensajes mms|"
        "mensajes instantáneos|messages sms|messages mms|messages instantanés|mensagens sms|mensagens mms|"
        "mensagens instantâneas",
        "contacts": "contacts|contact|контакты|kontakte|contactos|contatos",
        "locations": "locations|device locations|местоположения|расположения|standorte|ubicaciones|emplacements|"
        "localisations|locais|localizações",
        "accounts": "user accounts|accounts|учетные записи пользователей|учётные записи пользователей|benutzerkonten|"
        "cuentas de usuario|comptes utilisateur|contas de usuário",
    }.items()
    for title in titles.split("|")
}
#: names of columns (case folded, ``:`` and ``-`` as blanks): field
_COLUMNS = {
    name: name_of
    for name_of, names in {
        "number": "#",
        "time": "timestamp time|timestamp|time|date/time|timestamp date/time|marcação de tempo hora|hora|zeitstempel zeit|"
        "zeitstempel uhrzeit|zeitstempel|zeit|uhrzeit|marca de tiempo hora|marca de tiempo|horodatage heure|horodatage|heure|"
        "метка времени время|метка времени|время|дата и время",
        "date": "timestamp date|date|marcação de tempo data|data|zeitstempel datum|datum|marca de tiempo fecha|fecha|"
        "horodatage date|метка времени дата|дата",
        "parties": "parties|party|стороны|parteien|partes|parties concernées",
        "participants": "participants|участники|teilnehmer|participantes",
        "from": "from|sender|caller|de|von|absender|от|от кого|отправитель|remitente|expéditeur|remetente",
        "to": "to|recipients|recipient|callee|para|an|empfänger|кому|получатель|получатели|destinatario|à|destinataire",
        "direction": "direction|направление|richtung|dirección|direção|sens",
        "type": "type|call type|тип|typ|tipo",
        "folder": "folder|папка|ordner|carpeta|dossier|pasta",
        "status": "status|статус|состояние|estado|état|statut",
        "duration": "duration|длительность|продолжительность|dauer|duración|durée|duração",
        "app": "source|application|service|источник|приложение|quelle|origen|fuente|fonte|origem",
        "account": "account|owner account|учетная запись|учётная запись|konto|cuenta|compte|conta",
        "body": "body|message|text|content|corpo|текст|тело|сообщение|nachricht|inhalt|cuerpo|mensaje|corps",
        "chat": "chat #|chat id|чат #|chat no",
        "chat_id": "identifier|chat identifier|идентификатор|kennung|identificador|identifiant",
        "deleted": "deleted|deleted instant message|deleted message|deleted call|deleted contact|deleted state|record status|"
        "удалено|gelöscht|eliminado|supprimé|excluído",
        "name": "name|имя|название|nombre|nom|nome",
        "entries": "entries|entry|записи|einträge|entradas|entrées",
        "phone": "phone|phone number|phone numbers|телефон|телефоны|telefon|teléfono|téléphone|telefone",
        "email": "email|e mail|emails|эл. почта|correo electrónico|courriel",
        "interaction": "interaction statuses",
        "username": "username|user name|user id|имя пользователя|benutzername|nombre de usuario|nom d'utilisateur|"
        "nome de usuário",
        "position": "position|положение|posición|posição|местоположение",
        "category": "category|категория|kategorie|categoría|catégorie|categoria",
        "origin": "origin|происхождение|herkunft|procedencia|origine",
        "system": "system message",
    }.items()
    for name in names.split("|")
}
_ATTACHMENT = re.compile(r"(?:attachment|anexo|anhang|adjunto|pièce jointe|вложение)s?(?: #?\d{1,4})?", re.IGNORECASE)
#: what a sheet must have to be read, by its kind
_NEEDS = {
    "calls": ({"parties", "from", "to", "participants"}, {"time", "date"}, {"direction", "duration", "status", "type"}),
    "chats": ({"from", "participants"}, {"time", "date"}, {"body", "chat", "chat_id"}),
    "messages": (
        {"from", "to", "parties", "participants"},
        {"time", "date"},
        {"body", "folder", "status", "direction"},
    ),
    "contacts": ({"entries", "phone", "email", "username"}, {"name", "app", "entries"}),
    "locations": ({"position"}, {"time", "date"}),
    "accounts": ({"username", "entries"}, {"app", "name", "username"}),
}
_SHOWN = frozenset(
    words(
        "number time date parties participants from to direction type folder status duration app account chat chat_id deleted"
        " name entries phone email username position category origin"
    )
)
_ROLE = re.compile(
    r"(?:(from|von|de|от|от кого)|(to|an|para|à|кому)|(?:general|participant|allgemein|общие))\s*:\s*", re.IGNORECASE
)
_OWNER = re.compile(
    r"\s*\((?:owner|phone owner|propietario|proprietário|propriétaire|besitzer|владелец)\)\s*\Z", re.IGNORECASE
)
_NATIVE = re.compile(
    r"\+?\d[\d\s\-().]{3,24}\d(?=\s|\Z)|\+?\d{2,20}(?=\s|\Z)|[^\s@]{1,100}@[^\s@]{1,100}(?=\s|\Z)|@\w[\w.]{1,60}(?=\s|\Z)|"
    r"(?=[\w.]*[\d_]|[\w.]*\.[a-z])[A-Za-z0-9][\w.]{2,60}(?<!\.)(?=\s|\Z)",  # a name of an account: anna.b, anna_77
    re.ASCII,
)
_PAIR = re.compile(r"\(?\s*([+-]?\d{1,3}(?:[.,]\d{1,20})?)\s*[,;]\s+?([+-]?\d{1,3}(?:[.,]\d{1,20})?)\s*\)?|"
                   r"\(?\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*\)?", re.ASCII)  # fmt: skip
_EITHER = re.compile(r"\s*(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{4}", re.ASCII)
_YES = words("yes deleted trash true 1 да удалено ja gelöscht sí si eliminado oui supprimé sim excluído")
_ENTRY = re.compile(
    r"(phone|telefon|teléfono|téléphone|telefone|телефон|e-?mail|correo|courriel|эл)\b[^:]{0,80}:\s*(.+)", re.IGNORECASE
)
_USER_ENTRY = re.compile(
    r"(?:user id|id пользователя|benutzer-id|id de usuario|id utilisateur|id do usuário)-?([^:]{0,80}):\s*(.+)",
    re.IGNORECASE,
)
_NOT_ID = re.compile(r"name(?!\s*$)|push|birth|picture|photo|additional|display|address book|nick", re.IGNORECASE)
_DEVICE = words("device устройство gerät dispositivo appareil")
_NOT_FIX = re.compile(r"media|medien|медиа|search|such|поиск|shared|entered|journey|map|address", re.IGNORECASE)


class Party(NamedTuple):
    """Somebody in a cell: role, id and name as the report writes them, and whether it marks the owner."""

    role: str  # "from", "to" or ""
    native: str
    name: str
    owner: bool


def _norm(text: object) -> str:
    return re.sub(r"\s*[:\-\u2013]\s*", " ", heading(cell_text(text))).strip()


@lru_cache(8192)
def parties(text: str) -> tuple[Party, ...]:
    """Read the people of a cell: one a line, ``From: +77010000001 Name`` or ``id Name (owner)``."""
    found = []
    for line in re.split(r"[\n;]+", text):
        plain = line.strip()
        role = ""
        if matched := _ROLE.match(plain):
            role = "from" if matched.group(1) else "to" if matched.group(2) else ""
            plain = plain[matched.end() :].strip()
        owner = _OWNER.search(plain) is not None
        plain = _OWNER.sub("", plain).strip()
        if not plain:
            continue
        native = _NATIVE.match(plain)
        if native is not None:
            found.append(Party(role, native.group().strip(), plain[native.end() :].strip(), owner))
        elif " " not in plain:
            found.append(Party(role, plain, "", owner))
        else:
            found.append(Party(role, "", plain, owner))
    return tuple(found)


@dataclass(slots=True)
class _Sheet:
    """A sheet that is read: its kind and where its columns stand."""

    title: str
    kind: str
    header: int  # number of the header row
    width: int
    place: dict[str, int]
    attachments: tuple[int, ...]
    first: object  # what stands in its first cell
    order: str | None = None  # of day and month, as its own times show it
    mixed: bool = False  # its times contradict each other

    def text(self, name: str, cells: Sequence[Any]) -> str:
        """Return a cell as text; "" where the sheet has no such column."""
        at = self.place.get(name)
        return cell_text(cells[at]).strip() if at is not None and at < len(cells) else ""


def _kind(title: str) -> str | None:
    return _TITLES.get(re.sub(r"\s*\(\d{1,9}\)$|\s+\d{1,3}$", "", heading(title)))


def _header(row: Row, kind: str | None) -> tuple[str, dict[str, int], tuple[int, ...]] | None:
    """Return kind, columns and columns of attachments if a row is a header; without a title the columns say the kind."""
    place: dict[str, int] = {}
    attachments = []
    for k, cell in enumerate(row.cells):
        if not isinstance(cell, str) or len(cell) > 80:
            continue
        name = _norm(cell)
        if name in _COLUMNS:
            place.setdefault(_COLUMNS[name], k)
        elif _ATTACHMENT.fullmatch(name):
            attachments.append(k)
    have = set(place)
    if kind is None:
        if "chat" in have and "body" in have:
            kind = "chats"
        elif "duration" in have and "parties" in have:
            kind = "calls"
        elif "body" in have and "parties" in have:
            kind = "messages"
        else:
            return None
    if all(group & have for group in _NEEDS[kind]):
        return kind, place, tuple(attachments)
    return None


def _sheet(title: str, rows: Iterable[Row], is_text: bool) -> _Sheet | None:
    kind = None if is_text else _kind(title)
    if kind is None and not is_text:
        return None
    for row in rows:
        if found := _header(row, kind):
            return _Sheet(title, found[0], row.number, len(row.cells), found[1], found[2], row.cells[0])
    return None


class _Cellebrite:
    """The reader."""

    description = Description(
        id="cellebrite-xlsx",
        version=1,
        title="Cellebrite report (XLSX, CSV)",
        channels=(
            "phone", "sms", "mms", "whatsapp", "telegram", "signal", "viber", "messenger", "facebook", "instagram", "vk",
            "snapchat", "tiktok", "x", "discord", "line", "skype", "google_chat", "imessage", "facetime", "tinder", "badoo",
            "other",
        ),
        counts="rows below the header of the sheets of calls, chats, messages, contacts and locations, empty rows left out",
        knowledge=(
            "converters of such reports in public: clbExtract, HodgePodge, an Excel and PDF importer with its notes, two chat "
            "converters that list a whole header (2019 to 2026), one in Portuguese; no report of Cellebrite itself was seen. "
            "Russian, German, Spanish and French names are not verified"
        ),
        evidence="public code",
        cannot_tell=(
            "what the examiner left out, or the program could not decode",
            "whether a row marked as deleted repeats another row: both are kept",
            "the true length of a text that fills its cell (32,767 characters)",
            "whether a place is where the phone was, unless the report calls it one of the device; media, searches and shared "
            "places are left out",
            "sheets under titles that are not known; the timeline is never read, because it repeats the others",
        ),
        options=(
            Option("date_order", "order of day and month in dates: dmy or mdy", "no date of the file shows it"),
            Option("timezone", "zone of the times that are written without one"),
        ),
        versions="headers of 2019 to 2026",
        call_start="unknown",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Claim a workbook with a sheet of such a report, and a CSV with its columns."""
        if is_workbook(head):
            if head.source is None:
                return None
            known = [
                sheet
                for title, rows in first_rows(head.source)
                if (sheet := _sheet(title, rows, False)) and "number" in sheet.place and sheet.place["number"] == 0
            ]
            return (
                Claim(94, f"workbook with a numbered sheet of {known[0].kind} of a Cellebrite report")
                if known
                else None
            )
        data = head.data.removeprefix(b"\xef\xbb\xbf")
        if not data.startswith((b"#,", b"#;", b"#\t", b'"#"')) or head.source is None:
            return None
        sheet = _sheet("", _first_text_rows(head.source), True)
        if sheet is None or "number" not in sheet.place:
            return None
        return Claim(92, f"numbered table of {sheet.kind} with the columns of a Cellebrite report")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the sheets twice: for the order of dates and the owner's accounts, then for the rows.

        Raises
        ------
        Waiting
            No date of the file shows the order of day and month.
        """
        survey = _Survey(context)
        for title, rows in _tables(source):
            survey.sheet(title, rows, title is None)
        if not survey.sheets:
            raise Unreadable("none of the sheets is one of a report that is known")
        survey.settle()
        reading = _Reading(survey, context, out)
        for k, (_, rows) in enumerate(_tables(source)):
            sheet = survey.sheets.get(k)
            if sheet is not None and sheet.kind != "accounts":
                reading.sheet(sheet, rows)
        reading.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a row with its columns named and the text of messages and names of files and chats hidden."""
        with source.open() as stream:
            is_book = stream.read(4) == b"PK\x03\x04"

        def names(row: Row) -> list[str] | None:
            found = _header(row, None) or next(
                (h for kind in _NEEDS if (h := _header(row, kind)) and "number" in h[1]), None
            )
            return [str(c) for c in row.cells] if found else None

        def shown(name: str) -> bool:
            return _COLUMNS.get(_norm(name)) in _SHOWN - {"name"}

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


def _first_text_rows(source: SourceFile) -> Iterator[Row]:
    encoding, delimiter = open_text(source)
    with source.open() as stream:
        for row in text_rows(stream, encoding or "utf-8", delimiter or ","):
            if row.number > _HEADER_ROWS:
                return
            yield row


def _tables(source: SourceFile) -> Iterator[tuple[str | None, Iterable[Row]]]:
    """Yield title and rows of every sheet; None as the title of a text table."""
    with source.open() as stream:
        is_book = stream.read(4) == b"PK\x03\x04"
    if is_book:
        for sheet in workbook_sheets(source):
            yield sheet.name, sheet.rows
        return
    encoding, delimiter = open_text(source)
    with source.open() as stream:
        yield None, text_rows(stream, encoding or "utf-8", delimiter or ",")


@dataclass(slots=True)
class _Survey:
    """What must be known of the whole file before its rows can be read."""

    context: Context
    sheets: dict[int, _Sheet] = field(default_factory=dict)
    unread: int = 0
    accounts: dict[str, set[str]] = field(default_factory=dict)  # channel -> identifiers of the owner
    borrowed: bool = False  # a sheet takes the order of dates from another
    _open: bool = False  # a date that any order could be
    _at: int = 0

    def sheet(self, title: str | None, rows: Iterable[Row], is_text: bool) -> None:
        """Look through a sheet, as far as needed."""
        at, self._at = self._at, self._at + 1
        found: _Sheet | None = None
        kind = _kind(title or "")
        if kind is None and not is_text:
            self.unread += 1
            return
        people = People(self.context)
        undecided = "date_order" not in self.context.options
        shown: set[str] = set()
        for row in rows:
            if found is None:
                if row.number > _HEADER_ROWS:
                    break
                if header := _header(row, kind):
                    found = _Sheet(
                        title or "", header[0], row.number, len(row.cells), header[1], header[2], row.cells[0]
                    )
                    self.sheets[at] = found
                    if found.kind == "contacts":
                        return
                continue
            if found.kind == "accounts":
                self._account(found, row, people)
                continue
            self._marked(found, row, people)
            if undecided:
                text = found.text("time", row.cells)
                text = text if order_shown(text) or not found.text("date", row.cells) else found.text("date", row.cells)
                if order := order_shown(text):
                    shown.add(order)
                elif (either := _EITHER.match(text)) and int(either.group(1)) != int(either.group(2)):
                    self._open = True
        if found is None:
            self.unread += 1
            return
        found.mixed = len(shown) > 1
        found.order = next(iter(shown)) if len(shown) == 1 else None

    def _account(self, sheet: _Sheet, row: Row, people: People) -> None:
        channel = channel_of(sheet.text("app", row.cells), "phone")
        for text in (sheet.text("username", row.cells), *_entry_ids(sheet.text("entries", row.cells))):
            if text and channel != "other":
                who = people.person(channel, text)
                if who.identifier is not None:
                    self.accounts.setdefault(channel, set()).add(who.identifier)

    def _marked(self, sheet: _Sheet, row: Row, people: People) -> None:
        """Remember whom the report marks as the owner of the phone."""
        for name in ("from", "to", "parties", "participants"):
            text = sheet.text(name, row.cells)
            if "(" not in text:
                continue
            for party in parties(text):
                if party.owner and party.native:
                    fallback = "phone" if sheet.kind == "calls" else "sms"
                    channel = channel_of(sheet.text("app", row.cells), fallback)
                    who = people.person(channel, party.native)
                    if who.identifier is not None and channel != "other":
                        self.accounts.setdefault(channel, set()).add(who.identifier)

    def settle(self) -> None:
        """Settle the order of dates for sheets that do not show it: by the option, else by all other sheets.

        Raises
        ------
        Waiting
            Nothing shows it, and some date needs it.
        """
        given = self.context.options.get("date_order")
        if given in ("dmy", "mdy"):
            for sheet in self.sheets.values():
                sheet.order, sheet.mixed = given, False
            return
        shown = {s.order for s in self.sheets.values() if s.order}
        mixed = any(s.mixed for s in self.sheets.values())
        if not shown and not mixed and self._open:
            raise Waiting(
                "every date of the report can be read with the day or with the month first",
                'date_order = "dmy"  # or "mdy"',
            )
        if len(shown) == 1 and not mixed:
            for sheet in self.sheets.values():
                if sheet.order is None and sheet.kind in ("calls", "chats", "messages", "locations"):
                    sheet.order = next(iter(shown))
                    self.borrowed = True


def _entry_ids(text: str) -> list[str]:
    """Return numbers, addresses and ids of accounts from the entries of a contact or an account."""
    found = []
    for line in text.split("\n"):
        plain = line.strip()
        if matched := _ENTRY.fullmatch(plain):
            value = matched.group(2).strip()
            number = re.search(r"\+?[\d*#][\d\s\-().*#]{1,30}\Z", value)
            found.append(value if "@" in value or number is None else number.group().strip())
        elif (matched := _USER_ENTRY.fullmatch(plain)) and not _NOT_ID.search(matched.group(1)):
            found.append(matched.group(2).strip())
    return [x for x in found if 1 < len(x) <= 300]


class _Reading:
    """Turns rows of the sheets into rows of the tables."""

    def __init__(self, survey: _Survey, context: Context, out: Sink) -> None:
        self._survey = survey
        self._rows = Rows(out, context)
        self._people = People(context)
        self._owners = context.owner_names
        self._read: set[str] = set()
        self._chat: tuple[str, dict[str, str]] = ("", {})
        self._no_zone = 0

    def sheet(self, sheet: _Sheet, rows: Iterable[Row]) -> None:
        """Read a sheet."""
        self._read.add(sheet.kind)
        self._chat = ("", {})
        make = getattr(self, f"_{sheet.kind}")
        for row in rows:
            if row.number <= sheet.header:
                continue
            if row.fault:
                self._rows.begin()
                self._rows.reject(row.record, row.fault)
                continue
            if not any(c is not None and c != "" for c in row.cells):
                continue
            if row.cells[0] == sheet.first and _header(row, sheet.kind):
                continue  # the header once more
            self._rows.begin()
            make(sheet, row.record, row.cells)

    # -- cells

    def _when(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> Stamp | None:
        at = sheet.place.get("time", sheet.place.get("date", -1))
        value = cells[at] if 0 <= at < len(cells) else ""
        if isinstance(value, datetime):
            us = cell_us(value)
            stamp: Stamp | str = Stamp(us, "ms" if us % 1_000_000 else "s", "case")
        else:
            text = cell_text(value).strip()
            date = sheet.text("date", cells)
            if re.fullmatch(r"\d{1,2}:\d\d(?::\d\d)?.{0,20}", text, re.ASCII) and date:
                text = f"{date.split(' ')[0]} {text}"  # date and time of the day stand in two columns
            stamp = marked_time(text or date, sheet.order)
        if isinstance(stamp, Stamp) and stamp.basis == "case":
            self._no_zone += 1
        return self._rows.fit(record, stamp)

    def _deleted(self, sheet: _Sheet, cells: Sequence[Any]) -> str | None:
        if word(sheet.text("deleted", cells)) not in _YES:
            return None
        self._rows.remarks["rows that the report marks as deleted (they may repeat others)"] += 1
        return "deleted"

    def _is_owner(self, channel: str, party: Party, account: str) -> bool:
        if party.owner:
            return True
        who = self._people.person(channel, party.native, party.name)
        if who.identifier is not None and (
            who.identifier in self._owners or who.identifier in self._survey.accounts.get(channel, ())
        ):
            return True
        if not party.native and party.name in self._owners:
            return True
        return bool(account) and party.native == account

    def _person(self, channel: str, app: str, party: Party) -> Person:
        return self._people.person(channel, party.native, party.name, app)

    # -- sheets

    def _calls(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        when = self._when(sheet, record, cells)
        if when is None:
            return
        app = sheet.text("app", cells)
        channel = channel_of(app, "phone")
        account = _account_id(sheet.text("account", cells))
        said = tuple(word(sheet.text(x, cells)) for x in ("direction", "type", "status"))
        at = sheet.place.get("duration")
        call = call_words(said, duration_of(cell_text(cells[at]) if isinstance(cells[at], str) else cells[at])
                          if at is not None and at < len(cells) else None)  # fmt: skip
        people = self._of_call(sheet, cells)
        others = [p for p in people if not self._is_owner(channel, p, account)]
        direction = call.direction
        if direction == "unknown" and len(others) == 1 and others[0].role:
            direction = "in" if others[0].role == "from" else "out"
            call = call_words((*said, "incoming" if direction == "in" else "outgoing"), call.seconds)
        if direction == "in":
            sides = [p for p in others if p.role != "to"] or others
        elif direction == "out":
            sides = [p for p in others if p.role != "from"] or others
        else:
            sides = others
        group = len({(p.native, p.name) for p in sides}) > 1
        who = NOBODY if group or not sides else self._person(channel, app, sides[0])
        self._rows.event(
            record, when, channel=channel, kind="call", direction=direction, identifier=who.identifier,
            identifier_raw=who.raw, identifier_kind=who.kind, owner_line=self._line(channel, account),
            thread_id=who.identifier, thread_kind="group" if group else "direct",
            participants_n=len(sides) + 1 if group else None, answered=call.answered, duration_s=call.seconds,
            tags=_joined(call.tags, self._deleted(sheet, cells)),
        )  # fmt: skip

    def _of_call(self, sheet: _Sheet, cells: Sequence[Any]) -> list[Party]:
        people = [*parties(sheet.text("parties", cells) or sheet.text("participants", cells))]
        if not people:
            people = [p._replace(role="from") for p in parties(sheet.text("from", cells))]
            people += [p._replace(role="to") for p in parties(sheet.text("to", cells))]
        return people

    def _line(self, channel: str, account: str) -> str | None:
        if not account:
            return None
        who = self._people.person(channel, account)
        return who.identifier

    def _chats(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        self._message(sheet, record, cells)

    def _messages(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        self._message(sheet, record, cells)

    def _of_chat(self, sheet: _Sheet, cells: Sequence[Any]) -> dict[str, str]:
        """Return what holds for a whole chat; it may stand with its first message only."""
        number = sheet.text("chat", cells)
        found = {x: sheet.text(x, cells) for x in ("participants", "app", "account", "chat_id")}
        if number and number == self._chat[0]:
            found = {x: value or self._chat[1][x] for x, value in found.items()}
        self._chat = (number, found)
        return found

    def _message(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        chat = self._of_chat(sheet, cells)
        senders: Sequence[Party] = parties(sheet.text("from", cells))
        if senders and "system message" in f"{senders[0].native} {senders[0].name}".casefold():
            self._rows.skip("lines that the app wrote itself, left out")
            return
        said = [word(sheet.text(x, cells)) for x in ("direction", "type", "folder", "status")]
        if any(w in DRAFTS for w in said[:3]) or said[3] == "draft":
            self._rows.skip("drafts and messages that wait in the outbox, left out")
            return
        when = self._when(sheet, record, cells)
        if when is None:
            return
        fallback = "mms" if "mms" in sheet.title.casefold() else "sms"
        app = chat["app"]
        channel = channel_of(app, fallback) if app or sheet.kind == "messages" else "other"
        account = _account_id(chat["account"])
        receivers: Sequence[Party] = parties(sheet.text("to", cells))
        if not senders and not receivers:
            named = parties(sheet.text("parties", cells))
            senders = [p for p in named if p.role == "from"]
            receivers = [p for p in named if p.role == "to"]
        members = parties(chat["participants"])
        direction = next((_DIRECTIONS[w] for w in said[:3] if w in _DIRECTIONS), "unknown")
        sender = senders[0] if senders else None
        if direction == "unknown" and sender is not None:
            if self._is_owner(channel, sender, account):
                direction = "out"
            elif any(self._is_owner(channel, p, account) for p in (*receivers, *members)):
                direction = "in"
            elif not receivers and sheet.kind == "messages":
                direction = "in"  # the program writes the other side with its role, and nobody else
        elif direction == "unknown" and receivers and sheet.kind == "messages":
            direction = "out"
        if direction == "unknown" and said[3] in OUTWARD:
            direction = "out"
        self._keep_message(
            sheet,
            record,
            when,
            cells,
            _Sides(channel, app, account, direction, sender, receivers, members, chat["chat_id"]),
        )

    def _keep_message(self, sheet: _Sheet, record: str, when: Stamp, cells: Sequence[Any], s: _Sides) -> None:
        others = [p for p in (s.members or s.receivers) if not self._is_owner(s.channel, p, s.account)]
        apart = {self._person(s.channel, s.app, p).identifier or p.name for p in others}
        if s.sender is not None and s.direction != "out":
            apart.add(self._person(s.channel, s.app, s.sender).identifier or s.sender.name)
        group = is_group_id(s.chat_id) or len(s.members) > 2 or len(apart) > (2 if s.direction == "unknown" else 1)
        sender = self._person(s.channel, s.app, s.sender) if s.sender is not None else NOBODY
        if s.direction == "in":
            who = sender
        elif s.direction == "out":
            to = [p for p in (s.receivers or others) if not self._is_owner(s.channel, p, s.account)]
            who = self._person(s.channel, s.app, to[0]) if len(to) == 1 and not group else NOBODY
        else:
            who = NOBODY
        direct = not group and (len(s.members) == 2 or sheet.kind == "messages" or len(apart) == 1)
        body = cell_text(cells[sheet.place["body"]]) if sheet.place.get("body", len(cells)) < len(cells) else ""
        if len(body) >= CELL_LIMIT:
            self._rows.remarks["texts that fill their cell: they may be longer than the cell can hold"] += 1
        kinds = [attachment_kind(cell_text(cells[k])) for k in sheet.attachments if k < len(cells) and cells[k]]
        attachment = kinds[0] if kinds else "none" if sheet.attachments else None
        thread = who.identifier if direct and who.identifier is not None else self._thread(s)
        self._rows.event(
            record, when, channel=s.channel, kind="message", direction=s.direction,
            status=delivery(sheet.text("status", cells), s.direction), identifier=who.identifier, identifier_raw=who.raw,
            identifier_kind=who.kind, sender=sender.identifier if s.direction == "unknown" else None,
            owner_line=self._line(s.channel, s.account), thread_id=thread,
            thread_kind="group" if group else "direct" if direct else "unknown",
            participants_n=len(s.members) or None, size=None if len(body) >= CELL_LIMIT else len(body),
            attachment=attachment, tags=self._deleted(sheet, cells),
        )  # fmt: skip

    def _thread(self, s: _Sides) -> str | None:
        if s.chat_id and " " not in s.chat_id and len(s.chat_id) <= 200:
            return f"{s.channel}:{s.chat_id}"
        ids = sorted({self._person(s.channel, s.app, p).identifier or "" for p in s.members} - {""})
        if len(ids) < 2:
            return None
        return f"{s.channel}:{hashlib.sha256(chr(10).join(ids).encode()).hexdigest()[:10]}"

    def _contacts(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        app = sheet.text("app", cells)
        channel = channel_of(app, "phone")
        label = " ".join(sheet.text("name", cells).split())[:200]
        ids = _entry_ids(sheet.text("entries", cells))
        for name in ("phone", "email", "username"):
            ids += [x.strip() for x in sheet.text(name, cells).split("\n") if x.strip()]
        people: dict[str, Person] = {}
        for text in ids:
            who = self._people.person(channel, text, "", app)
            if who.identifier is not None:
                people.setdefault(who.identifier, who)
        blocked = any(word(x) in _BLOCKED for x in re.split(r"[\n,;]", sheet.text("interaction", cells)))
        if not people and not label:
            self._rows.skip("entries without a name, number or address, left out")
            return
        for who in people.values() or (NOBODY,):
            self._rows.listed(record, channel, "address_book", who, label)
            if blocked:
                self._rows.listed(record, channel, "blocked", who, label)

    def _locations(self, sheet: _Sheet, record: str, cells: Sequence[Any]) -> None:
        origin, category = sheet.text("origin", cells), sheet.text("category", cells)
        if word(origin) not in _DEVICE or _NOT_FIX.search(category) or _NOT_FIX.search(sheet.text("type", cells)):
            self._rows.skip("places that the report does not call fixes of the device, left out")
            return
        found = _PAIR.fullmatch(sheet.text("position", cells))
        point = coordinates(found.group(1) or found.group(3), found.group(2) or found.group(4)) if found else None
        if point is None:
            self._rows.reject(record, "the position cannot be read")
            return
        when = self._when(sheet, record, cells)
        if when is None:
            return
        plain = category.casefold()
        how = "wifi" if "wi" in plain and "fi" in plain else "cell" if "cell" in plain else "unknown"
        self._rows.position(
            record, when, "fix", "owner", point=point, how=how, channel="other", tags=self._deleted(sheet, cells)
        )

    def end(self) -> None:
        """Say what the file as a whole is like."""
        notes = [f"sheets: {', '.join(sorted(self._read))}", SELECTED]
        survey = self._survey
        if survey.unread:
            notes.append(
                f"sheets under titles that are not known, or without a known header, not read: {survey.unread}"
            )
        if survey.borrowed:
            notes.append("sheets that do not show the order of day and month were read in that of the other sheets")
        if any(s.mixed for s in survey.sheets.values()):
            notes.append(
                "dates of one sheet contradict each other in the order of day and month: what is not plain is rejected"
            )
        if self._no_zone:
            notes.append(f"times without a zone, read as the clock of the owner's phone: {self._no_zone}")
        for channel, ids in sorted(survey.accounts.items()):
            self._rows.owners |= ids
            if len(ids) > 1:
                notes.append(f"several accounts of {channel} are called the owner's: {len(ids)}")
        self._rows.end(notes)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Who is concerned by a message."""

    channel: str
    app: str
    account: str
    direction: str
    sender: Party | None
    receivers: Sequence[Party]
    members: Sequence[Party]
    chat_id: str


_DIRECTIONS = {**dict.fromkeys(INWARD, "in"), **dict.fromkeys(OUTWARD, "out")}
_BLOCKED = words("blocked blockiert bloqueado bloqué заблокирован заблокировано")


def _account_id(text: str) -> str:
    found = parties(text)
    return found[0].native or found[0].name if found else ""


def _joined(*tags: str | None) -> str | None:
    return " ".join(t for t in tags if t) or None


READER = _Cellebrite()
