"""Reader of the messages in an Android backup: ``00000N_sms_backup`` and ``00000N_mms_backup`` of ``adb backup``.

Each is an array of up to a thousand messages in JSON, deflated. Locators point into the text, as it is when inflated.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO, ClassVar, cast

from pipelines.masking import Allowed
from pipelines.readers._android import MESSAGE_KEYS
from pipelines.readers._android_json import Elements, keys_of_first, read_array, stream_of
from pipelines.readers._json_stream import find_element
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span, Unreadable

_CHUNK = 1 << 16


class _Inflated(io.RawIOBase):
    """The text of a deflated stream, in bounded memory; it ends where the stream ends or breaks."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._inflate = zlib.decompressobj()
        self._held = b""
        self.broken = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with text; 0 at its end."""
        while not self._inflate.eof and not self.broken:
            data = self._held or self._stream.read(_CHUNK)
            if not data:
                self.broken = True
                break
            try:
                text = self._inflate.decompress(data, len(buffer))
            except zlib.error:
                self.broken = True
                break
            self._held = self._inflate.unconsumed_tail
            if text:
                buffer[: len(text)] = text
                return len(text)
        return 0

    def close(self) -> None:
        """Close the stream behind it, too."""
        self._stream.close()
        super().close()


def _deflated(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0


def _opener(inner: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Inflated(inner()), _CHUNK))

    return opened


class AndroidBackupSms:
    """The messages of Android's own telephony backup."""

    allowed: ClassVar[Allowed] = Allowed(
        keys=MESSAGE_KEYS | {"recipients", "self_phone", "mms_addresses", "charset", "mms_charset", "archived"}
    )

    description: ClassVar[Description] = Description(
        id="android-backup-sms",
        version=1,
        title="Messages in an Android backup (adb backup, sms_backup and mms_backup)",
        channels=("sms", "mms"),
        counts="elements of the array, in file order",
        knowledge="the backup agent of Android's telephony provider (AOSP), mvt, ALEAPP",
        evidence="real sample",
        cannot_tell=(
            "MMS without text: the backup leaves them out",
            "whether an MMS had attachments: only its text is backed up",
            "the oldest messages, where the backup was larger than its quota",
            "what was deleted before the backup",
            "when a message that came in late was written",
        ),
        versions="Android 12 (real); the agent's source of several versions",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its deflated beginning."""
        data = head.data
        if _deflated(data):
            try:
                data = zlib.decompressobj().decompress(data, 1 << 16)
            except zlib.error:
                return None
        if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            return None
        keys = keys_of_first(data)
        if keys is None or "date" not in keys:
            return None
        if "mms_addresses" in keys or ("recipients" in keys and "type" in keys and "body" in keys):
            return Claim(95, "an array of messages with the keys of Android's telephony backup")
        if _deflated(head.data) and {"address", "type", "read", "status"} <= keys.keys():
            return Claim(85, "a deflated array of messages with Android's columns")
        return None

    def plain(self, source: SourceFile) -> SourceFile:
        """Return the source as the text in which its locators point."""
        with source.open() as stream:
            if not _deflated(stream.read(16)):
                return source
        return replace(source, open=_opener(source.open), path=None)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file into ``out``.

        Raises
        ------
        Unreadable
            It is no array of messages.
        """
        elements = Elements(context, out)
        with self.plain(source).open() as stream:
            broken = read_array(stream, elements, out)
        if broken is not None:
            raise Unreadable("the file is no array of messages, or is damaged from its beginning")
        out.note(
            "an Android backup holds the text of messages only: MMS without text are not in it, nor are attachments; of a large store "
            "the oldest messages may be left out"
        )
        elements.finish()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`); ``source`` is that of :meth:`plain`."""
        return find_element(source, stream_of, record, n)


READER = AndroidBackupSms()
