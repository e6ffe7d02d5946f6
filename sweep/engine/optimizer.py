"""Optimisers over K networks at once, each with its own learning rate, weight decay and momentum.

Parameters and gradients have a leading axis of K. The updates are those of `torch.optim.AdamW` and `torch.optim.SGD`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from sweep.trial import Trial

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class Optimizer(Protocol):
    """Steps the parameters by their gradients; forgets networks that have been dropped."""

    def step(self, parameters: Sequence[Tensor], rates: Tensor) -> None:
        """Update in place; `rates` (K) are this step's learning rates."""
        ...

    def keep(self, networks: Tensor) -> None:
        """Keep the state of the networks at the given indices alone."""
        ...


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), at torch's default betas and epsilon."""

    def __init__(self, parameters: Sequence[Tensor], trials: Sequence[Trial]) -> None:
        self.decay = _per_network(parameters, trials, lambda trial: trial.weight_decay)
        self.first = [torch.zeros_like(parameter) for parameter in parameters]
        self.second = [torch.zeros_like(parameter) for parameter in parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], rates: Tensor) -> None:
        self.steps += 1
        correction1 = 1 - _BETA1**self.steps
        correction2 = math.sqrt(1 - _BETA2**self.steps)
        for parameter, first, second in zip(parameters, self.first, self.second, strict=True):
            gradient = parameter.grad
            assert gradient is not None
            parameter.mul_(_column(1 - rates * self.decay, parameter))
            first.lerp_(gradient, 1 - _BETA1)
            second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            update = first / (second.sqrt() / correction2 + _EPSILON)
            parameter.sub_(update.mul_(_column(rates / correction1, parameter)))

    def keep(self, networks: Tensor) -> None:
        self.decay = self.decay[networks]
        self.first = [state[networks] for state in self.first]
        self.second = [state[networks] for state in self.second]


class Sgd:
    """Stochastic gradient descent with momentum; weight decay is an L2 term of the gradient."""

    def __init__(self, parameters: Sequence[Tensor], trials: Sequence[Trial]) -> None:
        self.decay = _per_network(parameters, trials, lambda trial: trial.weight_decay)
        self.momentum = _per_network(parameters, trials, lambda trial: trial.momentum)
        self.velocity = [torch.zeros_like(parameter) for parameter in parameters]

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], rates: Tensor) -> None:
        for parameter, velocity in zip(parameters, self.velocity, strict=True):
            gradient = parameter.grad
            assert gradient is not None
            velocity.mul_(_column(self.momentum, parameter)).add_(gradient)
            velocity.addcmul_(parameter, _column(self.decay, parameter))
            parameter.addcmul_(velocity, _column(rates, parameter), value=-1)

    def keep(self, networks: Tensor) -> None:
        self.decay = self.decay[networks]
        self.momentum = self.momentum[networks]
        self.velocity = [state[networks] for state in self.velocity]


class Nesterov(Sgd):
    """The same with Nesterov's momentum: the step is taken along the gradient plus momentum times the new velocity."""

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], rates: Tensor) -> None:
        for parameter, velocity in zip(parameters, self.velocity, strict=True):
            assert parameter.grad is not None
            gradient = torch.addcmul(parameter.grad, parameter, _column(self.decay, parameter))
            velocity.mul_(_column(self.momentum, parameter)).add_(gradient)
            update = gradient.addcmul_(velocity, _column(self.momentum, parameter))
            parameter.addcmul_(update, _column(rates, parameter), value=-1)


OPTIMIZERS: dict[str, Callable[[Sequence[Tensor], Sequence[Trial]], Optimizer]] = {
    "adamw": AdamW,
    "sgd": Sgd,
    "nesterov": Nesterov,
}


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))


def _per_network(parameters: Sequence[Tensor], trials: Sequence[Trial], value: Callable[[Trial], float]) -> Tensor:
    return torch.tensor([value(trial) for trial in trials], device=parameters[0].device)
