"""The networks that a trial can train, by name: what their shape is made from. A new one is one entry here.

Their torch modules are built in `sweep.engine.build`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.geometry import NetworkShape
from models.linear_shape import LinearShape
from models.resnet_shape import GROUPS, ResNetShape
from models.shape import StackShape
from models.vgg_shape import VGGShape

Values = Mapping[str, Any]
"""The fields of a trial by name."""
InputShape = tuple[int, int, int]


@dataclass(frozen=True)
class Network:
    """One kind of network.

    `shape` gives its shape from a trial's fields, the images' shape and the number of classes, and raises ValueError
    where there is none. `arranged` is the number of blocks that the stages divide: of a ResNet, those of a group.
    `factors` are the fields that this kind takes among those that not all kinds do.
    """

    shape: Callable[[Values, InputShape, int], NetworkShape]
    arranged: Callable[[Values], int]
    factors: frozenset[str] = frozenset()


def _stack(values: Values, inputs: InputShape, classes: int) -> NetworkShape:
    return StackShape(
        inputs, classes, values["depth"], values["stages"], values["filters"], kernel_size=values["kernel_size"]
    )


def _resnet(activation: Any) -> Callable[[Values, InputShape, int], NetworkShape]:
    def shape(values: Values, inputs: InputShape, classes: int) -> NetworkShape:
        return ResNetShape(
            depth=values["depth"],
            width=values["filters"],
            block=values["block"],
            shortcut=values["shortcut"],
            activation=activation,
            branches=_resnet_group(values) // values["stages"],
            input_shape=inputs,
            classes=classes,
        )

    return shape


def _resnet_group(values: Values) -> int:
    plain = ResNetShape(values["depth"], block=values["block"])
    return plain.blocks // GROUPS


def _vgg(values: Values, inputs: InputShape, classes: int) -> NetworkShape:
    return VGGShape(_vgg_groups(values["depth"]), values["filters"], inputs, classes)


def _vgg_groups(depth: int) -> tuple[int, ...]:
    """Convolutions dealt as evenly as can be to five groups, later groups first; 13 are configuration D's."""
    convolutions = depth - 2
    if convolutions < 1:
        raise ValueError(f"a VGG network has at least 3 layers, two of them dense, not {depth}")
    groups = min(5, convolutions)
    return tuple((convolutions + place) // groups for place in range(groups))


def _linear(values: Values, inputs: InputShape, classes: int) -> NetworkShape:
    depth = values["depth"]
    return LinearShape(depth, values["filters"], depth // values["stages"], inputs, classes)


_OF_STACKS = frozenset({"kernel_size", "activation", "initialisation"})

NETWORKS: dict[str, Network] = {
    "stack": Network(_stack, lambda values: values["depth"], _OF_STACKS),
    "resnet": Network(_resnet("post"), _resnet_group, frozenset({"block", "shortcut"})),
    "preresnet": Network(_resnet("pre"), _resnet_group, frozenset({"block", "shortcut"})),
    "vgg": Network(_vgg, lambda values: values["depth"] - 2),
    "linear": Network(_linear, lambda values: values["depth"]),
}

SPECIAL = frozenset[str]().union(*(network.factors for network in NETWORKS.values()))
"""Fields that some kinds of network take and others do not."""
