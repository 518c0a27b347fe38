"""Telegram Desktop's export as HTML: ``messages.html``, ``messages2.html`` and so on, up to a thousand messages each.

The page has names and no accounts, and a time for every message but none for lines of the app. Newer versions write an offset after the
time: it is the standard offset of the computer's zone on the day of the export, not the offset at the message (summer time, and zones that
have changed, are off by an hour). So the reading is taken in the zone of the source or the case, and the offset is kept beside it.

Lines of the app that concern the owner (a screenshot taken, somebody near, a gift) have the day that the page last named.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import MAX_OFFSET_S, day_us
from pipelines.readers._html import Block, Blocks, Element, classes_of, mask_html, parse, plain_text, value_text
from pipelines.readers._rows import RowBuffer
from pipelines.readers._senders import Sides, hashed, settle
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    implausible_time,
)

APP: Final = "telegram"
#: senders of one page that are told apart [P]
_MOST_SENDERS: Final = 10_000
DELETED: Final = "Deleted Account"

_WHEN = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d):(\d\d):(\d\d)(?: (?:UTC|GMT)(?:([+-])(\d\d):?(\d\d))?)?", re.ASCII)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAY = re.compile(r"(\d{1,2}) (" + "|".join(_MONTHS) + r") (\d{4})", re.ASCII)
_VIA = re.compile(r" via @\w{1,40}$")
_SERVICE_OF_GROUPS = re.compile(
    r".{0,300}(?: created group «.*»(?: with members .*)?| changed group (?:title to «.*»|photo)| removed group photo| joined group by (?:link from .*|request)"
    r"| converted (?:this group to a supergroup|a basic group to this supergroup .*)| created topic «.*»)",
    re.DOTALL,
)
_CHANNEL = re.compile(r"Channel (?:«.*» created|title changed to «.*»|photo (?:changed|removed))", re.DOTALL)
#: lines of the app that are acts: words, tag, kind
_ACTS: Final = (
    (re.compile(r"(.{1,200}) took a screenshot", re.DOTALL), "screenshot", "other"),
    (re.compile(r"(.{1,200}) is now within .{1,40} from you", re.DOTALL), "proximity", "other"),
    (re.compile(r"(.{1,200}) sent you a gift(?:\.| for .*)", re.DOTALL), "gift", "gift"),
)  # fmt: skip
_MEDIA: Final = {
    b"media_photo": "image", b"photo_wrap": "image", b"media_video": "video", b"video_file_wrap": "video", b"animated_wrap": "animation",
    b"sticker_wrap": "sticker", b"media_voice_message": "voice", b"media_audio_file": "audio", b"media_file": "document", b"media_contact": "contact",
    b"media_location": "location", b"media_live_location": "location", b"media_venue": "location", b"media_poll": "poll", b"media_game": "other",
    b"media_invoice": "other",
}  # fmt: skip
_CALL = re.compile(
    r"(Outgoing|Incoming|Cancelled|Missed|Declined|Invitation|Ongoing)(?: \((\d{1,7}) seconds\))?", re.ASCII
)
_CALLS: Final = {  # words: direction, answered, tag
    "Outgoing": ("out", None, None), "Cancelled": ("out", False, "cancelled"), "Incoming": ("in", None, None), "Missed": ("in", False, "missed"),
    "Declined": ("in", False, "rejected"), "Invitation": ("unknown", None, "invitation"), "Ongoing": ("unknown", None, "ongoing"),
}  # fmt: skip
_POINT = re.compile(
    r"https?://maps\.google\.com/maps\?q=(-?\d{1,3}(?:\.\d{1,20})?),(-?\d{1,3}(?:\.\d{1,20})?)&", re.ASCII
)
_COLUMNS = (
    "n", "record", "local_time", "stated_offset_s", "ts_precision", "kind", "direction", "actor", "identifier", "identifier_raw", "identifier_kind", "sender",
    "thread_id", "thread_kind", "participants_n", "directed", "answered", "duration_s", "size", "attachment", "tags",
)  # fmt: skip
_PLACES = (
    "n",
    "sub",
    "record",
    "local_time",
    "stated_offset_s",
    "identifier",
    "identifier_raw",
    "sender",
    "lat",
    "lon",
)


def _choose(name: bytes, attributes: bytes) -> str:
    if name != b"div" or b"class" not in attributes:
        return ""
    found = classes_of(attributes)
    if b"message" in found:
        return "service" if b"service" in found else "message" if b"default" in found else ""
    return "header" if b"page_header" in found else ""


def moment(text: str) -> tuple[int, int | None] | None:
    """Read the title of a date: (µs of the exporting computer's clock, the offset that it states), or None."""
    found = _WHEN.fullmatch(text.strip())
    if found is None:
        return None
    day, month, year, hour, minute, second = (int(g) for g in found.groups()[:6])
    us = day_us(year, month, day)
    if us is None or hour > 23 or minute > 59 or second > 59:
        return None
    offset = None
    if found[7]:
        offset = int(found[8]) * 3600 + int(found[9]) * 60
        if offset > MAX_OFFSET_S:
            return None
        offset = -offset if found[7] == "-" else offset
    return us + (hour * 3600 + minute * 60 + second) * 1_000_000, offset


def _inside(element: Element, elements: list[Element], name: bytes) -> bool:
    while element.parent >= 0:
        element = elements[element.parent]
        if name in element.classes:
            return True
    return False


def _own(elements: list[Element], name: bytes) -> Element | None:
    """Return the first element of a class that stands in no forwarded part."""
    return next((e for e in elements if name in e.classes and not _inside(e, elements, b"forwarded")), None)


def _name_in(block: Block, elements: list[Element]) -> str:
    element = _own(elements, b"from_name")
    if element is None:
        return ""
    end = next(
        (e.begin for e in elements if e.begin >= element.inner and e.end <= element.end and e.name == b"span"),
        element.end,
    )
    return _VIA.sub("", clean(plain_text(block.data[element.inner : end])))


class _Page:
    """One page."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._context, self._out = source, context, out
        self._senders: dict[str, str] = {}
        self._title = ""
        self._group = False
        self._calls = False
        self._callers: set[str] = set()  # who made calls that the page calls outgoing: the owner
        self._own_ids: set[bytes] = set()
        self._offsets: Counter[int] = Counter()
        self.n = self.kept = self.lines = self.acts_without_day = self.headless = self.unclosed = 0
        self._rows = RowBuffer(out.events, _COLUMNS, {"channel": APP, "zone_basis": "case", "how": "app"})
        self._places = RowBuffer(
            out.positions, _PLACES, {"zone_basis": "case", "kind": "share", "subject": "contact", "source_how": "share", "how": "app"}
        )  # fmt: skip

    def run(self) -> None:
        total = self._survey()
        if not total:
            raise Unreadable("the page holds no message")
        identifier = name_identifier(APP, self._title) if self._title else None
        sides = settle(
            self._senders, self._title or None, self._context, APP, group=self._group,
            title_identifier=identifier if self._calls else None, stated=self._callers,
        )  # fmt: skip
        if sides.kind == "unknown" and identifier is not None and sides.peer is None and self._calls:
            sides.peer, sides.kind = identifier, "direct"
        # a chat of several is known by its title, whichever page it is
        self._thread = (
            sides.peer
            if sides.kind == "direct" and sides.peer
            else f"g:{hashed(self._title or self._source.source_id)}"
        )
        if sides.shown:
            self._out.owner(sides.shown)
        self._read(sides)
        self._rows.flush()
        self._places.flush()
        self._out.read(self.n)
        self._notes(sides)
        if self.kept:
            self._out.coverage(APP, "message call gift other share", scope="thread", scope_id=self._thread)

    def _survey(self) -> int:
        total, last = 0, ""
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                if block.kind == "header":
                    elements = parse(block.data)
                    text = next((e for e in elements if b"text" in e.classes), None)
                    self._title = clean(plain_text(block.data[text.inner : text.end])) if text is not None else ""
                    continue
                total += 1
                if block.kind == "service":
                    text_of = _service_text(block)
                    self._group |= (
                        _SERVICE_OF_GROUPS.fullmatch(text_of) is not None or _CHANNEL.fullmatch(text_of) is not None
                    )
                    continue
                elements = parse(block.data)
                self._calls |= b"media_call" in block.data and any(b"media_call" in e.classes for e in elements)
                last = _name_in(block, elements) or last
                if last and self._calls and _call(block, elements)[0] == "out":
                    self._callers.add(name_identifier(APP, last))
                if last and len(self._senders) < _MOST_SENDERS:
                    self._senders.setdefault(name_identifier(APP, last), last)
        return total

    def _read(self, sides: Sides) -> None:
        sender: str | None = None
        day: int | None = None
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                if block.kind == "header":
                    continue
                self.n += 1
                self.unclosed += not block.closed
                n, record = self.n, f"bytes:{block.start}-{block.end}"
                if not block.complete or not block.data:
                    self._out.reject(
                        n,
                        record,
                        "the file ends inside this record" if not block.complete else "the record is too long",
                    )
                    sender = None
                elif block.kind == "service":
                    text = _service_text(block)
                    found = _DAY.fullmatch(text)
                    if found is not None:
                        day = day_us(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
                    self._service(n, record, text, day, sides)
                else:
                    elements = parse(block.data)
                    name = _name_in(block, elements)
                    joined = b"joined" in elements[0].classes
                    # a message without a name is of the sender before, and only if the page says so
                    sender = name_identifier(APP, name) if name else (sender if joined else None)
                    self._message(n, record, block, elements, sender, sides)

    def _service(self, n: int, record: str, text: str, day: int | None, sides: Sides) -> None:
        for words, tag, kind in _ACTS:
            found = words.fullmatch(text)
            if found is None:
                continue
            actor = name_identifier(APP, clean(found[1]))
            if actor in sides.owners or (actor != sides.peer if sides.kind == "direct" else not sides.owners):
                break  # the owner's own, or it is not known whose
            if day is None or implausible_time(day) is not None:
                self.acts_without_day += 1
                self._out.reject(n, record, "a line of the app without a day before it")
                return
            group = sides.kind == "group"
            peer = sides.peer or actor
            self._add(n, record, day, None, "day", kind, "unknown", "unknown", peer, actor, sides, "yes" if tag != "screenshot" or not group else "no",
                      None, None, None, None, None if tag == kind else tag)  # fmt: skip
            return
        self.lines += 1
        self._out.out_of_scope()

    def _message(
        self, n: int, record: str, block: Block, elements: list[Element], sender: str | None, sides: Sides
    ) -> None:
        dated = _own(elements, b"date")
        title = None if dated is None else dated.get(b"title")
        reading = None if title is None else moment(value_text(title))
        if reading is None:
            self._out.reject(n, record, "no time" if title is None else "time cannot be read")
            return
        us, offset = reading
        why = implausible_time(us)
        if why is not None:
            self._out.reject(n, record, why)
            return
        if offset is not None:
            self._offsets[offset] += 1
        kind, direction, answered, duration, tags = "message", "unknown", None, None, []
        attachment = None
        for element in elements:
            if _inside(element, elements, b"reactions"):
                break
            for name in sorted(element.classes):
                attachment = attachment or _MEDIA.get(name)
            if b"media_call" in element.classes:
                kind = "call"
                direction, answered, duration, tag = _call(block, elements)
                tags += [tag] if tag else []
        if _own_forward(elements):
            tags.append("forwarded")
        texts = [
            e for e in elements if b"text" in e.classes and e.parent >= 0 and b"body" in elements[e.parent].classes
        ]
        size = None if kind == "call" else sum(len(plain_text(block.data[e.inner : e.end]).strip("\n ")) for e in texts)
        if sender is None and direction == "unknown":
            self.headless += 1
        group = sides.kind == "group"
        # where the page states the direction of a call, that holds whoever is named
        told = sender if direction == "unknown" else None
        actor = {"in": "contact", "out": "owner"}.get(direction, "unknown")
        directed = "no" if group else "yes" if sides.kind == "direct" else "unknown"
        number = elements[0].get(b"id") or b""
        if sender in sides.owners:
            self._own_ids.add(number.removeprefix(b"message"))
        elif directed != "yes" and self._answers_owner(elements):
            directed = "yes"
        self._add(n, record, us, offset, "s", kind, direction, actor, sides.peer, told, sides, directed, answered, duration, size, attachment,
                  " ".join(tags) or None)  # fmt: skip
        if attachment == "location" and sender is not None and not _own_forward(elements):
            self._place(n, record, us, offset, elements, sender, sides)

    def _answers_owner(self, elements: list[Element]) -> bool:
        for element in elements:
            if element.name == b"a" and _inside(element, elements, b"reply_to"):
                return (element.get(b"href") or b"").removeprefix(b"#go_to_message") in self._own_ids
        return False

    def _add(
        self, n: int, record: str, us: int, offset: int | None, precision: str, kind: str, direction: str, actor: str, peer: str | None,
        sender: str | None, sides: Sides, directed: str, answered: bool | None, duration: int | None, size: int | None, attachment: str | None,
        tags: str | None,
    ) -> None:  # fmt: skip
        named = peer if sides.kind != "group" else None
        self._rows.add(
            n, record, us, offset, precision, kind, direction, actor, named, None if named is None else named.partition(":name:")[2],
            "none" if named is None else "name", sender, self._thread, sides.kind, 2 if sides.kind == "direct" else None, directed, answered, duration,
            size, attachment, tags,
        )  # fmt: skip
        self.kept += 1

    def _place(
        self, n: int, record: str, us: int, offset: int | None, elements: list[Element], sender: str, sides: Sides
    ) -> None:
        for element in elements:
            if element.name == b"a" and (
                b"media_location" in element.classes or b"media_live_location" in element.classes
            ):
                found = _POINT.match(value_text(element.get(b"href")))
                if found is None:
                    continue
                lat, lon = float(found[1]), float(found[2])
                if abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) != (0.0, 0.0):
                    peer = sides.peer
                    raw = None if peer is None else peer.partition(":name:")[2]
                    self._places.add(n, 2, record, us, offset, peer, raw, sender, lat, lon)
                return

    def _notes(self, sides: Sides) -> None:
        for note in sides.notes:
            self._out.note(note)
        for number, text in (
            (self.lines, "lines of the app itself and dates between messages, out of scope"),
            (self.acts_without_day, "lines of the app about an act without a day before them"),
            (self.headless, "messages without a name and without a named one before them"),
            (self.unclosed, "messages whose markup is not closed before the next one"),
        ):
            if number:
                self._out.note(f"{text}: {number}")
        if self._offsets:
            told = ", ".join(f"{o:+d} s: {c}" for o, c in sorted(self._offsets.items()))
            self._out.note(
                f"the page states offsets ({told}), which are the standard offset of the computer's zone at export: times are read in the zone of "
                "the source or the case; set timezone in [[source]] if the computer stood elsewhere"
            )
        else:
            self._out.note("times are those of the computer that exported")
        if sides.kind == "unknown":
            self._out.note(
                "the page does not show whether the chat has two members or more: its messages are directed at nobody"
            )
        if name_identifier(APP, DELETED) in self._senders:
            self._out.note("several people may stand behind the name of deleted accounts")
        self._out.note(
            "the export as JSON tells accounts and exact times: prefer it where it can be had; an HTML file can be edited"
        )


def _service_text(block: Block) -> str:
    elements = parse(block.data)
    body = next((e for e in elements if b"body" in e.classes), None)
    return " ".join(plain_text(block.data[body.inner : body.end]).split()) if body is not None else ""


def _own_forward(elements: list[Element]) -> bool:
    return any(b"forwarded" in e.classes and b"body" in e.classes for e in elements)


def _call(block: Block, elements: list[Element]) -> tuple[str, bool | None, int | None, str | None]:
    """Return direction, answered, talk time and tag of a call."""
    status = next((e for e in elements if b"status" in e.classes and _inside(e, elements, b"media_call")), None)
    found = _CALL.fullmatch(clean(plain_text(block.data[status.inner : status.end]))) if status is not None else None
    if found is None:
        return "unknown", None, None, None
    direction, answered, tag = _CALLS[found[1]]
    seconds = int(found[2]) if found[2] else None
    if seconds is not None:
        answered = True
    elif found[1] == "Incoming":
        tag = "hangup"
    return direction, answered, seconds, tag


class TelegramHtml:
    """The reader."""

    description = Description(
        id="telegram-html",
        version=1,
        title="Telegram Desktop export (HTML)",
        channels=(APP,),
        counts="div.message elements in the order of the page, dates and lines of the app included",
        knowledge="tdesktop's export_output_html.cpp and export_data_types.cpp; public parsers of the pages; no real file was at hand",
        evidence="public code",
        cannot_tell=(
            "accounts and numbers: people are names, and two of one name are one",
            "the offset at the time of a message: the one that is written is that of the zone at export",
            "whether a chat has two members or more, where the other side does not write on the page",
            "when lines of the app were written, beyond the day",
            "what stands on the other pages of the chat; what was deleted",
            "blocks: no export of Telegram holds them",
            "whether somebody edited the file",
        ),
        options=(
            Option(
                "owner",
                "how the owner appears in this file",
                "no sender is declared as the owner, nor told by the title",
            ),
            Option("timezone", "zone of the computer that exported, if it is not the case's"),
        ),
        call_start="ringing",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim HTML with the header of a page and messages as Telegram Desktop writes them."""
        data = head.data
        if re.search(rb'<div class="page_header"', data) is None:
            return None
        if re.search(rb'<div class="message (?:default|service)', data) is None and b'<div class="history"' not in data:
            return None
        return Claim(95, "HTML with div.page_header and div.message, as Telegram Desktop exports chats")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read a page twice: who takes part, then the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            Who the owner is cannot be told.
        Unreadable
            It holds no message.
        """
        _Page(source, context, out).run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a record with sender and time, and the length of its content."""

        def shows(element: Element, elements: list[Element]) -> bool:
            if _inside(element, elements, b"text") or (
                _inside(element, elements, b"media_wrap") and b"status" not in element.classes
            ):
                return False
            if b"status" in element.classes:
                return _inside(element, elements, b"media_call")
            return bool(element.classes & {b"from_name", b"date"})

        def attributes(element: Element, name: str, value: str) -> bool:
            return name == "title" and b"date" in element.classes and moment(value) is not None

        return mask_html(plain, shows, attributes)


READER: Final = TelegramHtml()
