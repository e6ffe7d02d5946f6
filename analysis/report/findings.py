"""All numbers on the matched pairs of one study, from results; nothing here draws or writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import equivalence as eq
from analysis.assessment import Assessment, assess_sample, withdrawn
from analysis.control import Controls, controls
from analysis.cost import cost_by_depth, cost_pairs
from analysis.declared import Declared, declared
from analysis.equivalence import Verdict
from analysis.learning import ConfigurationCurves, chosen_curves
from analysis.pairs import CONTRAST
from analysis.paper import Claim, Outcome, claims, differences_in_budget, table_2
from analysis.report.study import METRICS, NothingToReport, choose_study, trial_states
from analysis.results import Results
from analysis.sample import Array, Sample, make_sample, ordered_levels
from analysis.strata import heterogeneity, strata
from sweep.ledger import Margins

LOSSES = ("val_loss", "train_loss")
PRIMARY = "val_loss"


@dataclass(frozen=True)
class Findings:
    """What the results of one study say. Mappings are by metric unless said otherwise."""

    study: str
    declared: Declared
    states: dict[str, int]
    controls: Controls
    samples: dict[str, Sample]
    overall: dict[str, Assessment]
    by_dataset: dict[str, dict[str, Assessment]]
    """Data set to metric."""
    mixed: dict[str, dict[str, Assessment]]
    """Contrast with mixed stages, and how many of them, to metric; empty without mixed networks."""
    strata: dict[str, pa.Table]
    heterogeneity: dict[str, pa.Table]
    variance: dict[str, eq.Decomposition]
    """Data set, or ``all``, to what the validation loss varies with."""
    table_2: pa.Table
    claims: tuple[Claim, ...]
    differences_in_budget: tuple[str, ...]
    cost: pa.Table
    cost_pairs: pa.Table
    curves: tuple[ConfigurationCurves, ...]
    trials: pa.Table
    pairs: dict[str, pa.Table]

    @property
    def interim(self) -> bool:
        """Whether planned trials are still missing."""
        return self.states["missing"] > 0

    @property
    def verdict(self) -> Verdict:
        """The headline: validation loss over everything."""
        return self.overall[PRIMARY].verdict


def find(results: Results, study: str | None = None) -> Findings:
    """The findings of one study.

    Raises SweepError where the stores hold several and none is named, and where it is not there; NothingToReport where
    it has no matched pair with both sides finished.
    """
    study = choose_study(results, study)
    pairs = {metric: results.pairs(metric).filter(pc.field("study") == study) for metric in METRICS}
    samples = {metric: make_sample(table, metric) for metric, table in pairs.items()}
    if not _ended(samples[PRIMARY]).any():
        raise NothingToReport(
            f"{study!r} has no matched pair deeper than one block of which both sides ended, so there is nothing to "
            "report; `sweep status` shows what it has"
        )
    agreed = declared(results, study)
    overall = {metric: assess_sample(sample, agreed.margins) for metric, sample in samples.items()}
    trials = results.table("trials", where=pc.field("study") == study)
    cost = cost_pairs(results, study)
    findings = Findings(
        study=study,
        declared=agreed,
        states=trial_states(results, study),
        controls=controls({metric: pairs[metric] for metric in LOSSES}),
        samples=samples,
        overall=overall,
        by_dataset=_by_dataset(samples, agreed.margins),
        mixed=_mixed(pairs, agreed.margins),
        strata={metric: strata(samples[metric], agreed.margins) for metric in LOSSES},
        heterogeneity={metric: heterogeneity(samples[metric]) for metric in LOSSES},
        variance=_variance(samples[PRIMARY]),
        table_2=table_2(samples["train_loss"], samples["val_loss"]),
        claims=tuple(claims(overall["train_loss"], overall["val_loss"])),
        differences_in_budget=tuple(differences_in_budget(trials)),
        cost=cost_by_depth(cost),
        cost_pairs=cost,
        curves=tuple(chosen_curves(results, samples[PRIMARY], pairs[PRIMARY])),
        trials=trials,
        pairs=pairs,
    )
    return _withdrawn(findings) if findings.controls.failed else findings


def _ended(sample: Sample) -> Array:
    """Pairs of which each side finished or diverged."""
    sides = [np.isin(side, ("finished", "diverged")) for side in (sample.sequential_status, sample.parallel_status)]
    return sides[0] & sides[1]


def _withdrawn(findings: Findings) -> Findings:
    """The same numbers without a verdict: what the control says is that they cannot be trusted."""

    def every(by_metric: dict[str, Assessment]) -> dict[str, Assessment]:
        return {metric: withdrawn(assessment) for metric, assessment in by_metric.items()}

    def undecided(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("verdict")
        return table.set_column(place, "verdict", pa.array([Verdict.UNDECIDED.value] * table.num_rows, pa.string()))

    return replace(
        findings,
        overall=every(findings.overall),
        by_dataset={dataset: every(each) for dataset, each in findings.by_dataset.items()},
        mixed={contrast: every(each) for contrast, each in findings.mixed.items()},
        strata={metric: undecided(table) for metric, table in findings.strata.items()},
        claims=tuple(replace(each, outcome=Outcome.OPEN, because="the control fails") for each in findings.claims),
    )


def _by_dataset(samples: Mapping[str, Sample], margins: Margins) -> dict[str, dict[str, Assessment]]:
    datasets = ordered_levels(samples[PRIMARY].columns["dataset"])
    return {
        dataset: {
            metric: assess_sample(sample.where(sample.columns["dataset"] == dataset), margins)
            for metric, sample in samples.items()
        }
        for dataset in datasets
    }


def _mixed(pairs: Mapping[str, pa.Table], margins: Margins) -> dict[str, dict[str, Assessment]]:
    found: dict[str, dict[str, Assessment]] = {}
    for contrast in sorted(set(pairs[PRIMARY]["contrast"].to_pylist()) - {CONTRAST}):
        samples = {metric: make_sample(table, metric, contrast) for metric, table in pairs.items()}
        for stages in ordered_levels(samples[PRIMARY].columns["stages"]):
            found[f"{contrast}, {stages} stages"] = {
                metric: assess_sample(sample.where(sample.columns["stages"] == stages), margins)
                for metric, sample in samples.items()
            }
    return found


def _variance(sample: Sample) -> dict[str, eq.Decomposition]:
    datasets = ordered_levels(sample.columns["dataset"])
    parts = {dataset: sample.where(sample.columns["dataset"] == dataset) for dataset in datasets}
    return {name: _decompose(part) for name, part in ({"all": sample} if len(parts) > 1 else {}).items()} | {
        name: _decompose(part) for name, part in parts.items()
    }


def _decompose(sample: Sample) -> eq.Decomposition:
    """What the log loss of every trial of a complete pair varies with."""
    part = sample.where((sample.sequential > 0) & (sample.parallel > 0))
    # Q follows from other factors; a linear model has room for one of them.
    names = [name for name in part.strata if name != "Q" and len(np.unique(part.columns[name])) > 1]
    factors = {name: np.tile(part.columns[name], 2) for name in names}
    factors["architecture"] = np.repeat([0, 1], len(part))
    terms = [("architecture",), *((name,) for name in names), *(("architecture", name) for name in names)]
    loss = np.log(np.concatenate([part.sequential, part.parallel]))
    seed = np.tile(part.columns["seed"], 2)
    return eq.decompose(loss, factors, terms, np.tile(part.training, 2), "architecture", seed)
