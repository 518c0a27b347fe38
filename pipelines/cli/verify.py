"""Check every hash in store, custody log and results. Nothing is written."""

from __future__ import annotations

import argparse

HELP = "check every hash in store, custody log and results"
EXAMPLES = "example: qorgan verify cases/2025-0417 --head 3f9a…   # the head that an earlier command printed"


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument

    case_argument(parser)
    parser.add_argument(
        "--head", metavar="HASH", help="a head that was kept elsewhere: finds a cut tail or a rewritten chain"
    )


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, say
    from pipelines.errors import UserError
    from pipelines.store import custody
    from pipelines.store.verify import stale, verify

    folder = case_folder(args)
    problems = verify(folder, args.head)
    for problem in problems:
        say(str(problem))
    try:
        head = custody.head(folder)
    except UserError:  # its last line was changed: that is among the problems
        head = None
    for note in stale(folder):
        say(f"note: {note}")
    say(f"custody head: {head or 'none'}")
    say(f"{len(problems)} problems found" if problems else "everything agrees with its hashes")
    return 1 if problems else 0
