"""Reader of WhatsApp's database on Android (``msgstore.db``) of the newer kind, with the tables ``message``, ``chat``, ``jid``.

Known from public readers (chat-history-manager, IPED, ALEAPP, whatsapp-chat-exporter), from schemas of 2023 to 2026 and from
fixtures of two of them. Counted are the rows of ``call_log``, ``message`` and ``message_add_on``.
"""

from __future__ import annotations

from typing import Any

from pipelines.readers._chat_rows import (
    NOBODY,
    Gather,
    Memo,
    Party,
    Shape,
    Thread,
    has_tables,
    mime_attachment,
    ms_us,
    shape_of,
)
from pipelines.readers._sqlite import Database, open_database, tables_of
from pipelines.readers._whatsapp_android import (
    ALLOWED,
    KINDS,
    OUTSIDE,
    STATUS,
    TEXTLESS,
    WHY_NOT,
    WORDS,
    Phone,
    call_shape,
)
from pipelines.readers._whatsapp_jids import APP
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

_WANTED = {
    "message": ("chat_row_id", "from_me", "timestamp", "message_type"),
    "chat": ("jid_row_id",),
    "jid": ("raw_string",),
}
_COLUMNS = ("chat_row_id", "from_me", "key_id", "sender_jid_row_id", "status", "timestamp", "message_type", "text_data")
_REACTION = 56
_ADDED = (4, 12)
_NUMBER = (10, 28)
_BLOCK = 58
_CALLS = (8, 10, 90)
_REFUSED = {
    "direction": "the row does not say whether the message came in or went out",
    "chat": "the chat of the message is not in the database",
}
#: what shares a place; the place in an advertisement is nobody's
_PLACES = (5, 16)


class _Reading:
    """One database on its way into a sink."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.gather = Gather(out, APP)
        self.phone = Phone(db, context)
        self.action = {m: a for _, m, a in db.lookup("message_system", ["message_row_id", "action_type"])}
        self.blocked = {m: b for _, m, b in db.lookup("message_system_block_contact", ["message_row_id", "is_blocked"])}
        self.joined = {
            m for _, m, me in db.lookup("message_system_group", ["message_row_id", "is_me_joined"]) if me == 1
        }
        self.members: dict[int, list[int]] = {}
        for _, m, who in db.lookup("message_system_chat_participant", ["message_row_id", "user_jid_row_id"]):
            if self.action.get(m) in _ADDED and m in self.joined:
                self.members.setdefault(m, []).append(who)
        self.changed = {m: (a, b) for _, m, a, b in db.lookup(
            "message_system_number_change", ["message_row_id", "old_jid_row_id", "new_jid_row_id"])}  # fmt: skip
        self.points = {m: (lat, lon, "venue" if place else None) for _, m, lat, lon, place in db.lookup(
            "message_location", ["message_row_id", "latitude", "longitude", "place_name"])}  # fmt: skip
        self.answers = {m for _, m, mine in db.lookup("message_quoted", ["message_row_id", "from_me"]) if mine == 1}
        self.knows_answers = db.has("message_quoted", "from_me") and db.has("message_mentions", "jid_row_id")
        self.mentions: dict[int, list[int]] = {}
        for _, m, who in db.lookup("message_mentions", ["message_row_id", "jid_row_id"]):
            self.mentions.setdefault(m, []).append(who)
        self.parents = {p for _, kind, p in db.lookup("message_add_on", ["message_add_on_type", "parent_message_row_id"])
                        if kind == _REACTION}  # fmt: skip
        self.own_parents: set[int] = set()
        self.reactions = {a: (r, at) for _, a, r, at in db.lookup(
            "message_add_on_reaction", ["message_add_on_row_id", "reaction", "sender_timestamp"])}  # fmt: skip
        self.phone.owner(out, self._own())
        self.chats: dict[int, Thread] = {}
        accounts = set()
        for rowid, ident, jid, account in db.lookup("chat", ["_id", "jid_row_id", "account_jid_row_id"]):
            self.chats[ident if ident.__class__ is int else rowid] = self.phone.people.thread(self.phone.jid.get(jid))
            accounts.add(account)
        accounts.discard(None)
        if len(accounts) > 1:
            out.note(
                f"the chats name {len(accounts)} accounts of the app: whether they are all the owner's is not known"
            )
        self.shapes = Memo()

    def _own(self) -> list[str]:
        """Return the owner's addresses: who was added where the app says that it was the owner."""
        found = []
        for members in self.members.values():
            if len(members) == 1:
                identifier = self.phone.people.party(self.phone.jid.get(members[0])).identifier
                if identifier is not None:
                    found.append(identifier)
        return found

    def run(self) -> None:
        """Read the counted tables in the order of their names."""
        self.phone.calls(self.gather)
        for block in self.db.scan("message", _COLUMNS):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        for block in self.db.scan("message_add_on", ("chat_row_id", "parent_message_row_id", "from_me", "sender_jid_row_id",
                                                     "timestamp", "message_add_on_type")):  # fmt: skip
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._add_on(*row)
        self.gather.finish("call message mention block unblock other share")
        self.db.settle(self.out)
        self._notes()

    def _sender(self, jid: Any) -> Party:
        return self.phone.people.party(self.phone.jid.get(jid)) if jid.__class__ is int and jid > 0 else NOBODY

    def _message(
        self,
        n: int,
        rowid: int,
        chat: Any,
        from_me: Any,
        key: Any,
        sender: Any,
        status: Any,
        at: Any,
        kind: Any,
        body: Any,
    ) -> None:
        gather = self.gather
        record = f"sql:message/{rowid}"
        if rowid in self.parents and from_me == 1:
            self.own_parents.add(rowid)
        shape: Shape | str
        found = (chat, from_me, sender, status, kind)
        if rowid in self.answers or rowid in self.mentions:
            shape = self._shape(*found, rowid)
        else:
            known: Shape | None = self.shapes.get(found)
            if known is None:
                shape = self._shape(*found, None)
                if isinstance(shape, Shape):
                    self.shapes.keep(found, shape)
            else:
                shape = known
        if isinstance(shape, Shape):
            size = len(body) if body.__class__ is str and kind not in TEXTLESS else None
            us = ms_us(at)
            if kind in (81, 103):
                shape = shape._replace(attachment=self._media(rowid))
            if gather.event(n, record, us, shape, size) and kind in _PLACES and rowid in self.points and us is not None:
                lat, lon, venue = self.points[rowid]
                words = [w for w in ("live" if kind == 16 else None, venue) if w]
                gather.place(n, record, us, shape, lat, lon, " ".join(words) or None)
        elif key == "-1" and kind != 7:
            gather.skip("empty rows that the app makes for itself")
        elif shape == "system":
            self._system(n, record, rowid, chat, sender, at, body)
        elif shape == "call":
            self._call(n, record, rowid, chat, from_me, key, sender, at, kind, body)
        elif shape in _REFUSED:
            gather.reject(n, record, _REFUSED[shape])
        elif shape.startswith("kind"):
            gather.reject(n, record, f"{shape} is not known to this reader")
        else:
            gather.skip(shape)

    def _shape(self, chat: Any, from_me: Any, sender: Any, status: Any, kind: Any, rowid: int | None) -> Shape | str:
        """Return the shape of a message, or a word for what it is instead."""
        if status == -1:
            return "empty rows that the app makes for itself"
        if kind == 7:
            return "system"
        thread = self.chats.get(chat) if chat.__class__ is int else None
        if thread is not None and thread.kind in OUTSIDE:
            return OUTSIDE[thread.kind]
        if kind in _CALLS:
            return "call"
        if kind not in KINDS or kind.__class__ is not int:
            return f"kind {kind} of message" if kind.__class__ is int else "kind of message"
        attachment = KINDS[kind]
        if attachment is None:
            return WHY_NOT[kind]
        if thread is None:
            return "chat"
        if from_me not in (0, 1):
            return "direction"
        words = [WORDS[kind]] if kind in WORDS else []
        directed = "unknown"
        if thread.kind == "group" and from_me == 0:
            directed = "no" if self.knows_answers else "unknown"
            if rowid is not None:
                if rowid in self.answers:
                    directed = "yes"
                else:
                    for jid in self.mentions.get(rowid, ()):
                        who = self._sender(jid).identifier
                        if who is not None:
                            words.append(f"mention={who}")
                            directed = "yes" if who in self.phone.people.own else directed
        return shape_of(
            thread, from_me == 1, self._sender(sender), directed=directed, attachment=attachment,
            status=STATUS.get(status, "unknown") if from_me == 1 else "unknown", tags=" ".join(words) or None,
        )  # fmt: skip

    def _media(self, rowid: int) -> str:
        found = self.db.row("message_media", rowid) if self.db.has("message_media", "mime_type") else None
        mime = None if found is None else found.get("mime_type")
        return "none" if not mime else mime_attachment(mime)

    def _call(
        self,
        n: int,
        record: str,
        rowid: int,
        chat: Any,
        from_me: Any,
        key: Any,
        sender: Any,
        at: Any,
        kind: Any,
        body: Any,
    ) -> None:
        thread = self.chats.get(chat)
        us = ms_us(at)
        missed = kind == 10
        if thread is None or from_me not in (0, 1):
            self.gather.reject(n, record, "the row of a call does not say between whom or in which direction it was")
            return
        if self.phone.same_call(rowid, key, us, thread, from_me == 1 and not missed):
            self.gather.skip("calls in chats that the call log has, too")
            return
        video = body == "video" if body in ("video", "audio") else None
        shape = call_shape(thread, from_me == 1, self._sender(sender), missed=missed, video=video)
        self.gather.event(n, record, us, shape)

    def _system(self, n: int, record: str, rowid: int, chat: Any, sender: Any, at: Any, body: Any) -> None:
        """Read what the app itself wrote into a chat: blocks, a changed number, who added the owner."""
        action = self.action.get(rowid)
        thread = self.chats.get(chat) if chat.__class__ is int else None
        us = ms_us(at)
        if action == _BLOCK and (thread is None or thread.kind == "direct"):
            state = self.blocked.get(rowid)
            if state is None and body in ("true", "false"):
                state = 1 if body == "true" else 0
            if thread is None or state not in (0, 1):
                self.gather.reject(n, record, "a block or its end, but not which of the two, or not of whom")
                return
            shape = shape_of(thread, True, kind="block" if state == 1 else "unblock", attachment=None)
            self.gather.event(n, record, us, shape)
        elif action in _NUMBER and rowid in self.changed:
            old, new = (self._sender(j) for j in self.changed[rowid])
            if new.identifier is None:
                self.gather.skip("lines of the app itself")
                return
            was = f" from={old.identifier}" if old.identifier is not None else ""
            self.gather.listed(n, record, "other", new, None, f"number_change{was}", us)
        elif action in _ADDED and rowid in self.members and thread is not None and thread.kind == "group":
            who = self._sender(sender)
            if who.identifier is None or sender in self.members[rowid] or who.identifier in self.phone.people.own:
                self.gather.skip("lines of the app itself")
                return
            shape = shape_of(thread, False, who, kind="other", directed="yes", attachment=None, tags="added")
            self.gather.event(n, record, us, shape)
        else:
            self.gather.skip("lines of the app itself")

    def _add_on(
        self, n: int, rowid: int, chat: Any, parent: Any, from_me: Any, sender: Any, at: Any, kind: Any
    ) -> None:
        record = f"sql:message_add_on/{rowid}"
        thread = self.chats.get(chat) if chat.__class__ is int else None
        if kind != _REACTION:
            self.gather.skip("additions to messages that are no reactions (votes, edits, pins)")
        elif from_me == 1:
            self.gather.skip("reactions of the owner")
        elif thread is None or from_me != 0:
            self.gather.reject(n, record, "the row of a reaction does not say in which chat or by whom it was")
        elif thread.kind in OUTSIDE:
            self.gather.skip(OUTSIDE[thread.kind])
        else:
            reaction, sent = self.reactions.get(rowid, (None, None))
            if reaction == "":
                self.gather.skip("reactions that were taken back")
                return
            us = ms_us(at)
            directed = "yes" if parent in self.own_parents else "no"
            shape = shape_of(
                thread, False, self._sender(sender), kind="mention", directed=directed, attachment=None, tags="reaction"
            )
            self.gather.event(n, record, us if us else ms_us(sent), shape)

    def _notes(self) -> None:
        older = self.db.rows_of("messages") if self.db.has("messages", "key_remote_jid") else None
        if older:
            self.out.note(
                f"an older table of messages with {older} rows is there, too: the app copied it, and it is not read"
            )
        self.out.note(
            "messages that were deleted or have disappeared leave no row, and a call log can be emptied: what is absent shows nothing"
        )


class WhatsAppAndroid:
    """Reader of format ``whatsapp-android``."""

    allowed = ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="whatsapp-android",
            version=1,
            title="WhatsApp for Android: database msgstore.db, decrypted (tables message, chat, jid, call_log)",
            channels=(APP,),
            counts="rows of call_log, message and message_add_on, in this order, by rowid",
            knowledge=(
                "public readers chat-history-manager, IPED, ALEAPP and whatsapp-chat-exporter; a schema dump; fixtures of 2023 and 2026"
            ),
            evidence="real sample",
            cannot_tell=(
                "whether an incoming call that was not taken was missed or refused: public readers disagree on the codes",
                "whether the start of a call is the ringing or the answer",
                "the number behind an address @lid that the app's own map does not hold",
                "who of several people with the owner's own push name is meant: names join nothing",
                "the meaning of kinds of messages that public readers do not know: such rows are rejected with their number",
                "who looked at the owner's status updates (receipts are not read)",
                "encrypted backups (msgstore.db.crypt12, .crypt14, .crypt15): nothing in them can be told by content",
            ),
            versions="schemas of 2023-10 and 2026-01",
            call_start="unknown",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the tables of the newer kind, unless only the older table is filled."""
        tables = tables_of(head)
        if not has_tables(tables, _WANTED) or tables is None or head.source is None:
            return None
        if "messages" in tables and tables["message"]:
            try:
                with open_database(head.source) as db:
                    if next(db.lookup("message", ["_id"]), None) is None and next(db.lookup("messages", ["_id"]), None):
                        return None  # not moved yet: the reader of the older kind takes it
            except Unreadable:
                pass
        return Claim(95, "a database with WhatsApp's tables message, chat and jid")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = WhatsAppAndroid()
