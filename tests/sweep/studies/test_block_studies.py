"""The studies of lesions, paths and droppath retraining, at the papers' budget and in small."""

import pytest

from sweep.cost import CostModel
from sweep.pack import make_packs
from sweep.studies import STUDIES
from sweep.trial import Trial

FULL = ("lesion", "paths", "droppath", "shallow-first", "norm-preservation")


def trials(name: str) -> list[Trial]:
    return list(STUDIES[name].trials())


@pytest.mark.parametrize("name", FULL)
def test_the_small_form_asks_the_same_of_smaller_networks(name: str) -> None:
    full, quick = STUDIES[name], STUDIES[f"{name}-quick"]
    assert quick.arms.keys() <= full.arms.keys()
    assert {trial.measure for trial in trials(quick.name)} <= {trial.measure for trial in trials(name)}
    assert {trial.method for trial in trials(quick.name)} == {trial.method for trial in trials(name)}
    assert {trial.architecture for trial in trials(quick.name)} >= {"sequential", "parallel"}
    assert all(trial.train_samples <= 10_000 and trial.image_size == 16 for trial in trials(quick.name))
    assert CostModel().seconds(trials(quick.name)) < CostModel().seconds(trials(name)) / 1000


@pytest.mark.parametrize("name", [*FULL, *(f"{name}-quick" for name in FULL)])
def test_every_trial_is_there_once_and_measures_something_or_belongs_to_a_comparison(name: str) -> None:
    planned = trials(name)
    assert len({trial.trial_id for trial in planned}) == len(planned)
    assert {trial.study for trial in planned} == {name}
    by_seed = {seed: sum(trial.seed == seed for trial in planned) for seed in {trial.seed for trial in planned}}
    assert len(by_seed) >= 3
    assert len(set(by_seed.values())) == 1


@pytest.mark.parametrize("suffix", ["", "-quick"])
def test_lesions_and_paths_share_their_plain_networks(suffix: str) -> None:
    lesioned = {trial.training_id for trial in trials(f"lesion{suffix}")}
    plain = {trial.training_id for trial in trials(f"paths{suffix}") if trial.method == "plain"}
    assert plain
    assert plain <= lesioned


def test_the_papers_networks() -> None:
    resnet = next(trial for trial in trials("lesion") if trial.network == "preresnet")
    assert (len(resnet.shape.blocks), resnet.shape.parameters) == (54, 1_727_962)
    vgg = next(trial for trial in trials("lesion") if trial.network == "vgg")
    assert len(vgg.shape.blocks) == 13
    chosen = [trial for trial in trials("paths") if trial.method == "effective-paths"]
    assert {trial.kept_blocks for trial in chosen} == {23}
    assert {(trial.rescale, trial.transitions) for trial in chosen} == {
        (rescale, transitions) for rescale in ("training", "evaluation") for transitions in ("sampled", "kept")
    }
    linear = next(trial for trial in trials("droppath") if trial.network == "linear")
    assert (linear.depth, linear.filters, linear.measure) == (32, 32, "features")


@pytest.mark.parametrize("name", ["droppath", "droppath-quick"])
def test_retrainings_share_a_base_and_a_pack(name: str) -> None:
    planned = trials(name)
    again = [trial for trial in planned if trial.base is not None]
    assert {trial.method for trial in again} == {"plain", "droppath", "residual-droppath"}
    plain = {trial.training_id for trial in planned if trial.base is None and trial.method == "plain"}
    for trial in again:
        assert trial.base is not None
        assert trial.base.training_id in plain
    for pack in make_packs(planned):
        bases = {trial.base.training_id for trial in pack.trials if trial.base is not None}
        assert len(bases) <= 1


@pytest.mark.parametrize("name", ["droppath", "droppath-quick"])
def test_plain_budgets_lie_around_the_others(name: str) -> None:
    fresh = [trial for trial in trials(name) if trial.network == "preresnet" and trial.base is None]
    budgets = {trial.epochs for trial in fresh if trial.method == "plain"}
    others = {trial.epochs for trial in fresh if trial.method != "plain"}
    assert all(min(budgets) < epochs < max(budgets) and epochs in budgets for epochs in others)
