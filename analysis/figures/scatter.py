"""Parallel against sequential loss, one point per configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import drawable, head, log_axis, margin_key, margin_text, say_empty, span
from analysis.figures.style import BAND, FAINT, GROUPS, INK, SQUARE, Floats, styled
from analysis.figures.svg import tips_id

_FEW = 150
_VECTOR_POINTS = 1500
"""More points than this become an image inside the SVG."""


@dataclass(frozen=True)
class LossPairs:
    """One data set's matched configurations: the losses of both sides, each of (n,), seeds averaged.

    `tips` say what each is, where its point is pointed at. A loss that is NaN, infinite or not
    positive has no place on a log axis; such configurations are counted in words.
    """

    dataset: str
    sequential: Floats
    parallel: Floats
    tips: Sequence[str] = ()


@styled()
def draw_scatter(groups: Sequence[LossPairs], margin: float = 0.1, loss: str = "validation loss") -> Figure:
    """Both losses of each configuration on equal log axes, with the identity and the margin around it.

    `margin` is relative: 0.1 shades ratios from 1/1.1 to 1.1. `loss` is a cross-entropy, in nats.
    """
    figure = Figure(figsize=(SQUARE, SQUARE + 0.6), layout="constrained")
    axes = figure.subplots()
    head(figure, f"{loss.capitalize()} of parallel against sequential networks")
    sides = (side for group in groups for side in (group.sequential, group.parallel))
    everything = np.concatenate([np.empty(0), *sides])
    limits = span(everything, room=0.04)
    for which in ("x", "y"):
        log_axis(axes, which, limits)
    axes.set(box_aspect=1, xlabel=f"sequential: {loss} (nats)", ylabel=f"parallel: {loss} (nats)")
    _identity(figure, limits, margin)
    keys = [_draw_group(figure, group, index, margin) for index, group in enumerate(groups)]
    if not drawable(everything).any():
        say_empty(axes)
    identity: Any = (margin_key(margin), Line2D([], [], color=INK, lw=0.9))
    words = [*(str(key.get_label()) for key in keys), f"equal losses, with the {margin_text(margin)}"]
    figure.legend([*keys, identity], words, loc="outside lower left")
    return figure


def _identity(figure: Figure, limits: tuple[float, float], margin: float) -> None:
    axes = figure.axes[0]
    ends = np.array(limits)
    axes.fill_between(ends, ends / (1 + margin), ends * (1 + margin), color=BAND, lw=0, zorder=0)
    for factor in (1 / (1 + margin), 1 + margin):
        axes.plot(ends, ends * factor, color=FAINT, lw=0.7, ls=(0, (2, 2)), zorder=0.5)
    axes.plot(ends, ends, color=INK, lw=0.9, zorder=0.6)
    for place, text in (((0.03, 0.97), "sequential better"), ((0.97, 0.03), "parallel better")):
        side = ("left", "top") if place[0] < 0.5 else ("right", "bottom")
        axes.text(*place, text, transform=axes.transAxes, ha=side[0], va=side[1], style="italic")


def _draw_group(figure: Figure, group: LossPairs, index: int, margin: float) -> Line2D:
    look = GROUPS[index % len(GROUPS)]
    sides = group.sequential, group.parallel
    shown = drawable(*sides)
    x, y = (side[shown] for side in sides)
    size = {"ms": 4, "mew": 0.9} if len(x) <= _FEW else {"ms": 3, "mew": 0.6}
    style: dict[str, Any] = {"color": look.color, "marker": look.marker, "ls": "none", "mfc": "none", **size}
    tips = tips_id(list(compress(group.tips, shown)))
    figure.axes[0].plot(x, y, gid=tips, zorder=2, rasterized=len(sides[0]) > _VECTOR_POINTS, **style)
    inside = int(np.sum(np.abs(np.log(y / x)) <= np.log1p(margin)))
    text = f"{group.dataset}: {len(x)} configurations, {inside} inside the margin"
    if missing := int(np.sum(~shown)):
        text += f", {missing} more without a loss on both sides"
    return Line2D([], [], ls="none", marker=look.marker, color=look.color, mfc="none", label=text)
