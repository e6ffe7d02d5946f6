"""Do the subnetworks of few blocks learn first, and do they matter most?

Paper: "Low-degree term first in ResNet, its variants and the whole neural network family", Neural Networks 148, 2022.
It claims so for ResNets and DenseNets, that DenseNets are better because the subnetworks vital to them are shallower
still, and that SE-ResNets and SK-ResNets are alike. Protocol, depths and numbers are not public.

Ours: everything but the claims. During training, at chosen epochs, the gradient by path length (as in
`sweep.studies.paths`) and the error of random subnetworks of each number of kept blocks; for stacks also the loss of
every truncation, the terms of a Taylor expansion up to some order (P1). Four residual networks at about 0.8 million
parameters (0.77 to 0.86; the small ones at 68 thousand), and P1's stacks in sequential, mixed and parallel arrangement.

`shallow-first` trains on all of CIFAR-10 for 200 epochs, on a GPU; `shallow-first-quick` trains small networks on a
tenth of it at half its side, on two cores.

Cost: `sweep plan shallow-first`. Run: `sweep run shallow-first --store URI`, `sweep run shallow-first-quick`.
"""

from dataclasses import replace

from sweep.studies.recipes import CIFAR_RESNET, SMALL, SMALL_STACK, STACK, Levels
from sweep.study import Study

_STACKS: Levels = {
    "architecture": ["sequential", "mixed", "parallel"],
    "stages": [0, 4],
    "measure": ["paths+subnetworks+truncation"],
}

STUDY = Study(
    name="shallow-first",
    about="which subnetworks learn first, during training (Neural Networks 148, 2022)",
    factors={
        **CIFAR_RESNET,
        "measure": ["paths+subnetworks"],
        "measure_every": [10],
        "path_draws": [200],
        "subnetwork_draws": [20],
        "val_samples": [2000],
        "seed": [0, 1, 2, 3, 4],
    },
    arms={
        "resnet": {"network": ["preresnet"], "depth": [56], "filters": [16]},
        "densenet": {"network": ["densenet-bc"], "depth": [100], "filters": [12]},
        "se-resnet": {"network": ["se-resnet"], "depth": [56], "filters": [16]},
        "sk-resnet": {"network": ["sk-resnet"], "depth": [92], "filters": [16]},
        "stack": {**STACK, "depth": [16], "filters": [16], **_STACKS},
    },
)

QUICK = replace(
    STUDY,
    name="shallow-first-quick",
    about="a small version: 68 thousand parameters on a tenth of CIFAR-10, a quarter of an hour on two cores",
    factors={
        **STUDY.factors,
        **SMALL,
        "train_samples": [5000],
        "val_samples": [500],
        "epochs": [12],
        "measure_every": [1],
        "path_draws": [60],
        "subnetwork_draws": [8],
    },
    arms={
        "resnet": {"network": ["preresnet"], "depth": [20], "filters": [8]},
        "densenet": {"network": ["densenet"], "depth": [28], "filters": [4]},
        "se-resnet": {"network": ["se-resnet"], "depth": [20], "filters": [8]},
        "sk-resnet": {"network": ["sk-resnet"], "depth": [29], "filters": [8]},
        "stack": {**SMALL_STACK, **_STACKS, "epochs": [12]},
    },
)
