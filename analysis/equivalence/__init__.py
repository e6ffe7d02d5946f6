"""The statistics of equivalence: pure functions from arrays to numbers.

Values are parallel - sequential, of log losses (log ratios) or of losses. Most functions take one value a
configuration, seeds averaged by `configuration_means`: configurations are the evidence, seeds are not. What cannot be
computed is NaN; malformed arrays raise ValueError.
"""

from analysis.equivalence.agreement import AGREEMENT, bland_altman
from analysis.equivalence.bootstrap import BOOTSTRAP, cluster_bootstrap
from analysis.equivalence.components import components
from analysis.equivalence.concordance import CONCORDANCE, concordance
from analysis.equivalence.divergence import ClusteredMcNemar, McNemar, clustered_mcnemar, mcnemar
from analysis.equivalence.effects import PROBABILITY_BETTER, effect_sizes, probability_better
from analysis.equivalence.heterogeneity import FTest, factor_test, interaction_test
from analysis.equivalence.inputs import Margin, configuration_means
from analysis.equivalence.missing import TippingPoint, WorstCase, tipping_point, worst_case
from analysis.equivalence.multiplicity import holm
from analysis.equivalence.rank import RANK_TOST, SIGNED_RANK, hodges_lehmann, rank_tost, signed_rank
from analysis.equivalence.registry import STATISTICS, table_rows
from analysis.equivalence.scaled import SEED_NOISE, SEED_NOISE_TOST, SeedNoise, scaled_tost, seed_noise
from analysis.equivalence.skewness import skewness
from analysis.equivalence.statistic import Contrasts, Question, Row, Statistic
from analysis.equivalence.student import Interval
from analysis.equivalence.tost import (
    DIFFERENCE,
    NONINFERIORITY,
    TOST,
    Difference,
    Tost,
    Tosts,
    difference_p_from_moments,
    difference_test,
    noninferiority,
    tost,
    tost_from_moments,
)
from analysis.equivalence.variance import Decomposition, Term, decompose
from analysis.equivalence.verdict import Verdict, verdict, verdicts

__all__ = [
    "AGREEMENT",
    "BOOTSTRAP",
    "CONCORDANCE",
    "DIFFERENCE",
    "NONINFERIORITY",
    "PROBABILITY_BETTER",
    "RANK_TOST",
    "SEED_NOISE",
    "SEED_NOISE_TOST",
    "SIGNED_RANK",
    "STATISTICS",
    "TOST",
    "ClusteredMcNemar",
    "Contrasts",
    "Decomposition",
    "Difference",
    "FTest",
    "Interval",
    "Margin",
    "McNemar",
    "Question",
    "Row",
    "SeedNoise",
    "Statistic",
    "Term",
    "TippingPoint",
    "Tost",
    "Tosts",
    "Verdict",
    "WorstCase",
    "bland_altman",
    "cluster_bootstrap",
    "clustered_mcnemar",
    "components",
    "concordance",
    "configuration_means",
    "decompose",
    "difference_p_from_moments",
    "difference_test",
    "effect_sizes",
    "factor_test",
    "hodges_lehmann",
    "holm",
    "interaction_test",
    "mcnemar",
    "noninferiority",
    "probability_better",
    "rank_tost",
    "scaled_tost",
    "seed_noise",
    "signed_rank",
    "skewness",
    "table_rows",
    "tipping_point",
    "tost",
    "tost_from_moments",
    "verdict",
    "verdicts",
    "worst_case",
]
