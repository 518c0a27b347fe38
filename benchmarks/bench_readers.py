"""How fast every registered reader reads, beside the floor of its kind of file, and whether its memory stays flat.

    python -m benchmarks.bench_readers [--records 100000] [--reader ID]

A file of invented records is written for every example of tests/reader_examples.py. The floor is what reading the same bytes costs without
understanding them: ``SELECT *`` of every table with sqlite3, ``msgspec`` decoding the whole document (or every line), lxml ``iterparse``, the
``csv`` module, iterating over decoded lines, or unpacking and ``iterparse`` of a workbook's parts. Reader and floor run by turns in one
process of their own, best of three; peak memory is that of a fresh process that only reads, above what it had before, for a tenth of the
file and for the whole.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from pipelines.readers import all_readers
from pipelines.readers.base import Discard, SourceFile
from tests.collect import Folder
from tests.reader_examples import Example, examples

MEBI = 1 << 20


class Counting(Discard):
    """A sink that counts what comes and forgets it."""

    def __init__(self) -> None:
        self.records = self.rows = 0
        self.lost: dict[str, int] = {}

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        """Count rows."""
        self.rows += rows

    positions = listed = events

    def read(self, records: int) -> None:
        """Count records."""
        self.records += records


def source(example: Example, path: Path) -> SourceFile:
    """Return a file on disk as a source that is not held in memory."""
    beside = None if example.beside is None else Folder(example.beside)
    return SourceFile(
        "0" * 12,
        example.name or path.name,
        example.container,
        path.stat().st_size,
        lambda: path.open("rb"),
        str(path),
        beside=beside,
    )


def with_reader(example: Example, path: Path) -> int:
    """Read with the reader; return the number of records."""
    sink = Counting()
    context = replace(example.ctx, phone=lru_cache(1 << 16)(example.ctx.phone))
    all_readers()[example.reader].read(source(example, path), context, sink)
    return sink.records


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            cursor = db.execute(f'SELECT * FROM "{table}"')
            while cursor.fetchmany(8192):
                pass


def _json(path: Path) -> None:
    data = path.read_bytes()
    try:
        msgspec.json.decode(data[data.index(b"=") + 1 :] if data.startswith(b"window.") else data)
    except msgspec.DecodeError:
        decode = msgspec.json.Decoder().decode
        for line in data.splitlines():
            decode(line[max(line.find(b"{"), 0) :])  # a line may begin with a time


def _parse(stream: Any, **how: Any) -> None:
    for _, element in etree.iterparse(stream, huge_tree=True, recover=True, **how):
        element.clear()


def _xml(path: Path) -> None:
    with path.open("rb") as stream:
        _parse(stream)


def _html(path: Path) -> None:
    with path.open("rb") as stream:
        _parse(stream, html=True)


def _csv(path: Path) -> None:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        for _ in csv.reader(stream):
            pass


def _lines(path: Path) -> None:
    with path.open("rb") as stream:
        wide = stream.read(2) == b"\xff\xfe"
    with path.open(encoding="utf-16" if wide else "utf-8", errors="replace") as stream:
        for _ in stream:
            pass


def _book(path: Path) -> None:
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            with book.open(name) as part:
                _parse(part)


def _packed(path: Path) -> None:
    msgspec.json.decode(zlib.decompress(path.read_bytes()))


FLOORS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "sqlite": ("sqlite3 SELECT *", _sqlite), "json": ("msgspec", _json), "xml": ("lxml iterparse", _xml), "html": ("lxml iterparse", _html),
    "table": ("csv", _csv), "text": ("lines", _lines), "mail": ("lines", _lines), "workbook": ("zip and lxml", _book), "packed": ("zlib and msgspec", _packed),
}  # fmt: skip


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one(example: Example, path: Path, tenth: Path, what: str) -> dict[str, Any]:
    """Measure in this process: ``speed``, or the peak memory of reading the ``whole`` or the ``tenth``."""
    floor = FLOORS[example.family][1]
    if what != "speed":
        with tempfile.TemporaryDirectory() as room:  # loading of modules is no part of reading
            tiny = Path(room) / "tiny"
            tiny.write_bytes(example.data(20))
            with_reader(example, tiny)
        base = _peak()
        with_reader(example, path if what == "whole" else tenth)
        return {"peak": _peak() - base}
    with_reader(example, tenth)
    floor(tenth)
    read = base_line = float("inf")
    records = 0
    for _ in range(3):
        start = time.perf_counter()
        records = with_reader(example, path)
        read = min(read, time.perf_counter() - start)
        base_line = min(base_line, _timed(lambda: floor(path)))
    return {"s": read, "floor": base_line, "records": records}


def _peak() -> int:
    """Return the peak memory of this very process: that of resource counts what the parent had when it was forked, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(t for t in status.read_text(encoding="ascii").splitlines() if t.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(example: Example, records: int, room: Path) -> dict[str, Any]:
    """Write the files and measure in processes of their own."""
    path, tenth = room / "whole", room / "tenth"
    path.write_bytes(example.make(records))
    tenth.write_bytes(example.make(records // 10))
    out: dict[str, Any] = {"bytes": path.stat().st_size}
    for what in ("speed", "tenth", "whole"):
        command = [sys.executable, "-m", "benchmarks.bench_readers", "--one", example.id, str(path), str(tenth), what]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        out |= {what: found["peak"]} if "peak" in found else found
    return out


def row(example: Example, got: Mapping[str, Any]) -> str:
    """Return a line of the table."""
    ratio = got["s"] / got["floor"]
    cells = (example.id, f"{got['records']:,}", f"{got['bytes'] / MEBI:.1f} MiB", f"{got['records'] / got['s'] / 1000:,.0f}",
             f"{got['bytes'] / MEBI / got['s']:.0f}", FLOORS[example.family][0], f"{ratio:.2f}", f"{got['tenth'] / MEBI:.0f}", f"{got['whole'] / MEBI:.0f}")  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every example, or those of some readers, and print a table."""
    parser = argparse.ArgumentParser(description="Measure the readers.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--reader", action="append")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    known = {e.id: e for e in examples()}
    if given.one:
        name, path, tenth, what = given.one
        print(json.dumps(one(known[name], Path(path), Path(tenth), what)))
        return
    print(
        "| example | records | file | 1,000 records/s | MiB/s | floor | times the floor | MiB for a tenth | MiB for the whole |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for example in known.values():
        if example.single or (given.reader and example.reader not in given.reader):
            continue
        with tempfile.TemporaryDirectory() as room:
            print(row(example, measured(example, given.records, Path(room))), flush=True)


if __name__ == "__main__":
    main()
