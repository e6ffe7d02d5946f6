"""Identities: digests of factors, the same on every machine, that do not change when factors are added."""

import hashlib
import json
from collections.abc import Collection, Mapping

from sweep.factors import Factor, Value

TRIAL_SCHEMA = 1
"""Part of every identity; raise it if trials with the same factors would train differently."""

ALWAYS = (
    "study",
    "dataset",
    "train_samples",
    "image_size",
    "normalisation",
    "validation",
    "val_samples",
    "architecture",
    "depth",
    "stages",
    "filters",
    "kernel_size",
    "activation",
    "initialisation",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "momentum",
    "schedule",
    "batch_size",
    "epochs",
    "precision",
    "seed",
)
"""Factors that always enter an identity. Any other factor enters where it differs from its default."""

FORMER_NAMES = {"base_epochs": "pretrain_epochs"}
"""Former names of factors. Identities still use them, and older stores and study files may."""

_KEYS = {now: before for before, now in FORMER_NAMES.items()}


def current(name: str) -> str:
    """The current name of a factor."""
    return FORMER_NAMES.get(name, name)


def digest(values: Mapping[str, Value]) -> str:
    """Identity of factors: 20 hexadecimal digits."""
    # On every machine and Python version, JSON prints a float in the shortest form that reads back equal.
    written = {_KEYS.get(name, name): value for name, value in values.items()}
    canonical = json.dumps({"schema": TRIAL_SCHEMA, **written}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def entering(values: Mapping[str, Value], factors: Mapping[str, Factor], but: Collection[str] = ()) -> dict[str, Value]:
    """The values that enter an identity, except those named in `but`; `factors` has the defaults."""
    return {
        name: value
        for name, value in values.items()
        if name not in but and (name in ALWAYS or value != factors[name].default)
    }
