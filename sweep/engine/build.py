"""The torch network of a trial's shape."""

from collections.abc import Callable
from typing import Any

import torch

from models import VGG, BlockNetwork, LinearNetwork, ResNet, StackNetwork
from sweep.trial import Trial

BUILDERS: dict[str, Callable[[Any, Trial], BlockNetwork]] = {
    "stack": lambda shape, trial: StackNetwork(shape, trial.activation, trial.initialisation, trial.seed),
    "resnet": lambda shape, trial: ResNet(shape, trial.seed),
    "preresnet": lambda shape, trial: ResNet(shape, trial.seed),
    "vgg": lambda shape, trial: VGG(shape, trial.seed),
    "linear": lambda shape, trial: LinearNetwork(shape, trial.seed),
}
"""Kind of network (`sweep.networks.NETWORKS`) to what makes it of a shape and a trial."""


def build(trial: Trial) -> BlockNetwork:
    """The trial's network on the CPU, with the weights that its training starts from."""
    return BUILDERS[trial.network](trial.shape, trial)


def place(network: BlockNetwork, device: str) -> BlockNetwork:
    """Move a network to the device, with images' channels last in memory."""
    # torch's own signature of `to` knows no memory format beside a device.
    network.to(device)
    return network.to(memory_format=torch.channels_last)
