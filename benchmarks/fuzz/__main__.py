"""Feed damaged, spliced and hostile files to the readers and see that each keeps the contract.

    python -m benchmarks.fuzz SAMPLES [--seconds 60] [--reader ID] [--seed 1] [--date 2026-11-25] [--log FILE]
    python -m benchmarks.fuzz SAMPLES --reader ID --replay K [--seed 1] [--out FILE]

SAMPLES is the folder with the real files; a folder that is not there leaves the examples alone. The k-th file of a reader depends only on
the seed, the reader, k, the examples and the samples. See benchmarks/fuzz/README.md.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.fuzz.mutate import mutated
from pipelines.locate import LocateError, open_record
from pipelines.readers import all_readers
from pipelines.readers.base import Unreadable, Waiting
from tests.collect import Collected
from tests.reader_contract import BrokenContractError, claims_of, head, read, rows_of
from tests.reader_examples import Example, examples

LOG = Path(__file__).parent / "log.jsonl"
#: seconds that one file may take, and bytes of memory that one process may have
TIME_BOUND = 20.0
MEMORY_BOUND = 2 << 30
#: growth of the memory of a process by one file that is a finding, beside so many times the size of the file
GROWTH, GROWTH_TIMES = 200 << 20, 60
#: largest real file that is damaged
LARGEST = 400_000
#: every so many files the records that were read are opened again
OPEN_EVERY = 4


@cache
def _samples(folder: str) -> tuple[tuple[Path, bytes], ...]:
    root = Path(folder)
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.stat().st_size <= LARGEST) if root.is_dir() else []
    return tuple((p.relative_to(root), p.read_bytes()) for p in files)


def bases(reader: str, folder: str) -> list[tuple[Example, bytes]]:
    """Return the whole files of a reader: its examples, small and longer, and the samples that it knows."""
    mine = [e for e in examples() if e.reader == reader]
    found = [(e, e.data(n)) for e in mine for n in (e.records, 60)]
    for path, data in _samples(folder):
        example = replace(mine[0], name=path.name, secret="", container=None)
        source = replace(example.source(data), name=path.name)
        known = all_readers()[reader].recognise(head(source, data))
        if known is not None and max(claims_of(source, data).items(), key=lambda c: c[1].sure)[0] == reader:
            found.append((example, data))
    return found


class Input:
    """The k-th file of a reader."""

    def __init__(self, reader: str, folder: str, seed: int) -> None:
        self.reader, self.seed = reader, seed
        self.bases = bases(reader, folder)
        self.others = [data for _, data in self.bases] + [e.data() for e in examples() if e.reader != reader][::7]

    def make(self, k: int) -> tuple[Example, bytes]:
        """Return what is read, and its bytes."""
        chance = random.Random(f"{self.seed}/{self.reader}/{k}")
        example, data = chance.choice(self.bases)
        if chance.random() < 0.3:
            more = {"date_order": chance.choice(("dmy", "mdy")), "timezone": "Asia/Almaty"}
            example = replace(example, ctx=replace(example.ctx, options={**example.ctx.options, **more}))
        return example, mutated(data, example.family, self.others, chance)


def _where(error: BaseException) -> str:
    """Return the last lines of the project in which an exception arose, without its text, which may hold anything."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if "pipelines" in f.filename or "detector" in f.filename
    ]
    shown = " < ".join(f"{Path(f.filename).stem}.{f.name}:{f.lineno}" for f in frames[:-4:-1])
    return f"{type(error).__name__} at {shown or 'the check'}"


def run(example: Example, data: bytes, k: int) -> tuple[int, str]:
    """Read one file; return the number of records that it gave (-1: refused), and what is wrong, empty if nothing is."""
    source = example.source(data)
    try:
        all_readers()[example.reader].recognise(head(source, data))
        out = read(example, source, damaged=True, stored=k % 8 == 0)
        if isinstance(out, str):
            return -1, ""
        if k % OPEN_EVERY == 0:
            _open(example, data, out)
        return out.records, ""
    except BrokenContractError as broken:
        return 0, f"contract: {broken}"
    except MemoryError:
        return 0, "memory: MemoryError"
    except Exception as error:
        return 0, _where(error)


def _open(example: Example, data: bytes, out: Collected) -> None:
    source = example.source(data)
    found = [(row["n"], row["record"]) for _, row in rows_of(out)]
    for n, record in [*found[:2], *found[-1:], *((n, r) for n, r, _ in out.rejects[:2])]:
        try:
            open_record(source, record, example.reader, n)
        except (LocateError, Unreadable, Waiting) as error:
            # a row of a damaged database is shown with all its columns, of which the reader needed only some
            if (n, record) in found and "the database is damaged here" not in str(error):
                raise BrokenContractError("a record that was kept cannot be opened") from None


def child(reader: str, folder: str, seed: int, first: int, seconds: float, state: Path) -> None:
    """Read files until the time is over; tell of each before it is read, so that a crash is known by its number."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BOUND, MEMORY_BOUND))
    inputs = Input(reader, folder, seed)
    end, k, records, refused = time.monotonic() + seconds, first, 0, 0
    with state.open("w", encoding="utf-8") as tell:
        while time.monotonic() < end:
            tell.write(f"{k}\n")
            tell.flush()
            example, data = inputs.make(k)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            begin = time.monotonic()
            faulthandler.dump_traceback_later(TIME_BOUND, exit=True)
            got, wrong = run(example, data, k)
            faulthandler.cancel_dump_traceback_later()
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - peak
            if not wrong and grown > GROWTH + GROWTH_TIMES * len(data):
                wrong = f"memory: grew by {grown >> 20} MiB for {len(data)} bytes"
            spent = time.monotonic() - begin
            if not wrong and spent > TIME_BOUND / 4 + len(data) / 100_000:
                wrong = f"time: {spent:.1f} s for {len(data)} bytes"
            records += max(got, 0)
            refused += got < 0
            if wrong:
                tell.write(f"! {k} {wrong}\n")
            k += 1
            if k % 500 == 0:
                gc.collect()
        tell.write(f". {k - first} {records} {refused}\n")


def fuzz(reader: str, folder: str, seed: int, first: int, seconds: float) -> dict[str, Any]:
    """Fuzz one reader in processes of its own; return the line of the log."""
    found: dict[str, int] = {}
    done = records = refused = 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as room:
        while (left := end - time.monotonic()) > 0.2:
            state = Path(room) / "state"
            state.unlink(missing_ok=True)
            command = [
                sys.executable,
                "-m",
                "benchmarks.fuzz",
                folder,
                "--child",
                reader,
                str(seed),
                str(first + done),
                str(left),
                str(state),
            ]
            try:
                code = subprocess.run(command, stderr=subprocess.PIPE, timeout=left + 3 * TIME_BOUND + 60, check=False)
                died = _died(code.stderr.decode("utf-8", "replace")) if code.returncode else ""
            except subprocess.TimeoutExpired:
                died = "hang: was stopped"
            lines = state.read_text(encoding="utf-8").splitlines() if state.exists() else []
            for line in lines:
                if line.startswith("! "):
                    _, number, what = line.split(" ", 2)
                    found.setdefault(what, int(number))
            last = [line for line in lines if line.startswith(". ")]
            if last:
                count, more, less = map(int, last[0].split()[1:])
                done, records, refused = done + count, records + more, refused + less
                break
            numbers = [int(line) for line in lines if line.isdigit()]
            if not numbers:
                raise SystemExit(f"{reader}: the process did not begin: {died}")
            found.setdefault(died or "crash", numbers[-1])
            done = numbers[-1] + 1 - first
    return {"reader": reader, "seed": seed, "first": first, "executions": done, "records": records, "refused": refused,
            "findings": [{"k": k, "what": what} for what, k in sorted(found.items(), key=lambda f: f[1])]}  # fmt: skip


def _died(text: str) -> str:
    """Return in one line where a process was when it ended, without a path."""
    frames = [line.split('"') for line in text.splitlines() if line.strip().startswith("File")]
    if "Traceback" in text:  # the innermost stands last
        frames.reverse()
    shown = [f"{Path(f[1]).stem}{f[2].replace(', line ', ':').replace(' in ', '.')}" for f in frames if len(f) > 2]
    kind = "time" if "Timeout" in text else "crash"
    return f"{kind}: {' < '.join(s for s in shown[:4])}" if shown else f"{kind}: no trace"


def so_far(log: Path, reader: str, seed: int) -> int:
    """Return how many files of this seed the log says were read."""
    if not log.exists():
        return 0
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return max((r["first"] + r["executions"] for r in lines if (r["reader"], r["seed"]) == (reader, seed)), default=0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Fuzz the readers.")
    parser.add_argument("samples", help="folder with the real files")
    parser.add_argument("--seconds", type=float, default=60.0, help="wall time of each reader")
    parser.add_argument("--reader", action="append", help="only this reader (again for more)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--date", default="", help="date of the run, for the log")
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--replay", type=int, help="read the k-th file of one reader again, with the full trace")
    parser.add_argument("--out", type=Path, help="with --replay: write the file there")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


def _replay(reader: str, folder: str, seed: int, k: int, out: Path | None) -> None:
    example, data = Input(reader, folder, seed).make(k)
    print(f"{example.id}, {len(data)} bytes, family {example.family}")
    if out is not None:
        out.write_bytes(data)
    got = read(example, example.source(data), damaged=True)
    print(got if isinstance(got, str) else f"read {got.records}, kept {got.kept}, rejected {len(got.rejects)}")
    if not isinstance(got, str):
        _open(example, data, got)


def results(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the line of every reader that was asked for."""
    shown = {e.reader for e in examples()}
    for reader in given.reader or all_readers():
        if reader not in shown:
            raise SystemExit(f"{reader} has no example: add one to tests/reader_examples.py")
        yield fuzz(reader, given.samples, given.seed, so_far(given.log, reader, given.seed), given.seconds)


def main() -> int:
    """Run, write the log, return 1 if something was found."""
    given = _arguments()
    if given.child:
        reader, seed, first, seconds, state = given.child
        child(reader, given.samples, int(seed), int(first), float(seconds), Path(state))
        return 0
    if given.replay is not None:
        _replay(given.reader[0], given.samples, given.seed, given.replay, given.out)
        return 0
    total = bad = 0
    for line in results(given):
        total += line["executions"]
        bad += len(line["findings"])
        print(f"{line['reader']:26} {line['executions']:7} files, {line['refused']:7} refused, {line['records']:9} records"
              + "".join(f"\n    k={f['k']}: {f['what']}" for f in line["findings"]), flush=True)  # fmt: skip
        with given.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"date": given.date, **line}) + os.linesep)
    print(f"{total} files, {bad} findings")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
