"""Columns of Arrow tables as the arrays that the kernels want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.arrays import Bools, Ints


def coded(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, list[Any]]:
    """Return codes (−1 for null) and the distinct values of a text column."""
    if column.null_count == len(column):
        return np.full(len(column), -1, np.int64), []
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # an empty chunked array stays chunked
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    encoded = array.dictionary_encode()
    indices = encoded.indices.fill_null(-1) if encoded.null_count else encoded.indices
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def numbers(column: pa.ChunkedArray, null: int = 0) -> Ints:
    """Return an integer column as int64, nulls replaced."""
    return np.asarray(pc.fill_null(column, null).to_numpy(), np.int64) if len(column) else np.zeros(0, np.int64)


def floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a float column, nulls as NaN."""
    return np.asarray(column.to_numpy(), np.float64) if len(column) else np.zeros(0, np.float64)


def lookup(codes: Ints, values: list[Any], known: Sequence[str], default: int = -1) -> Ints:
    """Translate codes of a column into positions in a fixed list."""
    index = {v: i for i, v in enumerate(known)}
    table = np.array([index.get(v, default) for v in values] + [default], np.int64)
    return np.asarray(table[codes], np.int64)


def flags(codes: Ints, values: list[Any], wanted: Sequence[str]) -> Bools:
    """Mark the rows whose text is one of ``wanted``."""
    table = np.array([v in wanted for v in values] + [False], np.bool_)
    return np.asarray(table[codes], np.bool_)


def valid(column: pa.ChunkedArray) -> Bools:
    """Mark the rows that are not null."""
    return np.asarray(column.is_valid().to_numpy(), np.bool_) if len(column) else np.zeros(0, np.bool_)


def subs(ids: pa.ChunkedArray) -> Ints:
    """Return k of ids ``<source>#<n>.<k>``, 1 without."""
    if not len(ids):
        return np.zeros(0, np.int64)
    has = pc.match_substring(ids, ".")
    if not pc.any(has).as_py():
        return np.ones(len(ids), np.int64)
    part = pc.extract_regex(ids, r"\.(?P<k>\d+)$")
    k = pc.struct_field(part, "k")
    return np.asarray(pc.fill_null(pc.cast(k, pa.int64()), 1).to_numpy(), np.int64)
