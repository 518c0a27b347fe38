"""The same event in several sources: each event once, the others its witnesses (DESIGN.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detector.columns import coded

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matched:
    """For every row the row that is kept in its place (itself, if it is kept)."""

    kept: Ints


def match(
    keys: list[pa.ChunkedArray | pa.Array], ts: Ints, span_us: Ints, source: Ints, order: Ints, take: NDArray[np.bool_]
) -> Matched:
    """Match rows of different sources as multisets.

    Parameters
    ----------
    keys : list of Arrow columns
        What must be equal: channel, thread, kind, direction, identifier.
    ts : int64 array
        Moments, µs UTC.
    span_us : int64 array
        Span of each row's precision.
    source : int64 array
        Number of the source, in order of source ids.
    order : int64 array
        Order of the row within its source.
    take : bool array
        Rows that take part; the others stay as they are.

    Notes
    -----
    Rows of equal keys are first matched among sources of one precision, at equal moments: the k-th of one source with the k-th of the others,
    so that five messages within a minute of a minute-precise export stay five. What is left of each precision is then matched with the next
    coarser one, at equal moments of the coarser reading. The kept row is the most precise, then that of the smallest source id; nothing
    depends on the order of ingest.
    """
    n = len(ts)
    kept = np.arange(n)
    rows = np.flatnonzero(take)
    if len(np.unique(source[rows])) < 2:
        return Matched(kept)
    key = np.zeros(n, np.int64)
    for column in keys:
        codes, values = coded(column)
        key = key * (len(values) + 2) + codes + 1
        _, key = np.unique(key, return_inverse=True)
    # representatives found so far: one row for each event, the finest precision first
    found = np.zeros(0, np.int64)
    levels, level = np.unique(span_us[rows], return_inverse=True)
    writes = np.zeros((int(source[rows].max()) + 1, len(levels)), np.bool_)
    writes[source[rows], level] = True
    mixed = bool((writes.sum(axis=1) > 1).any())
    for span in levels.tolist():
        mine = rows[span_us[rows] == span]
        reps = _within(mine, key, ts, source, order, kept)
        if len(found):
            reps = _across(found, reps, key, ts, span, order, source, kept, rows if mixed else None)
        found = np.concatenate((found, reps))
    return Matched(_roots(kept))


def _rank(group: list[Ints]) -> Ints:
    """Return the rank (0, 1, ...) of each row within its group; rows must be sorted by the group."""
    size = len(group[0])
    new = np.ones(size, np.bool_)
    new[1:] = np.logical_or.reduce([g[1:] != g[:-1] for g in group])
    start = np.maximum.accumulate(np.where(new, np.arange(size), 0))
    return np.asarray(np.arange(size) - start, np.int64)


def _within(mine: Ints, key: Ints, ts: Ints, source: Ints, order: Ints, kept: Ints) -> Ints:
    """Match rows of one precision; return the kept ones."""
    at = mine[np.lexsort((order[mine], source[mine], ts[mine], key[mine]))]
    rank = _rank([key[at], ts[at], source[at]])
    again = np.lexsort((source[at], rank, ts[at], key[at]))
    at, rank = at[again], rank[again]
    new = np.ones(len(at), np.bool_)
    new[1:] = (key[at][1:] != key[at][:-1]) | (ts[at][1:] != ts[at][:-1]) | (rank[1:] != rank[:-1])
    head = at[np.maximum.accumulate(np.where(new, np.arange(len(at)), 0))]
    kept[at] = head
    return at[new]


def _across(
    fine: Ints, coarse: Ints, key: Ints, ts: Ints, span: int, order: Ints, source: Ints, kept: Ints, mixed: Ints | None
) -> Ints:
    """Match kept rows of finer precisions with those of a coarser one; return the coarse rows that stay.

    ``mixed`` holds all rows where a source writes in several precisions: then the witnesses of the two are looked at, too.
    """
    both = np.concatenate((fine, coarse))
    is_coarse = np.r_[np.zeros(len(fine), np.bool_), np.ones(len(coarse), np.bool_)]
    bucket = np.floor_divide(ts[both], span)
    sort = np.lexsort((order[both], source[both], ts[both], is_coarse, bucket, key[both]))
    both, is_coarse, bucket = both[sort], is_coarse[sort], bucket[sort]
    side = is_coarse.astype(np.int64)
    rank = _rank([key[both], bucket, side])
    again = np.lexsort((side, rank, bucket, key[both]))
    both, side, bucket, rank = both[again], side[again], bucket[again], rank[again]
    pair = np.zeros(len(both), np.bool_)
    pair[1:] = (
        (key[both][1:] == key[both][:-1])
        & (bucket[1:] == bucket[:-1])
        & (rank[1:] == rank[:-1])
        & (side[1:] == 1)
        & (side[:-1] == 0)
    )
    at = np.flatnonzero(pair)
    other = source[both[at]] != source[both[at - 1]]  # within one source nothing is a duplicate
    at = at[other]
    if mixed is not None:
        at = at[~_clash(both[at - 1], both[at], source, kept, mixed)]
    kept[both[at]] = both[at - 1]
    gone = np.zeros(len(kept), np.bool_)
    gone[both[at]] = True
    return coarse[~gone[coarse]]


def _clash(fine: Ints, coarse: Ints, source: Ints, kept: Ints, rows: Ints) -> NDArray[np.bool_]:
    """Mark the pairs whose events, with their witnesses, have a source in common."""
    joined = kept.copy()
    joined[coarse] = fine
    root = _roots(joined)
    pair = root[rows] * (int(source[rows].max()) + 1) + source[rows]
    values, counts = np.unique(pair, return_counts=True)
    return np.isin(root[fine], values[counts > 1] // (int(source[rows].max()) + 1))


def _roots(kept: Ints) -> Ints:
    while True:
        up = kept[kept]
        if np.array_equal(up, kept):
            return kept
        kept = up
