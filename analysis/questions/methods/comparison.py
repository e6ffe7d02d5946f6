"""Does dropping blocks in training gain anything? Arms compared by seed, at equal steps and at equal time (P2, P5).

Every method takes one optimiser step a mini-batch, so equal epochs are equal steps. For equal time, the plain arm's
results are interpolated to the seconds of the other: each budget of epochs is a training of its own, whole under its
own schedule; between two budgets, error and log loss are taken to change in a straight line with the log of seconds.
Seconds are medians over seeds. Beyond the budgets, and where a longer training took less time, nothing is said.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.arms import Arm, Group, by_seconds
from analysis.chance import outcome
from analysis.claims import signs
from analysis.equivalence.mean import Difference
from analysis.equivalence.verdict import Verdict, decide
from analysis.seeds import LEAST_SEEDS, LEVEL, over_zero
from sweep.ledger import Margins

Basis = Literal["steps", "time"]
Figures = Mapping[int, tuple[float, ...]]
"""Seed to error, a share of images, and log loss."""


@dataclass(frozen=True)
class Comparison:
    """One arm against another under a group's conditions, paired by seed; below zero the first is better.

    `error` is of differences in the share of wrong validation images, `log_loss` of log ratios of validation losses,
    and `equivalence_p` of two one-sided tests of these against the declared ratio margin.
    """

    group: Group
    arm: Arm
    against: Arm
    basis: Basis
    mean_error: float
    against_error: float
    error: Difference
    log_loss: Difference
    equivalence_p: float
    verdict: Verdict
    """FIRST_BETTER stands for `arm`, SECOND_BETTER for `against`."""
    lacking: int
    """Seeds without a contrast; those that diverged on both sides do not count."""
    note: str = ""
    """Why there is no comparison."""

    @property
    def words(self) -> str:
        """The verdict with the arms' own names."""
        return self.verdict.words(self.arm.name, self.against.name)

    @property
    def ended(self) -> str:
        """What became of seeds that did not finish, in words; empty where all did."""
        return "; ".join(filter(None, map(_ended, (self.arm, self.against))))


def equal_steps(group: Group, margins: Margins) -> list[Comparison]:
    """Every contrast of a group at the same number of epochs."""
    return [_compare(group, pair, margins, "steps", _figures(pair[1])) for pair in group.contrasts()]


def equal_time(group: Group, family: Sequence[Group], margins: Margins) -> list[Comparison]:
    """Every contrast of a group, with the other arm interpolated to the seconds of the first.

    `family` has the groups that differ from it only in their epochs, and the group itself.
    """
    found: list[Comparison] = []
    for arm, against in group.contrasts():
        figures, note = at_seconds([each.arms[against.name] for each in family if against.name in each.arms], arm)
        found.append(_compare(group, (arm, against), margins, "time", figures, note))
    return found


def at_seconds(ladder: Sequence[Arm], arm: Arm) -> tuple[Figures, str]:
    """The figures of a ladder of budgets at the seconds of an arm, by seed; or none, and why there are none."""
    rungs, rising = by_seconds(ladder)
    if not rungs or not arm.finished:
        return {}, "a side has no finished trial"
    devices = {row["device"] for each in (*rungs, arm) for row in each.finished.values()}
    if len(devices) > 1:
        return {}, f"seconds are of several devices: {', '.join(sorted(devices))}"
    times = [rung.seconds for rung in rungs]
    if times[0] <= 0:
        return {}, "no seconds are known"
    if not rising:
        return {}, "a longer training took less time, so seconds are not compared"
    if not times[0] <= arm.seconds <= times[-1]:
        end, which = (times[-1], "the last") if arm.seconds > times[-1] else (times[0], "the first")
        why = "the budgets do not bracket it"
        if len(times) == 1:
            why, which = "a single budget does not bracket it", "that one"
        return {}, f"{why}: it takes {arm.seconds / end:.2g} times the seconds of {which}"
    above = next(place for place, seconds in enumerate(times) if seconds >= arm.seconds)
    if times[above] == arm.seconds:
        return _figures(rungs[above]), ""
    weight = math.log(arm.seconds / times[above - 1]) / math.log(times[above] / times[above - 1])
    low, high = _figures(rungs[above - 1]), _figures(rungs[above])
    ends = {seed: zip(low[seed], high[seed], strict=True) for seed in sorted(low.keys() & high.keys())}
    return {seed: tuple((1 - weight) * one + weight * two for one, two in pair) for seed, pair in ends.items()}, ""


def _figures(arm: Arm) -> Figures:
    return {seed: (arm.errors[seed], math.log(outcome(row))) for seed, row in arm.finished.items()}


def _outcomes(arm: Arm, figures: Figures) -> dict[int, float]:
    """Log losses by seed, with the loss of guessing for a network that diverged."""
    chance = {seed: math.log(outcome(arm.rows[seed])) for seed in arm.ended("diverged")}
    return chance | {seed: loss for seed, (_, loss) in figures.items()}


def _compare(
    group: Group, sides: tuple[Arm, Arm], margins: Margins, basis: Basis, other: Figures, note: str = ""
) -> Comparison:
    arm, against = sides
    own = _figures(arm)
    both = arm.ended("diverged") & against.ended("diverged")
    one, two = _outcomes(arm, own), _outcomes(against, other)
    known = [one[seed] - two[seed] for seed in sorted((one.keys() & two.keys()) - both)]
    lacking = len((arm.rows.keys() | against.rows.keys()) - both) - len(known)
    errors = np.array([(own[seed][0], other[seed][0]) for seed in sorted(own.keys() & other.keys())]).reshape(-1, 2)
    mean, other_mean = errors.mean(axis=0).tolist() if len(errors) else (math.nan, math.nan)
    error, loss = over_zero(errors[:, 0] - errors[:, 1]), over_zero(known)
    judged = judge(loss, 0 if note else lacking, margins)
    return Comparison(group, arm, against, basis, mean, other_mean, error, loss, *judged, lacking, note)


def judge(loss: Difference, lacking: int, margins: Margins) -> tuple[float, Verdict]:
    """P of equivalence and verdict of log ratios of losses, one per seed; none where seeds are lacking."""
    margin = math.log1p(margins.ratio)
    p = loss.p_inside(-margin, margin)
    if loss.n < LEAST_SEEDS or lacking:
        return p, Verdict.UNDECIDED
    # Each tail has half the level, so that one interval decides both questions.
    return p, decide(2 * p, loss.p, loss.estimate, LEVEL)


def _ended(arm: Arm) -> str:
    counts = [(len(arm.ended(status)), status) for status in ("diverged", "failed", "missing")]
    words = ", ".join(f"{count} of {len(arm.rows)} {status}" for count, status in counts if count)
    return f"{arm.name}: {words}" if words else ""


def gains(comparisons: Sequence[Comparison]) -> list[int]:
    """What comparisons with enough seeds show after Holm's correction: 1 a lower error, -1 a higher one, or 0."""
    return [-sign for sign in signs([each.error for each in comparisons if each.error.n >= LEAST_SEEDS])]


def in_words(found: Sequence[int]) -> str:
    """What `gains` finds, in a clause."""
    comparisons = f"{len(found)} comparison{'s' * (len(found) != 1)}"
    return f"lower in {found.count(1)}, higher in {found.count(-1)} of {comparisons}"
