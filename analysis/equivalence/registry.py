"""Every statistic of a sample on one scale, in the order of the numbers. A new one is one line here."""

from typing import Any

from analysis.equivalence.agreement import AGREEMENT
from analysis.equivalence.bootstrap import BOOTSTRAP
from analysis.equivalence.components import COMPONENTS
from analysis.equivalence.concordance import CONCORDANCE
from analysis.equivalence.effects import EFFECTS, PROBABILITY_BETTER
from analysis.equivalence.rank import RANK_TOST, SIGNED_RANK
from analysis.equivalence.scaled import SEED_NOISE, SEED_NOISE_TOST
from analysis.equivalence.skewness import SKEWNESS
from analysis.equivalence.statistic import Row, Statistic
from analysis.equivalence.tost import DIFFERENCE, NONINFERIORITY, TOST

STATISTICS: dict[str, Statistic[Any]] = {
    statistic.name: statistic
    for statistic in (
        TOST,
        NONINFERIORITY,
        DIFFERENCE,
        BOOTSTRAP,
        SIGNED_RANK,
        RANK_TOST,
        EFFECTS,
        PROBABILITY_BETTER,
        COMPONENTS,
        SKEWNESS,
        SEED_NOISE,
        SEED_NOISE_TOST,
        AGREEMENT,
        CONCORDANCE,
    )
}
"""By name."""


def table_rows() -> list[tuple[str, Row[Any]]]:
    """The rows of all statistics, each with its statistic's name, those of one question together."""
    rows = [(name, row) for name, statistic in STATISTICS.items() for row in statistic.rows]
    return sorted(rows, key=lambda each: each[1].question)
