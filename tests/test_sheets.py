"""Tables of text: rows and their places, encodings, delimiters, quotes that are never closed, bounds."""

from __future__ import annotations

import codecs
import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import _sheets
from pipelines.readers._sheets import (
    FAULT,
    OPEN_QUOTE,
    TextRows,
    delimiter_of,
    encoding_of,
    first_row,
    heading,
    is_workbook,
    lines_of,
    locked_workbook,
    masked_row,
    open_text,
    text_rows,
)
from tests.collect import head_of, source_of


def rows(text: str, delimiter: str = ",", **more: int) -> list[tuple[str, tuple[object, ...], str]]:
    return [(r.record, r.cells, r.fault) for r in TextRows(io.BytesIO(text.encode()), "utf-8", delimiter, **more)]


def test_rows_and_their_places() -> None:
    found = list(text_rows(io.BytesIO(b'a,b\r\n1,"x\ny"\n\n2,z'), "utf-8", ","))
    assert [(r.record, r.number, r.cells) for r in found] == [
        ("line:1", 1, ("a", "b")), ("lines:2-3", 2, ("1", "x\ny")), ("line:4", 4, ()), ("line:5", 5, ("2", "z")),
    ]  # fmt: skip
    assert not any(r.fault for r in found)


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    assert rows('a,b\n1,"x\n2,y\n3,z\n') == [
        ("line:1", ("a", "b"), ""), ("line:2", (), OPEN_QUOTE), ("line:3", ("2", "y"), ""), ("line:4", ("3", "z"), ""),
    ]  # fmt: skip
    assert rows('a,b\n1,"x') == [("line:1", ("a", "b"), ""), ("line:2", (), OPEN_QUOTE)]
    assert rows('a,b\n1,"x"') == [("line:1", ("a", "b"), ""), ("line:2", ("1", "x"), "")]
    assert rows('"') == [("line:1", (), OPEN_QUOTE)]


def test_a_row_of_too_many_lines_is_none() -> None:
    text = 'a,b\n1,"x\n2,y\n3,z\n4,"q"\n5,r\n'  # closed three lines below by another stray quote
    assert [r[0] for r in rows(text, lines=3)] == [f"line:{k}" for k in range(1, 7)]
    assert [r[0] for r in rows(text)] == ["line:1", "lines:2-5", "line:6"]


def test_a_row_of_several_lines_must_be_as_wide_as_the_table() -> None:
    table = TextRows(io.BytesIO(b'a,b\n1,"x\n2,y\n3,z"q,w\n4,"s\nt"\n'), "utf-8", ",")
    found = []
    for row in table:
        table.width = 2
        found.append((row.record, row.cells, row.fault))
    assert found == [
        ("line:1", ("a", "b"), ""), ("line:2", (), OPEN_QUOTE), ("line:3", ("2", "y"), ""), ("line:4", ("3", 'z"q', "w"), ""),
        ("lines:5-6", ("4", "s\nt"), ""),
    ]  # fmt: skip


def test_many_stray_quotes_are_no_quotes_and_cost_no_time() -> None:
    text = 'a";"b\n' * 200_000
    begin = time.perf_counter()
    found = rows(text, ";")
    assert time.perf_counter() - begin < 20
    assert len(found) == 200_000
    assert {f for _, _, f in found} == {OPEN_QUOTE}


def test_a_lone_carriage_return_is_a_faulty_row() -> None:
    assert rows("a,b\n1\r2,3\n4,5\n") == [("line:1", ("a", "b"), ""), ("line:2", (), FAULT), ("line:3", ("4", "5"), "")]
    many = rows("a\rb\n" * 3000 + '1,"x\ny"\n')
    assert [f for _, _, f in many[:3000]] == [FAULT] * 3000 and many[3000] == ("lines:3001-3002", ("1", "x\ny"), "")


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'a,b\r\n1,"x\ny"\n\nмир,"z""z"\n5,"open\n6,7\n'
    whole = rows(text)
    for size in (1, 2, 3, 7, 16):
        monkeypatch.setattr(_sheets, "_BLOCK", size)
        assert rows(text) == whole


def test_a_cell_beyond_measure_is_a_faulty_row(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * (_sheets.MAX_CELL + 1)
    assert [(r, f) for r, _, f in rows(f"a,b\n{long},1\n2,3\n")] == [("line:1", ""), ("line:2", FAULT), ("line:3", "")]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='ab";\n\r ', max_size=60), st.integers(1, 9))
def test_every_line_is_in_one_row(text: str, lines: int) -> None:
    found = rows(text, ";", lines=lines)
    taken: list[int] = []
    for record, _, _ in found:
        _, _, place = record.partition(":")
        first, _, last = place.partition("-")
        taken += range(int(first), int(last or first) + 1)
    physical = text.count("\n") + (not text.endswith("\n") and bool(text))
    assert taken == list(range(1, physical + 1))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=8).filter(lambda t: "\0" not in t), min_size=2, max_size=3), max_size=8))
def test_what_csv_writes_is_read(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    data = text.getvalue().encode("utf-8", "replace")
    found = list(text_rows(io.BytesIO(data), "utf-8", ","))
    assert [list(r.cells) for r in found] == [[c.encode("utf-8", "replace").decode() for c in row] for row in table]


def test_the_limit_of_the_parser_is_given_back() -> None:
    before = csv.field_size_limit()
    first, second = (text_rows(io.BytesIO(b"a,b\n1,2\n"), "utf-8", ",") for _ in range(2))
    next(first)
    next(second)
    assert csv.field_size_limit() == _sheets.MAX_CELL
    list(first)
    assert csv.field_size_limit() == _sheets.MAX_CELL
    del second
    assert csv.field_size_limit() == before


def test_lines_of_keeps_ends_and_marks_faults() -> None:
    assert list(lines_of(io.BytesIO(b"a\r\nb\rc\n\xff\0"), "utf-8")) == ["a\r\n", "b\rc\n", "\ufffd\0"]
    assert list(lines_of(io.BytesIO(b""), "utf-8")) == []


def test_a_text_of_one_long_line_costs_no_time() -> None:
    begin = time.perf_counter()
    (line,) = lines_of(io.BytesIO(b"x" * (64 << 20)), "utf-8")
    assert len(line) == 64 << 20 and time.perf_counter() - begin < 10


@pytest.mark.parametrize(
    ("data", "declared", "codec"),
    [
        (b"a,b", None, "utf-8"), (codecs.BOM_UTF8 + b"a", None, "utf-8-sig"), ("Номер".encode(), None, "utf-8"),
        ("Номер".encode()[:-1], None, "utf-8"), ("a;b".encode("utf-16"), None, "utf-16"),
        ("Номер Б;Дата".encode("utf-16-le"), None, "utf-16-le"), ("Номер Б;Дата".encode("utf-16-be"), None, "utf-16-be"),
        ("number;date".encode("utf-16-le"), None, "utf-16-le"), ("Номер".encode("cp1251"), None, ""),
        ("Номер".encode("cp1251"), "windows-1251", "windows-1251"), (codecs.BOM_UTF8 + b"a", "cp1251", "utf-8-sig"),
        (b"", None, "utf-8"), (b"\0", None, "utf-8"),
    ],
)  # fmt: skip
def test_encodings(data: bytes, declared: str | None, codec: str) -> None:
    assert encoding_of(data, declared) == codec


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","), ("a;b;c\n1,5;2,5;3\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2\n", "|"), ("a\nb\n", None),
        ("", None), ("a,b;c\n1,2;3\n", None), ("Report\n\na;b;c\n1;2;3\n4;5;6\n", ";"), ("a\rb,c\n1,2\n", None),
    ],
)  # fmt: skip
def test_delimiters(text: str, delimiter: str | None) -> None:
    assert delimiter_of(text.splitlines(keepends=True) if "\r" not in text else [text]) == delimiter


def test_open_text_and_first_row() -> None:
    assert open_text(source_of("№;Б\n1;2\n".encode("cp1251"))) == ("", None)
    assert open_text(source_of("№;Б\n1;2\n".encode("cp1251")), "cp1251") in (("cp1251", ";"), ("cp1251", None))
    assert open_text(source_of(b"a;b\n1;2\n"), None, "|") == ("utf-8", "|")
    assert first_row(head_of(b"\xef\xbb\xbfa; b\n1;2\n")) == ("a", "b")
    assert first_row(head_of(b"a\0b;c\n")) == ()


def test_headings_are_compared_folded() -> None:
    assert heading("\ufeff  Номер\u00a0  Б ") == heading("НОМЕР Б") == "номер б"


def test_records_open_again() -> None:
    data = b'a,b\n1,"x\ny"\n2,z\n'
    for row in text_rows(io.BytesIO(data), "utf-8", ","):
        raw = open_record(source_of(data), row.record, "none")
        assert next(csv.reader(io.StringIO(raw.data.decode(), newline=""))) == list(row.cells)
        assert raw.complete


def test_what_is_no_workbook() -> None:
    assert not is_workbook(head_of(b"a,b\n"))
    assert not is_workbook(head_of(b"PK\x03\x04" + b"word/document.xml [Content_Types].xml"))
    assert locked_workbook(head_of(b"a,b\n")) == ""
    assert locked_workbook(head_of(_sheets.OLE_MAGIC + b"WordDocument")) == ""


def test_locked_workbooks_are_told_apart() -> None:
    box = _sheets.OLE_MAGIC + bytes(70_000)
    assert "password" in locked_workbook(head_of(box + "EncryptedPackage".encode("utf-16-le")))
    assert ".xls" in locked_workbook(head_of(box + "Workbook".encode("utf-16-le")))


def test_masked_row() -> None:
    shown = masked_row(("77010000001", "secret", "x"), ("Номер", "Text"), {"номер"}.__contains__)
    assert shown == "Номер: 77010000001\nText: ‹6 characters›\ncolumn 3: ‹1 character›"
