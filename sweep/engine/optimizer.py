"""Optimisers over K networks at once, each with its own learning rate, weight decay and momentum.

Parameters and gradients have a leading axis of K. The updates are those of `torch.optim.AdamW` and `torch.optim.SGD`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from sweep.trial import Trial

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class Optimizer(ABC):
    """Steps the parameters of K networks by their gradients, and forgets networks that leave the group."""

    tensors: ClassVar[int] = 1
    """Tensors of state that each parameter has, zero at first."""

    def __init__(self, parameters: Sequence[Tensor], trials: Sequence[Trial]) -> None:
        device = parameters[0].device
        self.decay = torch.tensor([trial.weight_decay for trial in trials], device=device)
        self.momentum = torch.tensor([trial.momentum for trial in trials], device=device)
        self.state = [[torch.zeros_like(parameter) for _ in range(self.tensors)] for parameter in parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], rates: Tensor) -> None:
        """Update in place; `rates` (K) are this step's learning rates."""
        self.steps += 1
        for parameter, state in zip(parameters, self.state, strict=True):
            assert parameter.grad is not None
            column = (-1, *[1] * (parameter.ndim - 1))
            rate, decay, momentum = (values.view(column) for values in (rates, self.decay, self.momentum))
            self.update(parameter, parameter.grad, state, rate, decay, momentum)

    @abstractmethod
    def update(
        self, parameter: Tensor, gradient: Tensor, state: list[Tensor], rate: Tensor, decay: Tensor, momentum: Tensor
    ) -> None:
        """Update one parameter and its state in place; the last three have one value per network."""
        ...

    def keep(self, networks: Tensor) -> None:
        """Keep only the state of the networks at the given indices."""
        self.decay, self.momentum = self.decay[networks], self.momentum[networks]
        self.state = [[tensor[networks] for tensor in state] for state in self.state]


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), at torch's default betas and epsilon."""

    tensors = 2

    def update(
        self, parameter: Tensor, gradient: Tensor, state: list[Tensor], rate: Tensor, decay: Tensor, momentum: Tensor
    ) -> None:
        first, second = state
        parameter.mul_(1 - rate * decay)
        first.lerp_(gradient, 1 - _BETA1)
        second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        update = first / (second.sqrt() / math.sqrt(1 - _BETA2**self.steps) + _EPSILON)
        parameter.sub_(update.mul_(rate / (1 - _BETA1**self.steps)))


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum; weight decay is an L2 term of the gradient."""

    def update(
        self, parameter: Tensor, gradient: Tensor, state: list[Tensor], rate: Tensor, decay: Tensor, momentum: Tensor
    ) -> None:
        [velocity] = state
        velocity.mul_(momentum).add_(gradient).addcmul_(parameter, decay)
        parameter.addcmul_(velocity, rate, value=-1)


class Nesterov(Optimizer):
    """SGD with Nesterov's momentum: the step is taken along the gradient plus momentum times the new velocity."""

    def update(
        self, parameter: Tensor, gradient: Tensor, state: list[Tensor], rate: Tensor, decay: Tensor, momentum: Tensor
    ) -> None:
        [velocity] = state
        gradient = torch.addcmul(gradient, parameter, decay)
        velocity.mul_(momentum).add_(gradient)
        parameter.addcmul_(gradient.addcmul_(velocity, momentum), rate, value=-1)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adamw": AdamW, "sgd": Sgd, "nesterov": Nesterov}
