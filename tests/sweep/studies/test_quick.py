import inspect
from importlib import import_module

import pytest

from sweep.studies import STUDIES

VARIED = ("dataset", "depth", "filters", "kernel_size", "activation", "learning_rate", "seed", "architecture")


def test_quick_is_a_slice_of_the_grid() -> None:
    grid, quick = STUDIES["grid"].factors, STUDIES["quick"].factors
    for name in VARIED:
        assert set(quick[name]) <= set(grid[name]) or name == "seed", name
    assert set(quick["seed"]) > set(grid["seed"])
    assert {name for name, levels in quick.items() if len(levels) > 1} <= set(VARIED)


def test_quick_is_small_and_has_both_sides_of_every_pair() -> None:
    trials = list(STUDIES["quick"].trials())
    assert len({trial.trial_id for trial in trials}) == len(trials) <= 600
    assert len({trial.pair_id for trial in trials}) * 2 == len(trials)
    assert {trial.dataset for trial in trials} == {"mnist", "cifar10"}
    assert 1 in {trial.depth for trial in trials}
    assert all(trial.train_samples <= 5000 and trial.epochs <= 5 for trial in trials)


def test_the_small_grid_has_every_level_of_the_grid_at_one_smaller_budget() -> None:
    grid, small = STUDIES["grid"], STUDIES["grid-small"]
    budget = {name for name in small.factors if small.factors[name] != grid.factors.get(name)}
    assert budget == {"train_samples", "val_samples", "image_size", "batch_size", "epochs"}
    assert all(len(small.factors[name]) == 1 for name in budget)
    assert small.combinations == grid.combinations == 6912


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_registered_by_its_own_name_and_says_what_it_is(name: str) -> None:
    study = STUDIES[name]
    full, quick, _ = name.partition("-quick")
    module = import_module(f"sweep.studies.{full.replace('-', '_')}")
    assert study is (module.QUICK if quick else module.STUDY)
    assert study.name == name
    assert study.about
    assert f"sweep run {name}" in (inspect.getdoc(module) or "")
