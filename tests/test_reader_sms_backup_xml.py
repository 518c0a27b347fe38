"""The reader of SMS Backup & Restore XML, held against real files, an obvious reading, and broken or hostile files."""

from __future__ import annotations

import hashlib
import io
import random
import re
import time
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.identifiers import phone_identifier
from pipelines.readers import _xml_bytes, sms_backup_xml
from pipelines.readers.base import Head, SourceFile, Unreadable, implausible_time
from pipelines.readers.sms_backup_xml import READER, group_thread_id
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import sample

T = 1_700_000_000_000  # ms
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"


def _written(fields: dict[str, object]) -> str:
    return " ".join(f'{k}="{v}"' for k, v in fields.items())


def sms(**more: object) -> str:
    """Write an sms element as the app does."""
    fields = {
        "protocol": "0", "address": A, "date": T, "type": 1, "subject": "null", "body": "Salem", "toa": "null",
        "sc_toa": "null", "service_center": "null", "read": 1, "status": -1, "locked": 0, "date_sent": 0, "sub_id": "-1",
        "readable_date": "14.11.2023 22:13:20", "contact_name": "(Unknown)", **more,
    }  # fmt: skip
    return f"  <sms {_written(fields)} />\n"


def call(**more: object) -> str:
    """Write a call element as the app does."""
    fields = {"number": A, "duration": 0, "date": T, "type": 1, "presentation": 1, "subscription_id": "null", **more}
    return f"  <call {_written(fields)} />\n"


def mms(parts: str = "", addrs: str = "", **more: object) -> str:
    """Write an mms element; addrs as ``137 +7701…, 151 …``."""
    fields = {
        "date": T, "msg_box": 1, "address": A, "m_type": 132, "m_id": "null", "tr_id": "null", "text_only": 0, **more,
    }  # fmt: skip
    rows = [a.split() for a in addrs.split(",") if a]
    people = "".join(f'<addr address="{number}" type="{role}" charset="106" />' for role, number in rows)
    return f"  <mms {_written(fields)}>\n    <parts>{parts}</parts>\n    <addrs>{people}</addrs>\n  </mms>\n"


def part(ct: str, text: str = "null", data: str | None = None) -> str:
    """Write a part of an mms."""
    more = f' data="{data}"' if data is not None else ""
    return f'<part seq="0" ct="{ct}" name="secret-name.jpg" text="{text}"{more} />'


def doc(*records: str, root: str = "smses", count: object = None) -> bytes:
    """Write a whole file."""
    body = "".join(records)
    number = len(records) if count is None else count
    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<?xml-stylesheet type=\"text/xsl\" href=\"sms.xsl\"?>\n"
    return f'{head}<{root} count="{number}">\n{body}</{root}>\n'.encode()


def run(*records: str, root: str = "smses") -> Collected:
    """Read a well-formed file."""
    out = collect(READER, doc(*records, root=root))
    assert out.conserved()
    return out


def one(*records: str, root: str = "smses") -> dict[str, Any]:
    """Read a file that gives one row, and return that."""
    out = run(*records, root=root)
    assert len(out.event_rows) == 1, out.rejects
    return out.event_rows[0]


def by_n(out: Collected) -> list[dict[str, Any]]:
    return sorted(out.event_rows, key=lambda r: r["n"])


def result(out: Collected) -> tuple[Any, ...]:
    """Return everything that a reading gave, in an order that does not depend on how it was emitted."""
    return (by_n(out), sorted(out.rejects), out.scoped_out, out.records, sorted(out.notes), out.owners, out.covers)


# -- real files, every count of their description ---------------------------------------------------------------------


def _ms(row: dict[str, Any]) -> str:
    when = datetime.fromtimestamp(row["local_time"] / 1e6, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _real(name: str) -> tuple[Collected, list[dict[str, Any]]]:
    path = sample(f"sms-backup-restore/{name}")
    claim = READER.recognise(head_of(path))
    assert claim is not None
    out = collect(READER, path)
    assert out.conserved()
    return out, by_n(out)


def test_real_truncated_file() -> None:
    out, rows = _real("sms_and_mms.xml")
    assert Counter(r["channel"] for r in rows) == {"sms": 41, "mms": 8}
    assert out.rejects == [(50, "xml:/smses/mms[9]", "the file ends inside this record")]
    assert out.records == 50
    assert "the root says 58, read 49" in out.notes
    times = sorted(_ms(r) for r in rows)
    assert times[0] == "2017-12-02T14:49:27.463Z"
    assert times[-1] == "2024-07-17T21:37:26.000Z"
    assert [r["record"] for r in rows if r["channel"] == "mms"] == [f"xml:/smses/mms[{k}]" for k in range(1, 9)]
    groups = [r for r in rows if r["thread_kind"] == "group"]
    assert [(r["direction"], r["identifier_raw"], r["participants_n"]) for r in groups] == [
        ("in", "+15550000009", 4), ("out", None, 4), ("in", "+15550000010", 4),
    ]  # fmt: skip
    assert len({r["thread_id"] for r in groups}) == 1
    assert [r["attachment"] for r in rows if r["channel"] == "mms"] == ["none"] * 6 + ["image"] * 2


def test_real_calls() -> None:
    out, rows = _real("minimal_calls.xml")
    assert out.records == 1
    assert [(r["kind"], r["direction"], r["tags"], _ms(r)) for r in rows] == [
        ("call", "in", None, "2021-01-03T00:00:00.000Z")
    ]
    assert sum(r["tags"] == "missed" for r in rows) == 0
    assert len({r["identifier_raw"] for r in rows}) == 1
    assert not [n for n in out.notes if n.startswith("the root says")]


def test_real_minimal_mms() -> None:
    out, rows = _real("minimal_mms.xml")
    assert out.records == 1
    assert [(r["channel"], r["direction"], _ms(r)) for r in rows] == [("mms", "in", "2021-01-02T00:00:00.000Z")]
    assert len({r["identifier_raw"] for r in rows}) == 1
    # three parts: layout, 15 characters, a picture
    assert (rows[0]["size"], rows[0]["attachment"]) == (15, "image")


def test_real_edge_cases() -> None:
    out, rows = _real("edge_cases.xml")
    assert out.records == 4
    assert Counter(r["channel"] for r in rows) == {"sms": 3, "mms": 1}
    assert Counter(r["direction"] for r in rows if r["channel"] == "sms") == {"in": 2, "out": 1}
    assert [r["direction"] for r in rows if r["channel"] == "mms"] == ["in"]
    assert len({r["identifier_raw"] for r in rows}) == 4
    assert (_ms(rows[0]), _ms(rows[-1])) == ("2021-01-01T00:00:00.000Z", "2021-01-01T03:00:00.000Z")
    assert [r["size"] for r in rows] == [29, len("Hello 🌍 — this has «special» chars & symbols < > \" '"), 0, 0]


def test_real_mixed() -> None:
    out, rows = _real("mixed.xml")
    assert (out.records, out.kept, out.scoped_out) == (4, 3, 1)
    assert Counter(r["channel"] for r in rows) == {"sms": 2, "mms": 1}
    assert Counter(r["direction"] for r in rows if r["channel"] == "sms") == {"in": 1, "out": 1}
    assert len({r["identifier_raw"] for r in rows}) == 1  # of the two in the file, one has only the draft
    assert _ms(rows[0]) == "2021-01-01T00:00:00.000Z"
    assert _ms(rows[-1]) == "2021-01-01T02:00:00.000Z"  # 03:00 is the draft


def test_real_malformed() -> None:
    out, rows = _real("malformed.xml")
    assert rows == []
    assert [r[:2] for r in out.rejects] == [(1, "xml:/smses/sms[1]")]
    assert "the root says 1, read 0" in out.notes


def test_real_super_backup() -> None:
    out, rows = _real("calls_superbackup.xml")
    assert out.records == 2
    assert [(r["record"], r["kind"], r["direction"], r["duration_s"], r["answered"]) for r in rows] == [
        ("xml:/alllogs/log[1]", "call", "in", 264, True), ("xml:/alllogs/log[2]", "call", "in", 73, True),
    ]  # fmt: skip
    assert sorted(map(_ms, rows)) == ["2018-09-17T17:24:42.190Z", "2018-09-17T19:58:22.606Z"]


# -- what each field becomes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "want"),
    [
        (1, -1, ("in", "delivered", "contact", "yes")),
        (1, 64, ("in", "delivered", "contact", "yes")),
        (2, -1, ("out", "sent", "owner", "no")),
        (2, "null", ("out", "sent", "owner", "no")),
        (2, 0, ("out", "delivered", "owner", "no")),
        (2, 32, ("out", "sent", "owner", "no")),
        (2, 64, ("out", "failed", "owner", "no")),
        (5, 0, ("out", "failed", "owner", "no")),
        (99, 0, ("unknown", "unknown", "unknown", "unknown")),
        ("null", -1, ("unknown", "unknown", "unknown", "unknown")),
    ],
)
def test_sms_codes(kind: object, status: object, want: tuple[str, ...]) -> None:
    # the second of each pair goes the quick way
    out = run(sms(type=kind, status=status), sms(type=kind, status=status))
    for row in out.event_rows:
        assert tuple(row[k] for k in ("direction", "status", "actor", "directed")) == want
        assert (row["channel"], row["kind"], row["zone_basis"], row["ts_precision"]) == ("sms", "message", "utc", "ms")
        assert (row["identifier"], row["thread_id"], row["thread_kind"]) == (A, A, "direct")
        assert (row["local_time"], row["size"], row["attachment"], row["owner_line"]) == (T * 1000, 5, "none", None)
    assert bool([n for n in out.notes if "direction is not known" in n]) == (want[0] == "unknown")


def test_unsent_messages_are_out_of_scope_even_without_a_time() -> None:
    out = run(*(sms(type=t, date=d) for t in (3, 4, 6) for d in (T, 0)), mms(msg_box=3), mms(msg_box=4))
    assert (out.scoped_out, out.kept, out.rejects, out.covers) == (8, 0, [], [])


CALLS = [
    (1, 0, "in", None, None, 0),
    (1, 60, "in", None, True, 60),
    (1, "null", "in", None, None, None),
    (2, 0, "out", None, False, 0),
    (2, 5, "out", None, True, 5),
    (2, "null", "out", None, None, None),
    (3, 0, "in", "missed", False, None),
    (3, 30, "in", "missed", False, None),
    (4, 12, "in", "voicemail", False, None),
    (5, 0, "in", "rejected", False, None),
    (6, 0, "in", "blocked", False, None),
    (7, 0, "in", "answered_elsewhere", True, None),
    (7, 9, "in", "answered_elsewhere", True, 9),
    (1, -5, "in", None, None, None),
    (42, 7, "unknown", None, None, None),
]


@pytest.mark.parametrize(("kind", "duration", "direction", "tag", "answered", "talk"), CALLS)
def test_call_codes(
    kind: int, duration: object, direction: str, tag: str | None, answered: bool | None, talk: int | None
) -> None:
    records = [call(type=kind, duration=duration), call(type=kind, duration=duration)]
    other = f'<log number="{A}" time="x" date="{T}" type="{kind}" name="y" new="1" dur="{duration}" />'
    for out in (run(*records, root="calls"), run(other, other, root="alllogs")):
        assert len(out.event_rows) == 2
        for row in out.event_rows:
            found = (row["direction"], row["tags"], row["answered"], row["duration_s"])
            assert found == (direction, tag, answered, talk)
            assert (row["channel"], row["kind"], row["identifier"], row["size"]) == ("phone", "call", A, None)


@pytest.mark.parametrize(
    ("number", "presentation", "want"),
    [
        (A, 1, (A, "phone")),
        ("8 (701) 000-00-01", 1, (A, "phone")),
        ("", 2, (None, "withheld")),
        (A, 2, (None, "withheld")),
        ("-1", 3, (None, "unknown_caller")),
        ("", 4, (None, "payphone")),
        ("-1", "null", (None, "unknown_caller")),
        ("-2", "null", (None, "withheld")),
        ("null", 1, (None, "none")),
        ("7111", 1, ("short:7111", "short")),
    ],
)
def test_callers(number: str, presentation: object, want: tuple[str | None, str]) -> None:
    out = run(*[call(number=number, presentation=presentation, type=3)] * 3, root="calls")
    for row in out.event_rows:
        assert (row["identifier"], row["identifier_kind"]) == want
        assert (row["thread_id"], row["directed"], row["actor"]) == (want[0], "yes", "contact")


def test_calls_of_2011_have_no_presentation() -> None:
    text = f'<call number="-1" duration="0" date="{T}" type="3" readable_date="x" contact_name="null" />'
    assert one(text, root="calls")["identifier_kind"] == "unknown_caller"


def test_owner_line_and_the_owners_number() -> None:
    out = run(
        call(subscription_id=2),
        call(subscription_id=2, phone_account_address=OWN),
        call(subscription_id=2, phone_account_address=OWN),
        call(subscription_id="null", phone_account_address="null"),
        root="calls",
    )
    assert [r["owner_line"] for r in by_n(out)] == ["2", OWN, OWN, None]
    assert out.owners == [OWN]
    assert one(sms(sub_id=3))["owner_line"] == "3"


def test_sender_of_a_sent_mms_is_the_owner_unless_met_on_the_other_side() -> None:
    sent = mms(msg_box=2, m_type=128, addrs=f"137 {OWN},151 {A}")
    assert run(sent).owners == [OWN]
    assert run(sent, sms(address=OWN)).owners == []
    assert run(mms(msg_box=2, addrs=f"137 {A},151 {A}")).owners == []
    assert run(mms(msg_box=2, addrs=f"137 insert-address-token,151 {A}")).owners == []
    assert run(mms(msg_box=1, addrs=f"137 {A},151 {OWN}")).owners == []


def test_group_mms() -> None:
    group = f"{B}~{A}~{C}"
    incoming, outgoing = by_n(
        run(
            mms(address=group, addrs=f"137 {B},151 {OWN},130 {A},130 {C}"),
            mms(
                address=f"{A}~{C}~{B}", msg_box=2, m_type=128, addrs=f"137 insert-address-token,151 {A},151 {B},151 {C}"
            ),
        )
    )
    digest = hashlib.sha256("\n".join(sorted([A, B, C])).encode()).hexdigest()[:10]
    assert incoming["thread_id"] == outgoing["thread_id"] == f"group:{digest}" == group_thread_id([C, A, B, A])
    assert (incoming["identifier"], incoming["identifier_raw"], incoming["direction"]) == (B, B, "in")
    assert (outgoing["identifier"], outgoing["identifier_kind"], outgoing["direction"]) == (None, "none", "out")
    for row in (incoming, outgoing):
        assert (row["thread_kind"], row["directed"], row["participants_n"]) == ("group", "no", 4)


def test_group_only_in_addrs() -> None:
    row = one(mms(address="group_8@rcs.google.com", addrs=f"137 {B},151 {OWN},130 {A},130 {B}"))
    assert (row["thread_kind"], row["identifier"], row["participants_n"]) == ("group", B, 3)
    assert row["thread_id"] == group_thread_id([A, B, OWN])
    assert one(mms(address=A, addrs=f"137 {A},151 {OWN},151 {B}"))["thread_kind"] == "group"
    assert one(mms(address="group_8@rcs.google.com"))["thread_kind"] == "group"


def test_one_to_one_mms() -> None:
    for addrs in ("", f"137 {A},151 {OWN}", f"137 {A},151 {A},130 {A}", f"137 {A}", f"151 {OWN}"):
        row = one(mms(addrs=addrs))
        assert (row["thread_kind"], row["identifier"], row["thread_id"]) == ("direct", A, A)
        assert (row["directed"], row["participants_n"]) == ("yes", None)
    assert one(mms(address="null", addrs=f"137 {B},151 {OWN}"))["identifier"] == B
    assert one(mms(address="null", msg_box=2, addrs=f"137 {OWN},151 {B}"))["identifier"] == B
    out = run(mms(address=A, addrs=f"137 {B},151 {A}"))
    assert out.event_rows[0]["identifier"] == A
    assert [n for n in out.notes if "another sender" in n]


@pytest.mark.parametrize(
    ("ct", "want"),
    [
        ("image/jpeg", "image"), ("IMAGE/PNG", "image"), ("video/3gpp", "video"), ("audio/amr", "audio"),
        ("text/x-vCard", "contact"), ("application/pdf", "document"), ("application/octet-stream", "other"),
        ("text/plain", "none"), ("application/smil", "none"), ("text/plain; charset=utf-8", "none"),
    ],
)  # fmt: skip
def test_attachment_by_media_type(ct: str, want: str) -> None:
    assert one(mms(part("application/smil", "xx") + part(ct, "abc")))["attachment"] == want


def test_size_of_mms() -> None:
    assert one(mms(part("text/plain", "abc") + part("text/plain", "&#55357;&#56838;") + part("image/png")))["size"] == 4
    assert one(mms(part("image/png", data="AAAA")))["size"] == 0
    assert one(mms(part("text/plain", data="AAAA")))["size"] is None  # the text stands in base64
    bare = f'<mms date="{T}" msg_box="1" address="{A}" m_type="132" />'
    assert (one(bare)["size"], one(bare)["attachment"]) == (None, None)


def test_notifications() -> None:
    note: dict[str, Any] = {"m_type": 130, "parts": "", "m_id": "null"}
    out = run(
        mms(**note, tr_id="T1", date=T + 1),  # downloaded further down
        mms(**note, tr_id="T2", date=T + 2),  # never
        mms(m_type=132, tr_id="T1", m_id="M1"),
        mms(**{**note, "m_id": "M1"}, date=T + 3),  # downloaded further up
        mms(**note, date=T + 4),  # has no id
        mms(m_type=134, tr_id="T2"),  # a delivery report
    )
    assert [r["n"] for r in by_n(out)] == [2, 3, 5]
    assert out.scoped_out == 3
    for row in by_n(out)[::2]:
        assert (row["direction"], row["status"], row["tags"]) == ("in", "pending", "notification")
        assert (row["actor"], row["directed"], row["attachment"], row["size"]) == ("contact", "yes", None, None)


def test_notification_is_not_downloaded_by_another_ones_id() -> None:
    # the two ids are different names: a transaction "X" is no message "X"
    assert run(mms(m_type=130, tr_id="X"), mms(m_type=132, m_id="X")).kept == 2


def test_times() -> None:
    dates = [0, -1, 1, 978307200000, 5, 4102444800000, "null", "", "soon", "1e12", "１", T]
    out = run(*(sms(date=d) for d in dates))
    assert [r["n"] for r in out.event_rows] == [12]
    reasons = {n: reason for n, _, reason in out.rejects}
    for n, date in enumerate(dates[:6], 1):
        assert isinstance(date, int)
        assert reasons[n] == implausible_time(date * 1000)
    assert (reasons[7], reasons[8], reasons[9]) == ("no time", "the time is not a number", "the time is not a number")
    assert not [n for n in out.notes if n.startswith("the root says")]


def test_crowded_seconds_are_noted() -> None:
    spread = [sms(date=T + 1000 * k) for k in range(60)]
    assert not [n for n in run(*spread).notes if "seconds hold more than" in n]
    assert not [n for n in run(*[sms(date=T + k) for k in range(50)]).notes if "seconds hold" in n]
    crowd = [sms(date=T + k) for k in range(51)]
    out = run(*spread[1:30], *crowd[:20], *spread[30:], *crowd[20:])  # not in a row
    assert [n for n in out.notes if n.startswith("1 seconds hold more than 50 records")]


def test_crowded_seconds_of_very_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_backup_xml, "CHUNK", 10)
    monkeypatch.setattr(sms_backup_xml._Seconds, "_FOLD", 20)
    out = run(*(sms(date=T + 1000 * (k % 2) * k) for k in range(200)))
    assert [n for n in out.notes if n.startswith("1 seconds hold more than 50 records")]


def test_coverage_and_notes() -> None:
    out = run(sms(), mms())
    assert out.covers == [
        {"channel": "mms", "classes": "message", "scope": "all"},
        {"channel": "sms", "classes": "message", "scope": "all"},
    ]
    assert [n for n in out.notes if "call log keeps only its newest entries" in n and "chosen" in n]
    assert run(call(), root="calls").covers == [{"channel": "phone", "classes": "call", "scope": "all"}]


def test_super_backup_messages() -> None:
    text = f'<sms address="{A}" time="14.11.2023" date="{T}" type="2" body="x &gt; y" read="1" service_center="" name="N" />'
    row = one(text, root="allsms")
    assert (row["record"], row["direction"], row["size"]) == ("xml:/allsms/sms[1]", "out", 5)


def test_silence_and_old_signal() -> None:
    text = (
        f'<sms protocol="0" address="{A}" contact_name="null" date="{T}" readable_date="Tue, 14 Nov 2023" type="1" subject="null" '
        'body="&#55357;&#56838; hi" toa="null" sc_toa="null" service_center="null" read="1" status="-1" locked="0" />'
    )
    row = one(text)
    assert (row["identifier"], row["direction"], row["size"], row["status"]) == (A, "in", 4, "delivered")


def test_androids_word_for_a_sender_whom_it_does_not_know_is_nobody() -> None:
    out = run(*(sms(address="\u02bcUNKNOWN_SENDER!\u02bc", date=T + k) for k in range(2)))
    assert [(r["identifier"], r["identifier_raw"], r["identifier_kind"]) for r in by_n(out)] == [
        (None, "\u02bcUNKNOWN_SENDER!\u02bc", "unknown_caller")
    ] * 2


def test_content_is_nowhere() -> None:
    words = ("Zebra1", "Zebra2", "Zebra3", "secret-name", "Zebra4")
    bad = sms(body="Zebra1", date="Zebra4", contact_name="Zebra2").replace("/>", "Zebra1 />", 1)
    good = sms(body="Zebra1", subject="Zebra3", contact_name="Zebra2", type="Zebra4")
    other = mms(part("text/plain", "Zebra1") + part("image/png", data="Zebra3"), sub="Zebra3", date="Zebra4")
    out = collect(READER, doc(good, bad, sms(date="Zebra4"), other))
    assert out.conserved()
    assert (out.kept, len(out.rejects)) == (1, 3)
    everything = repr(result(out))
    assert not [w for w in words if w in everything]


# -- recognition ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sure"),
    [
        (doc(sms()), 95),
        (doc(call(), root="calls"), 95),
        (b"\xef\xbb\xbf" + doc(sms()), 95),
        (doc(sms()).decode().encode("utf-16"), 95),
        (b"<!-- a --><!DOCTYPE smses [<!ELEMENT smses ANY>]>\n<smses count='0'/>", 80),
        (doc(root="alllogs"), 80),
        (doc("<x/>", root="calls"), 80),
        (b"<calls><x/></calls>", None),
        (b"<smsesx/>", None),
        (b"<html><smses/></html>", None),
        (b"smses count sms date", None),
        (b"", None),
        (b"\xff\xfe\x00\x00<", None),
        (b'{"smses": 1}', None),
    ],
)
def test_recognition(data: bytes, sure: int | None) -> None:
    claim = READER.recognise(head_of(data, "sms-20231114.xml"))
    assert (claim and claim.sure) == sure


def test_recognition_of_hostile_heads_is_quick() -> None:
    for piece in (b"<!--", b"<?", b"<sms date='", b'<sms "', b" ", b"<!DOCTYPE", b"<sms a='b' "):
        for start in (b"", b"<smses>", b"<smses "):
            data = (start + piece * 65_536)[:65_536]
            READER.recognise(Head(data, "x.xml", None, len(data)))


# -- broken and hostile files -----------------------------------------------------------------------------------------


def test_every_cut_keeps_every_complete_record() -> None:
    whole = doc(sms(), mms(part("text/plain", "жж") + part("image/png", data="AAAA"), f"137 {A},151 {B}"), sms(), "<x a='1'/>",
                "<!-- <sms -->", sms(body="ж&#10;\n>"), count=4)  # fmt: skip
    ends = [m.end() for m in re.finditer(rb"<sms [^<]*?/>\n|</mms>", whole.replace(b"<!-- <sms", b"<!-- *sms"))]
    assert len(ends) == 4
    ends[0], ends[2], ends[3] = ends[0] - 1, ends[2] - 1, ends[3] - 1
    full = by_n(collect(READER, whole))
    assert len(full) == 4
    starts = [m.start() for m in re.finditer(rb"\n  <(?:sms|mms) ", whole)]
    first = whole.index(b"<smses") + len(b"<smses count")
    for cut in range(first, len(whole)):
        out = collect(READER, whole[:cut]) if whole[:cut].count(b">") > 2 else None
        if out is None:
            continue
        assert out.conserved()
        done = sum(e <= cut for e in ends)
        assert by_n(out) == full[:done], cut
        begun = sum(s + 5 <= cut for s in starts)
        if begun > done:
            assert [r[0] for r in out.rejects] == [done + 1]
            assert out.rejects[0][2] == "the file ends inside this record"
        assert (f"the root says 4, read {done}" in out.notes) == (done != 4)
        closed = cut >= len(whole) - 1
        assert bool([n for n in out.notes if "ends before its root element" in n]) != closed


BREAKS = [
    ('type="1"', "type=1"),
    ('type="1"', 'type="1'),
    ('type="1"', "type"),
    ('type="1"', 'type="1" type="2"'),
    ('body="Salem"', 'body="a < b"'),
    ('body="Salem"', 'body="a "quoted" b"'),
    (" />", " / >"),
    (" />", ">"),
    (" />", ""),
    (" />", "></mms>"),
    (" />", "></smses2>"),
]


@pytest.mark.parametrize(("old", "new"), BREAKS)
def test_a_broken_record_does_not_take_its_neighbours_along(old: str, new: str) -> None:
    bad = sms(date=T + 2).replace(old, new, 1)
    out = collect(READER, doc(sms(date=T + 1), bad, sms(date=T + 3), mms(date=T + 4), sms(date=T + 5)))
    assert out.conserved()
    assert [r["local_time"] // 1000 - T for r in by_n(out)] == [1, 3, 4, 5]
    assert [(r["n"], r["record"]) for r in by_n(out)] == [
        (1, "xml:/smses/sms[1]"), (3, "xml:/smses/sms[3]"), (4, "xml:/smses/mms[1]"), (5, "xml:/smses/sms[4]"),
    ]  # fmt: skip
    assert [r[:2] for r in out.rejects] == [(2, "xml:/smses/sms[2]")]
    assert "the root says 5, read 4" in out.notes


@pytest.mark.parametrize(
    ("old", "new"),
    [("<parts>", "<parts"), ("</parts>", ""), ("<addrs>", ""), ("</mms>", ""), ("</mms>", "</mms"), ("</addrs>", "</x>"),
     ('seq="0"', 'seq="0'), ("<parts>", "<parts><!X>")],
)  # fmt: skip
def test_a_broken_mms_does_not_take_its_neighbours_along(old: str, new: str) -> None:
    bad = mms(part("text/plain", "abc"), f"137 {A}", date=T + 2).replace(old, new, 1)
    out = collect(READER, doc(sms(date=T + 1), bad, mms(date=T + 3), sms(date=T + 4)))
    assert out.conserved()
    assert [r["n"] for r in by_n(out)] == [1, 3, 4]
    assert [r[:2] for r in out.rejects] == [(2, "xml:/smses/mms[1]")]


def test_a_text_that_holds_markup_does_not_pass_for_a_record() -> None:
    # written by an app that does not escape: the record is lost, but nothing in it becomes another one
    bad = sms(body=f"look: <sms address='{B}' date='{T}' type='1' body='x'/> there")
    out = collect(READER, doc(sms(), bad, sms()))
    assert out.conserved()
    assert [r["n"] for r in by_n(out)] == [1, 3]
    assert {r["identifier"] for r in out.event_rows} == {A}


def test_broken_markup_between_records_is_noted() -> None:
    out = collect(READER, doc(sms(), "<x a=1>\n", sms(), "</y>\n", sms(), count=3))
    assert out.kept == 3
    assert [n for n in out.notes if "not well-formed was passed over in 2 places" in n]


def test_misplaced_records_are_rejected_not_dropped() -> None:
    data = doc(sms(), "<x><y/>" + sms() + "</x>", sms()) + b"<smses count='1'>" + sms().encode() + b"</smses>"
    out = collect(READER, data)
    assert out.conserved()
    assert [r["n"] for r in by_n(out)] == [1, 3]
    assert out.rejects == [
        (2, "xml:/*[1]/*[2]/*[2]", "it is no child of the root element"),
        (4, "xml:/*[2]/*[1]", "it lies behind the end of the root element"),
    ]


def test_surrogates_and_control_characters() -> None:
    bodies = ["&#55357;&#56838;", "&#xD83D;&#xDE06;", "&#55357;", "&#56838;&#55357;", "&#0;&#11;", "\x00\x0b", "&#x110000;",
              "&#99999999999999999999999;", "&bogus;", "&", "&#10;\r\n\n", "&#x41;" * 3]  # fmt: skip
    want = [1, 1, 1, 2, 2, 2, 1, 1, 7, 1, 3, 3]
    for records in ([sms(body=b) for b in bodies], [sms(body=b).replace(" type", "  type") for b in bodies]):
        assert [r["size"] for r in by_n(run(*records))] == want
    raw = doc(sms(body="@@")).replace(b"@@", b"\xed\xa0\xbd\xed\xb8\x86 \xff")
    assert [r["size"] for r in collect(READER, raw).event_rows] == [2 * 3 + 2]  # with a byte that is no UTF-8
    raw = doc(sms(body="@@")).replace(b"@@", b"\xed\xa0\xbd\xed\xb8\x86")
    assert [r["size"] for r in collect(READER, raw).event_rows] == [1]


def test_a_number_with_control_characters() -> None:
    row = one(sms(address="Ka&#0;spi&#55357;"))
    assert row["identifier_raw"] == "Ka\ufffdspi\ufffd"


def test_the_word_null_is_missing() -> None:
    for body in ("null", "&#110;ull"):
        assert [r["size"] for r in run(sms(body=body), sms(body=body), sms(body=body)).event_rows] == [None] * 3
    row = one(sms(address="null", sub_id="null"))
    assert (row["identifier"], row["identifier_raw"], row["owner_line"], row["thread_id"]) == (None, None, None, None)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE smses [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE smses [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE smses [<!-- > ]> --> <!ENTITY % p "x"> %p;]>',
        "<!DOCTYPE smses [" + "<!ELEMENT a ANY>" * 1000,
    ],
)
def test_declared_entities_are_refused(head: str) -> None:
    data = f"<?xml version='1.0'?>{head}<smses>{sms(body='&b;')}</smses>".encode()
    with pytest.raises(Unreadable) as caught:
        collect(READER, data)
    assert "passwd" not in caught.value.reason and caught.value.reason.count(".") == 0


def test_harmless_document_type() -> None:
    data = f"<?xml version='1.0'?><!DOCTYPE smses SYSTEM '>[x' [<!ELEMENT a ANY>]><smses>{sms()}</smses>".encode()
    assert collect(READER, data).kept == 1
    late = doc(sms(), '<!DOCTYPE a [<!ENTITY x "y">]>\n', sms(body="&x;"))
    assert [r["size"] for r in by_n(collect(READER, late))] == [5, 3]


@pytest.mark.parametrize("data", [b"", b"<", b"<html></html>", b"<?xml version='1.0'?>", b"<smses count='", b"x <= y",
                                  b"<smses count=1>", b"<?xml version='1.0' encoding='EBCDIC-X'?><smses/>"])  # fmt: skip
def test_no_root(data: bytes) -> None:
    with pytest.raises(Unreadable):
        collect(READER, data)


def test_deep_nesting() -> None:
    deep = "<a>" * 200_000
    out = collect(READER, doc(sms(), deep, "\n", sms()))
    assert out.kept == 2
    out = collect(READER, doc(mms(parts=deep), sms()))
    assert (out.kept, [r[2] for r in out.rejects]) == (1, ["its elements are nested deeper than 64"])


def test_too_many_attributes() -> None:
    out = collect(READER, doc(sms(**{f"a{k}": "" for k in range(300)}), sms()))
    assert (out.kept, [r[2] for r in out.rejects]) == (1, ["it has more than 256 attributes"])


def test_long_values() -> None:
    body = "ж" * 3000 + "&#55357;&#56838;" + "a" * 200_000
    records = [
        sms(body=body),
        sms(body=body),
        sms(address="1" * 70_000),
        sms(body="x" * (5 << 20)),
        sms(contact_name="y" * 70_000),
    ]
    out = run(*records, mms(part("text/plain", body)))
    assert [r["size"] for r in by_n(out)] == [203_001, 203_001, None, 5, 203_001]
    assert [r[:2] for r in out.rejects] == [(3, "xml:/smses/sms[3]")]


def test_attachments_are_counted_not_held() -> None:
    data = "A" * 30_000_000
    source = doc(
        mms(part("image/png", data=data) + part("text/plain", "abc")), sms(), mms(part("image/png", data="AAAA"))
    )
    biggest = 0

    class Watched(_xml_bytes.Scanner):
        def fill(self) -> bool:
            nonlocal biggest
            more = super().fill()
            biggest = max(biggest, len(self.data))
            return more

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sms_backup_xml, "Scanner", Watched)
        out = collect(READER, source)
    assert [(r["size"], r["attachment"]) for r in by_n(out)] == [(3, "image"), (5, "none"), (0, "image")]
    assert "30000004 bytes of attachments (base64) were passed over" in out.notes
    assert biggest <= 2 * _xml_bytes.BLOCK


@pytest.mark.parametrize(
    "piece",
    [b"<sms ", b"<sms a='", b"<!--", b"<mms><parts>", b"<sms date='1' ", b"\n<", b"\n<sms a=\"1\" a=\"2\"/>", b"</x>", b" " * 50,
     b"<sms a='b'>", b"&#", b"<![CDATA[", b"a='b' ", b"<mms>\n"],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(piece: bytes) -> None:
    # a quadratic way would take minutes for these
    for start in (b"<smses>", b"<smses><sms ", b"<smses>\n" + sms().encode() * 3):
        data = start + piece * (600_000 // len(piece))
        began = time.process_time()
        assert collect(READER, data).conserved()
        assert time.process_time() - began < 8


def test_many_broken_among_many_equal_ones_takes_linear_time() -> None:
    good, bad = sms(), sms().replace('type="1"', "type=1")
    odd = sms(body="a<b")
    began = time.process_time()
    out = collect(READER, doc(*[good, bad, good, odd] * 3000))
    assert (out.kept, len(out.rejects)) == (6000, 6000)
    assert time.process_time() - began < 8


def test_encodings() -> None:
    text = doc(sms(body="Сәлем 😆"), sms(body="Сәлем 😆")).decode()
    want = result(collect(READER, text.encode()))
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        assert result(collect(READER, text.encode(encoding))) == want, encoding
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert result(collect(READER, mark + text.encode(encoding))) == want
    cyrillic = doc(sms(body="Салем")).decode().replace("UTF-8", "windows-1251").encode("cp1251")
    assert [r["size"] for r in collect(READER, cyrillic).event_rows] == [5]
    wrong = doc(sms(body="Салем")).decode().replace("UTF-8", "UTF-16").encode()  # says so, and is not
    assert [r["size"] for r in collect(READER, wrong).event_rows] == [5]
    cut = collect(READER, text.encode("utf-16")[:-501])
    assert cut.conserved() and cut.kept == 1


# -- against an obvious reading ---------------------------------------------------------------------------------------


def _word(text: str) -> str | None:
    """The name of a SIM or an account: one word, or a number however it is written."""
    return text if phone_identifier(text, "KZ")[1] == "phone" or re.fullmatch(r"[\w.:@+-]{1,64}", text) else None


def _sim(text: str) -> str | None:
    return text if text != "-1" and re.fullmatch(r"[\w.:@+-]{1,64}", text) else None


def obvious(data: bytes) -> tuple[list[dict[str, Any]], dict[int, str], int, int]:
    """Read a well-formed file the obvious way, from the description alone: rows, rejects, out of scope, read."""
    root = ET.fromstring(data)
    rows: list[dict[str, Any]] = []
    rejects: dict[int, str] = {}
    scoped_out = 0
    counts: Counter[str] = Counter()

    def get(element: ET.Element, key: str) -> str | None:
        value = element.get(key)
        return None if value == "null" else value

    def number(element: ET.Element, key: str) -> int | None:
        value = (get(element, key) or "").strip(" ")
        return int(value) if re.fullmatch("-?[0-9]{1,18}", value) else None

    downloads: set[str] = set()
    for e in root:
        if e.tag == "mms" and number(e, "m_type") == 132 and number(e, "msg_box") not in (3, 4, 6):
            ms = number(e, "date")
            if implausible_time(None if ms is None else ms * 1000) is None:
                downloads |= {k + (get(e, k) or "") for k in ("m_id", "tr_id") if get(e, k)}
    n = 0
    for e in root:
        if e.tag not in ("sms", "mms", "call", "log"):
            continue
        n += 1
        counts[e.tag] += 1
        row: dict[str, Any] = {"n": n, "record": f"xml:/{root.tag}/{e.tag}[{counts[e.tag]}]"}
        box = number(e, "msg_box" if e.tag == "mms" else "type")
        m_type = number(e, "m_type") if e.tag == "mms" else None
        if e.tag in ("sms", "mms") and (box in (3, 4, 6) or m_type in (129, 131, 133, 134, 135, 136)):
            scoped_out += 1
            continue
        date = get(e, "date")
        ms = number(e, "date")
        why = implausible_time(None if ms is None else ms * 1000)
        if date is not None and ms is None:
            why = "the time is not a number"
        if why:
            rejects[n] = why
            continue
        assert ms is not None
        row["local_time"] = ms * 1000
        if e.tag in ("call", "log"):
            talk = number(e, "duration") if e.get("duration") is not None else number(e, "dur")
            talk = None if talk is not None and talk < 0 else talk
            names = {3: "missed", 4: "voicemail", 5: "rejected", 6: "blocked", 7: "answered_elsewhere"}
            row["direction"] = "out" if box == 2 else "in" if box in (1, 3, 4, 5, 6, 7) else "unknown"
            row["tags"] = names.get(box or 0)
            if box in (1, 2):
                row["answered"] = None if talk is None or (talk == 0 and box == 1) else talk > 0
                row["duration_s"] = talk
            else:
                row["answered"] = {3: False, 4: False, 5: False, 6: False, 7: True}.get(box or 0)
                row["duration_s"] = talk if box == 7 and talk else None
            hidden = {"2": "withheld", "3": "unknown_caller", "4": "payphone", "5": "unknown_caller"}.get(
                (get(e, "presentation") or "").strip()
            )
            raw = get(e, "number") or None
            raw = None if raw == "insert-address-token" else raw
            who = (None, hidden) if hidden else phone_identifier(raw, "KZ")
            row |= {"channel": "phone", "kind": "call", "status": "unknown", "identifier": who[0], "identifier_raw": raw,
                    "identifier_kind": who[1], "thread_id": who[0], "thread_kind": "direct", "participants_n": None,
                    "size": None, "attachment": None}  # fmt: skip
            account = (get(e, "phone_account_address") or "").strip()
            line = (get(e, "subscription_id") or "").strip()
            row["owner_line"] = _word(account) or _sim(line)
        else:
            row["direction"] = {1: "in", 2: "out", 5: "out"}.get(box or 0, "unknown")
            row["status"] = {1: "delivered", 2: "sent", 5: "failed"}.get(box or 0, "unknown")
            line = (get(e, "sub_id") or "").strip()
            row |= {"channel": e.tag, "kind": "message", "tags": None, "answered": None, "duration_s": None,
                    "owner_line": _sim(line)}  # fmt: skip
            if e.tag == "sms":
                report = number(e, "status")
                if box == 2 and report is not None and report >= 0:
                    row["status"] = "delivered" if report < 32 else "sent" if report < 64 else "failed"
                body = get(e, "body")
                row |= {"size": None if body is None else len(body), "attachment": "none"}
            else:
                size: int | None = 0
                kinds = []
                for p in e.findall("parts/part"):
                    ct = (get(p, "ct") or "").lower()
                    if ct == "text/plain":
                        told = get(p, "text")
                        lost = told is None and (p.get("data") or "")
                        size = None if size is None or lost else size + len(told or "")
                    elif ct != "application/smil":
                        kinds.append(ct.split("/")[0] if ct.split("/")[0] in ("image", "video", "audio") else "other")
                incoming_note = m_type == 130 and row["direction"] == "in"
                some = e.find("parts") is not None
                row["size"] = size if e.findall("parts/part") or (some and not incoming_note) else None
                row["attachment"] = kinds[0] if kinds else None
                if not kinds and not incoming_note and (some or number(e, "text_only") == 1):
                    row["attachment"] = "none"
                if incoming_note:
                    row |= {"tags": "notification", "status": "pending"}
                    if downloads & {k + (get(e, k) or "") for k in ("m_id", "tr_id") if get(e, k)}:
                        scoped_out += 1
                        continue
            row |= _obvious_thread(e, row["direction"])
        row["actor"] = {"in": "contact", "out": "owner", "unknown": "unknown"}[row["direction"]]
        row["directed"] = {"in": "yes", "out": "no", "unknown": "unknown"}[row["direction"]]
        if row["thread_kind"] == "group":
            row["directed"] = "no"
        rows.append(row)
    return rows, rejects, scoped_out, n


def _obvious_thread(e: ET.Element, direction: str) -> dict[str, Any]:
    def known(raw: str | None) -> bool:
        return bool(raw) and raw not in ("null", "insert-address-token")

    def ident(raw: str | None) -> tuple[str | None, str]:
        return phone_identifier(raw if known(raw) else None, "KZ")

    address = e.get("address")
    members = [a for a in (address or "").split("~") if known(a)]
    roles = [
        (a.get("address"), (a.get("type") or "").strip(" ")) for a in e.findall("addrs/addr") if known(a.get("address"))
    ]
    senders = [raw for raw, role in roles if role == "137"]
    ids = {ident(a)[0] for a in members} - {None}
    everybody = {ident(raw)[0] for raw, _ in roles} - {None}
    to = {ident(raw)[0] for raw, role in roles if role != "137"} - {None}
    sender_id = ident(senders[0])[0] if senders else None
    rcs = len(members) == 1 and re.fullmatch(r"group_\d+@rcs.google.com", members[0]) is not None
    group: set[str | None] = set()
    people: int | None = None
    if len(ids) > 1:
        group, people = ids, len(ids) + 1
    elif rcs and not everybody:
        group = ids
    elif direction == "out" and (rcs or len(to - {sender_id}) > 1):
        group, people = everybody, len(everybody) + (0 if sender_id else 1)
    elif rcs or len(everybody) > 2:
        group, people = everybody, len(everybody) + (0 if to else 1)
    if group:
        raw = senders[0] if senders and direction == "in" else None
        digest = hashlib.sha256("\n".join(sorted(str(x) for x in group)).encode()).hexdigest()[:10]
        return {"identifier": ident(raw)[0], "identifier_raw": raw, "identifier_kind": ident(raw)[1],
                "thread_id": f"group:{digest}", "thread_kind": "group", "participants_n": people}  # fmt: skip
    raw = members[0] if members else None
    if ident(raw)[0] is None and direction == "in" and sender_id:
        raw = senders[0]
    if ident(raw)[0] is None and direction == "out" and to:
        raw = next(r for r, role in roles if role != "137" and ident(r)[0])
    return {"identifier": ident(raw)[0], "identifier_raw": raw, "identifier_kind": ident(raw)[1],
            "thread_id": ident(raw)[0], "thread_kind": "direct", "participants_n": None}  # fmt: skip


NUMBERS = st.sampled_from([A, B, C, OWN, "8 701 000 0001", "7111", "Kaspi", "null", "", "-1", "-2", "a@b.kz", "x~y",
                           f"{A}~{B}", f"{A}~{B}~{A}", "~", "insert-address-token", "group_8@rcs.google.com", "?"])  # fmt: skip
SMALL = st.sampled_from(
    ["0", "1", "2", "3", "4", "5", "6", "7", "9", "42", " 1 ", "-1", "null", "", "x", "1.5", "+1", "01"]
)
DATES = st.one_of(
    st.integers(T - 10**9, T + 10**9).map(str),
    st.sampled_from(["0", "-1", "978307200000", "null", "", "x", "99999999999999999999", f" {T}", f"0{T}", "1e3"]),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["null", "", "a > b", "a < b & \"c\" 'd'", "\n\t \r", "😆", "<sms date='1' type='1'/>", "Сәлем", "]]>", "/>"]
    ),
)
FIELDS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "sms": {"address": NUMBERS, "date": DATES, "type": SMALL, "body": TEXTS, "sub_id": SMALL, "contact_name": TEXTS,
            "status": st.sampled_from(["-1", "0", "32", "64", "100", "null", "x"])},
    "call": {"number": NUMBERS, "date": DATES, "type": SMALL, "duration": SMALL, "presentation": SMALL, "subscription_id": SMALL,
             "phone_account_address": NUMBERS, "contact_name": TEXTS},
    "log": {"number": NUMBERS, "date": DATES, "type": SMALL, "dur": SMALL, "time": TEXTS, "name": TEXTS},
    "mms": {"address": NUMBERS, "date": DATES, "msg_box": SMALL, "text_only": SMALL, "sub_id": SMALL, "sub": TEXTS,
            "m_type": st.sampled_from(["128", "130", "130", "132", "132", "134", "null"]),
            "m_id": st.sampled_from(["null", "", "a", "b", "ü&"]), "tr_id": st.sampled_from(["null", "a", "b", "c"])},
    "part": {"ct": st.sampled_from(["text/plain", "image/png", "application/smil", "audio/amr", "x/y", "null"]), "text": TEXTS,
             "name": TEXTS, "data": st.text("ABab01+/=", max_size=20)},
    "addr": {"address": NUMBERS, "type": st.sampled_from(["137", "151", "130", "129", "null"]), "charset": st.just("106")},
}  # fmt: skip


class Writer:
    """Writes XML in a way of its own for each style: order, quotes, blanks and references differ, what it says does not."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.random = random.Random(draw(st.integers(0, 2**32)))
        self.styles: dict[str, list[list[str]]] = {}
        self.plain = self.random.random() < 0.6  # as apps write: double quotes, one blank

    def value(self, text: str, quote: str) -> str:
        r = self.random
        out = []
        for c in text:
            must = c in "<&" or c == quote or c in "\r\n\t"
            legal = c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
            if not legal:
                out.append("?")
            elif c in "\n\t" and r.random() < 0.3:
                out.append(c)  # a parser makes a blank of it
            elif must or r.random() < 0.05:
                names = {"<": "&lt;", "&": "&amp;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
                named = names.get(c) if r.random() < 0.7 else None
                out.append(named or r.choice([f"&#{ord(c)};", f"&#x{ord(c):X};", f"&#x{ord(c):08x};"]))
            else:
                out.append(c)
        return "".join(out)

    def tag(self, name: str, empty: bool) -> str:
        r, draw = self.random, self.draw
        fields = FIELDS[name]
        styles = self.styles.setdefault(name, [])
        if not styles or r.random() < 0.1:
            names = [k for k in fields if r.random() < (0.4 if k == "data" else 0.9)] + (
                ["read", "x.y-z"] if r.random() < 0.3 else []
            )
            if r.random() < 0.5:
                r.shuffle(names)
            styles.append(names)
        out = ["<", name]
        blanks = [" "] if self.plain else [" ", "\n", "\t ", "  ", "\r\n"]
        gaps = [""] if self.plain else ["", "", " ", "\n"]
        for key in r.choice(styles):
            quote = '"' if self.plain else r.choice("\"'")
            text = draw(fields[key]) if key in fields else draw(TEXTS)
            gap, other = r.choice(gaps), r.choice(gaps)
            out += [r.choice(blanks), key, gap, "=", other, quote, self.value(text, quote), quote]
        out += [" " if self.plain else r.choice(gaps), "/>" if empty else ">"]
        return "".join(out)

    def noise(self) -> str:
        r = self.random
        if r.random() < 0.75:
            return "\n  "
        return r.choice(["", "<!-- <sms date='1' type='1'/> -- -->".replace(" -- ", " "), "<![CDATA[<sms type='1'></smses>]]>",
                         "<?xml-stylesheet href='x'?>", "<other a='>'/>", "<other><b c='1'/>t</other>", "text &gt; &#65;"])  # fmt: skip

    def record(self, name: str) -> str:
        r = self.random
        if name != "mms":
            if self.plain or r.random() < 0.7:
                return self.tag(name, True)
            return self.tag(name, False) + self.noise() + f"</{name}{r.choice(['', ' '])}>"
        parts = "".join(self.noise() + self.tag("part", True) for _ in range(r.randrange(3)))
        addrs = "".join(self.noise() + self.tag("addr", True) for _ in range(r.randrange(5)))
        inside = r.choice(
            [f"<parts>{parts}</parts><addrs>{addrs}</addrs>", f"<addrs>{addrs}</addrs>", f"<parts/>{self.noise()}", ""]
        )
        return self.tag(name, False) + inside + "</mms>"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a well-formed file."""
    writer = Writer(draw)
    root, names = draw(
        st.sampled_from(
            [("smses", ["sms", "sms", "sms", "mms"]), ("calls", ["call"]), ("alllogs", ["log"]), ("allsms", ["sms"])]
        )
    )
    r = writer.random
    out = [r.choice(["", "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"])]
    out.append(r.choice(["", "<?xml-stylesheet type='text/xsl' href='sms.xsl'?>\n", "<!-- a > b -->"]))
    out.append(f'<{root} count="{r.randrange(9)}" backup_date="1">')
    for _ in range(draw(st.integers(0, 9))):
        name = r.choice(names)
        for _ in range(r.choice([1, 1, 2, 4])):
            out += [writer.noise(), writer.record(name)]
    out += [writer.noise(), f"</{root}>", r.choice(["", "\n", "<!-- end -->"])]
    return "".join(out).encode()


def _columns(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {k: row[k] for k in like}


def _agree(data: bytes) -> None:
    rows, rejects, scoped_out, read = obvious(data)
    out = collect(READER, data)
    assert out.conserved()
    assert (out.records, out.scoped_out) == (read, scoped_out)
    assert {n: why for n, _, why in out.rejects} == rejects
    found = by_n(out)
    for f, r in zip(found, rows, strict=True):
        assert _columns(f, r) == r


SLOW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(files())
def test_rows_are_those_of_an_obvious_reading(data: bytes) -> None:
    _agree(data)


@settings(SLOW, max_examples=150)
@given(files(), st.integers(30, 300))
def test_block_ends_anywhere_change_nothing(data: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_xml_bytes, "BLOCK", block)
        patch.setattr(_xml_bytes, "_MARGIN", 128)
        patch.setattr(sms_backup_xml, "CHUNK", 3)
        _agree(data)


def _never(*_: object) -> bool:
    return False


@settings(SLOW, max_examples=150)
@given(files(), st.integers(0, 2**32), st.integers(1, 4), st.integers(150, 900))
def test_broken_files_are_read_alike_by_every_way(data: bytes, seed: int, hits: int, block: int) -> None:
    r = random.Random(seed)
    broken = bytearray(data)
    start = data.find(b">", data.find(b'backup_date="1"')) + 1
    for _ in range(hits):
        at = r.randrange(start, len(broken) + 1)
        junk = r.choice(
            [b"", b'"', b"'", b"<", b">", b"&", b"\x00", b"/", b"=", b"\xff", b"<sms ", b"</", b"<!--", b"\n"]
        )
        broken[at : at + r.choice([0, 1, 1, 7, 60])] = junk
    if len(broken) < start:
        return
    hurt = bytes(broken)
    quick = collect(READER, hurt)
    assert quick.conserved()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sms_backup_xml._Reading, "_quickly", _never)
        patch.setattr(_xml_bytes.Scanner, "_learn", _never)
        slow = collect(READER, hurt)
    assert result(slow) == result(quick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_xml_bytes, "BLOCK", block)
        small = collect(READER, hurt)
    assert result(small) == result(quick)


def test_the_quick_ways_are_taken() -> None:
    taken = inside = 0
    flush, look_inside = sms_backup_xml._Reading._flush_run, sms_backup_xml._Reading._inside_quickly

    def counting(self: Any, run: Any) -> None:
        nonlocal taken
        taken += len(run.rows)
        flush(self, run)

    def counting_inside(self: Any, record: Any) -> bool:
        nonlocal inside
        done = look_inside(self, record)
        inside += done
        return done

    records = [
        sms(date=T + k, body=f"ж{k}&amp;")
        if k % 10
        else mms(part("text/plain", f"{k}"), f"137 {A},151 {B}", date=T + k)
        for k in range(500)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sms_backup_xml._Reading, "_flush_run", counting)
        patch.setattr(sms_backup_xml._Reading, "_inside_quickly", counting_inside)
        out = run(*records)
        assert taken >= 440
        assert inside >= 48
        assert len(out.event_rows) == 500
        taken = 0
        assert len(run(*[call(date=T + k) for k in range(300)], root="calls").event_rows) == 300
        assert taken >= 295
    _agree(doc(*records))


@pytest.mark.parametrize(
    "inside",
    [
        "<parts>{p}</parts><addrs>{a}{p}</addrs>",
        "<parts>{a}</parts><addrs>{p}</addrs>",
        "<addrs>{a}</addrs><parts>{p}</parts>",
        "<parts>{p}</parts><parts>{p}</parts>",
        "{p}{a}",
        "<parts>{p}<!-- </mms> --></parts><addrs>{a}</addrs>",
        "<parts>{p}<x><part ct='text/plain' text='abc'/></x></parts>",
        "<parts><addrs>{a}</addrs></parts>",
        "text <parts > {p} text</parts> text",
    ],
)
def test_odd_insides_of_mms_are_read_alike(inside: str) -> None:
    usual = mms(part("text/plain", "ab"), f"137 {A}")
    odd = inside.format(p=part("text/plain", "abc"), a=f'<addr address="{B}" type="137" charset="106" />')
    _agree(doc(*[usual] * 3, mms().replace("<parts></parts>\n    <addrs></addrs>", odd), *[usual] * 2))


def test_rows_come_in_chunks_of_plain_lists() -> None:
    class Sink(Collected):
        sizes: list[int]

        def events(self, rows: int, columns: Any) -> None:
            self.sizes.append(rows)
            assert all(isinstance(v, (list, str)) for v in columns.values())
            assert isinstance(columns["local_time"][0], int) and isinstance(columns["n"][0], int)
            super().events(rows, columns)

    out = Sink()
    out.sizes = []
    data = doc(*[sms(date=T + 1000 * k) for k in range(45_000)])
    READER.read(SourceFile("0" * 12, "", None, len(data), lambda: io.BytesIO(data)), context(), out)
    assert sum(out.sizes) == 45_000
    assert max(out.sizes) < 30_000
    assert len(out.sizes) <= 5


def test_alternating_orders_of_attributes() -> None:
    a = f'<sms address="{A}" date="{T}" type="1" body="abc" />\n'
    b = f'<sms date="{T}" type="2" address="{A}" body="abcd" />\n'
    c = f'<sms body="abcde" date="{T}" type="1" />\n'
    _agree(doc(*[a, b, c] * 200))


def test_description() -> None:
    from detector.schema import CHANNELS

    described = READER.description
    assert described.id == "sms-backup-xml"
    assert set(described.channels) <= set(CHANNELS)


@pytest.mark.parametrize("name", ["sms_and_mms.xml", "edge_cases.xml", "mixed.xml", "minimal_mms.xml"])
def test_real_files_the_obvious_way(name: str) -> None:
    data = Path(sample(f"sms-backup-restore/{name}")).read_bytes()
    if name == "sms_and_mms.xml":
        data = data[: data.rindex(b"</mms>") + 6] + b"</smses>"
    _agree(data)
