"""What a plan can show: power and detectable difference against the tests themselves, on drawn noise."""

import math

import numpy as np
import pytest

from analysis.equivalence.contrast import contrasts
from analysis.equivalence.design import of_grid
from analysis.equivalence.power import WANTED, power

DRAWS = 600
ALPHA, MARGIN = 0.04, math.log(1.1)


def shown(configurations: int, seeds: int, noise: float, shift: float, crossed: bool) -> tuple[float, float]:
    """How often the tests show equivalence, and a difference, where the true log ratio is `shift`."""
    generator = np.random.default_rng(20)
    unit = np.repeat(np.arange(configurations), seeds)
    seed = np.tile(np.arange(seeds), configurations)
    equivalent, different = 0, 0
    for _ in range(DRAWS):
        drawn = generator.normal(0, noise, seeds)[seed] if crossed else generator.normal(0, noise, len(unit))
        mean = of_grid(contrasts(shift + drawn, unit, seed, crossed))
        equivalent += mean.p_inside(-MARGIN, MARGIN) < ALPHA
        different += mean.p < ALPHA
    return equivalent / DRAWS, different / DRAWS


@pytest.mark.parametrize(
    ("configurations", "seeds", "noise", "crossed"),
    [(24, 3, 0.35, False), (12, 5, 0.2, False), (48, 3, 0.6, False), (16, 6, 0.08, True), (4, 12, 0.12, True)],
)
def test_power_is_that_of_the_tests(configurations, seeds, noise, crossed):
    found = power(configurations, seeds, noise, MARGIN, ALPHA, crossed)
    equivalent, _ = shown(configurations, seeds, noise, 0.0, crossed)
    _, different = shown(configurations, seeds, noise, found.detectable, crossed)
    # Four standard errors of the simulation, and what the correction for skewness costs where seeds are many.
    assert equivalent == pytest.approx(found.equivalence, abs=0.09)
    assert different == pytest.approx(WANTED, abs=0.09)


def test_more_seeds_and_more_configurations_show_more():
    least, seeds, networks = (power(count, each, 0.3, MARGIN, ALPHA) for count, each in ((24, 3), (24, 4), (48, 3)))
    assert least.equivalence < seeds.equivalence < networks.equivalence
    assert least.detectable > seeds.detectable > networks.detectable


def test_configurations_buy_nothing_where_seeds_are_shared():
    one, many = (power(count, 4, 0.1, MARGIN, ALPHA, crossed=True) for count in (10, 1000))
    assert (one.equivalence, one.detectable, one.enough) == (many.equivalence, many.detectable, True)


@pytest.mark.parametrize(("count", "seeds", "enough"), [(24, 3, True), (23, 3, False), (60, 2, False), (1, 49, True)])
def test_a_verdict_takes_enough_seeds(count, seeds, enough):
    assert power(count, seeds, 0.1, MARGIN, ALPHA).enough == enough


def test_a_single_seed_shows_nothing():
    found = power(100, 1, 0.1, MARGIN, ALPHA)
    assert math.isnan(found.equivalence)
    assert not found.enough


@pytest.mark.parametrize(
    ("count", "seeds", "noise", "margin"), [(0, 3, 0.1, 0.1), (3, 0, 0.1, 0.1), (3, 3, 0.0, 0.1), (3, 3, 0.1, 0.0)]
)
def test_malformed_plans_are_refused(count, seeds, noise, margin):
    with pytest.raises(ValueError, match="power takes"):
        power(count, seeds, noise, margin, ALPHA)
