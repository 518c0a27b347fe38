"""Write the pages of ``docs/`` that are made from the program itself: ``python -m tools.make_docs``.

A table that is written twice is wrong once. So the tables of the store, the indicators, the formats, the statutes, the numbers of the rules
and the commands are described where they are defined, and their pages are made from there. ``--check`` writes nothing and leaves with 1 if
a page is stale; the tests run it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from detector.indicators import all_indicators
from detector.parameters import PARAMETERS, Parameter
from detector.schema import STORED, TABLES, Column, columns
from detector.statute import Line, Profile
from pipelines import cli
from pipelines.readers import all_readers
from pipelines.readers.base import Description
from pipelines.resolve.overlap import DURATION_S, RING_S, Clock
from pipelines.statutes import profiles

DOCS = Path(__file__).resolve().parent.parent / "docs"


def cell(text: object) -> str:
    """Return text that stands in one cell of a Markdown table and shows as it is."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def prose(text: object) -> str:
    """Return text that stands in a paragraph and shows as it is."""
    return cell(text).replace("\\|", "|")


def code(text: object) -> str:
    """Return text as code in a cell; nothing for nothing."""
    return f"`{str(text).replace('|', chr(92) + '|')}`" if str(text) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the cells are ready-made Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _page(title: str, made_from: str, *parts: str) -> str:
    note = f"*Made from {made_from} by `python -m tools.make_docs` (`make docs`). Do not edit.*"
    return "\n\n".join([f"# {title}", note, *parts]) + "\n"


# The tables of the store --------------------------------------------------------------------------------------------


def _values(column: Column) -> str:
    if column.allowed:
        return ", ".join(code(v) for v in column.allowed)
    bounds = []
    if column.lo is not None:
        bounds.append(f"at least {_number(column.lo, column.type)}")
    if column.hi is not None:
        bounds.append(f"at most {_number(column.hi, column.type)}")
    return ", ".join(bounds)


def _number(value: float, kind: pa.DataType) -> str:
    return f"{value:g}" if pa.types.is_floating(kind) else str(int(value))


def schema() -> str:
    """Return the page of the tables."""
    parts = [
        "Every table has exactly these columns in this order; a table that does not fit is refused with table, column, row and source record. "
        "Times are whole microseconds. A column marked *resolved* is not on disk: it is worked out from store and `case.toml` on every load.",
    ]
    for name, fields in TABLES.items():
        meta = {k.decode(): v.decode() for k, v in (fields.metadata or {}).items()}
        where = "on disk, written by ingest" if name in STORED else "made by resolve, in memory"
        rows = [
            [code(c.name), code(c.type), cell(c.unit), "may be empty" if c.nullable else "", "resolved" if c.resolved else "", _values(c),
             cell(c.meaning)]
            for c in columns(name)
        ]  # fmt: skip
        head = ["column", "type", "unit", "empty", "resolved", "values", "meaning"]
        parts.append(f"## {name}\n\nA row is {meta['row']}; {where}.\n\n{table(head, rows)}")
    return _page("The tables", "`detector/schema.py`", *parts)


# The indicators -----------------------------------------------------------------------------------------------------


def _uses(name: str) -> str:
    found = []
    for profile in profiles().values():
        for element in profile.elements:
            found += [
                f"{profile.id}: {element.id}" + (f" {line.threshold}" if line.threshold else "")
                for line in element.lines if line.indicator == name
            ]  # fmt: skip
        found += [f"{profile.id}: speaks against" for line in profile.against if line.indicator == name]
    return "; ".join(found)


def indicators() -> str:
    """Return the page of the indicators, by family."""
    families: dict[str, list[list[str]]] = {}
    for i in all_indicators().values():
        family = i.compute.__module__
        families.setdefault(family, []).append(
            [code(i.id), cell(i.title), cell(i.unit), cell(i.formula), cell(i.source), cell(_uses(i.id))]
        )
    parts = [
        "An indicator is one whole number of one contact, with the ids of the records it rests on. Those with *after the notice* in their "
        "title are unknown without an effective notice, those of presence without any source that could show presence; unknown is not nought. "
        "How the words are meant to the last detail stands in [rules.md](rules.md).",
    ]
    head = ["id", "what", "unit", "formula", "source", "used by"]
    for family, rows in families.items():
        about = (importlib.import_module(family).__doc__ or "").strip().split("\n")[0]
        parts.append(f"## {family.rpartition('.')[2]}\n\n{about}\n\n{table(head, rows)}")
    return _page("The indicators", "`detector/indicators/`", *parts)


# The formats --------------------------------------------------------------------------------------------------------


def _format(d: Description) -> str:
    lines = [
        f"## {d.id}",
        f"{prose(d.title)}. Version {d.version} of the description; channels: {', '.join(d.channels)}.",
        f"- *One record (`n` counts):* {prose(d.counts)}",
        f"- *Known from:* {prose(d.knowledge)} ({d.evidence})",
    ]
    if d.versions:
        lines.append(f"- *Versions seen:* {prose(d.versions)}")
    if {"call", "phone"} & set(d.channels) or d.clock_s:
        start = {"ringing": "when it began to ring", "answer": "when it was answered"}.get(d.call_start, "not known")
        own = f"may be off by {d.clock_s} s" if d.clock_s else "the phone's own"
        lines.append(
            f"- *Times of calls:* the clock is {own}; the start means: {start}; durations in steps of {d.duration_step_s} s"
        )
    out = "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])
    if d.options:
        rows = [[code(o.key), cell(o.meaning), cell(o.required_when)] for o in d.options]
        out += "\n\n" + table(["option of `[[source]]`", "meaning", "needed when"], rows)
    out += "\n\nWhat the format cannot tell:\n\n" + "\n".join(f"- {prose(c)}" for c in d.cannot_tell)
    return out


def _reach(a: Description, b: Description | None) -> str:
    one = Clock(a.clock_s, a.call_start, a.duration_step_s)
    two = Clock(0, "ringing", 1) if b is None else Clock(b.clock_s, b.call_start, b.duration_step_s)
    return f"messages {one.reach_s(two, call=False)} s, calls {one.reach_s(two, call=True)} s"


def formats() -> str:
    """Return the page of the export formats."""
    readers = [r.description for r in all_readers().values()]
    overview = table(
        ["format", "what", "versions seen", "known from"],
        [[f"[{d.id}](#{d.id})", cell(d.title), cell(d.versions), cell(d.evidence)] for d in readers],
    )
    off = [d for d in readers if d.clock_s]
    clocks = table(
        ["", *(d.id for d in off), "every other format"],
        [[f"**{a.id}**", *(_reach(a, b) for b in off), _reach(a, None)] for a in off],
    )
    parts = [
        "A file is recognised by its content, never by its name alone. `qorgan formats FILE` says what a file is and why. "
        "The evidence says what the knowledge of a format rests on: a *real sample*, the *public code* of programs that read or write it, "
        "or *documentation*.",
        overview,
        "## One call in several sources",
        "The same call or message in two sources is one event with two witnesses. Where both write the phone's own clock, their times must agree "
        "to the precision of the coarser one. Where a clock of its own is involved, the records may lie so many seconds apart (for calls: where one "
        f"source means the ringing and the other the answer, {RING_S} s more), go the same way to the same number, contradict each other neither in "
        f"whether it was answered nor, by more than the rounding and {DURATION_S} s, in the duration; the nearest pair goes first. These numbers are our own choice [P].",
        clocks if off else "No format has a clock of its own.",
        *(_format(d) for d in readers),
    ]
    return _page("The export formats", "the descriptions in `pipelines/readers/`", *parts)


# The statutes -------------------------------------------------------------------------------------------------------


def _levels(line: Line) -> str:
    return ", ".join(f"from {at}: {points:+d}" for at, points in line.levels)


def _statute(p: Profile) -> str:
    parts = [
        f"## {p.id}",
        f"{prose(p.title['en'])}. {prose(p.provision)}, version {p.version}, "
        f"{'a bill and never scored: text of' if p.status == 'bill' else p.status.replace('_', ' ') + ' since'} {p.valid_from.isoformat()} "
        f"(midnight in {p.timezone}). At most {p.points_max} points.",
        "\n".join(
            f"- Version {v.version}, from {v.valid_from.isoformat()}{'' if v.valid_to is None else f' until {v.valid_to.isoformat()}'}: "
            f"{prose(v.edition.changed)} Mark {v.edition.mark}: {prose(v.edition.source)}."
            for v in (*p.earlier, p)
        ),
        "\n>\n".join(f"> {lang}: {prose(text)}" for lang, text in p.text.items()),
        f"Wording: mark {p.text_mark}, {prose(p.text_source)}.",
    ]
    rows = []
    for e in p.elements:
        needs = f"metadata cannot show it; what would fill it: {e.needs}" if e.needs else e.short
        rows.append([code(e.id), cell(e.need), cell(e.title), cell(e.text), f"{e.mark}: {cell(e.source)}", cell(needs)])
    head = ["element", "need", "title", "words of the law", "mark and source", "if it is short, or what would fill it"]
    parts.append(table(head, rows))
    lines = [
        [code(e.id), code(line.indicator), code(line.threshold), cell(_levels(line)), cell(line.origin), cell(line.source)]
        for e in p.elements for line in e.lines
    ]  # fmt: skip
    lines += [
        ["speaks against", code(line.indicator), "", cell(_levels(line)), cell(line.origin), cell(line.source)]
        for line in p.against
    ]
    parts.append(table(["element", "indicator", "threshold", "points", "origin", "source"], lines))
    own = {k: v for k, v in p.parameters.items() if v != PARAMETERS[k]}
    if own:
        parts.append("Numbers of the rules that this profile sets itself:\n\n" + _parameters(own))
    parts.append("\n".join([*(f"- Note: {prose(n)}" for n in p.notes), *(f"- Source: {prose(s)}" for s in p.sources)]))
    return "\n\n".join(parts)


def statutes() -> str:
    """Return the page of the statute profiles."""
    marks = (
        "Marks of a wording: S, seen in the source named; S2, seen in a second-hand source; G, gloss of an official or lawyer, not the law's "
        "text; K, from knowledge, unverified; P, our own choice. Origins of a number: the statute, case law, a gloss, research, or a product "
        "choice (our own, [P] in the rules). **None of this is legal advice.** Points rank contacts and never change a verdict; they are no "
        "probability."
    )
    return _page("The statutes", "`data/statutes/`", marks, *(_statute(p) for p in profiles().values()))


# The numbers of the rules -------------------------------------------------------------------------------------------


def _value(value: int | tuple[int, int]) -> str:
    return f"{value[0]}/{value[1]}" if isinstance(value, tuple) else str(value)


def _parameters(numbers: dict[str, Parameter]) -> str:
    rows = [[code(name), _value(p.value), cell(p.origin), cell(p.source)] for name, p in numbers.items()]
    return table(["name", "value", "origin", "why, or after whom"], rows)


def parameters() -> str:
    """Return the page of the numbers of the rules."""
    intro = (
        "Every number of the rules that is not a statute's own. Names that end in `_s` are seconds, in `_m` metres, in `_share` a fraction "
        "that is compared by cross-multiplication. A profile may set each of them in `[parameters.NAME]` with its own origin and source; "
        "every findings document prints those that were used. `product_choice` is our own choice, [P] in the rules."
    )
    return _page("The numbers of the rules", "`detector/parameters.py`", intro, _parameters(PARAMETERS))


# The commands -------------------------------------------------------------------------------------------------------


def _argument(action: argparse.Action) -> list[str]:
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        name = ", ".join(f"{o}{value}" for o in action.option_strings)
    else:
        name = str(action.metavar or action.dest) + ("…" if action.nargs in ("+", "*") else "")
        name = f"[{name}]" if action.nargs in ("?", "*") else name
    return [code(name), cell(action.help or "")]


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    # argparse lays its help out by the width of the terminal and the version of Python: the page is made from the same actions instead
    actions = [a for a in parser._actions if "--help" not in a.option_strings]
    parts = [f"## qorgan {name}", (parser.description or "").strip()]
    if actions:
        parts.append(table(["argument", "meaning"], [_argument(a) for a in actions]))
    if parser.epilog:
        parts.append("```\n" + parser.epilog.strip() + "\n```")
    return "\n\n".join(parts)


def command_parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of the command line and that of every command, in the order of ``qorgan --help``."""
    parser = cli._parser(None)
    subs = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return parser, dict(subs.choices)


def commands() -> str:
    """Return the page of the command line."""
    parser, subs = command_parsers()
    status = (parser.epilog or "").partition(":")[2].strip()
    parts = [
        f"`qorgan COMMAND`, or `python -m qorgan COMMAND`. Every command has `--help`. **Exit status:** {status}.",
        table(
            ["command", "does"],
            [[f"[{n}](#qorgan-{n})", cell(importlib.import_module(f"{cli.__name__}.{n}").HELP)] for n in subs],
        ),
        *(_command(n, p) for n, p in subs.items()),
    ]
    return _page("The commands", "the parsers of `pipelines/cli/`", *parts)


PAGES: dict[str, Callable[[], str]] = {
    "schema.md": schema, "indicators.md": indicators, "formats.md": formats, "statutes.md": statutes, "parameters.md": parameters,
    "commands.md": commands,
}  # fmt: skip


def stale(folder: Path) -> list[str]:
    """Return the names of the pages in a folder that are not what the program would write now."""
    found = []
    for name, make in PAGES.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != make():
            found.append(name)
    return found


def write(folder: Path) -> list[str]:
    """Write the stale pages and return their names."""
    names = stale(folder)
    for name in names:
        (folder / name).write_text(PAGES[name](), encoding="utf-8", newline="\n")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` say which are stale.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; default: those of the process.

    Returns
    -------
    int
        1 if ``--check`` found a stale page, else 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_docs", description="Write the generated pages of docs/."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; leave with 1 if a page is stale")
    args = parser.parse_args(argv)
    names = stale(DOCS) if args.check else write(DOCS)
    for name in names:
        print(f"docs/{name} is stale: run make docs" if args.check else f"wrote docs/{name}")
    if not names:
        print("every generated page is up to date")
    return int(bool(names) and args.check)


if __name__ == "__main__":
    sys.exit(main())
