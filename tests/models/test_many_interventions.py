"""Interventions computed together are the interventions computed one by one, with less work."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from models.blocks import BlockNetwork
from models.droppath import DropPath
from models.intervention import NO_INTERVENTION, Intervention
from models.kind import NetworkKind
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.stack import Stack
from models.many_interventions import held_values, lesioned


def stack(depth: int, branches: int, inputs: tuple[int, int, int], width: int = 2) -> BlockNetwork:
    return Stack().network(depth=depth, width=width, inputs=inputs, classes=3, branches=branches)


def swaps(network: BlockNetwork) -> list[Intervention]:
    """Every exchange of two blocks of one shape, half of them with a block deleted as well."""
    interventions: list[Intervention] = []
    for one, other in (pair for group in network.interchangeable for pair in combinations(group, 2)):
        order = list(range(len(network.blocks)))
        order[one], order[other] = other, one
        interventions.append(Intervention({one: 0.0} if len(interventions) % 2 else {}, order=tuple(order)))
    return interventions


def many(network: BlockNetwork) -> list[Intervention]:
    blocks = range(len(network.blocks))
    scaled = DropPath(0.5, rescale="evaluation").evaluation(len(blocks))
    return [
        scaled,
        *(Intervention.dropping([block]) for block in blocks),
        *(Intervention({**scaled.gates, block: 0.0}) for block in blocks),
        NO_INTERVENTION,
        *(Intervention.dropping(pair) for pair in combinations(blocks, 2)),
        *swaps(network),
        Intervention.dropping(blocks),
        Intervention(order=tuple(blocks)),
    ]


def together(network: BlockNetwork, images: Tensor, interventions: Sequence[Intervention]) -> list[Tensor]:
    logits: dict[int, Tensor] = {}
    for places, values in lesioned(network, images, interventions):
        assert not logits.keys() & set(places)
        logits.update(dict.fromkeys(places, values))
    return [logits[place] for place in range(len(interventions))]


def count_calls(network: BlockNetwork) -> Counter[str]:
    """Counts the calls of stem, head, branches (by number) and skips from now on."""
    calls: Counter[str] = Counter()

    def counted(module: nn.Module, name: str) -> None:
        module.register_forward_hook(lambda *_: calls.update([name]))

    for name in ("stem", "head"):
        counted(network.get_submodule(name), name)
    for number in range(len(network.blocks)):
        counted(network.block(number).branch, f"branch {number}")
        counted(network.block(number).skip, f"skip {number}")
    return calls


@torch.inference_mode()
def test_each_result_is_that_of_the_intervention_alone(network: BlockNetwork, images: Tensor) -> None:
    interventions = many(network)
    results = together(network, images, interventions)
    for intervention, logits in zip(interventions, results, strict=True):
        assert torch.equal(logits, network(images, intervention))
    assert len({tuple(logits.flatten().tolist()) for logits in results}) > len(network.blocks)


def test_a_parallel_stage_computes_each_branch_once() -> None:
    network = stack(6, 6, (1, 5, 5)).eval()
    calls = count_calls(network)
    interventions = [NO_INTERVENTION, *(Intervention.dropping(pair) for pair in combinations(range(6), 2))]
    together(network, torch.ones(2, 1, 5, 5), interventions)
    assert calls == {"stem": 1, "skip 0": 1, "head": 16, **{f"branch {number}": 1 for number in range(6)}}


def test_a_sequence_is_computed_only_from_the_deleted_block_on() -> None:
    network = stack(6, 1, (1, 5, 5)).eval()
    calls = count_calls(network)
    together(
        network, torch.ones(2, 1, 5, 5), [NO_INTERVENTION, *(Intervention.dropping([block]) for block in range(6))]
    )
    # Block i runs in the whole network, and in each that lacks an earlier block.
    assert {number: calls[f"branch {number}"] for number in range(6)} == {n: n + 1 for n in range(6)}
    assert (calls["stem"], calls["head"]) == (1, 7)


def test_two_gates_of_a_branch_share_its_output() -> None:
    network = stack(4, 2, (1, 5, 5)).eval()
    calls = count_calls(network)
    together(
        network,
        torch.ones(2, 1, 5, 5),
        [NO_INTERVENTION, Intervention({1: 0.5}), Intervention({1: 0.0}), Intervention({3: 2})],
    )
    assert [calls[f"branch {number}"] for number in range(4)] == [1, 1, 3, 3]


def test_interventions_that_come_to_the_same_are_one() -> None:
    network = stack(4, 1, (1, 5, 5)).eval()
    same = [NO_INTERVENTION, Intervention({2: 1.0}), Intervention(order=(0, 1, 2, 3)), Intervention({1: 0.0})]
    calls = count_calls(network)
    places = [list(reached) for reached, _ in lesioned(network, torch.ones(2, 1, 5, 5), same)]
    assert sorted(places) == [[0, 1, 2], [3]]
    assert calls["head"] == 2


def most_alive(modules: Iterable[nn.Module]) -> Callable[[], int]:
    """The most outputs of the modules that are alive when one of them gives another."""
    alive: set[int] = set()
    counts = [0]

    def hold(module: nn.Module, inputs: object, output: Tensor) -> None:
        alive.add(id(output))
        weakref.finalize(output, alive.discard, id(output))
        counts.append(len(alive))

    for module in modules:
        module.register_forward_hook(hold)
    return lambda: max(counts)


@pytest.mark.parametrize(
    ("interventions", "most"),
    [
        ([NO_INTERVENTION], 2),
        ([Intervention.dropping([block]) for block in range(12)], 3),
        ([Intervention.dropping([block]) for block in reversed(range(12))], 3),
        ([Intervention.dropping(pair) for pair in combinations(range(12), 2)], 4),
        ([Intervention({0: number / 9}) for number in range(9)], 3),
    ],
    ids=["one", "deletions", "reversed", "pairs", "gates"],
)
@torch.inference_mode()
def test_inputs_are_held_only_where_interventions_part(interventions: list[Intervention], most: int) -> None:
    network = stack(12, 1, (1, 8, 8), 4).eval()
    states = most_alive([network.stem, *(network.block(number).after for number in range(12))])
    for _ in lesioned(network, torch.ones(1, 1, 8, 8), interventions):
        pass
    assert states() <= most
    assert most <= len(interventions).bit_length() + 2


@torch.inference_mode()
def test_what_is_held_of_a_parallel_stage_is_each_branch_once() -> None:
    blocks = range(6)
    network = stack(6, 6, (1, 8, 8), 4).eval()
    branches = most_alive(network.block(number).branch for number in blocks)
    for _ in lesioned(
        network, torch.ones(1, 1, 8, 8), [Intervention.dropping(pair) for pair in combinations(blocks, 2)]
    ):
        pass
    assert branches() == 6


def test_values_held_are_those_of_the_largest_stages() -> None:
    mixed = stack(6, 3, (1, 5, 4))
    assert held_values(mixed, 1) == held_values(mixed, 1000) == 2 * (40 + 3 * 40)
    resnet = ResNet().network(depth=20, width=2, inputs=(3, 8, 8), classes=10)
    assert held_values(resnet, 1) == 2 * (128 + 128)
    assert held_values(resnet, 7) == 3 * (128 + 128) + (128 + 64)
    assert held_values(resnet, 1000) == 3 * (128 + 128) + (128 + 64) + 2 * (64 + 64) + (64 + 32) + 2 * (32 + 32)


def test_thousands_of_stages_are_no_recursion() -> None:
    network = Stack(1).network(depth=1500, width=1, inputs=(1, 1, 1), classes=2).eval()
    [(places, logits)] = lesioned(network, torch.ones(1, 1, 1, 1), [NO_INTERVENTION])
    assert list(places) == [0]
    assert torch.equal(logits, network(torch.ones(1, 1, 1, 1)))


def test_no_interventions_are_no_results() -> None:
    network = stack(2, 1, (1, 5, 5))
    calls = count_calls(network)
    assert not list(lesioned(network, torch.ones(2, 1, 5, 5), []))
    assert not calls


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (Intervention(routes={0: True}), "without routes"),
        (Intervention({0: torch.ones(2)}), "numbers as gates"),
        (Intervention({9: 0.0}), "there is no \\[9\\]"),
    ],
)
def test_interventions_that_cannot_be_computed_together_are_refused(intervention: Intervention, message: str) -> None:
    network = stack(2, 1, (1, 5, 5))
    with pytest.raises(ValueError, match=message):
        next(lesioned(network, torch.ones(2, 1, 5, 5), [NO_INTERVENTION, intervention]))


def test_a_rearranged_network_shares_its_parameters(network: BlockNetwork, images: Tensor) -> None:
    stages = [len(stage) for stage in network.stages]
    same = network.rearranged(stages)
    assert not same.training
    assert [id(value) for value in same.parameters()] == [id(value) for value in network.parameters()]
    assert same.state_dict().keys() == network.state_dict().keys()
    assert torch.equal(same(images), network(images))


@pytest.mark.parametrize("kind", [ResNet(), PreActivationResNet()], ids=["post", "pre"])
def test_a_rearranged_resnet_is_the_one_built_that_way(kind: NetworkKind) -> None:
    deep, parallel = (
        kind.network(depth=20, width=2, inputs=(3, 32, 32), classes=10, branches=branches).eval() for branches in (1, 2)
    )
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    regrouped = deep.rearranged([len(stage) for stage in parallel.stages])
    assert torch.equal(regrouped(images), parallel(images))
    assert not torch.equal(regrouped(images), deep(images))


def test_blocks_of_two_shapes_are_not_put_into_one_stage() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        ResNet().network(depth=14, width=2, inputs=(3, 8, 8), classes=10).rearranged([3, 3])
    with pytest.raises(ValueError, match="do not make a network of 4"):
        stack(4, 1, (1, 4, 4)).rearranged([2, 1])
