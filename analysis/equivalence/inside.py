"""Which share of the configurations lies inside the margin? A hierarchical model, since a mean can hide anything.

Configuration k has the mean m_k, which estimates its true contrast with a variance v_k from seeds. True contrasts are
normal around a common mean with a spread tau; both have flat priors (Gelman 2006). The posterior of tau is computed on
a grid, that of everything else given tau is normal, and draws of it are counted (Kruschke 2018: the margin is the
region of practical equivalence).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from analysis.equivalence.contrast import Contrasts
from analysis.equivalence.crossed import additive
from analysis.equivalence.design import of_grid
from analysis.equivalence.inputs import Vector, groups
from analysis.equivalence.mean import UNDEFINED, Estimate

DRAWS = 4000
_GRID = 200


@dataclass(frozen=True)
class Inside:
    """The share of configurations whose own contrast lies inside the margin, with its 90 % interval.

    `mean` is the posterior mean of the true contrasts' mean over these configurations, with its 90 % interval.
    """

    share: Estimate
    mean: Estimate


def share_inside(of: Contrasts, low: float, high: float) -> Inside:
    """The share inside (low, high), by 4000 draws that are the same each time; NaN where seeds give no variance."""
    variance = seed_variances(of)
    count = of.configurations
    shared = of_grid(of) if of.crossed else None
    if (
        math.isnan(low)
        or math.isnan(high)
        or count < 3
        or variance is None
        or (shared is not None and not shared.degrees_of_freedom > 0)
    ):
        return Inside(Estimate(UNDEFINED), Estimate(UNDEFINED))
    means, rng = of.means, np.random.default_rng(0)
    spread, centre = _posterior(means, variance, rng)
    shrunk = 1 / (1 / variance + 1 / spread[:, None] ** 2)
    true = shrunk * (means / variance + (centre / spread**2)[:, None])
    true += np.sqrt(shrunk) * rng.normal(size=true.shape)
    # Before what seeds share, of which draws of few degrees of freedom have no mean.
    middle = float(true.mean())
    if shared is not None:
        # What seeds share moves all configurations together, and is in no difference between them.
        true += shared.standard_error * rng.standard_t(shared.degrees_of_freedom, DRAWS)[:, None]
    inside = ((true > low) & (true < high)).mean(axis=1)
    return Inside(_with_quantiles(float(inside.mean()), inside), _with_quantiles(middle, true.mean(axis=1)))


def seed_variances(of: Contrasts) -> Vector | None:
    """The variance of each configuration's mean by its seeds, moderated towards the common one; None without seeds.

    Variances of a few seeds are uncertain themselves. They are shrunk as in Smyth (2004, section 6.2): scaled inverse
    chi-squared around a common value, whose degrees of freedom come from how much the log variances differ.
    """
    at = groups(of.values, of.configuration)
    spare = at.n - 1
    several = spare > 0
    squares, share = at.squares, 1.0
    if of.crossed:
        # What seeds share is no difference between configurations; fitting it takes degrees of freedom from each.
        residual, _, left = additive(of)
        squares, share = np.bincount(of.configuration, residual**2).astype(float), left / max(int(spare.sum()), 1)
    if not several.any() or not squares.any() or not share > 0:
        return None
    spare = np.asarray(spare * share, np.float64)
    own = np.zeros(len(at.n))
    own[several] = squares[several] / spare[several]
    common = float(squares.sum()) / float(spare.sum())
    prior = _prior_freedom(own[several], spare[several])
    moderated = (prior * common + spare * own) / (prior + spare) if math.isfinite(prior) else np.full(len(own), common)
    return moderated / at.n


def _prior_freedom(variance: Vector, spare: Vector) -> float:
    """How many degrees of freedom the common variance is worth; infinite where variances differ by chance alone."""
    known = variance > 0
    if known.sum() < 3:
        return math.inf
    half = spare[known] / 2
    # Logarithms of a mean square of few degrees of freedom lie low.
    logs = np.log(variance[known]) - digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1)) - float(polygamma(1, half).mean())
    if excess <= 0:
        return math.inf
    # Newton's iteration for the inverse of the trigamma function, as in the source.
    prior = 0.5 + 1 / excess
    for _ in range(50):
        value = float(polygamma(1, prior))
        step = value * (1 - value / excess) / float(polygamma(2, prior))
        prior += step
        if abs(step) < 1e-10 * prior:
            break
    return 2 * prior


def _posterior(means: Vector, variance: Vector, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Draws of the spread and of the mean of true contrasts."""
    most = 4 * max(float(means.std()), float(np.sqrt(variance.max())))
    grid = most * (np.arange(_GRID) + 0.5) / _GRID
    total = variance + grid[:, None] ** 2
    precision = (1 / total).sum(axis=1)
    centre = (means / total).sum(axis=1) / precision
    log = -0.5 * (np.log(total) + (means - centre[:, None]) ** 2 / total).sum(axis=1) - 0.5 * np.log(precision)
    weight = np.exp(log - log.max())
    place = rng.choice(_GRID, DRAWS, p=weight / weight.sum())
    spread = grid[place] + most / _GRID * (rng.random(DRAWS) - 0.5)
    return spread, centre[place] + rng.normal(size=DRAWS) / np.sqrt(precision[place])


def _with_quantiles(value: float, draws: Vector) -> Estimate:
    return Estimate(value, *map(float, np.quantile(draws, [0.05, 0.95])))
