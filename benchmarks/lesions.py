"""How much faster many lesions of a network are when they share what they have in common.

Every lesion of a batch, each by a forward pass of its own and all together, one after the other in turn; medians, and
the median of the ratios of neighbours. The logits must be bit-equal. Random weights and images of CIFAR's size: neither
changes what has to be computed. A sequence without one block shares what comes before it, so single deletions of it
become at most twice as fast if its blocks cost the same; of a parallel stage each branch is computed once.

    python -m benchmarks.lesions [--images 32] [--rounds 5] [--json FILE]
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.blocks import BlockNetwork
from models.intervention import Intervention
from models.kind import NetworkKind
from models.kinds.resnet import PreActivationResNet
from models.kinds.stack import Stack
from models.many_interventions import lesioned
from sweep.engine.resources import prepare_process
from sweep.measures.lesions import deletions, reorderings, swapped

RESULTS = Path(__file__).parent / "results" / "lesions.json"
MOST, DRAWS, SEED = 10, 4, 0
INPUT, CLASSES = (3, 32, 32), 10
NETWORKS: dict[str, tuple[NetworkKind, int, int, int]] = {
    "pre-activation ResNet-56": (PreActivationResNet(), 56, 16, 1),
    "pre-activation ResNet-56, parallel": (PreActivationResNet(), 56, 16, 9),
    "stack of 32 blocks": (Stack(), 32, 8, 1),
    "parallel stack of 32 blocks": (Stack(), 32, 8, 32),
}
"""Kind, depth, width and branches of each network."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one round."""

    plain: float
    shared: float


def lesions(network: BlockNetwork) -> dict[str, list[Intervention]]:
    """Interventions by the kind of lesion; none of a kind that the network does not have."""
    blocks = len(network.blocks)
    some = [Intervention.dropping(chosen) for _, chosen in deletions(blocks, MOST, DRAWS, SEED)]
    swaps = [Intervention(order=swapped(blocks, drawn)) for _, drawn in reorderings(network, MOST, DRAWS, SEED)]
    one = [Intervention.dropping([block]) for block in range(blocks)]
    return {"delete one": one, "delete some": some, "reorder": swaps}


def plain(network: BlockNetwork, images: Tensor, interventions: Sequence[Intervention]) -> list[Tensor]:
    """A forward pass for each intervention."""
    return [network(images, intervention) for intervention in interventions]


def shared(network: BlockNetwork, images: Tensor, interventions: Sequence[Intervention]) -> list[Tensor]:
    """All interventions together."""
    logits: dict[int, Tensor] = {}
    for places, values in lesioned(network, images, interventions):
        logits.update(dict.fromkeys(places, values))
    return [logits[place] for place in range(len(interventions))]


@torch.inference_mode()
def compare(
    network: BlockNetwork, images: Tensor, interventions: Sequence[Intervention], rounds: int
) -> dict[str, float]:
    """Median seconds of both ways and of their ratio. Raises ValueError where a logit differs."""
    timings: list[Timing] = []
    for _ in range(rounds):
        started = time.perf_counter()
        one_by_one = plain(network, images, interventions)
        between = time.perf_counter()
        together = shared(network, images, interventions)
        timings.append(Timing(between - started, time.perf_counter() - between))
        if not all(map(torch.equal, one_by_one, together)):
            raise ValueError("the two ways differ")
    return {
        "lesions": len(interventions),
        "plain_seconds": round(statistics.median(timing.plain for timing in timings), 3),
        "shared_seconds": round(statistics.median(timing.shared for timing in timings), 3),
        "times_faster": round(statistics.median(timing.plain / timing.shared for timing in timings), 2),
    }


def main() -> None:
    """Compare every kind of lesion on every network, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=32, help="of the batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=RESULTS, help="write the figures to this file")
    options = parser.parse_args()
    prepare_process()
    torch.set_num_threads(1)
    images = torch.randn(options.images, *INPUT, generator=torch.Generator().manual_seed(SEED))
    report: dict[str, object] = {
        "processors": len(os.sched_getaffinity(0)),
        "threads": 1,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "images": options.images,
        "rounds": options.rounds,
    }
    for name, (kind, depth, width, branches) in NETWORKS.items():
        network = kind.build(kind.layout(depth, width, branches, INPUT, CLASSES), SEED).eval()
        with torch.inference_mode():
            network(images)
        report[name] = {
            kind: compare(network, images, interventions, options.rounds)
            for kind, interventions in lesions(network).items()
            if interventions
        }
        print(json.dumps({name: report[name]}, indent=1), flush=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
