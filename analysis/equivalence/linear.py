"""Least squares on blocks of dummy columns, and on any choice of the blocks at little cost."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.equivalence.inputs import Codes, Vector, groups

# Of the largest singular value. Dummy columns are far from it on either side.
_RANK = 1e-9


@dataclass(frozen=True)
class Fit:
    """The residual sum of squares of a model, and its rank."""

    residual: float
    rank: int


class LinearModel:
    """A response, shape (n,), on named blocks of columns, each (n, anything)."""

    def __init__(self, y: Vector, blocks: Mapping[Hashable, NDArray[np.float64]]):
        matrix = np.hstack([np.empty((len(y), 0)), *blocks.values()])
        ends = np.cumsum([0, *(block.shape[1] for block in blocks.values())])
        self._place = {name: np.arange(ends[i], ends[i + 1]) for i, name in enumerate(blocks)}
        q, self._triangle = np.linalg.qr(matrix)
        self._rotated = q.T @ y
        rest = y - q @ self._rotated
        self._rest = float(rest @ rest)

    def fit(self, names: Sequence[Hashable]) -> Fit:
        """Fit the response on these blocks; columns that depend on others count once."""
        columns = np.concatenate([np.empty(0, np.intp), *(self._place[name] for name in names)])
        chosen = self._triangle[:, columns]
        solution, _, rank, _ = np.linalg.lstsq(chosen, self._rotated, rcond=_RANK)
        left = self._rotated - chosen @ solution
        return Fit(self._rest + float(left @ left), int(rank))


def dummies(code: Sequence[Codes]) -> NDArray[np.float64]:
    """Columns of one factor, or of the interaction of several: products of indicators without the first level."""
    columns = np.ones((len(code[0]), 1))
    for each in code:
        indicators = (each[:, None] == np.arange(1, each.max() + 1)).astype(np.float64)
        columns = (columns[:, :, None] * indicators[:, None, :]).reshape(len(columns), -1)
    return columns


def centred(columns: NDArray[np.float64], code: Codes) -> NDArray[np.float64]:
    """Columns less their means within groups, which adjusts for the groups (Frisch & Waugh 1933)."""
    result = columns.copy()
    for column in result.T:
        column -= groups(column, code).mean[code]
    return result
