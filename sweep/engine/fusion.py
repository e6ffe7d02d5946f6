"""Which trials of a pack are worth computing together on a device.

On a CPU one grouped convolution beats separate ones while a network's channels do not fill a vector register; above
that separate networks are as fast or faster, and one kind of activation in a group saves a pass over memory. On a GPU
every kernel saved counts, so a group is all that fits in memory.
"""

from collections.abc import Sequence

import torch

from sweep.trial import Trial

_CPU_FILTERS = 4
_CPU_WIDTH = 16
_GPU_SHARE = 0.6
_BYTES_PER_ELEMENT = 3 * 4
"""Forward value, gradient, and a working copy, float32."""


def fusion_groups(trials: Sequence[Trial], device: str) -> list[list[int]]:
    """Indices into `trials` of each group to be trained as one; together they are all, each once."""
    if torch.device(device).type != "cuda":
        width = _CPU_WIDTH if trials[0].filters <= _CPU_FILTERS else 1
        return [chunk for run in _by_activation(trials) for chunk in _chunks(run, width)]
    # Not what is free at the moment: PyTorch keeps what an earlier pack has used.
    _, memory = torch.cuda.mem_get_info(device)
    width = max(1, int(_GPU_SHARE * memory / network_bytes(trials[0])))
    width -= width % 2 if width > 1 else 0
    order = [index for run in _by_activation(trials) for index in run]
    return _chunks(order, width)


def network_bytes(trial: Trial) -> float:
    """Estimated memory of training one network: its activations for a batch, and four values a parameter."""
    shape = trial.shape
    return _BYTES_PER_ELEMENT * trial.batch_size * shape.activation_elements + 4 * 4 * shape.parameters


def _by_activation(trials: Sequence[Trial]) -> list[list[int]]:
    runs: dict[str, list[int]] = {}
    for index, trial in enumerate(trials):
        runs.setdefault(trial.activation, []).append(index)
    return list(runs.values())


def _chunks(indices: list[int], width: int) -> list[list[int]]:
    return [indices[start : start + width] for start in range(0, len(indices), width)]
