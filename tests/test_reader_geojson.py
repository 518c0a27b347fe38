"""GeoJSON: features with a time, batches of Overland, lines with times, the real samples, broken and hostile files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._tracks import NOBODY
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.geojson import READER, TIMES, GeoJson
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample
from tests.track_files import SECRET, feature, geojson, us


def one(geometry: Any = ..., **properties: Any) -> Collected:
    made_one = feature(0, **properties)
    if geometry is not ...:
        made_one["geometry"] = geometry
    return collect(READER, geojson(made_one))


@pytest.mark.parametrize(
    ("name", "records", "first", "last"),
    [
        ("various_fields.geojson", 3, 1718447400000, 1718447520000),
        ("dawarich_export.json", 10, 1609459201000, 1609459210000),
        ("gpslogger_example.json", 1, 1730626211331, 1730626211331),
    ],
)
def test_samples(name: str, records: int, first: int, last: int) -> None:
    path = sample(f"geojson/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "geojson")
    out = collect(READER, path)
    assert (out.records, out.kept, out.rejects) == (records, records, [])
    moments = [(r["local_time"] - (r["stated_offset_s"] or 0) * 1_000_000) // 1000 for r in out.position_rows]
    assert (min(moments), max(moments)) == (first, last)
    for row in out.position_rows:
        raw = open_record(source_of(path), row["record"], "geojson", row["n"])
        assert json.loads(raw.text)["type"] == "Feature"


def test_sample_in_full() -> None:
    (row,) = collect(READER, sample("geojson/gpslogger_example.json")).position_rows
    wanted = {
        "n": 1, "record": "json:/features/0", "local_time": 1730626211331000 + 7 * 3_600_000_000, "stated_offset_s": 25_200,
        "zone_basis": "stated", "ts_precision": "ms", "lat": 10.758321212464024, "lon": 106.64234449272531, "kind": "fix",
        "accuracy_m": 4.7551565, "accuracy_kind": "unknown", "source_how": "gps", "subject": "owner", "device_tag": None,
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    rows = collect(READER, sample("geojson/various_fields.geojson")).position_rows
    assert [r["accuracy_m"] for r in rows] == [8.0, None, 5.0]  # hdop is no error in metres
    assert [r["device_tag"] for r in rows] == ["T1", "phone1", "phone1"]


# -- times


@pytest.mark.parametrize("name", TIMES)
def test_names_of_the_time(name: str) -> None:
    assert one(**{"timestamp": ..., name: "2025-03-01T08:00:00Z"}).position_rows[0]["local_time"] == us(0)


@pytest.mark.parametrize(
    ("value", "local", "basis", "precision"),
    [
        ("2025-03-01T08:00:00Z", us(0), "utc", "s"),
        ("2025-03-01T08:00:00+00:00", us(0), "utc", "s"),
        ("2025-03-01T13:00:00+0500", us(0) + 18_000_000_000, "stated", "s"),
        ("2025-03-01T08:00:00-0700", us(0), "stated", "s"),
        ("2025-03-01 08:00:00 UTC", us(0), "utc", "s"),
        ("2025-03-01 08:00", us(0), "case", "min"),
        ("2025-03-01", us(0) - 8 * 3_600_000_000, "case", "day"),
        (us(0) // 1_000_000, us(0), "utc", "s"),
        (us(0) // 1000, us(0), "utc", "ms"),
        (str(us(0) // 1_000_000), us(0), "utc", "s"),
        (us(0) / 1_000_000 + 0.25, us(0) + 250_000, "utc", "ms"),
        (f"{us(0) // 1_000_000}.123456", us(0) + 123_456, "utc", "us"),
        (f"{us(0) // 1000}.5", us(0) + 500, "utc", "us"),
    ],
)
def test_times(value: Any, local: int, basis: str, precision: str) -> None:
    (row,) = one(timestamp=value).position_rows
    assert (row["local_time"], row["zone_basis"], row["ts_precision"]) == (local, basis, precision)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (..., "no time"), ("", "no time"), (None, "no time"), ("soon", "time is not readable"), (True, "time is not readable"),
        ([], "time is not readable"), ({"a": 1}, "time is not readable"), (0, "time is zero: no time was recorded"),
        (10**30, "time is not readable"), ("2025-02-30T08:00:00Z", "time is not readable"),
        ("2001-01-01T00:00:00Z", "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
    ],
)  # fmt: skip
def test_without_a_time(value: Any, reason: str) -> None:
    assert one(timestamp=value).rejects == [(1, "json:/features/0", reason)]


# -- places


@pytest.mark.parametrize(
    ("coordinates", "reason"),
    [
        ([], "coordinates are missing or not readable"), ([76.9], "coordinates are missing or not readable"),
        (None, "coordinates are missing or not readable"), (["a", "b"], "coordinates are missing or not readable"),
        ([[76.9, 43.2]], "coordinates are missing or not readable"), ([43.2, 99], "latitude is out of range"),
        ([200, 43.2], "longitude is out of range"), ([True, 1], "coordinates are missing or not readable"),
    ],
)  # fmt: skip
def test_coordinates_that_cannot_be_used(coordinates: Any, reason: str) -> None:
    assert one({"type": "Point", "coordinates": coordinates}).rejects == [(1, "json:/features/0", reason)]


@pytest.mark.parametrize(
    "geometry", [None, {"type": "Polygon", "coordinates": []}, {"type": "GeometryCollection", "geometries": []}]
)
def test_events_and_areas_are_out_of_scope(geometry: Any) -> None:
    out = one(geometry)
    assert (out.records, out.scoped_out, out.rejects) == (1, 1, [])


@pytest.mark.parametrize("geometry", ["Point", {"type": 5}, {"type": "Novelty"}, {}])
def test_geometries_that_are_none(geometry: Any) -> None:
    assert len(one(geometry).rejects) == 1


@pytest.mark.parametrize(
    ("properties", "metres"),
    [
        ({"accuracy": 12}, 12.0), ({"accuracy": ..., "horizontal_accuracy": -1}, None), ({"accuracy": 0}, None),
        ({"accuracy": "8.5"}, 8.5), ({"accuracy": ..., "hdop": 3}, None), ({"accuracy": "good"}, None),
    ],
)  # fmt: skip
def test_accuracy(properties: dict[str, Any], metres: float | None) -> None:
    assert one(**properties).position_rows[0]["accuracy_m"] == metres


def test_several_points_under_one_time() -> None:
    out = one({"type": "MultiPoint", "coordinates": [[76.9, 43.2], [77, 43.3]]})
    assert [(r["n"], r["sub"], r["lat"]) for r in out.position_rows] == [(1, 1, 43.2), (1, 2, 43.3)]


# -- lines


def line(coordinates: Any, kind: str = "LineString", **properties: Any) -> Collected:
    return one({"type": kind, "coordinates": coordinates}, timestamp=..., **properties)


def test_a_line_with_a_time_for_every_vertex() -> None:
    times = ["2025-03-01T08:00:00Z", "2025-03-01T08:01:00Z"]
    out = line([[76.9, 43.2], [77, 43.3]], coordTimes=times)
    assert [(r["n"], r["sub"], r["record"], r["local_time"], r["lat"]) for r in out.position_rows] == [
        (1, 1, "json:/features/0", us(0), 43.2), (1, 2, "json:/features/0", us(1), 43.3),
    ]  # fmt: skip
    more = line(
        [[[76.9, 43.2]], [[77, 43.3]]], "MultiLineString", coordinateProperties={"times": [[times[0]], [times[1]]]}
    )
    assert [r["lat"] for r in more.position_rows] == [43.2, 43.3]
    fourth = line([[76.9, 43.2, 700, us(0) // 10**6], [77, 43.3, 700, us(1) // 10**6]])
    assert [r["local_time"] for r in fourth.position_rows] == [us(0), us(1)]


@pytest.mark.parametrize(
    ("coordinates", "properties", "reason"),
    [
        ([[76.9, 43.2], [77, 43.3]], {}, "a line without times of its vertices"),
        ([[76.9, 43.2], [77, 43.3]], {"coordTimes": ["2025-03-01T08:00:00Z"]},
         "the line has another number of times than of vertices: which belong together is not known"),
        ([[76.9]], {"coordTimes": ["2025-03-01T08:00:00Z"]}, "coordinates are missing or not readable"),
        (5, {}, "coordinates are missing or not readable"),
    ],
)  # fmt: skip
def test_lines_that_are_rejected(coordinates: Any, properties: dict[str, Any], reason: str) -> None:
    assert line(coordinates, **properties).rejects == [(1, "json:/features/0", reason)]


def test_a_bad_vertex_costs_only_itself_and_is_noted() -> None:
    out = line([[76.9, 43.2], [77, 99]], coordTimes=["2025-03-01T08:00:00Z", "2025-03-01T08:01:00Z"])
    assert out.kept == 1 and any(n.startswith("vertices of kept lines") and n.endswith(": 1") for n in out.notes)


# -- Overland


def test_overland() -> None:
    data = made.overland(4)
    assert recognise(head_of(data))[0][0][0] == "geojson"
    out = collect(READER, data)
    assert [(r["record"], r["accuracy_m"], r["device_tag"]) for r in out.position_rows[:1]] == [
        ("json:/locations/0", 10.0, "phone")
    ]
    assert SECRET not in made.said(out)


def test_visits_of_overland() -> None:
    def visit(arrival: Any, departure: Any) -> Collected:
        return one(action="visit", arrival_date=arrival, departure_date=departure)

    (row,) = visit("2025-03-01T07:00:00-0700", "2025-03-01T08:00:00-0700").position_rows
    assert (row["kind"], row["source_how"], row["local_end"] - row["local_time"]) == ("visit", "visit", 3_600_000_000)
    assert visit("2025-03-01T07:00:00Z", None).position_rows[0]["kind"] == "fix"
    assert visit(None, "2025-03-01T07:00:00Z").rejects[0][2] == "a visit without its arrival"
    assert visit("2025-03-01T07:00:00Z", "2025-03-01T06:00:00Z").rejects[0][2] == "end lies before the begin"
    assert (
        visit("2025-03-01T07:00:00Z", "2025-03-01T08:00:00").rejects[0][2] == "only one of begin and end names a zone"
    )
    assert visit("2025-03-01T07:00:00Z", "x").rejects[0][2] == "end: time is not readable"


# -- whose


def test_two_devices_wait_for_whose_they_are() -> None:
    data = geojson(feature(0, device_id="a"), feature(1, device_id="b"))
    with pytest.raises(Waiting) as caught:
        collect(READER, data)
    assert caught.value.lines.startswith("subject =")
    out = collect(READER, data, ctx=context(subject="K1"))
    assert {(r["subject"], r["identifier"]) for r in out.position_rows} == {("contact", "K1")}
    assert NOBODY in one().notes and NOBODY not in out.notes


# -- files


def test_not_mistaken() -> None:
    for data in (
        b"{}",
        b"[]",
        b'{"features": [1]}',
        b'{"locations": [{"latitudeE7": 1, "timestampMs": "1"}]}',
        made.owntracks_json(2),
        b"x",
    ):
        assert READER.recognise(head_of(data)) is None


def test_blocks_do_not_change_rows_and_locators_open() -> None:
    data = made.geojson_points(30)
    usual = collect(READER, data).position_rows
    for size in (16, 200, 1000):
        assert collect(GeoJson(size), data).position_rows == usual
    for row in usual[::7]:
        raw = open_record(source_of(data), row["record"], "geojson", row["n"])
        assert str(row["lat"]) in raw.masked and SECRET in raw.text and SECRET not in raw.masked


def test_encodings() -> None:
    usual = [made.facts(r) for r in collect(READER, made.geojson_points(4)).position_rows]
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        data = made.geojson_points(4).decode().encode(encoding)
        assert READER.recognise(head_of(data)) is not None or encoding in ("utf-16-le", "utf-32")
        assert [made.facts(r) for r in collect(READER, data).position_rows] == usual


def test_cut_at_every_byte() -> None:
    made.cut_everywhere(READER, made.geojson_points(3))


def test_broken_elements_cost_only_themselves() -> None:
    data = geojson(feature(0), 5, feature(2)).replace(b'"accuracy": 5', b'"accuracy": ', 1)
    out = collect(READER, data)
    assert (out.records, out.kept, len(out.rejects)) == (3, 1, 2) and out.conserved()
    with pytest.raises(Unreadable):
        collect(READER, b'{"type": "FeatureCollection"')


def test_hostile_depth() -> None:
    data = made.geojson_points(2).replace(b'"accuracy": 5', b'"accuracy": ' + b"[" * 5000 + b"]" * 5000, 1)
    out = collect(READER, data)
    assert out.conserved() and out.kept == 1


values = st.recursive(st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4), st.booleans()),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "coordinates", "a"]), inner, max_size=3), max_leaves=8)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(values, st.fixed_dictionaries({"geometry": values, "properties": values})), max_size=5))
def test_any_features_are_counted(features: list[Any]) -> None:
    out = collect(READER, geojson(feature(0), *features))
    assert out.conserved() and out.records == len(features) + 1
