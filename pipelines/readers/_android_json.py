"""Rows of Android's providers as JSON: what exports and backups make of them, element by element.

Columns keep Android's names, or the names that an app gives to the same values; numbers may be strings. Every element is
told by its keys: an SMS, an MMS, a call, a blocked number, a contact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from pipelines.readers._android import Number, Parts, Role, Traffic, app_of_account, call_words, sim
from pipelines.readers._android_book import identifier_of
from pipelines.readers._json_stream import ArrayEnd, Bad, Block, Broken, JsonStream
from pipelines.readers._sqlite import text, whole
from pipelines.readers.base import Context, Sink

#: a longer line is passed over and rejected
MAX_LINE = 16 << 20
_CHUNK = 1 << 20
_BATCH = 4096
_NO_RECORD = "not shaped like a record of this kind"
ENDS_INSIDE = "the file ends inside this record"


class Address(msgspec.Struct, gc=False):
    """An address of an MMS."""

    address: Any = None
    type: Any = None


class Part(msgspec.Struct, gc=False):
    """A part of an MMS."""

    ct: Any = None
    contentType: Any = None  # noqa: N815 (the key of the file)
    text: Any = None
    data_file: Any = msgspec.field(default=None, name="_data")
    mime_type: Any = None


class Fact(msgspec.Struct, gc=False):
    """A fact of a contact."""

    mimetype: Any = None
    data1: Any = None
    data5: Any = None


class RawContact(msgspec.Struct, gc=False):
    """A contact as one account has it."""

    contacts_data: list[Fact] | None = None
    deleted: Any = None


class Element(msgspec.Struct, gc=False):
    """Any of the records, with the keys that are used."""

    # SMS
    address: Any = None
    body: Any = None
    date: Any = None
    type: Any = None
    status: Any = None
    sub_id: Any = None
    subscriptionId: Any = None  # noqa: N815
    self_phone: Any = None
    # MMS
    msg_box: Any = None
    messageBox: Any = None  # noqa: N815
    m_type: Any = None
    messageType: Any = None  # noqa: N815
    m_id: Any = None
    tr_id: Any = None
    transactionId: Any = None  # noqa: N815
    ct_l: Any = None
    text_only: Any = None
    textOnly: Any = None  # noqa: N815
    mms_body: Any = None
    recipients: list[Any] | None = None
    mms_addresses: list[Address] | None = None
    addresses: list[Address] | None = None
    addresses2: list[Address] | None = msgspec.field(default=None, name="__addresses")
    sender: Address | None = msgspec.field(default=None, name="__sender_address")
    sender1: Address | None = msgspec.field(default=None, name="sender_address")
    to: list[Address] | None = msgspec.field(default=None, name="__recipient_addresses")
    to1: list[Address] | None = msgspec.field(default=None, name="recipient_addresses")
    parts: list[Part] | None = None
    parts2: list[Part] | None = msgspec.field(default=None, name="__parts")
    attachments: list[Part] | None = None
    # calls
    number: Any = None
    duration: Any = None
    presentation: Any = None
    normalized_number: Any = None
    via_number: Any = None
    phone_account_address: Any = None
    subscription_id: Any = None
    subscription_component_name: Any = None
    features: Any = None
    block_reason: Any = None
    deleted: Any = None
    # blocked numbers
    original_number: Any = None
    e164_number: Any = None
    # contacts
    display_name: Any = None
    raw_contacts: list[RawContact] | None = None
    # the app's own word for what it is
    backupType: Any = None  # noqa: N815


def kind_of(e: Element) -> str | None:
    """Return what an element is: ``sms``, ``mms``, ``call``, ``blocked`` or ``contact``; None if it is none of them."""
    if e.backupType == "mms" or e.msg_box is not None or e.messageBox is not None or e.m_type is not None:
        return "mms"
    if e.backupType == "sms":
        return "sms"
    if e.number is not None or e.duration is not None or e.presentation is not None:
        return "call"
    if e.raw_contacts is not None:
        return "contact"
    if e.original_number is not None or e.e164_number is not None:
        return "blocked"
    if e.date is not None and (e.address is not None or e.body is not None or e.type is not None):
        return "sms"
    return None


class Elements:
    """The elements of one file on their way to the sink."""

    def __init__(self, context: Context, out: Sink) -> None:
        self.context = context
        self.out = out
        self.traffic = Traffic(context, out)
        self.met = 0
        self.listed: set[tuple[str, str]] = set()

    def take(self, n: Sequence[int], records: Sequence[str], elements: Sequence[Element]) -> None:
        """Take consecutive elements."""
        kinds = list(map(kind_of, elements))
        self.met += len(elements)
        for word, method in (("sms", self._sms), ("call", self._calls)):
            places = [k for k, kind in enumerate(kinds) if kind == word]
            if places:
                method([n[k] for k in places], [records[k] for k in places], [elements[k] for k in places])
        for k, found in enumerate(kinds):
            if found == "mms":
                self._mms(n[k], records[k], elements[k])
            elif found == "blocked":
                self._blocked(n[k], records[k], elements[k])
            elif found == "contact":
                self._contact(n[k], records[k], elements[k])
            elif found is None:
                self.out.reject(n[k], records[k], _NO_RECORD)

    def bad(self, n: int, record: str, reason: str) -> None:
        """Count an element that cannot be used."""
        self.met += 1
        self.out.reject(n, record, reason)

    def _line(self, e: Element) -> Any:
        """Return the owner's number, or the SIM."""
        own = None if e.self_phone is None else self.traffic.numbers.account[text(_plain(e.self_phone))]
        return own if own is not None else e.sub_id if e.sub_id is not None else e.subscriptionId

    def _sms(self, n: list[int], records: list[str], elements: list[Element]) -> None:
        sizes = [None if e.body is None else len(e.body if isinstance(e.body, str) else str(e.body)) for e in elements]
        addresses = [e.address if e.address is not None else _only(e.recipients) for e in elements]
        self.traffic.sms(
            n, records, kinds=_plains([e.type for e in elements]), statuses=_plains([e.status for e in elements]),
            dates=_plains([e.date for e in elements]), addresses=_plains(addresses), sizes=sizes,
            lines=_plains([self._line(e) for e in elements]),
        )  # fmt: skip

    def _mms(self, n: int, record: str, e: Element) -> None:
        numbers = self.traffic.numbers
        roles: list[Role] = []
        for one in (e.sender, e.sender1):
            if one is not None:
                roles.append((numbers.of[text(_plain(one.address))], whole(one.type) or 137))
        for many in (e.to, e.to1, e.mms_addresses, e.addresses, e.addresses2):
            for one in many or ():
                roles.append((numbers.of[text(_plain(one.address))], whole(one.type)))
        roles = [(number, role) for number, role in roles if number[1] is not None]
        members: dict[str, Number] = {}
        for raw in (e.recipients or ())[:1000]:
            number = numbers.of[text(_plain(raw))]
            if number[0] is not None:
                members.setdefault(number[0], number)
        found: Parts | None = None
        given = next((p for p in (e.parts, e.parts2) if p is not None), None)
        if given is not None or e.mms_body is not None:
            found = Parts()
            for part in given or ():
                size = len(part.text) if isinstance(part.text, str) else None
                found.add(
                    _plain(part.ct if part.ct is not None else part.contentType), size, part.data_file is not None
                )
            if e.mms_body is not None:
                found.add("text/plain", len(str(e.mms_body)), False)
            for part in e.attachments or ():
                found.add(_plain(part.mime_type), None, True)
        self.traffic.mms(
            n, record, box=_plain(_first(e.msg_box, e.messageBox)), m_type=_plain(_first(e.m_type, e.messageType)),
            date=_plain(e.date), members=list(members.values()), roles=roles,
            ids=(_plain(e.m_id), _plain(_first(e.tr_id, e.transactionId)), _plain(e.ct_l)), line=_plain(self._line(e)),
            parts=found, text_only=whole(_first(e.text_only, e.textOnly)) == 1,
            kept_texts_only=e.mms_body is not None and e.attachments is None,
        )  # fmt: skip

    def _calls(self, n: list[int], records: list[str], elements: list[Element]) -> None:
        account = self.traffic.numbers.account
        lines = [
            account[text(_plain(e.via_number))]
            or account[text(_plain(e.phone_account_address))]
            or sim(_plain(e.subscription_id))
            for e in elements
        ]
        self.traffic.calls(
            n, records, kinds=_plains([e.type for e in elements]), durations=_plains([e.duration for e in elements]),
            dates=_plains([e.date for e in elements]), numbers=_plains([e.number for e in elements]),
            normalized=_plains([e.normalized_number for e in elements]),
            presentations=_plains([e.presentation for e in elements]), lines=lines,
            channels=[app_of_account(_plain(e.subscription_component_name)) for e in elements],
            tags=[call_words(_plain(e.features), _plain(e.block_reason), _plain(e.deleted)) for e in elements],
        )  # fmt: skip

    def _blocked(self, n: int, record: str, e: Element) -> None:
        raw = text(_plain(e.e164_number)) or text(_plain(e.original_number))
        number = self.traffic.numbers.of[raw]
        self.listed.add(("blocked", "phone"))
        self.out.listed(
            1,
            {"n": n, "record": record, "list": "blocked", "channel": "phone", "identifier": number[0], "identifier_raw": raw,
             "identifier_kind": number[2]},
        )  # fmt: skip

    def _contact(self, n: int, record: str, e: Element) -> None:
        rows: list[tuple[str, str | None, str, str]] = []
        for raw in e.raw_contacts or ():
            for fact in raw.contacts_data or ():
                value = text(_plain(fact.data1))
                found = (
                    identifier_of(text(_plain(fact.mimetype)) or "", value, fact.data5, self.context) if value else None
                )
                if found is not None and found not in rows[-64:]:
                    rows.append(found)
        if not rows:
            self.out.out_of_scope()
            return
        channel, identifier, given, kind = map(list, zip(*rows, strict=True))
        self.out.listed(
            len(rows),
            {"n": n, "record": record, "sub": list(range(1, len(rows) + 1)), "list": "address_book", "channel": channel,
             "identifier": identifier, "identifier_raw": given, "identifier_kind": kind,
             "label": text(_plain(e.display_name))},
        )  # fmt: skip

    def finish(self) -> None:
        """Hand over what waits, and say how many elements there were."""
        self.traffic.flush()
        self.traffic.remarks()
        self.out.read(self.met)
        kinds: dict[str, set[str]] = {}
        for channel, kind in self.traffic.channels:
            kinds.setdefault(channel, set()).add(kind)
        for channel, classes in sorted(kinds.items()):
            cap = classes == {"call"}
            self.out.coverage(channel, " ".join(sorted(classes)), scope="all", basis="cap" if cap else "observed")
        if any("call" in classes for classes in kinds.values()):
            self.out.note("a phone's call log keeps only its newest entries: a call that is absent shows nothing")


def _plain(value: Any) -> Any:
    """Return a value of a column as it is; a list or an object is none."""
    return None if isinstance(value, (list, dict)) else value


def _plains(values: list[Any]) -> list[Any]:
    """Return the values of a column as they are; a list or an object is none."""
    return values if {list, dict}.isdisjoint(map(type, values)) else list(map(_plain, values))


def _first(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _only(recipients: list[Any] | None) -> Any:
    return recipients[0] if recipients is not None and len(recipients) == 1 else None


def stream_of(stream: BinaryIO) -> JsonStream:
    """Return the stream of the elements of a file that is one array."""
    return JsonStream(stream, arrays={"": Element})


def read_array(stream: BinaryIO, elements: Elements, out: Sink) -> str | None:
    """Read a file that is one array; return why it could not be read as a whole, if it could not."""
    reading = stream_of(stream)
    broken: str | None = None
    any_item = is_array = False
    for item in reading:
        if isinstance(item, Block):
            any_item = True
            n = range(item.first + 1, item.first + 1 + len(item.items))
            elements.take(n, [f"json:/{k - 1}" for k in n], item.items)
        elif isinstance(item, Bad):
            any_item = True
            elements.bad(item.index + 1, f"json:/{item.index}", item.reason)
        elif isinstance(item, Broken):
            broken = item.reason
        elif isinstance(item, ArrayEnd):
            is_array = True
    if reading.repaired:
        out.note(f"{reading.repaired} records could be read only after broken characters in them were replaced")
    if broken is not None and any_item:
        out.note("the file is damaged or ends too early: what came after the last record is missing")
        return None
    return broken if broken is not None or is_array else "it is no array"


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes | None, bool]]:
    """Yield number, bytes (None: too long) and completeness of every line that is not blank."""
    number, held, dropping = 1, b"", False
    first = True
    while True:
        data = stream.read(_CHUNK)
        if first:
            data, first = data.removeprefix(b"\xef\xbb\xbf"), False
        if not data:
            break
        pieces = (held + data).split(b"\n")
        held = pieces.pop()
        for piece in pieces:
            if dropping:
                yield number, None, True
                dropping = False
            elif piece.strip():
                yield number, piece, True
            number += 1
        if len(held) > MAX_LINE or dropping:
            held, dropping = b"", True
    if dropping:
        yield number, None, False
    elif held.strip():
        yield number, held, False


def read_lines(stream: BinaryIO, elements: Elements, out: Sink) -> None:
    """Read a file with one object a line."""
    decoder = msgspec.json.Decoder(Element)
    n, mended, cut = 0, 0, False
    batch: list[tuple[int, str, Element]] = []

    def hand_over() -> None:
        if batch:
            numbers, records, items = zip(*batch, strict=True)
            batch.clear()
            elements.take(numbers, records, items)

    for number, line, ended in lines_of(stream):
        n += 1
        record = f"line:{number}"
        if line is None:
            hand_over()
            elements.bad(n, record, f"larger than {MAX_LINE} bytes")
            continue
        try:
            element = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            repaired = _mended(line, decoder)
            if isinstance(repaired, str):
                hand_over()
                cut = not ended
                elements.bad(n, record, ENDS_INSIDE if cut and repaired == "not valid JSON" else repaired)
                continue
            element = repaired
            mended += 1
        batch.append((n, record, element))
        if len(batch) >= _BATCH:
            hand_over()
    hand_over()
    if mended:
        out.note(f"{mended} records could be read only after broken characters in them were replaced")
    if cut:
        out.note("the file ends inside its last record: what came after it is missing")


def _mended(line: bytes, decoder: msgspec.json.Decoder[Element]) -> Element | str:
    """Read a line with broken characters; or return why it cannot be used."""
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "not valid JSON"
    try:
        return decoder.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _NO_RECORD


def keys_of_first(data: bytes) -> dict[str, Any] | None:
    """Return the first object of the beginning of a file, with what of it is there; None if there is none."""
    begun = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").lstrip()
    if begun.startswith("["):
        begun = begun[1:].lstrip()
    if not begun.startswith("{"):
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(begun)
    except (ValueError, RecursionError):
        return _begun_object(begun)
    return value if isinstance(value, dict) else None


def _begun_object(begun: str) -> dict[str, Any] | None:
    """Return the members of an object that is longer than what is there, as far as they are whole."""
    found: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    at = 1
    try:
        while len(found) < 200:
            while begun[at] in " \t\r\n,":
                at += 1
            key, at = decoder.raw_decode(begun, at)
            while begun[at] in " \t\r\n:":
                at += 1
            if not isinstance(key, str):
                return None
            found[key] = None  # the key is there, whatever its value
            found[key], at = decoder.raw_decode(begun, at)
    except (ValueError, IndexError, RecursionError):
        pass
    return found or None
