"""The plain answer: how far parallel networks are from sequential ones, over matched pairs.

The unit is the configuration: seeds are averaged within it, since two seeds of one configuration are not two
independent pieces of evidence about architectures. Depth-1 pairs are the sweep's control, and in no estimate.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

_ROUNDING = 1e-4
_NOT_CONFIGURATION = (
    "pair_id",
    "seed",
    "sequential_id",
    "parallel_id",
    "sequential_status",
    "parallel_status",
    "sequential",
    "parallel",
    "difference",
    "ratio",
)


@dataclass(frozen=True)
class Comparison:
    """Parallel minus sequential over matched pairs deeper than one block.

    `low` and `high` bound the mean difference over configurations by Student's t at `confidence`; they are NaN below
    two configurations. `incomplete` counts pairs of which a side has no value: diverged or failed.
    """

    pairs: int
    configurations: int
    incomplete: int
    sequential: float
    parallel: float
    difference: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Controls:
    """Depth-1 pairs with values on both sides, which are one function.

    `identical` are so bit for bit, as they are where both sides were trained in one pack; `rounded` differ by no more
    than 1e-4 relative.
    """

    pairs: int
    identical: int
    rounded: int


def compare(pairs: pa.Table, confidence: float = 0.95) -> Comparison:
    """Summarise the pairs of `Results.pairs`. Means are NaN where there is no complete pair."""
    pairs = pairs.filter(pc.field("depth") > 1)
    complete = pairs.filter(pc.field("difference").is_valid())
    by_configuration = [name for name in complete.schema.names if name not in _NOT_CONFIGURATION]
    means = complete.group_by(by_configuration).aggregate(
        [("sequential", "mean"), ("parallel", "mean"), ("difference", "mean")]
    )
    sequential, parallel, difference = (
        means[f"{name}_mean"].to_numpy() for name in ("sequential", "parallel", "difference")
    )
    count = len(difference)
    margin = float("nan")
    if count > 1:
        error = float(np.std(difference, ddof=1)) / count**0.5
        margin = float(stdtrit(count - 1, 0.5 + confidence / 2)) * error
    center = _mean(difference)
    return Comparison(
        pairs=complete.num_rows,
        configurations=count,
        incomplete=pairs.num_rows - complete.num_rows,
        sequential=_mean(sequential),
        parallel=_mean(parallel),
        difference=center,
        low=center - margin,
        high=center + margin,
        confidence=confidence,
    )


def controls(*metrics: pa.Table) -> Controls:
    """Check the depth-1 pairs of `Results.pairs`, given for one metric or several: the worst metric counts."""
    worst: dict[str, float] = {}
    for pairs in metrics:
        for row in pairs.filter((pc.field("depth") == 1) & pc.field("difference").is_valid()).to_pylist():
            size = max(abs(row["sequential"]), abs(row["parallel"]))
            relative = abs(row["difference"]) / size if size else 0.0
            worst[row["pair_id"]] = max(worst.get(row["pair_id"], 0.0), relative)
    differences = list(worst.values())
    identical = differences.count(0.0)
    rounded = sum(0 < difference <= _ROUNDING for difference in differences)
    return Controls(len(differences), identical, rounded)


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
