"""The lengths of the paths that carry the gradient, by epoch of the training (P3)."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import Array
from analysis.equivalence.mean import Difference
from analysis.measurements import Measured, Network, Study, measured_study
from analysis.path_lengths import LEAST_LENGTHS, Profile, effective_band, profile, summarise
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds, over_zero
from sweep.measures.paths import COUNT, GRADIENT, NORM, PATHS


@dataclass(frozen=True)
class LengthCourse(Network):
    """One network and training over its seeds and epochs; NaN where nothing was measured. Lengths are in blocks."""

    judged: bool
    """Whether P3's claims are about it: sequential, trained plainly, with several path lengths."""
    layers_a_block: int
    mean_length: float
    """Of all paths."""
    epoch: Array
    """(epochs,): 0 is before training, the last one its end."""
    length: Array
    """(lengths,)"""
    effective: Array
    """(seeds, epochs): mean length of paths weighed by their contribution."""
    contribution: Array
    """(epochs, lengths): mean over seeds of the share of the gradient that each length carries."""
    band: Array
    """(epochs, 2): the ends of the contribution's band of 90 %."""
    error: Array
    """(seeds,), on validation images."""

    @property
    def over_epochs(self) -> OverSeeds:
        """The effective length, (epochs,)."""
        return over_seeds(self.effective)

    @property
    def began(self) -> int | None:
        """The place of the first epoch measured in training; None where there is none before its end."""
        inside = np.flatnonzero((self.epoch > 0) & (np.arange(len(self.epoch)) < len(self.epoch) - 1))
        return int(inside[0]) if len(inside) else None

    @property
    def growth(self) -> Difference:
        """The effective length at the end minus that at the first epoch measured in training, against zero."""
        return over_zero([] if self.began is None else self.effective[:, -1] - self.effective[:, self.began])

    @property
    def layers(self) -> Array:
        """The effective length at the end in layers, (seeds,)."""
        return self.layers_a_block * self.effective[:, -1]


def find_lengths(results: Results, study: str) -> Study[LengthCourse] | None:
    """The networks of a study whose paths were measured in training; None where there are none."""
    found = measured_study(
        results,
        study,
        "paths",
        [COUNT, GRADIENT],
        usable=lambda found: _profile(found) is not None,
        most="path_draws",
        in_training=True,
    )
    return found and found.mapped(_over_epochs)


def _profile(found: Measured | None) -> Profile | None:
    """What the paths of a network carry; None where nothing was measured, and without any gradient."""
    if found is None:
        return None
    norms, counts = found.get(GRADIENT, NORM), found.by("size", COUNT, PATHS)
    try:
        return profile(summarise(norms.size, norms.value), {length: float(np.log(n)) for length, n in counts.items()})
    except ValueError:
        return None


def _over_epochs(network: Network) -> LengthCourse:
    epochs = network.epochs
    found = [[_profile(each.course.get(epoch)) for epoch in epochs] for each in network.seeds]
    known = [each for course in found for each in course if each is not None]
    length = np.unique(np.concatenate([each.norms.length for each in known]))
    effective = [[np.nan if each is None else each.effective_length for each in course] for course in found]
    carried = over_seeds([[_at(length, each) for each in course] for course in found]).mean
    every = np.ones(len(length))
    bands = [effective_band(length, each, every) if np.isfinite(each).all() else None for each in carried]
    return LengthCourse(
        **vars(network),
        judged=network.is_plain and len(length) >= LEAST_LENGTHS,
        layers_a_block=network.trial["layers_per_block"] or 1,
        mean_length=known[0].mean_length,
        epoch=np.array(epochs, float),
        length=length,
        effective=np.array(effective, float),
        contribution=carried,
        band=np.array([(each.low, each.high) if each else (np.nan, np.nan) for each in bands], float),
        error=1 - np.array([each.trial["val_accuracy"] for each in network.seeds], float),
    )


def _at(length: Array, found: Profile | None) -> Array:
    """What each of the lengths carries: nothing where it was not measured, NaN where none was."""
    if found is None:
        return np.full(len(length), np.nan)
    carried = np.zeros(len(length))
    carried[np.searchsorted(length, found.norms.length)] = found.contribution
    return carried
