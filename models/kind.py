"""The interface of a kind of network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar

from models.layers import ImageShape
from models.layout import Layout, in_stages

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from models.blocks import BlockNetwork
    from models.fused import FusedStack


class NetworkKind(ABC):
    """A kind of network derives the layers from depth, width, arrangement and its own factors.

    A concrete kind is a frozen dataclass whose fields are its own factors, made with `models.factor.factor`. It must
    define `label` and `layout`; the other methods have defaults that suit many kinds. Importing a kind must not load
    torch, so import it in the methods that need it.
    """

    label: ClassVar[str]
    """The kind's name for readers."""
    skips: ClassVar[bool] = True
    """Whether its blocks have skip connections."""
    arranges: ClassVar[bool] = True
    """Whether its blocks can run in parallel; not if each has another shape."""
    concatenates: ClassVar[bool] = False
    """Whether each block adds channels beside its input instead of values onto it."""
    fuses: ClassVar[bool] = False
    """Whether many of its networks can train as one; if not, `fused` and `load_fused` raise TypeError."""
    names_arrangement: ClassVar[bool] = False
    """Whether a network's name always says how its blocks are arranged."""
    fused_over: ClassVar[tuple[str, ...]] = ()
    """Its own factors in which fused networks may differ."""

    def __init_subclass__(cls) -> None:
        # Thousands of trials ask for the layouts of a few hundred networks, again and again.
        if not hasattr(cls, "label"):
            cls.label = cls.__name__
        if "layout" in vars(cls):
            cls.layout = lru_cache(4096)(_checked(cls.layout))

    @property
    def fusion_key(self) -> object:
        """Networks that differ in this key are better fused apart where memory limits their speed."""
        return None

    def arranged(self, depth: int) -> int:
        """The number of blocks that stages divide: all blocks, or those of one group if the shape changes.

        Raises ValueError for a depth that no network of this kind has.
        """
        return depth

    @abstractmethod
    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        """The layers of a network with `branches` parallel blocks in each stage.

        The last stage of a run of blocks of one shape may have fewer. Layouts are cached. Raises ValueError for an
        impossible size, and for a layout that is not of the requested network.
        """
        ...

    def build(self, layout: Layout, seed: int) -> "BlockNetwork":
        """The network on the CPU in float32 with the initial weights of a seed (`models.initialisation.initialise`).

        Raises TypeError for a layer with parameters but no initialisation there.
        """
        from models.initialisation import initialise

        network = layout.network()
        initialise(network, seed)
        return network

    @staticmethod
    def fused(
        kinds: "Sequence[Any]", layout: Layout, seeds: "Sequence[int]", dtype: "torch.dtype | None" = None
    ) -> "FusedStack":
        """Networks of one layout as one; network k starts like ``kinds[k].build(layout, seeds[k])``."""
        raise TypeError("networks of this kind cannot be trained as one")

    @staticmethod
    def load_fused(network: "BlockNetwork", values: "Mapping[str, Tensor]") -> None:
        """Copy one network's values from a fused network into a network of the same layout."""
        raise TypeError("networks of this kind cannot be trained as one")

    def network(
        self, *, depth: int, width: int, inputs: ImageShape, classes: int, branches: int = 1, seed: int = 0
    ) -> "BlockNetwork":
        """`layout` and `build` in one call."""
        return self.build(self.layout(depth, width, branches, inputs, classes), seed)

    def brief(self, name: str, architecture: str, depth: int, width: int) -> str:
        """A short name for lists of runs, such as ``resnet parallel d20``; `name` is what the kind is registered as."""
        return f"{name} {architecture} d{depth}"

    def describe(self, depth: int) -> str:
        """The network's name in prose, such as ``stack of 8``."""
        return f"{self.label} of {depth}"


class LayeredKind(NetworkKind):
    """A kind whose depth counts layers rather than blocks, so its networks are called ``ResNet-20``."""

    def describe(self, depth: int) -> str:
        return f"{self.label}-{depth}"


def _checked(layout: Callable[..., Any]) -> Callable[..., Layout]:
    """A kind's `layout` that also raises ValueError if its result is not of the requested network."""

    @wraps(layout)
    def checked(kind: NetworkKind, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        made = layout(kind, depth, width, branches, inputs, classes)
        of = f"the layout of {type(kind).__name__}"
        if not isinstance(made, Layout):
            raise ValueError(f"{of} is not a models.layout.Layout, but {made!r}")
        if (made.input_shape, made.classes) != (inputs, classes):
            raise ValueError(
                f"{of} is for images of {made.input_shape} and {made.classes} classes, but {inputs} and {classes} "
                "are asked for"
            )
        if any(block.residual != kind.skips for block in made.blocks):
            raise ValueError(f"{of} has blocks whose residual is not {kind.skips}, like the kind's skips")
        if made.stages != (stages := in_stages(made.blocks, branches)):
            raise ValueError(
                f"{of} has stages of {list(made.stages)} blocks, but {branches} to a stage makes {list(stages)}; give "
                "it in_stages(blocks, branches)"
            )
        if not made.parameters:
            raise ValueError(f"{of} has no parameters to train")
        hash(made)  # raises TypeError for a layout that cannot be a key
        return made

    return checked


def check_sizes(of: str, **sizes: int | tuple[int, ...]) -> None:
    """Raises ValueError if a size is below 1: ``every size of a ResNet must be at least 1, not width=0``."""
    for name, size in sizes.items():
        if min(size if isinstance(size, tuple) else (size,), default=0) < 1:
            raise ValueError(f"every size of a {of} must be at least 1, not {name}={size}")


def per_group(of: str, depth: int, each: int, others: int) -> int:
    """The n of a network with ``each * n + others`` layers, at least 1.

    Raises ValueError if there is none: ``a ResNet of basic blocks has 6n + 2 layers, not 21``.
    """
    if depth < each + others or (depth - others) % each:
        raise ValueError(f"{of} has {each}n + {others} layers, not {depth}")
    return (depth - others) // each
