"""A display for tests."""

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
