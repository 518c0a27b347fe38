"""The three readers of Google's location history, against real samples, invented files and hostile ones."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import schema
from pipelines.readers import _locations, recognise
from pipelines.readers._clock import iso_reading
from pipelines.readers.base import POSITION_DEFAULTS, Reader, SourceFile, Unreadable
from pipelines.readers.google_records import READER as RECORDS
from pipelines.readers.google_records import Fix, GoogleRecords, _reading, _Times
from pipelines.readers.google_semantic import READER as SEMANTIC
from pipelines.readers.google_semantic import GoogleSemantic
from pipelines.readers.google_timeline import READER as TIMELINE
from pipelines.readers.google_timeline import GoogleTimeline
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import sample

ALMATY = {"latitudeE7": 432389000, "longitudeE7": 768897000}
SECRET = "Zhibek Zholy 1, flat 2"


def us(text: str) -> int:
    """µs since 1970 of a wall clock reading, zone or none."""
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def run(reader: Reader, document: object, **how: Any) -> Collected:
    """Read a document and check what holds for every file."""
    data = document if isinstance(document, bytes) else json.dumps(document, **how).encode()
    out = collect(reader, data)
    check(out)
    return out


def check(out: Collected) -> None:
    """Conservation, and rows that fit the schema of the store."""
    assert out.conserved()
    assert len({(r["n"], r["sub"]) for r in out.position_rows}) == len(out.position_rows)
    assert [r["n"] for r in out.position_rows] == sorted(r["n"] for r in out.position_rows)
    stored = schema.stored_schema("positions")
    rows = [
        {"case_id": "t", "position_id": f"0#{r['n']}.{r['sub']}", "source_id": "0" * 12, **r} for r in out.position_rows
    ]
    table = pa.table({f.name: pa.array([r[f.name] for r in rows], f.type) for f in stored}, schema=stored)
    schema.validate("positions", table, stored=True)
    assert all(set(r) == set(POSITION_DEFAULTS) | {"n", "record", "local_time", "kind", "subject"}
               for r in out.position_rows)  # fmt: skip
    assert {r["subject"] for r in out.position_rows} <= {"owner"}
    assert [(c["channel"], c["classes"], c["scope"], c["complete"]) for c in out.covers] == (
        [("google", "position", "all", "unknown")] if out.position_rows else []
    )


# --- real samples --------------------------------------------------------------------------------------------------

SAMPLES = [  # file, reader, read, kept, out of scope, rows by kind, first, last (UTC)
    ("google-records/records.json", RECORDS, 3, 3, 0, {"fix": 3}, "2012-12-15T14:21:29.46", "2013-03-01T05:17:39.849"),
    ("google-records/timeline_edits.json", RECORDS, 1, 1, 0, {"fix": 1}, "2025-08-15T14:32:18", "2025-08-15T14:32:18"),
    ("google-semantic/semantic_history.json", SEMANTIC, 3, 0, 3, {}, None, None),
    ("google-semantic/with_activitySegment_with_startLocation_timestamp_in_milliseconds_format.json", SEMANTIC, 1, 1, 0,
     {"path": 1}, "2025-03-24T19:23:52", "2025-03-24T19:23:52"),
    ("google-semantic/with_activitySegment_without_startLocation_without_waypointPath.json", SEMANTIC, 1, 0, 1, {},
     None, None),
    ("google-semantic/with_placeVisit_with_location_with_coordinates_with_seconds_timestamp.json", SEMANTIC, 1, 1, 0,
     {"visit": 1}, "2025-03-24T19:25:02", "2025-03-24T19:25:02"),
    ("google-semantic/with_placeVisit_without_location_with_coordinates_with_otherCandidateLocations.json", SEMANTIC, 1,
     0, 1, {}, None, None),
    # 20 segments and 5 signals of which 3 are positions; 5 activities have two ends each
    ("google-timeline/timeline_from_android_randomized.json", TIMELINE, 25, 23, 2,
     {"visit": 7, "path": 80 + 2 * 5, "fix": 3}, "2017-05-02T02:12:00", "2025-07-18T20:32:03"),
    # the last path point is 112 minutes after 2023-08-27T22:00Z
    ("google-timeline/location-history_ios.json", TIMELINE, 4, 3, 1, {"visit": 1, "path": 10}, "2023-08-27T20:48:56",
     "2023-08-27T23:52:00"),
    ("google-timeline/phone-takeout_w_3_duplicates.json", TIMELINE, 6, 3, 3, {"visit": 1, "path": 2, "fix": 1},
     "2019-04-03T06:13:57", "2024-06-06T10:44:37"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reader", "read", "kept", "scoped", "kinds", "first", "last"), SAMPLES)
def test_samples(
    name: str, reader: Reader, read: int, kept: int, scoped: int, kinds: dict[str, int], first: str | None,
    last: str | None,
) -> None:  # fmt: skip
    out = collect(reader, sample(name))
    check(out)
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (read, kept, scoped, [])
    met = [r["kind"] for r in out.position_rows]
    assert {k: met.count(k) for k in met} == kinds
    moments = [r["local_time"] - (r["stated_offset_s"] or 0) * 1_000_000 for r in out.position_rows]
    assert (min(moments, default=None), max(moments, default=None)) == (first and us(first), last and us(last))


@pytest.mark.parametrize(("name", "reader"), [(s[0], s[1]) for s in SAMPLES])
def test_samples_are_claimed_by_one_reader(name: str, reader: Reader) -> None:
    claims, verdict = recognise(head_of(sample(name)))
    assert (verdict, [c[0] for c in claims]) == ("known", [reader.description.id])


FOREIGN = [
    "geojson/various_fields.geojson", "geojson/dawarich_export.json", "telegram-json", "owntracks", "gpx", "kml",
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_samples_are_not_claimed(name: str) -> None:
    path = sample(name)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    assert files
    for file in files:
        assert [r.recognise(head_of(file)) for r in (RECORDS, SEMANTIC, TIMELINE)] == [None] * 3


# --- recognition ---------------------------------------------------------------------------------------------------

VISIT = {
    "placeVisit": {
        "location": {**ALMATY, "address": SECRET, "name": SECRET, "semanticType": "TYPE_HOME", "accuracyMetres": 30,
                     "sourceInfo": {"deviceTag": 77}},
        "duration": {"startTimestamp": "2021-03-05T08:00:00.250Z", "endTimestamp": "2021-03-05T09:30:00Z"},
        "placeConfidence": "HIGH_CONFIDENCE",
        "editConfirmationStatus": "CONFIRMED",
        "otherCandidateLocations": [{"latitudeE7": 1, "longitudeE7": 2, "name": SECRET}],
    }
}  # fmt: skip
SEGMENT = {
    "startTime": "2024-05-02T11:40:00+05:00",
    "endTime": "2024-05-02T13:40:00+05:00",
    "timelinePath": [{"point": "43.2389°, 76.8897°", "time": "2024-05-02T12:12:00+05:00"}],
}


@pytest.mark.parametrize(
    ("reader", "document"),
    [
        (RECORDS, {"locations": [{**ALMATY, "timestamp": "2021-03-05T08:00:00Z"}]}),
        (RECORDS, {"locations": [{"timestampMs": "1614931200000", "activity": []}]}),
        (RECORDS, {"timelineEdits": [{"deviceId": "0", "placeAggregates": {}}]}),
        (SEMANTIC, {"timelineObjects": [VISIT]}),
        (SEMANTIC, {"timelineObjects": []}),
        (TIMELINE, {"semanticSegments": [SEGMENT]}),
        (TIMELINE, {"semanticSegments": [], "rawSignals": []}),
        (TIMELINE, {"rawSignals": [{"wifiScan": {}}]}),
        (TIMELINE, [SEGMENT]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_recognised_in_every_encoding_and_layout(reader: Reader, document: object, encoding: str) -> None:
    for indent in (None, 2):
        head = head_of(json.dumps(document, indent=indent).encode(encoding), "whatever.txt")
        claims, verdict = recognise(head)
        assert (verdict, [c[0] for c in claims]) == ("known", [reader.description.id])


@pytest.mark.parametrize(
    "document",
    [
        {
            "locations": [
                {"type": "Feature", "geometry": {"coordinates": [76.9, 43.2]}, "properties": {"timestamp": "x"}}
            ]
        },
        {"locations": []},
        {"messages": [{"text": '{"locations":[{"latitudeE7":1}]}'}]},
        {"messages": [{"locations": [{"latitudeE7": 1}], "timelineObjects": [VISIT], "semanticSegments": [SEGMENT]}]},
        {"timelineObjects": {"placeVisit": 1}},
        [{"startTime": "2024-05-02T11:40:00Z", "title": "a calendar"}],
        [],
        {},
    ],
)
def test_other_documents_are_not_claimed(document: object) -> None:
    head = head_of(json.dumps(document).encode(), "Records.json")
    assert [r.recognise(head) for r in (RECORDS, SEMANTIC, TIMELINE)] == [None] * 3


def test_outline_is_linear_and_stops_at_a_cut_string() -> None:
    assert _locations.outline(b'{"a": [{"b": 1, "c": {"d": []}}, "b\\":") ') >= {"/a/[]", "/a/*/b", "/a/*/c/d/[]"}
    assert _locations.outline(b'{"a": "' + b'\\"' * 32000) == {"/a"}
    assert _locations.outline(b"[" * 65536) and _locations.outline(b"]]]]") == frozenset()
    assert _locations.outline(b"\x00\xff" * 100) == frozenset()


# --- Records -------------------------------------------------------------------------------------------------------


def one(record: dict[str, Any]) -> Collected:
    return run(RECORDS, {"locations": [record]})


def test_a_record_with_all_fields() -> None:
    out = run(
        RECORDS,
        {"locations": [{}, {**ALMATY, "accuracy": 20, "timestamp": "2021-03-05T08:00:00.25Z", "source": "wifi",
                            "deviceTag": -1184882232, "formFactor": "TABLET", "activity": [{"x": [1]}]}]},
    )  # fmt: skip
    (row,) = out.position_rows
    assert {k: v for k, v in row.items() if v is not None} == {
        "n": 2, "sub": 1, "record": "json:/locations/1", "local_time": us("2021-03-05T08:00:00.25"), "zone_basis": "utc",
        "ts_precision": "ms", "kind": "fix", "subject": "owner", "lat": 43.2389, "lon": 76.8897, "accuracy_m": 20.0,
        "accuracy_kind": "unknown", "device_tag": "-1184882232", "source_how": "wifi", "how": "device", "tags": "tablet",
    }  # fmt: skip
    assert out.scoped_out == 1
    assert any("need not be where its owner was" in note for note in out.notes)


@pytest.mark.parametrize(
    ("time", "local", "precision", "basis", "offset"),
    [
        ({"timestamp": "2021-03-05T08:00:00Z"}, "2021-03-05T08:00:00", "s", "utc", None),
        ({"timestamp": "2021-03-05T08:00:00.1Z"}, "2021-03-05T08:00:00.1", "ms", "utc", None),
        ({"timestamp": "2021-03-05T08:00:00.123456Z"}, "2021-03-05T08:00:00.123456", "us", "utc", None),
        ({"timestamp": "2021-03-05T08:00:00.123456789Z"}, "2021-03-05T08:00:00.123456", "us", "utc", None),
        ({"timestamp": "2021-03-05T13:00:00+05:00"}, "2021-03-05T13:00:00", "s", "stated", 18000),
        ({"timestamp": "2021-03-05 13:00:00 +0500"}, "2021-03-05T13:00:00", "s", "stated", 18000),
        ({"timestamp": "2021-03-05T08:00:00"}, "2021-03-05T08:00:00", "s", "case", None),
        ({"timestampMs": "1614931200250"}, "2021-03-05T08:00:00.25", "ms", "utc", None),
        ({"timestampMs": 1614931200250}, "2021-03-05T08:00:00.25", "ms", "utc", None),
        ({"timestampMs": "946684800000"}, "2000-01-01T00:00:00", "ms", "utc", None),
        ({"timestamp": "2021-03-05T08:00:00Z", "timestampMs": "1"}, "2021-03-05T08:00:00", "s", "utc", None),
        ({"timestamp": None, "timestampMs": "1614931200250"}, "2021-03-05T08:00:00.25", "ms", "utc", None),
    ],
)
def test_times_of_records(time: dict[str, Any], local: str, precision: str, basis: str, offset: int | None) -> None:
    (row,) = one({**ALMATY, **time}).position_rows
    found = (row["local_time"], row["ts_precision"], row["zone_basis"], row["stated_offset_s"])
    assert found == (us(local), precision, basis, offset)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**ALMATY}, "no time"),
        ({**ALMATY, "timestamp": ""}, "no time"),
        ({**ALMATY, "timestamp": SECRET}, "time is not readable"),
        ({**ALMATY, "timestamp": ["2021-03-05T08:00:00Z"]}, "time is not readable"),
        ({**ALMATY, "timestamp": {"a": 1}}, "time is not readable"),
        ({**ALMATY, "timestamp": "2021-02-30T08:00:00Z"}, "time is not readable"),
        ({**ALMATY, "timestamp": "2021-03-05T24:00:00Z"}, "time is not readable"),
        ({**ALMATY, "timestamp": "2021-03-05"}, "time is not readable"),
        ({**ALMATY, "timestampMs": True}, "time is not readable"),
        ({**ALMATY, "timestampMs": "9" * 400}, "time is not readable"),
        ({**ALMATY, "timestampMs": "0"}, "time is zero: no time was recorded"),
        ({**ALMATY, "timestamp": "1970-01-01T00:00:00Z"}, "time is zero: no time was recorded"),
        ({**ALMATY, "timestamp": "2001-01-01T00:00:00.000Z"},
         "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ({**ALMATY, "timestamp": "1989-12-31T23:59:59Z"}, "time lies before 1990"),
        ({**ALMATY, "timestamp": "2035-01-01T00:00:00Z"}, "time lies in or after 2035"),
        ({**ALMATY, "timestamp": "2035-01-01T01:00:00+00:30"}, "time lies in or after 2035"),
        ({"latitudeE7": 432389000, "timestamp": "2021-03-05T08:00:00Z"}, "one of the two coordinates is missing"),
        ({**ALMATY, "latitudeE7": [1], "timestamp": "2021-03-05T08:00:00Z"}, "coordinates are not readable"),
        ({**ALMATY, "latitudeE7": True, "timestamp": "2021-03-05T08:00:00Z"}, "coordinates are not readable"),
        ({**ALMATY, "latitudeE7": "43.2", "timestamp": "2021-03-05T08:00:00Z"}, "coordinates are not readable"),
        ({**ALMATY, "latitudeE7": 10**30, "timestamp": "2021-03-05T08:00:00Z"}, "coordinates are not readable"),
        ({**ALMATY, "latitudeE7": 900000001, "timestamp": "2021-03-05T08:00:00Z"}, "latitude is out of range"),
        ({**ALMATY, "longitudeE7": -1800000001, "timestamp": "2021-03-05T08:00:00Z"}, "longitude is out of range"),
        ({**ALMATY, "longitudeE7": 2300000000, "timestamp": "2021-03-05T08:00:00Z"}, "longitude is out of range"),
    ],
)  # fmt: skip
def test_rejects_of_records(record: dict[str, Any], reason: str) -> None:
    good = {**ALMATY, "timestamp": "2021-03-05T08:00:00Z"}
    out = run(RECORDS, {"locations": [good, record, good]})
    assert out.rejects == [(2, "json:/locations/1", reason)]
    assert [r["record"] for r in out.position_rows] == ["json:/locations/0", "json:/locations/2"]


@pytest.mark.parametrize("absent", [{}, {"latitudeE7": None, "longitudeE7": None}])
def test_no_coordinates_is_out_of_scope_even_without_a_time(absent: dict[str, Any]) -> None:
    out = run(RECORDS, {"locations": [absent, {**absent, "timestamp": "2021-03-05T08:00:00Z"}]})
    assert (out.scoped_out, out.rejects, out.covers) == (2, [], [])


@pytest.mark.parametrize("e7", [3430000000, "3430000000"])
def test_overflow_of_32_bits_is_unwrapped_and_noted(e7: object) -> None:
    out = one({"latitudeE7": 3800000000, "longitudeE7": e7, "timestamp": "2019-04-01T08:00:00Z"})
    assert [(r["lat"], r["lon"]) for r in out.position_rows] == [(-49.4967296, -86.4967296)]
    assert [n for n in out.notes if "overflowed" in n] == [
        "records whose coordinates had overflowed 32 bits, a known fault of the export, and were unwrapped: 1"
    ]


@pytest.mark.parametrize(
    ("value", "metres"),
    [(18, 18.0), ("18", 18.0), (0, None), (-1, None), (None, None), ([3], None), ("far", None), (True, None),
     (1.5, 1.5), (10**400, None)],
)  # fmt: skip
def test_accuracy_is_never_zero(value: object, metres: float | None) -> None:
    (row,) = one({**ALMATY, "timestamp": "2021-03-05T08:00:00Z", "accuracy": value}).position_rows
    assert (row["accuracy_m"], row["accuracy_kind"]) == (metres, "unknown")


def test_words_of_the_file_that_are_not_of_the_closed_set_are_not_stored() -> None:
    (row,) = one({**ALMATY, "timestamp": "2021-03-05T08:00:00Z", "source": SECRET, "deviceTag": SECRET,
                  "formFactor": SECRET}).position_rows  # fmt: skip
    assert (row["source_how"], row["device_tag"], row["tags"]) == ("unknown", None, None)


def test_timeline_edits() -> None:
    position = {"point": {"latE7": 432389000, "lngE7": 768897000}, "accuracyMm": 13500, "source": "GPS",
                "timestamp": "2024-02-17T04:14:41.412Z"}  # fmt: skip
    out = run(RECORDS, {"timelineEdits": [
        {"deviceId": "0", "placeAggregates": {"placeAggregateInfo": [{"point": {"latE7": 1, "lngE7": 2}}]}},
        {"deviceId": "-538926953", "rawSignal": {"signal": {"position": position}}},
        {"deviceId": "1", "rawSignal": {"signal": {"wifiScan": {"devices": []}}}},
        {"deviceId": "1", "rawSignal": {"signal": {"position": {**position, "timestamp": None}}}},
        {"deviceId": "1", "rawSignal": []},
    ]})  # fmt: skip
    (row,) = out.position_rows
    assert (row["n"], row["record"], row["accuracy_m"]) == (2, "json:/timelineEdits/1", 13.5)
    assert (row["device_tag"], row["source_how"]) == ("-538926953", "gps")
    assert (out.scoped_out, [r[:2] for r in out.rejects]) == (
        2, [(4, "json:/timelineEdits/3"), (5, "json:/timelineEdits/4")],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "kept"),
    [(5, "5"), ("5", "5"), (-(2**31), "-2147483648"), (True, None), (1.5, None), ([], None), ("a b", None), ("", None)],
)
def test_tags_of_devices(tag: object, kept: str | None) -> None:
    out = run(
        RECORDS, {"locations": [{**ALMATY, "timestamp": "2021-03-05T08:00:00Z", "deviceTag": t} for t in (1, tag)]}
    )
    assert [r["device_tag"] for r in out.position_rows] == ["1", kept]


def test_numbers_of_thousands_of_digits_are_no_trouble() -> None:
    long = b"9" * 5000
    for key in (b"deviceTag", b"accuracy", b"timestampMs", b"source"):
        rest = b'"latitudeE7": 1, "longitudeE7": 2, "timestampMs": "1614931200000"'
        out = run(RECORDS, b'{"locations": [{' + rest + b', "' + key + b'": ' + long + b"}, {" + rest + b"}]}")
        assert out.position_rows[-1]["n"] == 2
        assert out.records == 2


def test_duplicates_inside_a_source_stay() -> None:
    record = {**ALMATY, "timestamp": "2021-03-05T08:00:00Z"}
    assert len(run(RECORDS, {"locations": [record] * 5}).position_rows) == 5


PLAIN_TIME = st.datetimes(datetime(1990, 1, 1), datetime(2034, 12, 31)).map(lambda d: d.replace(tzinfo=UTC))


@st.composite
def records(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any] | str]:
    """A record as JSON, and the row that must come of it, or the word for its other end."""
    moment = draw(PLAIN_TIME)
    form = draw(st.sampled_from(["s", "ms", "us", "epoch", "epoch int", "offset"]))
    step = {"s": 1_000_000, "offset": 1_000_000, "us": 1}.get(form, 1000)
    count = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=step)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=count * step)
    plain = moment.replace(tzinfo=None)
    offset = draw(st.integers(-18 * 60, 18 * 60)) * 60 if form == "offset" else None
    record: dict[str, Any] = {}
    if form.startswith("epoch"):
        record["timestampMs"] = count if form == "epoch int" else str(count)
    elif offset is not None:
        sign, rest = "-" if offset < 0 else "+", abs(offset) // 60
        plain += timedelta(seconds=offset)
        record["timestamp"] = f"{plain.isoformat()}{sign}{rest // 60:02d}:{rest % 60:02d}"
    else:
        spec = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}[form]
        record["timestamp"] = plain.isoformat(timespec=spec) + "Z"
    lat, lon = draw(st.integers(-900000000, 900000000)), draw(st.integers(-1800000000, 1800000000))
    as_text = draw(st.booleans())
    record["latitudeE7"], record["longitudeE7"] = (str(lat), str(lon)) if as_text else (lat, lon)
    metres = draw(st.one_of(st.none(), st.integers(-1, 20000)))
    if metres is not None:
        record["accuracy"] = metres
    source = draw(st.sampled_from(["WIFI", "wifi", "CELL", "GPS", "UNKNOWN", "VISUAL", None]))
    record["source"] = source
    record["note"] = draw(st.text(max_size=30))  # an unknown key with anything in it, brackets and quotes included
    row = {
        "lat": lat / 1e7, "lon": lon / 1e7, "accuracy_m": float(metres) if metres and metres > 0 else None,
        "local_time": (plain - datetime(1970, 1, 1)) // timedelta(microseconds=1), "stated_offset_s": offset,
        "zone_basis": "utc" if offset is None else "stated",
        "ts_precision": {"offset": "s"}.get(form, form if form in ("s", "us") else "ms"),
        "source_how": {"wifi": "wifi", "cell": "cell", "gps": "gps"}.get((source or "").lower(), "unknown"),
    }  # fmt: skip
    apple = moment == datetime(2001, 1, 1, tzinfo=UTC)
    end = draw(st.sampled_from(["row", "row", "row", "scope", "reject time", "reject place", "reject type"]))
    if end == "scope":
        del record["latitudeE7"], record["longitudeE7"]
    elif end == "reject time" or (end == "row" and apple):
        record["timestamp"], end = (
            draw(st.sampled_from(["x", "1970-01-01T00:00:00Z", "2040-01-01T00:00:00Z"])),
            "reject",
        )
    elif end == "reject place":
        record["latitudeE7"], end = draw(st.sampled_from([900000001, -900000001, "", "1e5", None])), "reject"
    elif end == "reject type":
        record["longitudeE7"], end = draw(st.sampled_from([[], {}, False, [[1]], 1.5])), "reject"
    return record, row if end == "row" else end


@settings(max_examples=60, deadline=None)
@given(
    st.lists(records(), max_size=25),
    st.sampled_from([None, 1, 4]),
    st.booleans(),
    st.sampled_from([64, 300, 2000, None]),
)
def test_random_records_come_back_whatever_the_block(
    made: list[tuple[dict[str, Any], dict[str, Any] | str]], indent: int | None, ascii_only: bool, block: int | None
) -> None:
    data = json.dumps({"locations": [m[0] for m in made]}, indent=indent, ensure_ascii=ascii_only).encode(
        errors="surrogatepass"
    )
    out = collect(GoogleRecords(block), data)
    check(out)
    expected = [(n, f"json:/locations/{n - 1}", m[1]) for n, m in enumerate(made, 1)]
    rows = {r["n"]: r for r in out.position_rows}
    assert [(n, record) for n, record, row in expected if isinstance(row, dict)] == [
        (r["n"], r["record"]) for r in out.position_rows
    ]
    for n, _, row in expected:
        if isinstance(row, dict):
            assert {k: rows[n][k] for k in row} == row
    assert [r[:2] for r in out.rejects] == [(n, record) for n, record, row in expected if row == "reject"]
    assert out.scoped_out == sum(row == "scope" for *_, row in expected)


DIGIT = st.sampled_from("0123456789")
NEAR_TIMES = st.one_of(
    st.text(alphabet="0123456789-T:.Z+ ", max_size=30),
    st.builds(
        lambda y, mo, d, h, mi, s, f, z: f"{y}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}{f}{z}",
        st.integers(1000, 2100), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61),
        st.integers(0, 61), st.one_of(st.just(""), st.text(DIGIT, max_size=8).map(lambda t: "." + t)),
        st.sampled_from(["Z", "Z", "Z", "+05:00", "-03:30", "+18:00", "+18:01", "-23:59", "+05:60", "+24:00", "+0500", ""]),
    ),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(NEAR_TIMES, min_size=1, max_size=8))
def test_times_of_a_block_are_those_of_single_records(texts: list[str]) -> None:
    fixes = [Fix(1, 2, None, text) for text in texts]
    block = _Times(fixes)
    for k, fix in enumerate(fixes):
        found = _reading(fix)
        assert bool(block.known[k]) == (found is not None)
        if found is not None:
            assert (block.local[k], block.instant[k]) == (found.local_us, found.instant_us)
            digits = block.single[k].precision if k in block.single else ("s", "ms", "us")[block.digits[k]]
            assert digits == found.precision


@settings(max_examples=300, deadline=None)
@given(NEAR_TIMES)
def test_the_quick_way_to_read_a_time_is_the_slow_one(text: str) -> None:
    quick, slow = _locations.iso(text), iso_reading(text)
    if slow is None or slow.precision in ("day", "h"):
        assert quick is None
    else:
        expected = (slow.local_us, slow.offset_s, slow.zulu, slow.precision)
        assert quick is not None
        assert (quick.local_us, quick.offset_s, quick.utc, quick.precision) == expected


# --- Semantic ------------------------------------------------------------------------------------------------------


def test_a_visit_is_one_row_with_begin_and_end() -> None:
    out = run(SEMANTIC, {"timelineObjects": [VISIT]})
    (row,) = out.position_rows
    assert {k: v for k, v in row.items() if v is not None} == {
        "n": 1, "sub": 1, "record": "json:/timelineObjects/0", "local_time": us("2021-03-05T08:00:00.25"),
        "local_end": us("2021-03-05T09:30:00"), "ts_precision": "ms", "zone_basis": "utc", "kind": "visit",
        "subject": "owner", "lat": 43.2389, "lon": 76.8897, "accuracy_m": 30.0, "accuracy_kind": "unknown",
        "device_tag": "77", "source_how": "visit", "how": "app", "tags": "confirmed semantic=HOME",
    }  # fmt: skip


def test_child_visits_are_further_rows_in_order() -> None:
    def visit(minute: int, *children: object) -> dict[str, Any]:
        return {
            "location": {**ALMATY, "semanticType": SECRET},
            "duration": {"startTimestampMs": str(1614931200000 + minute * 60000)},
            "childVisits": list(children),
        }

    out = run(SEMANTIC, {"timelineObjects": [{"placeVisit": visit(0, visit(1, visit(2)), visit(3))}]})
    assert [(r["sub"], (r["local_time"] - us("2021-03-05T08:00:00")) // 60_000_000, r["tags"], r["local_end"])
            for r in out.position_rows] == [
        (1, 0, None, None), (2, 1, "nested", None), (3, 2, "nested", None), (4, 3, "nested", None),
    ]  # fmt: skip


def test_a_journey_has_its_ends_and_its_raw_path_but_no_way_points() -> None:
    segment: dict[str, Any] = {
        "startLocation": {**ALMATY, "sourceInfo": {"deviceTag": 5}},
        "endLocation": {"latitudeE7": 432400000, "longitudeE7": 768900000},
        "duration": {"startTimestamp": "2021-03-05T08:00:00Z", "endTimestamp": "2021-03-05T08:20:00Z"},
        "waypointPath": {"waypoints": [{"latE7": 432395000, "lngE7": 768897000}]},
        "simplifiedRawPath": {"points": [
            {"latE7": 432390000, "lngE7": 768897000, "accuracyMeters": 12, "timestamp": "2021-03-05T08:05:00Z"},
            {"latE7": 432391000, "lngE7": 768897000, "timestampMs": "1614931800000"},
            {"latE7": 432392000, "lngE7": 768897000},
            {},
        ]},
        "parkingEvent": {"location": dict(ALMATY), "timestamp": "2021-03-05T08:21:00Z"},
    }  # fmt: skip
    out = run(SEMANTIC, {"timelineObjects": [{"activitySegment": segment}]})
    assert [(r["sub"], r["kind"], r["source_how"], r["how"], r["lat"], r["accuracy_m"], r["device_tag"])
            for r in out.position_rows] == [
        (1, "path", "path", "app", 43.2389, None, "5"),
        (2, "fix", "path", "device", 43.239, 12.0, None),
        (3, "fix", "path", "device", 43.2391, None, None),
        (4, "path", "path", "app", 43.24, None, None),
    ]  # fmt: skip
    assert {"parts of kept records that could not be used: 1",
            "parking events, not read: where a vehicle stands is not where a person is: 1"} <= set(out.notes)  # fmt: skip
    segment["simplifiedRawPath"]["source"] = "INFERRED"
    again = run(SEMANTIC, {"timelineObjects": [{"activitySegment": segment}]})
    assert [(r["kind"], r["how"]) for r in again.position_rows] == [("path", "app")] * 4


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"placeVisit": {"location": ALMATY}}, "no time"),
        ({"placeVisit": {"location": ALMATY, "duration": {"startTimestamp": "yesterday"}}}, "time is not readable"),
        ({"placeVisit": {"location": ALMATY, "duration": {"startTimestamp": "2021-03-05T08:00:00Z",
                                                          "endTimestamp": "2021-03-05T07:59:59Z"}}},
         "end lies before the begin"),
        ({"placeVisit": {"location": ALMATY, "duration": {"startTimestamp": "2021-03-05T08:00:00Z",
                                                          "endTimestamp": 1e300}}}, "end: time is not readable"),
        ({"placeVisit": {"location": ALMATY, "duration": {"startTimestamp": "2021-03-05T08:00:00",
                                                          "endTimestamp": "2021-03-05T09:00:00Z"}}},
         "only one of begin and end names a zone"),
        ({"placeVisit": {"location": {"latitudeE7": 1}, "duration": {}}}, "one of the two coordinates is missing"),
        ({"activitySegment": {"startLocation": {"latitudeE7": 1}}}, "one of the two coordinates is missing"),
    ],
)  # fmt: skip
def test_rejects_of_the_semantic_history(item: dict[str, Any], reason: str) -> None:
    out = run(SEMANTIC, {"timelineObjects": [VISIT, item, VISIT]})
    assert out.rejects == [(2, "json:/timelineObjects/1", reason)]
    assert [r["n"] for r in out.position_rows] == [1, 3]


@pytest.mark.parametrize("item", [{"placeVisit": []}, {"placeVisit": {"location": "x"}}, [], 5, None, "x"])
def test_elements_of_another_shape_are_rejected(item: object) -> None:
    out = run(SEMANTIC, {"timelineObjects": [VISIT, item, VISIT]})
    assert (out.kept, [r[:2] for r in out.rejects]) == (2, [(2, "json:/timelineObjects/1")])


def test_candidates_only_are_no_position() -> None:
    candidates = {"placeVisit": {"otherCandidateLocations": [dict(ALMATY)], "duration": {"startTimestamp": "x"}}}
    out = run(SEMANTIC, {"timelineObjects": [candidates, {"placeVisit": {"location": {}}}, {}]})
    assert (out.scoped_out, out.position_rows) == (3, [])
    assert "visits that name candidate places only, which are no positions: 1" in out.notes


@pytest.mark.parametrize("depth", [40, 5000, 100_000])
def test_visits_nested_without_end_are_rejected(depth: int) -> None:
    head = '{"location":{"latitudeE7":1,"longitudeE7":2},"duration":{"startTimestamp":"2021-03-05T08:00:00Z"}'
    deep = ('{"placeVisit":' + (head + ',"childVisits":[') * depth + "]}" * depth + "}").encode()
    good = json.dumps(VISIT).encode()
    out = run(SEMANTIC, b'{"timelineObjects":[' + good + b"," + deep + b"," + good + b"]}")
    assert ([r[0] for r in out.rejects], [r["n"] for r in out.position_rows]) == ([2], [1, 3])


# --- Timeline ------------------------------------------------------------------------------------------------------

ANDROID = {
    "semanticSegments": [
        SEGMENT,
        {
            "startTime": "2024-05-02T12:00:00.000+05:00",
            "endTime": "2024-05-02T16:00:00.000+05:00",
            "startTimeTimezoneUtcOffsetMinutes": 300,
            "endTimeTimezoneUtcOffsetMinutes": 300,
            "visit": {"hierarchyLevel": 1, "topCandidate": {
                "placeId": "x", "semanticType": "INFERRED_HOME", "placeLocation": {"latLng": "43.2389000°, -76.8897000°"},
            }},
        },
        {
            "startTime": "2024-05-02T16:00:00+05:00",
            "endTime": "2024-05-02T16:30:00+05:00",
            "activity": {"start": {"latLng": "43.1°, 76.1°"}, "end": {"latLng": "43.2°, 76.2°"}},
        },
        {"startTime": "2024-05-02T16:00:00+05:00", "endTime": "2024-05-02T16:30:00+05:00", "timelineMemory": {"trip": {}}},
    ],
    "rawSignals": [
        {"wifiScan": {"devicesRecords": [{"mac": 1}]}},
        {"position": {"LatLng": "43.3°, 76.3°", "accuracyMeters": 13, "source": "CELL",
                      "timestamp": "2024-05-02T17:00:00.000+05:00"}},
        {"signal": {"position": {"point": {"latE7": 434000000, "lngE7": 764000000}, "accuracyMm": 4000,
                                 "timestamp": "2024-05-02T12:00:00Z"}}},
        {"activityRecord": {"timestamp": "2024-05-02T17:00:00.000+05:00"}},
    ],
    "userLocationProfile": {"frequentPlaces": [{"placeLocation": "43.2°, 76.8°", "label": "HOME"}]},
}  # fmt: skip


def test_android_timeline() -> None:
    out = run(TIMELINE, ANDROID)
    assert [(r["n"], r["sub"], r["record"], r["kind"], r["how"], r["source_how"], r["lat"], r["lon"], r["tags"])
            for r in out.position_rows] == [
        (1, 1, "json:/semanticSegments/0", "path", "app", "path", 43.2389, 76.8897, None),
        (2, 1, "json:/semanticSegments/1", "visit", "app", "visit", 43.2389, -76.8897, "nested semantic=INFERRED_HOME"),
        (3, 1, "json:/semanticSegments/2", "path", "app", "path", 43.1, 76.1, None),
        (3, 2, "json:/semanticSegments/2", "path", "app", "path", 43.2, 76.2, None),
        (6, 1, "json:/rawSignals/1", "fix", "device", "cell", 43.3, 76.3, None),
        (7, 1, "json:/rawSignals/2", "fix", "device", "unknown", 43.4, 76.4, None),
    ]  # fmt: skip
    visit = out.position_rows[1]
    assert (visit["local_time"], visit["local_end"]) == (us("2024-05-02T12:00:00"), us("2024-05-02T16:00:00"))
    assert (visit["zone_basis"], visit["stated_offset_s"], visit["end_offset_s"]) == ("stated", 18000, None)
    assert [r["accuracy_m"] for r in out.position_rows[4:]] == [13.0, 4.0]
    assert [(r["zone_basis"], r["stated_offset_s"]) for r in out.position_rows[4:]] == [
        ("stated", 18000),
        ("utc", None),
    ]
    assert (out.records, out.scoped_out) == (8, 3)
    assert "the profile of frequent places was not read: it names no times" in out.notes


def test_numbering_goes_on_in_file_order() -> None:
    turned = {"rawSignals": ANDROID["rawSignals"], "semanticSegments": ANDROID["semanticSegments"]}
    out = run(TIMELINE, turned)
    assert [(r["n"], r["record"]) for r in out.position_rows][:3] == [
        (2, "json:/rawSignals/1"), (3, "json:/rawSignals/2"), (5, "json:/semanticSegments/0"),
    ]  # fmt: skip


def test_the_offset_of_the_place_goes_before_that_of_the_exporting_phone() -> None:
    segment = {
        "startTime": "2024-02-29T23:30:00+05:00", "endTime": "2024-03-01T01:30:00+05:00",
        "startTimeTimezoneUtcOffsetMinutes": 360, "endTimeTimezoneUtcOffsetMinutes": 300,
        "visit": {"topCandidate": {"placeLocation": {"latLng": "43.2°, 76.8°"}}},
    }  # fmt: skip
    out = run(TIMELINE, {"semanticSegments": [segment]})
    (row,) = out.position_rows
    assert (row["local_time"], row["stated_offset_s"]) == (us("2024-03-01T00:30:00"), 21600)
    assert (row["local_end"], row["end_offset_s"]) == (us("2024-03-01T01:30:00"), 18000)
    assert any("another offset than the field" in n and n.endswith(": 1") for n in out.notes)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-05-02T07:00:00Z", "2024-05-02T13:00:00+05:00", ("utc", None, "2024-05-02T08:00:00", None)),
        ("2024-05-02T12:00:00+05:00", "2024-05-02T08:00:00Z", ("stated", 18000, "2024-05-02T08:00:00", 0)),
        ("2024-05-02T12:00:00+05:00", "2024-05-02T11:00:00+03:00", ("stated", 18000, "2024-05-02T11:00:00", 10800)),
        ("2024-05-02T12:00:00", "2024-05-02T13:00:00", ("case", None, "2024-05-02T13:00:00", None)),
        ("2024-05-02T12:00:00+05:00", None, ("stated", 18000, None, None)),
    ],
)
def test_clocks_of_begin_and_end(start: str, end: str | None, expected: tuple[Any, ...]) -> None:
    visit = {"topCandidate": {"placeLocation": "geo:43.2,76.8"}}
    (row,) = run(TIMELINE, [{"startTime": start, "endTime": end, "visit": visit}]).position_rows
    basis, offset, local_end, end_offset = expected
    assert (row["local_time"], row["zone_basis"], row["stated_offset_s"]) == (us(start), basis, offset)
    assert (row["local_end"], row["end_offset_s"]) == (local_end and us(local_end), end_offset)


def test_ios_timeline() -> None:
    out = run(TIMELINE, [
        {"endTime": "2023-08-27T17:04:26.999-05:00", "startTime": "2023-08-27T15:48:56.000-05:00",
         "visit": {"hierarchyLevel": "2", "probability": "0.7", "isTimelessVisit": "false",
                   "topCandidate": {"semanticType": "Searched Address", "placeID": "x",
                                    "placeLocation": "geo:27.720022,-97.347951"}}},
        {"endTime": "2023-08-28T00:00:00.000Z", "startTime": "2023-08-27T22:00:00.000Z", "timelinePath": [
            {"point": "geo:27.7,-97.3", "durationMinutesOffsetFromStartTime": "108"},
            {"point": "geo:27.6,-97.2", "durationMinutesOffsetFromStartTime": "4"},
            {"point": "geo:27.6,-97.2", "durationMinutesOffsetFromStartTime": "4"},
            {"point": "geo:27.6,-97.2", "durationMinutesOffsetFromStartTime": "-4"},
            {"point": "geo:27.6,-97.2"},
        ]},
        {"startTime": "2023-08-27T22:00:00.000Z", "endTime": "2023-08-27T22:10:00.000Z",
         "activity": {"start": "geo:27.1,-97.1", "end": "geo:27.2,-97.2", "distanceMeters": "10"}},
        {"startTime": "2023-08-27T22:00:00.000Z", "endTime": "2023-08-27T22:10:00.000Z", "timelineMemory": {}},
    ])  # fmt: skip
    assert [(r["record"], r["sub"], r["local_time"], r["ts_precision"], r["zone_basis"], r["tags"])
            for r in out.position_rows] == [
        ("json:/0", 1, us("2023-08-27T15:48:56"), "ms", "stated", "nested semantic=SEARCHED_ADDRESS"),
        ("json:/1", 1, us("2023-08-27T23:48:00"), "min", "utc", None),
        ("json:/1", 2, us("2023-08-27T22:04:00"), "min", "utc", None),
        ("json:/1", 3, us("2023-08-27T22:04:00"), "min", "utc", None),
        ("json:/2", 1, us("2023-08-27T22:00:00"), "ms", "utc", None),
        ("json:/2", 2, us("2023-08-27T22:10:00"), "ms", "utc", None),
    ]  # fmt: skip
    assert "parts of kept records that could not be used: 2" in out.notes
    assert out.scoped_out == 1


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ({"visit": {"topCandidate": {"placeLocation": {"latLng": "43.2°, 76.8°"}}}}, "no time"),
        ({"startTime": "2024-05-02T12:00:00Z", "visit": {"isTimelessVisit": "true", "topCandidate": {
            "placeLocation": "geo:43.2,76.8"}}}, "the app calls the visit timeless: when it was is not recorded"),
        ({"startTime": "2024-05-02T12:00:00Z", "visit": {"topCandidate": {"isTimelessVisit": True, "placeLocation": {
            "latLng": "43.2°, 76.8°"}}}}, "the app calls the visit timeless: when it was is not recorded"),
        ({"startTime": "2024-05-02T12:00:00Z", "visit": {"topCandidate": {"placeLocation": {"latLng": SECRET}}}},
         "coordinates are not readable"),
        ({"startTime": "2024-05-02T12:00:00Z", "visit": {"topCandidate": {"placeLocation": 5}}},
         "coordinates are not readable"),
        ({"startTime": "2024-05-02T12:00:00Z", "visit": {"topCandidate": {"placeLocation": "geo:91,0"}}},
         "latitude is out of range"),
        ({"startTime": "2024-05-02T12:00:00Z", "activity": {"start": "geo:0,181", "end": "geo:0,-181"}},
         "longitude is out of range"),
        ({"startTime": "2024-05-02T12:00:00Z", "timelinePath": [{"point": "43.2°, 76.8°", "time": 5}]},
         "time is zero: no time was recorded"),
        ({"startTime": "2024-05-02T12:00:00Z", "timelinePath": [
            {"point": "43.2°, 76.8°", "durationMinutesOffsetFromStartTime": "1e9"}]},
         "minutes since the begin are not readable"),
        ({"startTime": "x", "timelinePath": [{"point": "geo:1,2", "durationMinutesOffsetFromStartTime": 1}]},
         "time is not readable"),
    ],
)  # fmt: skip
def test_rejects_of_the_timeline(segment: dict[str, Any], reason: str) -> None:
    out = run(TIMELINE, {"semanticSegments": [SEGMENT, segment, SEGMENT]})
    assert out.rejects == [(2, "json:/semanticSegments/1", reason)]
    assert [r["n"] for r in out.position_rows] == [1, 3]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("50.0506312°, 14.3439906°", (50.0506312, 14.3439906)),
        ("-27.4°,-163.5°", (-27.4, -163.5)),
        ("50.05Â°, 14.34Â°", (50.05, 14.34)),
        ("50.05\ufffd, 14.34\ufffd", (50.05, 14.34)),
        ("50.05, 14.34", (50.05, 14.34)),
        ("geo:27.720022,-97.347951", (27.720022, -97.347951)),
        ("geo:27.7,-97.3;u=35", (27.7, -97.3)),
        ("", None),
        (None, None),
    ],
)
def test_pairs_of_degrees(text: object, pair: tuple[float, float] | None) -> None:
    assert _locations.degree_pair(text) == pair


@pytest.mark.parametrize(
    "text", ["50,05°, 14,34°", "50.05", "N50 E14", "nan, nan", "50.05°, 14.34°, 3", "1e1,2", "٥,٦"]
)
def test_other_pairs_are_not_guessed(text: str) -> None:
    with pytest.raises(_locations.CoordinateError):
        _locations.degree_pair(text)


# --- every reader --------------------------------------------------------------------------------------------------

DOCUMENTS: list[tuple[type[GoogleRecords] | type[GoogleSemantic] | type[GoogleTimeline], str, dict[str, Any]]] = [
    (GoogleRecords, "locations", {**ALMATY, "timestamp": "2021-03-05T08:00:00Z", "note": 'a "]}[{" \\ trap é'}),
    (GoogleSemantic, "timelineObjects", VISIT),
    (GoogleTimeline, "semanticSegments", SEGMENT),
]


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
def test_a_file_cut_anywhere_keeps_the_whole_records(make: Any, array: str, item: dict[str, Any]) -> None:
    text = json.dumps(item, ensure_ascii=False).encode()
    head = f'{{"{array}": ['.encode()
    data = head + b", ".join([text] * 3) + b"]}"
    ends = [len(head) + len(text) * (k + 1) + 2 * k for k in range(3)]
    for cut in range(len(head) + 1, len(data) - 2):
        out = collect(make(256), data[:cut])
        check(out)
        # cut exactly behind a record, nothing says that it has ended: it may be kept or rejected, but not be lost
        begun = [k for k in range(3) if ends[k] - len(text) < cut < ends[k] or (cut == ends[k] and out.rejects)]
        assert [r["n"] for r in out.position_rows] == [k + 1 for k in range(3) if ends[k] <= cut and k not in begun], (
            cut
        )
        assert [r[:2] for r in out.rejects] == [(k + 1, f"json:/{array}/{k}") for k in begun], cut
        assert any("breaks off" in note for note in out.notes)


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
@pytest.mark.parametrize("data", [b"", b"   ", b"not json", b"{}", b'{"x": 1}', b"\x00" * 1000, b'{"locations": 5}'])
def test_a_file_without_the_array_is_unreadable(make: Any, array: str, item: dict[str, Any], data: bytes) -> None:
    with pytest.raises(Unreadable):
        collect(make(), data)


def test_the_bare_begin_of_an_array_holds_nothing_and_says_that_it_breaks_off() -> None:
    out = run(TIMELINE, b"[")
    assert out.records == 0
    assert any("breaks off" in note for note in out.notes)
    with pytest.raises(Unreadable):
        collect(RECORDS, b"[")


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
@pytest.mark.parametrize(
    "hostile",
    [b"NaN", b"Infinity", b"[" * 100_000, b'{"a":' * 50_000, b'{"latitudeE7": NaN, "longitudeE7": 1}', b"-", b"tru",
     b'"' + b"\\u0000" * 100 + b'"', b'{"\xff\xfe": "\xff"}', b"1" * 5000, b'{"a": 1' + b"0" * 5000 + b"}"],
)  # fmt: skip
def test_hostile_elements_do_not_touch_their_neighbours_before(
    make: Any, array: str, item: dict[str, Any], hostile: bytes
) -> None:
    good = json.dumps(item).encode()
    out = collect(make(), f'{{"{array}": ['.encode() + good + b", " + hostile + b", " + good + b"]}")
    check(out)
    assert out.position_rows[0]["n"] == 1
    assert 2 not in {r["n"] for r in out.position_rows}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(DOCUMENTS), st.sampled_from([64, 4096]))
def test_damaged_files_lose_no_record_and_raise_nothing_else(data: st.DataObject, document: Any, block: int) -> None:
    make, array, item = document
    text = json.dumps(
        {array: [item] * 4, "rawSignals": ANDROID["rawSignals"]}, indent=data.draw(st.sampled_from([None, 1]))
    )
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        change = data.draw(
            st.sampled_from([b"", b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\xff", b"0", b"-", b"null", b"\n"])
        )
        raw[at : at + data.draw(st.integers(0, 12))] = change
        raw = raw or bytearray(b" ")
    try:
        out = collect(make(block), bytes(raw))
    except Unreadable:
        return
    check(out)


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
def test_content_is_in_no_row_reason_note_or_error(make: Any, array: str, item: dict[str, Any]) -> None:
    def louder(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{k: louder(v) for k, v in value.items()}, SECRET: SECRET, "name": SECRET, "address": SECRET}
        return [louder(v) for v in value] if isinstance(value, list) else value

    loud = louder(item)
    broken = [{**loud, key: SECRET} for key in loud]
    out = run(make(), {array: [loud, *broken, SECRET, [SECRET], {SECRET: SECRET}]})
    assert out.position_rows
    assert SECRET not in repr(vars(out))


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(make: Any, array: str, item: dict[str, Any], encoding: str) -> None:
    assert len(run(make(), json.dumps({array: [item, item]}, ensure_ascii=False).encode(encoding)).position_rows) == 2


@pytest.mark.parametrize(("make", "array", "item"), DOCUMENTS)
def test_blocks_do_not_matter(make: Any, array: str, item: dict[str, Any]) -> None:
    data = json.dumps({array: [item, {}, 5, item] * 40}, ensure_ascii=False).encode()
    whole = vars(collect(make(), data))
    for block in (64, 257, 4096):
        assert vars(collect(make(block), data)) == whole


def test_memory_does_not_grow_with_the_file() -> None:
    record = json.dumps({**ALMATY, "timestamp": "2021-03-05T08:00:00.000Z", "source": "WIFI"}).encode()

    class Counting(Collected):
        """A sink that counts and forgets."""

        rows = 0

        def positions(self, rows: int, columns: Any) -> None:
            self.rows += rows

    def peak(count: int) -> tuple[int, int]:
        data = b'{"locations": [' + b",".join([record] * count) + b"]}"
        source = SourceFile("0" * 12, "Records.json", None, len(data), lambda: io.BytesIO(data))
        out = Counting()
        tracemalloc.start()
        GoogleRecords(1 << 16).read(source, context(), out)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return out.rows, top

    (few, low), (many, high) = peak(4_000), peak(32_000)
    assert (few, many) == (4_000, 32_000)
    assert high < low * 1.5


def test_descriptions_are_complete() -> None:
    for reader in (RECORDS, SEMANTIC, TIMELINE):
        told = reader.description
        assert (
            told.channels == ("google",) and told.version == 1 and told.cannot_tell and told.evidence == "real sample"
        )
        assert Path(_locations.__file__).with_name(f"{told.id.replace('-', '_')}.py").exists()
