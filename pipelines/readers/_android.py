"""What Android's providers mean by their columns, for every reader of what they hold: databases, backups, exports.

The codes are those of Android's ``Telephony`` and ``CallLog`` providers and of the MMS encapsulation protocol (``PduHeaders``).
Texts are never looked into: a reader hands over their lengths.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pipelines.readers._sqlite import text, whole
from pipelines.readers.base import (
    APPLE_EPOCH_US,
    PLAUSIBLE_FROM_US,
    PLAUSIBLE_TO_US,
    Context,
    Sink,
    implausible_time,
)

MANY_PER_SECOND = 50  # [P] more records than this within one second are remarked on
MAX_MEMO, MAX_KEY = 50_000, 512
MAX_PENDING = 50_000
MAX_ADDRESSES = 1_000

KEEP, OUT_OF_SCOPE, UNKNOWN_TYPE = 0, 1, 2

#: ``sms.type`` and ``pdu.msg_box``
BOX_IN, BOX_OUT, BOX_FAILED, BOXES_UNSENT = 1, 2, 5, (3, 4, 6)
#: ``pdu.m_type``
MMS_NOTIFICATION, MMS_RETRIEVED = 130, 132
#: MMS that carry no message: send-conf, notifyresp-ind, acknowledge-ind, delivery-ind, read-rec-ind, read-orig-ind
MMS_TRANSPORT = frozenset([129, 131, 133, 134, 135, 136])
#: ``addr.type``: who sent an MMS
FROM = 137

#: ``calls.type``: direction, tag, answered (None: by the duration)
CALL_TYPES: dict[int, tuple[str, str | None, bool | None]] = {
    1: ("in", None, None),
    2: ("out", None, None),
    3: ("in", "missed", False),
    4: ("in", "voicemail", False),
    5: ("in", "rejected", False),
    6: ("in", "blocked", False),
    7: ("in", "answered_elsewhere", True),
}
#: ``calls.presentation``; 1 is allowed, 5 (unavailable) came with Android 14
PRESENTATIONS = {2: "withheld", 3: "unknown_caller", 4: "payphone", 5: "unknown_caller"}
#: ``calls.block_reason``: why a call was blocked, as a word of its own beside the tag ``blocked``
BLOCK_REASONS = {
    1: "by_screening_app", 2: "direct_to_voicemail", 3: "number_on_block_list", 4: "unknown_callers_blocked",
    5: "withheld_blocked", 6: "payphones_blocked", 7: "non_contacts_blocked",
}  # fmt: skip
#: bit of ``calls.features``
FEATURE_VIDEO = 1
#: apps that write their own calls into the log of the phone, by the package of the account
_APPS = {
    "com.whatsapp": "whatsapp", "com.whatsapp.w4b": "whatsapp", "org.telegram.messenger": "telegram",
    "org.telegram.messenger.web": "telegram", "org.thoughtcrime.securesms": "signal", "com.viber.voip": "viber",
    "com.skype.raider": "skype", "com.facebook.orca": "messenger",
}  # fmt: skip

#: columns of a message and of a call that may be seen: no text, subject, name of a file or of a place
MESSAGE_KEYS = frozenset(
    [
        "_id", "thread_id", "address", "date", "date_sent", "date_ms_part", "type", "read", "seen", "status", "msg_box",
        "m_type", "m_size", "m_id", "tr_id", "text_only", "sub_id", "sim_id", "sim_slot", "locked", "protocol",
        "service_center", "error_code", "creator", "block_type", "deleted", "v", "exp", "pri", "rr", "rpt_a", "resp_st",
        "st", "retr_st", "read_status", "d_tm", "d_rpt", "ct_t", "m_cls", "reserved", "spam_report", "sync_state",
    ]
)  # fmt: skip
CALL_KEYS = frozenset(
    [
        "_id", "number", "date", "duration", "type", "presentation", "normalized_number", "matched_number",
        "formatted_number", "via_number", "countryiso", "phone_account_address", "subscription_id",
        "subscription_component_name", "sub_id", "simnum", "sim_id", "features", "block_reason", "missed_reason", "is_read",
        "new", "deleted", "logtype", "numbertype", "last_modified", "add_for_all_users", "phone_account_hidden",
        "call_screening_app_name", "call_screening_component_name", "service_type", "e164_number",
    ]
)  # fmt: skip

#: what stands for the owner where Android does not know the number, and for a sender whom it does not know
_TOKENS = frozenset(["insert-address-token"])
_UNKNOWN_SENDERS = frozenset(["\u02bcUNKNOWN_SENDER!\u02bc"])
_RCS_GROUP = re.compile(r"group_[0-9]+@rcs\.google\.com", re.IGNORECASE)
#: the name of a SIM or an account is one word; damage can move a text into that attribute, and texts are not kept
WORD = re.compile(r"[\w.:@+-]{1,64}")
#: a reading of MMS, which Android keeps in seconds, that can only be one in milliseconds: as seconds it lies after 5000
_MMS_IN_MS = 100_000_000_000
_FAR = 10**15

Number = tuple[str | None, str | None, str]  # identifier, as the file writes it, kind
#: identifier, as the file writes it, kind, thread id, thread kind, participants, does the sender differ from the address
Thread = tuple[str | None, str | None, str, str | None, str, int | None, bool]
#: a number and its role in an MMS: 137 From, 151 To, 130 CC, 129 BCC
Role = tuple[Number, int | None]
NOBODY: Number = (None, None, "none")
K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """A function remembered by its argument, for as many arguments as fit."""

    def __init__(self, function: Callable[[K], V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: K) -> V:
        value = self._function(key)
        if _weight(key) <= MAX_KEY:
            if len(self) >= MAX_MEMO:
                self.clear()
            self[key] = value
        return value


def _weight(key: object) -> int:
    """Return the length of all that a key holds: a hostile file must not fill the memory with keys."""
    if isinstance(key, tuple):
        return 8 + sum(map(_weight, key))
    return len(key) if isinstance(key, (bytes, str)) else 0


def group_thread_id(identifiers: Iterable[str]) -> str:
    """Return the id of a group thread: ``group:`` and 10 hex digits over its sorted, distinct identifiers, one a line."""
    joined = "\n".join(sorted(set(identifiers)))
    return "group:" + hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:10]


# -- codes


def box_codes(box: int | None) -> tuple[str, str, str, str, int]:
    """Return direction, status, actor, directed and verdict of a message by its box (``type``, ``msg_box``)."""
    if box == BOX_IN:
        return "in", "delivered", "contact", "yes", KEEP
    if box == BOX_OUT:
        return "out", "sent", "owner", "no", KEEP
    if box == BOX_FAILED:
        return "out", "failed", "owner", "no", KEEP
    if box in BOXES_UNSENT:
        return "out", "unknown", "owner", "no", OUT_OF_SCOPE
    return "unknown", "unknown", "unknown", "unknown", UNKNOWN_TYPE


def sms_codes(kind: int | None, report: int | None) -> tuple[str, str, str, str, int]:
    """Judge an SMS by ``type`` and ``status``, the state of the network's delivery report (3GPP TS 23.040, 9.2.3.15)."""
    direction, status, actor, directed, verdict = box_codes(kind)
    if direction == "out" and status == "sent" and report is not None and report >= 0:
        # 32 to 63: sent, and the report is not in yet; the owner's message went out
        status = "delivered" if report < 32 else "sent" if report < 64 else "failed"
    return direction, status, actor, directed, verdict


def call_codes(kind: int | None, seconds: int | None) -> tuple[str, str, str, bool | None, int | None, str | None, int]:
    """Return direction, actor, directed, answered, talk time, tag and verdict of a call by ``type`` and ``duration``."""
    if seconds is not None and seconds < 0:
        seconds = None
    if kind not in CALL_TYPES:
        return "unknown", "unknown", "unknown", None, None, None, UNKNOWN_TYPE
    direction, tag, answered = CALL_TYPES[kind]
    if answered is None:  # an incoming call of 0 s: taken and hung up at once, or a missed one under the wrong code
        if seconds is not None and (seconds > 0 or kind == BOX_OUT):
            answered = seconds > 0
    elif not answered or not seconds:  # what rings or is spoken to a mailbox is no talk
        seconds = None
    out = direction == "out"
    return direction, "owner" if out else "contact", "no" if out else "yes", answered, seconds, tag, KEEP


def media(content_type: str) -> tuple[str | None, bool]:
    """Return the kind of attachment of a part by its media type (None: it is none), and whether it is the text."""
    kind = content_type.split(";")[0].strip().lower()
    if kind in ("application/smil", "text/plain"):
        return None, kind == "text/plain"
    return attachment_of(kind), False


def attachment_of(kind: str) -> str:
    """Return the kind of attachment by a media type in lower case."""
    family = kind.partition("/")[0]
    if family in ("image", "video", "audio"):
        return family
    if kind in ("text/x-vcard", "text/vcard", "text/directory"):
        return "contact"
    if kind in ("application/pdf", "application/rtf", "application/msword", "text/html", "text/csv") or kind.startswith(
        ("application/vnd.openxmlformats-", "application/vnd.ms-", "application/vnd.oasis.opendocument.")
    ):
        return "document"
    return "other"


def call_words(features: Any, block_reason: Any, deleted: Any, *, video: bool = False) -> str | None:
    """Return the words of a call that stand beside the tag of its type."""
    words = ["video"] if video or (whole(features) or 0) & FEATURE_VIDEO else []
    if (why := BLOCK_REASONS.get(whole(block_reason) or 0)) is not None:
        words.append(why)
    if whole(deleted):
        words.append("marked_deleted")
    return " ".join(words) or None


def app_of_account(component: Any) -> str:
    """Return the channel of a call by the component of its account: the phone's own, or the app that wrote it."""
    return _APPS.get((text(component) or "").partition("/")[0], "phone")


def sim(raw: Any) -> str | None:
    """Return the SIM that was used; -1 is Android's word for none."""
    given = (text(raw) or "").strip()
    return given if given != "-1" and WORD.fullmatch(given) else None


# -- who


class Numbers:
    """Numbers of a file: normalised once each, with what the file shows of the owner's own.

    Parameters
    ----------
    phone : callable
        ``Context.phone``.
    """

    def __init__(self, phone: Callable[[str | None], tuple[str | None, str]]) -> None:
        self._phone = phone
        self.owners: set[str] = set()
        self.maybe_owners: set[str] = set()
        self.others: set[str] = set()
        self.of: Memo[str | None, Number] = Memo(self._of)
        self.account: Memo[str | None, str | None] = Memo(self._account)

    def _of(self, given: str | None) -> Number:
        if given in _TOKENS:
            given = None
        if given in _UNKNOWN_SENDERS:
            return None, given, "unknown_caller"
        identifier, kind = self._phone(given)
        return identifier, given or None, kind

    def peer(self, given: str | None) -> Number:
        """Return identifier, raw text and kind of a number that is somebody else's."""
        found = self.of[given]
        self.other(found[0])
        return found

    def other(self, identifier: str | None) -> None:
        """Remember that an identifier is not the owner's."""
        if identifier is not None and len(self.others) < MAX_MEMO and len(identifier) <= MAX_KEY:
            self.others.add(identifier)

    def _account(self, raw: str | None) -> str | None:
        given = (raw or "").strip()
        if not given:
            return None
        identifier, kind = self._phone(given)
        if identifier is not None and kind == "phone" and len(self.owners) < 64:
            self.owners.add(identifier)
        return given if kind == "phone" or WORD.fullmatch(given) else None

    def shown(self) -> list[str]:
        """Return the identifiers that the file shows to be the owner's, sorted."""
        maybe = self.maybe_owners - self.others if len(self.others) < MAX_MEMO else set()
        return sorted(self.owners | maybe)

    def thread(self, members: Sequence[Number], roles: Sequence[Role], direction: str) -> Thread:
        """Return who is on the other side of a message, and the thread.

        Parameters
        ----------
        members : sequence of Number
            The distinct numbers to which the thread belongs, the owner's not among them as far as the phone knows.
        roles : sequence of Role
            The addresses of the message itself, if it has any.
        direction : str
            ``in``, ``out`` or ``unknown``.
        """
        for (identifier, _, kind), role in roles:
            if role == FROM and direction == "in":
                self.other(identifier)
            elif role == FROM and direction == "out" and kind == "phone" and len(self.maybe_owners) < 64:
                self.maybe_owners.add(identifier or "")
        sender = next((who for who, role in roles if role == FROM), NOBODY)
        everybody = {who[0] for who, _ in roles if who[0] is not None}
        addressed = {who[0] for who, role in roles if role != FROM and who[0] is not None}
        ids = {who[0] for who in members if who[0] is not None}
        rcs = len(members) == 1 and _RCS_GROUP.fullmatch(members[0][1] or "") is not None
        if len(ids) > 1:
            thread, people = ids, len(ids) + 1
        elif rcs and not everybody:
            thread, people = ids, 0
        elif direction == "out" and (rcs or len(addressed - {sender[0]}) > 1):
            thread, people = everybody, len(everybody) + (sender[0] is None)
        elif rcs or len(everybody) > 2:
            thread, people = everybody, len(everybody) + (not addressed)
        else:
            who = members[0] if members else NOBODY
            if who[0] is None and direction == "in":
                who = sender if sender[0] is not None else who
            elif who[0] is None and direction == "out":
                who = next((w for w, role in roles if role != FROM and w[0] is not None), who)
            differs = direction == "in" and sender[0] is not None and sender[0] != who[0]
            return *who, who[0], "direct", None, differs
        if direction != "in":
            sender = NOBODY
        return *sender, group_thread_id(x for x in thread if x is not None), "group", people or None, False


class Seconds:
    """Counts the kept records of each second, to find those that a restore wrote."""

    _FOLD = 4_000_000

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.int32]] = []
        self._rows = 0
        self._limit = self._FOLD

    def add(self, local_time: npt.NDArray[np.int64]) -> None:
        """Add kept records by their times in µs."""
        self._parts.append((local_time // 1_000_000).astype(np.int32))  # readings lie before 2035
        self._rows += len(local_time)
        if self._rows >= self._limit:
            # of a file of many millions: seconds with a single record so far are dropped, so memory stays flat
            seconds = self._sorted()
            same = seconds[1:] == seconds[:-1]
            seconds = seconds[np.append(same, False) | np.append(False, same)]
            self._parts, self._rows = [seconds], len(seconds)
            self._limit = max(self._FOLD, 2 * self._rows)

    def _sorted(self) -> npt.NDArray[np.int32]:
        seconds = np.concatenate([np.empty(0, np.int32), *self._parts])
        self._parts.clear()
        seconds.sort()
        return seconds

    def crowded(self) -> int:
        """Return the number of seconds with more than :data:`MANY_PER_SECOND` records; empties the count."""
        seconds = self._sorted()
        ahead = seconds[MANY_PER_SECOND:]
        return len(np.unique(ahead[ahead == seconds[: len(ahead)]]))


# -- rows


def instants(values: Sequence[Any]) -> tuple[npt.NDArray[np.int64], dict[int, str]]:
    """Return readings in ms as µs since 1970, and for those that are no time of a record why not, by place."""
    kinds = set(map(type, values))
    given: Sequence[int | None]
    if kinds == {int}:
        given = values
    elif kinds == {str} and all(v.isdecimal() and v.isascii() and len(v) < 18 for v in values):
        given = list(map(int, values))
    else:
        given = [v if type(v) is int else whole(v) for v in values]
    at = (
        np.fromiter(
            (0 if v is None else v if -_FAR < v < _FAR else _FAR if v > 0 else -_FAR for v in given),
            np.int64,
            len(given),
        )
        * 1000
    )
    bad = ~((at >= PLAUSIBLE_FROM_US) & (at < PLAUSIBLE_TO_US) & (at != APPLE_EPOCH_US))
    wrong: dict[int, str] = {}
    for k in np.flatnonzero(bad).tolist():
        if given[k] is not None:
            wrong[k] = implausible_time(int(at[k])) or ""
        elif values[k] is None or values[k] == "":
            wrong[k] = implausible_time(None) or ""
        else:
            wrong[k] = "the time is not a number"
    return at, wrong


def mms_instant(raw: Any, ms_part: Any = None) -> tuple[int, str, str | None]:
    """Return the time of an MMS in µs, its precision, and why it is none.

    Android keeps it in seconds; some phones write milliseconds, or their part in a column of its own.
    """
    seconds = whole(raw)
    if seconds is None:
        missing = raw is None or raw == ""
        return 0, "s", implausible_time(None) if missing else "the time is not a number"
    if seconds >= _MMS_IN_MS:
        us, precision = min(seconds, _FAR) * 1000, "ms"
    else:
        us, precision = max(seconds, -_FAR) * 1_000_000, "s"
        part = whole(ms_part)
        if part is not None and 0 < part < 1000:
            us, precision = us + part * 1000, "ms"
    return us, precision, implausible_time(us)


class Parts:
    """The parts of one MMS: characters of its text, kind of its attachment."""

    __slots__ = ("attachment", "characters", "met")

    def __init__(self) -> None:
        self.met = 0
        self.characters: int | None = 0  # None if one cannot be told
        self.attachment: str | None = None

    def add(self, content_type: Any, size: int | None, elsewhere: bool) -> None:
        """Add a part; ``elsewhere`` says that its text lies in another file."""
        self.met += 1
        attachment, is_text = _MEDIA[text(content_type) or ""]
        if attachment is not None:
            self.attachment = self.attachment or attachment
        elif is_text:
            if size is None and not elsewhere:
                size = 0
            self.characters = None if size is None or self.characters is None else self.characters + size


_MEDIA: Memo[str, tuple[str | None, bool]] = Memo(media)

#: columns of a row of an MMS, in order
_MMS_COLUMNS = (
    "n", "record", "local_time", "ts_precision", "direction", "status", "identifier", "identifier_raw", "identifier_kind",
    "actor", "owner_line", "thread_id", "thread_kind", "participants_n", "directed", "size", "attachment", "tags",
)  # fmt: skip


class Traffic:
    """Messages and calls of one file on their way to the sink, column by column, and what is to be said of them.

    Parameters
    ----------
    context : Context
        Its ``phone`` normalises numbers.
    out : Sink
        Where the rows go.
    """

    def __init__(self, context: Context, out: Sink) -> None:
        self.out = out
        self.numbers = Numbers(context.phone)
        self.seconds = Seconds()
        self.channels: Counter[tuple[str, str]] = Counter()  # (channel, kind) of kept rows
        self.strange: Counter[str] = Counter()
        self.strange_total = 0
        self.sender_differs = 0
        self.pending_overflow = False
        self._line: Memo[Any, str | None] = Memo(sim)
        self._peer: Memo[Any, Number] = Memo(lambda raw: self.numbers.peer(text(raw)))
        self._sms: Memo[Any, Any] = Memo(lambda key: sms_codes(whole(key[0]), whole(key[1])))
        self._call: Memo[Any, Any] = Memo(lambda key: call_codes(whole(key[0]), whole(key[1])))
        self._caller: Memo[Any, Number] = Memo(self._withheld)
        self._mms: list[tuple[Any, ...]] = []
        self._pending: list[tuple[tuple[Any, ...], tuple[int, ...]]] = []
        self._retrieved: array[int] = array("Q")

    # -- SMS

    def sms(
        self, n: Sequence[int], records: Sequence[str], *, kinds: Sequence[Any], statuses: Sequence[Any],
        dates: Sequence[Any], addresses: Sequence[Any], sizes: Sequence[int | None], lines: Sequence[Any],
        tags: Sequence[str | None] | None = None, channel: str = "sms",
    ) -> None:  # fmt: skip
        """Judge records of SMS and hand over those that are kept.

        Parameters
        ----------
        n, records
            Numbers and locators.
        kinds, statuses, dates, addresses
            ``type``, ``status``, ``date`` (ms) and ``address`` as the file has them.
        sizes
            Characters of the texts.
        lines
            ``sub_id``, or the owner's number.
        tags
            Words of the reader.
        channel
            ``sms``, or ``mms`` where a log keeps both alike.
        """
        codes = [self._sms[key] for key in zip(kinds, statuses, strict=True)]
        at, keep = self._sift(n, records, dates, codes, kinds)
        if not keep.any():
            return
        everything = bool(keep.all())
        mask = keep.tolist()

        def kept(values: Sequence[Any]) -> list[Any]:
            return list(values) if everything else list(compress(values, mask))

        direction, status, actor, directed, _ = map(list, zip(*kept(codes), strict=True))
        identifier, raw, kind = map(list, zip(*map(self._peer.__getitem__, kept(addresses)), strict=True))
        at = at[keep]
        rows = len(identifier)
        self.seconds.add(at)
        self.channels[channel, "message"] += rows
        self.out.events(
            rows,
            {
                "n": kept(n), "record": kept(records), "local_time": at.tolist(), "ts_precision": "ms",
                "zone_basis": "utc", "channel": channel, "kind": "message", "direction": direction, "status": status,
                "identifier": identifier, "identifier_raw": raw, "identifier_kind": kind, "actor": actor,
                "directed": directed, "owner_line": [self._line[v] for v in kept(lines)], "thread_id": identifier,
                "thread_kind": "direct", "size": kept(sizes), "attachment": "none" if channel == "sms" else None,
                "tags": None if tags is None else kept(tags),
            },
        )  # fmt: skip

    def _sift(
        self, n: Sequence[int], records: Sequence[str], dates: Sequence[Any], codes: Sequence[Any], kinds: Sequence[Any]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Reject what has no time, count what was never sent; return times and which records are kept."""
        at, wrong = instants(dates)
        verdicts = np.fromiter((code[-1] for code in codes), np.int8, len(codes))
        keep = verdicts != OUT_OF_SCOPE
        if unsent := len(codes) - int(keep.sum()):
            self.out.out_of_scope(unsent)
        for k, reason in wrong.items():
            if keep[k]:
                self.out.reject(n[k], records[k], reason)
                keep[k] = False
        for k in np.flatnonzero(keep & (verdicts == UNKNOWN_TYPE)).tolist():
            self._strange_type(kinds[k])
        return at, keep

    def _strange_type(self, kind: Any) -> None:
        self.strange_total += 1
        if len(self.strange) < 20:
            given = whole(kind)
            self.strange[str(given) if given is not None and abs(given) < 1_000_000 else "no number"] += 1

    # -- MMS

    def mms(
        self, n: int, record: str, *, box: Any, m_type: Any, date: Any, ms_part: Any = None, members: Sequence[Number],
        roles: Sequence[Role], ids: Sequence[Any] = (), line: Any, parts: Parts | None, text_only: bool = False,
        kept_texts_only: bool = False, tags: str | None = None,
    ) -> None:  # fmt: skip
        """Judge one MMS.

        Parameters
        ----------
        n, record
            Number and locator.
        box, m_type, date, ms_part
            ``msg_box``, ``m_type``, ``date`` (s) and its milliseconds, as the file has them.
        members, roles
            See :meth:`Numbers.thread`.
        ids : sequence
            What a notification and its download have in common: ``m_id``, ``tr_id``, ``ct_l``; missing ones are None.
        line
            ``sub_id``, or the owner's number.
        parts : Parts or None
            None if the file does not say.
        text_only : bool
            The file says that there is no attachment.
        kept_texts_only : bool
            The file keeps the text alone: whether there was an attachment cannot be told.
        tags : str, optional
            Words of the reader.
        """
        box_code, kind = whole(box), whole(m_type)
        direction, status, actor, directed, verdict = box_codes(box_code)
        if kind in MMS_TRANSPORT:
            verdict = OUT_OF_SCOPE
        if verdict == OUT_OF_SCOPE:
            self.out.out_of_scope()
            return
        us, precision, why = mms_instant(date, ms_part)
        if why is None and len(roles) > MAX_ADDRESSES:
            why = f"it names more than {MAX_ADDRESSES} addresses"
        if why is not None:
            self.out.reject(n, record, why)
            return
        if verdict == UNKNOWN_TYPE:
            self._strange_type(box)
        thread = self.numbers.thread(members, roles, direction)
        self.sender_differs += thread[6]
        notification = kind == MMS_NOTIFICATION and direction == "in"
        keys = _keys(ids) if notification or kind == MMS_RETRIEVED else ()
        if kind == MMS_RETRIEVED:
            self._retrieved.extend(keys)
        size = parts.characters if parts is not None and (parts.met or not notification) else None
        attachment = parts.attachment if parts is not None else None
        if (
            attachment is None
            and not kept_texts_only
            and not notification
            and ((parts is not None and parts.met) or text_only)
        ):
            attachment = "none"
        words = [*(["notification"] if notification else []), *([tags] if tags else [])]
        row = (
            n, record, us, precision, direction, "pending" if notification else status, *thread[:3], actor,
            self._line[line], *thread[3:6], "no" if thread[4] == "group" else directed, size, attachment,
            " ".join(words) or None,
        )  # fmt: skip
        if notification and keys:
            if len(self._pending) >= MAX_PENDING:
                self.pending_overflow = True
                self._settle_pending()
            self._pending.append((row, keys))
        else:
            self._mms.append(row)
            if len(self._mms) >= MAX_PENDING:
                self._flush_mms()

    def _settle_pending(self) -> None:
        """Keep the notifications whose download is not in the file."""
        if not self._pending:
            return
        retrieved = np.frombuffer(self._retrieved, np.uint64) if self._retrieved else np.empty(0, np.uint64)
        asked = np.array([key for _, keys in self._pending for key in keys], np.uint64)
        there = set(asked[np.isin(asked, retrieved)].tolist())
        del retrieved  # the buffer cannot grow while it is looked at
        for row, keys in self._pending:
            if there.isdisjoint(keys):
                self._mms.append(row)
            else:
                self.out.out_of_scope()
        self._pending.clear()

    def _flush_mms(self) -> None:
        if not self._mms:
            return
        columns: dict[str, Any] = {
            name: list(values) for name, values in zip(_MMS_COLUMNS, zip(*self._mms, strict=True), strict=True)
        }
        rows = len(self._mms)
        self._mms = []
        self.channels["mms", "message"] += rows
        self.seconds.add(np.array(columns["local_time"], np.int64))
        self.out.events(rows, {**columns, "zone_basis": "utc", "channel": "mms", "kind": "message"})

    # -- calls

    def calls(
        self, n: Sequence[int], records: Sequence[str], *, kinds: Sequence[Any], durations: Sequence[Any],
        dates: Sequence[Any], numbers: Sequence[Any], normalized: Sequence[Any], presentations: Sequence[Any],
        lines: Sequence[Any], channels: Sequence[str] | str = "phone", tags: Sequence[str | None] | None = None,
    ) -> None:  # fmt: skip
        """Judge records of calls and hand over those that are kept.

        Parameters
        ----------
        n, records
            Numbers and locators.
        kinds, durations, dates, numbers, normalized, presentations
            ``type``, ``duration`` (s), ``date`` (ms), ``number``, ``normalized_number`` and ``presentation`` as the file has them.
        lines
            The owner's line.
        channels
            The app that carried the call.
        tags
            Further words of the reader.
        """
        codes = [self._call[key] for key in zip(kinds, durations, strict=True)]
        at, keep = self._sift(n, records, dates, codes, kinds)
        if not keep.any():
            return
        everything = bool(keep.all())
        mask = keep.tolist()

        def kept(values: Sequence[Any]) -> list[Any]:
            return list(values) if everything else list(compress(values, mask))

        direction, actor, directed, answered, seconds, words, _ = map(list, zip(*kept(codes), strict=True))
        callers = zip(kept(numbers), kept(normalized), kept(presentations), strict=True)
        identifier, raw, kind = map(list, zip(*map(self._caller.__getitem__, callers), strict=True))
        if tags is not None:
            words = [" ".join(filter(None, pair)) or None for pair in zip(words, kept(tags), strict=True)]
        at = at[keep]
        rows = len(identifier)
        carried = channels if isinstance(channels, str) else kept(channels)
        self.seconds.add(at)
        for name, count in Counter([carried] * rows if isinstance(carried, str) else carried).items():
            self.channels[name, "call"] += count
        self.out.events(
            rows,
            {
                "n": kept(n), "record": kept(records), "local_time": at.tolist(), "ts_precision": "ms",
                "zone_basis": "utc", "channel": carried, "kind": "call", "direction": direction,
                "identifier": identifier, "identifier_raw": raw, "identifier_kind": kind, "actor": actor,
                "directed": directed, "owner_line": kept(lines), "thread_id": identifier, "thread_kind": "direct",
                "answered": answered, "duration_s": seconds, "tags": words,
            },
        )  # fmt: skip

    def _withheld(self, key: tuple[Any, Any, Any]) -> Number:
        """Return the other side of a call, where ``presentation`` may say that the number was withheld."""
        number = text(key[0])
        hidden = PRESENTATIONS.get(whole(key[2]) or 0)
        if hidden is not None:
            return None, self.numbers.of[number][1], hidden
        exact = text(key[1])
        if number is not None and exact is not None and exact.startswith("+") and not number.strip().startswith("+"):
            # the phone's own reading of the number in the country where it was; believed if it is this number
            own, full = re.sub(r"\D", "", number).lstrip("0"), re.sub(r"\D", "", exact)
            identifier, kind = self.numbers.of[exact][0], self.numbers.of[exact][2]
            if kind == "phone" and len(own) >= 7 and (full.endswith(own) or (full.endswith(own[1:]) and own[0] == "8")):
                self.numbers.other(identifier)
                return identifier, exact, kind  # raw is read again when the case's country is corrected
        return self.numbers.peer(number)

    # -- the file as a whole

    def flush(self) -> None:
        """Hand over what waits."""
        self._settle_pending()
        self._flush_mms()

    def remarks(self) -> None:
        """Say what is to be said of all records; after :meth:`flush`."""
        out = self.out
        if owners := self.numbers.shown():
            out.owner(owners)
        if self.strange_total:
            kinds = ", ".join(sorted(self.strange))
            out.note(
                f"{self.strange_total} records are of a type whose direction is not known and was left open (types: {kinds})"
            )
        if self.sender_differs:
            out.note(
                f"{self.sender_differs} incoming MMS name another sender inside than in their address; the address was taken"
            )
        if self.pending_overflow:
            out.note("very many MMS notifications: one that was downloaded further down in the file may stand twice")
        if crowded := self.seconds.crowded():
            out.note(
                f"{crowded} seconds hold more than {MANY_PER_SECOND} records each: "
                "messages that were restored to a phone may carry the time of restoring"
            )


def _keys(ids: Sequence[Any]) -> tuple[int, ...]:
    """Return hashes of the ids by which a notification and its download are matched."""
    return tuple(
        int.from_bytes(
            hashlib.blake2b(f"{k}{value}".encode("utf-8", "replace"), digest_size=8).digest(), "big"
        )
        for k, raw in enumerate(ids)
        if (value := text(raw)) is not None and value != "null"
    )  # fmt: skip
