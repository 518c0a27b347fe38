"""Google Voice in Google Takeout: one HTML file for each call, voicemail or conversation of texts.

What kind of call it was stands in the labels (``…/voice#missed``), which are the same in every language. In texts the owner is the sender
whose name stands in an ``abbr`` ("Me"); her number is written with it. ``Phones.vcf`` beside the files names her numbers too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import Reading, iso_reading
from pipelines.readers._html import Block, Blocks, Element, classes_of, mask_html, parse, plain_text, value_text
from pipelines.readers._rows import RowBuffer
from pipelines.readers._senders import hashed
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Sink,
    SourceFile,
    Unreadable,
    implausible_time,
)

#: largest file of the owner's numbers that is looked at [P]
_PHONES_BYTES: Final = 1 << 20
#: people named in a group that are counted [P]
_MOST_PEOPLE: Final = 500

_LABEL = re.compile(rb"voice#([a-z_]{1,30})")
_DURATION = re.compile(r"P(?:(\d{1,4})D)?T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?", re.ASCII)
_TEL_LINE = re.compile(r"^(?:[\w-]{1,40}\.)?TEL[^:\r\n]{0,200}:([^\r\n]{1,60})", re.IGNORECASE | re.MULTILINE)
_IN_NAME = re.compile(
    r"(?:^|/)([^/]*?)(?: - [^/-]{3,40})? - \d{4}-\d\d-\d\dT\d\d_\d\d_\d\dZ(?:[ (\d)]{0,6})\.html$", re.IGNORECASE
)
_CALLS: Final = {  # label: direction, answered, tags
    "voicemail": ("in", False, "voicemail"), "missed": ("in", False, "missed"), "received": ("in", True, None),
    "placed": ("out", None, None), "recorded": ("unknown", True, "recorded"),
}  # fmt: skip
_COLUMNS = (
    "n", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "channel", "kind", "direction", "identifier", "identifier_raw",
    "identifier_kind", "actor", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "answered", "duration_s", "size",
    "attachment", "tags",
)  # fmt: skip


def _choose(name: bytes, attributes: bytes) -> str:
    if name != b"div" or b"class" not in attributes:
        return ""
    found = classes_of(attributes)
    for kind in ("haudio", "message", "participants", "tags", "deletedStatusContainer"):
        if kind.encode() in found:
            return kind
    return ""


@dataclass(frozen=True, slots=True)
class _Who:
    """Somebody that the file names."""

    identifier: str | None
    raw: str | None
    kind: str
    label: str
    mine: bool = False


def _number(tel: bytes | None, context: Context) -> tuple[str | None, str | None, str]:
    raw = value_text(tel).removeprefix("tel:").strip()
    raw = re.sub(r"^\+{2,}", "+", raw)  # "++1…" is written for some numbers of groups
    if not raw:
        return None, None, "unknown_caller"
    identifier, kind = context.phone(raw)
    return identifier, raw, kind


def _person(elements: list[Element], at: int, data: bytes, context: Context) -> _Who:
    """Read the person whose ``a.tel`` stands at a place of the list."""
    link = elements[at]
    identifier, raw, kind = _number(link.get(b"href"), context)
    label, mine = "", False
    for element in elements[at + 1 :]:
        if element.begin >= link.end:
            break
        if b"fn" in element.classes:
            label = clean(plain_text(data[element.inner : element.end]))
            mine = element.name == b"abbr"
            break
    if (
        identifier is None
        and label
        and kind == "unknown_caller"
        and context.phone(label)[1] not in ("withheld", "unknown_caller", "payphone")
    ):
        identifier, kind = name_identifier("google_voice", label), "name"
    return _Who(identifier, raw or (label or None), kind, label if raw and label != raw else "", mine)


def _seconds(value: bytes | None) -> int | None:
    found = _DURATION.fullmatch(value_text(value))
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(g or 0) for g in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class _Page:
    """One file."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._context, self._out = source, context, out
        self._mine: set[str] = set()
        self.people: dict[str, _Who] = {}
        self.labels: set[str] = set()
        self.deleted = False
        self.doubtful = 0
        self.group = False
        self.n = 0
        self.kept = 0
        self.covered: set[tuple[str, str]] = set()
        self._rows = RowBuffer(out.events, _COLUMNS, {"how": "app"})
        self._listed: set[tuple[str, str]] = set()

    def run(self) -> None:
        self._phones()
        self._survey()
        if self._mine:
            self._out.owner(sorted(self._mine))
        self.n = 0
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                if block.kind == "haudio":
                    self._call(block)
                elif block.kind == "message":
                    self._text(block)
        self._rows.flush()
        if not self.n:
            raise Unreadable("the file holds no call and no text")
        self._out.read(self.n)
        for channel, thread in sorted(self.covered):
            classes = "call" if channel == "phone" else "message"
            self._out.coverage(channel, classes, scope="thread", scope_id=thread)
        if self.doubtful:
            self._out.note(
                f"texts under the owner's number that are not marked as hers, of unknown direction: {self.doubtful}"
            )
        self._out.note("offsets are those of the account when it was exported, not of the place")

    def _phones(self) -> None:
        if self._source.beside is None:
            return
        for found in self._source.beside.find("*/Phones.vcf"):
            if found.size > _PHONES_BYTES:
                continue
            with found.open() as stream:
                text = stream.read(_PHONES_BYTES).decode("utf-8", "replace")
            for raw in _TEL_LINE.findall(text):
                identifier, kind = self._context.phone(raw.strip())
                if identifier is not None and kind == "phone":
                    self._mine.add(identifier)
            self._out.companion("phones", found)

    def _survey(self) -> None:
        """Look at everything that concerns the whole page: it stands partly behind the records."""
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                elements = parse(block.data)
                if block.kind in ("tags", "haudio"):
                    self.labels |= {m.decode() for m in _LABEL.findall(block.data)}
                if block.kind in ("deletedStatusContainer", "haudio"):
                    self.deleted |= b": True" in block.data
                if block.kind == "participants":
                    self.group = True
                if block.kind in ("participants", "message"):
                    for at, element in enumerate(elements):
                        if element.name == b"a" and b"tel" in element.classes:
                            who = _person(elements, at, block.data, self._context)
                            if who.mine and who.identifier is not None and who.kind != "name":
                                self._mine.add(who.identifier)
                            elif not who.mine and who.identifier is not None and len(self.people) < _MOST_PEOPLE:
                                self.people.setdefault(who.identifier, who)
        for mine in self._mine:
            self.people.pop(mine, None)
        self.group |= len(self.people) > 1

    def _is_mine(self, who: _Who) -> bool:
        return who.mine or (
            who.identifier is not None and (who.identifier in self._mine or who.identifier in self._context.owner_names)
        )

    def _line(self) -> str | None:
        return next(iter(self._mine)) if len(self._mine) == 1 else None

    def _reading(self, n: int, record: str, block: Block, value: bytes | None) -> Reading | None:
        """Return the time of a record, or reject it."""
        if not block.complete:
            self._out.reject(n, record, "the file ends inside this record")
            return None
        reading = iso_reading(value_text(value))
        if value is None or reading is None:
            self._out.reject(n, record, "no time" if value is None else "time cannot be read")
            return None
        why = implausible_time(reading.local_us if reading.utc_us is None else reading.utc_us)
        if why is not None:
            self._out.reject(n, record, why)
            return None
        return reading

    def _tags(self, *more: str | None) -> str | None:
        words = [w for w in more if w]
        words += [w for w in ("spam", "trash", "archived") if w in self.labels]
        if self.deleted:
            words.append("deleted")
        return " ".join(words) or None

    def _put(
        self, n: int, record: str, reading: Reading, channel: str, kind: str, direction: str, who: _Who, answered: bool | None, duration: int | None,
        size: int | None, attachment: str | None, tags: str | None,
    ) -> None:  # fmt: skip
        group = kind == "message" and self.group
        thread = f"g:{hashed(' '.join(sorted(self.people)))}" if group else who.identifier
        outgoing = direction == "out"
        other = who if not (group and outgoing) else _Who(None, None, "none", "")
        self._rows.add(
            n, record, reading.local_us, reading.offset_s, reading.precision, "case" if reading.offset_s is None else "stated", channel, kind,
            direction, other.identifier, other.raw, other.kind if other.identifier or not outgoing else "none",
            {"in": "contact", "out": "owner"}.get(direction, "unknown"), self._line(), thread, "group" if group else "direct",
            len(self.people) + 1 if group else 2, "no" if group else "yes", answered, duration, size, attachment, tags,
        )  # fmt: skip
        self.kept += 1
        if thread is not None:
            self.covered.add((channel, thread))
        if (
            who.label
            and who.identifier is not None
            and (who.identifier, who.label) not in self._listed
            and not self._is_mine(who)
        ):
            self._listed.add((who.identifier, who.label))
            self._out.listed(
                1,
                {"n": [n], "sub": 2, "record": [record], "list": "address_book", "channel": channel, "identifier": [who.identifier],
                 "identifier_raw": [who.raw], "identifier_kind": [who.kind], "label": [who.label]},
            )  # fmt: skip

    def _call(self, block: Block) -> None:
        self.n += 1
        n, record = self.n, f"bytes:{block.start}-{block.end}"
        elements = parse(block.data)
        published = next((e for e in elements if b"published" in e.classes), None)
        reading = self._reading(n, record, block, None if published is None else published.get(b"title"))
        if reading is None:
            return
        kinds = [k for k in _CALLS if k in self.labels]
        if not kinds:
            self._out.reject(n, record, "no label says what kind of call it was")
            return
        direction, answered, tag = _CALLS[kinds[0]]
        if kinds[0] == "recorded" and len(kinds) == 1:
            self._out.note("a recorded call does not say who called")
        people = [
            _person(elements, i, block.data, self._context)
            for i, e in enumerate(elements)
            if e.name == b"a" and b"tel" in e.classes
        ]
        who = people[0] if people else _Who(None, None, "unknown_caller", "")
        timed = next((e for e in elements if b"duration" in e.classes), None)
        seconds = _seconds(None if timed is None else timed.get(b"title"))
        voicemail = kinds[0] == "voicemail"
        # of a voicemail the length is that of the recording, not of a talk
        self._put(n, record, reading, "phone", "call", direction, who, answered, None if voicemail else seconds, None,
                  "voice" if voicemail else None, self._tags(tag))  # fmt: skip

    def _text(self, block: Block) -> None:
        self.n += 1
        n, record = self.n, f"bytes:{block.start}-{block.end}"
        elements = parse(block.data)
        dated = next((e for e in elements if b"dt" in e.classes), None)
        reading = self._reading(n, record, block, None if dated is None else dated.get(b"title"))
        if reading is None:
            return
        at = next((i for i, e in enumerate(elements) if e.name == b"a" and b"tel" in e.classes), None)
        sender = (
            _person(elements, at, block.data, self._context)
            if at is not None
            else _Who(None, None, "unknown_caller", "")
        )
        quoted = next((e for e in elements if e.name == b"q"), None)
        size = None if quoted is None else len(plain_text(block.data[quoted.inner : quoted.end]))
        attachment = next((kind for e in elements if (kind := _attachment(e)) is not None), None)
        tag = None
        if sender.mine:
            direction, who = "out", self._other()
        elif self._is_mine(sender):
            # the owner's number, but not marked as hers: a text to herself, or another's under her number; the page does not say which
            direction, who, tag = "unknown", _Who(None, None, "none", ""), "own_number"
            self.doubtful += 1
        else:
            direction, who = "in", sender
        self._put(n, record, reading, "sms", "message", direction, who, None, None, size, attachment, self._tags(tag))

    def _other(self) -> _Who:
        """Return the other side of a conversation in which only the owner writes: its file is named after it."""
        if len(self.people) == 1:
            return next(iter(self.people.values()))
        if self.people:
            return _Who(None, None, "none", "")
        found = _IN_NAME.search(self._source.name)
        name = clean(found[1]) if found else ""
        if not name or name.startswith("Group Conversation"):
            return _Who(None, None, "none", "")
        identifier, kind = self._context.phone(name)
        if identifier is not None and kind in ("phone", "short", "raw"):
            return _Who(identifier, name, kind, "")
        if identifier is None:
            return _Who(None, name, kind, "")
        return _Who(name_identifier("google_voice", name), name, "name", "")


def _attachment(element: Element) -> str | None:
    return {b"img": "image", b"video": "video", b"audio": "audio"}.get(element.name) or (
        "contact" if b"vcard" in element.classes and element.name == b"a" and b"tel" not in element.classes else None
    )


class GoogleVoice:
    """The reader."""

    description = Description(
        id="google-voice",
        version=1,
        title="Google Voice (Google Takeout, HTML)",
        channels=("phone", "sms"),
        counts="div.haudio and div.message elements in the order of the file",
        knowledge="samples and code of the public merger by lbeder; parsers by psanford and timelinize",
        evidence="real sample",
        cannot_tell=(
            "whether a placed call was answered",
            "which missed call a voicemail belongs to: they are two files",
            "where the phone was: offsets are those of the account at export",
            "who a caller without a number was",
            "who wrote a text that bears the owner's number and not her mark",
            "to whom the owner wrote where the file names nobody but her",
        ),
        versions="exports of 2011 to 2022",
        clock_s=5,
        call_start="unknown",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim HTML with the elements that Google Voice writes."""
        data = head.data
        if b"<html" not in data[:2_048].lower():
            return None
        call = b'class="haudio"' in data and b'class="published"' in data
        chat = b"hChatLog" in data and (b'class="message"' in data or b'class="participants"' in data)
        if call or chat:
            return Claim(95, f"HTML with the elements of a {'call' if call else 'conversation'} of Google Voice")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read a file; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            It holds no call and no text.
        """
        _Page(source, context, out).run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a record with times, numbers and names, and the length of its content."""

        def shows(element: Element, elements: list[Element]) -> bool:
            return bool(element.classes & {b"fn", b"published", b"dt", b"duration"}) or (
                element.name == b"a" and b"tag" in (element.get(b"rel") or b"")
            )

        def attributes(element: Element, name: str, value: str) -> bool:
            if name == "title":
                return bool(element.classes & {b"published", b"dt", b"duration"})
            return (
                name == "href"
                and re.fullmatch(r"tel:[+\d]{0,30}|https?://www\.google\.com/voice#\w{1,30}", value) is not None
            )

        return mask_html(plain, shows, attributes)


READER: Final = GoogleVoice()
