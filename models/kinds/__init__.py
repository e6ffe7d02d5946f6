"""The kinds of network, by name. A new one is a module here and one line below. None of them loads torch."""

from models.kind import NetworkKind
from models.kinds.linear import LinearNetwork
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG

KINDS: dict[str, type[NetworkKind]] = {
    "stack": Stack,
    "resnet": ResNet,
    "preresnet": PreActivationResNet,
    "vgg": VGG,
    "linear": LinearNetwork,
}
