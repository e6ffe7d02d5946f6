"""A kind of a user's own can do whatever the kinds of the package can: the one in examples/separable.py."""

import importlib.util
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.blocks import BlockNetwork
from models.droppath import DropPath
from models.intervention import Intervention
from models.kind import NetworkKind
from models.many_interventions import lesioned
from tests.models.test_network_shapes import kept_by_autograd

EXAMPLE = Path(__file__).parents[2] / "examples" / "separable.py"
INPUTS, CLASSES, DEPTH, WIDTH = (3, 7, 6), 4, 4, 5


def load() -> type[NetworkKind]:
    spec = importlib.util.spec_from_file_location("separable", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KIND


KIND = load()


def build(branches: int = 1, kernel_size: int = 3, seed: int = 0) -> BlockNetwork:
    kind = KIND(**{"kernel_size": kernel_size})
    network = kind.network(depth=DEPTH, width=WIDTH, inputs=INPUTS, classes=CLASSES, branches=branches, seed=seed)
    return network.double().eval()


@pytest.fixture
def images() -> Tensor:
    return torch.randn(5, *INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_it_is_imported_and_planned_without_torch() -> None:
    program = f"""
import runpy, sys
kind = runpy.run_path({str(EXAMPLE)!r})["KIND"]()
kind.arranged(6), kind.describe(6)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=EXAMPLE.parents[1])


@pytest.mark.parametrize("branches", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_its_costs_are_those_of_the_network(branches: int, kernel_size: int) -> None:
    kind = KIND(**{"kernel_size": kernel_size})
    layout = kind.layout(DEPTH, WIDTH, branches, INPUTS, CLASSES)
    network = kind.build(layout, 0)
    assert layout.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert layout.layers_per_block == 2
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(torch.zeros(2, *INPUTS))
    assert 2 * layout.forward_flops == counter.get_total_flops()
    assert 97 * layout.activation_elements == kept_by_autograd(network, torch.zeros(97, *INPUTS))


def test_weights_come_from_the_seed() -> None:
    one, same, other = build(seed=1), build(seed=1), build(seed=2)
    for name, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])
        assert value.ndim < 2 or not torch.equal(value, other.state_dict()[name])
    depthwise = one.block(0).branch.get_parameter("2.weight")
    assert depthwise.shape == (WIDTH, 1, 3, 3)
    # He-normal over the outputs that a weight reaches: those of its own channel.
    assert 0.5 < depthwise.std() / (2 / 9) ** 0.5 < 2


def test_deep_and_parallel_start_from_the_same_weights_and_differ(images: Tensor) -> None:
    deep, parallel = build(), build(branches=DEPTH)
    assert [len(stage) for stage in parallel.stages] == [DEPTH]
    assert deep.state_dict().keys() == parallel.state_dict().keys()
    assert all(torch.equal(value, parallel.state_dict()[name]) for name, value in deep.state_dict().items())
    assert not torch.allclose(deep(images), parallel(images))


def test_it_is_truncated_into_the_parallel_network(images: Tensor) -> None:
    deep = build()
    for branches, stages in ((2, (2, 2)), (3, (3, 1)), (4, (4,))):
        assert torch.equal(deep.rearranged(stages)(images), build(branches)(images))


def test_it_is_lesioned(images: Tensor) -> None:
    network = build()
    lesions = [Intervention.dropping([block]) for block in range(DEPTH)]
    lesions.append(Intervention(order=(1, 0, 3, 2)))
    for places, logits in lesioned(network, images, lesions):
        for place in places:
            assert torch.equal(logits, network(images, lesions[place]))
    kept = [network.block(number) for number in (0, 1, 3)]
    without = BlockNetwork(network.stem, kept, network.head)
    assert torch.equal(network(images, lesions[2]), without(images))


def test_gradients_along_all_paths_add_up(images: Tensor) -> None:
    network = build(branches=2)
    paths = [path for path in product([False, True], repeat=DEPTH) if not (all(path[:2]) or all(path[2:]))]

    def gradient(intervention: Intervention) -> Tensor:
        inputs = images.clone().requires_grad_()
        (result,) = torch.autograd.grad(network(inputs, intervention).square().sum(), inputs)
        return result

    along = [gradient(Intervention.along(torch.tensor(path))) for path in paths]
    torch.testing.assert_close(torch.stack(along).sum(0), gradient(Intervention()), rtol=1e-9, atol=1e-9)


def test_it_is_trained_with_droppath(images: Tensor) -> None:
    network = build().train()
    intervention = DropPath(0.5).training(DEPTH, len(images), torch.Generator().manual_seed(0))
    nn.functional.cross_entropy(network(images, intervention), torch.arange(5) % CLASSES).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
