"""Stay points against the obvious loop, for every definition, on tracks that cross poles and the date line, repeat fixes and stand on the edge."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.arrays import haversine_m
from detector.stays import LI_2008, SCIKIT_MOBILITY, TEXTBOOK, TRACKINTEL, Definition, Stays, stays
from tests.shared_data import dataset

SECOND = 1_000_000
METRE = math.degrees(1 / 6_371_008.8)
Fix = tuple[int, int, float, float]  # subject, µs, latitude, longitude
Found = list[tuple[int, int, int, int]]  # first row, last row, begin, end


def obvious(fixes: list[Fix], d: Definition) -> Found:
    """The loop as one would write it by hand, one subject after the other."""
    out: Found = []
    base = 0
    for _, group in itertools.groupby(fixes, key=lambda f: f[0]):
        track = list(group)
        out += [(base + a, base + b, begin, end) for a, b, begin, end in _one_track(track, d)]
        base += len(track)
    return out


def _one_track(track: list[Fix], d: Definition) -> Found:
    out: Found = []
    i, n = 0, len(track)
    while i < n:
        j, why = i + 1, "at_end"
        while j < n:
            if d.gap_s is not None and track[j][1] - track[j - 1][1] > d.gap_s * SECOND:
                why = "at_gap"
                break
            away = int(haversine_m(track[i][2], track[i][3], track[j][2], track[j][3]))
            if away > d.distance_m or (away == d.distance_m and not d.edge_inside):
                why = "outside"
                break
            j += 1
        # the last fix of the track ends the stay, inside or outside, wherever it lies
        if d.at_end == "cuts" and why == "at_end" and i < n - 1:
            j, why = n - 1, "outside"
        rule = {"outside": "seen", "at_end": d.at_end, "at_gap": d.at_gap}[why]
        end = track[j][1] if rule == "seen" and d.until == "outside" else track[j - 1][1]
        lasts = end - track[i][1]
        need = d.time_s * SECOND
        if rule != "open" and (lasts >= need if d.time_reached else lasts > need):
            out.append((i, j - 1, track[i][1], end))
            i = j
        else:
            i = j if d.retry == "outside" else i + 1
    return out


def run(fixes: list[Fix], d: Definition) -> Stays:
    table = np.array(fixes, float).reshape(-1, 4)
    who, ts = (np.array([f[k] for f in fixes], np.int64) for k in (0, 1))
    return stays(who, ts, table[:, 2].copy(), table[:, 3].copy(), d)


def found(s: Stays) -> Found:
    return list(zip(s.first.tolist(), s.last.tolist(), s.ts.tolist(), s.ts_end.tolist(), strict=True))


DEFINITIONS = st.builds(
    Definition,
    distance_m=st.sampled_from([1, 50, 100, 200]),
    time_s=st.sampled_from([1, 60, 300]),
    until=st.sampled_from(["inside", "outside"]),
    retry=st.sampled_from(["next", "outside"]),
    gap_s=st.sampled_from([None, 0, 60, 600]),
    at_gap=st.sampled_from(["closes", "open"]),
    at_end=st.sampled_from(["closes", "open", "cuts"]),
    edge_inside=st.booleans(),
    time_reached=st.booleans(),
    centre=st.sampled_from(["mean", "distinct", "median"]),
)
ORIGINS = st.sampled_from(
    [(43.25, 76.9), (0.0, 0.0), (0.0, 180.0), (51.0, -179.9999), (89.9995, 10.0), (-90.0, 0.0), (-89.999, -180.0)]
)


@st.composite
def tracks(draw: st.DrawFn) -> list[Fix]:
    """Tracks in steps of whole multiples of the distances asked for, so that many fixes stand on the edge; several subjects, equal times, repeated fixes."""
    out: list[Fix] = []
    for subject in range(draw(st.integers(1, 3))):
        lat, lon = draw(ORIGINS)
        north, ts = 0, draw(st.integers(-5, 5)) * SECOND
        for _ in range(draw(st.integers(0, 25))):
            ts += draw(st.sampled_from([0, 1, 30, 60, 61, 300, 601])) * SECOND
            north += draw(st.sampled_from([0, 0, 0, 0, 1, -1, 25, -25, 50, -50, 100, -200, 1000]))
            east = draw(st.sampled_from([0.0, 0.0, 10.0, -10.0, 49.5]))
            p = lat + north * METRE
            m = lon + east * METRE / max(math.cos(math.radians(p)), 1e-6)
            if abs(p) > 90:  # over the pole and down the other side
                p, m = math.copysign(180, p) - p, m + 180
            out.append((subject, ts, p, (m + 180) % 360 - 180))
    return out


@settings(max_examples=600, deadline=None)
@given(tracks(), DEFINITIONS)
def test_the_same_stays_as_the_obvious_loop(fixes: list[Fix], d: Definition) -> None:
    assert found(run(fixes, d)) == obvious(fixes, d)


@pytest.mark.parametrize(
    "d", [TEXTBOOK, LI_2008, TRACKINTEL, SCIKIT_MOBILITY], ids=["textbook", "li", "trackintel", "skmob"]
)
@pytest.mark.parametrize("noise_m", [5, 40, 120])
def test_the_same_stays_on_long_tracks(d: Definition, noise_m: int) -> None:
    """Long enough for every way the kernel has to look ahead: blocks, rounds, rests without an end."""
    rng = np.random.default_rng(noise_m)
    fixes: list[Fix] = []
    for subject in range(3):
        n = 700
        here = np.cumsum(np.where(rng.random((n, 2)) < 0.02, rng.normal(0, 2000, (n, 2)), 0), axis=0)
        here[-300:] = here[-301]
        here += rng.normal(0, noise_m, (n, 2))
        ts = np.cumsum(rng.choice([0, 10, 60, 60, 60, 1000], n, p=[0.1, 0.3, 0.2, 0.2, 0.19, 0.01]))
        fixes += [
            (subject, int(t) * SECOND, 43 + y * METRE, 76 + x * METRE) for t, (y, x) in zip(ts, here, strict=True)
        ]
    expected = obvious(fixes, d)
    assert found(run(fixes, d)) == expected
    assert len(expected) > 0 or noise_m > 5


def walk(*steps: tuple[int, int]) -> list[Fix]:
    """Fixes of one subject on a meridian: (seconds, metres north)."""
    return [(0, s * SECOND, 43.0 + m * METRE, 76.0) for s, m in steps]


STOP = walk((0, 0), (300, 10), (900, 20), (1000, 500), (1100, 900), (1200, 1300))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [(0, 2, 0, 900)]),
        ({"until": "outside"}, [(0, 2, 0, 1000)]),
        ({"time_s": 901}, []),
        ({"time_s": 901, "until": "outside"}, [(0, 2, 0, 1000)]),
        ({"time_reached": False}, []),
        ({"gap_s": 599}, []),
        ({"gap_s": 600}, [(0, 2, 0, 900)]),
        ({"distance_m": 20}, [(0, 2, 0, 900)]),
        ({"distance_m": 20, "edge_inside": False}, []),
    ],
)
def test_each_word_of_a_definition_on_one_stop(change: dict[str, Any], expected: Found) -> None:
    seconds = [
        (a, b, begin // SECOND, end // SECOND) for a, b, begin, end in found(run(STOP, replace(TEXTBOOK, **change)))
    ]
    assert seconds == expected


@pytest.mark.parametrize("late", [0, 1])
def test_a_gap_is_longer_than_its_limit_by_a_microsecond(late: int) -> None:
    fixes = walk((0, 0), (600, 5), (1200, 10))
    fixes[2] = (0, 1200 * SECOND + late, *fixes[2][2:])
    assert len(run(fixes, replace(TEXTBOOK, gap_s=600))) == 1 - late


@pytest.mark.parametrize("origin", [(43.25, 76.9), (0.0, 179.9999), (-60.0, -0.001), (89.0, 10.0)])
def test_a_hair_from_the_edge_the_haversine_decides(origin: tuple[float, float]) -> None:
    """Nanometres to micrometres from where whole metres turn, the scalar product of two points cannot tell."""
    lat, lon = origin
    n = 0
    for k, exponent in itertools.product(range(-9, 10), (9, 8, 7, 6, 5)):
        north = (200.5 + k * 10.0**-exponent) * METRE
        fixes: list[Fix] = [(0, 0, lat, lon), (0, 900 * SECOND, lat + north, lon), (0, 1000 * SECOND, lat + 1, lon)]
        expected = obvious(fixes, TEXTBOOK)
        assert found(run(fixes, TEXTBOOK)) == expected
        assert found(run(fixes, SCIKIT_MOBILITY)) == obvious(fixes, SCIKIT_MOBILITY)
        n += len(expected)
    assert 0 < n < 95


@pytest.mark.parametrize("d", [TEXTBOOK, SCIKIT_MOBILITY], ids=["textbook", "skmob"])
def test_a_stay_of_any_length_ends_where_it_ends(d: Definition) -> None:
    for length in [*range(20, 40), *range(120, 140), *range(378, 394), 900]:
        fixes = walk(*((60 * k, 0) for k in range(length)), *((60 * (length + k), 1000 * (k + 1)) for k in range(3)))
        assert [(a, b) for a, b, _, _ in found(run(fixes, replace(d, time_s=900)))] == [(0, length - 1)]


def test_how_the_end_of_a_track_and_a_gap_are_taken() -> None:
    rest = walk((0, 0), (600, 5), (1200, 10))
    assert len(run(rest, TEXTBOOK)) == 1
    assert len(run(rest, replace(TEXTBOOK, at_end="open"))) == 0
    cut = run(rest, replace(TEXTBOOK, at_end="cuts", until="outside"))
    assert found(cut) == [(0, 1, 0, 1200 * SECOND)]
    gap = rest + walk((90_000, 10), (90_600, 900))
    d = replace(TEXTBOOK, gap_s=3600)
    assert found(run(gap, d)) == [(0, 2, 0, 1200 * SECOND)]
    assert len(run(gap, replace(d, at_gap="open"))) == 0
    assert found(run(gap, TEXTBOOK)) == [(0, 3, 0, 90_000 * SECOND)]


def test_where_the_next_anchor_is() -> None:
    """A fix on the way in is 150 m from a desk: from there the stay is broken off at 90 m beyond it, from the next fix it is not."""
    fixes = walk((0, 0), (60, 150), (400, 210), (1000, 200), (1100, 2000))
    assert [s[0] for s in found(run(fixes, TEXTBOOK))] == [1]
    assert found(run(fixes, replace(TEXTBOOK, retry="outside"))) == []


def test_centres() -> None:
    fixes = walk((0, 0), (600, 0), (900, 0), (1000, 90), (1100, 5000))
    d = replace(TEXTBOOK, distance_m=100)
    north = {c: float(run(fixes, replace(d, centre=c)).lat[0] - 43.0) / METRE for c in ("mean", "distinct", "median")}
    assert north == pytest.approx({"mean": 22.5, "distinct": 45.0, "median": 0.0}, abs=0.02)


@pytest.mark.parametrize("centre", ["mean", "distinct", "median"])
def test_a_centre_on_the_date_line_lies_there(centre: Any) -> None:
    fixes: list[Fix] = [(0, 0, 10.0, 179.9995), (0, 500 * SECOND, 10.0, -179.9995), (0, 1000 * SECOND, 10.0, 179.9997)]
    s = run(fixes, replace(TEXTBOOK, centre=centre))
    middle = {"mean": 180 - 0.0001, "distinct": 180 - 0.0001, "median": 179.9997}[centre]
    assert (float(s.lat[0]), float(s.lon[0])) == pytest.approx((10.0, middle), abs=1e-6)


def test_a_mean_on_the_pole_lies_there() -> None:
    fixes: list[Fix] = [(0, k * 500 * SECOND, 89.9995, lon) for k, lon in enumerate((0.0, 90.0, 180.0, -90.0))]
    assert float(run(fixes, TEXTBOOK).lat[0]) == 90.0


@settings(max_examples=150, deadline=None)
@given(tracks(), st.sampled_from(["mean", "distinct", "median"]))
def test_the_centres_of_generated_tracks(fixes: list[Fix], centre: Any) -> None:
    fixes = [f for f in fixes if abs(f[2]) < 60]
    s = run(fixes, replace(TEXTBOOK, time_s=60, centre=centre))
    for k, (first, last, _, _) in enumerate(found(s)):
        lat0, lon0 = fixes[first][2:]
        inside = [(f[2] - lat0, (f[3] - lon0 + 180) % 360 - 180) for f in fixes[first : last + 1]]
        if centre == "distinct":
            seen = dict.fromkeys((f[2], f[3]) for f in fixes[first : last + 1])
            inside = [(p - lat0, (m - lon0 + 180) % 360 - 180) for p, m in seen]
        middle = statistics.median if centre == "median" else statistics.fmean
        p, m = (middle([x[axis] for x in inside]) for axis in (0, 1))
        assert int(haversine_m(s.lat[k], s.lon[k], lat0 + p, lon0 + m)) <= 1
        assert abs(float(s.lon[k])) <= 180


def test_subjects_do_not_meet() -> None:
    one = walk((0, 0), (600, 0), (1200, 0))
    both = one + [(1, ts, lat, lon) for _, ts, lat, lon in one]
    s = run(both, TEXTBOOK)
    assert s.subject.tolist() == [0, 1]
    assert s.first.tolist() == [0, 3]


@pytest.mark.parametrize("fixes", [[], walk((0, 0))])
def test_nothing_stays_in_no_track(fixes: list[Fix]) -> None:
    for d in (TEXTBOOK, LI_2008, TRACKINTEL, SCIKIT_MOBILITY):
        s = run(fixes, d)
        assert len(s) == 0
        assert s.first.dtype == np.int64


@pytest.mark.parametrize(
    ("row", "column", "value", "says"),
    [
        (1, "lat", math.nan, "latitude"),
        (1, "lat", 90.1, "latitude"),
        (0, "lon", math.inf, "longitude"),
        (2, "lon", -180.5, "longitude"),
        (0, "ts", 10**12, "sorted"),
        (0, "subject", 1, "sorted"),
    ],
)
def test_what_is_no_track_is_refused(row: int, column: str, value: float, says: str) -> None:
    columns: dict[str, Any] = {
        "subject": np.zeros(3, np.int64),
        "ts": np.arange(3),
        "lat": np.full(3, 43.0),
        "lon": np.full(3, 76.0),
    }
    columns[column][row] = value
    with pytest.raises(ValueError, match=says):
        stays(**columns)
    with pytest.raises(ValueError, match="length"):
        stays(np.zeros(2, np.int64), np.arange(3), np.zeros(3), np.zeros(3))


@pytest.mark.parametrize(
    "wrong",
    [
        {"distance_m": -1},
        {"distance_m": 1_000_001},
        {"distance_m": 0, "edge_inside": False},
        {"time_s": 0},
        {"gap_s": -1},
    ],
)
def test_what_is_no_definition_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"distance_m|time_s|gap_s"):
        Definition(**wrong)


def test_real_tracks_give_what_the_loop_gives() -> None:
    """Two walkers of GeoLife, in full."""
    table = pq.read_table(dataset("geolife/fixes.parquet"))
    names = sorted(set(table["uid"].to_pylist()))
    for name in names[:2]:
        t = table.filter([u == name for u in table["uid"].to_pylist()])
        ts = np.array(t["datetime"].to_pylist(), "datetime64[us]").astype(np.int64)
        order = np.argsort(ts, kind="stable")[:6000]
        lat, lon = (t[c].to_numpy()[order] for c in ("lat", "lng"))
        fixes = list(zip([0] * len(order), ts[order].tolist(), lat.tolist(), lon.tolist(), strict=True))
        for d in (SCIKIT_MOBILITY, TRACKINTEL):
            assert found(run(fixes, d)) == obvious(fixes, d)
