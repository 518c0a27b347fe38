"""Read the real sample files of other projects and print one line for each: what was recognised, what became of every record.

    python -m benchmarks.read_samples SAMPLES

SAMPLES is the folder with the real files (``shared/samples``). A file that waits for an option is given the one that its provenance states: in most chats any one of the
senders is taken for the owner, for no export says who it is; that changes directions, not counts.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from pipelines.ingest import IngestReport, ingest

FOLDERS = (
    "sms-backup-restore",
    "whatsapp-txt",
    "whatsapp-zip",
    "telegram-json",
    "google-records",
    "google-semantic",
    "google-timeline",
    "gpx",
)
#: order of dates where the file leaves it open, as its provenance reads it
DATE_ORDER = {"4A_11M": "mdy", "french": "dmy"}
CASE = '[case]\nid = "samples"\ntimezone = "Asia/Almaty"\nbasis = "consent"\n\n[owner]\nidentifiers = []\n'


def option(path: str, reason: str) -> str | None:
    """Return the line that the waiting file needs, or None."""
    if "day or the month" in reason:
        return f'date_order = "{next((v for k, v in DATE_ORDER.items() if k in path), "dmy")}"\n'
    senders = re.search(r"senders: ([^,;]+)", reason)
    if senders:
        return f'owner = "{senders.group(1).strip()}"\n'
    return 'owner = "telegram:user1"\n' if "account" in reason else None


def read(path: Path) -> tuple[IngestReport, str]:
    """Ingest one sample into a case of its own, adding options until it is read; return the report and the options."""
    text = ""
    with tempfile.TemporaryDirectory() as name:
        case = Path(name) / "case"
        case.mkdir()
        for _ in range(4):
            (case / "case.toml").write_text(CASE + (f'\n[[source]]\nmatch = "*"\n{text}' if text else ""))
            report = ingest(case, [path])
            if not report.waiting:
                break
            line = option(str(path), report.waiting[0].reason)
            if line is None or line in text:
                break
            text += line
    return report, " ".join(text.split("\n")).strip()


def main() -> None:
    """Print the table."""
    root = Path(sys.argv[1])
    print(
        "| sample | format | read | kept | rejected | out of scope | first | last | option |\n|---|---|---|---|---|---|---|---|---|"
    )
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*") if p.is_file()):
        report, given = read(path)
        for s in report.stored:
            print(
                f"| {path.relative_to(root)} | {s.format} | {s.read} | {s.kept} | {s.rejected} | {s.out_of_scope} | {s.first or '-'} | {s.last or '-'} | {given} |"
            )
        for f in (*report.unknown, *report.failed):
            print(f"| {path.relative_to(root)} | - | {f.sentence} |")
        for w in report.waiting:
            print(f"| {path.relative_to(root)} | {w.format} | waits: {w.reason} |")


if __name__ == "__main__":
    main()
