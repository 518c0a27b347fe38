"""AirGuard's raw data export: each of its four files, what lies beside, and what is missing there."""

from __future__ import annotations

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.airguard_csv import READER
from pipelines.readers.base import Unreadable
from tests import track_files as made
from tests.collect import collect, head_of, source_of
from tests.track_files import BEACONS, DEVICES, PLACES, SECRET, TAG, WARNINGS, us

ROW = f"1,2025-03-01T08:00,-70,{TAG},2,00ff,{SECRET},OVERMATURE_OFFLINE\r\n"


def test_beacons_with_what_lies_beside() -> None:
    beside = made.beside_beacons()
    out = collect(READER, made.beacons(4), "beacons.csv", beside=beside)
    assert (out.records, out.kept, out.rejects, out.scoped_out) == (4, 4, [], 0)
    row = out.position_rows[1]
    lat, lon = made.place(1)
    wanted = {
        "n": 2, "record": "line:3", "local_time": us(1), "zone_basis": "case", "ts_precision": "s", "kind": "tracker_sighting",
        "subject": "tracker", "subject_id": TAG, "identifier": None, "lat": lat, "lon": lon, "accuracy_m": 150.0,
        "accuracy_kind": "radius", "source_how": "bluetooth", "how": "app",
        "tags": "airguard type=airtag address_changes state=overmature_offline",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    assert sorted(role for role, _ in out.companions) == ["devices", "locations", "notifications"]
    assert {(c["channel"], c["classes"], c["complete"]) for c in out.covers} == {
        ("bluetooth", "tracker_sighting", "no")
    }
    assert SECRET not in made.said(out)


def test_warnings() -> None:
    out = collect(READER, made.warnings(2), "notifications.csv", beside=made.beside_beacons())
    assert [(r["kind"], r["lat"], r["tags"].split()[-1]) for r in out.position_rows] == [
        ("tracker_alert", None, "sensitivity=medium"), ("tracker_alert", None, "sensitivity=medium"),
    ]  # fmt: skip
    assert ["false_alarm" in r["tags"].split() for r in out.position_rows] == [False, True]
    assert {c["classes"] for c in out.covers} == {"tracker_alert"}


def test_a_false_alarm_is_said_of_the_sightings_too() -> None:
    beside = made.beside_beacons() | {"notifications.csv": made.warnings(2)}
    assert (
        "false_alarm" in collect(READER, made.beacons(1), "beacons.csv", beside=beside).position_rows[0]["tags"].split()
    )


@pytest.mark.parametrize("name", ["devices.csv", "locations.csv"])
def test_devices_and_places_are_known_and_no_rows(name: str) -> None:
    data = made.beside_beacons()[name]
    assert recognise(head_of(data, name)) == ([("airguard-csv", READER.recognise(head_of(data)))], "known")
    out = collect(READER, data, name, beside=made.beside_beacons())
    assert (out.kept, out.scoped_out, out.records) == (0, data.count(b"\n") - 1, data.count(b"\n") - 1)
    assert any("looked up" in note for note in out.notes)


def test_without_the_other_files_the_sightings_stay() -> None:
    out = collect(READER, made.beacons(3), "beacons.csv", beside={})
    assert [(r["lat"], r["tags"]) for r in out.position_rows] == [(None, "airguard state=overmature_offline")] * 3
    assert len([n for n in out.notes if "does not lie beside" in n]) == 3
    assert collect(READER, made.beacons(3), "beacons.csv").kept == 3


def test_the_files_of_the_same_folder_are_taken() -> None:
    other = made.beside_beacons()["locations.csv"].replace(b"12.5", b"900")
    beside = {f"one/{n}": d for n, d in made.beside_beacons().items()} | {"two/locations.csv": other}
    assert collect(READER, made.beacons(1), "one/beacons.csv", beside=beside).position_rows[0]["accuracy_m"] == 150.0
    assert collect(READER, made.beacons(1), "two/beacons.csv", beside=beside).position_rows[0]["accuracy_m"] == 900.0
    # elsewhere two could be meant, and none is
    out = collect(READER, made.beacons(1), "three/beacons.csv", beside=beside)
    assert out.position_rows[0]["lat"] is None and any("more than one" in n for n in out.notes)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("2025-03-01T08:00", ""), "no time"),
        (ROW.replace("2025-03-01T08:00", "2025-03-01T08:00:00+05:00"), "time is not readable"),
        (ROW.replace(TAG, ""), "no address of a device"),
        ("1,2025-03-01T08:00,-70\r\n", "the row has fewer cells than the headings"),
        (ROW.replace("\r\n", ",more\r\n"), "the row has more cells than the headings"),
    ],
)
def test_rejects(row: str, reason: str) -> None:
    out = collect(READER, (BEACONS + ROW + row + ROW).encode(), "beacons.csv", beside=made.beside_beacons())
    assert (out.records, out.kept, out.rejects) == (3, 2, [(2, "line:3", reason)])


def test_places_that_are_missing_or_impossible() -> None:
    beside = made.beside_beacons() | {"locations.csv": (PLACES + f"2,{SECRET},x,x,43.2,99,,\r\n").encode()}
    out = collect(
        READER,
        (BEACONS + ROW + ROW.replace(",2,", ",,") + ROW.replace(",2,", ",7,")).encode(),
        "beacons.csv",
        beside=beside,
    )
    assert [r["lat"] for r in out.position_rows] == [None] * 3
    assert len([n for n in out.notes if "kept without it" in n]) == 2


def test_quotes_blank_rows_and_names_over_lines() -> None:
    beside = made.beside_beacons()
    beside["devices.csv"] = (
        DEVICES + f'1,u,{TAG},"a, ""b""\r\nc",true,false,true,00,x,x,true,,AIRTAG,UNKNOWN,1,false,,"n\n",false\r\n'
    ).encode()
    out = collect(READER, (BEACONS + ROW + "\r\n" + ROW).encode(), "beacons.csv", beside=beside)
    assert ([r["n"] for r in out.position_rows], out.scoped_out) == ([1, 3], 1)
    assert out.position_rows[0]["tags"].startswith("airguard type=airtag address_changes ignored")
    listed = collect(READER, beside["devices.csv"], "devices.csv")
    assert (listed.records, listed.scoped_out) == (1, 1)


def test_files() -> None:
    for head in (BEACONS, DEVICES, PLACES, WARNINGS):
        assert READER.recognise(head_of(head.encode())) is not None
        assert collect(READER, head.encode(), "x.csv").records == 0
    for data in (b"", b"time,lat,lon\n", b"deviceId,address\n", (BEACONS.strip() + ",rssi\r\n").encode()):
        assert READER.recognise(head_of(data)) is None
        with pytest.raises(Unreadable):
            collect(READER, data)
    marked = b"\xef\xbb\xbf" + made.beacons(2)
    assert READER.recognise(head_of(marked)) is not None and collect(READER, marked).kept == 2


def test_masking() -> None:
    for data, seen in ((made.beacons(1), TAG), (made.beside_beacons()["devices.csv"], "AIRTAG"), (made.warnings(1), TAG),
                       (made.beside_beacons()["locations.csv"], "43.2")):  # fmt: skip
        shown = open_record(source_of(data), "line:2", "airguard-csv", 1).masked
        assert seen in shown and SECRET not in shown


def test_cut_at_every_byte() -> None:
    made.cut_everywhere(READER, made.beacons(3), beside=made.beside_beacons())
    made.cut_everywhere(READER, made.warnings(3), beside=made.beside_beacons())
