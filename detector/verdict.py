"""The verdict: the first rule of ``docs/rules.md`` section 8 that holds, for all contacts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.arrays import Bools, Ints, distinct, last_value, span
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


def _strong(s: State, mask: Bools, a_third: Bools) -> Bools:
    """Return per contact whether a set of unanswered calls, messages and requests is a course without a notice."""
    c, num = s.course, s.num
    occ = s.occasions(mask)
    long = (occ >= num["course_occasions"]) & (span(c.group, c.n_groups, c.ts, mask) > int(num["course_span_s"]) * _US)
    dense = (occ >= num["course_burst_occasions"]) & (
        distinct(c.group, c.n_groups, c.day, mask) >= num["course_burst_days"]
    )
    return np.asarray((long | dense) & a_third & s.any(mask & s.sets.law), np.bool_)


def _a_third(s: State) -> Bools:
    """Return per contact whether enough of the occasions of calls, messages and requests are unanswered, over all or recently."""
    out = np.zeros(s.course.n_groups, np.bool_)
    for period in (np.ones(len(s.course.group), np.bool_), s.sets.recent):
        cmr = s.sets.cmr & period
        whole, part = s.occasions(cmr), s.occasions(cmr & s.answers.unanswered)
        out |= (whole > 0) & _share(part, whole, s.num["course_unanswered_share"])
    return out


def _reciprocal(s: State) -> Bools:
    a, num = s.answers, s.num

    def two_way(period: Bools) -> tuple[Bools, Ints]:
        r, i = s.count(a.reply & period), s.count(a.initiative & period)
        conversations, occ = s.count(a.conversation & period), s.occasions(s.course.act & period)
        both = _share(r + i + conversations, occ + i, num["reciprocal_share"])
        own = _share(r + i, occ + i, num["reciprocal_own_share"])
        return both & own, occ

    everywhere, _ = two_way(np.ones(len(s.course.group), np.bool_))
    recently, occ = two_way(s.sets.recent)
    return np.asarray(everywhere & (recently | (occ < num["recent_min_occasions"])), np.bool_)


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


def decide(s: State, all_required: Bools) -> Verdicts:
    """Give every contact its verdict.

    Parameters
    ----------
    s : State
        The derived state.
    all_required : bool array (groups,)
        Every required element and group is met (see :mod:`detector.elements`).
    """
    c, num, sets = s.course, s.num, s.sets
    law_any = s.any(sets.law)
    service = _service(s)
    empty = ~law_any
    covered, whole = _covered_share(s, empty)
    top, bottom = num["coverage_open_share"]
    open_ = empty & (whole > 0) & (bottom * (whole - covered) > top * whole)
    a_third = _a_third(s)
    strength = np.isin(c.manner, [MANNER["waited"], MANNER["followed"], MANNER["entered"], MANNER["tracker"]])

    def repeats(mask: Bools) -> Bools:
        enough = s.occasions(mask) >= num["repeated_occasions"]
        return np.asarray(enough & (s.days(mask) >= num["repeated_days"]) & s.any(mask & sets.law), np.bool_)

    waiting = repeats(strength & c.act)
    cmr_unanswered = sets.cmr & s.answers.unanswered
    turn = last_value(c.group, c.n_groups, np.arange(len(c.group)), ~c.act | s.answers.conversation, -1)
    run = cmr_unanswered & (np.arange(len(c.group)) > turn[c.group])
    standing = _strong(s, run, a_third)
    has_notice = sets.first >= 0
    reciprocal = ~has_notice & _reciprocal(s)
    reached = s.any((s.attempt | sets.tracking_all) & ~sets.habitual & c.act & sets.after_first)
    after_notice = has_notice & s.repeated_all & s.any(sets.unwanted_all & sets.law) & reached
    tracked = repeats(sets.tracking_all)
    course = _strong(s, cmr_unanswered, a_third)
    iso_notice = s.any(sets.law & sets.after_first)
    iso_presence = s.any(sets.law & (c.presence | c.journal))
    iso_unanswered = (s.occasions(c.act & s.answers.unanswered) >= num["isolated_occasions"]) & s.any(
        sets.law & s.answers.unanswered
    )
    any_act = s.any(c.act)
    rules: list[tuple[Bools, str, int]] = [
        (service, "service", SERVICE),
        (open_, "insufficient", NO_COVERAGE),
        (empty & ~any_act, "none", NO_ACT),
        (empty, "none", NO_ACT_IN_LAW),
        (all_required, "systematic", ALL_MET),
        (waiting, "emerging", WAITING),
        (standing, "emerging", RUN),
        (reciprocal, "reciprocal", RECIPROCAL),
        (after_notice, "emerging", AFTER_NOTICE),
        (tracked, "emerging", TRACKING),
        (course, "emerging", COURSE),
        (iso_notice, "isolated", ISOLATED_NOTICE),
        (iso_presence, "isolated", ISOLATED_PRESENCE),
        (iso_unanswered, "isolated", ISOLATED_UNANSWERED),
        (np.ones(c.n_groups, np.bool_), "none", NOTHING),
    ]

    def choose(without: str = "") -> tuple[Ints, Ints]:
        live = [r for r in rules if r[1] != without]
        conditions = [r[0] for r in live]
        verdict = np.select(conditions, [VERDICTS.index(r[1]) for r in live])
        reason = np.select(conditions, [r[2] for r in live])
        return verdict.astype(np.int64), reason.astype(np.int64)

    verdict, reason = choose()
    otherwise = np.full(c.n_groups, -1, np.int64)
    for name in ("service", "reciprocal"):
        other, _ = choose(name)
        mine = verdict == VERDICTS.index(name)
        otherwise[mine] = other[mine]
    every = c.act & ~c.presence
    numbers = {
        "waiting": s.occasions(strength & c.act), "waiting_days": s.days(strength & c.act),
        "run": s.occasions(run), "course": s.occasions(cmr_unanswered),
        "tracked": s.occasions(sets.tracking_all), "tracked_days": s.days(sets.tracking_all),
        "occasions": s.occasions(c.act), "unwanted": s.count(s.unwanted_all_openers),
        "unwanted_days": s.days(sets.unwanted_all), "unwanted_span_s": s.span(sets.unwanted_all) // _US,
        "after_notice": s.count(c.act & sets.after_first), "presence": s.count(sets.law & c.presence),
        "journal": s.count(sets.law & c.journal & every), "unanswered": s.occasions(c.act & s.answers.unanswered),
    }  # fmt: skip
    return Verdicts(verdict, reason, otherwise, numbers)
