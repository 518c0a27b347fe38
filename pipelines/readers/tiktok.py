"""Reader of TikTok's download (``user_data.json``, ``user_data_tiktok.json``): chats, blocks, followers, logins.

The names of the sections changed several times (``Direct Messages``/``Direct Message``, ``App Settings``/``Profile And
Settings``, ``Activity``/``Your Activity``), those of the lists in them did not: ``ChatHistory: {"Chat History with X:":
[{"Date": "2024-01-31 18:30:05", "From", "Content"}]}``, ``BlockList``, ``FansList``, ``Following``: ``[{"Date",
"UserName"}]``. Dates are UTC. ``ProfileMap.userName`` is the owner.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import declared, digest, name_of, utc_us, values_of, waiting
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span, implausible_time

_APP = "tiktok"
_WITH = re.compile(r"(?:Group )?Chat History with (.{1,256}?):?", re.DOTALL)
_LINK = re.compile(r"https?://\S{1,2000}")
_PLAYED = ("tiktok.com", "tiktokv.com")


class _Record(msgspec.Struct, gc=False):
    """A record of any of the lists."""

    Date: Any = None
    From: Any = None
    Content: Any = None
    UserName: Any = None


_ARRAYS = {
    "/*/*/ChatHistory/*": _Record,
    "/*/*/GroupChat/*": _Record,
    "/*/*/BlockList": _Record,
    "/*/*/FansList": _Record,
    "/*/*/Following": _Record,
    "/*/*/LoginHistoryList": _Record,
}
_PROFILE = "/*/*/ProfileMap"


def _user(value: Any) -> Party:
    """Return an account by its user name, which can be changed."""
    name = name_of(value)
    return Party(f"{_APP}:name:{name}", name, "name") if name else Party()


def _key(pointer: str) -> str:
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


class _Reading:
    """The rows of the file."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.out, self.block = source, out, block
        said = declared(context, _APP)
        shown = {
            name
            for profile in values_of(source, [_PROFILE]).values()
            if isinstance(profile, dict) and (name := name_of(profile.get("userName")))
        }
        self.shown = frozenset(shown)
        names = said.names | {i.removeprefix(f"{_APP}:") for i in said.ids}
        self.owner = frozenset(names) if said.by_option else self.shown or frozenset(names)
        self.learnt: set[str] = set()  # who the owner is by the chats of two, where nothing else tells
        self.met: set[str] = set()  # names of the owner that write
        self.rows = Gather(out, _APP, "s")
        self.shapes = Memo()
        self.classes: set[str] = set()
        self.unnamed = False  # is there a chat that is not called after the other side?

    def run(self) -> None:
        """Read the file."""
        for part in parts(self.source, self.out, _ARRAYS, block=self.block, may_be_empty=True):
            kind = part.pattern.rstrip("/*").rpartition("/")[2]
            if kind in ("ChatHistory", "GroupChat"):
                self._chat(part, kind == "GroupChat")
                continue
            for k, item in enumerate(part.items):
                n, record = part.n + k, part.record(k)
                if kind == "LoginHistoryList":
                    self._login(n, record, item)
                else:
                    self._listed(n, record, kind, item)
        if not self.owner and (len(self.learnt) > 1 or (self.unnamed and not self.learnt)):
            raise waiting("it does not say whose account it was downloaded from", "the owner's user name in this file")
        own = self.shown if self.owner == self.shown and self.shown else self.met or self.learnt
        self.out.owner([f"{_APP}:name:{name}" for name in sorted(own)])
        self.out.note("user names change: one person can stand under two of them, and two under one")
        self.out.note("messages that were deleted on both sides, and who looked at a profile or a video, are not in it")
        if "account_access" in self.classes:
            self.out.note("who logged in is not told: accesses have no direction, and most will be the owner's own")
        self.rows.finish(" ".join(sorted(self.classes)))

    def _shape(self, key: str, peer: str, kind: str, sender: str, attachment: str) -> tuple[Shape, bool]:
        """Return the shape of a message, and whether its sender is neither the owner nor the other side."""
        memo = (key, kind, sender, attachment)
        found: tuple[Shape, bool] | None = self.shapes.get(memo)
        if found is None:
            party = _user(peer)
            if peer and not self.owner and sender not in ("", peer):
                self.learnt.add(sender)  # in a chat of two, the one whom the chat is not called after
            self.met |= self.owner & {sender}
            # an earlier name of one of the two: whose, cannot be told
            strange = bool(peer and self.owner) and sender not in (peer, *self.owner)
            found = self.shapes.keep(memo, (Shape(
                "message", "unknown", "unknown", *party, None if strange else _user(sender).identifier, "unknown",
                party.identifier or f"{_APP}:{digest(key)}", kind, 2 if peer else None, "yes" if peer else "unknown", None,
                attachment, None,
            ), strange))  # fmt: skip
        return found

    def _chat(self, part: Part, group: bool) -> None:
        self.classes.add("message")
        key = _key(part.pointer)
        named = None if group else _WITH.fullmatch(key)
        peer = name_of(named.group(1)) if named else ""
        self.unnamed = self.unnamed or not peer
        kind = "direct" if peer else "group" if group else "unknown"
        strangers = 0
        for k, m in enumerate(part.items):
            us, precision = utc_us(m.Date)
            text = m.Content if m.Content.__class__ is str else ""
            # a video that was sent stands as its address
            video = text.startswith("http") and _LINK.fullmatch(text.strip()) and any(host in text for host in _PLAYED)
            shape, strange = self._shape(key, peer, kind, name_of(m.From), "video" if video else "none")
            strangers += strange
            self.rows.event(part.n + k, part.record(k), us, shape, len(text) or None, precision=precision)
        if strangers:
            self.rows.counts["messages by somebody else than the two of the chat (an earlier user name?)"] += strangers

    def _login(self, n: int, record: str, item: _Record) -> None:
        self.classes.add("account_access")
        us, precision = utc_us(item.Date)
        self.rows.event(n, record, us, Shape("account_access", attachment=None, tags="login"), precision=precision)

    def _listed(self, n: int, record: str, kind: str, item: _Record) -> None:
        party = _user(item.UserName)
        us, precision = utc_us(item.Date)
        dated = us is not None and implausible_time(us) is None
        if party.identifier is None:
            self.out.reject(n, record, "the entry names nobody")
        elif kind == "BlockList" and dated:
            self.classes.add("block")
            shape = Shape(
                "block", "out", "unknown", *party, None, "owner", party.identifier, "direct", 2, "no", None, None, None
            )
            self.rows.event(n, record, us, shape, precision=precision)
        else:
            name = {"BlockList": "blocked", "FansList": "follower"}.get(kind, "following")
            self.rows.listed(n, record, name, party, None, None, us)


class TikTok:
    """Reader of format ``tiktok``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(keys=shows("Date From UserName").keys)

    description: ClassVar[Description] = Description(
        id="tiktok",
        version=1,
        title="TikTok download (JSON): chats, blocks, followers, logins",
        channels=(_APP,),
        counts="elements of the lists of chats, blocks, followers, followed accounts and logins, in file order",
        knowledge="RLEAPP, data donation tools and viewers of the download",
        evidence="public code",
        cannot_tell=(
            "who a person is: only user names are given, which change and are given to others",
            "which video was sent: only that one was",
            "calls, and whether a message was read",
            "when somebody was unblocked: the list is that of the day of the download",
            "how groups are written (their list is read by analogy, not seen)",
            "who logged in, who looked at the profile",
        ),
        options=(
            Option("owner", "the owner's user name in this file", "the file holds no profile and no chat of two"),
        ),
        versions="downloads of 2020 to 2026, old and new names of the sections",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its sections."""
        keys = outline(head.data)
        sections = {
            "/Direct Messages", "/Direct Message", "/App Settings", "/Profile And Settings", "/Activity", "/Your Activity",
            "/Tiktok Live", "/Ads and data", "/TikTok Shop", "/Tiktok Shopping", "/Likes and Favorites",
        }  # fmt: skip
        found = sections & keys
        second = {key.rpartition("/")[2] for key in keys if key.count("/") == 2}
        known = {
            "Chat History", "Direct Messages", "Follower List", "Following List", "Video Browsing History", "Watch History",
            "Block List", "Profile Information", "Profile Info", "Login History", "Favorite Videos", "Favorite Effects",
        }  # fmt: skip
        if found and second & known and {"ChatHistory"} & {key.rpartition("/")[2] for key in keys}:
            return Claim(92, "a chat history as TikTok writes it")
        if found and len(second & known) >= 2:
            return Claim(88, "sections of a TikTok download")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Unreadable
            It holds none of the lists.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = TikTok()
