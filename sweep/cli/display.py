"""Live progress: a bar on a terminal, and elsewhere a plain line now and then."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from sweep.schedule import Display, PackBook

_LINE_SECONDS, _CELL_SECONDS = 10.0, 0.5


def say(line: str) -> None:
    """Print a line to standard error."""
    print(line, file=sys.stderr, flush=True)


class _Lines:
    """A line to standard error every ten seconds and at the end."""

    def __init__(self) -> None:
        self._next = 0.0
        self._lock = threading.Lock()

    def update(self, book: "PackBook") -> None:
        with self._lock:
            now = time.monotonic()
            if now >= self._next or book.trials_done >= book.planned:
                self._next = now + _LINE_SECONDS
                say(f"{book.trials_done}/{book.planned} trials, {100 * book.share:.0f} %, {_detail(book)}")

    def note(self, line: str) -> None:
        say(line)


class _Bar:
    """A progress bar on standard error, with notes above it."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        # Without a total the bar moves until the first pack is in training.
        self._task = progress.add_task("starting", total=None, detail="")

    def update(self, book: "PackBook") -> None:
        trials = f"{book.trials_done}/{book.planned} trials"
        self._progress.update(self._task, completed=book.share, total=1.0, description=trials, detail=_detail(book))

    def note(self, line: str) -> None:
        self._progress.console.print(line, style="dim", highlight=False, markup=False)


class _Cell:
    """A line below a notebook's cell that changes in place, with notes above it."""

    def __init__(self) -> None:
        self._next, self._long = 0.0, 0

    def update(self, book: "PackBook") -> None:
        now = time.monotonic()
        if now >= self._next or book.trials_done >= book.planned:
            self._next = now + _CELL_SECONDS
            self._write(f"{book.trials_done}/{book.planned} trials, {100 * book.share:.0f} %, {_detail(book)}")

    def note(self, line: str) -> None:
        self._write(line)
        self.end()

    def end(self) -> None:
        """Leave the line as it is."""
        if self._long:
            print(file=sys.stderr, flush=True)
        self._long = 0

    def _write(self, line: str) -> None:
        print(f"\r{line:<{self._long}}", end="", file=sys.stderr, flush=True)
        self._long = len(line)


class _Silent:
    """Shows nothing."""

    def update(self, book: "PackBook") -> None:
        """Nothing."""

    def note(self, line: str) -> None:
        """Nothing."""


@contextmanager
def silent() -> Iterator["Display"]:
    """A display that shows nothing."""
    yield _Silent()


@contextmanager
def live_display() -> Iterator["Display"]:
    """The display that suits standard error."""
    from rich.console import Console

    if "ipykernel" in sys.modules:
        cell = _Cell()
        yield cell
        cell.end()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)


def counted(number: int, thing: str) -> str:
    """A number of things, such as 1 pack or 2 packs."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    for size, unit in ((365.25 * 86400, "years"), (86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size or (seconds >= size and unit in ("h", "min")):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _detail(book: "PackBook") -> str:
    left = book.seconds_left
    parts = [f"{book.ended[status]} {status}" for status in ("diverged", "failed") if book.ended[status]]
    parts.append(f"{counted(book.training, 'pack')} in training")
    if left is not None and book.share < 1:
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)
