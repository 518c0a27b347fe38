"""Against her will: attempts, unanswered and unwanted occasions, what followed a notice."""

from __future__ import annotations

import numpy as np

from detector.arrays import first_of, first_value
from detector.indicators import Indicator, Measured
from detector.state import State


def _attempts(s: State) -> Measured:
    mask = s.sets.law & s.attempt
    return Measured(s.occasions(mask), mask, s.course.event_data | s.any(mask))


def _unanswered(s: State) -> Measured:
    mask = s.sets.law & s.answers.unanswered
    return Measured(s.occasions(mask), mask)


def _unwanted(s: State) -> Measured:
    return Measured(s.count(s.unwanted_law_openers), s.sets.unwanted_law)


def _unwanted_days(s: State) -> Measured:
    return Measured(s.days(s.sets.unwanted_law), s.sets.unwanted_law)


def _unwanted_span(s: State) -> Measured:
    return Measured(s.span(s.sets.unwanted_law) // 1_000_000, s.sets.unwanted_law)


def _after_acts(s: State) -> Measured:
    mask = s.sets.law & s.sets.after_first
    return Measured(s.count(mask), mask, s.sets.first >= 0)


def _after_occasions(s: State) -> Measured:
    return Measured(s.occasions(s.against_will_rows), s.against_will_rows, s.sets.uncontested >= 0)


def _first_after(s: State) -> Measured:
    c = s.course
    mask = s.sets.law & s.sets.after_first
    first = first_value(c.group, c.n_groups, c.ts, mask, 0)
    known = s.any(mask) & (s.sets.first >= 0)
    rows = mask & first_of(c.group, np.zeros(len(c.group), np.int64), mask)
    return Measured(np.where(known, (first - s.first_notice_max) // 1_000_000, 0), rows, known)


_D7 = "our reading of the rules, docs/rules.md"
INDICATORS = (
    Indicator("attempt_occasions", "Occasions of contact attempts", "occasions",
              "occasions of calls, messages, mail, requests, mentions, deliveries, gifts, payments, acts through third parties", _D7,
              _attempts),
    Indicator("unanswered_occasions", "Unanswered occasions", "occasions",
              "occasions of acts that no outgoing event followed within 24 hours and that were no answered calls; presence is never answered",
              _D7, _unanswered),
    Indicator("unwanted_occasions", "Unwanted occasions", "occasions",
              "with an effective notice: occasions that hold an act after it or of the unanswered run before it; without: the unanswered ones; "
              "habitual presence taken out", _D7, _unwanted),
    Indicator("unwanted_days", "Days with unwanted acts", "days", "different dates with an unwanted act", _D7, _unwanted_days),
    Indicator("unwanted_span_s", "First to last unwanted act", "s", "time of the last unwanted act minus the first",
              "Purcell, Pathé & Mullen 2004", _unwanted_span),
    Indicator("after_notice_acts", "Acts after the notice", "acts", "acts later than the first effective notice", _D7, _after_acts),
    Indicator("after_notice_occasions", "Occasions after the refusal", "occasions",
              "occasions of contact attempts or tracking after the first effective notice that is not contested; unknown without one", _D7,
              _after_occasions),
    Indicator("days_to_first_after_notice_s", "From the notice to the next act", "s",
              "time of the first act after the first effective notice minus the notice's latest time", "own choice", _first_after),
)  # fmt: skip
