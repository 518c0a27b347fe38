"""What rests on a person's word: acts that only the incident journal tells."""

from __future__ import annotations

from detector.indicators import Indicator, Measured
from detector.state import State


def _stated(s: State) -> Measured:
    mask = s.sets.law & s.course.journal
    return Measured(s.count(mask), mask)


INDICATORS = (
    Indicator(
        "stated_acts", "Acts known from the journal alone", "acts",
        "acts since the statute's commencement whose record is a row of the incident journal: the statement of a person, not of a device",
        "own choice", _stated,
    ),
)  # fmt: skip
