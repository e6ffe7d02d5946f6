"""Similarity of states: matrices, changes in training, methods against each other, and the part made of them."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.claims import Claim, Outcome
from analysis.figures.style import Palette
from analysis.measurements import Measured
from analysis.plain import plain
from analysis.questions.features.summary import MethodFeatures, find_features
from analysis.questions.features.view import (
    _judge,  # pyright: ignore[reportPrivateUsage]
    _lines,  # pyright: ignore[reportPrivateUsage]
    answer,
)
from analysis.report.assemble import make_report
from analysis.report.content import Part, Table
from analysis.report.page import page_html
from analysis.results import Results
from sweep.measures.features import AFTER, BEFORE, CKA, DISTANCE
from sweep.result import TrialResult
from tests.analysis.synthetic_measurements import STUDY, ended, feature_rows, opened, preresnet

STATES = 4
DROP: dict[str, Any] = {"method": "droppath", "drop_rate": 0.5}
Pair = tuple[float | None, float | None]


def pairs(of: Callable[[int, int], Pair]) -> dict[tuple[int, int], Pair]:
    return {(one, other): of(one, other) for other in range(STATES) for one in range(other)}


def measured(seed: int, cka: float, distance: float, **fields: Any) -> TrialResult:
    """States with a CKA of 0.5 and a distance of 1 before training, and the given ones for neighbours after it."""
    before = pairs(lambda one, other: (0.5, 1.0))
    after = pairs(lambda one, other: (cka / (other - one), distance * (other - one)))
    trial = preresnet(seed=seed, measure="features", **fields)
    return ended(trial, measurements=feature_rows(before, after))


def only(results: Results) -> Sequence[MethodFeatures]:
    """The ways of training of the only network."""
    found = find_features(results, STUDY)
    assert found is not None
    assert len({each.network for each in found.networks}) == 1
    return found.networks


@pytest.fixture
def results(tmp_path: Path) -> Results:
    plain = [measured(seed, 0.8 + 0.01 * seed, 0.5 + 0.01 * seed) for seed in range(3)]
    drop = [measured(seed, 0.9 + 0.01 * seed, 0.4 + 0.01 * seed, **DROP) for seed in range(3)]
    diverged = ended(preresnet(seed=3, measure="features"), status="diverged")
    return opened(tmp_path, [*drop, *plain, diverged, ended(preresnet(seed=9))])


def test_matrices_are_symmetric_means_over_seeds(results: Results) -> None:
    network = only(results)
    assert [each.method for each in network] == ["plain", "droppath 0.5"]
    matrix = network[0].pairs(AFTER, CKA).mean
    assert matrix.shape == (STATES, STATES)
    assert (matrix == matrix.T).all()
    assert np.diagonal(matrix).tolist() == [1.0] * STATES
    assert (matrix[0, 1], matrix[1, 3]) == (pytest.approx(0.81), pytest.approx(0.405))
    assert np.diagonal(network[0].pairs(AFTER, DISTANCE).mean).tolist() == [0.0] * STATES


def test_changes_are_paired_by_seed(results: Results) -> None:
    """CKA 0.80, 0.81, 0.82 after 0.5: a mean change of 0.31 with a standard error of 0.01 / sqrt(3)."""
    change = only(results)[0].change(CKA)
    assert (change.n, change.estimate) == (3, pytest.approx(0.31))
    assert change.interval(0.95).high - change.estimate == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-5)
    assert only(results)[0].change(DISTANCE).estimate == pytest.approx(-0.49)


def test_methods_are_paired_by_seed(results: Results) -> None:
    plain, dropped = only(results)
    assert (dropped.method, plain.method) == ("droppath 0.5", "plain")
    assert dropped.against(plain, CKA).estimate == pytest.approx(0.1)
    assert dropped.against(plain, CKA).standard_error == pytest.approx(0, abs=1e-12)
    assert dropped.against(plain, DISTANCE).estimate == pytest.approx(-0.1)


def test_neighbours_have_a_range_over_seeds(results: Results) -> None:
    found = only(results)[0].pairs(AFTER, DISTANCE)
    assert np.diagonal(found.mean, 1).tolist() == pytest.approx([0.51] * (STATES - 1))
    assert (found.lowest[0, 1], found.highest[0, 1]) == (pytest.approx(0.5), pytest.approx(0.52))


def shapes_differ() -> TrialResult:
    """States 0 and 1 have one shape, 2 and 3 another; state 3 is constant before training."""

    def of(one: int, other: int) -> Pair:
        return 0.5, 1.0 if (one < 2) == (other < 2) else None

    before = pairs(of)
    trial = preresnet(measure="features")
    rows = feature_rows(before, pairs(lambda one, other: (0.7, of(one, other)[1])))
    rows = [row for row in rows if not (row.measurement == "features-before" and "3" in row.subject)]
    return ended(trial, measurements=rows)


def test_states_of_different_shapes_have_no_distance(tmp_path: Path) -> None:
    (method,) = only(opened(tmp_path, [shapes_differ()]))
    matrix = method.pairs(AFTER, DISTANCE).mean
    assert np.isnan(matrix[1, 2])
    assert matrix[2, 3] == 1.0
    assert method.means(AFTER, DISTANCE) == {0: 1.0}


def part_of(results: Results) -> Part:
    part = answer(results, STUDY, Palette())
    assert part is not None
    for table in part.tables:
        assert all(len(row) == len(table.heads) for row in table.cells)
    assert json.dumps(plain(dict(part.numbers)), allow_nan=False)
    return part


def tables_of(part: Part) -> dict[str, Table]:
    return {table.name: table for table in part.tables}


def test_the_part_shows_changes_and_methods(results: Results) -> None:
    part = part_of(results)
    assert {picture.name for picture in part.pictures} == {"neighbours-1", "similarity-1"}
    tables = tables_of(part)
    # A row a method and measure.
    assert [len(table.rows) for table in part.tables if table.heads] == [2 * 2, 1 * 2]
    assert "+0.310 [+0.285, +0.335]" in tables["feature_changes"].cells[0]
    against_plain = tables["feature_contrasts"].cells[0]
    assert against_plain[1:5] == ["droppath\N{NO-BREAK SPACE}0.5", "plain", "CKA", "3"]
    assert against_plain[5].startswith("+0.100")
    assert tables["neighbouring_states"].arrow.num_rows == 2 * 2 * 2 * (STATES - 1)


def test_files_hold_the_intervals_between_neighbouring_states(results: Results) -> None:
    rows = tables_of(part_of(results))["neighbouring_states"].records
    (row,) = (
        row
        for row in rows
        if (row["method"], row["when"], row["metric"], row["state"]) == ("plain", "after", "distance", 2)
    )
    half = 4.302653 * 0.01 / math.sqrt(3)
    assert (row["seeds"], row["mean"]) == (3, pytest.approx(0.51))
    assert (row["low"], row["high"]) == (pytest.approx(0.51 - half, rel=1e-5), pytest.approx(0.51 + half, rel=1e-5))


def test_the_verdict_answers_and_counts(results: Results) -> None:
    part = part_of(results)
    assert part.lead.verdict == (
        "Yes: training brings neighbouring states nearer in 4 of 4 tests and takes them apart in none; "
        "CKA 0.500 to 0.810, distance 1.000 to 0.510 in pre-activation ResNet-20, plain."
    )
    assert part.verdict == part.lead.verdict.replace("Yes", "yes").removesuffix(".")


def test_the_page_shows_every_figure_and_table(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.questions.QUESTIONS", ("features",))
    page = page_html(make_report(results, STUDY))
    assert "Do the states of a network come to be alike?" in page
    assert "Of 7 trials 6 finished, 1 diverged, 0 failed and 0 are missing" in page
    assert page.count("<svg ") == 2
    assert page.count("<table ") >= 2


@pytest.mark.parametrize(
    ("cka", "distance", "outcome"),
    [
        (0.9, 0.5, Outcome.HOLDS),
        (0.9, 1.5, Outcome.MIXED),
        (0.9, 1.0, Outcome.IN_PART),
        (0.1, 1.0, Outcome.AGAINST_IN_PART),
        (0.1, 1.5, Outcome.CONTRADICTED),
        (0.5, 1.0, Outcome.OPEN),
    ],
)
def test_the_claim_takes_nearer_states_by_both_measures(
    tmp_path: Path, cka: float, distance: float, outcome: Outcome
) -> None:
    shifts = (-0.01, 0.0, 0.01)
    trials = [measured(seed, cka + shift, distance + shift) for seed, shift in enumerate(shifts)]
    (claim,) = part_of(opened(tmp_path, trials)).claims
    assert claim.outcome is outcome


def changed(changes: np.ndarray) -> list[MethodFeatures]:
    """A network whose neighbouring states change so in training: (methods, seeds, measures)."""

    def states(values: np.ndarray, diagonal: float) -> np.ndarray:
        """The matrices of two states, from what is between them by seed."""
        return np.array([[[diagonal, value], [value, diagonal]] for value in values.tolist()])

    def both(of_method: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        none = np.zeros(len(of_method))
        return {
            (when, metric): states(values, diagonal)
            for when, cka, distance in ((BEFORE, none, none), (AFTER, of_method[:, 0], of_method[:, 1]))
            for metric, values, diagonal in ((CKA, cka, 1.0), (DISTANCE, distance, 0.0))
        }

    return [
        MethodFeatures(
            label="",
            seeds=tuple(Measured({"seed": seed}, {}) for seed in range(len(of_method))),
            lacking=0,
            network="a network",
            method=f"method {number}",
            states=both(of_method),
        )
        for number, of_method in enumerate(changes)
    ]


def claimed(changes: np.ndarray) -> Claim:
    claim, _ = _judge(changed(changes))
    return claim


def test_without_a_change_the_claim_is_rarely_more_than_open() -> None:
    """38 tests of 3 seeds, as in the study `droppath`: one of all of them errs in 5 % of studies, half of them for."""
    generator = np.random.default_rng(7)
    found = [claimed(generator.normal(size=(19, 3, 2))).outcome for _ in range(300)]
    wrong = sum(each is not Outcome.OPEN for each in found)
    in_favour = sum(each in (Outcome.HOLDS, Outcome.IN_PART, Outcome.MIXED) for each in found)
    assert wrong <= 0.08 * len(found)
    assert in_favour <= 0.05 * len(found)


def test_contrary_changes_are_said() -> None:
    """One rising CKA beside 18 falling ones."""
    shift = np.where(np.arange(19) < 1, 1.0, -1.0)[:, None, None]
    changes = shift + 1e-4 * np.random.default_rng(1).normal(size=(19, 3, 2))
    changes[:, :, 1] = np.nan
    claim = claimed(changes)
    assert claim.outcome is Outcome.MIXED
    assert claim.because.startswith("of 19 tests after Holm's correction, 1 for it and 18 against it; ")


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    part = part_of(opened(tmp_path, [measured(0, 0.9, 0.1), measured(0, 0.9, 0.1, depth=32)]))
    assert part.claims[0].outcome is Outcome.OPEN
    assert {"neighbours-2", "similarity-2"} < {picture.name for picture in part.pictures}


def test_networks_without_any_distance_still_have_similarities(tmp_path: Path) -> None:
    rows = feature_rows(pairs(lambda one, other: (0.5, None)), pairs(lambda one, other: (0.6, None)))
    results = opened(tmp_path, [ended(preresnet(measure="features"), measurements=rows)])
    named = make_report(results, STUDY).headline
    assert "neighbour_cka_after" in named
    assert "neighbour_distance_after" not in named
    assert "; CKA 0.500 to 0.600 in pre-activation ResNet-20, plain" in part_of(results).verdict


def test_a_study_without_features_has_no_part(tmp_path: Path) -> None:
    assert answer(opened(tmp_path, [ended(preresnet())]), STUDY, Palette()) is None


def test_lines_end_where_the_shape_changes(tmp_path: Path) -> None:
    (method,) = only(opened(tmp_path, [shapes_differ()]))
    runs = _lines("plain", method.pairs(AFTER, DISTANCE))
    assert [line.x.tolist() for line in runs] == [[0.0], [2.0]]
    assert [line.x.tolist() for line in _lines("plain", method.pairs(AFTER, CKA))] == [[0.0, 1.0, 2.0]]
