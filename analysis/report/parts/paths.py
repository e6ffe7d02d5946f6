"""The part on gradient paths: how long those are that the gradient takes (P2)."""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from analysis import figures as fig
from analysis.figures.paths import PathLines, draw_paths
from analysis.formats import DASH
from analysis.paper import Claim, Outcome
from analysis.paths import NetworkPaths, network_paths
from analysis.report.document import Badge, Block, Callout, KeyFigures, Lead, Prose, Section, Table
from analysis.report.part import Part
from analysis.report.parts.budget import budget, unbroken
from analysis.report.parts.claims import TONES, claim_blocks, outcome
from analysis.report.pictures import Picture
from analysis.report.words import columns, figure, number, percent
from analysis.results import Results
from analysis.seeds import OverSeeds

NAME = "paths"
SOURCE = (
    "Veit, Wilber, Belongie, Residual Networks Behave Like Ensembles of Relatively Shallow Networks "
    "(arXiv 1605.06431, 2016)"
)
_PUBLISHED = [
    "published, ResNet-110",
    "54",
    "",
    "6.10 %",
    "",
    "",
    "5 to 17",
    "10 to 34",
    "0.45 %",
    "",
    "",
]
_METHOD = (
    "A path goes through the branches of some blocks and the skips of the others; its length counts the branches. "
    "Along a path the forward pass is that of the whole network, and the gradient goes back along that path alone. "
    "Each draw is one path of its length and one validation image, with batch norms at their running statistics.\n\n"
    "A length contributes the number of its paths times the mean norm of the gradient at the input, draws of norm zero "
    "counted. The *effective length* is the mean length weighed by contribution. The *effective band* is the central "
    "interval of lengths that holds at least 90 % of the contribution, 5 to 95 %; where the paper put its own is not "
    "known to us, so that the bands are compared roughly. *Fall a block* is what one block more multiplies the mean "
    "norm by, from a straight line through its logarithm."
)


def make(results: Results, study: str) -> Part | None:
    """The part on the path gradients of a study, or None where it has none."""
    networks = network_paths(results, study)
    if not networks:
        return None
    claims = [_short(networks), _exponential(networks)]
    picture = _picture(networks)
    return Part(
        name=NAME,
        title="Which paths the gradient takes",
        lead=_lead(networks, claims[0]),
        verdict=f"the gradient takes short paths: {claims[0].outcome.value}, {_band_words(_deepest(networks))}",
        sections=[_section(networks, claims, picture)],
        pictures={picture.name: picture},
        numbers={"networks": {each.label: _numbers(each) for each in networks}, "claims": claims},
        tables={"path_lengths": _table(networks)},
        headline=_headline(_deepest(networks)),
        badges=[Badge("one seed", "warning")] if max(each.seeds for each in networks) == 1 else [],
        trials=sum(each.seeds + each.without for each in networks),
    )


def _deepest(networks: Sequence[NetworkPaths]) -> NetworkPaths:
    return max(networks, key=lambda each: each.blocks)


def _short(networks: Sequence[NetworkPaths]) -> Claim:
    """P2: the gradient comes along paths much shorter than most; here, whether they are shorter than the mean path."""
    below = [float(each.effective_length.high) < each.mean_length for each in networks]
    above = [float(each.effective_length.low) > each.mean_length for each in networks]
    because = "; ".join(
        f"{each.label}: effective length {_estimate(each.effective_length, 1)}, mean of all paths "
        f"{each.mean_length:.1f}"
        for each in networks
    )
    return Claim("The gradient comes along relatively short paths.", outcome(below, above), because)


def _exponential(networks: Sequence[NetworkPaths]) -> Claim:
    falls = [float(each.slope.high) < 0 for each in networks]
    rises = [float(each.slope.low) > 0 for each in networks]
    because = "; ".join(
        f"{each.label}: times {_factor(each.slope)} a block, R² {number(each.r_squared, 2)}" for each in networks
    )
    return Claim("The gradient along a path falls exponentially with its length.", outcome(falls, rises), because)


def _lead(networks: Sequence[NetworkPaths], claim: Claim) -> Lead:
    deepest = _deepest(networks)
    verdict = {
        Outcome.HOLDS: "The gradient takes short paths",
        Outcome.IN_PART: "The gradient takes short paths in some of the networks",
        Outcome.CONTRADICTED: "The gradient takes long paths",
        Outcome.OPEN: "Not decided: whether the gradient takes short paths",
    }[claim.outcome]
    detail = (
        f"In {deepest.label} at least 90 % of the gradient comes along paths of *{_band_words(deepest)}*, "
        f"{percent(deepest.band.paths, 2)} of all paths; published are 5 to 17 of 54 blocks and 0.45 % (second-hand). "
        f"{budget([each.row for each in networks])}"
    )
    return Lead(
        verdict=f"{verdict}.",
        detail=detail,
        kind=TONES[claim.outcome],
        key_figures=KeyFigures(
            [
                ("Effective length", _estimate(deepest.effective_length, 1), f"of {deepest.blocks} blocks"),
                ("Effective band", f"{deepest.band.low} to {deepest.band.high}", f"{_layers(deepest)} layers"),
                ("Share of all paths", percent(deepest.band.paths, 2), "published 0.45 % (second-hand)"),
            ]
        ),
    )


def _section(networks: Sequence[NetworkPaths], claims: Sequence[Claim], picture: Picture) -> Section:
    blocks: list[Block] = [Prose(f"Source: {SOURCE}.")]
    blocks += claim_blocks(claims)
    blocks += figure(picture)
    blocks.append(
        Table(
            columns(
                "network",
                "blocks",
                "seeds",
                "error",
                "effective length [95 %]",
                "mean length",
                "effective band, blocks",
                "in layers",
                "of all paths",
                "fall a block",
                "R²",
            ),
            [[unbroken(_PUBLISHED[0]), *_PUBLISHED[1:]], *map(_row, networks)],
            "Effective paths, published and ours",
            "Lengths in blocks. *Mean length* is of all paths alike, *of all paths* the share of them that lies in the "
            "band. Bands are of the contribution's mean over seeds; intervals are Student's over seeds. The published "
            "share is that of a binomial of 54 blocks between 5 and 17, 0.4537 %, which we checked; the other "
            "published figures we have second-hand.",
        )
    )
    blocks += _remarks(networks)
    blocks.append(Prose(_METHOD))
    blocks.append(
        Prose(
            f"{budget([each.row for each in networks])} The paper trains a pre-activation ResNet-110 on the whole of "
            "CIFAR-10 to an error of 6.10 % (second-hand): where networks here are shallower, see fewer or smaller "
            "images, or train for less, their errors and bands are not its own."
        )
    )
    return Section("paths", "Effective paths", blocks)


def _remarks(networks: Sequence[NetworkPaths]) -> list[Block]:
    blocks: list[Block] = []
    without = [f"{each.label} {each.without}" for each in networks if each.without]
    if without:
        blocks.append(Callout("info", f"Trials that did not finish or were not measured: {', '.join(without)}."))
    zeros = [f"{each.label} {percent(each.zeros, 1)}" for each in networks if each.zeros > 0]
    if zeros:
        blocks.append(Callout("info", f"Draws with a gradient of exactly zero, which count: {', '.join(zeros)}."))
    return blocks


def _row(each: NetworkPaths) -> list[str]:
    bands = sorted({f"{band.low} to {band.high}" for band in each.bands})
    seeds = f" (seeds: {', '.join(bands)})" if len(bands) > 1 else ""
    return [
        unbroken(each.label),
        str(each.blocks),
        str(each.seeds),
        percent(float(each.error.mean), 2),
        _estimate(each.effective_length, 1),
        f"{each.mean_length:.1f}",
        f"{each.band.low} to {each.band.high}{seeds}",
        _layers(each),
        percent(each.band.paths, 2),
        _factor(each.slope),
        number(each.r_squared, 2),
    ]


def _band_words(each: NetworkPaths) -> str:
    return f"{each.band.low} to {each.band.high} of {each.blocks} blocks"


def _layers(each: NetworkPaths) -> str:
    return "{} to {}".format(*each.layers)


def _estimate(values: OverSeeds, digits: int) -> str:
    mean, low, high = float(values.mean), float(values.low), float(values.high)
    interval = f" [{number(low, digits)}, {number(high, digits)}]" if math.isfinite(low) else ""
    return f"{number(mean, digits)}{interval}"


def _factor(slope: OverSeeds) -> str:
    mean = float(slope.mean)
    return f"{math.exp(mean):.3g}" if math.isfinite(mean) else DASH


def _picture(networks: Sequence[NetworkPaths]) -> Picture:
    several = max(each.seeds for each in networks) > 1
    lines = [
        PathLines(each.label, each.length, each.paths, each.norm, each.contribution, (each.band.low, each.band.high))
        for each in networks
    ]
    return Picture(
        NAME,
        fig.render(draw_paths(lines, several)),
        "Three panels by path length: share of all paths, mean gradient norm on a log scale, and share of the gradient "
        "that paths of each length carry.",
        "Few of all paths are short, but the gradient along long ones vanishes: what a length carries is their "
        "product. Means over seeds; the bars above are the effective bands.",
    )


def _numbers(each: NetworkPaths) -> dict[str, Any]:
    names = ("seeds", "without", "blocks", "layers_a_block", "mean_length", "effective_length", "band", "bands")
    return {name: getattr(each, name) for name in (*names, "slope", "r_squared", "zeros", "error")}


def _headline(deepest: NetworkPaths) -> dict[str, float]:
    values = {
        "effective_length": float(deepest.effective_length.mean),
        "effective_band_low": float(deepest.band.low),
        "effective_band_high": float(deepest.band.high),
        "paths_in_band": deepest.band.paths,
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _table(networks: Sequence[NetworkPaths]) -> pa.Table:
    """A row a network and path length."""
    rows = [
        {
            "network": each.label,
            "length": int(length),
            "paths": float(each.paths[place]),
            **{f"norm{suffix}": float(each.norm[index][place]) for index, suffix in _ENDS},
            **{f"contribution{suffix}": float(each.contribution[index][place]) for index, suffix in _ENDS},
        }
        for each in networks
        for place, length in enumerate(each.length)
    ]
    return pa.Table.from_pylist(rows)


_ENDS = ((0, ""), (1, "_low"), (2, "_high"))
