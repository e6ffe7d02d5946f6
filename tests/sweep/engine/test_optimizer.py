"""Optimisers over K networks are torch's, one for each network."""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from sweep.engine.optimizer import OPTIMIZERS, Optimizer
from sweep.engine.schedules import SCHEDULES
from sweep.trial import Trial

STEPS = 20
RATES = [1e-3, 3e-2, 1e-1]
DECAYS = [0.0, 1e-4, 0.3]
MOMENTA = [0.0, 0.9, 0.5]
SHAPES = [(4, 3), (2, 3, 2, 2), (5,)]


def trials_of(optimizer: str) -> list[Trial]:
    return [
        Trial(
            "test",
            optimizer=optimizer,
            learning_rate=rate,
            weight_decay=decay,
            momentum={"adamw": 0.0, "sgd": momentum, "nesterov": momentum or 0.7}[optimizer],
        )
        for rate, decay, momentum in zip(RATES, DECAYS, MOMENTA, strict=True)
    ]


def torch_optimizer(trial: Trial, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    if trial.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=trial.learning_rate, weight_decay=trial.weight_decay)
    return torch.optim.SGD(
        parameters,
        lr=trial.learning_rate,
        weight_decay=trial.weight_decay,
        momentum=trial.momentum,
        nesterov=trial.optimizer == "nesterov",
    )


def random_tensors(generator: torch.Generator) -> list[Tensor]:
    return [torch.randn(len(RATES), *shape, dtype=torch.float64, generator=generator) for shape in SHAPES]


def take_step(optimizer: Optimizer, parameters: Sequence[Tensor], gradients: Sequence[Tensor], rates: Tensor) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    optimizer.step(parameters, rates)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_torch_with_rates_that_change(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    trials, start = trials_of(name), random_tensors(generator)
    fused = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = OPTIMIZERS[name](fused, trials)
    alone = [[tensor[k].clone().requires_grad_() for tensor in start] for k in range(len(trials))]
    references = [torch_optimizer(trial, tensors) for trial, tensors in zip(trials, alone, strict=True)]
    for step in range(STEPS):
        factor = SCHEDULES["cosine"](step / STEPS)
        gradients = random_tensors(generator)
        take_step(optimizer, fused, gradients, factor * torch.tensor(RATES, dtype=torch.float64))
        for k, (trial, reference) in enumerate(zip(trials, references, strict=True)):
            reference.param_groups[0]["lr"] = factor * trial.learning_rate
            for parameter, gradient in zip(alone[k], gradients, strict=True):
                parameter.grad = gradient[k].clone()
            reference.step()
    for k, tensors in enumerate(alone):
        for ours, theirs, first in zip(fused, tensors, start, strict=True):
            assert not torch.allclose(theirs, first[k], rtol=1e-4)
            torch.testing.assert_close(ours[k], theirs, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dropping_networks_leaves_the_others_as_they_were(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    start, gradients = random_tensors(generator), [random_tensors(generator) for _ in range(4)]
    kept, rates = torch.tensor([0, 2]), torch.tensor(RATES, dtype=torch.float64)
    whole = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = OPTIMIZERS[name](whole, trials_of(name))
    for step in gradients:
        take_step(optimizer, whole, step, rates)
    dropped = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = OPTIMIZERS[name](dropped, trials_of(name))
    for step in gradients[:2]:
        take_step(optimizer, dropped, step, rates)
    optimizer.keep(kept)
    dropped = [tensor.detach()[kept].clone().requires_grad_() for tensor in dropped]
    for step in gradients[2:]:
        take_step(optimizer, dropped, [gradient[kept] for gradient in step], rates[kept])
    assert all(torch.equal(few, all_[kept]) for few, all_ in zip(dropped, whole, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_network_that_is_not_finite_leaves_the_others_bit_equal(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    start, gradients = random_tensors(generator), [random_tensors(generator) for _ in range(3)]
    rates, ends = torch.tensor(RATES, dtype=torch.float64), []
    for poison in (None, math.nan):
        parameters = [tensor.clone().requires_grad_() for tensor in start]
        optimizer = OPTIMIZERS[name](parameters, trials_of(name))
        for step in gradients:
            poisoned = [gradient.clone() for gradient in step]
            if poison is not None:
                for gradient in poisoned:
                    gradient[1] = poison
            take_step(optimizer, parameters, poisoned, rates)
        ends.append([parameter.detach()[[0, 2]] for parameter in parameters])
    assert all(torch.equal(first, second) for first, second in zip(*ends, strict=True))


def test_schedules() -> None:
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [SCHEDULES["constant"](share) for share in shares] == [1.0] * 5
    expected = [1.0, 0.8535533905932737, 0.5, 0.1464466094067262, 0.0]
    assert [SCHEDULES["cosine"](share) for share in shares] == pytest.approx(expected, abs=1e-12)
    steps = [SCHEDULES["multistep"](share) for share in (0.0, 0.499, 0.5, 0.749, 0.75, 1.0)]
    assert steps == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_one_cycle_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=101, cycle_momentum=False)
    for step in range(101):
        # Theirs counts from the first step to the last, ours the share of all steps that is done before a step.
        assert SCHEDULES["onecycle"](step / 100) == pytest.approx(optimizer.param_groups[0]["lr"], rel=0.05, abs=1e-3)
        optimizer.step()
        if step < 100:
            theirs.step()
