"""List the statute profiles, or print one for a lawyer to check."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.statute import Element, Line, Profile

HELP = "list the statute profiles, or print one"
EXAMPLES = "examples:\n  qorgan statutes\n  qorgan statutes kz-115-1"
#: columns of a printed profile
WIDTH = 100
NEEDS = {
    "required": "required",
    "informative": "shown only: no part of the verdict",
    "not_measurable": "metadata cannot show it",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="print this profile whole")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import say, table
    from pipelines.report.words import STATES
    from pipelines.statutes import profile, profiles

    if not args.id:
        rows = [
            [p.id, p.country, STATES[p.status], p.valid_from.isoformat(), str(len(p.earlier) + 1), p.title["en"]]
            for p in profiles().values()
        ]
        say(table(rows, ["id", "country", "status", "since", "versions", "title"]))
        return 0
    for line in printed(profile(args.id)):
        say(line)
    return 0


def printed(p: Profile) -> Iterator[str]:
    """Give the lines of a whole profile: what a lawyer needs to check it, the earlier versions too."""
    from detector.parameters import PARAMETERS
    from pipelines.report.words import ORIGINS, STATES

    yield _para(f"{p.id}: {p.title['en']}", 0)
    yield _para(f"ru: {p.title['ru']}; kk: {p.title['kk']}", 2)
    yield _para(
        f"{p.provision}; {STATES[p.status]}. Days begin at midnight in {p.timezone}. This is no legal advice.", 2
    )
    yield _head("versions")
    for v in (*p.earlier, p):
        until = "" if v.valid_to is None else f" until {v.valid_to.isoformat()} (that day no longer)"
        begin = "text of" if p.status == "bill" else "from"
        gap = f" Before it, no version was the law: {v.edition.gap}" if v.edition.gap else ""
        yield _para(
            f"{v.version}: {begin} {v.valid_from.isoformat()}{until}. {v.edition.changed}{gap} {_mark(v.edition.mark, v.edition.source)}",
            2,
        )
    yield from _version(p, several=bool(p.earlier))
    later = p
    for v in reversed(p.earlier):
        yield from _version(v, several=True, later=later)
        later = v
    own = {k: x for k, x in p.parameters.items() if x.value != PARAMETERS[k].value}
    yield _head("numbers of the rules that this profile sets otherwise than docs/parameters.md")
    for name, x in own.items():
        yield _para(f"{name} = {x.value} (elsewhere {PARAMETERS[name].value}), {ORIGINS[x.origin]}: {x.source}", 2)
    if not own:
        yield "  none"
    yield _head("sources")
    for source in p.sources:
        yield _para(source, 2)
    yield _head("notes")
    for note in p.notes:
        yield _para(note, 2)


def _version(p: Profile, *, several: bool, later: Profile | None = None) -> Iterator[str]:
    """Give the wording, elements and counter-evidence of one version; what is as in the ``later`` one is not said twice."""
    which = f", version {p.version}" if several else ""
    yield _head(f"wording{which}")
    if several:
        yield _para(p.provision, 2)
    for lang, text in p.text.items():
        yield _para(f"{lang}: {text}", 2)
    yield _para(_mark(p.text_mark, p.text_source), 2)
    if later is not None and (p.elements, p.against) == (later.elements, later.against):
        yield f"  elements, thresholds, points and what speaks against: as in version {later.version}"
        return
    groups = [e.need for e in p.elements if e.need.startswith("alternative:")]
    for title, needs in (
        ("elements that the verdict rests on", ["required", *dict.fromkeys(groups)]),
        ("elements that are shown beside it", ["informative"]),
        ("elements that no metadata can show", ["not_measurable"]),
    ):
        found = [e for need in needs for e in p.elements if e.need == need]
        if found:
            yield _head(f"{title}{which}")
        for e in found:
            yield from _element(e)
    yield _head(f"what speaks against{which}; at most {p.points_max} points speak for")
    for line in p.against:
        yield _para(_line(line), 2)


def _element(e: Element) -> Iterator[str]:
    need = NEEDS.get(e.need) or f"one of the group '{e.need.partition(':')[2]}' is enough"
    yield _para(f"{e.id}: {e.title} ({need})", 2)
    if e.text:
        yield _para(f"words of the law: {e.text}", 4)
    yield _para(_mark(e.mark, e.source), 4)
    if e.needs:
        yield _para(f"what would fill it: {e.needs}", 4)
    for line in e.lines:
        yield _para(_line(line), 4)


def _line(line: Line) -> str:
    from detector.indicators import all_indicators
    from pipelines.report.words import signed, sourced, threshold

    indicator = all_indicators()[line.indicator]
    levels = ", ".join(f"{signed(points)} from {at}" for at, points in line.levels)
    test = f" {threshold(line.threshold, indicator.unit)}" if line.comparison else ""
    given = f"points: {levels}" if levels else "no points"
    return f"{line.indicator}{test}: {indicator.title} [{sourced(line.origin, line.source)}]; {given}"


def _mark(mark: str, source: str) -> str:
    from pipelines.report.words import marked

    return marked(mark, source)


def _head(text: str) -> str:
    return f"\n{text}\n{'-' * min(len(text), WIDTH)}"


def _para(text: str, indent: int) -> str:
    """Wrap a paragraph; its further lines stand two columns further in."""
    return fill(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
