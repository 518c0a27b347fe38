"""Lists of record ids, folded: ``3f9a12bc04d1#12-40`` stands for neighbours of one source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detector.arrays import Ints
from detector.columns import coded, numbers, subs
from detector.model import CaseTables


@dataclass(frozen=True, slots=True)
class RecordIds:
    """Ids of the events and then the positions of one case, as numbers."""

    source: Ints
    source_names: tuple[str, ...]
    n: Ints
    sub: Ints
    _texts: NDArray[Any] = field(init=False, repr=False, compare=False)  # of single records, where they were asked for

    def __post_init__(self) -> None:
        object.__setattr__(self, "_texts", np.empty(len(self.n), object))

    @classmethod
    def of(cls, case: CaseTables) -> RecordIds:
        """Read the ids of a case."""
        sources = pa.concat_tables([case.events.select(["source_id"]), case.positions.select(["source_id"])])[
            "source_id"
        ]
        codes, names = coded(sources)
        return cls(
            codes, tuple(names), np.r_[numbers(case.events["n"]), numbers(case.positions["n"])],
            np.r_[subs(case.events["event_id"]), subs(case.positions["position_id"])],
        )  # fmt: skip

    def fold(self, rows: Ints) -> list[str]:
        """Return the ids of these rows in the order given, neighbours folded."""
        if len(rows) < 2:
            return self._single(rows) if len(rows) else []
        s, n, k = self.source[rows], self.n[rows], self.sub[rows]
        joined = (s[1:] == s[:-1]) & (n[1:] == n[:-1] + 1) & (k[1:] == 1) & (k[:-1] == 1)
        start = np.flatnonzero(np.r_[True, ~joined])
        out = self._single(rows[start])
        end = np.r_[start[1:], len(rows)] - 1
        long = np.flatnonzero(end > start)
        for at, last in zip(long.tolist(), n[end[long]].tolist(), strict=True):
            out[at] += f"-{last}"
        return out

    def _single(self, rows: Ints) -> list[str]:
        """Return the ids of these rows; each is written once for all lists that it stands in."""
        out: list[Any] = self._texts[rows].tolist()
        if None in out:
            new = rows[[text is None for text in out]]
            columns = (x[new].tolist() for x in (self.source, self.n, self.sub))
            names = self.source_names
            self._texts[new] = [
                f"{names[s]}#{n}.{k}" if k > 1 else f"{names[s]}#{n}" for s, n, k in zip(*columns, strict=True)
            ]
            out = self._texts[rows].tolist()
        return out


def unfold(ids: list[str]) -> list[str]:
    """Return every single id of a folded list."""
    out = []
    for text in ids:
        source, _, rest = text.partition("#")
        low, dash, high = rest.partition("-")
        out += [f"{source}#{n}" for n in range(int(low), int(high) + 1)] if dash else [text]
    return out
