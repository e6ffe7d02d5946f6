"""The margin on what was learned: how much less parallel networks learn, as a share of what sequential ones did."""

from dataclasses import dataclass

from analysis import equivalence as eq
from analysis.equivalence import ALPHA, Mean
from analysis.equivalence.mean import UNDEFINED, Interval
from analysis.questions.equivalence.sample import Sample


@dataclass(frozen=True)
class Learned:
    """The difference parallel - sequential in loss, as a share of what the sequential networks learned.

    `p` is of two one-sided tests that it lies inside the margin.
    """

    share: float
    interval: Interval
    p: float


def learned(sample: Sample, margin: float) -> Learned:
    """Fieller's interval (1954) for the ratio of two means of one design, and TOST on linear contrasts."""
    sequential, parallel = sample.outcomes
    less, whole = parallel - sequential, sample.chance - sequential

    def against(share: float) -> Mean:
        return eq.of_grid(sample.contrasts(less - share * whole))

    mean = eq.of_grid(sample.contrasts(whole))
    if not mean.p_above(0.0) < ALPHA:
        # There is no share of nothing, and nothing shows that the sides are equivalent in it.
        return Learned(UNDEFINED, Interval(UNDEFINED, UNDEFINED, 1 - 2 * ALPHA), 1.0)
    share = against(0.0).estimate / mean.estimate
    ends = (
        eq.crossing(lambda value: against(value).p_above(0.0), ALPHA, share, -1.0),
        eq.crossing(lambda value: against(value).p_below(0.0), ALPHA, share, 1.0),
    )
    p = max(against(-margin).p_above(0.0), against(margin).p_below(0.0))
    return Learned(share, Interval(*ends, 1 - 2 * ALPHA), p)
