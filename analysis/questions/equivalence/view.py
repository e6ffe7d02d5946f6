"""Are sequential and parallel networks equivalent? What matched pairs say (P1), as a reader sees it."""

import math
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from analysis.equivalence.contrast import LEAST_FREEDOM, LEAST_SEEDS
from analysis.equivalence.statistic import exp
from analysis.equivalence.verdict import ALPHA
from analysis.figures.style import Palette
from analysis.formats import dataset_name, factor_name, number, p_is, percent
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.assessment import LOSSES, NEARLY_ALL, Answer
from analysis.questions.equivalence.budget_view import budget_picture, budget_tables, budget_words
from analysis.questions.equivalence.findings import PRIMARY, Findings, find_shown
from analysis.questions.equivalence.paper import SOURCE
from analysis.questions.equivalence.pictures import pictures
from analysis.questions.equivalence.tables import BROKEN, HELD, place, size, tables, where_tables
from analysis.questions.equivalence.wording import confidence, headline, reasons, short, tone
from analysis.report.content import Badge, Bar, Intervals, Lead, Part
from analysis.report.words import plain, sentence
from analysis.results import Results


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on a study's matched pairs, None where they do not answer the question."""
    findings = find_shown(results, study)
    if findings is None:
        return None
    return Part(
        name="equivalence",
        title="Can deep networks be made shallow?",
        subtitle="Sequential against parallel residual networks",
        lead=_lead(findings),
        verdict=headline(findings.answer),
        template="equivalence/page.html",
        words=_words(findings),
        tables=[*tables(findings), *where_tables(findings), *budget_tables(findings)],
        pictures=[*pictures(findings, palette), *budget_picture(findings, palette)],
        claims=findings.claims,
        numbers=_numbers(findings),
        headline=_headline(findings),
        badges=list(_badges(findings)),
        trials=2 * findings.pairs[PRIMARY].filter(pc.field("contrast") == CONTRAST).num_rows,
        trusted=not findings.controls.failed,
    )


def _badges(findings: Findings) -> Iterator[Badge]:
    """What a reader must know of the standing of matched pairs."""
    controls = findings.controls
    if controls.failed:
        yield Badge("control failed", "bad")
    elif controls.pairs:
        yield Badge(f"control passed: {controls.identical} of {controls.pairs} pairs identical", "good")
    else:
        yield Badge("no control", "warning")
    if not findings.question.declared_before:
        yield Badge("margins declared after results", "warning")
    if findings.differences_in_budget:
        yield Badge("training differs from the authors' habits", "warning")


def _lead(findings: Findings) -> Lead:
    """Verdict, interval against margin, one figure."""
    if findings.controls.failed:
        why = " ".join(map(sentence, findings.controls.reasons))
        detail = f"{why} *No verdict is given*; see the control below."
        return Lead("These results are not to be trusted.", detail, "bad")
    return Lead(
        headline(findings.answer),
        " ".join(_detail(findings)),
        tone(findings.answer),
        _intervals(findings),
        "losses",
        list(_key_figures(findings)),
    )


def _detail(findings: Findings) -> Iterator[str]:
    """The estimate on each data set, and whatever qualifies the verdict or bars it."""
    judged = {dataset_name(name): each for name, each in findings.answer.by_dataset.items()}
    for name, each in judged.items():
        inside = each.inside.share.value
        share = f"; {percent(inside, 0)} of them lie inside the margin themselves" if math.isfinite(inside) else ""
        interval = (
            f"{confidence(findings.answer)} interval" if each.has_interval else "no interval without a second seed"
        )
        yield (
            f"{name}: the ratio parallel / sequential of validation losses is *{plain()(size(each))}* ({interval}) "
            f"over {each.configurations} configuration{'s' * (each.configurations != 1)}{share}."
        )
    margin = 1 + findings.question.margins.ratio
    yield f"The declared margin is {1 / margin:.3f} to {margin:.3f}."
    for reason, names in reasons(judged):
        yield sentence(reason if len(names) == len(judged) else f"{' and '.join(names)}: {reason}")
    if findings.differences_in_budget:
        yield "Training differs from the authors' habits."


def _intervals(findings: Findings) -> Intervals:
    bars = [Bar(place(at), size(at.found)) for at in findings.each(*LOSSES) if at.found.has_interval]
    caption = "Ratio parallel / sequential of these networks on new seeds; shaded: the equivalence margin."
    return Intervals(bars, findings.question.margins.ratio, caption)


def _key_figures(findings: Findings) -> Iterator[tuple[str, str, str]]:
    for name, each in findings.answer.by_dataset.items():
        p = f"; {p_is(each.p_equivalence)}" if math.isfinite(each.p_equivalence) else ""
        yield f"{dataset_name(name)}, ratio", number(exp(each.grid.estimate)), f"{short(each)}{p}"
        if each.assay is not None and each.assay.compared:
            depth = number(exp(each.assay.depth.estimate))
            yield f"{dataset_name(name)}, what depth does", depth, "deep sequential / one block"


def _words(findings: Findings) -> dict[str, Any]:
    """What the template knows."""
    return {
        "findings": findings,
        "question": findings.question,
        "controls": findings.controls,
        "states": findings.states,
        "reasons": reasons({place(at): at.found for at in findings.each(*LOSSES)}),
        "where": list(_where(findings)),
        "source": SOURCE,
        "look": max(at.found.look for at in findings.each(*LOSSES)),
        "budget": budget_words(findings),
        "sentence": sentence,
        "percent": percent,
        "rules": {"alpha": ALPHA, "nearly_all": NEARLY_ALL, "freedom": LEAST_FREEDOM, "seeds": LEAST_SEEDS},
    }


def _where(findings: Findings) -> Iterator[dict[str, Any]]:
    """By data set, how many strata by one factor are inside the margin or not, and what the ratio depends on."""
    strata, tests = (
        [row for row in of[PRIMARY] if row["factor_b"] is None] for of in (findings.strata, findings.heterogeneity)
    )
    for name in findings.answer.by_dataset if strata else ():
        verdicts = [row["verdict"] for row in strata if row["dataset"] == name]
        held, broken = (sum(verdict in group for verdict in verdicts) for group in (HELD, BROKEN))
        depends = [factor_name(row["factor_a"]) for row in tests if row["dataset"] == name and row["p_holm"] < ALPHA]
        yield {
            "dataset": dataset_name(name),
            "strata": len(verdicts),
            "held": held,
            "broken": broken,
            "undecided": len(verdicts) - held - broken,
            "depends": ", ".join(depends),
        }


def _headline(findings: Findings) -> dict[str, float]:
    numbers: dict[str, float] = {"control_failed": float(findings.controls.failed)}
    for at in findings.each(*findings.answers):
        name = f"{at.dataset}_{at.metric}"
        if at.loss:
            for end, value in zip(("ratio", "ratio_low", "ratio_high"), size(at.found), strict=True):
                numbers[f"{name}_{end}"] = value
            numbers[f"{name}_p_equivalence"] = at.found.p_equivalence
        else:
            numbers[f"{name}_difference"] = at.found.grid.estimate
    return numbers


def _numbers(findings: Findings) -> dict[str, Any]:
    """All numbers beside the tables; log ratios are natural logarithms of parallel over sequential."""
    return {
        "verdict": headline(findings.answer),
        "plain": findings.answer.plain,
        "question": findings.question,
        "controls": findings.controls,
        "answers": {metric: _answer(answer) for metric, answer in findings.answers.items()},
        "mixed": {
            name: {metric: _answer(answer) for metric, answer in by_metric.items()}
            for name, by_metric in findings.mixed.items()
        },
        "differences_from_the_paper": findings.differences_in_budget,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    """Assessments by data set, with the verdict in words, what it is from, and the intervals."""
    return {
        name: {
            **vars(each),
            "verdict": each.words,
            "p_equivalence": each.p_equivalence,
            "p_difference": each.p_difference,
            "interval": each.interval,
            "networks_interval": each.networks.interval(1 - 2 * each.alpha),
        }
        for name, each in answer.by_dataset.items()
    }
