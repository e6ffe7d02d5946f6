"""The compiled kernel against torch, in float64: forward, gradients, and steps of every optimiser."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models import FusedStack
from models.stack_shape import StackShape
from sweep.engine.native.program import ACTIVATIONS, OPTIMIZERS, NotFinite, Pixels, Program
from sweep.engine.optimizer import OPTIMIZERS as TORCH_OPTIMIZERS
from sweep.trial import Trial

SIZES = st.builds(
    lambda channels, height, width, classes, stages, branches, filters, kernel: StackShape(
        (channels, height, width), classes, stages * branches, branches, filters, kernel
    ),
    st.sampled_from([1, 3]),
    st.integers(1, 33),
    st.integers(1, 33),
    st.integers(2, 12),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([1, 2, 3, 4, 5, 8, 11, 16]),
    st.sampled_from([1, 2, 3, 5]),
)


@dataclass
class Case:
    """A stack in float64 with random weights, and random images."""

    shape: StackShape
    activation: str
    values: dict[str, NDArray[np.float64]]
    pixels: Pixels

    @classmethod
    def of(cls, shape: StackShape, activation: str, images: int, seed: int) -> "Case":
        random = np.random.default_rng(seed)
        values = {
            name: random.normal(0, 1 / np.sqrt(max(1, np.prod(size[1:]))), size)
            for name, size in shape.tensors().items()
        }
        pixels = Pixels(
            random.integers(0, 256, (images, *shape.input_shape), dtype=np.uint8),
            random.integers(0, shape.classes, images),
            random.uniform(0.003, 0.02, shape.input_shape[0]),
            random.uniform(-2, 0, shape.input_shape[0]),
        )
        return cls(shape, activation, values, pixels)

    def program(self) -> Program:
        flat = np.concatenate([value.ravel() for value in self.values.values()])
        return Program(self.shape, self.activation, flat, "double")

    def network(self) -> FusedStack:
        values = {name: torch.from_numpy(value)[None].clone() for name, value in self.values.items()}
        return FusedStack(self.shape, [self.activation], values, torch.float64)

    def judged(self, network: FusedStack, index: NDArray[np.int64]) -> tuple[Tensor, float]:
        """Torch's mean loss and accuracy."""
        scale, shift = (torch.from_numpy(each)[:, None, None] for each in (self.pixels.scale, self.pixels.shift))
        images = torch.from_numpy(self.pixels.images[index]).double() * scale + shift
        labels = torch.from_numpy(self.pixels.labels[index])
        logits = network(images.permute(0, 2, 3, 1))[0]
        return F.cross_entropy(logits, labels), float((logits.argmax(1) == labels).double().mean())


def flat(network: FusedStack, gradient: bool = False) -> NDArray[np.float64]:
    parts = [network.value(name) for name in network.shape.tensors()]
    wanted = [part.grad if gradient else part.detach() for part in parts]
    return torch.cat([part.flatten() for part in wanted if part is not None]).numpy()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=60)
@given(SIZES, st.sampled_from(ACTIVATIONS), st.integers(1, 11), st.integers(0, 99))
def test_loss_accuracy_and_gradients_are_torchs(shape: StackShape, activation: str, images: int, seed: int) -> None:
    case = Case.of(shape, activation, images, seed)
    network, index = case.network(), np.random.default_rng(seed).permutation(images)
    loss, accuracy = case.judged(network, index)
    loss.backward()
    expected, scale = flat(network, gradient=True), max(1.0, loss.item())
    found_loss, found_accuracy, gradient = case.program().gradient(case.pixels, index)
    assert found_loss == pytest.approx(loss.item(), rel=1e-10, abs=1e-10)
    assert found_accuracy == pytest.approx(accuracy)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-10 * scale)
    sums = np.zeros(2)
    case.program().evaluate(case.pixels, index, sums)
    np.testing.assert_allclose(sums / images, [found_loss, found_accuracy], rtol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("branches", [1, 2, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_ten_steps_are_torchs(optimizer: str, branches: int, activation: str) -> None:
    case = Case.of(StackShape((3, 9, 7), 5, 4, branches, 3, 3), activation, 37, seed=branches)
    # The optimisers of torch hold these in float32, where they are exact.
    momentum = 0.0 if optimizer == "adamw" else 0.75
    trial = Trial("test", optimizer=optimizer, weight_decay=0.0625, momentum=momentum)
    rates = [0.01 * (1 + step % 3) for step in range(10)]
    order = np.random.default_rng(1).permutation(37).astype(np.int64)
    network = case.network()
    stepped = TORCH_OPTIMIZERS[optimizer](list(network.parameters()), [trial])
    expected = np.zeros(3)
    for step, rate in enumerate(rates):
        batch = order[4 * step : 4 * step + 4]
        network.zero_grad()
        loss, accuracy = case.judged(network, batch)
        loss.backward()
        norm = float(np.linalg.norm(flat(network, gradient=True)))
        stepped.step(list(network.parameters()), torch.tensor([rate], dtype=torch.float64))
        expected += len(batch) * np.array([loss.item(), accuracy, norm])
    program = case.program()
    # In two calls, since the state goes on from one to the next.
    how = (optimizer, trial.weight_decay, trial.momentum)
    sums = program.steps(case.pixels, order[:12], 4, rates[:3], how)
    sums += program.steps(case.pixels, order[12:], 4, rates[3:], how)
    np.testing.assert_allclose(sums, expected, rtol=1e-9)
    np.testing.assert_allclose(program.parameters, flat(network), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_float32_keep_its_precision(activation: str) -> None:
    # A single pixel of value zero. The block's bias is the argument, and the activation the first logit.
    shape, zero = StackShape((1, 1, 1), 2, 1, 1, 1, 1), np.zeros(1, np.int64)
    pixels = Pixels(np.zeros((1, 1, 1, 1), np.uint8), zero + 1, np.ones(1), np.zeros(1))
    at = np.concatenate([np.linspace(-12, 12, 4001), np.linspace(-0.01, 0.01, 101), [-80.0, 80.0]]).astype(np.float32)
    argument = torch.from_numpy(at).double().requires_grad_()
    expected = {"relu": F.relu, "tanh": torch.tanh, "gelu": F.gelu, "sigmoid": torch.sigmoid}[activation](argument)
    (slopes,) = torch.autograd.grad(expected.sum(), argument)
    found = []
    for value in at:
        program = Program(shape, activation, np.array([0, 0, 0, value, 1, 0, 0, 0], np.float32))
        *_, gradient = program.gradient(pixels, zero)
        # By the logit's own gradient: that of its weight is the activation, that of the bias the slope.
        found.append((gradient[4] / gradient[6], gradient[3] / gradient[6]))
    np.testing.assert_allclose([value for value, _ in found], expected.detach().numpy(), rtol=2e-6, atol=3e-7)
    np.testing.assert_allclose([slope for _, slope in found], slopes.numpy(), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_noticed(bad: float) -> None:
    case = Case.of(StackShape((1, 5, 5), 3, 2, 1, 2, 3), "relu", 6, seed=0)
    case.values["blocks.weight"][1, 0, 0, 1, 1] = bad
    program, order = case.program(), np.arange(6)
    with pytest.raises(NotFinite):
        program.steps(case.pixels, order, 2, [0.1] * 3, ("adamw", 0.0, 0.0))
    with pytest.raises(NotFinite):
        program.evaluate(case.pixels, order, np.zeros(2))
