from pathlib import Path

import pytest

from sweep.schedule import SweepProgress


class Notes:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.updates = 0

    def update(self, progress: SweepProgress) -> None:
        assert 0 <= progress.share <= 1
        assert progress.trials_done <= progress.planned
        self.updates += 1

    def note(self, line: str) -> None:
        self.lines.append(line)


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
