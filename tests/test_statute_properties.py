"""Every shipped profile on generated cases: first_met is the least moment at which scoring gives ``systematic``; points only move the way they may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.arrays import Ints
from detector.course import ATTEMPT_KINDS
from detector.elements import decided, measure
from detector.first import RUNNING, Running, first_moments, inexact
from detector.model import CaseTables
from detector.score import Judged, Prepared, judge
from detector.state import State
from detector.statute import Profile
from detector.verdict import VERDICTS, decide
from pipelines import statutes
from pipelines.scoring import midnight
from tests.agree import VALID_FROM
from tests.test_twin_agrees import CHANNELS, DAY_S, HOUR_S, KINDS, NAMES, Line, Script, quick, scripts

SYSTEMATIC, SERVICE = VERDICTS.index("systematic"), VERDICTS.index("service")
HOUR_US = 3_600_000_000


def whole() -> list[Profile]:
    """Return every profile in force, in every version."""
    return [v for name in statutes.in_force() for p in [statutes.profile(name)] for v in (*p.earlier, p)]


def commencements(p: Profile) -> tuple[int, ...]:
    """Return the moment of the version's own commencement, and one that lies within the generated cases."""
    return (midnight(p.valid_from, p.timezone), VALID_FROM)


# -- first_met ------------------------------------------------------------------------------------------------------


def without_notices_themselves(tables: CaseTables, as_of: int) -> CaseTables:
    """Leave out what the owner sent within an hour of a notice, for every moment, also for those before the notice."""
    rows = [n for n in tables.notices.to_pylist() if not n["refused"] and n["ts"] < as_of]

    def said(e: dict[str, Any]) -> bool:
        return e["direction"] == "out" and e["kind"] in ATTEMPT_KINDS and any(
            n["contact_id"] == e["contact_id"] and n["ts_min"] - HOUR_US <= e["ts"] <= n["ts_max"] + HOUR_US for n in rows
        )  # fmt: skip

    keep = [not said(e) for e in tables.events.to_pylist()]
    return replace(tables, events=tables.events.filter(pa.array(keep, pa.bool_())))


def moments_of(tables: CaseTables, as_of: int) -> list[int]:
    """Return every moment at which something may be known first: the ts of every row."""
    found = {*tables.events["ts"].to_pylist(), *tables.positions["ts"].to_pylist()}
    return sorted(t for t in found if t < as_of)


def naive(state: State, profile: Profile) -> dict[str, int | None]:
    """Return, by contact, the first of the moments that the cases of a state are scored at at which the verdict is ``systematic``."""
    required = decided(profile, measure(state, profile.deciding), state.course.n_groups)
    verdict = decide(state, required).verdict
    out: dict[str, int | None] = {}
    for g, group in enumerate(state.course.groups):
        if out.setdefault(group.contact_id, None) is None and verdict[g] == SYSTEMATIC:
            out[group.contact_id] = state.as_of[group.case] - 1
    return out


@quick
@given(scripts())
def test_first_met_is_that_of_naive_scoring_at_every_moment(script: Script) -> None:
    case = script.build()
    tables, as_of = case.tables(), case.as_of
    bare = without_notices_themselves(tables, as_of)
    moments = moments_of(bare, as_of)
    if not moments:
        return
    at_every = Prepared([bare] * len(moments), [t + 1 for t in moments])
    for profile in whole():
        for begin in commencements(profile):
            steps = State(at_every.cases, profile.numbers(), begin, at_every.as_of, at_every.course(profile.numbers()))
            slow = naive(steps, profile)
            state = State([tables], profile.numbers(), begin, [as_of])
            service = decide(state, np.zeros(state.course.n_groups, np.bool_)).verdict == SERVICE
            met, _ = first_moments(state, profile, service)
            fast = {g.contact_id: None if t < 0 else t for g, t in zip(state.course.groups, met.tolist(), strict=True)}
            for g, contact in enumerate(state.course.groups):
                if not service[g]:
                    assert fast[contact.contact_id] == slow[contact.contact_id], (profile.id, profile.version, begin)


@quick
@given(scripts())
def test_running_values_are_those_of_measuring_at_every_moment(script: Script) -> None:
    case = script.build()
    bare = without_notices_themselves(case.tables(), case.as_of)
    moments = moments_of(bare, case.as_of)
    if not moments:
        return
    num = whole()[0].numbers()
    state = State([bare], num, VALID_FROM, [case.as_of])
    c, running, slow = state.course, Running(state), inexact(state.course)
    steps = State([bare] * len(moments), num, VALID_FROM, [t + 1 for t in moments])
    measured = measure(steps, RUNNING.keys())
    last = {(int(g), int(t)): i for i, (g, t) in enumerate(zip(c.group, c.ts, strict=True))}
    at = {(g.contact_id, steps.as_of[g.case] - 1): i for i, g in enumerate(steps.course.groups)}
    for (g, t), row in last.items():
        if slow[g] or c.since[row] != c.ts[row]:
            continue
        where = at[c.groups[g].contact_id, t]
        for name in RUNNING:
            value, known = running.value(name)
            m = measured[name]
            if m.known is None or m.known[where]:
                assert value[row] == m.value[where] and (known is None or known[row]), (name, t)
            else:
                assert known is not None and not known[row], (name, t)


def test_every_threshold_that_decides_has_a_running_value() -> None:
    for profile in whole():
        assert profile.deciding and profile.deciding <= RUNNING.keys(), profile.id


# -- points ---------------------------------------------------------------------------------------------------------


def judged(script: Script) -> Iterator[Judged]:
    """Judge a generated case under every profile, once with all rows in the time of the law and once with some before it."""
    case = script.build()
    tables = case.tables()
    prepared = Prepared([tables], [case.as_of])
    for profile in whole():
        for begin in commencements(profile):
            yield judge([tables], profile, [case.as_of], valid_from=begin, prepared=prepared)


def points(j: Judged, contact: str) -> Ints | None:
    """Return the sum of the points of one contact, None if it is not there yet."""
    at = [g.contact_id for g in j.state.course.groups]
    return sum(x[at.index(contact)] for x in j.elements.points.values()) if contact in at else None


def at_the_end(script: Script, step_s: int, line: Line) -> tuple[Script, Script]:
    """Return a case, scored two days after its last row, without and with one more row a step after that."""
    last = max(x.at for x in script.lines)
    added = replace(line, at=last + timedelta(seconds=step_s))
    later = replace(script, as_of=last + timedelta(days=9))
    return later, replace(later, lines=(*later.lines, added))


def differ(before: Script, after: Script, contact: str) -> Iterator[tuple[Profile, int, int, str]]:
    for old, new in zip(judged(before), judged(after), strict=True):
        was, now = points(old, contact), points(new, contact)
        if was is not None and now is not None:
            which = {
                k: (x.tolist(), new.elements.points[k].tolist())
                for k, x in old.elements.points.items()
                if x.tolist() != new.elements.points[k].tolist()
            }
            yield old.profile, int(was), int(now), str(which)


HOSTILE = KINDS | st.sampled_from(["account_access", "third_party", "delivery", "payment"])


@quick
@given(scripts(), st.data())
def test_one_more_unanswered_act_at_the_end_never_lowers_the_points(script: Script, data: st.DataObject) -> None:
    contact, kind = data.draw(st.sampled_from(NAMES)), data.draw(HOSTILE)
    more: list[tuple[str, Any]] = [("source", "z"), ("directed", "yes"), ("channel", data.draw(CHANNELS))]
    if kind == "call":
        more += [("answered", False), ("tags", data.draw(st.sampled_from([None, "rejected", "blocked", "missed"])))]
    step = data.draw(st.sampled_from([1, 600, HOUR_S + 1, DAY_S, 8 * DAY_S]))
    line = Line("event", kind, contact, script.lines[-1].at, tuple(more))
    for profile, was, now, which in differ(*at_the_end(script, step, line), contact):
        assert now >= was, (profile.id, profile.version, which)


@quick
@given(
    scripts(),
    st.sampled_from(NAMES),
    st.sampled_from(["waited", "followed", "entered"]),
    st.sampled_from([1, HOUR_S + 1, DAY_S]),
)
def test_one_more_time_of_waiting_at_the_end_never_lowers_the_points(
    script: Script, contact: str, kind: str, step: int
) -> None:
    line = Line(
        "position", kind, contact, script.lines[-1].at, (("source", "j"), ("how", "journal"), ("place", "home"))
    )
    for profile, was, now, which in differ(*at_the_end(script, step, line), contact):
        assert now >= was, (profile.id, profile.version, which)


@quick
@given(
    scripts(),
    st.sampled_from(NAMES),
    st.sampled_from(["message", "call", "email"]),
    st.sampled_from([1, 600, HOUR_S, DAY_S]),
)
def test_one_more_answer_at_the_end_never_raises_the_points(script: Script, contact: str, kind: str, step: int) -> None:
    line = Line("event", kind, contact, script.lines[-1].at, (("out", True), ("source", "z")))
    for profile, was, now, which in differ(*at_the_end(script, step, line), contact):
        assert now <= was, (profile.id, profile.version, which)


@pytest.mark.parametrize("name", statutes.in_force())
def test_only_what_can_only_grow_has_points(name: str) -> None:
    p = statutes.profile(name)
    for version in (*p.earlier, p):
        scored = {x.indicator for e in version.elements for x in e.lines if x.levels}
        assert not {x for x in scored if x.endswith("_permille") or x.startswith("unwanted_")}
        assert "after_notice_occasions" not in scored
        own = {x.indicator for x in version.against if x.levels}
        assert own == {
            "replies",
            "initiatives",
            "conversations",
            "initiatives_since_notice",
            "habitual_acts",
            "role_reason",
        }
        assert {x.indicator for x in version.against if not x.levels} == {
            "template_permille", "office_permille", "number_pool", "code_acts", "group_permille", "emergency_permille", "new_line",
            "owner_heavier", "role_place_acts", "encounter_chance_permille", "shared_place_chance_permille",
        }  # fmt: skip
