"""Reader of Android's address book: ``contacts2.db`` (and ``profile.db``) without a call log in it."""

from __future__ import annotations

from typing import ClassVar

from pipelines.masking import Allowed
from pipelines.readers import android_calls
from pipelines.readers._android_book import BOOK_KEYS, has_book, mask_book, read_book
from pipelines.readers._sqlite import open_database, tables_of
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile


class AndroidContacts:
    """The address book of Android's contacts provider."""

    allowed: ClassVar[Allowed] = Allowed(keys=BOOK_KEYS)

    description: ClassVar[Description] = Description(
        id="android-contacts",
        version=1,
        title="Android address book (contacts2.db, profile.db)",
        channels=("phone", "email", "whatsapp", "telegram", "signal", "viber", "skype"),
        counts="rows of the table data: a number, an address, a name, a picture of a contact",
        knowledge="Android's ContactsContract, plaso and ALEAPP; rows that apps add: Telegram for Android and public contact tools",
        evidence="public code",
        cannot_tell=(
            "who a person is: names are labels that somebody gave",
            "when an entry was made or changed",
            "entries that a synchronised account holds and this phone does not",
        ),
        versions="contacts2.db since Android 4; a real file with the tables but without entries was seen",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the database by its tables."""
        tables = tables_of(head)
        if not tables or not has_book(tables) or android_calls.call_tables(tables):
            return None
        return Claim(95, "a database with Android's tables raw_contacts, data and mimetypes")

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a row with content hidden."""
        return mask_book(plain, self.allowed)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the address book into ``out``.

        Raises
        ------
        Unreadable
            It is no SQLite database, is damaged as a whole, or a table is none of the plain kind.
        """
        with open_database(source) as db:
            db.require("raw_contacts", "_id")
            db.require("data", "mimetype_id", "data1")
            db.require("mimetypes", "_id", "mimetype")
            read_book(db, context, out)
            db.settle(out)


READER = AndroidContacts()
