"""Augmentation of a whole batch on its device."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_STREAM = 2
PADDING = 4
"""Pixels that an image is shifted by at most, in each direction."""


def crop_flip(images: Tensor, draws: Tensor) -> Tensor:
    """Images (batch, channels, height, width), each cut out of itself in a frame of zeros, half of them mirrored.

    `draws` (batch, 3) are the row and column where the cut begins, 0 to 8, and whether to mirror (1512.03385, section
    4.2; zero is the mean colour of normalised images).
    """
    height, width = images.shape[2:]
    framed = F.pad(images, (PADDING,) * 4)
    cuts = framed.unfold(2, height, 1).unfold(3, width, 1)
    every = torch.arange(len(images), device=images.device)
    cut = cuts[every, :, draws[:, 0], draws[:, 1]]
    mirrored = (draws[:, 2] == 1).view(-1, 1, 1, 1)
    return torch.where(mirrored, cut.flip(3), cut)


def epoch_draws(count: int, seed: int, epoch: int) -> Tensor:
    """Draws (count, 3) of `crop_flip` for every image of an epoch, which the trial's seed alone decides."""
    # The raw stream, which NumPy promises never to change (NEP 19).
    raw = np.random.PCG64(np.random.SeedSequence([_STREAM, seed, epoch])).random_raw(3 * count).reshape(count, 3)
    return torch.from_numpy((raw >> np.uint64(32)).astype(np.int64) % np.array([2 * PADDING + 1] * 2 + [2]))
