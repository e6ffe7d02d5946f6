"""What the tests of equivalence and of difference say together, and the error of many tests and of many looks."""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from analysis.equivalence.inputs import Vector


class Verdict(StrEnum):
    """The five outcomes of testing for equivalence and for difference (Tryon & Lewis 2008)."""

    EQUIVALENT = "equivalent"
    FIRST_BETTER = "first better"
    SECOND_BETTER = "second better"
    DIFFERENT_INSIDE = "different but inside the margin"
    UNDECIDED = "undecided"

    def words(self, first: str, second: str) -> str:
        """The outcome, with the names of the two that are compared."""
        better = {Verdict.FIRST_BETTER: first, Verdict.SECOND_BETTER: second}
        return f"{better[self]} better" if self in better else self.value


_FIRST = 0.8
ALPHA = 0.05
"""The error that verdicts and claims are held to."""
INSIDE = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)
"""Verdicts of equivalence."""
AHEAD = (Verdict.FIRST_BETTER, Verdict.SECOND_BETTER)
"""Verdicts of a difference, equivalence not shown."""


def decide(tost_p: float, difference_p: float, estimate: float, alpha: float = ALPHA) -> Verdict:
    """The outcome at `alpha`, from the p of equivalence, the p of difference and first minus second.

    Any NaN leaves it undecided.
    """
    if np.isnan((tost_p, difference_p, estimate)).any():
        return Verdict.UNDECIDED
    different = difference_p < alpha and estimate != 0
    if tost_p < alpha:
        return Verdict.DIFFERENT_INSIDE if different else Verdict.EQUIVALENT
    if not different:
        return Verdict.UNDECIDED
    return Verdict.FIRST_BETTER if estimate < 0 else Verdict.SECOND_BETTER


def alpha_of_look(look: int, alpha: float) -> float:
    """The alpha of a look, counted from 1, of a question that is asked again as its data grow.

    Each look spends a part of alpha, so that the chance of one false verdict over all looks stays below alpha, however
    many there are and however their data overlap (a spending rule with Bonferroni's inequality; Lan & DeMets 1983). The
    first look has four fifths. Later ones share the rest: each has half of what is left. Raises ValueError for a look
    below 1.
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    return _FIRST * alpha if look == 1 else (1 - _FIRST) * alpha * 0.5 ** (look - 1)


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
