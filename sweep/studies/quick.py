"""A slice of the grid for two cores and a few minutes, with real images and both arrangements, in which depth helps.

The factors are the grid's (`sweep.studies.grid`), with fewer levels but two more seeds, a class-balanced subset of the
training images at half their side, small batches and short training at the grid's larger learning rate. Both
arrangements learn both data sets, and deeper networks are better than one block. It shows tendencies of small, briefly
trained networks; the grid has the published budget.

Cost: about two minutes on two cores. Run: `sweep run quick`.
"""

from sweep.study import Study

STUDY = Study(
    name="quick",
    about="a slice of the grid in minutes on two cores",
    factors={
        "dataset": ["mnist", "cifar10"],
        "depth": [1, 2, 4, 8],
        "filters": [4, 8],
        "kernel_size": [3],
        "activation": ["relu", "tanh"],
        "learning_rate": [1e-3],
        "seed": [0, 1, 2, 3, 4],
        "architecture": ["sequential", "parallel"],
        "train_samples": [4000],
        "val_samples": [2000],
        "image_size": [14],
        "batch_size": [32],
        "epochs": [3],
    },
)
