"""What do single blocks matter to a trained network? Blocks deleted and reordered (P2)."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from analysis.formats import number, p_value, percent
from analysis.networks import has_skips
from analysis.questions.equivalence.pictures import Picture
from analysis.questions.lesions.differences import LesionDifference, by_arrangement, by_method
from analysis.questions.lesions.summary import QUANTITIES, BySize, LesionedNetwork, Lesions, find_lesions
from analysis.report.document import Block, KeyFigures, Lead, Prose, Section, Table
from analysis.report.part import Part
from analysis.report.parts import lesion_published
from analysis.report.parts.estimates import difference, increase, points, seeds_said, share
from analysis.report.parts.lesion_numbers import headline, numbers, tables
from analysis.report.parts.lesion_pictures import draw
from analysis.report.words import columns, figure, unbroken
from analysis.results import Results

_MOST_NAMED, _MOST_KEYS = 3, 4


def make(results: Results, study: str) -> Part | None:
    """The part on a study's lesions, None where no network of it was lesioned."""
    lesions = find_lesions(results, study)
    if lesions is None:
        return None
    arrangements, methods = by_arrangement(lesions.trials), by_method(lesions.trials)
    pictures, held = draw(lesions), tables(lesions, arrangements, methods)
    sections = (
        _single(lesions, pictures),
        _several(lesions, pictures),
        _compared(arrangements, methods),
        lesion_published.section(lesions, methods),
        _method(lesions),
    )
    sentence = verdict(lesions)
    return Part(
        name="lesions",
        title="What happens when blocks are deleted?",
        subtitle="Lesions of trained networks",
        lead=_lead(lesions, sentence),
        verdict=sentence.removesuffix(".").replace("Deleting", "deleting", 1),
        sections=[section for section in sections if section is not None],
        pictures=pictures,
        numbers=numbers(lesions, held),
        tables=held,
        headline=headline(lesions),
        trials=lesions.states["planned"],
    )


def verdict(lesions: Lesions) -> str:
    """What deleting one block does, in a sentence."""
    medians = {each.label: float(each.quantities["median"].mean) for each in lesions.networks}
    known = sorted((value, label) for label, value in medians.items() if np.isfinite(value))
    if not known:
        return "Deleting one block was measured, but has no finite error."
    raises = known[0][0] >= 0
    verb, form = ("raises", _unsigned) if raises else ("changes", points)
    if len(known) <= _MOST_NAMED:
        (first, label), *rest = known
        others = "".join(f", of {other} by {form(value)}" for value, other in rest)
        return f"Deleting one block {verb} the error of {label} by a median of {form(first)} points{others}."
    (least, first), (most, last) = known[0], known[-1]
    return (
        f"Deleting one block {verb} the error by a median of {form(least)} points ({first}) to {form(most)} ({last})."
    )


def _unsigned(value: float) -> str:
    return number(100 * value, 1)


def _lead(lesions: Lesions, sentence: str) -> Lead:
    networks = lesions.networks
    whole = [float(each.quantities["error"].mean) for each in networks]
    errors = percent(min(whole)) + (f" to {percent(max(whole))}" if len(whole) > 1 else "")
    detail = [
        f"Whole, {'the network errs' if len(whole) == 1 else 'the networks err'} on {errors} of the validation images. "
        "Medians are over the blocks of a network; nothing is trained after a deletion."
    ]
    # Without skip connections every layer matters, wherever the shape changes.
    changes = [each for each in networks if has_skips(each.trial)]
    rises = {each.label: float(each.quantities["transitions"].mean) for each in changes}
    known = {label: rise for label, rise in rises.items() if np.isfinite(rise)}
    if known:
        most = max(known, key=lambda label: known[label])
        where = f", most in {most}" if len(known) > 1 else ""
        detail.append(
            f"Where a block with a skip connection changes the shape, the rise is {points(known[most])} points on "
            f"average{where}."
        )
    detail.append(seeds_said([each.seeds for each in networks]))
    keys = [
        (
            each.label,
            f"{points(float(each.quantities['median'].mean))} points",
            f"median block; {points(float(each.quantities['largest'].mean))} the worst of {each.blocks}",
        )
        for each in networks[:_MOST_KEYS]
    ]
    return Lead(sentence, " ".join(detail), "info", key_figures=KeyFigures(keys))


def _single(lesions: Lesions, pictures: dict[str, Picture]) -> Section:
    rows = [
        [
            unbroken(each.label),
            str(each.seeds),
            str(each.blocks),
            share(each.quantities["error"]),
            *(increase(each.quantities[key]) for key in ("median", "largest", "transitions")),
        ]
        for each in lesions.networks
    ]
    heads = ("whole, %", "median", "largest", "change of shape")
    table = Table(
        columns("network", "seeds", "blocks", *heads),
        rows,
        "Rise of the error by one deleted block, percentage points",
        "*Whole* is the error of the whole network; then median and largest rise over its blocks, and the mean "
        "over blocks that change the shape. "
        f"{seeds_said([each.seeds for each in lesions.networks])} All blocks are in "
        "`tables/lesion_blocks.parquet`.",
    )
    return Section("lesions-one", "Deleting one block", [*figure(pictures.get("deletion")), table])


def _several(lesions: Lesions, pictures: dict[str, Picture]) -> Section | None:
    rows = list(chain.from_iterable(_size_rows(each) for each in lesions.networks))
    if not rows:
        return None
    table = Table(
        columns("network", "<lesion", "size", "Kendall's tau", "seeds", "draws", "error, %", "quartiles over draws, %"),
        rows,
        "Error after lesions of several random blocks",
        "Smallest, middle and largest size; all are in `tables/lesion_sizes.parquet`. *Draws* are over all seeds; the "
        "error is the mean over draws, then seeds, with its 95 % interval over seeds.",
    )
    return Section("lesions-several", "Deleting and reordering several", [*figure(pictures.get("lesion-sizes")), table])


def _size_rows(network: LesionedNetwork) -> list[list[str]]:
    names = {"delete-some": "deleted", "reorder": "swapped"}
    return [
        [unbroken(network.label), names[lesion], *_size_cells(found, place)]
        for lesion, found in network.by_size.items()
        for place in sorted({0, len(found.size) // 2, len(found.size) - 1})
    ]


def _size_cells(found: BySize, place: int) -> list[str]:
    return [
        str(found.size[place]),
        number(float(found.tau[place]), 2),
        str(found.seeds[place]),
        str(found.draws[place]),
        share(found.mean, place=place),
        f"{number(100 * found.low[place], 1)} to {number(100 * found.high[place], 1)}",
    ]


def _compared(arrangements: Sequence[LesionDifference], methods: Sequence[LesionDifference]) -> Section | None:
    blocks: list[Block] = []
    for found, caption in (
        (arrangements, "Parallel and mixed networks against deeper ones of the same blocks"),
        (methods, "Methods of training against plain training"),
    ):
        if found:
            rows = [
                [
                    f"{unbroken(each.first)} against {unbroken(each.second)}",
                    QUANTITIES[each.quantity],
                    str(each.found.n),
                    difference(each.found),
                    p_value(each.found.p),
                    _reading(each),
                ]
                for each in found
            ]
            heads = ("networks", "<quantity", "pairs", "difference, points [95 %]", "p different", "<reading")
            blocks.append(Table(columns(*heads), rows, caption, _COMPARED_NOTE))
    return Section("lesions-compared", "Which networks withstand deletion better?", blocks) if blocks else None


_COMPARED_NOTE = (
    "First minus second, paired by seed: all else is equal. Below zero the first is hurt less, or errs less. p is of "
    "Student's t test of no difference, each row a test at 5 %, not corrected for the others. No margin is declared "
    "for lesions, so none is called equivalent."
)


def _reading(each: LesionDifference) -> str:
    if not each.found.p < 0.05:
        return "one pair alone" if each.found.n == 1 else "no difference shown"
    what = "errs" if each.quantity == "error" else "is hurt"
    return f"the first {what} {'less' if each.found.estimate < 0 else 'more'}"


def _method(lesions: Lesions) -> Section:
    states = lesions.states
    unmeasured = f" Of {lesions.unmeasured} that finished nothing was measured." if lesions.unmeasured else ""
    counted = (
        f"Of {states['planned']} trials with lesions {states['finished']} finished, {states['diverged']} diverged, "
        f"{states['failed']} failed and {states['missing']} are missing; only finished ones have lesions, and numbers "
        f"are of these alone.{unmeasured}"
    )
    rules = (
        "- A deleted block is passed over by its skip connection; a layer of a VGG network, which has none, by the "
        "identity, with zeros for channels that it lacks. Batch-norm statistics stay as trained.\n"
        "- The unit is the seed of one network and method: intervals are of other seeds of this network, not of other "
        "networks. Trials that train alike and differ in what is measured count once.\n"
        "- Errors are shares of the trial's validation images."
    )
    return Section("lesions-method", "How lesions are counted", [Prose(counted), Prose(rules)])
