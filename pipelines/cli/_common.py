"""What several commands share: the case argument, statute and date, tables of text, the custody line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import UserError, shown

if TYPE_CHECKING:
    from pipelines.store.custody import Hashed


def case_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument CASE."""
    parser.add_argument("case", metavar="CASE", help="folder of the case")


def scoring_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add --statute, --as-of and --known."""
    more = ", or all" if several else ""
    parser.add_argument(
        "--statute", default="kz-115-1", metavar="ID", help=f"statute profile{more} (default: kz-115-1)"
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        help="score as of 00:00 of this date in the case's zone (default: after the last row)",
    )
    parser.add_argument(
        "--known", action="store_true", help="with --as-of: leave out rows that were written down on or after that date"
    )


def case_folder(args: argparse.Namespace) -> Path:
    """Return the folder of the case.

    Raises
    ------
    UserError
        There is no case.
    """
    folder = Path(args.case)
    if not (folder / "case.toml").is_file():
        raise UserError(f"{shown(str(folder))} is no case: it has no case.toml (make one with qorgan init)")
    return folder


def say(text: str = "") -> None:
    """Print a line; control characters and escapes in names are shown, never sent to the terminal."""
    print(safe(text))


def safe(text: str, *, lines: bool = True) -> str:
    """Return text that a terminal shows harmlessly; line feeds stay unless ``lines`` is False (names from exports)."""
    from pipelines.masking import harmless

    return harmless(text, lines=lines)


def table(rows: Sequence[Sequence[str]], head: Sequence[str], right: Sequence[int] = ()) -> str:
    """Return rows as columns of text, numbers to the right."""
    cells = [[safe(c, lines=False) for c in row] for row in [head, *rows]]
    width = [max(len(r[i]) for r in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        parts = [c.rjust(width[i]) if i in right else c.ljust(width[i]) for i, c in enumerate(row)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def inputs_of(folder: Path) -> list[Hashed]:
    """Return what a score rests on, with hashes: ``case.toml`` and the manifest of the store."""
    from pipelines.files import sha256_of
    from pipelines.store.custody import Hashed

    files = (folder / "case.toml", folder / "store" / "manifest.json")
    return [Hashed(p.relative_to(folder).as_posix(), sha256_of(p)) for p in files if p.is_file()]


def record(
    folder: Path, command: str, arguments: Sequence[str], files: Mapping[str, bytes] | None = None, note: str = "",
    *, seen: Sequence[Hashed] | None = None,
) -> None:  # fmt: skip
    """Write results, add the line of custody and print the head. The caller holds no lock.

    ``seen`` is :func:`inputs_of` from before the case was read: what another command changed since then is not what was scored, and
    the log must not say so.

    Raises
    ------
    UserError
        The case was changed meanwhile; nothing was written.
    """
    from pipelines.store import custody
    from pipelines.store.lock import hold
    from pipelines.store.results import write_results

    with hold(folder, command):
        inputs = inputs_of(folder)
        if seen is not None and list(seen) != inputs:
            raise UserError("the case was changed while it was being read; nothing was written, run the command again")
        written = write_results(folder, files) if files else []
        head = custody.append(folder, command, arguments, inputs=inputs, results=written, note=note)
    print(f"custody head: {head}", file=sys.stderr if "--json" in arguments else sys.stdout)
