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
    names = ("missing", "failed", "diverged")
    ends = np.select([_either(sample, name) for name in names], names, "complete")
    missing, failed, diverged = (int((ends == name).sum()) for name in names)
    return Counts(len(sample), missing, failed, diverged, int(sample.complete.sum()), *sample.count("diverged"))


def divergence(sample: Sample) -> eq.ClusteredMcNemar:
    """Whether one side diverges more often, of pairs of which both sides ended."""
    known = ~(_either(sample, "failed") | _either(sample, "missing"))
    sequential, parallel = (side[known] == "diverged" for side in sample.statuses)
    return eq.clustered_mcnemar(sequential, parallel, sample.configuration[known])


def failed_as_chance(sample: Sample) -> Array:
    """Log ratios with every failed side at the loss of guessing; where both failed they say nothing."""
    failed = [side == "failed" for side in sample.statuses]
    one = failed[0] ^ failed[1]
    sides = zip(failed, sample.outcomes, strict=True)
    sequential, parallel = (np.log(np.where(lost & one, sample.chance, outcome)) for lost, outcome in sides)
    return parallel - sequential


def _either(sample: Sample, status: str) -> Array:
    return np.logical_or(*(side == status for side in sample.statuses))
