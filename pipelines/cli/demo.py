"""Build an example case (invented people), ingest it, score it, write the report, and say where it is."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

HELP = "build, score and report an example case"
EXAMPLES = "example: qorgan demo my-demo"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dir", nargs="?", default="qorgan-demo", metavar="DIR", help="folder of the case (default: qorgan-demo)"
    )


def run(args: argparse.Namespace) -> int:
    from pipelines.cli import ingest as ingest_command
    from pipelines.cli._common import inputs_of, record, say
    from pipelines.cli.score import last_line, summary
    from pipelines.demo import examples, make
    from pipelines.ingest import ingest
    from pipelines.report.html import render
    from pipelines.scoring import load_case, score_loaded, to_bytes
    from pipelines.statutes import DEFAULT, profile

    gc.freeze()  # what the imports made stays: the collector need not walk it again and again while plots come and go

    folder = Path(args.dir)
    make(folder)
    report = ingest(folder, [examples() / "exports"], ingest_command.progress())
    for line in ingest_command.lines_of(report):
        if not line.startswith("    note"):
            say(line)
    statute = profile(DEFAULT)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    outcome = score_loaded(loaded, statute)
    files = {"findings.json": to_bytes(outcome.document), "report.html": render(outcome, loaded, statute)}
    say()
    say(summary(outcome.document))
    record(folder, "demo", [], files, seen=seen)
    say(last_line(outcome.document))
    say(f"next: qorgan explain {folder} K1    qorgan show {folder} K1.after_notice_occasions")
    say(f"report: {(folder / 'results' / 'report.html').resolve()}")
    # the example's rejects are there on purpose; anything else means that the package is not whole
    return report.exit_code if report.failed or report.waiting or report.unknown else 0
