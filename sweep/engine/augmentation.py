"""Augmentation of a whole batch on its device."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_STREAM = 2
_SHARE = 8


def most_shift(side: int) -> int:
    """The most pixels by which an image is shifted: 4 at CIFAR-10's 32, in proportion at other sides (ours)."""
    return max(1, side // _SHARE)


def crop_flip(images: Tensor, draws: Tensor) -> Tensor:
    """Images (batch, channels, side, side), each framed with zeros, cut to its size, and perhaps mirrored.

    `draws` (batch, 3) are the row and column where the cut begins, and whether to mirror (1512.03385, section 4.2; zero
    is the mean colour of normalised images).
    """
    side = images.shape[2]
    framed = F.pad(images, (most_shift(side),) * 4)
    cuts = framed.unfold(2, side, 1).unfold(3, side, 1)
    every = torch.arange(len(images), device=images.device)
    cut = cuts[every, :, draws[:, 0], draws[:, 1]]
    mirrored = (draws[:, 2] == 1).view(-1, 1, 1, 1)
    return torch.where(mirrored, cut.flip(3), cut)


def epoch_draws(count: int, side: int, seed: int, epoch: int) -> Tensor:
    """Draws (count, 3) for `crop_flip` of every image of an epoch, which depend on seed and epoch alone."""
    # NumPy promises never to change the raw stream (NEP 19).
    raw = np.random.PCG64(np.random.SeedSequence([_STREAM, seed, epoch])).random_raw(3 * count).reshape(count, 3)
    places = 2 * most_shift(side) + 1
    return torch.from_numpy((raw >> np.uint64(32)).astype(np.int64) % np.array([places, places, 2]))
