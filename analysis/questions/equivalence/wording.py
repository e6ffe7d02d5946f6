"""Verdicts on matched pairs in words, the same on a terminal and on the page."""

from collections.abc import Mapping, Sequence

from analysis.claims import Tone
from analysis.equivalence.verdict import INSIDE, Verdict
from analysis.formats import dataset_name, percent
from analysis.questions.equivalence.assessment import Answer, Assessment


def headline(answer: Answer) -> str:
    """The answer in one sentence, on all data sets or on each, with what qualifies it first of all."""
    found = list(answer.by_dataset.values())
    if all(each.verdict is Verdict.UNDECIDED for each in found):
        reasons = list(dict.fromkeys(each.withheld[0] for each in found if each.withheld))
        if len(reasons) == 1 and all(each.withheld for each in found):
            return f"No verdict: {reasons[0]}."
        return "Undecided: these results do not settle whether the architectures are equivalent."
    if answer.verdict is Verdict.UNDECIDED:
        parts = "; ".join(f"{dataset_name(name)}: {_qualified(each)}" for name, each in answer.by_dataset.items())
        settled = all(each.verdict is not Verdict.UNDECIDED for each in found)
        return f"{'It depends on the data set' if settled else 'Not settled on every data set'}. {parts}."
    text = _sentence(found)
    caveats = list(dict.fromkeys(caveat for each in found for caveat in each.caveats))
    return f"{text}, but {caveats[0].partition(':')[0]}." if caveats else f"{text}."


def _sentence(found: Sequence[Assessment]) -> str:
    margin = f"{100 * found[0].margins.ratio:g} %"
    match found[0].verdict if len({each.verdict for each in found}) == 1 else Verdict.DIFFERENT_INSIDE:
        case Verdict.EQUIVALENT:
            return f"Equivalent within {margin}: parallel networks reach the validation loss of sequential ones"
        case Verdict.DIFFERENT_INSIDE:
            return f"Equivalent within {margin}, with a small difference in validation loss"
        case _:
            side = "parallel" if found[0].verdict is Verdict.FIRST_BETTER else "sequential"
            beyond = ", by more than the margin" if all(each.beyond for each in found) else ""
            return f"Not shown to be equivalent: {side} networks are ahead in validation loss{beyond}"


def _qualified(assessment: Assessment) -> str:
    """The verdict with what qualifies it first of all."""
    caveat = f" ({assessment.caveats[0].partition(':')[0]})" if assessment.caveats else ""
    return assessment.words + caveat if not assessment.withheld else "no verdict"


def short(assessment: Assessment) -> str:
    """The verdict in a few words, or that there is none."""
    if assessment.withheld:
        return "no verdict"
    return assessment.words + (", with reservations" if assessment.caveats else "")


def reasons(judged: Mapping[str, Assessment]) -> list[tuple[str, list[str]]]:
    """Why there is no verdict, or no plain one: every reason once, with the names of what it is on."""
    found: dict[str, list[str]] = {}
    for name, each in judged.items():
        for reason in (*each.withheld, *each.caveats):
            found.setdefault(reason, []).append(name)
    return list(found.items())


def confidence(answer: Answer) -> str:
    """The confidence of an answer's intervals, such as ``92 %``."""
    first = next(iter(answer.by_dataset.values()))
    return percent(1 - 2 * first.alpha, 0 if first.look == 1 else 1)


def tone(answer: Answer) -> Tone:
    """The colour of an answer: good only where nothing qualifies it."""
    if answer.verdict in INSIDE:
        return "good" if answer.plain else "warning"
    return "info" if all(each.verdict is Verdict.UNDECIDED for each in answer.by_dataset.values()) else "warning"
