"""Draw what `benchmarks.kernel` measured: the kernel's FLOP/s as a share of a large matrix product's, as heat maps.

python -m benchmarks.kernel_figure [FIGURE]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.style import render
from benchmarks.kernel import DEPTHS, FILTERS, KERNELS

MEASURED = Path(__file__).parent / "results" / "kernel.json"
FIGURE = Path("docs/figures/kernel-share.svg")


def main() -> None:
    """Draw the kept measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, nargs="?", default=FIGURE)
    options = parser.parse_args()
    rows = json.loads(MEASURED.read_text())
    share = {(row["depth"], row["architecture"], row["filters"], row["kernel_size"]): row["share"] for row in rows}
    maps = [
        HeatMap(
            f"{architecture}, depth {depth}",
            np.array([[share[depth, architecture, filters, kernel] for kernel in KERNELS] for filters in FILTERS]),
            "kernel size",
            "filters",
            KERNELS,
            FILTERS,
        )
        for architecture in ("sequential", "parallel")
        for depth in DEPTHS
    ]
    drawn = render(draw_heat_maps("Speed of the compiled kernel", maps, Shades("share of a matrix product's FLOP/s")))
    options.figure.write_text(drawn.svg)


if __name__ == "__main__":
    main()
