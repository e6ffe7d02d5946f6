"""Lesions as a reader sees them: what the loss of a block does to residual networks, and to others (P2)."""

from collections.abc import Sequence

import numpy as np

from analysis.claims import Claim, signs
from analysis.figures.style import Palette
from analysis.formats import dataset_name, number, percent
from analysis.questions.lesions.pictures import pictures
from analysis.questions.lesions.published import BLOCKS, WHOLE, comparable
from analysis.questions.lesions.summary import LesionedNetwork, find_lesions
from analysis.questions.lesions.tables import lesion_tables
from analysis.report.content import Lead, Part
from analysis.report.words import clause, points, seeds_said
from analysis.results import Results
from analysis.seeds import over_zero
from sweep.parts import kind_of

_MOST_NAMED, _MOST_KEYS = 3, 4
_ANSWERS = ("In part", "Only in part", "No, not all of it", "No")


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on a study's lesions; None where no network was lesioned."""
    found = find_lesions(results, study)
    if found is None:
        return None
    networks = found.networks
    palette.liken(found.looks)
    claim = judge(networks)
    verdict = _verdict(networks, claim)
    tables = [table for table in lesion_tables(networks) if table.rows]
    return Part(
        name="lesions",
        title=_title(networks) if claim else "What happens when blocks are deleted?",
        subtitle="Lesions of trained networks",
        lead=_lead(networks, verdict, claim),
        verdict=clause(verdict),
        template="lesions/page.html",
        words={
            "study": found,
            "has": {table.name for table in tables},
            "like": [each for each in networks if comparable(each)],
            "published_blocks": BLOCKS,
            "dataset_name": dataset_name,
        },
        tables=tables,
        pictures=pictures(networks, palette),
        claims=[claim] if claim else [],
        numbers={"trials": found.counts},
        headline=_headline(networks),
        trials=found.counts["planned"],
    )


def _sides(networks: Sequence[LesionedNetwork]) -> tuple[list[LesionedNetwork], list[LesionedNetwork]]:
    """The sequential, plainly trained networks with skip connections, and those without."""
    plain = [each for each in networks if each.is_plain]
    return [each for each in plain if each.is_residual], [each for each in plain if not each.is_residual]


def _title(networks: Sequence[LesionedNetwork]) -> str:
    # A kind without skip connections is known here, as `has_skips` requires.
    kinds = dict.fromkeys(kind.label for each in _sides(networks)[1] if (kind := kind_of(each.trial)))
    return f"Do residual networks survive the loss of a block where {' and '.join(kinds)} does not?"


def judge(networks: Sequence[LesionedNetwork]) -> Claim | None:
    """Whether each network on either side does as P2 says; None where one side has no network.

    A network survives where its error without the median block is below the middle between its whole error and chance.
    Those that have not learned are not judged, and without one that has on each side nothing is decided.
    """
    residual, others = _sides(networks)
    if not residual or not others:
        return None
    judged = [each for each in (*residual, *others) if each.learned]
    above = signs([over_zero(each.values["median"] - (each.chance - each.values["error"]) / 2) for each in judged])
    as_said = [sign * (-1 if each.is_residual else 1) for each, sign in zip(judged, above, strict=True)]
    one_sided = len({each.is_residual for each in judged}) < 2
    because = [
        f"without its median block {each.label} errs on {percent(each.mean('error') + each.mean('median'))} instead of "
        f"{percent(each.mean('error'))}, chance {percent(each.chance, 0)}"
        for each in judged
    ]
    return Claim.judged(
        "A residual network survives the loss of one block, and a network without skip connections does not.",
        as_said,
        [*because, *_unlearned((*residual, *others))],
        "a network that has learned is lacking on one side" if one_sided else "",
    )


def _unlearned(networks: Sequence[LesionedNetwork]) -> list[str]:
    """A clause on the networks whose error is more than half of that of guessing, if there are any."""
    named = [f"{each.label} ({percent(each.mean('error'))})" for each in networks if not each.learned]
    if not named:
        return []
    who = " and ".join(named) if len(named) < _MOST_NAMED else f"{len(named)} of {len(networks)} networks"
    return [f"{who} {'has' if len(named) == 1 else 'have'} not learned enough to lose much by a deletion"]


def _verdict(networks: Sequence[LesionedNetwork], claim: Claim | None) -> str:
    """The answer with the rises that decide it, and which networks could not lose much."""
    if claim is None:
        return "; ".join([_rises(networks), *_unlearned(networks)]) + "."
    residual, others = _sides(networks)
    rises = (
        f"the loss of the median block changes the error of {_range(_learned(residual), 'residual networks')}, "
        f"and of {_range(_learned(others), 'others')}"
    )
    return "; ".join([f"{claim.outcome.answer(*_ANSWERS)}: {rises}", *_unlearned((*residual, *others))]) + "."


def _learned(networks: Sequence[LesionedNetwork]) -> Sequence[LesionedNetwork]:
    """Those that have learned, which decide; all where none has."""
    return [each for each in networks if each.learned] or networks


def _range(networks: Sequence[LesionedNetwork], called: str) -> str:
    medians = [each.mean("median") for each in networks]
    low, high = (points()(reduce(medians)) for reduce in (np.min, np.max))
    least = "" if low == high else f"{low} to "
    return f"{networks[0].label if len(networks) == 1 else f'{len(networks)} {called}'} by {least}{high} points"


def _rises(networks: Sequence[LesionedNetwork]) -> str:
    """What deleting one block does, in a sentence."""
    known = _known(networks, "median")
    if not known:
        return "Deleting one block was measured, but has no finite error"
    what = f"Deleting one block {'raises' if known[0][0] >= 0 else 'changes'} the error"
    (least, first), *rest = [(number(100 * value, 1), label) for value, label in known]
    if len(known) <= _MOST_NAMED:
        others = "".join(f", of {other} by {value}" for value, other in rest)
        return f"{what} of {first} by a median of {least} points{others}"
    most, last = rest[-1]
    return f"{what} by a median of {least} points ({first}) to {most} ({last})"


def _lead(networks: Sequence[LesionedNetwork], verdict: str, claim: Claim | None) -> Lead:
    whole = [each.mean("error") for each in networks]
    errors = percent(min(whole)) + (f" to {percent(max(whole))}" if len(whole) > 1 else "")
    beside = f"; the published ResNet-110 on {WHOLE} (second-hand)" if any(map(comparable, networks)) else ""
    detail = [
        f"As trained, {'the network errs' if len(whole) == 1 else 'the networks err'} on {errors} of the validation "
        f"images{beside}. Medians are over the blocks of a network; nothing is trained after a deletion."
    ]
    # Without skip connections every layer matters, wherever the shape changes.
    if known := _known([each for each in networks if each.is_residual], "transitions"):
        most, label = known[-1]
        where = f", most in {label}" if len(known) > 1 else ""
        detail.append(
            f"Where a block with a skip connection changes the shape, the rise is {points()(most)} points on average"
            f"{where}."
        )
    detail.append(seeds_said([len(each.seeds) for each in networks]))
    keys = [
        (
            each.label,
            f"{points()(each.mean('median'))} points",
            f"median block; {points()(each.mean('largest'))} the worst of {each.blocks}",
        )
        for each in sorted(networks, key=lambda each: not (each.is_plain and each.learned))[:_MOST_KEYS]
    ]
    return Lead(verdict, " ".join(detail), claim.tone if claim else "info", keys=keys)


def _headline(networks: Sequence[LesionedNetwork]) -> dict[str, float]:
    """The median rise of the error by one deleted block: of the network that is hurt least, and most."""
    known = [median for median, _ in _known(networks, "median")]
    return {"lesion_median_increase_least": known[0], "lesion_median_increase_most": known[-1]} if known else {}


def _known(networks: Sequence[LesionedNetwork], quantity: str) -> list[tuple[float, str]]:
    """The finite means of a quantity, ascending, each with the network's label."""
    return sorted((mean, each.label) for each in networks if np.isfinite(mean := each.mean(quantity)))
