"""Interventions: everything a study can do to the blocks of a network in one forward pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from torch import Tensor

# Not with `|`: torch is not imported here.
Gate = Union[float, "Tensor"]
"""Factor of a branch's output: a number, or one per sample, (batch,)."""
Route = Union[bool, "Tensor"]
"""Whether the gradient goes through a branch: for all samples, or per sample, bool (batch,)."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """Gates, routes and an order. Gates and routes go by block number; blocks without one stay as they are.

    - `gates` multiply a branch's output. A branch whose gate is the number 0 is not computed, so its batch norms see
      nothing either.
    - `routes` change no value, but send the gradient one way through a stage (P2, 1605.06431): through the branch whose
      route is True, or else through the skip connection. In a stage without routes the gradient goes through all
      branches and the skip connection.
    - `order` runs the branch of block ``order[i]`` in the place of block i; skip connections stay where they are. A
      block keeps its gate and route in its new place.
    """

    gates: Mapping[int, Gate] = field(default_factory=dict)
    routes: Mapping[int, Route] = field(default_factory=dict)
    order: tuple[int, ...] | None = None

    @classmethod
    def dropping(cls, blocks: Iterable[int]) -> "Intervention":
        """Deletes blocks: ``y = skip(h)`` (P2, 1605.06431)."""
        return cls(gates=dict.fromkeys(blocks, 0.0))

    @classmethod
    def along(cls, paths: "Tensor") -> "Intervention":
        """Sends the gradient along one path, bool (blocks,), or along one per sample, bool (batch, blocks).

        True sends it through the block's branch only, False through the skip connection only.
        """
        return cls(routes=dict(enumerate(paths.tolist() if paths.ndim == 1 else paths.T)))

    @property
    def dropped(self) -> frozenset[int]:
        """The blocks deleted for all samples."""
        return frozenset(block for block, gate in self.gates.items() if is_zero(gate))

    def block_at(self, place: int) -> int:
        """The block that runs in the place of block `place`."""
        return place if self.order is None else self.order[place]


NO_INTERVENTION = Intervention()


def is_zero(gate: Gate) -> bool:
    """Whether the gate is the number 0; per-sample gates are not, whatever their values."""
    return isinstance(gate, int | float) and gate == 0


def per_sample(values: "Tensor", like: "Tensor") -> "Tensor":
    """Values (batch,) on the device of `like`, (batch, ...), in a shape that broadcasts over its samples."""
    return values.to(like.device).view(-1, *[1] * (like.ndim - 1))
