"""Stacks that the compiled kernel trains."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from sweep.engine.kernels import chosen, wanted
from sweep.engine.training import train
from sweep.result import Setting, TrialResult
from sweep.trial import Trial

Curves = Callable[[TrialResult], list[tuple[float, ...]]]


def run(trials: list[Trial], **setting: object) -> list[TrialResult]:
    *_, results = train(trials, Setting(**{"kernel": "native", **setting}))
    assert isinstance(results, list)
    return results


def pack(base: Trial) -> list[Trial]:
    activations = ("relu", "tanh", "gelu", "sigmoid")
    return [base.but(seed=seed, activation=name) for seed in range(2) for name in activations]


def test_same_bits_alone_in_a_pack_and_on_several_threads(base: Trial, curves: Curves) -> None:
    alone = [curves(run([trial])[0]) for trial in pack(base)]
    assert [curves(result) for result in run(pack(base))] == alone
    assert [curves(result) for result in run(pack(base)[::-1])] == alone[::-1]
    assert [curves(result) for result in run(pack(base), threads=3)] == alone


def test_a_network_that_diverges_does_not_change_a_bit_of_its_neighbours(base: Trial, curves: Curves) -> None:
    sgd = base.but(optimizer="sgd", learning_rate=1e-2)
    healthy, absurd = [sgd, sgd.but(seed=1)], sgd.but(learning_rate=100.0)
    first, diverged, second = run([healthy[0], absurd, healthy[1]])
    assert (diverged.status, diverged.diverged_epoch, diverged.epochs) == ("diverged", 1, ())
    assert [curves(first), curves(second)] == [curves(result) for result in run(healthy)]


def test_both_arrangements_of_depth_one_are_the_same_bits(base: Trial, curves: Curves) -> None:
    one = base.but(depth=1)
    sides = run([one, one.but(architecture="parallel")])
    assert curves(sides[0]) == curves(sides[1])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"architecture": "parallel", "depth": 4, "filters": 3},
        {"architecture": "mixed", "depth": 4, "stages": 2, "filters": 5, "activation": "gelu"},
        {"depth": 3, "kernel_size": 5, "activation": "tanh", "image_size": 13},
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.02, "schedule": "onecycle"},
        {"optimizer": "nesterov", "momentum": 0.9, "learning_rate": 0.02, "activation": "sigmoid"},
        {"normalisation": "none", "validation": "held-out", "batch_size": 7},
    ],
    ids=str,
)
def test_either_kernel_gives_the_same_to_rounding(base: Trial, changed: dict) -> None:
    trial = base.but(**changed)
    (native,), (torch,) = run([trial]), run([trial], kernel="torch")
    assert (native.kernel, torch.kernel) == ("native", "torch")
    assert len(native.epochs) == len(torch.epochs) == 2
    for one, other in zip(native.epochs, torch.epochs, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert one.val_loss == pytest.approx(other.val_loss, rel=1e-4)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=2e-3)


def test_a_measured_network_is_the_one_that_was_trained(base: Trial) -> None:
    trial = base.but(measure="lesions", depth=4)
    (native,), (torch,) = run([trial]), run([trial], kernel="torch")
    assert len(native.measurements) == len(torch.measurements) > 0
    for one, other in zip(native.measurements, torch.measurements, strict=True):
        assert {**asdict(one), "value": 0} == {**asdict(other), "value": 0}
        assert one.value == pytest.approx(other.value, rel=1e-3, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "device", "kernel", "form"),
    [
        ({}, "cpu", "auto", "native"),
        ({}, "cpu", "torch", "torch"),
        ({}, "cuda", "native", "torch"),
        ({"precision": "bf16"}, "cpu", "native", "torch"),
        ({"filters": 64, "kernel_size": 7}, "cpu", "auto", "torch"),
        ({"filters": 64, "kernel_size": 7}, "cpu", "native", "native"),
        ({"network": "vgg", "depth": 11}, "cpu", "native", "torch"),
    ],
    ids=str,
)
def test_the_kernel_follows_from_the_trial_the_device_and_the_option(
    changed: dict, device: str, kernel: str, form: str
) -> None:
    trial = Trial("test", dataset="cifar10", **changed)
    assert wanted(trial, device, kernel) == form
    if form == "torch":
        assert chosen(trial, device, kernel) == form
