"""Reader of WhatsApp's databases on the iPhone: ``ChatStorage.sqlite``, ``CallHistory.sqlite``, ``ContactsV2.sqlite``.

Known from public readers (IPED, iLEAPP) and a real training image. Counted are the rows of ``ZWAADDRESSBOOKCONTACT``,
``ZWABLACKLISTITEM``, ``ZWACDCALLEVENT`` and ``ZWAMESSAGE``, whichever the file has.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
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
    shape_of,
    shows,
    size_of,
    usable_point,
)
from pipelines.readers._cocoa import cocoa_us
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers._whatsapp_android import OUTSIDE, SAME_CALL_S, call_shape
from pipelines.readers._whatsapp_jids import APP, Jids
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

_TABLES: dict[str, tuple[str, ...]] = {
    "ZWAADDRESSBOOKCONTACT": ("ZFULLNAME",),
    "ZWACDCALLEVENT": ("ZDATE",),
    "ZWAMESSAGE": ("ZISFROMME", "ZMESSAGEDATE", "ZMESSAGETYPE", "ZCHATSESSION"),
}
_KINDS: dict[int, str] = {
    0: "none", 1: "image", 2: "video", 3: "audio", 4: "contact", 5: "location", 7: "none", 8: "document", 11: "animation",
    12: "omitted", 14: "deleted", 15: "sticker", 19: "none", 20: "none", 23: "none", 24: "none", 25: "none", 26: "other",
    27: "other", 30: "none", 31: "none", 32: "none", 34: "none", 38: "view_once", 39: "view_once", 41: "none", 42: "none",
    46: "poll", 53: "view_once", 54: "video",
}  # fmt: skip
_WORDS = {12: "undecrypted", 26: "business", 27: "group_invite"} | dict.fromkeys((19, 20, 23, 24, 30, 32, 41, 42), "business")  # fmt: skip
_WHY_NOT = {
    6: "lines of the app itself", 28: "changes of the timer for disappearing messages", 55: "lines of the app itself",
    66: "albums, whose pictures are rows of their own",
}  # fmt: skip
_TEXTLESS = frozenset({4, 5, 14})
_MISSED = {1: False, 45: False, 21: False, 4: True, 46: True, 22: True}  # event → was it video
_STARTED = (40, 41)
_BLOCK, _UNBLOCK = 34, 35
_STATUS = {1: "sent", 6: "delivered", 8: "delivered", 9: "pending"}
_CALL_BUBBLE = 59
#: field 87 of a media item's metadata, which tells of a call
_CALL_FIELD = b"\xba\x05"
_LONG = 4096
#: calls of one chat that are looked at for a call that stands in it [P]
_LOOK_BACK = 16
_ALLOWED = shows(
    """
    Z_PK Z_ENT Z_OPT ZISFROMME ZMESSAGEDATE ZSENTDATE ZMESSAGETYPE ZGROUPEVENTTYPE ZMESSAGESTATUS ZMESSAGEERRORSTATUS
    ZFROMJID ZTOJID ZGROUPMEMBER ZCHATSESSION ZSTANZAID ZSORT ZFLAGS ZSTARRED ZMEDIAITEM ZMESSAGEINFO ZPARENTMESSAGE
    ZDATE ZDURATION ZOUTCOME ZBYTESSENT ZBYTESRECEIVED ZCALLIDSTRING ZGROUPCALLCREATORUSERJIDSTRING ZGROUPJIDSTRING
    Z1CALLEVENTS ZJID ZFULLNAME ZPHONENUMBER ZWHATSAPPID ZLID ZLASTSESSION ZDOCID
    """
)


def _fields(data: Any) -> dict[int, list[int | bytes]]:
    """Return the fields of a protocol buffer; what is none has none."""
    found: dict[int, list[int | bytes]] = {}
    if not isinstance(data, bytes) or len(data) > _LONG:
        return found
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise IndexError

    try:
        while at < len(data):
            key = varint()
            kind = key & 7
            if kind == 0:
                found.setdefault(key >> 3, []).append(varint())
            elif kind == 2:
                size = varint()
                if at + size > len(data):
                    return {}
                found.setdefault(key >> 3, []).append(data[at : at + size])
                at += size
            elif kind in (1, 5):
                at += 8 if kind == 1 else 4
            else:
                return {}
    except IndexError:
        return {}
    return found


def _whole(fields: dict[int, list[int | bytes]], key: int) -> int | None:
    value = fields.get(key, [None])[0]
    return value if isinstance(value, int) and value < 1 << 31 else None


def _lids(db: Database) -> Iterator[tuple[str, str]]:
    """Yield the app's own pairs of an address @lid and the number behind it."""
    if db.has("ZWAADDRESSBOOKCONTACT", "ZLID"):
        for _, lid, jid in db.lookup("ZWAADDRESSBOOKCONTACT", ["ZLID", "ZWHATSAPPID"]):
            one, other = text(lid), text(jid)
            if one and other and other.endswith("@s.whatsapp.net"):
                yield (one if "@" in one else f"{one}@lid"), other


class _Reading:
    def __init__(self, db: Database, source: SourceFile, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP, "s")
        numbers = dict(_lids(db))
        if not numbers and source.beside is not None:
            for other in source.beside.find("*/ContactsV2.sqlite")[:1]:
                try:
                    with open_database(other) as beside:
                        numbers = dict(_lids(beside))
                except Unreadable:
                    continue
                if numbers:
                    out.companion("contacts", other)
        self.people = Jids(context, numbers)
        self.chats: dict[int, Thread] = {}
        own = set()
        if db.has("ZWAMESSAGE", "ZTOJID"):
            own = self._own()
        self.people.own.update(own)
        if own:
            out.owner(sorted(own))
        for rowid, jid in db.lookup("ZWACHATSESSION", ["ZCONTACTJID"]):
            self.chats[rowid] = self.people.thread(text(jid))
        self.members = {
            rowid: self.people.party(text(jid)) for rowid, jid in db.lookup("ZWAGROUPMEMBER", ["ZMEMBERJID"])
        }
        self.calls: dict[tuple[str | None, bool], list[tuple[int, int]]] = {}
        self.sorted_calls = False
        self.shapes = Memo()
        self.points: dict[Any, tuple[Any, Any]] = {}
        self.bubbles: dict[Any, dict[int, list[int | bytes]]] = {}
        for _, message, lat, lon, meta in db.lookup(
            "ZWAMEDIAITEM", ["ZMESSAGE", "ZLATITUDE", "ZLONGITUDE", "ZMETADATA"]
        ):
            if isinstance(meta, bytes) and _CALL_FIELD in meta:
                inner = _fields(meta).get(87, [b""])[0]
                self.bubbles[message] = _fields(_fields(inner).get(1, [b""])[0])
            elif (lat or lon) and usable_point(lat, lon) is not None:
                # pictures have their width and height in these columns: what counts is the kind of the message
                self.points[message] = (lat, lon)

    def _own(self) -> set[str]:
        """Return the address to which what came in was sent, if it is the same in all rows."""
        addresses = {jid for _, mine, jid in self.db.lookup("ZWAMESSAGE", ["ZISFROMME", "ZTOJID"]) if mine == 0}
        users = [a for a in map(text, addresses) if a is not None and a.endswith("@s.whatsapp.net")]
        found = {i for i in (self.people.party(a).identifier for a in users) if i is not None}
        return found if len(found) == 1 else set()

    def run(self) -> None:
        for block in self.db.scan("ZWAADDRESSBOOKCONTACT", ("ZFULLNAME", "ZPHONENUMBER", "ZWHATSAPPID", "ZLID")):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._contact(*row)
        for block in self.db.scan("ZWABLACKLISTITEM", ("ZJID",)):
            for n, record, jid in zip(block.n, block.records, block.columns["ZJID"], strict=True):
                who = self.people.party(text(jid))
                if who.identifier is None:
                    self.gather.reject(n, record, "the entry does not say who is blocked")
                else:
                    self.gather.listed(n, record, "blocked", who)
        self._calls()
        columns = ("ZCHATSESSION", "ZISFROMME", "ZGROUPMEMBER", "ZMESSAGESTATUS", "ZMESSAGETYPE", "ZGROUPEVENTTYPE",
                   "ZMESSAGEDATE", "ZTEXT")  # fmt: skip
        for block in self.db.scan("ZWAMESSAGE", columns):
            for row in zip(block.n, block.rowids, *block.columns.values(), strict=True):
                self._message(*row)
        self.gather.finish("call message block unblock share")
        self.db.settle(self.out)
        self.out.note(
            "messages that were deleted or have disappeared leave no row, and a call list can be emptied: what is absent shows nothing"
        )

    def _contact(self, n: int, record: str, name: Any, phone: Any, jid: Any, lid: Any) -> None:
        who = self.people.party(text(jid))
        if who.identifier is None:
            identifier, kind = self.context.phone(text(phone))
            who = Party(identifier, text(phone), kind)
        if who.identifier is None:
            who = self.people.party(text(lid))
        label = clean(text(name) or "")[:200]
        if who.identifier is None or not label:
            self.gather.skip("entries without a person or a name")
        else:
            self.gather.listed(n, record, "address_book", who, label)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _calls(self) -> None:
        sums = {rowid: rest for rowid, *rest in self.db.lookup(
            "ZWAAGGREGATECALLEVENT", ["ZINCOMING", "ZMISSED", "ZVIDEO"])}  # fmt: skip
        people: dict[Any, list[str]] = {}
        for _, whose, jid in self.db.lookup("ZWACDCALLEVENTPARTICIPANT", ["Z1PARTICIPANTS", "ZJIDSTRING"]):
            address = text(jid)
            if address:
                people.setdefault(whose, []).append(address)
        columns = (
            "ZDATE",
            "ZDURATION",
            "ZOUTCOME",
            "Z1CALLEVENTS",
            "ZGROUPCALLCREATORUSERJIDSTRING",
            "ZGROUPJIDSTRING",
        )
        for block in self.db.scan("ZWACDCALLEVENT", columns):
            for n, record, at, duration, outcome, of, creator, group in zip(
                block.n, block.records, *block.columns.values(), strict=True
            ):
                incoming, missed, video = sums.get(of, [None, None, None])
                us, precision = cocoa_us(at)
                seconds = round(duration) if duration.__class__ in (int, float) and 0 < duration < 1 << 31 else None
                shape = self._call(
                    incoming, missed, video, outcome, people.get(of, []), text(creator), text(group), seconds
                )
                if shape is None:
                    self.gather.reject(n, record, "the call does not say whether it came in or went out")
                elif self.gather.event(n, record, us, shape, None, seconds, precision=precision) and us is not None:
                    self.calls.setdefault((shape.thread_id, shape.direction == "out"), []).append((us, seconds or 0))

    def _call(
        self, incoming: Any, missed: Any, video: Any, outcome: Any, others: list[str], creator: str | None,
        group: str | None, seconds: int | None,
    ) -> Shape | None:  # fmt: skip
        if incoming not in (0, 1):
            if creator is None or not others:
                return None
            incoming = int(creator in others)
        parties = [p for p in (self.people.party(j) for j in dict.fromkeys(others)) if p.identifier is not None]
        parties = [p for p in parties if p.identifier not in self.people.own]
        caller = self.people.party(creator) if incoming else NOBODY
        if group is not None or len(parties) > 1:
            thread = self.people.thread(group) if group is not None else Thread("group")
            peer = caller
        else:
            peer = parties[0] if parties else caller
            thread = Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
        answered = True if outcome == 0 or seconds else False if outcome in (1, 2, 4, 5) else None
        words = ["video" if video == 1 else "voice"]
        if incoming and answered is False:
            words.insert(0, "rejected" if outcome == 4 and missed != 1 else "missed")
        return shape_of(
            thread, incoming == 0, peer, kind="call", directed="unknown", answered=answered, attachment=None,
            tags=" ".join(words),
        )  # fmt: skip

    def _same_call(self, us: int | None, thread: Thread, outgoing: bool) -> bool:
        """Return whether the call log of the same file has a call: it lies between its begin and its end."""
        calls = self.calls.get((thread.id, outgoing))
        if us is None or not calls:
            return False
        if not self.sorted_calls:
            for found in self.calls.values():
                found.sort()
            self.sorted_calls = True
        reach = SAME_CALL_S * 1_000_000
        at = bisect_right(calls, (us + reach, 1 << 62))
        for i in range(at - 1, max(at - 1 - _LOOK_BACK, -1), -1):
            begin, seconds = calls[i]
            if us <= begin + seconds * 1_000_000 + reach:
                del calls[i]
                return True
        return False

    # -- messages -----------------------------------------------------------------------------------------------------

    def _message(
        self,
        n: int,
        rowid: int,
        chat: Any,
        mine: Any,
        member: Any,
        status: Any,
        kind: Any,
        event: Any,
        at: Any,
        body: Any,
    ) -> None:
        gather = self.gather
        record = f"sql:ZWAMESSAGE/{rowid}"
        thread = self.chats.get(chat) if chat.__class__ is int else None
        if kind in _WHY_NOT:
            gather.skip(_WHY_NOT[kind])
        elif thread is not None and thread.kind in OUTSIDE:
            gather.skip(OUTSIDE[thread.kind])
        elif thread is None:
            gather.reject(n, record, "the chat of the message is not in the database")
        elif kind == 10 or kind == _CALL_BUBBLE:
            self._system(n, record, rowid, thread, mine, member, kind, event, at)
        elif kind not in _KINDS or kind.__class__ is not int:
            gather.reject(n, record, f"kind {number(kind)} of message is not known to this reader")
        elif mine not in (0, 1):
            gather.reject(n, record, "the row does not say whether the message came in or went out")
        else:
            key = (chat, mine, member, status, kind)
            shape: Shape | None = self.shapes.get(key)
            if shape is None:
                shape = shape_of(
                    thread, mine == 1, self.members.get(member, NOBODY), attachment=_KINDS[kind], tags=_WORDS.get(kind),
                    status=_STATUS.get(status, "unknown") if mine == 1 else "unknown",
                )  # fmt: skip
                self.shapes.keep(key, shape)
            us, precision = cocoa_us(at)
            size = None if kind in _TEXTLESS else size_of(body)
            if gather.event(n, record, us, shape, size, precision=precision) and kind == 5 and us is not None:
                point = self.points.get(rowid)
                if point is None:
                    gather.counts["shared locations without a usable point"] += 1
                else:
                    gather.place(n, record, us, shape, *point, precision=precision)

    def _system(
        self, n: int, record: str, rowid: int, thread: Thread, mine: Any, member: Any, kind: Any, event: Any, at: Any
    ) -> None:
        gather = self.gather
        us, precision = cocoa_us(at)
        sender = self.members.get(member, NOBODY)
        if kind == _CALL_BUBBLE:
            if mine not in (0, 1):
                gather.reject(n, record, "the row does not say whether the call came in or went out")
                return
            if self._same_call(us, thread, mine == 1):
                gather.skip("calls in chats that the call log has, too")
                return
            told = self.bubbles.get(rowid, {})
            outcome, seconds = _whole(told, 2), _whole(told, 3) or None
            shape = call_shape(thread, mine == 1, sender, missed=False, video=_whole(told, 1) == 1 if told else None)
            if told:
                answered = True if outcome == 0 or seconds else False if outcome in (1, 2, 4, 5) else None
                missed = "missed " if answered is False and mine == 0 else ""
                shape = shape._replace(answered=answered, tags=f"{missed}{shape.tags or ''}".strip() or None)
            gather.event(n, record, us, shape, None, seconds, precision=precision)
        elif event in _MISSED:
            if self._same_call(us, thread, False):
                gather.skip("calls in chats that the call log has, too")
                return
            shape = call_shape(thread, False, sender, missed=True, video=_MISSED[event])
            gather.event(n, record, us, shape, precision=precision)
        elif event in _STARTED and mine in (0, 1):
            shape = call_shape(thread, mine == 1, sender, missed=False, video=True)
            gather.event(n, record, us, shape, precision=precision)
        elif event in (_BLOCK, _UNBLOCK) and thread.kind == "direct":
            made = shape_of(thread, True, kind="block" if event == _BLOCK else "unblock", attachment=None)
            gather.event(n, record, us, made, precision=precision)
        else:
            gather.skip("lines of the app itself")


class WhatsAppIos:
    """Reader of format ``whatsapp-ios``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="whatsapp-ios",
            version=1,
            title="WhatsApp for iPhone: ChatStorage.sqlite, CallHistory.sqlite, ContactsV2.sqlite",
            channels=(APP,),
            counts="rows of ZWAADDRESSBOOKCONTACT, ZWABLACKLISTITEM, ZWACDCALLEVENT and ZWAMESSAGE, in this order, by Z_PK",
            knowledge="public readers IPED, iLEAPP and a public archiver of WhatsApp calls; a real training image",
            evidence="real sample",
            cannot_tell=(
                "reactions, read and delivery times (they stand in a packed field that is not read)",
                "who added the owner to a group, and who changed a number",
                "whether an incoming call with outcome 4 was refused or missed, where the database has no mark of its own",
                "the number behind an address @lid, unless the app's address book beside it has it",
                "when somebody on the block list was blocked",
                "call lists and blocks were known from public code only, not from a real file",
                "the meaning of kinds of messages that public readers do not know: such rows are rejected with their number",
            ),
            versions="ChatStorage of iOS 15 (2023)",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with one of WhatsApp's tables."""
        tables = tables_of(head)
        if tables is None:
            return None
        found = [
            t for t, columns in _TABLES.items() if t in tables and (not tables[t] or has_tables(tables, {t: columns}))
        ]
        return Claim(95, f"a database with WhatsApp's table {found[-1]}") if found else None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of a database."""
        with open_database(source) as db:
            for table, columns in _TABLES.items():
                if table in db.tables or table in db.refused:
                    db.require(table, *columns)
            _Reading(db, source, context, out).run()


READER = WhatsAppIos()
