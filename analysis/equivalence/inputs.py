"""What every statistic of the package checks first, and moments within groups, such as configurations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Codes = NDArray[np.intp]


def vector(values: ArrayLike, name: str = "values") -> Vector:
    """A one-dimensional array of finite floats, possibly empty; raises ValueError otherwise."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite: leave out what is missing before.")
    return array


def codes(labels: ArrayLike, size: int, name: str = "configuration") -> Codes:
    """The place of each of `size` labels among the sorted distinct ones; raises ValueError for another shape."""
    array = np.asarray(labels)
    if array.shape != (size,):
        raise ValueError(f"{name} must have one label a value: shape ({size},), not {array.shape}.")
    return np.unique(array, return_inverse=True)[1].astype(np.intp)


def level(value: float, name: str = "alpha", upper: float = 0.5) -> float:
    """An error rate or confidence strictly between 0 and `upper`; raises ValueError otherwise."""
    if not 0 < value < upper:
        raise ValueError(f"{name} must lie between 0 and {upper:g}, not at {value:g}.")
    return value


@dataclass(frozen=True)
class Groups:
    """Moments within groups, arrays over groups: how many, their mean, their sum of squared deviations."""

    n: NDArray[np.intp]
    mean: Vector
    squares: Vector


def groups(values: Vector, code: Codes) -> Groups:
    """Moments of each group 0, 1, ...; identical values give exactly their value and no squares."""
    n = np.bincount(code)
    first = np.empty(len(n))
    # Measured from a value of the group, equal values leave no rounding behind.
    first[code] = values
    shift = values - first[code]
    mean = np.bincount(code, shift) / n
    squares = np.bincount(code, (shift - mean[code]) ** 2).astype(np.float64)
    return Groups(n, first + mean, squares)
