"""Sums of given sizes under random signs: what signed ranks and clustered pairs are both compared with."""

from collections.abc import Sequence

import numpy as np

from analysis.equivalence.inputs import Vector


def plus_sums(sizes: Sequence[int]) -> Vector:
    """The chance of each sum 0, 1, ... of the sizes that get a plus, if every size gets one with chance 1/2.

    Sizes are above zero.
    """
    chance = np.zeros(sum(sizes) + 1)
    chance[0] = 1
    for size in sizes:
        with_plus = chance[:-size] / 2
        chance /= 2
        chance[size:] += with_plus
    return chance
