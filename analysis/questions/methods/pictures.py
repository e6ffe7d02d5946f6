"""Figures of ways of training against each other."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from analysis.arms import Group as Arms
from analysis.arms import by_seconds
from analysis.equivalence.mean import Difference
from analysis.figures import render
from analysis.figures.forest import Group, Kind, Mark, Measure, Row, draw_forest
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import GREEN, PURPLE, Palette
from analysis.formats import DASH
from analysis.networks import PLAIN
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import ONE, WHOLE, Errors, Key, by_seed, sizes
from analysis.report.content import Picture
from analysis.report.words import points
from analysis.seeds import CONFIDENCE, over_seeds

_ERROR = Axis("error (%)")
_STEPS, _TIME = Kind("equal optimiser steps", GREEN, "o"), Kind("equal training time, interpolated", PURPLE, "D")


def draw_gains(steps: Sequence[Comparison], time: Sequence[Comparison]) -> Picture:
    """What every arm gains over what it is compared with."""
    shown: dict[str, dict[str, list[Mark]]] = {}
    for each in (*steps, *time):
        # Under its own heading, as a label of two lines has no room for what it is against.
        title = each.group.label if each.against.name == PLAIN else f"{each.group.label}, against {each.against.name}"
        marks = shown.setdefault(title, {}).setdefault(each.arm.name, [])
        marks.append(_mark(each.error, _STEPS if each.basis == "steps" else _TIME))
    measure = Measure("difference in error (percentage points)", "lower error", "higher error", "points [95 %], seeds")
    groups = [Group(title, [Row(*row) for row in rows.items()]) for title, rows in shown.items()]
    return Picture(
        "gains",
        render(draw_forest("What dropping blocks gains", groups, measure)),
        "Forest plot: difference in error between ways of training, paired by seed, with 95 % intervals.",
    )


def _mark(error: Difference, kind: Kind) -> Mark:
    found = error.interval(CONFIDENCE)
    text = f"{points(2)(found)}, {error.n}" if math.isfinite(error.estimate) else DASH
    return Mark(100 * found.value, 100 * found.low, 100 * found.high, kind, text)


def draw_by_time(families: Sequence[Sequence[Arms]], palette: Palette) -> Iterable[Picture]:
    """Error by seconds of training, where a family has several budgets."""
    panels: list[Panel] = []
    for ladder in families:
        if len(ladder) > 1:
            names = dict.fromkeys(name for group in ladder for name in group.arms)
            lines = [by_budget(ladder, name) for name in names]
            panels.append(Panel(ladder[0].family, Axis("seconds of training", "log"), _ERROR, lines))
    alt = "Validation error against seconds of training, one line per way of training, one point per budget of epochs."
    return _picture("error-by-time", "Error by training time", alt, panels, palette)


def by_budget(ladder: Sequence[Arms], name: str) -> Line:
    """An arm's errors by seconds. Where a longer training took less time, no line goes from one budget to the next."""
    rungs, rising = by_seconds(group.arms[name] for group in ladder if name in group.arms)
    return replace(_line(name, [(arm.seconds, arm.errors) for arm in rungs]), joined=rising)


def draw_lesions(families: Sequence[Sequence[Arms]], errors: Errors, palette: Palette) -> Iterable[Picture]:
    """Error by number of deleted blocks, of retrained networks."""
    panels = [
        Panel(group.label, Axis("blocks deleted", whole=True), _ERROR, lines)
        for group in chain.from_iterable(families)
        if group.trial["pretrain_epochs"] and group.compared and len(lines := lesion_lines(group, errors)) > 1
    ]
    alt = "Validation error against the number of deleted blocks, one line per way of retraining."
    return _picture("retrained-lesions", "Error after deleting blocks", alt, panels, palette)


def lesion_lines(group: Arms, errors: Errors) -> list[Line]:
    """The arms of a group that have lesions; of one deleted block the mean over all blocks, not over draws."""
    lines: list[Line] = []
    for arm in group.arms.values():
        deleted: dict[int, Key] = {0: WHOLE, 1: ONE} | {size: size for size in sizes(errors, [arm]) if size > 1}
        if found := [(size, each) for size, key in deleted.items() if (each := by_seed(errors, arm, key))]:
            lines.append(_line(arm.name, found))
    return lines


def _line(name: str, errors: Sequence[tuple[float, Mapping[int, float]]]) -> Line:
    """A line of mean errors in per cent, from shares by place of x and seed; the band spans the seeds."""
    seeds = sorted({seed for _, each in errors for seed in each})
    found = over_seeds([[100 * each.get(seed, np.nan) for _, each in errors] for seed in seeds])
    return Line(name, np.array([place for place, _ in errors], float), *found.band)


def _picture(name: str, title: str, alt: str, panels: Sequence[Panel], palette: Palette) -> Iterable[Picture]:
    if panels:
        drawn = draw_panels(title, in_rows(panels, 2), palette, band="lowest to highest seed")
        yield Picture(name, render(drawn), alt)
