"""Which trials of a pack are worth computing together on a device.

On a CPU one grouped convolution beats separate ones while a network's channels do not fill a vector register; above
that separate networks are as fast or faster, and one kind of activation in a group saves a pass over memory. On a GPU
every kernel saved counts, so a group is all that fits in the share of its memory that the pack was given.
"""

from collections.abc import Sequence

import torch

from sweep.engine.memory import fused_width
from sweep.trial import Trial

_CPU_FILTERS = 4
_CPU_WIDTH = 16


def fusion_groups(trials: Sequence[Trial], device: str, gpu_share: float = 1.0) -> list[list[int]]:
    """Indices into `trials` of each group to be trained as one; together they are all, each once."""
    if torch.device(device).type != "cuda":
        width = _CPU_WIDTH if trials[0].filters <= _CPU_FILTERS else 1
        return [chunk for run in _alike(trials) for chunk in _chunks(run, width)]
    # Not what is free at the moment: PyTorch keeps what an earlier pack has used.
    _, memory = torch.cuda.mem_get_info(device)
    order = [index for run in _alike(trials) for index in run]
    return _chunks(order, fused_width(trials[0], gpu_share * memory))


def _alike(trials: Sequence[Trial]) -> list[list[int]]:
    runs: dict[object, list[int]] = {}
    for index, trial in enumerate(trials):
        runs.setdefault(trial.kind.fusion_key, []).append(index)
    return list(runs.values())


def _chunks(indices: list[int], width: int) -> list[list[int]]:
    return [indices[start : start + width] for start in range(0, len(indices), width)]
