"""XRY text export: rows by hand, directions, long messages, hostile texts, cut files, masking, locators."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.xry_txt import READER
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

SECRET = "zzcontentzz"
CALLS = [
    "Calls #\t1\r\nCall Type:\tMissed\r\nTime:\t1/25/2019 1:23:45 PM (Device)\r\nFrom\r\nTel:\t+77010000011\r\nName (Matched):\tK.\r\nDuration:\t00:00:00\r\nIndex:\t1",
    "Calls #\t2\r\nCall Type:\tDialed\r\nTime:\t1/26/2019 12:00:01 AM UTC+5\r\nTo\r\nTel:\t87010000012\r\nDuration:\t00:01:02",
    "Calls #\t3\r\nCall Type:\tReceived\r\nTime:\t1/27/2019 12:05:00 PM UTC\r\nFrom:\t+77010000011\r\nDeleted:\tYes",
    "Calls #\t4\r\nCall Type:\tOdd\r\nTime:\t1/28/2019 2:05:00 AM\r\nTel:\t+77010000013",
    "Calls #\t5\r\nCall Type:\tLast Dialed\r\nTel:\t+77010000013\r\nStorage:\tSIM",
]


def export(report: str, *records: str, encoding: str = "utf-16", end: str = "\r\n\r\n") -> bytes:
    head = f"XRY Export\r\nFile\t{SECRET}\r\n{report}\r\n\r\n\r\n"
    return (head + "".join(r + end for r in records)).encode(encoding)


def sms(number: int, *lines: str, text: str = "", time: str = "1/25/2019 1:23:45 PM") -> str:
    body = f"\r\nText:\t{text}" if text else ""
    return f"SMS #\t{number}\r\nTime:\t{time}" + "".join("\r\n" + x for x in lines) + body


def pick(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[n] for n in names)


def no_content(out: Collected) -> None:
    shown = repr((out.event_rows, out.position_rows, out.listed_rows, out.notes, out.rejects, out.covers, out.owners))
    assert SECRET not in shown


def test_calls() -> None:
    out = collect(READER, export("Calls", *CALLS))
    assert out.conserved() and out.records == 5
    assert out.rejects == [(5, "lines:33-36", "no time")]
    names = ("n", "direction", "answered", "duration_s", "identifier", "zone_basis", "stated_offset_s", "tags")
    assert [pick(r, *names) for r in out.event_rows] == [
        (1, "in", False, 0, "+77010000011", "case", None, "clock=device missed"),
        (2, "out", True, 62, "+77010000012", "stated", 18_000, None),
        (3, "in", None, None, "+77010000011", "utc", None, "deleted"),
        (4, "unknown", None, None, "+77010000013", "case", None, None),
    ]
    assert out.event_rows[0]["local_time"] == 1_548_422_625_000_000
    assert out.event_rows[1]["local_time"] == 1_548_460_801_000_000
    assert {r["how"] for r in out.event_rows} == {"lab"}
    assert [c["channel"] for c in out.covers] == ["phone"]
    no_content(out)


def test_real_layout_of_the_public_example() -> None:
    record = "Calls #\t1 \nCall Type:\tMissed \nTime:\t1/22/2019 1:23:45 PM (Device) \nFrom \nTel:         7701000 \n"
    out = collect(READER, export("Calls", record, end="\n"))
    assert pick(out.event_rows[0], "direction", "identifier_raw", "answered") == ("in", "7701000", False)


@pytest.mark.parametrize(
    ("lines", "direction", "status"),
    [
        (["Direction:\tIncoming", "Status:\tRead"], "in", "delivered"),
        (["Direction:\tOutgoing", "Status:\tSent"], "out", "sent"),
        (["Type:\tDeliver"], "in", "unknown"),
        (["Type:\tSubmit", "Status:\tSending failed"], "out", "failed"),
        (["Folder:\tInbox"], "in", "unknown"),
        (["Folder:\tSent"], "out", "unknown"),
        (["From", "Tel:\t+77010000011"], "in", "unknown"),
        (["To", "Tel:\t+77010000011"], "out", "unknown"),
        (["Status:\tUnread"], "in", "delivered"),
        (["Direction:\tIncoming", "Status:\tUnsent"], "in", "unknown"),
        (["Tel:\t+77010000011"], "unknown", "unknown"),
    ],
)
def test_direction_of_messages(lines: list[str], direction: str, status: str) -> None:
    out = collect(READER, export("Messages/SMS", sms(1, *lines, text=SECRET)))
    assert [pick(r, "channel", "kind", "direction", "status", "size") for r in out.event_rows] == [
        ("sms", "message", direction, status, len(SECRET))
    ]
    no_content(out)


def test_drafts_and_reports_are_out_of_scope() -> None:
    out = collect(
        READER,
        export("Messages/SMS", sms(1, "Folder:\tDrafts"), sms(2, "Type:\tStatus Report"), sms(3, "Folder:\tOutbox")),
    )
    assert (out.records, out.scoped_out, out.kept) == (3, 3, 0) and out.conserved()


def test_text_over_lines_and_lines_like_keys() -> None:
    text = f"{SECRET}\r\nTime: later\r\nTel: none\r\nnothing here\r\n\r\nafter a gap"
    record = f"SMS #\t1\r\nDirection:\tIncoming\r\nTime:\t1/25/2019 1:23:45 PM\r\nText:\t{text}\r\nFrom\r\nTel:\t+77010000011"
    out = collect(READER, export("Messages/SMS", record))
    assert out.rejects == [] and out.records == 1
    assert out.event_rows[0]["size"] == len(text.replace("\r\n", "\n"))
    assert out.event_rows[0]["identifier"] == "+77010000011"
    no_content(out)


def test_a_text_that_holds_keys_is_rejected_not_believed() -> None:
    record = f"SMS #\t1\r\nText:\t{SECRET}\r\nTime:\t1/25/2018 1:00:00 PM\r\nTime:\t1/25/2019 1:23:45 PM\r\nDirection:\tIncoming"
    out = collect(READER, export("Messages/SMS", record))
    assert [r for _, _, r in out.rejects] == ["a key stands twice: lines of a text may look like keys"]
    no_content(out)


def test_text_that_looks_like_a_record_is_noted() -> None:
    out = collect(READER, export("Messages/SMS", sms(1, text="a\r\n\r\nSMS #\t9"), sms(2)))
    assert out.conserved()
    assert any("does not follow" in note for note in out.notes)
    other = collect(READER, export("Messages/SMS", sms(1, text="a\r\n\r\nCalls #\t9"), sms(2)))
    assert other.records == 2  # a title of another category begins nothing


def part(number: int, k: int, of: int = 3, reference: int = 7, who: str = "+77010000011") -> str:
    return sms(
        number, "Direction:\tIncoming", f"Segments:\t{of}", f"Segment Number:\t{k}", f"Reference Number:\t{reference}",
        "From", f"Tel:\t{who}", text="x" * 10,
    )  # fmt: skip


def test_parts_of_a_long_message_are_one() -> None:
    out = collect(
        READER, export("Messages/SMS", part(1, 1), part(2, 2), part(3, 3), part(4, 1, 2, 8), part(5, 2, 2, 9))
    )
    assert out.conserved() and (out.records, out.kept, out.scoped_out) == (5, 3, 2)
    assert [pick(r, "n", "size", "tags") for r in out.event_rows] == [
        (1, 30, "parts=3/3"), (4, 10, "parts=1/2"), (5, 10, "parts=1/2"),
    ]  # fmt: skip
    # another person's, and the same part again, are messages of their own
    apart = collect(READER, export("Messages/SMS", part(1, 1), part(2, 2, who="+77010000012"), part(3, 2)))
    assert apart.kept == 3
    again = collect(READER, export("Messages/SMS", part(1, 1), part(2, 1)))
    assert again.kept == 2


def test_groups_names_and_nobody() -> None:
    both = sms(1, "Direction:\tOutgoing", "To", "Tel:\t+77010000011", "Tel:\t+77010000012")
    name = sms(2, "Direction:\tIncoming", "Name (Matched):\tKlara")
    none = sms(3, "Direction:\tIncoming", "From", "Tel:\tPrivate number")
    alpha = sms(4, "Direction:\tIncoming", "From", "Tel:\tKaspi")
    rows = collect(READER, export("Messages/SMS", both, name, none, alpha)).event_rows
    assert [pick(r, "identifier", "identifier_kind", "thread_kind", "participants_n") for r in rows] == [
        (None, "none", "group", 3),
        ("phone:name:Klara", "name", "direct", None),
        (None, "withheld", "direct", None),
        ("alpha:Kaspi", "alpha", "direct", None),
    ]


def test_contacts() -> None:
    data = export(
        "Contacts/Contacts",
        "Contacts #\t1\r\nName:\tKlara\r\nTel:\t+77010000011\r\nMobile:\t87010000012\r\nEmail Home:\tk@example.org\r\nStorage:\tPhone",
        "Contacts #\t2\r\nName:\tNobody",
    )
    out = collect(READER, data)
    assert out.conserved() and out.scoped_out == 1
    assert [pick(r, "sub", "list", "identifier", "label") for r in out.listed_rows] == [
        (1, "address_book", "+77010000011", "Klara"),
        (2, "address_book", "+77010000012", "Klara"),
        (3, "address_book", "mail:k@example.org", "Klara"),
    ]


def test_other_categories_are_out_of_scope() -> None:
    out = collect(READER, export("Web/Bookmarks", "Web #\t1\r\nWeb Address:\thttp://example.org"))
    assert (out.records, out.scoped_out) == (1, 1) and out.conserved()


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        ("25/1/2019 13:23:45", 1_548_422_625_000_000),
        ("25.01.2019 13:23:45", 1_548_422_625_000_000),
        ("2019-01-25 13:23:45", 1_548_422_625_000_000),
        ("1/25/2019 1:23 PM", 1_548_422_580_000_000),
        ("1/25/2019 12:23:45 AM", 1_548_375_825_000_000),
    ],
)
def test_orders_of_dates(time: str, wanted: int) -> None:
    row = collect(READER, export("Messages/SMS", sms(1, time=time))).event_rows[0]
    assert row["local_time"] == wanted


def test_open_order_waits_and_contradiction_is_refused() -> None:
    data = export("Messages/SMS", sms(1, time="1/3/2019 1:23:45 AM"))
    with pytest.raises(Waiting, match="day or the month"):
        collect(READER, data)
    assert collect(READER, data, ctx=context(date_order="dmy")).event_rows[0]["local_time"] == 1_551_403_425_000_000
    assert collect(READER, data, ctx=context(date_order="mdy")).event_rows[0]["local_time"] == 1_546_478_625_000_000
    with pytest.raises(Unreadable, match="day now before"):
        collect(READER, export("Messages/SMS", sms(1, time="13/1/2019 1:00:00"), sms(2, time="1/13/2019 1:00:00")))


@pytest.mark.parametrize(
    "time",
    ["1/32/2019 1:00:00 PM", "1/25/2019 13:00:00 PM", "1/25/2019 1:23:45", "yesterday", "2/30/2019 1:00:00 PM", "1/25/1970 1:00:00 AM",
     "1/25/2019 1:00:00 PM UTC+99"],
)  # fmt: skip
def test_times_that_are_none(time: str) -> None:
    out = collect(READER, export("Messages/SMS", sms(1, time=time), sms(2)))
    assert [n for n, _, _ in out.rejects] == [1] and out.conserved()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
def test_encodings_locators_masks(encoding: str) -> None:
    data = export("Calls", *CALLS[:4], encoding=encoding)
    source = source_of(data, "Calls.txt")
    out = collect(READER, data)
    for row in out.event_rows:
        raw = open_record(source, row["record"], "xry-txt", row["n"])
        assert raw.text.startswith(f"Calls #\t{row['n']}")
    message = export(
        "Messages/SMS", sms(1, "From", "Tel:\t+77010000011", text=f"{SECRET}\r\n{SECRET} Time: x"), encoding=encoding
    )
    row = collect(READER, message).event_rows[0]
    raw = open_record(source_of(message), row["record"], "xry-txt")
    assert SECRET in raw.text and SECRET not in raw.masked
    assert "+77010000011" in raw.masked and "1/25/2019" in raw.masked


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_cut_anywhere(encoding: str) -> None:
    data = export("Calls", *CALLS[:4], encoding=encoding)
    whole = [
        pick(r, "n", "local_time", "identifier", "direction", "duration_s") for r in collect(READER, data).event_rows
    ]
    for size in range(len(data)):
        try:
            out = collect(READER, data[:size])
        except (Unreadable, Waiting):
            continue
        assert out.conserved()
        rows = [pick(r, "n", "local_time", "identifier", "direction", "duration_s") for r in out.event_rows]
        assert rows[:-1] == whole[: max(len(rows) - 1, 0)]
        if rows:  # the last one may lack lines, and then says so; what it has is right
            assert all(a == b or a in (None, "unknown") for a, b in zip(rows[-1], whole[len(rows) - 1], strict=True))
            assert rows[-1] == whole[len(rows) - 1] or any("may be incomplete" in note for note in out.notes)


def test_recognition() -> None:
    assert [name for name, _ in recognise(head_of(export("Calls", *CALLS)))[0]] == ["xry-txt"]
    assert READER.recognise(head_of(b"XRY Export\n")) is None
    assert READER.recognise(head_of(b"")) is None
    assert READER.recognise(head_of(b"[01.02.2024, 10:00:00] A: XRY Export\n")) is None
    with pytest.raises(Unreadable):
        collect(READER, b"nothing")
    assert all_readers()["xry-txt"] is READER


def test_no_sample_is_taken_for_an_export() -> None:
    folder = sample("ufed-xml/report.xml").parent.parent
    assert [p.name for p in sorted(folder.rglob("*")) if p.is_file() and READER.recognise(head_of(p)) is not None] == []


def test_long_lines_and_many_blanks_cost_little() -> None:
    out = collect(READER, export("Messages/SMS", sms(1, text="x" * 3_000_000), sms(2), encoding="utf-8"))
    assert out.records == 2
    assert (
        collect(READER, export("Messages/SMS", sms(1, text="a" + "\r\n" * 100_000 + "b"), encoding="utf-8")).records
        == 1
    )


_LINE = st.sampled_from(
    ["", "SMS #\t1", "SMS #\t2", "Calls #\t1", "From", "To", "Tel:\t+77010000011", "Time:\t1/25/2019 1:00:00 PM", "Text:\tq", "w: v",
     "Direction:\tIncoming", "Segments:\t2", "Segment Number:\t1", "Reference Number:\t5", ":", "#", "\t", "Status:\tRead"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINE, max_size=40), st.sampled_from(["Calls", "Messages/SMS", "Contacts/Contacts", "Web"]))
def test_every_record_has_an_end(lines: list[str], report: str) -> None:
    data = export(report, "\r\n".join(lines), encoding="utf-8")
    out = collect(READER, data)
    assert out.conserved()
    source = source_of(data)
    for row in (*out.event_rows, *out.listed_rows):
        assert open_record(source, row["record"], "xry-txt", row["n"]).complete
