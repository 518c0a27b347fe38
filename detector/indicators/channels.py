"""By which ways: channels, identifiers, calls that were missed, rejected or blocked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detector.arrays import Bools, Ints, distinct
from detector.course import CALL_TAGS
from detector.indicators import Indicator, Measured
from detector.state import State


def _parts(s: State, codes: Ints, names: tuple[str, ...], word: str) -> Callable[[int], list[dict[str, Any]]]:
    """Acts and openings of occasions of every group by channel or identifier, in order of the name."""

    def parts(g: int) -> list[dict[str, Any]]:
        rows = slice(int(s.bounds[g]), int(s.bounds[g + 1]))
        mine = np.where(s.sets.law[rows], codes[rows], -1)
        found, acts = np.unique(mine[mine >= 0], return_counts=True)
        opened = np.bincount(np.searchsorted(found, mine[s.law_openers[rows] & (mine >= 0)]), minlength=len(found))
        listed = zip(found.tolist(), acts.tolist(), opened.tolist(), strict=True)
        return sorted(
            ({word: names[k], "acts": n, "occasions_opened": o} for k, n, o in listed), key=lambda p: str(p[word])
        )

    return parts


def _spread(codes_of: str, names_of: str, word: str) -> Any:
    def compute(s: State) -> Measured:
        c = s.course
        names: tuple[str, ...] = getattr(c, names_of)
        # a journal tells of acts: it is no channel of its own, and the label it gives a person is no account of theirs
        own = np.array([not n.startswith("label:") and n != "journal" for n in names] + [False], np.bool_)
        codes: Ints = getattr(c, codes_of)
        mask: Bools = s.sets.law & own[codes]
        return Measured(distinct(c.group, c.n_groups, codes, mask), mask, parts=_parts(s, codes, names, word))

    return compute


def _calls(tag: str) -> Any:
    number = CALL_TAGS.index(tag)

    def compute(s: State) -> Measured:
        mask = s.sets.law & (s.course.call_tag == number)
        return Measured(s.count(mask), mask)

    return compute


INDICATORS = (
    Indicator("channels", "Channels used", "channels", "different channels of acts", "BJS 2006: several means",
              _spread("channel", "channels", "channel")),
    Indicator("identifiers", "Identifiers used", "identifiers", "different numbers, accounts or names of acts",
              "own choice", _spread("identifier", "identifiers", "identifier")),
    Indicator("missed_calls", "Missed calls", "calls", "incoming calls not answered, neither rejected nor blocked nor voicemail",
              "own choice", _calls("missed")),
    Indicator("rejected_calls", "Rejected calls", "calls", "incoming calls that the phone recorded as rejected", "own choice",
              _calls("rejected")),
    Indicator("blocked_calls", "Blocked calls", "calls", "incoming calls that the phone or a filter blocked", "own choice",
              _calls("blocked")),
)  # fmt: skip
