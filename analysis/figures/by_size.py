"""Error after deleting or swapping several random blocks, by how much was done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import head, say_empty
from analysis.figures.series import SERIES, legend_columns, looks, percent_axis
from analysis.figures.style import WIDE, Floats, Look, styled


@dataclass(frozen=True)
class RandomLesions:
    """One network's errors over random draws by what was done to it, arrays of (sizes,); errors are shares.

    `at` is the number of blocks deleted, or Kendall's tau of the new order; its error whole is `error`.
    """

    label: str
    error: float
    at: Floats
    low: Floats
    median: Floats
    high: Floats


@styled()
def draw_by_size(deleted: Sequence[RandomLesions], reordered: Sequence[RandomLesions], chance: float = 0.9) -> Figure:
    """Deletions left, reorderings right, a line a network in both; more than six networks take more rows."""
    labels = list(dict.fromkeys(each.label for each in (*deleted, *reordered)))
    rows = [labels[start : start + len(SERIES)] for start in range(0, len(labels), len(SERIES))] or [[]]
    heights = [2.75 + 0.19 * -(-len(row) // legend_columns(row)) for row in rows]
    figure = Figure(figsize=(WIDE, 0.75 + sum(heights)), layout="constrained")
    head(figure, "Error after lesions of several random blocks")
    parts = list(figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights).flat)
    everything = [np.append(each.high, each.error) for each in (*deleted, *reordered)]
    for part, row in zip(parts, rows, strict=True):
        axes = part.subplots(1, 2, sharey=True)
        style = dict(zip(row, looks(len(row)), strict=True))
        percent_axis(axes[0], everything, chance)
        _draw(axes[0], [each for each in deleted if each.label in style], style, whole=0.0)
        percent_axis(axes[1], everything, chance)
        _draw(axes[1], [each for each in reordered if each.label in style], style, whole=1.0)
        axes[0].set_xlabel("blocks deleted")
        axes[0].xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        axes[1].set(xlabel="Kendall's tau of the blocks' order (1: untouched)", ylabel="")
        axes[1].invert_xaxis()
        handles = [
            Line2D([], [], color=look.color, ls=look.line, marker=look.marker, ms=4.5, mec="white", label=label)
            for label, look in style.items()
        ]
        part.legend(handles=handles, loc="outside upper left", ncols=legend_columns(row), handlelength=2.4)
    band = Patch(facecolor="#888888", alpha=0.35, label="half of the draws (quartiles); lines are medians")
    parts[-1].legend(handles=[band], loc="outside lower left")
    return figure


def _draw(axes: Axes, lesions: Sequence[RandomLesions], style: dict[str, Look], whole: float) -> None:
    """Lines that begin at the whole network, which stands at `whole`."""
    for each in lesions:
        look = style[each.label]
        order = np.argsort(abs(each.at - whole))
        at = np.append(whole, each.at[order])
        low, median, high = (100 * np.append(each.error, part[order]) for part in (each.low, each.median, each.high))
        axes.fill_between(at, low, high, facecolor=look.color, alpha=0.17, lw=0, zorder=2)
        axes.plot(at, median, color=look.color, ls=look.line, marker=look.marker, ms=4, mec="white", mew=0.5, zorder=3)
    if not lesions:
        say_empty(axes, "not measured")
