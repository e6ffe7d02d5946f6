"""Networks of numbered blocks, and their common forward loop."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.intervention import NO_INTERVENTION, Gate, Intervention, Route, is_zero, per_sample
from models.layout import BlockShape, numbered

Run = Callable[[nn.Module, Tensor, Route], Tensor]
"""Calls a module with the input of its stage; the route says whether the gradient flows through the module."""


class Block(nn.Module):
    """A residual block: ``after(skip(h) + branch(h))``.

    Interventions delete, scale or move the `branch`. `skip` and `after` belong to the block's place in the network and
    stay: a post-activation ResNet still applies the relu after the addition where a block is deleted (our choice; it
    changes nothing beside an identity skip connection, where h is never negative). A transition between two groups of
    blocks is the `after` of the first group's last block.
    """

    def __init__(
        self, shape: BlockShape, branch: nn.Module, skip: nn.Module | None = None, after: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.branch = branch
        self.skip = skip or nn.Identity()
        self.after = after or nn.Identity()

    def join(self, skip: Tensor, outputs: Sequence[tuple[Tensor, Gate]]) -> Tensor:
        """The skip connection's output, (batch, ...), plus the branches' outputs times their gates.

        `outputs` has no deleted branch.
        """
        return sum((gated(output, gate) for output, gate in outputs), start=skip)


class PlainBlock(Block):
    """A block without a skip connection, ``after(branch(h))``, as in VGG; `skip` replaces a deleted branch."""

    def join(self, skip: Tensor, outputs: Sequence[tuple[Tensor, Gate]]) -> Tensor:
        if not outputs:
            return skip
        [(output, gate)] = outputs
        kept = gated(output, gate)
        return torch.where(per_sample(gate == 0, output), skip, kept) if isinstance(gate, Tensor) else kept


class AppendingBlock(Block):
    """A block that appends channels, ``after([skip(h), branch(h)])``, as in a DenseNet.

    It is the residual block whose skip connection and branch fill each other's channels with zeros, in less memory.
    """

    def join(self, skip: Tensor, outputs: Sequence[tuple[Tensor, Gate]]) -> Tensor:
        if outputs:
            (first, gate), *others = outputs
            appended = super().join(gated(first, gate), others)
        else:
            appended = skip.new_zeros(len(skip), self.shape.outputs[0] - skip.shape[1], *skip.shape[2:])
        return torch.cat([skip, appended], 1)


class BlockNetwork(nn.Module):
    """A stem, blocks and a head. ``forward`` takes images (batch, channels, height, width) to logits (batch, classes).

    Blocks are numbered from 0. A stage is a run of parallel blocks that share the skip connection of the first one and
    the `after` of the last one, ``h <- after(skip(h) + sum of branch_i(h))``. Parameters are named by block, so
    networks that differ only in their stages have the same `state_dict` keys.

    `stages` is the number of blocks in each stage; by default every block is its own stage. Raises ValueError if the
    stages do not fit the blocks, or a stage has blocks of different shapes, or layers with parameters after a block
    that is not its last.
    """

    def __init__(
        self, stem: nn.Module, blocks: Iterable[Block], head: nn.Module, stages: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        sizes = [1] * len(self.blocks) if stages is None else list(stages)
        shapes = [self.block(number).shape for number in range(len(self.blocks))]
        self.stages = numbered(sizes, shapes, self.closing)

    def block(self, number: int) -> Block:
        """Block `number`."""
        return cast(Block, self.blocks[number])

    @property
    def closing(self) -> list[int]:
        """The blocks that a transition follows: layers with parameters that no intervention deletes."""
        numbers = range(len(self.blocks))
        return [number for number in numbers if any(True for _ in self.block(number).after.parameters())]

    @property
    def interchangeable(self) -> tuple[tuple[int, ...], ...]:
        """The blocks grouped by shape; an order may permute blocks of one shape."""
        alike: dict[BlockShape, list[int]] = {}
        for number in range(len(self.blocks)):
            alike.setdefault(self.block(number).shape, []).append(number)
        return tuple(map(tuple, alike.values()))

    def forward(self, images: Tensor, intervention: Intervention = NO_INTERVENTION) -> Tensor:
        return self.head(deque(self.states(self.stem(images), intervention), maxlen=1).pop())

    def states(self, hidden: Tensor, intervention: Intervention = NO_INTERVENTION) -> Iterator[Tensor]:
        """The input of each stage, `hidden` being the first, and of the head. Raises ValueError like `check`."""
        self.check(intervention)
        for stage in range(len(self.stages)):
            yield hidden
            hidden = self.advance(stage, hidden, intervention)
        yield hidden

    def advance(
        self, stage: int, hidden: Tensor, intervention: Intervention = NO_INTERVENTION, run: Run | None = None
    ) -> Tensor:
        """The output of stage `stage` for the input `hidden`. The intervention must have passed `check`.

        `run` calls the skip connection and the branches, and may share their outputs between interventions.
        """
        run = run or _through
        first, last = self.block(self.stages[stage][0]), self.block(self.stages[stage][-1])
        members = [intervention.block_at(number) for number in self.stages[stage]]
        routed = any(block in intervention.routes for block in members)
        outputs, skip_route = [], True
        for block in members:
            route = intervention.routes.get(block, not routed)
            gate = intervention.gates.get(block, 1.0)
            if routed:
                skip_route = skip_route & (route ^ True)
            if not is_zero(gate):
                outputs.append((run(self.block(block).branch, hidden, route), gate))
        return last.after(first.join(run(first.skip, hidden, skip_route), outputs))

    def rearranged(self, stages: Sequence[int]) -> "BlockNetwork":
        """A network that shares the modules and parameters, but has `stages` blocks in each stage.

        Each stage keeps the skip connection of its first block only, and the `after` of its last one. Raises ValueError
        like `BlockNetwork`.
        """
        network = BlockNetwork(self.stem, cast(Iterable[Block], self.blocks), self.head, stages)
        network.training = self.training
        return network

    def check(self, intervention: Intervention) -> None:
        """Raises ValueError if the intervention does not fit the network.

        It must not name an unknown block, have an order that is no permutation, move a block to a place of another
        shape, or send the gradient through two branches of one stage.
        """
        total = len(self.blocks)
        unknown = (intervention.gates.keys() | intervention.routes.keys()) - set(range(total))
        if unknown:
            raise ValueError(f"the network has {total} blocks, numbered from 0; there is no {sorted(unknown)}")
        if intervention.order is not None:
            if sorted(intervention.order) != list(range(total)):
                raise ValueError(f"an order must name each of the {total} blocks once")
            for place, block in enumerate(intervention.order):
                if self.block(place).shape != self.block(block).shape:
                    raise ValueError(f"block {block} cannot take the place of block {place}: their shapes differ")
        for stage in self.stages if intervention.routes else ():
            routes = [intervention.routes.get(intervention.block_at(place), False) for place in stage]
            if len(stage) > 1 and torch.as_tensor(sum(routes) > 1).any():
                raise ValueError(f"the gradient can take at most one branch of blocks {list(stage)}")


def gated(output: Tensor, gate: Gate) -> Tensor:
    """A branch's output times its gate."""
    if isinstance(gate, Tensor):
        return output * per_sample(gate, output).to(output.dtype)
    return output if gate == 1 else output * gate


def _through(module: nn.Module, hidden: Tensor, route: Route) -> Tensor:
    """``module(hidden)``, with a gradient only for the samples that the route selects."""
    if isinstance(route, Tensor):
        output = module(hidden)
        return torch.where(per_sample(route, output), output, output.detach())
    if route:
        return module(hidden)
    with torch.no_grad():
        return module(hidden).detach()
