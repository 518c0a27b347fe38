"""What ``case.toml`` says, as plain values (see :mod:`pipelines.case_file` for the strict loader)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a person wrote it: a wall clock reading and how exact it is.

    ``local_us`` counts µs since 1970-01-01T00:00 of that clock; ``offset_s`` is the offset written with it, or None for the
    case's zone; ``precision`` is a value of ``detector.schema.PRECISIONS`` (``s`` for a date and time, ``day`` for a date).
    """

    local_us: int
    offset_s: int | None
    precision: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the owner's life: a circle with a validity period. ``radius_m`` is in metres, ``lat`` and ``lon`` in degrees (WGS 84)."""

    id: str
    kind: str
    lat: float
    lon: float
    radius_m: float
    valid_from: Moment | None = None
    valid_to: Moment | None = None  # a date: that day still belongs to it
    shared_with: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """One ``[[source]]`` table. ``match`` is a shell pattern on the name, ``container!name`` or the source id."""

    match: str
    timezone: str | None = None  # IANA name or a fixed offset such as +06:00
    date_order: str | None = None  # dmy, mdy or ymd
    owner: str | None = None
    subject: str | None = None  # "owner" or a contact id: whose track a file without names is
    format: str | None = None  # id of the format, where the content cannot say it
    encoding: str | None = None  # of a text that does not say its own, such as windows-1251
    delimiter: str | None = None  # between the columns of a text table: one character
    layout: str | None = None  # name of a known arrangement of columns
    columns: tuple[tuple[str, str], ...] = ()  # (what it is, name or number of the column)

    def options(self) -> dict[str, str]:
        """Return what is set, without ``match``; columns as ``columns.<what>``."""
        plain = ("timezone", "date_order", "owner", "subject", "format", "encoding", "delimiter", "layout")
        found = {key: value for key in plain if (value := getattr(self, key)) is not None}
        return found | {f"columns.{key}": value for key, value in self.columns}


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or service on the other side, as declared. ``role`` is a value of ``detector.schema.ROLES``."""

    id: str
    label: str
    role: str
    identifiers: tuple[str, ...]  # as written; pipelines.resolve normalises them


@dataclass(frozen=True, slots=True)
class Notice:
    """A dated moment from which contact is known to be unwanted. ``kind`` is a value of ``detector.schema.NOTICE_KINDS``."""

    contact: str
    at: Moment
    kind: str
    basis: str


@dataclass(frozen=True, slots=True)
class NoticeRefused:
    """A notice that a block or a journal row would make, and that is not to count; or an entry of a list that is not to be offered again."""

    record: str  # id of the event, or of the entry of a list
    reason: str


@dataclass(frozen=True, slots=True)
class Tracker:
    """An unknown tag or device that was attributed to a contact."""

    id: str
    contact: str
    basis: str


@dataclass(frozen=True, slots=True)
class SamePerson:
    """A hypothesis that was decided: an identifier is a contact's (``accepted``), or is not and is not to be suggested again."""

    contact: str
    identifier: str  # as written
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A whole ``case.toml``."""

    id: str
    timezone: str
    basis: str | None  # "consent" or "order"; without it nothing is ingested
    basis_note: str = ""
    region: str | None = None  # two letters; default: the country of the zone
    owner_name: str = ""
    owner_identifiers: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    sources: tuple[SourceOptions, ...] = ()
    contacts: tuple[Contact, ...] = ()
    notices: tuple[Notice, ...] = ()
    notices_refused: tuple[NoticeRefused, ...] = ()
    trackers: tuple[Tracker, ...] = ()
    same_person: tuple[SamePerson, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def identifiers_of(self, contact: Contact) -> tuple[str, ...]:
        """Return the identifiers of a contact as written: those declared, then those accepted."""
        accepted = tuple(s.identifier for s in self.same_person if s.accepted and s.contact == contact.id)
        return (*contact.identifiers, *accepted)
