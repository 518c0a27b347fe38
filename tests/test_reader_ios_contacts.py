"""The readers of Apple's address books, on a test database of a public project and on built ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.ios_contacts import READER
from tests.apple_reading import SECRET, A, B, damaged, database, read, refused
from tests.collect import Collected, context, head_of, source_of
from tests.shared_data import SHARED, sample

IOS = """
CREATE TABLE ABPerson (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, First TEXT, Last TEXT, Middle TEXT, Organization TEXT,
 Note TEXT, Nickname TEXT, DisplayName TEXT, CreationDate INTEGER);
CREATE TABLE ABMultiValue (UID INTEGER PRIMARY KEY, record_id INTEGER, property INTEGER, identifier INTEGER, label INTEGER,
 value TEXT, guid TEXT);
CREATE TABLE ABMultiValueEntry (parent_id INTEGER, key INTEGER, value TEXT);
"""
MAC = """
CREATE TABLE ZABCDRECORD (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, ZFIRSTNAME VARCHAR, ZLASTNAME VARCHAR, ZMIDDLENAME VARCHAR,
 ZORGANIZATION VARCHAR, ZNICKNAME VARCHAR, ZNAME VARCHAR, ZNOTE INTEGER);
CREATE TABLE ZABCDPHONENUMBER (Z_PK INTEGER PRIMARY KEY, ZOWNER INTEGER, ZFULLNUMBER VARCHAR, ZLABEL VARCHAR);
CREATE TABLE ZABCDEMAILADDRESS (Z_PK INTEGER PRIMARY KEY, ZOWNER INTEGER, ZADDRESS VARCHAR);
CREATE TABLE ZABCDSOCIALPROFILE (Z_PK INTEGER PRIMARY KEY, ZOWNER INTEGER, ZUSERNAME VARCHAR);
CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR);
"""


def value(owner: int, text: object, kind: int = 3) -> dict[str, Any]:
    return {"record_id": owner, "property": kind, "value": text, "label": 1}


def shown(out: Collected) -> list[tuple[Any, ...]]:
    keys = ("n", "record", "channel", "identifier", "identifier_kind", "label")
    return [tuple(r[k] for k in keys) for r in out.listed_rows]


def test_ios(tmp_path: Path) -> None:
    people: list[dict[str, Any]] = [
        {"First": "Aigerim", "Middle": "B", "Last": "S.", "Note": SECRET, "Organization": "X"}, {"Organization": "Kaspi"},
        {"First": "Only", "Last": "Name"}, {"Nickname": "Kolya"}, {"DisplayName": "Shown"}, {"Note": SECRET},
    ]  # fmt: skip
    values = [
        value(1, "8 (701) 000-00-01"), value(1, "A@Example.com", 4), value(1, SECRET, 5), value(2, "7111"),
        value(4, B), value(5, ""), value(6, B), value(99, A), value(4, "no address", 4), value(5, None),
    ]  # fmt: skip
    out = read(READER, database(tmp_path / "x", IOS, {"ABPerson": people, "ABMultiValue": values}))
    assert shown(out) == [
        (1, "sql:ABMultiValue/1", "phone", A, "phone", "Aigerim B S."),
        (2, "sql:ABMultiValue/2", "email", "mail:A@example.com", "mail", "Aigerim B S."),
        (4, "sql:ABMultiValue/4", "phone", "short:7111", "short", "Kaspi"),
        (5, "sql:ABMultiValue/5", "phone", B, "phone", "Kolya"),
        (7, "sql:ABMultiValue/7", "phone", B, "phone", None),
        (8, "sql:ABMultiValue/8", "phone", A, "phone", None),
        (9, "sql:ABMultiValue/9", "email", "raw:no address", "raw", "Kolya"),
    ]
    assert {r["list"] for r in out.listed_rows} == {"address_book"}
    assert (out.records, out.scoped_out, out.rejects) == (10, 3, [])
    assert {
        "entries of a person who is not in the book: 1", "entries that are neither number nor mail address, not read: 1",
        "entries without a number or address: 2", "people without a number or mail address, not listed: 1",
    } <= set(out.notes)  # fmt: skip


def test_macos(tmp_path: Path) -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "ZABCDRECORD": [
            {"Z_ENT": 22, "ZFIRSTNAME": "Aigerim"}, {"Z_ENT": 19, "ZNAME": "a group"}, {"Z_ENT": 22, "ZORGANIZATION": "Kaspi"},
        ],
        "ZABCDPHONENUMBER": [{"ZOWNER": 1, "ZFULLNUMBER": A}, {"ZOWNER": 1, "ZFULLNUMBER": None}],
        "ZABCDEMAILADDRESS": [{"ZOWNER": 3, "ZADDRESS": "a@b.kz"}],
        "ZABCDSOCIALPROFILE": [{"ZOWNER": 3, "ZUSERNAME": SECRET}],
        "Z_PRIMARYKEY": [{"Z_ENT": 19, "Z_NAME": "ABCDGroup"}, {"Z_ENT": 22, "Z_NAME": "ABCDContact"}],
    }  # fmt: skip
    out = read(READER, database(tmp_path / "x", MAC, rows))
    assert shown(out) == [
        (1, "sql:ZABCDEMAILADDRESS/1", "email", "mail:a@b.kz", "mail", "Kaspi"),
        (2, "sql:ZABCDPHONENUMBER/1", "phone", A, "phone", "Aigerim"),
    ]
    assert "rows of ZABCDSOCIALPROFILE, not read: 1" in out.notes
    assert not any("people without" in note for note in out.notes)


def test_the_public_test_database() -> None:
    out = read(READER, sample("ios-db/AddressBook-v22.abcddb"))
    assert len([r for r in out.listed_rows if r["channel"] == "phone"]) == 4  # the count of the provenance list
    assert (out.records, out.kept) == (9, 9)
    assert [r["label"] for r in out.listed_rows if r["identifier_raw"] == "info@acmecorp.com"] == ["Acme Corporation"]


def test_masking_shows_number_and_hides_the_rest(tmp_path: Path) -> None:
    script = IOS + "ALTER TABLE ABMultiValue ADD COLUMN note TEXT"
    data = database(tmp_path / "x", script, {"ABMultiValue": [{**value(1, A), "note": SECRET}]})
    found = open_record(source_of(data), "sql:ABMultiValue/1", "ios-contacts")
    assert A in found.masked and SECRET not in found.masked and SECRET in found.text


def test_recognised(tmp_path: Path) -> None:
    for script in (IOS, MAC):
        claims, verdict = recognise(head_of(database(tmp_path / "x", script)))
        assert (verdict, claims[0][0]) == ("known", "ios-contacts")
    assert READER.recognise(head_of(database(tmp_path / "x", "CREATE TABLE contacts (a)"))) is None
    assert READER.recognise(head_of(b"")) is None


def test_no_sample_of_another_format_is_claimed() -> None:
    if not (SHARED / "samples").exists():
        pytest.skip("needs the folder shared/ beside this checkout")
    for path in sorted(p for p in (SHARED / "samples").rglob("*") if p.is_file() and p.stat().st_size < 3_000_000):
        assert (READER.recognise(head_of(path)) is not None) == (path.suffix == ".abcddb"), path


def test_views_are_refused(tmp_path: Path) -> None:
    people = "CREATE TABLE ABPerson (ROWID INTEGER PRIMARY KEY, First TEXT);"
    data = database(
        tmp_path / "x", people + "CREATE VIEW ABMultiValue AS SELECT 1 AS record_id, 3 AS property, 2 AS value"
    )
    assert READER.recognise(head_of(data)) is not None
    refused(READER, data, "ABMultiValue is a view")


def test_damage(tmp_path: Path) -> None:
    rows = {"ABPerson": [{"First": "A"}], "ABMultiValue": [value(1, A), value(1, B), value(1, "a@b.kz", 4)]}
    damaged(READER, database(tmp_path / "c", IOS, rows), step=257)


def test_the_region_of_the_case_is_used(tmp_path: Path) -> None:
    data = database(tmp_path / "x", IOS, {"ABMultiValue": [value(1, "030 123456")]})
    assert read(READER, data, ctx=context("DE")).listed_rows[0]["identifier"] == "+4930123456"
