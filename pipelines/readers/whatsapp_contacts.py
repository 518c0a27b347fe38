"""Reader of WhatsApp's address book on Android (``wa.db``): names as labels, and who is blocked now.

Known from fixtures (chat-history-manager), IPED and from the statements by which the app makes the tables. Counted are the rows
of ``wa_block_list``, ``wa_contacts`` and ``wa_vnames``.
"""

from __future__ import annotations

from typing import Any

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import Gather, Party, has_tables, shows
from pipelines.readers._sqlite import Database, open_database, tables_of, text
from pipelines.readers._whatsapp_jids import APP, Jids
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile

_WANTED = {"wa_contacts": ("jid",)}
_COLUMNS = ("jid", "number", "display_name", "given_name", "family_name", "wa_name", "is_spam_reported")

#: not among them: status, the line that people write about themselves
_ALLOWED = shows(
    "_id jid number is_whatsapp_user display_name given_name family_name wa_name verified_name is_spam_reported"
)


def _label(*names: Any) -> str | None:
    return clean(" ".join(n for n in (text(v) for v in names) if n))[:200] or None


class _Reading:
    def __init__(self, db: Database, context: Context, out: Sink) -> None:
        self.db = db
        self.out = out
        self.context = context
        self.gather = Gather(out, APP)
        self.people = Jids(context, {})

    def run(self) -> None:
        gather = self.gather
        for block in self.db.scan("wa_block_list", ("jid",)):
            for n, record, jid in zip(block.n, block.records, block.columns["jid"], strict=True):
                who = self.people.party(text(jid))
                if who.identifier is None:
                    gather.reject(n, record, "the entry does not say who is blocked")
                else:
                    gather.listed(n, record, "blocked", who)
        for block in self.db.scan("wa_contacts", _COLUMNS):
            for row in zip(block.n, block.records, *block.columns.values(), strict=True):
                self._contact(*row)
        for block in self.db.scan("wa_vnames", ("jid", "verified_name")):
            for n, record, jid, name in zip(block.n, block.records, *block.columns.values(), strict=True):
                who, label = self.people.party(text(jid)), _label(name)
                if who.identifier is None or label is None:
                    gather.skip("entries without a person or a name")
                else:
                    gather.listed(n, record, "other", who, label, "business_name")
        gather.finish("listed")
        self.db.settle(self.out)
        self.out.note("who is blocked is said without a date; a block that was lifted leaves no trace here")

    def _contact(
        self, n: int, record: str, jid: Any, raw: Any, shown: Any, given: Any, family: Any, pushed: Any, spam: Any
    ) -> None:
        who = self.people.party(text(jid))
        if who.identifier is None or who.kind == "raw":
            identifier, kind = self.context.phone(text(raw))
            if identifier is not None and (who.identifier is None or kind == "phone"):
                who = Party(identifier, text(raw), kind)
        label = _label(shown) or _label(given, family)
        sub = 0
        if who.identifier is not None:
            if label is not None:
                sub += 1
                self.gather.listed(n, record, "address_book", who, label, None, sub=sub)
            elif _label(pushed) is not None:
                sub += 1
                self.gather.listed(n, record, "other", who, _label(pushed), "push_name", sub=sub)
            if spam == 1:
                sub += 1
                self.gather.listed(n, record, "reported", who, sub=sub)
        if not sub:
            self.gather.skip("entries without a person or a name")


class WhatsAppContacts:
    """Reader of format ``whatsapp-contacts``."""

    allowed = _ALLOWED

    @property
    def description(self) -> Description:
        """The frozen description."""
        return Description(
            id="whatsapp-contacts",
            version=1,
            title="WhatsApp for Android: address book and block list (wa.db)",
            channels=(APP,),
            counts="rows of wa_block_list, wa_contacts and wa_vnames, in this order, by rowid",
            knowledge="fixtures of chat-history-manager; IPED; the app's own statements that make the tables",
            evidence="real sample",
            cannot_tell=(
                "when somebody was blocked or reported",
                "whether a push name is true: the other side chooses it",
                "which entry is the owner's own",
            ),
            versions="schemas of 2023-10 and 2026-01",
        )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a database with WhatsApp's table of contacts."""
        tables = tables_of(head)
        if (
            tables is not None
            and "wa_contacts" in tables
            and (not tables["wa_contacts"] or has_tables(tables, _WANTED))
        ):
            return Claim(95, "a database with WhatsApp's table wa_contacts")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the entries of a database."""
        with open_database(source) as db:
            db.require("wa_contacts", "jid")
            _Reading(db, context, out).run()


READER = WhatsAppContacts()
