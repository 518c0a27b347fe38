"""Reader of Signal's database on Android, decrypted (``signal.db``, or one restored from a backup).

Known from Signal's own source (``MessageTypes``, the statements that make the tables), ALEAPP and signalbackup-tools. Counted
are the rows of ``call``, ``message``, ``reaction`` and ``recipient``.
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
    mime_attachment,
    ms_us,
    number,
    shape_of,
    shows,
    size_of,
)
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

APP = "signal"
_WANTED = {
    "message": ("date_sent", "thread_id", "from_recipient_id", "type"),
    "recipient": ("e164",),
    "thread": ("recipient_id",),
}
_BASE = 0x1F
_IN = 20
_OUT = {21: "pending", 22: "pending", 23: "sent", 24: "failed", 25: "pending", 26: "pending"}
_DRAFT = 27
#: types of calls in a chat: outgoing, missed, video; None where it cannot be told
_CALLS: dict[int, tuple[bool | None, bool, bool]] = {
    1: (False, False, False), 2: (True, False, False), 3: (False, True, False), 8: (False, True, True),
    10: (False, False, True), 11: (True, False, True), 12: (None, False, False),
}  # fmt: skip
_SPECIAL = 0xF00000000
_REACTION_TO_STORY, _GIFT, _PAYMENT, _SPAM, _BLOCKED, _UNBLOCKED = (k << 32 for k in (1, 2, 3, 5, 0xA, 0xB))
_POLL_END, _PINNED = 0xC << 32, 0xD << 32
#: group changes, keys, sessions, timers: written by the app
_APP_BITS = 0xF0000 & ~0x80000 | 0xFF00 | 0x400000 | 0x10000000
_MISSED = {3: "missed", 10: "missed", 2: "missed", 8: "rejected"}
_ALLOWED = shows(
    """
    _id date_sent date_received date_server thread_id from_recipient_id from_device_id to_recipient_id type read
    story_type parent_story_id scheduled_date latest_revision_id original_message_id revision_number remote_deleted
    view_once mentions_self quote_id quote_author call_id message_id peer direction event timestamp ringer deletion_timestamp
    author_id date_received e164 aci pni username blocked hidden registered group_id has_delivery_receipt has_read_receipt
    """
)


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP)
        self.shapes = Memo()
        self.people: dict[int, Party] = {}
        self.groups: dict[int, str] = {}
        for rowid, phone, aci, pni, user, group, kind in db.lookup(
            "recipient", ["e164", "aci", "pni", "username", "group_id", "type"]
        ):
            if text(group) or kind in (1, 2):
                self.groups[rowid] = clean(text(group) or str(rowid))[:200]
            else:
                self.people[rowid] = self._party(text(phone), text(aci) or text(pni), text(user))
        self.own: int | None = None
        for _, kind, sender in db.lookup("message", ["type", "from_recipient_id"]):
            if kind.__class__ is int and kind & _BASE in _OUT and not kind & _SPECIAL:
                self.own = sender
                break
        mine = self.people.get(self.own, NOBODY) if self.own is not None else NOBODY
        if mine.identifier is not None:
            out.owner([mine.identifier])
        self.threads: dict[int, Thread] = {}
        self.with_recipient: dict[int, Thread] = {}
        for rowid, who in db.lookup("thread", ["recipient_id"]):
            self.threads[rowid] = self._thread(who)
        self.attached: dict[Any, str] = {}
        for table, names in (("attachment", ("message_id", "content_type")), ("part", ("mid", "ct"))):
            if db.has(table, *names):
                for _, message, mime, note, sticker in db.lookup(table, [*names, "voice_note", "sticker_id"]):
                    if message not in self.attached:
                        found = mime_attachment(mime)
                        if number(sticker) is not None and (number(sticker) or 0) >= 0:
                            found = "sticker"
                        self.attached[message] = "voice" if note == 1 else found
                break
        self.logged: set[Any] = set()
        self.sent: set[int] = set()
        self.reacted = {m for _, m in db.lookup("reaction", ["message_id"])}

    def _party(self, phone: str | None, service: str | None, user: str | None) -> Party:
        if phone:
            identifier, kind = self.context.phone(clean(phone)[:200])
            if identifier is not None and kind in ("phone", "short"):
                return Party(identifier, clean(phone)[:200], kind)
        for native in (service, user, phone):
            if native:
                return Party(f"{APP}:{clean(native)[:200]}", clean(native)[:200], "app_id")
        return NOBODY

    def _thread(self, who: Any) -> Thread:
        found = self.with_recipient.get(who)
        if found is None:
            if who in self.groups:
                found = Thread("group", NOBODY, f"{APP}:{self.groups[who]}")
            elif who is not None and who == self.own:
                found = Thread("self")
            else:
                peer = self.people.get(who, NOBODY)
                found = Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
            self.with_recipient[who] = found
        return found

    def run(self) -> None:
        for block in self.db.scan("call", ("peer", "type", "direction", "event", "ringer", "message_id", "timestamp")):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._call(*row)
        columns = ("type", "thread_id", "from_recipient_id", "date_sent", "body", "latest_revision_id", "scheduled_date",
                   "story_type", "remote_deleted", "view_once", "mentions_self", "quote_author")  # fmt: skip
        for block in self.db.scan("message", columns):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        for block in self.db.scan("reaction", ("message_id", "author_id", "date_sent")):
            threads = self._threads_of(block.columns["message_id"])
            for n, record, message, author, at in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._reaction(n, record, message, author, at, threads.get(message))
        names = ["blocked", "system_joined_name", "system_display_name", "profile_joined_name"]
        for block in self.db.scan("recipient", names):
            for n, record, rowid, blocked, *labels in zip(
                block.n, block.records, block.rowids, *block.columns.values(), strict=True
            ):
                self._recipient(n, record, rowid, blocked, labels)
        self.gather.finish("call message mention block unblock gift payment")
        self.db.settle(self.out)
        self.out.note("messages that have disappeared or were deleted leave no row: what is absent shows nothing")

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(
        self, n: int, record: str, peer: Any, kind: Any, way: Any, event: Any, ringer: Any, message: Any, at: Any
    ) -> None:
        gather = self.gather
        if kind == 4:
            gather.skip("calls by a link, which ring nobody")
        elif way not in (0, 1):
            gather.reject(n, record, "the row does not say whether the call came in or went out")
        else:
            thread = self._thread(peer)
            if kind == 3 and thread.kind != "group":
                thread = Thread("group")
            answered = True if event in (1, 6) else False if event in _MISSED else None
            words = [_MISSED[event]] if way == 0 and event in _MISSED else []
            words.append("video" if kind == 1 else "voice")
            if event == 4:
                words.append("deleted")
            shape = shape_of(
                thread, way == 1, self.people.get(ringer, NOBODY), kind="call", answered=answered, attachment=None,
                tags=" ".join(words),
            )  # fmt: skip
            if gather.event(n, record, ms_us(at), shape) and message is not None:
                self.logged.add(message)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _message(
        self, n: int, rowid: int, kind: Any, chat: Any, sender: Any, at: Any, body: Any, newer: Any, planned: Any, story: Any,
        gone: Any, once: Any, mentioned: Any, quoted: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        record = f"sql:message/{rowid}"
        thread = self.threads.get(chat)
        if kind.__class__ is not int:
            gather.reject(n, record, "the type of the message is not a number")
            return
        base, special = kind & _BASE, kind & _SPECIAL
        us = ms_us(at)
        if newer is not None:
            gather.skip("earlier versions of edited messages")
        elif (number(story) or 0) != 0:
            gather.skip("stories, which nobody addresses to the owner alone")
        elif planned.__class__ is int and planned > 0:
            gather.skip("messages that were planned and not sent yet")
        elif base == _DRAFT:
            gather.skip("drafts")
        elif thread is None:
            gather.reject(n, record, "the conversation of the message is not in the database")
        elif thread.kind == "self":
            gather.skip("rows in the owner's notes to herself")
        elif special in (_BLOCKED, _UNBLOCKED):
            if thread.kind != "direct":
                gather.skip("blocks of groups")
                return
            made = shape_of(thread, True, kind="block" if special == _BLOCKED else "unblock", attachment=None)
            gather.event(n, record, us, made)
        elif special == _SPAM and thread.kind == "direct":
            gather.listed(n, record, "reported", thread.peer, us=us)
        elif special not in (0, _REACTION_TO_STORY, _GIFT, _PAYMENT):
            gather.skip("lines of the app itself")
        elif kind in _CALLS:
            self._call_in_chat(n, record, rowid, thread, sender, us, *_CALLS[kind])
        elif (base != _IN and base not in _OUT) or kind & _APP_BITS:
            gather.skip("lines of the app itself")
        else:
            outgoing = base in _OUT
            if outgoing and rowid in self.reacted:
                self.sent.add(rowid)
            attachment = "deleted" if gone == 1 else "view_once" if once == 1 else self.attached.get(rowid, "none")
            to_owner = mentioned == 1 or (self.own is not None and quoted == self.own)
            key = (chat, sender, base, special, attachment, to_owner)
            shape: Shape | None = self.shapes.get(key)
            if shape is None:
                shape = shape_of(
                    thread, outgoing, self.people.get(sender, NOBODY), directed="yes" if to_owner else "no",
                    kind={_GIFT: "gift", _PAYMENT: "payment"}.get(special, "message"), attachment=attachment,
                    status=_OUT.get(base, "unknown"), tags="story_reply" if special == _REACTION_TO_STORY else None,
                )  # fmt: skip
                self.shapes.keep(key, shape)
            gather.event(n, record, us, shape, None if gone == 1 else size_of(body))

    def _call_in_chat(
        self, n: int, record: str, rowid: int, thread: Thread, sender: Any, us: int | None, outgoing: bool | None, missed: bool,
        video: bool,
    ) -> None:  # fmt: skip
        if rowid in self.logged:
            self.gather.skip("calls in chats that the call log has, too")
            return
        if outgoing is None:
            outgoing = self.own is not None and sender == self.own
        shape = shape_of(
            thread, outgoing, self.people.get(sender, NOBODY), kind="call", attachment=None,
            answered=False if missed else None, tags=("missed " if missed else "") + ("video" if video else "voice"),
        )  # fmt: skip
        self.gather.event(n, record, us, shape)

    def _threads_of(self, messages: list[Any]) -> dict[Any, Thread]:
        wanted, found = set(messages), {}
        for rowid, chat in self.db.lookup("message", ["thread_id"]):
            if rowid in wanted:
                found[rowid] = self.threads.get(chat, Thread())
        return found

    def _reaction(self, n: int, record: str, message: Any, author: Any, at: Any, thread: Thread | None) -> None:
        if self.own is not None and author == self.own:
            self.gather.skip("reactions of the owner")
        elif thread is None:
            self.gather.reject(n, record, "the message of the reaction is not in the database")
        elif thread.kind == "self":
            self.gather.skip("rows in the owner's notes to herself")
        else:
            directed = "yes" if message in self.sent else "no"
            who = self.people.get(author, NOBODY)
            shape = shape_of(thread, False, who, kind="mention", directed=directed, attachment=None, tags="reaction")
            self.gather.event(n, record, ms_us(at), shape)

    def _recipient(self, n: int, record: str, rowid: int, blocked: Any, labels: list[Any]) -> None:
        who = self.people.get(rowid, NOBODY)
        if who.identifier is None or rowid == self.own:
            self.gather.skip("entries that are no other person")
            return
        sub = 0
        system = next((clean(v)[:200] for v in map(text, labels[:2]) if v), None)
        profile = clean(text(labels[2]) or "")[:200]
        if system:
            sub += 1
            self.gather.listed(n, record, "address_book", who, system, sub=sub)
        elif profile:
            sub += 1
            self.gather.listed(n, record, "other", who, profile, "profile_name", sub=sub)
        if blocked == 1:
            sub += 1
            self.gather.listed(n, record, "blocked", who, sub=sub)
        if not sub:
            self.gather.skip("entries that are no other person")


class SignalAndroid:
    """Reader of format ``signal-android``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="signal-android",
            version=1,
            title="Signal for Android: database, decrypted (tables message, recipient, thread, call)",
            channels=(APP,),
            counts="rows of call, message, reaction and recipient, in this order, by rowid",
            knowledge="Signal's source (MessageTypes, statements of the tables), ALEAPP and signalbackup-tools",
            evidence="public code",
            cannot_tell=(
                "how long a call lasted: the call log has no end",
                "when somebody was blocked, in versions that did not write it into the chat",
                "versions before 2023, which kept messages in the tables sms and mms: not read",
                "the owner's account, if she never wrote",
                "an encrypted database or backup: it looks like random bytes and cannot be known by content",
                "no real file was at hand: what the source does not say is not read",
            ),
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Signal's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Signal's tables message, recipient and thread")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = SignalAndroid()
