"""The ratio of losses over depth and filters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.axes import head, say_empty
from analysis.figures.style import GRID, INK, MUTED, WIDE, Floats, styled

_COLUMNS = 2
# Light versions of the architectures' colours, on all of which black is read: the better one's.
_SHADES = ("#e88a50", "#f9d5bd", "white", "#c0dcef", "#57a5d6")
_COLORS = LinearSegmentedColormap.from_list("parallel to sequential", _SHADES)
_TICKS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2)


@dataclass(frozen=True)
class RatioGrid:
    """One data set's ratios, parallel over sequential loss, of (depths, filters); NaN where there is none."""

    dataset: str
    depths: Sequence[int] | Sequence[str]
    filters: Sequence[int] | Sequence[str]
    ratio: Floats


@styled()
def draw_heat_map(grids: Sequence[RatioGrid], margin: float = 0.1, loss: str = "validation loss") -> Figure:
    """A panel a data set, each cell with its number; cells beyond the margin are framed.

    Colours are symmetric in log, between half and twice the sequential loss at most.
    """
    columns = min(max(len(grids), 1), _COLUMNS)
    rows = -(-len(grids) // columns) or 1
    tallest = max([3, *(len(grid.depths) for grid in grids)])
    figure = Figure(
        figsize=(WIDE if columns > 1 else 0.6 * WIDE, 1.5 + rows * (0.7 + 0.4 * tallest)), layout="constrained"
    )
    head(figure, f"Ratio of {loss} by depth and filters")
    panels = figure.subplots(rows, columns, squeeze=False)
    norm = _norm(grids, margin)
    for index, axes in enumerate(panels.flat):
        if index >= len(grids):
            axes.set_axis_off()
            continue
        _draw_panel(axes, grids[index], norm, margin)
        if index % columns == 0:
            axes.set_ylabel("depth (residual blocks)")
    if not grids:
        say_empty(panels[0, 0])
    _color_bar(figure, panels, norm, margin, loss)
    return figure


def _norm(grids: Sequence[RatioGrid], margin: float) -> Normalize:
    """Colours for logarithms of ratios."""
    ratios = np.concatenate([np.empty(0), *(grid.ratio.ravel() for grid in grids)])
    known = ratios[np.isfinite(ratios) & (np.nan_to_num(ratios) > 0)]
    reach = max(float(np.abs(np.log(known)).max()) if len(known) else 0.0, 2 * float(np.log1p(margin)))
    reach = min(reach, float(np.log(2)))
    return Normalize(-reach, reach, clip=True)


def _draw_panel(axes: Axes, grid: RatioGrid, norm: Normalize, margin: float) -> None:
    axes.set_title(grid.dataset)
    axes.set_xlim(-0.5, max(len(grid.filters), 1) - 0.5)
    axes.set_ylim(-0.5, max(len(grid.depths), 1) - 0.5)
    axes.set_xticks(range(len(grid.filters)), [str(each) for each in grid.filters])
    axes.set_yticks(range(len(grid.depths)), [str(each) for each in grid.depths])
    axes.set_xlabel("filters (channels)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), ratio in np.ndenumerate(grid.ratio):
        _draw_cell(axes, row, column, float(ratio), norm, margin)


def _draw_cell(axes: Axes, row: int, column: int, ratio: float, norm: Normalize, margin: float) -> None:
    known = bool(np.isfinite(ratio)) and ratio > 0
    color = _COLORS(norm(np.log(ratio))) if known else "white"
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=color, edgecolor=GRID, lw=0.6))
    beyond = known and abs(np.log(ratio)) > np.log1p(margin)
    if beyond:
        axes.add_patch(Rectangle((column - 0.44, row - 0.43), 0.88, 0.86, fill=False, edgecolor=INK, lw=1.6, zorder=2))
    axes.text(
        column,
        row,
        f"{ratio:.2f}" if known else "\N{EN DASH}",
        ha="center",
        va="center_baseline",
        color=INK if known else MUTED,
        weight="bold" if beyond else "normal",
        zorder=3,
    )


def _color_bar(figure: Figure, panels: np.ndarray, norm: Normalize, margin: float, loss: str) -> None:
    bar = figure.colorbar(
        ScalarMappable(norm, _COLORS), ax=panels, location="bottom", fraction=0.04, aspect=45, shrink=0.8, extend="both"
    )
    assert norm.vmin is not None
    assert norm.vmax is not None
    ticks = [tick for tick in _TICKS if norm.vmin <= np.log(tick) <= norm.vmax]
    bar.set_ticks([float(np.log(tick)) for tick in ticks], labels=[f"{tick:g}" for tick in ticks])
    bar.outline.set_visible(False)
    bar.set_label(
        "← parallel better          sequential better →\n"
        f"parallel / sequential {loss} (ratio)\n"
        f"framed: beyond the margin of {100 * margin:g} % either way"
    )
