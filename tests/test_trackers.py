"""Trackers: which travel with the owner, and which ids may be one tag."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.arrays import haversine_m
from detector.parameters import PARAMETERS
from detector.trackers import Sightings, linked, places, sightings, travels
from pipelines.scoring import unattributed
from tests.build import CaseBuilder
from tests.measuring import shown

NUM = {name: p.value for name, p in PARAMETERS.items()}
METRE = 1 / 111_194.93
START = datetime(2025, 10, 6, 8)
Row = tuple[int, float | None, float | None]


def seen(name: str, rows: list[Row]) -> Sightings:
    """Sightings (seconds, metres north or None, accuracy)."""
    none = float("nan")
    return Sightings(
        name, np.arange(len(rows)), np.array([r[0] for r in rows], np.int64) * 1_000_000,
        np.array([none if r[1] is None else 43 + r[1] * METRE for r in rows]), np.full(len(rows), 76.0),
        np.array([none if r[2] is None else r[2] for r in rows], np.float64),
    )  # fmt: skip


def travels_slowly(s: Sightings) -> bool:
    """The rule, sighting by sighting, over every window that begins with one."""
    for i in range(len(s.ts)):
        inside = [j for j in range(i, len(s.ts)) if s.ts[j] - s.ts[i] <= NUM["tracker_window_s"] * 1_000_000]
        spots: list[int] = []
        for j in inside:
            if np.isfinite(s.lat[j]) and not s.accuracy[j] > NUM["tracker_accuracy_m"] and all(
                haversine_m(s.lat[j], s.lon[j], s.lat[k], s.lon[k]) > NUM["tracker_apart_m"] for k in spots
            ):  # fmt: skip
                spots.append(j)
        long = s.ts[inside[-1]] - s.ts[i] >= NUM["tracker_span_s"] * 1_000_000
        if len(inside) >= NUM["tracker_sightings"] and len(spots) >= NUM["tracker_places"] and long:
            return True
    return False


ROWS = st.lists(
    st.tuples(st.sampled_from([0, 600, 1800, 3600, 86_400, 14 * 86_400 - 1, 14 * 86_400]), st.sampled_from([None, 0, 300, 301, 450, 602, 1500]), st.sampled_from([None, 10.0, 150.0, 151.0])),
    max_size=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_the_rule_sighting_by_sighting(steps: list[Row]) -> None:
    total, rows = 0, []
    for step, north, error in steps:
        total += step
        rows.append((total, north, error))
    s = seen("x", rows)
    assert travels(s, NUM) == travels_slowly(s)


def test_three_places_within_an_hour_and_a_half_travel() -> None:
    assert travels(seen("x", [(0, 0, 10.0), (1800, 500, 10.0), (3600, 1000, 10.0)]), NUM)
    assert not travels(seen("x", [(0, 0, 10.0), (1800, 500, 10.0), (3599, 1000, 10.0)]), NUM)
    assert not travels(seen("x", [(0, 0, 10.0), (1800, 500, 151.0), (3600, 1000, 10.0)]), NUM)
    assert not travels(seen("x", [(0, 0, 10.0), (1800, 300, 10.0), (3600, 600, 10.0)]), NUM)
    assert not travels(seen("x", []), NUM)


def test_places_are_apart_from_all_before() -> None:
    assert places(seen("x", [(0, 0, None), (1, 50, None), (2, 301, None), (3, 220, None), (4, 680, 500.0), (5, 602, 150.0)]), NUM).tolist() == [0, 2, 5]  # fmt: skip


def test_ids_that_follow_each_other_are_linked_nearest_in_time_first() -> None:
    a, b = seen("a", [(0, 0, None), (100, 0, None)]), seen("b", [(1000, 100, None)])
    c, d = seen("c", [(400, 150, None)]), seen("d", [(1901, 0, None)])
    # c follows a after 300 s, b after 900: a takes c, then c takes b; d comes 901 s after b
    assert linked([a, b, c, d], NUM) == {"a": ["c"], "b": ["c", "d"], "c": ["a", "b"], "d": ["b"]}


def test_too_late_too_far_at_once_and_nowhere_are_no_links() -> None:
    first = seen("a", [(0, 0, None)])
    for rows, links in (
        ([(1800, 200, None)], ["x"]), ([(1801, 0, None)], []), ([(60, 201, None)], []), ([(0, 0, None)], []), ([(60, None, None)], []),
    ):  # fmt: skip
        assert linked([first, seen("x", rows)], NUM)["a"] == links


def test_sightings_by_id_in_order_of_time() -> None:
    case = CaseBuilder()
    case.tracker("t2", START + timedelta(hours=1), 43.0, 76.0)
    case.tracker("t1", START + timedelta(hours=2), 43.0, 76.0)
    row = case.tracker("t1", START, 43.0, 76.0)
    case.tracker("t1", START, 43.0, 76.0, duplicate_of=row)
    bare = case.position("tracker_found", None, START, subject="tracker", lat=43.0, lon=76.0)
    case.attribute("t2", "K1")
    found = sightings(case.tables(), case.as_of, attributed=False)
    assert [(s.tracker_id, s.rows.tolist()) for s in found] == sorted([("t1", [2, 1]), (bare, [4])])
    assert [s.tracker_id for s in sightings(case.tables(), case.as_of, attributed=True)] == ["t2"]
    assert sightings(case.tables(), case.utc(START), attributed=False) == []


def test_a_tracker_of_the_contact_that_travels_with_her() -> None:
    case = CaseBuilder()
    case.attribute("tag", "K1")
    case.attribute("still", "K1")
    for k in range(4):
        case.tracker("tag", START + timedelta(minutes=30 * k), 43.0 + 500 * k * METRE, 76.0)
        case.tracker("still", START + timedelta(minutes=30 * k), 43.0, 76.0)
    found = shown(case, "tracker_co_travel")
    assert found.value == 1 and len(found.records) == 4
    assert shown(case, "tracker_sightings").value == 8


def test_trackers_of_nobody_are_shown_with_what_they_did() -> None:
    case = CaseBuilder()
    for k in range(3):
        case.tracker("a", START + timedelta(minutes=30 * k), 43.0 + 500 * k * METRE, 76.0)
    case.tracker("b", START + timedelta(minutes=75), 43.0 + 1050 * METRE, 76.0)
    a, b = unattributed(case.tables(), case.as_of, NUM)
    assert a == {
        "tracker_id": "a", "sightings": 3, "places": 3, "first": "2025-10-06T03:00:00Z", "last": "2025-10-06T04:00:00Z",
        "travels_with_owner": True, "linked_to": ["b"], "records": ["t00000000000#1-3"],
    }  # fmt: skip
    assert (b["travels_with_owner"], b["linked_to"], b["records"]) == (False, ["a"], ["t00000000000#4"])
