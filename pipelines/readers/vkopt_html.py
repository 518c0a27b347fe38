"""Conversation of VK saved by the browser extension VkOpt as HTML (``div.msg_item``).

People are named with a link that holds their number (``vk.com/id1``) or their short name. The file does not say whose account it was saved
from. Forwarded messages stand inside the message that forwards them and are no records. Times are those of the computer that saved it.
"""

from __future__ import annotations

import re
from typing import Final

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import Reading, day_us
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

APP: Final = "vk"
#: people of one conversation that are told apart [P]
_MOST_SENDERS: Final = 100_000

_WHEN = re.compile(r"(?:^|\s)(\d{4})\.(\d\d)\.(\d\d) (\d\d):(\d\d):(\d\d)(?=\s|$)", re.ASCII)
_LINK = re.compile(r"(?:https?:)?//(?:m\.|www\.)?vk\.(?:com|ru)/([\w.]{1,64})", re.ASCII)
_MEMBER = re.compile(r"(.{0,200})\((\d{1,12})\)")
_ACTION = re.compile(rb'^\s*<div>\s*action\s+(?:"|&quot;)', re.ASCII)
_ATTACHMENTS: Final = {
    b"att_photo": "image", b"att_video": "video", b"att_audio": "audio", b"att_audiomsg": "voice", b"att_audio_message": "voice", b"att_doc": "document",
    b"att_sticker": "sticker", b"att_graffiti": "image", b"att_gift": "other", b"att_wall": "other", b"att_link": "other", b"att_map": "location",
    b"att_geo": "location", b"att_poll": "poll", b"att_call": "call",
}  # fmt: skip
_COLUMNS = (
    "n", "record", "local_time", "ts_precision", "kind", "identifier", "identifier_raw", "identifier_kind", "sender", "thread_id", "thread_kind",
    "participants_n", "directed", "size", "attachment",
)  # fmt: skip


def _choose(name: bytes, attributes: bytes) -> str:
    if name == b"title":
        return "title"
    return "item" if name == b"div" and b"msg_item" in attributes and b"msg_item" in classes_of(attributes) else ""


def _nests(attributes: bytes) -> bool:
    return b"fwd" in attributes and b"fwd" in classes_of(attributes)


def account(link: str) -> str | None:
    """Return the identifier behind a link to a page of VK, None if it is none."""
    found = _LINK.match(link)
    return f"{APP}:{found[1].lower()}" if found else None


def _from(block: Block) -> tuple[list[Element], Element | None]:
    elements = parse(block.data)
    return elements, next((e for e in elements if b"from" in e.classes and e.parent == 0), None)


def _who(block: Block, elements: list[Element], head: Element) -> tuple[str | None, str]:
    """Return who wrote a message: identifier and name."""
    bold = next((e for e in elements if e.name == b"b" and head.inner <= e.begin < head.end), None)
    name = "" if bold is None else clean(plain_text(block.data[bold.inner : bold.end]))
    for element in elements:
        if element.name == b"a" and head.inner <= element.begin < head.end:
            found = account(value_text(element.get(b"href")))
            if found is not None:
                return found, name
    return (name_identifier(APP, name) if name else None), name


def _reading(text: str) -> Reading | None:
    found = _WHEN.findall(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(g) for g in found[-1])  # a name before it may look like a time
    us = day_us(year, month, day)
    if us is None or hour > 23 or minute > 59 or second > 59:
        return None
    return Reading(us + (hour * 3600 + minute * 60 + second) * 1_000_000, "s")


class _Reading:
    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._context, self._out = source, context, out
        self._rows = RowBuffer(
            out.events, _COLUMNS, {"channel": APP, "zone_basis": "case", "direction": "unknown", "how": "app"}
        )  # fmt: skip
        self.n = self.kept = self.actions = self.unclosed = 0

    def run(self) -> None:
        senders: dict[str, str] = {}
        titled: list[str] = []
        group = False
        total = 0
        with self._source.open() as stream:
            for block in Blocks(stream, _choose, _nests):
                if block.kind == "title":
                    titled = [clean(t) for t in plain_text(block.data).partition(":")[2].split(",")]
                    continue
                total += 1
                elements, head = _from(block)
                if head is None or not block.complete:
                    continue
                if self._is_action(block, elements, head):
                    group |= b"chat_" in block.data[:4_096]
                    continue
                identifier, name = _who(block, elements, head)
                if identifier is not None and len(senders) < _MOST_SENDERS:
                    senders.setdefault(identifier, name)
        if not total:
            raise Unreadable("the file holds no message")
        option = self._context.options.get("owner")
        for words in titled:  # the title names everybody with a number: the owner takes part though she may not write
            member = _MEMBER.fullmatch(words)
            if member is not None and f"{APP}:id{member[2]}" in (
                {clean(option)} if option else self._context.owner_names
            ):
                senders.setdefault(f"{APP}:id{member[2]}", clean(member[1]))
        sides = settle(senders, None, self._context, APP, group=group or len([t for t in titled if t]) > 2, sole=True)
        self._thread = sides.peer if sides.kind == "direct" and sides.peer else f"t:{hashed(' '.join(sorted(senders)))}"
        if sides.shown:
            self._out.owner(sides.shown)
        with self._source.open() as stream:
            for block in Blocks(stream, _choose, _nests):
                if block.kind == "item":
                    self._item(block, sides, senders)
        self._rows.flush()
        self._out.read(self.n)
        for note in sides.notes:
            self._out.note(note)
        if self.actions:
            self._out.note(f"lines of the app itself, out of scope: {self.actions}")
        if self.unclosed:
            self._out.note(f"messages whose markup is not closed before the next one: {self.unclosed}")
        self._out.note(
            "times are those of the computer that saved the file; an HTML file can be edited, and nothing in it would show it"
        )
        if self.kept:
            self._out.coverage(APP, "message", scope="thread", scope_id=self._thread)

    @staticmethod
    def _is_action(block: Block, elements: list[Element], head: Element) -> bool:
        """Is it a line of the app: no body of a message, but words about an action?"""
        if any(b"msg_body" in e.classes and e.parent == 0 for e in elements):
            return False
        return any(
            e.parent == 0 and not e.classes and _ACTION.match(block.data[e.begin : e.begin + 64]) for e in elements[1:]
        )

    def _item(self, block: Block, sides: Sides, senders: dict[str, str]) -> None:
        self.n += 1
        n, record = self.n, f"bytes:{block.start}-{block.end}"
        self.unclosed += not block.closed
        if not block.complete or not block.data:
            why = "the file ends inside this record" if not block.complete else "the record is too long"
            self._out.reject(n, record, why)
            return
        elements, head = _from(block)
        if head is None:
            self._out.reject(n, record, "nobody is named as its sender, and it has no time")
            return
        if self._is_action(block, elements, head):
            self.actions += 1
            self._out.out_of_scope()
            return
        reading = _reading(plain_text(block.data[head.inner : head.end]))
        why_not = "time cannot be read" if reading is None else implausible_time(reading.local_us)
        if reading is None or why_not is not None:
            self._out.reject(n, record, why_not or "time cannot be read")
            return
        sender, _ = _who(block, elements, head)
        if sender is None:
            self._out.reject(n, record, "nobody is named as its sender")
            return
        body = next((e for e in elements if b"msg_body" in e.classes and e.parent == 0), None)
        size = None if body is None else _size(block.data[body.inner : body.end])
        forwarded = next((e.begin for e in elements if b"fwd" in e.classes), len(block.data))
        attachment, kind = None, "message"
        for element in elements:
            if element.begin >= forwarded:
                break
            if b"att_ico" in element.classes:
                found = next((k for k in sorted(element.classes) if k in _ATTACHMENTS), None)
                if found == b"att_gift":
                    kind = "gift"
                if b"att_fwd" not in element.classes and attachment is None:
                    attachment = _ATTACHMENTS[found] if found else "other"
        group = sides.kind == "group"
        peer = sides.peer
        raw = senders.get(peer) if peer else None
        self._rows.add(
            n, record, reading.local_us, reading.precision, kind, peer, raw or peer, ("name" if peer and ":name:" in peer else "app_id") if peer else "none",
            sender, self._thread, sides.kind, None if group else 2, "no" if group else "yes", size, attachment,
        )  # fmt: skip
        self.kept += 1


_EMOJI = re.compile(rb"""<img\b[^<>]*?\balt\s*=\s*(?:"([^"<>]{0,32})"|'([^'<>]{0,32})')[^<>]*>""")


def _size(markup: bytes) -> int:
    """Return the number of characters of a text; emoji stand in it as pictures."""
    return len(plain_text(_EMOJI.sub(rb"\1\2", markup)).strip())


class VkOptHtml:
    """The reader."""

    description = Description(
        id="vkopt-html",
        version=1,
        title="VK conversation saved by VkOpt (HTML)",
        channels=(APP,),
        counts="div.msg_item elements that stand in no forwarded message, in the order of the file",
        knowledge="fixtures of the public parser texbois/joebot-message-parser",
        evidence="real sample",
        cannot_tell=(
            "whose account it was saved from",
            "whether others read along where only two write and the file's title names no third",
            "the zone of its times: those of the computer that saved it",
            "calls, deleted messages, and when a message was read",
            "what kind of attachment it is, beyond those that were seen or documented",
            "whether somebody edited the file",
        ),
        options=(
            Option("owner", "the owner's account (vk:id1) or name in this file", "no sender is declared as the owner"),
            Option("timezone", "zone of the computer that saved the file, if it is not the case's"),
        ),
        versions="files of 2018 and 2019",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim HTML with ``div.msg_item`` that holds a sender and a time."""
        data = head.data
        if b"msg_item" not in data or re.search(rb'<div[^<>]*\bclass="msg_item"', data) is None:
            return None
        if re.search(rb'<div class="from">', data) is None:
            return None
        return Claim(93, "HTML with div.msg_item and div.from, as VkOpt saves conversations")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read the file twice: who takes part, then the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            Who the owner is cannot be told.
        Unreadable
            It holds no message.
        """
        _Reading(source, context, out).run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a record with sender and time, and the length of its content."""

        def inside(element: Element, elements: list[Element], name: bytes) -> bool:
            while element.parent >= 0:
                element = elements[element.parent]
                if name in element.classes:
                    return True
            return False

        def shows(element: Element, elements: list[Element]) -> bool:
            return (b"from" in element.classes or inside(element, elements, b"from")) and not inside(
                element, elements, b"fwd"
            )

        def attributes(element: Element, name: str, value: str) -> bool:
            return name == "href" and (
                (account(value) is not None and "?" not in value) or re.fullmatch(r"#msg\d{1,20}", value) is not None
            )

        return mask_html(plain, shows, attributes)


READER: Final = VkOptHtml()
