"""Matched pairs: which trials are put side by side, and with what."""

import itertools
from typing import Any

import pyarrow as pa
import pytest

import analysis
from analysis.pairs import METRICS, shared
from sweep.result import TrialResult
from sweep.trial import Trial

STAGES = {("mixed", 2), ("mixed", 4), ("sequential", 0), ("parallel", 0)}


def trial(**factors) -> Trial:
    return Trial(**{"study": "test", "dataset": "digits", "epochs": 2, **factors})


def by_ids(pairs: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
    rows = pairs.to_pylist()
    found = {(row["sequential_id"], row["parallel_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def every(end) -> list[TrialResult | Trial]:
    """Two studies, two budgets, all arrangements at depth 8, and every way to end; a bare trial is planned only."""
    kinds = itertools.cycle(["finished", "finished", "diverged", "finished", "failed", "finished", "missing"])
    losses = itertools.cycle([1.0, 0.0, 2.5, 4.0, 0.75])
    found: list[TrialResult | Trial] = []
    for study, epochs, seed, filters in itertools.product(("one", "two"), (1, 2), (0, 1), (1, 2)):
        for architecture, stages in sorted(STAGES):
            each = trial(
                study=study,
                epochs=epochs,
                seed=seed,
                filters=filters,
                depth=8,
                architecture=architecture,
                stages=stages,
            )
            kind, loss = next(kinds), next(losses)
            found.append(each if kind == "missing" else end(each, loss, loss / 2, status=kind, accuracy=loss / 8))
    return found


@pytest.mark.parametrize("metric", METRICS)
def test_pairs_agree_in_all_but_the_arrangement(make_store, make_pairs, every, metric):
    planned = [each if isinstance(each, Trial) else each.trial for each in every]
    done = [each for each in every if isinstance(each, TrialResult)]
    store = make_store(done, [each for each in planned if each.study == "one"], pack=7)
    make_store([], [each for each in planned if each.study == "two"], folder=store)
    found, expected = analysis.open(store).pairs(metric), make_pairs(every, metric)
    assert set(found.schema.names) == set(expected.schema.names)
    assert by_ids(found.select(expected.schema.names)) == by_ids(expected)
    # A sequential twin a parallel one, and each of two mixed ones beside both.
    assert found.num_rows == 16 * (1 + 2 * 2)


def test_a_contrast_is_named_for_its_sides_and_the_more_sequential_one_is_first(make_store, every):
    results = analysis.open(make_store(every_end(every)))
    rows = results.sql(
        "select contrast, sequential_stages, parallel_stages, count(*) as n from pairs group by all order by all"
    ).to_pylist()
    assert [tuple(row.values())[:3] for row in rows] == [
        ("mixed/sequential", 8, 2),
        ("mixed/sequential", 8, 4),
        ("parallel/mixed", 2, 1),
        ("parallel/mixed", 4, 1),
        ("parallel/sequential", 8, 1),
    ]


def every_end(every: list[TrialResult | Trial]) -> list[TrialResult]:
    return [each for each in every if isinstance(each, TrialResult)]


@pytest.mark.parametrize(
    "other", [{"study": "other"}, {"epochs": 3}, {"seed": 1}, {"learning_rate": 1e-4}, {"filters": 4}]
)
def test_trials_that_differ_in_more_are_no_pair(make_store, end, other):
    sides = [trial(depth=2), trial(depth=2, architecture="parallel", **other)]
    assert analysis.open(make_store([end(side) for side in sides])).pairs().num_rows == 0


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("status", ["failed", "diverged", "missing"])
def test_a_side_without_a_value_is_said_to_have_none(make_store, end, status, swapped):
    sides = [trial(depth=2), trial(depth=2, architecture="parallel")]
    there, lacking = sides[::-1] if swapped else sides
    results = [end(there, 1.5), *([end(lacking, 1.0, status=status)] if status != "missing" else [])]
    (row,) = analysis.open(make_store(results, sides)).pairs().to_pylist()
    names = ("parallel", "sequential") if swapped else ("sequential", "parallel")
    assert [row[f"{name}_status"] for name in names] == ["finished", status]
    assert [row[name] for name in names] == [1.5, None]
    assert row["difference"] is row["ratio"] is None


def test_a_pair_of_which_neither_side_is_there_is_missing_on_both(make_store, end):
    sides = [trial(depth=depth, architecture=side) for depth in (2, 4) for side in ("sequential", "parallel")]
    rows = analysis.open(make_store([end(side) for side in sides[:2]], sides)).pairs().to_pylist()
    assert [(row["depth"], row["sequential_status"], row["parallel_status"]) for row in rows] == [
        (2, "finished", "finished"),
        (4, "missing", "missing"),
    ]


@pytest.mark.parametrize(
    ("sequential", "parallel", "difference", "ratio"),
    [(2.0, 3.0, 1.0, 1.5), (0.0, 3.0, 3.0, None), (2.0, 0.0, -2.0, 0.0), (0.0, 0.0, 0.0, None)],
)
def test_difference_and_ratio_are_parallel_against_sequential(make_store, end, sequential, parallel, difference, ratio):
    sides = [end(trial(depth=2), sequential), end(trial(depth=2, architecture="parallel"), parallel)]
    (row,) = analysis.open(make_store(sides)).pairs("val_loss").to_pylist()
    assert (row["difference"], row["ratio"]) == (difference, ratio)


def test_shared_columns_are_all_but_identity_and_arrangement():
    assert {"dataset", "depth", "filters", "seed", "epochs", "determination_ratio", "parameters"} <= set(shared())
    assert not {"trial_id", "pair_id", "architecture", "stages"} & set(shared())
