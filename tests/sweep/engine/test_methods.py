"""Methods of training: what a step does to the blocks."""

from typing import Any

import pytest
import torch

from models import NO_INTERVENTION
from sweep.engine.build import build
from sweep.methods.base import Training
from sweep.parts import METHODS
from sweep.trial import Trial

RESNET: dict[str, Any] = {"study": "test", "dataset": "digits", "network": "preresnet", "depth": 20, "filters": 2}


def method_of(**fields: Any) -> Training:
    trial = Trial(**{**RESNET, **fields})
    return trial.trained_by.start(build(trial), trial, "cpu")


def test_every_method_of_a_trial_can_train() -> None:
    needed = {"droppath": {"drop_rate": 0.5}, "effective-paths": {"kept_blocks": 4}}
    needed["residual-droppath"] = {"drop_rate": 0.5, "retrain_steps": 1}
    for method in METHODS:
        assert method_of(method=method, **needed.get(method, {})).step(0, 4)


def test_plain_training_does_nothing_to_the_blocks() -> None:
    method = method_of()
    assert method.step(3, 10).intervention is NO_INTERVENTION
    assert method.evaluation is NO_INTERVENTION


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "droppath", "drop_rate": 0.5},
        {"method": "droppath", "drop_rate": 0.5, "drop_per": "sample"},
        {"method": "residual-droppath", "drop_rate": 0.5, "retrain_steps": 1},
        {"method": "effective-paths", "kept_blocks": 4},
    ],
)
def test_a_step_is_drawn_by_its_number_and_the_seed_alone(fields: dict[str, Any]) -> None:
    def gates(method: Training, number: int) -> dict[int, list[float]]:
        intervention = method.step(number, 6).intervention
        return {
            block: gate.tolist() if isinstance(gate, torch.Tensor) else [gate]
            for block, gate in intervention.gates.items()
        }

    one, same, other = method_of(**fields), method_of(**fields, study="s"), method_of(**fields, seed=1)
    steps = range(0, 40, 2)
    backwards = {number: gates(same, number) for number in reversed(steps)}
    assert [gates(one, number) for number in steps] == [backwards[number] for number in steps]
    assert [gates(one, number) for number in steps] != [gates(other, number) for number in steps]
    assert len({str(gates(one, number)) for number in steps}) > 5


@pytest.mark.parametrize(("transitions", "always"), [("sampled", set[int]()), ("kept", {3, 6})])
def test_blocks_that_change_the_shape_are_kept_or_sampled(transitions: str, always: set[int]) -> None:
    method = method_of(method="effective-paths", kept_blocks=4, transitions=transitions)
    dropped = [method.step(number, 10).intervention.dropped for number in range(30)]
    assert all(len(each) == 5 for each in dropped)
    assert set(range(9)) - set[int]().union(*dropped) == always


@pytest.mark.parametrize("method", ["droppath", "effective-paths"])
def test_what_is_made_up_for_in_evaluation_is_not_in_training(method: str) -> None:
    fields = {"drop_rate": 0.5} if method == "droppath" else {"kept_blocks": 3}
    training, evaluation = (
        method_of(method=method, rescale=rescale, drop_per="batch", **fields) for rescale in ("training", "evaluation")
    )
    assert training.evaluation.gates == {}
    assert set(evaluation.step(0, 5).intervention.gates.values()) == {0.0, 1.0}
    kept = {block: gate for block, gate in training.step(0, 5).intervention.gates.items() if gate}
    for block, gate in kept.items():
        assert gate == pytest.approx(1 / evaluation.evaluation.gates[block])
