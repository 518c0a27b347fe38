"""Reader of Apple's address books: ``AddressBook.sqlitedb`` of iOS and ``AddressBook-v22.abcddb`` of macOS.

A number or a mail address in an address book is one entry of a list, with the name as its label. A name is never a join:
whoever keeps the telephone can write any name beside any number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipelines.identifiers import clean
from pipelines.masking import Allowed
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sqlite import Block, Database, open_database, tables_of, text, whole
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_IOS_VALUES, _IOS_PEOPLE = "ABMultiValue", "ABPerson"
_MAC_MAIL, _MAC_PHONES, _MAC_PEOPLE = "ZABCDEMAILADDRESS", "ZABCDPHONENUMBER", "ZABCDRECORD"
#: further tables of the macOS address book that hold ways to reach somebody, which are not read
_MAC_OTHERS = ("ZABCDMESSAGINGADDRESS", "ZABCDSOCIALPROFILE")
_PHONE, _MAIL = 3, 4  # ABMultiValue.property
#: longest label [P]
_LABEL = 200
#: people of one address book that are remembered [P]
_MAX_PEOPLE = 1_000_000
_SHOWN = """
UID record_id property identifier label value guid Z_PK Z_ENT Z_OPT ZOWNER ZFULLNUMBER ZADDRESS ZADDRESSNORMALIZED ZLABEL
ZISPRIMARY ZISPRIVATE ZORDERINGINDEX ZUNIQUEID ZCOUNTRYCODE ZAREACODE ZLOCALNUMBER ZLASTFOURDIGITS
"""


def _name(*parts: Any) -> str | None:
    """Return the first of several ways to name somebody that is not empty, cleaned."""
    for part in parts:
        given = part if isinstance(part, (tuple, list)) else (part,)
        joined = clean(" ".join(t for value in given if (t := text(value)) is not None))
        if joined:
            return joined[:_LABEL]
    return None


class _Reading:
    """One pass over an address book."""

    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self._db = db
        self._phone = context.phone
        self._out = out
        self._counts: Counter[str] = Counter()
        self._named: set[int] = set()
        self._rows = RowBuffer(
            out.listed,
            ("n", "record", "channel", "identifier", "identifier_raw", "identifier_kind", "label"),
            {"list": "address_book"},
        )

    def _entry(self, n: int, record: str, kind: str, value: Any, label: str | None) -> None:
        """Keep a number or a mail address."""
        given = clean(text(value) or "")
        if not given:
            self._counts["entries without a number or address"] += 1
            self._out.out_of_scope()
            return
        identifier, what = self._phone(given)
        if kind == "email" and what != "mail":
            identifier, what = f"raw:{given}", "raw"
        self._rows.add(n, record, kind, identifier, given, what, label)

    def ios(self) -> None:
        """Read ``ABMultiValue``, with the names of ``ABPerson``."""
        self._db.require(_IOS_PEOPLE, "First")
        self._db.require(_IOS_VALUES, "record_id", "property", "value")
        people: dict[int, str | None] = {}
        columns = ["First", "Middle", "Last", "Organization", "Nickname", "DisplayName"]
        for rowid, first, middle, last, organization, nickname, shown in self._db.lookup(_IOS_PEOPLE, columns):
            if len(people) < _MAX_PEOPLE:
                people[rowid] = _name((first, middle, last), shown, nickname, organization)
        for block in self._db.scan(_IOS_VALUES, ["record_id", "property", "value"]):
            rows = zip(*(block.columns[c] for c in ("record_id", "property", "value")), strict=True)
            for n, record, (owner, kind, value) in zip(block.n, block.records, rows, strict=True):
                channel = {_PHONE: "phone", _MAIL: "email"}.get(whole(kind) or 0)
                if channel is None:
                    self._counts["entries that are neither number nor mail address, not read"] += 1
                    self._out.out_of_scope()
                    continue
                self._entry(n, record, channel, value, self._label(owner, people))
        self._say(people)

    def macos(self) -> None:
        """Read ``ZABCDEMAILADDRESS`` and ``ZABCDPHONENUMBER``, with the names of ``ZABCDRECORD``."""
        self._db.require(_MAC_PEOPLE)
        self._db.require(_MAC_PHONES, "ZOWNER", "ZFULLNUMBER")
        people: dict[int, str | None] = {}
        columns = ["ZFIRSTNAME", "ZMIDDLENAME", "ZLASTNAME", "ZORGANIZATION", "ZNICKNAME", "ZNAME", "ZCONTACTINDEX"]
        groups = self._groups()
        for rowid, first, middle, last, organization, nickname, shown, _ in self._db.lookup(_MAC_PEOPLE, columns):
            if rowid not in groups and len(people) < _MAX_PEOPLE:
                people[rowid] = _name((first, middle, last), shown, nickname, organization)
        self._mac_values(self._db.scan(_MAC_MAIL, ["ZOWNER", "ZADDRESS"]), "email", people)
        self._mac_values(self._db.scan(_MAC_PHONES, ["ZOWNER", "ZFULLNUMBER"]), "phone", people)
        for table in _MAC_OTHERS:
            if rows := self._db.rows_of(table):
                self._counts[f"rows of {table}, not read"] += rows
        self._say(people)

    def _groups(self) -> set[int]:
        """Return the rows of ``ZABCDRECORD`` that are groups: their entity is told by ``Z_PRIMARYKEY``."""
        kinds = {ent for _, ent, name in self._db.lookup("Z_PRIMARYKEY", ["Z_ENT", "Z_NAME"]) if name == "ABCDGroup"}
        if not kinds:
            return set()
        return {rowid for rowid, ent in self._db.lookup(_MAC_PEOPLE, ["Z_ENT"]) if ent in kinds}

    def _mac_values(self, blocks: Iterable[Block], channel: str, people: dict[int, str | None]) -> None:
        for block in blocks:
            for n, record, *rest in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._entry(n, record, channel, rest[1], self._label(rest[0], people))

    def _label(self, owner: Any, people: dict[int, str | None]) -> str | None:
        if owner.__class__ is not int or owner not in people:
            self._counts["entries of a person who is not in the book"] += 1
            return None
        self._named.add(owner)
        return people[owner]

    def _say(self, people: dict[int, str | None]) -> None:
        self._rows.flush()
        self._db.settle(self._out)
        if bare := len(people) - len(self._named):
            self._counts["people without a number or mail address, not listed"] += bare
        for what, count in sorted(self._counts.items()):
            self._out.note(f"{what}: {count}")
        self._out.note(
            "an address book shows the names as they were when it was saved: names are labels and join nothing"
        )


class IosContacts:
    """Reader of format ``ios-contacts``."""

    description = Description(
        id="ios-contacts",
        version=1,
        title="Address book of iOS (AddressBook.sqlitedb) or macOS (AddressBook-v22.abcddb)",
        channels=("phone", "email"),
        counts="rows of ABMultiValue; on macOS rows of ZABCDEMAILADDRESS, then of ZABCDPHONENUMBER",
        knowledge="public parsers (iLEAPP, imessage-exporter), a test database of macos-ts",
        evidence="public code",
        cannot_tell=(
            "whether a number belongs to the person whose name stands beside it",
            "since when a number is in the book, and what was deleted from it",
            "messaging accounts, social profiles and postal addresses (not read)",
            "which card is the owner's own",
        ),
        versions="seen: a test database of macOS; iOS as public code reads it",
    )
    allowed = Allowed(keys=frozenset(_SHOWN.split()))

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with the tables of one of the two address books."""
        tables = tables_of(head)
        if not tables:
            return None
        if _IOS_PEOPLE in tables and _IOS_VALUES in tables:
            return Claim(95, "a database with the tables ABPerson and ABMultiValue of the iOS address book")
        if _MAC_PEOPLE in tables and _MAC_PHONES in tables:
            return Claim(95, "a database with the tables ZABCDRECORD and ZABCDPHONENUMBER of the macOS address book")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        with open_database(source) as db:
            reading = _Reading(db, context, out)
            known = db.tables.keys() | db.refused
            if _IOS_PEOPLE in known and _IOS_VALUES in known:
                reading.ios()
            else:
                reading.macos()


READER = IosContacts()
