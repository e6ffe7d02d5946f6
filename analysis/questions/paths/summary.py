"""Which paths the gradient takes through the networks of a study, over seeds (P2, 1605.06431)."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.arrays import Array
from analysis.equivalence import Difference
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.questions.paths.lengths import LEAST_LENGTHS, Band, Profile, effective_band, profile, summarise
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, over_zero
from sweep.measures.paths import COUNT, GRADIENT, NORM, PATHS

_UNLEARNED = 0.9
"""An error of at least this share of that of guessing is of a network that has hardly learned. Ours."""


@dataclass(frozen=True)
class NetworkPaths:
    """The seeds of one network and training; arrays of (lengths,), as means over seeds."""

    label: str
    judged: bool
    """Whether P2's claims are on networks like this: sequential, trained plainly, and of several path lengths."""
    seeds: int
    without: int
    """Seeds that diverged, failed, are missing or have no measurements."""
    longest: int
    """The longest path, in blocks."""
    layers_a_block: int
    length: Array
    paths: Array
    norm: OverSeeds
    """Of a single seed, the lowest and highest are the 95 % interval over draws."""
    contribution: OverSeeds
    band: Band
    """Of the contribution's mean over seeds."""
    bands: list[Band]
    """Of each seed."""
    effective_length: OverSeeds
    mean_length: float
    beyond_mean: Difference
    """Effective length minus the mean length of all paths, over seeds, against zero."""
    slope: OverSeeds
    fall: Difference
    """The slope over seeds, against zero."""
    r_squared: float
    """Mean over seeds."""
    zeros: float
    """Share of all draws with a norm of zero."""
    error: OverSeeds
    """Share of validation images that the trained network has wrong."""
    guessing: float
    """The error of guessing, NaN where the number of classes is not known."""

    @property
    def learned(self) -> bool:
        """False where the network's error is close to that of guessing."""
        return not float(self.error.mean) >= _UNLEARNED * self.guessing


@dataclass(frozen=True)
class Paths:
    """The paths of a study's networks."""

    study: Study
    networks: list[NetworkPaths]


def find_paths(results: Results, study: str) -> Paths | None:
    """What the networks of a study have measured of their paths; None where none of them has."""
    found = measured_study(results, study, "paths", [COUNT, GRADIENT], usable=_usable, most="path_draws")
    return found and Paths(found, list(map(_over_seeds, found.networks)))


def _usable(found: Measured) -> bool:
    counts, norms = found.get(COUNT, PATHS), found.get(GRADIENT, NORM)
    above = np.isfinite(norms.value) & (norms.value > 0)
    return bool(np.isin(norms.size[above], counts.size[np.isfinite(counts.value)]).any())


def _profile(found: Measured) -> Profile:
    norms = found.get(GRADIENT, NORM)
    log_paths = {length: float(np.log(count)) for length, count in found.by("size", COUNT, PATHS).items()}
    return profile(summarise(norms.size, norms.value), log_paths)


def _over_seeds(network: Network) -> NetworkPaths:
    profiles, trial = list(map(_profile, network.seeds)), network.trial
    norms = [each.norms for each in profiles]
    length = np.unique(np.concatenate([each.length for each in norms]))
    norm = over_seeds([_at(length, each, each.norms.mean) for each in profiles])
    if len(norms) == 1:
        norm = replace(norm, lowest=norms[0].low, highest=norms[0].high)
    paths = over_seeds([_at(length, each, each.paths) for each in profiles]).mean
    contribution = over_seeds([np.nan_to_num(_at(length, each, each.contribution)) for each in profiles])
    accuracies = [seed.trial["val_accuracy"] for seed in network.seeds]
    plain = (trial["architecture"], trial["method"]) == ("sequential", "plain")
    return NetworkPaths(
        label=network.label,
        judged=plain and len(length) >= LEAST_LENGTHS,
        seeds=len(profiles),
        without=network.lacking,
        longest=profiles[0].longest,
        layers_a_block=trial["layers_per_block"] or 1,
        length=length,
        paths=paths,
        norm=norm,
        contribution=contribution,
        band=effective_band(length, contribution.mean, paths),
        bands=[each.band for each in profiles],
        effective_length=over_seeds([each.effective_length for each in profiles]),
        mean_length=float(np.mean([each.mean_length for each in profiles])),
        beyond_mean=over_zero([each.effective_length - each.mean_length for each in profiles]),
        slope=over_seeds([each.slope for each in profiles]),
        fall=over_zero([each.slope for each in profiles]),
        r_squared=float(over_seeds([each.r_squared for each in profiles]).mean),
        zeros=float(sum(each.zeros.sum() for each in norms) / sum(each.draws.sum() for each in norms)),
        error=over_seeds([1 - accuracy for accuracy in accuracies if accuracy is not None]),
        guessing=1 - 1 / (trial["classes"] or np.nan),
    )


def _at(length: Array, each: Profile, values: Array) -> Array:
    """A network's values at all of the lengths, NaN where it has none."""
    found = np.full(len(length), np.nan)
    found[np.searchsorted(length, each.norms.length)] = values
    return found
