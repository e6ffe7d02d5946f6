"""All that a study says of its gradients' norms, before it is put into words."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.arms import arm_groups
from analysis.measurements import Study, study_trials
from analysis.questions.norm_preservation.depths import Depths, by_depth
from analysis.questions.norm_preservation.projection import Comparison, compare_projected
from analysis.questions.norm_preservation.rates import Dispute, Ladder, disputes, ladders
from analysis.questions.norm_preservation.stacks import Correlation, Twins, find_twins, goes_with_loss
from analysis.questions.norm_preservation.summary import NetworkNorms, find_norms
from analysis.results import Results
from analysis.training_curves import Curves, find_curves


@dataclass(frozen=True)
class Findings:
    """What each of the question's parts has found; empty where the study has nothing for it."""

    study: Study[NetworkNorms]
    depths: list[Depths]
    compared: list[Comparison]
    curves: Mapping[str, Curves]
    """Of the networks that are compared, by label."""
    ladders: list[Ladder]
    disputes: list[Dispute]
    twins: list[Twins]
    norms_and_losses: Mapping[str, Correlation]
    """Over the twins of one contrast, by the arrangement of the first."""

    @property
    def networks(self) -> tuple[NetworkNorms, ...]:
        """The networks of the study."""
        return self.study.networks


def find(results: Results, study: str) -> Findings | None:
    """What a study says; None where the norms of no gradients were measured."""
    found = find_norms(results, study)
    if found is None:
        return None
    compared = compare_projected(arm_groups(results, study), found.networks)
    rungs, twins = ladders(study_trials(results, study)), find_twins(found.networks)
    sides = [side for each in compared for side in (each.projected, each.plain)]
    return Findings(
        study=found,
        depths=by_depth(found.networks),
        compared=compared,
        curves=find_curves(results, {side.label: side.finished for side in sides}),
        ladders=rungs,
        disputes=disputes(rungs),
        twins=twins,
        norms_and_losses=goes_with_loss(twins),
    )
