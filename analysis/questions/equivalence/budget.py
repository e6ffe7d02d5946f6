"""How the ratio of losses of matched pairs changes with the budget of training, from their curves (P1).

Where the learning rate is constant, the epochs of a training are those of a shorter one to the bit: weights, images and
their order are the same. So a curve holds the result at every smaller number of epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array
from analysis.equivalence.design import of_grid
from analysis.equivalence.mean import Mean
from analysis.networks import PLAIN
from analysis.questions.equivalence.sample import SIDES, Sample, make_sample, ordered_levels, sampled
from analysis.results import Results

_METRIC = "val_loss"
FITTED = 4
"""Points, from the last one back, that the line through log ratios goes through."""
AHEAD = (2, 10)
"""Multiples of the last number of epochs that the line is drawn out to."""
_MOST = 9
"""More epochs than these are thinned out to powers of two."""


@dataclass(frozen=True)
class Course:
    """One data set at one number of training images; means are of log ratios over these networks on new seeds.

    `at` is of each of `epochs`. `slope` is of a line through the last `FITTED` points per doubling of the epochs,
    `missed` the last point less what a line through those before it says, and `ahead` what the line says at multiples
    of the last number of epochs.
    """

    dataset: str
    images: int
    batch_sizes: tuple[int, ...]
    pairs: int
    configurations: int
    epochs: tuple[int, ...]
    at: tuple[Mean, ...]
    slope: Mean
    missed: Mean
    ahead: tuple[Mean, ...]


def find_courses(results: Results, pairs: pa.Table) -> list[Course]:
    """How ratios of pairs of `Results.pairs` change, by data set and number of images, where trainings can be cut."""
    rows = _cut_short(sampled(pairs))
    courses: list[Course] = []
    for dataset in ordered_levels(np.asarray(rows["dataset"].to_pylist())):
        mine = rows.filter(pc.field("dataset") == dataset)
        for images in sorted(set(mine["train_samples"].to_pylist())):
            course = _course(results, mine.filter(pc.field("train_samples") == images))
            if course is not None:
                courses.append(course)
    return courses


def _cut_short(rows: pa.Table) -> pa.Table:
    """Pairs whose curves are those of shorter trainings: constant rates, plain steps from fresh weights."""
    constant = (pc.field("schedule") == "constant") & (pc.field("method") == PLAIN)
    return rows.filter(constant & (pc.field("pretrain_epochs") == 0))


def _course(results: Results, rows: pa.Table) -> Course | None:
    """The course of pairs of one data set and number of images, to the epochs that all of them are planned for."""
    last = min(rows["epochs"].to_pylist())
    epochs = chosen_epochs(last)
    if len(epochs) < FITTED:
        return None
    sample = make_sample(rows, _METRIC)
    losses = _losses(results, rows, epochs)
    ratios = np.array([_at(sample, losses[:, :, place]).contrast("ratio") for place in range(len(epochs))])
    known = np.asarray(np.isfinite(ratios).all(axis=0))
    if not known.any():
        return None
    ratios, sample = ratios[:, known], sample.where(known)
    doublings = np.log2(epochs)

    def mean(values: Array) -> Mean:
        return of_grid(sample.contrasts(values))

    slope, missed = _line(doublings[-FITTED:], ratios[-FITTED:])[1], _missed(doublings, ratios)
    ahead = [_said(doublings[-FITTED:], ratios[-FITTED:], np.log2(last * times)) for times in AHEAD]
    return Course(
        rows["dataset"][0].as_py(),
        rows["train_samples"][0].as_py(),
        tuple(sorted(set(rows["batch_size"].to_pylist()))),
        int(known.sum()),
        sample.configurations,
        tuple(epochs),
        tuple(map(mean, ratios)),
        mean(slope),
        mean(missed),
        tuple(map(mean, ahead)),
    )


def chosen_epochs(last: int) -> list[int]:
    """All epochs where they are few, else powers of two and the last."""
    if last <= _MOST:
        return list(range(1, last + 1))
    return [*(2**power for power in range(last.bit_length()) if 2**power < last), last]


def _losses(results: Results, rows: pa.Table, epochs: Sequence[int]) -> Array:
    """Validation losses (sides, pairs, epochs), NaN where a trial has none."""
    sides = [rows[f"{side}_id"].to_pylist() for side in SIDES]
    trials = pa.array([trial for side in sides for trial in side], pa.string())
    wanted = pc.field("trial_id").isin(trials) & pc.field("epoch").isin(pa.array(epochs, pa.int64()))
    curves = results.table("curves", ["trial_id", "epoch", _METRIC], wanted)
    place = {trial: number for number, trial in enumerate(trials.to_pylist())}
    losses = np.full((len(trials), len(epochs)), np.nan)
    trial = [place[each] for each in curves["trial_id"].to_pylist()]
    losses[trial, np.searchsorted(epochs, curves["epoch"].to_numpy())] = curves[_METRIC].to_numpy()
    return losses.reshape(len(SIDES), rows.num_rows, len(epochs))


def _at(sample: Sample, losses: Array) -> Sample:
    """The sample after fewer epochs, with losses (sides, pairs): a side that has one had not diverged yet."""
    statuses = [np.where(np.isfinite(own), "finished", of) for own, of in zip(losses, sample.statuses, strict=True)]
    return replace(
        sample,
        sequential=losses[0],
        parallel=losses[1],
        sequential_status=statuses[0],
        parallel_status=statuses[1],
    )


def _line(x: Array, y: Array) -> tuple[Array, Array]:
    """Height at the mean of x, and slope, of least-squares lines through (points, pairs); each (pairs,)."""
    centred = x - x.mean()
    return y.mean(axis=0), centred @ y / (centred @ centred)


def _said(x: Array, y: Array, at: float) -> Array:
    """What lines through (points, pairs) say at a place: (pairs,)."""
    height, slope = _line(x, y)
    return height + slope * (at - x.mean())


def _missed(x: Array, y: Array) -> Array:
    """The last values (pairs,) less what lines through the points before say."""
    before = slice(-FITTED, -1)
    return y[-1] - _said(x[before], y[before], x[-1])
