"""What became of matched pairs, and how much it may matter: divergence, and sides that failed."""

from dataclasses import dataclass

import numpy as np

from analysis import equivalence as eq
from analysis.arrays import Array
from analysis.questions.equivalence.sample import Sample


@dataclass(frozen=True)
class Counts:
    """Matched pairs by what became of them; a pair of several ends counts once, in this order of precedence."""

    pairs: int
    missing: int
    failed: int
    diverged: int
    complete: int
    sequential_diverged: int
    parallel_diverged: int


def count(sample: Sample) -> Counts:
    """The pairs of a sample by their ends."""
    missing = _either(sample, "missing")
    failed = _either(sample, "failed") & ~missing
    diverged = _either(sample, "diverged") & ~missing & ~failed
    sequential, parallel = sample.count("diverged")
    return Counts(
        pairs=len(sample),
        missing=int(missing.sum()),
        failed=int(failed.sum()),
        diverged=int(diverged.sum()),
        complete=int(sample.complete.sum()),
        sequential_diverged=sequential,
        parallel_diverged=parallel,
    )


def divergence(sample: Sample) -> eq.ClusteredMcNemar:
    """Whether one side diverges more often, of pairs of which both sides ended."""
    known = ~(_either(sample, "failed") | _either(sample, "missing"))
    sequential, parallel = (side[known] == "diverged" for side in sample.statuses)
    return eq.clustered_mcnemar(sequential, parallel, sample.configuration[known])


def failed_as_chance(sample: Sample) -> Array:
    """Log ratios with every failed side at the loss of guessing; where both failed they say nothing."""
    failed = [side == "failed" for side in sample.statuses]
    one = failed[0] ^ failed[1]
    sequential, parallel = (
        np.log(np.where(lost & one, sample.chance, outcome))
        for lost, outcome in zip(failed, sample.outcomes, strict=True)
    )
    return parallel - sequential


def _either(sample: Sample, status: str) -> Array:
    sequential, parallel = sample.statuses
    return (sequential == status) | (parallel == status)
