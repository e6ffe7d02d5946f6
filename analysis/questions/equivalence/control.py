"""The sweep's own control: at depth 1 both arrangements are one function and must give the same numbers.

Deeper than one block they are different functions. Pairs that are identical there say that the arrangement was not
applied, or that blocks do nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.pairs import CONTRAST
from analysis.questions.equivalence.sample import SIDES, side_of

_ROUNDING = 1e-4
_MOST_IDENTICAL = 0.5


@dataclass(frozen=True)
class Controls:
    """What became of depth-1 pairs, and of identical ones that are deeper.

    `identical` are so bit for bit, as they are where both sides were trained in one pack; `rounded` differ by no more
    than 1e-4 relative; `different` by more, and `one_sided` have a value on one side while the other diverged.
    `unknown` ended with a value on neither side, or failed. `worst` is the largest relative difference. Of `deep` pairs
    with values, deeper than one block, `deep_identical` are bit for bit the same in every metric.
    """

    pairs: int
    identical: int
    rounded: int
    different: int
    one_sided: int
    unknown: int
    worst: float
    deep: int
    deep_identical: int

    @property
    def failed(self) -> bool:
        """Whether there are any `reasons`."""
        return bool(self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the results are not to be trusted, in sentences without a full stop."""
        fails = "the control fails: "
        said = {
            f"{fails}{self.different} of {self.pairs} depth-1 pairs differ by more than rounding, at most "
            f"{self.worst:.3g} relative": self.different > 0,
            f"{fails}in {self.one_sided} depth-1 pairs one side alone diverged": self.one_sided > 0,
            f"the control says nothing: none of {self.unknown} depth-1 pairs has a value on both sides, so look for "
            "what failed": self.unknown > 0 and not self.pairs,
            f"{self.deep_identical} of {self.deep} pairs deeper than one block are identical bit for bit, so the "
            "arrangement changes nothing there": self.deep > 0 and self.deep_identical > _MOST_IDENTICAL * self.deep,
        }
        return tuple(reason for reason, holds in said.items() if holds)


def controls(pairs: Mapping[str, pa.Table]) -> Controls:
    """Check the pairs of `Results.pairs`, by metric, with the same pairs in the same order.

    A pair's worst metric counts. Raises ValueError for tables of different pairs.
    """
    rows = [table.filter(pc.field("contrast") == CONTRAST) for table in pairs.values()]
    if len({table.num_rows for table in rows}) != 1:
        raise ValueError("the control takes tables of the same pairs")
    shallow = rows[0]["depth"].to_numpy() == 1
    worst, same, one_sided = np.full(len(shallow), np.nan), np.ones(len(shallow), bool), np.zeros(len(shallow), bool)
    sides = [[side_of(table, side) for side in SIDES] for table in rows]
    for (sequential, first), (parallel, second) in sides:
        size = np.maximum(np.abs(sequential), np.abs(parallel))
        worst = np.fmax(worst, np.abs(parallel - sequential) / np.where(size > 0, size, 1))
        same &= (sequential == parallel) & (sequential != 0)
        one_sided |= ((first == "finished") & (second == "diverged")) | ((first == "diverged") & (second == "finished"))
    known, deep = worst[shallow & np.isfinite(worst)], np.isfinite(worst) & ~shallow
    # One number everywhere comes from an engine that trains nothing.
    trained = any(len(np.unique(values[deep])) > 1 for table in sides for values, _ in table)
    return Controls(
        pairs=len(known),
        identical=int(np.sum(known == 0)),
        rounded=int(np.sum((known > 0) & (known <= _ROUNDING))),
        different=int(np.sum(known > _ROUNDING)),
        one_sided=int(one_sided[shallow].sum()),
        unknown=int((shallow & ~np.isfinite(worst)).sum()),
        worst=float(known.max()) if len(known) else float("nan"),
        deep=int(deep.sum()),
        deep_identical=int((deep & same & trained).sum()),
    )
