"""Everything that indicators, elements and verdict are computed from, made once for all contacts of all cases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from detector.arrays import (
    Bools,
    Ints,
    bounds,
    count,
    distinct,
    first_of,
    occasion_count,
    opener_rows,
    positions_of,
    span,
)
from detector.columns import coded, lookup
from detector.conduct import (
    Answers,
    Sets,
    Since,
    answers,
    repeated,
    sets,
    since,
    unwanted_openers,
)
from detector.course import ATTEMPT_KINDS, TRAFFIC_KINDS, Course, build, subset
from detector.model import CaseTables
from detector.schema import NOTICE_KINDS

_US = 1_000_000
#: what is derived before the numbers of a stage enter
_BEFORE = {
    "answers": (),
    "notices": ("answers",),
    "sets": ("answers", "notices"),
    "verdict": ("answers", "notices", "sets"),
}


class State:
    """The course with all that the rules derive from it.

    Attributes
    ----------
    course : Course
        Acts and outgoing rows.
    num : dict
        Numbers of the rules (see :mod:`detector.parameters`), the profile's own where it has them.
    valid_from : int
        The statute's commencement, µs UTC.
    as_of : tuple of int
        Scoring moment of each case.

    The course depends on the cases, the scoring moments and the numbers of stage ``course`` alone: another profile, or other numbers of later stages, can share it.
    """

    def __init__(self, cases: Sequence[CaseTables], num: dict[str, Any], valid_from: int, as_of: Sequence[int],
                 course: Course | None = None) -> None:  # fmt: skip
        self.cases = tuple(cases)
        self.num = num
        self.valid_from = valid_from
        self.as_of = tuple(as_of)
        self.course: Course = build(cases, as_of, num) if course is None else course
        self.window: int = int(num["occasion_window_s"]) * _US

    # -- the same with something else -------------------------------------------------------------------------------

    def under(self, num: dict[str, Any], stage: str) -> State:
        """Return the state under other numbers, those of one stage alone; all that stands before that stage is shared.

        ``stage`` is one of :data:`detector.parameters.STAGES` from ``answers`` to ``verdict``. The length of an occasion enters every stage.
        """
        other = State(self.cases, num, self.valid_from, self.as_of, self.course)
        for name in _BEFORE[stage]:
            other.__dict__[name] = getattr(self, name)  # where functools.cached_property keeps it
        return other

    def of(self, groups: Ints) -> State:
        """Return the state of some contacts alone (their numbers, ascending): a measure of the case as a whole would miss the others."""
        return State(self.cases, self.num, self.valid_from, self.as_of, subset(self.course, groups))

    def commencing(self, valid_from: int) -> State:
        """Return this state under another commencement (µs UTC) with the same L: all that was derived rests on L and stays."""
        same = State.__new__(State)
        same.__dict__.update(self.__dict__)
        same.valid_from = valid_from
        return same

    def shown_by_a_source(self, kind: str) -> Bools:
        """Return per contact whether a source of its case can hold events of a kind: silence of sources that cannot is no evidence.

        A journal can tell of everything that people do, so with one every kind could be shown.
        """
        return np.array([kind in told or "journal" in told for told in self._told], np.bool_)[self.course.case]

    @cached_property
    def _told(self) -> list[set[str]]:
        """Per case the channels and classes that its coverage names."""
        return [
            {
                *case.coverage["channel"].to_pylist(),
                *(w for c in case.coverage["classes"].to_pylist() for w in c.split()),
            }
            for case in self.cases
        ]

    # -- what the rules derive --------------------------------------------------------------------------------------

    @cached_property
    def answers(self) -> Answers:
        return answers(self.course, self.num)

    @cached_property
    def notices(self) -> list[Since]:
        return [since(self.course, self.answers, k, self.num) for k in range(self.course.notices.most)]

    @cached_property
    def sets(self) -> Sets:
        return sets(self.course, self.answers, self.notices, self.valid_from, self.num)

    @cached_property
    def has_notice(self) -> Bools:
        """Rows of contacts with an effective notice."""
        return (self.sets.first >= 0)[self.course.group]

    @cached_property
    def attempt(self) -> Bools:
        return self.course.act & self.course.of_kinds(ATTEMPT_KINDS)

    @cached_property
    def law_openers(self) -> Bools:
        """Openers of the occasions of L."""
        return opener_rows(self.course.group, self.course.ts, self.sets.law, self.window)

    @cached_property
    def unwanted_law_openers(self) -> Bools:
        s = self.sets
        return unwanted_openers(self.course, s.law & ~s.habitual, s.unwanted_law, self.has_notice, self.window)

    @cached_property
    def unwanted_all_openers(self) -> Bools:
        s = self.sets
        act = self.course.act
        return unwanted_openers(self.course, act & ~s.habitual, s.unwanted_all, self.has_notice, self.window)

    @cached_property
    def repeated_all(self) -> Bools:
        return repeated(self.course, self.unwanted_all_openers, self.sets.unwanted_all, self.num)

    @cached_property
    def against_will_rows(self) -> Bools:
        """Attempts and tracking acts of L after the first effective, uncontested notice, habitual ones taken out."""
        out = np.zeros(len(self.course.group), np.bool_)
        for k, s in enumerate(self.notices):
            out |= s.after & (self.sets.uncontested == k)[self.course.group]
        s_ = self.sets
        return out & s_.law & ~s_.habitual & (self.attempt | s_.tracking_law)

    @cached_property
    def first_notice_max(self) -> Ints:
        """Per group: latest moment of the first effective notice (meaningless without one)."""
        n = self.course.notices
        if not n.most:
            return np.zeros(self.course.n_groups, np.int64)
        return n.ts_max[np.arange(self.course.n_groups), np.maximum(self.sets.first, 0)]

    # -- what indicators share --------------------------------------------------------------------------------------

    @cached_property
    def bounds(self) -> Ints:
        """Rows of group g: ``bounds[g]`` up to ``bounds[g + 1]``."""
        return bounds(self.course.group, self.course.n_groups)

    @cached_property
    def ends(self) -> Ints:
        """Per group: its scoring moment."""
        return np.array(self.as_of, np.int64)[self.course.case]

    @cached_property
    def traffic(self) -> Bools:
        return self.course.of_kinds(TRAFFIC_KINDS)

    @cached_property
    def law_at(self) -> Ints:
        """Indices of the acts of L."""
        return np.flatnonzero(self.sets.law)

    @cached_property
    def law_opener_at(self) -> Ints:
        return np.flatnonzero(self.law_openers)

    @cached_property
    def unwanted_opener_at(self) -> Ints:
        return np.flatnonzero(self.unwanted_law_openers)

    @cached_property
    def law_day_at(self) -> Ints:
        """Indices of the first act of L of every day that has one, by group and day."""
        c = self.course
        at = np.flatnonzero(first_of(c.group, c.day, self.sets.law))
        g, day = c.group[at], c.day[at]
        if np.any((g[1:] == g[:-1]) & (day[1:] < day[:-1])):  # a clock that was set back
            at = at[np.lexsort((day, g))]
        return at

    @cached_property
    def weekday(self) -> Ints:
        """Day of the week of every row, Monday is 0."""
        return self.course.weekday

    @cached_property
    def timed_law(self) -> Bools:
        """Acts of L whose reading tells the hour."""
        return self.sets.law & self.course.timed

    @cached_property
    def act_occasions(self) -> Ints:
        """Per group: occasions of all acts, before the law too."""
        return self.occasions(self.course.act)

    @cached_property
    def notice_kind(self) -> Ints:
        """Kind of every notice, as a number in :data:`detector.schema.NOTICE_KINDS`, in the shape of the notices; -1 if absent."""
        rows = self.course.notices.row
        out = np.full(rows.shape, -1, np.int64)
        there = rows >= 0
        if there.any():
            kinds = [lookup(*coded(x.notices["kind"]), NOTICE_KINDS) for x in self.cases]
            begin = np.cumsum([0, *(len(x) for x in kinds)])[self.course.case]
            out[there] = np.concatenate(kinds)[(rows + begin[:, None])[there]]
        return out

    # -- shorthand for kernels --------------------------------------------------------------------------------------

    def mark(self, at: Ints) -> Bools:
        """Mark, among all rows, those with these indices."""
        out = np.zeros(len(self.course.group), np.bool_)
        out[at] = True
        return out

    def rows_of(self, groups: Ints) -> Ints:
        """Return the indices of all rows of some groups, in order."""
        return positions_of(self.bounds[groups], self.bounds[groups + 1] - self.bounds[groups])

    def count(self, mask: Bools) -> Ints:
        return count(self.course.group, self.course.n_groups, mask)

    def days(self, mask: Bools) -> Ints:
        return distinct(self.course.group, self.course.n_groups, self.course.day, mask)

    def span(self, mask: Bools) -> Ints:
        return span(self.course.group, self.course.n_groups, self.course.ts, mask)

    def occasions(self, mask: Bools) -> Ints:
        return occasion_count(self.course.group, self.course.n_groups, self.course.ts, mask, self.window)

    def any(self, mask: Bools) -> Bools:
        return self.count(mask) > 0
