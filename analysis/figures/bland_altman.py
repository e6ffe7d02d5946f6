"""Agreement of the two architectures: ratio against size of the loss (Bland and Altman, 1986), in logarithms."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import drawable, head, log_axis, margin_band, margin_key, points, ratio_axis, say_empty, span
from analysis.figures.scatter import LossPairs
from analysis.figures.style import GROUPS, INK, WIDE, Floats, styled


@styled()
def draw_bland_altman(groups: Sequence[LossPairs], margin: float = 0.1, loss: str = "validation loss") -> Figure:
    """A panel a data set: each configuration's ratio of losses against their geometric mean.

    Lines are the bias, the geometric mean of the ratios, and the limits of agreement, 1.96 standard deviations of the
    log ratio either way.
    """
    figure = Figure(figsize=(WIDE, 3.9), layout="constrained")
    grid = figure.subplots(1, max(len(groups), 1), squeeze=False, sharey=True)
    head(figure, f"Agreement in {loss} between parallel and sequential networks")
    kept = [drawable(group.sequential, group.parallel) for group in groups]
    ratios = [group.parallel[keep] / group.sequential[keep] for group, keep in zip(groups, kept, strict=True)]
    limits = _limits(ratios, margin)
    for index, (group, keep, ratio) in enumerate(zip(groups, kept, ratios, strict=True)):
        mean = np.sqrt(group.parallel[keep] * group.sequential[keep])
        _draw_panel(grid[0, index], index, mean, ratio, limits, margin)
        grid[0, index].set_title(_title(group.dataset, ratio))
        grid[0, index].set_xlabel(f"geometric mean of both sides' {loss} (nats)")
    grid[0, 0].set_ylabel("parallel / sequential (ratio)")
    if not groups:
        say_empty(grid[0, 0])
    figure.legend(
        handles=[
            Line2D([], [], color=INK, lw=1.6, ls="--", label="bias"),
            Line2D([], [], color=INK, lw=1.2, ls=":", label="limits of agreement"),
            margin_key(margin),
        ],
        loc="outside lower left",
        ncols=3,
    )
    return figure


def _agreement(ratio: Floats) -> tuple[float, float, float]:
    """Bias and limits of agreement of ratios, of (n,); NaN below two."""
    logs = np.log(ratio)
    if len(logs) < 2:
        return float("nan"), float("nan"), float("nan")
    reach = 1.96 * float(np.std(logs, ddof=1))
    center = float(np.mean(logs))
    return float(np.exp(center)), float(np.exp(center - reach)), float(np.exp(center + reach))


def _limits(ratios: Sequence[Floats], margin: float) -> tuple[float, float]:
    ends = [np.array([1 / (1 + margin), 1 + margin]), *ratios, *(np.array(_agreement(ratio)) for ratio in ratios)]
    return span(np.concatenate(ends))


def _title(dataset: str, ratio: Floats) -> str:
    if len(ratio) < 2:
        return f"{dataset}\n"
    bias, low, high = _agreement(ratio)
    return f"{dataset}: bias {bias:.2f},\nlimits of agreement {low:.2f} to {high:.2f}"


def _draw_panel(
    axes: Axes, index: int, mean: Floats, ratio: Floats, limits: tuple[float, float], margin: float
) -> None:
    log_axis(axes, "x", span(mean), most=6)
    ratio_axis(axes, "y", limits)
    margin_band(axes, "y", margin)
    points(axes, mean, ratio, GROUPS[index % len(GROUPS)], ms=3.4, mew=0.7)
    if len(ratio) < 2:
        say_empty(axes, "fewer than two configurations")
        return
    for value, style in zip(_agreement(ratio), ("--", ":", ":"), strict=True):
        axes.axhline(value, color=INK, lw=1.6 if style == "--" else 1.2, ls=style, zorder=3)
