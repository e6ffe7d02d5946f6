"""Lesions beside the published figures of P2, and in what the networks differ."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.formats import percent
from analysis.networks import is_stochastic_depth
from analysis.questions.lesions.differences import LesionDifference
from analysis.questions.lesions.summary import LesionedNetwork, Lesions
from analysis.report.document import Block, Prose, Section, Table
from analysis.report.parts.estimates import difference, increase, seeds_said, share
from analysis.report.parts.lesion_pictures import chance
from analysis.report.words import columns, dataset_name, unbroken

SOURCE = (
    "Veit, Wilber, Belongie, Residual Networks Behave Like Ensembles of Relatively Shallow Networks (arXiv 1605.06431)"
)
BLOCKS, DELETED = 54, 10
"""Of the published ResNet-110, and how many of them a published figure is without."""
_FACTS = {
    "whole": "6.10 %",
    "others": "hardly any change",
    "transitions": "a modest rise",
    "some": f"about 20 % ({DELETED} of {BLOCKS} blocks)",
    "reorder": "a smooth rise as Kendall's tau falls",
    "vgg": "about chance, whichever layer",
    "stochastic": "a little more resilient, mainly where the shape changes",
}
"""Second-hand: from notes on the paper, not from its text."""
_RESIDUAL = ("resnet", "preresnet")


def section(lesions: Lesions, methods: tuple[LesionDifference, ...]) -> Section | None:
    """The published figures and ours; None where no network is of a kind that the paper has."""
    shown = [each for each in lesions.networks if _comparable(each)]
    rows = [row for each in shown for row in (_residual(each) if each.trial["network"] in _RESIDUAL else _vgg(each))]
    rows += _stochastic(lesions, methods)
    if not rows:
        return None
    blocks: list[Block] = [
        Prose(
            f"Source: {SOURCE}. *The published figures are second-hand*: they come from notes on the paper, not from "
            "its text. They are of one pre-activation ResNet-110 of 54 blocks, and of a VGG network, on CIFAR-10; what "
            "spread they have is not known to us, so no test lays them against ours."
        ),
        Table(
            columns("lesion", "<network here", "<published, second-hand", "<here"),
            rows,
            "Lesions, published and ours",
            "Errors in per cent, changes in percentage points. "
            + seeds_said([each.seeds for each in lesions.networks]),
        ),
        Prose(_differences(shown)),
    ]
    return Section("lesions-published", "Beside the published lesions", [each for each in blocks if each != Prose("")])


def _comparable(network: LesionedNetwork) -> bool:
    row = network.trial
    kinds = (*_RESIDUAL, "vgg")
    return row["network"] in kinds and row["architecture"] == "sequential" and row["method"] == "plain"


def _residual(network: LesionedNetwork) -> list[list[str]]:
    found = network.quantities
    rows = [
        ["none", unbroken(network.label), _FACTS["whole"], share(found["error"])],
        ["one block that keeps the shape", unbroken(network.label), _FACTS["others"], increase(found["others"])],
        ["one block that changes it", unbroken(network.label), _FACTS["transitions"], increase(found["transitions"])],
    ]
    some, reorder = network.by_size.get("delete-some"), network.by_size.get("reorder")
    if some is not None:
        place = int(np.argmin(abs(some.size - DELETED / BLOCKS * network.blocks)))
        here = f"{share(some.mean, place=place)} ({some.size[place]} of {network.blocks} blocks)"
        rows.append(["random blocks deleted", unbroken(network.label), _FACTS["some"], here])
    if reorder is not None and np.isfinite(reorder.tau).any():
        place = int(np.nanargmin(reorder.tau))
        here = f"{share(reorder.mean, place=place)} at tau {reorder.tau[place]:.2f}"
        rows.append(["blocks swapped", unbroken(network.label), _FACTS["reorder"], here])
    return rows


def _vgg(network: LesionedNetwork) -> list[list[str]]:
    errors = network.deleted.mean[np.isfinite(network.deleted.mean)]
    here = (
        f"{percent(float(np.median(errors)))} (median layer), {percent(float(errors.min()))} to "
        f"{percent(float(errors.max()))}; chance is {percent(chance(network), 0)}"
    )
    return [["one layer", unbroken(network.label), _FACTS["vgg"], here]]


def _stochastic(lesions: Lesions, methods: tuple[LesionDifference, ...]) -> list[list[str]]:
    """Stochastic depth against plain training, the change in the rise of the error by one deleted block.

    Only ResNets that were trained so from the start, as the paper's was.
    """
    dropped = {each.label for each in lesions.networks if _is_published(each.trial)}
    names = {"mean": "one block, rise against plain training", "transitions": "the same, where the shape changes"}
    return [
        [names[each.quantity], unbroken(each.first), _FACTS["stochastic"], difference(each.found)]
        for each in methods
        if each.first in dropped and each.quantity in names
    ]


def _is_published(row: Mapping[str, Any]) -> bool:
    resnet = row["network"] in _RESIDUAL and row["architecture"] == "sequential"
    return resnet and is_stochastic_depth(row) and not row["pretrain_epochs"]


def _differences(networks: list[LesionedNetwork]) -> str:
    """In what our networks differ from the published one, as far as anything is known of it."""
    listed: list[str] = []
    for each in networks:
        row = each.trial
        own = [] if row["dataset"] == "cifar10" else [f"{dataset_name(row['dataset'])} instead of CIFAR-10"]
        if row["network"] in _RESIDUAL:
            own += ["post-activation instead of pre-activation"] if row["network"] == "resnet" else []
            own += [f"{each.blocks} blocks instead of {BLOCKS}"] if each.blocks != BLOCKS else []
        if row["dataset"] == "cifar10" and row["train_samples"] < 50_000:
            own.append(f"{row['train_samples']} of 50000 training images")
        if row["dataset"] == "cifar10" and row["image_size"] < 32:
            own.append(f"images of {row['image_size']} instead of 32 pixels")
        if row["augmentation"] == "none":
            own.append("no augmentation")
        base = f"{row['pretrain_epochs']} + " if row["pretrain_epochs"] else ""
        own.append(f"{base}{row['epochs']} epochs")
        listed.append(f"- {each.label}: {', '.join(own)}.")
    if not listed:
        return ""
    known = (
        "Budgets differ. The paper's number of epochs, augmentation and VGG depth are not in what we could read, so "
        "ours are said without a comparison:"
    )
    return known + "\n\n" + "\n".join(listed)
