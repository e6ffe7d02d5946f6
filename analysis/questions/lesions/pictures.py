"""The figures of lesions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.figures import render
from analysis.figures.palette import Palette
from analysis.figures.panels import Axis, Line, Panel, draw_panels
from analysis.formats import percent
from analysis.questions.lesions.summary import LesionedNetwork, Lesions
from analysis.report.content import Picture
from sweep.measures.lesions import DELETE_SOME, REORDER

# More lines than these hide each other: in a panel of single deletions, and in one of several.
_LINES, _SEVERAL = 4, 6
_ERROR = Axis("error, %", "percent")


def pictures(lesions: Lesions, palette: Palette) -> list[Picture]:
    """Single deletions, and lesions of several blocks where there are any."""
    networks = lesions.networks
    drawn = [
        Picture(
            "deletion",
            render(draw_deletion(networks, palette)),
            "Error after deleting each block of trained networks, a line a network, with the whole network's error.",
            "Nothing is trained after the deletion. Blocks are numbered from the first; means over seeds.",
        )
    ]
    several = [each for each in networks if each.by_size]
    if several:
        caption = (
            "Means over seeds of the quartiles over a network's random draws. Right: draws of one number of swaps are "
            "one point, at their mean tau; only blocks of one shape are swapped."
        )
        alt = "Error by number of random blocks deleted, and by Kendall's tau of reordered blocks."
        drawn.append(Picture("lesion-sizes", render(draw_sizes(several, palette)), alt, caption))
    return drawn


def draw_deletion(networks: Sequence[LesionedNetwork], palette: Palette) -> Figure:
    """A panel for networks with the same blocks, a line a network; dashed: the whole network's error."""
    alike: dict[bytes, list[LesionedNetwork]] = {}
    for each in networks:
        alike.setdefault(each.changes_shape.tobytes(), []).append(each)
    rows = [[_deleted(some)] for members in alike.values() for some in _groups(members, _LINES)]
    return draw_panels(
        "Error after deleting one block of the trained network",
        rows,
        palette,
        band="lowest to highest seed",
        level="whole network",
        notes={"shaded": "block that changes the shape"},
        keys="row",
        names={each.label: f"{each.label}: {percent(_whole(each))} whole" for each in networks},
    )


def _groups(networks: Sequence[LesionedNetwork], most: int) -> list[Sequence[LesionedNetwork]]:
    return [networks[start : start + most] for start in range(0, len(networks), most)]


def _deleted(networks: Sequence[LesionedNetwork]) -> Panel:
    first = networks[0]
    blocks = np.arange(first.blocks, dtype=float)
    return Panel(
        f"{first.blocks} blocks",
        Axis("block deleted (first to last)", whole=True),
        _ERROR,
        [
            Line(
                each.label,
                blocks,
                100 * each.deleted.mean,
                100 * each.deleted.lowest,
                100 * each.deleted.highest,
            )
            for each in networks
        ],
        levels={each.label: 100 * _whole(each) for each in networks},
        shaded=np.flatnonzero(first.changes_shape).tolist(),
        chance=100 * first.chance,
    )


def draw_sizes(networks: Sequence[LesionedNetwork], palette: Palette) -> Figure:
    """Deletions left, reorderings right, a line a network in both, which begins at the whole network."""
    left = Axis("blocks deleted", whole=True)
    right = Axis("Kendall's tau of the blocks' order (1: untouched)", falling=True)
    return draw_panels(
        "Error after lesions of several random blocks",
        [
            [_several(some, left, DELETE_SOME, 0.0), _several(some, right, REORDER, 1.0)]
            for some in _groups(networks, _SEVERAL)
        ],
        palette,
        band="half of the draws (quartiles); lines are medians",
        keys="row",
    )


def _several(networks: Sequence[LesionedNetwork], axis: Axis, lesion: str, untouched: float) -> Panel:
    lines: list[Line] = []
    for each in networks:
        if (by := each.by_size.get(lesion)) is not None:
            at = by.tau if lesion == REORDER else by.size.astype(float)
            order = np.argsort(abs(at - untouched))[: np.isfinite(at).sum()]
            median, low, high = (100 * np.append(_whole(each), part[order]) for part in (by.median, by.low, by.high))
            lines.append(Line(each.label, np.append(untouched, at[order]), median, low, high))
    return Panel("", axis, _ERROR, lines, chance=100 * networks[0].chance, empty="not measured")


def _whole(network: LesionedNetwork) -> float:
    return float(network.quantities["error"].mean)
