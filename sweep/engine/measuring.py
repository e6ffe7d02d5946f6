"""Measures a trial's network, during its training and after it."""

from collections.abc import Iterator
from dataclasses import replace

from sweep.engine.build import State, place
from sweep.engine.images import TrialImages
from sweep.measures.base import Subject
from sweep.result import Measurement, Setting
from sweep.trial import Trial


def measured(
    trial: Trial, state: State, setting: Setting, rows: list[Measurement], epoch: int | None = None
) -> Iterator[float]:
    """Measure what a trial asks for on the network of a state, into `rows`; yields the share done.

    `epoch` is the number of epochs that the network has been trained for, None at the end. A measure draws from streams
    of the trial's seed alone, so it draws alike at every epoch, and the training does not notice.
    """
    device = setting.device
    subject = Subject(
        trial=trial,
        network=place(trial, device, state).eval(),
        intervention=trial.trained_by.evaluation(trial),
        images=TrialImages([trial], device, setting.data_cache),
        initial=lambda: place(trial, device).eval(),
    )
    for number, measure in enumerate(trial.measured_by):
        for share, found in measure.measure(subject):
            rows += found if epoch is None else (replace(row, epoch=epoch) for row in found)
            yield (number + share) / len(trial.measured_by)
