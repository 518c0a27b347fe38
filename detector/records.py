"""Lists of record ids, folded: ``3f9a12bc04d1#12-40`` stands for neighbours of one source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

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
        if not len(rows):
            return []
        s, n, k = self.source[rows], self.n[rows], self.sub[rows]
        joined = (s[1:] == s[:-1]) & (n[1:] == n[:-1] + 1) & (k[1:] == 1) & (k[:-1] == 1)
        start = np.flatnonzero(np.r_[True, ~joined])
        end = np.r_[start[1:], len(rows)] - 1
        out = []
        for i, j in zip(start.tolist(), end.tolist(), strict=True):
            text = f"{self.source_names[s[i]]}#{n[i]}"
            out.append(text + (f".{k[i]}" if k[i] > 1 else "") if i == j else f"{text}-{n[j]}")
        return out


def unfold(ids: list[str]) -> list[str]:
    """Return every single id of a folded list."""
    out = []
    for text in ids:
        source, _, rest = text.partition("#")
        low, dash, high = rest.partition("-")
        out += [f"{source}#{n}" for n in range(int(low), int(high) + 1)] if dash else [text]
    return out
