"""A network as a list of layers: its size and cost without torch, and its modules with it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from math import prod
from typing import TYPE_CHECKING

from models.layers import ImageShape, Layer, Size

if TYPE_CHECKING:
    from torch import nn

    from models.blocks import BlockNetwork

Part = Layer | tuple[Layer, ...]
"""One layer, which becomes a bare module, or several in a row, which become an `nn.Sequential`."""


@dataclass(frozen=True)
class BlockShape:
    """Sizes of a block's input and of what joins skip connection and branch. Blocks of one shape can trade places."""

    inputs: Size
    outputs: Size


@dataclass(frozen=True)
class BlockLayout:
    """The layers of a block, ``after(skip(h) + branch(h))``; `skip` and `after` default to the identity.

    A block that is not `residual` is ``after(branch(h))``, and `skip` replaces its branch where that is deleted. A
    block that `appends` is ``after([h, branch(h)])``, as in a DenseNet: it puts the branch's channels after its
    input's. Raises ValueError if a layer does not fit the one before it, or the skip connection does not fit the
    branch.
    """

    branch: Part
    skip: Part | None = None
    after: Part | None = None
    residual: bool = True
    appends: bool = False

    def __post_init__(self) -> None:
        _make_tuples(self, "branch", "skip", "after")
        if not layers_of(self.branch):
            raise ValueError("a block needs a branch of at least one layer")
        shape = self.shape
        _flow("branch", self.branch, shape.inputs)
        skipped = _flow("skip connection", self.skip, shape.inputs)
        if self.appends:
            if self.skip is not None or not self.residual or skipped[1:] != shape.outputs[1:]:
                raise ValueError("a block that appends needs the identity beside a branch that keeps the sides")
        elif skipped != shape.outputs:
            raise ValueError(f"a block from {shape.inputs} to {shape.outputs} needs a skip connection of these sizes")
        _flow("part after a block", self.after, shape.outputs)

    @property
    def shape(self) -> BlockShape:
        """Sizes of the block's input, and of its output before `after`."""
        layers = layers_of(self.branch)
        inputs, outputs = layers[0].inputs, layers[-1].outputs
        if self.appends:
            outputs = (inputs[0] + outputs[0], *outputs[1:])
        return BlockShape(inputs, outputs)

    @property
    def outputs(self) -> Size:
        """Size of the block's output, after `after`."""
        return layers_of(self.after)[-1].outputs if self.after else self.shape.outputs


@dataclass(frozen=True)
class Layout:
    """A network from images of `input_shape`, (channels, height, width), to logits, (classes,).

    `stages` is the number of blocks in each stage, as `in_stages` gives it. The blocks of a stage run in parallel and
    share the skip connection of the first one and what comes after the last one. Raises ValueError if a part does not
    fit the one before it, the stages do not fit the blocks, or blocks cannot run in parallel.
    """

    input_shape: ImageShape
    classes: int
    stem: Part | None
    blocks: tuple[BlockLayout, ...]
    head: Part
    stages: tuple[int, ...]

    def __post_init__(self) -> None:
        _make_tuples(self, "input_shape", "stem", "blocks", "head", "stages")
        if not self.blocks:
            raise ValueError("a network needs at least one block")
        shapes = self.block_shapes()
        hidden = _flow("stem", self.stem, self.input_shape)
        closing = [number for number, block in enumerate(self.blocks) if _has_parameters(block.after)]
        for stage in numbered(self.stages, shapes, closing):
            if shapes[stage[0]].inputs != hidden:
                raise ValueError(f"block {stage[0]} takes {shapes[stage[0]].inputs}, but is given {hidden}")
            if len(stage) > 1 and not all(self.blocks[number].residual for number in stage):
                raise ValueError(f"blocks {list(stage)} cannot run in parallel without skip connections")
            hidden = self.blocks[stage[-1]].outputs
        if _flow("head", self.head, hidden) != (self.classes,):
            raise ValueError(f"the head must give values of size {(self.classes,)}, one per class")

    def block_shapes(self) -> tuple[BlockShape, ...]:
        """The shape of every block."""
        return tuple(block.shape for block in self.blocks)

    @property
    def layers_per_block(self) -> int:
        """Layers in the first block's branch, as the depth of a network counts them."""
        return sum(layer.counted for layer in layers_of(self.blocks[0].branch))

    @cached_property
    def layers(self) -> int:
        """Number of layers of every sort, activations and norms among them."""
        return sum(1 for _ in self._layers())

    @cached_property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(layer.parameters for layer in self._layers())

    @cached_property
    def least_batch(self) -> int:
        """The fewest images that the network can be trained on at once."""
        return max(layer.least_batch for layer in self._layers())

    @cached_property
    def forward_flops(self) -> int:
        """Operations of one image's forward pass, in convolutions and dense layers; a multiply-add counts as two."""
        branches = [block.branch for block in self.blocks]
        places = [part for stage in self._stages() for part in (stage[0].skip, stage[-1].after)]
        return sum(layer.flops for part in (self.stem, *branches, *places, self.head) for layer in layers_of(part))

    @cached_property
    def activation_elements(self) -> int:
        """Values that one image keeps for the backward pass of a training step, without statistics of batch norms."""
        kept: set[_Tensor] = set()
        hidden = _run(self.stem, _Tensor(prod(self.input_shape)), kept)
        for stage in self._stages():
            place, joined = stage[0], hidden
            for block in stage:
                joined = _run(block.branch, hidden, kept)
            _run(place.skip, hidden, kept)
            # A skip connection and branches join into a new tensor.
            joined = _Tensor(prod(place.shape.outputs)) if place.residual else joined
            hidden = _run(stage[-1].after, joined, kept)
        _run(self.head, hidden, kept)
        return sum(tensor.elements for tensor in kept)

    def _layers(self) -> Iterator[Layer]:
        blocks = [part for block in self.blocks for part in (block.branch, block.skip, block.after)]
        return (layer for part in (self.stem, *blocks, self.head) for layer in layers_of(part))

    def _stages(self) -> Iterator[tuple[BlockLayout, ...]]:
        for size, end in zip(self.stages, accumulate(self.stages), strict=True):
            yield self.blocks[end - size : end]

    def network(self) -> "BlockNetwork":
        """The network on torch's meta device, with parameters but no values."""
        import torch

        from models.blocks import AppendingBlock, Block, BlockNetwork, PlainBlock

        with torch.device("meta"):
            blocks: list[Block] = []
            for block in self.blocks:
                make = AppendingBlock if block.appends else Block if block.residual else PlainBlock
                blocks.append(make(block.shape, *map(_module, (block.branch, block.skip, block.after))))
            return BlockNetwork(_module(self.stem), blocks, _module(self.head), self.stages)


def in_stages(blocks: Sequence[BlockLayout], branches: int) -> tuple[int, ...]:
    """Stages of `branches` consecutive blocks of one shape; the last stage of each such run may have fewer."""
    runs = [len(list(run)) for _, run in groupby(block.shape for block in blocks)]
    return tuple(min(branches, run - first) for run in runs for first in range(0, run, branches))


def numbered(stages: Sequence[int], shapes: Sequence[BlockShape], closing: Collection[int] = ()) -> tuple[range, ...]:
    """The numbers of the blocks in each stage, given the number of blocks in each and the shape of every block.

    `closing` are the blocks that must be the last of their stage, as layers with parameters come after them. Raises
    ValueError if the stages do not fit the blocks, or blocks cannot share a stage.
    """
    if sum(stages) != len(shapes) or any(size < 1 for size in stages):
        raise ValueError(f"stages of {list(stages)} blocks do not make a network of {len(shapes)}")
    ranges = tuple(range(end - size, end) for size, end in zip(stages, accumulate(stages), strict=True))
    for stage in ranges:
        if any(shapes[number] != shapes[stage[0]] for number in stage):
            raise ValueError(f"blocks {list(stage)} cannot run in parallel: their shapes differ")
        if between := set(stage[:-1]) & set(closing):
            raise ValueError(
                f"blocks {list(stage)} cannot run in parallel: the layers after block {min(between)} have parameters"
            )
    return ranges


def layers_of(part: Part | None) -> tuple[Layer, ...]:
    """The layers of a part, in order."""
    if part is None:
        return ()
    return part if isinstance(part, tuple) else (part,)


def _has_parameters(part: Part | None) -> bool:
    return any(layer.parameters for layer in layers_of(part))


def _make_tuples(layout: object, *names: str) -> None:
    """Make lists tuples, so that layouts can be hashed."""
    for name in names:
        if isinstance(value := getattr(layout, name), list):
            object.__setattr__(layout, name, tuple(value))


@dataclass(frozen=True, eq=False)
class _Tensor:
    elements: int


def _run(part: Part | None, hidden: _Tensor, kept: set[_Tensor]) -> _Tensor:
    """The output of a part; adds what autograd keeps to `kept`."""
    for layer in layers_of(part):
        output = hidden if layer.is_view else _Tensor(prod(layer.outputs))
        tensors = {"input": hidden, "output": output, "inner": _Tensor(layer.inner)}
        kept.update(tensors[saved] for saved in layer.saves)
        hidden = output
    return hidden


def _flow(name: str, part: Part | None, size: Size) -> Size:
    """Size of a part's output. Raises ValueError if a layer does not fit its input."""
    for layer in layers_of(part):
        if layer.inputs != size:
            raise ValueError(f"a {type(layer).__name__} of the {name} takes {layer.inputs}, but is given {size}")
        size = layer.outputs
    return size


def _module(part: Part | None) -> "nn.Module":
    from torch import nn

    if isinstance(part, tuple):
        return nn.Sequential(*(layer.module() for layer in part))
    return nn.Identity() if part is None else part.module()
