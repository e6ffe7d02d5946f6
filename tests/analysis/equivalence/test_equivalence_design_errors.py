"""How often tests of this grid's mean err, where the truth is at the edge of the margin."""

import numpy as np
import pytest

from analysis.equivalence.contrast import contrasts
from analysis.equivalence.design import of_grid

DRAWS = 400
EDGE = 0.1
ALPHA = 0.05


def errors(
    configurations: int, seeds: int, shared: float, crossed: bool, kept: float = 1.0, single: int = 0
) -> tuple[float, float]:
    """How often the mean is said to lie below, and above, where it lies.

    Seeds differ by `shared` in all configurations alike, and by 1 in each alone. Of the pairs, the share `kept` is
    there, and one at most of the first `single` configurations.
    """
    rng = np.random.default_rng([configurations, seeds, crossed, round(10 * shared)])
    unit, seed = (each.ravel() for each in np.indices((configurations, seeds)))
    found = np.zeros(2)
    for _ in range(DRAWS):
        there = rng.random(len(seed)) < kept
        there &= (unit >= single) | (seed == rng.integers(0, seeds, configurations)[unit])
        values = EDGE + shared * rng.normal(size=seeds)[seed] + rng.normal(size=len(seed))
        mean = of_grid(contrasts(values[there], unit[there], seed[there], crossed))
        found += mean.p_below(EDGE) < ALPHA, mean.p_above(EDGE) < ALPHA
    below, above = found / DRAWS
    return float(below), float(above)


@pytest.mark.parametrize(
    ("configurations", "seeds", "crossed"), [(24, 3, False), (6, 10, False), (12, 3, True), (24, 5, True)]
)
def test_one_sided_errors_are_near_their_level(configurations: int, seeds: int, crossed: bool) -> None:
    for error in errors(configurations, seeds, 0.5 if crossed else 0.0, crossed):
        assert 0.01 <= error <= 0.085


@pytest.mark.parametrize("seeds", [3, 6])
def test_crossed_seeds_taken_as_nested_err_several_times_as_often(seeds: int) -> None:
    for error in errors(24, seeds, 1.0, crossed=False):
        assert error > 4 * ALPHA
    for error in errors(24, seeds, 1.0, crossed=True):
        assert error <= 0.085


@pytest.mark.parametrize(("kept", "single"), [(0.5, 0), (1.0, 18)])
def test_missing_crossed_seeds_do_not_raise_errors(kept: float, single: int) -> None:
    for error in errors(24, 3, 2.0, True, kept, single):
        assert error <= 0.085
