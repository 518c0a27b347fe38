"""List the export formats that can be read, or say what a file is and why."""

from __future__ import annotations

import argparse

HELP = "list the export formats, or say what a file is and why"
EXAMPLES = "example: qorgan formats export.zip"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="*", metavar="FILE", help="say what these files are; nothing is read or stored")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import say
    from pipelines.readers import all_readers

    if not args.file:
        for reader in all_readers().values():
            d = reader.description
            say(f"{d.id} (version {d.version}): {d.title}")
            say(f"    counts: {d.counts}\n    known from: {d.knowledge} [{d.evidence}]")
            for option in d.options:
                needed = f" (needed when {option.required_when})" if option.required_when else ""
                say(f"    option {option.key}: {option.meaning}{needed}")
            for limit in d.cannot_tell:
                say(f"    cannot tell: {limit}")
        return 0
    return _recognise(args.file)


def _recognise(files: list[str]) -> int:
    from pipelines.cli._common import say
    from pipelines.containers import Refused, walk
    from pipelines.errors import shown
    from pipelines.readers import recognise
    from pipelines.readers.base import Head
    from pipelines.resolve.source_options import label

    status = 0
    for found in walk(files):
        if isinstance(found, Refused):
            if found.skipped:
                continue
            say(f"{shown(label(found.name, found.container))}: not read: {found.reason}")
            status = 1
            continue
        with found.open() as stream:
            head = Head(stream.read(65_536), found.name, found.container, found.size)
        claims, verdict = recognise(head)
        name = shown(label(found.name, found.container))
        if verdict == "known":
            say(f"{name}: {claims[0][0]} ({claims[0][1].reason})")
            for other, claim in claims[1:]:
                say(f"    less likely {other} ({claim.reason})")
        else:
            both = " and ".join(f"{n} ({c.reason})" for n, c in claims[:2])
            say(f"{name}: " + (f"two readers are equally sure: {both}" if claims else "no reader knows this file"))
            status = 1
    return status
