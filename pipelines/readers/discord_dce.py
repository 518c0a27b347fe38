"""Reader of the JSON of DiscordChatExporter: one channel a file.

``{"guild", "channel": {"id", "type", "name"}, "exportedAt", "messages": [{"id", "type", "timestamp" (with offset),
"callEndedTimestamp", "content", "author": {"id", "name", "nickname", "isBot"}, "attachments", "mentions", "reference"}],
"messageCount"}``. A bot or a person with the account's access writes it; whose account that was is not in it.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, mime_attachment, shows
from pipelines.readers._clock import iso_reading
from pipelines.readers._json_stream import BLOCK, Block, JsonStream, Value
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import (
    declared,
    decoded,
    digest,
    json_of,
    name_of,
    native,
    near,
    one_account,
    say_companions,
    talked,
    waiting,
    whole,
)
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span

_APP = "discord"
_CLASSES = "call message other"
#: authors that are remembered; a channel of a large community has more, and is no chat of two [P]
MAX_PEOPLE = 100_000
#: an answer to one of the owner's messages is known as such over this many messages [P]
REPLY_MEMORY = 200_000
_KINDS = {"DirectTextChat": "direct", "DirectGroupTextChat": "group"}
#: types of messages that people write; older versions write some types as numbers
_WRITTEN = frozenset({"Default", "Reply", "0", "19", "ThreadStarterMessage", "21"})
_COMMANDS = frozenset({"ApplicationCommand", "ChatInputCommand", "ContextMenuCommand", "20", "23"})
_ADDED = frozenset({"RecipientAdd", "1"})
_CALLS = frozenset({"Call", "3"})
#: 2015-01-01, from which ids count milliseconds
_EPOCH_MS = 1_420_070_400_000
_ENDINGS = {
    "png": "image/", "jpg": "image/", "jpeg": "image/", "webp": "image/", "heic": "image/", "gif": "image/gif", "mp4": "video/",
    "mov": "video/", "webm": "video/", "mkv": "video/", "mp3": "audio/", "m4a": "audio/", "wav": "audio/", "flac": "audio/",
    "ogg": "audio/",
}  # fmt: skip


class _Author(msgspec.Struct, gc=False):
    """Who wrote."""

    id: Any = None
    name: Any = None
    nickname: Any = None
    isBot: Any = None  # noqa: N815


class _File(msgspec.Struct, gc=False):
    """An attachment."""

    fileName: Any = None  # noqa: N815


class _Mention(msgspec.Struct, gc=False):
    """Somebody who is mentioned."""

    id: Any = None


class _Reference(msgspec.Struct, gc=False):
    """The message that is answered."""

    messageId: Any = None  # noqa: N815


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read."""

    id: Any = None
    type: Any = None
    timestamp: Any = None
    callEndedTimestamp: Any = None  # noqa: N815
    content: Any = None
    author: _Author | None = None
    attachments: list[_File] | None = None
    stickers: list[msgspec.Raw] | None = None
    mentions: list[_Mention] | None = None
    reference: _Reference | None = None


class _Written(msgspec.Struct, gc=False):
    """What the look reads of a message."""

    author: _Author | None = None


class _Look:
    """The first pass: the channel, and who writes in it."""

    def __init__(self, source: SourceFile, block: int | None) -> None:
        self.channel: dict[str, Any] = {}
        self.names: dict[str, set[str]] = {}  # id → user name and shown name
        seen: set[tuple[Any, Any, Any]] = set()
        with closing(source.open()) as stream:
            for item in JsonStream(stream, {"/messages": _Written}, ["/channel"], block=block or BLOCK):
                if isinstance(item, Value):
                    channel = decoded(item.raw)
                    self.channel = channel if isinstance(channel, dict) else {}
                elif isinstance(item, Block) and len(seen) < MAX_PEOPLE:
                    for one in item.items:
                        a = one.author
                        if a is not None and a.id.__class__ is str:
                            name, nickname = (v if v.__class__ is str else None for v in (a.name, a.nickname))
                            seen.add((a.id, name, nickname))
        for id_, *names in seen:
            self.names.setdefault(name_of(id_), set()).update(n for v in names if (n := name_of(v)))
        self.names.pop("", None)

    @property
    def kind(self) -> str:
        """The kind of the channel."""
        type_ = self.channel.get("type")
        return _KINDS.get(type_, "group") if isinstance(type_, str) else "unknown"


def _owner(look: _Look, source: SourceFile, context: Context) -> tuple[frozenset[str], list[SourceFile]]:
    """Return the owner's ids, and the files that were looked at.

    Raises
    ------
    Waiting
        It cannot be told.
    """
    said = declared(context, _APP)
    ids = frozenset(i.removeprefix(f"{_APP}:") for i in said.ids if i.startswith(f"{_APP}:")) | {
        n for n in said.names if n.isdigit()
    }
    by_name = {i for i, names in look.names.items() if names & said.names}
    accounts: dict[str, SourceFile] = {}
    for other in near(source, "*/account/user.json", "*/Account/user.json"):
        content = json_of(other)
        found = name_of(content.get("id")) if isinstance(content, dict) else ""
        if found:
            accounts.setdefault(found, other)
    if said.by_option:
        if ids or len(by_name) == 1:
            return ids or frozenset(by_name), []
        raise waiting(
            "nobody or more than one in this channel is called as the owner is said to be",
            "the owner's account, discord:…",
        )
    one_account(accounts, "accounts")
    if accounts:
        return frozenset(accounts), list(accounts.values())
    if ids & look.names.keys():
        return ids, []
    if len(by_name) == 1:
        return frozenset(by_name), []
    if look.kind == "direct":
        title = name_of(look.channel.get("name"))
        titled = [i for i, names in look.names.items() if title in names]
        if len(titled) == 1 and len(look.names) == 2:
            return frozenset(look.names.keys() - set(titled)), []  # a chat of two bears the name of the other side
        if len(titled) == 1 and len(look.names) == 1:
            return ids, []
    if ids and not by_name:
        return ids, []  # the owner did not write here
    if not look.names:
        return frozenset(), []
    shown = ", ".join(f"discord:{i}" for i in sorted(look.names)[:8] if i.isdigit())
    raise waiting(
        "it does not say from whose account the channel was exported", f"the owner's account: {shown or 'discord:…'}"
    )


class _Reading:
    """The second pass."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.out, self.block = source, out, block
        look = _Look(source, block)
        self.kind = look.kind
        self.owner, self.companions = _owner(look, source, context)
        self.written = bool(self.owner & look.names.keys())
        id_ = name_of(look.channel.get("id"))
        self.thread = f"{_APP}:{id_}" if id_ else f"{_APP}:{digest(source.source_id)}"
        others = look.names.keys() - self.owner
        self.peer = native(_APP, next(iter(others))) if self.kind == "direct" and len(others) == 1 else Party()
        self.people = 2 if self.kind == "direct" else None
        self.rows = Gather(out, _APP, "ms")
        self.shapes = Memo()
        self.own: set[str] = set()
        self.own_order: deque[str] = deque()
        self.odd_ids = 0

    def run(self) -> None:
        """Read the file."""
        for part in parts(self.source, self.out, {"/messages": _Message}, block=self.block):
            for k, message in enumerate(part.items):
                self._message(part, k, message)
        out = self.out
        say_companions(out, "profile", self.companions)
        if self.owner and (self.written or self.companions):
            out.owner([f"{_APP}:{i}" for i in sorted(self.owner)])
        if self.odd_ids:
            out.note(f"messages whose id was made at another time than is written: {self.odd_ids}")
        out.note("what was deleted before the export, and how often a message was edited, is not in it")
        self.rows.finish(_CLASSES, scope="thread", scope_id=self.thread)

    def _shape(
        self, id_: str, kind: str, attachment: str | None, tags: str | None, directed: str, answered: bool | None = None
    ) -> Shape:
        key = (id_, kind, attachment, tags, directed, answered)
        shape = self.shapes.get(key)
        if shape is None:
            sender = native(_APP, id_)
            shape = self.shapes.keep(key, Shape(
                kind, "unknown", "unknown", *self.peer, sender.identifier, "unknown", self.thread, self.kind, self.people,
                directed, answered, attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def _message(self, part: Part, k: int, m: _Message) -> None:
        n, record, rows = part.n + k, part.record(k), self.rows
        author = m.author if m.author is not None else _Author()
        id_ = author.id if author.id.__class__ is str and author.id.isdigit() else name_of(author.id)
        type_ = m.type if m.type.__class__ is str else str(m.type)
        written = type_ in _WRITTEN
        if not written and type_ not in _COMMANDS | _CALLS | _ADDED:
            rows.skip("lines about members, names, pins and threads")
            return
        if type_ in _ADDED and (id_ in self.owner or not self._names_owner(m)):
            rows.skip("lines about members, names, pins and threads")
            return
        reading = iso_reading(m.timestamp) if m.timestamp.__class__ is str else None
        us = reading.local_us if reading is not None else None
        precision = reading.precision if reading is not None else "ms"
        offset = reading.offset_s or None if reading is not None else None  # +00:00 is UTC itself
        if reading is not None and reading.offset_s is None:
            us = None  # every version writes the offset: without it this is not a time of the format
        bot = "bot" if author.isBot is True else None
        if type_ in _CALLS:
            seconds = None
            end = iso_reading(m.callEndedTimestamp) if m.callEndedTimestamp.__class__ is str else None
            if end is not None and reading is not None and end.utc_us is not None and reading.utc_us is not None:
                seconds = talked((end.utc_us - reading.utc_us) // 1_000_000)
            shape = self._shape(id_, "call", None, bot, self._directed(m, id_))
            rows.event(n, record, us, shape, duration=seconds, precision=precision, offset_s=offset)
        elif type_ in _ADDED:
            rows.event(
                n, record, us, self._shape(id_, "other", None, "group_add", "yes"), precision=precision, offset_s=offset
            )
        else:
            tags = " ".join(w for w in (bot, None if written else "command") if w) or None
            size = len(m.content) if m.content.__class__ is str else None
            shape = self._shape(id_, "message", self._attachment(m), tags, self._directed(m, id_))
            rows.event(n, record, us, shape, size, precision=precision, offset_s=offset)
        if self.kind != "direct" and id_ in self.owner and m.id.__class__ is str and len(m.id) <= 32:
            self._remember(m.id)
        made = whole(m.id)
        if made is not None and made >> 22 and reading is not None and reading.utc_us is not None:
            self.odd_ids += abs((made >> 22) + _EPOCH_MS - reading.utc_us // 1000) > 60_000

    def _remember(self, id_: str) -> None:
        self.own.add(id_)
        self.own_order.append(id_)
        if len(self.own_order) > REPLY_MEMORY:
            self.own.discard(self.own_order.popleft())

    def _names_owner(self, m: _Message) -> bool:
        return any(one.id.__class__ is str and one.id in self.owner for one in m.mentions or ())

    def _directed(self, m: _Message, id_: str) -> str:
        if self.kind == "direct":
            return "yes"
        if id_ in self.owner:
            return "no"
        answered = m.reference.messageId if m.reference is not None else None
        answers = answered.__class__ is str and answered in self.own
        return "yes" if answers or self._names_owner(m) else "no"

    @staticmethod
    def _attachment(m: _Message) -> str:
        if m.attachments:
            name = m.attachments[0].fileName
            ending = name.rpartition(".")[2].lower() if name.__class__ is str and len(name) < 4096 else ""
            return mime_attachment(_ENDINGS.get(ending, "x"))
        return "sticker" if m.stickers else "none"


class DiscordDce:
    """Reader of format ``discord-dce``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows(
            "id type timestamp timestampEdited callEndedTimestamp isPinned name discriminator nickname isBot messageId "
            "channelId guildId fileSizeBytes count"
        ).keys,
        sealed=frozenset(["embeds", "reactions", "attachments", "stickers", "interaction", "roles", "inlineEmojis"]),
    )

    description: ClassVar[Description] = Description(
        id="discord-dce",
        version=1,
        title="DiscordChatExporter (JSON): a channel",
        channels=(_APP,),
        counts="elements of messages[] in file order",
        knowledge="DiscordChatExporter's source, chat-analytics; samples of chat-analytics",
        evidence="real sample",
        cannot_tell=(
            "whose account it was exported from, unless the case or the name of a chat of two says so",
            "whether a call was answered, and by whom: it lasts from the first ring to the end",
            "when somebody reacted to a message",
            "what was deleted before the export; a range of dates or a filter may have been set",
            "whether a bot wrote for a person",
        ),
        options=(
            Option("owner", "the owner's account (discord:<number>) or name", "the channel is no chat of two with her"),
        ),
        versions="2.x: types as words or numbers",
        call_start="ringing",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know an export by guild, channel and messages."""
        keys = outline(head.data)
        if {"/guild", "/channel", "/channel/type", "/messages/[]"} <= keys and (
            "/messages/*" not in keys or "/messages/*/author" in keys or "/messages/*/timestamp" in keys
        ):
            return Claim(95, "guild, channel and messages as DiscordChatExporter writes them")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the channel.

        Raises
        ------
        Waiting
            It cannot be told who the owner is.
        Unreadable
            It is no export.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, {"/messages": _Message}, record, n, block=self._block_bytes)


READER = DiscordDce()
