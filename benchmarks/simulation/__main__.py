"""Simulate experiments whose truth is known, and count what `analysis.assess` says of them.

Exit status 1 if an error rate is above its nominal one, or a coverage below it, by more than three Monte-Carlo standard
errors, except where LIMITS in `benchmarks/simulation/scenarios.py` gives the reason. About ten minutes on two cores.

    python -m benchmarks.simulation [--json FILE] [--draws 4000] [--processes 2]
"""

import argparse
import json
import multiprocessing
import operator
import platform
import sys
import time
from pathlib import Path

import numpy as np
import scipy

from benchmarks.simulation.cells import CHECKED, SEED, Cell
from benchmarks.simulation.few_seeds import ARMS, SEEDS, FewSeeds

NESTED = (
    "normal",
    "heavy tails",
    "skewed arms",
    "skewed ratio",
    "unequal spread",
    "unequal arms",
    "a few unstable",
    "a few unstable, skewed ratio",
    "hidden pattern",
    "hidden pattern, skewed ratio",
    "unbalanced",
    "unbalanced, skewed ratio",
    "unbalanced, fewest where noise is most",
    "unbalanced, one seed there",
    "2 % of networks failed",
    "all of it",
)
CROSSED = ("crossed", "crossed, heavy tails", "crossed, skewed seeds", "crossed, judged as nested")
RARE = (
    "1 % diverge",
    "2 % diverge",
    "5 % diverge",
    "8 % diverge",
    "8 % diverge, in every sixth configuration",
    "every twelfth configuration diverges",
)
DIVERGENT = (*RARE[2:], "40 % diverge", "all diverge")
CHANCE = ("near chance", "near chance, heavy tails", "near chance, unequal spread", "near chance, skewed ratio")
RANDOM = ("random effects", "random effects, heavy tails", "random effects, skewed", "random effects, crossed")
SHARED = ("random effects", "random effects, wide", "random effects off the middle", "random effects, crossed")
MIDDLE = ("normal", "skewed ratio", "a few unstable, skewed ratio", "crossed", *RARE)
GROWING = ("normal", "skewed ratio", "heavy tails", "a few unstable", "crossed")


def cells(draws: int) -> list[Cell]:
    """All simulations. The larger an experiment, the fewer there are."""
    few, least = max(2, draws // 2), max(2, draws // 4)
    plan = [Cell("errors", name, 24, 3, draws) for name in (*NESTED, *CROSSED, *RARE)]
    plan += [Cell("errors", name, 24, 5, few) for name in (*NESTED, *CROSSED) if "unbalanced" not in name]
    plan += [Cell("errors", name, 192, 3, few) for name in (*NESTED, *CROSSED, *RARE)]
    plan += [Cell("errors", name, 48, 3, few) for name in MIDDLE]
    plan += [Cell("looks", name, 24, 7, least) for name in GROWING]
    plan += [Cell("learned", name, 24, seeds, few) for name in CHANCE for seeds in (3, 5)]
    plan += [Cell("learned interval", name, 24, 3, least) for name in (CHANCE[0], CHANCE[-1])]
    plan += [Cell("networks", name, size, 3, few) for name in RANDOM for size in (24, 48, 192)]
    plan += [Cell("shares", name, 24, 3, least) for name in (*SHARED, "normal", "hidden pattern")]
    plan += [Cell("shares", name, 192, 3, max(2, draws // 10)) for name in ("random effects", "hidden pattern")]
    plan += [Cell("divergence", name, 24, 3, least) for name in DIVERGENT]
    plan += [Cell("divergence", name, 192, 3, max(2, draws // 20)) for name in DIVERGENT]
    plan += [Cell("assay", name, 24, 3, least) for name in ("at chance", "depth does not help")]
    plan += [Cell("power", "normal", size, seeds, least) for size in (24, 48, 192) for seeds in (3, 5)]
    plan += [Cell("power", "a few unstable", size, seeds, least) for size in (24, 48, 192) for seeds in (3, 5)]
    return plan


def show(rows: list[dict]) -> None:
    """Print a table of each kind: scenarios and sizes down, measures across by number."""
    for kind in dict.fromkeys(row["kind"] for row in rows):
        here = [row for row in rows if row["kind"] == kind]
        measures = list(dict.fromkeys(row["measure"] for row in here))
        print(f"\n{kind}", *(f"  {number}: {measure}" for number, measure in enumerate(measures, 1)), sep="\n")
        by_place: dict[tuple, dict[str, dict]] = {}
        for row in here:
            place = row["scenario"], row["configurations"], str(row["seeds"])
            by_place.setdefault(place, {})[row["measure"]] = row
        for (scenario, size, seeds), found in by_place.items():
            rates = (f"{found[each]['rate']:6.3f}{_mark(found[each])}" if each in found else "" for each in measures)
            print(f"  {scenario:<42}{size:>4} x {seeds:<16}", *rates)
    print("\n! off its nominal rate, * off it where LIMITS says why")


def _mark(row: dict) -> str:
    return " " if not row.get("off") else "*" if "limit" in row else "!"


def main() -> None:
    """Run all cells, print their tables, and exit with 1 where a rate is off without a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the rates to this file")
    parser.add_argument("--draws", type=int, default=4000, help="experiments a cell at most (4000)")
    parser.add_argument("--processes", type=int, default=2, help="processes (2)")
    options = parser.parse_args()
    began = time.perf_counter()
    plan = [*(FewSeeds(arms, seeds, 5 * options.draws) for arms in ARMS for seeds in SEEDS), *cells(options.draws)]
    with multiprocessing.Pool(options.processes) as pool:
        rows = [row for found in pool.imap(operator.call, plan, chunksize=1) for row in found]
    show(rows)
    broken = [row for row in rows if row.get("off") and "limit" not in row]
    seconds = round(time.perf_counter() - began)
    print(f"{len(plan)} cells, {CHECKED} of each grid judged in full too; {seconds} s. {len(broken)} rates off.")
    if options.json:
        versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
        settings = {"seed": SEED, "draws": options.draws, "seconds": seconds, "versions": versions}
        lines = ",\n".join(json.dumps(row) for row in rows)
        head = json.dumps(settings | {"broken": len(broken)})[:-1]
        options.json.write_text(f'{head}, "rows": [\n{lines}\n]}}\n')
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
