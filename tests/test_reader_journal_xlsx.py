"""The incident journal as a sheet: the same rows as from CSV, dates as cells or text, locators, masking."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.journal import READER, cell_text
from tests.collect import Collected, collect, head_of, source_of

openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, the peer that writes the workbooks")

NAMES = ["When", "until", "contact", "via", "kind", "place", "lat", "lon", "accuracy_m", "channel", "witness", "written", "note"]  # fmt: skip
SECRET = "SECRETWORD"


def us(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type, misc]


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets:
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def journal(*rows: list[Any]) -> bytes:
    return workbook(("Журнал", [NAMES, *rows]))


def read(*rows: list[Any]) -> Collected:
    out = collect(READER, journal(*rows))
    assert out.conserved()
    return out


def test_a_sheet_gives_the_rows_of_the_csv() -> None:
    rows = [
        [datetime(2025, 10, 3, 18, 30), time(19, 10), "K1", None, "seen", "home", 43.2389, 76.8897, 30, None, True, date(2025, 10, 5), SECRET],
        [date(2025, 10, 4), None, "K1", 77010000002, "call", None, None, None, None, "phone", None, None, SECRET],
        ["2025-10-05 evening", None, None, "AA:BB:CC:DD:EE:FF", "tracker_found", None, None, None, None, None, False, None, None],
        ["2025-10-06T18:30:05+05:00", None, "K1", None, "told_to_stop", None, None, None, None, None, None, None, SECRET],
        [datetime(2025, 10, 7, 18, 30, 5), None, "K1", None, "message", None, None, None, None, None, None, None, None],
    ]  # fmt: skip
    text = (
        "when,until,contact,via,kind,place,lat,lon,accuracy_m,channel,witness,written,note\n"
        "2025-10-03 18:30,19:10,K1,,seen,home,43.2389,76.8897,30,,yes,2025-10-05,x\n"
        "2025-10-04,,K1,77010000002,call,,,,,phone,,,x\n"
        "2025-10-05 evening,,,AA:BB:CC:DD:EE:FF,tracker_found,,,,,,no,,\n"
        "2025-10-06T18:30:05+05:00,,K1,,told_to_stop,,,,,,,,x\n"
        "2025-10-07 18:30:05,,K1,,message,,,,,,,,\n"
    )
    sheet, table = read(*rows), collect(READER, text.encode())
    assert sheet.rejects == table.rejects == []
    for mine, theirs in ((sheet.event_rows, table.event_rows), (sheet.position_rows, table.position_rows)):
        assert [{**r, "record": ""} for r in mine] == [{**r, "record": ""} for r in theirs]
    assert [r["record"] for r in sheet.position_rows] == ["cell:Журнал!2", "cell:Журнал!4"]
    assert (sheet.records, sheet.covers, sheet.notes) == (table.records, table.covers, table.notes)
    assert SECRET not in repr(vars(sheet))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (datetime(2025, 10, 3), "2025-10-03"), (datetime(2025, 10, 3, 18, 30), "2025-10-03 18:30"),
        (datetime(2025, 10, 3, 18, 30, 5), "2025-10-03 18:30:05"), (datetime(1899, 12, 30, 19, 10), "19:10"),
        (77010000002, "77010000002"), (43.2389, "43.2389"), (-0.1 - 0.2, "-0.3"), (True, "yes"), (False, "no"), ("K1", "K1"), ("", ""),
    ],
)  # fmt: skip
def test_cells_as_text(cell: object, text: str) -> None:
    assert cell_text(cell) == text


def test_precision_of_date_cells() -> None:
    rows = read(
        *([w, None, "K1", None, "seen"] for w in (date(2025, 10, 3), datetime(2025, 10, 3, 18), datetime(2025, 10, 3, 1, 2, 3)))
    ).position_rows  # fmt: skip
    assert [(r["local_time"], r["ts_precision"], r["zone_basis"]) for r in rows] == [
        (us(2025, 10, 3), "day", "case"), (us(2025, 10, 3, 18), "min", "case"), (us(2025, 10, 3, 1, 2, 3), "s", "case"),
    ]  # fmt: skip


def test_numbers_that_lost_their_digits_are_rejected() -> None:
    out = read(
        ["2025-10-03", None, "K1", 8.97e18, "message"], ["2025-10-03", None, "K1", "7,7012E+10", "message"],
        ["2025-10-03", None, "7.7012E+10", None, "message"],
    )  # fmt: skip
    assert [r[2] for r in out.rejects] == [
        "via: a spreadsheet has cut the number, its digits are lost", "via: a spreadsheet has cut the number, its digits are lost",
        "contact: a spreadsheet has cut the number, its digits are lost",
    ]  # fmt: skip


def test_rejects_name_their_cell_rows() -> None:
    out = read(
        ["soon", None, "K1", None, "seen"], [], [None, " ", None], ["2025-10-03", None, "K1", None, "danced"],
        ["2025-10-03", None, "K1", None, "seen", *[None] * 8, "more"],
    )  # fmt: skip
    assert out.rejects == [
        (1, "cell:Журнал!2", "when cannot be read as a date, a date and time, or a date and a part of the day"),
        (3, "cell:Журнал!5", "unknown kind"),
        (4, "cell:Журнал!6", "the row has more fields than the header"),
    ]
    assert (out.records, out.scoped_out, out.notes) == (4, 1, ["empty rows: 1"])


def test_several_sheets() -> None:
    row = ["2025-10-03", "K1", "seen", SECRET]
    data = workbook(
        ("Help", [["how to fill this in"]]), ("A", [["when", "contact", "kind", "mood"], row]), ("Empty", []),
        ("B", [[None], ["kind", "when", "contact"], ["seen", "2025-10-04", "K2"]]),
    )  # fmt: skip
    out = collect(READER, data)
    assert [(r["n"], r["record"], r["identifier"]) for r in out.position_rows] == [
        (1, "cell:A!2", "label:K1"), (2, "cell:B!3", "label:K2"),
    ]  # fmt: skip
    assert sorted(out.notes) == [
        "columns that are none of the journal's, not read: 1", "sheets without the header of a journal, not read: 1",
    ]  # fmt: skip


def test_recognition_and_what_is_none() -> None:
    data = journal(["2025-10-03", None, "K1", None, "seen"])
    claims, verdict = recognise(head_of(data, "journal.xlsx"))
    assert verdict == "known" and claims[0][0] == "journal"
    other = workbook(("A", [["a", "b"], [1, 2]]))
    assert READER.recognise(head_of(other)) is None
    with pytest.raises(Unreadable, match="no sheet of the workbook begins with the header"):
        collect(READER, other)
    twice = workbook(("A", [["when", "contact", "kind", "kind"]]))
    assert READER.recognise(head_of(twice)) is not None
    with pytest.raises(Unreadable, match="the column kind stands twice"):
        collect(READER, twice)
    with pytest.raises(Unreadable, match="the workbook is broken"):
        collect(READER, data[: len(data) // 2])


def test_records_open_again_and_are_masked(tmp_path: Path) -> None:
    data = journal(
        [datetime(2025, 10, 3, 18, 30), None, "K1", 77010000002, "call", None, None, None, None, None, "Anna", None, SECRET],
        ["2025-10-04", None, "K1", None, "seen", SECRET + " street", None, None, None, None, None, None, SECRET],
    )  # fmt: skip
    path = tmp_path / "j.xlsx"
    path.write_bytes(data)
    out = collect(READER, path)
    first, second = (
        open_record(source_of(path), r["record"], "journal", r["n"]) for r in (*out.event_rows, *out.position_rows)
    )
    assert SECRET in first.text
    assert first.masked == (
        "when: 2025-10-03 18:30\ncontact: K1\nvia: 77010000002\nkind: call\nwitness: ‹4 characters›\nnote: ‹10 characters›"
    )
    assert SECRET not in second.masked and "place: ‹17 characters›" in second.masked
