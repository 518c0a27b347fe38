"""Other conduct that the laws and their commentators name: gifts, deliveries, payments, views, accounts, third parties. ``docs/measures.md`` section 6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from detector.arrays import DAY_US, Bools
from detector.course import KIND
from detector.indicators import Indicator, Measured, fullest_window
from detector.state import State


def _of_kind(s: State, kind: str) -> Bools:
    return np.asarray(s.sets.law & (s.course.kind == KIND[kind]), np.bool_)


def _acts(kind: str) -> Callable[[State], Measured]:
    def compute(s: State) -> Measured:
        mask = _of_kind(s, kind)
        value = s.count(mask)

        def parts(g: int) -> list[dict[str, Any]]:
            rows = slice(s.bounds[g], s.bounds[g + 1])
            stated = int((mask[rows] & s.course.journal[rows]).sum())
            acts = {"journal": stated, "record": int(value[g]) - stated}
            return [{"how": how, "acts": n} for how, n in acts.items() if n]

        return Measured(value, mask, (value > 0) | s.shown_by_a_source(kind), parts)

    return compute


def _access_24h(s: State) -> Measured:
    mask = _of_kind(s, "account_access")
    found = fullest_window(s, mask, DAY_US, mask)
    return replace(found, known=(found.value > 0) | s.shown_by_a_source("account_access"))


_KINDS = (
    ("gifts", "Gifts", "gift", "gifts", "kz-115-1, gloss: gifts; NISVS 2010-12"),
    ("deliveries", "Deliveries", "delivery", "deliveries and orders made out to the owner", "de-238 no. 3: goods ordered with the owner's data"),
    ("payments", "Payments", "payment", "transfers of money to the owner, which can carry a message past a block", "own choice"),
    ("views", "Profile and story views", "view", "views of the owner's profile or story that her account recorded",
     "uk-2a, PHA 1997 s.2A(3): monitoring use of the internet"),
    ("requests", "Requests", "request", "friend, follow and message requests", "own choice"),
    ("mentions", "Mentions", "mention", "tags, comments and reactions that name the owner", "own choice"),
    ("emails", "E-mails", "email", "incoming e-mails", "NISVS 2010-12: e-mail, instant message, social media"),
    ("account_access", "Access to accounts", "account_access", "login alerts, reset codes and linked devices of the owner's accounts",
     "kz-115-1, gloss: collecting personal information; de-238 no. 5"),
    ("third_party_acts", "Acts through third parties", "third_party", "acts through other people that the journal tells of",
     "de-238 no. 2: through third persons; SAM"),
)  # fmt: skip
INDICATORS = (
    *(Indicator(i, title, "acts", f"number of {what}, since the statute's commencement; what only the journal tells is shown apart; unknown if it is 0 and no source could show one", source, _acts(kind))
      for i, title, kind, what, source in _KINDS),
    Indicator("access_max_24h", "Access to accounts in the fullest 24 hours", "acts",
              "largest number of login alerts, reset codes and linked devices in any [t, t + 24 hours)", "own choice", _access_24h),
)  # fmt: skip
