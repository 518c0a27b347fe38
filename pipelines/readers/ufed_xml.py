"""Reader of the XML report of Cellebrite Physical Analyzer (``report.xml``, also inside a UFDR archive).

A laboratory's tool has decoded the phone, and this is what it says it found: calls, chats and their messages, e-mails,
places, contacts, each with its state (intact or deleted) and how sure the decoding is. The fields are known from public parsers;
the tool's own description is not public, so words that are not known here are kept as "unknown", never read into a meaning.

One pass. The messages of a chat are held until the chat ends (up to :data:`HELD`), for what a chat is may stand behind them.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import Reading, iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers._ufed_models import ENDS_INSIDE, UNCLOSED, Model, Piece, Report, attributes, masked, parse, plain
from pipelines.readers._xml_bytes import Broken
from pipelines.readers._xml_text import XmlText, prolog
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Span,
    Unreadable,
    Waiting,
    implausible_time,
)

#: messages of one chat that are held until the chat ends [P]
HELD = 20_000
#: records that are remembered to know a further copy of them [P]
REMEMBERED = 1_000_000
#: identifiers of the owner that are handed on [P]
_OWNERS = 64
_PARTIES = 50_000
_KINDS = 40

NAMESPACE = b"pa.cellebrite.com/report"

#: apps by the first word or words of ``Source``, lower case
_APPS = {
    "whatsapp": "whatsapp", "telegram": "telegram", "viber": "viber", "skype": "skype", "instagram": "instagram",
    "snapchat": "snapchat", "tiktok": "tiktok", "discord": "discord", "facetime": "facetime", "imessage": "imessage",
    "tinder": "tinder", "badoo": "badoo", "signal": "signal", "vkontakte": "vk", "vk": "vk", "twitter": "x", "x": "x",
    "line": "line", "life360": "life360", "facebook messenger": "messenger", "messenger": "messenger",
    "facebook": "facebook", "google chat": "google_chat", "hangouts": "google_chat", "google hangouts": "google_chat",
    "sms": "sms", "mms": "mms", "rcs": "rcs", "phone": "phone", "native call log": "phone", "call log": "phone",
    "gmail": "email", "email": "email", "mail": "email",
}  # fmt: skip
#: sources that are the phone's own messages: which kind, each message says
_NATIVE = frozenset(["", "native messages", "messages", "text messages", "sms/mms", "sms & mms"])
#: apps whose accounts are telephone numbers
_BY_NUMBER = frozenset(["phone", "sms", "mms", "rcs", "imessage", "facetime", "viber", "signal"])
_RESERVED = frozenset(["native", "short", "alpha", "raw", "mail", "label", "name", "group", "user", "other"])
_SLUG = re.compile(r"[^a-z0-9]+")
_JID = re.compile(r"\+?(\d{5,20})(?:[.:]\d{1,4})*@(?:s\.whatsapp\.net|c\.us)", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,4})\.)?(\d{1,4}):(\d\d):(\d\d)(?:[.,]\d{1,9})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:[.,]\d{0,40})?", re.ASCII)
_STATUS_POST = re.compile(r".*@status|status@broadcast", re.IGNORECASE)
_SYSTEM = frozenset(["system message", "system"])

#: what became of a call: answered, word of the tags
_ENDS: dict[str, tuple[bool, str]] = {
    "established": (True, ""), "answered": (True, ""), "connected": (True, ""), "completed": (True, ""),
    "missed": (False, "missed"), "rejected": (False, "rejected"), "declined": (False, "rejected"),
    "blocked": (False, "blocked"), "voicemail": (False, "voicemail"), "notanswered": (False, ""),
    "noanswer": (False, ""), "unanswered": (False, ""), "busy": (False, "busy"), "failed": (False, ""),
    "canceled": (False, "cancelled"), "cancelled": (False, "cancelled"), "notestablished": (False, ""),
    "notestablishedunknownreason": (False, ""),
}  # fmt: skip
_WAYS = {"incoming": "in", "received": "in", "outgoing": "out", "dialed": "out", "dialled": "out"}
#: these are incoming by definition, where nothing says otherwise
_INCOMING = frozenset(["missed", "rejected", "blocked", "voicemail"])
_FOLDERS = {"inbox": "in", "sent": "out", "sentitems": "out", "sentmail": "out", "sentmessages": "out"}
_UNSENT_FOLDERS = frozenset(["draft", "drafts", "outbox", "queued", "scheduled"])
_STATES = {"sent": "sent", "delivered": "delivered", "read": "delivered", "unread": "delivered", "unsent": "pending"}
#: places that say nothing about where the phone was, by a part of category or type
_NOT_THE_PHONE = (
    "media", "photo", "video", "image", "search", "shared", "share", "saved", "favorite", "favourite", "bookmark", "calendar",
    "weather", "wireless", "wi-fi", "wifi", "cell", "tower", "planned", "directions", "navigation", "destination", "contact", "poi",
)  # fmt: skip
_ATTACHMENTS = (("image/gif", "animation"), ("image", "image"), ("video", "video"), ("audio", "audio"),
                ("text/vcard", "contact"), ("text/x-vcard", "contact"))  # fmt: skip

_EVENT = (
    "n", "record", "sub", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "channel", "kind", "direction",
    "status", "identifier", "identifier_raw", "identifier_kind", "sender", "actor", "owner_line", "thread_id",
    "thread_kind", "participants_n", "directed", "answered", "duration_s", "size", "attachment", "tags",
)  # fmt: skip
_POSITION = (
    "n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "local_end", "end_offset_s", "kind",
    "lat", "lon", "accuracy_m", "source_how", "tags",
)  # fmt: skip
_LISTED = ("n", "record", "sub", "list", "channel", "identifier", "identifier_raw", "identifier_kind", "label", "tags")

_Time = tuple[int, int | None, str, str]  # local time, stated offset, precision, zone basis


class _OutOfScope(Exception):
    """The record is no communication; the word says which kind, for the note."""


class _Rejected(Exception):
    """The record cannot be used, with the reason."""


@dataclass(frozen=True, slots=True)
class _Party:
    """Somebody who takes part, as the report writes it."""

    identifier: str | None
    raw: str | None
    kind: str
    name: str
    flag: bool | None  # is it the owner of the phone, by the tool's own word
    role: str = ""
    system: bool = False


@dataclass(slots=True)
class _Fact:
    """A message or mail as far as it can be read without its chat."""

    n: int
    record: str
    time: _Time
    channel: str
    sender: _Party | None
    to: list[_Party]
    from_owner: bool | None
    way: str  # in, out or empty: what folder or direction field say
    weak: str  # the same, by the state of an SMS
    status: str
    size: int | None
    attachment: str | None
    tags: list[str]
    body: bytes  # digest of the text, to know copies
    native: str  # the app's own id of the message
    group: tuple[str, str]  # extraction and state
    kind: str = "message"
    thread: str = ""  # as the message names it
    account: str = ""


@dataclass(slots=True)
class _Chat:
    """A chat while it is read."""

    channel: str = "other"
    app: str = "other"
    id: str = ""
    kind: str = ""
    account: str = ""
    record: str = ""
    people: list[_Party] = field(default_factory=list)
    facts: list[_Fact] = field(default_factory=list)
    status_posts: bool = False


def _written(given: str, channel: str, kind: str) -> str:
    """Return an identifier as the report writes it; of an account that is a number, the number.

    Numbers are read again from what is stored here when the country of the case is corrected.
    """
    if kind != "phone":
        return given
    found = _JID.fullmatch(clean(given))
    if found is not None:
        return f"+{found[1]}"
    digits = clean(given)
    return f"+{digits}" if channel == "whatsapp" and digits.isdigit() else given


def _key(text: str) -> str:
    """Return a word of the tool's vocabulary, lower case, without what separates its parts."""
    return re.sub(r"[\s_-]+", "", text).lower()[:64]


@lru_cache(4096)
def channel_of(source: str) -> tuple[str, str]:
    """Return the channel that a ``Source`` stands for, and the app's name as a prefix of identifiers."""
    text = re.sub(r"\s*\(.*\)\s*$", "", clean(source)).lower()
    if text in _NATIVE:
        return "other", "native"
    words = text.split()
    for many in (3, 2, 1):
        found = _APPS.get(" ".join(words[:many]))
        # a short word is a name of its own only if nothing follows: "Line Games" is another app
        if found is not None and (
            len(words) <= many or found not in ("line", "x", "phone", "vk", "signal", "email", "messenger")
        ):
            return found, found
    slug = _SLUG.sub("-", text).strip("-")[:40]
    return "other", slug if slug and slug not in _RESERVED and slug not in _APPS.values() else "other"


@lru_cache(65_536)
def _reading(text: str) -> Reading | None:
    return iso_reading(text)


def _time(text: str) -> _Time:
    """Read a time; the offset is taken only from the text itself.

    Raises
    ------
    _Rejected
        There is none, or it cannot be one.
    """
    if not text:
        raise _Rejected("no time")
    found = _reading(text)
    if found is None:
        raise _Rejected("time cannot be read")
    utc = found.utc_us
    why = implausible_time(found.local_us if utc is None else utc)
    if why is not None:
        raise _Rejected(why)
    # the tool writes three decimals always: zeros say that the record has whole seconds
    precision = "s" if found.precision in ("ms", "us") and found.local_us % 1_000_000 == 0 else found.precision
    if utc is None:
        return found.local_us, None, precision, "case"
    if not found.offset_s:
        return utc, None, precision, "utc"
    return found.local_us, found.offset_s, precision, "stated"


def _seconds(text: str) -> int | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(g or 0) for g in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


def _degrees(text: str, limit: float) -> float | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text.replace(",", "."))
    return value if -limit <= value <= limit else None


def _digest(*parts: object) -> int:
    raw = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")


class _Copies:
    """Knows a further copy of a record that the report holds already.

    Two kinds are documented. One phone extracted twice gives everything twice, under another ``extractionId``; and what was
    recovered from free space repeats what is intact. They are matched as multisets: the k-th of one extraction and state
    with the k-th of another, so that what one extraction holds twice stays two. A message may also stand in its chat and
    in the list of messages, with one ``id``.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._groups: dict[tuple[str, str], int] = {}
        self._ids: dict[bool, bytearray] = {True: bytearray(), False: bytearray()}
        self._sorted: dict[bool, npt.NDArray[Any]] = {}
        self.full = False

    def again(self, group: tuple[str, str], fingerprint: int) -> bool:
        """Note a record; return whether another extraction or state holds it already."""
        place = self._groups.setdefault(group, min(len(self._groups), 7)) * 8
        counts = self._counts.get(fingerprint)
        if counts is None:
            if len(self._counts) >= REMEMBERED:
                self.full = True
                return False
            counts = 0
        own = counts >> place & 255
        if own < 255:
            self._counts[fingerprint] = counts + (1 << place)
        others = max((counts >> shift & 255 for shift in range(0, 64, 8) if shift != place), default=0)
        return own < others

    def same_id(self, raw: bytes, *, in_chat: bool) -> bool:
        """Note the ``id`` of a message; return whether the other place holds a message with it."""
        digits = raw.replace(b"-", b"")
        try:
            value = bytes.fromhex(digits.decode("ascii"))
        except ValueError:
            return False
        if len(value) != 16:
            return False
        self._ids[in_chat] += value
        self._sorted.pop(in_chat, None)
        other = self._ids[not in_chat]
        if not other:
            return False
        table = self._sorted.get(not in_chat)
        if table is None:
            table = np.sort(np.frombuffer(bytes(other), "S16"))
            self._sorted[not in_chat] = table
        at = int(np.searchsorted(table, np.bytes_(value)))
        return at < len(table) and bool(table[at] == np.bytes_(value))


class _Reading:
    """One pass over a report."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self.source, self.context, self.out = source, context, out
        option = clean(context.options.get("owner", ""))
        self.owner_told = bool(option)
        names = frozenset([option]) if option else context.owner_names
        self.owners = frozenset(names) | {found for n in names if (found := context.phone(n)[0]) is not None}
        self.subject = clean(context.options.get("subject", ""))
        self.events = RowBuffer(out.events, _EVENT, {"how": "lab"})
        who = None if self.subject in ("", "owner") else self.subject
        self.positions = RowBuffer(
            out.positions, _POSITION,
            {"subject": "contact" if who else "owner", "identifier": who, "identifier_raw": who, "how": "lab"},
        )  # fmt: skip
        self.listed = RowBuffer(out.listed, _LISTED, {})
        self.copies = _Copies()
        self.n = 0
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.channels: dict[str, set[str]] = {}
        self.own: dict[str, None] = {}
        self.parties: dict[tuple[str, ...], _Party] = {}
        self.identified: dict[tuple[str, str, str], tuple[str | None, str]] = {}
        self.partial = False
        self.bare = False
        self.extractions = 0
        self.devices: set[bytes] = set()
        self.declared: int | None = None
        self.zone = ""
        self.settled = 0
        self.open: list[_Chat] = []

    # -- the pass

    def run(self) -> None:
        with self.source.open() as stream:
            report = Report(stream)
            for piece in report.pieces():
                if piece.kind == "model":
                    self._model(piece)
                elif piece.kind == "chat":
                    self._begin(piece)
                elif piece.kind == "chat end":
                    self._end(piece)
                elif piece.kind == "section":
                    self._section(piece)
                else:
                    self._root(piece)
        self.out.read(self.n)
        undecided = self.counts["undecided"]
        if undecided and not self.settled and not self.owner_told:
            raise Waiting(
                "it does not say which side of its calls and messages is the owner of the phone",
                'owner = "+7…"  # the number or account of the owner, as the report writes it',
            )
        for buffer in (self.events, self.positions, self.listed):
            buffer.flush()
        self._conclude(report)

    def _root(self, piece: Piece) -> None:
        # no report begins so: it is one record that is read again by itself, without what its report says of it
        self.bare = not piece.attrs
        count = piece.attrs.get(b"ModelCount", b"")
        self.declared = int(count) if count.isdigit() and len(count) < 12 else None

    def _section(self, piece: Piece) -> None:
        for name, raw in re.findall(
            rb"<(?:[^\s<>/:]{1,100}:)?(extractionInfo|timeZoneConfigurations)\b([^<]*+)", piece.raw
        ):
            attrs = attributes(raw)
            if name == b"extractionInfo":
                self.extractions += 1
                if device := attrs.get(b"deviceName") or attrs.get(b"fullName"):
                    self.devices.add(device[:200])
                self.partial |= any(
                    attrs.get(key, b"").lower() == b"true" for key in (b"IsPartialData", b"IsSelectiveExtraction")
                )
            else:
                zone = attrs.get(b"selectedTimeZone", b"").decode("utf-8", "replace").lstrip("_")
                self.zone = zone if re.fullmatch(r"[A-Za-z]{1,20}(?:/[A-Za-z_+-]{1,30}){0,2}", zone, re.ASCII) else ""

    def _model(self, piece: Piece) -> None:
        self.n += 1
        if piece.broken:
            self.out.reject(self.n, piece.locator, piece.broken)
            return
        if self.bare and not piece.name and b"InstantMessage" in piece.raw:
            raise Unreadable("a message cannot be read without its chat")
        read = _READ.get(piece.name)
        if read is None:
            self.kinds[piece.name if piece.name in self.kinds or len(self.kinds) < _KINDS else ""] += 1
            self.out.out_of_scope()
            return
        try:
            model = parse(piece.raw)
            read(self, model, piece, self.n)
        except Broken as broken:
            # a model whose end tag is missing takes the following ones with it
            self.counts["swallowed"] += max(0, piece.raw.count(f'type="{piece.name}"'.encode()) - 1)
            self.out.reject(self.n, piece.locator, broken.reason)
        except _Rejected as rejected:
            self.out.reject(self.n, piece.locator, str(rejected))
        except _OutOfScope as reason:
            self.counts[str(reason)] += 1
            self.out.out_of_scope()

    # -- chats

    def _begin(self, piece: Piece) -> None:
        self.n += 1
        self.out.out_of_scope()  # a chat is no communication, its messages are
        self.counts["chats"] += 1
        chat = _Chat(record=piece.locator)
        self.open.append(chat)
        self._describe(chat, piece.raw)

    def _end(self, piece: Piece) -> None:
        chat = self.open.pop()
        self._describe(chat, piece.raw)
        if not piece.whole:
            self.counts["chats too long"] += 1
        self._flush(chat)

    def _describe(self, chat: _Chat, raw: bytes) -> None:
        try:
            model = parse(raw)
        except Broken:
            self.counts["chats unread"] += 1
            return
        chat.channel, chat.app = channel_of(model.text(b"Source"))
        chat.id, chat.account = model.text(b"Id")[:200], model.text(b"Account")[:200]
        chat.kind = _key(model.text(b"ChatType"))
        chat.people = [self._party(p, chat.channel, chat.app) for p in model.models.get(b"Participants", ())]
        chat.status_posts = _STATUS_POST.fullmatch(chat.id) is not None

    def _flush(self, chat: _Chat) -> None:
        facts, chat.facts = chat.facts, []
        for fact in facts:
            self._message(fact, chat)

    # -- people

    def _party(self, model: Model, channel: str, app: str) -> _Party:
        key = (
            model.text(b"Identifier"), model.text(b"Name"), model.text(b"IsPhoneOwner").lower(),
            model.text(b"Role").lower(), channel, app,
        )  # fmt: skip
        found = self.parties.get(key)
        if found is None:
            found = self._new_party(*key)
            if len(self.parties) >= _PARTIES:
                self.parties.clear()
            if len(key[0]) + len(key[1]) < 1000:
                self.parties[key] = found
        return found

    def _new_party(self, given: str, name: str, flag: str, role: str, channel: str, app: str) -> _Party:
        name = clean(name)[:256]
        owner = {"true": True, "false": False}.get(flag)
        if clean(given).lower() in _SYSTEM or (not given and name.lower() in _SYSTEM):
            return _Party(None, None, "none", "", owner, role, True)
        identifier, kind = self.identify(given[:256], channel, app)
        raw = _written(given[:256], channel, kind) or None
        if identifier is None and kind == "none" and name:
            nobody = self.context.phone(name)
            if nobody[0] is None and nobody[1] != "none":
                kind = nobody[1]
            elif nobody[1] != "none":
                identifier, kind, raw = name_identifier(app or channel, name), "name", name
        party = _Party(identifier, raw, kind, name, owner, role)
        if owner and identifier is not None and len(self.own) < _OWNERS:
            self.own.setdefault(identifier)
        return party

    def identify(self, given: str, channel: str, app: str) -> tuple[str | None, str]:
        """Return the normalised identifier of an account or number of an app, and its kind."""
        key = (given, channel, app)
        found = self.identified.get(key)
        if found is None:
            if len(self.identified) >= _PARTIES:
                self.identified.clear()
            found = self.identified[key] = self._identify(*key)
        return found

    def _identify(self, given: str, channel: str, app: str) -> tuple[str | None, str]:
        text = clean(given)
        if not text:
            return None, "none"
        if channel == "email":
            found = self.context.phone(text)
            return found if found[1] == "mail" else (f"raw:{text}", "raw")
        if channel == "whatsapp":
            jid = _JID.fullmatch(text)
            digits = jid[1] if jid else text.removeprefix("+") if text.removeprefix("+").isdigit() else ""
            if digits:
                found = self.context.phone(f"+{digits}")
                return found if found[1] == "phone" else (f"whatsapp:{digits}", "app_id")
            return f"whatsapp:{text}", "app_id"
        if channel in _BY_NUMBER or app == "native":
            found = self.context.phone(text)
            if channel in ("phone", "sms", "mms", "rcs", "other") or found[0] is None or found[1] in ("phone", "mail"):
                return found
            return f"{channel}:{text}", "app_id"
        if text.startswith("+"):
            found = self.context.phone(text)
            if found[1] == "phone":
                return found
        if channel == "telegram" and text.isdigit() and text.isascii():
            return f"telegram:user{text}", "app_id"
        if channel in ("google_chat",) and "@" in text:
            return self.context.phone(text)
        return f"{app or channel}:{text}", "app_id"

    def _is_owner(self, party: _Party, account: str | None) -> bool:
        """Is it the owner by the account that the record names, or as declared?"""
        if party.flag:
            return True
        if account is not None and party.identifier == account:
            return True
        known = self.owners
        return (
            (party.identifier is not None and party.identifier in known)
            or (party.name != "" and party.name in known and party.name not in self.context.contact_names)
            or (party.raw is not None and clean(party.raw) in known)
        )

    # -- messages and mail

    def _instant(self, model: Model, piece: Piece, n: int) -> None:
        chat = self.open[-1] if piece.message and self.open else None
        source = model.text(b"Source") or model.text(b"SourceApplication")
        channel, app = channel_of(source) if source or chat is None else (chat.channel, chat.app)
        if app == "native":
            channel, app = self._native(model.text(b"Type"))
        if chat is not None and chat.status_posts:
            raise _OutOfScope("status posts")
        labels = [_key(m.text(b"Label")) for m in model.models.get(b"MessageExtraData", ())]
        sender = self._one(model, b"From", channel, app)
        if "system" in labels or (sender is not None and sender.system) or model.models.get(b"ActivityLog"):
            raise _OutOfScope("system messages")
        fact = self._fact(model, piece, n, channel, app, sender)
        fact.tags += [f"label={word}" for word in ("forwarded", "edited", "reply", "selfdestruct") if word in labels]
        if model.truth(b"IsLocationSharing"):
            fact.tags.append("location-sharing")
        if fact.attachment in (None, "none"):
            if model.models.get(b"SharedContacts"):
                fact.attachment = "contact"
            elif _has_position(model):
                fact.attachment = "location"
        if chat is None:
            self._message(fact, None)
            return
        chat.facts.append(fact)
        if len(chat.facts) >= HELD:
            self._flush(chat)
            self.counts["long chats"] += 1

    def _native(self, type_: str) -> tuple[str, str]:
        word = _key(type_)
        for channel in ("imessage", "sms", "mms", "rcs"):
            if word.startswith(channel):
                return channel, channel
        return "other", "native"

    def _short(self, model: Model, piece: Piece, n: int) -> None:
        channel = "mms" if piece.name == "MMS" else "sms"
        parties = [self._party(p, channel, channel) for p in model.models.get(b"Parties", ())]
        sender = self._one(model, b"From", channel, channel)
        if sender is None:
            sender = next((p for p in parties if p.role == "from"), None)
        fact = self._fact(model, piece, n, channel, channel, sender)
        fact.to += [p for p in parties if p is not sender and p.role != "from"]
        if sender is None and len(fact.to) == 1 and fact.to[0].role == "general":
            fact.tags.append("role-unstated")
        state = _key(model.text(b"Status"))
        fact.weak = {"read": "in", "unread": "in", "sent": "out", "unsent": "out"}.get(state, "")
        self._message(fact, None)

    def _mail(self, model: Model, piece: Piece, n: int) -> None:
        fact = self._fact(model, piece, n, "email", "email", self._one(model, b"From", "email", "email"))
        for name in (b"Cc", b"Bcc", b"CC", b"BCC"):
            fact.to += [self._party(p, "email", "email") for p in model.models.get(name, ())]
        fact.kind = "email"
        self._message(fact, None)

    def _one(self, model: Model, name: bytes, channel: str, app: str) -> _Party | None:
        found = model.first(name)
        if found is None:
            return None
        party = self._party(found, channel, app)
        return party if party.raw or party.kind != "none" or party.flag or party.system else None

    def _fact(self, model: Model, piece: Piece, n: int, channel: str, app: str, sender: _Party | None) -> _Fact:
        folder = _key(model.text(b"Folder"))
        if folder in _UNSENT_FOLDERS:
            raise _OutOfScope("drafts and messages that were never sent")
        attrs = model.attrs()
        guid = attrs.get(b"id", b"")
        if piece.name == "InstantMessage" and guid and self.copies.same_id(guid, in_chat=piece.message):
            raise _OutOfScope("copies")
        body = model.fields.get(b"Body")
        text = plain(body) if body is not None else ""
        tags, group = self._marks(attrs)
        if channel == "other" and app != "other":
            tags.append(f"app={app}")
        return _Fact(
            n, piece.locator, _time(model.text(b"TimeStamp")), channel, sender,
            [self._party(p, channel, app) for p in model.models.get(b"To", ())],
            model.truth(b"FromIsOwner"), _FOLDERS.get(folder, "") or _WAYS.get(_key(model.text(b"Direction")), ""), "",
            _STATES.get(_key(model.text(b"Status")), "unknown"), None if body is None else len(text),
            _attachment(model), tags, hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(),
            model.text(b"Identifier")[:200], group, "message", model.text(b"ChatId")[:200], model.text(b"Account")[:200],
        )  # fmt: skip

    @staticmethod
    def _marks(attrs: dict[bytes, bytes]) -> tuple[list[str], tuple[str, str]]:
        """Return tags for the state of a model and how sure its decoding is, and the group in which copies are counted."""
        state = attrs.get(b"deleted_state", b"").decode("ascii", "replace").lower()
        tags = ["deleted"] if state == "deleted" else ["deleted=unknown"] if state and state != "intact" else []
        sure = attrs.get(b"decoding_confidence", b"").decode("ascii", "replace").lower()
        if sure in ("low", "medium"):
            tags.append(f"confidence={sure}")
        if attrs.get(b"iscarved", b"").lower() == b"true":
            tags.append("carved")
        return tags, (
            attrs.get(b"extractionId", b"").decode("ascii", "replace")[:20],
            "" if state in ("", "intact") else "x",
        )

    def _way(self, fact: _Fact, chat: _Chat | None) -> str:
        """Return the direction, by what says it best; empty if nothing does."""
        sender, account = fact.sender, self._account(fact, chat)
        if fact.from_owner is not None:
            return "out" if fact.from_owner else "in"
        if sender is not None and sender.flag:
            return "out"
        others = [*fact.to, *(chat.people if chat is not None else ())]
        if any(p.flag for p in fact.to):
            return "in"
        # "no" is also what the tool writes where it does not know whose phone it is: it counts where the owner is flagged
        if sender is not None and sender.flag is False and any(p.flag for p in others):
            return "in"
        if fact.way:
            return fact.way
        if sender is not None and self._is_owner(sender, account):
            return "out"
        if sender is not None and any(self._is_owner(p, account) for p in others):
            return "in"
        if fact.weak:
            return fact.weak
        return ""

    def _message(self, fact: _Fact, chat: _Chat | None) -> None:
        """Write a message or mail."""
        way = self._way(fact, chat)
        account = self._account(fact, chat)
        sender = fact.sender
        named = [p for p in (*(chat.people if chat is not None else ()), *fact.to) if not p.system]
        if sender is not None:
            named.append(sender)
        own = {p.identifier or p.name for p in named if self._is_owner(p, account)}
        if way == "out" and sender is not None:
            own.add(sender.identifier or sender.name)
        others = list({key: p for p in named if (key := p.identifier or p.name) not in own}.values())
        kind = self._thread_kind(chat, others)
        peer = others[0] if kind == "direct" and len(others) == 1 else None
        if (
            kind == "direct" and chat is not None and _JID.fullmatch(chat.id)
        ):  # the id of the chat is that of the other side
            known = self.identify(chat.id, "whatsapp", "whatsapp")
            peer = (
                peer
                if peer is not None and peer.identifier == known[0]
                else _Party(known[0], _written(chat.id, "whatsapp", known[1]), known[1], "", None)
            )
        if not way:
            self.counts["undecided"] += 1
            other = None  # whoever is named may be the owner
        else:
            self.settled += 1
            named_sender = sender is not None and (sender.identifier is not None or sender.kind != "none")
            other = sender if way == "in" and named_sender else peer
        identifier = other.identifier if other is not None else None
        if self._known(fact, way, identifier):
            self.counts["copies"] += 1
            self.out.out_of_scope()
            return
        direct = kind == "direct"
        status = fact.status
        if way == "in":
            status = "delivered" if status in ("sent", "delivered") else "unknown"
        self.events.add(
            fact.n, fact.record, 1, *fact.time, fact.channel, fact.kind, way or "unknown", status, identifier,
            other.raw if other is not None else None, other.kind if other is not None else "none",
            sender.identifier if sender is not None and way else None,
            {"in": "contact", "out": "owner"}.get(way, "unknown"), self._line(account, named),
            self._thread(fact, chat, peer.identifier if direct and peer is not None else identifier if direct else None), kind,
            len(others) + 1 if kind == "group" and others else None,
            "no" if way == "out" or kind == "channel" else "yes" if way == "in" and direct else "unknown",
            None, None, fact.size, fact.attachment, " ".join(fact.tags) or None,
        )  # fmt: skip
        self.channels.setdefault(fact.channel, set()).add("email" if fact.kind == "email" else "message")

    def _known(self, fact: _Fact, way: str, identifier: str | None) -> bool:
        if fact.native:
            return self.copies.again(fact.group, _digest("id", fact.channel, fact.native, fact.time))
        sender = fact.sender.identifier if fact.sender is not None else None
        to = sorted(p.identifier or p.name for p in fact.to)
        return self.copies.again(
            fact.group,
            _digest(
                "m", fact.channel, fact.kind, way, identifier, sender, to, fact.time, fact.body.hex(), fact.attachment
            ),
        )

    @staticmethod
    def _thread_kind(chat: _Chat | None, others: list[_Party]) -> str:
        if chat is not None and chat.kind:
            named = {"oneonone": "direct", "group": "group", "broadcast": "channel", "channel": "channel"}.get(
                chat.kind
            )
            if named is not None:
                return named
        if chat is not None and chat.id.lower().endswith("@g.us"):
            return "group"
        if chat is not None and _JID.fullmatch(chat.id) is not None:
            return "direct"
        if len(others) == 1:
            return "direct"
        return "group" if len(others) > 1 else "unknown"

    def _thread(self, fact: _Fact, chat: _Chat | None, peer: str | None) -> str | None:
        native = chat.id if chat is not None and chat.id else fact.thread
        if fact.channel == "telegram" and native.isdigit():
            return f"telegram:{native}"
        if peer is not None:
            return peer
        app = chat.app if chat is not None and chat.app else fact.channel
        if native:
            return f"{app}:{native}"
        if chat is not None:
            return f"{app}:{hashlib.sha256(f'{self.source.source_id}{chat.record}'.encode()).hexdigest()[:10]}"
        return None

    def _account(self, fact: _Fact, chat: _Chat | None) -> str | None:
        """Return the identifier of the account that the record or its chat names as the owner's."""
        given = fact.account or (chat.account if chat is not None else "")
        return self.identify(given, fact.channel, chat.app if chat is not None else fact.channel)[0] if given else None

    def _line(self, account: str | None, people: Iterable[_Party]) -> str | None:
        """Return the owner's number or account: as the record names it, else that of the party who is the owner."""
        if account is not None:
            return account
        return next((p.identifier for p in people if p.identifier is not None and self._is_owner(p, None)), None)

    # -- calls

    def _call(self, model: Model, piece: Piece, n: int) -> None:
        source = model.text(b"Source")
        channel, app = channel_of(source) if source else ("phone", "phone")
        parties = [
            self._party(p, channel, app) for p in model.models.get(b"Parties", ()) or model.models.get(b"From", ())
        ]
        account = self.identify(model.text(b"Account")[:200], channel, app)[0]
        caller = next((p for p in parties if p.role == "from"), None)
        called = [p for p in parties if p.role == "to"]
        ends = [_ENDS[word] for name in (b"Status", b"Type") if (word := _key(model.text(name))) in _ENDS]
        said = _WAYS.get(_key(model.text(b"Direction"))) or _WAYS.get(_key(model.text(b"Type"))) or ""
        flagged = "out" if caller is not None and caller.flag else "in" if any(p.flag for p in called) else ""
        tags, group = self._marks(model.attrs())
        if flagged and said and flagged != said:
            tags.append("direction-disputed")
            self.counts["disputed"] += 1
        way = flagged or said
        if not way and caller is not None and self._is_owner(caller, account):
            way = "out"
        if not way and any(self._is_owner(p, account) for p in called):
            way = "in"
        if not way and len(parties) == 1 and parties[0].role in ("from", "to"):
            way = "in" if parties[0].role == "from" else "out"  # the one who is named is the other side
        if not way and any(word in _INCOMING for _, word in ends):
            way = "in"
        others = [p for p in parties if not self._is_owner(p, account) and not p.system]
        if way == "in":
            other = next((p for p in others if p.role == "from"), others[0] if len(others) == 1 else None)
        else:
            other = others[0] if len(others) == 1 else None
        seconds = _seconds(model.text(b"Duration"))
        answered: bool | None = None
        if any(not yes for yes, _ in ends):
            answered = False
        elif ends or seconds:
            answered = True
        elif seconds == 0 and way == "out":
            answered = False
        tags += dict.fromkeys(word for _, word in ends if word)
        if model.truth(b"VideoCall"):
            tags.append("video")
        if not source:
            tags.append("source-unnamed")
        if channel == "other" and app != "other":
            tags.append(f"app={app}")
        self._write_call(model, piece, n, channel, way, other, others, answered, seconds, tags, group, account, parties)

    def _voicemail(self, model: Model, piece: Piece, n: int) -> None:
        source = model.text(b"Source")
        channel, app = channel_of(source) if source else ("phone", "phone")
        other = self._one(model, b"From", channel, app)
        tags, group = self._marks(model.attrs())
        self._write_call(
            model,
            piece,
            n,
            channel,
            "in",
            other,
            [other] if other else [],
            False,
            None,
            [*tags, "voicemail"],
            group,
            None,
            [],
        )

    def _write_call(
        self, model: Model, piece: Piece, n: int, channel: str, way: str, other: _Party | None, others: list[_Party],
        answered: bool | None, seconds: int | None, tags: list[str], group: tuple[str, str], account: str | None, parties: list[_Party],
    ) -> None:  # fmt: skip
        time = _time(model.text(b"TimeStamp") or model.text(b"Timestamp"))
        identifier = other.identifier if other is not None else None
        if not way:
            self.counts["undecided"] += 1
        else:
            self.settled += 1
        people = sorted(p.identifier or p.name for p in others)
        if self.copies.again(group, _digest(piece.name, channel, way, people, time, seconds, answered)):
            raise _OutOfScope("copies")
        several = len(others) > 1
        self.events.add(
            n, piece.locator, 1, *time, channel, "call", way or "unknown", "unknown", identifier,
            other.raw if other is not None else None, other.kind if other is not None else "none",
            identifier if way == "in" else None, {"in": "contact", "out": "owner"}.get(way, "unknown"),
            self._line(account, parties), None if several else identifier, "group" if several else "direct",
            len(others) + 1 if several else None, "yes" if way == "in" else "no" if way == "out" else "unknown",
            answered, seconds, None, None, " ".join(dict.fromkeys(tags)) or None,
        )  # fmt: skip
        self.channels.setdefault(channel, set()).add("call")

    # -- places, contacts

    def _location(self, model: Model, piece: Piece, n: int) -> None:
        described = f"{model.text(b'Category')} {model.text(b'Type')}".lower()
        if any(word in described for word in _NOT_THE_PHONE):
            raise _OutOfScope("places that are not where the phone was")
        origin = _key(model.text(b"Origin") or model.text(b"LocationOrigin"))
        linked = _key(model.text(b"DeviceLocationAffiliation"))
        if not (
            origin == "device"
            or linked in ("device", "thisdevice", "true")
            or ((self.subject or self.bare) and origin in ("", "unknown"))
        ):
            raise _OutOfScope("places of which the report does not say that they are the phone's own")
        time = _time(model.text(b"TimeStamp"))
        place = model.first(b"Position")
        lat = _degrees(place.text(b"Latitude"), 90.0) if place is not None else None
        lon = _degrees(place.text(b"Longitude"), 180.0) if place is not None else None
        if lat is None or lon is None:
            raise _Rejected("latitude or longitude is missing or out of range")
        if lat == 0 and lon == 0:
            raise _Rejected("latitude and longitude are both 0: no place was recorded")
        end: _Time | None = None
        if until := model.text(b"EndTime"):
            try:
                end = _time(until)
            except _Rejected:
                self.counts["ends of visits unread"] += 1
            if end is not None and (end[3] != time[3] or end[0] <= time[0]):
                end = None
        tags, group = self._marks(model.attrs())
        many = model.text(b"AggregatedLocationsCount")
        if many.isdigit() and many.isascii() and int(many[:9]) > 1:
            tags.append(f"aggregated={int(many[:9])}")
        if self.copies.again(group, _digest("place", time, end, lat, lon)):
            raise _OutOfScope("copies")
        near = _degrees(model.text(b"GpsHorizontalAccuracy"), 1e7)
        self.positions.add(
            n, piece.locator, *time, end[0] if end else None, end[1] if end else None, "visit" if end else "fix",
            lat, lon, near if near is not None and near > 0 else None, "gps" if "gps" in described else "unknown",
            " ".join(tags) or None,
        )  # fmt: skip
        self.counts["positions"] += 1

    def _contact(self, model: Model, piece: Piece, n: int) -> None:
        source = model.text(b"Source")
        channel, app = channel_of(source)
        if app == "native" or clean(source).lower() in ("contacts", "phonebook", "sim"):
            channel, app = "phone", "phone"
        label = clean(model.text(b"Name"))[:256] or None
        words = {_key(plain(v)) for v in model.values.get(b"InteractionStatuses", ())} | {_key(model.text(b"Type"))}
        tags, group = self._marks(model.attrs())
        rows: dict[tuple[str, str], tuple[str, str]] = {}
        for entry in (e for entries in model.models.values() for e in entries):
            if entry.type in ("ContactEntry", "PhoneNumber", "EmailAddress", "UserID"):
                found = self._entry(entry, channel, app)
                if found is not None:
                    rows.setdefault((found[0], found[1]), (found[0], found[2]))
        if not rows:
            raise _OutOfScope("contacts without number or account")
        if self.copies.again(group, _digest("contact", channel, label, sorted(rows))):
            raise _OutOfScope("copies")
        sub = 0
        for which in ("address_book", "blocked") if "blocked" in words else ("address_book",):
            for (identifier, kind), (_, raw) in rows.items():
                sub += 1
                self.listed.add(
                    n, piece.locator, sub, which, channel, identifier, raw, kind, label, " ".join(tags) or None
                )

    def _entry(self, entry: Model, channel: str, app: str) -> tuple[str, str, str] | None:
        """Return identifier, kind and text of an entry of a contact; None for what is neither number nor account."""
        raw = entry.text(b"Value")[:256]
        text = clean(raw)
        if not text or "://" in text:
            return None
        if _JID.fullmatch(text):
            identifier, kind = self.identify(text, "whatsapp", "whatsapp")
            return (identifier, kind, _written(raw, "whatsapp", kind)) if identifier else None
        number = self.context.phone(text)
        if number[0] is not None and number[1] in ("phone", "mail"):
            return number[0], number[1], raw
        if entry.type == "PhoneNumber" and number[0] is not None and number[1] in ("short", "raw"):
            return number[0], number[1], raw
        domain = _key(entry.text(b"Domain"))
        if channel not in _BY_NUMBER and channel != "email" and ("userid" in domain or entry.type == "UserID"):
            identifier, kind = self.identify(text, channel, app)
            return (identifier, kind, raw) if identifier else None
        if number[0] is not None and number[1] in ("short", "raw") and "phone" in domain:
            return number[0], number[1], raw
        return None

    # -- the file as a whole

    def _conclude(self, report: Report) -> None:
        out, counts = self.out, self.counts
        whole = not report.end and not report.passed
        out.owner(list(self.own))
        if report.end:
            out.note(f"{report.end}; what lay behind was not read")
        if report.passed:
            out.note(f"the nesting of a list of models was lost; models passed over behind it: about {report.passed}")
        less = self.declared is not None and self.declared > self.n
        if less:
            out.note(
                f"the report declares {self.declared} models and holds {self.n}: that a record is absent means nothing"
            )
        if self.partial:
            out.note("the extraction was partial or selective: that a record is absent means nothing")
        if self.extractions > 1:
            out.note(f"extractions in one report: {self.extractions}")
        if len(self.devices) > 1:
            out.note(f"differently named devices in one report: {len(self.devices)}; whose they are it does not say")
        for name, text in _NOTES.items():
            if counts[name]:
                out.note(f"{text}: {counts[name]}")
        if self.kinds:
            kinds = ", ".join(f"{name or 'others'} {count}" for name, count in sorted(self.kinds.items()))
            out.note(f"models of other kinds, not read: {kinds}")
        if self.copies.full:
            out.note(f"copies were looked for among the first {REMEMBERED} different records only")
        if self.zone:
            out.note(
                f"the examiner's project was set to the zone {self.zone}; times without an offset are not read in it"
            )
        complete = "no" if self.partial or less or not whole else "unknown"
        for channel in sorted(self.channels):
            out.coverage(channel, " ".join(sorted(self.channels[channel])), complete=complete)
        if counts["positions"]:
            out.coverage("other", "position", complete=complete)


_NOTES = {
    "undecided": "calls and messages of which nothing says which side is the owner, kept without a direction",
    "disputed": "calls whose direction field contradicts which party is the owner of the phone (the party was taken)",
    "copies": "further copies of records (another extraction, recovered from free space, or a message also listed outside its chat)",
    "system messages": "system messages in chats, no acts",
    "status posts": "status posts, which are directed at nobody",
    "drafts and messages that were never sent": "drafts and messages that were never sent",
    "places that are not where the phone was": "places of media, searches, shares, networks and the like, which are not where the phone was",
    "places of which the report does not say that they are the phone's own": (
        "places of which the report does not say that they are the phone's own (set subject in [[source]] to read them)"
    ),
    "contacts without number or account": "contacts without number or account",
    "long chats": f"chats with more than {HELD} messages, read without what their report says of them behind the messages",
    "swallowed": "models inside rejected ones, some of which may be records of their own: about",
    "chats unread": "chats whose own fields could not be read",
    "chats too long": "chats with more about their people than is held",
    "ends of visits unread": "ends of stays that could not be read",
}  # fmt: skip

_READ = {
    "Call": _Reading._call,
    "InstantMessage": _Reading._instant,
    "SMS": _Reading._short,
    "MMS": _Reading._short,
    "Email": _Reading._mail,
    "MailMessage": _Reading._mail,
    "VoiceMail": _Reading._voicemail,
    "Voicemail": _Reading._voicemail,
    "Location": _Reading._location,
    "Contact": _Reading._contact,
}


def _attachment(model: Model) -> str | None:
    found = model.models.get(b"Attachments") or model.models.get(b"Attachment")
    if not found:
        return "none"
    kind = found[0].text(b"ContentType").lower()
    return next((name for start, name in _ATTACHMENTS if kind.startswith(start)), "document" if kind else "other")


def _has_position(model: Model) -> bool:
    place = model.first(b"Position")
    return place is not None and bool(place.text(b"Latitude"))


class UfedXml:
    """The reader."""

    description = Description(
        id="ufed-xml",
        version=1,
        title="Cellebrite report (report.xml, UFDR)",
        channels=(
            "phone", "sms", "mms", "rcs", "imessage", "facetime", "whatsapp", "telegram", "signal", "viber", "messenger",
            "facebook", "instagram", "vk", "snapchat", "tiktok", "x", "discord", "line", "skype", "google_chat", "tinder",
            "badoo", "life360", "email", "other",
        ),
        counts=(
            "model elements directly under a modelType, and the model elements of the Messages of a Chat, in document order; "
            "the chat before its messages"
        ),
        knowledge=(
            "public parsers: UFEDLib, IPED with its test file of a chat, alephdata ingest-file, jgru/ufed-geo2x; "
            "the words of call states, folders and apps are those that these parsers know"
        ),
        evidence="real sample",
        cannot_tell=(
            "what the phone holds and the tool did not decode, and what the examiner left out of the report",
            "whether the decoding is right: it is the tool's reading of the phone (confidence below high is tagged)",
            "the zone of times that the report writes without an offset (the examiner's own zone is not taken for it)",
            "where the phone was, from places that the report does not mark as the phone's own",
            "whether a chat whose kind is not stated and that has two sides is a group (read as direct)",
            "calls without a source are read as the phone's own (tagged source-unnamed); sources that are not known here "
            "are read as other, with the app's name in the tags",
            "only places, chats and timestamps were seen in real reports; calls, SMS, mails and contacts are known from parsers",
            "a numeric account of Telegram is read as a user",
            "activities in social media, notifications, journeys and log entries are not read",
            "which words stand in the field that ties a place to the device is not public: device and true are taken",
        ),
        options=(
            Option("owner", "number or account of the owner of the phone", "the report marks nobody as the owner"),
            Option("subject", "whose places they are whose origin the report leaves open: owner or the id of a contact"),
            Option("timezone", "zone of times that are written without an offset"),
        ),
        versions="report versions 5.2, 7.34 and 8.5 as described by public parsers; 7.34 seen",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the format by its root element and namespace."""
        try:
            text = b"".join(XmlText(io.BytesIO(head.data)).blocks())
        except Unreadable:
            return None
        found = prolog(text)
        if found.declares:
            return (
                Claim(60, "a Cellebrite report with declarations in its DOCTYPE") if NAMESPACE in text[:4096] else None
            )
        if found.root != "project":
            return None
        begin = text.find(b"project")
        tag = text[begin : text.find(b">", begin) + 1 or begin + 4096][:4096]
        if NAMESPACE in tag:
            return Claim(97, "root element project in the namespace of Cellebrite's reports")
        if b"reportVersion" in tag and b"extractionType" in tag:
            return Claim(85, "root element project with reportVersion and extractionType")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the report into ``out``.

        Raises
        ------
        Unreadable
            It has no root element project, or declares entities.
        Waiting
            Nothing in it says who the owner is.
        """
        _Reading(source, context, out).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        count = 0
        try:
            with source.open() as stream:
                report = Report(stream)
                scanner = report.scanner
                hit: int | None = None
                for piece in report.pieces():
                    if hit is not None and piece.kind == "chat end" and piece.locator == record:
                        end = piece.end if piece.complete else None
                        return Span(hit, end, piece.complete, _encoding(scanner.encoding), scanner.mark)
                    if piece.kind not in ("model", "chat"):
                        continue
                    count += 1
                    if piece.locator != record or n not in (None, count):
                        continue
                    if piece.kind == "chat":
                        hit = piece.start
                        continue
                    end = None if piece.broken == ENDS_INSIDE else piece.end
                    whole = piece.complete and piece.broken != UNCLOSED
                    return Span(piece.start, end, whole, _encoding(scanner.encoding), scanner.mark)
        except Unreadable:
            return None
        return None

    def mask(self, source: SourceFile, text: str) -> str:
        """Return a record with content hidden."""
        return masked(text)


def _encoding(name: str) -> str:
    return "" if name == "utf-8" else name


READER = UfedXml()
