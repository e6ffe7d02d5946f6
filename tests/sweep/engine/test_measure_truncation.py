"""A network at its truncations: the same blocks with the same parameters in fewer stages."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from models.blocks import Block, BlockNetwork
from models.droppath import DropPath
from models.intervention import NO_INTERVENTION
from models.kinds.procrustes_resnet import ProcrustesResNet
from models.kinds.resnet import ResNet
from models.kinds.stack import Stack
from models.kinds.vgg import VGG
from models.layout import BlockShape
from sweep.engine.blocks import evaluate
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.measures.base import Measured, Subject
from sweep.measures.truncation import Truncation, finetune, truncations
from sweep.result import Measurement
from sweep.trial import Trial


def trial_of(network: str, **fields: int | str | float) -> Trial:
    defaults = {"filters": 2, "val_samples": 60, "train_samples": 80, "batch_size": 40, "measure": "truncation"}
    return Trial.from_dict({"study": "test", "dataset": "digits", "network": network, **defaults, **fields})


def subject_of(trial: Trial) -> Subject:
    """The network of a trial with batch norms as if trained."""
    network = build(trial).eval()
    for seed, norm in enumerate(module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        noise = torch.randn(2, norm.num_features, generator=torch.Generator().manual_seed(seed))
        for tensor, values in zip((norm.weight.data, norm.bias.data), noise, strict=True):
            tensor.add_(0.3 * values)
    scaled = DropPath(trial.drop_rate, rescale="evaluation").evaluation(len(network.blocks))
    intervention = scaled if trial.rescale == "evaluation" else NO_INTERVENTION
    images = TrialImages([trial], "cpu", None)
    return Subject(trial, network, intervention, images, lambda: build(trial).eval())


def measure(subject: Subject) -> Measured:
    return Truncation(subject.trial.finetune_epochs).measure(subject)


def measured(subject: Subject, name: str = "truncate") -> dict[tuple[str, int], tuple[float | None, float]]:
    """Loss and error by the stages and their number."""
    rows = [row for _, rows in measure(subject) for row in rows if row.measurement == name]
    assert all(row.draw == 0 for row in rows)
    return {(row.subject, row.size): (value(rows, row, "loss"), value(rows, row, "error") or 0.0) for row in rows}


def value(rows: Sequence[Measurement], like: Measurement, metric: str) -> float | None:
    [found] = [row.value for row in rows if (row.subject, row.metric) == (like.subject, metric)]
    return found


def judged(subject: Subject, network: BlockNetwork, gates: bool = True) -> tuple[float, float]:
    """Loss and error of a network over the validation images."""
    intervention = subject.intervention if gates else NO_INTERVENTION
    images = subject.images
    loss, accuracy = evaluate(network, images.validation, images.validation_index, subject.trial, intervention)
    return loss, 1 - accuracy


class Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, hidden: Tensor) -> Tensor:
        return self.factor * hidden


def test_the_first_order_is_the_input_and_every_branch_of_it() -> None:
    shape = BlockShape((1,), (1,))
    network = BlockNetwork(nn.Identity(), [Block(shape, Scaled(f)) for f in (2, 3, 5)], nn.Identity())
    first, second, whole = (network.rearranged(stages) for stages in truncations(network))
    one = torch.ones(1, 1)
    assert first(one) == 1 + 2 + 3 + 5
    assert second(one) == (1 + 2 + 3) * (1 + 5)
    assert whole(one) == network(one) == (1 + 2) * (1 + 3) * (1 + 5)


def test_a_transition_ends_a_run_of_blocks_of_one_shape() -> None:
    network = Stack(kernel_size=3).network(depth=4, width=2, branches=1, inputs=(1, 4, 4), classes=2)
    network.block(0).after = nn.Conv2d(2, 2, 1)
    assert truncations(network) == [(1, 3), (1, 2, 1), (1,) * 4]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            Stack(kernel_size=3).network(depth=5, width=2, branches=1, inputs=(1, 4, 4), classes=2),
            [(5,), (4, 1), (2, 2, 1), (1,) * 5],
        ),
        (
            Stack(kernel_size=3).network(depth=4, width=2, branches=1, inputs=(1, 4, 4), classes=2),
            [(4,), (2, 2), (1,) * 4],
        ),
        (
            Stack(kernel_size=3).network(depth=6, width=2, branches=2, inputs=(1, 4, 4), classes=2),
            [(6,), (4, 2), (2, 2, 2)],
        ),
        (Stack(kernel_size=3).network(depth=6, width=2, branches=6, inputs=(1, 4, 4), classes=2), [(6,)]),
        (Stack(kernel_size=3).network(depth=1, width=2, branches=1, inputs=(1, 4, 4), classes=2), [(1,)]),
        (
            ResNet().network(depth=20, width=2, inputs=(3, 32, 32), classes=10),
            [(3, 1, 2, 1, 2), (2, 1, 1, 2, 1, 2), (1,) * 9],
        ),
        (
            ResNet().network(depth=20, width=2, branches=2, inputs=(3, 32, 32), classes=10),
            [(3, 1, 2, 1, 2), (2, 1, 1, 2, 1, 2)],
        ),
        (ResNet().network(depth=8, width=2, inputs=(3, 32, 32), classes=10), [(1, 1, 1)]),
        (ProcrustesResNet().network(depth=22, width=2, inputs=(3, 8, 8), classes=10), [(2, 2, 2), (1,) * 6]),
        (VGG().network(depth=6, width=2, inputs=(2, 4, 4), classes=10), []),
    ],
)
def test_truncations_merge_stages_of_one_shape(network: BlockNetwork, expected: list[tuple[int, ...]]) -> None:
    assert truncations(network) == expected
    for stages in expected:
        assert len(network.rearranged(stages).stages) == len(stages)
    if expected:
        assert expected[-1] == tuple(len(stage) for stage in network.stages)


def test_orders_of_a_long_stack() -> None:
    sizes = [
        len(stages)
        for stages in truncations(
            Stack(kernel_size=1).network(depth=27, width=1, branches=1, inputs=(1, 1, 1), classes=2)
        )
    ]
    assert sizes == [1, 2, 4, 7, 14, 27]


@pytest.mark.parametrize("fields", [{}, {"method": "droppath", "drop_rate": 0.6, "rescale": "evaluation"}])
def test_the_last_truncation_is_the_network_itself(fields: dict[str, str | float]) -> None:
    subject = subject_of(trial_of("preresnet", depth=20, **fields))
    rows = measured(subject)
    assert list(rows) == [("3,1,2,1,2", 5), ("2,1,1,2,1,2", 6), (",".join("1" * 9), 9)]
    *lower, whole = rows.values()
    loss, error = judged(subject, subject.network)
    assert whole == (loss, pytest.approx(error, abs=1e-12))
    assert whole not in lower


def test_the_first_truncation_of_a_stack_is_its_parallel_twin() -> None:
    subject = subject_of(trial_of("stack", depth=6))
    twin = build(subject.trial.but(architecture="parallel")).eval()
    rows = measured(subject)
    assert rows["6", 1][0] == judged(subject, twin)[0]
    assert rows["6", 1][0] != rows["1,1,1,1,1,1", 6][0]
    mixed = build(subject.trial.but(architecture="mixed", stages=3)).eval()
    assert rows["2,2,2", 3][0] == judged(subject, mixed)[0]


def test_a_parallel_network_is_its_own_truncation() -> None:
    subject = subject_of(trial_of("stack", depth=4, architecture="parallel"))
    assert measured(subject) == {("4", 1): (judged(subject, subject.network)[0], judged(subject, subject.network)[1])}


def test_a_network_without_skip_connections_has_no_truncation() -> None:
    assert not list(measure(subject_of(trial_of("vgg", depth=8, measure="lesions"))))


def test_fine_tuned_truncations_are_each_trained_from_the_same_network() -> None:
    trial = trial_of("preresnet", depth=14, finetune_epochs=2)
    subject = subject_of(trial)
    before = deepcopy(subject.network.state_dict())
    tuned, plain = measured(subject, "truncate-finetuned"), measured(subject)
    assert list(tuned) == list(plain) == [("2,1,1,1,1", 5), ("1,1,1,1,1,1", 6)]
    for stages, _ in tuned:
        network = deepcopy(subject.network).rearranged([int(size) for size in stages.split(",")])
        finetune(network, trial, subject.images, 2)
        assert tuned[stages, len(network.stages)][0] == judged(subject, network)[0]
        assert tuned[stages, len(network.stages)] != plain[stages, len(network.stages)]
    assert all(torch.equal(number, before[name]) for name, number in subject.network.state_dict().items())
    assert not any(module.training for module in subject.network.modules())


def test_what_was_fine_tuned_plainly_is_evaluated_without_gates() -> None:
    fields = {"method": "droppath", "drop_rate": 0.6, "rescale": "evaluation"}
    subject = subject_of(trial_of("preresnet", depth=8, finetune_epochs=1, **fields))
    network = deepcopy(subject.network)
    finetune(network, subject.trial, subject.images, 1)
    [(loss, _)] = measured(subject, "truncate-finetuned").values()
    assert loss == judged(subject, network, gates=False)[0]
    assert loss != judged(subject, network)[0]


@pytest.mark.parametrize("epochs", [0, 1])
def test_shares_go_from_truncation_to_truncation(epochs: int) -> None:
    reports = list(measure(subject_of(trial_of("stack", depth=4, finetune_epochs=epochs))))
    shares = [share for share, _ in reports]
    assert all(0 < sooner <= later for sooner, later in pairwise(shares))
    assert shares[-1] == 1
    names = [rows[0].measurement for _, rows in reports if rows]
    assert names == (["truncate", "truncate-finetuned"] * 3 if epochs else ["truncate"] * 3)
