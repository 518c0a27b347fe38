"""Reader of the archive of X (Twitter): direct messages, groups, blocks, mutes, followers and logins, one ``.js`` file each.

``window.YTD.direct_messages.part0 = [{"dmConversation": {"conversationId": "1-2", "messages": [{"messageCreate":
{"senderId", "recipientId", "createdAt" (ISO, Z), "text", "mediaUrls", "reactions"}}]}}]``. The files whose name ends in
``-headers`` repeat the messages without their text. Blocks and mutes are numbers of accounts without a date.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import Any, BinaryIO, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._json_stream import JsonStream, Value
from pipelines.readers._locations import Part, find_part, parts
from pipelines.readers._social import (
    declared,
    decoded,
    json_of,
    name_of,
    native,
    near,
    one_account,
    say_companions,
    waiting,
    zulu_us,
)
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span, Unreadable

_APP = "x"
#: numbers of conversations that are held; an archive with more is hostile [P]
MAX_CONVERSATIONS = 1_000_000
_START = re.compile(rb"\s*window\.YTD\.([a-z_]{1,40})\.part(\d{1,6})\s*=\s*", re.ASCII)
_TWO = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
_CHATS = frozenset(
    {"direct_messages", "direct_messages_group", "direct_message", "direct_message_group", "direct_message_headers",
     "direct_message_group_headers", "direct_messages_headers", "direct_messages_group_headers"}
)  # fmt: skip
_LISTS = {"block": ("blocking", "blocked"), "mute": ("muting", "muted"), "follower": ("follower", "follower"),
          "following": ("following", "following")}  # fmt: skip
_MESSAGES = "/*/dmConversation/messages"


class _Create(msgspec.Struct, gc=False):
    """A message."""

    id: Any = None
    senderId: Any = None  # noqa: N815
    recipientId: Any = None  # noqa: N815
    createdAt: Any = None  # noqa: N815
    text: Any = None
    mediaUrls: Any = None  # noqa: N815
    reactions: Any = None


class _Change(msgspec.Struct, gc=False):
    """Somebody came, left, or changed the conversation."""

    initiatingUserId: Any = None  # noqa: N815
    userIds: Any = None  # noqa: N815
    participantsSnapshot: Any = None  # noqa: N815
    createdAt: Any = None  # noqa: N815


class _Reaction(msgspec.Struct, gc=False):
    """A reaction that stands as a record of its own."""

    senderId: Any = None  # noqa: N815
    createdAt: Any = None  # noqa: N815


class _Record(msgspec.Struct, gc=False):
    """A record of a conversation."""

    messageCreate: _Create | None = None  # noqa: N815
    welcomeMessageCreate: _Create | None = None  # noqa: N815
    reactionCreate: _Reaction | None = None  # noqa: N815
    joinConversation: _Change | None = None  # noqa: N815
    participantsJoin: _Change | None = None  # noqa: N815
    participantsLeave: Any = None  # noqa: N815
    conversationNameUpdate: Any = None  # noqa: N815


class _Account(msgspec.Struct, gc=False):
    """Who a list names."""

    accountId: Any = None  # noqa: N815


class _Login(msgspec.Struct, gc=False):
    """A login."""

    createdAt: Any = None  # noqa: N815


class _Entry(msgspec.Struct, gc=False):
    """An entry of any of the lists."""

    blocking: _Account | None = None
    muting: _Account | None = None
    follower: _Account | None = None
    following: _Account | None = None
    ipAudit: _Login | None = None  # noqa: N815


class _Tail(io.RawIOBase):
    """A stream without its beginning."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._start, self._stream = start, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._start[: len(buffer)] if self._start else self._stream.read(len(buffer))
        self._start = self._start[len(data) :] if self._start else b""
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _text(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf")


def _begins(data: bytes) -> tuple[str, int]:
    """Return the name of the data and where the JSON begins; empty if the text does not begin as a file of the archive."""
    mark = len(data) - len(_text(data))
    found = _START.match(data, mark)
    return (found.group(1).decode(), found.end()) if found else ("", 0)


def _open(source: SourceFile) -> BinaryIO:
    stream = source.open()
    head = b""
    while len(head) < 256 and (more := stream.read(256 - len(head))):
        head += more
    return io.BufferedReader(_Tail(head[_begins(head)[1] :], stream), 1 << 16)


def _number(value: Any) -> str:
    found = name_of(value)
    return found if found.isdigit() else ""


class _Reading:
    """The rows of one file."""

    def __init__(
        self, source: SourceFile, plain: SourceFile, kind: str, context: Context, out: Sink, block: int | None
    ) -> None:
        self.plain, self.kind, self.context, self.out, self.block = plain, kind, context, out, block
        self.rows = Gather(out, _APP, "ms")
        self.shapes = Memo()
        self.companions: list[SourceFile] = []
        self.owner = ""
        self.told = False
        self.names: dict[str, str] = {}  # pointer of a conversation → its id
        accounts: dict[str, SourceFile] = {}
        for other in near(source, "*/account.js"):
            content = json_of(other)
            one = (
                content[0].get("account")
                if isinstance(content, list) and content and isinstance(content[0], dict)
                else None
            )
            found = _number(one.get("accountId")) if isinstance(one, dict) else ""
            if found:
                accounts.setdefault(found, other)
        one_account(accounts, "accounts")
        self.account = next(iter(accounts), "")
        self.companions = list(accounts.values())

    # -- conversations ------------------------------------------------------------------------------------------------

    def chats(self) -> None:
        """Read conversations."""
        with closing(self.plain.open()) as stream:
            for item in JsonStream(stream, {}, ["/*/dmConversation/conversationId"]):
                if isinstance(item, Value):
                    if len(self.names) >= MAX_CONVERSATIONS:
                        raise Unreadable(f"more than {MAX_CONVERSATIONS} conversations")
                    self.names[item.pointer.removesuffix("/conversationId")] = name_of(decoded(item.raw))
        self._whose()
        for part in parts(self.plain, self.out, {_MESSAGES: _Record}, block=self.block, may_be_empty=True):
            conversation = self.names.get(part.pointer.removesuffix("/messages"), "")
            for k, record in enumerate(part.items):
                self._record(part, k, conversation, record)
        if self.owner:
            self.out.owner([f"{_APP}:{self.owner}"])
        if self.kind.endswith("headers"):
            self.out.note("this file repeats the messages of another one without their text")
        self.out.note("what the owner deleted is not in the archive, and neither are encrypted chats")
        self._end("message mention other")

    def _whose(self) -> None:
        said = declared(self.context, _APP)
        ids = {i.removeprefix(f"{_APP}:") for i in said.ids if i.startswith(f"{_APP}:")} | {
            n for n in said.names if n.isdigit()
        }
        pairs = [found.groups() for name in self.names.values() if (found := _TWO.fullmatch(name))]
        counts = Counter(i for pair in pairs for i in set(pair))
        common = [i for i, number in counts.items() if number == len(pairs)]
        if said.by_option and len(ids) == 1:
            self.owner = ids.pop()
        elif self.account:
            self.owner, self.told = self.account, True
        elif len(pairs) > 1 and len(common) == 1:
            self.owner, self.told = common[0], True  # the one who is in all conversations of two
        elif len(ids & counts.keys()) == 1:
            self.owner = (ids & counts.keys()).pop()
        elif len(ids) == 1 and not pairs:
            self.owner = next(iter(ids))
        elif self.names:
            raise waiting("the archive's account.js does not lie beside it", "the owner's account, x:<number>")
        if self.told and any(self.owner not in pair for pair in pairs):
            raise Unreadable("some conversations are not those of the account that the archive names")

    def _shape(self, conversation: str, sender: str, recipient: str, kind: str, attachment: str | None, tags: str | None,
               directed: str) -> Shape:  # fmt: skip
        key = (conversation, sender, recipient, kind, attachment, tags, directed)
        shape = self.shapes.get(key)
        if shape is None:
            two = _TWO.fullmatch(conversation)
            direct = two is not None or (not conversation and recipient not in ("", "0"))
            pair = set(two.groups()) if two else {sender, recipient} - {"", "0"} if direct else set()
            others = pair - {self.owner}
            self_chat = direct and not others
            outgoing = sender == self.owner
            peer = native(_APP, next(iter(others))) if direct and len(others) == 1 else Party()
            other = peer if direct else Party() if outgoing else native(_APP, sender)
            shape = self.shapes.keep(key, Shape(
                kind, "out" if outgoing else "in" if sender else "unknown", "unknown", *other, None,
                "owner" if outgoing else "contact" if sender else "unknown", f"{_APP}:{conversation}" if conversation else None,
                "self" if self_chat else "direct" if direct else "group", 2 if direct else None,
                directed or ("yes" if direct else "no" if outgoing else "unknown"), None, attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def _record(self, part: Part, k: int, conversation: str, r: _Record) -> None:
        n, record, rows = part.n + k, part.record(k), self.rows
        message = r.messageCreate
        if message is None:
            self._other(n, record, conversation, r)
            return
        us, precision = zulu_us(message.createdAt)
        sender, recipient = _number(message.senderId), _number(message.recipientId)
        if not sender:
            rows.reject(n, record, "it does not say who sent it")
            return
        text = message.text
        size = len(text) if text.__class__ is str and text else None
        attachment = "other" if message.mediaUrls else "none"
        kept = rows.event(n, record, us, self._shape(conversation, sender, recipient, "message", attachment, None, ""), size,
                          precision=precision)  # fmt: skip
        if not kept or not isinstance(message.reactions, list):
            return
        sub = 1
        for one in message.reactions:
            who = _number(one.get("senderId")) if isinstance(one, dict) else ""
            at, exact = zulu_us(one.get("createdAt")) if isinstance(one, dict) else (None, "ms")
            if who and at is not None:
                sub += 1
                directed = "yes" if sender == self.owner or _TWO.fullmatch(conversation) else "no"
                shape = self._shape(conversation, who, "", "mention", None, "reaction", directed)
                rows.event(n, record, at, shape, sub=sub, precision=exact)

    def _other(self, n: int, record: str, conversation: str, r: _Record) -> None:
        if r.reactionCreate is not None and (who := _number(r.reactionCreate.senderId)):
            us, precision = zulu_us(r.reactionCreate.createdAt)
            directed = "yes" if _TWO.fullmatch(conversation) else "unknown"
            self.rows.event(n, record, us, self._shape(conversation, who, "", "mention", None, "reaction", directed),
                            precision=precision)  # fmt: skip
            return
        change = r.joinConversation or r.participantsJoin
        if change is not None:
            who = _number(change.initiatingUserId)
            added = change.userIds if r.participantsJoin is not None else None
            # joinConversation is how the owner herself came into the conversation
            owner_came = r.joinConversation is not None or (isinstance(added, list) and self.owner in added)
            if who and who != self.owner and owner_came and not _TWO.fullmatch(conversation):
                us, precision = zulu_us(change.createdAt)
                self.rows.event(n, record, us, self._shape(conversation, who, "", "other", None, "group_add", "yes"),
                                precision=precision)  # fmt: skip
                return
        if r == _Record():
            self.rows.skip("records of a kind that is not known")
        else:
            self.rows.skip("lines about members and names of conversations, and automatic greetings")

    # -- lists --------------------------------------------------------------------------------------------------------

    def lists(self) -> None:
        """Read a list of accounts, or the logins."""
        for part in parts(self.plain, self.out, {"": _Entry}, block=self.block):
            for k, entry in enumerate(part.items):
                self._entry(part.n + k, part.record(k), entry)
        if self.account:
            self.out.owner([f"{_APP}:{self.account}"])
        if self.kind == "ip_audit":
            self.out.note("who logged in is not told: accesses have no direction, and most will be the owner's own")
            self._end("account_access")
            return
        self.out.note("the list is that of the day of the archive, without dates and names")
        self._end("")

    def _entry(self, n: int, record: str, entry: _Entry) -> None:
        if self.kind == "ip_audit":
            us, precision = zulu_us(entry.ipAudit.createdAt) if entry.ipAudit is not None else (None, "ms")
            self.rows.event(n, record, us, Shape("account_access", attachment=None, tags="login"), precision=precision)
            return
        key, name = _LISTS[self.kind]
        account = getattr(entry, key)
        party = native(_APP, _number(account.accountId)) if account is not None else Party()
        if party.identifier is None:
            self.out.reject(n, record, "the entry names nobody")
        else:
            self.rows.listed(n, record, name, party)

    def _end(self, classes: str) -> None:
        say_companions(self.out, "profile", self.companions)
        self.rows.finish(classes)


class XArchive:
    """Reader of format ``x-archive``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows("id senderId recipientId createdAt accountId initiatingUserId userIds eventId").keys
    )

    description: ClassVar[Description] = Description(
        id="x-archive",
        version=1,
        title="X (Twitter) archive: direct messages, blocks, mutes, followers, logins",
        channels=(_APP,),
        counts="elements of messages[] in file order, over all conversations; else elements of the list",
        knowledge="karlicoss/HPI, twitter-archive and twitter-archive-reader, tools that show an archive",
        evidence="public code",
        cannot_tell=(
            "names: accounts are numbers, and the archive holds no names of others",
            "when somebody was blocked or muted",
            "mentions, answers and likes by others, who viewed a profile, calls",
            "at whom a message in a group is directed",
            "encrypted chats",
            "who logged in",
        ),
        options=(Option("owner", "the owner's account, x:<number>", "account.js does not lie beside the file"),),
        versions="archives of 2018 to 2025 (window.YTD)",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know a file by the variable that it sets."""
        name, _ = _begins(head.data)
        if name in _CHATS or name in _LISTS or name == "ip_audit":
            return Claim(95, f"window.YTD.{name}")
        return None

    def plain(self, source: SourceFile) -> SourceFile:
        """Return the source as the JSON behind the equals sign, in which the locators point."""
        return replace(source, open=lambda: _open(source), path=None)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Waiting
            It cannot be told who the owner is.
        Unreadable
            It is no file of an archive, or two accounts lie in it.
        """
        with closing(source.open()) as stream:
            name, _ = _begins(stream.read(256))
        if not name:
            raise Unreadable("the file does not begin with window.YTD")
        if name not in _CHATS and name not in _LISTS and name != "ip_audit":
            raise Unreadable(
                "the file of the archive holds neither messages nor a list of accounts or logins that is read"
            )
        reading = _Reading(source, self.plain(source), name, context, out, self._block_bytes)
        if name in _CHATS:
            reading.chats()
        else:
            reading.lists()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again, in the text that :meth:`plain` gives."""
        arrays = {_MESSAGES: _Record} if "/dmConversation/" in record else {"": _Entry}
        return find_part(source, arrays, record, n, block=self._block_bytes)


READER = XArchive()
