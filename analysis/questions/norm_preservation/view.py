"""The gradient's norm as a reader sees it: do blocks keep it, and what follows from that (P4)?"""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np

from analysis.claims import Claim, Outcome
from analysis.figures.style import Palette
from analysis.formats import number
from analysis.questions.norm_preservation.claims import judge, loss_words
from analysis.questions.norm_preservation.depths import LEAST_DEPTHS
from analysis.questions.norm_preservation.findings import Findings, find
from analysis.questions.norm_preservation.pictures import pictures
from analysis.questions.norm_preservation.projection import MOST_PARAMETERS
from analysis.questions.norm_preservation.published import BUDGET
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.questions.norm_preservation.tables import norm_tables
from analysis.report.content import Badge, Lead, Part
from analysis.report.words import budget, clause, plain, ratio, seeds_said
from analysis.results import Results
from analysis.seeds import over_seeds

_ANSWERS = ("In part", "In some networks, and the opposite in others", "No, the opposite in some networks", "No")
_MOST_NAMED = 4


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on the norms of a study's gradients; None where none were measured."""
    found = find(results, study)
    if found is None:
        return None
    palette.liken(found.study.looks)
    networks, judged, tables = found.networks, judge(found), norm_tables(found)
    first, seeds = _first(networks), [len(each.seeds) for each in networks]
    lead = _lead(first, found, judged["depths"][0])
    return Part(
        name="norms",
        title="Do blocks keep the gradient's norm?",
        subtitle="Norms of gradients through networks",
        lead=lead,
        verdict=clause(lead.verdict),
        template="norm_preservation/page.html",
        words={
            "study": found.study,
            "judged": judged,
            "has": {table.name for table in tables},
            "least_depths": LEAST_DEPTHS,
            "most_parameters": MOST_PARAMETERS,
            "published_budget": BUDGET,
            "here": budget([each.trial for each in networks]),
            "images": sorted({each.trial["gradient_images"] for each in networks}),
            "relations": [loss_words(*each) for each in found.norms_and_losses.items()],
        },
        tables=tables,
        pictures=pictures(found, palette),
        claims=list(chain.from_iterable(judged.values())),
        numbers={"trials": found.study.counts, "norms_and_losses": found.norms_and_losses},
        headline={
            "gradient_ratio": float(np.exp(over_seeds(first.typical).mean)),
            "gradient_spread": float(over_seeds(first.spread).mean),
        },
        badges=[Badge("one seed", "warning")] if max(seeds) == 1 else [],
        trials=found.study.counts["planned"],
    )


def _first(networks: Sequence[NetworkNorms]) -> NetworkNorms:
    """The network that the answer is about: sequential, plainly trained, of these the deepest, of these the best."""

    def rank(each: NetworkNorms) -> tuple[bool, bool, int, float]:
        error = each.error.value if math.isfinite(each.error.value) else math.inf
        return bool(np.isfinite(each.spread).any()), each.is_plain, each.depth, -error

    return max(networks, key=rank)


def _lead(first: NetworkNorms, found: Findings, claim: Claim) -> Lead:
    networks, depths = found.networks, found.depths
    named = [each.label for each in networks if not each.learned]
    others = [f"{len(named) - _MOST_NAMED} more"] if len(named) > _MOST_NAMED else []
    unlearned = "; ".join([*named[:_MOST_NAMED], *others])
    guessing = f"*Hardly learned, with errors close to guessing: {unlearned}.* " if unlearned else ""
    detail = (
        "Zaeemzadeh et al. show that a block with a skip connection changes the norm of the gradient that passes it by "
        f"a share of at most c log(2L) / L of L blocks. {guessing}{seeds_said([len(each.seeds) for each in networks])} "
        f"{budget([each.trial for each in networks])}"
    )
    kept = f"{_kept(first)}."
    if not depths:
        return Lead(kept, detail, "info")
    ends = depths[0].networks[0], depths[0].networks[-1]
    least, most = (plain(3)(over_seeds(each.spread).at()) for each in ends)
    more = f"; {len(depths) - 1} more below" if len(depths) > 1 else ""
    verdict = (
        f"{claim.outcome.answer(*_ANSWERS)}: the log ratio of the gradient's norm over a block spreads by {most} in "
        f"{ends[1].depth} blocks, and by {least} in {ends[0].depth}{more}."
    )
    guessed = claim.outcome is Outcome.HOLDS and not all(each.learned for each in ends)
    networks_said = f"These are {depths[0].label}. {kept} {detail}"
    return Lead(verdict, networks_said, "warning" if guessed else claim.tone)


def _kept(first: NetworkNorms) -> str:
    """How far a network is from keeping the norm, as a sentence without its end."""
    typical, largest = (over_seeds(each).at() for each in (first.typical, first.largest))
    if not math.isfinite(typical.value):
        return f"No block of {first.label} keeps the shape and has a finite ratio of norms"
    return (
        f"In {first.label} the norm changes over one stage by a factor of {ratio(3)(typical)} on average, and by "
        f"{number(math.exp(min(largest.value, 700)), 2)}, up or down, at most"
    )
