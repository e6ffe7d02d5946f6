"""Does one side diverge more often than the other?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import codes
from analysis.equivalence.mean import UNDEFINED


@dataclass(frozen=True)
class ClusteredMcNemar:
    """McNemar's test with configurations as clusters, and the pairs in which only one side diverged."""

    sequential_only: int
    parallel_only: int
    p_exact: float


def clustered_mcnemar(
    sequential_diverged: ArrayLike, parallel_diverged: ArrayLike, configuration: ArrayLike
) -> ClusteredMcNemar:
    """McNemar's test (1947) where pairs of one configuration are not independent.

    All three have shape (pairs,), the first two are boolean. With b and c the pairs of a configuration of which only
    the sequential, only the parallel side diverged, `p_exact` flips the sign of b - c in every configuration, all ways
    alike, as if the sides of a configuration were exchangeable. It holds for any number of configurations, and is 1
    where none leans to a side. Raises ValueError for malformed arrays.
    """
    sides = [np.asarray(each) for each in (sequential_diverged, parallel_diverged)]
    if any(side.dtype != np.bool_ or side.ndim != 1 for side in sides) or sides[0].shape != sides[1].shape:
        raise ValueError("What diverged must be two one-dimensional boolean arrays of one length.")
    sequential, parallel = sides
    code = codes(configuration, len(sequential))
    lean = np.bincount(code, sequential.astype(float) - parallel).astype(int)
    return ClusteredMcNemar(
        sequential_only=int((sequential & ~parallel).sum()),
        parallel_only=int((parallel & ~sequential).sum()),
        p_exact=_sign_flips(np.abs(lean), abs(int(lean.sum()))) if len(lean) else UNDEFINED,
    )


def _sign_flips(sizes: np.ndarray, seen: int) -> float:
    """The chance that `sizes` with random signs add up to `seen` or more, either way."""
    chance = np.ones(1)
    for size in sizes[sizes > 0].tolist():
        chance = np.convolve(chance, [0.5, *[0.0] * (2 * size - 1), 0.5])
    sums = np.arange(len(chance)) - len(chance) // 2
    return min(1.0, float(chance[np.abs(sums) >= seen].sum()))
