"""The readers of WhatsApp's databases on Android: both generations of msgstore.db, and wa.db."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.readers.base import Unreadable
from pipelines.readers.whatsapp_android import READER
from pipelines.readers.whatsapp_android_legacy import READER as LEGACY
from pipelines.readers.whatsapp_contacts import READER as CONTACTS
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.collect import collect, context
from tests.shared_data import sample

BASE = 1_760_000_000_000  # ms
US = 1000
SCHEMA = """
CREATE TABLE call_log (_id INTEGER PRIMARY KEY AUTOINCREMENT, jid_row_id INTEGER, from_me INTEGER, call_id TEXT,
    timestamp INTEGER, video_call INTEGER, duration INTEGER, call_result INTEGER, group_jid_row_id INTEGER NOT NULL DEFAULT 0,
    is_dnd_mode_on INTEGER, call_link_row_id INTEGER NOT NULL DEFAULT 0);
CREATE TABLE chat (_id INTEGER PRIMARY KEY AUTOINCREMENT, jid_row_id INTEGER UNIQUE, subject TEXT);
CREATE TABLE jid (_id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT, server TEXT, raw_string TEXT);
CREATE TABLE jid_map (lid_row_id INTEGER PRIMARY KEY NOT NULL, jid_row_id INTEGER NOT NULL);
CREATE TABLE message (_id INTEGER PRIMARY KEY AUTOINCREMENT, chat_row_id INTEGER NOT NULL, from_me INTEGER NOT NULL,
    key_id TEXT NOT NULL, sender_jid_row_id INTEGER, status INTEGER, timestamp INTEGER, message_type INTEGER, text_data TEXT);
CREATE TABLE message_system (message_row_id INTEGER PRIMARY KEY, action_type INTEGER NOT NULL);
CREATE TABLE message_system_block_contact (message_row_id INTEGER PRIMARY KEY, is_blocked INTEGER);
CREATE TABLE message_system_chat_participant (message_row_id INTEGER, user_jid_row_id INTEGER);
CREATE TABLE message_system_group (message_row_id INTEGER PRIMARY KEY, is_me_joined INTEGER);
CREATE TABLE message_system_number_change (message_row_id INTEGER PRIMARY KEY, old_jid_row_id INTEGER, new_jid_row_id INTEGER);
CREATE TABLE message_location (message_row_id INTEGER PRIMARY KEY, latitude REAL, longitude REAL, place_name TEXT);
CREATE TABLE message_media (message_row_id INTEGER PRIMARY KEY, mime_type TEXT, media_name TEXT);
CREATE TABLE message_quoted (message_row_id INTEGER PRIMARY KEY, from_me INTEGER NOT NULL, text_data TEXT);
CREATE TABLE message_mentions (_id INTEGER PRIMARY KEY, message_row_id INTEGER, jid_row_id INTEGER);
CREATE TABLE message_call_log (message_row_id INTEGER PRIMARY KEY, call_log_row_id INTEGER);
CREATE TABLE message_add_on (_id INTEGER PRIMARY KEY AUTOINCREMENT, chat_row_id INTEGER, parent_message_row_id INTEGER,
    from_me INTEGER, sender_jid_row_id INTEGER, timestamp INTEGER, message_add_on_type INTEGER);
CREATE TABLE message_add_on_reaction (message_add_on_row_id INTEGER PRIMARY KEY, reaction TEXT, sender_timestamp INTEGER);
CREATE TABLE props (_id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, value TEXT);
INSERT INTO props VALUES (1, 'user_push_name', 'Aigerim');
INSERT INTO jid VALUES (1, '77010000001', 's.whatsapp.net', '77010000001@s.whatsapp.net');
INSERT INTO jid VALUES (2, '77010000002', 's.whatsapp.net', '77010000002@s.whatsapp.net');
INSERT INTO jid VALUES (3, '120363000000000001', 'g.us', '120363000000000001@g.us');
INSERT INTO jid VALUES (4, '99887766554433', 'lid', '99887766554433@lid');
INSERT INTO jid VALUES (5, '11223344556677', 'lid', '11223344556677@lid');
INSERT INTO jid VALUES (6, 'status', 'broadcast', 'status@broadcast');
INSERT INTO jid VALUES (7, '77010000009', 's.whatsapp.net', '77010000009@s.whatsapp.net');
INSERT INTO jid VALUES (8, '120363000000000002', 'newsletter', '120363000000000002@newsletter');
INSERT INTO jid VALUES (9, '77010000002.0:12', 's.whatsapp.net', '77010000002.0:12@s.whatsapp.net');
INSERT INTO jid_map VALUES (4, 2);
INSERT INTO chat VALUES (10, 1, NULL), (11, 3, '{SECRET}'), (12, 4, NULL), (13, 5, NULL), (14, 6, NULL), (15, 7, NULL), (16, 8, NULL);
""".replace("{SECRET}", SECRET)


def message(
    ident: int, chat: int, mine: int, kind: int, *, sender: int = 0, status: int = 0, at: int = 0, text: str | None = SECRET,
    key: str | None = None,
) -> str:  # fmt: skip
    body = "NULL" if text is None else f"'{text}'"
    when = BASE + at * 1000
    return (
        f"INSERT INTO message VALUES ({ident},{chat},{mine},'{key or ident}',{sender},{status},{when},{kind},{body});"
    )


def call(ident: int, jid: int, mine: int, result: int, *, at: int = 0, seconds: int = 0, video: int = 0, group: int = 0,
         key: str = "NULL", dnd: int = 0) -> str:  # fmt: skip
    when = BASE + at * 1000
    return (
        f"INSERT INTO call_log VALUES ({ident},{jid},{mine},{key},{when},{video},{seconds},{result},{group},{dnd},0);"
    )


def read(tmp_path: Path, *statements: str, **options: str):  # type: ignore[no-untyped-def]
    path = database(tmp_path, SCHEMA + "\n".join(statements))
    out = checked(READER, path, context(**options))
    opened(READER, path, out)
    return out


def test_messages_of_both_directions(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 10, 0, 0, text="12345"), message(2, 10, 1, 0, status=13, at=60, text="a"))
    first, second = out.event_rows
    assert {k: v for k, v in first.items() if v is not None} == {
        "n": 1, "record": "sql:message/1", "sub": 1, "local_time": BASE * US, "ts_precision": "ms", "zone_basis": "utc",
        "channel": "whatsapp", "kind": "message", "direction": "in", "status": "unknown", "identifier": "+77010000001",
        "identifier_raw": "+77010000001", "identifier_kind": "phone", "actor": "contact",
        "thread_id": "+77010000001", "thread_kind": "direct", "participants_n": 2, "directed": "yes", "size": 5,
        "attachment": "none", "how": "device",
    }  # fmt: skip
    assert (second["direction"], second["status"], second["actor"], second["identifier"]) == (
        "out", "delivered", "owner", "+77010000001",
    )  # fmt: skip
    assert out.owners == ["whatsapp:name:Aigerim"]
    assert out.covers[0]["channel"] == "whatsapp"


@pytest.mark.parametrize(
    ("kind", "attachment", "size", "tags"),
    [
        (0, "none", True, None), (1, "image", True, None), (2, "audio", True, None), (3, "video", True, None),
        (4, "contact", False, None), (5, "location", False, None), (9, "document", True, None),
        (11, "omitted", True, "undecrypted"), (13, "animation", True, None), (14, "contact", False, None),
        (15, "deleted", False, None), (16, "location", False, "live"), (20, "sticker", True, None),
        (24, "other", True, "group_invite"), (28, "none", True, "business"), (42, "view_once", True, None),
        (43, "view_once", True, None), (64, "deleted", False, None), (66, "poll", True, None),
        (82, "view_once", True, None), (85, "none", True, "business"),
    ],
)  # fmt: skip
def test_kinds_of_messages(tmp_path: Path, kind: int, attachment: str, size: bool, tags: str | None) -> None:
    (row,) = read(tmp_path, message(1, 10, 0, kind)).event_rows
    assert (row["kind"], row["attachment"], row["tags"]) == ("message", attachment, tags)
    assert row["size"] == (len(SECRET) if size else None)


@pytest.mark.parametrize(("mime", "attachment"), [("image/jpeg", "image"), ("video/mp4", "video"), (None, "none")])
def test_an_answer_with_media(tmp_path: Path, mime: str | None, attachment: str) -> None:
    media = "" if mime is None else f"INSERT INTO message_media VALUES (1, '{mime}', '{SECRET}');"
    (row,) = read(tmp_path, message(1, 10, 0, 103), media).event_rows
    assert row["attachment"] == attachment


@pytest.mark.parametrize("kind", [36, 56, 99, 112, 116])
def test_what_is_no_communication(tmp_path: Path, kind: int) -> None:
    out = read(tmp_path, message(1, 10, 1, kind))
    assert (out.kept, out.scoped_out, out.rejects) == (0, 1, [])
    assert any(note.startswith("out of scope: 1 ") for note in out.notes)


def test_an_unknown_kind_is_rejected_with_its_number(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 10, 0, 777), message(2, 99, 0, 0), message(3, 10, 5, 0))
    assert [r[2] for r in out.rejects] == [
        "kind 777 of message is not known to this reader", "the chat of the message is not in the database",
        "the row does not say whether the message came in or went out",
    ]  # fmt: skip


def test_times_that_are_none(tmp_path: Path) -> None:
    script = "".join(
        f"INSERT INTO message VALUES ({i},10,0,'{i}',0,0,{at},0,'x');"
        for i, at in enumerate(("0", "-1", "NULL", "'x'", "1e400", "9223372036854775807", "2100000000000"), 1)
    )
    out = read(tmp_path, script)
    assert out.kept == 0
    assert len(out.rejects) == 7


def test_the_empty_first_row(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 10, 0, 0, status=-1, key="-1"), message(2, 10, 0, -1, key="-1"))
    assert (out.kept, out.scoped_out, out.rejects) == (0, 2, [])


def test_lids_become_numbers_by_the_map_only(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 12, 0, 0), message(2, 13, 0, 0), message(3, 11, 0, 0, sender=4),
               message(4, 11, 0, 0, sender=9))  # fmt: skip
    assert facts(out.event_rows, "identifier", "identifier_raw", "identifier_kind") == [
        ("+77010000002", "+77010000002", "phone"),
        ("whatsapp:lid:11223344556677", "11223344556677@lid", "app_id"),
        ("+77010000002", "+77010000002", "phone"),
        ("+77010000002", "+77010000002", "phone"),
    ]


def test_groups(tmp_path: Path) -> None:
    out = read(
        tmp_path, message(1, 11, 0, 0, sender=1), message(2, 11, 1, 0), message(3, 11, 0, 0, sender=1),
        message(4, 11, 0, 0, sender=1), message(5, 11, 0, 0, sender=-1), message(6, 10, 0, 0),
        "INSERT INTO message_quoted VALUES (3, 1, 'x'), (1, 0, 'x'), (6, 1, 'x');",
        "INSERT INTO message_mentions VALUES (1, 4, 2), (2, 4, 5);",
    )  # fmt: skip
    assert facts(out.event_rows, "direction", "identifier", "directed", "tags", "participants_n") == [
        ("in", "+77010000001", "no", None, None),
        ("out", None, "no", None, None),
        ("in", "+77010000001", "yes", None, None),
        ("in", "+77010000001", "no", "mention=+77010000002 mention=whatsapp:lid:11223344556677", None),
        ("in", None, "no", None, None),
        ("in", "+77010000001", "yes", None, 2),
    ]
    assert {r["thread_id"] for r in out.event_rows[:5]} == {"whatsapp:120363000000000001@g.us"}


def test_status_channels_and_the_own_chat_are_out_of_scope(tmp_path: Path) -> None:
    path = database(tmp_path, SCHEMA + message(1, 14, 0, 1, sender=1) + message(2, 16, 0, 0) + message(3, 15, 1, 0))
    assert checked(READER, path).scoped_out == 2
    out = checked(READER, path, context(owner=["+77010000009"]))
    assert (out.kept, out.scoped_out) == (0, 3)


def test_who_added_the_owner_and_the_owners_number(tmp_path: Path) -> None:
    out = read(
        tmp_path, message(1, 11, 1, 7, sender=1), "INSERT INTO message_system VALUES (1, 12);",
        "INSERT INTO message_system_chat_participant VALUES (1, 7);", "INSERT INTO message_system_group VALUES (1, 1);",
        message(2, 11, 1, 7, sender=1, at=1), "INSERT INTO message_system VALUES (2, 12);",
        "INSERT INTO message_system_chat_participant VALUES (2, 2);", message(3, 15, 0, 0),
        message(4, 11, 1, 7, sender=7, at=1), "INSERT INTO message_system VALUES (4, 20);", message(5, 11, 1, 7),
    )  # fmt: skip
    (row,) = out.event_rows
    assert (row["kind"], row["direction"], row["identifier"], row["directed"], row["tags"], row["size"]) == (
        "other", "in", "+77010000001", "yes", "added", None,
    )  # fmt: skip
    assert out.owners[0] == "+77010000009"  # and the chat with that number is the owner's own
    assert out.scoped_out == 4


def test_blocks(tmp_path: Path) -> None:
    out = read(
        tmp_path, *(message(i, 10, 1, 7, at=i) for i in (1, 2)), message(3, 10, 1, 7, text="true"), message(4, 10, 1, 7),
        *(f"INSERT INTO message_system VALUES ({i}, 58);" for i in (1, 2, 3, 4)),
        "INSERT INTO message_system_block_contact VALUES (1, 1), (2, 0);",
    )  # fmt: skip
    assert facts(out.event_rows, "kind", "direction", "actor", "identifier", "local_time") == [
        ("block", "out", "owner", "+77010000001", (BASE + 1000) * US),
        ("unblock", "out", "owner", "+77010000001", (BASE + 2000) * US),
        ("block", "out", "owner", "+77010000001", BASE * US),
    ]
    assert [r[0] for r in out.rejects] == [4]


def test_a_changed_number_is_listed_and_no_act(tmp_path: Path) -> None:
    out = read(tmp_path, message(1, 10, 1, 7), "INSERT INTO message_system VALUES (1, 28);",
               "INSERT INTO message_system_number_change VALUES (1, 1, 2);")  # fmt: skip
    assert facts(out.listed_rows, "list", "identifier", "tags", "local_time", "zone_basis") == [
        ("other", "+77010000002", "number_change from=+77010000001", BASE * US, "utc")
    ]
    assert out.event_rows == []


def test_shared_places(tmp_path: Path) -> None:
    out = read(
        tmp_path, message(1, 10, 0, 5), message(2, 10, 1, 16), message(3, 11, 0, 5, sender=2), message(4, 10, 0, 5),
        message(5, 10, 0, 85),
        f"INSERT INTO message_location VALUES (1, 43.25, 76.9, '{SECRET}'), (2, 43.0, 76.0, NULL), (3, 1, 2, NULL), "
        "(4, 0, 0, NULL), (5, 3, 4, NULL);",
    )  # fmt: skip
    assert facts(out.position_rows, "n", "sub", "subject", "identifier", "lat", "lon", "tags") == [
        (1, 2, "contact", "+77010000001", 43.25, 76.9, "venue"),
        (2, 2, "owner", None, 43.0, 76.0, "live"),
        (3, 2, "contact", "+77010000002", 1.0, 2.0, None),
    ]
    assert "1 shared locations without a usable point" in out.notes


def test_calls(tmp_path: Path) -> None:
    out = read(
        tmp_path, call(1, 1, 0, 5, seconds=61), call(2, 1, 0, 2), call(3, 1, 1, 2, video=1), call(4, 1, 0, 4, dnd=1),
        call(5, 1, 0, 9), call(6, 2, 0, 2, group=3), call(7, 1, 1, 3), call(8, 1, 7, 5), call(9, 5, 0, 0),
    )  # fmt: skip
    assert facts(out.event_rows, "n", "direction", "identifier", "thread_kind", "answered", "duration_s", "tags") == [
        (1, "in", "+77010000001", "direct", True, 61, "voice"),
        (2, "in", "+77010000001", "direct", False, None, "missed voice"),
        (3, "out", "+77010000001", "direct", False, None, "video"),
        (4, "in", "+77010000001", "direct", False, None, "missed voice dnd"),
        (5, "in", "+77010000001", "direct", None, None, "voice"),
        (6, "in", "+77010000002", "group", False, None, "missed voice"),
        (7, "out", "+77010000001", "direct", False, None, "voice"),
        (9, "in", "whatsapp:lid:11223344556677", "direct", False, None, "missed voice"),
    ]
    assert [r[:2] for r in out.rejects] == [(8, "sql:call_log/8")]


def test_a_call_counts_once(tmp_path: Path) -> None:
    out = read(
        tmp_path,
        call(1, 1, 0, 5, seconds=5), call(2, 1, 0, 2, at=100, key="'call:ABC'"), call(3, 1, 0, 2, at=200), call(4, 1, 0, 2, at=202),
        message(1, 10, 0, 90, at=50), "INSERT INTO message_call_log VALUES (1, 1);",  # linked
        message(2, 10, 0, 10, at=500, key="ABC"),  # by its key
        message(3, 10, 0, 10, at=201, text="video"), message(4, 10, 0, 90, at=201), message(5, 10, 0, 10, at=201, text="video"),
        message(6, 10, 1, 90, at=201), message(7, 10, 0, 10, at=900, text="audio"),
    )  # fmt: skip
    assert out.scoped_out == 4
    assert facts(out.event_rows[4:], "record", "direction", "answered", "tags") == [
        ("sql:message/5", "in", False, "missed video"),
        ("sql:message/6", "out", None, None),
        ("sql:message/7", "in", False, "missed voice"),
    ]


def test_a_call_whose_row_in_the_log_is_bad_is_taken_from_the_chat(tmp_path: Path) -> None:
    out = read(tmp_path, "INSERT INTO call_log VALUES (1,1,0,'call:K',0,0,0,2,0,0,0);", message(1, 10, 0, 10, key="K"),
               "INSERT INTO message_call_log VALUES (1, 1);")  # fmt: skip
    assert [r[0] for r in out.rejects] == [1]
    assert facts(out.event_rows, "record", "kind", "tags") == [("sql:message/1", "call", "missed")]


def test_reactions(tmp_path: Path) -> None:
    rows = [(1, 10, 1, 0, -1, 56, "x"), (2, 10, 1, 1, -1, 56, "x"), (3, 11, 2, 0, 1, 56, "x"), (4, 11, 3, 0, 1, 56, "x"),
            (5, 10, 1, 0, -1, 67, "x"), (6, 10, 1, 0, -1, 56, ""), (7, 99, 1, 0, -1, 56, "x"), (8, 14, 1, 0, 1, 56, "x")]  # fmt: skip
    script = "".join(
        f"INSERT INTO message_add_on VALUES ({i},{chat},{parent},{mine},{sender},{BASE + i},{kind});"
        f"INSERT INTO message_add_on_reaction VALUES ({i},'{emoji}',{BASE + i});"
        for i, chat, parent, mine, sender, kind, emoji in rows
    )
    out = read(tmp_path, message(1, 10, 1, 0), message(2, 11, 1, 0), message(3, 11, 0, 0, sender=2), script)
    found = [r for r in out.event_rows if r["kind"] == "mention"]
    assert facts(found, "record", "direction", "identifier", "directed", "tags") == [
        ("sql:message_add_on/1", "in", "+77010000001", "yes", "reaction"),
        ("sql:message_add_on/3", "in", "+77010000001", "yes", "reaction"),
        ("sql:message_add_on/4", "in", "+77010000001", "no", "reaction"),
    ]
    assert (out.scoped_out, [r[1] for r in out.rejects]) == (4, ["sql:message_add_on/7"])


def test_old_and_new_columns_may_be_missing(tmp_path: Path) -> None:
    script = """CREATE TABLE chat (_id INTEGER PRIMARY KEY, jid_row_id INTEGER); CREATE TABLE jid (_id INTEGER PRIMARY KEY, raw_string TEXT);
    CREATE TABLE message (_id INTEGER PRIMARY KEY, chat_row_id INTEGER, from_me INTEGER, timestamp INTEGER, message_type INTEGER);
    INSERT INTO jid VALUES (1, '77010000001@s.whatsapp.net'); INSERT INTO chat VALUES (1, 1);
    INSERT INTO message VALUES (1, 1, 0, 1760000000000, 0);"""
    path = database(tmp_path, script)
    assert known(path) == "whatsapp-android"
    (row,) = checked(READER, path).event_rows
    assert (row["identifier"], row["size"]) == ("+77010000001", None)


def test_a_view_in_the_place_of_a_table(tmp_path: Path) -> None:
    script = """CREATE TABLE chat (_id INTEGER PRIMARY KEY, jid_row_id INTEGER); CREATE TABLE jid (_id INTEGER PRIMARY KEY, raw_string TEXT);
    CREATE VIEW message AS SELECT 1 AS _id, 1 AS chat_row_id, 1 AS from_me, 1 AS timestamp, 0 AS message_type;"""
    path = database(tmp_path, script)
    assert known(path) == "whatsapp-android"
    with pytest.raises(Unreadable, match="view"):
        checked(READER, path)


def test_cut_and_doubled(tmp_path: Path) -> None:
    statements = [message(i, 10, i % 2, 0, at=i) for i in range(1, 60)] + [
        call(i, 1, 0, 5, at=i, seconds=3) for i in range(1, 30)
    ]
    path = database(tmp_path, SCHEMA + "".join(statements))
    full = checked(READER, path)
    cut_everywhere(READER, path, full)
    again = checked(READER, path.read_bytes())
    assert again.event_rows == full.event_rows


values = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=6), st.binary(max_size=6),
    st.sampled_from([0, 1, 5, 7, 10, 15, 56, 58, 90, BASE]),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[values] * 7), max_size=6), st.lists(st.tuples(*[values] * 8), max_size=6))
def test_whatever_stands_there_is_conserved(tmp_path: Path, messages: list[tuple], calls: list[tuple]) -> None:  # type: ignore[type-arg]
    path = database(tmp_path, SCHEMA.replace("NOT NULL", ""))
    db = sqlite3.connect(path)
    for i, (chat, mine, sender, status, at, kind, text) in enumerate(messages, 1):
        db.execute("INSERT INTO message VALUES (?,?,?,'k',?,?,?,?,?)", (i, chat, mine, sender, status, at, kind, text))
        db.execute("INSERT INTO message_system VALUES (?, ?)", (i, kind if kind is not None else 58))
        db.execute("INSERT INTO message_location VALUES (?, ?, ?, NULL)", (i, sender, status))
        db.execute("INSERT INTO message_add_on VALUES (?,?,?,?,?,?,56)", (i, chat, i, mine, sender, at))
    for i, (jid, mine, key, at, video, seconds, result, group) in enumerate(calls, 1):
        db.execute(
            "INSERT INTO call_log VALUES (?,?,?,?,?,?,?,?,?,0,0)",
            (i, jid, mine, key, at, video, seconds, result, group),
        )
    db.commit()
    db.close()
    checked(READER, path)


# -- the older kind

OLD = """CREATE TABLE messages (_id INTEGER PRIMARY KEY AUTOINCREMENT, key_remote_jid TEXT NOT NULL, key_from_me INTEGER, key_id TEXT NOT NULL,
    status INTEGER, data TEXT, timestamp INTEGER, media_wa_type TEXT, media_size INTEGER, media_mime_type TEXT, media_caption TEXT,
    media_name TEXT, latitude REAL, longitude REAL, remote_resource TEXT, edit_version INTEGER);
CREATE TABLE chat_list (_id INTEGER PRIMARY KEY, key_remote_jid TEXT);
"""
ONE = "77010000001@s.whatsapp.net"
GROUP = "77010000001-1500000000@g.us"


def old(ident: int, jid: str, mine: int, kind: str, *, status: int = 0, data: str | None = SECRET, size: int = 0, lat: float = 0.0,
        sender: str | None = None, version: int = 0, caption: str | None = None, mime: str | None = None, at: int = 0) -> str:  # fmt: skip
    def q(v: str | None) -> str:
        return "NULL" if v is None else f"'{v}'"

    return (
        f"INSERT INTO messages VALUES ({ident},'{jid}',{mine},'K{ident}',{status},{q(data)},{BASE + at * 1000},'{kind}',{size},{q(mime)},"
        f"{q(caption)},NULL,{lat},{lat},{q(sender)},{version});"
    )


def test_the_older_table(tmp_path: Path) -> None:
    script = OLD + "".join(
        [
            old(1, ONE, 0, "0"), old(2, ONE, 1, "1", status=13, data=None, caption="abc"), old(3, GROUP, 0, "0", sender="77010000002@s.whatsapp.net"),
            old(4, ONE, 0, "5", lat=43.0), old(5, ONE, 0, "0", status=6, size=19), old(6, ONE, 0, "0", status=6, size=58, data="true"),
            old(7, ONE, 0, "0", status=6, size=58, data="false"), old(8, ONE, 0, "10", data=None, caption="video"),
            old(9, ONE, 1, "0", version=7), old(10, "status@broadcast", 0, "1"), old(11, "-1", 0, "0", status=-1), old(12, ONE, 0, "999"),
            old(13, ONE, 3, "0"), old(14, ONE, 0, "103", mime="image/png"), old(15, ONE, 0, "36"), old(16, ONE, 0, "0", status=6, size=58),
        ]
    )  # fmt: skip
    path = database(tmp_path, script)
    assert known(path) == "whatsapp-android-legacy"
    out = checked(LEGACY, path)
    opened(LEGACY, path, out)
    assert facts(out.event_rows, "n", "kind", "direction", "identifier", "attachment", "size", "tags") == [
        (1, "message", "in", "+77010000001", "none", len(SECRET), None),
        (2, "message", "out", "+77010000001", "image", 3, None),
        (3, "message", "in", "+77010000002", "none", len(SECRET), None),
        (4, "message", "in", "+77010000001", "location", None, None),
        (6, "block", "out", "+77010000001", None, None, None),
        (7, "unblock", "out", "+77010000001", None, None, None),
        (8, "call", "in", "+77010000001", None, None, "missed video"),
        (9, "message", "out", "+77010000001", "deleted", None, None),
        (14, "message", "in", "+77010000001", "image", None, None),
    ]
    assert facts(out.position_rows, "n", "lat", "subject") == [(4, 43.0, "contact")]
    assert [n for n, _, _ in out.rejects] == [12, 13, 16]
    assert out.scoped_out == 4
    cut_everywhere(LEGACY, path, out)


def test_which_of_the_two_tables_is_read(tmp_path: Path) -> None:
    both = SCHEMA + OLD + old(1, ONE, 0, "0")
    assert known(database(tmp_path, both)) == "whatsapp-android-legacy"
    moved = database(tmp_path, both + message(1, 10, 0, 0))
    assert known(moved) == "whatsapp-android"
    assert any("older table" in n for n in checked(READER, moved).notes)
    with_calls = database(tmp_path, both + call(1, 1, 0, 2) + old(2, ONE, 0, "10"))
    out = checked(LEGACY, with_calls)
    assert facts(out.event_rows, "kind", "record") == [("call", "sql:call_log/1"), ("message", "sql:messages/1")]
    assert out.scoped_out == 1  # the same call in the chat


# -- wa.db


def test_the_address_book(tmp_path: Path) -> None:
    script = f"""CREATE TABLE wa_contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT, jid TEXT NOT NULL, status TEXT, number TEXT, display_name TEXT,
        given_name TEXT, family_name TEXT, wa_name TEXT, is_spam_reported INTEGER);
    CREATE TABLE wa_block_list (jid TEXT NOT NULL);
    CREATE TABLE wa_vnames (_id INTEGER PRIMARY KEY AUTOINCREMENT, jid TEXT NOT NULL, verified_name TEXT NOT NULL);
    INSERT INTO wa_contacts VALUES (1, '{ONE}', '{SECRET}', '+77010000001', 'Work', NULL, NULL, NULL, 0),
        (2, '77010000002@s.whatsapp.net', NULL, NULL, NULL, NULL, NULL, 'He', 1), (3, '1-2@g.us', NULL, NULL, 'G', NULL, NULL, NULL, 0),
        (4, '55@lid', NULL, NULL, NULL, 'A', 'B', NULL, 0), (5, '77010000003@s.whatsapp.net', NULL, NULL, NULL, NULL, NULL, NULL, 0);
    INSERT INTO wa_block_list VALUES ('77010000002@s.whatsapp.net'), ('x@g.us');
    INSERT INTO wa_vnames VALUES (1, '77010000003@s.whatsapp.net', 'Shop');"""
    path = database(tmp_path, script)
    assert known(path) == "whatsapp-contacts"
    out = checked(CONTACTS, path)
    opened(CONTACTS, path, out)
    assert facts(out.listed_rows, "n", "sub", "list", "identifier", "label", "tags") == [
        (1, 1, "blocked", "+77010000002", None, None),
        (3, 1, "address_book", "+77010000001", "Work", None),
        (4, 1, "other", "+77010000002", "He", "push_name"),
        (4, 2, "reported", "+77010000002", None, None),
        (6, 1, "address_book", "whatsapp:lid:55", "A B", None),
        (8, 1, "other", "+77010000003", "Shop", "business_name"),
    ]
    assert ([n for n, _, _ in out.rejects], out.scoped_out) == ([2], 2)
    cut_everywhere(CONTACTS, path, out)


# -- real samples


def _sample(tmp_path: Path, name: str) -> Path:
    return database(tmp_path, sample(f"whatsapp-android-db/{name}").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "messages", "mine", "system", "first", "last"),
    [
        ("chm-2023-10", 4, 3, 1, 1643607839000, 1693993938000),
        ("chm-2026-01", 1, 0, 0, 1761287123000, 1761287123000),
    ],
)
def test_samples(tmp_path: Path, name: str, messages: int, mine: int, system: int, first: int, last: int) -> None:
    path = _sample(tmp_path, f"{name}/msgstore.sql")
    assert known(path, "msgstore.db") == "whatsapp-android"
    out = checked(READER, path)
    opened(READER, path, out)
    assert (out.records, out.kept, out.rejects) == (messages, messages, [])
    # rows of the app itself bear the owner's mark; the one here tells who added her, and counts as coming in
    assert sum(r["direction"] == "out" for r in out.event_rows) == mine - system
    assert sum(r["kind"] == "other" for r in out.event_rows) == system
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (first * US, last * US)


@pytest.mark.parametrize(("name", "contacts", "names"), [("chm-2023-10", 2, 0), ("chm-2026-01", 2, 1)])
def test_samples_of_the_address_book(tmp_path: Path, name: str, contacts: int, names: int) -> None:
    path = _sample(tmp_path, f"{name}/wa.sql")
    assert known(path, "wa.db") == "whatsapp-contacts"
    out = checked(CONTACTS, path)
    assert (out.records, out.kept, out.rejects) == (contacts + names, 1 + names, [])


def test_an_encrypted_backup_is_nobodys(tmp_path: Path) -> None:
    assert known(bytes(range(256)) * 40, "msgstore.db.crypt14") == "unknown"
    with pytest.raises(Unreadable):
        collect(READER, b"SQLite format 3\0" + bytes(5000), "msgstore.db")
