"""The stack of P1 (Bermeitinger, Hrycej, Handschuh, "Make Deep Networks Shallow Again", 2309.08414).

An embedding convolution, residual blocks ``F_i(h) = activation(conv_i(h))``, and one dense layer (section 3). A stage
is ``h <- h + sum of F_i(h)``: a sequential network has as many stages as blocks, a parallel one has a single stage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.factor import factor
from models.kind import NetworkKind, check_sizes
from models.layers import Convolution, Dense, Flatten, ImageShape
from models.layout import BlockLayout, Layout, in_stages
from models.stack_shape import StackShape

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from models.blocks import BlockNetwork
    from models.fused import FusedStack


@dataclass(frozen=True)
class Stack(NetworkKind):
    """`depth` counts the blocks; `width` is the number of channels of the embedding and every block, P1's filters."""

    label: ClassVar[str] = "stack"
    fuses: ClassVar[bool] = True
    names_arrangement: ClassVar[bool] = True
    fused_over: ClassVar[tuple[str, ...]] = ("activation", "initialisation")

    kernel_size: int = factor(3, low=1, high=15, meaning="side of every convolution's kernel in a stack")
    activation: str = factor(
        "relu", choices=("relu", "tanh", "gelu", "sigmoid"), meaning="activation of every block of a stack"
    )
    initialisation: str = factor("torch", choices=("glorot", "torch"), meaning="distribution of the initial weights")

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes("stack", depth=depth, width=width, branches=branches, inputs=inputs, classes=classes)
        check_sizes("stack", kernel_size=self.kernel_size)
        hidden = (width, *inputs[1:])
        embedding = Convolution(inputs, hidden, self.kernel_size, bias=True)
        branch = Convolution(hidden, hidden, self.kernel_size, bias=True, activation=self.activation)
        blocks, flat = (BlockLayout(branch),) * depth, Flatten(hidden)
        head = (flat, Dense(flat.outputs, (classes,)))
        return Layout(inputs, classes, embedding, blocks, head, in_stages(blocks, branches))

    def build(self, layout: Layout, seed: int) -> "BlockNetwork":
        """Like `NetworkKind.build`, with the kind's initialisation. Raises KeyError for an unknown one."""
        from models.initialisation import initial_parameters

        network = layout.network().to_empty(device="cpu")
        self.load_fused(network, initial_parameters(StackShape.of(layout), self.initialisation, seed))
        return network

    @property
    def fusion_key(self) -> str:
        return self.activation

    def brief(self, name: str, architecture: str, depth: int, width: int) -> str:
        return f"{architecture} d{depth} f{width} k{self.kernel_size} {self.activation}"

    @staticmethod
    def fused(
        kinds: "Sequence[Stack]", layout: Layout, seeds: Sequence[int], dtype: "torch.dtype | None" = None
    ) -> "FusedStack":
        """Networks of one layout as one; network k starts like ``kinds[k].build(layout, seeds[k])``.

        The kinds may differ only in `fused_over`. The network computes in `dtype`, float32 by default. Raises KeyError
        for an unknown activation or initialisation.
        """
        import torch

        from models.fused import FusedStack
        from models.initialisation import initial_parameters

        shape = StackShape.of(layout)
        singles = [
            initial_parameters(shape, kind.initialisation, seed) for kind, seed in zip(kinds, seeds, strict=True)
        ]
        values = {name: torch.stack([single[name] for single in singles]) for name in shape.tensors()}
        return FusedStack(shape, [kind.activation for kind in kinds], values, dtype or torch.float32)

    @staticmethod
    def load_fused(network: "BlockNetwork", values: "Mapping[str, Tensor]") -> None:
        """Copy values by the names of `StackShape.tensors` into a network of the same layout, converting their type.

        Network k of a `FusedStack` has ``{name: fused.value(name)[k]}``.
        """
        import torch

        with torch.no_grad():
            for name in ("weight", "bias"):
                network.stem.get_parameter(name).copy_(values[f"embedding.{name}"])
                network.head.get_parameter(f"1.{name}").copy_(values[f"head.{name}"])
                for number, value in enumerate(values[f"blocks.{name}"]):
                    network.block(number).branch.get_parameter(name).copy_(value)
