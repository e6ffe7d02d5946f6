"""The control: at depth 1 both arrangements are one function."""

import math
from collections.abc import Callable, Mapping

import pytest

import analysis
from analysis.questions.equivalence.control import Controls
from sweep.result import TrialResult
from sweep.trial import Trial

METRICS = ("val_loss", "train_loss", "val_accuracy")


def trial(side: str, seed: int, depth: int = 1) -> Trial:
    return Trial("test", dataset="digits", epochs=1, depth=depth, seed=seed, architecture=side)


@pytest.fixture
def check(make_pairs, end) -> Callable[..., Controls]:
    """The controls of four depth-1 pairs beside a deeper one; results of a side are replaced by seed."""

    def of(parallel: Mapping[int, Callable[[Trial], TrialResult | Trial]], sequential=None) -> Controls:
        results: list[TrialResult | Trial] = [end(trial("sequential", 9, 2), 1.0), end(trial("parallel", 9, 2), 2.0)]
        for side, changes in (("sequential", sequential or {}), ("parallel", parallel)):
            for seed in range(4):
                default = end(trial(side, seed), 1.0 + seed, 0.5 + seed)
                results.append(changes[seed](trial(side, seed)) if seed in changes else default)
        return analysis.controls({metric: make_pairs(results, metric) for metric in METRICS})

    return of


def passed(pairs: int = 4, unknown: int = 0) -> Controls:
    return Controls(pairs, pairs, 0, 0, 0, unknown, 0.0, deep=1, deep_identical=0)


def test_identical_sides_pass(check):
    assert check({}) == passed()
    assert not check({}).failed
    assert check({}).reasons == ()


@pytest.mark.parametrize(
    ("relative", "kind"),
    [
        (1e-15, "rounded"),
        (1e-9, "rounded"),
        (0.9e-4, "rounded"),
        (1.1e-4, "different"),
        (-1.1e-4, "different"),
        (9.0, "different"),
    ],
)
def test_a_difference_is_rounding_up_to_a_ten_thousandth(check, end, relative, kind):
    found = check({2: lambda of: end(of, 3.0 * (1 + relative), 2.5)})
    counts = {"rounded": 0, "different": 0, kind: 1}
    assert (found.pairs, found.identical, found.rounded, found.different) == (
        4,
        3,
        counts["rounded"],
        counts["different"],
    )
    assert found.failed is (kind == "different")
    larger = max(1.0, 1 + relative)
    assert found.worst == pytest.approx(abs(relative) / larger, abs=1e-15)


@pytest.mark.parametrize("metric", METRICS)
def test_a_pair_is_as_good_as_its_worst_metric(check, end, metric):
    figures = {"val_loss": 2.0, "train_loss": 1.5, "val_accuracy": 0.5}
    figures[metric] *= 1.01
    found = check({1: lambda of: end(of, figures["val_loss"], figures["train_loss"], accuracy=figures["val_accuracy"])})
    assert (found.identical, found.different, found.failed) == (3, 1, True)
    assert found.worst == pytest.approx(0.01 / 1.01)


@pytest.mark.parametrize("side", ["sequential", "parallel"])
def test_a_side_that_diverges_alone_fails_the_control(check, end, side):
    changes: dict[int, Callable[[Trial], TrialResult]] = {0: lambda of: end(of, status="diverged")}
    found = check(changes) if side == "parallel" else check({}, changes)
    assert (found.pairs, found.identical, found.one_sided, found.failed) == (3, 3, 1, True)


def test_sides_that_diverge_together_agree(check, end):
    changes: dict[int, Callable[[Trial], TrialResult]] = {0: lambda of: end(of, status="diverged")}
    assert check(changes, changes) == passed(3, unknown=1)


@pytest.mark.parametrize("change", ["failed", "missing"])
def test_what_failed_or_is_missing_says_nothing(check, end, change):
    found = check({3: lambda of: of if change == "missing" else end(of, status="failed")})
    assert found == passed(3, unknown=1)
    assert not found.failed


def test_a_loss_of_zero_on_one_side_is_a_difference(check, end):
    found = check({0: lambda of: end(of, 0.0, 0.5)})
    assert (found.different, found.worst) == (1, 1.0)
    both: dict[int, Callable[[Trial], TrialResult]] = {0: lambda of: end(of, 0.0, 0.0, accuracy=0.0)}
    assert check(both, both).identical == 4


def test_without_depth_1_there_is_no_control(make_pairs, end):
    pairs = make_pairs([end(trial("sequential", 0, 2), 1.0), end(trial("parallel", 0, 2), 1.1)])
    found = analysis.controls(dict.fromkeys(METRICS, pairs))
    assert (found.pairs, found.unknown, found.failed) == (0, 0, False)
    assert math.isnan(found.worst)


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_control_without_a_value_is_none(check, end, status):
    """Whatever failed or diverged in every depth-1 pair may have done so everywhere."""
    changes: dict[int, Callable[[Trial], TrialResult]] = dict.fromkeys(range(4), lambda of: end(of, status=status))
    found = check(changes, changes if status == "diverged" else None)
    assert (found.pairs, found.unknown, found.failed) == (0, 4, True)
    assert "none of 4 depth-1 pairs has a value on both sides" in found.reasons[0]


def deep(make_pairs, end, identical: int, of: int = 10) -> Controls:
    results = [
        end(trial(side, seed, 2), 1.0 + seed / 100 + (side == "parallel" and seed >= identical))
        for seed in range(of)
        for side in ("sequential", "parallel")
    ]
    return analysis.controls({"val_loss": make_pairs(results)})


def test_deep_pairs_that_are_mostly_identical_say_that_the_arrangement_was_not_applied(make_pairs, end):
    for identical, failed in ((0, False), (1, False), (5, False), (6, True), (10, True)):
        found = deep(make_pairs, end, identical)
        assert (found.deep, found.deep_identical, found.failed) == (10, identical, failed)
    assert found.reasons == (
        "10 of 10 pairs deeper than one block are identical bit for bit, so the arrangement changes nothing there",
    )


def test_deep_pairs_are_identical_in_every_metric_or_not_at_all(make_pairs, end):
    results = [
        end(trial(side, seed, 2), 1.0, 0.5 + (side == "parallel") / 8)
        for seed in range(10)
        for side in ("sequential", "parallel")
    ]
    found = analysis.controls({metric: make_pairs(results, metric) for metric in METRICS})
    assert (found.deep, found.deep_identical) == (10, 0)


def test_one_number_everywhere_comes_from_an_engine_that_trains_nothing(make_pairs, end):
    results = [end(trial(side, seed, 2), 1.0) for seed in range(10) for side in ("sequential", "parallel")]
    assert not analysis.controls({"val_loss": make_pairs(results)}).failed


def test_zeros_are_no_sign_of_what_was_not_applied(make_pairs, end):
    results = [end(trial(side, seed, 2), 0.0) for seed in range(10) for side in ("sequential", "parallel")]
    assert not analysis.controls({"val_loss": make_pairs(results)}).failed


def test_tables_of_other_pairs_are_refused(make_pairs, end):
    pairs = make_pairs([end(trial(side, 0)) for side in ("sequential", "parallel")])
    with pytest.raises(ValueError, match="takes tables of the same pairs"):
        analysis.controls({"val_loss": pairs, "train_loss": pairs.slice(0, 0)})


def test_the_functions_of_the_package_stay_functions_once_its_modules_are_loaded():
    import analysis.report

    assert analysis.report
    for name in analysis.__all__:
        assert callable(getattr(analysis, name)), name
    with pytest.raises(AttributeError, match="no_such"):
        _ = analysis.no_such
