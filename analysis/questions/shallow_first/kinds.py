"""Are the paths that matter shorter where blocks add channels than where they add values (P3)?"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.equivalence.mean import Difference
from analysis.questions.shallow_first.lengths import LengthCourse
from analysis.seeds import contrast
from sweep.parts import kind_of

_IMAGES = ("dataset", "train_samples", "image_size")
"""What two networks have to share to be compared."""


@dataclass(frozen=True)
class Pair:
    """Two networks on the same images, `adding` of a kind whose blocks add values, `joining` of one that adds channels.

    Differences are adding minus joining, over seeds of either: their draws are independent.
    """

    adding: LengthCourse
    joining: LengthCourse
    layers: Difference
    """Of the effective length in layers."""
    error: Difference


def pairs(networks: Sequence[LengthCourse]) -> list[Pair]:
    """Every pair of plainly trained sequential networks on the same images."""
    plain = [(each, kind.concatenates) for each in networks if each.judged and (kind := kind_of(each.trial))]
    return [
        Pair(
            adding,
            joining,
            contrast((adding.layers, joining.layers), (1, -1)),
            contrast((adding.error, joining.error), (1, -1)),
        )
        for joining, joins in plain
        for adding, other_joins in plain
        if joins and not other_joins and all(adding.trial[name] == joining.trial[name] for name in _IMAGES)
    ]
