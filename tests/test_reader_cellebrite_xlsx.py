"""Cellebrite reports: sheets by title and columns, people, order of dates, owner's accounts, CSV, damage, masking."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.cellebrite_xlsx import READER, Party, parties
from tests.collect import Collected, collect, context, head_of, source_of
from tests.lab_tables import workbook

SECRET = "zxqvsecret"
T = 1_760_804_405_000_000  # 2025-10-18T16:20:05Z
WHEN = "18/10/2025 16:20:05(UTC+0)"
A, B, C = "+77010000001", "+77010000002", "+77010000003"
CALLS = [
    "#",
    "Parties",
    "Time",
    "Duration",
    "Direction",
    "Status",
    "Type",
    "Source",
    "Account",
    "Deleted",
    "Source file information",
]
CHATS = [
    "#", "Chat #", "Identifier", "Start Time: Date", "Start Time: Time", "Name", "Description", "Participants", "Source", "Account",
    "Deleted - Chat", "Tag Note - Chat", "Instant Message #", "From", "To", "Subject", "Body", "Status", "Label", "Location",
    "Timestamp: Date", "Timestamp: Time", "Delivered: Time", "Attachment #1", "Attachment #1 - Details", "Deleted - Instant Message",
]  # fmt: skip
SMS = ["#", "Parties", "Folder", "Status", "Timestamp-Date", "Timestamp-Time", "Body", "SMSC", "Source", "Deleted"]
CONTACTS = ["#", "Name", "Interaction Statuses", "Entries", "Source", "Account"]
PLACES = ["#", "Time", "Position", "Category", "Type", "Origin", "Map Address", "Source", "Deleted"]


def call(who: str, direction: str = "", status: str = "", duration: Any = "00:00:00", kind: str = "", source: str = "",
         when: Any = WHEN, account: str = "", deleted: str = "") -> list[Any]:  # fmt: skip
    return [1, who, when, duration, direction, status, kind, source, account, deleted, SECRET]


def chat(sender: str, body: str = SECRET, to: str = "", members: str = "", source: str = "WhatsApp", when: Any = WHEN, number: Any = 1,
         account: str = "", status: str = "", native: str = "", attachment: str = "", deleted: str = "", date: str = "") -> list[Any]:  # fmt: skip
    return [1, number, native, "", "", SECRET, SECRET, members, source, account, "", "", 1, sender, to, SECRET, body, status, "", "",
            date, when, "", attachment, SECRET, deleted]  # fmt: skip


def sheet(header: Sequence[Any], *rows: Sequence[Any], title: str = SECRET) -> list[Sequence[Any]]:
    return [[title], header, *rows]


def read(ctx: Any = None, **sheets: list[Sequence[Any]]) -> Collected:
    titles = {"calls": "Call Log", "chats": "Chats", "sms": "SMS Messages", "contacts": "Contacts", "places": "Locations",
              "accounts": "User Accounts", "timeline": "Timeline"}  # fmt: skip
    out = collect(READER, workbook({titles.get(k, k): v for k, v in sheets.items()}), ctx=ctx)
    assert out.conserved()
    assert SECRET not in repr((out.event_rows, out.position_rows, out.notes, out.rejects, out.covers, out.owners))
    return out


# -- people


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (f"From: {A} Anna B\nTo: {B}", [Party("from", A, "Anna B", False), Party("to", B, "", False)]),
        ("From:  +7 701 000 00 01 Anna", [Party("from", "+7 701 000 00 01", "Anna", False)]),
        ("77010000001@s.whatsapp.net Anna (owner)", [Party("", "77010000001@s.whatsapp.net", "Anna", True)]),
        ("Anna Maria", [Party("", "", "Anna Maria", False)]), ("Kaspi", [Party("", "Kaspi", "", False)]),
        (f"От: {A} Анна", [Party("from", A, "Анна", False)]), (f"Para: {A}", [Party("to", A, "", False)]),
        (f"General: {A}", [Party("", A, "", False)]), ("", []), ("\n \n", []), ("777000 Telegram", [Party("", "777000", "Telegram", False)]),
    ],
)  # fmt: skip
def test_parties(text: str, want: list[Party]) -> None:
    assert list(parties(text)) == want


# -- calls


@pytest.mark.parametrize(
    ("row", "want"),
    [
        (call(f"From: {A} Anna", "Incoming", "Established", "00:01:05"), ("in", A, True, 65, None)),
        (call(f"From: {A} Anna\n_x000D_To: {B} (owner)", "Incoming", "Missed"), ("in", A, False, None, "missed")),
        (call(f"To: {A}", "Outgoing", "", "00:00:00"), ("out", A, False, 0, None)),
        (call(f"From: {A}", "", "Missed"), ("in", A, False, None, "missed")),
        (call(f"To: {A}", "", "", "00:00:09"), ("out", A, True, 9, None)),
        (call(f"From: {A}", "Incoming", "Rejected"), ("in", A, False, None, "rejected")),
        (call(A, "Incoming", "", "00:00:00"), ("in", A, None, 0, None)),
        (call(A, "", "", "00:00:04"), ("unknown", A, True, 4, None)),
        (call("", "Incoming", "Missed"), ("in", None, False, None, "missed")),
        (call("From: Unknown number", "Incoming", "Missed"), ("in", None, False, None, "missed")),
        (call(f"From: {A}", "Входящий", "Пропущенный"), ("in", A, False, None, "missed")),
        (call(f"From: {A}", "Eingehend", "Verpasst"), ("in", A, False, None, "missed")),
    ],
)
def test_calls(row: list[Any], want: tuple[Any, ...]) -> None:
    out = read(calls=sheet(CALLS, row))
    (got,) = out.event_rows
    assert (got["direction"], got["identifier"], got["answered"], got["duration_s"], got["tags"]) == want
    assert (got["channel"], got["kind"], got["how"], got["record"], got["n"]) == (
        "phone",
        "call",
        "lab",
        "cell:Call Log!3",
        1,
    )
    assert (got["local_time"], got["zone_basis"], got["ts_precision"]) == (T, "utc", "s")


def test_calls_of_apps_and_groups() -> None:
    out = read(calls=sheet(
        CALLS, call("From: 77010000001@s.whatsapp.net Anna", "Incoming", source="WhatsApp", account="77010000002@s.whatsapp.net"),
        call(f"From: {A}\nFrom: {C}", "Incoming", source="Viber"), call("From: 55 Anna", "Incoming", source="Telegram"),
        call("From: anna.b Anna", "Incoming", source="Some App", deleted="Yes"),
    ))  # fmt: skip
    rows = [(e["channel"], e["identifier"], e["thread_kind"], e["owner_line"], e["tags"]) for e in out.event_rows]
    assert rows == [
        ("whatsapp", A, "direct", B, None), ("viber", None, "group", None, None), ("telegram", "telegram:user55", "direct", None, None),
        ("other", "some-app:anna.b", "direct", None, "deleted"),
    ]  # fmt: skip
    assert any("deleted" in n for n in out.notes)


# -- chats and messages


def test_direction_of_a_chat() -> None:
    members = "77010000001@s.whatsapp.net Anna\n77010000002@s.whatsapp.net Me"
    said = "77010000001@s.whatsapp.net Anna"
    own = "77010000002@s.whatsapp.net Me"
    marked = read(
        chats=sheet(
            CHATS, chat(said, members=members.replace("Me", "Me (owner)")), chat(f"{own} (owner)", members=members)
        )
    )
    assert [(e["direction"], e["identifier"], e["thread_kind"]) for e in marked.event_rows] == [
        ("in", A, "direct"),
        ("out", A, "direct"),
    ]
    by_account = read(
        chats=sheet(CHATS, chat(said, members=members, account=own), chat(own, members=members, account=own))
    )
    assert [(e["direction"], e["identifier"]) for e in by_account.event_rows] == [("in", A), ("out", A)]
    declared = read(context(owner=[B]), chats=sheet(CHATS, chat(said, members=members), chat(own, members=members)))
    assert [(e["direction"], e["identifier"]) for e in declared.event_rows] == [("in", A), ("out", A)]
    accounts = read(
        chats=sheet(CHATS, chat(said, members=members), chat(own, members=members)),
        accounts=sheet(["#", "Username", "Source", "Name"], [1, "77010000002@s.whatsapp.net", "WhatsApp", SECRET]),
    )
    assert [(e["direction"], e["identifier"]) for e in accounts.event_rows] == [("in", A), ("out", A)]
    assert accounts.owners == [B]
    nobody = read(chats=sheet(CHATS, chat(said, members=members), chat(own, members=members)))
    assert [(e["direction"], e["identifier"], e["sender"]) for e in nobody.event_rows] == [
        ("unknown", None, A),
        ("unknown", None, B),
    ]
    assert len({e["thread_id"] for e in nobody.event_rows}) == 1


def test_groups_system_lines_and_chat_columns_that_stand_once() -> None:
    members = "\n".join(f"{n[1:]}@s.whatsapp.net X" for n in (A, B, C))
    own = f"{B[1:]}@s.whatsapp.net"
    out = read(chats=sheet(
        CHATS, chat(f"{A[1:]}@s.whatsapp.net X", members=members, account=own, native="7701-1@g.us"),
        chat(f"{own} Me", members="", source="", account=""), chat("System Message System Message"),
        chat(f"{A[1:]}@s.whatsapp.net X", number=2, members="", account=own, attachment=f"{SECRET}.opus"),
    ))  # fmt: skip
    rows = [(e["direction"], e["thread_kind"], e["channel"], e["identifier"], e["attachment"]) for e in out.event_rows]
    assert rows == [
        ("in", "group", "whatsapp", A, "none"), ("out", "group", "whatsapp", None, "none"), ("unknown", "direct", "whatsapp", None, "voice")
    ]  # fmt: skip
    assert (out.event_rows[0]["thread_id"], out.event_rows[0]["participants_n"], out.scoped_out) == (
        "whatsapp:7701-1@g.us",
        3,
        1,
    )


@pytest.mark.parametrize(
    ("who", "folder", "status", "want"),
    [
        (f"From: {A}", "Inbox", "Read", ("in", A, "delivered")), (f"To: {A}", "Sent", "Sent", ("out", A, "sent")),
        (f"From: {A}", "", "", ("in", A, "delivered")), (f"To: {A}", "", "", ("out", A, "unknown")),
        ("From: Kaspi", "Inbox", "", ("in", "alpha:Kaspi", "delivered")), ("From: 7111", "Inbox", "", ("in", "short:7111", "delivered")),
    ],
)  # fmt: skip
def test_sms(who: str, folder: str, status: str, want: tuple[Any, ...]) -> None:
    out = read(sms=sheet(SMS, [1, who, folder, status, "18/10/2025", WHEN, SECRET, A, "", ""]))
    (got,) = out.event_rows
    assert (got["direction"], got["identifier"], got["status"]) == want
    assert (got["channel"], got["size"], got["thread_id"]) == ("sms", len(SECRET), got["identifier"])


def test_drafts_and_full_cells() -> None:
    out = read(sms=sheet(SMS, [1, f"To: {A}", "Drafts", "", "", WHEN, SECRET, "", "", ""],
                         [2, f"To: {A}", "Sent", "", "", WHEN, "y" * 32_767, "", "", ""]))  # fmt: skip
    assert (out.kept, out.scoped_out, out.event_rows[0]["size"]) == (1, 1, None)
    assert any("fill their cell" in n for n in out.notes)


# -- contacts and places


def test_contacts() -> None:
    entries = (
        f"Phone-Mobile: {A}\nPhone-: phone number is {B}\nUser ID-WhatsApp User Id: {C[1:]}@s.whatsapp.net\n"
        "User ID-Push Name: Somebody\nEmail-Home: a@b.example\nWeb address-Home: http://x"
    )
    out = read(contacts=sheet(CONTACTS, [1, "Anna B", "", entries, "Native", ""], [2, "Who", "Blocked", "User ID-Id: 55", "Telegram", ""],
                              [3, "", "", "", "", "x"]))  # fmt: skip
    rows = [(r["channel"], r["list"], r["identifier"], r["label"]) for r in out.listed_rows]
    assert rows == [
        ("phone", "address_book", A, "Anna B"), ("phone", "address_book", B, "Anna B"), ("phone", "address_book", C, "Anna B"),
        ("phone", "address_book", "mail:a@b.example", "Anna B"), ("telegram", "address_book", "telegram:user55", "Who"),
        ("telegram", "blocked", "telegram:user55", "Who"),
    ]  # fmt: skip
    assert out.scoped_out == 1 and [r["sub"] for r in out.listed_rows] == [1, 2, 3, 4, 1, 2]


def test_places_only_of_the_device() -> None:
    def place(position: str, origin: str, category: str = "") -> list[Any]:
        return [1, WHEN, position, category, "", origin, SECRET, "", ""]

    out = read(places=sheet(PLACES, place("(43.238900, 76.889700)", "Device"), place("(43.2, 76.8)", "External"), place("(43.2, 76.8)", ""),
                            place("(43.2, 76.8)", "Device", "Media Locations"), place(SECRET, "Device"),
                            place("(43,2389; 76,8897)", "Device", "Cell Towers")))  # fmt: skip
    rows = [(p["kind"], p["subject"], p["lat"], p["lon"], p["source_how"]) for p in out.position_rows]
    assert rows == [("fix", "owner", 43.2389, 76.8897, "unknown"), ("fix", "owner", 43.2389, 76.8897, "cell")]
    assert (out.scoped_out, [r[2] for r in out.rejects]) == (3, ["the position cannot be read"])


# -- times


def test_order_of_day_and_month() -> None:
    early, late = "05/10/2025 16:20:05(UTC+0)", "10/18/2025 4:20:05 PM(UTC+0)"
    out = read(calls=sheet(CALLS, call(A, when=early), call(A, when=WHEN)))
    assert [datetime.fromtimestamp(e["local_time"] / 1e6).month for e in out.event_rows] == [10, 10]
    out = read(calls=sheet(CALLS, call(A, when=early), call(A, when=late)))
    assert out.event_rows[1]["local_time"] == T
    assert out.event_rows[0]["local_time"] == int(datetime(2025, 5, 10, 16, 20, 5).timestamp()) * 10**6
    # another sheet of the same report shows the order
    out = read(
        calls=sheet(CALLS, call(A, when=early)), sms=sheet(SMS, [1, f"To: {A}", "Sent", "", "", WHEN, "", "", "", ""])
    )
    assert out.kept == 2 and any("other sheets" in n for n in out.notes)
    with pytest.raises(Waiting) as waiting:
        read(calls=sheet(CALLS, call(A, when=early)))
    assert "date_order" in waiting.value.lines
    assert read(context(date_order="mdy"), calls=sheet(CALLS, call(A, when=early))).event_rows[0]["local_time"] != T
    # a day that is the same either way needs nothing
    assert read(calls=sheet(CALLS, call(A, when="05/05/2025 16:20:05(UTC+0)"))).kept == 1
    # what contradicts itself: only plain dates are kept
    out = read(calls=sheet(CALLS, call(A, when=early), call(A, when=WHEN), call(A, when=late)))
    assert (out.kept, len(out.rejects)) == (2, 1) and any("contradict" in n for n in out.notes)


@pytest.mark.parametrize(
    ("when", "want"),
    [
        ("18/10/2025 21:20:05(UTC+5)", (T + 18_000_000_000, "stated", 18_000, "s")),
        ("18/10/2025 21:50:05(UTC+5:30)", (T + 19_800_000_000, "stated", 19_800, "s")),
        ("18.10.2025 16:20:05.250(UTC+0)", (T + 250_000, "utc", None, "ms")),
        ("2025-10-18 16:20:05(UTC+0)", (T, "utc", None, "s")), ("18/10/2025 16:20(UTC+0)", (T - 5_000_000, "utc", None, "min")),
        ("18/10/2025 16:20:05", (T, "case", None, "s")), (datetime(2025, 10, 18, 16, 20, 5), (T, "case", None, "s")),
    ],
)  # fmt: skip
def test_times(when: Any, want: tuple[Any, ...]) -> None:
    (got,) = read(calls=sheet(CALLS, call(A, "Incoming", when=when))).event_rows
    assert (got["local_time"], got["zone_basis"], got["stated_offset_s"], got["ts_precision"]) == want


def test_date_and_time_in_two_columns() -> None:
    (got,) = read(chats=sheet(CHATS, chat(A, when="16:20:05(UTC+0)", date="18/10/2025"))).event_rows
    assert got["local_time"] == T


@pytest.mark.parametrize("when", ["", SECRET, "32/10/2025 16:20:05", "18/10/25 16:20:05", "18/10/2025", "18/10/1975 16:20:05(UTC+0)",
                                  "18/10/2025 25:20:05", "18/10/2025 16:20:05(UTC+99)"])  # fmt: skip
def test_no_time(when: str) -> None:
    out = read(calls=sheet(CALLS, call(A, "Incoming", when=when), call(A, "Incoming")))
    assert (out.kept, len(out.rejects)) == (1, 1)


# -- the file


def test_sheets_that_are_not_read() -> None:
    out = read(
        calls=sheet(CALLS, call(A, "Incoming")),
        timeline=sheet(CALLS, call(A, "Incoming")),
        **{"Web History": [["#", "URL"]]},
    )
    assert out.records == 1 and any("not read: 2" in n for n in out.notes)
    with pytest.raises(Unreadable):
        read(timeline=sheet(CALLS, call(A, "Incoming")))
    numbered = collect(
        READER,
        workbook(
            {"Call Log (1)": sheet(CALLS, call(A, "Incoming")), "Call Log (2)": sheet(CALLS, call(B, "Incoming"))}
        ),
    )
    assert [e["record"] for e in numbered.event_rows] == ["cell:Call Log (1)!3", "cell:Call Log (2)!3"]


def test_portuguese_columns() -> None:
    header = ["#", "De", "Para", "Corpo", "Marcação de tempo-Hora", "Anexo #1", "Origem", "Rótulo", "Excluído"]
    out = collect(READER, workbook({"Mensagens SMS": [[""], header, [1, A, "", SECRET, WHEN, "a.jpg", "", "", "Sim"]]}))
    (got,) = out.event_rows
    assert (got["direction"], got["identifier"], got["attachment"], got["tags"]) == ("in", A, "image", "deleted")


def test_empty_rows_and_repeated_headers() -> None:
    out = read(calls=[[SECRET], CALLS, call(A, "Incoming"), [], CALLS, call(B, "Incoming")])
    assert [(e["n"], e["record"]) for e in out.event_rows] == [(1, "cell:Call Log!3"), (2, "cell:Call Log!6")]


def as_csv(*rows: Sequence[Any], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv(delimiter: str) -> None:
    data = as_csv(
        CHATS,
        chat(f"{A} Anna", f"{SECRET}\n{SECRET}", members=f"{A} Anna\n{B} Me (owner)"),
        chat(f"{B} Me (owner)"),
        delimiter=delimiter,
    )
    claims, verdict = recognise(head_of(data))
    assert (verdict, claims[0][0]) == ("known", "cellebrite-xlsx")
    out = collect(READER, data)
    assert out.conserved() and [(e["direction"], e["identifier"]) for e in out.event_rows] == [("in", A), ("out", A)]
    for e in out.event_rows:
        opened = open_record(source_of(data), e["record"], "cellebrite-xlsx", e["n"])
        assert SECRET not in opened.masked and "18/10/2025" in opened.masked


def test_recognised_located_and_masked() -> None:
    data = workbook(
        {
            "Summary": [["Report"]],
            "Chats": sheet(CHATS, chat(f"{A} Anna", members=A)),
            "Call Log": sheet(CALLS, call(A, "Incoming")),
        }
    )
    claims, verdict = recognise(head_of(data))
    assert (verdict, [c[0] for c in claims]) == ("known", ["cellebrite-xlsx"])
    out = collect(READER, data)
    for e in out.event_rows:
        opened = open_record(source_of(data), e["record"], "cellebrite-xlsx", e["n"])
        assert SECRET not in opened.masked and A in opened.masked and "18/10/2025" in opened.masked


def test_damaged_workbooks_end_in_a_sentence() -> None:
    data = workbook({"Call Log": sheet(CALLS, call(A, "Incoming"))})
    for cut in range(4, len(data), 97):
        with pytest.raises(Unreadable):
            collect(READER, data[:cut])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"#,a,b\n1,2,3\n", workbook({"Tabelle1": [["#", "Name"], [1, "x"]]}),
                                  workbook({"Contacts": [["Name", "Phone"], ["x", "y"]]})])  # fmt: skip
def test_not_recognised(data: bytes) -> None:
    assert READER.recognise(head_of(data)) is None
