"""Identities: digests of factors that are the same on every machine, and that stay when factors are added."""

import hashlib
import json
from collections.abc import Collection, Mapping

from sweep.factors import Factor, Value

TRIAL_SCHEMA = 1
"""Enters every identity: raise it when a trial of the same factors would be trained differently."""

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
"""Factors that always enter an identity. Every other one does where it differs from its default."""

FORMER_NAMES = {"base_epochs": "pretrain_epochs"}
"""What factors were called before: in identities they still are, in older stores and study files they may be."""

_KEYS = {now: before for before, now in FORMER_NAMES.items()}


def current(name: str) -> str:
    """What a factor is called now."""
    return FORMER_NAMES.get(name, name)


def digest(values: Mapping[str, Value]) -> str:
    """Identity of factors: 20 hexadecimal digits."""
    # JSON prints a float in its shortest form that reads back equal, on every machine and Python version.
    written = {_KEYS.get(name, name): value for name, value in values.items()}
    canonical = json.dumps({"schema": TRIAL_SCHEMA, **written}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def entering(values: Mapping[str, Value], factors: Mapping[str, Factor], but: Collection[str] = ()) -> dict[str, Value]:
    """The values that make a trial what it is, less some; `factors` says what their defaults are."""
    return {
        name: value
        for name, value in values.items()
        if name not in but and (name in ALWAYS or value != factors[name].default)
    }
