"""Reader of the threads in a download of Facebook, Messenger or Instagram (``messages/inbox/<thread>/message_1.json``).

``{"participants": [{"name"}], "messages": [{"sender_name", "timestamp_ms", "content", …}], "title", "thread_path"}``, newest
first, at most 10 000 messages a file; a longer thread goes on in ``message_2.json``, which is a source of its own. The bytes
of UTF-8 are written as one character each (``\\u00d0\\u009f``), so names are mended before they are compared. Not every
message has a ``type`` (newer downloads have none).
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._json_stream import BLOCK, Block, JsonStream, Value
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._meta import MAX_PEOPLE, Sides, channel_of, party_of, sides_of
from pipelines.readers._social import (
    decoded,
    dictionaries,
    digest,
    epoch_us,
    mended,
    mended_name,
    near,
    place,
    quoted,
    say_companions,
    talked,
)
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span, Unreadable

_CLASSES = "call message request mention other"
_ASKED = ("message_requests", "filtered_threads")
_VALUES = ("/participants", "/title", "/thread_path", "/thread_type", "/joinable_mode", "/is_still_participant")
_FILE = re.compile(r"message_(\d{1,6})\.json", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d{1,24}", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z]{10}", re.ASCII)
_MEDIA = (
    ("photos", "image"), ("videos", "video"), ("audio_files", "audio"), ("gifs", "animation"), ("files", "document"),
    ("sticker", "sticker"), ("share", "other"),
)  # fmt: skip


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read."""

    sender_name: Any = None
    timestamp_ms: Any = None
    content: Any = None
    type: Any = None
    call_duration: Any = None
    missed: Any = None
    is_unsent: Any = None
    photos: Any = None
    videos: Any = None
    audio_files: Any = None
    gifs: Any = None
    files: Any = None
    sticker: Any = None
    share: Any = None
    reactions: Any = None
    users: Any = None


class _Author(msgspec.Struct, gc=False):
    """What the look reads of a message."""

    sender_name: Any = None
    timestamp_ms: Any = None


class _Look:
    """The first pass: what stands around the messages, who writes, and which message is the earliest."""

    def __init__(self, source: SourceFile, block: int | None) -> None:
        self.values: dict[str, Any] = {}
        self.senders: set[str] = set()
        self.earliest: tuple[int, int] | None = None  # time, index
        raw_names: set[Any] = set()
        with closing(source.open()) as stream:
            for item in JsonStream(stream, {"/messages": _Author}, _VALUES, block=block or BLOCK):
                if isinstance(item, Value):
                    self.values[item.pointer] = decoded(item.raw)
                elif isinstance(item, Block):
                    for k, author in enumerate(item.items, item.first):
                        if author.sender_name.__class__ is str and len(raw_names) < MAX_PEOPLE:
                            raw_names.add(author.sender_name)
                        us, _ = epoch_us(author.timestamp_ms)
                        # of equal times the later one: the newest stands first
                        if us is not None and (self.earliest is None or us <= self.earliest[0]):
                            self.earliest = us, k
        self.senders = {mended_name(name) for name in raw_names} - {""}

    @property
    def participants(self) -> list[str]:
        """The names of the participants, in the order of the file."""
        found = []
        for one in dictionaries(self.values.get("/participants")):
            name = mended_name(one.get("name"))
            if name:
                found.append(name)
        return found[:MAX_PEOPLE]

    @property
    def path(self) -> str:
        """The path of the thread as the file gives it."""
        path = self.values.get("/thread_path")
        return path if isinstance(path, str) and len(path) <= 1024 else ""


def _thread_id(app: str, source: SourceFile, look: _Look) -> str:
    """Return the id of a thread: the number at the end of its folder's name, never the name itself."""
    folder = look.path.rstrip("/").rpartition("/")[2]
    if not folder and _FILE.fullmatch(place(source).name):
        folder = place(source).parent.name
    _, line, last = folder.rpartition("_")
    if _NUMBER.fullmatch(last) or (line and _ID.fullmatch(last)):
        return f"{app}:{last}"
    return f"{app}:{digest(folder)}" if folder else f"{app}:{digest(*sorted(set(look.participants) | look.senders))}"


def _asked(source: SourceFile, look: _Look) -> bool:
    """Did the thread wait for the owner's consent when it was exported?"""
    if str(look.values.get("/thread_type")).startswith("Pending"):
        return True
    steps = look.path.split("/") if look.path else [part.casefold() for part in place(source).parts]
    return any(step in _ASKED for step in steps)


def _goes_on(source: SourceFile) -> bool:
    """Is there a further file with earlier messages of the thread?"""
    here = place(source)
    found = _FILE.fullmatch(here.name)
    if found is None:
        return False
    following = f"message_{int(found.group(1)) + 1}.json"
    others = near(source, f"*/{quoted(here.parent.name)}/{following}", f"*/{following}")
    return any(place(other).parent == here.parent for other in others)


class _Reading:
    """The second pass."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.block = block
        self.source, self.out = source, out
        self.app, self.told = channel_of(source)
        look = _Look(source, block)
        still = look.values.get("/is_still_participant")
        group = look.values.get("/joinable_mode") is not None or str(look.values.get("/thread_type")).endswith("Group")
        self.sides: Sides = sides_of(
            source, context, self.app, look.participants, look.senders, mended_name(look.values.get("/title")), group=group,
        )  # fmt: skip
        self.thread = _thread_id(self.app, source, look)
        self.first = look.earliest[1] if look.earliest and _asked(source, look) and not _goes_on(source) else -1
        self.asked = _asked(source, look)
        self.left = still is False
        self.cutover = "e2ee_cutover" in look.path
        self.rows = Gather(out, self.app, "ms")
        self.names: dict[Any, str] = {}
        self.shapes = Memo()
        self.peer = self._party(self.sides.peer)

    def _party(self, name: str) -> Party:
        return party_of(self.app, name, self.thread)

    def _name(self, raw: Any) -> str:
        if raw.__class__ is not str:
            return ""
        found = self.names.get(raw)
        if found is None:
            if len(self.names) >= MAX_PEOPLE:
                self.names.clear()
            found = self.names[raw] = mended_name(raw)
        return found

    def _shape(
        self, name: str, kind: str, attachment: str | None, answered: bool | None, tags: str | None, directed: str = ""
    ) -> Shape:
        key = (name, kind, attachment, answered, tags, directed)
        shape = self.shapes.get(key)
        if shape is None:
            side, direct = self.sides, self.sides.kind == "direct"
            sender = self._party(name)
            told = side.kind != "unknown"  # two of one name: nothing tells them apart
            shape = Shape(
                kind, "unknown", "unknown", self.peer.identifier, self.peer.raw, self.peer.kind,
                sender.identifier if told else None, "unknown", self.thread, side.kind,
                side.people, directed or ("yes" if direct else "unknown"), answered, attachment, tags,
            )  # fmt: skip
            self.shapes.keep(key, shape)
        found: Shape = shape
        return found

    def run(self) -> None:
        """Read the file."""
        for part in parts(self.source, self.out, {"/messages": _Message}, block=self.block):
            for k, message in enumerate(part.items):
                self._message(part, k, message)
        self._conclude()

    def _message(self, part: Part, k: int, m: _Message) -> None:
        n, record, rows = part.n + k, part.record(k), self.rows
        us, precision = epoch_us(m.timestamp_ms)
        name = self._name(m.sender_name)
        if m.type in ("Subscribe", "Unsubscribe") or (m.users and m.content is None):
            added = m.type != "Unsubscribe" and name not in self.sides.owner
            if not added or not any(self._name(u.get("name")) in self.sides.owner for u in dictionaries(m.users)):
                rows.skip("lines about people who came or left")
                return
            rows.event(n, record, us, self._shape(name, "other", None, None, "group_add", "yes"), precision=precision)
            return
        duration = None
        if m.call_duration is not None or m.type == "Call":
            seconds = talked(m.call_duration)
            answered = True if seconds else False if m.missed is True else None
            kept = rows.event(
                n, record, us, self._shape(name, "call", None, answered, "missed" if m.missed is True else None),
                duration=seconds, precision=precision,
            )  # fmt: skip
        else:
            size = None
            if m.is_unsent is True:
                attachment = "deleted"
            else:
                attachment = next((kind for key, kind in _MEDIA if getattr(m, key)), "none")
                if m.content.__class__ is str:
                    size = len(mended(m.content))
            request = part.index + k == self.first and name not in self.sides.owner
            shape = self._shape(
                name, "request" if request else "message", attachment, None, "message_request" if self.asked else None,
                self._directed(),
            )  # fmt: skip
            kept = rows.event(n, record, us, shape, size, duration, precision=precision)
        if m.reactions and kept:
            self._reactions(n, record, m.reactions, name)

    def _directed(self) -> str:
        # whom a message in a group is meant for is not written down
        return "yes" if self.sides.kind == "direct" else "unknown"

    def _reactions(self, n: int, record: str, reactions: Any, author: str) -> None:
        sub = 1
        for one in dictionaries(reactions):
            us, precision = epoch_us(one.get("timestamp"))
            if us is None:
                continue
            sub += 1
            to_owner = self.sides.kind == "direct" or author in self.sides.owner
            shape = self._shape(
                self._name(one.get("actor")), "mention", None, None, "reaction", "yes" if to_owner else "no"
            )
            self.rows.event(n, record, us, shape, sub=sub, precision=precision)

    def _conclude(self) -> None:
        out, sides = self.out, self.sides
        say_companions(out, "profile", sides.companions)
        if sides.owner and sides.kind != "unknown":
            out.owner([i for name in sorted(sides.owner) if (i := self._party(name).identifier)])
        for note in sides.notes:
            out.note(note)
        if not self.told:
            out.note("whether this is a thread of Messenger or of Instagram is not told: taken as Messenger")
        if self.asked:
            out.note("the thread waited for the owner's consent: she may never have opened it")
        if self.left:
            out.note("the owner had left the thread: later messages are not in it")
        if self.app == "messenger":
            out.note(
                "the thread was moved to end-to-end encryption: later messages are only in a download of their own"
                if self.cutover
                else "messages that were encrypted from end to end (the default since the end of 2023) are not in this "
                "download: they are only in one of their own"
            )
        self.rows.finish(
            _CLASSES, complete="no" if self.cutover or self.left else "unknown", scope="thread", scope_id=self.thread
        )


class MetaMessages:
    """Reader of format ``meta-messages``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows(
            "sender_name timestamp_ms type call_duration missed is_unsent is_taken_down actor timestamp creation_timestamp "
            "is_geoblocked_for_viewer"
        ).keys,
        sealed=frozenset(["share", "photos", "videos", "audio_files", "gifs", "files", "sticker"]),
    )

    description: ClassVar[Description] = Description(
        id="meta-messages",
        version=1,
        title="Facebook, Messenger or Instagram download (JSON): a thread",
        channels=("messenger", "instagram"),
        counts="elements of messages[] in file order",
        knowledge="karlicoss/HPI, chat-analytics, Chatistics, chat-miner, RLEAPP and their issues; a sample of chat-analytics",
        evidence="real sample",
        cannot_tell=(
            "who a person is: only names are given, two people of one name are one here, and a name can be changed or copied",
            "which messages are lines of the app in newer downloads (no type is written): they count as messages",
            "who called, other than by the name under which the call stands; and what a call without duration was",
            "at whom a message in a group is directed",
            "messages encrypted from end to end, deleted or unsent before the download, and what a range of dates left out",
            "whether an account that is gone is the same one in two threads",
        ),
        options=(
            Option(
                "owner", "the owner's name in this chat", "the download holds no profile and the chat does not show it"
            ),
        ),
        versions="downloads of 2014 to 2026: with and without type, thread_type, magic_words",
        call_start="unknown",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know a thread by its participants, and by messages with sender_name and timestamp_ms."""
        keys = outline(head.data)
        if "/participants/[]" not in keys or "/messages/[]" not in keys:
            return None
        if {"/messages/*/sender_name", "/messages/*/timestamp_ms"} <= keys:
            return Claim(95, "participants, and messages with sender_name and timestamp_ms")
        if "/messages/*/senderName" not in keys and {"/title", "/thread_path"} <= keys:
            return Claim(90, "participants and messages of a thread with its path")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the thread.

        Raises
        ------
        Waiting
            It cannot be told who the owner is.
        Unreadable
            It is no thread, or profiles of two accounts lie in the download.
        """
        if source.size == 0:
            raise Unreadable("the file is empty")
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, {"/messages": _Message}, record, n, block=self._block_bytes)


READER = MetaMessages()
