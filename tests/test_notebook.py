"""The example notebook, run from top to bottom in a kernel of its own."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.ipynb"


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the user's Jupyter and IPython are left alone."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.usefixtures("alone")
def test_the_example_runs_from_top_to_bottom(tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLE, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear its outputs before it is committed"
    (tmp_path / "work").mkdir()
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path / "work")}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(EXAMPLE.parents[1])})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    kinds = [set(output.get("data", {})) for output in outputs]
    assert sum("image/png" in kind for kind in kinds) == 2
    assert sum("text/html" in kind for kind in kinds) >= 3
    shown = "".join(output.get("text", "") + str(output.get("data", "")) for output in outputs)
    assert "60/60 trials, 100 %" in shown
    assert "loss, parallel over sequential: " in shown
    assert (tmp_path / "work" / "results" / "notebook" / "report" / "notebook" / "report.html").exists()
