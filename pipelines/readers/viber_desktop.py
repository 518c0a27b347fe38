"""Reader of Viber Desktop's database (``viber.db``).

Known from public code only (ViberDBViewer, viberpy, ViberExtractor). Every event stands in ``Events``; what it was stands in
``Messages`` or ``Calls`` under the same number. Counted are the rows of ``Contact`` and ``Events``.
"""

from __future__ import annotations

from typing import Any

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import (
    NOBODY,
    Gather,
    Memo,
    Party,
    Shape,
    Thread,
    has_tables,
    ms_us,
    number,
    shape_of,
    shows,
    size_of,
)
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

APP = "viber"
_WANTED = {
    "Events": ("EventID", "TimeStamp", "Direction", "ChatID"),
    "Messages": ("EventID", "Type"),
    "ChatInfo": ("ChatID",),
    "Contact": ("ContactID", "Number"),
}
_KINDS = {
    1: "none", 2: "image", 3: "video", 4: "sticker", 5: "location", 8: "none", 9: "none", 10: "contact", 11: "document",
    72: "deleted",
}  # fmt: skip
_LIKE, _PINNED = 0, 15
_HISTORY = frozenset({256, 257})
_OWN = 1  # the owner's entry in Contact
_ALLOWED = shows(
    """
    EventID TimeStamp Direction Type ChatID ContactID Number SortOrder IsSessionLifeTime Flag ClientFlag Status Duration
    Name ClientName
    """
)


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP)
        self.shapes = Memo()
        self.people: dict[Any, Party] = {}
        for _, ident, raw, member in db.lookup("Contact", ["ContactID", "Number", "MID"]):
            self.people[ident] = self._party(raw, member)
        own = self.people.get(_OWN, NOBODY)
        if own.identifier is not None:
            out.owner([own.identifier])
        members: dict[Any, set[Any]] = {}
        for _, chat, who in db.lookup("ChatRelation", ["ChatID", "ContactID"]):
            members.setdefault(chat, set()).add(who)
        self.chats: dict[Any, Thread] = {}
        for _, chat, name in db.lookup("ChatInfo", ["ChatID", "Name"]):
            others = members.get(chat, set()) - {_OWN}
            if text(name) or len(others) > 1:
                self.chats[chat] = Thread("group", NOBODY, f"{APP}:{chat}")
            elif len(others) == 1:
                who = self.people.get(next(iter(others)), NOBODY)
                self.chats[chat] = Thread(
                    "direct" if who.identifier else "unknown", who, who.identifier or f"{APP}:{chat}"
                )
            elif members.get(chat) == {_OWN}:
                self.chats[chat] = Thread("self")
            else:
                self.chats[chat] = Thread("unknown", NOBODY, f"{APP}:{chat}")

    def _party(self, raw: Any, member: Any) -> Party:
        shown = clean(text(raw) or "")[:200]
        if shown:
            identifier, kind = self.context.phone(shown)
            if kind in ("alpha", "mail") and identifier is not None:
                identifier, kind = f"{APP}:{shown}", "app_id"
            return Party(identifier, shown, kind)
        native = clean(text(member) or "")[:200]
        return Party(f"{APP}:{native}", native, "app_id") if native else NOBODY

    def run(self) -> None:
        gather = self.gather
        for block in self.db.scan("Contact", ("ContactID", "Name")):
            for n, record, ident, name in zip(block.n, block.records, *block.columns.values(), strict=True):
                who, label = self.people.get(ident, NOBODY), clean(text(name) or "")[:200]
                if who.identifier is None or not label or ident == _OWN:
                    gather.skip("contacts without a name or a number, and the owner's own entry")
                else:
                    gather.listed(n, record, "address_book", who, label)
        # what a message was is kept, not what it said
        bodies = {e: (kind, flag, size_of(body)) for _, e, kind, flag, body in self.db.lookup(
            "Messages", ["EventID", "Type", "ClientFlag", "Body"])}  # fmt: skip
        calls = {
            e: (kind, duration) for _, e, kind, duration in self.db.lookup("Calls", ["EventID", "Type", "Duration"])
        }
        for block in self.db.scan("Events", ("EventID", "Direction", "ChatID", "ContactID", "TimeStamp")):
            for n, record, event, way, chat, who, at in zip(
                block.n, block.records, *block.columns.values(), strict=True
            ):
                self._event(n, record, way, chat, who, at, bodies.get(event), calls.get(event))
        gather.finish("call message mention")
        self.db.settle(self.out)
        self.out.note(
            "Viber Desktop has only what was made or synchronised while it was linked: what is absent shows nothing"
        )

    def _event(
        self,
        n: int,
        record: str,
        way: Any,
        chat: Any,
        sender: Any,
        at: Any,
        message: tuple[Any, Any, int | None] | None,
        call: Any,
    ) -> None:
        gather = self.gather
        thread = self.chats.get(chat)
        who = self.people.get(sender, NOBODY)
        if thread is None and call is not None and who.identifier is not None and sender != _OWN:
            thread = Thread("direct", who, who.identifier)
        if thread is not None and thread.kind == "self":
            gather.skip("rows in the owner's notes to herself")
        elif way not in (0, 1):
            gather.reject(n, record, "the row does not say whether it came in or went out")
        elif thread is None:
            gather.reject(n, record, "the chat of the event is not in the database")
        elif call is not None:
            seconds = number(call[1])
            seconds = seconds if seconds is not None and seconds > 0 else None
            shape = shape_of(
                thread,
                way == 1,
                who,
                kind="call",
                attachment=None,
                answered=True if seconds else None,
                directed="unknown",
            )
            gather.event(n, record, ms_us(at), shape, None, seconds)
        elif message is None:
            gather.skip("events that are neither message nor call")
        else:
            self._message(n, record, way, chat, thread, sender, who, at, message)

    def _message(
        self,
        n: int,
        record: str,
        way: Any,
        chat: Any,
        thread: Thread,
        sender: Any,
        who: Party,
        at: Any,
        message: tuple[Any, Any, int | None],
    ) -> None:
        gather = self.gather
        kind, flag, size = message
        if flag in _HISTORY:
            gather.skip("earlier versions of edited messages")
        elif kind == _PINNED:
            gather.skip("lines of the app itself")
        elif kind == _LIKE:
            if way == 1:
                gather.skip("reactions of the owner")
            else:
                gather.event(
                    n, record, ms_us(at), shape_of(thread, False, who, kind="mention", attachment=None, tags="reaction")
                )
        elif kind not in _KINDS or kind.__class__ is not int:
            gather.reject(n, record, f"kind {number(kind)} of message is not known to this reader")
        else:
            key = (way, chat, sender, kind)
            shape: Shape | None = self.shapes.get(key)
            if shape is None:
                tags = "business" if kind == 8 else None
                shape = shape_of(thread, way == 1, who, attachment=_KINDS[kind], tags=tags)
                self.shapes.keep(key, shape)
            gather.event(n, record, ms_us(at), shape, size if kind in (1, 9) else None)


class ViberDesktop:
    """Reader of format ``viber-desktop``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="viber-desktop",
            version=1,
            title="Viber Desktop: database viber.db",
            channels=(APP,),
            counts="rows of Contact and Events, in this order, by rowid",
            knowledge="public code: ViberDBViewer, viberpy and ViberExtractor",
            evidence="public code",
            cannot_tell=(
                "calls that were not made on the computer, and whether a call without talk time was missed",
                "blocked numbers",
                "no real file was at hand: what public code does not say is not read",
                "the meaning of kinds of messages that public readers do not know: rejected with their number",
            ),
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Viber Desktop's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(94, "a database with Viber Desktop's tables Events, Messages, ChatInfo and Contact")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = ViberDesktop()
