"""Which trials of a pack are worth computing together on a device.

On a CPU one grouped convolution beats separate ones while a network's channels do not fill a vector register; above
that separate networks are as fast or faster, and one kind of activation in a group saves a pass over memory. On a GPU
every kernel saved counts, so a group is all that fits in the pack's share of the GPU's memory.
"""

from collections.abc import Sequence

import torch

from sweep.trial import Trial

_CPU_FILTERS = 4
_CPU_WIDTH = 16
_MEMORY_SHARE = 0.6
_BYTES_PER_ELEMENT = 3 * 4
"""Forward value, gradient, and a working copy, float32."""


def fusion_groups(trials: Sequence[Trial], device: str, gpu_share: float = 1.0) -> list[list[int]]:
    """Groups of trials to be trained as one, by their indices in `trials`; each trial is in one group."""
    alike: dict[object, list[int]] = {}
    for index, trial in enumerate(trials):
        alike.setdefault(trial.kind.fusion_key, []).append(index)
    if torch.device(device).type != "cuda":
        runs, width = list(alike.values()), _CPU_WIDTH if trials[0].filters <= _CPU_FILTERS else 1
    else:
        # All of the memory, not what is free at the moment: PyTorch keeps what an earlier pack has used.
        _, memory = torch.cuda.mem_get_info(device)
        runs = [[index for run in alike.values() for index in run]]
        width = max(1, int(_MEMORY_SHARE * (gpu_share * memory) / network_bytes(trials[0])))
        width -= width % 2 if width > 1 else 0
    return [run[start : start + width] for run in runs for start in range(0, len(run), width)]


def network_bytes(trial: Trial) -> float:
    """Estimated memory of training one network: its activations for a batch, and four values per parameter."""
    shape = trial.shape
    return _BYTES_PER_ELEMENT * trial.batch_size * shape.activation_elements + 4 * 4 * shape.parameters
