"""Could the experiment have shown a difference at all? Assay sensitivity (ICH E10, section 1.5).

Two networks that learned nothing are as alike as two that learned everything. So before a verdict: do both sides learn,
and are deep sequential networks better than one block of the same width? Where depth does not help, a parallel network
that matches the deep one says nothing about replacing depth.
"""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array
from analysis.chance import guessing, outcomes
from analysis.equivalence.contrast import Contrasts, contrasts
from analysis.equivalence.design import of_grid
from analysis.equivalence.mean import Estimate, Mean, crossing
from analysis.equivalence.verdict import ALPHA
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.sample import SIDES, Sample, configurations, is_crossed, side_of


@dataclass(frozen=True)
class Assay:
    """What the networks of one sample learn, and whether depth helps.

    `sequential` and `parallel` are the means of chance minus loss; `depth` is the mean log ratio of the deep sequential
    loss to that of one block of the same width, over the `compared` configurations that have one.
    """

    chance: float
    sequential: Mean
    parallel: Mean
    depth: Mean
    compared: int

    @property
    def unlearned(self) -> list[str]:
        """The sides that are not shown to be better than chance, where seeds allow a test."""
        means = (self.sequential, self.parallel)
        return [name for name, mean in zip(SIDES, means, strict=True) if mean.p_above(0.0) >= ALPHA]

    @property
    def depth_helps(self) -> bool:
        """Whether deep sequential networks are shown to be better than one block."""
        return self.depth.p_below(0.0) < ALPHA


def assay(sample: Sample, pairs: pa.Table) -> Assay:
    """The assay of a loss; `pairs` are those of `Results.pairs` that the sample was made of, depth 1 included."""
    sides = [of_grid(sample.contrasts(sample.chance - outcome)) for outcome in sample.outcomes]
    chance = float(np.mean(sample.chance)) if len(sample) else math.nan
    rows = pairs.filter(pc.field("contrast") == CONTRAST)
    loss = np.log(outcomes(*side_of(rows, "sequential"), guessing(rows)))
    known = np.isfinite(loss)
    unit = configurations(rows)[known]
    family = configurations(rows, ("depth", "sequential_stages", "parallel_stages"))[known]
    of = contrasts(loss[known], unit, rows["seed"].to_numpy()[known], is_crossed(rows))
    deep = (rows["depth"].to_numpy() > 1)[known]
    return Assay(chance, sides[0], sides[1], *_against_one_block(of, unit, family, deep))


def _against_one_block(of: Contrasts, unit: Array, family: Array, deep: Array) -> tuple[Mean, int]:
    """The mean of deep configurations less those of their families that have one block, and of how many it is."""
    distinct, first = np.unique(unit, return_index=True)
    family, deep = family[first], deep[first]
    one_block = {family[place]: place for place in np.flatnonzero(~deep)}
    compared = [place for place in np.flatnonzero(deep) if family[place] in one_block]
    if not compared:
        return Mean(math.nan), 0
    weights = np.zeros(len(distinct))
    for place in compared:
        weights[place] += 1 / len(compared)
        # A block that several depths are compared with weighs as much as they do.
        weights[one_block[family[place]]] -= 1 / len(compared)
    return of_grid(of, weights), len(compared)


@dataclass(frozen=True)
class Learned:
    """The difference parallel - sequential in loss, as a share of what the sequential networks learned.

    Its interval is of 90 %; `p` is of two one-sided tests that it lies inside the margin.
    """

    share: Estimate
    p: float


def learned(sample: Sample, margin: float) -> Learned:
    """Fieller's interval (1954) for the ratio of two means of one design, and TOST on linear contrasts."""
    sequential, parallel = sample.outcomes
    less, whole = parallel - sequential, sample.chance - sequential

    def against(share: float) -> Mean:
        return of_grid(sample.contrasts(less - share * whole))

    mean = of_grid(sample.contrasts(whole))
    if not mean.p_above(0.0) < ALPHA:
        # There is no share of nothing, and nothing shows that the sides are equivalent in it.
        return Learned(Estimate(math.nan), 1.0)
    share = against(0.0).estimate / mean.estimate
    ends = (
        crossing(lambda value: against(value).p_above(0.0), ALPHA, share, -1.0),
        crossing(lambda value: against(value).p_below(0.0), ALPHA, share, 1.0),
    )
    p = max(against(-margin).p_above(0.0), against(margin).p_below(0.0))
    return Learned(Estimate(share, *ends), p)
