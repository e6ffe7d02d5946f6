"""Times training steps by JAX; `peers.py` starts it with a Python that has JAX, and asks for shapes line by line.

Reads a JSON object per line, and answers each with the seconds of a step of all its networks.
"""

import json
import sys
import time

import jax  # pyright: ignore[reportMissingImports]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

SECONDS = 0.25
RATE, DECAY, BETAS, EPSILON = 1e-3, 1e-4, (0.9, 0.999), 1e-8
LAYOUT = ("NHWC", "HWIO", "NHWC")
_made: dict = {}


def convolve(images, weight, bias):
    """A convolution of the same size."""
    return jax.lax.conv_general_dilated(images, weight, (1, 1), "SAME", dimension_numbers=LAYOUT) + bias


def logits(parameters, images, branches, filters):
    """Logits of one network."""
    hidden = convolve(images, parameters["embedding"], parameters["embedding_bias"])
    for weight, bias in zip(parameters["blocks"], parameters["biases"], strict=True):
        outputs = jax.nn.relu(convolve(hidden, weight, bias))
        hidden = hidden + outputs.reshape(*hidden.shape[:3], branches, filters).sum(3)
    return hidden.reshape(len(hidden), -1) @ parameters["head"] + parameters["head_bias"]


def make(depth, branches, filters, kernel, networks, batch):
    """A step of AdamW over some networks, compiled, as a function without arguments."""
    keys = iter(jax.random.split(jax.random.key(0), 64))
    lead = (networks,) if networks > 1 else ()

    def random(*size):
        return jax.random.normal(next(keys), (*lead, *size)) / max(1, size[-1]) ** 0.5

    stages = depth // branches
    parameters = {
        "embedding": random(kernel, kernel, 1, filters),
        "embedding_bias": random(filters),
        "blocks": [random(kernel, kernel, filters, branches * filters) for _ in range(stages)],
        "biases": [random(branches * filters) for _ in range(stages)],
        "head": random(28 * 28 * filters, 10),
        "head_bias": random(10),
    }
    images = jax.random.uniform(next(keys), (batch, 28, 28, 1))
    labels = jax.random.randint(next(keys), (batch,), 0, 10)

    def loss(of_one):
        scores = jax.nn.log_softmax(logits(of_one, images, branches, filters))
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    gradient = jax.vmap(jax.grad(loss)) if networks > 1 else jax.grad(loss)

    def step(state):
        now, first, second, count = state
        found, count = gradient(now), count + 1
        first = jax.tree.map(lambda old, new: BETAS[0] * old + (1 - BETAS[0]) * new, first, found)
        second = jax.tree.map(lambda old, new: BETAS[1] * old + (1 - BETAS[1]) * new * new, second, found)

        def update(value, mean, square):
            mean, square = mean / (1 - BETAS[0] ** count), square / (1 - BETAS[1] ** count)
            return value * (1 - RATE * DECAY) - RATE * mean / (jnp.sqrt(square) + EPSILON)

        return jax.tree.map(update, now, first, second), first, second, count

    compiled = jax.jit(step, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = compiled((parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros(())))

    def call():
        nonlocal state
        state = compiled(state)
        jax.block_until_ready(state)

    return call


for line in sys.stdin:
    if line not in _made:
        _made.clear() if len(_made) > 1 else None
        _made[line] = make(**json.loads(line))
        _made[line]()
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < SECONDS:
        _made[line]()
        calls += 1
    print((time.perf_counter() - began) / calls, flush=True)
