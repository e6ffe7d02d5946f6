"""Activations by name, for one network or for each network of a fused group."""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
}
_APPLY = {name: activation() for name, activation in ACTIVATIONS.items()}


def apply_each(values: Tensor, names: Sequence[str], dim: int) -> Tensor:
    """Apply activation ``names[k]`` to slice k of `values` along `dim`, neighbouring slices of one name together.

    Raises KeyError for an unknown name.
    """
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    if len(runs) == 1:
        return _APPLY[runs[0][0]](values)
    parts = values.split([length for _, length in runs], dim)
    return torch.cat([_APPLY[name](part) for (name, _), part in zip(runs, parts, strict=True)], dim)
