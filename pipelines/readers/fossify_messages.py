"""Reader of the messages that Fossify Messages and Simple SMS Messenger export: one JSON array of SMS and MMS."""

from __future__ import annotations

from typing import ClassVar

from pipelines.masking import Allowed
from pipelines.readers._android import MESSAGE_KEYS
from pipelines.readers._android_json import Elements, keys_of_first, read_array, stream_of
from pipelines.readers._json_stream import find_element
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span, Unreadable


class FossifyMessages:
    """The export of Fossify Messages, before it was forked Simple SMS Messenger."""

    allowed: ClassVar[Allowed] = Allowed(
        keys=MESSAGE_KEYS
        | {
            "subscriptionId", "dateSent", "serviceCenter", "backupType", "deliveryReport", "messageType", "messageBox",
            "readReport", "textOnly", "transactionId", "addresses", "charset", "contentType",
        },
        sealed=frozenset(["parts"]),
    )  # fmt: skip

    description: ClassVar[Description] = Description(
        id="fossify-messages",
        version=1,
        title="Fossify Messages and Simple SMS Messenger (exported messages)",
        channels=("sms", "mms"),
        counts="elements of the array, in file order",
        knowledge="the source of Fossify Messages, Android's Telephony contract",
        evidence="public code",
        cannot_tell=(
            "the owner's number, unless the sender of an MMS shows it",
            "what was deleted, or not chosen when the export was made",
            "when a message that came in late was written",
            "that restored messages carry the time of restoring",
        ),
        versions="the app's source: names of its own for the columns, and in older versions Android's",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by the word that the app adds to every message."""
        if not head.data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            return None
        keys = keys_of_first(head.data)
        if keys is None or "date" not in keys or keys.get("backupType") not in ("sms", "mms", None):
            return None
        if "backupType" in keys:
            return Claim(95, "an array of messages with Fossify's backupType")
        if ("messageBox" in keys and "messageType" in keys) or {"dateSent", "subscriptionId"} <= keys.keys():
            return Claim(90, "an array of messages with Fossify's names of their columns")
        if "_id" not in keys and {"msg_box", "m_type", "addresses"} <= keys.keys():
            return Claim(80, "an array of MMS with Android's columns and their addresses")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file into ``out``.

        Raises
        ------
        Unreadable
            It is no array of messages.
        """
        elements = Elements(context, out)
        with source.open() as stream:
            broken = read_array(stream, elements, out)
        if broken is not None:
            raise Unreadable("the file is no array of messages, or is damaged from its beginning")
        elements.finish()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_element(source, stream_of, record, n)


READER = FossifyMessages()
