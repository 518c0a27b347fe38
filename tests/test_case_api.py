"""The notebook API: frames with honest times, findings, plots, and the way from a number to its record."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import qorgan
from detector.records import unfold
from detector.schema import TABLES
from pipelines.case import Case
from pipelines.cli import main
from pipelines.demo import examples
from pipelines.errors import UserError
from pipelines.report import plots
from pipelines.scoring import load_case
from tests.build import CaseBuilder
from tests.report_cases import example, example_folder, loaded_of
from tests.shared_data import ROOT


@pytest.fixture(scope="module")
def case() -> Case:
    return Case.open(example_folder())


def test_the_name_is_there_and_loads_late() -> None:
    assert qorgan.Case is Case and "Case" in dir(qorgan)
    assert qorgan.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = qorgan.Nothing
    code = "import sys, qorgan, qorgan.__main__; print([m for m in ('pandas', 'numpy', 'matplotlib', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_notebook_api_imports_pandas() -> None:
    for folder in ("pipelines", "detector", "qorgan"):
        for path in (ROOT / folder).rglob("*.py"):
            if path != ROOT / "pipelines" / "case.py":
                assert "import pandas" not in path.read_text("utf-8"), path


def test_frames_are_the_tables(case: Any) -> None:
    tables = load_case(example_folder()).resolved
    for name in ("events", "positions", "contacts", "notices", "places", "coverage"):
        frame, table = getattr(case, name), getattr(tables.tables, name)
        assert len(frame) == len(table)
        left_out = {"local_time", "local_end", "local_from", "local_to", "stated_offset_s", "end_offset_s"}
        assert {*frame.columns, frame.index.name} - {None} == set(TABLES[name].names) - left_out
    assert list(case.sources.index) == tables.sources["source_id"].to_pylist()
    assert len(case.rejects) == len(tables.rejects) == 4
    sums = case.sources[["kept", "rejected", "out_of_scope"]].sum(axis=1)
    assert (sums == case.sources["read"]).all()


def test_moments_are_those_of_the_table_in_the_case_s_zone(case: Any) -> None:
    table = load_case(example_folder()).resolved.tables.events
    ts = case.events["ts"]
    assert str(ts.dt.tz) == "Asia/Almaty" and case.timezone == "Asia/Almaty"
    assert (ts.astype("int64").to_numpy() == table["ts"].to_numpy()).all()
    assert case.notices["ts"].iloc[0].isoformat() == "2025-10-02T18:30:00+05:00"


def test_the_doubled_hour_and_the_change_of_zone_are_seen() -> None:
    builder = CaseBuilder()
    builder.message("K1", "2024-02-29 17:30")  # half an hour before Almaty gave up +06, by a clock at +05
    builder.message("K1", "2024-03-01 12:00")
    ts: Any = Case(loaded_of(builder, zone="Asia/Almaty")).events["ts"]
    assert [t.isoformat() for t in ts] == ["2024-02-29T18:30:00+06:00", "2024-03-01T12:00:00+05:00"]


def test_a_fixed_offset_is_a_zone_too() -> None:
    builder = CaseBuilder()
    builder.message("K1", "2025-10-03 12:00")
    ts: Any = Case(loaded_of(builder, zone="+05:30")).events["ts"]
    assert ts.iloc[0].isoformat() == "2025-10-03T12:30:00+05:30"


def test_what_is_not_known_is_missing_and_never_zero() -> None:
    builder = CaseBuilder()
    builder.place("home")
    builder.place("gym", "gym", valid_from="2025-01-01", valid_to="2025-06-01")
    builder.message("K1", "2025-10-03 12:00")
    builder.call("K1", "2025-10-03 13:00", answered=True, duration=61)
    case: Any = Case(loaded_of(builder))
    assert case.places.loc["home", ["ts_from", "ts_to"]].isna().all()
    assert case.places.loc["gym", "ts_from"].isoformat() == "2025-01-01T00:00:00+05:00"
    durations, answered = case.events["duration_s"], case.events["answered"]
    assert durations.dtype == "Int64" and durations.iloc[0] is pd.NA and durations.iloc[1] == 61
    assert answered.dtype == "boolean" and answered.iloc[0] is pd.NA and bool(answered.iloc[1])
    findings = case.findings
    assert findings.loc["K1", "after_notice_acts"] is pd.NA and pd.isna(findings.loc["K1", "first_met"])
    assert findings.loc["K1", "acts"] == 2


def test_written_at_is_the_reading_that_stands_in_the_journal(case: Any) -> None:
    journal = case.positions[case.positions["how"] == "journal"]
    assert journal["written_at"].notna().any() and journal["written_at"].dt.tz is None
    waited = journal[(journal["contact_id"] == "S1")].sort_values("ts").iloc[0]
    assert waited["written_at"] == pd.Timestamp("2025-09-29 23:10")


def test_a_frame_is_made_anew(case: Any) -> None:
    first = case.contacts
    first.loc["K1", "label"] = "changed"
    assert case.contacts.loc["K1", "label"] == "former partner"


def test_findings_are_the_document_s(case: Any) -> None:
    frame = case.findings
    document = example()[0].document
    assert list(frame.index) == [f["contact_id"] for f in document["findings"]]
    for f in document["findings"]:
        row = frame.loc[f["contact_id"]]
        assert (row["verdict"], row["points"], row["label"]) == (f["verdict"], f["points"], f["label"])
        for name, x in f["indicators"].items():
            assert row[name] is pd.NA if x["value"] is None else row[name] == x["value"]
    assert frame.loc["K1", "first_met"].isoformat() == "2025-10-02T22:40:05+05:00"


def test_score_is_that_of_the_command_and_findings_follow_it() -> None:
    case: Any = Case.open(example_folder())
    assert case.score() == example()[0].document
    document = case.score(as_of="2025-10-01")
    assert document["as_of"].startswith("2025-10-01T00:00:00")
    assert case.findings.loc["K1", "acts"] < 445
    assert "as of 2025-10-01" in case.explain("K1")
    with pytest.raises(UserError, match="is no date"):
        case.score(as_of="soon")
    with pytest.raises(UserError, match="xx"):
        case.score("xx")


def test_a_case_without_findings_has_an_empty_frame() -> None:
    case = Case(loaded_of(CaseBuilder()))
    assert case.findings.empty and case.findings.index.name == "contact_id" and case.events.empty
    case.plot.comparison().svg()


def test_explain_is_the_command_s_text(case: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(example_folder(), tmp_path / "case")
    assert main(["explain", str(tmp_path / "case"), "K1"]) == 0
    assert capsys.readouterr().out.startswith(case.explain("former partner"))
    with pytest.raises(UserError, match="no contact 'nobody'"):
        case.explain("nobody")


def test_plots_come_with_their_caption_and_are_the_report_s(case: Any) -> None:
    captions = {
        "timeline": plots.TIMELINE_CAPTION, "hour_weekday": plots.HOUR_WEEKDAY_CAPTION, "places": plots.PLACES_CAPTION,
    }  # fmt: skip
    from pipelines.report.view import View

    view = View(*example())
    for name, caption in captions.items():
        plot = getattr(case.plot, name)("former partner")
        assert plot.caption == caption
        assert plot.svg() == plots.svg(getattr(plots, name)(view, "K1"), plot.name)
        shown = plot._repr_html_()
        assert shown.startswith("<figure><svg xmlns=") and shown.endswith("</figcaption></figure>")
    with pytest.raises(UserError, match="no contact"):
        case.plot.timeline("nobody")


def test_a_plot_can_be_saved_as_a_picture(case: Any, tmp_path: Path) -> None:
    case.plot.comparison().figure.savefig(tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_number_leads_to_its_records(case: Any) -> None:
    f = next(x for x in example()[0].document["findings"] if x["contact_id"] == "K1")
    ids = case.ids("K1", "rejected_calls")
    assert ids == unfold(f["indicators"]["rejected_calls"]["records"])
    assert len(ids) == f["indicators"]["rejected_calls"]["value"]
    for record in case.records(ids[:3]):
        assert record.format == "sms-backup-xml" and record.agrees
        assert 'type="5"' in record.text and record.row["tags"].split()[0] == "rejected"
        assert record.sha256.startswith(record.source_id)
    with pytest.raises(UserError, match="no indicator 'x'"):
        case.ids("K1", "x")


def test_the_content_of_a_record_is_masked(case: Any) -> None:
    messages = case.events[(case.events["contact_id"] == "K1") & (case.events["kind"] == "message")]
    chosen = messages.groupby("source_id").head(2).index
    records = case.records(chosen)
    assert len({r.format for r in records}) >= 3
    for record in records:
        assert "QORGANMARKER" not in str(record) and "‹" in record.text
        assert "agrees" in str(record) and record.locator in str(record)


def test_exports_that_were_moved_are_found_by_their_hash(case: Any, tmp_path: Path) -> None:
    shutil.copytree(examples() / "exports", tmp_path / "moved")
    record_id = case.ids("K1", "after_notice_occasions")[0]
    assert case.record(record_id, tmp_path / "moved") == case.record(record_id)
    with pytest.raises(UserError, match="say where it lies with exports="):
        case.record(record_id, tmp_path / "case")
    with pytest.raises(UserError, match="no event or position"):
        case.record("ffffffffffff#1")


def test_a_folder_without_a_case_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no case: it has no case\.toml"):
        Case.open(tmp_path)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    shutil.copytree(example_folder(), tmp_path / "case")

    def state() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in (tmp_path / "case").rglob("*") if p.is_file()}

    before = state()
    case = Case.open(tmp_path / "case")
    assert repr(case).startswith("<Case example-2025: ") and case.id == "example-2025"
    case.plot.timeline("K1").svg()
    case.record(case.ids("K1", "acts")[0])
    assert state() == before


def test_a_moment_that_no_calendar_can_say_is_missing() -> None:
    import pyarrow as pa

    from pipelines.case import _stamps

    column = pa.chunked_array([pa.array([2**62, -(2**62), 0, None, np.iinfo(np.int64).max], pa.int64())])
    assert _stamps(column).isna().tolist() == [True, True, False, True, True]
