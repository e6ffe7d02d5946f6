"""K stacks of one shape computed as one network.

Each parameter has a leading axis of networks, so one optimiser step updates all of them. Hidden values have the axes
(batch, height, width, network, filter). Every convolution is one grouped convolution in channels-last form, so no
network touches another's numbers, not even its NaNs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.activations import apply_each
from models.stack_shape import StackShape

_ALIGNED = 16
"""The rounding of a matrix product depends on alignment; rows of whole cache lines align all networks alike."""

_FEW_BRANCHES = 4
"""A CPU reduces over few branches value by value; up to this many, additions are faster."""


class FusedStack(nn.Module):
    """K networks of one `StackShape`, each with its own activation.

    `values` holds each tensor of `StackShape.tensors` with a leading axis of K. The network computes in `dtype`
    (float32, float64 or bfloat16), and returns logits in the parameters' type. `Stack.fused` makes one with initial
    weights. ``forward`` raises KeyError for an unknown activation.
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

    def __len__(self) -> int:
        return len(self.activations)

    def value(self, name: str) -> Tensor:
        """Parameter `name` of `StackShape.tensors`, with the leading axis of K."""
        return self.values[_key(name)]

    def keep(self, networks: Tensor) -> "FusedStack":
        """The networks at the given indices, int64 (networks,), with their parameters copied."""
        values = {name: self.value(name).detach()[networks].clone() for name in self.shape.tensors()}
        return FusedStack(self.shape, [self.activations[i] for i in networks.tolist()], values, self.dtype)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (K, batch, classes).

        Images are (batch, height, width, channels) if all networks see the same ones, or (batch, height, width, K,
        channels) if each has its own.
        """
        batch, height, width = images.shape[:3]
        networks, shape = len(self), self.shape
        own_images = images.ndim == 5
        embedding = self.value("embedding.weight"), self.value("embedding.bias")
        hidden = self._convolve(images.flatten(3), *embedding, groups=networks if own_images else 1)
        hidden = hidden.view(batch, height, width, networks, shape.filters)
        # Split once: the gradient of a slice per stage would be as large as the whole tensor.
        weights = self.value("blocks.weight").split(shape.branches, 1)
        biases = self.value("blocks.bias").split(shape.branches, 1)
        for weight, bias in zip(weights, biases, strict=True):
            outputs = self._convolve(hidden.flatten(3), weight, bias, groups=networks)
            outputs = outputs.view(batch, height, width, networks, -1, shape.filters)
            hidden = _add_branches(hidden, apply_each(outputs, self.activations, dim=3))
        return self._classify(hidden)

    def _convolve(self, channels_last: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
        """(batch, height, width, networks * inputs) to (batch, height, width, networks * branches * filters)."""
        weight = weight.reshape(-1, *weight.shape[-3:]).to(self.dtype)
        images = channels_last.permute(0, 3, 1, 2).to(self.dtype)
        output = F.conv2d(images, weight, bias.reshape(-1).to(self.dtype), padding="same", groups=groups)
        return output.permute(0, 2, 3, 1).contiguous()

    def _classify(self, hidden: Tensor) -> Tensor:
        batch, height, width, networks, filters = hidden.shape
        if hidden.requires_grad:
            # Otherwise every block would receive the gradient in the memory order of the features.
            hidden.register_hook(Tensor.contiguous)
        features = hidden.permute(3, 0, 1, 2, 4).reshape(networks, batch, -1)
        weight = self.value("head.weight").view(networks, -1, filters, height, width)
        weight = weight.permute(0, 3, 4, 2, 1).reshape(networks, features.shape[2], -1)
        spare_features, spare_classes = -features.shape[2] % _ALIGNED, -weight.shape[2] % _ALIGNED
        logits = torch.bmm(
            F.pad(features, (0, spare_features)), F.pad(weight.to(self.dtype), (0, spare_classes, 0, spare_features))
        )
        return logits[:, :, : self.shape.classes].to(weight.dtype) + self.value("head.bias").unsqueeze(1)


def _add_branches(hidden: Tensor, outputs: Tensor) -> Tensor:
    """Hidden (batch, height, width, K, filters) plus outputs (batch, height, width, K, branches, filters)."""
    if outputs.shape[4] > _FEW_BRANCHES:
        return hidden + outputs.sum(4)
    return sum(outputs.unbind(4), start=hidden)


def _key(name: str) -> str:
    # Keys of a ParameterDict must not contain a dot.
    return name.replace(".", "_")
