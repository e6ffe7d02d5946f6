"""Which paths through a residual network carry its gradient, and do these alone suffice to train it?

Paper: Veit, Wilber, Belongie, 1605.06431, on the networks of `sweep.studies.lesion`. Published
(second-hand): the gradient's norm at the input falls exponentially in the length of the path; paths of 5 to 17 of 54
blocks, 0.45 % of all, contribute nearly all of it; a network of which exactly 23 blocks are sampled in each mini-batch
reaches 5.96 % error against 6.10 %.

Ours: one image a draw, with batch norms at their running statistics; what makes up for the blocks that are left out
(`rescale`) and whether blocks that change the shape are sampled like the others (`transitions`) are both tried.

The plain networks are those of `lesion`: with the same store they are trained once. Cost: `sweep plan paths`. Run:
`sweep run paths --store URI`, `sweep run paths-quick`.
"""

from dataclasses import replace

from sweep.space import Space
from sweep.studies import lesion
from sweep.studies.recipes import CIFAR_RESNET, SMALL

_EFFECTIVE = {
    "method": ["effective-paths"],
    "rescale": ["training", "evaluation"],
    "transitions": ["sampled", "kept"],
}

SPACE = Space(
    study="paths",
    about="gradients by path length, and training on effective paths alone (arXiv 1605.06431)",
    factors={**CIFAR_RESNET, "measure": ["paths"], "path_draws": [1000], "seed": [0, 1, 2]},
    arms={
        "resnet": {"network": ["preresnet"], "depth": [110], "filters": [16]},
        "effective-paths": {
            "network": ["preresnet"],
            "depth": [110],
            "filters": [16],
            **_EFFECTIVE,
            "kept_blocks": [23],
        },
        "stack": {
            **{name: levels for name, levels in lesion.SPACE.arms["stack"].items() if name != "finetune_epochs"},
            "measure": ["paths"],
        },
    },
)

QUICK = replace(
    SPACE,
    study="paths-quick",
    about="the same in small: ResNet-20 on a fifth of CIFAR-10, minutes on two cores",
    factors={**SPACE.factors, **SMALL},
    arms={
        "resnet": {**SPACE.arms["resnet"], "depth": [20]},
        # 4 of 9 blocks are as near as can be to 23 of 54.
        "effective-paths": {**SPACE.arms["effective-paths"], "depth": [20], "kept_blocks": [4]},
        "stack": {
            **{name: levels for name, levels in lesion.QUICK.arms["stack"].items() if name != "finetune_epochs"},
            "measure": ["paths"],
        },
    },
)
