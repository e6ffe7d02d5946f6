"""Does training the dropped parts of a network, after a droppath step, make better networks?

Paper: Sejik Park, "ResidualDroppath: Enhancing Feature Reuse over Residual Connections", 2411.09475. Two kinds of
iteration: a droppath step, then the dropped parts are trained while the others are frozen. Published: better "in
certain cases" for image classification; the analysis is of a linear network of depth 32 and width 32 with residual
connections. Rates, alternation, networks and numbers are not public: all levels here are ours.

Arms: plain, droppath and residual-droppath training of ResNets, of stacks and of the linear network; plain training at
several budgets, so that methods can be compared at equal optimiser steps and at equal time; and the three methods as a
retraining of a plainly trained network, with the lesions of `sweep.studies.lesion` afterwards.

Cost: `sweep plan droppath`. Run: `sweep run droppath --store URI`, `sweep run droppath-quick`.
"""

from dataclasses import replace

from sweep.space import Space
from sweep.studies.recipes import CIFAR_RESNET, SMALL, SMALL_STACK, STACK, Levels

_DROPPED: Levels = {"drop_rate": [0.1, 0.3, 0.5], "drop_rates": ["linear", "constant"]}
_METHODS: dict[str, Levels] = {
    "plain": {},
    "droppath": {"method": ["droppath"], **_DROPPED},
    "residual-droppath": {"method": ["residual-droppath"], **_DROPPED, "retrain_steps": [1, 3]},
}
_RESNET: Levels = {"network": ["preresnet"], "depth": [20, 56], "filters": [16]}
_STACK: Levels = {**STACK, "depth": [16], "filters": [16], "architecture": ["sequential", "parallel"]}
_LINEAR: Levels = {**STACK, "network": ["linear"], "depth": [32], "filters": [32], "measure": ["features"]}
_LESIONS: Levels = {"measure": ["lesions"], "lesion_draws": [100]}


def _arms(resnet: Levels, stack: Levels, linear: Levels, methods: dict[str, Levels]) -> dict[str, Levels]:
    networks = {"resnet": resnet, "stack": stack, "linear": linear}
    return {
        f"{network}-{method}": {**levels, **fields}
        for network, levels in networks.items()
        for method, fields in methods.items()
    }


def _retrained(resnet: Levels, base: int, epochs: int, methods: dict[str, Levels]) -> dict[str, Levels]:
    again: Levels = {"pretrain_epochs": [base], "epochs": [epochs]}
    return {f"retrained-{method}": {**resnet, **again, **fields} for method, fields in methods.items()}


SPACE = Space(
    study="droppath",
    about="droppath steps, then training of what was dropped (arXiv 2411.09475)",
    factors={**CIFAR_RESNET, "seed": [0, 1, 2, 3, 4]},
    arms={
        **_arms(_RESNET, _STACK, _LINEAR, _METHODS),
        "resnet-plain-budgets": {**_RESNET, "epochs": [100, 300]},
        **_retrained({**_RESNET, **_LESIONS}, base=200, epochs=50, methods=_METHODS),
    },
)

_ONE_RATE: Levels = {"drop_rate": [0.3], "drop_rates": ["linear"]}
_QUICK_METHODS: dict[str, Levels] = {
    "plain": {},
    "droppath": {"method": ["droppath"], **_ONE_RATE},
    "residual-droppath": {"method": ["residual-droppath"], **_ONE_RATE, "retrain_steps": [1, 3]},
}
_QUICK_RESNET: Levels = {"network": ["preresnet"], "depth": [20], "filters": [16]}
_QUICK_STACK: Levels = {**SMALL_STACK, "architecture": ["sequential", "parallel"], "epochs": [10]}

QUICK = replace(
    SPACE,
    study="droppath-quick",
    about="the same in small: ResNet-20 on a fifth of CIFAR-10, minutes on two cores",
    factors={**SPACE.factors, **SMALL, "epochs": [10]},
    arms={
        **_arms(_QUICK_RESNET, _QUICK_STACK, {**_LINEAR, "epochs": [10], "batch_size": [64]}, _QUICK_METHODS),
        "resnet-plain-budgets": {**_QUICK_RESNET, "epochs": [7, 14]},
        **_retrained(
            {**_QUICK_RESNET, **_LESIONS, "lesion_draws": [10], "most_deleted": [8]},
            base=10,
            epochs=4,
            methods=_QUICK_METHODS,
        ),
    },
)
