"""How alike the states of a network are, as heat maps."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import head, say_empty
from analysis.figures.style import BLUE, FAINT, WIDE, Floats, styled

_COLUMNS = 4
# Inches.
_WIDEST = 2.7
# One hue, ever darker: the order is seen without colours.
_SHADES = ("#ffffff", "#cfe3f1", "#7fb6d9", BLUE, "#00324f")
_COLORS = LinearSegmentedColormap.from_list("similarity", _SHADES).with_extremes(bad="#d9d9d9")


@dataclass(frozen=True)
class SimilarityPanel:
    """CKA of all pairs of states, (states, states), NaN where it is not defined."""

    title: str
    cka: Floats


@styled()
def draw_similarity(panels: Sequence[SimilarityPanel], network: str = "") -> Figure:
    """A heat map a panel, both axes states from the input on; cells without a value are grey."""
    columns = min(max(len(panels), 1), _COLUMNS)
    rows = -(-len(panels) // columns) or 1
    side = min(WIDE / columns, _WIDEST)
    titles = [_wrapped(panel.title, columns) for panel in panels]
    lines = max((title.count("\n") for title in titles), default=0) + 1
    height = 0.95 + rows * (side + 0.05 + 0.15 * lines)
    figure = Figure(figsize=(max(columns * side, 0.6 * WIDE), height), layout="constrained")
    head(figure, f"Similarity of states{', ' if network else ''}{network}")
    grid = figure.subplots(rows, columns, squeeze=False)
    image = None
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        image = _draw_panel(axes, titles[place], panels[place].cka)
        if place % columns == 0:
            axes.set_ylabel("state")
    if image is None:
        say_empty(grid[0, 0], "no data")
        return figure
    bar = figure.colorbar(image, ax=grid, location="bottom", fraction=0.05, aspect=45, shrink=0.7)
    bar.outline.set_edgecolor(FAINT)
    bar.outline.set_linewidth(0.5)
    bar.set_label("CKA (1: equal up to rotation and scale; grey: not defined)")
    return figure


def _wrapped(title: str, columns: int) -> str:
    """A title on as many lines as its panel's width asks for."""
    width = 25 if columns > 2 else 38
    lines = [textwrap.wrap(line, width, break_on_hyphens=False) for line in title.splitlines()]
    return "\n".join(part for line in lines for part in line)


def _draw_panel(axes: Axes, title: str, cka: Floats) -> AxesImage:
    axes.set_title(title)
    axes.set_xlabel("state")
    shown = np.ma.masked_invalid(cka)
    image = axes.imshow(shown, cmap=_COLORS, norm=Normalize(0, 1, clip=True), origin="lower", interpolation="nearest")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    axes.spines[:].set_visible(False)
    return image
