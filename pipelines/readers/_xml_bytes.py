"""A tokenizer of XML start tags over a byte stream, for files that no strict parser gets through.

Phone backups are XML of many flat elements whose whole content lies in attributes. They are cut off, hold halves of surrogate
pairs and control characters as character references, and carry pictures of tens of MB in one attribute. A conforming
parser stops at the first and must hold the last. This one never holds more than a block and one attribute that the
reader asked for, never expands an entity, and can be told to go on at the next record after a broken one.

What it takes from a well-formed file is what a conforming parser takes; the tests hold it against one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from pipelines.readers.base import Unreadable

BLOCK = 1 << 20
#: at least so many bytes must be in the buffer before a tag that does not fit is judged; longer than any name or short value
_MARGIN = 16_384
_SHORT = 4_096  # values up to here are matched by pattern, longer ones are searched for their closing quote
_LOOK_BACK = 80
MAX_ATTRIBUTES = 256
MAX_TEXT = 4 << 20  # texts longer than this are not held, their length stays unknown
MAX_VALUE = 1 << 16  # no address, time or code is longer
MAX_DOCTYPE = 1 << 13
MAX_LAYOUTS = 8
_MAX_LEARNED = 64

_WS = rb"[ \t\r\n]"
_NAME = rb"[^ \t\r\n=/>\"'<&!?]"
_OPEN = re.compile(rb"<(" + _NAME + rb"{1,256})(?=" + _WS + rb"|/|>)")
_PARTIAL = re.compile(rb"<(" + _NAME + rb"{0,256})\Z")
_CLOSE = re.compile(rb"</(" + _NAME + rb"{1,256}+)" + _WS + rb"*+>")
_ATTRIBUTES = re.compile(
    rb"(?:%b++%b{1,256}+%b*+=%b*+(?:\"[^\"<]{0,%d}+\"|'[^'<]{0,%d}+'))*+" % (_WS, _NAME, _WS, _WS, _SHORT, _SHORT)
)
_ATTRIBUTE = re.compile(rb"%b++(%b++)%b*+=%b*+(?:\"([^\"<]*+)\"|'([^'<]*+)')" % (_WS, _NAME, _WS, _WS))
_LONG = re.compile(rb"%b++(%b{1,256}+)%b*+=%b*+([\"'])" % (_WS, _NAME, _WS, _WS))
_TAIL = re.compile(rb"%b*+(/?)>" % _WS)
_SPACE = re.compile(rb"%b*+" % _WS)
#: what a tag that the end of the file cut may end in, outside a value
_CUT = re.compile(rb"%b*+(?:/|%b{1,256}+%b*+(?:=%b*+)?)?" % (_WS, _NAME, _WS, _WS))
_DOCTYPE_TOKEN = re.compile(rb"\"[^\"]*+\"|'[^']*+'|<!--.*?-->|<!ENTITY|[\[\]>]", re.DOTALL)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_LAYOUT_TAIL = re.compile(rb" ?/?>")
_LAYOUT_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_.:-]*+")

#: encodings in which every byte of ASCII means itself, beside UTF-8
_EIGHT_BIT = frozenset(
    ["ascii", "iso8859-1", "iso8859-5", "iso8859-9", "iso8859-15", "cp1250", "cp1251", "cp1252", "cp1254", "cp866",
     "koi8-r", "koi8-u", "kz1048", "ptcp154"]
)  # fmt: skip

_REFERENCE = re.compile(r"&(?:#(?:x([0-9A-Fa-f]+)|([0-9]+))|(lt|gt|amp|quot|apos));")
_MAYBE_HALF = re.compile(r"&#(?:x0*+[dD]|0*+5)")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Broken(Exception):
    """The markup at this place is not well-formed; the reason holds no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Truncated(Exception):
    """The file ends inside the markup; ``partial`` is what is there of the name of a start tag."""

    def __init__(self, partial: bytes = b"") -> None:
        super().__init__("the file ends here")
        self.partial = partial


@dataclass(slots=True)
class Tag:
    """A start tag: the attributes that were asked for, as the bytes between the quotes (UTF-8)."""

    name: bytes
    attrs: dict[bytes, bytes]
    empty: bool
    overlong: tuple[bytes, ...] = ()  # asked for, and too long to be held
    skipped: int = 0  # bytes of the attributes that are only counted


@dataclass(slots=True)
class Layout:
    """One sequence of attributes that a file's writer keeps to, compiled into a pattern."""

    pattern: re.Pattern[bytes]
    names: tuple[bytes, ...]  # what the groups hold
    body: bytes  # the part of the pattern from the first attribute to the last quote


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the start tags of one name."""

    names: frozenset[bytes]
    texts: frozenset[bytes] = frozenset()  # of those: may be long
    counted: frozenset[bytes] = frozenset()  # further ones, of which only the length counts


@dataclass(slots=True)
class _Learning:
    layouts: list[Layout] = field(default_factory=list)
    tried: int = 0


def text(value: bytes) -> str:
    """Return an attribute value as a conforming parser would, repairing what it would refuse.

    Predefined entities and character references are resolved, other entities stay as they are written. Two halves of a
    surrogate pair become one character, a lone half, a control character and a byte that is no UTF-8 become U+FFFD.
    """
    try:
        out = value.decode("utf-8")
    except UnicodeDecodeError:
        try:  # Java writes each half of a pair as three bytes
            out = value.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            out = value.decode("utf-8", "replace")
    if "\n" in out or "\t" in out or "\r" in out:
        out = out.replace("\r\n", " ").replace("\n", " ").replace("\t", " ").replace("\r", " ")
    if "&" in out:
        out = _REFERENCE.sub(_resolve, out)
    if _HALF.search(out):
        out = _HALF.sub("\ufffd", _PAIR.sub(_join, out))
    return _CONTROL.sub("\ufffd", out)


def _resolve(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name]
    digits = (hexadecimal or decimal).lstrip("0")
    if len(digits) > 7:
        return "\ufffd"
    code = int(digits or "0", 16 if hexadecimal else 10)
    return chr(code) if 0 < code <= 0x10FFFF else "\ufffd"


def _join(match: re.Match[str]) -> str:
    pair = match[0]
    return chr(0x10000 + ((ord(pair[0]) - 0xD800) << 10) + ord(pair[1]) - 0xDC00)


def length(value: bytes) -> int:
    """Return the number of characters of a value (see :func:`text`)."""
    if b"\r" not in value:
        try:
            plain = value.decode("utf-8")
        except UnicodeDecodeError:
            return len(text(value))
        if b"&" not in value:
            return len(plain)
        if not _MAYBE_HALF.search(plain):  # then every reference is one character
            return len(_REFERENCE.sub("x", plain))
    return len(text(value))


def lengths_of(values: Sequence[bytes]) -> list[int] | None:
    """Return :func:`length` of many values that hold no ``<``; None if they must be looked at one by one."""
    try:
        joined = b"<".join(values).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "&" in joined:
        if _MAYBE_HALF.search(joined):
            return None
        joined = _REFERENCE.sub("x", joined)
    if "\r" in joined:
        joined = joined.replace("\r\n", " ")
    return list(map(len, joined.split("<")))


class _Recoded:
    """A stream of another encoding, read as UTF-8."""

    def __init__(self, stream: BinaryIO, first: bytes, encoding: str) -> None:
        self._stream, self._first = stream, first
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._done = False

    def read(self, size: int) -> bytes:
        while not self._done:
            raw, self._first = (self._first, b"") if self._first else (self._stream.read(size), b"")
            self._done = not raw
            if out := self._decoder.decode(raw, self._done):
                return out.encode("utf-8", "replace")
        return b""


class _Plain:
    """A stream of UTF-8, with the bytes that were looked at put back."""

    def __init__(self, stream: BinaryIO, first: bytes) -> None:
        self._stream, self._first = stream, first

    def read(self, size: int) -> bytes:
        if self._first:
            out, self._first = self._first, b""
            return out
        return self._stream.read(size)


def encoding_of(first: bytes) -> tuple[str, int]:
    """Return the encoding of a file by its first bytes, and how many bytes its mark takes.

    A byte order mark wins over what the file says of itself; ``utf-8`` is the default.

    Raises
    ------
    Unreadable
        The file names an encoding that is not known here.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if first.startswith(mark) and not first.startswith(codecs.BOM_UTF32_LE):
            return name, len(mark)
    if first.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("the file is written in UTF-32, which no known app writes")
    if first[:1] == b"<" and first[1:2] == b"\0":
        return "utf-16-le", 0
    if first[:2] == b"\0<":
        return "utf-16-be", 0
    declared = _DECLARED.match(first.lstrip(b" \t\r\n"))
    if declared is None:
        return "utf-8", 0
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        raise Unreadable("the file says that it is written in an encoding that is not known") from None
    if name.startswith("utf-16"):  # cannot be true: it was read as ASCII up to here
        return "utf-8", 0
    if name == "utf-8" or name in _EIGHT_BIT:
        return name, 0
    raise Unreadable("the file says that it is written in an encoding that is not known")


class Scanner:
    """A forward cursor over the markup of one stream.

    Parameters
    ----------
    stream : binary stream
        The file from its first byte; UTF-8, UTF-16 with or without mark, or an eight-bit encoding that it names.
    wanted : mapping
        Name of an element to what is wanted of its start tag; the others are read past.
    records : collection of bytes
        Elements at whose start reading can go on after broken markup.
    roots : collection of bytes
        Elements at whose end it can go on, too.

    Notes
    -----
    ``data[pos:]`` is what is in the buffer and not yet used. Only :meth:`fill` moves bytes.
    """

    def __init__(
        self, stream: BinaryIO, wanted: Mapping[bytes, Wanted], records: Collection[bytes], roots: Collection[bytes]
    ) -> None:
        first = stream.read(4096)
        self.encoding, self.mark = encoding_of(first)
        first = first[self.mark :]
        self._stream: _Plain | _Recoded
        if self.encoding == "utf-8":
            self._stream = _Plain(stream, first)
        else:
            self._stream = _Recoded(stream, first, self.encoding)
        self._wanted = wanted
        self.data = b""
        self.pos = 0
        self.base = 0  # bytes of the (recoded) file before data
        self.eof = False
        self.after_name = 0
        self._markup = 0  # where in the file the markup began that is being read
        self._learning: dict[bytes, _Learning] = {}
        names = b"|".join(sorted(map(re.escape, records)))
        ends = b"|".join(sorted(map(re.escape, roots)))
        # only at the begin of a line or right behind a tag: a text that holds markup must not pass for a record
        self._again = re.compile(rb"[>\r\n][ \t]{0,64}+(?=<(?:(?:%b)[ \t\r\n/>]|/(?:%b)[ \t\r\n]*+>))" % (names, ends))

    # -- the buffer ---------------------------------------------------------------------------------------------------

    def fill(self) -> bool:
        """Drop what lies before ``pos`` and read on; False at the end of the file."""
        if self.eof:
            return False
        block = self._stream.read(BLOCK)
        if not block:
            self.eof = True
            return False
        self.base += self.pos
        self.data = self.data[self.pos :] + block if self.pos < len(self.data) else block
        self.pos = 0
        return True

    def need(self, size: int) -> None:
        """Have at least so many bytes from ``pos`` on in the buffer, unless the file ends before."""
        while len(self.data) - self.pos < size and self.fill():
            pass

    @property
    def offset(self) -> int:
        """Offset of ``pos`` in the file (of its UTF-8 form, without mark)."""
        return self.base + self.pos

    @property
    def markup_offset(self) -> int:
        """Offset at which the markup began that :meth:`next_markup` came to last."""
        return self._markup

    # -- markup -------------------------------------------------------------------------------------------------------

    def next_markup(self) -> int:
        """Go to the next ``<``; return the byte behind it, 0 if the file ends there, -1 if there is none."""
        while (at := self.data.find(b"<", self.pos)) < 0:
            self.pos = len(self.data)
            if not self.fill():
                return -1
        self.pos = at
        if at + 1 == len(self.data):
            self.need(2)
        self._markup = self.base + self.pos
        return self.data[self.pos + 1] if self.pos + 1 < len(self.data) else 0

    def open_name(self) -> bytes:
        """Return the name of the start tag at ``pos``, which stays where it is."""
        if len(self.data) - self.pos < _MARGIN:
            self.need(_MARGIN)
        match = _OPEN.match(self.data, self.pos)
        if match is None:
            if self.eof and (cut := _PARTIAL.match(self.data, self.pos)):
                raise Truncated(cut[1])
            self.pos += 1
            raise Broken("its start tag is not well-formed")
        self.after_name = match.end()
        return match[1]

    def attributes(self, name: bytes) -> Tag:
        """Read the rest of the start tag whose name :meth:`open_name` gave; ``pos`` goes behind it."""
        learning = self._learning.get(name)
        if learning is not None:
            for k, layout in enumerate(learning.layouts):
                if match := layout.pattern.match(self.data, self.pos):
                    if k:
                        learning.layouts.insert(0, learning.layouts.pop(k))
                    self.pos = match.end()
                    *values, slash = match.groups()
                    return Tag(name, dict(zip(layout.names, values, strict=True)), bool(slash))
        return self._attributes_slowly(name)

    def layout(self, name: bytes) -> Layout | None:
        """Return the order of attributes in which the last start tags of a name were written."""
        learning = self._learning.get(name)
        return learning.layouts[0] if learning is not None and learning.layouts else None

    def _attributes_slowly(self, name: bytes) -> Tag:
        wanted = self._wanted.get(name)
        tag = Tag(name, {}, False)
        seen: list[bytes] = []
        begin = self.pos
        whole = True  # nothing of the tag has left the buffer
        self.pos = self.after_name
        while True:
            data, pos = self.data, self.pos
            run = _ATTRIBUTES.match(data, pos)
            if run is not None and run.end() > pos:
                for key, double, single in _ATTRIBUTE.findall(data, pos, run.end()):
                    seen.append(key)
                    if wanted is None:
                        continue
                    if key in wanted.names:
                        tag.attrs[key] = double or single
                    elif key in wanted.counted:
                        tag.skipped += len(double) + len(single)
                self.pos = pos = run.end()
                if len(seen) > MAX_ATTRIBUTES:
                    raise Broken(f"it has more than {MAX_ATTRIBUTES} attributes")
            if tail := _TAIL.match(data, pos):
                tag.empty = bool(tail[1])
                self.pos = tail.end()
                break
            if len(data) - pos < _MARGIN and not self.eof:
                whole = False
                self.fill()
                continue
            if long := _LONG.match(data, pos):
                whole = False
                seen.append(long[1])
                self.pos = long.end()
                self._long_value(tag, wanted, long[1], long[2])
                continue
            space = _SPACE.match(data, pos)
            if space is not None and space.end() - pos > 1 and not self.eof:
                self.pos = space.end() - 1  # a desert of blanks: keep one
                if self.pos > pos:
                    whole = False
                    self.fill()
                    continue
            if self.eof and _CUT.fullmatch(data, pos):
                raise Truncated
            raise Broken("its start tag is not well-formed")
        if len(set(seen)) != len(seen):
            raise Broken("its start tag has an attribute twice")
        if whole and wanted is not None:
            self._learn(name, wanted, begin, seen)
        return tag

    def _long_value(self, tag: Tag, wanted: Wanted | None, key: bytes, quote: bytes) -> None:
        """Read the value that begins at ``pos`` up to its quote; hold it only if it is asked for and not too long."""
        keep = wanted is not None and key in wanted.names
        count = wanted is not None and key in wanted.counted
        limit = MAX_TEXT if wanted is not None and key in wanted.texts else MAX_VALUE
        pieces: list[bytes] = []
        size = 0
        while True:
            data, pos = self.data, self.pos
            end = data.find(quote, pos)
            stop = end if end >= 0 else len(data)
            if (angle := data.find(b"<", pos, stop)) >= 0:
                self.pos = angle
                raise Broken("its start tag is not well-formed")
            size += stop - pos
            if keep:
                if size <= limit:
                    pieces.append(data[pos:stop])
                else:
                    keep = False
                    pieces.clear()
                    tag.overlong += (key,)
            self.pos = stop
            if end >= 0:
                self.pos = end + 1
                break
            if not self.fill():
                raise Truncated
        if keep:
            tag.attrs[key] = b"".join(pieces)
        elif count:
            tag.skipped += size

    def end_tag(self) -> bytes:
        """Return the name of the end tag at ``pos``; ``pos`` goes behind it."""
        if len(self.data) - self.pos < _MARGIN:
            self.need(_MARGIN)
        match = _CLOSE.match(self.data, self.pos)
        if match is None:
            if self.eof and self.data.find(b">", self.pos) < 0 and self.data.find(b"<", self.pos + 1) < 0:
                raise Truncated
            self.pos += 2
            raise Broken("an end tag in it is not well-formed")
        self.pos = match.end()
        return match[1]

    def declaration(self, prolog: bool) -> None:
        """Go behind the comment, CDATA section, processing instruction or document type at ``pos``.

        Raises
        ------
        Unreadable
            The document type declares entities, or is longer than 8 KiB.
        """
        self.need(16)
        for begin, end in ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<![CDATA[", b"]]>")):
            if self.data.startswith(begin, self.pos):
                self.pos += len(begin)
                while (at := self.data.find(end, self.pos)) < 0:
                    self.pos = max(self.pos, len(self.data) - len(end) + 1)
                    if not self.fill():
                        raise Truncated
                self.pos = at + len(end)
                return
        if prolog and self.data.startswith(b"<!DOCTYPE", self.pos):
            self._doctype()
            return
        if self.eof and len(self.data) - self.pos < 9:
            raise Truncated
        self.pos += 2
        raise Broken("a declaration in it is not well-formed")

    def _doctype(self) -> None:
        self.need(MAX_DOCTYPE)
        depth = 0
        for token in _DOCTYPE_TOKEN.finditer(self.data, self.pos + 9, self.pos + MAX_DOCTYPE):
            word = token[0]
            if word == b"<!ENTITY":
                raise Unreadable("the file declares entities of its own, which no backup app does; it was not read")
            depth += (word == b"[") - (word == b"]")
            if word == b">" and depth <= 0:
                self.pos = token.end()
                return
        raise Unreadable("the document type at the head of the file does not end; it was not read")

    def go_on(self) -> bool:
        """After :class:`Broken`, go to the next record or to the end of the root; False if there is none."""
        # what was read of the broken markup holds no "<", but the line end before the next record may belong to it
        self.pos = max(self.pos - _LOOK_BACK, self._markup + 1 - self.base, 0)
        while (match := self._again.search(self.data, self.pos)) is None:
            self.pos = max(self.pos, len(self.data) - 512)  # a start that the end of the buffer cuts
            if not self.fill():
                self.pos = len(self.data)
                return False
        self.pos = match.end()
        return True

    # -- what the writer of the file keeps to -------------------------------------------------------------------------

    def _learn(self, name: bytes, wanted: Wanted, begin: int, seen: list[bytes]) -> None:
        learning = self._learning.setdefault(name, _Learning())
        if learning.tried >= _MAX_LEARNED or len(learning.layouts) >= MAX_LAYOUTS:
            return
        learning.tried += 1
        if wanted.counted & set(seen):
            return
        layout = make_layout(name, seen, dict.fromkeys(wanted.names, rb"[^\"<]{0,%d}" % _SHORT), rb" ?(/?)>")
        if layout is not None and (match := layout.pattern.match(self.data, begin)) and match.end() == self.pos:
            learning.layouts.insert(0, layout)


def attribute_names(data: bytes, begin: int, end: int) -> list[bytes]:
    """Return the names of the attributes of a well-formed start tag that lies between two offsets."""
    name = _OPEN.match(data, begin)
    return [found[0] for found in _ATTRIBUTE.findall(data, name.end() if name else end, end)]


def make_layout(
    name: bytes, attributes: Collection[bytes], classes: Mapping[bytes, bytes], tail: bytes, other: bytes = b""
) -> Layout | None:
    """Compile a start tag with exactly these attributes in this order, in the plainest spelling.

    Parameters
    ----------
    name : bytes
        Name of the element.
    attributes : collection of bytes
        All attributes in order.
    classes : mapping
        Attributes to be captured, with the pattern of the values that are taken; a tag with another value does not match.
    tail : bytes
        Pattern of what follows the last quote.
    other : bytes
        A further alternative for the whole pattern.

    Returns
    -------
    Layout or None
        None if a name is too odd for a pattern.

    Notes
    -----
    No value may hold ``"`` or ``<`` and every value is followed by ``"``, so a failing match fails in linear time.
    """
    if not all(map(_LAYOUT_NAME.fullmatch, attributes)) or len(set(attributes)) != len(attributes):
        return None
    parts, names = [], []
    for key in attributes:
        parts.append(b" " + re.escape(key) + b'="')
        if key in classes:
            names.append(key)
            parts.append(b"(" + classes[key] + b')"')
        else:
            parts.append(rb'[^"<]{0,%d}"' % _SHORT)
    body = b"".join(parts)
    whole = b"<" + re.escape(name) + body + tail + (b"|" + other if other else b"")
    return Layout(re.compile(whole), tuple(names), body)
