"""Read exports into a case: formats are recognised by content; a folder or a zip is walked; the same file twice changes nothing."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.containers import Limits
    from pipelines.errors import Finding
    from pipelines.ingest import IngestReport, Progress

HELP = "read exports into the store of a case"
EXAMPLES = "example: qorgan ingest cases/2025-0417 exports/ 'WhatsApp Chat - X.zip'"

#: undeclared contacts that are shown with a block to declare them [P]
_BUSIEST = 5
#: files that are named one by one when the same is said of many
_NAMED = 5
#: the same, of files that lie in no archive
_NAMED_LOOSE = 50
_LIMITS = (
    ("--max-members", "N", "members of one archive (100,000)"),
    ("--max-size", "GB", "gigabytes that one archive may inflate to, with those in it (50)"),
    ("--max-ratio", "N", "times that a member may inflate to its packed size (200)"),
    ("--max-depth", "N", "archives within archives (3)"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument

    case_argument(parser)
    parser.add_argument("exports", nargs="+", metavar="EXPORT", help="file, folder, archive or backup")
    limits = parser.add_argument_group("what an archive may ask for (raise it for one that you trust)")
    for flag, unit, what in _LIMITS:
        limits.add_argument(flag, type=_positive, metavar=unit, help=what)


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, say
    from pipelines.ingest import ingest

    folder = case_folder(args)
    report = ingest(folder, args.exports, progress(), limits_of(args))
    for line in lines_of(report):
        say(line)
    for line in undeclared(folder):
        say(line)
    say(f"custody head: {report.head or 'none'}")
    say(report.summary)
    return report.exit_code


def _positive(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < value < 10**9:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, is {text!r}")
    return value


def limits_of(args: argparse.Namespace) -> Limits:
    """Return the limits that the user named, the others as they are."""
    from pipelines.containers import Limits

    plain = Limits()
    return Limits(
        args.max_members or plain.members, (args.max_size or plain.total // 10**9) * 10**9, args.max_ratio or plain.ratio,
        depth=args.max_depth or plain.depth,
    )  # fmt: skip


def progress() -> Callable[[Progress], None] | None:
    """Return a callback that shows progress on a terminal; None where nobody watches."""
    if not sys.stderr.isatty():
        return None
    from pipelines.cli._common import safe

    def show(p: Progress) -> None:
        share = f"{100 * p.done // p.size} %" if p.size else ""
        print(f"\r\x1b[Kreading {safe(p.name)[:50]} {share}", end="", file=sys.stderr, flush=True)
        if p.done >= p.size:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    return show


def lines_of(report: IngestReport) -> list[str]:
    """Return what became of every file, in words."""
    from pipelines.errors import shown
    from pipelines.resolve.source_options import label as plain

    def label(name: str, container: str | None) -> str:
        return shown(plain(name, container), 400)  # a name with a line feed must not look like a line of ours

    out = [f"warning: {w}" for w in report.warnings]
    for s in report.stored:
        counts = f"read {s.read} = kept {s.kept} + rejected {s.rejected} + out of scope {s.out_of_scope}"
        when = f", {s.first} to {s.last}" if s.first else ""
        out.append(f"stored {label(s.name, s.container)} [{s.source_id}] as {s.format}: {counts}{when}")
        out += [f"    note: {n}" for n in s.notes]
    out += [f"already there: {label(k.name, k.container)} [{k.source_id}]" for k in report.already]
    for w in report.waiting:
        out.append(
            f"waiting: {label(w.name, w.container)} ({w.format}): {w.reason}; add to case.toml and ingest again:"
        )
        out += [f"    {line}" for line in w.block.strip().split("\n")]
    for word, findings in (("not read", report.unknown), ("failed", report.failed), ("look at", report.findings)):
        out += _grouped(word, findings)
    return out + _grouped("skipped", report.skipped)


def _grouped(word: str, findings: Sequence[Finding]) -> list[str]:
    """Return one line for each finding; where the same is said of many files of one archive, their number and the first."""
    from pipelines.errors import shown

    groups: dict[tuple[str, str], list[Finding]] = {}
    for f in findings:
        groups.setdefault((f.subject.rpartition("!")[0], f.sentence), []).append(f)
    out = []
    for (container, sentence), same in groups.items():
        named = _NAMED if container else _NAMED_LOOSE
        out += [f"{word}: {f}" for f in same[:named]]
        if (more := len(same) - named) > 0:
            inside = f" in {shown(container)}" if container else ""
            out.append(f"{word}: and {more} more{inside}, of which the same is true: {sentence}")
    return out


def undeclared(folder: Path) -> list[str]:
    """Return the busiest undeclared contacts, each with a block that declares it."""
    import numpy as np

    from detector.columns import coded
    from pipelines import store
    from pipelines.scoring import load_case

    if store.read_manifest(folder) is None:
        return []
    tables = load_case(folder).resolved.tables
    codes, names = coded(tables.events["contact_id"])
    counts = np.bincount(codes[codes >= 0], minlength=len(names)).tolist()
    contacts: dict[str, Any] = {c["contact_id"]: c for c in tables.contacts.to_pylist()}
    busy = sorted(
        ((n, c) for c, n in zip(names, counts, strict=True) if not contacts[c]["declared"]), key=lambda x: (-x[0], x[1])
    )
    if not busy:
        return []
    out = [f"{len(busy)} undeclared contacts; the busiest, with a block for case.toml each (fill in label and role):"]
    # a name that the journal uses for somebody would take that person's rows
    written = {c["identifiers"] for c in contacts.values()}
    taken = {c["contact_id"] for c in contacts.values()}
    taken |= {i.removeprefix("label:") for text in written for i in text.split("\n") if i.startswith("label:")}
    free = (name for k in itertools.count(1) if (name := f"K{k}") not in taken)  # u-... is reserved for the undeclared
    for number, contact in busy[:_BUSIEST]:
        identifiers = contacts[contact]["identifiers"].split("\n")
        listed = ", ".join(_quoted(i) for i in identifiers)
        name = contacts[contact]["label"]
        # beside the block and not in it: as a declared label it would take the rows of a journal that uses the name
        called = (
            ""
            if name in (i.removeprefix("label:") for i in identifiers)
            else f", called {_quoted(name)} in an address book"
        )
        out += [f"    # {contact}, {number} events{called}", "    [[contact]]", f'    id = "{next(free)}"', '    label = ""', '    role = "unknown"',
                f"    identifiers = [{listed}]"]  # fmt: skip
    return out


def _quoted(text: str) -> str:
    from pipelines.case_file import quoted

    return quoted(text)
