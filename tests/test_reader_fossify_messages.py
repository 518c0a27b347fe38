"""The reader of Fossify Messages: an array of messages under the app's own names, or Android's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._android import group_thread_id
from pipelines.readers.base import Unreadable
from pipelines.readers.fossify_messages import READER
from tests.android_databases import texts
from tests.collect import collect, head_of, source_of

T = 1_700_000_000_000
A, B, C = "+77010000001", "+77010000002", "+77010000003"
SECRET = "zebra-secret"


def sms(**more: Any) -> dict[str, Any]:
    return {"subscriptionId": 2, "address": A, "body": SECRET, "date": T, "dateSent": 0, "locked": 0, "protocol": None, "read": 1,
            "status": -1, "type": 1, "serviceCenter": None, "backupType": "sms"} | more  # fmt: skip


def mms(**more: Any) -> dict[str, Any]:
    return {"creator": "org.fossify.messages", "contentType": "application/vnd.wap.multipart.related", "date": T // 1000,
            "messageType": 132, "messageBox": 1, "read": 1, "textOnly": 0, "subject": SECRET, "subscriptionId": 2,
            "transactionId": "t", "addresses": [{"address": A, "type": 137, "charset": 106}],
            "parts": [{"contentType": "text/plain", "text": SECRET, "name": SECRET}, {"contentType": "video/mp4", "data": SECRET}],
            "backupType": "mms"} | more  # fmt: skip


def export(*records: Any) -> bytes:
    return json.dumps(list(records)).encode()


def test_messages() -> None:
    old = {
        "sub_id": 3,
        "address": B,
        "body": "hi",
        "date": T,
        "date_sent": 0,
        "read": 1,
        "status": 0,
        "type": 2,
        "backupType": "sms",
    }
    old_mms = {"date": T // 1000, "m_type": 130, "msg_box": 1, "tr_id": "other", "sub_id": 3, "text_only": 0,
               "addresses": [{"address": B, "type": 137}], "parts": [], "backupType": "mms"}  # fmt: skip
    group = mms(messageBox=2, messageType=128, addresses=[{"address": "insert-address-token", "type": 137},
                {"address": B, "type": 151}, {"address": C, "type": 151}], parts=[], textOnly=1)  # fmt: skip
    data = export(
        sms(), mms(), old, old_mms, group, sms(type=3), sms(date=0), mms(messageBox=4), {"backupType": "sms"}, 5
    )
    out = collect(READER, data)
    assert out.conserved() and SECRET not in texts(out)
    rows = sorted(out.event_rows, key=lambda r: r["n"])
    assert [(r["n"], r["record"], r["channel"], r["direction"], r["status"], r["identifier"], r["size"], r["attachment"]) for r in rows] == [
        (1, "json:/0", "sms", "in", "delivered", A, 12, "none"), (2, "json:/1", "mms", "in", "delivered", A, 12, "video"),
        (3, "json:/2", "sms", "out", "delivered", B, 2, "none"), (4, "json:/3", "mms", "in", "pending", B, None, None),
        (5, "json:/4", "mms", "out", "sent", None, 0, "none"),
    ]  # fmt: skip
    assert (
        rows[4]["thread_id"] == group_thread_id([B, C])
        and rows[0]["owner_line"] == "2"
        and rows[2]["owner_line"] == "3"
    )
    assert rows[1]["local_time"] == T * 1000
    assert out.scoped_out == 2 and [n for n, _, _ in out.rejects] == [7, 9, 10]
    for row in rows:
        found = open_record(source_of(data), row["record"], "fossify-messages", row["n"])
        assert str(T // 1000) in found.masked and SECRET not in found.masked and found.start is not None


def test_every_cut_keeps_a_prefix() -> None:
    data = export(*(sms(date=T + k) for k in range(6)))
    for end in range(len(data)):
        try:
            out = collect(READER, data[:end])
        except Unreadable:
            continue
        assert out.conserved() and [r["n"] for r in out.event_rows] == list(range(1, out.kept + 1))
    doubled = collect(READER, export(sms(), sms()))
    assert doubled.kept == 2  # two equal messages of one file are two


def test_recognition() -> None:
    for data in (export(sms()), export(mms()), b"\xef\xbb\xbf" + json.dumps([sms()], indent=2).encode(), export(mms(parts=[
            {"contentType": "text/plain", "text": "x" * 100_000}]))):  # fmt: skip
        claims, verdict = recognise(head_of(data))
        assert verdict == "known" and claims[0][0] == "fossify-messages", claims
    for other in (b"", b"[]", b'{"backupType": "sms"}', b'[{"date": 1}]', b'[{"date": 1, "backupType": "x"}]'):
        assert READER.recognise(head_of(other)) is None
    with pytest.raises(Unreadable):
        collect(READER, b"{}")
