"""Losses of matched pairs whose mean log ratio is known.

The log loss of a network is the level of its configuration, plus the effect of the arrangement there, plus noise. The
effect differs between configurations, by interactions of the arrangement with the factors. Noise is each arm's own, in
part shared by the arms, and where seeds are crossed in part shared by all configurations.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

import numpy as np

Array = np.ndarray
Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]
"""Draws of mean 0 and variance 1, of a given shape."""

CHANCE = math.log(10)
"""The loss of guessing among ten classes: what a diverged network counts with."""
LEVELS = {24: (2, 3, 2, 2), 48: (4, 3, 2, 2), 192: (4, 4, 4, 3)}
"""Levels of depth, filters, kernel size and activation in a grid of so many configurations."""
_SKEW = 0.75
_FURTHEST = 25.0


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal."""
    return rng.normal(size=shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Student's t on three degrees of freedom, cut at 25 so that its exponential has a mean."""
    return np.clip(rng.standard_t(3, shape) / math.sqrt(3), -_FURTHEST, _FURTHEST)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Lognormal with SD 0.75 of the logarithm: skewness 3.3."""
    square = _SKEW**2
    return (rng.lognormal(0, _SKEW, shape) - math.exp(square / 2)) / math.sqrt(math.expm1(square) * math.exp(square))


@dataclass(frozen=True)
class Grid:
    """Configurations deeper than one block, and the families of one block that they are compared with.

    `factors` has shape (configurations, 4), numbers of levels; `family` is each configuration's place in `families`.
    """

    factors: Array
    families: Array
    family: Array

    @property
    def hidden(self) -> Array:
        """1 or -1 by the levels of two factors, in equal numbers over every level of either: neither shows it alone."""
        return 1.0 - 2.0 * ((self.factors[:, 0] + self.factors[:, 2]) % 2)

    def interactions(self) -> Array:
        """Fixed effects of all factors and all pairs of them, of mean 0 and variance 1."""
        return _standard(self.factors, 7)

    def levels(self) -> tuple[Array, Array]:
        """Fixed levels of log losses, of configurations and of families, of mean 0 and variance 1 over the first."""
        of_family = _standard(self.families, 11)
        return of_family[self.family], of_family


@cache
def grid(configurations: int) -> Grid:
    """The grid of so many configurations."""
    factors = np.array(list(product(*map(range, LEVELS[configurations]))))
    families, family = np.unique(factors[:, 1:], axis=0, return_inverse=True)
    return Grid(factors, families, family.reshape(-1))


def _standard(factors: Array, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    effect = np.zeros(len(factors))
    columns = range(factors.shape[1])
    for first, second in product(columns, columns):
        if first <= second:
            effect += rng.normal(size=(9, 9))[factors[:, first], factors[:, second]]
    effect -= effect.mean()
    return effect / effect.std()


Pattern = Literal["none", "fixed", "random", "hidden"]


@dataclass(frozen=True)
class Scenario:
    """How losses are drawn. SDs are of log losses; configurations cycle through `scales` and `seeds`.

    `effect` says where effects of configurations come from and `spread` how large they are. `common` is noise that both
    arms share and `joint` noise of the log ratio itself. `shift_of_seed` is what a crossed seed adds to the log ratio
    of all configurations; `nested_instead` judges crossed seeds as if they were nested. `diverged` and `failed` are
    shares of parallel networks; those that diverge are all in every `unstable_every`-th configuration.
    """

    noise: Noise = normal
    arms: tuple[float, float] = (0.04, 0.04)
    common: float = 0.0
    joint: float = 0.0
    joint_noise: Noise = skewed
    scales: tuple[float, ...] = (1.0,)
    effect: Pattern = "fixed"
    spread: float = 0.03
    effect_noise: Noise = normal
    centre: float = 0.0
    shift_of_seed: float = 0.0
    seed_noise: Noise = normal
    crossed: bool = False
    nested_instead: bool = False
    seeds: tuple[int, ...] = ()
    diverged: float = 0.0
    unstable_every: int = 1
    failed: float = 0.0
    level: float = -1.4
    levels: float = 0.3
    one_block: float = 0.15
    """How much larger the log losses of one block are."""


@dataclass(frozen=True)
class Layout:
    """The pairs of a plan: configuration and seed of each, sorted, and family and seed of each network of one block."""

    grid: Grid
    configuration: Array
    seed: Array
    family: Array
    family_seed: Array


@cache
def layout(configurations: int, seeds: tuple[int, ...]) -> Layout:
    """Pairs of a grid whose configurations cycle through so many seeds."""
    of = grid(configurations)
    each = np.resize(seeds, configurations)
    of_family = np.full(len(of.families), max(seeds))
    return Layout(
        of,
        np.repeat(np.arange(configurations), each),
        np.concatenate([np.arange(count) for count in each]),
        np.repeat(np.arange(len(of.families)), of_family),
        np.concatenate([np.arange(count) for count in of_family]),
    )


@dataclass(frozen=True)
class Draw:
    """Log losses of the pairs at effects of mean 0, the true effects, and who diverged or failed.

    `one_block` are log losses of networks of one block.
    """

    sequential: Array
    parallel: Array
    effect: Array
    diverged: Array
    failed: Array
    one_block: Array

    def losses(self, shift: float) -> tuple[Array, Array]:
        """Losses of both arms with the effects shifted."""
        return np.exp(self.sequential), np.exp(self.parallel + shift)


def draw(scenario: Scenario, of: Layout, rng: np.random.Generator) -> Draw:
    """One experiment."""
    count, pairs = len(of.grid.factors), len(of.configuration)
    level, of_family = (scenario.level + scenario.levels * each for each in of.grid.levels())
    scale = np.resize(scenario.scales, count)[of.configuration]
    first, second, both = scale * scenario.noise(rng, (3, pairs))
    joint = scale * scenario.joint_noise(rng, (pairs,))
    effect = effects(scenario, of.grid, rng)
    shared = scenario.shift_of_seed * scenario.seed_noise(rng, (int(of.seed.max()) + 1,))
    sequential = level[of.configuration] + scenario.arms[0] * first + scenario.common * both
    parallel = level[of.configuration] + scenario.arms[1] * second + scenario.common * both
    parallel += effect[of.configuration] + scenario.joint * joint + shared[of.seed]
    return Draw(
        sequential,
        parallel,
        effect,
        rng.random(pairs) < _chances_to_diverge(scenario, count)[of.configuration],
        rng.random(pairs) < scenario.failed,
        scenario.one_block + of_family[of.family] + scenario.arms[0] * rng.normal(size=len(of.family)),
    )


def effects(scenario: Scenario, of: Grid, rng: np.random.Generator | None = None) -> Array:
    """True effects of the configurations; of mean 0 over the grid unless they are random, which takes `rng`."""
    count = len(of.factors)
    match scenario.effect:
        case "none":
            return np.zeros(count)
        case "fixed":
            return scenario.spread * of.interactions()
        case "hidden":
            return scenario.spread * of.hidden
        case "random":
            assert rng is not None
            return scenario.centre + scenario.spread * scenario.effect_noise(rng, (count,))


def shift_for_mean(scenario: Scenario, of: Grid, mean: float) -> float:
    """The shift of networks that train at which the true mean log ratio, with diverged ones at chance, is `mean`."""
    chance = _chances_to_diverge(scenario, len(of.factors))
    gap = math.log(CHANCE) - scenario.level - scenario.levels * of.levels()[0] - effects(scenario, of)
    return float((mean - (chance * gap).mean()) / (1 - chance.mean()))


def _chances_to_diverge(scenario: Scenario, count: int) -> Array:
    unstable = np.arange(count) % scenario.unstable_every == 0
    return np.where(unstable, scenario.diverged * scenario.unstable_every, 0.0)


@cache
def mean_losses(scenario: Scenario, configurations: int) -> tuple[float, float]:
    """True means over the grid of both arms' losses at shift 0, of nested seeds, from a million networks a scale."""
    of, rng = grid(configurations), np.random.default_rng(1)
    level = np.exp(scenario.level + scenario.levels * of.levels()[0])
    scale = np.resize(scenario.scales, configurations)
    factor = np.empty((2, configurations))
    for size in set(scenario.scales):
        first, second, both = size * scenario.noise(rng, (3, 1_000_000))
        joint = size * scenario.joint_noise(rng, (1_000_000,))
        common = scenario.common * both
        arms = scenario.arms[0] * first + common, scenario.arms[1] * second + common + scenario.joint * joint
        factor[:, scale == size] = np.array([[np.exp(arm).mean()] for arm in arms])
    effect = np.exp(effects(scenario, of))
    return float(np.mean(level * factor[0])), float(np.mean(level * effect * factor[1]))


def shift_for_learned(scenario: Scenario, configurations: int, share: float) -> float:
    """The shift at which parallel - sequential in loss is `share` of what sequential networks learn, chance - loss."""
    sequential, parallel = mean_losses(scenario, configurations)
    return math.log((sequential + share * (CHANCE - sequential)) / parallel)
