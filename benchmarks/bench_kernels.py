"""The indicator kernels on one owner's calls and messages, beside ten plain indicators in NumPy on the same rows, and beside other tools.

    python -m benchmarks.bench_kernels [--rows 1000000] [--contacts 400] [--rounds 5] [--each] [--grow [--up-to 10000000]] [--peers VENVS]

Synthetic, seeded. The floor is the work that any tool must do for ten indicators per contact (records, incoming, active days, first, last, night
share, mean and deviation of the gap, answers within an hour, longest run of days) from arrays in memory. Ours is everything that the rules ask: course,
replies, notices, sets, all registered indicators, elements, verdicts, first moments. Times are the median of the rounds, in one process, in turns: CPU seconds, which a busy machine disturbs less than the wall.

``--each`` times every indicator alone, on rows whose replies, notices and sets are known. ``--grow`` does everything again at ten thousand rows, ten times as many, and so on.
``--peers`` gives the same rows to other tools: VENVS is a folder of environments, each optional: ``base`` (duckdb, polars, pandas: the same ten indicators for each contact, from a table in memory)
and ``bc`` (bandicoot 0.6.0, numpy<2: its own 17 indicators of calls and texts, of the owner and not of each contact). What is absent is left out with a sentence. For one core start it under ``taskset -c 0``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

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
SCRIPT = Path(__file__).with_name("kernel_peers.py")
#: peers by environment, and how many indicators each computes
PEERS = {"base": {"duckdb": 10, "polars": 10, "pandas": 10}, "bc": {"bandicoot": 17, "bandicoot_ungrouped": 17}}
FLOOR = 10


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

    def either(which: Any, yes: str, no: str) -> pa.Array:
        return pc.if_else(pa.array(which), yes, no)

    numbers = np.arange(1, n + 1)
    known = {
        "case_id": same("bench"), "event_id": pc.binary_join_element_wise("0123456789ab", pa.array(numbers).cast(pa.string()), "#"),
        "source_id": same("0123456789ab"), "record": same("xml:/smses/sms[1]"), "n": numbers, "local_time": r["ts"], "ts_precision": same("ms"),
        "zone_basis": same("utc"), "channel": either(r["call"], "phone", "sms"), "kind": either(r["call"], "call", "message"),
        "direction": either(r["inc"], "in", "out"), "status": same("unknown"), "identifier": who, "identifier_kind": same("phone"), "actor": same("unknown"),
        "thread_kind": same("direct"), "directed": either(r["inc"], "yes", "no"),
        "answered": pc.if_else(pa.array(r["call"]), pa.array(r["dur"] > 60), pa.nulls(n, pa.bool_())),
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


class Bench:
    """Rows of one size, and the times of everything that was done with them."""

    def __init__(self, n: int, contacts: int) -> None:
        self.n = n
        self.rows = rows(n, contacts)
        self.case = tables(self.rows, contacts)
        self.statute = profile("kz-115-1")
        self.valid_from = midnight(self.statute.valid_from, self.statute.timezone)
        self.end = int(self.rows["ts"].max()) + 1
        self.times: dict[str, list[float]] = {}

    def clock(self, name: str, begin: float) -> float:
        """Note a time; return now."""
        now = time.process_time()
        self.times.setdefault(name, []).append(now - begin)
        return now

    def state(self) -> State:
        """Return the course of all contacts."""
        return State([self.case], self.statute.numbers(), self.valid_from, [self.end])

    @staticmethod
    def ready(state: State) -> State:
        """Have everything derived that the indicators share."""
        _ = (
            state.answers,
            state.notices,
            state.sets,
            state.unwanted_law_openers,
            state.unwanted_all_openers,
            state.law_openers,
        )
        return state

    def run(self, rounds: int) -> dict[str, float]:
        """Do everything, in turns with the floor; return the median of each step."""
        for _ in range(rounds):
            begin = time.process_time()
            floor(self.rows)
            begin = self.clock("floor: ten indicators", begin)
            state = self.state()
            begin = self.clock("course from tables", begin)
            self.ready(state)
            begin = self.clock("replies, notices, sets", begin)
            measured = measure(state)
            begin = self.clock("indicators", begin)
            elements = evaluate(self.statute, measured, state.course.n_groups)
            verdicts = decide(state, elements.all_required)
            begin = self.clock("elements, verdicts", begin)
            first_moments(state, self.statute, verdicts.verdict == 0)
            self.clock("first moments", begin)
        return {k: statistics.median(v) for k, v in self.times.items()}

    def each(self, rounds: int) -> list[tuple[float, str]]:
        """Time every indicator alone; the slowest first. What indicators share beyond the sets is made for each of them anew."""
        ready = self.ready(self.state())
        out = []
        for name, indicator in all_indicators().items():
            taken = []
            for _ in range(rounds):
                state = copy(ready)  # what was derived comes along, what is derived now does not stay
                begin = time.process_time()
                indicator.compute(state)
                taken.append(time.process_time() - begin)
            out.append((statistics.median(taken), name))
        return sorted(out, reverse=True)

    def peers(self, venvs: Path) -> dict[str, tuple[float, dict[str, int]]]:
        """Let other tools work on the same rows, each in its own environment and process."""
        out: dict[str, tuple[float, dict[str, int]]] = {}
        with tempfile.TemporaryDirectory() as folder:
            parquet, csv = Path(folder) / "rows.parquet", Path(folder) / "rows.csv"
            pq.write_table(pa.table(self.rows), parquet)
            self._csv(csv)
            for venv, engines in PEERS.items():
                python = venvs / venv / "bin" / "python"
                for engine in engines:
                    if not python.exists():
                        print(f"{engine} is left out: no environment {venv} under --peers", flush=True)
                        continue
                    done = subprocess.run(
                        [python, SCRIPT, engine, parquet, csv], capture_output=True, text=True, check=False
                    )
                    if done.returncode:
                        print(
                            f"{engine} is left out: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}",
                            flush=True,
                        )
                        continue
                    told = json.loads(done.stdout.splitlines()[-1])
                    out[engine] = (told.pop("seconds"), told)
        return out

    def _csv(self, path: Path) -> None:
        """Write the rows in the columns that bandicoot reads."""
        r = self.rows
        call = pa.array(r["call"])
        table = pa.table({
            "interaction": pc.if_else(call, "call", "text"), "direction": pc.if_else(pa.array(r["inc"]), "in", "out"),
            "correspondent_id": pc.binary_join_element_wise("c", pa.array(r["contact"]).cast(pa.string()), ""),
            "datetime": pc.strftime(pa.array(r["ts"] // 1_000_000, pa.timestamp("s")), "%Y-%m-%d %H:%M:%S"),
            "call_duration": pc.if_else(call, pa.array(r["dur"]), None).cast(pa.string()), "antenna_id": pa.repeat("", self.n),
        })  # fmt: skip
        pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))


def main() -> None:
    """Run and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--contacts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--up-to", type=int, default=10_000_000)
    parser.add_argument("--peers", type=Path)
    args = parser.parse_args()
    if args.grow:
        grow(args.contacts, args.rounds, args.up_to)
        return
    bench = Bench(args.rows, args.contacts)
    middle = bench.run(args.rounds)
    base = middle["floor: ten indicators"]
    number = len(all_indicators())
    scaled = base * number / FLOOR
    kernels = middle["replies, notices, sets"] + middle["indicators"]
    rest = middle["elements, verdicts"] + middle["first moments"]
    for name, values in bench.times.items():
        print(
            f"{name:26} {middle[name]:7.3f} s  {middle[name] / base:6.2f} x floor  (min {min(values):.3f}, max {max(values):.3f})"
        )
    print(f"{number} indicators with all that they need: {kernels:.3f} s; the floor scaled to {number} indicators: {scaled:.3f} s; "
          f"ratio {kernels / scaled:.2f}; with elements, verdicts and first moments {(kernels + rest) / scaled:.2f}")  # fmt: skip
    if args.each:
        print("\neach indicator alone")
        each = bench.each(args.rounds)
        for seconds, name in each:
            print(f"  {name:32} {1000 * seconds:8.2f} ms")
        print(f"  {'sum':32} {1000 * sum(s for s, _ in each):8.2f} ms")
    if args.peers:
        show_peers(bench, args.peers, kernels, middle["course from tables"], number)


def grow(contacts: int, rounds: int, up_to: int) -> None:
    """Print the steps at ten thousand rows, ten times as many, and so on."""
    n = 10_000
    while n <= up_to:
        middle = Bench(n, contacts).run(rounds if n < 10_000_000 else 1)
        kernels = middle["replies, notices, sets"] + middle["indicators"]
        print(f"{n:>10} rows: " + ", ".join(f"{k} {v:.4f} s" for k, v in middle.items())
              + f"; indicators with all that they need {kernels:.4f} s, {1e9 * kernels / n:.0f} ns a row", flush=True)  # fmt: skip
        n *= 10


def show_peers(bench: Bench, venvs: Path, kernels: float, course: float, number: int) -> None:
    """Print every other tool beside ours: seconds, and seconds for one indicator."""
    ours = kernels / number
    begin = time.process_time()
    floor(bench.rows)
    plain = time.process_time() - begin
    counts = {name: n for engines in PEERS.values() for name, n in engines.items()}
    print(f"\n{bench.n} rows; ours: {number} indicators of each contact")
    lines = [
        ("qorgan, indicators", kernels, number, {}),
        ("qorgan, from text columns", kernels + course, number, {}),
        ("numpy floor", plain, FLOOR, {}),
    ]
    lines += [(name, seconds, counts[name], checks) for name, (seconds, checks) in bench.peers(venvs).items()]
    for name, seconds, n, checks in lines:
        print(
            f"  {name:26} {seconds:8.3f} s  {n:3} indicators  {1000 * seconds / n:9.3f} ms each  {seconds / n / ours:8.1f} x ours  {checks or ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
