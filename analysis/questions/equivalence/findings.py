"""All numbers on the matched pairs of one study, from results; nothing here draws or writes."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.claims import Claim
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.assessment import LOSSES, Answer, Assessment, assess, assess_sample
from analysis.questions.equivalence.budget import Course, find_courses
from analysis.questions.equivalence.configurations import (
    ConfigurationCurves,
    Configurations,
    chosen_curves,
    configurations,
)
from analysis.questions.equivalence.control import Controls, controls
from analysis.questions.equivalence.cost import cost_by_depth, cost_pairs
from analysis.questions.equivalence.declared import Question
from analysis.questions.equivalence.paper import claims, differences_in_budget, table_2
from analysis.questions.equivalence.sample import Sample, by_dataset, make_sample, ordered_levels
from analysis.questions.equivalence.strata import Rows, heterogeneity, strata
from analysis.results import Results
from analysis.study import METRICS, NothingToReport, choose_study, trial_states

PRIMARY = "val_loss"


class Judged(NamedTuple):
    """An assessment, with what it is of: parallel against sequential unless there is another `contrast`."""

    metric: str
    dataset: str
    found: Assessment
    contrast: str = CONTRAST

    @property
    def loss(self) -> bool:
        """Whether there are ratios, and a margin."""
        return self.found.scale == "ratio"


class Findings:
    """What the results of one study say; mappings are by metric. What the page alone shows is found when asked for.

    Raises NothingToReport for a study without a matched pair whose sides both ended.
    """

    def __init__(self, results: Results, study: str) -> None:
        self._results, self.study = results, study
        self.pairs = {metric: results.pairs(metric, study) for metric in METRICS}
        self.samples = {metric: make_sample(table, metric) for metric, table in self.pairs.items()}
        primary = self.samples[PRIMARY]
        ended = [
            np.isin(side, ("finished", "diverged")) for side in (primary.sequential_status, primary.parallel_status)
        ]
        if not (ended[0] & ended[1]).any():
            raise NothingToReport(
                f"{study!r} has no matched pair deeper than one block of which both sides ended, so there is nothing "
                "to report; `sweep status` shows what it has"
            )
        self.controls = controls({metric: self.pairs[metric] for metric in LOSSES})
        self.answers = {metric: assess(table, self.controls) for metric, table in self.pairs.items()}
        self.trials = results.table("trials", where=pc.field("study") == study)
        self.question = Question.of(self.pairs[PRIMARY])

    @property
    def answer(self) -> Answer:
        """The headline: validation loss."""
        return self.answers[PRIMARY]

    def each(self, *metrics: str) -> list[Judged]:
        """The assessments of these metrics."""
        return [Judged(metric, *item) for metric in metrics for item in self.answers[metric].by_dataset.items()]

    @cached_property
    def states(self) -> dict[str, int]:
        """How many trials are in each state."""
        return trial_states(self._results, self.study)

    @cached_property
    def configurations(self) -> dict[str, list[Configurations]]:
        """The pairs of each data set, averaged over seeds."""
        return {metric: configurations(self.samples[metric]) for metric in LOSSES}

    @cached_property
    def mixed(self) -> dict[str, dict[str, Answer]]:
        """Contrast with mixed stages, and how many of them, to metric; empty without mixed networks."""
        return _mixed(self.pairs, self.controls)

    @cached_property
    def strata(self) -> dict[str, Rows]:
        """Estimates for the levels of each factor."""
        judged = not self.controls.failed and self.question.declared_before
        return _by_metric(self.samples, lambda name, part: strata(name, part, self.question.margins, judged))

    @cached_property
    def heterogeneity(self) -> dict[str, Rows]:
        """Whether factors change the difference."""
        return _by_metric(self.samples, heterogeneity)

    @cached_property
    def table_2(self) -> Rows:
        """The published table beside ours."""
        return table_2(self.samples["train_loss"], self.samples["val_loss"])

    @cached_property
    def claims(self) -> list[Claim]:
        """The paper's claims, judged."""
        return claims(self.answers["train_loss"], self.answers["val_loss"])

    @cached_property
    def differences_in_budget(self) -> list[str]:
        """What differs from the paper's training."""
        return differences_in_budget(self.trials)

    @cached_property
    def cost_pairs(self) -> pa.Table:
        """Costs of the sides of each pair."""
        return cost_pairs(self._results, self.study)

    @cached_property
    def cost(self) -> pa.Table:
        """Costs by depth."""
        return cost_by_depth(self.cost_pairs)

    @cached_property
    def courses(self) -> list[Course]:
        """How the ratio of validation losses changes with the budget."""
        return find_courses(self._results, self.pairs[PRIMARY])

    @cached_property
    def curves(self) -> list[ConfigurationCurves]:
        """Curves of a few configurations."""
        return chosen_curves(self._results, self.samples[PRIMARY], self.pairs[PRIMARY])


@lru_cache(maxsize=1)
def find(results: Results, study: str | None = None) -> Findings:
    """The findings of one study; those last asked for are kept, so that terminal and page have the same.

    Raises SweepError where the stores hold several and none is named, and where it is not there; NothingToReport where
    it has no matched pair with both sides finished.
    """
    return Findings(results, choose_study(results, study))


def find_shown(results: Results, study: str) -> Findings | None:
    """The findings of a study that page and terminal show.

    None where no pair deeper than one block ended on both sides, and for a study of something else with a single
    setting of the stacks, which has nothing to generalise from, unless its control fails.
    """
    try:
        found = find(results, study)
    except NothingToReport:
        return None
    measured = any(measure != "none" for measure in found.trials["measure"].to_pylist())
    aside = measured and found.samples[PRIMARY].configurations < 2 and not found.controls.failed
    return None if aside else found


def _by_metric(samples: Mapping[str, Sample], of: Callable[[str, Sample], Rows]) -> dict[str, Rows]:
    """For each loss the rows of all data sets."""
    return {
        metric: [row for name, part in by_dataset(samples[metric]).items() for row in of(name, part)]
        for metric in LOSSES
    }


def _mixed(pairs: Mapping[str, pa.Table], control: Controls) -> dict[str, dict[str, Answer]]:
    """Contrasts of mixed networks, which have no network of one block to compare with."""
    found: dict[str, dict[str, Answer]] = {}
    question = Question.of(pairs[PRIMARY])
    for contrast in sorted(set(pairs[PRIMARY]["contrast"].to_pylist()) - {CONTRAST}):
        samples = {metric: make_sample(table, metric, contrast) for metric, table in pairs.items()}
        for stages in ordered_levels(samples[PRIMARY].columns["stages"]):
            found[f"{contrast}, {stages} stages"] = {
                metric: Answer(
                    {
                        name: assess_sample(part, question, question.look(name), control.reasons)
                        for name, part in by_dataset(sample.where(sample.columns["stages"] == stages)).items()
                    }
                )
                for metric, sample in samples.items()
            }
    return found
