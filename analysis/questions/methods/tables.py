"""Tables of ways of training against each other."""

import math
from collections.abc import Sequence

from analysis.equivalence import Difference
from analysis.formats import DASH, number, p_value, percent
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import Robustness
from analysis.report.document import Table
from analysis.report.parts.estimates import difference
from analysis.report.words import columns, unbroken

PUBLISHED = (
    "Published, on CIFAR-10 with ResNet-110: effective paths alone, 23 of 54 blocks a mini-batch, 5.96 against 6.10 % "
    "error, a difference of -0.14 points (Veit et al., second-hand); stochastic depth 5.23 against 6.41 % (Huang et "
    "al.). Park's rates, models and numbers are not public to us: residual droppath here is a reconstruction."
)
_MOST_SIZES = 5


def steps_table(comparisons: Sequence[Comparison]) -> Table:
    """At equal optimiser steps."""
    return Table(
        columns(
            "network",
            "<arm",
            "<against",
            "seeds",
            "error",
            "against it",
            "difference, points [95 %]",
            "p",
            "loss ratio [95 %]",
            "p",
            "p equivalent",
            "<verdict on the loss",
        ),
        [
            [
                unbroken(each.group),
                unbroken(each.arm),
                unbroken(each.against),
                str(each.error.n),
                percent(each.mean_error, 2),
                percent(each.against_error, 2),
                difference(each.error),
                p_value(each.error.p),
                _ratio(each.log_loss),
                p_value(each.log_loss.p),
                p_value(each.tost.p),
                each.words,
            ]
            for each in comparisons
        ],
        "At equal optimiser steps, paired by seed",
        "Below zero, or below 1, the first arm is better. *Loss ratio* is the geometric mean of ratios of validation "
        "losses. *p equivalent* is the larger of the two one-sided tests against the declared margin of ratios, at "
        "5 %. Each row is a test of its own, not corrected for the others. Seeds that did not finish are in no "
        "estimate, but a verdict that they could turn is undecided.",
    )


def time_table(comparisons: Sequence[Comparison]) -> Table:
    """At equal training time."""
    return Table(
        columns(
            "network",
            "<arm",
            "<against",
            "seconds",
            "seeds",
            "error",
            "against it",
            "difference, points [95 %]",
            "p",
            "<verdict on the loss",
        ),
        [
            [
                unbroken(each.group),
                unbroken(each.arm),
                unbroken(each.against),
                number(each.seconds, 1),
                str(each.error.n),
                percent(each.mean_error, 2),
                percent(each.against_error, 2),
                difference(each.error),
                p_value(each.error.p),
                each.note or each.words,
            ]
            for each in comparisons
        ],
        "At equal training time, the other arm interpolated between its budgets",
        "As above. Where the other arm's budgets do not bracket the seconds of the first, nothing is said.",
    )


def lesion_table(rows: Sequence[Robustness]) -> Table:
    """Retrained networks under lesions."""
    sizes = _chosen(sorted({size for each in rows for size in each.some}))
    return Table(
        columns(
            "network",
            "<arm",
            "<against",
            "seeds",
            "whole",
            "one block deleted",
            "its rise",
            *(f"{size} deleted" for size in sizes),
        ),
        [
            [
                unbroken(each.group),
                unbroken(each.arm),
                unbroken(each.against),
                str(each.one.n),
                difference(each.untreated),
                difference(each.one),
                difference(each.rise),
                *(difference(each.some[size]) if size in each.some else DASH for size in sizes),
            ]
            for each in rows
        ],
        "Differences in error after deleting blocks, percentage points",
        "First arm minus the other, with 95 % intervals over seeds; below zero the first is more robust. *One block "
        "deleted* is the mean over all blocks, *its rise* how far it lies above the whole network; of more blocks the "
        "mean over random draws.",
    )


def _chosen(sizes: Sequence[int]) -> list[int]:
    """Some of the sizes, the smallest and the largest included."""
    if len(sizes) <= _MOST_SIZES:
        return list(sizes)
    step = (len(sizes) - 1) / (_MOST_SIZES - 1)
    return [sizes[round(place * step)] for place in range(_MOST_SIZES)]


def _ratio(log_ratio: Difference) -> str:
    if not math.isfinite(log_ratio.estimate):
        return DASH
    low, high = log_ratio.interval.low, log_ratio.interval.high
    ends = f" [{math.exp(low):.3f}, {math.exp(min(high, 700)):.3f}]" if math.isfinite(low) else ""
    return f"{math.exp(log_ratio.estimate):.3f}{ends}"
