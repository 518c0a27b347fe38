"""Reader of Snapchat's "My Data": chats, snaps, friends and calls, one JSON file each.

Chats and snaps: ``{"<user or group>": [{"From", "Media Type", "Created": "2024-04-20 01:29:22 UTC", "Content", "Conversation
Title", "IsSender", "Created(microseconds)" (in truth milliseconds), "IsSaved"}]}``; before about 2023 ``{"Received Saved Chat
History": [{"From", …}], "Sent Saved Chat History": [{"To", …}]}``. Friends: ``{"Friends": [{"Username", "Display Name",
"Creation Timestamp", …}], "Blocked Users": […], …}``. Calls: ``{"Outgoing Calls": [{"Date & Time", "Length (sec)", …}],
"Incoming Calls": […]}``, without saying with whom.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import json_of, name_of, native, near, one_account, say_companions, talked, utc_us, whole
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Sink,
    SourceFile,
    Span,
    Unreadable,
    implausible_time,
)

_APP = "snapchat"
_GROUP = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_MEDIA = {
    "TEXT": "none", "MEDIA": "other", "IMAGE": "image", "PHOTO": "image", "VIDEO": "video", "STICKER": "sticker",
    "NOTE": "voice", "LOCATION": "location", "SHARE": "other", "SHARESAVEDSTORY": "other", "SNAP": "other", "SNAPSAVED": "other",
    "GIF": "animation", "MAPREACTION": "other", "AUDIO": "audio",
}  # fmt: skip
_CALLS = {
    "STATUSCALLMISSEDAUDIO": (False, "missed audio"), "STATUSCALLMISSEDVIDEO": (False, "missed video"),
    "STATUSCALLENDEDAUDIO": (None, "ended audio"), "STATUSCALLENDEDVIDEO": (None, "ended video"),
}  # fmt: skip
_ERASED = frozenset({"STATUSERASEDMESSAGE", "STATUSERASEDSNAPMESSAGE"})
_FRIENDS = {
    "Friends": ("friend", None), "Friend Requests Sent": ("request_out", None), "Blocked Users": ("blocked", None),
    "Deleted Friends": ("removed", None), "Ignored Snapchatters": ("refused", "ignored"),
    "Pending Requests": ("request_in", None), "Shortcuts": ("other", "shortcut"),
}  # fmt: skip
_HIDDEN = "Hidden Friend Suggestions"
_TALKS = {"Outgoing Calls": "out", "Incoming Calls": "in", "Completed Calls": ""}


class _Record(msgspec.Struct, gc=False):
    """A record of any of the files."""

    sender: Any = msgspec.field(name="From", default=None)
    to: Any = msgspec.field(name="To", default=None)
    media: Any = msgspec.field(name="Media Type", default=None)
    created: Any = msgspec.field(name="Created", default=None)
    ms: Any = msgspec.field(name="Created(microseconds)", default=None)
    content: Any = msgspec.field(name="Content", default=None)
    text: Any = msgspec.field(name="Text", default=None)
    title: Any = msgspec.field(name="Conversation Title", default=None)
    own: Any = msgspec.field(name="IsSender", default=None)
    saved: Any = msgspec.field(name="IsSaved", default=None)
    # friends
    user: Any = msgspec.field(name="Username", default=None)
    shown: Any = msgspec.field(name="Display Name", default=None)
    since: Any = msgspec.field(name="Creation Timestamp", default=None)
    changed: Any = msgspec.field(name="Last Modified Timestamp", default=None)
    # calls
    at: Any = msgspec.field(name="Date & Time", default=None)
    seconds: Any = msgspec.field(name="Length (sec)", default=None)
    result: Any = msgspec.field(name="Result", default=None)
    type: Any = msgspec.field(name="Type", default=None)


_ARRAYS = {"/*": _Record}


def _key(pointer: str) -> str:
    """Return the key under which a list stands."""
    return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")


def _owner(source: SourceFile) -> tuple[str, list[SourceFile]]:
    """Return the owner's user name as the account's record in the same download gives it."""
    found: dict[str, SourceFile] = {}
    for other in near(source, "*/account.json"):
        content = json_of(other)
        basic = content.get("Basic Information") if isinstance(content, dict) else None
        user = name_of(basic.get("Username")) if isinstance(basic, dict) else ""
        if user:
            found.setdefault(user, other)
    one_account(found, "accounts")
    return next(iter(found), ""), list(found.values())


class _Reading:
    """The rows of one file."""

    def __init__(self, source: SourceFile, out: Sink, block: int | None) -> None:
        self.source, self.out, self.block = source, out, block
        self.owner, self.companions = _owner(source)
        self.rows = Gather(out, _APP, "ms")
        self.shapes = Memo()
        self.kinds: set[str] = set()
        self.shown: set[str] = set()  # user names under which the file itself shows the owner

    def run(self) -> None:
        """Read the file."""
        for part in parts(self.source, self.out, _ARRAYS, block=self.block, may_be_empty=True):
            key = _key(part.pointer)
            if key in _FRIENDS or key == _HIDDEN:
                self.kinds.add("friends")
                for k, item in enumerate(part.items):
                    self._friend(part, k, key, item)
            elif key in _TALKS:
                self.kinds.add("calls")
                for k, item in enumerate(part.items):
                    self._call(part, k, _TALKS[key], item)
            else:
                self.kinds.add("chats")
                for k, item in enumerate(part.items):
                    self._chat(part, k, key, item)
        self._conclude()

    # -- chats and snaps ----------------------------------------------------------------------------------------------

    def _thread(self, key: str, title: Any) -> tuple[str, Party]:
        """Return the kind of a conversation, and the other side if it is one of two."""
        if title.__class__ is str and title:
            return "group", Party()
        if _GROUP.fullmatch(key):
            return "group", Party()
        return "direct", native(_APP, key)

    def _shape(
        self, key: str, titled: bool, name: str, outgoing: bool, kind: str, attachment: str | None, answered: bool | None,
        tags: str | None,
    ) -> Shape:  # fmt: skip
        memo = (key, titled, name, outgoing, kind, attachment, answered, tags)
        shape = self.shapes.get(memo)
        if shape is None:
            thread_kind, peer = self._thread(key, "x" if titled else None)
            sender = native(_APP, name)
            if thread_kind == "direct" and not outgoing and name and name.casefold() != key.casefold():
                thread_kind, peer = "unknown", Party()  # somebody else writes here: no chat of two
            direct = thread_kind == "direct"
            other = peer if direct else Party() if outgoing else sender
            thread = f"{_APP}:{name_of(key)}" if name_of(key) else None
            shape = self.shapes.keep(memo, Shape(
                kind, "out" if outgoing else "in", "unknown", *other, None, "owner" if outgoing else "contact", thread,
                thread_kind, 2 if direct else None, "yes" if direct else "no" if outgoing else "unknown", answered,
                attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def _time(self, m: _Record) -> tuple[int | None, str]:
        us, precision = utc_us(m.created)
        ms = whole(m.ms)
        # the key says microseconds, the value is milliseconds; it counts only where it is the same moment
        if ms is not None and us is not None and 0 <= ms * 1000 - us < 1_000_000:
            return ms * 1000, "ms"
        return us, precision

    def _chat(self, part: Part, k: int, key: str, m: _Record) -> None:
        n, record, rows = part.n + k, part.record(k), self.rows
        sender, to = name_of(m.sender), name_of(m.to)
        if m.own is None:  # the older shape: who it came from, or whom it went to
            if bool(sender) == bool(to):
                rows.reject(n, record, "it does not say who sent it")
                return
            outgoing, where = bool(to), sender or to
        else:
            outgoing, where = m.own is True or (sender != "" and sender == self.owner), key
            if outgoing and sender:
                self.shown.add(sender)
        media = m.media.upper() if m.media.__class__ is str and len(m.media) < 64 else ""
        titled = m.title.__class__ is str and m.title != ""
        us, precision = self._time(m)
        size: int | None = None
        if media in _CALLS:
            answered, tags = _CALLS[media]
            shape = self._shape(where, titled, sender, outgoing, "call", None, answered, tags)
        elif media == "STATUSCONVERSATIONCAPTURESCREENSHOT":
            shape = self._shape(where, titled, sender, outgoing, "other", None, None, "take_screenshot")
        elif media in _ERASED:
            shape = self._shape(where, titled, sender, outgoing, "message", "deleted", None, "erased")
        elif media.startswith("STATUS") or media == "NONPARTICIPANTBOTRESPONSE":
            rows.skip("lines of the app about members, names and saved media")
            return
        else:
            text = m.content if m.content.__class__ is str else m.text
            size = len(text) if text.__class__ is str and text else None
            words = [w for w, on in (("unsaved", m.saved is False), ("snap", media in ("IMAGE", "SNAP"))) if on]
            shape = self._shape(
                where, titled, sender, outgoing, "message", _MEDIA.get(media, "other"), None, " ".join(words) or None
            )  # fmt: skip
        rows.event(n, record, us, shape, size, precision=precision)

    # -- friends ------------------------------------------------------------------------------------------------------

    def _friend(self, part: Part, k: int, key: str, item: _Record) -> None:
        n, record = part.n + k, part.record(k)
        if key == _HIDDEN:
            self.rows.skip("suggestions that were hidden")
            return
        party = native(_APP, item.user)
        if party.identifier is None:
            self.out.reject(n, record, "the entry names nobody")
            return
        name, tags = _FRIENDS[key]
        since, precision = utc_us(item.since)
        dated = since is not None and implausible_time(since) is None
        if name == "request_in" and dated:
            shape = Shape(
                "request",
                "in",
                "unknown",
                *party,
                None,
                "contact",
                party.identifier,
                "direct",
                2,
                "yes",
                None,
                None,
                None,
            )
            self.rows.event(n, record, since, shape, precision=precision)
            return
        if name == "blocked":
            # when the entry was last changed may be when she was blocked, and may be something else
            changed, _ = utc_us(item.changed)
            self.rows.listed(
                n, record, name, party, name_of(item.shown) or None, "last_modified" if changed else None, changed
            )
            return
        self.rows.listed(n, record, name, party, name_of(item.shown) or None, tags, since)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(self, part: Part, k: int, direction: str, item: _Record) -> None:
        us, precision = utc_us(item.at)
        seconds = talked(item.seconds)
        words = item.result.casefold() if item.result.__class__ is str and len(item.result) < 64 else ""
        answered = False if "miss" in words else True if seconds and ("receiv" in words or "succe" in words) else None
        tags = item.type.lower() if item.type in ("AUDIO", "VIDEO") else None
        actor = {"out": "owner", "in": "contact"}.get(direction, "unknown")
        shape = Shape(
            "call",
            direction or "unknown",
            actor=actor,
            thread_kind="unknown",
            directed="unknown",
            answered=answered,
            tags=tags,
        )
        self.rows.event(part.n + k, part.record(k), us, shape, duration=seconds, precision=precision)

    # -- the file as a whole ------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        out = self.out
        say_companions(out, "profile", self.companions)
        own = {self.owner} - {""} or (self.shown if len(self.shown) == 1 else set())
        if self.owner and self.shown - {self.owner}:
            out.note("the file shows the owner under another user name than the account's record")
        out.owner([f"{_APP}:{name}" for name in sorted(own)])
        if "chats" in self.kinds:
            out.note(
                "chats that were not saved, and snaps older than some weeks, are gone: silence in this file is no silence, and "
                "an unsaved message may stand without its text"
            )
        if "calls" in self.kinds:
            out.note("calls are listed without the other side; some of them may also stand in the chats")
        if "friends" in self.kinds:
            out.note("lists of friends are those of the day of the download; when somebody was blocked is not told")
        classes = {"chats": "message call other", "calls": "call", "friends": "request"}
        self.rows.finish(
            " ".join(classes[k] for k in sorted(self.kinds)), complete="no" if "chats" in self.kinds else "unknown"
        )


class Snapchat:
    """Reader of format ``snapchat``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=frozenset({"From", "To", "Media Type", "Created", "Created(microseconds)", "IsSender", "IsSaved", "Username",
                        "Creation Timestamp", "Last Modified Timestamp", "Date & Time", "Length (sec)", "Result", "Type"})
    )  # fmt: skip

    description: ClassVar[Description] = Description(
        id="snapchat",
        version=1,
        title="Snapchat download (JSON): chats, snaps, friends, calls",
        channels=(_APP,),
        counts="elements of the lists in file order",
        knowledge="Memoria's notes on the schema, RLEAPP, viewers of the download and their example exports",
        evidence="public code",
        cannot_tell=(
            "chats that were not saved: the download holds what was saved and what was not yet gone",
            "who began a call, other than by the name under which its line stands; how long it lasted",
            "with whom the calls of talk_history.json were",
            "when somebody was blocked: the date is that of the last change of the entry",
            "whether the time of an erased message is that of the message or of its erasing",
            "whether pending requests are those that came in (documented so, not seen)",
            "who viewed a story",
        ),
        versions="downloads of 2018 to 2026, both shapes",
        call_start="unknown",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know chats by Media Type and Created, friends and calls by the names of their lists."""
        keys = outline(head.data)
        steps = {key.rpartition("/")[2] for key in keys if key.count("/") == 3}
        if {"Media Type", "Created"} <= steps and steps & {"IsSender", "From", "To"}:
            return Claim(92, "lists of messages with Media Type and Created")
        top = {key[1:] for key in keys if key.count("/") == 1}
        if "/Friends/[]" in keys and len(top & {*_FRIENDS, _HIDDEN}) >= 3:
            return Claim(92, "lists of friends, requests and blocked users")
        if len(top & _TALKS.keys()) >= 2 or ("/Outgoing Calls" in keys and "Date & Time" in steps):
            return Claim(88, "lists of outgoing and incoming calls")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Unreadable
            It holds no lists, or two accounts lie in the download.
        """
        if not outline(_start(source)):
            raise Unreadable("the file is no JSON of Snapchat")
        _Reading(source, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


def _start(source: SourceFile) -> bytes:
    with closing(source.open()) as stream:
        return stream.read(65536)


READER = Snapchat()
