"""Which images a trial trains on, in which order, and by which it is judged."""

import hashlib

import numpy as np
import pytest
import torch

from sweep.data import DATASETS, area_average, load
from sweep.engine.images import TrialImages
from sweep.trial import Trial


def images_of(*trials: Trial) -> TrialImages:
    return TrialImages(trials, "cpu", None)


def test_crossed_order_depends_on_seed_and_epoch_alone(base: Trial) -> None:
    base = base.but(draws="crossed")
    trials = [base.but(seed=seed, learning_rate=rate) for seed in (0, 1) for rate in (1e-3, 1e-2)]
    together = images_of(*trials)
    for epoch in (1, 2):
        order = together.epoch_order(epoch)
        assert order.shape == (base.train_samples, 4)
        assert torch.equal(order[:, 0], order[:, 1])
        assert not torch.equal(order[:, 0], order[:, 2])
        for k, trial in enumerate(trials):
            other_network = trial.but(activation="tanh", depth=4, filters=8, batch_size=7)
            assert torch.equal(images_of(other_network).epoch_order(epoch)[:, 0], order[:, k])
    assert not torch.equal(together.epoch_order(1), together.epoch_order(2))


def test_nested_order_depends_on_seed_configuration_and_epoch(base: Trial) -> None:
    trials = [base.but(seed=seed, learning_rate=rate) for seed in (0, 1) for rate in (1e-3, 1e-2)]
    together = images_of(*trials)
    for epoch in (1, 2):
        order = together.epoch_order(epoch)
        assert len({tuple(column) for column in order.T.tolist()}) == 4
        for k, trial in enumerate(trials):
            compared = trial.but(batch_size=7, epochs=9, measure="features", study="other")
            assert torch.equal(images_of(compared).epoch_order(epoch)[:, 0], order[:, k])
            for change in ({"activation": "tanh"}, {"depth": 4}, {"filters": 8}):
                other = images_of(trial.but(**change)).epoch_order(epoch)[:, 0]
                assert not torch.equal(other, order[:, k])


def test_matched_pairs_see_identical_batches(base: Trial) -> None:
    pair = [base.but(depth=4, architecture=name) for name in ("sequential", "parallel")]
    orders = [images_of(trial).epoch_order(3) for trial in pair]
    assert torch.equal(*orders)


def test_an_epoch_is_every_training_image_once(base: Trial) -> None:
    images = images_of(base)
    first, second = (images.epoch_order(epoch)[:, 0].sort().values for epoch in (1, 2))
    assert torch.equal(first, second)
    assert torch.equal(first, images.train_index)
    assert len(first.unique()) == base.train_samples


def test_order_is_that_of_earlier_releases(base: Trial) -> None:
    """A change here changes every result: it takes a new trial schema."""
    order = images_of(base.but(seed=7, draws="crossed")).epoch_order(2)
    digest = hashlib.sha256(order.numpy().astype("<i8").tobytes()).hexdigest()
    assert digest == "eacc3e1d428b1349988829aa06c193e44062e6477ad4d8e6d30cce1d3e1f5b3b"


def test_dropping_trials_leaves_the_order_of_the_others(base: Trial) -> None:
    images = images_of(*(base.but(seed=seed) for seed in range(3)))
    before, train = images.epoch_order(2), images.train_index
    images.keep(torch.tensor([0, 2]))
    assert torch.equal(images.epoch_order(2), before[:, [0, 2]])
    assert torch.equal(images.train_index, train[:, [0, 2]])


@pytest.mark.parametrize("dataset", ["mnist", "digits"])
def test_training_subsets_are_balanced_and_the_seeds_own(dataset: str, base: Trial) -> None:
    trial = base.but(dataset=dataset, image_size=7)
    images = images_of(trial, trial.but(seed=1))
    labels = load(dataset).train_labels
    for column in images.train_index.T.numpy():
        assert np.bincount(labels[column]).tolist() == [20] * 10
    assert not torch.equal(images.train_index[:, 0], images.train_index[:, 1])


def test_the_test_split_judges_all_seeds_by_the_same_images(base: Trial) -> None:
    images = images_of(base, base.but(seed=1))
    assert images.validation_index.shape == (base.val_samples,)
    assert np.bincount(load("mnist").test_labels[images.validation_index.numpy()]).tolist() == [15] * 10
    assert len(images.validation.labels) == 10_000


def test_held_out_images_are_the_seeds_own_and_never_trained_on(base: Trial) -> None:
    trial = base.but(dataset="digits", image_size=8, validation="held-out", train_samples=0, val_samples=0)
    images = images_of(trial, trial.but(seed=1))
    assert images.validation is images.train
    train, held = images.train_index.T.numpy(), images.validation_index.T.numpy()
    for trained, judged in zip(train, held, strict=True):
        assert sorted([*trained, *judged]) == list(range(DATASETS["digits"].train_size))
    assert len(held[0]) == round(DATASETS["digits"].train_size / 10)
    assert set(held[0]) != set(held[1])


@pytest.mark.parametrize("normalisation", ["none", "published"])
@pytest.mark.parametrize(("dataset", "size"), [("mnist", 28), ("mnist", 7), ("digits", 8)])
def test_pixels(dataset: str, size: int, normalisation: str, base: Trial) -> None:
    trial = base.but(dataset=dataset, image_size=size, normalisation=normalisation)
    images = images_of(trial)
    index = images.epoch_order(1)[:5, 0]
    pixels, labels = images.train.batch(index)
    data = load(dataset)
    expected = area_average(data.train_images[index.numpy()], size) / np.float64(255)
    if normalisation == "published":
        expected = (expected - np.array(data.spec.mean)) / np.array(data.spec.std)
    assert pixels.dtype == torch.float32
    np.testing.assert_allclose(pixels.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert labels.tolist() == data.train_labels[index.numpy()].tolist()


def test_each_network_has_the_images_of_its_own_column(base: Trial) -> None:
    images = images_of(*(base.but(seed=seed) for seed in range(3)))
    index = images.epoch_order(1)[:4]
    pixels, labels = images.train.batch(index)
    assert pixels.shape == (4, 7, 7, 3, 1)
    for k in range(3):
        alone, alone_labels = images.train.batch(index[:, k])
        assert torch.equal(pixels[:, :, :, k], alone)
        assert torch.equal(labels[k], alone_labels)
