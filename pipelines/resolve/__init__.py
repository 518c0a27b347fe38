"""One pure function makes people, UTC, duplicates and notices out of the store and ``case.toml``, on every load.

The store holds what the files say; a correction of ``case.toml`` never needs the originals (DESIGN.md sections 4 to 7).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.columns import coded, flags, lookup, numbers, subs, valid
from detector.model import CaseTables
from detector.schema import (
    CONTACTS,
    COVERAGE,
    EVENTS,
    NOTICES,
    PLACES,
    POSITIONS,
    PRECISIONS,
    TRACKERS,
    WITNESSES,
    ZONE_BASES,
)
from pipelines.case_file import claimed
from pipelines.case_model import CaseFile, Moment
from pipelines.errors import UserError, shown
from pipelines.identifiers import clean, phone_identifier
from pipelines.resolve.duplicates import match
from pipelines.resolve.identity import OWNER, People, declared_identifiers, people, undeclared_id
from pipelines.resolve.localtime import offsets_at, spans, to_utc
from pipelines.resolve.overlap import Clock, clock_of, near
from pipelines.resolve.source_options import label, options_for

if TYPE_CHECKING:
    from pipelines.store import StoreTables

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: beginning and end of a place without dates
_EVER_FROM, _EVER_TO = -(2**62), 2**62
_RENUMBERED = ("phone", "raw", "short")
#: characters of a name, and different names of one identifier, that a label takes from address books [P]
NAME_LENGTH, NAMES = 80, 3


@dataclass(frozen=True, slots=True)
class Resolved:
    """A case, ready for the detector, with what only the shell needs.

    Attributes
    ----------
    tables : CaseTables
        For the detector.
    witnesses : pyarrow.Table
        Further records of kept rows.
    sources, rejects, listed, unread : pyarrow.Table
        As stored.
    duplicates : dict
        Number of records of each source that are only witnesses.
    last_local_us : int or None
        Wall clock (case's zone) of the last row.
    clocks : dict
        How far the clock of each source may be off.
    """

    tables: CaseTables
    witnesses: pa.Table
    sources: pa.Table
    rejects: pa.Table
    duplicates: dict[str, int]
    last_local_us: int | None
    listed: pa.Table
    unread: pa.Table
    clocks: dict[str, Clock]


def moment_utc(moment: Moment, zone: str) -> tuple[int, int, int]:
    """Return (ts, earliest, latest) of a time that a person wrote, µs UTC."""
    where = zone if moment.offset_s is None else _offset_name(moment.offset_s)
    span = spans(np.array([PRECISIONS.index(moment.precision)]))
    m = to_utc(np.array([moment.local_us]), where, span)
    return int(m.ts[0]), int(m.ts_min[0]), int(m.ts_max[0])


def _offset_name(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{abs(seconds) // 3600:02d}:{abs(seconds) % 3600 // 60:02d}"


def _options(case: CaseFile, row: dict[str, Any]) -> dict[str, str]:
    try:
        return options_for(case, row["source_id"], row["name"], row["container"])
    except UserError as error:
        raise UserError(f"{shown(label(row['name'], row['container']))}: {error}") from None


class _Sources:
    """What resolve knows of each source."""

    def __init__(self, case: CaseFile, sources: pa.Table) -> None:
        rows = sources.sort_by("source_id").to_pylist()
        self.ids = [r["source_id"] for r in rows]
        self.clocks = [clock_of(r["reader"]) for r in rows]
        found = [_options(case, r) for r in rows]
        self.zone = [o.get("timezone") for o in found]
        # one that was read with a subject that the case no longer names is the owner's again, as if it had never been named
        self.subject = [
            o.get("subject") or ("owner" if "subject" in json.loads(r["options"] or "{}") else None)
            for r, o in zip(rows, found, strict=True)
        ]
        self.owner: list[set[str]] = []
        for row, option in zip(rows, found, strict=True):
            names = set(json.loads(row["owner_identifiers"] or "[]"))
            if "owner" in option:
                names.add(clean(option["owner"]))
                with suppress(ValueError):  # a name such as "unknown" is a name in this file, and nobody's elsewhere
                    names |= set(declared_identifiers(case, [option["owner"]]))
            self.owner.append(names)


def _with(table: pa.Table, schema: pa.Schema, new: dict[str, Any]) -> pa.Table:
    """Return the table in the full schema, with new or replaced columns."""
    columns = []
    for field in schema:
        value = new.get(field.name)
        if value is None:
            columns.append(table[field.name].cast(field.type))
        elif isinstance(value, (pa.Array, pa.ChunkedArray)):
            columns.append(value.cast(field.type))
        else:
            columns.append(pa.array(value, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _times(table: pa.Table, source: Ints, sources: _Sources, case: CaseFile) -> dict[str, Any]:
    """Resolve the clock of every row."""
    n = len(table)
    local = numbers(table["local_time"])
    span = spans(lookup(*coded(table["ts_precision"]), PRECISIONS))
    basis = lookup(*coded(table["zone_basis"]), ZONE_BASES)
    stated = numbers(table["stated_offset_s"])
    has_stated = valid(table["stated_offset_s"])
    ts, offset = local.copy(), np.zeros(n, np.int64)
    low, high, fold = local.copy(), local + span - 1, np.zeros(n, np.int64)
    fixed = (basis == ZONE_BASES.index("stated")) & has_stated
    ts[fixed] = local[fixed] - stated[fixed] * 1_000_000
    low[fixed], high[fixed], offset[fixed] = ts[fixed], ts[fixed] + span[fixed] - 1, stated[fixed]
    zones = [z or case.timezone for z in sources.zone]
    by_source = np.array([z is not None for z in sources.zone] + [False])[source]
    floating = ~fixed & (basis != ZONE_BASES.index("utc"))
    zone_of = np.array([sorted(set(zones)).index(z) for z in zones] + [-1], np.int64)[source]
    for number, zone in enumerate(sorted(set(zones))):
        rows = np.flatnonzero(floating & (zone_of == number))
        if len(rows):
            m = to_utc(local[rows], zone, span[rows], order=source[rows])
            ts[rows], low[rows], high[rows], offset[rows], fold[rows] = m.ts, m.ts_min, m.ts_max, m.offset_s, m.fold
    instant = np.flatnonzero(basis == ZONE_BASES.index("utc"))
    if len(instant):  # the owner's clock at an instant, for days and hours
        offset[instant] = offsets_at(ts[instant], case.timezone)
    where = basis.copy()
    where[floating & by_source] = ZONE_BASES.index("source")
    return {
        "ts": ts, "ts_min": low, "ts_max": high, "utc_offset": offset.astype(np.int32), "fold": fold.astype(np.int32),
        "zone_basis": pa.array(np.array(ZONE_BASES, object)[where].tolist(), pa.string()) if n else pa.array([], pa.string()),
        "_span": span,
    }  # fmt: skip


def written_utc(table: pa.Table, rows: Ints, stored_sources: pa.Table, case: CaseFile) -> Ints:
    """Return when rows were written down, µs UTC: ``written_at`` is a reading of the same clock as ``local_time``."""
    sources = _Sources(case, stored_sources)
    some = table.take(pa.array(rows))
    at = some.schema.get_field_index("local_time")
    some = some.set_column(at, "local_time", some["written_at"])
    return np.asarray(_times(some, lookup(*coded(some["source_id"]), sources.ids), sources, case)["ts"], np.int64)


def _normalised(table: pa.Table, region: str | None) -> tuple[Ints, list[str | None]]:
    """Return codes and identifiers, numbers read again in the case's region (it may have been corrected since ingest)."""
    raw_codes, raws = coded(table["identifier_raw"])
    codes, known = coded(table["identifier"])
    if "identifier_kind" not in table.column_names:
        return codes, known
    numbered = flags(*coded(table["identifier_kind"]), _RENUMBERED) & (raw_codes >= 0)
    if not numbered.any():
        return codes, known
    index: dict[str | None, int] = {v: i for i, v in enumerate(known)}
    values: list[str | None] = list(known)
    table_of = np.full(len(raws) + 1, -1, np.int64)
    for i in np.unique(raw_codes[numbered]).tolist():
        identifier, kind = phone_identifier(raws[i], region)
        # an app's own spelling of a number is left as its reader took it
        if identifier is not None and kind in _RENUMBERED:
            if identifier not in index:
                index[identifier] = len(values)
                values.append(identifier)
            table_of[i] = index[identifier]
    again = table_of[raw_codes]
    return np.where(numbered & (again >= 0), again, codes), values


@dataclass(slots=True)
class _Parties:
    """Direction and other side of every event."""

    direction: Ints  # 0 in, 1 out, 2 unknown
    identifier: Ints
    values: list[str | None]
    owner_row: Bools


_DIRECTIONS = ("in", "out", "unknown")


def _parties(events: pa.Table, source: Ints, sources: _Sources, who: People, region: str | None) -> _Parties:
    """Settle direction by sender where files name senders, and the other side of every event."""
    codes, values = _normalised(events, region)
    index: dict[str | None, int] = {v: i for i, v in enumerate(values)}
    direction = lookup(*coded(events["direction"]), _DIRECTIONS)
    sender_codes, senders = coded(events["sender"])
    n = len(events)
    owner_row = np.zeros(n, np.bool_)
    named = sender_codes >= 0
    if not named.any():
        return _Parties(direction, codes, values, owner_row)
    for v in senders:
        if v not in index:
            index[v] = len(values)
            values.append(v)
    sender_in_values = np.array([index[v] for v in senders] + [-1], np.int64)
    pair = np.where(named, sender_codes * (len(sources.ids) + 1) + source + 1, -1)
    for p in np.unique(pair[named]).tolist():
        name, at = senders[p // (len(sources.ids) + 1)], p % (len(sources.ids) + 1) - 1
        if _is_owner(name, sources.owner[at], who):
            owner_row |= pair == p
    settled = named & (direction == 2)
    direction = np.where(settled & owner_row, 1, np.where(settled, 0, direction))
    incoming = named & ~owner_row
    identifier = np.where(incoming, sender_in_values[sender_codes], codes)
    direct = flags(*coded(events["thread_kind"]), ("direct",))
    lonely = owner_row & direct & ((codes < 0) | _names_owner(codes, values, source, sources, who))
    if lonely.any():  # the peer of a thread that the file did not name: its only other sender
        thread_codes, _ = coded(events["thread_id"])
        thread = thread_codes * (len(sources.ids) + 1) + source + 1
        theirs = incoming & direct
        pairs = np.unique(np.stack([thread[theirs], identifier[theirs]], axis=1), axis=0)
        threads, first, number = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        peers = dict(zip(threads[number == 1].tolist(), pairs[first[number == 1], 1].tolist(), strict=True))
        asked, back = np.unique(thread[lonely], return_inverse=True)
        identifier[lonely] = np.array([peers.get(t, -1) for t in asked.tolist()], np.int64)[back]
    identifier = np.where(owner_row & ~direct, -1, identifier)
    return _Parties(direction, identifier, values, owner_row)


def _directed(events: pa.Table, source: Ints, sources: _Sources, who: People) -> pa.ChunkedArray | pa.Array:
    """Return ``directed``, of messages in groups judged anew by whom they mention: who the owner is may have been corrected since ingest."""
    tag_codes, tags = coded(events["tags"])
    naming = np.array([v is not None and "mention=" in v for v in tags] + [False], np.bool_)[tag_codes]
    rows = naming & flags(*coded(events["thread_kind"]), ("group",)) & flags(*coded(events["channel"]), ("whatsapp",))
    if not rows.any():
        return events["directed"]
    width = len(sources.ids)
    pair = np.where(rows, tag_codes * width + source, -1)
    meant = np.zeros(len(events), np.bool_)
    for p in np.unique(pair[rows]).tolist():  # once for each set of names that a file mentions, not for each row
        words = tags[p // width].split()
        names = [w.removeprefix("mention=") for w in words if w.startswith("mention=")]
        spaced = [n.replace("_", " ") for n in names]  # blanks in tags are underscores
        if any(_is_owner(n, sources.owner[p % width], who) for n in (*names, *spaced)):
            meant |= pair == p
    judged = pc.if_else(pa.array(meant), "yes", "no")
    return pc.if_else(pa.array(rows), judged, events["directed"])


def _is_owner(name: str, here: set[str], who: People) -> bool:
    """Is a sender the owner: by the file's own word or its option, else by the declared identifiers; a declared contact never is."""
    found = who.who(name)
    if found is not None and found != OWNER:
        return False
    if found == OWNER or name in here:
        return True
    _, colon, bare = name.partition(":name:")
    return bool(colon) and bare in here


def _names_owner(codes: Ints, values: list[str | None], source: Ints, sources: _Sources, who: People) -> Bools:
    table = np.array([who.who(v) == OWNER for v in values] + [False], np.bool_)
    return np.asarray(table[codes], np.bool_)


def _contact_ids(codes: Ints, values: list[str | None], who: People) -> tuple[pa.Array, list[str | None]]:
    """Return the contact id of every row, and of every value."""
    ids: list[str | None] = []
    for v in values:
        found = who.who(v)
        ids.append(None if v is None or found == OWNER else found if found is not None else undeclared_id(v))
    return pa.array([*ids, None], pa.string()).take(pa.array(np.where(codes < 0, len(ids), codes))), ids


def resolve(store: StoreTables, case: CaseFile) -> Resolved:
    """Resolve a store with a case file.

    Parameters
    ----------
    store : StoreTables
        What the files say (see :func:`pipelines.store.read`).
    case : CaseFile
        What people say.

    Returns
    -------
    Resolved
        Rows sorted by (source_id, n, sub), whatever order they were ingested in.
    """
    sources = _Sources(case, store.sources)
    who = people(case)
    events, event_ids = _events(store.events, sources, who, case)
    positions, position_ids = _positions(store.positions, sources, who, case)
    contacts = _contacts(case, [*event_ids, *position_ids], store.listed)
    tables = CaseTables(
        case.id, events, positions, _notices(events, case), _places(case), contacts,
        pa.Table.from_pylist([{"tracker_id": t.id, "contact_id": t.contact, "basis": t.basis} for t in case.trackers], TRACKERS),
        _coverage(store.coverage, sources, case),
    )  # fmt: skip
    witnesses = pa.concat_tables([_witnesses(events, "event_id"), _witnesses(positions, "position_id")])
    ends = [t[name] for t, name in ((events, "ts"), (positions, "ts"), (positions, "ts_end")) if len(t)]
    last = max((int(pc.max(moments).as_py()) for moments in ends), default=None)
    if last is not None:
        last += int(offsets_at(np.array([last]), case.timezone)[0]) * 1_000_000
    return Resolved(tables, witnesses, store.sources.sort_by("source_id"), store.rejects.sort_by([("source_id", "ascending"), ("n", "ascending")]),
                    _duplicates(events, positions), last, store.listed, store.unread.sort_by("source_id"),
                    dict(zip(sources.ids, sources.clocks, strict=True)))  # fmt: skip


def _sorted(table: pa.Table, id_name: str, sources: _Sources) -> tuple[pa.Table, Ints]:
    source = lookup(*coded(table["source_id"]), sources.ids)
    n, sub = numbers(table["n"]), subs(table[id_name])
    ascending = len(n) < 2 or bool(
        np.all(
            (source[1:] > source[:-1])
            | ((source[1:] == source[:-1]) & ((n[1:] > n[:-1]) | ((n[1:] == n[:-1]) & (sub[1:] > sub[:-1]))))
        )
    )
    if ascending:
        return table, source
    order = np.lexsort((sub, n, source))
    return table.take(pa.array(order)), source[order]


def _events(stored: pa.Table, sources: _Sources, who: People, case: CaseFile) -> tuple[pa.Table, list[tuple[str, str]]]:
    table, source = _sorted(stored, "event_id", sources)
    times = _times(table, source, sources, case)
    # the offset that a chat or a mail states is that of a computer or of the sender, not of the owner's phone
    stated = flags(*coded(table["zone_basis"]), ("stated",))
    times["utc_offset"] = np.where(stated, offsets_at(times["ts"], case.timezone), times["utc_offset"]).astype(np.int32)
    span = times.pop("_span")
    parties = _parties(table, source, sources, who, case.region)
    contact, by_value = _contact_ids(parties.identifier, parties.values, who)
    identifier = pa.array([*parties.values, None], pa.string()).take(
        pa.array(np.where(parties.identifier < 0, len(parties.values), parties.identifier))
    )
    direction = (
        pa.array(np.array(_DIRECTIONS, object)[parties.direction].tolist(), pa.string())
        if len(table)
        else pa.array([], pa.string())
    )
    actors, names = coded(table["actor"])
    told = np.array(["owner", "contact", "third", "unknown"], object)
    actor = lookup(actors, names, told.tolist())
    settled = actor == 3
    actor = np.where(settled & (parties.direction == 1), 0, np.where(settled & (parties.direction == 0), 1, actor))
    resolved = {
        **times, "directed": _directed(table, source, sources, who),
        "case_id": pa.array([case.id] * len(table), pa.string()), "direction": direction, "identifier": identifier,
        "actor": pa.array(told[actor].tolist(), pa.string()) if len(table) else pa.array([], pa.string()), "contact_id": contact,
    }  # fmt: skip
    numbered = lookup(*coded(table["thread_kind"]), ("group", "channel"))
    # a thread between two people is known by the other side, whichever export names it how
    thread = pc.if_else(
        pa.array(numbered >= 0),
        table["thread_id"].combine_chunks() if len(table) else pa.array([], pa.string()),
        identifier,
    )
    take = np.asarray(flags(*coded(table["how"]), ("device", "operator", "lab", "app")), np.bool_)
    matched = match([table["channel"], thread, table["kind"], direction, identifier], times["ts"], span, source,
                    np.arange(len(table)), take).kept  # fmt: skip
    matched = near(table, identifier, parties.direction, times["ts"], span, source, matched, sources.clocks)
    resolved["duplicate_of"] = _duplicate_of(table["event_id"], matched)
    out = _with(table, EVENTS, resolved)
    present = np.unique(parties.identifier[parties.identifier >= 0]).tolist()
    return out, [(str(parties.values[i]), str(by_value[i])) for i in present if by_value[i] is not None]


def _duplicate_of(ids: pa.ChunkedArray, kept: Ints) -> pa.Array:
    n = len(kept)
    own = kept == np.arange(n)
    flat = ids.combine_chunks() if n else pa.array([], pa.string())
    return flat.take(pa.array(kept, mask=own)) if n else flat


def _positions(
    stored: pa.Table, sources: _Sources, who: People, case: CaseFile
) -> tuple[pa.Table, list[tuple[str, str]]]:
    table, source = _sorted(stored, "position_id", sources)
    times = _times(table, source, sources, case)
    span = times.pop("_span")
    codes, values = coded(table["identifier"])
    values = list(values)
    n = len(table)
    subject = lookup(*coded(table["subject"]), ("owner", "contact", "tracker"))
    # whose track a file without names is: the case says, now and not only at ingest
    nameless = ~valid(table["sender"]) & ~flags(*coded(table["how"]), ("journal",))
    for number, option in enumerate(sources.subject):
        if option is not None:
            rows = (source == number) & (subject != 2) & nameless
            subject[rows] = 0 if option == "owner" else 1
            if option != "owner":
                values.append(f"label:{option}")
                codes = np.where(rows, len(values) - 1, codes)
    sender_codes, senders = coded(table["sender"])
    named = np.flatnonzero(sender_codes >= 0)
    cache: dict[tuple[int, int], bool] = {}
    index = {v: i for i, v in enumerate(values)}
    for row in named.tolist():
        pair = (int(sender_codes[row]), int(source[row]))
        if pair not in cache:
            cache[pair] = _is_owner(senders[pair[0]], sources.owner[pair[1]], who)
        if cache[pair]:
            subject[row], codes[row] = 0, -1
        else:
            name = senders[pair[0]]
            if name not in index:
                index[name] = len(values)
                values.append(name)
            subject[row], codes[row] = 1, index[name]
    by_contact, by_value = _contact_ids(np.where(subject == 1, codes, -1), values, who)
    end = numbers(table["local_end"])
    has_end = valid(table["local_end"])
    ts_end = times["ts"].copy()
    if has_end.any():
        ends = table.set_column(
            table.schema.get_field_index("local_time"),
            "local_time",
            pa.array(np.where(has_end, end, numbers(table["local_time"]))),
        )
        given = valid(table["end_offset_s"])
        shifted = np.where(given, numbers(table["end_offset_s"]), numbers(table["stated_offset_s"])).astype(np.int32)
        mask = ~(given | valid(table["stated_offset_s"]))
        ends = ends.set_column(
            ends.schema.get_field_index("stated_offset_s"), "stated_offset_s", pa.array(shifted, pa.int32(), mask=mask)
        )
        ts_end = np.where(has_end, np.maximum(_times(ends, source, sources, case)["ts"], times["ts"]), ts_end)
    words = np.array(["owner", "contact", "tracker"], object)
    resolved = {
        **times, "case_id": pa.array([case.id] * n, pa.string()), "ts_end": ts_end,
        "subject": pa.array(words[subject].tolist(), pa.string()) if n else pa.array([], pa.string()),
        "identifier": pa.array([*values, None], pa.string()).take(pa.array(np.where(codes < 0, len(values), codes))),
    }  # fmt: skip
    matched = match(
        [pa.array(subject), table["subject_id"], resolved["identifier"], table["kind"], table["lat"], table["lon"], table["how"],
         table["device_tag"]],
        times["ts"], span, source, np.arange(n), np.asarray(flags(*coded(table["how"]), ("device", "app")), np.bool_),
    ).kept  # fmt: skip
    resolved["duplicate_of"] = _duplicate_of(table["position_id"], matched)
    resolved["contact_id"] = _attributed(table, subject == 2, by_contact, matched, case)
    present = sorted({int(i) for i in codes[(codes >= 0) & (subject == 1)]})
    seen = [(str(values[i]), str(by_value[i])) for i in present if by_value[i] is not None]
    return _with(table, POSITIONS, resolved), seen


def _attributed(table: pa.Table, tracker: Bools, by_contact: pa.Array, kept: Ints, case: CaseFile) -> pa.Array:
    """Give trackers to whom ``[[tracker]]`` says: by the tracker's id, or by the id of the row or of one of its witnesses."""
    if not case.trackers or not tracker.any():
        return by_contact
    trackers = {t.id: t.contact for t in case.trackers}
    tags = table["subject_id"].to_pylist()
    row_ids = table["position_id"].to_pylist()
    listed = by_contact.to_pylist()
    for row in np.flatnonzero(tracker).tolist():
        found = trackers.get(tags[row] or "") or trackers.get(row_ids[row])
        if found is not None:
            listed[row] = found
            listed[kept[row]] = listed[kept[row]] or found
    return pa.array(listed, pa.string())


def entry_identifiers(listed: pa.Table, region: str | None) -> list[str | None]:
    """Return the identifier of every entry of a list, numbers read in the case's region as those of events are."""
    codes, values = _normalised(listed, region)
    return [None if code < 0 else values[code] for code in codes.tolist()]


def book_name(text: str) -> str:
    """Return a name of an address book as one line that hides nothing: no controls, no odd blanks, cut to :data:`NAME_LENGTH`."""
    seen = "".join(c for c in clean(text) if c == "\u200d" or unicodedata.category(c)[0] != "C")
    name = " ".join(seen.split())
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def book_labels(listed: pa.Table, case: CaseFile, wanted: set[str], taken: set[str]) -> dict[str, str]:
    """Return what address books call some identifiers: labels to be shown, by which nobody is joined.

    Parameters
    ----------
    listed : pyarrow.Table
        The entries of all lists.
    case : CaseFile
        For the country of numbers.
    wanted : set of str
        The identifiers.
    taken : set of str
        Ids and identifiers of contacts: a name that is one of them would point at the wrong person, and is left out.
    """
    if not wanted or not len(listed):
        return {}
    books = listed.filter(pc.and_(pc.equal(listed["list"], "address_book"), pc.is_valid(listed["label"])))
    names: dict[str, set[str]] = {}
    for identifier, text in zip(entry_identifiers(books, case.region), books["label"].to_pylist(), strict=True):
        if identifier not in wanted:
            continue
        name = book_name(text)
        if not name or name in taken:
            continue
        with suppress(ValueError):  # "unknown" is no number
            if claimed(name, case.region) in taken:
                continue
        names.setdefault(str(identifier), set()).add(name)
    return {
        identifier: " / ".join([*sorted(found)[:NAMES], *(["…"] if len(found) > NAMES else [])])
        for identifier, found in names.items()
    }


def _contacts(case: CaseFile, seen: Sequence[tuple[str, str]], listed: pa.Table) -> pa.Table:
    """Declared contacts, and everybody else whom a row names; these with the name that address books give to their identifier."""
    identifiers: dict[str, set[str]] = {}
    for identifier, contact in seen:
        if not identifier.startswith("label:") or contact.startswith("u-"):
            # a line feed in an app's own id would look like two identifiers, the first of them perhaps somebody else's
            identifiers.setdefault(contact, set()).add(" ".join(identifier.split("\n")))
    rows = []
    declared = {c.id for c in case.contacts}
    for c in case.contacts:
        given = {i for i in declared_identifiers(case, case.identifiers_of(c)) if not i.startswith("name:")}
        rows.append({
            "contact_id": c.id, "label": c.label or c.id, "role": c.role, "declared": True,
            "identifiers": "\n".join(sorted(given | identifiers.get(c.id, set()))),
        })  # fmt: skip
    taken = declared.union(identifiers, *identifiers.values(), *(str(r["identifiers"]).split("\n") for r in rows))
    books = book_labels(listed, case, {i for i, contact in seen if contact not in declared}, taken)
    called = {contact: books[i] for i, contact in seen if i in books}
    for contact in sorted(set(identifiers) - declared):
        names = sorted(identifiers[contact])
        rows.append({"contact_id": contact, "label": called.get(contact, names[0].removeprefix("label:")), "role": "unknown",
                     "declared": False, "identifiers": "\n".join(names)})  # fmt: skip
    return pa.Table.from_pylist(rows, CONTACTS)


def _notices(events: pa.Table, case: CaseFile) -> pa.Table:
    """Declared notices, blocks that an export records as the owner's, and journal rows of her refusals."""
    rows: list[dict[str, Any]] = []
    for n in case.notices:
        ts, low, high = moment_utc(n.at, case.timezone)
        rows.append({"contact_id": n.contact, "ts": ts, "ts_min": low, "ts_max": high, "kind": n.kind, "basis": "declared",
                     "record_id": None, "refused": False, "note": n.basis})  # fmt: skip
    refused = {r.record: r.reason for r in case.notices_refused}
    if refused:  # the refusal of a record holds for the event, whichever of its records is kept
        named = events.filter(pc.is_in(events["event_id"], pa.array(sorted(refused), pa.string())))
        for record, event in zip(named["event_id"].to_pylist(), named["duplicate_of"].to_pylist(), strict=True):
            if event is not None:
                refused.setdefault(event, refused[record])
    tags, values = coded(events["tags"])
    told = np.array(["told_to_stop" in v.split() for v in values] + [False], np.bool_)[tags]
    journal = flags(*coded(events["how"]), ("journal",))
    block = flags(*coded(events["kind"]), ("block",)) & flags(*coded(events["actor"]), ("owner",))
    use = (block | (told & journal)) & valid(events["contact_id"]) & ~valid(events["duplicate_of"])
    for e in events.filter(pa.array(use)).to_pylist():
        rows.append({
            "contact_id": e["contact_id"], "ts": e["ts"], "ts_min": e["ts_min"], "ts_max": e["ts_max"],
            "kind": "blocked" if e["kind"] == "block" else "told_to_stop",
            "basis": "journal" if e["how"] == "journal" else "device", "record_id": e["event_id"],
            "refused": e["event_id"] in refused, "note": refused.get(e["event_id"], ""),
        })  # fmt: skip
    rows.sort(key=lambda r: (r["contact_id"], r["ts_max"], r["ts"], r["kind"], r["record_id"] or ""))
    return pa.Table.from_pylist(rows, NOTICES)


def _places(case: CaseFile) -> pa.Table:
    rows = []
    for p in case.places:
        rows.append({
            "place_id": p.id, "kind": p.kind, "lat": p.lat, "lon": p.lon, "radius_m": p.radius_m,
            "ts_from": moment_utc(p.valid_from, case.timezone)[1] if p.valid_from else _EVER_FROM,
            "ts_to": moment_utc(p.valid_to, case.timezone)[2] + 1 if p.valid_to else _EVER_TO,
            "shared_with": " ".join(p.shared_with), "basis": "declared",
        })  # fmt: skip
    return pa.Table.from_pylist(rows, PLACES)


def _coverage(stored: pa.Table, sources: _Sources, case: CaseFile) -> pa.Table:
    rows = []
    for r in stored.sort_by([("source_id", "ascending"), ("channel", "ascending"), ("scope", "ascending")]).to_pylist():
        at = sources.ids.index(r["source_id"]) if r["source_id"] in sources.ids else -1
        zone = {"utc": "+00:00", "stated": _offset_name(r["stated_offset_s"] or 0)}.get(
            r["zone_basis"], (sources.zone[at] if at >= 0 else None) or case.timezone
        )
        ends = [moment_utc(Moment(r[k], None, "us"), zone) for k in ("local_from", "local_to")]
        rows.append({**r, "ts_from": ends[0][1], "ts_to": ends[1][2]})
    return pa.Table.from_pylist(rows, COVERAGE)


def _witnesses(table: pa.Table, id_name: str) -> pa.Table:
    further = table.filter(pc.is_valid(table["duplicate_of"]))
    if not len(further):
        return WITNESSES.empty_table()
    at = pc.index_in(further["duplicate_of"], table[id_name].combine_chunks())
    return pa.Table.from_arrays(
        [further["duplicate_of"], further["source_id"], further[id_name], further["record"],
         pc.subtract(further["ts"], table["ts"].take(at))],
        schema=WITNESSES,
    )  # fmt: skip


def _duplicates(events: pa.Table, positions: pa.Table) -> dict[str, int]:
    """Count, for every source, the records whose rows are all witnesses only."""
    rows: dict[tuple[str, int], bool] = {}
    for table in (events, positions):
        if not pc.any(pc.is_valid(table["duplicate_of"])).as_py():
            continue
        touched = table.filter(
            pc.is_in(table["source_id"], pc.unique(table.filter(pc.is_valid(table["duplicate_of"]))["source_id"]))
        )
        for s, n, d in zip(
            touched["source_id"].to_pylist(), touched["n"].to_pylist(), touched["duplicate_of"].to_pylist(), strict=True
        ):
            rows[s, n] = rows.get((s, n), True) and d is not None
    out: dict[str, int] = {}
    for (source, _), only in rows.items():
        out[source] = out.get(source, 0) + int(only)
    return out
