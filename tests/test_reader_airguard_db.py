"""AirGuard's database: the real sample of version 9, versions 10 to 26 by their schemas, exchanged coordinates, damage."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._airguard import exchanged
from pipelines.readers.airguard_db import READER
from pipelines.readers.base import Unreadable
from tests import track_files as made
from tests.android_databases import database
from tests.collect import Collected, collect, head_of, source_of
from tests.shared_data import sample
from tests.track_files import AIRGUARD_9, AIRGUARD_26, OTHER_TAG, SECRET, TAG, us


def new(**tables: Any) -> Collected:
    return collect(READER, database(AIRGUARD_26, {"device": made.devices_table()} | tables))


def old(*beacons: tuple[Any, Any], **more: Any) -> Collected:
    rows = [
        {"receivedAt": "2025-03-01T08:00", "rssi": -1, "deviceAddress": TAG, "longitude": a, "latitude": b}
        for a, b in beacons
    ]
    return collect(READER, database(AIRGUARD_9, {"device": made.devices_table(), "beacon": rows} | more))


def beacon(**more: Any) -> dict[str, Any]:
    return {"receivedAt": "2025-03-01T08:00", "rssi": -70, "deviceAddress": TAG, "locationId": None} | more


def location(number: int = 1, lat: Any = 43.2, lon: Any = 76.9, accuracy: Any = 12.5) -> dict[str, Any]:
    return {
        "locationId": number, "name": SECRET, "firstDiscovery": "2025-03-01T08:00", "lastSeen": "2025-03-01T08:00", "latitude": lat,
        "longitude": lon, "accuracy": accuracy,
    }  # fmt: skip


# -- the real sample


def test_sample() -> None:
    path = sample("airguard/attd_db")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "airguard-db")
    out = collect(READER, path)
    assert (out.records, out.kept, out.rejects, out.scoped_out) == (883, 883, [], 0)
    rows = out.position_rows
    placed = [r for r in rows if r["lat"] is not None]
    assert (len(placed), len({r["subject_id"] for r in rows})) == (477, 794)
    # in the file longitude is 30.2 to 36.0 and latitude -97.7 to -78.6: they stand in each other's column
    assert (min(r["lat"] for r in placed), max(r["lat"] for r in placed)) == (30.2022487, 35.9982146)
    assert (min(r["lon"] for r in placed), max(r["lon"] for r in placed)) == (-97.7410787, -78.5765901)
    assert any("each other's place" in n and "no latitude show it" in n for n in out.notes)
    assert any(n.endswith(": 6317") for n in out.notes)
    assert (rows[0]["local_time"], rows[-1]["local_time"]) == (1660674371949000, 1668793864243000)
    assert {r["zone_basis"] for r in rows} == {"case"}
    assert {(c["channel"], c["complete"]) for c in out.covers} == {("bluetooth", "no")}


def test_sample_in_full() -> None:
    path = sample("airguard/attd_db")
    row = collect(READER, path).position_rows[0]
    wanted = {
        "n": 1, "record": "sql:beacon/1", "ts_precision": "ms", "kind": "tracker_sighting", "subject": "tracker",
        "subject_id": "F2:21:EF:BF:DE:58", "identifier": None, "lat": 30.2654229, "lon": -97.7381371, "accuracy_m": 150.0,
        "accuracy_kind": "radius", "source_how": "bluetooth", "how": "app", "tags": "airguard type=apple address_changes",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    raw = open_record(source_of(path), "sql:beacon/1", "airguard-db", 1)
    assert '"receivedAt": "2022-08-16T18:26:11.949"' in raw.masked


# -- coordinates that stand in each other's column


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([], True),
        ([(43.2, 76.9)], True),  # Almaty: either could be a latitude, and the app wrote them so
        ([(30.2, -97.7), (30.2, -80.0)], True),
        ([(None, None), (30.2, -97.7)], True),
        ([(-97.7, 30.2), (43.2, 76.9)], False),
        ([(-97.7, 30.2), (30.2, -97.7)], None),
        ([("x", "y")], True),
        ([(200.0, 100.0)], True),
    ],
)
def test_which_column_is_which(pairs: list[tuple[Any, Any]], found: bool | None) -> None:
    assert exchanged(pairs) is found


def test_old_databases() -> None:
    out = old((43.2, 76.9), (None, None))
    assert [(r["lat"], r["lon"]) for r in out.position_rows] == [(43.2, 76.9), (None, None)]
    assert any(n.startswith("the columns latitude and longitude are read in each other's place") for n in out.notes)
    straight = old((-97.7, 30.2), (-80.0, 30.1))
    assert [(r["lat"], r["lon"]) for r in straight.position_rows] == [(30.2, -97.7), (30.1, -80.0)]
    assert any("by their names" in n for n in straight.notes)
    both = old((-97.7, 30.2), (30.2, -97.7))
    assert (both.kept, {r["lat"] for r in both.position_rows}, both.rejects) == (2, {None}, [])
    assert any("in some rows and not in others" in n for n in both.notes)
    assert not any("latitude" in n for n in old((None, None)).notes)
    broken = old(("x", "y"))
    assert broken.position_rows[0]["lat"] is None and any("kept without it" in n for n in broken.notes)


# -- places of a list


@pytest.mark.parametrize(
    ("stated", "metres"), [(12.5, 150.0), (None, 150.0), (400.0, 400.0), (-1, 150.0), ("x", 150.0)]
)
def test_a_place_is_never_more_exact_than_the_list(stated: Any, metres: float) -> None:
    out = new(location=[location(accuracy=stated)], beacon=[beacon(locationId=1)])
    (row,) = out.position_rows
    assert (row["lat"], row["lon"], row["accuracy_m"], row["accuracy_kind"]) == (43.2, 76.9, metres, "radius")


def test_places_that_are_gone_or_impossible_leave_the_sighting() -> None:
    out = new(
        location=[location(2, lat=99)],
        beacon=[beacon(locationId=1), beacon(locationId=2), beacon(), beacon(locationId="x")],
    )
    assert [(r["lat"], r["accuracy_m"], r["accuracy_kind"]) for r in out.position_rows] == [(None, None, "unknown")] * 4
    assert sorted(n.rpartition(": ")[2] for n in out.notes if "kept without it" in n) == ["1", "2"]
    assert any(n == "sightings without a place: 1" for n in out.notes)


# -- what is known of a device


@pytest.mark.parametrize(
    ("device", "tags"),
    [
        ({}, "airguard type=airtag address_changes"),
        ({"ignore": 1}, "airguard type=airtag address_changes ignored"),
        ({"safeTracker": 1, "matchedUsing15MinAlgo": 1}, "airguard type=airtag address_changes safe_tracker joined_by_app"),
        ({"deviceType": "TILE"}, "airguard type=tile"),
        ({"deviceType": None}, "airguard"),
        ({"deviceType": SECRET}, "airguard address_changes"),
        ({"deviceType": "SAMSUNG_TRACKER", "subDeviceType": "SMART_TAG_2"},
         "airguard type=samsung_tracker subtype=smart_tag_2 address_changes"),
        ({"alternativeIdentifier": SECRET}, "airguard type=airtag address_changes alternative=f1e3ffd3f9"),
    ],
)  # fmt: skip
def test_words_of_a_device(device: dict[str, Any], tags: str) -> None:
    first, second = made.devices_table()
    out = new(device=[first | device, second], beacon=[beacon()])
    found = out.position_rows[0]["tags"]
    if "alternativeIdentifier" in device:
        assert found.startswith(tags[:-10]) and len(found) == len(tags)
    else:
        assert found == tags
    assert SECRET not in made.said(out)


def test_states_false_alarms_and_unknown_devices() -> None:
    out = new(
        beacon=[beacon(connectionState="OVERMATURE_OFFLINE"), beacon(deviceAddress=OTHER_TAG), beacon(deviceAddress="00:11")],
        notification=[{"deviceAddress": TAG, "falseAlarm": 1, "createdAt": "2025-03-01T09:00:01.5", "sensitivity": 2},
                      {"deviceAddress": OTHER_TAG, "falseAlarm": 0, "createdAt": "2025-03-01T09:00", "sensitivity": -1}],
    )  # fmt: skip
    assert [r["tags"] for r in out.position_rows] == [
        "airguard type=airtag address_changes state=overmature_offline false_alarm", "airguard type=tile ignored", "airguard",
        "airguard type=airtag address_changes false_alarm sensitivity=high", "airguard type=tile ignored",
    ]  # fmt: skip
    assert any(n == "sightings and warnings of devices that the list of devices no longer holds: 1" for n in out.notes)
    alert = out.position_rows[3]
    assert (alert["n"], alert["record"], alert["kind"], alert["lat"]) == (
        4,
        "sql:notification/1",
        "tracker_alert",
        None,
    )
    assert (alert["local_time"], alert["ts_precision"]) == (us(60) + 1_500_000, "ms")


# -- times


@pytest.mark.parametrize(
    ("text", "local", "precision"),
    [
        ("2025-03-01T08:00", us(0), "s"),  # Java leaves out seconds that are zero
        ("2025-03-01T08:00:01", us(0) + 1_000_000, "s"),
        ("2025-03-01T08:00:00.123", us(0) + 123_000, "ms"),
        ("2025-03-01T08:00:00.123456789", us(0) + 123_456, "us"),
    ],
)
def test_times(text: str, local: int, precision: str) -> None:
    (row,) = new(beacon=[beacon(receivedAt=text)]).position_rows
    assert (row["local_time"], row["ts_precision"], row["zone_basis"], row["stated_offset_s"]) == (
        local,
        precision,
        "case",
        None,
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"receivedAt": ""}, "no time"), ({"receivedAt": "2025-03-01"}, "time is not readable"),
        ({"receivedAt": "2025-03-01T08:00Z"}, "time is not readable"), ({"receivedAt": 5}, "time is not readable"),
        ({"receivedAt": "1970-01-01T00:00"}, "time is zero: no time was recorded"), ({"deviceAddress": ""}, "no address of a device"),
        ({"deviceAddress": "x" * 200}, "no address of a device"),
    ],
)  # fmt: skip
def test_rejects(more: dict[str, Any], reason: str) -> None:
    out = new(beacon=[beacon(**more), beacon()])
    assert (out.rejects, out.kept) == ([(1, "sql:beacon/1", reason)], 1) and out.conserved()


# -- files


def test_versions_in_between_have_fewer_columns() -> None:
    schema = AIRGUARD_26.replace("`connectionState` TEXT NOT NULL DEFAULT 'UNKNOWN'", "`extra` TEXT").replace(
        "`altitude` REAL,", ""
    )
    for name in (
        "`safeTracker` INTEGER NOT NULL DEFAULT false,",
        "`alternativeIdentifier` TEXT,",
        "`subDeviceType` TEXT NOT NULL DEFAULT 'UNKNOWN',",
    ):
        assert name in schema
        schema = schema.replace(name, "")
    out = collect(
        READER,
        database(schema, {"device": made.devices_table(), "location": [location()], "beacon": [beacon(locationId=1)]}),
    )
    assert [(r["lat"], r["tags"]) for r in out.position_rows] == [(43.2, "airguard type=airtag address_changes")]


def test_not_mistaken_and_views_refused() -> None:
    for data in (
        database("CREATE TABLE beacon (a);"),
        database("CREATE TABLE device (a);"),
        b"SQLite format 3\0",
        b"x",
    ):
        assert READER.recognise(head_of(data)) is None
        with pytest.raises(Unreadable):
            collect(READER, data)
    view = database(
        "CREATE TABLE device (address TEXT); CREATE TABLE b (a); CREATE VIEW beacon AS SELECT 1 AS receivedAt;"
    )
    assert READER.recognise(head_of(view)) is not None
    with pytest.raises(Unreadable, match="view"):
        collect(READER, view)


@pytest.mark.parametrize("make", [made.airguard_old, made.airguard_new])
def test_whole_files_and_damage(make: Any) -> None:
    data = make(400)
    out = collect(READER, data)
    assert (out.records, out.kept) == (400, 400) and SECRET not in made.said(out)
    assert [r["n"] for r in out.position_rows] == list(range(1, 401))
    for row in out.position_rows[::57]:
        raw = open_record(source_of(data), row["record"], "airguard-db", row["n"])
        assert TAG in raw.masked and SECRET not in raw.masked
    for size in range(0, len(data), 997):
        try:
            cut = collect(READER, data[:size])
        except Unreadable:
            continue
        assert cut.conserved()
    for place in range(100, len(data), 1499):
        try:
            hurt = collect(READER, data[:place] + b"\xff" * 40 + data[place + 40 :])
        except Unreadable:
            continue
        assert hurt.conserved()


def test_the_write_ahead_log_is_no_matter_of_the_reader(tmp_path: Any) -> None:
    path = tmp_path / "attd_db"
    with sqlite3.connect(path) as db:
        db.executescript(AIRGUARD_26)
    assert collect(READER, path).records == 0
