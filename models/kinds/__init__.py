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
        "densenet": "models.kinds.densenet:DenseNet",
        "densenet-bc": "models.kinds.densenet:BottleneckDenseNet",
        "se-resnet": "models.kinds.se_resnet:SEResNet",
        "se-preresnet": "models.kinds.se_resnet:PreActivationSEResNet",
        "sk-resnet": "models.kinds.sk_resnet:SKResNet",
        "wide-resnet": "models.kinds.wide_resnet:WideResNet",
        "procrustes-resnet": "models.kinds.procrustes_resnet:ProcrustesResNet",
    }
)
