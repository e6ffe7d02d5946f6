"""Methods of training: what a step does to the blocks."""

from typing import Any

import pytest
import torch

from models import NO_INTERVENTION, Intervention
from sweep.methods.base import Step
from sweep.parts import METHODS
from sweep.trial import Trial

RESNET: dict[str, Any] = {"study": "test", "dataset": "digits", "network": "preresnet", "depth": 20, "filters": 2}


def trial_of(**fields: Any) -> Trial:
    return Trial(**{**RESNET, **fields})


def step(trial: Trial, number: int, batch: int) -> Step:
    return trial.trained_by.step(trial, number, batch, "cpu")


def evaluation(trial: Trial) -> Intervention:
    return trial.trained_by.evaluation(trial)


def test_every_method_of_a_trial_can_train() -> None:
    needed = {"droppath": {"drop_rate": 0.5}, "effective-paths": {"kept_blocks": 4}}
    needed["procrustes"] = {"projection_rate": 0.5}
    needed["residual-droppath"] = {"drop_rate": 0.5, "retrain_steps": 1}
    for method in METHODS:
        assert step(trial_of(method=method, **needed.get(method, {})), 0, 4)


def test_plain_training_does_nothing_to_the_blocks() -> None:
    assert step(trial_of(), 3, 10).intervention is NO_INTERVENTION
    assert evaluation(trial_of()) is NO_INTERVENTION


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
    def gates(trial: Trial, number: int) -> dict[int, list[float]]:
        drawn = step(trial, number, 6).intervention.gates
        return {block: gate.tolist() if isinstance(gate, torch.Tensor) else [gate] for block, gate in drawn.items()}

    one, same, other = trial_of(**fields), trial_of(**fields, study="s"), trial_of(**fields, seed=1)
    steps = range(0, 40, 2)
    backwards = {number: gates(same, number) for number in reversed(steps)}
    assert [gates(one, number) for number in steps] == [backwards[number] for number in steps]
    assert [gates(one, number) for number in steps] != [gates(other, number) for number in steps]
    assert len({str(gates(one, number)) for number in steps}) > 5


@pytest.mark.parametrize(("transitions", "always"), [("sampled", set[int]()), ("kept", {3, 6})])
def test_blocks_that_change_the_shape_are_kept_or_sampled(transitions: str, always: set[int]) -> None:
    trial = trial_of(method="effective-paths", kept_blocks=4, transitions=transitions)
    dropped = [step(trial, number, 10).intervention.dropped for number in range(30)]
    assert all(len(each) == 5 for each in dropped)
    assert set(range(9)) - set[int]().union(*dropped) == always


@pytest.mark.parametrize("method", ["droppath", "effective-paths"])
def test_what_is_made_up_for_in_evaluation_is_not_in_training(method: str) -> None:
    fields = {"drop_rate": 0.5} if method == "droppath" else {"kept_blocks": 3}
    in_training, in_evaluation = (
        trial_of(method=method, rescale=rescale, drop_per="batch", **fields) for rescale in ("training", "evaluation")
    )
    assert evaluation(in_training).gates == {}
    assert set(step(in_evaluation, 0, 5).intervention.gates.values()) == {0.0, 1.0}
    kept = {block: gate for block, gate in step(in_training, 0, 5).intervention.gates.items() if gate}
    for block, gate in kept.items():
        assert gate == pytest.approx(1 / evaluation(in_evaluation).gates[block])
