"""Ways of training against each other: pairing by seed, equal steps, equal time, lesions."""

import math
from pathlib import Path

import pytest
from scipy.stats import ttest_1samp

from analysis.arms import Arm, Group, arm_groups
from analysis.equivalence import Verdict
from analysis.results import Results
from analysis.questions.methods.lesions import lesion_curves, lesion_errors, robustness
from analysis.questions.methods.comparison import at_seconds, equal_steps, equal_time, gain, judge
from sweep.ledger import Margins
from tests.analysis.synthetic_measurements import STUDY, ended, lesion_rows, opened, preresnet
from tests.analysis.training_methods import (
    DROP,
    DROPPED,
    PLAIN,
    RESIDUAL,
    arm,
    budgets,
    with_budgets,
    with_lesions,
)


def groups(results: Results) -> list[Group]:
    return arm_groups(results, STUDY)


def only(results: Results) -> Group:
    (group,) = groups(results)
    return group


def test_arms_agree_in_everything_but_the_method(tmp_path: Path) -> None:
    trials = [
        *arm(PLAIN, [0.5, 0.5]),
        *arm(DROP, [0.4, 0.4]),
        *arm(DROP | {"drop_rate": 0.2}, [0.4]),
        *arm(RESIDUAL, [0.3]),
        *arm(RESIDUAL | {"retrain_steps": 2}, [0.3]),
        *arm(DROP, [0.4], depth=32),
        *arm(PLAIN, [0.4], depth=32, epochs=20),
    ]
    every = groups(opened(tmp_path, trials))
    assert [(list(each.arms), each.compared) for each in every[1:]] == [([DROPPED], False), (["plain"], False)]
    group = every[0]
    assert list(group.arms) == [
        "plain",
        "droppath 0.2",
        "droppath 0.5",
        "residual-droppath 0.5, retrain steps 1",
        "residual-droppath 0.5, retrain steps 2",
    ]
    pairs = [(one.name, other.name) for one, other in group.contrasts()]
    assert len(pairs) == 6
    assert [other for one, other in pairs if one.startswith("residual") and other != "plain"] == [DROPPED, DROPPED]


def test_residual_droppath_stands_beside_droppath_of_its_rates_alone(tmp_path: Path) -> None:
    others = [{"drop_rate": 0.4}, {"drop_rates": "constant"}, {"drop_per": "sample"}, {"rescale": "evaluation"}]
    trials = [*arm(RESIDUAL, [0.3]), *(trial for other in others for trial in arm(DROP | other, [0.3]))]
    assert list(only(opened(tmp_path, trials)).contrasts()) == []


def test_one_training_measured_twice_is_one_seed(tmp_path: Path) -> None:
    other = [*arm(PLAIN, [0.5], measure="features+paths"), *arm(PLAIN, [0.5], measure="truncation", status="failed")]
    trials = [*arm(PLAIN, [0.5]), *arm(PLAIN, [0.5], measure="lesions"), *other, *arm(DROP, [0.4])]
    plain = only(opened(tmp_path, trials)).arms["plain"]
    assert [row["measure"] for row in plain.rows.values()] == ["lesions"]


def test_constant_gains_have_an_interval_of_no_width(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5, 0.4, 0.3], [1.0, 2.0, 4.0]), *arm(DROP, [0.48, 0.38, 0.28], [0.5, 1.0, 2.0])]
    (found,) = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert found.error.estimate == pytest.approx(-0.02)
    assert found.error.interval.low == pytest.approx(found.error.interval.high, abs=1e-12)
    assert found.log_loss.estimate == pytest.approx(math.log(0.5))
    assert (found.error.n, found.verdict, found.words) == (3, Verdict.FIRST_BETTER, f"{DROPPED} better")
    assert (found.mean_error, found.against_error) == (pytest.approx(0.38), pytest.approx(0.4))


def test_the_interval_and_p_are_those_of_a_paired_t_test(tmp_path: Path) -> None:
    """Differences -1, -2, -3, -6 points: mean -3, standard error 1.0801, t(3) 3.1824."""
    trials = [*arm(PLAIN, [0.5, 0.4, 0.3, 0.6]), *arm(DROP, [0.49, 0.38, 0.27, 0.54])]
    (found,) = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert 100 * found.error.interval.low == pytest.approx(-3 - 3.182446 * 1.080123, abs=1e-4)
    assert 100 * found.error.interval.high == pytest.approx(-3 + 3.182446 * 1.080123, abs=1e-4)
    assert found.error.p == pytest.approx(ttest_1samp([-1, -2, -3, -6], 0)[1])


def test_equal_losses_are_equivalent_and_two_seeds_decide_nothing(tmp_path: Path) -> None:
    for count, verdict in ((3, Verdict.EQUIVALENT), (2, Verdict.UNDECIDED)):
        trials = [*arm(PLAIN, [0.5] * count), *arm(DROP, [0.5] * count)]
        (found,) = equal_steps(only(opened(tmp_path / str(count), trials)), Margins())
        assert found.verdict is verdict


def test_one_seed_has_an_estimate_and_no_interval(tmp_path: Path) -> None:
    (found,) = equal_steps(only(opened(tmp_path, [*arm(PLAIN, [0.5]), *arm(DROP, [0.4])])), Margins())
    assert found.error.estimate == pytest.approx(-0.1)
    assert math.isnan(found.error.interval.low)


def test_a_seed_that_diverged_alone_counts_with_the_loss_of_guessing(tmp_path: Path) -> None:
    plain, drop = arm(PLAIN, [0.5] * 4), arm(DROP, [0.5] * 4)
    drop[3] = ended(drop[3].trial, status="diverged")
    (found,) = equal_steps(only(opened(tmp_path, [*plain, *drop])), Margins())
    assert (found.error.n, found.lacking, found.verdict) == (3, 0, Verdict.UNDECIDED)
    assert found.log_loss.estimate == pytest.approx(math.log(math.log(10)) / 4)
    assert found.ended == f"{DROPPED}: 1 of 4 diverged"


def test_a_seed_that_diverged_on_both_sides_takes_nothing(tmp_path: Path) -> None:
    plain, drop = arm(PLAIN, [0.5] * 4), arm(DROP, [0.5] * 4)
    plain[3], drop[3] = (ended(each[3].trial, status="diverged") for each in (plain, drop))
    (found,) = equal_steps(only(opened(tmp_path, [*plain, *drop])), Margins())
    assert (found.lacking, found.verdict) == (0, Verdict.EQUIVALENT)


def test_planned_trials_without_a_result_are_missing(tmp_path: Path) -> None:
    store = opened(tmp_path, [*arm(PLAIN, [0.5] * 4), *arm(DROP, [0.5] * 3)], planned=[preresnet(seed=3, **DROP)])
    (found,) = equal_steps(only(store), Margins())
    assert (found.lacking, found.ended, found.verdict) == (1, f"{DROPPED}: 1 of 4 missing", Verdict.UNDECIDED)


def test_a_seed_without_a_loss_leaves_no_verdict() -> None:
    ratios = [-2.0 + 0.01 * place for place in range(30)]
    assert judge(ratios, 0, Margins())[1] is Verdict.FIRST_BETTER
    for lacking in (1, 30):
        tost, verdict = judge(ratios, lacking, Margins())
        assert verdict is Verdict.UNDECIDED
        assert tost == judge(ratios, 0, Margins())[0]


def ladder(store: Results, name: str = "plain") -> list[Arm]:
    return [group.arms[name] for group in groups(store)]


@pytest.fixture
def store(tmp_path: Path) -> Results:
    return with_budgets(tmp_path)


def test_time_is_interpolated_between_budgets_in_the_log_of_seconds(store: Results) -> None:
    """20 s lie half-way between 10 and 40 s in log: an error of 35 % and a loss of sqrt(0.4 * 0.3)."""
    figures, note = at_seconds(ladder(store), groups(store)[0].arms[DROPPED])
    assert note == ""
    assert figures[0] == (pytest.approx(0.35), pytest.approx(math.log(0.4 * 0.3) / 2))
    assert figures[1] == (pytest.approx(0.36), pytest.approx(math.log(0.4 * 0.3) / 2))


def test_equal_time_pairs_seeds_with_the_interpolated_arm(store: Results) -> None:
    every = groups(store)
    (found,) = equal_time(every[1], every, Margins())
    assert (found.epochs, found.seconds, found.against_seconds) == (40, 80.0, 80.0)
    assert found.error.estimate == pytest.approx(0.25 - 0.25)
    assert found.error.n == 2
    (steps,) = equal_steps(every[1], Margins())
    assert steps.error.estimate == pytest.approx(-0.05)


def test_outside_the_budgets_nothing_is_said(store: Results) -> None:
    every = groups(store)
    (found,) = equal_time(every[2], every, Margins())
    assert found.error.n == 0
    assert "do not bracket" in found.note
    assert "2 times the seconds of the last" in found.note
    assert found.verdict is Verdict.UNDECIDED


def test_one_budget_of_other_seconds_brackets_nothing(store: Results) -> None:
    figures, note = at_seconds(ladder(store)[:1], groups(store)[0].arms[DROPPED])
    assert (figures, note) == ({}, "a single budget does not bracket it: it takes 2 times the seconds of that one")


def test_a_budget_of_the_same_seconds_needs_no_other(store: Results) -> None:
    plain = ladder(store)
    figures, _ = at_seconds(plain, plain[2])
    assert figures[0][0] == pytest.approx(0.2)


def test_a_seed_without_one_of_the_budgets_has_no_interpolation(tmp_path: Path) -> None:
    trials = budgets([10, 40], [0.4, 0.3], [10.0, 40.0])
    trials[-1] = ended(trials[-1].trial, status="diverged")
    opened_store = opened(tmp_path, [*trials, *budgets([10, 40], [0.4, 0.3], [20.0, 80.0], DROP)])
    figures, _ = at_seconds(ladder(opened_store), groups(opened_store)[0].arms[DROPPED])
    assert list(figures) == [0]


def test_seconds_of_several_devices_are_not_compared(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.4], epochs=10, device="cpu"), *arm(PLAIN, [0.4], epochs=20, seconds=3.0, device="cpu")]
    trials += [*arm(DROP, [0.4], epochs=10, seconds=2.0, device="gpu"), *arm(DROP, [0.4], epochs=20, device="gpu")]
    every = groups(opened(tmp_path, trials))
    assert "several devices: cpu, gpu" in equal_time(every[0], every, Margins())[0].note


def test_gains_are_counted_after_holms_correction(tmp_path: Path) -> None:
    """Four comparisons of p about 0.025 show nothing after the correction, one of them alone is."""
    noise = [0.0, 0.01, 0.02, 0.03]
    trials = arm(PLAIN, [0.5] * 4)
    for rate in (0.1, 0.2, 0.3, 0.4):
        trials += arm(DROP | {"drop_rate": rate}, [0.488 - each for each in noise])
    found = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert all(0.0125 < each.error.p < 0.05 for each in found)
    assert (gain(found).better, gain(found).worse, gain(found).comparisons) == (0, 0, 4)
    assert gain(found[:1]).better == 1


@pytest.fixture
def lesioned(tmp_path: Path) -> Results:
    return with_lesions(tmp_path)


def test_retrained_networks_are_compared_under_lesions(lesioned: Results) -> None:
    every = groups(lesioned)
    errors = lesion_errors(lesioned, every)
    (found,) = robustness(every[0], errors)
    assert (found.arm, found.against, found.one.n) == (DROPPED, "plain", 2)
    assert found.untreated.estimate == pytest.approx(0.01)
    assert found.one.estimate == pytest.approx(0.3 - 0.4)
    assert found.rise.estimate == pytest.approx((0.3 - 0.21) - (0.4 - 0.2))
    assert {size: each.estimate for size, each in found.some.items()} == {1: pytest.approx(0), 3: pytest.approx(-0.1)}


def test_of_one_deleted_block_the_curve_shows_the_mean_over_all(lesioned: Results) -> None:
    every = groups(lesioned)
    plain, drop = lesion_curves(every[0], lesion_errors(lesioned, every))
    assert (plain.arm, list(plain.deleted)) == ("plain", [0, 1, 3])
    assert plain.error.mean.tolist() == pytest.approx([0.21, 0.41, 0.71])
    assert drop.error.lowest.tolist() == pytest.approx([0.21, 0.3, 0.6])


def test_lesions_of_networks_that_were_not_retrained_are_left_to_others(tmp_path: Path) -> None:
    measurements = lesion_rows(0.2, {0: 0.3})
    fields = {"measure": "lesions", "measurements": measurements}
    store = opened(tmp_path, [*arm(PLAIN, [0.2], **fields), *arm(DROP, [0.2], **fields)])
    every = groups(store)
    assert lesion_errors(store, every)
    assert robustness(every[0], lesion_errors(store, every)) == []
