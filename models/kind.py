"""What a kind of network has to say of itself."""

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from models.layers import ImageShape
from models.layout import Layout

if TYPE_CHECKING:
    from models.blocks import BlockNetwork


class NetworkKind:
    """A kind of network: how its layers follow from depth, width and arrangement, and from factors of its own.

    A concrete kind is a frozen dataclass whose fields are its own factors, made with `models.factor.factor`. It has to
    give a `label` and a `layout`; the other methods suit many kinds as they are. Importing a kind must not load torch:
    import it in the methods that need it.
    """

    label: ClassVar[str]
    """The kind's name for people."""
    skips: ClassVar[bool] = True
    """Whether its blocks have skip connections."""
    fuses: ClassVar[bool] = False
    """Whether many of its networks can be trained as one."""
    fused_over: ClassVar[tuple[str, ...]] = ()
    """Factors of its own in which networks that are trained as one may differ."""

    def __init_subclass__(cls) -> None:
        # Thousands of trials ask for the layouts of some hundred networks, each of them many times.
        if "layout" in vars(cls):
            cls.layout = lru_cache(4096)(cls.layout)

    def arranged(self, depth: int) -> int:
        """The number of blocks that the stages divide: all of them, or those of a group where the shape changes.

        Raises ValueError for a depth that no network of this kind has.
        """
        return depth

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        """The network's layers, of any depth and width, with `branches` parallel blocks in each stage.

        The last stage of a run of blocks of one shape may hold fewer. Layouts are remembered, so asking again costs
        nothing. Raises ValueError for what is impossible.
        """
        raise NotImplementedError

    def build(self, layout: Layout, seed: int) -> "BlockNetwork":
        """The network on the CPU, in float32, with the initial weights of a seed (`models.initialisation.initialise`).

        Raises TypeError for a layer with parameters that has no initialisation there.
        """
        from models.initialisation import initialise

        network = layout.network()
        initialise(network, seed)
        return network

    def network(
        self, *, depth: int, width: int, inputs: ImageShape, classes: int, branches: int = 1, seed: int = 0
    ) -> "BlockNetwork":
        """`layout` and `build` in one."""
        return self.build(self.layout(depth, width, branches, inputs, classes), seed)

    def describe(self, depth: int) -> str:
        """A network of this kind in words, such as ``ResNet-110``."""
        return f"{self.label}-{depth}"


def check_sizes(of: str, **sizes: int | tuple[int, ...]) -> None:
    """Raises ValueError where a size is below 1: ``every size of a ResNet is at least 1, not width=0``."""
    for name, size in sizes.items():
        if min(size if isinstance(size, tuple) else (size,), default=0) < 1:
            raise ValueError(f"every size of a {of} is at least 1, not {name}={size}")
