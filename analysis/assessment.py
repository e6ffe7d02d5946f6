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
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from analysis import equivalence as eq
from analysis.equivalence import Verdict
from analysis.formats import p_is
from analysis.pairs import CONTRAST
from analysis.sample import Array, Sample, Scale, make_sample
from sweep.ledger import Margins

ALPHA = 0.05
_LOSSES = ("val_loss", "train_loss")
INSIDE = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)
"""Verdicts of equivalence."""
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
    tost: eq.Tost
    noninferiority: eq.Noninferiority
    difference: eq.Difference
    bootstrap: eq.Bootstrap
    signed_rank: eq.SignedRank
    rank_tost: eq.RankTost
    effects: eq.EffectSizes
    probability_better: eq.ProbabilityBetter
    components: eq.Components
    skewness: float
    """Of the configuration means; far from 0, Student's t errs on one side and the rank tests are to be looked at."""
    seed_noise: eq.SeedNoise
    seed_noise_tost: eq.ScaledTost
    agreement: eq.BlandAltman
    concordance: eq.Concordance
    worst_case: WorstCase
    verdict: Verdict
    """Against `margin`, of complete pairs."""
    seed_noise_verdict: Verdict
    """Against the spread of the seeds, of complete pairs."""


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
        ahead = self.verdict in (Verdict.PARALLEL_BETTER, Verdict.SEQUENTIAL_BETTER)
        return ahead and (low > self.main.margin or high < -self.main.margin)

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


@dataclass(frozen=True)
class _Judge:
    """Judges configuration means on one scale."""

    scale: Scale
    margin: float
    noise: eq.SeedNoise
    multiple: float
    lower_is_better: bool

    def __call__(self, means: Array) -> tuple[eq.Tost, Verdict]:
        tost, difference = self.tost(means), eq.difference_test(means)
        # The margin of differences is the seeds' noise, which is estimated: only the scaled test may use it.
        p = tost.p if self.scale == "ratio" else eq.scaled_tost(means, self.noise, self.multiple).p
        return tost, eq.verdict(p, difference.p, tost.estimate, ALPHA, self.lower_is_better)

    def tost(self, means: Array) -> eq.Tost:
        """Against the margin; p is NaN where there is none, as without a second seed."""
        if self.margin > 0:
            return eq.tost(means, self.margin, ALPHA)
        return replace(eq.tost(means, 1.0, ALPHA), p_lower=math.nan, p_upper=math.nan, p=math.nan)

    def rank_tost(self, means: Array) -> eq.RankTost:
        """As `tost`."""
        if self.margin > 0:
            return eq.rank_tost(means, self.margin, ALPHA)
        return replace(eq.rank_tost(means, 1.0, ALPHA), p_lower=math.nan, p_upper=math.nan, p=math.nan)

    def noninferiority(self, means: Array) -> eq.Noninferiority:
        """As `tost`, of parallel."""
        worse = means if self.lower_is_better else -means
        if self.margin > 0:
            return eq.noninferiority(worse, self.margin, ALPHA)
        return replace(eq.noninferiority(worse, 1.0, ALPHA), margin=math.nan, p=math.nan)

    def worst_case(self, sample: Sample) -> WorstCase:
        """With every pair filled that limits the verdict."""
        contrast = sample.contrast(self.scale)
        there = np.isfinite(contrast)
        known, lacking = (
            (contrast[there], sample.configuration[there]),
            sample.configuration[limits(sample, self.scale)],
        )
        filled = eq.worst_case(*known, lacking, LEAST_FILL if self.scale == "ratio" else 0.0)
        above, below = self(filled.against_parallel), self(filled.for_parallel)
        against, for_parallel = (above, below) if self.lower_is_better else (below, above)
        nowhere = eq.TippingPoint(math.nan, math.nan)
        tipping = eq.tipping_point(*known, lacking, self.margin, ALPHA) if self.margin > 0 else nowhere
        return WorstCase(len(lacking), filled.fill, against[0], for_parallel[0], against[1], for_parallel[1], tipping)


def _on_scale(sample: Sample, scale: Scale, margins: Margins) -> OnScale:
    contrast = sample.contrast(scale)
    there = np.isfinite(contrast)
    values, configuration = contrast[there], sample.configuration[there]
    means = eq.configuration_means(values, configuration)
    sides, kept = _sides(sample, scale)
    noise = eq.seed_noise(np.concatenate(sides), np.tile(sample.training[kept], 2), np.repeat([0, 1], len(sides[0])))
    lower = lower_is_better(sample.metric)
    margin = log_margin(margins) if scale == "ratio" else margins.seed_noise * noise.sd
    judge = _Judge(scale, margin, noise, margins.seed_noise, lower)
    tost, verdict = judge(means)
    scaled, difference = eq.scaled_tost(means, noise, margins.seed_noise), eq.difference_test(means)
    averages = [eq.configuration_means(side, sample.configuration[kept]) for side in sides]
    return OnScale(
        scale=scale,
        configurations=len(means),
        pairs=len(values),
        margin=margin,
        tost=tost,
        noninferiority=judge.noninferiority(means),
        difference=difference,
        # Sorted, so that the order of the rows draws nothing else.
        bootstrap=eq.cluster_bootstrap(np.sort(means)),
        signed_rank=eq.signed_rank(means),
        rank_tost=judge.rank_tost(means),
        effects=eq.effect_sizes(means),
        probability_better=eq.probability_better(*_better(sample, contrast if lower else -contrast)),
        components=eq.components(values, configuration),
        skewness=_skewness(means),
        seed_noise=noise,
        seed_noise_tost=scaled,
        agreement=eq.bland_altman(averages[0], averages[1]),
        concordance=eq.concordance(averages[0], averages[1]),
        worst_case=judge.worst_case(sample),
        verdict=verdict,
        seed_noise_verdict=eq.verdict(scaled.p, difference.p, tost.estimate, ALPHA, lower),
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
        bca = main.bootstrap.bca
        others = {"the bootstrap's interval": -main.margin < bca.low and bca.high < main.margin}
        others["the rank test"] = main.rank_tost.p < ALPHA
        remarks += [f"{name} does not show equivalence" for name, shows in others.items() if not shows]
    worst = main.worst_case
    outcomes = {worst.verdict_against, worst.verdict_for}
    if not worst.incomplete or main.verdict is Verdict.UNDECIDED:
        return main.verdict, tuple(remarks)
    if stable(main.verdict, outcomes):
        remarks.append(f"{worst.incomplete} pairs have no contrast; in the worst case the verdict stays")
        return main.verdict, tuple(remarks)
    remarks.append(
        f"the complete pairs alone say {main.verdict.value}, but {worst.incomplete} pairs have no contrast: filled "
        f"against parallel it would be {worst.verdict_against.value}, filled for it {worst.verdict_for.value}"
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


def _skewness(values: Array) -> float:
    """The third standardised moment; NaN without variance."""
    deviations = values - values.mean() if len(values) else values
    spread = math.sqrt(float(np.mean(deviations**2))) if len(values) > 2 else 0.0
    return float(np.mean(deviations**3)) / spread**3 if spread > 0 else math.nan


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
