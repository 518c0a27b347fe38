"""LINE: the history of a chat as text (``[LINE] Chat history with …``), sent from the chat's settings.

A day stands on a line of its own; a message is a line ``18:30 <TAB> name <TAB> text`` under it, perhaps followed by lines without a time, which
belong to it. People are names; calls are texts that begin with a telephone sign. Times are those of the phone that exported.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pipelines.identifiers import clean, name_identifier
from pipelines.masking import harmless, hidden
from pipelines.readers._clock import day_us
from pipelines.readers._rows import RowBuffer
from pipelines.readers._senders import Sides, hashed, settle
from pipelines.readers._sheets import encoding_of, lines_of
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

APP: Final = "line"
#: longest line that is looked at, in characters; what lies behind is counted, not read [P]
LINE_LIMIT: Final = 1 << 16
_MOST_SENDERS: Final = 10_000
_NAME_LIMIT: Final = 100

_YEAR_FIRST = re.compile(
    r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?: ?[(（][^()（）\t]{1,20}[)）]| [^\s\d]{1,20})?", re.ASCII
)
_YEAR_LAST = re.compile(r"([^\W\d]{2,15})\.?, ?(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_MESSAGE = re.compile(
    r"(?:(?P<before>午前|午後|上午|下午|오전|오후|AM|PM) ?)?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?: ?(?P<after>[AaPp]\.?[Mm]\.?))?\t(?P<rest>.*)",
    re.DOTALL,
)
_LATE: Final = frozenset(["午後", "下午", "오후", "PM"])
_WEEKDAYS: Final = {n: i for i, n in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_TITLES: Final = (
    re.compile(r"Chat history with (.+)"), re.compile(r"Chat history in (.+)"), re.compile(r"(.+?)とのトーク(?:履歴)?"), re.compile(r"(.+?)のトーク(?:履歴)?"),
    re.compile(r"[與与](.+?)的(?:聊天(?:記錄|紀錄|记录)?|對話)"), re.compile(r"ประวัติการ(?:สนทนา|แชท)กับ (.+)"), re.compile(r"(.+?)님과의? 대화(?: ?내용)?"),
)  # fmt: skip
_ATTACHMENTS: Final = {w: kind for kind, words in (
    ("image", ("photo", "image", "写真", "照片", "圖片", "图片", "사진", "ภาพ", "รูป")), ("video", ("video", "動画", "影片", "视频", "동영상", "วิดีโอ")),
    ("voice", ("voice message", "audio", "ボイスメッセージ", "音声メッセージ", "語音訊息", "음성메시지", "ข้อความเสียง")), ("sticker", ("sticker", "スタンプ", "貼圖", "贴图", "스티커", "สติกเกอร์")),
    ("document", ("file", "ファイル", "檔案", "文件", "파일", "ไฟล์")), ("contact", ("contact", "連絡先", "聯絡資訊", "연락처", "ผู้ติดต่อ")),
    ("location", ("location", "位置情報", "位置訊息", "위치정보", "ตำแหน่ง")), ("poll", ("poll", "投票")), ("other", ("album", "アルバム", "相簿", "note", "ノート", "記事本", "gift", "ギフト")),
) for w in words}  # fmt: skip
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,40})\](?: .*)?", re.DOTALL)
_TALK = re.compile(
    r"☎ ?(?:通話時間|Call time|Call duration|통화 ?시간|ระยะเวลาการโทร)[ :：]*((?:\d{1,3}:)?\d{1,3}:\d\d)",
    re.IGNORECASE,
)
_MISSED = re.compile(r"☎ ?(?:不在着信|Missed call|未接來電|未接来电|부재중 ?통화)\.?", re.IGNORECASE)
_NO_ANSWER = re.compile(
    r"☎ ?(?:通話に応答がありませんでした|応答がありませんでした|No answer|無人接聽|无人接听|응답 ?없음)[。.]?",
    re.IGNORECASE,
)
_CANCELLED = re.compile(
    r"☎ ?(?:通話をキャンセルしました|キャンセル|Cancell?ed(?: call)?|(?:您|你)?已取消通話|취소)[。.]?", re.IGNORECASE
)
_UNSENT_OWN: Final = frozenset(
    ["メッセージの送信を取り消しました", "you unsent a message", "已收回訊息", "您已收回訊息", "你已收回訊息"]
)
_UNSENT = re.compile(r"(.{1,100}?)(?:がメッセージの送信を取り消しました| unsent a message|已收回訊息)\.?")
_OF_GROUPS = re.compile(
    r"joined the group|left the group|invited .* to the group|グループに参加|グループから退|グループに招待|が退会しました|が参加しました|加入(?:了)?(?:群組|聊天)|退出群組|邀請.*加入", re.IGNORECASE
)  # fmt: skip
_COLUMNS = (
    "n", "record", "local_time", "kind", "direction", "actor", "identifier", "identifier_raw", "identifier_kind", "sender", "thread_kind", "participants_n",
    "directed", "answered", "duration_s", "size", "attachment", "tags",
)  # fmt: skip


@dataclass(slots=True)
class _Message:
    """A line with a time, and what follows it."""

    n: int
    first: int
    last: int
    day: tuple[int, int, int] | None
    hour: int
    minute: int
    name: str | None  # None: a line of the app
    text: list[str] = field(default_factory=list)
    faulty: bool = False


def _days(line: str) -> tuple[tuple[int, int, int], str] | None:
    """Return the numbers of a line that names a day and its weekday's word; year first where it says so, else as (a, b, year) negative."""
    text = clean(line)
    if len(text) > 60:
        return None
    found = _YEAR_FIRST.fullmatch(text)
    if found is not None:
        return (int(found[1]), int(found[2]), int(found[3])), ""
    found = _YEAR_LAST.fullmatch(text)
    if found is not None:
        return (-int(found[4]), int(found[2]), int(found[3])), found[1].casefold()[:3]
    return None


def _messages(source: SourceFile, encoding: str) -> Iterator[_Message | tuple[tuple[int, int, int], str]]:
    """Yield days and messages in the order of the file."""
    with source.open() as stream:
        current: _Message | None = None
        day: tuple[int, int, int] | None = None
        n = 0
        for number, raw in enumerate(lines_of(stream, encoding), 1):
            line = raw.rstrip("\r\n").lstrip("\ufeff")
            head = line[:LINE_LIMIT]
            named = _days(head)
            if named is not None:
                if current is not None:
                    yield current
                    current = None
                day = named[0]
                yield named
                continue
            found = _MESSAGE.fullmatch(head)
            if found is None:
                if current is not None:
                    current.text.append(line[:LINE_LIMIT].removeprefix("\t\t").removeprefix("\t"))
                    if line.strip():
                        current.last = number
                    if len(current.text) > 20_000:
                        current.text = ["".join(current.text)[:LINE_LIMIT]]
                continue
            if current is not None:
                yield current
            n += 1
            hour, minute = int(found["hour"]), int(found["minute"])
            half = found["before"] or (found["after"] or "").replace(".", "").upper()
            faulty = hour > 23 or minute > 59 or (bool(half) and hour > 12)
            if half:
                hour = hour % 12 + (12 if half in _LATE else 0)
            name, tab, text = found["rest"].partition("\t")
            name = clean(name)
            spoken = bool(tab) and 0 < len(name) <= _NAME_LIMIT
            current = _Message(
                n, number, number, day, hour, minute, name if spoken else None, [text if tab else found["rest"]], faulty
            )
        if current is not None:
            yield current


class _Reading:
    def __init__(self, source: SourceFile, context: Context, out: Sink) -> None:
        self._source, self._context, self._out = source, context, out
        with source.open() as stream:
            head = stream.read(65_536)
        self._encoding = encoding_of(head) or "utf-8"
        self._first = next(iter(lines_of(io.BytesIO(head), self._encoding)), "")[:400]
        self._title = title_of(self._first)
        self._rows = RowBuffer(
            out.events, _COLUMNS, {"channel": APP, "zone_basis": "case", "ts_precision": "min", "how": "app"}
        )
        self.n = self.kept = self.lines = 0

    def run(self) -> None:
        senders: dict[str, str] = {}
        unsent = False
        group = False
        orders = {"dmy", "mdy"}
        open_days = False
        for item in _messages(self._source, self._encoding):
            if isinstance(item, tuple):
                if item[0][0] < 0:
                    open_days = True
                    orders &= _orders(*item)
                continue
            self.n += 1
            if item.name is not None:
                if len(senders) < _MOST_SENDERS:
                    senders.setdefault(name_identifier(APP, item.name), item.name)
            else:
                group |= _OF_GROUPS.search(item.text[0][:300]) is not None
                unsent |= _is_own_unsent(item.text[0])
        if not self.n:
            raise Unreadable("the file holds no message of a chat")
        order = self._order(orders) if open_days else "ymd"
        if (
            self._title is None and "[LINE]" in self._first
        ):  # in a language that is not known the name stands somewhere in the line
            within = [name for name in senders.values() if len(name) > 1 and name in clean(self._first)]
            self._title = within[0] if len(within) == 1 else None
        sides = settle(senders, self._title, self._context, APP, group=group)
        self._thread = (
            sides.peer
            if sides.kind == "direct" and sides.peer
            else f"g:{hashed(self._title or ' '.join(sorted(senders)))}"
        )
        if sides.shown:
            self._out.owner(sides.shown)
        for item in _messages(self._source, self._encoding):
            if not isinstance(item, tuple):
                self._message(item, order, sides)
        self._rows.flush()
        self._out.read(self.n)
        for note in sides.notes:
            self._out.note(note)
        if open_days:
            self._out.note(f"dates are read as {order}")
        if self.lines:
            self._out.note(f"lines of the app itself, out of scope: {self.lines}")
        if sides.kind == "unknown":
            self._out.note(
                "the file does not show whether the chat has two members or more: its messages are directed at nobody"
            )
        self._out.note(
            "a text file can be edited, and a message that holds lines of the same form cannot be told from them"
        )
        if self.kept:
            self._out.coverage(APP, "message call", scope="thread", scope_id=self._thread)

    def _order(self, orders: set[str]) -> str:
        option = self._context.options.get("date_order")
        if option in ("dmy", "mdy"):
            return option
        if len(orders) != 1:
            why = "leave open" if orders else "contradict each other about"
            raise Waiting(f"its dates {why} whether the day or the month comes first", 'date_order = "dmy"  # or "mdy"')
        return next(iter(orders))

    def _message(self, m: _Message, order: str, sides: Sides) -> None:
        record = f"line:{m.first}" if m.last == m.first else f"lines:{m.first}-{m.last}"
        text = "\n".join(m.text).rstrip("\n ")
        own_unsent = m.name is None and _is_own_unsent(text)
        other_unsent = _UNSENT.fullmatch(text) if m.name is None and not own_unsent else None
        if m.name is None and not own_unsent and other_unsent is None and not text.startswith("☎"):
            self.lines += 1
            self._out.out_of_scope()
            return
        us = None if m.day is None or m.faulty else _midnight(m.day, order)
        why = "no day stands before it, or its time is none" if us is None else implausible_time(us)
        if us is None or why is not None:
            self._out.reject(m.n, record, why or "no time")
            return
        us += (m.hour * 60 + m.minute) * 60_000_000
        sender = name_identifier(APP, m.name) if m.name is not None else None
        kind, direction, actor, answered, seconds, tag = "message", "unknown", "unknown", None, None, None
        size: int | None = len(text.removeprefix('"').removesuffix('"')) if "\n" in text else len(text)
        attachment = None
        if own_unsent:
            direction, actor, attachment, size = "out", "owner", "deleted", None
        elif other_unsent is not None:
            sender, attachment, size = name_identifier(APP, clean(other_unsent[1])), "deleted", None
        elif text.startswith("☎"):
            call = _call(text)
            if call is not None:
                kind, answered, seconds, tag = call
                size = None
                if tag == "missed":
                    direction, actor = "in", "contact"
                    sender = sender if sender not in sides.owners else None
            elif m.name is None:
                self.lines += 1
                self._out.out_of_scope()
                return
        elif (found := _BRACKETS.fullmatch(text)) is not None:
            attachment = _ATTACHMENTS.get(found[1].casefold())
            size = size if attachment is None else None
        group = sides.kind == "group"
        peer = sides.peer if not group else None
        directed = "no" if group else "yes" if sides.kind == "direct" else "unknown"
        told = None if direction == "out" else sender
        self._rows.add(
            m.n, record, us, kind, direction, actor, peer, None if peer is None else peer.partition(":name:")[2], "none" if peer is None else "name", told,
            sides.kind, 2 if sides.kind == "direct" else None, directed, answered, seconds, size, attachment, tag,
        )  # fmt: skip
        self.kept += 1


def _is_own_unsent(text: str) -> bool:
    return clean(text[:200]).rstrip(".。").casefold() in _UNSENT_OWN


def _call(text: str) -> tuple[str, bool | None, int | None, str | None] | None:
    """Return kind, answered, talk time and tag of a line of a call; None if it is in no known form."""
    line = clean(text)
    found = _TALK.fullmatch(line)
    if found is not None:
        seconds = 0
        for part in found[1].split(":"):
            seconds = seconds * 60 + int(part)
        return "call", True, seconds, None
    for pattern, tag in ((_MISSED, "missed"), (_NO_ANSWER, "no_answer"), (_CANCELLED, "cancelled")):
        if pattern.fullmatch(line):
            return "call", False, None, tag
    return ("call", None, None, None) if "\n" not in text and len(line) < 60 else None


def _orders(numbers: tuple[int, int, int], weekday: str) -> set[str]:
    """Return which orders of day and month a date allows, its weekday in English considered."""
    year, a, b = -numbers[0], numbers[1], numbers[2]
    wanted = _WEEKDAYS.get(weekday)
    found = set()
    for order, month, day in (("dmy", b, a), ("mdy", a, b)):
        try:
            if wanted is None or date(year, month, day).weekday() == wanted:
                date(year, month, day)
                found.add(order)
        except ValueError:
            continue
    return found


def _midnight(numbers: tuple[int, int, int], order: str) -> int | None:
    year, a, b = numbers
    if year > 0:
        return day_us(year, a, b)
    return day_us(-year, b, a) if order == "dmy" else day_us(-year, a, b)


def title_of(line: str) -> str | None:
    """Return the name of the chat from the first line; None if it is in no known form."""
    text = clean(line[:400].removeprefix("\ufeff")).removeprefix("[LINE]").strip()
    for pattern in _TITLES:
        found = pattern.fullmatch(text)
        if found is not None:
            return clean(found[1])
    return None


class LineText:
    """The reader."""

    description = Description(
        id="line-txt",
        version=1,
        title="LINE chat history as text",
        channels=(APP,),
        counts="lines that begin with a time and a tab, lines of the app included",
        knowledge="public parsers of English, Japanese, Chinese and Thai exports; no real file was at hand; words of other languages are not verified",
        evidence="public code",
        cannot_tell=(
            "who a name is",
            "the zone of its times: they are those of the phone that exported",
            "seconds",
            "who called, beyond the name that stands in the line of the call",
            "what was unsent, and when",
            "whether a message that holds lines of the same form is one or several",
            "whether somebody edited the file",
        ),
        options=(
            Option(
                "owner",
                "how the owner appears in this file",
                "no sender is declared as the owner, nor told by the title",
            ),
            Option("date_order", "dmy or mdy", "days are written with the year last and their weekdays do not tell"),
            Option("timezone", "zone of the phone that exported, if it is not the case's"),
        ),
        call_start="unknown",
        duration_step_s=1,
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim a text that begins with ``[LINE]`` and holds a day, and a line with a time and a tab."""
        if head.data[:1] in (b"{", b"<") or head.data[:4] == b"PK\x03\x04":
            return None
        encoding = encoding_of(head.data)
        if not encoding:
            return None
        lines = [
            line.rstrip("\r\n") for _, line in zip(range(400), lines_of(io.BytesIO(head.data), encoding), strict=False)
        ]
        banner = bool(lines) and lines[0].lstrip("\ufeff").startswith("[LINE]")
        days = sum(_days(line[:100]) is not None for line in lines)
        said = sum(_MESSAGE.fullmatch(line) is not None for line in lines)
        if banner and (said or days):
            return Claim(95, "begins with [LINE] and holds days or lines with a time and a tab")
        if days and said >= 3 and title_of(lines[0]) is not None:
            return Claim(70, "days, and lines with a time and a tab, as LINE writes them")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Read the file twice: who takes part, then the rows; see :class:`pipelines.readers.base.Reader`.

        Raises
        ------
        Waiting
            Who the owner is, or whether the day or the month comes first, cannot be told.
        Unreadable
            It holds no message.
        """
        _Reading(source, context, out).run()

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a message with its time and name, and the length of its text."""
        shown = []
        for line in plain.split("\n"):
            found = _MESSAGE.fullmatch(line.removesuffix("\r"))
            if found is None:
                shown.append(hidden(len(line)))
                continue
            begin = line[: found.start("rest")]
            name, tab, text = found["rest"].partition("\t")
            known = bool(tab) and len(name) <= _NAME_LIMIT
            shown.append(f"{begin}{name}\t{hidden(len(text))}" if known else f"{begin}{hidden(len(found['rest']))}")
        return harmless("\n".join(shown))


READER: Final = LineText()
