"""Write the report of a case: one self-contained HTML file that opens without a network and prints."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

HELP = "write the report as one HTML file"
EXAMPLES = "examples:\n  qorgan report cases/2025-0417\n  qorgan report cases/2025-0417 -o /media/usb/report.html"
NAME = "report.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"where to write it (default: results/{NAME} in the case)"
    )
    parser.add_argument("--lang", default="en", metavar="LANG", help="language of the report (this version: en)")
    scoring_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, inputs_of, record, say
    from pipelines.cli.score import last_line
    from pipelines.errors import UserError, shown
    from pipelines.report.html import render
    from pipelines.scoring import load_case, parse_day, score_loaded
    from pipelines.statutes import DEFAULT, profile

    gc.freeze()  # what the imports made stays: the collector need not walk it again and again while plots come and go

    if args.lang != "en":
        raise UserError(
            f"the report in the language {shown(args.lang, 20)!r} comes with a later version; write --lang en"
        )
    if args.output is not None and args.output.lower().endswith(".pdf"):
        raise UserError("PDF comes with a later version; write a name that ends in .html, and print that page to PDF")
    statute = profile(args.statute)
    day = parse_day(args.as_of) if args.as_of is not None else None
    folder = case_folder(args)
    target = None if args.output is None else _target(folder, args.output)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    outcome = score_loaded(loaded, statute, day, known=args.known)
    data = render(outcome, loaded, statute)
    given = [
        f"--statute={args.statute}",
        *([f"--as-of={args.as_of}"] if args.as_of is not None else []),
        *(["--known"] if args.known else []),
    ]
    if target is None:
        name = NAME if statute.id == DEFAULT else f"report-{statute.id}.html"
        record(folder, "report", given, {name: data}, seen=seen)
        where = folder / "results" / name
    else:
        import hashlib

        digest = hashlib.sha256(data).hexdigest()
        _write(target, data)
        # not among the results, which are files of the case; and not by its name, which may be that of a person
        note = f"the report was written to a file outside the case: {len(data)} bytes, sha256 {digest}"
        record(folder, "report", [*given, "-o"], note=note, seen=seen)
        where = target
    say(f"report: {where}")
    say(last_line(outcome.document))
    return 0


def _target(folder: Path, output: str) -> Path:
    """Return the file to write.

    Raises
    ------
    UserError
        Its folder does not exist, it is no file, or it lies in the case itself, whose files only qorgan writes.
    """
    from pipelines.errors import UserError, shown

    path = Path(output)
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {shown(str(path.parent))}: make it first, nothing was written")
    if path.is_dir() or not path.name:
        raise UserError(f"{shown(output)} is a folder: name a file in it")
    if path.parent.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{shown(output)} lies in the case itself: leave -o out, and the report goes to results/{NAME}")
    return path


def _write(path: Path, data: bytes) -> None:
    from pipelines.errors import UserError, shown
    from pipelines.files import replace_file

    try:
        replace_file(path, data)
    except OSError as error:
        raise UserError(f"{shown(str(path))} cannot be written: {error.strerror}; nothing was changed") from None
