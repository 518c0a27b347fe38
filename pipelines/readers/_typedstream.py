"""The length of the text in an ``attributedBody``: an attributed string in Apple's old archive format (typedstream).

Only the one string is looked for: it is the first value after the classes of the string, and it ends its object. Anything
that is built otherwise has no length; nothing of the text is ever given away.
"""

from __future__ import annotations

from typing import Any

_MAGIC = (b"\x04\x0bstreamtyped", b"\x04\x0btypedstream")
#: the type ``+`` (bytes with a length) of the value that follows
_STRING = b"\x84\x01+"
#: the classes before it take no more room than this
_CLASSES = 512
_END_OF_OBJECT = 0x86
#: U+FFFC: the place of an attachment in the text, no character of it
PLACEHOLDER = "\ufffc"


def attributed_text(body: Any) -> str | None:
    """Return the text of an ``attributedBody``, None if it is not built as Messages builds it, or is cut off."""
    if not isinstance(body, bytes) or not body.startswith(_MAGIC):
        return None
    at = body.find(_STRING, 0, _CLASSES)
    if at < 0 or b"String" not in body[:at]:
        return None
    at += len(_STRING)
    if at >= len(body):
        return None
    size = body[at]
    at += 1
    if size in (0x81, 0x82):
        width = 2 if size == 0x81 else 4
        size = int.from_bytes(body[at : at + width], "little")
        at += width
    elif size >= 0x80:
        return None
    end = at + size
    if end >= len(body) or body[end] != _END_OF_OBJECT:
        return None
    try:
        return body[at:end].decode("utf-8")
    except UnicodeDecodeError:
        return None


def characters(text: str | None) -> int | None:
    """Return the characters of a text without the places of attachments."""
    if text is None:
        return None
    return len(text) - text.count(PLACEHOLDER) if PLACEHOLDER in text else len(text)
