"""List from when contact was known to be unwanted: notices with their effect, and what block lists and the like offer as one. Nothing is applied until it is accepted."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

HELP = "refusals with their effect, and what lists offer as one; accept or refuse"
EXAMPLES = (
    "examples:\n  qorgan notices cases/2025-0417\n"
    '  qorgan notices cases/2025-0417 --accept 3f9a12bc04d1#12 --at 2025-10-02T18:30:00 --reason "the owner\'s statement"\n'
    '  qorgan notices cases/2025-0417 --refuse 3f9a12bc04d1#40 --reason "blocked by mistake"'
)
#: candidates shown, unless --all [P]
_LIMIT = 40
_STATES = {
    "effective": "effective", "contested": "effective, contested", "overtaken": "overtaken", "refused": "refused",
    "later": "after the last row", "no record": "no record yet",
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument

    case_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the lists as JSON")
    parser.add_argument("--all", action="store_true", help=f"show every candidate, not only the first {_LIMIT}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--accept", metavar="ENTRY", help="declare a notice from this entry of a list")
    which.add_argument(
        "--refuse", metavar="RECORD", help="this notice of a device or journal, or this entry, is not to count"
    )
    parser.add_argument(
        "--at", metavar="DATE-TIME", help="when it was, as in case.toml; needed if the entry has no date"
    )
    parser.add_argument(
        "--kind",
        metavar="KIND",
        help="told_to_stop, blocked, order_served or police_warning; needed unless the list is one of blocked accounts",
    )
    parser.add_argument(
        "--contact", metavar="CONTACT", help="id of the declared contact, if the entry names somebody undeclared"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; it is kept in case.toml, not in the custody log")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, say
    from pipelines.errors import UserError
    from pipelines.notices import accept, refuse

    folder = case_folder(args)
    details = (args.at, args.kind, args.contact)
    if args.accept is None and any(d is not None for d in details):
        raise UserError("--at, --kind and --contact go with --accept")
    if args.accept is None and args.refuse is None:
        if args.reason is not None:
            raise UserError("--reason goes with --accept or --refuse")
        return _lists(args)
    if args.json or args.all:
        raise UserError("--json and --all go with the lists, not with --accept or --refuse")
    if args.reason is None:
        raise UserError("--accept and --refuse need --reason TEXT")
    if args.accept is not None:
        done = accept(folder, args.accept, at=args.at, kind=args.kind, contact=args.contact, reason=args.reason)
    else:
        done = refuse(folder, args.refuse, reason=args.reason)
    if done.head is not None:
        say(f"custody head: {done.head}")
    say(done.sentence)
    return 0


def _lists(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, inputs_of, record, say
    from pipelines.notices import listing
    from pipelines.scoring import json_text, load_case
    from pipelines.statutes import DEFAULT, profile

    folder = case_folder(args)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    found = listing(loaded, profile(DEFAULT))
    if args.json:
        record(folder, "notices", ["--json"], seen=seen)
        print(json_text(found), end="")
        return 0
    say(as_text(found, str(folder), loaded.case.timezone, None if args.all else _LIMIT))
    record(folder, "notices", ["--all"] if args.all else [], seen=seen)
    say(last_line(found))
    return 0


def as_text(found: dict[str, Any], folder: str, zone: str, limit: int | None) -> str:
    """Return the lists as text.

    Parameters
    ----------
    found : dict
        See :func:`pipelines.notices.listing`.
    folder : str
        The case, for the commands that decide.
    zone : str
        The case's zone, for the clock.
    limit : int or None
        Candidates that are shown.
    """
    from pipelines.cli._common import table
    from pipelines.report.words import BASES, NOTICES
    from pipelines.scoring import clock_text

    out = [f"{found['statute']['id']}, case {found['case_id']}, as of {found['as_of'] or 'no record yet'}"]
    if found["notices"]:
        rows = [
            [n["contact_id"], n["label"][:28], _when(n, zone), NOTICES[n["kind"]], BASES[n["basis"]], n["record"] or "-",
             _STATES[n["state"]], n["note"]]
            for n in found["notices"]
        ]  # fmt: skip
        out += [
            "",
            table(rows, ["notice to", "label", "at", "kind", "known because", "record", "effect", "basis or reason"]),
        ]
    if found["unblocked"]:
        rows = [[u["contact_id"], u["label"][:28], clock_text(u["at"], zone), u["record"]] for u in found["unblocked"]]
        out += ["", table(rows, ["block taken back", "label", "at", "record"]), "that is shown, and cancels no notice"]
    offered = found["candidates"]
    if offered:
        rows = [
            [c["entry"], c["contact_id"] or "-", c["label"][:28] or "-", c["identifier"] or "-", c["channel"], c["why"],
             f"{c['source_id']} {c['record']}" + (f" and {len(c['further_entries'])} more" if c["further_entries"] else ""),
             "needs a date" if c["at"] is None else _when(c, zone), _decided(c)]
            for c in offered[:limit]
        ]  # fmt: skip
        head = ["candidate", "contact", "label", "identifier", "channel", "why", "source and record", "at", "decided"]
        out += ["", table(rows, head)]
        if limit is not None and len(offered) > limit:
            out.append(f"and {len(offered) - limit} more with --all")
        out += _how(offered, folder)
    return "\n".join(out)


def _when(row: dict[str, Any], zone: str) -> str:
    """Return a time by the case's clock; of one that is not known to the second both ends."""
    from pipelines.scoring import clock_text

    low, high = clock_text(row["earliest"], zone), clock_text(row["latest"], zone)
    return low if low == high else f"{low} to {high}"


def _decided(candidate: dict[str, Any]) -> str:
    words = {"open": "", "accepted": "accepted", "refused": "refused", "notice": "is the notice"}
    return f"{words[candidate['state']]} {candidate['note']}".strip()


def _how(offered: list[dict[str, Any]], folder: str) -> list[str]:
    """Return the commands that decide the first candidate that nobody decided."""
    first = next((c for c in offered if c["state"] == "open"), None)
    if first is None:
        return []
    words = ["qorgan", "notices", folder, "--accept", first["entry"]]
    asked = [
        *(["--at DATE-TIME"] if first["at"] is None else []),
        *(["--kind KIND"] if first["list"] != "blocked" else []),
        *(["--contact ID"] if not first["declared"] else []),
    ]
    return [
        "a list is no notice by itself: nothing above is applied until it is accepted",
        f'to accept:  {" ".join([shlex.join(words), *asked])} --reason "..."',
        f'to refuse:  {shlex.join([*words[:3], "--refuse", first["entry"]])} --reason "..."',
    ]


def last_line(found: dict[str, Any]) -> str:
    """Say what was found, and how much was left out."""
    from pipelines.errors import count

    states = [n["state"] for n in found["notices"]]
    told = "; ".join(f"{states.count(s)} {word}" for s, word in _STATES.items() if s in states)
    decided = [c["state"] for c in found["candidates"]]
    undated = sum(c["state"] == "open" and c["at"] is None for c in found["candidates"])
    own = found["own_entries"]
    return (
        f"{count(len(states), 'notice')}{f' ({told})' if told else ''}; {count(len(decided), 'candidate')} in lists: "
        f"{decided.count('open')} open, of which {undated} need a date, {decided.count('accepted')} accepted and "
        f"{decided.count('refused')} refused before"
        + (f", {decided.count('notice')} a notice already" if "notice" in decided else "")
        + (f"; {count(own, 'entry', 'entries')} of the owner's own left out" if own else "")
    )
