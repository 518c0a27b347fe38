"""Magnet AXIOM: zone and order in the names of columns, people, apps by title, service and file, CSV and workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.axiom import READER
from pipelines.readers.base import Unreadable, Waiting
from tests.collect import Collected, collect, context, head_of, source_of
from tests.lab_tables import workbook

SECRET = "zxqvsecret"
T = 1_760_804_405_000_000  # 2025-10-18T16:20:05Z
WHEN = "18/10/2025 16:20:05"
A, B, C = "+77010000001", "+77010000002", "+77010000003"
Z = "UTC+00:00 (dd/MM/yyyy)"
CALLS = ["Record", f"Call Date/Time - {Z}", "Direction", "Call Status", "Type", "Call Duration", "Partner", "Partner Name",
         "Partner Location", "Local User", "Source", "Item ID"]  # fmt: skip
ANDROID = ["Record", "Sender", "Sender Phone Number", "Recipient", "Message", f"Message Sent Date/Time - {Z}", "Message Status",
           "Message Type", "_ThreadID", "Attachments", "Source", "Location"]  # fmt: skip
WHATSAPP = [
    "Record",
    "Sender",
    "Recipient",
    "Message",
    f"Message Sent Date/Time - {Z}",
    "Message Status",
    "Type",
    "Chat ID",
    "Source",
]
TELEGRAM = ["Record", "Sender", "Sender ID", "Recipient", "Recipient ID", "Message Body", f"Created Date/Time - {Z}", "Direction", "Type",
            "_ChatId", "_ThreadID"]  # fmt: skip
TIKTOK = ["Record", "Sender", "Recipient", "Message", f"Created Date/Time - {Z}", "Message Type", "_ThreadID"]
CONTACTS = [
    "Record",
    "Display Name",
    "Phone Number(s)",
    "Source Account Type(s)",
    f"Last Time Contacted Date/Time - {Z}",
]


def call(direction: str = "", status: str = "", duration: Any = "00:00:00", partner: str = A, kind: str = "", local: str = "",
         when: Any = WHEN) -> list[Any]:  # fmt: skip
    return [1, when, direction, status, kind, duration, partner, SECRET, "Almaty", local, "calllog.db", 1]


def sms(status: str, sender: str = "", number: str = "", to: str = "", when: Any = WHEN, media: str = "") -> list[Any]:
    return [1, sender, number, to, SECRET, when, status, "SMS", 7, media, r"x\mmssms.db", "Table: sms(_id: 5)"]


def as_csv(*rows: Sequence[Any], encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(encoding)


def read(data: bytes | None = None, ctx: Any = None, name: str = "", **sheets: list[Sequence[Any]]) -> Collected:
    titles = {"calls": "Android Call Logs", "sms": "Android Messages", "whatsapp": "WhatsApp Messages - Android",
              "telegram": "Telegram Messages - Android", "tiktok": "TikTok Messages", "contacts": "Android Contacts"}  # fmt: skip
    out = collect(READER, data or workbook({titles.get(k, k): v for k, v in sheets.items()}), name=name, ctx=ctx)
    assert out.conserved()
    assert SECRET not in repr((out.event_rows, out.position_rows, out.notes, out.rejects, out.covers, out.owners))
    return out


@pytest.mark.parametrize(
    ("row", "want"),
    [
        (call("Incoming", "Answered", "00:01:05"), ("in", A, True, 65, None)),
        (call("Incoming", "Missed"), ("in", A, False, None, "missed")),
        (call("", "Missed"), ("in", A, False, None, "missed")),
        (call("Incoming", "Rejected"), ("in", A, False, None, "rejected")),
        (call("Outgoing", "", 12), ("out", A, True, 12, None)),
        (call("Outgoing", "", 0), ("out", A, False, 0, None)),
        (call("Incoming", "", "00:00:00", ""), ("in", None, None, 0, None)),
        (call("Incoming", "Missed", partner="Unknown number"), ("in", None, False, None, "missed")),
        (call("", "", "00:00:05"), ("unknown", A, True, 5, None)),
        (call("Incoming", "Answered", 5, f"Anna <{A}>"), ("in", A, True, 5, None)),
    ],
)
def test_calls(row: list[Any], want: tuple[Any, ...]) -> None:
    (got,) = read(calls=[CALLS, row]).event_rows
    assert (got["direction"], got["identifier"], got["answered"], got["duration_s"], got["tags"]) == want
    assert (got["channel"], got["kind"], got["how"], got["record"], got["n"]) == (
        "phone",
        "call",
        "lab",
        "cell:Android Call Logs!2",
        1,
    )
    assert (got["local_time"], got["zone_basis"], got["ts_precision"]) == (T, "utc", "s")


def test_the_local_user_is_the_owner() -> None:
    out = read(calls=[CALLS, call("Incoming", "Missed", local=f"Local User <{B}>")])
    assert out.owners == [B] and out.event_rows[0]["owner_line"] == B
    caller = ["Record", f"Call Date/Time - {Z}", "Caller", "Recipient(s)", "Call Status", "Call Duration"]
    out = read(calls=[caller, [1, WHEN, f"Local User <{B}>", A, "", "00:00:03"], [2, WHEN, A, f"Local User <{B}>", "Missed", ""],
                      [3, WHEN, A, C, "", "00:00:03"]])  # fmt: skip
    rows = [(e["direction"], e["identifier"], e["sender"]) for e in out.event_rows]
    assert rows == [("out", A, None), ("in", A, None), ("unknown", None, A)]
    assert out.owners == [B]


@pytest.mark.parametrize(
    ("row", "want"),
    [
        (sms("Received", "Anna", A), ("in", A, "delivered", "direct")),
        (sms("Sent", to=f"Anna <{A}>"), ("out", A, "sent", "direct")),
        (sms("Received", "7111"), ("in", "short:7111", "delivered", "direct")),
        (sms("Received", "Kaspi"), ("in", "alpha:Kaspi", "delivered", "direct")),
        (sms("Sent", to=f"{A}; {C}"), ("out", None, "sent", "group")),
        (sms("", f"Local User <{B}>", "", A), ("out", A, "unknown", "direct")),
        (sms("", A, "", "Local User"), ("in", A, "delivered", "direct")),
        (sms("", A, "", C), ("unknown", None, "unknown", "direct")),
    ],
)
def test_sms(row: list[Any], want: tuple[Any, ...]) -> None:
    (got,) = read(sms=[ANDROID, row]).event_rows
    assert (got["direction"], got["identifier"], got["status"], got["thread_kind"]) == want
    assert (got["channel"], got["size"], got["attachment"]) == ("sms", len(SECRET), "none")


def test_apps() -> None:
    ja = "77010000001@s.whatsapp.net"
    out = read(
        whatsapp=[WHATSAPP, [1, ja, "Local User <77010000002@s.whatsapp.net>", SECRET, WHEN, "Received", "Text", ja, ""],
                  [2, "Local User <77010000002@s.whatsapp.net>", "7701-1@g.us", SECRET, WHEN, "Sent", "Text", "7701-1@g.us", ""],
                  [3, "", "", SECRET, WHEN, "", "System", "", ""]],
        telegram=[TELEGRAM, [1, "Anna", 55, "Me", 66, SECRET, WHEN, "Received", "Text", 55, 55],
                  [2, "Me", 66, "Anna", 55, SECRET, WHEN, "Sent", "Text", 55, 55]],
        tiktok=[TIKTOK, [1, "anna", "me_too", SECRET, WHEN, "Text", "t1"]],
    )  # fmt: skip
    rows = [(e["channel"], e["direction"], e["identifier"], e["thread_kind"], e["thread_id"]) for e in out.event_rows]
    assert rows == [
        ("whatsapp", "in", A, "unknown", f"whatsapp:{ja}"), ("whatsapp", "out", None, "group", "whatsapp:7701-1@g.us"),
        ("telegram", "in", "telegram:user55", "unknown", "telegram:55"), ("telegram", "out", "telegram:user55", "unknown", "telegram:55"),
        ("tiktok", "unknown", None, "unknown", "tiktok:t1"),
    ]  # fmt: skip
    assert out.event_rows[4]["sender"] == "tiktok:name:anna" and out.scoped_out == 1 and out.owners == [B]


def test_the_declared_owner_settles_the_direction() -> None:
    out = read(None, context(owner=["me_too"]), tiktok=[TIKTOK, [1, "anna", "me_too", SECRET, WHEN, "Text", "t1"],
                                                       [2, "me_too", "anna", SECRET, WHEN, "Text", "t1"]])  # fmt: skip
    assert [(e["direction"], e["identifier"]) for e in out.event_rows] == [
        ("in", "tiktok:name:anna"),
        ("out", "tiktok:name:anna"),
    ]


@pytest.mark.parametrize(
    ("title", "source", "channel"),
    [
        ("Android WhatsApp Messages", "", "whatsapp"), ("Instagram Direct Messages", "", "instagram"), ("Twitter Direct Messages", "", "x"),
        ("iOS iMessage/SMS/MMS", "", "imessage"), ("Android SMS/MMS", "", "sms"), ("Snapchat Chat Messages", "", "snapchat"),
        ("Chats", r"data\com.whatsapp\databases\msgstore.db", "whatsapp"), ("Chat Messages", r"data\org.telegram.messenger\cache4.db", "telegram"),
        ("Messages", r"x\mmssms.db", "sms"), ("Zalo Messages", "", "other"),
    ],
)  # fmt: skip
def test_the_app_of_a_table(title: str, source: str, channel: str) -> None:
    out = collect(
        READER,
        workbook({title[:31].replace("/", " "): [WHATSAPP, [1, A, "", SECRET, WHEN, "Received", "", "", source]]}),
    )
    assert out.event_rows[0]["channel"] == channel


def test_contacts() -> None:
    out = read(contacts=[CONTACTS, [1, "Anna B", f"Mobile: {A}\nHome: {B}", "x", WHEN], [2, "", "", "", ""]])
    assert [(r["channel"], r["list"], r["identifier"], r["label"], r["sub"]) for r in out.listed_rows] == [
        ("phone", "address_book", A, "Anna B", 1), ("phone", "address_book", B, "Anna B", 2)
    ]  # fmt: skip
    assert (out.records, out.scoped_out) == (2, 1)


# -- times


@pytest.mark.parametrize(
    ("column", "when", "want"),
    [
        ("Call Date/Time - UTC+00:00 (M/d/yyyy)", "10/18/2025 4:20:05 PM", (T, "utc", None, "s")),
        ("Call Date/Time - UTC+00:00 (M/d/yyyy)", "10/8/2025 4:20:05 PM", (T - 864_000_000_000, "utc", None, "s")),
        ("Call Date/Time - UTC+05:00 (dd/MM/yyyy)", "18/10/2025 21:20:05", (T + 18_000_000_000, "stated", 18_000, "s")),
        ("Call Date/Time - UTC-06:00 (M/d/yyyy)", "10/18/2025 10:20:05", (T - 21_600_000_000, "stated", -21_600, "s")),
        ("Call Date/Time - UTC+00:00 (dd.MM.yyyy)", "18.10.2025 16:20:05.250", (T + 250_000, "utc", None, "ms")),
        ("Call Date/Time - UTC+00:00 (yyyy-MM-dd)", "2025-10-18 16:20:05", (T, "utc", None, "s")),
        ("Call Date/Time - UTC+00:00 (dd/MM/yyyy)", datetime(2025, 10, 18, 16, 20, 5), (T, "utc", None, "s")),
        ("Data/hora da chamada - UTC+00:00 (dd/MM/yyyy)", WHEN, (T, "utc", None, "s")),
    ],
)
def test_zone_and_order_of_the_column(column: str, when: Any, want: tuple[Any, ...]) -> None:
    (got,) = read(calls=[[CALLS[0], column, *CALLS[2:]], call("Incoming", "Missed", when=when)]).event_rows
    assert (got["local_time"], got["zone_basis"], got["stated_offset_s"], got["ts_precision"]) == want


def test_a_zone_with_summer_time_waits() -> None:
    header = [CALLS[0], "Call Date/Time - UTC-06:00 (M/d/yyyy)[DST]", *CALLS[2:]]
    with pytest.raises(Waiting):
        read(calls=[header, call("Incoming", when="10/18/2025 10:20:05")])
    (got,) = read(
        None, context(timezone="America/Chicago"), calls=[header, call("Incoming", when="10/18/2025 10:20:05")]
    ).event_rows
    assert got["zone_basis"] == "case"


def test_the_best_of_several_times() -> None:
    header = [
        "Sender",
        f"Received Date/Time - {Z}",
        f"Read Date/Time - {Z}",
        f"Message Sent Date/Time - {Z}",
        "Message",
        "Message Status",
    ]
    out = read(sms=[header, [A, "18/10/2025 17:00:00", "18/10/2025 18:00:00", WHEN, SECRET, "Received"],
                    [A, "18/10/2025 17:00:00", "18/10/2025 18:00:00", "", SECRET, "Received"]])  # fmt: skip
    assert [e["local_time"] for e in out.event_rows] == [T, T + 2_395_000_000]


@pytest.mark.parametrize(
    "when", ["", SECRET, "32/10/2025 16:20:05", "18/10/2025", "18/10/1975 16:20:05", "18/10/2036 16:20:05"]
)
def test_no_time(when: str) -> None:
    out = read(calls=[CALLS, call("Incoming", when=when), call("Incoming")])
    assert (out.kept, len(out.rejects)) == (1, 1)


# -- the file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv(encoding: str) -> None:
    data = as_csv(ANDROID, sms("Received", "Anna", A), sms("Sent", to=A), encoding=encoding)
    claims, verdict = recognise(head_of(data, "Android Messages.csv"))
    assert (verdict, claims[0][0]) == ("known", "axiom")
    out = read(data, name="Android Messages.csv")
    assert [(e["direction"], e["record"]) for e in out.event_rows] == [("in", "line:2"), ("out", "line:3")]


def test_csv_located_and_masked() -> None:
    rows = [ANDROID, sms("Received", "Anna", A), sms("Sent", to=A)]
    rows[1][4] = f"{SECRET}\n{SECRET}"
    data = as_csv(*rows)
    for e in read(data, name="x.csv").event_rows:
        opened = open_record(source_of(data), e["record"], "axiom", e["n"])
        assert SECRET not in opened.masked and A in opened.masked and WHEN in opened.masked


def test_truncated_csv() -> None:
    data = as_csv(ANDROID, sms("Received", "Anna", A), sms("Sent", to=A), encoding="utf-8")
    whole = read(data).event_rows
    for cut in range(len(as_csv(ANDROID, encoding="utf-8")), len(data)):
        out = collect(READER, data[:cut])
        assert out.conserved() and out.event_rows[:-1] == whole[: max(0, len(out.event_rows) - 1)]


def test_recognised_located_and_masked() -> None:
    data = workbook({"Web History": [["URL", f"Last Visited Date/Time - {Z}"]], "Android Messages": [ANDROID, sms("Received", "Anna", A)],
                     "Android Call Logs": [CALLS, call("Incoming", "Missed")]})  # fmt: skip
    claims, verdict = recognise(head_of(data))
    assert (verdict, [c[0] for c in claims]) == ("known", ["axiom"])
    out = collect(READER, data)
    assert out.records == 2 and any("not read: 1" in n for n in out.notes)
    for e in out.event_rows:
        opened = open_record(source_of(data), e["record"], "axiom", e["n"])
        assert (
            SECRET not in opened.masked.replace(f"Partner Name: {SECRET}", "")
            and A in opened.masked
            and WHEN in opened.masked
        )


def test_repeated_headers_and_gaps() -> None:
    out = read(calls=[["Exported by AXIOM"], [], CALLS, call("Incoming"), [], CALLS, call("Outgoing")])
    assert [(e["n"], e["record"]) for e in out.event_rows] == [
        (1, "cell:Android Call Logs!4"),
        (2, "cell:Android Call Logs!7"),
    ]


def test_nothing_that_is_known() -> None:
    with pytest.raises(Unreadable):
        read(**{"Web History": [["URL", f"Last Visited Date/Time - {Z}"], ["x", WHEN]]})
    with pytest.raises(Unreadable):
        collect(READER, b"")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", as_csv(["URL", f"Visited Date/Time - {Z}"], ["x", WHEN]),
                                  as_csv(["Sender", "Recipient", "Message"], ["a", "b", "c"])])  # fmt: skip
def test_not_recognised(data: bytes) -> None:
    assert READER.recognise(head_of(data)) is None
