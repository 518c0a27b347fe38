"""Google's location history for authorities: whose account is never guessed, rows that cannot be used, cut files."""

from __future__ import annotations

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.google_warrant_csv import READER
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.track_files import OWNER, SECRET, WARRANT, us

GOOD = "2025-03-01T08:00:00Z,43.2,76.9,KZ,25,WIFI,-1613859921,ANDROID"


def one(*rows: str) -> Collected:
    return collect(READER, (WARRANT + "".join(f"{r}\r\n" for r in rows)).encode(), ctx=OWNER)


def test_row_in_full() -> None:
    (row,) = one(GOOD).position_rows
    wanted = {
        "n": 1, "record": "line:2", "local_time": us(0), "zone_basis": "utc", "ts_precision": "s", "lat": 43.2, "lon": 76.9,
        "accuracy_m": 25.0, "accuracy_kind": "radius", "source_how": "wifi", "device_tag": "-1613859921", "tags": "android",
        "how": "operator", "subject": "owner", "kind": "fix",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted


def test_whose_account_it_is_must_be_said() -> None:
    with pytest.raises(Waiting) as caught:
        collect(READER, made.warrant(2), ctx=context(owner=["a@example.org"]))
    assert caught.value.lines.startswith("subject =")
    out = collect(READER, made.warrant(2), ctx=context(subject="K1"))
    assert {(r["subject"], r["identifier"]) for r in out.position_rows} == {("contact", "K1")}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("2025-03-01T08:00:00Z", ""), "no time"),
        (GOOD.replace("2025-03-01T08:00:00Z", "03/01/2025"), "time is not readable"),
        (GOOD.replace("08:00:00Z", "08:00:00+05:00"), "the time names another zone than UTC in a column of UTC"),
        (GOOD.replace("T08:00:00Z", ""), "a date without a time of the day"),
        (GOOD.replace("43.2", ""), "coordinates are missing or not readable"),
        (GOOD.replace("43.2", "91"), "latitude is out of range"),
        (GOOD + ",more", "the row has more cells than the headings"),
        ("2025-03-01T08:00:00Z,43.2,76.9,KZ,2", "the row has fewer cells than the headings"),
    ],
)
def test_rejects(row: str, reason: str) -> None:
    out = one(GOOD, row, GOOD)
    assert (out.records, out.kept, out.rejects) == (3, 2, [(2, "line:3", reason)])


def test_forms() -> None:
    out = one(
        GOOD.replace("T08:00:00Z", " 08:00:00"),
        GOOD.replace(",25,", ",0,"),
        ",,,,,,,",
        "",
        GOOD.replace("WIFI", SECRET),
    )
    assert [r["local_time"] for r in out.position_rows] == [us(0)] * 3
    assert [r["accuracy_m"] for r in out.position_rows] == [25.0, None, 25.0]
    assert (out.records, out.scoped_out) == (5, 2)
    assert SECRET not in made.said(out)
    data = ("Location history\r\n" + WARRANT + GOOD + "\r\n").encode()
    assert recognise(head_of(data))[0][0][0] == "google-warrant-csv"
    assert collect(READER, data, ctx=OWNER).position_rows[0]["record"] == "line:3"
    for text in (b"", b"time,lat,lon\n", b"a\n" * 20):
        assert READER.recognise(head_of(text)) is None
        with pytest.raises(Unreadable):
            collect(READER, text, ctx=OWNER)
    shown = open_record(source_of(made.warrant(1)), "line:2", "google-warrant-csv").masked
    assert "Latitude: 43.2" in shown and SECRET not in shown
    made.cut_everywhere(READER, made.warrant(3), OWNER)
