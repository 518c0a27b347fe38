"""Bursts of codes that nobody asked for, against an obvious walk through the messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detector.code_bursts import code_bursts
from detector.parameters import PARAMETERS
from tests.build import CaseBuilder

NUMBERS = {name: p.value for name, p in PARAMETERS.items()}
NIGHT = datetime(2025, 11, 18, 3)
SENDERS = ("alpha:Bank", "alpha:Taxi", "alpha:Shop", "short:7111", "alpha:Mail", "alpha:Games")


def found(case: CaseBuilder) -> list[list[str]]:
    tables = case.tables()
    names = tables.events["event_id"].to_pylist()
    return [[names[r] for r in rows] for rows in code_bursts(tables, case.as_of, NUMBERS)]


def send(case: CaseBuilder, sender: str, at: datetime, **more: Any) -> str:
    return case.message(f"u-{sender}", at, identifier=sender, **more)


def test_five_services_within_an_hour_are_a_burst() -> None:
    case = CaseBuilder()
    ids = [send(case, s, NIGHT + timedelta(minutes=12 * k)) for k, s in enumerate(SENDERS[:5])]
    assert found(case) == [ids]


def test_the_hour_is_half_open() -> None:
    case = CaseBuilder()
    for k, sender in enumerate(SENDERS[:5]):
        send(case, sender, NIGHT + timedelta(minutes=15 * k))
    assert found(case) == []


def test_one_service_that_sends_often_is_none() -> None:
    case = CaseBuilder()
    for k in range(9):
        send(case, SENDERS[k % 4], NIGHT + timedelta(minutes=k))
    assert found(case) == []


def test_people_outgoing_rows_and_witnesses_do_not_count() -> None:
    case = CaseBuilder()
    ids = [send(case, s, NIGHT + timedelta(minutes=k)) for k, s in enumerate(SENDERS[:4])]
    case.message("K1", NIGHT + timedelta(minutes=5))
    send(case, SENDERS[4], NIGHT + timedelta(minutes=6), out=True)
    send(case, SENDERS[5], NIGHT + timedelta(minutes=7), duplicate_of=ids[0], source="b")
    assert found(case) == []


def test_no_events_no_burst() -> None:
    assert found(CaseBuilder()) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(SENDERS), st.sampled_from([0, 1, 600, 900, 3599, 3600, 7200]), st.sampled_from("ab")),
        max_size=40,
    )
)
def test_bursts_are_those_of_a_walk(steps: list[tuple[str, int, str]]) -> None:
    case = CaseBuilder(as_of="2030-01-01")
    at, rows = NIGHT, []
    for sender, step, source in steps:
        at += timedelta(seconds=step)
        rows.append((at, f"{source:0<12}", len(rows), sender, send(case, sender, at, source=source)))
    rows.sort()
    expected, i = [], 0
    while i < len(rows):
        inside = [r for r in rows[i:] if r[0] < rows[i][0] + timedelta(hours=1)]
        if len({r[3] for r in inside}) >= 5:
            expected.append([r[4] for r in inside])
            i += len(inside)
        else:
            i += 1
    assert found(case) == expected
