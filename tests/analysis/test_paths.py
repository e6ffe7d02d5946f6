"""Gradient paths: norms, contributions, the effective band, and networks over seeds."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis.path_lengths import Profile, decay, effective_band, profile, summarise
from analysis.questions.paths.summary import NetworkPaths, find_paths
from analysis.results import Results
from tests.analysis.synthetic_measurements import STUDY, ended, opened, path_rows, path_stack, path_trial, preresnet


def binomial(blocks: int) -> dict[int, float]:
    return {k: math.log(math.comb(blocks, k)) for k in range(blocks + 1)}


def exponential(factor: float, blocks: int = 54) -> Profile:
    """A network whose norm at length k is factor to the k."""
    lengths = np.arange(blocks + 1)
    return profile(summarise(lengths, factor**lengths), binomial(blocks))


def test_equal_norms_contribute_as_there_are_paths() -> None:
    found = exponential(1.0)
    assert found.effective_length == pytest.approx(27)
    assert found.contribution == pytest.approx(found.paths)
    assert (found.longest, found.mean_length, float(found.paths.sum())) == (54, pytest.approx(27), pytest.approx(1))


@pytest.mark.parametrize("factor", [0.5, 0.1, 1e-8])
def test_exponential_norms_make_the_contribution_binomial(factor: float) -> None:
    """C(n, k) r^k over (1 + r)^n is binomial with chance r / (1 + r), however small the norms."""
    found = exponential(factor)
    chance = factor / (1 + factor)
    expected = [math.comb(54, k) * chance**k * (1 - chance) ** (54 - k) for k in range(55)]
    assert found.contribution == pytest.approx(np.array(expected), abs=1e-12)
    assert found.effective_length == pytest.approx(54 * chance)
    assert found.slope == pytest.approx(math.log(factor))
    assert found.r_squared == pytest.approx(1)


def test_the_published_band_holds_the_published_share_of_paths() -> None:
    """P2 prints 0.45 % for 5 to 17 of 54 blocks."""
    assert exponential(1.0).paths[5:18].sum() == pytest.approx(0.004537, abs=5e-7)


def test_counts_beyond_floats_are_counted_in_logarithms() -> None:
    blocks = 4000
    logs = {k: math.lgamma(blocks + 1) - math.lgamma(k + 1) - math.lgamma(blocks - k + 1) for k in range(blocks + 1)}
    found = profile(summarise(np.arange(blocks + 1), np.ones(blocks + 1)), logs)
    assert found.effective_length == pytest.approx(2000)
    assert found.band.contribution >= 0.9


@pytest.mark.parametrize(
    ("contribution", "band"),
    [
        ([0.02, 0.02, 0.92, 0.02, 0.02], (2, 2)),
        ([0.05, 0.05, 0.8, 0.05, 0.05], (0, 3)),
        ([0.04, 0.06, 0.8, 0.06, 0.04], (1, 3)),
        ([0, 0, 0, 0, 1.0], (4, 4)),
        ([0.2, 0.2, 0.2, 0.2, 0.2], (0, 4)),
    ],
)
def test_the_band_leaves_out_less_than_a_twentieth_below_and_at_most_that_above(
    contribution: list[float], band: tuple[int, int]
) -> None:
    paths = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    found = effective_band(np.arange(5.0), np.array(contribution), paths)
    assert (found.low, found.high) == band
    assert found.contribution == pytest.approx(sum(contribution[band[0] : band[1] + 1]))
    assert found.contribution >= 0.9 - 1e-12
    assert found.paths == pytest.approx(paths[band[0] : band[1] + 1].sum())


def test_draws_of_norm_zero_count_and_undefined_ones_do_not() -> None:
    found = summarise([1, 1, 1, 1, 2, 2], [0.0, 2.0, 4.0, math.nan, 0.0, 0.0])
    assert found.mean.tolist() == [2.0, 0.0]
    assert found.draws.tolist() == [3, 2]
    assert found.zeros.tolist() == [1, 2]
    # The standard error of (0, 2, 4) is 2 / sqrt(3), of its log half of that.
    assert found.high[0] == pytest.approx(2 * math.exp(1.959964 / math.sqrt(3)))
    assert found.low[0] == pytest.approx(2 * math.exp(-1.959964 / math.sqrt(3)))
    assert np.isnan([found.low[1], found.high[1]]).all()


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    norms = np.exp(generator.normal(size=(400, 200))) * (generator.random((400, 200)) > 0.3)
    found = summarise(np.repeat(np.arange(400), 200), norms.ravel())
    truth = 0.7 * math.exp(0.5)
    assert ((found.low < truth) & (truth < found.high)).mean() == pytest.approx(0.95, abs=0.035)


def test_tiny_norms_keep_their_spread() -> None:
    large, tiny = (summarise([1, 1], [scale, 3 * scale]) for scale in (1.0, 1e-200))
    assert tiny.high / tiny.mean == pytest.approx(large.high / large.mean)


def test_a_length_without_gradient_contributes_nothing_and_is_left_out_of_the_slope() -> None:
    norms = summarise([0, 1, 2, 3], [1.0, 0.1, 0.01, 0.0])
    found = profile(norms, binomial(3))
    assert found.contribution[3] == 0
    assert (found.slope, found.r_squared) == (pytest.approx(math.log(0.1)), pytest.approx(1))
    assert np.isnan(decay(np.arange(2.0), np.ones(2))).all()


def test_only_measured_lengths_contribute() -> None:
    found = profile(summarise([1, 2], [1.0, 1.0]), binomial(3))
    assert found.contribution.tolist() == [0.5, 0.5]
    assert (found.paths.sum(), found.longest) == (pytest.approx(6 / 8), 3)


def test_without_any_gradient_there_is_no_profile() -> None:
    with pytest.raises(ValueError, match="norm above zero"):
        profile(summarise([0, 1], [0.0, 0.0]), binomial(1))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three seeds of one network, one of another, a diverged one, and one without any gradient."""
    dead = ended(preresnet(14, 0, measure="paths"), measurements=path_rows({k: [0.0] for k in range(7)}, 6))
    return opened(
        tmp_path_factory.mktemp("paths"),
        [
            *(path_trial(seed, factor, error=0.1 * factor) for seed, factor in enumerate((0.3, 0.4, 0.5))),
            path_trial(0, 0.5, method="droppath", drop_rate=0.5, rescale="evaluation"),
            ended(preresnet(56, 3, measure="paths"), status="diverged"),
            ended(preresnet(56, 7)),
            dead,
        ],
    )


def by_label(results: Results) -> dict[str, NetworkPaths]:
    found = find_paths(results, STUDY)
    assert found is not None
    return {each.label: each for each in found.networks}


def test_networks_are_read_and_put_together_over_seeds(results: Results) -> None:
    found = by_label(results)
    assert list(found) == ["pre-activation ResNet-56", "pre-activation ResNet-56, stochastic depth 0.5"]
    plain = found["pre-activation ResNet-56"]
    assert (len(plain.seeds), plain.lacking, plain.longest, plain.layers_a_block) == (3, 1, 27, 2)
    lengths = [27 * factor / (1 + factor) for factor in (0.3, 0.4, 0.5)]
    assert plain.effective_length.value == pytest.approx(np.mean(lengths))
    assert plain.slope.estimate == pytest.approx(np.log((0.3, 0.4, 0.5)).mean())
    assert plain.error.value == pytest.approx(0.04)
    assert plain.norm[0, 2] == pytest.approx(np.mean((0.09, 0.16, 0.25)))
    assert plain.norm[1:, 2].tolist() == [pytest.approx(0.09), pytest.approx(0.25)]
    assert plain.contribution[0].sum() == pytest.approx(1)


def test_a_single_seed_has_the_interval_over_draws(results: Results) -> None:
    only = by_label(results)["pre-activation ResNet-56, stochastic depth 0.5"]
    assert len(only.seeds) == 1
    assert np.isnan(only.effective_length.low)
    # Draws of 0.9 and 1.1 times the mean have a standard error of a tenth of it.
    assert only.norm[2, 0] == pytest.approx(math.exp(0.1 * 1.959964))


def test_a_training_that_is_measured_twice_is_one_seed_and_the_one_with_most_draws(tmp_path: Path) -> None:
    trials = [
        path_stack("sequential", 0, {k: [factor**k] * draws for k in range(9)})
        for draws, factor in ((2, 0.5), (9, 0.3))
    ]
    (found,) = by_label(opened(tmp_path, trials)).values()
    assert (len(found.seeds), found.lacking) == (1, 0)
    assert found.slope.estimate == pytest.approx(math.log(0.3))
