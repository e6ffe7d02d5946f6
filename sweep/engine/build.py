"""The torch network of a trial."""

import torch

from models.blocks import BlockNetwork
from sweep.trial import Trial


def build(trial: Trial) -> BlockNetwork:
    """The trial's network on the CPU, with the weights that its training starts from."""
    return trial.kind.build(trial.shape, trial.seed)


def place(network: BlockNetwork, device: str) -> BlockNetwork:
    """Move a network to the device, with images' channels last in memory."""
    # torch's own signature of `to` knows no memory format beside a device.
    network.to(device)
    return network.to(memory_format=torch.channels_last)
