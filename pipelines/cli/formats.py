"""List the export formats that can be read, or say what a file is and why."""

from __future__ import annotations

import argparse

HELP = "list the export formats, or say what a file is and why"
EXAMPLES = (
    "examples:\n  qorgan formats export.zip\n"
    "  qorgan formats --map list.csv --layout kcell\n"
    "  qorgan formats --map list.csv --set counterpart='Номер Б' --set start='Дата' --case cases/2025-0417"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="*", metavar="FILE", help="say what these files are; nothing is read or stored")
    parser.add_argument(
        "--map", action="store_true", help="show the first rows of FILE as they would be read; nothing is stored"
    )
    parser.add_argument("--layout", metavar="NAME", help="with --map: a known arrangement of the columns")
    parser.add_argument(
        "--set", action="append", metavar="KEY=VALUE",
        help="with --map: an option of [[source]], or which column is what, by heading or by number from 1 (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--case", metavar="CASE", help="with --map: take owner, country and [[source]] of this case")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import say
    from pipelines.errors import UserError
    from pipelines.readers import all_readers

    if args.map:
        from pipelines.cli._mapping import preview

        return preview(args)
    if args.layout or args.set or args.case:
        raise UserError("--layout, --set and --case go with --map")
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
        claims, verdict = recognise(Head(found.head, found.name, found.container, found.size, found))
        name = shown(label(found.name, found.container))
        if verdict == "known":
            say(f"{name}: {claims[0][0]} ({claims[0][1].reason})")
            for other, claim in claims[1:]:
                say(f"    less likely {other} ({claim.reason})")
        else:
            equal = [(n, c) for n, c in claims if c.sure == claims[0][1].sure]
            both = " and ".join(f"{n} ({c.reason})" for n, c in equal)
            say(
                f"{name}: "
                + (f"{len(equal)} readers are equally sure: {both}" if claims else "no reader knows this file")
            )
            for other, claim in claims[len(equal) :]:
                say(f"    less likely {other} ({claim.reason})")
            status = 1
    return status
