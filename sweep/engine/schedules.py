"""Schedules of the learning rate."""

import math
from collections.abc import Callable

_RISE = 0.3
_FIRST, _LAST = 1 / 25, 1 / 250_000


def _multistep(done: float) -> float:
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


def _onecycle(done: float) -> float:
    if done < _RISE:
        return _cosine(_FIRST, 1.0, done / _RISE)
    return _cosine(1.0, _LAST, (done - _RISE) / (1 - _RISE))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: _cosine(1.0, 0.0, done),
    "multistep": _multistep,
    "onecycle": _onecycle,
}
"""Name to a function from the share of steps done to the number that multiplies the learning rate.

`multistep` is a tenth from half of the steps and a hundredth from three quarters (1512.03385, section 4.2); `onecycle`
rises from 1/25 over the first 30 % and falls to 1/250000 along cosines (torch's OneCycleLR at its defaults).
"""
