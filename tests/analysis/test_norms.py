"""Norms of gradients: ratios by stage and epoch, spread and depth, projections, learning rates, and twins."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.arms import arm_groups
from analysis.measurements import study_trials
from analysis.questions.norm_preservation.depths import Depths, bound, by_depth
from analysis.questions.norm_preservation.projection import Comparison, compare_projected
from analysis.questions.norm_preservation.rates import Ladder, disputes, exact, ladders
from analysis.questions.norm_preservation.stacks import find_twins, goes_with_loss, over_configurations, spearman
from analysis.questions.norm_preservation.summary import NetworkNorms, find_norms, keeps_shape
from analysis.results import Results
from analysis.training_curves import find_curves
from sweep.ledger.schema import plan_row
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial
from tests.analysis.synthetic_measurements import (
    STUDY,
    ended,
    norm_rows,
    norm_trial,
    opened,
    preresnet,
    preresnet_logs,
    spread,
)

NAN = math.nan
PROJECTED: dict[str, Any] = {"method": "procrustes", "projection_rate": 0.5}
KEPT = [0.1, -0.1, 0.1, -0.1]
"""Log ratios of a ResNet-14's blocks that keep the shape: their deviation is sqrt(0.04 / 3)."""


def networks(results: Results) -> dict[str, NetworkNorms]:
    found = find_norms(results, STUDY)
    assert found is not None
    return {each.label: each for each in found.networks}


def followed(seed: int, courses: dict[int | None, Sequence[float | None]], **fields: Any) -> TrialResult:
    """A ResNet-14 of 10 epochs that was measured after some of them."""
    rows = [row for epoch, logs in courses.items() for row in norm_rows(logs, epoch=epoch)]
    trial = preresnet(14, seed, measure="gradient-norms", measure_every=5, **fields)
    return ended(trial, measurements=rows)


def test_blocks_that_change_the_shape_stand_apart(tmp_path: Path) -> None:
    (found,) = networks(
        opened(
            tmp_path, [ended(preresnet(14, measure="gradient-norms"), measurements=norm_rows(preresnet_logs(14, KEPT)))]
        )
    ).values()
    assert found.keeps.tolist() == [True, True, False, True, False, True]
    assert (found.depth, found.epochs, found.in_training) == (6, (10,), False)
    assert found.spread == pytest.approx([math.sqrt(0.04 / 3)])
    assert found.typical == pytest.approx([0], abs=1e-12)
    assert np.isnan(found.mean_spread).all()
    assert found.largest == pytest.approx([2])
    assert found.total == pytest.approx([4])
    assert list(found.passages) == ["stage 2, which changes the shape", "stage 4, which changes the shape"]


def test_transitions_are_no_stages_and_count_for_the_whole(tmp_path: Path) -> None:
    trial = preresnet(8, measure="gradient-norms").but(network="stack", depth=3)
    rows = norm_rows([0.1, 0.3, 0.5], {0: -1.0, 1: 0.5})
    (found,) = networks(opened(tmp_path, [ended(trial, measurements=rows)])).values()
    assert (found.after, found.transitions.shape) == ((0, 1), (1, 1, 2))
    assert found.spread == pytest.approx([0.2])
    assert found.distance == pytest.approx([math.sqrt(0.35 / 3)])
    assert found.typical == pytest.approx([0.3])
    assert found.total == pytest.approx([0.4])
    assert found.largest == pytest.approx([0.5])
    assert found.transition == pytest.approx([-0.25])
    assert {name: logs.ravel().tolist() for name, logs in found.passages.items()} == {
        "after stage 0": [-1.0],
        "after stage 1": [0.5],
    }


def test_a_network_is_followed_through_its_training(tmp_path: Path) -> None:
    wide = [2 * log for log in KEPT]
    courses: dict[int | None, Sequence[float | None]] = {
        0: preresnet_logs(14, wide),
        5: preresnet_logs(14, KEPT),
        None: preresnet_logs(14, KEPT),
    }
    # The other seed was not measured after 5 epochs, and its last stage had no gradient at the end.
    lost = {0: courses[0], None: [*preresnet_logs(14, KEPT)[:5], None]}
    alone = ended(preresnet(14, 2, measure="gradient-norms"), measurements=norm_rows(preresnet_logs(14, KEPT)))
    (found,) = networks(opened(tmp_path, [followed(0, courses), followed(1, lost), alone])).values()
    assert (found.epochs, found.in_training) == ((0, 5, 10), True)
    deviation = math.sqrt(0.04 / 3)
    three = float(np.std([0.1, -0.1, 0.1], ddof=1))
    expected = [[2 * deviation, deviation, deviation], [2 * deviation, NAN, three], [NAN, NAN, deviation]]
    np.testing.assert_allclose(found.spreads, expected)
    np.testing.assert_allclose(found.mean_spread, [4 * deviation / 3, (2 * deviation + three) / 2, deviation])
    np.testing.assert_allclose(found.total, [4, NAN, 4])
    assert found.stages.shape == (3, 3, 6)


def test_a_training_that_was_followed_stands_for_its_seed(tmp_path: Path) -> None:
    once = ended(preresnet(14, 0, measure="gradient-norms"), measurements=norm_rows(preresnet_logs(14, KEPT)))
    courses: dict[int | None, Sequence[float | None]] = {0: [0.0] * 6, None: preresnet_logs(14, KEPT)}
    (found,) = networks(opened(tmp_path, [once, followed(0, courses)])).values()
    assert (len(found.seeds), found.epochs) == (1, (0, 10))


def test_without_a_finite_ratio_there_is_no_number(tmp_path: Path) -> None:
    (found,) = networks(
        opened(tmp_path, [ended(preresnet(14, measure="gradient-norms"), measurements=norm_rows([None] * 6))])
    ).values()
    numbers = [
        found.spread,
        found.distance,
        found.typical,
        found.largest,
        found.total,
        found.transition,
        found.mean_spread,
    ]
    assert np.isnan(numbers).all()


def test_the_shape_is_kept_as_far_as_is_known() -> None:
    parallel = plan_row(preresnet(20, architecture="parallel"))
    assert keeps_shape(parallel, 5).tolist() == [True, False, True, False, True]
    stack = plan_row(Trial("s", depth=8, architecture="mixed", stages=4))
    assert keeps_shape(stack, 4).tolist() == [True] * 4
    assert keeps_shape({**stack, "network": "unknown:Kind"}, 4).tolist() == [True] * 4
    # Measured by another version of the kind.
    assert keeps_shape(parallel, 7).tolist() == [True] * 7


def of_depths(folder: Path, spreads: dict[int, Sequence[float]], **fields: Any) -> list[Depths]:
    trials = [
        norm_trial(depth, seed, each, **fields) for depth, some in spreads.items() for seed, each in enumerate(some)
    ]
    return by_depth(list(networks(opened(folder, trials)).values()))


def test_the_deepest_is_compared_with_the_shallowest_by_welchs_test(tmp_path: Path) -> None:
    shallow, deep = [0.2, 0.25, 0.3], [0.1, 0.14, 0.11, 0.09]
    (found,) = of_depths(tmp_path, {26: deep, 14: shallow})
    assert (found.blocks.tolist(), found.label) == ([6, 12], "pre-activation ResNet-14 to pre-activation ResNet-26")
    assert found.change.estimate == pytest.approx(np.log(deep).mean() - np.log(shallow).mean())
    test = stats.ttest_ind(np.log(deep), np.log(shallow), equal_var=False)
    assert found.change.p == pytest.approx(test[1])
    assert found.change.interval(0.95)[1:] == pytest.approx(test.confidence_interval(0.95))
    assert found.change.n == 3
    assert math.isnan(found.slope.estimate)
    # Around a mean of 0 the distance is the spread times sqrt((n - 1) / n), of 4 and 10 blocks that keep the shape.
    assert found.distance.estimate == pytest.approx(found.change.estimate + 0.5 * math.log(0.9 / 0.75))


def test_a_spread_that_falls_as_the_bound_has_a_slope_of_one(tmp_path: Path) -> None:
    noise = np.array([0.9, 1.0, 1.2])
    spreads = {depth: (0.3 * float(bound((depth - 2) // 2)) * noise).tolist() for depth in (14, 20, 32)}
    (found,) = of_depths(tmp_path, spreads)
    assert found.slope.estimate == pytest.approx(1)
    x = np.log(bound([6, 9, 15]))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    # All depths have one variance, that of the logarithm of the noise, so its degrees of freedom are Welch's by hand.
    parts = weights**2 * np.log(noise).var(ddof=1) / 3
    assert found.slope.standard_error == pytest.approx(math.sqrt(parts.sum()))
    assert found.slope.degrees_of_freedom == pytest.approx(2 * parts.sum() ** 2 / (parts**2).sum())
    assert found.slope.n == 3


def test_the_bound_is_log_2l_over_l() -> None:
    assert bound([1, 54]) == pytest.approx([math.log(2), math.log(108) / 54])


def test_only_networks_that_differ_in_depth_alone_are_compared(tmp_path: Path) -> None:
    trials = [
        norm_trial(14, 0, 0.2),
        norm_trial(20, 0, 0.1),
        norm_trial(26, 0, 0.1, filters=4),
        norm_trial(32, 0, 0.1, learning_rate=0.5),
        norm_trial(20, 0, 0.15, 0.2, method="droppath", drop_rate=0.5),
        norm_trial(14, 0, 0.15, method="droppath", drop_rate=0.5),
        ended(preresnet(38, measure="gradient-norms"), measurements=norm_rows([None] * 18)),
        ended(
            preresnet(44, measure="gradient-norms", architecture="parallel"), measurements=norm_rows([0.1, 0.2, 0.3])
        ),
        ended(preresnet(8, measure="gradient-norms").but(network="vgg", depth=11), measurements=norm_rows([0.1] * 8)),
    ]
    found = by_depth(list(networks(opened(tmp_path, trials)).values()))
    assert [[each.trial["depth"] for each in of.networks] for of in found] == [[14, 20], [14, 20]]
    assert [of.networks[0].trial["method"] for of in found] == ["droppath", "plain"]
    assert math.isnan(found[0].change.p)


def of_error(error: float, seed: int, status: Any = "finished", **fields: Any) -> TrialResult:
    """A ResNet-14 with a transition."""
    trial = preresnet(14, seed, measure="gradient-norms", **fields)
    log = 0.1 * (1 + seed) if fields.get("method") else -0.5
    rows = norm_rows(preresnet_logs(14, KEPT), {1: log, 3: 0.0})
    return ended(trial, error, status=status, measurements=rows)


def comparisons(results: Results) -> list[Comparison]:
    return compare_projected(arm_groups(results, STUDY), list(networks(results).values()))


def test_a_projected_network_is_paired_by_seed_with_its_like(tmp_path: Path) -> None:
    plain, projected = [0.30, 0.32, 0.34], [0.28, 0.29, 0.33]
    trials = [of_error(error, seed) for seed, error in enumerate(plain)]
    trials += [of_error(error, seed, **PROJECTED) for seed, error in enumerate(projected)]
    (found,) = comparisons(opened(tmp_path, trials))
    assert found.by_seed
    assert (found.projected.label, found.plain.label) == (
        "pre-activation ResNet-14, projected 0.5",
        "pre-activation ResNet-14",
    )
    test = stats.ttest_rel(projected, plain)
    assert (found.error.estimate, found.error.p) == (pytest.approx(-0.02), pytest.approx(test[1]))
    assert found.projected.mean_error == pytest.approx(0.3)
    assert found.projected.transition.value == pytest.approx(0.1)
    assert found.plain.transition.value == pytest.approx(-0.25)
    assert found.lacking == 0


def test_the_plain_twin_is_of_another_kind_with_as_many_blocks(tmp_path: Path) -> None:
    plain, projected = [0.30, 0.32, 0.35], [0.28, 0.29, 0.33]
    trials = [of_error(error, seed, **PROJECTED) for seed, error in enumerate(projected)]
    trials += [ended(preresnet(14, seed).but(network="resnet"), error) for seed, error in enumerate(plain)]
    # Neither of these is a twin: other blocks, a wider network, other training.
    trials += [
        ended(preresnet(20).but(network="resnet"), 0.1),
        ended(preresnet(14, filters=16).but(network="resnet"), 0.1),
        ended(preresnet(14, learning_rate=0.5).but(network="resnet"), 0.1),
    ]
    (found,) = comparisons(opened(tmp_path, trials))
    assert not found.by_seed
    assert found.plain.label.startswith("ResNet-14")
    assert found.error.estimate == pytest.approx(np.mean(projected) - np.mean(plain))
    assert found.error.p == pytest.approx(stats.ttest_ind(projected, plain, equal_var=False)[1])
    assert math.isnan(found.plain.transition.value)


def test_a_diverged_network_errs_as_who_guesses_and_a_failed_one_is_lacking(tmp_path: Path) -> None:
    trials = [
        *(of_error(0.3, seed) for seed in (0, 1)),
        *(of_error(0.3, seed, status) for seed, status in ((2, "diverged"), (3, "failed"))),
        *(of_error(0.2, seed, **PROJECTED) for seed in (0, 1, 2)),
    ]
    missing = preresnet(14, 3, measure="gradient-norms", **PROJECTED)
    (found,) = comparisons(opened(tmp_path, trials, [missing]))
    assert found.error.n == 3
    assert found.error.estimate == pytest.approx((-0.1 - 0.1 - 0.7) / 3)
    assert found.lacking == 2


def test_without_a_transition_nothing_is_said_of_projections(tmp_path: Path) -> None:
    trials = [norm_trial(14, 0, 0.1), norm_trial(14, 0, 0.1, **PROJECTED)]
    assert comparisons(opened(tmp_path, trials)) == []


def test_curves_are_of_the_finished_seeds(tmp_path: Path) -> None:
    def curved(seed: int, losses: Sequence[float], **fields: Any) -> TrialResult:
        made = of_error(0.3, seed, **fields)
        epochs = tuple(Epoch(at, loss / 2, 0.5, loss, 0.5, 1.0, 1.0) for at, loss in enumerate(losses, start=1))
        return TrialResult(
            made.trial, "finished", epochs, seconds=1.0, fused_with=1, device="cpu", measurements=made.measurements
        )

    results = opened(tmp_path, [curved(0, [2.0, 1.0]), curved(1, [4.0, 3.0]), curved(0, [1.0, 0.5], **PROJECTED)])
    (found,) = comparisons(results)
    curves = find_curves(results, {side.label: side.finished for side in (found.projected, found.plain)})
    plain = curves[found.plain.label]
    assert plain.epochs.tolist() == [1, 2]
    assert plain.losses["val_loss"].tolist() == [[2, 1], [4, 3]]
    assert plain.losses["train_loss"].tolist() == [[1, 0.5], [2, 1.5]]
    assert curves[found.projected.label].losses["val_loss"].tolist() == [[1, 0.5]]


def at_rates(errors: dict[float, Sequence[float | None]], **fields: Any) -> list[TrialResult]:
    """A trial per rate and seed; without an error it diverged."""
    return [
        ended(
            preresnet(14, seed, learning_rate=rate, **fields), error or 0.9, status="finished" if error else "diverged"
        )
        for rate, some in errors.items()
        for seed, error in enumerate(some)
    ]


def of_rates(results: Results) -> list[Ladder]:
    return ladders(study_trials(results, STUDY))


def test_seeds_that_train_are_counted_by_learning_rate(tmp_path: Path) -> None:
    # An error of 0.81 of 0.9 is no better than 0.9 of guessing.
    trials = at_rates({0.1: [0.3, 0.4, 0.2], 0.3: [0.3, 0.5, 0.8], 1.0: [0.3, 0.82, None]})
    missing = preresnet(14, 3, learning_rate=1.0)
    (found,) = of_rates(opened(tmp_path, [*trials, norm_trial(20, 0, 0.1)], [missing]))
    assert found.label == "pre-activation ResNet-14"
    assert {rate: found.count(rate) for rate in found.rows} == {0.1: (3, 3, 0), 0.3: (3, 3, 0), 1.0: (1, 4, 1)}
    assert found.largest == 0.3
    assert found.count(9.0) == (0, 0, 0)


def test_pairs_that_disagree_decide_by_the_sign_test(tmp_path: Path) -> None:
    plain = at_rates({0.1: [0.3] * 3, 0.3: [0.3, None, None], 1.0: [None] * 3, 3.0: [None] * 3})
    projected = at_rates({0.1: [0.3] * 3, 0.3: [0.3] * 3, 1.0: [0.3] * 3, 3.0: [None] * 3}, **PROJECTED)
    (found,) = disputes(of_rates(opened(tmp_path, [*plain, *projected])))
    assert found.rates == (0.3, 1.0)
    # Five pairs disagree, all for the projected network.
    assert found.test.p == pytest.approx(2 / 2**5)
    assert found.test.estimate == pytest.approx(2.5)
    assert (found.test.n, found.lacking) == (3, 0)


def test_networks_of_two_kinds_are_compared_by_fishers_test(tmp_path: Path) -> None:
    plain = at_rates({0.1: [0.3] * 4, 0.3: [0.3, None, None, None]})
    plain = [ended(each.trial.but(network="resnet"), 0.3, status=each.status) for each in plain]
    projected = at_rates({0.1: [0.3] * 4, 0.3: [0.3] * 4}, **PROJECTED)
    (found,) = disputes(of_rates(opened(tmp_path, [*plain, *projected])))
    assert found.rates == (0.3,)
    # All four on one side and one of four on the other: 4 of 56 ways to choose five.
    assert found.test.p == pytest.approx(2 * 4 / 56)
    assert found.test.estimate > 0


@pytest.mark.parametrize(
    ("strata", "p"),
    [
        ([(1, 1, 0, 1)] * 7, 2 / 2**7),
        ([(1, 1, 0, 1)] * 3 + [(0, 1, 1, 1)] * 3 + [(1, 1, 1, 1)] * 9, 1),
        ([(3, 3, 0, 3)], 0.1),
        # The chance of all three is 1 / 20 in either stratum.
        ([(3, 3, 0, 3), (3, 3, 0, 3)], 2 / 400),
        ([(3, 3, 3, 3), (0, 3, 0, 3)], 1),
    ],
)
def test_the_exact_test_by_hand(strata: list[Any], p: float) -> None:
    assert exact(strata) == pytest.approx(p)


def test_without_a_stratum_there_is_no_exact_test() -> None:
    assert math.isnan(exact([]))


def stack(architecture: str, seed: int, logs: Sequence[float], loss: float = 1.0, **fields: Any) -> TrialResult:
    """A stack of four blocks."""
    trial = preresnet(8, seed, measure="gradient-norms", **fields)
    trial = trial.but(network="stack", depth=4, architecture=architecture, stages=len(logs))
    return ended(trial, loss=loss, measurements=norm_rows(logs))


def test_twins_are_paired_by_seed(tmp_path: Path) -> None:
    trials = [
        *(stack("sequential", seed, [0.1, 0.2, -0.6, 0.1 - 0.1 * seed], 2.0) for seed in range(3)),
        *(stack("parallel", seed, [0.05], 1.0) for seed in (0, 2)),
        stack("mixed", 1, [0.2, -0.3], 4.0),
    ]
    mixed, parallel = sorted(
        find_twins(list(networks(opened(tmp_path, trials)).values())), key=lambda of: of.first.label
    )
    assert (parallel.first.label, parallel.second.label) == ("stack of 4, parallel", "stack of 4, sequential")
    # Totals of the sequential twins are -0.2, -0.3 and -0.4.
    assert (parallel.total.estimate, parallel.total.n) == (pytest.approx(0.05 - 0.3), 2)
    assert parallel.total.p == pytest.approx(stats.ttest_1samp([-0.15, -0.35], 0)[1])
    assert parallel.largest.estimate == pytest.approx(0.05 - 0.6)
    assert parallel.log_loss.estimate == pytest.approx(-math.log(2))
    assert (mixed.total.estimate, mixed.total.n) == (pytest.approx(0.1 - 0.3), 1)
    assert mixed.log_loss.estimate == pytest.approx(math.log(2))


def test_twins_of_other_configurations_or_of_one_stage_are_none(tmp_path: Path) -> None:
    one = preresnet(8, measure="gradient-norms").but(network="stack", depth=1)
    trials = [
        stack("sequential", 0, [0.1] * 4),
        stack("parallel", 0, [0.1], filters=4),
        *(ended(one.but(architecture=each), measurements=norm_rows([0.1])) for each in ("sequential", "parallel")),
    ]
    assert find_twins(list(networks(opened(tmp_path, trials)).values())) == []


def test_twins_are_judged_by_their_mean_over_configurations(tmp_path: Path) -> None:
    made = [
        each
        for filters, totals in ((2, (0.1, 0.2, 0.6)), (4, (0.3, 0.3, 0.6)), (8, (9.0,)))
        for seed, total in enumerate(totals)
        for each in (
            stack("sequential", seed, [0.0] * 4, filters=filters),
            stack("parallel", seed, [total], filters=filters),
        )
    ]
    found = over_configurations(find_twins(list(networks(opened(tmp_path, made)).values())))
    ((name, (count, mean)),) = found.items()
    # A configuration of one seed is left out.
    assert (name, count, mean.n) == ("parallel", 2, 3)
    assert mean.estimate == pytest.approx((0.3 + 0.4) / 2)
    # Variances over seeds are 0.07 and 0.03.
    assert mean.standard_error == pytest.approx(math.sqrt(0.1 / 3) / 2)
    assert mean.degrees_of_freedom == pytest.approx(2 * 0.1**2 / (0.07**2 + 0.03**2))


def test_norms_and_losses_are_correlated_over_configurations(tmp_path: Path) -> None:
    trials = [
        made
        for filters, total, loss in ((2, 0.1, 1.0), (4, 0.2, 3.0), (8, 0.3, 2.0), (16, 0.4, 4.0))
        for made in (
            stack("sequential", 0, [0.0] * 4, filters=filters),
            stack("parallel", 0, [total], loss, filters=filters),
        )
    ]
    found = goes_with_loss(find_twins(list(networks(opened(tmp_path, trials)).values())))["parallel"]
    assert (found.rho, found.n) == (pytest.approx(0.8), 4)


def test_spearman_is_scipys() -> None:
    generator = np.random.default_rng(3)
    one = generator.normal(size=40).round(1)
    two = (one + generator.normal(size=40)).round(1)
    expected = stats.spearmanr(one, two)
    found = spearman(one, two)
    assert (found.rho, found.p) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
    assert spearman([1, 2, 3], [2, 4, 9]).p == 0
    assert math.isnan(spearman([1, 2, 3], [1, 1, 1]).rho)
    assert math.isnan(spearman([1, 2], [1, 2]).rho)


def test_a_study_without_norms_has_none(tmp_path: Path) -> None:
    results = opened(tmp_path, [ended(preresnet(14)), ended(preresnet(14, 1, measure="gradient-norms"))])
    assert find_norms(results, STUDY) is None
    assert len(spread(4, 0.5)) == 4
