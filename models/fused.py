"""K stacks of one shape computed as one network.

Each parameter has a leading axis of networks, so an optimiser, a norm or a removal acts on all networks at once.
Activations are laid out (batch, height, width, network, filter): every convolution is one grouped convolution in
channels-last form, in which no network can touch another's numbers, not even its NaNs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.activations import apply_each
from models.initialisation import initial_parameters
from models.shape import StackShape
from models.stack import ResidualStack


class FusedStack(nn.Module):
    """K networks of one `StackShape`, with an activation for each.

    `values` holds each parameter with a leading axis of K. Computation runs in `dtype` (float32, float64 or
    bfloat16), logits come out in the parameters' type.
    """

    def __init__(
        self,
        shape: StackShape,
        activations: Sequence[str],
        values: dict[str, Tensor],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.activations = tuple(activations)
        self.dtype = dtype
        self.values = nn.ParameterDict({_key(name): nn.Parameter(values[name]) for name in shape.tensors()})

    @classmethod
    def initial(
        cls,
        shape: StackShape,
        activations: Sequence[str],
        initialisations: Sequence[str],
        seeds: Sequence[int],
        dtype: torch.dtype = torch.float32,
    ) -> "FusedStack":
        """K networks as each would start alone; the three sequences have length K."""
        singles = [
            initial_parameters(shape, initialisation, seed)
            for initialisation, seed in zip(initialisations, seeds, strict=True)
        ]
        stacked = {name: torch.stack([single[name] for single in singles]) for name in shape.tensors()}
        return cls(shape, activations, stacked, dtype)

    @classmethod
    def fuse(cls, networks: Sequence[ResidualStack]) -> "FusedStack":
        """The networks' parameters, copied side by side. Raises ValueError if their shapes differ."""
        shapes = {network.shape for network in networks}
        if len(shapes) != 1:
            raise ValueError(f"only networks of one shape can be fused, not {len(shapes)} shapes")
        states = [dict(network.named_parameters()) for network in networks]
        stacked = {name: torch.stack([state[name].detach() for state in states]) for name in states[0]}
        dtype = next(iter(stacked.values())).dtype
        return cls(shapes.pop(), [network.activation_name for network in networks], stacked, dtype)

    def __len__(self) -> int:
        return len(self.activations)

    def value(self, name: str) -> Tensor:
        """Parameter `name` of `StackShape.tensors`, with the leading axis of K."""
        return self.values[_key(name)]

    def keep(self, networks: Tensor) -> "FusedStack":
        """The same networks at the given indices alone, their parameters copied."""
        values = {name: self.value(name).detach()[networks].clone() for name in self.shape.tensors()}
        return FusedStack(self.shape, [self.activations[i] for i in networks.tolist()], values, self.dtype)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (K, batch, classes).

        Images are (batch, height, width, channels) where all networks see the same ones, or
        (batch, height, width, K, channels) where each has its own.
        """
        batch, height, width = images.shape[:3]
        networks, shape = len(self), self.shape
        own_images = images.ndim == 5
        hidden = self._convolve(images.flatten(3), "embedding", slice(None), groups=networks if own_images else 1).view(
            batch, height, width, networks, shape.filters
        )
        for stage in range(shape.stages):
            blocks = slice(stage * shape.branches, (stage + 1) * shape.branches)
            outputs = self._convolve(hidden.flatten(3), "blocks", blocks, groups=networks)
            outputs = outputs.view(batch, height, width, networks, shape.branches, shape.filters)
            hidden = hidden + apply_each(outputs, self.activations, dim=3).sum(4)
        return self._classify(hidden)

    def _convolve(self, channels_last: Tensor, layer: str, blocks: slice, groups: int) -> Tensor:
        """(batch, height, width, networks * inputs) to (batch, height, width, networks * branches * filters)."""
        weight, bias = self.value(f"{layer}.weight"), self.value(f"{layer}.bias")
        if layer == "blocks":
            weight, bias = weight[:, blocks], bias[:, blocks]
        weight = weight.reshape(-1, *weight.shape[-3:]).to(self.dtype)
        images = channels_last.permute(0, 3, 1, 2).to(self.dtype)
        output = F.conv2d(images, weight, bias.reshape(-1).to(self.dtype), padding="same", groups=groups)
        return output.permute(0, 2, 3, 1).contiguous()

    def _classify(self, hidden: Tensor) -> Tensor:
        batch, height, width, networks, filters = hidden.shape
        features = hidden.permute(3, 0, 1, 2, 4).reshape(networks, batch, -1)
        weight = self.value("head.weight").view(networks, -1, filters, height, width)
        weight = weight.permute(0, 3, 4, 2, 1).reshape(networks, features.shape[2], -1)
        logits = torch.bmm(features, weight.to(self.dtype)).to(weight.dtype)
        return logits + self.value("head.bias").unsqueeze(1)


def _key(name: str) -> str:
    # A ParameterDict's keys may hold no dot.
    return name.replace(".", "_")
