"""Reader of Messenger's download of chats that are encrypted from end to end (secure storage): one JSON file a chat.

``{"participants": ["A", "B"], "threadName": "A_3", "messages": [{"senderName", "timestamp" (ms), "text", "isUnsent",
"media", "reactions", "type"}]}``: right UTF-8, in no fixed order. Nothing says whose download it is.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, mime_attachment, shows
from pipelines.readers._json_stream import BLOCK, Block, JsonStream, Value
from pipelines.readers._locations import find_part, outline, parts
from pipelines.readers._meta import MAX_PEOPLE, party_of, sides_of
from pipelines.readers._social import decoded, dictionaries, digest, epoch_us, mended, mended_name, say_companions
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span

_APP = "messenger"
_CLASSES = "call message mention"
_NUMBERED = re.compile(r"(.*)_\d{1,6}", re.ASCII | re.DOTALL)
#: what the ending of a medium's name says of its kind
_ENDINGS = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "heic": "image/heic",
    "gif": "image/gif", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "3gp": "video/3gpp",
    "ogg": "audio/ogg", "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "wav": "audio/wav", "opus": "audio/opus",
}  # fmt: skip


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read."""

    senderName: Any = None  # noqa: N815
    timestamp: Any = None
    text: Any = None
    isUnsent: Any = None  # noqa: N815
    type: Any = None
    media: Any = None
    reactions: Any = None


class _Author(msgspec.Struct, gc=False):
    """What the look reads of a message."""

    senderName: Any = None  # noqa: N815


def _kind_of_media(media: Any) -> str:
    for one in dictionaries(media):
        uri = one.get("uri")
        ending = uri.rpartition(".")[2].lower() if isinstance(uri, str) and len(uri) < 4096 else ""
        return mime_attachment(_ENDINGS.get(ending, "x" if ending.isalnum() and len(ending) < 6 else ""))
    return "other"


class _Reading:
    """Two passes: who writes, then the rows."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.out, self.block = source, out, block
        values: dict[str, Any] = {}
        raw_names: set[str] = set()
        with closing(source.open()) as stream:
            items = JsonStream(
                stream, {"/messages": _Author}, ["/participants", "/threadName"], block=block or BLOCK
            )  # fmt: skip
            for item in items:
                if isinstance(item, Value):
                    values[item.pointer] = decoded(item.raw)
                elif isinstance(item, Block) and len(raw_names) < MAX_PEOPLE:
                    raw_names |= {a.senderName for a in item.items if a.senderName.__class__ is str}
        listed = values.get("/participants")
        names = [mended_name(n) for n in listed[:MAX_PEOPLE]] if isinstance(listed, list) else []
        senders = {mended_name(n) for n in raw_names} - {""}
        numbered = _NUMBERED.fullmatch(mended_name(values.get("/threadName")))
        title = numbered.group(1).strip() if numbered else mended_name(values.get("/threadName"))
        self.sides = sides_of(source, context, _APP, names, senders, title, group=False)
        self.thread = f"{_APP}:{digest(*sorted({*names, *senders} - {''}))}"
        self.rows = Gather(out, _APP, "ms")
        self.shapes = Memo()
        self.peer = self._party(self.sides.peer)

    def _party(self, name: str) -> Party:
        return party_of(_APP, name, self.thread)

    def _shape(self, raw: Any, kind: str, attachment: str | None, tags: str | None, directed: str) -> Shape:
        key = (raw if raw.__class__ is str else None, kind, attachment, tags, directed)
        shape = self.shapes.get(key)
        if shape is None:
            side = self.sides
            sender = self._party(mended_name(raw)) if side.kind != "unknown" else Party()
            shape = self.shapes.keep(key, Shape(
                kind, "unknown", "unknown", self.peer.identifier, self.peer.raw, self.peer.kind, sender.identifier, "unknown",
                self.thread, side.kind, side.people, directed, None, attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def run(self) -> None:
        """Read the file."""
        direct = "yes" if self.sides.kind == "direct" else "unknown"
        placeholders = 0
        for part in parts(self.source, self.out, {"/messages": _Message}, block=self.block):
            for k, m in enumerate(part.items):
                n, record = part.n + k, part.record(k)
                us, precision = epoch_us(m.timestamp)
                word = m.type.casefold() if m.type.__class__ is str and len(m.type) < 40 else ""
                size = None
                if "call" in word:
                    shape = self._shape(m.senderName, "call", None, None, direct)
                elif m.isUnsent is True:
                    shape = self._shape(m.senderName, "message", "deleted", None, direct)
                elif word == "placeholder":
                    placeholders += 1
                    shape = self._shape(m.senderName, "message", "other", "placeholder", direct)
                else:
                    attachment = _kind_of_media(m.media) if m.media or word == "media" else "none"
                    size = len(mended(m.text)) if m.text.__class__ is str and m.text else None
                    shape = self._shape(m.senderName, "message", attachment, None, direct)
                kept = self.rows.event(n, record, us, shape, size, precision=precision)
                if m.reactions and kept:
                    self._reactions(n, record, m)
        self._conclude(placeholders)

    def _reactions(self, n: int, record: str, m: _Message) -> None:
        sub = 1
        owners = mended_name(m.senderName) in self.sides.owner
        for one in dictionaries(m.reactions):
            us, precision = epoch_us(one.get("timestamp"))
            if us is not None:
                sub += 1
                directed = "yes" if owners or self.sides.kind == "direct" else "no"
                shape = self._shape(one.get("actor"), "mention", None, "reaction", directed)
                self.rows.event(n, record, us, shape, sub=sub, precision=precision)

    def _conclude(self, placeholders: int) -> None:
        out = self.out
        say_companions(out, "profile", self.sides.companions)
        if self.sides.owner and self.sides.kind != "unknown":
            out.owner([i for name in sorted(self.sides.owner) if (i := self._party(name).identifier)])
        for note in self.sides.notes:
            out.note(note)
        if placeholders:
            out.note(f"messages of which only a placeholder was stored: {placeholders}")
        out.note(
            "chats that were not encrypted, and what was written before encryption, are only in the download of the account"
        )
        self.rows.finish(_CLASSES, scope="thread", scope_id=self.thread)


class MetaE2ee:
    """Reader of format ``meta-e2ee``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows("senderName timestamp type isUnsent actor").keys, sealed=frozenset(["media"])
    )

    description: ClassVar[Description] = Description(
        id="meta-e2ee",
        version=1,
        title="Messenger download of end-to-end encrypted chats (secure storage, JSON): a chat",
        channels=("messenger",),
        counts="elements of messages[] in file order",
        knowledge="RLEAPP, caprine issue 2195, messenger-JSON-viewer issue 12, parsers of the message shape",
        evidence="public code",
        cannot_tell=(
            "who a person is: only names are given, two people of one name are one here",
            "whose download it is, unless the name of the chat or the case says so",
            "calls: no parser shows how they are written; a type that names a call is read as one without an answer",
            "whether a chat of two names is a group that others have left",
            "at whom a message in a group is directed",
        ),
        options=(
            Option("owner", "the owner's name in this chat", "the name of the chat is not that of the other side"),
        ),
        versions="downloads of 2024 to 2026",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know a chat by its threadName, or by messages with senderName and isUnsent."""
        keys = outline(head.data)
        if "/messages/[]" not in keys:
            return None
        if {"/threadName", "/participants/[]"} <= keys and (
            "/messages/*/senderName" in keys or "/messages/*" not in keys
        ):
            return Claim(95, "threadName and messages with senderName")
        if {"/messages/*/senderName", "/messages/*/timestamp", "/messages/*/isUnsent"} <= keys:
            return Claim(90, "messages with senderName, timestamp and isUnsent")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the chat.

        Raises
        ------
        Waiting
            It cannot be told who the owner is.
        Unreadable
            It is no chat.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, {"/messages": _Message}, record, n, block=self._block_bytes)


READER = MetaE2ee()
