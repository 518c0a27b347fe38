"""When in the day and in the week, by the owner's clock. ``docs/measures.md`` section 3."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.arrays import Bools, permille
from detector.indicators import Indicator, Measured, interval, share
from detector.state import State

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _night_acts(s: State) -> Bools:
    hour = s.course.hour
    return s.timed_law & ((hour >= int(s.num["night_from_h"])) | (hour < int(s.num["night_to_h"])))


def _night(s: State) -> Measured:
    return share(s, _night_acts(s), s.timed_law, with_interval=True)


def _night_occasions(s: State) -> Measured:
    night = _night_acts(s)
    return Measured(s.occasions(night), night)


def _weekend(s: State) -> Measured:
    c, at = s.course, s.law_at
    weekday = s.weekday[at]
    acts = np.bincount(c.group[at] * 7 + weekday, minlength=7 * c.n_groups).reshape(-1, 7)
    whole = acts.sum(axis=1)

    def parts(g: int) -> list[dict[str, Any]]:
        n = int(whole[g])
        return [
            {"weekday": name, "acts": k, "permille": (2000 * k + n) // (2 * n), **interval(k, n)}
            for name, k in zip(WEEKDAYS, acts[g].tolist(), strict=True)
            if n
        ]

    return Measured(permille(acts[:, 5] + acts[:, 6], whole), s.mark(at[weekday >= 5]), whole > 0, parts)


def _hours(s: State) -> Measured:
    c, at = s.course, np.flatnonzero(s.timed_law)
    used = np.zeros((c.n_groups, 24), np.bool_)
    used[c.group[at], c.hour[at]] = True
    return Measured(used.sum(axis=1).astype(np.int64), s.timed_law)


INDICATORS = (
    Indicator("night_permille", "Share of acts at night", "‰",
              "acts from 23:00 to 06:00 of the owner's clock to all acts whose time of day is known, rounded half up; with Wilson's interval",
              "own choice: descriptive only", _night),
    Indicator("night_occasions", "Occasions at night", "occasions", "occasions of the acts from 23:00 to 06:00 of the owner's clock",
              "own choice: descriptive only", _night_occasions),
    Indicator("weekend_permille", "Share of acts at the weekend", "‰",
              "acts on Saturday or Sunday of the owner's clock to all acts, rounded half up; with Wilson's interval for every day of the week",
              "own choice", _weekend),
    Indicator("hours_used", "Hours of the day with acts", "hours", "different hours of the owner's clock with an act whose time of day is known",
              "own choice", _hours),
)  # fmt: skip
