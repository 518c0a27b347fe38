"""One-sided: the unanswered calls, direct messages and requests, and what followed a refusal, whatever came of it.

Where the words of a law ask for no refusal, these counts say whether contact was unwanted, as rule 6 of ``docs/rules.md`` section 8 does. An unanswered act that comes
last raises each of them or leaves it, and an answer lowers it or leaves it: so they can carry points (``docs/decisions/0024``).
"""

from __future__ import annotations

import numpy as np

from detector.arrays import DAY_US, Bools, opener_rows
from detector.indicators import Indicator, Measured, fullest_window
from detector.state import State


def _course(s: State) -> Bools:
    """Mark the unanswered calls, direct messages and requests of L."""
    return np.asarray(s.sets.law & s.sets.cmr & s.answers.unanswered, np.bool_)


def _occasions(s: State) -> Measured:
    rows = _course(s)
    return Measured(s.occasions(rows), rows)


def _days(s: State) -> Measured:
    rows = _course(s)
    return Measured(s.days(rows), rows)


def _span(s: State) -> Measured:
    rows = _course(s)
    return Measured(s.span(rows) // 1_000_000, rows)


def _max_28d(s: State) -> Measured:
    c, rows = s.course, _course(s)
    return fullest_window(s, opener_rows(c.group, c.ts, rows, s.window), 28 * DAY_US, rows)


def _refused(s: State) -> Measured:
    rows = s.sets.law & s.sets.after_first & (s.attempt | s.sets.tracking_law)
    return Measured(s.occasions(rows), rows, s.sets.first >= 0)


def _initiatives(s: State) -> Measured:
    notices = s.course.notices
    if not notices.most:
        nobody = np.zeros(s.course.n_groups, np.bool_)
        return Measured(nobody.astype(np.int64), np.zeros(len(s.course.group), np.bool_), nobody)
    rows = s.answers.initiative & s.notices[0].after
    return Measured(s.count(rows), rows, notices.row[:, 0] >= 0)


_P = "own choice: what rule 6 of docs/rules.md section 8 counts"
_LAST = "calls, direct messages and requests since the statute's commencement that nobody answered"
INDICATORS = (
    Indicator("course_occasions", "Unanswered occasions of calls, direct messages and requests", "occasions", f"occasions of {_LAST}",
              "Pathé & Mullen 1997: ten intrusions", _occasions),
    Indicator("course_days", "Days with unanswered calls, direct messages and requests", "days", f"different dates with {_LAST}", _P, _days),
    Indicator("course_span_s", "First to last unanswered call, direct message or request", "s", f"time of the last minus the first of {_LAST}",
              "Purcell, Pathé & Mullen 2004: past two weeks", _span),
    Indicator("course_max_28d", "Unanswered occasions in the fullest 28 days", "occasions",
              f"largest number of openings of occasions of {_LAST} in any [t, t + 28 days)", "Pathé & Mullen 1997: ten in four weeks", _max_28d),
    Indicator("refused_occasions", "Occasions after the refusal, contested or not", "occasions",
              "occasions of contact attempts or tracking after the first effective notice, contested or not; unknown without one", _P, _refused),
    Indicator("initiatives_since_notice", "Initiatives of the owner since the first notice", "messages",
              "initiatives of the owner after the contact's first notice, whatever its effect; unknown without a notice", _P, _initiatives),
)  # fmt: skip
