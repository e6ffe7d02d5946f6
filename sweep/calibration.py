"""Measures how fast processors train the networks of a plan, in short real trainings."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sweep.cost import CostModel, features
from sweep.engine import find_engine
from sweep.engine.kernels import chosen
from sweep.pack import Pack
from sweep.result import Setting
from sweep.trial import Trial

_SAMPLES = 9
_SECONDS_PER_SAMPLE = 0.7
_TRIALS_PER_SAMPLE = 4


@dataclass(frozen=True)
class Workers:
    """Processors for a plan: their number, and how long trials take on one.

    `calibrated` says whether `model` was measured on one of them; `fault` says why that failed.
    """

    count: int
    model: CostModel = field(default_factory=CostModel)
    calibrated: bool = False
    fault: str | None = None

    def seconds(self, packs: Sequence[Pack]) -> float:
        """Estimated time until the last pack ends: the longest pack's, or an equal share of all work."""
        each = [self.model.seconds(pack.trials) for pack in packs]
        return max(sum(each) / self.count, *each, 0.0)


def calibrate(packs: Sequence[Pack], setting: Setting) -> CostModel:
    """Fit the cost model to short real trainings of networks from all over the range of costs.

    Takes about ten seconds. It fits relative errors, so small networks matter as much as large ones.
    """
    # Importing these takes a second, which other commands need not wait for.
    import numpy as np
    from scipy.optimize import nnls

    ordered = sorted(packs, key=lambda pack: pack.cost / len(pack))
    places = np.unique(np.linspace(0, len(ordered) - 1, _SAMPLES).round().astype(int))
    samples = [_shortened(ordered[place].trials[:_TRIALS_PER_SAMPLE]) for place in places]
    for trials in samples:
        # Compiling is not a part of training.
        chosen(trials[0], setting.device, setting.kernel)
    _seconds(samples[0], setting)
    measured = np.array([_seconds(trials, setting) for trials in samples])
    rows = np.array([features(trials) for trials in samples])
    coefficients, _ = nnls(rows / measured[:, None], np.ones(len(samples)))
    return CostModel(*map(float, coefficients))


def _shortened(trials: Sequence[Trial]) -> list[Trial]:
    """The same networks on so few images that, by the default model, they take the time of a sample."""
    first = trials[0]
    one = CostModel().seconds([_with_samples(trial, first.batch_size) for trial in trials])
    images = int(first.batch_size * min(8.0, max(_SECONDS_PER_SAMPLE / one, 4 / first.batch_size)))
    # Trials that share a training train it once.
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
