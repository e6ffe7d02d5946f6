"""The sweep's own control: at depth 1 both arrangements are one function and must give the same numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.sample import make_sample

_ROUNDING = 1e-4


@dataclass(frozen=True)
class Controls:
    """Depth-1 pairs that have values on both sides.

    `identical` are so bit for bit, as they are where both sides were trained in one pack; `rounded` differ by no more
    than 1e-4 relative; `different` by more, and `one_sided` have a value on one side while the other diverged.
    `worst` is the largest relative difference.
    """

    pairs: int
    identical: int
    rounded: int
    different: int
    one_sided: int
    worst: float

    @property
    def failed(self) -> bool:
        """Whether the results are not to be trusted."""
        return self.different + self.one_sided > 0


def controls(pairs: Mapping[str, pa.Table]) -> Controls:
    """Check the depth-1 pairs of `Results.pairs`, by metric: a pair's worst metric counts."""
    worst = np.zeros(0)
    one_sided = np.zeros(0, dtype=bool)
    for metric, table in pairs.items():
        sample = make_sample(table, metric, controls=True)
        if not len(worst):
            worst, one_sided = np.full(len(sample), np.nan), np.zeros(len(sample), dtype=bool)
        size = np.maximum(np.abs(sample.sequential), np.abs(sample.parallel))
        relative = np.abs(sample.contrast("difference")) / np.where(size > 0, size, 1)
        worst = np.fmax(worst, relative)
        ended = sample.sequential_status, sample.parallel_status
        one_sided |= ((ended[0] == "finished") & (ended[1] == "diverged")) | (
            (ended[0] == "diverged") & (ended[1] == "finished")
        )
    known = worst[np.isfinite(worst)]
    return Controls(
        pairs=len(known),
        identical=int(np.sum(known == 0)),
        rounded=int(np.sum((known > 0) & (known <= _ROUNDING))),
        different=int(np.sum(known > _ROUNDING)),
        one_sided=int(one_sided.sum()),
        worst=float(known.max()) if len(known) else float("nan"),
    )
