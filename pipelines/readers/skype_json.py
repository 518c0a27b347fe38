"""Reader of Skype's download (``messages.json``), which Teams Free writes in the same shape.

``{"userId", "exportDate", "conversations": [{"id", "properties": {"conversationblocked"}, "threadProperties",
"MessageList": [{"id", "originalarrivaltime" (ISO, Z), "messagetype", "content", "from"}]}]}``, newest first. A call is a
record ``Event/Call`` with XML: ``<partlist type="started">``, later one with ``type="ended"`` and the durations: one row.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any, ClassVar, NamedTuple

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._json_stream import BLOCK, ArrayEnd, Bad, Block, Broken, JsonStream, Value
from pipelines.readers._locations import outline
from pipelines.readers._social import decoded, epoch_us, find_in, name_of, native, zulu_us
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span, Unreadable

_APP = "skype"
#: conversations that are held; a file with more is hostile [P]
MAX_CONVERSATIONS = 200_000
_LIST = "/conversations/*/MessageList"
_VALUES = ("/userId", "/conversations/*/id", "/conversations/*/properties", "/conversations/*/threadProperties")
_TEXTS = frozenset({"Text", "RichText", "RichText/Html", "RichText/Sms", "Text/Sms"})
_MEDIA = {
    "RichText/UriObject": "image", "RichText/Media_Video": "video", "RichText/Media_AudioMsg": "voice",
    "RichText/Media_GenericFile": "document", "RichText/Media_Album": "image", "RichText/Media_FlikMsg": "video",
    "RichText/Media_Card": "other", "RichText/Location": "location", "RichText/Contacts": "contact",
    "RichText/Media_CallRecording": "video", "RichText/ScheduledCallInvite": "other", "RichText/Files": "document",
    "RichText/Media_Sticker": "sticker",
}  # fmt: skip
_REQUESTS = frozenset({"RichText/ContactRequest", "ContactRequest", "InviteFreeRelationshipChanged/Initialized"})
_ADDED = "ThreadActivity/AddMember"
_PARTLIST = re.compile(r"<partlist\b([^>]{0,2000})>")
_ATTRIBUTE = re.compile(r'\b(type|callId)="([^"]{0,200})"')
_DURATION = re.compile(r"<duration>\s{0,20}(\d{1,8})(?:[.,]\d{0,20})?\s{0,20}</duration>", re.ASCII)
_IDENTITY = re.compile(r'<part\b[^>]{0,400}?\bidentity="([^"]{0,200})"')
_XML_ID = re.compile(r"<(initiator|target)>([^<]{1,200})</\1>")
#: text without its tags, and with its references as one character each
_TAG = re.compile(r"<[^<>]{0,4000}>|&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|\w{2,8});")


class _Message(msgspec.Struct, gc=False):
    """The fields of a message that are read."""

    id: Any = None
    originalarrivaltime: Any = None
    messagetype: Any = None
    content: Any = None
    from_: Any = msgspec.field(name="from", default=None)
    properties: Any = None


class _Conversation(NamedTuple):
    """What is known of a conversation."""

    id: str = ""
    blocked: bool = False
    people: int | None = None


class _Call(NamedTuple):
    """A record of a call whose counterpart may still come."""

    n: int
    record: str
    us: int | None
    precision: str
    sender: str
    state: str
    call_id: str
    seconds: int | None
    parts: int


def _mri(value: Any) -> str:
    """Return an account as Skype writes it (``8:live:x``), out of an address if it stands in one."""
    found = name_of(value)
    return found.rpartition("/")[2] if "/contacts/" in found else found


def _size(text: Any, type_: str) -> int | None:
    """Return the characters of a text, without its marks where it is rich."""
    if text.__class__ is not str or not text:
        return None
    if type_ == "Text" or ("<" not in text and "&" not in text):
        return len(text)
    return sum(text[m.start()] == "&" for m in _TAG.finditer(text)) + len(_TAG.sub("", text)) or None


class _Reading:
    """Look and rows of the file."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.context, self.out, self.block = source, context, out, block
        self.conversations: dict[str, _Conversation] = {}
        self.own = ""
        with closing(source.open()) as stream:
            for item in JsonStream(stream, {}, _VALUES):
                if isinstance(item, Value):
                    self._value(item)
        if not self.own:
            raise Unreadable("the file does not say whose account it is (userId)")
        self.rows = Gather(out, _APP, "ms")
        self.shapes = Memo()
        self.parties: dict[str, Party] = {}
        self.where = _Conversation()
        self.pointer = ""
        self.held: _Call | None = None

    def _value(self, item: Value) -> None:
        value = decoded(item.raw)
        if item.pattern == "/userId":
            self.own = _mri(value)
            if self.own and re.match(r"\d{1,3}:", self.own) is None:
                self.own = f"8:{self.own}"
            return
        pointer, _, key = item.pointer.rpartition("/")
        if pointer not in self.conversations and len(self.conversations) >= MAX_CONVERSATIONS:
            raise Unreadable(f"more than {MAX_CONVERSATIONS} conversations")
        known = self.conversations.get(pointer, _Conversation())
        if key == "id":
            known = known._replace(id=_mri(value))
        elif isinstance(value, dict):
            if key == "properties":
                known = known._replace(blocked=value.get("conversationblocked") in (True, "true", "True"))
            elif isinstance(value.get("membercount"), int) and 0 <= value["membercount"] < 1_000_000:
                known = known._replace(people=value["membercount"])
        self.conversations[pointer] = known

    def _party(self, mri: str) -> Party:
        """Return a person: a number, or an account without the digit that says which network it is of."""
        found = self.parties.get(mri)
        if found is None:
            if len(self.parties) > 100_000:
                self.parties.clear()
            network, colon, rest = mri.partition(":")
            if network == "4" and colon:
                identifier, kind = self.context.phone(rest)
                found = Party(identifier, mri, kind)
            elif network == "8" and colon:
                found = native(_APP, rest)._replace(raw=mri) if rest else Party()
            else:
                found = native(_APP, mri)
            self.parties[mri] = found
        return found

    def run(self) -> None:
        """Read messages in file order, then the conversations that are blocked."""
        out, n, met = self.out, 0, False
        broken: Broken | None = None
        with closing(self.source.open()) as raw:
            stream = _stream(raw, self.block)
            for item in stream:
                if isinstance(item, Block):
                    met = True
                    self._enter(item.pointer)
                    for k, message in enumerate(item.items):
                        n += 1
                        self._message(n, f"json:{item.pointer}/{item.first + k}", message)
                    out.read(len(item.items))
                elif isinstance(item, Bad):
                    n += 1
                    out.read(1)
                    out.reject(n, f"json:{item.pointer}/{item.index}", item.reason)
                elif isinstance(item, ArrayEnd):
                    met = True
                elif isinstance(item, Broken):
                    broken = item
            mended = stream.repaired
        self._finish_call()
        if not met and not self.conversations:
            raise Unreadable(broken.reason if broken else "the file holds no conversations")
        for pointer, known in self.conversations.items():
            if known.blocked and known.id:
                n += 1
                out.read(1)
                self.rows.listed(n, f"json:{pointer}", "blocked", self._party(known.id))
        if mended:
            out.note(f"records whose text was not valid Unicode and was mended: {mended}")
        if broken:
            out.note(
                f"the file breaks off at byte {broken.offset}: {broken.reason}; the whole records before it were read"
            )
        own = self._party(self.own).identifier
        out.owner([own] if own else [])
        out.note(
            "when a conversation was blocked is not told; what was deleted, and chats of before 2017 at times, is not in it"
        )
        self.rows.finish("call message request other")

    def _enter(self, pointer: str) -> None:
        if pointer != self.pointer:
            self._finish_call()
            self.pointer = pointer
            self.where = self.conversations.get(pointer.removesuffix("/MessageList"), _Conversation())

    def _kind(self) -> str:
        id_ = self.where.id
        if id_.startswith("19:"):
            return "group"
        if id_ == self.own or id_ == "48:notes":
            return "self"
        return "direct" if id_ else "unknown"

    def _shape(
        self, sender: str, kind: str, attachment: str | None, answered: bool | None = None, tags: str | None = None,
        directed: str = "",
    ) -> Shape:  # fmt: skip
        key = (self.pointer, sender, kind, attachment, answered, tags, directed)
        shape = self.shapes.get(key)
        if shape is None:
            thread_kind = self._kind()
            direct, outgoing = thread_kind == "direct", sender == self.own
            if direct and not outgoing and sender not in ("", self.where.id):
                thread_kind, direct = "unknown", False  # somebody else writes here: no chat of two
            other = (
                self._party(self.where.id)
                if direct
                else Party()
                if outgoing
                else self._party(sender)
                if sender
                else Party()
            )
            bot = "bot" if self.where.id.startswith("28:") or sender.startswith("28:") else None
            shape = self.shapes.keep(key, Shape(
                kind, "out" if outgoing else "in" if sender else "unknown", "unknown", *other, None,
                "owner" if outgoing else "contact" if sender else "unknown",
                f"{_APP}:{self.where.id}" if self.where.id else None, thread_kind,
                2 if direct else self.where.people,
                directed or ("yes" if direct else "no" if outgoing else "unknown"), answered, attachment,
                " ".join(w for w in (tags, bot) if w) or None,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def _message(self, n: int, record: str, m: _Message) -> None:
        rows = self.rows
        if self.where.id.startswith("48:") and self.where.id != "48:notes":
            rows.skip("records of lists that the app keeps for itself (calls, notifications)")
            return
        type_ = m.messagetype if m.messagetype.__class__ is str and len(m.messagetype) < 100 else ""
        us, precision = self._time(m)
        sender = _mri(m.from_)
        if type_ == "Event/Call":
            self._call(n, record, us, precision, sender, m)
        elif type_ in _TEXTS or type_ in _MEDIA:
            gone = isinstance(m.properties, dict) and m.properties.get("deletetime") is not None
            attachment = "deleted" if gone else _MEDIA.get(type_, "none")
            size = _size(m.content, type_) if type_ in _TEXTS and not gone else None
            tags = "sms" if type_.endswith("/Sms") else None
            rows.event(n, record, us, self._shape(sender, "message", attachment, None, tags), size, precision=precision)
        elif type_ in _REQUESTS:
            rows.event(n, record, us, self._shape(sender, "request", None), precision=precision)
        elif type_ == _ADDED and (adder := self._adds_owner(m.content)):
            rows.event(n, record, us, self._shape(adder, "other", None, None, "group_add", "yes"), precision=precision)
        elif type_.startswith("RichText/Media"):
            rows.event(n, record, us, self._shape(sender, "message", "other"), precision=precision)
        else:
            rows.skip("lines about members, topics, polls, notices and bots")

    def _time(self, m: _Message) -> tuple[int | None, str]:
        us, precision = zulu_us(m.originalarrivaltime)
        if us is not None:
            return us, precision
        return epoch_us(m.id)  # the number of a message is its time in milliseconds

    def _adds_owner(self, content: Any) -> str:
        """Return who added the owner to a group, empty if nobody did."""
        if content.__class__ is not str or len(content) > 100_000:
            return ""
        named: dict[str, list[str]] = {"initiator": [], "target": []}
        for found in _XML_ID.finditer(content):
            named[found.group(1)].append(_mri(found.group(2)))
        adder = named["initiator"][0] if named["initiator"] else ""
        return adder if self.own in named["target"] and adder != self.own else ""

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(self, n: int, record: str, us: int | None, precision: str, sender: str, m: _Message) -> None:
        content = m.content[:200_000] if m.content.__class__ is str else ""
        found = _PARTLIST.search(content)
        attributes = dict(_ATTRIBUTE.findall(found.group(1))) if found else {}
        durations = [int(d) for d in _DURATION.findall(content)]
        state = attributes.get("type", "").casefold()
        if not state and "<ended/>" in content:
            state = "ended"
        call = _Call(
            n, record, us, precision, sender, state, attributes.get("callId", ""), max(durations, default=0) or None,
            len(set(_IDENTITY.findall(content))),
        )  # fmt: skip
        held = self.held
        if held is not None and {held.state, state} == {"started", "ended"} and self._one_call(held, call):
            self.held = None
            start, end = (held, call) if held.state == "started" else (call, held)
            self._put(start, end)
            self.rows.skip("ends of calls, which are part of the row of the call")
            return
        self._finish_call()
        if state in ("started", "ended"):
            self.held = call
        else:
            self._put(call, call)

    @staticmethod
    def _one_call(a: _Call, b: _Call) -> bool:
        """Are start and end those of one call?"""
        if a.call_id and b.call_id:
            return a.call_id == b.call_id
        start, end = (a, b) if a.state == "started" else (b, a)
        return start.us is not None and end.us is not None and 0 <= end.us - start.us < 86_400_000_000

    def _finish_call(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            self._put(held, held)

    def _put(self, start: _Call, end: _Call) -> None:
        """Write down a call; both are the same where one of its records is missing."""
        missed = start.state == "missed"
        answered = False if missed else True if end.seconds and end.parts > 1 else None
        tags = "missed" if missed else "ended" if start.state == "ended" else None
        shape = self._shape(start.sender, "call", None, answered, tags)
        self.rows.event(start.n, start.record, start.us, shape, duration=end.seconds, precision=start.precision)


def _stream(raw: Any, block: int | None) -> JsonStream:
    return JsonStream(raw, {_LIST: _Message}, block=block or BLOCK)


class SkypeJson:
    """Reader of format ``skype-json``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows("id originalarrivaltime messagetype version conversationid from conversationblocked").keys,
        sealed=frozenset(["properties", "threadProperties"]),
    )

    description: ClassVar[Description] = Description(
        id="skype-json",
        version=1,
        title="Skype download (messages.json), also of Teams Free",
        channels=(_APP,),
        counts="elements of the MessageLists in file order, then the conversations that are blocked",
        knowledge="skype-export-parser, tools that show the download, fixtures of the shape",
        evidence="public code",
        cannot_tell=(
            "when a conversation was blocked",
            "who called, other than by the account under which the record stands",
            "whether a call without durations was answered",
            "when somebody reacted to a message; at whom a message in a group is directed",
            "contact requests of most versions: they are not among the messages",
            "calls that are only in the app's own list of calls",
        ),
        versions="downloads of 2018 to 2026",
        call_start="ringing",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by userId and conversations with a MessageList."""
        keys = outline(head.data)
        if {"/userId", "/conversations/[]"} <= keys and (
            "/exportDate" in keys or "/conversations/*/MessageList" in keys
        ):
            return Claim(95, "userId and conversations as Skype writes them")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Unreadable
            It holds no conversations, or does not say whose account it is.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_in(source, lambda raw: _stream(raw, self._block_bytes), record, n)


READER = SkypeJson()
