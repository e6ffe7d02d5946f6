"""Are the sides of matched pairs equivalent? The statistics of `analysis.equivalence` put together, and the rules.

Declared rules, the same for every sample:

- Estimates are over pairs of which both sides finished, seeds averaged within configurations, depth 1 left out.
- A loss is judged as the ratio parallel / sequential against the declared ratio margin, and as ratio and difference
  against the declared multiple of the seeds' own spread. An accuracy has no ratio.
- Diverged trials are results: they are counted, and whether a side diverges more often is tested, with
  configurations as clusters.
- Pairs without a contrast limit the verdict: those with a failed or a missing side, of which one side alone diverged,
  or whose loss is zero on one side. They are filled with the largest contrast seen, and at least a factor of two, for
  parallel and against it. Where that leads to another verdict, it is undecided; equivalent and different but inside the
  margin count as one here. Pairs of which both sides diverged are alike, and limit nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from analysis import equivalence as eq
from analysis.equivalence import Verdict
from analysis.formats import p_is
from analysis.pairs import CONTRAST
from analysis.sample import Array, Sample, Scale, make_sample
from sweep.ledger import Margins

Result = TypeVar("Result")

ALPHA = 0.05
_LOSSES = ("val_loss", "train_loss")
INSIDE = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)
"""Verdicts of equivalence."""
AHEAD = (Verdict.FIRST_BETTER, Verdict.SECOND_BETTER)
"""Verdicts of a difference, equivalence not shown."""
LEAST_FILL = math.log(2)
"""Of a log ratio whose side is not known: no margin in use holds it."""


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
class WorstCase:
    """What incomplete pairs could do: each filled with `fill`, for and against parallel.

    Estimates and intervals are of the mean contrast with the fill; `tipping` is how far off zero the incomplete pairs
    would have to be, in common, for the interval to leave the margin.
    """

    incomplete: int
    fill: float
    against: eq.Tost
    for_parallel: eq.Tost
    verdict_against: Verdict
    verdict_for: Verdict
    tipping: eq.TippingPoint


@dataclass(frozen=True)
class OnScale:
    """One sample on one scale: log ratios (natural logarithm), or differences in the metric's unit."""

    scale: Scale
    configurations: int
    pairs: int
    margin: float
    statistics: Mapping[str, Any]
    """Name to result, of every statistic that is registered."""
    worst_case: WorstCase
    verdict: Verdict
    """Against `margin`, of complete pairs."""
    seed_noise_verdict: Verdict
    """Against the spread of the seeds, of complete pairs."""

    def __getitem__(self, statistic: eq.Statistic[Result]) -> Result:
        return self.statistics[statistic.name]

    @property
    def tost(self) -> eq.Tost:
        """The estimate with its interval, and the test against `margin`."""
        return self[eq.TOST]


@dataclass(frozen=True)
class Assessment:
    """Everything said of one metric in one sample. `verdict` is the one that the declared rules let stand."""

    metric: str
    margins: Margins
    counts: Counts
    configurations: int
    ratio: OnScale | None
    difference: OnScale
    divergence: eq.ClusteredMcNemar
    divergence_by_pair: eq.McNemar
    verdict: Verdict
    remarks: tuple[str, ...]
    """What is to be said beside the verdict, and why it is not that of the complete pairs, if it is not."""

    @property
    def inside(self) -> bool:
        """Whether the verdict is one of equivalence."""
        return self.verdict in INSIDE

    @property
    def beyond(self) -> bool:
        """Whether the verdict stands and the interval lies beyond the margin altogether: not equivalent."""
        low, high = self.main.tost.interval.low, self.main.tost.interval.high
        return self.verdict in AHEAD and (low > self.main.margin or high < -self.main.margin)

    @property
    def words(self) -> str:
        """The verdict as it is read."""
        return in_words(self.verdict)

    @property
    def main(self) -> OnScale:
        """The scale that the verdict is on: the ratio of a loss, the difference of an accuracy."""
        return self.ratio or self.difference


def assess(pairs: pa.Table, metric: str = "val_loss", margins: Margins | None = None) -> Assessment:
    """Judge the pairs of `Results.pairs(metric)`, parallel against sequential."""
    return assess_sample(make_sample(pairs, metric, CONTRAST), margins or Margins())


def assess_sample(sample: Sample, margins: Margins) -> Assessment:
    """Judge a sample; see the module for the rules."""
    known = ~(_either(sample, "failed") | _either(sample, "missing"))
    sequential, parallel = (side[known] == "diverged" for side in (sample.sequential_status, sample.parallel_status))
    divergence = eq.clustered_mcnemar(sequential, parallel, sample.configuration[known])
    ratio = _on_scale(sample, "ratio", margins) if sample.metric in _LOSSES else None
    difference = _on_scale(sample, "difference", margins)
    verdict, remarks = _let_stand(ratio or difference, divergence)
    return Assessment(
        metric=sample.metric,
        margins=margins,
        counts=_counts(sample),
        configurations=sample.configurations,
        ratio=ratio,
        difference=difference,
        divergence=divergence,
        divergence_by_pair=eq.mcnemar(divergence.sequential_only, divergence.parallel_only),
        verdict=verdict,
        remarks=remarks,
    )


def in_words(verdict: Verdict) -> str:
    """A verdict on parallel, the first, against sequential as it is read."""
    return verdict.words("parallel", "sequential")


def as_numbers(found: Assessment | OnScale | WorstCase) -> dict[str, Any]:
    """By name, as they are written: each statistic beside the others, and verdicts in words."""
    written: dict[str, Any] = {}
    for name, value in ((field.name, getattr(found, field.name)) for field in fields(found)):
        if name == "statistics":
            written |= value
        elif isinstance(value, OnScale | WorstCase):
            written[name] = as_numbers(value)
        else:
            written[name] = in_words(value) if isinstance(value, Verdict) else value
    return written


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of the metric is the better one."""
    return not metric.endswith("accuracy")


def withdrawn(assessment: Assessment) -> Assessment:
    """The same numbers without a verdict, as where the control fails."""
    scales = {
        name: replace(scale, verdict=Verdict.UNDECIDED, seed_noise_verdict=Verdict.UNDECIDED)
        for name in ("ratio", "difference")
        if (scale := getattr(assessment, name)) is not None
    }
    remarks = ("the control fails, so no verdict is given", *assessment.remarks)
    return replace(assessment, verdict=Verdict.UNDECIDED, remarks=remarks, **scales)


def limits(sample: Sample, scale: Scale) -> Array:
    """Which pairs limit a verdict: without a contrast, but for those of which both sides diverged."""
    both = (sample.sequential_status == "diverged") & (sample.parallel_status == "diverged")
    return ~np.isfinite(sample.contrast(scale)) & ~both


def stable(verdict: Verdict, outcomes: set[Verdict]) -> bool:
    """Whether a verdict survives what filling the incomplete pairs leads to."""
    return outcomes == {verdict} or (verdict in INSIDE and outcomes <= set(INSIDE))


def log_margin(margins: Margins) -> float:
    """The ratio margin on the scale of log ratios, the same for either side."""
    return math.log1p(margins.ratio)


def _on_scale(sample: Sample, scale: Scale, margins: Margins) -> OnScale:
    sides, kept = _sides(sample, scale)
    noise = eq.seed_noise(np.concatenate(sides), np.tile(sample.training[kept], 2), np.repeat([0, 1], len(sides[0])))
    margin = log_margin(margins) if scale == "ratio" else margins.seed_noise * noise.sd
    contrast, lower = sample.contrast(scale), lower_is_better(sample.metric)
    there = np.isfinite(contrast)
    values, configuration = contrast[there], sample.configuration[there]
    sequential, parallel = (eq.configuration_means(side, sample.configuration[kept]) for side in sides)
    signs, signs_configuration = _better(sample, contrast if lower else -contrast)
    of = eq.Contrasts(
        scale=scale,
        values=values,
        configuration=configuration,
        means=eq.configuration_means(values, configuration),
        sequential=sequential,
        parallel=parallel,
        signs=signs,
        signs_configuration=signs_configuration,
        # Without a second seed, or where all seeds agree, there is no margin of differences.
        margin=margin if margin > 0 else math.nan,
        noise=noise,
        multiple=margins.seed_noise,
        lower_is_better=lower,
    )
    return OnScale(
        scale=scale,
        configurations=len(of.means),
        pairs=len(values),
        margin=margin,
        statistics={name: statistic.compute(of) for name, statistic in eq.STATISTICS.items()},
        worst_case=_worst_case(of, sample.configuration[limits(sample, scale)]),
        verdict=_verdict(of),
        seed_noise_verdict=_verdict(of, by_noise=True),
    )


def _verdict(of: eq.Contrasts, by_noise: bool = False) -> Verdict:
    """Against the margin, or against the spread of the seeds."""
    tost = eq.TOST.compute(of)
    # The margin of differences is the seeds' noise, which is estimated: only the scaled test may use it.
    p = eq.SEED_NOISE_TOST.compute(of).p if by_noise or of.scale == "difference" else tost.p
    return eq.verdict(p, eq.DIFFERENCE.compute(of).p, tost.estimate, ALPHA, of.lower_is_better)


def _worst_case(of: eq.Contrasts, lacking: Array) -> WorstCase:
    """With every pair filled that limits the verdict, whose configurations these are."""
    known = of.values, of.configuration
    filled = eq.worst_case(*known, lacking, LEAST_FILL if of.scale == "ratio" else 0.0)
    against, for_parallel = (replace(of, means=means) for means in (filled.against_parallel, filled.for_parallel))
    if not of.lower_is_better:
        against, for_parallel = for_parallel, against
    return WorstCase(
        len(lacking),
        filled.fill,
        eq.TOST.compute(against),
        eq.TOST.compute(for_parallel),
        _verdict(against),
        _verdict(for_parallel),
        eq.tipping_point(*known, lacking, of.margin, ALPHA),
    )


def _let_stand(main: OnScale, divergence: eq.ClusteredMcNemar) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict under the declared rules for incomplete pairs, and what is to be said beside it."""
    remarks: list[str] = []
    if divergence.p_exact < ALPHA:
        side = "sequential" if divergence.sequential_only > divergence.parallel_only else "parallel"
        remarks.append(
            f"the {side} side diverges more often: {divergence.sequential_only} pairs sequential only, "
            f"{divergence.parallel_only} parallel only ({p_is(divergence.p_exact)})"
        )
    if main.verdict in INSIDE and main.scale == "ratio":
        bca = main[eq.BOOTSTRAP].bca
        others = {"the bootstrap's interval": -main.margin < bca.low and bca.high < main.margin}
        others["the rank test"] = main[eq.RANK_TOST].p < ALPHA
        remarks += [f"{name} does not show equivalence" for name, shows in others.items() if not shows]
    worst = main.worst_case
    outcomes = {worst.verdict_against, worst.verdict_for}
    if not worst.incomplete or main.verdict is Verdict.UNDECIDED:
        return main.verdict, tuple(remarks)
    if stable(main.verdict, outcomes):
        remarks.append(f"{worst.incomplete} pairs have no contrast; in the worst case the verdict stays")
        return main.verdict, tuple(remarks)
    remarks.append(
        f"the complete pairs alone say {in_words(main.verdict)}, but {worst.incomplete} pairs have no contrast: filled "
        f"against parallel it would be {in_words(worst.verdict_against)}, filled for it {in_words(worst.verdict_for)}"
    )
    return Verdict.UNDECIDED, tuple(remarks)


def _sides(sample: Sample, scale: Scale) -> tuple[list[Array], Array]:
    """Both sides of the complete pairs, as logs on the scale of ratios, where neither is zero; and which they are."""
    kept = sample.complete if scale == "difference" else (sample.sequential > 0) & (sample.parallel > 0)
    sides = [side[kept] for side in (sample.sequential, sample.parallel)]
    return (sides if scale == "difference" else [np.log(side) for side in sides]), kept


def _better(sample: Sample, contrast: Array) -> tuple[Array, Array]:
    """The sign of each contrast, with a side that alone diverged as the worse one; and configurations."""
    ended = sample.sequential_status, sample.parallel_status
    lost = [(ended[one] == "diverged") & (ended[1 - one] == "finished") for one in (0, 1)]
    signs = np.select(lost, [-1.0, 1.0], np.sign(contrast))
    known = np.isfinite(signs)
    return signs[known], sample.configuration[known]


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
