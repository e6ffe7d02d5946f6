"""Lesions beside the published figures of P2, which are second-hand: from notes on the paper, not from its text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.formats import percent, unbroken
from analysis.networks import Row, method_name
from analysis.questions.lesions.summary import LesionedNetwork
from analysis.report.content import Column, Table
from analysis.report.words import points, share
from sweep.measures.lesions import DELETE_SOME, REORDER

BLOCKS, DELETED = 54, 10
"""Blocks of the published ResNet-110, and how many are deleted in one of its figures."""
WHOLE = "6.10 %"
"""The error of that network as trained."""
_KINDS = ("resnet", "preresnet", "vgg")
"""The kinds of network that are close to the paper's, a pre-activation ResNet and a VGG network."""
_STOCHASTIC = {"mean": "one block, rise against plain training", "transitions": "the same, where the shape changes"}
_RESILIENT = "a little more resilient, mainly where the shape changes"


def comparable(network: LesionedNetwork) -> bool:
    """Whether the paper has a plainly trained network like it."""
    return network.is_plain and network.trial["network"] in _KINDS


def published(networks: Sequence[LesionedNetwork], differences: Sequence[Mapping[str, Any]]) -> Table:
    """The published figures beside ours; no rows where the paper has no network like ours."""
    facts = [
        (each.label, *fact)
        for each in networks
        if comparable(each)
        for fact in (_residual if each.is_residual else _layers)(each)
    ]
    dropped = {each.label for each in networks if _is_published(each.trial)}
    facts += [
        (each["first"], _STOCHASTIC[each["quantity"]], _RESILIENT, points()(each["difference"]))
        for each in differences
        if each["contrast"] == "method" and each["first"] in dropped and each["quantity"] in _STOCHASTIC
    ]
    columns = (
        Column("network", "network here", unbroken),
        Column("lesion", "lesion"),
        Column("published", "published, second-hand"),
        Column("here", "here"),
    )
    rows = [dict(zip([column.key for column in columns], fact, strict=True)) for fact in facts]
    return Table("lesions_published", columns, rows, "Lesions, published and ours")


def _is_published(row: Row) -> bool:
    """Whether it was trained with stochastic depth from the start, as the paper's was."""
    sequential = row["network"] in _KINDS and row["architecture"] == "sequential"
    return sequential and method_name(row).startswith("stochastic depth ") and not row["pretrain_epochs"]


def _residual(network: LesionedNetwork) -> Iterator[tuple[str, str, str]]:
    found = {name: each.at() for name, each in network.quantities.items()}
    yield "none", WHOLE, share()(found["error"])
    yield "one block that keeps the shape", "hardly any change", points()(found["others"])
    yield "one block that changes it", "a modest rise", points()(found["transitions"])
    if deleted := network.by_size.get(DELETE_SOME):
        near = min(deleted, key=lambda each: abs(each.size - DELETED / BLOCKS * network.blocks))
        here = f"{share()(near.error)} ({near.size} of {network.blocks} blocks)"
        yield "random blocks deleted", f"about 20 % ({DELETED} of {BLOCKS} blocks)", here
    if swapped := network.by_size.get(REORDER):
        most = min(swapped, key=lambda each: each.kendall_tau)
        here = f"{share()(most.error)} at tau {most.kendall_tau:.2f}"
        yield "blocks swapped", "a smooth rise as Kendall's tau falls", here


def _layers(network: LesionedNetwork) -> Iterator[tuple[str, str, str]]:
    errors = network.deleted.mean[np.isfinite(network.deleted.mean)]
    ends = f"{percent(errors.min())} to {percent(errors.max())}; chance is {percent(network.chance, 0)}"
    yield "one layer", "about chance, whichever layer", f"{percent(float(np.median(errors)))} (median layer), {ends}"
