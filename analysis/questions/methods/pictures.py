"""Figures of ways of training against each other."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from analysis import figures as fig
from analysis.arms import PLAIN, Group
from analysis.equivalence import Difference as Tested
from analysis.figures.gains import Difference, GainGroup, GainRow, draw_gains
from analysis.figures.methods import MethodLine, MethodPanel, draw_by_lesion, draw_by_time
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import Errors, lesion_curves
from analysis.seeds import OverSeeds, over_seeds

_SEEDS = "Means over seeds; bands run from the lowest to the highest seed."


def draw(
    families: Sequence[Sequence[Group]], steps: Sequence[Comparison], time: Sequence[Comparison], errors: Errors
) -> dict[str, Picture]:
    """Every figure that there are numbers for, by name; a family's groups differ in nothing but epochs."""
    drawn = [_gains(steps, time), _by_time(families), _lesions(families, errors)]
    return {picture.name: picture for picture in drawn if picture is not None}


def _gains(steps: Sequence[Comparison], time: Sequence[Comparison]) -> Picture:
    at_time = {(each.group, each.arm, each.against): _difference(each.error) for each in time}
    shown: dict[str, list[GainRow]] = {}
    for each in steps:
        time_row = at_time.get((each.group, each.arm, each.against))
        against = "" if each.against == PLAIN else each.against
        shown.setdefault(each.group, []).append(GainRow(each.arm, _difference(each.error), time_row, against))
    return Picture(
        "gains",
        fig.render(draw_gains([GainGroup(title, rows) for title, rows in shown.items()])),
        "Forest plot: difference in error between ways of training, paired by seed, with 95 % intervals.",
        "Mean difference in validation error from plain training, or from what is named, with its 95 % interval over "
        "seeds. At equal time the other arm is interpolated between its budgets.",
    )


def _difference(error: Tested) -> Difference:
    return Difference(100 * error.estimate, 100 * error.interval.low, 100 * error.interval.high, error.n)


def _by_time(families: Sequence[Sequence[Group]]) -> Picture | None:
    panels: list[MethodPanel] = []
    for ladder in families:
        if len(ladder) > 1:
            names = dict.fromkeys(name for group in ladder for name in group.arms)
            panels.append(MethodPanel(ladder[0].family, [_ladder_line(ladder, name) for name in names]))
    if not panels:
        return None
    return Picture(
        "error-by-time",
        fig.render(draw_by_time(panels)),
        "Validation error against seconds of training, a line a way of training, a point a budget of epochs.",
        f"Each point is a training of its own, whole under its own schedule. {_SEEDS}",
    )


def _ladder_line(ladder: Sequence[Group], name: str) -> MethodLine:
    arms = sorted((group.arms[name] for group in ladder if name in group.arms), key=lambda arm: arm.seconds)
    arms = [arm for arm in arms if arm.finished]
    spread = [over_seeds([100 * error for error in arm.errors.values()]) for arm in arms]
    middle, low, high = (
        np.array([float(getattr(each, end)) for each in spread]) for end in ("mean", "lowest", "highest")
    )
    return MethodLine(name, np.array([arm.seconds for arm in arms]), (middle, low, high))


def _lesions(families: Sequence[Sequence[Group]], errors: Errors) -> Picture | None:
    panels = [
        MethodPanel(
            group.label, [MethodLine(each.arm, np.array(each.deleted, float), _band(each.error)) for each in curves]
        )
        for group in chain.from_iterable(families)
        if group.pretrain_epochs and group.compared and len(curves := lesion_curves(group, errors)) > 1
    ]
    if not panels:
        return None
    return Picture(
        "retrained-lesions",
        fig.render(draw_by_lesion(panels)),
        "Validation error against the number of deleted blocks, a line a way of retraining.",
        f"Of one block the mean over all blocks, of more the mean over random draws. {_SEEDS}",
    )


def _band(error: OverSeeds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return 100 * error.mean, 100 * error.lowest, 100 * error.highest
