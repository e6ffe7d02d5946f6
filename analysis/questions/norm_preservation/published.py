"""What P4 reports of networks with projected transitions: errors on CIFAR-10, read in the paper."""

from typing import NamedTuple

from analysis.formats import unbroken


class Published(NamedTuple):
    """Layers of a projected network and of its plain twin, and the errors of both in per cent."""

    layers: int
    plain_layers: int
    error: float
    plain_error: float


PUBLISHED = (
    Published(166, 164, 4.75, 5.46),
    Published(274, 272, 4.20, 4.73),
    Published(634, 632, 3.78, 4.59),
    Published(1003, 1001, 3.84, 4.52),
)
BUDGET = (
    "300 epochs on the whole of CIFAR-10 with shifts and mirroring, SGD with momentum 0.9, learning rate 0.1, a tenth "
    "of it from epochs 150 and 225, batches of 128, weight decay 1e-4"
)
"""How the paper trains them."""


def published_rows() -> list[list[str]]:
    """The published errors as rows of the table of comparisons."""
    return [
        [
            unbroken(f"published, {each.layers} layers"),
            unbroken(f"plain ResNet, {each.plain_layers} layers"),
            "",
            "",
            f"{each.error:.2f}",
            f"{each.plain_error:.2f}",
            f"{each.error - each.plain_error:+.2f}",
            "",
            "",
            "",
        ]
        for each in PUBLISHED
    ]
