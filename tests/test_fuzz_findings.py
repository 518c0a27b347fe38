"""Files on which a reader once hung, crashed or said what is not so, found by benchmarks/fuzz and by the contract suite."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from pipelines.locate import open_record
from pipelines.readers import all_readers
from pipelines.readers.base import Unreadable
from tests.collect import Collected, collect, source_of
from tests.reader_examples import Example, examples
from tests.test_reader_leapp import CALLS, as_json, call
from tests.test_reader_sms_backup_xml import sms
from tests.test_reader_ufed_xml import FULL, model, report


def example(name: str) -> Example:
    return next(e for e in examples() if e.id == name)


def read(name: str, data: bytes) -> Collected:
    made = example(name)
    out = Collected()
    all_readers()[made.reader].read(made.source(data), made.ctx, out)
    assert out.conserved()
    return out


# -- UFED


@pytest.mark.parametrize("before", ["<model>", "<model><modelType>", "<x:model><x:modelType></x:modelType>"])
def test_a_model_outside_of_any_list_does_not_hold_the_reader_for_ever(before: str) -> None:
    out = collect(all_readers()["ufed-xml"], report(*FULL, head=before))
    assert out.conserved()
    assert any("breaks" in note for note in out.notes)


def test_a_model_in_the_place_of_a_field_of_a_chat() -> None:
    data = report(("Chat", model("Chat", "<model><modelType></modelType>")), *FULL)
    assert collect(all_readers()["ufed-xml"], data).conserved()


def test_a_report_behind_a_report_is_not_passed_over_in_silence() -> None:
    out = collect(all_readers()["ufed-xml"], report(*FULL) * 2)
    assert any("goes on behind the end" in note for note in out.notes)
    assert not any(
        "goes on" in note for note in collect(all_readers()["ufed-xml"], report(*FULL) + b"\n<!-- x -->\n").notes
    )


def test_a_tag_of_very_many_letters_is_read_at_once() -> None:
    start = time.process_time()
    for filler in ("A" * 400_000, "A " * 200_000, "\0 " * 200_000):
        assert collect(all_readers()["ufed-xml"], report(("Call", f"<model {filler}></model>"), *FULL)).conserved()
    assert time.process_time() - start < 20


# -- tables of LEAPP


def test_headers_that_are_no_utf_8() -> None:
    data = as_json(CALLS, call("Incoming")).replace(b"Partner Location", b"Partner \xff")
    with pytest.raises(Unreadable):
        collect(all_readers()["leapp-json"], data)


def test_a_header_with_a_carriage_return_is_masked() -> None:
    reader = all_readers()["leapp-tsv"]
    lines = [CALLS.replace("|", "\t") + "\tx\ry", "\t".join(map(str, call("Incoming"))) + "\tz", ""]
    data = "\n".join(lines).encode()
    try:
        rows = collect(reader, data).event_rows
    except Unreadable:
        return
    for row in rows:
        assert open_record(source_of(data), row["record"], "leapp-tsv", row["n"]).masked


# -- databases


def test_rows_on_a_page_that_is_there_in_part_are_lost_and_never_others() -> None:
    made = example("android-calls-calllog")
    data = made.make(300)
    page = int.from_bytes(data[16:18], "big")
    whole = {
        (r["record"], r["local_time"], r["identifier"], r["duration_s"], r["direction"])
        for r in read(made.id, data).event_rows
    }
    kept = 0
    for end in range(page * 2, len(data), 211):
        try:
            out = read(made.id, data[:end])
        except Unreadable:
            continue
        rows = {
            (r["record"], r["local_time"], r["identifier"], r["duration_s"], r["direction"]) for r in out.event_rows
        }
        assert rows <= whole, end
        assert any("is cut off" in note for note in out.notes) and out.rejects
        kept = max(kept, len(rows))
    assert kept > 200  # what lies on whole pages is kept


def test_a_cut_database_on_disk_is_read_like_one_in_an_archive(tmp_path: Path) -> None:
    made = example("android-calls-calllog")
    data = made.make(300)[:-700]
    path = tmp_path / "calllog.db"
    path.write_bytes(data)
    assert collect(all_readers()["android-calls"], path).event_rows == read(made.id, data).event_rows


def test_a_damaged_table_whose_column_is_no_utf_8() -> None:
    made = example("badoo-android")
    data = made.data()
    at = data.index(b"sender_id")
    try:
        read(made.id, data[:at] + b"\xffender_id" + data[at + 9 :])
    except Unreadable as error:
        assert error.reason


def test_a_row_that_was_read_along_the_leaves_opens_again_where_the_way_down_is_lost() -> None:
    made = example("android-blocked")
    data = bytearray(made.make(400))
    with sqlite3.connect(":memory:") as db:
        db.deserialize(bytes(data))
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'blocked'").fetchone()
    page = int.from_bytes(data[16:18], "big")
    begin = (root - 1) * page
    assert data[begin] == 5  # an inner page: its first cell points to the first leaf
    cell = begin + int.from_bytes(data[begin + 12 : begin + 14], "big")
    assert data[cell + 4] < 0x80
    data[cell + 4] = 1  # the key says that only row 1 lies to the left
    out = read(made.id, bytes(data))
    assert out.listed_rows
    source = source_of(bytes(data))
    for row in out.listed_rows:
        assert open_record(source, row["record"], "android-blocked", row["n"]).data


# -- address books, SMS Backup & Restore


def test_cards_whose_lines_end_in_cr_alone() -> None:
    with pytest.raises(Unreadable, match="CR alone"):
        read("vcard", example("vcard").data().replace(b"\r\n", b"\r"))


def test_a_record_before_the_root_does_not_swallow_the_file() -> None:
    texts = "".join(sms(date=1_700_000_000_000 + k) for k in range(5))
    data = f'<mms date="1700000000000">\n<smses count="5">\n{texts}</smses>\n'.encode()
    out = read("sms-backup-xml-sms", data)
    assert [r["record"] for r in sorted(out.event_rows, key=lambda r: r["n"])] == [
        f"xml:/smses/sms[{k}]" for k in range(1, 6)
    ]
    assert len(out.rejects) == 1
    source = source_of(data)
    for n, record in [(r["n"], r["record"]) for r in out.event_rows] + [(n, r) for n, r, _ in out.rejects]:
        assert open_record(source, record, "sms-backup-xml", n).data


# -- networks


def test_another_file_of_the_archive_of_x_is_refused() -> None:
    with pytest.raises(Unreadable, match="neither messages nor"):
        read("x-archive", b'window.YTD.tweets.part0 = [{"tweet": {}}]')
