"""How fast one processor trains a stack: this engine against the other ways that a user has.

A step is what training repeats: a batch of 128 images of MNIST's size, forward, backward and an update by AdamW, for
relu stacks of depth 4. Each way is measured in turn on one processor, the median of three rounds counts, and a way that
trains several networks at once is divided by their number. The ways:

- engine: what a sweep uses, the compiled kernel or torch, whichever `sweep.engine.native.choices` names
- eager: one torch network; compile: the same by `torch.compile`
- vmap: eight networks by `torch.func.vmap` over `torch.func.grad`
- jax: one network by `jit`, or eight by `vmap` and `jit`, whichever is faster; needs a Python that has JAX

    python -m benchmarks.peers [--jax PYTHON] [--json FILE]
"""

import argparse
import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.kernel import FILTERS, KERNELS, compiled, random_values, repeated
from models import FusedStack
from models.stack_shape import StackShape
from sweep.engine.native.choices import torch_is_faster
from sweep.engine.resources import prepare_process

DEPTH, BATCH, TOGETHER, ROUNDS = 4, 128, 8, 3
RATE, DECAY = 1e-3, 1e-4
_CHILD = Path(__file__).with_name("peers_jax.py")

Step = Callable[[], object]


def batch() -> tuple[Tensor, Tensor]:
    """Images (batch, 1, height, width) and labels."""
    return torch.rand(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))


def native(shape: StackShape) -> Step:
    """A step of the compiled kernel, which also gathers and normalises the images and keeps the running means."""
    program, pixels, index = compiled(shape, BATCH)
    return lambda: program.steps(pixels, index, BATCH, [RATE], ("adamw", DECAY, 0.0))


def one(shape: StackShape, by_compiler: bool) -> Step:
    """A step of one network in torch."""
    network: Callable[[Tensor], Tensor] = FusedStack(shape, ["relu"], random_values(shape, 1))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)
    if by_compiler:
        network = torch.compile(network)
    images, labels = batch()
    images = images.permute(0, 2, 3, 1).contiguous()

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(network(images)[0], labels).backward()
        optimizer.step()

    return step


def plain(parameters: dict[str, Tensor], shape: StackShape, images: Tensor) -> Tensor:
    """Logits of one network, from its parameters without an axis of networks."""
    hidden = F.conv2d(images, parameters["embedding.weight"], parameters["embedding.bias"], padding="same")
    weights = parameters["blocks.weight"].split(shape.branches)
    biases = parameters["blocks.bias"].split(shape.branches)
    for weight, bias in zip(weights, biases, strict=True):
        outputs = F.conv2d(hidden, weight.flatten(0, 1), bias.flatten(), padding="same").relu()
        hidden = hidden + outputs.unflatten(1, (shape.branches, shape.filters)).sum(1)
    return hidden.flatten(1) @ parameters["head.weight"].T + parameters["head.bias"]


def vmapped(shape: StackShape) -> Step:
    """A step of several networks that `torch.func` maps over."""
    parameters = random_values(shape, TOGETHER)
    optimizer = torch.optim.AdamW(list(parameters.values()), RATE, weight_decay=DECAY, fused=True)
    images, labels = batch()

    def loss(of_one: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(plain(of_one, shape, images), labels)

    gradients = torch.func.vmap(torch.func.grad(loss))

    def step() -> None:
        for name, gradient in gradients(parameters).items():
            parameters[name].grad = gradient
        optimizer.step()

    return step


@contextmanager
def jax(python: Path | None) -> Iterator[Callable[[StackShape, int], float] | None]:
    """A function that measures a number of networks by JAX, in a process of its own; None without a Python for it."""
    if python is None:
        yield None
        return
    command = [str(python), str(_CHILD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        questions, answers = child.stdin, child.stdout
        assert questions is not None
        assert answers is not None

        def ask(shape: StackShape, networks: int) -> float:
            sizes = {"depth": shape.depth, "branches": shape.branches, "filters": shape.filters}
            sizes |= {"kernel": shape.kernel_size, "networks": networks, "batch": BATCH}
            print(json.dumps(sizes), file=questions, flush=True)
            return float(answers.readline()) / networks

        yield ask
        questions.close()


def measure(shape: StackShape, by_jax: Callable[[StackShape, int], float] | None) -> dict[str, float]:
    """Milliseconds per step and network of each way, medians of rounds."""
    torch.compiler.reset()
    eager = one(shape, by_compiler=False)
    steps = {"eager": (eager, 1), "compile": (one(shape, by_compiler=True), 1), "vmap": (vmapped(shape), TOGETHER)}
    steps["engine"] = (eager if torch_is_faster(shape) else native(shape), 1)
    for step, _ in steps.values():
        step()
    rounds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, (step, networks) in steps.items():
            rounds[name].append(repeated(step) / networks)
        if by_jax is not None:
            for networks in (1, TOGETHER):
                rounds.setdefault(f"jax of {networks}", []).append(by_jax(shape, networks))
    found = {name: 1e3 * statistics.median(seconds) for name, seconds in rounds.items()}
    both = [found.pop(name) for name in list(found) if name.startswith("jax")]
    return found | ({"jax": min(both)} if both else {})


def main() -> None:
    """Measure every shape, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jax", type=Path, metavar="PYTHON", help="a Python that has JAX")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    prepare_process()
    torch.set_num_threads(1)
    rows = []
    with jax(options.jax) as by_jax:
        for kernel in KERNELS:
            for filters in FILTERS:
                for branches in (1, DEPTH):
                    shape = StackShape((1, 28, 28), 10, DEPTH, branches, filters, kernel)
                    found = measure(shape, by_jax)
                    best = min((name for name in found if name != "engine"), key=lambda name: found[name])
                    row = {
                        "filters": filters,
                        "kernel_size": kernel,
                        "architecture": "parallel" if branches > 1 else "sequential",
                        **{f"{name}_ms": round(each, 3) for name, each in found.items()},
                        "best": best,
                        "gain": round(found[best] / found["engine"], 2),
                    }
                    rows.append(row)
                    print(json.dumps(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
