"""One e-mail as a file (``.eml``), as mail programs save or attach it. How rows are made: :mod:`pipelines.readers._mail`."""

from __future__ import annotations

import re
from typing import Final

from pipelines.readers._mail import MailRows, MailStream, mask_mail
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span, Unreadable

_LINE = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_OURS = frozenset(
    [
        b"date", b"from", b"to", b"cc", b"subject", b"received", b"message-id", b"mime-version", b"return-path",
        b"delivered-to", b"reply-to", b"sender", b"content-type", b"content-transfer-encoding", b"references",
        b"in-reply-to", b"dkim-signature", b"authentication-results", b"received-spf",
    ]
)  # fmt: skip
#: a page that a browser saved, and a posting of a news group, are no mail to anybody
_OTHERS = (b"snapshot-content-location", b"newsgroups", b"nntp-posting-host", b"x-snapshot-content-location")


class Eml:
    """The reader."""

    description = Description(
        id="eml",
        version=1,
        title="E-mail (eml)",
        channels=("email",),
        counts="the one message of the file",
        knowledge="RFC 5322, RFC 2047, RFC 3834; fixtures of the public library mail by mikel",
        evidence="real sample",
        cannot_tell=(
            "whether the sender's address and date are true: both are the sender's word",
            "whose mailbox it was saved from",
            "whether two spellings of an address that differ in small and capital letters are one",
            "how long the text is: size is the bytes of the body, attachments included",
        ),
        options=(Option("owner", "the owner's address in this file", "no address of the owner stands in the file"),),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim text that begins with the headers of a message, From among them."""
        data = head.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")[:32_768]
        if data.startswith(b"From "):
            return None
        names: set[bytes] = set()
        for line in re.split(rb"\r?\n", data):
            if not line:
                break
            if line[:1] in (b" ", b"\t"):
                if not names:
                    return None
                continue
            found = _LINE.match(line)
            if found is None:
                return None
            names.add(found[1].lower())
        if b"from" not in names or names & set(_OTHERS):
            return None
        ours = len(names & _OURS)
        if ours < 3:
            return None
        sure = 90 if names & {b"date", b"received", b"message-id", b"mime-version"} else 60
        return Claim(sure, f"begins with {ours} headers of an e-mail")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read the message; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            It cannot be told whether the owner wrote or received it.
        Unreadable
            The file holds nothing.
        """
        rows = MailRows(context, out)
        with source.open() as stream:
            for mail in MailStream(stream, mbox=False):
                rows.add(mail)
        if not rows.read:
            raise Unreadable("the file holds no message")
        rows.end()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find the message."""
        if record != "mail:1":
            return None
        with source.open() as stream:
            for mail in MailStream(stream, mbox=False):
                return Span(mail.start, mail.end, not mail.fault)
        return None

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return the message with its metadata and the length of its content."""
        return mask_mail(plain)


READER: Final = Eml()
