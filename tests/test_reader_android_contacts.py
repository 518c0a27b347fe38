"""The readers of Android's address book and of its list of blocked numbers: lists, never joins."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._android_book import PROFILE_FROM
from pipelines.readers.android_blocked import READER as BLOCKED_READER
from pipelines.readers.android_contacts import READER
from pipelines.readers.base import Unreadable
from tests.android_databases import BLOCKED, BOOK, CALLS_2013, MMSSMS, cuts, database, texts
from tests.collect import Collected, collect, head_of, source_of

A, B = "+77010000001", "+77010000002"
SECRET = "zebra-secret"
ITEM = "vnd.android.cursor.item/"
KINDS = (
    "phone_v2", "email_v2", "name", "note", "vnd.com.whatsapp.profile", "vnd.org.telegram.messenger.android.profile",
    "vnd.org.thoughtcrime.securesms.contact", "vnd.com.viber.voip.viber_number_message", "im", "sip_address",
)  # fmt: skip
PHONE, MAIL, NAME, NOTE, WHATSAPP, TELEGRAM, SIGNAL, VIBER, IM, SIP = range(1, 11)


def book(*facts: dict[str, Any], contacts: Any = None, schema: str = BOOK, **more: Any) -> bytes:
    tables = {
        "mimetypes": [{"mimetype": ITEM + kind} for kind in KINDS],
        "raw_contacts": contacts or [{"display_name": "Dauren Test"}],
        "data": [{"raw_contact_id": 1} | fact for fact in facts],
        **more,
    }
    return database(schema, tables)


def read(*facts: dict[str, Any], **more: Any) -> Collected:
    out = collect(READER, book(*facts, **more))
    assert out.conserved() and SECRET not in texts(out)
    return out


def fact(kind: int, value: Any, **more: Any) -> dict[str, Any]:
    return {"mimetype_id": kind, "data1": value} | more


def test_entries() -> None:
    out = read(
        fact(PHONE, "8 701 000 00 01"), fact(MAIL, "a@Example.org"), fact(NAME, "Dauren Test"), fact(NOTE, SECRET),
        fact(WHATSAPP, "77010000001@s.whatsapp.net"), fact(TELEGRAM, 4711), fact(TELEGRAM, A), fact(SIGNAL, A), fact(VIBER, A),
        fact(IM, "live:test", data5=3), fact(IM, SECRET, data5=5), fact(SIP, "sip:a@example.org"), fact(PHONE, "7111"),
        fact(PHONE, None), fact(MAIL, "no mail"), fact(WHATSAPP, "1-2@g.us"),
    )  # fmt: skip
    assert [(r["n"], r["channel"], r["identifier"], r["identifier_kind"]) for r in out.listed_rows] == [
        (1, "phone", A, "phone"), (2, "email", "mail:a@example.org", "mail"), (5, "whatsapp", A, "phone"),
        (6, "telegram", "telegram:user4711", "app_id"), (7, "telegram", A, "phone"), (8, "signal", A, "phone"),
        (9, "viber", A, "phone"), (10, "skype", "skype:live:test", "app_id"), (12, "phone", "mail:a@example.org", "mail"),
        (13, "phone", "short:7111", "short"),
    ]  # fmt: skip
    assert {r["label"] for r in out.listed_rows} == {"Dauren Test"} and {r["list"] for r in out.listed_rows} == {
        "address_book"
    }
    assert out.listed_rows[0]["record"] == "sql:data/1" and out.listed_rows[0]["local_time"] is None
    assert out.scoped_out == 6 and out.records == 16 and not out.event_rows and not out.covers


def test_two_people_of_one_name_are_two_entries() -> None:
    out = read(
        fact(PHONE, A), fact(PHONE, B, raw_contact_id=2), fact(PHONE, B, raw_contact_id=9),
        contacts=[{"display_name": "Dauren Test"}, {"display_name": "Dauren Test", "deleted": 1}],
    )  # fmt: skip
    assert [(r["identifier"], r["label"], r["tags"]) for r in out.listed_rows] == [
        (A, "Dauren Test", None), (B, "Dauren Test", "deleted_entry"), (B, None, None),
    ]  # fmt: skip


def test_the_owners_own_card() -> None:
    own = PROFILE_FROM + 1
    out = read(fact(PHONE, A, raw_contact_id=own), contacts=[{"_id": own, "display_name": "Aigerim Test"}])
    assert out.owners == [A]
    assert [(r["list"], r["label"], r["tags"]) for r in out.listed_rows] == [("other", None, "own_card")]
    assert any("own card" in n for n in out.notes)


def test_unknown_kinds_are_rejected_and_deleted_contacts_noted() -> None:
    out = read(fact(99, SECRET), fact(PHONE, A), deleted_contacts=[{"contact_id": 3, "contact_deleted_timestamp": 1}])
    assert [(n, record) for n, record, _ in out.rejects] == [(1, "sql:data/1")]
    assert any("1 contacts were deleted" in n for n in out.notes)


def test_recognition() -> None:
    assert [c[0] for c in recognise(head_of(book()))[0]] == ["android-contacts"]
    # with a call log in it, the file is the call log's
    assert [c[0] for c in recognise(head_of(book(schema=BOOK + CALLS_2013)))[0]] == ["android-calls"]
    for other in (MMSSMS, BLOCKED, "CREATE TABLE data (a);"):
        assert READER.recognise(head_of(database(other))) is None
    hostile = database(BOOK + "DROP TABLE data; CREATE VIEW data AS SELECT 1 AS mimetype_id, 2 AS data1;")
    assert READER.recognise(head_of(hostile)) is not None
    with pytest.raises(Unreadable, match="data is a view"):
        collect(READER, hostile)


def test_locators_show_numbers_and_hide_notes() -> None:
    data = book(fact(PHONE, A), fact(NOTE, SECRET), fact(MAIL, "a@example.org"))
    assert A in open_record(source_of(data), "sql:data/1", "android-contacts", 1).masked
    assert SECRET not in open_record(source_of(data), "sql:data/2", "android-contacts", 2).masked
    assert "a@example.org" in open_record(source_of(data), "sql:data/3", "android-contacts", 3).masked


def test_cut_databases_never_fail() -> None:
    data = book(*(fact(PHONE, f"+7701{k:07d}") for k in range(300)))
    full = [r["record"] for r in collect(READER, data).listed_rows]
    for piece in cuts(data, 1024):
        with contextlib.suppress(Unreadable):
            out = collect(READER, piece)
            assert out.conserved()
            kept = [r["record"] for r in out.listed_rows]
            assert kept == sorted(set(kept) & set(full), key=full.index)  # in order, none twice, none invented


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=9), st.text(st.characters(codec="utf-8"), max_size=12)
)), max_size=8))  # fmt: skip
def test_any_value_ends_as_an_entry_a_reject_or_out_of_scope(facts: list[tuple[int, Any]]) -> None:
    out = collect(READER, book(*(fact(kind, value, data5=kind) for kind, value in facts)))
    assert out.conserved() and out.records == len(facts)


def test_blocked_numbers() -> None:
    data = database(BLOCKED, {"blocked": [{"original_number": "8 701 000 00 01", "e164_number": A}, {"original_number": "7111"},
                                          {"original_number": "Kaspi"}, {"original_number": ""}]})  # fmt: skip
    out = collect(BLOCKED_READER, data)
    assert out.conserved() and out.records == 4
    assert [(r["n"], r["record"], r["list"], r["identifier"], r["identifier_raw"]) for r in out.listed_rows] == [
        (1, "sql:blocked/1", "blocked", A, A), (2, "sql:blocked/2", "blocked", "short:7111", "7111"),
        (3, "sql:blocked/3", "blocked", "alpha:Kaspi", "Kaspi"),
    ]  # fmt: skip
    assert out.rejects == [(4, "sql:blocked/4", "the entry has no number")]
    assert not out.event_rows  # a list without dates is no notice
    assert [c[0] for c in recognise(head_of(data))[0]] == ["android-blocked"]
    assert A in open_record(source_of(data), "sql:blocked/1", "android-blocked", 1).masked
    assert BLOCKED_READER.recognise(head_of(database("CREATE TABLE blocked (id, reason);"))) is None
    for piece in cuts(data, 512):
        with contextlib.suppress(Unreadable):
            assert collect(BLOCKED_READER, piece).conserved()
