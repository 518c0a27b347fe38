"""What speaks against one-sidedness: replies, initiatives, conversations of the owner. Over all acts, also before the law."""

from __future__ import annotations

from typing import Any

from detector.arrays import Bools, permille
from detector.indicators import Indicator, Measured
from detector.state import State


def _of(name: str, after: bool) -> Any:
    def compute(s: State) -> Measured:
        mask: Bools = ~s.course.act if name == "outgoing" else getattr(s.answers, name)
        if not after:
            return Measured(s.count(mask), mask)
        mask = mask & s.sets.after_first
        return Measured(s.count(mask), mask, s.sets.first >= 0)

    return compute


def _inbound(s: State) -> Measured:
    rows, incoming = s.count(s.traffic), s.count(s.traffic & s.course.act)
    return Measured(permille(incoming, rows), s.traffic, rows > 0)


_WORDS = {
    "reply": ("replies", "Replies of the owner", "messages", "first outgoing event within 24 hours of an act"),
    "initiative": ("initiatives", "Initiatives of the owner", "messages",
                   "outgoing events that are no reply, after three hours of silence on both sides"),
    "conversation": ("conversations", "Conversations", "calls", "answered incoming calls of at least 60 seconds"),
    "outgoing": ("outgoing", "Outgoing events", "events", "delivered outgoing events to this contact, the notice itself left out"),
}  # fmt: skip
INDICATORS = (
    *(Indicator(i, t, u, f, "our reading of the rules, docs/rules.md", _of(k, False)) for k, (i, t, u, f) in _WORDS.items()),
    *(Indicator(i + "_after_notice", t + " after the notice", u, f + ", after the first effective notice", "our reading of the rules, docs/rules.md",
                _of(k, True)) for k, (i, t, u, f) in _WORDS.items()),
    Indicator("inbound_share_permille", "Incoming share of the traffic", "‰",
              "incoming calls, messages, mail and requests to all of both directions, rounded half up", "own choice", _inbound),
)  # fmt: skip
