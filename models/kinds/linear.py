"""The linear residual network of P5 (Park, "ResidualDroppath", 2411.09475): depth 32, hidden size 32."""

from dataclasses import dataclass
from typing import ClassVar

from models.kind import NetworkKind, check_sizes
from models.layers import Dense, Flatten, ImageShape
from models.layout import BlockLayout, Layout, in_stages


@dataclass(frozen=True)
class LinearNetwork(NetworkKind):
    """`depth` linear layers on vectors of `width` values, each with a skip connection.

    A linear stem maps the pixels to a vector, and a linear head maps the vector to the classes (ours: the paper's data
    are not public).
    """

    label: ClassVar[str] = "linear network"

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        check_sizes(self.label, depth=depth, width=width, branches=branches, inputs=inputs, classes=classes)
        pixels, hidden = Flatten(inputs), (width,)
        blocks = (BlockLayout(Dense(hidden, hidden)),) * depth
        stem, head = (pixels, Dense(pixels.outputs, hidden)), Dense(hidden, (classes,))
        return Layout(inputs, classes, stem, blocks, head, in_stages(blocks, branches))
