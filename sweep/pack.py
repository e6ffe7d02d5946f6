"""Packs: trials whose networks train as one fused network, or that share the training of one network."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sweep.cost import CostModel, features
from sweep.errors import SweepError
from sweep.identity import set_digest
from sweep.trainings import base_trainings, trained_alone
from sweep.trial import Trial

PACK_SIZE = 24
"""The most trials in a pack: two arrangements of one depth-1 shape in the grid, twelve trials of any other."""

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
        """The pack cut in two, the larger half first."""
        middle = (len(self.trials) + 1) // 2
        # Even, so that the sides of a depth-1 pair, which are neighbours, stay together.
        middle += middle % 2 if middle + 1 < len(self.trials) else 0
        return Pack(self.trials[:middle]), Pack(self.trials[middle:])

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
    size -= size % 2 if size > 1 else 0
    packs: list[Pack] = []
    for group in group_by_network(trials):
        # Trials that start from one training stay together, so that only one worker does that training.
        most = len(group) if any(trial.pretrain_epochs for trial in group) else size
        packs += [Pack(tuple(group[start : start + most])) for start in range(0, len(group), most)]
    return sorted(packs, key=lambda pack: (-pack.cost, pack.pack_id))


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
