"""In damaged files too a locator opens the record that was read, and what was opened is compared with what was read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from pipelines.locate import LocateError, RawRecord, open_record
from pipelines.readers import all_readers
from pipelines.readers.base import SourceFile, Unreadable, Waiting
from pipelines.reread import NOT_COMPARED, disagreement
from tests.collect import Collected, context, source_of

OWNER = context(owner=["telegram:user1", "A"], date_order="dmy")


def sms_line(k: int) -> bytes:
    return (
        b'  <sms protocol="0" address="+770100000%02d" date="%d" type="1" subject="null" body="words %d &#10;" status="-1" />'
        % (k, 1_759_500_000_000 + k * 60_000, k)
    )


def call_line(k: int) -> bytes:
    return b'  <call number="+770100000%02d" duration="%d" date="%d" type="1" />' % (k, k, 1_759_500_000_000 + k)


def backup(lines: list[bytes], root: bytes = b"smses") -> bytes:
    return b"<?xml version='1.0' encoding='UTF-8'?>\n<%b count=\"%d\">\n%b\n</%b>\n" % (
        root,
        len(lines),
        b"\n".join(lines),
        root,
    )


def rows_of(out: Collected, source: SourceFile) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows as the store would hold them, each with its table."""
    found = [("event", row) for row in out.event_rows] + [("position", row) for row in out.position_rows]
    return [
        (kind, row | {f"{kind}_id": f"{source.source_id}#{row['n']}" + (f".{row['sub']}" if row["sub"] > 1 else "")})
        for kind, row in found
    ]


def read(fmt: str, data: bytes) -> tuple[SourceFile, Collected]:
    source, out = source_of(data, "file"), Collected()
    all_readers()[fmt].read(source, OWNER, out)
    assert out.conserved()
    return source, out


def opened(fmt: str, data: bytes) -> Iterator[tuple[dict[str, Any], RawRecord]]:
    """Open every kept row of a file, which must agree, and every reject."""
    source, out = read(fmt, data)
    for kind, row in rows_of(out, source):
        raw = open_record(source, row["record"], fmt, row["n"])
        assert raw.complete and disagreement(source, fmt, kind, row, raw) is None, row["record"]
        if raw.start is not None:
            assert data[raw.start : raw.end] == raw.data
        yield row, raw
    for n, record, _ in out.rejects:
        assert open_record(source, record, fmt, n).record == record


# -- XML

DAMAGES = {
    "lost closing quote": (b'" date="', b' date="'),
    "lost opening quote": (b'address="', b"address="),
    "other quote": (b'address="', b"address='"),
    "stray < in a value": (b'body="', b'body="<"'),
    "stray < in a text": (b"words", b"wo<rds"),
    "no = sign": (b'date="', b'date{"'),
    "twice": (b'type="1"', b'type="1" type="1"'),
    "lost end": (b" />", b""),
    "not closed": (b" />", b">"),
    "comment that does not end": (b"  <sms", b"  <!-- <sms"),
    "end of the root": (b"  <sms", b"</smses><sms"),
    "processing instruction": (b"  <sms", b"  <?x <sms a='?><sms"),
}


@pytest.mark.parametrize("spelled", ["alike", "differently"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_sms_after_damage(damage: str, spelled: str) -> None:
    """The quick way of the reader and the slow one, each with one and with two damaged records."""
    old, new = DAMAGES[damage]
    for hurt in ([2], [1, 3], [7, 8], [0]):
        lines = [sms_line(k) for k in range(12)]
        if spelled == "differently":
            lines = [
                re.sub(rb'( type="1")(.*)( status="-1")', rb"\3\2\1", x) if k % 2 else x for k, x in enumerate(lines)
            ]
        for k in hurt:
            assert old in lines[k]
            lines[k] = lines[k].replace(old, new, 1)
        for row, raw in opened("sms-backup-xml", backup(lines)):
            assert f'date="{row["local_time"] // 1000}"'.encode() in raw.data
            assert raw.data.count(b"<sms") == 1


@pytest.mark.parametrize(
    "data",
    [
        b'<??><smses t="" b="" e=""><"\n<sms s="" date="748832221510" e="" t=""/>',
        b'<??><calls e=""><"\n<call n="" date="744819169348" y="" e=""/>',
        b'<??><smses c="" t=""><""\n<sms l="" s="" date="756218671997" e="" t="" y="" c=""/><sms date="6364473647"',
        b'<??><smses t=""></\n<sms ',
        b'<smses><foo><sms date="1759500000000" type="1"/></foo><sms date="1759500000000" type="1"/></smses><sms date="1"/>',
        b'<smses><mms date="1759500000000" msg_box="1"><parts><part text="a"/></smses>',
        b'<smses><mms date="1759500000000" msg_box="1"><parts>\n<sms date="1759500000000" type="1"/><mms date="1759500000000" msg_box="1"/>',
    ],
)  # fmt: skip
def test_small_damaged_backups(data: bytes) -> None:
    found = list(opened("sms-backup-xml", data))
    _, out = read("sms-backup-xml", data)
    assert len(found) == len(out.event_rows)
    assert len(found) + len(out.rejects) + out.scoped_out == out.records > 0


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_encodings(codec: str) -> None:
    lines = [sms_line(k).replace(b"words", "слова".encode()) for k in range(5)]
    lines[1] = lines[1].replace(b'" date', b" date", 1)
    text = backup(lines).decode()
    data = text.replace("UTF-8", codec if codec == "cp1251" else "UTF-8").encode(codec)
    rows = list(opened("sms-backup-xml", data))
    assert len(rows) == 4
    for row, raw in rows:
        assert "слова" in raw.text and f'"{row["local_time"] // 1000}"' in raw.text
        assert (raw.start is None) == (codec in ("utf-16", "cp1251"))


def test_calls_and_mms_between() -> None:
    mms = (
        b'  <mms date="%d" msg_box="1" address="+77010000009" m_type="132">\n<parts>\n<part ct="text/plain" text="%b" />\n'
        b'</parts>\n<addrs>\n<addr address="+77010000009" type="137" />\n</addrs>\n</mms>'
    )
    lines = [sms_line(k) if k % 3 else mms % (1_759_500_000_000 + k * 60_000, b"x" * k) for k in range(30)]
    lines[9] = lines[9].replace(b'ct="', b"ct=", 1)
    lines[17] = lines[17].replace(b'body="', b"body=", 1)
    rows = list(opened("sms-backup-xml", backup(lines)))
    assert len(rows) == 28
    assert all(f'date="{row["local_time"] // 1000}"'.encode() in raw.data for row, raw in rows)
    calls = [call_line(k) for k in range(9)]
    calls[3] = calls[3].replace(b'" date', b" date", 1)
    assert len(list(opened("sms-backup-xml", backup(calls, b"calls")))) == 8


def test_random_damage() -> None:
    """One to three bytes changed, lost or added at random places."""
    dice = random.Random(15)
    whole = backup([sms_line(k) for k in range(8)])
    kept = 0
    for _ in range(250):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(60, len(data) - 1)
            data[at : at + dice.randint(0, 1)] = dice.choice([b"", b'"', b"'", b"<", b">", b"/", b"=", b" ", b"\n"])
        try:
            rows = list(opened("sms-backup-xml", bytes(data)))
        except Unreadable:
            continue
        kept += len(rows)
        for row, raw in rows:
            assert raw.data.startswith(b"<sms") and str(row["local_time"] // 1000).encode() in raw.data
    assert kept > 1000


def test_a_broken_record_ends_where_the_next_begins() -> None:
    lines = [sms_line(k) for k in range(3)]
    lines[1] = lines[1].replace(b'body="', b'body="<"', 1)
    source, out = read("sms-backup-xml", backup(lines))
    assert [record for _, record, _ in out.rejects] == ["xml:/smses/sms[2]"]
    found = open_record(source, "xml:/smses/sms[2]", "sms-backup-xml")
    assert (found.complete, found.data) == (False, lines[1].strip())
    with pytest.raises(LocateError, match="no such record"):
        open_record(source, "xml:/smses/sms[4]", "sms-backup-xml")
    with pytest.raises(LocateError, match="no such record"):
        open_record(source, "xml:/smses/sms[1]", "sms-backup-xml", n=2)


def test_blocks_do_not_matter() -> None:
    lines = [sms_line(k) for k in range(300)]
    for k in (5, 6, 120, 250):
        lines[k] = lines[k].replace(b'" date', b" date", 1)
    data = backup(lines)
    for block in (4096, 20_000):
        with patch("pipelines.readers._xml_bytes.BLOCK", block), patch("pipelines.locate.BLOCK_BYTES", 1000):
            assert len(list(opened("sms-backup-xml", data))) == 296


# -- JSON


@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        (
            "telegram-json",
            b'{"":"","personal_information":{"user_id":9,"":[{"":9,"":""},{"":3}]},"chats":{"":"","list":[{"":"","":"","messages":[{""[{""}]},\n'
            b'     {""""""""[{""""}]},},\n     {""[{""}]}]},{"":"","":"","":1,"messages":[{"":3,"type":"message","":"","date_unixtime":"744809120"}]',
        ),
        (
            "telegram-json",
            b'{"":"","":{""},"":[{""}{""}],"":{""""""[{""}]},"":{""[]},"chats":{"":"","list":[{"":"","":3,"messages":[{""},\n     {""""""],},\n'
            b'     {""{""[{}]}""}]},{"":"","type":"personal_chat","":7,"messages":[{"":6,"type":"message","date":"2017-10-17T03:00:00"},{',
        ),
        (
            "google-timeline",
            b'{"semanticSegments":[{"""endTime":""[{""}]},\n  {""""[{""}]},{",\n  {""""{""""{""{""}}}}],"rawSignals":[{"position":'
            b'{"LatLng":"7,3\xc2\xb0","":1,"timestamp":"2025-07-19T06:00:00Z"}},',
        ),
        ("google-timeline", b'{"semanticSegments":[{""{""{""}}},\n    {""[{""}]},",\n    {{""{""""{""}}}},""startTime":""""},\n    {","","'),
        (
            "telegram-json",
            b'{"":"","":{""[{""""""""""""""""}]},"chats":{"":"","list":[{"":"","":5,"messages":[{""""[{""}]},\n     {""""""[{""}]},},\n'
            b'     {""""""""[{}]}]},{"":"","type":"private_group","":1,"messages":[{',
        ),
    ],
)  # fmt: skip
def test_small_damaged_json(fmt: str, data: bytes) -> None:
    source, out = source_of(data, "file"), Collected()
    try:
        all_readers()[fmt].read(source, OWNER, out)
    except (Unreadable, Waiting):
        pytest.fail("the reader no longer reads the file, so the test shows nothing")
    assert out.records > 0
    list(opened(fmt, data))


def account(per_chat: int, chats: int = 3) -> bytes:
    def message(k: int) -> dict[str, Any]:
        return {
            "id": k, "type": "message", "date_unixtime": str(1_759_500_000 + k),
            "date": f"{datetime.fromtimestamp(1_759_518_000 + k, UTC):%Y-%m-%dT%H:%M:%S}",
            "from": "B", "from_id": f"user{2 + k % 2}", "text": 'a "quoted" [word], {more}',
        }  # fmt: skip

    listed = [
        {"name": "B", "type": "private_group", "id": c, "messages": [message(c * 100 + k) for k in range(per_chat)]}
        for c in range(1, chats + 1)
    ]
    whole = {"personal_information": {"user_id": 1, "first_name": "A"}, "chats": {"list": listed}}
    return json.dumps(whole, indent=1).encode()


def spellings(row: dict[str, Any]) -> list[str]:
    """Return how the time of a row may stand in its record."""
    local = row["local_time"] // 1_000_000
    return [f"{datetime.fromtimestamp(local, UTC):%Y-%m-%dT%H:%M:%S}", str(local - (row["stated_offset_s"] or 0))]


def test_random_damage_of_json() -> None:
    dice = random.Random(15)
    whole = account(6)
    start = whole.index(b'"messages"')
    kept = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(start, len(data) - 1)
            data[at : at + dice.randint(0, 1)] = dice.choice([b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\"])
        try:
            rows = list(opened("telegram-json", bytes(data)))
        except (Unreadable, Waiting):
            continue
        kept += len(rows)
        for row, raw in rows:
            assert any(text.encode() in raw.data for text in spellings(row)), row["record"]
    assert kept > 500


def test_two_lists_of_one_name_are_told_apart_by_the_number() -> None:
    first, second = (
        json.dumps([{"id": k, "type": "message", "date_unixtime": str(1_759_500_000 + k), "date": "2025-10-03T19:00:00",
                     "from": "B", "from_id": "user2", "text": ""}])
        for k in (1, 5)
    )  # fmt: skip
    data = f'{{"name": "B", "type": "private_group", "id": 7, "messages": {first}, "messages": {second}}}'.encode()
    rows = list(opened("telegram-json", data))
    assert [row["record"] for row, _ in rows] == ["json:/messages/0"] * 2
    assert [json.loads(raw.data)["id"] for _, raw in rows] == [1, 5]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_elements_in_every_encoding(codec: str) -> None:
    data = account(40).decode().encode(codec)
    rows = list(opened("telegram-json", data))
    assert len(rows) == 120
    for row, raw in rows:
        assert json.loads(raw.data)["date_unixtime"] == str(
            (row["local_time"] - row["stated_offset_s"] * 10**6) // 10**6
        )
        assert (raw.start is None) == (codec in ("utf-16", "utf-32"))


# -- the comparison


def swapped(fmt: str, data: bytes) -> list[str | None]:
    """Return what is said when each row's neighbour is opened in its place."""
    source, out = read(fmt, data)
    rows = rows_of(out, source)
    said = []
    for (kind, row), (_, other) in zip(rows, rows[1:] + rows[:1], strict=True):
        raw = open_record(source, other["record"], fmt, other["n"])
        said.append(disagreement(source, fmt, kind, row, raw))
    return said


def test_another_record_is_told() -> None:
    assert swapped("sms-backup-xml", backup([sms_line(k) for k in range(4)])) == [
        "the record that was opened is not the one that was read: time and number differ"
    ] * 4  # fmt: skip
    twins = [sms_line(1).replace(b'type="1"', b'type="2"'), sms_line(1)]
    assert swapped("sms-backup-xml", backup(twins)) == [
        "the record that was opened is not the one that was read: direction differ"
    ] * 2  # fmt: skip
    fixes = b",".join(
        b'{"latitudeE7": %d, "longitudeE7": 769000000, "timestamp": "2025-10-03T10:00:00Z"}' % (432_000_000 + k)
        for k in range(3)
    )
    assert swapped("google-records", b'{"locations": [%b]}' % fixes) == [
        "the record that was opened is not the one that was read: latitude differ"
    ] * 3  # fmt: skip
    points = b"".join(
        b'<wpt lat="43.2" lon="76.%d"><x:a/><time>2025-10-03T10:00:0%dZ</time></wpt>' % (k, k) for k in range(3)
    )
    gpx = b'<gpx xmlns:x="urn:x">%b</gpx>' % points
    assert swapped("gpx", gpx) == [
        "the record that was opened is not the one that was read: time and longitude differ"
    ] * 3  # fmt: skip
    assert all(said and "time differ" in said for said in swapped("telegram-json", account(3)))
    journal = b"when,contact,kind,note\n2025-10-07 18:30,K1,seen,x\n2025-10-08 18:31,K1,waited,\n"
    assert swapped("journal", journal) == [
        "the record that was opened is not the one that was read: time and kind differ"
    ] * 2  # fmt: skip


def test_chat_lines_are_compared_by_the_minute() -> None:
    chat = "".join(f"03/0{k}/2025, 10:0{k} - {who}: x {k}\n" for k in range(1, 8) for who in ("B", "A")).encode()
    source, out = read("whatsapp-txt", chat)
    rows = rows_of(out, source)
    assert len(rows) == 14
    for kind, row in rows:
        raw = open_record(source, row["record"], "whatsapp-txt", row["n"])
        assert disagreement(source, "whatsapp-txt", kind, row, raw) is None
    assert disagreement(source, "whatsapp-txt", *rows[0], open_record(source, "line:13", "whatsapp-txt")) is not None


def test_what_cannot_be_compared_is_said() -> None:
    source, out = read("sms-backup-xml", backup([sms_line(1)]))
    kind, row = rows_of(out, source)[0]
    raw = open_record(source, row["record"], "sms-backup-xml")
    assert disagreement(source, "unheard-of", kind, row, raw) == NOT_COMPARED
    reject = backup([sms_line(1).replace(b'date="1', b'date="x')])
    raw = open_record(source_of(reject, "file"), row["record"], "sms-backup-xml")
    said = disagreement(source, "sms-backup-xml", kind, row, raw)
    assert said == "the record that was opened is not the one that was read: it gives no such row"
    cut = backup([sms_line(1)])[:-30]
    said = disagreement(
        source, "sms-backup-xml", kind, row, open_record(source_of(cut), row["record"], "sms-backup-xml")
    )
    assert said == "the record that was opened is not whole, so it is not the one that was read"
