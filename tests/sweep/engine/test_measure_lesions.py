"""Lesions are what their rows say, drawn alike for the sides of a matched pair, and measured exactly."""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import combinations, pairwise
from math import comb

import pytest
import torch
from scipy.stats import chisquare, kendalltau
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import BlockNetwork
from models.droppath import DropPath
from models.intervention import NO_INTERVENTION, Intervention
from models.kinds.resnet import ResNet
from models.kinds.stack import Stack
from models.many_interventions import held_values
from sweep.engine.build import build
from sweep.engine.images import Split, TrialImages
from sweep.measures import scores
from sweep.measures.base import Measured, Subject
from sweep.measures.lesions import Lesions, deletions, kendall_tau, reorderings, swapped
from sweep.result import Measurement
from sweep.trial import Trial


def trial_of(network: str, **fields: int | str | float) -> Trial:
    defaults = {"filters": 2, "val_samples": 60, "lesion_draws": 3, "most_deleted": 4, "measure": "lesions"}
    return Trial.from_dict({"study": "test", "dataset": "digits", "network": network, **defaults, **fields})


def subject_of(trial: Trial) -> Subject:
    """The network of a trial with batch norms as if trained."""
    network = build(trial).eval()
    for seed, norm in enumerate(module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        noise = torch.randn(3, norm.num_features, generator=torch.Generator().manual_seed(seed))
        assert norm.running_mean is not None
        for tensor, values in zip((norm.weight.data, norm.bias.data, norm.running_mean), noise, strict=True):
            tensor.add_(0.3 * values)
    scaled = DropPath(trial.drop_rate, rescale="evaluation").evaluation(len(network.blocks))
    intervention = scaled if trial.rescale == "evaluation" else NO_INTERVENTION
    images = TrialImages([trial], "cpu", None)
    return Subject(trial, network, intervention, images, lambda: build(trial).eval())


def measure(subject: Subject) -> Measured:
    return Lesions(subject.trial.lesion_draws, subject.trial.most_deleted).measure(subject)


def measured(subject: Subject) -> list[Measurement]:
    return [row for _, rows in measure(subject) for row in rows]


def of(rows: Sequence[Measurement], measurement: str, metric: str) -> dict[tuple[str, int, int], float | None]:
    """Values by what was done."""
    chosen = [row for row in rows if (row.measurement, row.metric) == (measurement, metric)]
    values = {(row.subject, row.size, row.draw): row.value for row in chosen}
    assert len(values) == len(chosen)
    return values


def undertaken(network: BlockNetwork, base: Intervention, row: Measurement) -> Intervention:
    """The intervention of a row, read from its subject alone."""
    if row.measurement == "reorder":
        order = list(range(len(network.blocks)))
        for swap in row.subject.split(","):
            one, other = map(int, swap.split("-"))
            order[one], order[other] = order[other], order[one]
        return Intervention(base.gates, order=tuple(order))
    deleted = [int(block) for block in row.subject.split(",") if block]
    return Intervention({**base.gates, **dict.fromkeys(deleted, 0.0)})


def judged(subject: Subject, logits: Tensor) -> tuple[float, float]:
    """Share of wrong answers and mean loss of logits of all validation images."""
    _, labels = next(subject.validation_batches(len(logits)))
    wrong = (logits.argmax(1) != labels).double().mean()
    return wrong.item(), F.cross_entropy(logits, labels, reduction="none").double().mean().item()


def all_images(subject: Subject) -> Tensor:
    return next(subject.validation_batches(10_000))[0]


@pytest.mark.parametrize(
    "trial",
    [
        trial_of("resnet", depth=20),
        trial_of(
            "preresnet", depth=20, architecture="parallel", method="droppath", drop_rate=0.5, rescale="evaluation"
        ),
        trial_of("vgg", depth=12),
        trial_of("stack", depth=6, architecture="mixed", stages=3),
    ],
    ids=lambda trial: f"{trial.network}-{trial.architecture}",
)
@torch.inference_mode()
def test_a_row_is_the_network_treated_as_its_subject_says(trial: Trial) -> None:
    subject = subject_of(trial)
    images, found = all_images(subject), set()
    rows = measured(subject)
    losses = {(row.measurement, row.subject, row.draw): row.value for row in rows if row.metric == "loss"}
    for row in rows:
        if row.metric == "error":
            intervention = undertaken(subject.network, subject.intervention, row)
            error, loss = judged(subject, subject.network(images, intervention))
            assert row.value == pytest.approx(error, abs=1e-12)
            assert losses[row.measurement, row.subject, row.draw] == pytest.approx(loss, rel=1e-12)
            found.add(row.measurement)
    reordered = {"reorder"} if trial.architecture != "parallel" else set()
    assert found == {"untreated", "delete-one", "delete-some"} | reordered
    assert len(set(losses.values())) > len(subject.network.blocks)


@torch.inference_mode()
def test_layers_of_a_densenet_are_deleted_but_not_reordered() -> None:
    subject = subject_of(trial_of("densenet", depth=10))
    rows = measured(subject)
    assert {row.measurement for row in rows} == {"block", "untreated", "delete-one", "delete-some"}
    errors = {row.subject: row.value for row in rows if (row.measurement, row.metric) == ("delete-one", "loss")}
    assert len(errors) == len(set(errors.values())) == 6


def test_a_row_of_each_kind() -> None:
    subject = subject_of(trial_of("resnet", depth=20))
    rows = measured(subject)
    count = Counter((row.measurement, row.metric) for row in rows)
    draws = 4 * 3
    assert count == {
        ("block", "changes_shape"): 9,
        **{("untreated", metric): 1 for metric in ("error", "loss")},
        **{("delete-one", metric): 9 for metric in ("error", "loss")},
        **{("delete-some", metric): draws for metric in ("error", "loss")},
        **{("reorder", metric): draws for metric in ("error", "loss", "kendall_tau")},
    }
    changes = {subject: value for (subject, _, _), value in of(rows, "block", "changes_shape").items()}
    assert [place for place, value in changes.items() if value] == ["3", "6"]
    assert [(subject, size) for subject, size, _ in of(rows, "block", "changes_shape")] == [
        (str(i), i) for i in range(9)
    ]
    assert [(subject, size) for subject, size, _ in of(rows, "delete-one", "loss")] == [(str(i), 1) for i in range(9)]
    for chosen, size, draw in of(rows, "delete-some", "loss"):
        assert len(set(chosen.split(","))) == size
        assert draw in range(3)
    for (swaps, size, _), tau in of(rows, "reorder", "kendall_tau").items():
        order = undertaken(subject.network, NO_INTERVENTION, Measurement("reorder", "", 0.0, swaps)).order
        assert len(swaps.split(",")) == size
        assert tau == pytest.approx(kendalltau(range(9), order)[0])


def test_blocks_of_a_parallel_network_name_their_stage() -> None:
    rows = measured(subject_of(trial_of("stack", depth=6, architecture="mixed", stages=2)))
    assert [size for _, size, _ in of(rows, "block", "changes_shape")] == [0, 0, 0, 1, 1, 1]
    assert not any(of(rows, "block", "changes_shape").values())


def test_the_sides_of_a_pair_see_the_same_deletions() -> None:
    deep = trial_of("stack", depth=6, lesion_draws=5)
    sides = [deep, deep.but(architecture="parallel"), deep.but(architecture="mixed", stages=3)]
    assert len({side.pair_id for side in sides}) == 1
    one, *others = [measured(subject_of(side)) for side in sides]
    for kind in ("delete-one", "delete-some"):
        assert all(of(rows, kind, "loss").keys() == of(one, kind, "loss").keys() for rows in others)
        assert all(of(rows, kind, "loss") != of(one, kind, "loss") for rows in others)
    assert of(one, "reorder", "loss")
    assert not of(others[0], "reorder", "loss")


@torch.inference_mode()
def test_a_deleted_block_leaves_the_network_built_without_it() -> None:
    subject = subject_of(trial_of("preresnet", depth=20))
    network, images = subject.network, all_images(subject)
    for (block, _, _), loss in of(measured(subject), "delete-one", "loss").items():
        if block not in ("3", "6"):
            rest = [network.block(number) for number in range(9) if number != int(block)]
            assert loss == pytest.approx(judged(subject, BlockNetwork(network.stem, rest, network.head)(images))[1])


def test_the_network_is_left_as_it_was() -> None:
    subject = subject_of(trial_of("resnet", depth=14))
    before = deepcopy(subject.network.state_dict())
    measured(subject)
    assert all(torch.equal(value, before[name]) for name, value in subject.network.state_dict().items())
    assert not any(module.training for module in subject.network.modules())


def test_images_are_loaded_once_for_all_lesions(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(trial_of("stack", depth=4))
    whole = measured(subject)
    loaded: list[int] = []
    load = Split.batch

    def counted(split: Split, index: Tensor) -> tuple[Tensor, Tensor]:
        loaded.append(len(index))
        return load(split, index)

    monkeypatch.setattr(Split, "batch", counted)
    monkeypatch.setattr(scores, "_HELD_VALUES", {"cpu": 25 * held_values(subject.network, 1000)})
    shares = []
    rows: list[Measurement] = []
    for share, found in measure(subject):
        shares.append(share)
        rows += found
    assert loaded == [25, 25, 10]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert any(0.4 < share < 0.6 for share in shares)
    for one, other in zip(rows, whole, strict=True):
        assert (one.measurement, one.metric, one.subject) == (other.measurement, other.metric, other.subject)
        assert one.value == pytest.approx(other.value, rel=1e-5)


def test_progress_is_told_within_a_batch() -> None:
    shares = [share for share, _ in measure(subject_of(trial_of("stack", depth=12, lesion_draws=40)))]
    assert len(shares) > 4
    assert max(later - sooner for sooner, later in pairwise(shares)) < 0.4


def test_the_consumer_is_outside_the_evaluation() -> None:
    for _ in measure(subject_of(trial_of("stack", depth=3, precision="bf16"))):
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")


@torch.inference_mode()
def test_bf16_is_computed_in_bf16() -> None:
    subject = subject_of(trial_of("preresnet", depth=14, precision="bf16"))
    images = all_images(subject)
    with torch.autocast("cpu", torch.bfloat16):
        logits = subject.network(images)
    assert logits.dtype == torch.bfloat16
    loss = of(measured(subject), "untreated", "loss")["", 0, 0]
    assert loss == pytest.approx(judged(subject, logits.float())[1], rel=1e-12)
    assert loss != pytest.approx(judged(subject, subject.network(images))[1], rel=1e-6)


def test_what_is_not_finite_has_no_loss_and_is_wrong() -> None:
    subject = subject_of(trial_of("stack", depth=3, most_deleted=1))
    subject.network.block(1).branch.get_parameter("bias").data.fill_(float("nan"))
    rows = measured(subject)
    errors, losses = of(rows, "delete-one", "error"), of(rows, "delete-one", "loss")
    assert {block: loss is None for (block, _, _), loss in losses.items()} == {"0": True, "1": False, "2": True}
    assert errors["0", 1, 0] == 1
    assert errors["1", 1, 0] != 1


def test_few_sets_of_blocks_are_each_deleted_once() -> None:
    drawn = list(deletions(4, 9, 6, seed=0))
    assert drawn == [(d, c) for size in (1, 2, 3) for d, c in enumerate(combinations(range(4), size))]
    assert list(deletions(4, 9, 5, seed=0)) != drawn
    assert not list(deletions(1, 5, 5, seed=0))


def test_random_deletions_are_sets_drawn_alike() -> None:
    chosen = [c for seed in range(60) for _, c in deletions(7, 4, 34, seed) if len(c) == 4]
    assert len(chosen) == 60 * 34
    assert all(list(blocks) == sorted(set(blocks)) for blocks in chosen)
    counts = Counter(chosen)
    assert len(counts) == comb(7, 4)
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_draws_are_those_of_earlier_releases() -> None:
    """A change here changes every result."""
    drawn = [(0, (0,)), (1, (16,)), (0, (46, 52)), (1, (15, 47)), (0, (0, 4, 43)), (1, (8, 28, 35))]
    assert list(deletions(54, 3, 2, seed=5)) == drawn
    network = Stack(kernel_size=1).network(depth=54, width=1, branches=1, inputs=(1, 2, 2), classes=2)
    swaps = [(0, ((5, 18),)), (1, ((41, 42),)), (0, ((3, 18), (51, 52))), (1, ((43, 47), (11, 44)))]
    assert list(reorderings(network, 2, 2, seed=5)) == swaps


def pairs_of(swaps: Iterator[tuple[int, tuple[tuple[int, int], ...]]]) -> Counter[tuple[int, int]]:
    return Counter(pair for _, chosen in swaps for pair in chosen)


def test_swaps_are_drawn_alike_from_pairs_of_one_shape() -> None:
    network = ResNet().network(depth=26, width=2, inputs=(3, 32, 32), classes=10)
    groups = [(0, 1, 2, 3), (5, 6, 7), (9, 10, 11)]
    counts = pairs_of(reorderings(network, 3, 200, seed=0))
    assert counts.keys() == {pair for group in groups for pair in combinations(group, 2)}
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_swaps_are_between_stages() -> None:
    network = Stack(kernel_size=3).network(depth=6, width=2, branches=2, inputs=(1, 4, 4), classes=2)
    inside = {(0, 1), (2, 3), (4, 5)}
    assert pairs_of(reorderings(network, 3, 100, seed=0)).keys() == {*combinations(range(6), 2)} - inside


@pytest.mark.parametrize(
    "network",
    [
        ResNet().network(depth=8, width=2, inputs=(3, 32, 32), classes=10),
        Stack(kernel_size=3).network(depth=4, width=2, branches=4, inputs=(1, 4, 4), classes=2),
    ],
    ids=["shapes", "stage"],
)
def test_blocks_that_cannot_be_swapped_are_not(network: BlockNetwork) -> None:
    assert not list(reorderings(network, 5, 5, seed=0))


def test_swaps_are_applied_one_after_another() -> None:
    assert swapped(4, []) == (0, 1, 2, 3)
    assert swapped(4, [(0, 1), (1, 2)]) == (1, 2, 0, 3)
    assert swapped(4, [(0, 3), (0, 3)]) == (0, 1, 2, 3)


def test_kendalls_tau_of_known_permutations() -> None:
    assert kendall_tau(range(54)) == 1
    assert kendall_tau(range(54)[::-1]) == -1
    assert kendall_tau([0, 2, 1, 3, 4]) == pytest.approx(1 - 2 / 10)
    for seed in range(20):
        order = torch.randperm(2 + seed, generator=torch.Generator().manual_seed(seed)).tolist()
        assert kendall_tau(order) == pytest.approx(kendalltau(range(2 + seed), order)[0])
