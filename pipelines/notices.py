"""Notices in force, and what lists of exports offer as candidates for one: listed with reasons, decided by people, applied by nobody else.

A block that has a date and was made by the owner is a notice by itself (:func:`pipelines.resolve.resolve`). An entry of a list is none: a
list of blocked accounts says that somebody was blocked, and mostly not when, so it cannot say from when contact was known to be unwanted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detector.columns import subs
from detector.findings import utc_text
from detector.schema import NOTICE_KINDS
from detector.score import score
from detector.statute import Profile
from pipelines import scoring, store
from pipelines.case_append import Draft, declared_contact, drafted, given_reason, read_back
from pipelines.case_model import CaseFile, Moment, Notice, NoticeRefused
from pipelines.errors import UserError, shown
from pipelines.readers.base import implausible_time
from pipelines.resolve import Resolved, book_labels, book_name, entry_identifiers, moment_utc, resolve
from pipelines.resolve.identity import OWNER, people, undeclared_id
from pipelines.resolve.source_options import options_for
from pipelines.scoring import LoadedCase, local_text

SCHEMA = "qorgan.notices/1"
#: lists that can show that contact was unwanted, and what they say of an entry
LISTS = {
    "blocked": "in a list of blocked accounts", "restricted": "in a list of restricted accounts",
    "reported": "in a list of reported accounts", "muted": "in a list of muted accounts",
    "refused": "in a list of requests that were refused or ignored", "removed": "in a list of contacts that were removed",
}  # fmt: skip
#: how the basis of an accepted entry begins
_FROM_LIST = "list entry "
_ID = re.compile(r"[0-9a-f]{12}#[1-9][0-9]*(?:\.[1-9][0-9]*)?")
_ACCEPTED = re.compile(re.escape(_FROM_LIST) + rf"({_ID.pattern})(?:: |$)")
_AT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """When something was: the moment, its earliest and its latest, µs UTC."""

    at: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of a list, with the further entries that say the same (the same list, exported twice).

    Attributes
    ----------
    entries, records : tuple of str
        Ids of the entries and where they stand, the kept one first.
    name, channel : str
        The list and the app that it belongs to.
    tags : str
        Words of the reader.
    identifier : str or None
        Whom it names; None if nobody.
    contact : str or None
        The contact, declared or not.
    declared : bool
        Is that contact declared.
    label : str
        What the contact, or the list, is called.
    times : Times or None
        Its own date; None if it has none.
    state : str
        ``open``, ``accepted``, ``refused``, or ``notice`` if the same record is a notice already.
    note : str
        The reason of that decision, or the id of that notice.
    """

    entries: tuple[str, ...]
    records: tuple[str, ...]
    name: str
    channel: str
    tags: str
    identifier: str | None
    contact: str | None
    declared: bool
    label: str
    times: Times | None
    state: str
    note: str

    @property
    def why(self) -> str:
        """Say why it is a candidate."""
        return LISTS[self.name] + (f" ({self.tags})" if self.tags else "")


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a case: declared contacts first, then those of whom something is on file; ``own`` counts entries of the owner herself."""

    found: tuple[Candidate, ...]
    own: int

    def of(self, entry: str) -> Candidate | None:
        """Return the candidate of an entry's id."""
        return next((c for c in self.found if entry in c.entries), None)


def candidates(resolved: Resolved, case: CaseFile) -> Candidates:
    """Collect the entries of lists that could be notices.

    Parameters
    ----------
    resolved : Resolved
        The case.
    case : CaseFile
        What people declared and decided.
    """
    listed = resolved.listed.filter(pc.is_in(resolved.listed["list"], pa.array(sorted(LISTS), pa.string())))
    who, zones = people(case), _zones(resolved, case)
    seen = {c["contact_id"]: c for c in resolved.tables.contacts.to_pylist()}
    declared = {c.id for c in case.contacts}
    own = 0
    alike: dict[tuple[Any, ...], list[tuple[tuple[str, int, int], dict[str, Any]]]] = {}
    rows = listed.to_pylist()
    for row, identifier, sub in zip(
        rows, entry_identifiers(listed, case.region), subs(listed["entry_id"]).tolist(), strict=True
    ):
        contact = None if identifier is None else who.who(identifier) or undeclared_id(identifier)
        if contact == OWNER:
            own += 1
            continue
        place = (row["source_id"], row["n"], sub)
        row |= {"identifier": identifier, "contact": contact, "times": _times(row, zones)}
        # an entry that names nobody is alike to no other
        key = (row["list"], row["channel"], row["tags"], row["times"], identifier or place)
        alike.setdefault(key, []).append((place, row))
    decided = _Decided.of(case, resolved)
    taken = set(seen).union(*(c["identifiers"].split("\n") for c in seen.values()))
    strangers = {
        str(r["identifier"]) for same in alike.values() for _, r in same if r["contact"] and r["contact"] not in seen
    }
    labels = {undeclared_id(i): name for i, name in book_labels(resolved.listed, case, strangers, taken).items()}
    labels |= {contact: row["label"] for contact, row in seen.items()}
    found = [
        _candidate([r for _, r in sorted(same, key=lambda s: s[0])], labels, declared, decided)
        for same in alike.values()
    ]
    known = Counter(resolved.tables.events["contact_id"].to_pylist())

    def order(c: Candidate) -> tuple[Any, ...]:
        return (
            not c.declared,
            -known[c.contact] if not c.declared else 0,
            c.contact or "~",
            _entry_order(c.entries[0]),
        )

    return Candidates(tuple(sorted(found, key=order)), own)


def _entry_order(entry: str) -> tuple[str, int, int]:
    source, _, rest = entry.partition("#")
    n, _, sub = rest.partition(".")
    return source, int(n), int(sub or 1)


def _zones(resolved: Resolved, case: CaseFile) -> dict[str, str]:
    """Return the zone of every source."""
    return {
        s["source_id"]: options_for(case, s["source_id"], s["name"], s["container"]).get("timezone") or case.timezone
        for s in resolved.sources.to_pylist()
    }


def _times(row: Mapping[str, Any], zones: Mapping[str, str]) -> Times | None:
    """Return when an entry says that it was made; a reading that no phone can mean is none."""
    if row["local_time"] is None or row["ts_precision"] is None or implausible_time(row["local_time"]) is not None:
        return None
    offset = {"utc": 0, "stated": row["stated_offset_s"]}.get(row["zone_basis"])
    return Times(*moment_utc(Moment(row["local_time"], offset, row["ts_precision"]), zones[row["source_id"]]))


@dataclass(frozen=True, slots=True)
class _Decided:
    """What is decided about records: accepted and refused by people, and notices by themselves."""

    accepted: dict[str, Notice]
    refused: dict[str, NoticeRefused]
    notices: dict[str, str]  # record without sub -> id of the notice that it makes

    @classmethod
    def of(cls, case: CaseFile, resolved: Resolved) -> _Decided:
        accepted = {m[1]: n for n in case.notices if (m := _ACCEPTED.match(n.basis))}
        of_events = _kept(resolved)
        notices = {e.partition(".")[0]: e for e in resolved.tables.notices["record_id"].to_pylist() if e is not None}
        notices |= {e.partition(".")[0]: kept for e, kept in of_events.items() if kept in notices.values()}
        return cls(accepted, {r.record: r for r in case.notices_refused}, notices)

    def about(self, entries: Iterable[str]) -> tuple[str, str]:
        """Return state and note of the entries of a candidate; a decision about one holds for all."""
        ids = list(entries)
        for e in ids:
            if e in self.accepted:
                return "accepted", self.accepted[e].basis.partition(": ")[2]
        for e in ids:
            if e in self.refused:
                return "refused", self.refused[e].reason
        for e in ids:
            if e.partition(".")[0] in self.notices:
                return "notice", self.notices[e.partition(".")[0]]
        return "open", ""


def _kept(resolved: Resolved) -> dict[str, str]:
    """Return the kept event of every block that is only a further record of it."""
    events = resolved.tables.events
    further = events.filter(pc.and_(pc.equal(events["kind"], "block"), pc.is_valid(events["duplicate_of"])))
    return dict(zip(further["event_id"].to_pylist(), further["duplicate_of"].to_pylist(), strict=True))


def _candidate(
    same: Sequence[dict[str, Any]], labels: Mapping[str, str], declared: set[str], decided: _Decided
) -> Candidate:
    """Return one candidate of entries that say the same."""
    row = same[0]
    entries = tuple(r["entry_id"] for r in same)
    label = labels.get(row["contact"]) or next((name for r in same if (name := book_name(r["label"] or ""))), "")
    state, note = decided.about(entries)
    return Candidate(
        entries, tuple(r["record"] for r in same), row["list"], row["channel"], row["tags"] or "", row["identifier"],
        row["contact"], row["contact"] in declared, label, row["times"], state, note,
    )  # fmt: skip


# What is listed -------------------------------------------------------------------------------------------------------


def listing(loaded: LoadedCase, profile: Profile) -> dict[str, Any]:
    """Return the notices of a case as of now, what lists offer, and the blocks that were taken back.

    Parameters
    ----------
    loaded : LoadedCase
        The case.
    profile : Profile
        The statute by whose numbers a notice is overtaken or contested.

    Returns
    -------
    dict
        ``notices``, each with its ``state``: ``effective``, ``contested``, ``overtaken``, ``refused``; ``candidates``; ``unblocked``; and
        ``own_entries``, the entries that name the owner.
    """
    resolved, case = loaded.resolved, loaded.case
    labels = {c["contact_id"]: c["label"] for c in resolved.tables.contacts.to_pylist()}
    known: list[dict[str, Any]]
    as_of: str | None
    if resolved.last_local_us is None:  # lists alone: no row, and so no moment as of which anything could be judged
        as_of, known, unblocked = None, [_unjudged(n) for n in resolved.tables.notices.to_pylist()], []
    else:
        whole = scoring.ready(loaded)
        begin = scoring.midnight(profile.valid_from, profile.timezone)
        scored = score([whole.tables], profile, [whole.moment], valid_from=begin, prepared=whole.prepared)
        as_of, unblocked = local_text(whole.moment, case.timezone), scoring.unblocked(whole.tables, whole.moment)
        known = [{**n, "state": _state(n)} for n in scoring.notices(scored, whole.tables)]
    spans = [(n["ts_min"], n["ts_max"]) for n in resolved.tables.notices.to_pylist()]  # the same rows in the same order
    offered = candidates(resolved, case)
    return {
        "schema": SCHEMA, "case_id": case.id, "as_of": as_of,
        "statute": {"id": profile.id, "version": profile.version},
        "notices": [
            {**n, "earliest": utc_text(low), "latest": utc_text(high), "label": labels[n["contact_id"]]}
            for n, (low, high) in zip(known, spans, strict=True)
        ],
        "candidates": [_shown(c) for c in offered.found],
        "unblocked": [{**u, "label": labels[u["contact_id"]]} for u in unblocked],
        "own_entries": offered.own,
    }  # fmt: skip


def _unjudged(notice: dict[str, Any]) -> dict[str, Any]:
    state = "refused" if notice["refused"] else "no record"
    return {"contact_id": notice["contact_id"], "at": utc_text(notice["ts"]), "kind": notice["kind"], "basis": notice["basis"],
            "record": notice["record_id"], "refused": notice["refused"], "note": notice["note"], "effective": False,
            "contested": False, "later": False, "state": state}  # fmt: skip


def _state(notice: Mapping[str, Any]) -> str:
    """Return in one word whether a notice of the findings holds."""
    if notice["refused"]:
        return "refused"
    if notice["later"]:
        return "later"
    if not notice["effective"]:
        return "overtaken"
    return "contested" if notice["contested"] else "effective"


def _shown(c: Candidate) -> dict[str, Any]:
    return {
        "entry": c.entries[0], "record": c.records[0], "further_entries": list(c.entries[1:]), "source_id": c.entries[0].partition("#")[0],
        "list": c.name, "channel": c.channel, "why": c.why, "identifier": c.identifier, "contact_id": c.contact,
        "declared": c.declared, "label": c.label, "at": None if c.times is None else utc_text(c.times.at),
        "earliest": None if c.times is None else utc_text(c.times.low), "latest": None if c.times is None else utc_text(c.times.high),
        "state": c.state, "note": c.note,
    }  # fmt: skip


# What is decided ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """What was decided, as a sentence; ``head`` is None where it had been decided before, and nothing was written."""

    sentence: str
    head: str | None


def _loaded(draft: Draft) -> Resolved:
    return resolve(store.read(draft.folder), draft.case)


def accept(
    case_dir: str | Path, entry: str, *, reason: str, at: str | None = None, kind: str | None = None, contact: str | None = None
) -> Done:  # fmt: skip
    """Declare a notice from an entry of a list: a ``[[notice]]`` at the end of ``case.toml``.

    Parameters
    ----------
    case_dir : path
        The case.
    entry : str
        Id of the entry.
    reason : str
        The analyst's words; they stay in ``case.toml``.
    at : str, optional
        When; as in ``case.toml``. An entry with a date of its own needs none.
    kind : str, optional
        Kind of the notice; an entry of a list of blocked accounts needs none.
    contact : str, optional
        Id of the declared contact, where the entry names somebody undeclared, or nobody.

    Raises
    ------
    UserError
        No such entry, something is missing, or something else was decided before; nothing was changed.
    """
    reason = given_reason(reason)
    if kind is not None and kind not in NOTICE_KINDS:
        raise UserError(f"--kind {shown(kind)!r} is not known; allowed are {', '.join(NOTICE_KINDS)}")
    wanted = None if at is None else _parsed(at)
    with drafted(case_dir, "notices") as draft:
        resolved = _loaded(draft)
        found = _entry(resolved, draft.case, entry)
        if contact is not None:
            declared_contact(draft.case, contact)
        if found.declared and contact not in (None, found.contact):
            raise UserError(
                f"{entry} names {shown(str(found.contact))}, who is declared, and not {shown(str(contact))}"
            )
        if found.state == "refused":
            raise UserError(f"{entry} was refused as a notice; take its [[notice_refused]] out of case.toml first")
        if found.state == "notice":
            raise UserError(
                f"the record of {entry} is the notice {found.note} already: it holds without being accepted"
            )
        kind_ = kind or ("blocked" if found.name == "blocked" else None)
        if found.state == "accepted":
            return _accepted_before(draft.case, found, entry, wanted, kind, contact)
        to = contact or (found.contact if found.declared else None)
        if to is None:
            who = f"{shown(str(found.contact))}, who is not declared" if found.contact else "nobody who is known"
            raise UserError(f"{entry} names {who}: name the declared contact with --contact")
        if wanted is None and found.times is None:
            raise UserError(
                f"{entry} has no date of its own: say with --at when it was, as in --at 2025-10-02T18:30:00"
            )
        if kind_ is None:
            raise UserError(
                f"{entry} stands {LISTS[found.name]}: say with --kind what it was, {', '.join(NOTICE_KINDS)}"
            )
        if wanted is None:
            assert found.times is not None
            wanted = own_time(found.times, draft.case.timezone)
        basis = f"{_FROM_LIST}{entry}: {reason}"
        new = draft.with_tables([("notice", {"contact": to, "at": wanted, "kind": kind_, "basis": basis})])
        last = read_back(new, draft.path.name).notices[-1]
        if (last.contact, last.kind, last.basis) != (to, kind_, unicodedata.normalize("NFC", basis)):
            raise UserError("the notice cannot be written in case.toml; nothing was changed")
        head = draft.put(new, [f"--accept={entry}", f"--contact={to}", f"--kind={kind_}", f"--at={wanted.isoformat()}"])
    return Done(_accepted(draft.case, found, entry, last, declared=found.declared), head)


def _entry(resolved: Resolved, case: CaseFile, entry: str) -> Candidate:
    """Return the candidate that is meant.

    Raises
    ------
    UserError
        The id is none, or is that of something else.
    """
    if not _ID.fullmatch(entry):
        raise UserError(f"{shown(entry)!r} is no id of an entry, as in 3f9a12bc04d1#12; qorgan notices lists them")
    found = candidates(resolved, case).of(entry)
    if found is not None:
        return found
    if _notice(resolved, entry) is not None:
        raise UserError(f"{entry} is a notice already: it holds without being accepted, unless it is refused")
    raise UserError(f"no entry {entry} of a list in this case that could be a notice; qorgan notices lists them")


def _notice(resolved: Resolved, record: str) -> dict[str, Any] | None:
    """Return the notice that a record makes, or that it is a further record of."""
    events = resolved.tables.events
    at = pc.index(events["event_id"], record).as_py()
    kept = record if at < 0 else events["duplicate_of"][at].as_py() or record
    found: list[dict[str, Any]] = resolved.tables.notices.filter(
        pc.equal(resolved.tables.notices["record_id"], kept)
    ).to_pylist()
    return found[0] if found else None


def _accepted_before(
    case: CaseFile, found: Candidate, entry: str, at: date | None, kind: str | None, contact: str | None
) -> Done:  # fmt: skip
    """Say that the same was decided before.

    Raises
    ------
    UserError
        Something else was.
    """
    before = next(n for n in case.notices if (m := _ACCEPTED.match(n.basis)) and m[1] in found.entries)
    same = (
        (contact or before.contact) == before.contact
        and (kind or before.kind) == before.kind
        and (at is None or _moment(at) == before.at)
    )
    what = f"accepted as {_notice_text(before)}"
    if not same:
        raise UserError(f"{entry} was {what}; take that [[notice]] out of case.toml first")
    return Done(f"{entry} was {what} before; nothing was changed", None)


def _accepted(case: CaseFile, found: Candidate, entry: str, notice: Notice, *, declared: bool) -> str:
    """Say what was accepted, and what it does not do."""
    more = ""
    if found.times is not None:
        _, low, high = moment_utc(notice.at, case.timezone)
        if high < found.times.low or low > found.times.high:
            more += f"; the entry itself is of {local_text(found.times.at, case.timezone)}"
    if not declared and found.identifier is not None:
        more += f"; {shown(found.identifier)} is not joined to {shown(notice.contact)} by it"
    return (
        f"{entry} is accepted as {_notice_text(notice)}{more}; score the case again "
        "(take the [[notice]] out of case.toml to undo it)"
    )


def refuse(case_dir: str | Path, record: str, *, reason: str) -> Done:
    """Refuse a notice that a device or a journal shows, or an entry of a list: a ``[[notice_refused]]`` at the end of ``case.toml``.

    Parameters
    ----------
    case_dir : path
        The case.
    record : str
        Id of the event or of the entry.
    reason : str
        The analyst's words; they stay in ``case.toml``.

    Raises
    ------
    UserError
        No such notice or entry, or it was accepted before; nothing was changed.
    """
    reason = given_reason(reason)
    if not _ID.fullmatch(record):
        raise UserError(
            f"{shown(record)!r} is no id of a record, as in 3f9a12bc04d1#12 (a declared notice has none: take its [[notice]] out of case.toml)"
        )
    with drafted(case_dir, "notices") as draft:
        resolved = _loaded(draft)
        notice = _notice(resolved, record)
        if notice is not None:
            before, effect = (
                bool(notice["refused"]),
                f"refused as a notice to {shown(notice['contact_id'])}: it does not count",
            )
        else:
            before, effect = _refused_entry(candidates(resolved, draft.case).of(record), record)
        if before:
            return Done(f"{record} was refused before; nothing was changed", None)
        new = draft.with_tables([("notice_refused", {"record": record, "reason": reason})])
        if read_back(new, draft.path.name).notices_refused[-1].record != record:
            raise UserError("the refusal cannot be written in case.toml; nothing was changed")
        head = draft.put(new, [f"--refuse={record}"])
    return Done(f"{record} is {effect} (take the [[notice_refused]] out of case.toml to undo it)", head)


def _refused_entry(found: Candidate | None, record: str) -> tuple[bool, str]:
    """Return whether an entry was refused before, and what refusing it does.

    Raises
    ------
    UserError
        There is none, or it cannot be refused.
    """
    if found is None:
        raise UserError(
            f"{record} is no notice and no entry of a list in this case that could be one; qorgan notices lists them"
        )
    if found.state == "accepted":
        raise UserError(f"{record} was accepted as a notice; take its [[notice]] out of case.toml first")
    if found.state == "notice":
        raise UserError(f"the record of {record} is the notice {found.note}: refuse that")
    return found.state == "refused", "refused as a candidate: it is not offered again"


# Times as people write them -------------------------------------------------------------------------------------------


def _parsed(text: str) -> date:
    """Return the time of ``--at``.

    Raises
    ------
    UserError
        It is not written as in ``case.toml``.
    """
    if _AT.fullmatch(text):
        try:
            return date.fromisoformat(text) if len(text) == len("2025-10-02") else datetime.fromisoformat(text)
        except ValueError:
            pass
    raise UserError(
        f"--at {shown(text)!r} is no time; write it as in case.toml: 2025-10-02T18:30:00, 2025-10-02T18:30:00+05:00 or 2025-10-02"
    )


def _moment(at: date) -> Moment:
    """Return what ``case.toml`` reads of a time."""
    if not isinstance(at, datetime):
        return Moment((datetime(at.year, at.month, at.day) - _EPOCH) // timedelta(microseconds=1), None, "day")
    offset = at.utcoffset()
    precision = "s" if not at.microsecond else "us" if at.microsecond % 1000 else "ms"
    local = (at.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)
    return Moment(local, None if offset is None else int(offset.total_seconds()), precision)


def own_time(times: Times, zone: str) -> date:
    """Return the time of an entry as ``case.toml`` can say it: never a moment before the latest that the entry allows.

    Parameters
    ----------
    times : Times
        The entry's.
    zone : str
        The case's zone.

    Returns
    -------
    date or datetime
        A date if the entry means exactly that day in the case's zone; else a time with its offset, of an entry that is known to the minute,
        the hour or less the last second that it allows, so that no act inside that span is taken for one after the notice.
    """
    if times.high - times.low < _SECOND:
        return _with_offset(times.low, zone)
    day = date.fromisoformat(local_text(times.low, zone)[:10])
    if moment_utc(_moment(day), zone)[1:] == (times.low, times.high):
        return day
    return _with_offset(times.high // _SECOND * _SECOND, zone)


def _with_offset(us: int, zone: str) -> datetime:
    offset = datetime.fromisoformat(local_text(us, zone)).utcoffset()
    assert offset is not None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).astimezone(timezone(offset))


def _notice_text(notice: Notice) -> str:
    return f"a notice to {shown(notice.contact)} ({notice.kind}, {_time_text(notice.at)})"


def _time_text(at: Moment) -> str:
    """Return a time as ``case.toml`` has it."""
    local = _EPOCH + timedelta(microseconds=at.local_us)
    if at.precision == "day":
        return local.date().isoformat()
    return (
        local if at.offset_s is None else local.replace(tzinfo=timezone(timedelta(seconds=at.offset_s)))
    ).isoformat()
