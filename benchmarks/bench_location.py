"""Stay points, visits to known places and encounters, beside the tools that people use for them.

    python -m benchmarks.bench_location [--rows 1000000] [--rounds 3] [--geolife FIXES.parquet] [--peers VENVS]

The track is synthetic and seeded: one fix a minute, resting (a noise of some 15 m) and travelling among fifty places; the contact of the encounters goes among the same places on days of its own.
With ``--geolife`` the same is done on real walks (columns lat, lng, datetime, uid): each person a subject, the one with most fixes the owner.

VENVS is a folder of environments, each optional: ``ti`` (trackintel), ``smob`` (scikit-mobility), ``base`` (numba, geopandas). What is absent is left out with a sentence.
One JSON line for each engine (CPU seconds, which a busy machine disturbs less than the wall; the median of the rounds; the other tools run once, in a process of their own, imports and the building of their frame not counted), then a table of ratios.

The stays of trackintel and of scikit-mobility are compared one by one with ours under their definition: same person, begin and end, and how far the centres lie apart. Our distances are whole metres, so they are asked for half a
metre more or less (``d > 200.5`` is what "more than 200 whole metres" says); and once more for the plain 200 m, to see what the rounding alone does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.neighbors import BallTree

from detector.arrays import EARTH_M, Floats, Ints, haversine_m
from detector.encounters import EVER, Points, Tracks, near_rows
from detector.model import CaseTables
from detector.presence import place_of
from detector.schema import empty
from detector.stays import SCIKIT_MOBILITY, TEXTBOOK, TRACKINTEL, Stays, stays

MINUTE_US = 60_000_000
BEGIN_US = 1_735_689_600_000_000  # 2025-01-01
DISTANCE_M, MINUTES, GAP_MINUTES = 200, 15, 60
PLACES = 50
NEAR = {"encounter_m": 100, "encounter_s": 300}
SCRIPT = Path(__file__).with_name("location_peers.py")
OF_TRACKINTEL = replace(TRACKINTEL, distance_m=DISTANCE_M, time_s=60 * MINUTES, gap_s=60 * GAP_MINUTES)
OF_SKMOB = replace(SCIKIT_MOBILITY, distance_m=DISTANCE_M, time_s=60 * MINUTES)


@dataclass(frozen=True)
class Fixes:
    """Fixes by subject and time."""

    subject: Ints
    ts: Ints
    lat: Floats
    lon: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, at: Any) -> Fixes:
        """Return some of them."""
        return Fixes(self.subject[at], self.ts[at], self.lat[at], self.lon[at])

    def columns(self) -> dict[str, Any]:
        """Return them as the engines in other processes read them."""
        return {"subject": self.subject, "ts": self.ts, "lat": self.lat, "lon": self.lon}


def places() -> Floats:
    """Return fifty places of a town, latitude and longitude."""
    rng = np.random.default_rng(19)
    return np.stack([43.24 + rng.normal(0, 0.05, PLACES), 76.89 + rng.normal(0, 0.08, PLACES)], axis=1)


def synthetic(n: int, seed: int) -> Fixes:
    """Return one fix a minute of somebody who rests for up to three hours and travels for half an hour, in turns."""
    rng = np.random.default_rng(seed)
    where = places()
    weight = 1 / np.arange(1, PLACES + 1)
    rest = rng.integers(20, 200, n // 50 + 2)
    goal = where[rng.choice(PLACES, len(rest) + 1, p=weight / weight.sum())]
    lat, lon, way = [], [], np.linspace(0, 1, 30)
    for k, minutes in enumerate(rest.tolist()):
        here, there = goal[k], goal[k + 1]
        lat += [here[0] + rng.normal(0, 1e-4, minutes), here[0] + way * (there[0] - here[0])]
        lon += [here[1] + rng.normal(0, 1.5e-4, minutes), here[1] + way * (there[1] - here[1])]
    north, east = np.concatenate(lat)[:n], np.concatenate(lon)[:n]
    assert len(north) == n
    return Fixes(np.zeros(n, np.int64), BEGIN_US + np.arange(n) * MINUTE_US, north, east)


def geolife(path: Path) -> Fixes:
    """Return the real walks."""
    t = pq.read_table(path)
    who = pc.dictionary_encode(t["uid"]).combine_chunks().indices.to_numpy().astype(np.int64)
    ts = np.array(t["datetime"].to_pylist(), "datetime64[us]").astype(np.int64)
    order = np.lexsort((np.arange(len(ts)), ts, who))
    return Fixes(who[order], ts[order], t["lat"].to_numpy()[order], t["lng"].to_numpy()[order])


class Run:
    """One comparison: runs engines, prints their lines, keeps their times for the table."""

    def __init__(self, data: str, rounds: int, venvs: Path | None) -> None:
        self.data, self.rounds, self.venvs = data, rounds, venvs
        self.table: list[tuple[str, str, float]] = []

    def line(self, task: str, engine: str, seconds: float, rows: int, **checks: Any) -> None:
        """Print one result."""
        self.table.append((task, engine, seconds))
        print(json.dumps({"bench": "location", "data": self.data, "task": task, "engine": engine, "seconds": round(seconds, 4), "rows": rows, **checks}), flush=True)  # fmt: skip

    def own(
        self,
        task: str,
        engine: str,
        rows: int,
        work: Callable[[], Any],
        checks: Callable[[Any], dict[str, Any]],
        rounds: int = 0,
    ) -> Any:
        """Time something in this process."""
        times, found = [], None
        for _ in range(rounds or self.rounds):
            begin = time.process_time()
            found = work()
            times.append(time.process_time() - begin)
        self.line(task, engine, statistics.median(times), rows, **checks(found))
        return found

    def peer(
        self, venv: str, engine: str, columns: dict[str, Any], options: dict[str, Any]
    ) -> tuple[float, dict[str, Any]] | None:
        """Run another tool in its environment; None without one."""
        python = self.venvs / venv / "bin" / "python" if self.venvs else None
        if python is None or not python.exists():
            print(f"{engine} is left out: no environment {venv} under --peers", flush=True)
            return None
        with tempfile.TemporaryDirectory() as folder:
            source, target, told = (Path(folder) / name for name in ("in.npz", "out.npz", "options.json"))
            np.savez(source, **columns)
            told.write_text(json.dumps(options))
            done = subprocess.run(
                [python, SCRIPT, engine, source, target, told], capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"{engine} is left out: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}", flush=True)
                return None
            with np.load(target) as found:
                return float(json.loads(done.stdout.splitlines()[-1])["seconds"]), dict(found)

    def ratios(self) -> None:
        """Print every engine against ours of the same task."""
        print(f"\n{self.data}")
        for task, engine, seconds in self.table:
            ours = next(s for t, e, s in self.table if t == task and e == "qorgan")
            print(f"  {task:24} {engine:28} {seconds:9.3f} s {seconds / ours:8.1f} x ours")
        print(flush=True)


# Stay points ----------------------------------------------------------------------------------------------------------


def loop(f: Fixes) -> int:
    """Count the stays of the textbook by the loop of the textbook, in plain Python."""
    lat, lon, ts, who = (
        [radians(v) for v in f.lat.tolist()],
        [radians(v) for v in f.lon.tolist()],
        f.ts.tolist(),
        f.subject.tolist(),
    )
    n, i, found = len(lat), 0, 0
    while i < n:
        j, a, b = i + 1, lat[i], lon[i]
        ca = cos(a)
        while j < n and who[j] == who[i]:
            if (
                2 * EARTH_M * asin(sqrt(sin((lat[j] - a) / 2) ** 2 + ca * cos(lat[j]) * sin((lon[j] - b) / 2) ** 2))
                > DISTANCE_M + 0.5
            ):
                break
            j += 1
        if ts[j - 1] - ts[i] >= MINUTES * MINUTE_US:
            found += 1
            i = j
        else:
            i += 1
    return found


def compare(ours: Stays, theirs: dict[str, Any]) -> dict[str, Any]:
    """Return how many stays both have, how many only one, and how far the centres of the same ones lie apart."""
    mine = {
        key: i for i, key in enumerate(zip(ours.subject.tolist(), ours.ts.tolist(), ours.ts_end.tolist(), strict=True))
    }
    their = {
        key: i
        for i, key in enumerate(
            zip(theirs["subject"].tolist(), theirs["ts"].tolist(), theirs["end"].tolist(), strict=True)
        )
    }
    both = sorted(mine.keys() & their.keys())
    a, b = [mine[k] for k in both], [their[k] for k in both]
    apart = haversine_m(ours.lat[a], ours.lon[a], theirs["lat"][b], theirs["lon"][b])
    return {"stays": len(their), "same": len(both), "only_ours": len(mine) - len(both), "only_theirs": len(their) - len(both),
            "centres_apart_m_max": int(apart.max(initial=0)), "centres_over_1_m": int((apart > 1).sum())}  # fmt: skip


def stay_points(run: Run, f: Fixes) -> None:
    """Textbook against loop and compiled loop; each peer against ours under its definition."""
    n = len(f)
    run.own("stays, textbook", "floor: neighbours", n, lambda: haversine_m(f.lat[1:], f.lon[1:], f.lat[:-1], f.lon[:-1]), lambda m: {"far": int((m > DISTANCE_M).sum())})  # fmt: skip
    run.own(
        "stays, textbook", "qorgan", n, lambda: stays(**f.columns(), definition=TEXTBOOK), lambda s: {"stays": len(s)}
    )
    run.own("stays, textbook", "loop in Python", n, lambda: loop(f), lambda s: {"stays": s}, rounds=1)
    if not f.subject.any() and (
        found := run.peer("base", "numba", f.columns(), {"distance_m": DISTANCE_M + 0.5, "minutes": MINUTES})
    ):
        run.line("stays, textbook", "numba", found[0], n, stays=int(found[1]["count"][0]))
    for venv, engine, definition, half in (("ti", "trackintel", OF_TRACKINTEL, -0.5), ("smob", "skmob", OF_SKMOB, 0.5)):
        task = f"stays, {engine}'s"
        ours = run.own(
            task, "qorgan", n, lambda d=definition: stays(**f.columns(), definition=d), lambda s: {"stays": len(s)}
        )
        for name, distance in ((engine, DISTANCE_M + half), (f"{engine}, plain {DISTANCE_M} m", float(DISTANCE_M))):
            if theirs := run.peer(
                venv, engine, f.columns(), {"distance_m": distance, "minutes": MINUTES, "gap_minutes": GAP_MINUTES}
            ):
                run.line(task, name, theirs[0], n, **compare(ours, theirs[1]))


# Visits ---------------------------------------------------------------------------------------------------------------


def visits(run: Run, f: Fixes, where: Floats) -> None:
    """Which fixes lie at one of the known places."""
    n = len(f)
    rows = [{"place_id": f"P{i:02d}", "kind": "other", "lat": lat, "lon": lon, "radius_m": float(DISTANCE_M), "ts_from": -EVER, "ts_to": EVER}
            for i, (lat, lon) in enumerate(where.tolist())]  # fmt: skip
    schema = empty("places").schema
    table = pa.Table.from_pylist([{**dict.fromkeys(schema.names), **r} for r in rows], schema)
    case = CaseTables(
        "bench",
        *(empty(t) for t in ("events", "positions", "notices")),
        table,
        *(empty(t) for t in ("contacts", "trackers", "coverage")),
    )
    unknown = np.full(n, np.nan)
    at = run.own(
        "visits",
        "qorgan",
        n,
        lambda: place_of(f.lat, f.lon, unknown, f.ts, case, 200)[0],
        lambda p: {"fixes": int((p >= 0).sum())},
    )

    def everywhere() -> Any:
        inside = np.zeros(n, np.bool_)
        for lat, lon in where.tolist():
            inside |= haversine_m(f.lat, f.lon, lat, lon) <= DISTANCE_M
        return inside

    def tree() -> Any:
        found = BallTree(np.radians(where), metric="haversine").query_radius(
            np.radians(np.stack([f.lat, f.lon], axis=1)), (DISTANCE_M + 0.5) / EARTH_M, count_only=True
        )
        return found > 0

    for engine, work in (("haversine to each place", everywhere), ("scikit-learn BallTree", tree)):
        run.own(
            "visits",
            engine,
            n,
            work,
            lambda inside: {"fixes": int(inside.sum()), "differ": int((inside != (at >= 0)).sum())},
            rounds=1,
        )
    columns = {"lat": f.lat, "lon": f.lon, "place_lat": where[:, 0], "place_lon": where[:, 1]}
    if theirs := run.peer("base", "sjoin", columns, {"distance_m": DISTANCE_M + 0.5}):
        inside = np.zeros(n, np.bool_)
        inside[theirs[1]["rows"]] = True
        run.line(
            "visits", "geopandas sjoin", theirs[0], n, fixes=int(inside.sum()), differ=int((inside != (at >= 0)).sum())
        )


# Encounters -----------------------------------------------------------------------------------------------------------


def points(f: Fixes) -> Points:
    """Return fixes as rows of a track."""
    n = len(f)
    return Points(np.arange(n), f.ts, f.ts, np.zeros(n, np.int64), f.lat, f.lon, np.full(n, np.nan))


def ours_near(a: Fixes, b: Fixes) -> Ints:
    """Find near rows as the detector does."""
    return near_rows(Tracks(a.subject, ["K1"], np.full(len(a), -1), points(a), points(b)), NEAR)


def true_pairs(a: Fixes, q: Ints, b: Fixes, o: Ints) -> Ints:
    """Return the different rows of a in pairs that are near."""
    near = (np.abs(a.ts[q] - b.ts[o]) <= NEAR["encounter_s"] * 1_000_000) & (
        haversine_m(a.lat[q], a.lon[q], b.lat[o], b.lon[o]) <= NEAR["encounter_m"]
    )
    return np.unique(q[near])


def all_pairs(a: Fixes, b: Fixes) -> Ints:
    """Find near rows by looking at all pairs."""
    found = [
        true_pairs(
            a,
            np.repeat(np.arange(i, min(i + 100, len(a))), len(b)),
            b,
            np.tile(np.arange(len(b)), min(100, len(a) - i)),
        )
        for i in range(0, len(a), 100)
    ]
    return np.concatenate([np.zeros(0, np.int64), *found])


def time_window(a: Fixes, b: Fixes) -> Ints:
    """Find near rows by measuring every pair that is near in time."""
    span = NEAR["encounter_s"] * 1_000_000
    low, high = np.searchsorted(b.ts, a.ts - span, "left"), np.searchsorted(b.ts, a.ts + span, "right")
    length = high - low
    found = [np.zeros(0, np.int64)]
    for i in range(0, len(a), 20_000):
        part = length[i : i + 20_000]
        q = np.repeat(np.arange(i, i + len(part)), part)
        o = np.repeat(low[i : i + 20_000] - np.cumsum(part) + part, part) + np.arange(int(part.sum()))
        found.append(true_pairs(a, q, b, o))
    return np.concatenate(found)


def space_tree(a: Fixes, b: Fixes) -> Ints:
    """Find near rows by a haversine tree over the owner's fixes, the time looked at afterwards."""
    tree = BallTree(np.radians(np.stack([b.lat, b.lon], axis=1)), metric="haversine")
    found = [np.zeros(0, np.int64)]
    for i in range(0, len(a), 1000):
        part = np.radians(np.stack([a.lat[i : i + 1000], a.lon[i : i + 1000]], axis=1))
        hits = tree.query_radius(part, (NEAR["encounter_m"] + 1) / EARTH_M)
        q = np.repeat(np.arange(i, i + len(part)), [len(h) for h in hits])
        found.append(true_pairs(a, q, b, np.concatenate([*hits, np.zeros(0, np.int64)]).astype(np.int64)))
    return np.concatenate(found)


def encounters(run: Run, hers: Fixes, theirs: Fixes, most: dict[str, int]) -> None:
    """Find the contact's fixes that have one of the owner's near them, on as many fixes as an engine can bear."""
    engines: tuple[tuple[str, Callable[[Fixes, Fixes], Ints]], ...] = (
        ("pairs near in time", time_window), ("scikit-learn BallTree", space_tree), ("all pairs", all_pairs),
    )  # fmt: skip
    done: set[int] = set()
    for engine, work in engines:
        n = min(most.get(engine, len(theirs)), len(theirs))
        a, b = theirs.take(slice(n)), hers.take(hers.ts <= theirs.ts[n - 1] + NEAR["encounter_s"] * 1_000_000)
        task = f"encounters, {len(a)} x {len(b)}"
        if n not in done:
            done.add(n)
            ours = run.own(task, "qorgan", n, lambda a=a, b=b: ours_near(a, b), lambda r: {"near": len(r)})
        run.own(
            task,
            engine,
            n,
            lambda a=a, b=b, work=work: work(a, b),
            lambda r, o=ours: {"near": len(r), "same": bool(np.array_equal(np.sort(r), o))},
            rounds=1,
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--geolife", type=Path)
    parser.add_argument("--peers", type=Path)
    args = parser.parse_args()
    f = synthetic(args.rows, 115)
    run = Run(f"synthetic, {len(f)} fixes", args.rounds, args.peers)
    stay_points(run, f)
    visits(run, f, places())
    encounters(run, f, synthetic(args.rows, 116), {"scikit-learn BallTree": 20_000, "all pairs": 10_000})
    run.ratios()
    if args.geolife is None:
        return
    f = geolife(args.geolife)
    run = Run(f"geolife, {len(f)} fixes of {len(np.unique(f.subject))} people", args.rounds, args.peers)
    stay_points(run, f)
    # her places: where she stayed most often
    owner = int(np.bincount(f.subject).argmax())
    hers = f.take(f.subject == owner)
    s = stays(**hers.columns(), definition=TEXTBOOK)
    visits(run, f, np.stack([s.lat, s.lon], axis=1)[:PLACES])
    # real walkers of one town rarely meet: the others' walks are moved to her first day, and one of them follows her two minutes behind
    others = f.take(f.subject != owner)
    head = np.flatnonzero(np.r_[True, others.subject[1:] != others.subject[:-1]])
    moved = others.ts - np.repeat(others.ts[head] - hers.ts[0], np.diff(np.r_[head, len(others)]))
    parts = (replace(others, ts=moved), replace(hers, ts=hers.ts + 2 * MINUTE_US))
    theirs = Fixes(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("subject", "ts", "lat", "lon")))
    encounters(
        run,
        hers,
        theirs.take(np.argsort(theirs.ts, kind="stable")),
        {"all pairs": 2_000, "scikit-learn BallTree": 20_000},
    )
    run.ratios()


if __name__ == "__main__":
    main()
