"""Similarities have the values of their formulas, and the invariances that they are chosen for."""

import pytest
import torch
from scipy import stats
from torch import Tensor

from models.similarity import centred_gram, channel_quantiles, cka, distribution_distance


def random(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def alignment(one: Tensor, other: Tensor) -> float:
    return cka(torch.stack([centred_gram(one), centred_gram(other)]))[0, 1].item()


def song(one: Tensor, other: Tensor) -> Tensor:
    """Unbiased HSIC of linear kernels (Song et al., 2012, equation 5)."""
    k, m = (features @ features.T * (1 - torch.eye(len(features))) for features in (one, other))
    n, ones = len(one), torch.ones(len(one), dtype=torch.float64)
    terms = (k @ m).trace() + (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return (terms - 2 / (n - 2) * (ones @ k @ m @ ones)) / (n * (n - 3))


def test_cka_is_its_formula() -> None:
    one = random(20, 5)
    other = one @ random(5, 7, seed=1) + random(20, 7, seed=2)
    expected = song(one, other) / (song(one, one) * song(other, other)).sqrt()
    assert alignment(one, other) == pytest.approx(expected.item(), rel=1e-10)
    assert 0.2 < expected < 0.95


def test_features_are_flattened_and_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    features = random(12, 3, 4, 5)
    whole = centred_gram(features)
    torch.testing.assert_close(centred_gram(features.flatten(1)), whole, rtol=0, atol=0)
    monkeypatch.setattr("models.similarity._COLUMNS", 7)
    torch.testing.assert_close(centred_gram(features), whole)


def test_cka_does_not_see_rotation_scale_or_shift() -> None:
    features, other = random(30, 6), random(30, 9, seed=1)
    rotation, _ = torch.linalg.qr(random(6, 6, seed=2))
    moved = 1e6 * features @ rotation + 1e8 * random(6, seed=3)
    assert alignment(features, features) == pytest.approx(1, rel=1e-12)
    assert alignment(features, moved) == pytest.approx(1, rel=1e-9)
    assert alignment(moved, other) == pytest.approx(alignment(features, other), abs=1e-9)
    stretched = features * torch.tensor([100.0, 1, 1, 1, 1, 1])
    assert alignment(features, stretched) < 0.9


def test_cka_of_independent_features_is_near_zero_however_many_they_are() -> None:
    """The biased form is near 1 here."""
    values = [alignment(random(40, 4000, seed=2 * seed), random(40, 4000, seed=2 * seed + 1)) for seed in range(20)]
    mean = sum(values) / len(values)
    assert abs(mean) < 0.02
    assert min(values) < 0 < max(values)


def test_cka_is_symmetric_and_at_most_one() -> None:
    states = [random(10, width, seed=width) for width in (1, 2, 5, 50)]
    matrix = cka(torch.stack([centred_gram(state) for state in states]))
    torch.testing.assert_close(matrix, matrix.T)
    assert matrix.abs().max() < 1 + 1e-12
    torch.testing.assert_close(matrix.diagonal(), torch.ones(4, dtype=torch.float64))


def test_cka_is_not_defined_for_constant_features_or_few_images() -> None:
    constant = torch.full((9, 5), 0.1) * torch.arange(5)
    matrix = cka(torch.stack([centred_gram(constant), centred_gram(random(9, 5))]))
    assert matrix.isnan().tolist() == [[True, True], [True, False]]
    for images in (1, 2, 3):
        assert cka(centred_gram(random(images, 5))[None]).isnan().all()


@pytest.mark.parametrize("size", [(50, 3), (10, 3, 4, 5)], ids=["vectors", "images"])
def test_the_distance_is_the_wasserstein_distance_of_the_channels(size: tuple[int, ...]) -> None:
    one, other = random(*size), 0.5 + 2 * random(*size, seed=1)
    channels = [[state[:, channel].flatten() for channel in range(3)] for state in (one, other)]
    transport = sum(stats.wasserstein_distance(a, b) for a, b in zip(*channels, strict=True)) / 3
    variance = sum(values.var(correction=0).item() for state in channels for values in state) / 6
    distance = distribution_distance(channel_quantiles(one), channel_quantiles(other))
    assert distance.item() == pytest.approx(transport / variance**0.5, rel=1e-12)


def test_many_values_are_stood_for_by_their_quantiles() -> None:
    one, other = random(3000, 2), 0.3 + 1.5 * random(3000, 2, seed=1)
    exact = distribution_distance(channel_quantiles(one, 3000), channel_quantiles(other, 3000))
    few = [channel_quantiles(state, 500) for state in (one, other)]
    assert few[0].shape == (2, 500)
    assert distribution_distance(*few).item() == pytest.approx(exact.item(), rel=0.01)
    levels = channel_quantiles(torch.arange(1000.0)[:, None], 10)
    assert levels.tolist() == [[50 + 100 * level for level in range(10)]]


def test_the_distance_is_zero_for_equal_states_symmetric_and_without_unit() -> None:
    one, other = channel_quantiles(random(40, 3)), channel_quantiles(2 + random(40, 3, seed=1))
    distance = distribution_distance(one, other)
    assert distribution_distance(one, one) == 0
    assert distribution_distance(other, one) == distance
    torch.testing.assert_close(distribution_distance(100 * one, 100 * other), distance)
    shuffled = random(40, 3)[torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    assert distribution_distance(one, channel_quantiles(shuffled)) == 0
    assert distribution_distance(one, torch.stack([one, other])).tolist() == [0, distance.item()]


def test_a_shift_by_a_standard_deviation_has_distance_one() -> None:
    one = random(40, 1)
    shifted = one + one.std(correction=0)
    assert distribution_distance(channel_quantiles(one), channel_quantiles(shifted)).item() == pytest.approx(1)


def test_the_distance_between_constant_states_is_not_defined() -> None:
    zero, one = torch.zeros(3, 5), torch.ones(3, 5)
    assert distribution_distance(zero, one).isinf()
    assert distribution_distance(zero, zero).isnan()
