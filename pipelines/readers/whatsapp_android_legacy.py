"""Reader of WhatsApp's database on Android (``msgstore.db``) of the older kind, with the table ``messages``.

Known from public readers (IPED, whatsapp-chat-exporter). Counted are the rows of ``call_log`` (the later versions have it) and
``messages``.
"""

from __future__ import annotations

from typing import Any

from pipelines.readers._chat_rows import (
    Gather,
    Memo,
    Shape,
    Thread,
    has_tables,
    mime_attachment,
    ms_us,
    shape_of,
    size_of,
)
from pipelines.readers._sqlite import Database, open_database, tables_of, text, whole
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

_WANTED = {"messages": ("key_remote_jid", "key_from_me", "timestamp", "media_wa_type")}
_COLUMNS = (
    "key_remote_jid", "key_from_me", "key_id", "status", "data", "timestamp", "media_wa_type", "media_size",
    "media_mime_type", "latitude", "longitude", "remote_resource", "edit_version", "media_caption", "media_name",
)  # fmt: skip
_SYSTEM = 6  # status of what the app itself wrote; the action stands in media_size
_BLOCK = 58
_REVOKED = 7


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.gather = Gather(out, APP)
        self.phone = Phone(db, context)
        self.phone.owner(out, ())
        self.threads: Memo = Memo()
        self.shapes: Memo = Memo()

    def run(self) -> None:
        self.phone.calls(self.gather)
        for block in self.db.scan("messages", _COLUMNS):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        self.gather.finish("call message block unblock share")
        self.db.settle(self.out)
        self.out.note(
            "messages that were deleted or have disappeared leave no row, and a call log can be emptied: what is absent shows nothing"
        )

    def _thread(self, jid: Any) -> Thread | None:
        address = text(jid)
        if address is None or address == "-1":
            return None
        found: Thread | None = self.threads.get(address)
        return found if found is not None else self.threads.keep(address, self.phone.people.thread(address))

    def _message(
        self, n: int, rowid: int, jid: Any, from_me: Any, key: Any, status: Any, body: Any, at: Any, kind: Any,
        media_size: Any, mime: Any, lat: Any, lon: Any, sender: Any, version: Any, caption: Any, title: Any,
    ) -> None:  # fmt: skip
        gather = self.gather
        record = f"sql:messages/{rowid}"
        thread = self._thread(jid)
        number = whole(kind) if kind is not None else 0
        us = ms_us(at)
        if status == -1 or text(jid) == "-1":
            gather.skip("empty rows that the app makes for itself")
        elif thread is None:
            gather.reject(n, record, "the row does not say in which chat it was")
        elif thread.kind in OUTSIDE:
            gather.skip(OUTSIDE[thread.kind])
        elif status == _SYSTEM and number in (0, 7):
            self._system(n, record, thread, whole(media_size), us, body)
        elif from_me not in (0, 1):
            gather.reject(n, record, "the row does not say whether the message came in or went out")
        elif number in (8, 10, 90):
            missed = number == 10
            if self.phone.same_call(rowid, key, us, thread, from_me == 1 and not missed):
                gather.skip("calls in chats that the call log has, too")
                return
            word = next((w for w in (caption, title, body) if w in ("video", "audio")), None)
            who = self.phone.people.party(text(sender))
            shape = call_shape(
                thread, from_me == 1, who, missed=missed, video=None if word is None else word == "video"
            )
            gather.event(n, record, us, shape)
        elif number is None or number not in KINDS:
            gather.reject(n, record, f"kind {number} of message is not known to this reader")
        elif KINDS[number] is None:
            gather.skip(WHY_NOT[number])
        else:
            found = (jid, from_me, status, number, version == _REVOKED, sender, mime if number in (81, 103) else None)
            shape_found: Shape | None = self.shapes.get(found)
            if shape_found is None:
                shape_found = self.shapes.keep(found, self._shape(thread, *found[1:]))
            assert shape_found is not None
            deleted = shape_found.attachment == "deleted"
            size = None if number in TEXTLESS or deleted else size_of(body if number == 0 else caption)
            if gather.event(n, record, us, shape_found, size) and number in (5, 16) and us is not None and not deleted:
                gather.place(n, record, us, shape_found, lat, lon, "live" if number == 16 else None)

    def _shape(
        self, thread: Thread, from_me: Any, status: Any, kind: int, revoked: bool, sender: Any, mime: Any
    ) -> Shape:
        attachment = KINDS[kind]
        if revoked:
            attachment = "deleted"
        elif attachment == "media":
            attachment = mime_attachment(mime) if mime else "none"
        return shape_of(
            thread, from_me == 1, self.phone.people.party(text(sender)), attachment=attachment,
            status=STATUS.get(status, "unknown") if from_me == 1 else "unknown", tags=WORDS.get(kind),
        )  # fmt: skip

    def _system(self, n: int, record: str, thread: Thread, action: int | None, us: int | None, body: Any) -> None:
        if action != _BLOCK or thread.kind != "direct":
            self.gather.skip("lines of the app itself")
        elif body not in ("true", "false"):
            self.gather.reject(n, record, "a block or its end, but not which of the two")
        else:
            kind = "block" if body == "true" else "unblock"
            self.gather.event(n, record, us, shape_of(thread, True, kind=kind, attachment=None))


class WhatsAppAndroidLegacy:
    """Reader of format ``whatsapp-android-legacy``."""

    allowed = ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="whatsapp-android-legacy",
            version=1,
            title="WhatsApp for Android: database msgstore.db of the older kind, decrypted (table messages)",
            channels=(APP,),
            counts="rows of call_log and messages, in this order, by rowid",
            knowledge="public readers IPED and whatsapp-chat-exporter",
            evidence="public code",
            cannot_tell=(
                "whether an incoming call that was not taken was missed or refused: public readers disagree on the codes",
                "calls of versions without a call log, unless they were missed and stand in the chat",
                "the owner's own number",
                "blocks of versions that did not write them into the chat (how the later ones did is not verified)",
            ),
            versions="before the move to the table message (about 2021)",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the older table, unless the newer one is filled, too."""
        tables = tables_of(head)
        if not has_tables(tables, _WANTED) or tables is None or head.source is None:
            return None
        if tables.get("messages") == () and not ({"chat_list", "props", "jid"} & tables.keys()):
            return None
        if "message" in tables and "jid" in tables:
            try:
                with open_database(head.source) as db:
                    if next(db.lookup("message", ["_id"]), None) is not None:
                        return None
                    if next(db.lookup("messages", ["_id"]), None) is None:
                        return None
            except Unreadable:
                return None
        return Claim(94, "a database with WhatsApp's older table messages (key_remote_jid)")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _WANTED.items():
                db.require(table, *columns)
            _Reading(db, context, out).run()


READER = WhatsAppAndroidLegacy()
