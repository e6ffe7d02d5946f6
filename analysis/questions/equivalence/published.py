"""Published figures, with their source, as arrays to lay ours beside."""

from typing import NamedTuple

SOURCE = "Bermeitinger, Hrycej, Handschuh, Make Deep Networks Shallow Again (arXiv 2309.08414, KDIR 2023), Table 2"


class Losses(NamedTuple):
    """Mean losses of one cell."""

    train: float
    validation: float


TABLE_2: dict[tuple[str, str], tuple[Losses, Losses, Losses, Losses]] = {
    ("mnist", "sequential"): (
        Losses(0.00013, 0.05201),
        Losses(0.01702, 0.12449),
        Losses(0.03620, 0.11743),
        Losses(0.11246, 0.13550),
    ),
    ("mnist", "parallel"): (
        Losses(0.00009, 0.07551),
        Losses(0.02679, 0.11468),
        Losses(0.05238, 0.11467),
        Losses(0.13310, 0.14900),
    ),
    ("cifar10", "sequential"): (
        Losses(0.25326, 2.03107),
        Losses(0.72510, 1.31691),
        Losses(1.07333, 1.34721),
        Losses(1.58608, 1.65354),
    ),
    ("cifar10", "parallel"): (
        Losses(0.52658, 1.32386),
        Losses(0.88701, 1.24884),
        Losses(1.17085, 1.34227),
        Losses(1.63449, 1.68879),
    ),
}
"""Mean train and validation loss by data set and architecture, in the determination-ratio intervals [0, 1), [1, 3),
[3, 10) and [10, inf)."""
