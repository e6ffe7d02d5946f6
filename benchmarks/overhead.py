"""What the service costs beside training: the 6912 trials of the grid with an engine that trains nothing.

Plan, Ray Tune, ledger and MLflow, then the same command again on the finished store, and the rebuilding of MLflow.

    python -m benchmarks.overhead [--json FILE]
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.whole import timed as seconds


def main() -> None:
    """Run the commands one after another in a temporary store, and print their times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = ["--store", str(Path(folder) / "store")]

        def timed(*arguments: str) -> float:
            return seconds([sys.executable, "-m", "sweep", *arguments], Path(folder) / "log")

        figures = {
            "first run, seconds": timed("run", "grid", "--engine", "null", *store),
            "second run on the finished store, seconds": timed("run", "grid", "--engine", "null", *store),
            "status, seconds": timed("status", *store),
            "query, seconds": timed("query", "select avg(val_loss) from trials group by depth", *store),
        }
        sizes = {path.name: path.stat().st_size for path in Path(folder, "store").iterdir() if path.is_file()}
        files = sum(1 for path in Path(folder, "store").rglob("*") if path.is_file())
    report = {
        "trials": 6912,
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: round(value, 1) for name, value in figures.items()},
        "files in the store": files,
        "mlflow.db, MB": round(sizes.get("mlflow.db", 0) / 1e6, 1),
    }
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
