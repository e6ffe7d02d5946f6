"""Ways of training against each other: pairing by seed, equal steps, equal time, lesions, and the page on them."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ttest_1samp

import analysis
from analysis.arms import Arm, Group, arm_groups
from analysis.claims import Outcome
from analysis.equivalence.mean import difference
from analysis.equivalence.verdict import Verdict
from analysis.figures.style import Palette
from analysis.questions.methods.comparison import at_seconds, equal_steps, equal_time, gains, judge
from analysis.questions.methods.lesions import lesion_errors, robustness
from analysis.questions.methods.pictures import by_budget, lesion_lines
from analysis.questions.methods.view import answer
from analysis.report.assemble import Report
from analysis.report.content import Part, Table
from analysis.report.page import page_html
from analysis.report.write import as_json
from analysis.results import Results
from analysis.seeds import CONFIDENCE, LEVEL
from sweep.ledger import Margins
from sweep.methods.plain import Plain
from sweep.parts import METHODS
from sweep.result import TrialResult
from sweep.studies import STUDIES
from tests.analysis.synthetic_measurements import STUDY, ended, lesion_rows, opened, preresnet

PLAIN: dict[str, Any] = {}
DROP: dict[str, Any] = {"method": "droppath", "drop_rate": 0.5}
RESIDUAL: dict[str, Any] = {"method": "residual-droppath", "drop_rate": 0.5, "retrain_steps": 1}
EFFECTIVE: dict[str, Any] = {"method": "effective-paths", "kept_blocks": 5}
DROPPED, RETRAINED = "droppath 0.5", "residual-droppath 0.5"


def arm(
    method: dict[str, Any], errors: Sequence[float], losses: Sequence[float] | None = None, **ending: Any
) -> list[TrialResult]:
    """An arm's trials, one seed per error."""
    fields = {name: ending.pop(name) for name in ("epochs", "pretrain_epochs", "depth", "measure") if name in ending}
    given = losses or [1.0] * len(errors)
    return [
        ended(preresnet(seed=seed, **{**fields, **method}), error, loss, **ending)
        for seed, (error, loss) in enumerate(zip(errors, given, strict=True))
    ]


def budgets(epochs: Sequence[int], errors: Sequence[float], seconds: Sequence[float], method: dict[str, Any] = PLAIN):
    return [
        trial
        for budget, error, each in zip(epochs, errors, seconds, strict=True)
        for trial in arm(method, [error, error + 0.01], [error] * 2, epochs=budget, seconds=each)
    ]


def retrained(method: dict[str, Any], whole: float, one: Sequence[float], some: float) -> list[TrialResult]:
    """Two seeds, the second with every error 2 points higher."""
    rows = [
        lesion_rows(
            whole + shift,
            {block: error + shift for block, error in enumerate(one)},
            {1: [0.9], 3: [some + shift, some + shift + 0.2]},
        )
        for shift in (0.0, 0.02)
    ]
    return [
        ended(preresnet(seed=seed, pretrain_epochs=5, measure="lesions", **method), whole, measurements=each)
        for seed, each in enumerate(rows)
    ]


def with_budgets(folder: Path) -> Results:
    """Plain budgets of 10, 40 and 160 s; droppath takes twice as long."""
    plain = budgets([10, 40, 160], [0.4, 0.3, 0.2], [10.0, 40.0, 160.0])
    return opened(folder, [*plain, *budgets([10, 40, 160], [0.35, 0.25, 0.15], [20.0, 80.0, 320.0], DROP)])


def with_lesions(folder: Path) -> Results:
    """Networks retrained plainly and with droppath, and their lesions."""
    plain = retrained(PLAIN, 0.2, [0.3, 0.5], 0.6)
    return opened(folder, [*plain, *retrained(DROP, 0.21, [0.25, 0.35], 0.5), *arm(RESIDUAL, [0.2], pretrain_epochs=5)])


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


def test_a_method_that_drops_no_block_is_another_question(tmp_path: Path) -> None:
    projected = {"method": "procrustes", "projection_rate": 0.5}
    plain, other, dropped = (arm(each, [0.3, 0.4, 0.35]) for each in (PLAIN, projected, DROP))
    assert answer(opened(tmp_path / "two", [*plain, *other]), STUDY, Palette()) is None
    part = answer(opened(tmp_path / "three", [*plain, *other, *dropped]), STUDY, Palette())
    assert part is not None
    assert part.headline["droppath_comparisons"] == 1


def test_constant_gains_have_an_interval_of_no_width(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5, 0.4, 0.3], [1.0, 2.0, 4.0]), *arm(DROP, [0.48, 0.38, 0.28], [0.5, 1.0, 2.0])]
    (found,) = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert found.error.estimate == pytest.approx(-0.02)
    assert found.error.interval(CONFIDENCE).low == pytest.approx(found.error.interval(CONFIDENCE).high, abs=1e-12)
    assert found.log_loss.estimate == pytest.approx(math.log(0.5))
    assert (found.error.n, found.verdict, found.words) == (3, Verdict.FIRST_BETTER, f"{DROPPED} better")
    assert (found.mean_error, found.against_error) == (pytest.approx(0.38), pytest.approx(0.4))


def test_the_interval_and_p_are_those_of_a_paired_t_test(tmp_path: Path) -> None:
    """Differences -1, -2, -3, -6 points: mean -3, standard error 1.0801, t(3) 3.1824."""
    trials = [*arm(PLAIN, [0.5, 0.4, 0.3, 0.6]), *arm(DROP, [0.49, 0.38, 0.27, 0.54])]
    (found,) = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert 100 * found.error.interval(CONFIDENCE).low == pytest.approx(-3 - 3.182446 * 1.080123, abs=1e-4)
    assert 100 * found.error.interval(CONFIDENCE).high == pytest.approx(-3 + 3.182446 * 1.080123, abs=1e-4)
    assert found.error.p == pytest.approx(ttest_1samp([-1, -2, -3, -6], 0)[1])


def test_equal_losses_are_equivalent_and_two_seeds_decide_nothing(tmp_path: Path) -> None:
    for count, verdict in ((3, Verdict.EQUIVALENT), (2, Verdict.UNDECIDED)):
        trials = [*arm(PLAIN, [0.5] * count), *arm(DROP, [0.5] * count)]
        (found,) = equal_steps(only(opened(tmp_path / str(count), trials)), Margins())
        assert found.verdict is verdict


def test_one_seed_has_an_estimate_and_no_interval(tmp_path: Path) -> None:
    (found,) = equal_steps(only(opened(tmp_path, [*arm(PLAIN, [0.5]), *arm(DROP, [0.4])])), Margins())
    assert found.error.estimate == pytest.approx(-0.1)
    assert math.isnan(found.error.interval(CONFIDENCE).low)


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
    ratios = difference([-2.0 + 0.01 * place for place in range(30)])
    assert judge(ratios, 0, Margins())[1] is Verdict.FIRST_BETTER
    for lacking in (1, 30):
        p, verdict = judge(ratios, lacking, Margins())
        assert verdict is Verdict.UNDECIDED
        assert p == judge(ratios, 0, Margins())[0]


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
    assert (found.group.trial["epochs"], found.arm.seconds) == (40, 80.0)
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


def test_seconds_that_do_not_grow_with_epochs_compare_nothing(tmp_path: Path) -> None:
    """As where other programs ran beside some of the trainings."""
    plain = budgets([10, 20, 40], [0.4, 0.35, 0.3], [10.0, 8.0, 40.0])
    store = opened(tmp_path, [*plain, *budgets([10, 20, 40], [0.4, 0.35, 0.3], [20.0, 30.0, 80.0], DROP)])
    figures, note = at_seconds(ladder(store), groups(store)[0].arms[DROPPED])
    assert (figures, note) == ({}, "a longer training took less time, so seconds are not compared")
    lines = [by_budget(groups(store), name) for name in ("plain", DROPPED)]
    assert [(line.x.tolist(), line.joined) for line in lines] == [([8, 10, 40], False), ([20, 30, 80], True)]


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
    """Four comparisons of p about a half of the level show nothing after the correction, one of them alone is."""
    noise = [0.0, 0.005, 0.01, 0.015]
    trials = arm(PLAIN, [0.5] * 4)
    for rate in (0.1, 0.2, 0.3, 0.4):
        trials += arm(DROP | {"drop_rate": rate}, [0.4878 - each for each in noise])
    found = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert all(LEVEL / 4 < each.error.p < LEVEL for each in found)
    assert gains(found) == [0, 0, 0, 0]
    assert gains(found[:1]) == [1]


@pytest.fixture
def lesioned(tmp_path: Path) -> Results:
    return with_lesions(tmp_path)


def test_retrained_networks_are_compared_under_lesions(lesioned: Results) -> None:
    every = groups(lesioned)
    errors = lesion_errors(lesioned, every)
    (found,) = robustness(every, errors)
    assert (found.arm.name, found.against.name, found.tests["one"].n) == (DROPPED, "plain", 2)
    assert found.tests["untreated"].estimate == pytest.approx(0.01)
    assert found.tests["one"].estimate == pytest.approx(0.3 - 0.4)
    assert found.tests["rise"].estimate == pytest.approx((0.3 - 0.21) - (0.4 - 0.2))
    some = {name: each.estimate for name, each in found.tests.items() if name.startswith("deleted_")}
    assert some == {"deleted_1": pytest.approx(0), "deleted_3": pytest.approx(-0.1)}


def test_of_one_deleted_block_the_curve_shows_the_mean_over_all(lesioned: Results) -> None:
    every = groups(lesioned)
    plain, drop = lesion_lines(every[0], lesion_errors(lesioned, every))
    assert (plain.label, list(plain.x)) == ("plain", [0, 1, 3])
    assert plain.y.tolist() == pytest.approx([21, 41, 71])
    assert drop.low is not None
    assert drop.low.tolist() == pytest.approx([21, 30, 60])


def test_lesions_of_networks_that_were_not_retrained_are_left_to_others(tmp_path: Path) -> None:
    measurements = lesion_rows(0.2, {0: 0.3})
    fields = {"measure": "lesions", "measurements": measurements}
    store = opened(tmp_path, [*arm(PLAIN, [0.2], **fields), *arm(DROP, [0.2], **fields)])
    every = groups(store)
    assert lesion_errors(store, every)
    assert robustness(every, lesion_errors(store, every)) == []


def part_of(store: Results, study: str = STUDY) -> tuple[Part, str]:
    """The part, and the page of it alone."""
    part = answer(store, study, Palette())
    assert part is not None
    states = {"planned": 1, "finished": 1, "diverged": 0, "failed": 0, "missing": 0}
    report = Report(study, "key", store.uris, states, (part,))
    assert json.loads(as_json(report))["parts"]["droppath"]["training_methods"]
    return part, " ".join(page_html(report).split())


def table(part: Part, name: str) -> Table:
    (found,) = (each for each in part.tables if each.name == name)
    return found


def test_the_part_has_a_table_at_equal_steps_and_one_at_equal_time(tmp_path: Path) -> None:
    part, page = part_of(with_budgets(tmp_path))
    assert {picture.name for picture in part.pictures} == {"gains", "error-by-time"}
    assert [len(each.cells) for each in part.tables] == [3, 3]
    assert table(part, "training_methods").arrow["basis"].to_pylist() == ["steps"] * 3 + ["time"] * 3
    assert "estimates alone" in part.lead.verdict
    assert "3 comparisons have fewer than 3 seeds: estimates alone, and no verdict." in page


def test_the_part_on_retrained_networks_has_their_lesions(tmp_path: Path) -> None:
    part, page = part_of(with_lesions(tmp_path))
    assert '<section id="training-methods"' in page
    assert '<section id="retrained-lesions"' in page
    assert {picture.name for picture in part.pictures} == {"gains", "retrained-lesions"}
    (row,) = table(part, "retrained_lesions").records
    assert (row["seeds"], row["one"], row["deleted_3"]) == (2, pytest.approx(-0.1), pytest.approx(-0.1))
    assert "10 epochs after 5 of plain training" in part.lead.detail


@pytest.mark.parametrize(
    ("plain", "drop", "outcome", "words"),
    [
        (0.5, 0.5, Outcome.HOLDS, "has a lower error than plain training in 1 of 1 comparison."),
        (0.5, 0.4, Outcome.IN_PART, "has a lower error than plain training in 1 of 1 comparison."),
        (0.4, 0.4, Outcome.OPEN, "no difference in error"),
        (0.3, 0.4, Outcome.CONTRADICTED, "has a higher error than plain training in 1 of 1 comparison."),
    ],
)
def test_the_claim_on_residual_droppath_takes_both_comparisons(
    tmp_path: Path, plain: float, drop: float, outcome: Outcome, words: str
) -> None:
    spread = [0.0, 0.001, 0.002]
    trials = [*arm(PLAIN, [plain] * 3), *arm(DROP, [drop] * 3), *arm(RESIDUAL, [0.399 + each for each in spread])]
    part, _ = part_of(opened(tmp_path, trials))
    assert part.claims[0].outcome is outcome
    assert words in part.lead.verdict


def test_effective_paths_are_judged_by_the_declared_margin(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5] * 3), *arm(EFFECTIVE, [0.5] * 3, [1.0, 1.01, 1.02])]
    for margin, outcome in ((0.1, Outcome.HOLDS), (0.005, Outcome.OPEN)):
        store = opened(tmp_path / str(margin), trials, margins=Margins(ratio=margin))
        part, _ = part_of(store)
        assert [claim.outcome for claim in part.claims] == [outcome]


@pytest.mark.parametrize(
    ("losses", "errors", "outcome", "said"),
    [
        ([0.949, 0.95, 0.951], [0.5] * 3, Outcome.HOLDS, "0.00 [0.00, 0.00] points, slightly better, within"),
        ([1.049, 1.05, 1.051], [0.505] * 3, Outcome.IN_PART, "+0.50 [+0.50, +0.50] points, slightly worse, within"),
        ([0.9, 1.0, 1.1], [0.4] * 3, Outcome.OPEN, "-10.00 [-10.00, -10.00] points, undecided in"),
        ([1.0] * 3, [0.51, 0.52, 0.53], Outcome.HOLDS, "+2.00 [-0.48, +4.48] points, equivalent in"),
        ([1.0] * 3, [0.52, 0.521, 0.522], Outcome.IN_PART, "+2.10 [+1.85, +2.35] points, equivalent in"),
        ([2.0] * 3, [0.6] * 3, Outcome.CONTRADICTED, "+10.00 [+10.00, +10.00] points, plain better in"),
    ],
)
def test_effective_paths_lose_nothing_only_where_they_are_no_worse(
    tmp_path: Path, losses: list[float], errors: list[float], outcome: Outcome, said: str
) -> None:
    part, _ = part_of(opened(tmp_path, [*arm(PLAIN, [0.5] * 3), *arm(EFFECTIVE, errors, losses)]))
    (claim,) = part.claims
    assert claim.outcome is outcome
    assert "5.96 against 6.10 % error, second-hand" in claim.claim
    assert f"difference in error {said}" in claim.because


def many(count: int) -> list[TrialResult]:
    rates = [0.05 * (place + 1) for place in range(count)]
    return [each for rate in rates for each in arm(DROP | {"drop_rate": rate}, [0.5] * 2)]


def test_bars_that_are_left_out_are_said(tmp_path: Path) -> None:
    for count in (12, 14):
        intervals = part_of(opened(tmp_path / str(count), [*arm(PLAIN, [0.5] * 2), *many(count)]))[0].lead.intervals
        assert intervals is not None
        assert len(intervals.bars) == 12
        assert ("of the first 12 of 14 comparisons" in intervals.caption) == (count > 12)
        assert "to plain training" in intervals.caption


def test_bars_are_against_what_each_is_compared_with(tmp_path: Path) -> None:
    other = {"drop_rate": 0.2}
    trials = [trial for each in ({}, other) for kind in (DROP, RESIDUAL) for trial in arm(kind | each, [0.5] * 2)]
    intervals = part_of(opened(tmp_path, trials))[0].lead.intervals
    assert intervals is not None
    assert [bar.label for bar in intervals.bars] == [
        f"residual-droppath {rate} against droppath {rate}" for rate in (0.2, 0.5)
    ]
    assert "to what each is compared with at equal steps" in intervals.caption
    assert (intervals.below, intervals.above) == ("first better", "other better")


def test_seeds_that_did_not_finish_are_said(tmp_path: Path) -> None:
    drop = arm(DROP, [0.5] * 4)
    drop[0] = ended(drop[0].trial, status="diverged")
    _, page = part_of(opened(tmp_path, [*arm(PLAIN, [0.5] * 4), *drop]))
    assert "Seeds without a figure limit every verdict that they belong to." in page
    assert f"{DROPPED}: 1 of 4 diverged" in page


def test_one_arm_alone_makes_no_part(tmp_path: Path) -> None:
    assert answer(opened(tmp_path / "plain", arm(PLAIN, [0.5, 0.4])), STUDY, Palette()) is None
    alone = [*arm(DROP, [0.5]), *arm(DROP | {"drop_rate": 0.2}, [0.5])]
    assert answer(opened(tmp_path / "drop", alone), STUDY, Palette()) is None


def test_an_arm_that_never_finished_has_the_loss_of_guessing_and_no_error(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5] * 3), *arm(DROP, [0.5] * 3, status="diverged")]
    part, _ = part_of(opened(tmp_path, trials))
    assert part.lead.verdict.startswith("Not decided")
    assert part.lead.intervals is not None
    assert [(bar.ratio.value, bar.ratio.low) for bar in part.lead.intervals.bars] == [
        (pytest.approx(math.log(10)),) * 2
    ]
    assert table(part, "training_methods").records[0]["error_difference"] is None


@pytest.mark.usefixtures("unrendered")
def test_the_built_in_study_is_compared_at_equal_time(make_store: Callable[..., Path]) -> None:
    """Errors fall in a straight line with the log of seconds, so that at equal time no arm differs from another."""
    name, cost = "droppath-quick", {"plain": 1.0, "droppath": 0.9, "residual-droppath": 1.2}
    trials = list(STUDIES[name].trials())
    seconds = {trial.trial_id: cost[trial.method] * trial.epochs for trial in trials}
    errors = {trial_id: 0.6 - 0.1 * math.log(each) for trial_id, each in seconds.items()}
    results = [ended(trial, errors[trial.trial_id], seconds=seconds[trial.trial_id]) for trial in trials]
    part, page = part_of(analysis.open(make_store(results, trials)), name)
    assert part.trials == len(trials)
    assert "4 or 10 epochs" in part.lead.detail
    rows = table(part, "training_methods").records
    found = [row for row in rows if row["basis"] == "time" and row["against"] == "plain"]
    assert len(found) == 3
    assert {(row["epochs"], row["pretrain_epochs"], row["seeds"], row["note"]) for row in found} == {(10, 0, 3, "")}
    assert [row["error_difference"] for row in found] == pytest.approx([0] * 3, abs=1e-12)
    steps = [row["error_difference"] for row in rows if row["basis"] == "steps" and row["against"] == "plain"]
    assert steps[:3] == pytest.approx([-0.1 * math.log(each) for each in (0.9, 1.2, 1.2)])
    assert "There is one budget" not in page
    assert (
        "with one budget each: linear network of 32; pre-activation ResNet-20, retrained after 10; stack of 8, parallel"
        in page
    )
    assert "error-by-time" in {picture.name for picture in part.pictures}


@pytest.mark.parametrize("described", ["", "resting 2"])
def test_a_method_of_ones_own_is_compared_with_plain_training(
    tmp_path: Path, described: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = dataclass(frozen=True)(type("Rest", (Plain,), {"describe": classmethod(lambda cls, row: described)}))
    monkeypatch.setitem(METHODS, "mine:METHOD", own)
    trials = [*arm(PLAIN, [0.5] * 3), *arm({"method": "mine:METHOD"}, [0.399, 0.4, 0.401])]
    part, _ = part_of(opened(tmp_path, trials))
    assert part.lead.verdict.startswith("Yes (-10.00 [-10.25, -9.75] points): mine:METHOD has a lower error than plain")
    assert part.claims == []
    (row,) = table(part, "training_methods").records
    assert (row["arm"], row["against"]) == (described or "mine:METHOD", "plain")


def test_the_verdict_answers_the_question_and_says_by_how_much(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5] * 3), *arm(RESIDUAL, [0.399, 0.4, 0.401])]
    part, _ = part_of(opened(tmp_path, trials))
    assert part.lead.verdict.startswith("Yes (-10.00 [-10.25, -9.75] points): residual droppath has a lower error")


def test_what_shows_at_5_percent_alone_is_no_verdict(tmp_path: Path) -> None:
    """Three differences of a p between 1 and 5 %, in losses and in errors."""
    losses = [0.60, 0.66, 0.75]
    trials = [*arm(PLAIN, [0.5] * 3), *arm(DROP, [0.42, 0.44, 0.46], losses)]
    (found,) = equal_steps(only(opened(tmp_path, trials)), Margins())
    assert LEVEL < found.error.p < 0.05
    assert LEVEL < found.log_loss.p < 0.05
    assert (found.verdict, gains([found]).count(1)) == (Verdict.UNDECIDED, 0)


def test_equivalence_takes_the_99_percent_interval_inside_the_margin() -> None:
    """Standard error 0.01 around 0: t(2) is 9.92 for two tails of half a percent, 2.92 for one of five."""
    ratios = difference([-0.01 * math.sqrt(3), 0.0, 0.01 * math.sqrt(3)])
    for margin, verdict in ((0.11, Verdict.EQUIVALENT), (0.10, Verdict.UNDECIDED)):
        p, found = judge(ratios, 0, Margins(ratio=margin))
        assert found is verdict
        assert ratios.interval(1 - LEVEL).high == pytest.approx(0.0992484)
        assert p < 0.05
