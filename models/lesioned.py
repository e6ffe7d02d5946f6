"""Many treatments of one batch at once, with everything they have in common computed once."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from math import prod

from torch import Tensor, nn

from models.blocks import BlockNetwork
from models.treatment import Route, Treatment, is_zero

Reached = tuple[Sequence[int], Tensor]
"""Places of treatments in the sequence given, and what all of them come to."""


def lesioned(network: BlockNetwork, images: Tensor, treatments: Sequence[Treatment]) -> Iterator[Reached]:
    """Logits (batch, classes) of every treatment, bit-equal to ``network(images, treatment)`` on a CPU.

    Yields them once for all treatments that come to the same, with the places of these in `treatments`; each place
    comes once. The stages are walked as a prefix tree, depth first: treatments that do the same to a stage of one input
    share its output, others share the outputs of its branches and of its skip connection. What is held at a time is
    bounded by `held_values`.

    For networks in evaluation mode. Raises ValueError as `BlockNetwork.check`, for a treatment with routes and for one
    whose gates are not numbers.
    """
    for treatment in treatments:
        network.check(treatment)
        if treatment.routes or any(isinstance(gate, Tensor) for gate in treatment.gates.values()):
            raise ValueError("only treatments without routes whose gates are numbers are computed together")
    # A stack of iterators and no recursion, as a network may have thousands of stages.
    branchings: list[Iterator[Reached]] = []
    if treatments:
        branchings.append(iter([(range(len(treatments)), network.stem(images))]))
    while branchings:
        reached = next(branchings[-1], None)
        if reached is None:
            branchings.pop()
        elif len(branchings) > len(network.stages):
            yield reached[0], network.head(reached[1])
        else:
            branchings.append(_outputs(network, len(branchings) - 1, *reached, treatments))


def held_values(network: BlockNetwork) -> int:
    """Values that one image takes up at most while treatments share them: inputs of stages and outputs of branches."""
    shapes = [network.block(number).shape for number in range(len(network.blocks))]
    return sum(prod(shape.inputs) + prod(shape.outputs) for shape in shapes)


class _Remembering:
    """Calls each module once, and remembers its output for as many calls as are still to come."""

    def __init__(self, calls: Counter[nn.Module]) -> None:
        self.calls = calls
        self.outputs: dict[nn.Module, Tensor] = {}

    def __call__(self, module: nn.Module, hidden: Tensor, route: Route) -> Tensor:
        self.calls[module] -= 1
        output = self.outputs.pop(module) if module in self.outputs else module(hidden)
        if self.calls[module]:
            self.outputs[module] = output
        return output


def _outputs(
    network: BlockNetwork, stage: int, places: Sequence[int], hidden: Tensor, treatments: Sequence[Treatment]
) -> Iterator[Reached]:
    """Every different output of a stage of one input, with the places of the treatments that lead to it."""
    groups: dict[Hashable, list[int]] = {}
    calls: Counter[nn.Module] = Counter()
    for place in places:
        done = _done_to(network, stage, treatments[place])
        if done not in groups:
            calls.update(network.block(block).branch for block, _ in done)
        groups.setdefault(done, []).append(place)
    calls[network.block(network.stages[stage][0]).skip] += len(groups)
    run = _Remembering(calls)
    for group in groups.values():
        yield group, network.advance(stage, hidden, treatments[group[0]], run)


def _done_to(network: BlockNetwork, stage: int, treatment: Treatment) -> tuple[tuple[int, object], ...]:
    """The blocks that run in a stage, in their order, with their gates."""
    members = [treatment.block_at(number) for number in network.stages[stage]]
    gates = [(block, treatment.gates.get(block, 1.0)) for block in members]
    return tuple((block, gate) for block, gate in gates if not is_zero(gate))
