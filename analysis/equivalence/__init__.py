"""The statistics of equivalence: pure functions from arrays to numbers.

Values are parallel - sequential, of log losses (log ratios) or of losses. What cannot be computed is NaN; malformed
arrays raise ValueError. `design` has the means that verdicts stand on, with their two targets.
"""

from analysis.equivalence.components import components
from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS, Contrasts, contrasts, enough_seeds
from analysis.equivalence.crossed import seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.divergence import ClusteredMcNemar, clustered_mcnemar
from analysis.equivalence.heterogeneity import factor_test, interaction_test
from analysis.equivalence.inside import Inside, share_inside
from analysis.equivalence.mean import Difference, Interval, Mean, difference
from analysis.equivalence.registry import STATISTICS, table_rows
from analysis.equivalence.skewness import skewness
from analysis.equivalence.statistic import Statistic
from analysis.equivalence.verdict import AHEAD, ALPHA, INSIDE, Verdict, alpha_of_look, holm, verdict

__all__ = [
    "AHEAD",
    "ALPHA",
    "INSIDE",
    "LEAST_FREEDOM",
    "LEAST_SEEDS",
    "STATISTICS",
    "ClusteredMcNemar",
    "Contrasts",
    "Difference",
    "Inside",
    "Interval",
    "Mean",
    "Statistic",
    "Verdict",
    "alpha_of_look",
    "clustered_mcnemar",
    "components",
    "contrasts",
    "difference",
    "enough_seeds",
    "factor_test",
    "holm",
    "interaction_test",
    "of_grid",
    "of_networks",
    "seed_effect",
    "share_inside",
    "skewness",
    "table_rows",
    "verdict",
]
