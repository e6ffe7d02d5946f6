"""Which paths the gradient takes through the networks of a study, over seeds (P2, 1605.06431)."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Difference, Estimate
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.path_lengths import LEAST_LENGTHS, Band, Profile, effective_band, profile, summarise
from analysis.results import Results
from analysis.seeds import over_seeds, over_zero
from sweep.measures.paths import COUNT, GRADIENT, NORM, PATHS


@dataclass(frozen=True)
class NetworkPaths(Network):
    """One network and training over its seeds; arrays of (lengths,)."""

    judged: bool
    """Whether P2's claims are about it: sequential, trained plainly, with several path lengths."""
    longest: int
    """The longest path, in blocks."""
    layers_a_block: int
    mean_length: float
    """Of all paths."""
    length: Array
    paths: Array
    norm: Array
    """(3, lengths): mean, lowest and highest seed; of a single seed, the ends of its 95 % interval over draws."""
    contribution: Array
    """(3, lengths): mean, lowest and highest seed."""
    band: Band
    """Of the contribution's mean over seeds."""
    bands: tuple[Band, ...]
    """Of each seed."""
    effective_length: Estimate
    beyond_mean: Difference
    """Effective length minus the mean length of all paths, against zero."""
    slope: Difference
    """Against zero."""
    r_squared: float
    """Mean over seeds."""
    zeros: float
    """Share of all draws with a norm of zero."""
    error: Estimate
    """On validation images."""


def find_paths(results: Results, study: str) -> Study[NetworkPaths] | None:
    """The networks of a study whose paths were measured; None where there are none."""
    found = measured_study(results, study, "paths", [COUNT, GRADIENT], usable=_usable, most="path_draws")
    return found and found.mapped(_over_seeds)


def _usable(found: Measured) -> bool:
    norms = found.get(GRADIENT, NORM)
    above = norms.size[np.isfinite(norms.value) & (norms.value > 0)]
    return not found.by("size", COUNT, PATHS).keys().isdisjoint(above.tolist())


def _profile(found: Measured) -> Profile:
    norms = found.get(GRADIENT, NORM)
    counts = found.by("size", COUNT, PATHS)
    return profile(summarise(norms.size, norms.value), {length: float(np.log(n)) for length, n in counts.items()})


def _over_seeds(network: Network) -> NetworkPaths:
    profiles, trial = list(map(_profile, network.seeds)), network.trial
    norms = [each.norms for each in profiles]
    length = np.unique(np.concatenate([each.length for each in norms]))
    norm = over_seeds([_at(length, each, each.norms.mean) for each in profiles]).band
    if len(norms) == 1:
        norm[1:] = norms[0].low, norms[0].high
    paths = over_seeds([_at(length, each, each.paths) for each in profiles]).mean
    contribution = over_seeds([np.nan_to_num(_at(length, each, each.contribution)) for each in profiles]).band
    accuracies = np.array([each.trial["val_accuracy"] for each in network.seeds], float)
    return NetworkPaths(
        **vars(network),
        judged=network.is_plain and len(length) >= LEAST_LENGTHS,
        longest=profiles[0].longest,
        layers_a_block=trial["layers_per_block"] or 1,
        mean_length=profiles[0].mean_length,
        length=length,
        paths=paths,
        norm=norm,
        contribution=contribution,
        band=effective_band(length, contribution[0], paths),
        bands=tuple(each.band for each in profiles),
        effective_length=over_seeds([each.effective_length for each in profiles]).at(),
        beyond_mean=over_zero([each.effective_length - each.mean_length for each in profiles]),
        slope=over_zero([each.slope for each in profiles]),
        r_squared=float(over_seeds([each.r_squared for each in profiles]).mean),
        zeros=float(sum(each.zeros.sum() for each in norms) / sum(each.draws.sum() for each in norms)),
        error=over_seeds(1 - accuracies).at(),
    )


def _at(length: Array, each: Profile, values: Array) -> Array:
    """A network's values at all of the lengths, NaN where it has none."""
    found = np.full(len(length), np.nan)
    found[np.searchsorted(length, each.norms.length)] = values
    return found
