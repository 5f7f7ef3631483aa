"""The notebooks of the documentation run, in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient")

import run_notebook


@pytest.mark.parametrize("path", run_notebook.NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for extra in ("obspy", "matplotlib", "duckdb"):
        pytest.importorskip(extra)
    source, scripts = Path(__file__).resolve().parent.parent / "src", Path(sys.executable).parent
    monkeypatch.setenv("PYTHONPATH", str(source))
    monkeypatch.setenv("PATH", os.pathsep.join([str(scripts), os.environ["PATH"]]))
    notebook = run_notebook.run(path, tmp_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)


@pytest.mark.parametrize("path", run_notebook.NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_shows_what_its_cells_give(path: Path) -> None:
    notebook = run_notebook.nbformat.read(path, as_version=4)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) > 10
