"""Reader of SMS Import / Export: ``messages.ndjson``, ``blocked_numbers.ndjson``, call logs and contacts as JSON.

Since version 2 messages are one object a line in a zip; before, and for calls and contacts, a file is one array. The keys are the
columns of Android's providers, the values strings; what the app adds begins with two underscores.
"""

from __future__ import annotations

from typing import ClassVar

from pipelines.masking import Allowed, mask_json
from pipelines.readers._android import CALL_KEYS, MESSAGE_KEYS
from pipelines.readers._android_json import Elements, keys_of_first, read_array, read_lines, stream_of
from pipelines.readers._json_stream import find_element
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span, Unreadable

_SMS = {"address", "date", "type", "read"}
_MMS = {"date", "msg_box", "m_type"}
_CALL = {"date", "type", "duration"}
_ADDED = ("__display_name", "__parts", "__sender_address", "__recipient_addresses", "__addresses")
_ADDED_1 = ("sender_address", "recipient_addresses", "parts", "display_name")


class SmsIe:
    """Exports of the app SMS Import / Export."""

    allowed: ClassVar[Allowed] = Allowed(
        keys=MESSAGE_KEYS
        | CALL_KEYS
        | {
            "display_name", "__display_name", "sender_address", "__sender_address", "recipient_addresses",
            "__recipient_addresses", "__addresses", "msg_id", "charset", "original_number", "raw_contacts", "contacts_data",
            "mimetype",
        },
        sealed=frozenset(["parts", "__parts"]),
    )  # fmt: skip

    description: ClassVar[Description] = Description(
        id="sms-ie",
        version=1,
        title="SMS Import / Export (messages, calls, contacts and blocked numbers as JSON)",
        channels=(
            "sms", "mms", "phone", "email", "whatsapp", "telegram", "signal", "viber", "skype", "messenger",
        ),
        counts="lines that hold an object, or elements of the array, in file order",
        knowledge="the source and documentation of SMS Import / Export (versions 1 and 2), Android's Telephony and CallLog contracts",
        evidence="public code",
        cannot_tell=(
            "the owner's number, unless the account of a call or the sender of an MMS shows it",
            "what was deleted, or left out by a filter when the export was made",
            "whether an incoming call of 0 s was answered",
            "when a number was blocked",
            "that imported messages carry the time of importing",
        ),
        versions="1.x (arrays) and 2.x (ndjson) by the app's source",
        call_start="ringing",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by the keys of its first record."""
        found = keys_of_first(head.data)
        if found is None or "backupType" in found or "recipients" in found or "mms_addresses" in found:
            return None
        keys = found.keys()
        android = "_id" in keys
        if android and (keys >= _SMS or keys >= _MMS) and ("thread_id" in keys or "m_id" in keys):
            added = any(k in keys for k in (*_ADDED, *_ADDED_1))
            return Claim(95 if added else 85, "messages with the columns of Android's provider, one object each")
        if android and keys >= _CALL and ("number" in keys or "presentation" in keys or "new" in keys):
            return Claim(85, "calls with the columns of Android's provider, one object each")
        if android and "raw_contacts" in keys:
            return Claim(85, "contacts with the columns of Android's provider, one object each")
        if android and "original_number" in keys:
            return Claim(85, "blocked numbers with the columns of Android's provider, one object each")
        return None

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a record with content hidden."""
        return mask_json(plain.removeprefix("\ufeff"), "", self.allowed)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file into ``out``.

        Raises
        ------
        Unreadable
            It is neither an array nor lines of objects.
        """
        elements = Elements(context, out)
        with source.open() as stream:
            begun = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        with source.open() as stream:
            if begun.startswith(b"{"):
                read_lines(stream, elements, out)
            else:
                broken = read_array(stream, elements, out)
                if broken is not None:
                    raise Unreadable("the file is neither an array of records nor one record a line")
        elements.finish()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`); lines need no finding."""
        return find_element(source, stream_of, record, n)


READER = SmsIe()
