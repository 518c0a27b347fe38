"""Reader of Skype's database of the classic desktop and phone apps (``main.db``).

Known from public readers (plaso, IPED) and a fixture. Counted are the rows of ``Calls``, ``Contacts``, ``Messages`` and
``SMSes``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
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
    number,
    s_us,
    shape_of,
    shows,
    size_of,
)
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

APP = "skype"
_WANTED = {"Messages": ("author", "timestamp", "type"), "Accounts": ("skypename",), "Conversations": ("identity",)}
#: kinds of messages, and what hangs on them
_KINDS = {60: "none", 61: "none", 63: "contact", 67: "voice", 68: "document", 70: "video", 201: "image", 202: "other", 253: "other",
          254: "other"}  # fmt: skip
_REQUEST, _ACCEPTED, _BLOCKED, _SMS = 50, 51, 53, 64
_CALL_BEGUN, _CALL_ENDED = 30, 39
#: lines of the app itself: titles, members, ranks, alerts, birthdays
_APP_LINES = frozenset({2, 4, 8, 10, 11, 12, 13, 21, 29, 65, 69, 100, 110})
#: seconds by which the line of a call in a chat and the call itself may differ [P]
_SAME_CALL_S = 60
_PHONE = re.compile(r"(?:4:)?(\+\d{4,20})", re.ASCII)
_STATUS = {1: "pending", 2: "sent", 3: "failed", 4: "sent", 5: "sent"}
_ALLOWED = shows(
    """
    id is_permanent convo_id author dialog_partner timestamp type sending_status consumption_status edited_timestamp
    identities participant_count chatmsg_type chatmsg_status remote_id begin_timestamp duration is_incoming
    is_unseen_missed host_identity is_conference conv_dbid skypename pstnnumber isblocked target_numbers chatmsg_id status
    displayname
    """
)


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP, "s")
        self.people = Memo()
        self.shapes = Memo()
        accounts = {self._party(name).identifier for _, name in db.lookup("Accounts", ["skypename"])} - {None}
        if len(accounts) > 1:
            raise Unreadable("the database holds more than one account of Skype: whose rows are whose is not told")
        self.own: str | None = next(iter(accounts), None)
        if self.own is None:
            raise Unreadable("the database does not name its account, so that in and out cannot be told apart")
        out.owner([self.own])
        self.threads: dict[Any, Thread] = {}
        for rowid, identity, kind in db.lookup("Conversations", ["identity", "type"]):
            peer = self._party(identity)
            if kind == 1 and peer.identifier is not None:
                self.threads[rowid] = Thread("self" if peer.identifier == self.own else "direct", peer, peer.identifier)
            else:
                self.threads[rowid] = Thread("group", NOBODY, f"{APP}:{clean(text(identity) or str(rowid))[:200]}")
        self.chats: dict[str, Thread] = {}
        for _, name, kind, partner in db.lookup("Chats", ["name", "type", "dialog_partner"]):
            chat = text(name)
            if chat:
                peer = self._party(partner)
                if kind == 2 and peer.identifier is not None:
                    self.chats[chat] = Thread("direct", peer, peer.identifier)
                else:
                    self.chats[chat] = Thread("group", NOBODY, f"{APP}:{clean(chat)[:200]}")
        self.calls: list[int] = []
        self.sms_kept: set[Any] = set()

    def _party(self, raw: Any) -> Party:
        name = clean(text(raw) or "")[:200]
        if not name:
            return NOBODY
        found = self.people.get(name)
        if found is None:
            phone = _PHONE.fullmatch(name)
            if phone is not None:
                identifier, kind = self.context.phone(phone[1])
                found = Party(identifier, phone[1], kind)
            else:
                found = Party(f"{APP}:{name.removeprefix('8:')}", name, "app_id")
            self.people.keep(name, found)
        return found

    def run(self) -> None:
        self._calls()
        for block in self.db.scan("Contacts", ("skypename", "pstnnumber", "displayname", "isblocked")):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._contact(*row)
        columns = (
            "convo_id",
            "chatname",
            "author",
            "dialog_partner",
            "identities",
            "type",
            "sending_status",
            "timestamp",
            "body_xml",
        )
        for block in self.db.scan("Messages", columns):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        for block in self.db.scan(
            "SMSes", ("type", "status", "target_numbers", "reply_to_number", "chatmsg_id", "timestamp", "body")
        ):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._sms(*row)
        self.gather.finish("call message request block")
        self.db.settle(self.out)
        self.out.note(
            "a history can be cleared, and later versions of Skype keep it elsewhere: what is absent shows nothing"
        )

    # -- calls --------------------------------------------------------------------------------------------------------

    def _calls(self) -> None:
        members: dict[Any, list[tuple[Party, Any]]] = {}
        for _, call, who, seconds in self.db.lookup("CallMembers", ["call_db_id", "identity", "call_duration"]):
            party = self._party(who)
            if party.identifier not in (None, self.own):
                members.setdefault(call, []).append((party, seconds))
        columns = (
            "is_incoming",
            "host_identity",
            "is_unseen_missed",
            "is_conference",
            "conv_dbid",
            "begin_timestamp",
            "duration",
        )
        for block in self.db.scan("Calls", columns):
            for n, rowid, incoming, host, missed, conference, convo, at, duration in zip(
                block.n, block.rowids, *block.columns.values(), strict=True
            ):
                record = f"sql:Calls/{rowid}"
                if incoming not in (0, 1):
                    self.gather.reject(n, record, "the row does not say whether the call came in or went out")
                    continue
                others = members.get(rowid, [])
                lengths = [
                    s for s in (number(v) for v in (duration, *(d for _, d in others))) if s is not None and s > 0
                ]
                seconds = max(lengths, default=None)
                caller = self._party(host) if incoming == 1 else NOBODY
                if len(others) > 1 or conference == 1:
                    thread = self.threads.get(convo, Thread("group"))
                    thread = thread if thread.kind == "group" else Thread("group")
                else:
                    peer = others[0][0] if others else caller
                    thread = (
                        self.threads.get(convo, Thread())
                        if peer.identifier is None
                        else Thread("direct", peer, peer.identifier)
                    )
                not_taken = incoming == 1 and missed == 1 and seconds is None
                shape = shape_of(
                    thread, incoming == 0, caller, kind="call", attachment=None, directed="unknown",
                    answered=True if seconds else False if not_taken else None, tags="missed" if not_taken else None,
                )  # fmt: skip
                us = s_us(at)
                if self.gather.event(n, record, us, shape, None, seconds) and us is not None:
                    self.calls.append(us // 1_000_000)
        self.calls.sort()

    def _contact(self, n: int, record: str, name: Any, phone: Any, label: Any, blocked: Any) -> None:
        who = self._party(name) if text(name) else self._party(phone)
        shown = clean(text(label) or "")[:200]
        sub = 0
        if who.identifier is not None and who.identifier != self.own:
            if shown:
                sub += 1
                self.gather.listed(n, record, "address_book", who, shown, sub=sub)
            if blocked == 1:
                sub += 1
                self.gather.listed(n, record, "blocked", who, sub=sub)
        if not sub:
            self.gather.skip("contacts without a name")

    # -- messages -----------------------------------------------------------------------------------------------------

    def _message(
        self, n: int, rowid: int, convo: Any, chat: Any, author: Any, partner: Any, others: Any, kind: Any, sending: Any, at: Any,
        body: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        record = f"sql:Messages/{rowid}"
        thread = self.threads.get(convo) or self.chats.get(text(chat) or "") or Thread()
        who = self._party(author)
        us = s_us(at)
        outgoing = who.identifier == self.own
        if thread.kind == "direct" and not outgoing and who.identifier not in (None, thread.peer.identifier):
            gather.counts["messages in a chat of two by a third person: they are that person's"] += 1
            thread = Thread("direct", who, who.identifier)
        if kind in _APP_LINES or kind == _CALL_ENDED:
            gather.skip("lines of the app itself")
        elif kind == _ACCEPTED:
            gather.skip("requests that were accepted")
        elif who.identifier is None:
            gather.reject(n, record, "the message does not say who wrote it")
        elif thread.kind == "self":
            gather.skip("rows in the owner's chat with herself")
        elif kind == _SMS:
            peer = self._party(others) if outgoing and text(others) else self._party(partner) if outgoing else who
            lone = Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
            shape = shape_of(
                lone, outgoing, peer, attachment="none", status=_STATUS.get(sending, "unknown"), tags="sms"
            )
            # its body is a small XML document: the text it holds stands in SMSes
            if gather.event(n, record, us, shape):
                self.sms_kept.add(rowid)
        elif kind == _BLOCKED:
            if outgoing and thread.kind == "direct":
                gather.event(n, record, us, shape_of(thread, True, kind="block", attachment=None))
            else:
                gather.skip("lines of the app itself")
        elif kind == _CALL_BEGUN:
            self._call_in_chat(n, record, thread, outgoing, who, us)
        elif kind == _REQUEST:
            peer = self._party(others) if outgoing and text(others) else thread.peer if outgoing else who
            lone = Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
            gather.event(n, record, us, shape_of(lone, outgoing, peer, kind="request", attachment=None), size_of(body))
        elif kind not in _KINDS or kind.__class__ is not int:
            gather.reject(n, record, f"kind {number(kind)} of message is not known to this reader")
        else:
            key = (convo, chat, author, kind, sending)
            found: Shape | None = self.shapes.get(key)
            if found is None:
                status = _STATUS.get(sending, "unknown") if outgoing else "unknown"
                found = shape_of(thread, outgoing, who, attachment=_KINDS[kind], status=status)
                self.shapes.keep(key, found)
            gather.event(n, record, us, found, size_of(body) if kind in (60, 61) else None)

    def _call_in_chat(self, n: int, record: str, thread: Thread, outgoing: bool, who: Party, us: int | None) -> None:
        second = None if us is None else us // 1_000_000
        at = 0 if second is None else bisect_left(self.calls, second - _SAME_CALL_S)
        if second is not None and at < len(self.calls) and self.calls[at] <= second + _SAME_CALL_S:
            self.gather.skip("calls in chats that the call list has, too")
            return
        self.gather.event(n, record, us, shape_of(thread, outgoing, who, kind="call", attachment=None))

    def _sms(
        self, n: int, record: str, kind: Any, status: Any, targets: Any, reply: Any, message: Any, at: Any, body: Any
    ) -> None:
        gather = self.gather
        if message in self.sms_kept:
            gather.skip("text messages that stand in a chat, too")
        elif kind not in (1, 2):
            gather.skip("text messages of the service itself")
        else:
            outgoing = kind == 2
            peer = self._party((text(targets) or "").split(" ")[0] if outgoing else text(reply) or text(targets))
            lone = Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
            shape = shape_of(lone, outgoing, peer, attachment="none", tags="sms")
            gather.event(n, record, s_us(at), shape, size_of(body))


class SkypeDb:
    """Reader of format ``skype-db``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="skype-db",
            version=1,
            title="Skype (classic): database main.db",
            channels=(APP,),
            counts="rows of Calls, Contacts, Messages and SMSes, in this order, by rowid",
            knowledge="public readers plaso and IPED; a fixture of plaso",
            evidence="real sample",
            cannot_tell=(
                "whether a call without talk time was missed or refused, unless the app still marks it as an unseen missed call",
                "when somebody was blocked, unless the app wrote it into the chat (that line is not verified on a real file)",
                "the length of a text as it was typed: Skype keeps it with its markup",
                "the meaning of kinds of messages that public readers do not know: rejected with their number",
            ),
            versions="main.db of 2013",
            call_start="ringing",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Skype's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Skype's tables Messages, Accounts and Conversations")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = SkypeDb()
