"""The stack of P1 as one network, written to be read: what the network of blocks and the fused one have to compute."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.activations import ACTIVATIONS
from models.fused import FusedStack
from models.initialisation import initial_parameters
from models.stack_shape import StackShape


class ResidualStack(nn.Module):
    """Embedding convolution, residual blocks in stages of parallel branches, one dense layer (P1, section 3).

    ``forward``: images (batch, channels, height, width) to logits (batch, classes). Raises KeyError for an unknown
    activation or initialisation.
    """

    def __init__(
        self, shape: StackShape, activation: str = "relu", initialisation: str = "torch", seed: int = 0
    ) -> None:
        super().__init__()
        self.shape = shape
        self.activation = ACTIVATIONS[activation]()
        self.activation_name = activation
        for layer in ("embedding", "blocks", "head"):
            self.add_module(layer, nn.Module())
        for name, value in initial_parameters(shape, initialisation, seed).items():
            layer, kind = name.split(".")
            self.get_submodule(layer).register_parameter(kind, nn.Parameter(value))

    def forward(self, images: Tensor) -> Tensor:
        hidden = F.conv2d(images, self._weight("embedding"), self._bias("embedding"), padding="same")
        for stage in torch.arange(self.shape.depth).split(self.shape.branches):
            hidden = hidden + sum(self.branch(hidden, block) for block in stage.tolist())
        return F.linear(hidden.flatten(1), self._weight("head"), self._bias("head"))

    def branch(self, hidden: Tensor, block: int) -> Tensor:
        """F_i of block `block`: the residual branch alone, without the skip connection."""
        weight, bias = self._weight("blocks")[block], self._bias("blocks")[block]
        return self.activation(F.conv2d(hidden, weight, bias, padding="same"))

    def _weight(self, layer: str) -> Tensor:
        return self.get_parameter(f"{layer}.weight")

    def _bias(self, layer: str) -> Tensor:
        return self.get_parameter(f"{layer}.bias")

    @torch.no_grad()
    def load_values(self, values: dict[str, Tensor]) -> None:
        """Copy in parameters by name, converting the number type."""
        for name, parameter in self.named_parameters():
            parameter.copy_(values[name])


def fuse(networks: Sequence[ResidualStack]) -> FusedStack:
    """Networks of one shape as one, their parameters copied side by side."""
    [shape] = {network.shape for network in networks}
    states = [dict(network.named_parameters()) for network in networks]
    stacked = {name: torch.stack([state[name].detach() for state in states]) for name in states[0]}
    return FusedStack(shape, [network.activation_name for network in networks], stacked, stacked["head.bias"].dtype)
