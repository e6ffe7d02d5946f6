"""Which paths the gradient takes: norms by path length, contributions, and the effective band (P2).

Veit, Wilber, Belongie, Residual Networks Behave Like Ensembles of Relatively Shallow Networks (1605.06431). A path of
length k goes through the branches of k blocks and the skips of the others. What it contributes is the number of paths
of its length times the mean norm that arrives at the input along one of them. Numbers of paths exceed 2^50, so counts
and contributions are kept as natural logarithms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from analysis import equivalence as eq
from analysis.measured import measured
from analysis.results import Results
from analysis.seeds import CONFIDENCE, OverSeeds, over_seeds

Array = NDArray[np.float64]

Z = 1.959963984540054
BAND = (0.05, 0.95)
"""Quantiles of the contribution that bound the effective band. Where P2 put its own is not known; these are ours."""
LINEAR = 0.9
"""Least R² of a straight line through the log norms, mean over seeds, that counts as an exponential fall. Ours."""
LEAST_LENGTHS = 3
"""Below, path lengths say nothing of how norms fall."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Norms:
    """Mean gradient norm by path length, arrays of (lengths,).

    `low` and `high` bound the mean at 95 %: normal on the log scale, the standard error of the log taken as that of
    the mean over the mean, so that draws of norm zero count and the ends stay above zero. NaN where they are unknown.
    """

    length: Array
    draws: Array
    zeros: Array
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Band:
    """Path lengths `low` to `high`, ends included, with their share of the contribution and of all paths."""

    low: int
    high: int
    contribution: float
    paths: float


@dataclass(frozen=True)
class Decay:
    """Least squares of log mean norm on path length: slope a block, and the share of variance explained."""

    slope: float
    r_squared: float
    lengths: int


@dataclass(frozen=True)
class Profile:
    """One network: arrays of (lengths,) over the path lengths that were measured.

    `paths` and `contribution` are shares, of all paths and of the measured contribution. `covered` is the share of all
    paths whose length was measured.
    """

    norms: Norms
    paths: Array
    contribution: Array
    covered: float
    longest: int
    """The longest path: all blocks of a sequential network, one of a parallel one."""
    mean_length: float
    """Of all paths."""
    effective_length: float
    """Of paths weighed by their contribution."""
    band: Band
    decay: Decay


@dataclass(frozen=True)
class NetworkPaths:
    """The seeds of one network and training; arrays of (lengths,), as means over seeds.

    `norm` and `contribution` are means, lowest and highest seeds; a single seed's norms come with their 95 % interval
    over draws instead.
    """

    label: str
    row: Mapping[str, Any]
    seeds: int
    without: int
    """Seeds that diverged, failed, are missing or have no measurements."""
    longest: int
    """The longest path, in blocks."""
    layers_a_block: int
    length: Array
    paths: Array
    norm: tuple[Array, Array, Array]
    contribution: tuple[Array, Array, Array]
    band: Band
    """Of the contribution's mean over seeds."""
    bands: Sequence[Band]
    """A seed each."""
    effective_length: OverSeeds
    mean_length: float
    beyond_mean: eq.Difference
    """Effective length minus the mean length of all paths, over seeds, against zero."""
    slope: OverSeeds
    fall: eq.Difference
    """The slope over seeds, against zero."""
    r_squared: float
    """Mean over seeds."""
    zeros: float
    """Share of all draws with a norm of zero."""
    error: OverSeeds
    """Share of validation images that the trained network has wrong."""

    @property
    def layers(self) -> tuple[int, int]:
        """The effective band in layers."""
        return self.band.low * self.layers_a_block, self.band.high * self.layers_a_block

    @property
    def judged(self) -> bool:
        """Whether P2's claims are on networks like this: sequential, trained plainly, and of several path lengths."""
        plain = (self.row["architecture"], self.row["method"]) == ("sequential", "plain")
        return plain and len(self.length) >= LEAST_LENGTHS


def summarise(length: ArrayLike, norm: ArrayLike) -> Norms:
    """Means over draws; both arrays are of (draws,), what is not finite is left out."""
    lengths, norms = np.asarray(length, np.float64), np.asarray(norm, np.float64)
    known = np.isfinite(norms)
    lengths, norms = lengths[known], norms[known]
    distinct, code = np.unique(lengths, return_inverse=True)
    draws = np.bincount(code, minlength=len(distinct)).astype(np.float64)
    mean = np.bincount(code, norms, len(distinct)) / draws
    # Relative to the mean, so that the squares of tiny norms do not vanish.
    relative = np.divide(norms, mean[code], out=np.ones_like(norms), where=mean[code] > 0)
    squares = np.bincount(code, (relative - 1) ** 2, len(distinct))
    known_spread = (draws > 1) & (mean > 0)
    error = np.full(len(distinct), np.nan)
    error[known_spread] = np.sqrt(squares[known_spread] / (draws[known_spread] - 1) / draws[known_spread])
    zeros = np.bincount(code[norms == 0], minlength=len(distinct)).astype(np.float64)
    return Norms(distinct, draws, zeros, mean, mean * np.exp(-Z * error), mean * np.exp(Z * error))


def profile(norms: Norms, log_paths: Mapping[int, float]) -> Profile:
    """Put norms and numbers of paths together; `log_paths` maps every path length to the log of its count.

    Raises ValueError where no length has both, or no norm is above zero.
    """
    every = np.array(sorted(k for k, count in log_paths.items() if np.isfinite(count)), np.float64)
    of_all = _shares(np.array([log_paths[int(k)] for k in every]))
    measured = np.isin(norms.length, every)
    if not (norms.mean[measured] > 0).any():
        raise ValueError("there is no path length with a count and a norm above zero.")
    norms = Norms(*(getattr(norms, name)[measured] for name in ("length", "draws", "zeros", "mean", "low", "high")))
    paths = of_all[np.searchsorted(every, norms.length)]
    counts = np.array([log_paths[int(k)] for k in norms.length])
    contribution = _shares(counts + _log(norms.mean))
    return Profile(
        norms=norms,
        paths=paths,
        contribution=contribution,
        covered=float(paths.sum()),
        longest=int(every.max()),
        mean_length=float(every @ of_all),
        effective_length=float(norms.length @ contribution),
        band=effective_band(norms.length, contribution, paths),
        decay=decay(norms.length, norms.mean),
    )


def effective_band(length: Array, contribution: Array, paths: Array) -> Band:
    """The central interval of lengths that holds at least 90 % of the contribution; all arrays are of (lengths,).

    Less than 5 % lies below it and at most 5 % above.
    """
    reached = np.cumsum(contribution) / contribution.sum()
    low, high = (int(np.flatnonzero(reached >= share - _ROUNDING)[0]) for share in BAND)
    inside = slice(low, high + 1)
    return Band(int(length[low]), int(length[high]), float(contribution[inside].sum()), float(paths[inside].sum()))


def decay(length: Array, mean: Array) -> Decay:
    """The exponential decay of mean norms, each of (lengths,); lengths of norm zero are left out, NaN below three."""
    shown = mean > 0
    x, y = length[shown], np.log(mean[shown])
    if len(x) < LEAST_LENGTHS:
        return Decay(np.nan, np.nan, len(x))
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    total = float(y @ y)
    return Decay(slope, 1 - float(np.sum((y - slope * x) ** 2)) / total if total > 0 else np.nan, len(x))


def network_paths(results: Results, study: str) -> list[NetworkPaths]:
    """What every network of a study has measured of its paths, plain training first.

    Of trials that train alike, the one with the most draws stands for its network and seed.
    """
    chosen = measured(results, study, "paths")
    profiles = _profiles(results, list(chosen.trials))
    members: dict[str, list[str]] = {}
    for (label, _), trial in chosen.one_a_seed(profiles, most="path_draws").items():
        members.setdefault(label, []).append(trial)
    return [
        _over_seeds(
            label,
            [chosen.trials[trial] for trial in trials],
            [profiles[trial] for trial in trials],
            len(chosen.seeds[label]) - len(trials),
        )
        for label, trials in members.items()
    ]


def _profiles(results: Results, trials: Sequence[str]) -> dict[str, Profile]:
    wanted = pc.field("measurement").isin(["path-count", "path-gradient"])
    chosen = wanted & pc.field("trial_id").isin(pa.array(trials, pa.string()))
    rows = results.table("measurements", ["trial_id", "measurement", "size", "value"], chosen)
    found: dict[str, Profile] = {}
    for trial, (counts, gradients) in _by_trial(rows).items():
        with np.errstate(divide="ignore"):
            log_paths = dict(zip(counts[0].astype(int).tolist(), np.log(counts[1]).tolist(), strict=True))
        norms = summarise(*gradients)
        if any(k in log_paths and mean > 0 for k, mean in zip(norms.length.tolist(), norms.mean.tolist(), strict=True)):
            found[trial] = profile(norms, log_paths)
    return found


def _by_trial(rows: pa.Table) -> dict[str, tuple[tuple[Array, Array], tuple[Array, Array]]]:
    """Trial to lengths and numbers of paths, and to lengths and norms."""
    trial = rows["trial_id"].combine_chunks().dictionary_encode()
    code = trial.indices.to_numpy()
    order = np.argsort(code, kind="stable")
    size = rows["size"].to_numpy().astype(np.float64)[order]
    value = rows["value"].to_numpy(zero_copy_only=False).astype(np.float64)[order]
    is_count = np.asarray(rows["measurement"].to_pylist(), dtype=str)[order] == "path-count"
    ends = [0, *np.cumsum(np.bincount(code, minlength=len(trial.dictionary))).tolist()]
    found: dict[str, tuple[tuple[Array, Array], tuple[Array, Array]]] = {}
    for name, (start, end) in zip(trial.dictionary.to_pylist(), pairwise(ends), strict=True):
        k, number, count = size[start:end], value[start:end], is_count[start:end]
        found[name] = (k[count], number[count]), (k[~count], number[~count])
    return found


def _over_seeds(
    label: str, rows: Sequence[Mapping[str, Any]], profiles: Sequence[Profile], without: int
) -> NetworkPaths:
    first, norms = rows[0], [each.norms for each in profiles]
    length = np.unique(np.concatenate([each.length for each in norms]))
    paths = over_seeds([_at(length, each, each.paths) for each in profiles]).mean
    contribution = over_seeds([np.nan_to_num(_at(length, each, each.contribution)) for each in profiles])
    return NetworkPaths(
        label=label,
        row=first,
        seeds=len(profiles),
        without=without,
        longest=profiles[0].longest,
        layers_a_block=first["layers_per_block"] or 1,
        length=length,
        paths=paths,
        norm=_norms(length, profiles),
        contribution=(contribution.mean, contribution.lowest, contribution.highest),
        band=effective_band(length, contribution.mean, paths),
        bands=[each.band for each in profiles],
        effective_length=over_seeds([each.effective_length for each in profiles]),
        mean_length=float(np.mean([each.mean_length for each in profiles])),
        beyond_mean=_against_zero([each.effective_length - each.mean_length for each in profiles]),
        slope=over_seeds([each.decay.slope for each in profiles]),
        fall=_against_zero([each.decay.slope for each in profiles]),
        r_squared=float(over_seeds([each.decay.r_squared for each in profiles]).mean),
        zeros=float(
            sum(each.norms.zeros.sum() for each in profiles) / sum(each.norms.draws.sum() for each in profiles)
        ),
        error=over_seeds([1 - row["val_accuracy"] for row in rows if row["val_accuracy"] is not None]),
    )


def _against_zero(values: Sequence[float]) -> eq.Difference:
    return eq.difference_test([value for value in values if np.isfinite(value)], 1 - CONFIDENCE)


def _norms(length: Array, profiles: Sequence[Profile]) -> tuple[Array, Array, Array]:
    if len(profiles) == 1:
        only = profiles[0].norms
        return only.mean, only.low, only.high
    norms = over_seeds([_at(length, each, each.norms.mean) for each in profiles])
    return norms.mean, norms.lowest, norms.highest


def _at(length: Array, each: Profile, values: Array) -> Array:
    """A network's values at all of the lengths, NaN where it has none."""
    found = np.full(len(length), np.nan)
    found[np.searchsorted(length, each.norms.length)] = values
    return found


def _log(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(values)


def _shares(logs: Array) -> Array:
    """Shares of the total of what is given by its logarithms."""
    parts = np.exp(logs - logs.max())
    return parts / parts.sum()
