"""Claims of papers, and what tests make of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from analysis.equivalence.mean import Difference
from analysis.equivalence.verdict import holm
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

    def answer(self, in_part: str, mixed: str, against_in_part: str, against: str) -> str:
        """The answer to a question that the claim answers with yes: "Yes", "Not decided", or the words given."""
        return dict(zip(Outcome, ("Yes", in_part, mixed, against_in_part, against, "Not decided"), strict=True))[self]


@dataclass(frozen=True)
class Claim:
    """A paper's claim, and what these results say of it."""

    claim: str
    outcome: Outcome
    because: str

    @classmethod
    def judged(cls, claim: str, found: Sequence[int], because: Iterable[str], undecided: str = "") -> "Claim":
        """A claim by its tests, each 1 for it, -1 against it or 0, as `signs` says, and the numbers behind them.

        `undecided` says why these tests decide nothing, whatever they show.
        """
        tests = f"{len(found)} test{'s' if len(found) != 1 else ''} after Holm's correction"
        counts = f"of {tests}, {found.count(1) or 'none'} for it and {found.count(-1) or 'none'} against it"
        said = "; ".join([undecided or counts, *because])
        return cls(claim, Outcome.OPEN if undecided else outcome(found), said)

    @property
    def tone(self) -> Tone:
        """The colour to show it in."""
        plain: dict[Outcome, Tone] = {Outcome.HOLDS: "good", Outcome.CONTRADICTED: "bad", Outcome.OPEN: "info"}
        return plain.get(self.outcome, "warning")


def signs(tests: Sequence[Difference], level: float = LEVEL) -> list[int]:
    """What each test of a claim shows after Holm's correction over them all: 1 above zero, -1 below, or 0.

    With few seeds, p has to be below `LEVEL` for 5 % to hold; fewer than `LEAST_SEEDS` show nothing.
    """
    adjusted = holm([test.p for test in tests])
    return [
        (test.estimate > 0) - (test.estimate < 0) if p < level and test.n >= LEAST_SEEDS else 0
        for test, p in zip(tests, adjusted, strict=True)
    ]


def outcome(found: Sequence[int]) -> Outcome:
    """What a claim comes to by its tests, each 1 for it, -1 against it, or 0.

    The more tests there are, the sooner one errs, so they must be corrected for that, as `signs` are.
    """
    shown, opposite = found.count(1), found.count(-1)
    if shown and opposite:
        return Outcome.MIXED
    if shown:
        return Outcome.HOLDS if shown == len(found) else Outcome.IN_PART
    if opposite:
        return Outcome.CONTRADICTED if opposite == len(found) else Outcome.AGAINST_IN_PART
    return Outcome.OPEN
