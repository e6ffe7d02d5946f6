"""The paper's Table 2 and claims beside ours."""

import math

import numpy as np
import pyarrow as pa
import pytest

from analysis.formats import DASH, dataset_name
from analysis.questions.equivalence.assessment import Answer, assess_sample
from analysis.questions.equivalence.declared import Question
from analysis.questions.equivalence.paper import TABLE_2, Outcome, claims, differences_in_budget, table_2
from analysis.questions.equivalence.sample import Q_INTERVALS, Sample, make_sample
from sweep.ledger.schema import plan_row
from sweep.result import TrialResult
from sweep.studies import STUDIES
from sweep.trial import Trial

# As printed in arXiv 2309.08414, train / validation by Q in [0,1), [1,3), [3,10), [10,inf).
PRINTED = """
mnist sequential | 0.00013 / 0.05201 | 0.01702 / 0.12449 | 0.03620 / 0.11743 | 0.11246 / 0.13550
mnist parallel | 0.00009 / 0.07551 | 0.02679 / 0.11468 | 0.05238 / 0.11467 | 0.13310 / 0.14900
cifar10 sequential | 0.25326 / 2.03107 | 0.72510 / 1.31691 | 1.07333 / 1.34721 | 1.58608 / 1.65354
cifar10 parallel | 0.52658 / 1.32386 | 0.88701 / 1.24884 | 1.17085 / 1.34227 | 1.63449 / 1.68879
"""
DATASETS = ("mnist", "cifar10")


def test_table_2_is_as_printed():
    printed: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for line in PRINTED.strip().splitlines():
        name, *cells = line.split(" | ")
        dataset, architecture = name.split()
        printed[dataset, architecture] = [tuple(map(float, cell.split(" / "))) for cell in cells]
    splits = ("train", "validation")
    assert TABLE_2.keys() == {(dataset, split, side) for dataset, side in printed for split in splits}
    for (dataset, side), cells in printed.items():
        assert list(zip(*(TABLE_2[dataset, split, side] for split in splits), strict=True)) == cells


def test_what_the_paper_says_of_its_table_follows_from_it():
    """Parallel is worse on training loss in 7 of 8 cells, and better on validation loss in 5 of 8."""
    train, validation = (
        [
            pair
            for dataset in DATASETS
            for pair in zip(*(TABLE_2[dataset, split, side] for side in ("sequential", "parallel")), strict=True)
        ]
        for split in ("train", "validation")
    )
    assert sum(parallel > sequential for sequential, parallel in train) == 7
    assert sum(parallel < sequential for sequential, parallel in validation) == 5
    assert all(parallel > sequential for sequential, parallel in (*train[3::4], *validation[3::4]))


@pytest.fixture(scope="module")
def ours(make_pairs, end) -> list[dict]:
    """Our rows of: MNIST at Q above 10 with two configurations of three and one seed, CIFAR-10 in [1, 3) with one."""

    def side(architecture: str, losses: tuple[float, float], **factors) -> TrialResult:
        return end(Trial("test", architecture=architecture, depth=2, epochs=1, **factors), losses[1], losses[0])

    results: list[TrialResult] = []
    for seed, (train, val) in enumerate([(1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]):
        results.append(side("sequential", (train, val), filters=1, seed=seed))
        results.append(side("parallel", (train / 2, val * 2), filters=1, seed=seed))
    results += [side("sequential", (10.0, 20.0), filters=2), side("parallel", (10.0, 20.0), filters=2)]
    results += [
        side("sequential", (5.0, 9.0), filters=2, seed=1),
        end(Trial("test", depth=2, epochs=1, filters=2, seed=1, architecture="parallel"), status="diverged"),
    ]
    results += [side(each, (0.5, 0.25), filters=32, dataset="cifar10") for each in ("sequential", "parallel")]
    # The control, far off anything, is in no cell.
    results += [
        end(Trial("test", depth=1, epochs=1, filters=1, architecture=each), 99.0, 99.0)
        for each in ("sequential", "parallel")
    ]
    samples = [make_sample(make_pairs(results, metric), metric) for metric in ("train_loss", "val_loss")]
    return table_2(*samples)


def test_table_2_has_a_row_a_cell_and_metric_in_the_papers_order(ours):
    assert [(row["dataset"], row["Q"], row["metric"]) for row in ours] == [
        (dataset, interval, metric)
        for dataset in DATASETS
        for interval in Q_INTERVALS
        for metric in ("train", "validation")
    ]
    for row in ours:
        place, sides = Q_INTERVALS.index(row["Q"]), ("sequential", "parallel")
        values = [TABLE_2[row["dataset"], row["metric"], side][place] for side in sides]
        assert [row["paper_sequential"], row["paper_parallel"]] == values
        assert row["paper_ratio"] == pytest.approx(values[1] / values[0])


def test_a_cell_is_the_mean_over_configurations_of_the_means_over_seeds_of_complete_pairs(ours):
    found = {(row["dataset"], row["Q"], row["metric"]): row for row in ours}
    train, validation = (found["mnist", "[10, inf)", metric] for metric in ("train", "validation"))
    assert (train["configurations"], train["pairs"]) == (2, 4)
    assert (train["sequential"], train["parallel"]) == (pytest.approx((2 + 10) / 2), pytest.approx((1 + 10) / 2))
    assert (validation["sequential"], validation["parallel"]) == (
        pytest.approx((3 + 20) / 2),
        pytest.approx((6 + 20) / 2),
    )
    assert validation["ratio"] == pytest.approx(13 / 11.5)


def test_an_empty_cell_is_null(ours):
    found = {(row["dataset"], row["Q"], row["metric"]): row for row in ours}
    level = found["cifar10", "[1, 3)", "train"]
    assert (level["sequential"], level["parallel"], level["ratio"]) == (0.5, 0.5, 1.0)
    empty = [row for row in ours if row["configurations"] == 0]
    assert len(empty) == len(ours) - 4
    for row in empty:
        assert (row["pairs"], row["sequential"], row["parallel"], row["ratio"]) == (0, None, None, None)


def test_zero_losses_have_no_ratio(make_pairs, end):
    sides = [Trial("test", depth=2, epochs=1, architecture=each) for each in ("sequential", "parallel")]
    pairs = make_pairs([end(sides[0], 0.0, 0.0), end(sides[1], 1.0, 0.0)])
    rows = [row for row in table_2(*[make_sample(pairs, "val_loss")] * 2) if row["configurations"]]
    assert [(row["sequential"], row["parallel"], row["ratio"]) for row in rows] == [(0.0, 1.0, None)] * 2


def assessed(metric: str, *shifts: float, noise: float = 0.01, n: int = 24, before: bool = True) -> Answer:
    """On one data set for each shift of the log ratio."""
    found = {}
    for dataset, shift in zip(DATASETS, shifts, strict=False):
        ratio = shift + noise * np.tile([-1.0, 0.0, 1.0], n)
        status = np.full(3 * n, "finished")
        of = Sample(
            metric,
            np.full(3 * n, 0.5),
            0.5 * np.exp(ratio),
            np.repeat(np.arange(n), 3),
            status,
            status,
            np.ones(3 * n),
            np.tile(np.arange(3), n),
            np.full(3 * n, math.log(10)),
        )
        found[dataset] = assess_sample(of, Question(metric, declared_before=before))
    return Answer(found)


CLOSE = [
    (0.0, 0.0, Outcome.HOLDS),
    (-0.03, 0.03, Outcome.HOLDS),
    (0.0, 0.3, Outcome.CONTRADICTED),
    (-0.3, 0.0, Outcome.CONTRADICTED),
    (-0.3, 0.3, Outcome.CONTRADICTED),
]


@pytest.mark.parametrize(("validation", "training", "outcome"), CLOSE)
def test_close_holds_inside_the_margin_on_both_losses_and_breaks_beyond_it_on_one(validation, training, outcome):
    found = claims(assessed("train_loss", training), assessed("val_loss", validation))[0]
    assert found.outcome == outcome
    assert f"validation loss on MNIST {math.exp(validation):.3f} [" in found.because
    assert "(margin 10 %)" in found.because


@pytest.mark.parametrize(
    "training",
    [
        assessed("train_loss", 0.09, noise=0.1),
        assessed("train_loss", 0.0, noise=1.0),
        assessed("train_loss", 0.0, n=1),
        assessed("train_loss", 0.5, before=False),
        assessed("train_loss", 0.0, 0.09, noise=0.1),
    ],
    ids=["across the margin", "undecided", "one configuration", "declared too late", "open on one data set"],
)
def test_close_is_open_where_a_loss_is_neither_inside_nor_beyond(training):
    assert claims(training, assessed("val_loss", 0.0))[0].outcome == Outcome.OPEN


def test_close_is_contradicted_by_one_data_set():
    close = assessed("train_loss", 0.0, 0.0)
    assert claims(close, assessed("val_loss", 0.0, 0.3))[0].outcome == Outcome.CONTRADICTED
    assert claims(close, assessed("val_loss", 0.0, -0.03))[0].outcome == Outcome.HOLDS


AHEAD = [
    (-0.05, Outcome.HOLDS, Outcome.CONTRADICTED),
    (0.05, Outcome.CONTRADICTED, Outcome.HOLDS),
    (-0.5, Outcome.IN_PART, Outcome.CONTRADICTED),
    (0.5, Outcome.CONTRADICTED, Outcome.IN_PART),
    (0.0, Outcome.OPEN, Outcome.OPEN),
]


@pytest.mark.parametrize(("shift", "parallel", "sequential"), AHEAD)
def test_who_is_ahead_by_little_takes_a_difference_shown_inside_the_margin(shift, parallel, sequential):
    found = claims(assessed("train_loss", shift), assessed("val_loss", shift))
    assert [claim.outcome for claim in found[1:]] == [parallel, sequential]
    assert "validation" in found[1].claim
    assert "training" in found[2].claim
    assert all("parallel / sequential" in claim.because for claim in found[1:])


@pytest.mark.parametrize(
    ("shifts", "outcome"),
    [
        ((-0.05, -0.03), Outcome.HOLDS),
        ((-0.05, 0.0), Outcome.IN_PART),
        ((-0.05, -0.5), Outcome.IN_PART),
        ((-0.05, 0.05), Outcome.MIXED),
        ((0.05, 0.5), Outcome.CONTRADICTED),
        ((0.05, 0.0), Outcome.AGAINST_IN_PART),
        ((0.0, 0.0), Outcome.OPEN),
    ],
)
def test_who_is_ahead_is_said_over_data_sets(shifts, outcome):
    claim = claims(assessed("train_loss", 0.0), assessed("val_loss", *shifts))[1]
    assert claim.outcome == outcome
    assert all(f"on {dataset_name(dataset)}" in claim.because for dataset in DATASETS)


def test_what_cannot_be_computed_is_a_dash():
    single = Answer({"mnist": assess_sample(one_seed("train_loss"), Question("train_loss"))})
    found = claims(single, assessed("val_loss", 0.0, n=0))
    assert {claim.outcome for claim in found} == {Outcome.OPEN}
    assert not any("nan" in claim.because for claim in found)
    assert f"validation loss on MNIST {DASH}, undecided" in found[0].because
    assert "on MNIST 0.990, undecided" in found[2].because


def one_seed(metric: str) -> Sample:
    status = np.full(2, "finished")
    sides = np.full(2, 0.5), np.full(2, 0.495)
    return Sample(metric, *sides, np.arange(2), status, status, np.ones(2), np.zeros(2, int), np.full(2, math.log(10)))


def planned(*trials: Trial) -> pa.Table:
    return pa.Table.from_pylist([plan_row(trial) for trial in trials])


def test_the_quick_study_says_where_its_budget_differs():
    assert differences_in_budget(planned(*STUDIES["quick"].trials())) == [
        "Batch size 32 instead of 256.",
        "Epochs 3 instead of 100.",
        "MNIST: train samples 4000 instead of 60000.",
        "MNIST: val samples 2000 instead of 10000.",
        "MNIST: image size 14 instead of 28.",
        "CIFAR\N{NON-BREAKING HYPHEN}10: train samples 4000 instead of 50000.",
        "CIFAR\N{NON-BREAKING HYPHEN}10: val samples 2000 instead of 10000.",
        "CIFAR\N{NON-BREAKING HYPHEN}10: image size 14 instead of 32.",
    ]


def test_the_grid_has_the_published_budget():
    assert differences_in_budget(planned(*STUDIES["grid"].trials())) == []


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ({"optimizer": "sgd"}, "Optimizer adamw, sgd instead of adamw."),
        ({"weight_decay": 0.0}, "Weight decay 0, 0.0001 instead of 0.0001."),
        ({"precision": "bf16"}, "Precision bf16, fp32 instead of fp32."),
        ({"normalisation": "none"}, "Normalisation none, published instead of published."),
        ({"epochs": 50}, "Epochs 50, 100 instead of 100."),
        ({"image_size": 14}, "MNIST: image size 14, 28 instead of 28."),
        ({"dataset": "digits"}, "digits is not a data set of the paper's."),
    ],
)
def test_each_difference_is_a_sentence_with_all_levels(factors, sentence):
    assert differences_in_budget(planned(Trial("test"), Trial("test", **factors))) == [sentence]


def test_a_data_set_that_the_paper_has_not_has_our_losses_alone(make_pairs, end):
    sides = [
        Trial("test", dataset="digits", depth=2, epochs=1, architecture=each) for each in ("sequential", "parallel")
    ]
    pairs = make_pairs([end(sides[0], 2.0, 1.0), end(sides[1], 3.0, 1.0)])
    rows = table_2(*[make_sample(pairs, "val_loss")] * 2)
    own = [row for row in rows if row["dataset"] == "digits"]
    assert (len(own), own) == (8, rows[-8:])
    assert {row[f"paper_{name}"] for row in own for name in ("sequential", "parallel", "ratio")} == {None}
    assert [(row["sequential"], row["parallel"], row["ratio"]) for row in own if row["pairs"]] == [(2.0, 3.0, 1.5)] * 2
