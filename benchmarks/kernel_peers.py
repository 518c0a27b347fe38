"""Indicators over one owner's calls and messages by another tool, in that tool's own environment: started by ``bench_kernels``, imports nothing of qorgan.

    PYTHON benchmarks/kernel_peers.py ENGINE ROWS.parquet ROWS.csv

``duckdb``, ``polars`` and ``pandas`` compute the ten indicators of the floor for each contact, from a table in memory. ``bandicoot`` computes its own, of the owner and not of each contact: by
week, or over everything (``bandicoot_ungrouped``); reading its file is not counted. The last line of the output is ``{"seconds": …, checks}``.
"""

from __future__ import annotations

import collections
import collections.abc
import inspect
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Prepared = Callable[[], dict[str, int]]
CHECKS = ("records", "incoming", "days", "answers", "longest")


def duckdb(parquet: str, csv: str) -> Prepared:
    """One query with windows."""
    import duckdb
    import pyarrow.parquet as pq

    con = duckdb.connect()
    con.execute("set threads to 1")
    con.register("source", pq.read_table(parquet))
    con.execute("create table rows as select * from source")
    query = """
        with step as (select contact, ts, inc, ts // 86400000000 as day, ts // 3600000000 % 24 < 6 as night, ts - lag(ts) over w as gap, lag(inc) over w as before
                      from rows window w as (partition by contact order by ts)),
        plain as (select contact, count(*) as records, sum(inc::int) as incoming, count(distinct day) as days, min(ts), max(ts), sum(night::int), avg(gap / 1e6),
                         stddev_samp(gap / 1e6), sum((before and not inc and gap <= 3600000000)::int) as answers from step group by contact),
        island as (select contact, day, day - row_number() over (partition by contact order by day) as island from (select distinct contact, day from step)),
        run as (select contact, max(length) as longest from (select contact, count(*) as length from island group by contact, island) group by contact)
        select plain.*, longest from plain join run using (contact)"""

    def go() -> dict[str, int]:
        made = con.execute(query).to_arrow_table()
        return {k: int(sum(v or 0 for v in made[k].to_pylist())) for k in CHECKS}

    return go


def polars(parquet: str, csv: str) -> Prepared:
    """One sort, one aggregation."""
    import polars as pl

    frame, c = pl.read_parquet(parquet), pl.col
    gap, day = c("ts").diff(), (c("ts") // 86_400_000_000).unique().sort()
    island = (day - pl.int_range(day.len())).value_counts().struct.field("count").max()

    def go() -> dict[str, int]:
        made = frame.lazy().sort("contact", "ts", maintain_order=True).group_by("contact").agg(
            pl.len().alias("records"), c("inc").sum().alias("incoming"), (c("ts") // 86_400_000_000).n_unique().alias("days"),
            c("ts").min().alias("first"), c("ts").max().alias("last"), (c("ts") // 3_600_000_000 % 24 < 6).sum().alias("night"),
            (gap / 1e6).mean().alias("mean"), (gap / 1e6).std().alias("spread"),
            (c("inc").shift(1) & ~c("inc") & (gap <= 3_600_000_000)).sum().alias("answers"), island.alias("longest"),
        ).collect()  # fmt: skip
        return {k: int(made[k].sum()) for k in CHECKS}

    return go


def pandas(parquet: str, csv: str) -> Prepared:
    """What an analyst would write."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(parquet)

    def longest(days: Any) -> int:
        d = np.unique(days.to_numpy())
        cut = np.flatnonzero(np.diff(d) != 1)
        return int(np.diff(np.r_[-1, cut, len(d) - 1]).max())

    def go() -> dict[str, int]:
        f = frame.sort_values(["contact", "ts"], kind="stable").reset_index(drop=True)
        f["day"], f["night"] = f.ts // 86_400_000_000, f.ts // 3_600_000_000 % 24 < 6
        g = f.groupby("contact")
        f["gap"] = g.ts.diff() / 1e6
        f["answer"] = g.inc.shift(1, fill_value=False) & ~f.inc & (f.gap <= 3600)
        made = g.agg(records=("inc", "size"), incoming=("inc", "sum"), days=("day", "nunique"), first=("ts", "min"), last=("ts", "max"), night=("night", "sum"),
                     mean=("gap", "mean"), spread=("gap", "std"), answers=("answer", "sum"))  # fmt: skip
        made["longest"] = g.day.apply(longest)
        return {k: int(made[k].sum()) for k in CHECKS}

    return go


def old_names() -> None:
    """Put back what Python 3.10 and 3.11 took away and bandicoot 0.6 still imports; nothing of its work changes."""
    for name in ("Iterable", "Mapping", "MutableMapping", "Callable", "Sequence"):
        setattr(collections, name, getattr(collections.abc, name))
    inspect.getargspec = lambda f: inspect.getfullargspec(f)[:4]  # type: ignore[attr-defined]

    def shown(
        args: Any,
        varargs: Any = None,
        varkw: Any = None,
        defaults: Any = None,
        formatvalue: Any = lambda v: f"={v!r}",
        **_: Any,
    ) -> str:
        plain = len(args) - len(defaults or ())
        parts = [*args[:plain], *(a + formatvalue(v) for a, v in zip(args[plain:], defaults or (), strict=True))]
        return "(" + ", ".join(parts + [f"*{varargs}"] * bool(varargs) + [f"**{varkw}"] * bool(varkw)) + ")"

    inspect.formatargspec = shown  # type: ignore[attr-defined]


def bandicoot(by: str | None) -> Callable[[str, str], Prepared]:
    """All indicators of bandicoot that calls and texts have."""

    def prepare(parquet: str, csv: str) -> Prepared:
        old_names()
        import bandicoot as bc

        path = Path(csv)
        user = bc.read_csv(path.stem, f"{path.parent}/", describe=False, warnings=False)

        def go() -> dict[str, int]:
            bc.utils.all(user, summary="default", groupby=by)
            return {"records": len(user.records)}

        return go

    return prepare


ENGINES: dict[str, Callable[[str, str], Prepared]] = {
    "duckdb": duckdb, "polars": polars, "pandas": pandas, "bandicoot": bandicoot("week"), "bandicoot_ungrouped": bandicoot(None),
}  # fmt: skip


def main() -> None:
    """Run one engine."""
    engine, parquet, csv = sys.argv[1:]
    go = ENGINES[engine](parquet, csv)
    begin = time.process_time()
    checks = go()
    print(json.dumps({"seconds": round(time.process_time() - begin, 4), **checks}))


if __name__ == "__main__":
    main()
