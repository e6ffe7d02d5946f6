"""Claims of papers, and what tests make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from analysis.equivalence import Difference, holm
from analysis.seeds import LEAST_SEEDS, LEVEL

Tone = Literal["good", "warning", "bad", "info"]
"""The colour to show something in."""


class Outcome(StrEnum):
    """What a claim comes to in these results."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    MIXED = "holds in some and is contradicted in others"
    AGAINST_IN_PART = "is contradicted in part"
    CONTRADICTED = "is contradicted"
    OPEN = "is not decided"

    @property
    def tone(self) -> Tone:
        """The colour to show it in."""
        plain: dict[Outcome, Tone] = {Outcome.HOLDS: "good", Outcome.CONTRADICTED: "bad", Outcome.OPEN: "info"}
        return plain.get(self, "warning")


@dataclass(frozen=True)
class Claim:
    """A paper's claim, and what these results say of it."""

    claim: str
    outcome: Outcome
    because: str

    @property
    def tone(self) -> Tone:
        """The colour to show it in."""
        return self.outcome.tone


def signs(tests: Sequence[Difference]) -> list[int]:
    """What each test of one claim shows after Holm's correction over them: 1 above zero, -1 below, 0 neither.

    Few seeds have to reach `LEVEL`, and below `LEAST_SEEDS` they show nothing.
    """
    adjusted = holm([test.p for test in tests])
    return [
        (test.estimate > 0) - (test.estimate < 0) if p < LEVEL and test.n >= LEAST_SEEDS else 0
        for test, p in zip(tests, adjusted, strict=True)
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
