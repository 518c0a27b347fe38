"""List the statute profiles, or print one for a lawyer to check."""

from __future__ import annotations

import argparse

HELP = "list the statute profiles, or print one"
EXAMPLES = "example: qorgan statutes kz-115-1"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="print this profile whole")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import say, table
    from pipelines.statutes import profile, profiles

    if not args.id:
        rows = [[p.id, p.country, p.status, p.valid_from.isoformat(), p.title["en"]] for p in profiles().values()]
        say(table(rows, ["id", "country", "status", "valid from", "title"]))
        return 0
    p = profile(args.id)
    say(f"{p.id}, version {p.version}: {p.title['en']}")
    say(f"{p.provision}; in force from {p.valid_from.isoformat()} ({p.timezone})")
    for lang, text in p.text.items():
        say(f"  {lang}: {text}")
    say(f"  wording: mark {p.text_mark}, {p.text_source}")
    for e in p.elements:
        say(f"\n{e.id} · {e.need} · {e.title} [{e.mark}: {e.source}]")
        if e.needs:
            say(f"  metadata cannot show it; what would fill it: {e.needs}")
        for line in e.lines:
            levels = ", ".join(f"from {v}: {n}" for v, n in line.levels) or "none"
            say(
                f"  {line.indicator} {line.threshold or '(no threshold)'} [{line.origin}: {line.source}]; points: {levels}"
            )
    say("\nspeaks against")
    for line in p.against:
        say(
            f"  {line.indicator} [{line.origin}: {line.source}]; points: {', '.join(f'from {v}: {n}' for v, n in line.levels)}"
        )
    say("\nnumbers of the rules")
    say(
        table(
            [[k, str(v.value), v.origin, v.source] for k, v in p.parameters.items()],
            ["name", "value", "origin", "source"],
        )
    )
    for note in (*p.notes, *(f"source: {s}" for s in p.sources)):
        say(f"note: {note}")
    return 0
