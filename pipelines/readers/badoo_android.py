"""Reader of Badoo's database on Android (``ChatComDatabase``; Bumble's is a close relative).

Known from public readers (chat-history-manager, ALEAPP) and a fixture of 2026. Counted are the rows of ``conversation_info``
and ``message``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import NOBODY, Gather, Memo, Party, Shape, Thread, has_tables, ms_us, shape_of, shows
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

APP = "badoo"
_WANTED = {
    "message": ("conversation_id", "created_timestamp", "is_incoming", "payload_type"),
    "conversation_info": ("user_id", "encrypted_user_id"),
}
_KINDS = {
    "TEXT": "none", "AUDIO": "voice", "INSTANT_AUDIO": "voice", "IMAGE": "image", "PHOTO": "image", "VIDEO": "video",
    "INSTANT_VIDEO": "video", "GIF": "animation", "LOCATION": "location", "LIVE_LOCATION": "location", "GIFT": "other",
    "QUESTION_GAME": "other", "REACTION": "other", "SONG": "other", "POLL": "poll", "OFFENSIVE": "none",
}  # fmt: skip
_KIND_OF = {"GIFT": "gift", "REACTION": "mention"}
_STATUS = {"ON_SERVER": "sent", "DELIVERED": "delivered", "READ": "delivered", "SENDING": "pending", "UNSENT": "pending", "FAILED": "failed"}  # fmt: skip
_ALLOWED = shows(
    """
    _id id conversation_id sender_id recipient_id created_timestamp modified_timestamp status is_masked is_forwarded
    send_error_type is_incoming payload_type is_liked user_id user_deleted conversation_type match_status
    encrypted_user_id member_count
    """
)


class _Payload(msgspec.Struct, gc=False):
    """What of a payload is read: its kind, and the text for its length only."""

    type: Any = None
    text: Any = None


_decode = msgspec.json.Decoder(_Payload).decode


class _Reading:
    def __init__(self, db: Database, out: Sink) -> None:
        self.db = db
        self.out = out
        self.gather = Gather(out, APP)
        self.groups: set[str] = set()
        for _, user, kind in db.lookup("conversation_info", ["user_id", "conversation_type"]):
            word = text(kind)
            if word and word.casefold() != "user":
                self.groups.add(clean(text(user) or "")[:200])
        self.shapes = Memo()

    def run(self) -> None:
        gather = self.gather
        for block in self.db.scan("conversation_info", ("user_id", "user_name", "user_deleted")):
            for n, record, user, name, deleted in zip(block.n, block.records, *block.columns.values(), strict=True):
                native, label = clean(text(user) or "")[:200], clean(text(name) or "")[:200]
                if not native or native in self.groups:
                    gather.skip("conversations that are none with one person")
                else:
                    tags = "account_deleted" if deleted == 1 else None
                    gather.listed(n, record, "other", Party(f"{APP}:{native}", native, "app_id"), label, tags)
        columns = (
            "conversation_id",
            "sender_id",
            "is_incoming",
            "payload_type",
            "status",
            "send_error_type",
            "created_timestamp",
            "payload",
        )
        for block in self.db.scan("message", columns):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._message(*row)
        gather.finish("message mention gift")
        self.db.settle(self.out)
        self.out.note("a conversation that was deleted goes with its messages: what is absent shows nothing")

    def _message(
        self,
        n: int,
        record: str,
        chat: Any,
        sender: Any,
        incoming: Any,
        kind: Any,
        state: Any,
        failed: Any,
        at: Any,
        raw: Any,
    ) -> None:
        gather = self.gather
        try:
            payload = _decode(raw) if isinstance(raw, str) and raw else _Payload()
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            payload = _Payload()
            gather.counts["messages whose payload is not valid JSON: their length is not known"] += 1
        size = len(payload.text) if isinstance(payload.text, str) and kind == "TEXT" else None
        if payload.type == "SUBSTITUTE":
            gather.skip("lines that the app shows in the place of a message")
            return
        if kind == "REACTION" and incoming == 0:
            gather.skip("reactions of the owner")
            return
        auto = payload.type == "SMILE"
        key = (chat, sender, incoming, kind, state, failed is not None, auto)
        shape: Shape | None = self.shapes.get(key)
        if shape is None:
            native = clean(text(chat) or "")[:200]
            if incoming not in (0, 1) or not native:
                gather.reject(
                    n, record, "the row does not say whether the message came in or went out, or of whom it is"
                )
                return
            word = text(kind)
            if word not in _KINDS:
                gather.reject(n, record, "the kind of the message is not known to this reader")
                return
            other = NOBODY
            if native in self.groups:
                thread = Thread("group", NOBODY, f"{APP}:{native}")
                hidden = clean(text(sender) or "")[:200]
                other = Party(f"{APP}:enc:{hidden}", hidden, "app_id") if hidden else NOBODY
            else:
                thread = Thread("direct", Party(f"{APP}:{native}", native, "app_id"), f"{APP}:{native}")
            status = "unknown"
            if incoming == 0:
                status = "failed" if failed is not None else _STATUS.get(text(state) or "", "unknown")
            shape = shape_of(
                thread, incoming == 0, other, kind=_KIND_OF.get(word, "message"), attachment=_KINDS[word], status=status,
                tags="automatic" if auto else None,
            )  # fmt: skip
            self.shapes.keep(key, shape)
        gather.event(n, record, ms_us(at), shape, size)


class BadooAndroid:
    """Reader of format ``badoo-android``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="badoo-android",
            version=1,
            title="Badoo for Android: database ChatComDatabase",
            channels=(APP,),
            counts="rows of conversation_info and message, in this order, by rowid",
            knowledge="public readers chat-history-manager and ALEAPP; a fixture of 2026",
            evidence="real sample",
            cannot_tell=(
                "the owner's own account: the messages name it in an encrypted form only",
                "what a deleted account was called",
                "who blocked whom",
                "kinds of messages that public readers do not know: rejected",
                "whether the database is Badoo's or that of another app of the same maker",
            ),
            versions="ChatComDatabase of 2026-03",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with Badoo's tables."""
        if has_tables(tables_of(head), _WANTED):
            return Claim(95, "a database with Badoo's tables message and conversation_info")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, out).run()


READER = BadooAndroid()
