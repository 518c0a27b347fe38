"""Reader of Apple's Messages: ``sms.db`` of iOS and ``chat.db`` of macOS, iMessage, SMS and RCS, of every generation.

A message is a row of ``message``. Who is on the other side stands in ``handle`` (incoming) or, where the owner wrote, only in
the chat: rows of newer versions that come from the owner name no handle. Chats are looked up by sorted arrays, because a
dictionary of some million messages would not stay small; people are worked out once for each combination that occurs.

iOS up to 5 wrote another schema (``message.address``, ``flags``, ``msg_group``; iMessage in columns called ``madrid_``).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pipelines.identifiers import clean
from pipelines.masking import Allowed
from pipelines.readers._cocoa import NANOSECONDS_FROM, cocoa_us
from pipelines.readers._sqlite import Block, Database, open_database, tables_of, text, whole
from pipelines.readers._typedstream import attributed_text, characters
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
    Claim,
    Context,
    Description,
    Head,
    Sink,
    SourceFile,
    implausible_time,
)
from pipelines.readers.sms_backup_xml import group_thread_id

_Ints = npt.NDArray[np.int64]

#: own messages in groups whose answers are known as such [P]
MAX_OWN = 1_000_000
#: combinations of people, chat and service that are remembered [P]
_MAX_MEMO = 100_000
#: handles of one chat that are remembered; a database with more is hostile [P]
_MAX_MEMBERS = 5000

_DIRECT, _GROUP = 45, 43  # chat.style
_TAPBACK_ADDED, _TAPBACK_REMOVED = range(2000, 2008), range(3000, 3008)
_STICKER = 1000
#: item_type: what a row is, 0 being a message
_MEMBERS, _TITLE, _GROUP_ACTION, _LOCATION, _AUDIO_KEPT, _SHAREPLAY = 1, 2, 3, 4, 5, 6
_SYSTEM = {
    _MEMBERS: "changes of the members of a group",
    _TITLE: "changes of the title of a group",
    _GROUP_ACTION: "changes of a group (somebody left, photo, background)",
    _LOCATION: "lines that sharing of a location was started or stopped",
    _AUDIO_KEPT: "lines that an audio message was kept",
    _SHAREPLAY: "lines about SharePlay",
}
_SERVICES = {
    "imessage": "imessage", "imessagelite": "imessage", "madrid": "imessage", "sms": "sms", "satellitesms": "sms",
    "mms": "mms", "rcs": "rcs",
}  # fmt: skip
#: columns of ``message`` that are read; one that a version does not have is empty
_PARTY = ("is_from_me", "handle_id", "service", "account", "destination_caller_id", "cache_roomnames")
_STATE = (
    "error", "is_sent", "is_delivered", "item_type", "group_action_type", "associated_message_type", "schedule_type",
    "is_spam", "is_auto_reply", "is_system_message", "is_service_message", "is_audio_message", "is_empty",
)  # fmt: skip
_OTHERS = (
    "guid", "text", "attributedBody", "date", "date_delivered", "date_retracted", "other_handle", "associated_message_guid",
    "thread_originator_guid", "balloon_bundle_id",
)  # fmt: skip
_COLUMNS = (*_PARTY, *_STATE, *_OTHERS)
_NUMBERED = re.compile(r"\w{1,20};[+-];(?:chat\d{1,30}|[0-9a-fA-F-]{8,40})", re.ASCII)
_MENTION = b"__kIMMentionConfirmedMention"
_EVENT_COLUMNS = (
    "n", "record", "local_time", "ts_precision", "channel", "kind", "direction", "status", "identifier", "identifier_raw",
    "identifier_kind", "actor", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "size",
    "attachment", "tags",
)  # fmt: skip
_SHOWN = """
ROWID guid handle_id service account account_guid error date date_read date_delivered date_played date_edited date_retracted
is_delivered is_finished is_emote is_from_me is_empty is_delayed is_auto_reply is_prepared is_read is_system_message is_sent
is_service_message is_forward was_downgraded is_archive cache_has_attachments is_audio_message is_played item_type
other_handle group_action_type share_status share_direction is_expirable expire_state message_action_type message_source
associated_message_guid associated_message_type balloon_bundle_id destination_caller_id is_corrupt is_spam
has_unseen_mention thread_originator_guid thread_originator_part part_count schedule_type schedule_state version type country
service_center address flags group_id association_id read recipients madrid_handle madrid_flags madrid_type madrid_guid
madrid_roomname madrid_service madrid_account madrid_date_read madrid_date_delivered madrid_error is_madrid
"""


def thread_name(guid: str) -> str:
    """Return the id of a conversation: Apple's own where it is made of numbers, else 10 hex of a hash.

    Rooms of old services bear the name that somebody gave to them.
    """
    if _NUMBERED.fullmatch(guid) is not None:
        return guid
    return "chat:" + hashlib.sha256(guid.encode("utf-8", "replace")).hexdigest()[:10]


def own_address(raw: Any) -> str | None:
    """Return the owner's address in ``account`` and the like (``e:a@b``, ``P:+7…``, or the bare address)."""
    given = clean(text(raw) or "")
    if given[:2].lower() in ("e:", "p:"):
        given = given[2:]
    return given or None


def kind_of_media(mime: str | None, uti: str | None, sticker: Any) -> str:
    """Return the kind of an attachment by its media type, else by Apple's type identifier."""
    if whole(sticker):
        return "sticker"
    kind = (mime or "").lower().split(";")[0].strip()
    low = (uti or "").lower()
    if kind == "text/x-vlocation" or "vlocation" in low:
        return "location"
    if kind in ("text/vcard", "text/x-vcard", "text/directory") or low == "public.vcard":
        return "contact"
    if kind == "image/gif" or low == "com.compuserve.gif":
        return "animation"
    for start in ("image", "video", "audio"):
        if kind.startswith(f"{start}/"):
            return start
    if not kind and low:
        for word, found in (
            ("jpeg", "image"), ("png", "image"), ("heic", "image"), ("image", "image"), ("movie", "video"),
            ("mpeg-4", "video"), ("video", "video"), ("audio", "audio"),
        ):  # fmt: skip
            if word in low:
                return found
    return "document"


def _address(
    raw: str | None, phone: Callable[[str | None], tuple[str | None, str]]
) -> tuple[str | None, str | None, str]:
    """Return identifier, raw text and kind of a handle."""
    if raw is None or not clean(raw):
        return None, None, "none"
    given = clean(raw)
    if given.lower().startswith("urn:"):
        return f"imessage:{given}", given, "app_id"
    identifier, kind = phone(given)
    return identifier, given, kind


@dataclass(slots=True)
class _Chat:
    """A conversation."""

    guid: str
    kind: str  # direct, group, self or unknown
    peer: str | None  # the address of the other side of a direct chat
    members: int
    service: str | None
    filtered: bool
    room: str | None


@dataclass(slots=True)
class _Pairs:
    """Pairs (message, other) as arrays sorted by the message."""

    left: _Ints
    right: _Ints

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]]) -> _Pairs:
        """Gather pairs; what is no pair of whole numbers is left out."""
        flat = np.fromiter(
            (v for _, a, b in rows if a.__class__ is int and b.__class__ is int for v in (a, b)), np.int64
        ).reshape(-1, 2)
        order = np.lexsort((flat[:, 1], flat[:, 0]))
        return cls(flat[order, 0], flat[order, 1])

    def first(self, keys: _Ints) -> tuple[_Ints, _Ints]:
        """Return the lowest right side of every key (-1 without one), and how many there are."""
        low = np.searchsorted(self.left, keys, "left")
        high = np.searchsorted(self.left, keys, "right")
        found = np.full(len(keys), -1, np.int64)
        has = high > low
        found[has] = self.right[low[has]]
        return found, high - low

    def all_of(self, key: int) -> list[int]:
        """Return every right side of a key."""
        low, high = np.searchsorted(self.left, [key, key + 1], "left")
        return [int(v) for v in self.right[low:high]]


@dataclass(slots=True)
class _Party:
    """Who wrote to whom: one for each combination of people, chat and service."""

    channel: str
    direction: str
    identifier: str | None
    raw: str | None
    kind: str
    actor: str
    line: str | None
    thread_id: str | None
    thread_kind: str
    members: int | None
    directed: str
    tags: str


@dataclass(slots=True)
class _Gathered:
    """What is said of the file in the end."""

    counts: Counter[str] = field(default_factory=Counter)
    spans: dict[str, list[int]] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)

    def seen(self, channel: str, kind: str, us: int) -> None:
        """Widen what a channel covers."""
        span = self.spans.get(channel)
        if span is None:
            self.spans[channel], self.kinds[channel] = [us, us], {kind}
            return
        if us < span[0]:
            span[0] = us
        elif us > span[1]:
            span[1] = us
        self.kinds[channel].add(kind)

    def say(self, out: Sink, complete: str) -> None:
        """Hand over coverage, owner and counts."""
        for channel, (first, last) in sorted(self.spans.items()):
            out.coverage(
                channel, " ".join(sorted({"message", "mention"} | self.kinds[channel])), scope="all", local_from=first,
                local_to=last, zone_basis="utc", basis="observed", complete=complete,
            )  # fmt: skip
        if self.owners:
            out.owner(sorted(self.owners))
        for what, count in sorted(self.counts.items()):
            out.note(f"{what}: {count}")


class _Modern:
    """Messages since iOS 6 and OS X 10.8."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self._db = db
        self._phone = context.phone
        self._out = out
        self._said = _Gathered()
        self._handles: dict[int, str] = {}
        self._chats: dict[int, _Chat] = {}
        self._parties: dict[tuple[Any, ...], _Party] = {}
        self._states: dict[tuple[Any, ...], tuple[int, ...]] = {}
        self._own: set[str] = set()
        self._own_raw: set[bytes] = set()
        self._there: list[_Ints] = []

    # -- what is looked up

    def _look(self) -> None:
        db = self._db
        for rowid, raw in db.lookup("handle", ["id"]):
            if (given := text(raw)) is not None:
                self._handles[rowid] = given
        members: dict[int, set[str]] = {}
        for _, chat, handle in db.lookup("chat_handle_join", ["chat_id", "handle_id"]):
            if handle in self._handles and chat.__class__ is int:
                there = members.setdefault(chat, set())
                if len(there) < _MAX_MEMBERS:
                    there.add(self._handles[handle])
        columns = ["guid", "style", "chat_identifier", "service_name", "room_name", "is_filtered"]
        for rowid, guid, style, identifier, service, room, filtered in db.lookup("chat", columns):
            self._chats[rowid] = self._chat(
                rowid, text(guid), whole(style), text(identifier), text(service), text(room), filtered,
                members.get(rowid, set()),
            )  # fmt: skip
        self._joined = _Pairs.of(db.lookup("chat_message_join", ["message_id", "chat_id"]))
        self._recoverable = _Pairs.of(db.lookup("chat_recoverable_message_join", ["message_id", "chat_id"]))
        kinds: dict[int, int] = {}
        for rowid, mime, uti, sticker, hidden in db.lookup(
            "attachment", ["mime_type", "uti", "is_sticker", "hide_attachment"]
        ):
            if not whole(hidden):  # hidden ones are previews of links
                kinds[rowid] = _KINDS.index(kind_of_media(text(mime), text(uti), sticker))
        self._attached = _Pairs.of(
            (rowid, message, kinds.get(attachment))
            for rowid, message, attachment in db.lookup("message_attachment_join", ["message_id", "attachment_id"])
        )
        self._look_at_messages()
        for chat in self._chats.values():
            if chat.kind == "direct" and _address(chat.peer, self._phone)[0] in self._said.owners:
                chat.kind = "self"

    def _look_at_messages(self) -> None:
        """Learn the owner's addresses, and the ids of what she wrote in groups: an answer to it is directed at her."""
        groups = np.array(sorted(k for k, c in self._chats.items() if c.kind == "group"), np.int64)
        in_group = set(self._joined.left[np.isin(self._joined.right, groups)].tolist())
        columns = ["account", "destination_caller_id", *(("guid", "is_from_me") if in_group else ())]
        seen: set[tuple[Any, Any]] = set()
        for row in self._db.lookup("message", columns):
            pair = row[1:3]
            if pair not in seen and len(seen) < _MAX_MEMO:
                seen.add(pair)
            if in_group and row[4] == 1 and row[0] in in_group and row[3].__class__ is str:
                if len(self._own) >= MAX_OWN:
                    self._said.counts["very many own messages in groups: answers to later ones are not known"] = 1
                    in_group = set()
                    continue
                self._own.add(row[3])
        own = {own_address(raw) for pair in seen for raw in pair}
        own |= {own_address(raw) for _, raw in self._db.lookup("chat", ["account_login"])}
        for given in own - {None}:
            identifier, kind = self._phone(given)
            if given is not None and identifier is not None and kind in ("phone", "mail"):
                self._said.owners.add(identifier)
                self._own_raw.add(given.encode("utf-8", "replace"))

    def _chat(
        self, rowid: int, guid: str | None, style: int | None, identifier: str | None, service: str | None,
        room: str | None, filtered: Any, members: set[str],
    ) -> _Chat:  # fmt: skip
        guid = guid or f"chat:{rowid}"
        if style == _GROUP or (style != _DIRECT and (";+;" in guid or len(members) > 1)):
            kind = "group"
        elif style == _DIRECT or ";-;" in guid:
            kind = "direct"
        else:
            kind = "unknown"
        peer = None
        if kind == "direct":
            peer = identifier if identifier else (next(iter(members)) if len(members) == 1 else None)
            if peer is None and ";-;" in guid:
                peer = guid.rpartition(";-;")[2] or None
        return _Chat(
            guid, kind, peer, len(members), service or guid.partition(";")[0], (whole(filtered) or 0) > 0, room
        )

    # -- rows

    def read(self) -> None:
        """Read the whole database."""
        self._db.require("message", "guid", "date", "is_from_me")
        self._look()
        for block in self._db.scan("message", _COLUMNS):
            self._block(block)
        self._conclude()

    def _block(self, block: Block) -> None:
        out, columns, counts = self._out, block.columns, self._said.counts
        rowids = np.array(block.rowids, np.int64)
        self._there.append(rowids)
        chats, many = self._joined.first(rowids)
        deleted = np.zeros(len(rowids), np.bool_)
        if len(self._recoverable.left):
            again, found = self._recoverable.first(rowids)
            deleted = (found > 0) & (many == 0)
            chats = np.where(deleted, again, chats)
        for k in np.flatnonzero(many > 1).tolist():
            counts["messages that stand in several chats, counted once"] += 1
            chats[k] = self._choose(block.rowids[k], columns["cache_roomnames"][k], int(chats[k]))
        kinds, attached = self._attached.first(rowids)
        times = self._times(columns["date"])

        party_keys = zip(*(columns[c] for c in _PARTY), chats.tolist(), strict=True)
        known = self._parties
        parties = []
        for key in party_keys:
            party = known.get(key)
            if party is None:
                party = self._party(*key)
                if len(known) < _MAX_MEMO:
                    known[key] = party
            parties.append(party)

        rows: list[tuple[Any, ...]] = []
        states = zip(*(columns[c] for c in _STATE), strict=True)
        rest = zip(*(columns[c] for c in _OTHERS), strict=True)
        attachments = [_KINDS[k] if c else "none" for k, c in zip(kinds.tolist(), attached.tolist(), strict=True)]
        for n, record, (us, precision, why), party, state, other, media, gone in zip(
            block.n, block.records, times, parties, states, rest, attachments, deleted.tolist(), strict=True
        ):
            made = self._row(party, state, other, media)
            if made is None:
                out.out_of_scope()
                continue
            if why is not None:
                out.reject(n, record, why)
                continue
            kind, direction, status, directed, size, attachment, tags = made
            if gone:
                tags = f"{tags} deleted".strip()
                counts["messages that the owner deleted and that are still there (tag deleted)"] += 1
            self._said.seen(party.channel, kind, us)
            rows.append(
                (n, record, us, precision, party.channel, kind, direction, status, party.identifier, party.raw, party.kind,
                 party.actor, party.line, party.thread_id, party.thread_kind, party.members, directed, size, attachment,
                 tags or None)
            )  # fmt: skip
        if rows:
            filled = {name: list(c) for name, c in zip(_EVENT_COLUMNS, zip(*rows, strict=True), strict=True)}
            out.events(len(rows), {**filled, "zone_basis": "utc"})

    def _times(self, dates: list[Any]) -> Sequence[tuple[int, str, str | None]]:
        """Return time, precision and what is wrong with it, for a block at once where it is all whole nanoseconds."""
        if all(d.__class__ is int for d in dates):
            raw = np.array(dates, np.int64)
            if len(raw) and int(raw.min()) >= NANOSECONDS_FROM:
                us = APPLE_EPOCH_US + raw // 1000
                if int(us.max()) < PLAUSIBLE_TO_US and APPLE_EPOCH_US not in us:
                    exact = (us % 1_000_000 != 0).tolist()
                    return [(u, "us" if e else "s", None) for u, e in zip(us.tolist(), exact, strict=True)]
        return [_time(d) for d in dates]

    def _choose(self, rowid: int, room: Any, first: int) -> int:
        """Return the chat of a message that stands in several: that of its room, else the first of a group, else the first."""
        chats = [c for c in self._joined.all_of(rowid) if c in self._chats]
        named = text(room)
        for chat in chats:
            if named is not None and named in (self._chats[chat].room, self._chats[chat].guid):
                return chat
        return chats[0] if chats else first

    def _party(
        self, mine: Any, handle: Any, service: Any, account: Any, caller_id: Any, room: Any, chat_id: int
    ) -> _Party:
        chat = self._chats.get(chat_id)
        named = text(service) or (chat.service if chat is not None else None)
        channel = _SERVICES.get((named or "").lower(), "other")
        direction = {0: "in", 1: "out"}.get(mine, "unknown") if mine.__class__ is int else "unknown"
        sender = self._handles.get(handle) if handle.__class__ is int else None
        line_raw = own_address(caller_id) or own_address(account)
        line, line_kind = self._phone(line_raw) if line_raw else (None, "none")
        if line_kind not in ("phone", "mail"):
            line = None
        tags = "filtered" if chat is not None and chat.filtered and direction == "in" else ""
        roomed = text(room)
        kind = chat.kind if chat is not None else "group" if roomed is not None else "unknown"
        actor = {"in": "contact", "out": "owner"}.get(direction, "unknown")
        if kind == "self":
            return _Party(
                channel,
                direction,
                None,
                None,
                "none",
                "owner",
                line,
                thread_name(chat.guid) if chat else None,
                "self",
                1,
                "no",
                tags,
            )
        if kind == "group":
            who = _address(sender, self._phone) if direction == "in" else (None, None, "none")
            guid = (
                thread_name(chat.guid)
                if chat is not None
                else f"room:{hashlib.sha256((roomed or '').encode()).hexdigest()[:10]}"
            )
            people = chat.members + 1 if chat is not None and chat.members else None
            return _Party(channel, direction, *who, actor, line, guid, "group", people, "no", tags)
        if kind == "direct" and chat is not None:
            who = _address(sender if sender is not None else chat.peer, self._phone)
            thread = who[0] if who[0] is not None else thread_name(chat.guid)
            directed = {"in": "yes", "out": "no"}.get(direction, "unknown")
            return _Party(channel, direction, *who, actor, line, thread, "direct", None, directed, tags)
        who = _address(sender, self._phone)
        directed = "no" if direction == "out" else "unknown"
        return _Party(
            channel, direction, *who, actor, line, thread_name(chat.guid) if chat is not None else who[0], "unknown", None, directed, tags
        )  # fmt: skip

    def _row(
        self, party: _Party, state: tuple[Any, ...], other: tuple[Any, ...], media: str
    ) -> tuple[str, str, str, str, int | None, str | None, str] | None:
        """Return kind, direction, status, directed, size, attachment and tags of a row, None if it is out of scope."""
        codes = self._states.get(state)
        if codes is None:
            codes = tuple(whole(v) or 0 for v in state)
            if len(self._states) < _MAX_MEMO:
                self._states[state] = codes
        (error, sent, delivered, item, action, associated, scheduled, spam, auto, system, served, audio, empty) = codes
        (_, plain, body, _, when_delivered, retracted, other_handle, about, originator, balloon) = other
        counts = self._said.counts
        direction = party.direction
        tags = [party.tags] if party.tags else []
        if item or system or served:
            return self._system(party, item, action, other_handle, tags)
        if party.thread_kind == "self":
            counts["messages of the owner in a chat with herself"] += 1
            if direction != "out":
                counts["copies of messages that the owner sent to herself, out of scope"] += 1
                return None
        if auto and direction == "out":
            counts["automatic answers of the phone (Focus), which are no act of the owner, out of scope"] += 1
            return None
        arrived = bool(delivered) or bool(when_delivered)
        if scheduled:
            if direction == "out" and not sent and not arrived:
                counts["messages that were written to be sent later and were not sent, out of scope"] += 1
                return None
            tags.append("scheduled")
        if associated in _TAPBACK_REMOVED:
            counts["reactions that were taken back, out of scope"] += 1
            return None
        directed = party.directed
        if party.thread_kind == "group" and direction == "in" and self._to_owner(associated, about, originator, body):
            directed = "yes"
        status = "delivered"
        if direction == "out":
            status = "failed" if error else "delivered" if arrived else "sent" if sent else "unknown"
        elif direction == "unknown":
            status = "unknown"
        if associated in _TAPBACK_ADDED:
            return "mention", direction, status, directed, None, None, " ".join([*tags, "tapback"])
        written = plain if plain.__class__ is str else text(plain)
        if written is None or not written:
            written = attributed_text(body) if body is not None else written
        size = characters(written)
        if balloon is not None:
            media, size = self._balloon(text(balloon) or "", media, size, written, tags)
        if audio and media in ("audio", "none"):
            media = "voice"
        if associated == _STICKER:
            media = "sticker"
        elif associated not in (0, 2, 3):
            tags.append(f"associated={associated}")
        if whole(retracted) or (empty and media == "none" and not size):
            # taken back by its sender: that it was sent is all that is left
            media, size = "deleted", None
        elif size is None and media == "none" and body is None:
            size = 0 if plain is not None else None
        if spam:
            tags.append("spam")
        return "message", direction, status, directed, size, media, " ".join(tags)

    def _balloon(
        self, name: str, media: str, size: int | None, written: str | None, tags: list[str]
    ) -> tuple[str, int | None]:
        """Return attachment and size of a message that an app inside Messages made."""
        if written == "\ufffd":
            size = 0
        if name == "com.apple.messages.URLBalloonProvider":
            return media, size
        if "PeerPayment" in name:
            tags.append("apple_cash")
        elif "findmy" in name.lower():
            return "location", size
        elif "Polls" in name or ".polls" in name:
            return "poll", size
        else:
            tags.append("app")
        return (media if media != "none" else "other"), size

    def _system(
        self, party: _Party, item: int, action: int, other_handle: Any, tags: list[str]
    ) -> tuple[str, str, str, str, int | None, str | None, str] | None:
        """Judge a row that is no message: of all of them only the adding of somebody is an act."""
        other = whole(other_handle) or 0
        if item == _MEMBERS and action == 0 and party.direction == "in" and party.identifier is not None:
            if not other:
                # whoever was added is not named as another person: it may be the owner
                self._said.counts["additions to a group that do not name who was added (tag group_add)"] += 1
                return "other", "in", "delivered", "unknown", None, None, " ".join([*tags, "group_add"])
            added = self._handles.get(other)
            if added is not None and _address(added, self._phone)[0] in self._said.owners:
                return "other", "in", "delivered", "yes", None, None, " ".join([*tags, "group_add"])
            if added is not None and _address(added, self._phone)[0] == party.identifier:
                self._said.counts["changes of somebody's number in a group, out of scope"] += 1
                return None
        name = _SYSTEM.get(item, "system lines of other kinds")
        self._said.counts[f"{name}, out of scope"] += 1
        return None

    def _to_owner(self, associated: int, about: Any, originator: Any, body: Any) -> bool:
        """Is a message of a group an answer or a reaction to one of the owner's, or does it name her?"""
        if associated and about is not None and (given := text(about)) is not None:
            return given.rpartition("/")[2].removeprefix("bp:") in self._own
        if originator is not None and originator in self._own:
            return True
        if body.__class__ is bytes and (at := body.find(_MENTION)) >= 0:
            return any(own in body[at : at + 4096] for own in self._own_raw)
        return False

    # -- the file as a whole

    def _conclude(self) -> None:
        db, out = self._db, self._out
        db.settle(out)
        rows = db.rows_of("message") or 0
        erased = db.rows_of("deleted_messages") or 0
        ever = db.highest_ever("message")
        self._said.say(out, "no" if erased or (ever is not None and ever > rows) else "unknown")
        if erased:
            out.note(f"the table deleted_messages names {erased} messages that were deleted and are not in the file")
        if ever is not None and ever > rows:
            out.note(f"{ever} messages were once in the database and {rows} are: the others were deleted or replaced")
        ids = self._joined.left
        if len(ids):
            there = np.concatenate([np.zeros(0, np.int64), *self._there])
            lost = int((~np.isin(np.unique(ids), there)).sum())
            if lost:
                out.note(f"{lost} messages are named by a chat and are no longer there")
        out.note(
            "messages that were deleted for good, or that the device was told to keep for a limited time only, are not in it; "
            "messages of other devices of the same account are in it only if they were synchronised"
        )


_KINDS = (
    "image", "video", "audio", "voice", "sticker", "animation", "document", "contact", "location", "other",
)  # fmt: skip


def _time(value: Any) -> tuple[int, str, str | None]:
    if value is None:
        return 0, "s", "no time"
    us, precision = cocoa_us(value)
    if us is None:
        return 0, "s", "time is not readable"
    return us, precision, implausible_time(us)


class _Old:
    """Messages of iOS up to 5: SMS in columns of its own, iMessage in those that are called ``madrid_``."""

    _COLUMNS = (
        "address", "date", "text", "flags", "group_id", "is_madrid", "madrid_handle", "madrid_flags", "madrid_error",
        "madrid_attributedBody", "madrid_roomname", "madrid_account", "madrid_date_delivered", "madrid_type",
    )  # fmt: skip
    #: flags of an SMS: direction and status
    _FLAGS: ClassVar[dict[int, tuple[str, str]]] = {
        2: ("in", "delivered"),
        3: ("out", "sent"),
        33: ("out", "failed"),
        35: ("out", "failed"),
    }
    _FROM_ME = 4  # of madrid_flags

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self._db = db
        self._phone = context.phone
        self._out = out
        self._said = _Gathered()

    def read(self) -> None:
        """Read the whole database."""
        self._db.require("message", "address", "date", "flags")
        members: dict[int, list[str]] = {}
        for _, group, address in self._db.lookup("group_member", ["group_id", "address"]):
            if group.__class__ is int and (given := text(address)) is not None:
                there = members.setdefault(group, [])
                if given not in there and len(there) < _MAX_MEMBERS:
                    there.append(given)
        pieces: dict[int, str] = {}
        for _, message, kind in self._db.lookup("msg_pieces", ["message_id", "content_type"]):
            mime = (text(kind) or "").lower()
            if message.__class__ is int and mime and not mime.startswith(("text/plain", "application/smil")):
                pieces.setdefault(message, kind_of_media(mime, None, 0))
        for _, message, mime in self._db.lookup("madrid_attachment", ["message_id", "mime_type"]):
            if message.__class__ is int:
                pieces.setdefault(message, kind_of_media(text(mime), None, 0))
        for block in self._db.scan("message", self._COLUMNS):
            rows: list[tuple[Any, ...]] = []
            values = zip(*(block.columns[c] for c in self._COLUMNS), strict=True)
            for n, rowid, record, row in zip(block.n, block.rowids, block.records, values, strict=True):
                made = self._row(n, record, row, members, pieces.get(rowid, "none"))
                if made is not None:
                    rows.append(made)
            if rows:
                filled = {name: list(c) for name, c in zip(_EVENT_COLUMNS, zip(*rows, strict=True), strict=True)}
                self._out.events(len(rows), {**filled, "zone_basis": "utc"})
        self._db.settle(self._out)
        self._said.say(self._out, "unknown")

    def _row(
        self, n: int, record: str, row: tuple[Any, ...], members: dict[int, list[str]], media: str
    ) -> tuple[Any, ...] | None:
        (address, date_raw, plain, flags_raw, group_raw, madrid, handle, madrid_flags, error, body, room, account,
         arrived, kind) = row  # fmt: skip
        date, flags = whole(date_raw), whole(flags_raw)
        if date is None:
            self._out.reject(n, record, "no time" if date_raw is None else "time is not readable")
            return None
        apple = bool(whole(madrid))
        # iMessage began in 2011: its times count from 2001, those of SMS from 1970
        us = date * 1_000_000 + (APPLE_EPOCH_US if apple and date < PLAUSIBLE_FROM_US // 1_000_000 else 0)
        if why := ("time is zero: no time was recorded" if date == 0 else implausible_time(us)):
            self._out.reject(n, record, why)
            return None
        counts = self._said.counts
        line = None
        if apple:
            if whole(kind):
                counts["system lines of iMessage, out of scope"] += 1
                self._out.out_of_scope()
                return None
            bits = whole(madrid_flags)
            direction = "unknown" if bits is None else "out" if bits & self._FROM_ME else "in"
            status = "failed" if whole(error) else "sent" if direction == "out" else "delivered"
            if direction == "out" and status == "sent" and whole(arrived):
                status = "delivered"
            line_raw = own_address(account)
            line, line_kind = self._phone(line_raw) if line_raw else (None, "none")
            if line_kind not in ("phone", "mail"):
                line = None
            elif line is not None:
                self._said.owners.add(line)
        else:
            direction, status = self._FLAGS.get(-1 if flags is None else flags, ("unknown", "unknown"))
        if direction == "unknown":
            counts["messages whose direction is not told (flags)"] += 1
            status = "unknown"
        people = members.get(group_raw, []) if group_raw.__class__ is int else []
        channel = "imessage" if apple else "mms" if media != "none" else "sms"
        actor = {"in": "contact", "out": "owner"}.get(direction, "unknown")
        given = text(handle if apple else address)
        if len(people) > 1 or (apple and text(room) is not None):
            who = _address(given, self._phone) if direction == "in" else (None, None, "none")
            ids = [_address(p, self._phone)[0] or "" for p in people]
            thread: tuple[Any, ...] = (
                group_thread_id(ids or [text(room) or ""]), "group", len(people) + 1 if people else None, "no",
            )  # fmt: skip
        else:
            who = _address(given if given is not None else people[0] if people else None, self._phone)
            directed = {"in": "yes", "out": "no"}.get(direction, "unknown")
            thread = (who[0], "direct", None, directed)
        written = text(plain)
        size = characters(written if written is not None else attributed_text(body))
        self._said.seen(channel, "message", us)
        return (
            n, record, us, "s", channel, "message", direction, status, *who, actor, line, *thread,
            size, media, None,
        )  # fmt: skip


class IMessage:
    """Reader of format ``imessage``."""

    description = Description(
        id="imessage",
        version=1,
        title="Messages of iOS and macOS (sms.db, chat.db): iMessage, SMS, RCS",
        channels=("imessage", "sms", "mms", "rcs", "other"),
        counts="rows of the table message, in the order of their ids",
        knowledge="public parsers (imessage-exporter, iLEAPP), real and test databases of plaso and macos-ts, The iPhone Wiki",
        evidence="real sample",
        cannot_tell=(
            "messages that were deleted for good (how many is said), and those of threads that were never synchronised",
            "whether an SMS was an MMS, except in the oldest form",
            "who was added to a group, where the row names nobody",
            "when a reaction was taken back that is no longer there, and what was edited (not read)",
            "which person used a device or account that several people share",
            "the flags of iMessage in iOS 5 beyond the bit for sent messages (unverified)",
            "the kind of a message that an app inside Messages made, beyond links, locations, polls and Apple Cash",
        ),
        versions="seen: OS X of 2015, a test database of 2025; iOS 2 to 5 and all others by their columns, after public code",
    )
    allowed = Allowed(keys=frozenset(_SHOWN.split()))

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the tables of Messages, by their columns."""
        tables = tables_of(head)
        if not tables or "message" not in tables:
            return None
        columns = set(tables["message"])
        if "chat_message_join" in tables and "handle" in tables and (not columns or {"guid", "is_from_me"} <= columns):
            return Claim(95, "a database with the tables message, handle and chat_message_join of Apple's Messages")
        if {"address", "flags", "group_id"} <= columns and ("msg_group" in tables or "group_member" in tables):
            return Claim(95, "a database with the tables message and msg_group of iOS up to 5")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        with open_database(source) as db:
            modern = "chat_message_join" in db.tables or "message" in db.refused or db.has("message", "guid")
            (_Modern(db, context, out) if modern else _Old(db, context, out)).read()


READER = IMessage()
