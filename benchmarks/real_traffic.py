"""Ordinary people's real traffic through the whole product: how many contacts get each verdict.

    python -m benchmarks.real_traffic DATASETS [--notice] [--people N] [--worst 10]

Turns the people of the Copenhagen Networks Study (calls and SMS among students, four weeks; ``cns/calls.parquet`` and ``cns/sms.parquet`` in
DATASETS) into SMS Backup & Restore files, moves the dates so that the first day is Monday 2025-10-06, ingests and scores each person as a case of its own with
the same functions as the command line. With ``--notice`` every contact gets an invented notice on day 7: a stress figure, not an error rate,
for a real refusal changes what people do. Nobody in these data is labelled; that says nothing about what happened to them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipelines.ingest import ingest
from pipelines.scoring import load_case, score_loaded
from pipelines.statutes import profile

#: Monday 2025-10-06 00:00 in Almaty, in ms since 1970
START_MS = 1_759_690_800_000
ORDER = ("systematic", "emerging", "reciprocal", "isolated", "service", "insufficient", "none")


def number(person: int) -> str:
    """Return an invented number for a person."""
    return f"+7701{person:07d}"


def people(folder: Path) -> dict[int, list[tuple[int, int, str, int]]]:
    """Return for every person of this half (time in ms, other person, what, duration) rows; what is sms_in, sms_out, call_in ... ."""
    rows: dict[int, list[tuple[int, int, str, int]]] = {}

    def add(owner: int, at: int, other: int, what: str, duration: int = 0) -> None:
        rows.setdefault(owner, []).append((START_MS + at * 1000, other, what, duration))

    sms = pq.read_table(folder / "sms.parquet").to_pylist()
    calls = pq.read_table(folder / "calls.parquet").to_pylist()
    for r in sms:
        if r["egos_here"] in ("both", "sender"):
            add(r["sender"], r["timestamp"], r["recipient"], "sms_out")
        if r["egos_here"] in ("both", "recipient"):
            add(r["recipient"], r["timestamp"], r["sender"], "sms_in")
    for r in calls:
        if r["egos_here"] in ("both", "caller"):
            add(r["caller"], r["timestamp"], r["callee"], "call_out", max(r["duration"], 0))
        if r["egos_here"] in ("both", "callee"):
            add(
                r["callee"],
                r["timestamp"],
                r["caller"],
                "missed" if r["duration"] < 0 else "call_in",
                max(r["duration"], 0),
            )
    return {p: sorted(v) for p, v in sorted(rows.items())}


def exports(folder: Path, rows: list[tuple[int, int, str, int]]) -> list[Path]:
    """Write one person's rows as the two files that SMS Backup & Restore makes."""
    sms = [r for r in rows if r[2].startswith("sms")]
    calls = [r for r in rows if not r[2].startswith("sms")]
    out = []
    if sms:
        body = "".join(f'<sms protocol="0" address="{number(o)}" date="{t}" type="{1 if w == "sms_in" else 2}" body="x" read="1" status="-1" />\n'
                       for t, o, w, _ in sms)  # fmt: skip
        out.append(folder / "sms.xml")
        out[-1].write_text(f"<?xml version='1.0' encoding='UTF-8'?>\n<smses count=\"{len(sms)}\">\n{body}</smses>\n")
    if calls:
        kind = {"call_in": 1, "call_out": 2, "missed": 3}
        body = "".join(
            f'<call number="{number(o)}" duration="{d}" date="{t}" type="{kind[w]}" presentation="1" />\n'
            for t, o, w, d in calls
        )
        out.append(folder / "calls.xml")
        out[-1].write_text(f"<?xml version='1.0' encoding='UTF-8'?>\n<calls count=\"{len(calls)}\">\n{body}</calls>\n")
    return out


def case_toml(person: int, others: list[int], notice: bool) -> str:
    """Return the case file of one person."""
    text = f'[case]\nid = "cns-{person}"\ntimezone = "Asia/Almaty"\nbasis = "consent"\n\n[owner]\nidentifiers = ["{number(person)}"]\n'
    if notice:
        for o in others:
            text += f'\n[[contact]]\nid = "P{o}"\nlabel = "P{o}"\nrole = "unknown"\nidentifiers = ["{number(o)}"]\n'
            text += (
                f'\n[[notice]]\ncontact = "P{o}"\nat = 2025-10-13T00:00:00\nkind = "told_to_stop"\nbasis = "invented"\n'
            )
    return text


def main() -> None:
    """Run the study and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--notice", action="store_true")
    parser.add_argument("--people", type=int)
    parser.add_argument("--worst", type=int, default=0)
    args = parser.parse_args()
    statute = profile("kz-115-1")
    verdicts: Counter[str] = Counter()
    worst: list[tuple[int, str, dict[str, Any]]] = []
    everybody = list(people(args.datasets / "cns").items())[: args.people]
    for person, rows in everybody:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            case = folder / "case"
            case.mkdir()
            (case / "case.toml").write_text(case_toml(person, sorted({r[1] for r in rows}), args.notice))
            report = ingest(case, exports(folder, rows))
            assert report.exit_code == 0, report
            document = score_loaded(load_case(case), statute).document
        for f in document["findings"]:
            if f["indicators"]["acts"]["value"]:
                verdicts[f["verdict"]] += 1
                worst.append((f["points"], f"person {person}, contact {f['contact_id']}", f))
    total = sum(verdicts.values())
    print(
        f"cns, {len(everybody)} people, {total} contacts that reached the owner, notice: {'invented, day 7' if args.notice else 'none'}"
    )
    for v in ORDER:
        if verdicts[v]:
            low, high = wilson(verdicts[v], total)
            print(
                f"  {v:12} {verdicts[v]:5}  {1000 * verdicts[v] / total:6.1f} per 1,000 (95 %: {1000 * low:.1f} to {1000 * high:.1f})"
            )
    for points, who, f in sorted(
        worst, key=lambda w: (-ORDER.index(w[2]["verdict"]) * 0, ORDER.index(w[2]["verdict"]), -w[0])
    )[: args.worst]:
        n = {k: x["value"] for k, x in f["indicators"].items()}
        print(f"  {who}: {f['verdict']}, {points} points; {n['acts']} acts, {n['occasions']} occasions, {n['unwanted_occasions']} unwanted on "
              f"{n['unwanted_days']} days, {n['after_notice_occasions']} after the notice; owner: {n['replies']} replies, {n['initiatives']} initiatives, "
              f"{n['conversations']} conversations, since the notice {n['replies_after_notice']}, {n['initiatives_after_notice']}, "
              f"{n['conversations_after_notice']}")  # fmt: skip


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the Wilson interval (95 %) of a share."""
    z = 1.959964
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(k * (n - k) / n + z * z / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


if __name__ == "__main__":
    main()
