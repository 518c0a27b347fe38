"""The reader of the messages in an Android backup: deflated arrays, cut anywhere, and their locators."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._android import group_thread_id
from pipelines.readers.android_backup_sms import READER
from pipelines.readers.base import Unreadable
from tests.android_databases import texts
from tests.collect import Collected, collect, head_of, source_of
from tests.shared_data import sample

T = 1_700_000_000_000
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"
SECRET = "zebra-secret"


def sms(**more: Any) -> dict[str, Any]:
    return {"self_phone": OWN, "address": A, "body": SECRET, "date": str(T), "date_sent": "0", "status": "-1", "type": "1",
            "recipients": [A], "read": "1"} | more  # fmt: skip


def mms(**more: Any) -> dict[str, Any]:
    return {"self_phone": OWN, "sub": SECRET, "date": str(T // 1000), "date_sent": "0", "m_type": "132", "v": "18", "msg_box": "1",
            "ct_l": "http://mms.test/1", "recipients": [A], "tr_id": "t1", "read": "1",
            "mms_addresses": [{"type": 137, "address": A, "charset": 106}, {"type": 151, "address": OWN, "charset": 106}],
            "mms_body": SECRET, "mms_charset": 106} | more  # fmt: skip


def packed(*records: Any) -> bytes:
    return zlib.compress(json.dumps(list(records), ensure_ascii=False).encode())


def read(*records: Any) -> Collected:
    out = collect(READER, packed(*records))
    assert out.conserved() and SECRET not in texts(out)
    return out


def test_the_real_backup() -> None:
    out = collect(READER, sample("android-backup/000000_sms_backup"))
    # its one message was queued and never sent
    assert (out.records, out.kept, out.scoped_out) == (1, 0, 1) and out.conserved()
    claims, verdict = recognise(head_of(sample("android-backup/000000_sms_backup")))
    assert verdict == "known" and [c[0] for c in claims] == ["android-backup-sms"]


def test_sms() -> None:
    out = read(
        sms(),
        sms(type="2", status="0"),
        sms(type="3"),
        sms(type="5"),
        sms(date="0"),
        sms(address=None),
        sms(archived=True),
    )
    assert [(r["n"], r["record"], r["direction"], r["status"], r["identifier"]) for r in out.event_rows] == [
        (1, "json:/0", "in", "delivered", A), (2, "json:/1", "out", "delivered", A), (4, "json:/3", "out", "failed", A),
        (6, "json:/5", "in", "delivered", A), (7, "json:/6", "in", "delivered", A),
    ]  # fmt: skip
    assert out.scoped_out == 1 and [n for n, _, _ in out.rejects] == [5]
    assert {r["owner_line"] for r in out.event_rows} == {OWN} and out.owners == [OWN]
    assert {r["size"] for r in out.event_rows} == {len(SECRET)} and out.event_rows[0]["local_time"] == T * 1000
    assert out.covers == [{"channel": "sms", "classes": "message", "scope": "all", "basis": "observed"}]


def test_mms() -> None:
    out = read(
        mms(), mms(msg_box="2", m_type="128", mms_addresses=[{"type": 137, "address": "insert-address-token"},
                                                              {"type": 151, "address": A}]),
        mms(recipients=[B, C], mms_addresses=[{"type": 137, "address": B}, {"type": 151, "address": C}, {"type": 151, "address": OWN}]),
        mms(attachments=[{"mime_type": "image/jpeg", "filename": SECRET}]), mms(msg_box="3"), mms(date="0"),
    )  # fmt: skip
    rows = out.event_rows
    assert [(r["n"], r["channel"], r["direction"], r["identifier"], r["thread_id"], r["thread_kind"]) for r in rows] == [
        (1, "mms", "in", A, A, "direct"), (2, "mms", "out", A, A, "direct"),
        (3, "mms", "in", B, group_thread_id([B, C]), "group"), (4, "mms", "in", A, A, "direct"),
    ]  # fmt: skip
    assert [(r["size"], r["attachment"], r["ts_precision"]) for r in rows] == [
        (len(SECRET), None, "s"), (len(SECRET), None, "s"), (len(SECRET), None, "s"), (len(SECRET), "image", "s"),
    ]  # fmt: skip
    assert rows[0]["local_time"] == T * 1000 and rows[2]["participants_n"] == 3 and out.owners == [OWN]
    assert out.scoped_out == 1 and [n for n, _, _ in out.rejects] == [6]


def test_every_cut_keeps_a_prefix() -> None:
    records = [sms(date=str(T + k), body=f"text {k}") for k in range(30)]
    data = packed(*records)
    full = [r["record"] for r in collect(READER, data).event_rows]
    longest = 0
    for end in range(len(data)):
        try:
            out = collect(READER, data[:end])
        except Unreadable:
            continue
        kept = [r["record"] for r in out.event_rows]
        assert out.conserved() and kept == full[: len(kept)] and out.records <= len(kept) + 1
        if kept:
            assert any("damaged or ends too early" in n for n in out.notes) or len(kept) == 30
        longest = max(longest, len(kept))
    assert longest > 20
    for place in range(2, len(data), 3):
        hurt = bytearray(data)
        hurt[place] ^= 0x55
        try:
            assert collect(READER, bytes(hurt)).conserved()
        except Unreadable:
            continue


def test_odd_elements_are_rejected_one_by_one() -> None:
    out = read(sms(), 7, "x", None, [], {}, {"date": str(T)}, sms())
    assert [r["n"] for r in out.event_rows] == [1, 8]
    assert [n for n, _, _ in out.rejects] == [2, 3, 4, 5, 6, 7]
    half = zlib.compress(
        b'[{"address":"+77010000001","body":"\\ud83d","date":"1700000000000","type":"1","recipients":[],"read":"1"}]'
    )
    assert collect(READER, half).kept == 1


def test_the_text_alone_is_read_too() -> None:
    data = json.dumps([sms()]).encode()
    assert READER.recognise(head_of(data)) is not None
    assert collect(READER, data).kept == 1 and collect(READER, b"\xef\xbb\xbf" + data).kept == 1


def test_locators() -> None:
    data = packed(*(sms(date=str(T + k), body=f"{SECRET} {k}") for k in range(200)))
    for row in collect(READER, data).event_rows[::20]:
        found = open_record(
            source_of(data, "000000_sms_backup", "backup.ab"), row["record"], "android-backup-sms", row["n"]
        )
        assert str(row["local_time"] // 1000) in found.masked and A in found.masked
        assert SECRET not in found.masked and SECRET in found.text
        assert found.start is None and found.end is None  # a deflated file has no places of records


def test_a_bomb_is_streamed() -> None:
    bomb = zlib.compress(b"[" + json.dumps(sms()).encode() + b"," + b" " * 80_000_000 + b"]")
    tracemalloc.start()
    out = collect(READER, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.kept == 1 and peak < 40_000_000


def test_recognition() -> None:
    for other in (b"", b"[", b"[]", b'[{"date": 1}]', zlib.compress(b"hello"), zlib.compress(b"[]"), zlib.compress(b'[{"date": 1}]'),
                  b"\x78\x9c", b"x\x9cgarbage", b'{"recipients": []}'):  # fmt: skip
        assert READER.recognise(head_of(other)) is None
    assert READER.recognise(head_of(packed(mms()))) is not None
    for bad in (b"", b"{}", zlib.compress(b"{}"), b"\x78\x9cx"):
        with pytest.raises(Unreadable):
            collect(READER, bad)
