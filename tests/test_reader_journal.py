"""The incident journal: times as people write them, the mapping of every kind, CSV of every usual shape, hostile files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import CHANNELS, EVENT_KINDS, EVENTS, POSITION_KINDS, POSITIONS
from pipelines.readers import recognise
from pipelines.readers.base import EVENT_DEFAULTS, Unreadable
from pipelines.readers.journal import KINDS, READER, ROW_LIMIT, moment
from tests.collect import Collected, collect, head_of

NAMES = [
    "when",
    "until",
    "contact",
    "via",
    "kind",
    "place",
    "lat",
    "lon",
    "accuracy_m",
    "channel",
    "witness",
    "written",
    "note",
]


def us(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type, misc]


def journal(*rows: dict[str, str], names: list[str] | None = None, delimiter: str = ",", end: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names or NAMES, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read_one(**row: str) -> Collected:
    out = collect(READER, journal({"when": "2025-10-03 18:30", "contact": "K1", "kind": "seen", **row}))
    assert out.records == 1 and out.conserved()
    return out


def position(**row: str) -> dict[str, Any]:
    out = read_one(**row)
    assert out.rejects == [] and not out.event_rows
    return out.position_rows[0]


def event(kind: str, **row: str) -> dict[str, Any]:
    out = read_one(kind=kind, **row)
    assert out.rejects == [] and not out.position_rows
    return out.event_rows[0]


def reason(**row: str) -> str:
    out = read_one(**row)
    assert out.kept == 0
    return out.rejects[0][2]


# -- times


@pytest.mark.parametrize(
    ("text", "local", "precision", "offset"),
    [
        ("2025-10-03", us(2025, 10, 3), "day", None),
        ("2025-10-03 18", us(2025, 10, 3, 18), "h", None),
        ("2025-10-03T18", us(2025, 10, 3, 18), "h", None),
        ("2025-10-03 18:30", us(2025, 10, 3, 18, 30), "min", None),
        ("2025-10-03  8:05", us(2025, 10, 3, 8, 5), "min", None),
        ("2025-10-03T18:30:05", us(2025, 10, 3, 18, 30, 5), "s", None),
        ("2025-10-03T18:30:05.25", us(2025, 10, 3, 18, 30, 5) + 250_000, "ms", None),
        ("2025-10-03T18:30:05,123456", us(2025, 10, 3, 18, 30, 5) + 123_456, "us", None),
        ("2025-10-03 18:30 +05:00", us(2025, 10, 3, 18, 30), "min", 18000),
        ("2025-10-03T18:30-0330", us(2025, 10, 3, 18, 30), "min", -12600),
        ("2025-10-03T18:30:00Z", us(2025, 10, 3, 18, 30), "s", 0),
        ("2025-10-03 night", us(2025, 10, 3), "night", None),
        ("2025-10-03 Morning", us(2025, 10, 3, 6), "morning", None),
        ("2025-10-03 afternoon", us(2025, 10, 3, 12), "afternoon", None),
        ("2025-10-03, evening", us(2025, 10, 3, 18), "evening", None),
        ("2025-10-03 ночь", us(2025, 10, 3), "night", None),
        ("2025-10-03 утром", us(2025, 10, 3, 6), "morning", None),
        ("2025-10-03 днём", us(2025, 10, 3, 12), "afternoon", None),
        ("2025-10-03 Вечер", us(2025, 10, 3, 18), "evening", None),
        ("2025-10-03 түн", us(2025, 10, 3), "night", None),
        ("2025-10-03 таң", us(2025, 10, 3, 6), "morning", None),
        ("2025-10-03 күндіз", us(2025, 10, 3, 12), "afternoon", None),
        ("2025-10-03 кеш", us(2025, 10, 3, 18), "evening", None),
    ],
)
def test_moment(text: str, local: int, precision: str, offset: int | None) -> None:
    reading = moment(text)
    assert reading is not None
    assert (reading.local_us, reading.precision, reading.offset_s) == (local, precision, offset)


@pytest.mark.parametrize(
    "text",
    [
        "03.10.2025 18:30", "2025-13-01", "2025-02-29", "2025-10-03 24:00", "2025-10-03 18:60", "2025-10-03 18-05", "soon",
        "2025-10-03 lunch", "2025-10-03 evening evening", "2025-10-03T18:30+19:00", "2025-10-03 18:30+05:60", "0000-01-01",
        "２０２５-10-03", "2025-10-03 " + "e" * 100_000,
    ],
)  # fmt: skip
def test_no_moment(text: str) -> None:
    assert moment(text) is None
    assert reason(when=text) == "when cannot be read as a date, a date and time, or a date and a part of the day"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no time"),
        ("1889-10-03", "time lies before 1990"),
        ("2125-10-03", "time lies in or after 2035"),
        ("1970-01-01", "time is zero: no time was recorded"),
    ],
)
def test_absurd_times_are_rejected(text: str, why: str) -> None:
    assert reason(when=text) == why


def test_clock_of_a_row() -> None:
    row = position(when="2025-10-03 18:30")
    assert (row["zone_basis"], row["stated_offset_s"], row["ts_precision"]) == ("case", None, "min")
    row = position(when="2025-10-03 18:30+05:00")
    assert (row["zone_basis"], row["stated_offset_s"], row["local_time"]) == ("stated", 18000, us(2025, 10, 3, 18, 30))
    row = position(when="2025-10-03 18:30Z")
    assert (row["zone_basis"], row["stated_offset_s"], row["local_time"]) == ("utc", None, us(2025, 10, 3, 18, 30))


@pytest.mark.parametrize(
    ("when", "until", "end", "end_offset"),
    [
        ("2025-10-03 18:30", "2025-10-03 19:10", us(2025, 10, 3, 19, 10), None),
        ("2025-10-03 18:30", "19:10", us(2025, 10, 3, 19, 10), None),
        ("2025-10-03 18:30", "2025-10-04", us(2025, 10, 4), None),
        ("2025-10-03 18:30", "2025-10-03", us(2025, 10, 3, 18, 30), None),
        ("2025-10-03 evening", "2025-10-03 18:00", us(2025, 10, 3, 18), None),
        ("2025-10-03 18:30+05:00", "2025-10-03 20:10+06:00", us(2025, 10, 3, 20, 10), 21600),
        ("2025-10-03 18:30+05:00", "2025-10-03 19:10+05:00", us(2025, 10, 3, 19, 10), None),
        ("2025-10-03 18:30+05:00", "19:10", us(2025, 10, 3, 19, 10), None),
        ("2025-10-03 18:30", "", None, None),
    ],
)
def test_until(when: str, until: str, end: int | None, end_offset: int | None) -> None:
    row = position(when=when, until=until)
    assert (row["local_end"], row["end_offset_s"]) == (end, end_offset)


@pytest.mark.parametrize(
    ("when", "until", "why"),
    [
        ("2025-10-03 18:30", "2025-10-03 18:29", "until lies before when"),
        ("2025-10-03 18:30", "17:00", "until lies before when"),
        ("2025-10-03 18:30", "2025-10-02", "until lies before when"),
        ("2025-10-03 18:30+05:00", "2025-10-03 18:35+06:00", "until lies before when"),
        ("2025-10-03 18:30", "2025-10-03 18:40+05:00", "when and until are not on the same clock"),
        ("2025-10-03 18:30Z", "2025-10-03 18:40+05:00", "when and until are not on the same clock"),
        ("2025-10-03 18:30", "later", "until cannot be read"),
        ("2025-10-03 18:30", "25:00", "until cannot be read"),
        ("2025-10-03 18:30", "2225-10-03", "until: time lies in or after 2035"),
    ],
)
def test_until_that_cannot_be(when: str, until: str, why: str) -> None:
    assert reason(when=when, until=until) == why


def test_length_of_a_call() -> None:
    assert event("call", until="18:42")["duration_s"] == 720
    assert event("call", until="2025-10-03 evening")["duration_s"] is None
    assert event("call", when="2025-10-03", until="2025-10-04")["duration_s"] is None
    assert event("call")["duration_s"] is None
    assert event("call", until="18:30")["duration_s"] is None
    out = read_one(kind="message", until="18:42")
    assert out.event_rows[0]["duration_s"] is None
    assert out.notes == ["until of rows that are neither calls nor sightings, read past: 1"]


def test_written() -> None:
    assert position(written="2025-10-05")["written_at"] == us(2025, 10, 5)
    assert position()["written_at"] is None
    assert position(when="2025-10-03 18:30+05:00", written="2025-10-03T14:00Z")["written_at"] == us(2025, 10, 3, 19)
    assert reason(written="2025-10-05T10:00Z") == "when and written are not on the same clock"
    assert reason(written="some day").startswith("written cannot be read")
    assert read_one(written="2025-10-02").notes == ["rows written down before what they tell: 1"]
    assert read_one(written="2025-10-03").notes == []


# -- kinds


def test_every_kind_of_the_page_is_read() -> None:
    page = (
        "seen followed waited entered call message email gift delivery payment tracker_alert tracker_found view "
        "account_access third_party told_to_stop blocked other"
    )
    assert set(page.split()) == KINDS
    out = collect(READER, journal(*[{"when": "2025-10-03", "contact": "K1", "kind": kind} for kind in page.split()]))
    assert (out.records, out.kept, out.rejects) == (18, 18, [])
    assert {r["kind"] for r in out.position_rows} <= set(POSITION_KINDS)
    assert {r["kind"] for r in out.event_rows} <= set(EVENT_KINDS)
    assert {r["channel"] for r in out.event_rows} <= set(CHANNELS)
    assert {r["how"] for r in out.event_rows + out.position_rows} == {"journal"}
    assert set(out.event_rows[0]) - {"sub"} <= set(EVENTS.names)
    assert set(out.position_rows[0]) - {"sub"} <= set(POSITIONS.names)


@pytest.mark.parametrize("kind", ["seen", "waited", "followed", "entered"])
def test_sightings(kind: str) -> None:
    row = position(kind=kind, place="home", lat="43.2389", lon="76.8897", accuracy_m="30")
    wanted = {
        "n": 1, "record": "line:2", "kind": kind, "subject": "contact", "subject_id": None, "source_how": "person",
        "identifier": "label:K1", "identifier_raw": "K1", "place_id": "home", "lat": 43.2389, "lon": 76.8897,
        "accuracy_m": 30.0, "accuracy_kind": "radius", "local_end": None,
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted


@pytest.mark.parametrize("kind", ["tracker_alert", "tracker_found"])
def test_trackers(kind: str) -> None:
    row = position(kind=kind, via="AA:BB:CC:DD:EE:FF", contact="")
    assert (row["subject"], row["subject_id"], row["identifier"], row["source_how"], row["kind"]) == (
        "tracker", "AA:BB:CC:DD:EE:FF", None, "bluetooth", kind,
    )  # fmt: skip
    row = position(kind=kind)
    assert (row["subject_id"], row["identifier"]) == (None, "label:K1")


@pytest.mark.parametrize(
    ("word", "kind", "channel"),
    [
        ("call", "call", "phone"), ("message", "message", "journal"), ("email", "email", "email"), ("gift", "gift", "post"),
        ("delivery", "delivery", "post"), ("payment", "payment", "other"), ("view", "view", "internet"),
        ("account_access", "account_access", "internet"), ("third_party", "third_party", "journal"), ("other", "other", "journal"),
    ],
)  # fmt: skip
def test_events(word: str, kind: str, channel: str) -> None:
    row = event(word, via="8 701 000 00 02")
    wanted = {
        **EVENT_DEFAULTS, "n": 1, "record": "line:2", "local_time": us(2025, 10, 3, 18, 30), "ts_precision": "min",
        "zone_basis": "case", "kind": kind, "direction": "in", "channel": channel, "identifier": "label:K1",
        "identifier_raw": "K1", "identifier_kind": "label", "actor": "contact", "via_identifier": "+77010000002",
        "thread_id": "label:K1", "thread_kind": "direct", "directed": "yes", "how": "journal",
    }  # fmt: skip
    assert row == wanted


def test_the_owners_own_words() -> None:
    row = event("told_to_stop")
    assert (row["kind"], row["direction"], row["actor"], row["tags"]) == ("other", "out", "owner", "told_to_stop")
    row = event("Told to stop")
    assert row["tags"] == "told_to_stop"
    row = event("blocked", channel="WhatsApp")
    assert (row["kind"], row["direction"], row["actor"], row["tags"], row["channel"]) == (
        "block", "out", "owner", None, "whatsapp",
    )  # fmt: skip


def test_an_unknown_kind_is_rejected_without_its_word() -> None:
    assert reason(kind="QORGANMARKER") == "unknown kind"
    assert reason(kind="") == "no kind"
    assert reason(kind="x" * 10_000) == "unknown kind"


# -- the other columns


def test_nobody_known() -> None:
    row = event("call", contact=" ")
    assert (row["identifier"], row["identifier_raw"], row["identifier_kind"], row["thread_id"]) == (
        None,
        None,
        "none",
        None,
    )
    assert position(contact="—")["identifier"] is None


def test_label_is_normalised() -> None:
    row = position(contact="  Cafe\u0301\u200e ")
    assert (row["identifier"], row["identifier_raw"]) == ("label:Café", "Café")
    assert reason(contact="x" * 201) == "contact is longer than 200 characters"
    assert reason(kind="call", via="x" * 201) == "via is longer than 200 characters"


@pytest.mark.parametrize(
    ("text", "witness"),
    [("", None), ("-", None), ("yes", "yes"), ("No", "no"), ("нет", "no"), ("жоқ", "no"), ("QORGANMARKER", "yes"), ("да", "yes")],
)  # fmt: skip
def test_witness(text: str, witness: str | None) -> None:
    assert position(witness=text)["witness"] == witness


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"lat": "43.2"}, "latitude without longitude, or longitude without latitude"),
        ({"lon": "43.2"}, "latitude without longitude, or longitude without latitude"),
        ({"lat": "90.1", "lon": "1"}, "latitude or longitude is no number in range"),
        ({"lat": "nan", "lon": "1"}, "latitude or longitude is no number in range"),
        ({"lat": "1", "lon": "1", "accuracy_m": "1,000"}, "accuracy_m is no number of metres"),
        ({"lat": "1", "lon": "1", "accuracy_m": "-5"}, "accuracy_m is no number of metres"),
        ({"lat": "1", "lon": "1", "accuracy_m": "near"}, "accuracy_m is no number of metres"),
    ],
)
def test_coordinates_that_cannot_be(cells: dict[str, str], why: str) -> None:
    assert reason(**cells) == why


def test_coordinates() -> None:
    row = position(lat="43,2389", lon="76,8897", accuracy_m="0")
    assert (row["lat"], row["lon"], row["accuracy_m"], row["accuracy_kind"]) == (43.2389, 76.8897, None, "unknown")


def test_what_is_read_past_is_noted_and_never_kept() -> None:
    rows = [
        {
            "kind": "seen",
            "place": "by the QORGANMARKER",
            "note": "QORGANMARKER",
            "witness": "QORGANMARKER",
            "via": "QORGANMARKER",
        },
        {"kind": "seen", "channel": "QORGANMARKER"},
        {"kind": "gift", "place": "home", "lat": "1", "lon": "2", "note": "QORGANMARKER"},
        {"kind": "call", "channel": "QORGANMARKER"},
        {"kind": "QORGANMARKER", "note": "QORGANMARKER"},
        {"kind": "seen", "when": "QORGANMARKER"},
        {"kind": "seen", "until": "QORGANMARKER"},
    ]
    names = ["diary", *NAMES]
    data = journal(
        *[{"when": "2025-10-03", "contact": "K1", "diary": "QORGANMARKER", **row} for row in rows], names=names
    )
    out = collect(READER, data)
    assert out.conserved()
    assert (out.kept, len(out.rejects)) == (4, 3)
    assert out.event_rows[1]["channel"] == "phone"
    assert "QORGANMARKER" not in repr(out.__dict__)
    assert out.notes == [
        "columns that are none of the journal's, not read: 1",
        "channels of sightings, read past: 1",
        "channels that qorgan does not know, replaced by that of the kind: 1",
        "places and coordinates of rows that are no sighting, read past: 1",
        "places that are no place id, read past: 1",
        "via of sightings, read past: 1",
    ]


def test_coverage() -> None:
    out = collect(READER, journal(
        {"when": "2025-10-03 18:30", "until": "2025-10-03 19:00", "contact": "K1", "kind": "seen"},
        {"when": "2025-10-01", "contact": "K1", "kind": "blocked"},
        {"when": "2025-10-02 05:00+05:00", "contact": "K1", "kind": "call"},
    ))  # fmt: skip
    shared = {"channel": "journal", "classes": "block call seen", "scope": "all", "basis": "observed", "complete": "no"}
    assert out.covers == [
        {**shared, "local_from": us(2025, 10, 1), "local_to": us(2025, 10, 3, 19), "zone_basis": "case"},
        {**shared, "local_from": us(2025, 10, 2), "local_to": us(2025, 10, 2), "zone_basis": "utc"},
    ]
    assert collect(READER, journal()).covers == []


# -- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_shapes_of_the_file(delimiter: str, codec: str, end: str) -> None:
    names = ["Note", "KIND", " Contact ", "WHEN"]
    rows = [
        {"WHEN": "2025-10-03 18:30", " Contact ": 'Әсел; "сосед", K', "KIND": "seen", "Note": f'a{end}b{delimiter}"c"'}
    ] * 2
    data = journal(*rows, names=names, delimiter=delimiter, end=end).decode().encode(codec)
    claims, verdict = recognise(head_of(data, "x.bin"))
    assert (verdict, claims[0][0]) == ("known", "journal")
    out = collect(READER, data)
    assert [(r["n"], r["record"]) for r in out.position_rows] == [(1, "lines:2-3"), (2, "lines:4-5")]
    assert out.position_rows[0]["identifier_raw"] == 'Әсел; "сосед", K'
    assert out.conserved() and not out.rejects


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"when,contact\n",
        b"a,b,c\n",
        b"when contact kind\n",
        b"\xff\xfe",
        b"<gpx/>",
        b"when,contact,kin\xffd\n",
        b"\n\nwhen,contact,kind\n",
    ],
)
def test_what_is_no_journal(data: bytes) -> None:
    assert READER.recognise(head_of(data)) is None
    with pytest.raises(Unreadable):
        collect(READER, data)


def test_headers_that_cannot_be_read() -> None:
    with pytest.raises(Unreadable, match="stands twice"):
        collect(READER, b"when,kind,contact,When\n")
    data = b"when,kind,contact\r2025-10-03,seen,K1\r"
    assert READER.recognise(head_of(data)) is not None
    with pytest.raises(Unreadable, match="CR alone"):
        collect(READER, data)


def rows_of(text: bytes) -> Collected:
    out = collect(READER, b"when,contact,kind,note\n" + text)
    assert out.conserved()
    return out


def test_rows_that_are_no_rows() -> None:
    out = rows_of(b"\n\n2025-10-03,K1,seen\n,,,\n \n2025-10-03,K1,seen,x,,\n2025-10-03,K1,seen,x,,more\n")
    assert out.records == 5
    assert out.scoped_out == 2
    assert [r["record"] for r in out.position_rows] == ["line:4", "line:7"]
    assert out.rejects == [(5, "line:8", "the row has more fields than the header")]
    assert out.notes == ["empty rows: 2"]


def test_bad_quotes_cost_one_row() -> None:
    out = rows_of(b'2025-10-03,K1,seen,"a"b\n2025-10-03,K1,seen,ok\n2025-10-03,K1,"seen\n')
    csv_reason = "the quotes or line breaks of the row are not those of CSV (RFC 4180)"
    assert out.rejects == [(1, "line:2", csv_reason), (3, "line:4", csv_reason)]
    assert [r["n"] for r in out.position_rows] == [2]


def test_bytes_of_another_encoding_cost_their_rows_only() -> None:
    out = rows_of("2025-10-03,Айгуль,seen\n".encode("cp1251") + b"2025-10-03,K1,seen\n2025-10-04,K1,seen,\0\x1b[2J\n")
    assert out.rejects == [(1, "line:2", "the row is not UTF-8 text: save the file as CSV UTF-8")]
    assert [r["n"] for r in out.position_rows] == [2, 3]


def test_long_lines_and_open_quotes_are_bounded() -> None:
    good = b"2025-10-03,K1,seen,ok\n"
    long_line = b"2025-10-03,K1,seen," + b"x" * (2 * ROW_LIMIT) + b"\n"
    many_fields = b"2025-10-03,K1,seen," + b'"\n",' * (ROW_LIMIT // 3)
    out = rows_of(good + long_line + good + many_fields)
    assert [r["record"] for r in out.position_rows] == ["line:2", "line:4"]
    assert out.rejects[0] == (2, "line:3", f"the row is longer than {ROW_LIMIT} characters")
    assert all(len(reason) < 120 for _, _, reason in out.rejects)
    big_field = b'2025-10-03,K1,seen,"' + b"x\n" * 200_000 + b'"\n' + good
    out = rows_of(big_field)
    assert out.rejects and out.conserved()


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, CELL)), max_size=6), st.sampled_from([",", ";", "\t"]))
def test_any_text_is_conserved_and_never_told(rows: list[dict[str, str]], delimiter: str) -> None:
    marked = [{**row, "note": "QORGANMARKER" + row["note"], "witness": "QORGANMARKER"} for row in rows]
    out = collect(READER, journal(*marked, delimiter=delimiter))
    assert out.conserved()
    assert out.records == len(rows)
    assert "QORGANMARKER" not in repr(out.__dict__)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(2002, 1, 1), datetime(2034, 1, 1)),
            st.sampled_from(sorted(KINDS)),
            st.text('abc \n";,\t', max_size=12),
        ),
        max_size=12,
    ),
    st.permutations(NAMES),
)
def test_round_trip(rows: list[tuple[datetime, str, str]], names: list[str]) -> None:
    cells = [{"when": when.isoformat(), "kind": kind, "contact": "K1", "note": note} for when, kind, note in rows]
    data = journal(*cells, names=names)
    out = collect(READER, data)
    kept = sorted(out.event_rows + out.position_rows, key=lambda row: row["n"])
    wanted = [round((when - datetime(1970, 1, 1)).total_seconds() * 1e6) for when, _, _ in rows]
    assert [row["local_time"] for row in kept] == wanted
    line = 2
    for row, cell in zip(kept, cells, strict=True):
        last = line + cell["note"].count("\n")
        assert row["record"] == (f"line:{line}" if last == line else f"lines:{line}-{last}")
        line = last + 1
