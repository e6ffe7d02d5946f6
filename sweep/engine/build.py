"""The torch network of a trial."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.blocks import BlockNetwork
from sweep.trial import Trial

State = Mapping[str, Tensor]
"""A network's parameters and buffers by name, as `state_dict` gives them."""


def build(trial: Trial) -> BlockNetwork:
    """The trial's network on the CPU, with the weights that its training starts from."""
    return trial.kind.build(trial.shape, trial.draw_seed)


def place(trial: Trial, device: str, state: State | None = None) -> BlockNetwork:
    """The trial's network on a device, channels last in memory, with its initial weights or those of `state`."""
    network = build(trial)
    if state is not None:
        network.load_state_dict(state)
    # torch's own signature of `to` takes no memory format together with a device.
    network.to(device)
    return network.to(memory_format=torch.channels_last)
