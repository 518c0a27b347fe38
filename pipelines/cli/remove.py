"""Take a source out of a case again, noted in the custody log. results/ stays as it is: score again."""

from __future__ import annotations

import argparse

HELP = "take a source out again (another person's export)"
EXAMPLES = "example: qorgan remove cases/2025-0417 3f9a12bc04d1"


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument

    case_argument(parser)
    parser.add_argument(
        "source", metavar="SOURCE", help="id of the source, its beginning (4 characters or more), or its name"
    )


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, say
    from pipelines.errors import shown
    from pipelines.resolve.source_options import label
    from pipelines.store.remove import remove

    report = remove(case_folder(args), args.source)
    say(f"custody head: {report.head}")
    name = shown(label(report.name, report.container))
    say(f"took out {name} [{report.source_id}], {report.format}, with {report.kept} records; score the case again")
    return report.exit_code
