"""A display for tests."""

from sweep.schedule import PackBook


class Notes:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.updates = 0

    def update(self, book: PackBook) -> None:
        assert 0 <= book.share <= 1
        assert book.trials_done <= book.planned
        self.updates += 1

    def note(self, line: str) -> None:
        self.lines.append(line)
