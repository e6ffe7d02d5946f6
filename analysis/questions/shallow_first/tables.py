"""The tables of trainings by epoch: when subnetworks learn, how long paths are, and how much low orders explain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.equivalence.mean import Estimate
from analysis.formats import number, p_value, unbroken
from analysis.questions.shallow_first.claims import bounded
from analysis.questions.shallow_first.kinds import Pair
from analysis.questions.shallow_first.learning import Learning
from analysis.questions.shallow_first.lengths import LengthCourse
from analysis.questions.shallow_first.summary import Findings
from analysis.questions.shallow_first.terms import Terms
from analysis.report.content import Column, Table
from analysis.report.words import Form, plain, points, share, signed
from analysis.seeds import CONFIDENCE, over_seeds

_NETWORK = Column("network", "network", unbroken, lambda row: row.label)
_SEEDS = Column("seeds", "seeds", of=lambda row: len(row.seeds))
_ERROR = Column("error", "error, %", share(), lambda row: over_seeds(row.error).at())
_JUDGED = tuple(map(Column, ("judged", "lacking", "chance")))


def tables(findings: Findings) -> list[Table]:
    """The tables of what was measured: those of the page first."""
    made: list[Table] = []
    if findings.learning:
        networks = findings.learning.networks
        made += [_learning(networks), *_sizes(networks)]
    if findings.lengths:
        networks = findings.lengths.networks
        made += [_lengths(networks), *_by_epoch(networks)]
    if findings.pairs:
        made.append(_kinds(findings.pairs))
    if findings.terms:
        made.append(_terms(findings.terms.networks))
    return [table for table in made if table.rows or table.bulk is not None]


def _tested(key: str, head: str, test: Any, form: Any) -> tuple[Column, Column]:
    """An effect with its interval, and its p for the files."""
    return (
        Column(key, f"{head} [95 %]", form, lambda row: test(row).interval(CONFIDENCE)),
        Column(f"{key}_p", of=lambda row: test(row).p),
    )


def _learning(networks: Sequence[Learning]) -> Table:
    columns = (
        _NETWORK,
        _SEEDS,
        _ERROR,
        Column("sizes", "sizes", of=lambda row: row.compared),
        Column("fewest", "fewest blocks", plain(0), lambda row: _end(row, 0)[0]),
        Column("fewest_epoch", "learned at", _alone(1), lambda row: _end(row, 0)[1]),
        Column("most", "most blocks", plain(0), lambda row: _end(row, 1)[0]),
        Column("most_epoch", "learned at", _alone(1), lambda row: _end(row, 1)[1]),
        Column("tau", "Kendall's tau [95 %]", signed(2), lambda row: bounded(row.order.tau)),
        Column("tau_p", of=lambda row: row.order.tau.p),
        Column("tau_shuffled", "shuffled, ±", plain(2), lambda row: row.reference),
        *_tested("delay", "epochs per block", lambda row: row.order.delay, signed(2)),
        *_tested("stays", "to stay", lambda row: row.order.stays, signed(2)),
        *_JUDGED,
    )
    return Table("subnetwork_order", columns, networks, "When subnetworks of few and of many blocks have learned")


def _alone(digits: int) -> Form:
    """An estimate without its interval, which the files have."""
    return lambda found: number(found.value, digits)


def _end(each: Learning, which: int) -> tuple[float, Estimate]:
    """The fewest or most blocks that have learned, and when; NaN without."""
    if each.ends is None:
        return np.nan, Estimate(np.nan)
    place = each.ends[which]
    return int(each.size[place]), each.over_seeds.at(place)


def _sizes(networks: Sequence[Learning]) -> Iterator[Table]:
    """For the files: when each size has learned, and the accuracy of each at each epoch."""
    rows = [
        {
            "network": each.label,
            "size": int(size),
            "seeds": found.n[place],
            "epoch": found.at(place),
            "lowest": found.lowest[place],
            "highest": found.highest[place],
            "stays": over_seeds(each.stays[:, place]).at(),
        }
        for each in networks
        for found in (each.over_seeds,)
        for place, size in enumerate(each.size)
    ]
    yield Table("subnetwork_epochs", list(map(Column, rows[0])), rows)
    yield _bulk(
        "subnetwork_accuracies",
        [
            {"network": each.label, "size": int(size), "epoch": int(epoch), "accuracy": means[place, at]}
            for each in networks
            for means in (over_seeds(each.accuracy).mean,)
            for place, size in enumerate(each.size)
            for at, epoch in enumerate(each.epoch)
        ],
    )


def _lengths(networks: Sequence[LengthCourse]) -> Table:
    columns = (
        _NETWORK,
        _SEEDS,
        _ERROR,
        Column("mean_length", "all paths", plain(1)),
        Column("before", "before training", _alone(2), lambda row: _length(row, 0 if row.epoch[0] == 0 else None)),
        Column("began", "epoch", plain(0), _began),
        Column("first", "at that epoch", _alone(2), lambda row: _length(row, row.began)),
        Column("last", "at the end", _alone(2), lambda row: _length(row, -1)),
        *_tested("growth", "growth", lambda row: row.growth, signed(2)),
        Column("band", "band at the end", unbroken, lambda row: _band(row.band[-1])),
        *_JUDGED,
    )
    return Table("effective_lengths", columns, networks, "Effective length of paths over the training, in blocks")


def _length(each: LengthCourse, place: int | None) -> Estimate:
    return Estimate(np.nan) if place is None else each.over_epochs.at(place)


def _began(each: LengthCourse) -> float:
    return np.nan if each.began is None else int(each.epoch[each.began])


def _band(ends: Any) -> str:
    return f"{ends[0]:.0f} to {ends[1]:.0f}" if np.isfinite(ends).all() else "\N{EN DASH}"


def _by_epoch(networks: Sequence[LengthCourse]) -> Iterator[Table]:
    """For the files: the effective length at each epoch, and what each length carries then."""
    rows = [
        {
            "network": each.label,
            "epoch": int(epoch),
            "seeds": found.n[place],
            "effective_length": found.at(place),
            "band_low": each.band[place, 0],
            "band_high": each.band[place, 1],
        }
        for each in networks
        for found in (each.over_epochs,)
        for place, epoch in enumerate(each.epoch)
    ]
    yield Table("effective_length_epochs", list(map(Column, rows[0])), rows)
    yield _bulk(
        "path_contributions",
        [
            {"network": each.label, "epoch": int(epoch), "length": int(length), "contribution": carried[place]}
            for each in networks
            for epoch, carried in zip(each.epoch, each.contribution, strict=True)
            for place, length in enumerate(each.length)
        ],
    )


def _kinds(found: Sequence[Pair]) -> Table:
    columns = (
        Column("joining", "adds channels", unbroken, lambda row: row.joining.label),
        Column("adding", "adds values", unbroken, lambda row: row.adding.label),
        Column(
            "seeds", "seeds", of=lambda row: " and ".join(f"{len(each.seeds)}" for each in (row.joining, row.adding))
        ),
        Column("joining_layers", "layers", plain(1), lambda row: over_seeds(row.joining.layers).at()),
        Column("adding_layers", "against", plain(1), lambda row: over_seeds(row.adding.layers).at()),
        Column("layers", "difference [95 %]", signed(1), lambda row: row.layers.interval(CONFIDENCE)),
        Column("layers_p", "p", p_value, lambda row: row.layers.p),
        Column(
            "joining_error",
            "error, %",
            lambda found: share()(found.value),
            lambda row: over_seeds(row.joining.error).at(),
        ),
        Column(
            "adding_error", "against", lambda found: share()(found.value), lambda row: over_seeds(row.adding.error).at()
        ),
        Column("error", "difference, points", points(), lambda row: row.error.interval(CONFIDENCE)),
        Column("error_p", "p", p_value, lambda row: row.error.p),
    )
    return Table("kinds_of_blocks", columns, found, "Effective length in layers, and errors, by what blocks do")


def _terms(networks: Sequence[Terms]) -> Table:
    """For the files: the share that the terms up to each order explain at each epoch."""
    rows = [
        {
            "network": each.label,
            "order": int(order),
            "epoch": int(epoch),
            "seeds": found.n[place, at],
            "share": found.at(place, at),
        }
        for each in networks
        for found in (each.over_seeds,)
        for place, order in enumerate(each.order)
        for at, epoch in enumerate(each.epoch)
    ]
    return Table("orders_by_epoch", list(map(Column, rows[0])) if rows else [], rows)


def _bulk(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Too many rows for a page and for JSON; null for what is not a number."""
    columns = {key: pa.array([row[key] for row in rows], from_pandas=True) for key in rows[0]}
    return Table(name, (), (), bulk=pa.table(columns))
