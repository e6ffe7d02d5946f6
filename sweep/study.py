"""Studies: named search spaces, products of the levels of factors under constraints, with their margins."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sweep.errors import SweepError, unknown_name
from sweep.expression import Expression
from sweep.factors import Value
from sweep.identity import by_current_name, current
from sweep.margins import Margins
from sweep.parts import load_parts
from sweep.shown import shown
from sweep.trial import FACTORS, ArrangementError, Trial

MOST_COMBINATIONS = 200_000
"""The most combinations of levels that a plan looks at: a minute or two."""

_BRACKETS = frozenset("[](){}'\"")


@dataclass(frozen=True)
class Study:
    """A named search space: all combinations of the factors' levels that meet every condition of `where`.

    >>> study = Study("widths", {"dataset": ["mnist"], "filters": [2, 4], "seed": ["0..2"]}, where=["filters > 2"])
    >>> [trial.seed for trial in study.trials()]
    [0, 1, 2]

    Factors vary like the digits of a counter, the last one fastest; `architecture` varies fastest of all, so the sides
    of a matched pair are neighbours. If `stages` has several levels, the study leaves out combinations whose
    architecture and depth do not have that many stages: architecture [sequential, mixed, parallel] with stages
    [0, 2, 4] at depth 8 gives the sequential and the parallel stack once each, and the mixed stacks of 2 and 4 stages.

    With `arms`, it is the union of its arms in order. Each arm is a product of the study's factors, with the arm's own
    factors replacing or joining them. Use arms for what is not one product, as networks of unequal depths.

    Raises SweepError for an unknown factor, a level that is not allowed, a factor without levels or an invalid
    condition.
    """

    name: str = "study"
    factors: Mapping[str, Any] = field(default_factory=dict)
    """Levels by factor: a value, or several; as tuples once it is made."""
    where: Sequence[str] = ()
    about: str = field(default="", compare=False)
    margins: Margins = field(default_factory=Margins)
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _checked(self.factors))
        for arm in self.arms:
            FACTORS["study"].coerce("arm", arm)
        object.__setattr__(self, "arms", {arm: _checked(factors) for arm, factors in self.arms.items()})
        where = (self.where,) if isinstance(self.where, str) else tuple(self.where)
        object.__setattr__(self, "where", where)
        for condition in where:
            Expression(condition, FACTORS)
        if isinstance(self.margins, Mapping):
            # As in a study's file.
            object.__setattr__(self, "margins", Margins().override(self.margins))
        FACTORS["study"].coerce("study", self.name)

    def override(self, levels: Mapping[str, Any]) -> "Study":
        """The same study with the levels of some factors replaced or added, in every arm.

        ``ARM.FACTOR`` names a factor of one arm. Raises SweepError for an unknown arm.
        """
        everywhere = {name: values for name, values in levels.items() if "." not in name}
        arms = {
            arm: {name: values for name, values in factors.items() if name not in everywhere}
            for arm, factors in self.arms.items()
        }
        for name, values in levels.items():
            arm, separator, factor = name.partition(".")
            if separator and arm not in arms:
                raise unknown_name("arm", arm, arms) if arms else SweepError(f"{self.name!r} has no arms")
            if separator:
                arms[arm][factor] = values
        return replace(self, factors={**self.factors, **everywhere}, arms=arms)

    @property
    def combinations(self) -> int:
        """How many combinations of levels there are, whether or not they are trials that meet the conditions."""
        products = [{**self.factors, **factors} for factors in self.arms.values()] or [self.factors]
        return sum(math.prod(map(len, factors.values())) for factors in products)

    def trials(self, most: int | None = None) -> Iterator[Trial]:
        """Every trial of the study, in order, each made when it is asked for.

        Raises SweepError for a combination that is not a valid trial, and for more than `most` combinations.
        """
        budget = itertools.count() if most is None else iter(range(most))
        if not self.arms:
            yield from self._product(self.factors, budget)
        for arm, factors in self.arms.items():
            try:
                yield from self._product({**self.factors, **factors}, budget)
            except SweepError as error:
                raise SweepError(f"in arm {arm}, {error}", *error.parameters) from None

    def too_large(self) -> SweepError:
        """The error for a study with more combinations than a plan looks at."""
        return SweepError(
            f"{self.name!r} has {self.combinations:,} combinations of levels, and a plan looks at "
            f"{MOST_COMBINATIONS:,}; take fewer levels, or a limit that the first of them fill",
            "set",
            "limit",
        )

    def _product(self, factors: Mapping[str, Sequence[Value]], budget: Iterator[int]) -> Iterator[Trial]:
        conditions = [Expression(condition, FACTORS) for condition in self.where]
        factors = _checked(factors)
        several_stages = len(factors.get("stages", ())) > 1
        for combination in itertools.product(*factors.values()):
            if next(budget, None) is None:
                raise self.too_large()
            try:
                trial = Trial.from_dict({"study": self.name, **dict(zip(factors, combination, strict=True))})
            except ArrangementError:
                if several_stages:
                    continue
                raise
            values = trial.as_dict()
            if all(condition(values) for condition in conditions):
                yield trial


def parse_override(text: str) -> tuple[str, list[Value]]:
    """Factor and levels of an override such as ``depth=1,2,4``, or ``resnet.depth=20`` for one arm.

    Raises SweepError for a text that is not an override.
    """
    name, separator, levels = text.partition("=")
    name = name.strip()
    arm, dot, factor = name.rpartition(".")
    factor = current(factor)
    name = f"{arm}{dot}{factor}"
    if not separator or not levels.strip():
        raise SweepError(f"an override is FACTOR=VALUE or FACTOR=VALUE,VALUE, not {shown(text)}", "set")
    if _BRACKETS & set(levels):
        raise SweepError(f"an override has no brackets or quotes, as in depth=1,2,4, unlike {shown(text)}", "set")
    _check_factor(factor)
    kind = FACTORS[factor]
    given = [part for level in levels.split(",") for part in kind.levels(name, level.strip())]
    return name, [kind.parse(name, part) if isinstance(part, str) else kind.coerce(name, part) for part in given]


def _checked(factors: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    """The levels in their factors' types, `architecture` last; each factor has at least one level, none twice.

    A single level needs no list, and one of an integer may be a range, such as ``0..29``.
    """
    given = by_current_name(factors)
    load_parts(given)
    checked: dict[str, tuple[Value, ...]] = {}
    for name, levels in given.items():
        _check_factor(name)
        factor = FACTORS[name]
        several = [levels] if isinstance(levels, str | int | float) else levels
        values = tuple(factor.coerce(name, part) for level in several for part in factor.levels(name, level))
        if not values:
            raise SweepError(f"factor {name!r} has no level; give it at least one")
        if len(set(values)) < len(values):
            raise SweepError(f"factor {name!r} has a level twice in {shown(list(values))}")
        checked[name] = values
    if "architecture" in checked:
        checked["architecture"] = checked.pop("architecture")
    return checked


def _check_factor(name: str) -> None:
    if name not in FACTORS or name == "study":
        raise unknown_name("factor", name, [known for known in FACTORS if known != "study"])
