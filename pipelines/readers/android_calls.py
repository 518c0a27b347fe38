"""Reader of Android's call log: ``calllog.db``, ``calllog_shadow.db``, ``contacts2.db`` before Android 7, Samsung's ``logs.db``.

All generations of the schema are read by the names of their columns; only ``number``, ``date`` and ``type`` are needed.
Samsung's logs hold messages beside the calls: those become messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pipelines.masking import Allowed
from pipelines.readers._android import CALL_KEYS, Memo, Traffic, app_of_account, call_words, sim
from pipelines.readers._android_book import BOOK_KEYS, has_book, mask_book, read_book
from pipelines.readers._sqlite import Block, Database, open_database, tables_of, text, whole
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

TABLES = ("calls", "logs")
_NEEDED = ("number", "date", "type")
#: columns of which Android's (or Samsung's) own table has several, and that say what the codes mean
_MARKS = (
    "numbertype", "numberlabel", "new", "countryiso", "voicemail_uri", "geocoded_location", "phone_account_address",
    "subscription_component_name", "normalized_number", "matched_number", "logtype",
)  # fmt: skip
_COLUMNS = (
    "number", "date", "duration", "type", "presentation", "normalized_number", "via_number", "phone_account_address",
    "subscription_id", "subscription_component_name", "features", "block_reason", "deleted", "logtype", "m_content",
    "simnum",
)  # fmt: skip

#: Samsung's ``logtype``: calls with their channel (voice, video, over the internet, over LTE; ChatON was Samsung's messenger)
_LOG_CALLS = {100: "phone", 500: "phone", 800: "phone", 900: "phone", 1000: "phone", 120: "other", 510: "other"}
_LOG_VIDEO = frozenset([500, 900, 510])
_LOG_MMS, _LOG_SMS = 200, 300


def call_tables(tables: dict[str, tuple[str, ...]]) -> list[str]:
    """Return which tables of a database are a call log of Android: by their columns; a refused table by its name."""
    found = []
    for name in TABLES:
        columns = {c.casefold() for c in tables.get(name, ())}
        android = all(c in columns for c in _NEEDED) and sum(c in columns for c in _MARKS) >= 3
        if android and (name == "calls" or "logtype" in columns):
            found.append(name)
    return found


class _Reading:
    """One database being read."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.traffic = Traffic(context, out)
        self.line: Memo[tuple[Any, ...], str | None] = Memo(self._line)
        self.channel: Memo[Any, str] = Memo(app_of_account)
        self.words: Memo[tuple[Any, ...], str | None] = Memo(self._words)
        self.seen: dict[str, tuple[int, int, int]] = {}  # table → rows, least and largest id

    def _line(self, key: tuple[Any, ...]) -> str | None:
        """Return the owner's line: the number that was called, the account's number, the SIM."""
        via, account, subscription, slot = key
        for raw in (via, account):
            if (found := self.traffic.numbers.account[text(raw)]) is not None:
                return found
        return sim(subscription) or (sim(slot) if slot not in (0, "0") else None)

    @staticmethod
    def _words(key: tuple[Any, ...]) -> str | None:
        return call_words(*key[:3], video=whole(key[3]) in _LOG_VIDEO)

    def table(self, name: str) -> None:
        """Read one table of calls."""
        rows = low = high = 0
        for block in self.db.scan(name, _COLUMNS):
            low = block.rowids[0] if not rows else low
            rows, high = rows + block.rows, block.rowids[-1]
            self._block(block)
        if rows:
            self.seen[name] = rows, low, high

    def _block(self, block: Block) -> None:
        c = block.columns
        everything = range(block.rows)
        calls: Iterable[int] = everything
        apps = [self.channel[v] for v in c["subscription_component_name"]]
        if any(v is not None for v in c["logtype"]) or any(c["m_content"]):
            chosen: list[int] = []
            messages: dict[str, list[int]] = {"sms": [], "mms": []}
            for k in everything:
                logtype = whole(c["logtype"][k])
                if logtype == _LOG_SMS or (logtype is None and c["m_content"][k]):
                    messages["sms"].append(k)
                elif logtype == _LOG_MMS:
                    messages["mms"].append(k)
                elif logtype is None or logtype in _LOG_CALLS:
                    chosen.append(k)
                    if logtype is not None:
                        apps[k] = _LOG_CALLS[logtype] if apps[k] == "phone" else apps[k]
                else:
                    self.out.reject(block.first_n + k, block.records[k], "an entry of a kind that is not known")
            calls = chosen
            for channel, places in messages.items():
                self._messages(block, channel, places)
        if calls is everything:
            self._calls(block, block.n, block.records, c, apps)
        elif chosen := list(calls):
            records = block.records
            self._calls(
                block, [block.first_n + k for k in chosen], [records[k] for k in chosen],
                {name: [values[k] for k in chosen] for name, values in c.items()}, [apps[k] for k in chosen],
            )  # fmt: skip

    def _calls(
        self, block: Block, n: Any, records: list[str], c: dict[str, list[Any]], apps: list[str]
    ) -> None:  # fmt: skip
        lines = zip(c["via_number"], c["phone_account_address"], c["subscription_id"], c["simnum"], strict=True)
        words = zip(c["features"], c["block_reason"], c["deleted"], c["logtype"], strict=True)
        self.traffic.calls(
            n, records, kinds=c["type"], durations=c["duration"], dates=c["date"], numbers=c["number"],
            normalized=c["normalized_number"], presentations=c["presentation"],
            lines=[self.line[key] for key in lines], channels=apps, tags=[self.words[key] for key in words],
        )  # fmt: skip

    def _messages(self, block: Block, channel: str, places: list[int]) -> None:
        """Take the messages that Samsung's logs keep beside the calls; only the beginning of the text is there."""
        if not places:
            return
        c, records = block.columns, block.records
        size: list[int | None] = [None] * len(places)
        self.traffic.sms(
            [block.first_n + k for k in places], [records[k] for k in places],
            kinds=[c["type"][k] for k in places], statuses=size, dates=[c["date"][k] for k in places],
            addresses=[c["number"][k] for k in places], sizes=size,
            lines=[self.line[None, None, c["subscription_id"][k], c["simnum"][k]] for k in places],
            tags=["from_call_log"] * len(places), channel=channel,
        )  # fmt: skip

    def remarks(self) -> None:
        """Say what the file covers, and which entries are gone."""
        self.traffic.flush()
        self.traffic.remarks()
        gone = False
        for name, (rows, low, high) in self.seen.items():
            last = self.db.highest_ever(name)
            parts = [f"{rows} entries"]
            if low > 1:
                parts.append(f"the first id is {low}: the {low - 1} before it are gone")
            if (middle := high - low + 1 - rows) > 0:
                parts.append(f"{middle} ids between the first and the last are missing")
            if last is not None and last > high:
                parts.append(f"{last - high} after the last are gone")
            if len(parts) > 1:
                gone = True
                again = "The phone never gives an id twice: an" if last is not None else "An"
                self.out.note(
                    f"{name}: {'; '.join(parts)}. {again} entry that is gone was deleted by somebody or by the log itself, "
                    "which keeps only its newest entries"
                )
        if not gone:
            self.out.note("a phone's call log keeps only its newest entries: a call that is absent shows nothing")
        channels = {"phone": {"call"}}
        for channel, kind in self.traffic.channels:
            channels.setdefault(channel, set()).add(kind)
        for channel, kinds in sorted(channels.items()):
            if self.traffic.channels or channel != "phone":
                self.out.coverage(
                    channel, " ".join(sorted(kinds)), scope="all", basis="cap", complete="no" if gone else "unknown"
                )


class AndroidCalls:
    """The call log of Android's and Samsung's providers."""

    allowed: ClassVar[Allowed] = Allowed(keys=CALL_KEYS | BOOK_KEYS)

    description: ClassVar[Description] = Description(
        id="android-calls",
        version=1,
        title="Android call log (calllog.db, contacts2.db with calls, Samsung logs.db)",
        channels=("phone", "sms", "mms", "whatsapp", "telegram", "signal", "viber", "skype", "messenger", "email", "other"),
        counts="rows of the tables calls, data (the address book) and logs",
        knowledge="Android's CallLog contract and the call log provider of AOSP and LineageOS, plaso, ALEAPP, Autopsy; Samsung's "
        "provider of logs as firmware images have it",
        evidence="real sample",
        cannot_tell=(
            "calls that fell out of the log: it keeps only its newest entries, how many differs by phone",
            "calls that a dialler or a filter app refused without writing them down, so refused calls are undercounted",
            "whether an incoming call of 0 s was answered",
            "what types above 7 mean, which some makers write: their direction is left open",
            "the size of messages that Samsung keeps beside the calls (only their beginning is there), and what other kinds of "
            "entries of these logs than calls, SMS and MMS are",
            "where somebody was: the place in the log is that of the number plan",
        ),
        versions="contacts2.db of Android 4 (real); calllog.db of schema 1 to 11 and Samsung's logs.db by their public schemas",
        call_start="ringing",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by the columns of its table ``calls`` or ``logs``."""
        tables = tables_of(head)
        if not tables:
            return None
        if found := call_tables(tables):
            return Claim(95, f"a database with Android's table {found[0]}")
        if tables.get("calls") == () and ("voicemail_status" in tables or has_book(tables)):
            return Claim(90, "a database of Android's call log whose table calls is none")
        return None

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a row with content hidden."""
        return mask_book(plain, self.allowed)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the call log, and the address book if it is in the same file, into ``out``.

        Raises
        ------
        Unreadable
            It is no SQLite database, is damaged as a whole, or its table is none of the plain kind.
        """
        with open_database(source) as db:
            found = call_tables(db.tables)
            if not found:
                db.require("calls", *_NEEDED)
                raise Unreadable("its table calls is not that of Android's call log")
            reading = _Reading(db, context, out)
            if "calls" in found:
                reading.table("calls")
            if has_book(db.tables):
                read_book(db, context, out)
            if "logs" in found:
                reading.table("logs")
            reading.remarks()
            db.settle(out)


READER = AndroidCalls()
