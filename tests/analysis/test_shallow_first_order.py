"""When a gain reaches its goal, and whether small subnetworks are first: against numbers by hand and SciPy."""

import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from scipy import stats

from analysis.questions.shallow_first.order import Order, kendall_tau, over_sizes, reached, shown, shuffled, slope

NAN = math.nan


@pytest.mark.parametrize(
    ("gain", "first", "stays"),
    [
        # From 0.2 at epoch 2 to 0.5 at epoch 4, the goal is 0.45.
        ([0.0, 0.2, 0.5, 0.5], 2 + 2 * 0.25 / 0.3, 2 + 2 * 0.25 / 0.3),
        # It falls below its goal again at epoch 4.
        ([0.0, 0.5, 0.3, 0.5], 2 * 0.45 / 0.5, 4 + 2 * 0.15 / 0.2),
        # It gains more on the way than at the end.
        ([0.0, 0.9, 0.6, 0.5], 2 * 0.45 / 0.9, 2 * 0.45 / 0.9),
        ([0.5, 0.5, 0.5, 0.5], 0, 0),
        ([0.0, NAN, 0.25, 0.5], 4 + 2 * 0.2 / 0.25, 4 + 2 * 0.2 / 0.25),
        ([0.0, NAN, NAN, 0.5], NAN, NAN),
        ([0.0, 0.5, 0.5, 0.04], NAN, NAN),
        ([0.0, 0.5, 0.5, -0.1], NAN, NAN),
        ([0.0, 0.5, 0.5, NAN], NAN, NAN),
        ([NAN, NAN, NAN, NAN], NAN, NAN),
    ],
)
def test_a_gain_reaches_its_goal_on_the_line_between_epochs(gain: list[float], first: float, stays: float) -> None:
    found = reached(np.array([0.0, 2, 4, 6]), np.array(gain))
    assert found == (pytest.approx(first, nan_ok=True), pytest.approx(stays, nan_ok=True))


def test_kendalls_tau_is_that_of_scipy() -> None:
    assert kendall_tau([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, y = rng.integers(0, 6, (2, 9))
        assert kendall_tau(x, y) == pytest.approx(cast(Any, stats.kendalltau(x, y)).statistic)
    assert math.isnan(kendall_tau([1, 2, 3], [4, 4, 4]))
    assert math.isnan(kendall_tau([], []))


def test_the_slope_is_that_of_a_straight_line() -> None:
    assert slope([0, 2, 4], [1, 2, 6]) == pytest.approx(np.polyfit([0, 2, 4], [1, 2, 6], 1)[0])
    assert math.isnan(slope([3, 3], [1, 2]))


@pytest.mark.parametrize("count", range(2, 8))
def test_shuffled_orders_are_counted(count: int) -> None:
    sizes = list(range(count))
    taus = np.abs([kendall_tau(sizes, order) for order in itertools.permutations(sizes)])
    bound = shuffled(count)
    assert (taus <= bound + 1e-9).mean() >= 0.95
    assert (taus < bound - 1e-9).mean() < 0.95


def test_the_bound_of_many_sizes_is_that_of_a_normal_tau() -> None:
    assert (shuffled(3), shuffled(5)) == (1, pytest.approx(0.8))
    assert shuffled(41) == pytest.approx(shuffled(40), abs=0.01)
    assert math.isnan(shuffled(1))


def order(*learned: list[float], stays: list[list[float]] | None = None) -> Order:
    size = np.arange(len(learned[0]), dtype=float)
    return over_sizes(size, np.array(learned), np.array(learned if stays is None else stays))


def test_a_seed_has_one_tau_and_one_slope() -> None:
    found = order([1.0, 2.0, 3.0, NAN], [2.0, 6.0, 4.0, 8.0], [1.0, NAN, 2.0, NAN], [5.0, 5.0, 5.0, 5.0])
    # The third has too few sizes, and the fourth no order.
    assert (found.tau.n, found.delay.n) == (2, 2)
    assert found.tau.estimate == pytest.approx((1 + 4 / 6) / 2)
    # Away from the middle by -1.5, -0.5, 0.5, 1.5: (-3 - 3 + 2 + 12) / 5.
    assert found.delay.estimate == pytest.approx((1 + 8 / 5) / 2)


def test_no_size_has_no_order() -> None:
    found = order([NAN, NAN, NAN])
    assert (found.tau.n, math.isnan(found.tau.estimate)) == (0, True)
    assert shown([found]) == [0]
    assert shown([]) == []


ALIKE = [[1.0, 2.0, 3.0, 4.1], [1.1, 2.0, 3.1, 4.0], [0.9, 2.1, 3.0, 4.0]]
REVERSED = [each[::-1] for each in ALIKE]


def test_few_blocks_are_first_where_every_test_says_so() -> None:
    assert shown([order(*ALIKE)]) == [1]
    assert shown([order(*REVERSED)]) == [-1]
    assert shown([order(*ALIKE), order(*REVERSED)]) == [1, -1]
    assert shown([order(*ALIKE[:2])]) == [0]


def test_taus_that_are_alike_by_chance_show_nothing() -> None:
    """Three sizes have four taus, so three seeds often have the same, without any spread."""
    chance = order([1.0, 9.0, 8.0], [2.0, 2.5, 2.2], [8.0, 3.0, 8.5])
    assert (chance.tau.estimate, chance.tau.standard_error) == (pytest.approx(1 / 3), 0)
    assert chance.tau.p == 0
    assert shown([chance]) == [0]


def test_an_order_by_fluctuation_alone_shows_nothing() -> None:
    """Small gains that fluctuate reach their goal early, and stay there late."""
    assert shown([order(*ALIKE, stays=REVERSED)]) == [0]
