"""The figures of lesions: findings turned into what `analysis.figures` draws."""

import numpy as np

from analysis import figures as fig
from analysis.lesions import Lesion, LesionedNetwork, Lesions
from analysis.report.pictures import Picture


def chance(network: LesionedNetwork) -> float:
    """The error of who guesses."""
    return 1 - 1 / network.trial["classes"]


def draw(lesions: Lesions) -> dict[str, Picture]:
    """Every figure that there are numbers for, by name."""
    level = max(chance(network) for network in lesions.networks)
    pictures = [
        Picture(
            "deletion",
            fig.render(fig.draw_deletion([_deleted(network) for network in lesions.networks], level)),
            "Error after deleting each block of trained networks, a line a network, with the whole network's error.",
            "Nothing is trained after the deletion. Blocks are numbered from the first; means over seeds.",
        )
    ]
    sides = [_random(lesions, lesion) for lesion in ("delete-some", "reorder")]
    if any(sides):
        pictures.append(
            Picture(
                "lesion-sizes",
                fig.render(fig.draw_by_size(sides[0], sides[1], level)),
                "Error by number of random blocks deleted, and by Kendall's tau of reordered blocks.",
                "Means over seeds of the quartiles over a network's random draws. Right: draws of one number of swaps "
                "are one point, at their mean tau; only blocks of one shape are swapped.",
            )
        )
    return {picture.name: picture for picture in pictures}


def _deleted(network: LesionedNetwork) -> fig.DeletedBlocks:
    whole, deleted = float(network.quantities["error"].mean), network.deleted
    return fig.DeletedBlocks(network.label, whole, deleted.mean, deleted.lowest, deleted.highest, network.changes_shape)


def _random(lesions: Lesions, lesion: Lesion) -> list[fig.RandomLesions]:
    found: list[fig.RandomLesions] = []
    for network in lesions.networks:
        sizes = network.by_size.get(lesion)
        if sizes is not None:
            at = sizes.tau if lesion == "reorder" else sizes.size.astype(float)
            shown = np.isfinite(at)
            arrays = (part[shown] for part in (at, sizes.low, sizes.median, sizes.high))
            found.append(fig.RandomLesions(network.label, float(network.quantities["error"].mean), *arrays))
    return found
