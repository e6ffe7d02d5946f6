"""Two ways of training one network, paired by a few seeds: how often t tests say what is not so.

Arms differ in the mean by nothing, or by exactly the margin. Their log losses have noise of different spread and shape;
errors, shares of images, rise with it on the logistic scale. Besides Student's t at 5 % and with Hall's transformation,
as in `analysis.equivalence.design`, the rule of `analysis.questions.methods.comparison` is counted: 99 % t intervals,
which are to keep 5 %.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from analysis.seeds import LEVEL
from benchmarks.simulation.generator import Array, heavy, normal

SEEDS = (3, 4, 5, 8)
NOMINAL, EDGE = 0.05, math.log(1.1)
_SEED = 2027
_SPREADS = (0.01, 0.03, 0.1)
"""SDs of the log ratio, from far below the margin to as wide as it."""
LIMITS = {
    "lognormal, three times the spread": (
        8,
        "an arm that is far wider and far more skewed than the other shows neither",
    ),
    "rare mishaps against normal": (5, "what befalls one seed in ten is often not seen at all among so few"),
}
"""From how many seeds on the rule may be off, and why. Each was declared after it was seen in this simulation."""


def lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Lognormal with SD 1 of the logarithm, of mean 0 and variance 1: skewness 6.2."""
    return (rng.lognormal(0, 1, shape) - math.exp(0.5)) / math.sqrt(math.expm1(1) * math.e)


def mishaps(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, and in one of ten seeds higher by ten SDs, of mean 0."""
    return rng.normal(size=shape) + 10 * (rng.random(shape) < 0.1) - 1


Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]
ARMS: dict[str, tuple[Noise, float, Noise, float]] = {
    "normal": (normal, 1, normal, 1),
    "heavy tails": (heavy, 1, heavy, 1),
    "lognormal": (lognormal, 1, lognormal, 1),
    "normal, three times the spread": (normal, 3, normal, 1),
    "heavy tails against normal": (heavy, 1, normal, 1),
    "lognormal against normal": (lognormal, 1, normal, 1),
    "normal against lognormal": (normal, 1, lognormal, 1),
    "lognormal, three times the spread": (lognormal, 3, lognormal, 1),
    "rare mishaps against normal": (mishaps, 1, normal, 1),
}
"""Noise and spread of either arm."""


@dataclass(frozen=True)
class FewSeeds:
    """Many experiments of two arms with so many paired seeds."""

    arms: str
    seeds: int
    draws: int

    def __call__(self) -> list[dict]:
        """A row for each rate."""
        rng = np.random.default_rng([_SEED, zlib.crc32(f"{self.arms} {self.seeds}".encode())])
        first, one, second, other = ARMS[self.arms]
        shape, size = (self.draws, self.seeds), math.hypot(one, other)
        noise = one * first(rng, shape) / size, other * second(rng, shape) / size
        ratio = noise[0] - noise[1]
        # Wide enough for the mean of errors, which has no closed form.
        many = (1_000_000,)
        shift = _errors(one * first(rng, many) / size).mean() - _errors(other * second(rng, many) / size).mean()
        error = _errors(noise[0]) - _errors(noise[1]) - shift
        edges = [spread * ratio + edge for spread in _SPREADS for edge in (EDGE, -EDGE)]
        rates: dict[str, float] = {}
        for test, of, level in (
            ("Student's t at 5 %", student, NOMINAL),
            ("Student's t and Hall's at 5 %", hall, NOMINAL),
            ("the rule", student, LEVEL),
        ):
            # TOST at 5 % has one tail of 5 %; under the rule one interval decides all.
            tail = level if level == NOMINAL else level / 2
            rates[f"equivalent at an edge, {test}"] = max((_inside(values, of) < tail).mean() for values in edges)
            for name, values in (("log loss", ratio), ("error", error)):
                rates[f"different in {name} at truth 0, {test}"] = (2 * _either(values, of) < level).mean()
        return [self._row(measure, rate) for measure, rate in rates.items()]

    def _row(self, measure: str, rate: float) -> dict:
        row = {"kind": "few seeds", "scenario": self.arms, "configurations": 1, "seeds": self.seeds}
        deviation = math.sqrt(max(rate * (1 - rate), 1 / self.draws) / self.draws)
        row |= {"measure": measure, "rate": round(rate, 5), "draws": self.draws, "standard_error": round(deviation, 5)}
        if not measure.endswith("the rule"):
            return row
        off = rate > NOMINAL + 3 * math.sqrt(NOMINAL * (1 - NOMINAL) / self.draws)
        least, reason = LIMITS.get(self.arms, (math.inf, ""))
        limit = {"limit": reason} if off and self.seeds >= least else {}
        return row | {"nominal": NOMINAL, "off": bool(off)} | limit


def _errors(noise: Array) -> Array:
    """Shares of images wrong: around a tenth, with an SD of a point where noise is normal."""
    return 1 / (1 + np.exp(2.2 - 0.1 * noise))


Tail = Callable[[Array, float, float], Array]
"""One-sided p of each row of values, (draws, seeds), that their mean times a sign is not below a bound's."""


def student(values: Array, bound: float, sign: float) -> Array:
    """Student's t."""
    return stdtr(values.shape[1] - 1, _t(values, bound, sign))


def hall(values: Array, bound: float, sign: float) -> Array:
    """The larger of Student's and of Hall's transformation of it (1992, eq. 3.2), as `design.Mean` has it."""
    n, t = values.shape[1], _t(values, bound, sign)
    residual = values - values.mean(axis=1, keepdims=True)
    third = (residual**3).sum(axis=1) / ((n - 1) * (n - 2)) / n
    skew = sign * third / (values.std(axis=1, ddof=1) / math.sqrt(n)) ** 3
    return stdtr(n - 1, np.maximum(t, t + skew / 3 * t**2 + skew**2 / 27 * t**3 + skew / 6))


def _t(values: Array, bound: float, sign: float) -> Array:
    error = values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    return sign * (values.mean(axis=1) - bound) / error


def _inside(values: Array, of: Tail) -> Array:
    return np.maximum(of(values, EDGE, 1.0), of(values, -EDGE, -1.0))


def _either(values: Array, of: Tail) -> Array:
    return np.minimum(of(values, 0.0, 1.0), of(values, 0.0, -1.0))
