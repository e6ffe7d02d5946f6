"""What papers claim of training with dropped blocks, and what comparisons at equal steps make of it."""

from collections.abc import Sequence

from analysis.arms import RESIDUAL
from analysis.claims import Claim, Outcome, outcome
from analysis.equivalence.verdict import INSIDE, Verdict
from analysis.networks import PLAIN
from analysis.questions.methods.comparison import Comparison, gains, in_words
from analysis.report.words import points
from analysis.seeds import CONFIDENCE, LEAST_SEEDS, LEVEL


def judge_claims(steps: Sequence[Comparison]) -> list[Claim]:
    """The claims on the methods that were compared."""
    residual, effective, droppath = (
        [each for each in steps if each.arm.method == method] for method in (RESIDUAL, "effective-paths", "droppath")
    )
    effective = [each for each in effective if each.against.name == PLAIN]
    judged = ((residual, _residual), (effective, _effective), (droppath, _droppath))
    return [judge(those) for those, judge in judged if those]


def _residual(residual: Sequence[Comparison]) -> Claim:
    """P5 claims gains in certain cases, so one gain is enough, but over both plain training and droppath."""
    sides = {
        "plain training": gains([each for each in residual if each.against.name == PLAIN]),
        "droppath of the same rates": gains([each for each in residual if each.against.name != PLAIN]),
    }
    compared = {name: each for name, each in sides.items() if each}
    found = outcome([int(1 in each) for each in compared.values()])
    if found is Outcome.HOLDS and len(compared) < len(sides):
        found = Outcome.IN_PART
    if found is Outcome.OPEN and any(set(each) == {-1} for each in compared.values()):
        found = Outcome.CONTRADICTED
    because = "; ".join(f"against {name} the error is {in_words(each)}" for name, each in compared.items())
    return Claim(
        "Residual droppath does better in certain cases of image classification (Park).",
        found,
        because or "there are too few seeds to compare",
    )


def _effective(effective: Sequence[Comparison]) -> Claim:
    """The published figure is an error, but margins are for losses: these decide, unless a higher error is shown."""
    near = [each.verdict in (*INSIDE, Verdict.FIRST_BETTER) for each in effective]
    kept = [
        -1 if each.verdict is Verdict.SECOND_BETTER else int(inside and not _shown_worse(each))
        for inside, each in zip(near, effective, strict=True)
    ]
    found = outcome(kept)
    if found is Outcome.OPEN and any(near):
        found = Outcome.IN_PART
    because = "; ".join(
        f"{each.arm.name}, {each.group.label}: difference in error {points(2)(each.error.interval(CONFIDENCE))} "
        f"points, {_verdict(each)} in validation loss"
        for each in effective
    )
    claim = "Training paths of the effective length alone loses nothing (Veit et al.: 5.96 against 6.10 % error, "
    return Claim(f"{claim}second-hand).", found, because)


def _droppath(droppath: Sequence[Comparison]) -> Claim:
    found = gains(droppath)
    claim = "Dropping blocks at random in training lowers the error (Huang et al.)."
    return Claim(claim, outcome(found), f"the error is {in_words(found)}")


def _shown_worse(each: Comparison) -> bool:
    """Whether the first arm has the higher loss, if by little, or the higher error."""
    higher_loss = each.verdict is Verdict.DIFFERENT_INSIDE and each.log_loss.estimate > 0
    return higher_loss or (each.error.n >= LEAST_SEEDS and each.error.p < LEVEL and each.error.estimate > 0)


def _verdict(each: Comparison) -> str:
    if each.verdict is not Verdict.DIFFERENT_INSIDE:
        return each.words
    return f"slightly {'worse' if each.log_loss.estimate > 0 else 'better'}, within the margin,"
