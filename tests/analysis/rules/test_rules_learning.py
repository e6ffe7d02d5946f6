"""What networks that do not learn, diverge, or differ in ways that a mean hides may be said to show."""

import math
from collections.abc import Callable

import pytest

from analysis.equivalence.verdict import Verdict
from sweep.ledger import Margins
from sweep.trial import Trial
from tests.analysis.rules.trials import CHANCE, WIDTHS, caveat, learning, noise, study, withheld

# Did the networks learn, and does depth help?


def test_networks_that_learn_with_depth_that_helps_are_plainly_equivalent(judge):
    found = judge(learning)
    assert found.verdict == Verdict.EQUIVALENT
    assert found.plain
    assert (found.withheld, found.caveats) == ((), ())
    assert found.inside.share.value > 0.99
    assert found.assay is not None
    assert math.exp(found.assay.depth.estimate) == pytest.approx(0.7, abs=0.01)
    assert found.assay.compared == found.configurations == 24


@pytest.mark.parametrize("scale", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("losses", [(2.255, 2.295), (2.295, 2.255)], ids=str)
def test_networks_that_barely_learn_are_not_equivalent_however_near_their_ratio_is_to_one(losses, scale, judge):
    found = judge(lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + scale * noise(each)))
    assert found.grid.p_inside(-found.margin, found.margin) < found.alpha
    assert not found.is_equivalent


@pytest.mark.parametrize("scale", [1e-4, 0.01])
@pytest.mark.parametrize(
    "losses",
    [(CHANCE + 0.01, CHANCE + 0.01), (CHANCE / 0.92, CHANCE + 0.01), (3 / 0.92, 3.0), (3.0, 3 / 0.92)],
    ids=["at guessing", "parallel at guessing", "parallel ahead by 8 %", "sequential ahead by 8 %"],
)
def test_networks_that_never_learned_are_neither_equivalent_nor_better(losses, scale, judge):
    found = judge(lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + scale * noise(each)))
    assert withheld(found, "the networks are not shown to learn anything: their losses are no better than guessing")
    assert found.assay is not None
    assert found.assay.unlearned == ["sequential", "parallel"]


def test_a_side_that_learns_nothing_is_not_equivalent_to_one_that_learns_little(judge):
    """0.1 of a nat is inside a margin of 100 % of the loss, and all that there is."""
    losses = (CHANCE - 0.1, CHANCE)
    loss = lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + 0.01 * noise(each))  # noqa: E731
    assert judge(loss).verdict == Verdict.SECOND_BETTER
    wide = judge(loss, margins=Margins(2.0))
    assert withheld(wide, "the parallel networks are not shown to learn anything")


def test_where_depth_does_not_help_equivalence_is_never_plain(judge):
    for helps in (1.0, 1.2):
        found = judge(lambda each, helps=helps: learning(each, helps=helps))
        assert found.is_equivalent
        assert not found.plain
        assert caveat(found, "depth does not help here")


def test_without_networks_of_one_block_equivalence_is_never_plain(judge):
    found = judge(learning, study(depths=(2, 4), widths=range(1, 7)))
    assert found.is_equivalent
    assert not found.plain
    assert caveat(found, "whether depth helps here is not known")


def test_a_block_of_another_width_is_nothing_to_compare_with(judge):
    trials = [*study(depths=(1,), widths=[99]), *study(depths=(4,))]
    found = judge(learning, trials)
    assert found.assay is not None
    assert found.assay.compared == 0
    assert not found.plain


def test_a_loss_inside_the_ratio_may_be_too_much_of_what_was_learned(judge):
    """1.08 of a loss of 1.5 is 15 % of what networks learn, which is chance less that loss."""

    def of(scale: float) -> Callable[[Trial], float]:
        def loss(each: Trial) -> float:
            ratio = 1.08 if each.architecture == "parallel" and each.depth > 1 else 1.0
            return scale * ratio * (1.1 if each.depth == 1 else 1.0) * math.exp(0.002 * noise(each))

        return loss

    found = judge(of(1.5))
    assert found.grid.p_inside(-found.margin, found.margin) < 1e-6
    assert found.learned is not None
    assert found.learned.share.low > 0.1
    assert not found.is_equivalent
    assert found.p_equivalence > 0.9
    assert judge(of(0.3)).verdict == Verdict.DIFFERENT_INSIDE


# What diverged.


def diverging(percent: float, *sides: str) -> Callable[[Trial], float | str]:
    """Deep networks of these sides diverge in a share of the pairs, spread over all configurations."""

    def loss(each: Trial) -> float | str:
        place = (WIDTHS.index(each.filters) * 2 + (each.activation == "tanh")) * 3 + each.seed
        hit = each.depth > 1 and each.architecture in sides and (place * 29) % 72 < 72 * percent / 100
        return "diverged" if hit else learning(each)

    return loss


@pytest.mark.parametrize("percent", [8, 40, 100])
def test_networks_that_diverge_are_never_plainly_equivalent(percent, judge):
    found = judge(diverging(percent, "parallel"))
    assert found.counts.parallel_diverged == math.ceil(0.72 * percent)
    assert not found.plain
    assert not found.is_equivalent or caveat(found, "the parallel networks diverge more often")


def test_a_few_that_diverge_cost_a_plain_verdict(judge):
    """5 % of 72 pairs, in four configurations: no test of so few says more, but the mean does."""
    found = judge(diverging(5, "parallel"))
    assert found.counts.parallel_diverged == 4
    assert not found.plain
    assert not found.is_equivalent


@pytest.mark.parametrize(
    ("side", "verdict"),
    [
        ("parallel", Verdict.SECOND_BETTER),
        ("sequential", Verdict.FIRST_BETTER),
    ],
)
def test_networks_that_always_diverge_are_worse(side, verdict, judge):
    found = judge(diverging(100, side))
    assert found.verdict == verdict
    assert found.beyond


def test_what_both_sides_lose_says_nothing_of_either(judge):
    whole = judge(learning, study(widths=range(1, 25)))
    found = judge(
        lambda each: "diverged" if each.depth > 1 and each.filters > 12 else learning(each), study(widths=range(1, 25))
    )
    assert found.counts.diverged == found.counts.parallel_diverged == 72
    assert (found.configurations, whole.configurations) == (24, 48)
    assert found.divergence.p_exact == 1.0
    assert found.verdict == Verdict.EQUIVALENT
    assert not caveat(found, "diverge")
    assert judge(diverging(100, "sequential", "parallel")).verdict == Verdict.UNDECIDED


# What a mean can hide.


def test_ratios_that_cancel_by_a_pattern_of_two_factors_are_equivalent_on_average_alone(judge):
    def loss(each: Trial) -> float:
        same = (each.filters % 2 == 0) == (each.activation == "relu")
        return learning(each, 1.3 if same else 1 / 1.3)

    found = judge(loss)
    assert found.grid.estimate == pytest.approx(0.0, abs=0.01)
    assert found.is_equivalent
    assert not found.plain
    assert caveat(found, "on average alone")
    assert found.inside.share.value < 0.01
    assert found.networks.standard_error > 5 * found.grid.standard_error
