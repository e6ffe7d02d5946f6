"""What paths, subnetworks and truncations say over the epochs of trainings (P3, Neural Networks 148, 2022)."""

from dataclasses import dataclass

from analysis.measurements import Study, asked_trials, study_trials
from analysis.networks import Row
from analysis.questions.shallow_first.kinds import Pair, pairs
from analysis.questions.shallow_first.learning import Learning, find_learning
from analysis.questions.shallow_first.lengths import LengthCourse, find_lengths
from analysis.questions.shallow_first.terms import Terms, find_terms
from analysis.results import Results

MEASURES = ("subnetworks", "paths", "truncation")
"""The measures whose rows are read, and the first two either of which is needed."""


@dataclass(frozen=True)
class Findings:
    """The networks that were measured in training, by measure; None where no trial has anything to show."""

    learning: Study[Learning] | None
    lengths: Study[LengthCourse] | None
    terms: Study[Terms] | None
    trials: tuple[Row, ...]
    """The trials that ask for any of the measures in training."""

    @property
    def studies(self) -> dict[str, Study]:
        """Those that there are, by measure."""
        found = zip(MEASURES, (self.learning, self.lengths, self.terms), strict=True)
        return {measure: study for measure, study in found if study is not None}

    @property
    def pairs(self) -> list[Pair]:
        """Networks whose blocks add values against those whose blocks add channels."""
        return pairs(self.lengths.networks) if self.lengths else []


def find(results: Results, study: str) -> Findings | None:
    """The findings of a study; None where neither subnetworks nor paths were measured in training."""
    learning, lengths = find_learning(results, study), find_lengths(results, study)
    if learning is None and lengths is None:
        return None
    trials = study_trials(results, study)
    asked = {row["trial_id"]: row for measure in MEASURES for row in asked_trials(trials, measure)}
    measured = tuple(row for row in asked.values() if row["measure_every"])
    return Findings(learning, lengths, find_terms(results, study), measured)
