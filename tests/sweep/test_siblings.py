"""Python that is started in a folder with packages of this project's names."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with packages named models and analysis, which cannot even be imported."""
    for name in ("models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not yours')")
    return tmp_path


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "sweep", "plan", "quick", "--limit", "2"),
        ("-c", "import sweep, models.kinds, analysis; from sweep.planning import Plan"),
    ],
)
def test_the_projects_own_packages_are_found(elsewhere: Path, arguments: tuple[str, ...]) -> None:
    done = python(elsewhere, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_package_that_came_first_is_named(elsewhere: Path) -> None:
    (elsewhere / "models" / "__init__.py").write_text("")
    done = python(elsewhere, "-c", "import models, sweep")
    said = done.stderr.splitlines()[-1]
    assert (
        said
        == f"ImportError: {elsewhere}/models/__init__.py was imported as models before sweep was; import sweep first"
    )
