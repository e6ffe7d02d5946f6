"""A report put together from the answers to its questions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from analysis.figures.style import Palette
from analysis.questions import answers
from analysis.report.content import Part, Picture, Table
from analysis.report.provenance import provenance
from analysis.results import Results
from analysis.study import NothingToReport, choose_study, results_key, trial_states


@dataclass(frozen=True)
class Report:
    """All that a report on one study says. `parts` are in the order of the page, and there is at least one.

    Raises ValueError where two parts, figures, tables, or a part's numbers and its table have one name.
    """

    study: str
    key: str
    """Changes whenever the results do, or what is made of them."""
    stores: tuple[str, ...]
    states: Mapping[str, int]
    """Trials of the study: planned, finished, diverged, failed, missing."""
    parts: tuple[Part, ...]
    provenance: tuple[Table, ...] = ()
    """What is known of its trials."""

    def __post_init__(self) -> None:
        for kind, names in (
            ("parts", [part.name for part in self.parts]),
            ("figures", [each.name for each in self.pictures]),
            ("tables", [each.name for each in self.tables]),
            ("headline numbers", [name for part in self.parts for name in part.headline]),
        ):
            if len(names) > len(set(names)):
                raise ValueError(f"two {kind} of a report have one name: {', '.join(sorted(names))}")
        for part in self.parts:
            if both := {"claims", *part.numbers} & {table.name for table in part.tables}:
                raise ValueError(
                    f"numbers and a table of the part {part.name} have one name: {', '.join(sorted(both))}"
                )

    @property
    def done(self) -> int:
        """How many trials have a result."""
        return self.states["planned"] - self.states["missing"]

    @property
    def trusted(self) -> bool:
        """Whether every part may be trusted."""
        return all(part.trusted for part in self.parts)

    @property
    def verdicts(self) -> dict[str, str]:
        """The answer of each part in a few words."""
        return {part.name: part.verdict for part in self.parts}

    @property
    def headline(self) -> dict[str, float]:
        """The few numbers that stand for it, by name: finite ones only."""
        every = {name: float(value) for part in self.parts for name, value in part.headline.items()}
        return {name: value for name, value in every.items() if math.isfinite(value)}

    @property
    def pictures(self) -> list[Picture]:
        """The figures of all parts."""
        return list(chain.from_iterable(part.pictures for part in self.parts))

    @property
    def tables(self) -> list[Table]:
        """The tables of all parts."""
        return list(chain.from_iterable(part.tables for part in self.parts))


def make_report(results: Results, study: str | None = None) -> Report:
    """The report on one study.

    Raises SweepError where the stores hold several and none is named, and where it is not there; NothingToReport where
    no question has an answer.
    """
    study, palette = choose_study(results, study), Palette()
    made = (answer(results, study, palette) for answer in answers())
    # What is not to be trusted is said first, then what is said of most trials.
    parts = tuple(sorted((part for part in made if part is not None), key=lambda part: (part.trusted, -part.trials)))
    if not parts:
        raise NothingToReport(
            f"{study!r} has no matched pair deeper than one block of which both sides ended, and no finished network "
            "on which something was measured, so there is nothing to report; `sweep status` shows what it has"
        )
    key, states = results_key(results, study), trial_states(results, study)
    return Report(study, key, results.uris, states, parts, provenance(results, study))
