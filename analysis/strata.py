"""Where equivalence holds and where it breaks: strata of the grid, and tests of heterogeneity."""

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from analysis import equivalence as eq
from analysis.assessment import ALPHA, log_margin, lower_is_better
from analysis.sample import Array, Sample, ordered_levels
from sweep.ledger import Margins

_FEWEST = 2


def configuration_levels(sample: Sample) -> dict[str, Array]:
    """Each factor's level of each configuration, shape (configurations,)."""
    first = np.unique(sample.configuration, return_index=True)[1]
    return {name: levels[first] for name, levels in sample.factors.items()}


def strata(sample: Sample, margins: Margins) -> pa.Table:
    """Every level of every factor, and every cell of two factors, judged against the ratio margin.

    One row a stratum: ``factor_a``, ``level_a``, ``factor_b``, ``level_b`` (null for single factors), configurations,
    complete pairs and pairs, the ratio parallel / sequential of configuration means with its 90 % interval, p of TOST
    and of no difference, each also after Holm's correction over all strata of as many factors, and the verdict of the
    corrected ones. Strata overlap: each configuration is in one level of every factor.
    """
    contrast = sample.contrast("ratio")
    means, there = _means(contrast, sample)
    levels = configuration_levels(sample)
    total = np.bincount(sample.configuration, minlength=sample.configurations)
    complete = np.bincount(sample.configuration[np.isfinite(contrast)], minlength=sample.configurations)
    tables: list[pa.Table] = []
    for names in (*((name,) for name in levels), *itertools.combinations(levels, 2)):
        cell, labels = _cells([levels[name] for name in names])
        counts = [np.bincount(cell, weights=weights, minlength=len(labels)) for weights in (complete, total)]
        tables.append(_judged(names, labels, means, cell[there], counts, margins))
    if not tables:
        return _corrected(_empty(), sample)
    return pa.concat_tables(
        [_corrected(pa.concat_tables(family), sample) for family in _families(tables)], promote_options="default"
    )


def heterogeneity(sample: Sample) -> pa.Table:
    """Does the log ratio depend on a factor (Welch), or on one differently over another (HC3)?

    One row a factor (``factor_b`` null) and a pair of factors, with F, degrees of freedom, p, and p after Holm's
    correction over the single factors, and over the pairs. NaN where a level or cell has too few configurations.
    """
    means, there = _means(sample.contrast("ratio"), sample)
    levels = {name: values[there] for name, values in configuration_levels(sample).items()}
    singles = [(name, None, eq.factor_test(means, values)) for name, values in levels.items()]
    pairs = [(a, b, eq.interaction_test(means, levels[a], levels[b])) for a, b in itertools.combinations(levels, 2)]
    rows: list[dict[str, object]] = []
    for family in (singles, pairs):
        adjusted = eq.holm([test.p for _, _, test in family])
        rows += [
            {
                "factor_a": a,
                "factor_b": b,
                "f": test.f,
                "numerator": test.numerator,
                "denominator": test.denominator,
                "p": test.p,
                "p_holm": float(p),
            }
            for (a, b, test), p in zip(family, adjusted, strict=True)
        ]
    fields = [("factor_a", pa.string()), ("factor_b", pa.string())]
    numbers = [(name, pa.float64()) for name in ("f", "numerator", "denominator", "p", "p_holm")]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields + numbers))


def _means(contrast: Array, sample: Sample) -> tuple[Array, Array]:
    """Configuration means of the finite contrasts, and which configurations have one."""
    finite = np.isfinite(contrast)
    there = np.unique(sample.configuration[finite])
    return eq.configuration_means(contrast[finite], sample.configuration[finite]), there


def _cells(columns: Sequence[Array]) -> tuple[Array, list[tuple[str, ...]]]:
    """Each configuration's cell, and the levels of each cell as text."""
    codes, labels = zip(*(_coded(column) for column in columns), strict=True)
    if len(columns) == 1:
        return codes[0], [(label,) for label in labels[0]]
    return codes[0] * len(labels[1]) + codes[1], list(itertools.product(*labels))


def _coded(column: Array) -> tuple[Array, list[str]]:
    levels = ordered_levels(column)
    place = {level: number for number, level in enumerate(levels)}
    labels = [f"{level:g}" if isinstance(level, float) else str(level) for level in levels]
    return np.array([place[level] for level in column.tolist()], dtype=np.intp), labels


def _judged(
    names: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    means: Array,
    cell: Array,
    counts: Sequence[Array],
    margins: Margins,
) -> pa.Table:
    n = np.bincount(cell, minlength=len(labels))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(cell, weights=means, minlength=len(labels)) / n
        squares = np.bincount(cell, weights=(means - mean[cell]) ** 2, minlength=len(labels))
        sd = np.sqrt(squares / (n - 1))
    margin = log_margin(margins)
    tosts = eq.tost_from_moments(n, mean, np.where(n < _FEWEST, np.nan, sd), -margin, margin, ALPHA)
    second = [label[1] if len(label) > 1 else None for label in labels]
    columns = {
        "factor_a": pa.array([names[0]] * len(labels)),
        "level_a": pa.array([label[0] for label in labels]),
        "factor_b": pa.array([names[1] if len(names) > 1 else None] * len(labels), pa.string()),
        "level_b": pa.array(second, pa.string()),
        "configurations": pa.array(n.astype(np.int64)),
        "complete": pa.array(counts[0].astype(np.int64)),
        "pairs": pa.array(counts[1].astype(np.int64)),
        "ratio": pa.array(np.exp(mean)),
        "low": pa.array(np.exp(tosts.low)),
        "high": pa.array(np.exp(tosts.high)),
        "p_tost": pa.array(tosts.p),
        "p_difference": pa.array(eq.difference_p_from_moments(n, mean, np.where(n < _FEWEST, np.nan, sd))),
    }
    return pa.table(columns).filter(pa.array(counts[1] > 0))


def _families(tables: Sequence[pa.Table]) -> list[list[pa.Table]]:
    single = [table for table in tables if table["factor_b"].null_count]
    pairs = [table for table in tables if not table["factor_b"].null_count]
    return [family for family in (single, pairs) if family]


def _corrected(table: pa.Table, sample: Sample) -> pa.Table:
    adjusted = {name: eq.holm(table[name].to_numpy()) for name in ("p_tost", "p_difference")}
    verdicts = eq.verdicts(
        adjusted["p_tost"],
        adjusted["p_difference"],
        np.log(table["ratio"].to_numpy()),
        ALPHA,
        lower_is_better(sample.metric),
    )
    for name, values in adjusted.items():
        table = table.append_column(f"{name}_holm", pa.array(values))
    return table.append_column("verdict", pa.array([verdict.value for verdict in verdicts], pa.string()))


def _empty() -> pa.Table:
    texts = ("factor_a", "level_a", "factor_b", "level_b")
    counts = ("configurations", "complete", "pairs")
    numbers = ("ratio", "low", "high", "p_tost", "p_difference")
    kinds = {**dict.fromkeys(texts, pa.string()), **dict.fromkeys(counts, pa.int64())}
    return pa.schema({**kinds, **dict.fromkeys(numbers, pa.float64())}).empty_table()
