"""The first screen, and the answer for each data set and metric."""

import math

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

from analysis.equivalence import Verdict
from analysis.equivalence.statistic import exp
from analysis.formats import NAMES, number, p_is, p_value, percent
from analysis.questions.equivalence.assessment import Answer, Assessment
from analysis.questions.equivalence.findings import LOSSES, Findings
from analysis.questions.equivalence.pictures import Picture
from analysis.report.words import (
    columns,
    confidence,
    contrast_verdict,
    dataset_name,
    figure,
    margin_words,
    sentence,
    size,
    tone,
    wider,
)


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
    if not findings.question.declared_before:
        shown.append(Badge("margins declared after results", "warning"))
    if findings.differences_in_budget:
        shown.append(Badge("training differs from the authors' habits", "warning"))
    return shown


def lead(findings: Findings, pictures: dict[str, Picture]) -> Lead:
    """Verdict, interval against margin, one figure."""
    if findings.controls.failed:
        return Lead(
            verdict="These results are not to be trusted.",
            detail=" ".join(map(sentence, findings.controls.reasons))
            + " *No verdict is given*; see the control below.",
            kind="bad",
        )
    drawn = figure(pictures.get("losses"))
    return Lead(
        verdict=headline(findings.answer),
        detail=" ".join(_detail(findings)),
        kind=tone(findings.answer),
        intervals=_intervals(findings),
        figure=drawn[0] if drawn else None,
        key_figures=_key_figures(findings),
    )


def headline(answer: Answer) -> str:
    """The answer in one sentence, on all data sets or on each, with what qualifies it first of all."""
    found = list(answer.by_dataset.values())
    if all(each.verdict is Verdict.UNDECIDED for each in found):
        reasons = list(dict.fromkeys(each.withheld[0] for each in found if each.withheld))
        if len(reasons) == 1 and all(each.withheld for each in found):
            return f"No verdict: {reasons[0]}."
        return "Undecided: these results do not settle whether the architectures are equivalent."
    if answer.verdict is Verdict.UNDECIDED:
        parts = "; ".join(f"{dataset_name(name)}: {_qualified(each)}" for name, each in answer.by_dataset.items())
        settled = all(each.verdict is not Verdict.UNDECIDED for each in found)
        return f"{'It depends on the data set' if settled else 'Not settled on every data set'}. {parts}."
    text = _sentence(found)
    caveats = list(dict.fromkeys(caveat for each in found for caveat in each.caveats))
    return f"{text}, but {caveats[0].partition(':')[0]}." if caveats else f"{text}."


def _sentence(found: list[Assessment]) -> str:
    margin = f"{100 * found[0].margins.ratio:g} %"
    match found[0].verdict if len({each.verdict for each in found}) == 1 else Verdict.DIFFERENT_INSIDE:
        case Verdict.EQUIVALENT:
            return f"Equivalent within {margin}: parallel networks reach the validation loss of sequential ones"
        case Verdict.DIFFERENT_INSIDE:
            return f"Equivalent within {margin}, with a small difference in validation loss"
        case _:
            side = "Parallel" if found[0].verdict is Verdict.FIRST_BETTER else "Sequential"
            beyond = ", by more than the margin" if all(each.beyond for each in found) else ""
            return f"Not shown to be equivalent: {side.lower()} networks are ahead in validation loss{beyond}"


def _qualified(assessment: Assessment) -> str:
    """The verdict with what qualifies it first of all."""
    caveat = f" ({assessment.caveats[0].partition(':')[0]})" if assessment.caveats else ""
    return assessment.words + caveat if not assessment.withheld else "no verdict"


def short(assessment: Assessment) -> str:
    """The verdict in a few words, or that there is none."""
    if assessment.withheld:
        return "no verdict"
    return assessment.words + (", with reservations" if assessment.caveats else "")


def _detail(findings: Findings) -> list[str]:
    """The estimate on each data set, and whatever qualifies the verdict or bars it."""
    parts: list[str] = []
    reasons: dict[str, list[str]] = {}
    for name, each in findings.answer.by_dataset.items():
        inside = each.inside.share
        share = f"; {percent(inside, 0)} of them lie inside the margin themselves" if math.isfinite(inside) else ""
        parts.append(
            f"{dataset_name(name)}: the ratio parallel / sequential of validation losses is *{size(each)}* "
            f"({confidence(each)} interval) over {each.configurations} configurations{share}."
        )
        for reason in (*each.withheld, *each.caveats):
            reasons.setdefault(reason, []).append(dataset_name(name))
    parts.append(f"The declared margin is {margin_words(findings.answer)}.")
    every = len(findings.answer.by_dataset)
    parts += [
        sentence(reason if len(names) == every else f"{' and '.join(names)}: {reason}")
        for reason, names in reasons.items()
    ]
    if findings.differences_in_budget:
        parts.append("Training differs from the authors' habits.")
    return parts


def _intervals(findings: Findings) -> Intervals:
    margin = 1 + findings.question.margins.ratio
    bars = [
        IntervalBar(
            exp(each.grid.estimate),
            exp(each.interval.low),
            exp(each.interval.high),
            1 / margin,
            margin,
            f"{dataset_name(name)}, {NAMES[metric]}",
        )
        for metric in LOSSES
        for name, each in findings.answers[metric].by_dataset.items()
        if math.isfinite(each.interval.low) and math.isfinite(each.interval.high)
    ]
    return Intervals(
        bars, "Ratio parallel / sequential of these networks on new seeds; shaded: the equivalence margin."
    )


def _key_figures(findings: Findings) -> KeyFigures:
    shown: list[tuple[str, str, str]] = []
    for name, each in findings.answer.by_dataset.items():
        shown.append(
            (
                f"{dataset_name(name)}, ratio",
                number(exp(each.grid.estimate)),
                f"{short(each)}; {p_is(each.p_equivalence)}",
            )
        )
        if each.assay is not None and each.assay.compared:
            helps = exp(each.assay.depth.estimate)
            words = "deep sequential / one block"
            shown.append((f"{dataset_name(name)}, what depth does", number(helps), words))
    return KeyFigures(shown)


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Every data set and metric."""
    blocks: list[Block] = []
    if findings.interim:
        missing = findings.states["missing"]
        blocks.append(Callout("warning", f"Interim: {missing} planned trials are missing. There is no verdict yet."))
    rows = [
        _row(dataset_name(name), metric, each)
        for metric, answer in findings.answers.items()
        for name, each in answer.by_dataset.items()
    ]
    first = next(iter(findings.answer.by_dataset.values()))
    looks = (
        f" This is look {first.look}, so intervals and tests are stricter than at the first." if first.look > 1 else ""
    )
    blocks.append(
        Table(
            columns(
                "data set, metric",
                "n",
                f"this grid [{confidence(first)}]",
                "networks like these",
                "p",
                "inside",
                "<verdict",
            ),
            rows,
            "Parallel against sequential, by data set; depth 1 is left out",
            "Losses as geometric mean ratios, accuracy as mean difference, which has no margin and no verdict. *This "
            "grid*: these *n* configurations on new seeds. *Networks like these*: other configurations as well. *p* "
            "of equivalence is the largest of the one-sided tests on the ratio and on what was learned. *Inside*: the "
            f"share of configurations whose own ratio lies inside the margin, with its 90 % interval.{looks}",
        )
    )
    blocks += _reasons(findings)
    blocks += _mixed(findings)
    return Section("answers", "The answer by data set and metric", blocks)


def _reasons(findings: Findings) -> list[Block]:
    """Why there is no verdict, or no plain one: every reason once, with what it is on."""
    found: dict[str, list[str]] = {}
    for metric, answer in findings.answers.items():
        for name, each in answer.by_dataset.items():
            for reason in (*each.withheld, *each.caveats):
                found.setdefault(reason, []).append(f"{dataset_name(name)}, {NAMES[metric]}")
    return [Callout("info", f"*{'; '.join(where)}*: {reason}.") for reason, where in found.items()]


def _row(data: str, metric: str, assessment: Assessment) -> list[str]:
    inside = assessment.inside
    share = ""
    if math.isfinite(inside.share) and assessment.scale == "ratio":
        ends = (f"{100 * end:.0f}" for end in (inside.interval.low, inside.interval.high))
        share = f"{percent(inside.share, 0)} [{', '.join(ends)}]"
    return [
        f"{data}, {NAMES[metric]}",
        str(assessment.configurations),
        size(assessment),
        wider(assessment),
        p_value(assessment.p_equivalence),
        share,
        short(assessment) if assessment.scale == "ratio" else "no margin",
    ]


def _mixed(findings: Findings) -> list[Block]:
    if not findings.mixed:
        return []
    rows = [
        [
            contrast,
            dataset_name(name),
            NAMES[metric],
            str(each.configurations),
            size(each),
            contrast_verdict(contrast, each.verdict) if each.scale == "ratio" else "none",
        ]
        for contrast, by_metric in findings.mixed.items()
        for metric, answer in by_metric.items()
        for name, each in answer.by_dataset.items()
    ]
    heads = columns("contrast", "<data set", "<metric", "configurations", "first / second", "<verdict")
    return [
        Prose("Mixed networks, with several sequential stages of parallel blocks, against both ends:"),
        Table(heads, rows),
    ]
