"""Reader of SMS Backup & Restore XML (``smses``, ``calls``) and its relatives: Super Backup (``alllogs``, ``allsms``),
Silence and old Signal plaintext XML.

Such files are rarely whole: cut off in the middle, with character references that no parser takes, with pictures of
many MB as one attribute. They are therefore read by :mod:`pipelines.readers._xml_bytes`. Where a file keeps to one order of
attributes, as apps do, runs of ``sms``, ``call`` and ``log`` elements are taken by one pattern that is compiled from the
first of them and turned into rows a column at a time; every element that does not fit that pattern goes the slow way.
Both ways give the same rows.

Memory stays flat but for two things, 4 bytes per kept record (to count the records of each second) and 16 per downloaded
MMS (to find the notifications that were downloaded).
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pipelines.readers._android import (
    KEEP,
    MANY_PER_SECOND,
    MAX_ADDRESSES,
    MAX_PENDING,
    MMS_NOTIFICATION,
    MMS_RETRIEVED,
    MMS_TRANSPORT,
    OUT_OF_SCOPE,
    PRESENTATIONS,
    UNKNOWN_TYPE,
    Memo,
    Number,
    Numbers,
    Thread,
    box_codes,
    call_codes,
    media,
    sim,
    sms_codes,
)
from pipelines.readers._android import Seconds as _Seconds
from pipelines.readers._android import group_thread_id as group_thread_id
from pipelines.readers._xml_bytes import (
    BLOCK,
    Broken,
    Layout,
    Scanner,
    Tag,
    Truncated,
    Wanted,
    attribute_names,
    encoding_of,
    length,
    lengths_of,
    make_layout,
    text,
)
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
    Claim,
    Context,
    Description,
    Discard,
    Head,
    Sink,
    SourceFile,
    Span,
    Unreadable,
    implausible_time,
)

CHUNK = 20_000
_CHUNK_BYTES = 8 << 20
_MAX_DEPTH = 64
_WINDOW = 1_024
_MMS_WINDOW = 1 << 16
_MAX_RUNS, _MAX_TRIED = 8, 64

RECORDS = (b"sms", b"mms", b"call", b"log")
ROOTS = (b"smses", b"calls", b"alllogs", b"allsms")
_RECORDS, _ROOTS = frozenset(RECORDS), frozenset(ROOTS)

_SMS = frozenset([b"address", b"date", b"type", b"body", b"status", b"sub_id"])
_CALL = frozenset(
    [b"number", b"date", b"type", b"duration", b"dur", b"presentation", b"subscription_id", b"phone_account_address"]
)
_WANTED = {
    b"smses": Wanted(frozenset([b"count"])),
    b"calls": Wanted(frozenset([b"count"])),
    b"alllogs": Wanted(frozenset([b"count"])),
    b"allsms": Wanted(frozenset([b"count"])),
    b"sms": Wanted(_SMS, texts=frozenset([b"body"])),
    b"call": Wanted(_CALL),
    b"log": Wanted(_CALL),
    b"mms": Wanted(frozenset([b"address", b"date", b"msg_box", b"m_type", b"m_id", b"tr_id", b"sub_id", b"text_only"])),
    b"part": Wanted(frozenset([b"ct", b"text"]), texts=frozenset([b"text"]), counted=frozenset([b"data"])),
    b"addr": Wanted(frozenset([b"address", b"type"])),
}
#: values that the quick way takes; an element with another one goes the slow way
_ANY = rb'[^"<]{0,4096}'
_QUICK = {
    b"date": rb"[0-9]{1,15}",
    b"type": rb"[0-9]{1,4}",
    b"duration": rb"[0-9]{1,9}",
    b"dur": rb"[0-9]{1,9}",
    b"address": rb'[^"<~&@]{0,4096}',  # neither groups nor what may be one under a reference
    b"body": rb'[^"<]*',
}

_INTEGER = re.compile(r" *(-?[0-9]{1,18}) *")

#: where a run of one element ends
_OTHER = {name: re.compile(rb"<(?!%b[ \t\r\n])" % name) for name in (b"sms", b"call", b"log")}
_PROLOG = re.compile(
    rb"[ \t\r\n]*+(?:(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]*+\[[^\]]*+\])?[^>]*+>)[ \t\r\n]*+)*+", re.DOTALL
)
_REST = rb"(?:[^\"'<>]++|\"[^\"<]*+\"|'[^'<]*+')*+>"
_ROOT = re.compile(rb"<(smses|calls|alllogs|allsms)(?=[ \t\r\n/>])" + _REST)
_FIRST = re.compile(rb"<(?:sms|mms|call|log)(?=[ \t\r\n])" + _REST)

_ENDS_INSIDE = "the file ends inside this record"
_NO_END_TAG = "its end tag is missing"
_TOO_LONG = "an attribute is longer than 64 KiB, which no time, code or address is"

#: columns of a row of the slow way, in order
_COLUMNS = (
    "n", "record", "local_time", "channel", "kind", "direction", "status", "identifier", "identifier_raw",
    "identifier_kind", "actor", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "answered",
    "duration_s", "size", "attachment", "tags",
)  # fmt: skip
_Row = tuple[Any, ...]
_Key = tuple[bytes | None, bytes | None]


def _given(value: bytes | None) -> str | None:
    """Return an attribute as text; None where it is absent or the word ``null``."""
    if value is None or value == b"null":
        return None
    out = text(value)
    return None if out == "null" else out


def _integer(value: bytes | None) -> int | None:
    given = _given(value)
    match = _INTEGER.fullmatch(given) if given is not None else None
    return int(match[1]) if match else None


def _text_length(value: bytes | None) -> int | None:
    """Return the characters of a text, None where there is none."""
    if value is None or value == b"null":
        return None
    if b"&" in value and text(value) == "null":
        return None
    return length(value)


def _text_lengths(values: tuple[bytes, ...] | None) -> list[int | None] | None:
    """Return :func:`_text_length` of many texts at once."""
    if values is None:
        return None
    lengths = lengths_of(values)
    if lengths is None:
        return list(map(_text_length, values))
    out: list[int | None] = list(lengths)
    for k, n in enumerate(lengths):
        if n == 4:  # may be the word null
            out[k] = _text_length(values[k])
    return out


def _time(value: bytes | None) -> tuple[int, str | None]:
    """Return a ``date`` in µs, and why it is none."""
    given = _given(value)
    if given is None:
        return 0, implausible_time(None)
    ms = _integer(value)
    if ms is None:
        return 0, "the time is not a number"
    return ms * 1000, implausible_time(ms * 1000)


def _sms_codes(key: _Key) -> tuple[str, str, str, str, int]:
    return sms_codes(_integer(key[0]), _integer(key[1]))


def _call_codes(
    key: _Key,
) -> tuple[str, str, str, bool | None, int | None, str | None, int]:
    return call_codes(_integer(key[0]), _integer(key[1]))


def _media(content_type: bytes | None) -> tuple[str | None, bool]:
    return media(_given(content_type) or "")


def _inside_pattern(part: Layout, addr: Layout) -> re.Pattern[bytes]:
    """Return the pattern of what may stand inside an mms, one tag a match; anything else matches with empty groups."""
    return re.compile(
        b"".join(
            (
                *(b"<(%b)%b ?/>|" % (name, layout.body) for name, layout in ((b"part", part), (b"addr", addr))),
                rb"<(/?parts|/?addrs)>|<",
            )
        )
    )


def _place(layout: Layout, key: bytes, first: int) -> int | None:
    """Return where a pattern's match has an attribute; None if the layout has it not."""
    return first + layout.names.index(key) if key in layout.names else None


@dataclass(slots=True)
class _Record:
    """The record that is being read."""

    n: int
    locator: str
    tag: Tag | None = None
    parts: int = 0  # number of <part>
    has_parts: bool = False
    characters: int | None = 0  # of the text parts, None if one cannot be told
    attachment: str | None = None
    addresses: list[_Key] = field(default_factory=list)
    refused: str | None = None  # why it cannot be used, found inside it


@dataclass(slots=True)
class _Run:
    """Elements of one order of attributes, taken by pattern and not yet turned into rows."""

    name: bytes
    layout: Layout
    rows: list[tuple[bytes, ...]] = field(default_factory=list)
    n: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    bytes: int = 0


class _Reading:
    """One file being read."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self.out = out
        self.stream = source.open()
        self.scanner = Scanner(self.stream, _WANTED, RECORDS, ROOTS)
        self.numbers = Numbers(context.phone)
        self.stack: list[bytes] = []
        self.children = [0]  # of the document, of the root, ... : number of elements met so far
        self.root: bytes | None = None
        self.root_closed = False
        self.count: int | None = None
        self.n = 0
        self.whole = 0  # records that are complete
        self.position = dict.fromkeys(RECORDS, 0)
        self.record: _Record | None = None
        self.truncated = False
        self.broken = 0
        self.strange_types: Counter[str] = Counter()
        self.strange_total = 0
        self.sender_differs = 0
        self.skipped_bytes = 0
        self.seconds = _Seconds()
        self.channels: set[str] = set()
        # the quick way
        self.runs: dict[bytes, list[_Run]] = {name: [] for name in (b"sms", b"call", b"log")}
        self.tried = dict.fromkeys(self.runs, 0)
        self.window = _WINDOW
        self.inside: tuple[Layout, Layout, re.Pattern[bytes]] | None = None
        self.tried_inside = 0
        # the slow way
        self.rows: list[_Row] = []
        self.rows_bytes = 0
        # notifications of MMS that wait for their download
        self.pending: list[tuple[_Row, tuple[int, ...]]] = []
        self.retrieved: array[int] = array("Q")
        self.pending_bytes = 0
        self.pending_overflow = False
        # identifiers
        self.peer: Memo[bytes | None, Number] = Memo(self._peer)
        self.caller: Memo[_Key, Number] = Memo(self._caller)
        self.people: Memo[tuple[bytes | None, tuple[_Key, ...], str], Thread] = Memo(self._people)
        self.code: Memo[bytes | None, int | None] = Memo(_integer)
        self.media: Memo[bytes | None, tuple[str | None, bool]] = Memo(_media)
        self.line: Memo[bytes | None, str | None] = Memo(self._line)
        self.account: Memo[bytes | None, str | None] = Memo(self._account)
        self.sms_codes: Memo[_Key, tuple[str, str, str, str, int]] = Memo(_sms_codes)
        self.call_codes: Memo[
            _Key,
            tuple[str, str, str, bool | None, int | None, str | None, int],
        ] = Memo(_call_codes)

    # -- identifiers --------------------------------------------------------------------------------------------------

    def _peer(self, raw: bytes | None) -> Number:
        """Return identifier, raw text and kind of the number of an ``address`` or a call: it is somebody else's."""
        return self.numbers.peer(_given(raw))

    def _caller(self, key: _Key) -> Number:
        """The same for a call, where ``presentation`` may say that the number was withheld."""
        hidden = PRESENTATIONS.get(_integer(key[1]) or 0)
        if hidden is not None:
            return None, self.numbers.of[_given(key[0])][1], hidden
        return self.peer[key[0]]

    def _line(self, raw: bytes | None) -> str | None:
        """Return the SIM that was used."""
        return sim(_given(raw))

    def _account(self, raw: bytes | None) -> str | None:
        """Return the owner's account of a call; a number there is the owner's own."""
        return self.numbers.account[_given(raw)]

    # -- the walk -----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the whole file."""
        try:
            self._walk()
        finally:
            self.stream.close()
        if self.root is None:
            raise Unreadable("the file has no root element smses, calls, alllogs or allsms")
        for runs in self.runs.values():
            for run in runs:
                self._flush_run(run)
        self._settle_pending()
        self._flush_rows()
        self.out.read(self.n)
        self._remarks()

    def _walk(self) -> None:
        scanner = self.scanner
        try:
            while (kind := scanner.next_markup()) >= 0:
                try:
                    if kind == 0x2F:
                        self._end(scanner.end_tag())
                    elif kind in (0x21, 0x3F):
                        scanner.declaration(self.root is None)
                    else:
                        self._start(scanner.open_name())
                except Broken as broken:
                    self._go_on(broken.reason)
        except Truncated as truncated:
            self.truncated = True
            begun = truncated.partial
            if self.record is None and self.stack == [self.root] and begun:
                name = next((name for name in RECORDS if name.startswith(begun)), None)
                if name is not None:
                    self._begin(name)
        if self.root is not None and not self.root_closed:
            self.truncated = True
        self._lost(_ENDS_INSIDE)

    def _go_on(self, reason: str) -> None:
        """After broken markup: reject what was being read and go to the next record."""
        if self.root is None:
            raise Unreadable("the file is not well-formed before its root element begins")
        if not self._lost(reason):
            self.broken += 1
        del self.stack[1:], self.children[2:]
        if self.root_closed:
            self.stack.clear()
            del self.children[1:]
        self.scanner.go_on()

    def _begin(self, name: bytes) -> _Record:
        self.n += 1
        self.position[name] += 1
        self.record = self._met(_Record(self.n, self._locator(name, self.position[name])))
        return self.record

    def _locator(self, name: bytes, position: int) -> str:
        root = "" if self.root is None else f"/{self.root.decode()}"
        return f"xml:{root}/{name.decode()}[{position}]"

    def _met(self, record: _Record) -> _Record:
        """Take notice of a record that begins at ``scanner.pos``."""
        return record

    def _lost(self, reason: str) -> bool:
        """Reject the record that is being read, if there is one."""
        if self.record is None:
            return False
        self.out.reject(self.record.n, self.record.locator, reason)
        self.record = None
        return True

    def _start(self, name: bytes) -> None:
        scanner, stack = self.scanner, self.stack
        if name in _RECORDS:
            if self.record is not None:
                self._lost(_NO_END_TAG)
                del stack[1:], self.children[2:]
            if len(stack) == 1 and self.root is not None and not self.root_closed:
                if name in self.runs and self._quickly(name):
                    return
                self.children[1] += 1
                record = self._begin(name)
                begin = scanner.pos
                base = scanner.base
                tag = record.tag = scanner.attributes(name)
                self.skipped_bytes += tag.skipped
                if tag.empty:
                    self._finish(record)
                    if name in self.runs and base == scanner.base:
                        self._learn(name, begin)
                elif name == b"mms" and self._inside_quickly(record):
                    self._finish(record)
                else:
                    self._push(name)
                return
            self._misplaced(name)
            return
        tag = scanner.attributes(name)
        self.skipped_bytes += tag.skipped
        if self.record is not None:
            self._inside(self.record, tag)
        elif self.root is None:
            if name not in _ROOTS:
                raise Unreadable("the root element is none of smses, calls, alllogs and allsms")
            self.stack.clear()  # a record before it that was never closed does not hold it
            del self.children[1:]
            self.root = name
            self.count = _integer(tag.attrs.get(b"count"))
            self.root_closed = tag.empty
            self.children[0] += 1
        else:
            self.children[-1] += 1
        if not tag.empty:
            self._push(name)

    def _push(self, name: bytes) -> None:
        if len(self.stack) >= _MAX_DEPTH:
            raise Broken(f"its elements are nested deeper than {_MAX_DEPTH}")
        self.stack.append(name)
        self.children.append(0)

    def _misplaced(self, name: bytes) -> None:
        """Count and reject a record element that is no child of the root."""
        self.children[-1] += 1
        self.n += 1
        locator = "xml:" + "".join(f"/*[{k}]" for k in self.children)
        self.record = self._met(_Record(self.n, locator))
        tag = self.scanner.attributes(name)
        self.skipped_bytes += tag.skipped
        self._lost(
            "it lies behind the end of the root element" if self.root_closed else "it is no child of the root element"
        )
        if not tag.empty:
            self._push(name)

    def _inside(self, record: _Record, tag: Tag) -> None:
        """Take what a child of a record says."""
        if self.stack[1] != b"mms":
            return
        if len(self.stack) == 2:
            record.has_parts |= tag.name == b"parts"
        elif len(self.stack) == 3:
            if tag.overlong and b"text" not in tag.overlong:
                record.refused = _TOO_LONG
            if tag.name == b"part" and self.stack[2] == b"parts":
                unknown = bool(tag.skipped or tag.overlong)
                self._part(record, tag.attrs.get(b"ct"), tag.attrs.get(b"text"), unknown)
            elif tag.name == b"addr" and self.stack[2] == b"addrs":
                self._addr(record, tag.attrs.get(b"address"), tag.attrs.get(b"type"))

    def _part(self, record: _Record, content_type: bytes | None, content: bytes | None, unknown: bool) -> None:
        """Take a part; ``unknown`` says that its text may stand elsewhere than in ``text``."""
        record.parts += 1
        attachment, is_text = self.media[content_type]
        if attachment is not None:
            record.attachment = record.attachment or attachment
        elif is_text:
            characters = _text_length(content)
            if characters is None and not unknown:
                characters = 0
            if characters is None or record.characters is None:
                record.characters = None
            else:
                record.characters += characters

    def _addr(self, record: _Record, address: bytes | None, role: bytes | None) -> None:
        record.addresses.append((address, role))
        if len(record.addresses) > MAX_ADDRESSES:
            record.refused = f"it names more than {MAX_ADDRESSES} addresses"
            record.addresses.clear()

    def _inside_quickly(self, record: _Record) -> bool:
        """Take all that stands inside an mms at once; False, and nothing is taken, if it is not written as the last ones.

        The tokens must be exactly parts and addrs with what belongs into them; everything else goes the slow way.
        """
        scanner = self.scanner
        part, addr = scanner.layout(b"part"), scanner.layout(b"addr")
        if part is None or addr is None:
            return False
        data, pos = scanner.data, scanner.pos
        end = data.find(b"</mms>", pos, pos + _MMS_WINDOW)
        if end < 0:
            return False
        if self.inside is None or self.inside[0] is not part or self.inside[1] is not addr:
            # to compile a pattern costs as much as to read a hundred MMS
            if self.tried_inside >= _MAX_TRIED:
                return False
            self.tried_inside += 1
            self.inside = (part, addr, _inside_pattern(part, addr))
        tokens = self.inside[2].findall(data, pos, end)
        at_addr = 1 + len(part.names)
        at_section = at_addr + 1 + len(addr.names)
        section = b""
        for token in tokens:
            if token[0]:
                if section != b"parts":
                    return False
            elif token[at_addr]:
                if section != b"addrs":
                    return False
            elif token[at_section] == b"/" + section and section:
                section = b""
            elif token[at_section] in (b"parts", b"addrs") and not section:
                section = token[at_section]
            else:
                return False
        if section:
            return False
        ct, content = _place(part, b"ct", 1), _place(part, b"text", 1)
        address, role = _place(addr, b"address", at_addr + 1), _place(addr, b"type", at_addr + 1)
        for token in tokens:
            if token[0]:
                self._part(record, token[ct] if ct else None, token[content] if content else None, False)
            elif token[at_addr]:
                self._addr(record, token[address] if address else None, token[role] if role else None)
            elif token[at_section] == b"parts":
                record.has_parts = True
        scanner.pos = end + len(b"</mms>")
        return True

    def _end(self, name: bytes) -> None:
        stack = self.stack
        if not stack or name not in stack:
            raise Broken("an end tag in it belongs to nothing")
        if stack[-1] != name:
            if not self._lost(_NO_END_TAG):
                self.broken += 1
            while stack[-1] != name:
                stack.pop()
                self.children.pop()
        stack.pop()
        self.children.pop()
        if not stack:
            self.root_closed = True
        elif len(stack) == 1 and self.record is not None:
            self._finish(self.record)

    def _finish(self, record: _Record) -> None:
        """Turn a complete record into a row."""
        self.record = None
        self.whole += 1
        tag = record.tag
        assert tag is not None
        if any(key != b"body" for key in tag.overlong):
            record.refused = _TOO_LONG
        if record.refused is not None:
            self.out.reject(record.n, record.locator, record.refused)
        elif tag.name == b"mms":
            self._mms(record, tag.attrs)
        elif tag.name == b"sms":
            self._sms(record, tag.attrs)
        else:
            self._call(record, tag.attrs)
        self.rows_bytes += sum(map(len, tag.attrs.values()))
        if len(self.rows) >= CHUNK or self.rows_bytes >= _CHUNK_BYTES:
            self._flush_rows()

    # -- the slow way: one record ---------------------------------------------------------------------------------------

    def _keep(self, record: _Record, date: bytes | None, verdict: int, kind: bytes | None) -> int | None:
        """Return the time of a record that is to be kept; settle the others."""
        if verdict == OUT_OF_SCOPE:
            self.out.out_of_scope()
            return None
        us, why = _time(date)
        if why is not None:
            self.out.reject(record.n, record.locator, why)
            return None
        if verdict == UNKNOWN_TYPE:
            self._strange(kind)
        return us

    def _strange(self, kind: bytes | None) -> None:
        self.strange_total += 1
        if len(self.strange_types) < 20:
            given = _integer(kind)
            self.strange_types[str(given) if given is not None and abs(given) < 1_000_000 else "no number"] += 1

    def _sms(self, record: _Record, attrs: dict[bytes, bytes]) -> None:
        kind = attrs.get(b"type")
        direction, status, actor, directed, verdict = self.sms_codes[kind, attrs.get(b"status")]
        us = self._keep(record, attrs.get(b"date"), verdict, kind)
        if us is None:
            return
        thread = self.people[attrs.get(b"address"), (), direction]
        self.rows.append(
            (
                record.n, record.locator, us, "sms", "message", direction, status, *thread[:3], actor,
                self.line[attrs.get(b"sub_id")], *thread[3:6], "no" if thread[4] == "group" else directed, None, None,
                _text_length(attrs.get(b"body")), "none", None,
            )
        )  # fmt: skip

    def _call(self, record: _Record, attrs: dict[bytes, bytes]) -> None:
        kind = attrs.get(b"type")
        duration = attrs.get(b"duration", attrs.get(b"dur"))
        direction, actor, directed, answered, seconds, tag, verdict = self.call_codes[kind, duration]
        us = self._keep(record, attrs.get(b"date"), verdict, kind)
        if us is None:
            return
        identifier, raw, identifier_kind = self.caller[attrs.get(b"number"), attrs.get(b"presentation")]
        line = self.account[attrs.get(b"phone_account_address")] or self.line[attrs.get(b"subscription_id")]
        self.rows.append(
            (
                record.n, record.locator, us, "phone", "call", direction, "unknown", identifier, raw, identifier_kind,
                actor, line, identifier, "direct", None, directed, answered, seconds, None, None, tag,
            )
        )  # fmt: skip

    def _members(self, address: bytes | None) -> list[Number]:
        """Return the distinct numbers of an ``address``; those of a group are joined by ``~``."""
        given = _given(address) if address is not None and (b"~" in address or b"&" in address) else None
        if given is None or "~" not in given:
            single = self.peer[address]
            return [single] if single[1] else []
        found: dict[str, Number] = {}
        for piece in given.split("~"):
            number = self.numbers.of[piece]
            if number[0] is not None:
                self.numbers.other(number[0])
                found.setdefault(number[0], number)
        return list(found.values())

    def _people(self, key: tuple[bytes | None, tuple[_Key, ...], str]) -> Thread:
        """Return who is on the other side of a message, and the thread.

        The key is ``address``, the ``addrs`` (number, type: 137 From, 151 To, 130 CC, 129 BCC) and the direction.
        """
        members = self._members(key[0])
        roles = [(given, _integer(role)) for raw, role in key[1] if (given := self.numbers.of[_given(raw)])[1]]
        return self.numbers.thread(members, roles, key[2])

    def _mms(self, record: _Record, attrs: dict[bytes, bytes]) -> None:
        box, kind = attrs.get(b"msg_box"), self.code[attrs.get(b"m_type")]
        direction, status, actor, directed, verdict = box_codes(self.code[box])
        if kind in MMS_TRANSPORT:
            verdict = OUT_OF_SCOPE
        us = self._keep(record, attrs.get(b"date"), verdict, box)
        if us is None:
            return
        thread = self.people[attrs.get(b"address"), tuple(record.addresses), direction]
        self.sender_differs += thread[6]
        keys = self._keys(attrs) if kind in (MMS_NOTIFICATION, MMS_RETRIEVED) else ()
        if kind == MMS_RETRIEVED:
            self.retrieved.extend(keys)
        notification = kind == MMS_NOTIFICATION and direction == "in"
        size = record.characters if record.parts or (record.has_parts and not notification) else None
        attachment = record.attachment
        if attachment is None and not notification and (record.has_parts or self.code[attrs.get(b"text_only")] == 1):
            attachment = "none"
        row = (
            record.n, record.locator, us, "mms", "message", direction, "pending" if notification else status,
            *thread[:3], actor, self.line[attrs.get(b"sub_id")], *thread[3:6],
            "no" if thread[4] == "group" else directed, None, None, size, attachment,
            "notification" if notification else None,
        )  # fmt: skip
        if notification and keys:
            size_of_row = sum(map(len, attrs.values()))
            if len(self.pending) >= MAX_PENDING or self.pending_bytes + size_of_row > 4 * _CHUNK_BYTES:
                self.pending_overflow = True
                self._settle_pending()
            self.pending.append((row, keys))
            self.pending_bytes += size_of_row
        else:
            self.rows.append(row)

    @staticmethod
    def _keys(attrs: dict[bytes, bytes]) -> tuple[int, ...]:
        """Return hashes of the ids by which a notification and its download are matched."""
        return tuple(
            int.from_bytes(
                hashlib.blake2b(prefix + text(value).encode("utf-8", "replace"), digest_size=8).digest(), "big"
            )
            for prefix, value in ((b"m", attrs.get(b"m_id")), (b"t", attrs.get(b"tr_id")))
            if value and _given(value)
        )

    def _settle_pending(self) -> None:
        """Keep the notifications whose download is not in the file."""
        if not self.pending:
            return
        retrieved = np.frombuffer(self.retrieved, np.uint64) if self.retrieved else np.empty(0, np.uint64)
        asked = np.array([key for _, keys in self.pending for key in keys], np.uint64)
        there = set(asked[np.isin(asked, retrieved)].tolist())
        for row, keys in self.pending:
            if there.isdisjoint(keys):
                self.rows.append(row)
            else:
                self.out.out_of_scope()
        self.pending.clear()
        self.pending_bytes = 0

    def _flush_rows(self) -> None:
        if not self.rows:
            return
        columns: dict[str, Any] = {
            name: list(values) for name, values in zip(_COLUMNS, zip(*self.rows, strict=True), strict=True)
        }
        rows = len(self.rows)
        self.rows.clear()
        self.rows_bytes = 0
        self.channels.update(columns["channel"])
        self._emit(rows, columns, np.array(columns["local_time"], np.int64))

    def _emit(self, rows: int, columns: dict[str, Any], local_time: npt.NDArray[np.int64]) -> None:
        self.seconds.add(local_time)
        self.out.events(rows, {**columns, "ts_precision": "ms", "zone_basis": "utc"})

    # -- the quick way: runs of equally written elements ----------------------------------------------------------------

    def _learn(self, name: bytes, begin: int) -> None:
        """Compile a pattern for elements that are written like the one that lies between ``begin`` and ``pos``."""
        runs = self.runs[name]
        if len(runs) >= _MAX_RUNS or self.tried[name] >= _MAX_TRIED:
            return
        self.tried[name] += 1
        scanner = self.scanner
        names = attribute_names(scanner.data, begin, scanner.pos)
        if b"date" not in names or b"type" not in names:
            return
        layout = make_layout(name, names, {key: _QUICK.get(key, _ANY) for key in _WANTED[name].names}, b" ?/>", b"<")
        if layout is None or any(layout.pattern.pattern == run.layout.pattern.pattern for run in runs):
            return
        match = layout.pattern.match(scanner.data, begin)
        if match is not None and match.end() == scanner.pos:
            runs.insert(0, _Run(name, layout))

    def _quickly(self, name: bytes) -> bool:
        """Take as many elements as are written like a known one; False if not even the first is."""
        scanner, runs = self.scanner, self.runs[name]
        data, pos = scanner.data, scanner.pos
        for k, run in enumerate(runs):
            match = run.layout.pattern.match(data, pos)
            if match is not None and match.lastindex:
                if k:
                    runs.insert(0, runs.pop(k))
                break
        else:
            return False
        # up to where another element begins, or to the last one that may not be whole
        limit = min(len(data), pos + self.window)
        other = _OTHER[name].search(data, pos, limit)
        end = other.start() if other is not None else data.rfind(b"<", pos + 1, limit)
        if end <= pos:
            end = match.end()
        rows = run.layout.pattern.findall(data, pos, end)
        size = end - pos
        try:
            taken = rows.index((b"",) * len(run.layout.names))
        except ValueError:
            taken = len(rows)
            if other is None:
                self.window = min(self.window * 2, BLOCK)
            scanner.pos = end
        else:
            # the pattern's other alternative took a "<": that element goes the slow way
            del rows[taken:]
            self.window = _WINDOW
            end = pos
            for _ in range(taken):
                end = data.find(b"<", end + 1)
            scanner.pos = end
        first, place = self.n + 1, self.position[name] + 1
        run.rows += rows
        run.n += range(first, first + taken)
        run.position += range(place, place + taken)
        run.bytes += size
        self.n += taken
        self.whole += taken
        self.position[name] += taken
        self.children[1] += taken
        if len(run.rows) >= CHUNK or run.bytes >= _CHUNK_BYTES:
            self._flush_run(run)
        return True

    def _flush_run(self, run: _Run) -> None:
        if not run.rows:
            return
        columns = dict(zip(run.layout.names, zip(*run.rows, strict=True), strict=True))
        n, position, size = run.n, run.position, len(run.rows)
        run.rows, run.n, run.position, run.bytes = [], [], [], 0
        kinds = columns[b"type"]
        absent = (None,) * size
        memo: Any
        if run.name == b"sms":
            memo, second = self.sms_codes, columns.get(b"status", absent)
        else:
            memo, second = self.call_codes, columns.get(b"duration", columns.get(b"dur", absent))
        codes = list(map(memo.__getitem__, zip(kinds, second, strict=True)))
        local_time = np.fromiter(map(int, columns[b"date"]), np.int64, size) * 1000
        verdicts = np.fromiter((code[-1] for code in codes), np.int8, size)
        plausible = (local_time >= PLAUSIBLE_FROM_US) & (local_time < PLAUSIBLE_TO_US) & (local_time != APPLE_EPOCH_US)
        keep = plausible & (verdicts != OUT_OF_SCOPE)
        root, name = (self.root or b"").decode(), run.name.decode()
        if not keep.all() or verdicts.any():
            for k in np.flatnonzero(~keep | (verdicts != KEEP)).tolist():
                if verdicts[k] == OUT_OF_SCOPE:
                    self.out.out_of_scope()
                elif not keep[k]:
                    why = implausible_time(int(local_time[k])) or ""
                    self.out.reject(n[k], f"xml:/{root}/{name}[{position[k]}]", why)
                else:
                    self._strange(kinds[k])
            mask = keep.tolist()
            columns = {key: tuple(compress(values, mask)) for key, values in columns.items()}
            n, position, codes = list(compress(n, mask)), list(compress(position, mask)), list(compress(codes, mask))
            local_time = local_time[keep]
            size = len(n)
            absent = (None,) * size
            if not size:
                return
        out: dict[str, Any] = {
            "n": n,
            "record": [f"xml:/{root}/{name}[{k}]" for k in position],
            "local_time": local_time.tolist(),
            "thread_kind": "direct",
        }
        if run.name == b"sms":
            self._sms_columns(out, columns, codes, absent)
        else:
            self._call_columns(out, columns, codes, absent)
        self.channels.add(out["channel"])
        self._emit(size, out, local_time)

    def _sms_columns(
        self, out: dict[str, Any], columns: dict[bytes, tuple[Any, ...]], codes: list[_Row], absent: tuple[None, ...]
    ) -> None:
        direction, status, actor, directed, _ = map(list, zip(*codes, strict=True))
        numbers = map(self.peer.__getitem__, columns.get(b"address", absent))
        identifier, raw, kind = map(list, zip(*numbers, strict=True))
        out |= {
            "channel": "sms", "kind": "message", "direction": direction, "status": status, "identifier": identifier,
            "identifier_raw": raw, "identifier_kind": kind, "actor": actor, "directed": directed,
            "owner_line": list(map(self.line.__getitem__, columns.get(b"sub_id", absent))),
            "thread_id": identifier, "size": _text_lengths(columns.get(b"body")) or list(absent),
            "attachment": "none",
        }  # fmt: skip

    def _call_columns(
        self, out: dict[str, Any], columns: dict[bytes, tuple[Any, ...]], codes: list[_Row], absent: tuple[None, ...]
    ) -> None:
        direction, actor, directed, answered, seconds, tags, _ = map(list, zip(*codes, strict=True))
        callers = zip(columns.get(b"number", absent), columns.get(b"presentation", absent), strict=True)
        identifier, raw, kind = map(list, zip(*map(self.caller.__getitem__, callers), strict=True))
        lines = list(map(self.line.__getitem__, columns.get(b"subscription_id", absent)))
        if b"phone_account_address" in columns:
            accounts = map(self.account.__getitem__, columns[b"phone_account_address"])
            lines = [account or line for account, line in zip(accounts, lines, strict=True)]
        out |= {
            "channel": "phone", "kind": "call", "direction": direction, "identifier": identifier,
            "identifier_raw": raw, "identifier_kind": kind, "actor": actor, "directed": directed, "owner_line": lines,
            "thread_id": identifier, "answered": answered, "duration_s": seconds, "tags": tags,
        }  # fmt: skip

    # -- the file as a whole ----------------------------------------------------------------------------------------------

    def _remarks(self) -> None:
        out = self.out
        if owners := self.numbers.shown():
            out.owner(owners)
        for channel in sorted(self.channels):
            out.coverage(channel, "call" if channel == "phone" else "message", scope="all")
        out.note(
            "a phone's call log keeps only its newest entries, and a backup can be made of chosen conversations or dates: "
            "a record that is absent shows nothing"
        )
        if self.count is not None and self.count != self.whole:
            out.note(f"the root says {self.count}, read {self.whole}")
        if self.truncated:
            out.note("the file ends before its root element does: what came after the last record is missing")
        if self.broken:
            out.note(f"markup that is not well-formed was passed over in {self.broken} places outside records")
        if self.strange_total:
            kinds = ", ".join(sorted(self.strange_types))
            out.note(
                f"{self.strange_total} records are of a type whose direction is not known and was left open (types: {kinds})"
            )
        if self.sender_differs:
            out.note(
                f"{self.sender_differs} incoming MMS name another sender inside than in their address; the address was taken"
            )
        if self.pending_overflow:
            out.note("very many MMS notifications: one that was downloaded further down in the file may stand twice")
        if crowded := self.seconds.crowded():
            out.note(
                f"{crowded} seconds hold more than {MANY_PER_SECOND} records each: "
                "messages that were restored to a phone may carry the time of restoring"
            )
        if self.skipped_bytes:
            out.note(f"{self.skipped_bytes} bytes of attachments (base64) were passed over")


class _Found(Exception):
    """The record that is looked for was met."""

    def __init__(self, start: int, end: int | None, complete: bool) -> None:
        super().__init__()
        self.start, self.end, self.complete = start, end, complete


class _Search(_Reading):
    """The same reading once more, without rows, up to the end of one record."""

    def __init__(self, source: SourceFile, record: str, n: int | None) -> None:
        super().__init__(source, Context(lambda raw: (None, "none")), Discard())
        self._wanted, self._wanted_n = record, n
        self._hit: _Record | None = None
        self._begin_offset = 0

    def find(self) -> Span | None:
        """Return where the record is, None if the reading does not meet it."""
        scanner = self.scanner
        try:
            self._walk()
        except _Found as found:
            plain = scanner.encoding == "utf-8"
            return Span(found.start, found.end, found.complete, "" if plain else scanner.encoding, scanner.mark)
        except Unreadable:
            return None
        finally:
            self.stream.close()
        return None

    def _met(self, record: _Record) -> _Record:
        if record.locator == self._wanted and self._wanted_n in (None, record.n):
            self._hit, self._begin_offset = record, self.scanner.offset
        return record

    def _finish(self, record: _Record) -> None:
        if record is self._hit:
            raise _Found(self._begin_offset, self.scanner.offset, True)
        self.record = None
        self.whole += 1

    def _go_on(self, reason: str) -> None:
        if self.record is not None and self.record is self._hit:
            more = self.scanner.go_on()  # all that the reader passed over belongs to it
            raise _Found(self._begin_offset, self.scanner.offset if more else None, False)
        super()._go_on(reason)

    def _lost(self, reason: str) -> bool:
        if self.record is not None and self.record is self._hit:
            if reason == _ENDS_INSIDE:
                raise _Found(self._begin_offset, None, False)
            # it ends where the markup begins that does not belong to it, or behind its tag if it is misplaced
            markup = self.scanner.markup_offset
            own = markup <= self._begin_offset
            raise _Found(self._begin_offset, self.scanner.offset if own else markup, own)
        return super()._lost(reason)

    def _quickly(self, name: bytes) -> bool:
        scanner = self.scanner
        data, pos, first, place = scanner.data, scanner.pos, self.n, self.position[name]
        if not super()._quickly(name):
            return False
        prefix = self._locator(name, 0).removesuffix("0]")
        index = self._wanted.removeprefix(prefix).removesuffix("]")
        if (
            not self._wanted.startswith(prefix)
            or not index.isdecimal()
            or not place < int(index) <= self.position[name]
        ):
            return True
        k = int(index) - place
        if self._wanted_n not in (None, first + k):
            return True
        for _ in range(k - 1):  # no value holds a "<" here
            pos = data.find(b"<", pos + 1)
        end = data.find(b"<", pos + 1, scanner.pos)
        start = scanner.base + pos
        raise _Found(start, start + len(data[pos : end if end >= 0 else scanner.pos].rstrip()), True)

    def _flush_run(self, run: _Run) -> None:
        run.rows, run.n, run.position, run.bytes = [], [], [], 0

    def _part(self, record: _Record, content_type: bytes | None, content: bytes | None, unknown: bool) -> None:
        pass

    def _addr(self, record: _Record, address: bytes | None, role: bytes | None) -> None:
        pass


class SmsBackupXml:
    """SMS Backup & Restore XML and its relatives."""

    description: ClassVar[Description] = Description(
        id="sms-backup-xml",
        version=2,
        title="SMS Backup & Restore XML (messages or calls), Super Backup, Silence and old Signal plaintext XML",
        channels=("phone", "sms", "mms"),
        counts="an sms, mms, call or log element, in file order",
        versions="files of 2011 to 2024: with and without presentation, subscription and addresses of members",
        call_start="ringing",
        knowledge="files and parsers of public projects (sms-backup-reader-2, sms-backup-restore-parser, Memacs, timelinize), "
        "Android's Telephony and CallLog providers, 3GPP TS 23.040",
        evidence="real sample",
        cannot_tell=(
            "the owner's number, unless the account of a call or the sender of an MMS shows it",
            "what was deleted, or not chosen when the backup was made",
            "whether an incoming call of 0 s was answered",
            "when a message that came in late was written",
            "that restored messages carry the time of restoring",
        ),
        options=(),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Know the format by its root element and what stands in it."""
        try:
            encoding, skip = encoding_of(head.data)
        except Unreadable:
            return None
        data = head.data[skip:]
        if encoding != "utf-8":
            data = data.decode(encoding, "replace").encode("utf-8", "replace")
        prolog = _PROLOG.match(data)
        root = _ROOT.match(data, prolog.end() if prolog else 0)
        if root is None:
            return None
        inside = data[root.end() :]
        if any(b"date" in attribute_names(inside, tag.start(), tag.end()) for tag in _FIRST.finditer(inside)):
            return Claim(95, f"root element {root[1].decode()} with dated records")
        if b"count" in attribute_names(data, root.start(), root.end()) or root[1] != b"calls":
            return Claim(80, f"root element {root[1].decode()}")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file into ``out``.

        Raises
        ------
        Unreadable
            It has none of the known root elements, is broken before that, or declares entities.
        """
        _Reading(source, context, out).read()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        try:
            return _Search(source, record, n).find()
        except Unreadable:  # its encoding is not known
            return None


READER = SmsBackupXml()
