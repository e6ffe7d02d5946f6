"""Error after deleting one block of a trained network, by block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.figures.axes import head, say_empty
from analysis.figures.series import key_above, looks, percent_axis
from analysis.figures.style import MUTED, WIDE, Floats, Look, styled

# More lines than this in a panel hide each other.
_LINES = 4
# Above this many blocks a line needs no marker at each.
_MARKED = 40


@dataclass(frozen=True)
class DeletedBlocks:
    """One network: its error whole, and after deleting each block, means over seeds with the lowest and highest.

    Errors are shares; arrays are of (blocks,), NaN where nothing was measured.
    """

    label: str
    error: float
    deleted: Floats
    lowest: Floats
    highest: Floats
    changes_shape: NDArray[np.bool_]


@styled()
def draw_deletion(networks: Sequence[DeletedBlocks], chance: float = 0.9) -> Figure:
    """A panel for networks of the same blocks, a line a network; dashed: the whole network's error."""
    panels = _panels(networks)
    rows = max(len(panels), 1)
    heights = [1.75 + 0.19 * len(panel) for panel in panels] or [1.75]
    figure = Figure(figsize=(WIDE, 0.95 + sum(heights)), layout="constrained")
    grid = figure.subplots(rows, 1, squeeze=False, height_ratios=heights)
    head(figure, "Error after deleting one block of the trained network")
    everything = [np.array([each.error]) for each in networks] + [each.highest for each in networks]
    for axes, panel in zip(grid.flat, panels, strict=False):
        percent_axis(axes, everything, chance)
        _draw_panel(axes, panel)
    grid[-1, 0].set_xlabel("block deleted (first to last)")
    if not panels:
        say_empty(grid[0, 0])
    _legend(figure)
    return figure


def _panels(networks: Sequence[DeletedBlocks]) -> list[list[tuple[DeletedBlocks, Look]]]:
    """Networks with the same blocks together, so many a panel, each with the look that its place gives it."""
    alike: dict[bytes, list[tuple[DeletedBlocks, Look]]] = {}
    for each, look in zip(networks, looks(len(networks)), strict=True):
        alike.setdefault(each.changes_shape.tobytes(), []).append((each, look))
    panels = [members[start : start + _LINES] for members in alike.values() for start in range(0, len(members), _LINES)]
    # Looks come again among many networks, but not within a panel.
    return [
        panel
        if len({look for _, look in panel}) == len(panel)
        else [(each, look) for (each, _), look in zip(panel, looks(_LINES), strict=False)]
        for panel in panels
    ]


def _draw_panel(axes: Axes, panel: Sequence[tuple[DeletedBlocks, Look]]) -> None:
    count = len(panel[0][0].deleted)
    for block in np.flatnonzero(panel[0][0].changes_shape):
        axes.axvspan(block - 0.3, block + 0.3, color="#ededed", lw=0, zorder=0)
    handles: list[Line2D] = []
    for each, look in panel:
        blocks = np.arange(count)
        marker = {"marker": look.marker, "ms": 4.5 if count <= _MARKED else 3, "mec": "white", "mew": 0.5}
        handles += axes.plot(
            blocks, 100 * each.deleted, color=look.color, ls=look.line, lw=1.2, zorder=3, clip_on=False, **marker
        )
        axes.fill_between(
            blocks, 100 * each.lowest, 100 * each.highest, facecolor=look.color, alpha=0.2, lw=0, zorder=2
        )
        axes.axhline(100 * each.error, color=look.color, ls=(0, (5, 3)), lw=0.8, zorder=1.5)
    axes.set_xlim(-0.6, max(count, 2) - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True, steps=[1, 2, 5, 10]))
    key_above(axes, handles, [f"{each.label}: {100 * each.error:.1f} % whole" for each, _ in panel])


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=MUTED, marker="o", ms=4.5, mec="white", lw=1.2, label="one block deleted"),
        Line2D([], [], color=MUTED, ls=(0, (5, 3)), lw=0.8, label="whole network"),
        Patch(facecolor="#ededed", label="block that changes the shape"),
        Patch(facecolor="#888888", alpha=0.35, label="lowest to highest seed"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, columnspacing=1.4)
