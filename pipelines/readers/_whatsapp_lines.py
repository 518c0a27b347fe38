"""The lines of a WhatsApp text export, a block of bytes at a time.

Three steps, each linear in the bytes and flat in memory:

1. :func:`blocks` decodes (UTF-8, or UTF-16 with a byte order mark; broken sequences become U+FFFD) and gives back UTF-8 in which
   every byte that carries structure is one ASCII byte: odd blanks are blanks, Arabic and Persian digits of headers are digits, direction
   marks are the stand-ins of :data:`MARK`, :data:`OPEN`, :data:`CLOSE` or gone. So nothing after it needs to know them.
2. :class:`Lines` finds the line ends of a block.
3. :func:`headers` reads the date headers of all lines of a block at once: every step of the grammar is one NumPy operation
   on a column of cursors, so that a line costs the same in every style. The forms are those of the app's locales: brackets
   (iOS), a dash (Android), or neither (old iOS).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

#: U+200E (the app's own mark), U+2068, U+2069 (around a mentioned name), as they stand in a block
MARK, OPEN, CLOSE = 1, 2, 3
#: bytes read at a time
READ_BYTES: Final = 1 << 20
#: a physical line is cut off here: no message is longer (65,536 characters), the record is rejected anyway
LINE_BYTES: Final = 2 << 20
#: bytes after the last line that cursors may touch
PAD: Final = 96

_SUBSTITUTE: Final = 0x1A  # for the bytes 1 to 3, should a file hold them


def _in_header(a: Bytes, where: Ints) -> Ints:
    """Keep the positions that lie before the sign that ends a header: names keep the digits that they have."""
    if not len(where):
        return where
    begin = np.concatenate(([0], np.flatnonzero(a[:-1] == 10) + 1))
    dash = np.flatnonzero(a[1:-1] == 0x2D) + 1
    ends = np.sort(
        np.concatenate((dash[(a[dash - 1] == 32) & (a[dash + 1] == 32)], np.flatnonzero(a == 0x5D), [len(a)]))
    )
    line = begin[np.searchsorted(begin, where, side="right") - 1]
    kept: Ints = where[(where < ends[np.searchsorted(ends, line)]) & (where - line < 80)]
    return kept


def _marks(data: bytes) -> bytes:
    """Replace marks, odd blanks and, in headers, digits of other scripts by one byte or none (see the module)."""
    a = np.frombuffer(data, np.uint8)
    low = a < 4
    if low.any() and (low & (a > 0)).any():
        a = a.copy()
        a[low & (a > 0)] = _SUBSTITUTE
    if data.isascii():
        return a.tobytes()
    parts: list[tuple[Ints, int, int]] = []  # where, bytes of the sequence, what stands for it (0: nothing)
    wide = np.flatnonzero(a[:-2] == 0xE2)
    if len(wide):
        second, third = a[wide + 1], a[wide + 2]
        general = second == 0x80
        for last, new in ((0x8E, MARK), (0x8F, 0), (0xAF, 32), (0x89, 32), (0x87, 32)):
            parts.append((wide[general & (third == last)], 3, new))
        parts.append((wide[general & (third >= 0xAA) & (third <= 0xAE)], 3, 0))
        isolate = second == 0x81
        for last, new in ((0xA6, 0), (0xA7, 0), (0xA8, OPEN), (0xA9, CLOSE)):
            parts.append((wide[isolate & (third == last)], 3, new))
    order_mark = np.flatnonzero(a[:-2] == 0xEF)
    parts.append((order_mark[(a[order_mark + 1] == 0xBB) & (a[order_mark + 2] == 0xBF)], 3, 0))
    no_break = np.flatnonzero(a[:-1] == 0xC2)
    parts.append((no_break[a[no_break + 1] == 0xA0], 2, 32))
    for lead, first in ((0xD9, 0xA0), (0xDB, 0xB0)):
        where = np.flatnonzero(a[:-1] == lead)
        where = _in_header(a, where[(a[where + 1] >= first) & (a[where + 1] < first + 10)])
        parts.extend((where[a[where + 1] == first + digit], 2, 48 + digit) for digit in range(10))
    comma = np.flatnonzero(a[:-1] == 0xD8)
    parts.append((_in_header(a, comma[a[comma + 1] == 0x8C]), 2, 44))
    if not any(len(where) for where, _, _ in parts):
        return a.tobytes()
    out = a.copy()
    keep = np.ones(len(a), np.bool_)
    for where, width, new in parts:
        if new:
            out[where] = new
        else:
            keep[where] = False
        for k in range(1, width):
            keep[where + k] = False
    return out[keep].tobytes()


def encoding_of(start: bytes) -> str:
    """Return the encoding by the first bytes: UTF-16 has a byte order mark, everything else is read as UTF-8."""
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"


def blocks(stream: BinaryIO, read_bytes: int | None = None) -> Iterator[bytes]:
    """Yield the text of a stream in blocks of whole lines, each line ended by LF.

    Parameters
    ----------
    stream : binary stream
        The file from its first byte.
    read_bytes : int, optional
        Bytes to read at a time, default :data:`READ_BYTES`. A block is at most that long plus one line of
        :data:`LINE_BYTES`.
    """
    size = read_bytes or READ_BYTES
    raw = stream.read(max(size, 4))
    encoding = encoding_of(raw)
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    utf8 = encoding == "utf-8"
    waiting = False  # the decoder holds the begin of a character
    rest: list[bytes] = []
    held = 0
    while True:
        final = not raw
        if utf8 and not waiting and raw.isascii():
            text = raw
        else:
            text = decoder.decode(raw, final).encode("utf-8", "replace")
            waiting = bool(decoder.getstate()[0])
        cut = text.rfind(b"\n") + 1
        if cut:
            yield _marks(b"".join((*rest, text[:cut])))
            rest, held = [], 0
        if held < LINE_BYTES and cut < len(text):
            rest.append(text[cut:])
            held += len(text) - cut
        if final:
            break
        raw = stream.read(size)
    if held:
        yield _marks(b"".join((*rest, b"\n")))


class Lines:
    """A block with its line ends.

    Attributes
    ----------
    a : array of bytes
        The block and :data:`PAD` zero bytes.
    begin, end : arrays
        First byte of every line, and its LF.
    """

    __slots__ = ("a", "begin", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.a: Bytes = np.zeros(len(data) + PAD, np.uint8)
        self.a[: len(data)] = np.frombuffer(data, np.uint8)
        self.end: Ints = np.flatnonzero(self.a[: len(data)] == 10)
        self.begin: Ints = np.empty_like(self.end)
        if len(self.end):
            self.begin[0] = 0
            self.begin[1:] = self.end[:-1] + 1


#: layouts of a header
BRACKET, DASH, COLON, BARE = 0, 1, 2, 3
_SEPARATORS: Final = {0x2F: 0, 0x2E: 1, 0x2D: 2}
STYLES: Final = 32


def style_of(layout: int, separator: str, year_first: bool) -> int:
    """Return the number of a style: its layout, the sign between the parts of the date, and where the year stands."""
    return layout * 8 + _SEPARATORS[ord(separator)] * 2 + int(year_first)


def style_layout(style: int) -> int:
    """Return the layout of a style."""
    return style // 8


def style_separator(style: int) -> str:
    """Return the sign between the parts of the date."""
    return "/.-"[style % 8 // 2]


def style_year_first(style: int) -> bool:
    """Return whether the year stands first, written with four digits."""
    return bool(style % 2)


AM, PM, NOON = 1, 2, 3
_HALF_DAYS: Final[dict[int, tuple[str, ...]]] = {
    AM: (
        "AM", "am", "Am", "A.M.", "a.m.", "A. M.", "a. m.", "a.m", "上午", "凌晨", "清晨", "早上", "午前", "오전", "ص", "صباحًا",
        "पूर्वाह्न", "ق.ظ.", "ДП", "дп", "π.μ.", "ÖÖ", "öö", "de.", "SA", "fm", "f.m.", "ap.", "vorm.", "PD", "PG", "TO", "إ",
    ),
    PM: (
        "PM", "pm", "Pm", "P.M.", "p.m.", "P. M.", "p. m.", "p.m", "下午", "晚上", "午後", "오후", "م", "مساءً", "अपराह्न", "ب.ظ.",
        "ПП", "пп", "μ.μ.", "ÖS", "ös", "du.", "CH", "em", "e.m.", "ip.", "nachm.", "MD", "PTG", "TK",
    ),
    NOON: ("中午",),
}  # fmt: skip
_HALF_DAY_TOKENS: Final = tuple(
    sorted(((t.encode(), code) for code, words in _HALF_DAYS.items() for t in words), key=lambda x: (-len(x[0]), x[0]))
)
#: words between date and time, with the blank after them
_JOIN_TOKENS: Final = tuple(
    (w.encode(), 1)
    for w in ("klo ", "kl. ", "kl ", "à ", "at ", "um ", "в ", "г., ", "г. ", "г.", "o ", "om ", "alle ", "às ", "a las ")
)  # fmt: skip


@dataclass(slots=True)
class Headers:
    """The header-like lines of a block, in columns.

    ``line`` is the index of the line, ``begin`` its first byte, ``after`` the first byte after the header, ``f1`` to ``f3`` the
    parts of the date as they stand there, ``short_year`` whether the year has two digits, ``second`` -1 where there is none,
    ``half`` 0 or one of AM, PM, NOON.
    """

    line: Ints
    begin: Ints
    after: Ints
    f1: Ints
    f2: Ints
    f3: Ints
    hour: Ints
    minute: Ints
    second: Ints
    half: Ints
    style: Ints
    short_year: Bools

    def __len__(self) -> int:
        return len(self.line)

    def take(self, which: Bools | Ints) -> Headers:
        """Return some of the lines."""
        return Headers(*(getattr(self, f.name)[which] for f in fields(self)))


def _digits(a: Bytes, p: Ints, most: int) -> tuple[Ints, Ints, Ints]:
    """Read up to ``most`` digits at every cursor; return values, counts and the moved cursors."""
    value = np.zeros(len(p), np.int64)
    q = p.copy()
    active = np.ones(len(p), np.bool_)
    for _ in range(most):
        c = a[q] - np.uint8(48)
        active &= c < 10
        if not active.any():
            break
        value = np.where(active, value * 10 + c, value)
        q += active
    return value, q - p, q


def _blanks(a: Bytes, p: Ints, most: int) -> Ints:
    for _ in range(most):
        blank = (a[p] == 32) | (a[p] == MARK)
        if not blank.any():
            break
        p = p + blank
    return p


def _tokens(a: Bytes, p: Ints, tokens: tuple[tuple[bytes, int], ...]) -> tuple[Ints, Ints]:
    """Match the longest of some words at every cursor; return codes (0: none) and the moved cursors."""
    code = np.zeros(len(p), np.int64)
    first = a[p]
    present = np.bincount(first, minlength=256) > 0
    for token, value in tokens:
        if not present[token[0]]:
            continue
        hit = (code == 0) & (first == token[0])
        for k in range(1, len(token)):
            if not hit.any():
                break
            hit &= a[np.where(hit, p + k, 0)] == token[k]
        if hit.any():
            code[hit] = value
            p = np.where(hit, p + len(token), p)
    return code, p


def headers(lines: Lines) -> Headers:
    """Find the lines that begin with a date header of any style."""
    a, p = lines.a, lines.begin
    for _ in range(4):  # marks and blanks before a header
        skip = (a[p] == MARK) | (a[p] == OPEN) | (a[p] == 32)
        if not skip.any():
            break
        p = p + skip
    bracket = a[p] == 0x5B
    p = p + bracket
    p = p + ((a[p] == MARK) & bracket)
    index = np.flatnonzero((a[p] - np.uint8(48)) < 10)
    p, bracket = p[index], bracket[index]

    f1, w1, p = _digits(a, p, 4)
    separator = a[p]
    ok = (separator == 0x2F) | (separator == 0x2E) | (separator == 0x2D)
    p = _blanks(a, p + ok, 1)
    f2, w2, p = _digits(a, p, 2)
    ok &= (w2 > 0) & (a[p] == separator)
    p = _blanks(a, p + ok, 1)
    f3, w3, p = _digits(a, p, 4)
    year_first = w1 == 4
    ok &= (year_first & (w3 >= 1) & (w3 <= 2)) | ((w1 <= 2) & ((w3 == 2) | (w3 == 4)))
    index, p, bracket, separator, year_first = index[ok], p[ok], bracket[ok], separator[ok], year_first[ok]
    f1, f2, f3, w3 = f1[ok], f2[ok], f3[ok], w3[ok]

    gap = p
    p = p + ((a[p] == 0x2E) & (separator == 0x2E))
    comma = a[p] == 0x2C
    p = _blanks(a, p + comma, 2)
    _, p = _tokens(a, p, _JOIN_TOKENS)
    p = _blanks(a, p, 1)
    half, p = _tokens(a, p, _HALF_DAY_TOKENS)
    p = _blanks(a, p, 1)
    ok = p > gap
    hour, wh, p = _digits(a, p, 2)
    sign = a[p]
    ok &= (wh > 0) & ((sign == 0x3A) | (sign == 0x2E))
    p = p + ok
    minute, wm, p = _digits(a, p, 2)
    ok &= wm == 2
    more = ok & (a[p] == sign)
    second, ws, q = _digits(a, p + more, 2)
    more &= ws == 2
    second = np.where(more, second, -1)
    p = np.where(more, q, p)
    after_blank = _blanks(a, p, 2)
    late, q = _tokens(a, after_blank, _HALF_DAY_TOKENS)
    p = np.where(late > 0, q, p)
    half = np.where(late > 0, late, half)

    end = _blanks(a, p, 1)
    layout = np.full(len(p), -1, np.int64)
    after = p
    closed = ok & bracket & (a[end] == 0x5D)
    layout[closed] = BRACKET
    after = np.where(closed, end + 1 + (a[end + 1] == 32), after)
    open_ = ok & ~bracket
    dash = open_ & (a[p] == 32) & (a[p + 1] == 0x2D) & (a[p + 2] == 32)
    layout[dash] = DASH
    after = np.where(dash, p + 3, after)
    if not (closed | dash | ~ok).all():
        colon = open_ & (a[p] == 0x3A) & (a[p + 1] == 32)
        layout[colon] = COLON
        after = np.where(colon, p + 2, after)
        bare = open_ & ~dash & ~colon & comma & (second >= 0) & (a[p] == 32)
        layout[bare] = BARE
        after = np.where(bare, p + 1, after)
    code = np.zeros(256, np.int64)
    for sign_byte, number in _SEPARATORS.items():
        code[sign_byte] = number
    style = layout * 8 + code[separator] * 2 + year_first
    found = Headers(
        index,
        lines.begin[index],
        after,
        f1,
        f2,
        f3,
        hour,
        minute,
        second,
        half,
        style,
        np.where(year_first, False, w3 == 2),
    )
    return found.take(layout >= 0)


def delimiters(lines: Lines, *, no_space: bool) -> Ints:
    """Return where senders can end: a colon before a blank or a line end; any colon in the style without a blank."""
    a = lines.a
    colons: Ints = np.flatnonzero(a == 0x3A)
    if no_space:
        return colons
    following = a[colons + 1]
    ends: Ints = colons[(following == 32) | (following == 10) | (following == 13)]
    return ends


def split_senders(lines: Lines, found: Headers, *, no_space: bool, most: int) -> tuple[Ints, Ints]:
    """Split lines into sender and body.

    Parameters
    ----------
    lines, found : Lines, Headers
        A block and its header lines.
    no_space : bool
        Nothing stands between the colon and the body.
    most : int
        The longest sender, in bytes.

    Returns
    -------
    sender_end, body : arrays
        End of the sender (-1: the line has none) and begin of the body.
    """
    colons = delimiters(lines, no_space=no_space)
    at = np.searchsorted(colons, found.after)
    colon = np.append(colons, len(lines.a))[at]
    has = (colon < lines.end[found.line]) & (colon > found.after) & (colon - found.after <= most)
    sender_end = np.where(has, colon, -1)
    next_byte = lines.a[np.where(has, colon + 1, 0)]
    body = np.where(has, colon + 1 + (next_byte == 32), found.after)
    return sender_end, body


def ragged(a: Bytes, begin: Ints, length: Ints) -> tuple[Bytes, NDArray[np.int32]]:
    """Copy slices of an array behind one another.

    Returns
    -------
    data, offsets : arrays
        The bytes, and where each slice begins and the last one ends (as in an Arrow binary array).
    """
    offsets = np.zeros(len(begin) + 1, np.int64)
    np.cumsum(length, out=offsets[1:])
    where = np.repeat(begin - offsets[:-1], length) + np.arange(offsets[-1])
    return a[where], offsets.astype(np.int32)


def to_24h(hour: Ints, half: Ints) -> Ints:
    """Return hours of the day; -1 for what no clock shows ("13 AM").

    "00:08 a. m." and "23:59 PM" are read as they stand; 午後0:08 is eight minutes past noon.
    """
    out = hour.copy()
    out = np.where((half == PM) & (hour < 12), hour + 12, out)
    out = np.where((half == AM) & (hour == 12), 0, out)
    out = np.where((half == NOON) & (hour < 10), hour + 12, out)
    return np.where(((half == AM) & (hour > 12)) | (out > 23), -1, out)


_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def to_us(year: Ints, month: Ints, day: Ints, hour: Ints, minute: Ints, second: Ints) -> tuple[Ints, Bools]:
    """Return wall clock readings in µs since 1970 and which of them exist in the calendar."""
    ok = (month >= 1) & (month <= 12)
    m = np.where(ok, month, 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    ok &= (day >= 1) & (day <= _MONTH_DAYS[m] + (leap & (m == 2)))
    ok &= (hour >= 0) & (hour < 24) & (minute < 60) & (second < 60) & (year >= 1)
    # days since 1970 of the proleptic Gregorian calendar, with years that begin in March
    y = year - (m <= 2)
    era_day = (153 * (m + np.where(m > 2, -3, 9)) + 2) // 5 + day - 1
    days = 365 * y + y // 4 - y // 100 + y // 400 + era_day - 719_468
    return (((days * 24 + hour) * 60 + minute) * 60 + np.maximum(second, 0)) * 1_000_000, ok
