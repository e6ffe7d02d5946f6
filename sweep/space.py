"""Search spaces: a product of named factors under constraints."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sweep.errors import SweepError
from sweep.expression import Expression
from sweep.factors import Value, unknown_name
from sweep.margins import Margins
from sweep.trial import FACTORS, ArrangementError, Trial


@dataclass(frozen=True)
class Space:
    """All combinations of the factors' levels that meet every constraint.

    Factors vary as digits of a counter, the last one fastest; `architecture` always varies fastest of all, so that the
    sides of a matched pair are neighbours. Where `stages` has several levels, combinations whose architecture and depth
    do not have that many stages are left out: architecture [sequential, mixed, parallel] with stages [0, 2, 4] at depth
    8 gives the sequential and the parallel stack once each, and the mixed stacks of 2 and 4 stages.

    Raises SweepError for an unknown factor, a level that is not allowed, an empty factor or a constraint that cannot be
    read.
    """

    study: str
    factors: Mapping[str, Sequence[Value]]
    constraints: Sequence[str] = ()
    about: str = field(default="", compare=False)
    margins: Margins = field(default_factory=Margins)

    def __post_init__(self) -> None:
        checked: dict[str, tuple[Value, ...]] = {}
        for name, levels in self.factors.items():
            if name not in FACTORS or name == "study":
                raise unknown_name("factor", name, [known for known in FACTORS if known != "study"])
            values = tuple(FACTORS[name].coerce(name, level) for level in levels)
            if not values:
                raise SweepError(f"factor {name!r} has no level; give it at least one")
            if len(set(values)) < len(values):
                raise SweepError(f"factor {name!r} has a level twice in {list(values)}")
            checked[name] = values
        if "architecture" in checked:
            checked["architecture"] = checked.pop("architecture")
        object.__setattr__(self, "factors", checked)
        object.__setattr__(self, "constraints", tuple(self.constraints))
        for constraint in self.constraints:
            Expression(constraint, FACTORS)
        FACTORS["study"].coerce("study", self.study)

    def override(self, levels: Mapping[str, Sequence[Value]]) -> "Space":
        """The same space with the levels of some factors replaced or added."""
        return replace(self, factors={**self.factors, **levels})

    def trials(self) -> Iterator[Trial]:
        """Every trial of the space, in order. Raises SweepError for a combination that is no trial."""
        constraints = [Expression(constraint, FACTORS) for constraint in self.constraints]
        names = list(self.factors)
        several_stages = len(self.factors.get("stages", ())) > 1
        for combination in itertools.product(*self.factors.values()):
            try:
                trial = Trial.from_dict({"study": self.study, **dict(zip(names, combination, strict=True))})
            except ArrangementError:
                if several_stages:
                    continue
                raise
            values = trial.as_dict()
            if all(constraint(values) for constraint in constraints):
                yield trial


def parse_override(text: str) -> tuple[str, list[Value]]:
    """Factor and levels of an override such as ``depth=1,2,4``. Raises SweepError if it is not one."""
    name, separator, levels = text.partition("=")
    name = name.strip()
    if not separator or not levels.strip():
        raise SweepError(f"--set takes FACTOR=VALUE or FACTOR=VALUE,VALUE, not {text!r}")
    if name not in FACTORS or name == "study":
        raise unknown_name("factor", name, [known for known in FACTORS if known != "study"])
    return name, [FACTORS[name].parse(name, level.strip()) for level in levels.split(",")]
