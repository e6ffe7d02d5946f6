"""Identities: digests of factors, the same on every machine, that do not change when factors are added."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from sweep.errors import SweepError
from sweep.factors import Factor, Value

T = TypeVar("T")

TRIAL_SCHEMAS = {"crossed": 1, "nested": 2}
"""Part of every identity, by where a trial's draws come from; add one if the same factors would train differently."""

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
"""Factors that always enter an identity, as those of a user's own parts do. Others enter unless at their default."""

FORMER_NAMES = {"base_epochs": "pretrain_epochs"}
"""Former names of factors. Identities still use them, and older stores and study files may."""

_KEYS = {now: before for before, now in FORMER_NAMES.items()}


def current(name: str) -> str:
    """The current name of a factor."""
    return FORMER_NAMES.get(name, name)


def by_current_name(values: Mapping[str, T]) -> dict[str, T]:
    """The same values by the current names of factors. Raises SweepError if a factor is there by both names."""
    for before, now in FORMER_NAMES.items():
        if before in values and now in values:
            raise SweepError(f"{before} is a former name of {now}; give one of them")
    return {current(name): value for name, value in values.items()}


def digest(values: Mapping[str, Value]) -> str:
    """Identity of factors: 20 hexadecimal digits."""
    # On every machine and Python version, JSON prints a float in the shortest form that reads back equal.
    written = {_KEYS.get(name, name): value for name, value in values.items()}
    schema = TRIAL_SCHEMAS[str(written.pop("draws", "nested"))]
    canonical = json.dumps({"schema": schema, **written}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def set_digest(identities: Iterable[str]) -> str:
    """Identity of a set of identities, whatever their order."""
    return hashlib.sha256("\n".join(sorted(identities)).encode()).hexdigest()[:20]


def entering(
    values: Mapping[str, Value], factors: Mapping[str, Factor], always: Collection[str] = (), but: Collection[str] = ()
) -> dict[str, Value]:
    """The values that enter an identity, except those named in `but`; `factors` has the defaults.

    Those named in `always` enter in addition to `ALWAYS`, whatever their default.
    """
    return {
        name: value
        for name, value in values.items()
        if name not in but and (name in ALWAYS or name in always or value != factors[name].default)
    }
