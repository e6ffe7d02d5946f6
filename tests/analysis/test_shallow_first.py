"""Networks by epoch: effective lengths, when subnetworks learn, what low orders explain, and kinds compared."""

import math
from pathlib import Path

import numpy as np
import pytest

from analysis.measurements import Study
from analysis.questions.shallow_first.kinds import pairs
from analysis.questions.shallow_first.learning import Learning, find_learning
from analysis.questions.shallow_first.lengths import LengthCourse, find_lengths
from analysis.questions.shallow_first.summary import find
from analysis.questions.shallow_first.terms import Terms, find_terms
from analysis.results import Results
from models.kinds.resnet import PreActivationResNet
from tests.analysis.synthetic_measurements import (
    STUDY,
    ended,
    in_training,
    opened,
    path_rows,
    preresnet,
    subnetwork_rows,
    truncated_rows,
)

NAN = math.nan


def only(found: Study | None):
    assert found is not None
    (network,) = found.networks
    return network


def lengths(results: Results) -> LengthCourse:
    return only(find_lengths(results, STUDY))


def learning(results: Results) -> Learning:
    return only(find_learning(results, STUDY))


def terms(results: Results) -> Terms:
    return only(find_terms(results, STUDY))


def paths(factor: float, blocks: int = 9) -> list:
    """Norms whose effective length is factor / (1 + factor) of the blocks."""
    return path_rows({k: [factor**k] for k in range(blocks + 1)}, blocks)


def walked(seed: int, factors: dict[int, float], **fields):
    """A ResNet-20 of ten epochs with norms by epoch."""
    trial = preresnet(20, seed, measure="paths", measure_every=5, **fields)
    return ended(trial, 0.2, measurements=in_training({epoch: paths(factor) for epoch, factor in factors.items()}))


def test_the_effective_length_has_a_course_and_a_growth_by_seed(tmp_path: Path) -> None:
    factors = ({0: 1.0, 5: 0.5, 10: 0.8}, {0: 1.0, 5: 0.25, 10: 1.0}, {0: 0.5, 5: 0.5, 10: 0.5})
    found = lengths(opened(tmp_path, [walked(seed, each) for seed, each in enumerate(factors)]))
    expected = np.array([[4.5, 3.0, 4.0], [4.5, 1.8, 4.5], [3.0, 3.0, 3.0]])
    assert found.epoch.tolist() == [0, 5, 10]
    assert found.effective == pytest.approx(expected)
    assert found.over_epochs.mean == pytest.approx(expected.mean(axis=0))
    assert (found.began, found.growth.n) == (1, 3)
    assert found.growth.estimate == pytest.approx((1.0 + 2.7 + 0.0) / 3)
    assert found.layers == pytest.approx([8.0, 9.0, 6.0])
    assert (found.judged, found.layers_a_block, found.mean_length) == (True, 2, pytest.approx(4.5))
    assert found.contribution.shape == (3, 10)
    assert found.contribution.sum(axis=1) == pytest.approx(np.ones(3))
    # Two of three are binomial with chance 1/2 before training: a mean of 2/3 * C(9, 0) / 2^9 + 1/3 * (2/3)^9.
    assert found.contribution[0, 0] == pytest.approx(2 / 3 / 512 + (2 / 3) ** 9 / 3)
    assert (found.band[0] == [1, 7]).all()
    assert found.error == pytest.approx([0.2] * 3)


def test_epochs_that_a_seed_lacks_are_left_out(tmp_path: Path) -> None:
    dead = path_rows({k: [0.0, None] for k in range(10)}, 9)
    some = ended(
        preresnet(20, 1, measure="paths", measure_every=5),
        measurements=in_training({0: dead, 10: paths(1.0)}),
    )
    found = lengths(opened(tmp_path, [walked(0, {0: 1.0, 5: 0.5, 10: 0.8}), some]))
    np.testing.assert_allclose(found.effective, [[4.5, 3, 4], [NAN, NAN, 4.5]])
    assert found.over_epochs.n.tolist() == [1, 1, 2]
    assert (found.growth.n, found.growth.estimate) == (1, pytest.approx(1.0))


def test_without_an_epoch_in_between_nothing_grows(tmp_path: Path) -> None:
    found = lengths(opened(tmp_path, [walked(0, {0: 1.0, 10: 0.8})]))
    assert (found.began, found.growth.n) == (None, 0)


def test_trials_that_were_measured_at_their_end_alone_are_no_course(tmp_path: Path) -> None:
    results = opened(tmp_path, [ended(preresnet(20, 0, measure="paths"), measurements=paths(0.5))])
    assert find_lengths(results, STUDY) is None
    assert find(results, STUDY) is None


def ramp(epoch: int, until: float, gain: float) -> list[float]:
    """Accuracies of two draws, on average guessing and a straight rise to a gain."""
    middle = 0.1 + gain * min(1.0, epoch / until)
    return [middle - 0.02, middle + 0.02]


def learner(seed: int, until: dict[int, float], gains: dict[int, float] | None = None, **fields):
    """A ResNet-20 measured at every one of ten epochs, whose subnetworks gain 0.5 by the epoch given."""
    trial = preresnet(20, seed, measure="subnetworks", measure_every=1, **fields)
    by_epoch = {
        epoch: subnetwork_rows({size: ramp(epoch, end, (gains or {}).get(size, 0.5)) for size, end in until.items()})
        for epoch in range(11)
    }
    return ended(trial, 0.2, measurements=in_training(by_epoch))


def test_a_size_has_learned_at_nine_tenths_of_its_gain(tmp_path: Path) -> None:
    # The ramps bend at whole epochs, so the straight lines between these are the ramps.
    store = opened(tmp_path, [learner(0, {0: 1, 3: 2, 6: 5, 9: 8}, {0: 0.04}), learner(1, {0: 1, 3: 4, 6: 2, 9: 10})])
    found = learning(store)
    assert (found.size.tolist(), found.epoch.tolist()) == ([0, 3, 6, 9], list(range(11)))
    assert found.accuracy[0, 1, 1] == pytest.approx(0.1 + 0.25)
    np.testing.assert_allclose(found.learned, [[NAN, 1.8, 4.5, 7.2], [0.9, 3.6, 1.8, 9.0]])
    np.testing.assert_allclose(found.stays, found.learned)
    assert found.order.tau.estimate == pytest.approx((1 + 4 / 6) / 2)
    assert (found.compared, found.reference, found.ends) == (3, 1.0, (1, 3))
    assert found.over_seeds.n.tolist() == [1, 2, 2, 2]
    assert found.judged


def test_near_guessing_no_size_has_learned(tmp_path: Path) -> None:
    found = learning(opened(tmp_path, [learner(0, {0: 1, 5: 2, 9: 3}, {0: 0.0, 5: 0.01, 9: 0.02})]))
    assert np.isnan(found.learned).all()
    assert (found.compared, found.ends, found.judged, found.order.tau.n) == (0, None, False, 0)


def test_what_low_orders_explain_is_a_share_of_what_is_learned(tmp_path: Path) -> None:
    trial = preresnet(8, 0, measure="truncation", measure_every=5).but(network="stack", architecture="sequential")
    guess = math.log(10)
    by_epoch = {
        0: {1: guess, 8: guess - 0.1},
        5: {1: guess - 0.5, 8: guess - 1.0},
        10: {1: guess + 1.0, 4: None, 8: guess - 2.0},
    }
    rows = in_training({epoch: truncated_rows(losses) for epoch, losses in by_epoch.items()})
    found = terms(opened(tmp_path, [ended(trial, measurements=rows)]))
    assert (found.order.tolist(), found.expands) == ([1, 8], True)
    # Before training the network has learned less than a twentieth of ln 10.
    np.testing.assert_allclose(found.share, [[[NAN, 0.5, -0.5], [NAN, 1, 1]]])


def test_kinds_are_compared_in_layers_on_the_same_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreActivationResNet, "concatenates", True)
    resnets = [
        ended(
            preresnet(20, seed, measure="paths", measure_every=5).but(network="resnet"),
            0.4,
            measurements=in_training({0: paths(1.0), 5: paths(1.0), 10: paths(factor)}),
        )
        for seed, factor in enumerate((1.0, 0.8, 1.25))
    ]
    dense = [walked(seed, {0: 1.0, 5: 1.0, 10: factor}) for seed, factor in enumerate((0.5, 0.25, 0.5))]
    other = walked(0, {0: 1.0, 10: 1.0}, image_size=16)
    found = find_lengths(opened(tmp_path, [*resnets, *dense, other]), STUDY)
    assert found is not None
    (pair,) = pairs(found.networks)
    assert (pair.adding.trial["network"], pair.joining.trial["network"]) == ("resnet", "preresnet")
    # 18 layers times 1/2, 4/9, 5/9, and 1/3, 1/5, 1/3.
    assert pair.layers.estimate == pytest.approx((9 + 8 + 10) / 3 - (6 + 3.6 + 6) / 3)
    assert pair.error.estimate == pytest.approx(0.2)
