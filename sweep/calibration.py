"""Measures how fast this machine trains the networks of a plan."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import nnls

from sweep.cost import CostModel, Features, GPUCostModel, features, gpu_features
from sweep.engine import find_engine
from sweep.pack import Pack
from sweep.result import Setting
from sweep.trial import Trial

_SAMPLES = 9
_SECONDS_A_SAMPLE = 0.7
_TRIALS_A_SAMPLE = 4


def calibrate(packs: Sequence[Pack], setting: Setting) -> CostModel:
    """Fit the cost model to short real trainings of networks spread over the packs, by cost.

    Takes some ten seconds. Weighs relative errors alike, so that small networks count as much as large ones.
    """
    return CostModel(*_fit(packs, setting, features))


def calibrate_gpu(packs: Sequence[Pack], setting: Setting) -> GPUCostModel:
    """The same on a GPU, on which the networks of a sample are trained as one.

    Raises SweepError where torch finds no GPU.
    """
    return GPUCostModel(*_fit(packs, setting, lambda trials: gpu_features(trials, len(trials))))


def _fit(
    packs: Sequence[Pack], setting: Setting, features_of: Callable[[Sequence[Trial]], Features]
) -> tuple[float, ...]:
    ordered = sorted(packs, key=lambda pack: pack.cost / len(pack))
    places = np.unique(np.linspace(0, len(ordered) - 1, _SAMPLES).round().astype(int))
    samples = [_shortened(ordered[place].trials[:_TRIALS_A_SAMPLE]) for place in places]
    _seconds(samples[0], setting)
    measured = np.array([_seconds(trials, setting) for trials in samples])
    rows = np.array([features_of(trials) for trials in samples])
    coefficients, _ = nnls(rows / measured[:, None], np.ones(len(samples)))
    return tuple(float(coefficient) for coefficient in coefficients)


def _shortened(trials: Sequence[Trial]) -> list[Trial]:
    """The same networks on as few images as the default model expects to take the time of a sample."""
    first = trials[0]
    one = CostModel().seconds([_with_samples(trial, first.batch_size) for trial in trials])
    images = int(first.batch_size * min(8.0, max(_SECONDS_A_SAMPLE / one, 4 / first.batch_size)))
    # A training that several trials share is done once.
    shortened = {trial.training_id: trial for trial in (_with_samples(trial, images) for trial in trials)}
    return list(shortened.values())


def _with_samples(trial: Trial, images: int) -> Trial:
    images = max(4, min(images, trial.train_samples, 4 * trial.val_samples))
    return trial.plain.but(
        epochs=1,
        train_samples=images,
        val_samples=max(1, images // 4),
        batch_size=min(trial.batch_size, images),
    )


def _seconds(trials: Sequence[Trial], setting: Setting) -> float:
    started = time.perf_counter()
    for _ in find_engine("torch")(trials, setting):
        pass
    return time.perf_counter() - started
