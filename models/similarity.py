"""How similar two states of a network are: linear CKA, and a distance between the distributions of their values.

The features of a state are its values for n images, (n, features) or (n, channels, height, width).
"""

import torch
from torch import Tensor

_COLUMNS = 1 << 14
"""Features converted to float64 at once."""
QUANTILES = 1024
"""This many quantiles represent a channel with more values."""


def centred_gram(features: Tensor) -> Tensor:
    """The U-centred inner products of n images' features: float64 (n, n) on the device of the features.

    U-centring (Szekely and Rizzo, 2014) leaves out the diagonal, so products of two such matrices estimate the
    dependence of the features without bias. This takes at least 4 images; with fewer, all values are NaN.
    """
    images = len(features)
    if images < 4:
        return torch.full((images, images), torch.nan, dtype=torch.float64, device=features.device)
    gram = torch.zeros(images, images, dtype=torch.float64, device=features.device)
    for columns in features.flatten(1).split(_COLUMNS, 1):
        values = columns.double()
        # A common shift changes only rounding; this one makes constant features exactly zero.
        values = values - values[:1]
        gram += values @ values.T
    gram.fill_diagonal_(0)
    rows = gram.sum(1) / (images - 2)
    gram += rows.sum() / (images - 1) - rows[:, None] - rows
    return gram.fill_diagonal_(0)


def cka(grams: Tensor) -> Tensor:
    """The linear CKA of each pair of states, (states, states), from their centred Gram matrices (states, n, n).

    This is centred kernel alignment (Kornblith et al., 1905.00414) in its debiased form (Nguyen, Raghu, Kornblith,
    2010.15327). It is 1 for features that are equal up to rotation, scale and shift. For independent features it is
    about 0, however many there are, where the biased form grows with features / images. It can be slightly negative,
    and is NaN for a state that is the same for all images.
    """
    rows = grams.flatten(1)
    products = rows @ rows.T
    sizes = products.diagonal().sqrt()
    return products / sizes[:, None] / sizes


def channel_quantiles(features: Tensor, most: int = QUANTILES) -> Tensor:
    """The sorted values of each channel over images and positions, float64 (channels, q).

    If there are more than `most`, they are the `most` quantiles at levels (i + 1/2) / most.
    """
    values = features.transpose(0, 1).flatten(1).sort(1).values
    count = min(most, values.shape[1])
    levels = torch.arange(count, dtype=torch.float64, device=values.device).add(0.5).div(count)
    return values[:, levels.mul(values.shape[1]).long()].double()


def distribution_distance(one: Tensor, other: Tensor) -> Tensor:
    """The distance between two states' distributions, (...), from their quantiles (..., channels, q), without a unit.

    It is the 1-Wasserstein distance between a channel's values in the two states, averaged over channels, divided by
    the pooled standard deviation: the root of the variance within channels, averaged over channels and both states (our
    choice). For two constant states it is NaN or infinite.
    """
    transport = (one - other).abs().mean((-2, -1))
    variance = (one.var(-1, correction=0) + other.var(-1, correction=0)).mean(-1) / 2
    return transport / variance.sqrt()
