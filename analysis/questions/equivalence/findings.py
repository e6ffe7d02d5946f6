"""All numbers on the matched pairs of one study, from results; nothing here draws or writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.claims import Claim
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.assessment import LOSSES, Answer, Assessment, assess, assess_sample
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


@dataclass(frozen=True)
class Findings:
    """What the results of one study say. Mappings are by metric unless said otherwise."""

    study: str
    question: Question
    states: dict[str, int]
    controls: Controls
    samples: dict[str, Sample]
    configurations: dict[str, list[Configurations]]
    answers: dict[str, Answer]
    mixed: dict[str, dict[str, Answer]]
    """Contrast with mixed stages, and how many of them, to metric; empty without mixed networks."""
    strata: dict[str, Rows]
    heterogeneity: dict[str, Rows]
    table_2: Rows
    claims: tuple[Claim, ...]
    differences_in_budget: tuple[str, ...]
    cost: pa.Table
    cost_pairs: pa.Table
    curves: tuple[ConfigurationCurves, ...]
    trials: pa.Table
    pairs: dict[str, pa.Table]

    @property
    def answer(self) -> Answer:
        """The headline: validation loss."""
        return self.answers[PRIMARY]

    def each(self, *metrics: str) -> list[Judged]:
        """The assessments of these metrics."""
        return [Judged(metric, *item) for metric in metrics for item in self.answers[metric].by_dataset.items()]


@lru_cache(maxsize=1)
def find(results: Results, study: str | None = None) -> Findings:
    """The findings of one study; those last asked for are kept, so that terminal and page have the same.

    Raises SweepError where the stores hold several and none is named, and where it is not there; NothingToReport where
    it has no matched pair with both sides finished.
    """
    study = choose_study(results, study)
    pairs = {metric: results.pairs(metric, study) for metric in METRICS}
    samples = {metric: make_sample(table, metric) for metric, table in pairs.items()}
    primary = samples[PRIMARY]
    ended = [np.isin(side, ("finished", "diverged")) for side in (primary.sequential_status, primary.parallel_status)]
    if not (ended[0] & ended[1]).any():
        raise NothingToReport(
            f"{study!r} has no matched pair deeper than one block of which both sides ended, so there is nothing to "
            "report; `sweep status` shows what it has"
        )
    control = controls({metric: pairs[metric] for metric in LOSSES})
    answers = {metric: assess(table, control) for metric, table in pairs.items()}
    trials = results.table("trials", where=pc.field("study") == study)
    cost = cost_pairs(results, study)
    question = Question.of(pairs[PRIMARY])
    judged = not control.failed and question.declared_before
    return Findings(
        study=study,
        question=question,
        states=trial_states(results, study),
        controls=control,
        samples=samples,
        configurations={metric: configurations(samples[metric]) for metric in LOSSES},
        answers=answers,
        mixed=_mixed(pairs, control),
        strata=_by_metric(samples, lambda name, part: strata(name, part, question.margins, judged)),
        heterogeneity=_by_metric(samples, heterogeneity),
        table_2=table_2(samples["train_loss"], samples["val_loss"]),
        claims=tuple(claims(answers["train_loss"], answers["val_loss"])),
        differences_in_budget=tuple(differences_in_budget(trials)),
        cost=cost_by_depth(cost),
        cost_pairs=cost,
        curves=tuple(chosen_curves(results, primary, pairs[PRIMARY])),
        trials=trials,
        pairs=pairs,
    )


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
