import hashlib
import subprocess
import sys

import numpy as np
import pytest

from sweep.data import DATASETS, Dataset, spec
from sweep.errors import SweepError


@pytest.mark.parametrize("name", DATASETS)
def test_arrays_are_the_published_ones(name: str, request: pytest.FixtureRequest) -> None:
    data: Dataset = request.getfixturevalue(name)
    facts = spec(name)
    channels, height, width = facts.shape
    assert data.train_images.shape == (facts.train_size, height, width, channels)
    assert data.test_images.shape == (facts.test_size, height, width, channels)
    for array, digest in facts.digests.items():
        assert hashlib.sha256(getattr(data, array).tobytes()).hexdigest() == digest
    assert set(np.unique(data.train_labels)) == set(np.unique(data.test_labels)) == set(range(facts.classes))


@pytest.mark.parametrize("name", DATASETS)
def test_mean_and_deviation_are_those_of_the_training_pixels(name: str, request: pytest.FixtureRequest) -> None:
    data: Dataset = request.getfixturevalue(name)
    for channel, (mean, std) in enumerate(zip(data.spec.mean, data.spec.std, strict=True)):
        counts = np.bincount(data.train_images[..., channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        measured = np.average(values, weights=counts)
        assert measured == pytest.approx(mean, abs=6e-5)
        assert np.sqrt(np.average((values - measured) ** 2, weights=counts)) == pytest.approx(std, abs=6e-5)


def test_digits_are_scaled_without_loss_and_every_fifth_of_a_class_is_for_testing(digits: Dataset) -> None:
    levels = np.unique(np.concatenate([digits.train_images.ravel(), digits.test_images.ravel()]))
    np.testing.assert_array_equal(levels, np.floor(np.arange(17) * 255 / 16 + 0.5))
    train, test = np.bincount(digits.train_labels), np.bincount(digits.test_labels)
    np.testing.assert_array_equal(test, (train + test) // 5)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SweepError, match=r"no data set 'imagenet'; choose one of cifar10, digits, mnist\.$"):
        spec("imagenet")


def test_importing_the_package_is_light() -> None:
    script = "import sys, sweep.data; print(*{'torch', 'torchvision', 'sklearn', 'PIL', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
