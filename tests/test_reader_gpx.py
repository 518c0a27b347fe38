"""GPX: counts of the real samples, times, subjects, hostile and broken files, and random files against a plain reading."""

from __future__ import annotations

import io
import re
import tracemalloc
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import POSITIONS
from pipelines.readers import recognise
from pipelines.readers._xml_text import XmlText
from pipelines.readers.base import Unreadable
from pipelines.readers.gpx import NOBODY, READER
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import sample

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'


def gpx(body: str) -> bytes:
    return f"{HEAD}{body}</gpx>".encode()


def point(time: str, name: str = "trkpt", lat: str = "43.2389", lon: str = "76.8897", more: str = "") -> str:
    return f'<{name} lat="{lat}" lon="{lon}">{more}<time>{time}</time></{name}>'


def track(*points: str) -> bytes:
    return gpx(f"<trk><trkseg>{''.join(points)}</trkseg></trk>")


# -- real samples: counts of tests' PROVENANCE, found by other means than this reader


@pytest.mark.parametrize(
    ("name", "trkpt", "wpt", "rtept", "without_time", "first", "last"),
    [
        ("cerknicko-jezero.gpx", 296, 7, 0, 6, 1281018239000000, 1281025429000000),
        ("cerknicko-without-times.gpx", 296, 7, 0, 298, 1281025372000000, 1281025429000000),
        ("gpx1.0_with_all_fields.gpx", 1, 2, 5, 1, 1357041604000000, 1357092180000000),
        ("gpx1.1_with_all_fields.gpx", 1, 2, 5, 1, 1357041604000000, 1357092180000000),
        ("route.gpx", 0, 0, 55, 0, None, None),
        ("track-with-less-sec-time.gpx", 2, 0, 0, 0, 1449844993000000, 1449844993994000),
        ("unicode_with_bom.gpx", 0, 1, 0, 0, 1464343727800000, 1464343727800000),
    ],
)
def test_samples_count(
    name: str, trkpt: int, wpt: int, rtept: int, without_time: int, first: int | None, last: int | None
) -> None:
    path = sample(f"gpx/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "gpx")
    out = collect(READER, path)
    assert out.conserved()
    assert out.records == trkpt + wpt + rtept
    assert out.scoped_out == rtept
    assert len(out.rejects) == without_time
    assert {reason for _, _, reason in out.rejects} <= {"no time"}
    assert out.kept == trkpt + wpt - without_time
    moments = sorted(r["local_time"] - (r["stated_offset_s"] or 0) * 1_000_000 for r in out.position_rows)
    assert (moments[0], moments[-1]) == (first, last) if moments else first is None
    assert {r["kind"] for r in out.position_rows} <= {"fix"}
    assert all(r["accuracy_m"] is None for r in out.position_rows)


def test_sample_row_in_full() -> None:
    row = collect(READER, sample("gpx/track-with-less-sec-time.gpx")).position_rows[1]
    wanted = {
        "n": 2, "record": "xml:/gpx/trk[1]/trkseg[1]/trkpt[2]", "local_time": 1449844993994000 + 3_600_000_000,
        "stated_offset_s": 3600, "ts_precision": "ms", "zone_basis": "stated", "lat": 57.01147, "lon": 9.992874,
        "accuracy_m": None, "accuracy_kind": "unknown", "subject": "owner", "identifier": None, "kind": "fix",
        "source_how": "gps", "how": "device", "tags": None,
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted


def test_no_name_is_kept() -> None:
    out = collect(READER, sample("gpx/gpx1.1_with_all_fields.gpx"))
    told = repr((out.position_rows, out.rejects, out.notes, out.covers))
    for content in ("example", "link text", "gpxauth", "trkpt link"):
        assert content not in told


# -- records and numbers


def test_records_count_among_siblings_and_ignore_namespaces() -> None:
    data = (
        '<g:gpx xmlns:g="http://www.topografix.com/GPX/1/0"><g:trk><g:name>QORGANMARKER</g:name><g:trkseg/></g:trk>'
        f"<g:trk><g:trkseg>{point('2025-10-03T10:00:00Z', 'g:trkpt')}</g:trkseg>"
        f"<g:trkseg>{point('2025-10-03T10:00:01Z', 'g:trkpt')}{point('2025-10-03T10:00:02Z', 'g:trkpt')}</g:trkseg></g:trk>"
        f"{point('2025-10-03T10:00:03Z', 'g:wpt')}</g:gpx>"
    ).encode()  # fmt: skip
    out = collect(READER, data)
    assert [(r["n"], r["record"]) for r in out.position_rows] == [
        (1, "xml:/gpx/trk[2]/trkseg[1]/trkpt[1]"),
        (2, "xml:/gpx/trk[2]/trkseg[2]/trkpt[1]"),
        (3, "xml:/gpx/trk[2]/trkseg[2]/trkpt[2]"),
        (4, "xml:/gpx/wpt[1]"),
    ]
    assert [r["tags"] for r in out.position_rows] == [None, None, None, "waypoint"]
    assert "QORGANMARKER" not in repr(out.__dict__)


def test_points_in_extensions_are_not_counted_but_noted() -> None:
    out = collect(READER, gpx(f"<extensions>{point('2025-10-03T10:00:00Z')}</extensions>"))
    assert (out.records, out.kept) == (0, 0)
    assert any("not place them in" in note and note.endswith(": 1") for note in out.notes)


def test_time_of_an_extension_is_not_the_time_of_the_point() -> None:
    inner = "<extensions><time>2020-01-01T00:00:00Z</time></extensions>"
    out = collect(READER, track(f'<trkpt lat="1" lon="2">{inner}</trkpt>', point("2025-10-03T10:00:00Z", more=inner)))
    assert out.rejects == [(1, "xml:/gpx/trk[1]/trkseg[1]/trkpt[1]", "no time")]
    assert [r["local_time"] for r in out.position_rows] == [1759485600000000]


# -- times


@pytest.mark.parametrize(
    ("text", "local", "precision", "basis", "offset"),
    [
        ("2025-10-03T10:00:00Z", 1759485600000000, "s", "utc", None),
        (" 2025-10-03T10:00:00z\n", 1759485600000000, "s", "utc", None),
        ("2025-10-03T10:00:00+00:00", 1759485600000000, "s", "utc", None),
        ("2025-10-03T15:00:00+05:00", 1759503600000000, "s", "stated", 18000),
        ("2025-10-03T06:30:00-0330", 1759473000000000, "s", "stated", -12600),
        ("2025-10-03T10:00:00.5Z", 1759485600500000, "ms", "utc", None),
        ("2025-10-03T10:00:00.123Z", 1759485600123000, "ms", "utc", None),
        ("2025-10-03T10:00:00.123456Z", 1759485600123456, "us", "utc", None),
        ("2025-10-03T10:00:00.123456789Z", 1759485600123456, "us", "utc", None),
        ("2025-10-03T10:00:00", 1759485600000000, "s", "case", None),
        ("2025-10-03", 1759449600000000, "day", "case", None),
    ],
)
def test_times(text: str, local: int, precision: str, basis: str, offset: int | None) -> None:
    out = collect(READER, track(point(text)))
    row = out.position_rows[0]
    assert (row["local_time"], row["ts_precision"], row["zone_basis"], row["stated_offset_s"]) == (
        local, precision, basis, offset,
    )  # fmt: skip
    assert any("without a zone letter" in note for note in out.notes) is (basis == "case")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no time"),
        ("  ", "no time"),
        ("yesterday", "time cannot be read"),
        ("2025-02-29T10:00:00Z", "time cannot be read"),
        ("2025-10-03T25:00:00Z", "time cannot be read"),
        ("2025-10-03T10:00:00+19:00", "time cannot be read"),
        ("2025-10-03T10:00:00Z" + "0" * 100_000, "time cannot be read"),
        ("٢٠٢٥-10-03T10:00:00Z", "time cannot be read"),
        ("0000-00-00T00:00:00Z", "time cannot be read"),
        ("1970-01-01T00:00:00Z", "time is zero: no time was recorded"),
        ("1980-01-06T00:00:00Z", "time lies before 1990"),
        ("2001-01-01T00:00:00Z", "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ("2099-01-01T00:00:00Z", "time lies in or after 2035"),
    ],
)
def test_times_that_are_none(text: str, reason: str) -> None:
    out = collect(READER, track(point(text), point("2025-10-03T10:00:00Z")))
    assert out.rejects == [(1, "xml:/gpx/trk[1]/trkseg[1]/trkpt[1]", reason)]
    assert out.kept == 1
    assert out.conserved()


@pytest.mark.parametrize(
    ("lat", "lon"),
    [("", "1"), ("91", "1"), ("1", "180.01"), ("nan", "1"), ("inf", "1"), ("1e999", "1"), ("1,5", "1"), ("1_0", "1"), ("x", "1")],
)  # fmt: skip
def test_coordinates_that_are_none(lat: str, lon: str) -> None:
    out = collect(READER, track(point("2025-10-03T10:00:00Z", lat=lat, lon=lon)))
    assert [reason for _, _, reason in out.rejects] == ["latitude or longitude is missing or out of range"]
    assert out.conserved()


def test_a_point_without_coordinates_is_rejected() -> None:
    out = collect(READER, track("<trkpt><time>2025-10-03T10:00:00Z</time></trkpt>"))
    assert len(out.rejects) == 1 and out.conserved()


# -- whose track


def test_subject_is_the_owner_unless_the_case_says_otherwise() -> None:
    data = track(point("2025-10-03T10:00:00Z"))
    out = collect(READER, data)
    assert out.notes == [NOBODY]
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == ("owner", None)
    out = collect(READER, data, ctx=context(subject="owner"))
    assert out.notes == []
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == ("owner", None)
    out = collect(READER, data, ctx=context(subject="K1"))
    assert out.notes == []
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == ("contact", "K1")


def test_coverage_is_told_for_each_clock() -> None:
    out = collect(
        READER, track(point("2025-10-03T15:00:00+05:00"), point("2025-10-03T11:00:00Z"), point("2025-10-04T10:00:00"))
    )
    assert [(c["local_from"], c["local_to"], c["zone_basis"]) for c in out.covers] == [
        (1759485600000000, 1759489200000000, "utc"),
        (1759572000000000, 1759572000000000, "case"),
    ]


# -- encodings and what exports get wrong


@pytest.mark.parametrize(
    ("codec", "declared", "mark"),
    [
        ("utf-8", "UTF-8", b""),
        ("utf-8", "utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", "UTF-16", b"\xff\xfe"),
        ("utf-16-be", "UTF-16", b"\xfe\xff"),
        ("utf-16-le", "UTF-16", b""),
        ("cp1251", "windows-1251", b""),
        ("iso8859-1", "ISO-8859-1", b""),
        ("utf-8", "UTF-16", b""),
    ],
)
def test_encodings(codec: str, declared: str, mark: bytes) -> None:
    name = "é" if codec == "iso8859-1" else "дом"
    text = (
        f'<?xml version="1.0" encoding="{declared}"?><gpx><!-- {name} -->{point("2025-10-03T10:00:00Z", "wpt")}</gpx>'
    )
    data = mark + text.encode(codec)
    assert READER.recognise(head_of(data)) is not None
    assert collect(READER, data).kept == 1


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(Unreadable, match="encoding"):
        collect(READER, b'<?xml version="1.0" encoding="UTF-7"?><gpx></gpx>')


def test_faults_outside_the_fields_do_no_harm() -> None:
    names = b"Tom & Jerry &nbsp; &#0; &#55357;&#56838; \x0b \xff\xfe caf\xe9 <![CDATA[a & b ]] > <x>]]> <!-- & -->"
    data = HEAD.encode() + b"<trk><name>" + names + b"</name><trkseg>" + point("2025-10-03T10:00:00Z").encode()
    out = collect(READER, data + b"</trkseg></trk></gpx>")
    assert (out.kept, out.rejects) == (1, [])
    # two bare &, &#0;, two halves, one control: the broken bytes become U+FFFD, CDATA and comments are left alone
    assert [note for note in out.notes if note.startswith("characters")] == [
        "characters and references that XML does not allow, passed over: 6"
    ]


def test_blanks_before_the_declaration() -> None:
    assert collect(READER, b"\n \n" + track(point("2025-10-03T10:00:00Z"))).kept == 1


# -- broken and cut off


def test_every_cut_keeps_the_whole_points_and_stays_conserved() -> None:
    data = gpx(
        point("2025-10-03T10:00:00Z", "wpt") + "<trk><name>n</name><trkseg>"
        + "".join(point(f"2025-10-03T10:00:0{k}Z") for k in range(4)) + "</trkseg></trk><rte>"
        + point("2025-10-03T10:00:00Z", "rtept") + "</rte>"
    )  # fmt: skip
    root = data.index(b"<gpx")
    for cut in range(root + 120, len(data)):
        part = data[:cut]
        out = collect(READER, part)
        assert out.conserved()
        begun = len(re.findall(rb"<(?:trkpt|wpt|rtept)(?=[ >]|$)", part))
        whole = len(re.findall(rb"</(?:trkpt|wpt)>", part))
        assert out.kept == whole
        assert out.scoped_out == part.count(b"</rtept>")
        assert out.records == begun
        assert len(out.rejects) == begun - whole - out.scoped_out <= 1
        assert any("cut off or broken" in note for note in out.notes)


def test_a_cut_inside_a_point_names_it() -> None:
    data = track(point("2025-10-03T10:00:00Z"), point("2025-10-03T10:00:01Z"))
    out = collect(READER, data[: data.rindex(b"<time>") + 3])
    assert out.rejects == [(2, "xml:/gpx/trk[1]/trkseg[1]/trkpt[2]", "the file ends or breaks inside this record")]
    out = collect(READER, data[: data.rindex(b"<trkpt") + 9])
    assert out.rejects == [(2, "xml:/gpx/trk[1]/trkseg[1]/trkpt[2]", "the file ends or breaks before this record")]


def test_a_broken_middle_rejects_one_and_counts_the_rest() -> None:
    data = track(*[point("2025-10-03T10:00:00Z")] * 2, "<trkpt></wrong>", *[point("2025-10-03T10:00:00Z")] * 5)
    out = collect(READER, data)
    assert (out.kept, [n for n, _, _ in out.rejects]) == (2, [3])
    assert any(note.endswith("points behind it that were not read: about 5") for note in out.notes)
    assert out.conserved()


def test_a_break_in_a_name_rejects_the_next_point() -> None:
    out = collect(READER, gpx("<trk><name><b></name><trkseg>" + point("2025-10-03T10:00:00Z") + "</trkseg></trk>"))
    assert out.rejects == [(1, "xml:/gpx/trk[1]", "the file ends or breaks before this record")]
    assert out.conserved()


# -- hostile


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE gpx [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]>',
        '<!DOCTYPE gpx SYSTEM "x" [<!ATTLIST trkpt lat CDATA "1">]>',
    ],
)
def test_declarations_are_refused(doctype: str) -> None:
    data = f"<?xml version='1.0'?>{doctype}<gpx>{point('2025-10-03T10:00:00Z', 'wpt', lat='&x;')}</gpx>".encode()
    assert READER.recognise(head_of(data)) is not None
    with pytest.raises(Unreadable, match="DOCTYPE"):
        collect(READER, data)
    with pytest.raises(Unreadable, match="DOCTYPE"):
        collect(READER, data.decode().encode("utf-16"))


def test_a_plain_doctype_is_read_and_undeclared_entities_are_text() -> None:
    data = f"<!DOCTYPE gpx SYSTEM 'http://127.0.0.1/gpx.dtd'><gpx>{point('&x;2025-10-03T10:00:00Z', 'wpt')}"
    out = collect(READER, (data + point("2025-10-03T10:00:00Z", "wpt") + "</gpx>").encode())
    assert [reason for _, _, reason in out.rejects] == ["time cannot be read"]
    assert out.kept == 1


@pytest.mark.parametrize(
    "data",
    [
        b"", b"   ", b"<", b"<gpx", b"\xff\xfe", b"not xml", b"<kml></kml>", b"<?xml version='1.0'?>", b"<!-- " * 1000,
        b"<!DOCTYPE gpx" + b"x" * 2_000_000, b"\0" * 5000, b" " * 3_000_000,
    ],
)  # fmt: skip
def test_what_is_no_gpx_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        collect(READER, data)
    assert READER.recognise(head_of(data)) is None


def test_nesting_does_not_recurse() -> None:
    out = collect(READER, gpx("<a>" * 100_000 + point("2025-10-03T10:00:00Z")))
    assert out.conserved() and out.kept == 0
    out = collect(READER, track("<trkpt>" * 50_000))
    assert out.conserved() and out.kept == 0


def test_memory_does_not_grow_with_names_or_points() -> None:
    one = point("2025-10-03T10:00:00Z", more="<desc>" + "x" * 2000 + "</desc>").encode()

    class Endless(io.RawIOBase):
        """Twenty megabytes of points and one description of ten, made while they are read."""

        def __init__(self) -> None:
            self.parts = iter(
                [HEAD.encode(), b"<trk><desc>", *[b"y" * 100_000] * 100, b"</desc><trkseg>", *[one * 50] * 200]
            )

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return next(self.parts, b"")

    class Counter(Collected):
        def positions(self, rows: int, columns: Any) -> None:
            self.counted = getattr(self, "counted", 0) + rows

    source: Any = type("Source", (), {"open": staticmethod(Endless)})()
    out = Counter()
    tracemalloc.start()
    READER.read(source, context(), out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.counted == 10_000
    assert peak < 30_000_000


# -- random files against a plain reading

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=12
)
TIMES = st.one_of(
    st.none(),
    st.just("rubbish"),
    st.datetimes(datetime(2002, 1, 1), datetime(2034, 1, 1)).map(lambda moment: moment.isoformat() + "Z"),
)
POINT = st.tuples(st.floats(-90, 90).map(repr), st.floats(-180, 180).map(repr), TIMES, TEXT)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(name: str, value: tuple[str, str, str | None, str]) -> str:
    lat, lon, time, text = value
    told = f"<time>{time}</time>" if time is not None else ""
    return f"<{name} lon='{lon}' lat=\"{lat}\"><!-- <trkpt> --><name>{escape(text)}</name>{told}</{name}>"


@settings(max_examples=60, deadline=None)
@given(st.lists(POINT, max_size=4), st.lists(st.lists(st.lists(POINT, max_size=4), max_size=3), max_size=3), TEXT)
def test_random_files_equal_a_plain_reading(waypoints: list[Any], tracks: list[list[list[Any]]], text: str) -> None:
    body = "".join(render("wpt", p) for p in waypoints) + "".join(
        f"<trk><name>{escape(text)}</name>{''.join('<trkseg>' + ''.join(render('trkpt', p) for p in s) + '</trkseg>' for s in t)}</trk>"
        for t in tracks
    )
    data = gpx(body)
    out = collect(READER, data)
    plain = []
    for n, element in enumerate(
        (e for e in ElementTree.fromstring(data).iter() if e.tag.endswith(("wpt", "trkpt"))), 1
    ):
        time = element.findtext("{*}time")
        if time not in (None, "rubbish"):
            plain.append((n, float(element.attrib["lat"]), float(element.attrib["lon"]), time))
    assert [(r["n"], r["lat"], r["lon"]) for r in out.position_rows] == [p[:3] for p in plain]
    assert out.conserved()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["&", "&amp;", "&#x1F30D;", "&#55357;", "<![CDATA[", "]]>", "<!--", "-->", "ж", "x" * 9, "\x0b"]
        )
    ),
    st.integers(1, 40),
)
def test_repairs_do_not_depend_on_the_blocks(parts: list[str], block: int) -> None:
    data = b"<gpx>" + b" " * 1024 + "".join(parts).encode()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size if size and size > 0 else block, block))

    whole = XmlText(io.BytesIO(data))
    pieces = XmlText(Slow(data), block)
    assert b"".join(whole.blocks()) == b"".join(pieces.blocks())
    assert whole.repaired == pieces.repaired


def test_rows_fit_the_schema() -> None:
    row = collect(READER, track(point("2025-10-03T10:00:00Z"))).position_rows[0]
    stored = set(POSITIONS.names)
    assert set(row) - {"sub"} <= stored


def test_prefixes_that_are_not_declared_do_no_harm() -> None:
    out = collect(READER, track(point("2025-10-03T10:00:00Z", more="<extensions><x:hr>90</x:hr></extensions>")))
    assert (out.kept, out.rejects) == (1, [])
