"""A result depends on its trial alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import cycle, islice

import pytest
import torch

from sweep.engine.fused import FusedGroup
from sweep.result import Setting, TrialResult
from sweep.trial import Trial

Train = Callable[..., list[TrialResult]]
Curves = Callable[[TrialResult], list[tuple[float, ...]]]

FREE = {
    "learning_rate": [3e-3, 1e-3, 1e-2],
    "activation": ["relu", "tanh", "gelu", "relu"],
    "seed": [0, 1, 2, 3, 4],
    "initialisation": ["torch", "glorot"],
    "schedule": ["constant", "cosine", "cosine"],
    "weight_decay": [1e-4, 0.0, 1e-2, 0.1],
}


def dozen(base: Trial) -> list[Trial]:
    """Trials of one network that differ in all that a pack leaves free."""
    columns = {name: islice(cycle(levels), 12) for name, levels in FREE.items()}
    return [base.but(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def assert_close(results: list[TrialResult], others: list[TrialResult]) -> None:
    for result, other in zip(results, others, strict=True):
        assert result.trial == other.trial
        for epoch, twin in zip(result.epochs, other.epochs, strict=True):
            assert epoch.train_loss == pytest.approx(twin.train_loss, rel=1e-4)
            assert epoch.val_loss == pytest.approx(twin.val_loss, rel=1e-4)
            assert epoch.gradient_norm == pytest.approx(twin.gradient_norm, rel=1e-3)


@pytest.fixture(scope="module")
def packed(base: Trial, trained: Train) -> list[TrialResult]:
    return trained(dozen(base))


def test_results_come_in_the_order_of_the_trials(base: Trial, packed: list[TrialResult]) -> None:
    assert [result.trial for result in packed] == dozen(base)
    assert len({result.epochs[-1].val_loss for result in packed}) == 12
    assert all(result.status == "finished" and len(result.epochs) == 2 for result in packed)


def test_alone_as_in_a_pack(base: Trial, packed: list[TrialResult], trained: Train) -> None:
    assert_close([trained([trial])[0] for trial in dozen(base)], packed)


def test_fused_across_activations_as_in_a_pack(base: Trial, packed: list[TrialResult]) -> None:
    run = FusedGroup(dozen(base), Setting())
    assert list(run.epochs()) == [0.5, 1.0]
    assert_close(run.results(), packed)


@pytest.mark.parametrize("order", [range(11, -1, -1), [6, 1, 9, 3], [*range(5, 12), *range(5)]], ids=str)
def test_any_place_in_any_pack(order: list[int], base: Trial, packed: list[TrialResult], trained: Train) -> None:
    trials = dozen(base)
    assert_close(trained([trials[i] for i in order]), [packed[i] for i in order])


def test_two_threads_as_one(base: Trial, packed: list[TrialResult], trained: Train) -> None:
    assert_close(trained(dozen(base), threads=2), packed)


def test_run_again_bit_for_bit(base: Trial, packed: list[TrialResult], trained: Train, curves: Curves) -> None:
    torch.manual_seed(99)
    again = trained(dozen(base))
    assert [curves(result) for result in again] == [curves(result) for result in packed]


def test_any_thread_as_the_first(base: Trial, packed: list[TrialResult], trained: Train, curves: Curves) -> None:
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(trained, dozen(base)).result()
    assert [curves(result) for result in results] == [curves(result) for result in packed]


def test_training_leaves_the_arithmetic_of_its_process_alone(base: Trial, trained: Train) -> None:
    trained([base])
    assert float((torch.full((4,), 1e-38) * 1e-4).max()) > 0
    assert 5e-324 * 1.0 > 0


def test_the_global_generators_are_not_moved(base: Trial, trained: Train) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    trained([base])
    assert torch.equal(torch.get_rng_state(), state)


# The compiled kernel does not know bf16: torch would train those twice.
@pytest.mark.parametrize(
    ("trained", "precision"), [("native", "fp32"), ("torch", "fp32"), ("torch", "bf16")], indirect=["trained"]
)
@pytest.mark.parametrize("filters", [1, 2, 8])
@pytest.mark.parametrize(
    "sizes", [{}, {"train_samples": 211, "val_samples": 355, "image_size": 7}], ids=["even", "odd"]
)
def test_twins_of_depth_one_are_identical_bit_for_bit(
    filters: int, precision: str, sizes: dict[str, int], base: Trial, trained: Train, curves: Curves
) -> None:
    single = base.but(depth=1, filters=filters, precision=precision, **sizes)
    trials = [
        single.but(seed=seed, activation=activation, architecture=architecture)
        for activation in ("relu", "tanh")
        for seed in range(3)
        for architecture in ("sequential", "parallel")
    ]
    results = trained(trials)
    for sequential, parallel in zip(results[::2], results[1::2], strict=True):
        assert sequential.trial.pair_id == parallel.trial.pair_id
        assert curves(sequential) == curves(parallel)


def test_matched_pairs_start_alike_and_part_in_training(base: Trial, trained: Train) -> None:
    pair = [base.but(depth=4, architecture=name) for name in ("sequential", "parallel")]
    networks = [FusedGroup([trial], Setting()).network for trial in pair]
    first, second = (dict(network.named_parameters()) for network in networks)
    assert all(torch.equal(first[name], second[name]) for name in first)
    losses = [trained([trial])[0].epochs[-1].val_loss for trial in pair]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("change", [{"seed": 1}, {"learning_rate": 1e-2}, {"schedule": "cosine"}, {"batch_size": 50}])
def test_what_a_trial_says_is_what_is_trained(change: dict, base: Trial, trained: Train) -> None:
    plain, changed = trained([base])[0], trained([base.but(**change)])[0]
    assert asdict(plain)["epochs"][-1]["val_loss"] != asdict(changed)["epochs"][-1]["val_loss"]
