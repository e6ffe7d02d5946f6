"""Ways of training to compare: trials that agree in everything but their method and seed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.measurements import study_trials
from analysis.networks import PLAIN, Row, labels, method_names, without_method
from analysis.pairs import STATUSES
from analysis.results import Results

RESIDUAL = "residual-droppath"


@dataclass(frozen=True)
class Arm:
    """One way of training, under one group's conditions: a row per trial, by seed."""

    name: str
    rows: Mapping[int, Row]

    @cached_property
    def first(self) -> Row:
        """The row of the lowest seed."""
        return self.rows[min(self.rows)]

    @property
    def method(self) -> str:
        """The method that its trials name."""
        return self.first["method"]

    @cached_property
    def finished(self) -> dict[int, Row]:
        """The rows of the seeds that finished."""
        return {seed: row for seed, row in self.rows.items() if row["status"] == "finished"}

    def ended(self, status: str) -> set[int]:
        """The seeds that ended so: finished, diverged, failed or missing."""
        return {seed for seed, row in self.rows.items() if row["status"] == status}

    @property
    def seconds(self) -> float:
        """The median over the finished seeds, NaN where there are none."""
        return float(np.median([row["seconds"] for row in self.finished.values()])) if self.finished else np.nan

    @property
    def errors(self) -> dict[int, float]:
        """The error of each finished seed, a share of the validation images."""
        return {seed: 1 - row["val_accuracy"] for seed, row in self.finished.items()}


def by_seconds(ladder: Iterable[Arm]) -> tuple[list[Arm], bool]:
    """The arms of several budgets that have a finished seed, by seconds; whether longer trainings took longer."""
    rungs = sorted((arm for arm in ladder if arm.finished), key=lambda arm: arm.seconds)
    epochs = [max(row["epochs"] for row in arm.finished.values()) for arm in rungs]
    return rungs, epochs == sorted(epochs)


@dataclass(frozen=True)
class Group:
    """Arms under the same conditions. Groups of one `family` differ only in their epochs."""

    label: str
    family: str
    arms: Mapping[str, Arm]
    """By name, plain training first."""

    @property
    def trial(self) -> Row:
        """One of its trials, which differ only in their method and seed."""
        return next(iter(self.arms.values())).first

    @property
    def compared(self) -> bool:
        """Whether two of its arms are compared; if not, it may still be a budget of its family."""
        return next(self.contrasts(), None) is not None

    def contrasts(self) -> Iterator[tuple[Arm, Arm]]:
        """Arms to compare: each with plain training, then residual droppath with droppath of the same rates."""
        others = [arm for arm in self.arms.values() if arm.method != PLAIN]
        if PLAIN in self.arms:
            yield from ((arm, self.arms[PLAIN]) for arm in others)
        yield from ((one, other) for one in others for other in others if _same_rates(one.first, other.first))


def _same_rates(one: Row, other: Row) -> bool:
    """Whether one is residual droppath and the other droppath alone, of the same rates, both for a whole batch."""
    methods = one["method"], other["method"]
    alike = all(one[field] == other[field] for field in ("drop_rate", "drop_rates", "rescale"))
    return methods == (RESIDUAL, "droppath") and alike and other["drop_per"] == "batch"


def arm_groups(results: Results, study: str) -> list[Group]:
    """The groups of a study, in the order of family and epochs; trials without a result are `missing`."""
    rows = study_trials(results, study)
    # Where one training was run for several measures: the one that came furthest first, then one with lesions.
    rows.sort(
        key=lambda row: (STATUSES.index(row["status"]), "lesions" not in row["measure"].split("+"), row["trial_id"])
    )
    plain = [without_method(row) for row in rows]
    families = labels([{**row, "epochs": 0} for row in plain])
    found: dict[tuple[str, int, str], dict[str, dict[int, Row]]] = {}
    for row, family, label, name in zip(rows, families, labels(plain), method_names(rows), strict=True):
        # The same training with something else measured on it is no further evidence.
        found.setdefault((family, row["epochs"], label), {}).setdefault(name, {}).setdefault(row["seed"], row)
    groups: list[Group] = []
    for (family, _, label), arms in sorted(found.items()):
        names = sorted(arms, key=lambda name: (name != PLAIN, name))
        groups.append(Group(label, family, {name: Arm(name, arms[name]) for name in names}))
    return groups
