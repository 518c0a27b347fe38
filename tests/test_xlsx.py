"""Workbooks: what a peer writes is what is read; every kind of cell; damage and hostility end in one sentence."""

from __future__ import annotations

import contextlib
import io
import random
import time
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import _xlsx
from pipelines.readers._sheets import find_row, is_workbook, locked_workbook, workbook_sheets
from pipelines.readers.base import Unreadable
from tests.collect import head_of, source_of

openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, the peer that writes the workbooks")

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_DOC = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def book(
    rows: str = "", *, texts: str = "", styles: str = "", properties: str = "", main: str = MAIN, doc: str = DOC,
    names: tuple[str, ...] = ("Sheet1",), head: str = "", after: str = "", add: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:  # fmt: skip
    """Make a workbook by hand: ``rows`` is the XML of the first sheet's rows."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{doc}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{doc}">{properties}<sheets>'
        + "".join(f'<sheet name="{n}" sheetId="{k}" r:id="rId{k}"/>' for k, n in enumerate(names, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        + "".join(
            f'<Relationship Id="rId{k}" Type="{doc}/worksheet" Target="worksheets/sheet{k}.xml"/>'
            for k in range(1, len(names) + 1)
        )
        + f'<Relationship Id="rId90" Type="{doc}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId91" Type="{doc}/sharedStrings" Target="/xl/texts.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>{after}</worksheet>',
    }
    for k in range(2, len(names) + 1):
        parts[f"xl/worksheets/sheet{k}.xml"] = f'<worksheet xmlns="{main}"><sheetData/></worksheet>'
    if texts:
        parts["xl/texts.xml"] = f'<sst xmlns="{main}">{texts}</sst>'
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{main}">{styles}</styleSheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in {**parts, **(add or {})}.items():
            archive.writestr(name, data)
    return out.getvalue()


def read(data: bytes) -> dict[str, list[Any]]:
    return {s.name: [(r.record, r.cells, r.fault) for r in s.rows] for s in workbook_sheets(source_of(data))}


def cells(data: bytes) -> list[tuple[object, ...]]:
    (rows,) = read(data).values()
    assert not any(r[2] for r in rows)
    return [r[1] for r in rows]


def reason(data: bytes) -> str:
    with pytest.raises(Unreadable) as error:
        read(data)
    return error.value.reason


def test_what_openpyxl_writes() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Звонки"
    sheet.append(["Номер А", "Начало", "Длительность", "Число", "Да"])
    sheet.append([77010000001, datetime(2025, 3, 4, 18, 30, 5), timedelta(hours=30, seconds=7), 1.5, True])
    sheet.append(["+77010000002", datetime(2025, 3, 4), None, -3, False])
    sheet["C2"].number_format = "[h]:mm:ss"
    sheet.cell(7, 2, "far")
    made.create_sheet("Empty")
    data = io.BytesIO()
    made.save(data)
    assert read(data.getvalue()) == {
        "Звонки": [
            ("cell:Звонки!1", ("Номер А", "Начало", "Длительность", "Число", "Да"), ""),
            (
                "cell:Звонки!2",
                (77010000001, datetime(2025, 3, 4, 18, 30, 5), datetime(1899, 12, 31, 6, 0, 7), 1.5, True),
                "",
            ),
            ("cell:Звонки!3", ("+77010000002", datetime(2025, 3, 4), "", -3, False), ""),
            ("cell:Звонки!7", ("", "far"), ""),
        ],
        "Empty": [],
    }
    assert is_workbook(head_of(data.getvalue()))


@pytest.mark.parametrize(("main", "doc"), [(MAIN, DOC), (STRICT, STRICT_DOC)])
def test_both_namespaces(main: str, doc: str) -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1"><v>5</v></c></row>'
    texts = '<si><t>zero</t></si><si><r><t>o</t></r><r><t>ne</t></r><rPh sb="0" eb="1"><t>aid</t></rPh></si>'
    assert cells(book(rows, texts=texts, main=main, doc=doc)) == [("one", 5)]


def test_every_kind_of_cell() -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>in_x0041_ line</t></is></c><c r="B1" t="str"><f>A1</f><v>made</v></c>'
        '<c r="C1" t="b"><v>1</v></c><c r="D1" t="e"><v>#N/A</v></c><c r="E1" t="d"><v>2025-03-04T18:30:05</v></c>'
        '<c r="F1" t="d"><v>soon</v></c><c r="G1"><f>1+1</f><v>2</v></c><c r="H1"/><c r="I1" t="s"><v></v></c><c r="J1"><v>x</v></c></row>'
    )
    assert cells(book(rows)) == [
        ("inA line", "made", True, "#N/A", datetime(2025, 3, 4, 18, 30, 5), "soon", 2, "", "", "x")
    ]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("77010000001", 77010000001), ("7.7010000001E10", 77010000001), ("358912345678901", 358912345678901),
        ("999999999999", 999999999999), ("77010000001.0", 77010000001), ("9007199254740993", 9007199254740992.0),
        ("8.9701010000000001E18", 8.97010100000000e18), ("-0.5", -0.5), ("nan", "nan"), ("inf", "inf"), ("1_0", "1_0"), ("1e999", float("inf")),
    ],
)  # fmt: skip
def test_numbers(raw: str, value: object) -> None:
    (row,) = cells(book(f'<row r="1"><c r="A1"><v>{raw}</v></c></row>'))
    assert row == (value,) and type(row[0]) is type(value)


STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy hh:mm:ss"/><numFmt numFmtId="165" formatCode="[h]:mm:ss"/>'
    '<numFmt numFmtId="166" formatCode="0.00&quot;days&quot;"/><numFmt numFmtId="167" formatCode="General &quot;h&quot;"/>'
    '<numFmt numFmtId="168" formatCode="[$-419]mmmm;@"/><numFmt numFmtId="169" formatCode="[Red]0;[Blue]-0"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/>'
    '<xf numFmtId="168"/><xf numFmtId="169"/><xf numFmtId="20"/><xf numFmtId="22"/></cellXfs>'
    '<dxfs><dxf><numFmt numFmtId="165" formatCode="0"/></dxf></dxfs>'
)


@pytest.mark.parametrize(
    ("style", "raw", "value"),
    [
        (0, "45720", 45720), (1, "45720", datetime(2025, 3, 4)), (2, "45720.770891203707", datetime(2025, 3, 4, 18, 30, 5)),
        (3, "1.25", datetime(1899, 12, 31, 6)), (3, "0.00096064814814814819", datetime(1899, 12, 30, 0, 1, 23)),
        (4, "3.5", 3.5), (5, "3.5", 3.5), (6, "45720", datetime(2025, 3, 4)), (7, "12", 12), (8, "0.5", datetime(1899, 12, 30, 12)),
        (9, "0.5", datetime(1899, 12, 30, 12)), (1, "59", datetime(1900, 2, 28)), (1, "61", datetime(1900, 3, 1)), (1, "1e300", 1e300),
    ],
)  # fmt: skip
def test_dates_of_1900(style: int, raw: str, value: object) -> None:
    assert cells(book(f'<row r="1"><c r="A1" s="{style}"><v>{raw}</v></c></row>', styles=STYLES)) == [(value,)]


def test_dates_of_1904() -> None:
    rows = (
        '<row r="1"><c r="A1" s="1"><v>44258</v></c><c r="B1" s="3"><v>1.25</v></c><c r="C1" s="9"><v>0.5</v></c></row>'
    )
    for flag in ("1", "true"):
        data = book(rows, styles=STYLES, properties=f'<workbookPr date1904="{flag}"/>')
        assert cells(data) == [(datetime(2025, 3, 4), datetime(1899, 12, 31, 6), datetime(1899, 12, 30, 12))]


def test_missing_references() -> None:
    rows = '<row><c><v>1</v></c><c><v>2</v></c></row><row r="5"><c r="C5"><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c></row>'
    assert [r[:2] for r in read(book(rows))["Sheet1"]] == [
        ("cell:Sheet1!1", (1, 2)), ("cell:Sheet1!5", ("", "", 3, 4)), ("cell:Sheet1!6", (5,)),
    ]  # fmt: skip


def test_faulty_rows_are_named() -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>9</v></c></row><row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>'
    found = read(book(rows))["Sheet1"]
    assert [f for _, _, f in found] == [
        "a cell points to a text that is not in the workbook", "a cell stands twice in the row",
    ]  # fmt: skip


def test_records_open_again() -> None:
    data = book('<row r="3"><c r="A3"><v>77010000001</v></c></row>', names=("A!1", "Б"))
    assert find_row(source_of(data), "A!1", 3) is not None
    assert find_row(source_of(data), "A!1", 4) is None
    assert open_record(source_of(data), "cell:A!1!3", "none").data == b"[77010000001]"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (book('<row r="2"/><row r="1"/>'), "not in order"),
        (book('<row r="1"/><row r="1"/>'), "not in order"),
        (book('<row r="1"><c r="XFE1"><v>1</v></c></row>'), "last column"),
        (book('<row r="1"><c r="1A"><v>1</v></c></row>'), "broken"),
        (book("<row>"), "broken"),
        (book(names=("A", "A")), "two sheets of one name"),
        (book(names=()), "no sheets"),
        (book(add={"xl/Workbook.xml": b"<x/>"}), "holds a part twice"),
        (book(add={"xl/workbook.bin": b"x"}), "xlsb"),
        (b"PK\x03\x04xl/", "broken"),
        (_xlsx.OLE_MAGIC + bytes(600), "password"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, words: str) -> None:
    assert words in reason(data)


def test_a_sheet_that_is_missing_is_not_passed_over() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if "sheet1" not in name:
                new.writestr(name, old.read(name))
    assert "lacks one of its sheets" in reason(out.getvalue())


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "head",
    [
        BOMB + "]>", '<!DOCTYPE x SYSTEM "file:///etc/passwd">', "<!-- x -->" * 9000 + "<!DOCTYPE x>",
        '<?xml version="1.0" encoding="UTF-7"?>',
    ],
)  # fmt: skip
def test_entities_are_refused(head: str) -> None:
    data = book('<row r="1"><c r="A1" s="&i;"><v>&i;</v></c></row>', head=head)
    assert "it is not read" in reason(data)
    bomb = (BOMB + "]><sst><si><t>&i;</t></si></sst>").encode("utf-16")
    assert "it is not read" in reason(book(add={"xl/texts.xml": bomb}))


def test_bombs_are_refused() -> None:
    assert "beyond measure" in reason(book('<row r="1"><c r="A1"><v>1</v></c></row>' + " " * 20_000_000))
    assert "beyond measure" in reason(
        book('<row r="1"><x>' + "<y/>" * 5_000_000 + "</x></row>", method=zipfile.ZIP_STORED)
    )
    deep = "<a>" * 100_000
    assert "broken" in reason(book(f'<row r="1">{deep}</row>'))


def test_rows_behind_the_table_are_none() -> None:
    after = '<extLst><ext><row r="9"><c r="A9"><v>1</v></c></row></ext></extLst>'
    assert cells(book('<row r="1"><c r="A1"><v>1</v></c></row>', after=after)) == [(1,)]


def test_damage_behind_the_table_is_found() -> None:
    data = bytearray(book('<row r="1"><c r="A1"><v>1</v></c></row>', after="<z/>", method=zipfile.ZIP_STORED))
    data[data.index(b"<z/>") + 1] ^= 1
    assert "broken" in reason(bytes(data))


def test_encrypted_members_and_unknown_methods() -> None:
    data = bytearray(book("<row r='1'/>"))
    for at in range(len(data) - 3):
        if data[at : at + 4] == b"PK\x01\x02":
            data[at + 8] |= 1
    assert "encrypted" in reason(bytes(data))
    data = bytearray(book("<row r='1'/>"))
    for at in range(len(data) - 3):
        if data[at : at + 4] in (b"PK\x01\x02", b"PK\x03\x04"):
            data[at + (10 if data[at + 2] == 1 else 8)] = 99
    assert "broken" in reason(bytes(data))


def test_cut_and_changed_files_end_in_a_sentence() -> None:
    data = book('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', texts="<si><t>x</t></si>", styles=STYLES)
    for cut in range(len(data)):
        with pytest.raises(Unreadable):
            read(data[:cut])
    chance = random.Random(7)
    for _ in range(400):
        hurt = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        with contextlib.suppress(Unreadable):
            read(bytes(hurt))


def test_old_and_locked_workbooks() -> None:
    assert locked_workbook(head_of(_xlsx.OLE_MAGIC + "Workbook".encode("utf-16-le")))
    assert not is_workbook(head_of(_xlsx.OLE_MAGIC + bytes(100)))
    late = book(add={f"docProps/{k}": random.Random(k).randbytes(9000) for k in range(9)}, method=zipfile.ZIP_STORED)
    assert is_workbook(head_of(late))


def test_memory_and_time_do_not_grow_with_rows() -> None:
    row = '<row r="{0}"><c r="A{0}"><v>{0}</v></c><c r="B{0}" t="inlineStr"><is><t>x</t></is></c></row>'
    data = book("".join(row.format(k) for k in range(1, 30_001)))
    begin = time.perf_counter()
    assert sum(1 for s in workbook_sheets(source_of(data)) for _ in s.rows) == 30_000
    assert time.perf_counter() - begin < 10
