"""KML: placemarks, spans and tracks, the real samples, hostile and broken files."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import containers
from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._tracks import NOBODY
from pipelines.readers.base import Unreadable
from pipelines.readers.kml import READER
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample
from tests.track_files import SECRET, kml, placemark, us

POINT = "<Point><coordinates>76.9,43.2,700</coordinates></Point>"


def mark(time: str, geometry: str = POINT) -> str:
    return f"<Placemark>{time}{geometry}</Placemark>"


def stamp(when: str) -> str:
    return f"<TimeStamp><when>{when}</when></TimeStamp>"


def span(begin: str | None, end: str | None) -> str:
    return (
        "<TimeSpan>"
        + "".join(f"<{n}>{v}</{n}>" for n, v in (("begin", begin), ("end", end)) if v is not None)
        + "</TimeSpan>"
    )


def one(body: str) -> Collected:
    return collect(READER, kml(body))


@pytest.mark.parametrize(
    ("name", "records", "rows", "rejected", "first", "last"),
    [
        ("gx_track.kml", 4, 4, 0, 1705737600, 1705737780),
        ("points_with_timestamps.kml", 3, 3, 0, 1705320000, 1705327200),
        ("timespan.kml", 1, 1, 0, 1704877200, 1704877200),
        ("nested_folders.kml", 4, 4, 0, 1705824000, 1705932000),
        ("multigeometry.kml", 1, 2, 0, 1705590000, 1705590000),
        ("invalid_coordinates.kml", 2, 0, 2, None, None),
    ],
)
def test_samples(name: str, records: int, rows: int, rejected: int, first: int | None, last: int | None) -> None:
    path = sample(f"kml/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "kml")
    out = collect(READER, path)
    assert out.conserved()
    assert (out.records, len(out.position_rows), len(out.rejects)) == (records, rows, rejected)
    moments = sorted(r["local_time"] // 1_000_000 for r in out.position_rows)
    assert (moments[0], moments[-1]) == (first, last) if moments else first is None
    # longitude stands first in the file
    assert all(37 < r["lat"] < 38 and -123 < r["lon"] < -122 for r in out.position_rows)
    for row in out.position_rows:
        raw = open_record(source_of(path), row["record"], "kml", row["n"])
        assert raw.complete and raw.text.startswith(("<Placemark>", "<gx:coord>"))


def test_span_of_the_sample_is_one_row() -> None:
    (row,) = collect(READER, sample("kml/timespan.kml")).position_rows
    assert (row["kind"], row["local_end"] - row["local_time"]) == ("visit", 8 * 3600 * 1_000_000)


def test_a_kmz_is_opened_and_its_document_is_known() -> None:
    path = sample("kml/points_with_timestamps.kmz")
    (found,) = containers.walk([path])
    assert isinstance(found, containers.Found) and found.name == "doc.kml"
    assert recognise(head_of(found.head))[0][0][0] == "kml"
    assert len(collect(READER, found.head).position_rows) == 3


def test_names_and_descriptions_are_never_put_out() -> None:
    out = collect(READER, made.kml_points(5))
    assert out.kept == 5 and SECRET not in made.said(out)
    for row in out.position_rows:
        raw = open_record(source_of(made.kml_points(5)), row["record"], "kml", row["n"])
        assert SECRET in raw.text and SECRET not in raw.masked and ",43.2" in raw.masked


# -- times


@pytest.mark.parametrize(
    ("when", "local", "offset", "basis", "precision"),
    [
        ("2025-03-01T08:00:00Z", us(0), None, "utc", "s"),
        ("2025-03-01T08:00:00.250Z", us(0) + 250_000, None, "utc", "ms"),
        ("2025-03-01T08:00:00+05:00", us(0), 18_000, "stated", "s"),
        ("2025-03-01T08:00:00+00:00", us(0), None, "utc", "s"),
        ("2025-03-01T08:00:00", us(0), None, "case", "s"),
        (" 2025-03-01 ", us(0) - 8 * 3_600_000_000, None, "case", "day"),
    ],
)
def test_times(when: str, local: int, offset: int | None, basis: str, precision: str) -> None:
    (row,) = one(mark(stamp(when))).position_rows
    assert (row["local_time"], row["stated_offset_s"], row["zone_basis"], row["ts_precision"]) == (
        local,
        offset,
        basis,
        precision,
    )


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("", "no time"),
        (stamp(""), "no time"),
        (stamp("2025"), "time is not readable"),
        (stamp("2025-03"), "time is not readable"),
        (stamp("yesterday"), "time is not readable"),
        (stamp("1970-01-01T00:00:00Z"), "time is zero: no time was recorded"),
        (span(None, "2025-03-01T08:00:00Z"), "no begin: the span only says until when"),
        (span("2025-03-01T08:00:00Z", "2025-03-01T07:00:00Z"), "end lies before the begin"),
        (span("2025-03-01T08:00:00Z", "2025-03-01T09:00:00"), "only one of begin and end names a zone"),
        (span("2025-03-01T08:00:00Z", "later"), "end: time is not readable"),
        (f"<description>2025-03-01T08:00:00Z {SECRET}</description>", "no time"),
        (f"<LookAt>{stamp('2025-03-01T08:00:00Z')}</LookAt>", "no time"),
    ],
)
def test_without_a_time_that_can_be_used(time: str, reason: str) -> None:
    out = one(mark(time))
    assert out.rejects == [(1, "xml:/kml/Document[1]/Placemark[1]", reason)]


def test_a_year_alone_is_no_moment() -> None:
    assert one(mark(stamp("2025"))).kept == 0


def test_spans() -> None:
    out = one(
        mark(span("2025-03-01T08:00:00Z", None)) + mark(POINT, span("2025-03-01T08:00:00+05:00", "2025-03-01T04:00:00Z"))
        + mark(span("2025-03-01", "2025-03-02"))
    )  # fmt: skip
    open_, moved, days = out.position_rows
    assert (open_["kind"], open_["tags"], open_["local_end"]) == ("fix", "open_end", None)
    assert (moved["kind"], moved["local_end"] - moved["local_time"], moved["end_offset_s"]) == (
        "visit",
        -4 * 3_600_000_000,
        0,
    )
    assert (days["ts_precision"], days["local_end"] - days["local_time"]) == ("day", 86_400_000_000)


# -- geometries


@pytest.mark.parametrize(
    ("coordinates", "reason"),
    [
        ("", "no coordinates"),
        ("76.9", "coordinates are not readable"),
        ("76.9,43.2 77.0,43.3", "coordinates are not readable"),
        ("76.9;43.2", "coordinates are not readable"),
        ("east,43.2", "coordinates are not readable"),
        ("43.2,99.9", "latitude is out of range"),
        ("181,43.2", "longitude is out of range"),
        ("76.9,43.2" + " " * 900, "coordinates are not readable"),
    ],
)
def test_coordinates_that_cannot_be_used(coordinates: str, reason: str) -> None:
    out = one(mark(stamp("2025-03-01T08:00:00Z"), f"<Point><coordinates>{coordinates}</coordinates></Point>"))
    assert [r[2] for r in out.rejects] == [reason]


@pytest.mark.parametrize("coordinates", ["76.9,43.2", "\n  76.9,43.2,700\n ", "76.9, 43.2, 700", "7.69e1,43.2"])
def test_coordinates(coordinates: str) -> None:
    (row,) = one(
        mark(stamp("2025-03-01T08:00:00Z"), f"<Point><coordinates>{coordinates}</coordinates></Point>")
    ).position_rows
    assert (row["lat"], row["lon"], row["source_how"], row["accuracy_m"]) == (43.2, 76.9, "unknown", None)


def test_lines_and_areas_have_no_time_of_their_vertices() -> None:
    line = "<LineString><coordinates>76.9,43.2 77,43.3</coordinates></LineString>"
    when = stamp("2025-03-01T08:00:00Z")
    out = one(
        mark(when, line) + mark(when, f"<Polygon><outerBoundaryIs><LinearRing>{line}</LinearRing></outerBoundaryIs></Polygon>")
        + mark(when, "") + mark(when, f"<MultiGeometry>{POINT}{line}<MultiGeometry>{POINT}</MultiGeometry></MultiGeometry>")
    )  # fmt: skip
    assert out.rejects == [
        (1, "xml:/kml/Document[1]/Placemark[1]", "a line under one time: its vertices have no time of their own")
    ]
    assert (out.scoped_out, out.kept) == (2, 1)
    assert [(r["n"], r["sub"]) for r in out.position_rows] == [(4, 1), (4, 2)]


# -- tracks


def track(whens: list[str], coords: list[str], mixed: bool = False) -> str:
    w, c = [f"<when>{x}</when>" for x in whens], [f"<gx:coord>{x}</gx:coord>" for x in coords]
    body = "".join(a + b for a, b in zip(w, c, strict=True)) if mixed else "".join(w + c)
    return f"<Placemark><gx:Track><altitudeMode>absolute</altitudeMode>{body}</gx:Track></Placemark>"


W = [f"2025-03-01T08:0{k}:00Z" for k in range(4)]
C = [f"76.{k} 43.{k} 700" for k in range(4)]


@pytest.mark.parametrize("mixed", [False, True])
def test_a_track_pairs_by_order(mixed: bool) -> None:
    out = one(placemark(9) + track(W, C, mixed) + track(W[:1], C[:1]))
    assert [(r["n"], r["record"], r["local_time"], r["lat"]) for r in out.position_rows[1:]] == [
        *((k + 2, f"xml:/kml/Document[1]/Placemark[2]/Track[1]/coord[{k + 1}]", us(k), float(f"43.{k}")) for k in range(4)),
        (6, "xml:/kml/Document[1]/Placemark[3]/Track[1]/coord[1]", us(0), 43.0),
    ]  # fmt: skip
    assert {r["source_how"] for r in out.position_rows[1:]} == {"gps"}


def test_a_track_with_another_number_of_times_than_points_is_rejected() -> None:
    out = one(track(W[:3], C) + track(W, C[:3]) + track([], C[:1]))
    assert out.kept == 0 and len(out.rejects) == 8
    assert {r[2] for r in out.rejects[:7]} == {
        "the track has another number of times than of points: which belong together is not known"
    }
    assert out.rejects[7][2] == "no time"


def test_bad_times_and_points_of_a_track_cost_only_themselves() -> None:
    out = one(track([W[0], "", "soon", W[3], W[0]], [C[0], C[1], C[2], "", "91 91 0"]))
    assert [r["n"] for r in out.position_rows] == [1]
    assert [(n, why) for n, _, why in out.rejects] == [
        (2, "no time"), (3, "time is not readable"), (4, "no coordinates"), (5, "latitude is out of range"),
    ]  # fmt: skip


def test_several_tracks_of_a_placemark() -> None:
    inner = track(W[:2], C[:2]).removeprefix("<Placemark>").removesuffix("</Placemark>")
    out = one(f"<Placemark><gx:MultiTrack>{inner}{inner}</gx:MultiTrack></Placemark>")
    assert [r["record"][-18:] for r in out.position_rows][2:] == ["/Track[2]/coord[1]", "/Track[2]/coord[2]"]
    stray = one(inner)
    assert (stray.records, [n for n in stray.notes if "outside placemarks" in n]) == (
        0, ["points of tracks outside placemarks, where KML does not place them, not read: 2"],
    )  # fmt: skip


# -- whose, hostile, broken


def test_whose() -> None:
    assert NOBODY in one(placemark(0)).notes
    out = collect(READER, made.kml_points(1), ctx=context(subject="K1"))
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == ("contact", "K1")
    assert NOBODY not in out.notes


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE kml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><kml><Document/></kml>'
    assert READER.recognise(head_of(bomb)) is not None
    with pytest.raises(Unreadable, match="DOCTYPE"):
        collect(READER, bomb)
    for data in (b"<gpx/>", b"words", b""):
        assert READER.recognise(head_of(data)) is None
        with pytest.raises(Unreadable):
            collect(READER, data)


def test_deep_nesting_does_no_harm() -> None:
    out = one(placemark(0) + "<Folder>" * 3000)
    assert out.conserved() and out.kept == 1
    assert any("cut off or broken" in note for note in out.notes)


def test_repairs_and_encodings() -> None:
    body = placemark(0).replace(SECRET, f"{SECRET} & more")
    assert one(body).kept == 1
    usual = [made.facts(r) for r in collect(READER, made.kml_points(3)).position_rows]
    text = made.kml_points(3).decode()
    for encoding in ("utf-8-sig", "utf-16", "utf-16-be"):
        data = text.replace('encoding="UTF-8"', "").encode(encoding)
        data = b"\xfe\xff" + data if encoding == "utf-16-be" else data
        assert [made.facts(r) for r in collect(READER, data).position_rows] == usual


def test_namespaces_do_not_matter() -> None:
    data = (
        b'<k:kml xmlns:k="http://earth.google.com/kml/2.1"><k:Placemark><k:TimeStamp><k:when>2025-03-01T08:00:00Z</k:when></k:TimeStamp>'
        b"<k:Point><k:coordinates>76.9,43.2</k:coordinates></k:Point></k:Placemark></k:kml>"
    )
    assert [r["record"] for r in collect(READER, data).position_rows] == ["xml:/kml/Placemark[1]"]


def test_cut_at_every_byte() -> None:
    made.cut_everywhere(READER, made.kml_points(3))
    made.cut_everywhere(READER, made.kml_track(4))
    made.cut_everywhere(READER, kml(track(W, C, True)))


def test_cut_tells_what_is_behind() -> None:
    data = made.kml_points(6)
    out = collect(
        READER, data[: data.index(b"</Placemark>", data.index(b"</Placemark>") + 5) - 20] + b"<<>" + data[600:]
    )
    assert len(out.rejects) == 1 and out.rejects[0][2] == "the file ends or breaks inside this record"


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(n: int) -> int:
        data = made.kml_points(n)
        tracemalloc.start()
        collect(READER, data).position_rows.clear()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(200) < 30_000_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                placemark(1),
                mark("", POINT),
                mark(stamp("x"), ""),
                track(W, C),
                track(W[:1], C),
                "<Folder>",
                "</Folder>",
                "<a",
                "&",
            ]
        ),
        max_size=8,
    )
)
def test_any_mixture_is_counted(parts: list[str]) -> None:
    assert one("".join(parts)).conserved()
