"""The reader of Swarm check-ins, on invented check-ins of both forms and on hostile files."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import schema
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.swarm import READER, Swarm
from tests.collect import Collected, collect, head_of

SECRET = "Кафе у Айгерим"
DOWNLOAD = {
    "id": "5c9f0000000000000000000a", "createdAt": "2019-05-04 16:20:00.000000", "type": "checkin", "visibility": "closed",
    "timeZoneOffset": 360, "venue": {"id": "4b00", "name": SECRET}, "lat": 43.2389, "lng": 76.8897, "hacc": 25,
    "shout": SECRET, "comments": {"count": 0},
}  # fmt: skip
INTERFACE = {
    "id": "5c9f0000000000000000000a", "createdAt": 1556986800, "type": "checkin", "timeZoneOffset": 360,
    "venue": {"id": "4b00", "name": SECRET, "location": {"address": SECRET, "lat": 43.2391, "lng": 76.89}},
    "with": [{"id": "1", "firstName": SECRET}],
}  # fmt: skip


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def download(*items: object) -> bytes:
    return json.dumps({"count": len(items), "items": items}, ensure_ascii=False).encode()


def interface(*items: object) -> bytes:
    return json.dumps({"meta": {"code": 200}, "response": {"checkins": {"count": 9, "items": items}}}).encode()


def run(data: bytes, reader: Swarm = READER) -> Collected:
    out = collect(reader, data)
    assert out.conserved()
    stored = schema.stored_schema("positions")
    rows = [{"case_id": "t", "position_id": f"0#{r['n']}", "source_id": "0" * 12, **r} for r in out.position_rows]
    table = pa.table({f.name: pa.array([r[f.name] for r in rows], f.type) for f in stored}, schema=stored)
    schema.validate("positions", table, stored=True)
    covers = [{"channel": "swarm", "classes": "position", "scope": "all", "complete": "unknown"}]
    assert out.covers == (covers if rows else [])
    return out


def test_a_check_in_of_the_download() -> None:
    out = run(download(DOWNLOAD))
    (row,) = out.position_rows
    assert {k: v for k, v in row.items() if v is not None} == {
        "n": 1, "sub": 1, "record": "json:/items/0", "local_time": us("2019-05-04T22:20:00"), "zone_basis": "stated",
        "stated_offset_s": 21600, "ts_precision": "s", "kind": "check_in", "subject": "owner", "lat": 43.2389,
        "lon": 76.8897, "accuracy_m": 25.0, "accuracy_kind": "unknown", "source_how": "check_in", "how": "app",
    }  # fmt: skip
    assert "times written as text without a zone, read as UTC: 1" in out.notes
    assert any("may be chosen afterwards" in note for note in out.notes)


def test_the_same_check_in_of_the_interface() -> None:
    out = run(interface(INTERFACE))
    (row,) = out.position_rows
    assert (row["local_time"], row["stated_offset_s"]) == (us("2019-05-04T22:20:00"), 21600)
    assert (row["record"], row["lat"], row["lon"]) == ("json:/response/checkins/items/0", 43.2391, 76.89)
    assert (row["tags"], row["accuracy_m"]) == ("venue", None)
    assert {
        "check-ins that name further people, who were not read: 1",
        "check-ins with the coordinates of the venue (tag venue), not of the phone: 1",
    } <= set(out.notes)
    assert not any("read as UTC" in note for note in out.notes)


def test_the_circle_of_the_phone_is_not_put_around_the_venue() -> None:
    (row,) = run(interface({**INTERFACE, "hacc": 5})).position_rows
    assert (row["tags"], row["accuracy_m"]) == ("venue", None)
    (row,) = run(interface({**INTERFACE, "lat": "43.2", "lng": "76.8", "hacc": "5.5"})).position_rows
    assert (row["lat"], row["lon"], row["tags"], row["accuracy_m"]) == (43.2, 76.8, None, 5.5)


@pytest.mark.parametrize(
    ("created", "offset", "local", "precision", "basis", "stated"),
    [
        ("2019-05-04 16:20:00.123456", 360, "2019-05-04T22:20:00.123456", "us", "stated", 21600),
        ("2019-05-04 16:20:00", -210, "2019-05-04T12:50:00", "s", "stated", -12600),
        ("2019-05-04T16:20:00Z", 0, "2019-05-04T16:20:00", "s", "stated", 0),
        ("2019-05-04T21:20:00+05:00", 360, "2019-05-04T22:20:00", "s", "stated", 21600),
        (1556986800, "360", "2019-05-04T22:20:00", "s", "stated", 21600),
        ("1556986800", None, "2019-05-04T16:20:00", "s", "utc", None),
        (1556986800, 1081, "2019-05-04T16:20:00", "s", "utc", None),
        (1556986800, [360], "2019-05-04T16:20:00", "s", "utc", None),
        (1556986800, SECRET, "2019-05-04T16:20:00", "s", "utc", None),
    ],
)
def test_times(created: object, offset: object, local: str, precision: str, basis: str, stated: int | None) -> None:
    out = run(download({**DOWNLOAD, "createdAt": created, "timeZoneOffset": offset}))
    (row,) = out.position_rows
    found = (row["local_time"], row["ts_precision"], row["zone_basis"], row["stated_offset_s"])
    assert found == (us(local), precision, basis, stated)
    assert ("check-ins that state no offset from UTC: 1" in out.notes) == (basis == "utc")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lat": None, "lng": None}, "no coordinates"),
        ({"lat": None, "lng": None, "venue": None}, "no coordinates"),
        ({"lat": None}, "one of the two coordinates is missing"),
        ({"lat": SECRET}, "coordinates are not readable"),
        ({"lat": True}, "coordinates are not readable"),
        ({"lat": [1]}, "coordinates are not readable"),
        ({"lat": "nan"}, "coordinates are not readable"),
        ({"lat": 90.1}, "latitude is out of range"),
        ({"lng": -180.1}, "longitude is out of range"),
        ({"createdAt": None}, "no time"),
        ({"createdAt": ""}, "no time"),
        ({"createdAt": SECRET}, "time is not readable"),
        ({"createdAt": "2019-02-30 10:00:00"}, "time is not readable"),
        ({"createdAt": 1e300}, "time is not readable"),
        ({"createdAt": 0}, "time is zero: no time was recorded"),
        ({"createdAt": "2001-01-01 00:00:00.000000"},
         "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ({"createdAt": "2040-01-01 00:00:00"}, "time lies in or after 2035"),
        ({"venue": SECRET}, "not shaped like a record of this kind"),
    ],
)  # fmt: skip
def test_rejects(change: dict[str, Any], reason: str) -> None:
    out = run(download(DOWNLOAD, {**DOWNLOAD, **change}, DOWNLOAD))
    assert out.rejects == [(2, "json:/items/1", reason)]
    assert [r["n"] for r in out.position_rows] == [1, 3]


@pytest.mark.parametrize(("relationship", "scoped"), [("friend", 1), ("self", 0), (None, 0)])
def test_check_ins_of_other_people_are_not_the_owners(relationship: str | None, scoped: int) -> None:
    user = {"id": "2", "firstName": SECRET, "relationship": relationship}
    out = run(interface({**INTERFACE, "user": user}))
    assert (out.scoped_out, len(out.position_rows)) == (scoped, 1 - scoped)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("data", [download(DOWNLOAD), interface(INTERFACE)])
def test_recognised(data: bytes, encoding: str) -> None:
    claims, verdict = recognise(head_of(data.decode().encode(encoding), "no-name.json"))
    assert (verdict, [c[0] for c in claims]) == ("known", ["swarm"])
    assert len(run(data.decode().encode(encoding)).position_rows) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"items": []},
        {"items": [{"id": "1", "createdAt": "2019-05-04 16:20:00.000000", "relatedItemUrl": "x", "fullUrl": "y"}]},
        {"items": [{"id": "1", "timeArrived": "2019-05-04 16:20:00.000000", "latitude": 1, "longitude": 2}]},
        {"items": [{"createdAt": 1, "text": '"timeZoneOffset": 5'}]},
        {"messages": [{"items": [DOWNLOAD]}]},
        [DOWNLOAD],
    ],
)
def test_photos_visits_tips_and_others_are_not_claimed(document: object) -> None:
    assert READER.recognise(head_of(json.dumps(document).encode(), "checkins1.json")) is None


def test_content_is_nowhere() -> None:
    broken = [{**DOWNLOAD, key: SECRET} for key in DOWNLOAD] + [
        {**INTERFACE, key: {SECRET: SECRET}} for key in INTERFACE
    ]
    out = run(download(DOWNLOAD, INTERFACE, SECRET, [SECRET], {SECRET: 1}, *broken))
    assert out.position_rows
    assert SECRET not in repr(vars(out))


def test_a_file_cut_anywhere_keeps_the_whole_records() -> None:
    data = download(DOWNLOAD, INTERFACE)
    first, second = (len(json.dumps(x, ensure_ascii=False).encode()) for x in (DOWNLOAD, INTERFACE))
    begin = data.index(b"[") + 1
    for cut in range(begin + 1, len(data) - 2):
        out = run(data[:cut], Swarm(128))
        kept = [r["n"] for r in out.position_rows]
        ends = (begin + first, begin + first + 2 + second)
        # cut exactly behind a record, nothing says that it has ended
        assert kept in ([n for n in (1, 2) if ends[n - 1] <= cut], [n for n in (1, 2) if ends[n - 1] < cut])
        assert any("breaks off" in note for note in out.notes)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"items": {}}', b'{"response": {"checkins": []}}', b"\xff\xfe\x00"]
)
def test_a_file_without_check_ins_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        collect(READER, data)


CHECK_IN = st.fixed_dictionaries(
    {
        "lat": st.floats(-90, 90), "lng": st.floats(-180, 180),
        "at": st.datetimes(datetime(1990, 1, 2), datetime(2034, 12, 30)), "offset": st.integers(-1080, 1080),
        "text": st.booleans(), "shout": st.text(max_size=20), "hacc": st.none() | st.floats(0, 1e6),
    }
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(CHECK_IN, max_size=12), st.sampled_from([64, 200, None]), st.sampled_from([None, 2]))
def test_random_check_ins_come_back(made: list[dict[str, Any]], block: int | None, indent: int | None) -> None:
    items = []
    for one in made:
        at = one["at"].replace(microsecond=0)
        created = at.strftime("%Y-%m-%d %H:%M:%S.000000") if one["text"] else us(at.isoformat()) // 1_000_000
        items.append({"createdAt": created, "timeZoneOffset": one["offset"], "lat": one["lat"], "lng": one["lng"],
                      "shout": one["shout"], "hacc": one["hacc"], "venue": {"name": one["shout"]}})  # fmt: skip
    out = run(json.dumps({"items": items}, indent=indent).encode(), Swarm(block))
    apple = us("2001-01-01")
    expected = [
        (n, one["lat"], one["lng"], us(one["at"].replace(microsecond=0).isoformat()) + one["offset"] * 60_000_000,
         one["offset"] * 60, one["hacc"] if one["hacc"] and one["hacc"] >= 1e-9 else None)
        for n, one in enumerate(made, 1) if us(one["at"].replace(microsecond=0).isoformat()) != apple
    ]  # fmt: skip
    assert expected == [
        (r["n"], r["lat"], r["lon"], r["local_time"], r["stated_offset_s"], r["accuracy_m"]) for r in out.position_rows
    ]
