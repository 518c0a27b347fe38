"""The same call or message in sources whose clocks differ, and what one source has that another should have.

An operator's switch, a phone and a laboratory's report write the same call with different clocks, and one means the ringing
where another means the answer. Each format says how far its clock may be off (``clock_s``) and what the start of a call means
(``call_start``); two records of different formats are the same event if they lie within the sum of both, go the same way to the
same number and do not contradict each other. Each record is the witness of one event at most, the nearest pair first.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.columns import coded, flags, numbers, valid

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: seconds that ringing can last, where one source means the ringing and another the answer [P]
RING_S = 60
#: seconds by which two durations of one call may differ besides the rounding of both [P]
DURATION_S = 2
#: two sources are taken for witnesses of the same line from so many events in common, and from this share of the smaller
#: one's: the logs of two phones of the owner lie in the same time and have nothing in common [P]
COMMON_EVENTS, COMMON_SHARE = 3, 0.5
#: pairs that are looked at for one record: bursts of thousands of calls in a minute are no witnesses of each other [P]
_NEIGHBOURS = 64
_KINDS = ("call", "message")
_RECORDING = ("device", "operator", "lab", "app")


@dataclass(frozen=True, slots=True)
class Clock:
    """What a format says of its times (see :class:`pipelines.readers.base.Description`)."""

    clock_s: int = 0
    call_start: str = "unknown"
    duration_step_s: int = 1

    def reach_s(self, other: Clock, *, call: bool) -> int:
        """Return how far two records of one event may lie apart, s: 0 where both clocks are the phone's own."""
        reach = self.clock_s + other.clock_s
        if reach and call and self.call_start != other.call_start:
            reach += RING_S
        return reach


def clock_of(module: str) -> Clock:
    """Return the clock of the format that a module reads; only the readers' own modules are asked."""
    if not module.startswith("pipelines.readers."):
        return Clock()
    try:
        described = importlib.import_module(module).READER.description
    except (ImportError, AttributeError):
        return Clock()
    return Clock(described.clock_s, described.call_start, described.duration_step_s)


def near(
    events: pa.Table, contact: pa.Array, direction: Ints, ts: Ints, span_us: Ints, source: Ints, kept: Ints,
    clocks: Sequence[Clock],
) -> Ints:  # fmt: skip
    """Match records of one event whose clocks differ.

    Parameters
    ----------
    events : pyarrow.Table
        Rows in order of (source, record).
    contact : pyarrow.Array
        Resolved identifier of the other side of every row; without one a row is nobody's witness.
    direction : int64 array
        0 in, 1 out, 2 unknown.
    ts, span_us : int64 array
        Moment and span of its precision, µs.
    source : int64 array
        Number of the source.
    kept : int64 array
        For every row the row that is kept in its place, from the exact match (see :func:`pipelines.resolve.duplicates.match`).
    clocks : sequence of Clock
        Of every source.

    Returns
    -------
    int64 array
        ``kept`` with the further matches. The kept row is the most precise, then that of the smallest source id.
    """
    if not any(c.clock_s for c in clocks):
        return kept
    kind_codes, kinds = coded(events["kind"])
    is_kind = flags(kind_codes, kinds, _KINDS)
    own = kept == np.arange(len(kept))
    take = own & is_kind & (direction < 2) & flags(*coded(events["how"]), _RECORDING)
    codes, _ = coded(contact)
    take &= codes >= 0
    rows = np.flatnonzero(take)
    if len(np.unique(source[rows])) < 2:
        return kept
    key = codes[rows]
    for column in (kind_codes, coded(events["channel"])[0], direction):
        key = np.unique(np.stack([key, column[rows]]), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)
    order = np.lexsort((source[rows], ts[rows], key))
    rows, key = rows[order], key[order]
    answered = _answered(events)
    duration = numbers(events["duration_s"])
    has_duration = valid(events["duration_s"])
    call = np.array([k == "call" for k in kinds] + [False], np.bool_)[kind_codes]
    n = len(clocks)
    reach = np.zeros((2, n, n), np.int64)
    step = np.zeros((n, n), np.int64)
    for i, j in np.ndindex(n, n):
        reach[0, i, j] = clocks[i].reach_s(clocks[j], call=False) * 1_000_000
        reach[1, i, j] = clocks[i].reach_s(clocks[j], call=True) * 1_000_000
        step[i, j] = max(clocks[i].duration_step_s, clocks[j].duration_step_s) - 1 + DURATION_S
    # every record with those that follow it within the reach
    pairs: list[tuple[Ints, Ints]] = []
    for shift in range(1, min(_NEIGHBOURS, len(rows) - 1) + 1):
        early, late = rows[:-shift], rows[shift:]
        close = (key[:-shift] == key[shift:]) & (ts[late] - ts[early] <= int(reach.max()))
        if not close.any():
            break
        a, b = early[close], late[close]
        good = (source[a] != source[b]) & (
            np.abs(ts[b] - ts[a]) <= reach[call[a].astype(np.int64), source[a], source[b]]
        )
        good &= (answered[a] < 0) | (answered[b] < 0) | (answered[a] == answered[b])
        both = has_duration[a] & has_duration[b]
        good &= ~both | (np.abs(duration[a] - duration[b]) <= step[source[a], source[b]])
        pairs.append((a[good], b[good]))
    if not pairs:
        return kept
    first, second = np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
    nearest = np.lexsort((second, first, np.abs(ts[second] - ts[first])))
    out = kept.copy()
    members: dict[int, list[int]] = {}
    seen: dict[int, set[int]] = {}
    involved = np.unique(np.concatenate((first, second))) if len(first) else np.zeros(0, np.int64)
    if not len(involved):
        return kept
    witnesses = np.flatnonzero(np.isin(kept, involved))  # the exact witnesses of a record go with it
    for row in witnesses.tolist():
        members.setdefault(int(kept[row]), []).append(row)
    root = {int(r): int(r) for r in involved.tolist()}
    for r in involved.tolist():
        seen[r] = {int(source[m]) for m in members.get(r, [r])}
        members.setdefault(r, [r])
    for early_row, late_row in zip(first[nearest].tolist(), second[nearest].tolist(), strict=True):
        one, two = root[early_row], root[late_row]
        if one == two or seen[one] & seen[two]:
            continue
        if (int(span_us[two]), int(source[two]), two) < (int(span_us[one]), int(source[one]), one):
            one, two = two, one
        members[one] += members.pop(two)
        seen[one] |= seen.pop(two)
        for m in members[one]:
            if m in root:
                root[m] = one
            out[m] = one
    return out


def _answered(events: pa.Table) -> Ints:
    """Return 1 answered, 0 not, -1 not known."""
    return np.asarray(pc.fill_null(events["answered"].cast(pa.int8()), -1).to_numpy().astype(np.int64))


# -- what one has and the other has not


def disagreements(
    events: pa.Table, coverage: pa.Table, clocks: Mapping[str, Clock], moment: int
) -> list[dict[str, Any]]:
    """Compare every two sources that cover the same time of the same line.

    Parameters
    ----------
    events : pyarrow.Table
        Resolved events, witnesses included.
    coverage : pyarrow.Table
        Resolved coverage.
    clocks : mapping
        Source id → clock.
    moment : int
        Scoring moment, µs UTC: later rows do not exist.

    Returns
    -------
    list of dict
        One entry for each channel, kind and pair of sources: ``a`` and ``b`` (source ids, a before b), ``from`` and ``to`` (µs UTC, the
        time that both cover, less what their clocks may differ by), ``both`` (events that both have), ``only_a`` and ``only_b``
        (event ids that one has and the other has not, of classes that both are seen to write in that time).
    """
    spans: dict[tuple[str, str], dict[str, list[tuple[int, int]]]] = {}
    for row in coverage.to_pylist():
        if row["scope"] != "all":
            continue
        for kind in _KINDS:
            if kind in row["classes"].split():
                spans.setdefault((row["channel"], kind), {}).setdefault(row["source_id"], []).append(
                    (row["ts_from"], min(row["ts_to"], moment - 1))
                )
    out: list[dict[str, Any]] = []
    for (channel, kind), sources in sorted(spans.items()):
        if len(sources) < 2:
            continue
        mask = pc.and_(pc.equal(events["channel"], channel), pc.equal(events["kind"], kind))
        some = events.filter(pc.and_(mask, pc.less(events["ts"], moment)))
        some = some.filter(pc.is_in(some["how"], pa.array(_RECORDING, pa.string())))
        # a record without a number, or of unknown way, is nobody's witness: it could not be matched
        some = some.filter(pc.and_(pc.is_valid(some["identifier"]), pc.not_equal(some["direction"], "unknown")))
        if not len(some):
            continue
        found = _Events(some, kind)
        names = sorted(sources)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                entry = found.compare(a, b, sources[a], sources[b], clocks)
                if entry is not None:
                    out.append({"channel": channel, "kind": kind, **entry})
    return out


class _Events:
    """Events of one channel and kind with the sources that have them."""

    def __init__(self, some: pa.Table, kind: str) -> None:
        ids = some["event_id"].to_pylist()
        self.ids = ids
        self.root = [d or i for i, d in zip(ids, some["duplicate_of"].to_pylist(), strict=True)]
        self.source = some["source_id"].to_pylist()
        self.ts = numbers(some["ts"])
        self.kind = kind
        # numbers only: a phone names its line by the place of the SIM, an operator by the number
        self.line = [v if v and v.startswith("+") else None for v in some["owner_line"].to_pylist()]
        direction = some["direction"].to_pylist()
        state = _answered(some).tolist() if kind == "call" else [-1] * len(ids)
        self.classes = list(zip(direction, state, strict=True))
        self.rows: dict[str, list[int]] = {}
        for k, s in enumerate(self.source):
            self.rows.setdefault(s, []).append(k)

    def compare(
        self, a: str, b: str, of_a: list[tuple[int, int]], of_b: list[tuple[int, int]], clocks: Mapping[str, Clock]
    ) -> dict[str, Any] | None:
        one, two = clocks.get(a, Clock()), clocks.get(b, Clock())
        edge = one.reach_s(two, call=self.kind == "call") * 1_000_000
        begin = max(min(s for s, _ in of_a), min(s for s, _ in of_b)) + edge
        end = min(max(e for _, e in of_a), max(e for _, e in of_b)) - edge
        if begin > end:
            return None
        mine = {name: [k for k in self.rows.get(name, []) if begin <= self.ts[k] <= end] for name in (a, b)}
        lines = [{self.line[k] for k in mine[name]} - {None} for name in (a, b)]
        if lines[0] and lines[1] and not lines[0] & lines[1]:
            return None
        # witnesses just outside count as having the event: the other's clock put it there
        roots = {name: {self.root[k] for k in self.rows.get(name, [])} for name in (a, b)}
        inside = {name: {self.root[k] for k in mine[name]} for name in (a, b)}
        both = {r for r in inside[a] | inside[b] if r in roots[a] and r in roots[b]}
        smaller = min(len(inside[a]), len(inside[b]))
        if len(both) < COMMON_EVENTS or len(both) < COMMON_SHARE * smaller:
            return None
        # a class that a source is never seen to write (missed calls in a list of charges) is not missing from it
        writes = {name: {self.classes[k] for k in self.rows.get(name, [])} for name in (a, b)}

        def comparable(name: str, item: tuple[str, int]) -> bool:
            return item in writes[name] or (item[1] >= 0 and (item[0], -1) in writes[name])

        only = {}
        for name, other in ((a, b), (b, a)):
            only[name] = sorted(
                {
                    self.root[k]
                    for k in mine[name]
                    if self.root[k] not in roots[other] and comparable(other, self.classes[k])
                }
            )
        return {"a": a, "b": b, "from": begin, "to": end, "both": len(both), "only_a": only[a], "only_b": only[b]}
