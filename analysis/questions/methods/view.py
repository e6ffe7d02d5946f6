"""The part on training with dropped blocks: droppath, its retraining (P5), and effective paths alone (P2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby

import pyarrow as pa

from analysis.arms import PLAIN, RESIDUAL, Group, arm_groups
from analysis.equivalence import Verdict
from analysis.questions.equivalence.assessment import ALPHA
from analysis.questions.equivalence.declared import Declared, declared
from analysis.questions.equivalence.paper import Claim, Outcome
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.methods.comparison import LEAST_SEEDS, Comparison, Gain, equal_steps, equal_time, gain
from analysis.questions.methods.lesions import Errors, Robustness, lesion_errors, robustness
from analysis.questions.methods.pictures import draw
from analysis.questions.methods.tables import PUBLISHED, lesion_table, steps_table, time_table
from analysis.report.document import Badge, Block, Callout, IntervalBar, Intervals, Lead, Prose, Section, Tone
from analysis.report.part import Part
from analysis.report.parts.budget import budget
from analysis.report.parts.claims import claim_blocks, outcome
from analysis.report.parts.estimates import difference
from analysis.report.words import figure
from analysis.results import Results

NAME = "droppath"
SOURCE = (
    "Park, ResidualDroppath: Enhancing Feature Reuse over Residual Connections (arXiv 2411.09475, 2024); "
    "Veit, Wilber, Belongie (arXiv 1605.06431, 2016) on training effective paths alone; "
    "Huang et al., Deep Networks with Stochastic Depth (arXiv 1603.09382, 2016)"
)
_MOST_BARS = 12
_STEPS = (
    "Every method takes one optimiser step a mini-batch, both kinds of iteration of residual droppath included, so "
    "equal epochs are equal steps. Arms are paired by seed: the same initial weights and the same batches."
)
_TIME = (
    "A step costs methods different time. So that time is equal, the other arm's error and log loss are read off at "
    "the seconds of the first: each budget of epochs is a training of its own, whole under its own schedule, and "
    "between two budgets both are *assumed* to change in a straight line with the log of seconds. Seconds are medians "
    "over seeds on one device, of a network trained with others its share of their time, and without what is measured "
    "afterwards; outside the budgets nothing is said."
)


@dataclass(frozen=True)
class _Found:
    """Everything compared in a study."""

    families: Sequence[Sequence[Group]]
    declared: Declared
    steps: Sequence[Comparison]
    time: Sequence[Comparison]
    lesions: Errors
    robustness: Sequence[Robustness]

    @property
    def compared(self) -> list[Group]:
        """The groups that have a comparison of their own."""
        return [group for group in chain.from_iterable(self.families) if group.compared]


def make(results: Results, study: str) -> Part | None:
    """The part on the ways of training of a study, or None where none differ in their method alone."""
    families = _families(arm_groups(results, study))
    if not families:
        return None
    found = _find(results, study, families)
    claims = _claims(found)
    pictures = draw(families, found.steps, found.time, found.lesions)
    return Part(
        name=NAME,
        title="What training with dropped blocks gains",
        lead=_lead(found),
        verdict=_sentence(found),
        sections=[_section(found, claims, pictures), *_lesions(found, pictures)],
        pictures=pictures,
        numbers={"margins": found.declared, "claims": claims, "retrained_lesions": found.robustness},
        tables={"training_methods": _table([*found.steps, *found.time])},
        headline=_headline(found),
        badges=_badges(found),
        trials=sum(len(arm.rows) for group in chain.from_iterable(families) for arm in group.arms.values()),
    )


def _families(groups: Sequence[Group]) -> list[list[Group]]:
    """The groups by family, without families that compare nothing."""
    every = [list(those) for _, those in groupby(groups, key=lambda group: group.family)]
    return [family for family in every if any(group.compared for group in family)]


def _find(results: Results, study: str, families: Sequence[Sequence[Group]]) -> _Found:
    margins = declared(results, study)
    groups = list(chain.from_iterable(families))
    errors = lesion_errors(results, groups)
    return _Found(
        families=families,
        declared=margins,
        steps=[each for group in groups for each in equal_steps(group, margins.margins)],
        time=[
            each
            for family in families
            if len(family) > 1
            for group in family
            for each in equal_time(group, family, margins.margins)
        ],
        lesions=errors,
        robustness=[each for group in groups for each in robustness(group, errors)],
    )


def _main(found: _Found) -> tuple[str, list[Comparison]]:
    """The method that the answer is on, in words, and its comparisons with plain training at equal steps."""
    named = {RESIDUAL: "Residual droppath", "effective-paths": "Training effective paths alone", "droppath": "Droppath"}
    for method, words in named.items():
        those = [each for each in found.steps if each.method == method and each.against == PLAIN]
        if those:
            return words, those
    return "Residual droppath", [each for each in found.steps if each.method == RESIDUAL]


def _sentence(found: _Found) -> str:
    """What Holm's correction over the comparisons of the main method lets stand."""
    words, those = _main(found)
    against = "plain training" if those[0].against == PLAIN else "droppath"
    counted = gain(those)
    if not counted.comparisons:
        return f"Not decided: {words.lower()} was compared with {against} on too few seeds."
    if counted.better and not counted.worse:
        return f"{words} has a lower error than {against} in {_of(counted.better, counted)}."
    if counted.worse and not counted.better:
        return f"{words} has a higher error than {against} in {_of(counted.worse, counted)}."
    if counted.better:
        return (
            f"{words} has a lower error than {against} in {counted.better} of {counted.comparisons} comparisons, and a "
            f"higher one in {counted.worse}."
        )
    return f"Undecided: no difference in error between {words.lower()} and {against} is shown."


def _of(count: int, counted: Gain) -> str:
    return f"{count} of {counted.comparisons} comparison{'s' if counted.comparisons > 1 else ''}"


def _lead(found: _Found) -> Lead:
    _, those = _main(found)
    counted = gain(those)
    kind: Tone = "info"
    if counted.better or counted.worse:
        kind = "good" if not counted.worse else "warning"
    rows = [row for group in found.compared for arm in group.arms.values() for row in arm.rows.values()]
    return Lead(
        verdict=_sentence(found),
        detail=f"At equal optimiser steps, paired by seed, tests of the error at 5 % after Holm's correction over "
        f"these comparisons. {budget(rows)}",
        kind=kind,
        intervals=_intervals(those, found.declared),
    )


def _intervals(comparisons: Sequence[Comparison], margins: Declared) -> Intervals | None:
    known = [each for each in comparisons if each.tost.n > 1]
    shown = known[:_MOST_BARS]
    if not shown:
        return None
    margin = 1 + margins.margins.ratio
    several = len({each.group for each in comparisons}) > 1
    to_plain = all(each.against == PLAIN for each in shown)
    bars = [
        IntervalBar(
            math.exp(each.tost.estimate),
            math.exp(each.tost.interval.low),
            math.exp(each.tost.interval.high),
            1 / margin,
            margin,
            f"{each.arm}{'' if to_plain else f' against {each.against}'}{f', {each.group}' if several else ''}",
        )
        for each in shown
    ]
    other = f"{PLAIN} training" if to_plain else "what each is compared with"
    which = f", of the first {len(shown)} of {len(known)} comparisons" if len(shown) < len(known) else ""
    return Intervals(
        bars,
        f"Ratio of validation losses to {other} at equal steps, with its 90 % interval over seeds{which}; shaded: the "
        "equivalence margin.",
        below="dropped blocks better" if to_plain else "first better",
        above=f"{PLAIN} better" if to_plain else "other better",
    )


def _claims(found: _Found) -> list[Claim]:
    claims: list[Claim] = []
    residual = [each for each in found.steps if each.method == RESIDUAL]
    if residual:
        claims.append(_residual(residual))
    effective = [each for each in found.steps if each.method == "effective-paths" and each.against == PLAIN]
    if effective:
        claims.append(_effective(effective))
    droppath = [each for each in found.steps if each.method == "droppath"]
    if droppath:
        claims.append(_droppath(droppath))
    return claims


def _droppath(droppath: Sequence[Comparison]) -> Claim:
    counted = gain(droppath)
    every = bool(counted.comparisons)
    found = outcome([counted.better == counted.comparisons and every], [counted.worse == counted.comparisons and every])
    if found is Outcome.OPEN and counted.better:
        found = Outcome.IN_PART
    because = f"the error is lower in {counted.better}, higher in {counted.worse} of {counted.comparisons} comparisons"
    return Claim("Dropping blocks at random in training lowers the error (Huang et al.).", found, because)


def _residual(residual: Sequence[Comparison]) -> Claim:
    """P5 claims gains in certain cases, so one that is shown suffices, against both plain training and droppath."""
    sides = {
        "plain training": gain([each for each in residual if each.against == PLAIN]),
        "droppath of the same rates": gain([each for each in residual if each.against != PLAIN]),
    }
    compared = {name: each for name, each in sides.items() if each.comparisons}
    better = [each.better > 0 for each in compared.values()]
    found = Outcome.OPEN
    if len(compared) == len(sides) and all(better):
        found = Outcome.HOLDS
    elif any(better):
        found = Outcome.IN_PART
    elif any(each.worse == each.comparisons for each in compared.values()):
        found = Outcome.CONTRADICTED
    because = "; ".join(
        f"against {name} the error is lower in {each.better}, higher in {each.worse} of {each.comparisons} comparisons"
        for name, each in compared.items()
    )
    return Claim(
        "Residual droppath does better in certain cases of image classification (Park).",
        found,
        because or "there are too few seeds to compare",
    )


def _effective(effective: Sequence[Comparison]) -> Claim:
    """The published figure is an error, but margins are of losses: these decide, unless a higher error is shown."""
    near = [each.verdict not in (Verdict.UNDECIDED, Verdict.SECOND_BETTER) for each in effective]
    kept = [inside and not _shown_worse(each) for inside, each in zip(near, effective, strict=True)]
    lost = [each.verdict is Verdict.SECOND_BETTER for each in effective]
    found = outcome(kept, lost)
    if found is Outcome.OPEN and any(near):
        found = Outcome.IN_PART
    because = "; ".join(
        f"{each.arm}, {each.group}: difference in error {difference(each.error)} points, {_in_words(each)} in "
        "validation loss"
        for each in effective
    )
    return Claim(
        "Training paths of the effective length alone loses nothing (Veit et al.: 5.96 against 6.10 % error, "
        "second-hand).",
        found,
        because,
    )


def _shown_worse(each: Comparison) -> bool:
    """Whether the first arm has the higher loss, if by little, or the higher error."""
    higher_loss = each.verdict is Verdict.DIFFERENT_INSIDE and each.tost.estimate > 0
    return higher_loss or (each.error.p < ALPHA and each.error.estimate > 0)


def _in_words(each: Comparison) -> str:
    if each.verdict is not Verdict.DIFFERENT_INSIDE:
        return each.words
    return f"slightly {'worse' if each.tost.estimate > 0 else 'better'}, within the margin,"


def _section(found: _Found, claims: Sequence[Claim], pictures: dict[str, Picture]) -> Section:
    blocks: list[Block] = [Prose(f"Sources: {SOURCE}.")]
    blocks += claim_blocks(claims)
    blocks += [Prose(_STEPS), *figure(pictures["gains"]), steps_table(found.steps)]
    blocks += _remarks(found.steps)
    blocks += [Prose(_TIME), *figure(pictures.get("error-by-time"))]
    if found.time:
        blocks.append(time_table(found.time))
        single = [family[0].family for family in found.families if len(family) == 1]
        if single:
            blocks.append(Prose(f"Not compared at equal time, with one budget each: {'; '.join(single)}."))
    else:
        blocks.append(Callout("info", "There is one budget of epochs alone, so nothing is compared at equal time."))
    blocks.append(Prose(PUBLISHED))
    return Section("training-methods", "Training with dropped blocks", blocks)


def _remarks(comparisons: Sequence[Comparison]) -> list[Block]:
    blocks: list[Block] = []
    ended = dict.fromkeys(f"{each.group}: {each.ended}" for each in comparisons if each.ended)
    if ended:
        listed = "; ".join(ended)
        blocks.append(Callout("warning", f"Seeds without a figure limit every verdict that they belong to. {listed}."))
    few = [each for each in comparisons if each.tost.n < LEAST_SEEDS]
    if few:
        blocks.append(Callout("info", f"{len(few)} comparisons have fewer than {LEAST_SEEDS} seeds, and no verdict."))
    return blocks


def _lesions(found: _Found, pictures: dict[str, Picture]) -> list[Section]:
    if not found.robustness:
        return []
    blocks: list[Block] = [
        Prose(
            "Networks that were trained plainly first and then retrained, against the same networks trained on plainly "
            "for as many epochs, so that retraining is not credited with what more training does. Blocks are deleted "
            "from the trained network, the skip stays."
        ),
        *figure(pictures.get("retrained-lesions")),
        lesion_table(found.robustness),
    ]
    return [Section("retrained-lesions", "Robustness of retrained networks", blocks)]


def _badges(found: _Found) -> list[Badge]:
    shown: list[Badge] = []
    if found.declared.declared_at and not found.declared.before:
        shown.append(Badge("margins declared after results", "warning"))
    if all(each.tost.n < LEAST_SEEDS for each in found.steps):
        shown.append(Badge("few seeds", "warning"))
    return shown


def _headline(found: _Found) -> dict[str, float]:
    _, those = _main(found)
    counted = gain(those)
    values = {
        "droppath_comparisons": counted.comparisons,
        "droppath_better": counted.better,
        "droppath_worse": counted.worse,
    }
    return {name: float(value) for name, value in values.items()}


def _table(comparisons: Sequence[Comparison]) -> pa.Table:
    """A row a comparison; differences in error as shares, losses as log ratios."""
    plain = ("group", "epochs", "pretrain_epochs", "arm", "against", "basis", "mean_error", "against_error")
    names = (*plain, "seconds", "against_seconds", "lacking", "ended", "note")
    return pa.Table.from_pylist(
        [
            {
                **{name: getattr(each, name) for name in names},
                "seeds": each.error.n,
                "error_difference": each.error.estimate,
                "error_low": each.error.interval.low,
                "error_high": each.error.interval.high,
                "error_p": each.error.p,
                "log_loss_ratio": each.log_loss.estimate,
                "log_loss_low": each.log_loss.interval.low,
                "log_loss_high": each.log_loss.interval.high,
                "log_loss_p": each.log_loss.p,
                "equivalence_p": each.tost.p,
                "verdict": each.words,
            }
            for each in comparisons
        ]
    )
