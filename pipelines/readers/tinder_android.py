"""Reader of Tinder's database on Android (``tinder-3.db``).

Known from public readers (chat-history-manager, ALEAPP) and a fixture of 2023. Counted are the rows of ``match`` and
``message``.
"""

from __future__ import annotations

from typing import Any

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, Thread, has_tables, ms_us, shape_of, shows, size_of
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

APP = "tinder"
_WANTED = {"message": ("match_id", "to_id", "from_id", "sent_date"), "match_person": ("id",)}
_STATUS = {"SUCCESS": "sent", "PENDING": "pending", "FAILED": "failed"}
_KINDS = {
    "GIF": "animation",
    "IMAGE": "image",
    "CONTACT_CARD": "contact",
    "VIBES": "other",
    "AUDIO": "voice",
    "VIDEO": "video",
}
_ALLOWED = shows(
    """
    client_sequential_id id match_id to_id from_id sent_date is_liked type delivery_status is_seen person_id creation_date
    last_activity_date is_blocked is_muted
    """
)


def _native(value: Any) -> str:
    return clean(text(value) or "")[:200]


class _Reading:
    def __init__(self, db: Database, out: Sink) -> None:
        self.db = db
        self.out = out
        self.gather = Gather(out, APP)
        self.names = {
            _native(i): clean(text(name) or "")[:200] for _, i, name in db.lookup("match_person", ["id", "name"])
        }
        self.names.pop("", None)
        self.people = dict.fromkeys(self.names)
        for _, person in db.lookup("match", ["person_id"]):
            if _native(person):
                self.people[_native(person)] = None
        self.shapes = Memo()
        self.own: set[str] = set()

    def _party(self, native: str) -> Party:
        return Party(f"{APP}:{native}", native, "app_id")

    def run(self) -> None:
        gather = self.gather
        pairs = {(sender, to) for _, sender, to in self.db.lookup("message", ["from_id", "to_id"])}
        for sender, to in pairs:
            one, other = _native(sender), _native(to)
            if one in self.people and other and other not in self.people:
                self.own.add(other)
            elif other in self.people and one and one not in self.people:
                self.own.add(one)
            if len(self.own) > 1:
                raise Unreadable("the messages name more than one account of the owner: whose are whose is not told")
        if self.own:
            self.out.owner([f"{APP}:{i}" for i in sorted(self.own)])
        for block in self.db.scan("match", ("person_id", "creation_date", "is_blocked")):
            for n, record, person, at, blocked in zip(block.n, block.records, *block.columns.values(), strict=True):
                native = _native(person)
                if not native:
                    gather.skip("matches without a person")
                    continue
                tags = "match is_blocked" if blocked == 1 else "match"
                gather.listed(n, record, "friend", self._party(native), self.names.get(native), tags, ms_us(at))
        for block in self.db.scan("message", ("from_id", "to_id", "type", "delivery_status", "sent_date", "text")):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._message(*row)
        gather.finish("message")
        self.db.settle(self.out)
        self.out.note("a match that was dissolved goes with its messages: what is absent shows nothing")

    def _message(self, n: int, record: str, sender: Any, to: Any, kind: Any, state: Any, at: Any, body: Any) -> None:
        key = (sender, to, kind, state)
        shape: Shape | None = self.shapes.get(key)
        if shape is None:
            shape = self._shape(_native(sender), _native(to), kind, state)
            if shape is None:
                self.gather.reject(
                    n, record, "neither side of the message is a match, or both are: its direction is not told"
                )
                return
            self.shapes.keep(key, shape)
        self.gather.event(n, record, ms_us(at), shape, size_of(body))

    def _shape(self, sender: str, to: str, kind: Any, state: Any) -> Shape | None:
        theirs, ours = sender in self.people, to in self.people
        if not theirs and not ours and len(self.own) == 1:
            # a match who is in no list any more: the other side is the owner all the same
            theirs, ours = to in self.own and bool(sender), sender in self.own and bool(to)
        if theirs == ours:
            return None
        peer = self._party(sender if theirs else to)
        thread = Thread("direct", peer, peer.identifier)
        return shape_of(
            thread, ours, attachment=_KINDS.get(kind, "none") if isinstance(kind, str) else "none",
            status=_STATUS.get(state, "unknown") if ours and isinstance(state, str) else "unknown",
        )  # fmt: skip


class TinderAndroid:
    """Reader of format ``tinder-android``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="tinder-android",
            version=1,
            title="Tinder for Android: database tinder-3.db",
            channels=(APP,),
            counts="rows of match and message, in this order, by rowid",
            knowledge="public readers chat-history-manager and ALEAPP; a fixture of 2023",
            evidence="real sample",
            cannot_tell=(
                "what hangs on a message: a picture can stand in its text as an address",
                "who blocked whom, where a match is marked as blocked",
                "matches that were dissolved, and their messages",
                "who liked the owner without a match",
            ),
            versions="tinder-3.db of 2023-11",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Tinder's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Tinder's tables message and match_person")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, out).run()


READER = TinderAndroid()
