"""How fast results are read and judged: generated stores of 6912 trials, and of more, 100 epochs of curves each.

Each figure is the median of several readings in one process that has read another store before. The stores are in the
operating system's file cache, as they are after a sweep.

    python -m benchmarks.reading [--seeds 3 30 300] [--epochs 100] [--folder FOLDER] [--json FILE]
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import analysis
from analysis.questions.equivalence.findings import find
from benchmarks.generated import PACK, generate

READINGS = 5
QUERIES = {
    "curves by epoch": "select epoch, avg(val_loss) from curves group by epoch",
    "curves by architecture and epoch": (
        "select architecture, epoch, avg(c.val_loss) from curves c join trials using (trial_id) group by all"
    ),
    "trials by four factors": "select dataset, architecture, depth, filters, avg(val_loss) from trials group by all",
    "pairs by depth": "select depth, avg(ratio) from pairs group by depth",
}


def seconds(work: Callable[[], object], readings: int = READINGS) -> float:
    """Median wall-clock seconds."""
    taken: list[float] = []
    for _ in range(readings):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken), 3)


def measure(store: Path) -> dict[str, float]:
    """Opening with each query, and all statistics of the report."""
    figures = {"open": seconds(lambda: analysis.open(store))}
    for name, query in QUERIES.items():
        figures[f"open, and {name}"] = seconds(lambda query=query: analysis.open(store).sql(query))
    figures["all statistics of the report"] = seconds(lambda: find(analysis.open(store)), 3)
    return figures


def main() -> None:
    """Generate the stores one after another, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 30, 300], help="2304 trials a seed")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the stores are made; by default a temporary folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    report: dict[str, object] = {
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "epochs": options.epochs,
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        generate(Path(folder) / "warm", 1, 2)
        measure(Path(folder) / "warm")
        for seeds in options.seeds:
            store = Path(folder) / str(seeds)
            began = time.perf_counter()
            # As many packs in each store: how a store was published is gone once its commits are merged.
            ledger = generate(store, seeds, options.epochs, PACK * max(1, seeds // 3))
            made = time.perf_counter() - began
            size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
            report[f"{len(ledger.contents.status)} trials"] = {
                **measure(store),
                "generating": round(made, 1),
                "commits": len(ledger.contents.commits),
                "MB, with the merged commits of the last day": round(size / 1e6),
            }
            shutil.rmtree(store)
            print(json.dumps(report, indent=1), flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
