"""The statistics of equivalence: pure functions from arrays to numbers.

Values are parallel - sequential, of log losses (log ratios) or of losses. Most functions take one value a
configuration, seeds averaged by `configuration_means`: configurations are the evidence, seeds are not. What cannot be
computed is NaN; malformed arrays raise ValueError.
"""

from analysis.equivalence.agreement import BlandAltman, bland_altman
from analysis.equivalence.bootstrap import Bootstrap, cluster_bootstrap
from analysis.equivalence.components import Components, components
from analysis.equivalence.concordance import Concordance, concordance
from analysis.equivalence.divergence import ClusteredMcNemar, McNemar, clustered_mcnemar, mcnemar
from analysis.equivalence.effects import EffectSizes, ProbabilityBetter, effect_sizes, probability_better
from analysis.equivalence.heterogeneity import FTest, factor_test, interaction_test
from analysis.equivalence.inputs import Margin, configuration_means
from analysis.equivalence.missing import TippingPoint, WorstCase, tipping_point, worst_case
from analysis.equivalence.multiplicity import holm
from analysis.equivalence.rank import RankTost, SignedRank, hodges_lehmann, rank_tost, signed_rank
from analysis.equivalence.scaled import ScaledTost, SeedNoise, scaled_tost, seed_noise
from analysis.equivalence.student import Interval
from analysis.equivalence.tost import (
    Difference,
    Noninferiority,
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
    "BlandAltman",
    "Bootstrap",
    "ClusteredMcNemar",
    "Components",
    "Concordance",
    "Decomposition",
    "Difference",
    "EffectSizes",
    "FTest",
    "Interval",
    "Margin",
    "McNemar",
    "Noninferiority",
    "ProbabilityBetter",
    "RankTost",
    "ScaledTost",
    "SeedNoise",
    "SignedRank",
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
    "tipping_point",
    "tost",
    "tost_from_moments",
    "verdict",
    "verdicts",
    "worst_case",
]
