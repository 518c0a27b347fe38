"""Replies, initiatives, unanswered acts, the effect of notices, habit, tracking: ``docs/rules.md`` sections 2 to 6.

Everything about notices is kept as *running* arrays: the value at a row is what holds as of just after that row, so the verdict of today and the
first moment at which it could have been given come from the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.arrays import (
    Bools,
    Ints,
    count,
    distinct,
    first_of,
    first_value,
    haversine_m,
    last_index,
    last_value,
    next_index,
    opener_rows,
    running,
)
from detector.course import CMR_KINDS, KIND, MANNER, TRAFFIC_KINDS, Course

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What answers what, per row."""

    reply: Bools
    initiative: Bools
    conversation: Bools
    answered_call: Bools
    unanswered: Bools
    next_out: Ints  # index of the next outgoing row, -1
    turn: Ints  # index of the last outgoing row or conversation at or before the row, -1

    @property
    def own(self) -> Bools:
        """Replies, initiatives and conversations."""
        return self.reply | self.initiative | self.conversation


@dataclass(frozen=True, slots=True)
class Since:
    """The k-th notice of every contact: what holds since it, as of just after each row."""

    after: Bools  # rows after the notice
    known: Bools  # rows at which the notice exists (its ts is not later)
    effective: Bools
    contested: Bools
    end_effective: Bools  # per group, as of the scoring moment
    end_contested: Bools


def answers(c: Course, num: dict[str, Any]) -> Answers:
    """Classify every row as ``docs/rules.md`` section 2 says."""
    n = len(c.group)
    window, silence = int(num["reply_window_s"]) * _US, int(num["initiative_silence_s"]) * _US
    out, presence = ~c.act, c.presence
    call = c.act & (c.kind == KIND["call"])
    answered_call = call & c.answered
    conversation = answered_call & (c.duration_s >= int(num["conversation_min_s"]))
    at = np.arange(n)

    def before(mask: Bools) -> Ints:
        """Index of the last marked row before the row, in its group."""
        found = last_index(c.group, mask)
        shifted = np.r_[-1, found[:-1]] if n else found
        head = np.r_[True, c.group[1:] != c.group[:-1]] if n else np.zeros(0, np.bool_)
        return np.where(head, -1, shifted)

    last_out, last_act, last_traffic = before(out), before(c.act), before(c.act & ~presence)
    near_act = (last_act > last_out) & (c.ts - c.ts[last_act] <= window)
    near_traffic = (last_traffic > last_out) & (c.ts - c.ts[last_traffic] <= window)
    reply = out & near_traffic
    quiet = (last_out < 0) | (c.ts - c.ts[last_out] >= silence)
    initiative = out & ~near_act & quiet
    following = next_index(c.group, out)
    followed = (following >= 0) & (c.ts[following] - c.ts <= window)
    unanswered = c.act & (presence | (~answered_call & ~followed))
    assert len(at) == n
    return Answers(reply, initiative, conversation, answered_call, unanswered, following,
                   last_index(c.group, out | conversation))  # fmt: skip


def _distinct_running(group: Ints, values: Ints, mask: Bools) -> Ints:
    return running(group, first_of(group, values, mask))


def span_running(c: Course, mask: Bools) -> Ints:
    """Return last minus first of the marked rows so far, 0 where there is none yet."""
    last = last_index(c.group, mask)
    first = first_value(c.group, c.n_groups, c.ts, mask, 0)[c.group]
    return np.where(last >= 0, c.ts[last] - first, 0)


def since(c: Course, a: Answers, k: int, num: dict[str, Any]) -> Since:
    """Judge the k-th notice of every contact, as of just after each row and as of the scoring moment (``docs/rules.md`` section 4)."""
    window = int(num["occasion_window_s"]) * _US
    there = c.notices.row[:, k] >= 0
    after = c.ts_min > c.notices.ts_max[:, k][c.group]
    known = there[c.group] & (c.notices.ts[:, k][c.group] <= c.ts)
    mail = c.kind == KIND["email"]
    own, out = a.own & after, ~c.act & after
    traffic = running(c.group, c.of_kinds(TRAFFIC_KINDS) & after)
    outgoing = running(c.group, out & c.of_kinds(TRAFFIC_KINDS))
    initiative_days = _distinct_running(c.group, c.day, a.initiative & after)

    def share(part: Ints, whole: Ints, name: str) -> Bools:
        top, bottom = num[name]
        return np.asarray(bottom * part >= top * whole, np.bool_)

    overtaken = (initiative_days >= num["overtaken_days"]) & (traffic > 0) & share(outgoing, traffic, "overtaken_share")
    own_n = running(c.group, own)
    occ = running(c.group, opener_rows(c.group, c.ts, c.act & after, window))
    half = (
        share(own_n, occ, "contested_half_share")
        & (_distinct_running(c.group, c.day, own) >= num["contested_half_days"])
        & (span_running(c, own) >= int(num["contested_half_span_s"]) * _US)
    )
    own_calls = own & ~mail
    occ_calls = running(c.group, opener_rows(c.group, c.ts, c.act & after & c.of_kinds(("call", "message")), window))
    most = (
        (occ_calls > 0)
        & share(running(c.group, own_calls), occ_calls, "contested_most_share")
        & (_distinct_running(c.group, c.day, own_calls) >= num["contested_most_days"])
    )
    starts = (initiative_days >= num["contested_initiative_days"]) & share(
        outgoing, traffic, "contested_initiative_share"
    )
    effective = known & ~overtaken
    contested = effective & (half | most | starts)
    last = last_value(c.group, c.n_groups, np.arange(len(c.group)), None, -1)
    end_overtaken = np.zeros(c.n_groups, np.bool_)
    end_contested = np.zeros(c.n_groups, np.bool_)
    rows = last >= 0
    end_overtaken[rows] = overtaken[last[rows]]
    end_contested[rows] = (half | most | starts)[last[rows]]
    end_effective = there & ~end_overtaken
    return Since(after, known, effective, contested, end_effective, end_effective & end_contested)


def habitual(c: Course, not_after_first: Bools, num: dict[str, Any]) -> Bools:
    """Mark exempt acts that fall into the contact's own habit.

    Parameters
    ----------
    c : Course
        The course.
    not_after_first : bool array
        Rows that may build the habit: not after the first effective notice; all rows without one.
    """
    out = np.zeros(len(c.group), np.bool_)
    asked = np.flatnonzero(c.exempt)
    makers = np.flatnonzero(c.exempt & not_after_first)
    if not len(makers):
        return out
    places = len(c.place_ids)

    def key(at: Ints, hour: Ints) -> Ints:
        return (c.group[at] * places + c.place[at]) * 24 + hour % 24

    near = np.concatenate([key(makers, c.hour[makers] + d) for d in (-1, 0, 1)])
    weeks = np.tile(c.week[makers], 3)
    pairs = np.unique(np.stack([near, weeks], axis=1), axis=0)
    spots, number = np.unique(pairs[:, 0], return_counts=True)
    mine = key(asked, c.hour[asked])
    at = np.minimum(np.searchsorted(spots, mine), len(spots) - 1)
    out[asked] = (spots[at] == mine) & (number[at] >= int(num["habit_weeks"]))
    return out


def tracking_sure(c: Course) -> Bools:
    """Mark acts that are tracking whatever else happened: rules (1) to (3) of ``docs/rules.md`` section 5."""
    home = np.array([k == "home" for k in c.place_kinds] + [False], np.bool_)[c.place]
    by_manner = np.isin(c.manner, [MANNER["waited"], MANNER["followed"], MANNER["entered"], MANNER["tracker"]])
    return c.act & c.presence & (by_manner | (home & ~c.exempt))


def encounters(c: Course) -> Bools:
    """Mark encounters on the way: presence of manner seen or met at no place of the owner."""
    by_manner = (c.manner == MANNER["seen"]) | (c.manner == MANNER["met"])
    return np.asarray(c.act & c.presence & by_manner & (c.place < 0), np.bool_)


def several_places(c: Course, mask: Bools, num: dict[str, Any]) -> Ints:
    """Return for every group the index of the first row by which the marked, not exempt presence acts lie at several places (-1: never)."""
    at_place = mask & c.presence & ~c.exempt & (c.place >= 0)
    places = _distinct_running(c.group, c.place, at_place)
    return first_value(c.group, c.n_groups, np.arange(len(c.group)), at_place & (places >= num["tracking_places"]), -1)


def several_spots(c: Course, mask: Bools, num: dict[str, Any]) -> Ints:
    """Return for every group the index of the first row by which the marked encounters are on several spots (-1: never)."""
    out = np.full(c.n_groups, -1, np.int64)
    met = np.flatnonzero(mask & encounters(c))
    if not len(met):
        return out
    head = np.flatnonzero(np.r_[True, c.group[met][1:] != c.group[met][:-1]])
    for rows in np.split(met, head[1:]):  # encounters are few
        out[c.group[rows[0]]] = _second_spot(c, rows, int(num["spot_m"]))
    return out


def _second_spot(c: Course, rows: Ints, apart_m: int) -> int:
    """Return the first of these rows that lies on another spot than an earlier one, or moves by itself; -1 if none does."""
    for i in range(len(rows)):
        row, earlier = rows[i], rows[:i]
        if c.moves[row]:
            return int(row)
        if c.spot[row] >= 0 and np.any((c.spot[earlier] >= 0) & (c.spot[earlier] != c.spot[row])):
            return int(row)
        placed = earlier[np.isfinite(c.lat[earlier])]
        if np.isfinite(c.lat[row]) and len(placed):
            away = haversine_m(c.lat[placed], c.lon[placed], c.lat[row], c.lon[row])
            if np.any(away > apart_m):
                return int(row)
    return -1


def tracking(c: Course, mask: Bools, num: dict[str, Any]) -> Bools:
    """Mark the tracking acts of a set of acts (habitual ones already taken out): ``docs/rules.md`` section 5."""
    sure = tracking_sure(c) & mask
    places = several_places(c, mask, num)[c.group] >= 0
    spots = several_spots(c, mask, num)[c.group] >= 0
    visit = mask & c.presence & ~c.exempt & (c.place >= 0)
    return sure | (visit & places) | (mask & encounters(c) & spots)


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets of acts that elements and verdict speak of, as of the scoring moment (``docs/rules.md`` section 6)."""

    law: Bools  # L
    first: Ints  # per group: k of the first effective notice, -1
    uncontested: Ints  # per group: k of the first effective notice that is not contested, -1
    after_first: Bools  # rows after the first effective notice
    habitual: Bools
    unwanted_law: Bools  # U(L)
    unwanted_all: Bools  # U(all)
    tracking_law: Bools
    tracking_all: Bools
    cmr: Bools
    recent: Bools  # rows of the recent period


def first_true(columns: list[Bools], n: int) -> Ints:
    """Return for every position the index of the first column that is true, -1 if none is."""
    out = np.full(n, -1, np.int64)
    for k in range(len(columns) - 1, -1, -1):
        out[columns[k]] = k
    return out


def run_before(c: Course, a: Answers, after: Bools) -> Bools:
    """Mark the acts of the run before the notice: not after it, later than the last outgoing row or conversation before it, no answered calls."""
    turn_row = (~c.act | a.conversation) & ~after
    last_turn = last_value(c.group, c.n_groups, np.arange(len(c.group)), turn_row, -1)[c.group]
    return c.act & ~after & (np.arange(len(c.group)) > last_turn) & ~a.answered_call


def unwanted(c: Course, a: Answers, eligible: Bools, has_notice: Bools, after: Bools) -> Bools:
    """Mark U(S) for the eligible acts E(S); ``has_notice`` and ``after`` are per row."""
    with_notice = eligible & (after | run_before(c, a, after & has_notice))
    return np.where(has_notice, with_notice, eligible & a.unanswered)


def unwanted_openers(c: Course, eligible: Bools, wanted: Bools, has_notice: Bools, window: int) -> Bools:
    """Mark one row for each unwanted occasion: with a notice the first unwanted act of every occasion of E(S) that holds one,
    without one the opener of every occasion of U(S)."""
    out = np.zeros(len(c.group), np.bool_)
    noticed = eligible & has_notice
    if noticed.any():
        number = running(c.group, opener_rows(c.group, c.ts, noticed, window))
        out |= first_of(c.group, number, wanted & has_notice)
    return out | opener_rows(c.group, c.ts, wanted & ~has_notice, window)


def sets(c: Course, a: Answers, notices: list[Since], valid_from: int, num: dict[str, Any]) -> Sets:
    """Form the sets of acts as of the scoring moment."""
    n = len(c.group)
    law = c.act & (c.ts_min >= valid_from)
    first = first_true([s.end_effective for s in notices], c.n_groups)
    uncontested = first_true([s.end_effective & ~s.end_contested for s in notices], c.n_groups)
    after_first = np.zeros(n, np.bool_)
    for k, s in enumerate(notices):
        after_first |= s.after & (first == k)[c.group]
    has = (first >= 0)[c.group]
    habit = habitual(c, ~after_first, num)
    eligible_all, eligible_law = c.act & ~habit, law & ~habit
    own = a.own
    last_own = last_value(c.group, c.n_groups, c.ts, own, -1)
    any_own = count(c.group, c.n_groups, own) > 0
    recent = any_own[c.group] & (c.ts >= (last_own - int(num["recent_s"]) * _US)[c.group])
    return Sets(
        law=law, first=first, uncontested=uncontested, after_first=after_first, habitual=habit,
        unwanted_law=unwanted(c, a, eligible_law, has, after_first),
        unwanted_all=unwanted(c, a, eligible_all, has, after_first),
        tracking_law=tracking(c, eligible_law, num), tracking_all=tracking(c, eligible_all, num),
        cmr=c.act & c.direct & c.of_kinds(CMR_KINDS), recent=recent,
    )  # fmt: skip


def repeated(c: Course, openers_: Bools, wanted: Bools, num: dict[str, Any]) -> Bools:
    """Return per group whether unwanted occasions repeat: enough of them, on enough days."""
    occasions = count(c.group, c.n_groups, openers_)
    days = distinct(c.group, c.n_groups, c.day, wanted)
    return np.asarray((occasions >= num["repeated_occasions"]) & (days >= num["repeated_days"]), np.bool_)
