"""Run the notebooks in docs/ and store their outputs: ``python tools/run_notebook.py``.

Each runs in an empty folder, like for a new user; its files are deleted.  A test also runs them
and checks that no cell fails.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "docs").rglob("*.ipynb"))
_LONGEST_S = 600


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with fresh outputs; raise nbclient's CellExecutionError if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=_LONGEST_S, resources=resources, record_timing=False)
    client.execute()
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Remove metadata that differ between runs."""
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def main() -> None:
    """Run all notebooks."""
    for path in NOTEBOOKS:
        with TemporaryDirectory() as folder:
            notebook = run(path, Path(folder))
        tidy(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    sys.exit(main())
