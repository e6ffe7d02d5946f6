"""For which shapes torch is faster than the compiled kernel, as `python -m benchmarks.kernel` measured."""

import json
from functools import cache
from pathlib import Path

from models.stack_shape import StackShape

FILE = Path(__file__).with_name("choices.json")


def torch_is_faster(shape: StackShape) -> bool:
    """Whether torch trains a stack faster; between measured kernel sizes the next smaller one decides."""
    fewest = _fewest_filters()
    measured = [size for size in fewest if size <= shape.kernel_size]
    least = fewest[max(measured)] if measured else None
    return least is not None and shape.filters >= least


@cache
def _fewest_filters() -> dict[int, int | None]:
    """Kernel size to the fewest filters from which torch is faster."""
    return {int(size): fewest for size, fewest in json.loads(FILE.read_text())["torch_from_filters"].items()}
