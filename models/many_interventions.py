"""Many interventions on one batch, computing only once what they have in common."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from heapq import nlargest
from math import prod

from torch import Tensor, nn

from models.blocks import BlockNetwork
from models.intervention import Intervention, Route, is_zero

Reached = tuple[Sequence[int], Tensor]
"""Places of interventions in the given sequence, and the values that they all lead to."""


def lesioned(network: BlockNetwork, images: Tensor, interventions: Sequence[Intervention]) -> Iterator[Reached]:
    """Logits (batch, classes) of every intervention, bit-equal to ``network(images, intervention)`` on a CPU.

    Each result comes with the places in `interventions` that lead to it; each place comes once. The walk over the
    stages is a prefix tree, depth first. Interventions that do the same to a stage with the same input share its
    output; others share the outputs of its branches and its skip connection. The output that most interventions share
    comes last, when its input is no longer needed, so that memory holds few inputs at a time: see `held_values`.

    The network must be in evaluation mode. Raises ValueError like `BlockNetwork.check`, and for interventions with
    routes or per-sample gates.
    """
    for intervention in interventions:
        network.check(intervention)
        if intervention.routes or any(isinstance(gate, Tensor) for gate in intervention.gates.values()):
            raise ValueError("only interventions without routes and with numbers as gates are computed together")
    if not interventions:
        return
    # A stack of iterators rather than recursion, as a network may have thousands of stages.
    branchings = [_outputs(network, 0, range(len(interventions)), network.stem(images), interventions)]
    while branchings:
        reached = next(branchings[-1], None)
        if reached is None:
            branchings.pop()
        elif len(branchings) == len(network.stages):
            yield reached[0], network.head(reached[1])
        else:
            branchings.append(_outputs(network, len(branchings), *reached, interventions))


def held_values(network: BlockNetwork, interventions: int) -> int:
    """The most values of one image that `lesioned` holds at a time, for `interventions` interventions.

    It holds the input of a stage and the outputs of its branches while at most half of the interventions that reached
    the stage go on. So it holds at most one stage per halving and the current one. Values within a branch do not count.
    """
    shapes = [[network.block(number).shape for number in stage] for stage in network.stages]
    stages = [prod(stage[0].inputs) + sum(prod(shape.outputs) for shape in stage) for stage in shapes]
    return sum(nlargest(interventions.bit_length() + 1, stages))


class _Remembering:
    """Calls each module once, and keeps its output until the last of the expected calls."""

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
    network: BlockNetwork, stage: int, places: Sequence[int], hidden: Tensor, interventions: Sequence[Intervention]
) -> Iterator[Reached]:
    """The outputs of a stage for one input, each with the places of its interventions."""
    alike: dict[Hashable, list[int]] = {}
    calls: Counter[nn.Module] = Counter()
    for place in places:
        done = _done_to(network, stage, interventions[place])
        if done not in alike:
            calls.update(network.block(block).branch for block, _ in done)
        alike.setdefault(done, []).append(place)
    calls[network.block(network.stages[stage][0]).skip] += len(alike)
    run = _Remembering(calls)
    *smaller, largest = sorted(alike.values(), key=len)
    for reached in smaller:
        yield reached, network.advance(stage, hidden, interventions[reached[0]], run)
    # Let go of the input before the walk goes on from the last output.
    inputs = [hidden]
    del hidden
    yield largest, network.advance(stage, inputs.pop(), interventions[largest[0]], run)


def _done_to(network: BlockNetwork, stage: int, intervention: Intervention) -> tuple[tuple[int, object], ...]:
    """The blocks that run in a stage, in order, with their gates."""
    members = [intervention.block_at(number) for number in network.stages[stage]]
    gates = [(block, intervention.gates.get(block, 1.0)) for block in members]
    return tuple((block, gate) for block, gate in gates if not is_zero(gate))
