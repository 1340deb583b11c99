"""The quickstart notebook runs from top to bottom in a kernel of its own, and shows tables."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
NOTEBOOK = Path(__file__).parent.parent / "examples" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def executed() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the notebook machinery warns about is not ours
        from nbclient import NotebookClient

        notebook = nbformat.read(NOTEBOOK, as_version=4)
        return NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


def _html(executed: Any) -> list[str]:
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_plan_report_and_metrics_are_tables(executed: Any) -> None:
    tables = _html(executed)
    assert len(tables) == 6
    assert "continues in a thread" in tables[0]
    assert tables[1].count("published") == 3
    assert "unknown" in tables[2]
    assert "published" in tables[3]


def test_unknown_numbers_are_not_zero(executed: Any) -> None:
    frame = _html(executed)[-1]
    assert "&lt;NA&gt;" in frame


def test_the_notebook_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
