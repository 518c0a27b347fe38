"""Score a case: findings go to results/, a table to the terminal."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import Any

HELP = "score a case under a statute"
EXAMPLES = (
    "examples:\n  qorgan score cases/2025-0417\n  qorgan score cases/2025-0417 --as-of 2026-01-01 --json"
    "\n  qorgan score cases/2025-0417 --statute all"
)
#: the strongest verdict first, and the word that stands for it in the table of all statutes
RANK = {
    "systematic": "syst", "emerging": "emer", "isolated": "isol", "reciprocal": "recip", "service": "serv",
    "insufficient": "insuf", "none": "none",
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    from pipelines.cli._common import case_argument, scoring_arguments

    case_argument(parser)
    scoring_arguments(parser, several=True)
    parser.add_argument(
        "--json", action="store_true", help="print the findings themselves (a list of documents with --statute all)"
    )


def run(args: argparse.Namespace) -> int:
    from pipelines.cli._common import case_folder, inputs_of, record, say
    from pipelines.scoring import (
        far_off,
        json_text,
        load_case,
        parse_day,
        ready,
        results_name,
        score_loaded,
        to_bytes,
        unmatched,
    )
    from pipelines.statutes import DEFAULT, in_force, profile

    every = args.statute == "all"
    chosen = in_force() if every else [profile(args.statute).id]
    day = parse_day(args.as_of) if args.as_of is not None else None
    folder = case_folder(args)
    seen = inputs_of(folder)
    loaded = load_case(folder)
    case = ready(loaded, day, known=args.known)
    documents = [score_loaded(loaded, profile(s), day, known=args.known, case=case).document for s in chosen]
    files = {results_name(d["statute"]["id"], DEFAULT): to_bytes(d) for d in documents}
    given = [
        f"--statute={args.statute}",
        *([f"--as-of={args.as_of}"] if args.as_of is not None else []),
        *(["--known"] if args.known else []),
    ]
    record(folder, "score", [*given, *(["--json"] if args.json else [])], files, seen=seen)
    if args.json:
        whole = json_text(documents) if every else to_bytes(documents[0]).decode()
        print(whole, end="")
        return 0
    say(overview(documents) if every else summary(documents[0]))
    if every:
        say(left_out())
    say(f"findings: {', '.join(files)} in {folder / 'results'}")
    for sentence in unmatched(loaded):
        say(f"look at case.toml: {sentence}")
    for sentence in far_off(loaded) if day is None else []:
        say(f"note: {sentence}")
    last = last_line(next(d for d in documents if d["statute"]["id"] == DEFAULT) if every else documents[0])
    say(f"under {DEFAULT}: {last}" if every else last)
    return 0


def left_out() -> str:
    """Say which profiles ``--statute all`` leaves out, and why."""
    from pipelines.statutes import bills

    return f"left out: {', '.join(bills()) or 'none'} (bills and no law: never scored)"


def _parts(rows: list[list[str]], heads: list[str]) -> list[list[int]]:
    """Return the columns of each table, so that it fits on a terminal; all of them in one where the output is no terminal."""
    if not sys.stdout.isatty():
        return [list(range(len(heads)))]
    room = shutil.get_terminal_size().columns
    width = [max(len(r[i]) for r in [heads, *rows]) + 2 for i in range(len(heads))]
    parts = [[0]]
    for i in range(1, len(heads)):
        if len(parts[-1]) > 1 and sum(width[k] for k in (*parts[-1], i)) - 2 > room:
            parts.append([0])
        parts[-1].append(i)
    return parts


def overview(documents: list[dict[str, Any]]) -> str:
    """Return one table of contacts against statutes: verdict, in short, and points; the strongest contacts first.

    Contacts that every statute calls ``none`` or ``service`` are counted, not listed.
    """
    from detector.findings import counted
    from pipelines.cli._common import table

    order = list(RANK)
    cells: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        for f in document["findings"]:
            cells.setdefault(f["contact_id"], []).append(f)
    shown = {c: found for c, found in cells.items() if any(f["verdict"] not in ("none", "service") for f in found)}

    def strength(contact: str) -> tuple[int, int, str]:
        found = shown[contact]
        return min(order.index(f["verdict"]) for f in found), -max(f["points"] for f in found), contact

    rows = [
        [c, *(f"{RANK[f['verdict']]} {f['points']}" for f in shown[c])] for c in sorted(shown, key=strength)
    ]  # fmt: skip
    heads = ["contact", *(d["statute"]["id"] for d in documents)]
    text = "\n\n".join(
        table([[r[i] for i in part] for r in rows], [heads[i] for i in part]) for part in _parts(rows, heads)
    )
    first = documents[0]
    title = f"{len(documents)} statutes in force, case {first['case_id']}, as of {first['as_of']}: verdict and points"
    words = ", ".join(f"{short} {name}" for name, short in RANK.items() if short != name)
    folded = len(cells) - len(shown)
    rest = (
        f"\n{counted(folded, 'more contact')} {'is' if folded == 1 else 'are'} none or service under every statute"
        if folded
        else ""
    )
    late = [
        f"{d['statute']['id']} (from {d['statute']['valid_from']})"
        for d in documents
        if d["statute"]["valid_from"] >= d["as_of"][:10]
    ]
    rest += f"\nno act lies in the time of {', '.join(late)}, so no verdict there says anything" if late else ""
    return f"{title}\n\n{text}\n{rest}\n{words}; points rank contacts within one statute, not statutes with one another"


def summary(document: dict[str, Any]) -> str:
    """Return the table of findings as text, the strongest verdict first."""
    from pipelines.cli._common import table

    rank = list(RANK)
    findings = sorted(document["findings"], key=lambda f: (rank.index(f["verdict"]), -f["points"], f["contact_id"]))
    rows = []
    for f in findings:
        ind = f["indicators"]
        after = ind["after_notice_acts"]["value"]
        rows.append([
            f["contact_id"], f["label"][:28], f["verdict"], str(f["points"]), str(ind["acts"]["value"]),
            str(ind["occasions"]["value"]), str(ind["unwanted_occasions"]["value"]), "-" if after is None else str(after),
            str(ind["outgoing"]["value"]), (f["first_met"] or "-")[:10],
        ])  # fmt: skip
    head = [
        "contact",
        "label",
        "verdict",
        "points",
        "acts",
        "occasions",
        "unwanted",
        "after notice",
        "outgoing",
        "first met",
    ]
    text = table(rows, head, right=range(3, 9))
    title = f"{document['statute']['id']} (version {document['statute']['version']}), case {document['case_id']}, as of {document['as_of']}"
    return f"{title}\n\n{text}\n"


def last_line(document: dict[str, Any]) -> str:
    """Say what was found, how much was left out and why."""
    from detector.findings import counted

    verdicts, nobody = [f["verdict"] for f in document["findings"]], document["unidentified"]["acts"]
    found = ", ".join(f"{verdicts.count(v)} {v}" for v in RANK if v in verdicts)
    cover = document["coverage"]
    lost, scope, double = (sum(c[k] for c in cover) for k in ("rejected", "out_of_scope", "duplicate"))
    lacking = sum(o[k]["events"] for o in document["overlaps"] for k in ("only_a", "only_b"))
    more = (
        f", {counted(lacking, 'event')} that one source has and another lacks (overlaps in the findings)"
        if lacking
        else ""
    )
    more += f"; {counted(len(document['unread']), 'file')} not read at all" if document["unread"] else ""
    return (
        f"{counted(len(verdicts), 'contact')}: {found or 'none'}; {counted(nobody, 'act')} of unidentified callers and persons "
        f"{'belongs' if nobody == 1 else 'belong'} to nobody; {counted(sum(c['read'] for c in cover), 'record')} read from {counted(len(cover), 'source')}, {double} duplicate, {lost} rejected, {scope} out of scope{more}"
    )
