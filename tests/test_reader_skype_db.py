"""The reader of Skype's classic database."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.skype_db import READER
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.collect import Collected
from tests.shared_data import sample

BASE = 1_500_000_000
SCHEMA = f"""CREATE TABLE Accounts (id INTEGER PRIMARY KEY, skypename TEXT, fullname TEXT);
CREATE TABLE Calls (id INTEGER PRIMARY KEY, begin_timestamp INTEGER, host_identity TEXT, duration INTEGER, is_incoming INTEGER,
    is_unseen_missed INTEGER, is_conference INTEGER, conv_dbid INTEGER);
CREATE TABLE CallMembers (id INTEGER PRIMARY KEY, identity TEXT, call_duration INTEGER, call_db_id INTEGER);
CREATE TABLE Chats (id INTEGER PRIMARY KEY, name TEXT, type INTEGER, dialog_partner TEXT);
CREATE TABLE Contacts (id INTEGER PRIMARY KEY, skypename TEXT, pstnnumber TEXT, displayname TEXT, isblocked INTEGER, about TEXT);
CREATE TABLE Conversations (id INTEGER PRIMARY KEY, identity TEXT, type INTEGER, displayname TEXT);
CREATE TABLE Messages (id INTEGER PRIMARY KEY, convo_id INTEGER, chatname TEXT, author TEXT, dialog_partner TEXT, identities TEXT, timestamp INTEGER,
    type INTEGER, sending_status INTEGER, body_xml TEXT);
CREATE TABLE SMSes (id INTEGER PRIMARY KEY, type INTEGER, status INTEGER, timestamp INTEGER, target_numbers TEXT, reply_to_number TEXT, body TEXT,
    chatmsg_id INTEGER);
INSERT INTO Accounts VALUES (1, 'me.own', '{SECRET}');
INSERT INTO Conversations VALUES (1, 'one', 1, '{SECRET}'), (2, '19:group', 2, '{SECRET}'), (3, 'me.own', 1, NULL), (4, '+77010000001', 1, NULL);
INSERT INTO Chats VALUES (1, '#a', 2, 'two'), (2, '#b', 4, NULL);
"""


def row(
    ident: int,
    convo: int,
    author: str,
    kind: int,
    *,
    at: int | None = None,
    sending: str = "NULL",
    chat: str = "",
    others: str = "",
) -> str:
    when = BASE + ident if at is None else at
    return f"INSERT INTO Messages VALUES ({ident},{convo},'{chat}','{author}','one','{others}',{when},{kind},{sending},'{SECRET}');"


def read(tmp_path: Path, *statements: str) -> Collected:
    path = database(tmp_path, SCHEMA + "".join(statements), "main.db")
    assert known(path, "main.db") == "skype-db"
    out = checked(READER, path)
    opened(READER, path, out)
    return out


def test_messages(tmp_path: Path) -> None:
    out = read(
        tmp_path, row(1, 1, "one", 61), row(2, 1, "me.own", 61, sending="2"), row(3, 2, "two", 60), row(4, 2, "me.own", 201), row(5, 9, "two", 61, chat="#a"),
        row(6, 9, "three", 61, chat="#b"), row(7, 4, "+77010000001", 61), row(8, 3, "me.own", 61), row(9, 1, "one", 110), row(10, 1, "one", 12345),
        row(11, 1, "", 61), row(12, 1, "one", 61, at=13727168620), row(13, 1, "three", 68), row(14, 1, "one", 67), row(15, 1, "one", 51),
    )  # fmt: skip
    assert facts(out.event_rows, "n", "direction", "identifier", "thread_kind", "status", "attachment", "size") == [
        (1, "in", "skype:one", "direct", "unknown", "none", len(SECRET)),
        (2, "out", "skype:one", "direct", "sent", "none", len(SECRET)),
        (3, "in", "skype:two", "group", "unknown", "none", len(SECRET)),
        (4, "out", None, "group", "unknown", "image", None),
        (5, "in", "skype:two", "direct", "unknown", "none", len(SECRET)),
        (6, "in", "skype:three", "group", "unknown", "none", len(SECRET)),
        (7, "in", "+77010000001", "direct", "unknown", "none", len(SECRET)),
        (13, "in", "skype:three", "direct", "unknown", "document", None),
        (14, "in", "skype:one", "direct", "unknown", "voice", None),
    ]
    assert [r[0] for r in out.rejects] == [10, 11, 12]
    assert (out.scoped_out, out.owners) == (3, ["skype:me.own"])
    assert any("by a third person" in n for n in out.notes)


def test_requests_blocks_and_text_messages(tmp_path: Path) -> None:
    out = read(
        tmp_path, row(1, 1, "one", 50), row(2, 1, "me.own", 50, others="two"), row(3, 1, "me.own", 53), row(4, 1, "one", 53),
        row(5, 1, "me.own", 64, others="+77010000002"),
        f"INSERT INTO SMSes VALUES (1, 2, 6, {BASE}, '+77010000002', NULL, '{SECRET}', 5), (2, 1, 0, {BASE}, NULL, '+77010000003', '{SECRET}', NULL),"
        f"(3, 2, 0, {BASE}, '+77010000003', NULL, '{SECRET}', 77), (4, 3, 0, {BASE}, NULL, NULL, NULL, NULL);",
    )  # fmt: skip
    assert facts(out.event_rows, "record", "kind", "direction", "identifier", "tags") == [
        ("sql:Messages/1", "request", "in", "skype:one", None),
        ("sql:Messages/2", "request", "out", "skype:two", None),
        ("sql:Messages/3", "block", "out", "skype:one", None),
        ("sql:Messages/5", "message", "out", "+77010000002", "sms"),
        ("sql:SMSes/2", "message", "in", "+77010000003", "sms"),
        ("sql:SMSes/3", "message", "out", "+77010000003", "sms"),
    ]
    assert out.scoped_out == 3


def test_calls(tmp_path: Path) -> None:
    out = read(
        tmp_path,
        f"INSERT INTO Calls VALUES (1,{BASE},'one',60,1,0,0,1), (2,{BASE + 200},'me.own',NULL,0,0,0,1), (3,{BASE + 400},'one',0,1,1,0,1),"
        f"(4,{BASE + 600},'one',5,1,0,1,2), (5,{BASE + 800},'one',5,9,0,0,1), (6,{BASE + 1000},'one',0,1,0,0,1);"
        "INSERT INTO CallMembers VALUES (1,'one',61,1), (2,'one',NULL,2), (3,'me.own',7,2), (4,'one',5,4), (5,'two',5,4);",
        row(1, 1, "one", 30, at=BASE + 5), row(2, 1, "one", 39, at=BASE + 70), row(3, 1, "one", 30, at=BASE + 5000),
    )  # fmt: skip
    assert facts(
        out.event_rows, "record", "direction", "identifier", "thread_kind", "answered", "duration_s", "tags"
    ) == [
        ("sql:Calls/1", "in", "skype:one", "direct", True, 61, None),
        ("sql:Calls/2", "out", "skype:one", "direct", None, None, None),
        ("sql:Calls/3", "in", "skype:one", "direct", False, None, "missed"),
        ("sql:Calls/4", "in", "skype:one", "group", True, 5, None),
        ("sql:Calls/6", "in", "skype:one", "direct", None, None, None),
        ("sql:Messages/3", "in", "skype:one", "direct", None, None, None),
    ]
    assert ([r[1] for r in out.rejects], out.scoped_out) == (["sql:Calls/5"], 2)


def test_contacts(tmp_path: Path) -> None:
    out = read(tmp_path, f"INSERT INTO Contacts VALUES (1,'one',NULL,'Work',1,'{SECRET}'), (2,NULL,'+77010000001','Tel',0,NULL), (3,'two',NULL,NULL,0,NULL);")  # fmt: skip
    assert facts(out.listed_rows, "n", "sub", "list", "identifier", "label") == [
        (1, 1, "address_book", "skype:one", "Work"), (1, 2, "blocked", "skype:one", None), (2, 1, "address_book", "+77010000001", "Tel"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [("INSERT INTO Accounts VALUES (2, 'another', NULL);", "more than one account"), ("DELETE FROM Accounts;", "does not name its account")],
)  # fmt: skip
def test_whose_it_is(tmp_path: Path, change: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        checked(READER, database(tmp_path, SCHEMA + change))


def test_cut_and_views(tmp_path: Path) -> None:
    path = database(tmp_path, SCHEMA + "".join(row(i, 1, "one", 61) for i in range(1, 90)))
    cut_everywhere(READER, path, checked(READER, path))
    hostile = database(
        tmp_path,
        "CREATE TABLE Accounts (skypename TEXT); CREATE TABLE Conversations (identity TEXT); CREATE VIEW Messages AS SELECT 1;",
    )
    assert known(hostile) == "skype-db"
    with pytest.raises(Unreadable, match="view"):
        checked(READER, hostile)


def test_the_sample() -> None:
    path = sample("skype-main-db/plaso-skype_main.db")
    assert known(path, "main.db") == "skype-db"
    out = checked(READER, path)
    opened(READER, path, out)
    texts = [r for r in out.event_rows if r["kind"] == "message" and r["tags"] is None]
    assert (len(texts), len({r["identifier"] for r in texts})) == (12, 1)
    assert sum(r["kind"] == "request" for r in out.event_rows) == 1
    assert facts([r for r in out.event_rows if r["kind"] == "call"], "direction", "duration_s") == [("out", 646)]
    assert facts([r for r in out.event_rows if r["tags"] == "sms"], "record", "local_time") == [
        ("sql:SMSes/145", 1_372_716_862_000_000)
    ]
    assert [r[1:] for r in out.rejects] == [("sql:Messages/61", "time lies in or after 2035")]
    assert (out.records, out.scoped_out, out.owners) == (
        19,
        1,
        ["skype:gen.beringer"],
    )  # 15 messages, 1 call, 2 contacts, 1 text message
    assert min(r["local_time"] for r in texts) == 1_375_219_588_000_000
