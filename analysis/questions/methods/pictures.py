"""Figures of ways of training against each other."""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np

from analysis.arms import PLAIN
from analysis.arms import Group as Arms
from analysis.equivalence import Difference
from analysis.figures import render
from analysis.figures.forest import Group, Kind, Mark, Measure, Row, draw_forest
from analysis.figures.palette import Palette
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import GREEN, PURPLE
from analysis.formats import DASH
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import Errors, lesion_curves
from analysis.report.content import Picture
from analysis.report.words import points
from analysis.seeds import Estimate, over_seeds

_SEEDS = "Means over seeds; bands run from the lowest to the highest seed."
_BAND = "lowest to highest seed"
_ERROR = Axis("error (%)")
_STEPS, _TIME = Kind("equal optimiser steps", GREEN, "o"), Kind("equal training time, interpolated", PURPLE, "D")


def draw_gains(steps: Sequence[Comparison], time: Sequence[Comparison]) -> Picture:
    """What every arm gains over what it is compared with."""
    at_time = {(each.group.label, each.arm.name, each.against.name): each.error for each in time}
    shown: dict[str, list[Row]] = {}
    for each in steps:
        name = each.group.label, each.arm.name, each.against.name
        marks = [_mark(each.error, _STEPS), *([_mark(at_time[name], _TIME)] if name in at_time else [])]
        # Under its own heading, as a label of two lines has no room for what it is against.
        title = each.group.label if each.against.name == PLAIN else f"{each.group.label}, against {each.against.name}"
        shown.setdefault(title, []).append(Row(each.arm.name, marks))
    measure = Measure("difference in error (percentage points)", "lower error", "higher error", "points [95 %], seeds")
    groups = [Group(title, rows) for title, rows in shown.items()]
    return Picture(
        "gains",
        render(draw_forest("What dropping blocks gains", groups, measure)),
        "Forest plot: difference in error between ways of training, paired by seed, with 95 % intervals.",
        "Mean difference in validation error from plain training, or from what is named, with its 95 % interval over "
        "seeds. At equal time the other arm is interpolated between its budgets.",
    )


def _mark(error: Difference, kind: Kind) -> Mark:
    text = f"{points(2)(Estimate.of(error))}, {error.n}" if math.isfinite(error.estimate) else DASH
    return Mark(100 * error.estimate, 100 * error.interval.low, 100 * error.interval.high, kind, text)


def draw_by_time(families: Sequence[Sequence[Arms]], palette: Palette) -> list[Picture]:
    """Error by seconds of training, where a family has several budgets."""
    axis = Axis("seconds of training", "log")
    panels: list[Panel] = []
    for ladder in families:
        if len(ladder) > 1:
            names = dict.fromkeys(name for group in ladder for name in group.arms)
            panels.append(Panel(ladder[0].family, axis, _ERROR, [_by_budget(ladder, name) for name in names]))
    return _picture(
        "error-by-time",
        "Error by training time",
        panels,
        palette,
        "Validation error against seconds of training, a line a way of training, a point a budget of epochs.",
        f"Each point is a training of its own, whole under its own schedule. {_SEEDS}",
    )


def _by_budget(ladder: Sequence[Arms], name: str) -> Line:
    arms = [group.arms[name] for group in ladder if name in group.arms and group.arms[name].finished]
    arms.sort(key=lambda arm: arm.seconds)
    found = [over_seeds([100 * error for error in arm.errors.values()]) for arm in arms]
    mean, low, high = (np.array([float(getattr(of, end)) for of in found]) for end in ("mean", "lowest", "highest"))
    return Line(name, np.array([arm.seconds for arm in arms]), mean, low, high)


def draw_lesions(families: Sequence[Sequence[Arms]], errors: Errors, palette: Palette) -> list[Picture]:
    """Error by number of deleted blocks, of retrained networks."""
    panels = [
        Panel(
            group.label,
            Axis("blocks deleted", whole=True),
            _ERROR,
            [
                Line(each.arm, np.array(each.deleted, float), 100 * of.mean, 100 * of.lowest, 100 * of.highest)
                for each in curves
                for of in (each.error,)
            ],
        )
        for group in chain.from_iterable(families)
        if group.pretrain_epochs and group.compared and len(curves := lesion_curves(group, errors)) > 1
    ]
    return _picture(
        "retrained-lesions",
        "Error after deleting blocks",
        panels,
        palette,
        "Validation error against the number of deleted blocks, a line a way of retraining.",
        f"Of one block the mean over all blocks, of more the mean over random draws. {_SEEDS}",
    )


def _picture(name: str, title: str, panels: Sequence[Panel], palette: Palette, alt: str, caption: str) -> list[Picture]:
    if not panels:
        return []
    return [Picture(name, render(draw_panels(title, in_rows(panels, 2), palette, band=_BAND)), alt, caption)]
