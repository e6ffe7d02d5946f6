"""What the losses' variance comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.figures.axes import head, say_empty
from analysis.figures.style import FAINT, INK, VERMILLION, WIDE, styled

Kind = Literal["architecture", "factor", "interaction", "seed"]


@dataclass(frozen=True)
class VarianceShare:
    """One source's share of the variance of log loss, 0 to 1; NaN where it is not known."""

    source: str
    kind: Kind
    share: float


@dataclass(frozen=True)
class VarianceShares:
    """One data set's shares, in the order to be drawn."""

    dataset: str
    shares: Sequence[VarianceShare]


# Colour, hatch, words.
_KINDS: dict[Kind, tuple[str, str, str]] = {
    "architecture": (VERMILLION, "", "architecture, alone and with other factors"),
    "factor": ("#b4b4b4", "", "another factor"),
    "interaction": ("white", "////", "interaction of other factors"),
    "seed": ("white", "", "seed"),
}


@styled()
def draw_variance(groups: Sequence[VarianceShares], loss: str = "validation loss") -> Figure:
    """A bar a source, a panel a data set: its share of the variance of log loss."""
    sources = list(dict.fromkeys(share.source for group in groups for share in group.shares))
    figure = Figure(figsize=(WIDE, 1.45 + 0.24 * max(len(sources), 2)), layout="constrained")
    grid = figure.subplots(1, max(len(groups), 1), squeeze=False, sharey=True)
    head(figure, f"Share of the variance of log {loss} by source")
    reach = max([0.01, *(share.share for group in groups for share in group.shares if np.isfinite(share.share))])
    for axes, group in zip(grid.flat, groups, strict=False):
        _draw_panel(axes, group, sources, reach)
    if not sources:
        say_empty(grid[0, 0])
    there = {share.kind for group in groups for share in group.shares}
    figure.legend(
        handles=[
            Patch(facecolor=color, hatch=hatch, edgecolor=INK, lw=0.6, label=words)
            for kind, (color, hatch, words) in _KINDS.items()
            if kind in there
        ],
        loc="outside lower left",
        ncols=4,
        columnspacing=1.4,
    )
    return figure


def _draw_panel(axes: Axes, group: VarianceShares, sources: Sequence[str], reach: float) -> None:
    for share in group.shares:
        place = sources.index(share.source)
        color, hatch, _ = _KINDS[share.kind]
        value = max(share.share, 0.0) if np.isfinite(share.share) else 0.0
        axes.barh(place, value, height=0.68, color=color, hatch=hatch, edgecolor=INK, lw=0.6)
        axes.annotate(
            _percent(share.share),
            (value, place),
            (4, 0),
            textcoords="offset points",
            va="center_baseline",
            weight="bold" if share.kind == "architecture" else "normal",
        )
    axes.set_yticks(range(len(sources)), sources)
    axes.set_ylim(len(sources) - 0.4, -0.6)
    # Room for the numbers.
    axes.set_xlim(0, 1.28 * reach)
    ticks = [tick for tick in axes.get_xticks() if tick <= reach]
    axes.set_xticks(ticks, [f"{100 * tick:.3g}" for tick in ticks])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(FAINT)
    axes.set_title(group.dataset)
    axes.set_xlabel("share of variance (%)")


def _percent(share: float) -> str:
    if not np.isfinite(share):
        return "\N{EN DASH}"
    percent = 100 * share
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if not percent:
        return "0 %"
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.095 else f"{percent:.2f} %"
