"""The part on gradient paths: how long those are that the gradient takes (P2)."""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from analysis import figures as fig
from analysis.figures.paths import PathLines, draw_paths
from analysis.formats import DASH, number, percent
from analysis.questions.equivalence.paper import Claim, Outcome
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.paths.summary import LEAST_LENGTHS, LINEAR, NetworkPaths, network_paths
from analysis.report.document import Badge, Block, Callout, KeyFigures, Lead, Prose, Section, Table
from analysis.report.part import Part
from analysis.report.parts.budget import budget
from analysis.report.parts.claims import TONES, claim_blocks, counted, outcome, signs
from analysis.report.parts.estimates import plain
from analysis.report.words import columns, figure, unbroken
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
    "norm by, from a straight line through its logarithm, and *R²* how straight that is. A fall counts as exponential "
    f"where R² is at least {LINEAR:g} on average over seeds; the bound is ours."
)
_JUDGED = (
    f"Both claims are judged on plainly trained sequential networks with at least {LEAST_LENGTHS} path lengths, which "
    "the paper speaks of, at 5 % over seeds after Holm's correction over the networks of a claim. Other networks are "
    "shown beside them: in a parallel stack no path is longer than one block, and a method that drops blocks changes "
    "which paths are trained."
)
_NONE_JUDGED = f"no plainly trained sequential network with at least {LEAST_LENGTHS} path lengths was measured"


def make(results: Results, study: str) -> Part | None:
    """The part on the path gradients of a study, or None where it has none."""
    networks = network_paths(results, study)
    if not networks:
        return None
    judged = [each for each in networks if each.judged]
    claims = [_short(judged), _exponential(judged)]
    picture = _picture(networks)
    return Part(
        name=NAME,
        title="Which paths the gradient takes",
        lead=_lead(networks, claims[0]),
        verdict=f"the gradient takes short paths: {claims[0].outcome.value}, {_length_words(_deepest(networks))}",
        sections=[_section(networks, claims, picture)],
        pictures={picture.name: picture},
        numbers={"networks": {each.label: _numbers(each) for each in networks}, "claims": claims},
        tables={"path_lengths": _table(networks)},
        headline=_headline(_deepest(networks)),
        badges=[Badge("one seed", "warning")] if max(each.seeds for each in networks) == 1 else [],
        trials=sum(each.seeds + each.without for each in networks),
    )


def _deepest(networks: Sequence[NetworkPaths]) -> NetworkPaths:
    """The network with the longest path, of those that the claims are judged on where there are any."""
    return max([each for each in networks if each.judged] or networks, key=lambda each: each.longest)


def _short(judged: Sequence[NetworkPaths]) -> Claim:
    """P2: the gradient comes along paths much shorter than most; here, whether they are shorter than the mean path."""
    found = signs([each.beyond_mean for each in judged])
    below, above = [sign < 0 for sign in found], [sign > 0 for sign in found]
    because = [
        f"{each.label}: effective length {plain(each.effective_length, 1)}, mean of all paths {each.mean_length:.1f}"
        for each in judged
    ]
    return Claim(
        "The gradient comes along relatively short paths.",
        outcome(below, above),
        "; ".join([counted(below, above), *because]) if judged else _NONE_JUDGED,
    )


def _exponential(judged: Sequence[NetworkPaths]) -> Claim:
    """P2; a fall that is no straight line of the log norm is a part of the claim alone."""
    found = signs([each.fall for each in judged])
    falls, rises = [sign < 0 for sign in found], [sign > 0 for sign in found]
    otherwise = [fall and not each.r_squared >= LINEAR for fall, each in zip(falls, judged, strict=True)]
    comes_to = outcome(falls, rises)
    if comes_to is Outcome.HOLDS and any(otherwise):
        comes_to = Outcome.IN_PART
    because = [
        f"{each.label}: times {_factor(each.slope)} a block, R² {number(each.r_squared, 2)}"
        f"{f', so it falls, but not exponentially (R² below {LINEAR:g})' if other else ''}"
        for each, other in zip(judged, otherwise, strict=True)
    ]
    return Claim(
        "The gradient along a path falls exponentially with its length.",
        comes_to,
        "; ".join([f"{counted(falls, rises)}, as to falling", *because]) if judged else _NONE_JUDGED,
    )


def _length_words(network: NetworkPaths) -> str:
    """How short: the effective length beside the mean of all paths."""
    return f"effective length {float(network.effective_length.mean):.1f}, mean path {network.mean_length:.1f}"


def _lead(networks: Sequence[NetworkPaths], claim: Claim) -> Lead:
    deepest = _deepest(networks)
    verdict = {
        Outcome.HOLDS: "The gradient takes short paths",
        Outcome.IN_PART: "The gradient takes short paths in some of the networks",
        Outcome.MIXED: "The gradient takes short paths in some of the networks and long ones in others",
        Outcome.AGAINST_IN_PART: "The gradient takes long paths in some of the networks",
        Outcome.CONTRADICTED: "The gradient takes long paths",
        Outcome.OPEN: "Not decided: whether the gradient takes short paths",
    }[claim.outcome]
    detail = (
        f"In {deepest.label}: {_length_words(deepest)} blocks. At least 90 % of the gradient comes along paths of "
        f"*{_band_words(deepest)}*, "
        f"{percent(deepest.band.paths, 2)} of all paths; published are 5 to 17 of 54 blocks and 0.45 % (second-hand). "
        f"{budget([each.row for each in networks])}"
    )
    return Lead(
        verdict=f"{verdict}.",
        detail=detail,
        kind=TONES[claim.outcome],
        key_figures=KeyFigures(
            [
                ("Effective length", plain(deepest.effective_length, 1), f"blocks; longest path {deepest.longest}"),
                ("Effective band", f"{deepest.band.low} to {deepest.band.high}", f"{_layers(deepest)} layers"),
                ("Share of all paths", percent(deepest.band.paths, 2), "published 0.45 % (second-hand)"),
            ]
        ),
    )


def _section(networks: Sequence[NetworkPaths], claims: Sequence[Claim], picture: Picture) -> Section:
    blocks: list[Block] = [Prose(f"Source: {SOURCE}.")]
    blocks += [*claim_blocks(claims), Prose(_JUDGED)]
    blocks += figure(picture)
    blocks.append(
        Table(
            columns(
                "network",
                "longest path",
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
            "Lengths in blocks: the *longest path* of a sequential network goes through all of them, of a parallel one "
            "through one. *Mean length* is of all paths alike, *of all paths* the share of them that lies in the "
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
        listed = ", ".join(without)
        blocks.append(Callout("info", f"Seeds that did not finish, are missing or were not measured: {listed}."))
    zeros = [f"{each.label} {percent(each.zeros, 1)}" for each in networks if each.zeros > 0]
    if zeros:
        blocks.append(Callout("info", f"Draws with a gradient of exactly zero, which count: {', '.join(zeros)}."))
    return blocks


def _row(each: NetworkPaths) -> list[str]:
    bands = sorted({f"{band.low} to {band.high}" for band in each.bands})
    seeds = f" (seeds: {', '.join(bands)})" if len(bands) > 1 else ""
    return [
        unbroken(each.label),
        str(each.longest),
        str(each.seeds),
        percent(float(each.error.mean), 2),
        plain(each.effective_length, 1),
        f"{each.mean_length:.1f}",
        f"{each.band.low} to {each.band.high}{seeds}",
        _layers(each),
        percent(each.band.paths, 2),
        _factor(each.slope),
        number(each.r_squared, 2),
    ]


def _band_words(each: NetworkPaths) -> str:
    return f"{each.band.low} to {each.band.high} blocks (longest path {each.longest})"


def _layers(each: NetworkPaths) -> str:
    return "{} to {}".format(*each.layers)


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
    counts = ("judged", "seeds", "without", "longest", "layers_a_block")
    lengths = ("mean_length", "effective_length", "beyond_mean", "band", "bands")
    names = (*counts, *lengths, "slope", "fall", "r_squared", "zeros", "error")
    return {name: getattr(each, name) for name in names}


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
