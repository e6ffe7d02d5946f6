"""The part on feature similarity: whether the states of a network come to be alike (P5)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from analysis import figures as fig
from analysis.equivalence import Difference
from analysis.figures.methods import MethodLine, MethodPanel, draw_by_state
from analysis.figures.similarity import SimilarityPanel, draw_similarity
from analysis.formats import DASH, number, p_value
from analysis.questions.equivalence.paper import Claim, Outcome
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.features.summary import METRICS, MethodFeatures, Metric, NetworkFeatures, When, network_features
from analysis.report.document import Block, KeyFigures, Lead, Prose, Section, Table
from analysis.report.part import Part
from analysis.report.parts.budget import budget
from analysis.report.parts.claims import TONES, claim_blocks, counted, outcome, signs
from analysis.report.words import columns, figure, unbroken
from analysis.results import Results
from analysis.seeds import OverSeeds, over_seeds

NAME = "features"
SOURCE = "Park, ResidualDroppath: Enhancing Feature Reuse over Residual Connections (arXiv 2411.09475, 2024)"
BEFORE = "before training"
_METHOD = (
    "State i of a network is what its stage i is given. *CKA* is linear centred kernel alignment: 1 for features that "
    "are equal up to rotation and scale, about 0 for independent ones. The *distance* is between the distributions of "
    "two states' values, 0 for equal ones and without a unit; it is of states of one shape alone. The paper says that "
    "similar feature distributions come out of repeated transformations; how it measured them is not public to us, so "
    "both measures are ours, and so is the test: whether training brings neighbouring states nearer than they were "
    "before it. The claim is judged at 5 % after Holm's correction over all networks, methods and both measures; "
    "intervals and p in tables are of each row alone."
)


def make(results: Results, study: str) -> Part | None:
    """The part on the features of a study's networks, or None where none were measured."""
    networks = network_features(results, study)
    if not networks:
        return None
    claim = _claim(networks)
    pictures = {picture.name: picture for picture in _pictures(networks)}
    sentence = {
        Outcome.HOLDS: "Training brings neighbouring states of the networks nearer to each other",
        Outcome.IN_PART: "Training brings neighbouring states nearer in part",
        Outcome.MIXED: "Training brings some neighbouring states nearer and takes others further apart",
        Outcome.AGAINST_IN_PART: "Training takes neighbouring states further apart in part",
        Outcome.CONTRADICTED: "Training takes neighbouring states of the networks further apart",
        Outcome.OPEN: "Not decided: whether training brings neighbouring states nearer to each other",
    }[claim.outcome]
    return Part(
        name=NAME,
        title="How alike the states of a network are",
        lead=Lead(
            verdict=f"{sentence}.",
            detail=f"By similarity (CKA) and by the distance between distributions of features, before training and "
            f"after it. {budget([each.row for each in networks])}",
            kind=TONES[claim.outcome],
            key_figures=_key_figures(networks[0]),
        ),
        verdict=f"similar features out of repeated transformations: {claim.outcome.value}",
        sections=[_section(networks, claim, pictures)],
        pictures=pictures,
        numbers={"claims": [claim], "networks": {each.label: _numbers(each) for each in networks}},
        tables={"neighbouring_states": _table(networks)},
        headline=_headline(networks),
        trials=sum(len(method.states("after")) for network in networks for method in network.methods),
    )


def _key_figures(network: NetworkFeatures) -> KeyFigures:
    """Of the network's first method."""
    method = network.methods[0]
    return KeyFigures(
        [
            (
                f"{_name(metric)} of neighbouring states",
                " to ".join(_estimate(_mean(method, metric, when)) for when in ("before", "after")),
                f"before to after training, {method.method}",
            )
            for metric in METRICS
            if method.change(metric).n
        ]
    )


def _claim(networks: Sequence[NetworkFeatures]) -> Claim:
    """P5 on feature distributions, as the change that training makes: CKA up and distance down, paired by seed."""
    methods = [(network.label, method) for network in networks for method in network.methods]
    changes = [(metric, method.change(metric)) for metric in METRICS for _, method in methods]
    changes = [(metric, change) for metric, change in changes if change.n]
    # Nearer is a higher CKA, and a lower distance.
    nearer = [
        sign if metric == "cka" else -sign
        for (metric, _), sign in zip(changes, signs([change for _, change in changes]), strict=True)
    ]
    shown, opposite = [sign > 0 for sign in nearer], [sign < 0 for sign in nearer]
    because = [
        f"{label}, {method.method}: "
        + ", ".join(f"{_name(metric)} {_difference(method.change(metric))}" for metric in METRICS)
        for label, method in methods
    ]
    return Claim(
        "Similar feature distributions come out of repeated transformations.",
        outcome(shown, opposite),
        f"{counted(shown, opposite)}; the change in training between neighbouring states is {'; '.join(because)}",
    )


def _name(metric: Metric) -> str:
    return "CKA" if metric == "cka" else "distance"


def _section(networks: Sequence[NetworkFeatures], claim: Claim, pictures: dict[str, Picture]) -> Section:
    blocks: list[Block] = [
        Prose(f"Source: {SOURCE}."),
        *claim_blocks([claim]),
    ]
    for place in range(1, len(networks) + 1):
        blocks += figure(pictures[f"neighbours-{place}"]) + figure(pictures[f"similarity-{place}"])
    blocks.append(_change_table(networks))
    contrasts = _contrast_rows(networks)
    if contrasts:
        blocks.append(
            Table(
                columns("network", "<method", "<against", "seeds", "CKA [95 %]", "p", "distance [95 %]", "p"),
                contrasts,
                "Differences between methods after training, paired by seed",
                "First minus the other, of the mean over neighbouring states. Each row is a test of its own.",
            )
        )
    blocks.append(Prose(_METHOD))
    return Section("features", "Similarity of states", blocks)


def _change_table(networks: Sequence[NetworkFeatures]) -> Table:
    heads = [head for name in ("CKA", "distance") for head in (f"{name} before", f"{name} after", "change [95 %]", "p")]
    rows: list[list[str]] = []
    for network in networks:
        for method in network.methods:
            cells: list[str] = []
            for metric in METRICS:
                change = method.change(metric)
                ends = [_mean(method, metric, when) for when in ("before", "after")]
                cells += [*(_estimate(each) for each in ends), _difference(change), p_value(change.p)]
            rows.append([unbroken(network.label), unbroken(method.method), str(len(method.after)), *cells])
    return Table(
        columns("network", "<method", "seeds", *heads),
        rows,
        "Neighbouring states before and after training",
        "Means over neighbouring states, then over seeds; changes are paired by seed, with Student's 95 % intervals.",
    )


def _contrast_rows(networks: Sequence[NetworkFeatures]) -> list[list[str]]:
    return [
        [
            unbroken(network.label),
            unbroken(method),
            unbroken(against),
            str(differences["cka"].n),
            *(
                cell
                for metric in METRICS
                for cell in (_difference(differences[metric]), p_value(differences[metric].p))
            ),
        ]
        for network in networks
        for method, against, differences in network.contrasts()
    ]


def _mean(method: MethodFeatures, metric: Metric, when: When) -> OverSeeds:
    return over_seeds(list(method.means(metric, when).values()))


def _estimate(values: OverSeeds) -> str:
    return number(float(values.mean))


def _difference(difference: Difference) -> str:
    if not math.isfinite(difference.estimate):
        return DASH
    interval = difference.interval
    ends = f" [{interval.low:+.3f}, {interval.high:+.3f}]" if math.isfinite(interval.low) else ""
    return f"{difference.estimate:+.3f}{ends}"


def _pictures(networks: Sequence[NetworkFeatures]) -> list[Picture]:
    drawn: list[Picture] = []
    for place, network in enumerate(networks, start=1):
        drawn.append(
            Picture(
                f"neighbours-{place}",
                fig.render(draw_by_state(_neighbour_panels(network))),
                f"{network.label}: CKA and distance between each state and the next, by depth, before and after "
                "training.",
                f"{network.label}: state i beside state i + 1. Means over seeds; bands run from the lowest to the "
                "highest seed. States of different shapes have no distance.",
            )
        )
        drawn.append(
            Picture(
                f"similarity-{place}",
                fig.render(draw_similarity(_heat_maps(network), network.label)),
                f"{network.label}: heat maps of CKA between all pairs of states, before training and after each way "
                "of training.",
                f"{network.label}: CKA of all pairs of states, means over seeds.",
            )
        )
    return drawn


def _neighbour_panels(network: NetworkFeatures) -> list[MethodPanel]:
    panels: list[MethodPanel] = []
    titles: dict[Metric, str] = {"cka": "Similarity (CKA)", "distance": "Distance between distributions"}
    for metric, title in titles.items():
        lines = [_line(BEFORE, network.methods[0], metric, "before")]
        lines += [_line(method.method, method, metric, "after") for method in network.methods]
        panels.append(MethodPanel(title, lines, _name(metric)))
    return panels


def _line(name: str, method: MethodFeatures, metric: Metric, when: When) -> MethodLine:
    values = method.neighbours(metric, when)
    return MethodLine(name, np.arange(len(values.mean), dtype=float), (values.mean, values.lowest, values.highest))


def _heat_maps(network: NetworkFeatures) -> list[SimilarityPanel]:
    before = SimilarityPanel(BEFORE, network.methods[0].matrix("cka", "before"))
    after = [
        SimilarityPanel(f"after training:\n{method.method}", method.matrix("cka", "after"))
        for method in network.methods
    ]
    return [before, *after]


def _numbers(network: NetworkFeatures) -> dict[str, Any]:
    return {
        "methods": {
            method.method: {
                metric: {
                    "before": _mean(method, metric, "before"),
                    "after": _mean(method, metric, "after"),
                    "change": method.change(metric),
                }
                for metric in METRICS
            }
            for method in network.methods
        },
        "contrasts": [
            {"method": method, "against": against, **differences}
            for method, against, differences in network.contrasts()
        ],
    }


def _headline(networks: Sequence[NetworkFeatures]) -> dict[str, float]:
    """Of the first network's first method."""
    method = networks[0].methods[0]
    values = {
        f"neighbour_{metric}_{when}": float(_mean(method, metric, when).mean)
        for metric in METRICS
        for when in ("before", "after")
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _table(networks: Sequence[NetworkFeatures]) -> pa.Table:
    """A row a network, method, time, measure and state: the mean over seeds between it and the next."""
    return pa.Table.from_pylist(
        [
            {
                "network": network.label,
                "method": method.method,
                "when": when,
                "metric": metric,
                "state": state,
                "seeds": int(values.n[state]),
                **{name: float(getattr(values, name)[state]) for name in ("mean", "low", "high")},
            }
            for network in networks
            for method in network.methods
            for when in ("before", "after")
            for metric in METRICS
            for values in (method.neighbours(metric, when),)
            for state in range(len(values.mean))
        ]
    )
