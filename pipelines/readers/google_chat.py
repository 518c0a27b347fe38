"""Reader of Google Chat in Takeout: ``Google Chat/Groups/<DM|Space> <id>/messages.json``.

``{"messages": [{"creator": {"name", "email", "user_type"}, "created_date": "Thursday, November 3, 2016 at 11:59:50 AM UTC",
"text", "attached_files", "topic_id", "message_id"}]}``. The date is written in the language of the account, always in UTC.
``group_info.json`` beside it lists the members, ``Users/User <id>/user_info.json`` is the owner.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import closing
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._clock import day_us
from pipelines.readers._json_stream import BLOCK, Block, JsonStream
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import (
    declared,
    dictionaries,
    digest,
    json_of,
    name_of,
    named,
    near,
    one_account,
    place,
    quoted,
    waiting,
)
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Span

_APP = "google_chat"
MAX_PEOPLE = 10_000
_FOLDER = re.compile(r"(DM|Space) (\S{1,64})", re.IGNORECASE)
#: names of months as dates are written in the languages that were seen or are documented
_MONTHS = {
    word: k % 12 + 1
    for words in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "januari februari maart april mei juni juli augustus september oktober november december",
    )
    for k, word in enumerate(words.split())
}  # fmt: skip
_TIME = re.compile(r"(\d{1,2})[:.](\d\d)[:.](\d\d)(?:\s*([ap])\.?\s*m\.?)?", re.IGNORECASE | re.ASCII)
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_WORD = re.compile(r"[^\W\d_]+|\d+")


class _Creator(msgspec.Struct, gc=False):
    """Who wrote."""

    name: Any = None
    email: Any = None
    user_type: Any = None


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read."""

    creator: _Creator | None = None
    created_date: Any = None
    deleted_date: Any = None
    message_state: Any = None
    text: Any = None
    attached_files: Any = None
    message_id: Any = None


class _Written(msgspec.Struct, gc=False):
    """What the look reads of a message."""

    creator: _Creator | None = None


@lru_cache(4096)
def written_date(text: str) -> int | None:
    """Return µs since 1970 of a date as Takeout writes it, None if language or order are not known.

    The day, the month as a word and the year are known by themselves, whatever their order; the time says whether it is
    that of the afternoon. A text that leaves anything open is no date.
    """
    plain = unicodedata.normalize(
        "NFC", text.replace("\u202f", " ").replace("\u00a0", " ").replace("\u200e", "")
    ).strip()
    if not plain.upper().endswith("UTC"):
        return None
    plain = plain[:-3].casefold()
    times = list(_TIME.finditer(plain))
    if len(times) != 1:
        return None
    hour, minute, second = (int(times[0].group(k)) for k in (1, 2, 3))
    half = times[0].group(4)
    rest = plain[: times[0].start()] + " " + plain[times[0].end() :]
    if half is None and re.search(r"午|오전|오후|\bөө|пп\b|дп\b", rest):
        return None  # another way to tell the halves of the day
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    found = _CJK.search(rest)
    if found is not None:
        year, month, day = (int(g) for g in found.groups())
    else:
        words = _WORD.findall(rest)
        years = [int(w) for w in words if w.isdigit() and len(w) == 4]
        days = [int(w) for w in words if w.isdigit() and len(w) <= 2]
        months = [_MONTHS[w] for w in words if w in _MONTHS]
        if len(years) != 1 or len(days) != 1 or len(months) != 1:
            return None
        year, month, day = years[0], months[0], days[0]
    start = day_us(year, month, day)
    return None if start is None else start + (hour * 3600 + minute * 60 + second) * 1_000_000


class _Reading:
    """Look and rows of one conversation."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.context, self.out, self.block = source, context, out, block
        self.parties: dict[tuple[Any, Any], Party] = {}
        self.companions: list[tuple[str, SourceFile]] = []
        here = place(source)
        folder = _FOLDER.fullmatch(here.parent.name)
        self.thread = f"{_APP}:{folder.group(2)}" if folder else ""
        members = self._members()
        writers = self._writers()
        people = {p.identifier: p for p in (*members, *writers) if p.identifier is not None}
        self.kind = ("direct" if folder.group(1).upper() == "DM" else "group") if folder else "unknown"
        if len(people) > 2:
            self.kind = "group"
        elif self.kind == "unknown" and len(members) == 2:
            self.kind = "direct"
        self.owner = self._owner(people)
        self.people = len(members) or (2 if self.kind == "direct" else None)
        others = [p for i, p in sorted(people.items()) if i not in self.owner]
        self.peer = others[0] if self.kind == "direct" and len(others) == 1 else Party()
        if not self.thread:
            self.thread = f"{_APP}:{digest(*sorted(people)) if people else digest(source.source_id)}"
        self.rows = Gather(out, _APP, "s")
        self.shapes = Memo()

    def _party(self, creator: Any) -> Party:
        email, name = (creator.email, creator.name) if isinstance(creator, _Creator) else (None, None)
        key = (email if email.__class__ is str else None, name if name.__class__ is str else None)
        found = self.parties.get(key)
        if found is None:
            if len(self.parties) >= MAX_PEOPLE:
                self.parties.clear()
            identifier, kind = self.context.phone(key[0]) if key[0] and "@" in key[0] else (None, "none")
            found = Party(identifier, key[0], kind) if identifier else named(_APP, name_of(name))
            self.parties[key] = found
        return found

    def _members(self) -> list[Party]:
        here = place(self.source)
        patterns = (f"*/{quoted(here.parent.name)}/group_info.json", "*/group_info.json")
        for other in near(self.source, *patterns):
            if place(other).parent == here.parent:
                content = json_of(other)
                if isinstance(content, dict):
                    self.companions.append(("members", other))
                    found = [
                        self._party(_Creator(m.get("name"), m.get("email"))) for m in dictionaries(content.get("members"))
                    ]  # fmt: skip
                    return [p for p in found if p.identifier is not None][:MAX_PEOPLE]
        return []

    def _writers(self) -> list[Party]:
        seen: set[Party] = set()
        with closing(self.source.open()) as stream:
            for item in JsonStream(stream, {"/messages": _Written}, block=self.block or BLOCK):
                if isinstance(item, Block) and len(seen) < MAX_PEOPLE:
                    seen.update(self._party(m.creator) for m in item.items if m.creator is not None)
        return sorted(seen, key=str)

    def _owner(self, people: dict[str, Party]) -> frozenset[str]:
        """Return the owner's identifiers.

        Raises
        ------
        Waiting
            It cannot be told.
        """
        said = declared(self.context, _APP)
        by_case = {i for i, p in people.items() if i in said.ids or (p.kind == "name" and p.raw in said.names)}
        if said.by_option:
            if by_case:
                return frozenset(by_case)
            raise waiting("nobody here is called as the owner is said to be", "the owner's address")
        accounts: dict[str, SourceFile] = {}
        for other in near(self.source, "*/user_info.json"):
            content = json_of(other)
            user = content.get("user") if isinstance(content, dict) else None
            party = self._party(_Creator(user.get("name"), user.get("email"))) if isinstance(user, dict) else Party()
            if party.identifier is not None:
                accounts.setdefault(party.identifier, other)
        one_account(accounts, "accounts")
        if accounts:
            self.companions += [("profile", other) for other in accounts.values()]
            return frozenset(accounts)
        if by_case:
            return frozenset(by_case)
        if not people:
            return frozenset()
        raise waiting("the file that names the account (user_info.json) does not lie beside it", "the owner's address")

    def _shape(self, sender: Party, attachment: str, tags: str | None) -> Shape:
        key = (sender, attachment, tags)
        shape = self.shapes.get(key)
        if shape is None:
            direct = self.kind == "direct"
            shape = self.shapes.keep(key, Shape(
                "message", "unknown", "unknown", *self.peer, sender.identifier, "unknown", self.thread, self.kind, self.people,
                "yes" if direct else "unknown", None, attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def run(self) -> None:
        """Read the rows."""
        for part in parts(self.source, self.out, {"/messages": _Message}, block=self.block):
            for k, message in enumerate(part.items):
                self._message(part, k, message)
        out = self.out
        for role, other in self.companions:
            out.companion(role, other)
        out.owner(sorted(self.owner))
        out.note("messages with history turned off, and what was deleted before the download, are not in it")
        self.rows.finish("message", scope="thread", scope_id=self.thread)

    def _message(self, part: Part, k: int, m: _Message) -> None:
        n, record = part.n + k, part.record(k)
        raw = m.created_date if m.created_date is not None else m.deleted_date
        us = written_date(raw) if raw.__class__ is str and len(raw) <= 120 else None
        if us is None and raw is not None:
            self.out.reject(n, record, "the time is written in a language or an order that is not known")
            return
        gone = m.deleted_date is not None or m.message_state == "DELETED"
        creator = m.creator if m.creator is not None else _Creator()
        words = ["bot"] if creator.user_type.__class__ is str and creator.user_type.casefold() == "bot" else []
        if m.created_date is None:
            words.append("time_of_deletion")
        attachment = "deleted" if gone else "other" if m.attached_files else "none"
        size = len(m.text) if m.text.__class__ is str and m.text and not gone else None
        self.rows.event(n, record, us, self._shape(self._party(creator), attachment, " ".join(words) or None), size)


class GoogleChat:
    """Reader of format ``google-chat``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows(
            "name email user_type created_date updated_date deleted_date message_state topic_id message_id"
        ).keys,
        sealed=frozenset(["attached_files", "annotations", "quoted_message_metadata", "reactions"]),
    )

    description: ClassVar[Description] = Description(
        id="google-chat",
        version=1,
        title="Google Chat (Takeout): a conversation",
        channels=(_APP,),
        counts="elements of messages[] in file order",
        knowledge="RLEAPP, Memoria's notes on the schema, tools that show Takeout",
        evidence="public code",
        cannot_tell=(
            "times in languages whose months are not known: such records are rejected",
            "at whom a message in a space is directed",
            "calls, and when somebody reacted",
            "who was blocked (the word for it in user_info.json is not known)",
            "messages with history turned off",
        ),
        options=(Option("owner", "the owner's address", "user_info.json does not lie beside the file"),),
        versions="Takeout of 2021 to 2026; months in English, Russian, Kazakh and ten further languages",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know messages by their creator and the written date."""
        keys = outline(head.data)
        if "/messages/[]" not in keys:
            return None
        marks = {"/messages/*/creator", "/messages/*/created_date", "/messages/*/topic_id", "/messages/*/message_id"}
        if len(marks & keys) >= 3 or {"/messages/*/creator/email", "/messages/*/created_date"} <= keys:
            return Claim(93, "messages with creator and created_date")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the conversation.

        Raises
        ------
        Waiting
            It cannot be told who the owner is.
        Unreadable
            It is no conversation, or two accounts lie in the download.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, {"/messages": _Message}, record, n, block=self._block_bytes)


READER = GoogleChat()
