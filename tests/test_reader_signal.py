"""The readers of Signal's databases: desktop and Android."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.readers._sqlite import open_database
from pipelines.readers.base import Unreadable
from pipelines.readers.signal_android import READER as ANDROID
from pipelines.readers.signal_desktop import READER as DESKTOP
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.collect import Collected, source_of
from tests.shared_data import sample

BASE = 1_760_000_000_000
ME, ONE, TWO = (f"{d * 8}-{d * 4}-{d * 4}-{d * 4}-{d * 12}" for d in "abc")
SCHEMA = f"""CREATE TABLE conversations(id STRING PRIMARY KEY ASC, json TEXT, type STRING, name TEXT, profileFullName TEXT, e164 TEXT, serviceId TEXT,
    groupId TEXT);
CREATE TABLE messages(rowid INTEGER PRIMARY KEY ASC, id STRING UNIQUE, json TEXT, sent_at INTEGER, conversationId STRING, source STRING, type STRING,
    body TEXT, isErased INTEGER, isViewOnce INTEGER, sourceServiceId TEXT, mentionsMe INTEGER,
    isStory INTEGER GENERATED ALWAYS AS (type IS 'story'), callId TEXT GENERATED ALWAYS AS (json_extract(json, '$.callId')));
CREATE TABLE callsHistory (callId TEXT PRIMARY KEY, peerId TEXT, ringerId TEXT, mode TEXT, type TEXT, direction TEXT, status TEXT, timestamp INTEGER,
    startedById TEXT, endedTimestamp INTEGER);
CREATE TABLE items(id STRING PRIMARY KEY ASC, json TEXT);
INSERT INTO items VALUES ('uuid_id', '{{"id":"uuid_id","value":"{ME}.2"}}'), ('number_id', '{{"id":"number_id","value":"+77010000009.2"}}');
INSERT INTO conversations VALUES ('conv-me', '', 'private', NULL, '{SECRET}', '+77010000009', '{ME}', NULL),
    ('conv-1', '', 'private', NULL, '{SECRET}', '+7 701 000 0001', '{ONE}', NULL), ('conv-2', '', 'private', NULL, NULL, NULL, '{TWO}', NULL),
    ('conv-g', '', 'group', '{SECRET}', NULL, NULL, NULL, 'Z3JvdXA=');
"""


def desktop(
    tmp_path: Path, messages: list[tuple[Any, ...]], calls: Sequence[tuple[Any, ...]] = ()
) -> tuple[Path, Collected]:
    path = database(tmp_path, SCHEMA, "db.sqlite")
    db = sqlite3.connect(path)
    for i, (kind, chat, sender, record, more) in enumerate(messages, 1):
        db.execute(
            "INSERT INTO messages (rowid,id,json,sent_at,conversationId,source,type,body,isErased,isViewOnce,sourceServiceId,mentionsMe) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (i, f"m{i}", record if isinstance(record, str) else json.dumps(record), more.get("at", BASE + i), chat, None, kind, SECRET,
             more.get("erased", 0), more.get("once", 0), sender, more.get("mentions", 0)),
        )  # fmt: skip
    for row in calls:
        db.execute("INSERT INTO callsHistory VALUES (?,?,?,?,?,?,?,?,?,?)", row)
    db.commit()
    db.close()
    assert known(path, "db.sqlite") == "signal-desktop"
    out = checked(DESKTOP, path)
    opened(DESKTOP, path, out)
    return path, out


def test_messages_of_the_desktop(tmp_path: Path) -> None:
    state = {"sendStateByConversationId": {"conv-1": {"status": "Sent"}, "conv-me": {"status": "Read"}}}
    path, out = desktop(
        tmp_path,
        [
            ("incoming", "conv-1", ONE, {}, {}), ("outgoing", "conv-1", ME, state, {}), ("incoming", "conv-2", TWO, {}, {}),
            ("incoming", "conv-g", ONE, {}, {}), ("incoming", "conv-g", TWO, {"quote": {"authorAci": ME, "text": SECRET}}, {}),
            ("incoming", "conv-g", "dddddddd-dddd", {}, {"mentions": 1}), ("outgoing", "conv-g", ME, {}, {}),
            ("outgoing", "conv-me", ME, {}, {}), ("story", "conv-1", ONE, {}, {}), ("keychange", "conv-1", None, {}, {}),
            ("incoming", "conv-9", ONE, {}, {}), ("weird", "conv-1", ONE, {}, {}), ("incoming", "conv-1", ONE, "[1]", {}),
            ("incoming", "conv-1", ONE, {"flags": 2}, {}), ("incoming", "conv-1", ONE, {"expirationTimerUpdate": {}}, {}),
            ("incoming", "conv-1", ONE, {}, {"at": 0}),
        ],
    )  # fmt: skip
    assert facts(out.event_rows, "n", "direction", "identifier", "thread_kind", "directed", "status", "size") == [
        (1, "in", "+77010000001", "direct", "yes", "unknown", len(SECRET)),
        (2, "out", "+77010000001", "direct", "yes", "sent", len(SECRET)),
        (3, "in", f"signal:{TWO}", "direct", "yes", "unknown", len(SECRET)),
        (4, "in", "+77010000001", "group", "no", "unknown", len(SECRET)),
        (5, "in", f"signal:{TWO}", "group", "yes", "unknown", len(SECRET)),
        (6, "in", "signal:dddddddd-dddd", "group", "yes", "unknown", len(SECRET)),
        (7, "out", None, "group", "no", "unknown", len(SECRET)),
        (13, "in", "+77010000001", "direct", "yes", "unknown", len(SECRET)),
    ]
    assert out.owners == [f"signal:{ME}", "+77010000009"]
    assert ([r[0] for r in out.rejects], out.scoped_out) == ([11, 12, 16], 5)
    cut_everywhere(DESKTOP, path, out)


@pytest.mark.parametrize(
    ("record", "more", "attachment", "kind"),
    [
        ({"attachments": [{"contentType": "image/jpeg", "fileName": SECRET}]}, {}, "image", "message"),
        ({"attachments": [{"contentType": "audio/aac", "flags": 1}]}, {}, "voice", "message"),
        ({"attachments": [{"contentType": "audio/aac"}]}, {}, "audio", "message"),
        ({"attachments": [{"contentType": "application/pdf"}]}, {}, "document", "message"),
        ({"attachments": [7]}, {}, "none", "message"),
        ({"sticker": {"emoji": SECRET}}, {}, "sticker", "message"),
        ({"contact": [{"name": SECRET}]}, {}, "contact", "message"),
        ({"deletedForEveryone": True}, {}, "deleted", "message"),
        ({}, {"erased": 1}, "deleted", "message"),
        ({}, {"once": 1}, "view_once", "message"),
        ({"payment": {"note": SECRET}}, {}, "none", "payment"),
        ({"giftBadge": {}}, {}, "none", "gift"),
    ],
)
def test_what_hangs_on_a_message(
    tmp_path: Path, record: dict[str, Any], more: dict[str, Any], attachment: str, kind: str
) -> None:
    (row,) = desktop(tmp_path, [("incoming", "conv-1", ONE, record, more)])[1].event_rows
    assert (row["attachment"], row["kind"]) == (attachment, kind)
    assert row["size"] == (None if attachment == "deleted" else len(SECRET))


def test_blocks_requests_and_reports(tmp_path: Path) -> None:
    kind = "message-request-response-event"
    words = ["BLOCK", "UNBLOCK", "SPAM", "ACCEPT", "BLOCK_AND_DELETE", "ODD", None]
    rows: list[tuple[Any, ...]] = [(kind, "conv-1", None, {"messageRequestResponseEvent": w}, {}) for w in words]
    out = desktop(tmp_path, [*rows, (kind, "conv-g", None, {"messageRequestResponseEvent": "BLOCK"}, {})])[1]
    assert facts(out.event_rows, "n", "kind", "direction", "actor", "identifier", "local_time") == [
        (1, "block", "out", "owner", "+77010000001", (BASE + 1) * 1000),
        (2, "unblock", "out", "owner", "+77010000001", (BASE + 2) * 1000),
        (5, "block", "out", "owner", "+77010000001", (BASE + 5) * 1000),
    ]
    assert facts(out.listed_rows, "n", "list", "identifier", "local_time") == [
        (3, "reported", "+77010000001", (BASE + 3) * 1000)
    ]
    assert ([r[0] for r in out.rejects], out.scoped_out) == ([6, 7], 2)


def test_calls_of_the_desktop_count_once(tmp_path: Path) -> None:
    old = {"callHistoryDetails": {"wasIncoming": True, "wasDeclined": True, "wasVideoCall": True}}
    taken = {"callHistoryDetails": {"wasIncoming": False, "acceptedTime": BASE, "endedTime": BASE + 65_000}}
    messages: list[tuple[Any, ...]] = [
        ("call-history", "conv-1", None, r, {}) for r in ({"callId": "1"}, old, taken, {"callId": "99"})
    ]
    calls = [
        ("1", ONE, None, "Direct", "Audio", "Incoming", "Missed", BASE, None, None),
        ("2", "conv-2", None, "Direct", "Video", "Outgoing", "Accepted", BASE, None, BASE + 90_500),
        ("3", TWO.upper(), None, "Direct", "Audio", "Incoming", "Declined", BASE, None, None),
        ("4", "Z3JvdXA=", ONE, "Group", "Group", "Incoming", "Joined", BASE, None, None),
        ("5", ONE, None, "Direct", "Audio", "Odd", "Missed", BASE, None, None),
        ("6", ONE, None, "Direct", "Audio", "Incoming", "Deleted", BASE, None, None),
        ("7", "room", None, "Adhoc", "Adhoc", "Incoming", "JoinedAdhoc", BASE, None, None),
        ("8", "eeee-eeee", None, "Direct", "Audio", "Outgoing", "Declined", BASE, None, None),
    ]  # fmt: skip
    out = desktop(tmp_path, messages, calls)[1]
    assert facts(out.event_rows, "n", "direction", "identifier", "thread_kind", "answered", "duration_s", "tags") == [
        (1, "in", "+77010000001", "direct", False, None, "missed voice"),
        (2, "out", f"signal:{TWO}", "direct", True, 90, "video with_ringing"),
        (3, "in", f"signal:{TWO}", "direct", False, None, "rejected voice"),
        (4, "in", "+77010000001", "group", True, None, "voice"),
        (6, "in", "+77010000001", "direct", None, None, "voice deleted"),
        (8, "out", "signal:eeee-eeee", "direct", False, None, "voice"),
        (10, "in", "+77010000001", "direct", False, None, "rejected video"),
        (11, "out", "+77010000001", "direct", True, 65, "voice"),
    ]
    assert ([r[0] for r in out.rejects], out.scoped_out) == ([5, 12], 2)


def test_reactions_of_others_with_a_time_of_their_own(tmp_path: Path) -> None:
    reactions = [{"emoji": SECRET, "fromId": "conv-1", "timestamp": BASE + 500}, {"emoji": "x", "fromId": "conv-me", "timestamp": BASE},
                 {"emoji": "x", "fromId": "conv-1"}, 7]  # fmt: skip
    out = desktop(tmp_path, [("outgoing", "conv-1", ME, {"reactions": reactions}, {})])[1]
    assert facts(out.event_rows, "n", "sub", "kind", "direction", "identifier", "directed", "local_time") == [
        (1, 1, "message", "out", "+77010000001", "yes", (BASE + 1) * 1000),
        (1, 2, "mention", "in", "+77010000001", "yes", (BASE + 500) * 1000),
    ]


def test_generated_columns_are_known_and_never_computed(tmp_path: Path) -> None:
    path = desktop(tmp_path, [("incoming", "conv-1", ONE, {}, {})])[0]
    with open_database(source_of(path)) as db:
        assert "callId" not in db.tables["messages"]
        assert "isStory" not in db.tables["messages"]
        (block,) = db.scan("messages", ["callId", "isStory", "type"])
        assert (block.columns["callId"], block.columns["type"]) == ([None], ["incoming"])


def test_the_sample_of_the_desktop(tmp_path: Path) -> None:
    script = sample("signal-desktop-db/chm-2024-08-plaintext.sql").read_text(encoding="utf-8")
    path = database(tmp_path, script, "plaintext.db")
    assert known(path) == "signal-desktop"
    out = checked(DESKTOP, path)
    opened(DESKTOP, path, out)
    messages = [r for r in out.event_rows if r["kind"] == "message"]
    calls = [r for r in out.event_rows if r["kind"] == "call"]
    assert (len(messages), len(calls), out.scoped_out, out.rejects) == (4, 1, 1, [])  # the fifth message is the call
    assert sorted(r["direction"] for r in messages) == ["in", "in", "out", "out"]
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (1_685_967_643_288_000, 1_696_178_282_339_000)
    assert out.owners == ["signal:b22bb22b-b22b-b22b-b22b-b22bb22bb22b", "+998911234567"]


# -- Android

PHONE = f"""CREATE TABLE recipient (_id INTEGER PRIMARY KEY, type INTEGER DEFAULT 0, e164 TEXT, aci TEXT, pni TEXT, username TEXT, group_id TEXT,
    blocked INTEGER DEFAULT 0, system_joined_name TEXT, profile_joined_name TEXT, about TEXT);
CREATE TABLE thread (_id INTEGER PRIMARY KEY, recipient_id INTEGER);
CREATE TABLE message (_id INTEGER PRIMARY KEY AUTOINCREMENT, date_sent INTEGER, thread_id INTEGER, from_recipient_id INTEGER, type INTEGER, body TEXT,
    latest_revision_id INTEGER, scheduled_date INTEGER DEFAULT -1, story_type INTEGER DEFAULT 0, remote_deleted INTEGER DEFAULT 0,
    view_once INTEGER DEFAULT 0, mentions_self INTEGER DEFAULT 0, quote_author INTEGER DEFAULT 0);
CREATE TABLE call (_id INTEGER PRIMARY KEY, call_id INTEGER, message_id INTEGER, peer INTEGER, type INTEGER, direction INTEGER, event INTEGER,
    timestamp INTEGER, ringer INTEGER);
CREATE TABLE reaction (_id INTEGER PRIMARY KEY, message_id INTEGER, author_id INTEGER, emoji TEXT, date_sent INTEGER);
CREATE TABLE attachment (_id INTEGER PRIMARY KEY, message_id INTEGER, content_type TEXT, file_name TEXT, voice_note INTEGER, sticker_id INTEGER);
INSERT INTO recipient VALUES (1,0,'+77010000009','{ME}',NULL,NULL,NULL,0,NULL,NULL,NULL), (2,0,'+77010000001','{ONE}',NULL,NULL,NULL,1,'Work','x',NULL),
    (3,0,NULL,'{TWO}',NULL,NULL,NULL,0,NULL,'Nick','{SECRET}'), (4,3,NULL,NULL,NULL,NULL,'__group',0,NULL,NULL,NULL);
INSERT INTO thread VALUES (10,2), (11,3), (12,4), (13,1);
"""
IN, SENT, FAILED, DRAFT, BITS = 20, 23, 24, 27, 0xA00000


def android(tmp_path: Path, *rows: str, more: str = "") -> Collected:
    path = database(tmp_path, PHONE + "".join(rows) + more, "signal.db")
    assert known(path, "signal.db") == "signal-android"
    out = checked(ANDROID, path)
    opened(ANDROID, path, out)
    return out


def row(ident: int, thread: int, sender: int, kind: int, at: int | None = None, **more: int) -> str:
    names = "".join(f",{k}" for k in more)
    values = "".join(f",{v}" for v in more.values())
    when = BASE + ident if at is None else at
    return (f"INSERT INTO message (_id,date_sent,thread_id,from_recipient_id,type,body{names}) VALUES "
            f"({ident},{when},{thread},{sender},{kind},'{SECRET}'{values});")  # fmt: skip


def test_messages_of_android(tmp_path: Path) -> None:
    out = android(
        tmp_path, row(1, 10, 2, IN | BITS), row(2, 10, 1, SENT | BITS), row(3, 10, 1, FAILED), row(4, 12, 3, IN), row(5, 12, 3, IN, mentions_self=1),
        row(6, 12, 3, IN, quote_author=1), row(7, 12, 1, SENT), row(8, 13, 1, SENT), row(9, 10, 1, DRAFT), row(10, 10, 2, IN, latest_revision_id=1),
        row(11, 10, 2, IN, story_type=1), row(12, 10, 1, SENT, scheduled_date=BASE), row(13, 10, 2, IN, remote_deleted=1),
        row(14, 10, 2, IN, view_once=1), row(15, 12, 3, IN | 0x10000), row(16, 10, 2, IN | 0x40000), row(17, 10, 2, 7), row(18, 99, 2, IN),
        row(19, 10, 2, IN, at=0), row(20, 11, 3, IN), row(21, 10, 2, 1 << 32 | IN), row(22, 10, 2, 2 << 32 | IN), row(23, 10, 2, 3 << 32 | IN),
        row(24, 12, 3, IN | 0x80000),
        more=f"INSERT INTO attachment VALUES (1, 1, 'image/png', '{SECRET}', 0, -1), (2, 20, 'audio/aac', NULL, 1, -1), (3, 5, 'image/webp', NULL, 0, 4);",
    )  # fmt: skip
    assert facts(out.event_rows, "n", "kind", "direction", "identifier", "directed", "status", "attachment") == [
        (1, "message", "in", "+77010000001", "yes", "unknown", "image"),
        (2, "message", "out", "+77010000001", "yes", "sent", "none"),
        (3, "message", "out", "+77010000001", "yes", "failed", "none"),
        (4, "message", "in", f"signal:{TWO}", "no", "unknown", "none"),
        (5, "message", "in", f"signal:{TWO}", "yes", "unknown", "sticker"),
        (6, "message", "in", f"signal:{TWO}", "yes", "unknown", "none"),
        (7, "message", "out", None, "no", "sent", "none"),
        (13, "message", "in", "+77010000001", "yes", "unknown", "deleted"),
        (14, "message", "in", "+77010000001", "yes", "unknown", "view_once"),
        (20, "message", "in", f"signal:{TWO}", "yes", "unknown", "voice"),
        (21, "message", "in", "+77010000001", "yes", "unknown", "none"),
        (22, "gift", "in", "+77010000001", "yes", "unknown", "none"),
        (23, "payment", "in", "+77010000001", "yes", "unknown", "none"),
        (24, "message", "in", f"signal:{TWO}", "no", "unknown", "none"),
    ]
    assert out.owners == ["+77010000009"]
    assert [r[0] for r in out.rejects] == [18, 19]
    assert facts(out.listed_rows, "list", "identifier", "label", "tags") == [
        ("address_book", "+77010000001", "Work", None), ("blocked", "+77010000001", None, None),
        ("other", f"signal:{TWO}", "Nick", "profile_name"),
    ]  # fmt: skip
    assert out.scoped_out == 8 + 2


def test_blocks_and_reports_of_android(tmp_path: Path) -> None:
    out = android(tmp_path, row(1, 10, 1, 0xA << 32 | SENT), row(2, 10, 1, 0xB << 32 | SENT), row(3, 10, 1, 5 << 32 | SENT), row(4, 10, 1, 6 << 32 | SENT),
                  row(5, 12, 1, 0xA << 32 | SENT))  # fmt: skip
    assert facts(out.event_rows, "n", "kind", "direction", "actor", "identifier") == [
        (1, "block", "out", "owner", "+77010000001"), (2, "unblock", "out", "owner", "+77010000001"),
    ]  # fmt: skip
    assert facts(out.listed_rows[:1], "list", "identifier", "local_time") == [
        ("reported", "+77010000001", (BASE + 3) * 1000)
    ]


def test_calls_of_android_count_once(tmp_path: Path) -> None:
    calls = [(1, 100, 2, 0, 0, 3), (2, 101, 2, 1, 1, 1), (3, "NULL", 2, 0, 0, 8), (4, "NULL", 4, 3, 0, 7), (5, "NULL", 2, 4, 0, 1), (6, "NULL", 2, 0, 7, 1),
             (7, "NULL", 2, 0, 1, 2)]  # fmt: skip
    out = android(
        tmp_path,
        *(f"INSERT INTO call VALUES ({i},{i},{m},{peer},{kind},{way},{event},{BASE},3);" for i, m, peer, kind, way, event in calls),
        row(100, 10, 2, 3), row(101, 10, 1, 11), row(102, 10, 2, 8), row(103, 10, 1, 2), row(104, 12, 3, 12),
    )  # fmt: skip
    assert facts(out.event_rows, "record", "direction", "identifier", "thread_kind", "answered", "tags") == [
        ("sql:call/1", "in", "+77010000001", "direct", False, "missed voice"),
        ("sql:call/2", "out", "+77010000001", "direct", True, "video"),
        ("sql:call/3", "in", "+77010000001", "direct", False, "rejected voice"),
        ("sql:call/4", "in", f"signal:{TWO}", "group", None, "voice"),
        ("sql:call/7", "out", "+77010000001", "direct", False, "voice"),
        ("sql:message/102", "in", "+77010000001", "direct", False, "missed video"),
        ("sql:message/103", "out", "+77010000001", "direct", None, "voice"),
        ("sql:message/104", "in", f"signal:{TWO}", "group", None, "voice"),
    ]
    assert [r[1] for r in out.rejects] == ["sql:call/6"]


def test_reactions_of_android(tmp_path: Path) -> None:
    out = android(tmp_path, row(1, 10, 1, SENT), row(2, 12, 3, IN),
                  *(f"INSERT INTO reaction VALUES ({i},{m},{who},'{SECRET}',{BASE + i});" for i, m, who in ((1, 1, 2), (2, 2, 2), (3, 2, 1), (4, 77, 2))))  # fmt: skip
    assert facts(out.event_rows[2:], "record", "kind", "direction", "identifier", "directed", "thread_kind") == [
        ("sql:reaction/1", "mention", "in", "+77010000001", "yes", "direct"),
        ("sql:reaction/2", "mention", "in", "+77010000001", "no", "group"),
    ]
    assert [r[1] for r in out.rejects] == ["sql:reaction/4"]


def test_cut_and_views(tmp_path: Path) -> None:
    path = database(tmp_path, PHONE + "".join(row(i, 10, 2 - i % 2, IN if i % 2 == 0 else SENT) for i in range(1, 90)))
    cut_everywhere(ANDROID, path, checked(ANDROID, path))
    hostile = database(
        tmp_path,
        "CREATE TABLE recipient (e164 TEXT); CREATE TABLE thread (recipient_id INTEGER); CREATE VIEW message AS SELECT 1;",
    )
    assert known(hostile) == "signal-android"
    with pytest.raises(Unreadable, match="view"):
        checked(ANDROID, hostile)
