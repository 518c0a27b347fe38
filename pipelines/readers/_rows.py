"""Rows gathered into columns and handed to the sink in chunks, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CHUNK_ROWS = 20_000


class RowBuffer:
    """Columns that fill row by row.

    Parameters
    ----------
    put : callable
        ``Sink.events`` or ``Sink.positions``.
    columns : tuple of str
        Names of the columns, in the order in which :meth:`add` gets their values.
    constants : mapping
        Columns that have one value in all rows.
    """

    def __init__(
        self, put: Callable[[int, Mapping[str, Any]], None], columns: tuple[str, ...], constants: Mapping[str, Any]
    ) -> None:
        self._put = put
        self._names = columns
        self._constants = constants
        self._rows: list[tuple[Any, ...]] = []

    def add(self, *values: Any) -> None:
        """Add one row."""
        self._rows.append(values)
        if len(self._rows) >= CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand over what is there."""
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        filled = {name: list(column) for name, column in zip(self._names, zip(*rows, strict=True), strict=True)}
        self._put(len(rows), {**filled, **self._constants})
