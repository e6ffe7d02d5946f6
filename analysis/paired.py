"""Differences paired by seed."""

from collections.abc import Mapping

import numpy as np

from analysis import equivalence as eq
from analysis.seeds import CONFIDENCE


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> eq.Difference:
    """First minus second, each a value by seed, over the seeds with a finite value in both: 95 % t interval and p."""
    differences = np.array([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())], np.float64)
    return eq.difference_test(differences[np.isfinite(differences)], 1 - CONFIDENCE)
