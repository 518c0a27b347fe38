"""plaso timelines: events as plaso 20260720 words them, its copies, times, broken lines, masking and locators."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Reader, Unreadable, Waiting
from pipelines.readers.plaso_json import READER as JSON
from pipelines.readers.plaso_l2tcsv import HEADER
from pipelines.readers.plaso_l2tcsv import READER as CSV
from tests.collect import Collected, collect, context, head_of, source_of

SECRET = "zxqvsecret"
T = 1_759_750_200_000_000  # 2025-10-06T11:30:00Z
FILE = "OS:/cases/phone/contacts2.db"


def event(data_type: str, desc: str, at: int = T, file: str = FILE, **more: Any) -> dict[str, Any]:
    return {
        "__container_type__": "event", "__type__": "AttributeContainer", "data_type": data_type,
        "date_time": {"__class_name__": "JavaTime", "__type__": "DateTimeValues", "timestamp": at // 1000},
        "display_name": file, "message": SECRET, "parser": "sqlite/x", "timestamp": at, "timestamp_desc": desc,
        "pathspec": {"__type__": "PathSpec", "location": "/cases/x", "type_indicator": "OS"}, **more,
    }  # fmt: skip


def call(
    kind: Any, seconds: int, number: Any = "+77010000001", row: int = 1, at: int = T, **more: Any
) -> list[dict[str, Any]]:
    fields = {"call_type": kind, "duration": seconds, "number": number, "name": SECRET, "offset": row, **more}
    return [
        event("android:event:call", "Start Time", at, **fields),
        event("android:event:call", "End Time", at + seconds * 1_000_000, **fields),
    ]


def lines(*events: dict[str, Any]) -> bytes:
    return "".join(json.dumps(e, sort_keys=True) + "\n" for e in events).encode()


def stat() -> dict[str, Any]:
    return event("fs:stat", "Content Modification Time", T - 5, filename="/x")


def row(sheet: str, kind: str, desc: str, date: str = "10/06/2025", time: str = "11:30:00", zone: str = "UTC",
        file: str = FILE) -> str:  # fmt: skip
    return f"{date},{time},{zone},.A..,LOG,{sheet},{kind},-,-,{SECRET},{desc},2,{file},-,-,sqlite/x,sha256_hash: 00"


def table(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def clean(out: Collected) -> None:
    assert out.conserved()
    assert SECRET not in repr((out.event_rows, out.position_rows, out.listed_rows, out.notes, out.rejects, out.covers))


# -- JSON


@pytest.mark.parametrize(
    ("code", "seconds", "direction", "answered", "talk", "tags"),
    [
        (1, 30, "in", True, 30, None), (1, 0, "in", None, 0, None), (2, 12, "out", True, 12, None),
        (2, 0, "out", False, 0, None), (3, 0, "in", False, None, "missed"), (3, 30, "in", False, None, "missed"),
        (4, 9, "in", False, None, "voicemail"), (5, 0, "in", False, None, "rejected"),
        (6, 0, "in", False, None, "blocked"), (7, 0, "in", True, None, "answered_elsewhere"),
        (42, 5, "unknown", None, None, None), ("INCOMING", 3, "in", True, 3, None), ("MISSED", 0, "in", False, None, "missed"),
    ],
)  # fmt: skip
def test_calls_keep_their_start(
    code: Any, seconds: int, direction: str, answered: bool | None, talk: int | None, tags: str | None
) -> None:
    out = collect(JSON, lines(*call(code, seconds)))
    clean(out)
    (got,) = out.event_rows
    assert (out.records, out.scoped_out) == (2, 1)
    assert (got["direction"], got["answered"], got["duration_s"], got["tags"]) == (direction, answered, talk, tags)
    assert (got["identifier"], got["channel"], got["kind"], got["how"]) == ("+77010000001", "phone", "call", "lab")
    assert (got["local_time"], got["ts_precision"], got["zone_basis"], got["record"]) == (T, "ms", "utc", "line:1")


def test_a_withheld_caller_is_nobody() -> None:
    for number in (None, "", "-2", "Private number"):
        (got,) = collect(JSON, lines(*call(3, 0, number))).event_rows
        assert got["identifier"] is None


@pytest.mark.parametrize(
    ("code", "direction", "status"),
    [(1, "in", "delivered"), (2, "out", "sent"), (5, "out", "failed"), ("SENT", "out", "sent"), ("RECEIVED", "in", "delivered"),
     (19, "unknown", "unknown")],
)  # fmt: skip
def test_sms(code: Any, direction: str, status: str) -> None:
    out = collect(JSON, lines(event("android:messaging:sms", "Creation Time", address="7111", sms_type=code,
                                    message_body=SECRET, offset=3)))  # fmt: skip
    clean(out)
    (got,) = out.event_rows
    assert (got["direction"], got["status"], got["identifier"], got["size"]) == (
        direction,
        status,
        "short:7111",
        len(SECRET),
    )


@pytest.mark.parametrize("code", [3, 4, 6])
def test_drafts_are_no_communication(code: int) -> None:
    out = collect(JSON, lines(event("android:messaging:sms", "Creation Time", address="7111", sms_type=code, offset=1)))
    assert (out.kept, out.scoped_out, out.conserved()) == (0, 1, True)


def test_messages_of_apple_and_their_copies() -> None:
    fields = {
        "imessage_id": "+77010000002",
        "message_type": 0,
        "service": "iMessage",
        "text": SECRET + "\ufffc",
        "offset": 7,
    }
    one = event("imessage:event:chat", "Creation Time", file="OS:/x/chat.db", **fields)
    twin = {**one, "display_name": "OS:/x/chat.db-wal"}
    second = {**one, "attachment_location": "~/Library/a.heic"}
    other = {**one, "offset": 8, "message_type": 1, "service": "SMS", "attachment_location": f"~/{SECRET}.mp4"}
    out = collect(JSON, lines(one, twin, second, other))
    clean(out)
    first, last = out.event_rows
    assert (out.kept, out.scoped_out) == (2, 2)
    assert (first["channel"], first["direction"], first["size"], first["thread_kind"]) == (
        "imessage",
        "in",
        len(SECRET),
        "unknown",
    )
    assert (last["channel"], last["direction"], last["attachment"]) == ("sms", "out", "video")


def test_the_same_row_of_two_databases_is_two() -> None:
    out = collect(
        JSON, lines(*call(3, 0), *[{**e, "display_name": "OS:/cases/other/contacts2.db"} for e in call(3, 0)])
    )
    assert out.kept == 2


def test_a_tracking_device_is_seen_once_at_a_time_and_nowhere() -> None:
    def tag(desc: str, at: int, device: str = "AA:BB:CC:00:00:01") -> dict[str, Any]:
        return {
            **event("android:airtag:event", desc, at, device_address=device, latitude=43.2, longitude=76.9, rssi=-70),
            "date_time": {"__class_name__": "TimeElementsInMilliseconds", "__type__": "DateTimeValues",
                          "time_elements_tuple": [2025, 10, 6, 16, 30, 0, 250]},
        }  # fmt: skip

    data = lines(tag("First Discovery Time", T), tag("Last Seen Time", T), tag("First Discovery Time", T),
                 tag("First Discovery Time", T, "AA:BB:CC:00:00:02"), tag("Last Seen Time", T + 1_000_000))  # fmt: skip
    out = collect(JSON, data)
    clean(out)
    assert [p["subject_id"][-1] for p in out.position_rows] == ["1", "2", "1"]
    got = out.position_rows[0]
    assert (got["lat"], got["lon"], got["zone_basis"], got["ts_precision"]) == (None, None, "case", "ms")
    assert got["local_time"] == T + 5 * 3_600_000_000 + 250_000  # the clock of the phone, not UTC
    assert out.scoped_out == 2 and any("coordinates" in n for n in out.notes)


def test_viber_and_skype() -> None:
    viber = event(
        "android:viber:call", "Start Time", phone_number="+77010000003", call_type=2, duration=5, viber_call_type=1
    )
    attempt = {"src_call": "a.b", "dst_call": "c.d <10.0.0.1>", "duration": 646, "call_type": "ACCEPTED", "offset": 110,
               "user_start_call": False}  # fmt: skip
    out = collect(JSON, lines(
        viber, {**viber, "timestamp_desc": "End Time"},
        event("skype:event:call", "Attempt Time", **attempt), event("skype:event:call", "Start Time", **attempt),
        event("skype:event:chat", "Recorded Time", from_account=f"{SECRET} <a.b>", to_account="c.d", text=SECRET, title=SECRET),
        event("skype:event:chat", "Recorded Time", from_account="X <a.b>", to_account="c.d, e.f", text=""),
        event("skype:event:sms", "Recorded Time", number="+77010000004", text=SECRET),
        event("skype:event:transferfile", "Start Time"), event("skype:event:account", "Profile Change Time"),
    ))  # fmt: skip
    clean(out)
    kinds = [(e["channel"], e["kind"], e["direction"], e["sender"], e["thread_kind"]) for e in out.event_rows]
    assert kinds == [
        ("viber", "call", "out", None, "direct"), ("skype", "call", "unknown", "skype:a.b", "direct"),
        ("skype", "message", "unknown", "skype:a.b", "direct"), ("skype", "message", "unknown", "skype:a.b", "group"),
        ("sms", "message", "out", None, "direct"),
    ]  # fmt: skip
    assert out.event_rows[1]["thread_id"] == out.event_rows[2]["thread_id"] == "skype:a.b,c.d"
    assert any("kinds that this reader does not read" in n and n.endswith(": 1") for n in out.notes)


def test_equal_messages_without_row_ids_are_matched_between_two_readings_only() -> None:
    def said(file: str) -> dict[str, Any]:
        return event("skype:event:chat", "Recorded Time", file=file, from_account="X <a.b>", to_account="c.d", text="x")

    assert collect(JSON, lines(said("main.db"), said("main.db"))).kept == 2
    assert collect(JSON, lines(said("main.db"), said("main.db-wal"), said("main.db"), said("main.db-wal"))).kept == 2
    assert collect(JSON, lines(said("main.db-wal"), said("main.db-wal"), said("main.db"))).kept == 2


def test_no_time_is_rejected() -> None:
    for at in (0, -1, 978_307_200_000_000, 2_100_000_000_000_000):
        out = collect(JSON, lines(*call(1, 3, at=at)[:1]))
        assert (len(out.rejects), out.kept, out.conserved()) == (1, 0, True)
    out = collect(JSON, lines({**call(1, 3)[0], "timestamp": None}))
    assert out.rejects[0][2] == "no time"


def test_broken_lines() -> None:
    good = lines(*call(1, 3))
    bad = (
        good
        + b'{"__container_type__": "event", "data_type": "android:event:call", \n'
        + b'{"data_type": 5}\n\n'
        + b"[1]\n"
    )
    out = collect(JSON, bad)
    clean(out)
    assert [r[2] for r in out.rejects] == [
        "the line is no whole JSON value", "not shaped like an event of plaso", "not shaped like an event of plaso"
    ]  # fmt: skip
    deep = b'{"data_type": "android:event:call", "date_time": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    assert len(collect(JSON, good + deep).rejects) == 1
    with pytest.raises(Unreadable):
        collect(JSON, b"\n\n")


def test_json_object_form_and_marks() -> None:
    one, two = call(1, 3)
    data = (
        b'{"event_0": '
        + json.dumps(one, sort_keys=True).encode()
        + b'\n, "event_1": '
        + json.dumps(two, sort_keys=True).encode()
        + b"\n}"
    )
    assert recognise(head_of(data))[1] == "known"
    out = collect(JSON, data)
    assert (out.records, out.kept, out.scoped_out, out.conserved()) == (2, 1, 1, True)
    assert collect(JSON, b"\xef\xbb\xbf" + lines(one)).kept == 1


def test_truncation_at_every_byte() -> None:
    data = lines(
        stat(), *call(3, 0), event("android:messaging:sms", "Creation Time", address="7111", sms_type=1, offset=1)
    )
    whole = collect(JSON, data).event_rows
    for cut in range(1, len(data)):
        try:
            out = collect(JSON, data[:cut])
        except Unreadable:
            continue
        assert out.conserved() and out.event_rows == whole[: len(out.event_rows)]


@given(st.lists(st.sampled_from(["stat", "call", "sms", "bad", "blank"]), max_size=30))
@settings(max_examples=60, deadline=None)
def test_conservation(kinds: list[str]) -> None:
    data = b""
    for k, kind in enumerate(kinds, 1):
        data += {
            "stat": lines(stat()), "call": lines(*call(3, 0, row=k, at=T + k * 10**6)), "bad": b"{\n", "blank": b"\n",
            "sms": lines(event("android:messaging:sms", "Creation Time", T + k * 10**6, address="1", sms_type=1, offset=k)),
        }[kind]  # fmt: skip
    if not any(k != "blank" for k in kinds):
        return
    out = collect(JSON, data)
    assert out.conserved() and out.kept == kinds.count("call") + kinds.count("sms")
    assert len(out.rejects) == kinds.count("bad")


def test_a_long_line_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.readers.plaso_json.MAX_LINE", 4096)
    long = lines({**call(1, 3)[0], "name": "x" * 10_000})
    out = collect(JSON, long + lines(*call(2, 3)))
    assert (len(out.rejects), out.kept, out.conserved()) == (1, 1, True)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_independent_of_chunks(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    data = lines(stat(), *call(3, 0), *call(2, 8, row=2, at=T + 10**6))
    whole = collect(JSON, data)
    monkeypatch.setattr("pipelines.readers.plaso_json._BLOCK", block)
    assert collect(JSON, data).event_rows == whole.event_rows


# -- l2tcsv


CALL = "{} Number: {} Name: " + SECRET + " Duration: {} seconds"


@pytest.mark.parametrize(
    ("desc", "direction", "answered", "talk", "identifier"),
    [
        (CALL.format("INCOMING", "+77010000001", 30), "in", True, 30, "+77010000001"),
        (CALL.format("MISSED", "8 701 000-00-01", 0), "in", False, None, "+77010000001"),
        (CALL.format("OUTGOING", "112", 0), "out", False, 0, "short:112"),
        (CALL.format("UNKNOWN", "+77010000001", 7), "unknown", None, None, "+77010000001"),
        ("MISSED Duration: 0 seconds", "in", False, None, None),
        ("INCOMING Number: +77010000001 Duration: 5 seconds", "in", True, 5, "+77010000001"),
    ],
)
def test_csv_calls(desc: str, direction: str, answered: bool | None, talk: int | None, identifier: str | None) -> None:
    out = collect(CSV, table(row("Android Call History", "End Time", desc, time="11:30:30"),
                             row("Android Call History", "Start Time", desc)))  # fmt: skip
    clean(out)
    (got,) = out.event_rows
    assert (got["direction"], got["answered"], got["duration_s"], got["identifier"]) == (
        direction,
        answered,
        talk,
        identifier,
    )
    assert (got["local_time"], got["ts_precision"], got["record"], got["n"]) == (T, "s", "line:3", 2)


def test_csv_messages() -> None:
    out = collect(CSV, table(
        row("Android SMS messages", "Creation Time",
            f"Type: RECEIVED Address: 7111 Status: UNREAD Message: {SECRET} Address: +77019999999 Status: READ Message: x"),
        row("Android SMS messages", "Creation Time", "Type: SENT Address: +77010000001 Status: READ"),
        row("Android SMS messages", "Creation Time", f"Type: UNKNOWN Address: 7111 Status: READ Message: {SECRET}"),
        row("Apple iMessage application", "Creation Time",
            f"iMessage ID: a@b.example Read Receipt: True Message Type: Received Service: iMessage Message Content: {SECRET}"),
        row("Apple iMessage application", "Creation Time",
            f"iMessage ID: +77010000002 Read Receipt: False Message Type: Sent Service: SMS Attachment Location: ~/{SECRET}.jpeg "
            f"Message Content: {SECRET} Message Type: Received"),
        row("Android Viber Call History", "Start Time",
            "Number: +77010000003 Call type: OUTGOING Viber call type: AUDIO CALL Duration: 5 seconds"),
        row("Skype Chat Message", "Recorded Time", f"From: {SECRET}"),
        row("File stat", "Content Modification Time", SECRET),
    ))  # fmt: skip
    clean(out)
    rows = [(e["channel"], e["direction"], e["identifier"], e["attachment"], e["size"]) for e in out.event_rows]
    assert rows == [
        ("sms", "in", "short:7111", "none", None), ("sms", "out", "+77010000001", "none", None),
        ("sms", "unknown", "short:7111", "none", None), ("imessage", "in", "mail:a@b.example", "none", None),
        ("sms", "out", "+77010000002", "image", None), ("viber", "out", "+77010000003", None, None),
    ]  # fmt: skip
    assert out.scoped_out == 2


def test_csv_copies_and_trackers() -> None:
    said = "iMessage ID: +77010000002 Read Receipt: True Message Type: Received Service: iMessage Message Content: x"
    tag = "Device address: AA:BB:CC:00:00:01  Signal strength: UNKNOWN  Latitude: 43.2  Longitude: 76.9"
    airguard = "AirGuard AirTag Tracker event data."
    out = collect(CSV, table(
        row("Apple iMessage application", "Creation Time", said, file="OS:/x/chat.db"),
        row("Apple iMessage application", "Creation Time", said, file="OS:/x/chat.db-wal"),
        row("Apple iMessage application", "Creation Time", said, file="OS:/x/chat.db"),
        row(airguard, "First Discovery Time", tag), row(airguard, "Last Seen Time", tag),
    ))  # fmt: skip
    clean(out)
    assert (len(out.event_rows), len(out.position_rows), out.scoped_out) == (2, 1, 2)
    assert out.position_rows[0]["zone_basis"] == "case" and out.position_rows[0]["lat"] is None


def test_csv_zone() -> None:
    data = table(row("Android Call History", "Start Time", CALL.format("MISSED", "7111", 0), zone="+05"))
    with pytest.raises(Waiting) as waiting:
        collect(CSV, data)
    assert "timezone" in waiting.value.lines
    (got,) = collect(CSV, data, ctx=context(timezone="Asia/Almaty")).event_rows
    assert (got["zone_basis"], got["local_time"]) == ("case", T)
    moved = table(
        row("AirGuard AirTag Tracker event data.", "Last Seen Time", "Device address: AA:BB:CC:00:00:01", zone="+05")
    )
    assert len(collect(CSV, moved, ctx=context(timezone="Asia/Almaty")).rejects) == 1
    assert collect(CSV, table(row("File stat", "x", "y", zone="+05"))).scoped_out == 1


def test_csv_faults() -> None:
    out = collect(CSV, table(
        row("Android Call History", "Start Time", CALL.format("MISSED", "7111", 0), date="00/00/0000", time="--:--:--"),
        row("Android Call History", "Start Time", CALL.format("MISSED", "7111", 0), date="02/30/2025"),
        row("Android Call History", "Start Time", f"Anruf {SECRET}"), "a,b,c",
        row("Android SMS messages", "Creation Time", f'Type: SENT Address: 7111 Status: READ Message: "{SECRET}'),
    ))  # fmt: skip
    clean(out)
    assert (out.kept, len(out.rejects)) == (1, 4)  # a quote means nothing in this format
    with pytest.raises(Unreadable):
        collect(CSV, table())


def test_csv_truncation_at_every_byte() -> None:
    data = table(
        row("File stat", "x", "y"), row("Android Call History", "Start Time", CALL.format("MISSED", "7111", 0))
    )
    whole = collect(CSV, data).event_rows
    for cut in range(len(HEADER), len(data)):
        try:
            out = collect(CSV, data[:cut])
        except Unreadable:
            continue
        assert out.conserved() and out.event_rows == whole[: len(out.event_rows)]


# -- both


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (JSON, lines(stat(), *call(3, 0), event("android:messaging:sms", "Creation Time", address="7111", sms_type=1,
                                                message_body=SECRET, offset=1))),
        (CSV, table(row("File stat", "x", SECRET), row("Android Call History", "Start Time", CALL.format("MISSED", "7111", 0)),
                    row("Android SMS messages", "Creation Time", f"Type: SENT Address: 7111 Status: READ Message: {SECRET}"))),
    ],
)  # fmt: skip
def test_recognised_located_and_masked(reader: Reader, data: bytes) -> None:
    claims, verdict = recognise(head_of(data))
    assert (verdict, [c[0] for c in claims]) == ("known", [reader.description.id])
    out = collect(reader, data)
    source = source_of(data)
    for got in out.event_rows:
        raw = open_record(source, got["record"], reader.description.id, got["n"])
        assert raw.complete and raw.data in data
        assert "7111" in raw.masked or "+77010000001" in raw.masked
        assert SECRET not in raw.masked.replace(f'"name": "{SECRET}"', "").replace(f"Name: {SECRET}", "")
    assert "characters" in open_record(source, f"line:{1 if reader is JSON else 2}", reader.description.id).masked


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a": 1}\n', b"date,time,timezone\n", HEADER.lower().encode()[:-1] + b"\n"]
)
def test_not_recognised(data: bytes) -> None:
    assert JSON.recognise(head_of(data)) is None and CSV.recognise(head_of(data)) is None


def test_described() -> None:
    for name in ("plaso-json", "plaso-l2tcsv"):
        told = all_readers()[name].description
        assert told.version == 1 and told.cannot_tell and told.knowledge
