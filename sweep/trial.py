"""The trial: one fully specified training run, immutable, with an identity that is the same on every machine."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from models.shape import StackShape
from sweep.data import DATASETS
from sweep.errors import SweepError
from sweep.factors import Factor, Value, unknown_name

TRIAL_SCHEMA = 1
"""Enters every identity: raise it when a trial of the same fields would be trained differently."""

HELD_OUT_SHARE = 0.1
"""Share of the training split that validates a trial with ``validation = "held-out"``."""

FACTORS: dict[str, Factor] = {
    "study": Factor(str, meaning="the search space that the trial belongs to"),
    "dataset": Factor(str, tuple(DATASETS), meaning="the images"),
    "train_samples": Factor(int, low=0, meaning="class-balanced training subset drawn by the seed; 0 is all"),
    "image_size": Factor(int, low=0, high=1024, meaning="side after area averaging, pixels; 0 is native"),
    "normalisation": Factor(str, ("published", "none"), meaning="published channel means, or pixels in 0..1"),
    "validation": Factor(str, ("test", "held-out"), meaning="the test split, or a tenth of the training split"),
    "val_samples": Factor(int, low=0, meaning="class-balanced subset of the validation images; 0 is all"),
    "architecture": Factor(str, ("sequential", "parallel", "mixed"), meaning="how the blocks are arranged"),
    "depth": Factor(int, low=1, high=4096, meaning="residual blocks"),
    "stages": Factor(int, low=0, high=4096, meaning="sequential stages; 0 is what the architecture implies"),
    "filters": Factor(int, low=1, high=4096, meaning="channels of every block"),
    "kernel_size": Factor(int, low=1, high=15, meaning="side of every convolution's kernel"),
    "activation": Factor(str, ("relu", "tanh", "gelu", "sigmoid"), meaning="non-linearity of every block"),
    "initialisation": Factor(str, ("glorot", "torch"), meaning="distribution of the starting weights"),
    "optimizer": Factor(str, ("adamw", "sgd"), meaning="AdamW, or SGD with momentum"),
    "learning_rate": Factor(float, low=0, high=100, meaning="at the start of the schedule"),
    "weight_decay": Factor(float, low=0, high=1, meaning="decoupled for AdamW, an L2 term for SGD"),
    "momentum": Factor(float, low=0, high=0.9999, meaning="of SGD; AdamW's is fixed at 0.9"),
    "schedule": Factor(str, ("constant", "cosine"), meaning="of the learning rate, over all steps"),
    "batch_size": Factor(int, low=1, high=65536, meaning="images a step"),
    "epochs": Factor(int, low=1, high=100_000, meaning="passes over the training samples"),
    "precision": Factor(str, ("fp32", "bf16"), meaning="of the computation; weights are always fp32"),
    "seed": Factor(int, low=0, high=2**31 - 1, meaning="of initial weights, batch order and subset"),
}
"""Every field of a trial with what it takes."""

ARRANGEMENT = ("architecture", "stages")
"""The fields in which the two sides of a matched pair differ."""


class ArrangementError(SweepError):
    """The number of stages does not go with the architecture and the depth."""


@dataclass(frozen=True)
class Trial:
    """One training run. Defaults are the authors' published habits (P1; KDIR 2022): AdamW, 1e-3, 1e-4, batch 256.

    Zero in `train_samples`, `val_samples`, `image_size` and `stages` is resolved to the number it stands for, so that
    a trial is fully specified. Raises SweepError for a value that is not allowed.
    """

    study: str
    dataset: str = "mnist"
    train_samples: int = 0
    image_size: int = 0
    normalisation: str = "published"
    validation: str = "test"
    val_samples: int = 0
    architecture: str = "sequential"
    depth: int = 1
    stages: int = 0
    filters: int = 8
    kernel_size: int = 3
    activation: str = "relu"
    initialisation: str = "torch"
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.0
    schedule: str = "constant"
    batch_size: int = 256
    epochs: int = 100
    precision: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, factor in FACTORS.items():
            self._set(name, factor.coerce(name, getattr(self, name)))
        self._resolve_samples()
        self._resolve_stages()
        if self.optimizer == "adamw" and self.momentum:
            raise SweepError(f"momentum is {self.momentum:g}, but belongs to sgd; leave it at 0 with adamw")

    def _set(self, name: str, value: Value) -> None:
        object.__setattr__(self, name, value)

    def _resolve_samples(self) -> None:
        data = DATASETS[self.dataset]
        held_out = round(HELD_OUT_SHARE * data.train_size) if self.validation == "held-out" else 0
        for name, most in (
            ("train_samples", data.train_size - held_out),
            ("val_samples", held_out or data.test_size),
            ("image_size", data.shape[1]),
        ):
            value = getattr(self, name) or most
            if value > most:
                raise SweepError(f"{name} is {value}, but {self.dataset} has {most}")
            self._set(name, value)

    def _resolve_stages(self) -> None:
        implied = {"sequential": self.depth, "parallel": 1}.get(self.architecture)
        if implied is not None and self.stages not in (0, implied):
            raise ArrangementError(
                f"stages is {self.stages}, but a {self.architecture} stack of depth {self.depth} has {implied}; "
                "leave it at 0 or set architecture to mixed"
            )
        if implied is None and (not 1 < self.stages < self.depth or self.depth % self.stages):
            raise ArrangementError(
                f"stages is {self.stages}, but a mixed stack of depth {self.depth} takes a divisor of the depth "
                "between 1 and the depth"
            )
        self._set("stages", implied or self.stages)

    @cached_property
    def trial_id(self) -> str:
        """The trial's identity: 20 hexadecimal digits."""
        return _digest(self.as_dict())

    @cached_property
    def pair_id(self) -> str:
        """Identity of everything but the arrangement of the blocks: equal for the sides of a matched pair."""
        return _digest({name: value for name, value in self.as_dict().items() if name not in ARRANGEMENT})

    @property
    def shape(self) -> StackShape:
        """Shape of the trial's network."""
        data = DATASETS[self.dataset]
        return StackShape(
            input_shape=(data.shape[0], self.image_size, self.image_size),
            classes=data.classes,
            depth=self.depth,
            stages=self.stages,
            filters=self.filters,
            kernel_size=self.kernel_size,
        )

    @property
    def determination_ratio(self) -> float:
        """Q of P1."""
        return self.shape.determination_ratio(self.train_samples)

    def as_dict(self) -> dict[str, Value]:
        """The fields by name."""
        return {name: getattr(self, name) for name in FACTORS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trial":
        """The trial of the given fields. Raises SweepError for an unknown name or a value that is not allowed."""
        for name in values:
            if name not in FACTORS:
                raise unknown_name("factor", name, FACTORS)
        return cls(**values)

    def but(self, **changes: Value) -> "Trial":
        """The same trial with some fields changed.

        A changed architecture or depth implies its own stages anew; sample counts and image size stay what they are.
        """
        if {"architecture", "depth"} & changes.keys():
            changes.setdefault("stages", 0)
        return replace(self, **changes)


def _digest(values: Mapping[str, Value]) -> str:
    # JSON prints a float in its shortest form that reads back equal, on every machine and Python version.
    canonical = json.dumps({"schema": TRIAL_SCHEMA, **values}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


assert [field.name for field in fields(Trial)] == list(FACTORS)
