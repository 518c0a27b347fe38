"""The reader of Android's messages: SMS, MMS, groups, notifications, makers' columns, damage, hostile databases."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import all_readers, recognise
from pipelines.readers._android import group_thread_id
from pipelines.readers.android_sms import READER
from pipelines.readers.base import Unreadable
from tests.android_databases import CALLS_2013, MMSSMS, SPAM, cuts, database, texts
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

T = 1_700_000_000_000  # ms
S = T // 1000
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"
SECRET = "zebra-secret"


def sms(**more: Any) -> dict[str, Any]:
    return {"thread_id": 1, "address": A, "date": T, "type": 1, "body": SECRET} | more


def mms(**more: Any) -> dict[str, Any]:
    return {"thread_id": 1, "date": S, "msg_box": 1, "m_type": 132, "sub": SECRET} | more


def read(schema: str = MMSSMS, after: str = "", **tables: Any) -> Collected:
    out = collect(READER, database(schema, tables, after))
    assert out.conserved()
    assert SECRET not in texts(out)
    return out


def threads(*recipients: str) -> dict[str, Any]:
    """Return threads 1, 2 ... with such recipients (numbers of the addresses A, B, C)."""
    return {
        "canonical_addresses": [{"address": a} for a in (A, B, C)],
        "threads": [{"recipient_ids": r, "snippet": SECRET} for r in recipients],
    }


def one_mms(*addresses: tuple[str, int], parts: Any = (), schema: str = MMSSMS, **more: Any) -> dict[str, Any]:
    out = read(
        schema, pdu=[mms(**more)], addr=[{"msg_id": 1, "address": a, "type": t} for a, t in addresses],
        part=[{"mid": 1} | p for p in parts], **threads("1", "2 3"),
    )  # fmt: skip
    (row,) = out.event_rows
    return row


def test_the_real_mmssms() -> None:
    out = collect(READER, sample("android-db/mmssms.db"), ctx=context("US"))
    assert out.conserved() and out.records == out.kept == 9
    assert [r["direction"] for r in out.event_rows].count("in") == 4
    assert [r["direction"] for r in out.event_rows].count("out") == 5
    assert len({r["identifier_raw"] for r in out.event_rows}) == 2  # two spellings
    assert len({r["identifier"] for r in out.event_rows}) == 1  # of one number
    assert out.event_rows[0]["local_time"] == 1383065788038000 and out.event_rows[-1]["local_time"] == 1383066977250000
    assert [r["size"] for r in out.event_rows] == [30, 23, 13, 9, 91, 61, 188, 49, 52]
    assert out.covers == [{"channel": "sms", "classes": "message", "scope": "all", "complete": "unknown"}]
    claims, verdict = recognise(head_of(sample("android-db/mmssms.db")))
    assert verdict == "known" and [c[0] for c in claims] == ["android-sms"]


def test_a_whole_row() -> None:
    (row,) = read(sms=[sms(_id=5, sub_id=2)]).event_rows
    assert row == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "sms",
        "status": "delivered", "identifier": A, "identifier_raw": A, "identifier_kind": "phone", "sender": None,
        "actor": "contact", "via_identifier": None, "owner_line": "2", "thread_id": A, "thread_kind": "direct",
        "participants_n": None, "directed": "yes", "answered": None, "duration_s": None, "size": len(SECRET),
        "attachment": "none", "how": "device", "written_at": None, "witness": None, "tags": None, "n": 1,
        "record": "sql:sms/5", "local_time": T * 1000, "kind": "message", "direction": "in",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "status", "want"),
    [
        (1, -1, ("in", "delivered", "contact")), (2, -1, ("out", "sent", "owner")), (2, 0, ("out", "delivered", "owner")),
        (2, 32, ("out", "sent", "owner")), (2, 64, ("out", "failed", "owner")), (5, -1, ("out", "failed", "owner")),
        (3, -1, None), (4, -1, None), (6, -1, None), (8, -1, None), (19, -1, None), ("1", "-1", ("in", "delivered", "contact")),
        (0, -1, ("unknown", "unknown", "unknown")), (None, None, ("unknown", "unknown", "unknown")),
    ],
)  # fmt: skip
def test_types(kind: Any, status: Any, want: tuple[str, ...] | None) -> None:
    out = read(sms=[sms(type=kind, status=status)])
    if want is None:
        assert out.scoped_out == 1 and not out.event_rows
    else:
        (row,) = out.event_rows
        assert (row["direction"], row["status"], row["actor"]) == want


def test_drafts_are_out_of_scope_even_without_a_time() -> None:
    out = read(sms=[sms(type=3, date=0), sms(date=0), sms(date="x")])
    assert out.scoped_out == 1 and [n for n, _, _ in out.rejects] == [2, 3]


def test_what_makers_blocked() -> None:
    (row,) = read(sms=[sms(type=7)]).event_rows  # LG
    assert (row["direction"], row["tags"]) == ("in", "blocked")
    schema = MMSSMS.replace("creator TEXT", "creator TEXT,block_type INTEGER DEFAULT 0,deleted INTEGER DEFAULT 0")
    rows = read(schema, sms=[sms(block_type=3), sms(deleted=1), sms()]).event_rows  # Xiaomi
    assert [r["tags"] for r in rows] == ["blocked", "marked_deleted", None]


def test_samsungs_spam() -> None:
    out = read(
        MMSSMS + SPAM, sms=[sms()], spam_sms=[sms(), sms(type=3)], pdu=[mms()],
        spam_pdu=[{"date": S, "msg_box": 1, "m_type": 132}], spam_addr=[{"msg_id": 1, "address": B, "type": 137}],
        spam_part=[{"mid": 1, "ct": "text/plain", "text": SECRET}],
    )  # fmt: skip
    rows = sorted(out.event_rows, key=lambda r: r["n"])
    assert [(r["n"], r["record"], r["tags"]) for r in rows] == [
        (1, "sql:pdu/1", None), (2, "sql:sms/1", None), (3, "sql:spam_pdu/1", "taken_for_spam"),
        (4, "sql:spam_sms/1", "taken_for_spam"),
    ]  # fmt: skip
    assert rows[2]["identifier"] == B and rows[2]["size"] == len(SECRET)
    assert out.scoped_out == 1
    alone = database(SPAM, {"spam_sms": [sms()]})
    assert READER.recognise(head_of(alone)) is not None and collect(READER, alone).kept == 1


def test_senders() -> None:
    out = read(
        sms=[
            sms(address="8 701 000 00 01"), sms(address="7111"), sms(address="Kaspi"), sms(address=None),
            sms(address="", thread_id=2), sms(address="\u02bcUNKNOWN_SENDER!\u02bc"), sms(address="insert-address-token"),
        ],
        **threads("1", "2 3"),
    )  # fmt: skip
    assert [(r["identifier"], r["identifier_kind"]) for r in out.event_rows] == [
        (A, "phone"), ("short:7111", "short"), ("alpha:Kaspi", "alpha"),
        (A, "phone"),  # the only recipient of its thread
        (None, "none"), (None, "unknown_caller"), (None, "none"),
    ]  # fmt: skip


def test_one_to_one_mms() -> None:
    row = one_mms((A, 137), ("insert-address-token", 151), parts=[
        {"ct": "application/smil", "text": "<smil>"}, {"ct": "text/plain", "text": SECRET}, {"ct": "image/jpeg", "_data": "/p"},
    ])  # fmt: skip
    assert (row["channel"], row["identifier"], row["thread_id"], row["thread_kind"], row["direction"]) == (
        "mms", A, A, "direct", "in",
    )  # fmt: skip
    assert (row["size"], row["attachment"], row["ts_precision"], row["local_time"]) == (12, "image", "s", S * 1_000_000)
    sent = one_mms(("insert-address-token", 137), (A, 151), msg_box=2, m_type=128, thread_id=1)
    assert (sent["identifier"], sent["direction"], sent["status"], sent["actor"]) == (A, "out", "sent", "owner")
    assert sent["size"] is None and sent["attachment"] is None  # it has no parts: nothing is known of them
    assert one_mms((A, 137), text_only=1)["attachment"] == "none"
    # without a thread the addresses tell who it is
    assert one_mms((B, 137), (OWN, 151), thread_id=None)["identifier"] == B
    assert one_mms((OWN, 137), (B, 151), thread_id=None, msg_box=2, m_type=128)["identifier"] == B


def test_group_mms() -> None:
    group = group_thread_id([B, C])
    row = one_mms((B, 137), (C, 151), (OWN, 151), thread_id=2)
    assert (row["identifier"], row["thread_id"], row["thread_kind"], row["participants_n"], row["directed"]) == (
        B, group, "group", 3, "no",
    )  # fmt: skip
    sent = one_mms(("insert-address-token", 137), (B, 151), (C, 151), thread_id=2, msg_box=2, m_type=128)
    assert (sent["identifier"], sent["thread_id"], sent["participants_n"], sent["direction"]) == (None, group, 3, "out")


def test_times_of_mms() -> None:
    assert one_mms((A, 137), date=T)["local_time"] == T * 1000  # a phone that writes milliseconds
    assert one_mms((A, 137), date=T)["ts_precision"] == "ms"
    schema = MMSSMS.replace("m_type INTEGER", "m_type INTEGER,date_ms_part INTEGER DEFAULT 0")
    row = one_mms((A, 137), schema=schema, date_ms_part=250)
    assert (row["local_time"], row["ts_precision"]) == (S * 1_000_000 + 250_000, "ms")
    assert one_mms((A, 137), schema=schema, date_ms_part=0)["ts_precision"] == "s"
    for bad in (0, None, "soon", 9_999_999_999, 10**18, -5):
        out = read(pdu=[mms(date=bad)])
        assert len(out.rejects) == 1 and out.rejects[0][:2] == (1, "sql:pdu/1")


def test_notifications_and_their_downloads() -> None:
    out = read(
        pdu=[
            mms(m_type=130, tr_id="t1"), mms(tr_id="t1"),  # the same
            mms(m_type=130, m_id="m2"), mms(m_id="m2"), mms(m_type=130, ct_l="u3"), mms(ct_l="u3"),
            mms(m_type=130, tr_id="t4"),  # never downloaded
            mms(m_type=130), mms(m_type=134), mms(m_type=136, msg_box=2), mms(msg_box=3, m_type=128), mms(msg_box=4, m_type=128),
            mms(m_type=130, tr_id="m2"),  # another kind of id is no match
        ],
        addr=[{"msg_id": 7, "address": B, "type": 137}],
    )  # fmt: skip
    rows = sorted(out.event_rows, key=lambda r: r["n"])
    assert [(r["n"], r["status"], r["tags"], r["size"]) for r in rows] == [
        (2, "delivered", None, None), (4, "delivered", None, None), (6, "delivered", None, None),
        (7, "pending", "notification", None), (8, "pending", "notification", None), (13, "pending", "notification", None),
    ]  # fmt: skip
    assert out.scoped_out == 7 and rows[3]["identifier"] == B


def test_failed_and_unknown_boxes() -> None:
    out = read(pdu=[mms(msg_box=5, m_type=128), mms(msg_box=0), mms(msg_box=None)])
    assert [(r["direction"], r["status"]) for r in out.event_rows] == [
        ("out", "failed"), ("unknown", "unknown"), ("unknown", "unknown"),
    ]  # fmt: skip


def test_the_owner_where_a_sent_mms_shows_it() -> None:
    out = read(pdu=[mms(msg_box=2, m_type=128)], addr=[{"msg_id": 1, "address": OWN, "type": 137},
                                                        {"msg_id": 1, "address": A, "type": 151}])  # fmt: skip
    assert out.owners == [OWN]
    # not one who is met on the other side
    out = read(pdu=[mms(msg_box=2, m_type=128)], addr=[{"msg_id": 1, "address": A, "type": 137}], sms=[sms()])
    assert out.owners == []


def test_notes() -> None:
    out = read(
        MMSSMS + "CREATE TABLE im (_id INTEGER, thread_id INTEGER, body TEXT);", im=[{"_id": 1, "body": SECRET}],
        raw=[{"sequence": 1, "pdu": SECRET}], pdu=[mms(_id=3), mms(_id=7)],
    )  # fmt: skip
    assert any(n.startswith("pdu: 7 ids were given and 2 rows are there; 3 of the missing") for n in out.notes)
    assert any("the table im holds 1 chat messages" in n for n in out.notes)
    assert any("the table raw holds 1 pieces" in n for n in out.notes)
    assert out.covers == [{"channel": "mms", "classes": "message", "scope": "all", "complete": "no"}]
    crowded = read(sms=[sms(date=T + k % 3) for k in range(60)])
    assert any("1 seconds hold more than 50 records" in n for n in crowded.notes)


def test_too_many_addresses() -> None:
    out = read(pdu=[mms()], addr=[{"msg_id": 1, "address": f"+7701{k:07d}", "type": 151} for k in range(1001)])
    assert len(out.rejects) == 1 and "more than 1000 addresses" in out.rejects[0][2]


def test_locators_open_the_same_record_without_content() -> None:
    data = database(MMSSMS, {"sms": [sms(_id=4)], "pdu": [mms(_id=9)]})
    for row in collect(READER, data).event_rows:
        found = open_record(source_of(data), row["record"], "android-sms", row["n"])
        assert str(S) in found.masked and SECRET not in found.masked and SECRET in found.text
    assert SECRET not in open_record(source_of(data), "sql:sms/4", "android-sms").masked


def test_recognition() -> None:
    assert READER.recognise(head_of(database(MMSSMS))) is not None
    for other in (CALLS_2013, "CREATE TABLE sms (id, body);", "CREATE TABLE sms (address, date, type, body);"):
        assert READER.recognise(head_of(database(other))) is None
    assert READER.recognise(head_of(b"")) is None


@pytest.mark.parametrize("name", ["sms", "pdu", "addr", "part", "threads"])
def test_a_view_in_place_of_a_table_is_refused(name: str) -> None:
    hostile = database(
        MMSSMS + f"DROP TABLE {name}; CREATE VIEW {name} AS SELECT 1 AS address, 2 AS date, 3 AS type, 4 AS body;"
    )
    assert READER.recognise(head_of(hostile)) is not None
    with pytest.raises(Unreadable, match=f"{name} is a view"):
        collect(READER, hostile)


def test_cut_and_hit_databases_never_fail() -> None:
    data = database(MMSSMS, {"sms": [sms(date=T + k, body="x" * 50) for k in range(200)], "pdu": [mms() for _ in range(20)],
                             "addr": [{"msg_id": k, "address": B, "type": 137} for k in range(20)]})  # fmt: skip
    full = {r["record"] for r in collect(READER, data).event_rows}
    for piece in cuts(data, 1024):
        with contextlib.suppress(Unreadable):
            out = collect(READER, piece)
            assert out.conserved() and {r["record"] for r in out.event_rows} <= full
    rng = random.Random(3)
    for _ in range(100):
        hurt = bytearray(data)
        for _ in range(rng.randint(1, 30)):
            hurt[rng.randrange(len(hurt))] = rng.randrange(256)
        with contextlib.suppress(Unreadable):
            assert collect(READER, bytes(hurt)).conserved()


_VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 9), st.sampled_from([T, S, A, B, 130, 132, "t", "", "1"]),
    st.floats(), st.binary(max_size=9), st.text(st.characters(codec="utf-8"), max_size=12),
)  # fmt: skip
_PDU = ("date", "msg_box", "m_type", "thread_id", "m_id", "tr_id", "sub_id", "text_only")
_SMS = ("address", "date", "type", "status", "body", "thread_id", "sub_id")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(_SMS, _VALUES)), max_size=5),
    st.lists(st.fixed_dictionaries(dict.fromkeys(_PDU, _VALUES)), max_size=5),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("msg_id", "address", "type"), _VALUES)), max_size=5),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("mid", "ct", "text"), _VALUES)), max_size=5),
)
def test_any_value_ends_as_a_row_a_reject_or_out_of_scope(
    messages: list[Any], pdus: list[Any], addresses: list[Any], parts: list[Any]
) -> None:
    schema = """CREATE TABLE sms (_id INTEGER PRIMARY KEY, address, date, type, status, body, thread_id, sub_id);
    CREATE TABLE pdu (_id INTEGER PRIMARY KEY, date, msg_box, m_type, thread_id, m_id, tr_id, sub_id, text_only);
    CREATE TABLE addr (_id INTEGER PRIMARY KEY, msg_id, address, type);
    CREATE TABLE part (_id INTEGER PRIMARY KEY, mid, ct, text);"""
    out = collect(READER, database(schema, {"sms": messages, "pdu": pdus, "addr": addresses, "part": parts}))
    assert out.conserved() and out.records == len(messages) + len(pdus)


def test_many_blocks_give_the_rows_of_one() -> None:
    rows = read(sms=[sms(date=T + k * 1000, type=1 + k % 2) for k in range(20_000)]).event_rows
    assert [r["n"] for r in rows] == list(range(1, 20_001))
    assert all(r["record"] == f"sql:sms/{r['n']}" for r in rows)


def test_description() -> None:
    assert all_readers()["android-sms"] is READER and READER.description.evidence == "real sample"
