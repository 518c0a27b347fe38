"""Everything that indicators, elements and verdict are computed from, made once for all contacts of all cases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from detector.arrays import Bools, Ints, count, distinct, occasion_count, opener_rows, span
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
from detector.course import ATTEMPT_KINDS, Course, build
from detector.model import CaseTables

_US = 1_000_000


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

    # -- shorthand for kernels --------------------------------------------------------------------------------------

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
