"""What each look at growing results may spend."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.equivalence.verdict import alpha_of_look

STEADY = settings(derandomize=True)
ALPHAS = pytest.mark.parametrize("alpha", [0.01, 0.05, 0.10])


@ALPHAS
def test_the_first_look_has_four_fifths_and_later_ones_half_of_what_is_left(alpha: float) -> None:
    left = alpha
    for look in range(1, 20):
        share = 0.8 if look == 1 else 0.5
        assert alpha_of_look(look, alpha) == pytest.approx(share * left, rel=1e-9)
        left -= alpha_of_look(look, alpha)


@ALPHAS
@pytest.mark.parametrize("looks", [1, 2, 3, 10, 50])
def test_all_looks_together_stay_below_alpha(alpha: float, looks: int) -> None:
    spent = sum(alpha_of_look(look, alpha) for look in range(1, looks + 1))
    assert spent < alpha or (looks == 50 and spent == pytest.approx(alpha, abs=1e-12))
    assert spent >= 0.8 * alpha


@STEADY
@given(st.integers(1, 500), st.floats(1e-6, 0.5))
def test_every_look_has_less_than_the_one_before_and_something(look: int, alpha: float) -> None:
    assert 0 < alpha_of_look(look + 1, alpha) < alpha_of_look(look, alpha) < alpha


@STEADY
@given(st.integers(1, 60), st.floats(1e-6, 0.5))
def test_it_is_a_share_of_alpha(look: int, alpha: float) -> None:
    assert alpha_of_look(look, alpha) == pytest.approx(alpha * alpha_of_look(look, 1.0))


def test_very_many_looks_do_without_warnings() -> None:
    assert 0 <= alpha_of_look(100_000, 0.05) < 1e-100


@pytest.mark.parametrize("look", [0, -1, -100])
def test_looks_are_counted_from_one(look: int) -> None:
    with pytest.raises(ValueError, match=f"counted from 1, not {look}"):
        alpha_of_look(look, 0.05)
