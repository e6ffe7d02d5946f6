"""Trains one pack on a worker, and turns the engine's exceptions into a `Failure`."""

from collections.abc import Callable, Iterator, Sequence

from sweep.engine import find_engine
from sweep.errors import SweepError
from sweep.ledger import to_tables
from sweep.result import OUT_OF_MEMORY, Checkpoint, OutOfMemory, Progress, Setting
from sweep.schedule.book import Failure
from sweep.schedule.executor import Report
from sweep.trial import Trial


def work(trials: Callable[[], Sequence[Trial]], engine: str, setting: Setting) -> Iterator[Report]:
    """Yield any number of progress reports and checkpoints, then the results as tables, or a failure.

    Whatever `trials`, which gives the pack's trials, or the engine raises becomes a failure.
    """
    try:
        for event in find_engine(engine)(trials(), setting):
            if isinstance(event, Progress | Checkpoint):
                yield event
            else:
                yield to_tables(event)
                return
        yield Failure("error", "the engine ended without results")
    except SweepError as error:
        yield Failure("environment", str(error))
    except (OutOfMemory, MemoryError) as error:
        yield Failure("memory", f"{OUT_OF_MEMORY}: {_one_line(error)}")
    except Exception as error:  # an engine can raise anything; it becomes the outcome in the trial's row
        yield Failure("error", f"{type(error).__name__}: {_one_line(error)}")


def best_device() -> str:
    """The GPU if there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]
