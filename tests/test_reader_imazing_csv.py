"""The reader of iMazing's CSV files, on rows in the layouts that public parsers and their test data show."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import _sheets, recognise
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.imazing_csv import READER, slashed_reading
from tests.apple_reading import OWN, SECRET, A, B, C, columns, read
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import SHARED

CALLS = "Call type,Date,Duration,Number,Contact,Location,Service"
#: the layouts of messages: 13, 14, 15, 17 and 18 columns, and that of WhatsApp
LAYOUTS = {
    13: "Chat Session,Message Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type",
    14: "Chat Session,Message Date,Delivered Date,Read Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Attachment,Attachment type",
    15: "Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Attachment,Attachment type",
    17: "Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Deleted Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type",
    18: "Chat Session,Message ID,Message Date,Delivered Date,Read Date,Edited Date,Deleted Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type",
}
WHATSAPP = "Chat Session,Message Date,Sent Date,Type,Sender ID,Sender Name,Status,Forwarded,Replying to,Text,Reactions,Attachment,Attachment type,Attachment info"


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def table(header: str, *rows: dict[str, str], delimiter: str = ",", end: str = "\n") -> bytes:
    names = header.split(",")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(names)
    for row in rows:
        assert set(row) <= set(names), set(row) - set(names)
        writer.writerow([row.get(name, "") for name in names])
    return out.getvalue().encode()


def call(**more: str) -> dict[str, str]:
    base = {"Call type": "Incoming", "Date": "2024-03-15 15:45:30", "Duration": "00:01:20", "Number": A, "Contact": "Kolya",
            "Location": SECRET, "Service": "Phone: +77010000009"}  # fmt: skip
    return {**base, **{k.replace("_", " "): v for k, v in more.items()}}


def message(kind: str = "Incoming", session: str = "Kolya", **more: str) -> dict[str, str]:
    own = kind == "Outgoing"
    base = {"Chat Session": session, "Message Date": "2024-07-10 15:20:00", "Type": kind, "Sender ID": "" if own else A,
            "Sender Name": "" if own else "Kolya", "Status": "Read", "Text": SECRET, "Replying to": SECRET}  # fmt: skip
    return {**base, **{k.replace("_", " "): v for k, v in more.items()}}


def run(header: str, *rows: dict[str, str], name: str = "x.csv", ctx: Any = None) -> Collected:
    return read(READER, table(header, *rows), name, ctx)


# -- calls


def test_a_call() -> None:
    out = run(CALLS, call())
    (row,) = out.event_rows
    assert {k: v for k, v in row.items() if v is not None and k not in ("sub", "status")} == {
        "n": 1, "record": "line:2", "local_time": us("2024-03-15T15:45:30"), "ts_precision": "s", "zone_basis": "case",
        "channel": "phone", "kind": "call", "direction": "in", "identifier": A, "identifier_raw": A,
        "identifier_kind": "phone", "actor": "contact", "owner_line": OWN, "thread_id": A, "thread_kind": "direct",
        "directed": "yes", "answered": True, "duration_s": 80, "how": "app",
    }  # fmt: skip
    assert out.owners == []  # the line may be either side's: nobody is named the owner by it
    assert (out.covers[0]["channel"], out.covers[0]["zone_basis"]) == ("phone", "case")


@pytest.mark.parametrize(
    ("kind", "duration", "direction", "answered", "seconds", "tags"),
    [
        ("Outgoing", "00:00:00", "out", False, 0, None), ("Outgoing", "01:02:03", "out", True, 3723, None),
        ("Incoming", "00:00:00", "in", None, 0, None), ("Missed", "00:00:05", "in", False, None, None),
        ("Declined", "", "in", False, None, "declined"), ("Blocked", "", "in", False, None, "blocked"),
        ("Cancelled", "00:01:00", "unknown", True, 60, None), ("", "x", "unknown", None, None, None),
        (" incoming ", "90", "in", True, 90, None), ("Outgoing", "2:05", "out", True, 125, None),
    ],
)  # fmt: skip
def test_kinds_of_calls(
    kind: str, duration: str, direction: str, answered: bool | None, seconds: int | None, tags: str | None
) -> None:
    out = run(CALLS, call(Call_type=kind, Duration=duration))
    assert columns(out, "direction", "answered", "duration_s", "tags") == [(direction, answered, seconds, tags)]


@pytest.mark.parametrize(
    ("service", "number", "channel", "identifier", "line"),
    [
        (f"Phone: {A}", A, "phone", A, None),  # the other side's own number is no line of the owner
        ("Phone: nothing", A, "phone", A, None), ("FaceTime Audio", "k@Example.com", "facetime", "mail:k@example.com", None),
        ("WhatsApp Video", A, "whatsapp", A, None), ("WhatsApp Audio", "77010000001", "whatsapp", A, None),
        ("Signal Audio", "AB-12", "signal", "signal:AB-12", None), ("Telegram Audio", "77010000001", "telegram", "telegram:77010000001", None),
        ("Teams Audio", "Daily Standup", "internet", "teams:name:Daily Standup", None), ("", A, "other", A, None),
        ("iPhone", "8 701 000 00 01", "phone", A, None), ("Signal Audio", "", "signal", "signal:name:Kolya", None),
    ],
)  # fmt: skip
def test_services(service: str, number: str, channel: str, identifier: str, line: str | None) -> None:
    out = run(CALLS, call(Service=service, Number=number))
    assert columns(out, "channel", "identifier", "owner_line") == [(channel, identifier, line)]
    assert (out.event_rows[0]["tags"] == "video") == service.endswith("Video")


def test_callers_without_a_number() -> None:
    out = run(CALLS, call(Number="", Contact=""), call(Number="", Contact="No Caller ID"), call(Number="Private"))
    assert columns(out, "identifier", "identifier_kind") == [(None, "none"), (None, "withheld"), (None, "withheld")]
    assert "calls that name nobody: 1" in out.notes


# -- messages


@pytest.mark.parametrize("width", sorted(LAYOUTS))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_layouts(width: int, delimiter: str, mark: bytes) -> None:
    rows = [message(Service="iMessage"), message("Outgoing", Service="SMS", Status="Delivered")]
    data = mark + table(LAYOUTS[width], *rows, delimiter=delimiter, end="\r\n")
    claims, verdict = recognise(head_of(data))
    assert (verdict, claims[0][0]) == ("known", "imazing-csv")
    out = read(READER, data)
    seen = columns(out, "channel", "direction", "identifier", "thread_kind", "thread_id", "status", "directed", "size")
    assert seen == [
        ("imessage", "in", A, "direct", A, "delivered", "yes", len(SECRET)),
        ("sms", "out", A, "direct", A, "delivered", "no", len(SECRET)),
    ]  # fmt: skip
    assert {(c["scope"], c["scope_id"]) for c in out.covers} == {("thread", A)}


def test_whatsapp() -> None:
    out = run(WHATSAPP, message(Sender_ID="+77010000001"), message("Outgoing"), message("Notification", Text=SECRET))
    assert columns(out, "channel", "direction", "identifier") == [("whatsapp", "in", A), ("whatsapp", "out", A)]
    assert out.scoped_out == 1
    assert "notifications of the app itself, out of scope: 1" in out.notes


@pytest.mark.parametrize(
    ("service", "channel"),
    [
        ("iMessage", "imessage"),
        ("SMS", "sms"),
        ("RCS", "rcs"),
        ("MMS", "mms"),
        ("WhatsApp", "whatsapp"),
        ("x", "other"),
        ("", "other"),
    ],
)
def test_services_of_messages(service: str, channel: str) -> None:
    assert columns(run(LAYOUTS[13], message(Service=service)), "channel") == [(channel,)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Sent", "sent"),
        ("Read", "delivered"),
        ("Not Delivered", "failed"),
        ("Sending", "pending"),
        ("", "unknown"),
        ("?", "unknown"),
    ],
)
def test_status(status: str, expected: str) -> None:
    assert columns(run(LAYOUTS[13], message("Outgoing", Status=status)), "status") == [(expected,)]


@pytest.mark.parametrize(
    ("name", "kind", "attachment"),
    [
        ("", "", "none"), ("a.jpg", "Image", "image"), ("a", "image/heic", "image"), ("a", "video/mp4", "video"),
        ("a", "Audio", "audio"), ("a", "Sticker", "sticker"), ("a", "Contact", "contact"), ("a", "", "other"), ("a", "x/y", "other"),
    ],
)  # fmt: skip
def test_attachments(name: str, kind: str, attachment: str) -> None:
    assert columns(run(LAYOUTS[13], message(Attachment=name, Attachment_type=kind)), "attachment") == [(attachment,)]


def test_words_of_the_row() -> None:
    out = run(
        LAYOUTS[17], message(Deleted_Date="2024-07-11 10:00:00", Edited_Date="2024-07-11 10:00:00", Reactions=SECRET)
    )
    assert out.event_rows[0]["tags"] == "deleted edited"
    assert "messages with reactions, which bear no time and are no rows: 1" in out.notes


def test_conversations() -> None:
    header = LAYOUTS[13]
    group = [message(session="Weekend", Sender_ID=who, Sender_Name=who) for who in (A, B)]
    out = run(
        header, *group, message("Outgoing", session="Weekend"), message("Outgoing", session=C), message("Outgoing", session="Bank"),
        message(session="Bank", Sender_ID="Bank", Sender_Name=""), message("Outgoing", session="X & Y"),
        message(session="Title", Sender_ID=A, Sender_Name="Kolya"), message("Outgoing", session="Title"),
        message("Outgoing", session="Nobody"), message(session="Nameless", Sender_ID="", Sender_Name="Nameless"),
    )  # fmt: skip
    assert columns(out, "thread_kind", "identifier", "directed") == [
        ("group", A, "no"), ("group", B, "no"), ("group", None, "no"), ("direct", C, "no"), ("direct", "alpha:Bank", "no"),
        ("direct", "alpha:Bank", "yes"), ("group", None, "no"), ("unknown", A, "unknown"), ("unknown", None, "no"),
        ("unknown", None, "no"), ("direct", "imessage:name:Nameless", "yes"),
    ]  # fmt: skip
    assert not any(word in repr(out.event_rows) for word in ("Weekend", "Title", "X & Y", "Nobody"))
    assert {c["scope"] for c in out.covers} == {"all"}


# -- times


@pytest.mark.parametrize(
    ("text", "local", "basis", "precision"),
    [
        ("2024-06-01 12:00:00", "2024-06-01T12:00:00", "case", "s"), ("2024-06-01T12:00:00Z", "2024-06-01T12:00:00", "utc", "s"),
        ("2025-07-01T10:00:00.000Z", "2025-07-01T10:00:00", "utc", "ms"), ("2024-06-01 12:00", "2024-06-01T12:00:00", "case", "min"),
        ("2024-06-01T12:00:00+05:00", "2024-06-01T12:00:00", "stated", "s"),
    ],
)  # fmt: skip
def test_times(text: str, local: str, basis: str, precision: str) -> None:
    out = run(CALLS, call(Date=text))
    assert columns(out, "local_time", "zone_basis", "ts_precision") == [(us(local), basis, precision)]


def test_dates_with_the_day_or_the_month_first() -> None:
    rows = [call(Date="01/02/2026 09:30:00"), call(Date="01/15/2026 09:30:00")]
    assert [r["local_time"] for r in run(CALLS, *rows).event_rows] == [
        us("2026-01-02T09:30:00"),
        us("2026-01-15T09:30:00"),
    ]
    rows[1]["Date"] = "15.01.2026 09:30"
    out = run(CALLS, *rows)
    assert columns(out, "local_time", "ts_precision") == [
        (us("2026-02-01T09:30:00"), "s"),
        (us("2026-01-15T09:30:00"), "min"),
    ]
    with pytest.raises(Waiting) as waiting:
        run(CALLS, rows[0])
    assert waiting.value.lines.startswith('date_order = "dmy"')
    for order, local in (("dmy", "2026-02-01T09:30:00"), ("mdy", "2026-01-02T09:30:00")):
        chosen = run(CALLS, rows[0], ctx=replace(context(), options={"date_order": order}))
        assert chosen.event_rows[0]["local_time"] == us(local)
    assert slashed_reading("31/02/2026 09:30", "dmy") is None and slashed_reading("x", "dmy") is None


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        ("", "no time"), ("yesterday", "time is not readable"), ("2024-02-30 10:00:00", "time is not readable"),
        ("2024-02-20", "the date has no time of the day"), ("2044-02-20 10:00:00", "time lies in or after 2035"),
        ("2001-01-01T00:00:00Z", "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
    ],
)  # fmt: skip
def test_rejected_times(date: str, reason: str) -> None:
    assert run(CALLS, call(), call(Date=date)).rejects == [(2, "line:3", reason)]
    out = run(LAYOUTS[15], message(), {**message(), "Message Date": date})
    assert out.rejects == [(2, "line:3", reason)]


# -- damage


def test_rows_that_are_none() -> None:
    data = (
        table(CALLS, call())
        + b"a,b\n\n"
        + b"x," * 9
        + b"y\n"
        + table(CALLS, call()).split(b"\n", 1)[1].rstrip(b"\n")
        + b",\n"
    )
    out = read(READER, data, locate=False)
    assert [(n, reason) for n, _, reason in out.rejects] == [
        (2, "the row has fewer cells than the header"), (3, "the row has more cells than the header"),
    ]  # fmt: skip
    assert (out.records, out.kept) == (4, 2)
    unknown = run(LAYOUTS[13], message("Sideways"))
    assert unknown.rejects[0][2] == "the type is neither Incoming nor Outgoing"


@pytest.mark.parametrize(
    ("head", "match"),
    [("Call type,Date\n", "is not a header"), (CALLS + ",Date\n", "stands twice"), ("", "is not a header")],
)
def test_headers_that_are_none(head: str, match: str) -> None:
    with pytest.raises(Unreadable, match=match):
        collect(READER, head.encode())


def test_header_only() -> None:
    for header in (CALLS, WHATSAPP, *LAYOUTS.values()):
        out = run(header)
        assert (out.records, out.covers) == (0, [])


@pytest.mark.parametrize("header", [CALLS, LAYOUTS[18]])
def test_cut_at_every_byte(header: str) -> None:
    rows = [call(), call(Number=B)] if header == CALLS else [message(Text='два\nслова, "и"'), message("Outgoing")]
    whole = table(header, *rows)
    full = collect(READER, whole).event_rows
    for cut in range(len(header) + 1, len(whole) + 1):
        out = collect(READER, whole[:cut])
        assert out.conserved()
        for seen, row in zip(out.event_rows, full, strict=False):
            kept = ("n", "local_time", "channel", "direction", "identifier", "kind", "answered", "duration_s")
            if header == CALLS or out.kept == 2:
                assert {k: seen[k] for k in kept} == {k: row[k] for k in kept}, cut


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(codec: str) -> None:
    data = table(LAYOUTS[13], message(Text="Сәлем")).decode().encode(codec)
    assert READER.recognise(head_of(data)) is not None
    assert read(READER, data).event_rows[0]["size"] == 5


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(LAYOUTS[15], *(message(Text="ә\n" * k) for k in range(12)))
    expected = collect(READER, data).event_rows
    for size in (1, 2, 7, 64):
        monkeypatch.setattr(_sheets, "_BLOCK", size)
        assert collect(READER, data).event_rows == expected


def test_twice_the_rows_are_twice_as_many_records() -> None:
    rows = [message(), message("Outgoing")]
    assert run(LAYOUTS[13], *rows, *rows).kept == 2 * run(LAYOUTS[13], *rows).kept


def test_masking() -> None:
    data = table(LAYOUTS[13], message(Text=SECRET, session=SECRET, Subject=SECRET, Attachment=SECRET))
    found = open_record(source_of(data), "line:2", "imazing-csv")
    assert SECRET not in found.masked and A in found.masked and "Incoming" in found.masked
    assert SECRET in found.text
    several = table(LAYOUTS[13], message(Text=f"{SECRET}\n{SECRET}"))
    assert SECRET not in open_record(source_of(several), "lines:2-3", "imazing-csv").masked
    assert SECRET not in open_record(source_of(several), "line:3", "imazing-csv").masked


# -- recognition


@pytest.mark.parametrize("header", [CALLS, WHATSAPP, *LAYOUTS.values()])
def test_recognised_by_one_reader_only(header: str) -> None:
    row = call() if header == CALLS else message()
    for data in (table(header), table(header, row), table(header, row, delimiter=";")):
        claims, verdict = recognise(head_of(data, "x.csv"))
        assert (verdict, claims[0][0]) == ("known", "imazing-csv")


def test_no_other_table_is_claimed() -> None:
    for other in (
        "Date,Duration,Number,Service\n",
        "when,contact,kind\n",
        "Chat Session,Text\n",
        "",
        "a;b\n",
        "\x00\x01",
    ):
        assert READER.recognise(head_of(other.encode())) is None


def test_no_sample_of_another_format_is_claimed() -> None:
    if not (SHARED / "samples").exists():
        pytest.skip("needs the folder shared/ beside this checkout")
    for path in sorted(p for p in (SHARED / "samples").rglob("*") if p.is_file() and p.stat().st_size < 3_000_000):
        assert READER.recognise(head_of(path)) is None, path


_CELL = st.text(max_size=6) | st.sampled_from(
    [A, "Incoming", "Outgoing", "2024-06-01 12:00:00", "SMS", "Phone: " + B, "00:01:00"]
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([CALLS, WHATSAPP, *LAYOUTS.values()]),
    st.lists(st.lists(_CELL, min_size=1, max_size=18), max_size=5),
)
def test_every_row_has_one_end(header: str, rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([header.split(","), *rows])
    data = out.getvalue().encode("utf-8", "replace")
    try:
        found = read(READER, data, locate=False)
    except (Waiting, Unreadable):
        return
    assert found.records <= len(rows) + data.count(b"\n")
