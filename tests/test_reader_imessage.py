"""The reader of Apple's Messages: real and public test databases, and built ones for every generation and branch."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers import _sqlite, imessage, recognise
from pipelines.readers._cocoa import cocoa_us
from pipelines.readers._typedstream import attributed_text, characters
from pipelines.readers.base import Unreadable
from pipelines.readers.imessage import READER, kind_of_media, own_address, thread_name
from tests.apple_reading import COCOA, OWN, SECRET, UNIX, A, B, C, columns, damaged, database, read, refused
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import SHARED, sample

NS = COCOA * 10**9
MODERN = """
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, id TEXT NOT NULL, country TEXT, service TEXT);
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, style INTEGER, chat_identifier TEXT,
 service_name TEXT, room_name TEXT, account_login TEXT, display_name TEXT, is_filtered INTEGER);
CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, text TEXT, handle_id INTEGER DEFAULT 0,
 subject TEXT, attributedBody BLOB, service TEXT, account TEXT, error INTEGER DEFAULT 0, date INTEGER, date_read INTEGER,
 date_delivered INTEGER, is_delivered INTEGER DEFAULT 0, is_from_me INTEGER DEFAULT 0, is_empty INTEGER DEFAULT 0,
 is_auto_reply INTEGER DEFAULT 0, is_sent INTEGER DEFAULT 0, is_system_message INTEGER DEFAULT 0,
 is_service_message INTEGER DEFAULT 0, cache_roomnames TEXT, is_audio_message INTEGER DEFAULT 0, item_type INTEGER DEFAULT 0,
 other_handle INTEGER DEFAULT 0, group_title TEXT, group_action_type INTEGER DEFAULT 0, associated_message_guid TEXT,
 associated_message_type INTEGER DEFAULT 0, balloon_bundle_id TEXT, destination_caller_id TEXT, is_spam INTEGER DEFAULT 0,
 thread_originator_guid TEXT, date_retracted INTEGER, date_edited INTEGER, schedule_type INTEGER DEFAULT 0);
CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, filename TEXT, uti TEXT, mime_type TEXT,
 transfer_name TEXT, total_bytes INTEGER, is_sticker INTEGER DEFAULT 0, hide_attachment INTEGER DEFAULT 0);
CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id));
CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER);
CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER);
CREATE TABLE deleted_messages (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT);
CREATE TABLE chat_recoverable_message_join (chat_id INTEGER, message_id INTEGER, delete_date INTEGER);
"""
#: chats: 1 with A, 2 with a mail address, 3 a group of A, B, C, 4 the owner with herself
BASE: dict[str, list[dict[str, Any]]] = {
    "handle": [{"id": A}, {"id": "k@example.com"}, {"id": B}, {"id": C}, {"id": OWN}],
    "chat": [
        {"guid": f"iMessage;-;{A}", "style": 45, "chat_identifier": A, "service_name": "iMessage"},
        {"guid": "SMS;-;k@example.com", "style": 45, "chat_identifier": "k@example.com", "service_name": "SMS"},
        {
            "guid": "iMessage;+;chat77",
            "style": 43,
            "chat_identifier": "chat77",
            "room_name": "chat77",
            "display_name": SECRET,
        },
        {"guid": f"iMessage;-;{OWN}", "style": 45, "chat_identifier": OWN},
    ],
    "chat_handle_join": [{"chat_id": c, "handle_id": h} for c, h in ((1, 1), (2, 2), (3, 1), (3, 3), (3, 4), (4, 5))],
}


def stream(text: str, extra: bytes = b"") -> bytes:
    """Write an attributed string as Messages archives it."""
    raw = text.encode()
    n = len(raw)
    size = (
        bytes([n])
        if n < 0x80
        else b"\x81" + n.to_bytes(2, "little")
        if n < 0x10000
        else b"\x82" + n.to_bytes(4, "little")
    )
    head = b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92"
    return head + b"\x84\x84\x84\x08NSString\x01\x94\x84\x01+" + size + raw + b"\x86\x84\x02iI\x01" + extra


def message(chat: int | None = 1, **more: Any) -> dict[str, Any]:
    mine = more.get("is_from_me", 0)
    handle = {1: 1, 2: 2, 3: 1, 4: 5}.get(chat or 0, 1)
    return {
        "_chats": [] if chat is None else [chat], "text": SECRET, "subject": SECRET, "handle_id": 0 if mine else handle,
        "service": "iMessage", "account": f"p:{OWN}", "destination_caller_id": OWN, "date": NS, "is_sent": mine,
        "group_title": None, **more,
    }  # fmt: skip


def build(path: Path, *messages: dict[str, Any], **tables: list[dict[str, Any]]) -> bytes:
    rows = {**BASE, **tables}
    made, joined = [], []
    for k, entry in enumerate(messages, 1):
        entry = {"guid": f"G{k}", **entry}
        joined += [{"chat_id": c, "message_id": k} for c in entry.pop("_chats")]
        made.append(entry)
    rows = {**rows, "message": made, "chat_message_join": joined}
    return database(path / "sms.db", MODERN, rows)


def run(path: Path, *messages: dict[str, Any], **tables: list[dict[str, Any]]) -> Collected:
    return read(READER, build(path, *messages, **tables), "sms.db")


# -- real and public databases


def test_the_database_of_plaso() -> None:
    out = read(READER, sample("imessage-db/plaso-imessage_chat.db"))
    assert (out.records, out.kept, out.rejects) == (10, 10, [])
    assert sum(r["direction"] == "out" for r in out.event_rows) == 5
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (
        1448215786 * 10**6,
        1449084293 * 10**6,
    )  # 2015-11-22T18:09:46Z, 2015-12-02T19:24:53Z
    assert out.owners == ["mail:ken.doh@icloud.com"]
    assert {c["complete"] for c in out.covers} == {"no"}
    assert {
        "the table deleted_messages names 226 messages that were deleted and are not in the file",
        "236 messages were once in the database and 10 are: the others were deleted or replaced",
        "225 messages are named by a chat and are no longer there",
    } <= set(out.notes)


def test_the_test_database_of_macos_ts() -> None:
    out = read(READER, sample("ios-db/chat.db"), ctx=context("US"))
    assert (out.records, out.kept) == (15, 15)
    assert sum(r["direction"] == "out" for r in out.event_rows) == 6
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (1747303200 * 10**6, 1749981600 * 10**6)  # 2025-05-15T10Z, 2025-06-15T10Z
    assert len({r["identifier"] for r in out.event_rows} - {None}) == 3
    # rows of the owner name no handle: the other side is that of the chat
    assert all(r["identifier"] is not None for r in out.event_rows if r["thread_kind"] == "direct")
    assert {r["identifier"] for r in out.event_rows if r["thread_kind"] == "group" and r["direction"] == "out"} == {
        None
    }


def test_the_length_of_the_archived_text_is_that_of_the_text() -> None:
    db = sqlite3.connect(f"{sample('imessage-db/plaso-imessage_chat.db').as_uri()}?mode=ro&immutable=1", uri=True)
    pairs = db.execute("SELECT text, attributedBody FROM message").fetchall()
    db.close()
    same = [characters(attributed_text(body)) == len(text) for text, body in pairs]
    assert same.count(True) == 8  # two texts of the sample were replaced, their archives not
    assert all(attributed_text(body) is not None for _, body in pairs)


# -- an ordinary message


def test_a_message(tmp_path: Path) -> None:
    out = run(tmp_path, message(date=NS + 123_456_789), message(is_from_me=1, date_delivered=NS))
    first, second = out.event_rows
    assert {k: v for k, v in first.items() if v is not None and k not in ("sub", "how")} == {
        "n": 1, "record": "sql:message/1", "local_time": UNIX * 10**6 + 123_456, "ts_precision": "us", "zone_basis": "utc",
        "channel": "imessage", "kind": "message", "direction": "in", "status": "delivered", "identifier": A,
        "identifier_raw": A, "identifier_kind": "phone", "actor": "contact", "owner_line": OWN, "thread_id": A,
        "thread_kind": "direct", "directed": "yes", "size": len(SECRET), "attachment": "none",
    }  # fmt: skip
    assert (second["direction"], second["identifier"], second["actor"], second["directed"], second["status"]) == (
        "out", A, "owner", "no", "delivered",
    )  # fmt: skip
    assert out.owners == [OWN]


@pytest.mark.parametrize(
    ("value", "us", "precision"),
    [
        (COCOA, UNIX * 10**6, "s"), (NS, UNIX * 10**6, "s"), (NS + 1, UNIX * 10**6, "s"), (NS + 999, UNIX * 10**6, "s"),
        (NS + 1000, UNIX * 10**6 + 1, "us"), (COCOA + 0.5, UNIX * 10**6 + 500_000, "us"), (float(COCOA), UNIX * 10**6, "s"),
        (float(NS), UNIX * 10**6, "s"), (10**12, None, "s"), (None, None, "s"), ("1", None, "s"), (b"1", None, "s"),
        (float("nan"), None, "s"), (float("-inf"), None, "s"), (1.5e12, None, "s"), (-1, 978_307_199_000_000, "s"),
        (True, None, "s"), (-0.5, 978_307_199_500_000, "us"),
    ],
)  # fmt: skip
def test_apple_times(value: object, us: int | None, precision: str) -> None:
    assert cocoa_us(value) == (us, precision)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"date": None}, "no time"),
        ({"date": 0}, "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ({"date": 10**12}, "time is not readable"), ({"date": "x"}, "time is not readable"),
        ({"date": 1_200_000_000}, "time lies in or after 2035"), ({"date": -(10**9)}, "time lies before 1990"),
    ],
)  # fmt: skip
def test_no_time(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    out = run(tmp_path, message(), message(**change), message())
    assert out.rejects == [(2, "sql:message/2", reason)]
    assert [r["n"] for r in out.event_rows] == [1, 3]


@pytest.mark.parametrize(
    ("service", "channel"),
    [("iMessage", "imessage"), ("SMS", "sms"), ("RCS", "rcs"), ("iMessageLite", "imessage"), ("SatelliteSMS", "sms"),
     (None, "imessage"), ("Jabber", "other"), ("", "imessage")],
)  # fmt: skip
def test_services(tmp_path: Path, service: str | None, channel: str) -> None:
    assert columns(run(tmp_path, message(service=service)), "channel") == [(channel,)]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"error": 22}, "failed"), ({"is_delivered": 1}, "delivered"), ({}, "sent"), ({"is_sent": 0}, "unknown"),
        ({"is_sent": 0, "date_delivered": NS}, "delivered"), ({"error": 4, "is_delivered": 1}, "failed"),
    ],
)  # fmt: skip
def test_status_of_what_the_owner_wrote(tmp_path: Path, change: dict[str, Any], status: str) -> None:
    assert columns(run(tmp_path, message(is_from_me=1, **change)), "status", "direction") == [(status, "out")]


@pytest.mark.parametrize("mine", [None, 2, "x"])
def test_a_direction_that_is_not_told_stays_open(tmp_path: Path, mine: object) -> None:
    out = run(tmp_path, {**message(), "is_from_me": mine})
    assert columns(out, "direction", "actor", "directed", "status") == [("unknown", "unknown", "unknown", "unknown")]


def test_identifiers(tmp_path: Path) -> None:
    handles = [
        {"id": "8 701 000 00 01"},
        {"id": "K@Example.COM"},
        {"id": "Kaspi"},
        {"id": "7111"},
        {"id": "urn:biz:0a-1"},
        {"id": ""},
    ]
    out = run(tmp_path, *(message(None, handle_id=k) for k in range(1, 8)), handle=handles)
    assert columns(out, "identifier", "identifier_kind") == [
        (A, "phone"), ("mail:K@example.com", "mail"), ("alpha:Kaspi", "alpha"), ("short:7111", "short"),
        ("imessage:urn:biz:0a-1", "app_id"), (None, "none"), (None, "none"),
    ]  # fmt: skip
    assert {r["thread_kind"] for r in out.event_rows} == {"unknown"}  # no chat: not known to be between two
    assert {r["directed"] for r in out.event_rows} == {"unknown"}


def test_names_of_conversations() -> None:
    for guid in ("iMessage;+;chat123", "any;+;5f3c0a9d8e7b6a5f", "SMS;-;77010000001"):
        assert thread_name(guid) == guid
    for guid in (f"AIM;+;{SECRET}", "odd", ""):
        assert thread_name(guid).startswith("chat:") and SECRET not in thread_name(guid)


def test_own_addresses() -> None:
    assert own_address("e:a@b.kz") == "a@b.kz"
    assert own_address("P:+77010000009") == OWN
    assert own_address("E:") is None and own_address(None) is None and own_address(b"p:1") == "1"


# -- chats


def test_groups(tmp_path: Path) -> None:
    out = run(
        tmp_path, message(3, handle_id=3), message(3, is_from_me=1), message(3, handle_id=4, thread_originator_guid="G2"),
        message(3, handle_id=4, thread_originator_guid="G1"),
        message(3, attributedBody=stream("x", b"__kIMMentionConfirmedMention\x86\x92\x84\x98\x98\x0c" + OWN.encode()), text=None),
        message(3, attributedBody=stream("x", b"__kIMMentionConfirmedMention\x86\x92\x84\x98\x98\x0c" + B.encode()), text=None),
    )  # fmt: skip
    assert columns(out, "direction", "identifier", "thread_id", "thread_kind", "participants_n", "directed") == [
        ("in", B, "iMessage;+;chat77", "group", 4, "no"), ("out", None, "iMessage;+;chat77", "group", 4, "no"),
        ("in", C, "iMessage;+;chat77", "group", 4, "yes"), ("in", C, "iMessage;+;chat77", "group", 4, "no"),
        ("in", A, "iMessage;+;chat77", "group", 4, "yes"), ("in", A, "iMessage;+;chat77", "group", 4, "no"),
    ]  # fmt: skip


def test_an_answer_that_was_synchronised_before_its_question(tmp_path: Path) -> None:
    out = run(tmp_path, message(3, thread_originator_guid="G2"), message(3, is_from_me=1))
    assert columns(out, "directed") == [("yes",), ("no",)]


def test_a_room_without_its_chat_is_a_group(tmp_path: Path) -> None:
    out = run(tmp_path, message(None, cache_roomnames="chat99"))
    (row,) = out.event_rows
    assert (row["thread_kind"], row["directed"]) == ("group", "no")
    assert row["thread_id"].startswith("room:") and "chat99" not in row["thread_id"]


def test_kinds_of_chats_without_a_style(tmp_path: Path) -> None:
    chats = [
        {"guid": f"any;-;{A}", "chat_identifier": A}, {"guid": "any;+;chat1"}, {"guid": "odd"}, {"guid": f"SMS;-;{B}"},
    ]  # fmt: skip
    out = run(tmp_path, *(message(k) for k in (1, 2, 3)), message(4, is_from_me=1), chat=chats, chat_handle_join=[])
    assert columns(out, "thread_kind") == [("direct",), ("group",), ("unknown",), ("direct",)]
    assert out.event_rows[3]["identifier"] == B  # from the guid


def test_a_message_in_several_chats_is_one(tmp_path: Path) -> None:
    out = run(tmp_path, {**message(1), "_chats": [1, 3]}, {**message(3, cache_roomnames="chat77"), "_chats": [1, 3]})
    assert columns(out, "thread_kind") == [("direct",), ("group",)]
    assert out.records == 2
    assert "messages that stand in several chats, counted once: 2" in out.notes


def test_a_chat_of_the_owner_with_herself(tmp_path: Path) -> None:
    out = run(tmp_path, message(4, is_from_me=1), message(4))
    assert columns(out, "thread_kind", "direction", "identifier", "directed", "actor") == [
        ("self", "out", None, "no", "owner")
    ]
    assert out.scoped_out == 1
    assert "copies of messages that the owner sent to herself, out of scope: 1" in out.notes


def test_filtered_and_junk_are_marked(tmp_path: Path) -> None:
    chats = [{**BASE["chat"][0], "is_filtered": 1}]
    out = run(tmp_path, message(is_spam=1), message(is_from_me=1), chat=chats)
    assert columns(out, "tags") == [("filtered spam",), (None,)]


# -- what is no ordinary message


@pytest.mark.parametrize("kind", range(2000, 2008))
def test_reactions(tmp_path: Path, kind: int) -> None:
    rows = [message(1, associated_message_type=kind, associated_message_guid="p:0/G2"), message(1, is_from_me=1)]
    rows += [message(3, is_from_me=1)]
    rows += [
        message(3, associated_message_type=kind, associated_message_guid=about)
        for about in ("p:0/G3", "bp:G3", "p:1/X")
    ]
    out = run(tmp_path, *rows, message(1, is_from_me=1, associated_message_type=kind, associated_message_guid="G1"))
    assert columns(out, "kind", "directed", "size", "tags")[0] == ("mention", "yes", None, "tapback")
    assert [r["directed"] for r in out.event_rows[3:6]] == ["yes", "yes", "no"]
    assert (out.event_rows[6]["kind"], out.event_rows[6]["direction"]) == ("mention", "out")


def test_reactions_that_were_taken_back(tmp_path: Path) -> None:
    out = run(
        tmp_path, *(message(associated_message_type=k, associated_message_guid="p:0/G9") for k in range(3000, 3008))
    )
    assert (out.scoped_out, out.event_rows) == (8, [])
    assert "reactions that were taken back, out of scope: 8" in out.notes


def test_system_rows(tmp_path: Path) -> None:
    rows = [message(3, item_type=k, group_title=SECRET) for k in range(2, 8)] + [message(3, is_system_message=1)]
    out = run(tmp_path, *rows, message(3, is_service_message=1))
    assert out.scoped_out == 8
    assert "lines that sharing of a location was started or stopped, out of scope: 1" in out.notes
    assert "system lines of other kinds, out of scope: 3" in out.notes


def test_members_of_a_group(tmp_path: Path) -> None:
    out = run(
        tmp_path, message(3, item_type=1), message(3, item_type=1, other_handle=3), message(3, item_type=1, other_handle=5),
        message(3, item_type=1, other_handle=1), message(3, item_type=1, group_action_type=1),
        message(3, item_type=1, is_from_me=1),
    )  # fmt: skip
    assert columns(out, "n", "kind", "identifier", "directed", "tags") == [
        (1, "other", A, "unknown", "group_add"), (3, "other", A, "yes", "group_add"),
    ]  # fmt: skip
    assert "changes of somebody's number in a group, out of scope: 1" in out.notes


def test_scheduled_and_automatic_messages(tmp_path: Path) -> None:
    out = run(
        tmp_path, message(is_from_me=1, schedule_type=2, is_sent=0), message(is_from_me=1, schedule_type=2),
        message(is_from_me=1, is_auto_reply=1), message(is_auto_reply=1),
    )  # fmt: skip
    assert columns(out, "n", "tags") == [(2, "scheduled"), (4, None)]
    assert out.scoped_out == 2


def test_messages_that_were_taken_back_stay(tmp_path: Path) -> None:
    out = run(tmp_path, message(text=None, date_retracted=NS), message(text=None, is_empty=1))
    assert columns(out, "kind", "attachment", "size") == [("message", "deleted", None)] * 2


def test_deleted_by_the_owner_and_still_there(tmp_path: Path) -> None:
    out = run(
        tmp_path, {**message(1), "_chats": []}, message(1),
        chat_recoverable_message_join=[{"chat_id": 1, "message_id": 1}, {"chat_id": 1, "message_id": 2}],
        deleted_messages=[{"guid": "a"}, {"guid": "b"}],
    )  # fmt: skip
    assert columns(out, "identifier", "thread_kind", "tags") == [(A, "direct", "deleted"), (A, "direct", None)]
    assert "the table deleted_messages names 2 messages that were deleted and are not in the file" in out.notes
    assert {c["complete"] for c in out.covers} == {"no"}


# -- size and attachments


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({"text": "абв 👩"}, 5), ({"text": "\ufffca\ufffc"}, 1), ({"text": None}, None), ({"text": ""}, 0),
        ({"text": None, "attributedBody": stream("сәлем")}, 5), ({"text": "", "attributedBody": stream("x" * 300)}, 300),
        ({"text": None, "attributedBody": stream("x" * 70_000)}, 70_000), ({"text": None, "attributedBody": stream("")}, 0),
        ({"text": None, "attributedBody": stream("\ufffcab")}, 2), ({"text": None, "attributedBody": stream("abc")[:-9]}, None),
        ({"text": None, "attributedBody": b"bplist00"}, None), ({"text": None, "attributedBody": b""}, None),
        ({"text": None, "attributedBody": SECRET}, None), ({"text": "kept", "attributedBody": stream("other")}, 4),
    ],
)  # fmt: skip
def test_sizes(tmp_path: Path, change: dict[str, Any], size: int | None) -> None:
    assert columns(run(tmp_path, message(**change)), "size") == [(size,)]


@given(st.binary(max_size=60), st.integers(0, 140))
def test_damaged_archives_have_no_length(noise: bytes, at: int) -> None:
    whole = stream("some text")
    for raw in (noise, whole[:at], whole[:at] + noise, whole[:at] + noise + whole[at:]):
        found = attributed_text(raw)
        assert found is None or isinstance(found, str)


@pytest.mark.parametrize(
    ("mime", "uti", "sticker", "kind"),
    [
        ("image/jpeg", None, 0, "image"), ("image/gif", None, 0, "animation"), ("video/quicktime", None, 0, "video"),
        ("audio/amr", None, 0, "audio"), ("text/vcard", None, 0, "contact"), ("text/x-vlocation", None, 0, "location"),
        ("application/pdf", None, 0, "document"), (None, "public.heic", 0, "image"), (None, None, 0, "document"),
        ("image/png", None, 1, "sticker"), (None, "com.apple.quicktime-movie", 0, "video"), (None, "com.apple.coreaudio", 0, "audio"),
    ],
)  # fmt: skip
def test_kinds_of_media(mime: str | None, uti: str | None, sticker: int, kind: str) -> None:
    assert kind_of_media(mime, uti, sticker) == kind


def test_attachments(tmp_path: Path) -> None:
    media: list[dict[str, Any]] = [
        {"mime_type": "image/png", "filename": SECRET}, {"mime_type": "audio/x-m4a"}, {"hide_attachment": 1},
        {"mime_type": "image/png"}, {"mime_type": "video/mp4"},
    ]  # fmt: skip
    pairs = [(1, 1), (2, 2), (3, 3), (4, 4), (4, 5), (5, 1), (6, 99)]
    out = run(
        tmp_path, message(text="\ufffc"), message(is_audio_message=1), message(), message(), message(associated_message_type=1000),
        message(),
        message(balloon_bundle_id="com.apple.messages.URLBalloonProvider"),
        message(balloon_bundle_id="x:0:com.apple.PassbookUIService.PeerPaymentMessagesExtension", text="\ufffd"),
        message(balloon_bundle_id="x:0:com.apple.findmy.FindMyMessagesApp", text=None),
        message(balloon_bundle_id="x:0:com.apple.messages.Polls"), message(balloon_bundle_id="x:0:com.some.game"),
        attachment=media, message_attachment_join=[{"message_id": m, "attachment_id": a} for m, a in pairs],
    )  # fmt: skip
    assert columns(out, "attachment", "tags") == [
        ("image", None), ("voice", None), ("none", None), ("image", None), ("sticker", None), ("none", None), ("none", None),
        ("other", "apple_cash"), ("location", None), ("poll", None), ("other", "app"),
    ]  # fmt: skip
    assert (out.event_rows[0]["size"], out.event_rows[7]["size"]) == (0, 0)


# -- iOS up to 5

OLD = """
CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, date INTEGER, text TEXT, flags INTEGER,
 replace INTEGER, group_id INTEGER, is_madrid INTEGER, madrid_handle TEXT, madrid_flags INTEGER, madrid_error INTEGER,
 madrid_attributedBody BLOB, madrid_roomname TEXT, madrid_account TEXT, madrid_date_delivered INTEGER, madrid_type INTEGER);
CREATE TABLE msg_group (ROWID INTEGER PRIMARY KEY, type INTEGER);
CREATE TABLE group_member (ROWID INTEGER PRIMARY KEY, group_id INTEGER, address TEXT, country TEXT);
CREATE TABLE msg_pieces (ROWID INTEGER PRIMARY KEY, message_id INTEGER, content_type TEXT);
"""


def old(**more: Any) -> dict[str, Any]:
    return {"address": A, "date": 1_320_000_000, "text": SECRET, "flags": 2, "group_id": 1, **more}


def apple(**more: Any) -> dict[str, Any]:
    stamp = 1_320_000_000 - 978_307_200
    return {"date": stamp, "text": SECRET, "is_madrid": 1, "madrid_handle": B, "madrid_flags": 12289, "flags": 0,
            "madrid_account": f"p:{OWN}", **more}  # fmt: skip


def test_the_oldest_form(tmp_path: Path) -> None:
    members = [{"group_id": 1, "address": A}, *({"group_id": 2, "address": a} for a in (A, B))]
    rows = [
        old(), old(flags=3), old(flags=33), old(flags=129), old(group_id=2), old(group_id=2, flags=3, address=None),
        old(address=None), apple(), apple(madrid_flags=36869, madrid_date_delivered=1), apple(madrid_flags=36869, madrid_error=3),
        apple(madrid_flags=None), apple(madrid_type=1), apple(text=None, madrid_attributedBody=stream("abc")),
        old(date=0), old(date=None), old(date=5), old(),
    ]  # fmt: skip
    tables = {"message": rows, "group_member": members, "msg_pieces": [{"message_id": 17, "content_type": "image/jpeg"},
                                                                       {"message_id": 1, "content_type": "text/plain"}]}  # fmt: skip
    out = read(READER, database(tmp_path / "sms.db", OLD, tables))
    seen = columns(out, "n", "channel", "direction", "status", "identifier", "thread_kind", "directed", "attachment")
    assert seen == [
        (1, "sms", "in", "delivered", A, "direct", "yes", "none"), (2, "sms", "out", "sent", A, "direct", "no", "none"),
        (3, "sms", "out", "failed", A, "direct", "no", "none"), (4, "sms", "unknown", "unknown", A, "direct", "unknown", "none"),
        (5, "sms", "in", "delivered", A, "group", "no", "none"), (6, "sms", "out", "sent", None, "group", "no", "none"),
        (7, "sms", "in", "delivered", A, "direct", "yes", "none"), (8, "imessage", "in", "delivered", B, "direct", "yes", "none"),
        (9, "imessage", "out", "delivered", B, "direct", "no", "none"), (10, "imessage", "out", "failed", B, "direct", "no", "none"),
        (11, "imessage", "unknown", "unknown", B, "direct", "unknown", "none"),
        (13, "imessage", "in", "delivered", B, "direct", "yes", "none"), (17, "mms", "in", "delivered", A, "direct", "yes", "image"),
    ]  # fmt: skip
    assert {r["local_time"] for r in out.event_rows} == {1_320_000_000 * 10**6}  # both clocks
    assert [(n, reason) for n, _, reason in out.rejects] == [
        (14, "time is zero: no time was recorded"), (15, "no time"), (16, "time is zero: no time was recorded"),
    ]  # fmt: skip
    assert out.scoped_out == 1
    assert out.owners == [OWN]
    assert out.event_rows[11]["size"] == 3
    assert len({r["thread_id"] for r in out.event_rows if r["thread_kind"] == "group"}) == 1


# -- recognition, damage, hostile files, blocks


def test_recognised(tmp_path: Path) -> None:
    for script in (MODERN, OLD):
        claims, verdict = recognise(head_of(database(tmp_path / "x", script)))
        assert (verdict, claims[0][0]) == ("known", "imessage")
    assert READER.recognise(head_of(database(tmp_path / "x", "CREATE TABLE message (guid, is_from_me)"))) is None


def test_no_sample_of_another_format_is_claimed() -> None:
    if not (SHARED / "samples").exists():
        pytest.skip("needs the folder shared/ beside this checkout")
    for path in sorted(p for p in (SHARED / "samples").rglob("*") if p.is_file() and p.stat().st_size < 3_000_000):
        assert (READER.recognise(head_of(path)) is not None) == (path.name in ("chat.db", "plaso-imessage_chat.db")), (
            path
        )


def test_a_view_in_place_of_the_table_is_refused(tmp_path: Path) -> None:
    script = "CREATE TABLE handle (id); CREATE TABLE chat_message_join (a); CREATE VIEW message AS SELECT 1 AS guid, 2 AS date"
    data = database(tmp_path / "x", script)
    assert READER.recognise(head_of(data)) is not None
    refused(READER, data, "message is a view")
    refused(
        READER,
        database(tmp_path / "x", "CREATE TABLE chat_message_join (a); CREATE TABLE message (guid)"),
        "no column date",
    )


def test_tables_that_are_missing(tmp_path: Path) -> None:
    script = "CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid TEXT, date INTEGER, is_from_me INTEGER, handle_id INTEGER)"
    rows = {"message": [{"guid": "a", "date": NS, "is_from_me": 0, "handle_id": 1}]}
    out = read(READER, database(tmp_path / "x", script, rows))
    assert columns(out, "direction", "identifier", "thread_kind", "channel") == [("in", None, "unknown", "other")]


def test_damage(tmp_path: Path) -> None:
    damaged(READER, build(tmp_path, message(), message(3), message(is_from_me=1)), step=599)


def test_a_real_database_that_is_cut() -> None:
    raw = sample("imessage-db/plaso-imessage_chat.db").read_bytes()
    for cut in range(0, len(raw), 40_961):
        try:
            assert collect(READER, raw[:cut]).conserved()
        except Unreadable:
            continue


def test_the_size_of_blocks_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [message(k % 4 + 1, is_from_me=k % 2, date=NS + k if k % 5 else COCOA) for k in range(40)]
    data = build(tmp_path, *rows)
    expected = collect(READER, data)
    for size in (1, 3, 7):
        monkeypatch.setattr(_sqlite, "BLOCK_ROWS", size)
        out = collect(READER, data)
        assert (out.event_rows, out.rejects, out.notes) == (expected.event_rows, expected.rejects, expected.notes)


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imessage, "MAX_OWN", 1)
    monkeypatch.setattr(imessage, "_MAX_MEMO", 1)
    rows = [message(3, is_from_me=1), message(3, is_from_me=1), message(3, thread_originator_guid="G2"), message(1)]
    out = run(tmp_path, *rows)
    assert [r["directed"] for r in out.event_rows] == ["no", "no", "no", "yes"]
    assert any(note.startswith("very many own messages") for note in out.notes)


def test_the_order_of_rows_changes_only_their_numbers(tmp_path: Path) -> None:
    rows = [message(1, date=NS), message(3, date=NS + 10**9, handle_id=3), message(2, date=NS + 2 * 10**9)]
    one, two = run(tmp_path, *rows), run(tmp_path, *reversed(rows))

    def plain(out: Collected) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k not in ("n", "record")} for r in out.event_rows]

    assert plain(one) == plain(two)[::-1]


_ANY = st.none() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=4) | st.binary(max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "_chats": st.lists(st.integers(1, 5), max_size=3, unique=True), "date": st.sampled_from([NS, COCOA]) | _ANY,
                "is_from_me": st.integers(0, 1) | _ANY,
            },
            optional={
                name: st.integers(0, 7) | _ANY
                for name in ("handle_id", "text", "attributedBody", "service", "account", "destination_caller_id", "error",
                             "item_type", "group_action_type", "other_handle", "associated_message_type", "date_retracted",
                             "associated_message_guid", "schedule_type", "is_spam", "balloon_bundle_id", "cache_roomnames",
                             "thread_originator_guid", "is_auto_reply", "is_empty", "is_sent", "is_audio_message")
            },
        ),
        max_size=6,
    )
)  # fmt: skip
def test_every_record_has_one_end(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    out = run(tmp_path_factory.mktemp("h"), *rows)
    assert out.records == len(rows)
