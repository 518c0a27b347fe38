"""What the two generations of WhatsApp's database on Android share: addresses, calls, kinds of messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.identifiers import name_identifier
from pipelines.readers._chat_rows import NOBODY, Gather, Party, Shape, Thread, ms_us, number, shape_of, shows
from pipelines.readers._sqlite import Database, text
from pipelines.readers._whatsapp_jids import APP, Jids
from pipelines.readers.base import Context, Sink

#: seconds by which a call in the chat and in the call log may differ where nothing links them [P]
SAME_CALL_S = 2
CALL_COLUMNS = (
    "jid_row_id", "from_me", "call_id", "timestamp", "video_call", "duration", "call_result", "group_jid_row_id",
    "is_dnd_mode_on", "call_link_row_id",
)  # fmt: skip
#: kinds of messages and what hangs on them; None stands for what is no communication
KINDS: dict[int, str | None] = {
    0: "none", 1: "image", 2: "audio", 3: "video", 4: "contact", 5: "location", 9: "document", 11: "omitted",
    13: "animation", 14: "contact", 15: "deleted", 16: "location", 20: "sticker", 23: "other", 24: "other", 25: "none",
    26: "none", 27: "none", 28: "none", 32: "none", 36: None, 42: "view_once", 43: "view_once", 44: "other", 45: "none",
    46: "none", 49: "none", 55: "none", 56: None, 57: "none", 64: "deleted", 66: "poll", 81: "media", 82: "view_once",
    85: "none", 99: None, 103: "media", 106: "poll", 112: None, 116: None,
}  # fmt: skip
WORDS = {
    11: "undecrypted", 16: "live", 24: "group_invite", 23: "business", 25: "business", 26: "business", 27: "business",
    28: "business", 32: "business", 44: "business", 45: "business", 46: "business", 49: "business", 55: "business",
    57: "business", 85: "business",
}  # fmt: skip
WHY_NOT = {
    36: "changes of the timer for disappearing messages", 56: "changes of the timer for disappearing messages",
    99: "albums, whose pictures are rows of their own", 112: "settings of a chat", 116: "rows that the app does not show",
}  # fmt: skip
#: kinds without a text of their own: what stands in the column is a name or a title
TEXTLESS = frozenset({4, 14, 5, 15, 16, 64})
STATUS = {0: "pending", 4: "sent", 5: "delivered", 8: "delivered", 13: "delivered"}
OUTSIDE = {
    "self": "rows in the owner's chat with herself",
    "channel": "rows in status updates, broadcast lists and channels, which nobody addresses to the owner alone",
}
ALLOWED = shows(
    """
    _id chat_row_id from_me sender_jid_row_id status timestamp received_timestamp receipt_server_timestamp message_type
    origin origination_flags recipient_count broadcast sort_id jid_row_id call_id video_call duration call_result
    group_jid_row_id call_type is_dnd_mode_on is_joinable_group_call bytes_transferred parent_message_row_id
    message_add_on_type key_id key_remote_jid key_from_me media_wa_type media_mime_type media_size media_duration
    remote_resource edit_version latitude longitude send_timestamp receipt_device_timestamp jid number display_name
    wa_name is_whatsapp_user is_spam_reported call_creator_device_jid_row_id call_link_row_id
    """
)


class Phone:
    """The tables that are looked up, and the calls."""

    def __init__(self, db: Database, context: Context) -> None:
        self.db = db
        self.jid: dict[int, str] = {}
        for rowid, ident, raw, user, server in db.lookup("jid", ["_id", "raw_string", "user", "server"]):
            address = text(raw) or (f"{user}@{server}" if user is not None and server is not None else None)
            if address is not None:
                self.jid[number(ident) if ident is not None else rowid] = address  # type: ignore[index]
        mapped: dict[str, str] = {}
        for _, lid, jid in db.lookup("jid_map", ["lid_row_id", "jid_row_id"]):
            one, other = self.jid.get(lid), self.jid.get(jid)
            if one is not None and other is not None and one.endswith("@lid"):
                mapped[one] = other
        self.people = Jids(context, mapped)
        self.linked: dict[int, int] = {m: c for _, m, c in db.lookup("message_call_log", ["message_row_id", "call_log_row_id"])}  # fmt: skip
        self._kept: set[int] = set()
        self._ids: dict[str, int] = {}
        self._near: dict[tuple[str | None, bool, int], list[int]] = {}
        self._used: set[int] = set()
        self._names: list[str] = []

    def owner(self, out: Sink, own: Iterable[str]) -> None:
        """Say who the owner is, as far as the database shows it."""
        found = sorted(set(own))
        self.people.own.update(found)
        for _, key, value in self.db.lookup("props", ["key", "value"]):
            name = text(value)
            if key == "user_push_name" and name:
                self._names.append(name_identifier(APP, name))
        if found or self._names:
            out.owner([*found, *self._names])

    def calls(self, gather: Gather) -> None:
        """Read the call log."""
        shapes: dict[tuple[Any, ...], Shape | None] = {}
        for block in self.db.scan("call_log", CALL_COLUMNS):
            rows = zip(block.n, block.rowids, *block.columns.values(), strict=True)
            for n, rowid, jid, from_me, call_id, at, video, duration, result, group, dnd, link in rows:
                record = f"sql:call_log/{rowid}"
                seconds = number(duration)
                seconds = seconds if seconds is not None and seconds > 0 else None
                key = (jid, from_me, video, result, group, dnd, link, seconds is not None)
                if key not in shapes:
                    shapes[key] = self._call(*key)
                shape = shapes[key]
                if shape is None:
                    gather.reject(n, record, "the row does not say whether the call came in or went out")
                    continue
                us = ms_us(at)
                if gather.event(n, record, us, shape, None, seconds) and us is not None:
                    self._kept.add(rowid)
                    if isinstance(call_id, str) and call_id:
                        self._ids.setdefault(call_id.removeprefix("call:"), rowid)
                    place = (shape.thread_id, shape.direction == "out", us // 1_000_000)
                    self._near.setdefault(place, []).append(rowid)

    def _call(
        self, jid: Any, from_me: Any, video: Any, result: Any, group: Any, dnd: Any, link: Any, talked: bool
    ) -> Shape | None:
        if from_me not in (0, 1):
            return None
        outgoing = from_me == 1
        address = self.jid.get(jid) if jid.__class__ is int else None
        in_group = number(group) or 0
        place = self.people.thread(self.jid.get(in_group) if in_group > 0 else address)
        if in_group > 0 and place.kind == "unknown":
            place = Thread("group")
        answered = True if talked or result == 5 else False if result in (0, 2, 3, 4, 7) else None
        words = ["video" if video == 1 else "voice"]
        if not outgoing and answered is False:
            words.insert(0, "missed")
        if dnd == 1:
            words.append("dnd")
        if (number(link) or 0) > 0:
            words.append("call_link")
        return shape_of(
            place, outgoing, self.people.party(address), kind="call", directed="unknown", answered=answered,
            attachment=None, tags=" ".join(words),
        )  # fmt: skip

    def same_call(self, message: int, key: Any, us: int | None, thread: Thread, outgoing: bool) -> bool:
        """Return whether a call that stands in a chat is one of the call log: each is taken once."""
        found = self.linked.get(message)
        if found is None or found not in self._kept:
            found = self._ids.get(key.removeprefix("call:")) if isinstance(key, str) else None
        if found is not None and found in self._kept:
            self._used.add(found)
            return True
        if us is None:
            return False
        second = us // 1_000_000
        for step in sorted(range(-SAME_CALL_S, SAME_CALL_S + 1), key=abs):
            waiting = self._near.get((thread.id, outgoing, second + step), [])
            while waiting:
                rowid = waiting.pop()
                if rowid not in self._used:
                    self._used.add(rowid)
                    return True
        return False


def call_shape(thread: Thread, outgoing: bool, sender: Party = NOBODY, *, missed: bool, video: bool | None) -> Shape:
    """Return the shape of a call that stands in a chat only."""
    words = ["missed"] if missed else []
    if video is not None:
        words.append("video" if video else "voice")
    return shape_of(
        thread, outgoing and not missed, sender, kind="call", directed="unknown", answered=False if missed else None,
        attachment=None, tags=" ".join(words) or None,
    )  # fmt: skip
