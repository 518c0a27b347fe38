"""Tables of positions: headings, spellings of times and coordinates, what waits, the real samples, broken files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._tracks import NOBODY
from pipelines.readers.base import Context, Unreadable, Waiting
from pipelines.readers.location_csv import READER
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample
from tests.track_files import SECRET, us

T = "2025-03-01T08:00:00Z"


def table(head: str, *rows: str, end: str = "\n") -> bytes:
    return (head + end + "".join(row + end for row in rows)).encode()


def one(head: str, *rows: str, ctx: Context | None = None) -> Collected:
    return collect(READER, table(head, *rows), ctx=ctx)


def options(**more: str) -> Context:
    plain = context()
    return Context(plain.phone, options={k.replace("__", "."): v for k, v in more.items()})


@pytest.mark.parametrize(
    ("name", "first", "last", "accuracy"),
    [
        ("gpslogger.csv", 1718447400, 1718447520, [8.0, 10.0, 7.0]),
        ("unix_timestamps.csv", 1718444200, 1718444320, [8.0, 10.0, 7.0]),
        ("nsew_suffixes.csv", 1718447400, 1718447520, [None, None, None]),
        ("e7_integers.csv", 1718447400, 1718447520, [8.0, 10.0, 7.0]),
    ],
)
def test_samples(name: str, first: int, last: int, accuracy: list[Any]) -> None:
    path = sample(f"location-csv/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "location-csv")
    out = collect(READER, path)
    assert (out.records, out.kept, out.rejects) == (3, 3, [])
    assert [r["local_time"] // 1_000_000 for r in out.position_rows][::2] == [first, last]
    assert [(r["lat"], r["lon"]) for r in out.position_rows] == [(52.52, 13.405), (52.521, 13.406), (52.522, 13.407)]
    assert [r["accuracy_m"] for r in out.position_rows] == accuracy
    assert [r["record"] for r in out.position_rows] == ["line:2", "line:3", "line:4"]
    for row in out.position_rows:
        assert open_record(source_of(path), row["record"], "location-csv", row["n"]).complete


# -- coordinates


@pytest.mark.parametrize(
    ("lat", "lon", "pair"),
    [
        ("43.2", "76.9", (43.2, 76.9)), ("-43.2", "-76.9", (-43.2, -76.9)), ("43.2N", "76.9E", (43.2, 76.9)),
        ("43.2 S", "76.9W", (-43.2, -76.9)), ("N 43.2", "E76.9", (43.2, 76.9)), ("43.2°n", "76.9°e", (43.2, 76.9)),
    ],
)  # fmt: skip
def test_coordinates(lat: str, lon: str, pair: tuple[float, float]) -> None:
    (row,) = one("time,lat,lon", f"{T},{lat},{lon}").position_rows
    assert (row["lat"], row["lon"]) == pair


@pytest.mark.parametrize(
    ("lat", "lon", "reason"),
    [
        ("", "76.9", "no coordinates"), ("null", "76.9", "no coordinates"), ("432000000", "769000000", "latitude is out of range"),
        ("43.2E", "76.9", "coordinates are not readable"), ("-43.2S", "76.9", "coordinates are not readable"),
        ("N43.2S", "76.9", "coordinates are not readable"), ("43°12'00\"", "76.9", "coordinates are missing or not readable"),
        ("91", "76.9", "latitude is out of range"), ("43.2", "181", "longitude is out of range"),
    ],
)  # fmt: skip
def test_coordinates_that_are_not_read(lat: str, lon: str, reason: str) -> None:
    quoted = lat.replace('"', '""')
    assert one("time,lat,lon", f'{T},"{quoted}",{lon}').rejects == [(1, "line:2", reason)]


def test_decimal_comma_behind_semicolons() -> None:
    out = one("time;lat;lon;accuracy", f"{T};43,2;76,9;7,5", f"{T};43,2N;76,9E;7")
    assert [(r["lat"], r["lon"], r["accuracy_m"]) for r in out.position_rows] == [(43.2, 76.9, 7.5), (43.2, 76.9, 7.0)]
    assert one("time,lat,lon", f'{T},"43,2","76,9"').kept == 0  # a comma that might part thousands


def test_e7_only_where_the_heading_says_so() -> None:
    out = one("timestamp,latitudeE7,longitudeE7", f"{T},432000000,769000000", f"{T},432000000,", f"{T},43.2,76.9")
    assert (out.position_rows[0]["lat"], out.kept, len(out.rejects)) == (43.2, 1, 2)


def test_points_in_well_known_text() -> None:
    out = one(
        "time,geometry",
        f"{T},POINT (76.9 43.2)",
        f'{T},"SRID=4326;POINT Z(76.9 43.2 700)"',
        f"{T},POINT (43.2 99)",
        f"{T},LINESTRING(1 2)",
    )
    assert [(r["lat"], r["lon"]) for r in out.position_rows] == [(43.2, 76.9)] * 2
    assert [r[2] for r in out.rejects] == ["latitude is out of range", "no point in the column of points"]
    assert READER.recognise(head_of(table("time,geometry", f"{T},POINT (76.9 43.2)"))) is not None
    assert READER.recognise(head_of(table("time,location", f"{T},home"))) is None


# -- times


@pytest.mark.parametrize(
    ("text", "local", "basis", "precision"),
    [
        (T, us(0), "utc", "s"), ("2025-03-01 08:00:00.250", us(0) + 250_000, "case", "ms"),
        ("2025-03-01T13:00:00+05:00", us(0) + 18_000_000_000, "stated", "s"), ("2025-03-01 08:00:00 UTC", us(0), "utc", "s"),
        (str(us(0) // 10**6), us(0), "utc", "s"), (str(us(0) // 1000), us(0), "utc", "ms"), (f"{us(0) // 10**6}.5", us(0) + 500_000, "utc", "ms"),
        ("2025/03/01 08:00:00", us(0), "case", "s"), ("31.03.2025 08:00", us(0) + 30 * 86_400_000_000, "case", "min"),
    ],
)  # fmt: skip
def test_times(text: str, local: int, basis: str, precision: str) -> None:
    (row,) = one("time,lat,lon", f"{text},43.2,76.9").position_rows
    assert (row["local_time"], row["zone_basis"], row["ts_precision"]) == (local, basis, precision)


def test_a_column_of_utc_and_columns_of_date_and_time() -> None:
    out = one("time (UTC),lat,lon", "2025-03-01 08:00:00,43.2,76.9", "2025-03-01T08:00:00+05:00,43.2,76.9")
    assert (out.position_rows[0]["zone_basis"], out.position_rows[0]["local_time"]) == ("utc", us(0))
    assert out.rejects[0][2] == "the time names another zone than UTC in a column of UTC"
    two = one("date,time,lat,lon", "2025-03-01,08:00:00,43.2,76.9", "2025-03-01,,43.2,76.9")
    assert (two.position_rows[0]["local_time"], two.rejects[0][2]) == (us(0), "no time")
    assert one("date,lat,lon", "2025-03-01,43.2,76.9").position_rows[0]["ts_precision"] == "day"


def test_the_order_of_day_and_month() -> None:
    open_ = ("time,lat,lon", "03/04/2025 08:00:00,43.2,76.9")
    with pytest.raises(Waiting) as caught:
        one(*open_)
    assert caught.value.lines == 'date_order = "dmy"'
    assert one(*open_, ctx=options(date_order="mdy")).position_rows[0]["local_time"] == us(0) + 3 * 86_400_000_000
    shown = one(*open_, "25/04/2025 08:00:00,43.2,76.9").position_rows
    assert (shown[1]["local_time"] - shown[0]["local_time"]) // 86_400_000_000 == 22
    with pytest.raises(Waiting, match="both orders"):
        one(*open_, "25/04/2025 08:00:00,43.2,76.9", "04/25/2025 08:00:00,43.2,76.9")
    apart = ("date,time,lat,lon", "03.04.2025,08:00:00,43.2,76.9")
    with pytest.raises(Waiting):
        one(*apart)
    assert one(*apart, ctx=options(date_order="dmy")).kept == 1


@pytest.mark.parametrize("text", ["", "null", "soon", "2025-02-30 08:00:00", "0", "2040-01-01T00:00:00Z"])
def test_times_that_are_not_read(text: str) -> None:
    assert len(one("time,lat,lon", f"{text},43.2,76.9").rejects) == 1


# -- rows


def test_rows_of_another_width() -> None:
    out = one(
        "time,lat,lon,accuracy,speed",
        f"{T},43.2,76.9,5,1,9",
        f"{T},43.2",
        f"{T},43.2,76.9",
        "",
        ",,,,",
        f"{T},43.2,76.9,5,1,",
    )
    assert [(n, why) for n, _, why in out.rejects] == [
        (1, "the row has more cells than the headings"), (2, "the row has fewer cells than the headings"),
    ]  # fmt: skip
    assert ([r["n"] for r in out.position_rows], out.scoped_out) == ([3, 6], 2)


def test_positions_that_say_that_they_are_not_valid() -> None:
    out = one("fixtime,valid,latitude,longitude,deviceid", f"{T},true,43.2,76.9,3", f"{T},false,43.2,76.9,3")
    assert out.rejects == [(2, "line:3", "the row says of itself that the position is not valid")]
    assert out.position_rows[0]["device_tag"] == "3"


def test_provider_tells_the_technique() -> None:
    out = one("time,lat,lon,provider", f"{T},43.2,76.9,gps", f"{T},43.2,76.9,network", f"{T},43.2,76.9,{SECRET}")
    assert [r["source_how"] for r in out.position_rows] == ["gps", "unknown", "unknown"]
    assert SECRET not in made.said(out)


def test_a_cell_of_many_characters() -> None:
    out = one("time,lat,lon", f"{'1' * 5000},43.2,76.9", f"{T},43.2,76.9")
    assert out.rejects == [(1, "line:2", "a cell is longer than any value of its column")]


def test_two_devices_wait() -> None:
    rows = ("time,lat,lon,device", f"{T},43.2,76.9,a", f"{T},43.2,76.9,b")
    with pytest.raises(Waiting) as caught:
        one(*rows)
    assert caught.value.lines.startswith("subject =")
    out = one(*rows, ctx=options(subject="K1"))
    assert {(r["subject"], r["identifier"]) for r in out.position_rows} == {("contact", "K1")}
    assert NOBODY in one(*rows[:2]).notes


# -- headings


@pytest.mark.parametrize(
    "head",
    [
        "when,contact,kind,lat,lon", "time,lat,lon,contact", "time,lat,lon,number", "antenna_id,latitude,longitude", "time,lat", "lat,lon",
        "name,lat,lon,time", "Timestamp,Latitude,Longitude,Source file", "time,lat,lon,phone", "",
    ],
)  # fmt: skip
def test_tables_that_may_be_something_else_are_not_claimed(head: str) -> None:
    assert READER.recognise(head_of(table(head, "a,b,c,d,e"))) is None


def test_columns_can_be_declared() -> None:
    rows = ("Zeit,Breite,Länge,Wer", f"{T},43.2,76.9,{SECRET}")
    with pytest.raises(Waiting) as caught:
        one(*rows)
    assert caught.value.lines.startswith("columns =")
    out = one(*rows, ctx=options(columns__time="zeit", columns__lat="Breite", columns__lon="3"))
    assert (out.position_rows[0]["lon"], SECRET in made.said(out)) == (76.9, False)
    with pytest.raises(Waiting):
        one(*rows, ctx=options(columns__time="nowhere"))
    with pytest.raises(Unreadable):
        one(*rows, ctx=options(columns__novelty="1"))
    with pytest.raises(Waiting):
        one("time,time,lat,lon", f"{T},{T},43.2,76.9")


def test_encodings_and_delimiters() -> None:
    text = f"время;широта;долгота\n{T};43,2;76,9\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert collect(READER, text.encode(encoding)).kept == 1
    with pytest.raises(Waiting, match="encoding"):
        collect(READER, text.encode("windows-1251"))
    ctx = options(encoding="windows-1251")
    assert collect(READER, text.encode("windows-1251"), ctx=ctx).kept == 1
    tabs = table("time\tlat\tlon", f"{T}\t43.2\t76.9", end="\r\n")
    assert collect(READER, tabs).kept == 1 and READER.recognise(head_of(tabs)) is not None
    assert collect(READER, tabs, ctx=options(delimiter="tab")).kept == 1
    blank = b"\n\n" + table("time,lat,lon", f"{T},43.2,76.9")
    assert collect(READER, blank).position_rows[0]["record"] == "line:4"
    for data in (b"", b"\n\n"):
        with pytest.raises((Unreadable, Waiting)):
            collect(READER, data)


def test_the_last_row_without_a_line_end() -> None:
    whole = table("time,lat,lon", f"{T},43.2,76.9")[:-1]
    assert collect(READER, whole).rejects[0][2].startswith("the file ends inside this row")
    harmless = table("lat,lon,time,speed", f"43.2,76.9,{T},1.5")[:-1]
    assert collect(READER, harmless).kept == 1


def test_cut_at_every_byte() -> None:
    made.cut_everywhere(READER, made.gpslogger(3))
    made.cut_everywhere(READER, table("time,lat,lon", *[f"{T},43.2{k},76.9" for k in range(3)]))


def test_an_open_quote_costs_one_row() -> None:
    out = one("time,lat,lon", f'"{T},43.2,76.9', f"{T},43.2,76.9")
    assert out.conserved() and [r["record"] for r in out.position_rows] == ["line:3"]


def test_masking() -> None:
    data = made.gpslogger(2)
    shown = open_record(source_of(data), "line:2", "location-csv", 1).masked
    assert "lat: 43.2" in shown and SECRET not in shown


def test_doubling_and_order() -> None:
    lines = made.gpslogger(4).splitlines(keepends=True)
    usual = sorted((r["local_time"], r["lat"]) for r in collect(READER, b"".join(lines)).position_rows)
    turned = [lines[0], *reversed(lines[1:])]
    assert sorted((r["local_time"], r["lat"]) for r in collect(READER, b"".join(turned)).position_rows) == usual
    assert len(collect(READER, b"".join(lines + lines[1:])).position_rows) == 8


cells = st.one_of(
    st.sampled_from([T, "43.2", "76.9", "", "null", "43.2N", '"a', "03/04/2025 08:00", "x"]), st.text(max_size=6)
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(cells, max_size=5), max_size=6))
def test_any_rows_are_counted(rows: list[list[str]]) -> None:
    try:
        out = one("time,lat,lon,accuracy", *[",".join(r) for r in rows])
    except (Waiting, Unreadable):
        return
    assert out.conserved()
