"""Messages in the archive of one's data that VK hands out: ``messages/<peer>/messages<N>.html``, fifty to a page, newest first.

Pages are windows-1251 with letters that it lacks as references. The owner's own messages bear no link but "Вы" or "You"; whose archive it is
stands, coded, in ``<meta name="jd">``. The peer is the folder of the page: a person, ``-n`` a community, from 2,000,000,000 on a chat of several.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import msgspec

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._clock import day_us
from pipelines.readers._html import (
    Block,
    Blocks,
    Element,
    attribute,
    classes_of,
    mask_html,
    parse,
    plain_text,
    value_text,
)
from pipelines.readers._rows import RowBuffer
from pipelines.readers._senders import hashed
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Span,
    Unreadable,
    implausible_time,
)

APP: Final = "vk"
CHATS_FROM: Final = 2_000_000_000
_PAGE_BYTES: Final = 1 << 16  # of a page that are looked at for its head

_PEER = re.compile(r"(?:^|[/\\])(-?\d{1,12})[/\\]messages\d{1,9}\.html$", re.IGNORECASE)
_LINK = re.compile(r"(?:https?:)?//(?:m\.|www\.)?vk\.(?:com|ru)/([\w.]{1,64})/?", re.ASCII)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]{1,30})", re.IGNORECASE)
_MONTHS = {m: i for i, names in enumerate(
    (("янв", "jan"), ("фев", "feb"), ("мар", "mar"), ("апр", "apr"), ("мая", "май", "may"), ("июн", "jun"), ("июл", "jul"), ("авг", "aug"),
     ("сен", "sep"), ("окт", "oct"), ("ноя", "nov"), ("дек", "dec")), 1) for m in names}  # fmt: skip
_DAY_FIRST = re.compile(
    r"(\d{1,2}) ([a-zа-я]{3,9})\.? (\d{4}) (?:в|at) (\d{1,2}):(\d\d):(\d\d)(?: ?([ap])\.?m\.?)?", re.IGNORECASE
)
_TIME_FIRST = re.compile(
    r"at (\d{1,2}):(\d\d):(\d\d)(?: ?([ap])\.?m\.?)? on (\d{1,2}) ([a-z]{3,9})\.? (\d{4})", re.IGNORECASE
)
_OWN: Final = frozenset(["вы", "you", "ви", "сіз"])
_EDITED = re.compile(r"\s*\((?:ред\.|edited)\)\s*$", re.IGNORECASE)
#: begin of what a page calls an attachment: kind of attachment; the Russian words are of public parsers, the English are not verified
_ATTACHMENTS: Final = (
    ("фотография", "image"), ("photo", "image"), ("граффити", "image"), ("graffiti", "image"), ("видео", "video"), ("video", "video"),
    ("аудиозапись", "audio"), ("audio", "audio"), ("голосовое", "voice"), ("voice", "voice"), ("файл", "document"), ("file", "document"),
    ("документ", "document"), ("стикер", "sticker"), ("sticker", "sticker"), ("карта", "location"), ("map", "location"), ("местоположение", "location"),
    ("опрос", "poll"), ("poll", "poll"), ("звонок", "call"), ("call", "call"), ("групповой звонок", "call"), ("group call", "call"),
    ("подарок", "gift"), ("gift", "gift"), ("денежный перевод", "payment"), ("money", "payment"), ("удал", "deleted"), ("deleted", "deleted"),
)  # fmt: skip
_FORWARDED: Final = ("прикрепл", "attached message", "пересланн", "forwarded")
_KINDS: Final = {"call": "call", "gift": "gift", "payment": "payment"}
_COLUMNS = (
    "n", "record", "local_time", "kind", "direction", "actor", "identifier", "identifier_raw", "identifier_kind", "sender", "thread_id",
    "thread_kind", "participants_n", "directed", "size", "attachment", "tags",
)  # fmt: skip


def _choose(name: bytes, attributes: bytes) -> str:
    return "message" if name == b"div" and b"message" in attributes and b"message" in classes_of(attributes) else ""


def encoding_of(head: bytes) -> str:
    """Return the encoding of a page by its own word: UTF-8 if it says so, else windows-1251."""
    found = _CHARSET.search(head)
    return (
        "utf-8" if head.startswith(b"\xef\xbb\xbf") or (found and found[1].lower() in (b"utf-8", b"utf8")) else "cp1251"
    )


def owner_of(head: bytes) -> str | None:
    """Return the account whose archive it is, from ``<meta name="jd">``; None if it is not there."""
    for found in re.finditer(rb"<meta\b([^<>]{0,4096})>", head):
        if attribute(found[1], b"name") != b"jd":
            continue
        coded = attribute(found[1], b"content") or b""
        try:
            value = msgspec.json.decode(base64.b64decode(coded + b"=" * (-len(coded) % 4)))
        except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
            return None
        number = value.get("user_id") if isinstance(value, dict) else None
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < CHATS_FROM:
            return f"{APP}:id{number}"
    return None


def moment(text: str) -> int | None:
    """Return the time at the end of a header, µs of the clock that it was written by; None if it holds none."""
    text = " ".join(text.split())
    found = None
    for found in _DAY_FIRST.finditer(text):  # noqa: B007  the last one: a name before it may look like a time
        pass
    if found is not None:
        day, month, year, hour, minute, second, half = found.groups()
    else:
        for found in _TIME_FIRST.finditer(text):  # noqa: B007
            pass
        if found is None:
            return None
        hour, minute, second, half, day, month, year = found.groups()
    number = _MONTHS.get(month[:3].lower())
    us = None if number is None else day_us(int(year), number, int(day))
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    if us is None or hours > 23 or int(minute) > 59 or int(second) > 59:
        return None
    return us + (hours * 3600 + int(minute) * 60 + int(second)) * 1_000_000


class _Page:
    """One page of one conversation."""

    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._context, self._out = source, context, out
        with source.open() as stream:
            head = stream.read(_PAGE_BYTES)
        self.encoding = encoding_of(head)
        self._owner = owner_of(head)
        # the folder is the conversation: of a plain file only its path tells it
        found = _PEER.search(source.path or source.name) or _PEER.search(source.name)
        self._peer = int(found[1]) if found else None
        self._rows = RowBuffer(out.events, _COLUMNS, {"channel": APP, "zone_basis": "case", "how": "app"})
        self.n = self.kept = self.actions = self.nameless = self.unclosed = 0
        self._writers: dict[str, str] = {}

    def run(self) -> None:
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                self.n += 1
                sender, raw = self._header(block)[:2]
                if sender is not None and len(self._writers) < 10_000:
                    self._writers.setdefault(sender, raw)
        if not self.n:
            raise Unreadable("the page holds no message")
        if self._owner is not None:
            self._out.owner([self._owner])
        self._settle()
        self.n = 0
        with self._source.open() as stream:
            for block in Blocks(stream, _choose):
                self._message(block)
        self._rows.flush()
        self._out.read(self.n)
        for number, text in (
            (self.actions, "lines of the app itself, out of scope"),
            (self.nameless, "messages of which the page names nobody in a known way: their direction is not known"),
            (self.unclosed, "messages whose markup is not closed before the next one"),
        ):
            if number:
                self._out.note(f"{text}: {number}")
        if self._peer is None:
            self._out.note(
                "the page does not lie in the folder of its conversation: who the other side is, is told by who writes"
            )
        self._out.note("the page does not state the zone of its times")
        if self.kept:
            self._out.coverage(APP, "message call gift", scope="thread", scope_id=self._thread)

    def _settle(self) -> None:
        """Settle who the other side is."""
        self._other: tuple[str | None, str | None, str] = (None, None, "none")
        others = sorted(set(self._writers) - {self._owner})
        self._kind = "unknown"
        if self._peer is not None:
            if self._peer >= CHATS_FROM:
                self._kind, self._thread = "group", f"{APP}:chat{self._peer - CHATS_FROM}"
                return
            native = f"{APP}:id{self._peer}" if self._peer > 0 else f"{APP}:club{-self._peer}"
            self._kind, self._thread = "direct", native
            self._other = (native, self._writers.get(native, native.removeprefix(f"{APP}:")), "app_id")
        elif len(others) == 1:
            # a page on its own: that nobody else writes in it does not show that nobody else reads it
            self._thread = others[0]
            self._other = (others[0], self._writers[others[0]], "name" if ":name:" in others[0] else "app_id")
        else:
            self._kind = "group" if len(others) > 1 else "unknown"
            self._thread = f"t:{hashed(' '.join(others))}"

    def _header(self, block: Block) -> tuple[str | None, str, bool, list[Element], Element | None]:
        """Return who wrote a message (identifier, name, is it the owner), its elements and its header."""
        elements = parse(block.data)
        head = next((e for e in elements if b"message__header" in e.classes), None)
        if head is None:
            return None, "", False, elements, None
        for element in elements:
            if element.name == b"a" and head.inner <= element.begin < head.end:
                found = _LINK.match(value_text(element.get(b"href"), self.encoding))
                name = clean(plain_text(block.data[element.inner : element.end], self.encoding))
                if found is not None:
                    identifier = f"{APP}:{found[1].lower()}"
                    return (
                        (None, name, True, elements, head)
                        if identifier == self._owner
                        else (identifier, name, False, elements, head)
                    )
                return (name_identifier(APP, name) if name else None), name, False, elements, head
        word = plain_text(block.data[head.inner : head.end], self.encoding).partition(",")[0]
        return None, "", clean(word).casefold() in _OWN, elements, head

    def _message(self, block: Block) -> None:
        self.n += 1
        n, record = self.n, f"bytes:{block.start}-{block.end}"
        self.unclosed += not block.closed
        if not block.complete or not block.data:
            self._out.reject(
                n, record, "the file ends inside this record" if not block.complete else "the record is too long"
            )
            return
        sender, raw, mine, elements, head = self._header(block)
        if head is None:
            self._out.reject(n, record, "nobody is named as its sender, and it has no time")
            return
        if any(b"im_srv_lnk" in e.classes for e in elements):
            self.actions += 1
            self._out.out_of_scope()
            return
        us = moment(_EDITED.sub("", plain_text(block.data[head.inner : head.end], self.encoding)))
        why = "time cannot be read" if us is None else implausible_time(us)
        if us is None or why is not None:
            self._out.reject(n, record, why or "time cannot be read")
            return
        kind, size, attachment, tags = self._contents(block, elements, head)
        group = self._kind == "group"
        other = self._other
        if mine:
            direction, actor = "out", "owner"
        elif sender is not None:
            direction, actor = "in", "contact"
            if self._kind != "direct" and sender != other[0]:  # in a folder of two a short name is the other one's, too
                other = (sender, raw or None, "name" if ":name:" in sender else "app_id")
        else:
            direction, actor = "unknown", "unknown"
            self.nameless += 1
        self._rows.add(
            n, record, us, kind, direction, actor, *(other if not (group and mine) else (None, None, "none")), None, self._thread,
            self._kind, None if group else 2, {"group": "no", "direct": "yes"}.get(self._kind, "unknown"), size, attachment, tags,
        )  # fmt: skip
        self.kept += 1

    def _contents(
        self, block: Block, elements: list[Element], head: Element
    ) -> tuple[str, int | None, str | None, str | None]:
        body = next((e for e in elements if e.begin > head.begin and e.parent == 0 and e.name == b"div"), None)
        size = None
        if body is not None:
            end = next((e.begin for e in elements if b"kludges" in e.classes and body.inner <= e.begin), body.end)
            size = len(plain_text(block.data[body.inner : end], self.encoding).strip())
        kind, attachment, forwarded = "message", None, False
        for element in elements:
            if b"attachment__description" not in element.classes:
                continue
            word = clean(plain_text(block.data[element.inner : element.end], self.encoding)).casefold()
            stripped = re.sub(r"^\d+\s+", "", word)
            if stripped.startswith(_FORWARDED):
                forwarded = True
                continue
            found = next((k for start, k in _ATTACHMENTS if word.startswith(start)), "other")
            kind = _KINDS.get(found, kind)
            attachment = attachment or (found if found not in ("gift", "payment") else "other")
        return (
            kind,
            size or (0 if kind == "message" and attachment is None else None),
            attachment,
            "forwarded" if forwarded else None,
        )


class VkArchive:
    """The reader."""

    description = Description(
        id="vk-archive",
        version=1,
        title="VK archive of one's data: messages (HTML)",
        channels=(APP,),
        counts="div.message elements in the order of the page",
        knowledge=(
            "public parsers of the archive (Konard/vk-export and several others) for links, dates, attachments and the account's number; no real "
            "file was at hand; English words for attachments and lines of the app are not verified"
        ),
        evidence="public code",
        cannot_tell=(
            "the zone of its times",
            "whether a call was answered, how long it lasted and who called, beyond whose message it is",
            "when a message was read; messages that were deleted before",
            "who wrote, where an account was deleted and the page shows no link",
            "who is blocked or asked to be a friend: those pages of the archive are not read",
        ),
        options=(Option("timezone", "zone of the times, if it is not the case's"),),
        call_start="unknown",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim HTML with ``div.message[data-id]`` and ``div.message__header``."""
        data = head.data
        if re.search(rb'<div class="message" data-id="\d', data) is None or b'class="message__header"' not in data:
            return None
        return Claim(94, "HTML with div.message[data-id] and div.message__header, as VK's archive has them")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read a page; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            It holds no message.
        """
        _Page(source, context, out).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record by its bytes; its text is that of the page's own encoding."""
        found = re.fullmatch(r"bytes:(\d{1,18})-(\d{1,18})", record)
        if found is None:
            return None
        start, end = int(found[1]), int(found[2])
        if end <= start or start >= source.size:
            return None
        with source.open() as stream:
            head = stream.read(_PAGE_BYTES)
        encoding = encoding_of(head)
        if encoding == "utf-8":
            return Span(start, min(end, source.size), end <= source.size)
        with (
            source.open() as stream
        ):  # one byte of windows-1251 is one character: places move by the length of each in UTF-8
            at, places, left = 0, [0, 0], min(end, source.size)
            while left and (data := stream.read(min(left, 1 << 16))):
                for i, limit in enumerate((start, end)):
                    places[i] += len(data[: max(limit - at, 0)].decode(encoding, "replace").encode())
                at += len(data)
                left -= len(data)
        return Span(places[0], places[1], end <= source.size, encoding)

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a record with sender and time, and the length of its content."""

        def shows(element: Element, elements: list[Element]) -> bool:
            parent = elements[element.parent] if element.parent >= 0 else None
            return b"message__header" in element.classes or (
                parent is not None and b"message__header" in parent.classes
            )

        def attributes(element: Element, name: str, value: str) -> bool:
            return name == "href" and re.fullmatch(r"https?://vk\.com/(?:id|club)\d{1,12}", value) is not None

        return mask_html(plain, shows, attributes)


READER: Final = VkArchive()
