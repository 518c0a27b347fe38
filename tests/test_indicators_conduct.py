"""Section 6 of ``docs/measures.md``: other conduct, by hand."""

from __future__ import annotations

import pytest

from tests.build import CaseBuilder
from tests.measuring import shown

KINDS = {
    "gifts": "gift", "deliveries": "delivery", "payments": "payment", "views": "view", "requests": "request", "mentions": "mention",
    "emails": "email", "account_access": "account_access", "third_party_acts": "third_party",
}  # fmt: skip


@pytest.mark.parametrize("indicator", KINDS)
def test_acts_of_a_kind(indicator: str) -> None:
    case = CaseBuilder(as_of="2026-06-01")
    for kind in KINDS.values():
        case.event(kind, "K1", "2025-09-10 12:00")  # before the law
    told = case.event(KINDS[indicator], "K1", "2025-10-06 12:00", how="journal", source="j")
    recorded = [case.event(KINDS[indicator], "K1", f"2025-10-0{day} 12:00") for day in (7, 8)]
    for kind in set(KINDS.values()) - {KINDS[indicator]}:
        case.event(kind, "K2", "2025-10-07 12:00")
    case.event(KINDS[indicator], "K1", "2025-10-09 12:00", out=True)
    case.event(KINDS[indicator], "K1", "2025-10-09 12:00", directed="no")
    found = shown(case, indicator)
    assert (found.value, found.records) == (3, [told, *recorded])
    assert found.parts == [{"how": "journal", "acts": 1}, {"how": "record", "acts": 2}]
    other = shown(case, indicator, contact="K2")
    assert (other.value, other.records, other.parts) == (0, [], [])


def test_the_fullest_day_of_alerts() -> None:
    case = CaseBuilder(as_of="2026-06-01")
    case.event("account_access", "K1", "2025-10-05 12:00")
    day = [
        case.event("account_access", "K1", at) for at in ("2025-10-06 12:00", "2025-10-06 20:00", "2025-10-07 11:59:59")
    ]
    case.message("K1", "2025-10-06 15:00")
    case.event("account_access", "K1", "2025-10-07 20:00")  # with the two before it as many, but later
    found = shown(case, "access_max_24h")
    assert (found.value, found.records) == (3, day)
    assert shown(case, "access_max_24h", law="2025-12-01").value is None, "no source could show one"
    case.coverage("2025-09-01", "2025-12-31", classes="account_access")
    assert shown(case, "access_max_24h", law="2025-12-01").value == 0
