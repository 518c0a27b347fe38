"""Mailbox in the mbox format: what Google Takeout gives for Gmail, and Thunderbird, Apple Mail and others keep or export.

A message begins with a line ``From `` that bears a time (or is bare, as Thunderbird writes it, after a blank line) and is followed by a
header. How rows are made of messages: :mod:`pipelines.readers._mail`.
"""

from __future__ import annotations

import re
from typing import Final

from pipelines.readers._mail import MailRows, MailStream, begins_mbox, mask_mail
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span, Unreadable


class Mbox:
    """The reader."""

    description = Description(
        id="mbox",
        version=1,
        title="Mailbox (mbox)",
        channels=("email",),
        counts="messages: a line that begins with From and a time, followed by a header",
        knowledge=(
            "RFC 4155 and RFC 5322; a mailbox of Gmail's export among public fixtures; labels of other languages than English after the user "
            "interface, not seen in an export"
        ),
        evidence="real sample",
        cannot_tell=(
            "whether the sender's address and date are true: both are the sender's word",
            "whether a body imitates the begin of a message, where the program that wrote the file did not mark such lines",
            "who else received it by blind copy",
            "whether two spellings of an address that differ in small and capital letters are one",
            "what was deleted before the export",
            "how long the text is: size is the bytes of the body, attachments included",
        ),
        options=(Option("owner", "the owner's address in this file", "no address of the owner stands in the file"),),
        versions="Gmail's Takeout of 2024 (fixture)",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim text that begins with a ``From `` line and a header."""
        if not begins_mbox(head.data):
            return None
        return Claim(92, "begins with a line From and the header of a message")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the messages; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            It cannot be told whose mail it is.
        Unreadable
            It holds no message.
        """
        rows = MailRows(context, out)
        with source.open() as stream:
            mails = MailStream(stream, mbox=True)
            for mail in mails:
                rows.add(mail)
        if not rows.read:
            raise Unreadable("the file holds no message")
        if mails.before:
            out.note(f"bytes before the first message, not read: {mails.before}")
        rows.end()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a message again by its number."""
        number = re.fullmatch(r"mail:([1-9]\d{0,17})", record)
        if number is None:
            return None
        wanted = int(number[1])
        with source.open() as stream:
            for mail in MailStream(stream, mbox=True):
                if mail.n == wanted:
                    return Span(mail.start, mail.end, not mail.fault)
        return None

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a message with its metadata and the length of its content."""
        return mask_mail(plain)


READER: Final = Mbox()
