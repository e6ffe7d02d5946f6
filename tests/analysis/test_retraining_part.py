"""The part of a report that is made of ways of training."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

import analysis
from analysis.questions.equivalence.paper import Outcome
from analysis.report.document import Callout, Prose, Table
from analysis.report.json_numbers import _plain  # pyright: ignore[reportPrivateUsage]
from analysis.report.part import Part
from analysis.questions.methods.view import make
from analysis.results import Results
from sweep.ledger import Margins
from sweep.result import TrialResult
from sweep.studies import STUDIES
from tests.analysis.synthetic_measurements import STUDY, ended, opened
from tests.analysis.training_methods import DROP, DROPPED, EFFECTIVE, PLAIN, RESIDUAL, arm, with_budgets, with_lesions


def part_of(store: Results) -> Part:
    part = make(store, STUDY)
    assert part is not None
    for section in part.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                assert {len(row) for row in block.rows} == {len(block.columns)}
    assert json.dumps(_plain(dict(part.numbers)), allow_nan=False)
    return part


def test_the_part_has_a_table_at_equal_steps_and_one_at_equal_time(tmp_path: Path) -> None:
    part = part_of(with_budgets(tmp_path))
    assert set(part.pictures) == {"gains", "error-by-time"}
    tables = [block for block in part.sections[0].blocks if isinstance(block, Table)]
    assert [len(table.rows) for table in tables] == [3, 3]
    assert part.tables["training_methods"]["basis"].to_pylist() == ["steps"] * 3 + ["time"] * 3


def test_the_part_on_retrained_networks_has_their_lesions(tmp_path: Path) -> None:
    part = part_of(with_lesions(tmp_path))
    assert [section.id for section in part.sections] == ["training-methods", "retrained-lesions"]
    assert {"gains", "retrained-lesions"} == set(part.pictures)
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
    part = part_of(opened(tmp_path, trials))
    assert part.numbers["claims"][0].outcome is outcome
    assert words in part.lead.verdict


def test_effective_paths_are_judged_by_the_declared_margin(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5] * 3), *arm(EFFECTIVE, [0.5] * 3, [1.0, 1.01, 1.02])]
    for margin, outcome in ((0.1, Outcome.HOLDS), (0.005, Outcome.OPEN)):
        store = opened(tmp_path / str(margin), trials, margins=Margins(ratio=margin))
        part = part_of(store)
        assert [claim.outcome for claim in part.numbers["claims"]] == [outcome]


@pytest.mark.parametrize(
    ("losses", "errors", "outcome", "said"),
    [
        ([0.949, 0.95, 0.951], [0.5] * 3, Outcome.HOLDS, "+0.00 [+0.00, +0.00] points, slightly better, within"),
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
    part = part_of(opened(tmp_path, [*arm(PLAIN, [0.5] * 3), *arm(EFFECTIVE, errors, losses)]))
    (claim,) = part.numbers["claims"]
    assert claim.outcome is outcome
    assert "5.96 against 6.10 % error, second-hand" in claim.claim
    assert f"difference in error {said}" in claim.because


def many(count: int) -> list[TrialResult]:
    rates = [0.05 * (place + 1) for place in range(count)]
    return [each for rate in rates for each in arm(DROP | {"drop_rate": rate}, [0.5] * 2)]


def test_bars_that_are_left_out_are_said(tmp_path: Path) -> None:
    for count in (12, 14):
        intervals = part_of(opened(tmp_path / str(count), [*arm(PLAIN, [0.5] * 2), *many(count)])).lead.intervals
        assert intervals is not None
        assert len(intervals.bars) == 12
        assert ("of the first 12 of 14 comparisons" in intervals.caption) == (count > 12)
        assert "to plain training" in intervals.caption


def test_bars_are_against_what_each_is_compared_with(tmp_path: Path) -> None:
    other = {"drop_rate": 0.2}
    trials = [trial for each in ({}, other) for kind in (DROP, RESIDUAL) for trial in arm(kind | each, [0.5] * 2)]
    intervals = part_of(opened(tmp_path, trials)).lead.intervals
    assert intervals is not None
    assert [bar.label for bar in intervals.bars] == [
        f"residual-droppath {rate} against droppath {rate}" for rate in (0.2, 0.5)
    ]
    assert "to what each is compared with at equal steps" in intervals.caption
    assert (intervals.below, intervals.above) == ("first better", "other better")


def test_seeds_that_did_not_finish_are_said(tmp_path: Path) -> None:
    drop = arm(DROP, [0.5] * 4)
    drop[0] = ended(drop[0].trial, status="diverged")
    part = part_of(opened(tmp_path, [*arm(PLAIN, [0.5] * 4), *drop]))
    remarks = [block.text for block in part.sections[0].blocks if isinstance(block, Callout)]
    assert any(f"{DROPPED}: 1 of 4 diverged" in text for text in remarks)


def test_one_arm_alone_makes_no_part(tmp_path: Path) -> None:
    assert make(opened(tmp_path / "plain", arm(PLAIN, [0.5, 0.4])), STUDY) is None
    alone = [*arm(DROP, [0.5]), *arm(DROP | {"drop_rate": 0.2}, [0.5])]
    assert make(opened(tmp_path / "drop", alone), STUDY) is None


def test_an_arm_that_never_finished_has_the_loss_of_guessing_and_no_error(tmp_path: Path) -> None:
    trials = [*arm(PLAIN, [0.5] * 3), *arm(DROP, [0.5] * 3, status="diverged")]
    part = part_of(opened(tmp_path, trials))
    assert part.lead.verdict.startswith("Not decided")
    assert part.lead.intervals is not None
    assert [(bar.estimate, bar.low) for bar in part.lead.intervals.bars] == [(pytest.approx(math.log(10)),) * 2]
    assert math.isnan(part.tables["training_methods"]["error_difference"][0].as_py())


@pytest.mark.usefixtures("unrendered")
def test_the_built_in_study_is_compared_at_equal_time(make_store: Callable[..., Path]) -> None:
    """Errors fall in a straight line with the log of seconds, so that at equal time no arm differs from another."""
    name, cost = "droppath-quick", {"plain": 1.0, "droppath": 0.9, "residual-droppath": 1.2}
    trials = list(STUDIES[name].trials())
    seconds = {trial.trial_id: cost[trial.method] * trial.epochs for trial in trials}
    errors = {trial_id: 0.6 - 0.1 * math.log(each) for trial_id, each in seconds.items()}
    results = [ended(trial, errors[trial.trial_id], seconds=seconds[trial.trial_id]) for trial in trials]
    part = make(analysis.open(make_store(results, trials)), name)
    assert part is not None
    assert part.trials == len(trials)
    assert "4 or 10 epochs" in part.lead.detail
    rows = part.tables["training_methods"].to_pylist()
    found = [row for row in rows if row["basis"] == "time" and row["against"] == "plain"]
    assert len(found) == 3
    assert {(row["epochs"], row["pretrain_epochs"], row["seeds"], row["note"]) for row in found} == {(10, 0, 3, "")}
    assert [row["error_difference"] for row in found] == pytest.approx([0] * 3, abs=1e-12)
    steps = [row["error_difference"] for row in rows if row["basis"] == "steps" and row["against"] == "plain"]
    assert steps[:3] == pytest.approx([-0.1 * math.log(each) for each in (0.9, 1.2, 1.2)])
    blocks = part.sections[0].blocks
    said = " ".join(block.text for block in blocks if isinstance(block, Callout | Prose))
    assert "There is one budget" not in said
    assert (
        "with one budget each: linear network of 32; pre-activation ResNet-20, retrained after 10; stack of 8, parallel"
        in said
    )
    assert "error-by-time" in part.pictures
