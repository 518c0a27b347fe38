"""The indicator kernels on one owner's calls and messages, beside ten plain indicators in NumPy on the same rows.

    python -m benchmarks.bench_kernels [--rows 1000000] [--contacts 400] [--rounds 5]

Synthetic, seeded. The floor is the work that any tool must do for ten indicators per contact (records, incoming, active days, first, last, night
share, mean and deviation of the gap, answers within an hour, longest run of days) from arrays in memory. Ours is everything that the rules ask: course,
replies, notices, sets, all registered indicators, elements, verdicts, first moments. Times are the median of the rounds, in one process, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import pyarrow as pa

from detector.elements import evaluate, measure
from detector.first import first_moments
from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.schema import EVENTS, empty
from detector.state import State
from detector.verdict import decide
from pipelines.scoring import midnight
from pipelines.statutes import profile

DAY_US = 86_400_000_000
BEGIN_US = 1_735_689_600_000_000  # 2025-01-01


def rows(n: int, contacts: int) -> dict[str, Any]:
    """Return n events of one owner: a few busy contacts, many quiet ones, bursts and answers."""
    rng = np.random.default_rng(115)
    weight = 1.0 / np.arange(1, contacts + 1)
    contact = rng.choice(contacts, n, p=weight / weight.sum())
    ts = BEGIN_US + rng.integers(0, 360 * DAY_US, n)
    burst = rng.random(n) < 0.3
    ts[1:][burst[1:]] = ts[:-1][burst[1:]] + rng.integers(0, 3_000_000_000, int(burst[1:].sum()))
    contact[1:][burst[1:]] = contact[:-1][burst[1:]]
    order = np.argsort(ts, kind="stable")
    return {"contact": contact[order], "ts": ts[order] // 1000 * 1000, "inc": (rng.random(n) < 0.55)[order],
            "call": (rng.random(n) < 0.25)[order], "dur": rng.integers(0, 400, n)}  # fmt: skip


def tables(r: dict[str, Any], contacts: int) -> CaseTables:
    """Return the same rows as resolved tables, with a notice for every tenth contact."""
    n = len(r["ts"])
    names = np.array([f"K{i:04d}" for i in range(contacts)], object)
    who = pa.DictionaryArray.from_arrays(pa.array(r["contact"], pa.int32()), pa.array(names)).cast(pa.string())

    def same(value: Any) -> pa.Array:
        return pa.repeat(value, n) if value is not None else pa.nulls(n, pa.string())

    numbers = np.arange(1, n + 1)
    known = {
        "case_id": same("bench"), "event_id": pa.array([f"0123456789ab#{i}" for i in numbers.tolist()]), "source_id": same("0123456789ab"),
        "record": same("xml:/smses/sms[1]"), "n": numbers, "local_time": r["ts"], "ts_precision": same("ms"), "zone_basis": same("utc"),
        "channel": pa.array(np.where(r["call"], "phone", "sms").tolist()), "kind": pa.array(np.where(r["call"], "call", "message").tolist()),
        "direction": pa.array(np.where(r["inc"], "in", "out").tolist()), "status": same("unknown"), "identifier": who,
        "identifier_kind": same("phone"), "actor": same("unknown"), "thread_kind": same("direct"),
        "directed": pa.array(np.where(r["inc"], "yes", "no").tolist()), "answered": pa.array(np.where(r["call"], r["dur"] > 60, None).tolist(), pa.bool_()),
        "duration_s": r["dur"], "how": same("device"), "ts": r["ts"], "ts_min": r["ts"], "ts_max": r["ts"] + 999,
        "utc_offset": np.full(n, 18_000), "fold": np.zeros(n), "contact_id": who,
    }  # fmt: skip
    columns = [pa.array(known[f.name]).cast(f.type) if f.name in known else pa.nulls(n, f.type) for f in EVENTS]
    notices = [
        {"contact_id": names[i], "ts": BEGIN_US + 270 * DAY_US, "ts_min": BEGIN_US + 270 * DAY_US, "ts_max": BEGIN_US + 270 * DAY_US,
         "kind": "told_to_stop", "basis": "declared", "record_id": None, "refused": False, "note": ""}
        for i in range(0, contacts, 10)
    ]  # fmt: skip
    people = [{"contact_id": c, "label": c, "role": "unknown", "declared": True, "identifiers": c} for c in names]
    return CaseTables("bench", pa.Table.from_arrays(columns, schema=EVENTS), empty("positions"),
                      pa.Table.from_pylist(notices, empty("notices").schema), empty("places"),
                      pa.Table.from_pylist(people, empty("contacts").schema), empty("trackers"), empty("coverage"))  # fmt: skip


def floor(r: dict[str, Any]) -> int:
    """Compute ten plain indicators for every contact; returns a sum, so that nothing is left out."""
    order = np.lexsort((r["ts"], r["contact"]))
    k, ts, inc = r["contact"][order], r["ts"][order], r["inc"][order]
    head = np.flatnonzero(np.r_[True, k[1:] != k[:-1]])
    n = np.diff(np.r_[head, len(k)])
    same = np.ones(len(k), bool)
    same[head] = False
    gap = np.where(same, np.r_[0, np.diff(ts)], 0) / 1e6
    mean = np.add.reduceat(gap, head) / np.maximum(n - 1, 1)
    spread = np.sqrt(np.add.reduceat(np.where(same, (gap - np.repeat(mean, n)) ** 2, 0), head) / np.maximum(n - 2, 1))
    night = np.add.reduceat(((ts // 3_600_000_000 % 24) < 6).astype(np.int64), head)
    incoming = np.add.reduceat(inc.astype(np.int64), head)
    answers = np.add.reduceat((same & ~inc & np.r_[False, inc[:-1]] & (gap <= 3600)).astype(np.int64), head)
    day = ts // DAY_US
    fresh = ~same | (np.r_[0, np.diff(day)] != 0)
    kd, dd = k[fresh], day[fresh]
    start = np.r_[True, (kd[1:] != kd[:-1]) | (np.diff(dd) != 1)]
    run = np.diff(np.r_[np.flatnonzero(start), len(kd)])
    longest = np.zeros(int(k.max()) + 1, np.int64)
    np.maximum.at(longest, kd[start], run)
    days = np.bincount(kd)
    first, last = ts[head], ts[head + n - 1]
    return int(n.sum() + incoming.sum() + days.sum() + longest.sum() + answers.sum() + night.sum()) + int(
        first[0] + last[0] + spread[0]
    )


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--contacts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    made = rows(args.rows, args.contacts)
    case = tables(made, args.contacts)
    statute = profile("kz-115-1")
    valid_from = midnight(statute.valid_from, statute.timezone)
    end = int(made["ts"].max()) + 1
    times: dict[str, list[float]] = {}

    def clock(name: str, begin: float) -> float:
        now = time.perf_counter()
        times.setdefault(name, []).append(now - begin)
        return now

    for _ in range(args.rounds):
        begin = time.perf_counter()
        floor(made)
        begin = clock("floor: ten indicators", begin)
        state = State([case], statute.numbers(), valid_from, [end])
        begin = clock("course from tables", begin)
        _ = (
            state.answers,
            state.notices,
            state.sets,
            state.unwanted_law_openers,
            state.unwanted_all_openers,
            state.law_openers,
        )
        begin = clock("replies, notices, sets", begin)
        measured = measure(state)
        begin = clock("indicators", begin)
        elements = evaluate(statute, measured, state.course.n_groups)
        verdicts = decide(state, elements.all_required)
        begin = clock("elements, verdicts", begin)
        first_moments(state, statute, verdicts.verdict == 0)
        clock("first moments", begin)
    base = statistics.median(times["floor: ten indicators"])
    middle = {k: statistics.median(v) for k, v in times.items()}
    number = len(all_indicators())
    scaled = base * number / 10
    kernels = middle["replies, notices, sets"] + middle["indicators"]
    rest = middle["elements, verdicts"] + middle["first moments"]
    for name, values in times.items():
        print(
            f"{name:26} {statistics.median(values):7.3f} s  {statistics.median(values) / base:6.2f} x floor  (min {min(values):.3f}, max {max(values):.3f})"
        )
    print(f"{number} indicators with all that they need: {kernels:.3f} s; the floor scaled to {number} indicators: {scaled:.3f} s; "
          f"ratio {kernels / scaled:.2f}; with elements, verdicts and first moments {(kernels + rest) / scaled:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
