"""Every kernel of ``detector/arrays.py`` against a loop in Python that says the same thing slowly."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import arrays
from detector.columns import coded, flags, floats, lookup, numbers, subs, valid
from detector.course import _by_keys
from detector.records import RecordIds, unfold
from tests.build import CaseBuilder

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
GROUPS = 4


def ints(values: list[int]) -> arrays.Ints:
    return np.array(values, np.int64)


def bools(values: list[bool]) -> arrays.Bools:
    return np.array(values, np.bool_)


#: rows of some groups (not every group has one): group, value, mask; small values, so that ties are many
ROWS = st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(-5, 5), st.booleans()), max_size=25).map(
    lambda rows: sorted(rows, key=lambda r: r[0])
)


def split(rows: list[tuple[int, int, bool]]) -> tuple[arrays.Ints, arrays.Ints, arrays.Bools]:
    return ints([r[0] for r in rows]), ints([r[1] for r in rows]), bools([r[2] for r in rows])


def of(rows: list[tuple[int, int, bool]], group: int, masked: bool = True) -> list[int]:
    return [v for g, v, m in rows if g == group and (m or not masked)]


@given(ROWS)
def test_sums_and_ends_of_groups(rows: list[tuple[int, int, bool]]) -> None:
    group, value, mask = split(rows)
    for masked in (True, False):
        m = mask if masked else None
        each = [of(rows, g, masked) for g in range(GROUPS)]
        assert arrays.count(group, GROUPS, m).tolist() == [len(v) for v in each]
        assert arrays.total(group, GROUPS, value, m).tolist() == [sum(v) for v in each]
        assert arrays.first_value(group, GROUPS, value, m, -99).tolist() == [v[0] if v else -99 for v in each]
        assert arrays.last_value(group, GROUPS, value, m, 99).tolist() == [v[-1] if v else 99 for v in each]
    everything = [of(rows, g, False) for g in range(GROUPS)]
    assert arrays.largest(group, GROUPS, value, -7).tolist() == [max(v) if v else -7 for v in everything]
    assert arrays.span(group, GROUPS, value, mask).tolist() == [
        v[-1] - v[0] if v else 0 for v in (of(rows, g) for g in range(GROUPS))
    ]


def test_sums_are_exact_beyond_what_a_float_holds() -> None:
    values = ints([2**60 + 1, 1, 3])
    assert arrays.total(ints([0, 0, 1]), 2, values).tolist() == [2**60 + 2, 3]


@given(ROWS)
def test_first_of_each_value_whatever_the_order(rows: list[tuple[int, int, bool]]) -> None:
    group, value, mask = split(rows)
    seen: set[tuple[int, int]] = set()
    wanted = []
    for g, v, m in rows:
        wanted.append(m and (g, v) not in seen)
        if m:
            seen.add((g, v))
    assert arrays.first_of(group, value, mask).tolist() == wanted
    assert arrays.distinct(group, GROUPS, value, mask).tolist() == [len(set(of(rows, g))) for g in range(GROUPS)]


@given(ROWS)
def test_first_of_sorted_values(rows: list[tuple[int, int, bool]]) -> None:
    """Days in order take another way through the code."""
    rows = sorted(rows)
    group, value, mask = split(rows)
    assert arrays.distinct(group, GROUPS, value, mask).tolist() == [len(set(of(rows, g))) for g in range(GROUPS)]


@given(ROWS)
def test_running_sums(rows: list[tuple[int, int, bool]]) -> None:
    group, value, mask = split(rows)
    for given_, numbers_ in ((value, value.tolist()), (mask, mask.astype(int).tolist())):
        sums: dict[int, int] = {}
        wanted = []
        for g, v in zip(group.tolist(), numbers_, strict=True):
            sums[g] = sums.get(g, 0) + v
            wanted.append(sums[g])
        assert arrays.running(group, given_).tolist() == wanted


@given(ROWS)
def test_marked_rows_before_and_after(rows: list[tuple[int, int, bool]]) -> None:
    group, _, mask = split(rows)
    before = [max((j for j in range(i + 1) if mask[j] and group[j] == group[i]), default=-1) for i in range(len(rows))]
    after = [
        min((j for j in range(i + 1, len(rows)) if mask[j] and group[j] == group[i]), default=-1)
        for i in range(len(rows))
    ]
    assert arrays.last_index(group, mask).tolist() == before
    assert arrays.next_index(group, mask).tolist() == after


# Occasions ------------------------------------------------------------------------------------------------------------


def slow_openers(group: list[int], ts: list[int], window: int) -> list[bool]:
    """Take the acts in order; an act later than the opening one by more than the window opens the next occasion."""
    out, current, opened = [], None, 0
    for g, t in zip(group, ts, strict=True):
        opens = g != current or t > opened + window
        if opens:
            current, opened = g, t
        out.append(opens)
    return out


def agree(group: list[int], ts: list[int], window: int) -> int:
    got = arrays.openers(ints(group), ints(ts), window).tolist()
    assert got == slow_openers(group, ts, window)
    return sum(got)


#: pauses that lie at, just under and just over the window, and ties
PAUSES = st.sampled_from([0, 0, 1, HOUR // 3, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 2 * HOUR, 90 * DAY])


@settings(max_examples=300)
@given(st.lists(st.lists(PAUSES, max_size=40), max_size=4), st.integers(-(2**50), 2**50))
def test_openers_at_the_edges_of_the_window(groups: list[list[int]], start: int) -> None:
    group, ts = [], []
    for g, pauses in enumerate(groups):
        at = start
        for pause in pauses:
            at += pause
            group.append(g)
            ts.append(at)
    agree(group, ts, HOUR)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 40), max_size=14), st.integers(1, 12))
def test_the_number_of_occasions_is_the_largest_set_further_apart_than_the_window(
    times: list[int], window: int
) -> None:
    """DESIGN section 7: what the count means, by trying every subset."""
    ordered = sorted(times)
    best = [0] * (len(ordered) + 1)  # best[i]: the largest such set among the first i acts
    for i, t in enumerate(ordered, start=1):
        with_it = 1 + max(best[j] for j in range(i) if j == 0 or t - ordered[j - 1] > window)
        best[i] = max(best[i - 1], with_it)
    assert agree([0] * len(ordered), ordered, window) == best[-1]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=14), st.integers(0, 40), st.integers(1, 12))
def test_another_act_never_lowers_the_number(times: list[int], more: int, window: int) -> None:
    assert agree([0] * (len(times) + 1), sorted([*times, more]), window) >= agree(
        [0] * len(times), sorted(times), window
    )


@pytest.mark.parametrize("length", [47, 48, 49, 50, 97, 100, 1000, 10_000])
@pytest.mark.parametrize("pause", [HOUR // 2, HOUR // 2 + 1, 50 * MINUTE, HOUR // 7])
def test_long_chains_run_through_pointer_doubling(length: int, pause: int) -> None:
    """Rings at fifty minutes: no pause is longer than the window, so the chain runs through the whole array."""
    occasions = agree([0] * length, [k * pause for k in range(length)], HOUR)
    assert occasions == -(-length // (HOUR // pause + 1))


def test_a_long_chain_costs_few_passes() -> None:
    """A hundred thousand rings at forty minutes: followed one by one they would take a hundred thousand passes over the array."""
    n = 100_000
    started = time.process_time()
    assert int(arrays.openers(np.zeros(n, np.int64), np.arange(n) * 40 * MINUTE, HOUR).sum()) == n // 2
    assert time.process_time() - started < 2


def test_long_chains_of_many_groups_beside_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(7)
    group: list[int] = []
    ts: list[int] = []
    for g in range(60):
        size = int(dice.integers(0, 200)) if g % 3 else 0
        pauses = dice.choice(
            [0, 1, 20 * MINUTE, 30 * MINUTE, HOUR, HOUR + 1, 3 * HOUR], size, p=[0.1, 0.1, 0.3, 0.3, 0.1, 0.05, 0.05]
        )
        group += [g] * size
        ts += (int(dice.integers(-DAY, DAY)) + np.cumsum(pauses)).tolist()
    whole = arrays.openers(ints(group), ints(ts), HOUR).tolist()
    assert whole == slow_openers(group, ts, HOUR)
    # pointer doubling alone finds the same
    monkeypatch.setattr(arrays, "_LOCKSTEP_ROUNDS", 0)
    assert arrays.openers(ints(group), ints(ts), HOUR).tolist() == whole
    monkeypatch.setattr(arrays, "_LOCKSTEP_ROUNDS", 1)
    assert arrays.openers(ints(group), ints(ts), HOUR).tolist() == whole


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(0, 30), st.booleans()), max_size=40), st.integers(1, 12)
)
def test_occasions_under_a_mask(rows: list[tuple[int, int, bool]], window: int) -> None:
    rows = sorted(rows, key=lambda r: (r[0], r[1]))
    group, ts, mask = split(rows)
    chosen = [(g, t, i) for i, (g, t, m) in enumerate(rows) if m]
    opens = slow_openers([c[0] for c in chosen], [c[1] for c in chosen], window)
    wanted = {c[2] for c, o in zip(chosen, opens, strict=True) if o}
    assert set(np.flatnonzero(arrays.opener_rows(group, ts, mask, window)).tolist()) == wanted
    counts = [sum(1 for i in wanted if rows[i][0] == g) for g in range(GROUPS)]
    assert arrays.occasion_count(group, GROUPS, ts, mask, window).tolist() == counts


def test_groups_do_not_reach_into_each_other() -> None:
    """The next contact's acts lie at the same times, before, or just after: none of them joins an occasion of this one."""
    assert agree([0, 1, 2, 3], [0, 0, -DAY, -DAY + 1], HOUR) == 4
    assert agree([0, 0, 1, 1], [0, HOUR, HOUR + 1, 2 * HOUR + 2], HOUR) == 3


def test_nothing_gives_nothing() -> None:
    none, mask = ints([]), bools([])
    assert len(arrays.openers(none, none, HOUR)) == len(arrays.running(none, none)) == 0
    assert len(arrays.last_index(none, mask)) == len(arrays.next_index(none, mask)) == 0
    assert [a.tolist() for a in arrays.densest(none, 2, none, HOUR)] == [[0, 0], [-1, -1]]
    assert arrays.total(none, 2, none).tolist() == arrays.largest(none, 2, none).tolist() == [0, 0]
    assert len(arrays.first_of(none, none, mask)) == 0


# Densest windows and the clock behind them ------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(0, 30)), max_size=30), st.integers(1, 12))
def test_densest_window(rows: list[tuple[int, int]], window: int) -> None:
    rows.sort()
    group, ts = ints([r[0] for r in rows]), ints([r[1] for r in rows])
    best, at = arrays.densest(group, GROUPS, ts, window)
    for g in range(GROUPS):
        mine = [(i, t) for i, (h, t) in enumerate(rows) if h == g]
        inside = {i: sum(t <= u < t + window for j, u in mine if j >= i) for i, t in mine}
        top = max(inside.values(), default=0)
        assert best[g] == top
        assert at[g] == min((i for i, n in inside.items() if n == top), default=-1)
        # no window beginning anywhere holds more
        assert top == max((sum(t0 <= u < t0 + window for _, u in mine) for t0 in range(-1, 32)), default=0)


@given(st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(0, 30)), max_size=30), st.integers(1, 12))
def test_the_first_row_from_a_time_on(rows: list[tuple[int, int]], window: int) -> None:
    rows.sort()
    group, ts = ints([r[0] for r in rows]), ints([r[1] for r in rows])
    for i, j in enumerate(arrays.first_from(group, ts, window).tolist()):
        later = [k for k, (h, t) in enumerate(rows) if h == rows[i][0] and t >= rows[i][1] + window]
        end = max(k for k, (h, _) in enumerate(rows) if h == rows[i][0]) + 1
        assert j == min(later, default=end)


def test_a_window_is_half_open() -> None:
    best, at = arrays.densest(ints([0, 0, 0]), 1, ints([0, 1, 24 * HOUR]), 24 * HOUR)
    assert (best.tolist(), at.tolist()) == ([2], [0])
    best, at = arrays.densest(ints([0, 0, 0]), 1, ints([0, 1, 24 * HOUR - 1]), 24 * HOUR)
    assert (best.tolist(), at.tolist()) == ([3], [0])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=20), st.integers(1, 9))
def test_the_capped_clock_keeps_every_comparison_below_the_cap(rows: list[tuple[int, int]], cap: int) -> None:
    rows.sort()
    group, ts = ints([r[0] for r in rows]), ints([r[1] for r in rows])
    clock = arrays._capped(group, ts, cap)
    assert np.all(np.diff(clock) >= 0)
    for i in range(len(rows)):
        for j in range(i, len(rows)):
            true, seen = int(ts[j] - ts[i]), int(clock[j] - clock[i])
            if group[i] != group[j]:
                assert seen >= cap
            elif true < cap:
                assert seen == true
            else:
                assert cap <= seen <= true


def test_huge_gaps_and_many_groups_do_not_overflow() -> None:
    """A hundred thousand contacts at the two ends of the calendar: the differences alone add up to more than int64 holds."""
    groups = 100_000
    group = np.repeat(np.arange(groups), 2)
    ts = np.tile(ints([-(2**55), 2**55]), groups)
    assert int(ts[1] - ts[0]) * groups > 2**63
    assert arrays.openers(group, ts, HOUR).all()
    best, at = arrays.densest(group, groups, ts, 28 * DAY)
    assert best.tolist() == [1] * groups and at.tolist() == list(range(0, 2 * groups, 2))


def test_a_clock_that_would_overflow_says_so() -> None:
    with pytest.raises(OverflowError, match="fewer cases"):
        arrays.densest(np.arange(8), 8, np.arange(8), 2**61)
    assert arrays.densest(np.arange(3), 3, np.arange(3), 2**61)[0].tolist() == [1, 1, 1]


# Distances ------------------------------------------------------------------------------------------------------------


def slow_distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the angle between two directions, by vectors: exact where haversine is."""

    def vector(lat: float, lon: float) -> tuple[float, float, float]:
        a, b = math.radians(lat), math.radians(lon)
        return math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)

    u, v = vector(lat1, lon1), vector(lat2, lon2)
    cross = math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    return 6_371_008.8 * math.atan2(cross, sum(a * b for a, b in zip(u, v, strict=True)))


LAT, LON = st.floats(-90, 90), st.floats(-180, 180)


@settings(max_examples=200)
@given(LAT, LON, LAT, LON)
def test_distance_agrees_with_vectors(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    got = int(arrays.haversine_m(lat1, lon1, lat2, lon2))
    wanted = slow_distance(lat1, lon1, lat2, lon2)
    # near the antipode haversine loses digits; nothing that qorgan compares is half the earth away
    assert abs(got - wanted) <= (0.51 if wanted < 1e7 else 1.5)
    assert got == int(arrays.haversine_m(lat2, lon2, lat1, lon1))


def test_known_distances() -> None:
    assert int(arrays.haversine_m(0.0, 0.0, 0.0, 1.0)) == 111_195
    assert int(arrays.haversine_m(43.2389, 76.8897, 43.2389, 76.8897)) == 0
    assert int(arrays.haversine_m(0.0, 179.9999, 0.0, -179.9999)) == 22  # across the date line
    assert arrays.haversine_m(ints([90, -90]), ints([0, 0]), 0.0, 0.0).tolist() == [10_007_557, 10_007_557]


# Columns and lists of ids -----------------------------------------------------------------------------------------------

TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "ä", ""])), max_size=12)


def chunks(values: list[str | None], cut: int) -> Iterator[pa.ChunkedArray]:
    whole = pa.array(values, pa.string())
    yield pa.chunked_array([whole])
    yield pa.chunked_array([whole[:cut], whole[cut:]])
    yield pa.chunked_array([], pa.string()) if not values else pa.chunked_array([whole.slice(0)])


@given(TEXTS, st.integers(0, 12))
def test_columns_as_arrays(values: list[str | None], cut: int) -> None:
    for column in chunks(values, cut):
        codes, known = coded(column)
        assert [known[c] if c >= 0 else None for c in codes.tolist()] == values
        assert lookup(codes, known, ("b", "a")).tolist() == [{"b": 0, "a": 1}.get(v or "?", -1) for v in values]
        assert flags(codes, known, ("a", "")).tolist() == [v in ("a", "") for v in values]
        assert valid(column).tolist() == [v is not None for v in values]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62)), max_size=8))
def test_numbers_keep_every_digit(values: list[int | None]) -> None:
    assert numbers(pa.chunked_array([pa.array(values, pa.int64())]), 7).tolist() == [
        7 if v is None else v for v in values
    ]
    shown = floats(pa.chunked_array([pa.array([None if v is None else 0.5 for v in values], pa.float64())]))
    assert [math.isnan(v) for v in shown] == [v is None for v in values]


@given(st.lists(st.tuples(st.integers(1, 10**12), st.one_of(st.none(), st.integers(2, 40))), max_size=8))
def test_further_rows_of_a_record(ids: list[tuple[int, int | None]]) -> None:
    texts = [f"3f9a12bc04d1#{n}" + (f".{k}" if k else "") for n, k in ids]
    assert subs(pa.chunked_array([pa.array(texts, pa.string())])).tolist() == [k or 1 for _, k in ids]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abp"), st.booleans()), max_size=14), st.randoms(use_true_random=False))
def test_folded_ids_come_back(rows: list[tuple[str, bool]], dice: object) -> None:
    case = CaseBuilder()
    made = []
    for k, (source, same) in enumerate(rows):
        if source == "p":
            made.append(case.seen("K1", f"2025-10-06 10:{k:02d}", source="p", same_record=same))
        else:
            made.append(case.message("K1", f"2025-10-06 10:{k:02d}", source=source, same_record=same))
    tables = case.tables()
    wanted = tables.events["event_id"].to_pylist() + tables.positions["position_id"].to_pylist()
    assert sorted(wanted) == sorted(made)
    ids = RecordIds.of(tables)
    folded = ids.fold(np.arange(len(wanted)))
    assert unfold(folded) == wanted
    # a list in another order folds to that order
    order = list(range(len(wanted)))
    dice.shuffle(order)  # type: ignore[attr-defined]
    assert unfold(ids.fold(ints(order))) == [wanted[i] for i in order]
    # as short as it can be: no two neighbours that could stand in one range
    for a, b in itertools.pairwise(folded):
        (sa, _, ra), (sb, _, rb) = a.partition("#"), b.partition("#")
        ends_plain, begins_plain = "." not in ra, "." not in rb
        assert not (sa == sb and ends_plain and begins_plain and int(ra.split("-")[-1]) + 1 == int(rb.split("-")[0]))


# -- what indicators are made of --------------------------------------------------------------------------------------


@given(ROWS)
def test_bounds_and_peaks(rows: list[tuple[int, int, bool]]) -> None:
    group, value, _ = split(rows)
    bounds = arrays.bounds(group, GROUPS).tolist()
    assert [value.tolist()[a:b] for a, b in itertools.pairwise(bounds)] == [of(rows, g, False) for g in range(GROUPS)]
    value = value + 6  # a peak is one of positive numbers
    best, at = arrays.peak(group, GROUPS, value)
    for g in range(GROUPS):
        mine = [(v, -i) for i, (x, v) in enumerate(zip(group.tolist(), value.tolist(), strict=True)) if x == g]
        assert (int(best[g]), -int(at[g])) == (max(mine) if mine else (0, 1))


@given(ROWS, st.sampled_from([1, 2**40, 2**61, 2**61 + 1]), st.integers(0, 50))
def test_values_are_sorted_within_their_group(rows: list[tuple[int, int, bool]], scale: int, from_group: int) -> None:
    rows = [(g, v % 2, m) for g, v, m in rows] if scale > 2**40 else rows  # so wide that few groups fit into one number
    group, value, _ = split(rows)
    value = value * scale
    ordered = arrays.sorted_within(group + from_group, value).tolist()
    each = [sorted(v for x, v in zip(group.tolist(), value.tolist(), strict=True) if x == g) for g in range(GROUPS)]
    assert ordered == [v for one in each for v in one]
    if scale > 2**40:
        return  # twice such a number would not fit
    twice = arrays.twice_median(group, GROUPS, value).tolist()
    assert twice == [one[(len(one) - 1) // 2] + one[len(one) // 2] if one else 0 for one in each]


@given(st.lists(st.lists(st.integers(0, 9), max_size=8).map(sorted), min_size=1, max_size=4), st.integers(-1, 10))
def test_a_search_in_many_slices(slices: list[list[int]], wanted: int) -> None:
    values = ints([v for one in slices for v in one])
    stop = np.cumsum([len(one) for one in slices]).astype(np.int64)
    start = stop - ints([len(one) for one in slices])
    found = arrays.search_within(values, start, stop, np.full(len(slices), wanted)).tolist()
    expected = [s + sum(v < wanted for v in one) for s, one in zip(start.tolist(), slices, strict=True)]
    assert found == expected
    inside = arrays.marked(ints(found), stop, len(values)).tolist()
    assert inside == [v >= wanted for one in slices for v in one]


@given(st.lists(st.integers(-3, 3)), st.booleans())
def test_tally(keys: list[int], in_order: bool) -> None:
    keys = sorted(keys) if in_order else keys
    different, number = arrays.tally(ints(keys))
    assert dict(zip(different.tolist(), number.tolist(), strict=True)) == {k: keys.count(k) for k in sorted(set(keys))}
    assert different.tolist() == sorted(set(keys))


def test_permille_rounds_half_up() -> None:
    part, whole = ints([1, 1, 1, 2, 0, 3]), ints([3, 2000, 2001, 3, 0, 3])
    assert arrays.permille(part, whole).tolist() == [333, 1, 0, 667, 0, 1000]


def test_slices_one_after_the_other() -> None:
    assert arrays.positions_of(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert arrays.positions_of(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 12))
def test_stretches_hold_no_more_than_is_allowed(sizes: list[int], most: int) -> None:
    cut = arrays.bounded(np.array(sizes, np.int64), most)
    assert [k for i, j in cut for k in range(i, j)] == list(range(len(sizes)))
    assert all(sum(sizes[i:j]) <= most or j == i + 1 for i, j in cut)
    assert all(sum(sizes[i : j + 1]) > most for i, j in cut[:-1])


@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 4), max_size=40), st.sampled_from((0, 2**16 - 2, 2**40)), st.booleans()
)
def test_rows_in_order_of_group_and_keys(rows: list[tuple[int, ...]], from_group: int, in_order: bool) -> None:
    if in_order:  # by the keys alone, as resolved tables often stand
        rows = sorted(rows, key=lambda r: r[1:])
    keys = [ints([r[k] for r in rows]) for k in range(4)]
    expected = sorted(range(len(rows)), key=lambda i: rows[i])
    assert _by_keys(keys[0] + from_group, *keys[1:]).tolist() == expected
