"""Stream the elements of named arrays out of a JSON file of any size, in bounded memory.

A reader names the arrays it wants by JSON pointer (``*`` stands for any index or key) and the type of one element, and
the small values beside them::

    stream = JsonStream(
        source.open(),
        arrays={"/messages": Message, "/chats/list/*/messages": Message},   # pattern -> msgspec type of ONE element
        values=["/personal_information", "/chats/list/*/type"],             # captured whole, as raw JSON bytes
        repair=my_repair,                                                   # optional, bytes -> bytes
    )
    for item in stream:
        match item:
            case Value():     item.pattern, item.pointer, item.raw      # raw is None: larger than max_value, skipped
            case Block():     item.pattern, item.pointer, item.first, item.items   # items[k] is element first + k
            case Bad():       item.pattern, item.pointer, item.index, item.reason  # ONE element that cannot be used
            case ArrayEnd():  item.pattern, item.pointer, item.count, item.complete
            case Broken():    item.offset, item.reason   # always the last item if it comes: the rest was not read

``""`` is the root itself (a file that is one array). ``pointer`` is the place with real indexes, such as
``/chats/list/3/messages``; the record of an element is ``f"json:{block.pointer}/{block.first + k}"``. Elements come
in file order and are counted without gaps: over an array the blocks and bad elements cover 0 to ``count - 1``. Items
arrive in file order, so a value that stands after the array comes after its blocks. Everything not named is skipped
unread. A named place that holds something else than an array gives no item; a named value has precedence over an
array of the same name, and nothing can be named inside an element.

Promises
--------
- Memory does not grow with the file: about two blocks, one element of at most ``max_element`` bytes (a larger one
  becomes ``Bad`` and is passed over), one value of at most ``max_value`` bytes.
- Nothing recurses in Python, and the decoder's own recursion is guarded: an element nested too deeply is ``Bad``.
- A truncated file gives every whole element before the break, then ``Bad`` for the cut one (if any of it is there),
  ``ArrayEnd(complete=False)`` and ``Broken``.
- An element that is not valid JSON or does not fit its type is ``Bad`` and the next one is read again. Where a stray
  quote or bracket makes the structure meaningless, reading goes on at the next separator of elements that looks like
  the ones before (only in files with line breaks between elements: a line break cannot stand inside a JSON string).
- UTF-8 with or without byte order mark, UTF-16 and UTF-32 are read. Bytes that are not UTF-8 and unpaired surrogates
  become U+FFFD; ``repaired`` counts the elements that had to be mended so, or by ``repair``. Offsets count bytes of
  the UTF-8 text without the mark.
- Reasons hold no content.

Define elements as ``msgspec.Struct`` with only the fields needed (``gc=False``, defaults for all): unknown keys are
skipped in C, which is what makes this faster than decoding the whole file. Types should be lenient (``int | str |
None``): an element that does not fit is ``Bad``. Close the stream that you opened yourself.

How it works: a *careful* step finds the separators of a slice exactly (quotes, escapes and brackets, all positions at
once with NumPy). From two neighbours it learns what stands between elements. A *fast* step then cuts a whole block at
the last such separator and hands it to the decoder. A wrong cut cannot pass unseen: inside an element brackets would
be left open, beyond the array one would be closed too often, and either is a decoding error, after which the block is
done carefully.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from pipelines.readers.base import SourceFile, Span

#: levels of brackets in one element above which the careful step refuses it; real exports stay below 12 [P]
MAX_DEPTH = 128
BLOCK = 1 << 19  # small enough to stay in the processor's cache, which is what makes it fast
MAX_ELEMENT = 16 << 20
MAX_VALUE = 1 << 20
_SLICE_MIN, _SLICE_MAX = 16 << 10, 256 << 10
_KEY_MAX = 4096
#: before Python 3.12 the decoder is guarded by ``sys.setrecursionlimit``; above this the C stack could run out
_SAFE_RECURSION = 3000

_WS = re.compile(rb"[ \t\r\n]*")
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_INDEX = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_LITERAL = re.compile(rb'[^\s,\]}\[{":]+')
_FIRST_KEY = re.compile(rb'\{\s{0,64}"(?:[^"\\]|\\.){0,64}"')
_SURROGATES = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)
_NO_JSON = "not valid JSON"
_NO_FIT = "not shaped like a record of this kind"
_TOO_DEEP = "nested too deeply"
_TOO_LARGE = "larger than "
_QUOTE, _BACKSLASH, _COMMA, _COLON = 0x22, 0x5C, 0x2C, 0x3A
_BRACE, _BRACE_END, _BRACKET, _BRACKET_END = 0x7B, 0x7D, 0x5B, 0x5D
_STRUCTURAL = np.zeros(256, np.bool_)
_STRUCTURAL[[_COMMA, _BRACE, _BRACE_END, _BRACKET, _BRACKET_END]] = True
_DELTA = np.zeros(256, np.int64)
_DELTA[[_BRACE, _BRACKET]] = 1
_DELTA[[_BRACE_END, _BRACKET_END]] = -1

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Value:
    """A captured value: raw UTF-8 JSON, or None if it was larger than ``max_value``."""

    pattern: str
    pointer: str
    raw: bytes | None
    offset: int


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive decoded elements of one array; ``start`` and ``end`` are the bytes they lie in."""

    pattern: str
    pointer: str
    first: int
    items: list[Any]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bad:
    """One element that could not be used."""

    pattern: str
    pointer: str
    index: int
    reason: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArrayEnd:
    """The end of an array; ``complete`` is False where the file broke off inside it."""

    pattern: str
    pointer: str
    count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """The text is not JSON from here on, or ends too early."""

    offset: int
    reason: str


Item = Value | Block | Bad | ArrayEnd | Broken


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


class _Layout:
    """What stands between and after the elements of the arrays of one pattern, learned from the file."""

    __slots__ = ("close", "comma", "resync", "sep")

    def __init__(self) -> None:
        self.sep = b""  # from the last byte of an element to the first of the next
        self.comma = 0  # where the comma stands in it
        self.close = b""  # line break, indentation and closing bracket of the array
        self.resync = b""  # sep without the first element's bracket, where it holds a line break

    def learn(self, buf: bytes, end: int, start: int) -> None:
        """Learn from an element that ends before ``end`` and its neighbour that begins at ``start``."""
        gap = buf[end:start]
        if buf[end - 1] != _BRACE_END or buf[start] != _BRACE or len(gap) > 256:
            return
        head = b"{"
        if b"\n" not in gap:
            key = _FIRST_KEY.match(buf, start)
            if key is None:
                return
            head = key.group()
        self.sep = b"}" + gap + head
        self.comma = 1 + gap.index(b",")
        self.resync = gap + head if b"\n" in gap else b""


class _Node:
    """A step of the patterns."""

    __slots__ = ("children", "decoder", "layout", "many", "pattern", "value")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.decoder: msgspec.json.Decoder[list[Any]] | None = None
        self.layout = _Layout()
        self.many = False
        self.pattern = ""
        self.value = False

    def child(self, key: str) -> _Node | None:
        return self.children.get(key) or self.children.get("*")


def _encoding(head: bytes) -> tuple[str, int]:
    """Return the encoding of a text by its first four bytes, empty for UTF-8, and how many bytes its mark takes."""
    for mark, name in ((b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"),
                       (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "")):  # fmt: skip
        if head.startswith(mark):
            return name, len(mark)
    # without a mark the first two characters of JSON are ASCII, so the zero bytes tell
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be", "x000": "utf-32-le", "000x": "utf-32-be"}.get(zeros, ""), 0


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < 4 and (more := stream.read(4 - len(head))):
        head += more
    return head


def _utf8(stream: BinaryIO) -> Callable[[int], bytes]:
    """Return a function that reads about n bytes of UTF-8 text from a stream in any Unicode encoding."""
    head = _head(stream)
    encoding, mark = _encoding(head)
    head = head[mark:]
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    pending = head

    def read(n: int) -> bytes:
        nonlocal pending
        parts, have = [pending], len(pending)
        pending = b""
        while have < n and (more := stream.read(n - have)):
            parts.append(more)
            have += len(more)
        data = b"".join(parts)
        if decoder is None:
            return data
        return decoder.decode(data, final=have < n).encode("utf-8", "replace")

    return read


class _Text:
    """The text as a window that moves forward: ``buf[pos:]`` is what comes next, ``base`` the offset of ``buf[0]``."""

    __slots__ = ("base", "block", "buf", "eof", "pos", "read")

    def __init__(self, stream: BinaryIO, block: int) -> None:
        self.read = _utf8(stream)
        self.block = max(block, 16)
        self.buf = b""
        self.pos = 0
        self.base = 0
        self.eof = False

    @property
    def offset(self) -> int:
        return self.base + self.pos

    def need(self, n: int) -> int:
        """Make at least n bytes available unless the file ends before; return how many there are."""
        have = len(self.buf) - self.pos
        if have < n and not self.eof:
            parts = [self.buf[self.pos :]]
            self.base += self.pos
            self.pos = 0
            while have < n and not self.eof:
                more = self.read(max(self.block, n - have))
                self.eof = not more
                parts.append(more)
                have += len(more)
            self.buf = b"".join(parts)
        return have

    def peek(self) -> int:
        """Pass over blanks and return the next byte, or -1 at the end."""
        while True:
            end = _WS.match(self.buf, self.pos).end()  # type: ignore[union-attr]
            self.pos = end
            if end < len(self.buf):
                return self.buf[end]
            if not self.need(1):
                return -1


class _Scan:
    """Finds brackets and commas outside strings in consecutive slices of text."""

    __slots__ = ("depth", "escaped", "in_string")

    def __init__(self) -> None:
        self.depth = 0
        self.in_string = 0
        self.escaped = False  # the slice before ended in an odd number of backslashes

    def feed(self, data: bytes) -> tuple[_Ints, npt.NDArray[np.uint8], _Ints]:
        """Return positions, bytes and the depth after each structural byte of the next slice."""
        codes = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(codes == _QUOTE)
        if self.escaped or b"\\" in data:
            quotes = self._unescaped(codes, quotes)
        at = np.flatnonzero(_STRUCTURAL[codes])
        at = at[((np.searchsorted(quotes, at) + self.in_string) & 1) == 0]
        self.in_string = (self.in_string + len(quotes)) & 1
        found = codes[at]
        depth = self.depth + np.cumsum(_DELTA[found])
        if len(depth):
            self.depth = int(depth[-1])
        return at, found, depth

    def _unescaped(self, codes: npt.NDArray[np.uint8], quotes: _Ints) -> _Ints:
        slashes = np.flatnonzero(codes == _BACKSLASH)
        carried, size = self.escaped, len(codes)
        self.escaped = False
        escaped = np.zeros(len(quotes), np.bool_)
        if len(slashes):
            starts_run = np.ones(len(slashes), np.bool_)
            starts_run[1:] = np.diff(slashes) != 1
            run_start = np.maximum.accumulate(np.where(starts_run, slashes, 0))
            before = np.minimum(np.searchsorted(slashes, quotes - 1), len(slashes) - 1)
            length = quotes - run_start[before] + (carried & (run_start[before] == 0))
            escaped = (slashes[before] == quotes - 1) & (length % 2 == 1)
            if slashes[-1] == size - 1:
                first = int(run_start[-1])
                self.escaped = bool((size - first + (carried and first == 0)) % 2)
        if carried and len(quotes) and quotes[0] == 0:
            escaped[0] = True
        return quotes[~escaped]


def _surrogate_mend(data: bytes) -> bytes:
    """Replace unpaired surrogate escapes by U+FFFD."""
    out: list[bytes] = []
    done = 0
    high: re.Match[bytes] | None = None
    for found in _SURROGATES.finditer(data):
        code = int(found.group(1), 16) if found.group(1) else 0
        low = 0xDC00 <= code <= 0xDFFF
        if high is not None:
            if low and found.start() == high.end():
                high = None
                continue
            out += [data[done : high.start()], b"\\ufffd"]
            done = high.end()
            high = None
        if low:
            out += [data[done : found.start()], b"\\ufffd"]
            done = found.end()
        elif 0xD800 <= code <= 0xDBFF:
            high = found
    if high is not None:
        out += [data[done : high.start()], b"\\ufffd"]
        done = high.end()
    out.append(data[done:])
    return b"".join(out)


class JsonStream:
    """Iterate over the named arrays and values of a JSON stream.

    Parameters
    ----------
    stream : BinaryIO
        The file; only ``read`` is used. It is not closed.
    arrays : mapping
        Pattern of an array to the msgspec type of one element.
    values : sequence of str
        Patterns of values that are wanted as they are.
    repair : callable, optional
        Called with the bytes of one element that is not valid JSON; returns what to try instead.
    block, max_element, max_value : int
        Bytes read and decoded at once; the largest element and value that are kept.

    Attributes
    ----------
    repaired : int
        Elements that could be read only after a repair.
    """

    def __init__(
        self, stream: BinaryIO, arrays: Mapping[str, Any], values: Sequence[str] = (), *,
        repair: Callable[[bytes], bytes] | None = None, block: int = BLOCK, max_element: int = MAX_ELEMENT,
        max_value: int = MAX_VALUE,
    ) -> None:  # fmt: skip
        self.repaired = 0
        self._text = _Text(stream, block)
        self._block = block
        self._max_element = max_element
        self._max_value = max_value
        self._repair = repair
        self._root = _Node()
        for pattern, kind in arrays.items():
            node = self._node(pattern)
            node.decoder = msgspec.json.Decoder(GenericAlias(list, (kind,)))
            node.many = "*" in pattern
        for pattern in values:
            self._node(pattern).value = True
        self._guarded = sys.version_info >= (3, 12) or sys.getrecursionlimit() <= _SAFE_RECURSION

    def _node(self, pattern: str) -> _Node:
        node = self._root
        for step in pattern.split("/")[1:]:
            node = node.children.setdefault(step.replace("~1", "/").replace("~0", "~"), _Node())
        node.pattern = pattern
        return node

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._document()
        except _Stop as stop:
            yield Broken(stop.offset, stop.reason)

    # -- the structure around the arrays ------------------------------------------------------------------------------

    def _document(self) -> Iterator[Item]:
        text = self._text
        stack: list[tuple[_Node, str, list[int]]] = []  # open containers: node, pointer, [index] or [] for an object
        node: _Node | None = self._root
        pointer = ""
        while True:
            first = text.peek()
            if first < 0:
                raise _Stop(text.offset, "the file ends too early" if text.offset else "the file is empty")
            if node is not None and node.value:
                at = text.offset
                yield Value(node.pattern, pointer, self._pass(first, self._max_value), at)
            elif node is not None and node.decoder is not None and first == _BRACKET:
                yield from self._array(node, pointer)
            elif node is not None and node.children and first in (_BRACE, _BRACKET):
                text.pos += 1
                stack.append((node, pointer, [0] if first == _BRACKET else []))
                if text.peek() != (_BRACKET_END if first == _BRACKET else _BRACE_END):
                    node, pointer = self._member(*stack[-1])
                    continue
            else:
                self._pass(first, 0)
            while stack:
                parent, above, index = stack[-1]
                after = text.peek()
                if after == _COMMA:
                    text.pos += 1
                    if index:
                        index[0] += 1
                    node, pointer = self._member(parent, above, index)
                    break
                if after != (_BRACKET_END if index else _BRACE_END):
                    raise _Stop(text.offset, "the file ends too early" if after < 0 else "this is not valid JSON")
                text.pos += 1
                stack.pop()
            if not stack:
                if text.peek() >= 0:
                    raise _Stop(text.offset, "something follows after the end of the JSON text")
                return

    def _member(self, parent: _Node, above: str, index: list[int]) -> tuple[_Node | None, str]:
        """Return node and pointer of the next member of an open container; passes over the key of an object."""
        if index:
            return parent.child(str(index[0])), f"{above}/{index[0]}"
        text = self._text
        if text.peek() != _QUOTE:
            raise _Stop(text.offset, "this is not valid JSON")
        raw = self._pass(_QUOTE, _KEY_MAX)
        if text.peek() != _COLON:
            raise _Stop(text.offset, "this is not valid JSON")
        text.pos += 1
        try:
            key = msgspec.json.decode(raw or b"null", type=str)
        except ValueError:
            return None, above
        return parent.child(key), f"{above}/{key.replace('~', '~0').replace('/', '~1')}"

    def _pass(self, first: int, keep: int) -> bytes | None:
        """Pass over the value that begins at the current byte; return it if it has at most ``keep`` bytes."""
        if first in (_BRACE, _BRACKET):
            parts = self._container()
        elif first == _QUOTE:
            parts = self._string()
        else:
            parts = self._literal()
        kept: list[bytes] = []
        size = 0
        for part in parts:
            size += len(part)
            if size <= keep:
                kept.append(part)
            else:
                kept.clear()
        return b"".join(kept) if size <= keep else None

    def _container(self) -> Iterator[bytes]:
        text, scan, step = self._text, _Scan(), 1024
        while text.need(1):
            data = text.buf[text.pos : text.pos + step]
            at, _, depth = scan.feed(data)
            closed = np.flatnonzero(depth == 0)
            end = int(at[closed[0]]) + 1 if len(closed) else len(data)
            text.pos += end
            yield data[:end]
            if len(closed):
                return
            step = min(step * 8, _SLICE_MAX)
        raise _Stop(text.offset, "the file ends too early")

    def _string(self) -> Iterator[bytes]:
        text = self._text
        start = text.pos
        text.pos += 1
        while True:
            text.pos = _IN_STRING.match(text.buf, text.pos).end()  # type: ignore[union-attr]
            if text.pos < len(text.buf) and text.buf[text.pos] == _QUOTE:
                text.pos += 1
                yield text.buf[start : text.pos]
                return
            yield text.buf[start : text.pos]
            # what is left is nothing, or a backslash whose second byte is still to come
            left = len(text.buf) - text.pos
            if text.need(left + 1) == left:
                raise _Stop(text.offset, "the file ends too early")
            start = text.pos

    def _literal(self) -> Iterator[bytes]:
        text = self._text
        found = False
        while text.need(1):
            match = _LITERAL.match(text.buf, text.pos)
            if match is None:
                break
            found = True
            text.pos = match.end()
            yield match.group()
            if text.pos < len(text.buf):
                break
        if not found:
            raise _Stop(text.offset, "this is not valid JSON")

    # -- the elements of an array -------------------------------------------------------------------------------------

    def _array(self, node: _Node, pointer: str) -> Iterator[Item]:
        text = self._text
        text.pos += 1
        index = 0
        closed = text.peek() == _BRACKET_END
        if closed:
            text.pos += 1
        careful_until = 0  # after a block that would not decode at once
        step = _SLICE_MIN
        while not closed:
            text.need(self._block)
            if text.offset >= careful_until and self._guarded:
                at = text.offset
                items, closed, careful_until = self._fast(node)
                if items is not None:
                    step = _SLICE_MIN
                    if items:
                        yield Block(node.pattern, pointer, index, items, at, text.offset)
                        index += len(items)
                    continue
            index, closed = yield from self._careful(node, pointer, index, step)
            step = min(step * 4, _SLICE_MAX)
        yield ArrayEnd(node.pattern, pointer, index, True)

    def _fast(self, node: _Node) -> tuple[list[Any] | None, bool, int]:
        """Decode up to the end of the array, or to the last separator in the window.

        Returns
        -------
        items : list or None
            None where it did not work; the text has not moved then.
        closed : bool
            Is that the whole rest of the array?
        careful_until : int
            Offset up to which it is not worth trying again.
        """
        text, layout = self._text, node.layout
        buf, pos = text.buf, text.pos
        assert node.decoder is not None
        if not layout.sep or (node.many and not layout.close):
            return None, False, 0
        end = buf.find(layout.close, pos) if layout.close and (node.many or text.eof) else -1
        if end >= 0:
            closed, after = True, end + len(layout.close)
        else:
            window = min(len(buf), pos + self._block)
            closed, end = False, buf.rfind(layout.sep, pos, window) + 1
            if end == 0:
                return None, False, text.base + window
            after = end + layout.comma
        for attempt in range(2):
            try:
                items = node.decoder.decode(b"".join((b"[", memoryview(buf)[pos:end], b"]")))
            except (ValueError, RecursionError):
                shorter = buf.find(layout.close, pos, end) if layout.close and not closed and attempt == 0 else -1
                if shorter < 0:
                    break
                end, closed, after = shorter, True, shorter + len(layout.close)
            else:
                text.pos = after
                return items, closed, 0
        return None, False, text.base + end

    def _careful(self, node: _Node, pointer: str, index: int, step: int) -> Generator[Item, None, tuple[int, bool]]:
        """Find the next elements exactly, and decode them one by one where they do not decode together.

        Returns
        -------
        index : int
            Number of elements of the array so far.
        closed : bool
            Was the closing bracket among them?
        """
        text, scan = self._text, _Scan()
        ahead = 0  # scanned bytes from text.pos on
        deep: list[
            int
        ] = []  # positions from text.pos on that lie too deep; of slices without a separator one is enough
        while True:
            have = text.need(ahead + 1)
            if have == ahead:
                return (yield from self._unfinished(node, pointer, index, None, ahead))
            if ahead > self._max_element:
                return (yield from self._unfinished(node, pointer, index, scan, ahead))
            data = text.buf[text.pos + ahead : text.pos + ahead + step]
            at, found, depth = scan.feed(data)
            ends = np.flatnonzero(depth < 0)
            closed = len(ends) > 0
            last = int(ends[0]) if closed else len(at)
            too_deep = at[:last][depth[:last] > MAX_DEPTH] + ahead
            bounds = (at[:last][(found[:last] == _COMMA) & (depth[:last] == 0)] + ahead).tolist()
            if closed and found[last] == _BRACE_END:
                # a brace closes what a bracket opened: the element before it is damaged, and so is the structure
                if not bounds:
                    return (yield from self._damaged(node, pointer, index))
                closed = False
            elif closed:
                bounds.append(int(at[last]) + ahead)
            ahead += len(data)
            deep += too_deep.tolist() if bounds else too_deep[:1].tolist()
            if bounds:
                break
        starts = [0, *(b + 1 for b in bounds[:-1])]
        spans = list(zip(starts, bounds, strict=True))
        buf, pos = text.buf, text.pos
        if closed and not buf[pos + spans[-1][0] : pos + spans[-1][1]].strip():
            spans.pop()  # a comma before the closing bracket makes no element
        moved, closed_early, index = yield from self._spans(node, pointer, index, spans, deep)
        if moved:
            return index, closed_early
        self._learn(node.layout, buf, pos, spans, bounds[-1] if closed else None)
        text.pos = pos + bounds[-1] + 1
        return index, closed

    def _spans(
        self, node: _Node, pointer: str, index: int, spans: list[tuple[int, int]], deep: list[int]
    ) -> Generator[Item, None, tuple[bool, bool, int]]:
        """Decode elements whose ends are known.

        Returns
        -------
        moved : bool
            Was one of them no JSON, so that reading was set up again inside of it?
        closed : bool
            If so: at the end of the array?
        index : int
            Number of elements of the array so far.
        """
        text = self._text
        buf, pos = text.buf, text.pos
        assert node.decoder is not None
        if spans and not deep and self._guarded:
            begin, end = pos + spans[0][0], pos + spans[-1][1]
            try:
                items = node.decoder.decode(b"".join((b"[", memoryview(buf)[begin:end], b"]")))
            except (ValueError, RecursionError):
                items = []
            if len(items) == len(spans):  # blanks alone between two commas would make no item
                yield Block(node.pattern, pointer, index, items, text.base + begin, text.base + end)
                return False, False, index + len(items)
        good: list[Any] = []
        good_start = 0
        upcoming = 0
        for start, end in spans:
            while upcoming < len(deep) and deep[upcoming] < start:
                upcoming += 1
            too_deep = upcoming < len(deep) and deep[upcoming] < end
            one, reason = (None, _TOO_DEEP) if too_deep else self._one(node, buf[pos + start : pos + end])
            if one is not None:
                if not good:
                    good_start = start
                good += one
                continue
            if good:
                yield Block(node.pattern, pointer, index, good, text.base + pos + good_start, text.base + pos + start)
                index += len(good)
                good = []
            again = self._resume(node.layout, pos + start, pos + end) if reason == _NO_JSON else None
            stop = again[0] if again else pos + end
            yield Bad(node.pattern, pointer, index, reason, text.base + pos + start, text.base + stop)
            index += 1
            if again:
                _, text.pos, closed = again
                return True, closed, index
        if good:
            yield Block(
                node.pattern, pointer, index, good, text.base + pos + good_start, text.base + pos + spans[-1][1]
            )
            index += len(good)
        return False, False, index

    def _resume(self, layout: _Layout, start: int, end: int) -> tuple[int, int, bool] | None:
        """Look inside broken text for a separator of elements or the end of the array, as the ones before looked.

        Returns
        -------
        tuple or None
            Where it stands in the window, where to read on, and whether that is after the array.
        """
        buf = self._text.buf
        again = buf.find(layout.resync, start + 1, end) if layout.resync else -1
        close = buf.find(layout.close, start + 1, end if again < 0 else again) if layout.close else -1
        if close >= 0:
            return close, close + len(layout.close), True
        return (again, again + layout.comma, False) if again >= 0 else None

    def _one(self, node: _Node, raw: bytes) -> tuple[list[Any] | None, str]:
        """Decode one element, mended if need be; return it in a list, or None and the reason."""
        assert node.decoder is not None
        tries: list[Callable[[bytes], bytes]] = [bytes, *([self._repair] if self._repair else []), _surrogate_mend]
        tries.append(lambda data: data.decode("utf-8", "replace").encode())
        reason = _NO_JSON if raw.strip() else "empty"
        before = b""
        for mend in tries:
            raw = mend(raw)
            if raw == before:
                continue
            before = raw
            try:
                items = node.decoder.decode(b"[" + raw + b"]")
            except msgspec.ValidationError:
                return None, _NO_FIT
            except RecursionError:
                return None, _TOO_DEEP
            except ValueError:
                continue
            if len(items) != 1:
                return None, reason
            self.repaired += mend is not bytes
            return items, ""
        return None, reason

    def _learn(self, layout: _Layout, buf: bytes, pos: int, spans: list[tuple[int, int]], close: int | None) -> None:
        if not spans:
            return
        if len(spans) > 1:
            first, second = spans[-2], spans[-1]
            end = pos + first[0] + len(buf[pos + first[0] : pos + first[1]].rstrip())
            blanks = _WS.match(buf, pos + second[0])
            if blanks is not None and pos + first[0] < end and blanks.end() < pos + second[1]:
                layout.learn(buf, end, blanks.end())
        if close is not None:
            start = pos + spans[-1][0]
            tail = buf[start + len(buf[start : pos + close].rstrip()) : pos + close + 1]
            layout.close = tail if b"\n" in tail and len(tail) <= 256 else b""

    def _damaged(self, node: _Node, pointer: str, index: int) -> Generator[Item, None, tuple[int, bool]]:
        """Deal with an element after which the brackets make no sense: go on at a separator, or not at all."""
        text = self._text
        at = text.offset
        again = self._resume(node.layout, text.pos, len(text.buf))
        yield Bad(node.pattern, pointer, index, _NO_JSON, at, text.base + (again[0] if again else len(text.buf)))
        if not again:
            yield ArrayEnd(node.pattern, pointer, index + 1, False)
            raise _Stop(at, "this is not valid JSON")
        text.pos = again[1]
        return index + 1, again[2]

    def _unfinished(
        self, node: _Node, pointer: str, index: int, scan: _Scan | None, ahead: int
    ) -> Generator[Item, None, tuple[int, bool]]:
        """Deal with an element whose end is not in sight: the file ended (no ``scan``), or it is too large.

        ``ahead`` bytes of it were scanned.
        """
        text = self._text
        at = text.offset
        again = self._resume(node.layout, text.pos, len(text.buf))
        if again:
            yield Bad(node.pattern, pointer, index, _NO_JSON, at, text.base + again[0])
            text.pos = again[1]
            return index + 1, again[2]
        if scan is None:
            rest = text.buf[text.pos :].strip()
            text.pos = len(text.buf)
            if rest:
                yield Bad(node.pattern, pointer, index, "the file ends inside this record", at, text.offset)
                index += 1
            yield ArrayEnd(node.pattern, pointer, index, False)
            raise _Stop(text.offset, "the file ends too early")
        closed = False
        done = False
        text.pos += ahead
        while not done and text.need(1):
            data = text.buf[text.pos : text.pos + _SLICE_MAX]
            found_at, found, depth = scan.feed(data)
            ends = np.flatnonzero((depth < 0) | ((found == _COMMA) & (depth == 0)))
            done = len(ends) > 0
            if done:
                closed = bool(depth[ends[0]] < 0)
            text.pos += int(found_at[ends[0]]) + 1 if done else len(data)
        reason = f"{_TOO_LARGE}{self._max_element} bytes" if done else "the file ends inside this record"
        yield Bad(node.pattern, pointer, index, reason, at, text.offset)
        if not done:
            yield ArrayEnd(node.pattern, pointer, index + 1, False)
            raise _Stop(text.offset, "the file ends too early")
        return index + 1, closed


def find_element(
    source: SourceFile, stream_of: Callable[[BinaryIO], JsonStream], record: str, n: int | None = None, *,
    uncounted: Collection[str] = (),
) -> Span | None:  # fmt: skip
    """Find an element again, by the very stream with which a reader read the file.

    Parameters
    ----------
    source : SourceFile
        The file.
    stream_of : callable
        Makes the reader's stream: its arrays and types decide what is an element of a damaged file, and where.
    record : str
        The locator, ``json:`` and the pointer of the element.
    n : int, optional
        The number of the element among all that the stream gives, from 1: a damaged file may hold two arrays under one
        pointer. Without it the first is taken.
    uncounted : collection of str
        Patterns of arrays whose elements have no number.

    Returns
    -------
    Span or None
        None if the stream gives no such element.
    """
    parent, slash, last = record.removeprefix("json:").rpartition("/")
    if not record.startswith("json:") or not slash or _INDEX.fullmatch(last) is None:
        return None
    index, met = int(last), 0
    hit: Block | Bad | None = None
    with source.open() as stream:
        for item in stream_of(stream):
            if isinstance(item, Block):
                first, size = item.first, len(item.items)
            elif isinstance(item, Bad):
                first, size = item.index, 1
            else:
                continue
            if item.pattern in uncounted:
                continue
            wanted = item.pointer == parent and first <= index < first + size
            if wanted and n in (None, met + index - first + 1):
                hit = item
                break
            met += size
    if hit is None:
        return None
    with source.open() as stream:
        encoding, mark = _encoding(_head(stream))
    if isinstance(hit, Bad):
        whole = hit.reason in (_NO_FIT, _TOO_DEEP) or hit.reason.startswith(_TOO_LARGE)
        return Span(hit.start, hit.end, whole, encoding, mark)
    start, end = _within(source, hit, index - hit.first)
    return Span(start, end, True, encoding, mark)


def _within(source: SourceFile, block: Block, k: int) -> tuple[int, int]:
    """Return where element k of a block lies; the elements of a block are whole, so their commas can be counted."""
    with source.open() as stream:
        read, passed = _utf8(stream), 0
        while (data := read(BLOCK)) and passed + len(data) <= block.start:
            passed += len(data)
        data = data[block.start - passed :]
        scan, at, start = _Scan(), block.start, block.start
        while data and at < block.end:
            places, found, depth = scan.feed(data)
            stops = places[((found == _COMMA) & (depth == 0)) | (depth < 0)]
            if k < len(stops):
                return (at + int(stops[k - 1]) + 1 if k else start), min(at + int(stops[k]), block.end)
            k -= len(stops)
            if len(stops):
                start = at + int(stops[-1]) + 1
            at += len(data)
            data = read(BLOCK)
    return start, block.end
