"""What holds for the readers of all chat apps' databases, whatever stands in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.readers import all_readers
from pipelines.readers._chat_rows import mime_attachment, ms_us, number, s_us, usable_point
from pipelines.readers.base import Unreadable
from tests.chat_databases import checked, database, known
from tests.collect import collect, context, head_of
from tests.test_reader_dating import BADOO_SCHEMA, TINDER_SCHEMA
from tests.test_reader_signal import PHONE
from tests.test_reader_signal import SCHEMA as SIGNAL
from tests.test_reader_skype_db import SCHEMA as SKYPE
from tests.test_reader_viber import DATA, IPHONE, MESSAGES, PC
from tests.test_reader_whatsapp_android import OLD
from tests.test_reader_whatsapp_android import SCHEMA as WHATSAPP
from tests.test_reader_whatsapp_ios import BOOK, CALLS
from tests.test_reader_whatsapp_ios import SCHEMA as WHATSAPP_IOS

BASE = 1_760_000_000_000
CASES = {
    "whatsapp-android": (WHATSAPP, ("call_log", "message", "message_add_on", "message_system", "message_location", "jid", "chat")),
    "whatsapp-android-legacy": (OLD, ("messages",)),
    "whatsapp-ios": (WHATSAPP_IOS + CALLS + BOOK, ("ZWACDCALLEVENT", "ZWAMESSAGE", "ZWAMEDIAITEM", "ZWAADDRESSBOOKCONTACT", "ZWABLACKLISTITEM",
                                                   "ZWAAGGREGATECALLEVENT", "ZWACHATSESSION")),
    "viber-android": (DATA + MESSAGES, ("blockednumbers", "calls", "messages", "phonebookcontact", "phonebookdata", "participants_info", "conversations")),
    "viber-ios": (IPHONE, ("ZVIBERMESSAGE", "ZRECENT", "ZRECENTSLINE", "ZABCONTACTNUMBER", "ZCONVERSATION", "ZVIBERLOCATION", "ZATTACHMENT")),
    "viber-desktop": (PC, ("Events", "Messages", "Calls", "Contact", "ChatInfo", "ChatRelation")),
    "signal-android": (PHONE, ("call", "message", "reaction", "recipient", "thread", "attachment")),
    "signal-desktop": (SIGNAL.replace(", callId TEXT GENERATED ALWAYS AS (json_extract(json, '$.callId'))", ""), ("callsHistory", "messages", "conversations")),
    "skype-db": (SKYPE, ("Calls", "CallMembers", "Contacts", "Messages", "SMSes", "Conversations", "Chats")),
    "tinder-android": (TINDER_SCHEMA, ("match", "message")),
    "badoo-android": (BADOO_SCHEMA, ("conversation_info", "message")),
}  # fmt: skip
value = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.sampled_from([0, 1, 2, 3, 5, 10, 20, 23, 56, 58, 61, 90, BASE, BASE // 1000, 780_000_000, 780_000_000.5, 43.5,
                     "+77010000001", "77010000001@s.whatsapp.net", "5@lid", "incoming", "outgoing", "Incoming", "conv-1", "TEXT",
                     '{"reactions":[{"fromId":1,"timestamp":1}],"attachments":[{}]}', "received", "missed", "me.own", "one"]),
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_whatever_stands_there_is_conserved(tmp_path: Path, name: str, data: st.DataObject) -> None:
    schema, tables = CASES[name]
    path = database(tmp_path, schema.replace("NOT NULL", ""), "hostile.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    db.execute("PRAGMA journal_mode = OFF")
    for table in tables:
        columns = [c[1].decode() for c in db.execute(f'PRAGMA table_xinfo("{table}")') if c[6] == 0]
        for _ in range(data.draw(st.integers(0, 4))):
            row = [data.draw(value) for _ in columns]
            marks = ",".join("?" * len(columns))
            names = ",".join(f'"{c}"' for c in columns)
            try:
                db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', [_storable(v) for v in row])
            except sqlite3.Error:
                continue  # not even SQLite takes it
    db.close()
    try:
        checked(all_readers()[name], path)
    except Unreadable as error:
        assert "account" in str(error)


def _storable(found: Any) -> Any:
    return found.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if isinstance(found, str) else found


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_empty_database_is_read_and_says_so(tmp_path: Path, name: str) -> None:
    schema, _ = CASES[name]
    script = ";".join(s for s in schema.split(";") if "CREATE" in s or "Accounts VALUES" in s) + ";"
    path = database(tmp_path, script)
    out = checked(all_readers()[name], path)
    assert (out.event_rows, out.rejects) == ([], [])
    assert out.notes


@pytest.mark.parametrize("name", sorted(CASES))
def test_two_readings_are_equal_and_the_order_of_the_rows_in_the_file_does_not_matter(
    tmp_path: Path, name: str
) -> None:
    schema, tables = CASES[name]
    one = database(tmp_path, schema, "one.db")
    two = database(tmp_path, schema, "two.db")
    db = sqlite3.connect(two)
    db.execute("VACUUM")
    db.close()
    reader = all_readers()[name]
    first, second = collect(reader, one, "x"), collect(reader, two.read_bytes(), "x")
    assert (first.event_rows, first.listed_rows, first.rejects) == (
        second.event_rows,
        second.listed_rows,
        second.rejects,
    )
    assert known(one) == (name if name != "viber-android" else "viber-android")
    assert tables


def test_nobody_else_claims_them(tmp_path: Path) -> None:
    for name, (schema, _) in CASES.items():
        path = database(tmp_path, schema)
        claims = [other for other, reader in all_readers().items() if reader.recognise(head_of(path)) is not None]
        assert claims == [name]


def test_numbers_of_a_database() -> None:
    assert [number(v) for v in (1, 1.9, "1", None, float("nan"), float("inf"), b"1")] == [
        1,
        1,
        None,
        None,
        None,
        None,
        None,
    ]
    assert [ms_us(v) for v in (1, 1 << 60, "x")] == [1000, None, None]
    assert [s_us(v) for v in (1, 1 << 60, None)] == [1_000_000, None, None]
    assert [usable_point(*v) for v in ((1, 2), (0, 0), (91, 0), ("1", 2), (float("nan"), 1))] == [
        (1.0, 2.0),
        None,
        None,
        None,
        None,
    ]
    kinds = [mime_attachment(m) for m in ("image/gif", "IMAGE/png", "text/x-vcard", "application/pdf", "", None, 7)]
    assert kinds == ["animation", "image", "contact", "document", "other", "other", "other"]


def test_the_owner_of_the_case_is_known_by_her_number(tmp_path: Path) -> None:
    path = database(tmp_path, WHATSAPP + f"INSERT INTO message VALUES (1,10,1,'k',0,5,{BASE},0,'x');")
    assert collect(all_readers()["whatsapp-android"], path, "x", context(owner=["+77010000001"])).scoped_out == 1
