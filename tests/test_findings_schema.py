"""``findings.json`` has the shape that ``data/schema/findings.schema.json`` promises, and its numbers add up."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from detector.indicators import all_indicators
from detector.parameters import ORIGINS, PARAMETERS
from detector.records import unfold
from detector.schema import NOTICE_BASES, NOTICE_KINDS, ROLES
from detector.statute import MARKS, STATUSES
from detector.verdict import VERDICTS
from pipelines import ingest, scoring, statutes
from pipelines.resources import data_dir
from tests.shared_data import ROOT

EXAMPLES = ROOT / "data" / "examples"


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data_dir() / "schema" / "findings.schema.json").read_text(encoding="utf-8"))
    return found


def faults(document: Any) -> list[str]:
    """Return where a document breaks the schema."""
    found = jsonschema.Draft202012Validator(schema()).iter_errors(document)
    return [f"{e.json_path}: {e.message[:300]}" for e in found]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> scoring.LoadedCase:
    folder = tmp_path_factory.mktemp("findings") / "case"
    folder.mkdir()
    shutil.copy(EXAMPLES / "case.toml", folder)
    ingest.ingest(folder, [EXAMPLES / "exports"])
    return scoring.load_case(folder)


@pytest.fixture(scope="module")
def document(loaded: scoring.LoadedCase) -> dict[str, Any]:
    """Score the example case and give the document as a reader of the file gets it."""
    outcome = scoring.score_loaded(loaded, statutes.profile("kz-115-1"))
    whole: dict[str, Any] = json.loads(scoring.to_bytes(outcome.document))
    return whole


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_example_fits(document: dict[str, Any]) -> None:
    assert faults(document) == []
    assert len(document["findings"]) > 10


@pytest.mark.parametrize("day", [date(2025, 4, 3), date(2025, 9, 16), date(2025, 10, 3), date(2025, 11, 2)])
def test_the_example_fits_at_other_times(loaded: scoring.LoadedCase, day: date) -> None:
    outcome = scoring.score_loaded(loaded, statutes.profile("kz-115-1"), day, known=True)
    assert faults(json.loads(scoring.to_bytes(outcome.document))) == []


def test_the_lists_of_the_schema_are_those_of_the_program() -> None:
    parts = schema()["$defs"]
    assert parts["verdict"]["enum"] == list(VERDICTS)
    assert parts["origin"]["enum"] == list(ORIGINS)
    assert parts["mark"]["enum"] == list(MARKS)
    assert parts["finding"]["properties"]["role"]["enum"] == list(ROLES)
    assert parts["notice"]["properties"]["kind"]["enum"] == list(NOTICE_KINDS)
    assert parts["notice"]["properties"]["basis"]["enum"] == list(NOTICE_BASES)
    assert set(schema()["properties"]["statute"]["properties"]["status"]["enum"]) == set(STATUSES)
    assert schema()["properties"]["schema"]["const"] == scoring.SCHEMA


def _first(document: dict[str, Any], verdict: str) -> dict[str, Any]:
    found: dict[str, Any] = next(f for f in document["findings"] if f["verdict"] == verdict)
    return found


def _unknown_element(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(e for f in document["findings"] for e in f["elements"] if e["status"] == "unknown")
    return found


BREAK: dict[str, Callable[[dict[str, Any]], object]] = {
    "a key that nobody knows": lambda d: d.update(extra=1),
    "no findings": lambda d: d.pop("findings"),
    "another schema": lambda d: d.update(schema="qorgan.findings/2"),
    "a moment without its offset": lambda d: d.update(as_of="2026-01-01T00:00:00"),
    "a code hash that is none": lambda d: d["produced_by"].update(code="abc"),
    "a parameter without origin": lambda d: d["parameters"]["recent_s"].pop("origin"),
    "a share of one number": lambda d: d["parameters"]["overtaken_share"].update(value=[1]),
    "a negative count": lambda d: d["coverage"][0].update(read=-1),
    "half a record": lambda d: d["coverage"][0].update(kept=1.5),
    "a short hash": lambda d: d["coverage"][0].update(sha256="ab"),
    "a notice of an unknown kind": lambda d: d["notices"][0].update(kind="asked_nicely"),
    "a record id that is none": lambda d: d["unidentified"]["records"].append("somebody"),
    "a folded list of no end": lambda d: d["unidentified"]["records"].append("3f9a12bc04d1#12-"),
    "a verdict that is none": lambda d: d["findings"][0].update(verdict="stalker"),
    "points that are no whole number": lambda d: d["findings"][0].update(points=1.5),
    "points for what speaks against": lambda d: _first(d, "reciprocal")["against"][0].update(points=1),
    "reciprocal without otherwise": lambda d: _first(d, "reciprocal").update(otherwise=None),
    "systematic with otherwise": lambda d: _first(d, "systematic").update(otherwise="none"),
    "a value without unit": lambda d: d["findings"][0]["indicators"]["acts"].pop("unit"),
    "a text for a value": lambda d: d["findings"][0]["indicators"]["acts"].update(value="3"),
    "a status that is none": lambda d: d["findings"][0]["elements"][0].update(status="proven"),
    "a need that is none": lambda d: d["findings"][0]["elements"][0].update(need="desirable"),
    "a not measurable element that is met": lambda d: d["findings"][0]["elements"][-1].update(status="met"),
    "a not measurable element that nothing would fill": lambda d: d["findings"][0]["elements"][-1].pop("needs"),
    "an unknown element that does not say why": lambda d: _unknown_element(d).pop("unknown_because"),
    "a threshold that is none": lambda d: d["findings"][0]["elements"][0]["indicators"][0].update(threshold="many"),
    "a flip to nothing": lambda d: d["findings"][0]["robustness"]["flips"].append({"change": "x"}),
    "a tracker that was never seen": lambda d: d["unattributed_trackers"].append({"tracker_id": "x", "sightings": 0}),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAK)
def test_the_schema_refuses(document: dict[str, Any], what: str) -> None:
    broken = copy.deepcopy(document)
    BREAK[what](broken)
    assert faults(broken)


def test_conservation(document: dict[str, Any]) -> None:
    cover = document["coverage"]
    for c in cover:
        assert c["read"] == c["kept"] + c["duplicate"] + c["rejected"] + c["out_of_scope"], c["source_id"]
        assert c["source_id"] == c["sha256"][:12]
        assert (c["first"] is None) == (c["last"] is None)
        assert c["first"] is None or c["first"] <= c["last"]
    assert sum(c["duplicate"] for c in cover) > 0
    assert [c["source_id"] for c in cover] == sorted(c["source_id"] for c in cover)


def test_points_add_up(document: dict[str, Any]) -> None:
    profile = statutes.profile("kz-115-1")
    for f in document["findings"]:
        lines = [line for e in f["elements"] for line in e.get("indicators", [])]
        assert f["points"] == sum(line["points"] for line in lines) + sum(a["points"] for a in f["against"])
        assert f["points"] <= f["points_max"] == profile.points_max
        for line in lines:
            assert line["value"] == f["indicators"][line["id"]]["value"]
        for a in f["against"]:
            assert (a["value"], a["records"]) == (
                f["indicators"][a["id"]]["value"],
                f["indicators"][a["id"]]["records"],
            )
    assert len({f["points"] for f in document["findings"]}) > 3


def test_points_are_those_of_the_highest_level_reached(document: dict[str, Any]) -> None:
    profile = statutes.profile("kz-115-1")
    levels = {line.indicator: line.levels for e in profile.elements for line in e.lines if line.levels}
    levels |= {line.indicator: line.levels for line in profile.against}
    seen = 0
    for f in document["findings"]:
        rows = [line for e in f["elements"] for line in e.get("indicators", [])] + f["against"]
        for row in rows:
            reached = [p for at, p in levels.get(row["id"], ()) if row["value"] is not None and row["value"] >= at]
            assert row["points"] == (reached[-1] if reached else 0), (f["contact_id"], row["id"])
            seen += bool(row["points"])
    assert seen > 20


def test_records_unfold_to_ids_of_the_case(document: dict[str, Any], loaded: scoring.LoadedCase) -> None:
    tables = loaded.resolved.tables
    known = {*tables.events["event_id"].to_pylist(), *tables.positions["position_id"].to_pylist()}
    lists = [document["unidentified"]["records"]]
    for f in document["findings"]:
        lists += [
            f["before_law"]["records"],
            *(i["records"] for i in f["indicators"].values()),
            *(a["records"] for a in f["against"]),
        ]
    folded = 0
    for ids in lists:
        single = unfold(ids)
        assert set(single) <= known
        assert len(set(single)) == len(single)
        folded += len(single) > len(ids)
    assert folded > 0
    assert {n["record"] for n in document["notices"]} - {None} <= known


def test_counts_are_the_number_of_their_records(document: dict[str, Any]) -> None:
    """An outgoing event, a reply or a missed call is one record: the defence can count them by hand."""
    counted = 0
    for f in document["findings"]:
        for name in (
            "outgoing",
            "replies",
            "initiatives",
            "conversations",
            "missed_calls",
            "rejected_calls",
            "blocked_calls",
        ):
            found = f["indicators"][name]
            assert found["value"] == len(unfold(found["records"])), (f["contact_id"], name)
            counted += found["value"]
        parts = f["indicators"]["channels"]["parts"]
        assert sum(p["acts"] for p in parts) <= f["indicators"]["acts"]["value"]
        assert sum(p["occasions_opened"] for p in parts) <= f["indicators"]["occasions"]["value"]
        assert len(parts) == f["indicators"]["channels"]["value"]
    assert counted > 100
    assert document["unidentified"]["acts"] == len(unfold(document["unidentified"]["records"]))


def test_the_order_and_the_names(document: dict[str, Any]) -> None:
    ids = [f["contact_id"] for f in document["findings"]]
    assert ids == sorted(set(ids))
    assert {n["contact_id"] for n in document["notices"]} <= set(ids)
    for f in document["findings"]:
        assert list(f["indicators"]) == list(all_indicators())
    assert list(document["parameters"]) == sorted(PARAMETERS)


def test_the_page_names_every_key() -> None:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and part.get("type") == "object":
                found.update(part["properties"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema())
    assert len(found) > 60
    assert [key for key in sorted(found) if f"`{key}`" not in page] == []


def test_the_schema_is_written_as_its_bytes_say() -> None:
    path: Path = data_dir() / "schema" / "findings.schema.json"
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
