"""The figures of trainings by epoch."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.arrays import Array
from analysis.figures import render
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.path_lengths import LEAST_LENGTHS
from analysis.questions.shallow_first.learning import Learning
from analysis.questions.shallow_first.lengths import LengthCourse
from analysis.questions.shallow_first.order import SHARE
from analysis.questions.shallow_first.summary import Findings
from analysis.questions.shallow_first.terms import Terms
from analysis.report.content import Picture
from analysis.seeds import over_seeds

# More lines or panels than these hide each other, or the rest of the page.
_LINES, _MAPS, _PANELS = 5, 9, 8
FLOOR = -50.0
"""Shares that a figure draws no lower, in per cent."""
_BANDS = "left: 95 % interval over seeds; right: effective band"
_EPOCH = Axis("epoch", whole=True)
_KEPT = Axis("blocks kept", whole=True)


def pictures(findings: Findings, palette: Palette) -> list[Picture]:
    """The figures of what was measured."""
    made: list[Picture] = []
    if findings.learning:
        made.append(_learning(findings.learning.networks, palette))
    if findings.lengths:
        made += [_lengths(findings.lengths.networks, palette), _carried(findings.lengths.networks)]
    if findings.terms and (able := [each for each in findings.terms.networks if each.expands]):
        made.append(_terms(able, palette))
    return made


def _learning(networks: Sequence[Learning], palette: Palette) -> Picture:
    return Picture(
        "subnetworks-by-epoch",
        render(draw_learning(networks, palette)),
        "The epoch at which subnetworks have learned by the number of blocks that they keep, one line per network, and "
        "their accuracy at a few epochs.",
        f"A subnetwork has learned when its gain over guessing first reaches {100 * SHARE:.0f} % of its last one. "
        "Blocks are kept at random; means over draws, then over seeds.",
    )


def draw_learning(networks: Sequence[Learning], palette: Palette) -> Figure:
    """When each size has learned, a line for each network, and each network's accuracy by size at three epochs."""
    known = [each for each in networks if each.ends] or networks[:1]
    panels = [_learned(some) for some in in_rows(known, _LINES)]
    panels += [_accuracy(each) for each in known[:_PANELS]]
    title = "When subnetworks learn, and how well they do"
    return draw_panels(title, in_rows(panels, 2), palette, band="lowest to highest seed", keys="row")


def _learned(networks: Sequence[Learning]) -> Panel:
    lines = [Line(each.label, each.size, *each.over_seeds.band) for each in networks]
    return Panel("When they have learned", _KEPT, Axis("epoch"), lines, empty="none has learned")


def _accuracy(each: Learning) -> Panel:
    found = over_seeds(each.accuracy)
    places = sorted({0, len(each.epoch) // 2, len(each.epoch) - 1})
    lines = [Line(_at(each.epoch[place]), each.size, *(100 * found.band[:, :, place])) for place in places]
    levels = {"": 100 * (1 - each.chance)} if np.isfinite(each.chance) else {}
    return Panel(each.label, _KEPT, Axis("accuracy (%)"), lines, levels)


def _at(epoch: float) -> str:
    return f"epoch {epoch:.0f}" if epoch else "before training"


def _lengths(networks: Sequence[LengthCourse], palette: Palette) -> Picture:
    return Picture(
        "lengths-by-epoch",
        render(draw_lengths(networks, palette)),
        "Effective length of paths by epoch, and the lengths that carry 90 % of the gradient, one line per network.",
        "Epoch 0 is before training. Left: means over seeds with their 95 % t interval, as far as there are paths. "
        "Right: the central lengths that carry 90 % of the gradient, around the same means.",
    )


def draw_lengths(networks: Sequence[LengthCourse], palette: Palette) -> Figure:
    """A row for a few networks: with the interval, and with the band."""
    rows = [_course(some) for some in in_rows(networks, _LINES)]
    return draw_panels("Lengths of paths over the training", rows, palette, band=_BANDS, keys="row")


def _course(networks: Sequence[LengthCourse]) -> list[Panel]:
    found = [(each, each.over_epochs) for each in networks]
    # No path is shorter than the shortest, whatever an interval of few seeds says.
    ends = [np.clip((mean.low, mean.high), *each.length[[0, -1]]) for each, mean in found]
    sure = [Line(each.label, each.epoch, mean.mean, *end) for (each, mean), end in zip(found, ends, strict=True)]
    band = [Line(each.label, each.epoch, mean.mean, *each.band.T) for each, mean in found]
    return [
        Panel("Effective length, 95 % interval", _EPOCH, Axis("length (blocks)"), sure),
        Panel("Effective band, 90 % of the gradient", _EPOCH, Axis("length (blocks)"), band),
    ]


def _carried(networks: Sequence[LengthCourse]) -> Picture:
    # Paths of two lengths share a gradient between them, which would make the shades of all others pale.
    long = [each for each in networks if len(each.length) >= LEAST_LENGTHS]
    left = " Networks with two lengths of paths are left out." if 0 < len(long) < len(networks) else ""
    networks = long or networks
    more = f" The first {_MAPS} of {len(networks)} networks." if len(networks) > _MAPS else ""
    return Picture(
        "path-contributions",
        render(draw_carried(networks)),
        "Heat maps of the share of the gradient that paths of each length carry, by epoch, one panel per network.",
        f"The number of paths of a length times the gradient along one; means over seeds.{left}{more}",
    )


def draw_carried(networks: Sequence[LengthCourse]) -> Figure:
    """A panel for each of the first networks."""
    maps = [
        HeatMap(
            each.label, each.contribution.T, "epoch", "path length (blocks)", _whole(each.epoch), _whole(each.length)
        )
        for each in networks[:_MAPS]
    ]
    most = float(np.nanmax([np.nanmax(each.values) for each in maps]))
    label = "share of the gradient (grey: not measured)"
    return draw_heat_maps("What paths of each length carry", maps, Shades(label, most=most))


def _whole(values: Array) -> list[str]:
    return [f"{value:.0f}" for value in values]


def _terms(networks: Sequence[Terms], palette: Palette) -> Picture:
    more = f" The first {_PANELS} of {len(networks)} networks." if len(networks) > _PANELS else ""
    return Picture(
        "orders-by-epoch",
        render(draw_terms(networks, palette)),
        "Share of what the network has learned that its terms up to each order explain, by epoch, one line per order.",
        "The order is the number of sequential stages that are left of the network at that epoch. Means over seeds; "
        f"shares below {FLOOR:.0f} % are drawn there.{more}",
    )


def draw_terms(networks: Sequence[Terms], palette: Palette) -> Figure:
    """A panel for each network, a line for each order below the whole."""
    panels = [_shares(each) for each in networks[:_PANELS]]
    title = "What terms of low order explain"
    return draw_panels(title, in_rows(panels, 2), palette, band="lowest to highest seed", level="whole network")


def _shares(each: Terms) -> Panel:
    band = np.maximum(100 * each.over_seeds.band, FLOOR)
    lines = [
        Line(f"order {order:.0f}", each.epoch, *band[:, place]) for place, order in enumerate(each.order.tolist()[:-1])
    ]
    return Panel(each.label, _EPOCH, Axis("share of what is learned (%)"), lines, {"": 100.0})
