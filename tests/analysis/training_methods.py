"""Trials of ways of training the same networks: plainly, with dropped paths, retrained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.results import Results
from sweep.result import TrialResult
from tests.analysis.synthetic_measurements import ended, lesion_rows, opened, preresnet

PLAIN: dict[str, Any] = {}
DROP: dict[str, Any] = {"method": "droppath", "drop_rate": 0.5}
RESIDUAL: dict[str, Any] = {"method": "residual-droppath", "drop_rate": 0.5, "retrain_steps": 1}
EFFECTIVE: dict[str, Any] = {"method": "effective-paths", "kept_blocks": 5}
DROPPED, RETRAINED = "droppath 0.5", "residual-droppath 0.5"


def arm(
    method: dict[str, Any], errors: Sequence[float], losses: Sequence[float] | None = None, **ending: Any
) -> list[TrialResult]:
    """An arm's trials, a seed an error."""
    fields = {name: ending.pop(name) for name in ("epochs", "pretrain_epochs", "depth", "measure") if name in ending}
    given = losses or [1.0] * len(errors)
    return [
        ended(preresnet(seed=seed, **{**fields, **method}), error, loss, **ending)
        for seed, (error, loss) in enumerate(zip(errors, given, strict=True))
    ]


def budgets(epochs: Sequence[int], errors: Sequence[float], seconds: Sequence[float], method: dict[str, Any] = PLAIN):
    return [
        trial
        for budget, error, each in zip(epochs, errors, seconds, strict=True)
        for trial in arm(method, [error, error + 0.01], [error] * 2, epochs=budget, seconds=each)
    ]


def retrained(method: dict[str, Any], whole: float, one: Sequence[float], some: float) -> list[TrialResult]:
    """Two seeds, the second with every error 2 points higher."""
    rows = [
        lesion_rows(
            whole + shift,
            {block: error + shift for block, error in enumerate(one)},
            {1: [0.9], 3: [some + shift, some + shift + 0.2]},
        )
        for shift in (0.0, 0.02)
    ]
    return [
        ended(preresnet(seed=seed, pretrain_epochs=5, measure="lesions", **method), whole, measurements=each)
        for seed, each in enumerate(rows)
    ]


def with_budgets(folder: Path) -> Results:
    """Plain budgets of 10, 40 and 160 s; droppath takes twice as long."""
    plain = budgets([10, 40, 160], [0.4, 0.3, 0.2], [10.0, 40.0, 160.0])
    return opened(folder, [*plain, *budgets([10, 40, 160], [0.35, 0.25, 0.15], [20.0, 80.0, 320.0], DROP)])


def with_lesions(folder: Path) -> Results:
    """Networks retrained plainly and with droppath, and their lesions."""
    plain = retrained(PLAIN, 0.2, [0.3, 0.5], 0.6)
    return opened(folder, [*plain, *retrained(DROP, 0.21, [0.25, 0.35], 0.5), *arm(RESIDUAL, [0.2], pretrain_epochs=5)])
