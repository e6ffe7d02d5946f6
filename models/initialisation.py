"""Initial weights, which depend only on a seed.

Each tensor has its own random stream, named after it (`models.streams`), so its values depend neither on the
arrangement of the blocks nor on the networks trained beside it. All draws are made on the CPU, so every device starts
from the same values.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.stack_shape import StackShape
from models.streams import stream_seed

Bounds = Callable[[int, int], tuple[float, float]]


def _glorot(fan_in: int, fan_out: int) -> tuple[float, float]:
    return math.sqrt(6 / (fan_in + fan_out)), 0.0


def _torch_default(fan_in: int, fan_out: int) -> tuple[float, float]:
    return 1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in)


INITIALISATIONS: dict[str, Bounds] = {"glorot": _glorot, "torch": _torch_default}
"""A stack's initialisations: from fan-in and fan-out to half-widths of the uniform distributions of weight and bias.

`glorot` is Glorot and Bengio's (2010) with zero biases, Keras's default. `torch` is PyTorch's default.
"""


def initial_parameters(shape: StackShape, initialisation: str, seed: int) -> dict[str, Tensor]:
    """Initial values of one stack, float32 on the CPU, by the names of `StackShape.tensors`.

    Raises KeyError for an unknown initialisation.
    """
    bounds = INITIALISATIONS[initialisation]
    tensors = shape.tensors()
    values: dict[str, Tensor] = {}
    for layer in ("embedding", "blocks", "head"):
        # Without the axis of depth that the blocks have.
        outputs, inputs, *kernel = tensors[f"{layer}.weight"][-4:]
        area = math.prod(kernel)
        for kind, bound in zip(("weight", "bias"), bounds(inputs * area, outputs * area), strict=True):
            name = f"{layer}.{kind}"
            generator = torch.Generator().manual_seed(stream_seed(seed, name))
            values[name] = torch.empty(tensors[name]).uniform_(-bound, bound, generator=generator)
    return values


def initialise(network: nn.Module, seed: int) -> None:
    """Move a network to the CPU and set its initial values in float32.

    Convolutions are He-normal over their fan-out, with zero biases (1502.01852); batch norms are the identity; dense
    layers have PyTorch's default. Raises TypeError for any other module with its own parameters or buffers.
    """
    network.to_empty(device="cpu")
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Conv2d | nn.Linear):
            _initialise_layer(module, name, seed)
        elif any(True for values in (module.parameters, module.buffers) for _ in values(recurse=False)):
            raise TypeError(f"{name} is a {type(module).__name__}, which has no initialisation")


@torch.no_grad()
def _initialise_layer(layer: nn.Conv2d | nn.Linear, name: str, seed: int) -> None:
    for kind, value in layer.named_parameters():
        generator = torch.Generator().manual_seed(stream_seed(seed, f"{name}.{kind}"))
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            value.uniform_(-bound, bound, generator=generator)
        elif kind == "bias":
            value.zero_()
        else:
            fan_out = layer.out_channels * math.prod(layer.kernel_size) // layer.groups
            value.copy_(_normal(value.shape, generator) * math.sqrt(2 / fan_out))


def _normal(size: torch.Size, generator: torch.Generator) -> Tensor:
    """Standard normal draws, float64, by the quantile function.

    Torch's own normal draws differ in the last bit between processors with and without vector instructions.
    """
    draws = torch.rand(size, dtype=torch.float64, generator=generator)
    return torch.special.ndtri(draws.clamp(min=2.0**-54))
