"""What speaks against a pattern: a weekly rhythm, office hours, number pools, codes, groups, an emergency, a new line, a role. ``docs/measures.md`` section 8."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.arrays import Bools, Ints, densest, first_of, first_value, marked, peak, permille, search_within, tally
from detector.course import MONDAY, NEVER
from detector.indicators import Indicator, Measured, share
from detector.indicators.timing import WEEKDAYS
from detector.state import State

_US = 1_000_000
#: a slot is so many hours of one weekday; it begins at hour 0 ... 24 - SLOT_H
SLOT_H = 3
_STARTS = 25 - SLOT_H
#: a slot is a habit from so many weeks on
_SLOT_WEEKS = 3
#: a template is not looked for below so many openers
_LEAST = 4
#: contacts whose slots are counted at once: bounds the memory
_BLOCK = 8192
ROLES = ("service", "lawful_role", "employer", "co_parent")


# -- the weekly template ----------------------------------------------------------------------------------------------------------


def _first_in_slots(place: Ints, day: Ints, hour: Ints, places: int) -> Ints:
    """Count, for every slot, the days that have openers in it; shape (places, _STARTS).

    Parameters
    ----------
    place : int64 array
        Group and weekday, ``7 g + weekday``.
    day, hour : int64 arrays
        Days and hours with openers, in order of group, day and hour.

    Notes
    -----
    A day counts once for a slot: with the first of its hours that lies in it. Hour h is that of the slots that begin at h, and at h - 1 and h - 2 unless an
    hour of the same day before it lies in them already.
    """
    back = np.full(len(hour), SLOT_H, np.int64)
    same = (place[1:] == place[:-1]) & (day[1:] == day[:-1])
    back[1:][same] = np.minimum(hour[1:] - hour[:-1], SLOT_H)[same]
    # reaching[b]: hours that are the first of the slots which begin up to b hours before them
    number = np.bincount((place * 24 + hour) * SLOT_H + back - 1, minlength=places * 24 * SLOT_H).reshape(
        places, 24, SLOT_H
    )
    reaching = np.cumsum(number[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.asarray(sum(reaching[:, b : b + _STARTS, b] for b in range(SLOT_H)), np.int64)


def _take_slots(group: Ints, day: Ints, hour: Ints, groups: int, most: int) -> tuple[Ints, Ints]:
    """Choose the slots of every template.

    Parameters
    ----------
    group, day, hour : int64 arrays
        Openers, in order of group, day and hour.

    Returns
    -------
    slot, openers : int64 arrays of shape (groups, most)
        ``weekday * _STARTS + from_h`` and the openers taken; -1 and 0 where there is no further slot.
    """
    slot, openers = np.full((groups, most), -1, np.int64), np.zeros((groups, most), np.int64)
    places = 7 * groups
    place = group * 7 + (day - MONDAY) % 7
    left = np.bincount(place * 24 + hour, minlength=places * 24).reshape(places, 24)
    new = (
        np.r_[True, (place[1:] != place[:-1]) | (day[1:] != day[:-1]) | (hour[1:] != hour[:-1])] if len(hour) else hour
    )
    place, day, hour = (x[np.flatnonzero(new)] for x in (place, day, hour))
    # days of one weekday lie in different weeks
    weeks = _first_in_slots(place, day, hour, places)
    for k in range(most):
        acts = sum(left[:, b : b + _STARTS] for b in range(SLOT_H))
        acts = np.where(weeks >= _SLOT_WEEKS, acts, 0).reshape(groups, -1)
        best = acts.argmax(axis=1)  # of equal ones the earliest in the week
        found = np.flatnonzero(acts[np.arange(groups), best])
        if not len(found):
            break
        slot[found, k], openers[found, k] = best[found], acts[found, best[found]]
        at, begin = found * 7 + best[found] // _STARTS, best[found] % _STARTS
        for b in range(SLOT_H):
            left[at, begin + b] = 0
        touched = np.zeros(places, np.bool_)
        touched[at] = True
        rows = np.flatnonzero(touched[place])
        rows = rows[left[place[rows], hour[rows]] > 0]
        number = np.cumsum(touched) - 1  # the places that are counted again, one after the other
        weeks[at] = _first_in_slots(number[place[rows]], day[rows], hour[rows], len(at))
    return slot, openers


def _template(s: State) -> Measured:
    c = s.course
    at = np.flatnonzero(s.law_openers & c.timed)
    whole = np.bincount(c.group[at], minlength=c.n_groups)
    known = whole >= _LEAST
    at = at[known[c.group[at]]]
    most = int(s.num["template_slots"])
    slot, openers = np.full((c.n_groups, most), -1, np.int64), np.zeros((c.n_groups, most), np.int64)
    groups = np.flatnonzero(known)
    for begin in range(0, len(groups), _BLOCK):
        block = groups[begin : begin + _BLOCK]
        rows = at[np.searchsorted(c.group[at], block[0]) : np.searchsorted(c.group[at], block[-1], "right")]
        hours = c.day[rows] * 24 + c.hour[rows]
        least = int(hours.min())
        width = int(hours.max()) - least + 1
        keys = np.searchsorted(block, c.group[rows]) * width + (hours - least)
        if np.any(keys[1:] < keys[:-1]):  # a clock that was set back
            keys = np.sort(keys)
        clock = keys % width + least
        slot[block], openers[block] = _take_slots(keys // width, clock // 24, clock % 24, len(block), most)
    taken = np.zeros((c.n_groups, 7 * 24), np.bool_)
    for k in range(most):
        g = np.flatnonzero(slot[:, k] >= 0)
        for h in range(SLOT_H):
            taken[g, slot[g, k] // _STARTS * 24 + slot[g, k] % _STARTS + h] = True

    def parts(g: int) -> list[dict[str, Any]]:
        return [
            {"weekday": WEEKDAYS[w // _STARTS], "from_h": w % _STARTS, "openers": n}
            for w, n in zip(slot[g].tolist(), openers[g].tolist(), strict=True)
            if w >= 0
        ]

    rows = at[taken[c.group[at], s.weekday[at] * 24 + c.hour[at]]]
    return Measured(permille(openers.sum(axis=1), whole), s.mark(rows), known, parts)


# -- business ---------------------------------------------------------------------------------------------------------------------


def _office(s: State) -> Measured:
    c = s.course
    hours = (c.hour >= int(s.num["office_from_h"])) & (c.hour < int(s.num["office_to_h"]))
    return share(s, s.timed_law & hours & (s.weekday < 5), s.timed_law, with_interval=True)


def _pools(names: tuple[str, ...], digits: int) -> Ints:
    """Return for every identifier the number of its pool, in order of the pool's text, and -1 for none (the last entry: no identifier)."""
    stems = [n[:-digits] if n.startswith("+") and len(n) > digits + 1 else None for n in names]
    number = {stem: i for i, stem in enumerate(sorted({x for x in stems if x is not None}))}
    return np.array([-1 if x is None else number[x] for x in stems] + [-1], np.int64)


def _number_pool(s: State) -> Measured:
    c = s.course
    pool = _pools(c.identifiers, int(s.num["pool_digits"]))
    law = s.law_at[pool[c.identifier[s.law_at]] >= 0]
    first = law[first_of(c.group[law], c.identifier[law], np.ones(len(law), np.bool_))]
    width = len(pool)
    keys, number = tally(c.group[first] * width + pool[c.identifier[first]])
    best, at = peak(keys // width, c.n_groups, number)
    best[best < 2] = 0
    chosen = np.full(c.n_groups, -2, np.int64)
    chosen[best > 0] = (keys % width)[at[best > 0]]
    some = law[best[c.group[law]] > 0]
    return Measured(best, s.mark(some[pool[c.identifier[some]] == chosen[c.group[some]]]))


def _code_acts(s: State) -> Measured:
    c = s.course
    code = np.array([n.startswith(("alpha:", "short:")) for n in c.identifiers] + [False], np.bool_)
    mask = s.sets.law & code[c.identifier] if code.any() else s.mark(s.law_at[:0])
    return Measured(s.count(mask), mask)


def _group_share(s: State) -> Measured:
    return share(s, s.sets.law & s.course.in_group, s.sets.law & ~s.course.presence)


# -- other explanations -----------------------------------------------------------------------------------------------------------


def _emergency(s: State) -> Measured:
    c, at = s.course, s.law_at
    window = int(s.num["emergency_window_s"]) * _US
    top, bottom = s.num["emergency_share"]
    whole = np.bincount(c.group[at], minlength=c.n_groups)
    acts, first = densest(c.group[at], c.n_groups, c.ts[at], window)
    full = np.flatnonzero((acts >= int(s.num["emergency_acts"])) & (bottom * acts >= top * whole))
    begin = c.ts[at[first[full]]] if len(full) else full
    start, stop = s.bounds[full], s.bounds[full + 1]
    low = search_within(c.ts, start, stop, begin)
    high = search_within(c.ts, start, stop, begin + window)
    # the owner's own sign: in the window, or so soon after its end that it would be a reply
    late = search_within(c.ts, start, stop, begin + window + int(s.num["reply_window_s"]) * _US + 1)
    out = np.r_[0, np.cumsum(~c.act)]
    signed = out[late] > out[low]
    hit, low, high = full[signed], low[signed], high[signed]
    value = np.zeros(c.n_groups, np.int64)
    value[hit] = permille(acts[hit], whole[hit])
    return Measured(value, s.sets.law & marked(low, high, len(c.group)), whole > 0)


def _first_lines(s: State) -> tuple[Ints, Bools]:
    """Return for every line the first event of any line of its case, and for every case whether it has several lines."""
    c = s.course
    owner = np.array([int(name.partition("\n")[0]) for name in c.lines], np.int64)
    live = c.line_first < NEVER
    first = np.full(len(s.cases), NEVER, np.int64)
    np.minimum.at(first, owner, c.line_first)
    return first[owner], np.bincount(owner[live], minlength=len(s.cases)) > 1


def _new_line(s: State) -> Measured:
    c = s.course
    named = np.flatnonzero(c.act & (c.line >= 0)) if c.lines else s.law_at[:0]
    at = first_value(c.group[named], c.n_groups, named, None, -1)
    groups = np.flatnonzero(at >= 0)
    case_first, several = _first_lines(s)
    groups = groups[several[c.case[groups]]]
    at = at[groups]
    line = c.line[at]
    began = c.line_first[line]
    new = (began > case_first[line]) & (c.ts[at] - began <= int(s.num["recycled_s"]) * _US)
    value, known = np.zeros(c.n_groups, np.int64), np.zeros(c.n_groups, np.bool_)
    value[groups], known[groups] = new, True
    return Measured(value, s.mark(at[new]), known)


def _role(s: State) -> Measured:
    groups = s.course.groups
    value = np.array([g.declared and g.role in ROLES for g in groups], np.int64)
    return Measured(value, s.mark(s.law_at[:0]), np.array([g.declared for g in groups], np.bool_))


def _owner_heavier(s: State) -> Measured:
    own = s.traffic & ~s.course.act
    return Measured(np.maximum(s.count(own) - s.count(s.traffic & s.course.act), 0), own)


_HARD = "own choice"
INDICATORS = (
    Indicator("template_permille", "Share of occasions in a weekly rhythm", "‰",
              "openings of occasions within the up to three slots (three hours of one weekday) that hold most of them in three or more weeks, to all whose time of "
              "day is known, rounded half up; unknown below four", _HARD + ": hand-over days", _template),
    Indicator("office_permille", "Share of acts in office hours", "‰",
              "acts from Monday to Friday, 9:00 to 18:00 of the owner's clock, to all acts whose time of day is known, rounded half up; with Wilson's interval",
              _HARD + ": business hours", _office),
    Indicator("number_pool", "Numbers of one pool", "identifiers",
              "largest number of telephone numbers that are alike but for their last two digits, 0 below two", _HARD + ": pools of sequential numbers",
              _number_pool),
    Indicator("code_acts", "Acts by one-way codes", "acts", "acts by alphanumeric senders or short codes, which nobody can answer", _HARD + ": notifications",
              _code_acts),
    Indicator("group_permille", "Share of acts in groups", "‰", "acts in group threads to all acts that are events, rounded half up",
              _HARD + ": group chats", _group_share),
    Indicator("emergency_permille", "Share of acts in a single evening", "‰",
              "acts in the fullest six hours to all acts, rounded half up, if they are at least five and four fifths of all and the owner made a sign in that time "
              "or within a day after it; else 0", _HARD + ": illness, a lost child", _emergency),
    Indicator("new_line", "First act on a new line of the owner", "yes or no",
              "1 if the first act that names a line of the owner came on a line that began later than her earliest one, within seven days of its first event; "
              "unknown if no act names a line, or the case has one only", _HARD + ": recycled number", _new_line),
    Indicator("role_reason", "Role that brings contact with it", "yes or no",
              "1 if the declared role is service, lawful role, employer or co-parent, 0 if it is another; unknown if undeclared", _HARD + ": lawful role", _role),
    Indicator("owner_heavier", "The owner's heavier traffic", "events",
              "calls, messages, mail and requests of the owner more than those of the contact, before the law too; 0 if not more",
              _HARD + ": direction ratio", _owner_heavier),
)  # fmt: skip
