"""Gradient paths as a reader sees them: how long are the paths that the gradient takes (P2)?"""

import math
from collections.abc import Sequence
from dataclasses import replace

from analysis.claims import Claim, Outcome, signs
from analysis.equivalence.mean import Estimate
from analysis.figures import render
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import DASH, number, percent, unbroken
from analysis.path_lengths import LEAST_LENGTHS, Band
from analysis.questions.paths.summary import NetworkPaths, find_paths
from analysis.report.content import Badge, Column, Lead, Part, Picture, Table
from analysis.report.words import budget, clause, plain, share
from analysis.results import Results
from analysis.seeds import CONFIDENCE

LINEAR = 0.9
"""Least R² of a straight line through the log norms, mean over seeds, that counts as an exponential fall. Ours."""
_UNLEARNED = 0.9
"""A network has hardly learned if its error is at least this share of that of guessing. Ours."""
_NONE_JUDGED = f"no plainly trained sequential network with at least {LEAST_LENGTHS} path lengths was measured"
_ANSWERS = (
    "In some of the networks",
    "In some of the networks, and long ones in others",
    "No, it takes long ones in some of the networks",
    "No, it takes long ones",
)
# More lines than this in a panel hide each other.
_LINES = 5


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on the path gradients of a study; None where none were measured."""
    found = find_paths(results, study)
    if found is None:
        return None
    palette.liken(found.looks)
    judged = [each for each in found.networks if each.judged]
    asked = sorted(judged or found.networks, key=lambda each: -each.longest)
    first, claims = asked[0], _claims(judged)
    lead = _lead(asked, claims, budget([each.trial for each in found.networks]))
    return Part(
        name="paths",
        title="Does the gradient take short paths?",
        subtitle="Gradients along single paths through trained networks",
        lead=lead,
        verdict=clause(lead.verdict),
        template="paths/page.html",
        words={"study": found, "least": LEAST_LENGTHS, "linear": LINEAR},
        tables=[_table(found.networks), _lengths(found.networks)],
        pictures=[_picture(found.networks, palette)],
        claims=claims,
        numbers={"trials": found.counts},
        headline={
            "effective_length": first.effective_length.value,
            "effective_band_low": first.band.low,
            "effective_band_high": first.band.high,
            "paths_in_band": first.band.paths,
        },
        badges=[Badge("one seed", "warning")] if max(len(each.seeds) for each in found.networks) == 1 else [],
        trials=found.counts["planned"],
    )


def _claims(judged: Sequence[NetworkPaths]) -> list[Claim]:
    """The claims of P2. Short is shorter than the mean of all paths; exponential is a straight line of the log norm."""
    short, falls = signs([each.beyond_mean for each in judged]), signs([each.slope for each in judged])
    bent = [sign < 0 and not each.r_squared >= LINEAR for sign, each in zip(falls, judged, strict=True)]
    lengths = [
        f"{each.label}: effective length {_length(each)}, mean of all paths {each.mean_length:.1f}" for each in judged
    ]
    slopes = [
        f"{each.label}: times {_factor(each.slope.interval(CONFIDENCE))} per block, R² {number(each.r_squared, 2)}"
        f"{f', so it falls, but not exponentially (R² below {LINEAR:g})' if other else ''}"
        for each, other in zip(judged, bent, strict=True)
    ]
    exponential = _below("The gradient along a path falls exponentially with its length.", falls, slopes)
    if any(bent) and exponential.outcome is Outcome.HOLDS:
        exponential = replace(exponential, outcome=Outcome.IN_PART)
    return [_below("The gradient comes along relatively short paths.", short, lengths), exponential]


def _below(claim: str, found: Sequence[int], because: Sequence[str]) -> Claim:
    """A claim that something is below zero."""
    return Claim.judged(claim, [-sign for sign in found], because, "" if because else _NONE_JUDGED)


def _lead(asked: Sequence[NetworkPaths], claims: Sequence[Claim], trained: str) -> Lead:
    """The answer for the network with the longest path, with its numbers."""
    first, (short, falls) = asked[0], [claim.outcome for claim in claims]
    more = f"; {len(asked) - 1} more below" if len(asked) > 1 else ""
    unlearned = ", ".join(each.label for each in asked if each.error.value >= _UNLEARNED * each.chance)
    guessing = f"*Hardly learned, with errors close to guessing: {unlearned}.* " if unlearned else ""
    return Lead(
        f"{short.answer(*_ANSWERS)}: weighed by the gradient that they carry, paths through {first.label} are "
        f"{_length(first)} blocks long on average, all paths {first.mean_length:.1f}{more}.",
        f"Veit et al. claim that the gradient comes along short paths, which {short} here, and that it falls "
        f"exponentially with a path's length, which {falls} here. In {first.label} at least 90 % of the gradient comes "
        f"along paths of *{_band(first.band)} blocks (longest path {first.longest})*, {percent(first.band.paths, 2)} "
        "of all paths; published are 5 to 17 of 54 blocks and 0.45 % (second-hand). The network's error is "
        f"{percent(first.error.value, 2)}, published are 6.10 % (second-hand). {guessing}{trained}",
        "warning" if unlearned and short is Outcome.HOLDS else claims[0].tone,
    )


def _length(each: NetworkPaths) -> str:
    return plain(1)(each.effective_length)


def _band(band: Band, times: int = 1) -> str:
    return f"{band.low * times} to {band.high * times}"


def _factor(slope: Estimate) -> str:
    return f"{math.exp(slope.value):.3g}" if math.isfinite(slope.value) else DASH


def _table(networks: Sequence[NetworkPaths]) -> Table:
    columns = (
        Column("network", "network", unbroken, lambda each: each.label),
        Column("longest", "longest path"),
        Column("seeds", "seeds", of=lambda each: len(each.seeds)),
        Column("error", "error, %", share(2)),
        Column("effective_length", "effective length [95 %]", plain(1)),
        Column("mean_length", "mean length", plain(1)),
        Column("band", "effective band, blocks", unbroken, _bands),
        Column("layers", "in layers", unbroken, lambda each: _band(each.band, each.layers_a_block)),
        Column("paths_in_band", "of all paths, %", share(2), lambda each: each.band.paths),
        Column("slope", "norm, times per block", _factor, lambda each: each.slope.interval(CONFIDENCE)),
        Column("r_squared", "R²", plain(2)),
        *map(Column, ("judged", "lacking", "chance", "zeros")),
        Column("beyond_mean", of=lambda each: each.beyond_mean.interval(CONFIDENCE)),
        *(Column(f"{name}_p", of=lambda each, name=name: getattr(each, name).p) for name in ("beyond_mean", "slope")),
        *(Column(f"band_{end}", of=lambda each, end=end: getattr(each.band, end)) for end in ("low", "high")),
    )
    published = ["published, ResNet-110", "54", "", "6.10", "", "", "5 to 17", "10 to 34", "0.45", "", ""]
    caption = "Effective paths, published and ours"
    return Table("paths", columns, networks, caption, above=[list(map(unbroken, published))])


def _bands(each: NetworkPaths) -> str:
    """The band, and those of single seeds where they differ."""
    seeds = sorted(set(map(_band, each.bands)))
    return _band(each.band) + (f" (seeds: {', '.join(seeds)})" if len(seeds) > 1 else "")


def _lengths(networks: Sequence[NetworkPaths]) -> Table:
    """What each path length contributes, for the files alone."""
    keys = ("network", "length", "paths", "norm", "contribution")
    rows = [
        (each.label, int(length), each.paths[at], Estimate(*each.norm[:, at]), Estimate(*each.contribution[:, at]))
        for each in networks
        for at, length in enumerate(each.length)
    ]
    return Table("path_lengths", list(map(Column, keys)), [dict(zip(keys, row, strict=True)) for row in rows])


def _picture(networks: Sequence[NetworkPaths], palette: Palette) -> Picture:
    """A row of panels for each kind of network; labels begin with the kind."""
    kinds: dict[str, list[NetworkPaths]] = {}
    for each in networks:
        kinds.setdefault(each.label.partition(",")[0], []).append(each)
    words = {False: "lowest to highest seed", True: "95 % interval over draws"}
    drawn = draw_panels(
        "Paths by the number of blocks they go through",
        [_panels(some) for kind in kinds.values() for some in in_rows(kind, _LINES)],
        palette,
        band=", of a single seed ".join(
            words[single] for single in sorted({len(each.seeds) == 1 for each in networks})
        ),
        notes={"bars": "effective band"},
        keys="row",
    )
    return Picture(
        "paths",
        render(drawn),
        "Three panels by path length: share of all paths, mean gradient norm on a log scale, and share of the gradient "
        "that paths of each length carry.",
        "What a length carries is the number of its paths times the gradient along one. Means over seeds.",
    )


def _panels(networks: Sequence[NetworkPaths]) -> list[Panel]:
    x = Axis("path length (blocks)", whole=True)
    share_of = [Axis(f"share of {what} (%)", "percent") for what in ("all paths", "gradient")]
    bars = {each.label: (float(each.band.low), float(each.band.high)) for each in networks}
    paths = [Line(each.label, each.length, 100 * each.paths) for each in networks]
    norms = [Line(each.label, each.length, *each.norm) for each in networks]
    carried = [Line(each.label, each.length, *(100 * each.contribution)) for each in networks]
    return [
        Panel("Paths there are", x, share_of[0], paths, bars=bars),
        Panel("Gradient along one", x, Axis("mean norm at the input", "log"), norms),
        Panel("Gradient they carry", x, share_of[1], carried, bars=bars),
    ]
