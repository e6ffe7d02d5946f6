"""The factors of trials: those common to all, and those of the parts that a trial names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.factor import factor
from models.kind import NetworkKind
from models.kinds import KINDS
from sweep import measures, methods
from sweep.data import DATASETS
from sweep.factors import Factor, declared
from sweep.identity import ALWAYS
from sweep.measures.base import Measure
from sweep.methods.base import Method
from sweep.registry import Registry

NO_MEASURE = "none"

BUDGET = ("train_samples", "val_samples", "image_size", "batch_size", "epochs", "precision")
"""What a network is trained on and for how long. One network at several budgets is one configuration, as it is at
several seeds: another budget is no further evidence about other networks."""


@dataclass(frozen=True)
class Common:
    """The factors of every trial. Defaults are the authors' published habits (P1; KDIR 2022): AdamW, 1e-3."""

    dataset: str = factor("mnist", choices=tuple(DATASETS), meaning="the images")
    train_samples: int = factor(0, low=0, meaning="class-balanced training subset drawn by the seed; 0 is all")
    image_size: int = factor(0, low=0, high=1024, meaning="side in pixels after area averaging; 0 is native")
    normalisation: str = factor(
        "published", choices=("published", "none"), meaning="published channel means, or pixels in 0..1"
    )
    validation: str = factor(
        "test", choices=("test", "held-out"), meaning="the test split, or a tenth of the training split"
    )
    val_samples: int = factor(0, low=0, meaning="class-balanced subset of the validation images; 0 is all")
    architecture: str = factor(
        "sequential", choices=("sequential", "parallel", "mixed"), meaning="how the blocks are arranged"
    )
    depth: int = factor(1, low=1, high=4096, meaning="residual blocks of a stack, layers of any other network")
    stages: int = factor(0, low=0, high=4096, meaning="sequential stages, in a ResNet per group; 0: by architecture")
    filters: int = factor(
        8, low=1, high=4096, meaning="channels of every block, of the first ones where they grow, or that a block adds"
    )
    optimizer: str = factor("adamw", choices=("adamw", "sgd", "nesterov"), meaning="AdamW, or SGD, plain or Nesterov's")
    learning_rate: float = factor(1e-3, low=0, high=100, meaning="learning rate at the start of the schedule")
    weight_decay: float = factor(1e-4, low=0, high=1, meaning="decoupled for AdamW, an L2 term for SGD")
    momentum: float = factor(0.0, low=0, high=0.9999, meaning="momentum of SGD; AdamW's is fixed at 0.9")
    schedule: str = factor(
        "constant", choices=("constant", "cosine", "multistep", "onecycle"), meaning="how the learning rate changes"
    )
    batch_size: int = factor(256, low=1, high=65536, meaning="images per step")
    epochs: int = factor(100, low=1, high=100_000, meaning="passes over the training samples")
    precision: str = factor("fp32", choices=("fp32", "bf16"), meaning="how networks compute; weights are always fp32")
    seed: int = factor(0, low=0, high=2**31 - 1, meaning="fixes initial weights, batch order and subset")
    draws: str = factor(
        "nested",
        choices=("nested", "crossed"),
        meaning="nested: a seed draws anew in each configuration; crossed: alike in all, as earlier versions did",
        formerly="crossed",
    )
    network: str = factor("stack", meaning="the kind of network")
    augmentation: str = factor(
        "none", choices=("none", "crop-flip"), meaning="training images shifted by up to an eighth and mirrored"
    )
    label_smoothing: float = factor(0.0, low=0, high=0.9, meaning="share of the label spread over all classes")
    method: str = factor("plain", meaning="how the network is trained")
    pretrain_epochs: int = factor(0, low=0, high=100_000, meaning="epochs of plain training before those of the method")
    measure: str = factor(NO_MEASURE, choices=(NO_MEASURE,), meaning="what is measured on the trained network")
    measure_every: int = factor(
        0, low=0, high=100_000, meaning="epochs between measurements in training, the first before it; 0: at its end"
    )


_BUILT_IN: dict[str, Mapping[str, type]] = {
    "network": KINDS,
    "method": methods.METHODS,
    "measure": measures.MEASURES,
}
"""The parts of each sort, by the factor that chooses among them."""


def _all_factors() -> dict[str, Factor]:
    """The factors that always enter an identity first; a part's factors after the factor that chooses the part."""
    known = {"study": Factor(str, meaning="the search space that the trial belongs to")}
    for name, each in declared(Common).items():
        known[name] = each
        for part in _BUILT_IN.get(name, {}).values():
            for own, factor_of_part in declared(part).items():
                known.setdefault(own, factor_of_part)
    return {name: known[name] for name in dict.fromkeys((*ALWAYS, *known))}


FACTORS = _all_factors()
"""Every factor of a trial by name. Parts registered later add theirs."""

NETWORKS: Registry[NetworkKind] = Registry("network", NetworkKind, KINDS, FACTORS)
METHODS: Registry[Method] = Registry("method", Method, methods.METHODS, FACTORS)
MEASURES: Registry[Measure] = Registry("measure", Measure, measures.MEASURES, FACTORS)

REGISTRIES: dict[str, Registry[Any]] = {"network": NETWORKS, "method": METHODS, "measure": MEASURES}
"""The registry of each factor that chooses a part."""

for _sort, _registry in REGISTRIES.items():
    FACTORS[_sort] = replace(FACTORS[_sort], known=_registry.keys, load=_registry.load, several=_sort == "measure")


def load_parts(levels: Mapping[str, Iterable[object]]) -> None:
    """Register the user's own parts that some levels name. Raises SweepError for a part that does not exist."""
    for sort in REGISTRIES.keys() & levels.keys():
        for level in levels[sort]:
            FACTORS[sort].coerce(sort, level)


def always_entering(values: Mapping[str, Any]) -> set[str]:
    """The factors of the user's own parts that a trial names. Their defaults may change with the user's file."""
    named = [(REGISTRIES[sort], name) for sort in REGISTRIES for name in values[sort].split("+") if ":" in name]
    return {factor for registry, name in named if name in registry for factor in declared(registry[name])}


def own_columns(row: Mapping[str, Any]) -> list[str]:
    """The factors that the parts of a row of `trials` declare, as far as this process knows the parts."""
    named = [registry.get(name) for sort, registry in REGISTRIES.items() for name in row[sort].split("+")]
    return [name for part in named if part is not None for name in declared(part)]


def kind_of(row: Mapping[str, Any]) -> NetworkKind | None:
    """The kind of network of a row of `trials`, or None if this process does not know it."""
    kind = NETWORKS.get(row["network"])
    return None if kind is None else kind(**{name: row[name] for name in declared(kind)})
