"""Reader of the text files of imessage-exporter: one conversation of Apple's Messages in each.

A message is a line with date and time, a line with the sender, the text, and a blank line. Text can hold anything, lines that
look like a date too: a message begins only where a date opens the file or follows a blank line. An answer stands twice, once
where it was sent and once, indented, under the message that it answers: the indented copy is out of scope.

Two passes: who writes in the file, and the reading itself.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import harmless, hidden
from pipelines.readers._clock import day_us
from pipelines.readers._rows import RowBuffer
from pipelines.readers._sheets import lines_of
from pipelines.readers.base import (
    Claim,
    Context,
    Description,
    Head,
    Option,
    Sink,
    SourceFile,
    Unreadable,
    Waiting,
    implausible_time,
)

ME = "Me"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = {name: k + 1 for k, name in enumerate(_MONTHS)}
_STAMP = rf"({'|'.join(_MONTHS)}) (\d\d), (\d{{4}}) ([ \d]\d):(\d\d):(\d\d) ([AP])M"
#: date; what follows it on the line
_DATE = re.compile(rf"{_STAMP}(?: (.*))?", re.ASCII | re.DOTALL)
_RECEIPT = re.compile(r"\(Read by (.{1,200}) after [\d a-z,]{1,80}\)")
_DATE_START = re.compile(rf"(?:\xef\xbb\xbf)?\s{{0,40}}(?:{'|'.join(_MONTHS)}) \d\d, ".encode("latin-1"))
#: an indented copy of an answer begins so
_COPY = re.compile(rf"(?: {{4}})+{_STAMP}(?: \(Read by .{{1,300}}\))?", re.ASCII)
_UNFINISHED = re.compile(r"[A-Z][a-z]{2}(?: \d{0,2}(?:,(?: \d{0,4}(?: .{0,11})?)?)?)?", re.ASCII)
_ADDED = re.compile(r"(.{1,200}) added (.{1,200}) to the conversation\.")
_EXTENSIONS = {
    "image": "jpg jpeg png heic heif webp tiff tif bmp dng", "video": "mov mp4 m4v 3gp avi mpg", "animation": "gif",
    "audio": "m4a mp3 wav aac amr caf aiff", "contact": "vcf",
    "document": "pdf doc docx xls xlsx ppt pptx txt zip pages numbers key csv rtf ics pkpass epub",
}  # fmt: skip
_MEDIA = {ext: kind for kind, words in _EXTENSIONS.items() for ext in words.split()}
_PLACES = ("/", "~/", "attachments/", "Library/")
_HASHED = re.compile(r"[0-9a-f]{2}/[0-9a-f]{40}")
_NOTICES = frozenset(
    {
        "This message responded to an earlier message.", "This message was deleted from the conversation!",
        "Unable to format announcement!", "SharePlay Message", "Ended", "Started sharing location!",
        "Stopped sharing location!",
    }
)  # fmt: skip
_DELETED = "This message was deleted from the conversation!"
_UNSENT = re.compile(r".{1,200} (?:unsent this message part.*|unsent a message.*|deleted a message\.)", re.DOTALL)
_EDITED = re.compile(r"\s*Edited .{1,80} later: ")
_EFFECT = re.compile(r"Sent with [A-Z][A-Za-z ]{2,20}")
_STICKER = re.compile(r"(?:[A-Z]\w{2,20} )?Sticker from .{1,200}?(?:: .*| not found!)")
_REACTIONS = frozenset({"Reactions:", "Tapbacks:"})
#: senders of one file that are remembered; a conversation has fewer [P]
_MAX_SENDERS = 5000
#: longest line of a date or sender [P]
_LINE = 400
#: longest text of one message that is put together, in characters [P]
_MAX_TEXT = 10_000_000


def stamp_us(found: re.Match[str]) -> int | None:
    """Return the wall clock reading of a date line in µs, None if the calendar has no such time."""
    month, day, year, hour, minute, second, half = found.groups()[:7]
    us = day_us(int(year), _MONTH[month], int(day))
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if us is None or not 1 <= hours <= 12 or minutes > 59 or seconds > 59:
        return None
    hours = hours % 12 + (12 if half == "P" else 0)
    return us + (hours * 3600 + minutes * 60 + seconds) * 1_000_000


def _path(line: str) -> str | None:
    """Return the kind of attachment if a line is the path of one (the exporter marks them by nothing else)."""
    if not line.startswith(_PLACES) and "/Attachments/" not in line:
        return None
    name = line.rpartition("/")[2]
    if _HASHED.fullmatch(line[-43:]):
        return "other"
    return _MEDIA.get(name.rpartition(".")[2].lower()) if "." in name else None


@dataclass(slots=True)
class _Block:
    """A piece of the file: a message, an announcement, a copy of an answer, or what is none of them."""

    kind: str  # message, announcement, stray or cut
    first: int
    last: int
    us: int | None = None
    receipt: str = ""
    sender: str | None = None
    rest: str = ""  # of an announcement
    body: list[str] = field(default_factory=list)
    copies: int = 0
    closed: bool = False  # a blank line ends it
    copy_begun: bool = False

    @property
    def record(self) -> str:
        """Locator."""
        return f"line:{self.first}" if self.last == self.first else f"lines:{self.first}-{self.last}"


def blocks(lines: Iterator[str]) -> Iterator[_Block]:
    """Cut the lines into pieces, each with its first and last line that is not blank."""
    block: _Block | None = None
    blank_before = True
    number = 0
    taken = 0
    for raw in lines:
        number += 1
        ended = raw.endswith("\n")
        line = raw.rstrip("\r\n")
        if number == 1:
            line = line.removeprefix("\ufeff")
        if not line.strip():
            if block is not None:
                block.closed = True
                block.body.append("")
            blank_before = True
            continue
        found = _DATE.fullmatch(line) if blank_before and len(line) <= 100_000 else None
        if found is not None:
            if block is not None:
                yield block
            rest = found.group(8)
            receipt = _RECEIPT.fullmatch(rest.strip()) if rest else None
            kind = "announcement" if rest and receipt is None else "message"
            if not ended:
                kind = "cut"  # a date line at the end of the file has no sender and may be cut itself
            block = _Block(kind, number, number, stamp_us(found), rest=rest or "")
            block.receipt = receipt.group(1) if receipt else ""
            block.closed = kind == "announcement" and ended
            taken = 0
        elif not ended and blank_before and _UNFINISHED.fullmatch(line):
            if block is not None:
                yield block
            block = _Block("cut", number, number)
        elif block is None:
            yield _Block("stray", number, number)
        elif block.kind == "message" and block.sender is None and block.last == number - 1 and not blank_before:
            block.last = number
            if ended:
                block.sender = line
            else:
                block.kind = "cut"
        else:
            block.last = number
            block.closed = False
            if _COPY.fullmatch(line):
                block.copies += 1
                block.copy_begun = True
            taken += len(line)
            if block.copies == 0 and taken <= _MAX_TEXT:
                block.body.append(line)
        blank_before = False
    if block is not None:
        yield block


@dataclass(slots=True)
class _Survey:
    """What the first pass saw of who writes."""

    senders: Counter[str] = field(default_factory=Counter)
    owners: set[str] = field(default_factory=set)  # labels that the file itself shows to be the owner's
    usual: bool = False  # receipts say "you": the owner's label is Me


def _survey(source: SourceFile, encoding: str) -> _Survey:
    seen = _Survey()
    with source.open() as stream:
        for block in blocks(lines_of(stream, encoding)):
            if block.kind != "message" or block.sender is None:
                continue
            sender = clean(block.sender[:_LINE])
            if sender in seen.senders or len(seen.senders) < _MAX_SENDERS:
                seen.senders[sender] += 1
            if block.receipt == "them":
                seen.owners.add(sender)
            elif block.receipt == "you":
                seen.usual = True
            elif block.receipt:
                seen.owners.add(clean(block.receipt))
    return seen


def _stem(source: SourceFile) -> str:
    """Return the title that the exporter gave to the file: the people of the chat, or its name and number."""
    return clean(PurePosixPath(source.name.replace("\\", "/")).name.removesuffix(".txt"))


def _same(title: str, sender: str) -> bool:
    """Is the title of a file that of one sender? The exporter replaces characters that file names cannot hold."""

    def plain(name: str) -> str:
        return re.sub(r'[<>:"/\\|?*_\s]+', "", name).casefold()

    return plain(title) == plain(sender) != ""


class _Reading:
    """The second pass."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, encoding: str) -> None:
        self._source = source
        self._context = context
        self._out = out
        self._encoding = encoding
        self._counts: Counter[str] = Counter()
        self._n = 0
        self._span: list[int] = []
        self._kinds: set[str] = set()
        seen = _survey(source, encoding)
        self._owners = self._settle(seen)
        others = [s for s in seen.senders if s not in self._owners and s != "Unknown"]
        title = _stem(source)
        self._people = {s: self._who(s) for s in seen.senders}
        ids = {self._people[s][0] for s in others}
        if len(ids) > 1 or ", " in title or re.search(r" - \d+$", title):
            self._kind = "unknown" if title == "orphaned" else "group"
        elif (len(others) == 1 and _same(title, others[0])) or (not others and self._named(title)):
            self._kind = "direct"
        else:
            self._kind = "unknown"
        self._peer: tuple[str | None, str | None, str] = (None, None, "none")
        if self._kind == "direct":
            self._peer = self._people[others[0]] if others else self._who(title)
        self._thread = self._peer[0]
        if self._thread is None and title:
            self._thread = "file:" + hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:10]
        self._members = len(ids) + 1 if self._kind == "group" and len(ids) > 1 else None
        self._rows = RowBuffer(
            out.events,
            ("n", "record", "local_time", "kind", "direction", "identifier", "identifier_raw", "identifier_kind", "actor",
             "directed", "size", "attachment", "tags"),
            {"channel": "imessage", "zone_basis": "case", "ts_precision": "s", "thread_id": self._thread,
             "thread_kind": self._kind, "participants_n": self._members, "how": "app"},
        )  # fmt: skip

    def _named(self, title: str) -> bool:
        identifier, kind = self._context.phone(title)
        return identifier is not None and kind in ("phone", "mail")

    def _who(self, label: str) -> tuple[str | None, str | None, str]:
        """Return identifier, raw text and kind of a sender as the exporter names it: an address, or a name."""
        if label == "Unknown" or not label:
            return None, None, "none"
        identifier, kind = self._context.phone(label)
        if kind in ("phone", "mail", "short") or (kind == "raw" and label.startswith("+")):
            return identifier, label, kind
        return name_identifier("imessage", label), label, "name"

    def _settle(self, seen: _Survey) -> frozenset[str]:
        """Return the labels that the owner bears in the file.

        Raises
        ------
        Waiting
            Nothing tells who the owner is.
        """
        option = self._context.options.get("owner")
        owners = set(seen.owners)
        if option:
            return frozenset(owners | {clean(option), ME})
        names = self._context.owner_names
        for sender in seen.senders:
            if sender in names or (self._context.phone(sender)[0] or "") in names or f"imessage:name:{sender}" in names:
                owners.add(sender)
        if ME in seen.senders or seen.usual or owners:
            return frozenset(owners | {ME})
        if not seen.senders:
            return frozenset({ME})
        if len(seen.senders) == 1:
            (sender,) = seen.senders
            known = self._context.contact_names
            if _same(_stem(self._source), sender) or sender in known or (self._context.phone(sender)[0] or "") in known:
                return frozenset({ME})
        raise Waiting(
            "nobody in this conversation is called Me and no receipt tells who the owner is: it was exported under another name",
            'owner = "..."',
        )

    def run(self) -> None:
        """Read the file."""
        with self._source.open() as stream:
            for block in blocks(lines_of(stream, self._encoding)):
                self._n += 1
                self._block(block)
                for _ in range(block.copies):
                    self._n += 1
                if block.copies:
                    self._counts["answers repeated under the message that they answer, out of scope"] += block.copies
                    self._out.out_of_scope(block.copies)
        self._rows.flush()
        self._conclude()

    def _block(self, block: _Block) -> None:
        out = self._out
        if block.kind == "stray":
            out.reject(self._n, block.record, "text before the first message")
        elif block.kind == "cut":
            out.reject(self._n, block.record, "the file ends inside the date or the sender")
        elif block.us is None:
            out.reject(self._n, block.record, "time is not readable")
        elif why := implausible_time(block.us):
            out.reject(self._n, block.record, why)
        elif block.kind == "announcement":
            self._announcement(block, block.us)
        elif block.sender is None:
            out.reject(self._n, block.record, "a date without a sender")
        else:
            self._message(block, block.us)

    def _announcement(self, block: _Block, us: int) -> None:
        found = _ADDED.fullmatch(block.rest.strip())
        if found is not None:
            who, whom = clean(found.group(1)), clean(found.group(2))
            if who not in self._owners | {"You"} and whom in self._owners | {"You", "you"}:
                identifier, raw, kind = self._who(who)
                self._put(block, us, "other", "in", (identifier, raw, kind), "yes", None, None, "group_add")
                return
        self._counts["lines about the conversation itself, out of scope"] += 1
        self._out.out_of_scope()

    def _message(self, block: _Block, us: int) -> None:
        sender = clean(block.sender or "")[:_LINE]
        mine = sender in self._owners
        who = self._peer if mine else self._people.get(sender) or self._who(sender)
        directed = "no" if mine or self._kind == "group" else "yes" if self._kind == "direct" else "unknown"
        size, attachment, tags = self._body(block)
        self._put(block, us, "message", "out" if mine else "in", who, directed, size, attachment, tags)

    def _put(
        self, block: _Block, us: int, kind: str, direction: str, who: tuple[str | None, str | None, str], directed: str,
        size: int | None, attachment: str | None, tags: str | None,
    ) -> None:  # fmt: skip
        self._rows.add(
            self._n, block.record, us, kind, direction, *who, "owner" if direction == "out" else "contact", directed, size,
            attachment, tags,
        )  # fmt: skip
        self._kinds.add(kind)
        if not self._span:
            self._span = [us, us]
        self._span = [min(self._span[0], us), max(self._span[1], us)]

    def _body(self, block: _Block) -> tuple[int | None, str, str | None]:
        """Return size, kind of attachment and tags of a message by its lines."""
        body = block.body
        while body and not body[-1]:
            body.pop()
        attachment = "none"
        tags: list[str] = []
        words: list[str] = []
        exact = block.copies == 0 and block.closed
        reactions = False
        for line in body:
            if line in _REACTIONS:
                reactions = True
                continue
            if reactions:
                if line:
                    self._counts["reactions, which bear no time and are no rows"] += 1
                    continue
                reactions = False
            if line in _NOTICES:
                if line == _DELETED and "deleted" not in tags:
                    tags.append("deleted")
                continue
            if _EFFECT.fullmatch(line):
                continue
            if len(line) <= 2000:
                if line == "Attachment missing!":
                    attachment = "other" if attachment == "none" else attachment
                    continue
                if _STICKER.fullmatch(line):
                    attachment = "sticker"
                    continue
                if (found := _path(line)) is not None:
                    attachment = found
                    continue
                if line.startswith("Unable to format app message") or line.endswith(" message:"):
                    attachment, exact = "other" if attachment == "none" else attachment, False
                    continue
                if _UNSENT.fullmatch(line) and len(body) <= 2:
                    return None, "deleted", " ".join(tags) or None
                if _EDITED.match(line) or _DATE.match(line):
                    if "edited" not in tags:
                        tags.append("edited")
                    exact = False
                    continue
            words.append(line)
        while words and not words[-1]:
            words.pop()
        return len("\n".join(words)) if exact else None, attachment, " ".join(tags) or None

    def _conclude(self) -> None:
        out = self._out
        out.read(self._n)
        if self._span:
            direct = self._thread is not None
            out.coverage(
                "imessage", " ".join(sorted({"message"} | self._kinds)), scope="thread" if direct else "all",
                scope_id=self._thread, local_from=self._span[0], local_to=self._span[1], zone_basis="case", basis="observed",
                complete="unknown",
            )  # fmt: skip
        for what, count in sorted(self._counts.items()):
            out.note(f"{what}: {count}")
        out.note(
            "a text export can be edited, and its times are those of the computer that exported: where the database of the "
            "telephone or the Mac is at hand, it is the better record"
        )


class IMessageExporterTxt:
    """Reader of format ``imessage-exporter-txt``."""

    description = Description(
        id="imessage-exporter-txt",
        version=1,
        title="imessage-exporter: a conversation of Apple's Messages as text",
        channels=("imessage",),
        counts="messages, lines about the conversation, and indented copies of answers, in the order of the file",
        knowledge="the exporter's own code and tests, versions of 2022 to 2026, and public parsers of its files",
        evidence="public code",
        cannot_tell=(
            "whether a message went by iMessage, SMS or RCS",
            "the zone of the times: that of the computer that exported",
            "when somebody reacted to a message (reactions bear no time and are no rows)",
            "the length of a text that was edited, was answered below, or stands beside a preview of a link",
            "a message whose text holds a blank line and then a line that looks like a date and a sender",
            "who a name stands for: names come from the address book of the exporting computer",
            "what was deleted before the export, or changed in the file since",
        ),
        options=(
            Option(
                "owner", "how the owner appears in this file",
                "nobody is called Me, no receipt tells, and the name is not declared",
            ),
            Option("timezone", "zone of the computer that exported"),
        ),
        versions="1.x to 4.x",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Claim a text that begins with a message, or a line about the conversation, as the exporter writes them."""
        if b"\0" in head.data[:4096] or _DATE_START.match(head.data[:64]) is None:
            return None
        found = 0
        for block in blocks(lines_of(io.BytesIO(head.data), "utf-8")):
            if block.kind == "message" and block.sender is not None and block.us is not None:
                found += 1
            elif block.kind != "announcement" or block.us is None or block.first > 20:
                break
            if found:
                return Claim(92, "text that begins with date, sender and message as imessage-exporter writes them")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out`` (see :class:`pipelines.readers.base.Reader`)."""
        with source.open() as stream:
            start = stream.read(4096)
        if b"\0" in start:
            raise Unreadable("this is no text as imessage-exporter writes it (UTF-8)")
        _Reading(source, context, out, "utf-8").run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return the lines of a message with date and sender, and the length of everything else."""
        shown = []
        for k, raw in enumerate(plain.split("\n")):
            line = raw.removesuffix("\r").removeprefix("\ufeff")
            found = _DATE.fullmatch(line) if k == 0 else None
            if found is not None:
                rest = found.group(8) or ""
                at = len(line) - len(rest)
                keep = _RECEIPT.fullmatch(rest.strip()) is not None or not rest
                shown.append(line if keep else f"{line[:at]}{hidden(len(rest))}")
            elif k == 1 and shown and "‹" not in shown[0] and 0 < len(line) <= 100:
                shown.append(line)
            else:
                shown.append(hidden(len(line)))
        return harmless("\n".join(shown))


READER = IMessageExporterTxt()
