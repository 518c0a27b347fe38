"""The reader of the iOS call history, on databases built after the public parsers (no public file is free of real people)."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.ios_calls import READER, caller, provider_channel
from tests.apple_reading import COCOA, OWN, SECRET, UNIX, A, B, C, columns, damaged, database, read, refused
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import SHARED

MODERN = """
CREATE TABLE ZCALLRECORD (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZANSWERED INTEGER, ZCALLTYPE INTEGER,
 ZDISCONNECTED_CAUSE INTEGER, ZORIGINATED INTEGER, ZREAD INTEGER, ZJUNKCONFIDENCE INTEGER, ZDATE TIMESTAMP,
 ZDURATION FLOAT, ZFACE_TIME_DATA INTEGER, ZADDRESS VARCHAR, ZISO_COUNTRY_CODE VARCHAR, ZLOCATION VARCHAR, ZNAME VARCHAR,
 ZSERVICE_PROVIDER VARCHAR, ZUNIQUE_ID VARCHAR);
CREATE TABLE ZHANDLE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZTYPE INTEGER, ZNORMALIZEDVALUE VARCHAR,
 ZVALUE VARCHAR);
CREATE TABLE Z_2REMOTEPARTICIPANTHANDLES (Z_2REMOTEPARTICIPANTCALLS INTEGER, Z_4REMOTEPARTICIPANTHANDLES INTEGER,
 PRIMARY KEY (Z_2REMOTEPARTICIPANTCALLS, Z_4REMOTEPARTICIPANTHANDLES));
CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR, Z_SUPER INTEGER, Z_MAX INTEGER);
"""
LEGACY = """
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT);
CREATE TABLE call (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, date INTEGER, duration INTEGER, flags INTEGER,
 id INTEGER, name TEXT, country_code TEXT, network_code TEXT, read INTEGER, assisted INTEGER, face_time_data BLOB);
"""


def call(**more: Any) -> dict[str, Any]:
    return {
        "ZDATE": COCOA + 0.25, "ZDURATION": 65.7, "ZORIGINATED": 0, "ZANSWERED": 1, "ZADDRESS": A, "ZCALLTYPE": 1,
        "ZSERVICE_PROVIDER": "com.apple.Telephony", "ZDISCONNECTED_CAUSE": 0, "ZNAME": SECRET, "ZLOCATION": SECRET,
        "ZUNIQUE_ID": "U", **more,
    }  # fmt: skip


def run(tmp_path: Path, *calls: Mapping[str, Any], **tables: Sequence[Mapping[str, Any]]) -> Collected:
    data = database(tmp_path / "CallHistory.storedata", MODERN, {"ZCALLRECORD": calls, **tables})
    return read(READER, data, "CallHistory.storedata")


def test_an_answered_call(tmp_path: Path) -> None:
    out = run(tmp_path, call())
    (row,) = out.event_rows
    assert {k: v for k, v in row.items() if v is not None and k not in ("sub", "how", "status")} == {
        "n": 1, "record": "sql:ZCALLRECORD/1", "local_time": UNIX * 10**6 + 250_000, "ts_precision": "us",
        "zone_basis": "utc", "channel": "phone", "kind": "call", "direction": "in", "identifier": A, "identifier_raw": A,
        "identifier_kind": "phone", "actor": "contact", "thread_id": A, "thread_kind": "direct", "directed": "yes",
        "answered": True, "duration_s": 65,
    }  # fmt: skip
    assert (out.covers[0]["channel"], out.covers[0]["basis"], out.covers[0]["classes"]) == ("phone", "cap", "call")
    assert any("newest 1,000 calls" in note for note in out.notes)


@pytest.mark.parametrize(
    ("change", "direction", "answered", "seconds"),
    [
        ({"ZANSWERED": 0, "ZDURATION": 0.0}, "in", False, None),
        ({"ZANSWERED": 0, "ZDURATION": 30}, "in", False, None),  # the flag wins
        ({"ZANSWERED": 1, "ZDURATION": 0}, "in", True, 0),
        ({"ZANSWERED": None, "ZDURATION": 5}, "in", True, 5),
        ({"ZANSWERED": None, "ZDURATION": 0}, "in", None, 0),
        ({"ZORIGINATED": 1, "ZANSWERED": 0, "ZDURATION": 12.9}, "out", True, 12),
        ({"ZORIGINATED": 1, "ZANSWERED": 1, "ZDURATION": 0}, "out", False, 0),
        ({"ZORIGINATED": 1, "ZDURATION": None}, "out", None, None),
        ({"ZORIGINATED": None}, "unknown", True, 65),
        ({"ZORIGINATED": 7}, "unknown", True, 65),
        ({"ZDURATION": -4}, "in", True, None),
        ({"ZDURATION": "x"}, "in", True, None),
        ({"ZSERVICE_PROVIDER": "net.whatsapp.WhatsApp", "ZANSWERED": 0, "ZDURATION": 9}, "in", None, 9),
    ],
)
def test_direction_and_answer(
    tmp_path: Path, change: dict[str, Any], direction: str, answered: bool | None, seconds: int | None
) -> None:
    out = run(tmp_path, call(**change))
    assert columns(out, "direction", "answered", "duration_s") == [(direction, answered, seconds)]
    expected = {"in": ("contact", "yes"), "out": ("owner", "no"), "unknown": ("unknown", "unknown")}[direction]
    assert columns(out, "actor", "directed") == [expected]


@pytest.mark.parametrize(
    ("provider", "kind", "channel"),
    [
        ("com.apple.Telephony", 1, "phone"), ("com.apple.facetime", 8, "facetime"), ("net.whatsapp.WhatsApp", 0, "whatsapp"),
        ("net.whatsapp.WhatsAppSMB", 0, "whatsapp"), ("ph.telegra.Telegraph", 0, "telegram"), ("com.viber", 0, "viber"),
        ("org.whispersystems.signal", 0, "signal"), ("com.microsoft.skype.teams", 0, "internet"),
        ("com.skype.skype", 0, "skype"), (None, 1, "phone"), (None, 16, "facetime"), (None, 0, "internet"),
        (None, None, "phone"), ("", 8, "facetime"),
    ],
)  # fmt: skip
def test_channels(provider: str | None, kind: int | None, channel: str) -> None:
    assert provider_channel(provider, kind) == channel


@pytest.mark.parametrize(
    ("raw", "channel", "expected"),
    [
        (A, "phone", (A, A, "phone")),
        ("8 701 000 00 01", "phone", (A, "8 701 000 00 01", "phone")),
        ("a@Example.com", "facetime", ("mail:a@example.com", "a@Example.com", "mail")),
        ("", "phone", (None, None, "withheld")),
        ("  ", "phone", (None, None, "withheld")),
        (None, "phone", (None, None, "none")),
        ("Private", "phone", (None, "Private", "withheld")),
        ("77010000001@s.whatsapp.net", "whatsapp", (A, "77010000001@s.whatsapp.net", "phone")),
        ("77010000001", "whatsapp", (A, "77010000001", "phone")),
        ("77010000001", "telegram", ("telegram:77010000001", "77010000001", "app_id")),  # an id, no number
        (A, "telegram", (A, A, "phone")),
        ("AB123456-7890-ABCD", "signal", ("signal:AB123456-7890-ABCD", "AB123456-7890-ABCD", "app_id")),
        ("Aigerim S.", "viber", ("viber:name:Aigerim S.", "Aigerim S.", "name")),
        ("x y", "internet", ("com.x.app:name:x y", "x y", "name")),
        ("a@b.kz", "internet", ("mail:a@b.kz", "a@b.kz", "mail")),
    ],
)
def test_callers(raw: str | None, channel: str, expected: tuple[Any, ...]) -> None:
    assert caller(raw, channel, "com.X.app" if channel == "internet" else None, context().phone) == expected


def test_addresses_as_blobs_and_withheld_callers(tmp_path: Path) -> None:
    out = run(tmp_path, call(ZADDRESS=A.encode()), call(ZADDRESS=b""), call(ZADDRESS=""), call(ZADDRESS=None))
    assert columns(out, "identifier", "identifier_kind") == [
        (A, "phone"), (None, "withheld"), (None, "withheld"), (None, "none"),
    ]  # fmt: skip
    assert "calls that name nobody: 1" in out.notes


def test_people_of_calls_by_the_pattern_of_the_tables(tmp_path: Path) -> None:
    handles = [{"Z_PK": k, "ZVALUE": v} for k, v in enumerate((A, B, C), 1)]
    join = "Z_2REMOTEPARTICIPANTCALLS", "Z_4REMOTEPARTICIPANTHANDLES"
    pairs = [
        dict(zip(join, p, strict=True))
        for p in ((1, 1), (1, 2), (2, 3), (3, 1), (3, 2), (4, 1), (4, 9), (5, 1), (5, 2))
    ]
    out = run(
        tmp_path, call(ZADDRESS=None), call(ZADDRESS=None), call(ZADDRESS=B), call(ZADDRESS=A),
        call(ZADDRESS=A, ZORIGINATED=1), ZHANDLE=handles, Z_2REMOTEPARTICIPANTHANDLES=pairs,
    )  # fmt: skip
    first, second, third, fourth, fifth = out.event_rows
    assert (first["thread_kind"], first["participants_n"], first["identifier"], first["directed"]) == (
        "group", 3, None, "unknown",
    )  # fmt: skip
    assert first["thread_id"].startswith("group:") and first["thread_id"] == third["thread_id"] == fifth["thread_id"]
    assert (second["thread_kind"], second["identifier"]) == ("direct", C)  # one handle: he is the other side
    assert (third["identifier"], third["directed"]) == (B, "yes")
    assert fourth["thread_kind"] == "direct"
    assert (fifth["identifier"], fifth["identifier_raw"], fifth["directed"]) == (None, None, "no")
    # the same tables under the numbers of another version
    other = MODERN.replace("Z_2REMOTE", "Z_3REMOTE").replace("Z_4REMOTE", "Z_5REMOTE")
    rows = {"ZCALLRECORD": [call(ZADDRESS=None)], "ZHANDLE": handles}
    rows["Z_3REMOTEPARTICIPANTHANDLES"] = [
        {"Z_3REMOTEPARTICIPANTCALLS": 1, "Z_5REMOTEPARTICIPANTHANDLES": k} for k in (1, 2)
    ]
    again = read(READER, database(tmp_path / "x", other, rows))
    assert again.event_rows[0]["thread_id"] == first["thread_id"]


def test_tags(tmp_path: Path) -> None:
    out = run(
        tmp_path, call(ZCALLTYPE=8, ZSERVICE_PROVIDER="com.apple.FaceTime", ZDISCONNECTED_CAUSE=6, ZJUNKCONFIDENCE=2),
        call(ZCALLTYPE=16, ZSERVICE_PROVIDER="com.apple.FaceTime"), call(ZJUNKCONFIDENCE=0),
    )  # fmt: skip
    assert columns(out, "tags") == [("video cause=6 junk=2",), ("audio",), (None,)]


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        (None, "no time"), (0, "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        (0.0, "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ("soon", "time is not readable"), (-(10**9), "time lies before 1990"), (1.2e9, "time lies in or after 2035"),
        (1e300, "time is not readable"), (b"x", "time is not readable"), (float("inf"), "time is not readable"),
    ],
)  # fmt: skip
def test_no_time(tmp_path: Path, date: object, reason: str) -> None:
    out = run(tmp_path, call(), call(ZDATE=date), call())
    assert out.rejects == [(2, "sql:ZCALLRECORD/2", reason)]
    assert [r["n"] for r in out.event_rows] == [1, 3]


def test_what_is_gone_is_said(tmp_path: Path) -> None:
    out = run(tmp_path, call(), Z_PRIMARYKEY=[{"Z_ENT": 2, "Z_NAME": "CallRecord", "Z_SUPER": 0, "Z_MAX": 12}])
    assert "11 calls that the log once held are no longer in it (its limit, or deletion)" in out.notes


def test_columns_of_early_versions(tmp_path: Path) -> None:
    script = "CREATE TABLE ZCALLRECORD (Z_PK INTEGER PRIMARY KEY, ZORIGINATED INTEGER, ZDATE TIMESTAMP, ZADDRESS BLOB)"
    rows = [{"ZORIGINATED": 1, "ZDATE": COCOA, "ZADDRESS": A.encode()}]
    out = read(READER, database(tmp_path / "x", script, {"ZCALLRECORD": rows}))
    assert columns(out, "channel", "direction", "identifier", "answered", "ts_precision") == [
        ("phone", "out", A, None, "s")
    ]
    refused(
        READER, database(tmp_path / "y", "CREATE TABLE ZCALLRECORD (Z_PK INTEGER, ZORIGINATED, a)"), "no column ZDATE"
    )


# -- the older form


def old(**more: Any) -> dict[str, Any]:
    return {"address": A, "date": UNIX - 350_000_000, "duration": 60, "flags": 4, "name": SECRET, **more}


@pytest.mark.parametrize(
    ("flags", "duration", "channel", "direction", "answered", "seconds", "tags"),
    [
        (4, 60, "phone", "in", True, 60, None), (4, 0, "phone", "in", False, None, None),
        (5, 60, "phone", "out", True, 60, None), (5, 0, "phone", "out", False, 0, None),
        (65540, 5, "phone", "in", True, 5, None), (8, 9, "phone", "in", False, None, "blocked"),
        (16, 3, "facetime", "in", True, 3, None), (17, 3, "facetime", "out", True, 3, None), (0, 5, "phone", "in", True, 5, None),
        (2, 5, "phone", "unknown", None, 5, None), (None, 5, "phone", "unknown", None, 5, None),
    ],
)  # fmt: skip
def test_older_form(
    tmp_path: Path, flags: int | None, duration: int, channel: str, direction: str, answered: bool | None,
    seconds: int | None, tags: str | None,
) -> None:  # fmt: skip
    out = read(READER, database(tmp_path / "c", LEGACY, {"call": [old(flags=flags, duration=duration)]}))
    assert columns(out, "channel", "direction", "answered", "duration_s", "tags") == [
        (channel, direction, answered, seconds, tags)
    ]
    assert out.event_rows[0]["record"] == "sql:call/1"
    assert any("newest 100 calls" in note for note in out.notes)


def test_both_epochs_of_the_older_form(tmp_path: Path) -> None:
    rows = [
        old(),
        old(date=UNIX - 350_000_000 - 978_307_200),
        old(date=0),
        old(date=None),
        old(date="x"),
        old(address=""),
    ]
    out = read(READER, database(tmp_path / "c", LEGACY, {"call": rows}))
    assert [r["local_time"] for r in out.event_rows] == [(UNIX - 350_000_000) * 10**6] * 3
    assert {"times that were read as counted from 1970: 2", "times that were read as counted from 2001: 1"} <= set(
        out.notes
    )
    assert [reason for *_, reason in out.rejects] == [
        "time is zero: no time was recorded", "no time", "time is not readable",
    ]  # fmt: skip
    assert out.event_rows[2]["identifier_kind"] == "withheld"


# -- recognition, damage, hostile files


def test_recognised(tmp_path: Path) -> None:
    for script in (MODERN, LEGACY):
        claims, verdict = recognise(head_of(database(tmp_path / "x", script)))
        assert (verdict, claims[0][0]) == ("known", "ios-calls")
    android = database(tmp_path / "x", "CREATE TABLE calls (number, date, duration, type, address, flags)")
    assert READER.recognise(head_of(android)) is None
    assert READER.recognise(head_of(b"Call type,Date\n")) is None


def test_no_sample_of_another_format_is_claimed() -> None:
    folder = SHARED / "samples"
    if not folder.exists():
        pytest.skip("needs the folder shared/ beside this checkout")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size < 3_000_000):
        assert READER.recognise(head_of(path)) is None, path


def test_a_view_in_place_of_the_table_is_refused(tmp_path: Path) -> None:
    data = database(tmp_path / "x", "CREATE VIEW ZCALLRECORD AS SELECT 1 AS ZDATE, 2 AS ZORIGINATED, 1 AS Z_PK")
    claim = READER.recognise(head_of(data))
    assert claim is not None
    refused(READER, data, "is a view or a virtual table")


def test_damage(tmp_path: Path) -> None:
    data = database(tmp_path / "c", MODERN, {"ZCALLRECORD": [call(ZADDRESS=a) for a in (A, B, C)]})
    damaged(READER, data, step=257)


def test_with_its_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "live"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.executescript(MODERN)
    db.execute("INSERT INTO ZCALLRECORD (ZDATE, ZORIGINATED, ZADDRESS, ZANSWERED) VALUES (?, 0, ?, 0)", (COCOA, A))
    main, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    db.close()
    source = replace(source_of(main), wal=lambda: io.BytesIO(log), wal_size=len(log))
    out = Collected()
    READER.read(source, context(), out)
    assert columns(out, "identifier", "answered") == [(A, False)]
    assert open_record(source, "sql:ZCALLRECORD/1", "ios-calls").complete


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "ZDATE": st.none() | st.floats() | st.integers(-(2**62), 2**62) | st.text(max_size=3),
                "ZDURATION": st.none() | st.floats() | st.integers(-5, 2**62) | st.binary(max_size=3),
                "ZORIGINATED": st.none() | st.integers(-1, 3) | st.text(max_size=2),
                "ZANSWERED": st.none() | st.integers(-1, 3),
                "ZADDRESS": st.none() | st.text(max_size=6) | st.binary(max_size=6) | st.sampled_from([A, OWN, ""]),
                "ZSERVICE_PROVIDER": st.none() | st.text(max_size=4) | st.just("net.whatsapp.WhatsApp"),
                "ZCALLTYPE": st.none() | st.integers(-1, 20),
                "ZJUNKCONFIDENCE": st.none() | st.floats(),
            }
        ),
        max_size=6,
    )
)
def test_every_record_has_one_end(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    data = database(tmp_path_factory.mktemp("h") / "c", MODERN, {"ZCALLRECORD": rows})
    try:
        out = read(READER, data)
    except Unreadable:
        return
    assert out.records == len(rows)
    assert collect(READER, data).event_rows == out.event_rows
