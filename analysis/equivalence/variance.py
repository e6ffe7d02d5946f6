"""What the losses of all trials vary with: a linear model over factors, then configurations, then seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc

from analysis.equivalence.inputs import Codes, Groups, Vector, codes, groups, vector
from analysis.equivalence.linear import LinearModel, centred, dummies
from analysis.equivalence.student import UNDEFINED

CONFIGURATION = "configuration (other interactions)"
CROSSED = "configuration x architecture"
SEED = "seed"
SEED_CROSSED = "seed x architecture"

_Block = tuple[str, ...]
Columns = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """One source of variance: its sum of squares, also as a share of the total, and its F test."""

    name: str
    sum_of_squares: float
    degrees_of_freedom: int
    share: float
    f: float
    p: float


@dataclass(frozen=True)
class Decomposition:
    """The total sum of squares about the mean, split over `terms`; the last ones are the remainder."""

    trials: int
    total: float
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class _Row:
    name: str
    squares: float
    freedom: int
    error: str


def decompose(
    y: ArrayLike,
    factors: Mapping[str, ArrayLike],
    terms: Sequence[Sequence[str]],
    configuration: ArrayLike,
    architecture: str,
    seed: ArrayLike | None = None,
) -> Decomposition:
    """Split the variance of `y`, shape (trials,), over `terms`, each a sequence of one factor's name or of several.

    Every factor and `configuration` hold one label a trial; `architecture` names the factor that differs within a
    configuration. Sums of squares are of type II (Yates 1934): each term's beyond all terms that do not contain it.
    What the model leaves is split into configurations beyond it, configurations by architecture beyond both, and
    trials within them, the seeds. In a balanced grid the shares add up to 1; in another, factors overlap.

    The design is a split plot (Fisher 1925, section 49), so terms with the architecture are tested against
    configuration x architecture, others against configuration, and these two against seed. Where `seed` is given, one
    label a trial, the architectures of a configuration share it: what it does to both is told from what it does to one,
    and configuration x architecture is tested against the latter. Every seed of a configuration is then to have all of
    its architectures. Where the error has no degrees of freedom or no variance, F is NaN. Raises ValueError for
    malformed arrays, an interaction without its factors' own terms, and a factor other than the architecture that
    varies within a configuration.
    """
    values = vector(y, "y")
    place = codes(configuration, len(values))
    code = {name: codes(labels, len(values), name) for name, labels in factors.items()}
    _check(terms, code, place, architecture)
    if len(values) == 0:
        return Decomposition(0, UNDEFINED, ())
    blocks = {tuple(term): dummies([code[name] for name in term]) for term in terms}
    pairs = place if seed is None else _crossed(place, codes(seed, len(values), "seed"))
    rows = _rows(values, blocks, code[architecture], place, pairs, architecture)
    total = float(groups(values, np.zeros_like(place)).squares[0])
    freedom = {row.name: row.freedom for row in rows}
    squares = {row.name: row.squares for row in rows}
    return Decomposition(
        len(values),
        total,
        tuple(
            Term(
                row.name,
                row.squares,
                row.freedom,
                row.squares / total if total else UNDEFINED,
                *_f(row, squares.get(row.error, 0.0), freedom.get(row.error, 0)),
            )
            for row in rows
        ),
    )


def _check(terms: Sequence[Sequence[str]], code: Mapping[str, Codes], place: Codes, architecture: str) -> None:
    for name in {architecture}.union(*terms):
        if name not in code:
            raise ValueError(f"There is no factor {name}.")
        if name != architecture and groups(code[name].astype(np.float64), place).squares.any():
            raise ValueError(f"{name} varies within a configuration.")
    alone = {name for term in terms if len(term) == 1 for name in term}
    for term in terms:
        if not term or (len(term) > 1 and not alone.issuperset(term)):
            raise ValueError(f"The interaction {':'.join(term)} needs the terms of its factors beside it.")


def _crossed(first: Codes, second: Codes) -> Codes:
    """The place of each combination of two labels."""
    return np.unique(first * (second.max() + 1) + second, return_inverse=True)[1].astype(np.intp)


def _rows(
    values: Vector, blocks: Mapping[_Block, Columns], side: Codes, place: Codes, pairs: Codes, architecture: str
) -> list[_Row]:
    """The terms of the model, then what lies between it and the single trial."""
    everything, at = np.zeros_like(place), groups(values, place)
    crossed = [term for term in blocks if architecture in term]
    model = LinearModel(
        values - groups(values, everything).mean[0], {term: centred(blocks[term], everything) for term in blocks}
    )
    within = LinearModel(values - at.mean[place], {term: centred(blocks[term], place) for term in crossed})
    cells = groups(values, _crossed(place, side))
    whole, beside, seeds = model.fit(list(blocks)), within.fit(crossed), float(cells.squares.sum())
    configurations = len(at.n)
    left = _seed_rows(values, at, cells, pairs)
    return [
        *(_type_two(model, term, list(blocks), architecture) for term in blocks),
        _row(CONFIGURATION, whole.residual - beside.residual, configurations - 1 + beside.rank - whole.rank, SEED),
        _row(CROSSED, beside.residual - seeds, len(cells.n) - configurations - beside.rank, left[-1].name),
        *left,
    ]


def _seed_rows(values: Vector, at: Groups, cells: Groups, pairs: Codes) -> list[_Row]:
    """What the seeds do within (configuration, architecture): in one row, or to both architectures and to one."""
    squares, freedom = float(cells.squares.sum()), len(values) - len(cells.n)
    within = groups(values, pairs)
    if len(within.n) == len(at.n):
        return [_row(SEED, squares, freedom, "")]
    one = float(within.squares.sum()) - (float(at.squares.sum()) - squares)
    one_freedom = (len(values) - len(within.n)) - (len(cells.n) - len(at.n))
    return [
        _row(SEED, squares - one, freedom - one_freedom, SEED_CROSSED),
        _row(SEED_CROSSED, one, one_freedom, ""),
    ]


def _type_two(model: LinearModel, term: _Block, terms: Sequence[_Block], architecture: str) -> _Row:
    others = [other for other in terms if not set(term) <= set(other)]
    without, beside = model.fit(others), model.fit([*others, term])
    error = CROSSED if architecture in term else CONFIGURATION
    return _row(":".join(term), without.residual - beside.residual, beside.rank - without.rank, error)


def _row(name: str, squares: float, freedom: int, error: str) -> _Row:
    # Without degrees of freedom, what is left is rounding.
    return _Row(name, max(squares, 0.0) if freedom else 0.0, freedom, error)


def _f(row: _Row, error: float, freedom: int) -> tuple[float, float]:
    """F and p against an error of so many degrees of freedom."""
    if not row.freedom or not freedom or error == 0:
        return UNDEFINED, UNDEFINED
    f = row.squares / row.freedom / (error / freedom)
    return f, float(fdtrc(row.freedom, freedom, f))
