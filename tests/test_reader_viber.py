"""The readers of Viber's databases: Android, iPhone, desktop."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.viber_android import READER as ANDROID
from pipelines.readers.viber_desktop import READER as DESKTOP
from pipelines.readers.viber_ios import READER as IOS
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.shared_data import sample

BASE = 1_760_000_000_000
DATA = """CREATE TABLE blockednumbers (_id INTEGER PRIMARY KEY AUTOINCREMENT, canonized_number TEXT NOT NULL, blocked_date LONG DEFAULT 0,
    block_reason INTEGER DEFAULT 0, status INTEGER DEFAULT 0);
CREATE TABLE calls (_id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT, canonized_number TEXT, viber_call BOOLEAN, viber_call_type INTEGER,
    date LONG, duration LONG, type INT, group_id LONG DEFAULT 0, conference_info TEXT);
CREATE TABLE phonebookcontact (_id INTEGER PRIMARY KEY, display_name TEXT);
CREATE TABLE phonebookdata (_id INTEGER PRIMARY KEY, contact_id INTEGER, data1 TEXT, data2 TEXT, data3 TEXT);
"""


def test_calls_blocks_and_contacts(tmp_path: Path) -> None:
    calls = [(1, 1, 1, 1, 98), (2, 2, 1, 4, 0), (3, 1, 0, 1, 0), (4, 7, 1, 1, 5), (5, 1, 1, 9, 3)]
    script = DATA + "".join(
        f"INSERT INTO calls VALUES ({i},'8 701 000 0001','+77010000001',{own},{medium},{BASE + i},{seconds},{way},0,'{SECRET}');"
        for i, way, own, medium, seconds in calls
    )
    script += f"""INSERT INTO calls VALUES (6,'','+77010000001',1,1,{BASE},0,1,55,NULL), (7,'','+77010000001',1,1,0,0,1,0,NULL);
    INSERT INTO blockednumbers VALUES (1,'+77010000001',{BASE},0,0), (2,'+77010000002',0,0,0), (3,'',{BASE},0,0);
    INSERT INTO phonebookcontact VALUES (1,'Work'), (2,'Nobody'), (3,NULL);
    INSERT INTO phonebookdata VALUES (1,1,'7010000001','+77010000001','x'), (2,1,'7010000001','+77010000001','y'),
        (3,1,NULL,NULL,'+77010000002'), (4,3,'+77010000003',NULL,NULL);"""
    path = database(tmp_path, script, "viber_data")
    assert known(path, "viber_data") == "viber-android"
    out = checked(ANDROID, path)
    opened(ANDROID, path, out)
    assert facts(
        out.event_rows, "n", "kind", "direction", "identifier", "answered", "duration_s", "tags", "thread_kind"
    ) == [
        (1, "block", "out", "+77010000001", None, None, None, "direct"),
        (4, "call", "in", "+77010000001", True, 98, "voice", "direct"),
        (5, "call", "out", "+77010000001", None, None, "video", "direct"),
        (6, "call", "in", "+77010000001", None, None, "voice viber_out", "direct"),
        (8, "call", "in", "+77010000001", True, 3, None, "direct"),
        (9, "call", "in", "+77010000001", None, None, "voice", "group"),
    ]
    assert facts(out.listed_rows, "n", "sub", "list", "identifier", "label") == [
        (2, 1, "blocked", "+77010000002", None), (11, 1, "address_book", "+77010000001", "Work"),
        (11, 2, "address_book", "+77010000002", "Work"),
    ]  # fmt: skip
    assert ([r[0] for r in out.rejects], out.scoped_out) == ([3, 7, 10], 2)
    cut_everywhere(ANDROID, path, out)


MESSAGES = """CREATE TABLE conversations(_id INTEGER PRIMARY KEY, conversation_type INTEGER, name TEXT, participant_id_1 INTEGER, group_id LONG);
CREATE TABLE participants(_id INTEGER PRIMARY KEY, conversation_id INTEGER, participant_info_id INTEGER, active INTEGER);
CREATE TABLE participants_info(_id INTEGER PRIMARY KEY, number TEXT, contact_name TEXT, display_name TEXT, viber_name TEXT, member_id TEXT);
CREATE TABLE messages(_id INTEGER PRIMARY KEY, conversation_id INTEGER, participant_id INTEGER, msg_date INTEGER, send_type INTEGER, body TEXT,
    deleted INTEGER, extra_mime INTEGER, msg_info TEXT);
INSERT INTO participants_info VALUES (1,'+77010000009','Me',NULL,NULL,'m9'), (2,'+77010000001','A',NULL,NULL,'m1'), (3,NULL,NULL,NULL,NULL,'m3');
INSERT INTO conversations VALUES (10,0,NULL,2,0), (20,1,'{SECRET}',2,777), (30,0,NULL,3,0), (40,6,NULL,0,0), (50,9,NULL,2,0);
INSERT INTO participants VALUES (100,10,2,1), (101,10,1,0), (200,20,3,1), (201,20,1,0), (300,30,3,1), (400,40,1,0);
""".replace("{SECRET}", SECRET)


def test_messages_of_android(tmp_path: Path) -> None:
    rows = [(1, 10, 100, 0, 0, 0), (2, 10, 101, 1, 0, 0), (3, 20, 200, 0, 0, 1), (4, 20, 201, 1, 0, 0), (5, 30, 300, 0, 0, 1009), (6, 40, 400, 1, 0, 0),
            (7, 10, 100, 0, 1, 0), (8, 10, 100, 0, 0, 1007), (9, 10, 101, 1, 0, 1007), (10, 10, 100, 0, 0, 4321), (11, 50, 100, 0, 0, 0),
            (12, 10, 100, 7, 0, 0), (13, 10, 100, 0, 0, 7), (14, 10, 100, 0, 0, 1008)]  # fmt: skip
    script = MESSAGES + "".join(
        f"INSERT INTO messages VALUES ({i},{chat},{who},{BASE + i},{way},'{SECRET}',{gone},{kind},'{SECRET}');"
        for i, chat, who, way, gone, kind in rows
    )
    path = database(tmp_path, script, "viber_messages")
    assert known(path, "viber_messages") == "viber-android"
    out = checked(ANDROID, path)
    opened(ANDROID, path, out)
    assert facts(out.event_rows, "n", "kind", "direction", "identifier", "thread_kind", "attachment", "size") == [
        (1, "message", "in", "+77010000001", "direct", "none", len(SECRET)),
        (2, "message", "out", "+77010000001", "direct", "none", len(SECRET)),
        (3, "message", "in", "viber:m3", "group", "image", None),
        (4, "message", "out", None, "group", "none", len(SECRET)),
        (5, "message", "in", "viber:m3", "direct", "voice", None),
        (7, "message", "in", "+77010000001", "direct", "deleted", None),
        (8, "mention", "in", "+77010000001", "direct", None, None),
        (13, "message", "in", "+77010000001", "direct", "none", None),
        (14, "message", "in", "+77010000001", "direct", "deleted", None),
    ]
    assert (out.owners, [r[0] for r in out.rejects], out.scoped_out) == (["+77010000009"], [10, 11, 12], 2)
    cut_everywhere(ANDROID, path, out)


def test_a_view_in_the_place_of_a_table(tmp_path: Path) -> None:
    path = database(tmp_path, "CREATE VIEW calls AS SELECT 1; CREATE TABLE blockednumbers (canonized_number TEXT);")
    assert known(path) == "viber-android"
    with pytest.raises(Unreadable, match="view"):
        checked(ANDROID, path)


def test_the_sample() -> None:
    path = sample("viber-android-db/plaso-viber_data")
    assert known(path, "viber_data") == "viber-android"
    out = checked(ANDROID, path)
    opened(ANDROID, path, out)
    calls = out.event_rows
    assert facts(calls, "kind", "direction", "answered", "duration_s", "tags") == [
        ("call", "in", True, 98, "voice"), ("call", "out", True, 100, "voice"), ("call", "in", True, 95, "video"),
        ("call", "out", True, 105, "video"),
    ]  # fmt: skip
    assert [r["local_time"] for r in (calls[0], calls[-1])] == [1_669_408_465_582_000, 1_669_408_988_267_000]
    assert (out.records, len(out.listed_rows), out.rejects) == (9, 5, [])


IPHONE = """CREATE TABLE ZVIBERMESSAGE (Z_PK INTEGER PRIMARY KEY, ZCONVERSATION INTEGER, ZPHONENUMINDEX INTEGER, ZSTATE VARCHAR, ZATTACHMENT INTEGER,
    ZLOCATION INTEGER, ZSYSTEMTYPE VARCHAR, ZDATE TIMESTAMP, ZTEXT VARCHAR);
CREATE TABLE ZCONVERSATION (Z_PK INTEGER PRIMARY KEY, ZINTERLOCUTOR INTEGER, ZNAME VARCHAR);
CREATE TABLE ZMEMBER (Z_PK INTEGER PRIMARY KEY, ZMEMBERID VARCHAR, ZDISPLAYFULLNAME VARCHAR);
CREATE TABLE ZPHONENUMBER (Z_PK INTEGER PRIMARY KEY, ZMEMBER INTEGER, ZPHONE VARCHAR, ZCANONIZEDPHONENUM VARCHAR);
CREATE TABLE ZRECENT (Z_PK INTEGER PRIMARY KEY, ZCALLTYPE VARCHAR, ZRECENTSLINE INTEGER, ZCALLLOGMESSAGE INTEGER, ZDATE TIMESTAMP, ZDURATION INTEGER);
CREATE TABLE ZRECENTSLINE (Z_PK INTEGER PRIMARY KEY, ZPHONENUMBER VARCHAR);
CREATE TABLE ZATTACHMENT (Z_PK INTEGER PRIMARY KEY, ZTYPE VARCHAR, ZNAME VARCHAR);
CREATE TABLE ZVIBERLOCATION (Z_PK INTEGER PRIMARY KEY, ZLATITUDE FLOAT, ZLONGITUDE FLOAT);
CREATE TABLE ZABCONTACT (Z_PK INTEGER PRIMARY KEY, ZMAINNAME VARCHAR);
CREATE TABLE ZABCONTACTNUMBER (Z_PK INTEGER PRIMARY KEY, ZCONTACT INTEGER, ZPHONE VARCHAR, ZCANONIZEDPHONENUM VARCHAR);
INSERT INTO ZMEMBER VALUES (1, 'm1', '{SECRET}'), (2, 'm2', NULL);
INSERT INTO ZPHONENUMBER VALUES (1, 1, '+7 701 000 0001', '77010000001');
INSERT INTO ZCONVERSATION VALUES (1, 1, NULL), (2, NULL, '{SECRET}'), (3, 2, NULL);
INSERT INTO ZRECENTSLINE VALUES (1, '+77010000001');
INSERT INTO ZATTACHMENT VALUES (1, 'picture', '{SECRET}'), (2, 'weird', NULL);
INSERT INTO ZVIBERLOCATION VALUES (1, 43.2, 76.9);
INSERT INTO ZABCONTACT VALUES (1, 'Work'); INSERT INTO ZABCONTACTNUMBER VALUES (1, 1, NULL, '77010000001'), (2, 9, '1', NULL);
""".replace("{SECRET}", SECRET)


def test_the_iphone(tmp_path: Path) -> None:
    at = 780_000_000
    rows = [(1, 1, "NULL", "received", "NULL", "NULL", "NULL"), (2, 1, "NULL", "delivered", "1", "NULL", "NULL"), (3, 2, "2", "received", "2", "NULL", "NULL"),
            (4, 3, "NULL", "send", "NULL", "NULL", "NULL"), (5, 1, "NULL", "received", "NULL", "1", "NULL"), (6, 1, "NULL", "received", "NULL", "NULL", "'x'"),
            (7, 9, "NULL", "received", "NULL", "NULL", "NULL"), (8, 1, "NULL", "odd", "NULL", "NULL", "NULL"), (9, 1, "NULL", "received", "NULL", "NULL", "NULL")]  # fmt: skip
    script = IPHONE + "".join(
        f"INSERT INTO ZVIBERMESSAGE VALUES ({i},{chat},{who},'{state}',{att},{loc},{system},{at + i},'{SECRET}');"
        for i, chat, who, state, att, loc, system in rows
    )
    script += f"""INSERT INTO ZRECENT VALUES (1,'missed',1,9,{at},0), (2,'incoming_with_video',NULL,NULL,{at},5), (3,'outgoing_viber',1,NULL,{at},0),
        (4,'odd',1,NULL,{at},0), (5,'incoming',NULL,1,0,3);"""
    path = database(tmp_path, script, "Contacts.data")
    assert known(path, "Contacts.data") == "viber-ios"
    out = checked(IOS, path)
    opened(IOS, path, out)
    assert facts(out.event_rows, "n", "kind", "direction", "identifier", "answered", "attachment", "tags") == [
        (3, "call", "in", "+77010000001", False, None, "missed voice"),
        (4, "call", "in", None, True, None, "video"),
        (5, "call", "out", "+77010000001", None, None, "voice"),
        (8, "message", "in", "+77010000001", None, "none", None),
        (9, "message", "out", "+77010000001", None, "image", None),
        (10, "message", "in", "viber:m2", None, "other", None),
        (11, "message", "out", "viber:m2", None, "none", None),
        (12, "message", "in", "+77010000001", None, "location", None),
    ]
    assert facts(out.position_rows, "n", "lat", "subject") == [(12, 43.2, "contact")]
    assert facts(out.listed_rows, "identifier", "label") == [("+77010000001", "Work")]
    assert ([r[0] for r in out.rejects], out.scoped_out) == ([6, 7, 14, 15], 3)
    cut_everywhere(IOS, path, out)


PC = """CREATE TABLE Contact(ContactID INTEGER PRIMARY KEY, Name TEXT, ClientName TEXT, Number TEXT, MID TEXT);
CREATE TABLE ChatInfo(ChatID INTEGER PRIMARY KEY, Name TEXT);
CREATE TABLE ChatRelation(ChatID INTEGER, ContactID INTEGER);
CREATE TABLE Events(EventID INTEGER PRIMARY KEY, TimeStamp INTEGER NOT NULL, Direction INTEGER NOT NULL, ChatID INTEGER, ContactID INTEGER, SortOrder INTEGER);
CREATE TABLE Messages(EventID INTEGER PRIMARY KEY, Type INTEGER NOT NULL, Body TEXT, Info TEXT, ClientFlag INTEGER);
CREATE TABLE Calls(EventID INTEGER PRIMARY KEY, Type INTEGER, Duration INTEGER);
INSERT INTO Contact VALUES (1,NULL,'Me','+77010000009',NULL), (2,'Work','A','+77010000001',NULL), (3,'','B',NULL,'m3');
INSERT INTO ChatInfo VALUES (10,NULL), (20,'{SECRET}'), (30,NULL), (40,NULL);
INSERT INTO ChatRelation VALUES (10,1),(10,2),(20,1),(20,2),(20,3),(30,1),(40,1),(40,3);
""".replace("{SECRET}", SECRET)


def test_the_desktop(tmp_path: Path) -> None:
    rows = [(100, 0, 10, 2, 1, 0), (101, 1, 10, 1, 2, 0), (102, 0, 20, 3, 1, 0), (103, 1, 20, 1, 1, 0), (104, 0, 10, 2, 0, 0), (105, 1, 10, 1, 0, 0),
            (106, 0, 10, 2, 1, 256), (107, 0, 10, 2, 72, 0), (108, 0, 10, 2, 15, 0), (109, 0, 10, 2, 99, 0), (110, 9, 10, 2, 1, 0), (111, 0, 77, 2, 1, 0),
            (112, 1, 30, 1, 1, 0), (113, 0, 40, 3, 8, 0)]  # fmt: skip
    script = PC + "".join(
        f"INSERT INTO Events VALUES ({e},{BASE + e},{way},{chat},{who},{e}); INSERT INTO Messages VALUES ({e},{kind},'{SECRET}','{SECRET}',{flag});"
        for e, way, chat, who, kind, flag in rows
    )
    script += f"""INSERT INTO Events VALUES (200,{BASE},0,10,2,200), (201,{BASE},1,NULL,2,201), (202,{BASE},0,10,2,202);
    INSERT INTO Calls VALUES (200,1,33), (201,1,0);"""
    path = database(tmp_path, script, "viber.db")
    assert known(path, "viber.db") == "viber-desktop"
    out = checked(DESKTOP, path)
    opened(DESKTOP, path, out)
    assert facts(out.event_rows, "record", "kind", "direction", "identifier", "attachment", "size", "answered") == [
        ("sql:Events/100", "message", "in", "+77010000001", "none", len(SECRET), None),
        ("sql:Events/101", "message", "out", "+77010000001", "image", None, None),
        ("sql:Events/102", "message", "in", "viber:m3", "none", len(SECRET), None),
        ("sql:Events/103", "message", "out", None, "none", len(SECRET), None),
        ("sql:Events/104", "mention", "in", "+77010000001", None, None, None),
        ("sql:Events/107", "message", "in", "+77010000001", "deleted", None, None),
        ("sql:Events/113", "message", "in", "viber:m3", "none", None, None),
        ("sql:Events/200", "call", "in", "+77010000001", None, None, True),
        ("sql:Events/201", "call", "out", "+77010000001", None, None, None),
    ]
    assert facts(out.listed_rows, "identifier", "label") == [("+77010000001", "Work")]
    assert ([r[1] for r in out.rejects], out.scoped_out, out.owners) == (
        ["sql:Events/109", "sql:Events/110", "sql:Events/111"], 7, ["+77010000009"],
    )  # fmt: skip
    cut_everywhere(DESKTOP, path, out)
