"""The states of networks, before training and after it, as a reader sees them."""

from collections.abc import Sequence
from itertools import groupby, product
from operator import attrgetter
from typing import Any

import numpy as np

from analysis.claims import Claim, signs
from analysis.equivalence.mean import Difference
from analysis.figures import render
from analysis.figures.heat_map import HeatMap, Shades, draw_heat_maps
from analysis.figures.panels import Axis, Line, Panel, draw_panels
from analysis.figures.style import Palette
from analysis.formats import DASH, number, p_value, unbroken
from analysis.questions.features.summary import METRICS, WHEN, MethodFeatures, find_features
from analysis.report.content import Column, Lead, Part, Picture, Table
from analysis.report.words import budget, clause, plain, seeds_said, signed
from analysis.results import Results
from analysis.seeds import CONFIDENCE, OverSeeds
from sweep.measures.features import AFTER, BEFORE, CKA, DISTANCE

_ANSWERS = ("In part", "Some do, and others come apart", "No, some come apart", "No, they come apart")
_PANELS = {CKA: "Similarity (CKA)", DISTANCE: "Distance between distributions"}
_UNTRAINED = "before training"
_CHANGES = "Neighbouring states before and after training"
_NAMES = tuple(Column(name, name, unbroken) for name in ("network", "method", "measure"))


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on the features of a study's networks; None where none were measured."""
    found = find_features(results, study)
    if found is None:
        return None
    methods = found.networks
    networks = [list(of) for _, of in groupby(methods, attrgetter("network"))]
    claim, verdict = _judge(methods)
    detail = "By similarity (CKA) and by the distance between distributions of features, before and after training. "
    return Part(
        name="features",
        title="Do the states of a network come to be alike?",
        subtitle="Features before and after training",
        lead=Lead(verdict, detail + budget([each.trial for each in methods]), claim.tone),
        verdict=clause(verdict),
        template="features/page.html",
        words={"study": found, "seeds": seeds_said([len(each.seeds) for each in methods])},
        tables=[*_tables(networks), _neighbours(methods)],
        pictures=[
            picture
            for place, network in enumerate(networks, start=1)
            for picture in (_by_state(place, network, palette), _similarity(place, network))
        ],
        claims=[claim],
        numbers={"trials": found.counts},
        headline={
            f"neighbour_{metric}_{WHEN[when]}": methods[0].mean(when, metric).value
            for metric, when in product(METRICS, WHEN)
        },
        trials=found.counts["planned"],
    )


def _judge(methods: Sequence[MethodFeatures]) -> tuple[Claim, str]:
    """What training does to neighbouring states by both measures, as a claim and as the verdict."""
    tests = [(each, metric, test) for metric in METRICS for each in methods if (test := each.change(metric)).n]
    # Nearer is a higher CKA, and a lower distance.
    found = zip(tests, signs([test for *_, test in tests]), strict=True)
    nearer = [sign if metric == CKA else -sign for (_, metric, _), sign in found]
    because = [
        f"{each.network}, {each.method}: {METRICS[metric]} changes by {signed()(test.interval(CONFIDENCE))}"
        for (each, metric, test), sign in zip(tests, nearer, strict=True)
        if sign
    ]
    claim = Claim.judged("Similar feature distributions come out of repeated transformations.", nearer, because)
    first, closer, apart = methods[0], nearer.count(1) or "none", nearer.count(-1) or "none"
    ends = {name: [number(first.mean(when, metric).value) for when in WHEN] for metric, name in METRICS.items()}
    changes = ", ".join(f"{name} {before} to {after}" for name, (before, after) in ends.items() if before != DASH)
    return claim, (
        f"{claim.outcome.answer(*_ANSWERS)}: training brings neighbouring states nearer in {closer} of {len(tests)} "
        f"tests and takes them apart in {apart}; {changes or 'no value'} in {first.network}, {first.method}."
    )


def _by_state(place: int, network: Sequence[MethodFeatures], palette: Palette) -> Picture:
    label = network[0].network
    panels: list[Panel] = []
    for metric, title in _PANELS.items():
        shown = [(_UNTRAINED, network[0], BEFORE), *((each.method, each, AFTER) for each in network)]
        lines = [line for name, each, when in shown for line in _lines(name, each.pairs(when, metric))]
        panels.append(Panel(title, Axis("state", whole=True), Axis(METRICS[metric]), lines))
    drawn = draw_panels("Each state of the network and the next", [panels], palette, band="lowest to highest seed")
    return Picture(
        f"neighbours-{place}",
        render(drawn),
        f"{label}: CKA and distance between each state and the next, by depth, before and after training.",
        f"{label}: state i beside state i + 1. Means over seeds. States of different shapes have no distance.",
    )


def _lines(label: str, pairs: OverSeeds) -> list[Line]:
    """From each state to the next, a line for each run of states of one shape."""
    band = np.diagonal(pairs.band, 1, 1, 2)
    known = np.flatnonzero(np.isfinite(band[0]))
    runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    return [Line(label, run.astype(float), *band[:, run]) for run in runs]


def _similarity(place: int, network: Sequence[MethodFeatures]) -> Picture:
    label = network[0].network
    maps = [HeatMap(f"after training:\n{of.method}", of.pairs(AFTER, CKA).mean, "state", "state") for of in network]
    maps.insert(0, HeatMap(_UNTRAINED, network[0].pairs(BEFORE, CKA).mean, "state", "state"))
    shades = Shades("CKA (1: equal up to rotation and scale; grey: not defined)")
    return Picture(
        f"similarity-{place}",
        render(draw_heat_maps(f"Similarity of states, {label}", maps, shades)),
        f"{label}: heat maps of CKA between all pairs of states, before training and after each way of training.",
        f"{label}: CKA of all pairs of states, means over seeds.",
    )


def _tables(networks: Sequence[Sequence[MethodFeatures]]) -> list[Table]:
    """What training does to each network and, if there are several ways of training, each against the first."""
    changes: list[dict[str, Any]] = []
    contrasts: list[dict[str, Any]] = []
    for methods in networks:
        first = methods[0]
        for each, metric in product(methods, METRICS):
            named = {"network": each.network, "method": each.method, "measure": METRICS[metric]}
            means = {name: each.mean(when, metric) for when, name in WHEN.items()}
            changes.append(named | means | _tested(each.change(metric)))
            if each is not first:
                contrasts.append(named | {"against": first.method} | _tested(each.against(first, metric)))
    seeds, p = Column("seeds", "seeds"), Column("p", "p", p_value)
    change, contrast = (Column("difference", f"{head} [95 %]", signed()) for head in ("change", "difference"))
    means = [Column(name, name, plain()) for name in WHEN.values()]
    against = (*_NAMES[:2], Column("against", "against", unbroken), _NAMES[2], seeds, contrast, p)
    caption = "Differences between methods after training, paired by seed"
    every = Table("feature_changes", (*_NAMES, *means, seeds, change, p), changes, _CHANGES)
    return [every, *([Table("feature_contrasts", against, contrasts, caption)] if contrasts else [])]


def _tested(test: Difference) -> dict[str, Any]:
    return {"seeds": test.n, "difference": test.interval(CONFIDENCE), "p": test.p}


def _neighbours(methods: Sequence[MethodFeatures]) -> Table:
    """For the files, the mean over seeds between each state and the next."""
    names = ("network", "method", "when", "metric", "state", "seeds", "mean", "low", "high")
    rows = [
        (of.network, of.method, WHEN[when], metric, at, pairs.n[at, at + 1], *pairs.at(at, at + 1))
        for of, when, metric in product(methods, WHEN, METRICS)
        for pairs in (of.pairs(when, metric),)
        for at in range(len(pairs.n) - 1)
    ]
    return Table("neighbouring_states", list(map(Column, names)), [dict(zip(names, row, strict=True)) for row in rows])
