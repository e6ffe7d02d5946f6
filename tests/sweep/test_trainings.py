"""Trials that share a training: one pack, one cost."""

from typing import Any

import pytest

from sweep.cost import CostModel, features
from sweep.pack import make_packs
from sweep.trainings import base_trainings, trainings
from sweep.trial import Trial

STACK: dict[str, Any] = {"study": "s", "dataset": "digits", "depth": 4, "epochs": 8}
RESNET: dict[str, Any] = {**STACK, "network": "preresnet", "depth": 8}
DROPPED: dict[str, Any] = {"pretrain_epochs": 8, "epochs": 2, "method": "droppath"}


def plan_of(fields: dict[str, Any], retrained: int) -> list[Trial]:
    """A plain training, and so many that start from it."""
    return [Trial(**fields), *(Trial(**{**fields, **DROPPED, "drop_rate": 0.01 * (i + 1)}) for i in range(retrained))]


@pytest.mark.parametrize("fields", [STACK, RESNET])
@pytest.mark.parametrize("retrained", [1, 30])
def test_a_training_and_all_that_start_from_it_are_one_pack(fields: dict[str, Any], retrained: int) -> None:
    trials = plan_of(fields, retrained)
    other = Trial(**{**fields, "seed": 1})
    packs = make_packs([*trials, other], size=24)
    assert sorted(len(pack) for pack in packs) == [1, retrained + 1]
    [pack] = [pack for pack in packs if len(pack) > 1]
    assert set(pack.trials) == set(trials)
    assert pack.trainings == {trial.training_id for trial in trials}


def test_a_base_that_is_not_planned_is_a_training_too() -> None:
    plain, *retrained = plan_of(RESNET, 3)
    assert [trial.training_id for trial in trainings(retrained)] == [
        plain.training_id,
        *(trial.training_id for trial in retrained),
    ]
    assert base_trainings(retrained) == {plain.training_id}
    assert base_trainings([plain]) == set()


def test_a_shared_training_costs_once_and_measures_each_time() -> None:
    plain, *retrained = plan_of(RESNET, 3)
    measured = [Trial(**RESNET, measure=measure) for measure in ("features", "paths")]
    model = CostModel()
    assert model.seconds([plain, *measured]) == pytest.approx(
        model.training(plain) + sum(model.measuring(trial) for trial in measured)
    )
    assert model.measuring(plain) == 0 < model.measuring(measured[0]) < model.measuring(measured[1])
    assert features([plain, *retrained])[4] == features(retrained)[4] > 0
    assert model.seconds([plain, *retrained]) == pytest.approx(
        model.training(plain) + sum(model.training(trial) for trial in retrained)
    )
