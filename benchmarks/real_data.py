"""Ordinary people's real contacts through the detector: which verdict they get under each statute, as they are and after invented refusals.

    python -m benchmarks.real_data DATASETS [--only cns,enron] [--statutes kz-115-1,...|all] [--list emerging] [--ingested N]

DATASETS is the folder of public data sets (the half that was set aside for development). Every person of that half is an owner with a case of their own; all
cases of a data set are scored in one call for each variant, as of 00:00 after the owner's last row. Variants:

``as they are``
    no refusal;
``notice``
    every contact gets an invented notice (``told_to_stop``) on day 7: seven times 24 hours after the owner's own first row;
``block``
    every contact gets an invented block at 00:00 of its own median day: that of the middle one of its acts.

Both inventions are stress figures, no error rates: a real refusal changes what people do. Nobody in these data is labelled; that says nothing about what
happened to them. ``--list emerging`` prints every contact that is emerging, or systematic without a refusal, with its numbers. ``--ingested N`` sends the first N people of the
Copenhagen study through SMS Backup & Restore files, ingest and resolve as well, and compares every verdict and every indicator: the short way must be the same as the long one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.real_people import DAY_S, OFFSET_S, SOURCES, US, Ints, People, Source
from detector.arrays import first_value
from detector.indicators import Measured
from detector.model import CaseTables
from detector.schema import TABLES
from detector.score import Judged, Prepared, judge
from detector.statistics import change_bar, change_scores, clopper_pearson
from detector.statute import Profile
from detector.verdict import VERDICTS
from pipelines.scoring import midnight
from pipelines.statutes import DEFAULT, profiles

VARIANTS = ("as they are", "notice", "block")
#: the order of the tables: what weighs most comes first
ORDER = ("systematic", "emerging", "reciprocal", "isolated", "none")
#: verdicts that ``--list`` shows
LISTED = ("systematic", "emerging")
#: numbers that ``--list`` prints of a contact
SHOWN = (
    "acts", "occasions", "active_days", "span_s", "unanswered_occasions", "course_occasions", "course_span_s", "course_days", "replies", "initiatives", "conversations",
    "outgoing", "own_permille", "answered_permille", "visits", "encounters", "tracking_occasions",
)  # fmt: skip


# -- invented refusals -----------------------------------------------------------------------------------------------------


def _notices(contacts: list[str], at: Sequence[int], kind: str) -> pa.Table:
    """Return one invented notice for each contact, at a moment (µs UTC) of its own."""
    rows = [
        {"contact_id": c, "ts": t, "ts_min": t, "ts_max": t + US - 1, "kind": kind, "basis": "declared", "record_id": None, "refused": False,
         "note": "invented"} for c, t in zip(contacts, at, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=TABLES["notices"])


def _median_days(case: CaseTables) -> dict[str, int]:
    """Return 00:00 (µs UTC) of the day of the middle act of every contact of a case; of two in the middle the earlier."""
    found: dict[str, int] = {}
    for table, incoming in ((case.events, True), (case.positions, False)):
        if not len(table):
            continue
        keep = table["direction"].to_numpy() == "in" if incoming else table["contact_id"].is_valid().to_numpy()
        who = np.array(table["contact_id"].to_pylist(), object)[keep].astype(str)
        local = table["local_time"].to_numpy()[keep]
        if not len(local):
            continue
        order = np.lexsort((local, who))
        who, local = who[order], local[order]
        edges = np.r_[0, np.flatnonzero(who[1:] != who[:-1]) + 1, len(who)]
        middle = (edges[:-1] + edges[1:] - 1) // 2
        offset = local[:1] - table["ts"].to_numpy()[keep][order][:1]
        day = local[middle] // (DAY_S * US) * (DAY_S * US) - offset
        found |= dict(zip(who[middle].tolist(), day.tolist(), strict=True))
    return found


def refused(people: People, variant: str) -> list[CaseTables]:
    """Return the cases of a variant."""
    if variant == "as they are":
        return people.cases
    out = []
    for case in people.cases:
        if variant == "notice":
            names = case.contacts["contact_id"].to_pylist()
            first = min(int(x["ts"].to_numpy().min()) for x in (case.events, case.positions) if len(x))
            table = _notices(names, [first + 7 * DAY_S * US] * len(names), "told_to_stop")
        else:
            days = _median_days(case)
            table = _notices(list(days), list(days.values()), "blocked")
        out.append(replace(case, notices=table))
    return out


# -- scoring ---------------------------------------------------------------------------------------------------------------


def asked(names: str) -> list[Profile]:
    """Return the statutes in force of a list, or all of them; the default one first."""
    known = {k: p for k, p in profiles().items() if p.status == "in_force"}
    wanted = list(known) if names == "all" else names.split(",")
    return [known[k] for k in sorted(wanted, key=lambda k: (k != DEFAULT, k))]


def reached(judged: Judged) -> Ints:
    """Return the contacts that reached the owner at least once."""
    return np.flatnonzero(judged.state.any(judged.state.course.act))


def verdicts(judged: Judged) -> dict[str, int]:
    """Count the verdicts of the contacts that reached the owner."""
    return {v: int((judged.verdicts.verdict[reached(judged)] == VERDICTS.index(v)).sum()) for v in VERDICTS}


def per_thousand(k: int, n: int) -> str:
    """Return a share per 1,000 with its exact 95 % interval (Clopper-Pearson)."""
    low, high = clopper_pearson(k, n)
    return f"{1000 * k / n:.1f} ({1000 * low:.1f} to {1000 * high:.1f})"


def _value(m: Measured, g: int) -> int | None:
    return int(m.value[g]) if m.known is None or m.known[g] else None


def described(judged: Judged, g: int) -> str:
    """Return one contact with its numbers."""
    m = judged.measured
    values = {n: _value(m[n], g) for n in SHOWN}
    return " ".join(f"{n}={v}" for n, v in values.items() if v or n == "replies")


def changes(judged: Judged) -> str | None:
    """Say how many contacts that reached the owner show a change point, among those watched for long enough; None if nobody was.

    Beside it stands a control: the same contacts with their active days put anywhere alike, the first act kept on day 0 (one draw, seed 2).
    """
    c, num, m = judged.state.course, judged.state.num, judged.measured["change_day"]
    groups = reached(judged)
    law = judged.state.sets.law
    end = (np.array(judged.state.as_of, np.int64)[c.case] // US + OFFSET_S) // DAY_S
    days = end - first_value(c.group, c.n_groups, c.day, law, 0)
    active = judged.state.days(law)
    long = groups[days[groups] >= num["change_min_days"]].tolist()
    if not long:
        return None
    assert m.known is not None and m.parts is not None
    parts = [m.parts(g)[0] for g in long if m.known[g]]
    falling = sum(x["before_permille"] > x["after_permille"] for x in parts)
    ended = sum(x["after_permille"] == 0 for x in parts)
    draw, alarms = np.random.default_rng(2), 0
    for g in long:
        n, k = int(days[g]), int(active[g])
        placed = np.r_[0, np.sort(1 + draw.choice(n - 1, k - 1, replace=False))]
        split = np.arange(1, n)
        score = change_scores(np.searchsorted(placed, split), np.full(n - 1, k), split, np.full(n - 1, n)).max()
        alarms += bool(score >= change_bar(np.array([n]), num["change_alarm"])[0])
    return (
        f"change points: {len(parts)} of {len(long)} contacts with enough days, {per_thousand(len(parts), len(long))} per 1,000; {falling} of them fall, {ended} to nothing; "
        f"with the active days anywhere alike: {alarms}"
    )


@dataclass
class Table:
    """The counts of one variant; statutes with the same counts share a line."""

    contacts: int
    lines: dict[tuple[int, ...], list[str]]

    def add(self, profile: Profile, counts: dict[str, int]) -> None:
        """Add what a statute gives."""
        self.lines.setdefault(tuple(counts[v] for v in ORDER), []).append(profile.id)

    def text(self, variant: str) -> Iterator[str]:
        """Yield the lines as Markdown."""
        for counts, names in self.lines.items():
            yield (
                f"| {variant} | {', '.join(names)} | "
                + " | ".join(f"{k}: {per_thousand(k, self.contacts)}" for k in counts)
                + " |"
            )


def study(source: Source, folder: Path, statutes: Sequence[Profile], listed: str) -> Iterator[str]:
    """Score one data set in every variant under every statute, and yield the lines of its tables."""
    started = time.perf_counter()
    people = source.load(folder)
    tables: dict[str, Table] = {}
    notes: list[str] = []
    for variant in VARIANTS:
        cases = refused(people, variant)
        prepared = Prepared(cases, people.as_of)
        said: dict[int, dict[str, list[str]]] = {}
        for profile in statutes:
            begin = midnight(profile.valid_from, profile.timezone)
            assert begin <= people.begin, f"{profile.id} commences after the first day"
            judged = judge(cases, profile, people.as_of, valid_from=begin, prepared=prepared)
            counts, groups = verdicts(judged), reached(judged)
            assert sum(counts[v] for v in ORDER) == len(groups)
            tables.setdefault(variant, Table(len(groups), {})).add(profile, counts)
            if variant == VARIANTS[0] and profile is statutes[0]:
                notes += [x for x in (changes(judged),) if x]
            if listed and (variant == VARIANTS[0] or listed == "all"):
                for g in groups[np.isin(judged.verdicts.verdict[groups], [VERDICTS.index(v) for v in LISTED])].tolist():
                    verdict = f"{VERDICTS[int(judged.verdicts.verdict[g])]} by rule {int(judged.verdicts.reason[g])}"
                    said.setdefault(g, {}).setdefault(verdict, []).append(profile.id)
        for g, by in said.items():
            group = judged.state.course.groups[g]
            what = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in by.items())
            notes.append(
                f"{variant}, {cases[group.case].case_id}, {group.contact_id}: {described(judged, g)} -- {what}"
            )
    yield f"\n{source.id}: {source.title}\n{len(people.cases)} owners, {tables[VARIANTS[0]].contacts} contacts that reached them; dates: {people.shift}"
    yield "| variant | statutes | " + " | ".join(f"{v}: per 1,000 (95 %)" for v in ORDER) + " |"
    yield "|" + "---|" * (len(ORDER) + 2)
    for variant, table in tables.items():
        yield from table.text(variant)
    yield from notes
    yield f"{time.perf_counter() - started:.1f} s"


# -- the long way ------------------------------------------------------------------------------------------------------------


def _number(identifier: str) -> str:
    """Return an invented number for a person."""
    return f"+7701{int(identifier.removeprefix('raw:')):07d}"


def _exports(folder: Path, case: CaseTables) -> list[Path]:
    """Write one person's rows as the two files that SMS Backup & Restore makes."""
    rows = case.events.select(["ts", "kind", "direction", "identifier", "answered", "duration_s"]).to_pylist()
    out = []
    for kind, root, name in (("message", "smses", "sms.xml"), ("call", "calls", "calls.xml")):
        mine = [r for r in rows if r["kind"] == kind]
        if not mine:
            continue
        body = []
        for r in mine:
            who, ms = _number(r["identifier"]), r["ts"] // 1000
            if kind == "message":
                body.append(
                    f'<sms protocol="0" address="{who}" date="{ms}" type="{1 if r["direction"] == "in" else 2}" body="x" read="1" status="-1" />'
                )
            else:
                way = 2 if r["direction"] == "out" else 3 if r["answered"] is False else 1
                body.append(
                    f'<call number="{who}" duration="{r["duration_s"] or 0}" date="{ms}" type="{way}" presentation="1" />'
                )
        out.append(folder / name)
        text = (
            f"<?xml version='1.0' encoding='UTF-8'?>\n<{root} count=\"{len(mine)}\">\n"
            + "\n".join(body)
            + f"\n</{root}>\n"
        )
        out[-1].write_text(text, encoding="utf-8")
    return out


def _case_toml(case: CaseTables) -> str:
    """Return the case file of one person: its contacts, and the invented notices."""
    own = int(case.case_id.rpartition("-")[2])
    text = f'[case]\nid = "{case.case_id}"\ntimezone = "Asia/Almaty"\nbasis = "consent"\n\n[owner]\nidentifiers = ["+7701{own:07d}"]\n'
    for c in case.contacts.to_pylist():
        text += f'\n[[contact]]\nid = "{c["contact_id"]}"\nlabel = "{c["contact_id"]}"\nrole = "unknown"\nidentifiers = ["{_number(c["identifiers"])}"]\n'
    for n in case.notices.to_pylist():
        at = np.datetime64(n["ts"] // US + OFFSET_S, "s")
        text += f'\n[[notice]]\ncontact = "{n["contact_id"]}"\nat = {at}\nkind = "{n["kind"]}"\nbasis = "invented"\n'
    return text


def ingested(folder: Path, most: int, variant: str) -> Iterator[str]:
    """Send people of the Copenhagen study through ingest, resolve and score, and yield what differs from the short way."""
    from pipelines.ingest import ingest
    from pipelines.scoring import load_case, scoring_moment, tables_as_of

    source = next(s for s in SOURCES if s.id == "cns")
    people = source.load(folder)
    profile = profiles()[DEFAULT]
    begin = midnight(profile.valid_from, profile.timezone)
    cases = refused(people, variant)[:most]
    short = judge(cases, profile, people.as_of[:most], valid_from=begin)
    tables, moments = [], []
    for case in cases:
        with tempfile.TemporaryDirectory() as name:
            home = Path(name) / "case"
            home.mkdir()
            (home / "case.toml").write_text(_case_toml(case), encoding="utf-8")
            report = ingest(home, _exports(Path(name), case))
            assert report.exit_code == 0, report
            loaded = load_case(home)
            moments.append(scoring_moment(loaded, None))
            tables.append(tables_as_of(loaded, moments[-1], False))
    long = judge(tables, profile, moments, valid_from=begin)
    differ = 0
    where = {(g.case, g.contact_id): k for k, g in enumerate(long.state.course.groups)}
    for k in reached(short).tolist():
        g = short.state.course.groups[k]
        other = where[g.case, g.contact_id]
        apart = [
            n
            for n, m in short.measured.items()
            if _value(m, k) != _value(long.measured[n], other) and n not in ("role_reason", "number_pool")
        ]
        if short.verdicts.verdict[k] != long.verdicts.verdict[other] or apart:
            differ += 1
            yield f"  {cases[g.case].case_id} {g.contact_id}: {', '.join(apart) or 'verdict'}"
    yield f"{variant}: {len(cases)} people, {len(reached(short))} contacts that reached them through ingest and resolve; {differ} differ from the short way"


def main() -> int:
    """Run the study and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--only", default=",".join(s.id for s in SOURCES))
    parser.add_argument("--statutes", default="all")
    parser.add_argument(
        "--list",
        default="",
        choices=("", "emerging", "all"),
        help="print each emerging or systematic contact (all: of every variant)",
    )
    parser.add_argument("--ingested", type=int, default=0, metavar="N")
    args = parser.parse_args()
    if args.ingested:
        for variant in VARIANTS:
            for line in ingested(args.datasets, args.ingested, variant):
                print(line, flush=True)
        return 0
    for source in (s for s in SOURCES if s.id in args.only.split(",")):
        for line in study(source, args.datasets, asked(args.statutes), args.list):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
