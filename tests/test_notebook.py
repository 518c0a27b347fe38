"""The notebook runs from its first cell to its last, and shows what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.shared_data import ROOT

NOTEBOOK = ROOT / "notebooks" / "01_case.ipynb"


def read() -> Any:
    """Return the notebook as it ships."""
    reader: Any = nbformat
    return reader.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the notebook; return its cells by the first line of their source."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    notebook = read()
    where = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(where)}})
    try:
        client.execute()
    except NoSuchKernel:
        pytest.skip("THE NOTEBOOK WAS NOT RUN: no Python kernel is installed (pip install ipykernel)")
    except (DeadKernelError, RuntimeError) as error:
        if isinstance(error, DeadKernelError) or "died before" in str(error):
            pytest.skip(f"THE NOTEBOOK WAS NOT RUN: its kernel cannot start here ({error})")
        raise
    return {c.source.split("\n")[0]: c for c in notebook.cells if c.cell_type == "code"}


def text_of(cell: Any) -> str:
    """Return everything that a cell shows, as text."""
    out = []
    for o in cell.outputs:
        assert o.output_type != "error", o
        out.append(o.text if o.output_type == "stream" else o.data.get("text/html") or o.data.get("text/plain", ""))
    return "\n".join(out)


def test_it_is_shipped_without_outputs_and_with_fixed_ids() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [c.id for c in notebook.cells] == [f"cell-{i:02d}" for i in range(1, len(notebook.cells) + 1)]
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")


def test_every_cell_runs(executed: dict[str, Any]) -> None:
    assert len(executed) > 12
    for cell in executed.values():
        text_of(cell)


def test_tables_and_findings_are_shown(executed: dict[str, Any]) -> None:
    assert "whatsapp-txt" in text_of(executed['case.sources[["format", "read", "kept", "rejected", "out_of_scope"]]'])
    findings = next(text_of(c) for s, c in executed.items() if s.startswith("document = case.score()"))
    assert "systematic" in findings and "reciprocal" in findings and "&lt;NA&gt;" in findings


@pytest.mark.parametrize(
    "source",
    [f'case.plot.{n}("K1")' for n in ("timeline", "hour_weekday", "places")]
    + ["case.plot.comparison()", 'case.plot.timeline("K3")'],
)
def test_plots_are_the_report_s_with_their_captions(executed: dict[str, Any], source: str) -> None:
    shown = text_of(executed[source])
    assert shown.startswith("<figure><svg") and "<figcaption>" in shown


def test_a_number_is_followed_to_its_record(executed: dict[str, Any]) -> None:
    record = text_of(executed["print(case.record(ids[0]))"])
    assert "agrees" in record and "characters›" in record
    by_hand = next(text_of(c) for s, c in executed.items() if s.startswith("rows = list("))
    numbers = [int(w) for w in by_hand.split() if w.isdigit()]
    assert len(numbers) == 2 and numbers[0] == numbers[1] > 0


def test_no_content_is_shown(executed: dict[str, Any]) -> None:
    assert all("QORGANMARKER" not in text_of(c) for c in executed.values())


def test_nothing_of_this_machine_is_in_it() -> None:
    text = Path(NOTEBOOK).read_text("utf-8")
    assert str(ROOT) not in text and "/tmp" not in text
