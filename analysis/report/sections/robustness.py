"""Would another statistic say the same? Agreement, noise, and what else the loss varies with."""

import math

from analysis.assessment import Assessment, OnScale
from analysis.equivalence import Interval
from analysis.formats import NAMES, p_is, p_value
from analysis.report.document import Block, Details, Section, Table
from analysis.report.findings import LOSSES, Findings
from analysis.report.pictures import Picture
from analysis.report.words import columns, dataset_name, figure, number, percent, span


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Every other statistic of the same question."""
    blocks: list[Block] = [_table(findings.overall, "over all configurations")]
    if len(findings.by_dataset) > 1:
        tables = [_table(each, f"on {dataset_name(name)} alone") for name, each in findings.by_dataset.items()]
        blocks.append(Details("The same by data set", tables))
    blocks += [
        *figure(pictures.get("agreement")),
        *figure(pictures.get("variance")),
    ]
    for name, parts in findings.variance.items():
        terms = [
            [
                term.name.replace(":", " \N{MULTIPLICATION SIGN} ").replace("_", " "),
                percent(term.share, 2),
                str(term.degrees_of_freedom),
                number(term.f, 2),
                p_value(term.p),
            ]
            for term in parts.terms
        ]
        table = Table(columns("source", "share", "degrees of freedom", "F", "p"), terms)
        blocks.append(Details(f"Variance of log validation loss by source: {name}", [table]))
    return Section("robustness", "Would another statistic say the same?", blocks)


def _table(by_metric: dict[str, Assessment], over: str) -> Table:
    scales = {metric: scale for metric in LOSSES if (scale := by_metric[metric].ratio) is not None}
    rows = {metric: _statistics(scale) for metric, scale in scales.items()}
    names = list(next(iter(rows.values())))
    return Table(
        columns("statistic", *(f"<{NAMES[metric]}" for metric in rows)),
        [[name, *(values[name] for values in rows.values())] for name in names],
        f"Ratio parallel / sequential by other statistics, {over}",
    )


def _statistics(scale: OnScale) -> dict[str, str]:
    noise, margin = scale.seed_noise, scale.margin
    mean, agreement = scale.tost.estimate, scale.agreement
    concordance, effects, parts = scale.concordance, scale.effects, scale.components
    return {
        "t, 90 % interval": span(scale, mean, scale.tost.interval),
        "cluster bootstrap, BCa 90 %": span(scale, mean, scale.bootstrap.bca),
        "Hodges-Lehmann, 90 %": span(scale, scale.rank_tost.estimate, scale.rank_tost.interval),
        "TOST, p": p_value(scale.tost.p),
        "rank TOST, p": p_value(scale.rank_tost.p),
        "noninferiority of parallel": f"{p_is(scale.noninferiority.p)}, worse by at most "
        f"{percent(math.expm1(scale.noninferiority.bound))}"
        if math.isfinite(scale.noninferiority.bound)
        else p_is(scale.noninferiority.p),
        "t test of no difference, p": p_value(scale.difference.p),
        "Wilcoxon signed rank, p": p_value(scale.signed_rank.p),
        "Cohen's d_z; Hedges' g": f"{number(effects.d, 2)} {_between(effects.interval)}; {number(effects.g, 2)}",
        "rank-biserial correlation": number(effects.rank_biserial, 2),
        "spread among seeds (SD of log loss)": f"{percent(noise.sd)}, {number(noise.degrees_of_freedom, 0)} degrees of "
        "freedom",
        "seed-noise TOST": f"{p_is(scale.seed_noise_tost.p)} against {percent(scale.seed_noise_tost.margin)}",
        "limits of agreement (95 %)": f"{number(math.exp(agreement.limits.low))} to "
        f"{number(math.exp(agreement.limits.high))}"
        if math.isfinite(agreement.limits.low)
        else number(None),
        "slope of the ratio on the loss": f"{number(agreement.slope)} ({p_is(agreement.slope_p)})",
        "Lin's concordance of log losses": f"{number(concordance.ccc)} {_between(concordance.jackknife, 3)}",
        "spread of the ratio: configurations; seeds": f"{_root(parts.between)}; {_root(parts.within)}",
        "skewness of the log ratios": number(scale.skewness, 2),
        "margin, log ratio": number(margin, 4),
    }


def _between(interval: Interval, digits: int = 2) -> str:
    return f"[{number(interval.low, digits)}, {number(interval.high, digits)}]"


def _root(variance: float) -> str:
    return percent(math.sqrt(variance)) if variance >= 0 else number(None)
