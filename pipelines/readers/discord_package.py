"""Reader of Discord's own data package: what the owner wrote in a channel, and her relationships.

``messages/c<id>/messages.json``: ``[{"ID", "Timestamp": "2024-01-31 18:30:05", "Contents", "Attachments"}]``, UTC; only
messages of the owner are in it. ``channel.json`` beside it names the kind of the channel and the recipients.
``account/user.json``: ``{"id", "username", "relationships": [{"id", "type": 2, "user"}]}``.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Party, Shape, shows
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import (
    digest,
    json_of,
    name_of,
    native,
    near,
    one_account,
    place,
    quoted,
    say_companions,
    start_of,
    utc_us,
    values_of,
)
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span

_APP = "discord"
_KINDS = {
    "1": "direct", "dm": "direct", "3": "group", "group_dm": "group", "0": "group", "guild_text": "group", "2": "group",
    "guild_voice": "group", "5": "channel", "guild_announcement": "channel", "10": "group", "11": "group", "12": "group",
    "public_thread": "group", "private_thread": "group", "announcement_thread": "group", "13": "group", "15": "group",
    "guild_stage_voice": "group", "guild_forum": "group", "guild_media": "group", "16": "group",
}  # fmt: skip
#: ``relationships[].type``: Discord writes the numbers, newer packages the words
_RELATIONS = {
    "1": "friend", "friend": "friend", "2": "blocked", "blocked": "blocked", "3": "request_in", "pending_incoming": "request_in",
    "4": "request_out", "pending_outgoing": "request_out",
}  # fmt: skip


class _Message(msgspec.Struct, gc=False):
    """A message of the owner."""

    ID: Any = None
    Timestamp: Any = None
    Contents: Any = None
    Attachments: Any = None


class _Relation(msgspec.Struct, gc=False):
    """Somebody the owner has to do with."""

    id: Any = None
    type: Any = None
    user: Any = None


class _Reading:
    """The rows of one file."""

    def __init__(self, source: SourceFile, out: Sink, block: int | None) -> None:
        self.source, self.out, self.block = source, out, block
        self.rows = Gather(out, _APP, "s")

    def messages(self) -> None:
        """Read what the owner wrote in a channel."""
        shape, thread = self._channel()
        plain = shape
        with_file = shape._replace(attachment="other")
        for part in parts(self.source, self.out, {"": _Message}, block=self.block):
            for k, m in enumerate(part.items):
                us, precision = utc_us(m.Timestamp)
                size = len(m.Contents) if m.Contents.__class__ is str else None
                self.rows.event(
                    part.n + k, part.record(k), us, with_file if m.Attachments else plain, size, precision=precision
                )  # fmt: skip
        self.out.note("the package holds only what the owner wrote herself: it says nothing of what others sent or did")
        self.rows.finish("message", complete="no", scope="thread", scope_id=thread)

    def _channel(self) -> tuple[Shape, str]:
        """Return the shape of the messages, and the id of the thread."""
        here = place(self.source)
        found = [
            o for o in near(self.source, f"*/{quoted(here.parent.name)}/channel.json", "*/channel.json", "channel.json")
            if place(o).parent == here.parent
        ]  # fmt: skip
        content = json_of(found[0]) if found else None
        channel = content if isinstance(content, dict) else {}
        say_companions(self.out, "channel", found[:1])
        accounts: dict[str, SourceFile] = {}
        for other in near(self.source, "*/account/user.json"):
            account = json_of(other)
            id_ = name_of(account.get("id")) if isinstance(account, dict) else ""
            if id_:
                accounts.setdefault(id_, other)
        one_account(accounts, "accounts")
        say_companions(self.out, "profile", accounts.values())
        self.out.owner([f"{_APP}:{id_}" for id_ in sorted(accounts)])
        kind = _KINDS.get(str(channel.get("type")).casefold(), "unknown")
        recipients = channel.get("recipients")
        people = (
            {name_of(r) for r in recipients if isinstance(r, str)} - {""} if isinstance(recipients, list) else set()
        )
        others = people - accounts.keys()
        peer = native(_APP, others.pop()) if kind == "direct" and len(others) == 1 else Party()
        id_ = name_of(channel.get("id"))
        if not id_ and here.parent.name[:1] == "c" and here.parent.name[1:].isdigit():
            id_ = here.parent.name[1:]
        thread = f"{_APP}:{id_}" if id_ else f"{_APP}:{digest(self.source.source_id)}"
        number = 2 if kind == "direct" else len(people | accounts.keys()) if people else None
        directed = "yes" if kind == "direct" else "no"
        if not found:
            self.out.note("the file that says which channel this is (channel.json) does not lie beside it")
        return Shape(
            "message", "out", "unknown", *peer, None, "owner", thread, kind, number, directed, None, "none", None
        ), thread  # fmt: skip

    def account(self) -> None:
        """Read the relationships."""
        values = values_of(self.source, ["/id", "/relationships"])
        own = name_of(values.get("/id"))
        if own:
            self.out.owner([f"{_APP}:{own}"])
        if "/relationships" not in values:
            self.out.note("the account has no relationships in this package")
            return
        for part in parts(self.source, self.out, {"/relationships": _Relation}, block=self.block):
            for k, r in enumerate(part.items):
                self._relation(part, k, r)
        self.out.note("relationships are those of the day of the package, without a date")
        self.rows.finish("")

    def _relation(self, part: Part, k: int, r: _Relation) -> None:
        n, record = part.n + k, part.record(k)
        user = r.user if isinstance(r.user, dict) else {}
        party = native(_APP, r.id if r.id is not None else user.get("id"))
        name = _RELATIONS.get(str(r.type).casefold())
        if party.identifier is None:
            self.out.reject(n, record, "the entry names nobody")
        elif name is None:
            self.rows.skip("relationships of a kind that is not known")
        else:
            label = name_of(user.get("global_name")) or name_of(user.get("username"))
            self.rows.listed(n, record, name, party, label or None)


class DiscordPackage:
    """Reader of format ``discord-package``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows("ID Timestamp id type username global_name discriminator nickname").keys,
        sealed=frozenset(["Contents"]),
    )

    description: ClassVar[Description] = Description(
        id="discord-package",
        version=1,
        title="Discord data package: what the owner wrote, and her relationships",
        channels=(_APP,),
        counts="elements of the array of messages, or of relationships[], in file order",
        knowledge="parsers of the package and its README",
        evidence="public code",
        cannot_tell=(
            "anything that others wrote or did: only the owner's own messages are in the package",
            "when somebody was blocked or asked to be a friend",
            "whom she wrote to, where channel.json does not lie beside the messages",
            "calls",
        ),
        versions="packages with messages.json; the messages.csv of packages before 2024 is not read",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know messages by ID, Timestamp and Contents, the account by relationships and a Discord user."""
        keys = outline(head.data)
        if {"/[]", "/*/ID", "/*/Timestamp", "/*/Contents"} <= keys:
            return Claim(90, "an array of messages with ID, Timestamp and Contents")
        if {"/id", "/username", "/discriminator"} <= keys and (
            "/relationships" in keys or "/user_activity_application_statistics" in keys or "/flags" in keys
        ):
            return Claim(90, "the account of a Discord package")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Unreadable
            It holds neither messages nor relationships.
        """
        reading = _Reading(source, out, self._block_bytes)
        with closing(source.open()) as stream:
            start = start_of(Head(stream.read(4096), source.name, source.container, source.size))
        if start.startswith(b"["):
            reading.messages()
        else:
            reading.account()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        arrays = {"/relationships": _Relation} if record.startswith("json:/relationships/") else {"": _Message}
        return find_part(source, arrays, record, n, block=self._block_bytes)


READER = DiscordPackage()
