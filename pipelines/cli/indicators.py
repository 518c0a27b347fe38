"""List the indicators: what is measured, in which unit, by which formula, after whom."""

from __future__ import annotations

import argparse

HELP = "list the indicators with unit, formula and source"


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    from detector.indicators import all_indicators
    from pipelines.cli._common import say

    del args
    for i in all_indicators().values():
        say(f"{i.id} [{i.unit}]: {i.title}\n    {i.formula}\n    source: {i.source}")
    return 0
