"""Records of chats that programs write as HTML, cut from the bytes of the file so that every place is exact.

No browser's parser is at work here: it would repair the page and lose the places. :class:`Blocks` streams a page and cuts out the
elements that are records, balanced by the tags of their own name; :func:`parse` takes one record apart. Comments, styles and scripts are
passed over, references resolve to characters only, nothing recurses, and no piece of the text is scanned over and over.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

from pipelines.masking import VALUE_LIMIT, harmless, hidden

BLOCK_BYTES: Final = 1 << 19
#: longest tag; a "<" that begins a longer one is text [P]
TAG_LIMIT: Final = 1 << 18
#: longest record, in bytes [P]
RECORD_LIMIT: Final = 1 << 22
#: a closing tag closes at most so many elements that were left open inside [P]
_STRAY_LIMIT: Final = 64

TAG: Final = re.compile(
    rb"""<!--|<(/?)([A-Za-z][A-Za-z0-9:-]*+)((?:[^"'<>]++|"[^"]*+"|'[^']*+')*+)>|<[!?](?!--)[^<>]*+>"""
)
#: the same, or a "<" that begins no whole tag: so that a search never runs past it
_NEXT = re.compile(TAG.pattern + rb"|<")
_RAW: Final = {b"style": b"</style", b"script": b"</script"}
_VOID: Final = frozenset(
    [b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source", b"track", b"wbr"]
)
_ATTRIBUTE = re.compile(rb"""([A-Za-z][\w:-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_BREAK = re.compile(rb"<br\s*+/?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """An element that was cut out.

    Attributes
    ----------
    kind : str
        What the chooser called it.
    start, end : int
        Its place in the file in bytes, half-open.
    data : bytes
        Its bytes; empty if it is longer than :data:`RECORD_LIMIT`.
    complete : bool
        The file does not end inside it.
    closed : bool
        Its tags are balanced: False where the next record begins before its end.
    """

    kind: str
    start: int
    end: int
    data: bytes
    complete: bool = True
    closed: bool = True


class Blocks:
    """Cuts a stream into elements.

    Parameters
    ----------
    stream : binary stream
        A page in an encoding of which ASCII is a part.
    choose : callable
        Gets the name (lower case) and the attributes of an opening tag; returns the kind of the record that begins with it, or "".
    nests : callable, optional
        Gets the attributes of an element inside a record; says whether elements in it that look like records belong to it.
    """

    def __init__(
        self, stream: BinaryIO, choose: Callable[[bytes, bytes], str], nests: Callable[[bytes], bool] | None = None
    ) -> None:  # fmt: skip
        self._stream = stream
        self._choose = choose
        self._nests = nests
        self._buf = b""
        self._base = 0
        self._eof = False

    def _fill(self, keep: int) -> int:
        data = self._stream.read(BLOCK_BYTES)
        self._eof = not data
        self._buf = self._buf[keep:] + data
        self._base += keep
        return keep

    def __iter__(self) -> Iterator[Block]:
        pos, start, held = 0, -1, -1  # place; begin of the record as an offset; the same in the buffer while it is held
        kind, element, depth, nest = "", b"", 0, 0
        until = b""  # what ends the comment, style or script that is being passed over
        while True:
            if until:
                at = self._buf.find(until, pos)
                if at >= 0:
                    pos, until = at + len(until), b""
                    continue
                pos = max(pos, len(self._buf) - len(until))
                if self._eof:
                    break
                pos, held = self._more(pos, held)
                continue
            found = _NEXT.search(self._buf, pos)
            if found is not None and found[0] == b"<":
                loose = found.start()
                after = self._buf[loose + 1 : loose + 2]
                begun = not after or after.isalpha() or after in b"/!?"
                if begun and not self._eof and len(self._buf) - loose < TAG_LIMIT:
                    pos, held = self._more(loose, held)
                else:
                    pos = loose + 1
                continue
            if found is None:
                pos = len(self._buf)
                if self._eof:
                    break
                pos, held = self._more(pos, held)
                continue
            pos = found.end()
            name = found[2]
            if name is None:
                until = b"-->" if found[0] == b"<!--" else b""
                continue
            name = name.lower()
            closing = bool(found[1])
            if not closing and name in _RAW:
                until = _RAW[name]
                continue
            if start < 0:
                kind = "" if closing else self._choose(name, found[3])
                if kind:
                    start, held, element, depth, nest = self._base + found.start(), found.start(), name, 1, 0
                continue
            if name != element:
                continue
            if closing:
                depth -= 1
                nest = nest if depth >= nest else 0
                if depth == 0:
                    yield Block(kind, start, self._base + pos, self._buf[held:pos] if held >= 0 else b"")
                    start = held = -1
                continue
            if not nest:
                following = self._choose(name, found[3])
                if following:
                    at = found.start()
                    yield Block(kind, start, self._base + at, self._buf[held:at] if held >= 0 else b"", closed=False)
                    kind, start, held, depth = following, self._base + at, at, 1
                    continue
                if self._nests is not None and self._nests(found[3]):
                    nest = depth + 1
            depth += 1
        if start >= 0:
            yield Block(
                kind, start, self._base + len(self._buf), self._buf[held:] if held >= 0 else b"", complete=False
            )

    def _more(self, pos: int, held: int) -> tuple[int, int]:
        """Read on; keep the record that is held unless it is too long. Returns the place and that of the record anew."""
        if held >= 0 and len(self._buf) - held > RECORD_LIMIT:
            held = -1
        moved = self._fill(held if held >= 0 else pos)
        return pos - moved, 0 if held >= 0 else -1


class Element:
    """An element of a record: its tag's name and attributes, and places in the record's bytes."""

    __slots__ = ("_classes", "attributes", "begin", "end", "inner", "name", "parent")

    def __init__(self, name: bytes, attributes: bytes, begin: int, inner: int, end: int, parent: int) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.begin, self.inner, self.end = begin, inner, end
        self._classes: frozenset[bytes] | None = None

    @property
    def classes(self) -> frozenset[bytes]:
        """Its classes."""
        if self._classes is None:
            self._classes = classes_of(self.attributes)
        return self._classes

    def get(self, name: bytes) -> bytes | None:
        """Return an attribute as it stands, None if it is absent."""
        return attribute(self.attributes, name)


def attribute(attributes: bytes, name: bytes) -> bytes | None:
    """Return the value of an attribute as it stands, None if it is absent."""
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return found[2] if found[2] is not None else found[3] if found[3] is not None else found[4]
    return None


def _classes(attributes: bytes) -> frozenset[bytes]:
    return frozenset((attribute(attributes, b"class") or b"").split())


_short_classes = lru_cache(4_096)(_classes)  # pages repeat the same few tags


def classes_of(attributes: bytes) -> frozenset[bytes]:
    """Return the classes among the attributes of a tag."""
    if len(attributes) <= 120:
        return _short_classes(attributes)
    return _classes(attributes) if b"class" in attributes.lower() else frozenset()


def parse(data: bytes) -> list[Element]:
    """Return the elements of a record in the order of their tags; the parent of each is a place in the list (-1: none)."""
    elements: list[Element] = []
    stack: list[int] = []
    pos = 0
    size = len(data)
    while True:
        found = _NEXT.search(data, pos)
        if found is None:
            break
        pos = found.end()
        name = found[2]
        if name is None:
            if found[0] == b"<!--":
                end = data.find(b"-->", pos)
                pos = size if end < 0 else end + 3
            continue
        name = name.lower()
        if found[1]:
            for depth in range(len(stack) - 1, max(len(stack) - 1 - _STRAY_LIMIT, -1), -1):
                if elements[stack[depth]].name == name:
                    for left in stack[depth:]:
                        elements[left].end = found.start()
                    del stack[depth:]
                    break
            continue
        elements.append(Element(name, found[3], found.start(), pos, size, stack[-1] if stack else -1))
        if name in _VOID or found[3].endswith(b"/"):
            elements[-1].end = pos
        else:
            stack.append(len(elements) - 1)
    return elements


def plain_text(data: bytes, encoding: str = "utf-8") -> str:
    """Return the text of markup: tags left out, line breaks as line feeds, references resolved, faulty bytes U+FFFD."""
    if b"<" in data:
        data = TAG.sub(b"", _BREAK.sub(b"\n", data))
    text = data.decode(encoding, "replace")
    return html.unescape(text) if "&" in text else text


def value_text(value: bytes | None, encoding: str = "utf-8") -> str:
    """Return the text of an attribute's value; empty if it is absent."""
    return "" if value is None else html.unescape(value.decode(encoding, "replace"))


_SHOWN_ATTRIBUTES = frozenset([b"class", b"id", b"data-id"])
_PLAIN_VALUE = re.compile(r"[\w .:#-]{0,120}")


def mask_html(
    text: str, shows: Callable[[Element, list[Element]], bool], attributes: Callable[[Element, str, str], bool]
) -> str:  # fmt: skip
    """Return a record with its tags and classes, and content hidden.

    Parameters
    ----------
    text : str
        The record, perhaps cut off.
    shows : callable
        Says of an element (and the list of all) whether the text that stands directly in it is metadata.
    attributes : callable
        Says of an element, an attribute and its value whether it is metadata; class, id and data-id always are.
    """
    data = text.encode("utf-8", "replace")
    elements = parse(data)
    depth = [0] * len(elements)
    lines: list[str] = []
    marks: list[tuple[int, int]] = [(e.begin, i) for i, e in enumerate(elements)]
    owner = -1
    at = 0

    def words(piece: bytes, within: int) -> None:
        found = plain_text(piece).strip()
        if not found:
            return
        level = depth[within] + 1 if within >= 0 else 0
        shown = within >= 0 and len(found) <= VALUE_LIMIT and shows(elements[within], elements)
        lines.append(" " * min(level, 40) + (" ".join(found.split()) if shown else hidden(len(found))))

    for begin, i in [*marks, (len(data), -1)]:
        while owner >= 0 and elements[owner].end <= begin and elements[owner].end >= at:
            words(data[at : elements[owner].end], owner)
            at = elements[owner].end
            owner = elements[owner].parent
        words(data[at:begin], owner)
        if i < 0:
            break
        element = elements[i]
        depth[i] = depth[element.parent] + 1 if element.parent >= 0 else 0
        parts = [element.name.decode()]
        for found in _ATTRIBUTE.finditer(element.attributes):
            key = found[1].lower()
            value = value_text(found[2] if found[2] is not None else found[3] if found[3] is not None else found[4])
            always = key in _SHOWN_ATTRIBUTES and _PLAIN_VALUE.fullmatch(value) is not None
            seen = always or (len(value) <= VALUE_LIMIT and attributes(element, key.decode(), value))
            parts.append(f'{key.decode()[:64]}="{value if seen else hidden(len(value))}"')
        lines.append(" " * min(depth[i], 40) + f"<{' '.join(parts)}>")
        owner, at = i, element.inner
    return harmless("\n".join(lines))
