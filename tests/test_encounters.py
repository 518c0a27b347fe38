"""Encounters by tracks: the search against all pairs, the acts against the twin, what was on file as of earlier moments, and the chance levels."""

from __future__ import annotations

import dataclasses
import itertools
import math
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import detector.encounters as encounters_module
from detector.arrays import haversine_m
from detector.conduct import repeated
from detector.course import take
from detector.encounters import EVER, Index, Near, Points, asked, near_blocks, partners, slices_of
from detector.first import _scan
from detector.shuffled import level_permille
from detector.state import State
from tests.agree import VALID_FROM, differences
from tests.build import CaseBuilder
from tests.measuring import shown, state_of

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
METRE = 1 / 111_194.93  # degrees of latitude
NEAR = Near(100, 300_000_000)


def points(rows: list[tuple[int, int, float, float]]) -> Points:
    """Rows (seconds, length in seconds, lat, lon) as a track."""
    ts = np.array([r[0] for r in rows], np.int64) * 1_000_000
    end = ts + np.array([r[1] for r in rows], np.int64) * 1_000_000
    lat, lon = (np.array([r[k] for r in rows], np.float64) for k in (2, 3))
    none = np.zeros(len(rows), np.int64)
    return Points(np.arange(len(rows)), ts, end, none, lat, lon, none.astype(np.float64))


def all_pairs(a: Points, b: Points, shift: int = 0, first: int = -EVER, last: int = EVER) -> list[list[int]]:
    """For every row of a the rows of b that are near, by looking at all pairs."""
    out = []
    for i in range(len(a)):
        apart = np.maximum(b.ts - (a.end[i] + shift), (a.ts[i] + shift) - b.end)
        there = (b.ts >= first) & (b.ts <= last) & (apart <= NEAR.time)
        out.append(np.flatnonzero(there & (haversine_m(a.lat[i], a.lon[i], b.lat, b.lon) <= NEAR.metres)).tolist())
    return out


CORNERS = st.sampled_from([(43.0, 76.0), (0.0, 179.9999), (0.0, -179.9999), (89.9999, 10.0), (-90.0, 0.0), (60.0, 0.0)])


@st.composite
def rows(draw: st.DrawFn, most: int = 60) -> list[tuple[int, int, float, float]]:
    where = draw(st.lists(CORNERS, min_size=1, max_size=2))
    out = []
    for _ in range(draw(st.integers(0, most))):
        lat, lon = draw(st.sampled_from(where))
        north = draw(st.sampled_from([0, 40, 99.4, 100.4, 100.6, 180, 900]))
        wide = draw(st.sampled_from([0, 0, 90, 250])) * METRE / max(math.cos(math.radians(lat)), 1e-4)
        lon = (lon + wide + 180) % 360 - 180
        out.append((draw(st.integers(0, 3000)), draw(st.sampled_from([0, 0, 0, 1, 200, 2000, 90_000])), max(-90.0, min(90.0, lat - north * METRE)), lon))  # fmt: skip
    return out


@quick
@given(rows(), rows())
def test_the_search_finds_what_all_pairs_show(a: list[Any], b: list[Any]) -> None:
    p, q = points(sorted(a)), points(b)
    expected = all_pairs(p, q)
    index = Index(q, NEAR)
    whole = asked(p, np.arange(len(p)))
    assert index.any_near(whole).tolist() == [bool(x) for x in expected]
    found: list[list[int]] = [[] for _ in expected]
    for i, o in index.pairs(whole):
        for x, y in zip(i.tolist(), o.tolist(), strict=True):
            found[x].append(y)
    assert [sorted(x) for x in found] == expected
    at = np.array([i for i, x in enumerate(expected) if x], np.int64)
    earliest = [max(int(p.ts[i]), min(int(q.ts[o]) for o in expected[i])) for i in at.tolist()]
    assert index.known_from(asked(p, at)).tolist() == earliest


@quick
@given(rows(), rows(), st.sampled_from([0, -500, 1000]), st.integers(0, 2000), st.integers(0, 3000))
def test_blocks_that_are_moved_and_bounded(a: list[Any], b: list[Any], shift: int, first: int, last: int) -> None:
    p, q = points(sorted(a)), points(b)
    begin, stop = slices_of(np.arange(len(p)))
    shift, first, last = shift * 1_000_000, first * 1_000_000, last * 1_000_000
    ask = [np.full(len(begin), v, np.int64) for v in (shift, first, last)]
    block, row = near_blocks(p, Index(q, NEAR), begin, stop, *ask)
    expected = [i for i, x in enumerate(all_pairs(p, q, shift, first, last)) if x]
    assert row.tolist() == expected
    assert [begin[k] <= i < stop[k] for k, i in zip(block.tolist(), row.tolist(), strict=True)] == [True] * len(row)


def test_the_answer_does_not_hang_on_how_much_is_measured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(115)

    def walk(n: int) -> list[tuple[int, int, float, float]]:
        lat, lon = 43 + np.cumsum(rng.normal(0, 25, n)) * METRE, 76 + np.cumsum(rng.normal(0, 25, n)) * METRE
        return [(int(t), 0, float(x), float(y)) for t, x, y in zip(np.arange(n) * 7, lat, lon, strict=True)]

    p, q = points(walk(1500)), points(walk(1500))
    expected = [bool(x) for x in all_pairs(p, q)]
    assert 0 < sum(expected) < len(expected)
    for most in (64, 1000, 1 << 20):
        monkeypatch.setattr(encounters_module, "_PAIRS", most)
        assert Index(q, NEAR).any_near(asked(p, np.arange(len(p)))).tolist() == expected


# acts ---------------------------------------------------------------------------------------------------------------

STEPS = st.sampled_from([0, 1, 60, 150, 299, 300, 301, 600, 1800, 1801, 3600, 86_400, 3 * 86_400])
NORTH = st.sampled_from([0, 0, 50, 99, 100, 101, 200, 400, 501, 700, 5000, 9000])
ACCURACY = st.sampled_from([None, 10.0, 50.0, 100.0, 101.0, 150.0, 201.0])
KINDS = st.sampled_from(["fix", "fix", "fix", "path", "visit", "check_in", "seen", "call", "out", "notice"])
Row = tuple[str, str, datetime, int, float | None, int]


@st.composite
def two_tracks(draw: st.DrawFn) -> tuple[list[Row], bool, datetime]:
    """Rows of two contacts and the owner that are near each other, or just not; calls, answers and notices in between."""
    out: list[Row] = []
    t = datetime(2025, 10, 6, 12)
    for _ in range(draw(st.integers(1, 14))):
        t += timedelta(seconds=draw(STEPS))
        for _ in range(draw(st.integers(1, 2))):
            who = draw(st.sampled_from(["K1", "K1", "K2", "owner", "owner"]))
            out.append((who, draw(KINDS), t, draw(NORTH), draw(ACCURACY), draw(st.sampled_from([0, 0, 60, 400, 4000]))))
    return out, draw(st.booleans()), t + timedelta(seconds=draw(st.sampled_from([0, 1, 60, 86_400])))


def built(lines: list[Row], places: bool, as_of: datetime) -> CaseBuilder:
    case = CaseBuilder(as_of=as_of)
    for contact in ("K1", "K2"):
        case.contact(contact)
    if places:
        case.place("home", lat=43.0 + 300 * METRE, lon=76.0, radius=100.0)
        case.place("work", "work", lat=43.0 + 9000 * METRE, lon=76.0, radius=40.0)
    for who, kind, at, north, accuracy, length in lines:
        lat = 43.0 + north * METRE
        end = at + timedelta(seconds=length) if kind in ("visit", "path") else None
        if who == "owner":
            kind = "fix" if kind in ("seen", "call", "out", "notice") else kind
            case.position(kind, None, at, subject="owner", lat=lat, lon=76.0, acc=accuracy, end=end, source="o")
        elif kind == "call":
            case.call(who, at)
        elif kind == "out":
            case.message(who, at, out=True)
        elif kind == "notice":
            case.notice(who, at)
        elif kind == "seen":
            case.seen(who, at, lat=lat, lon=76.0)
        else:
            case.position(kind, who, at, lat=lat, lon=76.0, acc=accuracy, end=end)
    return case


@settings(quick, max_examples=200)
@given(two_tracks())
def test_two_tracks_and_the_twin_agree(made: tuple[list[Row], bool, datetime]) -> None:
    case = built(*made)
    assert differences(case.tables(), case.as_of) == []


@settings(quick, max_examples=80)
@given(two_tracks())
def test_the_acts_on_file_as_of_a_moment_are_those_that_the_tables_of_that_moment_give(
    made: tuple[list[Row], bool, datetime],
) -> None:
    """The course keeps what was an act for a while, so that no earlier moment needs the tables again."""
    case = built(*made)
    tables = case.tables()
    whole = state_of(case).course
    whole = whole if whole.passing is None else whole.passing
    moments = sorted({*tables.events["ts"].to_pylist(), *tables.positions["ts"].to_pylist()})
    for t in [m for m in moments if m < case.as_of]:
        then = State([tables], state_of(case).num, VALID_FROM, [t + 1]).course
        live = (whole.since <= t) & (t < whole.until)
        assert np.flatnonzero(live).size == len(then.group)
        for name in ("group", "ts", "manner", "place", "moves", "kind"):
            assert getattr(whole, name)[live].tolist() == getattr(then, name).tolist(), name


@settings(quick, max_examples=60)
@given(two_tracks())
def test_first_moments_are_the_same_with_and_without_the_tables(made: tuple[list[Row], bool, datetime]) -> None:
    s = state_of(built(*made))

    def holds(t: State) -> Any:
        return repeated(t.course, t.unwanted_law_openers, t.sets.unwanted_law, t.num)

    for g in range(s.course.n_groups):
        assert _scan(s, g, holds) == _scan(s, g, holds, whole=True)


def walk_together(case: CaseBuilder, start: str, *, lag_s: int = 0, metres: int = 300, rows_n: int = 5) -> None:
    """Both walk north from 2 km north of the default place, the contact so many seconds behind."""
    at = datetime.fromisoformat(start)
    for k in range(rows_n):
        lat = 43.26 + k * metres * METRE
        case.position(
            "fix", None, at + timedelta(minutes=4 * k), subject="owner", lat=lat, lon=76.89, acc=10.0, source="o"
        )
        case.fix("K1", at + timedelta(minutes=4 * k, seconds=lag_s), lat, 76.89)


def test_a_walk_at_her_heels_is_one_encounter_that_moves() -> None:
    case = CaseBuilder()
    case.place("home")
    walk_together(case, "2025-10-06 18:00", lag_s=120)
    assert shown(case, "encounters").value == 1
    assert shown(case, "following").value == 1
    assert shown(case, "tracking_occasions").value == 1
    assert len(shown(case, "encounters").records) == 5


def test_a_walk_of_half_a_kilometre_does_not_move() -> None:
    # the third row is 500 m from the first: not further than 500
    case = CaseBuilder()
    walk_together(case, "2025-10-06 18:00", metres=250, rows_n=3)
    assert (
        shown(case, "encounters").value,
        shown(case, "following").value,
        shown(case, "tracking_occasions").value,
    ) == (1, 0, 0)


def test_partners_are_the_owners_nearest_rows() -> None:
    case = CaseBuilder()
    walk_together(case, "2025-10-06 18:00", lag_s=120, rows_n=3)
    case.position(
        "fix", None, "2025-10-06 18:01:00", subject="owner", lat=43.26 + 50 * METRE, lon=76.89, acc=10.0, source="o"
    )
    tables = case.tables()
    names = tables.positions["position_id"].to_pylist()
    s = state_of(case)
    tracks = s.course.tracks[0]
    assert tracks is not None
    mine = np.flatnonzero([n.startswith("p") for n in names])
    found = [names[r] for r in partners(tracks, mine, s.num).tolist()]
    assert found == ["o00000000000#1", "o00000000000#2", "o00000000000#3"]
    assert partners(tracks, np.flatnonzero([n.startswith("o") for n in names]), s.num).tolist() == [-1] * 4


def test_at_a_place_of_hers_nobody_is_met_on_the_way() -> None:
    case = CaseBuilder()
    case.place("home", lat=43.26, lon=76.89)
    for minute in (0, 10, 20):
        at = datetime(2025, 10, 6, 18, minute)
        case.fix("K1", at, 43.26, 76.89)
        case.position("fix", None, at, subject="owner", lat=43.26, lon=76.89, acc=10.0, source="o")
    assert (shown(case, "encounters").value, shown(case, "visits").value) == (0, 1)


# chance levels ------------------------------------------------------------------------------------------------------


def bus(case: CaseBuilder, contact_days: list[int], her_days: list[int], lat_of: dict[int, float]) -> None:
    """On each day both take ten minutes, the contact somewhere of its own each week, she where ``lat_of`` says."""
    for day in contact_days:
        for k in range(2):
            at = datetime(2025, 10, 6, 8) + timedelta(days=day, minutes=5 * k)
            case.fix("K1", at, lat_of[day], 76.0)
    for day in her_days:
        for k in range(2):
            at = datetime(2025, 10, 6, 8) + timedelta(days=day, minutes=5 * k, seconds=30)
            case.position("fix", None, at, subject="owner", lat=lat_of[day], lon=76.0, acc=10.0, source="o")


def test_whoever_is_always_on_the_same_bus_is_there_by_habit() -> None:
    days = [0, 7, 14, 21, 28]
    case = CaseBuilder()
    bus(case, days, days, dict.fromkeys(days, 43.0))
    assert shown(case, "encounters").value == 5
    assert shown(case, "encounter_chance_permille").value == 1000


def test_whoever_is_where_she_is_each_time_elsewhere_is_not() -> None:
    # five Mondays, five spots, always both: only the true order gives five, and of the 120 orders a draw hits it now and then
    days = [0, 7, 14, 21, 28]
    case = CaseBuilder()
    bus(case, days, days, {d: 43.0 + d / 10 for d in days})
    orders = [
        sorted(days, key=lambda d: sha256(f"{n}|K1|{(datetime(2025, 10, 6) + timedelta(days=d)).date()}".encode()).digest())
        for n in range(1, 1000)
    ]  # fmt: skip
    as_many = 1 + sum(order == days for order in orders)
    found = shown(case, "encounter_chance_permille")
    assert found.value == -(-1000 * as_many // 1000) == as_many < 30
    assert len(found.records) == 10


def test_without_an_encounter_or_with_too_few_weeks_it_is_unknown() -> None:
    days = [0, 7, 14]
    apart = CaseBuilder()
    bus(apart, days, [], dict.fromkeys(days, 43.0))
    bus(apart, [], days, dict.fromkeys(days, 44.0))
    assert shown(apart, "encounter_chance_permille").value is None
    short = CaseBuilder()
    bus(short, [0, 7], [0, 7], dict.fromkeys(days, 43.0))
    assert shown(short, "encounters").value == 2
    assert shown(short, "encounter_chance_permille").value is None


def test_weeks_further_back_take_no_part() -> None:
    days = [0, 7, 14, 21, 28]
    case = CaseBuilder()
    bus(case, days, days, dict.fromkeys(days, 43.0))
    assert shown(case, "encounter_chance_permille", chance_max_weeks=2).value is None
    assert shown(case, "encounter_chance_permille", chance_max_weeks=3).value == 1000


def test_the_chance_of_sharing_her_places() -> None:
    # at work both every Monday: a habit. At home only on the one Tuesday of three on which she is there, too
    case = CaseBuilder()
    case.place("work", "work", lat=43.0, lon=76.0)
    days = [0, 7, 14, 21]
    bus(case, days, days, dict.fromkeys(days, 43.0))
    assert shown(case, "shared_place_chance_permille").value == 1000
    assert len(shown(case, "shared_place_chance_permille").records) == 8
    lonely = CaseBuilder()
    lonely.place("work", "work", lat=43.0, lon=76.0)
    bus(lonely, days, [], dict.fromkeys(days, 43.0))
    bus(lonely, [], days, dict.fromkeys(days, 44.0))
    assert shown(lonely, "shared_place_chance_permille").value is None


def test_every_order_counts_what_its_pairs_of_days_show() -> None:
    """The level against every draw written out, on a matrix of counts."""
    rng = np.random.default_rng(7)
    days = np.array([20_000 + 7 * i + j for i, j in itertools.product(range(4), (0, 1, 3))])
    days.sort()
    count = rng.integers(0, 3, (12, 12))
    true, least = int(np.trace(count)), 0
    for draw in range(1, 200):
        total = 0
        for weekday in range(7):
            at = np.flatnonzero(days % 7 == weekday).tolist()
            order = sorted(at, key=lambda i: sha256(f"{draw}|K9|{np.datetime64(int(days[i]), 'D')}".encode()).digest())
            total += sum(int(count[c, s]) for c, s in zip(order, at, strict=True))
        least += total >= true
    assert level_permille(count, days, "K9", {"chance_draws": 199}) == (-(-1000 * (1 + least) // 200), true)


def test_every_column_of_the_course_is_taken_along() -> None:
    """Whoever adds a column of rows to the course must add it to what `take` takes."""
    case = CaseBuilder()
    for k in range(7):
        case.call("K1", datetime(2025, 10, 6 + k, 12))
    walk_together(case, "2025-10-20 18:00", rows_n=4)
    whole = state_of(case).course
    assert len(whole.group) == 8
    part = take(whole, np.array([0, 7]))
    for field in dataclasses.fields(whole):
        value = getattr(whole, field.name)
        if isinstance(value, np.ndarray) and len(value) == 8:
            np.testing.assert_array_equal(getattr(part, field.name), value[[0, 7]], field.name)
