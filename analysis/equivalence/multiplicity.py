"""Many tests at once."""

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Vector


def holm(p: ArrayLike) -> Vector:
    """Holm's step-down adjusted p-values (1979), shape (tests,): below alpha with familywise error alpha.

    NaN is no test: it stays NaN, and the others are adjusted as if it were not there. Raises ValueError for another
    shape, and for values outside 0 to 1.
    """
    raw = np.asarray(p, np.float64)
    if raw.ndim != 1:
        raise ValueError(f"p must be one-dimensional, not of shape {raw.shape}.")
    tested = np.flatnonzero(~np.isnan(raw))
    if ((raw[tested] < 0) | (raw[tested] > 1)).any():
        raise ValueError("p must lie between 0 and 1.")
    order = tested[np.argsort(raw[tested], kind="stable")]
    adjusted = np.full(raw.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted
