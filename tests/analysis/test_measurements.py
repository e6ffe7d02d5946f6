"""The one reader of measurements: which trials stand for a network's seeds, and what was measured on them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import analysis
from analysis.measurements import Measured, asked_trials, measured_study, read_rows, study_trials
from analysis.results import Results
from sweep.measures.base import ERROR, LOSS
from sweep.measures.lesions import DELETE_ONE, DELETE_SOME, UNTREATED
from sweep.measures.paths import COUNT, GRADIENT, NORM
from sweep.result import Measurement, TrialResult
from tests.analysis.synthetic_measurements import STUDY, ended, lesion_rows, opened, path_rows, preresnet

NAN = math.nan
LESIONS = (UNTREATED, DELETE_ONE, DELETE_SOME)


def lesioned(seed: int = 0, error: float = 0.1, deleted: Sequence[float | None] = (0.2, 0.4), **fields: Any):
    some = {2: [0.5, 0.7], 4: [0.9]}
    rows = lesion_rows(error, dict(enumerate(deleted)), some)  # pyright: ignore[reportArgumentType]
    return ended(preresnet(seed=seed, measure="lesions", **fields), error, measurements=rows)


def found(results: Results, measure: str = "lesions", **options: Any):
    study = measured_study(results, STUDY, measure, LESIONS, **options)
    assert study is not None
    return study


@pytest.fixture
def store(tmp_path):
    def of(*results: TrialResult, **options: Any) -> Results:
        return opened(tmp_path, results, **options)

    return of


def test_a_network_has_a_trained_network_per_seed_and_its_values_by_place(store):
    study = found(store(lesioned(1, 0.2, (0.3, 0.5)), lesioned(0)))
    (network,) = study.networks
    assert (network.label, network.lacking, len(network.seeds)) == ("pre-activation ResNet-20", 0, 2)
    assert [each.trial["seed"] for each in network.seeds] == [0, 1]
    assert network.trial["seed"] == 0
    sizes, values = network.over("size", DELETE_SOME, ERROR)
    assert (sizes, values.tolist()) == ([2, 4], [[pytest.approx(0.6), 0.9]] * 2)
    subjects, values = network.over("subject", DELETE_ONE, ERROR)
    assert (subjects, values.tolist()) == (["0", "1"], [[0.2, 0.4], [0.3, 0.5]])
    _, largest = network.over("size", DELETE_SOME, ERROR, np.max)
    assert largest.tolist() == [[0.7, 0.9]] * 2


def test_what_is_not_finite_has_no_value(store):
    rows = [
        Measurement(DELETE_SOME, ERROR, value, subject, size, draw)
        for subject, size, draw, value in (
            ("a", 1, 0, 0.5),
            ("b", 1, 1, math.inf),
            ("c", 1, 2, None),
            ("d", 2, 0, NAN),
            ("e", 3, 0, 0.25),
        )
    ]
    other = [Measurement(DELETE_SOME, ERROR, 0.75, "x", 2)]
    trials = (preresnet(seed=seed, measure="lesions") for seed in (0, 1))
    both = [ended(each, measurements=found) for each, found in zip(trials, (rows, other), strict=True)]
    (network,) = found(store(*both)).networks
    first = network.seeds[0]
    assert len(first.get(DELETE_SOME, ERROR).value) == 5
    assert first.by("size", DELETE_SOME, ERROR) == {1: 0.5, 3: 0.25}
    assert first.by("subject", DELETE_SOME, ERROR) == {"a": 0.5, "e": 0.25}
    sizes, values = network.over("size", DELETE_SOME, ERROR)
    assert sizes == [1, 2, 3]
    np.testing.assert_array_equal(values, [[0.5, NAN, 0.25], [NAN, 0.75, NAN]])


def test_what_was_not_measured_is_nothing(store):
    (network,) = found(store(lesioned())).networks
    (first,) = network.seeds
    assert first.get(DELETE_ONE, "cka").value.shape == (0,)
    assert first.by("size", "nothing", ERROR) == first.by("subject", DELETE_ONE, "cka") == {}
    assert math.isnan(first.one("nothing", ERROR))
    assert first.one(UNTREATED, ERROR) == 0.1
    sizes, values = network.over("size", "nothing", ERROR)
    assert (sizes, values.shape) == ([], (1, 0))


def test_of_trials_that_train_alike_the_one_with_most_stands_for_its_seed(store):
    few = lesioned(0, deleted=(0.3,), lesion_draws=2)
    most = lesioned(0, deleted=(0.4,), lesion_draws=9)
    failed = ended(preresnet(seed=1, measure="lesions", lesion_draws=9), status="failed")
    only = lesioned(1, deleted=(0.5,), lesion_draws=2)
    study = found(store(few, most, failed, only), most="lesion_draws")
    (network,) = study.networks
    assert [each.by("subject", DELETE_ONE, ERROR)["0"] for each in network.seeds] == [0.4, 0.5]
    assert network.lacking == 0
    assert (study.counts["planned"], study.counts["failed"]) == (4, 1)


def test_seeds_are_lacking_that_were_planned_and_have_nothing_usable(store):
    missing = preresnet(seed=5, measure="lesions")
    trials = [
        lesioned(0),
        ended(preresnet(seed=1, measure="lesions"), status="diverged"),
        ended(preresnet(seed=2, measure="lesions"), status="failed"),
        ended(preresnet(seed=3, measure="lesions")),
        lesioned(4, 0.9),
    ]
    results = store(*trials, planned=[missing])
    study = found(results)
    (network,) = study.networks
    assert ([each.trial["seed"] for each in network.seeds], network.lacking) == ([0, 4], 4)
    ends = {"planned": 6, "finished": 3, "diverged": 1, "failed": 1, "missing": 1}
    assert study.counts == {**ends, "finished_without_measurements": 1}
    assert "Of 6 trials 3 finished, 1 diverged, 1 failed and 1 are missing;" in study.said
    assert study.said.endswith("Of 1 that finished nothing was measured.")
    strict = found(results, usable=lambda each: each.one(UNTREATED, ERROR) < 0.5)
    assert [each.trial["seed"] for each in strict.networks[0].seeds] == [0]
    assert strict.counts["finished_without_measurements"] == 2
    assert measured_study(results, STUDY, "lesions", LESIONS, usable=lambda each: False) is None


def test_a_network_without_a_usable_seed_is_left_out(store):
    alone = ended(preresnet(depth=56, measure="lesions"), status="diverged")
    assert [each.label for each in found(store(lesioned(), alone)).networks] == ["pre-activation ResNet-20"]


def test_only_trials_that_name_the_measure_are_of_a_study(store, make_store):
    both = preresnet(seed=1, measure="lesions+paths")
    results = store(
        lesioned(0),
        ended(both, measurements=lesion_rows(0.3, {0: 0.4})),
        ended(preresnet(seed=2, measure="paths"), measurements=path_rows({1: [0.5]}, 3)),
        ended(preresnet(seed=3)),
    )
    assert [row["seed"] for row in asked_trials(study_trials(results, STUDY), "lesions")] == [0, 1]
    assert [row["seed"] for row in asked_trials(study_trials(results, STUDY), "paths")] == [1, 2]
    assert [each.trial["seed"] for each in found(results).networks[0].seeds] == [0, 1]
    assert measured_study(results, STUDY, "features", LESIONS) is None
    assert measured_study(results, "another study", "lesions", LESIONS) is None


def test_deeper_arrangements_and_plain_training_come_first(store):
    droppath = {"method": "droppath", "drop_rate": 0.5, "rescale": "evaluation"}
    study = found(
        store(lesioned(architecture="parallel"), lesioned(**droppath), lesioned(), lesioned(depth=56), lesioned(1))
    )
    assert [each.label for each in study.networks] == [
        "pre-activation ResNet-20",
        "pre-activation ResNet-20, parallel",
        "pre-activation ResNet-56",
        "pre-activation ResNet-20, stochastic depth 0.5",
    ]
    assert [len(each.seeds) for each in study.networks] == [2, 1, 1, 1]


def test_labels_name_what_else_differs(store):
    labels = {each.label for each in found(store(lesioned(), lesioned(epochs=20))).networks}
    assert labels == {"pre-activation ResNet-20, 10 epochs", "pre-activation ResNet-20, 20 epochs"}


def test_only_the_rows_asked_for_are_read(store, monkeypatch):
    results = store(lesioned(0), lesioned(1))
    read: list[pa.Table] = []
    table = Results.table

    def noted(self: Results, *given: Any, **named: Any) -> pa.Table:
        read.append(table(self, *given, **named))
        return read[-1]

    monkeypatch.setattr(Results, "table", noted)
    (first, _) = (row["trial_id"] for row in asked_trials(study_trials(results, STUDY), "lesions"))
    rows = read_rows(results, [first], [DELETE_ONE])
    assert set(rows) == {first}
    assert set(rows[first]) == {(DELETE_ONE, ERROR), (DELETE_ONE, LOSS)}
    assert read[-1].num_rows == 4
    assert set(read[-1]["trial_id"].to_pylist()) == {first}
    assert read_rows(results, [], [DELETE_ONE]) == read_rows(results, [first], []) == {}


def test_rows_keep_their_subject_size_and_draw(store):
    drawn = path_rows({1: [0.5, 0.25], 2: [None, 0.125]}, 2)
    results = store(ended(preresnet(measure="paths"), measurements=drawn))
    (trial,) = asked_trials(study_trials(results, STUDY), "paths")
    found = Measured(trial, read_rows(results, [trial["trial_id"]], [COUNT, GRADIENT])[trial["trial_id"]])
    norms = found.get(GRADIENT, NORM)
    order = np.lexsort((norms.draw, norms.size))
    assert norms.size[order].tolist() == [1, 1, 2, 2]
    assert norms.draw[order].tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(norms.value[order], [0.5, 0.25, NAN, 0.125])
    assert found.by("size", COUNT, "paths") == {0: 1, 1: 2, 2: 1}


def test_what_was_measured_in_training_is_apart_from_the_trained_network(store):
    rows = lesion_rows(0.1, {0: 0.2, 1: 0.4}, {})
    before = [replace(row, value=0.9, epoch=epoch) for row in rows if row.metric == ERROR for epoch in (6, 0)]
    measured = ended(preresnet(measure="lesions", measure_every=6, epochs=10), 0.1, measurements=rows + before)
    both = store(measured, lesioned(1))
    apart, whole = found(both, in_training=True), found(both)
    ((seed,),) = (network.seeds for network in apart.networks)
    assert list(seed.course) == [0, 6, 10]
    assert seed.course[10] is seed
    assert [each.one(UNTREATED, ERROR) for each in seed.course.values()] == [0.9, 0.9, 0.1]
    assert seed.by("subject", DELETE_ONE, ERROR) == {"0": 0.2, "1": 0.4}
    assert apart.counts["planned"] == 1
    assert whole.counts["planned"] == 2
    assert all(not each.earlier for network in whole.networks for each in network.seeds)
    by_epoch = "select epoch, count(*) from measurements where metric = 'error' group by all order by all nulls last"
    assert [list(row.values()) for row in both.sql(by_epoch).to_pylist()] == [[0, 3], [6, 3], [None, 9]]


def test_networks_of_several_stores_are_one_study(tmp_path):
    stores: list[Results] = []
    for seed, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        stores.append(opened(tmp_path / name, [lesioned(seed)]))
    (network,) = found(analysis.open(*(each.uris[0] for each in stores))).networks
    assert [each.trial["seed"] for each in network.seeds] == [0, 1]
    assert network.over("subject", DELETE_ONE, ERROR)[1].tolist() == [[0.2, 0.4]] * 2
