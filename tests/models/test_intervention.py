"""What is done to blocks is exactly what it says, in every kind of network."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from models.blocks import AppendingBlock, Block, BlockNetwork, PlainBlock
from models.intervention import NO_INTERVENTION, Intervention
from models.layers import OptionA

Bare = Callable[..., BlockNetwork]


def numbers(network: BlockNetwork) -> range:
    return range(len(network.blocks))


def without(network: BlockNetwork, removed: set[int]) -> BlockNetwork:
    """The network built without some blocks. Where a block changes the shape its skip connection must stay."""
    blocks, stages = [], []
    for stage in network.stages:
        kept = [network.block(number) for number in stage if number not in removed]
        first, last = network.block(stage[0]), network.block(stage[-1])
        if kept:
            afters = [*[None] * (len(kept) - 1), last.after]
            kept = [
                type(block)(block.shape, block.branch, first.skip, after)
                for block, after in zip(kept, afters, strict=True)
            ]
        elif first.shape.inputs != first.shape.outputs or not isinstance(last.after, nn.Identity | nn.ReLU):
            zeros = OptionA(first.shape.inputs, first.shape.outputs).module()
            kept = [
                PlainBlock(first.shape, zeros if isinstance(first, AppendingBlock) else first.skip, after=last.after)
            ]
        blocks += kept
        stages += [len(kept)] if kept else []
    return BlockNetwork(network.stem, blocks, network.head, stages)


def permuted(network: BlockNetwork, order: Sequence[int]) -> BlockNetwork:
    """A copy of the network whose branches have changed places."""
    copy = deepcopy(network)
    for place, block in enumerate(order):
        copy.block(place).branch = network.block(block).branch
    return copy


def some_order(network: BlockNetwork, seed: int) -> tuple[int, ...]:
    order = list(numbers(network))
    generator = torch.Generator().manual_seed(seed)
    for group in network.interchangeable:
        for place, index in zip(group, torch.randperm(len(group), generator=generator).tolist(), strict=True):
            order[place] = group[index]
    return tuple(order)


def all_paths(network: BlockNetwork) -> Tensor:
    """Every way through the network, bool (paths, blocks)."""
    paths = list(product(*[(None, *stage) for stage in network.stages]))
    return torch.tensor([[block in path for block in numbers(network)] for path in paths])


def gradient(network: BlockNetwork, images: Tensor, intervention: Intervention) -> Tensor:
    """Of the logits weighted by 1, 2, ..., at the images; zero where no path is left."""
    images = images.clone().requires_grad_()
    logits = network(images, intervention)
    if not logits.requires_grad:
        return torch.zeros_like(images)
    return derivative(lambda _: logits, images, weights_of(logits))


def weights_of(logits: Tensor) -> Tensor:
    return torch.arange(1.0, logits.shape[1] + 1, dtype=logits.dtype).expand_as(logits)


def derivative(function: Callable[[Tensor], Tensor], at: Tensor, upstream: Tensor) -> Tensor:
    """The upstream gradient times the derivative of one function alone."""
    at = at if at.requires_grad else at.detach().requires_grad_()
    (result,) = torch.autograd.grad(function(at), at, upstream, allow_unused=True)
    return torch.zeros_like(at) if result is None else result


def handmade(network: BlockNetwork, images: Tensor, path: set[int]) -> Tensor:
    """The gradient along one path, multiplied up from the derivatives of the pieces on it."""
    states = [network.stem(images)]
    sums = []
    for stage in network.stages:
        sums.append(joined(network, stage, states[-1]))
        states.append(network.block(stage[-1]).after(sums[-1]))
    result = derivative(network.head, states[-1], weights_of(network.head(states[-1])))
    for stage, state, total in reversed(list(zip(network.stages, states, sums, strict=False))):
        first, last = network.block(stage[0]), network.block(stage[-1])
        result = derivative(last.after, total, result)
        chosen = [network.block(number).branch for number in stage if number in path]
        if not chosen and isinstance(first, PlainBlock):
            return torch.zeros_like(images)
        result = derivative(partial(one_way, first, chosen), state, result)
    return derivative(network.stem, images, result)


def joined(network: BlockNetwork, stage: Sequence[int], hidden: Tensor) -> Tensor:
    """What a stage makes of its input, before its `after`."""
    first, outputs = network.block(stage[0]), [network.block(number).branch(hidden) for number in stage]
    if isinstance(first, PlainBlock):
        return outputs[0]
    return torch.cat([hidden, *outputs], 1) if isinstance(first, AppendingBlock) else first.skip(hidden) + sum(outputs)


def one_way(first: Block, chosen: Sequence[nn.Module], hidden: Tensor) -> Tensor:
    """The output of the branch of a stage that is chosen, or else of its skip connection, where the stage puts it."""
    way = chosen[0](hidden) if chosen else first.skip(hidden)
    if not isinstance(first, AppendingBlock):
        return way
    zeros = way.new_zeros(len(way), first.shape.outputs[0] - way.shape[1], *way.shape[2:])
    return torch.cat([zeros, way] if chosen else [way, zeros], 1)


def three_quarters(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return 0.75 * output


def test_a_network_is_its_equation(network: BlockNetwork, images: Tensor) -> None:
    hidden = network.stem(images)
    for stage in network.stages:
        hidden = network.block(stage[-1]).after(joined(network, stage, hidden))
    torch.testing.assert_close(network(images), network.head(hidden), rtol=1e-12, atol=1e-12)


def test_a_deleted_block_leaves_the_network_built_without_it(network: BlockNetwork, images: Tensor) -> None:
    whole = network(images)
    for block in numbers(network):
        deleted = network(images, Intervention.dropping([block]))
        assert torch.equal(deleted, without(network, {block})(images))
        assert not torch.equal(deleted, whole)


def test_deleted_blocks_leave_the_network_built_without_them(network: BlockNetwork, images: Tensor) -> None:
    for step in (1, 2, 3):
        blocks = set(numbers(network)[::step])
        intervention = Intervention.dropping(blocks)
        assert intervention.dropped == blocks
        assert torch.equal(network(images, intervention), without(network, blocks)(images))


def test_a_deleted_block_sees_nothing(network: BlockNetwork, images: Tensor) -> None:
    network.train()
    before = [deepcopy(network.block(number).branch.state_dict()) for number in numbers(network)]
    network(images, Intervention.dropping(numbers(network)[::2]))
    for number, state in enumerate(before):
        now = network.block(number).branch.state_dict()
        same = all(torch.equal(state[name], now[name]) for name in state)
        assert same == (number % 2 == 0 or not any("running" in name for name in state))


def test_a_reordered_network_is_the_network_with_its_blocks_permuted(network: BlockNetwork, images: Tensor) -> None:
    for seed in range(3):
        order = some_order(network, seed)
        assert torch.equal(network(images, Intervention(order=order)), permuted(network, order)(images))


def test_gates_go_with_a_block_to_its_new_place(network: BlockNetwork, images: Tensor) -> None:
    order = some_order(network, 1)
    moved = permuted(network, order)
    for place, block in enumerate(order):
        changed = network(images, Intervention(gates={block: 0.0}, order=order))
        assert torch.equal(changed, moved(images, Intervention(gates={place: 0.0})))


def test_routes_go_with_a_block_to_its_new_place(bare: Bare) -> None:
    network = bare(4, 3, seed=1).double()
    order, crossed = (2, 0, 3, 1), torch.tensor([False, True, True, False])
    vectors = torch.eye(3, dtype=torch.float64)
    intervention = Intervention(routes=Intervention.along(crossed).routes, order=order)
    places = crossed[list(order)]
    expected = gradient(permuted(network, order), vectors, Intervention.along(places))
    assert torch.equal(gradient(network, vectors, intervention), expected)


def test_arrangements_of_a_parallel_stage_do_not_matter(bare: Bare) -> None:
    network = bare(4, 3, branches=4).double()
    vectors = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(network(vectors, Intervention(order=(3, 1, 0, 2))), network(vectors))


def test_a_gate_multiplies_the_branch(network: BlockNetwork, images: Tensor) -> None:
    for block in numbers(network):
        scaled = deepcopy(network)
        scaled.block(block).branch.register_forward_hook(three_quarters)
        expected = scaled(images)
        assert torch.equal(network(images, Intervention({block: 0.75})), expected)
        per_sample = torch.full((len(images),), 0.75)
        assert torch.equal(network(images, Intervention({block: per_sample})), expected)


def test_a_gate_for_each_sample_acts_on_that_sample_alone(network: BlockNetwork, images: Tensor) -> None:
    gates = torch.tensor([0.0, 1.0, 0.0, 2.0])
    for block in numbers(network):
        logits = network(images, Intervention({block: gates}))
        for value in gates.unique().tolist():
            alone = network(images, Intervention({block: value}))
            torch.testing.assert_close(logits[gates == value], alone[gates == value], rtol=1e-12, atol=1e-12)


def forward_from(
    network: BlockNetwork, stage: int, hidden: Tensor, intervention: Intervention = NO_INTERVENTION
) -> Tensor:
    for later in range(stage, len(network.stages)):
        hidden = network.advance(later, hidden, intervention)
    return network.head(hidden)


def test_running_from_the_middle_is_running_from_the_start(network: BlockNetwork, images: Tensor) -> None:
    states = list(network.states(network.stem(images)))
    assert len(states) == len(network.stages) + 1
    for block in numbers(network):
        intervention = Intervention.dropping([block])
        first = next(number for number, stage in enumerate(network.stages) if block in stage)
        assert torch.equal(forward_from(network, first, states[first], intervention), network(images, intervention))
        changed = list(network.states(network.stem(images), intervention))
        assert all(torch.equal(a, b) for a, b in zip(changed[: first + 1], states, strict=False))
        assert not torch.equal(changed[first + 1], states[first + 1])
    assert torch.equal(forward_from(network, len(network.stages), states[-1]), network(images))


def test_routes_change_no_value(network: BlockNetwork, images: Tensor) -> None:
    logits = network(images)
    paths = all_paths(network)
    for path in paths[:: len(paths) // 3]:
        assert torch.equal(network(images, Intervention.along(path)), logits)
    each = paths[torch.linspace(0, len(paths) - 1, len(images)).long()]
    assert torch.equal(network(images, Intervention.along(each)), logits)


def test_the_gradient_along_a_path_is_the_handmade_derivative(network: BlockNetwork, images: Tensor) -> None:
    paths = all_paths(network)
    for path in paths[:: max(1, len(paths) // 12)]:
        expected = handmade(network, images, set(path.nonzero().flatten().tolist()))
        torch.testing.assert_close(
            gradient(network, images, Intervention.along(path)), expected, rtol=1e-11, atol=1e-12
        )


def test_a_path_for_each_sample_is_each_path_alone(network: BlockNetwork, images: Tensor) -> None:
    paths = all_paths(network)
    each = paths[torch.linspace(0, len(paths) - 1, len(images)).long()]
    together = gradient(network, images, Intervention.along(each))
    for row, path in enumerate(each):
        alone = gradient(network, images, Intervention.along(path))[row]
        torch.testing.assert_close(together[row], alone, rtol=1e-11, atol=1e-12)


def test_the_gradients_along_all_paths_add_up_to_the_gradient(network: BlockNetwork, images: Tensor) -> None:
    paths = all_paths(network)
    image = images[:1]
    along = gradient(network, image.expand(len(paths), *image.shape[1:]), Intervention.along(paths))
    torch.testing.assert_close(
        along.sum(0, keepdim=True), gradient(network, image, Intervention()), rtol=1e-9, atol=1e-9
    )


def test_a_path_of_a_linear_network_is_a_product_of_its_matrices(bare: Bare) -> None:
    network = bare(5, 4).double()
    vectors = torch.eye(4, dtype=torch.float64)
    for path in all_paths(network):
        expected = weights_of(vectors)
        for block in reversed(path.nonzero().flatten().tolist()):
            expected = expected @ network.block(block).branch.get_parameter("weight")
        torch.testing.assert_close(gradient(network, vectors, Intervention.along(path)), expected)


def test_parameters_off_the_path_get_no_gradient(network: BlockNetwork, images: Tensor) -> None:
    path = all_paths(network)[-1]
    network(images, Intervention.along(path)).sum().backward()
    for block in numbers(network):
        gradients = [parameter.grad for parameter in network.block(block).branch.parameters()]
        assert all((gradient is not None) == bool(path[block]) for gradient in gradients)
        assert all(parameter.grad is None for parameter in network.block(block).skip.parameters())


def test_blocks_without_a_route_pass_the_gradient_through_branch_and_skip(bare: Bare) -> None:
    network = bare(3, 4).double()
    vectors = torch.eye(4, dtype=torch.float64)
    first, second, third = (network.block(block).branch.get_parameter("weight") for block in range(3))
    identity = torch.eye(4, dtype=torch.float64)
    expected = weights_of(vectors) @ third @ (identity + second)
    torch.testing.assert_close(gradient(network, vectors, Intervention(routes={0: False, 2: True})), expected)
    expected = weights_of(vectors) @ (identity + third) @ (identity + second) @ first
    torch.testing.assert_close(gradient(network, vectors, Intervention(routes={0: True})), expected)


def test_a_branch_without_a_route_is_not_on_the_path_of_its_stage(bare: Bare) -> None:
    network = bare(3, 4, branches=3).double()
    vectors = torch.eye(4, dtype=torch.float64)
    for crossed in (True, False):
        expected = gradient(network, vectors, Intervention(routes={0: False, 1: crossed, 2: False}))
        assert torch.equal(gradient(network, vectors, Intervention(routes={1: crossed})), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_an_intervention_made_on_the_cpu_acts_on_a_gpu(network: BlockNetwork, images: Tensor) -> None:
    path = all_paths(network)[:: len(network.stages)][: len(images)]
    gates = torch.linspace(0, 1, len(images))
    interventions = [
        Intervention({0: gates}),
        Intervention.along(path.repeat(4, 1)[: len(images)]),
        Intervention.dropping([0]),
    ]
    expected = [gradient(network, images, intervention) for intervention in interventions]
    network, images = network.cuda(), images.cuda()
    for intervention, values in zip(interventions, expected, strict=True):
        torch.testing.assert_close(gradient(network, images, intervention).cpu(), values)


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (Intervention.dropping([6]), "there is no \\[6\\]"),
        (Intervention(routes={-1: True}), "there is no \\[-1\\]"),
        (Intervention(order=(0, 1, 2)), "each of the 6 blocks once"),
        (Intervention(order=(0, 0, 1, 2, 3, 4)), "each of the 6 blocks once"),
    ],
)
def test_an_intervention_that_does_not_fit_is_refused(intervention: Intervention, message: str, bare: Bare) -> None:
    network = bare(6, 4, branches=3)
    with pytest.raises(ValueError, match=message):
        network(torch.zeros(2, 4), intervention)


def test_two_branches_of_a_stage_are_no_path(bare: Bare) -> None:
    network = bare(6, 4, branches=3)
    both = torch.tensor([True, False, True, False, False, False])
    for paths in (both, torch.stack([~both & False, both])):
        with pytest.raises(ValueError, match="at most one branch of blocks \\[0, 1, 2\\]"):
            network(torch.zeros(2, 4), Intervention.along(paths))
