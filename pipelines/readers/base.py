"""The reader contract: what a format's one file must offer, and what it is given.

A reader is a module in :mod:`pipelines.readers` that binds the name ``READER`` to an object with the three members of
:class:`Reader`. The registry (:mod:`pipelines.readers`) finds it; nothing else is edited to add a format.

A reader knows no law, no contact and no time zone. It writes down what the file says, record by record, and gives every
record one of three ends: *kept* (one row or several), *rejected* (with a reason that holds no content) or *out of scope*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

#: readings before or after these years are "no time": kept out with a reason, never repaired [P].
#: 2001-01-01T00:00:00 exactly is the zero of Apple's clock and is treated the same.
PLAUSIBLE_FROM_US = 631_152_000_000_000  # 1990-01-01
PLAUSIBLE_TO_US = 2_051_222_400_000_000  # 2035-01-01
APPLE_EPOCH_US = 978_307_200_000_000


def implausible_time(us: int | None) -> str | None:
    """Return why a reading (µs since 1970) cannot be a time of the record, or None if it can."""
    if us is None:
        return "no time"
    if us in (0, -1, -1000, -1_000_000) or 0 <= us < 86_400_000_000:
        return "time is zero: no time was recorded"
    if us == APPLE_EPOCH_US:
        return "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"
    if us < PLAUSIBLE_FROM_US:
        return "time lies before 1990"
    if us >= PLAUSIBLE_TO_US:
        return "time lies in or after 2035"
    return None


class Waiting(Exception):
    """The file cannot be read without an option: it waits, nothing of it is stored.

    Parameters
    ----------
    reason : str
        One sentence: what the file leaves open.
    lines : str
        The TOML lines to add to ``case.toml``, without the ``match`` line (ingest adds that).
    """

    def __init__(self, reason: str, lines: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lines = lines


class Unreadable(Exception):
    """The file is broken or hostile as a whole: one sentence, with the record where reading stopped."""

    def __init__(self, reason: str, record: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record


@dataclass(frozen=True, slots=True)
class Option:
    """An option of ``[[source]]`` that the reader understands."""

    key: str
    meaning: str
    required_when: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """The frozen description of a format; ``version`` grows when rows or ids of the same file would change."""

    id: str
    version: int
    title: str
    channels: tuple[str, ...]
    counts: str  # what n counts
    knowledge: str  # where the knowledge of the format comes from
    evidence: str  # "real sample", "public code" or "documentation"
    cannot_tell: tuple[str, ...]
    options: tuple[Option, ...] = ()
    versions: str = ""  # versions of the app or tool that were seen
    #: seconds by which its clock may differ from the owner's phone, and what the start of a call means: used to know the
    #: same call in another source (see :mod:`pipelines.resolve.duplicates`) [P]
    clock_s: int = 0
    call_start: str = "unknown"  # "ringing" (dialling or ringing began), "answer" or "unknown"
    duration_step_s: int = 1  # durations are rounded to so many seconds


@dataclass(frozen=True, slots=True)
class Claim:
    """A reader's word that it knows a file: how sure (1 to 100) and why. Two equal claims are an error."""

    sure: int
    reason: str


@dataclass(frozen=True, slots=True)
class Head:
    """What recognition may look at: the first bytes, the names, the size."""

    data: bytes  # the first 64 KiB, as they are
    name: str
    container: str | None
    size: int
    source: SourceFile | None = (
        None  # for formats whose kind stands elsewhere: a database, a workbook, a companion file
    )


class Beside(Protocol):
    """The files that lie with a source: those of its archive, or of the folder that the user named (else of its own folder).

    A reader may look things up there (who the owner is, which name belongs to a number). What it takes is said with
    :meth:`Sink.companion`, so that the case knows which bytes stand behind a row.
    """

    def find(self, pattern: str) -> Sequence[SourceFile]:
        """Return the files whose path, seen from the root, matches a shell pattern (case ignored), sorted by path.

        ``*/x.json`` also matches ``x.json`` at the root. Links, refused and empty files are not among them.
        """


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source to read: a file, or a member of an archive that is never unpacked to disk.

    ``open()`` gives a fresh binary stream from the first byte; it may be called again for a second pass. ``read(n)`` of it gives
    n bytes as long as the source has them. Only streams of plain files can seek (``seekable()``); ``path`` is set for those and None for members.
    """

    source_id: str
    name: str
    container: str | None
    size: int
    open: Callable[[], BinaryIO]
    path: str | None = None
    entry_us: int | None = None  # the archive's own time of the member, local clock, µs
    beside: Beside | None = None  # the other files of the same folder or archive
    wal: Callable[[], BinaryIO] | None = None  # write-ahead log of a SQLite database: part of the source
    wal_size: int = 0
    sha256: str = ""  # of the bytes, those of the write-ahead log after them


@dataclass(frozen=True, slots=True)
class Context:
    """What of ``case.toml`` a reader may know. Everything else is resolved later, on every load.

    ``owner_names`` and ``contact_names`` hold bare names as well as identifiers, NFC. ``phone`` normalises a raw number:
    it returns ``(identifier or None, identifier_kind)`` and is cached.
    """

    phone: Callable[[str | None], tuple[str | None, str]]
    owner_names: frozenset[str] = frozenset()
    contact_names: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)  # owner, date_order, timezone, subject ...


class Sink(Protocol):
    """Where a reader puts what it found. Everything is counted; nothing is held in memory beyond a chunk."""

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add event rows, array at a time.

        Parameters
        ----------
        rows : int
            Number of rows.
        columns : mapping
            Column name to a sequence of ``rows`` values (list, NumPy or Arrow array) or to one value for all of them.
            Needed: ``n``, ``record``, ``local_time``, ``kind``, ``direction``. ``sub`` (default 1) numbers the rows of one
            record; events come first, then positions. Everything else has the default of :data:`EVENT_DEFAULTS`.
        """

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add position rows; needed: ``n``, ``record``, ``local_time``, ``kind``, ``subject``. See :meth:`events`."""

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Add entries of a list (an address book, blocked accounts, requests without a date).

        Needed: ``n``, ``record``, ``list``, ``channel``. A list is no act: what has a date and is an act (a block that the
        owner made, a request that came in) is an event instead. See :meth:`events` and :data:`LISTED_DEFAULTS`.
        """

    def companion(self, role: str, source: SourceFile) -> None:
        """Say that another file was looked at (``role``: "contacts", "profile", "devices" ...)."""

    def reject(self, n: int, record: str, reason: str) -> None:
        """Say why record n could not be used (no content in the reason)."""

    def out_of_scope(self, records: int = 1) -> None:
        """Count records that are no communication (system lines, drafts, planned routes ...)."""

    def read(self, records: int) -> None:
        """Add to the number of records that the reader met, counted apart from what became of them."""

    def note(self, text: str) -> None:
        """Note something about the file as a whole, in one sentence without content."""

    def owner(self, identifiers: Sequence[str]) -> None:
        """Say which identifiers the file itself shows to be the owner's."""

    def coverage(
        self, channel: str, classes: str, *, scope: str = "all", scope_id: str | None = None,
        local_from: int | None = None, local_to: int | None = None, zone_basis: str | None = None,
        stated_offset_s: int | None = None, basis: str = "observed", complete: str = "unknown",
    ) -> None:  # fmt: skip
        """Say what the file covers. Without times the first and last kept record of that channel are taken."""


class Discard:
    """A sink that drops everything: for a reading that is not after rows, and to build sinks of one purpose on."""

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Drop the rows."""

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Drop the rows."""

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Drop the entries."""

    def companion(self, role: str, source: SourceFile) -> None:
        """Drop the word."""

    def reject(self, n: int, record: str, reason: str) -> None:
        """Drop the reject."""

    def out_of_scope(self, records: int = 1) -> None:
        """Drop the count."""

    def read(self, records: int) -> None:
        """Drop the count."""

    def note(self, text: str) -> None:
        """Drop the note."""

    def owner(self, identifiers: Sequence[str]) -> None:
        """Drop the identifiers."""

    def coverage(
        self, channel: str, classes: str, *, scope: str = "all", scope_id: str | None = None,
        local_from: int | None = None, local_to: int | None = None, zone_basis: str | None = None,
        stated_offset_s: int | None = None, basis: str = "observed", complete: str = "unknown",
    ) -> None:  # fmt: skip
        """Drop the span."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a record stands in the text of its source, as the reader cuts it.

    Offsets count bytes of the text as UTF-8 without byte order mark: those of the file, ``mark`` bytes less, if
    ``encoding`` is empty; else those of the file decoded by ``encoding`` (faulty bytes become U+FFFD).
    """

    start: int
    end: int | None  # None: up to the end of the file
    complete: bool  # False if the source ends or breaks inside the record
    encoding: str = ""
    mark: int = 0


class Finder(Protocol):
    """What a reader may offer beside :class:`Reader`: to find a record again by the very steps by which it was read.

    Needed where a reader goes on after damage: whoever cuts a damaged file in another way opens another record. A reader
    without it writes locators that can be followed in the file without knowing the format.
    """

    def find(self, source: SourceFile, record: str, n: int | None = None) -> Span | None:
        """Find a record that :meth:`Reader.read` kept or rejected.

        Parameters
        ----------
        source : SourceFile
            The source, which is streamed again.
        record : str
            The locator.
        n : int, optional
            The number of the record: a damaged file may hold two of the same locator. Without it the first is taken.

        Returns
        -------
        Span or None
            None if the reader meets no such record.
        """


class Reader(Protocol):
    """One format."""

    @property
    def description(self) -> Description:
        """The frozen description."""

    def recognise(self, head: Head) -> Claim | None:
        """Say whether this is the reader's format, by content; a name alone is never enough."""

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the source into ``out``.

        Raises
        ------
        Waiting
            An option is needed.
        Unreadable
            The file as a whole cannot be read.
        """


EVENT_DEFAULTS: dict[str, Any] = {
    "sub": 1, "stated_offset_s": None, "ts_precision": "s", "zone_basis": "utc", "channel": "other", "status": "unknown",
    "identifier": None, "identifier_raw": None, "identifier_kind": "none", "sender": None, "actor": "unknown",
    "via_identifier": None, "owner_line": None, "thread_id": None, "thread_kind": "unknown", "participants_n": None,
    "directed": "unknown", "answered": None, "duration_s": None, "size": None, "attachment": None, "how": "device",
    "written_at": None, "witness": None, "tags": None,
}  # fmt: skip
POSITION_DEFAULTS: dict[str, Any] = {
    "sub": 1, "stated_offset_s": None, "ts_precision": "s", "zone_basis": "utc", "local_end": None, "end_offset_s": None,
    "subject_id": None, "identifier": None, "identifier_raw": None, "sender": None, "lat": None, "lon": None,
    "accuracy_m": None, "accuracy_kind": "unknown", "place_id": None, "device_tag": None, "source_how": "unknown",
    "how": "device", "written_at": None, "witness": None, "tags": None,
}  # fmt: skip
LISTED_DEFAULTS: dict[str, Any] = {
    "sub": 1, "local_time": None, "stated_offset_s": None, "ts_precision": None, "zone_basis": None, "identifier": None,
    "identifier_raw": None, "identifier_kind": "none", "label": None, "tags": None,
}  # fmt: skip
