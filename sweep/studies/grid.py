"""Can a deep residual network be replaced by a shallow, parallel one?

Paper: Bermeitinger, Hrycej, Handschuh, "Make Deep Networks Shallow Again", arXiv 2309.08414, KDIR 2023: "a total of
6,912 combinations of varying numbers of convolutional layers, numbers of filters, kernel sizes, and other meta
parameters" on MNIST and CIFAR-10. Published: the two arrangements are close; parallel is slightly ahead on validation
loss, sequential marginally ahead on training loss (Table 2).

The factor levels are not public. This reconstruction multiplies out to the published count and reaches every column
of Table 2 on both data sets. Training follows the authors' published habits (KDIR 2022): AdamW, weight
decay 1e-4, batch 256, 100 epochs, float32.

The initialisation is `torch`, PyTorch's default: with Glorot's, a sequential stack of 32 relu blocks starts at a
training loss in the thousands, which the means of Table 2 rule out.

Cost: `sweep plan grid`. Run: `sweep run grid --store URI`.
"""

from sweep.study import Study

STUDY = Study(
    name="grid",
    about="the 6912 trials of Make Deep Networks Shallow Again (arXiv 2309.08414)",
    factors={
        "dataset": ["mnist", "cifar10"],
        "depth": [1, 2, 4, 8, 16, 32],
        "filters": [1, 2, 4, 8, 16, 32],
        "kernel_size": [1, 3, 5, 7],
        "activation": ["relu", "tanh"],
        "learning_rate": [1e-3, 3e-4],
        "seed": [0, 1, 2],
        "architecture": ["sequential", "parallel"],
        "weight_decay": [1e-4],
        "batch_size": [256],
        "epochs": [100],
    },
)
