"""Registries of a trial's parts: kinds of network, training methods and measures, by name.

A part is a frozen dataclass whose fields are its own factors. A user's own part is named ``module:NAME`` and imported
when a trial or study first names it.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from sweep.errors import SweepError
from sweep.factors import Factor, declared
from sweep.identity import FORMER_NAMES
from sweep.own_code import find

Part = TypeVar("Part")

RESERVED = {
    *("alone", "as_dict", "base", "but", "from_dict", "identity", "kind", "measured_by", "measures", "plain", "shape"),
    *("measured_epochs", "trained_by", "training_id", "draw_seed", "determination_ratio"),
    *("trial_id", "pair_id", "status", "error", "diverged_epoch", "epochs_run", "seconds", "fused_with", "device"),
    *("kernel", "peak_memory_bytes", "finished_at", "classes", "blocks", "layers_per_block"),
    *("train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm", "parameters", "forward_flops"),
    *("contrast", "sequential", "parallel", "difference", "ratio", "sequential_stages", "parallel_stages"),
    *("sequential_id", "parallel_id", "sequential_status", "parallel_status", *FORMER_NAMES),
}
"""Names that no factor may have, since trials or their tables use them."""


class Registry(dict[str, type[Part]], Generic[Part]):
    """Parts of one sort by name. `sort` is the factor that chooses among them; `factors` holds all parts' factors."""

    def __init__(
        self, sort: str, base: type[Part], parts: Mapping[str, type[Part]], factors: dict[str, Factor]
    ) -> None:
        super().__init__(parts)
        self.sort, self.base, self._factors = sort, base, factors
        for name, part in parts.items():
            self.register(name, part)

    def register(self, name: str, part: object) -> None:
        """Add a part. Raises SweepError for what is not a part, and for factors that clash or refuse their default."""
        if not (isinstance(part, type) and issubclass(part, self.base) and _is_frozen(part)):
            raise SweepError(
                f"{self.sort} {name!r} is not one: a {self.sort} is a frozen dataclass derived from "
                f"{self.base.__module__}.{self.base.__name__}"
            )
        if lacking := getattr(part, "__abstractmethods__", ()):
            raise SweepError(f"{self.sort} {name!r} does not define {', '.join(sorted(lacking))}")
        factors = declared(part)
        for factor, here in factors.items():
            if not all(_takes(here, value) for value in {here.default, here.stands_for or here.default}):
                default = f"{here.default!r}" + (f", for {here.stands_for!r}" if here.stands_for else "")
                raise SweepError(
                    f"factor {factor!r} of {self.sort} {name!r} has the default {default}, but takes {here.allowed}"
                )
            there = self._factors.get(factor)
            if there is not None and there != here and (sharing := self.owners(factor)):
                owners = " and ".join(sharing)
                raise SweepError(
                    f"factor {factor!r} of {self.sort} {name!r} is declared differently by {owners}; give it the same "
                    "type, default and bounds, or another name"
                )
            if self._is_taken(factor):
                raise SweepError(f"factor {factor!r} of {self.sort} {name!r} has a name that is taken; rename it")
        for factor, here in factors.items():
            self._factors.setdefault(factor, here)
        self[name] = part

    def _is_taken(self, factor: str) -> bool:
        """Whether a factor's name cannot be a column, or hides something else."""
        # SQL does not distinguish upper and lower case.
        others = self._factors.keys() - ({factor} & set(self.own_factors()))
        alike = any(name.lower() == factor.lower() for name in others)
        hides = factor.lower() in RESERVED or hasattr(self.base, factor)
        return alike or hides or factor.startswith("_") or not factor.isidentifier()

    def load(self, name: str) -> None:
        """Register the user's own part ``module:NAME``. Raises SweepError if there is none."""
        self.register(name, find(self.sort, name))

    def register_all(self, module: ModuleType) -> None:
        """Register every part that a module defines, under its last name there. Raises SweepError like `register`."""
        found = {value: name for name, value in vars(module).items() if isinstance(value, type)}
        for part, name in found.items():
            if issubclass(part, self.base) and part.__module__ == module.__name__:
                self.register(f"{module.__name__}:{name}", part)

    def own_factors(self) -> tuple[str, ...]:
        """Names of the factors that the parts declare, in order."""
        return tuple(dict.fromkeys(factor for part in self.values() for factor in declared(part)))

    def owners(self, factor: str) -> list[str]:
        """Names of the parts that declare a factor."""
        return [name for name, part in self.items() if factor in declared(part)]


def _takes(factor: Factor, value: object) -> bool:
    try:
        return factor.coerce("default", value) == value
    except SweepError:
        return False


def _is_frozen(part: Any) -> bool:
    return is_dataclass(part) and part.__dataclass_params__.frozen  # pyright: ignore[reportAttributeAccessIssue]
