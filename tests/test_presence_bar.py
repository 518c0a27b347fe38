"""Visits with a chance: the bar, possible visits, what cannot be said; and the search for places, however many there are."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import BallTree

import detector.presence as presence_module
from detector.arrays import EARTH_M, haversine_m
from detector.encounters import EVER
from detector.presence import episodes, place_of
from tests.agree import detect, differences
from tests.build import CaseBuilder
from tests.measuring import shown, state_of

HOME = (43.2389, 76.8897)
METRE = 1 / 111_194.93


def fixes(case: CaseBuilder, day: str, *north_and_error: tuple[float, float | None]) -> None:
    """One fix every ten minutes from six in the evening on, so far north of home."""
    for k, (north, error) in enumerate(north_and_error):
        case.fix(
            "K1",
            datetime.fromisoformat(f"{day} 18:00") + timedelta(minutes=10 * k),
            HOME[0] + north * METRE,
            HOME[1],
            acc=error,
        )


def test_a_visit_is_the_mean_of_its_rows() -> None:
    # error 100 m: 100 m from the centre of 150 m gives 681 permille, 200 m 171; together 426, and no visit. With a third at the centre, 923: 1775 / 3 = 592
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-10-06", (100, 100.0), (200, 100.0))
    fixes(case, "2025-10-07", (100, 100.0), (200, 100.0), (0, 100.0))
    visits = shown(case, "visits")
    assert visits.value == 1
    assert shown(case, "expected_visits_permille").value == 426 + 592
    assert visits.parts == [{"place": "home", "visits": 1, "days": 1, "dwell_s": 1200, "likely_permille": 1018}]
    assert len(visits.records) == 3


def test_the_chances_of_that_example_are_those_of_the_formula() -> None:
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-10-06", (100, 100.0), (100, 100.0))
    fixes(case, "2025-10-07", (200, 100.0), (200, 100.0))
    fixes(case, "2025-10-08", (0, 100.0), (0, 100.0))
    found = state_of(case).course
    assert [*found.chance.tolist(), *found.possible.chance.tolist()] == [681, 923, 171]


def test_a_possible_visit_is_no_act_and_enters_no_rule() -> None:
    case = CaseBuilder()
    case.contact("K1")
    case.place("home")
    case.coverage("2025-09-16", "2026-06-01", classes="position", source="p")
    for day in range(6, 12):
        fixes(case, f"2025-10-{day:02d}", (200, 100.0), (200, 100.0))
    finding = detect(case.tables(), case.as_of)["K1"]
    assert finding["verdict"] == "none"
    assert finding["indicators"]["presence_acts"]["value"] == 0
    assert finding["indicators"]["visits"]["value"] == 0
    assert finding["indicators"]["expected_visits_permille"]["value"] == 6 * 171
    assert differences(case.tables(), case.as_of) == []


def test_a_possible_visit_before_the_law_is_not_expected() -> None:
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-09-15", (200, 100.0), (200, 100.0))
    fixes(case, "2025-09-17", (200, 100.0), (200, 100.0))
    assert shown(case, "expected_visits_permille").value == 171


def test_the_bar_is_a_number_of_the_rules() -> None:
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-10-06", (100, 100.0), (200, 100.0))
    assert shown(case, "visits", visit_bar=(426, 1000)).value == 1
    assert shown(case, "visits", visit_bar=(427, 1000)).value == 0


def test_a_place_too_small_for_every_position_cannot_be_judged() -> None:
    # errors of 60 m: home (150 m) could be told, the shop (50 m) not
    case = CaseBuilder()
    case.place("home")
    case.place("shop", "other", lat=43.30, radius=50.0)
    fixes(case, "2025-10-06", (5000, 60.0), (5000, 60.0))
    visits = shown(case, "visits")
    assert visits.value == 0
    assert visits.parts == [{"place": "shop", "visits": None, "days": None, "dwell_s": None, "likely_permille": 0}]
    assert shown(case, "tracking_occasions").value == 0


@pytest.mark.parametrize(("error", "told"), [(150.0, 0), (150.5, None), (2000.0, None), (None, 0)])
def test_positions_too_inaccurate_for_every_place_say_nothing(error: float | None, told: int | None) -> None:
    case = CaseBuilder()
    case.contact("K1")
    case.place("home")
    fixes(case, "2025-10-06", (5000, error), (5000, error))
    finding = detect(case.tables(), case.as_of)["K1"]
    assert {
        n: finding["indicators"][n]["value"] for n in ("visits", "presence_acts", "tracking_occasions")
    } == dict.fromkeys(("visits", "presence_acts", "tracking_occasions"), told)
    status = {e["id"]: e["status"] for e in finding["elements"]}
    assert status["tracking"] == ("unknown" if told is None else "not_met")
    tracking = next(e for e in finding["elements"] if e["id"] == "tracking")
    assert ("less accurate than every place of the owner" in tracking.get("unknown_because", "")) == (told is None)


def test_one_accurate_position_or_a_journal_or_no_place_makes_it_known() -> None:
    accurate, journal, nowhere = CaseBuilder(), CaseBuilder(), CaseBuilder()
    for case in (accurate, journal):
        case.place("home")
    for case in (accurate, journal, nowhere):
        fixes(case, "2025-10-06", (5000, 2000.0), (5000, 2000.0))
    fixes(accurate, "2025-10-07", (5000, 20.0))
    journal.seen("K2", "2025-10-08 12:00")
    assert [shown(c, "presence_acts").value for c in (accurate, journal, nowhere)] == [0, 0, 0]


def test_what_is_shown_is_known_even_by_inaccurate_positions() -> None:
    # error 180 m in a circle of 150 m: 547 permille
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-10-06", (0, 180.0), (0, 180.0))
    assert shown(case, "visits").value == 1
    assert shown(case, "tracking_occasions").value == 1


def test_a_later_fix_can_unmake_a_visit() -> None:
    """As of 18:10 there was a visit (681), as of 18:20 none any more (1411 / 3 = 470), as of 18:30 one again (2411 / 4 = 603)."""
    case = CaseBuilder()
    case.place("home")
    fixes(case, "2025-10-06", (100, 100.0), (100, 100.0), (290, 150.0), (0, 10.0), (0, 10.0))
    tables = case.tables()
    numbers = state_of(case).num
    found = episodes(tables, case.as_of, numbers).acts
    at = [case.utc(f"2025-10-06 18:{m}") for m in ("00", "10", "20", "30", "40")]
    assert sorted(zip(found.since.tolist(), found.until.tolist(), strict=True)) == [(at[1], at[2]), (at[3], EVER)]
    for t in at:
        then = episodes(tables, t + 1, numbers).acts
        assert int((then.until == EVER).sum()) == int(((found.since <= t) & (t < found.until)).sum())


# places --------------------------------------------------------------------------------------------------------------


@st.composite
def points_and_places(draw: st.DrawFn) -> CaseBuilder:
    case = CaseBuilder()
    corner = draw(st.sampled_from([(43.0, 76.0), (0.0, 179.999), (89.999, 0.0), (-89.9995, 120.0)]))
    spread = st.floats(-0.01, 0.01)

    def near() -> tuple[float, float]:
        lat = min(90.0, max(-90.0, corner[0] + draw(spread)))
        return lat, (corner[1] + draw(spread) * draw(st.sampled_from([1, 1, 5000])) + 180) % 360 - 180

    for k in range(draw(st.integers(0, 6))):
        lat, lon = near()
        begin = draw(st.sampled_from([None, "2025-10-07"]))
        case.place(f"p{k}", "gym", lat, lon, draw(st.sampled_from([1.0, 150.0, 900.0])), valid_from=begin)
    for k in range(draw(st.integers(0, 12))):
        lat, lon = near()
        case.fix(
            "K1",
            datetime(2025, 10, 6, 12) + timedelta(hours=6 * k),
            lat,
            lon,
            acc=draw(st.sampled_from([None, 5.0, 200.0, 201.0])),
        )
    return case


@settings(max_examples=150, deadline=None)
@given(points_and_places())
def test_boxes_and_sorted_points_find_the_places_that_a_look_at_all_finds(case: CaseBuilder) -> None:
    tables = case.tables()
    p = tables.positions.to_pylist()
    columns = [np.array([x[n] for x in p], np.float64) for n in ("lat", "lon", "accuracy_m")]
    ts = np.array([x["ts"] for x in p], np.int64)
    expected = []
    for x in p:
        best = (1 << 62, "", -1)
        error = x["accuracy_m"]
        for i, place in enumerate(tables.places.to_pylist()):
            away = int(haversine_m(x["lat"], x["lon"], place["lat"], place["lon"]))
            valid = place["ts_from"] <= x["ts"] < place["ts_to"] and not (error is not None and error > 200)
            if valid and away <= place["radius_m"] + (error or 0.0):
                best = min(best, (away, place["place_id"], i))
        expected.append(best[2])
    before = presence_module._SORT_FROM
    try:
        for many in (0, 1000):  # always sorted, never sorted
            presence_module._SORT_FROM = many
            assert place_of(*columns, ts, tables, 200)[0].tolist() == expected
    finally:
        presence_module._SORT_FROM = before


def test_a_tree_finds_the_same() -> None:
    """scikit-learn's haversine tree over sixty places, and thirty thousand points."""
    rng = np.random.default_rng(115)
    case = CaseBuilder()
    places = np.stack([43 + rng.random(60) * 0.3, 76.7 + rng.random(60) * 0.4], axis=1)
    for k, (lat, lon) in enumerate(places.tolist()):
        case.place(f"p{k:02d}", "gym", lat, lon, 400.0)
    lat, lon = 43 + rng.random(30_000) * 0.3, 76.7 + rng.random(30_000) * 0.4
    found, away = place_of(lat, lon, np.full(30_000, np.nan), np.full(30_000, case.as_of - 1), case.tables(), 200)
    far, nearest = BallTree(np.radians(places), metric="haversine").query(np.radians(np.stack([lat, lon], axis=1)))
    metres = np.rint(far[:, 0] * EARTH_M).astype(np.int64)
    inside = metres <= 400
    assert 500 < inside.sum() < 29_500
    assert ((found >= 0) == inside).all()
    assert away[inside].tolist() == metres[inside].tolist()
    # rounded to whole metres two places can be equally near: then the smaller id
    other = haversine_m(places[found[inside], 0], places[found[inside], 1], lat[inside], lon[inside])
    assert other.tolist() == metres[inside].tolist()
    assert (found[inside] == nearest[inside, 0]).mean() > 0.99


def test_a_place_too_small_for_every_position_is_named_beside_one_that_is_not() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    case.contact("K1")
    case.place("home", radius=30.0)
    case.place("work", "work", lat=43.3, radius=150.0)
    for minute in (0, 10, 20):
        case.fix("K1", f"2025-10-06 10:{minute:02d}", 43.2389, 76.8897, acc=80.0)
    f = detect(case.tables(), case.as_of)["K1"]
    tracking = next(e for e in f["elements"] if e["id"] == "tracking")
    assert tracking["status"] == "not_met"
    assert tracking["short"].endswith("; no position is accurate enough to say whether the contact was at home")
