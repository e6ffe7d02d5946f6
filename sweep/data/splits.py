"""Which images a trial trains on and which it is judged by.

The law, for both functions: a seed orders all images so that every beginning of the order is as balanced as
the labels allow. In round r the order takes, in random turn, the r-th image, at random, of every class that
still has one; so the counts of two classes differ by at most one until the smaller has run out, and the
others then fill up evenly. A seed is an integer of at least 0.

Only the raw 64-bit streams of PCG64 and SeedSequence are used, which NumPy promises never to change (NEP 19),
unlike what ``Generator.permutation`` makes of them.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweep.errors import SweepError

# Keep the two functions' draws apart when they are given one seed.
_SUBSET, _HELD_OUT = 0, 1


def balanced_subset(labels: ArrayLike, count: int, seed: int) -> NDArray[np.int64]:
    """Indices, int64 (count,), of a class-balanced random subset of ``labels`` (N,), integers.

    Subsets of one seed are nested: the subset of n is the first n of every larger one. Raises SweepError when
    ``count`` is negative or more than N.
    """
    order = _balanced_order(labels, seed, _SUBSET)
    if not 0 <= count <= len(order):
        raise SweepError(f"A subset of {count} images was asked for, but there are 0 to {len(order)} to take.")
    return order[:count]


def held_out(labels: ArrayLike, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices to train on and indices held out, int64, ascending, disjoint, together all of ``labels`` (N,).

    The held-out part is class-balanced and has ``fraction`` of N images, rounded half up. Being balanced, not
    proportional, it may hold all images of a rare class. Raises SweepError when ``fraction`` is such that
    either part is empty.
    """
    order = _balanced_order(labels, seed, _HELD_OUT)
    # `0 < fraction` is false for NaN as well.
    held = int(fraction * len(order) + 0.5) if 0 < fraction < 1 else 0
    if not 0 < held < len(order):
        raise SweepError(f"Holding out {fraction} of {len(order)} images leaves one part empty; take another fraction.")
    return np.sort(order[held:]), np.sort(order[:held])


def _balanced_order(labels: ArrayLike, seed: int, purpose: int) -> NDArray[np.int64]:
    """All indices of ``labels``, int64 (N,), in the order that the module describes."""
    labels = np.asarray(labels)
    stream = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose,)))
    draw, turn = stream.random_raw(2 * len(labels)).reshape(2, -1)
    by_class = np.lexsort((draw, labels))
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    rounds = np.empty(len(labels), np.int64)
    rounds[by_class] = np.arange(len(labels)) - np.repeat(starts, counts)
    return np.lexsort((turn, rounds)).astype(np.int64)
