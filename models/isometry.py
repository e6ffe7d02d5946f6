"""Convolutions moved towards scaled isometries (P4: Zaeemzadeh et al., "Norm-Preservation", 1805.07477).

An isometry keeps the norm of what it maps, and its transpose that of a gradient. The nearest multiple of an isometry to
a matrix is its polar factor (the orthogonal Procrustes problem). A convolution with circular padding is one small
matrix per frequency, so it is projected frequency by frequency.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models.blocks import BlockNetwork
from models.layers import Convolution
from models.layout import Layout, layers_of

Sides = tuple[int, int]
"""Height and width of a convolution's output."""


def scale_of(weight: Tensor) -> float:
    """The multiple ``sqrt(outputs / inputs)`` of P4 for a kernel (outputs, inputs, height, width)."""
    return math.sqrt(weight.shape[0] / weight.shape[1])


def polar(matrices: Tensor) -> Tensor:
    """The polar factors ``U V^H`` of matrices (..., rows, columns), by singular values.

    P4's code iterates Newton and Schulz's formula ten times, which falls short where a matrix is ill-conditioned.
    """
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    return left @ right


def isometric(weight: Tensor, sides: Sides) -> Tensor:
    """The kernel (outputs, inputs, height, width) of the nearest scaled isometry, on the circle of the output's sides.

    It is as large as the circle: (outputs, inputs, *sides), or as the kernel where that is larger. Its first rows and
    columns are the places of `weight`.
    """
    circle = [max(side, size) for side, size in zip(sides, weight.shape[2:], strict=True)]
    spectrum = torch.fft.rfft2(weight, s=circle).permute(2, 3, 0, 1)
    return scale_of(weight) * torch.fft.irfft2(polar(spectrum).permute(2, 3, 0, 1), s=circle)


def projected(weight: Tensor, sides: Sides) -> Tensor:
    """The kernel moved to the nearest scaled isometry and cut to its own size: in the shape of `weight`.

    A 1x1 kernel becomes exactly ``c U V^T``. A larger one is only closer to an isometry than before, as the cut takes
    away what lies outside its own places.
    """
    height, width = weight.shape[2:]
    if height == width == 1:
        return scale_of(weight) * polar(weight.flatten(1)).view_as(weight)
    return isometric(weight, sides)[:, :, :height, :width]


def outside_blocks(network: BlockNetwork, layout: Layout) -> Iterator[tuple[nn.Conv2d, Sides]]:
    """The convolutions that no block's branch or skip connection holds, with the sides of their outputs.

    They are those of the stem and the transitions between groups of blocks.
    """
    places = [(block.after, network.block(number).after) for number, block in enumerate(layout.blocks)]
    for part, module in [(layout.stem, network.stem), *places]:
        modules = list(module.children()) if isinstance(part, tuple) else [module]
        for layer, each in zip(layers_of(part), modules if part else [], strict=True):
            if isinstance(layer, Convolution):
                convolution = next(found for found in each.modules() if isinstance(found, nn.Conv2d))
                yield convolution, (layer.outputs[1], layer.outputs[2])


@torch.no_grad()
def project(network: BlockNetwork, layout: Layout) -> None:
    """Project the convolutions outside the blocks, in place."""
    for convolution, sides in outside_blocks(network, layout):
        convolution.weight.copy_(projected(convolution.weight, sides))
