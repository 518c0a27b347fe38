"""Reader of Android's messages: ``mmssms.db`` of the telephony provider, with Samsung's messages that were taken for spam.

An MMS is one row of ``pdu``; its addresses, parts and the recipients of its thread stand in tables of their own. Names are
nowhere in it. The spellings of one number are joined only by its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.masking import Allowed
from pipelines.readers._android import MESSAGE_KEYS, Number, Parts, Role, Traffic
from pipelines.readers._sqlite import Block, Database, open_database, tables_of, text, whole
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_SMS_COLUMNS = ("address", "date", "type", "status", "body", "sub_id", "block_type", "deleted", "thread_id")
_PDU_COLUMNS = (
    "date", "date_ms_part", "msg_box", "m_type", "m_id", "tr_id", "ct_l", "thread_id", "sub_id", "text_only", "block_type",
    "deleted",
)  # fmt: skip
#: vendor columns and codes of ``sms.type``: LG writes 7 for what it blocked, 8 for what waits for its hour, 19 for a broadcast
_LG_BLOCKED, _LG_SCHEDULED, _LG_BROADCAST = 7, 8, 19
#: tables of Samsung for chat messages over the internet (RCS), which are not read
_CHAT_TABLES = ("ft", "im")


class _Reading:
    """One database being read."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.traffic = Traffic(context, out)
        self.threads = self._threads()
        self.seen: dict[str, tuple[int, int, int]] = {}

    def _threads(self) -> dict[int, tuple[Number, ...]]:
        """Return the recipients of every thread."""
        numbers = self.traffic.numbers
        addresses: dict[int, str | None] = {}
        for row in self.db.lookup("canonical_addresses", ("_id", "address")):
            key = whole(row[1])
            if key is not None:
                addresses[key] = text(row[2])
        found: dict[int, tuple[Number, ...]] = {}
        for row in self.db.lookup("threads", ("_id", "recipient_ids")):
            key = whole(row[1])
            if key is None:
                continue
            members: dict[str, Number] = {}
            for piece in (text(row[2]) or "").split()[:1000]:
                number = numbers.of[addresses.get(whole(piece) or 0)]
                if number[0] is not None:
                    members.setdefault(number[0], number)
            found[key] = tuple(members.values())
        return found

    def _notice(self, block: Block) -> None:
        rows, low, _ = self.seen.get(block.table, (0, block.rowids[0], 0))
        self.seen[block.table] = rows + block.rows, low, block.rowids[-1]

    def sms(self, name: str, spam: bool) -> None:
        """Read a table of SMS."""
        for block in self.db.scan(name, _SMS_COLUMNS):
            self._notice(block)
            c = block.columns
            kinds, addresses = c["type"], c["address"]
            if any(a is None or a == "" for a in addresses):
                addresses = [a or self._only(t) for a, t in zip(addresses, c["thread_id"], strict=True)]
            tags = self._tags(c, spam)
            n: Sequence[int] = block.n
            records = block.records
            sizes = [None if v is None else len(v) if isinstance(v, str) else len(text(v) or "") for v in c["body"]]
            columns = [kinds, c["status"], c["date"], addresses, sizes, c["sub_id"], tags]
            if any(k in (_LG_BLOCKED, _LG_SCHEDULED, _LG_BROADCAST) for k in kinds):
                n, records, columns = self._vendor(block, columns)
            self.traffic.sms(
                n, records, kinds=columns[0], statuses=columns[1], dates=columns[2], addresses=columns[3], sizes=columns[4],
                lines=columns[5], tags=columns[6],
            )  # fmt: skip

    def _vendor(self, block: Block, columns: list[list[Any]]) -> tuple[list[int], list[str], list[list[Any]]]:
        """Take LG's codes: what was blocked came in, what waits was not sent, a broadcast is nobody's message."""
        places = [k for k, kind in enumerate(columns[0]) if kind not in (_LG_SCHEDULED, _LG_BROADCAST)]
        self.out.out_of_scope(block.rows - len(places))
        records = block.records
        kept = [[values[k] for k in places] for values in columns]
        for k, kind in enumerate(kept[0]):
            if kind == _LG_BLOCKED:
                kept[0][k], kept[6][k] = 1, " ".join(filter(None, ["blocked", kept[6][k]]))
        return [block.first_n + k for k in places], [records[k] for k in places], kept

    @staticmethod
    def _tags(c: dict[str, list[Any]], spam: bool) -> list[str | None]:
        rows = len(c["deleted"])
        base = "taken_for_spam" if spam else None
        if not any(c["block_type"]) and not any(c["deleted"]):
            return [base] * rows
        tags: list[str | None] = []
        for blocked, deleted in zip(c["block_type"], c["deleted"], strict=True):
            words = ["blocked"] if (whole(blocked) or 0) > 0 else []
            words += [base] if base else []
            words += ["marked_deleted"] if whole(deleted) else []
            tags.append(" ".join(words) or None)
        return tags

    def _only(self, thread_id: Any) -> str | None:
        """Return the number of a thread with one recipient, for a message without an address."""
        members = self.threads.get(whole(thread_id) or 0, ())
        return members[0][1] if len(members) == 1 else None

    def mms(self, prefix: str) -> None:
        """Read a table of MMS; Samsung's spam has tables of its own."""
        addresses: dict[int, list[Role]] = {}
        numbers = self.traffic.numbers
        for row in self.db.lookup(f"{prefix}addr", ("msg_id", "address", "type")):
            key, number = whole(row[1]), numbers.of[text(row[2])]
            if key is not None and number[1] is not None:
                addresses.setdefault(key, []).append((number, whole(row[3])))
        parts: dict[int, Parts] = {}
        for row in self.db.lookup(f"{prefix}part", ("mid", "ct", "text", "_data")):
            key = whole(row[1])
            if key is not None:
                words = text(row[3])
                parts.setdefault(key, Parts()).add(row[2], None if words is None else len(words), row[4] is not None)
        spam = bool(prefix)
        for block in self.db.scan(f"{prefix}pdu", _PDU_COLUMNS):
            self._notice(block)
            c = block.columns
            tags = self._tags(c, spam)
            records = block.records
            for k, rowid in enumerate(block.rowids):
                self.traffic.mms(
                    block.first_n + k, records[k], box=c["msg_box"][k], m_type=c["m_type"][k], date=c["date"][k],
                    ms_part=c["date_ms_part"][k], members=self.threads.get(whole(c["thread_id"][k]) or 0, ()),
                    roles=addresses.get(rowid, ()), ids=(c["m_id"][k], c["tr_id"][k], c["ct_l"][k]),
                    line=c["sub_id"][k], parts=parts.get(rowid), text_only=whole(c["text_only"][k]) == 1, tags=tags[k],
                )  # fmt: skip

    def remarks(self) -> None:
        """Say what the file covers, and which entries are gone."""
        self.traffic.flush()
        self.traffic.remarks()
        gone = False
        for name, (rows, low, high) in sorted(self.seen.items()):
            last = self.db.highest_ever(name)
            if last is None or last == rows:
                continue  # ids of a table that may give them again prove nothing
            gone = True
            middle = high - low + 1 - rows
            self.out.note(
                f"{name}: {max(last, high)} ids were given and {rows} rows are there; {middle} of the missing ones lie between the "
                "first and the last: what is gone was deleted, moved or never sent"
            )
        for name in _CHAT_TABLES:
            if self.db.has(name, "_id", "thread_id") and (rows := self.db.rows_of(name) or 0):
                self.out.note(
                    f"the table {name} holds {rows} chat messages or files over the internet (RCS), which are not read"
                )
        if self.db.has("raw", "sequence") and (rows := self.db.rows_of("raw") or 0):
            self.out.note(
                f"the table raw holds {rows} pieces of messages that had not arrived whole: they are not read"
            )
        channels = {channel for channel, _ in self.traffic.channels}
        for channel in sorted(channels):
            self.out.coverage(channel, "message", scope="all", complete="no" if gone else "unknown")
        self.out.note(
            "deleted messages are not in it; chat messages of Google's app (RCS) are kept in another database"
        )


class AndroidSms:
    """The messages of Android's telephony provider."""

    allowed: ClassVar[Allowed] = Allowed(keys=MESSAGE_KEYS)

    description: ClassVar[Description] = Description(
        id="android-sms",
        version=1,
        title="Android messages (mmssms.db)",
        channels=("sms", "mms"),
        counts="rows of the tables pdu (an MMS), sms, spam_pdu and spam_sms",
        knowledge="Android's Telephony contract and telephony provider, plaso, ALEAPP; Samsung's tables of spam and Xiaomi's columns "
        "as firmware images have them",
        evidence="real sample",
        cannot_tell=(
            "what was deleted: ids of SMS are given again",
            "chat messages (RCS), which other databases hold",
            "when a message that came in late was written",
            "the size of a text that lies in a file of its own",
            "that restored messages carry the time of restoring",
            "whether LG's codes 7, 8 and 19 mean the same on phones of other makers: they are read as LG's",
            "the owner's number, unless the sender of an MMS shows it",
        ),
        versions="user_version 57, Android 4.4 (real); tables and columns of later and of makers' versions by their public schemas",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by its tables."""
        tables = tables_of(head)
        if not tables:
            return None
        for name, others in (
            ("sms", ("pdu", "canonical_addresses", "threads")),
            ("spam_sms", ("spam_pdu", "spam_addr")),
        ):
            if name not in tables or not any(other in tables for other in others):
                continue
            columns = {c.casefold() for c in tables[name]}
            if {"address", "date", "type", "body"} <= columns or tables[name] == ():
                return Claim(
                    95, f"a database with Android's tables {name} and {next(o for o in others if o in tables)}"
                )
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the messages into ``out``.

        Raises
        ------
        Unreadable
            It is no SQLite database, is damaged as a whole, or a table is none of the plain kind.
        """
        with open_database(source) as db:
            for name in ("sms", "spam_sms"):
                if name in db.tables or name in db.refused:
                    db.require(name, "address", "date", "type")
            for name in ("pdu", "addr", "part", "threads", "canonical_addresses", "spam_pdu", "spam_addr", "spam_part"):
                if name in db.refused:
                    db.require(name)
            reading = _Reading(db, context, out)
            reading.mms("")
            reading.sms("sms", False)
            reading.mms("spam_")
            reading.sms("spam_sms", True)
            reading.remarks()
            db.settle(out)


READER = AndroidSms()
