"""Duplicates against a slow twin that follows DESIGN.md section 5 row by row, and against what must hold whatever the rows are."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.resolve.duplicates import match

MS, SECOND, MINUTE = 1_000, 1_000_000, 60_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what must be equal (None is a value of its own), the moment, its precision, its source, its place in the source."""

    key: tuple[str | None, str | None]
    ts: int
    span: int
    source: int
    order: int


def run(rows: list[Row], take: list[bool] | None = None) -> list[int]:
    """Return for every row the row that is kept in its place."""

    def column(k: int) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array([r.key[k] for r in rows], pa.string())])

    kept: list[int] = match(
        [column(0), column(1)], np.array([r.ts for r in rows], np.int64), np.array([r.span for r in rows], np.int64),
        np.array([r.source for r in rows], np.int64), np.array([r.order for r in rows], np.int64),
        np.array(take if take is not None else [True] * len(rows), np.bool_),
    ).kept.tolist()  # fmt: skip
    return kept


def twin(rows: list[Row]) -> list[int]:
    """Match the k-th with the k-th: first at one precision and moment, then what is left with the next coarser precision."""
    kept = list(range(len(rows)))
    members: dict[int, set[int]] = {i: {rows[i].source} for i in kept}  # sources of an event, by its kept row
    finer: list[int] = []
    for span in sorted({r.span for r in rows}):
        mine: dict[tuple[object, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i in sorted((i for i, r in enumerate(rows) if r.span == span), key=lambda i: rows[i].order):
            mine[rows[i].key, rows[i].ts][rows[i].source].append(i)
        events = []
        for by_source in mine.values():
            for k in range(max(len(v) for v in by_source.values())):
                same = [by_source[s][k] for s in sorted(by_source) if k < len(by_source[s])]
                events.append(same[0])
                for i in same[1:]:
                    kept[i] = same[0]
                    members[same[0]] |= {rows[i].source}
        left = []

        def rank(i: int) -> tuple[int, int, int]:
            return rows[i].ts, rows[i].source, rows[i].order

        buckets: dict[tuple[object, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for side, candidates in ((0, finer), (1, events)):
            for i in sorted(candidates, key=rank):
                buckets[rows[i].key, rows[i].ts // span][side].append(i)
        for fine, coarse in buckets.values():
            for k, i in enumerate(coarse):
                if k < len(fine) and not members[fine[k]] & members[i]:
                    kept[i] = fine[k]
                    members[fine[k]] |= members[i]
                else:
                    left.append(i)
        finer += left
    for i in range(len(rows)):
        while kept[kept[i]] != kept[i]:
            kept[i] = kept[kept[i]]
    return kept


def rows_of(one_precision_each: bool) -> st.SearchStrategy[list[Row]]:
    """Make small cases in which nearly everything collides: three minutes, few seconds, four sources, two keys."""

    @st.composite
    def make(draw: st.DrawFn) -> list[Row]:
        spans = draw(st.lists(st.sampled_from([MS, SECOND, MINUTE]), min_size=4, max_size=4))
        made = []
        for order in range(draw(st.integers(0, 14))):
            source = draw(st.integers(0, 3))
            span = spans[source] if one_precision_each else draw(st.sampled_from([MS, SECOND, MINUTE]))
            exact = draw(st.sampled_from([0, MINUTE])) + draw(
                st.sampled_from([0, SECOND, 2 * SECOND + 5 * MS, 59 * SECOND])
            )
            key = (draw(st.sampled_from(["call", None])), draw(st.sampled_from(["+7", "+7", None])))
            made.append(Row(key, exact // span * span, span, source, order))
        return made

    return make()


@settings(max_examples=200, deadline=None)
@given(st.one_of(rows_of(True), rows_of(False)))
def test_agrees_with_the_twin(rows: list[Row]) -> None:
    assert run(rows) == twin(rows)


#: one source writes in two precisions; by way of the minute row of another source its two rows would become one
CHAIN = [
    Row(("m", None), 0, MS, 2, 0), Row(("m", None), 0, MINUTE, 2, 1), Row(("m", None), 0, MINUTE, 0, 0),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@example(CHAIN)
@given(st.one_of(rows_of(True), rows_of(False)))
def test_what_always_holds(rows: list[Row]) -> None:
    kept = run(rows)
    events = defaultdict(list)
    for i, k in enumerate(kept):
        assert kept[k] == k, "a witness of a witness"
        assert rows[i].key == rows[k].key
        events[k].append(i)
    for k, members in events.items():
        # never inside one source
        assert max(Counter(rows[i].source for i in members).values()) == 1
        # the most precise is kept, then the smallest source id
        finest = min(rows[i].span for i in members)
        assert rows[k].span == finest
        assert rows[k].source == min(rows[i].source for i in members if rows[i].span == finest)
        # within the formats' precision
        for i in members:
            assert rows[i].ts // max(rows[i].span, finest) == rows[k].ts // max(rows[i].span, finest)
    # no source loses an event: of every key and moment as many are kept as the source with most of them has
    for i, r in enumerate(rows):
        bucket = [j for j, x in enumerate(rows) if x.key == r.key and x.ts // MINUTE == r.ts // MINUTE]
        most = max(Counter(rows[j].source for j in bucket).values())
        assert len({kept[j] for j in bucket}) >= most
        assert i in bucket


@settings(max_examples=100, deadline=None)
@given(rows_of(True))
def test_equal_precision_is_a_union_of_multisets(rows: list[Row]) -> None:
    """Where all sources write in one precision the number of events is, for every key and moment, the largest of any source."""
    rows = [Row(r.key, r.ts // MINUTE * MINUTE, MINUTE, r.source, r.order) for r in rows]
    counts: dict[tuple[object, int], Counter[int]] = defaultdict(Counter)
    for r in rows:
        counts[r.key, r.ts][r.source] += 1
    assert len(set(run(rows))) == sum(max(c.values()) for c in counts.values())


@settings(max_examples=100, deadline=None)
@given(st.one_of(rows_of(True), rows_of(False)), st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(rows: list[Row], seed: int) -> None:
    plain = run(rows)
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    mixed = run([rows[i] for i in order])
    assert [order[mixed[order.index(i)]] for i in range(len(rows))] == plain


@settings(max_examples=100, deadline=None)
@given(rows_of(False), st.permutations(range(4)))
def test_the_number_of_events_does_not_depend_on_the_names_of_sources(rows: list[Row], names: list[int]) -> None:
    """Other ids (other bytes) may change which row is kept, and which of several equals; never that they are matched."""
    renamed = [Row(r.key, r.ts, r.span, names[r.source], r.order) for r in rows]
    if len({r.span for r in rows}) <= 1:
        assert len(set(run(renamed))) == len(set(run(rows)))
    spans = defaultdict(set)
    for r in rows:
        spans[r.source].add(r.span)
    if all(len(v) == 1 for v in spans.values()) and len(spans) == 2:
        assert len(set(run(renamed))) == len(set(run(rows)))


@settings(max_examples=60, deadline=None)
@given(rows_of(True), st.data())
def test_rows_that_take_no_part_stay(rows: list[Row], data: st.DataObject) -> None:
    take = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    kept = run(rows, take)
    inside = [i for i, t in enumerate(take) if t]
    alone = run([rows[i] for i in inside])
    assert [kept[i] for i in range(len(rows)) if not take[i]] == [i for i in range(len(rows)) if not take[i]]
    assert [kept[i] for i in inside] == [inside[k] for k in alone]


# Worked cases ---------------------------------------------------------------------------------------------------------

M = ("message", "+77010000002")


def test_five_messages_in_a_minute_are_five() -> None:
    rows = [Row(M, 0, MINUTE, 0, k) for k in range(5)]
    assert run(rows) == [0, 1, 2, 3, 4]


def test_five_and_five_in_a_second_export_are_five_each_with_its_witness() -> None:
    rows = [Row(M, 0, MINUTE, s, k) for s in (0, 1) for k in range(5)]
    assert run(rows) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


def test_three_and_five_are_five() -> None:
    rows = [Row(M, 0, MINUTE, 1, k) for k in range(5)] + [Row(M, 0, MINUTE, 0, k) for k in range(3)]
    kept = run(rows)
    assert kept == [5, 6, 7, 3, 4, 5, 6, 7]


def test_the_most_precise_is_kept_even_of_the_larger_source_id() -> None:
    rows = [Row(M, 0, MINUTE, 0, 0), Row(M, 15 * SECOND, SECOND, 1, 0), Row(M, 15 * SECOND + 250 * MS, MS, 2, 0)]
    assert run(rows) == [2, 2, 2]


def test_what_does_not_fit_the_precision_is_another_event() -> None:
    rows = [Row(M, 15 * SECOND, SECOND, 0, 0), Row(M, 16 * SECOND + 250 * MS, MS, 1, 0), Row(M, MINUTE, MINUTE, 2, 0)]
    assert run(rows) == [0, 1, 2]


def test_three_sources_are_one_event_in_any_order_of_ids() -> None:
    for spans in ((MS, SECOND, MINUTE), (MINUTE, SECOND, MS), (SECOND, MS, MINUTE), (MINUTE, MS, SECOND)):
        rows = [Row(M, (30 * SECOND + 400 * MS) // span * span, span, s, 0) for s, span in enumerate(spans)]
        assert set(run(rows)) == {spans.index(MS)}


def test_one_source_with_two_precisions_keeps_both_rows() -> None:
    assert run(CHAIN)[0] == 0
    assert len(set(run(CHAIN))) == 2


@pytest.mark.parametrize("other", [("call", M[1]), (M[0], "+77010000003"), (M[0], None), (None, M[1])])
def test_what_is_not_equal_is_not_matched(other: tuple[str | None, str | None]) -> None:
    assert run([Row(M, 0, SECOND, 0, 0), Row(other, 0, SECOND, 1, 0)]) == [0, 1]


def test_withheld_callers_of_two_backups_are_one_call_each() -> None:
    """No identifier is a value like another here: the same withheld call in two backups is one call, two calls stay two."""
    nobody = ("call", None)
    rows = [Row(nobody, 0, MS, 0, 0), Row(nobody, 5 * SECOND, MS, 0, 1), Row(nobody, 0, MS, 1, 0)]
    assert run(rows) == [0, 1, 0]


def test_moments_before_1970() -> None:
    rows = [Row(M, -30 * SECOND, SECOND, 0, 0), Row(M, -MINUTE, MINUTE, 1, 0), Row(M, 0, MINUTE, 2, 0)]
    assert run(rows) == [0, 0, 2]


def test_many_equal_rows_are_quick() -> None:
    """A hundred thousand rows of one key and one minute in two sources: no quadratic work."""
    n = 100_000
    one = pa.chunked_array([pa.array(["x"] * (2 * n))])
    source = np.repeat(np.array([0, 1], np.int64), n)
    order = np.tile(np.arange(n, dtype=np.int64), 2)
    kept = match([one], np.zeros(2 * n, np.int64), np.full(2 * n, MINUTE), source, order, np.ones(2 * n, np.bool_)).kept
    assert np.array_equal(kept, order)
