"""The networks compute what their papers say, and start from the seed alone."""

import hashlib
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import SqueezeExcitation

from models.blocks import BlockNetwork
from models.initialisation import initialise
from models.kind import NetworkKind
from models.kinds.densenet import BottleneckDenseNet
from models.kinds.linear import LinearNetwork
from models.kinds.procrustes_resnet import ProcrustesResNet
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.se_resnet import PreActivationSEResNet, SEResNet
from models.kinds.sk_resnet import SelectiveKernels, SKResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG, grouped
from models.kinds.wide_resnet import WideResNet
from models.stack_shape import StackShape
from tests.models.residual_stack import ResidualStack, fuse

CIFAR = (3, 32, 32)


def random(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("kind", "depth"), [("basic", 8), ("bottleneck", 11)])
def test_post_activation_blocks_are_those_of_torchvision(kind: str, depth: int) -> None:
    network = ResNet(kind, "projection").network(depth=depth, width=2, inputs=(3, 8, 8), classes=10).double()
    hidden = network.stem(random(4, 3, 8, 8))
    for number in range(len(network.blocks)):
        block = network.block(number)
        projection = like_projection(block.skip)
        inputs, width = block.shape.inputs[0], 2 * 2**number
        stride = 1 if number == 0 else 2
        theirs = (BasicBlock if kind == "basic" else Bottleneck)(inputs, width, stride, projection).double()
        theirs.load_state_dict(dict(zip(theirs.state_dict(), block.state_dict().values(), strict=True)))
        expected = theirs(hidden)
        hidden = block.after(block.skip(hidden) + block.branch(hidden))
        torch.testing.assert_close(hidden, expected)
    dense = network.head.get_submodule("1")
    torch.testing.assert_close(network.head(hidden), dense(hidden.mean((2, 3))))


def like_projection(skip: nn.Module) -> nn.Module | None:
    """A layer for torchvision's block to load the projection into."""
    if isinstance(skip, nn.Identity):
        return None
    convolution, norm = skip.children()
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    like = nn.Conv2d(convolution.in_channels, convolution.out_channels, 1, convolution.stride[0], bias=False)
    return nn.Sequential(like, nn.BatchNorm2d(norm.num_features))


def test_pre_activation_blocks_are_their_equation() -> None:
    network = PreActivationResNet().network(depth=8, width=2, inputs=(3, 8, 8), classes=10).double()
    values = network.state_dict()

    def activate(hidden: Tensor, name: str) -> Tensor:
        return F.relu(F.batch_norm(hidden, None, None, values[f"{name}.weight"], values[f"{name}.bias"], training=True))

    images = random(4, 3, 8, 8)
    hidden = F.conv2d(images, values["stem.0.weight"], padding=1)
    for number, stride in enumerate((1, 2, 2)):
        name = f"blocks.{number}.branch"
        skip = hidden if stride == 1 else torch.cat([hidden[:, :, ::2, ::2], 0 * hidden[:, :, ::2, ::2]], 1)
        inner = F.conv2d(activate(hidden, f"{name}.0"), values[f"{name}.2.weight"], stride=stride, padding=1)
        hidden = skip + F.conv2d(activate(inner, f"{name}.3"), values[f"{name}.5.weight"], padding=1)
    expected = activate(hidden, "head.0").mean((2, 3)) @ values["head.3.weight"].T + values["head.3.bias"]
    torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize("pre_activation", [False, True])
def test_squeeze_and_excitation_ends_the_branches_of_a_resnet(pre_activation: bool) -> None:
    plain, gated = (PreActivationResNet, PreActivationSEResNet) if pre_activation else (ResNet, SEResNet)
    size = {"depth": 14, "width": 4, "inputs": (3, 8, 8), "classes": 10}
    network, inner = gated(reduction=2).network(**size).double(), plain().network(**size).double()
    found = network.state_dict()
    inner.load_state_dict({name: found[name] for name in inner.state_dict()})
    hidden = expected = network.stem(random(4, 3, 8, 8))
    for number in range(len(network.blocks)):
        ours, theirs = network.block(number), SqueezeExcitation(4 * 2 ** (number // 2), 2 * 2 ** (number // 2)).double()
        *_, (name, _) = ours.branch.named_children()
        values = ours.branch.get_submodule(name).state_dict().values()
        shapes = theirs.state_dict()
        theirs.load_state_dict(
            {name: value.view(shapes[name].shape) for name, value in zip(shapes, values, strict=True)}
        )
        block = inner.block(number)
        expected = block.after(block.skip(expected) + theirs(block.branch(expected)))
        hidden = ours.after(ours.skip(hidden) + ours.branch(hidden))
        torch.testing.assert_close(hidden, expected)


@pytest.mark.parametrize("stride", [1, 2])
def test_selective_kernels_are_their_equations(stride: int) -> None:
    """1903.06586, section 3.1, equations 1 to 6."""
    layer = SelectiveKernels((4, 6, 8), (8, 6 // stride, 8 // stride), groups=2, hidden=5)
    unit = layer.module().double()
    values, images = unit.state_dict(), random(3, 4, 6, 8)

    def norm(hidden: Tensor, name: str) -> Tensor:
        return F.relu(F.batch_norm(hidden, None, None, values[f"{name}.weight"], values[f"{name}.bias"], training=True))

    first, second = (
        norm(F.conv2d(images, weight, None, stride, dilation, dilation, 2), f"convolutions.{dilation - 1}.1")
        for dilation, weight in ((1, values["convolutions.0.0.weight"]), (2, values["convolutions.1.0.weight"]))
    )
    squeezed = norm((first + second).mean((2, 3)) @ values["fused.0.weight"].T, "fused.1")
    ours, other = (squeezed @ weight.T for weight in values["selected.weight"].split(8))
    share = (ours.exp() / (ours.exp() + other.exp()))[:, :, None, None]
    torch.testing.assert_close(unit(images), share * first + (1 - share) * second)


def test_a_bottleneck_of_an_sk_resnet_has_its_unit_between_two_convolutions() -> None:
    network = SKResNet(cardinality=1).network(depth=11, width=2, inputs=(3, 8, 8), classes=10)
    names = [type(layer).__name__ for layer in network.block(1).branch.children()]
    assert names == ["Conv2d", "BatchNorm2d", "ReLU", "SelectiveKernels", "Conv2d", "BatchNorm2d"]


def test_a_wide_resnet_is_a_resnet_of_more_channels() -> None:
    wide = WideResNet(1).network(depth=10, width=4, inputs=(3, 8, 8), classes=10, seed=3)
    resnet = PreActivationResNet(shortcut="projection").network(depth=8, width=4, inputs=(3, 8, 8), classes=10, seed=3)
    wide.load_state_dict(dict(zip(wide.state_dict(), resnet.state_dict().values(), strict=True)))
    images = random(2, 3, 8, 8).float()
    assert torch.equal(wide(images), resnet(images))
    channels = [block.shape.outputs[0] for block in WideResNet(3).layout(10, 4, 1, (3, 8, 8), 10).blocks]
    assert channels == [12, 24, 48]


def test_a_procrustes_resnet_is_groups_of_blocks_and_convolutions_between_them() -> None:
    network = ProcrustesResNet().network(depth=22, width=1, inputs=(3, 9, 8), classes=10).double()
    hidden = network.stem(random(2, 3, 9, 8))
    assert hidden.shape == (2, 4, 9, 8)
    for number in range(6):
        block = network.block(number)
        assert isinstance(block.skip, nn.Identity)
        hidden = hidden + block.branch(hidden)
        if number in (1, 3):
            assert isinstance(block.after, nn.Conv2d)
            assert block.after.bias is None
            hidden = F.conv2d(hidden, block.after.weight, stride=2)
    assert hidden.shape == (2, 16, 3, 2)
    torch.testing.assert_close(network(random(2, 3, 9, 8)), network.head(hidden))


def test_vgg_is_its_layers_in_a_row() -> None:
    network = VGG().build(grouped((1, 2), 2, 1, (3, 8, 6), 4), 0).double()
    one, two, three = (network.block(number).branch for number in range(3))
    layers = nn.Sequential(one, nn.MaxPool2d(2), two, three, nn.MaxPool2d(2), network.head)
    images = random(4, 3, 8, 6)
    assert torch.equal(network(images), layers(images))


def test_the_linear_network_is_a_product_of_identity_plus_matrix() -> None:
    network = LinearNetwork().network(depth=32, width=16, inputs=(3, 4, 5), classes=6).double()
    images = random(2, 3, 4, 5)

    def layer(hidden: Tensor, name: str) -> Tensor:
        return hidden @ network.get_parameter(f"{name}.weight").T + network.get_parameter(f"{name}.bias")

    expected = layer(images.flatten(1), "stem.1")
    for number in range(32):
        expected = expected + layer(expected, f"blocks.{number}.branch")
    torch.testing.assert_close(network(images), layer(expected, "head"))


@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_stack_of_blocks_is_the_residual_stack_and_the_fused_one(stages: int, activation: str) -> None:
    kind = Stack(activation=activation)
    layout = kind.layout(4, 3, 4 // stages, (2, 6, 5), 3)
    shape = StackShape.of(layout)
    singles = [ResidualStack(shape, activation, seed=seed).double() for seed in (1, 2)]
    fused = fuse(singles)
    images = random(4, 2, 6, 5)
    for k, single in enumerate(singles):
        network = kind.build(layout, seed=k + 1).double()
        assert torch.equal(network(images), network(images))
        torch.testing.assert_close(network(images), single(images), rtol=1e-12, atol=1e-12)
        loaded = kind.build(layout, seed=0).double()
        kind.load_fused(loaded, {name: fused.value(name)[k] for name in shape.tensors()})
        assert torch.equal(loaded(images), network(images))
        kind.load_fused(loaded, dict(singles[0].named_parameters()))
        torch.testing.assert_close(loaded(images), singles[0](images), rtol=1e-12, atol=1e-12)
        logits = fused(images.permute(0, 2, 3, 1))[k]
        torch.testing.assert_close(network(images), logits, rtol=1e-12, atol=1e-12)


def test_a_stack_has_the_parameters_of_the_residual_stack() -> None:
    layout = Stack().layout(4, 3, 2, (2, 6, 5), 3)
    assert layout.parameters == sum(parameter.numel() for parameter in Stack().build(layout, 0).parameters())
    for kind in (Stack(activation="swish"), Stack(initialisation="swish")):
        with pytest.raises(KeyError, match="swish"):
            kind.network(depth=4, width=3, inputs=(2, 6, 5), classes=3)


def build_all(seed: int) -> list[BlockNetwork]:
    return [
        ResNet(shortcut="projection").network(depth=14, width=4, inputs=CIFAR, classes=10, seed=seed),
        PreActivationResNet("bottleneck").network(depth=11, width=2, inputs=CIFAR, classes=10, seed=seed),
        VGG().network(depth=4, width=4, inputs=CIFAR, classes=10, seed=seed),
        LinearNetwork().network(depth=2, width=4, inputs=(1, 28, 28), classes=10, seed=seed),
        Stack().network(depth=2, width=2, inputs=(1, 6, 6), classes=3, branches=2, seed=seed),
        BottleneckDenseNet().network(depth=10, width=2, inputs=CIFAR, classes=10, seed=seed),
        SKResNet().network(depth=11, width=4, inputs=CIFAR, classes=10, seed=seed),
        SEResNet().network(depth=8, width=4, inputs=CIFAR, classes=10, seed=seed),
        ProcrustesResNet().network(depth=13, width=2, inputs=CIFAR, classes=10, seed=seed),
    ]


def test_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = build_all(0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    for one, same, other in zip(first, build_all(0), build_all(1), strict=True):
        values, others = same.state_dict(), other.state_dict()
        assert all(torch.equal(value, values[name]) for name, value in one.state_dict().items())
        assert not any(torch.equal(p, others[name]) for name, p in one.named_parameters() if p.ndim > 1)
        assert all(value.device.type == "cpu" for value in values.values())


@pytest.mark.parametrize(
    ("kind", "depth"),
    [
        (ResNet(shortcut="projection"), 26),
        (SEResNet(), 26),
        (SKResNet(), 38),
        (WideResNet(2), 28),
        (ProcrustesResNet(), 40),
    ],
    ids=str,
)
def test_arrangements_start_from_identical_weights(kind: NetworkKind, depth: int) -> None:
    deep, mixed, parallel = (
        kind.network(depth=depth, width=4, inputs=(3, 8, 8), classes=10, branches=branches, seed=5)
        for branches in (1, 2, 4)
    )
    assert len(deep.stages) > len(mixed.stages) > len(parallel.stages)
    for other in (mixed, parallel):
        assert deep.state_dict().keys() == other.state_dict().keys()
        assert all(torch.equal(value, other.state_dict()[name]) for name, value in deep.state_dict().items())
        other.load_state_dict(deep.state_dict())
    images, regrouped = random(2, 3, 8, 8).float(), deep.rearranged([len(stage) for stage in parallel.stages])
    assert torch.equal(regrouped(images), parallel(images))


def test_weights_are_those_of_earlier_releases() -> None:
    """A change here changes every result."""
    network = ResNet().network(depth=20, width=4, inputs=CIFAR, classes=10, seed=7)
    digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in network.parameters())).hexdigest()
    assert digest == "dcb9a46e8f839b6201db689f27674161a3dbf0970e0fe8b1dd69399208225bde"


def test_convolutions_are_normal_over_their_fan_out() -> None:
    network = ResNet(shortcut="projection").network(depth=8, width=32, inputs=CIFAR, classes=10)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.detach()
            deviation = math.sqrt(2 / (module.out_channels * module.kernel_size[0] ** 2))
            scores = (weight / deviation).flatten()
            assert abs(scores.mean()) < 4 / math.sqrt(len(scores))
            assert abs(scores.square().mean() - 1) < 4 * math.sqrt(2 / len(scores))
            assert abs((scores.abs() < 1).double().mean() - 0.6827) < 2 / math.sqrt(len(scores))
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()
            assert module.running_mean is not None
            assert module.running_var is not None
            assert not module.running_mean.any()
            assert (module.running_var == 1).all()
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            assert 0.9 * bound < module.weight.abs().max() <= bound


def test_a_layer_without_a_known_initialisation_is_refused() -> None:
    with pytest.raises(TypeError, match="a Bilinear"):
        initialise(nn.Sequential(nn.Bilinear(1, 1, 1)), 0)
    buffered = nn.Module()
    buffered.register_buffer("table", torch.zeros(3))
    with pytest.raises(TypeError, match="a Module"):
        initialise(nn.Sequential(buffered), 0)
