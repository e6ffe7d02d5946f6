"""The Procrustes ResNet of P4 (Zaeemzadeh et al., "Norm-Preservation: Why Residual Networks Can Become Extremely
Deep?", 1805.07477): all blocks have identity skip connections, and transitions can be made to preserve norms.

Its plain counterpart is the pre-activation ResNet of bottlenecks, which has two layers fewer.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from models.kind import LayeredKind, check_sizes, per_group
from models.kinds.resnet import EXPANSION, GROUPS, LAYERS, PreActivationResNet, halved
from models.layers import Convolution, ImageShape, normed, read_out
from models.layout import BlockLayout, Layout, in_stages


@dataclass(frozen=True)
class ProcrustesResNet(LayeredKind):
    """A 3x3 convolution, three groups of n pre-activation bottlenecks, batch norm, relu, mean, dense layer.

    `depth` counts the convolutions and the dense layer: 9n + 4. `width` is the number of inner channels of the first
    group, 16 in the paper; they double from group to group, and blocks have four times as many. Between two groups a
    1x1 convolution of stride 2 doubles the channels. It has no skip connection, and like the first convolution neither
    norm nor activation. No intervention deletes it.
    """

    label: ClassVar[str] = "Procrustes ResNet"

    def arranged(self, depth: int) -> int:
        return per_group(f"a {self.label}", depth, GROUPS * LAYERS["bottleneck"], 4)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, width=width, branches=branches, inputs=inputs, classes=classes)
        count, hidden = self.arranged(depth), (width * EXPANSION["bottleneck"], *inputs[1:])
        stem, blocks = Convolution(inputs, hidden), list[BlockLayout]()
        for group in range(GROUPS):
            blocks += [PreActivationResNet("bottleneck").block_of(hidden, hidden)] * count
            if group < GROUPS - 1:
                transition = Convolution(hidden, (2 * hidden[0], *halved(hidden)), 1)
                blocks[-1] = replace(blocks[-1], after=transition)
                hidden = transition.outputs
        head = *normed(hidden), *read_out(hidden, classes)
        return Layout(inputs, classes, stem, tuple(blocks), head, in_stages(blocks, branches))
