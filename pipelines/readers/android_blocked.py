"""Reader of the numbers that were blocked on an Android phone: ``blockednumbers.db``."""

from __future__ import annotations

from typing import ClassVar

from pipelines.masking import Allowed
from pipelines.readers._sqlite import open_database, tables_of, text
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_COLUMNS = ("original_number", "e164_number")


class AndroidBlocked:
    """Android's list of blocked numbers: a list without dates, so a candidate for a notice and never one by itself."""

    allowed: ClassVar[Allowed] = Allowed(keys=frozenset(["_id", *_COLUMNS]))

    description: ClassVar[Description] = Description(
        id="android-blocked",
        version=1,
        title="Android's blocked numbers (blockednumbers.db)",
        channels=("phone",),
        counts="rows of the table blocked",
        knowledge="Android's BlockedNumberContract",
        evidence="documentation",
        cannot_tell=(
            "when a number was blocked, and whether calls were refused because of it",
            "numbers that were blocked and unblocked again, or blocked in another app",
        ),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by its table."""
        columns = (tables_of(head) or {}).get("blocked", ())
        if all(c in {name.casefold() for name in columns} for c in _COLUMNS):
            return Claim(95, "a database with Android's table of blocked numbers")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the list into ``out``.

        Raises
        ------
        Unreadable
            It is no SQLite database, is damaged as a whole, or its table is none of the plain kind.
        """
        with open_database(source) as db:
            db.require("blocked", "original_number")
            for block in db.scan("blocked", _COLUMNS):
                rows = []
                for n, record, raw, exact in zip(block.n, block.records, *block.columns.values(), strict=True):
                    given = text(exact) or text(raw)
                    identifier, kind = context.phone(given)
                    if given is None:
                        out.reject(n, record, "the entry has no number")
                    else:
                        rows.append((n, record, identifier, given, kind))
                if rows:
                    names = ("n", "record", "identifier", "identifier_raw", "identifier_kind")
                    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
                    out.listed(len(rows), {**columns, "list": "blocked", "channel": "phone"})
            out.note("the list has no dates: when a number was blocked is for the owner to say")
            db.settle(out)


READER = AndroidBlocked()
