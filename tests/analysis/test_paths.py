"""Gradient paths: norms, contributions, the effective band, and the part made of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.questions.equivalence.paper import Outcome
from analysis.questions.paths.summary import NetworkPaths, Profile, decay, effective_band, network_paths, profile, summarise
from analysis.report.document import Callout, Prose, Table
from analysis.report.json_numbers import _plain  # pyright: ignore[reportPrivateUsage]
from analysis.questions.paths.view import make
from analysis.report.words import unbroken
from analysis.results import Results
from sweep.result import TrialResult
from tests.analysis.synthetic_measurements import STUDY, ended, opened, path_rows, preresnet


def binomial(blocks: int) -> dict[int, float]:
    return {k: math.log(math.comb(blocks, k)) for k in range(blocks + 1)}


def exponential(factor: float, blocks: int = 54) -> Profile:
    """A network whose norm at length k is factor to the k."""
    lengths = np.arange(blocks + 1)
    return profile(summarise(lengths, factor**lengths), binomial(blocks))


def measured(seed: int, factor: float, *, depth: int = 56, error: float = 0.3, **fields: object) -> TrialResult:
    """A trial with two draws a length, around factor to the k."""
    blocks = (depth - 2) // 6 * 3
    norms = {k: [0.9 * factor**k, 1.1 * factor**k] for k in range(blocks + 1)}
    trial = preresnet(depth, seed, measure="paths", **fields)
    return ended(trial, error, measurements=path_rows(norms, blocks))


def test_equal_norms_contribute_as_there_are_paths() -> None:
    found = exponential(1.0)
    assert found.effective_length == pytest.approx(27)
    assert found.contribution == pytest.approx(found.paths)
    assert (found.longest, found.mean_length, found.covered) == (54, pytest.approx(27), pytest.approx(1))


@pytest.mark.parametrize("factor", [0.5, 0.1, 1e-8])
def test_exponential_norms_make_the_contribution_binomial(factor: float) -> None:
    """C(n, k) r^k over (1 + r)^n is binomial with chance r / (1 + r), however small the norms."""
    found = exponential(factor)
    chance = factor / (1 + factor)
    expected = [math.comb(54, k) * chance**k * (1 - chance) ** (54 - k) for k in range(55)]
    assert found.contribution == pytest.approx(np.array(expected), abs=1e-12)
    assert found.effective_length == pytest.approx(54 * chance)
    assert found.decay.slope == pytest.approx(math.log(factor))
    assert found.decay.r_squared == pytest.approx(1)


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
    assert (found.decay.slope, found.decay.lengths) == (pytest.approx(math.log(0.1)), 3)
    assert np.isnan(decay(np.arange(2.0), np.ones(2)).slope)


def test_only_measured_lengths_contribute() -> None:
    found = profile(summarise([1, 2], [1.0, 1.0]), binomial(3))
    assert found.contribution.tolist() == [0.5, 0.5]
    assert (found.covered, found.longest) == (pytest.approx(6 / 8), 3)


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
            *(measured(seed, factor, error=0.1 * factor) for seed, factor in enumerate((0.3, 0.4, 0.5))),
            measured(0, 0.5, method="droppath", drop_rate=0.5, rescale="evaluation"),
            ended(preresnet(56, 3, measure="paths"), status="diverged"),
            ended(preresnet(56, 7)),
            dead,
        ],
    )


def by_label(results: Results) -> dict[str, NetworkPaths]:
    return {each.label: each for each in network_paths(results, STUDY)}


def test_networks_are_read_and_put_together_over_seeds(results: Results) -> None:
    found = by_label(results)
    assert list(found) == ["pre-activation ResNet-56", "pre-activation ResNet-56, stochastic depth 0.5"]
    plain = found["pre-activation ResNet-56"]
    assert (plain.seeds, plain.without, plain.longest, plain.layers_a_block) == (3, 1, 27, 2)
    lengths = [27 * factor / (1 + factor) for factor in (0.3, 0.4, 0.5)]
    assert float(plain.effective_length.mean) == pytest.approx(np.mean(lengths))
    assert float(plain.slope.mean) == pytest.approx(np.log((0.3, 0.4, 0.5)).mean())
    assert float(plain.error.mean) == pytest.approx(0.04)
    assert plain.norm[0][2] == pytest.approx(np.mean((0.09, 0.16, 0.25)))
    assert (plain.norm[1][2], plain.norm[2][2]) == (pytest.approx(0.09), pytest.approx(0.25))
    assert plain.contribution[0].sum() == pytest.approx(1)
    assert len(plain.bands) == 3
    assert plain.layers == (2 * plain.band.low, 2 * plain.band.high)


def test_a_single_seed_has_the_interval_over_draws(results: Results) -> None:
    only = by_label(results)["pre-activation ResNet-56, stochastic depth 0.5"]
    assert only.seeds == 1
    assert np.isnan(float(only.effective_length.low))
    # Draws of 0.9 and 1.1 times the mean have a standard error of a tenth of it.
    assert only.norm[2][0] == pytest.approx(math.exp(0.1 * 1.959964))


def test_the_part_says_what_is_published_and_what_is_seen(results: Results) -> None:
    part = make(results, STUDY)
    assert part is not None
    (table,) = (block for block in part.sections[0].blocks if isinstance(block, Table))
    rows = {row[0]: row for row in table.rows}
    assert len({len(row) for row in table.rows} | {len(table.columns)}) == 1
    published = next(row for name, row in rows.items() if name.startswith("published"))
    assert {"5 to 17", "10 to 34", "0.45 %"} <= set(published)
    plain = by_label(results)["pre-activation ResNet-56"]
    ours = rows[unbroken("pre-activation ResNet-56")]
    assert ours[7] == f"{2 * plain.band.low} to {2 * plain.band.high}"
    assert "1,000 training images" in part.lead.detail
    assert part.pictures["paths"].drawn.svg.startswith("<svg")
    assert part.tables["path_lengths"].num_rows == 2 * 28
    assert json.dumps(_plain({"numbers": dict(part.numbers)}), allow_nan=False)


def claims(part_of: Results) -> list[Outcome]:
    part = make(part_of, STUDY)
    assert part is not None
    return [claim.outcome for claim in part.numbers["claims"]]


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ((0.3, 0.31, 0.32), Outcome.HOLDS),
        ((3.0, 3.1, 3.2), Outcome.CONTRADICTED),
        ((0.3, 1.0, 3.0), Outcome.OPEN),
        ((0.3,), Outcome.OPEN),
    ],
)
def test_a_claim_needs_an_interval_over_seeds(tmp_path: Path, factors: tuple[float, ...], outcome: Outcome) -> None:
    store = opened(tmp_path, [measured(seed, factor, depth=20) for seed, factor in enumerate(factors)])
    assert claims(store) == [outcome, outcome]


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ((2.0, 2.01, 2.02), Outcome.MIXED),
        ((0.3, 1.0, 3.0), Outcome.IN_PART),
    ],
)
def test_a_claim_of_some_networks_holds_in_part_and_contrary_ones_are_said(
    tmp_path: Path, factors: tuple[float, ...], outcome: Outcome
) -> None:
    trials = [measured(seed, 0.3 + 0.01 * seed, depth=20) for seed in range(3)]
    store = opened(tmp_path, [*trials, *(measured(seed, factor, depth=14) for seed, factor in enumerate(factors))])
    assert claims(store) == [outcome, outcome]


def stack(architecture: str, seed: int, norms: dict[int, list[float]]) -> TrialResult:
    """A stack of 8 blocks, with so many draws a length as there are norms."""
    draws = max(map(len, norms.values()))
    trial = preresnet(8, seed, measure="paths", path_draws=draws).but(network="stack", architecture=architecture)
    return ended(trial, measurements=path_rows(norms, max(norms)))


def test_claims_are_of_plainly_trained_sequential_networks(tmp_path: Path) -> None:
    """A parallel stack has paths of length 0 and 1 alone, and shows neither a fall nor long paths."""
    factors = (0.3, 0.31, 0.32)
    trials = [
        trial
        for seed, factor in enumerate(factors)
        for trial in (
            stack("sequential", seed, {k: [factor**k] for k in range(9)}),
            stack("parallel", seed, {0: [1.0], 1: [3 + factor]}),
            measured(seed, 3 + factor, depth=20, method="droppath", drop_rate=0.5),
        )
    ]
    store = opened(tmp_path, trials)
    assert claims(store) == [Outcome.HOLDS, Outcome.HOLDS]
    part = make(store, STUDY)
    assert part is not None
    assert "stack of 8, sequential" in part.lead.detail
    assert {label: each["judged"] for label, each in part.numbers["networks"].items()} == {
        "stack of 8, sequential": True,
        "stack of 8, parallel": False,
        "pre-activation ResNet-20, droppath 0.5": False,
    }
    said = [block.text for block in part.sections[0].blocks if isinstance(block, Prose)]
    assert any("judged on plainly trained sequential networks with at least 3 path lengths" in text for text in said)


def test_without_a_sequential_network_claims_are_not_decided(tmp_path: Path) -> None:
    store = opened(tmp_path, [stack("parallel", seed, {0: [1.0], 1: [0.1 + seed / 100]}) for seed in range(3)])
    assert claims(store) == [Outcome.OPEN, Outcome.OPEN]


def test_a_fall_that_is_no_straight_line_of_the_log_norm_is_not_exponential(tmp_path: Path) -> None:
    step = {k: 1.0 if k < 8 else 0.2 for k in range(10)}
    trials = [
        ended(
            preresnet(56, seed, measure="paths"),
            measurements=path_rows({k: [norm * (1 + seed * k / 1000)] for k, norm in step.items()}, 9),
        )
        for seed in range(3)
    ]
    part = make(opened(tmp_path, trials), STUDY)
    assert part is not None
    claim = part.numbers["claims"][1]
    assert claim.outcome is Outcome.IN_PART
    assert "R² 0.48, so it falls, but not exponentially" in claim.because


def test_a_training_that_is_measured_twice_is_one_seed_and_the_one_with_most_draws(tmp_path: Path) -> None:
    trials = [
        stack("sequential", 0, {k: [factor**k] * draws for k in range(9)}) for draws, factor in ((2, 0.5), (9, 0.3))
    ]
    (found,) = network_paths(opened(tmp_path, trials), STUDY)
    assert (found.seeds, found.without) == (1, 0)
    assert float(found.slope.mean) == pytest.approx(math.log(0.3))


def test_planned_trials_that_are_missing_are_counted(tmp_path: Path) -> None:
    planned = [preresnet(20, seed, measure="paths") for seed in range(5)]
    diverged = ended(planned[3], status="diverged")
    store = opened(tmp_path, [*(measured(seed, 0.5, depth=20) for seed in range(3)), diverged], planned)
    (found,) = network_paths(store, STUDY)
    assert (found.seeds, found.without) == (3, 2)
    part = make(store, STUDY)
    assert part is not None
    remarks = [block.text for block in part.sections[0].blocks if isinstance(block, Callout)]
    assert "Seeds that did not finish, are missing or were not measured: pre-activation ResNet-20 2." in remarks


def test_the_longest_path_is_named_so(tmp_path: Path) -> None:
    part = make(opened(tmp_path, [stack("parallel", 0, {0: [1.0], 1: [0.5]})]), STUDY)
    assert part is not None
    (table,) = (block for block in part.sections[0].blocks if isinstance(block, Table))
    place = [column.head for column in table.columns].index("longest path")
    assert table.rows[1][place] == "1"
    (numbers,) = part.numbers["networks"].values()
    assert numbers["longest"] == 1
    assert "blocks" not in numbers


def test_a_study_without_path_gradients_has_no_part(tmp_path: Path) -> None:
    store = opened(tmp_path, [ended(preresnet(20, 0)), ended(preresnet(20, 1, measure="paths"))])
    assert make(store, STUDY) is None
    assert make(store, "another") is None
