"""Are the sides of matched pairs equivalent? The statistics of `analysis.equivalence` put together, and the rules.

Declared rules, the same for every sample, which is of one data set:

- The question is about these configurations on new seeds: the interval comes from seeds. A second interval is of other
  networks like these. Depth 1 is left out.
- A loss is judged twice, as the ratio parallel / sequential and as the difference in what was learned, chance minus
  loss. Equivalence takes both inside the declared margin. An accuracy has an estimate and intervals, and no verdict.
- A diverged network is an outcome: it counts with the loss of guessing. Where one side diverges more often, there may
  be equivalence, but not plainly. Pairs of which both sides diverged say nothing.
- A side that failed counts as having learned nothing; where that changes the verdict, it is undecided.
- No verdict before every planned trial has ended, below the least number of pairs, where a control fails, where the
  margins were declared after the first result, and where the networks learn nothing.
- Every look at growing results spends a part of the error (`analysis.equivalence.alpha_of_look`).
- A verdict is plain where nothing qualifies it: depth helps, seeds are nested, neither side diverges more often, and
  nearly all configurations lie inside the margin.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS, Contrasts, enough_seeds
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.divergence import ClusteredMcNemar
from analysis.equivalence.inside import Inside, share_inside
from analysis.equivalence.mean import Estimate, Mean
from analysis.equivalence.registry import STATISTICS
from analysis.equivalence.verdict import AHEAD, ALPHA, INSIDE, Verdict, alpha_of_look, decide
from analysis.formats import percent
from analysis.questions.equivalence.assay import Assay, Learned, assay, learned
from analysis.questions.equivalence.control import Controls, controls
from analysis.questions.equivalence.declared import Question
from analysis.questions.equivalence.sample import (
    SIDES,
    Counts,
    Sample,
    Scale,
    count,
    divergence,
    failed_as_chance,
    make_sample,
)
from sweep.errors import SweepError
from sweep.ledger import Margins

NEARLY_ALL = 0.9
"""Share of configurations inside the margin below which equivalence holds on average alone."""
LOSSES = ("val_loss", "train_loss")


@dataclass(frozen=True)
class Assessment:
    """All numbers on one metric and data set, on one scale, log ratios of losses or differences, and the verdict.

    It is the one that the declared rules let stand. `withheld` says why there is none, and `caveats` say what qualifies
    it; both are clauses without a full stop.
    """

    metric: str
    scale: Scale
    margins: Margins
    margin: float
    alpha: float
    look: int
    counts: Counts
    configurations: int
    seeds: int
    crossed: bool
    grid: Mean
    networks: Mean
    learned: Learned | None
    inside: Inside
    assay: Assay | None
    divergence: ClusteredMcNemar
    seed_effect: float
    """P."""
    failed_as_chance: Mean
    """Of this grid, with failed sides counted as having learned nothing."""
    statistics: Mapping[str, Any]
    """Name to result, of every statistic that is registered; none where there is no margin."""
    verdict: Verdict = Verdict.UNDECIDED
    withheld: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def interval(self) -> Estimate:
        """The mean of this grid, on the scale, with its interval of the confidence that the verdict is at."""
        return self.grid.interval(1 - 2 * self.alpha)

    @property
    def has_interval(self) -> bool:
        """Whether there is one, which takes a second seed."""
        return math.isfinite(self.interval.low)

    @property
    def p_equivalence(self) -> float:
        """The largest p of the one-sided tests on the ratio and on what was learned; NaN without a margin."""
        learned = math.nan if self.learned is None else self.learned.p
        return float(np.maximum(self.grid.p_inside(-self.margin, self.margin), learned))

    @property
    def p_difference(self) -> float:
        """Two-sided, of no difference on this grid."""
        return self.grid.p

    @property
    def is_equivalent(self) -> bool:
        """Whether the verdict is one of equivalence."""
        return self.verdict in INSIDE

    @property
    def plain(self) -> bool:
        """Whether the verdict is one of equivalence that nothing qualifies."""
        return self.is_equivalent and not self.caveats

    @property
    def beyond(self) -> bool:
        """Whether the verdict stands and the interval lies beyond the margin altogether: not equivalent."""
        ends = self.interval
        return self.verdict in AHEAD and (ends.low > self.margin or ends.high < -self.margin)

    @property
    def words(self) -> str:
        """The verdict as it is read."""
        return in_words(self.verdict)


@dataclass(frozen=True)
class Answer:
    """The assessments of one metric by data set, and what they come to together."""

    by_dataset: Mapping[str, Assessment]

    @property
    def verdict(self) -> Verdict:
        """The verdict that holds on every data set; undecided where they differ.

        Equivalent and different but inside the margin count as one.
        """
        found = {each.verdict for each in self.by_dataset.values()}
        if len(found) == 1:
            return next(iter(found))
        return Verdict.DIFFERENT_INSIDE if found <= set(INSIDE) else Verdict.UNDECIDED

    @property
    def plain(self) -> bool:
        """Whether it is one of equivalence that nothing qualifies on any data set."""
        return self.verdict in INSIDE and all(each.plain for each in self.by_dataset.values())


def assess(pairs: pa.Table, control: Controls | None = None) -> Answer:
    """Judge the pairs of `Results.pairs`, parallel against sequential, on each data set by itself.

    The table knows its metric, and the margins and looks of its question; depth-1 pairs in it are the control, unless
    one is given that was made of several metrics. Raises SweepError for any other table.
    """
    question = Question.of(pairs)
    control = control or controls({question.metric: pairs})
    by_dataset: dict[str, Assessment] = {}
    for dataset in sorted(set(pairs["dataset"].to_pylist())):
        rows = pairs.filter(pc.field("dataset") == dataset)
        sample = make_sample(rows, question.metric)
        if len(sample):
            by_dataset[dataset] = assess_sample(sample, question, question.look(dataset), control.reasons, rows)
    if not by_dataset:
        raise SweepError("there is no matched pair deeper than one block to assess")
    return Answer(by_dataset)


def assess_sample(
    sample: Sample,
    question: Question,
    look: int = 1,
    distrust: tuple[str, ...] = (),
    assay_pairs: pa.Table | None = None,
) -> Assessment:
    """Judge a sample of one data set; see the module for the rules.

    `distrust` says why nothing may be concluded at all. Without `assay_pairs`, those that the sample was made of with
    depth 1 included, whether depth helps is not known.
    """
    found, of = _estimate(sample, question, look, assay_pairs)
    if found.scale != "ratio":
        return found
    verdict = decide(found.p_equivalence, found.p_difference, found.grid.estimate, found.alpha)
    withheld = (*distrust, *_withheld(found, of, question, verdict))
    if withheld:
        return replace(found, withheld=withheld)
    return replace(found, verdict=verdict, caveats=tuple(_caveats(found)) if verdict in INSIDE else ())


def _estimate(
    sample: Sample, question: Question, look: int, assay_pairs: pa.Table | None
) -> tuple[Assessment, Contrasts]:
    """All numbers, without a verdict, and the contrasts that they are of."""
    loss = sample.metric in LOSSES
    scale: Scale = "ratio" if loss else "difference"
    of = sample.contrasts(sample.contrast(scale))
    margin = log_margin(question.margins) if loss else math.nan
    grid = of_grid(of)
    found = Assessment(
        metric=sample.metric,
        scale=scale,
        margins=question.margins,
        margin=margin,
        alpha=alpha_of_look(look, ALPHA),
        look=look,
        counts=count(sample),
        configurations=of.configurations,
        seeds=of.seeds,
        crossed=sample.crossed,
        grid=grid,
        networks=of_networks(of),
        learned=learned(sample, question.margins.ratio) if loss else None,
        inside=share_inside(of, -margin, margin),
        assay=assay(sample, assay_pairs) if loss and assay_pairs is not None else None,
        divergence=divergence(sample),
        seed_effect=seed_effect(of),
        failed_as_chance=of_grid(sample.contrasts(failed_as_chance(sample))) if loss else grid,
        statistics={name: each.compute(of, margin) for name, each in STATISTICS.items()} if loss else {},
    )
    return found, of


def _withheld(found: Assessment, of: Contrasts, question: Question, verdict: Verdict) -> Iterator[str]:
    """Why there is no verdict, whatever the numbers say, and why the one that they give does not stand."""
    if found.counts.missing:
        yield f"{found.counts.missing} planned pairs have not been trained; there is a verdict once all are"
    if question.unplanned:
        yield f"{question.unplanned} trials are in shards of the plan that these stores do not have"
    if not question.declared_before:
        yield "the margins were declared after the first result that they would judge"
    if not enough_seeds(of):
        if of.crossed:
            yield f"all configurations share {of.seeds} seeds, and a verdict takes {LEAST_SEEDS}"
        elif of.counted_freedom < LEAST_FREEDOM:
            yield (
                f"too few pairs: a verdict takes {LEAST_FREEDOM} pairs more than configurations, in configurations "
                f"of {LEAST_SEEDS} seeds or more, and there are {of.counted_freedom}"
            )
        else:
            yield "some configurations have a single seed, so their noise is not known"
    unlearned = [] if found.assay is None else found.assay.unlearned
    if len(unlearned) == 2:
        yield "the networks are not shown to learn anything: their losses are no better than guessing"
    elif unlearned and verdict in INSIDE:
        yield f"the {unlearned[0]} networks are not shown to learn anything"
    if verdict is not Verdict.UNDECIDED and found.counts.failed:
        worst = found.failed_as_chance
        p = worst.p_inside(-found.margin, found.margin)
        filled = decide(p, worst.p, worst.estimate, found.alpha)
        if filled is not verdict and not {filled, verdict} <= set(INSIDE):
            yield (
                f"{found.counts.failed} pairs have a failed side: without them it would be {in_words(verdict)}, "
                f"with these sides at chance {in_words(filled)}"
            )


def _caveats(found: Assessment) -> Iterator[str]:
    """What qualifies a verdict of equivalence."""
    if found.assay is None or not found.assay.compared:
        yield "whether depth helps here is not known: there is no network of one block to compare with"
    elif not found.assay.depth_helps:
        yield "depth does not help here: deep sequential networks are not shown to be better than one block"
    share = found.inside.share.value
    if math.isnan(share):
        yield "on average alone: it is not known how many inside the margin themselves"
    elif share < NEARLY_ALL:
        yield f"on average alone: about {percent(share, 0)} of the configurations lie inside the margin themselves"
    ends = found.divergence
    if ends.p_exact / 2 < ALPHA:
        side = SIDES[ends.sequential_only <= ends.parallel_only]
        yield (
            f"the {side} networks diverge more often: {ends.sequential_only} pairs sequential only, "
            f"{ends.parallel_only} parallel only"
        )
    if found.crossed:
        yield "seeds are shared by all configurations, so that their noise does not average out"


def in_words(verdict: Verdict) -> str:
    """A verdict on parallel, the first, against sequential as it is read."""
    return verdict.words("parallel", "sequential")


def log_margin(margins: Margins) -> float:
    """The ratio margin on the scale of log ratios, the same for either side."""
    return math.log1p(margins.ratio)
