"""Arrow columns as arrays of numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[Any]


def combinations(rows: pa.Table, columns: Sequence[str]) -> Array:
    """A number for each combination of the levels of some columns, from 0."""
    code = np.zeros(rows.num_rows, dtype=np.int64)
    for name in columns:
        levels = rows[name].combine_chunks().dictionary_encode("encode")
        code = code * max(1, len(levels.dictionary)) + levels.indices.to_numpy()
        # Numbered anew at each column, so that the product of levels cannot overflow.
        code = np.unique(code, return_inverse=True)[1]
    return code
