"""Explain one finding as a worked sum: every element, indicator, threshold with its origin, point, and what speaks against."""

from __future__ import annotations

import argparse

HELP = "one finding as a worked sum"
EXAMPLES = "example: qorgan explain cases/2025-0417 K1"


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    parser.add_argument("contact", metavar="CONTACT", help="id or label of the contact")
    scoring_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, inputs_of, record, say
    from pipelines.cli.score import last_line
    from pipelines.explanation import explanation, find
    from pipelines.scoring import load_case, parse_day, score_loaded
    from pipelines.statutes import profile

    day = parse_day(args.as_of) if args.as_of is not None else None
    statute = profile(args.statute)
    folder = case_folder(args)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    document = score_loaded(loaded, statute, day, known=args.known).document
    text = explanation(document, find(document, args.contact), loaded.case.timezone)
    given = [f"--statute={args.statute}", *([f"--as-of={args.as_of}"] if args.as_of is not None else [])]
    say(text)
    record(folder, "explain", given, seen=seen)
    say(last_line(document))
    return 0
