"""The trainings that trials share."""

from collections.abc import Collection, Iterable

from sweep.trial import Trial


def trainings(trials: Iterable[Trial]) -> list[Trial]:
    """One trial for each training of the trials, including the trainings that they start from."""
    taken = (each for trial in trials for each in (trial.base, trial) if each is not None)
    return list({trial.training_id: trial for trial in taken}.values())


def base_trainings(trials: Iterable[Trial]) -> set[str]:
    """Identities of the trainings that the trials start from."""
    return {trial.base.training_id for trial in trials if trial.base is not None}


def trained_alone(trial: Trial, bases: Collection[str]) -> bool:
    """Whether a trial's network trains on its own, by its kind or method or because its training is one of `bases`."""
    return trial.alone or trial.training_id in bases
