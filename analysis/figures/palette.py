"""One look per network or way of training, the same in every figure of a report."""

from collections.abc import Iterable

from analysis.figures.style import BLUE, GREEN, INK, LOOKS, MUTED, ORANGE, PURPLE, SKY, VERMILLION, Look

_SERIES = (
    Look(BLUE, "o", "-"),
    Look(VERMILLION, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(PURPLE, "D", ":"),
    Look(ORANGE, "v", "-"),
    Look(SKY, "P", "--"),
    Look(INK, "X", "-."),
)
_REFERENCES = {
    **LOOKS,
    "plain": Look(INK, "o", "-"),
    "before training": Look(MUTED, "D", ":"),
    "seconds": Look(INK, "D", "-"),
    "FLOPs": Look(MUTED, "X", ":"),
}
"""What others are compared with, by name, the two architectures, and their ratios of costs."""


class Palette:
    """Gives each label its look when it is first asked for, and that look again from then on."""

    def __init__(self) -> None:
        self._looks: dict[str, Look] = {}

    def __getitem__(self, label: str) -> Look:
        if label in _REFERENCES:
            return _REFERENCES[label]
        return self._looks.setdefault(label, _SERIES[len(self._looks) % len(_SERIES)])

    def apart(self, labels: Iterable[str]) -> dict[str, Look]:
        """The looks of labels that stand in one panel, each another while there are enough."""
        chosen: dict[str, Look] = {}
        for label in labels:
            look = self[label]
            free = [each for each in _SERIES if each not in chosen.values()]
            chosen[label] = free[0] if look in chosen.values() and free else look
        return chosen
