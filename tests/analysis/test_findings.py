"""All numbers of a report: which study, which margins, what stands under which rules, and when they are new."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.claims import Outcome
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.findings import find
from analysis.questions.equivalence.wording import headline
from analysis.study import NothingToReport, results_key
from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins, merge_commits
from sweep.result import TrialResult
from sweep.trial import Trial


def trials(study: str = "test", **levels) -> list[Trial]:
    names = {
        "depth": [1, 2, 4],
        "filters": [1, 2],
        "seed": [0, 1],
        "architecture": ["sequential", "parallel"],
        **levels,
    }
    return [
        Trial(study, **{"dataset": "digits", "epochs": 1, **dict(zip(names, each, strict=True))})
        for each in itertools.product(*names.values())
    ]


@pytest.fixture
def ends(end) -> Callable[..., list[TrialResult]]:
    def of(every: Iterable[Trial], ratio: float = 1.001) -> list[TrialResult]:
        found: list[TrialResult] = []
        for each in every:
            loss = 1.0 + each.seed / 100 + each.filters / 10
            deep = each.architecture != "sequential" and each.depth > 1
            own = ratio * (1 + 0.0005 * each.depth * each.filters) if deep else 1.0
            found.append(end(each, loss * own, loss / 2))
        return found

    return of


@pytest.fixture
def store(make_store, ends) -> Path:
    return make_store(ends(trials()), trials(), Margins(0.05))


def key(*stores: Path, study: str = "test") -> str:
    return results_key(analysis.open(*stores), study)


def test_the_one_study_of_a_store_need_not_be_named(store):
    assert find(analysis.open(store)).study == find(analysis.open(store), "test").study == "test"


def test_of_several_studies_one_is_to_be_named(store, make_store, ends):
    make_store(ends(trials("other", filters=[1])), folder=store)
    results = analysis.open(store)
    with pytest.raises(SweepError, match="the results are of other, test; name one, such as `sweep report other`"):
        find(results)
    assert find(results, "other").answer.by_dataset["digits"].configurations == 2
    assert find(results, "test").answer.by_dataset["digits"].configurations == 4
    with pytest.raises(SweepError, match="there are no results of 'quick', but of other, test"):
        find(results, "quick")


def test_no_number_is_of_another_study(store, make_store, ends):
    before, digest = find(analysis.open(store)), key(store)
    others = trials("other", filters=[4])
    make_store(ends(others, 9.0), others, Margins(0.01), folder=store)
    after = find(analysis.open(store), "test")
    assert key(store) == digest
    for name in ("question", "answers", "states", "controls", "strata", "heterogeneity", "table_2", "claims"):
        assert repr(getattr(after, name)) == repr(getattr(before, name))
    assert after.trials.num_rows == before.trials.num_rows == 24
    assert after.cost_pairs.num_rows == before.cost_pairs.num_rows == 12


def test_a_side_that_always_diverges_is_reported_without_a_verdict(make_store, end):
    sides = trials(depth=[1, 2])
    results = [
        end(each, status="diverged" if (each.depth, each.architecture) == (2, "parallel") else "finished")
        for each in sides
    ]
    found = find(analysis.open(make_store(results, sides)))
    assert found.answer.verdict == Verdict.UNDECIDED
    assert "too few pairs" in found.answer.by_dataset["digits"].withheld[0]
    assert found.answer.by_dataset["digits"].divergence.parallel_only == len(sides) // 4
    assert {claim.outcome.value for claim in found.claims} == {"is not decided"}


@pytest.mark.parametrize("status", ["failed", None])
def test_without_a_complete_pair_there_is_nothing_to_report(make_store, end, status):
    sides = trials(depth=[1, 2], filters=[1], seed=[0])
    results = [
        end(each) if each.depth == 1 or each.architecture == "parallel" else end(each, status=status)
        for each in sides
        if status or each.depth == 1
    ]
    with pytest.raises(NothingToReport, match="'test' has no matched pair deeper than one block"):
        find(analysis.open(make_store(results, sides)))


def test_margins_are_those_declared_with_the_sweep(store):
    found = find(analysis.open(store))
    assert found.question.margins == Margins(0.05)
    assert found.question.declared_at is not None
    assert found.question.declared_before
    assert not found.question.several
    assessments = [each for answer in found.answers.values() for each in answer.by_dataset.values()]
    assert {each.margins.ratio for each in assessments} == {0.05}


def test_of_several_sweeps_that_share_trainings_the_strictest_margins_are_used(make_store, ends):
    store = make_store([], trials(), Margins(0.05))
    make_store([], trials(depth=[2, 8]), Margins(0.02), folder=store)
    make_store(ends(trials()), folder=store)
    found = find(analysis.open(store), "test")
    assert found.question.margins == Margins(0.02)
    assert found.question.several
    # A sweep of nothing that is asked about has nothing to say, whatever its name.
    others = trials("other", filters=[4])
    make_store(ends(others), others, Margins(0.001), folder=store)
    assert find(analysis.open(store), "test").question.margins == Margins(0.02)
    assert find(analysis.open(store), "other").question.margins == Margins(0.001)


def test_results_without_a_sweep_have_the_default_margins(make_store, ends):
    found = find(analysis.open(make_store(ends(trials()))))
    assert (found.question.margins, found.question.declared_at, found.question.declared_before) == (
        Margins(),
        None,
        True,
    )
    assert not found.states["missing"]


MANY: dict[str, Any] = {"depth": [1, 2, 4], "filters": [1, 2], "seed": list(range(14))}
"""Enough seeds for a verdict on four configurations."""


def test_the_margins_decide(make_store, ends):
    many = trials(**MANY)
    wide, narrow = (make_store(ends(many, 1.05), many, Margins(ratio)) for ratio in (0.1, 0.01))
    assert find(analysis.open(wide)).answer.verdict == Verdict.DIFFERENT_INSIDE
    assert find(analysis.open(narrow)).answer.verdict == Verdict.SECOND_BETTER


def test_the_same_findings_are_computed_once(store):
    results = analysis.open(store)
    assert find(results, "test") is find(results, "test")
    assert find(analysis.open(store), "test") is not find(results, "test")


def test_states_count_planned_trials_done_or_not(make_store, ends, end):
    every = trials()
    results = [*ends(every[:-6]), end(every[-6], status="failed"), end(every[-5], status="diverged")]
    found = find(analysis.open(make_store(results, every)))
    assert found.states == {"planned": 24, "finished": 18, "diverged": 1, "failed": 1, "missing": 4}
    assert found.states["missing"]


@pytest.mark.parametrize("status", ["different", "diverged"])
def test_a_failed_control_leaves_no_verdict(make_store, ends, end, status):
    every = trials(**MANY)
    assert find(analysis.open(make_store(ends(every), every))).answer.verdict == Verdict.DIFFERENT_INSIDE
    broken = trials(depth=[1], filters=[1], seed=[1], architecture=["parallel"])[0]
    results = [each for each in ends(every) if each.trial != broken]
    results.append(end(broken, 9.0) if status == "different" else end(broken, status="diverged"))
    found = find(analysis.open(make_store(results, every)))
    assert found.controls.failed
    assert found.answer.verdict == Verdict.UNDECIDED
    every_one = [each for answer in found.answers.values() for each in answer.by_dataset.values()]
    assert {each.verdict for each in every_one} == {Verdict.UNDECIDED}
    assert all(each.withheld == found.controls.reasons for each in every_one if each.scale == "ratio")
    assert found.controls.reasons[0].startswith("the control fails: ")
    assert {row["verdict"] for rows in found.strata.values() for row in rows} == {Verdict.UNDECIDED}
    assert {claim.outcome for claim in found.claims} == {Outcome.OPEN}


def test_each_data_set_is_assessed_alone(make_store, ends):
    every = trials(dataset=["mnist", "digits"], **MANY)
    results = [*ends([each for each in every if each.dataset == "mnist"], 0.5)]
    results += ends([each for each in every if each.dataset == "digits"], 1.5)
    found = find(analysis.open(make_store(results)))
    verdicts = {dataset: each.verdict for dataset, each in found.answer.by_dataset.items()}
    assert verdicts == {"digits": Verdict.SECOND_BETTER, "mnist": Verdict.FIRST_BETTER}
    assert found.answer.verdict == Verdict.UNDECIDED
    said = "It depends on the data set. digits: sequential better; MNIST: parallel better."
    assert headline(found.answer) == said
    assert {row["dataset"] for row in found.strata["val_loss"]} == {"digits", "mnist"}
    assert "dataset" not in {row["factor_a"] for row in found.strata["val_loss"]}


def test_mixed_networks_are_contrasts_of_their_own(make_store, ends):
    mixed = [each.but(architecture="mixed", stages=2) for each in trials(depth=[4], architecture=["sequential"])]
    every = [*trials(), *mixed]
    found = find(analysis.open(make_store(ends(every), every)))
    assert set(found.mixed) == {"mixed/sequential, 2 stages", "parallel/mixed, 2 stages"}
    assert {each["val_loss"].by_dataset["digits"].configurations for each in found.mixed.values()} == {2}
    assert found.answer.by_dataset["digits"].configurations == 4


def test_the_key_stays_while_the_results_do(store, make_store, ends, tmp_path):
    first = key(store)
    assert key(store) == first
    make_store(ends(trials("other")), folder=store)
    assert merge_commits(Ledger.open(store), 2)
    assert key(store) == first
    assert key(store.rename(tmp_path / "elsewhere")) == first


def test_the_key_is_new_where_anything_is(store, make_store, ends, end, monkeypatch):
    seen = [key(store)]
    extra = trials(depth=[8])
    make_store([], extra, Margins(0.05), folder=store)
    seen.append(key(store))
    make_store([end(extra[0], status="failed")], folder=store)
    seen.append(key(store))
    make_store([end(extra[0], status="diverged")], folder=store)
    seen.append(key(store))
    make_store([end(extra[1], 2.0)], folder=store)
    seen.append(key(store))
    make_store([], trials(depth=[16]), Margins(0.01), folder=store)
    seen.append(key(store))
    monkeypatch.setattr("analysis.study.NUMBERS_VERSION", 99)
    seen.append(key(store))
    assert len(set(seen)) == len(seen)


def test_the_key_is_new_where_trials_were_trained_anew(make_store, ends):
    assert key(make_store(ends(trials(), 1.001))) != key(make_store(ends(trials(), 1.002)))
