"""Calls the command line in this process, and saves reports the seconds for drawing."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.cli import main
from sweep.ledger import Ledger, to_tables
from sweep.planning import Plan
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial
from tests.drawing import unrendered

__all__ = ["unrendered"]

Call = Callable[..., int]
Fill = Callable[..., Path]


@pytest.fixture(scope="session")
def call() -> Call:
    """Run a command and return its exit code."""

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """A store with a finished sweep of a small study; `ratio` is parallel / sequential, `control` that at depth 1."""

    def make(
        name: str = "store",
        study: str = "small",
        ratio: float = 1.01,
        control: float = 1.0,
        depths: tuple[int, ...] = (1, 2, 4),
        seeds: tuple[int, ...] = (0, 1),
    ) -> Path:
        ledger = Ledger.create(tmp_path / name)
        trials = [
            Trial(study, dataset="digits", depth=depth, filters=filters, seed=seed, epochs=1, architecture=side)
            for depth, filters, seed, side in itertools.product(depths, (1, 2), seeds, ("sequential", "parallel"))
        ]
        plan = Plan.of(study, trials)
        ledger.record_sweep(plan.sweep_id, study, plan.trials, plan.margins)
        results: list[TrialResult] = []
        for trial in plan.trials:
            loss = 1 + 0.1 * trial.seed + 0.5 * trial.filters
            if trial.architecture == "parallel":
                loss *= control if trial.depth == 1 else ratio * math.exp(0.002 * (trial.depth - 3) * trial.filters)
            epoch = Epoch(1, loss / 2, 0.9, loss, 1 - loss / 10, 1.0, 0.5)
            results.append(TrialResult(trial, "finished", (epoch,), seconds=0.5, fused_with=1, device="cpu"))
        ledger.publish(to_tables(results))
        return tmp_path / name

    return make
