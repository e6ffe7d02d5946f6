"""What do trained networks lose when blocks are deleted or moved?

Paper: Veit, Wilber, Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", 1605.06431, on
a pre-activation ResNet-110 (54 blocks, 6.10 % error) and a VGG network on CIFAR-10. Published (second-hand): only the
down-sampling blocks matter much on their own, while deleting any VGG layer leaves about chance; error rises smoothly
with the number of deleted blocks, to about 0.2 at 10 of 54, and with the disorder of swapped blocks; stochastic depth
is slightly more resilient.

Ours: the depth of the VGG network, 15 layers (13 convolutional, 2 dense), which no source that we could read gives; the
same lesions of P1's stacks in sequential, mixed and parallel arrangement; and truncations of the plainly trained ResNet
and the stacks, from as parallel as possible (first order, for a stack) to the full network, with and without an epoch
of fine-tuning. Stochastic depth and VGG are not truncated.

`lesion` trains a ResNet-110 and the other networks on all of CIFAR-10 for 200 epochs (ours), on a GPU; `lesion-quick`
trains a ResNet-20 and the others on a fifth of it at half its side, on two cores.

Cost: `sweep plan lesion`. Run: `sweep run lesion --store URI`, `sweep run lesion-quick`.
"""

from dataclasses import replace

from sweep.studies.recipes import CIFAR_RESNET, LESS, SMALL, SMALL_STACK, STACK, STOCHASTIC_DEPTH, Levels, resnet
from sweep.study import Study

_TRUNCATED: Levels = {"measure": ["lesions+truncation"], "finetune_epochs": [1]}

STUDY = Study(
    name="lesion",
    about="blocks deleted, swapped and truncated in trained networks (arXiv 1605.06431)",
    factors={**CIFAR_RESNET, "measure": ["lesions"], "lesion_draws": [100], "seed": [0, 1, 2]},
    arms={
        "resnet": {**resnet(110), **_TRUNCATED},
        "stochastic-depth": {**resnet(110), **STOCHASTIC_DEPTH},
        "vgg": {"network": ["vgg"], "depth": [15], "filters": [64]},
        "stack": {
            **STACK,
            "depth": [8, 16, 32],
            "filters": [16],
            "stages": [0, 4],
            "architecture": ["sequential", "mixed", "parallel"],
            **_TRUNCATED,
        },
    },
)

QUICK = replace(
    STUDY,
    name="lesion-quick",
    about=LESS,
    factors={**STUDY.factors, **SMALL, "lesion_draws": [30], "most_deleted": [8]},
    arms={
        "resnet": {**STUDY.arms["resnet"], "depth": [20]},
        "stochastic-depth": {**STUDY.arms["stochastic-depth"], "depth": [20]},
        "vgg": {**STUDY.arms["vgg"], "filters": [16]},
        "stack": {**STUDY.arms["stack"], **SMALL_STACK},
    },
)
