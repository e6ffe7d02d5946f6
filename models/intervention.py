"""What is done to the blocks of a network in one forward pass: the one mechanism of every study that acts on blocks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

Gate = float | Tensor
"""Factor of a branch: a number, or one for each sample, (batch,)."""
Route = bool | Tensor
"""Whether the gradient takes a branch: yes or no, or one answer for each sample, bool (batch,)."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """Gates, routes and an order, by the number of the block. A block that is not named is left as it is.

    - `gates`: the branch is multiplied by its gate. Where the gate is the number 0 the branch is not computed, so its
      batch norms see nothing either.
    - `routes`: no value changes, but the gradient takes one way through a stage (P2): the branch whose route
      is True, or the skip where no branch's is. A stage none of whose blocks has a route passes the gradient through
      all its branches and the skip.
    - `order`: the branch of block ``order[i]`` runs in the place of block i; skips stay where they are. Gates and
      routes go with the block to its new place.
    """

    gates: Mapping[int, Gate] = field(default_factory=dict)
    routes: Mapping[int, Route] = field(default_factory=dict)
    order: tuple[int, ...] | None = None

    @classmethod
    def dropping(cls, blocks: Iterable[int]) -> "Intervention":
        """The blocks deleted, y = skip(h) (P2)."""
        return cls(gates=dict.fromkeys(blocks, 0.0))

    @classmethod
    def along(cls, paths: Tensor) -> "Intervention":
        """The gradient along one path, bool (blocks,), or along a path for each sample, bool (batch, blocks).

        True sends it through the block's branch alone, False through the skip alone.
        """
        return cls(routes=dict(enumerate(paths.tolist() if paths.ndim == 1 else paths.T)))

    @classmethod
    def stacked(cls, interventions: Sequence["Intervention"], batch: int) -> "Intervention":
        """All interventions in one pass over a batch repeated for each: ``hidden.repeat(len(interventions), 1, 1, 1)``.

        Samples ``[t * batch, (t + 1) * batch)`` of the result have intervention t. Raises ValueError where the orders
        differ, or where some interventions route a block that others do not.
        """
        if len({intervention.order for intervention in interventions}) > 1:
            raise ValueError("only interventions of one order can be stacked")
        if len({frozenset(intervention.routes) for intervention in interventions}) > 1:
            raise ValueError("only interventions that route the same blocks can be stacked")
        gated = {block for intervention in interventions for block in intervention.gates}
        routed = {block for intervention in interventions for block in intervention.routes}

        def column(value: Callable[["Intervention"], Gate | Route]) -> Tensor:
            return torch.cat([torch.as_tensor(value(intervention)).expand(batch) for intervention in interventions])

        return cls(
            gates={block: column(lambda t, block=block: t.gates.get(block, 1.0)) for block in sorted(gated)},
            routes={block: column(lambda t, block=block: t.routes[block]) for block in sorted(routed)},
            order=interventions[0].order if interventions else None,
        )

    @property
    def dropped(self) -> frozenset[int]:
        """Blocks deleted for all samples."""
        return frozenset(block for block, gate in self.gates.items() if is_zero(gate))

    def block_at(self, place: int) -> int:
        """The block that runs in the place of block `place`."""
        return place if self.order is None else self.order[place]


NO_INTERVENTION = Intervention()


def is_zero(gate: Gate) -> bool:
    """Whether the gate is the number 0; one gate a sample is never looked at."""
    return not isinstance(gate, Tensor) and gate == 0


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """Values (batch,) shaped and placed to act on the samples of `like`, (batch, ...)."""
    return values.to(like.device).view(-1, *[1] * (like.ndim - 1))
