"""Open the source record behind an event, a position, an indicator or a finding: file, hash check, locator, the raw record."""

from __future__ import annotations

import argparse

HELP = "open the source record behind an id"
EXAMPLES = (
    "examples:\n  qorgan show cases/2025-0417 3f9a12bc04d1#12 3f9a12bc04d1#40-44\n"
    "  qorgan show cases/2025-0417 K1.after_notice_occasions\n"
    "  qorgan show cases/2025-0417 K1 --exports /media/usb/exports"
)
#: records opened for one indicator or finding, unless --all [P]
_LIMIT = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="event or position id (folded lists too), CONTACT.indicator, or CONTACT"
    )
    parser.add_argument(
        "--exports", metavar="DIR", help="where the exports lie now (default: where they were ingested from)"
    )
    parser.add_argument(
        "--content", action="store_true", help="show the content of messages too; it is masked otherwise"
    )
    parser.add_argument("--all", action="store_true", help=f"open every record, not only the first {_LIMIT}")
    scoring_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, record, say
    from pipelines.cli._records import Originals, RowIndex, expand

    folder = case_folder(args)
    rows = RowIndex(folder)
    wanted, logged = expand(args, folder, rows)
    limit = len(wanted) if args.all else _LIMIT
    originals = Originals(folder, args.exports)
    status = 0
    for row_id in wanted[:limit]:
        lines, ok = originals.show(rows, row_id, content=args.content)
        status |= int(not ok)
        for line in lines:
            say(line)
    record(folder, "show", [*logged, *(["--content"] if args.content else [])])
    left = len(wanted) - limit
    say(f"{min(len(wanted), limit)} records shown" + (f", {left} more with --all" if left > 0 else ""))
    return status
