"""The trial: one fully specified training run, immutable, with an identity that is the same on every machine."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from models.geometry import NetworkShape
from models.shape import StackShape
from sweep.data import DATASETS
from sweep.errors import SweepError
from sweep.factors import Factor, Value, unknown_name
from sweep.networks import NETWORKS, SPECIAL

TRIAL_SCHEMA = 1
"""Enters every identity: raise it when a trial of the same fields would be trained differently."""

HELD_OUT_SHARE = 0.1
"""Share of the training split that validates a trial with ``validation = "held-out"``."""

METHODS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "droppath": ("drop_rate", "drop_rates", "drop_per", "rescale"),
    "residual-droppath": ("drop_rate", "drop_rates", "rescale", "retrain_steps"),
    "effective-paths": ("kept_blocks", "transitions", "rescale"),
}
"""Methods of training to the fields that they take."""

PROTOCOLS: dict[str, tuple[str, ...]] = {
    "lesions": ("lesion_draws", "most_deleted"),
    "truncation": ("finetune_epochs",),
    "paths": ("path_draws",),
    "features": (),
}
"""Measures to the fields that they take."""

FACTORS: dict[str, Factor] = {
    "study": Factor(str, meaning="the search space that the trial belongs to"),
    "dataset": Factor(str, tuple(DATASETS), meaning="the images"),
    "train_samples": Factor(int, low=0, meaning="class-balanced training subset drawn by the seed; 0 is all"),
    "image_size": Factor(int, low=0, high=1024, meaning="side after area averaging, pixels; 0 is native"),
    "normalisation": Factor(str, ("published", "none"), meaning="published channel means, or pixels in 0..1"),
    "validation": Factor(str, ("test", "held-out"), meaning="the test split, or a tenth of the training split"),
    "val_samples": Factor(int, low=0, meaning="class-balanced subset of the validation images; 0 is all"),
    "architecture": Factor(str, ("sequential", "parallel", "mixed"), meaning="how the blocks are arranged"),
    "depth": Factor(int, low=1, high=4096, meaning="residual blocks of a stack, layers of any other network"),
    "stages": Factor(
        int, low=0, high=4096, meaning="sequential stages (a ResNet's: of a group); 0: as architecture implies"
    ),
    "filters": Factor(int, low=1, high=4096, meaning="channels of every block, or of the first ones where they grow"),
    "kernel_size": Factor(int, low=1, high=15, meaning="side of every convolution's kernel in a stack"),
    "activation": Factor(str, ("relu", "tanh", "gelu", "sigmoid"), meaning="non-linearity of every block of a stack"),
    "initialisation": Factor(str, ("glorot", "torch"), meaning="distribution of a stack's starting weights"),
    "optimizer": Factor(str, ("adamw", "sgd", "nesterov"), meaning="AdamW, or SGD with momentum, plain or Nesterov's"),
    "learning_rate": Factor(float, low=0, high=100, meaning="at the start of the schedule"),
    "weight_decay": Factor(float, low=0, high=1, meaning="decoupled for AdamW, an L2 term for SGD"),
    "momentum": Factor(float, low=0, high=0.9999, meaning="of SGD; AdamW's is fixed at 0.9"),
    "schedule": Factor(str, ("constant", "cosine", "multistep", "onecycle"), meaning="of the learning rate"),
    "batch_size": Factor(int, low=1, high=65536, meaning="images a step"),
    "epochs": Factor(int, low=1, high=100_000, meaning="passes over the training samples"),
    "precision": Factor(str, ("fp32", "bf16"), meaning="of the computation; weights are always fp32"),
    "seed": Factor(int, low=0, high=2**31 - 1, meaning="of initial weights, batch order and subset"),
    "network": Factor(str, tuple(NETWORKS), meaning="the stack of P1, a ResNet (post- or pre-activation), VGG, linear"),
    "block": Factor(str, ("basic", "bottleneck"), meaning="of a ResNet"),
    "shortcut": Factor(str, ("option_a", "projection"), meaning="of a ResNet, where the shape changes"),
    "augmentation": Factor(str, ("none", "crop-flip"), meaning="training images shifted by up to an eighth, mirrored"),
    "label_smoothing": Factor(float, low=0, high=0.9, meaning="share of the label spread over all classes"),
    "method": Factor(str, tuple(METHODS), meaning="of training: plain, or blocks dropped at random"),
    "drop_rate": Factor(float, low=0, high=0.95, meaning="death rate of a block, or of the last if linear"),
    "drop_rates": Factor(str, ("linear", "constant"), meaning="death rates over the blocks"),
    "drop_per": Factor(str, ("batch", "sample"), meaning="whether blocks are dropped for a batch or for each sample"),
    "rescale": Factor(str, ("training", "evaluation"), meaning="where dropped blocks are made up for"),
    "retrain_steps": Factor(int, low=0, high=1000, meaning="steps on dropped parts after each droppath step"),
    "kept_blocks": Factor(int, low=0, high=4096, meaning="blocks that a mini-batch trains, of effective-paths"),
    "transitions": Factor(str, ("sampled", "kept"), meaning="blocks that change the shape, of effective-paths"),
    "base_epochs": Factor(int, low=0, high=100_000, meaning="epochs of plain training before the method's"),
    "measure": Factor(str, ("none", *PROTOCOLS), meaning="what is measured on the trained network", several=True),
    "lesion_draws": Factor(int, low=0, high=100_000, meaning="random lesions of each size"),
    "most_deleted": Factor(int, low=0, high=4096, meaning="blocks that a random lesion deletes or swaps at most"),
    "finetune_epochs": Factor(int, low=0, high=1000, meaning="epochs that fine-tune each truncation; 0 for none"),
    "path_draws": Factor(int, low=0, high=1_000_000, meaning="gradients drawn for each path length"),
}
"""Every field of a trial with what it takes."""

FIRST_SCHEMA = frozenset(list(FACTORS)[: list(FACTORS).index("network")])
"""Fields that always enter an identity; the others do where they differ from their default."""

ARRANGEMENT = ("architecture", "stages")
"""The fields in which the two sides of a matched pair differ."""

_OWNED = {
    field: {name for name, takes in METHODS.items() if field in takes}
    for field in dict.fromkeys(field for takes in METHODS.values() for field in takes)
}
"""Fields of methods to those methods."""
_STARTS = ("method", "base_epochs")
_DEFAULTS_IN_USE = {"lesion_draws": 50, "most_deleted": 20, "path_draws": 1000}
"""What a protocol's zero stands for."""


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
    network: str = "stack"
    block: str = "basic"
    shortcut: str = "option_a"
    augmentation: str = "none"
    label_smoothing: float = 0.0
    method: str = "plain"
    drop_rate: float = 0.0
    drop_rates: str = "linear"
    drop_per: str = "batch"
    rescale: str = "training"
    retrain_steps: int = 0
    kept_blocks: int = 0
    transitions: str = "sampled"
    base_epochs: int = 0
    measure: str = "none"
    lesion_draws: int = 0
    most_deleted: int = 0
    finetune_epochs: int = 0
    path_draws: int = 0

    def __post_init__(self) -> None:
        for name, factor in FACTORS.items():
            self._set(name, factor.coerce(name, getattr(self, name)))
        self._resolve_samples()
        self._resolve_stages()
        self._resolve_measures()
        self._check_owners()
        self._check_method()
        if self.optimizer == "adamw" and self.momentum:
            raise SweepError(f"momentum is {self.momentum:g}, but belongs to sgd; leave it at 0 with adamw")
        if self.optimizer == "nesterov" and not self.momentum:
            raise SweepError("momentum is 0, but optimizer nesterov takes a number above 0, such as 0.9")

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
        values = vars(self)
        try:
            arranged = NETWORKS[self.network].arranged(values)
        except ValueError as error:
            raise SweepError(str(error)) from None
        implied = {"sequential": arranged, "parallel": 1}.get(self.architecture)
        if self.network == "vgg" and self.architecture != "sequential":
            raise ArrangementError("architecture takes sequential alone for vgg, which has no skip connection")
        if implied is not None and self.stages not in (0, implied):
            raise ArrangementError(
                f"stages is {self.stages}, but a {self.architecture} {self.network} of depth {self.depth} has "
                f"{implied}; leave it at 0 or set architecture to mixed"
            )
        if implied is None and (not 1 < self.stages < arranged or arranged % self.stages):
            raise ArrangementError(
                f"stages is {self.stages}, but a mixed {self.network} of depth {self.depth} takes a divisor of "
                f"{arranged} between 1 and {arranged}"
            )
        self._set("stages", implied or self.stages)
        try:
            _ = self.shape
        except ValueError as error:
            raise SweepError(str(error)) from None

    def _resolve_measures(self) -> None:
        for measure in ("truncation", "paths"):
            if self.network == "vgg" and measure in self.measures:
                raise SweepError(f"measure {measure} is of skip connections, which vgg has none of; leave it out")
        taken = {field for measure in self.measures for field in PROTOCOLS[measure]}
        for field, owner in ((field, measure) for measure, takes in PROTOCOLS.items() for field in takes):
            if field not in taken and getattr(self, field):
                raise SweepError(f"{field} is {getattr(self, field)}, but belongs to measure {owner}; leave it at 0")
            if field in taken and not getattr(self, field):
                self._set(field, _DEFAULTS_IN_USE.get(field, 0))

    def _check_owners(self) -> None:
        """Raise SweepError for a field that is set and means nothing to this trial."""
        networks = {field: {name for name in NETWORKS if field in NETWORKS[name].factors} for field in SPECIAL}
        for kind, chosen, owners in (("network", self.network, networks), ("method", self.method, _OWNED)):
            for field, those in owners.items():
                value, default = getattr(self, field), _DEFAULTS[field]
                if chosen not in those and value != default:
                    raise SweepError(
                        f"{field} is {value!r}, but belongs to {kind} {' or '.join(sorted(those))}; "
                        f"leave it at {default!r} with {chosen}"
                    )

    def _check_method(self) -> None:
        for field in ("drop_rate", "retrain_steps", "kept_blocks"):
            if field in METHODS[self.method] and not getattr(self, field):
                raise SweepError(f"{field} is 0, but method {self.method} takes a number above 0")
        if self.method != "plain" and self.network == "vgg":
            raise SweepError(f"method {self.method} drops blocks, which vgg, having no skip connection, cannot spare")
        shapes = self.shape.block_shapes()
        if self.kept_blocks > len(shapes):
            raise SweepError(f"kept_blocks is {self.kept_blocks}, but the network has {len(shapes)} blocks")
        changing = sum(shape.inputs != shape.outputs for shape in shapes)
        if self.transitions == "kept" and not changing:
            raise SweepError("transitions is 'kept', but no block changes the shape; leave it at 'sampled'")
        if self.transitions == "kept" and self.kept_blocks <= changing:
            raise SweepError(
                f"kept_blocks is {self.kept_blocks}, but takes more than the {changing} blocks that change the shape, "
                "which are always kept"
            )

    @cached_property
    def trial_id(self) -> str:
        """The trial's identity: 20 hexadecimal digits."""
        return _digest(self.identity())

    @cached_property
    def pair_id(self) -> str:
        """Identity of everything but the arrangement of the blocks: equal for the sides of a matched pair."""
        return _digest({name: value for name, value in self.identity().items() if name not in ARRANGEMENT})

    @cached_property
    def training_id(self) -> str:
        """Identity of the training alone, whichever study it is for and whatever is measured afterwards."""
        return _digest({name: value for name, value in self.identity().items() if name not in NOT_TRAINING})

    @property
    def base(self) -> "Trial | None":
        """The plain training that this one starts from, if it does not start from fresh weights."""
        return replace(self.plain, epochs=self.base_epochs) if self.base_epochs else None

    @property
    def plain(self) -> "Trial":
        """The same trained plainly from fresh weights, with nothing measured."""
        return replace(self, **{field: _DEFAULTS[field] for field in (*NOT_TRAINING[1:], *_OWNED, *_STARTS)})

    @property
    def alone(self) -> bool:
        """Whether its network is trained on its own: all but stacks that are trained in the plainest way."""
        recipe = ("network", "augmentation", "label_smoothing", "method", "base_epochs")
        return any(getattr(self, field) != _DEFAULTS[field] for field in recipe)

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured on the trained network."""
        return () if self.measure == "none" else tuple(self.measure.split("+"))

    @property
    def shape(self) -> NetworkShape:
        """Shape of the trial's network."""
        data = DATASETS[self.dataset]
        inputs = (data.shape[0], self.image_size, self.image_size)
        return NETWORKS[self.network].shape(vars(self), inputs, data.classes)

    @property
    def stack(self) -> StackShape:
        """Shape of a stack. Raises TypeError for another network."""
        shape = self.shape
        if not isinstance(shape, StackShape):
            raise TypeError(f"the network is a {self.network}, not a stack")
        return shape

    @property
    def determination_ratio(self) -> float:
        """Q of P1: training samples times outputs over parameters; below 1 the data cannot determine the network."""
        shape = self.shape
        return self.train_samples * shape.classes / shape.parameters

    def identity(self) -> dict[str, Value]:
        """The fields that make the trial what it is, by name."""
        values = self.as_dict()
        return {name: value for name, value in values.items() if name in FIRST_SCHEMA or value != _DEFAULTS[name]}

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


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Trial) if field.name != "study"}

NOT_TRAINING = ("study", "measure", *(field for fields in PROTOCOLS.values() for field in fields))
"""Fields that do not change how a network is trained."""

assert [field.name for field in fields(Trial)] == list(FACTORS)
