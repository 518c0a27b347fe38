"""Reader of Viber's databases on Android: ``viber_data`` (calls, blocked numbers, address book) and ``viber_messages``.

The first is known from a real training image (plaso, ALEAPP), the second from public code (ALEAPP, ViberDBViewer). Counted are
the rows of ``blockednumbers``, ``calls``, ``messages`` and ``phonebookcontact``, whichever the file has.
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
_DATA = {
    "calls": ("canonized_number", "date", "duration", "type", "viber_call_type"),
    "blockednumbers": ("canonized_number",),
}
_MESSAGES = {
    "messages": ("conversation_id", "participant_id", "msg_date", "send_type"),
    "participants_info": ("number",),
    "participants": ("participant_info_id",),
}
_VIEWED = "phonebookcontact"
#: kinds of messages (ViberDBViewer); others are rejected with their number
_KINDS = {
    0: "none", 1: "image", 3: "video", 4: "sticker", 5: "location", 7: "none", 8: "none", 9: "contact", 10: "document",
    1005: "animation", 1008: "deleted", 1009: "voice", 1010: "video",
}  # fmt: skip
_REACTION = 1007
_DIRECT, _SELF = 0, 6
_GROUPS = (1, 5)
_ALLOWED = shows(
    """
    _id call_id number canonized_number viber_call viber_call_type date duration type end_reason start_reason group_id
    flags looked blocked_date block_reason status native_id display_name starred viber joined_date has_number has_name
    conversation_id participant_id msg_date send_type extra_mime unread deleted order_key group_id conversation_type
    """
)


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP)
        self.people = Memo()
        self.shapes = Memo()
        self.threads: dict[int, Thread] = {}
        self.senders: dict[int, Party] = {}

    def _party(self, raw: Any, member: Any = None) -> Party:
        key = (text(raw), text(member))
        found = self.people.get(key)
        if found is not None:
            return found  # type: ignore[no-any-return]
        shown = clean(key[0] or "")[:200]
        identifier, kind = self.context.phone(shown or None)
        if kind in ("alpha", "raw", "mail") and identifier is not None and not identifier.startswith("raw:+"):
            identifier, kind = f"{APP}:{shown}", "app_id"
        if identifier is None and kind == "none" and key[1]:
            identifier, kind = f"{APP}:{clean(key[1])[:200]}", "app_id"
        return self.people.keep(key, Party(identifier, shown or None, kind))  # type: ignore[no-any-return]

    def run(self) -> None:
        gather = self.gather
        for block in self.db.scan("blockednumbers", ("canonized_number", "blocked_date")):
            for n, record, raw, at in zip(block.n, block.records, *block.columns.values(), strict=True):
                who = self._party(raw)
                us = ms_us(at)
                if who.identifier is None:
                    gather.reject(n, record, "the entry does not say who is blocked")
                elif not us:
                    gather.listed(n, record, "blocked", who)
                else:
                    thread = Thread("direct", who, who.identifier)
                    gather.event(n, record, us, shape_of(thread, True, kind="block", attachment=None))
        columns = (
            "canonized_number",
            "number",
            "type",
            "viber_call_type",
            "viber_call",
            "group_id",
            "date",
            "duration",
        )
        if self.db.has("calls", "viber_call_type"):
            for block in self.db.scan("calls", columns):
                for n, record, canonized, raw, kind, medium, own, group, at, duration in zip(
                    block.n, block.records, *block.columns.values(), strict=True
                ):
                    seconds = number(duration)
                    seconds = seconds if seconds is not None and seconds > 0 else None
                    shape = self._call(canonized, raw, kind, medium, own, group, seconds)
                    if shape is None:
                        gather.reject(n, record, f"kind {number(kind)} of call is not known to this reader")
                    else:
                        gather.event(n, record, ms_us(at), shape, None, seconds)
        if self.db.has("messages", "msg_date"):
            self._messages()
        self._contacts()
        gather.finish("call message block mention" if "messages" in self.db.tables else "call block")
        self.db.settle(self.out)
        self.out.note(
            "a call list and chats can be emptied, and disappearing messages leave no row: what is absent shows nothing"
        )
        if "messages" not in self.db.tables:
            self.out.note("messages are not in this file: Viber keeps them in viber_messages")

    def _call(
        self, canonized: Any, raw: Any, kind: Any, medium: Any, own: Any, group: Any, seconds: int | None
    ) -> Shape | None:
        if kind not in (1, 2):
            return None
        who = self._party(canonized if text(canonized) else raw)
        conference = (number(group) or 0) != 0
        thread = Thread("group", NOBODY, f"{APP}:{group}") if conference else Thread("direct", who, who.identifier)
        words = [{1: "voice", 4: "video"}.get(medium, "")] if medium.__class__ is int else []
        if own == 0:
            words.append("viber_out")
        return shape_of(
            thread, kind == 2, who, kind="call", answered=True if seconds else None, attachment=None, directed="unknown",
            tags=" ".join(w for w in words if w) or None,
        )  # fmt: skip

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages(self) -> None:
        info = {rowid: self._party(raw, member) for rowid, raw, member in self.db.lookup(
            "participants_info", ["number", "member_id"])}  # fmt: skip
        self.senders = {
            rowid: info[i] for rowid, i in self.db.lookup("participants", ["participant_info_id"]) if i in info
        }
        for rowid, kind, one, group in self.db.lookup(
            "conversations", ["conversation_type", "participant_id_1", "group_id"]
        ):
            if kind == _DIRECT:
                who = info.get(one, NOBODY)
                self.threads[rowid] = Thread(
                    "direct" if who.identifier else "unknown", who, who.identifier or f"{APP}:{rowid}"
                )
            elif kind == _SELF:
                self.threads[rowid] = Thread("self")
            elif kind in _GROUPS:
                self.threads[rowid] = Thread("group", NOBODY, f"{APP}:{number(group) or rowid}")
        own: set[str] = set()
        columns = ("conversation_id", "participant_id", "send_type", "extra_mime", "deleted", "msg_date", "body")
        for block in self.db.scan("messages", columns):
            for n, record, chat, sender, sent, kind, gone, at, body in zip(
                block.n, block.records, *block.columns.values(), strict=True
            ):
                if sent == 1 and len(own) < 2:
                    mine = self.senders.get(sender, NOBODY).identifier
                    if mine is not None:
                        own.add(mine)
                self._message(n, record, chat, sender, sent, kind, gone, at, body)
        if len(own) == 1:
            self.out.owner(sorted(own))

    def _message(
        self, n: int, record: str, chat: Any, sender: Any, sent: Any, kind: Any, gone: Any, at: Any, body: Any
    ) -> None:
        gather = self.gather
        kind = 0 if kind is None else kind
        thread = self.threads.get(chat) if chat.__class__ is int else None
        if thread is not None and thread.kind == "self":
            gather.skip("rows in the owner's notes to herself")
        elif sent not in (0, 1):
            gather.reject(n, record, "the row does not say whether the message came in or went out")
        elif thread is None:
            gather.reject(n, record, "the chat of the message is not in the database, or of a kind that is not known")
        elif kind == _REACTION:
            if sent == 1:
                gather.skip("reactions of the owner")
                return
            shape = shape_of(
                thread, False, self.senders.get(sender, NOBODY), kind="mention", attachment=None, tags="reaction"
            )
            gather.event(n, record, ms_us(at), shape)
        elif kind not in _KINDS or kind.__class__ is not int:
            gather.reject(n, record, f"kind {number(kind)} of message is not known to this reader")
        else:
            key = (chat, sender, sent, kind, gone == 1)
            found: Shape | None = self.shapes.get(key)
            if found is None:
                found = shape_of(
                    thread, sent == 1, self.senders.get(sender, NOBODY), attachment="deleted" if gone == 1 else _KINDS[kind],
                    tags="business" if kind == 7 else None,
                )  # fmt: skip
                self.shapes.keep(key, found)
            size = size_of(body) if kind in (0, 8) and gone != 1 else None
            gather.event(n, record, ms_us(at), found, size)

    def _contacts(self) -> None:
        numbers: dict[Any, list[Any]] = {}
        for _, contact, canonized, first, shown in self.db.lookup(
            "phonebookdata", ["contact_id", "data2", "data1", "data3"]
        ):
            raw = next((v for v in (canonized, first, shown) if text(v)), None)
            if raw is not None:
                numbers.setdefault(contact, []).append(raw)
        for block in self.db.scan(_VIEWED, ("display_name",)):
            for n, record, rowid, name in zip(
                block.n, block.records, block.rowids, block.columns["display_name"], strict=True
            ):
                label = clean(text(name) or "")[:200]
                parties = dict.fromkeys(self._party(raw) for raw in numbers.get(rowid, ()))
                one_each = {p.identifier: p for p in parties if p.identifier is not None}
                if not label or not one_each:
                    self.gather.skip("contacts without a name or a number")
                    continue
                for sub, who in enumerate(one_each.values(), 1):
                    self.gather.listed(n, record, "address_book", who, label, sub=sub)


class ViberAndroid:
    """Reader of format ``viber-android``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="viber-android",
            version=1,
            title="Viber for Android: databases viber_data (calls, blocked numbers) and viber_messages",
            channels=(APP,),
            counts="rows of blockednumbers, calls, messages and phonebookcontact, in this order, by rowid",
            knowledge="public readers plaso, ALEAPP and ViberDBViewer; a real training image of viber_data",
            evidence="real sample",
            cannot_tell=(
                "whether a call without talk time was missed, refused or never reached anybody: its codes are not known",
                "whether the start of a call is the ringing or the answer",
                "messages were known from public code only, not from a real file",
                "shared places: the scale of the numbers is not known",
                "the meaning of kinds of messages and calls that public readers do not know: rejected with their number",
                "a block that was lifted: the row goes with it",
            ),
            versions="viber_data of 2022",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the tables of one of the two files."""
        tables = tables_of(head)
        if has_tables(tables, _DATA):
            return Claim(95, "a database with Viber's tables calls and blockednumbers")
        if has_tables(tables, _MESSAGES):
            return Claim(95, "a database with Viber's tables messages, participants and participants_info")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            wanted = _MESSAGES if "participants_info" in db.tables or "participants_info" in db.refused else _DATA
            for table, columns in wanted.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = ViberAndroid()
