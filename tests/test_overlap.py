"""One call in sources whose clocks differ: a slow twin, what must hold whatever the rows are, and what one source lacks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.resolve import Resolved, resolve
from pipelines.resolve.overlap import RING_S, Clock, disagreements
from pipelines.store import StoreTables
from tests.stored import CASE, K1, Store, column, parse, sid

PHONE, OPERATOR = Clock(0, "ringing"), Clock(30, "answer")
K, OTHER = "+77010000002", "+77010000003"
CLOCKS = {"a": PHONE, "b": OPERATOR, "c": Clock(45, "ringing"), "d": PHONE}


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the name of the reader of a source say its clock."""
    monkeypatch.setattr("pipelines.resolve.clock_of", lambda module: CLOCKS.get(module, Clock()))


class Calls(Store):
    """A store of calls whose sources have the clocks above."""

    def source(self, name: str, *args: Any, **more: Any) -> str:
        made = super().source(name, *args, **more)
        self._rows["sources"][-1]["reader"] = name
        return made

    def call(self, source: str, second: int, who: str | None = K, *, way: str = "in", answered: bool | None = False,
             duration: int | None = None, **more: Any) -> str:  # fmt: skip
        how = {"a": "device", "b": "operator", "c": "lab", "d": "device"}[source]
        row: dict[str, Any] = {"ts_precision": "s", "how": how, **more}
        return self.event(
            1_760_000_000_000_000 + second * 1_000_000, who, source=source, channel="phone", kind="call", direction=way,
            answered=answered, duration_s=duration, **row,
        )  # fmt: skip


def kept(resolved: Resolved) -> dict[str, str]:
    return {i: d or i for i, d in column(resolved, "duplicate_of").items()}


def groups(found: dict[str, str]) -> list[set[str]]:
    made: dict[str, set[str]] = {}
    for row, root in found.items():
        made.setdefault(root, set()).add(row)
    return sorted(made.values(), key=sorted)


@pytest.mark.parametrize(("apart", "one"), [(0, True), (30 + RING_S, True), (-30 - RING_S, True), (31 + RING_S, False)])
def test_the_reach_of_a_pair(apart: int, one: bool) -> None:
    s = Calls()
    first, second = s.call("a", 1000), s.call("b", 1000 + apart)
    found = kept(s.resolve())
    assert (found[second] == first) == one
    assert found[first] == first


def test_phones_among_themselves_are_matched_exactly_or_not_at_all() -> None:
    s = Calls()
    first, second = s.call("a", 1000), s.call("d", 1001)
    assert kept(s.resolve()) == {first: first, second: second}


@pytest.mark.parametrize(
    "more",
    [{"who": OTHER}, {"way": "out"}, {"who": None}, {"answered": True}, {"duration": 99, "answered": None}],
)  # fmt: skip
def test_records_that_contradict_each_other_are_two_events(more: dict[str, Any]) -> None:
    s = Calls()
    first = s.call("a", 1000, duration=60)
    second = s.call("b", 1005, **more)
    assert kept(s.resolve()) == {first: first, second: second}


def test_durations_agree_up_to_their_rounding() -> None:
    s = Calls()
    first, second = s.call("a", 1000, answered=True, duration=60), s.call("b", 1005, answered=None, duration=62)
    assert kept(s.resolve())[second] == first


def test_one_event_with_three_witnesses() -> None:
    s = Calls()
    phone, lab = s.call("a", 1000), s.call("c", 1000)
    operator = s.call("b", 1060)
    resolved = s.resolve()
    assert kept(resolved) == dict.fromkeys([phone, lab, operator], phone)
    rows = resolved.witnesses.sort_by("witness_id").to_pylist()
    assert [(r["witness_id"], r["difference_us"]) for r in rows] == [(operator, 60_000_000), (lab, 0)]


def test_the_nearest_goes_first_and_each_record_once() -> None:
    s = Calls()
    early, late = s.call("a", 1000), s.call("a", 1060)
    first, second = s.call("b", 1055), s.call("b", 1002)
    found = kept(s.resolve())
    assert found[first] == late
    assert found[second] == early
    third = s.call("b", 1058)
    found = kept(s.resolve())
    assert found[third] == late
    assert found[first] == first or found[first] == early


calls = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.integers(0, 400), st.sampled_from([K, OTHER]), st.sampled_from(["in", "out"]),
        st.sampled_from([None, True, False]), st.sampled_from([None, 5, 60]),
    ), max_size=14,
)  # fmt: skip


def twin(rows: list[tuple[Any, ...]], ids: list[str], exact: dict[str, str]) -> list[set[str]]:
    """Join the nearest pair of records of different sources, then the next, as long as no event has two of one source."""
    place = {i: k for k, i in enumerate(ids)}
    events = {i: {j for j in ids if exact[j] == i} for i in ids if exact[i] == i}
    owner = {i: i for i in events}
    pairs = []
    for one in events:
        for two in events:
            a, b = rows[place[one]], rows[place[two]]
            if (a[0], place[one]) >= (b[0], place[two]) or a[0] == b[0] or a[2:4] != b[2:4]:
                continue
            ca, cb = CLOCKS[a[0]], CLOCKS[b[0]]
            reach = ca.clock_s + cb.clock_s
            if not reach:
                continue
            reach += RING_S if ca.call_start != cb.call_start else 0
            if abs(a[1] - b[1]) > reach or (None not in (a[4], b[4]) and a[4] != b[4]):
                continue
            if None not in (a[5], b[5]) and abs(a[5] - b[5]) > 2:
                continue
            pairs.append((abs(a[1] - b[1]), one, two))
    order = {i: k for k, i in enumerate(sorted(ids, key=lambda i: (i.partition("#")[0], int(i.partition("#")[2]))))}

    def rank(pair: tuple[int, str, str]) -> tuple[int, ...]:
        # the record that comes first in time goes first; at equal times that of the smaller source
        sides = sorted(pair[1:], key=lambda i: (rows[place[i]][1], order[i]))
        return (pair[0], *(order[i] for i in sides))

    for _, one, two in sorted(pairs, key=rank):
        left, right = owner[one], owner[two]
        if left == right or {i.partition("#")[0] for i in events[left]} & {i.partition("#")[0] for i in events[right]}:
            continue
        events[left] |= events.pop(right)
        for i in owner:
            if owner[i] == right:
                owner[i] = left
    return sorted(events.values(), key=sorted)


@settings(max_examples=300, deadline=None)
@given(calls)
def test_it_agrees_with_a_slow_twin(rows: list[tuple[Any, ...]]) -> None:
    s = Calls()
    ids = [s.call(r[0], r[1], r[2], way=r[3], answered=r[4], duration=r[5]) for r in rows]
    found = kept(s.resolve())
    exact = kept(_exact(s))
    assert groups(found) == twin(rows, ids, exact)
    # at most one record of a source stands for an event, and the kept one is that of the smallest source
    for group in groups(found):
        names = [i.partition("#")[0] for i in group]
        assert len(names) == len(set(names))
        assert {found[i] for i in group} == {min(group)}


def _exact(s: Calls) -> Resolved:
    known = dict(CLOCKS)
    CLOCKS.clear()
    try:
        return s.resolve()
    finally:
        CLOCKS.update(known)


@settings(max_examples=60, deadline=None)
@given(calls, st.randoms(use_true_random=False))
def test_the_order_of_the_store_does_not_matter(rows: list[tuple[Any, ...]], shuffle: random.Random) -> None:
    s = Calls()
    for r in rows:
        s.call(r[0], r[1], r[2], way=r[3], answered=r[4], duration=r[5])
    tables = s.tables()
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    mixed = StoreTables(**{
        name: getattr(tables, name).take(order) if name == "events" and rows else getattr(tables, name)
        for name in StoreTables.__slots__
    })  # fmt: skip
    case = parse(CASE + K1)
    assert resolve(tables, case).tables.events.equals(resolve(mixed, case).tables.events)


# -- what one has and the other has not


def covered(s: Calls, *sources: str) -> None:
    for name in sources:
        s.covers(name, "2025-10-09T00:00:00", "2025-10-20T00:00:00", zone_basis="utc", channel="phone", classes="call")


def compared(s: Calls, moment: int = 2**62) -> list[dict[str, Any]]:
    resolved = s.resolve()
    known = {sid(n): c for n, c in CLOCKS.items()}
    return disagreements(resolved.tables.events, resolved.tables.coverage, known, moment)


def shared(s: Calls, number: int, step: int = 3600, **more: Any) -> None:
    for k in range(number):
        s.call("a", k * step, **more)
        s.call("b", k * step + 40, **more)


def test_a_call_that_the_phone_lacks_is_said() -> None:
    s = Calls()
    shared(s, 5)
    gone = s.call("b", 9999)
    covered(s, "a", "b")
    (found,) = compared(s)
    assert (found["channel"], found["kind"], found["a"], found["b"], found["both"]) == (
        "phone",
        "call",
        sid("a"),
        sid("b"),
        5,
    )
    assert (found["only_a"], found["only_b"]) == ([], [gone])


def test_no_finding_where_a_source_never_writes_such_calls() -> None:
    s = Calls()
    for k in range(4):  # the operator's list holds charged calls only
        s.call("a", k * 3600, way="out", answered=True)
        s.call("b", k * 3600 + 40, way="out", answered=True)
    for k in range(9):
        s.call("a", 500 + k * 3600, answered=False)
    covered(s, "a", "b")
    (found,) = compared(s)
    assert (found["both"], found["only_a"], found["only_b"]) == (4, [], [])


def test_two_phones_of_the_owner_are_no_witnesses_of_each_other() -> None:
    s = Calls()
    for k in range(20):
        s.call("a", k * 3600)
        s.call("b", k * 3600 + 1800)
    s.call("b", 40)
    covered(s, "a", "b")
    assert compared(s) == []


def test_other_lines_other_times_and_the_scoring_moment() -> None:
    s = Calls()
    shared(s, 4, owner_line="+77010000001")
    s.call("b", 9999, owner_line="+77010000001")
    covered(s, "a", "b")
    assert compared(s)[0]["only_b"]
    assert compared(s, 1_760_000_000_000_000 + 9_000_000_000)[0]["only_b"] == []
    other = Calls()
    for k in range(4):
        other.call("a", k * 3600, owner_line="+77010000001")
        other.call("b", k * 3600 + 40, owner_line="+77010000009")
    covered(other, "a", "b")
    assert compared(other) == []
    apart = Calls()
    shared(apart, 4)
    apart.covers("a", "2025-10-09T00:00:00", "2025-10-20T00:00:00", zone_basis="utc", channel="phone", classes="call")
    assert compared(apart) == []
