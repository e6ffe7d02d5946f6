"""Trainings by epoch as a reader sees them: do shallow subnetworks learn first (P3)?"""

from collections.abc import Sequence

import numpy as np

from analysis.claims import Claim, Outcome
from analysis.figures.style import Palette
from analysis.formats import number, percent
from analysis.path_lengths import LEAST_LENGTHS
from analysis.questions.shallow_first.claims import FIRST, GROWS, judge, tau
from analysis.questions.shallow_first.learning import Learning
from analysis.questions.shallow_first.lengths import LengthCourse
from analysis.questions.shallow_first.order import LEAST_GAIN, LEAST_SIZES, SHARE
from analysis.questions.shallow_first.pictures import pictures
from analysis.questions.shallow_first.summary import Findings, find
from analysis.questions.shallow_first.tables import tables
from analysis.questions.shallow_first.terms import LEAST_LEARNED, Terms
from analysis.report.content import Badge, Lead, Part
from analysis.report.words import budget, clause, seeds_said, signed
from analysis.results import Results
from analysis.seeds import over_seeds

_ANSWERS = (
    "In some of the networks",
    "In some of the networks, and last in others",
    "No, in some of the networks they learn last",
    "No, they learn last",
)
_LENGTHS = (
    "By the paths of some of the networks",
    "By the paths of some of the networks, and not of others",
    "Not by the paths of some of the networks",
    "Not by the paths that carry the gradient",
)
_UNLEARNED = 0.9
"""A network has hardly learned if its error is at least this share of that of guessing. Ours."""
_MOST_KEYS = 4


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on a study's networks over their training; None where neither subnetworks nor paths were measured."""
    found = find(results, study)
    if found is None:
        return None
    for each in found.studies.values():
        palette.liken(each.looks)
    claims = judge(found)
    lead, made, drawn = _lead(found, claims), tables(found), pictures(found, palette)
    networks = [each for of in found.studies.values() for each in of.networks]
    return Part(
        name="shallow-first",
        title="Do shallow subnetworks learn first?",
        subtitle="Networks measured during training",
        lead=lead,
        verdict=clause(lead.verdict),
        template="shallow_first/page.html",
        words={
            "has": {table.name for table in made} | {picture.name for picture in drawn},
            "said": _said(found),
            "share": SHARE,
            "least_gain": LEAST_GAIN,
            "least_sizes": LEAST_SIZES,
            "least_lengths": LEAST_LENGTHS,
            "least_learned": LEAST_LEARNED,
            "explained": _explained(found.terms.networks) if found.terms else "",
        },
        tables=made,
        pictures=drawn,
        claims=claims,
        numbers={"trials": {measure: of.counts for measure, of in found.studies.items()}},
        headline=_headline(found),
        badges=[Badge("one seed", "warning")] if max(len(each.seeds) for each in networks) == 1 else [],
        trials=len(found.trials),
    )


def _said(found: Findings) -> list[str]:
    """What became of the trials, by measure where that differs."""
    texts = {measure: of.said for measure, of in found.studies.items()}
    if len(set(texts.values())) == 1:
        return list(texts.values())[:1]
    return [f"{measure.capitalize()}: {text}" for measure, text in texts.items()]


def _lead(found: Findings, claims: Sequence[Claim]) -> Lead:
    """The answer by subnetworks, or by paths where these alone were measured, with the numbers of the first network."""
    outcomes = {claim.claim: claim for claim in claims}
    learning = _chosen(found.learning.networks) if found.learning else None
    lengths = _deepest(found.lengths.networks) if found.lengths else None
    if learning is not None:
        claim, networks = outcomes[FIRST], found.learning.networks if found.learning else ()
        verdict = f"{claim.outcome.answer(*_ANSWERS)}: {_learned(learning)}"
    else:
        claim, networks = outcomes[GROWS], found.lengths.networks if found.lengths else ()
        verdict = f"{claim.outcome.answer(*_LENGTHS)}"
    if lengths is not None:
        verdict += f"{'; ' if learning is not None else ': '}{_lengthened(lengths)}"
    unlearned = [each.label for each in networks if over_seeds(each.error).mean >= _UNLEARNED * each.chance]
    warned = f"*Hardly learned, with errors close to guessing: {', '.join(unlearned)}.* " if unlearned else ""
    outcomes_said = "; ".join(f"*{each.claim.removesuffix('.')}* {each.outcome}" for each in claims)
    detail = (
        "P3 holds that subnetworks of few blocks are trained first and matter most. In these networks: "
        f"{outcomes_said}. {warned}{seeds_said([len(each.seeds) for each in networks])} {budget(found.trials)}"
    )
    tone = "warning" if unlearned and claim.outcome is Outcome.HOLDS else claim.tone
    return Lead(f"{verdict}.", detail, tone, keys=_keys(found))


def _chosen(networks: Sequence[Learning]) -> Learning:
    """The network to speak of: a judged one before others, then one with an order."""
    return min(networks, key=lambda each: (not each.judged, not each.order.tau.n))


def _deepest(networks: Sequence[LengthCourse]) -> LengthCourse:
    """The network to speak of: a judged one before others, then that with the longest path."""
    return min(networks, key=lambda each: (not each.judged, each.growth.n == 0, -each.length[-1]))


def _learned(each: Learning) -> str:
    if each.ends is None:
        return f"no subnetwork of {each.label} has learned, each gains less than {percent(LEAST_GAIN, 0)} over guessing"
    (few, many), found = each.ends, each.over_seeds
    first, last = (f"{each.size[place]:.0f}" for place in (few, many))
    at, then = (number(found.at(place).value, 1) for place in (few, many))
    if not each.order.tau.n:
        return f"{each.label} has fewer than {LEAST_SIZES} sizes of subnetworks that have learned, or all at one epoch"
    return (
        f"in {each.label} subnetworks of {first} blocks reach {percent(SHARE, 0)} of what they gain after {at} epochs, "
        f"of {last} after {then} (Kendall's tau {signed(2)(each.order.tau.estimate)})"
    )


def _lengthened(each: LengthCourse) -> str:
    if each.began is None or not each.growth.n:
        return f"paths of {each.label} were not measured between its first epoch and its end"
    found = each.over_epochs
    first, last = (number(found.at(place).value, 1) for place in (each.began, -1))
    return (
        f"the effective length of paths in {each.label} goes from {first} blocks at epoch {each.epoch[each.began]:.0f} "
        f"to {last} at the end"
    )


def _keys(found: Findings) -> list[tuple[str, str, str]]:
    """Network, when its larger subnetworks learn, and what is beside it."""
    networks = [each for each in (found.learning.networks if found.learning else ()) if each.order.tau.n]
    return [
        (each.label, f"{signed(2)(each.order.delay.estimate)} epochs", f"later per further block; {tau(each)}")
        for each in networks[:_MOST_KEYS]
    ]


def _explained(networks: Sequence[Terms]) -> str:
    """What the lowest order explains of the first network that expands, over the training."""
    able = [each for each in networks if each.expands]
    if not able:
        return ""
    first, share = able[0], able[0].over_seeds.mean[0]
    known = np.flatnonzero(np.isfinite(share))
    if not len(known):
        return ""
    ends = [f"{_percent(share[place])} at epoch {first.epoch[place]:.0f}" for place in known[[0, -1]].tolist()]
    return f"In {first.label} the terms up to order {first.order[0]:.0f} explain {' and '.join(dict.fromkeys(ends))}."


def _percent(share: float) -> str:
    return percent(share, 0) if share >= 0 else "less than guessing"


def _headline(found: Findings) -> dict[str, float]:
    """Kendall's tau and the growth of the networks that the lead speaks of."""
    made: dict[str, float] = {}
    if found.learning:
        made["subnetwork_tau"] = _chosen(found.learning.networks).order.tau.estimate
    if found.lengths:
        made["effective_length_growth"] = _deepest(found.lengths.networks).growth.estimate
    return made
