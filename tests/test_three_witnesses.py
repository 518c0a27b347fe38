"""One call in the phone's log, the operator's list and the laboratory's report, through the real readers and the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.ingest import ingest
from pipelines.scoring import load_case, score_loaded
from pipelines.statutes import profile
from tests.android_databases import CALLS_2013, database
from tests.shell_tools import make_case, quick_disk  # noqa: F401  (a fixture)
from tests.test_reader_ufed_xml import model, report

pytestmark = pytest.mark.usefixtures("quick_disk")

CASE = """[case]
id = "c1"
timezone = "Asia/Almaty"
region = "KZ"
basis = "consent"

[owner]
name = "A."
identifiers = ["+77010000001"]

[[contact]]
id = "K1"
label = "man"
identifiers = ["+77010000002"]
"""
#: (seconds after 2025-10-06T10:00:00+05:00, talk time, type)
CALLS = [(0, 60, 1), (3600, 0, 2), (7200, 125, 2), (10_800, 30, 1)]
NOON = 1_759_726_800


def phone(calls: list[tuple[int, int, int]]) -> bytes:
    rows = "".join(
        f"INSERT INTO calls (number, date, duration, type) VALUES ('+77010000002', {(NOON + s) * 1000 + 250}, {d}, {t});"
        for s, d, t in calls
    )
    return database(CALLS_2013, after=rows)


def operator(calls: list[tuple[int, int, int]], late: int = 17) -> bytes:
    """Write the list as an operator does: its own clock, the moment of the answer, local time, whole seconds."""
    lines = ["Номер Б;Дата и время;Длительность;Направление"]
    for s, d, t in calls:
        clock = s + late
        time = f"06.10.2025 {10 + clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}"
        lines.append(f"87010000002;{time};{d};{'Входящий' if t == 1 else 'Исходящий'}")
    return ("\n".join(lines) + "\n").encode()


def laboratory(calls: list[tuple[int, int, int]]) -> bytes:
    models = ""
    for k, (s, d, t) in enumerate(calls):
        clock = f"2025-10-06T{5 + s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.000+00:00"
        way = "Incoming" if t == 1 else "Outgoing"
        inside = (
            f'<field name="Type" type="String"><value type="String"><![CDATA[{way}]]></value></field>'
            f'<field name="Direction" type="String"><value type="String"><![CDATA[{way}]]></value></field>'
            f'<field name="TimeStamp" type="TimeStamp"><value type="TimeStamp" format="TimeStampKnown">{clock}</value></field>'
            f'<field name="Duration" type="TimeSpan"><value type="TimeSpan">00:{d // 60:02d}:{d % 60:02d}</value></field>'
            '<multiModelField name="Parties" type="Party">'
            + model(
                "Party",
                '<field name="Identifier" type="String"><value type="String"><![CDATA[+77010000002]]></value></field>',
            )
            + "</multiModelField>"
        )
        models += model("Call", inside, id=f"c{k}")
    return report(("Call", models))


def case_of(tmp_path: Path, **files: bytes) -> Path:
    case = make_case(tmp_path / "case", CASE)
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    done = ingest(case, [folder])
    assert {s.format for s in done.stored} == {"android-calls", "cdr", "ufed-xml"}, (
        done.unknown,
        done.failed,
        done.waiting,
    )
    return case


def test_one_event_with_three_witnesses(tmp_path: Path) -> None:
    case = case_of(tmp_path, calllog_db=phone(CALLS), list_csv=operator(CALLS), report_xml=laboratory(CALLS))
    loaded = load_case(case)
    events = loaded.resolved.tables.events
    kept = [e for e in events.to_pylist() if e["duplicate_of"] is None]
    assert len(events) == 12
    assert [(e["direction"], e["duration_s"], e["ts_precision"]) for e in sorted(kept, key=lambda e: e["ts"])] == [
        ("in", 60, "ms"), ("out", 0, "ms"), ("out", 125, "ms"), ("in", 30, "ms"),
    ]  # fmt: skip
    assert len(loaded.resolved.witnesses) == 8
    document = score_loaded(loaded, profile("kz-115-1")).document
    assert [(o["both"], o["only_a"]["events"], o["only_b"]["events"]) for o in document["overlaps"]]
    assert all(o["only_a"]["events"] == o["only_b"]["events"] == 0 for o in document["overlaps"])
    (finding,) = document["findings"]
    assert finding["indicators"]["acts"]["value"] == 2


def test_a_call_that_was_taken_out_of_the_phone_is_asked_about(tmp_path: Path) -> None:
    more = [*CALLS, (5000, 44, 1), (14_400, 20, 1)]
    more.sort()
    without = [c for c in more if c[0] != 5000]
    case = case_of(tmp_path, calllog_db=phone(without), list_csv=operator(more), report_xml=laboratory(without))
    document = score_loaded(load_case(case), profile("kz-115-1")).document
    lacking = [(o["both"], o["only_a"]["records"] + o["only_b"]["records"]) for o in document["overlaps"]]
    listed = {c["source_id"]: c["format"] for c in document["coverage"]}
    gone = {r for _, records in lacking for r in records}
    assert len(gone) == 1
    (record,) = gone
    assert listed[record.partition("#")[0]] == "cdr"
    assert record.endswith("#3")
