"""One person behind several identifiers? Who takes over after a refusal, with reasons and points (``docs/measures.md`` section 9).

A hypothesis is only offered: nothing here changes a finding. What the finding would be with it is scored apart and shown beside the finding itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.arrays import Ints, first_value, haversine_m
from detector.columns import coded, flags, numbers, valid
from detector.course import CALL_TAGS, KIND, NEVER, Group
from detector.findings import case_findings, group_rows, record_rows, utc_text
from detector.model import CaseTables, Decision
from detector.records import RecordIds
from detector.score import Scored, score
from detector.state import State
from detector.verdict import by_code

_US = 1_000_000
#: channels that name no way of reaching the owner
_NO_CHANNEL = ("journal", "in_person")
#: calls that the phone refused
_REFUSED_CALLS = ("rejected", "blocked")
#: numbers that are shown side by side, if they differ
SHOWN = (
    "acts", "occasions", "unwanted_occasions", "unwanted_days", "unwanted_span_s", "after_notice_acts",
    "after_notice_occasions", "unanswered_occasions", "outgoing", "replies", "initiatives", "conversations",
)  # fmt: skip
#: country calling codes of one and two digits (ITU-T E.164); all others have three, and none begins another
_COUNTRIES = frozenset(
    str(code)
    for code in (1, 7, 20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84, 86,
                 *range(90, 96), 98)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One contact (a number of ``course.groups``) that may be another one, with what speaks for it.

    Attributes
    ----------
    of, candidate : int
        The contact that was refused; the undeclared one.
    refusal : int
        Position of the refusal in the lists of :class:`Suggested`.
    gap_s : int
        From the refusal to the first act of the candidate, in whole seconds, rounded down.
    points : dict of str to int
        Points of every reason, for and against, that has any.
    """

    of: int
    candidate: int
    refusal: int
    gap_s: int
    points: dict[str, int]

    @property
    def total(self) -> int:
        """Sum of the points."""
        return sum(self.points.values())


@dataclass(frozen=True, slots=True)
class _Refusals:
    """Refusals of all contacts, by contact and time: notices, and calls that the phone rejected or blocked."""

    group: Ints
    moment: Ints  # its latest moment
    notice: Ints  # row of the case's notices, -1
    call: Ints  # row of the course, -1


@dataclass(frozen=True, slots=True)
class Suggested:
    """All hypotheses of all cases that have enough points, by contact, the strongest first, and the refusals that they point to."""

    found: list[Suggestion]
    refusals: _Refusals


def _refusals(s: State) -> _Refusals:
    """Collect the refusals of contacts that can be taken over from: no services; without a notice only declared ones."""
    c = s.course
    g, k = np.nonzero(c.notices.row >= 0)
    tags = [CALL_TAGS.index(t) for t in _REFUSED_CALLS]
    calls = np.flatnonzero(c.act & (c.kind == KIND["call"]) & np.isin(c.call_tag, tags))
    none = np.full(len(calls), -1, np.int64)
    group = np.r_[g, c.group[calls]].astype(np.int64)
    moment = np.r_[c.notices.ts_max[g, k], c.ts[calls]].astype(np.int64)
    notice, call = np.r_[c.notices.row[g, k], none], np.r_[np.full(len(g), -1, np.int64), calls]
    person = ~by_code(c) & np.array([x.role != "service" for x in c.groups], np.bool_)
    # a filter rejects strangers by the dozen: a rejected call alone makes nobody somebody who was refused
    known = np.array([x.declared for x in c.groups], np.bool_)
    known[g] = True
    use = np.flatnonzero((person & known)[group])
    order = use[np.lexsort((notice[use], call[use], moment[use], group[use]))]
    return _Refusals(group[order], moment[order], notice[order], call[order])


def _traces(case: CaseTables, as_of: int, index: Mapping[str, int], size: int) -> tuple[Ints, Ints]:
    """Return for every contact of a case its earliest trace of any kind (earliest possible time) and the owner's first event to it."""
    trace, out = np.full(size, NEVER, np.int64), np.full(size, NEVER, np.int64)
    for table in (case.events, case.positions):
        codes, names = coded(table["contact_id"])
        group = np.array([index.get(n, -1) for n in names] + [-1], np.int64)[codes]
        use = (group >= 0) & ~valid(table["duplicate_of"]) & (numbers(table["ts"]) < as_of)
        np.minimum.at(trace, group[use], numbers(table["ts_min"])[use])
        if table is case.events:
            use &= flags(*coded(table["direction"]), ("out",))
            np.minimum.at(out, group[use], numbers(table["ts"])[use])
    return trace, out


def suggest(s: State) -> Suggested:
    """Find all hypotheses of all cases that have enough points, by contact, the strongest first."""
    c, num = s.course, s.num
    refusals = _refusals(s)
    if not len(refusals.group):
        return Suggested([], refusals)
    first = first_value(c.group, c.n_groups, np.arange(len(c.group)), c.act, -1)
    free = (first >= 0) & ~by_code(c) & np.array([not g.declared for g in c.groups], np.bool_)
    window = int(num["hypothesis_s"])
    heads = np.flatnonzero(np.r_[True, refusals.group[1:] != refusals.group[:-1]])
    ends = np.r_[heads[1:], len(refusals.group)]
    case_of = c.case
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for number in np.unique(case_of[refusals.group[heads]]).tolist():
        lo, hi = (int(np.searchsorted(case_of, number, side)) for side in ("left", "right"))
        new = np.flatnonzero(free[lo:hi]) + lo
        if not len(new):
            continue
        index = {g.contact_id: i for i, g in enumerate(c.groups[lo:hi])}
        trace, out = (x[new - lo] for x in _traces(s.cases[number], s.as_of[number], index, hi - lo))
        begin, earliest = c.ts[first[new]], c.ts_min[first[new]]
        unsought = out >= begin
        here = slice(*np.searchsorted(refusals.group[heads], [lo, hi]).tolist())
        for head, end in zip(heads[here].tolist(), ends[here].tolist(), strict=True):  # the few who were refused
            whose = int(refusals.group[head])
            last = np.searchsorted(refusals.moment[head:end], trace, side="left") - 1
            gap = (earliest - refusals.moment[head + np.maximum(last, 0)]) // _US
            hit = np.flatnonzero(unsought & (last >= 0) & (gap <= window) & (new != whose))
            found.append((np.full(len(hit), whose), new[hit], head + last[hit], gap[hit]))
    if not found:
        return Suggested([], refusals)
    of, candidate, refusal, gap = (np.concatenate(part) for part in zip(*found, strict=True))
    columns = _points(s, of, candidate, first, gap)
    total = np.asarray(np.sum(list(columns.values()), axis=0), np.int64)
    offered = np.flatnonzero(total >= int(num["hypothesis_points"]))
    keys = (candidate, c.ts[first[candidate]], -total, of)
    order = offered[np.lexsort(tuple(k[offered] for k in keys))]
    strongest = [
        Suggestion(int(of[i]), int(candidate[i]), int(refusal[i]), int(gap[i]),
                   {name: int(v[i]) for name, v in columns.items() if v[i]})
        for i in order.tolist()
    ]  # fmt: skip
    return Suggested(strongest, refusals)


def _points(s: State, of: Ints, candidate: Ints, first: Ints, gap: Ints) -> dict[str, Ints]:
    """Return the points of every reason, for and against, for all pairs at once."""
    c, num = s.course, s.num
    used, at = np.unique(np.r_[of, candidate], return_inverse=True)
    k, u = at[: len(of)], at[len(of) :]
    rank = np.full(c.n_groups, -1, np.int64)
    rank[used] = np.arange(len(used))
    rows = np.flatnonzero((rank >= 0)[c.group])
    row_rank, act = rank[c.group[rows]], c.act[rows]
    ways = len(c.channels)
    last = np.full((len(used), ways + 1), -NEVER, np.int64)
    np.maximum.at(last, (row_rank[act], c.channel[rows][act]), c.ts[rows][act])
    named = np.array([n not in _NO_CHANNEL for n in c.channels] + [False], np.bool_)
    uses = (last > -NEVER) & named
    way, begin = c.channel[first[candidate]], c.ts[first[candidate]]
    stopped = uses[k, way] & (last[k, way] < begin)
    shared = (uses[k] & uses[u]).any(axis=1)
    hours = np.zeros((len(used), 24), np.int64)
    timed = act & c.timed[rows]
    np.add.at(hours, (row_rank[timed], c.hour[rows][timed]), 1)
    alike, whole = _alike(hours, k, u)
    enough = hours.sum(axis=1) >= int(num["hypothesis_hours_acts"])
    enough = enough[k] & enough[u]

    def reaches(name: str) -> Ints:
        top, bottom = num[name]
        return np.asarray(enough & (bottom * alike >= top * whole), np.int64)

    answered = np.zeros(len(used), np.bool_)
    answered[row_rank[~act | s.answers.answered_call[rows]]] = True
    there = np.zeros(len(used), np.bool_)
    there[row_rank[c.presence[rows]]] = True
    pairs = list(zip(k.tolist(), u.tolist(), strict=True))
    pools = [_beginnings(c.groups[i].identifiers, int(num["pool_digits"])) for i in used.tolist()]
    kin = [bool(pools[i] & pools[j]) for i, j in pairs]
    countries = [_countries(c.groups[i].identifiers) for i in used.tolist()]
    foreign = [bool(countries[i] and countries[j] - countries[i]) for i, j in pairs]
    places = np.zeros(len(of), np.int64)
    for i in np.flatnonzero(there[k] & there[u]).tolist():  # few are seen anywhere
        places[i] = _common_places(s, int(of[i]), int(candidate[i]))[0] > 0
    return {
        "timing": np.asarray(1 + (gap <= int(num["hypothesis_soon_s"])), np.int64),
        "take_over": np.asarray(2 * stopped, np.int64),
        "same_channel": np.asarray(shared, np.int64),
        "same_hours": reaches("hypothesis_hours_share") + reaches("hypothesis_hours_most"),
        "same_places": places,
        "one_way": (~answered[k] & ~answered[u]).astype(np.int64),
        "number_kinship": np.array(kin, np.int64),
        "owner_answered": -answered[u].astype(np.int64),
        "other_country": -np.array(foreign, np.int64),
    }


def _alike(hours: Ints, k: Ints, u: Ints) -> tuple[Ints, Ints]:
    """Return numerator and denominator of the overlap of two histograms: the sum over hours of the smaller share."""
    a, b = hours.sum(axis=1)[k], hours.sum(axis=1)[u]
    return np.minimum(hours[k] * b[:, None], hours[u] * a[:, None]).sum(axis=1), a * b


def _beginnings(identifiers: Sequence[str], last: int) -> frozenset[str]:
    """Return the numbers without their last digits; those of equal length alone compare."""
    return frozenset(f"{len(i)} {i[: len(i) - last]}" for i in identifiers if i.startswith("+") and len(i) > last + 1)


def _countries(identifiers: Sequence[str]) -> set[str]:
    """Return the country calling codes of the numbers among identifiers."""
    digits = [i[1:] for i in identifiers if i.startswith("+") and i[1:].isdigit()]
    return {next((d[:n] for n in (1, 2) if d[:n] in _COUNTRIES), d[:3]) for d in digits}


def _common_places(s: State, of: int, candidate: int) -> tuple[int, Ints]:
    """Count places of the owner and spots on the way at which both were; return the rows of both there, too."""
    c = s.course
    a, b = (np.flatnonzero(c.presence & (c.group == g)) for g in (of, candidate))
    places = np.intersect1d(c.place[a][c.place[a] >= 0], c.place[b][c.place[b] >= 0])
    texts = np.intersect1d(c.spot[a][c.spot[a] >= 0], c.spot[b][c.spot[b] >= 0])
    both = np.r_[a, b]
    at = np.isin(c.place[both], places) & (c.place[both] >= 0)
    at |= np.isin(c.spot[both], texts) & (c.spot[both] >= 0)
    spots = 0
    near = int(s.num["spot_m"])

    def on_the_way(rows: Ints) -> Ints:
        return rows[(c.place[rows] < 0) & (c.spot[rows] < 0) & np.isfinite(c.lat[rows])]

    mine, theirs = on_the_way(a), on_the_way(b)
    seen: list[int] = []
    for row in theirs.tolist():  # encounters of a person whom nobody knows: few
        close = mine[haversine_m(c.lat[mine], c.lon[mine], c.lat[row], c.lon[row]) <= near]
        if len(close):
            at |= np.isin(both, close) | (both == row)
            if not any(int(haversine_m(c.lat[row], c.lon[row], c.lat[x], c.lon[x])) <= near for x in seen):
                seen.append(row)
                spots += 1
    return len(places) + len(texts) + spots, both[at]


# -- with and without ---------------------------------------------------------------------------------------------------


class _Excerpts:
    """Of one case, the rows of a few contacts with all that their measures look at besides: enough to score these as in the whole case.

    Besides a contact's own rows, its finding rests on the owner's positions, on the lines of the owner, on the first row of the case and on whether
    the case could show anything at all.
    """

    def __init__(self, scored: Scored, number: int) -> None:
        s = scored.state
        c = s.course
        self.case = s.cases[number]
        self._events, self._event_names = coded(self.case.events["contact_id"])
        self._positions, self._position_names = coded(self.case.positions["contact_id"])
        subject = coded(self.case.positions["subject"])
        self._owner = flags(*subject, ("owner",)) if len(self.case.positions) else np.zeros(0, np.bool_)
        self._contact = flags(*subject, ("contact",)) if len(self.case.positions) else np.zeros(0, np.bool_)
        lines, _ = coded(self.case.events["owner_line"])
        by_line = np.lexsort((numbers(self.case.events["ts"]), lines))
        used = by_line[lines[by_line] >= 0]
        openings = used[np.r_[True, lines[used][1:] != lines[used][:-1]]] if len(used) else used
        lo, hi = np.searchsorted(c.case[c.group], [number, number + 1]).tolist()
        here = np.arange(lo, hi)
        earliest = record_rows(scored, number, here[[np.argmin(c.ts[lo:hi])]]) if hi > lo else here
        size = len(self.case.events)
        self._more_events = np.unique(np.r_[openings, earliest[earliest < size], np.arange(size)[:1]])
        followed = np.flatnonzero(~self._owner)[:1]
        self._more_positions = np.unique(np.r_[earliest[earliest >= size] - size, followed])

    def joined(self, contact_id: str, others: Sequence[str]) -> CaseTables:
        """Return the excerpt for one contact, as if the rows of others were its own."""
        wanted = {contact_id, *others}
        event = np.array([n in wanted for n in self._event_names] + [False], np.bool_)[self._events]
        event[self._more_events] = True
        position = np.array([n in wanted for n in self._position_names] + [False], np.bool_)[self._positions]
        if (position & self._contact).any():
            position |= self._owner
        position[self._more_positions] = True
        case = self.case
        tables = {
            "events": case.events.take(pa.array(np.flatnonzero(event))),
            "positions": case.positions.take(pa.array(np.flatnonzero(position))),
            "trackers": case.trackers,
        }
        there = wanted.union(*(set(tables[name]["contact_id"].to_pylist()) for name in ("events", "positions")))
        # the notices of whoever has a row here: what a notice makes of a row does not depend on whose finding is asked
        heard = pa.array(sorted(i for i in there if i is not None), pa.string())
        tables["notices"] = case.notices.filter(pc.is_in(case.notices["contact_id"], heard))
        tables = {name: _given(table, others, contact_id) for name, table in tables.items()}
        told = sorted(
            tables["notices"].to_pylist(), key=lambda n: (n["ts_max"], n["ts"], n["kind"], n["record_id"] or "")
        )
        return replace(case, events=tables["events"], positions=tables["positions"], trackers=tables["trackers"],
                       notices=pa.Table.from_pylist(told, case.notices.schema), contacts=self._people(contact_id, others, there))  # fmt: skip

    @cached_property
    def _listed(self) -> dict[str, dict[str, Any]]:
        return {c["contact_id"]: c for c in self.case.contacts.to_pylist()}

    def _people(self, contact_id: str, others: Sequence[str], there: set[str | None]) -> pa.Table:
        known = self._listed
        texts = [known[i]["identifiers"] for i in (contact_id, *others)]
        mine = sorted({i for text in texts if text for i in text.split("\n")})
        rows = [c for i, c in known.items() if i in there and i != contact_id and i not in others]
        return pa.Table.from_pylist(
            [*rows, {**known[contact_id], "identifiers": "\n".join(mine)}], self.case.contacts.schema
        )


def _given(table: pa.Table, others: Sequence[str], contact_id: str) -> pa.Table:
    """Return a table with the rows of others given to a contact."""
    at = table.schema.get_field_index("contact_id")
    column = table["contact_id"]
    theirs = pc.is_in(column, pa.array(sorted(others), pa.string()))
    return table.set_column(at, table.schema.field(at), pc.if_else(theirs, contact_id, column))


def joined_findings(scored: Scored, number: int, joins: Sequence[tuple[str, Sequence[str]]], *, bare: bool = False) -> list[dict[str, Any]]:  # fmt: skip
    """Return, for each (contact, others), the finding of the contact as if the rows of the others were its own.

    Parameters
    ----------
    scored : Scored
        The scoring of the case as it is; profile, numbers and moment are its own.
    number : int
        Number of the case in it.
    joins : sequence of (str, sequence of str)
        Ids of contacts of the case. Without others the finding is that of the case itself.
    bare : bool
        Leave the records of indicators out.
    """
    if not joins:
        return []
    s = scored.state
    excerpts = _Excerpts(scored, number)
    cases = [excerpts.joined(contact_id, others) for contact_id, others in joins]
    again = score(cases, scored.profile, [s.as_of[number]] * len(cases), valid_from=s.valid_from, numbers=s.num)
    return [
        next(f for f in case_findings(again, i, bare=bare) if f["contact_id"] == contact_id)
        for i, (contact_id, _) in enumerate(joins)
    ]


def case_hypotheses(scored: Scored, number: int = 0, decisions: Sequence[Decision] = (),
                    suggested: Suggested | None = None) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Return the entries ``hypotheses`` of the findings of one case, by contact id.

    Parameters
    ----------
    scored : Scored
        The scoring of the case; nothing of it is changed.
    number : int
        Number of the case in it.
    decisions : sequence of Decision
        What people have decided: refused identifiers are not offered again, and every decision is shown with its reason.
    suggested : Suggested, optional
        What :func:`suggest` found, where it was asked for several cases at once.

    Returns
    -------
    dict
        For the contact that was refused: each hypothesis (``contact_id``, ``identifiers``, ``points``, ``reasons``, ``against``, ``refusal``,
        ``first_act``, ``with``); if there are several, one entry ``together``; then the decisions. For the other contact: whose it may be (``of``).
    """
    s = scored.state
    groups = s.course.groups
    suggested = suggested or suggest(s)
    refused = [d for d in decisions if not d.accepted]
    by_contact: dict[int, list[Suggestion]] = {}
    for x in suggested.found:
        if groups[x.of].case == number and not _refused(groups[x.of], groups[x.candidate], refused):
            by_contact.setdefault(x.of, []).append(x)
    # a contact without any row, whom nobody declared, has no finding to stand beside
    active = set(np.unique(s.course.group).tolist())
    by_contact = {g: found for g, found in by_contact.items() if g in active or groups[g].declared}
    most = int(s.num["hypothesis_most"])
    shown = {g: found[:most] for g, found in by_contact.items()}
    joins: list[tuple[str, list[str]]] = []
    for g, found in shown.items():
        others = [groups[x.candidate].contact_id for x in found]
        joins += [(groups[g].contact_id, [i]) for i in others]
        if len(others) > 1:
            joins.append((groups[g].contact_id, others))
    findings = iter(joined_findings(scored, number, joins, bare=True))
    tell = _Words(scored, number, suggested.refusals)
    out: dict[str, list[dict[str, Any]]] = {}
    for g, found in shown.items():
        mine = out.setdefault(groups[g].contact_id, [])
        for x in found:
            mine.append({**tell.entry(x), "with": _with(scored, g, next(findings))})
            mirror = {"contact_id": groups[g].contact_id, "of": True, "points": x.total}
            out.setdefault(groups[x.candidate].contact_id, []).append(mirror)
        if len(found) > 1:
            mine.append({"together": [groups[x.candidate].contact_id for x in found],
                         "left_out": len(by_contact[g]) - len(found), "with": _with(scored, g, next(findings))})  # fmt: skip
    for d in sorted(decisions, key=lambda d: (d.contact_id, not d.accepted, d.identifier)):
        entry = {"decision": "accepted" if d.accepted else "refused", "identifiers": [d.identifier], "note": d.reason}
        out.setdefault(d.contact_id, []).append(entry)
    return {
        contact: [*(e for e in entries if "of" not in e), *sorted((e for e in entries if "of" in e), key=lambda e: str(e["contact_id"]))]
        for contact, entries in out.items()
    }  # fmt: skip


def _refused(of: Group, candidate: Group, refused: Sequence[Decision]) -> bool:
    mine = [d for d in refused if d.contact_id == of.contact_id]
    return bool(mine) and all(any(d.means(i) for d in mine) for i in candidate.identifiers)


def _with(scored: Scored, g: int, finding: dict[str, Any]) -> dict[str, Any]:
    """Return what a finding would say, and the numbers that differ from those without the hypothesis."""
    differ = {}
    for name in SHOWN:
        measured = scored.measured[name]
        without = int(measured.value[g]) if measured.known is None or measured.known[g] else None
        value = finding["indicators"][name]["value"]
        if value != without:
            differ[name] = {"without": without, "with": value, "unit": finding["indicators"][name]["unit"]}
    return {
        **{name: finding[name] for name in ("verdict", "reason", "points", "first_met")},
        "elements": [{"id": e["id"], "status": e["status"]} for e in finding["elements"]],
        "indicators": differ,
    }


class _Words:
    """Suggestions as entries of a finding: every reason with value, unit, points and records."""

    def __init__(self, scored: Scored, number: int, refusals: _Refusals) -> None:
        self._scored, self._number, self._refusals = scored, number, refusals
        self._ids = RecordIds.of(scored.state.cases[number])

    def _records(self, rows: NDArray[Any] | list[int]) -> list[str]:
        rows = np.asarray(rows, np.int64)
        course = self._scored.state.course
        rows = rows[np.lexsort((rows, course.ts[rows]))]
        return self._ids.fold(record_rows(self._scored, self._number, rows))

    def _rows(self, g: int) -> Ints:
        lo, hi = group_rows(self._scored, g)
        return np.arange(lo, hi)

    def _refusal(self, x: Suggestion) -> tuple[str, list[str]]:
        """Return the kind of the refusal and the ids of its record."""
        row, call = int(self._refusals.notice[x.refusal]), int(self._refusals.call[x.refusal])
        if call >= 0:
            return f"{CALL_TAGS[int(self._scored.state.course.call_tag[call])]}_call", self._records([call])
        notice = self._scored.state.cases[self._number].notices.slice(row, 1).to_pylist()[0]
        return notice["kind"], [notice["record_id"]] if notice["record_id"] else []

    def entry(self, x: Suggestion) -> dict[str, Any]:
        """Return the entry of one suggestion, without what the finding would be."""
        s = self._scored.state
        c = s.course
        group = c.groups[x.candidate]
        mine, theirs = self._rows(x.of), self._rows(x.candidate)
        mine_acts, acts = mine[c.act[mine]], theirs[c.act[theirs]]
        first = int(acts[0])
        kind, record = self._refusal(x)
        details: dict[str, tuple[int, str, list[str]]] = {"timing": (x.gap_s, "s", [*record, *self._records([first])])}
        on_channel = mine_acts[c.channel[mine_acts] == c.channel[first]]
        if "take_over" in x.points:
            last = int(on_channel[-1])
            details["take_over"] = ((int(c.ts[first]) - int(c.ts[last])) // _US, "s", self._records([last, first]))
        if "same_channel" in x.points:
            details["same_channel"] = self._channels(mine_acts, acts)
        if "same_hours" in x.points:
            timed = [r[c.timed[r]] for r in (mine_acts, acts)]
            hours = np.stack([np.bincount(c.hour[r], minlength=24) for r in timed]).astype(np.int64)
            top, whole = (int(v[0]) for v in _alike(hours, np.array([0]), np.array([1])))
            details["same_hours"] = ((2000 * top + whole) // (2 * whole), "‰", self._records(np.concatenate(timed)))
        if "same_places" in x.points:
            number, rows = _common_places(s, x.of, x.candidate)
            details["same_places"] = (number, "places", self._records(rows))
        if "one_way" in x.points:
            both = np.r_[mine_acts, acts]
            details["one_way"] = (len(both), "acts", self._records(both))
        if "number_kinship" in x.points:
            last_digits = int(s.num["pool_digits"])
            known = _beginnings(c.groups[x.of].identifiers, last_digits)
            alike = [i for i in group.identifiers if _beginnings([i], last_digits) & known]
            by_it = acts[np.isin(c.identifier[acts], [c.identifiers.index(i) for i in alike if i in c.identifiers])]
            details["number_kinship"] = (len(alike), "identifiers", self._records(by_it[:1]))
        return {
            "contact_id": group.contact_id, "identifiers": list(group.identifiers), "points": x.total,
            "refusal": {"kind": kind, "at": utc_text(int(self._refusals.moment[x.refusal]))},
            "first_act": utc_text(int(c.ts[first])),
            "reasons": [
                {"id": name, "value": details[name][0], "unit": details[name][1], "points": points, "records": details[name][2]}
                for name, points in x.points.items()
                if points > 0
            ],
            "against": self._against(x, on_channel[c.ts[on_channel] >= c.ts[first]], theirs),
        }  # fmt: skip

    def _channels(self, mine: Ints, theirs: Ints) -> tuple[int, str, list[str]]:
        """Return the common channels, with the first act of each side on each."""
        c = self._scored.state.course
        common = [
            int(w) for w in np.intersect1d(c.channel[mine], c.channel[theirs]) if w >= 0 and c.channels[w] not in _NO_CHANNEL
        ]  # fmt: skip
        rows = [int(side[np.argmax(c.channel[side] == w)]) for w in common for side in (mine, theirs)]
        return len(common), "channels", self._records(rows)

    def _against(self, x: Suggestion, later: Ints, theirs: Ints) -> list[dict[str, Any]]:
        """Return what speaks against it; an overlap takes no point away, because no point was given for a take-over."""
        s = self._scored.state
        c = s.course
        answers = theirs[~c.act[theirs] | s.answers.answered_call[theirs]]
        known, new = (_countries(c.groups[g].identifiers) for g in (x.of, x.candidate))
        foreign = new - known if known else set()
        said: list[tuple[str, int, str, list[str]]] = [
            ("overlap", len(later), "acts", self._records(later)),
            ("owner_answered", len(answers), "events", self._records(answers)),
            ("other_country", len(foreign), "country codes", []),
        ]
        return [
            {"id": i, "value": value, "unit": unit, "points": x.points.get(i, 0), "records": records}
            for i, value, unit, records in said
            if value
        ]
