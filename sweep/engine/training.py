"""Trains the trials of a pack and measures their networks.

Stacks of one shape are trained side by side as one fused network; any other network is trained alone. A training that
several trials share is done once. A training that has a checkpoint in the store resumes from it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch

from sweep.cost import CostModel
from sweep.engine.blocks import BlockTraining
from sweep.engine.checkpoint import Trained, pack_trained, unpack, unpack_trained
from sweep.engine.fused import FusedGroup
from sweep.engine.fusion import fusion_groups
from sweep.engine.group import Group
from sweep.engine.kernels import NATIVE, chosen
from sweep.engine.measuring import measured
from sweep.engine.native.training import NativeGroup
from sweep.engine.resources import claim_device, prepare_process
from sweep.result import Checkpoint, Event, Measurement, OutOfMemory, Progress, Setting, TrialResult
from sweep.trainings import base_trainings, trained_alone
from sweep.trial import Trial

_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""What torch, CUDA and its libraries say, each in another type of error."""


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train trials of one pack and measure their networks; an `Engine`.

    Raises OutOfMemory where they do not fit together, SweepError for a checkpoint that cannot be used and for a
    missing device.
    """
    prepare_process()
    torch.set_num_threads(setting.threads)
    with _memory_faults():
        claim_device(setting)
        yield from _Pack(trials, setting).run()


class _Pack:
    """Trials on their way to results."""

    def __init__(self, trials: Sequence[Trial], setting: Setting) -> None:
        self.trials, self.setting = trials, setting
        self.ended: dict[str, Trained] = {}
        """By `training_id`."""
        self.done = 0.0
        """Share of the pack's work."""
        self._costs = CostModel()
        self._total = self._costs.seconds(trials)
        self._bases = base_trainings(trials)
        self._kernel = chosen(trials[0], setting.device, setting.kernel)

    def run(self) -> Iterator[Event]:
        results: dict[int, TrialResult] = {}
        for group in self._groups():
            members = [self.trials[i] for i in group]
            yield from (
                self._train_alone(members[0]) if trained_alone(members[0], self._bases) else self._train_fused(members)
            )
            for index, trial in zip(group, members, strict=True):
                trained, rows = self.ended[trial.training_id], list[Measurement]()
                if trial.measures and trained.state is not None:
                    shares = measured(trial, trained.state, self.setting, rows)
                    yield from self._scaled(shares, self._costs.measuring(trial))
                before = trained.result.measurements
                results[index] = replace(trained.result, trial=trial, measurements=(*before, *rows))
        yield [results[i] for i in range(len(self.trials))]

    def _groups(self) -> list[list[int]]:
        """Indices of the trials of each group to be trained together; trainings that others start from come first."""
        if not trained_alone(self.trials[0], self._bases):
            if self._kernel == NATIVE:
                return [list(range(len(self.trials)))]
            return fusion_groups(self.trials, self.setting.device, self.setting.gpu_share)
        return [[index] for index in sorted(range(len(self.trials)), key=lambda i: self.trials[i].pretrain_epochs > 0)]

    def _train_alone(self, trial: Trial) -> Iterator[Event]:
        if trial.training_id in self.ended:
            return
        values = unpack(trial, self.setting.checkpoint(trial.training_id))
        trained = unpack_trained(trial, values) if values is not None else None
        if trained is None:
            start = None
            if values is None and (base := trial.base) is not None:
                yield from self._train_alone(base)
                before = self.ended[base.training_id]
                if before.state is None:
                    # A training that starts from a diverged network has diverged with it.
                    self.ended[trial.training_id] = Trained(replace(before.result, trial=trial))
                    return
                start = before.state
            training = BlockTraining(trial, self.setting, start)
            if values is not None:
                training.restore(values)
            yield from self._scaled(training.run(), self._costs.training(trial))
            trained = training.trained()
            yield pack_trained(trained)
        self.ended[trial.training_id] = trained

    def _train_fused(self, trials: Sequence[Trial]) -> Iterator[Event]:
        missing = []
        for trial in trials:
            # The weights of a network on which nothing is measured are not kept.
            values = unpack(trial, self.setting.checkpoint(trial.training_id)) if trial.measures else None
            trained = unpack_trained(trial, values) if values is not None else None
            if trained is None:
                missing.append(trial)
            else:
                self.ended[trial.training_id] = trained
        if not missing:
            return
        kind = NativeGroup if self._kernel == NATIVE else FusedGroup
        group: Group = kind(missing, self.setting)
        yield from self._scaled(group.epochs(), sum(map(self._costs.training, missing)))
        for index, (trial, result) in enumerate(zip(missing, group.results(), strict=True)):
            trained = Trained(result, group.state(index) if trial.measures else None)
            self.ended[trial.training_id] = trained
            if trial.measures:
                yield pack_trained(trained)

    def _scaled(self, events: Iterable[float | Checkpoint], cost: float) -> Iterator[Event]:
        """The events of a part of the work, whose progress counts by its share of the whole cost."""
        weight = cost / self._total
        for event in events:
            yield event if isinstance(event, Checkpoint) else Progress(min(1.0, self.done + weight * event))
        self.done += weight


@contextmanager
def _memory_faults() -> Iterator[None]:
    """Raise OutOfMemory for every error that reports too little memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        typed = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if typed or any(sign in str(error) for sign in _MEMORY_SIGNS):
            raise OutOfMemory(str(error)) from error
        raise
