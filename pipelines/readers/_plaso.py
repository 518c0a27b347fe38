"""What the two readers of plaso timelines share: which events are communication, and which are copies of another event.

plaso writes one event for each time of a record: a call has a start and an end, a tracker's device a first and a last
sighting for every single beacon. It also reads a database once without and once with its write-ahead log, and then says
the same twice; and it writes one event for each attachment of a message.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipelines.readers._lab import People, Person, Rows, Stamp, attachment_kind

#: ``call_type`` of Android's call log, as in AOSP's CallLog.Calls: direction, answered (None: by the duration), tag
CALL_TYPES: dict[int, tuple[str, bool | None, str | None]] = {
    1: ("in", None, None),
    2: ("out", None, None),
    3: ("in", False, "missed"),
    4: ("in", False, "voicemail"),
    5: ("in", False, "rejected"),
    6: ("in", False, "blocked"),
    7: ("in", True, "answered_elsewhere"),
}
#: ``sms_type``: direction and state; what is not here never left the phone (drafts and the like)
SMS_TYPES = {1: ("in", "delivered"), 2: ("out", "sent"), 5: ("out", "failed")}
#: words of older versions and of the text outputs
CALL_TEXT = {"INCOMING": 1, "OUTGOING": 2, "MISSED": 3}
SMS_TEXT = {"RECEIVED": 1, "SENT": 2}

COPY = "copies of another event (a second reading of the same database, or a further attachment), left out"
OTHER_END = "events for another time of the same call, left out"
SAME_DEVICE = "further events of a tracking device at the same time, one for each beacon, left out"
ELSEWHERE = "events of communication of kinds that this reader does not read, left out"
PLACES = (
    "coordinates of tracking devices are not taken: the timeline joins the place of every single beacon with the first and "
    "last time of its device"
)
CANNOT_TELL = (
    "anything that plaso has no plugin for, or that the examiner filtered out",
    "MMS, calls and messages of most apps",
    "for a call whether the number was withheld, and which SIM was used",
    "for Apple's messages whether they belong to a group, and outgoing ones that Apple stores without a recipient",
    "where a tracking device was: the timeline does not keep place and time together",
)


@dataclass(slots=True)
class Copies:
    """Knows an event that was met already; timelines are sorted by time, so only those of one time are kept in mind."""

    moment: object = None
    seen: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def at(self, moment: object) -> None:
        """Say the time of the next event."""
        if moment != self.moment:
            self.moment = moment
            self.seen.clear()

    def again(self, key: tuple[object, ...]) -> bool:
        """Return whether an event of this key was met at this time."""
        self.seen[key] += 1
        return self.seen[key] > 1

    def other_reading(self, key: tuple[object, ...], file: str) -> bool:
        """Return whether the same database, read with or without its write-ahead log, said this already.

        Two messages of equal text are two: the k-th of one reading is a copy of the k-th of the other.
        """
        base = file.removesuffix("-wal")
        mine = (*key, base, file != base)
        self.seen[mine] += 1
        return self.seen[mine] <= self.seen[(*key, base, file == base)]


def keep_call(
    rows: Rows, record: str, when: Stamp, channel: str, code: object, seconds: int | None, who: Person
) -> None:
    """Keep a call by its Android code; an unknown code leaves the direction unknown."""
    number = CALL_TEXT.get(code) if isinstance(code, str) else code
    known = CALL_TYPES.get(number) if isinstance(number, int) else None
    direction, answered, tag = known or ("unknown", None, None)
    if known is None:
        seconds = None
        rows.remarks["calls of a type that the timeline does not name: their direction is unknown"] += 1
    elif answered is None:
        if seconds is not None and (seconds > 0 or direction == "out"):
            answered = seconds > 0
    elif not answered or not seconds:
        seconds = None
    rows.event(
        record, when, channel=channel, kind="call", direction=direction, identifier=who.identifier,
        identifier_raw=who.raw, identifier_kind=who.kind, thread_id=who.identifier, thread_kind="direct",
        answered=answered, duration_s=seconds, tags=tag,
    )  # fmt: skip


def keep_sms(rows: Rows, record: str, when: Stamp, code: object, who: Person, size: int | None) -> None:
    """Keep an SMS by its Android code, or leave out what never left the phone."""
    number = SMS_TEXT.get(code) if isinstance(code, str) else code
    if isinstance(number, int) and number in (3, 4, 6):
        rows.skip("drafts and messages that wait in the outbox, left out")
        return
    direction, status = SMS_TYPES.get(number, ("unknown", "unknown")) if isinstance(number, int) else ("unknown",) * 2
    if direction == "unknown":
        rows.remarks["messages of a type that the timeline does not name: their direction is unknown"] += 1
    rows.event(
        record, when, channel="sms", kind="message", direction=direction, status=status, identifier=who.identifier,
        identifier_raw=who.raw, identifier_kind=who.kind, thread_id=who.identifier, thread_kind="direct", size=size,
        attachment="none",
    )  # fmt: skip


def keep_imessage(
    rows: Rows, record: str, when: Stamp, code: object, service: str, native: str, people: People, size: int | None,
    attachment: str,
) -> None:  # fmt: skip
    """Keep a message of Apple's Messages."""
    channel = {"imessage": "imessage", "sms": "sms", "mms": "mms", "rcs": "rcs"}.get(service.casefold(), "imessage")
    who = people.person(channel, native)
    known: dict[object, str] = {0: "in", 1: "out", "Received": "in", "Sent": "out"}
    direction = known.get(code, "unknown")
    rows.event(
        record, when, channel=channel, kind="message", direction=direction,
        status="delivered" if direction == "in" else "unknown", identifier=who.identifier, identifier_raw=who.raw,
        identifier_kind=who.kind, thread_id=who.identifier, thread_kind="unknown", size=size,
        attachment=attachment_kind(attachment),
    )  # fmt: skip


def keep_sighting(rows: Rows, record: str, when: Stamp, device: str) -> None:
    """Keep a sighting of a tracking device: when, not where."""
    rows.position(
        record, when, "tracker_sighting", "tracker", subject_id=device, how="bluetooth", channel="bluetooth",
        tags="airguard",
    )  # fmt: skip
