"""Learning curves: which configurations are chosen, and what is drawn of them."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

import analysis
from analysis.questions.equivalence.configurations import ConfigurationCurves, chosen_curves
from analysis.questions.equivalence.sample import make_sample
from sweep.result import TrialResult
from sweep.trial import Trial

PARALLEL, EQUAL, SEQUENTIAL = "parallel most ahead", "nearest to equal", "sequential most ahead"


def trial(side: str, filters: int, seed: int = 0, dataset: str = "digits") -> Trial:
    return Trial("test", dataset=dataset, depth=2, filters=filters, seed=seed, architecture=side, epochs=3)


@pytest.fixture
def choose(make_store, end) -> Callable[..., list[ConfigurationCurves]]:
    """The curves chosen among configurations whose number of filters tells them apart, by their ratios of losses."""

    def of(ratios: Mapping[int, float], dataset: str = "digits", extra: list[TrialResult] | None = None):
        results = [
            end(trial(side, filters, seed, dataset), ratio if side == "parallel" else 1.0, epochs=3)
            for filters, ratio in ratios.items()
            for seed in (0, 1)
            for side in ("sequential", "parallel")
        ]
        opened = analysis.open(make_store([*results, *(extra or [])]))
        pairs = opened.pairs("val_loss")
        return chosen_curves(opened, make_sample(pairs, "val_loss"), pairs)

    return of


def titles(curves: list[ConfigurationCurves]) -> list[tuple[str, int]]:
    """What is said of each, and its filters."""
    found: list[tuple[str, int]] = []
    for each in curves:
        first, second = each.title.splitlines()
        found.append((first, int(second.split(" filters")[0].split(", ")[-1])))
    return found


@pytest.mark.parametrize(
    ("ratios", "chosen"),
    [
        ({1: 0.8, 2: 1.01, 4: 1.5, 8: 0.9}, [(PARALLEL, 1), (EQUAL, 2), (SEQUENTIAL, 4)]),
        ({1: 2.0, 2: 0.99, 4: 1.5, 8: 0.5}, [(PARALLEL, 8), (EQUAL, 2), (SEQUENTIAL, 1)]),
        # Where one side is ahead throughout, no configuration is said to be the other's.
        ({1: 0.8, 2: 0.7, 4: 0.9}, [(PARALLEL, 2), (EQUAL, 4)]),
        ({1: 1.3, 2: 1.2, 4: 1.1}, [(EQUAL, 4), (SEQUENTIAL, 1)]),
        ({4: 0.5}, [(EQUAL, 4)]),
        ({1: 1.0, 2: 1.0}, [(EQUAL, 1)]),
    ],
)
def test_the_extremes_and_the_nearest_to_equal_are_chosen_in_the_order_of_their_ratios(choose, ratios, chosen):
    assert titles(choose(ratios)) == chosen


def test_a_title_names_the_configuration(choose):
    (found,) = choose({4: 0.5})
    assert found.dataset == "digits"
    assert found.title == "nearest to equal\ndepth 2, 4 filters, 3\N{MULTIPLICATION SIGN}3, relu"


def test_curves_are_losses_by_seed_and_epoch(choose):
    (found,) = choose({4: 0.5})
    falling = np.array([3.0, 1.5, 1.0])
    for curve, scale in (
        (found.losses["sequential", "train_loss"], 0.5),
        (found.losses["sequential", "val_loss"], 1.0),
        (found.losses["parallel", "train_loss"], 0.5),
        (found.losses["parallel", "val_loss"], 0.5),
    ):
        assert curve.shape == (2, 3)
        assert np.allclose(curve, scale * falling)


def test_a_trial_that_ended_early_or_failed_leaves_a_gap(choose, end):
    extra = [
        end(trial("sequential", 4, 2), 1.0, epochs=3),
        end(trial("parallel", 4, 2), 1.0, epochs=1, status="diverged"),
        end(trial("sequential", 4, 3), 1.0, status="failed"),
        end(trial("parallel", 4, 3), 1.0, epochs=3),
    ]
    (found,) = choose({4: 0.5}, extra=extra)
    lacking = {
        side: np.isnan(found.losses[side, "val_loss"]).sum(axis=1).tolist() for side in ("sequential", "parallel")
    }
    assert found.losses["parallel", "val_loss"].shape == found.losses["sequential", "val_loss"].shape == (4, 3)
    assert sorted(lacking["parallel"]) == [0, 0, 0, 2]
    assert sorted(lacking["sequential"]) == [0, 0, 0, 3]


def test_each_data_set_has_its_own_and_depth_1_none(choose, end):
    extra = [
        end(Trial("test", dataset="mnist", depth=depth, filters=2, architecture=side, epochs=3), value, epochs=3)
        for depth, ratio in ((1, 9.0), (2, 1.1))
        for side, value in (("sequential", 1.0), ("parallel", ratio))
    ]
    found = choose({4: 0.5}, extra=extra)
    assert [each.dataset for each in found] == ["digits", "mnist"]
    assert "depth 2, 2 filters" in found[1].title
    assert (found[1].losses["sequential", "val_loss"][0, -1], found[1].losses["parallel", "val_loss"][0, -1]) == (
        1.0,
        1.1,
    )


def test_losses_alike_are_chosen_and_a_loss_of_nothing_too(choose):
    for ratio in (0.0, 1.0):
        (found,) = choose({4: ratio})
        assert math.isfinite(found.losses["sequential", "val_loss"].sum())
