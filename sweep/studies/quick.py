"""A slice of the grid for two cores and a few minutes, with real images and both arrangements.

The factors are the grid's (`sweep.studies.grid`), with fewer levels, a class-balanced subset of the training images at
half their side, and short training at the grid's larger learning rate. It shows tendencies of small, briefly trained
networks; the grid has the published budget.

Cost: about two minutes on two cores. Run: `sweep run quick`.
"""

from sweep.space import Space

SPACE = Space(
    study="quick",
    about="a slice of the grid in minutes on two cores",
    factors={
        "dataset": ["mnist", "cifar10"],
        "depth": [1, 2, 4, 8],
        "filters": [2, 8],
        "kernel_size": [1, 3],
        "activation": ["relu", "tanh"],
        "learning_rate": [1e-3],
        "seed": [0, 1, 2],
        "architecture": ["sequential", "parallel"],
        "train_samples": [2000],
        "val_samples": [2000],
        "image_size": [14],
        "batch_size": [64],
        "epochs": [3],
    },
)
