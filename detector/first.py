"""When it could have been known: the earliest act after which scoring gives ``systematic``, or shows repetition.

``docs/rules.md`` section 9. The numbers of every moment come from running arrays, for all contacts at once. Contacts for whom a running array cannot be exact
(presence that may become a habit, acts inside the uncertainty of a notice) and profiles with thresholds on other indicators are scored
again as of each of their acts, many moments in one call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.arrays import Bools, Ints, first_of, first_value, last_index, opener_rows, openers, running
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
from detector.course import KIND, MANNER, Group
from detector.elements import evaluate, measure
from detector.indicators import Measured
from detector.model import CaseTables
from detector.state import State
from detector.statute import Profile
from detector.verdict import by_code

NONE = -1
#: indicators of which a running value is known
_RUNNING = frozenset({
    "attempt_occasions", "tracking_occasions", "unwanted_occasions", "unwanted_days", "unwanted_span_s",
    "after_notice_occasions",
})  # fmt: skip
#: moments scored in one call
_BLOCK = 64


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
    thresholds = {line.indicator for e in profile.elements for line in e.lines if line.comparison}
    slow = np.zeros(c.n_groups, np.bool_)
    slow[c.group[c.exempt]] = True
    for k in range(c.notices.most):
        inside = c.act & (c.ts >= c.notices.ts[:, k][c.group]) & (c.ts_min <= c.notices.ts_max[:, k][c.group])
        inside &= (c.notices.row[:, k] >= 0)[c.group]
        slow[c.group[inside]] = True
    # a visit of single fixes is there from its second fix on, not from its first
    slow[c.group[c.act & (c.manner == MANNER["visit"]) & (c.record_to - c.record_from > 1)]] = True
    slow_met = slow if thresholds <= _RUNNING else np.ones(c.n_groups, np.bool_)
    tie = np.r_[(c.group[1:] == c.group[:-1]) & (c.ts[1:] == c.ts[:-1]), False]
    last_of_tie = np.minimum.accumulate(np.where(tie, len(tie), np.arange(len(tie)))[::-1])[::-1]
    moment = _Running(s)
    person = _person_since(s)
    row_met = moment.systematic(profile) if not slow_met.all() else np.zeros(len(c.group), np.bool_)
    row_again = moment.repeated()
    for holds, out, left in ((row_met, met, slow_met), (row_again, again, slow)):
        hit = c.act & holds[last_of_tie] & ~left[c.group]
        if out is met:
            hit &= c.ts >= person[c.group]
        found = first_value(c.group, c.n_groups, c.ts, hit, NONE)
        out[~left] = found[~left]
    for g in np.flatnonzero(slow | slow_met).tolist():
        if slow_met[g]:
            met[g] = _scan(
                s,
                g,
                lambda t: evaluate(profile, measure(t, thresholds), t.course.n_groups).all_required,
                int(person[g]),
            )
        if slow[g]:
            again[g] = _scan(s, g, lambda t: repeated(t.course, t.unwanted_law_openers, t.sets.unwanted_law, t.num))
    met[never] = NONE
    return met, again


class _Running:
    """Values as of just after each row."""

    def __init__(self, s: State) -> None:
        self.s = s
        c = s.course
        self.law = s.sets.law
        self.first = first_true([n.effective for n in s.notices], len(c.group))
        self.uncontested = first_true([n.effective & ~n.contested for n in s.notices], len(c.group))
        number = running(c.group, opener_rows(c.group, c.ts, self.law, s.window))
        self.unwanted: list[tuple[Ints, Ints, Ints]] = []
        for n in s.notices:
            wanted = self.law & (n.after | run_before(c, s.answers, n.after))
            self.unwanted.append((
                running(c.group, first_of(c.group, number, wanted)),
                running(c.group, first_of(c.group, c.day, wanted)),
                span_running(c, wanted),
            ))  # fmt: skip

    def _with_notice(self, which: int) -> Ints:
        out = np.zeros(len(self.first), np.int64)
        for k, values in enumerate(self.unwanted):
            out = np.where(self.first == k, values[which], out)
        return out

    def _without_notice(self) -> tuple[Ints, Ints, Ints]:
        """Unanswered occasions, their days and their span, as of each row: acts before the last outgoing row are judged, those after it
        are unanswered as long as nothing has come back."""
        s, c = self.s, self.s.course
        sure = self.law & s.answers.unanswered
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
        run = self.law & ~s.answers.answered_call
        fresh = run & (c.ts > before(opener_ts, np.iinfo(np.int64).min // 2) + s.window)
        extra = np.zeros(len(c.group), np.bool_)
        rows = np.flatnonzero(fresh)
        extra[rows[openers(segment[rows], c.ts[rows], s.window)]] = True
        occasions = before(running(c.group, opened), 0) + running(segment, extra)
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
        return occasions, days, span

    @cached_property
    def values(self) -> dict[str, tuple[Ints, Bools | None]]:
        """Running value of each indicator of :data:`_RUNNING`, and where it is known."""
        s, c = self.s, self.s.course
        has = self.first >= 0
        free = self._without_notice()
        unwanted = [np.where(has, self._with_notice(i), free[i]) for i in range(3)]
        attempts = running(c.group, opener_rows(c.group, c.ts, self.law & s.attempt, s.window))
        seen = np.asarray(c.presence_data[c.group], np.bool_)
        return {
            "attempt_occasions": (attempts, np.asarray(c.event_data[c.group] | (attempts > 0), np.bool_)),
            "tracking_occasions": (self._by_stage(lambda t: t), seen),
            "unwanted_occasions": (unwanted[0], None),
            "unwanted_days": (unwanted[1], None),
            "unwanted_span_s": (unwanted[2] // 1_000_000, None),
            "after_notice_occasions": (self._after_notice(), np.asarray(self.uncontested >= 0, np.bool_)),
        }

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
        measured = {name: Measured(v, rows, known) for name, (v, known) in self.values.items()}
        return evaluate(profile, measured, n).all_required

    def repeated(self) -> Bools:
        """Rows as of which the unwanted occasions of L repeat."""
        values = self.values
        num = self.s.num
        enough = values["unwanted_occasions"][0] >= num["repeated_occasions"]
        return np.asarray(enough & (values["unwanted_days"][0] >= num["repeated_days"]), np.bool_)


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


def _scan(s: State, g: int, holds: Callable[[State], Bools], since: int = -(2**63)) -> int:
    """Score one contact as of each of its acts, in order, and return the first moment that holds.

    Moments are the acts' ts, and for a visit of fixes those of its fixes, from ``since`` on.
    """
    c = s.course
    group = c.groups[g]
    case = _only(s, group)
    mine = (c.group == g) & c.act
    base = sum(len(x.events) + len(x.positions) for x in s.cases[: group.case]) + len(s.cases[group.case].events)
    runs = np.flatnonzero(mine & c.presence & (c.record_to - c.record_from > 1))
    fixes = [c.records[c.record_from[r] : c.record_to[r]] - base for r in runs]
    positions = numbers(s.cases[group.case].positions["ts"])
    moments = np.unique(np.concatenate([c.ts[mine], *(positions[f] for f in fixes)]))
    moments = moments[moments >= since].tolist()
    for i in range(0, len(moments), _BLOCK):
        block = moments[i : i + _BLOCK]
        state = State([case] * len(block), s.num, s.valid_from, [t + 1 for t in block])
        hit = np.flatnonzero(holds(state))
        if len(hit):
            return int(block[int(hit[0])])
    return NONE


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

    return CaseTables(
        case.case_id, events, of(case.positions), of(case.notices), case.places, of(case.contacts), of(case.trackers),
        case.coverage,
    )  # fmt: skip
