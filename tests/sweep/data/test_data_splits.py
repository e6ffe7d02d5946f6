import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.data import Dataset, balanced_subset, held_out
from sweep.errors import SweepError

steady = settings(deadline=None, derandomize=True)
labels_ = st.lists(st.integers(0, 4), max_size=60).map(lambda x: np.array(x, np.uint8))
seeds = st.integers(0, 2**64 - 1)


@steady
@given(labels_, seeds, st.data())
def test_subsets_are_nested_and_as_balanced_as_the_labels_allow(
    labels: np.ndarray, seed: int, data: st.DataObject
) -> None:
    large = data.draw(st.integers(0, len(labels)))
    small = data.draw(st.integers(0, large))
    subset = balanced_subset(labels, large, seed)
    assert subset.dtype == np.int64
    assert subset.shape == (large,)
    assert len(set(subset.tolist())) == large
    np.testing.assert_array_equal(balanced_subset(labels, small, seed), subset[:small])
    available = np.bincount(labels, minlength=5)
    taken = np.bincount(labels[subset], minlength=5)
    unfinished = taken[taken < available]
    assert not unfinished.size or taken.max() <= unfinished.min() + 1


@steady
@given(labels_, seeds)
def test_the_whole_is_a_permutation(labels: np.ndarray, seed: int) -> None:
    np.testing.assert_array_equal(np.sort(balanced_subset(labels, len(labels), seed)), np.arange(len(labels)))


@steady
@given(labels_, seeds, st.floats(0.05, 0.95))
def test_held_out_is_disjoint_covering_and_balanced(labels: np.ndarray, seed: int, fraction: float) -> None:
    expected = int(fraction * len(labels) + 0.5)
    if not 0 < expected < len(labels):
        with pytest.raises(SweepError, match="leaves one part empty"):
            held_out(labels, fraction, seed)
        return
    train, held = held_out(labels, fraction, seed)
    assert len(held) == expected
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), np.arange(len(labels)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()
    taken, available = np.bincount(labels[held], minlength=5), np.bincount(labels, minlength=5)
    unfinished = taken[taken < available]
    assert not unfinished.size or taken.max() <= unfinished.min() + 1


def test_known_values_stay_what_they_are() -> None:
    labels = np.arange(100) % 10
    assert balanced_subset(labels, 12, seed=7).tolist() == [98, 23, 49, 51, 87, 80, 35, 52, 34, 6, 8, 77]
    assert held_out(labels, 0.1, seed=7)[1].tolist() == [3, 10, 18, 21, 27, 56, 69, 82, 94, 95]


def test_rare_classes_run_out_and_the_others_fill_up() -> None:
    labels = np.array([0] * 2 + [1] * 20 + [2] * 20)
    assert np.bincount(labels[balanced_subset(labels, 22, seed=1)]).tolist() == [2, 10, 10]


def test_seeds_and_purposes_differ(mnist: Dataset) -> None:
    labels = mnist.train_labels
    subset = balanced_subset(labels, 1000, seed=0)
    assert set(np.bincount(labels[subset])) == {100}
    for other in (balanced_subset(labels, 1000, seed=1), held_out(labels, 1 / 60, seed=0)[1]):
        assert len(other) == 1000
        # Two independent thousands of 60000 share 17 on average.
        assert len(np.intersect1d(subset, other)) < 40


@pytest.mark.parametrize("count", [-1, 4])
def test_an_impossible_count_is_refused(count: int) -> None:
    with pytest.raises(SweepError, match=rf"A subset cannot have {count} images; take 0 to 3"):
        balanced_subset([0, 1, 2], count, seed=0)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_an_impossible_fraction_is_refused(fraction: float) -> None:
    with pytest.raises(SweepError, match="leaves one part empty"):
        held_out([0, 1, 2], fraction, seed=0)
