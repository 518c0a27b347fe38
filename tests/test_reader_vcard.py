"""Address books as vCards: names are labels, numbers and addresses identifiers, pictures nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers.vcard import READER
from tests.collect import collect, head_of, source_of
from tests.shared_data import sample

SECRET = "note that nobody may see"
BOOK = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Дана\r\nN:Серик;Дана;;;\r\nTEL;TYPE=CELL:8 701 000 00 02\r\nitem1.TEL:+7 701 000 00 03\r\n"
    f"EMAIL;TYPE=INTERNET:Dana@Example.ORG\r\nNOTE:{SECRET}\r\nPHOTO;ENCODING=b;TYPE=JPEG:{'A' * 300}\r\n  {'B' * 70}\r\n"
    "END:VCARD\r\n\r\nBEGIN:VCARD\r\nVERSION:2.1\r\n"
    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=90=\r\n=D1=8F;;;\r\nTEL;CELL:+77010000004\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:no number\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:folded \r\n name\r\nTEL;VALUE=uri:tel:+7-701-000-00-05;ext=1\r\nTEL:+77010000005\r\nEND:VCARD\r\n"
).encode()


def rows(data: bytes) -> list[tuple[int, int, str, str, str | None]]:
    return [(r["n"], r["sub"], r["record"], r["identifier"], r["label"]) for r in collect(READER, data).listed_rows]


def test_cards_of_three_versions() -> None:
    out = collect(READER, BOOK)
    assert rows(BOOK) == [
        (1, 1, "lines:1-11", "+77010000002", "Дана"), (1, 2, "lines:1-11", "+77010000003", "Дана"),
        (1, 3, "lines:1-11", "mail:Dana@example.org", "Дана"), (2, 1, "lines:13-18", "+77010000004", "Ая"),
        (4, 1, "lines:23-29", "+77010000005", "folded name"), (4, 2, "lines:23-29", "+77010000005", "folded name"),
    ]  # fmt: skip
    assert (out.records, out.scoped_out, out.rejects) == (4, 1, [])
    assert out.conserved()
    assert {r["list"] for r in out.listed_rows} == {"address_book"}
    assert SECRET not in str(out.__dict__)


def test_the_locator_opens_the_card_and_hides_names_and_notes() -> None:
    raw = open_record(source_of(BOOK), "lines:1-11", "vcard", 1)
    assert "701 000 00 02" in raw.masked
    assert SECRET in raw.text
    assert SECRET not in raw.masked
    assert "Дана" not in raw.masked


def test_cut_at_every_byte() -> None:
    whole = rows(BOOK)
    for end in range(len(BOOK)):
        out = collect(READER, BOOK[:end])
        assert out.conserved()
        assert rows(BOOK[:end]) == whole[: len(out.listed_rows)]


def test_utf16_bom_and_doubling() -> None:
    text = BOOK.decode()
    expected = [r[3:] for r in rows(BOOK)]
    for data in (text.encode("utf-16"), text.encode("utf-8-sig"), text.replace("\r\n", "\n").encode()):
        assert [r[3:] for r in rows(data)] == expected
        assert READER.recognise(head_of(data)) is not None
    assert [r[3:] for r in rows(BOOK + BOOK)] == expected * 2
    assert READER.recognise(head_of(b"BEGIN:VCALENDAR\r\n")) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_anything_between_the_cards(junk: bytes) -> None:
    out = collect(READER, BOOK + junk + BOOK)
    assert out.conserved()
    assert len(out.listed_rows) >= 6


def test_a_card_cannot_fill_the_memory() -> None:
    card = (
        b"BEGIN:VCARD\nFN:x\n"
        + b"TEL:+7701"
        + b"0" * 10_000_000
        + b"\n"
        + b"TEL:+77010000009\n" * 5000
        + b"END:VCARD\n"
    )
    assert len(rows(card)) <= 1000


def test_the_shared_sample() -> None:
    path = sample("google-voice/contacts.vcf")
    out = collect(READER, path)
    assert out.records == 16
    assert len(out.listed_rows) == 17
    assert out.conserved()


@pytest.mark.parametrize("data", [b"", b"BEGIN:VCARD", b"BEGIN:VCARD\n" * 50, b"\xff" * 100])
def test_nothing_that_can_be_used(data: bytes) -> None:
    out = collect(READER, data)
    assert not out.listed_rows
    assert out.conserved()
