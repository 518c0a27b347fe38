"""How fast is the reader of Telegram exports, and how much memory does it take?

    python -m benchmarks.bench_telegram                     # a file of 100,000 messages
    python -m benchmarks.bench_telegram -n 1500000 -r 1     # about 650 MB
    python -m benchmarks.bench_telegram --file result.json

The reader (both passes, with a sink that keeps nothing) runs beside plain decoders that turn the whole file into Python
objects and make no rows of it: ``json``, ``msgspec`` and, where it is installed, ``orjson``; ``floor`` only reads the file in
1 MiB blocks. Every run has a process of its own; the time excludes imports; the peak is that of resident memory. Ratios are
times of the reader: above 1 the other one is slower.
"""

from __future__ import annotations

import argparse
import importlib.util
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

from pipelines.readers.base import Context, SourceFile

ENGINES = ("floor", "qorgan", "msgspec", "orjson", "json")
TEXT = "please answer me I saw you today at the shop call back now stop where home work later ok yes no см завтра"
WORDS = tuple(TEXT.split())


class NullSink:
    """Counts rows and keeps nothing."""

    def __init__(self) -> None:
        self.rows = 0

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.rows += rows

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.rows += rows

    def reject(self, n: int, record: str, reason: str) -> None: ...

    def out_of_scope(self, records: int = 1) -> None: ...

    def read(self, records: int) -> None: ...

    def note(self, text: str) -> None: ...

    def owner(self, identifiers: Sequence[str]) -> None: ...

    def coverage(self, channel: str, classes: str, **more: Any) -> None: ...


def write_export(path: Path, messages: int, chats: int, seed: int = 13) -> None:
    """Write an invented export as the exporter lays it out; one chat, or an account of so many."""
    draw = random.Random(seed)
    depth = 1 if chats == 1 else 4
    pad, owner = " " * depth, 700_000_001
    with path.open("w", encoding="utf-8") as out:
        if chats > 1:
            out.write(f'{{\n "about": "x",\n "personal_information": {{\n  "user_id": {owner}\n }},\n "chats": {{\n')
            out.write('  "about": "y",\n  "list": [')
        at = datetime(2023, 1, 1, tzinfo=UTC)
        number = 0
        for chat in range(chats):
            peer = 700_000_002 + chat
            size = messages // chats + (chat < messages % chats)
            head = "\n   " if chats > 1 else ""
            out.write(f'{"," if chat else ""}{head}{{\n{pad}"name": "Contact {chat}",\n{pad}"type": "personal_chat",\n')
            out.write(f'{pad}"id": {peer},\n{pad}"messages": [')
            for k in range(size):
                number += 1
                at += timedelta(seconds=draw.randrange(1, 100))
                out.write("," if k else "")
                out.write(_message(draw, number, at, (owner, peer)[draw.random() < 0.6], depth + 1))
            out.write(f"\n{pad}]\n{' ' * (depth - 1)}}}")
        out.write("\n  ]\n }\n}" if chats > 1 else "")


def _message(draw: random.Random, number: int, at: datetime, sender: int, depth: int) -> str:
    text = " ".join(draw.choices(WORDS, k=draw.randrange(1, 20)))
    message: dict[str, Any] = {
        "id": number,
        "type": "message",
        "date": (at + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(int(at.timestamp())),
        "from": f"Person {sender}",
        "from_id": f"user{sender}",
    }
    what = draw.random()
    if what < 0.02:
        message = {k.replace("from", "actor"): v for k, v in message.items()} | {
            "type": "service", "action": "phone_call", "discard_reason": draw.choice(("missed", "hangup")),
            "text": "", "text_entities": [],
        }  # fmt: skip
    elif what < 0.12:
        message |= {"photo": "(File not included. Change data exporting settings to download.)", "width": 1280,
                    "height": 960, "text": "", "text_entities": []}  # fmt: skip
    elif what < 0.17:
        link = {"type": "link", "text": "https://example.org"}
        message |= {"text": [text, link], "text_entities": [{"type": "plain", "text": text}, link]}
    else:
        message |= {"text": text, "text_entities": [{"type": "plain", "text": text}]}
    lines = json.dumps(message, ensure_ascii=False, indent=1).split("\n")
    return "".join(f"\n{' ' * depth}{line}" for line in lines)


def _qorgan(path: Path) -> Callable[[], int]:
    from pipelines.readers.telegram_json import READER

    source = SourceFile("0" * 12, path.name, None, path.stat().st_size, lambda: path.open("rb"), str(path))

    def run() -> int:
        sink = NullSink()
        READER.read(source, Context(lambda raw: (None, "none")), sink)
        return sink.rows

    return run


def _floor(path: Path) -> Callable[[], int]:
    def run() -> int:
        lines = 0
        with path.open("rb", buffering=0) as stream:
            while block := stream.read(1 << 20):
                lines += block.count(b"\n")
        return lines

    return run


def _decoder(path: Path, name: str) -> Callable[[], int]:
    if name == "msgspec":
        import msgspec

        decode: Callable[[bytes], Any] = msgspec.json.decode
    else:
        decode = importlib.import_module(name).loads

    def run() -> int:
        data = decode(path.read_bytes())
        return len(data["messages"]) if "messages" in data else sum(len(c["messages"]) for c in data["chats"]["list"])

    return run


def _one(engine: str, path: Path) -> dict[str, Any]:
    # the first array made of Python objects imports pandas, which is no part of the reading
    if engine == "qorgan":
        import pyarrow as pa

        pa.array(["x"])
    makers = {"qorgan": _qorgan, "floor": _floor}
    run = makers[engine](path) if engine in makers else _decoder(path, engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    rows = run()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "rows": rows, "peak_mb": peak / 1024, "before_mb": before / 1024}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--messages", type=int, default=100_000)
    parser.add_argument("-c", "--chats", type=int, default=1, help="1: one chat; more: a whole account")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("-e", "--engines", default=",".join(ENGINES))
    parser.add_argument("--file", type=Path, help="an export to read instead of a generated one")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print(json.dumps(_one(args.run, args.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = args.file or Path(folder) / "result.json"
        if not args.file:
            write_export(path, args.messages, args.chats)
        size = path.stat().st_size / 1e6
        engines = [e for e in args.engines.split(",") if importlib.util.find_spec(e) or e in ("qorgan", "floor")]
        best: dict[str, dict[str, Any]] = {}
        for _ in range(args.rounds):
            for engine in engines:
                command = [sys.executable, "-m", "benchmarks.bench_telegram", "--run", engine, "--file", str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                result = json.loads(done.stdout)
                if engine not in best or result["seconds"] < best[engine]["seconds"]:
                    best[engine] = result
        own = best.get("qorgan", {}).get("seconds")
        print(f"{size:.1f} MB, best of {args.rounds}")
        for engine, r in best.items():
            ratio = f"{r['seconds'] / own:6.2f}" if own else "     -"
            print(
                f"{engine:8} {r['seconds']:8.3f} s {size / r['seconds']:8.1f} MB/s  ratio {ratio}  "
                f"peak {r['peak_mb']:7.0f} MB (before {r['before_mb']:.0f})  {r['rows']} rows"
            )


if __name__ == "__main__":
    main()
