"""What trials train in common."""

from collections.abc import Collection, Iterable

from sweep.trial import Trial


def trainings(trials: Iterable[Trial]) -> list[Trial]:
    """A trial for each training that the trials take, those that they start from included."""
    taken = (each for trial in trials for each in (trial.base, trial) if each is not None)
    return list({trial.training_id: trial for trial in taken}.values())


def base_trainings(trials: Iterable[Trial]) -> set[str]:
    """Identities of the trainings that some of the trials start from."""
    return {trial.base.training_id for trial in trials if trial.base is not None}


def trained_alone(trial: Trial, bases: Collection[str]) -> bool:
    """Whether a trial's network is trained on its own, by itself or because others start from it, as from `bases`."""
    return trial.alone or trial.training_id in bases
