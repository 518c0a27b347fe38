"""Reader of the history of SpamBlocker, an app that screens calls and messages: ``spam_blocker.db``.

The app sees a call before it rings and a message when it arrives, and writes down what it let pass as well as what it refused.
"""

from __future__ import annotations

from typing import ClassVar

from pipelines.masking import Allowed
from pipelines.readers._android import Traffic
from pipelines.readers._sqlite import Database, open_database, tables_of, text, whole
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_COLUMNS = ("peer", "time", "result", "sms_content")
#: results from 10 to 99 mean that it was refused (``Def.isBlocked``)
_BLOCKED = range(10, 100)
#: the phone's own code for what the app says: a call that was blocked; one whose end the app does not see
_TYPE_BLOCKED, _TYPE_IN = 6, 1


def _history(db: Database, traffic: Traffic, name: str) -> int:
    rows = 0
    for block in db.scan(name, _COLUMNS):
        rows += block.rows
        c = block.columns
        blocked = [whole(v) in _BLOCKED for v in c["result"]]
        nothing: list[None] = [None] * block.rows
        if name == "call":
            traffic.calls(
                block.n, block.records, kinds=[_TYPE_BLOCKED if b else _TYPE_IN for b in blocked], durations=nothing,
                dates=c["time"], numbers=c["peer"], normalized=nothing, presentations=nothing, lines=nothing,
                tags=["by_screening_app" if b else None for b in blocked],
            )  # fmt: skip
        else:
            traffic.sms(
                block.n, block.records, kinds=[_TYPE_IN] * block.rows, statuses=nothing, dates=c["time"],
                addresses=c["peer"], sizes=[len(v) if (v := text(body)) is not None else None for body in c["sms_content"]],
                lines=nothing, tags=["blocked" if b else None for b in blocked],
            )  # fmt: skip
    return rows


class SpamBlocker:
    """The history of the app SpamBlocker."""

    allowed: ClassVar[Allowed] = Allowed(keys=frozenset(["id", "peer", "time", "result", "read", "expanded"]))

    description: ClassVar[Description] = Description(
        id="spamblocker",
        version=1,
        title="SpamBlocker (history of screened calls and messages)",
        channels=("phone", "sms"),
        counts="rows of the tables call and sms",
        knowledge="the source of SpamBlocker",
        evidence="public code",
        cannot_tell=(
            "whether a call that it let pass was answered, and how long it was",
            "what was cleared: the app deletes its history after a time that the user sets, and with some updates, so it undercounts",
            "what reached the phone while the app was off, and calls of people in the address book that the phone did not ask it about",
        ),
        versions="database version 31 by the app's source",
        clock_s=5,
        call_start="ringing",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by the tables of its history and of its rules."""
        tables = tables_of(head)
        if not tables or not {"call", "sms", "number_filter"} <= tables.keys():
            return None
        if all({"peer", "time", "result"} <= {c.casefold() for c in tables[name]} for name in ("call", "sms")):
            return Claim(95, "a database with SpamBlocker's tables call, sms and number_filter")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the history into ``out``.

        Raises
        ------
        Unreadable
            It is no SQLite database, is damaged as a whole, or a table is none of the plain kind.
        """
        with open_database(source) as db:
            traffic = Traffic(context, out)
            for name in ("call", "sms"):
                db.require(name, "peer", "time", "result")
            for name, channel, kind in (("call", "phone", "call"), ("sms", "sms", "message")):
                rows = _history(db, traffic, name)
                last = db.highest_ever(name)
                if last is not None and last > rows:
                    out.note(f"{name}: {last} entries were written and {rows} are there: the others were cleared")
                if traffic.channels[channel, kind]:
                    out.coverage(channel, kind, scope="all", basis="cap", complete="no")
            traffic.remarks()
            out.note("a filter's history undercounts: it keeps what it was asked about, and only for a time")
            db.settle(out)


READER = SpamBlocker()
