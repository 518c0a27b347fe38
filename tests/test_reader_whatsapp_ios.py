"""The reader of WhatsApp's databases on the iPhone."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.whatsapp_ios import READER
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.collect import Collected, context, source_of
from tests.shared_data import sample

APPLE = 978_307_200
BASE = 780_000_000  # seconds since 2001
SCHEMA = """
CREATE TABLE ZWAMESSAGE (Z_PK INTEGER PRIMARY KEY, ZGROUPEVENTTYPE INTEGER, ZISFROMME INTEGER, ZMESSAGESTATUS INTEGER, ZMESSAGETYPE INTEGER,
    ZCHATSESSION INTEGER, ZGROUPMEMBER INTEGER, ZMEDIAITEM INTEGER, ZMESSAGEDATE TIMESTAMP, ZFROMJID VARCHAR, ZTOJID VARCHAR, ZTEXT VARCHAR);
CREATE TABLE ZWACHATSESSION (Z_PK INTEGER PRIMARY KEY, ZSESSIONTYPE INTEGER, ZCONTACTJID VARCHAR, ZPARTNERNAME VARCHAR);
CREATE TABLE ZWAGROUPMEMBER (Z_PK INTEGER PRIMARY KEY, ZMEMBERJID VARCHAR);
CREATE TABLE ZWAMEDIAITEM (Z_PK INTEGER PRIMARY KEY, ZMESSAGE INTEGER, ZLATITUDE FLOAT, ZLONGITUDE FLOAT, ZTITLE VARCHAR, ZMETADATA BLOB);
CREATE TABLE ZWABLACKLISTITEM (Z_PK INTEGER PRIMARY KEY, ZJID VARCHAR);
INSERT INTO ZWACHATSESSION VALUES (1, 0, '77010000001@s.whatsapp.net', '{SECRET}'), (2, 1, '1203@g.us', '{SECRET}'),
    (3, 3, 'status@broadcast', NULL), (4, 0, '99887766@lid', NULL), (5, 0, '77010000009@s.whatsapp.net', NULL);
INSERT INTO ZWAGROUPMEMBER VALUES (1, '77010000002@s.whatsapp.net'), (2, '55667788@lid');
""".replace("{SECRET}", SECRET)
CALLS = """
CREATE TABLE ZWACDCALLEVENT (Z_PK INTEGER PRIMARY KEY, ZOUTCOME INTEGER, Z1CALLEVENTS INTEGER, ZDATE TIMESTAMP, ZDURATION FLOAT,
    ZCALLIDSTRING VARCHAR, ZGROUPCALLCREATORUSERJIDSTRING VARCHAR, ZGROUPJIDSTRING VARCHAR);
CREATE TABLE ZWAAGGREGATECALLEVENT (Z_PK INTEGER PRIMARY KEY, ZINCOMING INTEGER, ZMISSED INTEGER, ZVIDEO INTEGER);
CREATE TABLE ZWACDCALLEVENTPARTICIPANT (Z_PK INTEGER PRIMARY KEY, Z1PARTICIPANTS INTEGER, ZJIDSTRING VARCHAR, ZOUTCOME INTEGER);
INSERT INTO ZWAAGGREGATECALLEVENT VALUES (1, 1, 0, 0), (2, 0, 0, 1), (3, 1, 1, 0), (4, NULL, NULL, NULL), (5, 1, 1, 0);
INSERT INTO ZWACDCALLEVENTPARTICIPANT VALUES (1, 1, '77010000001@s.whatsapp.net', 0), (2, 2, '77010000001@s.whatsapp.net', 0),
    (3, 3, '77010000001@s.whatsapp.net', 1), (4, 4, '77010000001@s.whatsapp.net', 1), (5, 5, '77010000001@s.whatsapp.net', 1),
    (6, 5, '77010000002@s.whatsapp.net', 1);
"""


def message(ident: int, chat: int, mine: int, kind: int, *, event: int = 0, member: str = "NULL", at: str | float = BASE, status: int = 0,
            to: str = "NULL") -> str:  # fmt: skip
    return f"INSERT INTO ZWAMESSAGE VALUES ({ident},{event},{mine},{status},{kind},{chat},{member},NULL,{at},NULL,{to},'{SECRET}');"


def read(tmp_path: Path, *statements: str, **options: str) -> Collected:
    path = database(tmp_path, SCHEMA + "\n".join(statements))
    out = checked(READER, path, context(**options))
    opened(READER, path, out)
    return out


def test_messages(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 1, 0, 0), message(2, 1, 1, 0, at=BASE + 0.25, status=6), message(3, 2, 0, 1, member="1"),
               message(4, 2, 0, 0, member="2"), message(5, 2, 1, 0), message(6, 4, 0, 0))  # fmt: skip
    assert facts(
        out.event_rows, "direction", "identifier", "thread_kind", "directed", "status", "ts_precision", "attachment"
    ) == [
        ("in", "+77010000001", "direct", "yes", "unknown", "s", "none"),
        ("out", "+77010000001", "direct", "yes", "delivered", "us", "none"),
        ("in", "+77010000002", "group", "unknown", "unknown", "s", "image"),
        ("in", "whatsapp:lid:55667788", "group", "unknown", "unknown", "s", "none"),
        ("out", None, "group", "no", "unknown", "s", "none"),
        ("in", "whatsapp:lid:99887766", "direct", "yes", "unknown", "s", "none"),
    ]
    assert [r["local_time"] for r in out.event_rows[:2]] == [(APPLE + BASE) * 10**6, (APPLE + BASE) * 10**6 + 250_000]
    assert [r["size"] for r in out.event_rows] == [len(SECRET)] * 6


@pytest.mark.parametrize(
    ("kind", "attachment", "tags"),
    [(2, "video", None), (3, "audio", None), (4, "contact", None), (7, "none", None), (8, "document", None), (11, "animation", None),
     (12, "omitted", "undecrypted"), (14, "deleted", None), (15, "sticker", None), (20, "none", "business"), (27, "other", "group_invite"),
     (39, "view_once", None), (46, "poll", None), (54, "video", None)],
)  # fmt: skip
def test_kinds(tmp_path: Path, kind: int, attachment: str, tags: str | None) -> None:
    (row,) = read(tmp_path, message(1, 1, 0, kind)).event_rows
    assert (row["attachment"], row["tags"], row["kind"]) == (attachment, tags, "message")


def test_what_is_left_out_and_what_is_rejected(tmp_path: Path) -> None:
    out = read(
        tmp_path, message(1, 1, 0, 6, event=2), message(2, 1, 0, 66), message(3, 3, 0, 1), message(4, 1, 0, 10, event=2),
        message(5, 99, 0, 0), message(6, 1, 0, 777), message(7, 1, 5, 0), message(8, 1, 0, 0, at=0), message(9, 1, 0, 0, at="'x'"),
        message(10, 1, 0, 0, at="9e99"),
    )  # fmt: skip
    assert (out.kept, out.scoped_out, [r[0] for r in out.rejects]) == (0, 4, [5, 6, 7, 8, 9, 10])


def test_missed_calls_and_blocks_in_the_chat(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 1, 0, 10, event=1), message(2, 1, 0, 10, event=4), message(3, 1, 0, 10, event=34),
               message(4, 1, 1, 10, event=35), message(5, 2, 0, 10, event=22, member="1"), message(6, 2, 1, 10, event=40))  # fmt: skip
    assert facts(out.event_rows, "kind", "direction", "identifier", "answered", "tags", "actor") == [
        ("call", "in", "+77010000001", False, "missed voice", "contact"),
        ("call", "in", "+77010000001", False, "missed video", "contact"),
        ("block", "out", "+77010000001", None, None, "owner"),
        ("unblock", "out", "+77010000001", None, None, "owner"),
        ("call", "in", "+77010000002", False, "missed video", "contact"),
        ("call", "out", None, None, "video", "owner"),
    ]


def _field(key: int, value: int | bytes) -> bytes:
    def varint(number: int) -> bytes:
        out = b""
        while number > 127:
            out += bytes([number & 127 | 128])
            number >>= 7
        return out + bytes([number])

    if isinstance(value, int):
        return varint(key << 3) + varint(value)
    return varint(key << 3 | 2) + varint(len(value)) + value


def test_call_bubbles(tmp_path: Path) -> None:
    def bubble(video: int, outcome: int, seconds: int) -> str:
        return _field(87, _field(1, _field(1, video) + _field(2, outcome) + _field(3, seconds))).hex()

    media = "".join(
        f"INSERT INTO ZWAMEDIAITEM VALUES ({i}, {i}, 0.0, 0.0, NULL, x'{b}');"
        for i, b in ((1, bubble(1, 0, 300)), (2, bubble(0, 1, 0)), (3, "ba05ff"))
    )
    out = read(tmp_path, message(1, 1, 1, 59), message(2, 1, 0, 59), message(3, 1, 0, 59), message(4, 1, 7, 59), media)
    assert facts(out.event_rows, "direction", "answered", "duration_s", "tags") == [
        ("out", True, 300, "video"), ("in", False, None, "missed voice"), ("in", None, None, None),
    ]  # fmt: skip
    assert [r[0] for r in out.rejects] == [4]


def test_places(tmp_path: Path) -> None:
    out = read(
        tmp_path, message(1, 1, 0, 5), message(2, 1, 1, 5), message(3, 1, 0, 1), message(4, 1, 0, 5),
        f"INSERT INTO ZWAMEDIAITEM VALUES (1, 1, 43.5, 76.5, '{SECRET}', NULL), (2, 2, -1.5, 2.5, NULL, NULL), (3, 3, 45.0, 60.0, NULL, NULL);",
    )  # fmt: skip
    assert facts(out.position_rows, "n", "subject", "identifier", "lat", "lon") == [
        (1, "contact", "+77010000001", 43.5, 76.5), (2, "owner", None, -1.5, 2.5),
    ]  # fmt: skip
    assert "1 shared locations without a usable point" in out.notes


def test_the_owners_own_number(tmp_path: Path) -> None:
    own = "'77010000009@s.whatsapp.net'"
    out = read(tmp_path, message(1, 1, 0, 0, to=own), message(2, 5, 1, 0))
    assert (out.owners, out.scoped_out) == (["+77010000009"], 1)
    two = read(tmp_path, message(1, 1, 0, 0, to=own), message(2, 1, 0, 0, to="'77010000008@s.whatsapp.net'"))
    assert two.owners == []


def test_the_call_list(tmp_path: Path) -> None:
    rows = [
        "(1, 0, 1, 780000000, 61.4, 'a', NULL, NULL)", "(2, 0, 2, 780000100, 5.0, 'b', NULL, NULL)",
        "(3, 1, 3, 780000200, 0.0, 'c', NULL, NULL)", "(4, 1, 4, 780000300, 0, 'd', '77010000001@s.whatsapp.net', NULL)",
        "(5, 1, 5, 780000400, 0, 'e', '77010000002@s.whatsapp.net', '1203@g.us')", "(6, 4, 1, 780000500, 0, 'f', NULL, NULL)",
        "(7, 0, 99, 780000600, 9, 'g', NULL, NULL)", "(8, 9, 2, 780000700, 0, 'h', NULL, NULL)", "(9, 4, 3, 780000800, 0, 'i', NULL, NULL)",
    ]  # fmt: skip
    path = database(tmp_path, CALLS + f"INSERT INTO ZWACDCALLEVENT VALUES {','.join(rows)};")
    assert known(path, "CallHistory.sqlite") == "whatsapp-ios"
    out = checked(READER, path)
    opened(READER, path, out)
    assert facts(out.event_rows, "n", "direction", "identifier", "thread_kind", "answered", "duration_s", "tags") == [
        (1, "in", "+77010000001", "direct", True, 61, "voice"),
        (2, "out", "+77010000001", "direct", True, 5, "video"),
        (3, "in", "+77010000001", "direct", False, None, "missed voice"),
        (4, "in", "+77010000001", "direct", False, None, "missed voice"),
        (5, "in", "+77010000002", "group", False, None, "missed voice"),
        (6, "in", "+77010000001", "direct", False, None, "rejected voice"),
        (8, "out", "+77010000001", "direct", None, None, "video"),
        (9, "in", "+77010000001", "direct", False, None, "missed voice"),
    ]
    assert [r[0] for r in out.rejects] == [7]
    cut_everywhere(READER, path, out)


def test_a_call_counts_once(tmp_path: Path) -> None:
    script = (
        SCHEMA
        + CALLS
        + "INSERT INTO ZWACDCALLEVENT VALUES (1,0,1,780000000,60.0,'a',NULL,NULL),(2,1,3,780000200,0,'b',NULL,NULL);"
    )
    script += (
        message(1, 1, 0, 59, at=BASE + 61)
        + message(2, 1, 0, 10, event=1, at=BASE + 201)
        + message(3, 1, 0, 10, event=1, at=BASE + 201)
    )
    out = checked(READER, database(tmp_path, script))
    assert facts(out.event_rows, "record") == [
        ("sql:ZWACDCALLEVENT/1",),
        ("sql:ZWACDCALLEVENT/2",),
        ("sql:ZWAMESSAGE/3",),
    ]
    assert out.scoped_out == 2


BOOK = """CREATE TABLE ZWAADDRESSBOOKCONTACT (Z_PK INTEGER PRIMARY KEY, ZFULLNAME VARCHAR, ZPHONENUMBER VARCHAR, ZWHATSAPPID VARCHAR, ZLID VARCHAR,
    ZABOUTTEXT VARCHAR);
INSERT INTO ZWAADDRESSBOOKCONTACT VALUES (1, 'Work', '+7 701 000 0001', '77010000001@s.whatsapp.net', '99887766@lid', '{SECRET}'),
    (2, 'Home', '+7 701 000 0002', NULL, NULL, NULL), (3, NULL, '+77010000003', NULL, NULL, NULL);""".replace(
    "{SECRET}", SECRET
)


def test_the_address_book_and_the_block_list(tmp_path: Path) -> None:
    path = database(tmp_path, BOOK + "CREATE TABLE ZWABLACKLISTITEM (Z_PK INTEGER PRIMARY KEY, ZJID VARCHAR);"
                    "INSERT INTO ZWABLACKLISTITEM VALUES (1, '77010000003@s.whatsapp.net'), (2, NULL);")  # fmt: skip
    out = checked(READER, path)
    opened(READER, path, out)
    assert facts(out.listed_rows, "n", "list", "identifier", "label") == [
        (1, "address_book", "+77010000001", "Work"), (2, "address_book", "+77010000002", "Home"), (4, "blocked", "+77010000003", None),
    ]  # fmt: skip
    assert (out.scoped_out, [r[0] for r in out.rejects]) == (1, [5])


def test_the_apps_own_address_book_tells_the_number_behind_a_lid(tmp_path: Path) -> None:
    book = database(tmp_path, BOOK, "ContactsV2.sqlite").read_bytes()
    path = database(tmp_path, SCHEMA + message(1, 4, 0, 0))
    out = checked(READER, path, beside={"x/ContactsV2.sqlite": book})
    assert facts(out.event_rows, "identifier", "identifier_raw") == [("+77010000001", "+77010000001")]
    assert [role for role, _ in out.companions] == ["contacts"]
    broken = checked(READER, path, beside={"ContactsV2.sqlite": b"no database"})
    assert broken.event_rows[0]["identifier"] == "whatsapp:lid:99887766"


def test_a_view_in_the_place_of_a_table(tmp_path: Path) -> None:
    path = database(tmp_path, "CREATE VIEW ZWAMESSAGE AS SELECT 1;")
    assert known(path) == "whatsapp-ios"
    with pytest.raises(Unreadable, match="view"):
        checked(READER, path)


def test_cut(tmp_path: Path) -> None:
    path = database(tmp_path, SCHEMA + "".join(message(i, 1, i % 2, 0, at=BASE + i) for i in range(1, 80)))
    cut_everywhere(READER, path, checked(READER, path))


def test_the_sample(tmp_path: Path) -> None:
    packed = sample("whatsapp-ios-db/ileapp-josh_ios15-ChatStorage.zip")
    with zipfile.ZipFile(packed) as archive:
        for info in archive.infolist():
            if info.filename.endswith(("ChatStorage.sqlite", "ChatStorage.sqlite-wal")):
                with archive.open(info) as packed_file, (tmp_path / Path(info.filename).name).open("wb") as target:
                    shutil.copyfileobj(packed_file, target)
    path, wal = tmp_path / "ChatStorage.sqlite", tmp_path / "ChatStorage.sqlite-wal"
    source = replace(source_of(path), wal=lambda: wal.open("rb"), wal_size=wal.stat().st_size)
    out = Collected()
    READER.read(source, context(), out)
    assert out.conserved()
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (32, 21, 11, [])
    assert sum(r["direction"] == "out" for r in out.event_rows) == 11
    kinds = [r["attachment"] for r in out.event_rows]
    assert (kinds.count("none"), kinds.count("image"), kinds.count("location"), len(out.position_rows)) == (15, 2, 4, 4)
    # the first rows of all are the app's own; the first message and the last row are these
    assert max(r["local_time"] for r in out.event_rows) == 1_684_334_200_000_000  # 2023-05-17T14:36:40Z
    assert out.owners == ["+19195794674"]
