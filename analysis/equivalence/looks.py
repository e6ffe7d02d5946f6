"""The error of a question that is asked again as its data grow.

Each look spends a part of alpha, so that the chance of one false verdict over all looks stays below alpha, however many
there are and however their data overlap (a spending rule with Bonferroni's inequality; Lan & DeMets 1983). The first
look has four fifths. Later ones share the rest: each has half of what is left.
"""

FIRST = 0.8


def alpha_of_look(look: int, alpha: float) -> float:
    """The alpha of a look, counted from 1. Raises ValueError for a look below 1."""
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    return FIRST * alpha if look == 1 else (1 - FIRST) * alpha * 0.5 ** (look - 1)
