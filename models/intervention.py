"""Interventions: all that a study can do to the blocks of a network in one forward pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

Gate = float | Tensor
"""A branch's output is multiplied by it: a number, or one for each sample, (batch,)."""
Route = bool | Tensor
"""Whether the gradient goes through a branch: for all samples, or for each, bool (batch,)."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """Gates, routes and an order. Gates and routes are given by the number of the block; other blocks stay as they are.

    - `gates` multiply a branch's output. A branch whose gate is the number 0 is not computed, so that its batch norms
      see nothing either.
    - `routes` change no value, but send the gradient one way through a stage (P2, 1605.06431): through the branch whose
      route is True, or through the skip connection where no branch's is. Where no block of a stage has a route, the
      gradient goes through all its branches and the skip connection.
    - `order` runs the branch of block ``order[i]`` in the place of block i; skip connections stay where they are. Gates
      and routes go with a block to its new place.
    """

    gates: Mapping[int, Gate] = field(default_factory=dict)
    routes: Mapping[int, Route] = field(default_factory=dict)
    order: tuple[int, ...] | None = None

    @classmethod
    def dropping(cls, blocks: Iterable[int]) -> "Intervention":
        """The blocks are deleted, ``y = skip(h)`` (P2, 1605.06431)."""
        return cls(gates=dict.fromkeys(blocks, 0.0))

    @classmethod
    def along(cls, paths: Tensor) -> "Intervention":
        """The gradient goes along one path, bool (blocks,), or along one for each sample, bool (batch, blocks).

        True sends it through the block's branch alone, False through the skip connection alone.
        """
        return cls(routes=dict(enumerate(paths.tolist() if paths.ndim == 1 else paths.T)))

    @property
    def dropped(self) -> frozenset[int]:
        """The blocks that are deleted for all samples."""
        return frozenset(block for block, gate in self.gates.items() if is_zero(gate))

    def block_at(self, place: int) -> int:
        """The block that runs in the place of block `place`."""
        return place if self.order is None else self.order[place]


NO_INTERVENTION = Intervention()


def is_zero(gate: Gate) -> bool:
    """Whether the gate is the number 0. A gate for each sample does not count, whatever its values."""
    return not isinstance(gate, Tensor) and gate == 0


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """Values (batch,) in a shape and on the device to multiply the samples of `like`, (batch, ...)."""
    return values.to(like.device).view(-1, *[1] * (like.ndim - 1))
