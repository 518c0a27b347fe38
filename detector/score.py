"""The way from resolved tables to findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detector.arrays import Ints
from detector.course import Course, build
from detector.elements import Elements, evaluate, measure
from detector.first import first_moments
from detector.indicators import Measured
from detector.model import CaseTables
from detector.parameters import PARAMETERS
from detector.state import State
from detector.statute import Profile
from detector.verdict import VERDICTS, Verdicts, decide


@dataclass(frozen=True, slots=True)
class Judged:
    """Elements, points and verdicts of all contacts of all cases under one profile, as arrays.

    ``shown`` keeps the indicators of a contact as findings show them, once they were asked for: profiles that share what was measured share these too.
    """

    state: State
    profile: Profile
    measured: dict[str, Measured]
    shown: dict[Any, dict[str, Any]]
    elements: Elements
    verdicts: Verdicts


@dataclass(frozen=True, slots=True)
class Scored(Judged):
    """All that was found of all contacts of all cases under one profile, as arrays."""

    first_met: Ints
    first_repeated: Ints


@dataclass(frozen=True, slots=True)
class _Found:
    """What was measured under one set of numbers and one L."""

    state: State
    measured: dict[str, Measured]
    shown: dict[Any, dict[str, Any]]


class Prepared:
    """What several profiles share when they score the same cases as of the same moments.

    The course is made once for all profiles with the same numbers of stage ``course``. Where all rows lie after the commencement of both of two
    statutes with the same numbers, L is the same set under both, and so is all that is measured.

    Parameters
    ----------
    cases : sequence of CaseTables
        Resolved tables.
    as_of : sequence of int
        Scoring moment of each case, µs UTC.
    """

    def __init__(self, cases: Sequence[CaseTables], as_of: Sequence[int]) -> None:
        self.cases, self.as_of = tuple(cases), tuple(as_of)
        self._courses: dict[tuple[Any, ...], Course] = {}
        self._found: list[_Found] = []

    def found(self, numbers: dict[str, Any], valid_from: int) -> _Found:
        """Return the state under these numbers and this commencement (µs UTC), and all indicators of it."""
        for found in self._found:
            begin = found.state.valid_from
            later = max(begin, valid_from)
            if found.state.num == numbers and (begin == valid_from or later <= self._first_row(found.state.course)):
                return replace(found, state=found.state.commencing(valid_from))
        state = State(self.cases, numbers, valid_from, self.as_of, self.course(numbers))
        self._found.append(_Found(state, measure(state), {}))
        return self._found[-1]

    def is_of(self, cases: Sequence[CaseTables]) -> bool:
        """Whether these are the cases that were prepared, the same tables and not others that look alike."""
        return len(cases) == len(self.cases) and all(a is b for a, b in zip(cases, self.cases, strict=True))

    def course(self, numbers: dict[str, Any]) -> Course:
        """Return the course under these numbers."""
        key = tuple(numbers[name] for name, p in PARAMETERS.items() if p.stage == "course")
        if key not in self._courses:
            self._courses[key] = build(self.cases, self.as_of, numbers)
        return self._courses[key]

    @staticmethod
    def _first_row(course: Course) -> int:
        """Return the earliest possible moment of any row, the largest number if there is none."""
        return min(int(np.min(x, initial=np.iinfo(np.int64).max)) for x in (course.ts, course.ts_min))


def judge(cases: Sequence[CaseTables], profile: Profile, as_of: Sequence[int], *, valid_from: int,
          numbers: dict[str, Any] | None = None, prepared: Prepared | None = None) -> Judged:  # fmt: skip
    """Give all contacts of several cases elements, points and a verdict (see :func:`score`).

    Raises
    ------
    ValueError
        ``prepared`` is of other cases or other moments.
    """
    shared = prepared or Prepared(cases, as_of)
    if shared.as_of != tuple(as_of) or not shared.is_of(cases):
        raise ValueError("what was prepared is of other cases or other moments")
    found = shared.found(numbers or profile.numbers(), valid_from)
    elements = evaluate(profile, found.measured, found.state.course.n_groups)
    verdicts = decide(found.state, elements.all_required)
    return Judged(found.state, profile, found.measured, found.shown, elements, verdicts)


def score(cases: Sequence[CaseTables], profile: Profile, as_of: Sequence[int], *, valid_from: int,
          numbers: dict[str, Any] | None = None, prepared: Prepared | None = None) -> Scored:  # fmt: skip
    """Score all contacts of several cases at once.

    Parameters
    ----------
    cases : sequence of CaseTables
        Resolved tables.
    profile : Profile
        The statute, in the version that is asked.
    as_of : sequence of int
        Scoring moment of each case, µs UTC; rows at or after it do not exist.
    valid_from : int
        Midnight of the statute's commencement in the profile's own zone, µs UTC.
    numbers : dict, optional
        Numbers of the rules in place of the profile's (for robustness).
    prepared : Prepared, optional
        What other profiles have already found of the same cases as of the same moments.

    Raises
    ------
    ValueError
        The profile is a bill: nothing is an offence under it.
    """
    if profile.status == "bill":
        raise ValueError(f"{profile.id} is a bill and no law: it is never scored")
    j = judge(cases, profile, as_of, valid_from=valid_from, numbers=numbers, prepared=prepared)
    met, again = first_moments(j.state, profile, j.verdicts.verdict == VERDICTS.index("service"))
    return Scored(j.state, profile, j.measured, j.shown, j.elements, j.verdicts, met, again)
