"""The readers of Tinder's and Badoo's databases on Android."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pipelines.readers.badoo_android import READER as BADOO
from pipelines.readers.base import Unreadable
from pipelines.readers.tinder_android import READER as TINDER
from tests.chat_databases import SECRET, checked, cut_everywhere, database, facts, known, opened
from tests.collect import Collected
from tests.shared_data import sample

BASE = 1_760_000_000_000
TINDER_SCHEMA = f"""CREATE TABLE match_person (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, bio TEXT);
CREATE TABLE match (id TEXT NOT NULL PRIMARY KEY, person_id TEXT, creation_date INTEGER, is_blocked INTEGER);
CREATE TABLE message (client_sequential_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id TEXT, match_id TEXT, to_id TEXT, from_id TEXT, text TEXT,
    sent_date INTEGER, type TEXT, delivery_status TEXT);
INSERT INTO match_person VALUES ('P1', 'Arman', '{SECRET}'), ('P2', 'Dana', '{SECRET}');
INSERT INTO match VALUES ('m1', 'P1', {BASE}, 0), ('m2', 'P3', {BASE + 5}, 1), ('m3', NULL, 0, 0), ('m4', 'P2', 0, 0);
"""


def tinder(tmp_path: Path, *rows: tuple[Any, ...]) -> Collected:
    path = database(tmp_path, TINDER_SCHEMA, "tinder-3.db")
    db = sqlite3.connect(path)
    for i, (sender, to, kind, state, at) in enumerate(rows, 1):
        db.execute(
            "INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?)", (i, f"x{i}", "m", to, sender, SECRET, at, kind, state)
        )
    db.commit()
    db.close()
    assert known(path, "tinder-3.db") == "tinder-android"
    out = checked(TINDER, path)
    opened(TINDER, path, out)
    return out


def test_tinder(tmp_path: Path) -> None:
    out = tinder(
        tmp_path, ("P1", "ME", "UNKNOWN", "SUCCESS", BASE), ("ME", "P1", "UNKNOWN", "SUCCESS", BASE + 1), ("ME", "P2", "GIF", "FAILED", BASE + 2),
        ("P3", "ME", "IMAGE", None, BASE), ("P9", "ME", None, None, BASE), ("P9", "P8", None, None, BASE), ("P1", "P2", None, None, BASE),
        ("P1", "ME", None, None, 0),
    )  # fmt: skip
    assert facts(out.event_rows, "n", "direction", "identifier", "status", "attachment", "size", "thread_id") == [
        (5, "in", "tinder:P1", "unknown", "none", len(SECRET), "tinder:P1"),
        (6, "out", "tinder:P1", "sent", "none", len(SECRET), "tinder:P1"),
        (7, "out", "tinder:P2", "failed", "animation", len(SECRET), "tinder:P2"),
        (8, "in", "tinder:P3", "unknown", "image", len(SECRET), "tinder:P3"),
        (9, "in", "tinder:P9", "unknown", "none", len(SECRET), "tinder:P9"),
    ]
    assert out.owners == ["tinder:ME"]
    assert [r[0] for r in out.rejects] == [10, 11, 12]
    assert facts(out.listed_rows, "list", "identifier", "label", "tags", "local_time") == [
        ("friend", "tinder:P1", "Arman", "match", BASE * 1000), ("friend", "tinder:P3", None, "match is_blocked", (BASE + 5) * 1000),
        ("friend", "tinder:P2", "Dana", "match", None),
    ]  # fmt: skip


def test_two_accounts_are_never_mixed(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="more than one account"):
        tinder(tmp_path, ("P1", "ME", None, None, BASE), ("P1", "ANOTHER", None, None, BASE))


def test_the_sample_of_tinder(tmp_path: Path) -> None:
    path = database(tmp_path, sample("tinder-android-db/chm-tinder-3.sql").read_text(encoding="utf-8"), "tinder-3.db")
    assert known(path) == "tinder-android"
    out = checked(TINDER, path)
    opened(TINDER, path, out)
    assert (out.records, out.kept, out.rejects) == (2, 2, [])
    assert facts(out.event_rows, "direction", "identifier", "local_time") == [
        ("in", "tinder:KEYU1", 1_699_813_000_165_000), ("out", "tinder:KEYU1", 1_699_812_983_158_000),
    ]  # fmt: skip


BADOO_SCHEMA = """CREATE TABLE conversation_info (user_id text primary key, user_name text, user_deleted boolean, conversation_type text, encrypted_user_id text);
CREATE TABLE message (_id integer primary key autoincrement, id text, conversation_id text, sender_id text, recipient_id text, created_timestamp int,
    status text, payload text, send_error_type string, is_incoming boolean, payload_type text);
INSERT INTO conversation_info VALUES ('1', 'Arman', 0, 'User', 'enc1'), ('2', NULL, 1, 'User', 'enc2'), ('3', 'H', 0, 'Hive', 'enc3');
"""


def test_badoo(tmp_path: Path) -> None:
    path = database(tmp_path, BADOO_SCHEMA, "ChatComDatabase")
    db = sqlite3.connect(path)
    text = json.dumps({"text": SECRET, "type": "TEXT"})
    rows = [
        ("1", "enc1", 1, "TEXT", "ON_SERVER", text, None, BASE), ("1", "me", 0, "TEXT", "ON_SERVER", text, None, BASE), ("1", "me", 0, "AUDIO", "X", "{}", "err", BASE),
        ("1", "enc1", 1, "TEXT", "", json.dumps({"text": SECRET, "type": "SUBSTITUTE"}), None, BASE), ("1", "enc1", 1, "TEXT", "", "{broken", None, BASE),
        ("3", "enc9", 1, "TEXT", "", text, None, BASE), ("1", "enc1", 1, "GIFT", "", "{}", None, BASE), ("1", "enc1", 1, "REACTION", "", "{}", None, BASE),
        ("1", "me", 0, "REACTION", "", "{}", None, BASE), ("1", "enc1", 1, "NEW_THING", "", "{}", None, BASE), ("1", "enc1", 7, "TEXT", "", text, None, BASE),
        ("", "enc1", 1, "TEXT", "", text, None, BASE), ("1", "enc1", 1, "TEXT", "", text, None, 0),
        ("1", "me", 0, "TEXT", "ON_SERVER", json.dumps({"text": "abc", "type": "SMILE"}), None, BASE),
    ]  # fmt: skip
    for i, (chat, sender, incoming, kind, state, payload, failed, at) in enumerate(rows, 1):
        db.execute(
            "INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (i, str(i), chat, sender, "x", at, state, payload, failed, incoming, kind),
        )
    db.commit()
    db.close()
    assert known(path, "ChatComDatabase") == "badoo-android"
    out = checked(BADOO, path)
    opened(BADOO, path, out)
    assert facts(
        out.event_rows,
        "record",
        "kind",
        "direction",
        "identifier",
        "thread_kind",
        "status",
        "attachment",
        "size",
        "tags",
    ) == [
        ("sql:message/1", "message", "in", "badoo:1", "direct", "unknown", "none", len(SECRET), None),
        ("sql:message/2", "message", "out", "badoo:1", "direct", "sent", "none", len(SECRET), None),
        ("sql:message/3", "message", "out", "badoo:1", "direct", "failed", "voice", None, None),
        ("sql:message/5", "message", "in", "badoo:1", "direct", "unknown", "none", None, None),
        ("sql:message/6", "message", "in", "badoo:enc:enc9", "group", "unknown", "none", len(SECRET), None),
        ("sql:message/7", "gift", "in", "badoo:1", "direct", "unknown", "other", None, None),
        ("sql:message/8", "mention", "in", "badoo:1", "direct", "unknown", "other", None, None),
        ("sql:message/14", "message", "out", "badoo:1", "direct", "sent", "none", 3, "automatic"),
    ]
    assert facts(out.listed_rows, "identifier", "label", "tags") == [
        ("badoo:1", "Arman", None),
        ("badoo:2", None, "account_deleted"),
    ]
    assert ([r[1] for r in out.rejects], out.scoped_out) == ([f"sql:message/{i}" for i in (10, 11, 12, 13)], 3)
    cut_everywhere(BADOO, path, out)


def test_the_sample_of_badoo(tmp_path: Path) -> None:
    found = sample("badoo-android-db/chm-badoo-2026-03-ChatComDatabase.sql")
    path = database(tmp_path, found.read_text(encoding="utf-8"), "ChatComDatabase")
    assert known(path) == "badoo-android"
    out = checked(BADOO, path)
    opened(BADOO, path, out)
    # one conversation; its one message is a line that the app shows in the place of a message
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (2, 1, 1, [])
