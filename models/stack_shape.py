"""The sizes of a stack, whose parameters are a few tensors."""

from dataclasses import dataclass

from models.layers import Convolution, ImageShape
from models.layout import Layout


@dataclass(frozen=True)
class StackShape:
    """Sizes of a stack that holds all its blocks in one tensor, with a leading axis of depth.

    A stage is a slice of that axis, so the parameters do not depend on the arrangement.
    """

    input_shape: ImageShape
    classes: int
    depth: int
    branches: int
    filters: int
    kernel_size: int

    @classmethod
    def of(cls, layout: Layout) -> "StackShape":
        """The sizes of a `Stack` layout. Raises TypeError for a layout of another kind."""
        embedding = layout.stem
        if not isinstance(embedding, Convolution):
            raise TypeError("only a stack has a single convolution as its stem")
        sizes = len(layout.blocks), layout.stages[0], embedding.outputs[0], embedding.kernel_size
        return cls(layout.input_shape, layout.classes, *sizes)

    @property
    def features(self) -> int:
        """Inputs of the dense layer: filters x height x width."""
        return self.filters * self.input_shape[1] * self.input_shape[2]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter; block i has index i in ``blocks.*``, whatever the arrangement."""
        channels, depth, filters, kernel = self.input_shape[0], self.depth, self.filters, self.kernel_size
        return {
            "embedding.weight": (filters, channels, kernel, kernel),
            "embedding.bias": (filters,),
            "blocks.weight": (depth, filters, filters, kernel, kernel),
            "blocks.bias": (depth, filters),
            "head.weight": (self.classes, self.features),
            "head.bias": (self.classes,),
        }
