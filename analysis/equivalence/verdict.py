"""What the tests of equivalence and of difference say together."""

from enum import StrEnum

import numpy as np


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


ALPHA = 0.05
"""The error that verdicts and claims are held to."""
INSIDE = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)
"""Verdicts of equivalence."""
AHEAD = (Verdict.FIRST_BETTER, Verdict.SECOND_BETTER)
"""Verdicts of a difference, equivalence not shown."""


def verdict(
    tost_p: float, difference_p: float, estimate: float, alpha: float = 0.05, lower_is_better: bool = True
) -> Verdict:
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
    return Verdict.FIRST_BETTER if (estimate < 0) == lower_is_better else Verdict.SECOND_BETTER
