"""Layouts of operators' lists, whose list it is, and rows that do not fit their headings."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import _sheets, recognise
from pipelines.readers._layouts import layouts
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.cdr import READER, arrangements
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import SHARED, sample

AIRTEL = (
    "BHARTI AIRTEL LIMITED \n\n"
    "Target No,Call Type,TOC,B Party No,LRN No,LRN TSP-LSA,Date,Time,Dur(s),First CGI Lat/Long,First CGI,Last CGI Lat/Long,Last CGI,"
    "SMSC No,Service Type,IMEI,IMSI,Call Fow No,Roam Nw,SW & MSC ID,IN TG,OUT TG,Vowifi First UE IP,Port1,Vowifi Last UE IP,Port2\n"
    "'9810000001',SMT,Post,'AD-Shop-S',,-,'15/04/2026',08:26:10,0,21.29669/72.8915,404-98-1-2,,---,'919890000012',SMS,'1','2',-,AIR GJ,'3',,,,,,\n"
    "'9810000001',IN,Post,'9810000002',,-,'16/04/2026',09:26:10,61,-,404-98-1-2,,---,,VOICE,'1','2',-,AIR GJ,'3',,,,,,\n"
    "'9810000001',OUT,Post,'919810000002',,-,'16/04/2026',10:00:00,0,,404-98-1-2,,---,,VOICE,'1','2',-,AIR GJ,'3',,,,,,\n"
)
BSNL = (
    "Search Criteria : MSISDN\n"
    "Target/A-Party Number,Call Type,Type of Connection,Other/B-party Number,LRN of B-Party Number,Translation of LRN,Call Date,"
    "Call Initiation Time,Call Duration,First BTS Location,First Cell Global ID,Last BTS Location,Last Cell Global ID,SMS Centre No.,Service Type\n"
    "9810000001,IN,,57645,,,17/06/2026,15:58:21,1,Some Park II C; Town; Lat-22.39711; Long-88.43938,404-81-1-2,,-,1,SMS\n"
)
JIO = (
    "Calling Party Telephone Number,Called Party Telephone Number,Call Forward,LRN Called No,Call Date,Call Time,Call Termination Time,"
    "Call Duration,First Cell ID,Last Cell ID,Call Type,SMS Center,IMEI,IMSI,Roaming Circle Name\n"
    "919810000002,919810000001,,,15/04/2026,08:26:10,08:27:10,60,405872,405872,a_in,,1,2,GJ\n"
    "919810000001,919810000002,,,15/04/2026,09:26:10,09:27:10,5,405872,405872,a_out_vw,,1,2,GJ\n"
    "JX-SHOP,919810000001,,,15/04/2026,09:30:10,,0,405872,405872,A2P_SMSIN,,1,2,GJ\n"
)
CIDER = (
    "txn_type,caller_id,recipient_id,timestamp,duration,caller_antenna,recipient_antenna,international\n"
    "call,+77010000001,+77010000002,2020-01-01 00:00:42,253.0,AJK3,KB3,domestic\n"
    "text,+77010000002,+77010000001,2020-02-12 10:12:08,,KB9,KB8,domestic\n"
)
ASTERISK = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,accountcode,uniqueid,userfield\n"
    '2026-04-15 08:26:10,"""Anna"" <87010000002>",87010000002,87010000001,in,a,b,Dial,x,20,15,ANSWERED,3,,1,\n'
    '2026-04-15 08:30:10,"""Anna"" <87010000002>",87010000002,87010000001,in,a,b,Dial,x,20,0,NO ANSWER,3,,2,\n'
    '2026-04-15 08:31:10,"me",87010000001,87010000002,out,a,b,Dial,x,20,0,BUSY,3,,3,\n'
)


def brief(out: Collected) -> list[tuple[Any, ...]]:
    assert out.conserved()
    return [
        (r["n"], r["kind"], r["direction"], r["identifier"], r["answered"], r["duration_s"], r["owner_line"])
        for r in out.event_rows
    ]


def test_airtel() -> None:
    out = collect(READER, AIRTEL.encode(), ctx=context("IN"))
    own = "+919810000001"
    assert brief(out) == [
        (1, "message", "in", "alpha:AD-Shop-S", None, None, own), (2, "call", "in", "+919810000002", True, 61, own),
        (3, "call", "out", "+919810000002", False, 0, own),
    ]  # fmt: skip
    assert [(r["n"], r["sub"], r["lat"], r["lon"], r["subject"], r["source_how"], r["accuracy_m"]) for r in out.position_rows] == [
        (1, 2, 21.29669, 72.8915, "owner", "cell", None)
    ]  # fmt: skip
    assert recognise(head_of(AIRTEL.encode()))[0][0][0] == "cdr"


def test_bsnl() -> None:
    out = collect(READER, BSNL.encode(), ctx=context("IN"))
    assert brief(out) == [(1, "call", "in", "short:57645", True, 1, "+919810000001")]
    assert [(r["lat"], r["lon"]) for r in out.position_rows] == [(22.39711, 88.43938)]


def test_jio_needs_the_owner_or_its_words() -> None:
    out = collect(READER, JIO.encode(), ctx=replace(context("IN"), options={"owner": "9810000001"}))
    assert [r[1:6] for r in brief(out)] == [
        ("call", "in", "+919810000002", True, 60), ("call", "out", "+919810000002", True, 5),
        ("message", "in", "alpha:JX-SHOP", None, None),
    ]  # fmt: skip


def test_cider_and_asterisk() -> None:
    ctx = context(owner=["+77010000001"])
    assert [r[1:6] for r in brief(collect(READER, CIDER.encode(), ctx=ctx))] == [
        ("call", "out", "+77010000002", True, 253), ("message", "in", "+77010000002", None, None),
    ]  # fmt: skip
    assert [r[1:6] for r in brief(collect(READER, ASTERISK.encode(), ctx=ctx))] == [
        ("call", "in", "+77010000002", True, 15), ("call", "in", "+77010000002", False, 0), ("call", "out", "+77010000002", False, 0),
    ]  # fmt: skip


HEAD = "Номер абонента;Номер Б;Дата и время;Длительность;Направление;Тип\n"


def row(owner: str = "87010000001", other: str = "87010000002", when: str = "25.09.2026 10:00:00", rest: str = "5;вх;звонок") -> str:  # fmt: skip
    return f"{owner};{other};{when};{rest}\n"


def read(*rows: str, **more: Any) -> Collected:
    out = collect(READER, (HEAD + "".join(rows)).encode(), **more)
    assert out.conserved()
    return out


def test_a_list_of_several_lines_waits_for_the_owner() -> None:
    with pytest.raises(Waiting, match="of several numbers") as wait:
        read(row(), row("87010000009"))
    assert "701" not in wait.value.lines
    out = read(row(), row("87010000009"), ctx=replace(context(), options={"owner": "87010000001"}))
    assert [r[0] for r in brief(out)] == [1]
    assert out.rejects == [(2, "line:3", "the line of the row is not the owner's")]
    out = read(row(), row("87010000009"), ctx=context(owner=["+77010000001", "+77010000009"]))
    assert [r[6] for r in brief(out)] == ["+77010000001", "+77010000009"]


def test_a_list_of_somebody_else_waits() -> None:
    with pytest.raises(Waiting, match="not among the owner's"):
        read(row(), ctx=context(owner=["+77010000005"]))
    assert read(row(), ctx=context(owner=["Aigerim"])).kept == 1


def test_rows_that_do_not_fit_the_headings() -> None:
    out = read(
        row(), row(rest="5;вх;звонок;more"), row(rest="5;вх;звонок;"), "87010000001;87010000002\n", HEAD, row(rest='"5;вх;звонок'), row(),
        row(other="87010000002"),
    )  # fmt: skip
    assert [(n, record, why) for n, record, why in out.rejects] == [
        (2, "line:3", "the row has more cells than the headings"),
        (4, "line:5", "the row has fewer cells than the columns that are read"),
        (6, "line:7", _sheets.OPEN_QUOTE),
    ]
    assert [r[0] for r in brief(out)] == [1, 3, 7, 8] and out.scoped_out == 1
    assert "1 rows of headings that stand again are out of scope" in out.notes


def test_a_cut_row_is_not_a_caller_without_a_number() -> None:
    whole = (HEAD + row() + row()).encode()
    for end in range(len(HEAD.encode()) + len(row().encode()) + 1, len(whole)):
        out = collect(READER, whole[:end])
        assert out.conserved()
        assert {r["identifier"] for r in out.event_rows} == {"+77010000002"}


def test_what_is_no_communication() -> None:
    out = read(
        row(rest="5;-;интернет"), row(rest="5;вбок;GPRS"), row(rest="5;вх;переадресация"), "Итого;;;100;;\n", row(rest="5;;USSD"), row(),
    )  # fmt: skip
    assert (out.scoped_out, out.kept) == (5, 1)
    out = read(
        row(rest="5;вбок;звонок"), row(rest="5;вх;телепатия"), row(rest="5;;звонок"), row(rest="0;вх;пропущенный")
    )
    assert [r[2] for r in out.rejects] == [
        "the word in the column of the direction is not known", "the word in the column of the type is not known",
    ]  # fmt: skip
    assert [(r[2], r[4]) for r in brief(out)] == [("unknown", True), ("in", False)]
    assert "1 rows do not say which way they went" in out.notes
    assert not any("no call as missed" in n for n in out.notes)
    assert any("no call as missed" in n for n in read(row()).notes)


def test_withheld_callers_have_no_identifier() -> None:
    rows = [row(other=o) for o in ("", "Скрытый номер", "anonymous", "таксофон", "-1")]
    out = read(*rows)
    assert {r["identifier"] for r in out.event_rows} == {None}
    assert {r["identifier_kind"] for r in out.event_rows} <= {"withheld", "unknown_caller", "payphone"}


def test_the_headings_decide_the_delimiter() -> None:
    text = (
        "Отчёт, часть 1\nс 1, по 2\nвсего, 3\nНомер Б;Дата и время;Длительность, мин;Направление;Сумма\n"
        "87010000002;25.09.2026 10:00:00;1,5;исх;10,5\n87010000003;25.09.2026 11:00:00;2,5;вх;0,5\n"
    )
    out = collect(READER, text.encode())
    assert [r[2:6] for r in brief(out)] == [("out", "+77010000002", True, 90), ("in", "+77010000003", True, 150)]
    assert recognise(head_of(text.encode()))[0][0][0] == "cdr"


def test_a_column_of_dates_that_holds_the_time_too() -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="writes the workbook of this test")
    made = openpyxl.Workbook()
    made.active.append(["Номер Б", "Дата", "Время", "Длительность", "Направление", "Комментарий"])
    made.active.append([77010000002, datetime(2026, 9, 25, 14, 30, 5), None, 5, "исх", None])
    made.active.append([77010000002, datetime(2026, 9, 25), datetime(1899, 12, 30, 14, 30, 6), 5, "исх"])
    made.active.append([77010000002, "25.09.2026", "14:30:07", 5, "исх"])
    data = io.BytesIO()
    made.save(data)
    times = [r["local_time"] % 60_000_000 for r in collect(READER, data.getvalue()).event_rows]
    assert times == [5_000_000, 6_000_000, 7_000_000]


def test_locked_workbooks_are_claimed_and_refused() -> None:
    data = _sheets.OLE_MAGIC + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    claims, verdict = recognise(head_of(data))
    assert verdict == "known" and claims[0][0] == "cdr"
    with pytest.raises(Unreadable, match="password"):
        collect(READER, data)
    old = _sheets.OLE_MAGIC + bytes(600) + "Workbook".encode("utf-16-le")
    with pytest.raises(Unreadable, match=r"\.xls"):
        collect(READER, old)
    assert READER.recognise(head_of(_sheets.OLE_MAGIC + bytes(600))) is None


def test_arrangements_name_the_columns() -> None:
    ((title, mapped),) = arrangements(source_of((HEAD + row()).encode()), context())
    assert title == "" and mapped.layout.id == "any"
    assert {role: mapped.names[k] for role, k in mapped.place.items()} == {
        "subject": "Номер абонента", "counterpart": "Номер Б", "start": "Дата и время", "duration": "Длительность",
        "direction": "Направление", "type": "Тип",
    }  # fmt: skip


def test_doubled_lists_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(when=f"25.09.2026 10:00:{k:02d}") for k in range(60)]
    once, twice = read(*rows), read(*rows, *rows)
    assert (once.kept, twice.kept) == (60, 120)
    for size in (1, 7, 64):
        monkeypatch.setattr(_sheets, "_BLOCK", size)
        assert brief(read(*rows)) == brief(once)


def test_every_row_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for text in (AIRTEL, BSNL, JIO, HEAD + row() + row()):
        path.write_text(text, encoding="utf-8")
        out = collect(READER, path, ctx=replace(context("IN"), options={"owner": "9810000001"} if text is JIO else {}))
        for found in out.event_rows:
            raw = open_record(source_of(path), found["record"], "cdr", found["n"])
            assert raw.complete and found["identifier_raw"] in raw.text


def test_declared_columns_go_before_the_layout() -> None:
    text = "кто;кому;когда;сколько\n87010000001;87010000002;25.09.2026 10:00:00;7\n"
    options = {"columns.caller": "кто", "columns.called": "2", "columns.start": "Когда", "columns.duration": "сколько"}
    out = collect(READER, text.encode(), ctx=replace(context(), options={**options, "owner": "87010000001"}))
    assert brief(out) == [(1, "call", "out", "+77010000002", True, 7, "+77010000001")]


def test_bandicoots_records_agree_with_its_own_way_of_reading() -> None:
    path = sample("cdr/bandicoot_ego.csv")
    with path.open(encoding="utf-8", newline="") as file:
        theirs = [
            (
                {"text": "message"}.get(r["interaction"], r["interaction"]), r["direction"], f"raw:{r['correspondent_id']}",
                round(datetime.strptime(r["datetime"] + " +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()) * 1_000_000,
                int(r["call_duration"]) if r["call_duration"] else None,
            )
            for r in csv.DictReader(file)
        ]  # fmt: skip
    names = ("kind", "direction", "identifier", "local_time", "duration_s")
    assert [tuple(r[k] for k in names) for r in collect(READER, path).event_rows] == theirs


def test_every_layout_says_where_it_comes_from() -> None:
    assert {"airtel-in", "bsnl-in", "jio-in", "cider", "asterisk"} <= set(layouts())
    assert all(
        not layout.verified or "bandicoot" in layout.source or "Nexign" in layout.source
        for layout in layouts().values()
    )


def test_other_samples_are_not_claimed() -> None:
    sample("cdr")
    seen: Counter[str] = Counter()
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file() and path.stat().st_size < 2_000_000 and path.parent.name != "cdr":
            claim = READER.recognise(head_of(path))
            seen["all"] += 1
            assert claim is None or claim.sure <= 60, path.name
            if claim is not None:
                claims, verdict = recognise(head_of(path))
                assert verdict == "known" and claims[0][0] != "cdr", path.name
    assert seen["all"] > 20
