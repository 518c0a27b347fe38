"""Speed and memory of the WhatsApp text reader beside one regular expression over the whole text.

    python benchmarks/bench_whatsapp.py [--messages 1000000] [--rounds 3]

Three made-up chats: ``android`` (Latin letters, minutes), ``ios`` (brackets, seconds, the narrow blank before AM and PM, the
app's marks) and ``kk`` (Kazakh text, so that characters are not bytes). The reader fills a sink that throws the rows away but
counts them. The comparison does less: one compiled pattern, whose style is given to it, over the text in memory, dates with
NumPy, bodies and senders in an Arrow table; it knows no system line, attachment, call, owner or group. Every run has a process
of its own: seconds are CPU seconds without imports, memory is the highest resident memory above that after the imports.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).resolve().parent.parent
STYLES = ("android", "ios", "kk")
NAMES = ("Aigerim", "Bolat", "+7 700 000 00 02")
LATIN = re.split(
    " ", "hello where are you now please answer it is late we have to talk about the keys and the car tomorrow"
)
KAZAKH = re.split(" ", "сәлем қайда жүрсің өтінемін жауап бер кеш болды кілт пен көлік туралы ертең сөйлесейік")

HEADS = {
    "android": r"^(\d\d)/(\d\d)/(\d{4}), (\d\d):(\d\d) - ([^:\n]+): ",
    "ios": r"^\[(\d{1,2})/(\d{1,2})/(\d\d), (\d{1,2}):(\d\d):(\d\d)\u202f([AP])M\] ([^:\n]+): ",
    "kk": r"^(\d\d)\.(\d\d)\.(\d{4}), (\d\d):(\d\d) - ([^:\n]+): ",
}


def write_chat(path: Path, style: str, messages: int) -> None:
    """Write a chat: one message in twelve has a second line, one in thirty is an attachment."""
    rng = random.Random(20251002)
    when = datetime(2021, 1, 1)
    words = KAZAKH if style == "kk" else LATIN
    with path.open("w", encoding="utf-8", newline="") as out:
        for _ in range(messages):
            when += timedelta(seconds=rng.randrange(1, 120))
            body = " ".join(rng.choices(words, k=rng.randrange(1, 20)))
            if rng.random() < 1 / 12:
                body += "\n" + " ".join(rng.choices(words, k=5))
            who = rng.choices(NAMES, (50, 45, 5))[0]
            if style == "ios":
                if rng.random() < 1 / 30:
                    body = "\u200eimage omitted"
                clock = f"{when.hour % 12 or 12}:{when:%M:%S}\u202f{'PM' if when.hour > 11 else 'AM'}"
                out.write(f"[{when.month}/{when.day}/{when:%y}, {clock}] {who}: {body}\r\n")
            elif style == "kk":
                body = "<Файлдар қосылмаған>" if rng.random() < 1 / 30 else body
                out.write(f"{when:%d.%m.%Y, %H:%M} - {who}: {body}\n")
            else:
                body = "<Media omitted>" if rng.random() < 1 / 30 else body
                out.write(f"{when:%d/%m/%Y, %H:%M} - {who}: {body}\n")


class NullSink:
    """Counts rows and throws them away."""

    def __init__(self) -> None:
        self.rows = 0

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.rows += rows

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        pass

    def reject(self, n: int, record: str, reason: str) -> None:
        raise AssertionError(f"{record}: {reason}")

    def out_of_scope(self, records: int = 1) -> None:
        pass

    def read(self, records: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def owner(self, identifiers: Sequence[str]) -> None:
        pass

    def coverage(self, channel: str, classes: str, **more: Any) -> None:
        pass


def reader(path: Path, style: str) -> Callable[[], int]:
    """Prepare a run of the reader."""
    import pyarrow as pa

    from pipelines.identifiers import phone_identifier
    from pipelines.readers.base import Context, SourceFile
    from pipelines.readers.whatsapp_txt import READER

    pa.array(["x"])  # the first array loads pandas
    phone_identifier(NAMES[2], "KZ")  # loads the library of numbers

    def opener() -> BinaryIO:
        return path.open("rb")

    source = SourceFile("0" * 12, path.name, None, path.stat().st_size, opener, str(path))
    context = Context(lambda raw: phone_identifier(raw, "KZ"), frozenset({NAMES[0]}))

    def go() -> int:
        sink = NullSink()
        READER.read(source, context, sink)
        return sink.rows

    return go


def one_regex(path: Path, style: str) -> Callable[[], int]:
    """Prepare a run of one pattern over the whole text."""
    import numpy as np
    import pyarrow as pa

    pa.array(["x"])
    head = re.compile(HEADS[style], re.M)

    def go() -> int:
        text = path.read_text(encoding="utf-8")
        found = list(head.finditer(text))
        ends = [m.start() - 1 for m in found[1:]] + [len(text) - 1]
        bodies = [text[m.end() : e] for m, e in zip(found, ends, strict=True)]
        columns = list(zip(*[m.groups() for m in found], strict=True))
        numbers = [np.array(c, np.int64) for c in columns[: 6 if style == "ios" else 5]]
        first, second, year, hour, minute = numbers[:5]
        day, month = (second, first) if style == "ios" else (first, second)
        if style == "ios":
            year, hour = year + 2000, hour % 12 + 12 * (np.array(columns[6]) == "P")
        days = ((year - 1970) * 12 + month - 1).astype("M8[M]").astype("M8[D]") + (day - 1)
        times = days.astype("M8[s]") + (hour * 60 + minute) * 60 + (numbers[5] if style == "ios" else 0)
        sizes = [len(b) for b in bodies]
        table = pa.table({"ts": times, "who": pa.array(columns[-1]).dictionary_encode(), "body": bodies, "size": sizes})
        return int(table.num_rows)

    return go


ENGINES = {"reader": reader, "one regex": one_regex}


def run_one(engine: str, style: str, path: Path) -> None:
    """Run one engine once, in this process, and print a JSON line."""
    go = ENGINES[engine](path, style)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    rows = go()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak / 1024}))


def main() -> None:
    """Write the chats, run both engines in turns, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "STYLE", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        run_one(args.one[0], args.one[1], Path(args.one[2]))
        return
    print(f"{'chat':8} {'engine':10} {'MB':>6} {'messages':>9} {'CPU s':>7} {'MB/s':>7} {'peak MB':>8} {'ratio':>6}")
    for style in STYLES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "chat.txt"
            write_chat(path, style, args.messages)
            size = path.stat().st_size / 1e6
            runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
            for _ in range(args.rounds):
                for engine in ENGINES:
                    command = [sys.executable, __file__, "--one", engine, style, str(path)]
                    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=_env())
                    runs[engine].append(json.loads(done.stdout))
        rows = {int(r["rows"]) for found in runs.values() for r in found}
        if len(rows) != 1:
            raise SystemExit(f"{style}: the engines found different numbers of messages: {sorted(rows)}")
        base = statistics.median(r["seconds"] for r in runs["one regex"])
        for engine, found in runs.items():
            seconds = statistics.median(r["seconds"] for r in found)
            peak = max(r["peak_mb"] for r in found)
            print(
                f"{style:8} {engine:10} {size:6.1f} {rows.copy().pop():9} {seconds:7.2f} {size / seconds:7.1f} {peak:8.0f} "
                f"{base / seconds:5.2f}x"
            )  # fmt: skip


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
