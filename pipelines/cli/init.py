"""Write a case.toml to fill in."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write a case.toml to fill in"
EXAMPLES = "example: qorgan init cases/2025-0417 --timezone Asia/Almaty"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="folder of the case; made if it is missing")
    parser.add_argument("--id", help="id of the case (default: name of the folder)")
    parser.add_argument("--timezone", default="Asia/Almaty", help="zone of the owner's phone (default: Asia/Almaty)")


def run(args: argparse.Namespace) -> int:
    from pipelines.case_file import template
    from pipelines.cli._common import say
    from pipelines.errors import UserError, shown
    from pipelines.files import write_synced
    from pipelines.zones import zone_names

    folder = Path(args.case)
    target = folder / "case.toml"
    if target.exists():
        raise UserError(f"{shown(str(target))} is there already; nothing was changed")
    if args.timezone not in zone_names():
        raise UserError(f"no zone {shown(args.timezone)!r}; write an IANA name such as Asia/Almaty")
    text = template(args.id or folder.resolve().name, args.timezone)
    folder.mkdir(parents=True, exist_ok=True)
    write_synced(target, text.encode())
    say(
        f"wrote {target}; fill in the owner, the places and the basis (consent or order), then run: qorgan ingest {folder} EXPORT…"
    )
    return 0
