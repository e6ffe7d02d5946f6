"""Claims of papers, as remarks in a report."""

from collections.abc import Sequence

from analysis.paper import Claim, Outcome
from analysis.report.document import Block, Callout, Tone

TONES: dict[Outcome, Tone] = {
    Outcome.HOLDS: "good",
    Outcome.IN_PART: "warning",
    Outcome.CONTRADICTED: "bad",
    Outcome.OPEN: "info",
}


def claim_blocks(claims: Sequence[Claim]) -> list[Block]:
    """A remark a claim: what it says, what becomes of it here, and why."""
    return [
        Callout(TONES[each.outcome], f"*{each.claim}* Here it {each.outcome.value}: {each.because}.") for each in claims
    ]


def outcome(shown: Sequence[bool], opposite: Sequence[bool]) -> Outcome:
    """What a claim comes to from what each place shows, for it and against it."""
    if shown and all(shown):
        return Outcome.HOLDS
    if opposite and all(opposite):
        return Outcome.CONTRADICTED
    return Outcome.IN_PART if any(shown) else Outcome.OPEN
