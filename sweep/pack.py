"""Packs: trials whose networks train as one fused network, or that share the training of one network."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from sweep.cost import CostModel, features
from sweep.errors import SweepError
from sweep.identity import set_digest
from sweep.trainings import base_trainings, trained_alone
from sweep.trial import Trial

PACK_SIZE = 24
"""The most trials in a pack: two arrangements of one depth-1 shape in the grid, twelve trials of any other."""

_PARTS = 300
_LEAST_SECONDS = 300.0
"""A pack takes about a 300th of its plan at most, so that a hundred workers end at about the same time. Packs
that take less than five minutes of one core are left whole, so that a GPU can fuse their networks."""

FREE_WITHIN_PACK = ("architecture", "learning_rate", "weight_decay", "momentum", "schedule", "seed")
"""Factors in which the trials of one pack may differ, besides `fused_over` of their kind. They may differ in
`architecture`, which only names `stages`, but not in `stages`."""


@dataclass(frozen=True)
class Pack:
    """Trials that train together."""

    trials: tuple[Trial, ...]

    @cached_property
    def pack_id(self) -> str:
        """Identity of this set of trials: 20 hexadecimal digits."""
        return trials_digest(self.trials)

    @cached_property
    def cost(self) -> float:
        """Estimated seconds on one worker, to order and weigh packs."""
        return CostModel().seconds(self.trials)

    @property
    def trainings(self) -> set[str]:
        """Identities of the trainings that can have checkpoints."""
        saved = [trial for trial in self.trials if trial.alone or trial.measures]
        return {trial.training_id for trial in saved} | base_trainings(saved)

    @property
    def flops(self) -> float:
        """Floating-point operations of training and validating all trials."""
        return features(self.trials)[0]

    def halves(self) -> tuple["Pack", "Pack"]:
        """The pack cut in two of about one size; the sides of a depth-1 pair stay together if it has more trials.

        Raises ValueError for a pack of one trial.
        """
        units = twins(self.trials) if len(self) > 2 else [[trial] for trial in self.trials]
        first: list[Trial] = []
        while 2 * len(first) < len(self) and len(first) + len(units[0]) < len(self):
            first += units.pop(0)
        if not first:
            raise ValueError("a pack of one trial has no halves")
        return Pack(tuple(first)), Pack(tuple(chain.from_iterable(units)))

    def __len__(self) -> int:
        return len(self.trials)


def trials_digest(trials: Iterable[Trial]) -> str:
    """Identity of a set of trials, whatever their order."""
    return set_digest(trial.trial_id for trial in trials)


def check_pack_size(size: int) -> None:
    """Raise SweepError for a size below 1."""
    if size < 1:
        raise SweepError(f"pack_size is {size}, but takes an integer of at least 1", "pack_size")


def make_packs(trials: Iterable[Trial], size: int = PACK_SIZE) -> list[Pack]:
    """Deal trials into packs of at most `size`, the costliest pack first. Raises SweepError for a size below 1."""
    check_pack_size(size)
    packs: list[Pack] = []
    for group in group_by_network(trials):
        # Trials that start from one training stay together, so that only one worker does that training.
        most = len(group) if any(trial.pretrain_epochs for trial in group) else size
        packs += _dealt(twins(group), most)
    most_seconds = max(_LEAST_SECONDS, sum(pack.cost for pack in packs) / _PARTS)
    cut = [part for pack in packs for part in _cut(pack, most_seconds)]
    return sorted(cut, key=lambda pack: (-pack.cost, pack.pack_id))


def _cut(pack: Pack, most_seconds: float) -> Iterator[Pack]:
    """Parts of a pack that each take at most so long, or are a single trial, a depth-1 pair or one shared training."""
    long = pack.cost > most_seconds and len(twins(pack.trials)) > 1
    if not long or any(trial.pretrain_epochs for trial in pack.trials):
        yield pack
        return
    for half in pack.halves():
        yield from _cut(half, most_seconds)


def twins(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials one by one, but those of one network and one pair together: the sides of a depth-1 pair, in any order."""
    if len({trial.architecture for trial in trials}) == 1:
        # No two are sides of a pair, and a pair's identity takes a hash of all factors.
        return [[trial] for trial in trials]
    units: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        units.setdefault((trial.pair_id, trial.stages), []).append(trial)
    return list(units.values())


def _dealt(units: Iterable[list[Trial]], most: int) -> list[Pack]:
    """Units one after another in packs of at most so many trials; a unit larger than that is dealt by itself."""
    packs: list[list[Trial]] = []
    for unit in units:
        if packs and len(packs[-1]) + len(unit) <= most:
            packs[-1] += unit
        else:
            packs += [unit[start : start + most] for start in range(0, len(unit), most)]
    return [Pack(tuple(pack)) for pack in packs]


def group_by_network(trials: Iterable[Trial]) -> list[list[Trial]]:
    """Groups of trials that can share a pack, in order of their first trials."""
    trials = list(trials)
    bases = base_trainings(trials)
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        # A training and all trials that start from it form one group, so that it is done once.
        key = ((trial.base or trial).training_id,) if trained_alone(trial, bases) else _network_key(trial)
        groups.setdefault(key, []).append(trial)
    return list(groups.values())


def _network_key(trial: Trial) -> tuple[object, ...]:
    free = (*FREE_WITHIN_PACK, *trial.kind.fused_over)
    return tuple(value for name, value in trial.as_dict().items() if name not in free)
