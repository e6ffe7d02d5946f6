"""What do trained networks lose when blocks are deleted or moved?

Paper: Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 1605.06431, on
a pre-activation ResNet-110 (54 blocks, 6.10 % error) and a VGG network on CIFAR-10. Published (second-hand): no single
block matters much but the down-sampling ones, while any layer deleted from VGG leaves about chance; error rises
smoothly with the number of deleted blocks, to about 0.2 at 10 of 54, and with the disorder of swapped blocks;
stochastic depth is slightly more resilient.

Ours: the depth of the VGG network, which no source that we could read gives: 15 layers, 13 convolutional and 2 dense.
Stacks of P1 in sequential, mixed and parallel arrangement under the same lesions. The plainly trained ResNet and the
stacks evaluated as their own truncations, from as much in parallel as can be (first order, for a stack) to the full
network, with and without an epoch of fine-tuning; stochastic depth and VGG are not truncated.

`lesion` is ResNet-110 and friends on all of CIFAR-10 for 200 epochs (ours), for a GPU; `lesion-quick` is ResNet-20 and
friends on a fifth of it at half its side, for two cores. Cost: `sweep plan lesion`. Run:
`sweep run lesion --store URI`, `sweep run lesion-quick`.
"""

from dataclasses import replace

from sweep.space import Space
from sweep.studies.recipes import CIFAR_RESNET, SMALL, SMALL_STACK, STACK, STOCHASTIC_DEPTH

SPACE = Space(
    study="lesion",
    about="blocks deleted, swapped and truncated in trained networks (arXiv 1605.06431)",
    factors={**CIFAR_RESNET, "measure": ["lesions"], "lesion_draws": [100], "seed": [0, 1, 2]},
    arms={
        "resnet": {
            "network": ["preresnet"],
            "depth": [110],
            "filters": [16],
            "measure": ["lesions+truncation"],
            "finetune_epochs": [1],
        },
        "stochastic-depth": {"network": ["preresnet"], "depth": [110], "filters": [16], **STOCHASTIC_DEPTH},
        "vgg": {"network": ["vgg"], "depth": [15], "filters": [64]},
        "stack": {
            **STACK,
            "depth": [8, 16, 32],
            "filters": [16],
            "stages": [0, 4],
            "architecture": ["sequential", "mixed", "parallel"],
            "measure": ["lesions+truncation"],
            "finetune_epochs": [1],
        },
    },
)

QUICK = replace(
    SPACE,
    study="lesion-quick",
    about="the same in small: ResNet-20 on a fifth of CIFAR-10, minutes on two cores",
    factors={**SPACE.factors, **SMALL, "lesion_draws": [30], "most_deleted": [8]},
    arms={
        "resnet": {**SPACE.arms["resnet"], "depth": [20]},
        "stochastic-depth": {**SPACE.arms["stochastic-depth"], "depth": [20]},
        "vgg": {**SPACE.arms["vgg"], "filters": [16]},
        "stack": {**SPACE.arms["stack"], **SMALL_STACK},
    },
)
