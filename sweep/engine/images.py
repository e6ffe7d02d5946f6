"""Images on the device: a data set is one uint8 tensor, a batch is an index into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sweep.data import area_average, balanced_subset, held_out, load
from sweep.trial import HELD_OUT_SHARE, Trial

_ORDER_STREAM = 1
_VALIDATION_SEED = 0


@dataclass(frozen=True)
class Split:
    """Images (N, height, width, channels) uint8 and labels (N) int64 on the device, and how pixels are normalised."""

    images: Tensor
    labels: Tensor
    scale: Tensor
    shift: Tensor

    @cached_property
    def planes(self) -> Tensor:
        """The images (N, channels, height, width)."""
        return self.images.permute(0, 3, 1, 2).contiguous()

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised float32 images and labels at `index`.

        Index (B) gives (B, height, width, channels) and (B); index (B, K) gives (B, height, width, K, channels) and
        (K, B).
        """
        images = self.images[index]
        if index.ndim == 2:
            images = images.permute(0, 2, 3, 1, 4)
        labels = self.labels[index]
        return torch.addcmul(self.shift, images, self.scale), labels.T if index.ndim == 2 else labels


@lru_cache(maxsize=8)
def _split(dataset: str, cache: Path | None, image_size: int, normalisation: str, device: str, part: str) -> Split:
    data = load(dataset, cache)
    train, test = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
    images, labels = train if part == "train" else test
    mean, std = (data.spec.mean, data.spec.std) if normalisation == "published" else ((0.0,), (1.0,))
    return Split(
        images=torch.from_numpy(area_average(images, image_size).copy()).to(device),
        labels=torch.from_numpy(labels.astype(np.int64)).to(device),
        scale=1 / (255 * torch.tensor(std, device=device)),
        shift=-torch.tensor(mean, device=device) / torch.tensor(std, device=device),
    )


class TrialImages:
    """Training and validation images of trials trained together, which share a data set and its options."""

    def __init__(self, trials: Sequence[Trial], device: str, cache: str | None) -> None:
        first = trials[0]
        source = (first.dataset, Path(cache) if cache else None)
        options = (*source, first.image_size, first.normalisation, device)
        self.train = _split(*options, "train")
        self.validation = self.train if first.validation == "held-out" else _split(*options, "test")
        counts = (first.validation, first.train_samples, first.val_samples)
        subsets = [_subsets(*source, *counts, trial.draw_seed) for trial in trials]
        self._device = device
        self._seeds = [trial.draw_seed for trial in trials]
        self._train_subsets = {seed: train for seed, (train, _) in zip(self._seeds, subsets, strict=True)}
        self.train_index = self._columns([train for train, _ in subsets])
        self.validation_index = self._columns([validation for _, validation in subsets])

    def epoch_order(self, epoch: int) -> Tensor:
        """Indices (samples, K) of the training images in the order of this epoch, drawn for each trial."""
        orders = {}
        for seed in set(self._seeds):
            subset = self._train_subsets[seed]
            orders[seed] = subset[_random_order(len(subset), seed, epoch)]
        stacked = np.stack([orders[seed] for seed in self._seeds], axis=1)
        return torch.from_numpy(stacked).to(self._device)

    def keep(self, networks: Tensor) -> None:
        """Keep only the trials at the given indices."""
        self._seeds = [self._seeds[i] for i in networks.tolist()]
        if self.train_index.ndim == 2:
            self.train_index = self.train_index[:, networks]
        if self.validation_index.ndim == 2:
            self.validation_index = self.validation_index[:, networks]

    def _columns(self, subsets: list[np.ndarray]) -> Tensor:
        """One index for all trials where they agree, else a column for each."""
        same = all(np.array_equal(subsets[0], subset) for subset in subsets[1:])
        index = np.sort(subsets[0]) if same else np.stack([np.sort(subset) for subset in subsets], axis=1)
        return torch.from_numpy(np.ascontiguousarray(index)).to(self._device)


def _random_order(count: int, seed: int, epoch: int) -> np.ndarray:
    # NumPy promises never to change the raw stream (NEP 19), unlike what `Generator.permutation` makes of it.
    stream = np.random.PCG64(np.random.SeedSequence([_ORDER_STREAM, seed, epoch]))
    return np.argsort(stream.random_raw(count), kind="stable")


@lru_cache(maxsize=16)
def _subsets(
    dataset: str, cache: Path | None, validation: str, train_samples: int, val_samples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The indices of a trial's training images, and of its validation images in their split."""
    data = load(dataset, cache)
    if validation == "test":
        judges = balanced_subset(data.test_labels, val_samples, _VALIDATION_SEED)
        return balanced_subset(data.train_labels, train_samples, seed), judges
    rest, held = held_out(data.train_labels, HELD_OUT_SHARE, seed)
    train = rest[balanced_subset(data.train_labels[rest], train_samples, seed)]
    return train, held[balanced_subset(data.train_labels[held], val_samples, seed)]
