"""Networks have the published numbers of parameters, and sizes that no network has are refused in one sentence."""

import re
from collections.abc import Callable

import pytest

from models.kind import NetworkKind
from models.kinds.densenet import BottleneckDenseNet, DenseNet
from models.kinds.linear import LinearNetwork
from models.kinds.procrustes_resnet import ProcrustesResNet
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.se_resnet import SEResNet
from models.kinds.sk_resnet import SKResNet
from models.kinds.vgg import VGG, grouped
from models.kinds.wide_resnet import WideResNet

CIFAR, MNIST = (3, 32, 32), (1, 28, 28)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
@pytest.mark.parametrize("kind", [ResNet(), PreActivationResNet()], ids=["post", "pre"])
def test_resnets_have_the_published_number_of_parameters(depth: int, millions: float, kind: NetworkKind) -> None:
    """1512.03385, table 6."""
    layout = kind.layout(depth, 16, 1, CIFAR, 10)
    assert round(layout.parameters / 1e6, 2 if depth < 110 else 1) == millions


@pytest.mark.parametrize(
    ("kind", "depth", "width", "millions"),
    [
        (DenseNet(), 40, 12, 1.0),
        (BottleneckDenseNet(), 100, 12, 0.8),
        (WideResNet(1), 40, 16, 0.6),
        (WideResNet(2), 40, 16, 2.2),
        (WideResNet(4), 40, 16, 8.9),
        (WideResNet(10), 28, 16, 36.5),
        (WideResNet(8), 16, 16, 11.0),
        (ProcrustesResNet(), 166, 16, 1.72),
        (PreActivationResNet("bottleneck"), 164, 16, 1.7),
    ],
    ids=str,
)
def test_other_networks_have_the_published_number_of_parameters(
    kind: NetworkKind, depth: int, width: int, millions: float
) -> None:
    """1608.06993, table 2; 1605.07146, table 4; 1805.07477, which compares its network with the ResNet-164."""
    parameters = kind.layout(depth, width, 1, CIFAR, 10).parameters
    assert round(parameters / 1e6, 2 if millions == 1.72 else 1) == millions


def test_channel_attention_adds_what_its_papers_say() -> None:
    """1709.01507, section 4, with biases; 1903.06586, section 3.1."""
    plain, gated = (kind.layout(20, 16, 1, CIFAR, 10).parameters for kind in (ResNet(), SEResNet()))
    assert gated - plain == sum(3 * (2 * c * (c // 16) + c // 16 + c) for c in (16, 32, 64))
    plain, selective = (
        kind.layout(29, 16, 1, CIFAR, 10).parameters for kind in (ResNet("bottleneck"), SKResNet(cardinality=1))
    )
    # One more convolution and batch norm; 32 hidden units with batch norm between three sets of weights.
    assert selective - plain == sum(3 * (9 * c * c + 2 * c + 3 * c * 32 + 2 * 32) for c in (16, 32, 64))


def test_counts_of_well_known_networks() -> None:
    assert DenseNet().layout(40, 12, 1, CIFAR, 10).parameters == 1_019_722
    assert BottleneckDenseNet().layout(100, 12, 1, CIFAR, 10).parameters == 769_162
    assert [ResNet().layout(depth, 16, 1, CIFAR, 10).parameters for depth in (20, 110)] == [269_722, 1_727_962]
    assert len(PreActivationResNet().layout(110, 16, 1, CIFAR, 10).blocks) == 54
    assert round(PreActivationResNet("bottleneck").layout(164, 16, 1, CIFAR, 10).parameters / 1e6, 1) == 1.7
    vgg = VGG().layout(15, 64, 1, CIFAR, 10)
    assert vgg == grouped((2, 2, 3, 3, 3), 64, 1, CIFAR, 10)
    assert len(vgg.blocks) == 13
    convolutions = 14_710_464  # torchvision's vgg16 without biases
    assert vgg.parameters == convolutions + 2 * 4224 + 512 * 512 + 2 * 512 + 513 * 10


@pytest.mark.parametrize(
    "refused",
    [
        lambda: ResNet().layout(21, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(2, 16, 1, CIFAR, 10),
        lambda: ResNet("bottleneck").layout(14, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(-4, 16, 1, CIFAR, 10),
        lambda: ResNet().layout(8, 0, 1, CIFAR, 10),
        lambda: ResNet().layout(8, 16, 0, CIFAR, 10),
        lambda: ResNet().layout(8, 16, 1, (3, 0, 8), 10),
        lambda: grouped((), 64, 1, CIFAR, 10),
        lambda: grouped((2, 0), 64, 1, CIFAR, 10),
        lambda: VGG().layout(15, 0, 1, CIFAR, 10),
        lambda: VGG().layout(2, 64, 1, CIFAR, 10),
        lambda: LinearNetwork().layout(0, 32, 1, MNIST, 10),
        lambda: LinearNetwork().layout(3, 0, 1, MNIST, 10),
        lambda: LinearNetwork().layout(3, 32, 0, MNIST, 10),
        lambda: LinearNetwork().layout(3, 32, 1, (1, 0, 8), 10),
        lambda: LinearNetwork().layout(3, 32, 1, MNIST, 0),
        lambda: DenseNet().layout(4, 12, 1, CIFAR, 10),
        lambda: DenseNet().layout(40, 0, 1, CIFAR, 10),
        lambda: SEResNet(reduction=0).layout(20, 16, 1, CIFAR, 10),
        lambda: SKResNet().layout(29, 16, 1, CIFAR, 0),
        lambda: WideResNet(0).layout(28, 16, 1, CIFAR, 10),
        lambda: ProcrustesResNet().layout(166, 16, 0, CIFAR, 10),
    ],
)
def test_impossible_sizes_are_refused(refused: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"n \+ [24] layers|at least [13]"):
        refused()


@pytest.mark.parametrize(
    ("kind", "depth", "sentence"),
    [
        (DenseNet(), 41, "a DenseNet has 3n + 4 layers, not 41"),
        (BottleneckDenseNet(), 40 + 3, "a DenseNet-BC has 6n + 4 layers, not 43"),
        (SEResNet(), 21, "a ResNet of basic blocks has 6n + 2 layers, not 21"),
        (SKResNet(), 20 + 1, "an SK-ResNet has 9n + 2 layers, not 21"),
        (WideResNet(), 4, "a WideResNet has 6n + 4 layers, not 4"),
        (ProcrustesResNet(), 164, "a Procrustes ResNet has 9n + 4 layers, not 164"),
    ],
)
def test_a_depth_that_no_network_has_is_one_sentence(kind: NetworkKind, depth: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        kind.layout(depth, 16, 1, CIFAR, 10)


def test_selective_kernels_need_a_cardinality_that_divides_their_channels() -> None:
    with pytest.raises(ValueError, match="a cardinality of 4 does not divide the 6 channels of an SK unit"):
        SKResNet().layout(11, 6, 1, CIFAR, 10)
