from pathlib import Path

import pytest

from tests.notes import Notes


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of the faulty engine, importable here and in Ray's workers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("FAULTY_ENGINES_FOLDER", str(tmp_path))
    return "faulty_engines:train"
