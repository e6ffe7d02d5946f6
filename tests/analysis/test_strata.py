"""Strata and heterogeneity: every configuration has its place, and a constructed interaction is found in its own."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis.equivalence.contrast import LEAST_FREEDOM
from analysis.equivalence.design import of_grid
from analysis.equivalence.heterogeneity import factor_test, interaction_test
from analysis.equivalence.verdict import Verdict, decide, holm
from analysis.questions.equivalence.sample import Sample, make_sample
from analysis.questions.equivalence.strata import COLUMNS, heterogeneity, strata
from sweep.ledger import Margins
from sweep.result import TrialResult
from sweep.trial import Trial

MARGINS = Margins(0.10)
LEVELS: dict[str, list[Any]] = {
    "depth": [2, 4, 16],
    "filters": [1, 2, 20],
    "activation": ["relu", "tanh"],
    "learning_rate": [1e-3, 3e-4],
    "seed": [0, 1],
}
SEEDS = list(range(9))
"""Enough for a verdict on a cell of six configurations."""


def noise(each: Trial, scale: float) -> float:
    return scale * np.random.default_rng(int(each.trial_id[:12], 16)).normal()


@pytest.fixture(scope="module")
def make(make_pairs, end) -> Callable[..., Sample]:
    """MNIST over `levels`, log ratios the `effect` of the trial and some noise; -inf is a side that failed."""

    def of(effect: Callable[[Trial], float], scale: float = 0.01, metric: str = "val_loss", **levels) -> Sample:
        names = {**LEVELS, **levels, "architecture": ["sequential", "parallel"]}
        results: list[TrialResult] = []
        for each in itertools.product(*names.values()):
            trial = Trial("test", epochs=1, **dict(zip(names, each, strict=True)))
            ratio = effect(trial) if trial.architecture == "parallel" else 0.0
            failed = math.isinf(ratio)
            value = 1.0 if failed else 0.5 * math.exp(ratio + noise(trial, scale))
            results.append(end(trial, value, value, status="failed" if failed else "finished"))
        return make_sample(make_pairs(results, metric), metric)

    return of


@pytest.fixture(scope="module")
def even(make) -> Sample:
    return make(lambda _: 0.0)


def rows(of: Sample, *factors: str, margins: Margins = MARGINS) -> list[dict[str, Any]]:
    """The strata of one factor, or of a pair of factors."""
    names = (*factors, None)[:2]
    return [row for row in strata("mnist", of, margins) if (row["factor_a"], row["factor_b"]) == names]


def test_every_family_of_strata_partitions_the_configurations(even):
    table = strata("mnist", even, MARGINS)
    assert {row["dataset"] for row in table} == {"mnist"}
    families: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in table:
        families.setdefault((row["factor_a"], row["factor_b"]), []).append(row)
    names = ("Q", "depth", "filters", "activation", "learning_rate")
    assert families.keys() == {*((name, None) for name in names), *itertools.combinations(names, 2)}
    for family in families.values():
        assert sum(row["configurations"] for row in family) == even.configurations == 36
        assert sum(row["pairs"] for row in family) == len(even) == 72
        assert len({(row["level_a"], row["level_b"]) for row in family}) == len(family)


@pytest.mark.parametrize(
    ("factor", "levels"),
    [
        ("Q", ["[1, 3)", "[3, 10)", "[10, inf)"]),
        ("depth", ["2", "4", "16"]),
        ("filters", ["1", "2", "20"]),
        ("activation", ["relu", "tanh"]),
        ("learning_rate", ["0.0003", "0.001"]),
    ],
)
def test_levels_are_in_their_own_order(even, factor, levels):
    assert [row["level_a"] for row in rows(even, factor)] == levels


def test_cells_of_two_factors_are_in_order_too_and_empty_ones_are_left_out(even):
    cells = [(row["level_a"], row["level_b"]) for row in rows(even, "Q", "filters")]
    assert cells == [("[1, 3)", "20"), ("[3, 10)", "20"), ("[10, inf)", "1"), ("[10, inf)", "2")]
    assert [row["level_b"] for row in rows(even, "depth", "filters")] == ["1", "2", "20"] * 3


def test_a_stratum_is_the_mean_of_its_configurations_on_new_seeds(make):
    of = make(lambda each: 0.01 * each.depth + 0.1 * each.seed)
    for row in rows(of, "depth"):
        part = of.where(of.columns["depth"] == int(row["level_a"]))
        mean = of_grid(part.contrasts(part.contrast("ratio")))
        assert (row["configurations"], row["pairs"]) == (part.configurations, len(part)) == (12, 24)
        assert row["ratio"] == pytest.approx(math.exp(mean.estimate))
        interval = mean.interval(0.90)
        assert (row["low"], row["high"]) == (
            pytest.approx(math.exp(interval.low)),
            pytest.approx(math.exp(interval.high)),
        )
        assert row["p_equivalence"] == pytest.approx(mean.p_inside(-math.log(1.1), math.log(1.1)))
        assert row["p_difference"] == pytest.approx(mean.p)


def test_holm_is_over_all_strata_of_as_many_factors_and_decides_the_verdict(make):
    of = make(lambda each: 0.03 * (each.depth == 16), scale=0.15, seed=SEEDS)
    table = strata("mnist", of, MARGINS)
    for family in ([row for row in table if row["factor_b"] is None], [row for row in table if row["factor_b"]]):
        for name in ("p_equivalence", "p_difference"):
            expected = holm([row[name] for row in family])
            assert [row[f"{name}_holm"] for row in family] == pytest.approx(list(expected), nan_ok=True)
            assert any(row[f"{name}_holm"] > row[name] for row in family)
        for row in family:
            verdict = decide(row["p_equivalence_holm"], row["p_difference_holm"], math.log(row["ratio"]))
            enough = row["pairs"] - row["configurations"] >= LEAST_FREEDOM
            assert row["verdict"] == (verdict if enough else Verdict.UNDECIDED).words("parallel", "sequential")
    raw = [decide(row["p_equivalence"], row["p_difference"], math.log(row["ratio"])).value for row in table]
    assert raw != [row["verdict"] for row in table]


def test_a_stratum_of_too_few_pairs_has_no_verdict(even, make):
    """Two seeds are too few anywhere; nine of six configurations leave 48 degrees of freedom, and of four 32."""
    assert {row["verdict"] for row in strata("mnist", even, MARGINS)} == {Verdict.UNDECIDED.value}
    of = make(lambda _: 0.0, seed=SEEDS)
    for row in strata("mnist", of, MARGINS):
        verdict = Verdict.EQUIVALENT if row["configurations"] >= 6 else Verdict.UNDECIDED
        assert row["verdict"] == verdict.value
    assert {row["configurations"] for row in rows(of, "depth", "filters")} == {4}


def test_where_nothing_is_to_be_judged_no_stratum_is(make):
    of = make(lambda _: 0.0, seed=SEEDS)
    table = strata("mnist", of, MARGINS, judged=False)
    assert {row["verdict"] for row in table} == {Verdict.UNDECIDED.value}
    assert table == [{**row, "verdict": Verdict.UNDECIDED.value} for row in strata("mnist", of, MARGINS)]


def test_the_declared_margin_is_used(make):
    of = make(lambda _: 0.0, seed=SEEDS)
    assert {row["verdict"] for row in rows(of, "depth")} == {Verdict.EQUIVALENT.value}
    narrow = rows(of, "depth", margins=Margins(0.0001))
    assert {row["verdict"] for row in narrow} == {Verdict.UNDECIDED.value}


def test_a_stratum_counts_the_pairs_that_have_a_contrast(make):
    of = make(lambda each: -math.inf if each.depth == 4 and each.seed == 1 else 0.0)
    found = {row["level_a"]: (row["configurations"], row["pairs"]) for row in rows(of, "depth")}
    assert found == {"2": (12, 24), "4": (12, 12), "16": (12, 24)}


def test_a_stratum_without_a_contrast_is_not_in_the_table(make):
    of = make(lambda each: -math.inf if each.depth == 4 else 0.0, seed=SEEDS)
    assert [row["level_a"] for row in rows(of, "depth")] == ["2", "16"]
    assert {row["verdict"] for row in rows(of, "depth")} == {Verdict.EQUIVALENT.value}


@pytest.mark.parametrize(("sign", "verdict"), [(1, "sequential better"), (-1, "parallel better")])
def test_a_constructed_interaction_is_found_and_placed(make, sign, verdict):
    """Deep networks with tanh differ, and nothing else does."""
    levels = {"seed": SEEDS, "filters": [1, 2, 16]}  # of which each has one interval of Q
    of = make(lambda each: sign * 0.3 * (each.depth == 16 and each.activation == "tanh"), **levels)
    found = {(row["factor_a"], row["factor_b"]): row for row in heterogeneity("mnist", of)}
    pairs = {names for names in found if names[1]}
    significant = {names for names in pairs if found[names]["p_holm"] < 0.05}
    assert significant == {("depth", "activation")}
    assert {a for (a, b) in found if b is None and found[a, b]["p_holm"] < 0.05} == {"depth", "activation"}
    cells = {(row["level_a"], row["level_b"]): row for row in rows(of, "depth", "activation")}
    assert {cell for cell, row in cells.items() if row["verdict"] == verdict} == {("16", "tanh")}
    assert found["depth", None]["effect"] == pytest.approx(math.exp(0.15), rel=0.02)
    assert {found["depth", None]["lowest"], found["depth", None]["highest"]} & {"16"}
    assert cells["16", "tanh"]["ratio"] == pytest.approx(math.exp(sign * 0.3), rel=0.02)
    assert {row["verdict"] for cell, row in cells.items() if cell != ("16", "tanh")} == {Verdict.EQUIVALENT.value}


def test_without_an_effect_nothing_depends_on_anything(even):
    found = heterogeneity("mnist", even)
    assert all(row["p_holm"] > 0.05 for row in found if not math.isnan(row["p"]))


def test_heterogeneity_is_tested_on_configuration_means_with_holm_by_number_of_factors(make):
    of = make(lambda each: 0.004 * each.depth, scale=0.05)
    means = of.contrasts(of.contrast("ratio")).means
    first = np.unique(of.configuration, return_index=True)[1]
    column = {name: of.columns[name][first] for name in of.strata}
    table = heterogeneity("mnist", of)
    singles, pairs = ([row for row in table if (row["factor_b"] is None) is single] for single in (True, False))
    for row in singles:
        test = factor_test(means, column[row["factor_a"]])
        assert (row["f"], row["p"]) == (pytest.approx(test.f), pytest.approx(test.p))
    for row in pairs:
        test = interaction_test(means, column[row["factor_a"]], column[row["factor_b"]])
        assert row["p"] == pytest.approx(test.p, nan_ok=True)
    for family in (singles, pairs):
        assert [row["p_holm"] for row in family] == pytest.approx(list(holm([r["p"] for r in family])), nan_ok=True)


def test_heterogeneity_is_over_the_configurations_that_have_a_complete_pair(make):
    def effect(each: Trial) -> float:
        return -math.inf if each.depth == 2 and each.activation == "relu" else 0.3 * (each.activation == "tanh")

    of = make(effect)
    table = heterogeneity("mnist", of)
    found = {row["factor_a"]: row["p_holm"] for row in table if row["factor_b"] is None}
    assert found["activation"] < 0.05
    assert found["filters"] > 0.05
    assert found["learning_rate"] > 0.05


def test_cells_of_too_few_configurations_have_no_test(make):
    of = make(lambda _: 0.0, filters=[16], learning_rate=[1e-3], activation=["relu"], depth=[2, 4])
    assert of.strata == ("depth",)
    (row,) = heterogeneity("mnist", of)
    assert math.isnan(row["p"])
    assert math.isnan(row["p_holm"])
    levels = strata("mnist", of, MARGINS)
    assert [row["configurations"] for row in levels] == [1, 1]
    assert {row["verdict"] for row in levels} == {Verdict.UNDECIDED.value}


def test_without_a_factor_that_varies_there_are_no_strata(make):
    one = {name: values[:1] for name, values in LEVELS.items()}
    of = make(lambda _: 0.0, **one)
    assert heterogeneity("mnist", of) == strata("mnist", of, MARGINS) == []


def test_every_row_of_a_table_has_its_columns(even):
    assert {tuple(row) for row in strata("mnist", even, MARGINS)} == {COLUMNS}
    assert len({frozenset(row) for row in heterogeneity("mnist", even)}) == 1
