"""Reader of Google Hangouts in Takeout (``Hangouts.json``): all conversations of an account.

``{"conversations": [{"conversation": {"conversation": {"type", "participant_data"}}, "events": [{"sender_id": {"gaia_id"},
"timestamp" (µs), "chat_message" | "hangout_event", "event_type", "self_event_state": {"user_id"}}]}]}``; before 2018
``{"conversation_state": [{"conversation_state": {"conversation", "event"}}]}``. A call is two events, its start and its end
with the duration: one row.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar, NamedTuple

import msgspec

from pipelines.masking import Allowed
from pipelines.readers._chat_rows import Gather, Memo, Party, Shape, shows
from pipelines.readers._json_stream import JsonStream, Value
from pipelines.readers._locations import Part, find_part, outline, parts
from pipelines.readers._social import decoded, dictionaries, name_of, native, talked, whole
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Span, Unreadable

_APP = "google_chat"
#: conversations that are held; a file with more is hostile [P]
MAX_CONVERSATIONS = 200_000
_PLACES = {
    "/conversations/*/events": "/conversation",
    "/conversation_state/*/conversation_state/event": "/conversation",
}
_VALUES = ("/conversations/*/conversation", "/conversation_state/*/conversation_state/conversation")
_GROUPS = frozenset({"GROUP", "CONVERSATION_TYPE_GROUP"})
_TWO = frozenset({"STICKY_ONE_TO_ONE", "ONE_TO_ONE", "CONVERSATION_TYPE_ONE_TO_ONE"})
_ADDED = frozenset({"ADD_USER", "EVENT_TYPE_ADD_USER"})


class _Id(msgspec.Struct, gc=False):
    """An account."""

    gaia_id: Any = None
    chat_id: Any = None


class _State(msgspec.Struct, gc=False):
    """Whose download it is."""

    user_id: _Id | None = None


class _Content(msgspec.Struct, gc=False):
    """What was written."""

    segment: Any = None
    attachment: Any = None


class _Chat(msgspec.Struct, gc=False):
    """A message."""

    message_content: _Content | None = None


class _Call(msgspec.Struct, gc=False):
    """The start or the end of a call."""

    event_type: Any = None
    hangout_duration_secs: Any = None
    media_type: Any = None
    participant_id: list[_Id] | None = None


class _Change(msgspec.Struct, gc=False):
    """Somebody came or left."""

    type: Any = None
    participant_id: list[_Id] | None = None
    participant_ids: list[_Id] | None = None


class _Event(msgspec.Struct, gc=False):
    """The fields of an event that are read."""

    sender_id: _Id | None = None
    timestamp: Any = None
    event_type: Any = None
    self_event_state: _State | None = None
    chat_message: _Chat | None = None
    hangout_event: _Call | None = None
    membership_change: _Change | None = None


_ARRAYS = dict.fromkeys(_PLACES, _Event)


class _Conversation(NamedTuple):
    """What is known of a conversation."""

    id: str
    kind: str
    people: dict[str, Party]  # account → person
    own: str


class _Start(NamedTuple):
    """A call that began and whose end is still to come."""

    n: int
    record: str
    us: int | None
    sender: str
    tags: str | None


def _account(value: Any) -> str:
    if isinstance(value, _Id):
        return name_of(value.gaia_id) or name_of(value.chat_id)
    return (name_of(value.get("gaia_id")) or name_of(value.get("chat_id"))) if isinstance(value, dict) else ""


def _inner(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


class _Reading:
    """Look and rows of a file."""

    def __init__(self, source: SourceFile, context: Context, out: Sink, block: int | None) -> None:
        self.source, self.context, self.out, self.block = source, context, out, block
        self.conversations: dict[str, _Conversation] = {}
        with closing(source.open()) as stream:
            for item in JsonStream(stream, {}, _VALUES):
                if isinstance(item, Value):
                    if len(self.conversations) >= MAX_CONVERSATIONS:
                        raise Unreadable(f"more than {MAX_CONVERSATIONS} conversations")
                    self.conversations[item.pointer] = self._conversation(decoded(item.raw))
        own = {c.own for c in self.conversations.values()} - {""}
        if len(own) > 1:
            raise Unreadable(f"the file holds the conversations of {len(own)} accounts")
        self.own = next(iter(own), "")
        self.rows = Gather(out, _APP, "us")
        self.shapes = Memo()
        self.start: _Start | None = None
        self.where = _Conversation("", "unknown", {}, "")
        self.pointer = ""

    def _conversation(self, value: Any) -> _Conversation:
        outer = value if isinstance(value, dict) else {}
        inner = _inner(outer, "conversation") or outer
        ids = _inner(outer, "conversation_id") or _inner(inner, "id")
        people: dict[str, Party] = {}
        for one in dictionaries(inner.get("participant_data")):
            account = _account(one.get("id"))
            if account and len(people) < 10_000:
                number = _inner(one, "phone_number").get("e164")
                identifier, kind = self.context.phone(number) if isinstance(number, str) else (None, "none")
                people[account] = (
                    Party(identifier, number, kind) if identifier is not None else native(_APP, account)
                )  # a text message has a number in place of an account
        state = _inner(inner, "self_conversation_state")
        own = _account(_inner(state, "self_read_state").get("participant_id"))
        type_ = str(inner.get("type"))
        kind = (
            "group"
            if type_ in _GROUPS or len(people) > 2
            else "direct"
            if type_ in _TWO or len(people) == 2
            else "unknown"
        )
        return _Conversation(name_of(ids.get("id")), kind, people, own)

    def run(self) -> None:
        """Read the rows."""
        for part in parts(self.source, self.out, _ARRAYS, block=self.block, may_be_empty=True):
            if part.pointer != self.pointer:
                self._finish_call(None)
                self.pointer = part.pointer
                above = part.pointer.rpartition("/")[0]
                self.where = self.conversations.get(above + _PLACES[part.pattern], _Conversation("", "unknown", {}, ""))
            for k, event in enumerate(part.items):
                self._event(part, k, event)
        self._finish_call(None)
        if self.own:
            self.out.owner([f"{_APP}:{self.own}"])
        self.out.note("messages with history turned off, and what was deleted before the download, are not in it")
        self.rows.finish("call message other")

    def _shape(
        self, sender: str, own: str, kind: str, attachment: str | None, answered: bool | None, tags: str | None
    ) -> Shape:
        where = self.where
        key = (self.pointer, sender, own, kind, attachment, answered, tags)
        shape = self.shapes.get(key)
        if shape is None:
            direct = where.kind == "direct"
            others = [p for account, p in where.people.items() if account != own]
            peer = others[0] if direct and len(others) == 1 else Party()
            person = where.people.get(sender) or native(_APP, sender)
            outgoing = bool(own) and sender == own
            told = bool(own and sender)
            other = peer if direct and peer.identifier else Party() if outgoing else person
            shape = self.shapes.keep(key, Shape(
                kind, ("out" if outgoing else "in") if told else "unknown", "unknown", *other,
                None if told else person.identifier, ("owner" if outgoing else "contact") if told else "unknown",
                f"{_APP}:{where.id}" if where.id else None, where.kind, len(where.people) or None,
                "yes" if direct or kind == "other" else "no" if outgoing else "unknown", answered, attachment, tags,
            ))  # fmt: skip
        found: Shape = shape
        return found

    def _event(self, part: Part, k: int, e: _Event) -> None:
        n, record = part.n + k, part.record(k)
        number = whole(e.timestamp)
        us = number if number is not None and abs(number) < 1 << 53 else None
        sender = _account(e.sender_id)
        own = (_account(e.self_event_state.user_id) if e.self_event_state is not None else "") or self.own
        if own and self.own and own != self.own:
            raise Unreadable("the file holds the conversations of two accounts", record)
        self.own = self.own or own
        if e.hangout_event is not None:
            self._call(n, record, us, sender, e.hangout_event)
        elif e.chat_message is not None:
            self._message(n, record, us, sender, e)
        elif str(e.event_type) in _ADDED and e.membership_change is not None and sender != self.own:
            change = e.membership_change
            if self.own in {_account(one) for one in (*(change.participant_id or ()), *(change.participant_ids or ()))}:
                self.rows.event(n, record, us, self._shape(sender, self.own, "other", None, None, "group_add"))
            else:
                self.rows.skip("lines about members and names of conversations")
        else:
            self.rows.skip("lines about members and names of conversations")

    def _message(self, n: int, record: str, us: int | None, sender: str, e: _Event) -> None:
        content = e.chat_message.message_content if e.chat_message is not None else None
        size, attachment = 0, "none"
        if content is not None:
            for one in dictionaries(content.segment):
                text = one.get("text")
                size += len(text) if text.__class__ is str else one.get("type") == "LINE_BREAK"
            if content.attachment:
                attachment = "other"
        tags = "sms" if e.event_type in ("SMS", "EVENT_TYPE_SMS") else None
        self.rows.event(n, record, us, self._shape(sender, self.own, "message", attachment, None, tags), size or None)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(self, n: int, record: str, us: int | None, sender: str, call: _Call) -> None:
        seconds = talked(call.hangout_duration_secs)
        tags = "video" if call.media_type == "AUDIO_VIDEO" else "audio" if call.media_type == "AUDIO_ONLY" else None
        if call.event_type == "END_HANGOUT":
            begun = self.start
            if begun is not None and begun.us is not None and us is not None and 0 <= us - begun.us < 86_400_000_000:
                self._finish_call(seconds)
                self.rows.skip("ends of calls, which are part of the row of the call")
            else:
                self._finish_call(None)
                words = f"{tags} ended" if tags else "ended"
                self.rows.event(
                    n, record, us, self._shape(sender, self.own, "call", None, None, words), duration=seconds
                )
            return
        if call.event_type != "START_HANGOUT":
            self.rows.skip("lines about calls that are going on")
            return
        self._finish_call(None)
        self.start = _Start(n, record, us, sender, tags)

    def _finish_call(self, seconds: int | None) -> None:
        """Write down the call that began."""
        begun, self.start = self.start, None
        if begun is not None:
            shape = self._shape(begun.sender, self.own, "call", None, None, begun.tags)
            self.rows.event(begun.n, begun.record, begun.us, shape, duration=seconds)


class GoogleHangouts:
    """Reader of format ``google-hangouts``.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which the stream is read; None for the default. The rows do not depend on it.
    """

    allowed: ClassVar[Allowed] = Allowed(
        keys=shows(
            "gaia_id chat_id timestamp event_type hangout_duration_secs media_type event_id type medium_type event_version id"
        ).keys,
        sealed=frozenset(["chat_message"]),
    )

    description: ClassVar[Description] = Description(
        id="google-hangouts",
        version=1,
        title="Google Hangouts (Takeout): all conversations",
        channels=(_APP,),
        counts="elements of the arrays of events in file order, over all conversations",
        knowledge="public parsers of Hangouts.json and their model of the file",
        evidence="public code",
        cannot_tell=(
            "whether a call was answered: the duration is that of the call, also while it rings",
            "the names of accounts: numbers are used, the names beside them can be chosen by anybody",
            "messages with history turned off",
            "at whom a message in a group is directed",
        ),
        versions="Takeout of 2014 to 2022, both shapes",
        call_start="ringing",
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its conversations with their participants."""
        keys = outline(head.data)
        for root, inner in (
            ("/conversations", "/conversations/*/conversation/conversation"),
            ("/conversation_state", "/conversation_state/*/conversation_state/conversation"),
        ):
            if f"{root}/[]" in keys and (
                f"{inner}/participant_data" in keys or f"{inner}/self_conversation_state" in keys
            ):
                return Claim(93, "conversations with participants as Hangouts writes them")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file.

        Raises
        ------
        Unreadable
            It holds no conversations, or those of two accounts.
        """
        _Reading(source, context, out, self._block_bytes).run()

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, _ARRAYS, record, n, block=self._block_bytes)


READER = GoogleHangouts()
