"""The reader of Android's call log: every generation of the schema, Samsung's logs, gaps, damage, hostile databases."""

from __future__ import annotations

import contextlib
import io
import random
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import LISTS
from pipelines.locate import LocateError, open_record
from pipelines.readers import all_readers, recognise
from pipelines.readers.android_calls import READER
from pipelines.readers.base import Unreadable
from tests.android_databases import BOOK, CALLS_2013, CALLS_V1, CALLS_V11, LOGS, MMSSMS, cuts, database, texts
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

T = 1_700_000_000_000  # ms
A, B, OWN = "+77010000001", "+77010000002", "+77010000009"
SECRET = "zebra-secret"


def call(**more: Any) -> dict[str, Any]:
    return {"number": A, "date": T, "duration": 60, "type": 1, "name": SECRET} | more


def read(*calls: dict[str, Any], schema: str = CALLS_V11, after: str = "", **tables: Any) -> Collected:
    out = collect(READER, database(schema, {"calls": calls, **tables} if calls else tables, after))
    assert out.conserved()
    return out


def one(**more: Any) -> dict[str, Any]:
    (row,) = read(call(**more)).event_rows
    return row


def test_the_real_contacts2() -> None:
    out = collect(READER, sample("android-db/contacts2.db"), ctx=context("US"))
    assert out.conserved() and out.records == out.kept == 3
    assert [(r["record"], r["tags"], r["direction"], r["answered"], r["duration_s"]) for r in out.event_rows] == [
        ("sql:calls/714", "missed", "in", False, None),
        ("sql:calls/715", None, "out", True, 126),
        ("sql:calls/717", None, "in", True, 639),
    ]
    assert [r["local_time"] for r in out.event_rows] == [1383772636690000, 1383772733283000, 1383782616690000]
    assert {r["identifier"] for r in out.event_rows} == {"+15404561685"}
    assert out.notes[0].startswith("calls: 3 entries; the first id is 714: the 713 before it are gone; 1 ids between")
    assert out.covers == [{"channel": "phone", "classes": "call", "scope": "all", "basis": "cap", "complete": "no"}]
    assert out.listed_rows == [] and "Barney" not in texts(out) and "Bedrock" not in texts(out)
    # its normalised number holds in every country of a case, and no other reader claims the file
    assert {r["identifier"] for r in collect(READER, sample("android-db/contacts2.db")).event_rows} == {"+15404561685"}
    claims, verdict = recognise(head_of(sample("android-db/contacts2.db")))
    assert verdict == "known" and [c[0] for c in claims] == ["android-calls"]


def test_a_whole_row() -> None:
    row = one(_id=7, subscription_id="2", phone_account_address=OWN, features=1, geocoded_location=SECRET)
    assert row == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "phone",
        "status": "unknown", "identifier": A, "identifier_raw": A, "identifier_kind": "phone", "sender": None,
        "actor": "contact", "via_identifier": None, "owner_line": OWN, "thread_id": A, "thread_kind": "direct",
        "participants_n": None, "directed": "yes", "answered": True, "duration_s": 60, "size": None, "attachment": None,
        "how": "device", "written_at": None, "witness": None, "tags": "video", "n": 1, "record": "sql:calls/7",
        "local_time": T * 1000, "kind": "call", "direction": "in",
    }  # fmt: skip


@pytest.mark.parametrize("schema", [CALLS_2013, CALLS_V1, CALLS_V11])
def test_every_generation_gives_the_same_rows(schema: str) -> None:
    out = read(call(), call(type=2, duration=0), call(type=3, duration=0), schema=schema)
    assert [(r["direction"], r["answered"], r["tags"]) for r in out.event_rows] == [
        ("in", True, None), ("out", False, None), ("in", False, "missed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "duration", "want"),
    [
        (1, 60, ("in", True, 60, None)), (1, 0, ("in", None, 0, None)), (1, None, ("in", None, None, None)),
        (2, 60, ("out", True, 60, None)), (2, 0, ("out", False, 0, None)), (3, 30, ("in", False, None, "missed")),
        (4, 12, ("in", False, None, "voicemail")), (5, 0, ("in", False, None, "rejected")),
        (6, 0, ("in", False, None, "blocked")), (7, 0, ("in", True, None, "answered_elsewhere")),
        (7, 40, ("in", True, 40, "answered_elsewhere")), (10, 5, ("unknown", None, None, None)),
        (None, 5, ("unknown", None, None, None)), ("1", "60", ("in", True, 60, None)), (1, -3, ("in", None, None, None)),
    ],
)  # fmt: skip
def test_types(kind: Any, duration: Any, want: tuple[Any, ...]) -> None:
    row = one(type=kind, duration=duration)
    assert (row["direction"], row["answered"], row["duration_s"], row["tags"]) == want


def test_strange_types_are_noted() -> None:
    out = read(call(type=10), call(type="x"), call(type=1001))
    assert any(
        "3 records are of a type whose direction is not known" in n and "10, 1001, no number" in n for n in out.notes
    )


@pytest.mark.parametrize(
    ("more", "identifier", "kind"),
    [
        ({}, A, "phone"), ({"number": "8 701 000 00 02"}, B, "phone"), ({"number": "7111"}, "short:7111", "short"),
        ({"number": "Kaspi"}, "alpha:Kaspi", "alpha"), ({"number": "", "presentation": 2}, None, "withheld"),
        ({"number": None, "presentation": 3}, None, "unknown_caller"), ({"number": "", "presentation": 4}, None, "payphone"),
        ({"number": "", "presentation": 5}, None, "unknown_caller"), ({"number": "-1"}, None, "unknown_caller"),
        ({"number": "-2"}, None, "withheld"), ({"number": "-3"}, None, "payphone"), ({"number": ""}, None, "none"),
        ({"number": None}, None, "none"), ({"number": A, "presentation": 2}, None, "withheld"),
        ({"number": "5404561685", "normalized_number": "+15404561685"}, "+15404561685", "phone"),
        # what the phone's cache says is not believed where it is another number
        ({"number": "87010000002", "normalized_number": "+15404561685"}, B, "phone"),
        ({"number": "87010000002", "normalized_number": B}, B, "phone"), ({"number": A, "normalized_number": B}, A, "phone"),
        ({"number": "7111", "normalized_number": "+77010007111"}, "short:7111", "short"),
    ],
)  # fmt: skip
def test_callers(more: dict[str, Any], identifier: str | None, kind: str) -> None:
    row = one(**more)
    assert (row["identifier"], row["identifier_kind"]) == (identifier, kind)


def test_the_raw_text_is_what_the_identifier_was_made_of() -> None:
    # it is read again when the case's country is corrected: the phone's own reading must not be lost then
    assert one(number="5404561685", normalized_number="+15404561685")["identifier_raw"] == "+15404561685"
    assert one(number="87010000002", normalized_number="+15404561685")["identifier_raw"] == "87010000002"


def test_withheld_callers_are_never_pooled() -> None:
    out = read(*(call(number="", presentation=k) for k in (2, 3, 4)))
    assert [r["thread_id"] for r in out.event_rows] == [None] * 3


def test_the_owners_line() -> None:
    out = read(
        call(phone_account_address="8 701 000 00 09"), call(via_number=OWN, phone_account_address="x@y"),
        call(subscription_id="89770100000"), call(subscription_id="-1"), call(subscription_id=f"{SECRET} text"),
    )  # fmt: skip
    assert [r["owner_line"] for r in out.event_rows] == ["8 701 000 00 09", OWN, "89770100000", None, None]
    assert out.owners == [OWN]


def test_calls_of_apps_and_reasons_of_blocks() -> None:
    out = read(
        call(subscription_component_name="com.whatsapp/com.whatsapp.voipcalling.Service"),
        call(subscription_component_name="com.android.phone/com.android.services.telephony.TelephonyConnectionService"),
        call(type=6, block_reason=3), call(type=6, block_reason=1, call_screening_app_name=SECRET), call(type=6, block_reason=99),
        call(deleted=1), call(features=4),
    )  # fmt: skip
    assert [(r["channel"], r["tags"]) for r in out.event_rows] == [
        ("whatsapp", None), ("phone", None), ("phone", "blocked number_on_block_list"), ("phone", "blocked by_screening_app"),
        ("phone", "blocked"), ("phone", "marked_deleted"), ("phone", None),
    ]  # fmt: skip
    assert [c["channel"] for c in out.covers] == ["phone", "whatsapp"]


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        (None, "no time"), ("", "no time"), (0, "time is zero"), (-1, "time is zero"), (978307200000, "exactly 2001-01-01"),
        (2_100_000_000_000, "after 2035"), (10**18, "after 2035"), (-(10**18), "before 1990"), ("soon", "not a number"),
        (b"\x01", "not a number"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_rejected(date: Any, reason: str) -> None:
    out = read(call(date=date), call())
    assert [(n, record) for n, record, _ in out.rejects] == [(1, "sql:calls/1")] and reason in out.rejects[0][2]
    assert out.kept == 1


def test_gaps() -> None:
    out = read(call(_id=5), call(_id=6), call(_id=9), after="UPDATE sqlite_sequence SET seq = 12 WHERE name = 'calls'")
    assert out.notes[0] == (
        "calls: 3 entries; the first id is 5: the 4 before it are gone; 2 ids between the first and the last are missing; "
        "3 after the last are gone. The phone never gives an id twice: an entry that is gone was deleted by somebody or by the "
        "log itself, which keeps only its newest entries"
    )
    assert out.covers[0]["complete"] == "no"
    whole = read(call(), call())
    assert whole.covers[0] == {
        "channel": "phone",
        "classes": "call",
        "scope": "all",
        "basis": "cap",
        "complete": "unknown",
    }
    assert "keeps only its newest entries" in whole.notes[0]
    assert read().covers == [] and read().records == 0


def test_samsungs_logs() -> None:
    def entry(logtype: int, **more: Any) -> dict[str, Any]:
        return {"number": A, "date": T, "duration": 9, "type": 1, "logtype": logtype} | more

    out = read(
        schema=LOGS,
        logs=[
            entry(100, simnum=2), entry(500, type=2), entry(1000), entry(120), entry(510), entry(800),
            entry(300, m_content=f"{SECRET} text"), entry(200, type=2, m_subject=SECRET), entry(300, type=3), entry(400),
            entry(100, type=3), entry(300, date=0),
        ],
    )  # fmt: skip
    rows = sorted(out.event_rows, key=lambda r: r["n"])
    assert [(r["n"], r["channel"], r["kind"], r["direction"], r["tags"], r["size"]) for r in rows] == [
        (1, "phone", "call", "in", None, None), (2, "phone", "call", "out", "video", None),
        (3, "phone", "call", "in", None, None), (4, "other", "call", "in", None, None),
        (5, "other", "call", "in", "video", None), (6, "phone", "call", "in", None, None),
        (7, "sms", "message", "in", "from_call_log", None), (8, "mms", "message", "out", "from_call_log", None),
        (11, "phone", "call", "in", "missed", None),
    ]  # fmt: skip
    assert rows[0]["owner_line"] == "2" and rows[0]["record"] == "sql:logs/1"
    assert out.scoped_out == 1  # a draft
    assert [(n, reason) for n, _, reason in out.rejects] == [
        (10, "an entry of a kind that is not known"), (12, "time is zero: no time was recorded"),
    ]  # fmt: skip
    assert SECRET not in texts(out)
    assert {(c["channel"], c["classes"]) for c in out.covers} == {
        ("phone", "call"), ("other", "call"), ("sms", "message"), ("mms", "message"),
    }  # fmt: skip
    assert any("1 triggers" in n for n in out.notes)


def test_samsungs_calls_with_messages() -> None:
    schema = CALLS_V1.replace("state INTEGER,", "state INTEGER,m_content TEXT,")
    out = read(call(m_content="the beginning"), call(m_content=""), call(m_content=None), schema=schema)
    assert sorted((r["n"], r["kind"]) for r in out.event_rows) == [(1, "message"), (2, "call"), (3, "call")]


def test_both_calls_and_address_book() -> None:
    out = read(
        call(), schema=CALLS_2013 + BOOK,
        mimetypes=[{"mimetype": f"vnd.android.cursor.item/{m}"} for m in ("phone_v2", "note")],
        raw_contacts=[{"display_name": "Dauren Test"}],
        data=[{"mimetype_id": 1, "raw_contact_id": 1, "data1": B}, {"mimetype_id": 2, "raw_contact_id": 1, "data1": SECRET}],
    )  # fmt: skip
    assert (out.records, out.kept, out.scoped_out) == (3, 2, 1)
    (entry,) = out.listed_rows
    assert (entry["n"], entry["record"], entry["identifier"], entry["label"], entry["list"]) == (
        2, "sql:data/1", B, "Dauren Test", "address_book",
    )  # fmt: skip
    assert entry["list"] in LISTS and SECRET not in texts(out)
    masked = open_record(source_of(database(CALLS_2013 + BOOK, {"data": [{"mimetype_id": 1, "raw_contact_id": 1, "data1": B}]})),
                         "sql:data/1", "android-calls").masked  # fmt: skip
    assert B in masked
    note = open_record(source_of(database(CALLS_2013 + BOOK, {"data": [{"mimetype_id": 2, "raw_contact_id": 1, "data1": SECRET}]})),
                       "sql:data/1", "android-calls").masked  # fmt: skip
    assert SECRET not in note and "12 characters" in note


def test_locators_open_the_same_record_without_content() -> None:
    data = database(CALLS_V11, {"calls": [call(_id=3, subject=SECRET, location=SECRET), call(_id=8, date=0)]})
    out = collect(READER, data)
    for row in out.event_rows:
        found = open_record(source_of(data), row["record"], "android-calls", row["n"])
        assert str(row["local_time"] // 1000) in found.masked and SECRET not in found.masked and SECRET in found.text
    assert "date" in open_record(source_of(data), out.rejects[0][1], "android-calls").masked
    with pytest.raises(LocateError):
        open_record(source_of(data), "sql:calls/4", "android-calls")


def test_content_is_nowhere() -> None:
    row = {"name": SECRET, "subject": SECRET, "location": SECRET, "transcription": SECRET, "geocoded_location": SECRET,
           "post_dial_digits": SECRET, "numberlabel": SECRET, "lookup_uri": SECRET, "call_screening_app_name": SECRET}  # fmt: skip
    out = read(
        call(**row), call(**row, type=99), call(**row, date=0), call(**row, subscription_id=f"{SECRET} and more")
    )
    assert SECRET not in texts(out)


def test_recognition() -> None:
    assert READER.recognise(head_of(database(CALLS_V1))) is not None
    assert READER.recognise(head_of(database(LOGS))) is not None
    for other in (
        MMSSMS, BOOK, "CREATE TABLE calls (id INTEGER, caller TEXT);", "CREATE TABLE logs (number, date, type, new, name);",
        # the call log of MuditaOS, whose codes are others
        "CREATE TABLE calls (_id INTEGER PRIMARY KEY, number TEXT, e164number TEXT, presentation INTEGER, date INTEGER, duration INTEGER, type INTEGER, name TEXT, contactId INTEGER, isRead INTEGER);",
    ):  # fmt: skip
        assert READER.recognise(head_of(database(other))) is None
    assert READER.recognise(head_of(b"SQLite format 3\0" + b"x" * 100)) is None
    assert READER.recognise(head_of(b"")) is None


def test_a_view_in_place_of_the_table_is_refused() -> None:
    hostile = BOOK + "CREATE VIEW calls AS SELECT 1 AS number, 2 AS date, 3 AS type;"
    assert READER.recognise(head_of(database(hostile))) is not None
    with pytest.raises(Unreadable, match="calls is a view"):
        collect(READER, database(hostile))
    with pytest.raises(Unreadable, match="no SQLite database"):
        collect(READER, b"nothing")
    with pytest.raises(Unreadable, match="missing"):
        collect(READER, database(MMSSMS))


def test_cut_databases_never_fail() -> None:
    data = database(CALLS_V11, {"calls": [call(date=T + k) for k in range(400)]})
    full = [r["record"] for r in collect(READER, data).event_rows]
    partly = 0
    for piece in cuts(data, 1024):
        try:
            out = collect(READER, piece)
        except Unreadable:
            continue
        assert out.conserved()
        kept = [r["record"] for r in out.event_rows]
        assert kept == full[: len(kept)]
        partly += bool(kept)
    assert partly


def test_bytes_hit_at_random_never_fail() -> None:
    data = database(CALLS_V11, {"calls": [call(date=T + k) for k in range(100)]})
    rng = random.Random(7)
    for _ in range(150):
        hurt = bytearray(data)
        for _ in range(rng.randint(1, 30)):
            hurt[rng.randrange(len(hurt))] = rng.randrange(256)
        with contextlib.suppress(Unreadable):
            assert collect(READER, bytes(hurt)).conserved()


_VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 9), st.just(T), st.floats(), st.binary(max_size=9),
    st.text(max_size=12), st.sampled_from([A, "-1", "1", ""]),
)  # fmt: skip


_COLUMNS = (
    "number", "date", "duration", "type", "presentation", "normalized_number", "features", "block_reason", "subscription_id",
    "phone_account_address", "m_content", "logtype",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(_COLUMNS, _VALUES)), max_size=6))
def test_any_value_ends_as_a_row_a_reject_or_out_of_scope(rows: list[dict[str, Any]]) -> None:
    schema = """CREATE TABLE calls (_id INTEGER PRIMARY KEY, number, date, duration, type, presentation, normalized_number,
    features, block_reason, subscription_id, phone_account_address, m_content, logtype, new, numbertype, countryiso);"""
    rows = [
        {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in row.items()} for row in rows
    ]
    out = collect(READER, database(schema, {"calls": rows}))
    assert out.conserved() and out.records == len(rows)
    for row in out.event_rows:
        assert row["direction"] in ("in", "out", "unknown")


def test_order_and_doubles_are_kept(tmp_path: Any) -> None:
    out = read(call(_id=2, date=T), call(_id=1, date=T), call(_id=3, date=T))
    assert [r["record"] for r in out.event_rows] == ["sql:calls/1", "sql:calls/2", "sql:calls/3"]
    # many blocks give the rows of one
    data = database(CALLS_V1, {"calls": [call(date=T + k * 1000, type=k % 8) for k in range(20_000)]})
    rows = collect(READER, data).event_rows
    assert [r["n"] for r in rows] == list(range(1, 20_001))
    # a file that lies there is read in place, with the log beside it
    path = tmp_path / "calllog.db"
    path.write_bytes(data)
    assert collect(READER, path).event_rows == rows


def test_rows_in_the_write_ahead_log(tmp_path: Any) -> None:
    path = tmp_path / "calllog.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.executescript(CALLS_V1)
    db.execute("INSERT INTO calls (number, date, duration, type) VALUES (?, ?, 0, 3)", (A, T))
    wal = (tmp_path / "calllog.db-wal").read_bytes()
    source = replace(source_of(path.read_bytes(), "calllog.db"), wal=lambda: io.BytesIO(wal), wal_size=len(wal))
    db.close()
    out = Collected()
    READER.read(source, context(), out)
    assert out.kept == 1 and any("write-ahead log" in n for n in out.notes)


def test_description() -> None:
    d = READER.description
    assert all_readers()["android-calls"] is READER
    assert d.version == 1 and any("undercounted" in c for c in d.cannot_tell) and d.call_start == "ringing"


OURS = {
    "android-calls": ["android-db/contacts2.db"], "android-sms": ["android-db/mmssms.db"], "android-contacts": [],
    "android-blocked": [], "spamblocker": [], "android-backup-sms": ["android-backup/000000_sms_backup"], "sms-ie": [],
    "fossify-messages": [],
}  # fmt: skip


def test_no_reader_of_android_claims_another_sample() -> None:
    root = sample("")
    files = [p for p in sorted(root.rglob("*")) if p.is_file()]
    assert len(files) > 50
    for name, known in OURS.items():
        reader = all_readers()[name]
        claimed = [p.relative_to(root).as_posix() for p in files if reader.recognise(head_of(p)) is not None]
        assert claimed == known, name
