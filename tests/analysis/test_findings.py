"""All numbers of a report: which study, which margins, what stands under which rules, and when they are new."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import analysis
from analysis.equivalence import Verdict
from analysis.report import NothingToReport, find, results_key
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
    assert find(results, "other").overall["val_loss"].configurations == 2
    assert find(results, "test").overall["val_loss"].configurations == 4
    with pytest.raises(SweepError, match="there are no results of 'quick', but of other, test"):
        find(results, "quick")


def test_no_number_is_of_another_study(store, make_store, ends):
    before, digest = find(analysis.open(store)), key(store)
    make_store(ends(trials("other"), 9.0), trials("other"), Margins(0.01), folder=store)
    after = find(analysis.open(store), "test")
    assert key(store) == digest
    for name in ("overall", "by_dataset", "states", "controls", "declared", "variance", "claims"):
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
    assert found.verdict == Verdict.UNDECIDED
    assert found.overall["val_loss"].divergence.parallel_only == len(sides) // 4
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
    assert found.declared.margins == Margins(0.05)
    assert found.declared.declared_at is not None
    assert not found.declared.several
    assessments = [*found.overall.values(), *(each for by in found.by_dataset.values() for each in by.values())]
    assert {each.margins.ratio for each in assessments} == {0.05}


def test_of_several_sweeps_the_strictest_margins_are_used(store, make_store):
    make_store([], trials(depth=[8]), Margins(0.2, 0.5), folder=store)
    found = find(analysis.open(store))
    assert found.declared.margins == Margins(0.05, 0.5)
    assert found.declared.several
    make_store([], trials("other", depth=[8]), Margins(0.001), folder=store)
    assert find(analysis.open(store), "test").declared.margins == Margins(0.05, 0.5)


def test_results_without_a_sweep_have_the_default_margins(make_store, ends):
    found = find(analysis.open(make_store(ends(trials()))))
    assert (found.declared.margins, found.declared.declared_at) == (Margins(), None)
    assert not found.interim


def test_the_margins_decide(make_store, ends):
    wide, narrow = (make_store(ends(trials(), 1.05), trials(), Margins(ratio)) for ratio in (0.1, 0.01))
    assert find(analysis.open(wide)).verdict == Verdict.DIFFERENT_INSIDE
    assert find(analysis.open(narrow)).verdict == Verdict.SECOND_BETTER


def test_states_count_planned_trials_done_or_not(make_store, ends, end):
    every = trials()
    results = [*ends(every[:-6]), end(every[-6], status="failed"), end(every[-5], status="diverged")]
    found = find(analysis.open(make_store(results, every)))
    assert found.states == {"planned": 24, "finished": 18, "diverged": 1, "failed": 1, "missing": 4}
    assert found.interim


@pytest.mark.parametrize("status", ["different", "diverged"])
def test_a_failed_control_leaves_no_verdict(make_store, ends, end, status):
    every = trials()
    broken = trials(depth=[1], filters=[1], seed=[1], architecture=["parallel"])[0]
    results = [each for each in ends(every) if each.trial != broken]
    results.append(end(broken, 9.0) if status == "different" else end(broken, status="diverged"))
    found = find(analysis.open(make_store(results, every)))
    assert found.controls.failed
    assert found.verdict == Verdict.UNDECIDED
    every_one = [found.overall, *found.by_dataset.values(), *found.mixed.values()]
    assert {each.verdict for by_metric in every_one for each in by_metric.values()} == {Verdict.UNDECIDED}
    assert {row for table in found.strata.values() for row in table["verdict"].to_pylist()} == {Verdict.UNDECIDED}
    assert {claim.because for claim in found.claims} == {"the control fails"}


def test_each_data_set_is_assessed_alone(make_store, ends):
    every = trials(dataset=["mnist", "digits"])
    results = [*ends([each for each in every if each.dataset == "mnist"], 0.5)]
    results += ends([each for each in every if each.dataset == "digits"], 2.0)
    found = find(analysis.open(make_store(results)))
    verdicts = {dataset: by_metric["val_loss"].verdict for dataset, by_metric in found.by_dataset.items()}
    assert verdicts == {"digits": Verdict.SECOND_BETTER, "mnist": Verdict.FIRST_BETTER}
    assert set(found.variance) == {"all", "digits", "mnist"}


def test_mixed_networks_are_contrasts_of_their_own(make_store, ends):
    mixed = [each.but(architecture="mixed", stages=2) for each in trials(depth=[4], architecture=["sequential"])]
    every = [*trials(), *mixed]
    found = find(analysis.open(make_store(ends(every), every)))
    assert set(found.mixed) == {"mixed/sequential, 2 stages", "parallel/mixed, 2 stages"}
    assert {each["val_loss"].configurations for each in found.mixed.values()} == {2}
    assert found.overall["val_loss"].configurations == 4


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
    monkeypatch.setattr("analysis.report.study.NUMBERS_VERSION", 99)
    seen.append(key(store))
    assert len(set(seen)) == len(seen)


def test_the_key_is_new_where_trials_were_trained_anew(make_store, ends):
    assert key(make_store(ends(trials(), 1.001))) != key(make_store(ends(trials(), 1.002)))
