"""Every kind of network, method, measure and study of the five papers takes a step."""

from typing import Any

import pytest

from models.kinds import KINDS
from sweep.engine.training import train
from sweep.measures import MEASURES
from sweep.methods import METHODS
from sweep.result import Setting, TrialResult
from sweep.studies import STUDIES
from sweep.trial import Trial

PAPERS: dict[str, dict[str, set[str]]] = {
    "P1": {"studies": {"grid", "grid-small", "quick"}, "networks": {"stack"}, "measures": {"truncation"}},
    "P2": {
        "studies": {"lesion", "paths"},
        "networks": {"resnet", "preresnet", "vgg"},
        "methods": {"plain", "effective-paths"},
        "measures": {"lesions", "paths"},
    },
    "P3": {
        "studies": {"shallow-first"},
        "networks": {"densenet", "densenet-bc", "se-resnet", "se-preresnet", "sk-resnet", "wide-resnet"},
        "measures": {"subnetworks"},
    },
    "P4": {
        "studies": {"norm-preservation"},
        "networks": {"procrustes-resnet"},
        "methods": {"procrustes"},
        "measures": {"gradient-norms"},
    },
    "P5": {
        "studies": {"droppath"},
        "networks": {"linear"},
        "methods": {"droppath", "residual-droppath"},
        "measures": {"features"},
    },
}
"""What rebuilds each paper; a small form of a study belongs with it."""
DEPTHS = {"stack": 2, "linear": 2, "vgg": 7, "densenet": 7, "densenet-bc": 10, "wide-resnet": 10, "sk-resnet": 11}
DEPTHS |= {"procrustes-resnet": 13, "resnet": 8, "preresnet": 8, "se-resnet": 8, "se-preresnet": 8}
TAKING: dict[str, dict[str, Any]] = {
    "droppath": {"drop_rate": 0.5},
    "residual-droppath": {"drop_rate": 0.5, "retrain_steps": 1},
    "effective-paths": {"kept_blocks": 2},
    "procrustes": {"projection_rate": 1.0},
}


def trial(network: str = "preresnet", **factors: Any) -> Trial:
    """A trial of one optimiser step."""
    fixed = {"dataset": "digits", "train_samples": 20, "val_samples": 20, "batch_size": 20, "epochs": 1}
    return Trial("papers", network=network, depth=DEPTHS[network], filters=4, **fixed, **factors)


def result_of(trial: Trial) -> TrialResult:
    *_, results = train([trial], Setting())
    assert isinstance(results, list)
    [result] = results
    assert result.status == "finished"
    assert len(result.epochs) == 1
    return result


@pytest.mark.parametrize(
    ("sort", "registered"), [("networks", KINDS), ("methods", METHODS), ("measures", MEASURES), ("studies", STUDIES)]
)
def test_a_paper_stands_for_each_part(sort: str, registered: dict[str, Any]) -> None:
    listed = [name for parts in PAPERS.values() for name in parts.get(sort, set())]
    full = [name for name in registered if not name.endswith("-quick") and ":" not in name]
    assert sorted(listed) == sorted(full)


@pytest.mark.parametrize("network", DEPTHS)
def test_a_network_takes_a_step(network: str) -> None:
    result_of(trial(network))


@pytest.mark.parametrize("method", sorted({name for parts in PAPERS.values() for name in parts.get("methods", ())}))
def test_a_method_takes_a_step(method: str) -> None:
    result_of(trial(method=method, **TAKING.get(method, {})))


@pytest.mark.parametrize("measure", sorted({name for parts in PAPERS.values() for name in parts["measures"]}))
@pytest.mark.parametrize("network", ["preresnet", "stack"])
def test_a_measure_finds_numbers_before_and_after_a_step(measure: str, network: str) -> None:
    few: dict[str, Any] = {"paths": {"path_draws": 3}, "lesions": {"lesion_draws": 2, "most_deleted": 2}}.get(
        measure, {}
    )
    result = result_of(trial(network, measure=measure, measure_every=1, **few))
    assert {row.epoch for row in result.measurements} == {0, None}
    assert any(row.value is not None for row in result.measurements)


@pytest.mark.parametrize("study", [name for name in STUDIES if name.endswith("quick")])
def test_a_network_of_each_arm_of_a_small_study_takes_a_step(study: str) -> None:
    space = STUDIES[study]
    small: dict[str, Any] = {"train_samples": 10, "val_samples": 10, "image_size": 8, "epochs": 1, "batch_size": 10}
    small |= {"pretrain_epochs": 0, "seed": 0}
    firsts: dict[tuple[Any, ...], Trial] = {}
    for each in space.trials():
        firsts.setdefault((each.network, each.architecture, each.method, each.measure), each)
    for each in firsts.values():
        changes = {name: value for name, value in small.items() if name != "pretrain_epochs" or each.pretrain_epochs}
        few = {"path_draws": 2} if "paths" in each.measures else {}
        few |= {"subnetwork_draws": 2, "subnetwork_sizes": 2} if "subnetworks" in each.measures else {}
        few |= {"lesion_draws": 2, "most_deleted": 1} if "lesions" in each.measures else {}
        few |= {"finetune_epochs": 0} if "truncation" in each.measures else {}
        few |= {"filters": min(each.filters, 4)} if each.method != "effective-paths" else {}
        result_of(each.but(**changes, **few))


@pytest.mark.parametrize(("study", "within"), [("shallow-first", 1.12), ("shallow-first-quick", 1.03)])
def test_the_residual_networks_whose_learning_is_compared_have_as_many_parameters(study: str, within: float) -> None:
    sizes = {each.network: each.shape.parameters for each in STUDIES[study].trials() if each.network != "stack"}
    assert len(sizes) == 4
    assert max(sizes.values()) / min(sizes.values()) < within
