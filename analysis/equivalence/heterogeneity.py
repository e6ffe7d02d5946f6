"""Does the difference between the arrangements depend on a factor, or on a factor differently over another?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc

from analysis.equivalence.inputs import codes, groups, vector
from analysis.equivalence.mean import UNDEFINED


@dataclass(frozen=True)
class FTest:
    """An F statistic, its degrees of freedom and p; all NaN where it is undefined."""

    f: float = UNDEFINED
    numerator: float = UNDEFINED
    denominator: float = UNDEFINED
    p: float = UNDEFINED


def factor_test(values: ArrayLike, levels: ArrayLike) -> FTest:
    """Welch's (1951) analysis of variance: are the means of `values` alike at all levels of one factor?

    Both have shape (configurations,). Variances may differ between levels. NaN for a single level, and where a
    level has fewer than two values or no variance. Raises ValueError for malformed arrays.
    """
    y = vector(values)
    at = groups(y, codes(levels, len(y), "levels"))
    count = len(at.n)
    if count < 2 or (at.n < 2).any() or (at.squares == 0).any():
        return FTest()
    weight = at.n * (at.n - 1) / at.squares
    share = weight / weight.sum()
    middle = share @ at.mean
    spread = float(((1 - share) ** 2 / (at.n - 1)).sum())
    between = float(weight @ (at.mean - middle) ** 2) / (count - 1)
    f = between / (1 + 2 * (count - 2) * spread / (count**2 - 1))
    denominator = (count**2 - 1) / (3 * spread)
    return FTest(f, count - 1.0, denominator, float(fdtrc(count - 1, denominator, f)))


def interaction_test(values: ArrayLike, a: ArrayLike, b: ArrayLike) -> FTest:
    """Does the effect of factor `a` on `values` differ over the levels of `b`?

    All three have shape (configurations,). The Wald F test of the interaction terms of the two-way dummy model with
    the HC3 covariance (MacKinnon & White 1985; Long & Ervin 2000), on n - cells degrees of freedom. In that model the
    coefficients are cell means, whose HC3 variance is the sum of squares over (n - 1)^2, so no regression is run.
    NaN where a factor has a single level, and where a cell has fewer than two values or none of them vary. Valid for
    unequal variances; with few values a cell and many cells it departs from its level. Raises ValueError for
    malformed arrays.
    """
    y = vector(values)
    row, column = codes(a, len(y), "a"), codes(b, len(y), "b")
    rows, columns = int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1
    cell = row * columns + column
    if min(rows, columns) < 2 or (np.bincount(cell, minlength=rows * columns) < 2).any():
        return FTest()
    at = groups(y, cell)
    if (at.squares == 0).any():
        return FTest()
    contrast = np.kron(_differences(rows), _differences(columns))
    effect = contrast @ at.mean
    covariance = (contrast * (at.squares / (at.n - 1) ** 2)) @ contrast.T
    numerator, denominator = len(effect), len(y) - rows * columns
    f = float(effect @ np.linalg.solve(covariance, effect)) / numerator
    return FTest(f, float(numerator), float(denominator), float(fdtrc(numerator, denominator, f)))


def _differences(levels: int) -> np.ndarray:
    """Each level after the first, minus the first: shape (levels - 1, levels)."""
    return np.hstack([-np.ones((levels - 1, 1)), np.eye(levels - 1)])
