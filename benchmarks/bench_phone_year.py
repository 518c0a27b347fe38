"""From a folder of exports to the report: one phone-year of 12,000 records, as a user runs it.

    python -m benchmarks.bench_phone_year [--records 12000] [--rounds 3] [--peak]

Synthetic, seeded: calls and SMS of SMS Backup & Restore and two WhatsApp chats, 60 contacts, one of them one-sided after a notice. Each command is a process
of its own (wall and CPU seconds, and its peak memory): ``ingest``, ``score``, ``score --statute all``, ``report``, and ``--version`` for the start-up alone.
Python keeps the compiled modules in a folder of this benchmark, as an installed package has them.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def write_exports(folder: Path, records: int) -> None:
    """Write the exports of one year."""
    rng = random.Random(2025)
    weights = [1 / (1 + i) for i in range(60)]
    sms, calls, chats = [], [], ([], [])  # type: ignore[var-annotated]
    for _ in range(records):
        at = BEGIN + timedelta(seconds=rng.randrange(360 * 86_400))
        who = rng.choices(range(60), weights)[0]
        inward = rng.random() < (0.97 if who == 3 and at.month > 8 else 0.5)
        what = rng.random()
        ms = int(at.timestamp() * 1000)
        if what < 0.4:
            sms.append(
                (
                    ms,
                    f'<sms protocol="0" address="+7701{who:07d}" date="{ms}" type="{1 if inward else 2}" body="text {ms}" read="1" status="-1" />',
                )
            )
        elif what < 0.7:
            missed = inward and rng.random() < 0.4
            kind, talk = (3, 0) if missed else (1 if inward else 2, rng.randrange(1, 600))
            calls.append(
                (ms, f'<call number="+7701{who:07d}" duration="{talk}" date="{ms}" type="{kind}" presentation="1" />')
            )
        else:
            local = at + timedelta(hours=5)
            name = ("Contact Three", "Contact Four")[who % 2]
            chats[who % 2].append((ms, f"{local:%d.%m.%Y, %H:%M} - {name if inward else 'Owner'}: text {ms}"))
    for path, root, rows in (("sms.xml", "smses", sms), ("calls.xml", "calls", calls)):
        body = "\n".join(r for _, r in sorted(rows))
        (folder / path).write_text(
            f"<?xml version='1.0' encoding='UTF-8'?>\n<{root} count=\"{len(rows)}\">\n{body}\n</{root}>\n"
        )
    for name, rows in zip(("Contact Three", "Contact Four"), chats, strict=True):
        (folder / f"WhatsApp Chat with {name}.txt").write_text("\n".join(r for _, r in sorted(rows)) + "\n")


CASE = """[case]
id = "year"
timezone = "Asia/Almaty"
basis = "consent"

[owner]
identifiers = ["+77019999999", "Owner"]

[[place]]
id = "home"
kind = "home"
lat = 43.24
lon = 76.89
radius_m = 100

[[contact]]
id = "K1"
label = "one-sided"
role = "former_partner"
identifiers = ["+77010000003", "Contact Three"]

[[notice]]
contact = "K1"
at = 2025-09-20T12:00:00
kind = "told_to_stop"
basis = "invented"
"""


def timed(arguments: list[str], compiled: Path) -> tuple[float, float, int]:
    """Run a command; return wall seconds, CPU seconds and peak memory in MB."""
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = str(compiled)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "qorgan", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1), arguments
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    seen: dict[str, list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory() as name:
        exports = Path(name) / "exports"
        exports.mkdir()
        write_exports(exports, args.records)
        for i in range(args.rounds + 1):  # the first round warms the caches
            case = Path(name) / f"case{i}"
            case.mkdir()
            (case / "case.toml").write_text(CASE)
            for command in (
                ["--version"],
                ["ingest", str(case), str(exports)],
                ["score", str(case)],
                ["score", str(case), "--statute", "all"],
                ["report", str(case)],
            ):
                result = timed(command, Path(name) / "compiled")
                if i:
                    seen.setdefault(" ".join((command[0], *command[3:])), []).append(result)
    whole = 0.0
    ingest_report = 0.0
    for what, results in seen.items():
        wall, cpu, peak = (statistics.median(r[k] for r in results) for k in range(3))
        whole += wall if what in ("ingest", "score", "report") else 0
        ingest_report += wall if what in ("ingest", "report") else 0
        print(f"{what:21} {wall:6.2f} s wall  {cpu:6.2f} s CPU  {peak:5.0f} MB peak")
    print(f"folder to report: {ingest_report:.2f} s (ingest and report); {whole:.2f} s with score between them")


if __name__ == "__main__":
    main()
