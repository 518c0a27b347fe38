"""Refusals and what came after: every notice, orders and warnings, answers, rejected calls, blocks. ``docs/measures.md`` section 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detector.arrays import Ints, first_of, last_index, occasion_count, peak, permille, positions_of
from detector.course import CALL_TAGS
from detector.indicators import Indicator, Measured, share
from detector.moments import utc_text
from detector.schema import NOTICE_KINDS
from detector.state import State

_US = 1_000_000


# -- notices ----------------------------------------------------------------------------------------------------------------------


def _notices(s: State) -> Measured:
    notices = s.course.notices
    none = s.mark(s.law_at[:0])
    return Measured((notices.row >= 0).sum(axis=1).astype(np.int64), none, parts=lambda g: _each_notice(s, g))


def _each_notice(s: State, g: int) -> list[dict[str, Any]]:
    """Return what is to be said of every notice of one group."""
    c, notices = s.course, s.course.notices
    rows = slice(int(s.bounds[g]), int(s.bounds[g + 1]))
    law, ts = s.sets.law[rows], c.ts[rows]
    table = s.cases[c.groups[g].case].notices
    out = []
    for k in np.flatnonzero(notices.row[g] >= 0).tolist():
        declared = table.slice(int(notices.row[g, k]), 1).to_pylist()[0]
        after = s.notices[k].after[rows]
        acts = ts[law & after]
        out.append({
            "at": utc_text(int(notices.ts[g, k])), "kind": declared["kind"], "basis": declared["basis"], "record": declared["record_id"],
            "effective": bool(s.notices[k].end_effective[g]), "contested": bool(s.notices[k].end_contested[g]),
            "acts": len(acts), "occasions": int(occasion_count(np.zeros(len(acts), np.int64), 1, acts, np.ones(len(acts), np.bool_), s.window)[0]),
            "s_to_first": (int(acts[0]) - int(notices.ts_max[g, k])) // _US if len(acts) else None,
            "initiatives": int((s.answers.initiative[rows] & after).sum()),
        })  # fmt: skip
    return out


def _overtaken(s: State) -> Measured:
    out = (s.course.notices.row >= 0).sum(axis=1).astype(np.int64)
    for notice in s.notices:
        out -= notice.end_effective
    return Measured(out, s.mark(s.law_at[:0]))


def _first_of_kind(s: State, kind: str) -> tuple[Ints, Ints]:
    """Return the groups with a notice of this kind, and the latest moment of the first such notice of each."""
    hit = s.notice_kind == NOTICE_KINDS.index(kind)
    groups = np.flatnonzero(hit.any(axis=1))
    first = hit[groups].argmax(axis=1) if len(groups) else groups
    return groups, s.course.notices.ts_max[groups, first] if len(groups) else groups


def _after_kind(kind: str) -> Callable[[State], Measured]:
    def compute(s: State) -> Measured:
        c = s.course
        groups, moment = _first_of_kind(s, kind)
        known = np.zeros(c.n_groups, np.bool_)
        known[groups] = True
        at = s.rows_of(groups)
        late = c.ts_min[at] > np.repeat(moment, s.bounds[groups + 1] - s.bounds[groups])
        at = at[late & s.sets.law[at]]
        rows = s.mark(at[~s.sets.habitual[at] & (s.attempt[at] | s.sets.tracking_law[at])])
        return Measured(s.occasions(rows), rows, known)

    return compute


def _after_share(s: State) -> Measured:
    return share(s, s.law_openers & s.sets.after_first, s.law_openers, s.sets.first >= 0)


# -- answers ----------------------------------------------------------------------------------------------------------------------


def _answered(s: State) -> Measured:
    whole = s.sets.law & s.traffic
    return share(s, whole & ~s.answers.unanswered, whole)


def _answered_side(after: bool) -> Callable[[State], Measured]:
    def compute(s: State) -> Measured:
        whole = s.sets.law & s.traffic & (s.sets.after_first if after else s.has_notice & ~s.sets.after_first)
        return share(s, whole & ~s.answers.unanswered, whole, s.sets.first >= 0)

    return compute


def _own(s: State) -> Measured:
    own = s.answers.own
    whole = s.act_occasions + s.count(s.answers.initiative)
    return Measured(permille(s.count(own), whole), own, whole > 0)


# -- what went on all the same ------------------------------------------------------------------------------------------------------


def _monologue(s: State) -> Measured:
    c = s.course
    at = np.flatnonzero(~c.act | s.answers.conversation | (s.sets.law & s.attempt))
    sign = ~c.act[at] | s.answers.conversation[at]
    g = c.group[at]
    if not len(at):
        return Measured(np.zeros(c.n_groups, np.int64), s.mark(at))
    # a stretch begins with a sign of the owner, which it does not hold, or with the first row of its group
    begin = np.flatnonzero(sign | np.r_[True, g[1:] != g[:-1]])
    length = np.diff(np.r_[begin, len(at)]) - sign[begin]
    best, first = peak(g[begin], c.n_groups, length)
    first = first[best > 0]
    return Measured(best, s.mark(at[positions_of((begin + sign[begin])[first], length[first])]))


def _after_rejection(s: State) -> Measured:
    c = s.course
    rejected = s.sets.law & (c.call_tag == CALL_TAGS.index("rejected"))
    calls = np.flatnonzero(rejected)
    groups = np.unique(c.group[calls])
    at = s.rows_of(groups)  # only contacts who were ever rejected
    last = last_index(c.group[at], rejected[at])
    at, last = at[last >= 0], at[last[last >= 0]]
    # a rejected call at the very moment of the attempt does not count: step back to the one before that moment
    if len(calls):
        g, ts = c.group[calls], c.ts[calls]
        head = np.flatnonzero(np.r_[True, (g[1:] != g[:-1]) | (ts[1:] != ts[:-1])])
        before = np.repeat(head, np.diff(np.r_[head, len(calls)])) - 1
        earlier = np.where((before >= 0) & (g[np.maximum(before, 0)] == g), calls[before], -1)
        same = c.ts[last] == c.ts[at]
        last = np.where(same, earlier[np.searchsorted(calls, last)], last)
    soon = (last >= 0) & (c.ts[at] - c.ts[last] <= int(s.num["rejection_s"]) * _US)
    rows = s.mark(at[soon]) & s.sets.law & s.attempt
    return Measured(s.count(rows), rows)


def _first_acts(s: State, groups: Ints, codes: Ints) -> Ints:
    """Return the indices of the first act with every code (not -1) of some groups, of all times."""
    at = s.rows_of(groups)
    at = at[s.course.act[at] & (codes[at] >= 0)]
    return at[first_of(s.course.group[at], codes[at], np.ones(len(at), np.bool_))]


def _own_names(names: tuple[str, ...], codes: Ints, wanted: Callable[[str], bool]) -> Ints:
    """Return the codes, -1 in place of those whose name is not wanted."""
    return np.where(np.array([wanted(n) for n in names] + [False], np.bool_)[codes], codes, -1)


def _evasion(s: State) -> Measured:
    c = s.course
    groups, moment = _first_of_kind(s, "blocked")
    known = np.zeros(c.n_groups, np.bool_)
    known[groups] = True
    since = np.zeros(c.n_groups, np.int64)
    since[groups] = moment
    codes = (
        _own_names(c.identifiers, c.identifier, lambda name: not name.startswith("label:"))
        if len(groups)
        else c.identifier
    )
    at = _first_acts(s, groups, codes)
    away = c.ts_min[at] - since[c.group[at]]
    at = at[(away > 0) & (away <= int(s.num["evasion_s"]) * _US)]

    def parts(g: int) -> list[dict[str, Any]]:
        return [
            {"identifier": c.identifiers[c.identifier[row]], "s_after": int(c.ts_min[row] - since[g]) // _US}
            for row in at[c.group[at] == g].tolist()
        ]

    return Measured(np.bincount(c.group[at], minlength=c.n_groups).astype(np.int64), s.mark(at), known, parts)


def _new_channels(s: State) -> Measured:
    c = s.course
    known = s.sets.first >= 0
    groups = np.flatnonzero(known)
    codes = _own_names(c.channels, c.channel, lambda name: name != "journal")
    at = _first_acts(s, groups, codes)
    rows = s.mark(at[s.sets.after_first[at]])
    return Measured(s.count(rows), rows, known)


_D7 = "our reading of the rules, docs/rules.md"
_ORDERS = "SAM: violates supervision; SRP: recurrence after an order"
INDICATORS = (
    Indicator("notices", "Refusals on file", "notices", "notices of the contact that are not refused, before the scoring moment", _D7, _notices),
    Indicator("notices_overtaken", "Refusals overtaken", "notices", "notices that the owner's own later contact has overtaken", _D7, _overtaken),
    Indicator("order_occasions", "Occasions after an order", "occasions",
              "occasions of contact attempts or tracking after the first order served, whatever came of it; unknown without one", _ORDERS,
              _after_kind("order_served")),
    Indicator("warning_occasions", "Occasions after a police warning", "occasions",
              "occasions of contact attempts or tracking after the first police warning, whatever came of it; unknown without one",
              "S-DASH: persisting after a warning", _after_kind("police_warning")),
    Indicator("after_notice_share_permille", "Share of the course after the refusal", "‰",
              "occasions that open after the first effective notice to all occasions, rounded half up; unknown without one", "own choice", _after_share),
    Indicator("answered_permille", "Share of acts answered", "‰",
              "incoming calls, messages, mail and requests that are not unanswered to all of them, rounded half up", _D7, _answered),
    Indicator("answered_before_permille", "Share of acts answered before the refusal", "‰",
              "answered share of the acts that are not after the first effective notice; unknown without one", _D7, _answered_side(False)),
    Indicator("answered_after_permille", "Share of acts answered after the refusal", "‰",
              "answered share of the acts after the first effective notice; unknown without one", _D7, _answered_side(True)),
    Indicator("own_permille", "The owner's own part", "‰",
              "replies, initiatives and conversations to occasions of all acts and initiatives, before the law too, rounded half up; above 1000 where replies "
              "outnumber occasions", "our reading of the rules, docs/rules.md section 8", _own),
    Indicator("longest_monologue", "Longest monologue", "acts",
              "largest number of contact attempts between two outgoing events or conversations of the owner, the open end too", "own choice", _monologue),
    Indicator("after_rejection", "Attempts after a rejected call", "acts", "contact attempts later than a rejected call by at most an hour", "own choice",
              _after_rejection),
    Indicator("block_evasion", "New identifiers after a block", "identifiers",
              "identifiers whose first act came after the first block, within 14 days; unknown without a block",
              "Kazakh cases; window our own choice", _evasion),
    Indicator("channels_after_notice", "New channels after the refusal", "channels",
              "channels whose first act came after the first effective notice; unknown without one", "BJS 2006, NVAWS 1998: several means", _new_channels),
)  # fmt: skip
