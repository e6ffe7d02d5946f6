"""Ways of training set against each other: trials that agree in everything but the method and the seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow.compute as pc

from analysis.networks import labels, method_name
from analysis.results import Results
from sweep.ledger import method_factors, training_factors
from sweep.parts import FACTORS

Row = Mapping[str, Any]

PLAIN = "plain"
RESIDUAL = "residual-droppath"
_ENDS = ("finished", "diverged", "failed", "missing")


@dataclass(frozen=True)
class Arm:
    """One way of training, under one group's conditions: a trial's row a seed."""

    name: str
    rows: Mapping[int, Row]

    @cached_property
    def first(self) -> Row:
        """The row of the lowest seed."""
        return self.rows[min(self.rows)]

    @property
    def method(self) -> str:
        """What the trials say their method is."""
        return self.first["method"]

    @property
    def finished(self) -> dict[int, Row]:
        """Seeds that finished."""
        return {seed: row for seed, row in self.rows.items() if row["status"] == "finished"}

    def ended(self, status: str) -> int:
        """How many seeds are finished, diverged, failed or missing."""
        return sum(row["status"] == status for row in self.rows.values())

    @property
    def seconds(self) -> float:
        """Median over finished seeds, NaN without one."""
        return float(np.median([row["seconds"] for row in self.finished.values()])) if self.finished else np.nan

    @property
    def errors(self) -> dict[int, float]:
        """Share of validation images that each finished seed has wrong."""
        return {seed: 1 - row["val_accuracy"] for seed, row in self.finished.items()}


@dataclass(frozen=True)
class Group:
    """Arms under the same conditions; those of one `family` differ in nothing but their epochs."""

    label: str
    family: str
    epochs: int
    pretrain_epochs: int
    arms: Mapping[str, Arm]
    """By name, plain training first."""

    @property
    def compared(self) -> bool:
        """Whether it has a contrast; one that has none may still be a budget of its family."""
        return any(True for _ in self.contrasts())

    def contrasts(self) -> Iterator[tuple[Arm, Arm]]:
        """Every arm with plain training, then residual droppath with droppath of the same rates."""
        others = [arm for arm in self.arms.values() if arm.method != PLAIN]
        if PLAIN in self.arms:
            yield from ((arm, self.arms[PLAIN]) for arm in others)
        yield from ((one, other) for one in others for other in others if _same_rates(one.first, other.first))


def _same_rates(one: Row, other: Row) -> bool:
    """Whether one is residual droppath and the other its droppath alone; both drop blocks for a batch."""
    methods = one["method"], other["method"]
    alike = all(one[field] == other[field] for field in ("drop_rate", "drop_rates", "rescale"))
    return methods == (RESIDUAL, "droppath") and alike and other["drop_per"] == "batch"


def arm_groups(results: Results, study: str) -> list[Group]:
    """The groups of a study, by family and epochs; planned trials without a result are `missing`."""
    rows = _known(results, study)
    names = dict(zip(map(_arm_key, rows), arm_names(rows), strict=True))
    plain = [without_method(row) for row in rows]
    timeless = [{**row, "epochs": 0} for row in plain]
    conditions = [name for name in training_factors() if name not in (*method_factors(), "seed")]
    members: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        members.setdefault(tuple(row[name] for name in conditions), []).append(place)
    whole, family = labels(plain), labels(timeless)
    groups: list[Group] = []
    for places in members.values():
        arms: dict[str, dict[int, Row]] = {}
        for row in (rows[place] for place in places):
            # The same training with something else measured on it is no further evidence.
            arms.setdefault(names[_arm_key(row)], {}).setdefault(row["seed"], row)
        first = places[0]
        ordered = sorted(arms, key=lambda name: (name != PLAIN, name))
        groups.append(
            Group(
                whole[first],
                family[first],
                rows[first]["epochs"],
                rows[first]["pretrain_epochs"],
                {name: Arm(name, arms[name]) for name in ordered},
            )
        )
    return sorted(groups, key=lambda group: (group.family, group.epochs))


def without_method(row: Row) -> dict[str, Any]:
    """The row as if it were trained plainly, so that rows of one network have one label."""
    return {**row, **{name: FACTORS[name].default for name in method_factors()}}


def _known(results: Results, study: str) -> list[Row]:
    done = results.table("trials", where=(pc.field("study") == study)).to_pylist()
    ended = {row["trial_id"] for row in done}
    planned = results.plan.filter(pc.field("study") == study).to_pylist()
    lacking = [{**row, "status": "missing"} for row in planned if row["trial_id"] not in ended]
    return sorted([*done, *lacking], key=_precedence)


def _precedence(row: Row) -> tuple[Any, ...]:
    """Where one training was run for several measures: the one that came furthest first, then one with lesions."""
    return _ENDS.index(row["status"]), "lesions" not in row["measure"].split("+"), row["trial_id"]


def _arm_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[field] for field in method_factors())


def arm_names(rows: Sequence[Row]) -> list[str]:
    """Method and main field, and of the others those that differ among arms of one method and main field."""
    short = [method_name(row) or PLAIN for row in rows]
    alike: dict[str, list[Row]] = {}
    for name, row in zip(short, rows, strict=True):
        alike.setdefault(name, []).append(row)
    differing = {
        name: [field for field in method_factors()[1:] if len({row[field] for row in those}) > 1]
        for name, those in alike.items()
    }
    return [
        ", ".join([name, *(f"{field.replace('_', ' ')} {row[field]}" for field in differing[name])])
        for name, row in zip(short, rows, strict=True)
    ]
