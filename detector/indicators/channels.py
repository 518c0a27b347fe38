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
    c = s.course
    out: dict[int, list[dict[str, Any]]] = {}
    law = s.sets.law & (codes >= 0)
    width = len(names) + 1
    key = c.group * width + codes
    acts = np.unique(key[law], return_counts=True)
    opened = dict(zip(*(v.tolist() for v in np.unique(key[law & s.law_openers], return_counts=True)), strict=True))
    for k, n in zip(acts[0].tolist(), acts[1].tolist(), strict=True):
        out.setdefault(k // width, []).append({word: names[k % width], "acts": n, "occasions_opened": opened.get(k, 0)})
    return lambda g: sorted(out.get(g, []), key=lambda p: str(p[word]))


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
