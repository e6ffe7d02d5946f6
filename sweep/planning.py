"""Plans: the ordered trials of a study under a user's options."""

import heapq
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from sweep.errors import SweepError
from sweep.expression import Expression
from sweep.factors import Value
from sweep.margins import Margins, parse_margin
from sweep.numerals import read_whole
from sweep.pack import Pack, group_by_network, make_packs, trials_digest
from sweep.parts import REGISTRIES
from sweep.shown import shown
from sweep.study import MOST_COMBINATIONS, Study, parse_override
from sweep.trial import FACTORS, Trial


@dataclass(frozen=True, repr=False)
class Plan:
    """Distinct trials of one study, in order, and the margins that will judge their results."""

    study: str
    trials: tuple[Trial, ...]
    margins: Margins = field(default_factory=Margins)
    whole: tuple[str, int] | None = None
    """Of a shard: the identity of the plan that it is a part of, and how many trials that has."""

    @classmethod
    def of(cls, study: str, trials: Iterable[Trial], margins: Margins | None = None) -> "Plan":
        """A plan of the given trials without repetitions."""
        return cls(study, tuple(_distinct(trials)), margins or Margins())

    @cached_property
    def sweep_id(self) -> str:
        """Identity of this set of trials; runs of one plan on one store are one sweep."""
        return trials_digest(self.trials)

    def __repr__(self) -> str:
        return f"Plan({self.study!r}, {len(self)} trial{'' if len(self) == 1 else 's'})"

    @cached_property
    def levels(self) -> dict[str, list[Value]]:
        """The levels of every factor among the trials, sorted, by name."""
        rows = [trial.as_dict() for trial in self.trials]
        return {name: sorted({row[name] for row in rows}) for name in FACTORS if name != "study"}

    def where(self, expression: str) -> "Plan":
        """The trials that meet the expression."""
        return replace(self, trials=tuple(_meeting(expression, self.trials)))

    def limit(self, count: int) -> "Plan":
        """The first `count` trials."""
        return replace(self, trials=tuple(_first(count, self.trials)))

    def shard(self, index: int, count: int) -> "Plan":
        """Part `index`, from 1, of `count` parts of about equal cost; trials that can share a pack stay together."""
        if not 1 <= index <= count:
            raise SweepError(f"shard is {index}/{count}, but takes I/N with I from 1 to N", "shard")
        chosen: set[str] = set()
        groups = [Pack(tuple(group)) for group in group_by_network(self.trials)]
        loads = [(0.0, part) for part in range(1, min(count, len(groups)) + 1)]
        for group in sorted(groups, key=lambda group: (-group.cost, group.pack_id)):
            load, part = heapq.heappop(loads)
            heapq.heappush(loads, (load + group.cost, part))
            if part == index:
                chosen.update(trial.trial_id for trial in group.trials)
        whole = self.sweep_id, len(self)
        return replace(self, trials=tuple(trial for trial in self.trials if trial.trial_id in chosen), whole=whole)

    def without(self, done: Collection[str]) -> "Plan":
        """The trials whose identities are not in `done`."""
        return replace(self, trials=tuple(trial for trial in self.trials if trial.trial_id not in done))

    def packs(self, size: int) -> list[Pack]:
        """The trials in packs of at most `size`, the costliest pack first."""
        return make_packs(self.trials, size)

    def __len__(self) -> int:
        return len(self.trials)


def make_plan(
    study: Study,
    where: str | None = None,
    overrides: Sequence[str] = (),
    limit: int | None = None,
    shard: str | None = None,
    margins: Sequence[str] = (),
) -> Plan:
    """The plan of a study under a user's options, applied in this order: overrides, where, limit, shard.

    `margins` are texts such as ``ratio=0.05`` that replace the study's own. Raises SweepError for an invalid option or
    a plan without trials.
    """
    study = study.override(_overrides(overrides))
    if limit is None and study.combinations > MOST_COMBINATIONS:
        raise study.too_large()
    trials = study.trials(MOST_COMBINATIONS)
    if where is not None:
        trials = _meeting(where, trials)
    if limit is not None:
        trials = _first(limit, _distinct(trials))
    plan = Plan.of(study.name, trials, _declared(study.margins, margins))
    if not plan.trials:
        raise SweepError(f"no trial of {study.name!r} meets the conditions; loosen them", "where")
    if shard is not None:
        plan = plan.shard(*_parse_shard(shard))
        if not plan.trials:
            raise SweepError(f"shard is {shard}, but that part has no trial; take fewer parts", "shard")
    return plan


def _distinct(trials: Iterable[Trial]) -> Iterator[Trial]:
    """Each trial once, at its first place."""
    seen = set[str]()
    for trial in trials:
        if trial.trial_id not in seen:
            seen.add(trial.trial_id)
            yield trial


def _meeting(expression: str, trials: Iterable[Trial]) -> Iterator[Trial]:
    holds = Expression(expression, FACTORS)
    return (trial for trial in trials if holds(trial.as_dict()))


def _first(count: int, trials: Iterable[Trial]) -> Iterator[Trial]:
    if count < 1:
        raise SweepError(f"limit is {count}, but takes an integer of at least 1", "limit")
    return islice(trials, min(count, sys.maxsize))


def _overrides(texts: Sequence[str]) -> dict[str, list[Value]]:
    """The levels of each factor that is set. Raises SweepError for a factor that is set twice."""
    # A user's own part brings factors that other overrides may set.
    parts_first = sorted(texts, key=lambda text: text.partition("=")[0].rpartition(".")[2].strip() not in REGISTRIES)
    found: dict[str, list[Value]] = {}
    for name, levels in map(parse_override, parts_first):
        if name in found:
            raise SweepError(f"{name} is set twice; give all its levels at once, as in depth=1,2,4", "set")
        found[name] = levels
    return found


def _declared(margins: Margins, texts: Sequence[str]) -> Margins:
    """Margins with those of the options. Raises SweepError for one that is given twice."""
    found: dict[str, float] = {}
    for text in texts:
        given = parse_margin(text)
        margins = margins.override(given)
        if given.keys() & found.keys():
            raise SweepError(f"margin {next(iter(given))} is given twice; give it once", "margin")
        found |= given
    return margins


def _parse_shard(text: str) -> tuple[int, int]:
    index, separator, count = text.partition("/")
    try:
        return read_whole(index), read_whole(count if separator else "")
    except ValueError:
        raise SweepError(f"shard is {shown(text)}, but takes I/N such as 2/8", "shard") from None
