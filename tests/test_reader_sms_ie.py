"""The reader of SMS Import / Export: lines and arrays, both versions, cut anywhere."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import _android_json, recognise
from pipelines.readers._android import group_thread_id
from pipelines.readers.base import Unreadable
from pipelines.readers.sms_ie import READER
from tests.android_databases import texts
from tests.collect import Collected, collect, head_of, source_of

T = 1_700_000_000_000
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"
SECRET = "zebra-secret"


def sms(**more: Any) -> dict[str, Any]:
    record = {"_id": "3", "thread_id": "1", "address": A, "date": str(T), "date_sent": "0", "read": "1", "status": "-1",
              "type": "1", "body": SECRET, "sub_id": "2", "__display_name": SECRET} | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def mms(**more: Any) -> dict[str, Any]:
    record = {
        "_id": "4", "thread_id": "1", "date": str(T // 1000), "msg_box": "1", "m_type": "132", "read": "1", "tr_id": "t", "sub": SECRET,
        "__sender_address": {"address": A, "type": "137", "__display_name": SECRET},
        "__recipient_addresses": [{"address": "insert-address-token", "type": "151"}],
        "__parts": [{"ct": "application/smil", "text": SECRET}, {"ct": "text/plain", "text": SECRET},
                    {"ct": "image/png", "_data": SECRET, "cl": SECRET}],
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def call(**more: Any) -> dict[str, Any]:
    record = {"_id": "5", "number": A, "date": str(T), "duration": "60", "type": "1", "new": "1", "presentation": "1",
              "countryiso": "KZ", "geocoded_location": SECRET, "display_name": SECRET} | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def lines(*records: Any) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()


def array(*records: Any, indent: int | None = 2) -> bytes:
    return json.dumps(list(records), ensure_ascii=False, indent=indent).encode()


def read(data: bytes) -> Collected:
    out = collect(READER, data)
    assert out.conserved() and SECRET not in texts([out][0])
    return out


def rows(out: Collected) -> list[dict[str, Any]]:
    return sorted(out.event_rows, key=lambda r: r["n"])


@pytest.mark.parametrize("write", [lines, array])
def test_messages(write: Any) -> None:
    out = read(write(sms(), sms(type="2", status="0"), sms(type="3"), mms(), sms(date="0"), mms(msg_box="2", m_type="128",
               __sender_address={"address": "insert-address-token", "type": "137"},
               __recipient_addresses=[{"address": B, "type": "151"}, {"address": C, "type": "151"}])))  # fmt: skip
    found = rows(out)
    place = "line:{}" if write is lines else "json:/{}"
    base = 1 if write is lines else 0
    assert [(r["n"], r["record"], r["channel"], r["direction"], r["status"], r["identifier"], r["size"]) for r in found] == [
        (1, place.format(base), "sms", "in", "delivered", A, 12), (2, place.format(base + 1), "sms", "out", "delivered", A, 12),
        (4, place.format(base + 3), "mms", "in", "delivered", A, 12), (6, place.format(base + 5), "mms", "out", "sent", None, 12),
    ]  # fmt: skip
    assert found[2]["attachment"] == "image" and found[2]["local_time"] == T * 1000 and found[2]["ts_precision"] == "s"
    assert found[3]["thread_id"] == group_thread_id([B, C]) and found[3]["thread_kind"] == "group"
    assert found[0]["owner_line"] == "2" and found[0]["local_time"] == T * 1000
    assert out.scoped_out == 1 and [n for n, _, _ in out.rejects] == [5]
    assert [(c["channel"], c["classes"], c["basis"]) for c in out.covers] == [
        ("mms", "message", "observed"), ("sms", "message", "observed"),
    ]  # fmt: skip


def test_version_1() -> None:
    old = mms(__sender_address=None, __recipient_addresses=None, __parts=None, sender_address={"address": A, "type": "137"},
              recipient_addresses=[{"address": OWN, "type": "151"}], parts=[{"ct": "image/png", "binary_data": SECRET}])  # fmt: skip
    older = mms(__sender_address=None, __recipient_addresses=None, addresses=[{"address": A, "type": "137"}])
    found = rows(read(array(old, older, sms(__display_name=None, display_name=SECRET))))
    assert [(r["channel"], r["identifier"]) for r in found] == [("mms", A), ("mms", A), ("sms", A)]
    assert found[0]["attachment"] == "image"


def test_notifications() -> None:
    out = read(
        lines(mms(m_type="130", tr_id="x", __parts=None), mms(tr_id="x"), mms(m_type="130", tr_id="y", __parts=None))
    )
    assert [(r["n"], r["tags"], r["status"]) for r in rows(out)] == [
        (2, None, "delivered"),
        (3, "notification", "pending"),
    ]
    assert out.scoped_out == 1


@pytest.mark.parametrize("write", [lines, array])
def test_calls(write: Any) -> None:
    out = read(write(call(), call(type="3", duration="0"), call(number=None, presentation="2", type="3"), call(number=""),
               call(phone_account_address=OWN), call(subscription_component_name="com.viber.voip/x"), call(date=None),
               call(type="6", block_reason="3"), call(type="20"), call(number="5404561685", normalized_number="+15404561685")))  # fmt: skip
    found = rows(out)
    assert [(r["n"], r["channel"], r["direction"], r["answered"], r["identifier"], r["tags"]) for r in found] == [
        (1, "phone", "in", True, A, None), (2, "phone", "in", False, A, "missed"), (3, "phone", "in", False, None, "missed"),
        (4, "phone", "in", True, None, None), (5, "phone", "in", True, A, None), (6, "viber", "in", True, A, None),
        (8, "phone", "in", False, A, "blocked number_on_block_list"), (9, "phone", "unknown", None, A, None),
        (10, "phone", "in", True, "+15404561685", None),
    ]  # fmt: skip
    assert [n for n, _, _ in out.rejects] == [7] and out.owners == [OWN]
    assert [(c["channel"], c["basis"]) for c in out.covers] == [("phone", "cap"), ("viber", "cap")]
    assert any("newest entries" in n for n in out.notes)


def test_blocked_numbers_and_contacts() -> None:
    out = read(
        lines(
            {"_id": "1", "original_number": "8 701 000 00 01", "e164_number": A},
            {"_id": "2", "original_number": "7111"},
        )
    )
    assert [(r["list"], r["identifier"], r["identifier_raw"]) for r in out.listed_rows] == [
        ("blocked", A, A), ("blocked", "short:7111", "7111"),
    ]  # fmt: skip
    item = "vnd.android.cursor.item/"
    facts = [{"mimetype": f"{item}phone_v2", "data1": A}, {"mimetype": f"{item}email_v2", "data1": "a@example.org"},
             {"mimetype": f"{item}note", "data1": SECRET}, {"mimetype": f"{item}phone_v2", "data1": A}]  # fmt: skip
    out = read(array({"_id": "1", "display_name": "Dauren Test", "raw_contacts": [{"_id": "1", "contacts_data": facts}]},
                     {"_id": "2", "display_name": SECRET, "raw_contacts": [{"contacts_data": facts[2:3]}, {}]}))  # fmt: skip
    assert [(r["n"], r["sub"], r["record"], r["channel"], r["identifier"], r["label"]) for r in out.listed_rows] == [
        (1, 1, "json:/0", "phone", A, "Dauren Test"), (1, 2, "json:/0", "email", "mail:a@example.org", "Dauren Test"),
    ]  # fmt: skip
    assert (out.records, out.kept, out.scoped_out) == (2, 1, 1)


def test_lines_of_every_kind() -> None:
    data = (
        b"\xef\xbb\xbf"
        + lines(sms())
        + b"\n  \n"
        + b"{broken\n"
        + b"[1]\n"
        + b'{"a": 1}\n'
        + lines(sms()).replace(b"\n", b"\r\n")
        + lines(sms())[:-1]
    )
    out = read(data)
    assert [(r["n"], r["record"]) for r in out.event_rows] == [(1, "line:1"), (5, "line:7"), (6, "line:8")]
    assert out.rejects == [
        (2, "line:4", "not valid JSON"), (3, "line:5", "not shaped like a record of this kind"),
        (4, "line:6", "not shaped like a record of this kind"),
    ]  # fmt: skip
    for n, record in [(r["n"], r["record"]) for r in out.event_rows]:
        assert A in open_record(source_of(data), record, "sms-ie", n).masked


def test_broken_characters() -> None:
    line = lines(sms()).replace(SECRET.encode(), b"a\\ud83d", 1)
    raw = lines(sms()).replace(SECRET.encode(), b"a\xff", 1)
    out = read(line + raw)
    assert [r["size"] for r in out.event_rows] == [2, 2] and any(
        "2 records could be read only after" in n for n in out.notes
    )


@pytest.mark.parametrize("write", [lines, array])
def test_every_cut_keeps_a_prefix(write: Any) -> None:
    data = write(*(sms(date=str(T + k), body="text") if k % 3 else call(date=str(T + k)) for k in range(8)))
    full = {(r["n"], r["record"]) for r in collect(READER, data).event_rows}
    for end in range(len(data)):
        try:
            out = collect(READER, data[:end])
        except Unreadable:
            continue
        kept = {(r["n"], r["record"]) for r in out.event_rows}
        assert out.conserved() and kept == {(n, r) for n, r in full if n <= len(kept)}
        assert out.records - len(kept) <= 1


def test_long_lines_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_android_json, "MAX_LINE", 10_000)
    monkeypatch.setattr(_android_json, "_CHUNK", 1_000)
    out = read(lines(sms(), sms(body="x" * 50_000), sms()))
    assert [r["n"] for r in out.event_rows] == [1, 3]
    assert out.rejects == [(2, "line:2", "larger than 10000 bytes")]
    assert [r[0] for r in read(lines(sms(), sms(body="x" * 50_000))).rejects] == [2]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    data = lines(*(rng.choice([sms, mms, call])(date=str(T + k)) for k in range(100)))
    want = rows(read(data))
    for chunk, batch in ((1, 1), (7, 3), (64, 50)):
        monkeypatch.setattr(_android_json, "_CHUNK", chunk)
        monkeypatch.setattr(_android_json, "_BATCH", batch)
        assert rows(read(data)) == want


def test_locators_without_content() -> None:
    for data in (lines(sms(), mms(), call()), array(sms(), mms(), call())):
        for row in collect(READER, data).event_rows:
            found = open_record(source_of(data), row["record"], "sms-ie", row["n"])
            assert str(T // 1000) in found.masked and SECRET in found.text
            assert found.masked.count(SECRET) == found.masked.count(
                f'display_name": "{SECRET}'
            )  # a name is an identifier here
            assert found.start is not None


def test_recognition() -> None:
    for data in (lines(sms()), lines(mms()), array(call()), lines(call()), array(sms(__display_name=None)), lines(mms(__parts=[
            {"ct": "text/plain", "text": "x" * 100_000}])), lines({"_id": "1", "original_number": A}),
            array({"_id": "1", "raw_contacts": []})):  # fmt: skip
        claims, verdict = recognise(head_of(data))
        assert verdict == "known" and claims[0][0] == "sms-ie", claims
    for other in (b"", b"[", b"{", b"[]", b'{"date": 1}', array({"date": "1", "type": "1", "address": A, "read": "1"}),
                  array(sms(recipients=[A])), b'[{"_id": 1}]', b'["x"]'):  # fmt: skip
        assert READER.recognise(head_of(other)) is None
    for bad in (b"", b"hello", b'"x"'):
        with pytest.raises(Unreadable):
            collect(READER, bad)


_ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
              st.text(max_size=8), st.sampled_from([A, str(T), T, "1", 1, "130", "132"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=2)), max_leaves=4,
)  # fmt: skip
_KEYS = st.sampled_from(
    ["address", "body", "date", "type", "status", "msg_box", "m_type", "tr_id", "number", "duration", "presentation", "__parts",
     "__sender_address", "__recipient_addresses", "raw_contacts", "original_number", "sub_id", "self_phone", "recipients"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(_KEYS, _ANY, max_size=8), max_size=6), st.booleans())
def test_any_value_ends_as_a_row_a_reject_or_out_of_scope(records: list[dict[str, Any]], as_lines: bool) -> None:
    data = b"".join(json.dumps(r).encode() + b"\n" for r in records) if as_lines else json.dumps(records).encode()
    if not records:
        return
    out = collect(READER, data)
    assert out.conserved() and out.records == len(records)
