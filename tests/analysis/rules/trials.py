"""Trials and losses for the declared rules, and what is asked of an assessment."""

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

import analysis
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assessment import Assessment
from sweep.result import TrialResult
from sweep.trial import Trial

CHANCE = math.log(10)
WIDTHS = range(1, 13)
EQUIVALENT = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)


def study(
    depths: Sequence[int] = (1, 4),
    widths: Iterable[int] = WIDTHS,
    seeds: Iterable[int] = range(3),
    name: str = "test",
    **factors: object,
) -> list[Trial]:
    """Matched trials of two activations: 24 configurations of three seeds deeper than one block, unless told."""
    levels = depths, widths, ("relu", "tanh"), seeds, ("sequential", "parallel")
    return [
        Trial(
            name,
            **{"dataset": "digits", "epochs": 1, **factors},
            depth=depth,
            filters=width,
            activation=activation,
            seed=seed,
            architecture=side,
        )
        for depth, width, activation, seed, side in itertools.product(*levels)
    ]


def noise(trial: Trial) -> float:
    """Of a trial, the same under each name of its study; at depth 1 of the pair."""
    side = trial.architecture if trial.depth > 1 else ""
    key = (trial.depth, trial.filters, trial.activation, trial.seed, trial.dataset, side)
    return float(np.random.default_rng(zlib.crc32(repr(key).encode())).normal())


def learning(trial: Trial, ratio: float = 1.0, helps: float = 0.7, spread: float = 0.01) -> float:
    """The loss of a network that learns: wide ones more, deep ones `helps` times that of one block."""
    loss = math.exp(-0.05 * trial.filters + spread * noise(trial))
    if trial.depth > 1:
        loss *= helps * (ratio if trial.architecture == "parallel" else 1.0)
    return loss


Ends = Callable[..., list[TrialResult]]
Judge = Callable[..., Assessment]


def judged(pairs: pa.Table) -> Assessment:
    (found,) = analysis.assess(pairs).by_dataset.values()
    return found


def caveat(found: Assessment, text: str) -> bool:
    return any(text in each for each in found.caveats)


def withheld(found: Assessment, text: str) -> bool:
    return found.verdict == Verdict.UNDECIDED and any(text in each for each in found.withheld)


def replaced(trial: Trial) -> Trial:
    return trial.but(architecture="sequential")
