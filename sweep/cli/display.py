"""Live progress: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import threading
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sweep.schedule import PackBook

_LINE_SECONDS = 10.0


class PlainDisplay:
    """A line to standard error every ten seconds and at the end."""

    def __init__(self) -> None:
        self._next = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> "PlainDisplay":
        return self

    def __exit__(self, *exception: object) -> None: ...

    def update(self, book: PackBook) -> None:
        """Print a line if the last one is old enough."""
        with self._lock:
            now = time.monotonic()
            if now < self._next and book.trials_done < book.planned:
                return
            self._next = now + _LINE_SECONDS
            self.note(progress_line(book))

    def note(self, line: str) -> None:
        """Print a line."""
        print(line, file=sys.stderr, flush=True)


class LiveDisplay:
    """A progress bar, on standard error."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=1.0, detail="")

    def __enter__(self) -> "LiveDisplay":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def update(self, book: PackBook) -> None:
        """Redraw."""
        trials = f"{book.trials_done}/{book.planned} trials"
        self._bar.update(self._task, completed=book.share, description=trials, detail=_detail(book))

    def note(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(line, style="dim", highlight=False, markup=False)


def make_display() -> PlainDisplay | LiveDisplay:
    """The display that suits standard error."""
    console = Console(stderr=True)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay()


def progress_line(book: PackBook) -> str:
    """Trials, share, outcome and time left in one line."""
    return f"{book.trials_done}/{book.planned} trials, {100 * book.share:.0f} %{_detail(book)}"


def counted(number: int, thing: str) -> str:
    """A number of things, such as 1 pack, 2 packs."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    for size, unit in ((365.25 * 86400, "years"), (86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size or (seconds >= size and unit in ("h", "min")):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _detail(book: PackBook) -> str:
    left = book.seconds_left
    parts = [f"{book.ended[status]} {status}" for status in ("diverged", "failed") if book.ended[status]]
    parts.append(f"{counted(book.training, 'pack')} in training")
    if left is not None and book.share < 1:
        parts.append(f"about {duration(left)} left")
    return ", " + ", ".join(parts)
