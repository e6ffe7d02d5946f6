"""Results to publish, and processes that publish them."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from sweep.ledger import Ledger, Tables, to_tables
from sweep.result import Epoch, Measurement, Status, TrialResult
from sweep.trial import Trial

Results = Callable[..., Tables]


def _results(seeds: Iterable[int], status: Status = "finished", loss: float = 1.0, epochs: int = 2) -> Tables:
    """Tables of one trial a seed; `loss` tells one publisher's rows from another's, in every table."""

    def result(seed: int) -> TrialResult:
        curve = tuple(Epoch(i + 1, loss + i, 0.5, loss, 0.25, 2.0, 0.125) for i in range(epochs))
        trial = Trial("s", seed=seed)
        if status == "failed":
            return TrialResult(trial, status, error=f"loss {loss}")
        measured = (
            Measurement("deletion", "val_loss", loss, "0", 1),
            Measurement("deletion", "val_loss", None, "1", 1),
        )
        diverged = epochs if status == "diverged" else None
        return TrialResult(trial, status, curve, diverged_epoch=diverged, seconds=1.5, measurements=measured)

    return to_tables([result(seed) for seed in seeds])


@pytest.fixture(scope="session")
def results() -> Results:
    return _results


@pytest.fixture(scope="session")
def ids() -> Callable[[Iterable[int]], list[str]]:
    """Identities of the trials of some seeds, sorted."""
    return lambda seeds: sorted(Trial("s", seed=seed).trial_id for seed in seeds)


class Clock:
    """Stands for the module `time`: each commit is a second later than the one before."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        self.now += 1
        return self.now * 10**9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The ledger's clock; add to its `now` to let time pass."""
    clock = Clock()
    for module in ("ledger", "litter"):
        monkeypatch.setattr(f"sweep.ledger.{module}.time", clock)
    return clock


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "store")


@pytest.fixture
def publisher() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that wait for a line, then publish; those still alive at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(store: Path, first: int, packs: int, size: int = 4, merge: int = 1000) -> subprocess.Popen[str]:
        script = str(Path(__file__).with_name("publisher.py"))
        arguments = [sys.executable, script, str(store), *map(str, (first, packs, size, merge))]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
