"""The address book of Android's contacts provider: ``raw_contacts``, ``data`` and ``mimetypes`` of ``contacts2.db``.

A row of ``data`` is one fact of one contact: a number, an address, a name, a picture. Those that an identifier can be made of
become entries of a list; the others are no identifiers and are counted as out of scope. Names are labels, never joins.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pipelines.masking import Allowed, mask_json
from pipelines.readers._sqlite import Database, text, whole
from pipelines.readers.base import Context, Sink

#: raw contacts from this id on are the owner's own card (``ContactsContract.Profile.MIN_ID``)
PROFILE_FROM = 2**63 - 1 - (2**31 - 1)
_ITEM = "vnd.android.cursor.item/"
PHONE, MAIL, SIP, IM = f"{_ITEM}phone_v2", f"{_ITEM}email_v2", f"{_ITEM}sip_address", f"{_ITEM}im"
#: rows that an app adds for a person whom it knows: channel
_APPS = {
    f"{_ITEM}vnd.com.whatsapp.profile": "whatsapp",
    f"{_ITEM}vnd.com.whatsapp.w4b.profile": "whatsapp",
    f"{_ITEM}vnd.org.telegram.messenger.android.profile": "telegram",
    f"{_ITEM}vnd.org.thoughtcrime.securesms.contact": "signal",
    f"{_ITEM}vnd.com.viber.voip.viber_number_message": "viber",
}
_SKYPE = 3  # data5 of an im row
_JID = re.compile(r"(\d{6,15})@s\.whatsapp\.net", re.ASCII)
_COLUMNS = ("raw_contact_id", "mimetype_id", "data1", "data4", "data5")

#: what may be seen of a row; ``data1`` only where it is a number or an address (it may as well be a note)
BOOK_KEYS = frozenset(["_id", "mimetype_id", "raw_contact_id", "is_primary", "is_super_primary", "data_version"])
_IDENTIFIER = re.compile(r"[+\d(][\d\s().+#*/-]{2,30}|[^\s@]{1,100}@[^\s@]{1,100}", re.ASCII)


def mask_book(plain: str, allowed: Allowed) -> str:
    """Return a row with content hidden, its number or address shown."""
    try:
        value = json.loads(plain).get("data1")
    except (ValueError, AttributeError, RecursionError):
        value = None
    shown = isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None
    return mask_json(plain, "", Allowed(keys=allowed.keys | {"data1"}) if shown else allowed)


def has_book(tables: dict[str, tuple[str, ...]]) -> bool:
    """Return whether a database has the tables of the address book."""
    return all(name in tables for name in ("raw_contacts", "data", "mimetypes"))


def identifier_of(mimetype: str, value: str, data5: Any, context: Context) -> tuple[str, str | None, str, str] | None:
    """Return channel, identifier, its raw text and kind of a fact; None if it is no identifier."""
    if mimetype in (PHONE, MAIL, SIP):
        if mimetype == MAIL and "@" not in value:
            return None
        raw = value.removeprefix("sip:") if mimetype == SIP else value
        identifier, kind = context.phone(raw)
        return ("email" if mimetype == MAIL else "phone"), identifier, raw, kind
    if mimetype == IM:
        return ("skype", f"skype:{value}", value, "app_id") if whole(data5) == _SKYPE else None
    channel = _APPS.get(mimetype)
    if channel is None:
        return None
    if channel == "telegram" and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        return channel, f"telegram:user{value}", value, "app_id"
    found = _JID.fullmatch(value)
    if channel == "whatsapp" and found is None:
        return None
    raw = f"+{found[1]}" if found is not None else value
    identifier, kind = context.phone(raw)
    return (channel, identifier, raw, kind) if kind == "phone" else None


def read_book(db: Database, context: Context, out: Sink) -> None:
    """Read the address book of a database into ``out``; ``data`` is scanned, so tables before it in the alphabet come first."""
    mimetypes = {whole(row[1]): text(row[2]) or "" for row in db.lookup("mimetypes", ("_id", "mimetype"))}
    people: dict[int | None, tuple[str | None, bool]] = {
        whole(row[1]): (text(row[2]), bool(whole(row[3])))
        for row in db.lookup("raw_contacts", ("_id", "display_name", "deleted"))
    }
    owners: set[str] = set()
    for block in db.scan("data", _COLUMNS):
        rows: list[tuple[Any, ...]] = []
        records = block.records
        for k, (raw_id, kind_id, value, _, data5) in enumerate(zip(*block.columns.values(), strict=True)):
            given = text(value)
            mimetype = mimetypes.get(whole(kind_id))
            if mimetype is None:
                out.reject(block.first_n + k, records[k], "its kind of entry is not in the table mimetypes")
                continue
            found = None if given is None else identifier_of(mimetype, given, data5, context)
            if found is None:
                out.out_of_scope()
                continue
            channel, identifier, raw, kind = found
            person = whole(raw_id)
            label, deleted = people.get(person, (None, False))
            own = person is not None and person >= PROFILE_FROM
            if own and identifier is not None and len(owners) < 64:
                owners.add(identifier)
            rows.append(
                (block.first_n + k, records[k], "other" if own else "address_book", channel, identifier, raw, kind,
                 None if own else label, "own_card" if own else "deleted_entry" if deleted else None)
            )  # fmt: skip
        if rows:
            names = (
                "n",
                "record",
                "list",
                "channel",
                "identifier",
                "identifier_raw",
                "identifier_kind",
                "label",
                "tags",
            )
            out.listed(len(rows), dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    if owners:
        out.owner(sorted(owners))
        out.note("the file is the owner's own card, which the owner wrote: its numbers are taken for the owner's")
    if gone := db.rows_of("deleted_contacts"):
        out.note(
            f"the phone remembers that {gone} contacts were deleted from the address book: who they were is not kept"
        )
