"""Plans: the ordered trials of a study under a user's options."""

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sweep.errors import SweepError
from sweep.expression import Expression
from sweep.margins import Margins, parse_margin
from sweep.pack import Pack, group_by_network, make_packs, trials_digest
from sweep.parts import REGISTRIES
from sweep.space import Space, parse_override
from sweep.trial import FACTORS, Trial


@dataclass(frozen=True)
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
        return cls(study, tuple({trial.trial_id: trial for trial in trials}.values()), margins or Margins())

    @cached_property
    def sweep_id(self) -> str:
        """Identity of this set of trials; runs of one plan on one store are one sweep."""
        return trials_digest(self.trials)

    def where(self, expression: str) -> "Plan":
        """The trials that meet the expression."""
        holds = Expression(expression, FACTORS)
        return replace(self, trials=tuple(trial for trial in self.trials if holds(trial.as_dict())))

    def limit(self, count: int) -> "Plan":
        """The first `count` trials."""
        if count < 1:
            raise SweepError(f"limit is {count}, but takes an integer of at least 1", "limit")
        return replace(self, trials=self.trials[:count])

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
    space: Space,
    where: str | None = None,
    overrides: Sequence[str] = (),
    limit: int | None = None,
    shard: str | None = None,
    margins: Sequence[str] = (),
) -> Plan:
    """The plan of a space under a user's options, applied in this order: overrides, where, limit, shard.

    `margins` are texts such as ``ratio=0.05`` that replace the space's own. Raises SweepError for an invalid option or
    a plan without trials.
    """
    # A user's own part brings factors that other overrides may set.
    parts_first = sorted(
        overrides, key=lambda text: text.partition("=")[0].rpartition(".")[2].strip() not in REGISTRIES
    )
    space = space.override(dict(map(parse_override, parts_first)))
    declared = space.margins
    for text in margins:
        declared = declared.override(parse_margin(text))
    plan = Plan.of(space.study, space.trials(), declared)
    if where is not None:
        plan = plan.where(where)
    if limit is not None:
        plan = plan.limit(limit)
    if not plan.trials:
        raise SweepError(f"no trial of {space.study!r} meets the conditions; loosen them", "where")
    if shard is not None:
        plan = plan.shard(*_parse_shard(shard))
        if not plan.trials:
            raise SweepError(f"shard is {shard}, but that part has no trial; take fewer parts", "shard")
    return plan


def _parse_shard(text: str) -> tuple[int, int]:
    index, separator, count = text.partition("/")
    if not (separator and index.strip().isdecimal() and count.strip().isdecimal()):
        raise SweepError(f"shard is {text!r}, but takes I/N such as 2/8", "shard")
    return int(index), int(count)
