"""How the grid would spread over many workers: a simulation, longest pack first, each to the next free worker.

A pack's time on one core comes from the gradients that `benchmarks.kernel` measured: the faster of kernel and torch,
scaled by arithmetic to the pack's depth and image size, with validation as a third of a gradient per image. For GPUs
nothing was measured, so packs weigh as much as their arithmetic, and only shares are told. Starting, publishing and
lost nodes are left out.

    python -m benchmarks.schedule [--kernel benchmarks/results/kernel.json] [--json FILE]
"""

import argparse
import heapq
import json
from collections.abc import Sequence
from pathlib import Path

from models.stack_shape import StackShape
from sweep.cost import training_features
from sweep.pack import PACK_SIZE, make_packs
from sweep.studyfile import find_study
from sweep.trial import Trial

CORES, GPUS = (2, 8, 32, 128, 512), (1, 4, 16, 64)
PACK_SIZES = (PACK_SIZE, 6, 2)


class Rates:
    """Seconds per floating-point operation of one core, by filters, kernel size and arrangement."""

    def __init__(self, file: Path) -> None:
        self._rows = json.loads(file.read_text())

    def seconds(self, trial: Trial) -> float:
        """The time of a trial on one core."""
        parallel = trial.stages == 1
        near = min(
            (
                row
                for row in self._rows
                if (row["filters"], row["kernel_size"]) == (trial.filters, trial.kernel_size)
                and (row["architecture"] == "parallel") == parallel
            ),
            key=lambda row: abs(row["depth"] - trial.depth),
        )
        branches = near["depth"] if parallel else 1
        measured = Trial(
            "schedule",
            dataset="mnist",
            depth=near["depth"],
            filters=near["filters"],
            kernel_size=near["kernel_size"],
            architecture=near["architecture"],
            epochs=1,
        )
        assert StackShape.of(measured.shape).branches == branches
        per_flop = 1e-6 * min(near["native_us"], near["torch_us"]) / (3 * measured.shape.forward_flops)
        return per_flop * training_features(trial)[0]


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last worker ends."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def spread(seconds: Sequence[float], workers: int) -> dict[str, float]:
    """Makespan, the share of time that workers are idle, and the longest pack beside a perfect makespan."""
    ends, perfect = makespan(sorted(seconds, reverse=True), workers), sum(seconds) / workers
    return {"workers": workers, "makespan": ends, "idle": 1 - perfect / ends, "longest": max(seconds) / perfect}


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", type=Path, default=Path(__file__).parent / "results" / "kernel.json")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rates, trials = Rates(options.kernel), list(find_study("grid").trials())
    rows = []
    for size in PACK_SIZES:
        packs = make_packs(trials, size)
        cores = [sum(map(rates.seconds, pack.trials)) for pack in packs]
        for unit, weights, workers in (("cores", cores, CORES), ("GPUs", [pack.flops for pack in packs], GPUS)):
            for number in workers:
                row = {"pack_size": size, "packs": len(packs), "unit": unit, **spread(weights, number)}
                row["makespan_days"] = row["makespan"] / 86400 if unit == "cores" else None
                rows.append({name: value for name, value in row.items() if name != "makespan"})
                days = f"{row['makespan_days']:8.1f} days, " if row["makespan_days"] else ""
                print(
                    f"packs of {size:2}, {number:3} {unit:5}: {days}idle {row['idle']:.0%}, longest pack "
                    f"{row['longest']:.2f} of a perfect makespan",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
