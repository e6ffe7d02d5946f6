"""Where equivalence holds and where it breaks: strata of the grid, and tests of heterogeneity."""

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.assessment import ALPHA, LEAST_FILL, in_words, limits, log_margin, lower_is_better, stable
from analysis.equivalence import Verdict
from analysis.sample import Array, Sample, ordered_levels
from sweep.ledger import Margins

_FEWEST = 2
_TEXTS = ("factor_a", "level_a", "factor_b", "level_b")

Cells = tuple[Array, list[tuple[str, ...]]]
"""Each pair's cell, and the levels of each cell as text."""


def strata(sample: Sample, margins: Margins) -> pa.Table:
    """Every level of every factor, and every cell of two factors, judged against the ratio margin.

    One row a stratum: ``factor_a``, ``level_a``, ``factor_b``, ``level_b`` (null for single factors), configurations,
    complete pairs and pairs, the ratio parallel / sequential of configuration means with its 90 % interval, p of TOST
    and of no difference, each also after Holm's correction over all strata of as many factors, and the verdict of the
    corrected ones, undecided where the worst case of incomplete pairs has another. Strata overlap: each pair is in one
    level of every factor.
    """
    names = sample.strata
    families = [[(name,) for name in names], list(itertools.combinations(names, 2))]
    return pa.concat_tables([_family(family, sample, margins) for family in families])


def heterogeneity(sample: Sample) -> pa.Table:
    """Does the log ratio depend on a factor (Welch), or on one differently over another (HC3)?

    One row a factor (``factor_b`` null) and a pair of factors, with F, degrees of freedom, p, and p after Holm's
    correction over the single factors, and over the pairs. NaN where a level or cell has too few configurations.
    Factors that vary within a configuration, as budgets and methods of training do, are left out.
    """
    contrast = sample.contrast("ratio")
    finite = np.isfinite(contrast)
    _, first = np.unique(sample.configuration[finite], return_index=True)
    means = eq.configuration_means(contrast[finite], sample.configuration[finite])
    levels = {name: column[finite][first] for name, column in sample.factors.items() if _constant(sample, column)}
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


def _constant(sample: Sample, column: Array) -> bool:
    """Whether a column has one level in each configuration."""
    _, code = np.unique(column, return_inverse=True)
    cells = np.unique(sample.configuration * (code.max(initial=0) + 1) + code)
    return len(cells) == sample.configurations


def _family(family: Sequence[tuple[str, ...]], sample: Sample, margins: Margins) -> pa.Table:
    """The strata of as many factors, judged as they are and with incomplete pairs filled both ways."""
    contrast, limiting = sample.contrast("ratio"), limits(sample, "ratio")
    finite = np.isfinite(contrast)
    fill = max(LEAST_FILL, float(np.abs(contrast[finite]).max(initial=0.0)))
    filled = [np.where(limiting, sign * fill, contrast) for sign in (1, -1)]
    cells = [_cells([sample.columns[name] for name in names]) for names in family]
    tests = [
        _tests(np.concatenate([np.empty((3, 0)), *_moments_of(values, cells, sample)], axis=1), margins)
        for values in (contrast, *filled)
    ]
    table = _columns(family, cells, finite, tests[0])
    judged = [_verdicts(test, sample) for test in tests]
    final = [
        own if own is Verdict.UNDECIDED or stable(own, {above, below}) else Verdict.UNDECIDED
        for own, above, below in zip(*judged, strict=True)
    ]
    for name in ("p_tost", "p_difference"):
        table = table.append_column(f"{name}_holm", pa.array(eq.holm(tests[0][name]), pa.float64()))
    table = table.append_column("verdict", pa.array([in_words(verdict) for verdict in final], pa.string()))
    return table.filter(pc.field("pairs") > 0)


def _cells(columns: Sequence[Array]) -> Cells:
    """Each pair's cell, and the levels of each cell as text."""
    codes, labels = zip(*(_coded(column) for column in columns), strict=True)
    if len(columns) == 1:
        return codes[0], [(label,) for label in labels[0]]
    return codes[0] * len(labels[1]) + codes[1], list(itertools.product(*labels))


def _coded(column: Array) -> tuple[Array, list[str]]:
    levels = ordered_levels(column)
    place = {level: number for number, level in enumerate(levels)}
    labels = [f"{level:g}" if isinstance(level, float) else str(level) for level in levels]
    return np.array([place[level] for level in column.tolist()], dtype=np.intp), labels


def _moments_of(values: Array, cells: Sequence[Cells], sample: Sample) -> list[Array]:
    return [_moments(values, cell, len(labels), sample) for cell, labels in cells]


def _moments(values: Array, cell: Array, cells: int, sample: Sample) -> Array:
    """Count, mean and standard deviation over configuration means in each cell, shape (3, cells)."""
    finite = np.isfinite(values)
    unit, at = np.unique(cell[finite] * sample.configurations + sample.configuration[finite], return_inverse=True)
    means = np.bincount(at, values[finite], len(unit)) / np.bincount(at, minlength=len(unit))
    of = unit // max(sample.configurations, 1)
    n = np.bincount(of, minlength=cells).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(of, means, cells) / n
        sd = np.sqrt(np.bincount(of, (means - mean[of]) ** 2, cells) / (n - 1))
    return np.stack([n, mean, np.where(n < _FEWEST, np.nan, sd)])


def _tests(moments: Array, margins: Margins) -> dict[str, Array]:
    n, mean, sd = moments
    margin = log_margin(margins)
    tosts = eq.tost_from_moments(n, mean, sd, -margin, margin, ALPHA)
    different = eq.difference_p_from_moments(n, mean, sd)
    return {"n": n, "mean": mean, "low": tosts.low, "high": tosts.high, "p_tost": tosts.p, "p_difference": different}


def _verdicts(tests: dict[str, Array], sample: Sample) -> list[Verdict]:
    equivalent, different = (eq.holm(tests[name]) for name in ("p_tost", "p_difference"))
    return eq.verdicts(equivalent, different, tests["mean"], ALPHA, lower_is_better(sample.metric))


def _columns(
    family: Sequence[tuple[str, ...]], cells: Sequence[Cells], finite: Array, tests: dict[str, Array]
) -> pa.Table:
    """The table of a family, without what is corrected over it."""
    keys = [
        (*(part for pair in zip(names, levels, strict=True) for part in pair), *(None, None)[: 4 - 2 * len(names)])
        for names, (_, labels) in zip(family, cells, strict=True)
        for levels in labels
    ]
    texts = dict(zip(_TEXTS, zip(*keys, strict=True), strict=True)) if keys else dict.fromkeys(_TEXTS, ())
    counts = [
        np.concatenate([np.bincount(cell[chosen], minlength=len(labels)) for cell, labels in cells] or [np.empty(0)])
        for chosen in (finite, slice(None))
    ]
    return pa.table(
        {
            **{name: pa.array(values, pa.string()) for name, values in texts.items()},
            "configurations": pa.array(tests["n"].astype(np.int64)),
            "complete": pa.array(counts[0].astype(np.int64)),
            "pairs": pa.array(counts[1].astype(np.int64)),
            "ratio": pa.array(np.exp(tests["mean"])),
            "low": pa.array(np.exp(tests["low"])),
            "high": pa.array(np.exp(tests["high"])),
            "p_tost": pa.array(tests["p_tost"]),
            "p_difference": pa.array(tests["p_difference"]),
        }
    )
