"""Kinds of network. A new one is one module and one line here."""

from models.kind import NetworkKind
from models.registered import registered

KINDS: dict[str, type[NetworkKind]] = registered(
    {
        "stack": "models.kinds.stack:Stack",
        "resnet": "models.kinds.resnet:ResNet",
        "preresnet": "models.kinds.resnet:PreActivationResNet",
        "vgg": "models.kinds.vgg:VGG",
        "linear": "models.kinds.linear:LinearNetwork",
    }
)
