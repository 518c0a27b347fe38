"""Mail: mailboxes (mbox) and single messages (eml), against real samples, invented mail and hostile mail."""

from __future__ import annotations

import io
import tracemalloc
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import schema
from pipelines.locate import LocateError, open_record
from pipelines.readers import _mail, recognise
from pipelines.readers._mail import MailStream, addresses, date_reading, decoded, headers_of, labels_of
from pipelines.readers.base import Context, Discard, Unreadable, Waiting
from pipelines.readers.eml import READER as EML
from pipelines.readers.mbox import READER as MBOX
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import SHARED, sample

OWNER = "mail:aigerim@example.org"
HOUR = 3_600_000_000
#: 2025-10-03T18:30:05 of some clock
MOMENT = 1_759_516_205_000_000
MARKER = "QORGANMARKER"


def mail(
    sender: str = "Bob <bob@example.com>", to: str = "aigerim@example.org", date: str = "Fri, 3 Oct 2025 18:30:05 +0500",
    body: str = f"{MARKER} text\n", n: int = 1, **more: str,
) -> str:  # fmt: skip
    extra = "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in more.items())
    told = "".join(f"{k}: {v}\n" for k, v in (("From", sender), ("To", to), ("Date", date)) if v)
    return f"Message-ID: <m{n}@example.com>\n{told}Subject: {MARKER} subject\n{extra}\n{body}"


def mbox(*mails: str, line: str = "From bob@example.com Fri Oct 03 13:30:05 2025") -> bytes:
    return "".join(f"{line}\n{m}\n" for m in mails).encode()


def read(data: bytes, **how: Any) -> Collected:
    how.setdefault("owner", [OWNER])
    out = collect(MBOX if data.startswith(b"From ") else EML, data, ctx=context(**how))
    check(out)
    return out


def check(out: Collected) -> None:
    assert out.conserved()
    assert MARKER not in repr(out.__dict__)
    stored = schema.stored_schema("events")
    rows = [{"case_id": "t", "event_id": f"0#{r['n']}.{r['sub']}", "source_id": "0" * 12, **r} for r in out.event_rows]
    schema.validate(
        "events",
        pa.table({f.name: pa.array([r[f.name] for r in rows], f.type) for f in stored}, schema=stored),
        stored=True,
    )
    assert len({(r["n"], r["sub"]) for r in out.event_rows}) == len(out.event_rows)


def one(data: bytes, **how: Any) -> dict[str, Any]:
    rows = read(data, **how).event_rows
    assert len(rows) == 1
    return rows[0]


# -- real samples


def test_sample_mailbox() -> None:
    path = sample("mbox-gmail/takeoutreader-sample.mbox")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "mbox")
    out = collect(MBOX, path, ctx=context(owner=["mail:bob@example.com"]))
    check(out)
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (3, 3, 0, [])
    assert [r["local_time"] - r["stated_offset_s"] * 1_000_000 for r in out.event_rows] == [
        1_704_106_800_000_000, 1_704_178_800_000_000, 1_704_272_400_000_000,
    ]  # fmt: skip
    assert [(r["kind"], r["identifier"], r["tags"]) for r in out.event_rows] == [
        ("email", "mail:alice@example.com", None), ("other", "mail:noreply@facebookmail.com", "no_reply"),
        ("email", "mail:alert@boursorama.com", None),
    ]  # fmt: skip
    with pytest.raises(Waiting):
        collect(MBOX, path)


@pytest.mark.parametrize(
    ("name", "kept", "rejected", "scope", "utc_us", "tags"),
    [
        ("mail-report_422.eml", 0, 0, 1, None, None),
        ("mail-example09.eml", 1, 0, 0, 880_127_706_000_000, None),
        ("mail-bad_date_header.eml", 1, 0, 0, 1_292_037_619_000_000, "bulk time_of_receipt"),
        ("mail-japanese_iso_2022.eml", 0, 1, 0, None, None),
        ("mail-utf8_headers.eml", 0, 1, 0, None, None),
    ],
)
def test_sample_messages(name: str, kept: int, rejected: int, scope: int, utc_us: int | None, tags: str | None) -> None:
    path = sample(f"eml/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "eml")
    out = collect(EML, path, ctx=context(owner=["mary@example.net", "mail:someone@yahoo.com"]))
    check(out)
    assert (out.records, out.kept, len(out.rejects), out.scoped_out) == (1, kept, rejected, scope)
    assert {reason for _, _, reason in out.rejects} <= {"no time"}
    if utc_us is not None:
        row = out.event_rows[0]
        assert row["local_time"] - row["stated_offset_s"] * 1_000_000 == utc_us
        assert row["tags"] == tags
        opened = open_record(source_of(path), "mail:1", "eml", 1)
        assert opened.data.strip() == path.read_bytes().strip()
        assert "Subject: ‹" in opened.masked


def test_no_other_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file() and path.parent.name not in ("eml", "mbox-gmail") and path.suffix != ".sql":
            head = head_of(path)
            assert MBOX.recognise(head) is None and EML.recognise(head) is None, path.name


# -- recognition


@pytest.mark.parametrize(
    "text",
    [
        "From now on\nNote: nothing\n", "From a@b.example\n\nDate: x\n", "Dear Bob,\nFrom: me\n", "BEGIN:VCARD\nVERSION:3.0\nFN:A\n",
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org\nSubject: x\nDate: Fri, 3 Oct 2025 18:30:05 -0000\nMIME-Version: 1.0\n\n",
        "Path: x\nFrom: a@b.example\nNewsgroups: x.y\nSubject: s\nDate: Fri, 3 Oct 2025 18:30:05 -0000\n\n", "From: a\nTo: b\n\n", "",
        " folded\nFrom: a@b.example\nTo: b\nDate: x\n", "[03/10/2025, 18:30:05] Bob: From: x\n",
    ],
)  # fmt: skip
def test_not_mail(text: str) -> None:
    assert MBOX.recognise(head_of(text.encode())) is None
    assert EML.recognise(head_of(text.encode())) is None


@pytest.mark.parametrize(
    "line", ["From - Fri Oct 03 13:30:05 2025", "From 1834@xxx Fri Oct 03 13:30:05 +0000 2025", "From ", "From -"]
)
def test_lines_that_begin_a_mailbox(line: str) -> None:
    for data in (mbox(mail(), line=line), b"\xef\xbb\xbf\r\n" + mbox(mail(), line=line)):
        assert MBOX.recognise(head_of(data)) is not None
        assert EML.recognise(head_of(data)) is None
        assert MBOX.recognise(head_of(data.replace(b"\n", b"\r\n"))) is not None
    assert read(mbox(mail(), mail(n=2), line=line)).kept == 2


# -- rows


def test_incoming_in_full() -> None:
    row = one(mbox(mail()))
    wanted = {
        "n": 1, "sub": 1, "record": "mail:1", "local_time": MOMENT, "stated_offset_s": 18_000, "zone_basis": "stated", "ts_precision": "s",
        "channel": "email", "kind": "email", "direction": "unknown", "status": "unknown", "identifier": "mail:bob@example.com",
        "identifier_raw": "bob@example.com", "identifier_kind": "mail", "sender": "mail:bob@example.com", "actor": "unknown",
        "owner_line": OWNER, "thread_kind": "direct", "participants_n": 2, "directed": "yes", "size": len(MARKER) + 6, "attachment": None,
        "how": "app", "tags": None, "via_identifier": None,
    }  # fmt: skip
    assert {k: row[k] for k in wanted} == wanted
    assert row["thread_id"].startswith("t:") and len(row["thread_id"]) == 12


def test_outgoing_is_one_row_for_each_recipient() -> None:
    out = read(
        mbox(mail("aigerim@EXAMPLE.org", "Bob <bob@example.com>, Eve <eve@example.com>", Cc="aigerim@example.org"))
    )
    assert [(r["n"], r["sub"], r["identifier"], r["sender"], r["thread_kind"], r["directed"]) for r in out.event_rows] == [
        (1, 1, "mail:bob@example.com", OWNER, "direct", "yes"), (1, 2, "mail:eve@example.com", OWNER, "direct", "yes"),
    ]  # fmt: skip
    assert {(r["direction"], r["participants_n"], r["owner_line"]) for r in out.event_rows} == {("unknown", 3, OWNER)}
    assert (out.records, out.kept) == (1, 1)


def test_outgoing_to_many_is_one_row() -> None:
    row = one(mbox(mail("aigerim@example.org", ", ".join(f"p{i}@example.com" for i in range(21)))))
    assert (row["identifier"], row["thread_kind"], row["participants_n"], row["tags"]) == (
        None,
        "group",
        22,
        "recipients=21",
    )


def test_to_oneself_and_to_nobody() -> None:
    row = one(mbox(mail("aigerim@example.org", "aigerim@example.org")))
    assert (row["thread_kind"], row["identifier"], row["sender"]) == ("self", None, OWNER)
    row = one(mbox(mail("aigerim@example.org", "undisclosed-recipients:;")))
    assert (row["thread_kind"], row["identifier"], row["directed"]) == ("unknown", None, "unknown")


def test_incoming_to_several() -> None:
    row = one(mbox(mail(to="x@example.com, aigerim@example.org")))
    assert (row["thread_kind"], row["directed"], row["participants_n"]) == ("group", "yes", 3)
    other = mail(to="x@example.com, y@example.com", n=2)
    assert read(mbox(mail(), other)).event_rows[1]["directed"] == "unknown"
    delivered = mail(to="x@example.com, alias@example.com", n=2, Delivered_To="alias@example.com")
    row = read(mbox(mail(), delivered)).event_rows[1]
    assert (row["directed"], row["owner_line"]) == ("yes", "mail:alias@example.com")


def test_blind_copy_is_directed() -> None:
    row = read(mbox(mail(), mail(to="bob@example.com", n=2))).event_rows[1]
    assert (row["thread_kind"], row["directed"], row["identifier"]) == ("direct", "yes", "mail:bob@example.com")


def test_label_of_sent_mail_shows_the_owner() -> None:
    data = mbox(
        mail("me@example.org", "bob@example.com", n=1, X_Gmail_Labels="=?UTF-8?B?0J7RgtC/0YDQsNCy0LvQtdC90L3Ri9C1?=,Important"),
        mail("me@example.org", "bob@example.com", n=2, X_Gmail_Labels="Inbox"), mail(n=3, X_Gmail_Labels="Inbox"),
    )  # fmt: skip
    out = read(data, owner=[])
    assert out.owners == ["mail:me@example.org"]
    first, second, third = out.event_rows
    assert (first["direction"], first["status"], first["actor"], first["sender"], first["identifier"]) == (
        "out", "sent", "owner", None, "mail:bob@example.com")  # fmt: skip
    assert (second["direction"], second["sender"], second["identifier"]) == (
        "unknown",
        "mail:me@example.org",
        "mail:bob@example.com",
    )
    assert (third["direction"], third["sender"]) == ("unknown", "mail:bob@example.com")
    assert any("not declared as the owner's" in n for n in read(data).notes)


def test_label_of_sent_mail_on_mail_of_a_contact_says_nothing() -> None:
    row = one(mbox(mail(X_Gmail_Labels="Sent")), contacts=["mail:bob@example.com"])
    assert (row["direction"], row["sender"]) == ("unknown", "mail:bob@example.com")


def test_labels() -> None:
    out = read(mbox(mail(n=1, X_Gmail_Labels="Spam,Unread"), mail(n=2, X_Gmail_Labels="Trash"), mail(n=3, X_Gmail_Labels="Drafts"),
                    mail(n=4, X_Gmail_Labels="Chat"), mail(n=5, X_Mozilla_Status="0009")))  # fmt: skip
    assert [r["tags"] for r in out.event_rows] == ["spam", "trash", "chat", "trash"]
    assert out.scoped_out == 1
    assert labels_of("Входящие,=?UTF-8?Q?=D0=A1=D0=BF=D0=B0=D0=BC?=".encode()) == {"входящие", "спам"}


def test_own_address_on_unsolicited_mail_is_nobodys() -> None:
    row = one(mbox(mail("aigerim@example.org", X_Gmail_Labels="Spam")))
    assert (row["direction"], row["sender"], row["identifier"], row["kind"], row["directed"]) == (
        "unknown",
        None,
        None,
        "other",
        "no",
    )
    assert row["tags"] == "spam own_address"


@pytest.mark.parametrize(
    ("headers", "sender", "tags"),
    [
        ({"List_Unsubscribe": "<mailto:x@y.example>"}, "a@shop.example", "list"), ({"List_Id": "<x.y>"}, "a@shop.example", "list"),
        ({"Precedence": "Bulk"}, "a@shop.example", "bulk"), ({"Feedback_ID": "1:2"}, "a@shop.example", "bulk"),
        ({"Auto_Submitted": "auto-replied"}, "a@shop.example", "auto"), ({"X_Auto_Response_Suppress": "All"}, "a@shop.example", "auto"),
        ({}, "No-Reply@shop.example", "no_reply"), ({}, "account.noreply@shop.example", "no_reply"), ({}, "MAILER-DAEMON@x.example", "no_reply"),
    ],
)  # fmt: skip
def test_mail_that_no_person_wrote(headers: dict[str, str], sender: str, tags: str) -> None:
    row = one(mbox(mail(sender, n=1, **headers)))
    assert (row["kind"], row["directed"], row["tags"]) == ("other", "no", tags)
    row = one(mbox(mail(sender, n=1, **headers)), contacts=[f"mail:{sender}"])
    assert (row["kind"], row["directed"], row["tags"]) == (
        "email",
        "yes",
        tags,
    )  # a declared contact is a person whatever its headers say


def test_ordinary_mail_has_no_marks() -> None:
    for more in ({"Auto_Submitted": "no"}, {"Precedence": "first-class"}):
        assert one(mbox(mail(n=1, **more)))["kind"] == "email"
    assert one(mbox(mail("noreen@example.com")))["kind"] == "email"


def test_reports_and_stored_messages_are_out_of_scope() -> None:
    out = read(
        mbox(
            mail(n=1),
            mail(n=2, Content_Type="multipart/report; report-type=delivery-status"),
            mail(n=3, X_smssync_datatype="SMS"),
        )
    )
    assert (out.records, out.kept, out.scoped_out) == (3, 1, 2)
    assert any("reports about delivery" in n for n in out.notes) and any("SMS or calls" in n for n in out.notes)


def test_copies_within_a_file() -> None:
    out = read(
        mbox(
            mail(n=1),
            mail(n=2),
            mail(n=1),
            mail("eve@example.com", n=1),
            mail(n=1, date="Fri, 3 Oct 2025 18:30:06 +0500"),
        )
    )
    assert [r["n"] for r in out.event_rows] == [1, 2, 4, 5]  # an id alone is no copy: anybody can write it
    assert out.scoped_out == 1
    without = mail().replace("Message-ID: <m1@example.com>\n", "")
    out = read(mbox(without, without, without.replace("Subject", "Subject2")))
    assert (out.kept, out.scoped_out) == (2, 1)


def test_attachments_are_counted() -> None:
    part = "--b\nContent-Type: image/png; name=QORGANMARKER.png\nContent-Disposition: attachment; filename=QORGANMARKER.png\n\nAAAA\n"
    row = one(mbox(mail(body=part * 3 + "--b--\n", Content_Type="multipart/mixed; boundary=b")))
    assert (row["attachment"], row["tags"]) == ("other", "attachments=3")
    big = part * 3 + "x" * 100 + "\n"
    data = mail(body=big * 12_000).encode()  # over several blocks
    assert one(data)["tags"] == "attachments=36000"
    assert one(mbox(mail(body=big * 12_000)))["tags"] == "attachments=36000"


def test_sender_header_is_who_carried_it() -> None:
    assert one(mbox(mail(Sender="list@example.com")))["via_identifier"] == "mail:list@example.com"
    assert one(mbox(mail(Sender="bob@example.com")))["via_identifier"] is None


def test_spelling_of_the_case_wins() -> None:
    row = one(mbox(mail("BOB@Example.COM", "AIGERIM@example.org")), contacts=["mail:Bob@example.com"])
    assert (row["sender"], row["owner_line"]) == ("mail:Bob@example.com", OWNER)


def test_without_a_sender() -> None:
    out = read(mbox(mail(), mail("", n=2), mail("<>", n=3), mail("Bob", n=4)))
    assert [(r["sender"], r["identifier"], r["identifier_kind"]) for r in out.event_rows[1:]] == [
        (None, None, "none")
    ] * 3
    assert any(n.endswith(": 3") and "address of a sender" in n for n in out.notes)


# -- whose mail it is


def test_waits_without_an_owner() -> None:
    with pytest.raises(Waiting) as caught:
        read(mbox(mail(Delivered_To="x@example.org")), owner=["Aigerim", "+77010000001"])
    assert "no address of the owner is declared" in caught.value.reason
    assert caught.value.lines.startswith('owner = "mail:…"') and "mail:x@example.org" in caught.value.lines
    with pytest.raises(Waiting, match="none of the owner's addresses"):
        read(mbox(mail()), owner=["mail:other@example.org"])


def test_option_names_the_owner() -> None:
    ctx = Context(context().phone, frozenset(["mail:other@example.org"]), options={"owner": "aigerim@example.org"})
    assert collect(MBOX, mbox(mail()), ctx=ctx).event_rows[0]["owner_line"] == OWNER


# -- time


@pytest.mark.parametrize(
    ("text", "us", "offset"),
    [
        ("Fri, 3 Oct 2025 18:30:05 +0500", MOMENT, 18_000), ("3 Oct 2025 18:30 +0530", MOMENT - 5_000_000, 19_800),
        ("Fri,  3 Oct 25 18:30:05 GMT", MOMENT, 0), ("Fri, 03 October 2025 18:30:05 -0430 (VET)", MOMENT, -16_200),
        ("3-Oct-2025 18:30:05 EST", MOMENT, -18_000), ("Fri, 3 Oct 2025 18:30:05", MOMENT, None), ("3 Oct 2025 18:30:05 ALMT", MOMENT, None),
        ("2025-10-03 18:30:05 +0500", MOMENT, 18_000), ("3 Oct 125 18:30:05 Z", MOMENT, 0), ("31 Dec 1999 23:59:60 +0000", 946_684_799_000_000, 0),
    ],
)  # fmt: skip
def test_dates(text: str, us: int, offset: int | None) -> None:
    assert date_reading(text) == (us, offset)


@pytest.mark.parametrize("text", ["<HR>", "", "31 Feb 2025 10:00 +0000", "3 Okt 2025 10:00 +0000", "3 Oct 2025 25:00 +0000",
                                  "3 Oct 2025 10:00 +9900", "3 Oct 2025 10:00 +0099", "2025-10-03", "x" * 300])  # fmt: skip
def test_no_dates(text: str) -> None:
    assert date_reading(text) is None


def test_receipt_stands_in_for_a_date() -> None:
    receipt = "from a by b; Fri, 3 Oct 2025 13:30:05 +0000"
    row = one(mbox(mail(date="<HR>", Received=receipt)))
    assert (row["local_time"], row["stated_offset_s"], row["tags"]) == (MOMENT - 5 * HOUR, 0, "time_of_receipt")
    assert one(mbox(mail(date="Fri, 3 Oct 3609 18:30:05 +0500", Received=receipt)))["tags"] == "time_of_receipt"
    assert one(mbox(mail(date="Fri, 3 Oct 2025 18:30:05", Received=receipt)))["tags"] == "time_of_receipt"
    assert one(mbox(mail(Received=receipt)))["tags"] is None
    row = one(mbox(mail(date="Fri, 1 Oct 2025 18:30:05 +0500", Received=receipt)))
    assert (row["tags"], row["local_time"]) == ("date_differs", MOMENT - 48 * HOUR)


def test_mailbox_line_is_the_last_resort() -> None:
    line = "From 1834@xxx Fri Oct 03 13:30:05 +0000 2025"
    row = one(mbox(mail(date=""), line=line))
    assert (row["local_time"], row["stated_offset_s"], row["tags"]) == (MOMENT - 5 * HOUR, 0, "time_of_mailbox")
    assert read(mbox(mail(), mail(date="", n=2))).rejects == [(2, "mail:2", "no time")]


def test_dates_without_a_zone_are_of_the_case() -> None:
    row = one(mbox(mail(date="Fri, 3 Oct 2025 18:30:05")))
    assert (row["zone_basis"], row["stated_offset_s"], row["local_time"]) == ("case", None, MOMENT)


@pytest.mark.parametrize(
    ("date", "reason"),
    [("<HR>", "the date cannot be read, and there is no line of receipt"), ("Thu, 1 Jan 1970 00:00:00 +0000", "time is zero: no time was recorded"),
     ("Thu, 1 Jan 1981 00:00:00 +0000", "time lies before 1990"), ("Fri, 3 Oct 3609 18:30:05 +0500", "time lies in or after 2035")],
)  # fmt: skip
def test_no_time_is_a_reject(date: str, reason: str) -> None:
    assert read(mbox(mail(date=date))).rejects == [(1, "mail:1", reason)]


# -- headers


def test_folded_headers_and_repeats() -> None:
    found = headers_of(
        b"From: a@b.example\r\n\tx\r\nTo: c@d.example,\r\n  e@f.example\nfrom: second@b.example\nX-From: no\n"
    )
    assert found == {"from": b"a@b.example x", "to": b"c@d.example, e@f.example"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("Bob <bob@example.com>", ["bob@example.com"]), ("bob@example.com", ["bob@example.com"]), ("bob@example.com (Bob)", ["bob@example.com"]),
        ('"Doe, Bob <x@y.example>" <bob@example.com>', ["bob@example.com"]), ("A: a@b.example, B <c@d.example>;", ["a@b.example", "c@d.example"]),
        ("<@relay.example:bob@example.com>", ["bob@example.com"]), ("<>", []), ("undisclosed-recipients:;", []), ("Bob", []), ("", []),
        ("(((((" * 5_000, []), ("<<<<" * 5_000, []), ('"' * 5_001, []), ("a@b@c", ["a@b@c"]), ("Bob bob@example.com", ["bob@example.com"]),
        ("=?utf-8?B?Qm9iIDxib2JAZXhhbXBsZS5jb20+?=", ["bob@example.com"]), ("(a (b) c) x@y.example, z@y.example", ["x@y.example", "z@y.example"]),
        ("Märy <märy@exämple.net>", ["märy@exämple.net"]), ("\\" * 999, []),
    ],
)  # fmt: skip
def test_addresses(value: str, wanted: list[str]) -> None:
    assert list(addresses(value.encode())) == wanted


def test_odd_encodings_never_fail() -> None:
    assert decoded(b"=?x-no-such?B?AAAA?= =?utf-8?B?!!!?= \xff") is not None
    assert decoded(b"=?koi8-r?B?8+rB?=") != ""
    assert list(addresses(b"\xff\xfe <bob@example.com>")) == ["bob@example.com"]


# -- cutting


def test_bodies_that_look_like_the_begin_of_a_message() -> None:
    bodies = [
        "\nFrom now on\nNote: x\n", "\nFrom bob@example.com Fri Oct 03 13:30:05 2025\nno header\n", "text\nFrom here: 2025 at 10:00\n\n",
        "\n>From bob@example.com Fri Oct 03 13:30:05 2025\nA: b\n", "text\nFrom \nA: b\n", "\nFrom \n",
    ]  # fmt: skip
    for body in bodies:
        assert read(mbox(mail(body=body), mail(n=2))).records == 2, body


def test_without_a_blank_line_between() -> None:
    first = mail(body="text\n")
    data = f"From a Fri Oct 03 13:30:05 2025\n{first}From b Fri Oct 03 13:30:05 2025\n{mail(n=2)}".encode()
    out = read(data)
    assert (out.records, out.kept) == (2, 2)
    assert any("without a blank line" in n for n in out.notes)
    assert out.event_rows[0]["size"] == 5


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1000, 1 << 20])
def test_block_size_does_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [mail(n=i, body="line\n" * (i * 7) + "\nFrom not\n\n") for i in range(1, 8)]
    for data in (mbox(*mails), mbox(*mails).replace(b"\n", b"\r\n"), b"\n\nFrom x\n".join([b"junk", mbox(*mails)])):
        monkeypatch.setattr(_mail, "BLOCK_BYTES", 1 << 20)
        wanted = list(MailStream(io.BytesIO(data), mbox=True))
        monkeypatch.setattr(_mail, "BLOCK_BYTES", block)
        assert list(MailStream(io.BytesIO(data), mbox=True)) == wanted
        assert len(wanted) == 7
        assert [data[m.start : m.start + 5] for m in wanted] == [b"From "] * 7
        for m, following in pairwise(wanted):
            assert data[m.end : following.start].strip() == b""


def test_cut_off_at_every_byte() -> None:
    data = mbox(mail(n=1), mail(n=2), mail("aigerim@example.org", "bob@example.com", n=3))
    whole = read(data).event_rows
    for end in range(len(data)):
        out = Collected()
        try:
            MBOX.read(source_of(data[:end]), context(owner=[OWNER]), out)
        except Unreadable:
            assert not data[:end].strip() or not data[:end].startswith(b"From ")
            continue
        assert out.conserved()
        rows = out.event_rows
        assert [{**r, "size": 0} for r in rows] == [{**r, "size": 0} for r in whole[: len(rows)]]
        assert len(out.rejects) <= 1
        assert {reason for _, _, reason in out.rejects} <= {"the file ends inside the headers"}


def test_doubled_file_holds_only_copies_more() -> None:
    data = mbox(mail(n=1), mail(n=2))
    once, twice = read(data), read(data + data)
    assert twice.event_rows == once.event_rows
    assert (twice.records, twice.scoped_out) == (4, 2)


def test_order_of_messages_only_moves_numbers() -> None:
    mails = [mail(n=1), mail("eve@example.com", n=2), mail("aigerim@example.org", "bob@example.com", n=3)]
    keys = [{tuple(sorted((k, str(v)) for k, v in r.items() if k not in ("n", "record"))) for r in read(mbox(*order)).event_rows}
            for order in (mails, mails[::-1])]  # fmt: skip
    assert keys[0] == keys[1]


def test_huge_headers_are_rejected_and_the_rest_is_read() -> None:
    huge = "From: bob@example.com\n" + "X-A: b\n" * 200_000 + "\nbody\n"
    out = read(mbox(mail(n=1), huge, mail(n=2)))
    assert (out.records, out.kept) == (3, 2)
    assert out.rejects == [(2, "mail:2", "headers are longer than 1048576 bytes")]


def test_memory_does_not_grow_with_the_file() -> None:
    data = mbox(*(mail(n=i, body="x" * 70 + "\n" * 3) for i in range(60_000)))
    source = source_of(data)
    tracemalloc.start()
    MBOX.read(source, context(owner=[OWNER]), Discard())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 << 20


def test_many_lines_that_begin_nothing_take_no_time() -> None:
    assert read(mbox(mail(body="From x 10:00 2025\n" * 200_000))).kept == 1
    assert read(mbox(mail(body="\nFrom " * 200_000))).kept == 1
    assert read(mbox(mail(body="\nFrom " + "1:2 " * 500_000))).kept == 1


def test_empty() -> None:
    for reader in (MBOX, EML):
        with pytest.raises(Unreadable):
            collect(reader, b"\n\n")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"From a@b Fri Oct 03 13:30:05 2025\n", b"From \n", b"\n", b"A: b\n", b"Date: Fri, 3 Oct 2025 18:30:05 +0500\n",
                                 b"From: bob@example.com\n", b"To: aigerim@example.org\n", b"\r\n", b" x\n", b"\xff\n"]), max_size=40))  # fmt: skip
def test_every_message_has_an_end(lines: list[bytes]) -> None:
    data = b"".join(lines)
    for reader in (MBOX, EML):
        out = Collected()
        try:
            reader.read(source_of(data), context(owner=[OWNER]), out)
        except (Unreadable, Waiting):
            continue
        assert out.conserved()
    mails = list(MailStream(io.BytesIO(data), mbox=True))
    assert all(a.end <= b.start for a, b in pairwise(mails))


# -- locators and masks


def test_locators_open_again() -> None:
    mails = [
        mail(n=1),
        mail(n=2, body=f"{MARKER}\n\nFrom nobody\n"),
        mail("aigerim@example.org", "bob@example.com", n=3),
    ]
    data = mbox(*mails)
    for row in read(data).event_rows:
        opened = open_record(source_of(data), row["record"], "mbox", row["n"])
        assert opened.data.decode().rstrip("\n") == "From bob@example.com Fri Oct 03 13:30:05 2025\n" + mails[
            row["n"] - 1
        ].rstrip("\n")
        assert data[opened.start : opened.end] == opened.data
        assert MARKER not in opened.masked
        assert "Message-ID: <m" in opened.masked and "Subject: ‹20 characters›" in opened.masked
        assert opened.complete
    for record in ("mail:4", "mail:0", "mail:x"):
        with pytest.raises(LocateError):
            open_record(source_of(data), record, "mbox")
    with pytest.raises(LocateError):
        open_record(source_of(mail().encode()), "mail:2", "eml")


def test_masks_hide_names_of_files_and_unknown_headers() -> None:
    text = mail(Content_Type=f'application/pdf; name="{MARKER}.pdf"', X_New=MARKER, Received="from a by b;\n\tFri, 3 Oct 2025 13:30:05 +0000",
                X_Gmail_Labels=f"Sent,{MARKER}").replace("\n", "\r\n")  # fmt: skip
    shown = open_record(source_of(text.encode()), "mail:1", "eml").masked
    assert MARKER not in shown
    assert "Content-Type: application/pdf; ‹" in shown and "from a by b; Fri" in shown
    assert MBOX.mask(source_of(b""), "no header at all") == "‹16 characters›"
