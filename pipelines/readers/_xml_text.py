"""XML of any usual encoding as a clean UTF-8 stream that a strict parser accepts and in which nothing can be expanded.

What exports get wrong outside the fields that are read (a bare ``&`` in a name, a control character, half of a
surrogate pair as a reference, a few bytes of another encoding) must not cost the records behind it, so it is repaired
here, before the parser. References to declared entities become plain text by the same step.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from pipelines.readers.base import Unreadable

BLOCK_BYTES = 1 << 18
#: the root element must begin within so many bytes [P]
PROLOG_BYTES = 1 << 20

_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
#: one byte a character, ASCII below 128, or UTF-8: a tag looks the same in all of them
_ENCODINGS = frozenset(
    ["utf-8", "ascii", "koi8-r", "koi8-u", "kz1048", "ptcp154", "mac-cyrillic"]
    + [f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))]
    + [f"cp{page}" for page in (866, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)]
)
#: the declaration of the encoding lies within so many bytes
_HEAD_BYTES = 1024
_LONGEST_TOKEN = 12
_TOKEN = re.compile(
    "&(?:(?:amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));"
    "|&|<!\\[CDATA\\[|\\]\\]>|<!--|-->|[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"
)


def encoding_of(head: bytes) -> tuple[str, int]:
    """Tell the encoding of an XML file from its first bytes.

    Returns
    -------
    encoding : str
        Name of a Python codec.
    mark : int
        Length of the byte order mark.

    Raises
    ------
    Unreadable
        The file declares an encoding that no export is known to use.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    if head[:2] == b"<\0":
        return "utf-16-le", 0
    if head[:2] == b"\0<":
        return "utf-16-be", 0
    declared = _DECLARED.match(head)
    if declared is None:
        return "utf-8", 0
    name = declared.group(1).decode("ascii")
    if name.lower().startswith(("utf-16", "utf16", "ucs-2")):
        return "utf-8", 0  # the declaration could not be read if it were true
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if known not in _ENCODINGS:
        raise Unreadable("the file declares an encoding that is not supported")
    return known, 0


class XmlText:
    """The text of a stream, decoded, repaired, as UTF-8 blocks.

    Parameters
    ----------
    stream : binary stream
        Read once, from where it stands.
    block : int
        Bytes read at a time.

    Attributes
    ----------
    repaired : int
        Places that were no XML and were made harmless.
    """

    def __init__(self, stream: BinaryIO, block: int = BLOCK_BYTES) -> None:
        self._stream = stream
        self._block = block
        self._inside = ""  # the token that ends the CDATA section or comment we are in
        self.repaired = 0

    def _repair(self, token: re.Match[str]) -> str:
        text = token.group()
        if self._inside:
            if text == self._inside:
                self._inside = ""
            if len(text) > 1 or text == "&":
                return text
        elif text == "<![CDATA[":
            self._inside = "]]>"
            return text
        elif text == "<!--":
            self._inside = "-->"
            return text
        elif text in ("]]>", "-->"):
            return text
        if text[0] == "&":
            decimal, hexadecimal = token.groups()
            if decimal is None and hexadecimal is None:
                if len(text) > 1:
                    return text
                self.repaired += 1
                return "&amp;"
            code = int(decimal) if decimal is not None else int(hexadecimal, 16)
            if code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF:
                return text
        self.repaired += 1
        return "\ufffd"

    def blocks(self) -> Iterator[bytes]:
        """Yield the text as UTF-8 without byte order mark; leading blanks are dropped.

        Raises
        ------
        Unreadable
            See :func:`encoding_of`.
        """
        data = b""
        while len(data) < _HEAD_BYTES and (more := self._stream.read(max(self._block, _HEAD_BYTES))):
            data += more
        encoding, mark = encoding_of(data)
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        data = data[mark:]
        held, begun = "", False
        while True:
            last = not data
            text = held + decoder.decode(data, last)
            if not begun:
                text = text.lstrip()
                begun = bool(text)
            limit = len(text) if last else max(0, len(text) - _LONGEST_TOKEN)
            done: list[str] = []
            at = 0
            for token in _TOKEN.finditer(text):
                if token.start() >= limit:
                    break
                done += (text[at : token.start()], self._repair(token))
                at = token.end()
            cut = max(at, limit)
            done.append(text[at:cut])
            held = text[cut:]
            if out := "".join(done).encode("utf-8"):
                yield out
            if last:
                return
            data = self._stream.read(self._block)


@dataclass(frozen=True, slots=True)
class Prolog:
    """What stands before the root element: ``state`` is ``root``, ``more`` (the text ends before it) or ``broken``."""

    state: str
    root: str = ""
    declares: bool = False  # a DOCTYPE with declarations of its own


_ROOT = re.compile(rb"<([A-Za-z_][^\s/><\"'=]{0,200})(?=[\s/>])")


def prolog(text: bytes) -> Prolog:
    """Look for the root element; linear in the text, nothing is expanded.

    Parameters
    ----------
    text : bytes
        The beginning of the file, as :class:`XmlText` yields it.

    Returns
    -------
    Prolog
        ``root`` is the local name, without namespace prefix.
    """
    at, size = 0, len(text)
    while True:
        while at < size and text[at] in b" \t\r\n":
            at += 1
        if text.startswith(b"<?", at):
            end = text.find(b"?>", at)
        elif text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
            end = end + 1 if end >= 0 else end
        elif text.startswith(b"<!DOCTYPE", at):
            end = text.find(b">", at)
            if 0 <= text.find(b"[", at) < (end if end >= 0 else size):
                return Prolog("root", declares=True)
            end = end - 1 if end >= 0 else end
        else:
            found = _ROOT.match(text, at)
            if found is not None:
                return Prolog("root", found.group(1).rpartition(b":")[2].decode("utf-8", "replace"))
            rest = text[at : at + 240]
            return Prolog("more" if len(rest) < 240 and not re.search(rb"[\s/>]", rest) else "broken")
        if end < 0:
            return Prolog("more")
        at = end + 2


def rooted(text: XmlText, root: str) -> Iterator[bytes]:
    """Return the blocks of a text once its beginning is known to have a root element and to declare nothing of its own.

    Parameters
    ----------
    text : XmlText
        The text, not yet read.
    root : str
        Local name of the root element.

    Raises
    ------
    Unreadable
        A DOCTYPE with declarations, or another root element.
    """
    blocks = text.blocks()
    head = b""
    for block in blocks:
        head += block
        found = prolog(head)
        if found.declares:
            raise Unreadable("the DOCTYPE of the file declares entities or other things of its own: it is not read")
        if found.state == "root":
            if found.root != root:
                raise Unreadable(f"the root element of the file is not {root}")
            return chain([head], blocks)
        if found.state == "broken" or len(head) > PROLOG_BYTES:
            break
    raise Unreadable(f"the file has no root element {root}")
