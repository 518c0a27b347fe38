"""Open the source record behind an event, a position, an indicator or a finding: file, hash check, locator, the raw record."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.originals import RowIndex

HELP = "open the source record behind an id"
EXAMPLES = (
    "examples:\n  qorgan show cases/2025-0417 3f9a12bc04d1#12 3f9a12bc04d1#40-44\n"
    "  qorgan show cases/2025-0417 K1.after_notice_occasions\n"
    "  qorgan show cases/2025-0417 K1 --exports /media/usb/exports"
)
_ID = re.compile(r"[0-9a-f]{12}#([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,17})|\.[1-9][0-9]{0,8})?", re.ASCII)
#: records opened for one indicator or finding, unless --all [P]
_LIMIT = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="event or position id (folded lists too), CONTACT.indicator, or CONTACT"
    )
    parser.add_argument(
        "--exports", metavar="DIR", help="where the exports lie now (default: where they were ingested from)"
    )
    parser.add_argument(
        "--content", action="store_true", help="show the content of messages too; it is masked otherwise"
    )
    parser.add_argument("--all", action="store_true", help=f"open every record, not only the first {_LIMIT}")
    scoring_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, record, say
    from pipelines.originals import Originals, RowIndex

    folder = case_folder(args)
    rows = RowIndex(folder)
    wanted, logged = expand(args, folder, rows)
    limit = len(wanted) if args.all else _LIMIT
    originals = Originals(folder, args.exports)
    status = 0
    for row_id in wanted[:limit]:
        lines, ok = originals.show(rows, row_id, content=args.content)
        status |= int(not ok)
        for line in lines:
            say(line)
    record(folder, "show", [*logged, *(["--content"] if args.content else [])])
    left = len(wanted) - limit
    say(f"{min(len(wanted), limit)} records shown" + (f", {left} more with --all" if left > 0 else ""))
    return status


def expand(args: argparse.Namespace, folder: Path, rows: RowIndex) -> tuple[list[str], list[str]]:
    """Return single row ids for what the user named: ids, folded lists, CONTACT.indicator, CONTACT; and what of it may be logged.

    A label can be a person's name, so the log has the contact's id instead.

    Raises
    ------
    UserError
        Something is none of these.
    """
    from detector.records import unfold
    from pipelines.errors import UserError, shown

    out: list[str] = []
    logged: list[str] = []
    document: dict[str, Any] | None = None
    for text in args.ids:
        if "#" in text:
            part = _ID.fullmatch(text)
            if part is None or (part[2] and int(part[2]) < int(part[1])):
                raise UserError(f"{shown(text)!r} is no id; an id is SOURCE#N, SOURCE#N.K or SOURCE#N-M")
            if int(part[2] or part[1]) > rows.last_n:  # before the list of a mistyped number fills the memory
                raise UserError(f"no event or position {shown(text)!r} in this case")
            ids = unfold([text])
            missing = [i for i in ids if not rows.find(i)]
            if missing:
                raise UserError(f"no event or position {shown(missing[0])!r} in this case")
            out += ids
            logged.append(text)
            continue
        if document is None:
            document = _document(args, folder)
        ids, name = _of_finding(document, text)
        out += ids
        logged.append(name)
    return list(dict.fromkeys(out)), logged


def _document(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from pipelines.scoring import load_case, parse_day, score_loaded
    from pipelines.statutes import profile

    day = parse_day(args.as_of) if args.as_of is not None else None
    return score_loaded(load_case(folder), profile(args.statute), day, known=args.known).document


def _of_finding(document: dict[str, Any], text: str) -> tuple[list[str], str]:
    from detector.records import unfold
    from pipelines.errors import UserError, shown
    from pipelines.explanation import find

    contact, dot, indicator = text.rpartition(".")
    names = {f["contact_id"] for f in document["findings"]} | {f["label"] for f in document["findings"]}
    if dot and contact in names:
        finding = find(document, contact)
        known = {**finding["indicators"], "before_law": finding["before_law"]}
        if indicator not in known:
            raise UserError(f"no indicator {shown(indicator)!r}; the known ones are {', '.join(known)}")
        return unfold(known[indicator]["records"]), f"{finding['contact_id']}.{indicator}"
    finding = find(document, text)
    ids = [r for name in ("acts", "outgoing") for r in finding["indicators"][name]["records"]]
    return unfold(ids), str(finding["contact_id"])


_AGREES = {True: "agrees", False: "DOES NOT AGREE"}
_FILE_ONLY = "the file agrees, THE RECORD DOES NOT"
