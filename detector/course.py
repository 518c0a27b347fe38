"""From resolved tables to the course of every contact: acts and outgoing rows of all contacts of all cases in one set of arrays.

The classes of rows are those of ``docs/rules.md`` sections 1 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.arrays import DAY_US, HOUR_US, Bools, Ints, positions_of
from detector.columns import coded, flags, floats, lookup, numbers, subs, valid
from detector.encounters import EVER, Tracks
from detector.model import CaseTables
from detector.presence import Episodes, Found, episodes

#: kinds of incoming events that try to reach the owner
ATTEMPT_KINDS = ("call", "message", "email", "request", "mention", "delivery", "gift", "payment", "third_party")
TRAFFIC_KINDS = ("call", "message", "email", "request")
CMR_KINDS = ("call", "message", "request")
NOT_ACTS = ("block", "unblock")
#: kinds that a row of the course can have: the kinds of events, then presence
KINDS = (
    "call", "message", "email", "request", "mention", "view", "account_access", "delivery", "gift", "payment",
    "third_party", "block", "unblock", "other", "presence",
)  # fmt: skip
KIND = {name: i for i, name in enumerate(KINDS)}
MANNERS = ("", "visit", "seen", "waited", "followed", "entered", "tracker", "met")
MANNER = {name: i for i, name in enumerate(MANNERS)}
CALL_TAGS = ("missed", "rejected", "blocked", "voicemail")
#: kinds of places that go with a declared role: being there is presence, not tracking
ROLE_PLACES = {
    "neighbour": ("home",), "family": ("home",), "relative": ("home",), "colleague": ("work",),
    "co_parent": ("home", "school"),
}  # fmt: skip
#: readings of these precisions tell the hour; coarser ones stand at the beginning of their span
TIMED = ("us", "ms", "s", "min", "h")
#: columns of positions that a row of presence takes from its first record
_PRESENCE_COLUMNS = [
    "position_id", "source_id", "n", "ts_min", "ts_precision", "utc_offset", "identifier", "lat", "lon", "how",
]  # fmt: skip
#: day 0 of the ISO week count: Monday 1969-12-29
MONDAY = -3


@dataclass(frozen=True, slots=True)
class Group:
    """One contact of one case."""

    case: int
    contact_id: str
    label: str
    role: str
    declared: bool
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notices:
    """Notices that are not refused and lie before as_of, padded to a matrix (groups, K) in order; absent ones have ``ts_max = NEVER``."""

    ts: Ints
    ts_min: Ints
    ts_max: Ints
    row: Ints  # row in the case's notices table, -1 if absent

    @property
    def most(self) -> int:
        """Largest number of notices that one contact has."""
        return int(self.ts.shape[1])


NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Possible:
    """Visits that miss only the bar: no acts, but part of what is to be expected. One entry each, in order of group and time."""

    group: Ints
    ts: Ints
    ts_min: Ints
    place: Ints
    chance: Ints  # permille
    record_from: Ints  # slice of ``records``
    record_to: Ints
    records: Ints  # row numbers over events, then positions, of the case, as in the course


def no_possible() -> Possible:
    """Return the possible visits of nobody."""
    none = np.zeros(0, np.int64)
    return Possible(none, none, none, none, none, none, none, none)


@dataclass(frozen=True, slots=True)
class Course:
    """Acts and outgoing rows, sorted by group and time; one array per property, all of the same length."""

    groups: tuple[Group, ...]
    group: Ints
    ts: Ints
    ts_min: Ints
    ts_end: Ints
    local: Ints  # reading of the owner's clock, µs
    day: Ints
    week: Ints
    hour: Ints
    act: Bools  # else an outgoing row
    kind: Ints
    manner: Ints
    channel: Ints
    identifier: Ints
    place: Ints  # number of the place over all cases, -1
    spot: Ints  # number of an undeclared place text, -1
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    exempt: Bools
    answered: Bools
    duration_s: Ints  # -1 if unknown
    call_tag: Ints  # index in CALL_TAGS, -1
    journal: Bools
    direct: Bools  # an event outside groups
    timed: Bools  # the reading tells the hour
    hangup: Bools  # a reader saw that the caller hung up at once
    line: Ints  # number of the owner's line (number, SIM, account) that was used, -1
    chance: Ints  # of a visit: that the contact was inside the place, permille; -1 for everything else
    moves: Bools  # an encounter by tracks that is on several spots by itself
    since: Ints  # moment from which the rows on file make it what it is: its ts, but for visits of fixes and encounters by tracks
    until: Ints  # moment from which it is that no more; EVER but in ``passing``
    record_from: Ints  # slice of ``records`` that the row rests on
    record_to: Ints
    records: Ints  # row numbers over events, then positions, of the case
    channels: tuple[str, ...]
    identifiers: tuple[str, ...]
    lines: tuple[str, ...]  # number of the case, newline, name
    line_first: (
        Ints  # per line: ts of its first event, of any contact or of none; NEVER if that is a witness or not yet there
    )
    place_ids: tuple[str, ...]
    place_kinds: tuple[str, ...]
    notices: Notices
    said_group: Ints  # outgoing rows that are the notice itself: left out of everything, shown all the same
    said_record: Ints
    presence_data: Bools  # per group: could the case show presence at all
    event_data: Bools  # per group: does the case hold sources with events
    has_position: Bools  # per group
    least_error: NDArray[
        np.float64
    ]  # per group: least accuracy of its positions, sightings apart; infinite without one
    possible: Possible
    tracks: tuple[Tracks | None, ...]  # per case
    passing: Course | None = None  # the same with what was an act for a while, if there is such

    @property
    def n_groups(self) -> int:
        """Number of contacts over all cases."""
        return len(self.groups)

    @property
    def weekday(self) -> Ints:
        """Day of the week of every row by the owner's clock, Monday is 0."""
        return (self.day - MONDAY) % 7

    @property
    def case(self) -> Ints:
        """Number of the case of every contact."""
        return np.array([g.case for g in self.groups], np.int64)

    @property
    def in_group(self) -> Bools:
        """Acts in a group chat: mentions of the owner, replies to her, adding her."""
        return np.asarray(self.act & ~self.direct & ~self.presence, np.bool_)

    @property
    def presence(self) -> Bools:
        """Rows of presence."""
        return np.asarray(self.kind == KIND["presence"], np.bool_)

    def records_of(self, rows: Ints) -> Ints:
        """Return the numbers of the records behind rows, one row after the other."""
        return self.records[positions_of(self.record_from[rows], self.record_to[rows] - self.record_from[rows])]

    def of_kinds(self, kinds: Sequence[str]) -> Bools:
        """Rows of these kinds."""
        table = np.zeros(len(KINDS), np.bool_)
        table[[KIND[k] for k in kinds]] = True
        return table[self.kind]


#: columns of the course that hold one value for each row
_ROW_COLUMNS = (
    "group", "ts", "ts_min", "ts_end", "local", "day", "week", "hour", "act", "kind", "manner", "channel", "identifier", "place", "spot", "lat", "lon",
    "exempt", "answered", "duration_s", "call_tag", "journal", "direct", "timed", "hangup", "line", "chance", "moves", "since", "until",
    "record_from", "record_to",
)  # fmt: skip


def take(c: Course, rows: Ints, **more: Any) -> Course:
    """Return a course with some of the rows, and other fields replaced."""
    return replace(c, **{name: getattr(c, name)[rows] for name in _ROW_COLUMNS} | more)


def subset(c: Course, keep: Ints) -> Course:
    """Return the course of some contacts alone, numbered anew in the same order; ``keep`` holds their numbers, ascending."""
    number = np.full(c.n_groups, -1, np.int64)
    number[keep] = np.arange(len(keep))
    rows = np.flatnonzero((number >= 0)[c.group])
    said, maybe = (number >= 0)[c.said_group], (number >= 0)[c.possible.group]
    k, p = c.notices, c.possible
    return take(
        c, rows, group=number[c.group[rows]], groups=tuple(c.groups[g] for g in keep.tolist()),
        notices=Notices(k.ts[keep], k.ts_min[keep], k.ts_max[keep], k.row[keep]),
        said_group=number[c.said_group[said]], said_record=c.said_record[said],
        presence_data=c.presence_data[keep], event_data=c.event_data[keep], has_position=c.has_position[keep], least_error=c.least_error[keep],
        possible=Possible(number[p.group[maybe]], p.ts[maybe], p.ts_min[maybe], p.place[maybe], p.chance[maybe], p.record_from[maybe],
                          p.record_to[maybe], p.records),
        passing=None if c.passing is None else subset(c.passing, keep),
    )  # fmt: skip


class _Names:
    """Numbers for texts that grow over cases."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def of(self, codes: Ints, values: list[Any]) -> Ints:
        table = np.array([self.index.setdefault(v, len(self.index)) for v in values] + [-1], np.int64)
        return np.asarray(table[codes], np.int64)


def _event_rows(
    case: CaseTables, number: int, contact: dict[str, int], as_of: int, names: dict[str, _Names]
) -> dict[str, Any]:
    """Acts and candidate outgoing rows among the events of one case, of this number."""
    e = case.events
    kind_codes, kind_values = coded(e["kind"])
    dir_codes, dir_values = coded(e["direction"])
    contact_codes, contact_values = coded(e["contact_id"])
    ts = numbers(e["ts"])
    incoming, outgoing = flags(dir_codes, dir_values, ("in",)), flags(dir_codes, dir_values, ("out",))
    use = (contact_codes >= 0) & ~valid(e["duplicate_of"]) & (ts < as_of)
    directed = flags(*coded(e["directed"]), ("yes",))
    act = use & incoming & directed & ~flags(kind_codes, kind_values, NOT_ACTS)
    thread = flags(*coded(e["thread_kind"]), ("direct", "unknown"))
    undelivered = flags(*coded(e["status"]), ("failed", "pending"))
    out = use & outgoing & thread & ~undelivered & flags(kind_codes, kind_values, ATTEMPT_KINDS)
    keep = np.flatnonzero(act | out)
    source_codes, source_values = coded(e["source_id"])
    tag_codes, tag_values = coded(e["tags"])
    tag_table = np.array([_call_tag(v) for v in tag_values] + [-1], np.int64)
    answered = np.asarray(pc.fill_null(e["answered"], False).to_numpy(zero_copy_only=False), np.bool_)
    refused = valid(e["answered"]) & ~answered
    kinds = lookup(kind_codes, kind_values, KINDS)
    call_tag = np.where(kinds == KIND["call"], tag_table[tag_codes], -1)
    call_tag = np.where((kinds == KIND["call"]) & refused & (call_tag < 0), CALL_TAGS.index("missed"), call_tag)
    local = ts + numbers(e["utc_offset"]) * 1_000_000
    line_codes, line_values = coded(e["owner_line"])
    line = names["line"].of(line_codes, [f"{number}\n{v}" for v in line_values])
    in_use = (line >= 0) & ~valid(e["duplicate_of"]) & (ts < as_of)
    hangup_table = np.array(["hangup" in v.split() for v in tag_values] + [False], np.bool_)
    return {
        "contact": lookup(contact_codes, contact_values, list(contact))[keep],
        "ts": ts[keep], "ts_min": numbers(e["ts_min"])[keep],
        "ts_end": (ts + numbers(e["duration_s"]) * 1_000_000)[keep], "local": local[keep],
        "act": act[keep], "kind": kinds[keep], "manner": _all(0, keep),
        "channel": names["channel"].of(*coded(e["channel"]))[keep],
        "identifier": names["identifier"].of(*coded(e["identifier"]))[keep],
        "place": _all(-1, keep), "spot": _all(-1, keep), "lat": _all(np.nan, keep), "lon": _all(np.nan, keep),
        "answered": answered[keep], "duration_s": numbers(e["duration_s"], -1)[keep], "call_tag": call_tag[keep],
        "journal": flags(*coded(e["how"]), ("journal",))[keep], "direct": thread[keep],
        "source": lookup(source_codes, source_values, sorted(source_values))[keep],
        "timed": flags(*coded(e["ts_precision"]), TIMED)[keep], "hangup": hangup_table[tag_codes][keep], "line": line[keep],
        "line_all": line[in_use], "line_ts": ts[in_use],
        "source_names": sorted(source_values), "n": numbers(e["n"])[keep],
        "sub": subs(e["event_id"])[keep], "records": keep, "record_count": _all(1, keep),
    }  # fmt: skip


def _all(value: float, rows: Ints) -> Any:
    """Return one value for every row, kept once."""
    return np.broadcast_to(np.asarray(value), len(rows))


def _at(values: Any, rows: Ints) -> Any:
    """Return the values of some rows; of one value for every row nothing is copied."""
    return values[: len(rows)] if values.strides == (0,) and len(values) >= len(rows) else values[rows]


def _call_tag(tags: str) -> int:
    words = tags.split()
    return next((i for i, tag in enumerate(CALL_TAGS) if tag in words), -1)


def _presence_rows(case: CaseTables, contact: dict[str, int], whose: list[Any], found: Episodes, names: dict[str, _Names],
                   place_base: int) -> dict[str, Any]:  # fmt: skip
    size = len(found.ts)
    p = case.positions.select(_PRESENCE_COLUMNS)
    p = p.take(pa.array(found.first_row)) if size else p.slice(0, 0)
    source_codes, source_values = coded(p["source_id"])
    none = np.full(size, -1)
    return {
        "contact": lookup(found.contact, whose, list(contact)),
        "ts": found.ts, "ts_min": numbers(p["ts_min"]), "ts_end": found.ts_end, "local": found.ts + numbers(p["utc_offset"]) * 1_000_000,
        "act": np.ones(size, np.bool_), "kind": np.full(size, KIND["presence"]), "manner": found.manner,
        "channel": names["channel"].of(np.zeros(size, np.int64), ["in_person"] if size else []),
        "identifier": names["identifier"].of(*coded(p["identifier"])),
        "place": np.where(found.place >= 0, found.place + place_base, -1), "spot": found.spot,
        "lat": floats(p["lat"]), "lon": floats(p["lon"]),
        "answered": np.zeros(size, np.bool_), "duration_s": np.zeros(size, np.int64), "call_tag": none,
        "journal": flags(*coded(p["how"]), ("journal",)), "direct": np.zeros(size, np.bool_),
        "source": lookup(source_codes, source_values, sorted(source_values)),
        "chance": found.chance, "moves": found.moves, "since": found.since, "until": found.until,
        "timed": flags(*coded(p["ts_precision"]), TIMED), "hangup": np.zeros(size, np.bool_),
        "line": none, "line_all": np.zeros(0, np.int64), "line_ts": np.zeros(0, np.int64),
        "source_names": sorted(source_values), "n": numbers(p["n"]), "sub": subs(p["position_id"]),
        "records": found.rows + len(case.events), "record_count": found.counts,
    }  # fmt: skip


def _join(parts: list[dict[str, Any]], key: str) -> Any:
    """Put one column of all parts together; what one part alone has is not copied."""
    filled = [p[key] for p in parts if len(p[key])]
    return filled[0] if len(filled) == 1 else np.concatenate([p[key] for p in parts])


def build(cases: Sequence[CaseTables], as_of: Sequence[int], numbers_of: dict[str, Any],
          showing: Sequence[tuple[bool, bool, bool]] | None = None) -> Course:  # fmt: skip
    """Build the course arrays of all contacts of all cases.

    Parameters
    ----------
    cases : sequence of CaseTables
        Resolved tables.
    as_of : sequence of int
        Scoring moment of each case, µs UTC; later rows do not exist.
    numbers_of : dict
        Values of :data:`detector.parameters.PARAMETERS` (after the profile's own).
    showing : sequence of (bool, bool, bool), optional
        What :func:`can_show` says of each case, where the tables are an excerpt of it.
    """
    groups: list[Group] = []
    parts: list[dict[str, Any]] = []
    names = {"channel": _Names(), "identifier": _Names(), "line": _Names()}
    place_ids: list[str] = []
    place_kinds: list[str] = []
    per_case: list[tuple[int, dict[str, int]]] = []
    presence_data: list[bool] = []
    least_error: list[float] = []
    tracks: list[Tracks | None] = []
    possible: list[dict[str, Ints]] = []
    event_data: list[bool] = []
    with_position: set[int] = set()
    exempt_pairs: set[tuple[int, int]] = set()
    record_base = 0
    for number, (case, end) in enumerate(zip(cases, as_of, strict=True)):
        contacts = {c["contact_id"]: c for c in case.contacts.to_pylist()}
        order = {cid: i for i, cid in enumerate(sorted(contacts))}
        base = len(groups)
        shown = can_show(case) if showing is None else showing[number]
        for cid in order:
            c = contacts[cid]
            groups.append(Group(number, cid, c["label"], c["role"], c["declared"],
                                tuple(c["identifiers"].split("\n")) if c["identifiers"] else ()))  # fmt: skip
            presence_data.append(shown[0])
            event_data.append(shown[1])
        found = episodes(case, end, numbers_of)
        rows = [
            _event_rows(case, number, order, end, names),
            _presence_rows(case, order, found.contact_values, found.acts, names, len(place_ids)),
        ]
        errors = dict(zip(found.contact_values, found.least_error.tolist(), strict=True))
        least_error += [errors.get(cid, np.inf) for cid in order]
        tracks.append(found.tracks)
        possible.append(_possible_rows(case, order, found, base, len(place_ids), record_base))
        for part in rows:
            part["group"] = part.pop("contact") + base
            part["records"] = part["records"] + record_base
            part["source"] = _merge_sources(part, rows)
        parts += rows
        there = case.positions["contact_id"].filter(pc.less(case.positions["ts"], end))
        for cid in {v for v in there.unique().to_pylist() if v in order}:
            with_position.add(base + order[cid])
        for at, place in enumerate(case.places.to_pylist()):
            shared = place["shared_with"].split()
            for cid, i in order.items():
                if cid in shared or place["kind"] in ROLE_PLACES.get(contacts[cid]["role"], ()):
                    exempt_pairs.add((base + i, len(place_ids) + at))
        if shown[0] and not shown[2]:
            _blind(presence_data, least_error, base, case)
        place_ids += case.places["place_id"].to_pylist()
        place_kinds += case.places["kind"].to_pylist()
        per_case.append((base, order))
        record_base += len(case.events) + len(case.positions)
    notices = _notices(cases, as_of, per_case, len(groups))
    return _assemble(groups, parts, names, place_ids, place_kinds, notices, exempt_pairs, presence_data, event_data,
                     with_position, numbers_of, np.array(least_error), _join_possible(possible), tuple(tracks))  # fmt: skip


def _blind(presence_data: list[bool], least_error: list[float], base: int, case: CaseTables) -> None:
    """Say of contacts whose every position is less accurate than the largest place is wide that their positions cannot show presence."""
    widest = max(case.places["radius_m"].to_pylist(), default=np.inf)
    for g in range(base, len(presence_data)):
        if widest < least_error[g] < np.inf:
            presence_data[g] = False


def _possible_rows(
    case: CaseTables, contact: dict[str, int], found: Found, base: int, place_base: int, record_base: int
) -> dict[str, Ints]:
    """Return the possible visits of one case, by group and time."""
    e = found.possible
    group = lookup(e.contact, found.contact_values, list(contact)) + base
    order = np.lexsort((e.first_row, e.ts, group))
    at = np.cumsum(e.counts) - e.counts
    ts_min = numbers(case.positions["ts_min"].take(pa.array(e.first_row))) if len(order) else e.ts
    return {
        "group": group[order], "ts": e.ts[order], "ts_min": ts_min[order], "place": e.place[order] + place_base, "chance": e.chance[order],
        "record_from": at[order], "counts": e.counts[order], "records": e.rows + len(case.events) + record_base,
    }  # fmt: skip


def _join_possible(parts: list[dict[str, Ints]]) -> Possible:
    """Put the possible visits of all cases together."""
    if not parts:
        return no_possible()
    before = np.cumsum([0] + [len(p["records"]) for p in parts])
    begin = np.concatenate([p["record_from"] + b for p, b in zip(parts, before.tolist(), strict=False)])
    counts = _join(parts, "counts")
    return Possible(_join(parts, "group"), _join(parts, "ts"), _join(parts, "ts_min"), _join(parts, "place"), _join(parts, "chance"),
                    begin, begin + counts, _join(parts, "records"))  # fmt: skip


def _merge_sources(part: dict[str, Any], rows: list[dict[str, Any]]) -> Ints:
    """Number the sources of events and positions of one case together, in order of their ids."""
    union = sorted({name for r in rows for name in r["source_names"]})
    at = {name: i for i, name in enumerate(union)}
    table = np.array([at[name] for name in part["source_names"]] + [-1], np.int64)
    return np.asarray(table[part["source"]], np.int64)


def can_show(case: CaseTables) -> tuple[bool, bool, bool]:
    """Return whether the case holds anything that could show presence, any source with events, and a journal."""
    covered = set(case.coverage["channel"].to_pylist())
    classes = {w for c in case.coverage["classes"].to_pylist() for w in c.split()}
    journal = "journal" in covered
    presence = journal or bool(
        len(case.positions) and pc.any(pc.is_in(case.positions["subject"], pa.array(["contact", "tracker"]))).as_py()
    )
    return presence, len(case.events) > 0 or bool(classes - {"position"}), journal


def _notices(cases: Sequence[CaseTables], as_of: Sequence[int], per_case: list[tuple[int, dict[str, int]]],
             n_groups: int) -> Notices:  # fmt: skip
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for case, end, (base, order) in zip(cases, as_of, per_case, strict=True):
        for row, n in enumerate(case.notices.to_pylist()):
            if not n["refused"] and n["ts"] < end and n["contact_id"] in order:
                found.setdefault(base + order[n["contact_id"]], []).append((n["ts_max"], n["ts"], n["ts_min"], row))
    most = max((len(v) for v in found.values()), default=0)
    ts_max = np.full((n_groups, most), NEVER, np.int64)
    ts, ts_min, rows = ts_max.copy(), ts_max.copy(), np.full((n_groups, most), -1, np.int64)
    for g, listed in found.items():
        for k, (high, at, low, row) in enumerate(sorted(listed)):
            ts_max[g, k], ts[g, k], ts_min[g, k], rows[g, k] = high, at, low, row
    return Notices(ts, ts_min, ts_max, rows)


def _assemble(groups: list[Group], parts: list[dict[str, Any]], names: dict[str, _Names], place_ids: list[str],
              place_kinds: list[str], notices: Notices, exempt_pairs: set[tuple[int, int]], presence_data: list[bool],
              event_data: list[bool], with_position: set[int], numbers_of: dict[str, Any], least_error: NDArray[np.float64],
              possible: Possible, tracks: tuple[Tracks | None, ...]) -> Course:  # fmt: skip
    keys = ("group", "ts", "ts_min", "ts_end", "local", "act", "kind", "manner", "channel", "identifier", "place",
            "spot", "lat", "lon", "answered", "duration_s", "call_tag", "journal", "direct", "timed", "hangup", "line",
            "source", "n", "sub", "record_count")  # fmt: skip
    col = {k: _join(parts, k) for k in keys}
    records = _join(parts, "records")
    record_from = np.r_[0, np.cumsum(col["record_count"])][:-1].astype(np.int64)
    live = ~_is_notice_itself(col, notices, int(numbers_of["notice_margin_s"]) * 1_000_000)
    said = np.flatnonzero(~live)
    said = said[np.lexsort((col["n"][said], col["ts"][said], col["group"][said]))]
    said_group, said_record = col["group"][said], records[record_from[said]] if len(said) else said
    order = np.flatnonzero(live)
    order = order[_order({k: _at(col[k], order) for k in ("group", "ts", "source", "act", "n", "sub")})]
    col = {k: _at(v, order) for k, v in col.items()}
    col |= _of_episodes(parts, order, col["ts"])
    record_from = record_from[order]
    exempt = np.zeros(len(order), np.bool_)
    if exempt_pairs and len(order):
        width = len(place_ids)
        pairs = np.array(sorted(g * width + p for g, p in exempt_pairs), np.int64)
        quiet = np.isin(col["manner"], [MANNER["visit"], MANNER["seen"]])
        exempt = quiet & (col["place"] >= 0) & np.isin(col["group"] * width + col["place"], pairs)
    local = col["local"]
    day = np.floor_divide(local, DAY_US)
    line_first = np.full(len(names["line"].index), NEVER)
    np.minimum.at(line_first, _join(parts, "line_all"), _join(parts, "line_ts"))
    positions = np.zeros(len(groups), np.bool_)
    positions[list(with_position)] = True
    course = Course(
        groups=tuple(groups), group=col["group"], ts=col["ts"], ts_min=col["ts_min"], ts_end=col["ts_end"], local=local, day=day,
        week=np.floor_divide(day - MONDAY, 7), hour=np.floor_divide(local, HOUR_US) % 24, act=col["act"],
        kind=col["kind"], manner=col["manner"], channel=col["channel"], identifier=col["identifier"],
        place=col["place"], spot=col["spot"], lat=col["lat"], lon=col["lon"], exempt=exempt,
        answered=col["answered"], duration_s=col["duration_s"], call_tag=col["call_tag"], journal=col["journal"],
        direct=col["direct"], timed=col["timed"], hangup=col["hangup"], line=col["line"],
        chance=col["chance"], moves=col["moves"], since=col["since"], until=col["until"],
        record_from=record_from, record_to=record_from + col["record_count"], records=records,
        channels=tuple(names["channel"].index), identifiers=tuple(names["identifier"].index),
        lines=tuple(names["line"].index), line_first=line_first,
        place_ids=tuple(place_ids), place_kinds=tuple(place_kinds), notices=notices,
        said_group=said_group, said_record=said_record,
        presence_data=np.array(presence_data, np.bool_), event_data=np.array(event_data, np.bool_),
        has_position=positions, least_error=least_error, possible=possible, tracks=tracks,
    )  # fmt: skip
    standing = course.until == EVER
    return course if standing.all() else take(course, np.flatnonzero(standing), passing=course)


def _of_episodes(parts: list[dict[str, Any]], at: Ints, ts: Ints) -> dict[str, Any]:
    """Return what only presence has, for rows that stand at ``at`` in the parts: nothing is copied where nobody was anywhere."""
    found = [p for p in parts if "chance" in p and len(p["chance"])]
    bare = {"chance": -1, "moves": False, "until": EVER}
    out: dict[str, Any] = {k: np.broadcast_to(np.asarray(v), len(at)) for k, v in bare.items()} | {"since": ts}
    if found:
        begin = np.cumsum([0] + [len(p["ts"]) for p in parts])
        rows = np.concatenate(
            [np.arange(b, b + len(p["ts"])) for p, b in zip(parts, begin.tolist(), strict=False) if "chance" in p]
        )
        where = np.full(int(begin[-1]), -1, np.int64)
        where[rows] = np.arange(len(rows))
        mine = np.flatnonzero(where[at] >= 0)
        episode = where[at[mine]]
        for k, v in out.items():
            out[k] = v.copy()
            out[k][mine] = np.concatenate([p[k] for p in parts if "chance" in p])[episode]
    return out


def _is_notice_itself(col: dict[str, Any], notices: Notices, margin: int) -> Bools:
    """Mark outgoing rows within the margin of a notice of their contact: they are as if they were not there."""
    out = ~col["act"]
    hit = np.zeros(len(out), np.bool_)
    for k in range(notices.most):
        there = notices.row[:, k] >= 0
        low = np.where(there, notices.ts_min[:, k] - margin, NEVER)
        high = np.where(there, notices.ts_max[:, k], -NEVER + margin) + margin * there
        hit |= out & (col["ts"] >= low[col["group"]]) & (col["ts"] <= high[col["group"]])
    return hit


def _order(col: dict[str, Any]) -> Ints:
    """Sort rows as ``docs/rules.md`` section 1 says."""
    group, ts, source, act = col["group"], col["ts"], col["source"], col["act"]
    order = _by_keys(group, ts, source, col["n"], col["sub"])
    if not len(order):
        return order
    g, t, s, a = group[order], ts[order], source[order], act[order]
    tie = (g[1:] == g[:-1]) & (t[1:] == t[:-1])
    if not tie.any():
        return order
    # outgoing rows of the same source at the same moment that stand before the row
    head = np.r_[True, ~(tie & (s[1:] == s[:-1]))]
    outs = np.cumsum(~a)
    start = np.maximum.accumulate(np.where(head, np.arange(len(a)), 0))
    before = (outs - ~a) - (outs[start] - ~a[start])
    tied = np.flatnonzero(np.r_[False, tie] | np.r_[tie, False])  # all others stay where they are
    rows = order[tied]
    again = np.lexsort((col["sub"][rows], col["n"][rows], s[tied], ~a[tied], before[tied], t[tied], g[tied]))
    order[tied] = rows[again]
    return order


def _by_keys(group: Ints, *keys: Ints) -> Ints:
    """Return the order by group and then by the keys, the first weighs most."""
    step = np.zeros(max(len(group) - 1, 0), np.bool_)  # a pair of neighbours falls in the keys so far
    level = ~step
    for key in keys:
        step |= level & (key[1:] < key[:-1])
        level &= key[1:] == key[:-1]
    if step.any():
        return np.lexsort((*keys[::-1], group)).astype(np.int64)
    # the rows stand by the keys already: short whole numbers are sorted by counting
    small = len(group) > 0 and int(group.max()) < 2**16
    return np.argsort(group.astype(np.uint16) if small else group, kind="stable").astype(np.int64)
