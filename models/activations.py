"""Named activation functions, one for a network or one for each network of a fused group."""

from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
}


def apply_each(values: Tensor, names: Sequence[str], dim: int) -> Tensor:
    """Apply ``names[k]`` to slice k of `values` along `dim`; neighbours of one name are computed together."""
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    if len(runs) == 1:
        return ACTIVATIONS[runs[0][0]](values)
    parts = values.split([length for _, length in runs], dim)
    return torch.cat([ACTIVATIONS[name](part) for (name, _), part in zip(runs, parts, strict=True)], dim)
