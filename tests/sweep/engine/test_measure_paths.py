"""Gradients along paths are the derivatives that they claim to be, of draws that the trial's seed decides."""

from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import Block, BlockNetwork
from models.droppath import DropPath
from models.initialisation import initialise, stream_seed
from models.intervention import Intervention
from models.layout import BlockShape
from models.paths import draw_paths, path_counts, path_gradients
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.measures.base import Subject
from sweep.measures.paths import Paths, path_gradient_norms
from sweep.result import Measurement
from sweep.trial import Trial

DRAWS = 8
BASE = Trial("test", dataset="digits", val_samples=60, measure="paths", path_draws=DRAWS, filters=4, seed=3)
TRIALS = {
    "resnet": BASE.but(network="resnet", depth=8),
    "preresnet-mixed": BASE.but(network="preresnet", depth=26, architecture="mixed", stages=2, shortcut="projection"),
    "sequential": BASE.but(depth=6),
    "mixed": BASE.but(depth=6, architecture="mixed", stages=3),
    "parallel": BASE.but(depth=6, architecture="parallel"),
    "linear": BASE.but(network="linear", depth=6),
    "linear-droppath": BASE.but(network="linear", depth=6, method="droppath", drop_rate=0.5, rescale="evaluation"),
}


def subject_of(trial: Trial) -> Subject:
    """The trial's network with its starting weights, its batch norms after a look at some images."""
    dropped = DropPath(trial.drop_rate, rescale="evaluation").evaluation(len(trial.shape.blocks))
    intervention = dropped if trial.method == "droppath" else Intervention()
    images, network = TrialImages([trial], "cpu", None), build(trial)
    some, _ = images.train.batch(images.train_index[:100])
    with torch.no_grad():
        network.train()(some.permute(0, 3, 1, 2))
    return Subject(trial, network.eval(), intervention, images, lambda: build(trial).eval())


@pytest.fixture(params=TRIALS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return subject_of(TRIALS[request.param])


def measured(subject: Subject) -> list[Measurement]:
    shares, rows = zip(*Paths(subject.trial.path_draws).measure(subject), strict=True)
    assert list(shares) == sorted(shares)
    assert shares[-1] == 1
    return [row for some in rows for row in some]


def norms(rows: list[Measurement]) -> dict[tuple[int, int], float | None]:
    return {(row.size, row.draw): row.value for row in rows if row.measurement == "path-gradient"}


def bare(depth: int, width: int, stages: list[int]) -> BlockNetwork:
    """Linear blocks alone, float64."""
    shape = BlockShape((width,), (width,))
    blocks = [Block(shape, nn.Linear(width, width)) for _ in range(depth)]
    network = BlockNetwork(nn.Identity(), blocks, nn.Identity(), stages)
    initialise(network, 0)
    return network.double().eval()


def all_paths(stages: list[int]) -> Tensor:
    """Every way through the stages, bool (paths, blocks)."""
    ways = [[*torch.eye(blocks + 1, dtype=torch.bool)[:, 1:]] for blocks in stages]
    return torch.stack([torch.cat(choice) for choice in product(*ways)])


def examples(network: BlockNetwork, paths: Tensor) -> tuple[Tensor, Tensor]:
    """One vector and its label, once for each path."""
    width = network.block(0).shape.inputs[0]
    vector = torch.randn(width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return vector.expand(len(paths), width), torch.ones(len(paths), dtype=torch.int64)


@pytest.mark.parametrize("stages", [[1, 1, 1, 1], [2, 1, 1], [4]], ids=str)
@pytest.mark.parametrize("rescale", ["training", "evaluation"])
def test_a_path_of_a_linear_network_is_a_product_of_matrices(stages: list[int], rescale: str) -> None:
    network, paths = bare(4, 3, stages), all_paths(stages)
    gated = rescale == "evaluation"
    intervention = DropPath(0.5, rescale="evaluation").evaluation(4) if gated else Intervention()
    gates = DropPath(0.5).survival(4) if gated else (1,) * 4
    vectors, labels = examples(network, paths)
    gradients = path_gradients(network, vectors, labels, paths, intervention)
    outputs = network(vectors[:1], intervention).softmax(1) - F.one_hot(labels[:1], 3)
    for path, gradient in zip(paths.tolist(), gradients, strict=True):
        expected = outputs
        for block in reversed([block for block, crossed in enumerate(path) if crossed]):
            expected = gates[block] * expected @ network.block(block).branch.get_parameter("weight")
        torch.testing.assert_close(gradient, expected[0])


def test_the_gradients_along_all_paths_of_a_linear_network_add_up() -> None:
    subject = subject_of(TRIALS["linear"])
    network = subject.network.double()
    paths = all_paths([1] * 6)
    image, label = next(subject.validation_batches(1))
    image = image.double().requires_grad_()
    total = path_gradients(
        network, image.expand(len(paths), -1, -1, -1), label.expand(len(paths)), paths, Intervention()
    )
    (expected,) = torch.autograd.grad(F.cross_entropy(network(image), label), image)
    torch.testing.assert_close(total.sum(0, keepdim=True), expected)
    assert expected.norm() > 1e-3


def test_norms_are_those_of_one_path_and_one_image_at_a_time(subject: Subject) -> None:
    network, images, stages = subject.network, subject.images, [len(stage) for stage in subject.network.stages]
    found = norms(measured(subject))
    assert found.keys() == set(product(range(len(stages) + 1), range(DRAWS)))
    for length in range(len(stages) + 1):
        names = [f"{name}/{length}" for name in ("paths", "path-images")]
        streams = [torch.Generator().manual_seed(stream_seed(subject.trial.draw_seed, name)) for name in names]
        paths = draw_paths(stages, length, DRAWS, streams[0])
        places = torch.randint(60, (DRAWS,), generator=streams[1])
        for draw, (path, place) in enumerate(zip(paths, places, strict=True)):
            pixels, label = images.validation.batch(images.validation_index[place][None])
            pixels = pixels.permute(0, 3, 1, 2).requires_grad_()
            routed = replace(subject.intervention, routes=Intervention.along(path).routes)
            loss = F.cross_entropy(network(pixels, routed), label)
            (gradient,) = torch.autograd.grad(loss, pixels)
            assert found[length, draw] == pytest.approx(gradient.norm().item(), rel=1e-4)
    assert len(set(found.values())) > 0.9 * len(found)


def test_counts_are_measured_for_every_length(subject: Subject) -> None:
    rows = [row for row in measured(subject) if row.measurement == "path-count"]
    counts = path_counts([len(stage) for stage in subject.network.stages])
    assert [row.value for row in rows] == counts
    assert [row.size for row in rows] == list(range(len(counts)))
    assert {(row.metric, row.subject, row.draw) for row in rows} == {("paths", "", 0)}


def test_norms_do_not_depend_on_the_batch(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    for length in (0, 1):
        together = path_gradient_norms(subject, length, 100, DRAWS)
        for batch in (1, 3):
            torch.testing.assert_close(
                path_gradient_norms(subject, length, batch, DRAWS), together, rtol=1e-4, atol=1e-12
            )
    sizes: list[int] = []
    subject.network.stem.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    monkeypatch.setattr("sweep.measures.paths.BATCH_VALUES", 3 * subject.trial.shape.activation_elements)
    measured(subject)
    assert sizes == [3, 3, 2] * (len(subject.network.stages) + 1)


def test_draws_come_from_the_seed_alone() -> None:
    subject = subject_of(TRIALS["mixed"])
    torch.manual_seed(0)
    state = torch.get_rng_state()
    rows = measured(subject)
    torch.manual_seed(1)
    assert measured(subject) == rows
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    other = norms(measured(replace(subject, trial=subject.trial.but(seed=4))))
    assert not any(other[key] == value for key, value in norms(rows).items())


def test_the_network_stays_as_it_was(subject: Subject) -> None:
    values = deepcopy(subject.network.state_dict())
    fixed = subject.network.block(0).branch.parameters()
    next(fixed).requires_grad_(False)
    asks = [parameter.requires_grad for parameter in subject.network.parameters()]
    with torch.no_grad():
        measured(subject)
    assert all(torch.equal(value, values[name]) for name, value in subject.network.state_dict().items())
    assert [parameter.requires_grad for parameter in subject.network.parameters()] == asks
    assert all(parameter.grad is None for parameter in subject.network.parameters())


def test_gradients_below_the_least_float_are_measured() -> None:
    network, paths = bare(5, 3, [1] * 5), torch.ones(1, 5, dtype=torch.bool)
    with torch.no_grad():
        for block in range(5):
            network.block(block).branch.get_parameter("weight").mul_(2.0**-30)
    vectors, labels = examples(network, paths)
    expected = path_gradients(network, vectors, labels, paths, Intervention())
    assert 0 < expected.norm() < torch.finfo(torch.float32).tiny
    found = path_gradients(network.float(), vectors.float(), labels, paths, Intervention())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


def test_the_gradient_of_an_image_that_the_network_is_sure_of_is_measured() -> None:
    network, path = bare(1, 3, [1]), torch.ones(1, 1, dtype=torch.bool)
    with torch.no_grad():
        network.block(0).branch.get_parameter("bias")[1] = 25
    vectors, labels = examples(network, path)
    expected = path_gradients(network, vectors, labels, path, Intervention())
    found = path_gradients(network.float(), vectors.float(), labels, path, Intervention())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


def test_a_gradient_that_is_not_finite_has_no_value() -> None:
    subject = subject_of(TRIALS["sequential"])
    with torch.no_grad():
        subject.network.head.get_parameter("1.weight").fill_(torch.inf)
    assert set(norms(measured(subject)).values()) == {None}


def test_a_count_beyond_all_floats_has_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.paths.path_counts", lambda stages: [1, 10**400])
    rows = measured(subject_of(TRIALS["parallel"]))
    assert [row.value for row in rows if row.measurement == "path-count"] == [1, None]


def test_a_network_without_skip_connections_has_no_paths() -> None:
    subject = subject_of(BASE.but(network="vgg", depth=5, measure="lesions", path_draws=0))
    assert list(Paths(subject.trial.path_draws).measure(subject)) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_norms_on_a_gpu_are_those_of_the_cpu(subject: Subject) -> None:
    images = TrialImages([subject.trial], "cuda", None)
    expected = [path_gradient_norms(subject, length, DRAWS, DRAWS) for length in (0, 1)]
    there = replace(subject, network=subject.network.cuda(), images=images)
    for length in (0, 1):
        torch.testing.assert_close(
            path_gradient_norms(there, length, DRAWS, DRAWS), expected[length], rtol=1e-2, atol=1e-6
        )
