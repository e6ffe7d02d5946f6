"""Lesions as a reader sees them: what the loss of a block does to residual networks, and to others (P2)."""

from collections.abc import Sequence

import numpy as np

from analysis.claims import Claim, Outcome, counted, outcome, signs
from analysis.figures.palette import Palette
from analysis.formats import number, percent
from analysis.questions.lesions.differences import by_arrangement, by_method
from analysis.questions.lesions.pictures import pictures
from analysis.questions.lesions.published import BLOCKS, WHOLE, comparable, published
from analysis.questions.lesions.summary import LesionedNetwork, Lesions, find_lesions
from analysis.questions.lesions.tables import block_table, difference_tables, network_table, size_tables
from analysis.report.content import Lead, Part
from analysis.report.words import dataset_name, points, seeds_said
from analysis.results import Results
from sweep.parts import kind_of

_MOST_NAMED, _MOST_KEYS = 3, 4
_ANSWERS = {
    Outcome.HOLDS: "Yes",
    Outcome.IN_PART: "In part",
    Outcome.MIXED: "Only in part",
    Outcome.AGAINST_IN_PART: "No, not all of it",
    Outcome.CONTRADICTED: "No",
    Outcome.OPEN: "Not decided",
}


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on a study's lesions, None where no network of it was lesioned."""
    found = find_lesions(results, study)
    if found is None:
        return None
    methods = by_method(found.trials)
    claim = judge(found)
    claims = [claim] if claim else []
    verdict = _verdict(found, claim)
    differences = difference_tables({"arrangement": by_arrangement(found.trials), "method": methods})
    tables = [network_table(found), block_table(found), *size_tables(found), *differences, *published(found, methods)]
    return Part(
        name="lesions",
        title=_title(found) if claim else "What happens when blocks are deleted?",
        subtitle="Lesions of trained networks",
        lead=_lead(found, verdict, claim),
        verdict=verdict[0].lower() + verdict[1:].removesuffix("."),
        template="lesions/page.html",
        words={
            "study": found.study,
            "claims": claims,
            "has": {table.name for table in tables},
            "like": [each for each in found.networks if comparable(each)],
            "published_blocks": BLOCKS,
            "dataset_name": dataset_name,
        },
        tables=tables,
        pictures=pictures(found, palette),
        numbers={
            "claims": claims,
            "trials": {**found.study.states, "finished_without_measurements": found.study.unmeasured},
        },
        headline=_headline(found),
        trials=found.study.states["planned"],
    )


def _sides(found: Lesions) -> tuple[list[LesionedNetwork], list[LesionedNetwork]]:
    """The sequential, plainly trained networks with skip connections, and those without."""
    plain = [each for each in found.networks if each.is_plain]
    return [each for each in plain if each.is_residual], [each for each in plain if not each.is_residual]


def _title(found: Lesions) -> str:
    # A kind without skip connections is known here, as `has_skips` requires.
    kinds = dict.fromkeys(kind.label for each in _sides(found)[1] if (kind := kind_of(each.trial)))
    return f"Do residual networks survive the loss of a block where {' and '.join(kinds)} does not?"


def judge(found: Lesions) -> Claim | None:
    """Whether each network on either side does as P2 says; None where one side has no network.

    A network survives where its error without the median block is below the middle between its whole error and chance.
    Those that have not learned are not judged, and without one that has on each side nothing is decided.
    """
    residual, others = _sides(found)
    if not residual or not others:
        return None
    judged = [each for each in (*residual, *others) if each.learned]
    above = signs([each.beyond_half for each in judged])
    as_said = [sign * (-1 if each.is_residual else 1) for each, sign in zip(judged, above, strict=True)]
    shown, opposite = [sign > 0 for sign in as_said], [sign < 0 for sign in as_said]
    decided = len({each.is_residual for each in judged}) == 2
    because = [counted(shown, opposite)] if decided else ["a network that has learned is lacking on one side"]
    because += [f"without its median block {each.label} errs on {_after(each)}" for each in judged]
    return Claim(
        "A residual network survives the loss of one block, and a network without skip connections does not.",
        outcome(shown, opposite) if decided else Outcome.OPEN,
        "; ".join([*because, *_unlearned((*residual, *others))]),
    )


def _after(network: LesionedNetwork) -> str:
    """The error of the network without its median block, and whole."""
    whole, rise = (float(network.quantities[name].mean) for name in ("error", "median"))
    return f"{percent(whole + rise)} instead of {percent(whole)}, chance {percent(network.chance, 0)}"


def _unlearned(networks: Sequence[LesionedNetwork]) -> list[str]:
    """The qualification for networks that err more than half as often as who guesses, if any."""
    named = [f"{each.label} ({percent(float(each.quantities['error'].mean))})" for each in networks if not each.learned]
    if not named:
        return []
    who = (
        " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
        if len(named) <= _MOST_NAMED
        else f"{len(named)} of {len(networks)} networks"
    )
    one = len(named) == 1
    return [f"{who} {'has' if one else 'have'} not learned enough to lose much by a deletion"]


def _verdict(found: Lesions, claim: Claim | None) -> str:
    """The answer with the rises that decide it, and which networks could not lose much."""
    if claim is None:
        return "; ".join([_rises(found.networks), *_unlearned(found.networks)]) + "."
    residual, others = _sides(found)
    rises = f"the loss of the median block changes the error of {_range(residual)}, and of {_range(others)}"
    return "; ".join([f"{_ANSWERS[claim.outcome]}: {rises}", *_unlearned((*residual, *others))]) + "."


def _range(networks: Sequence[LesionedNetwork]) -> str:
    medians = [float(each.quantities["median"].mean) for each in networks]
    low, high = (points()(reduce(medians)) for reduce in (np.min, np.max))
    if len(networks) == 1:
        return f"{networks[0].label} by {low} points"
    return f"{len(networks)} {'residual networks' if networks[0].is_residual else 'others'} by {low} to {high} points"


def _rises(networks: Sequence[LesionedNetwork]) -> str:
    """What deleting one block does, in a sentence."""
    medians = {each.label: float(each.quantities["median"].mean) for each in networks}
    known = sorted((value, label) for label, value in medians.items() if np.isfinite(value))
    if not known:
        return "Deleting one block was measured, but has no finite error"
    raises = known[0][0] >= 0
    verb, form = ("raises", lambda value: number(100 * value, 1)) if raises else ("changes", points())
    (least, first), *rest = known
    if len(known) <= _MOST_NAMED:
        others = "".join(f", of {other} by {form(value)}" for value, other in rest)
        return f"Deleting one block {verb} the error of {first} by a median of {form(least)} points{others}"
    most, last = known[-1]
    return f"Deleting one block {verb} the error by a median of {form(least)} points ({first}) to {form(most)} ({last})"


def _lead(found: Lesions, verdict: str, claim: Claim | None) -> Lead:
    networks = found.networks
    whole = [float(each.quantities["error"].mean) for each in networks]
    errors = percent(min(whole)) + (f" to {percent(max(whole))}" if len(whole) > 1 else "")
    beside = f"; the published ResNet-110 on {WHOLE} (second-hand)" if any(map(comparable, networks)) else ""
    who = "the network errs" if len(whole) == 1 else "the networks err"
    detail = [
        f"As trained, {who} on {errors} of the validation images{beside}. Medians are over the blocks of a network; "
        "nothing is trained after a deletion."
    ]
    # Without skip connections every layer matters, wherever the shape changes.
    rises = {each.label: float(each.quantities["transitions"].mean) for each in networks if each.is_residual}
    known = {label: rise for label, rise in rises.items() if np.isfinite(rise)}
    if known:
        most = max(known, key=lambda label: known[label])
        where = f", most in {most}" if len(known) > 1 else ""
        detail.append(
            f"Where a block with a skip connection changes the shape, the rise is {points()(known[most])} points on "
            f"average{where}."
        )
    detail.append(seeds_said([each.seeds for each in networks]))
    keys = [
        (
            each.label,
            f"{points()(float(each.quantities['median'].mean))} points",
            f"median block; {points()(float(each.quantities['largest'].mean))} the worst of {each.blocks}",
        )
        for each in networks[:_MOST_KEYS]
    ]
    return Lead(verdict, " ".join(detail), claim.tone if claim else "info", keys=keys)


def _headline(found: Lesions) -> dict[str, float]:
    """The least and the most hurt network's median increase in error by one deleted block."""
    medians = [float(each.quantities["median"].mean) for each in found.networks]
    known = [median for median in medians if np.isfinite(median)]
    return {"lesion_median_increase_least": min(known), "lesion_median_increase_most": max(known)} if known else {}
