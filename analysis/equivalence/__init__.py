"""The statistics of equivalence: pure functions from arrays to numbers.

Values are parallel - sequential, of log losses (log ratios) or of losses. What cannot be computed is NaN; malformed
arrays raise ValueError. `design` has the means that verdicts stand on, with their two targets.
"""

from analysis.equivalence.bootstrap import BOOTSTRAP, cluster_bootstrap
from analysis.equivalence.components import components
from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS, Contrasts, contrasts, enough_seeds
from analysis.equivalence.crossed import SeedEffect, seed_effect
from analysis.equivalence.design import of_grid, of_networks
from analysis.equivalence.divergence import ClusteredMcNemar, McNemar, clustered_mcnemar, mcnemar
from analysis.equivalence.heterogeneity import FTest, factor_test, interaction_test
from analysis.equivalence.inputs import Margin, configuration_means
from analysis.equivalence.inside import Inside, share_inside
from analysis.equivalence.inversion import crossing
from analysis.equivalence.looks import alpha_of_look
from analysis.equivalence.mean import Mean
from analysis.equivalence.multiplicity import holm
from analysis.equivalence.rank import RANK_TOST, SIGNED_RANK, hodges_lehmann, rank_tost, signed_rank
from analysis.equivalence.registry import STATISTICS, table_rows
from analysis.equivalence.skewness import skewness
from analysis.equivalence.statistic import Row, Statistic, Topic
from analysis.equivalence.student import Interval
from analysis.equivalence.tost import (
    Difference,
    Tost,
    Tosts,
    difference_p_from_moments,
    difference_test,
    tost,
    tost_from_moments,
)
from analysis.equivalence.verdict import AHEAD, ALPHA, INSIDE, Verdict, verdict, verdicts

__all__ = [
    "AHEAD",
    "ALPHA",
    "BOOTSTRAP",
    "INSIDE",
    "LEAST_FREEDOM",
    "LEAST_SEEDS",
    "RANK_TOST",
    "SIGNED_RANK",
    "STATISTICS",
    "ClusteredMcNemar",
    "Contrasts",
    "Difference",
    "FTest",
    "Inside",
    "Interval",
    "Margin",
    "McNemar",
    "Mean",
    "Row",
    "SeedEffect",
    "Statistic",
    "Topic",
    "Tost",
    "Tosts",
    "Verdict",
    "alpha_of_look",
    "cluster_bootstrap",
    "clustered_mcnemar",
    "components",
    "configuration_means",
    "contrasts",
    "crossing",
    "difference_p_from_moments",
    "difference_test",
    "enough_seeds",
    "factor_test",
    "hodges_lehmann",
    "holm",
    "interaction_test",
    "mcnemar",
    "of_grid",
    "of_networks",
    "rank_tost",
    "seed_effect",
    "share_inside",
    "signed_rank",
    "skewness",
    "table_rows",
    "tost",
    "tost_from_moments",
    "verdict",
    "verdicts",
]
