"""The tables of the page on matched pairs, also of where equivalence holds and where it breaks."""

import math
from collections.abc import Callable, Mapping
from operator import itemgetter

import numpy as np
import pyarrow as pa

from analysis.equivalence.mean import Estimate, Mean
from analysis.equivalence.registry import table_rows
from analysis.equivalence.statistic import exp
from analysis.equivalence.verdict import AHEAD, INSIDE
from analysis.formats import NAMES, dataset_name, factor_name, number, p_value, unbroken
from analysis.questions.equivalence.assay import Assay
from analysis.questions.equivalence.assessment import LOSSES, Assessment, in_words
from analysis.questions.equivalence.findings import PRIMARY, Findings, Judged
from analysis.questions.equivalence.strata import COLUMNS
from analysis.questions.equivalence.wording import confidence, short
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, share

_NONE = Estimate(np.nan)
HELD, BROKEN = ({in_words(verdict) for verdict in verdicts} for verdicts in (INSIDE, AHEAD))
"""Verdicts of strata, in words: equivalent, and a side ahead without that."""
_MOST_CELLS, _MOST_WORST = 20, 10


def tables(findings: Findings) -> list[Table]:
    """Those that there is something for, and the files of strata and pairs."""
    makers = (_verdicts, _accuracies, _mixed, _assay, _table_2, _cost, _spread, _missing, _seeds)
    strata = [{"metric": metric, **row} for metric, rows in findings.strata.items() for row in rows]
    pairs = (
        of.add_column(0, "metric", pa.array([metric] * len(of), pa.string())) for metric, of in findings.pairs.items()
    )
    return [
        *(found for make in makers if (found := make(findings)).rows),
        Table("strata", [Column("metric"), *map(Column, COLUMNS)], strata),
        Table("pairs", (), (), bulk=pa.concat_tables(pairs)),
    ]


def place(at: Judged) -> str:
    """A data set and metric as they are read."""
    return f"{dataset_name(at.dataset)}, {NAMES[at.metric]}"


def size(found: Assessment, mean: Mean | None = None) -> Estimate:
    """The mean of this grid, or another, with its interval of the confidence that the verdict is at: ratios of losses.

    An accuracy has a difference.
    """
    return _mean(mean or found.grid, 1 - 2 * found.alpha, ratio=found.scale == "ratio")


def _mean(mean: Mean, confidence: float = 0.90, ratio: bool = False) -> Estimate:
    """A mean with its interval, or those of a mean log ratio as the ratio."""
    found = mean.interval(confidence)
    return Estimate(*map(exp, found)) if ratio else found


_DATASET = Column("dataset", "data set", dataset_name)
_CONFIGURATIONS = Column("configurations", "n", of=lambda at: at.found.configurations)
_PLACE = (Column("metric"), Column("dataset"), Column("place", "data set, metric", unbroken, place))


def _verdicts(findings: Findings) -> Table:
    columns = (
        *_PLACE,
        _CONFIGURATIONS,
        Column("grid", f"this grid [{confidence(findings.answer)}]", plain(), lambda at: size(at.found)),
        Column("networks", "networks like these", plain(), lambda at: size(at.found, at.found.networks)),
        Column("p", "p", p_value, lambda at: at.found.p_equivalence),
        Column("inside", "inside, %", share(0), lambda at: at.found.inside.share),
        Column("verdict", "verdict", of=lambda at: short(at.found)),
    )
    return Table(
        "verdicts", columns, findings.each(*LOSSES), "Parallel against sequential, by data set; depth 1 is left out"
    )


def _accuracies(findings: Findings) -> Table:
    sample = findings.samples["val_accuracy"]

    def of(side: np.ndarray, at: Judged) -> Estimate:
        values = side[sample.complete & (sample.columns["dataset"] == at.dataset)]
        return Estimate(float(values.mean()), float(values.min()), float(values.max())) if len(values) else _NONE

    columns = (
        _DATASET,
        _CONFIGURATIONS,
        Column("sequential", "sequential, %", share(), lambda at: of(sample.sequential, at)),
        Column("parallel", "parallel, %", share(), lambda at: of(sample.parallel, at)),
        Column("grid", f"difference [{confidence(findings.answer)}]", points(2), lambda at: size(at.found)),
        Column("networks", "of networks like these", points(2), lambda at: size(at.found, at.found.networks)),
    )
    return Table("accuracies", columns, findings.each("val_accuracy"), "Validation accuracy")


def _mixed(findings: Findings) -> Table:
    def verdict(at: Judged) -> str:
        # The first of two other architectures is in the place of parallel.
        return at.found.verdict.words(*at.contrast.partition(",")[0].split("/")) if at.loss else "none"

    columns = (
        Column("contrast", "contrast"),
        _DATASET,
        Column("metric", "metric", NAMES.__getitem__),
        _CONFIGURATIONS,
        Column("ratio", "first / second", plain(), lambda at: size(at.found) if at.loss else _NONE),
        Column("difference", "difference, points", points(2), lambda at: _NONE if at.loss else size(at.found)),
        Column("verdict", "verdict", of=verdict),
    )
    items = [
        Judged(metric, name, each, contrast)
        for contrast, by_metric in findings.mixed.items()
        for metric, answer in by_metric.items()
        for name, each in answer.by_dataset.items()
    ]
    caption = "Mixed networks, with several sequential stages of parallel blocks, against both ends"
    return Table("mixed_networks", columns, items, caption)


def _assay(findings: Findings) -> Table:
    def helps(found: Assay) -> str:
        return ("yes" if found.depth_helps else "not shown") if found.compared else "not known"

    columns = (
        *_PLACE,
        Column("guessing", "guessing", plain(), lambda at: at.found.assay.chance),
        Column("sequential", "learned, sequential", plain(), lambda at: _mean(at.found.assay.sequential)),
        Column("parallel", "learned, parallel", plain(), lambda at: _mean(at.found.assay.parallel)),
        Column("less", "parallel less, %", share(), lambda at: at.found.learned.share),
        Column("depth", "deep / one block", plain(), lambda at: _mean(at.found.assay.depth, ratio=True)),
        Column("helps", "depth helps", of=lambda at: helps(at.found.assay)),
    )
    items = [at for at in findings.each(*LOSSES) if at.found.assay and at.found.learned]
    return Table("assay", columns, items, "What the networks learn, and what depth does, with 90 % intervals")


def _table_2(findings: Findings) -> Table:
    sides = ("sequential", "parallel")
    columns = (
        Column("dataset", "data set", dataset_name),
        Column("Q", "Q", lambda q: unbroken(q.replace("inf", "∞"))),
        Column("metric", "loss"),
        *(Column(f"paper_{side}", f"paper: {side}", plain(5)) for side in sides),
        Column("paper_ratio", "ratio", plain(2)),
        *(Column(side, f"here: {side}", plain(5)) for side in sides),
        Column("ratio", "ratio", plain(2)),
        Column("configurations", "n"),
        Column("pairs"),
    )
    caption = "Mean losses by determination ratio Q, published and ours; ratios are parallel / sequential"
    return Table("table_2", columns, findings.table_2, caption)


def _cost(findings: Findings) -> Table:
    columns = (
        Column("dataset", "data set", dataset_name),
        Column("device", "device"),
        Column("depth", "depth"),
        Column("pairs", "pairs"),
        Column("sequential_seconds", "sequential, s", plain(2)),
        Column("parallel_seconds", "parallel, s", plain(2)),
        Column(
            "seconds_ratio",
            "ratio [quartiles]",
            plain(2),
            lambda row: Estimate(row["seconds_ratio"], row["low"], row["high"]),
        ),
        Column("flops_ratio", "FLOPs", plain(2)),
    )
    return Table("cost", columns, findings.cost.to_pylist(), "Training time by depth: medians over matched pairs")


def _spread(findings: Findings) -> Table:
    columns = (
        Column("statistic", "statistic", of=itemgetter(0)),
        *(
            Column(f"{at.dataset}_{at.metric}", place(at), of=lambda row, found=at.found: row[1](found))
            for at in findings.each(*LOSSES)
        ),
    )
    texts: list[tuple[str, Callable[[Assessment], str]]] = [
        *((label, lambda each, name=name, of=of: of(each.statistics[name])) for name, label, of in table_rows()),
        ("hierarchical model, mean [90 %]", lambda each: plain()(each.inside.mean)),
        ("margin, log ratio", lambda each: number(each.margin, 4)),
    ]
    return Table("spread", columns, texts, "Spread of the log ratios parallel / sequential")


def _missing(findings: Findings) -> Table:
    columns = (
        _DATASET,
        *(
            Column(name, name, of=lambda at, name=name: getattr(at.found.counts, name))
            for name in ("pairs", "complete", "diverged", "failed", "missing")
        ),
        Column("sequential_only", "sequential only", of=lambda at: at.found.divergence.sequential_only),
        Column("parallel_only", "parallel only", of=lambda at: at.found.divergence.parallel_only),
        Column("p", "p", p_value, lambda at: at.found.divergence.p_exact),
        Column("ratio", "ratio [interval]", plain(), lambda at: size(at.found)),
        Column(
            "failed_at_chance",
            "failed at chance",
            plain(),
            lambda at: size(at.found, at.found.failed_as_chance) if at.found.counts.failed else _NONE,
        ),
    )
    return Table("missing", columns, findings.each(PRIMARY), "Pairs deeper than one block")


def _seeds(findings: Findings) -> Table:
    drawn = {True: "shared by all configurations", False: "drawn anew in each configuration"}
    columns = (
        _DATASET,
        Column("drawn", "seeds", of=lambda at: drawn[at.found.crossed]),
        Column("seeds", "number", of=lambda at: at.found.seeds),
        Column("p", "p of a seed effect", p_value, lambda at: at.found.seed_effect),
    )
    return Table("seeds", columns, findings.each(PRIMARY), "Does a seed shift all configurations alike?")


def where_tables(findings: Findings) -> list[Table]:
    """Heterogeneity, the worst configurations, and the cells of two factors in which a side is ahead."""
    breaking = _breaking(findings)
    return [
        _heterogeneity(findings, "heterogeneity", "val_loss"),
        _heterogeneity(findings, "training_heterogeneity", "train_loss"),
        _worst(findings),
        *([breaking] if breaking.rows else []),
    ]


def _worst(findings: Findings) -> Table:
    """The configurations whose ratio is furthest from 1."""
    columns = (
        Column("dataset", "data set", dataset_name, lambda at: at[0].dataset),
        Column("configuration", "configuration", of=lambda at: at[0].words[at[1]]),
        Column("seeds", "seeds", of=lambda at: int(at[0].seeds[at[1]])),
        Column("ratio", "ratio [lowest, highest seed]", plain(), lambda at: at[0].at(at[1])),
    )
    every = [(of, code) for of in findings.configurations[PRIMARY] for code in range(len(of.words))]
    every.sort(key=lambda each: -abs(math.log(each[0].ratio[each[1]])))
    return Table("worst", columns, every[:_MOST_WORST], "The configurations furthest from a ratio of 1")


def _heterogeneity(findings: Findings, name: str, metric: str) -> Table:
    def factors(row: Mapping[str, str]) -> str:
        names = (row[each] for each in ("factor_a", "factor_b") if row[each])
        return " \N{MULTIPLICATION SIGN} ".join(map(factor_name, names))

    columns = (
        Column("metric", of=lambda _: metric),
        Column("dataset", "data set", dataset_name),
        Column("factor_a"),
        Column("factor_b"),
        Column("factors", "factor", of=factors),
        Column("f", "F", plain(2)),
        Column("numerator", "df", plain(0)),
        Column("denominator", "residual df", plain(0)),
        Column("p", "p", p_value),
        Column("p_holm", "p, Holm", p_value),
        Column("effect", "effect", plain(2)),
        *(Column(end, f"{end} at", lambda level: level or "") for end in ("lowest", "highest")),
    )
    rows = findings.heterogeneity[metric]
    shown = [row for row in rows if row["factor_b"] is None or math.isfinite(row["f"])]
    caption = "Does the log ratio depend on a factor, or on one differently over another?"
    return Table(name, columns, rows, caption, shown=shown)


def _breaking(findings: Findings) -> Table:
    """Cells of two factors in which one architecture is ahead, the furthest first."""
    found = [row for row in findings.strata[PRIMARY] if row["factor_b"] and row["verdict"] in BROKEN]
    found.sort(key=lambda row: -max(row["ratio"], 1 / row["ratio"]))

    def cell(row: Mapping[str, str]) -> str:
        levels = ", ".join(f"{factor_name(row[f'factor_{each}'])} {row[f'level_{each}']}" for each in "ab")
        return f"{dataset_name(row['dataset'])}: {levels}"

    columns = (
        Column("cell", "cell", of=cell),
        Column("configurations", "configurations"),
        Column("ratio", "ratio [90 %]", plain(), lambda row: Estimate(row["ratio"], row["low"], row["high"])),
        Column("p", "p different, after Holm", p_value, itemgetter("p_difference_holm")),
        Column("verdict", "verdict"),
    )
    caption = f"Cells of two factors in which one architecture is ahead: {len(found)}"
    return Table("breaking_cells", columns, found[:_MOST_CELLS], caption)
