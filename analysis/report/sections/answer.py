"""The first screen, and the answer for each data set and metric."""

import math

from analysis import equivalence as eq
from analysis.assessment import Assessment, in_words
from analysis.equivalence import Verdict
from analysis.formats import NAMES, number, p_is, p_value, percent
from analysis.report.document import (
    Badge,
    Block,
    Callout,
    IntervalBar,
    Intervals,
    KeyFigures,
    Lead,
    Prose,
    Section,
    Table,
)
from analysis.report.findings import PRIMARY, Findings
from analysis.report.pictures import Picture
from analysis.report.words import (
    BROKEN,
    TONES,
    columns,
    contrast_verdict,
    dataset_name,
    factor_name,
    figure,
    margin_words,
    size,
)

_UNDECIDED = "Undecided: these results do not settle whether the architectures are equivalent."


def badges(findings: Findings) -> list[Badge]:
    """What a reader must know of the standing of matched pairs."""
    controls = findings.controls
    shown: list[Badge] = []
    if controls.failed:
        shown.append(Badge("control failed", "bad"))
    elif controls.pairs:
        shown.append(Badge(f"control passed: {controls.identical} of {controls.pairs} pairs identical", "good"))
    else:
        shown.append(Badge("no control", "warning"))
    if findings.declared.declared_at and not findings.declared.before:
        shown.append(Badge("margins declared after results", "warning"))
    if findings.differences_in_budget:
        shown.append(Badge("training differs from the authors' habits", "warning"))
    return shown


def lead(findings: Findings, pictures: dict[str, Picture]) -> Lead:
    """Verdict, interval against margin, one figure."""
    assessment = findings.overall[PRIMARY]
    if findings.controls.failed:
        return Lead(
            verdict="The control fails: these results are not to be trusted.",
            detail="At depth 1 both architectures are one function, and their trials must agree. "
            "*No verdict is given*; see the control below.",
            kind="bad",
        )
    drawn = figure(pictures.get("losses"))
    return Lead(
        verdict=_sentence(findings),
        detail=_detail(findings),
        kind="warning" if assessment.inside and _dissent(findings) else TONES[findings.verdict],
        intervals=_intervals(findings),
        figure=drawn[0] if drawn else None,
        key_figures=_key_figures(findings),
    )


def _sentence(findings: Findings) -> str:
    """The verdict on the mean, and no more than that."""
    assessment = findings.overall[PRIMARY]
    side = "parallel" if assessment.main.tost.estimate < 0 else "sequential"
    match assessment.verdict:
        case Verdict.EQUIVALENT:
            return "On average equivalent: parallel networks reach the validation loss of sequential ones."
        case Verdict.DIFFERENT_INSIDE:
            margin = f"{100 * assessment.margins.ratio:g} %"
            return f"On average {side} is ahead in validation loss, by less than the declared {margin}."
        case Verdict.UNDECIDED:
            return _UNDECIDED
        case _ if assessment.beyond:
            return f"Not equivalent: {side} is ahead in validation loss, by more than the margin."
        case _:
            return f"{side.capitalize()} is ahead in validation loss; equivalence is not shown."


def _detail(findings: Findings) -> str:
    """What the mean is of, and whatever speaks against taking it for all there is."""
    assessment = findings.overall[PRIMARY]
    scale, counts = assessment.main, assessment.counts
    parts = [
        f"Over {scale.configurations} configurations, the ratio parallel / sequential of validation losses is "
        f"*{size(scale)}* (90 % interval); the declared margin is {margin_words(assessment)}, and against the spread "
        f"among seeds the verdict is {in_words(scale.seed_noise_verdict)}."
    ]
    if counts.complete < counts.pairs and not scale.worst_case.incomplete:
        parts.append(f"Of {counts.pairs} pairs {counts.pairs - counts.complete} diverged on both sides.")
    parts += [f"{dissent}." for dissent in _dissent(findings)]
    parts += [f"{remark[:1].upper()}{remark[1:]}." for remark in assessment.remarks]
    if findings.differences_in_budget:
        parts.append("Training differs from the authors' habits.")
    return " ".join(parts)


def _dissent(findings: Findings) -> list[str]:
    """Data sets with another verdict than the whole, and strata in which a side is ahead and not inside the margin."""
    found = [
        f"{dataset_name(dataset)} alone: {by_metric[PRIMARY].words}"
        for dataset, by_metric in findings.by_dataset.items()
        if by_metric[PRIMARY].inside != findings.overall[PRIMARY].inside
    ]
    rows = [row for row in findings.strata[PRIMARY].to_pylist() if row["factor_b"] is None]
    ahead = [row for row in rows if row["verdict"] in BROKEN]
    if ahead:
        furthest = max(ahead, key=lambda row: abs(math.log(row["ratio"])))
        found.append(
            f"In {len(ahead)} of {len(rows)} strata by one factor a side is ahead and not inside the margin, furthest "
            f"at {factor_name(furthest['factor_a'])} {furthest['level_a']} ({furthest['ratio']:.2f})"
        )
    return found


def _intervals(findings: Findings) -> Intervals:
    margin = 1 + findings.declared.margins.ratio
    bars = [
        IntervalBar(
            math.exp(scale.tost.estimate),
            math.exp(scale.tost.interval.low),
            math.exp(scale.tost.interval.high),
            1 / margin,
            margin,
            NAMES[metric],
        )
        for metric, assessment in findings.overall.items()
        if (scale := assessment.ratio) is not None and scale.configurations > 1
    ]
    return Intervals(bars, "Ratio parallel / sequential with its 90 % interval; shaded: the equivalence margin.")


def _key_figures(findings: Findings) -> KeyFigures:
    better = findings.overall[PRIMARY].main[eq.PROBABILITY_BETTER]
    losses = [
        (
            f"{NAMES[metric].capitalize()}, ratio",
            number(math.exp(scale.tost.estimate)),
            f"{each.words}; TOST {p_is(scale.tost.p)}",
        )
        for metric, each in findings.overall.items()
        if (scale := each.ratio) is not None
    ]
    probability = (
        "Parallel better on a new seed",
        percent(better.probability, 0),
        f"90 % interval {percent(better.interval.low, 0)} to {percent(better.interval.high, 0)}",
    )
    return KeyFigures([*losses, probability])


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Every data set and metric."""
    blocks: list[Block] = []
    if findings.interim:
        missing = findings.states["missing"]
        blocks.append(Callout("warning", f"Interim: {missing} planned trials are missing. They limit every verdict."))
    rows = [_row("all", metric, each) for metric, each in findings.overall.items()]
    if len(findings.by_dataset) > 1:
        for dataset, by_metric in findings.by_dataset.items():
            rows += [_row(dataset_name(dataset), metric, each) for metric, each in by_metric.items()]
    blocks.append(
        Table(
            columns(
                "data",
                "<metric",
                "configurations",
                "parallel / sequential [90 %]",
                "p equivalent",
                "p different",
                "<against the margin",
                "<against seed noise",
                "parallel better",
            ),
            rows,
            "Parallel against sequential, seeds averaged within configurations, depth 1 left out",
            "Losses as geometric mean ratios, accuracy as mean difference, which has no ratio margin and is judged by "
            "the seeds' own spread. *p equivalent* is the larger of the two one-sided tests. Each row is a test at "
            "5 %, not corrected for the others. *Parallel better* is the probability for a configuration of the grid "
            "and a new seed; a side that diverges alone is the worse one.",
        )
    )
    blocks += _remarks(findings)
    blocks += _mixed(findings)
    return Section("answers", "The answer by data set and metric", blocks)


def _remarks(findings: Findings) -> list[Block]:
    """Every remark once, with what it is on."""
    blocks: list[Block] = []
    for dataset, by_metric in {"all": findings.overall, **findings.by_dataset}.items():
        metrics: dict[str, list[str]] = {}
        for metric, assessment in by_metric.items():
            for text in assessment.remarks:
                metrics.setdefault(text, []).append(NAMES[metric])
        for text, names in metrics.items():
            on = "" if len(names) == len(by_metric) else f", {' and '.join(names)}"
            data = "All data" if dataset == "all" else dataset_name(dataset)
            blocks.append(Callout("info", f"{data}{on}: {text}."))
    return blocks


def _row(data: str, metric: str, assessment: Assessment) -> list[str]:
    scale = assessment.main
    equivalent = scale.tost.p if assessment.ratio is not None else scale[eq.SEED_NOISE_TOST].p
    return [
        data,
        NAMES[metric],
        str(scale.configurations),
        size(scale),
        p_value(equivalent),
        p_value(scale[eq.DIFFERENCE].p),
        assessment.words if assessment.ratio is not None else "by seed noise alone",
        in_words(scale.seed_noise_verdict),
        percent(scale[eq.PROBABILITY_BETTER].probability, 0),
    ]


def _mixed(findings: Findings) -> list[Block]:
    if not findings.mixed:
        return []
    rows = [
        [
            contrast,
            NAMES[metric],
            str(each.main.configurations),
            size(each.main),
            contrast_verdict(contrast, each.verdict),
        ]
        for contrast, by_metric in findings.mixed.items()
        for metric, each in by_metric.items()
    ]
    return [
        Prose("Mixed networks, with several sequential stages of parallel blocks, against both ends:"),
        Table(columns("contrast", "<metric", "configurations", "first / second [90 %]", "<verdict"), rows),
    ]
