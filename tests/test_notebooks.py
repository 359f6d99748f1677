"""Every notebook runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
NEED_DATA = ("assemblies_structure", "larval_olfaction")
# It trains a little when no weights are given.
NEED_TORCH = ("larval_olfaction",)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, request, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    if path.stem in NEED_TORCH:
        pytest.importorskip("torch")
    if path.stem in NEED_DATA:
        monkeypatch.setenv("COFIRE_DATA", str(request.getfixturevalue("shared")))
        monkeypatch.delenv("COFIRE_WEIGHTS", raising=False)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
