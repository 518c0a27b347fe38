"""Tables of ALEAPP and iLEAPP, whatever carries them (TSV, the JSON of a module's result, the LAVA database).

A table is known by the names of its columns, which are compared in the form in which LAVA writes them: without anything
but letters, digits and blanks, in lower case, with underscores. Columns change their order between versions and never
matter by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.readers._lab import (
    DRAFTS,
    INWARD,
    NOBODY,
    OUTWARD,
    SELECTED,
    CallWords,
    People,
    Person,
    Rows,
    Stamp,
    attachment_kind,
    call_words,
    channel_of,
    coordinates,
    delivery,
    duration_of,
    is_group_id,
    is_self,
    marked_time,
    text_of,
    unix_stamp,
    word,
)
from pipelines.readers.base import Context, Sink, Waiting

COPY = "further rows of a message that was kept already (one for each attachment or part)"
TWICE = "rows that another table of the same examination says too, left out"
AIRGUARD = "AirGuard writes local times without a zone; the module calls them UTC, and they are read as the clock of the owner's phone"
SWAPPED = "a latitude beyond 90 degrees stands in the table: its coordinates are not what their columns say, and none of them is taken"
LATER = "the table writes times without an offset: that is an old version of the tool, which used a zone that the examiner chose"


def column(name: object) -> str:
    """Return the name of a column as LAVA writes it."""
    plain = re.sub(r"[^\w\s]", "", str(name).replace("\ufeff", "").replace("\u200e", ""))
    plain = re.sub(r"\s+", "_", plain.strip()).lower()
    return f"_{plain}" if plain and not plain[0].isalpha() and plain[0] != "_" else plain


@dataclass(frozen=True, slots=True)
class Shape:
    """One table of the tools: by which columns it is known, and what they mean. Columns are named as by :func:`column`."""

    title: str
    needs: str  # columns that must be there, by which it is known
    make: str  # method of Table that makes its rows
    app: str  # channel, or the name of the app; "" if a column says it
    time: str = ""  # the first of these that is filled
    service: str = ""
    direction: str = ""
    peer: str = ""  # the other side, whoever wrote
    sender: str = ""  # who wrote what came in
    to: str = ""  # to whom went what went out
    peer_name: str = ""
    sender_name: str = ""
    to_name: str = ""
    thread: str = ""
    group: str = ""  # filled, or "Yes": it belongs to a group
    text: str = ""
    media: str = ""  # MIME type or name of what is attached
    status: str = ""
    duration: str = ""
    end: str = ""  # end of a call, where its length is not written
    answered: str = ""
    words: str = ""  # columns whose words say how a call went
    line: str = ""
    row_id: str = ""
    label: str = ""
    system: str = ""  # filled, or "Yes": no message of a person
    without: str = ""  # columns of another table that knows the rest too
    wall: bool = False  # its times are the wall clock of the phone, whatever offset is written

    @property
    def key(self) -> frozenset[str]:
        """The columns by which it is known."""
        return frozenset(self.needs.split())


SHAPES: tuple[Shape, ...] = (
    # -- calls
    Shape(
        "ALEAPP call logs", "call_date partner type duration_in_secs", "call", "phone", time="call_date", peer="partner",
        words="type", duration="duration_in_secs", line="phone_account_address",
    ),
    Shape(
        "ALEAPP call logs of the contacts database", "from_id to_id start_date end_date direction call_type number", "call",
        "phone", time="start_date", peer="number", words="direction call_type", end="end_date",
    ),
    Shape(
        "iLEAPP call history", "starting_timestamp service_provider call_type call_direction phone_number answered",
        "call", "", time="starting_timestamp", service="service_provider", peer="phone_number",
        words="call_direction disconnected_cause", duration="call_duration", answered="answered",
    ),
    Shape(
        "iLEAPP group calls of the call history", "call_datetime service_provider call_direction phone_number call_description answered",
        "call", "", time="call_datetime", service="service_provider", peer="phone_number",
        words="call_direction disconnected_cause", duration="call_duration", answered="answered", group="call_description",
    ),
    Shape(
        "ALEAPP WhatsApp calls", "call_start_timestamp call_end_timestamp call_direction caller caller_jid", "call", "whatsapp",
        time="call_start_timestamp", sender="caller_jid", words="call_direction", duration="call_duration",
        group="group_name",
    ),
    Shape(
        "iLEAPP WhatsApp calls", "starting_timestamp duration_hms direction disconnected_cause contact_id", "call", "whatsapp",
        time="starting_timestamp", peer="contact_id", words="direction disconnected_cause", duration="duration_hms",
    ),
    Shape(
        "ALEAPP Viber calls", "call_start_time phone_number call_direction call_type", "call", "viber",
        time="call_start_time", peer="phone_number", words="call_direction",
        end="call_end_time_computed_start_duration",
    ),
    Shape(
        "ALEAPP Signal calls", "timestamp contact phone_number call_type direction outcome call_id", "call", "signal",
        time="timestamp", peer="phone_number", peer_name="contact", words="direction outcome",
    ),
    Shape(
        "ALEAPP Messenger calls", "call_timestamp call_duration party_name call_direction thread_key", "call", "messenger",
        time="call_timestamp", words="call_direction", duration="call_duration", thread="thread_key", peer_name="party_name",
    ),
    Shape(
        "ALEAPP Line calls", "start_time end_time to_id from_id direction call_type", "call", "line", time="start_time",
        sender="from_id", to="to_id", words="direction",
    ),
    Shape(
        "ALEAPP Skype calls", "start_time end_time_computed from_id to_id call_direction", "call", "skype",
        time="start_time", sender="from_id", to="to_id", words="call_direction", end="end_time_computed",
    ),
    # -- messages
    Shape(
        "iLEAPP SMS and iMessage", "message_timestamp service message_direction chat_contact_id message_row_id", "message", "",
        time="message_timestamp", service="service", direction="message_direction", peer="chat_contact_id",
        text="message", media="attachment_mimetype attachment_name attachment_file attachment_path", line="account account_login",
        row_id="message_row_id", status="message_delivered",
    ),
    Shape(
        "ALEAPP SMS", "date date_sent type address body msg_id thread_id", "message", "sms", time="date", direction="type",
        peer="address", text="body", row_id="", status="type",
    ),
    Shape(
        "ALEAPP MMS", "date date_sent direction from_address body msg_id thread_id to_address", "message", "mms",
        time="date", direction="direction", sender="from_address", to="to_address", text="body", media="media",
        row_id="msg_id", status="direction",
    ),
    Shape(
        "ALEAPP SMS of a backup", "date date_sent direction address body type recipients status", "message", "sms",
        time="date", direction="direction", peer="address", text="body",
    ),
    Shape(
        "ALEAPP WhatsApp direct messages",
        "message_timestamp received_timestamp message_direction other_participant_wa_user_name message sending_party_jid",
        "message", "whatsapp", time="message_timestamp", direction="message_direction", sender="sending_party_jid",
        to_name="other_participant_wa_user_name", text="message", media="local_path_to_media",
    ),
    Shape(
        "ALEAPP WhatsApp group messages",
        "message_timestamp received_timestamp message_direction sending_party message conversation_name sending_party_jid",
        "message", "whatsapp", time="message_timestamp", direction="message_direction", sender="sending_party_jid",
        text="message", media="local_path_to_media", group="*",
    ),
    Shape(
        "ALEAPP WhatsApp messages (old schema)",
        "message_timestamp received_timestamp message_id recipients direction message group_sender", "message", "whatsapp",
        time="message_timestamp", direction="direction", sender="group_sender", to="message_id", text="message",
        media="attachment", thread="message_id",
    ),
    Shape(
        "iLEAPP WhatsApp messages", "timestamp sender_name from_id receiver to_id message starred", "message", "whatsapp",
        time="timestamp", direction="direction", sender="from_id", to="to_id", text="message", media="attachment_file thumb",
        thread="chat_id",
    ),
    Shape(
        "iLEAPP Telegram messages", "timestamp direction author_id text forward_from action_data", "message", "telegram",
        time="timestamp", direction="direction", peer="chat_id", sender="author_id", text="text", media="thumbnail",
    ),
    Shape(
        "ALEAPP Telegram messages", "timestamp dialog_id chat direction sender_id message message_id", "message", "telegram",
        time="timestamp", direction="direction", peer="dialog_id", sender="sender_id", text="message",
        media="recorded_media_path", thread="dialog_id",
    ),
    Shape(
        "ALEAPP Viber messages", "message_date direction from_phone_number message recipients thread_id", "message", "viber",
        time="message_date", direction="direction", sender="from_phone_number", to="recipients", text="message",
        media="file_attachment", thread="thread_id",
    ),
    Shape(
        "ALEAPP Signal messages", "date_sent date_received thread_id direction sender_phone_number recipient_phone_number message",
        "message", "signal", time="date_sent", direction="direction", sender="sender_phone_number", sender_name="sender",
        to="recipient_phone_number", to_name="recipient", text="message", media="attachments", thread="thread_id",
        status="status",
    ),
    Shape(
        "ALEAPP Messenger messages", "message_timestamp direction sender message sender_id thread_key message_id", "message",
        "messenger", time="message_timestamp", direction="direction", sender="sender_id", text="message",
        media="attachment_type attachment_name", thread="thread_key", system="is_admin_message",
    ),
    Shape(
        "ALEAPP Instagram messages", "timestamp direction sender_username message thread sender_id thread_id item_id", "message",
        "instagram", time="timestamp", direction="direction", sender="sender_id", text="message", media="media_url",
        thread="thread_id",
    ),
    Shape(
        "ALEAPP Kik messages", "timestamp direction sender body partner_jid group_chat", "message", "kik", time="timestamp",
        direction="direction", peer="partner_jid", text="body", media="attachment_file_name", group="group_chat",
        thread="chat_id", system="system_message status_message",
    ),
    Shape(
        "ALEAPP Line messages", "start_time direction from_id message to_id thread_id attachments", "message", "line",
        time="start_time", direction="direction", sender="from_id", to="to_id", text="message", media="attachments",
        thread="thread_id",
    ),
    Shape(
        "ALEAPP Skype messages", "send_time direction from_id content thread_id to_id", "message", "skype", time="send_time",
        direction="direction", sender="from_id", to="to_id", text="content", media="attachment", thread="thread_id",
    ),
    # -- lists
    Shape(
        "ALEAPP contacts", "mimetype data_1 display_name phone_number email_address", "contact", "phone",
        peer="phone_number email_address", label="display_name",
    ),
    Shape(
        "iLEAPP address book", "creation_date storage_place modification_date", "contact", "phone",
        peer="phone_numbers email_addresses", label="prefix first_name middle_name last_name suffix",
    ),
    Shape("ALEAPP WhatsApp contacts", "name jid number", "contact", "whatsapp", peer="jid number", label="name"),
    Shape(
        "iLEAPP WhatsApp contacts", "fullname phone_number whatsapp_id identifier", "contact", "whatsapp",
        peer="whatsapp_id phone_number", label="fullname",
    ),
    Shape(
        "ALEAPP Telegram contacts", "user_id first_name last_name phone_numbers imported", "contact", "telegram",
        peer="user_id", label="first_name last_name",
    ),
    Shape(
        "ALEAPP Signal contacts", "name phone_number recipient_type aci pni blocked", "contact", "signal",
        peer="phone_number aci", label="name", status="blocked",
    ),
    Shape("iLEAPP blocked contacts", "phone_number country_code email", "blocked", "phone", peer="phone_number email"),
    # -- trackers
    Shape(
        "ALEAPP AirGuard", "timestamp received_time device_mac_address latitude longitude signal_strength_rssi", "sighting",
        "bluetooth", time="received_time", peer="device_mac_address", wall=True,
    ),
    Shape(
        "ALEAPP tracker scans of the phone", "creation_timestamp mac_address state possible_rssi latitude longitude",
        "sighting", "bluetooth", time="creation_timestamp", peer="mac_address",
    ),
    Shape(
        "ALEAPP tracker alerts of the phone", "creation_timestamp mac_address alert_life_cycle_id alert_status", "alert",
        "bluetooth", time="creation_timestamp", peer="mac_address",
    ),
)  # fmt: skip
_KEYS = tuple((shape.key, shape) for shape in SHAPES)
#: tables of which one says what another says too: the same call log, from two places or in two forms
PHONE_CALLS = frozenset(
    (
        "ALEAPP call logs", "ALEAPP call logs of the contacts database", "iLEAPP call history",
        "iLEAPP group calls of the call history",
    )
)  # fmt: skip


def shape_of(names: Iterable[str]) -> Shape | None:
    """Return the table that these columns (as by :func:`column`) are; the one that asks for most of them. None if none is."""
    have = frozenset(names)
    fitting = [(len(key), shape) for key, shape in _KEYS if key <= have]
    if not fitting:
        return None
    most = max(size for size, _ in fitting)
    best = [shape for size, shape in fitting if size == most]
    return best[0] if len(best) == 1 else None


#: names of columns whose values are metadata and may be shown
SHOWN = frozenset(
    f"""
    {" ".join(f"{s.time} {s.service} {s.direction} {s.duration} {s.answered} {s.words} {s.line} {s.row_id}" for s in SHAPES)}
    {" ".join(f"{s.peer} {s.sender} {s.to} {s.peer_name} {s.sender_name} {s.to_name} {s.label}" for s in SHAPES)}
    date_sent read_timestamp delivered_timestamp message_sent message_read ending_timestamp end_date call_type from_me
    iso_country_code country_iso deleted msg_id service_center error_code received_timestamp device_type state alert_status
    first_time_device_seen last_time_user_notified signal_strength_rssi possible_rssi latitude longitude attachment_mimetype
    attachment_timestamp attachment_size_bytes message_guid chat_id thread_id dialog_id mimetype facetime_data
    """.split()
) - frozenset(("chat", "thread", "group_name"))  # fmt: skip
#: every column that stands first in a table of the tools, or makes one known
NAMES = SHOWN | frozenset(name for shape in SHAPES for name in shape.key) | frozenset(("chat", "thread", "prefix"))


@dataclass(slots=True)
class _Waiting:
    """A message whose further rows may follow."""

    key: tuple[object, ...]
    n: int
    record: str
    when: Stamp
    columns: dict[str, Any]


@dataclass(slots=True)
class Examination:
    """What holds for all tables of one source."""

    context: Context
    out: Sink
    rows: Rows = field(init=False)
    people: People = field(init=False)
    calls: Counter[tuple[object, ...]] = field(default_factory=Counter)
    titles: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what fills the tables."""
        self.rows = Rows(self.out, self.context)
        self.people = People(self.context)

    def end(self, *more: str, read: bool = True) -> None:
        """Say what the source as a whole is like."""
        notes = [f"tables: {', '.join(sorted(self.titles))}"] if self.titles else []
        self.rows.end([*notes, SELECTED, *self.notes, *more], read=read)


class Table:
    """Turns the rows of one table into rows of qorgan's.

    Parameters
    ----------
    shape : Shape
        What table it is.
    names : sequence of str
        Its columns, as by :func:`column`, in order.
    whole : Examination
        The source.
    swapped : bool
        Its coordinates are known not to be what they are called.
    """

    def __init__(self, shape: Shape, names: Sequence[str], whole: Examination, swapped: bool = False) -> None:
        self.shape = shape
        self.width = len(names)
        self._rows = whole.rows
        self._whole = whole
        self._swapped = swapped
        self._pending: _Waiting | None = None
        place: dict[str, int] = {}
        for k, name in enumerate(names):
            place.setdefault(name, k)
        self._place = place
        self._at: dict[str, tuple[int, ...]] = {
            f: tuple(place[n] for n in getattr(shape, f).split() if n in place)
            for f in (
                "time", "service", "direction", "peer", "sender", "to", "peer_name", "sender_name", "to_name", "thread",
                "group", "text", "media", "status", "duration", "end", "answered", "words", "line", "row_id", "label", "system",
            )
        }  # fmt: skip
        self._make: Callable[[str, Sequence[Any]], None] = getattr(self, f"_{shape.make}")
        whole.titles.add(shape.title)
        if shape.wall:
            whole.notes[AIRGUARD] = None
        if swapped:
            whole.notes[SWAPPED] = None

    def row(self, record: str, cells: Sequence[Any]) -> None:
        """Give one row its end."""
        self._rows.begin()
        if len(cells) != self.width:
            self._rows.reject(record, "the row has not as many cells as the table has columns")
            return
        self._make(record, cells)

    def broken(self, record: str, reason: str) -> None:
        """Reject a row that is none."""
        self._rows.begin()
        self._rows.reject(record, reason)

    # -- cells

    def _first(self, what: str, cells: Sequence[Any]) -> Any:
        for k in self._at[what]:
            value = cells[k]
            if value is not None and value != "" and value != " ":
                return value
        return ""

    def _text(self, what: str, cells: Sequence[Any]) -> str:
        if not self._at[what]:
            return ""
        return text_of(self._first(what, cells)).strip()

    def _flag(self, what: str, cells: Sequence[Any]) -> bool:
        return any(text_of(cells[k]).strip().casefold() not in ("", "no", "0", "false", "none") for k in self._at[what])

    def _stamp(self, record: str, cells: Sequence[Any]) -> Stamp | None:
        value = self._first("time", cells)
        if isinstance(value, (int, float)):
            stamp = unix_stamp(value)
        else:
            stamp = marked_time(text_of(value), "ymd")
        if isinstance(stamp, Stamp):
            if self.shape.wall:
                stamp = Stamp(stamp.local_us, stamp.precision, "case")
            elif stamp.basis == "case" and not self._whole.context.options.get("timezone"):
                raise Waiting(LATER, 'timezone = "UTC"  # the zone that the examination tool was set to')
        return self._rows.fit(record, stamp)

    def _channel(self, cells: Sequence[Any]) -> tuple[str, str]:
        """Return the channel and the name of the app."""
        if not self.shape.service:
            named = channel_of(self.shape.app, self.shape.app)
            return (named, self.shape.app)
        said = self._text("service", cells)
        if said.casefold() in ("", "n/a"):
            kind = text_of(cells[self._place["call_type"]]) if "call_type" in self._place else ""
            return ("facetime" if kind.startswith("FaceTime") else "phone" if self.shape.make == "call" else "sms"), ""
        return channel_of(said, "phone" if self.shape.make == "call" else "sms"), said

    def _line(self, cells: Sequence[Any]) -> str | None:
        """Return the owner's own number or address, and remember it as hers."""
        for k in self._at["line"]:
            text = re.sub(r"^[PEpe]:", "", text_of(cells[k]).strip())
            if text:
                own = self._whole.people.person("phone", text)
                if own.kind in ("phone", "mail") and own.identifier is not None:
                    self._rows.owners.add(own.identifier)
                return own.identifier
        return None

    # -- kinds of tables

    def _call(self, record: str, cells: Sequence[Any]) -> None:
        when = self._stamp(record, cells)
        if when is None:
            return
        channel, app = self._channel(cells)
        seconds = duration_of(self._first("duration", cells))
        if self._at["end"]:
            seconds = self._length(when, cells)
        said = tuple(word(text_of(cells[k])) for k in self._at["words"])
        taken = self._text("answered", cells).casefold()
        if self.shape.answered and (taken == "yes" or seconds):
            said = said[:1]  # how it ended says nothing of how it began
        if "answered" in said and self.shape.title in PHONE_CALLS:  # "Answered Externally": on another device
            call = CallWords("in", True, "answered_elsewhere", seconds or None)
        else:
            call = call_words(said, seconds)
        answered = call.answered
        if call.direction == "in" and call.tags is None and self.shape.answered:
            answered = {"yes": True, "no": False}.get(taken, answered)
        native = self._text("peer", cells)
        if self.shape.app == "messenger" and self._text("peer_name", cells):
            native = self._text("thread", cells)  # it was joined with the contacts: the thread is a person
        if not native:
            native = self._text(
                "sender" if call.direction == "in" else "to" if call.direction == "out" else "peer", cells
            )
        group = self._flag("group", cells) and not self._text("group", cells).startswith("Direct Call")
        several = [x for x in re.split(r",\s*", native) if x]
        who = NOBODY if len(several) > 1 or group else self._whole.people.person(
            channel, native, self._text("peer_name", cells), app
        )  # fmt: skip
        group = group or len(several) > 1
        if self.shape.title in PHONE_CALLS and self._said_twice(when, native, call.direction):
            return
        thread = self._text("thread", cells)
        self._rows.event(
            record, when, channel=channel, kind="call", direction=call.direction, identifier=who.identifier,
            identifier_raw=who.raw, identifier_kind=who.kind, owner_line=self._line(cells),
            thread_id=f"{channel}:{thread}" if thread else who.identifier,
            thread_kind="group" if group else "unknown" if thread and who.identifier is None else "direct",
            participants_n=len(several) + 1 if len(several) > 1 else None, answered=answered,
            duration_s=call.seconds if answered is not False or call.direction == "out" else None, tags=call.tags,
        )  # fmt: skip

    def _length(self, when: Stamp, cells: Sequence[Any]) -> int | None:
        """Return the seconds from the begin to the end of a call."""
        value = self._first("end", cells)
        end = unix_stamp(value) if isinstance(value, (int, float)) else marked_time(text_of(value), "ymd")
        if isinstance(end, str) or not 0 <= end.instant - when.instant < 10**12:
            return None
        return (end.instant - when.instant) // 1_000_000

    def _said_twice(self, when: Stamp, native: str, direction: str) -> bool:
        """Return whether another table of the examination says this call; the k-th of one is the k-th of the other."""
        key = (when.local_us // 1_000_000, native, direction)
        mine = (*key, self.shape.title)
        self._whole.calls[mine] += 1
        others = max(self._whole.calls.get((*key, t), 0) for t in PHONE_CALLS if t != self.shape.title)
        if self._whole.calls[mine] <= others:
            self._rows.skip(TWICE)
            return True
        return False

    def _direction(self, cells: Sequence[Any]) -> tuple[str, str]:
        """Return the direction and the word that said it."""
        if self._at["direction"]:
            said = word(self._text("direction", cells))
            return ("in" if said in INWARD else "out" if said in OUTWARD else "unknown"), said
        # older WhatsApp tables of iLEAPP have no direction and call the owner "Local User"
        for name, direction in (("sender_name", "out"), ("receiver", "in")):
            if name in self._place and is_self(text_of(cells[self._place[name]])):
                return direction, ""
        return "unknown", ""

    def _message(self, record: str, cells: Sequence[Any]) -> None:
        rows = self._rows
        text = text_of(self._first("text", cells)).replace("\ufffc", "")
        media = self._text("media", cells)
        key: tuple[object, ...] | None = None
        if self.shape.row_id and self._at["row_id"]:
            key = (self._first("row_id", cells), self._first("time", cells))
            if key[0] != "" and self._pending is not None and self._pending.key == key:
                self._join(text, media)
                return
        self.flush()
        direction, said = self._direction(cells)
        if said in DRAFTS:
            rows.skip("drafts and messages that wait in the outbox, left out")
            return
        if self._flag("system", cells):
            rows.skip("lines that the app wrote itself, left out")
            return
        when = self._stamp(record, cells)
        if when is None:
            return
        channel, app = self._channel(cells)
        action = ""
        if self.shape.title == _TELEGRAM_IOS:
            action = text_of(cells[self._place["action_data"]]).strip()
            done = _ACTION.match(action)
            if done is not None and done.group(1) != "phoneCall":
                rows.skip("lines that the app wrote itself, left out")
                return
        status = delivery(self._text("status", cells), direction)
        if said in ("failed",):
            direction, status = "out", "failed"
        elif said == "blocked" and self.shape.app == "sms":  # LG: a filter kept it from her
            direction, status = "in", "delivered"
        elif self.shape.status == "message_delivered":
            status = "delivered" if direction == "in" or self._flag("status", cells) else "unknown"
        who, thread, kind, people = self._sides(cells, channel, app, direction)
        columns: dict[str, Any] = {
            "channel": channel, "kind": "message", "direction": direction, "status": status,
            "identifier": who.identifier, "identifier_raw": who.raw, "identifier_kind": who.kind,
            "sender": who.identifier if direction == "unknown" else None,
            "owner_line": self._line(cells), "thread_id": thread, "thread_kind": kind, "participants_n": people,
            "size": len(text), "attachment": attachment_kind(media) if media else "none" if self._at["media"] else None,
        }  # fmt: skip
        if action and (done := _ACTION.match(action)) is not None:
            columns |= _telegram_call(action, direction)
        elif action:
            columns["attachment"] = _telegram_media(action)
        if key is None:
            rows.event(record, when, **columns)
            return
        self._pending = _Waiting(key, rows.n, record, when, columns)

    def _join(self, text: str, media: str) -> None:
        """Add a further row of the message that waits: a part with text, or another attachment."""
        assert self._pending is not None
        columns = self._pending.columns
        if self.shape.app == "mms":  # parts; the tables of Apple's messages repeat the text with every attachment
            columns["size"] += len(text)
        if media and columns["attachment"] in (None, "none"):
            columns["attachment"] = attachment_kind(media)
        self._rows.skip(COPY)

    def flush(self) -> None:
        """Keep the message that waits."""
        if self._pending is not None:
            found, self._pending = self._pending, None
            self._rows.event(found.record, found.when, at=found.n, **found.columns)

    def _sides(
        self, cells: Sequence[Any], channel: str, app: str, direction: str
    ) -> tuple[Person, str | None, str, int | None]:
        """Return the other side, the thread, its kind and how many are in it."""
        peer, sender, to = (self._text(x, cells) for x in ("peer", "sender", "to"))
        thread = self._text("thread", cells)
        people = self._whole.people
        if channel == "telegram":
            return self._telegram_sides(peer, sender, direction)
        native = peer or (to if direction == "out" else sender)
        name = self._text("to_name" if direction == "out" else "sender_name", cells) or self._text("peer_name", cells)
        if not native and not name and direction == "in":
            name = self._text("to_name", cells)  # the name of a chat of two
        several = [x for x in re.split(r"[,;]\s*", to or native) if x] if not peer else [native]
        group_id = next((x for x in (peer, sender, to, thread) if is_group_id(x)), "")
        if not group_id and channel in ("imessage", "sms", "rcs") and re.fullmatch(r"chat\d{6,40}", peer, re.ASCII):
            group_id = peer
        group = bool(group_id) or self.shape.group == "*" or self._flag("group", cells) or len(several) > 1
        head = channel if channel != "other" else app
        if group:
            member = sender if direction == "in" and sender and not is_group_id(sender) else ""
            who = people.person(channel, member, "", app) if member else NOBODY
            own = group_id or thread
            return who, f"{head}:{own}" if own else None, "group", len(several) + 1 if len(several) > 1 else None
        who = people.person(channel, native, name, app)
        direct = bool(peer) or self.shape.title in _DIRECT
        if self.shape.app == "messenger" and sender and sender == thread:
            direct = True  # a thread of two bears the number of the other
        if direct and who.identifier is not None:
            return who, who.identifier, "direct", None
        return who, f"{head}:{thread}" if thread else who.identifier, "direct" if direct else "unknown", None

    def _telegram_sides(self, peer: str, sender: str, direction: str) -> tuple[Person, str | None, str, int | None]:
        people = self._whole.people
        if self.shape.title != _TELEGRAM_IOS:  # Android: the number of the dialog, negative for groups and channels
            if re.fullmatch(r"[1-9]\d{0,19}", peer, re.ASCII):
                return people.person("telegram", peer), f"telegram:{peer}", "direct", None
            member = sender if direction != "out" and re.fullmatch(r"[1-9]\d{0,19}", sender, re.ASCII) else ""
            return people.person("telegram", member), f"telegram:{peer.lstrip('-')}" if peer else None, "group", None
        found = re.search(r"(?:\(|@\w{1,64} )?(\d{1,20})\)?\s*\Z", sender, re.ASCII)
        kind, author = _unpacked(int(found.group(1))) if found else (-1, 0)
        who = people.person("telegram", str(author)) if kind == 0 and author else NOBODY
        if found is None and sender and sender != "N/A":
            who = people.person("telegram", "", sender)
        if direction == "out":  # the author is the owner herself
            if who.kind == "app_id" and who.identifier is not None:
                self._rows.owners.add(who.identifier)
            who = NOBODY
        chat, number = _unpacked(int(peer)) if re.fullmatch(r"\d{1,20}", peer, re.ASCII) else (-1, 0)
        if chat == 0 and number:
            return people.person("telegram", str(number)), f"telegram:{number}", "direct", None
        if chat in (1, 2):
            return who, f"telegram:{number}", "group", None
        return who, None, "unknown", None

    def _contact(self, record: str, cells: Sequence[Any]) -> None:
        label = " ".join(text_of(cells[k]).strip() for k in self._at["label"]).strip()
        made: list[Person] = []
        for k in self._at["peer"]:
            for text in _entries(text_of(cells[k])):
                who = self._whole.people.person(self.shape.app, text)
                if who.identifier is not None and who.identifier not in {m.identifier for m in made}:
                    made.append(who)
        if self.shape.app in ("whatsapp", "signal"):
            made = made[:1]  # the further columns are forms of the same account
        if not made and not label:
            self._rows.skip("entries without a name, number or address, left out")
            return
        for who in made or [NOBODY]:
            self._rows.listed(record, self.shape.app, "address_book", who, " ".join(label.split())[:200])
            if self._flag("status", cells):
                self._rows.listed(record, self.shape.app, "blocked", who, None)

    def _blocked(self, record: str, cells: Sequence[Any]) -> None:
        who = self._whole.people.person(self.shape.app, self._text("peer", cells))
        if who.identifier is None:
            self._rows.reject(record, "an entry without a number or address")
            return
        self._rows.listed(record, self.shape.app, "blocked", who, None)

    def _sighting(self, record: str, cells: Sequence[Any]) -> None:
        when = self._stamp(record, cells)
        if when is None:
            return
        device = self._text("peer", cells)
        if not device:
            self._rows.reject(record, "a sighting without a device")
            return
        point = None if self._swapped else coordinates(cells[self._place["latitude"]], cells[self._place["longitude"]])
        self._rows.position(
            record, when, "tracker_sighting", "tracker", subject_id=device[:100], point=point, how="bluetooth",
            channel="bluetooth", tags="airguard" if self.shape.wall else "phone_scan",
        )  # fmt: skip

    def _alert(self, record: str, cells: Sequence[Any]) -> None:
        when = self._stamp(record, cells)
        if when is None:
            return
        self._rows.position(
            record, when, "tracker_alert", "tracker", subject_id=self._text("peer", cells)[:100] or None, how="bluetooth",
            channel="bluetooth", tags="phone_alert",
        )  # fmt: skip


_TELEGRAM_IOS = "iLEAPP Telegram messages"
_ACTION = re.compile(r"(?:Action: <|%%% action Type\.)(\w+)")


def _telegram_call(action: str, direction: str) -> dict[str, Any]:
    """Return what the words of an action say of a call: ``phoneCall (i=1, dr=2, d=45, vc=0)``, in both spellings."""
    numbers = dict(re.findall(r"\b(d|duration|dr|discardReason)'?\s?[=:]\s?(\d{1,7})\b", action))
    talk = int(numbers.get("d") or numbers.get("duration") or 0)
    reason = numbers.get("dr") or numbers.get("discardReason")
    tags = {"0": "missed", "3": "busy"}.get(reason or "") if not talk else None
    return {
        "kind": "call", "size": None, "attachment": None, "status": "unknown", "duration_s": talk or None,
        "answered": True if talk else False if tags or direction == "out" else None,
        "tags": "unanswered" if tags == "missed" and direction == "out" else tags,
    }  # fmt: skip


def _telegram_media(action: str) -> str:
    """Return the kind of what is attached, by the words of the module: an image, a file with its type, a location."""
    plain = action.removeprefix("%%% ")
    if plain[:5].casefold() == "image":
        return "image"
    if found := re.search(r"\b(?:MIME: |mt:)([\w.+-]{1,40}/[\w.+-]{1,60})", plain):
        return attachment_kind(found.group(1))
    return "location" if "Location" in plain[:24] or "'la':" in plain[:40] else "other"


def _unpacked(peer: int) -> tuple[int, int]:
    """Return kind (0 a user, 1 a group, 2 a channel, 3 a secret chat) and number of a peer as Telegram for iOS packs them.

    Bits 32 to 34 are the kind, those below and above them the number.
    """
    return (peer >> 32) & 7, (peer & 0xFFFFFFFF) | ((peer >> 35) << 32)


#: tables that hold chats of two only
_DIRECT = frozenset(
    (
        "ALEAPP WhatsApp direct messages",
        "ALEAPP SMS",
        "ALEAPP SMS of a backup",
        "iLEAPP WhatsApp messages",
        "ALEAPP WhatsApp messages (old schema)",
    )
)


def _entries(text: str) -> Iterator[str]:
    """Yield the numbers and addresses of a cell of an address book: one a line, with or without a label."""
    for part in re.split(r"\r?\n|<br ?/?>|; |, (?=[^,:]{1,40}: )", text):
        value = part.rpartition(": ")[2].strip()
        if value:
            yield value[:300]


def beyond(value: object) -> bool:
    """Return whether a latitude lies beyond the poles: then the columns of coordinates are not what they are called."""
    try:
        return abs(float(value)) > 90  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
