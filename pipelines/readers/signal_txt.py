"""Signal conversation as Markdown: the ``chat.md`` that the public tool signal-export writes for each conversation.

A message is ``[2025-10-03 18:30:05] Name: text`` and the lines that follow it. The owner is always ``Me``. A call is a text in one of few forms;
a message that the tool knows to be deleted says so. The folder bears the name of the conversation.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import harmless, hidden
from pipelines.readers._clock import iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers._senders import Sides, hashed, settle
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
    implausible_time,
)

APP: Final = "signal"
ME: Final = "Me"
NOBODY: Final = "No-Sender"
_MOST_SENDERS: Final = 10_000
_TEXT_LIMIT: Final = 1 << 16

_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)\] ([^\n:]{1,200}(?:: [^\n:]{1,100})??): (.*)", re.DOTALL)
_CALL = re.compile(
    r"(?:(?P<missed>Missed)|(?P<way>Incoming|Outgoing)) (?:voice |video |group |adhoc )?call(?: \((?P<how>accepted|declined|unanswered|declined by recipient|[a-z]{1,20})"
    r"(?:, (?:(?P<minutes>\d{1,5})m )?(?P<seconds>\d{1,2})s)?\))?"
)
_REACTIONS = re.compile(r"\(- .* -\)", re.DOTALL)
_STICKER = re.compile(r"\(\( .* \)\)|\[[^\]\n]{0,40}\]\(\.\./exported_stickers/[^)\n]*\)", re.DOTALL)
_LINK = re.compile(r"(!?)\[[^\]\n]*\]\(\./media/[^)\n]*?(?:\.(\w{1,5}))?\)")
_MISSING = re.compile(r"\((media|attachment) not exported\)")
_DELETED: Final = "(This message was deleted)"
_KINDS: Final = {
    w: k
    for k, ws in (("video", "mp4 mov mkv mpeg webm qt 3gp"), ("audio", "mp3 ogg opus wav flac"), ("voice", "m4a aac"))
    for w in ws.split()
}
_COLUMNS = (
    "n", "record", "local_time", "ts_precision", "kind", "direction", "actor", "identifier", "identifier_raw", "identifier_kind", "sender", "thread_id",
    "thread_kind", "participants_n", "directed", "answered", "duration_s", "size", "attachment", "tags",
)  # fmt: skip


@dataclass(slots=True)
class _Message:
    n: int
    first: int
    last: int
    when: str
    name: str
    text: list[str] = field(default_factory=list)


def _messages(source: SourceFile) -> Iterator[_Message]:
    with source.open() as stream:
        current: _Message | None = None
        n = 0
        for number, raw in enumerate(lines_of(stream, "utf-8-sig"), 1):
            line = raw.rstrip("\r\n")
            found = _HEADER.match(line[:_TEXT_LIMIT])
            if found is None:
                if current is not None:
                    if line.strip():
                        current.last = number
                    if len(current.text) < 10_000:
                        current.text.append(line[:_TEXT_LIMIT])
                continue
            if current is not None:
                yield current
            n += 1
            current = _Message(n, number, number, found[1], clean(found[2]), [found[3]])
        if current is not None:
            yield current


def folder_of(name: str) -> str | None:
    """Return the name of the folder in which a chat lies, None if there is none."""
    parts = [p for p in name.replace("\\", "/").split("/") if p]
    return clean(parts[-2]) if len(parts) > 1 else None


class _Reading:
    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._out, self._context = source, out, context
        self._title = folder_of(source.path or source.name)
        self._rows = RowBuffer(out.events, _COLUMNS, {"channel": APP, "zone_basis": "case", "how": "app"})
        self.n = self.kept = self.nameless = 0

    def run(self) -> None:
        senders: dict[str, str] = {}
        calls = False
        for m in _messages(self._source):
            self.n += 1
            calls |= _CALL.fullmatch(m.text[0].rstrip()) is not None
            if m.name != NOBODY and len(senders) < _MOST_SENDERS:
                senders.setdefault(name_identifier(APP, m.name), m.name)
        if not self.n:
            raise Unreadable("the file holds no message of a chat")
        me = name_identifier(APP, ME)
        title = self._title
        others = [i for i in senders if i != me]
        if title is not None and len(others) == 1 and title.rstrip("0123456789") == senders[others[0]]:
            title = senders[others[0]]  # a second conversation of one name gets a number
        # the tool writes "Me" for the owner in every conversation
        sides = settle({**senders, me: ME}, title, self._context, APP, stated=[me])
        if sides.kind == "unknown" and sides.peer is None and title == "Note to Self":
            sides.kind = "self"
        self._thread = (
            sides.peer
            if sides.kind == "direct" and sides.peer
            else f"g:{hashed(self._title or ' '.join(sorted(senders)))}"
        )
        self._out.owner([me])
        for m in _messages(self._source):
            self._message(m, sides, me)
        self._rows.flush()
        self._out.read(self.n)
        for note in sides.notes:
            self._out.note(note)
        if self.nameless:
            self._out.note(f"messages of which the tool did not know the sender: {self.nameless}")
        if sides.kind == "unknown":
            self._out.note(
                "the file does not show whether the chat has two members or more: its messages are directed at nobody"
            )
        self._out.note(
            "a text file can be edited, and a message that holds lines of the same form cannot be told from them"
        )
        self._out.note("messages that vanished before the export are missing without a trace")
        if self.kept:
            self._out.coverage(APP, "message call", scope="thread", scope_id=self._thread)

    def _message(self, m: _Message, sides: Sides, me: str) -> None:
        record = f"line:{m.first}" if m.last == m.first else f"lines:{m.first}-{m.last}"
        reading = iso_reading(m.when)
        why = "time cannot be read" if reading is None else implausible_time(reading.local_us)
        if reading is None or why is not None:
            self._out.reject(m.n, record, why or "time cannot be read")
            return
        sender = None if m.name == NOBODY else name_identifier(APP, m.name)
        self.nameless += sender is None
        mine = sender == me
        text = "\n".join(m.text)
        kind, answered, seconds, tag, size, attachment = "message", None, None, None, None, None
        call = _CALL.fullmatch(text.strip())
        if call is not None and (call["way"] == "Outgoing") == mine and sender is not None:
            kind = "call"
            how = "missed" if call["missed"] else call["how"]
            answered = {
                "accepted": True,
                "declined": False,
                "unanswered": False,
                "missed": False,
                "declined by recipient": False,
            }.get(how or "")
            tag = {
                "missed": "missed",
                "declined": "rejected",
                "unanswered": "no_answer",
                "declined by recipient": "rejected",
            }.get(how or "")
            seconds = int(call["minutes"] or 0) * 60 + int(call["seconds"]) if call["seconds"] else None
        elif text.strip() == _DELETED:
            attachment = "deleted"
        else:
            attachment, size = _contents(text)
        group = sides.kind == "group"
        peer = sides.peer if not group else None
        directed = "no" if group else "yes" if sides.kind == "direct" else "unknown"
        direction, actor = (
            ("out", "owner") if mine else ("in", "contact") if sender is not None else ("unknown", "unknown")
        )
        named = peer if (mine or sender is None) else sender
        self._rows.add(
            m.n, record, reading.local_us, reading.precision, kind, direction, actor, named, None if named is None else named.partition(":name:")[2],
            "none" if named is None else "name", None, self._thread, sides.kind, 2 if sides.kind == "direct" else None, directed, answered, seconds, size,
            attachment, tag,
        )  # fmt: skip
        self.kept += 1


def _contents(text: str) -> tuple[str | None, int]:
    """Return the kind of attachment and the number of characters of a text without what the tool put around it."""
    attachment = None
    if _STICKER.search(text):
        attachment = "sticker"
    link = _LINK.search(text)
    if link is not None:
        attachment = "image" if link[1] else _KINDS.get((link[2] or "").lower(), "document")
    missing = _MISSING.search(text)
    if missing is not None:
        attachment = "omitted"
    for pattern in (_REACTIONS, _STICKER, _LINK, _MISSING):
        text = pattern.sub("", text)
    kept = [line for line in text.split("\n") if not line.startswith("> ")]
    return attachment, len("\n".join(kept).strip())


class SignalText:
    """The reader."""

    description = Description(
        id="signal-txt",
        version=1,
        title="Signal conversation as Markdown (signal-export)",
        channels=(APP,),
        counts="lines that begin with a date and time in brackets and a name",
        knowledge="code of the public tool carderne/signal-export; no real file was at hand",
        evidence="public code",
        cannot_tell=(
            "who a name is: accounts and numbers are not in it",
            "the zone of its times: they are those of the computer that exported",
            "whether a text that reads like a call is a call",
            "whether a message that holds lines of the same form is one or several",
            "messages that vanished or were deleted before; blocks",
            "whether somebody edited the file",
        ),
        options=(Option("timezone", "zone of the computer that exported, if it is not the case's"),),
        call_start="ringing",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim Markdown with messages of ``Me`` whose texts end with the two blanks that signal-export adds."""
        data = head.data
        if (
            data[:1] in (b"{", b"<")
            or b"\0" in data[:4096]
            or (b"] Me: " not in data and not head.name.lower().endswith(".md"))
        ):
            return None
        found, ended = 0, 0
        previous = ""
        for line in islice((raw.rstrip("\r\n") for raw in lines_of(io.BytesIO(data), "utf-8-sig")), 400):
            match = _HEADER.match(line)
            if match is not None:
                found += 1
                # a message is closed by two blanks, or is of one of the forms that need none
                ended += line.endswith("  ") or match[3].startswith("(This message")
            elif previous and line.endswith("  ") and _HEADER.match(previous):
                ended += not previous.endswith("  ")
            previous = line
        if found >= 2 and ended * 2 > found:
            return Claim(96, "lines with a date, a name and two closing blanks, as signal-export writes chats")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read the file twice: who takes part, then the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Unreadable
            It holds no message.
        """
        _Reading(source, context, out).run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a message with its time and name, and the length of its text."""
        shown = []
        for line in plain.split("\n"):
            found = _HEADER.match(line)
            shown.append(f"[{found[1]}] {found[2]}: {hidden(len(found[3]))}" if found else hidden(len(line)))
        return harmless("\n".join(shown))


READER: Final = SignalText()
