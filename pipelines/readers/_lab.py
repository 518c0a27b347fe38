"""What the readers of laboratory tables share: their words, times, people, and the way from a row to the tables.

Examination tools write one table for each kind of record, with times, directions and people as text. Words that are not on
the lists below are never interpreted: a direction that nobody stated stays unknown.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import hidden
from pipelines.readers._clock import MAX_OFFSET_S, day_us, iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sheets import Row, masked_row, workbook_sheets
from pipelines.readers.base import Context, Sink, SourceFile, Unreadable, implausible_time

_EPOCH = datetime(1970, 1, 1)

# -- times


class Stamp(NamedTuple):
    """A time as a tool wrote it: µs of its own clock, how exact, which clock, and the offset written with it."""

    local_us: int
    precision: str
    basis: str
    offset_s: int | None = None

    @property
    def instant(self) -> int:
        """UTC where the time says its offset, else its wall clock."""
        return self.local_us - (self.offset_s or 0) * 1_000_000


_MARKED = re.compile(
    r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})[\sT,]{1,3}(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:\s?([AaPp])\.?\s?[Mm]\.?)?(?:\s?\(?(?:UTC|GMT)\s?([+\-\u2212]\s?\d{1,2}(?::?\d\d)?)?\)?)?",
    re.ASCII,
)
_DATE = re.compile(r"\s*(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{4}(?!\d)", re.ASCII)


def order_shown(text: str) -> str | None:
    """Return the order of day and month that a date shows by itself: a number above 12; None if it leaves it open."""
    found = _DATE.match(text)
    if found is None:
        return None
    first, second = int(found.group(1)), int(found.group(2))
    if first > 12 >= second > 0:
        return "dmy"
    return "mdy" if second > 12 >= first > 0 else None


@lru_cache(8192)
def marked_time(text: str, order: str | None) -> Stamp | str:
    """Read ``18/05/2020 21:06:19(UTC+0)``, ``5/18/2020 9:06:19 PM``, ``2020-05-18 21:06:19.123`` and the like.

    Parameters
    ----------
    text : str
        The text of a cell.
    order : str or None
        ``dmy`` or ``mdy`` for dates in which the year stands last; None where the file leaves it open.

    Returns
    -------
    Stamp or str
        Why it is no time, without content.
    """
    plain = " ".join(text.split())
    if not plain:
        return "no time"
    if len(plain) > 60:
        return "the time cannot be read"
    found = _MARKED.fullmatch(plain)
    if found is None:
        iso = iso_reading(plain)
        if iso is None:
            return "the time cannot be read"
        if iso.precision == "day":
            return "a date without a time of the day"
        basis = "case" if iso.offset_s is None else "stated" if iso.offset_s else "utc"
        return Stamp(iso.local_us, iso.precision, basis, iso.offset_s or None)
    one, _, two, three, hour, minute, second, fraction, half, zone = found.groups()
    if len(one) == 4:
        year, month, day = int(one), int(two), int(three)
    elif len(three) != 4:
        return "the year has two digits"
    else:
        shown = order_shown(plain)
        if order in ("dmy", "mdy"):
            settled = order
        elif shown is not None:
            settled = shown
        elif int(one) == int(two):
            settled = "dmy"  # 05/05/2020 is the same day in either order
        else:
            return "day and month cannot be told apart: give date_order"
        year = int(three)
        day, month = (int(one), int(two)) if settled == "dmy" else (int(two), int(one))
    us = day_us(year, month, day) if year else None
    if us is None:
        return "the calendar has no such date"
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            return "the time cannot be read"
        hours = hours % 12 + (12 if half in "pP" else 0)
    seconds = int(second or 0)
    if hours > 23 or int(minute) > 59 or seconds > 59:
        return "the time cannot be read"
    us += (hours * 3600 + int(minute) * 60 + seconds) * 1_000_000
    precision = "s" if second else "min"
    if fraction:
        us += int(fraction[:6].ljust(6, "0"))
        precision = "ms" if len(fraction) <= 3 else "us"
    if "UTC" not in plain and "GMT" not in plain:
        return Stamp(us, precision, "case")
    offset = offset_of(zone)
    if offset is None:
        return "the offset of the time cannot be read"
    return Stamp(us, precision, "stated" if offset else "utc", offset or None)


def offset_of(text: str | None) -> int | None:
    """Return the seconds of ``+5``, ``-03:00``, ``+0530``; 0 for nothing, None if it is no offset."""
    if not text:
        return 0
    plain = text.replace(" ", "").replace("\u2212", "-")
    digits = plain[1:].replace(":", "")
    if plain[0] not in "+-" or not digits.isdecimal() or len(digits) > 4:
        return None
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    seconds = hours * 3600 + minutes * 60
    if minutes > 59 or seconds > MAX_OFFSET_S:
        return None
    return -seconds if plain[0] == "-" else seconds


def cell_us(value: datetime) -> int:
    """Return a date of a workbook cell in µs."""
    delta = value - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def unix_stamp(value: object, per_second: int = 1) -> Stamp | str:
    """Read seconds (or parts of one, so many a second) since 1970, UTC."""
    if isinstance(value, bool) or value is None or value == "":
        return "no time"
    if isinstance(value, str):
        if not re.fullmatch(r"-?\d{1,20}", value.strip(), re.ASCII):
            return "the time cannot be read"
        value = int(value)
    if not isinstance(value, (int, float)) or value != value or abs(value) > 10**19:
        return "the time cannot be read"
    us = value * 1_000_000 // per_second if isinstance(value, int) else round(value * (1_000_000 / per_second))
    precision = "us" if us % 1000 else "ms" if us % 1_000_000 else "s"
    return Stamp(us, precision, "utc")


_DURATION = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d\d)(?:[.,]\d{1,7})?|(\d{1,9})(?:[.,]0{1,6})?", re.ASCII)


def duration_of(value: object) -> int | None:
    """Return whole seconds of ``00:01:23``, ``1:23``, ``83`` or a number; None if it is none of them."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 10**9 else None
    if isinstance(value, float):
        return int(value) if 0 <= value < 10**9 else None
    if isinstance(value, datetime):  # a workbook shows a span of time as a time of its day nought
        us = cell_us(value) - cell_us(datetime(1899, 12, 30))
        return us // 1_000_000 if 0 <= us < 10**15 else None
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        return None
    hours, minutes, seconds, plain = found.groups()
    if plain:
        return int(plain)
    if int(seconds) > 59:
        return None
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)


# -- words


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


#: app as a tool names it (a part of the name, compact): channel. The order matters: the longer name comes first.
_APPS: tuple[tuple[str, str], ...] = (
    ("whatsapp", "whatsapp"), ("telegram", "telegram"), ("signal", "signal"), ("viber", "viber"),
    ("facebookmessenger", "messenger"), ("orca", "messenger"), ("messengerlite", "messenger"),
    ("facebook", "facebook"), ("instagram", "instagram"), ("vkontakte", "vk"), ("vkmessenger", "vk"),
    ("snapchat", "snapchat"), ("tiktok", "tiktok"), ("musically", "tiktok"), ("twitter", "x"), ("discord", "discord"),
    ("skype", "skype"), ("hangouts", "google_chat"), ("googlechat", "google_chat"), ("facetime", "facetime"),
    ("imessage", "imessage"), ("tinder", "tinder"), ("badoo", "badoo"), ("life360", "life360"),
)  # fmt: skip
_WHOLE_APPS = {
    "line": "line", "vk": "vk", "x": "x", "messenger": "messenger", "rcs": "rcs", "sms": "sms", "mms": "mms",
    "smsmessages": "sms", "mmsmessages": "mms", "jpnaverlineandroid": "line", "comvkvkclient": "vk",
    "comfacebookmessenger": "messenger", "phone": "phone", "comappletelephony": "phone", "telephony": "phone",
}  # fmt: skip
#: names under which tools list what belongs to the phone itself and to no app
_OWN = words(
    "native nativemessages nativecalls device phone calllog telephony comandroidprovidersphone phonebook contacts"
)


@lru_cache(1024)
def channel_of(app: str, fallback: str) -> str:
    """Return the channel of an app by its name; ``fallback`` for the phone itself, ``other`` for an app that is not known."""
    plain = re.sub(r"[\W_]+", "", app.casefold())
    if not plain or plain in _OWN:
        return fallback
    if plain in _WHOLE_APPS:
        return _WHOLE_APPS[plain]
    return next((channel for part, channel in _APPS if part in plain), "other")


@lru_cache(1024)
def app_word(app: str) -> str:
    """Return the word for an app without a channel of its own, as the head of its identifiers."""
    return re.sub(r"[^a-z0-9]+", "-", app.casefold()).strip("-")[:40] or "other"


#: direction words (case folded, first word) in the languages in which reports were found; en, de, es, fr, it, pt, ru
INWARD = words("""
    incoming received inbox in inbound receive eingehend empfangen entrante recibido recibida recebido recebida
    entrant entrante reçu reçue arrivo ricevuto ricevuta входящий входящее входящая входящие вх получено принято
    """)
OUTWARD = words("""
    outgoing sent outbound out send dialed dialled ausgehend gesendet gewählt saliente enviado enviada sortant envoyé
    envoyée uscente inviato inviata исходящий исходящее исходящая исходящие исх отправлено
    """)
MISSED = words("""
    missed verpasst perdida perdido manqué manqué manquée persa perso пропущенный пропущенное пропущено пропущенные
    """)
REJECTED = words(
    "rejected declined abgelehnt rechazada rechazado rejeté refusé rejeitada rejeitado rifiutata отклонено отклонен отклонён"
    " отклоненный отклонённый"
)
BLOCKED = words("blocked blockiert bloqueada bloqueado bloqué bloccata заблокировано заблокирован")
VOICEMAIL = words("voicemail mailbox buzón messagerie")
TAKEN = words(
    "established answered accepted connected ended joined angenommen contestada respondida répondu atendida risposta принят"
    " принято отвечен отвечено состоялся"
)
NOT_TAKEN = words("unanswered noanswer notaccepted notanswered busy cancelled canceled")
DRAFTS = words(
    "draft drafts outbox queued scheduled entwurf entwürfe borrador borradores brouillon brouillons rascunho rascunhos"
    " bozza черновик черновики"
)
FAILED = words("failed unsent error fehlgeschlagen fallido échoué falhou falhado ошибка")
_DELIVERED = words("delivered read seen zugestellt gelesen entregado leído livré lu entregue lido доставлено прочитано")


@lru_cache(4096)
def word(text: str) -> str:
    """Return the first word of a cell, case folded, without markup and marks (``Incoming <i data-feather=…>``)."""
    plain = clean(text.partition("<")[0]).casefold()
    found = re.match(r"not? [^\W\d_]+|[^\W\d_]+", plain)
    return found.group().replace(" ", "").replace("-", "") if found else ""


@lru_cache(4096)
def delivery(text: str, direction: str) -> str:
    """Return the state of delivery that a word of status tells."""
    said = word(text)
    if said in FAILED:
        return "failed"
    if said in _DELIVERED:
        return "delivered"
    return "delivered" if direction == "in" else "sent" if said in OUTWARD else "unknown"


@dataclass(frozen=True, slots=True)
class CallWords:
    """What the words of a call say: direction, whether it was answered, and the word for how it ended."""

    direction: str
    answered: bool | None
    tags: str | None
    seconds: int | None  # of talk


@lru_cache(4096)
def call_words(said_words: tuple[str, ...], seconds: int | None) -> CallWords:
    """Read the words of the columns direction, type and status of a call, in this order."""
    direction, answered, tags = "unknown", None, None
    for said in said_words:
        if said in INWARD and direction == "unknown":
            direction = "in"
        elif said in OUTWARD and direction == "unknown":
            direction = "out"
    for said in said_words:
        if said in MISSED:
            tags, answered = tags or "missed", False
        elif said in REJECTED:
            tags, answered = tags or "rejected", False
        elif said in BLOCKED:
            tags, answered = tags or "blocked", False
        elif said in VOICEMAIL:
            tags, answered = tags or "voicemail", False
        elif said in NOT_TAKEN:
            tags, answered = tags or "unanswered", False
        elif said in TAKEN and answered is None and said != "ended":
            answered = True
    if direction == "unknown" and tags in ("missed", "rejected", "blocked", "voicemail"):
        direction = "in"  # by definition: nobody misses or rejects a call of her own
    if direction == "out" and tags in ("missed", "rejected"):
        tags = "unanswered"  # by the other side
    if answered is None and seconds is not None:
        # an incoming call of 0 s: taken and hung up at once, or a missed one under another word
        answered = True if seconds else (False if direction == "out" else None)
    # what rings or is spoken to a mailbox is no talk
    return CallWords(direction, answered, tags, None if tags is not None and not answered else seconds)


_EXTENSIONS = {
    **dict.fromkeys(words("jpg jpeg png heic bmp tif tiff thumb"), "image"),
    **dict.fromkeys(words("mp4 mov avi 3gp mkv m4v webm"), "video"),
    **dict.fromkeys(words("mp3 m4a aac wav flac"), "audio"),
    **dict.fromkeys(words("opus amr ogg oga caf"), "voice"),
    **dict.fromkeys(words("webp was"), "sticker"),
    "gif": "animation",
    **dict.fromkeys(words("pdf doc docx xls xlsx ppt pptx txt rtf zip csv"), "document"),
    **dict.fromkeys(words("vcf contact"), "contact"),
}


@lru_cache(4096)
def attachment_kind(text: str) -> str:
    """Return the kind of an attachment by a MIME type or the end of its name; the name itself goes nowhere."""
    plain = text.strip().casefold()
    if not plain:
        return "none"
    head, slash, _ = plain.partition("/")
    if slash and head in ("image", "video", "audio") and len(plain) < 80 and plain.count("/") == 1:
        return head
    if plain.startswith(("text/x-vcard", "text/vcard")):
        return "contact"
    return _EXTENSIONS.get(plain.rpartition(".")[2][:12], "other")


# -- people

_JID = re.compile(r"(\d{5,20})(?::\d{1,4})?@(?:s\.whatsapp\.net|c\.us)", re.ASCII | re.IGNORECASE)
_GROUP = re.compile(r"[\w.\-]{3,60}@(?:g\.us|broadcast|newsletter)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d[\d\-().\s]{2,24}", re.ASCII)
#: words that tools put in the place of the owner
SELF = frozenset(("self", "local user"))
#: channels whose people are known by their telephone number
_BY_NUMBER = frozenset(("phone", "sms", "mms", "rcs", "imessage", "facetime", "whatsapp", "viber", "signal"))


class Person(NamedTuple):
    """Somebody in a record: identifier, its kind, and what the file writes."""

    identifier: str | None
    kind: str
    raw: str | None


NOBODY = Person(None, "none", None)


class People:
    """Makes identifiers of what tools write about people.

    Parameters
    ----------
    context : Context
        For telephone numbers.
    """

    def __init__(self, context: Context) -> None:
        self._phone = context.phone
        self._cache: dict[tuple[str, str, str], Person] = {}

    def person(self, channel: str, native: str, name: str = "", app: str = "") -> Person:
        """Return who is meant by an id of the app or a number, or by a name where there is no id.

        Parameters
        ----------
        channel : str
            The channel.
        native : str
            Number, address or id, "" if there is none.
        name : str
            The name beside it; it is used only where there is no id, and only for apps that know people by name.
        app : str
            Name of the app, where the channel is ``other``.
        """
        key = (channel if channel != "other" else f"other {app}", native, name if not native else "")
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) > 200_000:
                self._cache.clear()
            found = self._cache[key] = self._made(channel, native, name, app)
        return found

    def _made(self, channel: str, native: str, name: str, app: str) -> Person:
        head = app_word(app) if channel == "other" and app else channel
        text = clean(native)[:300]
        if not text:
            plain = clean(name)[:200]
            if not plain:
                return NOBODY
            if channel in ("phone", "sms", "mms"):  # a sender may be a word ("Kaspi"), and a caller withheld
                identifier, kind = self._phone(plain)
                if channel == "phone" and kind == "alpha":
                    return Person(name_identifier("phone", plain), "name", name)
                return Person(identifier, kind, name)
            identifier, kind = self._phone(plain)
            if kind in ("withheld", "unknown_caller", "payphone"):
                return Person(None, kind, name)
            return Person(name_identifier(head, plain), "name", name)
        if found := _JID.fullmatch(text):
            identifier, kind = self._phone(f"+{found.group(1)}")
            return Person(identifier, kind, native)
        if channel in ("phone", "sms", "mms"):
            return Person(*self._phone(text), native)
        if channel in _BY_NUMBER and _NUMBER.fullmatch(text):
            identifier, kind = self._phone(f"+{text}" if channel == "whatsapp" and text.isdigit() else text)
            return Person(identifier, kind, native)
        if "@" in text and " " not in text and not text.startswith("@") and channel not in ("whatsapp", "other"):
            identifier, kind = self._phone(text)
            return Person(identifier, kind, native)
        if channel == "telegram":
            digits = text.removeprefix("user")
            if re.fullmatch(r"[1-9]\d{0,19}", digits, re.ASCII):
                return Person(f"telegram:user{digits}", "app_id", native)
        _, kind = self._phone(text)
        if kind in ("withheld", "unknown_caller", "payphone"):
            return Person(None, kind, native)
        return Person(f"{head}:{text.removeprefix('@')}", "app_id", native)


def is_group_id(text: str) -> bool:
    """Return whether an id is that of a WhatsApp group, broadcast list or channel."""
    return _GROUP.fullmatch(text.strip()) is not None


def is_self(text: str) -> bool:
    """Return whether a cell names the owner in the words of the tools: ``Self``, ``Local User <…>``."""
    plain = clean(text).casefold()
    return plain in SELF or plain.startswith("local user <")


# -- rows

_TIMES = ("n", "record", "sub", "local_time", "stated_offset_s", "ts_precision", "zone_basis")
_EVENT = (
    *_TIMES, "channel", "kind", "direction", "status", "identifier", "identifier_raw", "identifier_kind", "sender",
    "actor", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "answered", "duration_s", "size",
    "attachment", "tags",
)  # fmt: skip
_POSITION = (
    *_TIMES, "kind", "subject", "subject_id", "local_end", "lat", "lon", "accuracy_m", "accuracy_kind", "source_how",
    "tags",
)  # fmt: skip
_LISTED = (
    "n", "record", "sub", "channel", "list", "identifier", "identifier_raw", "identifier_kind", "label",
)  # fmt: skip
_EVENT_DEFAULTS: tuple[Any, ...] = (
    "other", "other", "unknown", "unknown", None, None, "none", None, "unknown", None, None, "unknown", None, "unknown",
    None, None, None, None, None,
)  # fmt: skip
_EVENT_PLACE = {name: k for k, name in enumerate(_EVENT[len(_TIMES) :])}


@dataclass(slots=True)
class Rows:
    """Gives every record of a table its end, and counts."""

    out: Sink
    context: Context
    n: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    _events: RowBuffer = field(init=False)
    _positions: RowBuffer = field(init=False)
    _listed: RowBuffer = field(init=False)
    _sub: int = 0

    def __post_init__(self) -> None:
        """Make the buffers."""
        self._events = RowBuffer(self.out.events, _EVENT, {"how": "lab"})
        self._positions = RowBuffer(self.out.positions, _POSITION, {"how": "lab"})
        self._listed = RowBuffer(self.out.listed, _LISTED, {})

    def begin(self) -> None:
        """Begin the next record."""
        self.n += 1
        self._sub = 0

    def reject(self, record: str, reason: str) -> None:
        """Reject the record."""
        self.out.reject(self.n, record, reason)

    def skip(self, remark: str = "") -> None:
        """Leave the record out of scope, and count why."""
        self.out.out_of_scope()
        if remark:
            self.remarks[remark] += 1

    def fit(self, record: str, stamp: Stamp | str) -> Stamp | None:
        """Return a time that can be one, or reject the record."""
        why = stamp if isinstance(stamp, str) else implausible_time(stamp.instant)
        if why is None and isinstance(stamp, Stamp):
            return stamp
        self.reject(record, why or "no time")
        return None

    def event(self, record: str, when: Stamp, *, at: int | None = None, **columns: Any) -> None:
        """Keep an event of this record, or of an earlier one (``at``) that had to wait for those behind it."""
        self._sub += 1
        values = list(_EVENT_DEFAULTS)
        for name, value in columns.items():
            values[_EVENT_PLACE[name]] = value
        if columns.get("actor") is None:
            values[_EVENT_PLACE["actor"]] = _ACTOR[values[2]]
        if columns.get("directed") is None:
            direct = values[_EVENT_PLACE["thread_kind"]] == "direct"
            said = ("yes" if values[2] == "in" else "no") if direct and values[2] != "unknown" else "unknown"
            values[_EVENT_PLACE["directed"]] = "no" if values[2] == "out" else said
        self._events.add(
            self.n if at is None else at, record, 1 if at is not None else self._sub, when.local_us, when.offset_s,
            when.precision, when.basis, *values,
        )  # fmt: skip
        self.kinds.setdefault(values[0], set()).add(values[1])

    def position(
        self, record: str, when: Stamp, kind: str, subject: str, *, subject_id: str | None = None,
        end: int | None = None, point: tuple[float, float] | None = None, accuracy: float | None = None,
        how: str = "unknown", tags: str | None = None, channel: str = "other",
    ) -> None:  # fmt: skip
        """Keep a position."""
        self._sub += 1
        lat, lon = point or (None, None)
        self._positions.add(
            self.n, record, self._sub, when.local_us, when.offset_s, when.precision, when.basis, kind, subject,
            subject_id, end, lat, lon, accuracy, "radius" if accuracy is not None else "unknown", how, tags,
        )  # fmt: skip
        self.kinds.setdefault(channel, set()).add(kind)

    def listed(self, record: str, channel: str, which: str, person: Person, label: str | None) -> None:
        """Keep an entry of a list."""
        self._sub += 1
        self._listed.add(
            self.n, record, self._sub, channel, which, person.identifier, person.raw, person.kind, label or None
        )

    @property
    def kept(self) -> bool:
        """Whether the record has a row already."""
        return self._sub > 0

    def end(self, notes: Iterable[str] = (), *, read: bool = True) -> None:
        """Hand over the rest, and say what the file as a whole is like."""
        for buffer in (self._events, self._positions, self._listed):
            buffer.flush()
        if read:
            self.out.read(self.n)
        for note in notes:
            self.out.note(note)
        for remark, count in sorted(self.remarks.items()):
            self.out.note(f"{remark}: {count}")
        if self.owners:
            self.out.owner(sorted(self.owners))
        for channel, kinds in sorted(self.kinds.items()):
            self.out.coverage(channel, " ".join(sorted(kinds)), scope="all", basis="observed", complete="unknown")


_ACTOR = {"in": "contact", "out": "owner", "unknown": "unknown"}

SELECTED = (
    "a laboratory's table holds what the examiner selected and the tool could decode: what is absent shows nothing"
)


def coordinates(lat: object, lon: object) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees, None if they are none (or both nought: no fix)."""
    pair = (_degrees(lat), _degrees(lon))
    if pair[0] is None or pair[1] is None or abs(pair[0]) > 90 or abs(pair[1]) > 180 or pair == (0.0, 0.0):
        return None
    return pair[0], pair[1]


def _degrees(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if value == value else None
    text = str(value).strip().replace("\u2212", "-")
    if re.fullmatch(r"[+-]?\d{1,3}(?:[.,]\d{1,20})?", text, re.ASCII):
        return float(text.replace(",", "."))
    return None


def text_of(value: object) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def first_of(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of several columns that is there and not empty, else ""."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return ""


Shown = Callable[[str], bool]


# -- workbooks


@lru_cache(maxsize=4)
def _first_rows(key: str, source: SourceFile, rows: int) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    try:
        return tuple((sheet.name, tuple(islice(iter(sheet.rows), rows))) for sheet in workbook_sheets(source))
    except Unreadable:
        return ()


def first_rows(source: SourceFile, rows: int = 10) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """Return title and first rows of every sheet of a workbook; nothing if it cannot be read."""
    return _first_rows(source.source_id, source, rows)


def masked_cells(source: SourceFile, raw: str, header_of: Callable[[Row], Sequence[str] | None], shown: Shown) -> str:
    """Return a row of a workbook, given as JSON, with its columns named and hidden but for those that are shown.

    A locator names the sheet, but what is to be masked comes without it: the row is looked for, and the header above it
    names the columns.
    """
    try:
        cells = json.loads(raw)
    except (ValueError, RecursionError):
        return hidden(len(raw))
    for sheet in workbook_sheets(source) if isinstance(cells, list) else ():
        names: Sequence[str] | None = None
        for row in sheet.rows:
            if names is None:
                names = header_of(row)
            elif json.loads(json.dumps(list(row.cells), default=str)) == cells:
                return masked_row(["" if c is None else c for c in cells], names, shown)
    return hidden(len(raw))


def cell_text(value: object) -> str:
    """Return a cell of a workbook as text, without the residue of line ends that some writers leave."""
    text = text_of(value)
    return re.sub(r"_x005F_x000D_|_x000D_|\r", "", text, flags=re.IGNORECASE) if "_" in text or "\r" in text else text
