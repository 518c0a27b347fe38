"""Reader of Viber's database on the iPhone (``Contacts.data``): chats, calls, address book.

Known from public code only (iLEAPP, DFIR SQL queries, a public archiver). Counted are the rows of ``ZABCONTACTNUMBER``,
``ZRECENT`` and ``ZVIBERMESSAGE``.
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
    shape_of,
    shows,
    size_of,
)
from pipelines.readers._cocoa import cocoa_us
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

APP = "viber"
_WANTED = {"ZVIBERMESSAGE": ("ZDATE", "ZSTATE", "ZCONVERSATION"), "ZCONVERSATION": ("ZINTERLOCUTOR",)}
_ATTACHMENTS = {
    "picture": "image", "image": "image", "photo": "image", "video": "video", "ptt": "voice", "audio": "voice",
    "sticker": "sticker", "gif": "animation", "customlocation": "location", "location": "location", "file": "document",
    "contact": "contact",
}  # fmt: skip
_ALLOWED = shows(
    """
    Z_PK Z_ENT Z_OPT ZDATE ZSTATEDATE ZSTATE ZCONVERSATION ZPHONENUMINDEX ZATTACHMENT ZLOCATION ZSYSTEMTYPE ZBEINGDELETED
    ZCALLTYPE ZDURATION ZRECENTSLINE ZCALLLOGMESSAGE ZPHONE ZCANONIZEDPHONENUM ZCONTACT ZLIKESCOUNT
    """
)


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP, "s")
        self.shapes = Memo()
        self.numbers: dict[Any, Party] = {}
        for _, member, canonized, raw in db.lookup("ZPHONENUMBER", ["ZMEMBER", "ZCANONIZEDPHONENUM", "ZPHONE"]):
            who = self._party(canonized, raw)
            if member is not None and who.identifier is not None:
                self.numbers.setdefault(member, who)
        for rowid, native in db.lookup("ZMEMBER", ["ZMEMBERID"]):
            name = clean(text(native) or "")[:200]
            if rowid not in self.numbers and name:
                self.numbers[rowid] = Party(f"{APP}:{name}", name, "app_id")
        self.chats: dict[Any, Thread] = {}
        for rowid, other in db.lookup("ZCONVERSATION", ["ZINTERLOCUTOR"]):
            if other is None:
                self.chats[rowid] = Thread("group", NOBODY, f"{APP}:{rowid}")
            else:
                who = self.numbers.get(other, NOBODY)
                self.chats[rowid] = Thread(
                    "direct" if who.identifier else "unknown", who, who.identifier or f"{APP}:{rowid}"
                )
        self.kinds = {rowid: text(kind) for rowid, kind in db.lookup("ZATTACHMENT", ["ZTYPE"])}
        self.points = {
            rowid: (lat, lon) for rowid, lat, lon in db.lookup("ZVIBERLOCATION", ["ZLATITUDE", "ZLONGITUDE"])
        }
        self.called: set[Any] = set()

    def _party(self, *raws: Any) -> Party:
        for raw in raws:
            shown = clean(text(raw) or "")[:200]
            if shown:
                digits = f"+{shown}" if shown.isascii() and shown.isdigit() and len(shown) > 9 else shown
                identifier, kind = self.context.phone(digits)
                if kind in ("alpha", "mail") and identifier is not None:
                    identifier, kind = f"{APP}:{shown}", "app_id"
                return Party(identifier, digits, kind)
        return NOBODY

    def run(self) -> None:
        names = dict(self.db.lookup("ZABCONTACT", ["ZMAINNAME"]))
        for block in self.db.scan("ZABCONTACTNUMBER", ("ZCONTACT", "ZCANONIZEDPHONENUM", "ZPHONE")):
            for n, record, contact, canonized, raw in zip(block.n, block.records, *block.columns.values(), strict=True):
                who, label = self._party(canonized, raw), clean(text(names.get(contact)) or "")[:200]
                if who.identifier is None or not label:
                    self.gather.skip("contacts without a name or a number")
                else:
                    self.gather.listed(n, record, "address_book", who, label)
        self._calls()
        columns = (
            "ZCONVERSATION",
            "ZPHONENUMINDEX",
            "ZSTATE",
            "ZATTACHMENT",
            "ZLOCATION",
            "ZSYSTEMTYPE",
            "ZDATE",
            "ZTEXT",
        )
        for block in self.db.scan("ZVIBERMESSAGE", columns):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        self.gather.finish("call message share")
        self.db.settle(self.out)
        self.out.note(
            "a call list and chats can be emptied, and disappearing messages leave no row: what is absent shows nothing"
        )

    def _calls(self) -> None:
        lines = {rowid: self._party(raw) for rowid, raw in self.db.lookup("ZRECENTSLINE", ["ZPHONENUMBER"])}
        bubbles: dict[Any, Any] = {}
        if self.db.has("ZRECENT", "ZCALLLOGMESSAGE"):
            wanted = {m for _, m in self.db.lookup("ZRECENT", ["ZCALLLOGMESSAGE"]) if m is not None}
            if wanted:
                bubbles = {r: c for r, c in self.db.lookup("ZVIBERMESSAGE", ["ZCONVERSATION"]) if r in wanted}
        for block in self.db.scan("ZRECENT", ("ZCALLTYPE", "ZRECENTSLINE", "ZCALLLOGMESSAGE", "ZDATE", "ZDURATION")):
            for n, record, kind, line, bubble, at, duration in zip(
                block.n, block.records, *block.columns.values(), strict=True
            ):
                word = text(kind) or ""
                base = word.removesuffix("_with_video")
                if base not in ("missed", "incoming", "outgoing_viber", "outgoing"):
                    self.gather.reject(n, record, "the kind of call is not known to this reader")
                    continue
                seconds = round(duration) if duration.__class__ in (int, float) and 0 < duration < 1 << 31 else None
                chat = self.chats.get(bubbles.get(bubble), Thread())
                who = lines.get(line, NOBODY)
                if who.identifier is None and chat.kind == "direct":
                    who = chat.peer
                thread = Thread("direct" if who.identifier else "unknown", who, who.identifier)
                missed = base == "missed"
                shape = shape_of(
                    thread, base.startswith("outgoing"), who, kind="call", attachment=None,
                    answered=False if missed else True if seconds else None,
                    tags=("missed " if missed else "") + ("video" if word != base else "voice"),
                )  # fmt: skip
                us, precision = cocoa_us(at)
                if self.gather.event(n, record, us, shape, None, seconds, precision=precision) and bubble is not None:
                    self.called.add(bubble)

    def _message(
        self, n: int, rowid: int, chat: Any, sender: Any, state: Any, attached: Any, location: Any, system: Any, at: Any,
        body: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        record = f"sql:ZVIBERMESSAGE/{rowid}"
        thread = self.chats.get(chat)
        if rowid in self.called:
            gather.skip("calls in chats that the call list has, too")
        elif text(system):
            gather.skip("lines of the app itself")
        elif thread is None:
            gather.reject(n, record, "the chat of the message is not in the database")
        elif state not in ("send", "delivered", "received"):
            gather.reject(n, record, "the row does not say whether the message came in or went out")
        else:
            key = (chat, sender, state, attached is not None and self.kinds.get(attached), location is not None)
            shape: Shape | None = self.shapes.get(key)
            if shape is None:
                attachment = "none"
                if location is not None:
                    attachment = "location"
                elif attached is not None:
                    attachment = _ATTACHMENTS.get((self.kinds.get(attached) or "").casefold(), "other")
                outgoing = state != "received"
                shape = shape_of(
                    thread, outgoing, self.numbers.get(sender, NOBODY), attachment=attachment,
                    status={"send": "sent", "delivered": "delivered"}.get(state, "unknown"),
                )  # fmt: skip
                self.shapes.keep(key, shape)
            us, precision = cocoa_us(at)
            size = size_of(body) or None
            if (
                gather.event(n, record, us, shape, size, precision=precision)
                and location in self.points
                and us is not None
            ):
                gather.place(n, record, us, shape, *self.points[location], precision=precision)


class ViberIos:
    """Reader of format ``viber-ios``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="viber-ios",
            version=1,
            title="Viber for iPhone: database Contacts.data",
            channels=(APP,),
            counts="rows of ZABCONTACTNUMBER, ZRECENT and ZVIBERMESSAGE, in this order, by Z_PK",
            knowledge="public code: iLEAPP, DFIR SQL queries and a public archiver of calls",
            evidence="public code",
            cannot_tell=(
                "whether an incoming call without talk time was answered",
                "the owner's own number (it stands in another file)",
                "blocked numbers: where this version keeps them is not known",
                "no real file was at hand: what public code does not say is not read",
            ),
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Viber's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Viber's tables ZVIBERMESSAGE and ZCONVERSATION")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = ViberIos()
