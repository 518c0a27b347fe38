"""Reader of Telegram Desktop's JSON export: one chat, or a whole account (``result.json``).

What the format holds is known from tdesktop's ``export_output_json.cpp`` and from real exports of 2020 to 2025. Two passes:
a *look* that normally stops in the first block, and finds out whose account it is, and the reading itself. The look goes on
to the end only where the file leaves no other way: keys in another order than the exporter's, the number scheme of before
mid-2021 (there the id of a chat does not name the peer), or an owner who is known by name only.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import MAX_OFFSET_S, iso_reading
from pipelines.readers._json_stream import ArrayEnd, Bad, Block, Broken, JsonStream, Value, find_element
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
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

#: an answer to one of the owner's messages is known as such over this many messages of a chat [P]
REPLY_MEMORY = 200_000
#: chats in one export; a file with more is hostile [P]
MAX_CHATS = 100_000
_ROWS = 4096  # pieces of chats are gathered to so many rows before their times are read and they go to the sink
_BYTES = 4 << 20  # or to so much text
_SENDERS = 8  # remembered in a direct chat, which has two
_CACHE = 100_000

_GROUPS = frozenset({"private_group", "private_supergroup", "public_supergroup"})
_SKIPPED = frozenset(
    {"saved_messages", "replies", "verify_codes", "bot_chat", "private_channel", "public_channel"}
)  # fmt: skip
_TYPES = frozenset({"personal_chat", *_GROUPS, *_SKIPPED})
_CHATS = ("/chats/list/*", "/left_chats/list/*")
_MESSAGES = ("/messages", *(f"{chat}/messages" for chat in _CHATS))
_CHAT_VALUES = tuple(f"{chat}/{key}" for chat in ("", *_CHATS) for key in ("name", "type", "id"))
_OTHER_LISTS = {
    "/contacts/list": "address book entries",
    "/frequent_contacts/list": "frequent contacts",
    "/sessions/list": "sessions",
    "/web_sessions/list": "web sessions",
}
_CLASSES = "call message request gift other share"

_ATTACHMENTS = {
    "sticker": "sticker",
    "video_message": "video",
    "voice_message": "voice",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}
_INVITES = frozenset({"invite_members", "create_group", "invite_to_group_call"})
_JOINS = frozenset({"join_group_by_link", "join_group_by_request"})
_OTHERS = frozenset({"take_screenshot", "proximity_reached"})
_GIFT = re.compile(r"send_(?:\w{1,40}_)?gift")
_DISCARDED = {"missed": "missed", "busy": "rejected", "hangup": "hangup", "disconnect": "disconnect"}
_PEER = re.compile(r"(?:user|channel|chat)[1-9]\d{0,19}", re.ASCII)
_ACCOUNT = re.compile(r"(?:telegram:)?(user[1-9]\d{0,19})", re.ASCII)
_SECONDS = re.compile(r"-?\d{1,12}", re.ASCII)
#: \x05 and the like, which the exporter writes and JSON does not know; other escapes are matched to be passed over
_HEX_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)
#: the value that versions 4.1 left without quotes; it ends with its line
_BARE_DOCUMENT = re.compile(rb'("document_id": ?)(?!["\d\-\s{\[ntf])[^\r\n]*')

_Ints = npt.NDArray[np.int64]


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read; everything else is skipped. Lenient: what they hold is judged later."""

    id: Any = None
    type: Any = None
    date: Any = None
    date_unixtime: Any = None
    from_: Any = msgspec.field(name="from", default=None)
    from_id: Any = None
    actor: Any = None
    actor_id: Any = None
    action: Any = None
    text: Any = None
    reply_to_message_id: Any = None
    reply_to_peer_id: Any = None
    forwarded_from: Any = msgspec.UNSET
    media_type: Any = None
    photo: Any = None
    file: Any = None
    self_destruct_period_seconds: Any = None
    contact_information: Any = None
    location_information: Any = None
    live_location_period_seconds: Any = None
    place_name: Any = None
    poll: Any = None
    game_title: Any = None
    invoice_information: Any = None
    duration_seconds: Any = None
    discard_reason: Any = None
    members: Any = None
    to_id: Any = None


class _Author(msgspec.Struct, gc=False):
    """What the look reads of a message."""

    from_: Any = msgspec.field(name="from", default=None)
    from_id: Any = None
    actor: Any = None
    actor_id: Any = None


class _Sign(msgspec.Struct, gc=False):
    """What recognition reads of a message."""

    type: Any = None
    date: Any = None
    date_unixtime: Any = None
    from_: Any = msgspec.field(name="from", default=None)
    from_id: Any = None
    actor_id: Any = None


def mend(raw: bytes) -> bytes:
    r"""Mend what the exporter is known to write that is no JSON.

    ``\x05`` escapes (tdesktop issue 27571) become ``\u0005``; a ``document_id`` without quotes (issues 24961 and 24984),
    which is not read, becomes empty.
    """
    if b"\\x" in raw:
        raw = _HEX_ESCAPE.sub(lambda m: b"\\u00" + m.group(1) if m.group(1) else m.group(), raw)
    return _BARE_DOCUMENT.sub(rb'\1""', raw)


def _account(raw: Any) -> str | None:
    """Return the identifier behind a ``from_id``: ``"user1"``, ``"channel1"``, and 1 (before mid-2021: a user)."""
    if isinstance(raw, str):
        return f"telegram:{raw}" if _PEER.fullmatch(raw) else None
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 1 << 63:
        return f"telegram:user{raw}"
    return None


def _text_size(text: Any) -> int | None:
    """Return the number of characters of a text: a string, or a list of strings and ``{type, text}``."""
    if isinstance(text, str):
        return len(text)
    if not isinstance(text, list):
        return None
    size = 0
    for part in text:
        inner = part.get("text") if isinstance(part, dict) else part
        if isinstance(inner, str):
            size += len(inner)
    return size


def _decoded(raw: bytes | None) -> Any:
    try:
        return msgspec.json.decode(mend(raw)) if raw is not None else None
    except (ValueError, RecursionError):
        return None


def _name(value: Any) -> str:
    """Return a name cleaned; empty for what is none (Telegram's have at most 129 characters)."""
    return clean(value) if isinstance(value, str) and len(value) <= 256 else ""


@dataclass(slots=True)
class _Owner:
    """Who the owner is in this file, as far as it is known."""

    identifiers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()  # as members are listed by name only
    usernames: frozenset[str] = frozenset()  # lower case, without @
    phone: str | None = None
    shown_by_file: bool = False
    account: str | None = None  # as the personal information gives it


@dataclass(slots=True)
class _Seen:
    """What the look saw of a chat."""

    type: Any = None
    id: Any = None
    name: str = ""
    late: bool = False  # its type stands after its messages
    messages: int = 0
    senders: dict[str, str] = field(default_factory=dict)  # identifier -> name; of direct chats, no more than _SENDERS
    old: bool = False  # bare numbers as sender ids

    @property
    def kind(self) -> str:
        return _kind(self.type)

    def peer_by_id(self) -> str | None:
        """Return the identifier that the id of a direct chat stands for; None in the old number scheme."""
        return None if self.old else _account(self.id)

    def peer(self, owner: Iterable[str]) -> str | None:
        """Return the other side of a direct chat, or None if it cannot be told."""
        others = [s for s in self.senders if s not in owner]
        by_id = self.peer_by_id()
        if by_id is not None and by_id not in owner and (by_id in others or len(others) != 1):
            return by_id
        return others[0] if len(others) == 1 else None

    def exporter(self) -> str | None:
        """Return the sender of a direct chat who is not its peer, or None if that cannot be told."""
        by_id = self.peer_by_id()
        others = [s for s in self.senders if s != by_id]
        if by_id in self.senders or (by_id is not None and len(self.senders) == 1 and not self.titled(others[0])):
            return others[0] if len(others) == 1 else None
        named = [s for s in self.senders if self.titled(s)]
        rest = [s for s in self.senders if s not in named]
        return rest[0] if len(named) == len(rest) == 1 else None

    def titled(self, sender: str) -> bool:
        """Does the chat bear the name of the sender?"""
        return self.name != "" and self.senders[sender] == self.name

    def incoming_only(self) -> bool:
        """Is there no sender but the peer?"""
        return all(s == self.peer_by_id() or self.titled(s) for s in self.senders) and len(self.senders) <= 1


def _type(value: Any) -> str | None:
    """Return the type of a chat; empty for what is none."""
    if value is None:
        return None
    return value if isinstance(value, str) and len(value) <= 64 else ""


def _kind(type_: Any) -> str:
    """Return direct, group, unknown (no type given) or skip."""
    if type_ == "personal_chat":
        return "direct"
    if type_ in _GROUPS:
        return "group"
    return "unknown" if type_ is None else "skip"


class _Look:
    """The first pass: chats as far as needed, and the owner."""

    def __init__(self, source: SourceFile, context: Context) -> None:
        self.chats: dict[str, _Seen] = {}
        self.personal: dict[str, Any] = {}
        self.named: dict[str, str] = {}  # senders that bear a declared name of the owner
        self.complete = False
        self.whole_account = False
        option = context.options.get("owner")
        declared = [option] if option else sorted(context.owner_names)
        self.declared_ids = frozenset(
            f"telegram:{found.group(1)}" for text in declared if (found := _ACCOUNT.fullmatch(text.strip()))
        )
        self.declared_names = frozenset(
            clean(text.removeprefix("telegram:name:"))
            for text in declared
            if not _ACCOUNT.fullmatch(text.strip()) and not re.match(r"[a-z]+:(?!name:)|\+\d", text)
        ) - {""}
        self._scan(source)

    def _scan(self, source: SourceFile) -> None:
        with closing(source.open()) as stream:
            items = JsonStream(
                stream,
                dict.fromkeys(_MESSAGES, _Author),
                ["/personal_information", *_CHAT_VALUES],
                repair=mend,
            )
            for item in items:
                if isinstance(item, Value):
                    self._value(item)
                elif isinstance(item, Block):
                    seen = self._chat(item.pointer.removesuffix("/messages"))
                    self._block(seen, item.items)
                    if self._enough(seen):
                        return
        self.complete = True

    def _chat(self, pointer: str) -> _Seen:
        seen = self.chats.get(pointer)
        if seen is None:
            if len(self.chats) >= MAX_CHATS:
                raise Unreadable(f"more than {MAX_CHATS} chats")
            seen = self.chats[pointer] = _Seen()
            self.whole_account |= pointer != ""
        return seen

    def _value(self, item: Value) -> None:
        if item.pattern == "/personal_information":
            value = _decoded(item.raw)
            self.personal = value if isinstance(value, dict) else {}
            return
        pointer, _, key = item.pointer.rpartition("/")
        seen = self._chat(pointer)
        value = _decoded(item.raw)
        if key == "type":
            seen.type = _type(value)
            seen.late = seen.messages > 0
        elif key == "id":
            seen.id = value if isinstance(value, int) else None
        else:
            seen.name = _name(value)

    def _block(self, seen: _Seen, items: Sequence[_Author]) -> None:
        seen.messages += len(items)
        if seen.kind == "skip":
            seen.old |= any(isinstance(m.from_id, int) for m in items)
            return
        for raw_id, raw_name in _pairs(items):
            sender, name = _account(raw_id), _name(raw_name)
            if sender is None and raw_id is None and name:
                sender = name_identifier("telegram", name)
            if sender is None:
                continue
            seen.old |= isinstance(raw_id, int)
            if name in self.declared_names:
                self.named[sender] = name
            if seen.kind != "group" and (sender in seen.senders or len(seen.senders) < _SENDERS):
                seen.senders.setdefault(sender, name)

    def _enough(self, seen: _Seen) -> bool:
        """Is everything known that the reading itself needs?"""
        if seen.kind == "unknown" or seen.old:
            return False
        if self.personal.get("user_id"):
            return True
        if seen.kind == "skip":
            return False
        if seen.kind == "group" or self.whole_account:
            # an owner known by name only takes the whole file: two accounts may bear the name
            return bool(self.declared_ids) or (seen.peer_by_id() in seen.senders and len(seen.senders) > 1)
        return self._settled(seen)

    def _settled(self, seen: _Seen) -> bool:
        """Can the two sides of a single direct chat be told apart by what was seen of it?"""
        by_id = seen.peer_by_id()
        if by_id in seen.senders and by_id not in self.declared_ids:
            return True  # whoever else writes is the other one
        known = bool(self.declared_ids & (seen.senders.keys() | {by_id})) or seen.exporter() is not None
        return known and len(seen.senders) > 1

    def owner(self, context: Context) -> _Owner:
        """Settle who the owner is.

        Raises
        ------
        Waiting
            The file has chats for which that is needed, and it cannot be told.
        """
        shown = _account(self.personal.get("user_id"))
        if shown is not None:
            first, last = _name(self.personal.get("first_name")), _name(self.personal.get("last_name"))
            username = _name(self.personal.get("username")).removeprefix("@").lower()
            raw_phone = self.personal.get("phone_number")
            phone, phone_kind = context.phone(raw_phone) if isinstance(raw_phone, str) else (None, "none")
            return _Owner(
                frozenset({shown}), frozenset({clean(f"{first} {last}")} - {""}), frozenset({username} - {""}),
                phone if phone_kind == "phone" else None, True, shown,
            )  # fmt: skip
        directs = [seen for seen in self.chats.values() if seen.kind == "direct" and seen.messages]
        if self.named and len(self.named) == 1:
            ids = frozenset(self.named)
            return _Owner(self.declared_ids | ids, self.declared_names)
        if self.declared_ids and (self.whole_account or not directs or self._declared_fits(directs[0])):
            return _Owner(self.declared_ids, self.declared_names)
        if len(self.named) > 1:
            raise _waiting("several accounts in this file bear the owner's name", self.named)
        found = {exporter for seen in directs if (exporter := seen.exporter()) is not None}
        if len(found) == 1:
            names = {seen.senders[e] for seen in directs for e in found if e in seen.senders} - {""}
            return _Owner(frozenset(found), frozenset(names), shown_by_file=True)
        open_chats = [
            seen for seen in self.chats.values()
            if seen.messages and (seen.kind in ("group", "unknown") or (seen.kind == "direct" and not seen.incoming_only()))
        ]  # fmt: skip
        if not open_chats:
            return _Owner()
        candidates = {s for seen in open_chats for s in seen.senders}
        if len(found) > 1:
            raise _waiting("its direct chats contradict each other about whose account it is", candidates)
        raise _waiting("it does not say whose account it was exported from", candidates)

    def _declared_fits(self, seen: _Seen) -> bool:
        """May the declared accounts be the owner's side of a single direct chat?"""
        known = seen.senders.keys() | {seen.peer_by_id()}
        return bool(self.declared_ids & known) or seen.exporter() is None


def _waiting(why: str, candidates: Iterable[str]) -> Waiting:
    # only numbers: a name could hold anything, and these lines are copied into a file
    shown = sorted(c for c in candidates if _ACCOUNT.fullmatch(c))[:_SENDERS]
    hint = f"one of {', '.join(shown)}" if shown else "the owner's account, or the name it bears in this file"
    return Waiting(why, f'owner = "telegram:user…"  # {hint}')


def _pairs(items: Sequence[_Author]) -> set[tuple[Any, Any]]:
    """Return the different pairs of sender id and sender name."""
    pairs = [
        (m.from_id, m.from_) if m.from_id is not None or m.actor_id is None else (m.actor_id, m.actor) for m in items
    ]
    try:
        return set(pairs)
    except TypeError:  # a list or an object where an id belongs
        return {p for p in pairs if isinstance(p[0], str | int | None) and isinstance(p[1], str | None)}


@dataclass(slots=True)
class _Times:
    """Times of the messages of a block."""

    local_us: _Ints
    offset_s: _Ints | list[int | None] | None
    basis: list[str] | str
    precision: list[str] | str
    reasons: dict[int, str]  # rows without a usable time

    def row(self, k: int) -> tuple[int, int | None, str, str]:
        """Return local µs, stated offset, precision and zone basis of row k."""
        offset = None if self.offset_s is None else self.offset_s[k]
        return (
            int(self.local_us[k]), None if offset is None else int(offset),
            self.precision if isinstance(self.precision, str) else self.precision[k],
            self.basis if isinstance(self.basis, str) else self.basis[k],
        )  # fmt: skip


def _one_time(date: Any, unix: Any) -> tuple[int, int | None, str, str] | None:
    """Return local µs, stated offset, zone basis and precision of one message, or None."""
    seconds: int | None = None
    if isinstance(unix, str) and _SECONDS.fullmatch(unix):
        seconds = int(unix)
    elif isinstance(unix, int) and not isinstance(unix, bool) and abs(unix) < 10**12:
        seconds = unix
    reading = iso_reading(date) if isinstance(date, str) else None
    if seconds is not None:
        if reading is not None and reading.precision == "s":
            offset = reading.local_us // 1_000_000 - seconds
            if abs(offset) <= MAX_OFFSET_S:
                return reading.local_us, offset, "stated", "s"
        return seconds * 1_000_000, None, "utc", "s"
    if reading is None:
        return None
    return reading.local_us, reading.offset_s, "case" if reading.offset_s is None else "stated", reading.precision


def _times(dates: list[Any], unix: list[Any]) -> _Times:
    """Read the times of many messages at once."""
    try:
        texts = pa.array(dates, pa.string())
        if texts.null_count or pc.min_max(pc.binary_length(texts)).as_py() != {"min": 19, "max": 19}:
            raise ValueError
        local = texts.cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()
        if any(u is not None for u in unix):
            seconds = pa.array(unix, pa.string()).cast(pa.int64()).to_numpy(zero_copy_only=True)
            offsets = local - seconds
            if np.abs(offsets).max() > MAX_OFFSET_S:
                raise ValueError
            offset_s: _Ints | None = offsets
            basis = "stated"
        else:
            offset_s, basis = None, "case"
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return _times_singly(dates, unix)
    us = local * 1_000_000
    return _Times(us, offset_s, basis, "s", _reasons(us))


def _times_singly(dates: list[Any], unix: list[Any]) -> _Times:
    found = [_one_time(d, u) for d, u in zip(dates, unix, strict=True)]
    us = np.array([f[0] if f else 0 for f in found], np.int64)
    reasons = _reasons(us)
    reasons.update({i: "no time" for i, f in enumerate(found) if f is None})
    return _Times(
        us,
        [f[1] if f else None for f in found],
        [f[2] if f else "case" for f in found],
        [f[3] if f else "s" for f in found],
        reasons,
    )


def _reasons(us: _Ints) -> dict[int, str]:
    odd = np.flatnonzero((us < PLAUSIBLE_FROM_US) | (us >= PLAUSIBLE_TO_US) | (us == APPLE_EPOCH_US))
    return {int(i): implausible_time(int(us[i])) or "no time" for i in odd}


@dataclass(slots=True)
class _Span:
    first: int
    last: int


@dataclass(slots=True)
class _Chat:
    """A chat while it is read."""

    pointer: str
    kind: str = "unknown"
    known_type: bool = True
    thread_id: str = ""
    peer: str | None = None
    peer_raw: str | None = None
    settled: bool = False  # peer
    spans: dict[str, _Span] = field(default_factory=dict)  # zone basis -> first and last
    own: set[int] = field(default_factory=set)  # ids of the owner's messages in the last REPLY_MEMORY
    own_blocks: deque[tuple[int, list[int]]] = field(default_factory=deque)
    messages: int = 0


class _Piece:
    """Consecutive records of one chat, and the columns that depend on what each record is."""

    __slots__ = (
        "answered", "at", "attachment", "chat", "directed", "duration_s", "first", "first_n", "items", "kind", "left_out",
        "peer", "peer_raw", "places", "pointer", "raws", "rich", "senders", "service_directed", "services", "size", "tags",
    )  # fmt: skip

    def __init__(
        self, chat: _Chat, pointer: str, first: int, first_n: int, items: list[_Message], senders: list[str | None],
        raws: list[Any],
    ) -> None:  # fmt: skip
        rows = len(items)
        self.chat, self.pointer, self.first, self.first_n = chat, pointer, first, first_n
        self.items, self.senders, self.raws = items, senders, raws
        self.at = 0  # first row among the pieces that are handed on together
        self.peer: str | None = None
        self.peer_raw: str | None = None
        self.directed: str | list[str] = "unknown"
        self.service_directed: dict[int, str] = {}
        self.services = self.rich = False
        self.kind = ["message"] * rows
        self.answered: list[bool | None] = [None] * rows
        self.duration_s: list[int | None] = [None] * rows
        self.attachment: list[str | None] = ["none"] * rows
        self.tags: list[str | None] = [None] * rows
        self.size: list[int | None] = []
        self.left_out: set[int] = set()
        self.places: list[int] = []

    def record(self, k: int) -> str:
        """Return the locator of record k of the piece."""
        return f"json:{self.pointer}/{self.first + k}"

    def records(self) -> list[str]:
        """Return all locators."""
        head = f"json:{self.pointer}/"
        return [f"{head}{k}" for k in range(self.first, self.first + len(self.items))]

    def other(self, k: int, action: str, directed: str) -> None:
        """Make record k a service record that is kept."""
        self.kind[k] = "other"
        self.tags[k] = action
        self.service_directed[k] = directed


def _chained(pieces: list[_Piece], column: Callable[[_Piece], list[Any]]) -> list[Any]:
    """Return a column of all pieces."""
    if len(pieces) == 1:
        return column(pieces[0])
    return [value for p in pieces for value in column(p)]


def _repeated(pieces: list[_Piece], value: Callable[[_Piece], Any]) -> Any:
    """Return a column that has one value a piece, as one value if it is the same in all."""
    values = [value(p) for p in pieces]
    if not isinstance(values[0], list) and values.count(values[0]) == len(values):
        return values[0]
    column: list[Any] = []
    for p, v in zip(pieces, values, strict=True):
        column += v if isinstance(v, list) else [v] * len(p.items)
    return column


def _records(stream: BinaryIO) -> JsonStream:
    """Return the stream of the second pass, which says what a record is."""
    return JsonStream(
        stream,
        {**dict.fromkeys(_MESSAGES, _Message), **dict.fromkeys(_OTHER_LISTS, msgspec.Raw)},
        _CHAT_VALUES,
        repair=mend,
    )


class _Reading:
    """The second pass."""

    def __init__(self, source: SourceFile, look: _Look, owner: _Owner, out: Sink) -> None:
        self.source = source
        self.look = look
        self.owner = owner
        self.out = out
        self.pieces: list[_Piece] = []
        self.rows = 0  # of the pieces
        self.bytes = 0
        self.ended: list[_Chat] = []
        self.n = 0
        self.chat: _Chat | None = None
        self.meta: dict[str, Any] = {}
        self.meta_pointer: str | None = None
        self.accounts: dict[Any, str | None] = {}
        self.strangers: set[str] = set()  # senders of direct chats who are neither owner nor peer
        self.owner_seen: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.spans: dict[str, _Span] = {}

    def run(self) -> None:
        """Read the whole file."""
        broken: Broken | None = None
        with closing(self.source.open()) as stream:
            items = _records(stream)
            for item in items:
                if isinstance(item, Block):
                    if item.pattern in _MESSAGES:
                        self._block(item)
                elif isinstance(item, Value):
                    self._value(item)
                elif isinstance(item, ArrayEnd):
                    if item.pattern in _OTHER_LISTS:
                        self.counts[_OTHER_LISTS[item.pattern]] += item.count
                    else:
                        self._end_of_chat()
                elif isinstance(item, Bad):
                    if item.pattern in _MESSAGES:
                        self.n += 1
                        self.out.read(1)
                        self.out.reject(self.n, f"json:{item.pointer}/{item.index}", item.reason)
                else:
                    broken = item
        if broken is not None and self.n == 0:
            raise Unreadable(broken.reason, f"bytes:{broken.offset}-{broken.offset}")
        self._flush()
        self._conclude(broken, items.repaired)

    # -- chats --------------------------------------------------------------------------------------------------------

    def _value(self, item: Value) -> None:
        pointer, _, key = item.pointer.rpartition("/")
        if pointer != self.meta_pointer:
            self.meta, self.meta_pointer = {}, pointer
        self.meta[key] = _decoded(item.raw)

    def _open(self, pointer: str) -> _Chat:
        """Begin a chat: its kind, its thread, and who the other side is."""
        chat = _Chat(pointer)
        seen = self.look.chats.get(pointer)
        if seen is not None and seen.late:
            type_, id_ = seen.type, seen.id
        else:
            meta = self.meta if self.meta_pointer == pointer else {}
            type_, id_ = _type(meta.get("type")), meta.get("id")
        chat.kind = _kind(type_)
        chat.known_type = type_ is None or type_ in _TYPES
        if isinstance(id_, int) and not isinstance(id_, bool):
            chat.thread_id = f"telegram:{id_}"
        else:
            digest = hashlib.sha256(f"{self.source.source_id}{pointer}".encode()).hexdigest()[:10]
            chat.thread_id = f"telegram:{digest}"
        if chat.kind == "direct":
            by_id = _account(id_)
            if seen is not None and (
                (self.look.complete and seen.messages) or by_id in seen.senders or len(seen.senders) > 1
            ):
                chat.peer = seen.peer(self.owner.identifiers)
                chat.settled = True
            elif by_id not in self.owner.identifiers:
                chat.peer = by_id
            chat.peer_raw = str(id_) if chat.peer is not None and chat.peer == _account(id_) else None
        return chat

    def _end_of_chat(self) -> None:
        chat, self.chat = self.chat, None
        if chat is None:
            return
        if chat.kind == "skip":
            self.counts["skipped" if chat.known_type else "unknown kind"] += chat.messages
        else:
            self.ended.append(chat)

    def _cover_chat(self, chat: _Chat) -> None:
        for basis, span in chat.spans.items():
            self._cover(basis, span, scope="thread", scope_id=chat.thread_id)
        if chat.kind == "direct" and chat.spans and chat.peer is None:
            self.counts["direct chats without a known other side"] += 1

    def _cover(self, basis: str, span: _Span, **more: Any) -> None:
        self.out.coverage("telegram", _CLASSES, local_from=span.first, local_to=span.last, zone_basis=basis, **more)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        pointer = block.pointer.removesuffix("/messages")
        if self.chat is None or self.chat.pointer != pointer:
            self.chat = self._open(pointer)
        chat = self.chat
        items: list[_Message] = block.items
        rows = len(items)
        first_n = self.n + 1
        self.n += rows
        chat.messages += rows
        self.out.read(rows)
        if chat.kind == "skip":
            self.out.out_of_scope(rows)
            return
        senders, raws = self._senders(items)
        if len(self.owner_seen) < len(self.owner.identifiers):
            self.owner_seen |= self.owner.identifiers.intersection(cast(list[str], senders))
        if not self.owner.names:
            self._learn_name(items, senders)
        if chat.kind == "direct":
            self._check_direct(chat, senders, raws)
        piece = _Piece(chat, block.pointer, block.first, first_n, items, senders, raws)
        self._contents(piece, chat)
        piece.directed = "yes" if chat.kind == "direct" else "unknown"
        if chat.kind == "group":
            piece.directed = self._directed(chat, piece)
        piece.peer, piece.peer_raw = chat.peer, chat.peer_raw  # of direct chats only
        self.pieces.append(piece)
        self.rows += rows
        self.bytes += block.end - block.start
        if self.rows >= _ROWS or self.bytes >= _BYTES:
            self._flush()

    def _flush(self) -> None:
        """Read the times of the gathered pieces, hand their rows to the sink, and cover the chats that ended."""
        pieces, rows = self.pieces, self.rows
        self.pieces, self.rows, self.bytes = [], 0, 0
        if rows:
            times = _times(
                [m.date for p in pieces for m in p.items], [m.date_unixtime for p in pieces for m in p.items]
            )
            gone: set[int] = set()
            at = 0
            for p in pieces:
                p.at = at
                gone.update(at + k for k in p.left_out)
                at += len(p.items)
            if gone:
                self.out.out_of_scope(len(gone))
            for row in sorted(times.reasons.keys() - gone):
                p = pieces[bisect_right(pieces, row, key=lambda piece: piece.at) - 1]
                self.out.reject(p.first_n + row - p.at, p.record(row - p.at), times.reasons[row])
            gone |= times.reasons.keys()
            keep = None
            if gone:
                kept = np.ones(rows, np.bool_)
                kept[list(gone)] = False
                keep = np.flatnonzero(kept)
            self._put_events(pieces, times, keep, rows)
            self._put_positions(pieces, times, gone)
            self._extend_spans(pieces, times, keep)
        ended, self.ended = self.ended, []
        for chat in ended:
            self._cover_chat(chat)

    def _put_events(self, pieces: list[_Piece], times: _Times, keep: _Ints | None, rows: int) -> None:
        services = any(p.services for p in pieces)
        rich = any(p.rich for p in pieces)
        columns: dict[str, Any] = {
            "n": np.concatenate([np.arange(p.first_n, p.first_n + len(p.items), dtype=np.int64) for p in pieces]),
            "record": _chained(pieces, _Piece.records),
            "local_time": times.local_us,
            "stated_offset_s": times.offset_s,
            "ts_precision": times.precision,
            "zone_basis": times.basis,
            "kind": _chained(pieces, lambda p: p.kind) if services else "message",
            "sender": _chained(pieces, lambda p: p.senders),
            "answered": _chained(pieces, lambda p: p.answered) if services else None,
            "duration_s": _chained(pieces, lambda p: p.duration_s) if services else None,
            "size": _chained(pieces, lambda p: p.size),
            "attachment": _chained(pieces, lambda p: p.attachment) if rich else "none",
            "tags": _chained(pieces, lambda p: p.tags) if rich else None,
            "directed": _repeated(pieces, lambda p: p.directed),
            "identifier": _repeated(pieces, lambda p: p.peer),
            "identifier_raw": _repeated(pieces, lambda p: p.peer_raw),
            "identifier_kind": _repeated(pieces, lambda p: _identifier_kind(p.peer)),
            "thread_id": _repeated(pieces, lambda p: p.chat.thread_id),
            "thread_kind": _repeated(pieces, lambda p: p.chat.kind),
            "participants_n": _repeated(pieces, lambda p: 2 if p.chat.kind == "direct" else None),
        }
        if keep is not None:
            columns = {name: _taken(values, keep) for name, values in columns.items()}
            rows = len(keep)
        constants = {
            "channel": "telegram", "direction": "unknown", "actor": "unknown", "owner_line": self.owner.account,
        }  # fmt: skip
        if rows:
            self.out.events(rows, {**columns, **constants})

    def _senders(self, items: list[_Message]) -> tuple[list[str | None], list[Any]]:
        """Return who wrote each message: identifiers, and what the file says."""
        raws = [m.from_id if m.from_id is not None else m.actor_id for m in items]
        accounts = self.accounts
        if len(accounts) > _CACHE:
            accounts.clear()
        try:
            new = set(raws) - accounts.keys()
        except TypeError:  # a list or an object where an id belongs
            new = {""}
        if any(not isinstance(raw, int | None) and not (isinstance(raw, str) and 0 < len(raw) <= 64) for raw in new):
            raws = [
                raw if isinstance(raw, int | None) or (isinstance(raw, str) and len(raw) <= 64) else "" for raw in raws
            ]
            new = set(raws) - accounts.keys()
        for raw in new:
            accounts[raw] = _account(raw)
        senders = list(map(accounts.__getitem__, raws))
        if None in accounts and None in senders:
            for k, m in enumerate(items):
                if raws[k] is None:
                    name = _name(m.from_ if m.from_ is not None else m.actor)
                    if name:
                        senders[k], raws[k] = name_identifier("telegram", name), name
        return senders, raws

    def _learn_name(self, items: list[_Message], senders: list[str | None]) -> None:
        """Learn under which name the owner writes: groups list members by name."""
        for one in self.owner.identifiers.intersection(cast(list[str], senders)):
            m = items[senders.index(one)]
            self.owner.names |= {_name(m.from_ if m.from_ is not None else m.actor)} - {""}

    def _check_direct(self, chat: _Chat, senders: list[str | None], raws: list[Any]) -> None:
        """Settle the other side of a direct chat by its senders, and look for a third one."""
        different = set(senders) - {None}
        others = {s for s in different if s is not None and s not in self.owner.identifiers}
        if not chat.settled:
            if self.owner.identifiers and chat.peer not in others and len(others) == 1:
                chat.peer = next(iter(others))
                chat.peer_raw = None
                self.counts["direct chats whose id is not that of the other side"] += 1
            chat.settled = bool(others)
        if chat.peer is not None and chat.peer_raw is None and chat.peer in different:
            chat.peer_raw = str(raws[senders.index(chat.peer)])
        strangers = others - {chat.peer}
        if strangers:
            if len(self.strangers) < _SENDERS:
                self.strangers |= set(sorted(strangers)[:_SENDERS])
            self.counts["records in direct chats by a third sender"] += sum(s in strangers for s in senders)

    def _service(self, table: _Piece, k: int, m: _Message, sender: str | None, chat: _Chat) -> None:
        """Decide what a record that is no message means."""
        action = m.action if isinstance(m.action, str) else ""
        if m.type != "service":
            self.counts["unsupported" if m.type == "unsupported" else "unknown type"] += 1
            table.left_out.add(k)
        elif action == "phone_call":
            reason = m.discard_reason if isinstance(m.discard_reason, str) else ""
            duration = m.duration_seconds if type(m.duration_seconds) is int and m.duration_seconds > 0 else None
            table.kind[k] = "call"
            table.tags[k] = _DISCARDED.get(reason)
            table.duration_s[k] = duration
            table.answered[k] = True if duration else False if reason in ("missed", "busy") else None
        elif self._adds_owner(action, m.members, sender):
            table.other(k, action, "yes")
        elif action in _OTHERS:
            to_owner = _account(m.to_id) in self.owner.identifiers
            table.other(k, action, "yes" if chat.kind == "direct" or to_owner else "no")
        elif _GIFT.fullmatch(action):
            table.other(k, action, "yes" if chat.kind == "direct" else "no")
            table.kind[k] = "gift"
        elif action == "requested_phone_number":
            table.other(k, action, "yes" if chat.kind == "direct" else "no")
            table.kind[k] = "request"
        else:
            table.left_out.add(k)

    def _adds_owner(self, action: str, members: Any, sender: str | None) -> bool:
        """Did somebody add the owner to the group or a call in it, or did she join?"""
        if sender in self.owner.identifiers:
            return action in _JOINS
        named = isinstance(members, list) and any(_name(m) in self.owner.names for m in members)
        return named and action in _INVITES

    def _contents(self, table: _Piece, chat: _Chat) -> None:
        """Fill in length, kind of attachment and tags of messages, and what records are that are none."""
        items = table.items
        table.size = [len(t) if (t := m.text).__class__ is str else _text_size(t) for m in items]
        unset = msgspec.UNSET
        rich = [
            k for k, m in enumerate(items)
            if m.media_type is not None or m.photo is not None or m.file is not None or m.forwarded_from is not unset
            or m.location_information is not None or m.contact_information is not None or m.poll is not None
            or m.game_title is not None or m.invoice_information is not None or m.type != "message"
        ]  # fmt: skip
        table.rich = bool(rich)
        attachment, tags = table.attachment, table.tags
        for k in rich:
            m = items[k]
            if m.type != "message":
                table.services = True
                table.size[k] = attachment[k] = None
                self._service(table, k, m, table.senders[k], chat)
                continue
            words = []
            if m.location_information is not None:
                attachment[k] = "location"
                table.places.append(k)
                words += _place_words(m)
            elif m.media_type is not None or m.file is not None:
                kind = m.media_type if isinstance(m.media_type, str) else ""
                attachment[k] = _ATTACHMENTS.get(kind, "other" if kind else "document")
            elif m.photo is not None:
                attachment[k] = "image"
            elif m.contact_information is not None:
                attachment[k] = "contact"
            elif m.poll is not None:
                attachment[k] = "poll"
            elif m.game_title is not None or m.invoice_information is not None:
                attachment[k] = "other"
            if m.forwarded_from is not unset:
                words.append("forwarded")
            if m.self_destruct_period_seconds is not None:
                words.append("self_destruct")
            tags[k] = " ".join(words) or None

    def _directed(self, chat: _Chat, piece: _Piece) -> list[str]:
        """Say which records of a group are directed at the owner: answers to her, mentions of her, adding her."""
        items, senders = piece.items, piece.senders
        owner = self.owner.identifiers
        directed = ["no"] * len(items)
        own = [int(m.id) for m, s in zip(items, senders, strict=True) if s in owner and type(m.id) is int]
        if own:
            chat.own.update(own)
            chat.own_blocks.append((chat.messages, own))
        while chat.own_blocks and chat.own_blocks[0][0] < chat.messages - REPLY_MEMORY:
            chat.own.difference_update(chat.own_blocks.popleft()[1])
        for k, m in enumerate(items):
            answers = m.reply_to_message_id
            if answers is None and m.text.__class__ is str:
                continue
            if senders[k] in owner:
                continue
            if (type(answers) is int and m.reply_to_peer_id is None and answers in chat.own) or self._mentions(m.text):
                directed[k] = "yes"
        for k, value in piece.service_directed.items():
            directed[k] = value
        return directed

    def _mentions(self, text: Any) -> bool:
        """Does a text mention the owner: by name link, user name, or link to her page?"""
        if not isinstance(text, list):
            return False
        for part in text:
            if not isinstance(part, dict):
                continue
            kind, inner = part.get("type"), part.get("text")
            if kind == "mention_name" and _account(_number(part.get("user_id"))) in self.owner.identifiers:
                return True
            if kind == "mention" and isinstance(inner, str):
                if inner.strip().removeprefix("@").lower() in self.owner.usernames:
                    return True
            elif kind in ("text_link", "link"):
                link = part.get("href", inner)
                if isinstance(link, str) and self._links_owner(link):
                    return True
        return False

    def _links_owner(self, link: str) -> bool:
        if len(link) > 200:
            return False
        found = re.fullmatch(
            r"(?:tg://user\?id=(\d{1,19})|tg://resolve\?domain=(\w+)|(?:https?://)?(?:t|telegram)\.me/@?(\w+)/?)",
            link.strip(), re.IGNORECASE | re.ASCII,
        )  # fmt: skip
        if found is None:
            return False
        number, *names = found.groups()
        if number:
            return f"telegram:user{int(number)}" in self.owner.identifiers
        return any(name is not None and name.lower() in self.owner.usernames for name in names)

    def _extend_spans(self, pieces: list[_Piece], times: _Times, keep: _Ints | None) -> None:
        """Widen what the chats cover; where the file states offsets, in UTC, for they may differ within a chat."""
        offsets = times.offset_s
        if isinstance(offsets, list):
            offsets = np.array([o or 0 for o in offsets], np.int64)
        utc = times.local_us if offsets is None else times.local_us - offsets * 1_000_000
        in_case_zone = np.array([b == "case" for b in times.basis]) if isinstance(times.basis, list) else None
        for p in pieces:
            rows = np.arange(p.at, p.at + len(p.items))
            if keep is not None:
                low, high = np.searchsorted(keep, (p.at, p.at + len(p.items)))
                rows = keep[low:high]
            if in_case_zone is None:
                parts = [(times.basis == "case", rows)]
            else:
                parts = [(True, rows[in_case_zone[rows]]), (False, rows[~in_case_zone[rows]])]
            for case, chosen in parts:
                if not len(chosen):
                    continue
                us = (times.local_us if case else utc)[chosen]
                first, last = int(us.min()), int(us.max())
                for spans in (p.chat.spans, self.spans):
                    span = spans.setdefault("case" if case else "utc", _Span(first, last))
                    span.first, span.last = min(span.first, first), max(span.last, last)

    def _put_positions(self, pieces: list[_Piece], times: _Times, gone: set[int]) -> None:
        names = ("n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "identifier",
                 "identifier_raw", "sender", "lat", "lon", "tags")  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        for p in pieces:
            for k in p.places:
                m = p.items[k]
                if p.at + k in gone:
                    continue
                point = _point(m.location_information)
                if point is None:
                    self.counts["locations without a usable point"] += 1
                    continue
                raw = None if p.senders[k] is None else str(p.raws[k])
                rows.append(
                    (p.first_n + k, p.record(k), *times.row(p.at + k), p.senders[k], raw, p.senders[k], *point,
                     " ".join(_place_words(m)) or None)
                )  # fmt: skip
        if rows:
            columns: dict[str, Any] = {name: list(c) for name, c in zip(names, zip(*rows, strict=True), strict=True)}
            constants = {"sub": 2, "kind": "share", "subject": "contact", "source_how": "share"}
            self.out.positions(len(rows), {**columns, **constants})

    # -- what is said of the file as a whole ---------------------------------------------------------------------------

    def _conclude(self, broken: Broken | None, repaired: int) -> None:
        out, counts = self.out, self.counts
        self._say_owner()
        if self.look.whole_account:
            for basis, span in self.spans.items():
                self._cover(basis, span)
        lists = [f"{counts[name]} {name}" for name in _OTHER_LISTS.values() if counts[name]]
        if lists:
            out.note(f"{_joined(lists)} were not read.")
        if counts["skipped"]:
            out.note(f"{counts['skipped']} records are in saved messages, bot chats, channels or replies: no acts.")
        if counts["unknown kind"]:
            out.note(f"{counts['unknown kind']} records are in chats of a kind that is not known: out of scope.")
        if counts["unsupported"]:
            out.note(f"{counts['unsupported']} messages are of a kind that the exporter did not support: out of scope.")
        if counts["unknown type"]:
            out.note(f"{counts['unknown type']} records are neither message nor service message: out of scope.")
        for name in (
            "direct chats without a known other side", "direct chats whose id is not that of the other side",
            "records in direct chats by a third sender", "locations without a usable point",
        ):  # fmt: skip
            if counts[name]:
                out.note(f"{counts[name]} {name}.")
        if repaired:
            out.note(f"{repaired} messages were not valid JSON and were mended (escapes, quotes, encoding).")
        if broken is not None:
            out.note(f"Reading stopped at byte {broken.offset}: {broken.reason}; what may follow was not read.")
        out.note("Secret chats, messages deleted before the export and the list of blocked users are never in it.")

    def _say_owner(self) -> None:
        owner = self.owner
        shown = sorted(owner.identifiers if owner.shown_by_file else self.owner_seen)
        by_file = owner.shown_by_file
        if not self.look.whole_account and not self.owner_seen and len(self.strangers) == 1:
            # the look stopped at the peer's messages: the one other sender of a direct chat is who exported it
            shown, by_file = sorted(self.strangers), True
            self.counts["records in direct chats by a third sender"] = 0
        if owner.phone:
            shown.append(owner.phone)
        if shown:
            self.out.owner(shown)
            declared = self.look.declared_ids
            if by_file and declared and not declared & set(shown):
                self.out.note("The account that was exported is not one of those declared as the owner's.")


def _place_words(m: _Message) -> list[str]:
    live = ["live"] if m.live_location_period_seconds is not None else []
    return live + (["venue"] if m.place_name is not None else [])


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number(value: Any) -> Any:
    """Return a number that may have been written in quotes."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII) else value


def _point(value: Any) -> tuple[float, float] | None:
    """Return latitude and longitude of a ``location_information``."""
    if not isinstance(value, dict):
        return None
    lat, lon = value.get("latitude"), value.get("longitude")
    if not isinstance(lat, int | float) or not isinstance(lon, int | float):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
        return None
    return float(lat), float(lon)


def _identifier_kind(identifier: str | None) -> str:
    if identifier is None:
        return "none"
    return "name" if identifier.startswith("telegram:name:") else "app_id"


def _taken(values: Any, keep: _Ints) -> Any:
    """Return the kept rows of a column; a single value stays."""
    if isinstance(values, list):
        return [values[k] for k in keep.tolist()]
    return values[keep] if isinstance(values, np.ndarray) else values


class TelegramJson:
    """Reader of format ``telegram-json``."""

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="telegram-json",
            version=1,
            title="Telegram Desktop export (JSON): one chat or a whole account",
            channels=("telegram",),
            counts="elements of messages[] in file order, over all chats",
            knowledge="tdesktop export_output_json.cpp and its issues; real exports of 2020 to 2025",
            evidence="real sample",
            cannot_tell=(
                "secret chats, deleted messages and the block list: never exported",
                "the owner's zone: the local time is that of the computer that exported",
                "whether a message was delivered or read",
                "who was invited, where two people bear the same name (members are listed by name)",
                "the other side of a direct chat in exports from before mid-2021 if only the owner wrote",
                "when a message was edited or reacted to (not read)",
            ),
            options=(
                Option(
                    "owner",
                    "the owner's account (telegram:user…), or the name it bears in this file",
                    "the export has no personal information and the chat does not show it",
                ),
            ),
        )

    def recognise(self, head: Head) -> Claim | None:
        """Say whether this is the reader's format: a chat with messages of its shape, or the account's own record."""
        start = head.data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
        if not start.startswith(b"{"):
            return None
        types: set[str] = set()
        account = False
        stream = JsonStream(
            BytesIO(head.data), dict.fromkeys(_MESSAGES, _Sign), ["/personal_information", *_CHAT_VALUES], repair=mend
        )
        for item in stream:
            if isinstance(item, Value):
                if item.pattern == "/personal_information":
                    value = _decoded(item.raw)
                    account = isinstance(value, dict) and "user_id" in value
                elif item.pattern.endswith("/type"):
                    types.add(str(_decoded(item.raw)))
            elif isinstance(item, Block):
                if any(_is_message(m) for m in item.items):
                    return Claim(95, "messages as Telegram Desktop writes them")
                return None
        if types & _TYPES:
            return Claim(90, "a chat of a type that Telegram Desktop writes")
        return Claim(85, "the personal information of a Telegram account") if account else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        look = _Look(source, context)
        _Reading(source, look, look.owner(context), out).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_element(source, _records, record, n, uncounted=_OTHER_LISTS)


def _is_message(m: _Sign) -> bool:
    if m.type not in ("message", "service", "unsupported"):
        return False
    return m.type == "unsupported" or (isinstance(m.date_unixtime, str) or isinstance(m.date, str))


READER = TelegramJson()
