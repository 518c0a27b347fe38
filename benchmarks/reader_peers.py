"""Other tools read the same files: do counts and times agree?

Each tool runs in an environment of its own under VENVS (``ws`` with whatstk, ``cm`` with chat-miner, ``gp`` with gpxpy, ``bc`` with
bandicoot 0.6.0); what is absent is left out with a sentence. Both sides give their times as texts of the clock in the file; the
difference of the two multisets is printed, ours first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.containers import Found, walk
from pipelines.identifiers import phone_identifier
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Context, Discard, Head, Unreadable, Waiting

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PEERS = {
    "whatstk": ("ws", "whatsapp-txt", "import sys, json, whatstk\nd = whatstk.WhatsAppChat.from_source(filepath=sys.argv[1]).df\n"
                "print(json.dumps([t.strftime('%Y-%m-%d %H:%M') for t in d['date']]))"),
    "chat-miner": ("cm", "whatsapp-txt", "import sys, json, logging\nlogging.disable(50)\nimport chatminer.chatparsers as p\n"
                   "x = p.WhatsAppParser(sys.argv[1]); x.parse_file()\n"
                   "print(json.dumps([m.strftime('%Y-%m-%d %H:%M') for m in x.parsed_messages.get_df()['timestamp']]))"),
    "chat-miner (Telegram)": ("cm", "telegram-json", "import sys, json, logging\nlogging.disable(50)\nimport chatminer.chatparsers as p\n"
                              "x = p.TelegramJsonParser(sys.argv[1]); x.parse_file()\n"
                              "print(json.dumps([m.strftime('%Y-%m-%d %H:%M') for m in x.parsed_messages.get_df()['timestamp']]))"),
    "gpxpy": ("gp", "gpx", "import sys, json, gpxpy\ng = gpxpy.parse(open(sys.argv[1], encoding='utf-8-sig'))\n"
              "p = [q for t in g.tracks for s in t.segments for q in s.points] + list(g.waypoints)\n"
              "print(json.dumps([q.time.strftime('%Y-%m-%d %H:%M') for q in p if q.time]))"),
    "bandicoot": ("bc", "cdr", "import sys, json, shutil, tempfile, contextlib, io\nfrom benchmarks.kernel_peers import old_names\nold_names()\n"
                  "import bandicoot\nd = tempfile.mkdtemp(); shutil.copy(sys.argv[1], d + '/ego.csv')\n"
                  "with contextlib.redirect_stdout(io.StringIO()):\n    u = bandicoot.read_csv('ego', d, describe=False, warnings=False)\n"
                  "print(json.dumps([r.datetime.strftime('%Y-%m-%d %H:%M') for r in u.records]))"),
}  # fmt: skip


class _Times(Discard):
    """A sink that keeps the reading of every kept record."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def _take(self, rows: int, columns: Any) -> None:
        local = columns["local_time"]
        values = (
            local.tolist()
            if hasattr(local, "tolist")
            else list(local)
            if not isinstance(local, int)
            else [local] * rows
        )
        self.found += [(_EPOCH + timedelta(microseconds=v)).strftime("%Y-%m-%d %H:%M") for v in values]

    def events(self, rows: int, columns: Any) -> None:
        self._take(rows, columns)

    def positions(self, rows: int, columns: Any) -> None:
        if isinstance(columns.get("sub", 1), int) and columns.get("sub", 1) == 1:
            self._take(rows, columns)


def ours(found: Found, fmt: str) -> tuple[list[str], str]:
    """Return our times, and why a file waits; a question about the owner or the order of dates is answered with the first guess."""
    options: dict[str, str] = {}
    why = ""
    for _ in range(4):
        out = _Times()
        try:
            all_readers()[fmt].read(found, Context(lambda raw: phone_identifier(raw, None), options=options), out)
        except Waiting as wait:
            why = wait.reason
            if "date_order" in wait.lines:
                options = {**options, "date_order": "mdy"}
            else:
                senders = wait.reason.partition("senders: ")[2].split(", ")
                options = {**options, "owner": senders[0].rstrip(" .") or "telegram:user1"}
            continue
        except Unreadable as error:
            return [], error.reason
        return out.found, ""
    return [], f"waits: {why}"


def compare(samples: Path, venvs: Path) -> Iterator[str]:
    """Yield one line for each tool and file."""
    for name, (env, fmt, code) in PEERS.items():
        python = venvs / env / "bin" / "python"
        if not python.exists():
            yield f"{name}: not there ({env})"
            continue
        for found in walk([samples]):
            if not isinstance(found, Found) or found.path is None:
                continue
            claims, _ = recognise(Head(found.head, found.name, found.container, found.size, found))
            if not claims or claims[0][0] != fmt:
                continue
            run = subprocess.run(
                [str(python), "-c", code, found.path], capture_output=True, text=True, timeout=300, check=False
            )
            mine, why = ours(found, fmt)
            if run.returncode:
                yield f"{name}, {found.name}: it fails ({run.stderr.strip().splitlines()[-1][:100]}); ours {len(mine)}"
                continue
            theirs = Counter(json.loads(run.stdout.strip().splitlines()[-1]))
            own = Counter(mine)
            less, more = sum((theirs - own).values()), sum((own - theirs).values())
            yield (
                f"{name}, {found.name}: ours {own.total()}, theirs {theirs.total()}, only theirs {less}, only ours {more}"
                + (f" ({why})" if why else "")
            )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path, help="folder with the real files")
    parser.add_argument("venvs", type=Path, help="folder of environments")
    args = parser.parse_args()
    for line in compare(args.samples, args.venvs):
        print(line)


if __name__ == "__main__":
    main()
