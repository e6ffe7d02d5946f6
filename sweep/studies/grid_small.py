"""The whole grid at a budget that two cores afford: all 6912 trials, trained for real.

The levels are the grid's (`sweep.studies.grid`). Reduced are, for lack of time alone: 2,000 training images, balanced
by class, instead of all; images of 14 x 14 instead of 28 x 28 and 32 x 32; batches of 32 instead of 256; 5 epochs
instead of 100, so 315 steps instead of 23,500 and 19,600; and validation on 1,000 of the 10,000 test images. The
learning rate is constant, so the curves also hold every smaller number of epochs.

Margins are declared here, before the first result: 10 % of the loss, and of what is learned.

Cost: about six hours on two cores. Run: `sweep run grid-small --store URI`.
"""

from dataclasses import replace

from sweep.margins import Margins
from sweep.studies.grid import STUDY as GRID

STUDY = replace(
    GRID,
    name="grid-small",
    about="all 6912 trials of the grid at a budget for two cores",
    factors={
        **GRID.factors,
        "train_samples": [2000],
        "val_samples": [1000],
        "image_size": [14],
        "batch_size": [32],
        "epochs": [5],
    },
    margins=Margins(ratio=0.10),
)
