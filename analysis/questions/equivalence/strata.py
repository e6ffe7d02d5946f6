"""Where equivalence holds and where it breaks: strata of one data set, and tests of heterogeneity."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.equivalence.contrast import Contrasts, contrasts, enough_seeds
from analysis.equivalence.design import of_grid
from analysis.equivalence.heterogeneity import factor_test, interaction_test
from analysis.equivalence.inputs import groups
from analysis.equivalence.statistic import exp
from analysis.equivalence.verdict import Verdict, decide, holm
from analysis.formats import level_name
from analysis.questions.equivalence.assessment import ALPHA, in_words, log_margin
from analysis.questions.equivalence.sample import Array, Sample, ordered_levels
from sweep.ledger import Margins

Rows = list[dict[str, Any]]
_TESTS = ("p_equivalence", "p_difference")
_PLACE = ("factor_a", "level_a", "factor_b", "level_b")
_NO_EFFECT = {"effect": None, "lowest": None, "highest": None}
COLUMNS = (
    *("dataset", *_PLACE, "configurations", "pairs", "ratio", "low", "high"),
    *(*_TESTS, *(f"{name}_holm" for name in _TESTS), "verdict"),
)
"""What a stratum has."""
_Columns = dict[str, tuple[Array, list[str]]]
"""By factor, the number of its level in each contrast, and the levels as text."""


def strata(dataset: str, sample: Sample, margins: Margins, judged: bool = True) -> Rows:
    """Every level of every factor, and every cell of two factors, judged by the rules of the whole data set.

    One row per stratum: ``factor_a``, ``level_a``, ``factor_b``, ``level_b`` (None for single factors), configurations,
    pairs, the geometric mean ratio parallel / sequential of this grid with its 90 % interval, p of equivalence and of
    difference, each also after Holm's correction over all strata of as many factors, and the verdict of the corrected
    ones. It is undecided below the least number of pairs, and where nothing is to be `judged`. Strata overlap: each
    pair is in one level of every factor.
    """
    of = sample.contrasts(sample.contrast("ratio"))
    columns, margin = _columns(sample), log_margin(margins)
    rows: Rows = []
    for size in (1, 2):
        family = list(_family(of, columns, size, margin))
        _correct(family, *_TESTS)
        for row in family:
            found = decide(row["p_equivalence_holm"], row["p_difference_holm"], math.log(row["ratio"]), ALPHA)
            row["verdict"] = in_words(found if judged and row["enough"] else Verdict.UNDECIDED)
        rows += family
    return [{name: {"dataset": dataset, **row}[name] for name in COLUMNS} for row in rows]


def heterogeneity(dataset: str, sample: Sample) -> Rows:
    """Does the log ratio depend on a factor (Welch), or on one differently over another (HC3)?

    One row per factor (``factor_b`` is None) and pair of factors, with F, degrees of freedom, p, and p after Holm's
    correction over the single factors, and over the pairs. The effect is the ratio of the highest to the lowest mean
    ratio among levels, with these levels. NaN where a level or cell has too few configurations. Factors that vary
    within a configuration, as budgets and methods of training do, are left out.
    """
    of = sample.contrasts(sample.contrast("ratio"))
    means, first = of.means, np.unique(of.configuration, return_index=True)[1]
    columns = {
        name: (code[first], levels)
        for name, (code, levels) in _columns(sample).items()
        if np.array_equal(code, code[first][of.configuration])
    }
    singles = [
        {"factor_a": name, "factor_b": None, **vars(factor_test(means, code)), **_effect(means, code, levels)}
        for name, (code, levels) in columns.items()
    ]
    pairs = [
        {"factor_a": a, "factor_b": b, **vars(interaction_test(means, columns[a][0], columns[b][0])), **_NO_EFFECT}
        for a, b in itertools.combinations(columns, 2)
    ]
    for family in (singles, pairs):
        _correct(family, "p")
    return [{"dataset": dataset, **row} for row in (*singles, *pairs)]


def _effect(means: Array, code: Array, levels: list[str]) -> dict[str, Any]:
    """How far apart the levels of a factor are."""
    by_level = groups(means, code).mean
    low, high = int(by_level.argmin()), int(by_level.argmax())
    return {"effect": exp(by_level[high] - by_level[low]), "lowest": levels[low], "highest": levels[high]}


def _columns(sample: Sample) -> _Columns:
    """The factors that vary, of each of the sample's contrasts, which has the levels of its first pair."""
    known = np.flatnonzero(np.isfinite(sample.contrast("ratio")))
    cells = np.stack([sample.configuration[known], sample.seed[known]])
    first = known[np.unique(cells, axis=1, return_index=True)[1]]
    found: _Columns = {}
    for name in sample.strata:
        values = sample.columns[name][first]
        levels = ordered_levels(values)
        if len(levels) > 1:
            found[name] = np.array([levels.index(level) for level in values.tolist()]), list(map(level_name, levels))
    return found


def _family(of: Contrasts, columns: _Columns, size: int, margin: float) -> Iterator[dict[str, Any]]:
    """The strata by as many factors that have a contrast."""
    for names in itertools.combinations(columns, size):
        for cell in itertools.product(*(enumerate(columns[name][1]) for name in names)):
            placed = list(zip(names, cell, strict=True))
            chosen = np.logical_and.reduce([columns[name][0] == code for name, (code, _) in placed])
            if not chosen.any():
                continue
            part = contrasts(of.values[chosen], of.configuration[chosen], of.seed[chosen], of.crossed)
            mean = of_grid(part)
            interval = mean.interval()
            place = [text for name, (_, label) in placed for text in (name, label)]
            yield dict(zip(_PLACE, [*place, None, None], strict=False)) | {
                "configurations": part.configurations,
                "pairs": len(part.values),
                "ratio": exp(mean.estimate),
                "low": exp(interval.low),
                "high": exp(interval.high),
                "p_equivalence": mean.p_inside(-margin, margin),
                "p_difference": mean.p,
                "enough": enough_seeds(part),
            }


def _correct(family: Rows, *tests: str) -> None:
    """Add each test's p after Holm's correction over a family of rows."""
    for name in tests:
        for row, p in zip(family, holm([row[name] for row in family]), strict=True):
            row[f"{name}_holm"] = p
