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
- Every look at growing results spends a part of the error (`analysis.equivalence.looks`).
- A verdict is plain where nothing qualifies it: depth helps, seeds are nested, neither side diverges more often, and
  nearly all configurations lie inside the margin.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.equivalence import AHEAD, ALPHA, INSIDE, Contrasts, Inside, Mean, Verdict
from analysis.equivalence.student import UNDEFINED, Interval
from analysis.formats import percent
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.assay import Assay, assay
from analysis.questions.equivalence.control import Controls, controls
from analysis.questions.equivalence.question import Question
from analysis.questions.equivalence.sample import Array, Sample, Scale, make_sample, ordered_levels
from sweep.errors import SweepError
from sweep.ledger import Margins

NEARLY_ALL = 0.9
"""Share of configurations inside the margin below which equivalence holds on average alone."""
LOSSES = ("val_loss", "train_loss")


@dataclass(frozen=True)
class Counts:
    """Matched pairs by what became of them; a pair of several ends counts once, in this order of precedence."""

    pairs: int
    missing: int
    failed: int
    diverged: int
    complete: int
    sequential_diverged: int
    parallel_diverged: int


@dataclass(frozen=True)
class Learned:
    """The difference parallel - sequential in loss, as a share of what the sequential networks learned.

    `p` is of two one-sided tests that it lies inside the margin.
    """

    share: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class Assessment:
    """Everything said of one metric on one data set, on one scale: log ratios of losses, or differences.

    `verdict` is the one that the declared rules let stand, `caveats` are why it is not a plain one, and `withheld` is
    why there is none; both are sentences without a full stop.
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
    p_equivalence: float
    p_difference: float
    learned: Learned | None
    inside: Inside
    assay: Assay | None
    divergence: eq.ClusteredMcNemar
    seed_effect: eq.SeedEffect
    failed_as_chance: Mean
    """Of this grid, with failed sides counted as having learned nothing."""
    verdict: Verdict
    withheld: tuple[str, ...]
    caveats: tuple[str, ...]
    statistics: Mapping[str, Any]
    """Name to result, of every statistic that is registered."""

    def __getitem__(self, statistic: "eq.Statistic[Any]") -> Any:
        return self.statistics[statistic.name]

    @property
    def interval(self) -> Interval:
        """The interval of this grid, on the scale, of the confidence that the verdict is at."""
        return self.grid.interval(1 - 2 * self.alpha)

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
        """The verdict that holds on every data set; undecided where they differ."""
        return common_verdict([each.verdict for each in self.by_dataset.values()])

    @property
    def plain(self) -> bool:
        """Whether it is one of equivalence that nothing qualifies on any data set."""
        return self.verdict in INSIDE and all(each.plain for each in self.by_dataset.values())

    @property
    def words(self) -> str:
        """The verdict as it is read, by data set where they differ."""
        found = {name: each.words for name, each in self.by_dataset.items()}
        if len(set(found.values())) <= 1 or self.verdict is not Verdict.UNDECIDED:
            return in_words(self.verdict)
        return "; ".join(f"{name}: {words}" for name, words in found.items())


def assess(pairs: pa.Table, control: Controls | None = None) -> Answer:
    """Judge the pairs of `Results.pairs`, parallel against sequential, on each data set by itself.

    The table knows its metric, and the margins and looks of its question; depth-1 pairs in it are the control, unless
    one is given that was made of several metrics. Raises SweepError for any other table.
    """
    question = Question.of(pairs)
    control = control or controls({question.metric: pairs})
    by_dataset: dict[str, Assessment] = {}
    for dataset in ordered_levels(np.asarray(pairs["dataset"].to_pylist(), dtype=str)) if pairs.num_rows else ():
        rows = pairs.filter(pc.field("dataset") == dataset)
        sample = make_sample(rows, question.metric, CONTRAST)
        if len(sample):
            look = question.look(dataset)
            by_dataset[dataset] = assess_sample(sample, question, look, control.reasons, rows)
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
    loss = sample.metric in LOSSES
    scale: Scale = "ratio" if loss else "difference"
    contrast = sample.contrast(scale)
    of = sample.contrasts(contrast)
    margin = log_margin(question.margins) if loss else UNDEFINED
    alpha = eq.alpha_of_look(look, ALPHA)
    grid = eq.of_grid(of)
    found = Assessment(
        metric=sample.metric,
        scale=scale,
        margins=question.margins,
        margin=margin,
        alpha=alpha,
        look=look,
        counts=_counts(sample),
        configurations=of.configurations,
        seeds=of.seeds,
        crossed=sample.crossed,
        grid=grid,
        networks=eq.of_networks(of),
        p_equivalence=UNDEFINED,
        p_difference=grid.p_zero,
        learned=_learned(sample, question.margins.ratio) if loss else None,
        inside=eq.share_inside(of, -margin, margin),
        assay=assay(sample, assay_pairs) if loss and assay_pairs is not None else None,
        divergence=_divergence(sample),
        seed_effect=eq.seed_effect(of),
        failed_as_chance=eq.of_grid(sample.contrasts(_failed_as_chance(sample))) if loss else grid,
        verdict=Verdict.UNDECIDED,
        withheld=(),
        caveats=(),
        statistics={},
    )
    return _judged(found, of, question, distrust) if loss else found


def _judged(found: Assessment, of: Contrasts, question: Question, distrust: tuple[str, ...]) -> Assessment:
    """With p, verdict, what qualifies it and what bars it."""
    ratio = found.grid.p_inside(-found.margin, found.margin)
    learned = found.learned.p if found.learned is not None else UNDEFINED
    p = UNDEFINED if math.isnan(ratio) or math.isnan(learned) else max(ratio, learned)
    verdict = eq.verdict(p, found.grid.p_zero, found.grid.estimate, found.alpha)
    withheld = (*distrust, *_withheld(found, of, question))
    lost = [] if found.assay is None else [side for side, learns in found.assay.learns(ALPHA).items() if not learns]
    if verdict in INSIDE and len(lost) == 1:
        withheld += (f"the {lost[0]} networks are not shown to learn anything",)
    if verdict is not Verdict.UNDECIDED and found.counts.failed:
        worst = found.failed_as_chance
        filled = eq.verdict(worst.p_inside(-found.margin, found.margin), worst.p_zero, worst.estimate, found.alpha)
        if filled is not verdict and not (filled in INSIDE and verdict in INSIDE):
            withheld += (
                f"{found.counts.failed} pairs have a failed side: without them it would be {in_words(verdict)}, "
                f"with these sides at chance {in_words(filled)}",
            )
    if withheld:
        verdict = Verdict.UNDECIDED
    caveats = tuple(_caveats(found)) if verdict in INSIDE else ()
    statistics = {name: statistic.compute(of, found.margin) for name, statistic in eq.STATISTICS.items()}
    return replace(found, p_equivalence=p, verdict=verdict, withheld=withheld, caveats=caveats, statistics=statistics)


def _withheld(found: Assessment, of: Contrasts, question: Question) -> list[str]:
    """Why there is no verdict, whatever the numbers say."""
    reasons: list[str] = []
    if found.counts.missing:
        reasons.append(f"{found.counts.missing} planned pairs have not been trained; there is a verdict once all are")
    if question.unplanned:
        reasons.append(f"{question.unplanned} trials are in shards of the plan that these stores do not have")
    if not question.declared_before:
        reasons.append("the margins were declared after the first result that they would judge")
    if not eq.enough_seeds(of):
        reasons.append(
            f"all configurations share {of.seeds} seeds, and a verdict takes {eq.LEAST_SEEDS}"
            if of.crossed
            else f"too few pairs: a verdict takes {eq.LEAST_FREEDOM} pairs more than configurations, in configurations "
            f"of {eq.LEAST_SEEDS} seeds or more, and there are {of.counted_freedom}"
            if of.counted_freedom < eq.LEAST_FREEDOM
            else "some configurations have a single seed, so their noise is not known"
        )
    if found.assay is not None and not any(found.assay.learns(ALPHA).values()):
        reasons.append("the networks are not shown to learn anything: their losses are no better than guessing")
    return reasons


def _caveats(found: Assessment) -> list[str]:
    """What qualifies a verdict of equivalence."""
    caveats: list[str] = []
    if found.assay is None or not found.assay.compared:
        caveats.append("whether depth helps here is not known: there is no network of one block to compare with")
    elif not found.assay.depth_helps(ALPHA):
        caveats.append("depth does not help here: deep sequential networks are not shown to be better than one block")
    share = found.inside.share
    if not share >= NEARLY_ALL:
        inside = (
            f"about {percent(share, 0)} of the configurations lie" if share == share else "it is not known how many"
        )
        caveats.append(f"on average alone: {inside} inside the margin themselves")
    divergence = found.divergence
    if divergence.p_exact / 2 < ALPHA:
        side = "sequential" if divergence.sequential_only > divergence.parallel_only else "parallel"
        caveats.append(
            f"the {side} networks diverge more often: {divergence.sequential_only} pairs sequential only, "
            f"{divergence.parallel_only} parallel only"
        )
    if found.crossed:
        caveats.append("seeds are shared by all configurations, so that their noise does not average out")
    return caveats


def _learned(sample: Sample, margin: float) -> Learned:
    """Fieller's interval (1954) for the ratio of two means of one design, and TOST on linear contrasts."""
    sequential, parallel = sample.outcomes
    difference, learned = parallel - sequential, sample.chance - sequential

    def against(share: float) -> Mean:
        return eq.of_grid(sample.contrasts(difference - share * learned))

    mean = eq.of_grid(sample.contrasts(learned))
    if not mean.p_above(0.0) < ALPHA:
        # There is no share of nothing, and nothing shows that the sides are equivalent in it.
        return Learned(UNDEFINED, Interval(UNDEFINED, UNDEFINED, 1 - 2 * ALPHA), 1.0)
    share = eq.of_grid(sample.contrasts(difference)).estimate / mean.estimate
    p = max(against(-margin).p_above(0.0), against(margin).p_below(0.0))
    low = _crossing(lambda value: against(value).p_above(0.0) - ALPHA, share, -1.0)
    high = _crossing(lambda value: against(value).p_below(0.0) - ALPHA, share, 1.0)
    return Learned(share, Interval(low, high, 1 - 2 * ALPHA), p)


def _crossing(excess: Any, start: float, direction: float) -> float:
    """Where a p falls to alpha, going from the estimate in one direction; infinite where it never does."""
    far = 1e-3
    while excess(start + direction * far) > 0:
        far *= 2
        if far > 1e3:
            return direction * math.inf
    near = 0.0
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (middle, far) if excess(start + direction * middle) > 0 else (near, middle)
    return start + direction * far


def _failed_as_chance(sample: Sample) -> Array:
    """Log ratios with every failed side at the loss of guessing; both failed say nothing."""
    sequential, parallel = sample.outcomes
    failed = [status == "failed" for status in (sample.sequential_status, sample.parallel_status)]
    both = failed[0] & failed[1]
    ends = [
        np.log(np.where(lost & ~both, sample.chance, outcome))
        for lost, outcome in zip(failed, (sequential, parallel), strict=True)
    ]
    return ends[1] - ends[0]


def _divergence(sample: Sample) -> eq.ClusteredMcNemar:
    known = ~(_either(sample, "failed") | _either(sample, "missing"))
    sequential, parallel = (side[known] == "diverged" for side in (sample.sequential_status, sample.parallel_status))
    return eq.clustered_mcnemar(sequential, parallel, sample.configuration[known])


def common_verdict(verdicts: list[Verdict]) -> Verdict:
    """The verdict that all have, where equivalent and different but inside the margin count as one; else undecided."""
    if not verdicts:
        return Verdict.UNDECIDED
    if all(each in INSIDE for each in verdicts):
        return verdicts[0] if len(set(verdicts)) == 1 else Verdict.DIFFERENT_INSIDE
    return verdicts[0] if len(set(verdicts)) == 1 else Verdict.UNDECIDED


def in_words(verdict: Verdict) -> str:
    """A verdict on parallel, the first, against sequential as it is read."""
    return verdict.words("parallel", "sequential")


def log_margin(margins: Margins) -> float:
    """The ratio margin on the scale of log ratios, the same for either side."""
    return math.log1p(margins.ratio)


def _either(sample: Sample, status: str) -> Array:
    return (sample.sequential_status == status) | (sample.parallel_status == status)


def _counts(sample: Sample) -> Counts:
    missing = _either(sample, "missing")
    failed = _either(sample, "failed") & ~missing
    return Counts(
        pairs=len(sample),
        missing=int(missing.sum()),
        failed=int(failed.sum()),
        diverged=int((_either(sample, "diverged") & ~missing & ~failed).sum()),
        complete=int(sample.complete.sum()),
        sequential_diverged=sample.count("diverged")[0],
        parallel_diverged=sample.count("diverged")[1],
    )
