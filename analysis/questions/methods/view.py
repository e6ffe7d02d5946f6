"""Training with dropped blocks as a reader sees it: droppath, its retraining (P5), and effective paths alone (P2)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, groupby

from analysis.arms import RESIDUAL, Arm, Group, arm_groups
from analysis.claims import Tone
from analysis.equivalence.mean import Estimate
from analysis.figures.style import Palette
from analysis.networks import PLAIN
from analysis.questions.equivalence.declared import declared
from analysis.questions.methods.claims import judge_claims
from analysis.questions.methods.comparison import Comparison, equal_steps, equal_time, gains
from analysis.questions.methods.lesions import lesion_errors, robustness
from analysis.questions.methods.pictures import draw_by_time, draw_gains, draw_lesions
from analysis.questions.methods.tables import comparison_tables, lesion_table
from analysis.report.content import Badge, Bar, Intervals, Lead, Part
from analysis.report.words import budget, clause, points
from analysis.results import Results
from analysis.seeds import CONFIDENCE, LEAST_SEEDS, LEVEL
from sweep.parts import METHODS

_MOST_BARS = 12
_DETAIL = (
    "Differences in error at equal optimiser steps, paired by seed; shown is what the 99 % interval says after "
    "Holm's correction over these comparisons."
)
_METHODS = {RESIDUAL: "residual droppath", "effective-paths": "training effective paths alone", "droppath": "droppath"}


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on ways of training; None where no trials of the study differ only in their method."""
    families = _families(_dropping(arm_groups(results, study)))
    if not families:
        return None
    groups = list(chain.from_iterable(families))
    question, errors = declared(results, study), lesion_errors(results, groups)
    steps = [each for group in groups for each in equal_steps(group, question.margins)]
    ladders = [family for family in families if len(family) > 1]
    time = [each for family in ladders for group in family for each in equal_time(group, family, question.margins)]
    lesioned = robustness(groups, errors)
    main, claims = _main(steps), judge_claims(steps)
    found = gains(main)
    better, worse = found.count(1), found.count(-1)
    verdict = _verdict(main, len(found), better, worse)
    tone: Tone = "warning" if worse else "good" if better else "info"
    few = sum(each.log_loss.n < LEAST_SEEDS for each in steps)
    rows = [row for group in groups if group.compared for arm in group.arms.values() for row in arm.rows.values()]
    warnings = {
        "margins declared after results": question.declared_at and not question.declared_before,
        "few seeds": few == len(steps),
    }
    return Part(
        name="droppath",
        title="Does training with dropped blocks gain anything?",
        subtitle="Ways of training the same networks",
        lead=Lead(verdict, f"{_DETAIL} {budget(rows)}", tone, _intervals(main, question.margins.ratio)),
        verdict=clause(verdict),
        template="methods/page.html",
        words={
            "ended": list(dict.fromkeys(f"{each.group.label}: {each.ended}" for each in steps if each.ended)),
            "few": few,
            "least": LEAST_SEEDS,
            "timed": bool(time),
            "single": [family[0].family for family in families if len(family) == 1],
            "lesioned": bool(lesioned),
        },
        tables=[*comparison_tables(steps, time), *([lesion_table(lesioned)] if lesioned else [])],
        pictures=[
            draw_gains(steps, time),
            *draw_by_time(families, palette),
            *(draw_lesions(families, errors, palette) if lesioned else []),
        ],
        claims=claims,
        numbers={"question": question},
        headline={"droppath_comparisons": len(found), "droppath_better": better, "droppath_worse": worse},
        badges=[Badge(text, "warning") for text, shown in warnings.items() if shown],
        trials=sum(len(arm.rows) for group in groups for arm in group.arms.values()),
    )


def _dropping(groups: Sequence[Group]) -> list[Group]:
    """The groups with the arms alone that are trained plainly, drop blocks, or have a method of the user's own."""

    def asked(arm: Arm) -> bool:
        method = METHODS.get(arm.method)
        return arm.method == PLAIN or ":" in arm.method or method is None or method.needs_skips

    kept = (replace(group, arms={name: arm for name, arm in group.arms.items() if asked(arm)}) for group in groups)
    return [group for group in kept if group.arms]


def _families(groups: Sequence[Group]) -> list[list[Group]]:
    """The groups by family, but only families with something to compare."""
    every = [list(those) for _, those in groupby(groups, key=lambda group: group.family)]
    return [family for family in every if any(group.compared for group in family)]


def _main(steps: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons that the answer is about: of one method, with plain training where there is any."""
    known = [each for each in steps if each.against.name == PLAIN] or steps
    method = min((each.arm.method for each in known), key=lambda name: [*_METHODS, name].index(name))
    return [each for each in known if each.arm.method == method]


def _verdict(main: Sequence[Comparison], count: int, better: int, worse: int) -> str:
    """The answer: of `count` comparisons, `better` show a lower error, and `worse` a higher one."""
    method = main[0].arm.method
    named = _METHODS.get(method, method)
    against = "plain training" if main[0].against.name == PLAIN else "droppath"
    number, every = _points(main), f"{count} comparison{'s' if count > 1 else ''}"
    if not count:
        given = f", estimates alone ({number})" if number else ""
        return f"Not decided{given}: {named} was compared with {against} on fewer than {LEAST_SEEDS} seeds."
    if better:
        sure = "Yes" if better == count else "In part"
        also = f", and a higher one in {worse}" if worse else ""
        return f"{sure} ({number}): {named} has a lower error than {against} in {better} of {every}{also}."
    if worse:
        sure = "No" if worse == count else "Not shown"
        return f"{sure} ({number}): {named} has a higher error than {against} in {worse} of {every}."
    return f"Not decided: no difference in error between {named} and {against} is shown ({number}, {every})."


def _points(main: Sequence[Comparison]) -> str:
    """The difference in error, or the least and greatest of several; empty where there are none."""
    known = [each.error for each in main if math.isfinite(each.error.estimate)]
    if len(known) < 2:
        return "".join(f"{points(2)(each.interval(CONFIDENCE))} points" for each in known)
    ends = (order(each.estimate for each in known) for order in (min, max))
    return f"{' to '.join(map(points(2), ends))} points"


def _intervals(main: Sequence[Comparison], margin: float) -> Intervals | None:
    known = [each for each in main if each.log_loss.n > 1]
    shown = known[:_MOST_BARS]
    if not shown:
        return None
    several = len({each.group.label for each in main}) > 1
    to_plain = all(each.against.name == PLAIN for each in shown)
    bars = [
        Bar(
            f"{each.arm.name}{'' if to_plain else f' against {each.against.name}'}"
            f"{f', {each.group.label}' if several else ''}",
            Estimate(*(math.exp(min(end, 700)) for end in each.log_loss.interval(1 - LEVEL))),
        )
        for each in shown
    ]
    other = f"{PLAIN} training" if to_plain else "what each is compared with"
    which = f", of the first {len(shown)} of {len(known)} comparisons" if len(shown) < len(known) else ""
    return Intervals(
        bars,
        margin,
        f"Ratio of validation losses to {other} at equal steps, with its 99 % interval over seeds{which}; shaded: the "
        "equivalence margin.",
        below="dropped blocks better" if to_plain else "first better",
        above=f"{PLAIN} better" if to_plain else "other better",
    )
