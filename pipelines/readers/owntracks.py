"""OwnTracks: ``.rec`` files of its Recorder, JSON of its Recorder (``ocat``, the API), and plain messages line by line.

A line of a ``.rec`` file is ``2024-03-01T09:03:09Z<tab>*<tab>{"_type": "location", "tst": …, "lat": …, "lon": …}``. Its first
column is the arrival, or ``tst`` again, and never used. Positions of friends lie in the same store: whose a device is comes
from its topic (``owntracks/<user>/<device>``), the folder of the file, and ``case.toml``.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from pipelines.masking import Allowed, hidden, mask_json
from pipelines.readers._json_stream import ArrayEnd, Bad, Block, Broken, JsonStream
from pipelines.readers._locations import (
    CoordinateError,
    Reading,
    accuracy,
    device_tag,
    epoch,
    find_part,
    in_range,
    number,
    outline,
    parts,
    why_no_time,
)
from pipelines.readers._sheets import encoding_of, first_bytes, lines_of
from pipelines.readers._tracks import NOBODY, SUBJECT, Track, subject_of
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
    Waiting,
)

#: lines and characters of one record: a message has some hundreds of bytes, only faulty copies break it into lines [P]
MAX_LINES, MAX_CHARS = 500, 1 << 20
#: users and devices of one file [P]
MAX_DEVICES = 10_000

_STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ[ \t]+[^\s{]{1,120}[ \t]+(?=\S)", re.ASCII)
#: what the first line of a file looks like, cut where the head ends
_FIRST = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ[ \t]+[^\s{]{1,120}[ \t]+\{")
_TOPIC = re.compile(r'"topic"\s{0,8}:\s{0,8}("(?:[^"\\\n]|\\.){1,400}")')
_FOLDERS = re.compile(r"(?:\A|/)rec/([^/]+)/([^/]+)/[^/]+\Z")
_TRIGGERS = {
    "p": "ping", "c": "region", "C": "region", "b": "beacon", "r": "requested", "u": "manual", "t": "timer",
    "v": "monitoring",
}  # fmt: skip
_OTHER = frozenset(
    ["lwt", "waypoint", "waypoints", "card", "status", "cmd", "steps", "configuration", "beacon", "request", "dump"]
)
_ARRAYS_AT = ("", "/data", "/locations")

_REPEATS = "pings at the place of the position before, which may be an old position with the time of the ping"
_TRANSITIONS = "positions of entering or leaving a region (tag transition)"
_UNKNOWN = "messages of a kind that is not known, not read"
_MENDED = "lines whose text was not valid Unicode and was mended"


class Message(msgspec.Struct, gc=False):
    """A message. Everything may be anything: what cannot be used is judged record by record."""

    type: Any = msgspec.field(name="_type", default=None)
    tst: Any = None
    lat: Any = None
    lon: Any = None
    acc: Any = None
    t: Any = None
    tid: Any = None
    topic: Any = None
    username: Any = None
    device: Any = None
    created_at: Any = None
    event: Any = None


class Device(NamedTuple):
    """Who and what sent a message, as far as it says so."""

    user: str
    name: str


class _Whose(NamedTuple):
    subject: str
    identifier: str | None
    raw: str | None
    tag: str | None


@dataclass(frozen=True, slots=True)
class _Line:
    first: int
    last: int
    text: str

    @property
    def record(self) -> str:
        return f"line:{self.first}" if self.first == self.last else f"lines:{self.first}-{self.last}"


def _records(source: SourceFile) -> Iterator[_Line]:
    """Yield the records: a line that begins one, with the lines behind it that begin none; blank lines are none."""
    codec = encoding_of(first_bytes(source)) or "utf-8"
    with source.open() as stream:
        held: list[str] = []
        first = size = 0
        last = 0
        for place, line in enumerate(lines_of(stream, codec), 1):
            if not line.strip():
                continue
            if (
                _STAMPED.match(line)
                or line.startswith("{")
                or _closed(held)
                or len(held) >= MAX_LINES
                or size > MAX_CHARS
            ):
                if held:
                    yield _Line(first, last, "".join(held))
                held, first, size = [], place, 0
            held.append(line)
            size += len(line)
            last = place
        if held:
            yield _Line(first, last, "".join(held))


def _closed(held: list[str]) -> bool:
    """Return whether no line is missing of a record: the next one is none of it."""
    if not held or not held[-1].rstrip().endswith("}"):
        return not held
    return sum(line.count("{") for line in held) <= sum(line.count("}") for line in held)


def _folder_device(source: SourceFile) -> Device | None:
    """Return user and device of the folder in which a Recorder keeps the file."""
    for name in (source.name, source.path or ""):
        if found := _FOLDERS.search(name.replace("\\", "/")):
            return Device(found[1], found[2])
    return None


@lru_cache(4096)
def _topic_device(topic: str) -> Device | None:
    if len(topic) > 300:
        return None
    steps = topic.strip("/").split("/")
    if len(steps) < 3:
        return None
    return Device(steps[1], steps[2])


def _device(message: Message) -> Device | None:
    """Return who sent a message: by its topic, or by what the Recorder adds; else None."""
    found = _topic_device(message.topic) if isinstance(message.topic, str) else None
    if found is None and isinstance(message.username, str) and message.username:
        found = Device(message.username, message.device if isinstance(message.device, str) else "")
    return found


class _People:
    """Knows whose a device is, or that it cannot be told."""

    def __init__(self, source: SourceFile, context: Context) -> None:
        self._told = subject_of(context) if "subject" in context.options else None
        self._context = context
        self._folder = _folder_device(source)
        self._fold: set[str] = {context.options["owner"]} if context.options.get("owner") else set()
        #: in a file of the Recorder every message is of one device, whatever its tid; elsewhere the tid tells them apart
        self.by_tid = True
        self._owners: set[str] = set()
        self._guessed = False
        self._known: dict[tuple[Device | None, str | None], _Whose] = {}
        self._tids: set[str] = set()
        self.others = 0
        self.users: set[str] = set()
        self.beside: set[str] = set()
        if self._folder is not None and source.beside is not None:
            for other in source.beside.find("*/rec/*/*/*.rec"):
                if found := _FOLDERS.search(other.name):
                    self.beside.add(found[1])

    def names(self, user: str) -> frozenset[str]:
        """Return the ways in which ``case.toml`` may name a user."""
        plain = unicodedata.normalize("NFC", user)
        return frozenset((plain, f"owntracks:{plain}", f"owntracks:name:{plain}"))

    def _of(self, user: str, known: frozenset[str] | set[str]) -> bool:
        return not self.names(user).isdisjoint(known)

    def meet(self, device: Device | None, tid: object) -> None:
        """Take a user of the file."""
        found = device or self._folder
        if found is not None:
            self.users.add(found.user)
        elif self.by_tid and isinstance(tid, str) and tid:
            self.users.add(tid[:8])
        if len(self.users) > MAX_DEVICES:
            raise Unreadable(f"the file names more than {MAX_DEVICES} users")

    def settle(self) -> None:
        """Say who the owner is, once every user of the file is known.

        Raises
        ------
        Waiting
            Several users, and nobody has said which is the owner.
        """
        if self._told is not None:
            return
        owners = frozenset(self._context.owner_names) | self._fold
        self._owners = {u for u in self.users if self._of(u, owners)}
        contacts = {u for u in self.users - self._owners if self._of(u, self._context.contact_names)}
        open_ = self.users - self._owners - contacts
        everybody = self.users | self.beside
        if not self.users:
            self._guessed = not self._owners
        if self._owners or not open_:
            return
        if self._fold or any(name.startswith("owntracks:") for name in owners):
            return  # who the owner is in OwnTracks is known, and she is none of these
        if any(self._of(u, owners) for u in self.beside):
            return  # the owner has a folder of her own in the same store: this one is somebody else's
        if len(everybody) > 1:
            raise Waiting(
                f"positions of {len(everybody)} users lie in the file or its store, and which is the owner is not known",
                'owner = "the name of the owner in OwnTracks"',
            )
        self._owners, self._guessed = open_, True

    def notes(self) -> Iterator[str]:
        """Yield what must be said of whose the devices are."""
        if self._told is None and self._guessed:
            yield NOBODY
        if self.others:
            yield (
                "messages without a topic that bear another tid than the others, taken for the same device because the "
                f"Recorder keeps one device in a file: {self.others}"
            )

    def whose(self, device: Device | None, tid: object) -> _Whose:
        """Return whose a message is.

        Raises
        ------
        CoordinateError
            It names no device, and several people's lie in the file.
        """
        place = device or self._folder
        told = self._known.get((place, tid)) if isinstance(tid, str | None) else None
        if told is None:
            told = self._whose(place, tid)
            if isinstance(tid, str | None) and len(self._known) < MAX_DEVICES:
                self._known[place, tid] = told
        if place is None and (not self.by_tid or not tid):
            self.others += bool(self._tids) and tid not in self._tids
        elif isinstance(tid, str) and len(self._tids) < MAX_DEVICES:
            self._tids.add(tid)
        return told

    def _whose(self, place: Device | None, tid: object) -> _Whose:
        tag = device_tag(tid)
        if place is not None:
            tag = device_tag(place.name.replace(" ", "_")) or tag
        if self._told is not None:
            who = self._told.get("identifier")
            raw = None if who is None else str(who)
            return _Whose(str(self._told["subject"]), raw, raw, tag)
        user = place.user if place is not None else None
        if user is None and self.by_tid and isinstance(tid, str) and tid:
            user = tid[:8]
        if user is None:
            if len(self.users) > 1:
                raise CoordinateError("whose device it was is not told, and the file holds those of several people")
            user = next(iter(self.users), None)
        if user is None or user in self._owners:
            return _Whose("owner", None, None, tag)
        plain = unicodedata.normalize("NFC", user)
        native = f"owntracks:{plain}"
        identifier = native if native in self._context.contact_names else f"owntracks:name:{plain}"
        return _Whose("contact", identifier, user, tag)


class _Messages:
    """Gives every message its end."""

    def __init__(self, out: Sink, people: _People) -> None:
        self._people = people
        self._track = Track(
            out, "gpx",
            ("subject", "identifier", "identifier_raw", "accuracy_m", "device_tag", "tags", "written_at"),
            kind="fix", source_how="unknown", how="app",
        )  # fmt: skip
        self._out = out
        self._last: dict[tuple[str | None, str | None], tuple[float, float]] = {}

    def take(self, n: int, record: str, message: Message) -> None:
        """Keep it, reject it, or count it out of scope."""
        kind = message.type
        if kind == "encrypted":
            self._out.reject(n, record, "the message is encrypted: the key of the app is needed to read it")
            return
        if kind not in ("location", "transition"):
            if not isinstance(kind, str):
                self._out.reject(n, record, "no message of OwnTracks: it has no _type")
                return
            self._track.counts[_UNKNOWN] += kind not in _OTHER
            self._out.out_of_scope()
            return
        if kind == "transition" and message.lat is None and message.lon is None:
            self._out.out_of_scope()
            return
        try:
            self._position(n, record, message, kind == "transition")
        except CoordinateError as error:
            self._out.reject(n, record, str(error))

    def _position(self, n: int, record: str, message: Message, transition: bool) -> None:
        time = epoch(message.tst)
        why = why_no_time(message.tst, time)
        if why is not None or time is None:
            raise CoordinateError(why or "no time")
        lat, lon = number(message.lat), number(message.lon)
        if lat is None or lon is None:
            raise CoordinateError("coordinates are missing or not readable")
        in_range(lat, lon)
        whose = self._people.whose(_device(message), message.tid)
        words = []
        if transition:
            self._track.counts[_TRANSITIONS] += 1
            words.append(f"transition={message.event}" if message.event in ("enter", "leave") else "transition")
        trigger = _TRIGGERS.get(message.t) if isinstance(message.t, str) else None
        if trigger is not None:
            words.append(trigger)
        place = (whose.identifier, whose.tag)
        if trigger == "ping" and self._last.get(place) == (lat, lon):
            words.append("repeat")
            self._track.counts[_REPEATS] += 1
        self._last[place] = (lat, lon)
        self._track.keep(
            n, record, time, lat, lon, whose.subject, whose.identifier, whose.raw, accuracy(message.acc), whose.tag,
            " ".join(words) or None, _written(message.created_at, time),
        )  # fmt: skip

    def finish(self, *notes: str) -> None:
        """Write what is left."""
        self._track.finish(*notes)


def _written(value: object, time: Reading) -> int | None:
    """Return when the message was made, where that differs from the time of the position."""
    made = epoch(value)
    if made is None or why_no_time(value, made) is not None or made.local_us == time.local_us:
        return None
    return made.local_us


_DECODER = msgspec.json.Decoder(Message)


def _decoded(text: str) -> Message | str:
    """Return the message of a record, or why there is none."""
    at = _STAMPED.match(text)
    body = text[at.end() :] if at is not None else text
    if not body.lstrip().startswith("{"):
        return "no record of OwnTracks"
    if len(body) > MAX_CHARS:
        return "the record is longer than any message"
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        pass
    # a line that was broken within a text: the line end is not allowed there, and carries nothing that is read
    try:
        return _DECODER.decode("".join(line.rstrip("\r\n") for line in body.splitlines(keepends=True)))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return "not valid JSON, or cut off"


class OwnTracks:
    """Reader of OwnTracks.

    Parameters
    ----------
    block_bytes : int or None
        Size of the blocks in which a JSON array is read; None for the default. The rows do not depend on it.
    """

    description = Description(
        id="owntracks",
        version=1,
        title="OwnTracks Recorder (.rec lines, JSON of ocat and of the API)",
        channels=("gpx",),
        counts="records of a .rec file or of lines of JSON (a line that begins one, with the broken rest of it), or "
        "elements of the array",
        knowledge="owntracks/booklet (JSON), owntracks/recorder (how it writes and lists .rec lines; issues 374, 421), "
        "owntracks/android issue 1928; sample files of owntracks/recorder and Freika/dawarich",
        evidence="real sample",
        cannot_tell=(
            "who carried the device",
            "what the accuracy means: the app passes on what the system says",
            "whether a ping repeats an old position with a new time (known of the Android app): such rows carry the tag ping",
            "what was sent encrypted",
            "where the device was while the app was paused or had no connection and its queue was lost",
        ),
        options=(
            SUBJECT,
            Option(
                "owner",
                "name of the owner's user in OwnTracks; the others are contacts",
                "several users lie in one file or store, and case.toml knows none of them",
            ),
        ),
        versions="Recorder of 2015 to 2024; apps of iOS and Android",
    )
    allowed = Allowed(
        keys=frozenset(
            "_type tst lat lon acc alt vel vac cog batt bs t tid topic event wtst created_at p m conn username device "
            "isotst isorcv disptst".split()
        )
    )

    def __init__(self, block_bytes: int | None = None) -> None:
        self._block_bytes = block_bytes

    def recognise(self, head: Head) -> Claim | None:
        """Know a line of the Recorder, or messages with _type and tst."""
        codec = encoding_of(head.data) or "utf-8"
        text = head.data.decode(codec, "replace").lstrip("\ufeff\r\n\t ")
        if _FIRST.match(text) and '"_type"' in text:
            return Claim(95, "lines of the OwnTracks Recorder: time, topic, a message with _type")
        keys = outline(head.data)
        for array in (*(f"{at}/*" for at in _ARRAYS_AT), ""):
            if f"{array}/_type" in keys and {f"{array}/tst", f"{array}/tid"} & keys:
                return Claim(92, "messages of OwnTracks: _type with tst or tid")
        return None

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the file twice: once for the users in it, once for the messages.

        Raises
        ------
        Waiting
            Several users, and which is the owner is not known.
        Unreadable
            No record of OwnTracks is in it.
        """
        people = _People(source, context)
        at = self._array(source)
        if at is None:
            self._lines(source, people, out)
        else:
            self._elements(source, people, out)

    def _array(self, source: SourceFile) -> str | None:
        """Return whether the file is one JSON value that holds messages, and where; None for lines."""
        keys = outline(first_bytes(source))
        return next((at for at in _ARRAYS_AT if f"{at}/*/_type" in keys), None)

    def _lines(self, source: SourceFile, people: _People, out: Sink) -> None:
        self._users(source, people)
        people.settle()
        messages, n, met = _Messages(out, people), 0, 0
        for n, line in enumerate(_records(source), 1):
            found = _decoded(line.text)
            met += _STAMPED.match(line.text) is not None or (isinstance(found, Message) and isinstance(found.type, str))
            if isinstance(found, str):
                out.reject(n, line.record, found)
            else:
                messages.take(n, line.record, found)
        if not met:
            raise Unreadable("no message of OwnTracks is in the file")
        out.read(n)
        messages.finish(*people.notes())

    @staticmethod
    def _users(source: SourceFile, people: _People) -> None:
        """Learn the users of a file of lines: in one of the Recorder by the topics alone, without decoding."""
        first = next(_records(source), None)
        people.by_tid = first is None or _STAMPED.match(first.text) is None
        if people.by_tid:
            for line in _records(source):
                message = _decoded(line.text)
                if isinstance(message, Message) and message.type in ("location", "transition"):
                    people.meet(_device(message), message.tid)
            return
        people.meet(None, None)
        codec = encoding_of(first_bytes(source)) or "utf-8"
        met: set[str] = set()
        with source.open() as stream:
            for line_text in lines_of(stream, codec):
                for quoted in _TOPIC.findall(line_text):
                    if quoted not in met:
                        met.add(quoted)
                        with contextlib.suppress(ValueError):
                            people.meet(_topic_device(json.loads(quoted)), None)
                        if len(met) > MAX_DEVICES:
                            raise Unreadable(f"the file names more than {MAX_DEVICES} topics")

    def _elements(self, source: SourceFile, people: _People, out: Sink) -> None:
        with source.open() as stream:
            for item in JsonStream(stream, self._types()):
                match item:
                    case Block():
                        for message in item.items:
                            if message.type in ("location", "transition"):
                                people.meet(_device(message), message.tid)
                    case Broken() | Bad() | ArrayEnd():
                        pass
        people.settle()
        messages = _Messages(out, people)
        for part in parts(source, out, self._types(), block=self._block_bytes):
            for k, message in enumerate(part.items):
                messages.take(part.n + k, part.record(k), message)
        messages.finish(*people.notes())

    @staticmethod
    def _types() -> dict[str, Any]:
        return dict.fromkeys(_ARRAYS_AT, Message)

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find an element of an array again (see :class:`pipelines.readers.base.Finder`)."""
        return find_part(source, self._types(), record, n, block=self._block_bytes)

    def mask(self, source: SourceFile, plain: str) -> str:
        """Return a message with metadata shown and everything else hidden."""
        at = _STAMPED.match(plain)
        body = plain[at.end() :] if at is not None else plain
        shown = mask_json(body, "", self.allowed) if body.lstrip().startswith("{") else hidden(len(body))
        return f"{plain[:20]} {shown}" if at is not None else shown


READER = OwnTracks()
