"""Do residual blocks keep the norm of the gradient, and does it help to make the transitions keep it too?

Paper: Zaeemzadeh, Rahnavard, Shah, "Norm-Preservation: Why Residual Networks Can Become Extremely Deep?", 1805.07477
(TPAMI 2021). Published: a block changes the gradient's norm by a factor within 1 +- d, d = c log(2L) / L in a network
of L blocks; Procrustes ResNets, whose transitions are projected to scaled isometries, reach on CIFAR-10 4.75 % error
with 166 layers (ResNet-164: 5.46), 4.20 with 274 (4.73), 3.78 with 634 (4.59) and 3.84 with 1003 (4.52).

Ours: an arm with the same transitions but no projection, which tells the layers from the projection; several learning
rates; P1's stacks, parallel and sequential. The paper's recipe drops the rate at epochs 150 and 225 of 300; ours at the
same shares of 200 epochs as other studies.

`norm-preservation` trains on all of CIFAR-10, on a GPU; `norm-preservation-quick` trains narrow, shallower networks on
a tenth of it at half its side, on two cores.

Cost: `sweep plan norm-preservation`. Run: `sweep run norm-preservation --store URI`,
`sweep run norm-preservation-quick`.
"""

from dataclasses import replace

from sweep.studies.recipes import CIFAR_RESNET, SMALL, SMALL_STACK, STACK, Levels
from sweep.study import Study

_PROJECTED: Levels = {"method": ["procrustes"], "projection_rate": [0.5]}
_BOTH: Levels = {"architecture": ["sequential", "parallel"]}


def _plain(*depths: int, width: int = 16) -> Levels:
    blocks = {"block": ["bottleneck"], "shortcut": ["projection"]}
    return {"network": ["preresnet"], "depth": depths, "filters": [width], **blocks}


def _procrustes(*depths: int, width: int = 16) -> Levels:
    return {"network": ["procrustes-resnet"], "depth": depths, "filters": [width]}


STUDY = Study(
    name="norm-preservation",
    about="gradient norms over blocks, and projected transitions (arXiv 1805.07477)",
    factors={**CIFAR_RESNET, "measure": ["gradient-norms"], "measure_every": [10], "seed": [0, 1, 2]},
    arms={
        "resnet": _plain(164, 272, 632, 1001),
        "transitions": _procrustes(166, 274, 634, 1003),
        "procrustes": {**_procrustes(166, 274, 634, 1003), **_PROJECTED},
        "resnet-rates": {**_plain(164), "learning_rate": [0.3, 1.0, 3.0]},
        "procrustes-rates": {**_procrustes(166), **_PROJECTED, "learning_rate": [0.3, 1.0, 3.0]},
        "stack": {**STACK, "depth": [4, 16, 32], "filters": [16], **_BOTH},
    },
)

QUICK = replace(
    STUDY,
    name="norm-preservation-quick",
    about="a small version: 29 to 85 layers on a tenth of CIFAR-10, half an hour on two cores",
    factors={
        **STUDY.factors,
        **SMALL,
        "train_samples": [5000],
        "val_samples": [2000],
        "epochs": [10],
        "measure_every": [1],
    },
    arms={
        "resnet": _plain(29, 56, 83, width=4),
        "transitions": _procrustes(31, 58, 85, width=4),
        "procrustes": {**_procrustes(31, 58, 85, width=4), **_PROJECTED},
        "resnet-rates": {**_plain(29, width=4), "learning_rate": [1.0, 3.0]},
        "procrustes-rates": {**_procrustes(31, width=4), **_PROJECTED, "learning_rate": [1.0, 3.0]},
        "stack": {**SMALL_STACK, **_BOTH, "epochs": [10]},
    },
)
