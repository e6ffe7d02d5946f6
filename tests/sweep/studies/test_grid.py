import math
from collections import Counter

import pytest

from sweep.planning import Plan
from sweep.studies import STUDIES
from sweep.trial import Trial

LEVELS = {
    "dataset": ("mnist", "cifar10"),
    "architecture": ("sequential", "parallel"),
    "depth": (1, 2, 4, 8, 16, 32),
    "filters": (1, 2, 4, 8, 16, 32),
    "kernel_size": (1, 3, 5, 7),
    "activation": ("relu", "tanh"),
    "learning_rate": (1e-3, 3e-4),
    "seed": (0, 1, 2),
}


@pytest.fixture(scope="module")
def trials() -> tuple[Trial, ...]:
    return tuple(STUDIES["grid"].trials())


def test_the_published_number_of_trials_all_different(trials: tuple[Trial, ...]) -> None:
    assert len(trials) == 6912 == math.prod(len(levels) for levels in LEVELS.values())
    assert len({trial.trial_id for trial in trials}) == 6912
    assert len({trial.pair_id for trial in trials}) == 3456


@pytest.mark.parametrize("name", LEVELS)
def test_every_level_of_a_factor_is_equally_frequent(trials: tuple[Trial, ...], name: str) -> None:
    counts = Counter(getattr(trial, name) for trial in trials)
    assert counts == dict.fromkeys(LEVELS[name], 6912 // len(LEVELS[name]))


def test_all_else_is_the_authors_published_habit(trials: tuple[Trial, ...]) -> None:
    published = {
        "optimizer": "adamw",
        "weight_decay": 1e-4,
        "batch_size": 256,
        "epochs": 100,
        "precision": "fp32",
        "schedule": "constant",
        "normalisation": "published",
        "validation": "test",
        "initialisation": "torch",
        "momentum": 0.0,
    }
    for name, value in published.items():
        assert {getattr(trial, name) for trial in trials} == {value}
    full = {(t.dataset, t.train_samples, t.val_samples, t.image_size) for t in trials}
    assert full == {("mnist", 60_000, 10_000, 28), ("cifar10", 50_000, 10_000, 32)}


def test_the_sides_of_a_pair_are_neighbours(trials: tuple[Trial, ...]) -> None:
    for sequential, parallel in zip(trials[::2], trials[1::2], strict=True):
        assert (sequential.architecture, parallel.architecture) == ("sequential", "parallel")
        assert sequential.pair_id == parallel.pair_id


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_every_column_of_table_2_is_reached(trials: tuple[Trial, ...], dataset: str) -> None:
    ratios = [trial.determination_ratio for trial in trials if trial.dataset == dataset]
    for low, high in ((0, 1), (1, 3), (3, 10), (10, math.inf)):
        assert any(low <= ratio < high for ratio in ratios)


def test_the_set_of_trials_is_the_published_one(trials: tuple[Trial, ...]) -> None:
    assert Plan.of("grid", [trial.but(draws="crossed") for trial in trials]).sweep_id == "8772c8da62a2038cbed8"
