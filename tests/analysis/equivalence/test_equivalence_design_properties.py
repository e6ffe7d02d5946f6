"""What must hold of means under any design."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.equivalence.contrast import Contrasts, contrasts
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.mean import Mean

Target = Callable[[Contrasts], Mean]
STEADY = settings(max_examples=40, derandomize=True)
TARGETS = pytest.mark.parametrize("target", [of_grid, of_networks])


@dataclass(frozen=True)
class Case:
    """Pairs of an unbalanced design with skewed noise; some configurations may have a single seed."""

    values: np.ndarray
    configuration: np.ndarray
    seed: np.ndarray
    crossed: bool

    def contrasts(self, values: np.ndarray | None = None) -> Contrasts:
        """The contrasts, or those of other values."""
        return contrasts(self.values if values is None else values, self.configuration, self.seed, self.crossed)

    def chosen(self, places: np.ndarray) -> "Case":
        """The pairs at these places, some of them more than once."""
        return Case(self.values[places], self.configuration[places], self.seed[places], self.crossed)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=7))
    configuration = np.repeat(np.arange(len(sizes)), sizes)
    seed = np.concatenate([rng.permutation(5)[:size] for size in sizes])
    noise = rng.exponential(size=len(seed)) - 1
    values = 0.5 * rng.normal(size=len(sizes))[configuration] + rng.normal(size=5)[seed] + noise
    return Case(values.round(6), configuration, seed, draw(st.booleans()))


def alike(one: Mean, other: Mean, shift: float = 0.0, factor: float = 1.0) -> None:
    """Whether the other is the first, scaled and moved."""
    sign = math.copysign(1.0, factor)
    assert other.estimate == pytest.approx(factor * one.estimate + shift, abs=1e-8)
    assert other.standard_error == pytest.approx(abs(factor) * one.standard_error, rel=1e-6, abs=1e-8, nan_ok=True)
    if one.standard_error > 1e-6:
        assert other.degrees_of_freedom == pytest.approx(one.degrees_of_freedom, rel=1e-5)
        assert other.skewness == pytest.approx(sign * one.skewness, rel=1e-5, abs=1e-6)


def same_effect(one: float, other: float) -> None:
    assert other == pytest.approx(one, abs=1e-6, nan_ok=True)


@TARGETS
@STEADY
@given(cases(), st.floats(-5, 5), st.floats(0.1, 10), st.booleans())
def test_means_move_scale_and_turn_with_the_values(
    target: Target, case: Case, shift: float, factor: float, turned: bool
) -> None:
    factor = -factor if turned else factor
    one, other = target(case.contrasts()), target(case.contrasts(factor * case.values + shift))
    alike(one, other, shift, factor)
    if one.standard_error > 1e-6:
        ends, theirs = one.interval(), other.interval()
        expected = sorted(factor * end + shift for end in (ends.low, ends.high))
        assert [theirs.low, theirs.high] == pytest.approx(expected, rel=1e-5, abs=1e-5)
        bound = one.estimate + 0.5 * one.standard_error
        moved = other.p_above(factor * bound + shift) if turned else other.p_below(factor * bound + shift)
        assert moved == pytest.approx(one.p_below(bound), abs=1e-6)
    if not turned:
        same_effect(seed_effect(case.contrasts()), seed_effect(case.contrasts(factor * case.values + shift)))


@TARGETS
@STEADY
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(target: Target, case: Case, random) -> None:
    shuffled = case.chosen(np.array(random.sample(range(len(case.values)), len(case.values))))
    alike(target(case.contrasts()), target(shuffled.contrasts()))
    same_effect(seed_effect(case.contrasts()), seed_effect(shuffled.contrasts()))


@TARGETS
@STEADY
@given(cases(), st.randoms(use_true_random=False))
def test_the_names_of_configurations_and_seeds_do_not_matter(target: Target, case: Case, random) -> None:
    names = np.array(random.sample([f"network {letter}" for letter in "abcdefg"], 7))
    numbers = np.array(random.sample(range(-50, 50), 5))
    renamed = contrasts(case.values, names[case.configuration], numbers[case.seed], case.crossed)
    alike(target(case.contrasts()), target(renamed))
    same_effect(seed_effect(case.contrasts()), seed_effect(renamed))


@TARGETS
@STEADY
@given(cases())
def test_nested_seeds_of_two_configurations_have_nothing_in_common(target: Target, case: Case) -> None:
    apart = 100 * case.configuration + case.seed
    one = contrasts(case.values, case.configuration, case.seed, False)
    alike(target(one), target(contrasts(case.values, case.configuration, apart, False)))


@STEADY
@given(cases(), st.integers(2, 4))
def test_copies_are_one_piece_of_evidence(case: Case, times: int) -> None:
    again = case.chosen(np.tile(np.arange(len(case.values)), times))
    for target in (of_grid, of_networks):
        alike(target(case.contrasts()), target(again.contrasts()))


@STEADY
@given(cases(), st.floats(0.1, 5))
def test_several_values_of_a_seed_count_with_their_mean(case: Case, gap: float) -> None:
    ends = [case.values + sign * gap for sign in (-1, 1)]
    twice = Case(np.concatenate(ends), np.tile(case.configuration, 2), np.tile(case.seed, 2), case.crossed)
    for target in (of_grid, of_networks):
        alike(target(case.contrasts()), target(twice.contrasts()))


@STEADY
@given(cases(), st.floats(-3, 3))
def test_weights_are_linear(case: Case, factor: float) -> None:
    of = case.contrasts()
    count = of.configurations
    plain = of_grid(of)
    alike(plain, of_grid(of, np.full(count, 1 / count)))
    if abs(factor) > 0.1:
        alike(plain, of_grid(of, np.full(count, factor / count)), factor=factor)


@STEADY
@given(cases())
def test_a_weight_of_one_picks_a_configuration(case: Case) -> None:
    of = case.contrasts()
    sizes = np.bincount(of.configuration)
    place = int(sizes.argmax())
    weight = np.zeros(len(sizes))
    weight[place] = 1
    chosen = of_grid(of, weight)
    assert chosen.estimate == pytest.approx(of.means[place], abs=1e-10)
    if not case.crossed and sizes[place] > 1:
        spread = of.values[of.configuration == place].std(ddof=1)
        assert chosen.standard_error == pytest.approx(spread / sizes[place] ** 0.5, rel=1e-9)


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.5, 0.0], [[0.5, 0.5]], [math.nan, 1.0]])
@pytest.mark.parametrize("crossed", [False, True])
def test_malformed_weights_are_refused(weights, crossed: bool) -> None:
    of = contrasts([0.1, 0.2, 0.3, 0.5], [0, 0, 1, 1], [0, 1, 0, 1], crossed)
    with pytest.raises(ValueError, match=r"."):
        of_grid(of, weights)


MEANS = st.builds(Mean, st.floats(-2, 2), st.floats(0.01, 3), st.floats(1, 200), st.floats(-1.5, 1.5))


@STEADY
@given(MEANS, st.floats(-8, 8), st.floats(0.5, 0.99))
def test_the_interval_excludes_a_bound_exactly_where_p_is_below_half_the_rest(
    mean: Mean, bound: float, confidence: float
) -> None:
    ends, tail = mean.interval(confidence), (1 - confidence) / 2
    assert ends.low <= mean.estimate <= ends.high
    if abs(ends.high - bound) > 1e-6:
        assert (mean.p_below(bound) < tail) == (ends.high < bound)
    if abs(ends.low - bound) > 1e-6:
        assert (mean.p_above(bound) < tail) == (ends.low > bound)


@STEADY
@given(MEANS, st.floats(0.01, 3), st.floats(0.01, 0.4))
def test_equivalence_and_difference_are_read_from_the_interval(mean: Mean, margin: float, alpha: float) -> None:
    ends = mean.interval(1 - 2 * alpha)
    if min(abs(ends.low + margin), abs(ends.high - margin)) > 1e-6:
        assert (mean.p_inside(-margin, margin) < alpha) == (-margin < ends.low and ends.high < margin)
    around = mean.interval(1 - alpha)
    if min(abs(around.low), abs(around.high)) > 1e-6:
        assert (mean.p < alpha) == (not around.low <= 0 <= around.high)


@STEADY
@given(MEANS, st.floats(-3, 3), st.floats(0, 3))
def test_a_further_bound_is_never_harder(mean: Mean, bound: float, more: float) -> None:
    assert mean.p_below(bound + more) <= mean.p_below(bound) + 1e-12
    assert mean.p_above(bound - more) <= mean.p_above(bound) + 1e-12
    assert 0 <= mean.p <= 1


@STEADY
@given(MEANS, st.floats(-3, 3))
def test_turning_a_mean_exchanges_its_sides(mean: Mean, bound: float) -> None:
    turned = Mean(-mean.estimate, mean.standard_error, mean.degrees_of_freedom, -mean.skewness)
    assert turned.p_below(-bound) == pytest.approx(mean.p_above(bound), abs=1e-12)
    assert turned.p == pytest.approx(mean.p, abs=1e-12)
    assert turned.interval().low == pytest.approx(-mean.interval().high, rel=1e-9, abs=1e-9)


@STEADY
@given(st.integers(0, 1000), st.integers(2, 8), st.integers(2, 5))
def test_a_shared_shift_of_a_seed_widens_crossed_means_alone(seed: int, configurations: int, seeds: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(configurations, seeds))
    # Seeds differ by nothing else, so that their shift is all that they share.
    noise -= noise.mean(axis=0)
    shift = rng.normal(size=seeds)
    unit, code = (each.ravel() for each in np.indices(noise.shape))
    calm, moved = (
        [contrasts((noise + shared).ravel(), unit, code, crossed) for crossed in (False, True)]
        for shared in (np.zeros(seeds), shift)
    )
    assert of_grid(calm[1]).standard_error == pytest.approx(0, abs=1e-9)
    assert of_grid(moved[1]).standard_error == pytest.approx(float(shift.std(ddof=1)) / seeds**0.5, rel=1e-6)
    assert of_networks(moved[1]).standard_error >= of_grid(moved[1]).standard_error * (1 - 1e-9)
    assert of_networks(moved[0]).standard_error == pytest.approx(of_networks(calm[0]).standard_error, abs=1e-9)
