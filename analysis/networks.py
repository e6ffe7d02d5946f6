"""What to call a network and its training, in the words of a figure's legend."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

from sweep.ledger import method_factors, training_factors
from sweep.parts import FACTORS, METHODS, kind_of

PLAIN = "plain"

_NAMED = {"seed", "network", "depth", "architecture", "stages", "method"}

Row = Mapping[str, Any]


def network_name(row: Row) -> str:
    """The network of a trial's row, such as ``pre-activation ResNet-110`` or ``stack of 8, parallel``."""
    kind, depth = kind_of(row), row["depth"]
    name = kind.describe(depth) if kind else f"{row['network']} of {depth}"
    if (kind and kind.names_arrangement) or row["architecture"] != "sequential":
        name += f", {row['architecture']}"
    return name + (f" ({row['stages']} stages)" if row["architecture"] == "mixed" else "")


def method_name(row: Row) -> str:
    """The method of training, such as ``stochastic depth 0.5``; empty for the plain one."""
    name = row["method"]
    described = METHODS[name].describe(row) if name in METHODS else name
    return described or ("" if name == PLAIN else name)


def method_names(rows: Sequence[Row]) -> list[str]:
    """The method of each row in a few words, with the factors that differ among methods of the same words."""
    return told_apart([method_name(row) or PLAIN for row in rows], rows, method_factors()[1:])


def without_method(row: Row) -> dict[str, Any]:
    """The row as if it were trained plainly, so that all rows of a network get one label."""
    return {**row, **{name: FACTORS[name].default for name in method_factors()}}


def has_skips(row: Row) -> bool:
    """Whether the network of a trial's row has skip connections; yes where its kind is not known here."""
    kind = kind_of(row)
    return kind is None or kind.skips


def labels(rows: Sequence[Row]) -> list[str]:
    """A label for each row: network, method, and whatever else differs among rows of one network and method.

    Rows that differ in nothing but the seed, or in what was measured, have one label.
    """
    short = [", ".join(filter(None, (network_name(row), method_name(row)))) for row in rows]
    return told_apart(short, rows, [name for name in training_factors() if name not in _NAMED])


def told_apart(names: Sequence[str], rows: Sequence[Row], factors: Sequence[str]) -> list[str]:
    """The name of each row, with the factors that differ among the rows of that name."""
    levels: dict[str, list[tuple[Any, ...]]] = {}
    for name, row in zip(names, rows, strict=True):
        levels.setdefault(name, []).append(tuple(row[factor] for factor in factors))
    varies = {name: [len(set(each)) > 1 for each in zip(*found, strict=True)] for name, found in levels.items()}
    return [
        ", ".join(filter(None, [name, *(_phrase(each, row[each]) for each in compress(factors, varies[name]))]))
        for name, row in zip(names, rows, strict=True)
    ]


def _phrase(name: str, value: Any) -> str:
    """How a label words a factor; empty for a training from fresh weights."""
    if name == "epochs":
        return f"{value} epoch{'s' if value != 1 else ''}"
    if name == "pretrain_epochs":
        return f"retrained after {value}" if value else ""
    return f"{name.replace('_', ' ')} {value}"
