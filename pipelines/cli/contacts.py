"""Suggest which unknown identifiers may be a known contact's: who took over after a refusal, with reasons. Nothing is joined until it is accepted."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

HELP = "which unknown identifiers may be a known contact's; accept or refuse"
EXAMPLES = (
    "examples:\n  qorgan contacts cases/2025-0417\n"
    '  qorgan contacts cases/2025-0417 --accept u-0123456789 --as K1 --reason "signs with his name"'
)


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    scoring_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--accept", metavar="ID", help="this undeclared contact is the one named with --as")
    which.add_argument("--refuse", metavar="ID", help="it is not, and is not to be suggested again")
    parser.add_argument("--as", dest="contact", metavar="CONTACT", help="id of the declared contact")
    parser.add_argument("--reason", metavar="TEXT", help="why; it is kept in case.toml, not in the custody log")


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, say
    from pipelines.errors import UserError

    folder = case_folder(args)
    candidate = args.accept if args.accept is not None else args.refuse
    if candidate is None:
        if args.contact is not None or args.reason is not None:
            raise UserError("--as and --reason go with --accept or --refuse")
        return _suggestions(args)
    if args.contact is None or args.reason is None:
        raise UserError("--accept and --refuse need --as CONTACT and --reason TEXT")
    from pipelines.decisions import decide

    done = decide(folder, candidate, args.contact, accepted=args.accept is not None, reason=args.reason)
    if done.head is not None:
        say(f"custody head: {done.head}")
    say(done.sentence)
    return 0


def _suggestions(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, inputs_of, record, say
    from pipelines.scoring import load_case, parse_day, score_loaded
    from pipelines.statutes import profile

    day = parse_day(args.as_of) if args.as_of is not None else None
    statute = profile(args.statute)
    folder = case_folder(args)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    document = score_loaded(loaded, statute, day, known=args.known).document
    given = [
        f"--statute={args.statute}",
        *([f"--as-of={args.as_of}"] if args.as_of is not None else []),
        *(["--known"] if args.known else []),
    ]
    say(listing(document, str(folder), loaded.case.timezone))
    record(folder, "contacts", given, seen=seen)
    say(last_line(document))
    return 0


def listing(document: dict[str, Any], folder: str, zone: str) -> str:
    """Return suggestions and decisions as text.

    Parameters
    ----------
    document : dict
        The findings.
    folder : str
        The case, for the command that accepts.
    zone : str
        The case's zone, for the clock.
    """
    from pipelines.cli._common import safe, table
    from pipelines.suggestions import change, decided, names, offered, reasons

    found = [(f, h) for f in document["findings"] for h in offered(f)]
    called = {f["contact_id"]: f["label"] for f in document["findings"] if f["label"] not in f["identifiers"]}
    out = [f"{document['statute']['id']}, case {document['case_id']}, as of {document['as_of']}"]
    if found:
        rows = [
            [
                h["contact_id"],
                called.get(h["contact_id"], "-")[:28],
                names(h),
                f["contact_id"],
                f["label"][:28],
                str(h["points"]),
                change(f, h),
            ]
            for f, h in found
        ]
        head = ["candidate", "called", "identifiers", "may be", "label", "points", "verdict without → with"]
        out += ["", table(rows, head, right=(5,)), ""]
        for f, h in found:
            out.append(safe(f"{h['contact_id']}, perhaps {f['contact_id']}:", lines=False))
            out += [f"    {points:+d} {words}" for points, words, _ in reasons(h, zone)]
        for f in document["findings"]:
            for h in f["hypotheses"]:
                if "together" in h:
                    left = f"; {h['left_out']} weaker suggestions are left out" if h["left_out"] else ""
                    out.append(
                        safe(
                            f"all {len(h['together'])} together with {f['contact_id']}: {change(f, h)}{left}",
                            lines=False,
                        )
                    )
    told = [(f, h) for f in document["findings"] for h in decided(f)]
    if told:
        rows = [[names(h), f["contact_id"], h["decision"], h["note"]] for f, h in told]
        out += ["", table(rows, ["decided before", "contact", "decision", "reason"])]
    ready = next(((f, h) for f, h in found if f["declared"]), None)
    if ready is not None:
        f, h = ready
        words = ["qorgan", "contacts", folder, "--accept", h["contact_id"], "--as", f["contact_id"], "--reason"]
        out += [
            "",
            f'to accept:  {shlex.join(words)} "..."',
            "to refuse:  the same with --refuse; until then nothing is joined",
        ]
    if new := sorted({f["contact_id"] for f, _ in found if not f["declared"]}):
        out.append(f"before {', '.join(new)} can be named with --as, declare it with a [[contact]] in case.toml")
    return "\n".join(out)


def last_line(document: dict[str, Any]) -> str:
    """Say what was found, and how much was left out."""
    from pipelines.errors import count
    from pipelines.suggestions import decided, offered

    found = [(f, h) for f in document["findings"] for h in offered(f)]
    told = [h["decision"] for f in document["findings"] for h in decided(f)]
    left = sum(h.get("left_out", 0) for f in document["findings"] for h in f["hypotheses"])
    return (
        f"{count(len(found), 'suggestion')} for {count(len({f['contact_id'] for f, _ in found}), 'contact')}"
        f"{f', {left} weaker left out' if left else ''}; {told.count('accepted')} accepted and {told.count('refused')} refused before"
    )
