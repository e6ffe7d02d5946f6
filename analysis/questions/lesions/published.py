"""Lesions beside the published figures of P2, which are second-hand: from notes on the paper, not from its text."""

import numpy as np

from analysis.formats import percent
from analysis.networks import is_stochastic_depth
from analysis.questions.lesions.differences import LesionDifference
from analysis.questions.lesions.summary import LesionedNetwork, Lesions
from analysis.report.content import Column, Table
from analysis.report.words import points, share, unbroken
from analysis.seeds import Estimate
from sweep.measures.lesions import DELETE_SOME, REORDER

BLOCKS, DELETED = 54, 10
"""Of the published ResNet-110, and how many of them a published figure is without."""
WHOLE = "6.10 %"
"""The error of that network as trained."""
_KINDS = ("resnet", "preresnet", "vgg")
"""The kinds of network that are close to the paper's, a pre-activation ResNet and a VGG network."""
_STOCHASTIC = "a little more resilient, mainly where the shape changes"


def comparable(network: LesionedNetwork) -> bool:
    """Whether the paper has a plainly trained network like it."""
    return network.is_plain and network.trial["network"] in _KINDS


def published(lesions: Lesions, methods: tuple[LesionDifference, ...]) -> list[Table]:
    """The published figures beside ours; empty where no network is of a kind that the paper has."""
    like = [each for each in lesions.networks if comparable(each)]
    facts = [(each.label, *fact) for each in like for fact in (_residual if each.is_residual else _layers)(each)]
    # Stochastic depth from the start alone, as the paper's was.
    dropped = {each.label for each in lesions.networks if _is_published(each)}
    lesion = {"mean": "one block, rise against plain training", "transitions": "the same, where the shape changes"}
    facts += [
        (each.first, lesion[each.quantity], _STOCHASTIC, points()(Estimate.of(each.found)))
        for each in methods
        if each.first in dropped and each.quantity in lesion
    ]
    keys = ("network", "lesion", "published", "here")
    heads = ("network here", "lesion", "published, second-hand", "here")
    columns = [Column(key, head, unbroken if key == "network" else str) for key, head in zip(keys, heads, strict=True)]
    rows: list[dict[str, str]] = [dict(zip(keys, fact, strict=True)) for fact in facts]
    note = "Errors in per cent, changes in percentage points, with 95 % intervals over seeds."
    return [Table("lesions_published", columns, rows, "Lesions, published and ours", note)] if rows else []


def _is_published(network: LesionedNetwork) -> bool:
    row = network.trial
    sequential = row["network"] in _KINDS and row["architecture"] == "sequential"
    return sequential and is_stochastic_depth(row) and not row["pretrain_epochs"]


def _residual(network: LesionedNetwork) -> list[tuple[str, str, str]]:
    found = {name: each.at() for name, each in network.quantities.items()}
    facts = [
        ("none", WHOLE, share()(found["error"])),
        ("one block that keeps the shape", "hardly any change", points()(found["others"])),
        ("one block that changes it", "a modest rise", points()(found["transitions"])),
    ]
    some, reorder = network.by_size.get(DELETE_SOME), network.by_size.get(REORDER)
    if some is not None:
        place = int(np.argmin(abs(some.size - DELETED / BLOCKS * network.blocks)))
        here = f"{share()(some.mean.at(place))} ({some.size[place]} of {network.blocks} blocks)"
        facts.append(("random blocks deleted", f"about 20 % ({DELETED} of {BLOCKS} blocks)", here))
    if reorder is not None and np.isfinite(reorder.tau).any():
        place = int(np.nanargmin(reorder.tau))
        here = f"{share()(reorder.mean.at(place))} at tau {reorder.tau[place]:.2f}"
        facts.append(("blocks swapped", "a smooth rise as Kendall's tau falls", here))
    return facts


def _layers(network: LesionedNetwork) -> list[tuple[str, str, str]]:
    errors = network.deleted.mean[np.isfinite(network.deleted.mean)]
    here = f"{percent(float(np.median(errors)))} (median layer), " + (
        f"{percent(errors.min())} to {percent(errors.max())}; chance is {percent(network.chance, 0)}"
    )
    return [("one layer", "about chance, whichever layer", here)]
