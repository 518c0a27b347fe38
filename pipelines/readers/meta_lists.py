"""Reader of the lists in a download of Facebook or Instagram: friends, followers, requests, blocked people, pokes, logins.

Facebook: ``{"received_requests_v2": [{"name", "timestamp"}]}``. Instagram: ``{"relationships_blocked_users": [{"title",
"string_list_data": [{"href", "value", "timestamp"}]}]}``, where the user name stands in ``value``, in ``title`` or only in
the address; followers are a bare array. Newer lists write ``{"timestamp", "label_values": [{"label", "value", "href"}],
"fbid"}``, labels in the language of the account. What a list means is told by its key, so every key that is read is listed
below. What the owner did for herself (her likes, answers to stories, searches for people) is out of scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Party, Shape, shows
from pipelines.readers._json_stream import BLOCK, ArrayEnd, Bad, Block, Broken, JsonStream, Value
from pipelines.readers._locations import outline
from pipelines.readers._meta import facebook_profiles
from pipelines.readers._social import (
    declared,
    decoded,
    dictionaries,
    epoch_us,
    find_in,
    mended_name,
    named,
    native,
    one_account,
    place,
    say_companions,
    start_of,
    utc_us,
)
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


class _List(NamedTuple):
    """What the entries of a key are."""

    app: str  # facebook or instagram
    what: str  # block, request, poke, login, own, or "listed"
    name: str = ""  # which list, where it is one
    tag: str = ""


_FACEBOOK = {
    "received_requests_v2": _List("facebook", "request"),
    "sent_requests_v2": _List("facebook", "listed", "request_out"),
    "rejected_requests_v2": _List("facebook", "listed", "refused"),
    "deleted_friends_v2": _List("facebook", "listed", "removed"),
    "friends_v2": _List("facebook", "listed", "friend"),
    "followers_v2": _List("facebook", "listed", "follower"),
    "followers_v3": _List("facebook", "listed", "follower"),
    "following_v2": _List("facebook", "listed", "following"),
    "following_v3": _List("facebook", "listed", "following"),
    "pokes_v2": _List("facebook", "poke"),
    "account_activity_v2": _List("facebook", "login", tag="session"),
    "account_accesses_v2": _List("facebook", "login", tag="session"),
    "active_sessions_v2": _List("facebook", "login", tag="active_session"),
    "admin_records_v2": _List("facebook", "login", tag="account_change"),
}
_INSTAGRAM = {
    "relationships_blocked_users": _List("instagram", "block"),
    "relationships_restricted_users": _List("instagram", "listed", "restricted"),
    "relationships_follow_requests_received": _List("instagram", "request"),
    "relationships_follow_requests_sent": _List("instagram", "listed", "request_out"),
    # other programs take it for requests that were sent, refused or accepted: it is not told what they became
    "relationships_permanent_follow_requests": _List("instagram", "listed", "other", "recent_follow_request"),
    "relationships_followers": _List("instagram", "listed", "follower"),
    "relationships_following": _List("instagram", "listed", "following"),
    "relationships_close_friends": _List("instagram", "listed", "friend", "close_friend"),
    "relationships_hide_stories_from": _List("instagram", "listed", "restricted", "hide_story"),
    "relationships_unfollowed_users": _List("instagram", "listed", "removed", "unfollowed"),
    "relationships_feed_favorites": _List("instagram", "listed", "following", "favourite"),
    "account_history_login_history": _List("instagram", "login", tag="login"),
    "account_history_password_change_history": _List("instagram", "login", tag="password_change"),
    "devices_devices": _List("instagram", "login", tag="device_last_login"),
    "account_history_logout_history": _List("instagram", "own", tag="logouts"),
    "relationships_dismissed_suggested_users": _List("instagram", "own", tag="suggestions that were removed"),
    "relationships_following_hashtags": _List("instagram", "own", tag="hashtags"),
    "likes_media_likes": _List("instagram", "own", tag="the owner's likes"),
    "likes_comment_likes": _List("instagram", "own", tag="the owner's likes"),
    "comments_media_comments": _List("instagram", "own", tag="the owner's comments"),
    "comments_reels_comments": _List("instagram", "own", tag="the owner's comments"),
    "searches_user": _List("instagram", "own", tag="the owner's searches"),
    **{
        f"story_activities_{kind}": _List("instagram", "own", tag="the owner's answers to stories")
        for kind in (
            "story_likes", "polls", "quizzes", "questions", "emoji_sliders", "countdowns", "emoji_quick_reactions",
            "avatar_quick_reactions", "reaction_sticker_reactions",
        )
    },
}  # fmt: skip
_LISTS = {**_FACEBOOK, **_INSTAGRAM}
#: the followers of an account are written without a key
_BARE = _List("instagram", "listed", "follower")
_CLASSES = {"block": "block", "request": "request", "poke": "mention", "login": "account_access"}
#: what ends a session is no access; the words are those of an English account
_ENDS = re.compile(r"log ?out|logged out|(?:session|web session) (?:terminated|ended)", re.IGNORECASE)
_USER = re.compile(r"[\w.]{1,64}", re.ASCII)
_NAME_LABELS = frozenset({"name", "имя", "nombre", "nom", "nome", "ad", "naam", "атауы", "аты"})


class _Item(msgspec.Struct, gc=False):
    """An entry of any of the lists."""

    # Facebook
    name: Any = None
    timestamp: Any = None
    action: Any = None
    created_timestamp: Any = None
    session: Any = None
    poker: Any = None
    pokee: Any = None
    # Instagram
    title: Any = None
    string_list_data: Any = None
    string_map_data: Any = None
    # the newer shape of both
    label_values: Any = None


_POINTERS = {**{f"/{key}": known for key, known in _LISTS.items()}, "/pokes_v2/data": _LISTS["pokes_v2"]}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a file may hold lists."""

    arrays: dict[str, _List]  # pattern → what
    single: dict[str, _List]  # pointer of one entry that stands without its list


def _layout(start: bytes) -> _Layout:
    if start.startswith(b"["):
        return _Layout({"": _BARE}, {})
    keys = outline(start)
    single = {
        pointer: known
        for pointer, known in _POINTERS.items()
        if pointer in keys and f"{pointer}/[]" not in keys and f"{pointer}/data" not in keys and pointer.count("/") == 1
    }
    return _Layout({p: known for p, known in _POINTERS.items() if p not in single}, single)


def _stream(raw: BinaryIO, layout: _Layout, block: int | None) -> JsonStream:
    return JsonStream(raw, dict.fromkeys(layout.arrays, _Item), list(layout.single), block=block or BLOCK)


def _followers(head: Head) -> bool:
    """Is a bare array one of followers? Its entries look like those of other lists: the name of the file tells."""
    words = place(head.source).name.casefold() if head.source is not None else head.name.casefold()
    return "followers" in words.rpartition("/")[2]


def _user_of(href: Any) -> str:
    """Return the user name in an address of Instagram."""
    if not isinstance(href, str) or len(href) > 1024:
        return ""
    try:
        found = urlsplit(href.strip())
    except ValueError:
        return ""
    host = (found.hostname or "").removeprefix("www.")
    steps = [unquote(step) for step in found.path.split("/") if step]
    if host != "instagram.com" or not steps:
        return ""
    user = steps[1] if steps[0] == "_u" and len(steps) > 1 else steps[0]
    return user if _USER.fullmatch(user) else ""


class _Entry(NamedTuple):
    """Who an entry names, and when it was made."""

    party: Party
    label: str | None
    us: int | None


def _labels(item: _Item) -> tuple[str, str]:
    """Return user name and name of an entry in the newer shape."""
    user = name = ""
    for one in dictionaries(item.label_values):
        label = mended_name(one.get("label")).casefold()
        value = mended_name(one.get("value"))
        user = user or _user_of(one.get("href")) or _user_of(one.get("value"))
        if label in _NAME_LABELS:
            name = name or value
        elif label == "username" and _USER.fullmatch(value):
            user = user or value
    return user, name


def _times(item: _Item) -> Iterator[int]:
    for one in dictionaries(item.string_list_data):
        us, _ = epoch_us(one.get("timestamp"))
        if us:
            yield us


def _instagram(item: _Item) -> _Entry:
    user = label = ""
    title = mended_name(item.title)
    for one in dictionaries(item.string_list_data):
        value = mended_name(one.get("value"))
        user = user or _user_of(one.get("href")) or (value if _USER.fullmatch(value) else "")
    if not user and _USER.fullmatch(title):
        user = title
    if not user:
        user, label = _labels(item)
    us = next(_times(item), None)
    if us is None:
        us, _ = epoch_us(item.timestamp)
    shown = label or (title if title != user else "")
    return _Entry(native("instagram", user) if user else named("instagram", shown), shown or None, us or None)


def _facebook(item: _Item) -> _Entry:
    name = mended_name(item.name) or _labels(item)[1] or mended_name(item.title)
    us, _ = epoch_us(item.timestamp)
    return _Entry(named("facebook", name), None, us or None)


def _login_us(item: _Item) -> int | None:
    """Return when somebody came in: the labels are in the language of the account, so the only time is taken."""
    fields = item.string_map_data
    if isinstance(fields, dict):
        times = {us for one in fields.values() if isinstance(one, dict) and (us := epoch_us(one.get("timestamp"))[0])}
        if len(times) == 1:
            return times.pop()
        return utc_us(item.title)[0]
    session = item.session if isinstance(item.session, dict) else {}
    for value in (item.timestamp, item.created_timestamp, session.get("created_timestamp")):
        us, _ = epoch_us(value)
        if us:
            return us
    return None


class _Reading:
    """The rows of one file."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.context, self.out, self.block = source, context, out, block
        with closing(source.open()) as stream:
            start = start_of(Head(stream.read(BLOCK), source.name, source.container, source.size))
        self.layout = _layout(start)
        keys = frozenset() if start.startswith(b"[") else outline(start)
        self.app = next((known.app for p, known in _POINTERS.items() if p in keys), "instagram")
        self.rows = Gather(out, self.app, "s")
        self.owner: frozenset[str] = frozenset()
        self.met: set[_List] = set()
        self.asked = False

    def _whose(self) -> None:
        """Find the owner's name: only pokes need it, which name both sides."""
        self.asked = True
        profiles = facebook_profiles(self.source)
        one_account(profiles, "profiles of accounts")
        say_companions(self.out, "profile", profiles.values())
        self.owner = frozenset(profiles) or declared(self.context, "facebook").names
        if profiles:
            self.out.owner([i for name in sorted(profiles) if (i := named("facebook", name).identifier)])

    def run(self) -> None:
        """Read all lists."""
        layout, out, done = self.layout, self.out, 0
        broken: Broken | None = None
        with closing(self.source.open()) as raw:
            for found in _stream(raw, layout, self.block):
                if isinstance(found, Block):
                    known = layout.arrays[found.pattern]
                    self.met.add(known)
                    for k, item in enumerate(found.items):
                        self._entry(done + k + 1, f"json:{found.pointer}/{found.first + k}", known, item)
                    done += len(found.items)
                    out.read(len(found.items))
                elif isinstance(found, Bad):
                    done += 1
                    out.read(1)
                    out.reject(done, f"json:{found.pointer}/{found.index}", found.reason)
                elif isinstance(found, ArrayEnd):
                    self.met.add(layout.arrays[found.pattern])
                elif isinstance(found, Value):
                    done += 1
                    out.read(1)
                    self._single(done, found)
                else:
                    broken = found
        if not self.met:
            raise Unreadable(broken.reason if broken else "the file holds none of the lists that are known")
        if broken:
            out.note(
                f"the file breaks off at byte {broken.offset}: {broken.reason}; the whole records before it were read"
            )
        self.rows.finish(" ".join(sorted({_CLASSES[k.what] for k in self.met if k.what in _CLASSES})))
        self._say()

    def _single(self, n: int, found: Value) -> None:
        item = decoded(found.raw, _Item)
        known = self.layout.single[found.pointer]
        self.met.add(known)
        if item is None:
            self.out.reject(n, f"json:{found.pointer}", "not shaped like a record of this kind")
        else:
            self._entry(n, f"json:{found.pointer}", known, item)

    def _entry(self, n: int, record: str, known: _List, item: _Item) -> None:
        if known.what == "own":
            self.rows.skip(known.tag)
        elif known.what == "login":
            self._login(n, record, known, item)
        elif known.what == "poke":
            self._poke(n, record, item)
        else:
            entry = _instagram(item) if known.app == "instagram" else _facebook(item)
            if entry.party.identifier is None:
                self.out.reject(n, record, "the entry names nobody")
            else:
                self._named(n, record, known, entry)

    def _named(self, n: int, record: str, known: _List, entry: _Entry) -> None:
        party, label, us = entry
        dated = us is not None and implausible_time(us) is None
        if known.what == "block" and dated:
            shape = Shape(
                "block", "out", "unknown", *party, None, "owner", party.identifier, "direct", 2, "no", None, None, None
            )
            self.rows.event(n, record, us, shape)
        elif known.what == "request" and dated:
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
            self.rows.event(n, record, us, shape)
        else:
            name = {"block": "blocked", "request": "request_in"}.get(known.what, known.name)
            self.rows.listed(n, record, name, party, label, known.tag or None, us)

    def _login(self, n: int, record: str, known: _List, item: _Item) -> None:
        if isinstance(item.action, str) and _ENDS.match(item.action):
            self.rows.skip("logouts and ended sessions")
            return
        # nothing says who came in: these are mostly the owner's own logins
        shape = Shape("account_access", attachment=None, tags=known.tag)
        self.rows.event(n, record, _login_us(item), shape)

    def _poke(self, n: int, record: str, item: _Item) -> None:
        if not self.asked:
            self._whose()
        poker, pokee = mended_name(item.poker), mended_name(item.pokee)
        if not poker:
            self.out.reject(n, record, "the entry names nobody")
            return
        other = pokee if poker in self.owner else poker if pokee in self.owner or not self.owner else ""
        party, sender = named("facebook", other), named("facebook", poker)
        shape = Shape(
            "mention", "unknown", "unknown", *party, sender.identifier, "unknown", party.identifier, "direct", 2, "yes",
            None, None, "poke",
        )  # fmt: skip
        us, precision = epoch_us(item.timestamp)
        self.rows.event(n, record, us, shape, precision=precision)

    def _say(self) -> None:
        known = {k.what for k in self.met}
        if "login" in known:
            self.out.note("who logged in is not told: accesses have no direction, and most will be the owner's own")
        if "block" in known:
            self.out.note(
                "a block that was lifted, and one outside the dates that the download was asked for, is not in the list"
            )
        if known & {"listed", "request"}:
            self.out.note("the list is that of the day of the download; entries that were taken out are not in it")


class MetaLists:
    """Reader of format ``meta-lists``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows("name timestamp title value action created_timestamp updated_timestamp poker pokee").keys,
        # one's own words, addresses and devices stand in these
        sealed=frozenset(["string_map_data", "label_values", "extra_info", "media_list_data", "data"]),
    )

    description: ClassVar[Description] = Description(
        id="meta-lists",
        version=1,
        title="Facebook or Instagram download (JSON): people, requests, blocks, pokes and logins",
        channels=("facebook", "instagram"),
        counts="elements of the lists in file order; an entry without its list counts as one",
        knowledge="RLEAPP, karlicoss/HPI, tools for followers and data donation, issues of instaddict, ity and memento-mori",
        evidence="public code",
        cannot_tell=(
            "who a person of Facebook is: only names are given",
            "which name in the messages belongs to a user name of Instagram",
            "whether the one who was blocked or refused knew",
            "when somebody was unblocked, and whom Facebook blocks (the key of that list is not known)",
            "who logged in",
            "who viewed a story or a profile, and what others liked: never in the download",
            "what a recent follow request became",
        ),
        versions="downloads of 2019 to 2026, without the single connections.json of before 2020",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know a list by its key; followers, who have none, by the shape of an entry and the name of the file."""
        start = start_of(head)
        if start.startswith(b"["):
            keys = outline(start)
            if "/*/string_list_data" in keys and "/*/title" in keys and _followers(head):
                return Claim(85, "an array with string_list_data in a file of followers")
            return None
        if not start.startswith(b"{"):
            return None
        keys = outline(start)
        found = sorted(p for p in _POINTERS if p in keys)
        return Claim(90, f"the list {found[0].split('/')[1]}") if found else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the lists.

        Raises
        ------
        Unreadable
            The file holds none of them.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        with closing(source.open()) as stream:
            layout = _layout(start_of(Head(stream.read(BLOCK), source.name, source.container, source.size)))

        return find_in(source, lambda raw: _stream(raw, layout, self._block_bytes), record, n)


READER = MetaLists()
