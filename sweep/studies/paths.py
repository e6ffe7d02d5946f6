"""Which paths through a residual network carry its gradient, and do these alone suffice to train it?

Paper: Veit, Wilber, Belongie, 1605.06431, on the networks of `sweep.studies.lesion`. Published (second-hand): the norm
of the gradient at the input falls exponentially with the length of the path; paths of 5 to 17 of 54 blocks, 0.45 % of
all, carry nearly all of it; a network that trains exactly 23 sampled blocks in each mini-batch reaches 5.96 % error
instead of 6.10 %.

Ours: one image per draw, with batch norms at their running statistics; all variants of how to make up for blocks that
are left out (`rescale`) and of whether blocks that change the shape are always kept (`transitions`).

The plain networks are those of `lesion`: in a common store they train only once.

Cost: `sweep plan paths`. Run: `sweep run paths --store URI`, `sweep run paths-quick`.
"""

from dataclasses import replace

from sweep.studies import lesion
from sweep.studies.recipes import CIFAR_RESNET, LESS, SMALL, Levels, resnet
from sweep.study import Study

_EFFECTIVE: Levels = {
    "method": ["effective-paths"],
    "rescale": ["training", "evaluation"],
    "transitions": ["sampled", "kept"],
}


def _stack(of: Study) -> Levels:
    levels = {name: values for name, values in of.arms["stack"].items() if name != "finetune_epochs"}
    return {**levels, "measure": ["paths"]}


STUDY = Study(
    name="paths",
    about="gradients by path length, and training on effective paths alone (arXiv 1605.06431)",
    factors={**CIFAR_RESNET, "measure": ["paths"], "path_draws": [1000], "seed": [0, 1, 2]},
    arms={
        "resnet": resnet(110),
        "effective-paths": {**resnet(110), **_EFFECTIVE, "kept_blocks": [23]},
        "stack": _stack(lesion.STUDY),
    },
)

QUICK = replace(
    STUDY,
    name="paths-quick",
    about=LESS,
    factors={**STUDY.factors, **SMALL},
    arms={
        "resnet": resnet(20),
        # 4 of 9 blocks come closest to 23 of 54.
        "effective-paths": {**resnet(20), **_EFFECTIVE, "kept_blocks": [4]},
        "stack": _stack(lesion.QUICK),
    },
)
