"""Reader of Signal Desktop's database as a plain SQLite file (decrypted, or built from a dump).

Known from Signal Desktop's own source (types of calls and of answers to message requests), chat-history-manager and
signalbackup-tools, and from a fixture of 2024. Counted are the rows of ``callsHistory`` and ``messages``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import (
    NOBODY,
    Gather,
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
    "messages": ("json", "sent_at", "conversationId", "type"),
    "conversations": ("id", "json", "type"),
    "items": ("id", "json"),
}
#: types of messages that the app itself writes
_APP_TYPES = """
    keychange verified-change profile-change group-v1-migration group-v2-change universal-timer-notification
    timer-notification change-number-notification contact-removed-notification conversation-merge
    title-transition-notification phone-number-discovery delivery-issue chat-session-refreshed message-history-unsynced
    joined-signal-notification poll-terminate pinned-message-notification
    """
_SYSTEM = frozenset(_APP_TYPES.split())
_TAKEN = frozenset({"Accepted", "Joined", "JoinedAdhoc"})
_NOT_TAKEN = {
    "Missed": "missed",
    "MissedNotificationProfile": "missed",
    "Declined": "rejected",
    "NotAccepted": "missed",
}
_STATUS = {"Pending": "pending", "Sent": "sent", "Delivered": "delivered", "Read": "delivered", "Viewed": "delivered", "Failed": "failed"}  # fmt: skip
_RANK = ("Failed", "Pending", "Sent", "Delivered", "Read", "Viewed")
_NOISE = 0x1 | 0x2 | 0x4  # end of session, change of the timer, change of the profile key
_VOICE = 1  # flag of an attachment
_ALLOWED = shows(
    """
    rowid id sent_at received_at received_at_ms conversationId source sourceServiceId sourceUuid sourceDevice type
    hasAttachments hasFileAttachments hasVisualMediaAttachments readStatus seenStatus isErased isViewOnce mentionsMe
    expireTimer expires_at callId peerId ringerId mode direction status timestamp startedById endedTimestamp e164
    serviceId uuid schemaVersion serverTimestamp
    """
)


class _Reaction(msgspec.Struct, gc=False):
    fromId: Any = None  # noqa: N815
    timestamp: Any = None


class _Quote(msgspec.Struct, gc=False):
    authorAci: Any = None  # noqa: N815
    authorUuid: Any = None  # noqa: N815


class _Attached(msgspec.Struct, gc=False):
    contentType: Any = None  # noqa: N815
    flags: Any = None


class _Json(msgspec.Struct, gc=False):
    """The fields of a message's record that are read; what they say is never kept."""

    flags: Any = None
    reactions: Any = None
    quote: Any = None
    attachments: Any = None
    sticker: Any = None
    contact: Any = None
    expirationTimerUpdate: Any = None  # noqa: N815
    messageRequestResponseEvent: Any = None  # noqa: N815
    callHistoryDetails: Any = None  # noqa: N815
    callId: Any = None  # noqa: N815
    deletedForEveryone: Any = None  # noqa: N815
    sendStateByConversationId: Any = None  # noqa: N815
    payment: Any = None
    giftBadge: Any = None  # noqa: N815
    poll: Any = None


_decode = msgspec.json.Decoder(_Json).decode


def _json(raw: Any) -> _Json | None:
    if isinstance(raw, str) and raw.strip():
        try:
            return _decode(raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
    return _Json()


def _value(raw: Any) -> str | None:
    """Return the value of an item: ``{"id": …, "value": …}``."""
    try:
        found = msgspec.json.decode(raw) if isinstance(raw, str) else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    value = found.get("value") if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP)
        self.own_ids: set[str] = set()
        own: list[str] = []
        for _, name, raw in db.lookup("items", ["id", "json"]):
            if name in ("uuid_id", "number_id", "pni"):
                value = (_value(raw) or "").rpartition(".")[0] or (_value(raw) or "")
                if value and name == "number_id":
                    identifier, kind = context.phone(value)
                    if identifier is not None and kind == "phone":
                        own.append(identifier)
                elif value:
                    self.own_ids.add(clean(value).casefold()[:200])
                    if name == "uuid_id":
                        own.append(f"{APP}:{clean(value)[:200]}")
        self.people: dict[str, Party] = {}
        self.threads: dict[str, Thread] = {}
        self.own_conversations: set[str] = set()
        columns = ["id", "e164", "serviceId", "uuid", "type", "groupId"]
        for _, ident, phone, service, uuid, kind, group in db.lookup("conversations", columns):
            self._conversation(text(ident), text(phone), text(service) or text(uuid), kind, text(group), own)
        if own:
            out.owner(list(dict.fromkeys(own)))
        self.calls: set[str] = set()

    def _conversation(
        self, ident: str | None, phone: str | None, service: str | None, kind: Any, group: str | None, own: list[str]
    ) -> None:
        if ident is None:
            return
        if kind == "group":
            thread = Thread("group", NOBODY, f"{APP}:{clean(ident)[:200]}")
            for key in (ident, group):
                if key:
                    self.threads[key] = thread
            return
        who = NOBODY
        if phone:
            # the column is of a kind that can turn +7… into a number
            raw = clean(phone)[:200]
            raw = raw if raw.startswith("+") else f"+{raw}"
            identifier, sort = self.context.phone(raw)
            who = Party(identifier, raw, sort)
        if who.kind != "phone" and service:
            who = Party(f"{APP}:{clean(service)[:200]}", clean(service)[:200], "app_id")
        mine = service is not None and clean(service).casefold() in self.own_ids
        if mine:
            self.own_conversations.add(ident)
            if who.identifier is not None and who.identifier not in own:
                own.append(who.identifier)
        thread = Thread("self" if mine else "direct" if who.identifier else "unknown", who,
                        who.identifier or f"{APP}:{clean(ident)[:200]}")  # fmt: skip
        for key in (ident, service, service.casefold() if service else None):
            if key:
                self.people[key] = who
                self.threads[key] = thread

    def _who(self, *keys: Any) -> Party:
        for key in keys:
            name = text(key)
            if name:
                found = self.people.get(name) or self.people.get(name.casefold())
                if found is not None and found.identifier is not None:
                    return found
        for key in keys:
            name = text(key)
            if name and "-" in name:
                return Party(f"{APP}:{clean(name)[:200]}", clean(name)[:200], "app_id")
        return NOBODY

    def run(self) -> None:
        columns = (
            "callId",
            "peerId",
            "ringerId",
            "startedById",
            "mode",
            "type",
            "direction",
            "status",
            "timestamp",
            "endedTimestamp",
        )
        for block in self.db.scan("callsHistory", columns):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._call(*row)
        fields = ("type", "conversationId", "sourceServiceId", "sourceUuid", "source", "sent_at", "body", "isErased",
                   "isViewOnce", "mentionsMe", "json")  # fmt: skip
        for block in self.db.scan("messages", fields):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._message(*row)
        self.gather.finish("call message mention block unblock gift payment")
        self.db.settle(self.out)
        self.out.note("messages that have disappeared or were deleted leave no row, and a linked computer has no older history: "
                      "what is absent shows nothing")  # fmt: skip

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(
        self, n: int, record: str, call: Any, peer: Any, ringer: Any, starter: Any, mode: Any, medium: Any, way: Any,
        state: Any, at: Any, end: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        if mode == "Adhoc":
            gather.skip("calls by a link, which ring nobody")
            return
        if way not in ("Incoming", "Outgoing"):
            gather.reject(n, record, "the row does not say whether the call came in or went out")
            return
        outgoing = way == "Outgoing"
        name = text(peer) or ""
        thread = self.threads.get(name) or self.threads.get(name.casefold())
        if thread is None:
            if mode == "Group":
                thread = Thread("group", NOBODY, f"{APP}:{clean(name)[:200]}" if name else None)
            else:
                who = self._who(name)
                thread = Thread("direct" if who.identifier else "unknown", who, who.identifier)
        word = _NOT_TAKEN.get(state) if isinstance(state, str) else None
        answered = True if state in _TAKEN else False if word is not None else None
        us, begin, finish = ms_us(at), number(at), number(end)
        seconds = None
        if answered and begin is not None and finish is not None and begin < finish:
            seconds = (finish - begin) // 1000 or None
        words = [word] if word is not None and not outgoing else []
        words.append("video" if medium == "Video" else "voice")
        if state == "Deleted":
            words.append("deleted")
        if seconds is not None:
            words.append("with_ringing")
        shape = shape_of(
            thread,
            outgoing,
            self._who(ringer, starter),
            kind="call",
            answered=answered,
            attachment=None,
            tags=" ".join(words),
        )
        if gather.event(n, record, us, shape, None, seconds) and text(call):
            self.calls.add(str(text(call)))

    def _call_in_chat(self, n: int, record: str, thread: Thread, at: Any, told: _Json) -> None:
        if told.callId is not None and str(told.callId) in self.calls:
            self.gather.skip("calls in chats that the call history has, too")
            return
        details = told.callHistoryDetails
        if not isinstance(details, dict) or not isinstance(details.get("wasIncoming"), bool):
            self.gather.reject(
                n, record, "a call of which the call history has no row, and which does not say its direction"
            )
            return
        incoming = details["wasIncoming"]
        taken, end = number(details.get("acceptedTime")), number(details.get("endedTime"))
        answered = taken is not None
        seconds = (end - taken) // 1000 if taken is not None and end is not None and end > taken else None
        word = "rejected" if details.get("wasDeclined") is True else "missed"
        words = [word] if incoming and not answered else []
        words.append("video" if details.get("wasVideoCall") is True else "voice")
        shape = shape_of(thread, not incoming, kind="call", answered=answered, attachment=None, tags=" ".join(words))
        self.gather.event(n, record, ms_us(at), shape, None, seconds or None)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _message(
        self, n: int, record: str, kind: Any, chat: Any, service: Any, uuid: Any, source: Any, at: Any, body: Any,
        erased: Any, once: Any, mentioned: Any, raw: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        thread = self.threads.get(text(chat) or "")
        if kind in _SYSTEM:
            gather.skip("lines of the app itself")
            return
        if kind == "story":
            gather.skip("stories, which nobody addresses to the owner alone")
            return
        if thread is None:
            gather.reject(n, record, "the conversation of the message is not in the database")
            return
        if thread.kind == "self":
            gather.skip("rows in the owner's notes to herself")
            return
        told = _json(raw)
        if told is None:
            gather.counts["messages whose record is not valid JSON: what it would add is not known"] += 1
            told = _Json()
        if kind == "call-history":
            self._call_in_chat(n, record, thread, at, told)
        elif kind == "message-request-response-event":
            self._answer(n, record, thread, at, told.messageRequestResponseEvent)
        elif kind in ("incoming", "outgoing"):
            flags = number(told.flags) or 0
            if flags & _NOISE or told.expirationTimerUpdate is not None:
                gather.skip("changes of the timer, the session or the profile")
                return
            sender = self._who(service, uuid, source)
            shape = self._shape(thread, kind == "outgoing", sender, told, erased, once, mentioned)
            gone = shape.attachment == "deleted"
            if gather.event(n, record, ms_us(at), shape, None if gone else size_of(body)):
                self._reactions(n, record, thread, kind == "outgoing", told.reactions)
        else:
            gather.reject(n, record, "the type of the message is not known to this reader")

    def _shape(
        self, thread: Thread, outgoing: bool, sender: Party, told: _Json, erased: Any, once: Any, mentioned: Any
    ) -> Shape:
        attachment = "none"
        if told.deletedForEveryone is True or erased == 1:
            attachment = "deleted"
        elif once == 1:
            attachment = "view_once"
        elif told.sticker is not None:
            attachment = "sticker"
        elif told.contact:
            attachment = "contact"
        elif told.poll is not None:
            attachment = "poll"
        elif isinstance(told.attachments, list) and told.attachments and isinstance(told.attachments[0], dict):
            first = told.attachments[0]
            attachment = mime_attachment(first.get("contentType"))
            if attachment == "audio" and (number(first.get("flags")) or 0) & _VOICE:
                attachment = "voice"
        directed = "unknown"
        if thread.kind == "group" and not outgoing:
            author = (
                told.quote.get("authorAci") or told.quote.get("authorUuid") if isinstance(told.quote, dict) else None
            )
            answers = isinstance(author, str) and author.casefold() in self.own_ids
            directed = "yes" if mentioned == 1 or answers else "no"
        status = "unknown"
        if outgoing and isinstance(told.sendStateByConversationId, dict):
            states = [
                s["status"] for ident, s in told.sendStateByConversationId.items()
                if ident not in self.own_conversations and isinstance(s, dict) and s.get("status") in _RANK
            ]  # fmt: skip
            if states:
                status = _STATUS[max(states, key=_RANK.index)]
        kind = "payment" if told.payment is not None else "gift" if told.giftBadge is not None else "message"
        return shape_of(thread, outgoing, sender, kind=kind, attachment=attachment, directed=directed, status=status)

    def _reactions(self, n: int, record: str, thread: Thread, to_owner: bool, reactions: Any) -> None:
        """Add a row for every reaction of somebody else that has a time of its own."""
        if not isinstance(reactions, list):
            return
        sub = 1
        for one in reactions[:1000]:
            if not isinstance(one, dict) or text(one.get("fromId")) in self.own_conversations:
                continue
            who = self._who(one.get("fromId"))
            at = ms_us(one.get("timestamp"))
            if at is None or (thread.kind == "group" and who.identifier is None):
                continue
            directed = "yes" if to_owner else "no"
            shape = shape_of(thread, False, who, kind="mention", directed=directed, attachment=None, tags="reaction")
            sub += 1
            self.gather.event(n, record, at, shape, sub=sub)

    def _answer(self, n: int, record: str, thread: Thread, at: Any, answer: Any) -> None:
        """Read what the owner answered to a message request, or that she blocked somebody later."""
        gather = self.gather
        if thread.kind != "direct":
            gather.skip("answers to requests of groups")
        elif isinstance(answer, str) and (answer.startswith("BLOCK") or answer == "UNBLOCK"):
            kind = "unblock" if answer == "UNBLOCK" else "block"
            gather.event(n, record, ms_us(at), shape_of(thread, True, kind=kind, attachment=None))
        elif answer == "SPAM":
            gather.listed(n, record, "reported", thread.peer, us=ms_us(at))
        elif answer == "ACCEPT":
            gather.skip("message requests that the owner accepted")
        else:
            gather.reject(n, record, "the answer to a message request is not known to this reader")


class SignalDesktop:
    """Reader of format ``signal-desktop``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="signal-desktop",
            version=1,
            title="Signal Desktop: database, decrypted (tables messages, conversations, callsHistory)",
            channels=(APP,),
            counts="rows of callsHistory and messages, in this order, by rowid",
            knowledge="Signal Desktop's source (types of calls and answers), chat-history-manager, signalbackup-tools; a fixture of 2024",
            evidence="real sample",
            cannot_tell=(
                "how long a call rang: the call history has its begin and its end only, so its length holds the ringing",
                "when a block really was made, where another device of the owner made it: the row has the time of learning",
                "which unknown sender was a message request: only the owner's answer is a row",
                "everything from before the computer was linked, and what has disappeared",
                "an encrypted database: it looks like random bytes and cannot be known by content",
            ),
            versions="schema of 2024-08",
            call_start="ringing",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Signal Desktop's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Signal Desktop's tables messages, conversations and items")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = SignalDesktop()
