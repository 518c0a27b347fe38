"""Operators' lists: by headings, by layout, by declared columns; what is ambiguous waits, what is lost is rejected."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._layouts import ROLES, layouts
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.cdr import READER
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

SECRET = "сумма, которую никто не видит"
HEAD = "№;Номер абонента;Номер Б;Дата и время;Длительность;Направление;Тип вызова;Сумма\n"
LIST = (
    "Детализация за октябрь\nАбонент: А.\n\n" + HEAD
    + f"1;8 701 000 00 01;8 701 000 00 02;25.09.2026 14:30:05;00:01:23;Исходящий;Звонок;{SECRET}\n"
    + f"2;8 701 000 00 01;+7 701 000 00 02;25.09.2026 15:00:00;0;Входящий;Звонок;{SECRET}\n"
    + f"3;8 701 000 00 01;87010000003;26.09.2026 09:00;;Входящее;SMS;{SECRET}\n"
    + f"4;8 701 000 00 01;;26.09.2026 10:00:00;12;Входящий;Звонок;{SECRET}\n"
    + f"5;8 701 000 00 01;internet;26.09.2026 10:00:00;900;Исходящий;Интернет;{SECRET}\n"
    + f"6;8 701 000 00 01;7,701E+10;26.09.2026 11:00:00;12;Входящий;Звонок;{SECRET}\n"
    + f"7;8 701 000 00 01;87010000002;31.02.2026 11:00:00;12;Входящий;Звонок;{SECRET}\n"
    + f"8;8 701 000 00 01;87010000002;26.09.2026 12:00:00;0;Исходящий;Звонок;{SECRET}\n"
    + f"9;8 701 000 00 01;87010000002;26.09.2026 13:00:00;0;Входящий;Пропущенный вызов;{SECRET}\n"
    + f"10;8 701 000 00 01;87010000002;26.09.2026 13:00:00;0;вбок;Звонок;{SECRET}\n"
    + f"Итого;;;;900;;;{SECRET}\n"
)  # fmt: skip


def rows(out: Collected) -> list[tuple[Any, ...]]:
    return [
        (
            r["n"],
            r["record"],
            r["kind"],
            r["direction"],
            r["identifier"],
            r["answered"],
            r["duration_s"],
            r["owner_line"],
        )
        for r in out.event_rows
    ]


def test_a_list_with_headings_after_a_preamble() -> None:
    out = collect(READER, LIST.encode())
    own = "+77010000001"
    assert rows(out) == [
        (1, "line:5", "call", "out", "+77010000002", True, 83, own), (2, "line:6", "call", "in", "+77010000002", None, 0, own),
        (3, "line:7", "message", "in", "+77010000003", None, None, own), (4, "line:8", "call", "in", None, True, 12, own),
        (8, "line:12", "call", "out", "+77010000002", False, 0, own), (9, "line:13", "call", "in", "+77010000002", False, 0, own),
    ]  # fmt: skip
    first = out.event_rows[0]
    assert (first["local_time"], first["zone_basis"], first["ts_precision"]) == (1_790_346_605_000_000, "case", "s")
    assert out.event_rows[2]["ts_precision"] == "min"
    assert {r["how"] for r in out.event_rows} == {"operator"}
    assert {n: why for n, _, why in out.rejects} == {
        6: "a spreadsheet has cut the number: its digits are lost", 7: "the calendar has no such date",
        10: "the word in the column of the direction is not known",
    }  # fmt: skip
    assert (out.records, out.scoped_out) == (11, 2)
    assert out.conserved()
    assert SECRET not in str(out.__dict__)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encodings_and_line_ends(encoding: str, ends: str) -> None:
    data = LIST.replace("\n", ends).encode(encoding)
    assert [r[0::2] for r in rows(collect(READER, data))] == [r[0::2] for r in rows(collect(READER, LIST.encode()))]
    assert recognise(head_of(data))[0][0][0] == "cdr"


def test_windows_1251_waits_for_its_encoding() -> None:
    data = LIST.replace("№", "N").encode("windows-1251")
    with pytest.raises(Waiting, match="encoding") as wait:
        collect(READER, data)
    assert "windows-1251" in wait.value.lines
    assert rows(collect(READER, data, ctx=context(encoding="windows-1251"))) == rows(collect(READER, LIST.encode()))


BOTH = 'Номер А,Номер Б,Начало звонка,"Длительность, мин."\n+77010000001,+77010000002,2026-09-25 10:00:00,2\n+77010000002,+77010000001,2026-09-25 11:00:00,"1,5"\n+77010000008,+77010000009,2026-09-25 11:00:00,1\n'


def test_two_numbers_need_to_know_the_owner() -> None:
    with pytest.raises(Waiting, match="which is the owner's"):
        collect(READER, BOTH.encode())
    for ctx in (context(owner=["+77010000001"]), replace(context(), options={"owner": "8 701 000 00 01"})):
        out = collect(READER, BOTH.encode(), ctx=ctx)
        assert [r[3:7] for r in rows(out)] == [("out", "+77010000002", True, 120), ("in", "+77010000002", True, 90)]
        assert [r[2] for r in out.rejects] == ["neither number is the owner's"]


def test_day_and_month_by_the_whole_list_or_not_at_all() -> None:
    def table(*dates: str) -> bytes:
        return (
            "contragent,datetime,duration,direction\n" + "".join(f"+77010000002,{d} 10:00:00,5,in\n" for d in dates)
        ).encode()

    ctx = context(**{"columns.counterpart": "contragent"})
    times = [r["local_time"] for r in collect(READER, table("03/04/2026", "25/04/2026"), ctx=ctx).event_rows]
    assert times[0] == 1_775_210_400_000_000
    with pytest.raises(Waiting, match="day and month"):
        collect(READER, table("03/04/2026", "05/04/2026"), ctx=ctx)
    with pytest.raises(Unreadable, match="two lists"):
        collect(READER, table("13/04/2026", "05/14/2026"), ctx=ctx)
    told = context(**{"columns.counterpart": "contragent", "date_order": "mdy"})
    assert collect(READER, table("03/04/2026"), ctx=told).event_rows[0]["local_time"] == 1_772_618_400_000_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns.called": "Номер Ъ"}, "no row holds the columns called = 'Номер Ъ'.*'Номер Б'"),
        ({"columns.who": "Номер Б"}, "who is nothing that a column can be; known are"),
        ({"layout": "nobody"}, "no layout of that name; known are"),
        ({"layout": "airtel-in"}, "no row holds the columns layout = airtel-in"),
    ],
)
def test_a_mapping_that_does_not_fit(options: dict[str, str], words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        collect(READER, LIST.encode(), ctx=context(**options))
    assert "701" not in caught.value.reason


def test_columns_by_number_of_a_list_without_headings() -> None:
    data = b"87010000002|20260925100000|60|1\n87010000003|20260925110000|0|2\n" * 3
    options = {"columns.counterpart": "1", "columns.start": "2", "columns.duration": "3", "delimiter": "|"}
    out = collect(READER, data, ctx=context(**options))
    assert [r[3:7] for r in rows(out)][:2] == [
        ("unknown", "+77010000002", True, 60),
        ("unknown", "+77010000003", None, 0),
    ]
    assert out.records == 6


def test_a_file_without_headings_waits_with_the_lines_to_add() -> None:
    with pytest.raises(Waiting) as wait:
        collect(READER, b"a;b;c;d\n1;2;3;4\n1;2;3;4\n")
    assert wait.value.lines.startswith("columns = {")


def test_the_locator_opens_the_row_and_hides_what_is_not_understood() -> None:
    source = source_of(LIST.encode())
    raw = open_record(source, "line:5", "cdr", 1)
    assert "8 701 000 00 02" in raw.masked
    assert SECRET in raw.text
    assert SECRET not in raw.masked


def test_workbook(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="writes the workbooks of these tests")
    from datetime import datetime

    book = openpyxl.Workbook()
    book.active.append(["Детализация"])
    book.create_sheet("Звонки")
    sheet = book["Звонки"]
    sheet.append(["Номер Б", "Дата и время", "Длительность", "Направление"])
    sheet.append([77010000002, datetime(2026, 9, 25, 14, 30, 5), 83, "исх."])
    sheet.append(["+77010000003", "25.09.2026 15:00:00", "00:00:05", "вх."])
    sheet.append([7.7010000002e10 + 0.5, "25.09.2026 15:00:00", 1, "вх."])
    buffer = io.BytesIO()
    book.save(buffer)
    out = collect(READER, buffer.getvalue())
    assert [(r[1], *r[3:7]) for r in rows(out)] == [
        ("cell:Звонки!2", "out", "+77010000002", True, 83), ("cell:Звонки!3", "in", "+77010000003", True, 5),
    ]  # fmt: skip
    assert [r[1:] for r in out.rejects] == [("cell:Звонки!4", "a spreadsheet has cut the number: its digits are lost")]
    assert recognise(head_of(buffer.getvalue()))[0][0][0] == "cdr"


@pytest.mark.parametrize("start", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600])
def test_an_old_or_encrypted_workbook_is_one_sentence(start: bytes) -> None:
    with pytest.raises(Unreadable, match="old workbook"):
        collect(READER, start, ctx=context(layout="kcell"))


def test_cut_at_every_byte() -> None:
    data = LIST.encode()
    whole = {r[:7] for r in rows(collect(READER, data))}
    head = len("Детализация за октябрь\nАбонент: А.\n\n".encode()) + len(HEAD.encode())
    for end in range(head + 30, len(data), 3):
        out = collect(READER, data[:end])
        assert out.conserved()
        assert len({r[:7] for r in rows(out)} - whole) <= 1, "only the row that is cut can differ"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=12))
def test_any_cells_are_kept_rejected_or_out_of_scope(cells: list[list[str]]) -> None:
    import csv

    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(cells)
    out = collect(READER, (HEAD + text.getvalue()).encode("utf-8", "replace"))
    assert out.conserved()


def test_layouts_are_sound() -> None:
    assert {"any", "kcell", "beeline-kz", "tele2-altel-kz", "bandicoot", "orange", "nexign"} <= set(layouts())
    for layout in layouts().values():
        assert set(layout.columns) <= set(ROLES)
        assert layout.columns and layout.source and layout.title
        if not layout.header:
            assert layout.shape is not None and all(v[0].isdecimal() for v in layout.columns.values())


def counted(out: Collected) -> Counter[tuple[str, str]]:
    return Counter((r["kind"], r["direction"]) for r in out.event_rows)


def test_the_shared_samples() -> None:
    ego = sample("cdr/bandicoot_ego.csv")
    antennas = sample("cdr/bandicoot_antennas.csv")
    out = collect(READER, ego, beside={"bandicoot_antennas.csv": antennas.read_bytes()})
    assert counted(out) == {("message", "in"): 166, ("message", "out"): 73, ("call", "in"): 44, ("call", "out"): 31}
    assert len({r["identifier"] for r in out.event_rows}) == 7
    assert len(out.position_rows) == 314
    assert [role for role, _ in out.companions] == ["antennas"]
    times = sorted(r["local_time"] for r in out.event_rows)
    assert (times[0], times[-1]) == (1_393_744_410_000_000, 1_397_477_077_000_000)
    assert collect(READER, antennas).scoped_out == 27
    orange = collect(READER, sample("cdr/bandicoot_orange_u_test.csv"))
    assert counted(orange) == {("message", "out"): 171, ("call", "out"): 79, ("message", "in"): 174, ("call", "in"): 76}
    assert not orange.position_rows
    nexign = collect(READER, sample("cdr/nexign_cdr.txt"))
    assert (nexign.records, nexign.kept, len(nexign.rejects)) == (5000, 0, 5000)
    assert {r[2] for r in nexign.rejects} == {"the list does not name the other number"}
