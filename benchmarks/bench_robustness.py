"""What robustness costs: all changes of the declared set, as a multiple of the plain scoring of the same case.

    python -m benchmarks.bench_robustness [--rows 1000000] [--contacts 400] [--records 12000] [--rounds 3] [--profile]

Three cases: the example case, a phone-year of four exports (``bench_phone_year``), one owner's million events with 400 contacts (``bench_kernels``). Plain is
``score`` with ``case_findings``; both run in turns in one process, and the ratio is that of their medians. Then the changes by kind: how many there are,
how many contacts they are tried for, and what they take.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from benchmarks import bench_kernels, bench_phone_year
from detector.findings import case_findings
from detector.model import CaseTables
from detector.robustness import perturbations, robustness
from detector.score import Scored, score
from pipelines import demo
from pipelines.scoring import load_case, midnight, scoring_moment
from pipelines.statutes import profile


def _loaded(case: Path, exports: Path) -> tuple[CaseTables, int]:
    """Ingest exports into a case and return its tables and scoring moment."""
    command = [sys.executable, "-m", "qorgan", "ingest", str(case), str(exports)]
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    assert status in (0, 1), command
    loaded = load_case(case)
    return loaded.resolved.tables, scoring_moment(loaded, None)


def cases(folder: Path, rows: int, contacts: int, records: int) -> Iterator[tuple[str, CaseTables, int]]:
    """Yield name, tables and scoring moment of the three cases."""
    demo.make(folder / "example")
    yield "example case", *_loaded(folder / "example", demo.examples() / "exports")
    exports = folder / "exports"
    exports.mkdir()
    bench_phone_year.write_exports(exports, records)
    year = folder / "year"
    year.mkdir()
    (year / "case.toml").write_text(bench_phone_year.CASE)
    yield "phone-year", *_loaded(year, exports)
    made = bench_kernels.rows(rows, contacts)
    yield f"{rows} events", bench_kernels.tables(made, contacts), int(made["ts"].max()) + 1


def by_kind(scored: Scored) -> list[tuple[str, int, int, float]]:
    """Return for every kind: changes, contacts that they are tried for, seconds."""
    seen = []
    begin = time.perf_counter()
    for t in perturbations(scored):
        now = time.perf_counter()
        kind = t.kind if t.kind != "number" else f"number, {scored.profile.parameters[t.what[0]].stage}"
        seen.append((kind, len(t.groups), now - begin))
        begin = now
    seen.sort(key=lambda x: x[0])
    return [
        (kind, len(rows := list(group)), sum(n for _, n, _ in rows), sum(s for *_, s in rows))
        for kind, group in groupby(seen, key=lambda x: x[0])
    ]


def main() -> None:
    """Run and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--contacts", type=int, default=400)
    parser.add_argument("--records", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="kz-115-1")
    args = parser.parse_args()
    statute = profile(args.profile)
    valid_from = midnight(statute.valid_from, statute.timezone)
    with tempfile.TemporaryDirectory() as name:
        for title, tables, end in cases(Path(name), args.rows, args.contacts, args.records):
            times: dict[str, list[float]] = {"score": [], "findings": [], "robustness": []}
            for _ in range(args.rounds):
                at = [time.perf_counter()]
                scored = score([tables], statute, [end], valid_from=valid_from)
                at.append(time.perf_counter())
                case_findings(scored, 0)
                at.append(time.perf_counter())
                said = robustness(scored)
                at.append(time.perf_counter())
                for (_, values), a, b in zip(times.items(), at, at[1:], strict=False):
                    values.append(b - a)
            middle = {k: statistics.median(v) for k, v in times.items()}
            plain = middle["score"] + middle["findings"]
            tested = [x["tested"] for x in said.values()]
            unstable = sum(not x["stable"] for x in said.values())
            print(f"{title}: score {middle['score']:.3f} s, findings {middle['findings']:.3f} s, robustness {middle['robustness']:.3f} s: "
                  f"{middle['robustness'] / plain:.1f} times the plain scoring; {len(said)} contacts, {min(tested)} to {max(tested)} changes each, "
                  f"{unstable} with a change of verdict")  # fmt: skip
            for kind, changes, contacts, seconds in by_kind(scored):
                print(f"    {kind:18} {changes:5} changes {contacts:7} contacts {seconds:8.3f} s")


if __name__ == "__main__":
    main()
