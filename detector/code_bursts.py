"""Codes that nobody asked for: messages of many services within an hour (``docs/measures.md`` section 10).

Somebody who tries the owner's accounts, or signs her number up everywhere, makes services send codes to her. The messages come from the services, so they
say nothing of who did it: a burst belongs to nobody until the analyst says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc

from detector.arrays import Ints
from detector.columns import coded, flags, lookup, numbers, subs, valid
from detector.model import CaseTables


def code_bursts(case: CaseTables, as_of: int, numbers_of: dict[str, Any]) -> list[Ints]:
    """Return the bursts of a case: for each the rows of the events table, in order of time.

    Parameters
    ----------
    case : CaseTables
        Resolved tables.
    as_of : int
        Scoring moment, µs UTC; later rows do not exist.
    numbers_of : dict
        ``code_senders`` and ``code_window_s`` of :mod:`detector.parameters`.
    """
    e = case.events
    if not len(e):
        return []
    services = pc.match_substring_regex(e["identifier"], "^(alpha|short):")
    ts = numbers(e["ts"])
    use = (
        np.asarray(pc.fill_null(services, False).to_numpy(), np.bool_) & flags(*coded(e["direction"]), ("in",))
        & flags(*coded(e["kind"]), ("message", "account_access")) & ~valid(e["duplicate_of"]) & (ts < as_of)
    )  # fmt: skip
    rows = np.flatnonzero(use)
    codes, sources = coded(e["source_id"])
    order = np.lexsort(
        (subs(e["event_id"])[rows], numbers(e["n"])[rows], lookup(codes, sources, sorted(sources))[rows], ts[rows])
    )
    rows = rows[order]
    sender = coded(e["identifier"])[0][rows]
    window, enough = int(numbers_of["code_window_s"]) * 1_000_000, int(numbers_of["code_senders"])
    last = np.searchsorted(ts[rows], ts[rows] + window, side="left")
    found: list[Ints] = []
    at = 0
    for i in np.flatnonzero(last - np.arange(len(rows)) >= enough).tolist():
        if i >= at and len(np.unique(sender[i : last[i]])) >= enough:
            at = int(last[i])
            found.append(np.asarray(rows[i:at], np.int64))
    return found
