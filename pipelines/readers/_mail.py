"""Mail as files hold it: messages by offsets, the few headers that matter, who wrote to whom, rows.

Shared by :mod:`pipelines.readers.mbox` and :mod:`pipelines.readers.eml`. Bodies are never read into memory: a message is its
headers (bounded) and two offsets. Only header values are decoded, and of those only addresses, dates, labels and the marks of
mail that no person wrote.

How rows are made:

* ``Date`` with its own offset is the time; where it cannot be read (or names no plausible year) the topmost ``Received`` is, tagged
  ``time_of_receipt``; last the ``From `` line of a mailbox, if it states an offset, tagged ``time_of_mailbox``. Where the first two are
  more than a day apart the row is tagged ``date_differs`` and keeps ``Date``.
* Mail that bears a label of sent mail is outgoing; all other rows name their sender and leave the direction to whoever knows the
  owner's addresses.
* Outgoing mail is one row for each recipient (``sub``), up to :data:`MOST_RECIPIENTS`; incoming mail is one row.
* Mail to one recipient is direct; to several it is a group, directed at the owner if she is among them by name.
* Mail with the marks of lists, bulk or automatic mail is of kind ``other`` and directed at nobody, unless a declared contact sent it.
* ``size`` is the number of bytes of the body as it stands, attachments included.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Final

from pipelines.identifiers import clean
from pipelines.masking import VALUE_LIMIT, harmless, hidden
from pipelines.readers._clock import DAY_US, MAX_OFFSET_S, day_us, iso_reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers.base import Context, Sink, Waiting, implausible_time

BLOCK_BYTES: Final = 1 << 20
#: longest headers of a message, in bytes [P]
HEADER_LIMIT: Final = 1 << 20
#: longest value of a header that is looked at, in bytes [P]
VALUE_BYTES: Final = 1 << 16
#: outgoing mail to more people than this is one row of a group [P]
MOST_RECIPIENTS: Final = 20
#: addresses of one message that are counted [P]
_MOST_ADDRESSES: Final = 2_000
#: addresses that a file may show to be the owner's; more are no evidence [P]
_MOST_OWNERS: Final = 50

_KEEP = 64  # bytes of the block before that are looked at again
_LOOK_AHEAD = 2_048  # of a line that may begin a message, and the line after it
_ATTACHED = b"\nContent-Disposition: attachment"

_BLANK = re.compile(rb"\n\r?\n")
_FROM_LINE = re.compile(
    rb"\nFrom (?:(?P<dated>(?=[^\n]*\d{1,2}:\d\d)(?=[^\n]*\d{4})[^\n]{5,900})|(?P<bare>-?[^\S\n]*|- [^\n]{0,200}))\n(?:>From |[!-9;-~]{1,100}[ \t]*:)"
)
_WANTED = (
    "date", "from", "to", "cc", "bcc", "sender", "delivered-to", "message-id", "x-gmail-labels", "received", "content-type",
    "list-id", "list-unsubscribe", "precedence", "auto-submitted", "x-auto-response-suppress", "feedback-id", "x-mozilla-status",
    "x-smssync-datatype", "x-smssync-type",
)  # fmt: skip
_HEADER = re.compile(
    rb"^(" + "|".join(_WANTED).encode() + rb")[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE | re.IGNORECASE
)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_SIMPLE = re.compile(
    r'(?:[^<>"(),:;@\\]*|"[^"\\@]*" *)<([^<>"(),:;@\s\\]+@[^<>"(),:;@\s\\]+)> *|([^<>"(),:;@\s\\]+@[^<>"(),:;@\s\\]+)'
)
_RFC_DATE = re.compile(
    r"(?:[A-Za-z]{2,9}\.?,? *)?(\d{1,2})[ -]([A-Za-z]{3})[A-Za-z]{0,6}\.?[ -](\d{2,4}) +(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)? *([+-]\d{4}|[A-Za-z]{1,5})?"
    r"(?: *\(.{0,100}\))?",
    re.ASCII,
)
#: the end of a line that begins a message, if it states its offset: when the mailbox took it in
_ENVELOPE_DATE = re.compile(
    rb"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)(?: ([+-]\d{4}) (\d{4})| (\d{4}) ([+-]\d{4}))\s*$"
)
_MONTHS = {
    m: i for i, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip

#: names that Gmail gives to its own labels in exports, folded; English is of a sample, the others of the user interface [P]
SENT_LABELS: Final = frozenset(
    ["sent", "sent mail", "отправленные", "жіберілген", "жіберілгендер", "жіберілген хаттар", "надіслані", "gesendet", "messages envoyés",
     "enviados", "e-mails enviados", "posta inviata", "inviati", "gönderilmiş postalar", "gönderilenler", "wysłane", "verzonden", "odeslaná pošta",
     "送信済みメール", "送信済み", "已发邮件", "已发送邮件", "寄件備份", "보낸편지함", "البريد المرسل", "भेजा गया"]
)  # fmt: skip
SPAM_LABELS: Final = frozenset(
    [
        "spam",
        "junk",
        "спам",
        "courrier indésirable",
        "correo no deseado",
        "迷惑メール",
        "垃圾邮件",
        "垃圾郵件",
        "스팸함",
        "istenmeyen",
    ]
)
TRASH_LABELS: Final = frozenset(
    ["trash", "bin", "deleted items", "корзина", "себет", "кошик", "papierkorb", "corbeille", "papelera", "lixeira", "lixo", "cestino", "çöp kutusu",
     "kosz", "prullenbak", "ゴミ箱", "已删除邮件", "垃圾桶", "휴지통", "المهملات"]
)  # fmt: skip
DRAFT_LABELS: Final = frozenset(
    ["draft", "drafts", "черновики", "жобалар", "чернетки", "entwürfe", "brouillons", "borradores", "rascunhos", "bozze", "taslaklar", "wersje robocze",
     "concepten", "下書き", "草稿", "임시보관함", "المسودات"]
)  # fmt: skip
CHAT_LABELS: Final = frozenset(["chat", "chats", "чат", "чаты", "чаттар"])
_NO_REPLY = re.compile(
    r"(?:.*[._+-])?(?:no|do[._-]?not|not|never)[._-]?reply(?:[._+-].*)?|mailer-daemon|postmaster|(?:.*[._+-])?bounces?(?:[._+-].*)?"
)

#: headers whose values are metadata; of ``Content-Type`` only the type is shown
SHOWN_HEADERS: Final = frozenset(
    [
        "date", "from", "to", "cc", "bcc", "sender", "reply-to", "delivered-to", "return-path", "message-id",
        "in-reply-to", "references", "received", "list-id", "list-unsubscribe", "list-post", "precedence",
        "auto-submitted", "x-auto-response-suppress", "feedback-id", "x-gm-thrid", "x-originating-ip", "mime-version",
        "content-type", "content-transfer-encoding", "resent-date", "resent-from", "resent-to", "resent-message-id",
        "x-mozilla-status", "x-apparently-to",
    ]
)  # fmt: skip
_SHOWN_LIMIT: Final = 5 * VALUE_LIMIT


def begins_mbox(data: bytes) -> bool:
    """Return whether bytes begin with a ``From `` line and a header."""
    return _FROM_LINE.match(b"\n" + data[:8_192].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")) is not None


@dataclass(frozen=True, slots=True)
class Mail:
    """A message: where it stands, its headers, and what was counted of its body.

    Attributes
    ----------
    n : int
        Its number, from 1.
    start, end : int
        Its place in bytes, half-open, with its ``From `` line and without the blank line behind it.
    header : bytes
        Its header lines; empty if ``fault`` is set.
    body_bytes : int
        Length of the body.
    attachments : int
        Parts of the body that call themselves attachments.
    envelope : bytes
        Its ``From `` line.
    fault : str
        Why the headers cannot be used.
    unspaced : bool
        No blank line stands before its ``From `` line.
    """

    n: int
    start: int
    end: int
    header: bytes
    body_bytes: int
    attachments: int
    envelope: bytes = b""
    fault: str = ""
    unspaced: bool = False


class MailStream:
    """Cuts a stream into messages, a block at a time.

    Parameters
    ----------
    stream : binary stream
        Read from its first byte.
    mbox : bool
        Many messages, each after its ``From `` line; else the whole stream is one message.
    """

    def __init__(self, stream: BinaryIO, *, mbox: bool) -> None:
        self._stream = stream
        self._mbox = mbox
        self._buf = b""
        self._base = 0  # offset of the buffer's first byte
        self._eof = False
        self.before = 0  # bytes before the first message

    def _fill(self, keep: int) -> int:
        """Read a block more, forgetting what stands before ``keep``; return by how much places moved."""
        data = self._stream.read(BLOCK_BYTES)
        self._eof = not data
        self._buf = self._buf[keep:] + data
        self._base += keep
        return keep

    def __iter__(self) -> Iterator[Mail]:
        pos = self._first()
        n, unspaced = 0, False
        while pos >= 0:
            n += 1
            mail, pos, unspaced = self._one(n, pos, unspaced)
            yield mail

    def _first(self) -> int:
        """Return the place of the first message, -1 if there is none."""
        self._fill(0)
        while not self._eof and len(self._buf) < _LOOK_AHEAD:
            self._fill(0)
        pos = 3 if self._buf.startswith(b"\xef\xbb\xbf") else 0
        while self._buf[pos : pos + 1] in (b"\n", b"\r"):
            pos += 1
        if pos == len(self._buf):
            return -1
        if not self._mbox or self._buf.startswith(b"From ", pos):
            return pos
        at, _, _ = self._next(pos, pos)
        self.before = self._base + max(at, 0)
        return at

    def _one(self, n: int, pos: int, unspaced: bool) -> tuple[Mail, int, bool]:
        """Read the message at ``pos``; return it, the place of the next one (-1: none) and whether that has no blank line before it."""
        start = self._base + pos
        header_at, fault = pos, ""
        searched = pos
        while True:
            blank = _BLANK.search(self._buf, searched)
            if blank is not None or self._eof or len(self._buf) - pos > HEADER_LIMIT:
                break
            searched = max(pos, len(self._buf) - 3)
            moved = self._fill(pos)
            pos, searched, header_at = 0, searched - moved, 0
        header = envelope = b""
        if blank is None or blank.start() - pos > HEADER_LIMIT:
            fault = (
                "the file ends inside the headers"
                if self._eof and blank is None
                else f"headers are longer than {HEADER_LIMIT} bytes"
            )
            body = len(self._buf) if blank is None else blank.end()
            scan = pos
        else:
            if self._mbox:
                header_at = self._buf.find(b"\n", pos) + 1
                envelope = self._buf[pos : min(header_at, pos + 1_000)]
            header = self._buf[header_at : blank.start() + 1]
            body, scan = blank.end(), max(blank.start(), header_at - 1)
        body_at = self._base + body
        end, following, attached, bare = self._body(scan, body)
        if end < body_at:  # the next message follows its headers at once
            body_at = end
        return Mail(n, start, end, header, end - body_at, attached, envelope, fault, unspaced), following, bare

    def _body(self, scan: int, body: int) -> tuple[int, int, int, bool]:
        """Pass over a body; return its end as an offset, the place of the next message, attachments, and whether no blank line is between."""
        at, attached, unspaced = self._next(scan, body) if self._mbox else self._last(body)
        if at < 0:
            end = len(self._buf)
            if self._mbox and self._buf[-2:] == b"\n\n":  # the blank line that closes a message
                end -= 1
            elif self._mbox and self._buf[-3:] == b"\n\r\n":
                end -= 2
            return self._base + end, -1, attached, False
        end = at - 1  # the line end before "From "
        if not unspaced:
            end -= 1 if self._buf[end - 1 : end] == b"\r" else 0
        else:
            end += 1
        return self._base + end, at, attached, unspaced

    def _last(self, body: int) -> tuple[int, int, bool]:
        attached = 0
        while True:
            upto = len(self._buf) if self._eof else max(body, len(self._buf) - _KEEP)
            attached += self._buf.count(_ATTACHED, max(body - 1, 0), min(upto + len(_ATTACHED) - 1, len(self._buf)))
            if self._eof:
                return -1, attached, False
            body = upto - self._fill(upto)

    def _next(self, scan: int, body: int) -> tuple[int, int, bool]:
        """Find the next message; return its place, the attachments passed, and whether no blank line stands before it."""
        attached, counted = 0, max(body - 1, 0)
        while True:
            at = self._buf.find(b"\nFrom ", scan)
            if at >= 0 and not self._eof and len(self._buf) - at < _LOOK_AHEAD:
                keep = max(min(scan, at, counted) - _KEEP, 0)
                self._fill(keep)
                scan, counted = scan - keep, counted - keep
                continue
            if at >= 0:
                found = _FROM_LINE.match(self._buf, at)
                spaced = self._buf[max(at - 1, 0) : at] == b"\n" or self._buf[max(at - 2, 0) : at] == b"\n\r"
                if found is None or not (spaced or found.group("dated")):
                    scan = at + 1
                    continue
                attached += self._buf.count(_ATTACHED, counted, at)
                return at + 1, attached, not spaced
            upto = len(self._buf) if self._eof else max(counted, len(self._buf) - _KEEP)
            attached += self._buf.count(_ATTACHED, counted, min(upto + len(_ATTACHED) - 1, len(self._buf)))
            if self._eof:
                return -1, attached, False
            keep = max(min(upto, len(self._buf) - _KEEP), 0)
            self._fill(keep)
            scan, counted = 0, upto - keep


# -- values of headers


def headers_of(header: bytes) -> dict[str, bytes]:
    """Return the wanted headers by lower-case name, unfolded; of several of one name the first."""
    found: dict[str, bytes] = {}
    for match in _HEADER.finditer(header):
        name = match[1].lower().decode()
        if name not in found:
            value = match[2][:VALUE_BYTES]
            found[name] = _FOLD.sub(b" ", value).strip() if b"\n" in value else value.strip()
    return found


def plain(value: bytes) -> str:
    """Return the text of a header's bytes: UTF-8, else each byte as a character of Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=(?:[ \t]+(?==\?[^?\s]{1,40}\?[bBqQ]\?))?")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")


def _word(found: re.Match[str]) -> str:
    charset, kind, text = found.groups()
    raw = text.encode("utf-8", "replace")
    try:
        if kind in "bB":
            raw = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
        else:
            raw = _QUOTED.sub(lambda m: bytes([int(m[1], 16)]), raw.replace(b"_", b" "))
        return raw.decode(charset.partition("*")[0], "replace")
    except (ValueError, LookupError):
        return found[0]


def decoded(value: bytes) -> str:
    """Return a header's value with its encoded words decoded; what is faulty stays as it is."""
    text = plain(value[:VALUE_BYTES])
    return _WORD.sub(_word, text) if "=?" in text else text


@lru_cache(16_384)
def addresses(value: bytes) -> tuple[str, ...]:
    """Return the addresses in a header's value, in order; display names, comments and groups are passed over."""
    text = plain(value)
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        return (simple[1] or simple[2],)
    found = _addresses(text)
    if not found and "=?" in text:
        found = _addresses(decoded(value))
    return tuple(found)


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[(),;:<>]|[^"\\(),;:<>]+', re.DOTALL)


def _addresses(text: str) -> list[str]:
    found: list[str] = []
    depth, angle = 0, False
    bare: list[str] = []
    inside: list[str] = []

    def close() -> None:
        nonlocal angle
        parts = inside or bare
        made = "".join(parts).strip()
        if made.startswith("@") and ":" in made:  # an obsolete route
            made = made.rpartition(":")[2]
        if "@" in made.strip("@") and not re.search(r"\s", made) and len(made) <= 320:
            found.append(made)
        elif "@" in made and not inside:  # words around a bare address
            words = [w for w in made.split() if re.fullmatch(r"[^@\s]+@[^@\s]+", w) and len(w) <= 320]
            found.extend(words[:1])
        inside.clear()
        bare.clear()
        angle = False

    for token in _TOKENS.findall(text):
        if depth:
            depth += (token == "(") - (token == ")")
        elif token == "(":
            depth = 1
        elif token == "<":
            angle = True
            inside.clear()
        elif token == ">":
            angle = False
        elif angle:
            inside.append(token)
        elif token in ",;":
            close()
            if len(found) >= _MOST_ADDRESSES:
                return found
        elif token == ":":
            bare.clear()  # the name of a group
        elif token != ")":
            bare.append(token)
    close()
    return found


def date_reading(text: str) -> tuple[int, int | None] | None:
    """Read a date of mail: (µs of its own clock, its offset in seconds or None), or None."""
    text = text.strip()
    if len(text) > 200:
        return None
    found = _RFC_DATE.fullmatch(text)
    if found is None:
        iso = iso_reading(text)
        return (iso.local_us, iso.offset_s) if iso is not None and iso.precision not in ("day", "h") else None
    day, name, year_text, hour, minute, second, zone = found.groups()
    month, year = _MONTHS.get(name.lower()), int(year_text)
    if month is None:
        return None
    if len(year_text) == 2:
        year += 2000 if year < 50 else 1900
    elif len(year_text) == 3:
        year += 1900
    us = day_us(year, month, int(day))
    if us is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        return None
    us += (int(hour) * 3600 + int(minute) * 60 + min(int(second or 0), 59)) * 1_000_000
    if zone is None:
        return us, None
    if zone[0] in "+-":
        offset = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
        if int(zone[3:]) > 59 or offset > MAX_OFFSET_S:
            return None
        return us, (-offset if zone[0] == "-" else offset)
    hours = _ZONES.get(zone.lower())
    return us, (None if hours is None else hours * 3600)


def _utc(reading: tuple[int, int | None]) -> int:
    return reading[0] - (reading[1] or 0) * 1_000_000


@dataclass(frozen=True, slots=True)
class When:
    """The time of a message and where it comes from."""

    us: int
    offset_s: int | None
    tags: tuple[str, ...] = ()


def _envelope_reading(line: bytes) -> tuple[int, int | None] | None:
    found = _ENVELOPE_DATE.search(line)
    if found is None:
        return None
    month, day, clock, zone, year, other_year, other_zone = (g.decode() if g else "" for g in found.groups())
    return date_reading(f"{day} {month} {year or other_year} {clock} {zone or other_zone}")


def when(headers: Mapping[str, bytes], envelope: bytes = b"") -> When | str:
    """Return the time of a message, or why it has none.

    ``envelope`` is its ``From `` line: the last resort, and only if it states an offset.
    """
    date = date_reading(plain(headers["date"])) if "date" in headers else None
    received = None
    if "received" in headers:
        received = date_reading(plain(headers["received"]).rpartition(";")[2])
        if received is not None and (received[1] is None or implausible_time(_utc(received)) is not None):
            received = None
    why = "no time" if date is None else implausible_time(_utc(date))
    if date is not None and why is None and (date[1] is not None or received is None):
        differs = received is not None and date[1] is not None and abs(_utc(date) - _utc(received)) > DAY_US
        return When(*date, ("date_differs",) if differs else ())
    if received is not None:
        return When(*received, ("time_of_receipt",))
    taken = _envelope_reading(envelope)
    if taken is not None and implausible_time(_utc(taken)) is None:
        return When(*taken, ("time_of_mailbox",))
    if why == "no time" and "date" in headers:
        return "the date cannot be read, and there is no line of receipt"
    return why or "no time"


@lru_cache(4_096)
def labels_of(value: bytes) -> frozenset[str]:
    """Return the labels of ``X-Gmail-Labels``, folded."""
    return frozenset(clean(part).strip('"').casefold() for part in decoded(value).split(","))


# -- rows

_COLUMNS = (
    "n", "sub", "record", "local_time", "stated_offset_s", "zone_basis", "kind", "direction", "status", "identifier", "identifier_raw",
    "identifier_kind", "sender", "actor", "via_identifier", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "size",
    "attachment", "tags",
)  # fmt: skip


def _folded(identifier: str) -> str:
    return identifier.casefold()


@dataclass(slots=True)
class _Counts:
    """What became of the messages, for the notes."""

    copies: int = 0
    bounces: int = 0
    drafts: int = 0
    texts: int = 0
    service: int = 0
    receipts: int = 0
    mailbox: int = 0
    differs: int = 0
    zoneless: int = 0
    unspaced: int = 0
    nobody: int = 0
    spoofed: int = 0


@dataclass(slots=True)
class MailRows:
    """Turns messages into rows.

    Parameters
    ----------
    context : Context
        Who the owner is and who declared contacts are.
    out : Sink
        Where rows go.
    """

    context: Context
    out: Sink
    counts: _Counts = field(default_factory=_Counts)
    kept: int = 0
    read: int = 0

    _rows: RowBuffer = field(init=False)
    _declared: dict[str, str] = field(init=False)
    _contacts: dict[str, str] = field(init=False)
    _shown: dict[str, str] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _delivered: Counter[str] = field(default_factory=Counter)
    _proofs: int = 0  # messages in which an address of the owner stands, or that bear the label of sent mail

    def __post_init__(self) -> None:
        self._rows = RowBuffer(self.out.events, _COLUMNS, {"channel": "email", "ts_precision": "s", "how": "app"})
        option = self.context.options.get("owner")
        self._declared = self._addresses_among([option] if option else sorted(self.context.owner_names))
        self._contacts = self._addresses_among(sorted(self.context.contact_names))

    @staticmethod
    def _addresses_among(names: list[str]) -> dict[str, str]:
        found = {}
        for name in names:
            text = clean(name).removeprefix("mail:")
            if "@" in text and ":" not in text and " " not in text:
                local, _, domain = text.rpartition("@")
                identifier = f"mail:{local}@{domain.lower()}"
                found[_folded(identifier)] = identifier
        return found

    def _identifier(self, address: str) -> str:
        """Return the identifier of an address, spelled as the case spells it."""
        identifier = _identifier(address)
        key = _folded(identifier)
        return self._declared.get(key) or self._contacts.get(key) or identifier

    def _owner(self, identifier: str) -> bool:
        return _folded(identifier) in self._declared or _folded(identifier) in self._shown

    def add(self, mail: Mail) -> None:
        """Make the rows of a message, or count it out."""
        self.read += 1
        n, record = mail.n, f"mail:{mail.n}"
        self.counts.unspaced += mail.unspaced
        if mail.fault:
            self.out.reject(n, record, mail.fault)
            return
        headers = headers_of(mail.header)
        if not (headers.keys() & {"date", "from", "received", "message-id", "to"}):
            self.out.reject(n, record, "it has no header of mail")
            return
        if "x-smssync-datatype" in headers or "x-smssync-type" in headers:
            self.counts.texts += 1
            self.out.out_of_scope()
            return
        labels = labels_of(headers["x-gmail-labels"]) if "x-gmail-labels" in headers else frozenset[str]()
        sent = bool(labels & SENT_LABELS)
        kind_of_body = headers.get("content-type", b"").lower()
        if kind_of_body.startswith(b"multipart/report"):
            self.counts.bounces += 1
            self.out.out_of_scope()
            return
        if labels & DRAFT_LABELS and not sent:
            self.counts.drafts += 1
            self.out.out_of_scope()
            return
        time = when(headers, mail.envelope)
        if isinstance(time, str):
            self.out.reject(n, record, time)
            return
        if self._is_copy(headers, mail.header):
            self.counts.copies += 1
            self.out.out_of_scope()
            return
        self._put(mail, record, headers, labels, time)

    def _is_copy(self, headers: Mapping[str, bytes], header: bytes) -> bool:
        """Is it a copy of a message that was met: equal id, sender and date, or without an id equal headers?"""
        told = headers.get("message-id")
        if told:
            key = b"\n".join((told, headers.get("from", b""), headers.get("date", b"")))
        else:
            key = header
        digest = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def _put(
        self, mail: Mail, record: str, headers: Mapping[str, bytes], labels: frozenset[str], time: When
    ) -> None:  # fmt: skip
        authors = addresses(headers["from"]) if "from" in headers else []
        raw = authors[0] if authors else None
        sender = self._identifier(raw) if raw else None
        named: dict[str, str] = {}  # recipients
        for name in ("to", "cc", "bcc"):
            if name in headers:
                for address in addresses(headers[name]):
                    named.setdefault(self._identifier(address), address)
        delivered = next((self._identifier(a) for a in addresses(headers.get("delivered-to", b""))), None)
        if delivered is not None:
            self._delivered[delivered] += 1
        sent = bool(labels & SENT_LABELS) and not (sender is not None and _folded(sender) in self._contacts)
        if sent and sender is not None and len(self._shown) < _MOST_OWNERS:
            self._shown.setdefault(_folded(sender), sender)
        mine = sender is not None and self._owner(sender)
        here = next((i for i in named if self._owner(i)), None)
        self._proofs += sent or mine or here is not None or (delivered is not None and self._owner(delivered))

        tags = [
            word
            for word, known in (("spam", SPAM_LABELS), ("trash", TRASH_LABELS), ("chat", CHAT_LABELS))
            if labels & known
        ]
        if _is_expunged(headers.get("x-mozilla-status", b"")) and "trash" not in tags:
            tags.append("trash")
        marks = _marks(headers, raw)
        known_contact = sender is not None and _folded(sender) in self._contacts
        service = bool(marks) and not (sent or mine or known_contact)
        if mail.attachments:
            tags.append(f"attachments={mail.attachments}")
        tags += [*marks, *time.tags]
        self.counts.service += service
        self.counts.receipts += "time_of_receipt" in time.tags
        self.counts.mailbox += "time_of_mailbox" in time.tags
        self.counts.differs += "date_differs" in time.tags
        self.counts.zoneless += time.offset_s is None
        self.counts.nobody += sender is None

        via = next((self._identifier(a) for a in addresses(headers.get("sender", b""))), None)
        others = {i: a for i, a in named.items() if i != sender and not self._owner(i)}
        people = len(named.keys() | ({sender} if sender else set()))
        thread = (
            f"t:{hashlib.sha256(' '.join(sorted({*named, sender or ''})).encode('utf-8', 'replace')).hexdigest()[:10]}"
        )
        common = (time.us, time.offset_s, "case" if time.offset_s is None else "stated")
        tail = (mail.body_bytes, "other" if mail.attachments else None)
        kind = "other" if service else "email"
        self.kept += 1

        if mine and not sent and "spam" in tags:
            # the address of the owner on unsolicited mail is rather borrowed than hers: nobody is told to have written it
            self.counts.spoofed += 1
            self._rows.add(
                mail.n, 1, record, *common, "other", "unknown", "unknown", None, None, "none", None, "unknown", via, None, thread, "unknown",
                people, "no", *tail, " ".join([*tags, "own_address"]),
            )  # fmt: skip
            return
        if sent or mine:
            # by its label it is outgoing whoever the owner is; by its sender as long as the address is the owner's
            told = ("out", "sent") if sent else ("unknown", "unknown")
            writer, actor = (None, "owner") if sent else (sender, "unknown")
            line = sender
            if not others:
                myself = bool(named)
                targets: list[tuple[str | None, str | None]] = [(None, None)]
                thread_kind = "self" if myself else "unknown"
            elif len(others) > MOST_RECIPIENTS:
                targets, thread_kind = [(None, None)], "group"
                tags.append(f"recipients={len(others)}")
            else:
                targets, thread_kind = list(others.items()), "direct"
            for sub, (identifier, written) in enumerate(targets, 1):
                self._rows.add(
                    mail.n, sub, record, *common, kind, *told, identifier, written, "mail" if identifier else "none", writer, actor,
                    via if via != sender else None, line, thread, thread_kind, people, "unknown" if identifier is None else "yes", *tail,
                    " ".join(tags) or None,
                )  # fmt: skip
            return
        group = len(named) > 1
        if service:
            directed = "no"
        elif not group:
            directed = "yes"
        else:
            directed = "yes" if here is not None or (delivered is not None and delivered in named) else "unknown"
        self._rows.add(
            mail.n, 1, record, *common, kind, "unknown", "unknown", sender, raw, "mail" if sender else "none", sender, "unknown",
            via if via != sender else None, here or delivered, thread, "group" if group else "direct", people, directed, *tail,
            " ".join(tags) or None,
        )  # fmt: skip

    def end(self) -> None:
        """Hand over what is left; say what concerns the file as a whole.

        Raises
        ------
        Waiting
            It cannot be told whose mail it is.
        """
        if self.kept and not self._proofs:
            hint = ", ".join(i for i, _ in sorted(self._delivered.items(), key=lambda item: (-item[1], item[0]))[:3])
            why = (
                "none of the owner's addresses stands in it" if self._declared else "no address of the owner is declared, and no message is labelled as sent"
            )  # fmt: skip
            raise Waiting(
                f"it does not tell which mail is the owner's: {why}",
                f'owner = "mail:…"  # the owner\'s address in this file; {f"delivered to: {hint}" if hint else "or declare it under [owner]"}',
            )
        self._rows.flush()
        self.out.read(self.read)
        if self._shown:
            self.out.owner(sorted(self._shown.values()))
            if self._declared and not (self._shown.keys() & self._declared.keys()):
                self.out.note(
                    "mail that is labelled as sent bears an address that is not declared as the owner's: is it her mailbox?"
                )
        for note in self._notes():
            self.out.note(note)
        if self.kept:
            self.out.coverage("email", "email other")

    def _notes(self) -> Iterator[str]:
        c = self.counts
        for number, text in (
            (c.copies, "copies of messages of this file (equal id, sender and date), out of scope"),
            (c.bounces, "reports about delivery, out of scope"),
            (c.drafts, "drafts, out of scope"),
            (c.texts, "copies of SMS or calls that an app stored as mail, not read: export them from the phone"),
            (c.service, "messages with the marks of lists, bulk or automatic mail, kept as other"),
            (c.receipts, "messages without a date that can be read: the time of receipt is taken"),
            (
                c.mailbox,
                "messages without a date or receipt that can be read: the time at which the mailbox took them in is taken",
            ),
            (c.differs, "messages whose date and receipt are more than a day apart: the date is kept"),
            (c.zoneless, "messages whose date has no zone: read in the zone of the source or the case"),
            (c.unspaced, "messages without a blank line before them: the file may be merged or edited"),
            (c.nobody, "messages without an address of a sender"),
            (c.spoofed, "unsolicited messages under the owner's own address, not labelled as sent: taken for nobody's"),
        ):
            if number:
                yield f"{text}: {number}"
        yield "date and sender are the sender's own word"


@lru_cache(65_536)
def _identifier(address: str) -> str:
    local, _, domain = clean(address).rpartition("@")
    return f"mail:{local}@{domain.lower()}"


def _is_expunged(status: bytes) -> bool:
    try:
        return bool(int(status[:4] or b"0", 16) & 0x0008)
    except ValueError:
        return False


def _marks(headers: Mapping[str, bytes], address: str | None) -> list[str]:
    """Return tags for what says that no person wrote it to the owner."""
    found = []
    if "list-id" in headers or "list-unsubscribe" in headers:
        found.append("list")
    if headers.get("precedence", b"").lower() in (b"bulk", b"list", b"junk") or "feedback-id" in headers:
        found.append("bulk")
    automatic = headers.get("auto-submitted", b"no").split(b";")[0].strip().lower()
    if automatic not in (b"no", b"") or "x-auto-response-suppress" in headers:
        found.append("auto")
    if address is not None and _NO_REPLY.fullmatch(address.rpartition("@")[0].casefold()[:100]):
        found.append("no_reply")
    return found


def mask_mail(text: str) -> str:
    """Return a message with the metadata among its headers, and the length of everything else."""
    head, blank, body = text.partition("\n\n")
    other, other_blank, other_body = text.partition("\r\n\r\n")
    if len(other) < len(head):
        head, blank, body = other, other_blank, other_body
    shown: list[str] = []
    lines: list[str] = []
    for line in head.split("\n"):
        line = line.removesuffix("\r")
        if line.startswith((" ", "\t")) and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    for line in lines:
        name, colon, value = line.partition(":")
        if line.startswith("From ") and not shown:
            shown.append(line if len(line) <= VALUE_LIMIT else f"From {hidden(len(line) - 5)}")
            continue
        if not colon or not re.fullmatch(r"[!-9;-~]{1,100}[ \t]*", name):
            shown.append(hidden(len(line)))
            continue
        value = value.strip()
        key = name.strip().lower()
        if key == "content-type":
            kind, semicolon, rest = value.partition(";")
            whole = re.fullmatch(r"[\w.+-]{1,80}/[\w.+-]{1,80}", kind.strip()) is not None
            value = (kind.strip() if whole else hidden(len(kind))) + (
                f"; {hidden(len(rest.strip()))}" if semicolon else ""
            )
            shown.append(f"{name}: {value}")
        elif key in SHOWN_HEADERS and len(value) <= _SHOWN_LIMIT:
            shown.append(f"{name}: {value}")
        else:
            shown.append(f"{name}: {hidden(len(value))}")
    if blank:
        shown += ["", hidden(len(body))]
    return harmless("\n".join(shown))
