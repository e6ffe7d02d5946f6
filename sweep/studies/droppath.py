"""Does training the dropped parts of a network, after a droppath step, make better networks?

Paper: Sejik Park, "ResidualDroppath: Enhancing Feature Reuse over Residual Connections", 2411.09475. It alternates two
kinds of iteration: a droppath step, then training of the dropped parts with the others frozen. Published: better "in
certain cases" for image classification; the analysis uses a linear network of depth 32 and width 32 with residual
connections. Drop probabilities, alternation, networks and numbers are not public: all levels here are ours.

Arms: plain, droppath and residual-droppath training of ResNets, stacks and the linear network; plain training on
several budgets, to compare methods at equal optimiser steps and at equal time; and the three methods as a retraining of
a plainly trained network, followed by the lesions of `sweep.studies.lesion`.

Cost: `sweep plan droppath`. Run: `sweep run droppath --store URI`, `sweep run droppath-quick`.
"""

from dataclasses import replace

from sweep.studies.recipes import CIFAR_RESNET, LESS, SMALL, SMALL_STACK, STACK, Levels, resnet
from sweep.study import Study

_LINEAR: Levels = {**STACK, "network": ["linear"], "depth": [32], "filters": [32], "measure": ["features"]}
_BOTH: Levels = {"architecture": ["sequential", "parallel"]}
_LESIONS: Levels = {"measure": ["lesions"], "lesion_draws": [100]}


def _methods(dropped: Levels) -> dict[str, Levels]:
    return {
        "plain": {},
        "droppath": {"method": ["droppath"], **dropped},
        "residual-droppath": {"method": ["residual-droppath"], **dropped, "retrain_steps": [1, 3]},
    }


def _arms(methods: dict[str, Levels], **networks: Levels) -> dict[str, Levels]:
    return {
        f"{network}-{method}": {**levels, **factors}
        for network, levels in networks.items()
        for method, factors in methods.items()
    }


_METHODS = _methods({"drop_rate": [0.1, 0.3, 0.5], "drop_rates": ["linear", "constant"]})
_RESNET: Levels = {**resnet(20), "depth": [20, 56]}

STUDY = Study(
    name="droppath",
    about="droppath steps, then training of what was dropped (arXiv 2411.09475)",
    factors={**CIFAR_RESNET, "seed": [0, 1, 2, 3, 4]},
    arms={
        **_arms(_METHODS, resnet=_RESNET, stack={**STACK, "depth": [16], "filters": [16], **_BOTH}, linear=_LINEAR),
        "resnet-plain-budgets": {**_RESNET, "epochs": [100, 300]},
        **_arms(_METHODS, retrained={**_RESNET, **_LESIONS, "pretrain_epochs": [200], "epochs": [50]}),
    },
)

_QUICK_METHODS = _methods({"drop_rate": [0.3], "drop_rates": ["linear"]})
_QUICK_LESIONS: Levels = {"measure": ["lesions"], "lesion_draws": [10], "most_deleted": [8]}

QUICK = replace(
    STUDY,
    name="droppath-quick",
    about=LESS,
    factors={**STUDY.factors, **SMALL, "epochs": [10]},
    arms={
        **_arms(
            _QUICK_METHODS,
            resnet=resnet(20),
            stack={**SMALL_STACK, **_BOTH, "epochs": [10]},
            linear={**_LINEAR, "epochs": [10], "batch_size": [64]},
        ),
        "resnet-plain-budgets": {**resnet(20), "epochs": [7, 14]},
        **_arms(_QUICK_METHODS, retrained={**resnet(20), **_QUICK_LESIONS, "pretrain_epochs": [10], "epochs": [4]}),
    },
)
