"""Made-up networks that were measured during training: small subnetworks learn first, and paths grow."""

import math
from typing import Any

from sweep.result import TrialResult
from sweep.trial import Trial
from tests.analysis.synthetic_measurements import (
    ended,
    in_training,
    path_rows,
    preresnet,
    subnetwork_rows,
    truncated_rows,
)

GUESS = math.log(10)


def resnet(seed: int = 0, depth: int = 20, measure: str = "subnetworks+paths", **fields: Any) -> Trial:
    return preresnet(depth, seed, measure=measure, measure_every=2, **fields)


def stack(seed: int = 0, measure: str = "subnetworks+paths+truncation", **fields: Any) -> Trial:
    return preresnet(8, seed, measure=measure, measure_every=2, **fields).but(
        network="stack", architecture="sequential"
    )


def trained(trial: Trial, later: float = 1.0, grows: float = 0.4, error: float = 0.2, **options: Any) -> TrialResult:
    """A trial measured every other epoch: larger subnetworks learn `later`, and paths grow with `grows`.

    Subnetworks of half the blocks gain all that they will by epoch 5, the smallest and largest by about 2 and 8.
    """
    blocks = len(trial.shape.blocks)
    near = 1 + 0.03 * trial.seed
    rows: dict[int, list[Any]] = {}
    for epoch in (*trial.measured_epochs, trial.epochs):
        factor = max(0.05, 0.3 + grows * near * epoch / 10)
        rows[epoch] = path_rows({k: [factor**k] for k in range(blocks + 1)}, blocks)
        until = {k: max(0.5, 5 + near * later * (k - blocks / 2) * 6 / blocks) for k in range(0, blocks + 1, 2)}
        rows[epoch] += subnetwork_rows(
            {k: [0.1 + (0.8 - error) * (0.1 + k / blocks) * min(1.0, epoch / end)] for k, end in until.items()}
        )
        if "truncation" in trial.measure:
            losses = {order: GUESS - 0.02 * epoch * order - 0.01 * trial.seed for order in (1, 2, 4, 8)}
            rows[epoch] += truncated_rows(losses)
    kept = {epoch: [row for row in found if asked(row.measurement, trial)] for epoch, found in rows.items()}
    return ended(trial, error, measurements=in_training(kept), **options)


def asked(measurement: str, trial: Trial) -> bool:
    """Whether a trial's measures have rows of this name."""
    of = {"subnetwork": "subnetworks", "path-count": "paths", "path-gradient": "paths", "truncate": "truncation"}
    return of[measurement] in trial.measure.split("+")
