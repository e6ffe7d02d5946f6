"""Which question pairs ask, and how often it was asked; the same answer whoever asks."""

import math
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import analysis
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assessment import Answer
from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins, to_tables
from sweep.ledger.schema import plan_row
from sweep.result import TrialResult
from sweep.trial import Trial
from tests.analysis.rules.trials import (
    CHANCE,
    judged,
    learning,
    study,
    withheld,
)

# Which question the pairs ask.


def test_the_margin_of_the_sweep_judges_whoever_asks(ends, make_store):
    trials = study()
    loss = lambda each: learning(each, 1.05)  # noqa: E731
    for ratio, verdict in ((0.1, Verdict.DIFFERENT_INSIDE), (0.02, Verdict.SECOND_BETTER)):
        store = make_store([], trials, Margins(ratio))
        make_store(ends(trials, loss), folder=store)
        pairs = analysis.open(store).pairs("val_loss")
        by_name = analysis.open(store).pairs(study="test")
        for table in (pairs, pairs.filter(pc.field("depth") > 0), pairs.slice(0), by_name):
            found = judged(table)
            assert (found.margins.ratio, found.verdict) == (ratio, verdict)


def test_another_study_of_the_same_trainings_does_not_widen_the_margin(ends, make_store):
    trials, others = study(), study(name="other")
    loss = lambda each: learning(each, 1.05)  # noqa: E731
    declared = make_store([], trials, Margins(0.02))
    make_store(ends(trials, loss), folder=declared)
    one = make_store(ends(others, loss), others, Margins(0.2), folder=declared)
    elsewhere = make_store(ends(others, loss), others, Margins(0.2))
    for stores in ((one,), (declared, elsewhere), (elsewhere, declared)):
        results = analysis.open(*stores)
        for name in ("test", "other", None):
            found = judged(results.pairs("val_loss", name))
            assert found.margins.ratio == 0.02
            assert found.verdict == Verdict.SECOND_BETTER


@pytest.mark.parametrize("name", ["test", "other"])
def test_a_margin_that_was_declared_after_the_first_result_judges_nothing(name, ends, make_store, at):
    trials = study(name=name)
    at(2)
    store = make_store(ends(study(), lambda each: learning(each, 1.05)))
    at(3)
    new = trials if name == "other" else []
    make_store(ends(new, lambda each: learning(each, 1.05)), trials, Margins(0.2), folder=store)
    for asked in {"test", name}:
        pairs = analysis.open(store).pairs("val_loss", asked)
        found = judged(pairs)
        assert found.margins.ratio == 0.2
        assert withheld(found, "the margins were declared after the first result")


def test_a_margin_declared_in_time_counts_beside_one_that_was_not(ends, make_store, at):
    for late in (0.2, 0.001):
        at(1)
        store = make_store([], study(), Margins(0.1))
        at(2)
        make_store(ends(study(), lambda each: learning(each, 1.05)), folder=store)
        day = at(3)
        make_store([], study(name="other"), Margins(late), folder=store)
        found = judged(analysis.open(store).pairs("val_loss", "test"))
        assert (found.margins.ratio, found.verdict) == (0.1, Verdict.DIFFERENT_INSIDE)
        assert day not in str(found)


def test_a_failing_control_and_the_metric_are_the_tables_own(ends, make_store):
    trials = study()
    broken = lambda each: learning(each) * (2 if (each.depth, each.architecture) == (1, "parallel") else 1)  # noqa: E731
    results = analysis.open(make_store(ends(trials, broken), trials))
    assert withheld(judged(results.pairs()), "the control fails")
    results = analysis.open(make_store(ends(trials), trials))
    for metric in ("val_loss", "train_loss", "val_accuracy", "train_accuracy"):
        found = judged(results.pairs(metric))
        assert found.metric == metric
        assert (found.verdict == Verdict.EQUIVALENT) is metric.endswith("loss")


@pytest.mark.parametrize("metric", ["val_accuracy", "train_accuracy", "gradient_norm"])
def test_what_is_no_loss_has_an_estimate_and_no_verdict(metric, ends, make_pairs):
    for ratio in (1.0, 0.5):
        found = judged(make_pairs(ends(study(), lambda each, ratio=ratio: learning(each, ratio)), metric))
        assert math.isfinite(found.grid.estimate)
        assert (found.scale, found.verdict, found.plain) == ("difference", Verdict.UNDECIDED, False)


def test_a_table_without_a_question_is_one_sentence(ends, make_store):
    trials = study(widths=[1])
    results = analysis.open(make_store(ends(trials), trials))
    bare = results.pairs().replace_schema_metadata(None)
    for table in (bare, results.sql("select * from pairs"), pa.table({"ratio": [1.0]})):
        with pytest.raises(
            SweepError, match=r"^the table does not say what it compares; take pairs from Results\.pairs"
        ):
            analysis.assess(table)
    with pytest.raises(SweepError, match=r"^metric is 'nonsense', but takes one of val_loss, "):
        results.pairs("nonsense")


def test_a_table_without_a_deep_pair_is_one_sentence(ends, make_pairs):
    for trials in ([], study(depths=[1])):
        with pytest.raises(SweepError, match=r"^there is no matched pair deeper than one block to assess$"):
            analysis.assess(make_pairs(ends(trials)))


# How often it was asked.


def sweep(store, trials: Sequence[Trial], results: list[TrialResult], number: int) -> None:
    """A sweep that is declared, and then run to its end."""
    ledger = Ledger.create(store)
    ledger.record_sweep(f"{number:020}", trials[0].study, trials)
    ledger.publish(to_tables(results))


def test_every_look_at_growing_results_is_stricter(ends, tmp_path, at):
    seen: list[tuple[int, float]] = []
    done = 0
    for number, seeds in enumerate((3, 4, 5, 6, 7), 1):
        at(number)
        trials = study(seeds=range(seeds))
        new = [each for each in trials if each.seed >= done]
        sweep(tmp_path / "store", trials, ends(new), number)
        done = seeds
        found = judged(analysis.open(tmp_path / "store").pairs())
        assert found.counts.pairs == 24 * seeds
        seen.append((found.look, found.alpha))
        assert found.interval == found.grid.interval(1 - 2 * found.alpha)
    assert [look for look, _ in seen] == [1, 2, 3, 4, 5]
    assert [alpha for _, alpha in seen] == pytest.approx([0.04, 0.005, 0.0025, 0.00125, 0.000625])
    assert sum(alpha for _, alpha in seen) < 0.05


def test_to_look_again_at_the_same_results_is_no_other_look(ends, tmp_path):
    trials = study()
    for number in (1, 2, 3):
        sweep(tmp_path / "store", study(name=f"name{number}") if number == 3 else trials, ends(trials), number)
    assert judged(analysis.open(tmp_path / "store").pairs(study="test")).look == 1


def test_a_try_out_that_could_give_no_verdict_is_no_look(ends, tmp_path):
    small, whole = study(widths=[1], seeds=[0, 1]), study()
    sweep(tmp_path / "store", small, ends(small), 1)
    assert judged(analysis.open(tmp_path / "store").pairs()).look == 1
    sweep(tmp_path / "store", whole, ends([each for each in whole if each not in small]), 2)
    found = judged(analysis.open(tmp_path / "store").pairs())
    assert (found.look, found.verdict) == (1, Verdict.EQUIVALENT)


# Several data sets.


def test_no_data_set_speaks_for_another(ends, make_store):
    trials = [each for dataset in ("mnist", "digits") for each in study(dataset=dataset)]
    store = make_store(ends(trials, lambda each: learning(each, 1.0 if each.dataset == "mnist" else 0.7)), trials)
    answer = analysis.assess(analysis.open(store).pairs())
    assert isinstance(answer, Answer)
    assert {name: each.words for name, each in answer.by_dataset.items()} == {
        "digits": "parallel better",
        "mnist": "equivalent",
    }
    assert (answer.verdict, answer.plain) == (Verdict.UNDECIDED, False)


def test_classes_are_those_of_the_data(ends, make_pairs):
    row = plan_row(study()[0])
    assert row["classes"] == 10
    found = judged(make_pairs(ends(study())))
    assert found.assay is not None
    assert found.assay.chance == pytest.approx(CHANCE)
