"""Ratios of gradient norms, against gradients that autograd gives at each state."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.intervention import Intervention
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.measures import gradient_norms
from sweep.measures.base import Subject
from sweep.measures.gradient_norms import STAGE, TRANSITION
from sweep.result import Measurement
from sweep.trial import Trial

BASE = Trial("test", dataset="digits", train_samples=80, val_samples=20, measure="gradient-norms", filters=4, seed=3)
TRIALS = {
    "preresnet": BASE.but(network="preresnet", depth=14),
    "resnet": BASE.but(network="resnet", depth=14),
    "vgg": BASE.but(network="vgg", depth=7),
    "sequential": BASE.but(depth=6),
    "mixed": BASE.but(depth=6, architecture="mixed", stages=3),
}


def subject_of(trial: Trial, intervention: Intervention | None = None) -> Subject:
    network = build(trial).eval()
    images = TrialImages([trial], "cpu", None)
    return Subject(trial, network, intervention or Intervention(), images, lambda: network)


def rows_of(subject: Subject) -> list[Measurement]:
    [measure] = subject.trial.measured_by
    shares, rows = zip(*measure.measure(subject), strict=True)
    assert list(shares) == sorted(shares)
    assert shares[-1] == 1
    return [row for some in rows for row in some]


def gradients(subject: Subject) -> list[Tensor]:
    """The loss's gradient at each state."""
    network = subject.network.double()
    images, labels = subject.images.train.batch(subject.images.train_index.flatten())
    pixels = images.permute(0, 3, 1, 2).double().requires_grad_()
    states = list(network.states(network.stem(pixels), subject.intervention))
    loss = F.cross_entropy(network.head(states[-1]), labels)
    return list(torch.autograd.grad(loss, states))


def by_hand(subject: Subject) -> list[float]:
    norms = [float(gradient.norm()) for gradient in gradients(subject)]
    return [before / after for before, after in pairwise(norms)]


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
@pytest.mark.parametrize("batch", [None, 7])
def test_ratios_are_those_of_the_gradients_at_the_states(
    trial: Trial, batch: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if batch:
        monkeypatch.setattr(gradient_norms, "_BATCH_VALUES", batch * trial.shape.activation_elements)
    subject = subject_of(trial, Intervention(gates={0: 0.7}))
    rows = rows_of(subject)
    stages = [row for row in rows if row.measurement == STAGE]
    assert [row.size for row in stages] == list(range(len(subject.network.stages)))
    assert [row.value for row in stages] == pytest.approx(by_hand(subject), rel=1e-3)
    assert not any(row.measurement == TRANSITION for row in rows)


@pytest.mark.parametrize("name", ["sequential", "mixed"])
def test_a_transition_after_a_stage_stands_apart(name: str) -> None:
    subject = subject_of(TRIALS[name])
    last = subject.network.stages[1][-1]
    transition = nn.Conv2d(4, 4, 1)
    subject.network.block(last).after = transition
    rows = {(row.measurement, row.size): row.value or 0.0 for row in rows_of(subject)}
    stages = [(STAGE, stage) for stage in range(len(subject.network.stages))]
    assert list(rows) == [*stages[:2], (TRANSITION, 1), *stages[2:]]
    _, whole, *_ = by_hand(subject)
    _, _, after, *_ = gradients(subject)
    before = F.conv_transpose2d(after, transition.weight.detach())
    assert rows[TRANSITION, 1] == pytest.approx(float(before.norm() / after.norm()), rel=1e-3)
    assert rows[STAGE, 1] * rows[TRANSITION, 1] == pytest.approx(whole, rel=1e-3)


def test_fewer_images_are_spread_over_the_training_images() -> None:
    few = rows_of(subject_of(BASE.but(depth=3, gradient_images=10)))
    alike = rows_of(subject_of(BASE.but(depth=3, gradient_images=80)))
    assert [row.value for row in few] != [row.value for row in alike]
    assert all(row.value is not None and math.isfinite(row.value) for row in few)


def test_a_gradient_that_does_not_arrive_has_no_ratio() -> None:
    subject = subject_of(TRIALS["sequential"])
    with torch.no_grad():
        subject.network.head.get_submodule("1").get_parameter("weight").zero_()
    assert {row.value for row in rows_of(subject)} == {None}


def test_the_network_stays_as_it_was() -> None:
    subject = subject_of(TRIALS["preresnet"])
    before = {name: value.clone() for name, value in subject.network.state_dict().items()}
    rows_of(subject)
    assert all(torch.equal(value, before[name]) for name, value in subject.network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in subject.network.parameters())
