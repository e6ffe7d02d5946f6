"""The decomposition of variance, and its components."""

import math
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.anova import anova_lm

from analysis.equivalence import Decomposition, components, decompose

TERMS = [("arch",), ("depth",), ("width",), ("act",), ("depth", "arch"), ("width", "arch")]


Trials = dict[str, np.ndarray]


def grid(seeds: int = 3, seed: int = 0) -> Trials:
    """Trials of depth x width x act x rate, of which the models below leave out the rate."""
    depth, width, act, rate, arch, run = (each.ravel() for each in np.indices((4, 3, 2, 2, 2, seeds)))
    configuration = ((depth * 3 + width) * 2 + act) * 2 + rate
    rng = np.random.default_rng(seed)
    each = rng.normal(size=(48, 2))[configuration, arch]
    y = 0.5 * depth - 0.2 * width * arch + 0.3 * rate + 0.2 * each + 0.1 * rng.normal(size=len(arch))
    return {
        "depth": 2**depth,
        "width": width,
        "act": np.array(["relu", "tanh"])[act],
        "arch": np.array(["parallel", "sequential"])[arch],
        "run": run,
        "configuration": configuration,
        "y": y,
    }


def some(trials: Trials, share: float, seed: int) -> Trials:
    """A random part of the trials, in random order."""
    count = len(trials["y"])
    chosen = np.random.default_rng(seed).permutation(count)[: int(share * count)]
    return {name: values[chosen] for name, values in trials.items()}


def of(trials: Trials, terms: Sequence[tuple[str, ...]] = TERMS) -> Decomposition:
    factors = {name: trials[name] for name in ("arch", "depth", "width", "act")}
    return decompose(trials["y"], factors, terms, trials["configuration"], "arch")


def left_by(trials: Trials, *terms: tuple[str, ...]) -> float:
    """The residual sum of squares of indicators of every combination of levels of each term."""
    blocks = []
    for term in terms:
        levels = np.unique(np.stack([np.unique(trials[name], return_inverse=True)[1] for name in term]), axis=1)
        codes = np.stack([np.unique(trials[name], return_inverse=True)[1] for name in term])
        blocks.append((codes[:, :, None] == levels[:, None, :]).all(axis=0).astype(float))
    matrix = np.hstack(blocks)
    rest = trials["y"] - matrix @ np.linalg.lstsq(matrix, trials["y"])[0]
    return float(rest @ rest)


@pytest.mark.parametrize("share", [1, 0.8])
def test_sums_of_squares_are_the_type_two_of_statsmodels(share: float) -> None:
    trials = some(grid(), share, 1)
    model = smf.ols("y ~ C(arch) * (C(depth) + C(width)) + C(act)", pd.DataFrame(trials)).fit()
    theirs = anova_lm(model, typ=2)
    ours = {term.name: term for term in of(trials).terms}
    names = {"arch": "C(arch)", "depth": "C(depth)", "act": "C(act)", "depth:arch": "C(arch):C(depth)"}
    for name, their_name in names.items():
        assert ours[name].sum_of_squares == pytest.approx(theirs["sum_sq"][their_name], rel=1e-8)
        assert ours[name].degrees_of_freedom == theirs["df"][their_name]
    rest = [ours[name] for name in ("configuration (other interactions)", "configuration x architecture", "seed")]
    assert sum(term.sum_of_squares for term in rest) == pytest.approx(theirs["sum_sq"]["Residual"], rel=1e-8)
    assert sum(term.degrees_of_freedom for term in rest) == theirs["df"]["Residual"]


@pytest.mark.parametrize("share", [1, 0.8, 0.3])
def test_the_remainder_is_what_nested_models_leave(share: float) -> None:
    trials = some(grid(seed=1), share, 2)
    modelled = [("depth", "arch"), ("width", "arch"), ("act",)]
    left = [
        left_by(trials, *modelled),
        left_by(trials, *modelled, ("configuration",)),
        left_by(trials, ("configuration", "arch")),
    ]
    beyond, crossed, seed = of(trials).terms[-3:]
    assert beyond.sum_of_squares == pytest.approx(left[0] - left[1], rel=1e-7)
    assert crossed.sum_of_squares == pytest.approx(left[1] - left[2], rel=1e-7)
    assert seed.sum_of_squares == pytest.approx(left[2], rel=1e-7)


def test_terms_are_tested_in_their_stratum() -> None:
    """The split plot as two analyses: of configurations' means, and of their differences."""
    trials = grid()
    terms = {term.name: term for term in of(trials).terms}
    cells = trials["y"].reshape(48, 2, 3).mean(axis=2)
    each = {name: trials[name][::6] for name in ("depth", "width", "act")}
    frame = pd.DataFrame({**each, "middle": cells.mean(axis=1), "difference": cells[:, 0] - cells[:, 1]})
    whole = anova_lm(smf.ols("middle ~ C(depth) + C(width) + C(act)", frame).fit(), typ=2)
    for name in ("depth", "width", "act"):
        theirs = whole["F"][f"C({name})"], whole["PR(>F)"][f"C({name})"]
        assert (terms[name].f, terms[name].p) == pytest.approx(theirs, rel=1e-8)
    split = anova_lm(smf.ols("difference ~ C(depth) + C(width)", frame).fit(), typ=2)
    for name in ("depth", "width"):
        theirs = split["F"][f"C({name})"], split["PR(>F)"][f"C({name})"]
        assert (terms[f"{name}:arch"].f, terms[f"{name}:arch"].p) == pytest.approx(theirs, rel=1e-8)


def test_the_architecture_alone_is_tested_as_the_paired_t_test_does() -> None:
    trials = grid()
    cells = trials["y"].reshape(48, 2, 3).mean(axis=2)
    t, p = np.asarray(stats.ttest_rel(cells[:, 0], cells[:, 1]))
    term = of(trials, [("arch",)]).terms[0]
    assert (term.f, term.p) == pytest.approx((t**2, p), rel=1e-8)


def test_shares_of_a_balanced_grid_add_up() -> None:
    result = of(grid())
    assert sum(term.share for term in result.terms) == pytest.approx(1, abs=1e-10)
    assert sum(term.degrees_of_freedom for term in result.terms) == result.trials - 1
    assert result.total == pytest.approx(grid()["y"].var() * 288)


@given(st.integers(0, 200), st.floats(0.1, 10), st.floats(-10, 10))
def test_shares_do_not_depend_on_unit_or_order(seed, factor, shift) -> None:
    trials = some(grid(2, seed), 0.9, seed)
    moved = some(trials, 1, seed + 1)
    moved["y"] = factor * moved["y"] + shift
    for one, other in zip(of(trials).terms, of(moved).terms, strict=True):
        assert other.share == pytest.approx(one.share, abs=1e-9)
        assert other.f == pytest.approx(one.f, rel=1e-5, abs=1e-9, nan_ok=True)


def test_one_seed_leaves_no_seed_term() -> None:
    beyond, crossed, seed = of(grid(1)).terms[-3:]
    assert (seed.degrees_of_freedom, seed.sum_of_squares) == (0, 0)
    assert crossed.degrees_of_freedom > 0
    assert all(math.isnan(term.f) for term in (beyond, crossed, seed))


def test_a_factor_of_one_level_explains_nothing() -> None:
    trials = grid()
    trials = {name: values[trials["depth"] == 2] for name, values in trials.items()}
    terms = {term.name: term for term in of(trials).terms}
    assert (terms["depth"].degrees_of_freedom, terms["depth"].sum_of_squares) == (0, 0)
    assert math.isnan(terms["depth"].f)
    assert terms["width"].degrees_of_freedom == 2


def test_no_variance_is_undefined() -> None:
    trials = {**grid(), "y": np.full(288, 0.1)}
    assert of(trials).total == 0
    assert all(math.isnan(term.share) and math.isnan(term.f) for term in of(trials).terms)
    assert of(some(trials, 0, 0)).terms == ()


def test_the_whole_grid_is_quick() -> None:
    rng = np.random.default_rng(0)
    configuration = np.repeat(np.arange(1152), 6)
    factors = {f"f{index}": rng.integers(0, 5, 1152)[configuration] for index in range(8)}
    factors["arch"] = np.tile([0, 1], 3456)
    terms = [(name,) for name in factors] + [(name, "arch") for name in factors if name != "arch"]
    began = time.process_time()
    result = decompose(rng.normal(size=6912), factors, terms, configuration, "arch")
    assert time.process_time() - began < 2
    assert sum(term.degrees_of_freedom for term in result.terms) == 6911


@pytest.mark.parametrize(
    ("terms", "message"),
    [([("depth", "arch")], "needs the terms"), ([("height",)], "no factor height"), ([("run",)], "varies within")],
)
def test_malformed_models_are_refused(terms, message) -> None:
    trials = grid()
    factors = {name: trials[name] for name in ("arch", "depth", "run")}
    with pytest.raises(ValueError, match=message):
        decompose(trials["y"], factors, terms, trials["configuration"], "arch")


def test_malformed_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        decompose([math.nan], {"arch": [0]}, [("arch",)], [0], "arch")
    with pytest.raises(ValueError, match="arch must"):
        decompose([0.1, 0.2], {"arch": [0]}, [("arch",)], [0, 1], "arch")


def test_components_of_a_balanced_design_are_those_of_anova() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20, 1)) + 0.5 * rng.normal(size=(20, 4))
    result = components(table.ravel(), np.repeat(np.arange(20), 4))
    within = table.var(axis=1, ddof=1).mean()
    assert result.within == pytest.approx(within)
    assert result.between == pytest.approx((4 * table.mean(axis=1).var(ddof=1) - within) / 4)
    assert result.reliability == pytest.approx(result.between / table.mean(axis=1).var(ddof=1))
    half = stats.t.ppf(0.95, 19) * table.mean(axis=1).std(ddof=1) / math.sqrt(20)
    assert result.half_width(20, 4) == pytest.approx(half)
    assert result.half_width(80, 4) < 0.51 * half
    assert result.half_width(20, 1) > half


def test_components_of_an_unbalanced_design_are_found() -> None:
    rng = np.random.default_rng(1)
    configuration = np.repeat(np.arange(4000), rng.integers(1, 6, 4000))
    values = rng.normal(size=4000)[configuration] * 0.5 + rng.normal(size=len(configuration))
    result = components(values, configuration)
    assert result.between == pytest.approx(0.25, rel=0.15)
    assert result.within == pytest.approx(1, rel=0.05)
    assert result.seeds_harmonic_mean == pytest.approx(1 / np.mean(1 / np.bincount(configuration)))


@pytest.mark.parametrize(
    ("values", "labels", "between", "within"),
    [
        ([], [], math.nan, math.nan),
        ([1.0, 2.0], [0, 1], math.nan, math.nan),
        ([1.0, 2.0], [0, 0], math.nan, 0.5),
        ([0.1] * 4, [0, 0, 1, 1], 0.0, 0.0),
        ([0.0, 2.0, 2.0, 0.0], [0, 0, 1, 1], 0.0, 2.0),
    ],
)
def test_degenerate_components(values, labels, between, within) -> None:
    result = components(values, labels)
    assert result.between == pytest.approx(between, nan_ok=True)
    assert result.within == pytest.approx(within, nan_ok=True)
    assert math.isnan(result.half_width(1, 3))
    if between == within == 0:
        assert math.isnan(result.reliability)


def test_a_seed_that_both_architectures_share_is_told_from_what_it_does_to_one():
    rng = np.random.default_rng(7)
    place, side, seed = (each.ravel() for each in np.indices((6, 2, 4)))
    common, one = rng.normal(size=(6, 4)), 0.1 * rng.normal(size=(6, 2, 4))
    y = rng.normal(size=6)[place] + common[place, seed] + one[place, side, seed]
    apart = decompose(y, {"side": side}, [("side",)], place, "side", seed)
    together = decompose(y, {"side": side}, [("side",)], place, "side")
    terms = {term.name: term for term in apart.terms}
    difference = (y[side == 1] - y[side == 0]).reshape(6, 4)
    within = ((difference - difference.mean(axis=1, keepdims=True)) ** 2).sum() / 2
    assert terms["seed x architecture"].sum_of_squares == pytest.approx(within)
    assert terms["seed x architecture"].degrees_of_freedom == 6 * 3
    assert terms["seed"].sum_of_squares + within == pytest.approx(together.terms[-1].sum_of_squares)
    crossed = terms["configuration x architecture"]
    assert crossed.f == pytest.approx(crossed.sum_of_squares / 5 / (within / 18))
    assert crossed.f > 10 * together.terms[-2].f
