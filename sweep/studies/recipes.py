"""Training recipes that several studies share, so that one trained network serves them all."""

from collections.abc import Mapping, Sequence

from sweep.factors import Value

Levels = Mapping[str, Sequence[Value]]

CIFAR_RESNET: Levels = {
    "dataset": ["cifar10"],
    "optimizer": ["nesterov"],
    "momentum": [0.9],
    "learning_rate": [0.1],
    "weight_decay": [1e-4],
    "schedule": ["multistep"],
    "batch_size": [128],
    "epochs": [200],
    "augmentation": ["crop-flip"],
}
"""He et al. (1512.03385, section 4.2), whose 64,000 steps are 164 epochs; 200 here (ours)."""

STACK: Levels = {
    "network": ["stack"],
    "optimizer": ["adamw"],
    "momentum": [0.0],
    "learning_rate": [1e-3],
    "schedule": ["constant"],
    "batch_size": [256],
    "epochs": [100],
    "augmentation": ["none"],
}
"""The grid's (`sweep.studies.grid`)."""

STOCHASTIC_DEPTH: Levels = {
    "method": ["droppath"],
    "drop_rate": [0.5],
    "drop_rates": ["linear"],
    "drop_per": ["batch"],
    "rescale": ["evaluation"],
}
"""Huang et al. (1603.09382): gates per block and mini-batch, drop probability l / L * 0.5, rescaling in evaluation."""

SMALL: Levels = {
    "image_size": [16],
    "train_samples": [10_000],
    "val_samples": [2000],
    "schedule": ["onecycle"],
    "epochs": [15],
    "seed": [0, 1, 2],
}
"""For two cores: a class-balanced fifth of CIFAR-10 at half its side, and few epochs."""

SMALL_STACK: Levels = {**STACK, "epochs": [15], "depth": [8], "filters": [16], "batch_size": [64]}
"""The grid's recipe on the budget of `SMALL`."""

LESS = "a small version: ResNet-20 on a fifth of CIFAR-10, minutes on two cores"
"""The `about` of a study's quick version."""


def resnet(depth: int) -> Levels:
    """The levels of a pre-activation ResNet of the usual width."""
    return {"network": ["preresnet"], "depth": [depth], "filters": [16]}
