"""What P3 claims of trainings, and what they say of it."""

from collections.abc import Sequence

import numpy as np

from analysis.claims import Claim, signs
from analysis.equivalence.mean import Difference, Estimate
from analysis.path_lengths import LEAST_LENGTHS
from analysis.questions.shallow_first.kinds import Pair
from analysis.questions.shallow_first.learning import Learning
from analysis.questions.shallow_first.lengths import LengthCourse
from analysis.questions.shallow_first.order import LEAST_SIZES, shown
from analysis.questions.shallow_first.summary import Findings
from analysis.report.words import plain, signed
from analysis.seeds import CONFIDENCE, over_seeds

FIRST = "Subnetworks of few blocks learn first."
GROWS = "The effective length grows in training."
SHALLOWER = "Vital subnetworks of DenseNets are shallower than those of ResNets."
_NO_SIZES = (
    f"no plainly trained sequential network has at least {LEAST_SIZES} sizes of subnetworks that have learned, not "
    "all at one epoch"
)
_NO_GROWTH = (
    f"no plainly trained sequential network with at least {LEAST_LENGTHS} path lengths was measured between its first "
    "epoch and its end"
)


def judge(findings: Findings) -> list[Claim]:
    """The claims on what was measured; that on kinds only where there are networks of both."""
    made: list[Claim] = []
    if findings.learning:
        made.append(_first([each for each in findings.learning.networks if each.judged]))
    if findings.lengths:
        made.append(_grows([each for each in findings.lengths.networks if each.judged and each.growth.n]))
    return [*made, _shallower(findings.pairs)] if findings.pairs else made


def _first(judged: Sequence[Learning]) -> Claim:
    because = [f"{each.label}: {tau(each)}, {delay(each)}" for each in judged]
    return Claim.judged(FIRST, shown([each.order for each in judged]), because, "" if judged else _NO_SIZES)


def _grows(judged: Sequence[LengthCourse]) -> Claim:
    because = [f"{each.label}: {changed(each.growth)} blocks" for each in judged]
    return Claim.judged(GROWS, signs([each.growth for each in judged]), because, "" if judged else _NO_GROWTH)


def _shallower(found: Sequence[Pair]) -> Claim:
    joining = {of.joining.label: of.joining for of in found}
    adding = {of.adding.label: of.adding for of in found}
    because = [
        f"{what} {', '.join(f'{label} {layers(each)}' for label, each in side.items())} layers"
        for what, side in (("adding channels", joining), ("adding values", adding))
    ]
    return Claim.judged(SHALLOWER, signs([each.layers for each in found]), because)


def tau(each: Learning) -> str:
    """Kendall's tau of a network with its interval, beside that of a shuffled order."""
    found = signed(2)(bounded(each.order.tau))
    return f"Kendall's tau {found} over {each.compared} sizes, shuffled within ±{each.reference:.2f}"


def bounded(test: Difference) -> Estimate:
    """A mean of correlations with its interval, no farther than correlations go."""
    return Estimate(*np.clip(test.interval(CONFIDENCE), -1, 1).tolist())


def delay(each: Learning) -> str:
    """How much later each further block makes it."""
    return f"{signed(2)(each.order.delay.interval(CONFIDENCE))} epochs per further block"


def changed(test: Difference) -> str:
    """A change with its interval."""
    return signed(2)(test.interval(CONFIDENCE))


def layers(each: LengthCourse) -> str:
    """A network's effective length in layers, with its interval."""
    return plain(1)(over_seeds(each.layers).at())
