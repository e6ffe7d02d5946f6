"""Claims of papers: what tests make of them, and how a report says it."""

from collections.abc import Sequence

from analysis import equivalence as eq
from analysis.assessment import ALPHA
from analysis.paper import Claim, Outcome
from analysis.report.document import Block, Callout, Tone

TONES: dict[Outcome, Tone] = {
    Outcome.HOLDS: "good",
    Outcome.IN_PART: "warning",
    Outcome.MIXED: "warning",
    Outcome.AGAINST_IN_PART: "warning",
    Outcome.CONTRADICTED: "bad",
    Outcome.OPEN: "info",
}


def claim_blocks(claims: Sequence[Claim]) -> list[Block]:
    """A remark a claim: what it says, what becomes of it here, and why."""
    return [
        Callout(TONES[each.outcome], f"*{each.claim}* Here it {each.outcome.value}: {each.because}.") for each in claims
    ]


def signs(tests: Sequence[eq.Difference]) -> list[int]:
    """What each test of one claim shows at 5 % after Holm's correction over them: 1 above zero, -1 below, 0 neither."""
    adjusted = eq.holm([test.p for test in tests])
    return [
        (test.estimate > 0) - (test.estimate < 0) if p < ALPHA else 0 for test, p in zip(tests, adjusted, strict=True)
    ]


def outcome(shown: Sequence[bool], opposite: Sequence[bool]) -> Outcome:
    """What a claim comes to from what each place shows, for it and against it.

    The more places there are, the sooner one errs: what they show is to be corrected for that, as `signs` does.
    """
    if any(shown) and any(opposite):
        return Outcome.MIXED
    if any(shown):
        return Outcome.HOLDS if all(shown) else Outcome.IN_PART
    if any(opposite):
        return Outcome.CONTRADICTED if all(opposite) else Outcome.AGAINST_IN_PART
    return Outcome.OPEN


def counted(shown: Sequence[bool], opposite: Sequence[bool]) -> str:
    """How many tests there are, and what they show, in words."""
    tests = f"{len(shown)} test{'s' if len(shown) != 1 else ''} after Holm's correction"
    return f"of {tests}, {sum(shown) or 'none'} for it and {sum(opposite) or 'none'} against it"
