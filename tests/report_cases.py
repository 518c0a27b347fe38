"""Scored cases for the tests of report, plots and notebook API: the example case, and small ones made row by row."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from detector.schema import REJECTS, SOURCES, TABLES, WITNESSES, empty
from pipelines.case_model import CaseFile
from pipelines.demo import examples, make
from pipelines.ingest import ingest
from pipelines.report.html import render
from pipelines.report.view import View
from pipelines.resolve import Resolved
from pipelines.scoring import LoadedCase, Outcome, load_case, score_loaded
from pipelines.statutes import profile
from tests.build import CaseBuilder

STATUTE = "kz-115-1"


@cache
def example_folder() -> Path:
    """Return the folder of the example case; it is made once, and no test may change it."""
    root = Path(tempfile.mkdtemp(prefix="qorgan-test-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder = root / "example"
    make(folder)
    ingest(folder, [examples() / "exports"])
    return folder


@cache
def example() -> tuple[Outcome, LoadedCase]:
    """Return the example case, scored."""
    loaded = load_case(example_folder())
    return score_loaded(loaded, profile(STATUTE)), loaded


@cache
def example_report() -> bytes:
    """Return the report of the example case."""
    outcome, loaded = example()
    return render(outcome, loaded, profile(STATUTE))


def loaded_of(
    builder: CaseBuilder,
    *,
    labels: dict[str, str] | None = None,
    notes: dict[str, str] | None = None,
    sources: list[dict[str, Any]] | None = None,
    rejects: list[dict[str, Any]] | None = None,
    zone: str = "+05:00",
) -> LoadedCase:
    """Return the tables of a builder as a loaded case; ``labels`` and ``notes`` (of notices) go by contact id."""
    tables = builder.tables()
    contacts, notices = tables.contacts.to_pylist(), tables.notices.to_pylist()
    for row in contacts:
        row["label"] = (labels or {}).get(row["contact_id"], row["label"])
    for row in notices:
        row["note"] = (notes or {}).get(row["contact_id"], row["note"])
    changed = {
        name: pa.Table.from_pylist(rows, TABLES[name]) for name, rows in (("contacts", contacts), ("notices", notices))
    }
    resolved = Resolved(
        replace(tables, **changed), WITNESSES.empty_table(), pa.Table.from_pylist(sources or [], SOURCES),
        pa.Table.from_pylist(rejects or [], REJECTS), {}, builder.as_of, empty("listed", stored=True),
        empty("unread", stored=True), {},
    )  # fmt: skip
    return LoadedCase(Path("nowhere"), CaseFile(builder.case_id, zone, "consent"), resolved)


def scored(builder: CaseBuilder, as_of: str = "2026-06-01", **more: Any) -> tuple[Outcome, LoadedCase]:
    """Return a built case, scored as of a date."""
    loaded = loaded_of(builder, **more)
    return score_loaded(loaded, profile(STATUTE), date.fromisoformat(as_of)), loaded


def view_of(builder: CaseBuilder, **more: Any) -> View:
    """Return the view of a built case."""
    return View(*scored(builder, **more))


def page_of(builder: CaseBuilder, **more: Any) -> str:
    """Return the report of a built case as text."""
    outcome, loaded = scored(builder, **more)
    return render(outcome, loaded, profile(STATUTE)).decode()
