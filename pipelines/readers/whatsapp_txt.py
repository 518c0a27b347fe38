"""WhatsApp text export: "Export chat" of the app, a ``.txt`` on its own or ``_chat.txt`` in a zip.

Two passes over the stream (:mod:`pipelines.readers._whatsapp_survey` gathers what concerns the whole file, this module writes
rows), both a block of about a megabyte at a time, in columns. The records are header lines; what follows until the next one belongs
to the message. The file names people, not directions: every row with a sender has direction ``unknown`` and the sender's identifier.

What decides between day and month, in this order: a number over 12 in 99 % of the lines that have one; dates in the names that WhatsApp
gives to attachments; a reading that never goes back by more than a day, if the other does; a reading that puts messages after the date
of the archive's entry is out; dates with full stops have the day first in every locale of the app [P]. Otherwise the file waits.

``size`` counts the characters of the body without the direction marks that the app puts in, carriage returns, blank lines at the end
and the note that a message was edited; of an attachment it counts the caption.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.identifiers import clean, name_identifier
from pipelines.readers import _whatsapp_lines as wl
from pipelines.readers import _whatsapp_phrases as wp
from pipelines.readers._whatsapp_survey import (
    SENDER_BYTES,
    STYLE_SHARE,
    Plan,
    SenderCount,
    in_runs,
    make_plan,
    plausible,
    readings,
    scan,
    unique_slices,
)
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Waiting,
    implausible_time,
)

APP: Final = "whatsapp"
#: a record is at most this long, in bytes; a message ends at 65,536 characters [P]
RECORD_BYTES: Final = 1 << 20
#: mentions that are written down per message, longest name of one [P]
MOST_MENTIONS, MENTION_CHARS = 5, 100
#: numbers of messages at which the app cuts an export off, by public guides: without media, with media; and the margin [P]
CAPS, CAP_MARGIN = (40_000, 10_000), 100
_NAMES_SHOWN: Final = 20
_TOO_LONG: Final = f"record is longer than {RECORD_BYTES} bytes"
_MOST_SHAPES: Final = 10_000

_DROP: Final = str.maketrans("", "", "\x01\x02\x03")
_MENTION: Final = re.compile(r"@(?:\x02([^\x02\x03\n]{1,200})\x03|(\d{7,15})(?!\d))")
_EXPORT_NAME: Final = re.compile(r"_?chat(?:\s?\(\d+\))?", re.IGNORECASE)

KINDS: Final = ("message", "call", "other", "block", "unblock")
DIRECTIONS: Final = ("unknown", "in", "out")
ACTORS: Final = ("unknown", "contact", "owner")
DIRECTED: Final = ("no", "yes")
ATTACHMENTS: Final = (
    "image", "video", "audio", "voice", "sticker", "animation", "document", "contact", "location", "poll", "deleted", "omitted",
)  # fmt: skip
_KIND_CODE: Final = {name: i for i, name in enumerate(KINDS)}
_ATTACHMENT_CODE: Final = {name: i for i, name in enumerate(ATTACHMENTS)}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the file names."""

    raw: str  # as the file writes it, without marks
    name: str
    identifier: str
    kind: str
    push_name: bool = False


def person_of(raw: str, context: Context) -> Person:
    """Read a sender, a title or a mention."""
    text = raw.translate(_DROP).strip()
    name = clean(text)
    push = name.startswith("~")
    if push:
        name = name[1:].strip()
    if name.startswith("+"):
        identifier, kind = context.phone(name)
        if identifier is not None and kind in ("phone", "raw"):
            return Person(text, name, identifier, kind, push)
    return Person(text, name, name_identifier(APP, name), "name", push)


class Names:
    """A set of names and identifiers as people write them in ``case.toml``."""

    def __init__(self, entries: Iterable[str], context: Context) -> None:
        self._known: set[str] = set()
        for entry in entries:
            name = clean(entry)
            self._known.add(name)
            self._known.add(person_of(name, context).identifier)
            identifier, kind = context.phone(name)
            if kind == "phone" and identifier is not None:
                self._known.add(identifier)

    def __contains__(self, person: Person) -> bool:
        return person.identifier in self._known or person.name in self._known

    def __bool__(self) -> bool:
        return bool(self._known)


@dataclass(slots=True)
class Cast:
    """Who takes part, and what kind of thread it is.

    ``code`` gives a sender's bytes its place in ``people``, or -1 for a line whose "sender" is the begin of a system line;
    ``trusted`` holds the codes of names under which only WhatsApp itself writes (the name of the group, on iOS).
    """

    people: list[Person] = field(default_factory=list)
    code: dict[bytes, int] = field(default_factory=dict)
    trusted: set[int] = field(default_factory=set)
    owner: Names | None = None
    owner_identifiers: list[str] = field(default_factory=list)
    title: Person | None = None
    group: bool = False
    peer: Person | None = None
    thread_id: str | None = None
    notes: list[str] = field(default_factory=list)


def _stem(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.name[: -len(path.suffix)] if path.suffix.lower() in (".txt", ".zip") else path.name


def chat_title(name: str, container: str | None) -> str | None:
    """Return the chat's title from the name of the file or of its archive, None if they tell nothing."""
    stems = [_stem(name)] + ([_stem(container)] if container else [])
    for stem in stems:
        if _EXPORT_NAME.fullmatch(stem):
            continue
        try:  # archives without the UTF-8 flag are read as code page 437
            repaired = stem.encode("cp437").decode("utf-8")
        except UnicodeError:
            repaired = stem
        for text in (stem, repaired):
            title = wp.title_in_name(text)
            if title:
                return title
    return None


def _same_title(title: Person, person: Person) -> bool:
    return title.identifier == person.identifier or wp.title_key(title.name) == wp.title_key(person.name)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _find_people(plan: Plan, context: Context) -> tuple[Cast, dict[int, SenderCount]]:
    cast = Cast()
    counts: dict[int, SenderCount] = {}
    place: dict[str, int] = {}
    for raw, count in plan.evidence.senders.items():
        person = person_of(raw.decode("utf-8", "replace"), context)
        cut_quote = count.lines < 3 and wp.cuts_a_quote(person.raw)
        line = wp.system_line(person.raw, trusted=True) if plan.no_space else None
        if not person.name or cut_quote or (line is not None and line.what == "missed"):
            cast.code[raw] = -1
            cast.group |= cut_quote
            continue
        code = place.setdefault(person.identifier, len(cast.people))
        if code == len(cast.people):
            cast.people.append(person)
            counts[code] = SenderCount()
        cast.code[raw] = code
        total = counts[code]
        total.lines += count.lines
        total.human += count.human
        total.system += count.system
        total.unknown += count.unknown
        total.group += count.group
        total.encryption |= count.encryption
    for code, total in counts.items():
        if total.human <= 0 and total.system + total.group > 0:
            cast.trusted.add(code)
            cast.group |= total.group > 0
    return cast, counts


def make_cast(plan: Plan, source: SourceFile, context: Context) -> Cast:
    """Settle who takes part, who the owner is, and what thread it is.

    Raises
    ------
    Waiting
        Who the owner is cannot be told.
    """
    cast, counts = _find_people(plan, context)
    persons = {code: p for code, p in enumerate(cast.people) if code not in cast.trusted}
    from_name = chat_title(source.name, source.container)
    if from_name is not None:
        cast.title = person_of(from_name, context)
    else:
        opening = [code for code, count in counts.items() if count.encryption]
        if len(opening) == 1:
            cast.title = cast.people[opening[0]]
    cast.group |= plan.evidence.group_lines > 0
    if cast.title is not None and len(persons) >= 2:
        # the chat's own name stands only on lines of the app, and two others write: it is the name of a group
        cast.group |= any(_same_title(cast.title, cast.people[code]) for code in cast.trusted)
    owners = _find_owner(cast, persons, context)
    others = [p for code, p in persons.items() if code not in owners]
    cast.group |= len(others) > 1
    if cast.group:
        titled = wp.title_key(cast.title.name) if cast.title else f"{source.container or ''}/{source.name}"
        cast.thread_id = f"g:{_hash(titled)}"
        return cast
    if len(others) == 1:
        cast.peer = others[0]
    elif not others and cast.title is not None and not (cast.owner is not None and cast.title in cast.owner):
        cast.peer = cast.title
    if cast.peer is not None:
        cast.thread_id = cast.peer.identifier
        if from_name is not None and cast.title is not None and others and not _same_title(cast.title, cast.peer):
            cast.notes.append("the title in the file's name is none of the senders: it may be a group")
    else:
        cast.thread_id = f"t:{_hash(' '.join(sorted(p.identifier for p in persons.values())))}"
    return cast


def _find_owner(cast: Cast, persons: dict[int, Person], context: Context) -> set[int]:
    option = context.options.get("owner")
    group = cast.group or len(persons) > 2
    wanted = Names([option] if option else context.owner_names, context)
    # whom the option names writes in this file; mentions may use any name or number of the owner
    cast.owner = Names([*([option] if option else []), *context.owner_names], context)
    owners = {code for code, p in persons.items() if p in wanted}
    if owners:
        if option:
            cast.owner_identifiers = [persons[code].identifier for code in sorted(owners)]
        if len(owners) == len(persons) > 1:
            cast.notes.append("every sender of this file is declared to be the owner")
        return owners
    if not persons:
        return owners
    known = Names(context.contact_names, context)
    titled = {code for code, p in persons.items() if cast.title is not None and _same_title(cast.title, p)}
    if not option and not group and len(persons) == 2 and len(titled) == 1:
        owners = set(persons) - titled
        found = [persons[code] for code in owners]
        cast.owner_identifiers = [p.identifier for p in found]
        cast.owner = Names([*context.owner_names, *(p.identifier for p in found), *(p.name for p in found)], context)
        cast.notes.append("the owner is the sender who is not the chat's title")
        return owners
    if all(code in titled or p in known for code, p in persons.items()):
        cast.notes.append("the owner does not write in this file")
        return owners
    if option and group:
        cast.notes.append("the owner named by the option does not write in this group")
        return owners
    names = sorted(p.raw for p in persons.values())
    shown = ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")
    what = "the sender named by the option owner is not in this file" if option else "no sender is known as the owner"
    raise Waiting(
        f"{what}, and the file does not tell who the owner is; senders: {shown}",
        f'owner = "…"  # how the owner appears in this file; senders seen: {len(names)}',
    )


@dataclass(slots=True)
class _Columns:
    """Rows of one block in the making, one place per header line."""

    kind: wl.Ints
    direction: wl.Ints
    actor: wl.Ints
    sender: wl.Ints
    attachment: wl.Ints
    tags: wl.Ints
    directed: wl.Ints
    answered: wl.Ints  # 0 unknown, 1 yes, 2 no
    duration: wl.Ints
    size: wl.Ints
    keep: wl.Bools

    @classmethod
    def of(cls, rows: int, *, directed: bool) -> _Columns:
        def zero() -> wl.Ints:
            return np.zeros(rows, np.int64)

        def none() -> wl.Ints:
            return np.full(rows, -1, np.int64)

        return cls(
            zero(), zero(), zero(), none(), none(), none(), zero() + int(directed), zero(), none(), none(), np.zeros(rows, np.bool_)
        )  # fmt: skip


@dataclass(slots=True)
class _Records:
    """The records of one block, in columns: header, number, last line, sender, body and reading of each."""

    lines: wl.Lines
    h: wl.Headers
    n: wl.Ints
    last: wl.Ints
    sender_end: wl.Ints
    body: wl.Ints
    end: wl.Ints
    us: wl.Ints
    good: wl.Bools  # has a time that can be used
    opening: bool  # the first of them is the first of the file
    c: _Columns

    def text(self, i: int) -> str:
        """Return the body of a record, stand-ins for marks included."""
        return self.lines.data[int(self.body[i]) : int(self.end[i])].decode("utf-8", "replace")


class _Writer:
    """The second pass."""

    def __init__(self, plan: Plan, cast: Cast, context: Context, out: Sink) -> None:
        self._plan, self._cast, self._context, self._out = plan, cast, context, out
        runs = plan.sequence.runs
        self._run_begin = np.array([a for a, _ in runs], np.int64)
        self._run_end = np.array([b for _, b in runs], np.int64)
        self._carry = b""
        self._line0 = 1  # number of the first line of the block
        self._n = 0
        self._of_style = 0  # header lines of the file's style before the block
        self._started = False
        self._opened = False  # a record was read
        self._overlong: int | None = None  # first line of a record that is too long
        self._values: list[str] = [p.identifier for p in cast.people]
        self._value_code: dict[str, int] = {}
        self._tags: list[str] = []
        self._tag_code: dict[str, int] = {}
        self._push = np.array([p.push_name for p in cast.people], np.bool_)
        self._names = tuple(p.raw for p in cast.people[:20])
        self._shapes: set[int] = set()
        self.low: int | None = None  # first and last reading of the header lines that count
        self.high: int | None = None
        self.unknown_lines = self.number_lines = self.marked_lines = self.kept = 0

    # -- the stream -----------------------------------------------------------------------------------------------

    def run(self, source: SourceFile) -> None:
        """Read the file and write its rows."""
        with source.open() as stream:
            for data in wl.blocks(stream):
                self._block(self._carry + data if self._carry else data, final=False)
        data, self._carry = self._carry, b""
        if data:
            self._block(data, final=True)
        if self._overlong is not None:
            self._end_overlong(self._line0)

    def shapes(self) -> int:
        """Return how many different forms the unknown system lines have."""
        return len(self._shapes)

    def _block(self, data: bytes, *, final: bool) -> None:
        lines = wl.Lines(data)
        total = len(lines.end)
        found, sender_end, body = scan(lines, no_space=self._plan.no_space)
        own = found.style == self._plan.evidence.style
        place = self._of_style + np.cumsum(own) - own
        unit = np.flatnonzero(own & ~in_runs(place, self._run_begin, self._run_end) | (~own & self._plan.mixed))
        if not len(unit):
            self._no_unit(lines, own)
            return
        first = int(found.line[unit[0]])
        if not self._started:
            self._started = True
            self._reject_text(first)
        elif self._overlong is not None:
            self._end_overlong(self._line0 + first)
        last = unit[-1]
        done = unit if final else unit[:-1]
        stop = total if final else int(found.line[last])
        if len(done):
            self._records(lines, found.take(done), sender_end[done], body[done], own[done], stop)
        self._line0 += stop
        self._of_style = self._of_style + int(own.sum()) if final else int(place[last])
        self._carry = b"" if final else data[int(lines.begin[stop]) :]
        if len(self._carry) > RECORD_BYTES:
            self._begin_overlong(total - stop, own[last:])

    def _no_unit(self, lines: wl.Lines, own: wl.Bools) -> None:
        total = len(lines.end)
        if not self._started:
            self._reject_text(total)
        elif self._overlong is None:
            if len(lines.data) <= RECORD_BYTES:
                self._carry = lines.data
            else:
                self._begin_overlong(total, own)
            return
        self._carry = b""
        self._line0 += total
        self._of_style += int(own.sum())

    def _begin_overlong(self, lines: int, own: wl.Bools) -> None:
        self._overlong = self._line0
        self._carry = b""
        self._line0 += lines
        self._of_style += int(own.sum())

    def _end_overlong(self, next_line: int) -> None:
        assert self._overlong is not None
        first, self._overlong = self._overlong, None
        self._n += 1
        self._out.read(1)
        self._out.reject(self._n, _locator(first, next_line - 1), _TOO_LONG)

    def _reject_text(self, lines: int) -> None:
        self._out.read(lines)
        for k in range(lines):
            self._out.reject(self._n + k + 1, f"line:{self._line0 + k}", "text before the first header line")
        self._n += lines

    # -- records --------------------------------------------------------------------------------------------------

    def _records(
        self, lines: wl.Lines, h: wl.Headers, sender_end: wl.Ints, body: wl.Ints, own: wl.Bools, stop: int
    ) -> None:  # fmt: skip
        rows = len(h)
        n = self._n + 1 + np.arange(rows)
        self._n += rows
        self._out.read(rows)
        last = np.append(h.line[1:], stop) - 1
        whole = last.copy()
        _trim(lines, h.line, last)
        us, exists = readings(h, self._plan.order, buddhist_short=self._plan.buddhist_short)
        begin = lines.begin[h.line]
        fits = np.append(begin[1:], lines.end[stop - 1] + 1) - begin <= RECORD_BYTES
        good = own & exists & fits & plausible(us)
        if good.any():
            low, high = int(us[good].min()), int(us[good].max())
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
        for i in np.flatnonzero(~good).tolist():
            if not fits[i]:
                reason = _TOO_LONG
                last[i] = whole[i]
            elif not own[i]:
                reason = "another header style than the rest of the file"
            elif not exists[i]:
                reason = f"no such date or time (dates read as {self._plan.order})"
            else:
                reason = implausible_time(int(us[i])) or "no time"
            self._out.reject(int(n[i]), _locator(self._line0 + int(h.line[i]), self._line0 + int(last[i])), reason)
        c = _Columns.of(rows, directed=not self._cast.group)
        end = lines.end[last]
        end = end - (lines.a[end - 1] == 13)
        r = _Records(lines, h, n, last, sender_end, body, end, us, good, not self._opened, c)
        self._opened = True
        self._find_senders(r)
        _sizes(r)
        positions = self._bodies(r)
        for i in np.flatnonzero(good & (c.sender < 0) & ~c.keep).tolist():
            after = int(h.after[i])
            stop = min(int(lines.end[h.line[i]]), after + 4000)
            self._app_line(c, i, lines.data[after:stop].decode("utf-8", "replace"))
        self._emit(r, positions)

    def _find_senders(self, r: _Records) -> None:
        """Fill in senders (-1: the line has none) and where bodies begin."""
        code, data, c = self._cast.code, r.lines.data, r.c
        if not self._plan.no_space:
            # "Name:text": a colon without a blank ends a sender only if the file knows the name
            for i in np.flatnonzero((r.sender_end < 0) & r.good).tolist():
                after = int(r.h.after[i])
                colon = data.find(b":", after, min(int(r.end[i]), after + SENDER_BYTES))
                if colon > after and code.get(data[after:colon], -1) >= 0:
                    r.sender_end[i], r.body[i] = colon, colon + 1
        r.body = np.minimum(r.body, r.end)
        rows = np.flatnonzero(r.sender_end >= 0)
        if len(rows):
            values, local = unique_slices(r.lines.a, r.h.after[rows], r.sender_end[rows] - r.h.after[rows])
            c.sender[rows] = np.array([code.get(value, -1) for value in values], np.int64)[local]

    def _bodies(self, r: _Records) -> list[tuple[int, wp.Body]]:
        """Read the bodies that are more than text; return those that hold a position."""
        c = r.c
        named = r.good & (c.sender >= 0)
        trusted = np.isin(c.sender, list(self._cast.trusted))
        c.keep |= named & ~trusted
        if self._push.any():
            c.tags[named & np.append(self._push, False)[c.sender]] = self._tag(("push_name",))
        special = named & (self._special(r) | trusted)
        if r.opening:
            special[0] |= named[0]
        positions: list[tuple[int, wp.Body]] = []
        for i in np.flatnonzero(special).tolist():
            raw = r.text(i)
            marked = raw.startswith(wp.MARK)
            if trusted[i]:
                c.sender[i] = -1  # read with the lines that have no sender
                r.h.after[i] = r.body[i]
                continue
            if marked or (r.opening and i == 0):
                line = wp.system_line(raw, trusted=False)
                if line is not None and (marked or line.what == "encryption"):
                    c.keep[i] = False
                    c.sender[i] = -1
                    r.h.after[i] = r.body[i]
                    continue
            read = wp.read_body(raw)
            _apply(c, i, read)
            self._add_tags(c, i, read.tags)
            if read.located:
                positions.append((i, read))
            if not read.known:
                self.marked_lines += 1
                self._add_tags(c, i, ("marked",))
            if self._cast.group and "@" in raw:
                self._mentions(c, i, raw)
        return positions

    def _special(self, r: _Records) -> wl.Bools:
        """Tell by a few bytes which bodies have to be read: all others are plain text."""
        a, data, body, end = r.lines.a, r.lines.data, r.body, r.end
        first_end = np.minimum(r.lines.end[r.h.line], end)
        first_end = np.maximum(first_end - (a[first_end - 1] == 13), body)
        begin, tail, close = a[body], a[first_end - 1], a[end - 1]
        special: wl.Bools = (
            (end == body) | (begin == wl.MARK) | (begin == 32) | (tail == 0x29) | (tail == 0x3E) | (close == 0x3E)
        )
        length = first_end - body
        special |= _QUICK[_quick_key(length, begin, a[body + length // 2], tail)]
        hits = [_occurrences(data, word) for word in (b"maps.google.com/", b"foursquare.com/")]
        if wp.MARK.encode() in data:
            hits.append(np.flatnonzero(a == wl.MARK))
        if self._cast.group:
            at = np.flatnonzero(a == 0x40)
            following = a[at + 1]
            hits.append(at[(following == wl.OPEN) | ((following - np.uint8(48)) < 10)])
        where = np.concatenate(hits)
        if len(where):
            row = np.searchsorted(body, where, side="right") - 1
            inside = (row >= 0) & (where < end[row])
            special[row[inside]] = True
        return special

    def _mentions(self, c: _Columns, i: int, raw: str) -> None:
        words: list[str] = []
        for match in _MENTION.finditer(raw):
            if len(words) == MOST_MENTIONS:
                break
            person = person_of(match[1] or f"+{match[2]}", self._context)
            if not person.name:
                continue
            if self._cast.owner is not None and person in self._cast.owner:
                c.directed[i] = 1
            words.append("mention=" + "_".join(person.identifier[:MENTION_CHARS].split()))
        self._add_tags(c, i, tuple(dict.fromkeys(words)))

    def _app_line(self, c: _Columns, i: int, text: str) -> None:
        """Read a line of the app itself: keep calls, blocks and who added the owner, count the rest."""
        line = wp.system_line(text, trusted=True)
        what = line.what if line is not None else ""
        group = self._cast.group
        c.sender[i] = -1
        c.size[i] = -1
        if line is not None and what == "missed":
            c.kind[i], c.direction[i], c.actor[i], c.answered[i] = 1, 1, 1, 2
            self._add_tags(c, i, line.tags)
        elif what in ("blocked", "unblocked") and not group:
            c.kind[i], c.direction[i], c.actor[i] = (3 if what == "blocked" else 4), 2, 2
        elif line is not None and what == "added_you" and group:
            c.kind[i], c.direction[i], c.actor[i], c.directed[i] = 2, 1, 1, 1
            person = person_of(line.name, self._context)
            c.sender[i] = self._value(person.identifier)
            self._add_tags(c, i, ("added", "push_name") if person.push_name else ("added",))
        else:
            self._out.out_of_scope()
            if what == "number":
                self.number_lines += 1
            elif line is None:
                self.unknown_lines += 1
                if len(self._shapes) < _MOST_SHAPES:
                    self._shapes.add(wp.shape(text, self._names))
            return
        c.keep[i] = True

    # -- rows -----------------------------------------------------------------------------------------------------

    def _value(self, identifier: str) -> int:
        code = self._value_code.get(identifier)
        if code is None:
            code = self._value_code[identifier] = len(self._values)
            self._values.append(identifier)
        return code

    def _tag(self, words: tuple[str, ...]) -> int:
        text = " ".join(words)
        code = self._tag_code.get(text)
        if code is None:
            code = self._tag_code[text] = len(self._tags)
            self._tags.append(text)
        return code

    def _add_tags(self, c: _Columns, i: int, words: tuple[str, ...]) -> None:
        if words:
            had = (self._tags[c.tags[i]],) if c.tags[i] >= 0 else ()
            c.tags[i] = self._tag((*had, *words))

    def _emit(self, r: _Records, positions: list[tuple[int, wp.Body]]) -> None:
        def coded(values: Sequence[Any], codes: wl.Ints) -> Any:
            return pa.array(values).take(pa.array(codes, mask=codes < 0))

        c, peer = r.c, self._cast.peer
        keep = np.flatnonzero(c.keep)
        rows = len(keep)
        self.kept += rows
        if rows:
            first, last = self._line0 + r.h.line[keep], self._line0 + r.last[keep]
            record = pc.binary_join_element_wise("line:", pa.array(first).cast(pa.string()), "")
            if (last > first).any():
                end = pa.array(last).cast(pa.string())
                several = pc.binary_join_element_wise(pa.array(first).cast(pa.string()), end, "-")
                several = pc.binary_join_element_wise("lines:", several, "")
                record = pc.if_else(pa.array(last > first), several, record)
            duration, size = c.duration[keep], c.size[keep]
            self._out.events(
                rows,
                {
                    "n": r.n[keep],
                    "record": record,
                    "local_time": r.us[keep],
                    "ts_precision": coded(("min", "s"), (r.h.second[keep] >= 0).astype(np.int64)),
                    "zone_basis": "case",
                    "channel": APP,
                    "kind": coded(KINDS, c.kind[keep]),
                    "direction": coded(DIRECTIONS, c.direction[keep]),
                    "identifier": peer.identifier if peer else None,
                    "identifier_raw": peer.raw if peer else None,
                    "identifier_kind": peer.kind if peer else "none",
                    "sender": coded(pa.array(self._values, pa.string()), c.sender[keep]),
                    "actor": coded(ACTORS, c.actor[keep]),
                    "thread_id": self._cast.thread_id,
                    "thread_kind": "group" if self._cast.group else "direct",
                    "participants_n": None if self._cast.group else 2,
                    "directed": coded(DIRECTED, c.directed[keep]),
                    "answered": coded((None, True, False), c.answered[keep]),
                    "duration_s": pa.array(duration, mask=duration < 0),
                    "size": pa.array(size, mask=size < 0),
                    "attachment": coded(ATTACHMENTS, c.attachment[keep]),
                    "how": "app",
                    "tags": coded(pa.array(self._tags, pa.string()), c.tags[keep]),
                },
            )
        if positions:
            self._positions(r, positions)
        # mentions and names of those who added the owner can be many: their codes live for one block only
        self._tags, self._tag_code = [], {}
        del self._values[len(self._cast.people) :]
        self._value_code = {}

    def _positions(self, r: _Records, found: list[tuple[int, wp.Body]]) -> None:
        at = [i for i, _ in found]
        peer = self._cast.peer
        self._out.positions(
            len(found),
            {
                "sub": 2,
                "n": r.n[at],
                "record": [_locator(self._line0 + int(r.h.line[i]), self._line0 + int(r.last[i])) for i in at],
                "local_time": r.us[at],
                "ts_precision": ["s" if r.h.second[i] >= 0 else "min" for i in at],
                "zone_basis": "case",
                "kind": "share",
                "subject": "contact",
                "identifier": peer.identifier if peer else None,
                "identifier_raw": peer.raw if peer else None,
                "sender": [self._values[int(r.c.sender[i])] for i in at],
                "lat": [body.lat for _, body in found],
                "lon": [body.lon for _, body in found],
                "source_how": "share",
                "how": "app",
            },
        )


def _locator(first: int, last: int) -> str:
    return f"line:{first}" if first == last else f"lines:{first}-{last}"


def _trim(lines: wl.Lines, first: wl.Ints, last: wl.Ints) -> None:
    """Leave blank lines at the end of a record out of it (in place)."""
    length = lines.end - lines.begin
    blank = (length == 0) | ((length == 1) & (lines.a[lines.begin] == 13))
    for i in np.flatnonzero(blank[last] & (last > first)).tolist():
        filled = np.flatnonzero(~blank[first[i] : last[i] + 1])
        last[i] = first[i] + (int(filled[-1]) if len(filled) else 0)


def _sizes(r: _Records) -> None:
    """Count the characters of bodies: bytes that begin one, without stand-ins for marks and carriage returns."""
    a, data = r.lines.a, r.lines.data
    counted = (a & 0xC0) != 0x80
    counted &= (a - np.uint8(1)) > wl.CLOSE - 1  # a byte 0 counts
    counted &= a != 13
    if data.isascii() and int(counted[: len(data)].sum()) == len(data):
        r.c.size[:] = r.end - r.body
        return
    before = np.zeros(len(a) + 1, np.int32)
    np.cumsum(counted, out=before[1:])
    r.c.size[:] = before[r.end] - before[r.body]


def _apply(c: _Columns, i: int, body: wp.Body) -> None:
    c.kind[i] = _KIND_CODE[body.kind]
    c.size[i] = -1 if body.size is None else body.size
    c.attachment[i] = -1 if body.attachment is None else _ATTACHMENT_CODE[body.attachment]
    c.answered[i] = 0 if body.answered is None else (1 if body.answered else 2)
    c.duration[i] = -1 if body.duration_s is None else body.duration_s


def _occurrences(data: bytes, word: bytes) -> wl.Ints:
    found: list[int] = []
    at = data.find(word)
    while at >= 0:
        found.append(at)
        at = data.find(word, at + len(word))
    return np.array(found, np.int64)


def _quick_key(length: wl.Ints, first: wl.Bytes, middle: wl.Bytes, last: wl.Bytes) -> wl.Ints:
    """Return a number of 20 bits made of the length of a line in bytes and three of its bytes."""
    key: wl.Ints = (
        length * 131 + first * np.int64(2_531) + middle * np.int64(40_503) + last * np.int64(7_919)
    ) & 0xFFFFF
    return key


def _quick_table() -> wl.Bools:
    """Mark the numbers that lines in a fixed form can have, so that hardly any other body has to be compared with them."""
    table = np.zeros(1 << 20, np.bool_)
    for phrase in wp.PLAIN_BODIES:
        for text in {phrase, phrase.lower(), phrase.upper(), phrase.capitalize()}:
            raw = np.frombuffer(text.encode(), np.uint8)
            size = np.array([len(raw)], np.int64)
            table[_quick_key(size, raw[:1], raw[size // 2], raw[-1:])] = True
    return table


_QUICK: Final = _quick_table()


def _iso(us: int | None) -> str:
    return "?" if us is None else (datetime(1970, 1, 1) + timedelta(microseconds=us)).isoformat()


class WhatsAppText:
    """The reader."""

    description = Description(
        id="whatsapp-txt",
        version=1,
        title="WhatsApp chat exported as text",
        channels=(APP,),
        counts="header lines (a line that begins with a date), system lines included; text before the first header: each line",
        knowledge=(
            "real exports and fixtures of public parsers for the headers of English, German, Spanish, French, Finnish, Portuguese; "
            "user interface words of the app in 14 languages for what it writes itself"
        ),
        evidence="real sample",
        cannot_tell=(
            "who a name is",
            "the zone of its times: they are local time of the phone that exported, at export",
            "calls that were answered (Android)",
            "when a message was delivered or read; reactions",
            "messages that were deleted before the export, and what a cut-off export left out",
            "blocks, where the version of the app writes no line about them",
            "whether somebody edited the text file",
        ),
        options=(
            Option(
                "owner",
                "how the owner appears in this file",
                "no sender is declared as the owner, nor told by the title",
            ),
            Option(
                "date_order", "dmy or mdy (ymd for two-digit years in front)", "the file leaves open which comes first"
            ),
            Option("timezone", "zone of the phone that exported, if it is not the case's"),
        ),
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a text of which two of the first 50 lines begin with a header of WhatsApp."""
        data = head.data
        if data.startswith(b"PK\x03\x04") or (b"\0" in data[:4096] and wl.encoding_of(data) == "utf-8"):
            return None
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"<")):
            return None  # JSON or XML in which a chat was pasted
        blocks = wl.blocks(io.BytesIO(data), max(len(data), 4))
        block = next(blocks, b"")
        lines = wl.Lines(block)
        found, sender_end, _ = scan(lines, no_space=False)
        if not len(found):
            return None
        style = int(np.bincount(found.style).argmax())
        mine = found.style == style
        if wl.style_layout(style) == wl.DASH and wl.style_year_first(style) and (found.second[mine] >= 0).any():
            return None  # "2025-10-03 18:00:01 - INFO: …" is the log of a program
        early = int((mine & (found.line < 50)).sum())
        named = bool((sender_end[mine] >= 0).any()) or b":" in block[int(found.after[0]) :]
        if early >= 2:
            return Claim(90 if named else 40, f"{early} of the first 50 lines begin with a date header of WhatsApp")
        titled = chat_title(head.name, head.container) is not None
        if found.line[0] == 0 and (titled or int(mine.sum()) >= 2):
            return Claim(70 if named else 30, "the first line begins with a date header of WhatsApp")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Write the rows of an export (see the module for what each holds)."""
        plan = make_plan(source.open, source.entry_us, context.options.get("date_order"))
        cast = make_cast(plan, source, context)
        if cast.owner_identifiers:
            out.owner(cast.owner_identifiers)
        writer = _Writer(plan, cast, context, out)
        writer.run(source)
        for note in (*_plan_notes(plan), *cast.notes, *_row_notes(writer)):
            out.note(note)
        if writer.kept:
            out.coverage(APP, "message call", scope="thread", scope_id=cast.thread_id)


def _plan_notes(plan: Plan) -> Iterable[str]:
    sequence = plan.sequence
    yield f"dates are read as {plan.order}: {plan.order_basis}"
    if plan.mixed:
        yield (
            f"{plan.other_lines} header-like lines are in another style than the other {plan.evidence.lines}: the file is merged or "
            "edited; they are rejected"
        )
    elif plan.other_lines:
        yield f"{plan.other_lines} header-like lines in another style (under {1 - STYLE_SHARE:.0%}) are taken for pasted text"
    if sequence.runs:
        lines = sum(b - a for a, b in sequence.runs)
        yield f"{lines} header-like lines go back by more than a day and return: taken for pasted text, not for messages"
    if sequence.back > len(sequence.runs):
        yield "lines are not in the order of time: the file goes back by more than a day; such lines count as messages"
    if plan.buddhist_short:
        yield "two-digit years are read in the Buddhist era"


def _row_notes(writer: _Writer) -> Iterable[str]:
    yield f"header lines run from {_iso(writer.low)} to {_iso(writer.high)}, local time"
    if writer.number_lines:
        yield f"{writer.number_lines} lines say that somebody changed the number: identifiers are not joined by them"
    if writer.unknown_lines:
        yield f"{writer.unknown_lines} system lines of {writer.shapes()} unknown shapes"
    if writer.marked_lines:
        yield f"{writer.marked_lines} lines with a sender bear the mark of system lines in an unknown form: kept, tag marked"
    if any(abs(writer.kept - cap) <= CAP_MARGIN for cap in CAPS):
        yield f"{writer.kept} messages: the app cuts exports off at about 40,000 (10,000 with media) and says nothing in the file"
    yield "a text file can be edited, and nothing in it would show it"
    yield "the app need not write a line when somebody is blocked: no such line proves nothing"
    yield "on Android the app writes no line for a call that was answered"


READER: Final = WhatsAppText()
