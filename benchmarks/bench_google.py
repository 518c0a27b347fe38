"""How fast and in how much memory the google-records reader reads a Records.json, against decoding the whole file.

Run from the project's root::

    python -m benchmarks.bench_google [--records 1000000] [--layout pretty|compact]

A file of invented fixes is written to a temporary folder in the layout of Takeout. Each way reads it in a process of its own,
so that the peak memory is its own. ``json.loads`` and ``msgspec`` only decode; the reader also judges every record and makes
the columns of the ``positions`` table.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from pipelines.readers.base import Context, SourceFile
from pipelines.readers.google_records import READER

MEBI = 1 << 20


class CountingSink:
    """A sink that counts what comes and forgets it."""

    def __init__(self) -> None:
        self.rows = self.records = self.lost = 0

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Count event rows."""
        self.rows += rows

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Count position rows."""
        self.rows += rows

    def reject(self, n: int, record: str, reason: str) -> None:
        """Count a reject."""
        self.lost += 1

    def out_of_scope(self, records: int = 1) -> None:
        """Count records out of scope."""
        self.lost += records

    def read(self, records: int) -> None:
        """Count records."""
        self.records += records

    def note(self, text: str) -> None:
        """Pass over a note."""

    def owner(self, identifiers: Sequence[str]) -> None:
        """Pass over identifiers."""

    def coverage(self, channel: str, classes: str, **more: Any) -> None:
        """Pass over coverage."""


def write_records(path: Path, count: int, indent: int | None) -> None:
    """Write a Records.json of invented fixes.

    Parameters
    ----------
    path : Path
        Where.
    count : int
        Number of fixes; every fiftieth has an activity list, as phones send them.
    indent : int or None
        2 for the layout of Takeout, None for one line.
    """
    chance = random.Random(7)
    at = datetime(2019, 1, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as out:
        out.write('{"locations": [' if indent is None else '{\n  "locations": [')
        for k in range(count):
            at += timedelta(milliseconds=chance.randrange(20_000, 240_000))
            stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            fix: dict[str, object] = {
                "latitudeE7": 432389000 + chance.randrange(-400_000, 400_000),
                "longitudeE7": 768897000 + chance.randrange(-400_000, 400_000),
                "accuracy": chance.randrange(3, 2000),
            }
            if k % 50 == 0:
                guess = [{"type": "STILL", "confidence": 90}, {"type": "UNKNOWN", "confidence": 10}]
                fix["activity"] = [{"activity": guess, "timestamp": stamp}]
            fix |= {"source": chance.choice(("WIFI", "GPS", "CELL")), "deviceTag": -1184882232, "timestamp": stamp}
            text = json.dumps(fix, indent=indent)
            if indent is not None:
                text = "\n    ".join(("\n" + text).split("\n")) if k == 0 else "\n    ".join(text.split("\n"))
            out.write(("" if k == 0 else ", ") + text)
        out.write("]}" if indent is None else "\n  ]\n}\n")


def with_reader(path: Path) -> int:
    """Read with the reader; return the number of records."""
    sink = CountingSink()
    source = SourceFile("0" * 12, path.name, None, path.stat().st_size, lambda: path.open("rb"), str(path))
    READER.read(source, Context(lambda raw: (None, "none")), sink)
    if sink.records != sink.rows + sink.lost:
        raise SystemExit("the reader lost records")
    return sink.records


def with_json(path: Path) -> int:
    """Decode the whole file with the standard library."""
    return len(json.loads(path.read_bytes())["locations"])


def with_msgspec(path: Path) -> int:
    """Decode the whole file with msgspec into plain objects."""
    return len(msgspec.json.decode(path.read_bytes())["locations"])


WAYS: dict[str, Callable[[Path], int]] = {
    "google-records": with_reader,
    "json.loads": with_json,
    "msgspec": with_msgspec,
}


def one(way: str, path: Path) -> None:
    """Measure one way in this process and print the result as JSON."""
    for warm in WAYS.values():  # loading of modules is no part of reading
        with tempfile.NamedTemporaryFile(suffix=".json") as tiny:
            Path(tiny.name).write_text(
                json.dumps({"locations": [{"timestamp": "2020-01-01T00:00:00Z", "latitudeE7": 1}]})
            )
            warm(Path(tiny.name))
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    count = WAYS[way](path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"records": count, "s": seconds, "peak": peak * 1024, "base": base * 1024}))


def main() -> None:
    """Write the file, measure every way three times, print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--layout", choices=("pretty", "compact"), default="pretty")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.one:
        one(wanted.one[0], Path(wanted.one[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Records.json"
        write_records(path, wanted.records, 2 if wanted.layout == "pretty" else None)
        size = path.stat().st_size
        print(f"{wanted.records} records, {size / MEBI:.0f} MiB, {wanted.layout}; best of {wanted.rounds}")
        print(f"{'way':<16}{'s':>8}{'MiB/s':>9}{'records/s':>12}{'peak MiB':>10}{'before':>8}")
        best: dict[str, float] = {}
        for way in WAYS:
            rounds = []
            for _ in range(wanted.rounds):
                command = [sys.executable, "-m", "benchmarks.bench_google", "--one", way, str(path)]
                done = subprocess.run(command, capture_output=True, check=True, text=True)
                rounds.append(json.loads(done.stdout))
            quick = min(rounds, key=lambda r: float(r["s"]))
            best[way] = quick["s"]
            if quick["records"] != wanted.records:
                raise SystemExit(f"{way} found {quick['records']} records")
            print(
                f"{way:<16}{quick['s']:>8.2f}{size / MEBI / quick['s']:>9.0f}{quick['records'] / quick['s']:>12.0f}"
                f"{max(r['peak'] for r in rounds) / MEBI:>10.0f}{quick['base'] / MEBI:>8.0f}"
            )
        for way in ("json.loads", "msgspec"):
            print(f"time of {way} / time of google-records: {best[way] / best['google-records']:.2f}")


if __name__ == "__main__":
    main()
