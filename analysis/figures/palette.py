"""One look per network or way of training, the same in every figure of a report."""

from collections.abc import Collection, Iterable

from analysis.figures.style import BLUE, GREEN, INK, LOOKS, MUTED, ORANGE, PURPLE, SKY, VERMILLION, Look

_COLORS, _MARKERS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK), ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":")
# The second time that a colour comes, it comes with the next marker, and so on.
_SERIES = [
    Look(color, _MARKERS[(place + again) % 7], _LINES[(place + again) % 4])
    for again in range(7)
    for place, color in enumerate(_COLORS)
]
_REFERENCES = {
    **LOOKS,
    **{f"{side}, published": Look(look.color, look.marker, ":") for side, look in LOOKS.items()},
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
        """The looks of labels that stand in one panel: each another, of another colour while there are enough.

        References keep theirs.
        """
        own = {label: self[label] for label in labels}
        chosen = {label: look for label, look in own.items() if label in _REFERENCES}
        for label in [each for each in own if each not in chosen]:
            chosen[label] = _free(own[label], list(chosen.values()), {look.color for look in own.values()})
        return {label: chosen[label] for label in own}


def _free(look: Look, taken: Collection[Look], wanted: Collection[str]) -> Look:
    """The look if its colour is free; else one whose colour is, better one that no other label wants."""
    colors = {each.color for each in taken}
    if look.color not in colors:
        return look
    other = sorted((each for each in _SERIES if each.color not in colors), key=lambda each: each.color in wanted)
    return next((each for each in (*other, look, *_SERIES) if each not in taken), look)
