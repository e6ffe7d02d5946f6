"""Where equivalence holds and where it breaks: strata of one data set, and tests of heterogeneity."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis import equivalence as eq
from analysis.equivalence import Contrasts, Verdict
from analysis.questions.equivalence.assessment import ALPHA, in_words, log_margin
from analysis.questions.equivalence.sample import Array, Sample, ordered_levels
from sweep.ledger import Margins

_TEXTS = ("dataset", "factor_a", "level_a", "factor_b", "level_b")
_NUMBERS = ("ratio", "low", "high", "p_equivalence", "p_difference")


@dataclass(frozen=True)
class _Column:
    """A factor of each contrast: the number of its level, and the levels as text."""

    code: Array
    levels: list[str]


def strata(dataset: str, sample: Sample, margins: Margins, judged: bool = True) -> pa.Table:
    """Every level of every factor, and every cell of two factors, judged by the rules of the whole data set.

    One row per stratum: ``factor_a``, ``level_a``, ``factor_b``, ``level_b`` (null for single factors), configurations,
    pairs, the geometric mean ratio parallel / sequential of this grid with its 90 % interval, p of equivalence and of
    difference, each also after Holm's correction over all strata of as many factors, and the verdict of the corrected
    ones. It is undecided below the least number of pairs, and where nothing is to be `judged`. Strata overlap: each
    pair is in one level of every factor.
    """
    of = sample.contrasts(sample.contrast("ratio"))
    columns = _columns(sample, of)
    families = [[(name,) for name in columns], list(itertools.combinations(columns, 2))]
    return pa.concat_tables([_family(dataset, family, columns, of, margins, judged) for family in families])


def heterogeneity(dataset: str, sample: Sample) -> pa.Table:
    """Does the log ratio depend on a factor (Welch), or on one differently over another (HC3)?

    One row per factor (``factor_b`` null) and pair of factors, with F, degrees of freedom, p, and p after Holm's
    correction over the single factors, and over the pairs. The effect is the ratio of the highest to the lowest mean
    ratio among levels, with these levels. NaN where a level or cell has too few configurations. Factors that vary
    within a configuration, as budgets and methods of training do, are left out.
    """
    of = sample.contrasts(sample.contrast("ratio"))
    means = of.means
    _, first = np.unique(of.configuration, return_index=True)
    columns = {
        name: _Column(column.code[first], column.levels)
        for name, column in _columns(sample, of).items()
        if np.array_equal(column.code, column.code[first][of.configuration])
    }
    singles = [(name, None, eq.factor_test(means, column.code)) for name, column in columns.items()]
    pairs = [
        (a, b, eq.interaction_test(means, columns[a].code, columns[b].code))
        for a, b in itertools.combinations(columns, 2)
    ]
    rows: list[dict[str, object]] = []
    for family in (singles, pairs):
        adjusted = eq.holm([test.p for _, _, test in family])
        for (a, b, test), p in zip(family, adjusted, strict=True):
            effect = _effect(means, columns[a]) if b is None else {}
            numbers = {"f": test.f, "numerator": test.numerator, "denominator": test.denominator, "p": test.p}
            rows.append({"dataset": dataset, "factor_a": a, "factor_b": b, **numbers, "p_holm": float(p), **effect})
    texts = [(name, pa.string()) for name in ("dataset", "factor_a", "factor_b", "lowest", "highest")]
    numbers = [(name, pa.float64()) for name in ("f", "numerator", "denominator", "p", "p_holm", "effect")]
    return pa.Table.from_pylist(rows, schema=pa.schema(texts + numbers))


def _effect(means: Array, column: _Column) -> dict[str, object]:
    """How far apart the levels of a factor are."""
    levels = np.array([means[column.code == code].mean() for code in range(len(column.levels))])
    low, high = int(levels.argmin()), int(levels.argmax())
    return {
        "effect": float(np.exp(levels[high] - levels[low])),
        "lowest": column.levels[low],
        "highest": column.levels[high],
    }


def _columns(sample: Sample, of: Contrasts) -> dict[str, _Column]:
    """The factors of each contrast that vary. A contrast has the levels of its first pair."""
    known = np.isfinite(sample.contrast("ratio"))
    units = np.unique(sample.configuration[known])
    unit = np.searchsorted(units, sample.configuration[known])
    seed = np.searchsorted(np.unique(sample.seed[known]), sample.seed[known])
    pairs = {key: place for place, key in reversed(list(enumerate(zip(unit.tolist(), seed.tolist(), strict=True))))}
    place = np.array(
        [pairs[key] for key in zip(of.configuration.tolist(), of.seed.tolist(), strict=True)], dtype=np.intp
    )
    found: dict[str, _Column] = {}
    for name in sample.strata:
        values = sample.columns[name][known][place]
        levels = ordered_levels(values)
        if len(levels) > 1:
            number = {level: code for code, level in enumerate(levels)}
            labels = [f"{level:g}" if isinstance(level, float) else str(level) for level in levels]
            found[name] = _Column(np.array([number[level] for level in values.tolist()], dtype=np.intp), labels)
    return found


def _family(
    dataset: str,
    family: Sequence[tuple[str, ...]],
    columns: dict[str, _Column],
    of: Contrasts,
    margins: Margins,
    judged: bool,
) -> pa.Table:
    """The strata of as many factors."""
    margin = log_margin(margins)
    rows: list[dict[str, object]] = []
    enough: list[bool] = []
    for names in family:
        for levels in itertools.product(*(range(len(columns[name].levels)) for name in names)):
            chosen = np.logical_and.reduce([columns[n].code == level for n, level in zip(names, levels, strict=True)])
            if not chosen.any():
                continue
            part = eq.contrasts(of.values[chosen], of.configuration[chosen], of.seed[chosen], of.crossed)
            labels = [columns[name].levels[level] for name, level in zip(names, levels, strict=True)]
            keys = [text for pair in zip(names, labels, strict=True) for text in pair] + [None, None]
            rows.append({"dataset": dataset, **dict(zip(_TEXTS[1:], keys, strict=False)), **_numbers(part, margin)})
            enough.append(judged and eq.enough_seeds(part))
    texts = [(name, pa.string()) for name in _TEXTS]
    counts = [(name, pa.int64()) for name in ("configurations", "pairs")]
    table = pa.Table.from_pylist(
        rows, schema=pa.schema([*texts, *counts, *((name, pa.float64()) for name in _NUMBERS)])
    )
    corrected = {name: eq.holm(table[name].to_numpy()) for name in ("p_equivalence", "p_difference")}
    equivalent, different = corrected.values()
    found = eq.verdicts(equivalent, different, np.log(table["ratio"].to_numpy()), ALPHA) if rows else []
    verdicts = [each if known else Verdict.UNDECIDED for each, known in zip(found, enough, strict=True)]
    for name, values in corrected.items():
        table = table.append_column(f"{name}_holm", pa.array(values, pa.float64()))
    return table.append_column("verdict", pa.array([in_words(verdict) for verdict in verdicts], pa.string()))


def _numbers(part: Contrasts, margin: float) -> dict[str, object]:
    mean = eq.of_grid(part)
    interval = mean.interval(0.90)
    with np.errstate(over="ignore"):
        ratio, low, high = (float(np.exp(value)) for value in (mean.estimate, interval.low, interval.high))
    return {
        "configurations": part.configurations,
        "pairs": len(part.values),
        "ratio": ratio,
        "low": low,
        "high": high,
        "p_equivalence": mean.p_inside(-margin, margin),
        "p_difference": mean.p_zero,
    }
