"""Workbooks for the tests of readers: written part by part, so that every byte is known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

_CONTENT = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_BOOK, _SHEET = "workbook", "worksheet"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _letters(place: int) -> str:
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def _cell(row: int, place: int, value: object) -> str:
    ref = f'r="{_letters(place)}{row}"'
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c {ref} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c {ref}><v>{value}</v></c>"
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c {ref} s="1"><v>{days!r}</v></c>'
    return f'<c {ref} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Make a workbook: title of each sheet and its rows, from row 1; a row without cells leaves a gap."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:

        def put(name: str, text: str) -> None:
            book.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), text)

        put("[Content_Types].xml", _CONTENT)
        names = "".join(
            f'<sheet name="{escape(title, {chr(34): "&quot;"})}" sheetId="{k}" r:id="rId{k}"/>'
            for k, title in enumerate(sheets, 1)
        )
        put("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets></{_BOOK}>')
        links = "".join(
            f'<Relationship Id="rId{k}" Type="{_REL}/{_SHEET}" Target="worksheets/sheet{k}.xml"/>'
            for k in range(1, len(sheets) + 1)
        )
        put(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>',
        )
        put(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
        )
        for k, rows in enumerate(sheets.values(), 1):
            body = "".join(
                f'<row r="{n}">{"".join(_cell(n, p, v) for p, v in enumerate(cells))}</row>'
                for n, cells in enumerate(rows, 1)
                if cells
            )
            put(f"xl/worksheets/sheet{k}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></{_SHEET}>')
    return out.getvalue()
