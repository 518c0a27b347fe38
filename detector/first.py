"""When it could have been known: the earliest act after which scoring gives ``systematic``, or shows repetition.

``docs/rules.md`` section 9. The numbers of every moment come from running arrays, for all contacts at once. Contacts for whom a running array cannot be exact
(presence that may become a habit, acts inside the uncertainty of a notice, visits of fixes and encounters that others' rows come in between) and profiles
with thresholds on other indicators are scored again as of each of their acts, many moments in one call, from the acts that were on file by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.arrays import Bools, Ints, first_of, first_value, last_index, next_index, opener_rows, openers, running
from detector.columns import coded, flags, numbers
from detector.conduct import (
    encounters,
    first_true,
    repeated,
    run_before,
    several_places,
    several_spots,
    span_running,
    tracking_sure,
)
from detector.course import KIND, MANNER, NEVER, Course, Group, Notices, no_possible, take
from detector.elements import decided, measure
from detector.encounters import EVER
from detector.indicators import Measured
from detector.model import CaseTables
from detector.state import State
from detector.statute import Profile
from detector.verdict import by_code

NONE = -1
#: indicators that depend on more than which acts are on file: each of their rows counts
_OF_ROWS = frozenset({
    "dwell_s", "dwell_longest_s", "tracker_sightings", "tracker_co_travel", "expected_visits_permille", "encounter_chance_permille",
    "shared_place_chance_permille",
})  # fmt: skip
#: moments scored in one call
_BLOCK = 64
#: manners of presence that a person wrote down as waiting, following or entering
WAITING = [MANNER[m] for m in ("waited", "followed", "entered")]


def first_moments(s: State, profile: Profile, never: Bools) -> tuple[Ints, Ints]:
    """Return per contact the ts (µs UTC) of ``first_met`` and ``first_repeated``, :data:`NONE` where there is none.

    Parameters
    ----------
    s : State
        The derived state.
    profile : Profile
        The statute.
    never : bool array (groups,)
        Contacts that can never be ``systematic`` (their verdict is ``service``).
    """
    c = s.course
    met, again = np.full(c.n_groups, NONE, np.int64), np.full(c.n_groups, NONE, np.int64)
    if not len(c.group):
        return met, again
    thresholds = profile.deciding
    slow = inexact(c)
    slow_met = slow if thresholds <= RUNNING.keys() else np.ones(c.n_groups, np.bool_)
    tie = np.r_[(c.group[1:] == c.group[:-1]) & (c.ts[1:] == c.ts[:-1]), False]
    last_of_tie = np.minimum.accumulate(np.where(tie, len(tie), np.arange(len(tie)))[::-1])[::-1]
    moment = Running(s)
    person = _person_since(s)
    row_met = moment.systematic(profile) if not slow_met.all() else np.zeros(len(c.group), np.bool_)
    row_again = moment.repeated()
    for holds, out, left in ((row_met, met, slow_met), (row_again, again, slow)):
        hit = c.act & holds[last_of_tie] & ~left[c.group]
        if out is met:
            hit &= c.since >= person[c.group]
        found = first_value(c.group, c.n_groups, c.since, hit, NONE)
        out[~left] = found[~left]
    for g in np.flatnonzero(slow | slow_met).tolist():
        if slow_met[g]:
            met[g] = _scan(
                s,
                g,
                lambda t: decided(profile, measure(t, thresholds), t.course.n_groups),
                int(person[g]),
                whole=not thresholds.isdisjoint(_OF_ROWS),
            )
        if slow[g]:
            again[g] = _scan(s, g, lambda t: repeated(t.course, t.unwanted_law_openers, t.sets.unwanted_law, t.num))
    met[never] = NONE
    return met, again


def inexact(c: Course) -> Bools:
    """Return per contact whether a running array cannot be exact for it."""
    slow = np.zeros(c.n_groups, np.bool_)
    slow[c.group[c.exempt]] = True
    for k in range(c.notices.most):
        inside = c.act & (c.ts >= c.notices.ts[:, k][c.group]) & (c.ts_min <= c.notices.ts_max[:, k][c.group])
        inside &= (c.notices.row[:, k] >= 0)[c.group]
        slow[c.group[inside]] = True
    slow[c.group[_out_of_order(c)]] = True
    if c.passing is not None:
        slow[c.passing.group[c.passing.until < EVER]] = True
    return slow


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """The unanswered acts of a set, as of each row: their occasions, days, span (µs), and the rows that open the occasions.

    Acts before the last outgoing row are judged (``sure``: their openers); those since it, its *segment*, are unanswered as long as nothing has
    come back (``fresh``: openers among them).
    """

    occasions: Ints
    days: Ints
    span: Ints
    sure: Bools
    fresh: Bools
    segment: Ints
    sure_n: Ints  # openers among the judged acts, as of the last outgoing row


Value: TypeAlias = tuple[Ints, Bools | None]


class Running:
    """Values as of just after each row."""

    def __init__(self, s: State) -> None:
        self.s = s
        c = s.course
        self.law = s.sets.law
        self.first = first_true([n.effective for n in s.notices], len(c.group))
        self.uncontested = first_true([n.effective & ~n.contested for n in s.notices], len(c.group))
        number = running(c.group, opener_rows(c.group, c.ts, self.law, s.window))
        self.wanted = [self.law & (n.after | run_before(c, s.answers, n.after)) for n in s.notices]
        self.wanted_openers = [first_of(c.group, number, wanted) for wanted in self.wanted]
        self._found: dict[str, Value] = {}

    def value(self, name: str) -> Value:
        """Return the running value of an indicator of :data:`RUNNING`, and where it is known (None: everywhere)."""
        if name not in self._found:
            self._found[name] = RUNNING[name](self)
        return self._found[name]

    def by_notice(self, values: Sequence[Ints], free: Ints) -> Ints:
        """Choose, at each row, the value that goes with the notice that is the first effective one there, ``free`` without one."""
        out = free
        for k, of_notice in enumerate(values):
            out = np.where(self.first == k, of_notice, out)
        return out

    @cached_property
    def free(self) -> _Unanswered:
        """The unanswered acts of L: the unwanted ones without a notice."""
        return self.unanswered(self.law)

    @cached_property
    def course(self) -> _Unanswered:
        """The unanswered calls, direct messages and requests of L."""
        return self.unanswered(self.law & self.s.sets.cmr)

    def unanswered(self, base: Bools) -> _Unanswered:
        """Judge the unanswered acts of a set as of each row."""
        s, c = self.s, self.s.course
        sure = base & s.answers.unanswered
        opened = opener_rows(c.group, c.ts, sure, s.window)
        turn = last_index(c.group, ~c.act)
        head = first_value(c.group, c.n_groups, np.arange(len(c.group)), None, 0)[c.group]
        segment = np.where(turn >= 0, turn, head)
        at = np.maximum(turn, 0)

        def before(values: Ints, none: int) -> Ints:
            """Value as of the last outgoing row, ``none`` if there was none yet."""
            return np.where(turn >= 0, values[at], none)

        last_opener = last_index(c.group, opened)
        opener_ts = np.where(last_opener >= 0, c.ts[last_opener], np.iinfo(np.int64).min // 2)
        run = base & ~s.answers.answered_call
        fresh = run & (c.ts > before(opener_ts, np.iinfo(np.int64).min // 2) + s.window)
        extra = np.zeros(len(c.group), np.bool_)
        rows = np.flatnonzero(fresh)
        extra[rows[openers(segment[rows], c.ts[rows], s.window)]] = True
        sure_n = before(running(c.group, opened), 0)
        sure_days = running(c.group, first_of(c.group, c.day, sure))
        last_sure = last_index(c.group, sure)
        last_day = np.where(last_sure >= 0, c.day[last_sure], np.iinfo(np.int64).min)
        new_day = first_of(segment, c.day, run & (c.day > before(last_day, np.iinfo(np.int64).min)))
        days = before(sure_days, 0) + running(segment, new_day)
        first_sure = first_value(c.group, c.n_groups, c.ts, sure, 0)[c.group]
        had = before(running(c.group, sure), 0) > 0
        # the first act of the segment's run, as of this row
        run_first = _first_in(segment, c.ts, run)
        run_last = last_index(segment, run)
        sure_last = before(np.where(last_sure >= 0, c.ts[last_sure], 0), 0)
        begin = np.where(had, first_sure, run_first)
        end = np.where(run_last >= 0, c.ts[run_last], sure_last)
        span = np.where(had | (run_last >= 0), end - begin, 0)
        return _Unanswered(sure_n + running(segment, extra), days, span, opened, extra, segment, sure_n)

    def attempts(self) -> Value:
        c = self.s.course
        value = running(c.group, opener_rows(c.group, c.ts, self.law & self.s.attempt, self.s.window))
        return value, np.asarray(c.event_data[c.group] | (value > 0), np.bool_)

    def tracking(self) -> Value:
        c = self.s.course
        value = self._by_stage(lambda t: t)
        return value, np.asarray(c.presence_data[c.group] | (value > 0), np.bool_)

    def waiting(self) -> Value:
        c = self.s.course
        rows = self.law & np.isin(c.manner, WAITING)
        value = running(c.group, opener_rows(c.group, c.ts, rows, self.s.window))
        return value, np.asarray((value > 0) | self.s.shown_by_a_source("waited")[c.group], np.bool_)

    def of_kind(self, kind: str) -> Value:
        c = self.s.course
        value = running(c.group, self.law & (c.kind == KIND[kind]))
        return value, np.asarray((value > 0) | self.s.shown_by_a_source(kind)[c.group], np.bool_)

    def unwanted_occasions(self) -> Value:
        c = self.s.course
        return self.by_notice([running(c.group, x) for x in self.wanted_openers], self.free.occasions), None

    def unwanted_days(self) -> Value:
        c = self.s.course
        return self.by_notice(
            [running(c.group, first_of(c.group, c.day, w)) for w in self.wanted], self.free.days
        ), None

    def unwanted_span(self) -> Value:
        return self.by_notice([span_running(self.s.course, w) for w in self.wanted], self.free.span) // 1_000_000, None

    def own(self) -> Value:
        s, c = self.s, self.s.course
        number = running(c.group, s.answers.own)
        whole = running(c.group, s.answers.initiative) + running(c.group, opener_rows(c.group, c.ts, c.act, s.window))
        return (2000 * number + whole) // np.maximum(2 * whole, 1), whole > 0

    def thin(self) -> Value:
        """Whether the unwanted occasions so far are few and far between: those of the first effective notice, else the unanswered ones."""
        s, c = self.s, self.s.course
        most = int(s.num["thin_occasions"])
        number = self.unwanted_occasions()[0]
        at = [self.by_notice([_nth(c, x, j) for x in self.wanted_openers], self._nth_free(j)) for j in range(most)]
        thin = np.zeros(len(c.group), np.bool_)
        for n in range(2, most + 1):
            here = np.flatnonzero(number == n)
            gaps = np.sort(np.diff(np.stack([moments[here] for moments in at[:n]]), axis=0), axis=0)
            twice = gaps[(n - 2) // 2] + gaps[(n - 1) // 2]
            thin[here] = twice > 2 * int(s.num["thin_gap_s"]) * 1_000_000
        return thin.astype(np.int64), number > 0

    def _nth_free(self, j: int) -> Ints:
        """Return the moment of the j-th (from 0) unanswered occasion, as of each row; meaningless where there are fewer."""
        c, free = self.s.course, self.free
        rows = np.flatnonzero(free.fresh)
        if not len(rows):
            return _nth(c, free.sure, j)
        start = np.searchsorted(free.segment[rows], free.segment)
        in_run = c.ts[rows[np.clip(start + j - free.sure_n, 0, len(rows) - 1)]]
        return np.where(free.sure_n > j, _nth(c, free.sure, j), in_run)

    def after_notice(self) -> Value:
        return self._after_notice(), np.asarray(self.uncontested >= 0, np.bool_)

    def _after_notice(self) -> Ints:
        out = np.zeros(len(self.first), np.int64)
        for k, n in enumerate(self.s.notices):
            value = self._by_stage(lambda t, n=n: n.after & (t | (self.law & self.s.attempt)))  # type: ignore[misc]
            out = np.where(self.uncontested == k, value, out)
        return out

    def _by_stage(self, choose: Callable[[Bools], Bools]) -> Ints:
        """Running occasions of a set that depends on the tracking acts: presence at one place becomes tracking with the second place."""
        s, c = self.s, self.s.course
        sure = tracking_sure(c) & self.law

        def occasions(tracking: Bools) -> Ints:
            return running(c.group, opener_rows(c.group, c.ts, choose(tracking), s.window))

        value = occasions(sure)
        if not c.presence.any():
            return value
        at = np.arange(len(c.group))
        visits = self.law & c.presence & ~c.exempt & (c.place >= 0)
        met = self.law & encounters(c)
        places = several_places(c, self.law, s.num)[c.group]
        spots = several_spots(c, self.law, s.num)[c.group]
        by_place, by_spot = (places >= 0) & (at >= places), (spots >= 0) & (at >= spots)
        if by_place.any():
            value = np.where(by_place, occasions(sure | visits), value)
        if by_spot.any():
            value = np.where(by_spot, occasions(sure | met), value)
        if (by_place & by_spot).any():
            value = np.where(by_place & by_spot, occasions(sure | visits | met), value)
        return value

    def systematic(self, profile: Profile) -> Bools:
        """Rows as of which every required element and group is met."""
        n = len(self.first)
        rows = np.zeros(n, np.bool_)
        found = {name: self.value(name) for name in profile.deciding}
        return decided(profile, {name: Measured(v, rows, known) for name, (v, known) in found.items()}, n)

    def repeated(self) -> Bools:
        """Rows as of which the unwanted occasions of L repeat."""
        num = self.s.num
        enough = self.value("unwanted_occasions")[0] >= num["repeated_occasions"]
        return np.asarray(enough & (self.value("unwanted_days")[0] >= num["repeated_days"]), np.bool_)


#: indicators of which a running value is known; a profile that decides by another has all its contacts scored again as of each act
RUNNING: dict[str, Callable[[Running], Value]] = {
    "attempt_occasions": Running.attempts,
    "tracking_occasions": Running.tracking,
    "waiting_occasions": Running.waiting,
    "deliveries": lambda r: r.of_kind("delivery"),
    "unwanted_occasions": Running.unwanted_occasions,
    "unwanted_days": Running.unwanted_days,
    "unwanted_span_s": Running.unwanted_span,
    "thin_course": Running.thin,
    "course_occasions": lambda r: (r.course.occasions, None),
    "course_span_s": lambda r: (r.course.span // 1_000_000, None),
    "own_permille": Running.own,
    "after_notice_occasions": Running.after_notice,
}


def _nth(c: Course, mask: Bools, j: int) -> Ints:
    """Return for every row the ts of the j-th (from 0) marked row of its group; meaningless where there are fewer."""
    rows = np.flatnonzero(mask)
    if not len(rows):
        return np.zeros(len(c.group), np.int64)
    start = np.searchsorted(c.group[rows], np.arange(c.n_groups))
    return c.ts[rows[np.minimum(start + j, len(rows) - 1)]][c.group]


def _first_in(segment: Ints, ts: Ints, mask: Bools) -> Ints:
    """Return for every row the ts of the first marked row of its segment so far (0 if there is none yet)."""
    first = mask & (running(segment, mask) == 1)
    at = last_index(segment, first)
    return np.where(at >= 0, ts[at], 0)


def _person_since(s: State) -> Ints:
    """Return per contact the moment from which it is no service by its codes: the first call or position of an undeclared code."""
    c = s.course
    out = np.full(c.n_groups, np.iinfo(np.int64).min)
    called = first_value(c.group, c.n_groups, c.ts, c.kind == KIND["call"], np.iinfo(np.int64).max)
    for g in np.flatnonzero(by_code(c)).tolist():
        p = s.cases[c.groups[g].case].positions
        seen = pc.min(p.filter(pc.equal(p["contact_id"], c.groups[g].contact_id))["ts"]).as_py()
        out[g] = min(int(called[g]), int(called[g]) if seen is None else seen)
    return out


def _out_of_order(c: Course) -> Bools:
    """Mark acts that are not on file from their own ts on (visits of fixes, encounters by tracks), where that matters to a running array.

    A visit of fixes is there from a later fix on. If nothing else of the contact lies in between, the running arrays hold, with that later moment.
    """
    late = c.act & (c.since > c.ts)
    if not late.any():
        return late
    same = c.group[1:] == c.group[:-1]
    crowded = np.zeros(len(late), np.bool_)
    crowded[1:] |= same & (c.ts[:-1] == c.ts[1:])
    crowded[:-1] |= same & (c.ts[1:] <= c.since[:-1])
    following = next_index(c.group, ~c.act)
    crowded |= (following >= 0) & (c.ts[following] <= c.ts_end)
    for k in range(c.notices.most):
        told = c.notices.ts[:, k][c.group]
        crowded |= (c.notices.row[:, k] >= 0)[c.group] & (told >= c.ts) & (told <= c.ts_end)
    return np.asarray(late & (crowded | (c.manner != MANNER["visit"])), np.bool_)


def _scan(s: State, g: int, holds: Callable[[State], Bools], begin: int = -(2**63), *, whole: bool = False) -> int:
    """Score one contact as of each of its acts, in order, and return the first moment that holds.

    Moments are the acts' ts, and for a visit of fixes or an encounter by tracks those of its rows, from ``begin`` on. With ``whole`` every moment is scored from
    the tables; without, those as of which the same acts are on file as at the moment before are left out.
    """
    c = s.course
    group = c.groups[g]
    lo, hi = np.searchsorted(c.group, [g, g + 1]).tolist()
    mine = np.arange(lo, hi)[c.act[lo:hi]]
    base = sum(len(x.events) + len(x.positions) for x in s.cases[: group.case]) + len(s.cases[group.case].events)
    runs = mine[c.presence[mine] & (c.record_to[mine] - c.record_from[mine] > 1)]
    rows = [c.records[c.record_from[r] : c.record_to[r]] - base for r in runs]
    positions = numbers(s.cases[group.case].positions["ts"])
    everything = c if c.passing is None else c.passing
    own = slice(*np.searchsorted(everything.group, [g, g + 1]).tolist())
    acting = everything.act[own]
    turns = np.r_[everything.since[own][acting], everything.until[own][acting]]
    found = np.unique(np.concatenate([c.ts[mine], turns[turns < EVER], *(positions[f] for f in rows)]))
    found = found[found >= begin]
    case = _only(s, group) if whole else s.cases[group.case]
    lo, hi = own.start, own.stop
    if not whole:
        changes = np.sort(np.concatenate([everything.since[lo:hi], everything.until[lo:hi], c.notices.ts[g]]))
        number = np.searchsorted(changes, found, "right")
        found = found[np.r_[True, number[1:] != number[:-1]]] if len(found) else found
    moments = found.tolist()
    for i in range(0, len(moments), _BLOCK):
        block = moments[i : i + _BLOCK]
        course = None if whole else _as_of(everything, g, lo, hi, block)
        state = State([case] * len(block), s.num, s.valid_from, [t + 1 for t in block], course)
        hit = np.flatnonzero(holds(state))
        if len(hit):
            return int(block[int(hit[0])])
    return NONE


def _as_of(c: Course, g: int, lo: int, hi: int, moments: list[int]) -> Course:
    """Return the course of one contact as of just after each of several moments, as so many contacts of so many cases."""
    since, until = c.since[lo:hi], c.until[lo:hi]
    live = [lo + np.flatnonzero((since <= t) & (t < until)) for t in moments]
    n, at, k = len(moments), np.array(moments, np.int64)[:, None], c.notices
    known = (k.row[g] >= 0) & (k.ts[g] <= at)
    ts, ts_min, ts_max = (np.where(known, x[g], NEVER) for x in (k.ts, k.ts_min, k.ts_max))
    notices = Notices(ts, ts_min, ts_max, np.where(known, k.row[g], -1))
    none = np.zeros(0, np.int64)
    return take(
        c, np.concatenate(live), group=np.repeat(np.arange(n), [len(x) for x in live]),
        groups=tuple(replace(c.groups[g], case=i) for i in range(n)), notices=notices, said_group=none, said_record=none,
        presence_data=np.repeat(c.presence_data[g], n), event_data=np.repeat(c.event_data[g], n),
        has_position=np.repeat(c.has_position[g], n), least_error=np.repeat(c.least_error[g], n),
        possible=no_possible(), tracks=(None,) * n, passing=None,
    )  # fmt: skip


def _only(s: State, group: Group) -> CaseTables:
    """Return the tables with the rows of one contact; what the case can show at all stays (coverage).

    What the owner sent as the notice itself is left out for every moment, also for those before the notice.
    """
    case = s.cases[group.case]

    def of(table: pa.Table) -> pa.Table:
        return table.filter(pc.equal(table["contact_id"], group.contact_id))

    events = of(case.events)
    margin = int(s.num["notice_margin_s"]) * 1_000_000
    ts, said = numbers(events["ts"]), np.zeros(len(events), np.bool_)
    for n in of(case.notices).to_pylist():
        if not n["refused"] and n["ts"] < s.as_of[group.case]:
            said |= (ts >= n["ts_min"] - margin) & (ts <= n["ts_max"] + margin)
    outgoing = flags(*coded(events["direction"]), ("out",))
    events = events.filter(pa.array(~(said & outgoing)))

    # where the owner was is part of whether they met
    hers = pc.equal(case.positions["subject"], "owner")
    positions = case.positions.filter(pc.or_kleene(pc.equal(case.positions["contact_id"], group.contact_id), hers))
    return CaseTables(
        case.case_id, events, positions, of(case.notices), case.places, of(case.contacts), of(case.trackers),
        case.coverage,
    )  # fmt: skip
