"""ALEAPP and iLEAPP: the same tables as TSV, as the JSON of a module and in the LAVA database."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._leapp import SHAPES, SHOWN, column, shape_of
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.leapp_json import READER as JSON
from pipelines.readers.leapp_lava import READER as LAVA
from pipelines.readers.leapp_tsv import READER as TSV
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

SECRET = "zxqvsecret"
T = 1_759_750_200  # 2025-10-06T11:30:00Z
WHEN = "2025-10-06 11:30:00+00:00"
A, B = "+77010000001", "+77010000002"
JA = "77010000001@s.whatsapp.net"

CALLS = "Call Date|Phone Account Address|Partner|Type|Duration in Secs|Partner Location|Country ISO|Data|Mime Type|Transcription|Deleted"
SMS = "Date|Date Sent|Type|Address|Body|MSG ID|Thread ID|Contact ID|Read|Service Center|Error Code"
MMS = "Date|Date Sent|Direction|From Address|Body|Media|MSG ID|Thread ID|Read|To Address|Cc|Bcc"
IOS_CALLS = (
    "Starting Timestamp|Ending Timestamp|Service Provider|Call Type|Call Direction|Phone Number|Answered|Call Duration|"
    "FaceTime Data|Disconnected Cause|ISO Country Code|Location"
)
IOS_SMS = (
    "Message Timestamp|Read Timestamp|Message|Service|Message Direction|Message Sent|Message Delivered|Message Read|Account|"
    "Account Login|Chat Contact ID|Attachment Name|Attachment Path|Attachment Timestamp|Attachment Mimetype|"
    "Attachment Size (Bytes)|Message Row ID|Chat ID|From Me"
)


def tsv(header: str, *rows: Sequence[object], end: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator=end)
    writer.writerow(header.split("|"))
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def call(kind: str, seconds: object = 0, partner: object = A, when: str = WHEN) -> list[object]:
    return [when, B, partner, kind, seconds, SECRET, "KZ", " ", " ", SECRET, "0"]


def sms(kind: str, address: str = A, body: str = SECRET, when: str = WHEN) -> list[object]:
    return [when, "", kind, address, body, 1, 7, "", 1, "+77010009999", 0]


def ios_sms(direction: str, peer: str = A, row: int = 1, service: str = "iMessage", text: str = SECRET, mime: str = "",
            when: Any = WHEN) -> list[object]:  # fmt: skip
    return [when, "", text, service, direction, "Yes", "Yes", "", f"P:{B}", f"P:{B}", peer, SECRET if mime else "", "", "",
            mime, "", row, 3, int(direction == "Outgoing")]  # fmt: skip


def as_json(header: str, *rows: Sequence[object]) -> bytes:
    meta = {"module_name": "m", "artifact_name": "M", "function_name": "m", "number_of_rows": len(rows)}
    return json.dumps(
        {"metadata": meta, "headers": header.split("|"), "data": [list(r) for r in rows]}, indent=2
    ).encode()


def lava(path: Path, tables: dict[str, tuple[str, list[Sequence[object]]]]) -> Path:
    db = sqlite3.connect(path)
    for name in ("_artifact_search_patterns", "_lava_media_items", "_lava_media_references"):
        db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT)")
    db.execute("CREATE VIEW _lava_media_info AS SELECT * FROM _lava_media_items")
    for name, (header, rows) in tables.items():
        names = [column(h) for h in header.split("|")]
        db.execute(f"CREATE TABLE {name} ({', '.join(f'{chr(34)}{n}{chr(34)}' for n in names)})")
        db.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(names))})", rows)
    db.commit()
    db.close()
    return path


def clean(out: Collected) -> None:
    assert out.conserved()
    assert SECRET not in repr((out.event_rows, out.position_rows, out.notes, out.rejects, out.covers, out.owners))


# -- calls


@pytest.mark.parametrize(
    ("kind", "seconds", "direction", "answered", "talk", "tags"),
    [
        ('Incoming <i data-feather="phone-incoming" stroke="green"></i>', 30, "in", True, 30, None),
        ("Incoming", 0, "in", None, 0, None), ("Outgoing <i>", 9, "out", True, 9, None), ("Outgoing", 0, "out", False, 0, None),
        ('Missed <i data-feather="phone-missed" stroke="red"></i>', 0, "in", False, None, "missed"),
        ("Voicemail", 12, "in", False, None, "voicemail"), ("Rejected", 0, "in", False, None, "rejected"),
        ("Blocked", 0, "in", False, None, "blocked"), ("Answered Externally", 0, "in", True, None, "answered_elsewhere"),
        ("1000", 3, "unknown", True, 3, None),
    ],
)  # fmt: skip
def test_android_calls(
    kind: str, seconds: int, direction: str, answered: bool | None, talk: int | None, tags: str | None
) -> None:
    out = collect(TSV, tsv(CALLS, call(kind, seconds)))
    clean(out)
    (got,) = out.event_rows
    assert (got["direction"], got["answered"], got["duration_s"], got["tags"]) == (direction, answered, talk, tags)
    assert (got["identifier"], got["channel"], got["local_time"], got["record"]) == (A, "phone", T * 10**6, "line:2")
    assert (got["zone_basis"], got["ts_precision"], got["how"], got["owner_line"]) == ("utc", "s", "lab", B)
    assert out.owners == [B]


def test_a_withheld_partner_is_nobody() -> None:
    for partner in ("", " ", "-1", "Unknown number"):
        (got,) = collect(TSV, tsv(CALLS, call("Missed", 0, partner))).event_rows
        assert got["identifier"] is None


@pytest.mark.parametrize(
    ("provider", "kind", "direction", "answered", "seconds", "cause", "want"),
    [
        ("com.apple.Telephony", "Phone Call", "Incoming", "Yes", "00:01:05", "Ended", ("phone", "in", True, 65, None)),
        ("com.apple.Telephony", "Phone Call", "Incoming", "No", "00:00:00", "Rejected", ("phone", "in", False, None, "rejected")),
        ("com.apple.Telephony", "Phone Call", "Incoming", "No", "00:00:00", "49", ("phone", "in", False, None, None)),
        ("com.apple.Telephony", "Phone Call", "Incoming", "Yes", "00:00:07", "Rejected", ("phone", "in", True, 7, None)),
        ("com.apple.FaceTime", "FaceTime Video", "Outgoing", "No", "00:00:00", "", ("facetime", "out", False, 0, None)),
        ("net.whatsapp.WhatsApp", "Third-Party App", "Outgoing", "No", "00:00:00", "Missed or Rejected",
         ("whatsapp", "out", False, None, "unanswered")),
        ("N/A", "FaceTime Call", "Outgoing", "No", "00:00:30", "N/A", ("facetime", "out", True, 30, None)),
        ("N/A", "Phone Call", "Incoming", "", "00:00:30", "N/A", ("phone", "in", True, 30, None)),
    ],
)  # fmt: skip
def test_calls_of_an_iphone(
    provider: str, kind: str, direction: str, answered: str, seconds: str, cause: str, want: tuple[Any, ...]
) -> None:
    row = [WHEN, "", provider, kind, direction, A, answered, seconds, SECRET, cause, "KZ", SECRET]
    out = collect(TSV, tsv(IOS_CALLS, row))
    clean(out)
    (got,) = out.event_rows
    talk = got["duration_s"] if got["answered"] is not False or want[4] is None else None
    assert (got["channel"], got["direction"], got["answered"], talk, got["tags"]) == want
    assert got["identifier"] == A


@pytest.mark.parametrize(
    ("header", "row", "want"),
    [
        ("from_id|to_id|start_date|end_date|direction|call_type|number|name",
         [A, "", WHEN, "2025-10-06 11:30:40+00:00", "Incoming", "Incoming", A, SECRET], ("phone", "in", A, True, 40)),
        ("from_id|to_id|start_date|end_date|direction|call_type|number|name",
         ["", "", WHEN, WHEN, "", "Missed", A, SECRET], ("phone", "in", A, False, None)),
        ("Call Start Timestamp|Call End Timestamp|Call Duration|Group Name|Call Direction|Caller|Caller JID|Call Type",
         [WHEN, WHEN, "00:00:09", "", "Incoming", SECRET, JA, "Audio"], ("whatsapp", "in", A, True, 9)),
        ("Call Start Timestamp|Call End Timestamp|Call Duration|Group Name|Call Direction|Caller|Caller JID|Call Type",
         [WHEN, WHEN, "00:00:00", "", "Outgoing", "Self", "", "Video"], ("whatsapp", "out", None, False, 0)),
        ("Starting Timestamp|Ending Timestamp|Duration H:M:S|Direction|Disconnected cause|Contact ID",
         [WHEN, WHEN, "00:00:00", "Incoming", "Missed", JA], ("whatsapp", "in", A, False, None)),
        ("Call Start Time|Phone Number|Call Direction|Call End Time (computed: start + duration)|Call Type",
         [WHEN, A, "Outgoing", "2025-10-06 11:31:00+00:00", "Audio Call"], ("viber", "out", A, True, 60)),
        ("Timestamp|Contact|Phone Number|Call Type|Direction|Outcome|Read|Deleted Timestamp|Call ID",
         [WHEN, SECRET, A, "Audio", "Incoming", "Not accepted", "No", "", 5], ("signal", "in", A, False, None)),
        ("Timestamp|Contact|Phone Number|Call Type|Direction|Outcome|Read|Deleted Timestamp|Call ID",
         [WHEN, SECRET, A, "Audio", "Incoming", "Declined", "No", "", 5], ("signal", "in", A, False, None)),
        ("Call Timestamp|Call Duration|Party Name|Call Direction|Video Call|Call Answered|Thread Key|Source File",
         [WHEN, "00:00:00", SECRET, "Incoming", "", "Yes", "1000077", ""], ("messenger", "in", "messenger:1000077", None, 0)),
        ("Start Time|End Time|To ID|From ID|Direction|Call Type", [WHEN, WHEN, "", "u1", "Incoming", "Audio"],
         ("line", "in", "line:u1", None, None)),
        ("Start Time|End Time (computed)|From ID|To ID|Call Direction",
         [WHEN, "2025-10-06 11:30:05+00:00", "live:x", "", "Incoming"], ("skype", "in", "skype:live:x", True, 5)),
    ],
)  # fmt: skip
def test_other_calls(header: str, row: list[object], want: tuple[Any, ...]) -> None:
    out = collect(TSV, tsv(header, row))
    clean(out)
    (got,) = out.event_rows
    assert (got["channel"], got["direction"], got["identifier"], got["answered"], got["duration_s"]) == want
    assert got["kind"] == "call"


# -- messages


@pytest.mark.parametrize(
    ("kind", "direction", "status"),
    [("Received", "in", "delivered"), ("Sent", "out", "sent"), ("Failed", "out", "failed"), ("Blocked Number", "in", "delivered"),
     ("Broadcast Alert", "unknown", "unknown"), ("12", "unknown", "unknown")],
)  # fmt: skip
def test_sms(kind: str, direction: str, status: str) -> None:
    out = collect(TSV, tsv(SMS, sms(kind)))
    clean(out)
    (got,) = out.event_rows
    assert (got["direction"], got["status"], got["identifier"], got["size"]) == (direction, status, A, len(SECRET))


def test_drafts_are_no_communication() -> None:
    out = collect(TSV, tsv(SMS, *[sms(k) for k in ("Draft", "Outbox", "Queued", "Scheduled Send")]))
    assert (out.kept, out.scoped_out, out.conserved()) == (0, 4, True)


def test_the_parts_of_an_mms_are_one() -> None:
    def part(msg: int, body: str, media: str, direction: str = "Received") -> list[object]:
        return [WHEN, "", direction, A if direction == "Received" else "insert-address-token", body, media, msg, 7, 1,
                "insert-address-token" if direction == "Received" else A, "", ""]  # fmt: skip

    out = collect(TSV, tsv(MMS, part(4, SECRET, ""), part(4, "", "x.jpg"), part(5, SECRET, "", "Sent")))
    clean(out)
    first, second = out.event_rows
    assert (first["n"], first["record"], first["size"], first["attachment"]) == (1, "line:2", len(SECRET), "image")
    assert (first["direction"], first["identifier"], second["direction"], second["identifier"]) == ("in", A, "out", A)
    assert (out.records, out.kept, out.scoped_out) == (3, 2, 1)


def test_messages_of_an_iphone() -> None:
    out = collect(TSV, tsv(
        IOS_SMS, ios_sms("Incoming"), ios_sms("Outgoing", row=2, mime="image/heic"),
        ios_sms("Outgoing", row=2, mime="video/mp4"), ios_sms("Incoming", "chat123456789", 3), ios_sms("Incoming", "7111", 4, "SMS"),
        ios_sms("Incoming", "a@b.example", 5, text="\ufffc", mime="text/x-vlocation"),
    ))  # fmt: skip
    clean(out)
    rows = [
        (e["n"], e["channel"], e["direction"], e["identifier"], e["thread_kind"], e["size"], e["attachment"])
        for e in out.event_rows
    ]
    assert rows == [
        (1, "imessage", "in", A, "direct", len(SECRET), "none"), (2, "imessage", "out", A, "direct", len(SECRET), "image"),
        (4, "imessage", "in", None, "group", len(SECRET), "none"), (5, "sms", "in", "short:7111", "direct", len(SECRET), "none"),
        (6, "imessage", "in", "mail:a@b.example", "direct", 0, "other"),
    ]  # fmt: skip
    assert out.owners == [B] and out.event_rows[2]["thread_id"] == "imessage:chat123456789"
    assert (out.records, out.scoped_out) == (6, 1)


@pytest.mark.parametrize(
    ("header", "row", "want"),
    [
        ("Message Timestamp|Received Timestamp|Final Location Timestamp|Message Direction|Other Participant WA User Name|Message|Media|"
         "Sending Party JID|Message Type|Local Path To Media|Media File Size",
         [WHEN, "", "", "Incoming", "Anna", SECRET, "", JA, "Text", "", ""], ("whatsapp", "in", A, "direct")),
        ("Message Timestamp|Received Timestamp|Final Location Timestamp|Message Direction|Other Participant WA User Name|Message|Media|"
         "Sending Party JID|Message Type|Local Path To Media|Media File Size",
         [WHEN, "", "", "Outgoing", "Anna", SECRET, "", "", "Text", "Media/x.opus", ""],
         ("whatsapp", "out", "whatsapp:name:Anna", "direct")),
        ("Message Timestamp|Received Timestamp|Final Location Timestamp|Message Direction|Sending Party|Message|Media|Conversation Name|"
         "Sending Party JID|Message Type|Local Path To Media|Media File Size",
         [WHEN, "", "", "Incoming", "Anna", SECRET, "", SECRET, JA, "Text", "", ""], ("whatsapp", "in", A, "group")),
        ("Message Timestamp|Received Timestamp|Message ID|Recipients|Direction|Message|Group Sender|Attachment",
         [WHEN, "", JA, JA, "Outgoing", SECRET, JA, ""], ("whatsapp", "out", A, "direct")),
        ("Message Timestamp|Received Timestamp|Message ID|Recipients|Direction|Message|Group Sender|Attachment",
         [WHEN, "", "7701-15@g.us", JA, "Incoming", SECRET, JA, ""], ("whatsapp", "in", A, "group")),
        ("Timestamp|Sender Name|From ID|Receiver|To ID|Message|Attachment File|Thumb|Starred?|Number of Forwardings|Forwarded from|"
         "Latitude|Longitude",
         [WHEN, "Anna", JA, "Local User", "77010000002@s.whatsapp.net", SECRET, "", "", "", "", "", "", ""],
         ("whatsapp", "in", A, "direct")),
        ("Timestamp|Sender Name|From ID|Receiver|To ID|Message|Attachment File|Thumb|Starred?|Number of Forwardings|Forwarded from|"
         "Latitude|Longitude", [WHEN, "Local User", "", SECRET, JA, SECRET, "", "", "", "", "", "", ""],
         ("whatsapp", "out", A, "direct")),
        ("Timestamp|Direction|Sender Name|Chat Name|Message|Attachment File|From ID|Receiver|To ID|Thumb|Starred?|Latitude|Longitude|"
         "Chat ID", [WHEN, "Incoming", SECRET, SECRET, SECRET, "", "1203630@g.us", "Local User", "", "", "", "", "", "1203630@g.us"],
         ("whatsapp", "in", None, "group")),
        ("Timestamp|Dialog ID|Chat|Direction|Sender ID|Sender|Message|Recorded Media Path|Media File|Read State|Message ID",
         [WHEN, 777, SECRET, "Outgoing", 5, SECRET, SECRET, "", "", "", 1], ("telegram", "out", "telegram:user777", "direct")),
        ("Timestamp|Dialog ID|Chat|Direction|Sender ID|Sender|Message|Recorded Media Path|Media File|Read State|Message ID",
         [WHEN, -100, SECRET, "Incoming", 5, SECRET, SECRET, "", "", "", 1], ("telegram", "in", "telegram:user5", "group")),
        ("Message Date|Direction|From Phone Number|Message|Recipients|Thread ID|Unread|File Attachment",
         [WHEN, "Incoming", A, SECRET, B, 4, "", ""], ("viber", "in", A, "unknown")),
        ("Message Date|Direction|From Phone Number|Message|Recipients|Thread ID|Unread|File Attachment",
         [WHEN, "Incoming", A, SECRET, f"{B},+77010000003", 4, "", ""], ("viber", "in", A, "group")),
        ("Date Sent|Date Received|Thread ID|Direction|Status|Sender|Sender Phone Number|Recipient|Recipient Phone Number|Message|"
         "Attachments", [WHEN, "", 3, "Outgoing", "Sent", "", B, SECRET, A, SECRET, ""], ("signal", "out", A, "unknown")),
        ("Message Timestamp|Reaction Timestamp|Direction|Sender|Message|Sender ID|Thread Key|Snippet|Attachment Name|Attachment Type|"
         "Is Admin Message|Message ID|Source File",
         [WHEN, "", "Incoming", SECRET, SECRET, "1000077", "1000077", SECRET, "", "", "", "m", ""],
         ("messenger", "in", "messenger:1000077", "direct")),
        ("Timestamp|Media Taken At|Direction|Sender Username|Message|Thread|Item Type (as stored)|Media URL|Sender ID|Thread ID|Item ID",
         [WHEN, "", "Incoming", "anna", SECRET, SECRET, "", "", "55", "t9", "i"], ("instagram", "in", "instagram:55", "unknown")),
        ("Timestamp|Direction|Sender|Body|Attachment|Partner JID|Group Chat|Chat ID|Status Message|System Message",
         [WHEN, "Incoming", SECRET, SECRET, "", "anna_x@talk.kik.com", "No", "c", "No", "No"],
         ("other", "in", "kik:anna_x@talk.kik.com", "direct")),
        ("Start Time|Direction|From ID|Message|To ID|Thread ID|Attachments",
         [WHEN, "Incoming", "u1", SECRET, "", "u1", ""], ("line", "in", "line:u1", "unknown")),
        ("Send Time|Direction|From ID|Content|Thread ID|To ID|Attachment",
         [WHEN, "Outgoing", "live:me", SECRET, "t", "live:x", ""], ("skype", "out", "skype:live:x", "unknown")),
        ("Date|Date sent|Direction|Address|Body|Read|Type|recipients|Status",
         [WHEN, "", "Received", A, SECRET, 1, 1, "", ""], ("sms", "in", A, "direct")),
    ],
)  # fmt: skip
def test_other_messages(header: str, row: list[object], want: tuple[Any, ...]) -> None:
    out = collect(TSV, tsv(header, row))
    clean(out)
    (got,) = out.event_rows
    assert (got["channel"], got["direction"], got["identifier"], got["thread_kind"]) == want
    assert (got["kind"], got["local_time"]) == ("message", T * 10**6)


def test_lines_of_an_app_are_left_out() -> None:
    kik = "Timestamp|Direction|Sender|Body|Attachment|Partner JID|Group Chat|Chat ID|Status Message|System Message"
    out = collect(TSV, tsv(kik, [WHEN, "Incoming", "", SECRET, "", "x", "No", "c", "No", "Yes"]))
    assert (out.kept, out.scoped_out) == (0, 1)


def packed(kind: int, number: int) -> int:
    return (number & 0xFFFFFFFF) | (kind << 32) | ((number >> 32) << 35)


def test_telegram_of_an_iphone() -> None:
    new = "Timestamp|Forward Timestamp|Direction|Author|Chat|Text|Thumbnail|Chat ID|Thread ID|Author ID|Action Data|Forward From"
    big = 7_000_000_001

    def row(direction: str, chat: int, author: int, action: str = "", text: str = SECRET) -> list[object]:
        return [WHEN, "", direction, SECRET, SECRET, text, "", chat, "", author, action, ""]

    own = packed(0, 6_000_000_005)
    out = collect(TSV, tsv(
        new, row("Incoming", packed(0, big), packed(0, big)), row("Outgoing", packed(0, big), own),
        row("Incoming", packed(2, 55), packed(0, big)), row("Incoming", packed(0, big), packed(0, big), "Action: <peerJoined (x)>"),
        row("Incoming", packed(0, big), packed(0, big), "Action: <phoneCall (i=1, dr=0, vc=0)>", ""),
        row("Outgoing", packed(0, big), own, "%%% action Type.phoneCall {'i': 1, 'dr': 2, 'd': 115, 'vc': 0}", ""),
        row("Incoming", packed(0, big), packed(0, big), f"File: {SECRET} (MIME: video/mp4, ID: x)"),
    ))  # fmt: skip
    clean(out)
    user = f"telegram:user{big}"
    got = [
        (e["kind"], e["direction"], e["identifier"], e["thread_kind"], e["tags"], e["answered"]) for e in out.event_rows
    ]
    assert got == [
        ("message", "in", user, "direct", None, None), ("message", "out", user, "direct", None, None),
        ("message", "in", user, "group", None, None), ("call", "in", user, "direct", "missed", False),
        ("call", "out", user, "direct", None, True), ("message", "in", user, "direct", None, None),
    ]  # fmt: skip
    assert out.event_rows[4]["duration_s"] == 115 and out.event_rows[5]["attachment"] == "video"
    assert out.owners == ["telegram:user6000000005"]
    old = "Timestamp|Direction|Author ID|Text|Forward Timestamp|Forward From|Action Data|Thumbnail"
    (got_old,) = collect(
        TSV, tsv(old, [WHEN, "Incoming", f"Anna (@anna {packed(0, big)})", SECRET, "", "", "", ""])
    ).event_rows
    assert (got_old["identifier"], got_old["thread_kind"]) == (user, "unknown")


# -- lists and trackers


@pytest.mark.parametrize(
    ("header", "row", "want"),
    [
        ("Mimetype|Data 1|Display Name|Phone Number|Email Address|Source File",
         ["vnd.android.cursor.item/phone_v2", A, "Anna B", A, "", "x"], [("phone", "address_book", A, "Anna B")]),
        ("Creation Date|First Name|Last Name|Phone Numbers|Email addresses|Storage Place|Modification Date",
         [WHEN, "Anna", "B", f"Mobile: {A}\nHome: {B}", "Home: a@b.example", "Card", WHEN],
         [("phone", "address_book", x, "Anna B") for x in (A, B, "mail:a@b.example")]),
        ("Name|JID|Number", ["Anna", JA, A], [("whatsapp", "address_book", A, "Anna")]),
        ("Fullname|About Text|About Text Timestamp|Phone Number|Phone Number Label|Whatsapp ID|Identifier",
         ["Anna", SECRET, "", A, "", JA, "U"], [("whatsapp", "address_book", A, "Anna")]),
        ("User ID|First Name|Last Name|Phone Numbers|Imported|Device Contact Key", [77, "Anna", "B", A, "", ""],
         [("telegram", "address_book", "telegram:user77", "Anna B")]),
        ("Name|Phone Number|Username|Recipient Type|ACI|PNI|Blocked|Hidden|About|Note",
         ["Anna", A, "", "Individual", "aci", "", "Yes", "No", SECRET, SECRET],
         [("signal", "address_book", A, "Anna"), ("signal", "blocked", A, None)]),
        ("Phone Number|Country Code|Email", [A, "kz", ""], [("phone", "blocked", A, None)]),
    ],
)  # fmt: skip
def test_lists(header: str, row: list[object], want: list[tuple[Any, ...]]) -> None:
    data = tsv(header, row)
    assert recognise(head_of(data))[1] == "known"
    out = collect(TSV, data)
    clean(out)
    assert [(r["channel"], r["list"], r["identifier"], r["label"]) for r in out.listed_rows] == want


GUARD = (
    "Timestamp|Received Time|Device MAC Address|Latitude|Longitude|Signal Strength (RSSI)|Device Type|First Time Device Seen|"
    "Last Time User Notified"
)


def test_trackers() -> None:
    def seen(lat: object, lon: object, device: str = "AA:BB:CC:00:00:01") -> list[object]:
        return [WHEN, WHEN, device, lat, lon, -70, "AIRTAG", WHEN, ""]

    out = collect(TSV, tsv(GUARD, seen(43.2389, 76.8897), seen("", ""), seen(43.2, 76.8, "")))
    clean(out)
    first, second = out.position_rows
    assert (first["lat"], first["lon"], first["subject"], first["kind"]) == (
        43.2389,
        76.8897,
        "tracker",
        "tracker_sighting",
    )
    assert first["zone_basis"] == "case" and second["lat"] is None and len(out.rejects) == 1
    swapped = collect(TSV, tsv(GUARD, seen(43.2389, 76.8897), seen(-97.7, 30.2)))
    assert [p["lat"] for p in swapped.position_rows] == [None, None] and any("90 degrees" in n for n in swapped.notes)
    scans = "Creation Timestamp|Last Updated Timestamp|MAC Address|State|Possible RSSI|Latitude|Longitude"
    (got,) = collect(TSV, tsv(scans, [WHEN, WHEN, "AA", 1, "", 43.2, 76.8])).position_rows
    assert (got["zone_basis"], got["lat"]) == ("utc", 43.2)
    alerts = "Creation Timestamp|Last Updated Timestamp|MAC Address|Device Type|Optional Device Data|Alert Life Cycle ID|Alert Status"
    (got,) = collect(TSV, tsv(alerts, [WHEN, WHEN, "AA", 1, "", "x", 1])).position_rows
    assert got["kind"] == "tracker_alert"


# -- the carriers


def test_appended_runs_repeat_the_header() -> None:
    other = "Type|Partner|Duration in Secs|Call Date"  # another order, fewer columns
    data = tsv(CALLS, call("Missed")) + tsv(CALLS, call("Outgoing", 5)) + tsv(other, ["Missed", B, 0, WHEN])
    out = collect(TSV, data)
    clean(out)
    assert [(e["record"], e["identifier"]) for e in out.event_rows] == [("line:2", A), ("line:4", A), ("line:6", B)]
    assert out.records == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_line_ends(end: str) -> None:
    out = collect(TSV, tsv(CALLS, call("Missed"), call("Outgoing", 5), end=end))
    assert (out.kept, out.conserved(), len(out.rejects)) == (2, True, 0)


def test_times_without_an_offset_wait() -> None:
    data = tsv(CALLS, call("Missed", when="2021-01-01 10:00:00"))
    with pytest.raises(Waiting) as waiting:
        collect(TSV, data)
    assert "timezone" in waiting.value.lines
    (got,) = collect(TSV, data, ctx=context(timezone="UTC")).event_rows
    assert got["zone_basis"] == "case"
    (stated,) = collect(TSV, tsv(CALLS, call("Missed", when="2025-10-06 16:30:00+05:00"))).event_rows
    assert (stated["zone_basis"], stated["stated_offset_s"], stated["local_time"]) == (
        "stated",
        18_000,
        (T + 18_000) * 10**6,
    )


def test_faulty_rows() -> None:
    out = collect(TSV, tsv(CALLS, call("Missed", when=""), call("Missed", when=SECRET), call("Missed", when="1970-01-01 00:00:00+00:00"),
                           ["x"], call("Missed")))  # fmt: skip
    clean(out)
    assert (len(out.rejects), out.kept) == (4, 1)
    for data in (b"", b"\xef\xbb\xbfa\tb\tc\r\n1\t2\t3\r\n"):
        with pytest.raises(Unreadable):
            collect(TSV, data)


def test_truncation_at_every_byte() -> None:
    data = tsv(SMS, sms("Received"), sms("Sent", "7111", "a\nb"))
    whole = collect(TSV, data).event_rows
    for cut in range(len(tsv(SMS)), len(data)):
        out = collect(TSV, data[:cut])
        assert out.conserved() and out.event_rows[:1] == whole[: min(1, len(out.event_rows))]


@given(st.lists(st.sampled_from(["Received", "Sent", "Draft", "x", "cut", "header", "blank"]), max_size=25))
@settings(max_examples=60, deadline=None)
def test_conservation(kinds: list[str]) -> None:
    data = tsv(SMS)
    for kind in kinds:
        data += {"cut": b"a\tb\r\n", "header": tsv(SMS), "blank": b"\r\n"}.get(kind) or tsv(SMS, sms(kind))[
            len(tsv(SMS)) :
        ]
    out = collect(TSV, data)
    counted = Counter(kinds)
    assert out.conserved() and out.kept == counted["Received"] + counted["Sent"] + counted["x"]
    assert (len(out.rejects), out.scoped_out) == (counted["cut"], counted["Draft"])


@pytest.mark.parametrize("block", [1, 13, 4096])
def test_independent_of_chunks(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    data = tsv(SMS, sms("Received"), sms("Sent", body="x\ny\t"), sms("Sent"))
    whole = collect(TSV, data)
    monkeypatch.setattr("pipelines.readers._sheets._BLOCK", block)
    assert collect(TSV, data).event_rows == whole.event_rows


def test_three_carriers_say_the_same(tmp_path: Path) -> None:
    rows = [ios_sms("Incoming"), ios_sms("Outgoing", row=2), ios_sms("Incoming", "7111", 3, "SMS")]
    unix = [[T if c == WHEN else c for c in r] for r in rows]
    results = [
        collect(TSV, tsv(IOS_SMS, *rows)), collect(JSON, as_json(IOS_SMS, *unix)),
        collect(LAVA, lava(tmp_path / "_lava_artifacts.db", {"sms": (IOS_SMS, unix)})),
    ]  # fmt: skip
    kept = [[{k: v for k, v in e.items() if k != "record"} for e in out.event_rows] for out in results]
    assert kept[0] == kept[1] == kept[2] and len(kept[0]) == 3
    for out in results:
        clean(out)
    assert [out.event_rows[1]["record"] for out in results] == ["line:3", "json:/data/1", "sql:sms/2"]


def test_lava_reads_known_tables_once(tmp_path: Path) -> None:
    group = IOS_CALLS.replace("Starting Timestamp", "Call Date/Time").replace("Ending Timestamp", "Call End Date/Time").replace(
        "|Answered", "|Call Description|Answered")  # fmt: skip
    one = [T, "", "com.apple.Telephony", "Phone Call", "Incoming", A, "No", "00:00:00", "", "", "KZ", ""]
    path = lava(tmp_path / "x.db", {
        "callhistory": (IOS_CALLS, [one, [T + 5.25, *one[1:]]]),
        "callhistorygroupcall": (group, [[*one[:6], "Direct Call", *one[6:]],
                                         [T + 60, *one[1:5], f"{A}, {B}", "Group Call - 2 other parties", *one[6:]]]),
        "sms": (SMS, [[T, "", "Received", A.encode(), SECRET, 1, 2, "", "", "", ""]]), "notes": ("Title|Body", [[SECRET, SECRET]]),
    })  # fmt: skip
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "leapp-lava")
    out = collect(LAVA, path)
    clean(out)
    assert (out.records, len(out.event_rows), out.scoped_out) == (5, 4, 1)
    assert [(e["n"], e["kind"], e["thread_kind"]) for e in out.event_rows] == [
        (1, "call", "direct"), (2, "call", "direct"), (4, "call", "group"), (5, "message", "direct")
    ]  # fmt: skip
    assert (out.event_rows[1]["local_time"], out.event_rows[1]["ts_precision"]) == (T * 10**6 + 5_250_000, "ms")
    assert out.event_rows[3]["identifier"] == A
    assert any("not read: 1" in n for n in out.notes)
    raw = open_record(source_of(path), "sql:sms/1", "leapp-lava", 5)
    assert SECRET not in raw.masked and "Received" in raw.masked


def test_lava_without_anything_known(tmp_path: Path) -> None:
    out = collect(LAVA, lava(tmp_path / "x.db", {"notes": ("Title|Body", [[SECRET, SECRET]])}))
    assert out.records == 0 and any("none of the tables" in n for n in out.notes)


def test_json_faults() -> None:
    data = as_json(SMS, sms("Received"), sms("Sent"))
    out = collect(JSON, data.replace(b'"Sent"', b'"Sent'))
    assert out.conserved() and out.kept == 1 and len(out.rejects) >= 1
    for cut in range(data.index(b'"data"') + 10, len(data), 3):
        out = collect(JSON, data[:cut])
        assert out.conserved()
    with pytest.raises(Unreadable):
        collect(JSON, as_json("a|b|c", [1, 2, 3]))
    reordered = json.loads(data)
    other = json.dumps(
        {"metadata": reordered["metadata"], "data": reordered["data"], "headers": reordered["headers"]}
    ).encode()
    assert recognise(head_of(other))[1] == "known" and collect(JSON, other).kept == 2


def test_the_sample() -> None:
    path = sample("leapp/sms.sms.josh_ios15_ffs.20260725222900.json")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "leapp-json")
    out = collect(JSON, path)
    assert (out.records, out.kept, len(out.rejects), out.conserved()) == (48, 48, 0, True)
    raw = json.loads(path.read_bytes())
    rows = [dict(zip(raw["headers"], r, strict=True)) for r in raw["data"]]
    assert [e["local_time"] for e in out.event_rows] == [r["Message Timestamp"] * 10**6 for r in rows]
    assert Counter(e["direction"] for e in out.event_rows) == {"in": 33, "out": 15}
    assert Counter(e["channel"] for e in out.event_rows) == {"imessage": 32, "sms": 16}
    assert [e["size"] for e in out.event_rows] == [len((r["Message"] or "").replace("\ufffc", "")) for r in rows]
    texts = [t for r in rows if len(t := r["Message"] or "") > 8]
    shown = repr((out.event_rows, out.notes, out.rejects))
    assert not any(t in shown for t in texts)
    source = source_of(path)
    for e in out.event_rows:
        opened = open_record(source, e["record"], "leapp-json", e["n"])
        assert json.loads(opened.data)[0] == e["local_time"] // 10**6
        assert not any(t in opened.masked for t in texts)


def test_located_and_masked() -> None:
    data = tsv(SMS, sms("Received", body=f"{SECRET}\n{SECRET}"), sms("Sent"))
    source = source_of(data)
    out = collect(TSV, data)
    assert [e["record"] for e in out.event_rows] == ["lines:2-3", "line:4"]
    for e in out.event_rows:
        opened = open_record(source, e["record"], "leapp-tsv", e["n"])
        assert opened.complete and SECRET not in opened.masked and A in opened.masked


def test_columns_of_content_are_never_shown() -> None:
    for name in ("message", "body", "text", "content", "data", "transcription", "attachment_name", "conversation_name", "group_name",
                 "chat", "thread", "snippet", "notes", "about", "note", "subject", "media", "action_data"):  # fmt: skip
        assert name not in SHOWN


def test_every_table_is_told_from_every_other() -> None:
    for shape in SHAPES:
        assert shape_of(shape.key) is shape


@pytest.mark.parametrize(
    "data", [b"", b"a\tb\n", b"{}", b'{"metadata": {}}', b"Display Name\tPhone Number\n", b"SQLite format 3\0"]
)
def test_not_recognised(data: bytes) -> None:
    assert (
        TSV.recognise(head_of(data)) is None
        and JSON.recognise(head_of(data)) is None
        and LAVA.recognise(head_of(data)) is None
    )
