"""The way from resolved tables to findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detector.arrays import Ints
from detector.elements import Elements, evaluate, measure
from detector.first import first_moments
from detector.indicators import Measured
from detector.model import CaseTables
from detector.state import State
from detector.statute import Profile
from detector.verdict import VERDICTS, Verdicts, decide


@dataclass(frozen=True, slots=True)
class Scored:
    """All that was found of all contacts of all cases under one profile, as arrays."""

    state: State
    profile: Profile
    measured: dict[str, Measured]
    elements: Elements
    verdicts: Verdicts
    first_met: Ints
    first_repeated: Ints


def score(cases: Sequence[CaseTables], profile: Profile, as_of: Sequence[int], *, valid_from: int,
          numbers: dict[str, Any] | None = None) -> Scored:  # fmt: skip
    """Score all contacts of several cases at once.

    Parameters
    ----------
    cases : sequence of CaseTables
        Resolved tables.
    profile : Profile
        The statute.
    as_of : sequence of int
        Scoring moment of each case, µs UTC; rows at or after it do not exist.
    valid_from : int
        Midnight of the statute's commencement in the profile's own zone, µs UTC.
    numbers : dict, optional
        Numbers of the rules in place of the profile's (for robustness).
    """
    state = State(cases, numbers or profile.numbers(), valid_from, as_of)
    measured = measure(state)
    elements = evaluate(profile, measured, state.course.n_groups)
    verdicts = decide(state, elements.all_required)
    met, again = first_moments(state, profile, verdicts.verdict == VERDICTS.index("service"))
    return Scored(state, profile, measured, elements, verdicts, met, again)
