"""Choose the images that a trial trains on and those that judge it.

Both functions order all images by a seed, an integer of at least 0, so that every prefix of the order is as
balanced as the labels allow. Round r takes one random image of every class that still has one, in random order. So
the counts of two classes differ by at most one until the smaller class runs out; the others then fill up evenly.

The code uses only the raw 64-bit streams of PCG64 and SeedSequence, which NumPy promises never to change (NEP 19). It
makes no such promise for ``Generator.permutation``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweep.errors import SweepError

# They keep the two functions' draws apart under one seed.
_SUBSET, _HELD_OUT = 0, 1


def balanced_subset(labels: ArrayLike, count: int, seed: int) -> NDArray[np.int64]:
    """Indices, int64 (count,), of a class-balanced random subset of ``labels`` (N,), integers.

    Subsets of one seed are nested: a subset of n is the first n of every larger one. Raises SweepError if ``count`` is
    negative or above N.
    """
    order = _balanced_order(labels, seed, _SUBSET)
    if not 0 <= count <= len(order):
        raise SweepError(f"A subset cannot have {count} images; take 0 to {len(order)}.")
    return order[:count]


def held_out(labels: ArrayLike, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All indices of ``labels`` (N,) in two parts, to train on and held out: int64, ascending, disjoint.

    The held-out part is class-balanced and has ``fraction`` of N images, rounded half up. Since it is balanced and not
    proportional, it may hold all images of a rare class. Raises SweepError if either part is empty.
    """
    order = _balanced_order(labels, seed, _HELD_OUT)
    # `0 < fraction` is false for NaN as well.
    held = int(fraction * len(order) + 0.5) if 0 < fraction < 1 else 0
    if not 0 < held < len(order):
        raise SweepError(f"Holding out {fraction} of {len(order)} images leaves one part empty; take another fraction.")
    return np.sort(order[held:]), np.sort(order[:held])


def _balanced_order(labels: ArrayLike, seed: int, purpose: int) -> NDArray[np.int64]:
    """All indices of ``labels``, int64 (N,), in the order that the module's docstring describes."""
    labels = np.asarray(labels)
    stream = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose,)))
    draw, turn = stream.random_raw(2 * len(labels)).reshape(2, -1)
    by_class = np.lexsort((draw, labels))
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    rounds = np.empty(len(labels), np.int64)
    rounds[by_class] = np.arange(len(labels)) - np.repeat(starts, counts)
    return np.lexsort((turn, rounds)).astype(np.int64)
