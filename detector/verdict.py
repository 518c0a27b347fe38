"""The verdict: the first rule of ``docs/rules.md`` section 8 that holds, for all contacts at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.arrays import Bools, Ints, last_value
from detector.course import KIND, MANNER, Course
from detector.model import CaseTables
from detector.schema import EVENT_KINDS
from detector.state import State

VERDICTS = ("service", "insufficient", "none", "systematic", "emerging", "reciprocal", "isolated")
_US = 1_000_000

#: reasons of the rules, by number; texts are made in detector.findings
SERVICE, NO_ACT, NO_ACT_IN_LAW, NO_COVERAGE, ALL_MET = 1, 20, 21, 22, 3
WAITING, RUN, RECIPROCAL, AFTER_NOTICE, TRACKING, COURSE = 40, 41, 5, 60, 61, 62
ISOLATED_NOTICE, ISOLATED_PRESENCE, ISOLATED_UNANSWERED, NOTHING = 70, 71, 72, 8


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdict and reason of every contact; ``otherwise`` is -1 where the rule has none."""

    verdict: Ints
    reason: Ints
    otherwise: Ints
    numbers: dict[str, Ints]  # what the rules compared, per contact, for the reasons


def _share(part: Ints, whole: Ints, pair: tuple[int, int]) -> Bools:
    return pair[1] * part >= pair[0] * whole


@dataclass(frozen=True, slots=True)
class _Run:
    """A set of acts, per contact: its occasions, days, first to last (µs), and whether one of them is in L."""

    occasions: Ints
    days: Ints
    span: Ints
    in_law: Bools

    @classmethod
    def of(cls, s: State, mask: Bools) -> _Run:
        """Measure the marked acts."""
        return cls(s.occasions(mask), s.days(mask), s.span(mask), s.any(mask & s.sets.law))

    def repeats(self, num: dict[str, Any]) -> Bools:
        """Return per contact whether they repeat."""
        enough = (self.occasions >= num["repeated_occasions"]) & (self.days >= num["repeated_days"])
        return np.asarray(enough & self.in_law, np.bool_)

    def strong(self, num: dict[str, Any], a_third: Bools) -> Bools:
        """Return per contact whether a set of unanswered calls, messages and requests is a course without a notice."""
        long = (self.occasions >= num["course_occasions"]) & (self.span > int(num["course_span_s"]) * _US)
        dense = (self.occasions >= num["course_burst_occasions"]) & (self.days >= num["course_burst_days"])
        return np.asarray((long | dense) & a_third & self.in_law, np.bool_)


@dataclass(frozen=True, slots=True)
class _Period:
    """Both sides of one period, per contact."""

    own: Ints  # replies and initiatives
    initiatives: Ints
    conversations: Ints
    occasions: Ints  # of all acts
    cmr: Ints  # occasions of calls, messages and requests
    cmr_unanswered: Ints

    @classmethod
    def of(cls, s: State, rows: Bools) -> _Period:
        """Count the marked rows."""
        a, cmr = s.answers, s.sets.cmr & rows
        return cls(s.count((a.reply | a.initiative) & rows), s.count(a.initiative & rows), s.count(a.conversation & rows),
                   s.occasions(s.course.act & rows), s.occasions(cmr), s.occasions(cmr & a.unanswered))  # fmt: skip

    def two_way(self, num: dict[str, Any]) -> Bools:
        """Return per contact whether contact goes both ways."""
        whole = self.occasions + self.initiatives
        both = _share(self.own + self.conversations, whole, num["reciprocal_share"])
        return np.asarray(both & _share(self.own, whole, num["reciprocal_own_share"]), np.bool_)

    def unanswered(self, num: dict[str, Any]) -> Bools:
        """Return per contact whether enough of the occasions of calls, messages and requests are unanswered."""
        return np.asarray(
            (self.cmr > 0) & _share(self.cmr_unanswered, self.cmr, num["course_unanswered_share"]), np.bool_
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """All that the rules of the verdict compare with their numbers, per contact: no number of stage ``verdict`` is in it."""

    service: Bools
    any_act: Bools
    any_law: Bools
    covered: Ints  # µs of ``whole``, for contacts without an act in L
    whole: Ints
    ever: _Period
    recent: _Period
    waiting: _Run
    run: _Run  # unanswered since the owner's last sign
    course: _Run  # unanswered
    tracked: _Run
    unwanted: _Run
    unwanted_occasions: Ints
    has_notice: Bools
    reached: Bools  # an attempt or a tracking act after the first effective notice
    after_notice: Ints
    after_notice_law: Bools
    presence_law: Ints
    journal_law: Ints
    unanswered: Ints
    unanswered_law: Bools


def by_code(c: Course) -> Bools:
    """Return per contact whether it is undeclared and known only by alphanumeric or short codes."""
    return np.array(
        [
            not g.declared and bool(g.identifiers) and all(i.startswith(("alpha:", "short:")) for i in g.identifiers)
            for g in c.groups
        ],
        np.bool_,
    )


def _service(s: State) -> Bools:
    c = s.course
    called = s.any(c.kind == KIND["call"])
    declared = np.array([g.role == "service" for g in c.groups], np.bool_)
    return np.asarray(declared | (by_code(c) & ~called & ~c.has_position), np.bool_)


@dataclass(frozen=True, slots=True)
class _Cover:
    """One coverage row with times; ``tells`` if its classes name a kind of event, or it is a journal."""

    source: str
    scope: str
    scope_id: str | None
    begin: int
    end: int
    tells: bool


def _coverage_rows(case: CaseTables) -> list[_Cover]:
    """Return the coverage rows of a case that have times."""
    t = case.coverage.filter(pc.is_valid(case.coverage["ts_from"]))
    names = ("source_id", "scope", "scope_id", "ts_from", "ts_to", "channel", "classes")
    return [
        _Cover(source, scope, name, lo, hi, channel == "journal" or not set(classes.split()).isdisjoint(EVENT_KINDS))
        for source, scope, name, lo, hi, channel, classes in zip(*(t[n].to_pylist() for n in names), strict=True)
    ]


def _tracks(case: CaseTables, as_of: int) -> dict[str, set[str]]:
    """Return the sources that hold positions of each contact, as of a moment: only these show where it was."""
    return _pairs(case.positions, "source_id", as_of)


def _threads(case: CaseTables, as_of: int) -> dict[str, set[str]]:
    """Return the threads in which each contact is the other side, as of a moment."""
    return _pairs(case.events, "thread_id", as_of)


def _pairs(table: pa.Table, name: str, as_of: int) -> dict[str, set[str]]:
    live = pc.and_(pc.less(table["ts"], as_of), pc.is_null(table["duplicate_of"]))
    pairs = table.filter(live).select(["contact_id", name]).group_by(["contact_id", name]).aggregate([])
    out: dict[str, set[str]] = {}
    for contact, value in zip(pairs["contact_id"].to_pylist(), pairs[name].to_pylist(), strict=True):
        if contact is not None and value is not None:
            out.setdefault(contact, set()).add(value)
    return out


def _covered_share(s: State, wanted: Bools) -> tuple[Ints, Ints]:
    """Return covered and whole time in question (µs), for the wanted contacts."""
    c = s.course
    covered, whole = np.zeros(c.n_groups, np.int64), np.zeros(c.n_groups, np.int64)
    by_case: dict[int, tuple[list[_Cover], dict[str, set[str]], dict[str, set[str]]]] = {}
    for g in np.flatnonzero(wanted).tolist():
        group = c.groups[g]
        begin, end = s.valid_from, s.as_of[group.case]
        if group.case not in by_case:
            case = s.cases[group.case]
            by_case[group.case] = _coverage_rows(case), _threads(case, end), _tracks(case, end)
        rows, threads, tracks = by_case[group.case]
        mine = {*group.identifiers, *threads.get(group.contact_id, ())}
        own_tracks = tracks.get(group.contact_id, set())
        parts = sorted(
            (max(r.begin, begin), min(r.end, end))
            for r in rows
            if (r.tells or r.source in own_tracks) and (r.scope == "all" or r.scope_id in mine)
            and r.end > begin and r.begin < end
        )  # fmt: skip
        reached, total = begin, 0
        for lo, hi in parts:
            total += max(0, hi - max(lo, reached))
            reached = max(reached, hi)
        covered[g], whole[g] = total, max(0, end - begin)
    return covered, whole


def tally(s: State) -> Tally:
    """Count all that the rules compare."""
    c, sets = s.course, s.sets
    any_law = s.any(sets.law)
    covered, whole = _covered_share(s, ~any_law)
    strength = np.isin(c.manner, [MANNER["waited"], MANNER["followed"], MANNER["entered"], MANNER["tracker"]])
    cmr_unanswered = sets.cmr & s.answers.unanswered
    turn = last_value(c.group, c.n_groups, np.arange(len(c.group)), ~c.act | s.answers.conversation, -1)
    unanswered = c.act & s.answers.unanswered
    reached = (s.attempt | sets.tracking_all) & ~sets.habitual & c.act & sets.after_first
    return Tally(
        service=_service(s), any_act=s.any(c.act), any_law=any_law, covered=covered, whole=whole,
        ever=_Period.of(s, np.ones(len(c.group), np.bool_)), recent=_Period.of(s, sets.recent),
        waiting=_Run.of(s, strength & c.act), run=_Run.of(s, cmr_unanswered & (np.arange(len(c.group)) > turn[c.group])),
        course=_Run.of(s, cmr_unanswered), tracked=_Run.of(s, sets.tracking_all), unwanted=_Run.of(s, sets.unwanted_all),
        unwanted_occasions=s.count(s.unwanted_all_openers), has_notice=sets.first >= 0, reached=s.any(reached),
        after_notice=s.count(c.act & sets.after_first), after_notice_law=s.any(sets.law & sets.after_first),
        presence_law=s.count(sets.law & c.presence), journal_law=s.count(sets.law & c.journal & ~c.presence),
        unanswered=s.occasions(unanswered), unanswered_law=s.any(unanswered & sets.law),
    )  # fmt: skip


def decide(s: State, all_required: Bools) -> Verdicts:
    """Give every contact its verdict.

    Parameters
    ----------
    s : State
        The derived state.
    all_required : bool array (groups,)
        Every required element and group is met (see :mod:`detector.elements`).
    """
    return by_rules(tally(s), s.num, all_required)


def by_rules(t: Tally, num: dict[str, Any], all_required: Bools) -> Verdicts:
    """Give every contact the verdict of the first rule that holds."""
    n = len(all_required)
    empty = ~t.any_law
    top, bottom = num["coverage_open_share"]
    open_ = empty & (t.whole > 0) & (bottom * (t.whole - t.covered) > top * t.whole)
    a_third = t.ever.unanswered(num) | t.recent.unanswered(num)
    recently = t.recent.two_way(num) | (t.recent.occasions < num["recent_min_occasions"])
    again = (t.unwanted_occasions >= num["repeated_occasions"]) & (t.unwanted.days >= num["repeated_days"])
    rules: list[tuple[Bools, str, int]] = [
        (t.service, "service", SERVICE),
        (open_, "insufficient", NO_COVERAGE),
        (empty & ~t.any_act, "none", NO_ACT),
        (empty, "none", NO_ACT_IN_LAW),
        (all_required, "systematic", ALL_MET),
        (t.waiting.repeats(num), "emerging", WAITING),
        (t.run.strong(num, a_third), "emerging", RUN),
        (~t.has_notice & t.ever.two_way(num) & recently, "reciprocal", RECIPROCAL),
        (t.has_notice & again & t.unwanted.in_law & t.reached, "emerging", AFTER_NOTICE),
        (t.tracked.repeats(num), "emerging", TRACKING),
        (t.course.strong(num, a_third), "emerging", COURSE),
        (t.after_notice_law, "isolated", ISOLATED_NOTICE),
        ((t.presence_law > 0) | (t.journal_law > 0), "isolated", ISOLATED_PRESENCE),
        ((t.unanswered >= num["isolated_occasions"]) & t.unanswered_law, "isolated", ISOLATED_UNANSWERED),
        (np.ones(n, np.bool_), "none", NOTHING),
    ]

    def choose(without: str = "") -> tuple[Ints, Ints]:
        live = [r for r in rules if r[1] != without]
        conditions = [r[0] for r in live]
        verdict = np.select(conditions, [VERDICTS.index(r[1]) for r in live])
        reason = np.select(conditions, [r[2] for r in live])
        return verdict.astype(np.int64), reason.astype(np.int64)

    verdict, reason = choose()
    otherwise = np.full(n, -1, np.int64)
    for name in ("service", "reciprocal"):
        mine = verdict == VERDICTS.index(name)
        if mine.any():
            otherwise[mine] = choose(name)[0][mine]
    numbers = {
        "waiting": t.waiting.occasions, "waiting_days": t.waiting.days, "run": t.run.occasions, "course": t.course.occasions,
        "tracked": t.tracked.occasions, "tracked_days": t.tracked.days, "occasions": t.ever.occasions,
        "unwanted": t.unwanted_occasions, "unwanted_days": t.unwanted.days, "unwanted_span_s": t.unwanted.span // _US,
        "after_notice": t.after_notice, "presence": t.presence_law, "journal": t.journal_law, "unanswered": t.unanswered,
    }  # fmt: skip
    return Verdicts(verdict, reason, otherwise, numbers)
